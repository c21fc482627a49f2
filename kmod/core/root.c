// SPDX-License-Identifier: GPL-2.0-only
/*
 * DOC: roots
 *
 * A root is a manifest, and the record that points to it.  Checkpoints and
 * merges make one each, and only here: whoever writes a manifest holds the
 * right to change the runs (shard_index_edit_begin()), so that no manifest
 * lacks what another one has just published.  Their runs they write before
 * that, at the same time.
 *
 * What the new root points to is staged meanwhile, and takes effect when the
 * record is durable: a failed attempt has changed nothing.
 *
 * Records name a bounded number of extents.  A run that needs more than a
 * record can name has the manifest written in between, with the runs there
 * are: that lists what was assigned so far, and the record is short again.  So
 * is it when extents have become bad, which only the manifest says.
 */
#include "root.h"

#include "stats.h"

/* The manifest's extents have no readers and can be freed at once. */
static void retire_meta(struct shard_extents *ex, u32 *retired)
{
	u32 nr, i;

	nr = shard_extents_retire(ex, SHARD_META_STREAMS, NULL, 0, 0, retired,
				  shard_extents_layout(ex)->nr_extents);
	for (i = 0; i < nr; i++)
		shard_extent_free(ex, retired[i]);
}

/* With the right to change the runs, but they stay. */
static int relist(struct shard_store *store, struct shard_index *index,
		  u32 *retired)
{
	struct shard_publish pub = { .root = true };
	struct shard_runs runs;
	struct shard_dep dep;
	int err;

	shard_index_runs(index, &runs);
	shard_dep_init(&dep, store->wb);
	pub.after = &dep;
	pub.from.seq = shard_super_checkpoint_seq(store->super);
	err = shard_manifest_write(store, &runs, pub.from.seq, NULL, &dep,
				   pub.manifest);
	if (!err)
		err = shard_super_publish(store->super, &pub);
	if (err)
		shard_dep_wait(&dep);	/* appends still name it */
	else
		retire_meta(store->ex, retired);
	return err;
}

static bool room_is_short(struct shard_root *root)
{
	return shard_super_room(root->store->super) <=
	       shard_extents_layout(root->store->ex)->record_relist;
}

/* Keeps records short while a long run is written; see above. */
static int relist_in_between(void *ctx)
{
	struct shard_root *root = ctx;
	int err = 0;

	if (!room_is_short(root))
		return 0;
	shard_index_edit_begin(root->index);
	if (room_is_short(root)) {
		shard_rarely(true, "a manifest is written in between");
		err = relist(root->store, root->index, root->retired);
	}
	shard_index_edit_end(root->index);
	return err;
}

int shard_root_relist(struct shard_store *store, struct shard_index *index)
{
	u32 nr = shard_extents_layout(store->ex)->nr_extents;
	u32 *retired = kvcalloc(nr, sizeof(*retired), GFP_KERNEL);
	int err;

	if (!retired)
		return -ENOMEM;
	shard_index_edit_begin(index);
	err = relist(store, index, retired);
	if (err)
		shard_extents_abandon(store->ex, SHARD_META_STREAMS);
	shard_index_edit_end(index);
	kvfree(retired);
	return err;
}

struct shard_cache *shard_root_cache(struct shard_store *store,
				     struct shard_index *index)
{
	struct shard_version *version = shard_index_hold(index);
	struct shard_runs runs;
	u64 pages = 0;
	u32 i;

	/* a checkpoint asks, and a merge may drop some meanwhile */
	shard_index_runs(index, &runs);
	for (i = 0; i < runs.nr; i++)
		pages += runs.run[i]->nr_pages;
	shard_index_put(index, version);
	/* while a merge takes place all of it is there twice */
	return 2 * pages < store->cache_pages ? shard_index_cache(index) : NULL;
}

