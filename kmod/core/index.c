// SPDX-License-Identifier: GPL-2.0-only
/*
 * DOC: index
 *
 * Versions form a list, oldest first.  The active memtable of the newest
 * version changes as frames are applied; all else that a version names does
 * not.  Applying takes the one lock, looking up does not: it notices by a count
 * that something was applied meanwhile, and begins anew, so a look-up sees all of
 * a request or nothing of it.
 *
 * Garbage hangs on the version that was the newest when it became garbage: it
 * may still be reached from there and from older ones.  It is released when
 * that version comes to the head of the list and nobody holds it.  That is done
 * in a work item, because the last one to let go may be an interrupt.
 */
#include "index.h"

struct shard_version {
	struct list_head node;
	u32 refs;
	struct shard_memtable *active;
	struct shard_memtable *frozen;
	struct shard_runs runs;
	/* superfluous once this and all older versions are gone: */
	struct shard_memtable *old_memtable;
	struct shard_runs old_runs;
	struct shard_garbage *garbage;
};

struct shard_index {
	struct shard_store *store;
	struct shard_cache *cache;
	struct mutex edit;		/* whoever holds it changes the runs */
	spinlock_t lock;		/* of versions, and of the active memtable */
	seqcount_spinlock_t seq;	/* odd while that changes */
	struct list_head versions;	/* oldest first */
	struct shard_version *newest;
	u32 nr_ids;			/* of runs, given so far */
	u64 nr_frozen;			/* memtables, since the start */
	struct shard_memtable *spare;	/* NULL while it is in use */
	struct shard_version *prepared;	/* memory for shard_index_freeze() */
	wait_queue_head_t released;
	struct workqueue_struct *wq;
	struct work_struct work;
	void (*on_free)(void *ctx);
	void *on_free_ctx;
};

static void index_release(struct work_struct *work);

struct shard_version *shard_index_version(void)
{
	return kvzalloc(sizeof(struct shard_version), GFP_KERNEL);
}

struct shard_index *shard_index_create(struct shard_store *store,
				       u32 nr_entries, u32 cache_pages)
{
	struct shard_index *index = kvzalloc(sizeof(*index), GFP_KERNEL);

	if (!index)
		return NULL;
	index->store = store;
	mutex_init(&index->edit);
	spin_lock_init(&index->lock);
	seqcount_spinlock_init(&index->seq, &index->lock);
	INIT_LIST_HEAD(&index->versions);
	init_waitqueue_head(&index->released);
	INIT_WORK(&index->work, index_release);
	index->newest = shard_index_version();
	if (!index->newest)
		goto fail;
	list_add_tail(&index->newest->node, &index->versions);
	index->newest->active = shard_memtable_create(nr_entries);
	index->spare = shard_memtable_create(nr_entries);
	index->cache = shard_cache_create(store, cache_pages);
	index->wq = alloc_ordered_workqueue("shardblk-release", WQ_MEM_RECLAIM);
	if (!index->newest->active || !index->spare || !index->cache ||
	    !index->wq)
		goto fail;
	return index;
fail:
	shard_index_destroy(index);
	return NULL;
}

struct shard_cache *shard_index_cache(struct shard_index *index)
{
	return index->cache;
}

void shard_index_flush(struct shard_index *index)
{
	flush_work(&index->work);
}

void shard_index_stop(struct shard_index *index)
{
	shard_index_flush(index);
	index->on_free = NULL;
}

void shard_index_destroy(struct shard_index *index)
{
	struct shard_version *v;

	if (!index)
		return;
	if (index->wq)
		destroy_workqueue(index->wq);
	v = index->newest;
	if (v) {
		WARN_ON(v->refs || !list_is_singular(&index->versions));
		shard_memtable_destroy(v->active);
		shard_memtable_destroy(v->frozen);
		shard_runs_destroy(&v->runs);
		kvfree(v);
	}
	shard_memtable_destroy(index->spare);
	kvfree(index->prepared);
	shard_cache_destroy(index->cache);
	mutex_destroy(&index->edit);
	kvfree(index);
}

void shard_index_restore(struct shard_index *index,
			 const struct shard_runs *runs)
{
	WARN_ON(index->newest->runs.nr);
	index->newest->runs = *runs;
}

bool shard_index_fits(struct shard_index *index, u32 nr_entries, u32 nr_csums)
{
	unsigned long flags;
	bool fits;

	spin_lock_irqsave(&index->lock, flags);
	fits = shard_memtable_fits(index->newest->active, nr_entries, nr_csums);
	spin_unlock_irqrestore(&index->lock, flags);
	return fits;
}

