/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The kernel side of shardblk: a blk-mq disk above the engine, bios on a block
 * device below it, and a control node beside it.
 *
 *  main.c     the module
 *  control.c  /dev/shardblk-control as text
 *  ioctl.c    the same for programs
 *  table.c    the devices there are: add, remove, list
 *  queue.c    the disk: requests to the engine
 *  bio.c      the back end: bios to the backing device
 *  scrub.c    when the engine is to scrub
 *  sysfs.c    /sys/block/shardblkN/shardblk
 *  debugfs.c  /sys/kernel/debug/shardblk/N
 *  trace.c    tracepoints
 *
 * linux.h is the door to Linux of table.c, queue.c and scrub.c, which build in
 * user space, too; compat.h has what differs between kernels.
 */
#ifndef SHARDBLK_BLOCK_H
#define SHARDBLK_BLOCK_H

#include "../core/shard.h"
#include "../../uapi/shardblk.h"
#include "linux.h"

#define SHARDBLK_RELEASE	"0.1.0"

/*
 * Pieces of memory of a request; tells how many struct shard_seg to keep.  A block may
 * lie across two pages, and the largest request is not to be cut for that.
 */
#define SHARDBLK_SEGMENTS_MAX	(2 * SHARD_REQUEST_BLOCKS_MAX)

/* ------------------------------------------------------------------ bio.c */

/**
 * struct shardblk_backing - the backing device, as the engine's back end
 * @backend:	what the engine sees
 * @handle:	the block device
 * @dev:	its number
 * @bios:	enough bios to make progress with
 * @workqueue:	where bios are submitted
 * @work:	takes what is on @queued and submits it
 * @lock:	of @queued; hard interrupts take it
 * @queued:	operations that the worker is to issue
 * @gathers:	tasks that issue theirs themselves
 * @gone:	called in any context, as often as the backing device is found
 *		to be gone, by an operation before its done
 */
struct shardblk_backing {
	struct shard_backend backend;
	struct compat_bdev handle;
	dev_t dev;
	struct bio_set bios;
	struct workqueue_struct *workqueue;
	struct work_struct work;
	spinlock_t lock;		/* of the next two */
	struct list_head queued;
	struct list_head gathers;
	void (*gone)(struct shardblk_backing *backing);
};

/**
 * struct shardblk_segs - a position in the memory of an operation
 * @seg:	the segment
 * @skip:	bytes of it that were passed
 */
struct shardblk_segs {
	const struct shard_seg *seg;
	u32 skip;
};

/**
 * shardblk_segs_next() - the next stretch of physically contiguous memory
 * @pos:	moves behind it
 * @max:	bytes, at least 1; so many must be left
 * @bvec:	the stretch, of 1 to @max bytes
 */
void shardblk_segs_next(struct shardblk_segs *pos, u32 max,
			struct bio_vec *bvec);

/**
 * shardblk_segs_fit() - how much fits one bio
 * @pos:	from where
 * @len:	bytes that are left
 * @align:	the bio must end at a multiple of that, unless at the end
 * @nr_vecs:	vectors that are needed for it
 *
 * Return: bytes; 0 when the memory is in too small pieces.
 */
u32 shardblk_segs_fit(struct shardblk_segs pos, u32 len, u32 align,
		      unsigned short *nr_vecs);

/**
 * shardblk_backing_open() - open a backing device for us alone
 * @backing:	filled in on success
 * @name:	for messages
 * @dev:	which
 * @read_only:	write nothing to it
 *
 * Says why in the log when it fails.  May sleep.
 *
 * Return: 0, -EBUSY, -EROFS, -ELOOP (a shardblk), -EOPNOTSUPP (zoned),
 * -ENOMEM, those of open().
 */
int shardblk_backing_open(struct shardblk_backing *backing, const char *name,
			  dev_t dev, bool read_only);

/** shardblk_backing_close() - no operation may be under way; may sleep */
void shardblk_backing_close(struct shardblk_backing *backing);

/**
 * struct shardblk_gather - operations that a task keeps to issue them itself
 * @node:	in @gathers of the backing device
 * @task:	which; NULL: the worker has to
 * @queued:	operations; the task's own
 */
