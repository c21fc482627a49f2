/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Writeback: the only code that issues I/O, and the dependency graph that
 * decides when.
 *
 * The rows above say what to append and after what: shard_append() is the only
 * way to write.  An append is issued when the dependency it names is durable,
 * in the order of its stream, at most a few at a time, adjacent ones merged
 * into one backing write.
 *
 * An append goes   QUEUED -> ISSUED -> WRITTEN -> durable
 *                     |         |
 *                     '---------'--> failed (its done callback has the error)
 *
 * A dependency stands for "these appends, and all they came after, are
 * durable".  Durability is counted, not searched for: each append that
 * completes takes the next ticket; a backing flush that was begun when ticket
 * t had been given makes all up to t durable.  Flushes are shared: one is in
 * flight, whoever comes meanwhile joins the next.
 *
 * A backing flush that fails ends all durability: every dependency that was
 * not durable by then fails, and so does each later one (O3).
 */
#ifndef SHARD_WRITEBACK_H
#define SHARD_WRITEBACK_H

#include "backend.h"
#include "../../uapi/shardblk_format.h"

struct shard_stats;
struct shard_trace_ops;
struct shard_tracer;
struct shard_writeback;
struct shard_dep;

/* What writeback keeps in order, each by itself. */
enum shard_queue {
	SHARD_QUEUE_HOST,
	SHARD_QUEUE_RELOC,
	SHARD_QUEUE_INDEX,
	SHARD_QUEUE_MERGE,
	SHARD_QUEUE_META0,
	SHARD_QUEUE_META1,
	SHARD_QUEUE_SUPER,
	SHARD_QUEUES,
};

/* Streams of one queue, each of which writes one extent after the other. */
#define SHARD_LANES		3u

/* Backing writes in flight per queue when nothing else is said. */
#define SHARD_QUEUE_DEPTH	4
#define SHARD_QUEUE_DEPTH_MAX	16
/* Adjacent appends that one backing write takes. */
#define SHARD_MERGE_MAX		8

/**
 * struct shard_dep_waiter - someone to tell when a dependency settles
 * @fn:		called once in any context: 0 when durable, else the error
 * @node:	writeback's
 */
struct shard_dep_waiter {
	void (*fn)(struct shard_dep_waiter *waiter, int error);
	struct list_head node;
};

/**
 * struct shard_dep - a dependency, embedded by its owner
 * @writeback:	where
 * @nr_pending:	appends not yet written
 * @ticket:	durable when this ticket is
 * @error:	first error
 * @waiters:	who is told
 * @node:	in the list of those that wait for a flush
 * @queued:	on that list
 * @meta:	has appends, but none of the host's: for the counters
 * @id:		its name in events, once it has one
 *
 * All under the lock of @writeback.  The owner keeps it until no append names
 * it any more, be it as its own or as the one it comes after, and all waiters
 * were told.
 */
struct shard_dep {
	struct shard_writeback *writeback;
	u32 nr_pending;
	u64 ticket;
	int error;
	struct list_head waiters;
	struct list_head node;
	bool queued;
	bool meta;
	u64 id;
};

/**
 * struct shard_append - one append, embedded by its owner
 * @offset:	bytes from the start of the backing device
 * @seg:	memory; its length is that of the append
 * @fua:	to be durable by itself when the device can do that
 * @lane:	which of the queue's streams it is of, less than SHARD_LANES
 * @after:	not issued before this is durable; NULL: at once
 * @dep:	which stands for this append among others, or NULL
 * @done:	written (or failed, or never issued): called once, in any
 *		context, in no lock, before waiters of @dep
 * @error:	0 or negative errno, at @done
 * @private:	the owner's
 * @node:	writeback's
 * @ticket:	writeback's; at @done: covered by a flush begun from now on
 * @id:		writeback's: its name in events
 */
struct shard_append {
	u64 offset;
	struct shard_seg seg;
	bool fua;
	u8 lane;
	struct shard_dep *after;
	struct shard_dep *dep;
	void (*done)(struct shard_append *append);
	int error;
	void *private;
	struct list_head node;
	u64 ticket;
	u64 id;
};

/**
 * shard_writeback_create() - take hold of a backing device
 * @backend:	the device
 * @stats:	where to count
 * @trace:	whom to tell of flushes, or NULL
 * @trace_ctx:	first argument
 *
 * May sleep.  Return: NULL when there is no memory.
 */
struct shard_writeback *
shard_writeback_create(struct shard_backend *backend,
		       struct shard_stats *stats,
		       const struct shard_trace_ops *trace, void *trace_ctx);

