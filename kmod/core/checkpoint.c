// SPDX-License-Identifier: GPL-2.0-only
/*
 * DOC: checkpoint
 *
 * Straight-line code of one worker.  The whole index is written anew: the
 * frozen memtable is merged with the run into a new run, counting on the way
 * how many blocks of each extent the result points to.  Holes need not be
 * written then, as there is no older run that they would have to hide.
 *
 * Records name a bounded number of extents.  A run that needs more than a
 * record can name has the manifest written in between, with the old run: that
 * lists what was assigned so far, and the record is short again.
 */
#include "checkpoint.h"

#include "stats.h"

struct checkpoint {
	struct shard_store *store;
	struct shard_index *index;
	struct shard_run *old_run;
	struct shard_run_builder builder;
	struct shard_dep dep;
	struct shard_publish publish;
	u32 *retired;			/* for the manifest's extents */
	u32 max_retired;
};

/* A sorted source of ranges that can be consumed from the front. */
struct cursor {
	struct shard_range range;
	bool valid;
};

static void cursor_skip(struct cursor *c, u32 nr)
{
	c->range.lba += nr;
	c->range.nr_blocks -= nr;
	if (c->range.mapped) {
		c->range.place.block += nr;
		c->range.csums += nr;
	}
}

static u64 cursor_end(const struct cursor *c)
{
	return c->range.lba + c->range.nr_blocks;
}

static int emit(struct checkpoint *cp, const struct shard_range *range)
{
	if (!range->mapped)
		return 0;
	shard_extents_count(cp->store->ex, range->place.extent,
			    range->nr_blocks);
	return shard_run_builder_add(&cp->builder, range);
}

static int old_next(struct shard_run_iter *it, struct cursor *c)
{
	int ret = shard_run_iter_next(it, &c->range);

	c->valid = ret > 0;
	return ret < 0 ? ret : 0;
}

/* Writes the newer range and drops what it covers of the older ones. */
static int merge_newer(struct checkpoint *cp, struct shard_run_iter *it,
		       struct cursor *newer, struct cursor *older)
{
	u64 end = cursor_end(newer);
	int err;

	err = emit(cp, &newer->range);
	while (!err && older->valid && older->range.lba < end) {
		if (cursor_end(older) <= end)
			err = old_next(it, older);
		else
			cursor_skip(older, end - older->range.lba);
	}
	newer->valid = shard_memtable_next(shard_index_frozen(cp->index), end,
					   &newer->range);
	return err;
}

/* Writes what of the older range lies before the newer one. */
static int merge_older(struct checkpoint *cp, struct shard_run_iter *it,
		       struct cursor *newer, struct cursor *older)
{
	struct shard_range range = older->range;
	int err;

	if (newer->valid)
		range.nr_blocks = min(cursor_end(older), newer->range.lba) -
				  range.lba;
	err = emit(cp, &range);
	if (err)
		return err;
	if (range.nr_blocks == older->range.nr_blocks)
		return old_next(it, older);
	cursor_skip(older, range.nr_blocks);
	return 0;
}

static int merge(struct checkpoint *cp)
{
	struct cursor newer = {}, older = {};
	struct shard_run_iter it;
	int err;

	err = shard_run_iter_begin(&it, cp->store, cp->old_run);
	if (err)
		return err;
	newer.valid = shard_memtable_next(shard_index_frozen(cp->index), 0,
					  &newer.range);
	err = old_next(&it, &older);
	while (!err && (newer.valid || older.valid)) {
		if (newer.valid &&
		    (!older.valid || newer.range.lba <= older.range.lba))
			err = merge_newer(cp, &it, &newer, &older);
		else
			err = merge_older(cp, &it, &newer, &older);
	}
	shard_run_iter_end(&it);
	return err;
}

/* The manifest's extents have no readers and can be freed at once. */
static void retire_meta(struct checkpoint *cp)
{
	struct shard_extents *ex = cp->store->ex;
	u32 nr, i;

	nr = shard_extents_retire(ex, SHARD_META_STREAMS, cp->retired,
				  cp->max_retired);
	for (i = 0; i < nr; i++)
		shard_extent_free(ex, cp->retired[i]);
}