bool shard_index_empty(struct shard_index *index)
{
	unsigned long flags;
	bool empty;

	spin_lock_irqsave(&index->lock, flags);
	empty = shard_memtable_empty(index->newest->active) &&
		!index->newest->frozen;
	spin_unlock_irqrestore(&index->lock, flags);
	return empty;
}

void shard_index_entries(struct shard_index *index, u32 *active, u32 *frozen)
{
	unsigned long flags;

	spin_lock_irqsave(&index->lock, flags);
	*active = shard_memtable_entries(index->newest->active);
	*frozen = index->newest->frozen ?
		  shard_memtable_entries(index->newest->frozen) : 0;
	spin_unlock_irqrestore(&index->lock, flags);
}

void shard_index_insert(struct shard_index *index,
			const struct shard_range *range)
{
	unsigned long flags;

	spin_lock_irqsave(&index->lock, flags);
	write_seqcount_begin(&index->seq);
	shard_memtable_insert(index->newest->active, range);
	write_seqcount_end(&index->seq);
	spin_unlock_irqrestore(&index->lock, flags);
}

u64 shard_index_covered(struct shard_index *index)
{
	unsigned long flags;
	u64 nr;

	spin_lock_irqsave(&index->lock, flags);
	nr = index->nr_frozen - !!index->newest->frozen;
	spin_unlock_irqrestore(&index->lock, flags);
	return nr;
}

u64 shard_index_memtables(struct shard_index *index)
{
	unsigned long flags;
	u64 nr;

	spin_lock_irqsave(&index->lock, flags);
	nr = index->nr_frozen + 1;
	spin_unlock_irqrestore(&index->lock, flags);
	return nr;
}

/* Is block @i still where it was?  Memtables have been asked. */
static bool swing_holds(const struct shard_block_map *map, const u64 *from,
			u32 i)
{
	if (from[i] == SHARD_MAP_GONE)
		return false;
	return !map[i].known || (map[i].mapped && map[i].block == from[i]);
}

/* The blocks from @first on that are still there, as many as fit. */
static u32 swing_stretch(struct shard_index *index, const struct shard_range *to,
			 u32 first, u32 end, u32 nr_entries, u32 nr_csums)
{
	struct shard_version *v = index->newest;
	struct shard_range range = *to;

	while (end > first &&
	       !shard_memtable_fits(v->active,
				    nr_entries + SHARD_MEMTABLE_PER_REQUEST,
				    nr_csums + end - first))
		end--;
	if (end == first)
		return 0;
	range.lba += first;
	range.nr_blocks = end - first;
	range.place.block += first;
	range.csums += first;
	write_seqcount_begin(&index->seq);
	shard_memtable_insert(v->active, &range);
	write_seqcount_end(&index->seq);
	return end - first;
}

int shard_index_swing(struct shard_index *index, u64 covered,
		      const struct shard_range *to, const u64 *from,
		      u32 nr_entries, u32 nr_csums, struct shard_block_map *map)
{
	u32 extent_blocks = index->store->extent_blocks;
	struct shard_version *v;
	unsigned long flags;
	u32 i, end;
	int ret = 0;

	memset(map, 0, to->nr_blocks * sizeof(*map));
	spin_lock_irqsave(&index->lock, flags);
	v = index->newest;
	if (index->nr_frozen - !!v->frozen != covered) {
		ret = -EAGAIN;
		goto out;
	}
	shard_memtable_lookup(v->active, to->lba, to->nr_blocks, extent_blocks,
			      map);
	if (v->frozen)
		shard_memtable_lookup(v->frozen, to->lba, to->nr_blocks,
				      extent_blocks, map);
	for (i = 0; i < to->nr_blocks; i = end) {
		u32 done;

		end = i;
		while (end < to->nr_blocks && swing_holds(map, from, end))
			end++;
		shard_sometimes(end == i, "a block changes while it is moved");
		if (end == i) {
			end++;
			continue;
		}
		/* O9 */
		done = swing_stretch(index, to, i, end, nr_entries, nr_csums);
		ret = i + done;
		if (done < end - i)
			goto out;
	}
	ret = to->nr_blocks;
out:
	spin_unlock_irqrestore(&index->lock, flags);
	return ret;
}

struct shard_version *shard_index_hold(struct shard_index *index)
{
	struct shard_version *v;
	unsigned long flags;

	spin_lock_irqsave(&index->lock, flags);
	v = index->newest;
	v->refs++;
	spin_unlock_irqrestore(&index->lock, flags);
	return v;
}

