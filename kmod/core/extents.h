/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Extents, inside: what extent.c and retire.c share, and nobody else sees.
 */
#ifndef SHARD_EXTENTS_H
#define SHARD_EXTENTS_H

#include "extent.h"

struct shard_head {
	struct list_head ready;		/* READY extents, in order */
	u32 nr_ready;			/* these and ASSIGNED ones */
	u32 low;
	u32 high;
	bool wanted;
	u32 nr_used;			/* all extents of the stream */
	u32 limit;
	u32 open;			/* its number; 0: none */
};

struct shard_extents {
	struct shard_layout layout;
	spinlock_t lock;		/* of all below */
	struct list_head free;
	u32 nr_free;
	u32 nr_retired;
	u32 nr_bad;			/* BAD ones */
	u32 nr_leaving;			/* evacuated, and not retired yet */
	u32 random;			/* draws candidates for evacuation */
	bool for_discard;		/* the host may have such, too */
	u32 nr_discard;			/* that it has beyond its share */
	struct list_head log;
	u32 nr_log;
	struct list_head assigned;
	u32 nr_assigned;
	struct shard_head heads[SHARD_STREAMS];
	struct shard_extent extents[];
};

static inline u32 extent_nr(const struct shard_extents *ex,
			    const struct shard_extent *e)
{
	return e - ex->extents;
}

/* What a stream may have: what is BAD is the host's loss. */
static inline u32 extents_limit(const struct shard_extents *ex, u32 stream)
{
	u32 limit = ex->heads[stream].limit;

	return BIT(stream) & SHARD_DATA_STREAMS ? limit - min(limit, ex->nr_bad) :
						  limit;
}

/* extent.c; with the lock held */
void shard_extent_seal_open(struct shard_extents *ex, struct shard_extent *e);

#endif /* SHARD_EXTENTS_H */