/* Keeps records short while a long run is written; see above. */
static int relist(void *ctx)
{
	struct checkpoint *cp = ctx;
	struct shard_publish pub = { .root = true };
	struct shard_dep dep;
	int err;

	if (shard_super_room(cp->store->super) >
	    shard_extents_layout(cp->store->ex)->record_relist)
		return 0;
	shard_rarely(true, "a manifest is written in between");
	shard_dep_init(&dep, cp->store->wb);
	pub.after = &dep;
	pub.from.seq = shard_super_checkpoint_seq(cp->store->super);
	err = shard_manifest_write(cp->store, cp->old_run, pub.from.seq, false,
				   &dep, pub.manifest);
	if (!err)
		err = shard_super_publish(cp->store->super, &pub);
	if (err)
		shard_dep_wait(&dep);	/* appends under way still name it */
	if (!err)
		retire_meta(cp);
	return err;
}

static int write_run(struct checkpoint *cp, u32 attempt, struct shard_run **run)
{
	struct shard_store *store = cp->store;
	/* numbers never repeat, and attempts not within one */
	u64 id = shard_super_number(store->super) << 16 | (attempt & 0xffff);
	u64 logical = shard_extents_layout(store->ex)->logical_blocks;
	int err;
	u32 i;

	shard_extents_count_begin(store->ex, BIT(SHARDBLK_STREAM_HOST) |
					     BIT(SHARDBLK_STREAM_INDEX));
	err = shard_run_builder_begin(&cp->builder, store, id, &cp->dep,
				      logical);
	cp->builder.before_page = relist;
	cp->builder.ctx = cp;
	if (!err)
		err = merge(cp);
	err = shard_run_builder_end(&cp->builder, err, run);
	shard_sometimes(!err && !*run,
			"a checkpoint leaves no run: all is discarded");
	if (err || !*run)
		return err;
	for (i = 0; i < (*run)->nr_chunks; i++)
		shard_extents_count(store->ex, (*run)->chunks[i].place.extent,
				    (*run)->chunks[i].nr_blocks);
	return 0;
}

int shard_checkpoint_write(struct shard_store *store, struct shard_index *index,
			   const struct shard_log_start *from, u32 attempt)
{
	u32 nr_extents = shard_extents_layout(store->ex)->nr_extents;
	struct shard_garbage *garbage;
	struct shard_version *version;
	struct shard_run *run = NULL;
	struct checkpoint *cp;
	bool issued = false;
	int err = -ENOMEM;

	cp = kvzalloc(sizeof(*cp), GFP_KERNEL);
	version = shard_index_version();
	garbage = kvzalloc(struct_size(garbage, extents, nr_extents),
			   GFP_KERNEL);
	if (!cp || !version || !garbage)
		goto out;
	garbage->max = nr_extents;
	cp->store = store;
	cp->index = index;
	cp->old_run = shard_index_run(index);
	cp->retired = garbage->extents;
	cp->max_retired = nr_extents;
	/* O4: also waits for the host data that the run will point to */
	shard_dep_init(&cp->dep, store->wb);
	shard_dep_and_written(&cp->dep);

	err = write_run(cp, attempt, &run);
	if (!err)
		err = shard_manifest_write(store, run, from->seq, true,
					   &cp->dep, cp->publish.manifest);
	if (!err) {
		cp->publish.after = &cp->dep;
		cp->publish.root = true;
		cp->publish.from = *from;
		issued = true;
		err = shard_super_publish(store->super, &cp->publish);
	}
	if (err) {
		shard_dep_wait(&cp->dep);	/* appends still name it */
		/* if a record was issued nobody knows what it needs */
		if (!issued)
			shard_extents_abandon(store->ex, SHARD_META_STREAMS |
					      BIT(SHARDBLK_STREAM_INDEX));
		goto out;
	}
	retire_meta(cp);
	garbage->nr = shard_extents_retire(store->ex,
					   BIT(SHARDBLK_STREAM_HOST) |
					   BIT(SHARDBLK_STREAM_INDEX),
					   garbage->extents, garbage->max);
	shard_index_publish(index, run, garbage, version);
	atomic64_inc(&store->stats->checkpoints);
	run = NULL;
	garbage = NULL;
	version = NULL;
out:
	shard_run_destroy(run);
	kvfree(garbage);
	kvfree(version);
	kvfree(cp);
	return err;
}
