// SPDX-License-Identifier: GPL-2.0-only
/*
 * DOC: runs
 *
 * Look-up: from the root down to the one leaf that can hold a block, then over
 * its entries, then on to the leaf after it.  Each level's page is let go
 * before the next is asked for.
 *
 * Building: leaves are filled from sorted entries; a page that is full is put,
 * and what points to it goes into the page under construction one level up.
 */
#include "run.h"

/* So many pages of a run are made before others have their turn. */
#define RESCHED_PAGES	4

struct shard_run *shard_run_create(u32 nr_chunks)
{
	struct shard_run *run;

	run = kvzalloc(struct_size(run, chunks, nr_chunks), GFP_KERNEL);
	if (run)
		run->nr_chunks = nr_chunks;
	return run;
}

struct shard_run *shard_run_copy(const struct shard_run *run,
				 struct shard_guide *guide)
{
	struct shard_run *copy = shard_run_create(run->nr_chunks);

	if (!copy)
		return NULL;
	memcpy(copy, run, struct_size(run, chunks, run->nr_chunks));
	copy->guide = guide;
	return copy;
}

void shard_run_destroy(struct shard_run *run)
{
	if (run)
		shard_guide_destroy(run->guide);
	kvfree(run);
}

void shard_runs_destroy(struct shard_runs *runs)
{
	while (runs->nr)
		shard_run_destroy(runs->run[--runs->nr]);
}

bool shard_run_valid(const struct shard_run *run)
{
	u32 page = 0;
	u32 i;

	if (!run->nr_pages || !run->height || run->height > SHARD_RUN_LEVELS)
		return false;
	for (i = 0; i < run->nr_chunks; i++) {
		const struct shard_run_chunk *c = &run->chunks[i];

		if (c->first_page != page || !c->nr_blocks ||
		    c->nr_blocks > run->nr_pages - page)
			return false;
		page += c->nr_blocks;
	}
	return page == run->nr_pages;
}

/* The chunk that page @page of a run lies in. */
static const struct shard_run_chunk *run_chunk(const struct shard_run *run,
					       u32 page)
{
	u32 low = 0, high = run->nr_chunks;

	while (high - low > 1) {
		u32 mid = low + (high - low) / 2;

		if (run->chunks[mid].first_page <= page)
			low = mid;
		else
			high = mid;
	}
	return &run->chunks[low];
}

u64 shard_run_offset(const struct shard_store *store,
		     const struct shard_run *run, u32 page)
{
	const struct shard_run_chunk *c = run_chunk(run, page);

	return shard_store_offset(store, c->place.extent,
				  c->place.block + (page - c->first_page));
}

/* ---- look-up ---- */

/* Holds a page that is @level levels above the leaves, or a leaf. */
static int page_hold(struct shard_store *store, struct shard_cache *cache,
		     const struct shard_run *run,
		     const struct shard_inner_entry *e, u32 level, bool sleep,
		     struct shard_cached **out)
{
	struct shard_cached *c;
	int err;

	c = shard_cache_get(cache, run->id, e->page);
	if (!c && !sleep)
		return -EAGAIN;
	if (!c) {
		err = shard_cache_read(cache, run->id, e->page,
				       shard_run_offset(store, run, e->page),
				       e->csum, &c);
		/* O11: what cannot be read is not a hole */
		if (err)
			return err;
	}
	/* the level proves that no damage makes the walk longer */
	if (shard_page_level(c->block) != level) {
		shard_cache_put(cache, c);
		return -EBADMSG;
	}
	*out = c;
	return 0;
}

/* Holds the leaf for @lba; *@next is the first block behind its reach. */
static int leaf_hold(struct shard_store *store, struct shard_cache *cache,
		     const struct shard_run *run, u64 lba, bool sleep,
		     struct shard_cached **out, u64 *next)
{
	struct shard_inner_entry e = {
		.page = run->nr_pages - 1,
		.csum = run->root_csum,
	};
	u32 level = run->height;