/* Zones that are partly written at a time, beside one of each stream of moved data. */
#define SHARD_ZONES_ACTIVE	(SHARD_QUEUES + SHARDBLK_SUPER_COPIES - 2)

/**
 * shard_writeback_may() - can a backing device be written to at all
 * @reloc_streams: of the format
 *
 * Return: 0; -EOPNOTSUPP, with a message, if too few of its zones may be active.
 */
int shard_writeback_may(const struct shard_backend *backend, u32 reloc_streams);

/**
 * shard_writeback_set() - what is known only once the format is
 * @block_size:	bytes, for the counts
 * @host_depth:	backing writes in flight on the host queue, at most
 *		SHARD_QUEUE_DEPTH_MAX; 1 is used on zoned devices
 * @extent_size: bytes, a power of two: appends are not merged across its
 *		multiples; 0: wherever they are adjacent
 */
void shard_writeback_set(struct shard_writeback *wb, u32 block_size,
			 u32 host_depth, u64 extent_size);

/** shard_writeback_quiesce() - wait until no completion runs any more */
void shard_writeback_quiesce(struct shard_writeback *wb);
/** shard_writeback_destroy() - nothing may be under way; may sleep */
void shard_writeback_destroy(struct shard_writeback *wb);

struct shard_backend *shard_writeback_backend(struct shard_writeback *wb);
/** shard_writeback_tracer() - whom to tell of what appends hold */
const struct shard_tracer *
shard_writeback_tracer(const struct shard_writeback *wb);

/**
 * shard_append() - write, after @append->after is durable
 *
 * The owner has filled in @append and keeps it, and the memory, until done.
 * Appends of one queue reach the device in the order of these calls.  Never
 * sleeps.
 */
void shard_append(struct shard_writeback *wb, enum shard_queue queue,
		  struct shard_append *append);

/** shard_dep_init() - an empty dependency: durable already */
void shard_dep_init(struct shard_dep *dep, struct shard_writeback *wb);

/** shard_dep_and_written() - let @dep also cover all appends written so far */
void shard_dep_and_written(struct shard_dep *dep);

/**
 * shard_dep_poll() - how is it
 *
 * Return: 0 durable, -EINPROGRESS, or the error that it failed with.
 */
int shard_dep_poll(struct shard_dep *dep);

/**
 * shard_dep_notify() - tell when @dep is durable or failed, and see to it
 *
 * @waiter->fn may be called before this returns.  Never sleeps.
 */
void shard_dep_notify(struct shard_dep *dep, struct shard_dep_waiter *waiter);

/** shard_dep_wait() - the same, sleeping.  Return: 0 or the error. */
int shard_dep_wait(struct shard_dep *dep);

/**
 * shard_writeback_all_durable() - is everything written so far durable
 *
 * True only if no append of @queue is queued or in flight, either.
 */
bool shard_writeback_all_durable(struct shard_writeback *wb,
				 enum shard_queue queue);

/** shard_writeback_read() - pass a read on to the device; never sleeps */
void shard_writeback_read(struct shard_writeback *wb, struct shard_io *io);

/**
 * shard_writeback_read_wait() - read into @addr; may sleep
 *
 * Return: 0 or negative errno.
 */
int shard_writeback_read_wait(struct shard_writeback *wb, u64 offset,
			      void *addr, u32 len);

/** shard_writeback_flush_wait() - a backing flush, begun now; may sleep */
int shard_writeback_flush_wait(struct shard_writeback *wb);

struct shard_resets;

/**
 * struct shard_reset - the reset of an extent
 * @io:		offset and len are given, error is the result
 * @of:		writeback's
 */
struct shard_reset {
	struct shard_io io;
	struct shard_resets *of;
};

/**
 * shard_writeback_reset_wait() - reset extents, all at once; may sleep
 *
 * Return: 0, or one of the errors.
 */
int shard_writeback_reset_wait(struct shard_writeback *wb,
			       struct shard_reset *resets, u32 nr);

/**
 * shard_writeback_finish_wait() - finish all zones that are partly written
 * @but:	a bit for each extent of the superblock that is to be appended to
 *
 * Where few zones may be active those that crashes have left would take them
 * all.  Nothing, unless that is so.  May sleep.
 *
 * Return: 0 or negative errno.
 */
int shard_writeback_finish_wait(struct shard_writeback *wb, u32 but);

#endif /* SHARD_WRITEBACK_H */