/* May the oldest version go? */
static bool index_releasable(struct shard_index *index)
{
	struct shard_version *v = list_first_entry(&index->versions,
						   struct shard_version, node);

	lockdep_assert_held(&index->lock);
	return v != index->newest && !v->refs;
}

void shard_index_put(struct shard_index *index, struct shard_version *version)
{
	unsigned long flags;

	spin_lock_irqsave(&index->lock, flags);
	version->refs--;
	shard_sometimes(index_releasable(index) && version->garbage &&
			version->garbage->nr,
			"a reset waits for a reader");
	if (index_releasable(index))
		queue_work(index->wq, &index->work);
	spin_unlock_irqrestore(&index->lock, flags);
}

static bool all_known(const struct shard_block_map *map, u32 nr_blocks)
{
	u32 i = 0;

	while (i < nr_blocks && map[i].known)
		i++;
	return i == nr_blocks;
}

/* Times that a look-up in memtables begins anew before it takes the lock. */
#define INDEX_TRIES	4

/*
 * O11: what memtables say at one instant, the newer one first; what it knows the
 * older one is not asked.
 */
static void memtables_ask(struct shard_index *index,
			  const struct shard_version *version, u64 lba,
			  u32 nr_blocks, struct shard_block_map *map)
{
	u32 extent_blocks = index->store->extent_blocks;

	shard_memtable_lookup(version->active, lba, nr_blocks, extent_blocks,
			      map);
	if (version->frozen)
		shard_memtable_lookup(version->frozen, lba, nr_blocks,
				      extent_blocks, map);
}

static void map_forget(struct shard_block_map *map, u32 nr_blocks)
{
	u32 i;

	for (i = 0; i < nr_blocks; i++) {
		map[i].mapped = map[i].mapped && map[i].before;
		map[i].known = map[i].before;
	}
}

/* They exist, and are not cleared, as long as their version is held. */
static void memtables_lookup(struct shard_index *index,
			     const struct shard_version *version, u64 lba,
			     u32 nr_blocks, struct shard_block_map *map)
{
	unsigned int seq, tries;
	unsigned long flags;
	u32 i;

	for (i = 0; i < nr_blocks; i++)
		map[i].before = map[i].known;
	for (tries = 0; tries < INDEX_TRIES; tries++) {
		seq = read_seqcount_begin(&index->seq);
		memtables_ask(index, version, lba, nr_blocks, map);
		if (!read_seqcount_retry(&index->seq, seq))
			return;
		shard_sometimes(true, "a request comes beside a look-up");
		map_forget(map, nr_blocks);	/* O11: all of that is void */
	}
	spin_lock_irqsave(&index->lock, flags);
	memtables_ask(index, version, lba, nr_blocks, map);
	spin_unlock_irqrestore(&index->lock, flags);
}

/* What memtables do not know.  After an error only what was known before is. */
static int runs_lookup(struct shard_index *index, const struct shard_runs *runs,
		       u64 lba, u32 nr_blocks, struct shard_block_map *map,
		       bool sleep)
{
	u32 i;
	int err;

	for (i = 0; i < runs->nr; i++) {
		if (all_known(map, nr_blocks))
			break;
		if (!shard_run_knows(runs->run[i], lba, nr_blocks, map)) {
			shard_sometimes(true, "a guide spares a look-up a run");
			continue;
		}
		shard_sometimes(i, "a look-up goes on in an older run");
		err = shard_run_lookup(index->store, index->cache,
				       runs->run[i], lba, nr_blocks, map,
				       sleep);
		/* O11: what cannot be read is not looked up further down */
		if (err) {
			/* O11: another try will see another instant */
			map_forget(map, nr_blocks);
			return err;
		}
	}
	shard_sometimes(i > 1 && i < runs->nr,
			"a look-up ends between two runs");
	shard_sometimes(i && !sleep, "a run is read from the cache alone");
	for (i = 0; i < nr_blocks; i++)
		map[i].known = true;
	return 0;
}

int shard_index_lookup(struct shard_index *index, struct shard_version *version,
		       u64 lba, u32 nr_blocks, struct shard_block_map *map,
		       bool sleep)
{
	/* O11: newest first; what a newer layer knows no older one is asked */
	memtables_lookup(index, version, lba, nr_blocks, map);
	return runs_lookup(index, &version->runs, lba, nr_blocks, map, sleep);
}