	*next = U64_MAX;
	if (run->guide) {
		struct shard_guide_leaf leaf;

		shard_guide_find(run->guide, lba, &leaf);
		e.page = leaf.page;
		e.csum = leaf.csum;
		*next = leaf.next;
		level = 1;
	}
	while (level--) {
		struct shard_cached *c;
		int err;

		err = page_hold(store, cache, run, &e, level, sleep, &c);
		if (err)
			return err;
		*out = c;
		if (!level)
			break;
		shard_page_child(c->block, lba, &e, next);
		shard_cache_put(cache, c);
	}
	return 0;
}

/* Pages are what their parents say; what they say may still be nonsense. */
static bool entry_place_valid(const struct shard_store *store,
			      const struct shard_leaf_entry *e)
{
	return !e->mapped ||
	       (e->place.extent >= SHARDBLK_SUPER_EXTENTS &&
		e->place.extent < shard_extents_layout(store->ex)->nr_extents &&
		e->place.block < store->extent_blocks &&
		e->nr_blocks <= store->extent_blocks - e->place.block);
}

static int leaf_apply(const struct shard_store *store,
		      const struct shard_cached *leaf, u64 lba, u32 nr_blocks,
		      struct shard_block_map *map)
{
	u32 pos = shard_page_find(leaf->block, &leaf->marks, lba);
	struct shard_leaf_entry e;

	while (shard_page_leaf(leaf->block, &pos, &e)) {
		u64 at = max(lba, e.lba);
		u64 stop = min(lba + nr_blocks, e.lba + e.nr_blocks);

		if (e.lba >= lba + nr_blocks)
			break;
		if (!entry_place_valid(store, &e))
			return -EBADMSG;
		for (; at < stop; at++) {
			struct shard_block_map *m = &map[at - lba];
			u32 idx = at - e.lba;

			if (m->known)
				continue;
			m->known = true;
			m->mapped = e.mapped;
			if (!e.mapped)
				continue;
			m->block = (u64)e.place.extent * store->extent_blocks +
				   e.place.block + idx;
			m->csum = shard_leaf_csum(&e, idx);
		}
	}
	return 0;
}

int shard_run_lookup(struct shard_store *store, struct shard_cache *cache,
		     const struct shard_run *run, u64 lba, u32 nr_blocks,
		     struct shard_block_map *map, bool sleep)
{
	u64 at = lba;
	u64 end = lba + nr_blocks;

	if (!run)
		return 0;
	while (at < end) {
		struct shard_cached *c;
		u64 next;
		int err;

		if (map[at - lba].known) {
			at++;
			continue;
		}
		err = leaf_hold(store, cache, run, at, sleep, &c, &next);
		if (err)
			return err;	/* O11 */
		next = min(next, end);
		err = leaf_apply(store, c, at, next - at, &map[at - lba]);
		shard_cache_put(cache, c);
		if (err)
			return err;
		at = next;
	}
	return 0;
}

bool shard_run_knows(const struct shard_run *run, u64 lba, u32 nr_blocks,
		     const struct shard_block_map *map)
{
	return !run->guide || shard_guide_knows(run->guide, lba, nr_blocks, map);
}

/* The first entry of a leaf that ends behind @lba. */
static bool leaf_next(const struct shard_cached *leaf, u64 lba,
		      struct shard_leaf_entry *e)
{
	u32 pos = shard_page_find(leaf->block, &leaf->marks, lba);

	return shard_page_leaf(leaf->block, &pos, e);
}

int shard_run_next(struct shard_store *store, struct shard_cache *cache,
		   const struct shard_run *run, u64 lba,
		   struct shard_range *range)
{
	u64 end = shard_extents_layout(store->ex)->logical_blocks, next;
	bool found = false;

	while (run && !found && lba < end) {
		struct shard_leaf_entry e;
		struct shard_cached *c;
		int err;

		err = leaf_hold(store, cache, run, lba, true, &c, &next);
		if (err)
			return err;
		/* a walk refuses others, and nobody can ask for them */
		found = leaf_next(c, lba, &e) && e.lba < end;
		shard_cache_put(cache, c);
		if (found) {
			range->lba = e.lba;
			range->nr_blocks = min_t(u64, e.nr_blocks, end - e.lba);
			range->mapped = e.mapped;
		}
		lba = next;
	}
	return found;
}

