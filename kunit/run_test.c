// SPDX-License-Identifier: GPL-2.0-only
/*
 * Runs: built from sorted entries, walked, looked up, never believed blindly.
 */
#include <kunit/test.h>

#include "alloc_fault.h"
#include "rig.h"
#include "../kmod/core/run.h"

#define RUN	33ull
#define PAGES	64u

struct fixture {
	struct rig *rig;
	struct shard_cache *cache;
	u32 hook_error;			/* calls before the one that fails */
};

static int run_init(struct kunit *test)
{
	struct fixture *f = kunit_kzalloc(test, sizeof(*f), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, f);
	test->priv = f;
	f->rig = rig_create(test, 512);
	f->cache = shard_cache_create(&f->rig->store, PAGES);
	KUNIT_ASSERT_NOT_NULL(test, f->cache);
	return 0;
}

static void run_exit(struct kunit *test)
{
	struct fixture *f = test->priv;

	shard_cache_destroy(f->cache);
	rig_destroy(f->rig);
}

/* Entry i: @len blocks from 10 * i on, at block i % 7 of extent 30. */
static int build(struct fixture *f, u32 nr, u32 len,
		 int (*hook)(void *ctx), struct shard_run **run)
{
	struct shard_store *store = &f->rig->store;
	struct shard_run_builder *b = kvzalloc(sizeof(*b), GFP_KERNEL);
	struct shard_dep dep;
	u32 csums[10], i, c;
	int err;

	*run = NULL;
	if (!b)
		return -ENOMEM;
	shard_dep_init(&dep, store->wb);
	err = shard_run_builder_begin(b, store, SHARDBLK_STREAM_INDEX, RUN, &dep,
				      shard_run_pages_max(512, nr * len));
	b->before_page = hook;
	b->ctx = f;
	for (i = 0; i < nr && !err; i++) {
		struct shard_range range = {
			.lba = 10 * i, .nr_blocks = len, .mapped = true,
			.place = { .extent = 30, .generation = 1,
				   .block = i % 7 },
			.csums = csums,
		};

		for (c = 0; c < len; c++)
			csums[c] = 100 * i + c;
		err = shard_run_builder_add(b, &range);
	}
	err = shard_run_builder_end(b, err, run);
	c = shard_dep_wait(&dep);
	kvfree(b);
	return err ? err : (int)c;
}

static struct shard_run *build_good(struct kunit *test, u32 nr, u32 len)
{
	struct shard_run *run;

	KUNIT_ASSERT_EQ(test, build(test->priv, nr, len, NULL, &run), 0);
	KUNIT_ASSERT_NOT_NULL(test, run);
	return run;
}

/* Where a page of a run lies. */
static u8 *page_at(struct fixture *f, const struct shard_run *run, u32 page)
{
	return f->rig->fake->media +
	       shard_run_offset(&f->rig->store, run, page);
}

/*
 * Goal: a walk gives all entries in order, whatever the height of the tree.
 * Method: runs around the bounds of one leaf and of one inner page.
 */
static void a_walk_gives_all_entries_in_order(struct kunit *test)
{
	static const struct {
		u32 nr, height;
	} sizes[] = { { 1, 1 }, { 17, 1 }, { 18, 2 }, { 510, 2 }, { 512, 3 } };
	struct fixture *f = test->priv;
	u32 s;

	for (s = 0; s < 3; s++) {
		struct shard_run *run = build_good(test, sizes[s].nr, 1);
		struct shard_run_iter it;
		struct shard_range r;
		u32 i;

		KUNIT_EXPECT_TRUE(test, shard_run_valid(run));
		KUNIT_EXPECT_EQ(test, run->height, sizes[s].height);
		KUNIT_EXPECT_EQ(test, run->nr_entries, (u64)sizes[s].nr);
		KUNIT_ASSERT_EQ(test, shard_run_iter_begin(&it, &f->rig->store,
							   run), 0);
		for (i = 0; i < sizes[s].nr; i++) {
			KUNIT_ASSERT_EQ(test, shard_run_iter_next(&it, &r), 1);
			KUNIT_EXPECT_EQ(test, r.lba, 10ull * i);
			KUNIT_EXPECT_EQ(test, r.place.block, i % 7);
			KUNIT_EXPECT_EQ(test, r.csums[0], 100 * i);
		}
		KUNIT_EXPECT_EQ(test, shard_run_iter_next(&it, &r), 0);
		KUNIT_EXPECT_EQ(test, shard_run_iter_next(&it, &r), 0);
		KUNIT_EXPECT_EQ(test, it.nr_pages_read, (u64)run->nr_pages);
		shard_run_iter_end(&it);
		shard_run_destroy(run);
	}
}

