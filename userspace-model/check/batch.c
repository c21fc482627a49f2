// SPDX-License-Identifier: GPL-2.0-only
/*
 * Requests of one size, submitted together.
 */
#include "batch.h"

static struct shard_request requests[BATCH_MAX];
static struct completion all_done;
static u32 nr_left;

static void request_done(struct shard_request *request, int error)
{
	if (error)
		kapi_fail("a request returned %d", error);
	if (!--nr_left)
		complete(&all_done);
}

void batch_submit_large(struct shard_device *device, enum shard_op op,
			const u64 *lbas, u32 nr, u32 blocks,
			const struct shard_seg *segs)
{
	u32 i;

	init_completion(&all_done);
	nr_left = nr;
	for (i = 0; i < nr; i++) {
		struct shard_request *r = &requests[i];

		r->op = op;
		r->lba = lbas[i];
		r->nr_blocks = blocks;
		r->segs = segs;
		r->done = request_done;
		shard_device_submit(device, r);
	}
	shard_device_commit(device);
}

void batch_submit(struct shard_device *device, enum shard_op op,
		  const u64 *lbas, u32 nr, const struct shard_seg *seg)
{
	batch_submit_large(device, op, lbas, nr, op != SHARD_FLUSH, seg);
}

void batch_wait(void)
{
	wait_for_completion(&all_done);
}
