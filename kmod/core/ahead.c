// SPDX-License-Identifier: GPL-2.0-only
/*
 * DOC: reading ahead
 *
 * A checkpoint asks the runs about all that it hides, in the order of the blocks,
 * and reclamation asks the index about all that a frame had, in whatever order that
 * came.  Guides tell without a read which leaves they will look into.  So some of
 * them, a window, are seen to before the first look-up needs one: those that the
 * cache has count as just used, the others are read into it at the same time, and
 * those that lie one behind the other at once.
 *
 * A window is a share of the cache, so none of it gives way to another before it
 * is used.  Pages that are being filled are held, and nothing is waited for
 * meanwhile but their reads: so who waits for such a page gets one.
 *
 * All this is a guess that may fail.  What was not read, or is wrong, the look-up
 * reads by itself, and says so.  So does one in a run that has no guide.
 */
#include "ahead.h"

#include "stats.h"

/* Leaves of a window, at most, and how much of the cache that may be. */
#define AHEAD_MAX	32u
#define AHEAD_SHARE	4u	/* a quarter: as much as there always is for leaves */

struct ahead_read {
	struct shard_io io;
	struct shard_ahead *of;
	u32 nr;				/* pages */
};

/**
 * struct shard_ahead - a window after the other
 * @max:	leaves of one
 * @until:	of a memtable: look-ups in front of this block are seen to
 * @runs:	as they are while a window is made
 * @first:	of each run, a block of the leaf that came last
 * @behind:	the first one behind that leaf
 * @at:		where that of any run begins, or was cut
 * @nr_leaves:	in the window
 * @nr_pages:	of these, to read
 * @nr_reads:	of the backing device
 * @nr_busy:	of these, under way, and one for who waits
 */
struct shard_ahead {
	struct shard_store *store;
	struct shard_index *index;
	struct shard_cache *cache;
	u32 max;
	u64 until;
	const struct shard_runs *runs;
	u64 first[SHARD_RUNS_MAX];
	u64 behind[SHARD_RUNS_MAX];
	u64 at;
	u32 nr_leaves;
	u32 nr_pages;
	u32 nr_reads;
	atomic_t nr_busy;
	struct completion done;
	struct shard_cached *pages[AHEAD_MAX];
	u32 csums[AHEAD_MAX];
	struct shard_seg segs[AHEAD_MAX];
	struct ahead_read reads[AHEAD_MAX];
};

/* Of a look-up that begins. */
static const struct shard_block_map nothing[SHARD_LOOK_UP];

struct shard_ahead *shard_ahead_begin(struct shard_store *store,
				      struct shard_index *index)
{
	struct shard_cache *cache = shard_index_cache(index);
	u32 max = min(shard_cache_size(cache) / AHEAD_SHARE, AHEAD_MAX);
	struct shard_ahead *a;

	if (max < 2)
		return NULL;
	a = kvmalloc(sizeof(*a), GFP_KERNEL);
	if (!a)
		return NULL;
	a->store = store;
	a->index = index;
	a->cache = cache;
	a->max = max;
	a->until = 0;
	return a;
}

void shard_ahead_end(struct shard_ahead *ahead)
{
	kvfree(ahead);
}

static void ahead_put(struct shard_ahead *a)
{
	if (atomic_dec_and_test(&a->nr_busy))
		complete(&a->done);
}

static void read_done(struct shard_io *io)
{
	ahead_put(container_of(io, struct ahead_read, io)->of);
}

/* A page to read, with the one in front of it if it lies behind that. */
static void want_page(struct shard_ahead *a, const struct shard_run *run,
		      const struct shard_guide_leaf *leaf,
		      struct shard_cached *page)
{
	struct ahead_read *r = &a->reads[a->nr_reads];
	u64 offset = shard_run_offset(a->store, run, leaf->page);
	struct shard_seg *seg = &a->segs[a->nr_pages];

	seg->addr = page->block;
	seg->len = a->store->block_size;
	a->csums[a->nr_pages] = leaf->csum;
	a->pages[a->nr_pages++] = page;
	if (a->nr_reads && r[-1].io.offset + r[-1].io.len == offset) {
		r[-1].io.len += seg->len;
		r[-1].nr++;
		return;
	}
	a->nr_reads++;
	*r = (struct ahead_read){
		.io = { .offset = offset, .len = seg->len, .segs = seg,
			.done = read_done },
		.of = a, .nr = 1,
	};
}

/* Return: false if the window is full. */
static bool want_leaf(struct shard_ahead *a, u32 i, u64 lba)
{
	const struct shard_run *run = a->runs->run[i];
	struct shard_guide_leaf leaf;
	struct shard_cached *page;

	if (lba >= a->first[i] && lba < a->behind[i])
		return true;
	if (a->nr_leaves == a->max)
		return false;
	a->nr_leaves++;
	a->at = lba;
	shard_guide_find(run->guide, lba, &leaf);
	a->first[i] = lba;
	a->behind[i] = leaf.next;
	page = shard_cache_take(a->cache, run->id, leaf.page);
	if (page)
		want_page(a, run, &leaf, page);
	return true;
}