/*
 * Goal: a tree of three levels is walked and looked up like any other.
 * Method: more entries than one inner page has leaves for; each looked up.
 */
static void a_tall_tree_is_looked_up(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct shard_run *run = build_good(test, 512, 1);
	struct shard_block_map m;
	u32 i;

	KUNIT_EXPECT_EQ(test, run->height, 3);
	KUNIT_EXPECT_GT(test, run->nr_chunks, 1u);
	for (i = 0; i < 512; i++) {
		m = (struct shard_block_map){};
		KUNIT_ASSERT_EQ(test, shard_run_lookup(&f->rig->store, f->cache,
						       run, 10 * i, 1, &m,
						       true), 0);
		KUNIT_EXPECT_TRUE(test, m.known && m.mapped);
		KUNIT_EXPECT_EQ(test, m.csum, 100 * i);
		KUNIT_EXPECT_EQ(test, m.block, 30ull * RIG_EXTENT_BLOCKS +
				i % 7);
		m.known = false;
		KUNIT_ASSERT_EQ(test, shard_run_lookup(&f->rig->store, f->cache,
						       run, 10 * i + 1, 1, &m,
						       true), 0);
		KUNIT_EXPECT_FALSE(test, m.known);
	}
	shard_run_destroy(run);
}

/*
 * Goal: a look-up over many leaves fills in all it knows, and leaves alone
 * what newer layers said.
 * Method: one range over the whole run, one block of it known before.
 */
static void a_look_up_spans_leaves(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct shard_run *run = build_good(test, 50, 5);
	struct shard_block_map *map;
	u32 i, wrong = 0;

	map = kunit_kcalloc(test, 500, sizeof(*map), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, map);
	map[42].known = true;
	KUNIT_ASSERT_EQ(test, shard_run_lookup(&f->rig->store, f->cache, run, 0,
					       500, map, true), 0);
	KUNIT_EXPECT_FALSE(test, map[42].mapped);
	for (i = 0; i < 500; i++) {
		if (i == 42)
			continue;
		wrong += map[i].known != (i % 10 < 5);
		if (map[i].known)
			wrong += map[i].csum != 100 * (i / 10) + i % 10;
	}
	KUNIT_EXPECT_EQ(test, wrong, 0u);
	shard_run_destroy(run);
}

/*
 * Goal: who may not sleep is told to come again, and need not once the pages
 * are cached.
 * Method: look up without sleeping, then with, then without.
 */
static void a_look_up_that_needs_a_page_says_so(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct shard_run *run = build_good(test, 50, 1);
	struct shard_block_map m = {};
	u32 sleep;

	for (sleep = 0; sleep < 3; sleep++)
		KUNIT_EXPECT_EQ(test, shard_run_lookup(&f->rig->store, f->cache,
						       run, 30, 1, &m,
						       sleep == 1),
				sleep ? 0 : -EAGAIN);
	KUNIT_EXPECT_TRUE(test, m.known);
	KUNIT_EXPECT_EQ(test, rig_stat(f->rig, page_misses), 2ull);
	shard_run_destroy(run);
}

/*
 * Goal: a page that is wrong or cannot be read ends look-ups and walks with an
 * error, never with "nothing there" (O11).
 * Method: rot a leaf, swap two leaves, and read errors.
 */
