/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Requests of one block each, submitted together: what benchmarks count.
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

/** batch_wait() - until all are done; sleeps */
void batch_wait(void);

#endif /* CHECK_BATCH_H */
