/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Inside writeback: what writeback.c and direct.c share.
 */
#ifndef SHARD_QUEUE_H
#define SHARD_QUEUE_H

#include "graph.h"
#include "writeback.h"

/* One backing write: adjacent appends of one queue. */
struct shard_batch {
	struct shard_io io;
	struct shard_writeback *wb;
	struct shard_write_queue *queue;
	struct shard_seg segs[SHARD_MERGE_MAX];
	u32 nr_segs;
	struct list_head appends;
	struct list_head node;		/* in the queue's list of free ones */
};

/*
 * Where few zones may be active: the zone that a stream's last append was issued
 * to.  It is finished before one to another zone is issued.
 */
struct shard_lane {
	u64 zone;			/* offset */
	bool active;
};

struct shard_write_queue {
	struct shard_writeback *wb;
	enum shard_queue which;
	struct shard_lane lanes[SHARD_LANES];
	struct shard_io finish_io;
	bool finishing;			/* finish_io is in flight, and then */
	bool finish_again;		/* for the second time */
	struct list_head appends;	/* not yet issued, in order */
	struct list_head free;		/* batches that were used */
	struct shard_batch *fresh;	/* the next one that never was */
	u32 nr_inflight;
	u32 depth;
	bool issuing;			/* someone is in queue_issue() */
	bool blocked;			/* waiter hangs on the head's @after */
	u64 newest;			/* offset of the last that was given */
	u64 failed;			/* of one that failed in the same extent */
	int error;			/* what with; 0: none did */
	struct shard_dep_waiter waiter;
};

/* The host queue may be deeper than the others. */
#define SHARD_BATCHES							\
	(SHARD_QUEUE_DEPTH_MAX + (SHARD_QUEUES - 1) * SHARD_QUEUE_DEPTH)

struct shard_writeback {
	struct shard_backend *backend;
	struct shard_stats *stats;
	u32 block_size;
	u64 extent_size;
	spinlock_t lock;		/* of all below and of dependencies */
	struct shard_graph graph;
	u64 tickets;			/* last one given */
	u64 durable;			/* highest durable one */
	int flush_error;		/* O3: nothing becomes durable any more */
	u32 nr_callbacks;		/* completions that still use this */
	wait_queue_head_t idle;		/* none does, or a zone is finished */
	bool flushing;
	u64 flush_covers;		/* ticket that the flush in flight covers */
	u64 flush_begun_ns;
	struct shard_io flush_io;
	struct list_head waiting;	/* dependencies that want a flush */
	struct shard_write_queue queues[SHARD_QUEUES];
	struct shard_batch batches[SHARD_BATCHES];	/* what limits depths */
};

static inline u64 shard_zone(const struct shard_writeback *wb, u64 offset)
{
	return offset & ~((u64)wb->backend->zone_size - 1);
}

/*
 * shard_zone_finish() - begin to finish a stream's zone
 *
 * With the lock held, and nothing of the queue in flight.  The caller submits
 * finish_io without it.
 */
void shard_zone_finish(struct shard_write_queue *q, struct shard_lane *lane);

/* Are two places in the same extent? */
static inline bool shard_same_extent(const struct shard_writeback *wb, u64 a,
				     u64 b)
{
	return wb->extent_size && !((a ^ b) & ~(wb->extent_size - 1));
}

#endif /* SHARD_QUEUE_H */
