// SPDX-License-Identifier: GPL-2.0-only
/*
 * DOC: cache of index pages
 *
 * A page that nobody holds may be reused, the longest unused first, and leaves
 * before the pages above them: these are one in a hundred and more, and each
 * leads to many leaves, so a look-up that finds them costs one read, however
 * large the run.  A reader that needs a page while all are held waits for one:
 * each holds one page only, and only for as long as it takes to look into it, so
 * it always gets one.
 *
 * One page is allocated at the start, the others when they are first used, if
 * there is memory to be had at once; else one is reused, or waited for.  So what
 * was given back when memory was short comes back when it is used again, and
 * who loses a page by that reads it again.
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
	struct list_head empty;		/* pages without memory */
	u32 nr_leaves;
	u32 nr_blocks;			/* pages with memory */
	struct list_head *hash;
	u32 hash_mask;
	u32 nr_pages;
	struct shard_cached pages[];
};

/* What is never given back. */
#define CACHE_KEEP	1u

/* Memory for a page that has none; it is a leaf that nobody knows then. */
static struct shard_cached *block_alloc(struct shard_cache *cache, gfp_t gfp)
{
	struct shard_cached *c = list_first_entry_or_null(&cache->empty,
							  struct shard_cached,
							  lru);

	if (!c)
		return NULL;
	c->block = kmalloc(cache->store->block_size, gfp);
	if (!c->block)
		return NULL;
	list_move(&c->lru, &cache->leaves);
	cache->nr_leaves++;
	WRITE_ONCE(cache->nr_blocks, cache->nr_blocks + 1);
	return c;
}

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
	INIT_LIST_HEAD(&cache->empty);
	for (i = 0; i < nr_pages; i++) {
		INIT_LIST_HEAD(&cache->pages[i].hash);
		list_add_tail(&cache->pages[i].lru, &cache->empty);
	}
	cache->hash = kvcalloc(buckets, sizeof(*cache->hash), GFP_KERNEL);
	if (!cache->hash || !block_alloc(cache, GFP_KERNEL)) {
		shard_cache_destroy(cache);
		return NULL;
	}
	for (i = 0; i < buckets; i++)
		INIT_LIST_HEAD(&cache->hash[i]);
	return cache;
}

void shard_cache_destroy(struct shard_cache *cache)
{
	u32 i;

	if (!cache)
		return;
	for (i = 0; i < cache->nr_pages; i++) {
		WARN_ON(cache->pages[i].refs);
		kfree(cache->pages[i].block);
	}
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

/* The page to give up, or NULL if all are held. */
static struct shard_cached *victim(struct shard_cache *cache)
{
	bool leaf = cache->nr_leaves > cache->nr_blocks / CACHE_LEAVES ||
		    list_empty(&cache->inner);

	lockdep_assert_held(&cache->lock);
	return list_first_entry_or_null(leaf ? &cache->leaves : &cache->inner,
					struct shard_cached, lru);
}

/* A page to fill: one that was never used, a new one, or one to reuse. */
static struct shard_cached *page_take(struct shard_cache *cache)
{
	struct shard_cached *c = victim(cache);

	if (c && !c->valid)
		return c;
	/* with the lock held nothing may be waited for, nor need be */
	return block_alloc(cache, GFP_NOWAIT | __GFP_NOWARN) ?: c;
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

/* Holds a page to fill, which is this one from now on. */
static void assign(struct shard_cache *cache, struct shard_cached *c,
		   u64 run_id, u32 page)
{
	hold(cache, c);
	list_del_init(&c->hash);
	c->run_id = run_id;
	c->page = page;
	c->valid = false;
	list_add(&c->hash, bucket(cache, run_id, page));
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
		c = page_take(cache);
	if (found && c->valid) {
		hold(cache, c);
		step = CACHE_READY;
	} else if (!found && c) {
		shard_sometimes(c->valid,
				"a cached page makes room for another");
		assign(cache, c, run_id, page);
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
	if (!err && !shard_page_level(c->block))
		shard_page_mark(c->block, &c->marks);
	spin_lock_irqsave(&cache->lock, flags);
	c->valid = !err;
	if (err)
		let_go(cache, c);
	else
		wake_up_all(&cache->changed);
	spin_unlock_irqrestore(&cache->lock, flags);
	return err;
}

/* ---- pages that nobody waits for ---- */

struct shard_cached *shard_cache_take(struct shard_cache *cache, u64 run_id,
				      u32 page)
{
	struct shard_cached *c;
	unsigned long flags;
	bool found;

	spin_lock_irqsave(&cache->lock, flags);
	c = find(cache, run_id, page);
	found = c;
	if (!found)
		c = page_take(cache);
	if (found) {
		hold(cache, c);
		let_go(cache, c);
	} else if (c) {
		assign(cache, c, run_id, page);
	}
	spin_unlock_irqrestore(&cache->lock, flags);
	return found ? NULL : c;
}

void shard_cache_filled(struct shard_cache *cache, struct shard_cached *cached,
			bool valid)
{
	unsigned long flags;

	if (valid && !shard_page_level(cached->block))
		shard_page_mark(cached->block, &cached->marks);
	spin_lock_irqsave(&cache->lock, flags);
	cached->valid = valid;
	let_go(cache, cached);
	spin_unlock_irqrestore(&cache->lock, flags);
}

void shard_cache_add(struct shard_cache *cache, u64 run_id, u32 page,
		     const void *block)
{
	struct shard_cached *c = shard_cache_take(cache, run_id, page);

	if (!c)
		return;
	memcpy(c->block, block, cache->store->block_size);
	shard_cache_filled(cache, c, true);
}

u32 shard_cache_size(const struct shard_cache *cache)
{
	return cache->nr_pages;
}

/* ---- memory that others need more ---- */

unsigned long shard_cache_count(const struct shard_cache *cache)
{
	return READ_ONCE(cache->nr_blocks) - CACHE_KEEP;
}

static bool give_back(struct shard_cache *cache)
{
	struct shard_cached *c = NULL;
	unsigned long flags;

	spin_lock_irqsave(&cache->lock, flags);
	if (cache->nr_blocks > CACHE_KEEP)
		c = victim(cache);
	if (c) {
		shard_sometimes(c->valid, "a page is given back that is cached");
		if (!is_inner(c))
			cache->nr_leaves--;
		list_del_init(&c->hash);
		list_move(&c->lru, &cache->empty);
		c->valid = false;
		kfree(c->block);
		c->block = NULL;
		WRITE_ONCE(cache->nr_blocks, cache->nr_blocks - 1);
	}
	spin_unlock_irqrestore(&cache->lock, flags);
	return c;
}

unsigned long shard_cache_shrink(struct shard_cache *cache, unsigned long nr)
{
	unsigned long freed = 0;

	while (freed < nr && give_back(cache))
		freed++;
	return freed;
}
