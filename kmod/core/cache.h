/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Cache of verified index pages, bounded by the number of pages given.
 *
 * A page is known by run and number.  Run ids are never used twice in a
 * format, so a cached page can never be mistaken for what was written later at
 * the same place, and resets need no invalidation.
 */
#ifndef SHARD_CACHE_H
#define SHARD_CACHE_H

#include "frame.h"
#include "page.h"

struct shard_cache;

/* A page that is held; its contents do not change. */
struct shard_cached {
	u64 run_id;
	u32 page;
	u32 refs;			/* these: under the cache's lock */
	bool valid;
	struct list_head hash;
	struct list_head lru;
	void *block;
	struct shard_page_marks marks;	/* of a leaf */
};

/** shard_cache_create() - at least 1 page; may sleep; NULL without memory */
struct shard_cache *shard_cache_create(struct shard_store *store, u32 nr_pages);
void shard_cache_destroy(struct shard_cache *cache);

/** shard_cache_get() - hold a page if it is there; never sleeps */
struct shard_cached *shard_cache_get(struct shard_cache *cache, u64 run_id,
				     u32 page);

/**
 * shard_cache_read() - hold a page, reading it if it is not there
 * @offset:	where it lies, bytes
 * @csum:	what its parent says
 *
 * May sleep; the caller must hold no other page.
 *
 * Return: 0, -EIO, -EBADMSG.
 */
int shard_cache_read(struct shard_cache *cache, u64 run_id, u32 page,
		     u64 offset, u32 csum, struct shard_cached **out);

/** shard_cache_put() - let go */
void shard_cache_put(struct shard_cache *cache, struct shard_cached *cached);

/** shard_cache_copy() - copy a page of @size bytes, if it is there; never sleeps */
static inline bool shard_cache_copy(struct shard_cache *cache, u64 run_id,
				    u32 page, void *block, u32 size)
{
	struct shard_cached *c = shard_cache_get(cache, run_id, page);

	if (!c)
		return false;
	memcpy(block, c->block, size);
	shard_cache_put(cache, c);
	return true;
}

/**
 * shard_cache_add() - have a page that has just been made
 *
 * Nobody looks for it yet.  The longest unused one makes room; if all are held
 * nothing happens.  Never sleeps.
 */
void shard_cache_add(struct shard_cache *cache, u64 run_id, u32 page,
		     const void *block);

/**
 * shard_cache_take() - hold a page, to fill it
 *
 * Whoever looks for it meanwhile waits.  One that is there counts as just used.
 * Never sleeps, so several can be held: what fills them must wait for no other.
 *
 * Return: NULL if it is there, or somebody fills it, or all are held.
 */
struct shard_cached *shard_cache_take(struct shard_cache *cache, u64 run_id,
				      u32 page);
/** shard_cache_filled() - let go of it; not @valid: it is not what it should be */
void shard_cache_filled(struct shard_cache *cache, struct shard_cached *cached,
			bool valid);

/** shard_cache_size() - how many pages there can be */
u32 shard_cache_size(const struct shard_cache *cache);
/** shard_cache_count() - pages that could be given back; any context */
unsigned long shard_cache_count(const struct shard_cache *cache);
/**
 * shard_cache_shrink() - give memory of pages back, of what nobody holds
 * @nr:		pages
 *
 * Any context, hard interrupts too; never waits.  Return: how many it were.
 */
unsigned long shard_cache_shrink(struct shard_cache *cache, unsigned long nr);

/**
 * shard_page_read() - read and verify a page, past the cache
 *
 * A mismatch is read once more before it counts.  May sleep.
 */
int shard_page_read(struct shard_store *store, u64 run_id, u32 page, u64 offset,
		    u32 csum, void *block);

#endif /* SHARD_CACHE_H */
