/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The only door to Linux words of what has to do with the lives of devices:
 * table.c, queue.c and scrub.c.
 *
 * They build in user space too, line by line: userspace-model/block/linux.h has
 * the same include guard there, and a model of the block layer.  A word that is
 * not listed here is not to be used in these three:
 *
 *  all that core uses    ../core/kapi.h
 *  the table             DEFINE_MUTEX(), DEFINE_IDR(), idr_alloc(), idr_find(),
 *                        idr_remove(), idr_for_each_entry(), idr_destroy()
 *  work                  schedule_work(), system_long_wq, mod_delayed_work()
 *  backing devices       lookup_bdev(), bdev_dma_alignment(), MAJOR(), MINOR()
 *  disks                 blk_mq_alloc_tag_set(), compat_alloc_disk(),
 *                        device_add_disk(), del_gendisk(), put_disk() and what
 *                        is set and asked of a disk
 *  requests              struct request, and their begin and end
 *  the rest              compat_shrinker_add(), kobject_uevent_env(),
 *                        seq_printf(), ktime_get_boottime_seconds()
 */
#ifndef SHARDBLK_LINUX_H
#define SHARDBLK_LINUX_H

#include <linux/idr.h>
#include <linux/kobject.h>
#include <linux/ktime.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/seq_file.h>
#include <linux/uuid.h>
#include <linux/workqueue.h>

#include "compat.h"

#endif /* SHARDBLK_LINUX_H */
