/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Requests of one size, submitted together: what benchmarks count.
 */
#ifndef CHECK_BATCH_H
#define CHECK_BATCH_H

#include "shard.h"

#define BATCH_MAX	32u

/**
 * batch_submit() - submit requests, and commit them
 * @op:		of each; a flush has no block
 * @lbas:	of each
 * @nr:		how many, at most BATCH_MAX
 * @seg:	a block of memory that all of them use
 *
 * There is one batch at a time.  The run fails if a request does.
 */
void batch_submit(struct shard_device *device, enum shard_op op,
		  const u64 *lbas, u32 nr, const struct shard_seg *seg);

/**
 * batch_submit_large() - the same, of more blocks
 * @blocks:	of each
 * @segs:	memory of so many blocks
 */
void batch_submit_large(struct shard_device *device, enum shard_op op,
			const u64 *lbas, u32 nr, u32 blocks,
			const struct shard_seg *segs);

/** batch_wait() - until all are done; sleeps */
void batch_wait(void);

#endif /* CHECK_BATCH_H */
