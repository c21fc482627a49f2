/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The front door: a shardblk device as its users see it.
 *
 * Users are the kernel's block layer glue (kmod/block), the checks
 * (userspace-model) and the tools.
 *
 * Life cycle of a device: shard_device_open() recovers and serves;
 * shard_device_submit() and shard_device_commit() as often as wanted;
 * shard_device_close() once no request is under way and none will come.
 */
#ifndef SHARD_H
#define SHARD_H

#include "backend.h"
#include "event.h"
#include "map.h"
#include "stats.h"
#include "writeback.h"

struct shard_device;
struct shard_version;

/* Blocks of the largest request, whatever the block size. */
#define SHARD_REQUEST_BLOCKS_MAX	128
/* Backing reads that one request keeps in flight. */
#define SHARD_REQUEST_IOS		4
/* Milliseconds without a request after which a device is idle. */
#define SHARD_IDLE_MS_MIN		100u
#define SHARD_IDLE_MS_MAX		3600000u
/* It never is. */
#define SHARD_IDLE_NEVER		U32_MAX
/* Per cent; the highest low watermark. */
#define SHARD_WATERMARK_MAX		50u

enum shard_op {
	SHARD_READ,
	SHARD_WRITE,
	SHARD_DISCARD,		/* and write-zeroes: the blocks become holes */
	SHARD_FLUSH,
};

/*
 *            space is back
 *          .---------------.
 *          v               |
 *    READ_WRITE ---------> FULL          writes fail with -ENOSPC
 *          |  no space      |
 *          '-------.--------'
 *   error that   v
 *   no retry     READ_ONLY               writes fail with -EROFS
 *   helps            |  backing device gone
 *                    v  (from each state)
 *                FAILED                  all fails with -EIO
 */
enum shard_state {
	SHARD_STATE_READ_WRITE,
	SHARD_STATE_FULL,
	SHARD_STATE_READ_ONLY,
	SHARD_STATE_FAILED,
};

struct shard_request;

/* A backing read on behalf of a request. */
struct shard_request_io {
	struct shard_io io;
	struct shard_request *request;
	u32 first;		/* block within the request */
	u32 nr_blocks;
	bool busy;
};

/**
 * struct shard_request - one request, embedded by the caller
 * @op:		what to do
 * @fua:	write, discard: acknowledge when durable
 * @lba:	first logical block
 * @nr_blocks:	blocks; read and write: at most SHARD_REQUEST_BLOCKS_MAX and the
 *		device's limit; discard: any; flush: 0
 * @segs:	read, write: memory, @nr_blocks blocks in all
 * @done:	called once, in any context, possibly before submit returns:
 *		0, -EIO (error or mismatch), -ENOSPC (full), -EROFS (read-only),
 *		-EINVAL (out of range)
 *
 * The caller fills in these; all below is the engine's and needs no set-up.
 * @segs and the memory must live until @done.  The contents of a write may
 * change while it is under way: either content may be written, and no other
 * request suffers.
 */
struct shard_request {
	enum shard_op op;
	bool fua;
	u64 lba;
	u32 nr_blocks;
	const struct shard_seg *segs;
	void (*done)(struct shard_request *request, int error);

	struct shard_device *device;
	struct list_head node;
	int error;
	u64 seq;
	struct shard_dep dep;
	struct shard_dep_waiter durable;
	/* reads */
	struct work_struct work;
	struct shard_version *version;
	spinlock_t lock;		/* of what follows */
	u32 next;			/* first block not yet issued */
	u32 nr_busy;
	bool issuing;
	u64 retry[SHARD_REQUEST_BLOCKS_MAX / 64];
	struct shard_block_map map[SHARD_REQUEST_BLOCKS_MAX];
	struct shard_request_io ios[SHARD_REQUEST_IOS];
};

