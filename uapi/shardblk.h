/* SPDX-License-Identifier: (GPL-2.0-only WITH Linux-syscall-note) OR BSD-3-Clause */
/*
 * shardblk: the control interface
 *
 * DOC: control interface
 *
 * Devices are added, removed and looked at through /dev/shardblk-control
 * (mode 0600, and CAP_SYS_ADMIN besides), either as lines of text for people
 * (read the node for the commands), or by these ioctls for programs.
 *
 * Each argument begins with struct shardblk_ioctl, where the caller states
 * the size of the argument and the version of this interface that it was
 * built with.  They must be exactly the module's: -EPROTONOSUPPORT says that
 * they are not.  The one request that is understood across all versions is
 * SHARDBLK_IOC_VERSION, from which a program makes its message.
 *
 * Fields marked "zero" are checked to be.  A request that fails has changed
 * nothing, its argument included; the kernel log says why in one line.
 *
 * Errors of all requests: -EPERM (no CAP_SYS_ADMIN), -EFAULT, -EINVAL (a
 * field that must be zero is not, or is out of its range), -EPROTONOSUPPORT,
 * -ENOTTY (no such request).
 */
#ifndef _UAPI_SHARDBLK_H
#define _UAPI_SHARDBLK_H

#include <linux/ioctl.h>
#include <linux/types.h>

#define SHARDBLK_CONTROL_PATH	"/dev/shardblk-control"

/* Grows with every change of this file that a program could notice. */
#define SHARDBLK_IOCTL_VERSION	4

#define SHARDBLK_DEVICES_MAX	256	/* ids are below this */
#define SHARDBLK_STATS_MAX	64
#define SHARDBLK_NAME_MAX	64	/* bytes, with the final 0 */

/* Bytes; the ranges of the options of SHARDBLK_IOC_ADD. */
#define SHARDBLK_MEMTABLE_MIN	(64u << 10)
#define SHARDBLK_MEMTABLE_MAX	(1024u << 20)
#define SHARDBLK_CACHE_MIN	(64u << 10)
#define SHARDBLK_CACHE_MAX	(1024u << 20)

/* Per cent; the highest low watermark. */
#define SHARDBLK_WATERMARK_MAX	50u
/* Hours; the longest time from one scrub to the next: a year. */
#define SHARDBLK_SCRUB_INTERVAL_MAX	8784u
/* Milliseconds without a request after which a device is idle; or it never is. */
#define SHARDBLK_IDLE_MS_MIN	100u
#define SHARDBLK_IDLE_MS_MAX	3600000u
#define SHARDBLK_IDLE_NEVER	0xffffffffu

enum shardblk_state {
	SHARDBLK_STATE_READ_WRITE	= 0,
	SHARDBLK_STATE_FULL		= 1,
	SHARDBLK_STATE_READ_ONLY	= 2,
	SHARDBLK_STATE_FAILED		= 3,
};

/**
 * struct shardblk_ioctl - how every argument but that of VERSION begins
 * @size:	sizeof the whole argument
 * @version:	SHARDBLK_IOCTL_VERSION
 */
struct shardblk_ioctl {
	__u32 size;
	__u32 version;
};

/**
 * struct shardblk_version - argument of SHARDBLK_IOC_VERSION; never changes
 * @ioctl_version:	out: SHARDBLK_IOCTL_VERSION of the module
 * @format_version:	out: SHARDBLK_FORMAT_VERSION of the module
 * @nr_stats:		out: counters that a device has
 * @reserved:		out: zero
 * @release:		out: version of the module, text
 */
struct shardblk_version {
	__u32 ioctl_version;
	__u32 format_version;
	__u32 nr_stats;
	__u32 reserved;
	char release[SHARDBLK_NAME_MAX];
};

/**
 * struct shardblk_stat - argument of SHARDBLK_IOC_STAT: what a counter means
 * @h:		header
 * @index:	in: place in @stats of struct shardblk_status
 * @reserved:	in: zero
 * @name:	out: text, one word
 * @meaning:	out: text
 */
struct shardblk_stat {
	struct shardblk_ioctl h;
	__u32 index;
	__u32 reserved;
	char name[SHARDBLK_NAME_MAX];
	char meaning[SHARDBLK_NAME_MAX];
};

