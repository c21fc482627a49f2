// SPDX-License-Identifier: GPL-2.0-only
/*
 * DOC: index
 *
 * Versions form a list, oldest first.  The active memtable of the newest
 * version changes as frames are applied; all else that a version names does
 * not.  Applying and looking up take the one lock, so a look-up sees all of a
 * request or nothing of it.
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
	struct shard_run *run;
	/* superfluous once this and all older versions are gone: */
	struct shard_memtable *old_memtable;
	struct shard_run *old_run;
	struct shard_garbage *garbage;
};

struct shard_index {
	struct shard_store *store;
	struct shard_cache *cache;
	spinlock_t lock;		/* of versions, and of the active memtable */
	struct list_head versions;	/* oldest first */
	struct shard_version *newest;
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
	spin_lock_init(&index->lock);
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
	index->wq = alloc_workqueue("shardblk-release",
				    WQ_MEM_RECLAIM | WQ_UNBOUND, 1);
	if (!index->newest->active || !index->spare || !index->cache ||
	    !index->wq)
		goto fail;
	return index;
fail:
	shard_index_destroy(index);
	return NULL;
}

void shard_index_stop(struct shard_index *index)
{
	flush_work(&index->work);
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
		shard_run_destroy(v->run);
		kvfree(v);
	}
	shard_memtable_destroy(index->spare);
	kvfree(index->prepared);
	shard_cache_destroy(index->cache);
	kvfree(index);
}

void shard_index_restore(struct shard_index *index, struct shard_run *run)
{
	WARN_ON(index->newest->run);
	index->newest->run = run;
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

void shard_index_insert(struct shard_index *index,
			const struct shard_range *range)
{
	unsigned long flags;

	spin_lock_irqsave(&index->lock, flags);
	shard_memtable_insert(index->newest->active, range);
	spin_unlock_irqrestore(&index->lock, flags);
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

int shard_index_lookup(struct shard_index *index, struct shard_version *version,
		       u64 lba, u32 nr_blocks, struct shard_block_map *map,
		       bool sleep)
{
	u32 extent_blocks = index->store->extent_blocks;
	unsigned long flags;
	u32 i;
	int err;

	/* O11: newest first; what a newer layer knows no older one is asked */
	spin_lock_irqsave(&index->lock, flags);
	shard_memtable_lookup(version->active, lba, nr_blocks, extent_blocks,
			      map);
	if (version->frozen)
		shard_memtable_lookup(version->frozen, lba, nr_blocks,
				      extent_blocks, map);
	spin_unlock_irqrestore(&index->lock, flags);

	err = shard_run_lookup(index->store, index->cache, version->run, lba,
			       nr_blocks, map, sleep);
	shard_sometimes(!err && version->run && !sleep,
			"a run is read from the cache alone");
	if (err)
		return err;
	for (i = 0; i < nr_blocks; i++)
		map[i].known = true;
	return 0;
}

/* The first range of layer @i of a version, newest first, that ends behind @lba. */
static int layer_next(struct shard_index *index, struct shard_version *version,
		      u32 i, u64 lba, struct shard_range *range)
{
	struct shard_memtable *mt = i ? version->frozen : version->active;
	unsigned long flags;
	bool found;

	if (i == 2)
		return shard_run_next(index->store, index->cache, version->run,
				      lba, range);
	if (!mt)
		return 0;
	spin_lock_irqsave(&index->lock, flags);
	found = shard_memtable_next(mt, lba, range);
	spin_unlock_irqrestore(&index->lock, flags);
	return found;
}

int shard_index_next(struct shard_index *index, struct shard_version *version,
		     u64 *lba)
{
	u64 next = *lba;
	u32 i;

	while (next != U64_MAX) {
		struct shard_range range;
		u64 at = *lba = next;

		/* O11: the newest layer that knows @at decides */
		for (i = 0, next = U64_MAX; i < 3; i++) {
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

/* ---- checkpoints ---- */

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
	next->run = v->run;
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

struct shard_run *shard_index_run(struct shard_index *index)
{
	struct shard_run *run;
	unsigned long flags;

	spin_lock_irqsave(&index->lock, flags);
	run = index->newest->run;
	spin_unlock_irqrestore(&index->lock, flags);
	return run;
}

void shard_index_publish(struct shard_index *index, struct shard_run *run,
			 struct shard_garbage *garbage,
			 struct shard_version *next)
{
	struct shard_version *old;
	unsigned long flags;

	spin_lock_irqsave(&index->lock, flags);
	old = index->newest;
	old->old_memtable = old->frozen;
	old->old_run = old->run;
	old->garbage = garbage;
	version_push(index, next);
	next->frozen = NULL;
	next->run = run;
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

/* O7: nobody is left who could have found the way to any of this. */
static void version_release(struct shard_index *index, struct shard_version *v)
{
	unsigned long flags;
	u32 i;

	if (v->old_memtable) {
		shard_memtable_clear(v->old_memtable);
		spin_lock_irqsave(&index->lock, flags);
		WARN_ON(index->spare);
		index->spare = v->old_memtable;
		spin_unlock_irqrestore(&index->lock, flags);
	}
	shard_run_destroy(v->old_run);
	for (i = 0; v->garbage && i < v->garbage->nr; i++)
		shard_extent_free(index->store->ex, v->garbage->extents[i]);
	kvfree(v->garbage);
	kvfree(v);
}

static void index_release(struct work_struct *work)
{
	struct shard_index *index = container_of(work, struct shard_index, work);
	struct shard_version *v;

	while ((v = release_take(index)))
		version_release(index, v);
	wake_up_all(&index->released);
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