struct shardblk_gather {
	struct list_head node;
	struct task_struct *task;
	struct list_head queued;
};

/** shardblk_gather_begin() - keep what this task has the engine submit from now on */
void shardblk_gather_begin(struct shardblk_backing *backing,
			   struct shardblk_gather *gather);

/** shardblk_gather_end() - end that, and issue what was kept; may sleep */
void shardblk_gather_end(struct shardblk_backing *backing,
			 struct shardblk_gather *gather);

/** shardblk_backing_gone() - was it removed from under us; any context */
bool shardblk_backing_gone(const struct shardblk_backing *backing);

/* ---------------------------------------------------------------- table.c */

/*
 *  ADDING ---> LIVE <---> CLOSING ---> REMOVING
 *    |                                    |
 *    '-----------> (freed) <--------------'
 *
 * While it is CLOSING somebody who wants to remove it looks whether it is open:
 * it may stay, so it is there as ever, but for others who want the same.  A
 * device that is ADDING or REMOVING keeps its id and its UUID for itself, but is
 * neither listed nor found.
 */
enum shardblk_phase {
	SHARDBLK_ADDING,
	SHARDBLK_LIVE,
	SHARDBLK_CLOSING,
	SHARDBLK_REMOVING,
};

/**
 * struct shardblk - a device
 * @id:		N of /dev/shardblkN
 * @phase:	under the lock of the table
 * @nr_users:	calls that hold off removal; under the lock of the table
 * @uuid_known:	@uuid is filled in; under the lock of the table
 * @uuid:	no other device in the table has the same
 * @read_only:	was added so
 * @closing:	opening fails; under open_mutex of @disk
 * @backing:	below
 * @device:	the engine; NULL while it is being opened
 * @tag_set:	of @disk
 * @disk:	above
 * @recovery_blocks: of the log, read so far by the start
 * @recovery_blocks_max: there are no more to read; 0: it has not come to that
 * @trace_ops:	what the engine tells; @event comes and goes (debugfs.c)
 * @ring:	the last events; NULL until they were first asked for
 * @debugfs:	directory
 * @scrub_lock:	of the scrub
 * @scrub_work:	its next step
 * @scrub:	under way, or NULL
 * @scrub_damaged: what the last one found
 * @scrub_told:	that it has found damage was told
 * @scrub_owed:	bytes that it has read and not waited for yet, times HZ
 * @scrub_rate:	KiB per second, at most
 * @scrub_gone:	the device goes: no scrub begins any more
 * @scrub_due_work: begins one if it is time
 * @scrub_interval: seconds from one to the next; 0: none begins by itself
 * @scrub_due:	when that is, in seconds since the machine was started
 * @state_work:	tells the world about a new state, and about space
 * @state_told:	the last one it told; @state_work's own once LIVE
 * @low_told:	that little space is left was the last it told; its own, too
 */
struct shardblk {
	int id;
	enum shardblk_phase phase;
	unsigned int nr_users;
	bool uuid_known;
	u8 uuid[16];
	bool read_only;
	bool closing;
	struct shardblk_backing backing;
	struct shard_device *device;
	struct blk_mq_tag_set tag_set;
	struct gendisk *disk;
	u64 recovery_blocks;
	u64 recovery_blocks_max;
	struct shard_trace_ops trace_ops;
	struct shard_ring *ring;
	struct dentry *debugfs;
	struct compat_shrinker shrinker;
	struct mutex scrub_lock;	/* of those below */
	struct delayed_work scrub_work;
	struct shard_scrub *scrub;
	u64 scrub_damaged;
	bool scrub_told;
	u64 scrub_owed;
	u32 scrub_rate;
	bool scrub_gone;
	struct delayed_work scrub_due_work;
	u32 scrub_interval;
	time64_t scrub_due;
	struct work_struct state_work;
	enum shard_state state_told;
	bool low_told;
};

/* Seconds: intervals of scrubs are said in hours. */
#define SHARDBLK_HOUR		3600u
/* KiB per second that a scrub reads when nothing else is said. */
#define SHARDBLK_SCRUB_RATE	(32u << 10)

