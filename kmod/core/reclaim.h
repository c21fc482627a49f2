/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Reclamation: moves what is live out of extents that are mostly dead.
 */
#ifndef SHARD_RECLAIM_H
#define SHARD_RECLAIM_H

#include "index.h"

struct shard_reclaim;

/* Why extents are evacuated. */
enum shard_reclaim_why {
	SHARD_RECLAIM_SHORT,	/* space is short */
	SHARD_RECLAIM_ASKED,	/* an operator wants it */
	SHARD_RECLAIM_IDLE,	/* it is idle: only if it will not be cheaper soon */
};

/**
 * struct shard_reclaim_ops - what moving needs of the device
 * @swing:	shard_index_swing(), against host requests; waits for room in the
 *		memtable.  Return: blocks seen to, at least one; -EAGAIN; or why
 *		moving ends
 * @gained:	live blocks were moved out of victims where, in proportion, so many
 *		are dead
 * @stop:	asked at each frame of a victim, and before what was gathered is
 *		written: shall it end here?
 * @now:	the newest sequence number, to measure ages by
 * @hold:	an extent was opened for the blocks of a victim, of which so many are
 *		live: if it is of those kept for moving, no checkpoint begins until
 *		@release, and there is room for their swings.  Return: was it held?  May
 *		wait for a checkpoint
 * @release:	what was held, if anything, is held no more
 */
struct shard_reclaim_ops {
	int (*swing)(void *ctx, u64 covered, const struct shard_range *to,
		     const u64 *from, struct shard_block_map *map);
	void (*gained)(void *ctx, u64 dead);
	bool (*stop)(void *ctx);
	u64 (*now)(void *ctx);
	bool (*hold)(void *ctx, u32 live);
	void (*release)(void *ctx);
};

/** shard_reclaim_create() - may sleep; NULL without memory */
struct shard_reclaim *shard_reclaim_create(struct shard_store *store,
					   struct shard_index *index,
					   const struct shard_reclaim_ops *ops,
					   const char *name, void *ctx);
void shard_reclaim_destroy(struct shard_reclaim *rc);

/**
 * shard_reclaim_run() - evacuate extents
 * @nr:		how many
 * @live_max:	none with more blocks that are live
 * @why:	in idle time victims are only those that score at least half of what
 *		the last ones did when space was short
 * @fill:	go on until the last frame is full, too: where space is so short
 *		that every block counts
 * @done:	counts extents that were evacuated, also if there is an error:
 *		fewer than @nr if there are no more
 * @opened:	counts extents that were opened for what is moved
 *
 * A victim that is half walked when it ends so or with -ENOSPC is gone on with by the
 * next call.  Space is back once a checkpoint after this is durable and readers are gone.
 * One caller at a time; may sleep.
 *
 * Return: 0; -ENOSPC: no room for what is moved before a checkpoint; -ECANCELED: so
 * said @stop, and what was not written yet stays where it is; -EIO; what @swing
 * returned.
 */
int shard_reclaim_run(struct shard_reclaim *rc, u32 nr, u32 live_max,
		      enum shard_reclaim_why why, bool fill, u32 *done,
		      u32 *opened);

#endif /* SHARD_RECLAIM_H */
