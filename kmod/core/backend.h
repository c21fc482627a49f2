/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The back door: the backing device as the engine sees it.
 *
 * Three implementations exist: bios on a block device (kmod/block), the disk
 * model of the checks (userspace-model/sim) and a file (tools).  Only
 * writeback.c calls them.
 */
#ifndef SHARD_BACKEND_H
#define SHARD_BACKEND_H

#include "kapi.h"

struct shard_backend;

enum shard_io_op {
	SHARD_IO_READ,		/* any blocks */
	SHARD_IO_APPEND,	/* write at the write pointer of an extent */
	SHARD_IO_FLUSH,		/* all completed appends become durable */
	SHARD_IO_RESET,		/* rewind an extent; nothing to do unless zoned */
	SHARD_IO_FINISH,	/* zoned only: a zone is full, whatever is in it */
};

#define SHARD_IO_OPS	(SHARD_IO_FINISH + 1)

/**
 * struct shard_seg - a piece of memory
 * @addr:	kernel address, a multiple of 512; may lie in the vmalloc area
 * @len:	bytes, a multiple of 512
 */
struct shard_seg {
	void *addr;
	u32 len;
};

/**
 * struct shard_io - one operation on the backing device
 * @op:		what to do
 * @fua:	append: durable when done; only if the device has it
 * @offset:	bytes from the start of the device (not for flush)
 * @len:	bytes; reset, finish: the size of the extent
 * @segs:	memory to read into or to write from
 * @seg_skip:	bytes to skip in front of it, a multiple of 512; may exceed the
 *		first segment
 * @done:	called once, in any context (hard interrupts too), possibly before
 *		submit returns; @error is set
 * @error:	0 or -EIO: whatever the back end calls it, other names mean other
 *		things to the engine (-ENODATA that no record is there, -ENOSPC that
 *		no extent is)
 * @node:	for the back end while the operation is under way
 * @private:	for the back end while the operation is under way
 *
 * The submitter owns all of it before submit and from done on; memory and
 * @segs must live until done.
 */
struct shard_io {
	enum shard_io_op op;
	bool fua;
	u64 offset;
	u32 len;
	const struct shard_seg *segs;
	u32 seg_skip;
	void (*done)(struct shard_io *io);
	int error;
	struct list_head node;
	void *private;
};

/**
 * struct shard_backend_ops - what a backing device can do
 * @submit:	start an operation; never sleeps, never fails by itself: errors
 *		come with done
 * @report:	zoned only: the write pointer of the zone at @offset, in bytes
 *		from the start of the zone; may sleep
 */
struct shard_backend_ops {
	void (*submit)(struct shard_backend *backend, struct shard_io *io);
	int (*report)(struct shard_backend *backend, u64 offset, u64 *wp);
};

/**
 * struct shard_backend - a backing device, embedded by its implementation
 * @ops:		how to reach it
 * @name:		for messages
 * @capacity:		bytes
 * @logical_block_size:	smallest unit of I/O, bytes
 * @physical_block_size: smallest unit written without read-modify-write, bytes
 * @zone_size:		bytes, 0 when not zoned; all zones are sequential
 * @active_max:		zones that may be partly written at a time; 0: all, or
 *			not zoned
 * @misaligned:		blocks of it do not begin where physical blocks do
 * @volatile_cache:	completed appends may be lost until a flush
 * @fua:		appends can be durable at once
 * @read_only:		appends fail
 */
struct shard_backend {
	const struct shard_backend_ops *ops;
	char name[64];
	u64 capacity;
	u32 logical_block_size;
	u32 physical_block_size;
	u32 zone_size;
	u32 active_max;
	bool misaligned;
	bool volatile_cache;
	bool fua;
	bool read_only;
};

#endif /* SHARD_BACKEND_H */
