/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The Linux words of the engine, in user space.
 *
 * DOC: kapi
 *
 * Force-included before every file of the user-space build (-include), with
 * the include guard of kmod/core/kapi.h, which therefore turns out empty.  The
 * list of words is there; a word that the kernel has and this does not fails
 * to compile, so that the list stays honest.
 *
 *  base.h  types, compiler, numbers, bits, endianness, strings
 *  race.h  what a detector of data races is told
 *  atomic.h  atomics, READ_ONCE() and their like
 *  run.h   runs, fibers, hooks: what the kernel does not have; for checks
 *          and tools only
 *  sync.h  locks, waiting, completions, work
 *  mem.h   memory, random numbers, time
 *  points.h  marks that count what occurred
 *
 * list.h, rbtree and sort() are the kernel's own: user.mk copies them from
 * Debian's kernel source to build/kernel-include/kernel/ without their
 * #include lines.  No file called linux/... is ever made: it would shadow the
 * C library's.
 *
 * Every word is at least as strict as in the kernel.  What it would not
 * survive, or would merely warn of, or what lockdep and might_sleep() would
 * find, ends the run through kapi_fail().
 *
 * KAPI_NO_CHECKS leaves out what costs time on hot paths: lock order and
 * ownership, list checks, poisoned memory, might_sleep().  Only the bench
 * flavour sets it.
 */
#ifndef SHARD_KAPI_H
#define SHARD_KAPI_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/types.h>
#include <linux/types.h>

#include "race.h"
#include "base.h"
#include "run.h"
#include "atomic.h"
#include <kernel/list.h>
#include <kernel/rbtree_types.h>
#include <kernel/rbtree.h>
#include "sync.h"
#include "mem.h"
#include "points.h"

#endif /* SHARD_KAPI_H */
