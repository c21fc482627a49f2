// SPDX-License-Identifier: GPL-2.0-only
/*
 * DOC: cache of index pages
 *
 * All pages are allocated at the start; one that nobody holds may be reused,
 * the longest unused first, and leaves before the pages above them: these are
 * one in a hundred and more, and each leads to many leaves, so a look-up that
 * finds them costs one read, however large the run.  A reader that needs a page while all are held
 * waits for one: each holds one page only, and only for as long as it takes to
 * look into it, so it always gets one.
 */
#include "cache.h"

#include "stats.h"

struct shard_cache {
	struct shard_store *store;
	spinlock_t lock;		/* of all pages and lists */
	wait_queue_head_t changed;	/* a page was let go, or filled */
	/* pages that nobody holds, oldest first: leaves and free ones, others */
	struct list_head leaves;
	struct list_head inner;
	u32 nr_leaves;
	struct list_head *hash;
	u32 hash_mask;
	u32 nr_pages;
	u8 *blocks;			/* memory of all pages */
	struct shard_cached pages[];
};

struct shard_cache *shard_cache_create(struct shard_store *store, u32 nr_pages)
{
	struct shard_cache *cache;
	u32 buckets = roundup_pow_of_two(nr_pages);
	u32 i;

	cache = kvzalloc(struct_size(cache, pages, nr_pages), GFP_KERNEL);
	if (!cache)
		return NULL;
	cache->store = store;
	cache->nr_pages = nr_pages;
	cache->hash_mask = buckets - 1;
	spin_lock_init(&cache->lock);
	init_waitqueue_head(&cache->changed);
	INIT_LIST_HEAD(&cache->leaves);
	INIT_LIST_HEAD(&cache->inner);
	cache->nr_leaves = nr_pages;
	cache->hash = kvcalloc(buckets, sizeof(*cache->hash), GFP_KERNEL);
	cache->blocks = kvcalloc(nr_pages, store->block_size, GFP_KERNEL);
	if (!cache->hash || !cache->blocks)
		goto fail;
	for (i = 0; i < buckets; i++)
		INIT_LIST_HEAD(&cache->hash[i]);
	for (i = 0; i < nr_pages; i++) {
		struct shard_cached *c = &cache->pages[i];

		INIT_LIST_HEAD(&c->hash);
		list_add_tail(&c->lru, &cache->leaves);
		c->block = cache->blocks + (size_t)i * store->block_size;
	}
	return cache;
fail:
	shard_cache_destroy(cache);
	return NULL;
}

void shard_cache_destroy(struct shard_cache *cache)
{
	u32 i;

	if (!cache)
		return;
	for (i = 0; i < cache->nr_pages; i++)
		WARN_ON(cache->pages[i].refs);
	kvfree(cache->blocks);
	kvfree(cache->hash);
	kvfree(cache);
}

static struct list_head *bucket(struct shard_cache *cache, u64 run_id, u32 page)
{
	u64 key = (run_id << 32 | page) * 0x9e3779b97f4a7c15ull;

	return &cache->hash[(key >> 32) & cache->hash_mask];
}

static struct shard_cached *find(struct shard_cache *cache, u64 run_id,
				 u32 page)
{
	struct shard_cached *c;

	lockdep_assert_held(&cache->lock);
	list_for_each_entry(c, bucket(cache, run_id, page), hash)
		if (c->run_id == run_id && c->page == page)
			return c;
	return NULL;
}

/* At least so much of the cache is for leaves. */
#define CACHE_LEAVES	4	/* a quarter */

static bool is_inner(const struct shard_cached *c)
{
	return c->valid && shard_page_level(c->block);
}

static void hold(struct shard_cache *cache, struct shard_cached *c)
{
	lockdep_assert_held(&cache->lock);
	if (c->refs++)
		return;
	if (!is_inner(c))
		cache->nr_leaves--;
	list_del_init(&c->lru);
}

/* The page to reuse, or NULL if all are held. */
static struct shard_cached *victim(struct shard_cache *cache)
{
	bool leaf = cache->nr_leaves > cache->nr_pages / CACHE_LEAVES ||
		    list_empty(&cache->inner);