/* ---- iteration ---- */

/* Pages that a walk reads at a time. */
#define RUN_AHEAD	8u

/* Pages from @page on that lie one behind the other, as many as are read. */
static u32 pages_together(const struct shard_run *run, u32 page)
{
	const struct shard_run_chunk *c = run_chunk(run, page);

	return min(c->first_page + c->nr_blocks - page, RUN_AHEAD);
}

/* A page, unverified, that was read with those in front of it; or NULL. */
static const void *iter_ahead(struct shard_run_iter *it, u32 page)
{
	u32 size = it->store->block_size, nr;

	if (!it->ahead)
		return NULL;
	if (page < it->ahead_page || page >= it->ahead_page + it->ahead_nr) {
		it->ahead_nr = 0;
		nr = pages_together(it->run, page);
		if (nr == 1 ||
		    shard_writeback_read_wait(it->store->wb,
					      shard_run_offset(it->store,
							       it->run, page),
					      it->ahead, nr * size))
			return NULL;
		it->ahead_page = page;
		it->ahead_nr = nr;
	}
	return it->ahead + (size_t)(page - it->ahead_page) * size;
}

static int iter_read(struct shard_run_iter *it, u32 page, u32 csum, bool leaf)
{
	struct shard_store *store = it->store;
	void *block = it->pages[it->run->height - 1 - it->depth];
	const void *ahead;

	if (it->cache && shard_cache_copy(it->cache, it->run->id, page, block,
					  store->block_size))
		return 0;
	ahead = leaf ? iter_ahead(it, page) : NULL;
	if (ahead)
		memcpy(block, ahead, store->block_size);
	if (ahead && !shard_page_check(block, store->block_size, store->seed,
				       it->run->id, page, csum))
		return 0;
	/* what is wrong is read again, by itself */
	return shard_page_read(store, it->run->id, page,
			       shard_run_offset(store, it->run, page), csum,
			       block);
}

static int iter_push(struct shard_run_iter *it, u32 page, u32 csum)
{
	u32 level = it->run->height - 1 - it->depth;
	void *block = it->pages[level];
	int err;

	it->page = page;
	/* a tree visits each page once; a hostile one may be none */
	if (it->nr_pages_read == it->run->nr_pages)
		return -EBADMSG;
	err = iter_read(it, page, csum, !level);
	if (err)
		return err;
	it->nr_pages_read++;
	if (shard_page_level(block) != level)
		return -EBADMSG;
	it->idx[level] = 0;
	it->pos = 0;
	it->depth++;
	return 0;
}

int shard_run_iter_begin(struct shard_run_iter *it, struct shard_store *store,
			 const struct shard_run *run)
{
	u32 i;

	memset(it, 0, sizeof(*it));
	it->store = store;
	it->run = run;
	if (!run)
		return 0;
	if (!shard_run_valid(run))
		return -EUCLEAN;
	it->csums = kvcalloc(store->block_size / sizeof(u32), sizeof(u32),
			     GFP_KERNEL);
	if (!it->csums)
		return -ENOMEM;
	for (i = 0; i < run->height; i++) {
		it->pages[i] = kvzalloc(store->block_size, GFP_KERNEL);
		if (!it->pages[i]) {
			shard_run_iter_end(it);
			return -ENOMEM;
		}
	}
	if (run->nr_pages > 1)
		it->ahead = kvmalloc(RUN_AHEAD * store->block_size, GFP_KERNEL);
	return 0;
}

void shard_run_iter_end(struct shard_run_iter *it)
{
	u32 i;

	for (i = 0; i < SHARD_RUN_LEVELS; i++)
		kvfree(it->pages[i]);
	kvfree(it->csums);
	kvfree(it->ahead);
	memset(it, 0, sizeof(*it));
}

