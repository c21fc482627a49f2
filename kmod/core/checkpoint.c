// SPDX-License-Identifier: GPL-2.0-only
/*
 * DOC: checkpoint
 *
 * Straight-line code of one worker.  The frozen memtable, and nothing else, is
 * written as a run, which goes on top of those there are.  Holes are written,
 * too, one entry each whatever their length: they hide what older runs say.
 * Only the very first run needs none.
 */
#include "checkpoint.h"

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

static int write_run(struct shard_root *root)
{
	const struct shard_memtable *mt = shard_index_frozen(root->index);
	struct shard_range range;
	struct shard_runs runs;
	u64 lba = 0;
	int err = 0;

	shard_index_runs(root->index, &runs);
	/* the oldest run is asked in the end, whatever it knows */
	root->builder.guide = shard_guide_begin(runs.nr);
	while (!err && shard_memtable_next(mt, lba, &range)) {
		lba = range.lba + range.nr_blocks;
		if (range.mapped)
			shard_refs_add(root->refs, &range.place,
				       range.nr_blocks);
		/* O11: no older run has anything that it could hide */
		else if (!runs.nr)
			continue;
		err = shard_run_builder_add(&root->builder, &range);
	}
	return err;
}

int shard_checkpoint_write(struct shard_store *store, struct shard_index *index,
			   const struct shard_log_start *from)
{
	struct shard_root *root = kvzalloc(sizeof(*root), GFP_KERNEL);
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