/**
 * struct shard_options - how to run a device; 0 means the default
 * @read_only:		write nothing to the backing device
 * @retry_bad:		have bad extents tried: free again if they can be written
 * @memtable_entries:	entries of one memtable (two exist); each request may
 *			need two.  Default 16 MiB worth, 8 to 2^20
 * @cache_pages:	index pages kept in memory.  Default 4096, at least 2
 * @frames_in_flight:	frames of the host stream.  Default 4, at most 16
 * @checkpoint_frames:	checkpoint after so many frames.  Default: no limit
 *			but the format's number of blocks
 * @compact_runs:	fewer runs of the index are not merged.  Default 4, 2 to 12
 * @compact_oldest:	the oldest run is not merged while it is more than so many times
 *			as long as all others together.  Default 16, at most 1024
 * @low_watermark:	per cent of all space: with less, little is left.  Default 10 if
 *			more is promised than there is room for, else none
 * @idle_ms:		when there was no request for so long, space is reclaimed
 *			ahead.  Default 1000, SHARD_IDLE_MS_MIN to SHARD_IDLE_MS_MAX,
 *			or SHARD_IDLE_NEVER
 * @trace:		events, or NULL
 * @state_changed:	told of each change of state, in any context, or NULL
 * @space_changed:	told when little is left, and when no longer; any context, or
 *			NULL
 * @ctx:		first argument of these
 */
struct shard_options {
	bool read_only;
	bool retry_bad;
	u32 memtable_entries;
	u32 cache_pages;
	u32 frames_in_flight;
	u32 checkpoint_frames;
	u32 compact_runs;
	u32 compact_oldest;
	u32 low_watermark;
	u32 idle_ms;
	const struct shard_trace_ops *trace;
	void (*state_changed)(void *ctx, enum shard_state state);
	void (*space_changed)(void *ctx, bool low);
	void *ctx;
};

/**
 * struct shard_format_options - how to format; 0 means the default
 * @block_size:		512 or 4096 (default), at least the backing device's
 *			physical block size
 * @extent_size:	bytes, a power of two; default capacity/1024 rounded to a
 *			power of two within 1 MiB..256 MiB, giving at least 32
 *			extents; zoned: the zone size
 * @logical_size:	bytes; default what @spare_permille leaves
 * @spare_permille:	usable / logical - 1; default 120
 * @checkpoint_blocks:	log blocks between checkpoints; default capacity/16384 worth,
 *			64 MiB at least and 4 GiB at most
 * @reloc_streams:	streams of moved data, at most SHARDBLK_RELOC_STREAMS;
 *			default by the number of extents
 * @uuid:		all zero: random
 * @thin:		permit a logical size that does not fit: writes may find no space
 * @small:		permit sizes that only checks use
 */
struct shard_format_options {
	u32 block_size;
	u64 extent_size;
	u64 logical_size;
	u32 spare_permille;
	u32 checkpoint_blocks;
	u32 reloc_streams;
	u8 uuid[16];
	bool thin;
	bool small;
};

/**
 * struct shard_info - what is to be known about a device
 *
 * Sizes are in blocks unless the name says otherwise.
 */
struct shard_info {
	u8 uuid[16];
	u8 format_id[16];
	enum shard_state state;
	bool read_only;			/* opened so */
	bool thin;			/* larger than what there is room for */
	u32 block_size;			/* bytes */
	u32 extent_blocks;
	u32 nr_extents;
	u64 logical_blocks;
	u32 request_blocks_max;
	/* how the extents are divided, see extent.h */
	u32 super_extents;
	u32 meta_extents;
	u32 index_extents;
	u32 reloc_extents;
	u32 discard_extents;
	u32 head_extents;
	u32 host_extents;
	/* now */
	u32 free_extents;
	u32 bad_extents;		/* failed; live blocks may still be there */
	u32 host_extents_used;
	u32 reloc_extents_used;
	u32 host_extents_left;
	u32 low_watermark;		/* per cent; 0: none */
	bool space_low;
	u32 idle_ms;			/* or SHARD_IDLE_NEVER */
	u64 free_guaranteed;		/* that certainly can be written */
	u64 free_estimate;		/* that probably can */
	u64 mapped_blocks;		/* that look-ups in the runs lead to */
	u32 nr_runs;
	u64 applied_seq;
	u64 durable_seq;
	u64 checkpoint_seq;
	u64 record_number;
	u64 log_blocks;
	struct shard_stats_view stats;
};