/**
 * struct shardblk_scrub_report - how a scrub is
 * @running:	one is under way
 * @percent:	of it
 * @damaged:	what it, or the last one, found
 */
struct shardblk_scrub_report {
	bool running;
	u32 percent;
	u64 damaged;
};

void shardblk_scrub_init(struct shardblk *sb);
/** shardblk_scrub_start() - Return: 0, -EBUSY (one runs), -ENODEV, -ENOMEM */
int shardblk_scrub_start(struct shardblk *sb);
/** shardblk_scrub_every() - begin one every so often from now on; 0: no more */
void shardblk_scrub_every(struct shardblk *sb, u32 seconds);
/** shardblk_scrub_stop() - @gone: for ever.  May sleep. */
void shardblk_scrub_stop(struct shardblk *sb, bool gone);
void shardblk_scrub_report(struct shardblk *sb,
			   struct shardblk_scrub_report *report);

/**
 * struct shardblk_options - how to add a device
 * @path:	backing device
 * @dev:	its number; 0: to be looked up
 * @id:		N, or SHARDBLK_ID_ANY
 * @read_only:	write nothing to the backing device
 * @retry_bad:	have bad extents tried
 * @memtable:	bytes of one memtable; 0: the default
 * @cache:	bytes of index pages kept in memory; 0: the default
 * @low_watermark: per cent of all space; 0: the default
 * @scrub_interval: hours from one scrub to the next; 0: none begins by itself
 * @idle_ms:	without a request: space is reclaimed ahead; SHARDBLK_IDLE_NEVER;
 *		0: the default
 */
struct shardblk_options {
	const char *path;
	dev_t dev;
	int id;
	bool read_only;
	bool retry_bad;
	u64 memtable;
	u64 cache;
	u32 low_watermark;
	u32 scrub_interval;
	u32 idle_ms;
};

/**
 * shardblk_add() - recover a device and make it appear
 *
 * May sleep for long; can be killed.  Says why in the log when it fails, and
 * leaves nothing then.
 *
 * Return: its id, or the errors listed at struct shardblk_add.
 */
int shardblk_add(const struct shardblk_options *options);

/**
 * shardblk_remove() - make everything durable and let a device disappear
 *
 * May sleep for long.  Return: 0; -ENODEV; -EBUSY (open, used, or on its way
 * in or out); -EIO (gone, but not all could be made durable).
 */
int shardblk_remove(int id);

/**
 * shardblk_hibernate() - have nothing written while memory is saved or restored
 *
 * The memory that is saved knows which extents are free, and how far the others
 * are written.  What is written after that, by a flusher or a job that goes on
 * while the image is on its way to its disk, it would write over once restored.
 *
 * Until shardblk_hibernate_end() no device that may be written to can be added.
 * May sleep.
 *
 * Return: 0, or -EBUSY: there is such a device.
 */
int shardblk_hibernate(void);
/** shardblk_hibernate_end() - devices may be added again; may sleep */
void shardblk_hibernate_end(void);
/**
 * shardblk_suspend() - the system is about to sleep, or is awake again
 * @on:	devices end what they do in idle time
 *
 * May sleep.
 */
void shardblk_suspend(bool on);

/** shardblk_remove_all() - at module exit: nothing is open, none can be added */
void shardblk_remove_all(void);

/**
 * shardblk_ids() - which devices there are
 * @ids:	room for SHARDBLK_DEVICES_MAX; filled in ascending order
 *
 * May sleep.  Return: how many.
 */
unsigned int shardblk_ids(s32 *ids);

struct seq_file;

/** shardblk_show_adding() - a line for each device that is still being added */
void shardblk_show_adding(struct seq_file *m);

/** shardblk_uevent() - one with one variable; @sb->disk must be there; may sleep */
void shardblk_uevent(struct shardblk *sb, const char *name, const char *value);

/**
 * shardblk_info() - ask the engine, after a look at the backing device
 *
 * For callers that know that @sb->device stays.
 */
void shardblk_info(struct shardblk *sb, struct shard_info *info);

/**
 * shardblk_report() - all there is to know about a device
 * @id:		which
 * @status:	filled in from @state on
 *
 * May sleep.  Return: 0 or -ENODEV.
 */