/* Where the next leaf is.  Return: 1, 0 at the end, or an error. */
static int iter_leaf(struct shard_run_iter *it, struct shard_inner_entry *e)
{
	u32 height = it->run->height;
	int err;

	if (it->depth == height)
		it->depth--;
	if (!it->depth) {
		/* the root is done, or nothing is begun yet */
		if (it->nr_pages_read)
			return 0;
		e->lba = 0;
		e->page = it->run->nr_pages - 1;
		e->csum = it->run->root_csum;
		if (height == 1)
			return 1;
		err = iter_push(it, e->page, e->csum);
		if (err)
			return err;
	}
	while (it->depth) {
		u32 level = height - it->depth;

		if (it->idx[level] == shard_page_nr_entries(it->pages[level])) {
			it->depth--;
			continue;
		}
		shard_page_inner(it->pages[level], it->idx[level]++, e);
		if (level == 1)
			return 1;
		err = iter_push(it, e->page, e->csum);
		if (err)
			return err;
	}
	return 0;
}

/* Goes to the next leaf.  Return: 1, 0 at the end, or an error. */
static int iter_descend(struct shard_run_iter *it)
{
	struct shard_inner_entry e;
	int ret = iter_leaf(it, &e);

	if (ret <= 0)
		return ret;
	ret = iter_push(it, e.page, e.csum);
	return ret ? ret : 1;
}

static bool iter_entry_valid(const struct shard_run_iter *it,
			     const struct shard_leaf_entry *e)
{
	const struct shard_layout *l = shard_extents_layout(it->store->ex);

	return e->lba >= it->next_lba && e->lba < l->logical_blocks &&
	       e->nr_blocks <= l->logical_blocks - e->lba &&
	       entry_place_valid(it->store, e);
}

int shard_run_iter_next(struct shard_run_iter *it, struct shard_range *range)
{
	struct shard_leaf_entry e;
	int ret;
	u32 i;

	if (!it->run)
		return 0;
	while (it->depth < it->run->height ||
	       !shard_page_leaf(it->pages[0], &it->pos, &e)) {
		ret = iter_descend(it);
		if (ret <= 0)
			return ret;
	}
	if (!iter_entry_valid(it, &e))
		return -EBADMSG;
	it->next_lba = e.lba + e.nr_blocks;
	range->lba = e.lba;
	range->nr_blocks = e.nr_blocks;
	range->mapped = e.mapped;
	range->place = e.place;
	range->csums = NULL;
	if (e.mapped) {
		for (i = 0; i < e.nr_blocks; i++)
			it->csums[i] = shard_leaf_csum(&e, i);
		range->csums = it->csums;
	}
	return 1;
}

/* Reads the next leaf, and notes its entries. */
static int guide_leaf(struct shard_run_iter *it, struct shard_guide_builder *b,
		      const struct shard_inner_entry *at)
{
	struct shard_leaf_entry e;
	int err;

	err = iter_push(it, at->page, at->csum);
	if (err)
		return err;
	while (shard_page_leaf(it->pages[0], &it->pos, &e))
		shard_guide_add(b, e.lba, e.nr_blocks);
	return 0;
}

int shard_run_guide(struct shard_store *store, const struct shard_run *run,
		    bool blocks, bool (*stop)(void *ctx), void *ctx,
		    struct shard_guide **guide)
{
	struct shard_guide_builder *b = shard_guide_begin(blocks);
	struct shard_run_iter it;
	struct shard_inner_entry e;
	int ret;

	*guide = NULL;
	if (!b)
		return -ENOMEM;
	ret = shard_run_iter_begin(&it, store, run);
	if (!ret)
		ret = iter_leaf(&it, &e);
	while (ret > 0) {
		ret = stop(ctx) ? -EINTR : 0;
		if (!ret && blocks)
			ret = guide_leaf(&it, b, &e);
		if (ret)
			break;
		shard_guide_add_leaf(b, e.lba, e.page, e.csum);
		/* a tree of one page is its only leaf */
		ret = run->height > 1 ? iter_leaf(&it, &e) : 0;
	}
	shard_run_iter_end(&it);
	*guide = shard_guide_end(b);
	if (ret) {
		shard_guide_destroy(*guide);
		*guide = NULL;
	}
	return ret ? ret : *guide ? 0 : -ENOMEM;
}