/*
 * Blocks up to @end, which are looked up at a time; @map says which of them are known
 * already.  Only the newest run that knows any other is sure to be asked; as a rule it
 * is the only one.
 */
static bool want_blocks(struct shard_ahead *a, u64 lba, u64 end,
			const struct shard_block_map *map)
{
	const u64 begin = lba;
	u32 i;

	while (lba < end) {
		if (map[lba - begin].known) {
			lba++;
			continue;
		}
		for (i = 0; i < a->runs->nr; i++)
			if (shard_run_knows(a->runs->run[i], lba, end - lba,
					    &map[lba - begin]))
				break;
		if (i == a->runs->nr)
			break;
		if (!want_leaf(a, i, lba)) {
			a->at = lba;
			return false;
		}
		lba = a->behind[i];
	}
	return true;
}

/*
 * A hole is walked in all runs at once.  The walk leaves the last leaf of a window
 * for one that is not in it, and looks up blocks on the way; so the next window begins
 * before that.  What a hole in a newer run hides the walk passes over, and at most one
 * window is read in vain.
 */
static bool want_walk(struct shard_ahead *a, u64 lba, u64 end)
{
	u64 next;
	u32 i;

	for (; lba < end; lba = next) {
		next = end;
		for (i = 0; i < a->runs->nr; i++) {
			if (!want_leaf(a, i, lba)) {
				a->at = min(a->at, lba - min_t(u64, lba,
							       SHARD_LOOK_UP));
				return false;
			}
			next = min(next, a->behind[i]);
		}
	}
	return true;
}

static void window_begin(struct shard_ahead *a,
			 const struct shard_version *version)
{
	u32 i;

	a->runs = shard_version_runs(version);
	for (i = 0; i < a->runs->nr; i++) {
		a->first[i] = 0;
		a->behind[i] = a->runs->run[i]->guide ? 0 : U64_MAX;
	}
	a->nr_leaves = 0;
	a->nr_pages = 0;
	a->nr_reads = 0;
}

/* What look-ups from @lba on need. */
static void plan_memtable(struct shard_ahead *a, const struct shard_memtable *mt,
			  u64 lba)
{
	struct shard_range range;
	bool fits = true;

	while (fits && shard_memtable_next(mt, lba, &range)) {
		u64 end = range.lba + range.nr_blocks;

		lba = max(lba, range.lba);
		if (range.nr_blocks > SHARD_LOOK_UP)
			fits = want_walk(a, lba, end);
		else
			fits = want_blocks(a, lba, end, nothing);
		lba = end;
		cond_resched();
	}
	a->until = fits ? U64_MAX : a->at;
}

/* What is wrong, or could not be read, is as if nobody had asked for it. */
static void page_read(struct shard_ahead *a, u32 i, int error)
{
	struct shard_store *store = a->store;
	struct shard_cached *page = a->pages[i];

	if (!error) {
		error = shard_page_check(page->block, store->block_size,
					 store->seed, page->run_id, page->page,
					 a->csums[i]);
		if (error)
			atomic64_inc(&store->stats->read_mismatches);
	}
	shard_sometimes(error, "what was read ahead is read again");
	shard_cache_filled(a->cache, page, !error);
}

static void window_read(struct shard_ahead *a)
{
	struct ahead_read *r, *end = a->reads + a->nr_reads;
	u32 page = 0, i;

	shard_sometimes(a->nr_pages > 1, "leaves are read ahead");
	atomic64_add(a->nr_pages, &a->store->stats->page_misses);
	atomic_set(&a->nr_busy, a->nr_reads + 1);
	init_completion(&a->done);
	for (r = a->reads; r < end; r++)
		shard_writeback_read(a->store->wb, &r->io);
	ahead_put(a);
	wait_for_completion(&a->done);
	for (r = a->reads; r < end; r++)
		for (i = 0; i < r->nr; i++)
			page_read(a, page++, r->io.error);
}

void shard_ahead_memtable(struct shard_ahead *ahead,
			  const struct shard_memtable *mt, u64 lba)
{
	struct shard_version *version;

	if (!ahead || lba < ahead->until)
		return;
	/* a merge may drop runs meanwhile: they stay, as do their extents */
	version = shard_index_hold(ahead->index);
	window_begin(ahead, version);
	plan_memtable(ahead, mt, lba);
	window_read(ahead);
	shard_index_put(ahead->index, version);
}

u32 shard_ahead_frame(struct shard_ahead *ahead, struct shard_version *version,
		      const struct shard_frame_header *h, u32 i,
		      struct shard_block_map *map)
{
	u32 at;

	if (!ahead)
		return h->nr_entries;
	window_begin(ahead, version);
	for (at = i; at < h->nr_entries; at++) {
		const struct shard_frame_entry *e = &h->entries[at];

		if (e->kind == SHARDBLK_ENTRY_DISCARD ||
		    shard_index_knows(ahead->index, version, e->lba,
				      e->nr_blocks, map))
			continue;
		if (!want_blocks(ahead, e->lba, e->lba + e->nr_blocks, map))
			break;
	}
	shard_sometimes(ahead->nr_pages, "reclamation reads leaves ahead");
	window_read(ahead);
	/* one entry may be more than a window */
	return max(at, i + 1);
}