	lockdep_assert_held(&cache->lock);
	return list_first_entry_or_null(leaf ? &cache->leaves : &cache->inner,
					struct shard_cached, lru);
}

static void let_go(struct shard_cache *cache, struct shard_cached *c)
{
	lockdep_assert_held(&cache->lock);
	if (--c->refs)
		return;
	if (is_inner(c)) {
		list_add_tail(&c->lru, &cache->inner);
	} else if (c->valid) {
		list_add_tail(&c->lru, &cache->leaves);
		cache->nr_leaves++;
	} else {
		list_del_init(&c->hash);
		list_add(&c->lru, &cache->leaves);
		cache->nr_leaves++;
	}
	wake_up_all(&cache->changed);
}

struct shard_cached *shard_cache_get(struct shard_cache *cache, u64 run_id,
				     u32 page)
{
	struct shard_cached *c;
	unsigned long flags;

	spin_lock_irqsave(&cache->lock, flags);
	c = find(cache, run_id, page);
	if (c && c->valid)
		hold(cache, c);
	else
		c = NULL;
	spin_unlock_irqrestore(&cache->lock, flags);
	if (c)
		atomic64_inc(&cache->store->stats->page_hits);
	return c;
}

void shard_cache_put(struct shard_cache *cache, struct shard_cached *cached)
{
	unsigned long flags;

	spin_lock_irqsave(&cache->lock, flags);
	let_go(cache, cached);
	spin_unlock_irqrestore(&cache->lock, flags);
}

int shard_page_read(struct shard_store *store, u64 run_id, u32 page, u64 offset,
		    u32 csum, void *block)
{
	int err, tries;

	for (tries = 0; tries < 2; tries++) {
		shard_sometimes(tries, "a page of a run is read again");
		err = shard_writeback_read_wait(store->wb, offset, block,
						store->block_size);
		if (err)
			continue;
		err = shard_page_check(block, store->block_size, store->seed,
				       run_id, page, csum);
		if (!err)
			return 0;
		atomic64_inc(&store->stats->read_mismatches);
	}
	pr_err_ratelimited("page %u of run %llu at byte %llu cannot be read: %d\n",
			   page, run_id, offset, err);
	return err;
}

/* What a reader that must sleep finds: a page to use, to fill, or nothing. */
enum cache_step { CACHE_READY, CACHE_FILL, CACHE_WAIT };

static enum cache_step cache_step(struct shard_cache *cache, u64 run_id,
				  u32 page, struct shard_cached **out)
{
	enum cache_step step = CACHE_WAIT;
	struct shard_cached *c;
	unsigned long flags;
	bool found;

	spin_lock_irqsave(&cache->lock, flags);
	c = find(cache, run_id, page);
	found = c;
	if (!found)
		c = victim(cache);
	if (found && c->valid) {
		hold(cache, c);
		step = CACHE_READY;
	} else if (!found && c) {
		shard_sometimes(c->valid,
				"a cached page makes room for another");
		hold(cache, c);
		list_del_init(&c->hash);
		c->run_id = run_id;
		c->page = page;
		c->valid = false;
		list_add(&c->hash, bucket(cache, run_id, page));
		step = CACHE_FILL;
	}
	shard_sometimes(step == CACHE_WAIT,
			"a reader waits for a page of the cache");
	spin_unlock_irqrestore(&cache->lock, flags);
	*out = c;
	return step;
}

int shard_cache_read(struct shard_cache *cache, u64 run_id, u32 page,
		     u64 offset, u32 csum, struct shard_cached **out)
{
	enum cache_step step;
	struct shard_cached *c;
	unsigned long flags;
	int err;

	wait_event(cache->changed,
		   (step = cache_step(cache, run_id, page, &c)) != CACHE_WAIT);
	*out = c;
	if (step == CACHE_READY)
		return 0;
	atomic64_inc(&cache->store->stats->page_misses);
	err = shard_page_read(cache->store, run_id, page, offset, csum,
			      c->block);
	spin_lock_irqsave(&cache->lock, flags);
	c->valid = !err;
	if (err)
		let_go(cache, c);
	else
		wake_up_all(&cache->changed);
	spin_unlock_irqrestore(&cache->lock, flags);
	return err;
}