bool shard_index_knows(struct shard_index *index, struct shard_version *version,
		       u64 lba, u32 nr_blocks, struct shard_block_map *map)
{
	memset(map, 0, nr_blocks * sizeof(*map));
	memtables_lookup(index, version, lba, nr_blocks, map);
	return all_known(map, nr_blocks);
}

int shard_index_lookup_runs(struct shard_index *index, u64 lba, u32 nr_blocks,
			    struct shard_block_map *map)
{
	struct shard_version *version = shard_index_hold(index);
	int err;

	memset(map, 0, nr_blocks * sizeof(*map));
	err = runs_lookup(index, &version->runs, lba, nr_blocks, map, true);
	shard_index_put(index, version);
	return err;
}

/* The first range of layer @i of a version, newest first, that ends behind @lba. */
static int layer_next(struct shard_index *index, struct shard_version *version,
		      u32 i, u64 lba, struct shard_range *range)
{
	struct shard_memtable *mt = i ? version->frozen : version->active;
	unsigned long flags;
	bool found;

	if (i >= 2)
		return shard_run_next(index->store, index->cache,
				      version->runs.run[i - 2], lba, range);
	if (!mt)
		return 0;
	spin_lock_irqsave(&index->lock, flags);
	found = shard_memtable_next(mt, lba, range);
	spin_unlock_irqrestore(&index->lock, flags);
	return found;
}

/* Layers from @first on: 0 is the active memtable, 2 the newest run. */
static int layers_next(struct shard_index *index, struct shard_version *version,
		       u32 first, u64 *lba)
{
	u64 next = *lba;
	u32 i;

	while (next != U64_MAX) {
		struct shard_range range;
		u64 at = *lba = next;

		/* O11: the newest layer that knows @at decides */
		next = U64_MAX;
		for (i = first; i < 2 + version->runs.nr; i++) {
			int ret = layer_next(index, version, i, at, &range);

			if (ret < 0)
				return ret;
			if (!ret)
				continue;
			if (range.lba > at) {
				next = min(next, range.lba);
				continue;
			}
			if (range.mapped)
				return 1;
			next = min(next, range.lba + range.nr_blocks);
			break;
		}
	}
	return 0;
}

int shard_index_next(struct shard_index *index, struct shard_version *version,
		     u64 *lba)
{
	return layers_next(index, version, 0, lba);
}

int shard_index_next_in_runs(struct shard_index *index, u64 *lba)
{
	struct shard_version *version = shard_index_hold(index);
	int ret = layers_next(index, version, 2, lba);

	shard_index_put(index, version);
	return ret;
}

/* ---- checkpoints ---- */

u64 shard_index_frozen_pages(struct shard_index *index)
{
	const struct shard_layout *l = shard_extents_layout(index->store->ex);
	struct shard_memtable *mt = shard_index_frozen(index);

	return min(shard_memtable_pages(mt, l->block_size),
		   shard_run_pages_max(l->block_size, l->logical_blocks));
}

bool shard_index_is_frozen(struct shard_index *index)
{
	return shard_index_frozen(index);
}

static bool spare_free(struct shard_index *index)
{
	unsigned long flags;
	bool is_free;

	spin_lock_irqsave(&index->lock, flags);
	is_free = index->spare;
	spin_unlock_irqrestore(&index->lock, flags);
	return is_free;
}

int shard_index_prepare(struct shard_index *index)
{
	if (!index->prepared)
		index->prepared = shard_index_version();
	if (!index->prepared)
		return -ENOMEM;
	shard_sometimes(!spare_free(index), "a freeze waits for a reader");
	wait_event(index->released, spare_free(index));
	return 0;
}

/* Makes @next the newest version, a copy of the one before. */
static void version_push(struct shard_index *index, struct shard_version *next)
{
	struct shard_version *v = index->newest;

	lockdep_assert_held(&index->lock);
	next->active = v->active;
	next->frozen = v->frozen;
	next->runs = v->runs;
	list_add_tail(&next->node, &index->versions);
	index->newest = next;
	if (index_releasable(index))
		queue_work(index->wq, &index->work);
}

void shard_index_freeze(struct shard_index *index)
{
	struct shard_version *next;
	unsigned long flags;

	spin_lock_irqsave(&index->lock, flags);
	WARN_ON(index->newest->frozen || !index->spare);
	next = index->prepared;
	index->prepared = NULL;
	version_push(index, next);
	next->frozen = next->active;
	next->active = index->spare;
	index->nr_frozen++;
	index->spare = NULL;
	spin_unlock_irqrestore(&index->lock, flags);
}

struct shard_memtable *shard_index_frozen(struct shard_index *index)
{
	struct shard_memtable *mt;
	unsigned long flags;

