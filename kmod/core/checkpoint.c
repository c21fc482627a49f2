// SPDX-License-Identifier: GPL-2.0-only
/*
 * DOC: checkpoint
 *
 * Straight-line code of one worker.  The frozen memtable, and nothing else, is
 * written as a run, which goes on top of those there are.  Holes are written,
 * too, one entry each whatever their length: they hide what older runs say.
 * Only the very first run needs none.
 *
 * What the new run hides is looked up on the way, in the order of the blocks, so
 * that each page of the older runs is read once at most.  It is taken off what is
 * live where it lies: so these counts are exact, for each root.
 */
#include "checkpoint.h"

#include "ahead.h"
#include "root.h"
#include "stats.h"

bool shard_store_fits(struct shard_store *store, u32 stream, u64 pages)
{
	u32 payload = shard_extent_pages(store->block_size,
					 store->extent_blocks);
	u32 left = shard_extents_left(store->ex, stream);
	u32 room = shard_extents_room(store->ex, stream);

	if (pages > payload)
		return left >= div_u64(pages + payload - 1, payload);
	return left || room >= pages + DIV_ROUND_UP((u32)pages,
						    shard_writer_blocks(store));
}

bool shard_checkpoint_fits(struct shard_store *store, struct shard_index *index)
{
	struct shard_runs runs;

	shard_index_runs(index, &runs);
	return runs.nr < SHARD_RUNS_MAX &&
	       shard_store_fits(store, SHARDBLK_STREAM_INDEX,
				shard_index_frozen_pages(index));
}

/* Blocks of the runs that are looked up at a time. */
#define HIDE_BLOCKS	SHARD_LOOK_UP

/* These blocks, where the runs have them, are needed no more. */
static int hide_blocks(struct shard_root *root, u64 lba, u32 nr_blocks)
{
	u32 extent_blocks = root->store->extent_blocks, i;
	struct shard_block_map *map = root->hidden;
	struct shard_place place = {};
	struct shard_extent e;
	int err;

	err = shard_index_lookup_runs(root->index, lba, nr_blocks, map);
	for (i = 0; i < nr_blocks && !err; i++) {
		u32 nr = div_u64(map[i].block, extent_blocks);

		if (!map[i].mapped)
			continue;
		if (nr != place.extent) {
			shard_extent_get(root->store->ex, nr, &e);
			place.extent = nr;
			place.generation = e.generation;
		}
		shard_refs_add(root->refs, &place, -1);
	}
	return err;
}

/*
 * What the runs have of a range is hidden from now on.  A hole may be of any
 * length: from one block that is data to the next.
 */
static int hide_range(struct shard_root *root, struct shard_ahead *ahead,
		      const struct shard_memtable *mt,
		      const struct shard_range *range)
{
	u64 end = range->lba + range->nr_blocks, at = range->lba;
	int ret = 0;

	while (at < end) {
		u32 nr = min_t(u64, end - at, HIDE_BLOCKS);

		shard_ahead_memtable(ahead, mt, at);
		if (range->nr_blocks > HIDE_BLOCKS) {
			cond_resched();
			ret = shard_index_next_in_runs(root->index, &at);
			if (ret <= 0 || at >= end)
				break;
			nr = min_t(u64, end - at, HIDE_BLOCKS);
		}
		ret = hide_blocks(root, at, nr);
		if (ret)
			break;
		at += nr;
	}
	return min(ret, 0);
}

static int write_run(struct shard_root *root)
{
	const struct shard_memtable *mt = shard_index_frozen(root->index);
	struct shard_ahead *ahead = NULL;
	struct shard_range range;
	struct shard_runs runs;
	u64 lba = 0;
	int err = 0;

	shard_index_runs(root->index, &runs);
	/* the oldest run is asked in the end, whatever it knows */
	root->builder.guide = shard_guide_begin(runs.nr);
	/* there is nothing to read where all of the index is cached */
	if (!root->builder.cache)
		ahead = shard_ahead_begin(root->store, root->index);
	while (!err && shard_memtable_next(mt, lba, &range)) {
		lba = range.lba + range.nr_blocks;
		if (range.mapped)
			shard_refs_add(root->refs, &range.place,
				       range.nr_blocks);
		/* O11: no older run has anything that it could hide */
		else if (!runs.nr)
			continue;
		/* O6: what it hides nothing needs once this root is durable */
		err = hide_range(root, ahead, mt, &range);
		if (!err)
			err = shard_run_builder_add(&root->builder, &range);
	}
	shard_ahead_end(ahead);
	return err;
}

int shard_checkpoint_write(struct shard_store *store, struct shard_index *index,
			   const struct shard_log_start *from)
{
	struct shard_root *root = kvmalloc(sizeof(*root), GFP_KERNEL);
	struct shard_edit edit = {};
	int err;

	if (!root)
		return -ENOMEM;
	/* O4: also waits for the host data that the run will point to */
	err = shard_root_begin(root, store, index, SHARDBLK_STREAM_INDEX, true,
			       shard_index_frozen_pages(index));
	if (!err)
		err = write_run(root);
	err = shard_root_end(root, err, &edit, from);
	if (!err)
		atomic64_inc(&store->stats->checkpoints);
	shard_sometimes(!err && !edit.run, "a checkpoint writes no run");
	kvfree(root);
	return err;
}