/* ---- building ---- */

static void level_begin(struct shard_run_builder *b, u32 level)
{
	struct shard_run_level *l = &b->levels[level];

	shard_page_begin(&l->builder, l->block, b->store->block_size);
}

int shard_run_builder_begin(struct shard_run_builder *b,
			    struct shard_store *store, u32 stream, u64 id,
			    struct shard_dep *dep, u64 pages_max)
{
	memset(b, 0, sizeof(*b));
	b->store = store;
	b->id = id;
	b->stream = stream;
	return shard_writer_begin(&b->writer, store, stream,
				  SHARDBLK_ENTRY_RUN, id, dep, pages_max);
}

static int level_ensure(struct shard_run_builder *b, u32 level)
{
	if (level < b->height)
		return 0;
	if (level == SHARD_RUN_LEVELS)
		return -EFBIG;
	b->levels[level].block = kvzalloc(b->store->block_size, GFP_KERNEL);
	if (!b->levels[level].block)
		return -ENOMEM;
	b->height = level + 1;
	level_begin(b, level);
	return 0;
}

static int chunk_add(struct shard_run_builder *b,
		     const struct shard_place *place)
{
	struct shard_run_chunk *c;

	if (b->nr_chunks) {
		c = &b->chunks[b->nr_chunks - 1];
		if (c->place.extent == place->extent &&
		    c->place.generation == place->generation &&
		    c->place.block + c->nr_blocks == place->block) {
			c->nr_blocks++;
			return 0;
		}
	}
	if (b->nr_chunks == b->max_chunks) {
		u32 max = b->max_chunks ? 2 * b->max_chunks : 4;

		c = kvcalloc(max, sizeof(*c), GFP_KERNEL);
		if (!c)
			return -ENOMEM;
		if (b->nr_chunks)
			memcpy(c, b->chunks, b->nr_chunks * sizeof(*c));
		kvfree(b->chunks);
		b->chunks = c;
		b->max_chunks = max;
	}
	c = &b->chunks[b->nr_chunks++];
	c->place = *place;
	c->nr_blocks = 1;
	c->first_page = b->nr_pages;
	return 0;
}

/* Puts the page of a level; *@entry points to it then. */
static int level_put(struct shard_run_builder *b, u32 level,
		     struct shard_inner_entry *entry)
{
	struct shard_run_level *l = &b->levels[level];
	struct shard_place place;
	void *page;
	int err;

	err = b->before_page ? b->before_page(b->ctx) : 0;
	if (!err)
		err = shard_writer_page(&b->writer, &place, &page);
	if (!err)
		err = chunk_add(b, &place);
	if (err)
		return err;
	entry->lba = l->first_lba;
	entry->page = b->nr_pages;
	entry->csum = shard_page_end(&l->builder, b->store->seed, b->id,
				     b->nr_pages, level);
	memcpy(page, l->block, b->store->block_size);
	shard_sometimes(b->cache, "a new page goes into the cache");
	if (b->cache)
		shard_cache_add(b->cache, b->id, b->nr_pages, page);
	if (b->guide && !level)
		shard_guide_add_leaf(b->guide, entry->lba, entry->page,
				     entry->csum);
	b->nr_pages++;
	/* what is merged may all be cached, and then nothing is waited for */
	if (!(b->nr_pages % RESCHED_PAGES))
		cond_resched();
	level_begin(b, level);
	return shard_writer_page_done(&b->writer);
}

/* Puts the page of @level, and what points to it into the one above. */
static int level_full(struct shard_run_builder *b, u32 level)
{
	struct shard_inner_entry entry;
	struct shard_run_level *up;
	int err;

	err = level_put(b, level, &entry);
	if (!err)
		err = level_ensure(b, level + 1);
	if (err)
		return err;
	up = &b->levels[level + 1];
	shard_rarely(level, "a run has three levels");
	if (!up->builder.nr_entries)
		up->first_lba = entry.lba;
	if (shard_page_add_inner(&up->builder, &entry))
		return 0;
	/* that one is full, too: put it, and begin the next with this entry */
	err = level_full(b, level + 1);
	if (err)
		return err;
	up->first_lba = entry.lba;
	shard_page_add_inner(&up->builder, &entry);
	return 0;
}