static void a_bad_page_is_never_nothing(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct shard_store *store = &f->rig->store;
	struct shard_run *run = build_good(test, 50, 1);
	struct shard_block_map m = {};
	struct shard_run_iter it;
	struct shard_range r;
	int ret;

	page_at(f, run, 0)[60] ^= 4;
	KUNIT_EXPECT_EQ(test, shard_run_lookup(store, f->cache, run, 0, 1, &m,
					       true), -EBADMSG);
	KUNIT_EXPECT_FALSE(test, m.known);
	KUNIT_ASSERT_EQ(test, shard_run_iter_begin(&it, store, run), 0);
	KUNIT_EXPECT_EQ(test, shard_run_iter_next(&it, &r), -EBADMSG);
	shard_run_iter_end(&it);
	page_at(f, run, 0)[60] ^= 4;
	/* the right page at the wrong place is as wrong */
	memcpy(page_at(f, run, 1), page_at(f, run, 0), 512);
	KUNIT_EXPECT_EQ(test, shard_run_lookup(store, f->cache, run, 200, 1, &m,
					       true), -EBADMSG);
	fake_fail(f->rig->fake, SHARD_IO_READ, -EIO, 0);
	KUNIT_EXPECT_EQ(test, shard_run_lookup(store, f->cache, run, 0, 1, &m,
					       true), -EIO);
	fake_heal(f->rig->fake);
	KUNIT_ASSERT_EQ(test, shard_run_iter_begin(&it, store, run), 0);
	while ((ret = shard_run_iter_next(&it, &r)) > 0)
		;
	KUNIT_EXPECT_EQ(test, ret, -EBADMSG);
	shard_run_iter_end(&it);
	shard_run_destroy(run);
}

/* Builds a run of these entries, whatever they say. */
static struct shard_run *build_of(struct kunit *test,
				  const struct shard_range *ranges, u32 nr)
{
	struct fixture *f = test->priv;
	struct shard_store *store = &f->rig->store;
	struct shard_run_builder *b = kunit_kzalloc(test, sizeof(*b), GFP_KERNEL);
	static const u32 csums[32];
	struct shard_range r;
	struct shard_run *run;
	struct shard_dep dep;
	u32 i;

	KUNIT_ASSERT_NOT_NULL(test, b);
	shard_dep_init(&dep, store->wb);
	KUNIT_ASSERT_EQ(test, shard_run_builder_begin(b, store,
						      SHARDBLK_STREAM_INDEX,
						      RUN, &dep, 1), 0);
	for (i = 0; i < nr; i++) {
		r = ranges[i];
		r.csums = csums;
		KUNIT_EXPECT_EQ(test, shard_run_builder_add(b, &r), 0);
	}
	KUNIT_ASSERT_EQ(test, shard_run_builder_end(b, 0, &run), 0);
	KUNIT_EXPECT_EQ(test, shard_dep_wait(&dep), 0);
	return run;
}

/* The same, and walks it. */
static int walk(struct kunit *test, const struct shard_range *ranges, u32 nr)
{
	struct fixture *f = test->priv;
	struct shard_run *run = build_of(test, ranges, nr);
	struct shard_run_iter it;
	struct shard_range r;
	int ret;

	KUNIT_ASSERT_EQ(test, shard_run_iter_begin(&it, &f->rig->store, run), 0);
	while ((ret = shard_run_iter_next(&it, &r)) > 0)
		;
	shard_run_iter_end(&it);
	shard_run_destroy(run);
	return ret;
}

/* Or looks its first entry up. */
static int look_up(struct kunit *test, const struct shard_range *range)
{
	struct fixture *f = test->priv;
	struct shard_run *run = build_of(test, range, 1);
	struct shard_block_map m = {};
	struct shard_cache *cache;
	int ret;

	/* all these runs have the same number, and pages are cached by that */
	cache = shard_cache_create(&f->rig->store, PAGES);
	KUNIT_ASSERT_NOT_NULL(test, cache);
	ret = shard_run_lookup(&f->rig->store, cache, run, range->lba, 1, &m,
			       true);
	KUNIT_EXPECT_EQ(test, m.known, !ret);
	shard_cache_destroy(cache);
	shard_run_destroy(run);
	return ret;
}

/*
 * Goal: what lies behind the last block is not told of: there is nothing to ask for.
 * Method: entries that end behind it, begin there, or end where numbers do.
 */
static void what_comes_next_is_on_the_device(struct kunit *test)
{
	static const struct shard_range ranges[] = {
		{ .lba = RIG_LOGICAL_BLOCKS - 1, .nr_blocks = 2 },
		{ .lba = RIG_LOGICAL_BLOCKS, .nr_blocks = 2 },
		{ .lba = U64_MAX - 1, .nr_blocks = 1 },
	};
	struct fixture *f = test->priv;
	struct shard_cache *cache;
	struct shard_range r;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(ranges); i++) {
		struct shard_run *run = build_of(test, &ranges[i], 1);

		cache = shard_cache_create(&f->rig->store, PAGES);
		KUNIT_ASSERT_NOT_NULL(test, cache);
		KUNIT_EXPECT_EQ(test, shard_run_next(&f->rig->store, cache, run,
						     0, &r), (int)!i);
		KUNIT_EXPECT_EQ(test, r.lba, RIG_LOGICAL_BLOCKS - 1ull);
		KUNIT_EXPECT_EQ(test, r.nr_blocks, 1ull);
		shard_cache_destroy(cache);
		shard_run_destroy(run);
	}
}