int shard_format(struct shard_backend *backend,
		 const struct shard_format_options *options);

/** shard_options_memtable() - entries that so many bytes of memory hold */
u32 shard_options_memtable(u64 bytes);

/**
 * shard_device_open() - recover a device and begin to serve
 * @backend:	must live until shard_device_close()
 * @options:	or NULL for the defaults
 * @out:	the device
 *
 * May sleep, for as long as it takes to read the log.
 *
 * Return: 0; -ENODEV (no superblock of this format); -EOPNOTSUPP (feature or
 * version not known); -EUCLEAN (damage: what was durable cannot be found, or
 * numbers are used up, without @read_only);
 * -EIO; -EROFS (read-only backing without @read_only); -EINTR (killed);
 * -ENOMEM; -EINVAL (options).
 */
int shard_device_open(struct shard_backend *backend,
		      const struct shard_options *options,
		      struct shard_device **out);

/**
 * shard_device_close() - stop and free a device
 *
 * No request may be under way, and no other call: whoever waits for a job in one
 * would look at the device when it is gone.  Afterwards everything acknowledged is durable,
 * unless the state was read-only or failed.  May sleep.
 *
 * Return: 0, or the first error met; the device is gone either way.
 */
int shard_device_close(struct shard_device *device);

/**
 * shard_device_submit() - begin a request
 *
 * Never sleeps; process or softirq context.  A write may wait in the engine
 * for more of its kind until shard_device_commit(), so callers must call that
 * after the last of a batch.
 */
void shard_device_submit(struct shard_device *device,
			 struct shard_request *request);

/**
 * shard_device_next_data() - skip a hole
 * @lba:	from here on; changed to the first block that is not in one, or of
 *		which it cannot be told
 *
 * Sees what was acknowledged before.  May sleep.
 *
 * Return: 1; 0 if only holes follow; -EIO.
 */
int shard_device_next_data(struct shard_device *device, u64 *lba);

/** shard_device_commit() - issue what was gathered; never sleeps */
void shard_device_commit(struct shard_device *device);

/**
 * shard_device_checkpoint() - write a checkpoint now and wait for it
 *
 * May sleep.  Return: 0, -EROFS, -EIO.
 */
int shard_device_checkpoint(struct shard_device *device);

/**
 * shard_device_compact() - merge all runs of the index into one and wait for it
 *
 * What was overwritten or discarded before the last checkpoint then takes no
 * space any more.  May sleep.  Return: 0, -EROFS, -EIO.
 */
int shard_device_compact(struct shard_device *device);

/**
 * shard_device_reclaim() - evacuate one extent and give it up
 *
 * The one that is best to move, if any holds less than it could.  May sleep.
 * Return: 0, -EROFS, -EIO.
 */
int shard_device_reclaim(struct shard_device *device);

/** shard_device_cache_count() - index pages that could be given back */
unsigned long shard_device_cache_count(const struct shard_device *device);
/**
 * shard_device_cache_shrink() - give memory of cached index pages back
 * @nr:		pages, of the block size
 *
 * Never waits, and takes no lock that is held while anything is allocated but
 * without waiting: it may be called by who reclaims memory for a request of this
 * very device.  Any context, until shard_device_close() is called.
 *
 * Return: pages whose memory is free now.
 */
unsigned long shard_device_cache_shrink(struct shard_device *device,
					unsigned long nr);

struct shard_super_record;
struct shard_frame_header;

/**
 * struct shard_scrub - a scrub under way
 * @lba:	next logical block
 * @run_id:	then: run at hand
 * @page:	its next page
 * @run_end:	ids of runs to be looked at are below
 * @log_begun:	then: it is known which part of the log is looked at
 * @log_nr:	extent of it at hand
 * @log_block:	next header there
 * @nr_copies:	then: copies of the manifest and of the record that are done
 * @nr_damaged:	blocks, pages, headers, and those copies
 * @nr_read:	blocks that the last step read
 */
struct shard_scrub {
	struct shard_device *device;
	u64 lba;
	u64 run_id;
	u32 page;
	u64 run_end;
	bool log_begun;
	u32 log_nr;
	u32 log_block;
	u32 nr_copies;
	u64 nr_damaged;
	u32 nr_read;
	u8 *buf;
	struct shard_super_record *record;
	struct shard_frame_header *header;
	struct shard_block_map map[32];
};