int shard_root_begin(struct shard_root *root, struct shard_store *store,
		     struct shard_index *index, u32 stream, bool written,
		     u64 pages_max)
{
	const struct shard_layout *layout = shard_extents_layout(store->ex);
	u32 nr = layout->nr_extents;
	int err;

	memset(root, 0, offsetof(struct shard_root, hidden));
	root->store = store;
	root->index = index;
	root->stream = stream;
	shard_dep_init(&root->dep, store->wb);
	if (written)
		shard_dep_and_written(&root->dep);	/* O4 */
	err = shard_run_builder_begin(&root->builder, store, stream,
				      shard_index_run_id(index), &root->dep,
				      pages_max);
	root->builder.before_page = relist_in_between;
	root->builder.ctx = root;
	root->builder.cache = shard_root_cache(store, index);
	root->refs = shard_refs_create(layout);
	root->version = shard_index_version();
	root->garbage = kvzalloc(struct_size(root->garbage, extents, nr),
				 GFP_KERNEL);
	root->retired = kvcalloc(nr, sizeof(*root->retired), GFP_KERNEL);
	if (!root->refs || !root->version || !root->garbage || !root->retired)
		return -ENOMEM;
	root->garbage->max = nr;
	return err;
}

static void refs_run(struct shard_refs *refs, const struct shard_run *run,
		     bool dropped)
{
	u32 i;

	for (i = 0; run && i < run->nr_chunks; i++) {
		s32 nr = run->chunks[i].nr_blocks;

		shard_refs_add(refs, &run->chunks[i].place, dropped ? -nr : nr);
	}
}

static int root_publish(struct shard_root *root, const struct shard_edit *edit,
			const struct shard_log_start *from)
{
	struct shard_store *store = root->store;
	struct shard_publish *pub = &root->publish;
	struct shard_runs now, next, dropped;
	u64 covered = shard_index_covered(root->index);
	int err;
	u32 i;

	/* a checkpoint's run is of the frozen memtable */
	covered += !edit->nr;
	shard_index_runs(root->index, &now);
	shard_edit_apply(edit, &now, &next, &dropped);
	/* O6: what this root no longer counts is dead once it is durable */
	refs_run(root->refs, edit->run, false);
	for (i = 0; i < dropped.nr; i++)
		refs_run(root->refs, dropped.run[i], true);
	pub->after = &root->dep;
	pub->root = true;
	if (from)
		pub->from = *from;
	else
		pub->from.seq = shard_super_checkpoint_seq(store->super);
	err = shard_manifest_write(store, &next, pub->from.seq, root->refs,
				   &root->dep, pub->manifest);
	if (err)
		return err;
	root->issued = true;
	err = shard_super_publish(store->super, pub);
	if (err)
		return err;
	retire_meta(store->ex, root->retired);
	root->garbage->nr =
		shard_extents_retire(store->ex, SHARD_DATA_STREAMS |
						SHARD_INDEX_STREAMS,
				     root->refs, BIT(root->stream), covered,
				     root->garbage->extents,
				     root->garbage->max);
	shard_index_publish(root->index, edit, root->garbage, root->version);
	root->garbage = NULL;
	root->version = NULL;
	return 0;
}

int shard_root_end(struct shard_root *root, int error, struct shard_edit *edit,
		   const struct shard_log_start *from)
{
	int err = shard_run_builder_end(&root->builder, error, &edit->run);

	shard_index_edit_begin(root->index);
	if (!err)
		err = root_publish(root, edit, from);
	if (err) {
		shard_dep_wait(&root->dep);	/* appends still name it */
		/* if a record was issued nobody knows what it needs */
		if (!root->issued)
			shard_extents_abandon(root->store->ex,
					      SHARD_META_STREAMS |
					      BIT(root->stream));
		shard_run_destroy(edit->run);
		edit->run = NULL;
	}
	shard_index_edit_end(root->index);
	/* who waits for an extent may have what became free, or see that none did */
	shard_super_assign(root->store->super);
	wake_up_all(&root->store->changed);
	kvfree(root->retired);
	kvfree(root->garbage);
	kvfree(root->version);
	kvfree(root->refs);
	return err;
}
