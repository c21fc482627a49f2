// SPDX-License-Identifier: GPL-2.0-only
/*
 * DOC: bad extents
 *
 * An extent that could not be written or reset once is not assigned again: the
 * manifest says that it is bad.  An operator who knows better, since a cable was
 * loose or a disk has been given spare blocks, adds the device with the wish to
 * have such extents tried.
 *
 * Nothing live is in them, so they may be reset without a record (O6), and what
 * is written there proves nothing to anyone: zeros.  It is overwritten in their
 * next life, which begins with a record and a reset of its own (O5).
 */
#include "bad.h"

#include "stats.h"

static void append_done(struct shard_append *append)
{
	/* the dependency tells */
}

/* Can all of it be written?  1, 0, or the error of a flush. */
static int extent_test(struct shard_store *store, u32 nr, void *zeros)
{
	struct shard_reset reset = {
		.io.offset = shard_store_offset(store, nr, 0),
		.io.len = store->extent_blocks * store->block_size,
	};
	struct shard_append append = { .done = append_done };
	struct shard_dep dep;
	u32 block, blocks;
	int err;

	if (shard_writeback_reset_wait(store->wb, &reset, 1))
		return 0;
	for (block = 0; block < store->extent_blocks; block += blocks) {
		blocks = min(store->frame_blocks, store->extent_blocks - block);
		shard_dep_init(&dep, store->wb);
		append.offset = shard_store_offset(store, nr, block);
		append.seg.addr = zeros;
		append.seg.len = blocks * store->block_size;
		append.dep = &dep;
		shard_append(store->wb, SHARD_QUEUE_META0, &append);
		err = shard_dep_wait(&dep);
		if (append.error)
			return 0;
		if (err)
			return err;
	}
	return 1;
}

int shard_bad_retry(struct shard_store *store)
{
	u32 nr_extents = shard_extents_layout(store->ex)->nr_extents;
	struct shard_extent e;
	int nr_good = 0, good;
	void *zeros;
	u32 nr;

	zeros = kvzalloc((size_t)store->frame_blocks * store->block_size,
			 GFP_KERNEL);
	if (!zeros)
		return -ENOMEM;
	for (nr = SHARDBLK_SUPER_EXTENTS; nr < nr_extents; nr++) {
		shard_extent_get(store->ex, nr, &e);
		if (e.state != SHARD_EXTENT_BAD)
			continue;
		good = extent_test(store, nr, zeros);
		if (good < 0) {
			nr_good = good;
			break;
		}
		shard_sometimes(good, "a bad extent is good again");
		shard_sometimes(!good, "a bad extent is still bad");
		if (good)
			shard_extent_try(store->ex, nr);
		nr_good += good;
	}
	kvfree(zeros);
	return nr_good;
}