int shardblk_report(int id, struct shardblk_status *status);

/**
 * shardblk_checkpoint() - write a checkpoint now and wait for it
 *
 * Return: 0, -ENODEV, -EBUSY (being removed), -EROFS, -EIO.
 */
int shardblk_checkpoint(int id);

/* ---------------------------------------------------------------- queue.c */

/** shardblk_limits() - the limits of a disk, from what the engine reports */
void shardblk_limits(const struct shard_info *info, u32 backing_dma_alignment,
		     struct compat_limits *lim);

/**
 * shardblk_request_segs() - where the memory of a request lies
 * @rq:		a read or a write
 * @segs:	room for @max
 *
 * Return: how many, or -EIO when that is more than @max.
 */
int shardblk_request_segs(struct request *rq, struct shard_seg *segs,
			  unsigned int max);

/** shardblk_errno_to_status() - what the block layer is told */
blk_status_t shardblk_errno_to_status(int error);

/**
 * shardblk_disk_create() - make the disk appear; requests come from here on
 *
 * @sb->device must be there.  May sleep.  Return: 0 or negative errno.
 */
int shardblk_disk_create(struct shardblk *sb);

/**
 * shardblk_disk_close() - refuse to be opened from now on
 *
 * Return: false when it is open.
 */
bool shardblk_disk_close(struct shardblk *sb);

/** shardblk_disk_remove() - take it away; no request is under way afterwards */
void shardblk_disk_remove(struct shardblk *sb);

/** shardblk_disk_free() - after shardblk_disk_remove() */
void shardblk_disk_free(struct shardblk *sb);

/** shardblk_is_ours() - is this a disk of this driver */
bool shardblk_is_ours(const struct gendisk *disk);

/* ---------------------------------------------------------------- sysfs.c */

/* The engine's counters, seen as an array. */
#define SHARDBLK_NR_STATS	(sizeof(struct shard_stats_view) / sizeof(u64))

/* Their names and meanings, in the same order. */
struct shardblk_stat_text {
	const char *name;
	const char *meaning;
};

extern const struct shardblk_stat_text shardblk_stat_texts[SHARDBLK_NR_STATS];

/* For device_add_disk(), once shardblk_sysfs_init() was called. */
extern const struct attribute_group *shardblk_groups[];

void shardblk_sysfs_init(void);

/* -------------------------------------------------------------- debugfs.c */

/* Once; at module exit no device is there any more. */
void shardblk_debugfs_init(void);
void shardblk_debugfs_exit(void);

/** shardblk_debugfs_add() - for a device whose engine is open; may sleep */
void shardblk_debugfs_add(struct shardblk *sb);
/** shardblk_debugfs_remove() - nobody reads any more afterwards; may sleep */
void shardblk_debugfs_remove(struct shardblk *sb);

/* ---------------------------------------------------------------- trace.c */

/* Called with the struct shardblk as context.  Each device has a copy. */
extern const struct shard_trace_ops shardblk_trace_ops;

/** shardblk_trace_record() - keep events in @sb->ring, which is there, or no more */
void shardblk_trace_record(struct shardblk *sb, bool on);
bool shardblk_trace_records(const struct shardblk *sb);

/* -------------------------------------------------------------- control.c */

enum shardblk_verb {
	SHARDBLK_ADD,
	SHARDBLK_REMOVE,
};

/**
 * struct shardblk_command - a line written to the control node
 * @verb:	what to do
 * @options:	add: all; remove: the id
 */
struct shardblk_command {
	enum shardblk_verb verb;
	struct shardblk_options options;
};

/**
 * shardblk_command_parse() - understand a line
 * @line:	is cut into pieces, to which @command points
 *
 * Says in the log what is wrong with it.
 *
 * Return: 0 or -EINVAL.
 */
int shardblk_command_parse(char *line, struct shardblk_command *command);

extern const struct file_operations shardblk_control_fops;

/* ---------------------------------------------------------------- ioctl.c */

long shardblk_control_ioctl(struct file *file, unsigned int cmd,
			    unsigned long arg);

#endif /* SHARDBLK_BLOCK_H */
