// SPDX-License-Identifier: GPL-2.0-only
/*
 * DOC: compaction
 *
 * Each checkpoint puts a run on top of the others, which makes look-ups dearer,
 * and the index larger by what is hidden.  So the newest few are merged into
 * one, always beginning with the newest: runs grow from top to bottom, and a block
 * is written about as often as there are sizes.  How many is decided by sizes
 * alone:
 *
 *  - the oldest run is taken in when it is at most 16 times as long as all above
 *    it, if nothing else is said: it is the largest by far, and each time costs
 *    about the whole index; but of those above it all blocks are noted in memory;
 *  - any other when it is not longer than all above it together;
 *  - and nothing happens with fewer than four runs, if nothing else is said.
 *
 * Merging is straight-line code of one worker.  What several runs have is written
 * as the newest has it.  A hole is written again unless the oldest run takes part:
 * only then nothing is left that it could hide.  Of data nothing is counted: what a
 * run hides was dead when that run came (checkpoint.c).
 *
 * A merge of everything leaves the new run's guide to shard_compaction_guide():
 * it would take as much memory as that of the old one, which is needed meanwhile.
 * It comes from inner pages, one for hundreds of leaves.
 *
 * Space: the merge of everything must always be possible, since it is what
 * gives the others' space back.  So a smaller one is made only if that one's
 * space is left.
 */
#include "compaction.h"

#include "checkpoint.h"
#include "merge.h"
#include "root.h"
#include "stats.h"

/* ---- what to merge ---- */

u32 shard_compaction_pick(const u32 *pages, u32 nr, u32 least, u32 oldest)
{
	u64 above = 0;
	u32 pick = 0, i;

	for (i = 0; i < nr; i++) {
		u64 limit = i == nr - 1 ? oldest * above : above;

		if (i + 1 >= least && pages[i] <= limit)
			pick = i + 1;
		above += pages[i];
	}
	/* sizes that double from run to run would let them grow in number */
	if (!pick && nr == SHARD_RUNS_MAX)
		pick = least;
	return pick;
}

/* Runs of checkpoints are the newest ones: merges write to other extents. */
static u32 runs_of_checkpoints(const struct shard_runs *runs)
{
	u32 nr = 0;

	while (nr < runs->nr && runs->run[nr]->stream == SHARDBLK_STREAM_INDEX)
		nr++;
	return nr;
}

u64 shard_compaction_pages(const struct shard_layout *l,
			   const struct shard_runs *runs, u32 nr, bool oldest)
{
	/* holes, which cost no space, are dropped from the oldest only */
	u64 blocks = oldest ? shard_layout_mapped_max(l) : l->logical_blocks;
	u64 pages = 0, entries = 0, csums, i;

	for (i = 0; i < nr; i++) {
		pages += runs->run[i]->nr_pages;
		entries += runs->run[i]->nr_entries;
	}
	csums = div_u64(pages * l->block_size, sizeof(__le32));
	/* each entry may cut another one in two */
	return min(shard_run_pages_max(l->block_size, blocks),
		   shard_run_pages_of(l->block_size, 2 * entries, csums));
}

/* O12: is the space for a merge of everything left beside one of @nr runs? */
static bool leaves_room(struct shard_store *store,
			const struct shard_runs *runs, u32 nr)
{
	const struct shard_layout *l = shard_extents_layout(store->ex);
	u64 all = shard_run_pages_max(store->block_size,
				      shard_layout_mapped_max(l));
	u32 payload = shard_extent_pages(store->block_size,
					 store->extent_blocks);

	return shard_extents_left(store->ex, SHARDBLK_STREAM_MERGE) >
	       div_u64(shard_compaction_pages(l, runs, nr, false) + payload - 1,
		       payload) +
	       div_u64(all + payload - 1, payload);
}

void shard_compaction_due(struct shard_store *store, struct shard_index *index,
			  u32 least, u32 oldest, struct shard_runs *runs)
{
	u32 pages[SHARD_RUNS_MAX], nr, i;

	shard_index_runs(index, runs);
	for (i = 0; i < runs->nr; i++)
		pages[i] = runs->run[i]->nr_pages;
	nr = shard_compaction_pick(pages, runs->nr, least, oldest);
	if (!shard_extents_left(store->ex, SHARDBLK_STREAM_INDEX)) {
		shard_sometimes(!nr, "the extents for checkpoints are short");
		nr = max(nr, runs_of_checkpoints(runs));
	}
	if (nr && nr < runs->nr && !leaves_room(store, runs, nr)) {
		shard_sometimes(true,
				"all is merged, since less would take its space");
		nr = runs->nr;
	}
	runs->nr = nr;
}