/*
 * Goal: holes that touch are one entry, others are not.
 * Method: three holes, two of which touch.
 */
static void holes_that_touch_are_one_entry(struct kunit *test)
{
	static const struct shard_range holes[] = {
		{ .lba = 0, .nr_blocks = 2 },
		{ .lba = 5, .nr_blocks = 2 },
		{ .lba = 7, .nr_blocks = 1 },
	};
	struct shard_run *run = build_of(test, holes, ARRAY_SIZE(holes));

	KUNIT_EXPECT_EQ(test, run->nr_entries, 2ull);
	shard_run_destroy(run);
}

/*
 * Goal: entries that cannot be, behind right checksums, end a walk with an
 * error: a checkpoint takes their places for indexes (P7).
 * Method: a good entry, and each bound broken.
 */
static void a_walk_believes_no_impossible_entry(struct kunit *test)
{
	static const struct shard_range good = {
		.lba = 20, .nr_blocks = 2, .mapped = true,
		.place = { .extent = 4, .generation = 1, .block = 14 },
	};
	struct shard_range r[2] = { good, good };

#define CHANGED(field, value, error)					\
	do {								\
		r[0] = good;						\
		r[0].field = value;					\
		KUNIT_EXPECT_EQ(test, walk(test, r, 1), error);		\
	} while (0)

	CHANGED(lba, 0, 0);
	CHANGED(lba, RIG_LOGICAL_BLOCKS - 2, 0);
	CHANGED(lba, RIG_LOGICAL_BLOCKS - 1, -EBADMSG);
	CHANGED(lba, RIG_LOGICAL_BLOCKS, -EBADMSG);
	CHANGED(place.extent, RIG_EXTENTS - 1, 0);
	CHANGED(place.extent, RIG_EXTENTS, -EBADMSG);
	CHANGED(place.extent, U32_MAX, -EBADMSG);
	CHANGED(place.extent, SHARDBLK_SUPER_EXTENTS - 1, -EBADMSG);
	CHANGED(place.block, RIG_EXTENT_BLOCKS, -EBADMSG);
	CHANGED(nr_blocks, 3, -EBADMSG);
#undef CHANGED
}

/*
 * Goal: nor does a look-up: a checkpoint takes the place of what it hides for an
 * index (P7).
 * Method: a good entry, and each bound broken.
 */
static void a_look_up_believes_no_impossible_place(struct kunit *test)
{
	static const struct shard_range good = {
		.lba = 20, .nr_blocks = 2, .mapped = true,
		.place = { .extent = 4, .generation = 1, .block = 14 },
	};
	struct shard_range r = good;

#define CHANGED(field, value, error)					\
	do {								\
		r = good;						\
		r.field = value;					\
		KUNIT_EXPECT_EQ(test, look_up(test, &r), error);	\
	} while (0)

	CHANGED(lba, 0, 0);
	CHANGED(place.extent, RIG_EXTENTS - 1, 0);
	CHANGED(place.extent, RIG_EXTENTS, -EBADMSG);
	CHANGED(place.extent, U32_MAX - 1, -EBADMSG);
	CHANGED(place.extent, SHARDBLK_SUPER_EXTENTS - 1, -EBADMSG);
	CHANGED(place.block, RIG_EXTENT_BLOCKS, -EBADMSG);
	CHANGED(nr_blocks, 3, -EBADMSG);
#undef CHANGED
}

/*
 * Goal: a tree that names pages more than once does not make a walk longer
 * than the run is.
 * Method: write an empty leaf, and a root that has nothing but it as a child.
 */