/** shard_scrub_create() - may sleep; NULL without memory */
struct shard_scrub *shard_scrub_create(struct shard_device *device);
void shard_scrub_destroy(struct shard_scrub *scrub);

/**
 * shard_scrub_step() - read and verify the next few blocks
 *
 * Every mapped block, then every page of the index, then the headers of the log,
 * then each copy of the manifest and of the newest superblock record.  What is
 * damaged, twice, is logged by its name and its place, and counted.  May sleep.
 *
 * Return: how many blocks were read, at least 1; 0: that was all; -EIO: the
 * device has failed; -ENOMEM: nothing was done, it may be called again.
 */
int shard_scrub_step(struct shard_scrub *scrub);

/**
 * shard_device_set_watermark() - say when little space is left
 * @percent:	of all space, at most SHARD_WATERMARK_MAX; 0: never
 *
 * May sleep.
 */
void shard_device_set_watermark(struct shard_device *device, u32 percent);
/**
 * shard_device_set_idle() - when to reclaim space ahead
 * @ms:		as @idle_ms of the options, but not 0
 *
 * Any context.
 */
void shard_device_set_idle(struct shard_device *device, u32 ms);
/**
 * shard_device_hold_idle() - the system is about to sleep, or is awake again
 * @hold:	no idle time begins any more, and what is moved in one ends at its next
 *		frame; else it is as before
 *
 * Any context.
 */
void shard_device_hold_idle(struct shard_device *device, bool hold);
/** shard_device_space_low() - is there less than that; any context */
bool shard_device_space_low(struct shard_device *device);

/** shard_device_fail() - the backing device is gone; any context */
void shard_device_fail(struct shard_device *device);

enum shard_state shard_device_state(const struct shard_device *device);
const char *shard_state_name(enum shard_state state);
void shard_device_info(struct shard_device *device, struct shard_info *info);

/* Extents that a snapshot lists at most. */
#define SHARD_SNAPSHOT_EXTENTS	1024
/* Longest line of a snapshot, with its end. */
#define SHARD_SNAPSHOT_TEXT	160

/**
 * shard_device_snapshot() - the index and the extents as they are, in lines
 * @line:	told each: a word, then NAME=VALUE for what is to be known
 *
 * The geometry; the memtables; the runs, newest first; the extents that are not
 * free, up to a limit, in the order of their numbers.  Not all at one instant.
 * May sleep.
 */
void shard_device_snapshot(struct shard_device *device,
			   void (*line)(void *ctx, const char *text),
			   void *ctx);

/* What shard_check() and shard_identify() find. */
struct shard_identity {
	u8 uuid[16];
	u8 format_id[16];
	u32 block_size;
	u32 extent_blocks;
	u32 nr_extents;
	u64 logical_blocks;
};

/**
 * shard_identify() - is there a shardblk format here, and which
 *
 * Reads the superblock extents only.  May sleep.
 *
 * Return: 0, -ENODEV, -EOPNOTSUPP, -EIO, -ENOMEM.
 */
int shard_identify(struct shard_backend *backend,
		   struct shard_identity *identity);

/**
 * struct shard_check_report - where shard_check() tells what it finds
 * @damage:	called for each finding, with a sentence that names the record
 * @note:	called for what is unusual and no damage; or NULL
 * @nr_damaged:	findings
 * @nr_pages:	index pages read
 * @nr_blocks:	data blocks read
 */
struct shard_check_report {
	void (*damage)(struct shard_check_report *report, const char *what);
	void (*note)(struct shard_check_report *report, const char *what);
	u64 nr_damaged;
	u64 nr_pages;
	u64 nr_blocks;
};

/**
 * shard_check() - verify a device that was opened read-only
 * @data:	read and verify every data block as well
 *
 * May sleep.  Return: 0 (also with findings), -ENOMEM.
 */
int shard_check(struct shard_device *device, bool data,
		struct shard_check_report *report);

#endif /* SHARD_H */