	spin_lock_irqsave(&index->lock, flags);
	mt = index->newest->frozen;
	spin_unlock_irqrestore(&index->lock, flags);
	return mt;
}

struct shard_memtable *shard_index_active(struct shard_index *index)
{
	return index->newest->active;
}

void shard_index_runs(struct shard_index *index, struct shard_runs *runs)
{
	unsigned long flags;

	spin_lock_irqsave(&index->lock, flags);
	*runs = index->newest->runs;
	spin_unlock_irqrestore(&index->lock, flags);
}

const struct shard_runs *shard_version_runs(const struct shard_version *version)
{
	return &version->runs;
}

u64 shard_index_run_id(struct shard_index *index)
{
	unsigned long flags;
	u32 nr;

	spin_lock_irqsave(&index->lock, flags);
	nr = index->nr_ids++;
	spin_unlock_irqrestore(&index->lock, flags);
	/* numbers of records never repeat, and these not within one */
	return shard_super_number(index->store->super) << 16 | (nr & 0xffff);
}

/* O11: whoever makes a root of the runs there are has these to himself. */
void shard_index_edit_begin(struct shard_index *index)
{
	mutex_lock(&index->edit);
}

void shard_index_edit_end(struct shard_index *index)
{
	mutex_unlock(&index->edit);
}

void shard_edit_apply(const struct shard_edit *edit,
		      const struct shard_runs *from, struct shard_runs *to,
		      struct shard_runs *dropped)
{
	u32 first = 0, i;

	to->nr = 0;
	dropped->nr = 0;
	while (edit->nr && first < from->nr && from->run[first] != edit->first)
		first++;
	for (i = 0; i <= from->nr; i++) {
		if (i == first && edit->run)
			to->run[to->nr++] = edit->run;
		if (i == from->nr)
			break;
		if (i >= first && i - first < edit->nr)
			dropped->run[dropped->nr++] = from->run[i];
		else
			to->run[to->nr++] = from->run[i];
	}
	WARN_ON(dropped->nr != edit->nr);
}

void shard_index_publish(struct shard_index *index,
			 const struct shard_edit *edit,
			 struct shard_garbage *garbage,
			 struct shard_version *next)
{
	struct shard_version *old;
	unsigned long flags;

	spin_lock_irqsave(&index->lock, flags);
	old = index->newest;
	old->garbage = garbage;
	version_push(index, next);
	shard_edit_apply(edit, &old->runs, &next->runs, &old->old_runs);
	if (!edit->nr) {
		old->old_memtable = old->frozen;
		next->frozen = NULL;
	}
	spin_unlock_irqrestore(&index->lock, flags);
}

static struct shard_version *release_take(struct shard_index *index)
{
	struct shard_version *v = NULL;
	unsigned long flags;

	spin_lock_irqsave(&index->lock, flags);
	if (index_releasable(index)) {
		v = list_first_entry(&index->versions, struct shard_version,
				     node);
		list_del_init(&v->node);
	}
	spin_unlock_irqrestore(&index->lock, flags);
	return v;
}

/*
 * O7: nobody is left who could have found the way to any of this.
 *
 * Return: has an extent become free?
 */
static bool version_release(struct shard_index *index, struct shard_version *v)
{
	bool freed = v->garbage && v->garbage->nr;
	unsigned long flags;
	u32 i;

	if (v->old_memtable) {
		shard_memtable_clear(v->old_memtable);
		spin_lock_irqsave(&index->lock, flags);
		WARN_ON(index->spare);
		index->spare = v->old_memtable;
		spin_unlock_irqrestore(&index->lock, flags);
	}
	shard_runs_destroy(&v->old_runs);
	for (i = 0; v->garbage && i < v->garbage->nr; i++)
		shard_extent_free(index->store->ex, v->garbage->extents[i]);
	kvfree(v->garbage);
	kvfree(v);
	return freed;
}

static void index_release(struct work_struct *work)
{
	struct shard_index *index = container_of(work, struct shard_index, work);
	struct shard_version *v;
	bool freed = false;

	while ((v = release_take(index)))
		freed |= version_release(index, v);
	wake_up_all(&index->released);
	if (!freed)
		return;
	wake_up_all(&index->store->changed);
	if (index->on_free)
		index->on_free(index->on_free_ctx);
}

void shard_index_on_free(struct shard_index *index, void (*fn)(void *ctx),
			 void *ctx)
{
	index->on_free_ctx = ctx;
	index->on_free = fn;
}