#define SHARDBLK_ADD_READ_ONLY	0x1u
#define SHARDBLK_ADD_RETRY_BAD	0x2u
#define SHARDBLK_ADD_FLAGS	(SHARDBLK_ADD_READ_ONLY | SHARDBLK_ADD_RETRY_BAD)

#define SHARDBLK_ID_ANY		(-1)

/**
 * struct shardblk_add - argument of SHARDBLK_IOC_ADD
 * @h:		header
 * @id:		in: N of /dev/shardblkN, or SHARDBLK_ID_ANY for the lowest
 *		that is free; out: which it is
 * @flags:	in: SHARDBLK_ADD_READ_ONLY: write nothing to the backing device;
 *		SHARDBLK_ADD_RETRY_BAD: reset and write bad extents, and use
 *		them again where that succeeds
 * @path:	in: address of the path of the backing block device, a string
 * @memtable:	in: bytes of memory for one memtable, of which there are two,
 *		SHARDBLK_MEMTABLE_MIN to SHARDBLK_MEMTABLE_MAX; 0: 16 MiB; of
 *		more than 80 MiB no use is made
 * @cache:	in: bytes of index pages kept in memory, SHARDBLK_CACHE_MIN to
 *		SHARDBLK_CACHE_MAX; 0: 4096 pages
 * @low_watermark: in: per cent of all space: space is low when less is left; up
 *		to SHARDBLK_WATERMARK_MAX; 0: 10 for a device that is thin, else none
 * @scrub_interval: in: hours from one scrub to the next, up to
 *		SHARDBLK_SCRUB_INTERVAL_MAX; 0: none begins by itself
 * @idle_ms:	in: milliseconds without a request after which space is reclaimed
 *		ahead, SHARDBLK_IDLE_MS_MIN to SHARDBLK_IDLE_MS_MAX, or
 *		SHARDBLK_IDLE_NEVER; 0: 1000
 * @reserved:	in: zero
 *
 * Returns when the device was recovered and is there.  Errors: -EEXIST (id
 * taken), -ENOSPC (no id free), -ENOTBLK (not a block device), -EBUSY
 * (backing in use, or the same device is added already, or the machine hibernates
 * and it was not to be read-only), -ELOOP (backing is a shardblk device), -ENODEV
 * (not formatted), -EOPNOTSUPP (format of another version or with a feature that
 * is not known, or backing is zoned, or the largest request is smaller than a
 * page of memory), -EUCLEAN (damage), -EROFS (backing is read-only, the device
 * was not to be), -EINTR (killed), -EIO, -ENOMEM, those of open().
 */
struct shardblk_add {
	struct shardblk_ioctl h;
	__s32 id;
	__u32 flags;
	__u64 path;
	__u64 memtable;
	__u64 cache;
	__u32 low_watermark;
	__u32 scrub_interval;
	__u32 idle_ms;
	__u32 reserved;
};

/**
 * struct shardblk_id - argument of SHARDBLK_IOC_REMOVE and _CHECKPOINT
 * @h:		header
 * @id:		in: which device
 * @reserved:	in: zero
 *
 * Errors: -ENODEV (no such device); remove: -EBUSY (open, or being added or
 * removed); checkpoint: -EBUSY (being removed), -EROFS, -EIO.  Remove
 * returns when everything acknowledged is durable; if it could not be made
 * so the device is gone as well, and the error is -EIO.
 */
struct shardblk_id {
	struct shardblk_ioctl h;
	__s32 id;
	__u32 reserved;
};

/**
 * struct shardblk_list - argument of SHARDBLK_IOC_LIST
 * @h:		header
 * @nr_ids:	in: room at @ids; out: number of devices, may be more
 * @reserved:	in: zero
 * @ids:	in: address of an array of __s32, filled in ascending order
 */
struct shardblk_list {
	struct shardblk_ioctl h;
	__u32 nr_ids;
	__u32 reserved;
	__u64 ids;
};