void shard_compaction_all(struct shard_index *index, struct shard_runs *runs)
{
	shard_index_runs(index, runs);
	if (runs->nr == 1 && !runs_of_checkpoints(runs))
		runs->nr = 0;
}

/* ---- merging ---- */

struct compaction {
	struct shard_root root;
	struct shard_merge merge;
	bool oldest;			/* the oldest run takes part */
};

static int emit(struct compaction *c, const struct shard_range *range)
{
	/* O11: a hole goes only when no older run is left below */
	shard_sometimes(!range->mapped && c->oldest, "a tombstone is dropped");
	shard_sometimes(!range->mapped && !c->oldest,
			"a tombstone is kept above an older run");
	if (!range->mapped && c->oldest)
		return 0;
	return shard_run_builder_add(&c->root.builder, range);
}

static int merge_runs(struct compaction *c, const struct shard_runs *runs)
{
	struct shard_range range;
	int err;

	c->merge.cache = c->root.builder.cache;
	err = shard_merge_begin(&c->merge, c->root.store, runs, runs->nr);
	while (!err && (err = shard_merge_next(&c->merge, &range)) > 0)
		err = emit(c, &range);
	shard_merge_end(&c->merge);
	return err;
}

/* Older ones never come: only a merge changes what is below a run. */
static bool is_oldest(struct shard_index *index, const struct shard_run *run)
{
	struct shard_runs runs;

	shard_index_runs(index, &runs);
	return runs.run[runs.nr - 1] == run;
}

int shard_compaction_write(struct shard_store *store, struct shard_index *index,
			   const struct shard_runs *runs)
{
	struct compaction *c = kvzalloc(sizeof(*c), GFP_KERNEL);
	struct shard_edit edit = { .nr = runs->nr, .first = runs->run[0] };
	int err;

	if (!c)
		return -ENOMEM;
	c->oldest = is_oldest(index, runs->run[runs->nr - 1]);
	err = shard_root_begin(&c->root, store, index, SHARDBLK_STREAM_MERGE,
			       false,
			       shard_compaction_pages(shard_extents_layout(store->ex),
						      runs, runs->nr, c->oldest));
	if (!err) {
		/* the largest one's comes when that of the old one has gone */
		if (!c->oldest)
			c->root.builder.guide = shard_guide_begin(true);
		err = merge_runs(c, runs);
	}
	err = shard_root_end(&c->root, err, &edit, NULL);
	if (!err)
		atomic64_inc(&store->stats->compactions);
	shard_sometimes(!err && !edit.run, "a merge leaves nothing");
	shard_sometimes(!err && !c->oldest, "a merge leaves older runs");
	kvfree(c);
	return err;
}

/* ---- guides ---- */

/* The run with its guide takes its own place: nothing on disk changes. */
static int guide_run(struct shard_store *store, struct shard_index *index,
		     const struct shard_run *run, bool blocks,
		     bool (*stop)(void *ctx), void *ctx)
{
	struct shard_edit edit = { .nr = 1, .first = run };
	struct shard_version *version;
	struct shard_guide *guide;
	int err;

	err = shard_run_guide(store, run, blocks, stop, ctx, &guide);
	if (err)
		return err;
	version = shard_index_version();
	edit.run = version ? shard_run_copy(run, guide) : NULL;
	if (!edit.run) {
		shard_guide_destroy(guide);
		kvfree(version);
		return -ENOMEM;
	}
	shard_index_edit_begin(index);
	shard_index_publish(index, &edit, NULL, version);
	shard_index_edit_end(index);
	shard_sometimes(blocks, "a start notes the blocks of a run");
	return 0;
}

void shard_compaction_guide(struct shard_store *store,
			    struct shard_index *index,
			    bool (*stop)(void *ctx), void *ctx)
{
	struct shard_runs runs;
	int err = 0;
	u32 i;

	shard_index_flush(index);
	shard_index_runs(index, &runs);
	for (i = runs.nr; i-- && err != -EINTR;)
		if (!runs.run[i]->guide)
			err = guide_run(store, index, runs.run[i],
					i + 1 < runs.nr, stop, ctx);
}
