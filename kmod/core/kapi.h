/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The only door of the engine to Linux words.
 *
 * The user-space build force-includes its own header with this include guard
 * (userspace-model/kapi/kapi.h), so that not one line of the engine knows
 * where it runs.  A word that is not listed here is not to be used in core:
 *
 *  lists and trees   list.h, rbtree.h
 *  locks             spinlock_t with _irqsave, struct mutex,
 *                    seqcount_spinlock_t, data_race(), lockdep_assert_held()
 *  waiting           wait_queue_head_t with wait_event(), or
 *                    wait_event_idle() where a job of any length is waited for,
 *                    completions, fatal_signal_pending(current)
 *  work              alloc_workqueue(), queue_work(), cancel_work_sync();
 *                    queue_delayed_work(), cancel_delayed_work_sync(),
 *                    msecs_to_jiffies(), msleep()
 *  memory            kzalloc(), kvzalloc(), kvcalloc() and their frees;
 *                    memalloc_noio_save()
 *  numbers           endian words, min/max, DIV_ROUND_UP, div_u64(),
 *                    div64_u64(), ilog2(), fls64(), __ffs64(), hweight64()
 *  the rest          crc32c(), get_random_bytes(), ktime_get_ns(), pr_*(),
 *                    WARN_ON_ONCE(), atomic_t, atomic64_t, READ_ONCE
 *
 * And one pair that the kernel does not have: shard_sometimes(condition,
 * "what"), and shard_rarely(), mark situations that must occur while the engine
 * is checked.
 */
#ifndef SHARD_KAPI_H
#define SHARD_KAPI_H

#undef pr_fmt
#define pr_fmt(fmt) "shardblk: " fmt

#include <linux/atomic.h>
#include <linux/bitops.h>
#include <linux/build_bug.h>
#include <linux/completion.h>
#include <linux/crc32c.h>
#include <linux/delay.h>
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/ktime.h>
#include <linux/limits.h>
#include <linux/list.h>
#include <linux/lockdep.h>
#include <linux/log2.h>
#include <linux/math64.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/printk.h>
#include <linux/random.h>
#include <linux/rbtree.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/seqlock.h>
#include <linux/slab.h>
#include <linux/sort.h>
#include <linux/spinlock.h>
#include <linux/string.h>
#include <linux/types.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

#define shard_sometimes(cond, what)	((void)sizeof(!!(cond)))
#define shard_rarely(cond, what)	((void)sizeof(!!(cond)))

#endif /* SHARD_KAPI_H */