/**
 * struct shardblk_status - argument of SHARDBLK_IOC_STATUS
 * @h:			header
 * @id:			in: which device
 * @reserved:		in: zero
 * @state:		out: enum shardblk_state
 * @read_only:		out: 1 when it was added so, else 0
 * @major:		out: device number of /dev/shardblkN
 * @minor:		out: device number of /dev/shardblkN
 * @backing_major:	out: device number of the backing device
 * @backing_minor:	out: device number of the backing device
 * @backing:		out: its path, text
 * @uuid:		out: identity of the device
 * @format_id:		out: identity of the format
 * @block_size:		out: bytes
 * @extent_blocks:	out: blocks of an extent
 * @nr_extents:		out: extents on the backing device
 * @request_blocks_max: out: blocks of the largest read or write
 * @super_extents:	out: extents that hold superblock records
 * @meta_extents:	out: extents set aside for manifests
 * @index_extents:	out: extents set aside for runs
 * @reloc_extents:	out: extents beyond the host's that only moved data may use
 * @discard_extents:	out: extents that only discards may use
 * @head_extents:	out: extents set aside for open append positions
 * @host_extents:	out: extents for host data
 * @free_extents:	out: extents that are free now
 * @host_extents_used:	out: host extents in use now
 * @host_extents_left:	out: extents that the host can still open
 * @reloc_extents_used:	out: extents with moved data in use now
 * @thin:		out: more is promised than there is room for
 * @free_guaranteed:	out: blocks that certainly can be written
 * @free_estimate:	out: blocks that probably can be
 * @low_watermark:	out: per cent of all space; 0: none
 * @space_low:		out: 1 when there is less than that, else 0
 * @logical_blocks:	out: size of the device
 * @mapped_blocks:	out: blocks that look-ups in the index lead to, as of the
 *			last checkpoint
 * @applied_seq:	out: last sequence number applied
 * @durable_seq:	out: last sequence number known durable
 * @checkpoint_seq:	out: last sequence number in the runs
 * @record_number:	out: number of the newest superblock record
 * @log_blocks:		out: blocks that a recovery would replay now
 * @nr_stats:		out: counters in @stats
 * @bad_extents:	out: extents that could not be written or reset; blocks
 *			may still live in them
 * @stats:		out: counters; SHARDBLK_IOC_STAT names them
 *
 * Errors: -ENODEV (no such device).
 */
struct shardblk_status {
	struct shardblk_ioctl h;
	__s32 id;
	__u32 reserved;
	__u32 state;
	__u32 read_only;
	__u32 major;
	__u32 minor;
	__u32 backing_major;
	__u32 backing_minor;
	char backing[SHARDBLK_NAME_MAX];
	__u8 uuid[16];
	__u8 format_id[16];
	__u32 block_size;
	__u32 extent_blocks;
	__u32 nr_extents;
	__u32 request_blocks_max;
	__u32 super_extents;
	__u32 meta_extents;
	__u32 index_extents;
	__u32 reloc_extents;
	__u32 discard_extents;
	__u32 head_extents;
	__u32 host_extents;
	__u32 free_extents;
	__u32 host_extents_used;
	__u32 host_extents_left;
	__u32 reloc_extents_used;
	__u32 thin;
	__u64 free_guaranteed;
	__u64 free_estimate;
	__u32 low_watermark;
	__u32 space_low;
	__u64 logical_blocks;
	__u64 mapped_blocks;
	__u64 applied_seq;
	__u64 durable_seq;
	__u64 checkpoint_seq;
	__u64 record_number;
	__u64 log_blocks;
	__u32 nr_stats;
	__u32 bad_extents;
	__u64 stats[SHARDBLK_STATS_MAX];
};

#define SHARDBLK_IOC_MAGIC	0xbd

#define SHARDBLK_IOC_VERSION	_IOR(SHARDBLK_IOC_MAGIC, 0, struct shardblk_version)
#define SHARDBLK_IOC_STAT	_IOWR(SHARDBLK_IOC_MAGIC, 1, struct shardblk_stat)
#define SHARDBLK_IOC_ADD	_IOWR(SHARDBLK_IOC_MAGIC, 2, struct shardblk_add)
#define SHARDBLK_IOC_REMOVE	_IOW(SHARDBLK_IOC_MAGIC, 3, struct shardblk_id)
#define SHARDBLK_IOC_LIST	_IOWR(SHARDBLK_IOC_MAGIC, 4, struct shardblk_list)
#define SHARDBLK_IOC_STATUS	_IOWR(SHARDBLK_IOC_MAGIC, 5, struct shardblk_status)
#define SHARDBLK_IOC_CHECKPOINT	_IOW(SHARDBLK_IOC_MAGIC, 6, struct shardblk_id)

#endif /* _UAPI_SHARDBLK_H */