static void a_walk_is_no_longer_than_the_run(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct shard_store *store = &f->rig->store;
	struct shard_run *run = build_good(test, 18, 1);
	struct shard_inner_entry e = { .page = 0 };
	struct shard_page_builder b;
	struct shard_run_iter it;
	struct shard_range r;

	KUNIT_ASSERT_EQ(test, run->nr_pages, 3u);
	shard_page_begin(&b, page_at(f, run, 0), 512);
	e.csum = shard_page_end(&b, store->seed, RUN, 0, 0);
	shard_page_begin(&b, page_at(f, run, 2), 512);
	for (e.lba = 0; e.lba < 10; e.lba++)
		KUNIT_ASSERT_TRUE(test, shard_page_add_inner(&b, &e));
	run->root_csum = shard_page_end(&b, store->seed, RUN, 2, 1);
	KUNIT_ASSERT_EQ(test, shard_run_iter_begin(&it, store, run), 0);
	KUNIT_EXPECT_EQ(test, shard_run_iter_next(&it, &r), -EBADMSG);
	KUNIT_EXPECT_LE(test, it.nr_pages_read, (u64)run->nr_pages);
	shard_run_iter_end(&it);
	shard_run_destroy(run);
}

/*
 * Goal: nothing makes no run, and no run knows nothing.
 * Method: an empty builder; NULL everywhere.
 */
static void an_empty_run_is_none(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct shard_block_map m = {};
	struct shard_run_iter it;
	struct shard_range r;
	struct shard_run *run;

	KUNIT_EXPECT_EQ(test, build(f, 0, 1, NULL, &run), 0);
	KUNIT_EXPECT_NULL(test, run);
	KUNIT_EXPECT_EQ(test, shard_run_lookup(&f->rig->store, f->cache, NULL,
					       0, 1, &m, false), 0);
	KUNIT_EXPECT_FALSE(test, m.known);
	KUNIT_ASSERT_EQ(test, shard_run_iter_begin(&it, &f->rig->store, NULL),
			0);
	KUNIT_EXPECT_EQ(test, shard_run_iter_next(&it, &r), 0);
	shard_run_iter_end(&it);
}

/*
 * Goal: a run whose chunks do not hold its pages is seen before it is walked.
 * Method: each kind of gap, by hand.
 */
static void chunks_must_hold_all_pages(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct shard_run *run = shard_run_create(2);
	struct shard_run_iter it;

	KUNIT_ASSERT_NOT_NULL(test, run);
	KUNIT_EXPECT_FALSE(test, shard_run_valid(run));
	run->nr_pages = 5;
	run->height = 2;
	run->chunks[0].nr_blocks = 3;
	run->chunks[0].place.extent = 20;
	run->chunks[0].place.block = 4;
	run->chunks[1].first_page = 3;
	run->chunks[1].nr_blocks = 2;
	run->chunks[1].place.extent = 9;
	KUNIT_EXPECT_TRUE(test, shard_run_valid(run));
	KUNIT_EXPECT_EQ(test, shard_run_offset(&f->rig->store, run, 2),
			(20ull * RIG_EXTENT_BLOCKS + 6) * 512);
	KUNIT_EXPECT_EQ(test, shard_run_offset(&f->rig->store, run, 4),
			(9ull * RIG_EXTENT_BLOCKS + 1) * 512);
	run->height = SHARD_RUN_LEVELS;
	KUNIT_EXPECT_TRUE(test, shard_run_valid(run));
	run->height = SHARD_RUN_LEVELS + 1;
	KUNIT_EXPECT_FALSE(test, shard_run_valid(run));
	run->height = 2;
	run->chunks[1].nr_blocks = 3;
	KUNIT_EXPECT_FALSE(test, shard_run_valid(run));
	run->chunks[1].nr_blocks = 1;
	KUNIT_EXPECT_FALSE(test, shard_run_valid(run));
	run->chunks[1].first_page = 4;
	KUNIT_EXPECT_FALSE(test, shard_run_valid(run));
	KUNIT_EXPECT_EQ(test, shard_run_iter_begin(&it, &f->rig->store, run),
			-EUCLEAN);
	shard_run_destroy(run);
}

static int failing_hook(void *ctx)
{
	struct fixture *f = ctx;

	return f->hook_error-- ? 0 : -EREMOTEIO;
}

/*
 * Goal: a run that cannot be written is abandoned with its error.
 * Method: a failing write; a hook that fails once, at each of six leaves and the root.
 */