static int builder_put(struct shard_run_builder *b,
		       const struct shard_range *range)
{
	struct shard_leaf_entry e = {
		.lba = range->lba,
		.place = range->place,
		.nr_blocks = range->nr_blocks,
		.mapped = range->mapped,
	};
	const u32 *csums = range->csums;
	int err;

	err = level_ensure(b, 0);
	if (err)
		return err;
	while (e.nr_blocks) {
		struct shard_run_level *l = &b->levels[0];
		u32 nr;

		nr = shard_page_add_leaf(&l->builder, &e, csums);
		if (!nr) {
			err = level_full(b, 0);
			if (err)
				return err;
			continue;
		}
		if (l->builder.nr_entries == 1)
			l->first_lba = e.lba;
		if (b->guide)
			shard_guide_add(b->guide, e.lba, nr);
		b->nr_entries++;
		e.lba += nr;
		e.place.block += nr;
		e.nr_blocks -= nr;
		if (e.mapped)
			csums += nr;
	}
	return 0;
}

/* Puts the holes that were joined so far. */
static int builder_put_hole(struct shard_run_builder *b)
{
	struct shard_range hole = b->hole;

	b->hole.nr_blocks = 0;
	return hole.nr_blocks ? builder_put(b, &hole) : 0;
}

int shard_run_builder_add(struct shard_run_builder *b,
			  const struct shard_range *range)
{
	u64 nr = (u64)b->hole.nr_blocks + range->nr_blocks;
	int err;

	if (!range->mapped && b->hole.nr_blocks && nr <= U32_MAX &&
	    b->hole.lba + b->hole.nr_blocks == range->lba) {
		b->hole.nr_blocks = nr;
		return 0;
	}
	err = builder_put_hole(b);
	if (err)
		return err;
	if (range->mapped)
		return builder_put(b, range);
	b->hole = *range;
	return 0;
}

/* Puts the pages under construction, from the leaves up; the root is last. */
static int builder_finish(struct shard_run_builder *b, u32 *root_csum)
{
	struct shard_inner_entry entry;
	u32 level;
	int err;

	for (level = 0; level + 1 < b->height; level++) {
		if (!b->levels[level].builder.nr_entries)
			continue;
		err = level_full(b, level);
		if (err)
			return err;
	}
	err = level_put(b, b->height - 1, &entry);
	if (err)
		return err;
	*root_csum = entry.csum;
	return shard_writer_flush(&b->writer);
}

int shard_run_builder_end(struct shard_run_builder *b, int error,
			  struct shard_run **out)
{
	struct shard_guide *guide = NULL;
	struct shard_run *run = NULL;
	u32 root_csum = 0;
	int err;
	u32 i;

	if (!error)
		error = builder_put_hole(b);
	if (!error && b->nr_entries)
		error = builder_finish(b, &root_csum);
	err = shard_writer_end(&b->writer);
	if (!error)
		error = err;
	if (b->guide)
		guide = shard_guide_end(b->guide);
	if (!error && b->nr_entries) {
		run = shard_run_create(b->nr_chunks);
		if (run) {
			run->id = b->id;
			run->stream = b->stream;
			run->nr_entries = b->nr_entries;
			run->nr_pages = b->nr_pages;
			run->root_csum = root_csum;
			run->height = b->height;
			run->guide = guide;
			guide = NULL;
			memcpy(run->chunks, b->chunks,
			       b->nr_chunks * sizeof(*run->chunks));
			WARN_ON(!shard_run_valid(run));
		} else {
			error = -ENOMEM;
		}
	}
	for (i = 0; i < SHARD_RUN_LEVELS; i++)
		kvfree(b->levels[i].block);
	shard_guide_destroy(guide);
	kvfree(b->chunks);
	*out = run;
	return error;
}