static void a_run_that_cannot_be_written_is_abandoned(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct shard_run *run;
	u32 i;

	for (i = 0; i < 7; i++) {
		f->hook_error = i;
		KUNIT_EXPECT_EQ(test, build(f, 100, 1, failing_hook, &run),
				-EREMOTEIO);
		KUNIT_EXPECT_NULL(test, run);
	}
	fake_fail(f->rig->fake, SHARD_IO_APPEND, -EIO, 0);
	KUNIT_EXPECT_EQ(test, build(f, 100, 1, NULL, &run), -EIO);
	KUNIT_EXPECT_NULL(test, run);
}

static bool stop_at_third(void *ctx)
{
	u32 *calls = ctx;

	return ++*calls == 3;
}

/*
 * Goal: a guide that is not made to its end is none.
 * Method: stop at the third leaf; then a leaf that cannot be read.
 */
static void half_a_guide_is_none(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct shard_run *run = build_good(test, 100, 1);
	struct shard_store *store = &f->rig->store;
	struct shard_guide *guide;
	u32 calls = 0;

	KUNIT_EXPECT_EQ(test, shard_run_guide(store, run, true, stop_at_third,
					      &calls, &guide), -EINTR);
	KUNIT_EXPECT_NULL(test, guide);
	f->rig->fake->bad_offset = shard_run_offset(store, run, 2);
	KUNIT_EXPECT_EQ(test, shard_run_guide(store, run, true, stop_at_third,
					      &calls, &guide), -EIO);
	KUNIT_EXPECT_NULL(test, guide);
	f->rig->fake->bad_offset = U64_MAX;
	KUNIT_EXPECT_EQ(test, shard_run_guide(store, run, true, stop_at_third,
					      &calls, &guide), 0);
	KUNIT_EXPECT_NOT_NULL(test, guide);
	shard_guide_destroy(guide);
	shard_run_destroy(run);
}

/*
 * Goal: without memory no run is built or walked, and nothing leaks.
 * Method: let each allocation fail in turn.
 */
static void without_memory_no_run_is_built(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct shard_run *run = NULL;
	bool struck = true;
	int err = 0;
	u32 n;

	/* each attempt takes up space: begin with what fits into what is open */
	rig_open(test, f->rig, SHARDBLK_STREAM_INDEX);
	for (n = 1; n < ALLOC_FAULT_MAX && struck; n++) {
		shard_run_destroy(run);
		alloc_fault_arm(n);
		err = build(f, 1, 1, NULL, &run);
		struck = alloc_fault_disarm();
		if (err)
			KUNIT_EXPECT_EQ(test, err, -ENOMEM);
		KUNIT_EXPECT_EQ(test, !run, err != 0);
	}
	KUNIT_ASSERT_EQ(test, err, 0);
	for (n = 1, struck = true; n < ALLOC_FAULT_MAX && struck; n++) {
		struct shard_run_iter it;

		alloc_fault_arm(n);
		err = shard_run_iter_begin(&it, &f->rig->store, run);
		struck = alloc_fault_disarm();
		if (!err)
			shard_run_iter_end(&it);
	}
	shard_run_destroy(run);
}

static struct kunit_case run_cases[] = {
	KUNIT_CASE(a_walk_gives_all_entries_in_order),
	KUNIT_CASE(a_tall_tree_is_looked_up),
	KUNIT_CASE(a_look_up_spans_leaves),
	KUNIT_CASE(a_look_up_that_needs_a_page_says_so),
	KUNIT_CASE(a_bad_page_is_never_nothing),
	KUNIT_CASE(what_comes_next_is_on_the_device),
	KUNIT_CASE(holes_that_touch_are_one_entry),
	KUNIT_CASE(a_walk_believes_no_impossible_entry),
	KUNIT_CASE(a_look_up_believes_no_impossible_place),
	KUNIT_CASE(a_walk_is_no_longer_than_the_run),
	KUNIT_CASE(an_empty_run_is_none),
	KUNIT_CASE(chunks_must_hold_all_pages),
	KUNIT_CASE(a_run_that_cannot_be_written_is_abandoned),
	KUNIT_CASE(half_a_guide_is_none),
	KUNIT_CASE(without_memory_no_run_is_built),
	{}
};

static struct kunit_suite run_suite = {
	.name = "shardblk-run",
	.init = run_init,
	.exit = run_exit,
	.test_cases = run_cases,
};

kunit_test_suites(&run_suite);
