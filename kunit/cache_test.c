// SPDX-License-Identifier: GPL-2.0-only
/*
 * Cache of index pages: verified, bounded, shared.
 */
#include <kunit/test.h>

#include "alloc_fault.h"
#include "rig.h"
#include "../kmod/core/cache.h"

#define BLOCK	512u
#define RUN	9ull
#define PAGES	6u
/* Where page 0 lies; the others behind it. */
#define AT	(20ull * RIG_EXTENT_BLOCKS * BLOCK)

/**
 * struct fixture - a cache of two pages over a run of six
 * @csums:	of the pages
 */
struct fixture {
	struct rig *rig;
	struct shard_cache *cache;
	u32 csums[PAGES];
};

static int cache_init(struct kunit *test)
{
	struct fixture *f = kunit_kzalloc(test, sizeof(*f), GFP_KERNEL);
	u32 i;

	KUNIT_ASSERT_NOT_NULL(test, f);
	test->priv = f;
	f->rig = rig_create(test, BLOCK);
	for (i = 0; i < PAGES; i++) {
		struct shard_leaf_entry e = { .lba = i, .nr_blocks = 1 };
		struct shard_page_builder b;

		shard_page_begin(&b, f->rig->fake->media + AT + i * BLOCK,
				 BLOCK);
		shard_page_add_leaf(&b, &e, NULL);
		f->csums[i] = shard_page_end(&b, f->rig->store.seed, RUN, i, 0);
	}
	f->cache = shard_cache_create(&f->rig->store, 2);
	KUNIT_ASSERT_NOT_NULL(test, f->cache);
	return 0;
}

static void cache_exit(struct kunit *test)
{
	struct fixture *f = test->priv;

	shard_cache_destroy(f->cache);
	rig_destroy(f->rig);
}

static int page_hold(struct fixture *f, u32 page, struct shard_cached **out)
{
	return shard_cache_read(f->cache, RUN, page, AT + page * BLOCK,
				f->csums[page], out);
}

static bool page_is_there(struct fixture *f, u32 page)
{
	struct shard_cached *c = shard_cache_get(f->cache, RUN, page);

	if (c)
		shard_cache_put(f->cache, c);
	return c;
}

/*
 * Goal: a page is read once, then found; asking for it never reads.
 * Method: get, read, get, read, counting reads of the device.
 */
static void a_page_is_read_once(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct shard_cached *c = NULL, *again = NULL;

	KUNIT_EXPECT_NULL(test, shard_cache_get(f->cache, RUN, 3));
	KUNIT_EXPECT_EQ(test, f->rig->fake->nr[SHARD_IO_READ], 0ull);
	KUNIT_ASSERT_EQ(test, page_hold(f, 3, &c), 0);
	KUNIT_EXPECT_EQ(test, memcmp(c->block, f->rig->fake->media + AT +
				     3 * BLOCK, BLOCK), 0);
	/* by two holders at once */
	KUNIT_ASSERT_EQ(test, page_hold(f, 3, &again), 0);
	KUNIT_EXPECT_PTR_EQ(test, c, again);
	shard_cache_put(f->cache, c);
	shard_cache_put(f->cache, again);
	KUNIT_EXPECT_TRUE(test, page_is_there(f, 3));
	/* twice: the one of above that found nothing must not pass for it */
	KUNIT_EXPECT_TRUE(test, page_is_there(f, 3));
	KUNIT_EXPECT_EQ(test, f->rig->fake->nr[SHARD_IO_READ], 1ull);
	KUNIT_EXPECT_EQ(test, rig_stat(f->rig, page_misses), 1ull);
	KUNIT_EXPECT_EQ(test, rig_stat(f->rig, page_hits), 2ull);
}

/*
 * Goal: a page that has just been made is there, marks and all, without a read; it
 * makes room as others do, and none that is held makes room for it.
 * Method: add pages to a cache of two, with none, one and two of them held.
 */
static void a_page_that_was_made_is_not_read(struct kunit *test)
{
	struct fixture *f = test->priv;
	const u8 *run = f->rig->fake->media + AT;
	struct shard_cached *a = NULL, *b = NULL;

	shard_cache_add(f->cache, RUN, 0, run);
	shard_cache_add(f->cache, RUN, 1, run + BLOCK);
	KUNIT_ASSERT_EQ(test, page_hold(f, 0, &a), 0);
	KUNIT_EXPECT_EQ(test, memcmp(a->block, run, BLOCK), 0);
	shard_cache_add(f->cache, RUN, 2, run + 2 * BLOCK);
	KUNIT_EXPECT_FALSE(test, page_is_there(f, 1));
	KUNIT_ASSERT_EQ(test, page_hold(f, 2, &b), 0);
	shard_cache_add(f->cache, RUN, 3, run + 3 * BLOCK);
	KUNIT_EXPECT_FALSE(test, page_is_there(f, 3));
	KUNIT_EXPECT_EQ(test, memcmp(b->block, run + 2 * BLOCK, BLOCK), 0);
	shard_cache_put(f->cache, a);
	shard_cache_put(f->cache, b);
	KUNIT_EXPECT_TRUE(test, page_is_there(f, 2));
	KUNIT_EXPECT_FALSE(test, page_is_there(f, 3));
	KUNIT_EXPECT_EQ(test, f->rig->fake->nr[SHARD_IO_READ], 0ull);
}

/*
 * Goal: several pages can be taken, to fill them, each once; one that was filled with
 * what is wrong is not there, and one that is there counts as just used.
 * Method: take two pages of a cache of two; fill one well and one badly; take what is
 * there, then what is not.
 */
static void pages_are_taken_and_filled(struct kunit *test)
{
	struct fixture *f = test->priv;
	const u8 *run = f->rig->fake->media + AT;
	struct shard_cached *a, *b;

	KUNIT_EXPECT_EQ(test, shard_cache_size(f->cache), 2u);
	a = shard_cache_take(f->cache, RUN, 0);
	KUNIT_ASSERT_NOT_NULL(test, a);
	KUNIT_EXPECT_NULL(test, shard_cache_take(f->cache, RUN, 0));
	b = shard_cache_take(f->cache, RUN, 1);
	KUNIT_ASSERT_NOT_NULL(test, b);
	KUNIT_EXPECT_NULL(test, shard_cache_take(f->cache, RUN, 2));
	KUNIT_EXPECT_FALSE(test, page_is_there(f, 0));
	memcpy(a->block, run, BLOCK);
	shard_cache_filled(f->cache, a, true);
	shard_cache_filled(f->cache, b, false);
	KUNIT_EXPECT_TRUE(test, page_is_there(f, 0));
	KUNIT_EXPECT_FALSE(test, page_is_there(f, 1));
	shard_cache_add(f->cache, RUN, 2, run + 2 * BLOCK);
	KUNIT_EXPECT_NULL(test, shard_cache_take(f->cache, RUN, 0));
	shard_cache_add(f->cache, RUN, 3, run + 3 * BLOCK);
	KUNIT_EXPECT_TRUE(test, page_is_there(f, 0));
	KUNIT_EXPECT_FALSE(test, page_is_there(f, 2));
	KUNIT_EXPECT_EQ(test, f->rig->fake->nr[SHARD_IO_READ], 0ull);
}

/*
 * Goal: pages of another run are others, whatever their number.
 * Method: look for the same number in another run.
 */
static void pages_of_other_runs_are_others(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct shard_cached *c = NULL;

	KUNIT_ASSERT_EQ(test, page_hold(f, 1, &c), 0);
	shard_cache_put(f->cache, c);
	KUNIT_EXPECT_NULL(test, shard_cache_get(f->cache, RUN + 1, 1));
	KUNIT_EXPECT_NULL(test, shard_cache_get(f->cache, RUN + (1ull << 32),
						1));
}

/*
 * Goal: the page that was not used for longest gives way; one that is held
 * never does.
 * Method: three pages through a cache of two, in both ways.
 */
static void the_longest_unused_page_gives_way(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct shard_cached *c = NULL, *held = NULL;
	u32 i;

	for (i = 0; i < 2; i++) {
		KUNIT_ASSERT_EQ(test, page_hold(f, i, &c), 0);
		shard_cache_put(f->cache, c);
	}
	KUNIT_EXPECT_TRUE(test, page_is_there(f, 0));
	KUNIT_ASSERT_EQ(test, page_hold(f, 2, &c), 0);
	shard_cache_put(f->cache, c);
	KUNIT_EXPECT_TRUE(test, page_is_there(f, 0));
	KUNIT_EXPECT_FALSE(test, page_is_there(f, 1));

	KUNIT_ASSERT_EQ(test, page_hold(f, 2, &held), 0);
	for (i = 3; i < PAGES; i++) {
		KUNIT_ASSERT_EQ(test, page_hold(f, i, &c), 0);
		shard_cache_put(f->cache, c);
	}
	KUNIT_EXPECT_TRUE(test, page_is_there(f, 2));
	shard_cache_put(f->cache, held);
}

/*
 * Goal: pages above the leaves stay while leaves come and go, but leave those a
 * quarter of the cache.
 * Method: three inner pages and many leaves through a cache of four.
 */
static void leaves_give_way_first(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct shard_cached *c = NULL;
	u32 i, k;

	shard_cache_destroy(f->cache);
	f->cache = shard_cache_create(&f->rig->store, 4);
	KUNIT_ASSERT_NOT_NULL(test, f->cache);
	for (i = 0; i < 3; i++) {
		struct shard_inner_entry e = { .page = 0 };
		struct shard_page_builder b;

		shard_page_begin(&b, f->rig->fake->media + AT +
				 (3 + i) * BLOCK, BLOCK);
		shard_page_add_inner(&b, &e);
		f->csums[3 + i] = shard_page_end(&b, f->rig->store.seed, RUN,
						 3 + i, 1);
		KUNIT_ASSERT_EQ(test, page_hold(f, 3 + i, &c), 0);
		shard_cache_put(f->cache, c);
	}
	for (k = 0; k < 9; k++) {
		KUNIT_ASSERT_EQ(test, page_hold(f, k % 3, &c), 0);
		shard_cache_put(f->cache, c);
	}
	/* two leaves have a place: one inner page had to go, the oldest */
	KUNIT_EXPECT_FALSE(test, page_is_there(f, 3));
	KUNIT_EXPECT_TRUE(test, page_is_there(f, 4));
	KUNIT_EXPECT_TRUE(test, page_is_there(f, 5));
	/* who wants memory back gets theirs, too */
	KUNIT_EXPECT_EQ(test, shard_cache_shrink(f->cache, 10), 3ul);
	KUNIT_EXPECT_FALSE(test, page_is_there(f, 4) && page_is_there(f, 5));
}

/*
 * Goal: a page that is wrong, or cannot be read, is read once more, and then
 * it is an error; it is not kept, and its place in the cache is not lost.
 * Method: rot and read errors, for good and once; then good pages.
 */
static void a_bad_page_is_an_error_and_is_not_kept(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct fake_backend *fake = f->rig->fake;
	struct shard_cached *c = NULL;
	u32 i;

	fake_rot(fake, AT + 40);
	KUNIT_EXPECT_EQ(test, page_hold(f, 0, &c), -EBADMSG);
	KUNIT_EXPECT_EQ(test, fake->nr[SHARD_IO_READ], 2ull);
	KUNIT_EXPECT_EQ(test, rig_stat(f->rig, read_mismatches), 2ull);
	KUNIT_EXPECT_FALSE(test, page_is_there(f, 0));
	fake_rot(fake, AT + 40);
	KUNIT_ASSERT_EQ(test, page_hold(f, 0, &c), 0);
	shard_cache_put(f->cache, c);

	fake_fail(fake, SHARD_IO_READ, -EREMOTEIO, 2);
	KUNIT_EXPECT_EQ(test, page_hold(f, 1, &c), -EREMOTEIO);
	KUNIT_EXPECT_EQ(test, rig_stat(f->rig, read_mismatches), 2ull);
	fake_fail(fake, SHARD_IO_READ, -EIO, 1);
	KUNIT_EXPECT_EQ(test, page_hold(f, 1, &c), 0);
	shard_cache_put(f->cache, c);
	for (i = 0; i < PAGES; i++) {
		KUNIT_ASSERT_EQ(test, page_hold(f, i, &c), 0);
		shard_cache_put(f->cache, c);
	}
}

/*
 * Goal: a page is not taken for the one that its parent means (O13).
 * Method: ask with another checksum, number, or run.
 */
static void a_page_must_be_the_one_that_was_meant(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct shard_store *store = &f->rig->store;
	u8 *block = kunit_kzalloc(test, BLOCK, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, block);
	KUNIT_EXPECT_EQ(test, shard_page_read(store, RUN, 0, AT, f->csums[0],
					      block), 0);
	KUNIT_EXPECT_EQ(test, shard_page_read(store, RUN, 0, AT, f->csums[0] + 1,
					      block), -EBADMSG);
	KUNIT_EXPECT_EQ(test, shard_page_read(store, RUN, 1, AT, f->csums[0],
					      block), -EBADMSG);
	KUNIT_EXPECT_EQ(test, shard_page_read(store, RUN + 1, 0, AT,
					      f->csums[0], block), -EBADMSG);
}

/* Readers in their own contexts, each of all pages in turn. */
struct reader {
	struct work_struct work;
	struct fixture *f;
	u32 first;
	u32 nr_errors;
};

static void reader_work(struct work_struct *work)
{
	struct reader *r = container_of(work, struct reader, work);
	struct shard_cached *c;
	u32 i;

	for (i = 0; i < 2 * PAGES; i++) {
		u32 page = (r->first + i) % PAGES;

		if (page_hold(r->f, page, &c)) {
			r->nr_errors++;
			continue;
		}
		r->nr_errors += c->page != page || !c->valid;
		cond_resched();
		shard_cache_put(r->f->cache, c);
	}
}

/*
 * Goal: more readers than pages all get on, and share what is being read.
 * Method: four readers on a cache of two, on a device that takes its time.
 */
static void more_readers_than_pages_all_get_on(struct kunit *test)
{
	struct workqueue_struct *wq;
	struct fixture *f = test->priv;
	struct reader *readers;
	u32 i;

	readers = kunit_kcalloc(test, 4, sizeof(*readers), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, readers);
	wq = alloc_workqueue("shardblk-readers", WQ_UNBOUND, 4);
	KUNIT_ASSERT_NOT_NULL(test, wq);
	fake_mode_set(f->rig->fake, FAKE_LATER);
	for (i = 0; i < 4; i++) {
		readers[i].f = f;
		readers[i].first = i;
		INIT_WORK(&readers[i].work, reader_work);
		queue_work(wq, &readers[i].work);
	}
	destroy_workqueue(wq);
	for (i = 0; i < 4; i++)
		KUNIT_EXPECT_EQ(test, readers[i].nr_errors, 0u);
}

static void shrinker_work(struct work_struct *work)
{
	struct reader *r = container_of(work, struct reader, work);
	u32 i;

	for (i = 0; i < 4 * PAGES; i++) {
		r->nr_errors += shard_cache_count(r->f->cache) > 1;
		shard_cache_shrink(r->f->cache, 1);
		cond_resched();
	}
}

/*
 * Goal: pages may be given back at any time: who holds one keeps it, who loses
 * one reads it again.
 * Method: three readers, and one that gives back all it can.
 */
static void giving_back_under_load_loses_nothing(struct kunit *test)
{
	struct workqueue_struct *wq;
	struct fixture *f = test->priv;
	struct reader *readers;
	u32 i;

	readers = kunit_kcalloc(test, 4, sizeof(*readers), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, readers);
	wq = alloc_workqueue("shardblk-readers", WQ_UNBOUND, 4);
	KUNIT_ASSERT_NOT_NULL(test, wq);
	fake_mode_set(f->rig->fake, FAKE_LATER);
	for (i = 0; i < 4; i++) {
		readers[i].f = f;
		readers[i].first = i;
		INIT_WORK(&readers[i].work, i ? reader_work : shrinker_work);
		queue_work(wq, &readers[i].work);
	}
	destroy_workqueue(wq);
	for (i = 0; i < 4; i++)
		KUNIT_EXPECT_EQ(test, readers[i].nr_errors, 0u);
}

/*
 * Goal: what is given back is memory of pages that nobody holds, all but one;
 * it comes back when it is used.
 * Method: fill a cache, hold a page, give back; look at what is left, and read
 * all again; without memory pages are reused.
 */
static void memory_goes_and_comes_back(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct shard_cache *two = f->cache;
	struct shard_cached *c, *held;
	u32 i;

	f->cache = shard_cache_create(&f->rig->store, 4);
	KUNIT_ASSERT_NOT_NULL(test, f->cache);
	KUNIT_EXPECT_EQ(test, shard_cache_count(f->cache), 0ul);
	for (i = 0; i < 4; i++) {
		KUNIT_ASSERT_EQ(test, page_hold(f, i, &c), 0);
		shard_cache_put(f->cache, c);
	}
	KUNIT_EXPECT_EQ(test, shard_cache_count(f->cache), 3ul);
	KUNIT_ASSERT_EQ(test, page_hold(f, 1, &held), 0);
	KUNIT_EXPECT_EQ(test, shard_cache_shrink(f->cache, 1), 1ul);
	KUNIT_EXPECT_FALSE(test, page_is_there(f, 0));
	KUNIT_EXPECT_TRUE(test, page_is_there(f, 2));
	KUNIT_EXPECT_EQ(test, shard_cache_shrink(f->cache, 10), 2ul);
	KUNIT_EXPECT_EQ(test, shard_cache_count(f->cache), 0ul);
	KUNIT_EXPECT_EQ(test, held->page, 1u);
	KUNIT_EXPECT_TRUE(test, page_is_there(f, 1));
	shard_cache_put(f->cache, held);
	/* the last one stays */
	KUNIT_EXPECT_EQ(test, shard_cache_shrink(f->cache, 1), 0ul);
	KUNIT_EXPECT_TRUE(test, page_is_there(f, 1));
	/* no memory: the one page is reused */
	alloc_fault_arm(1);
	KUNIT_ASSERT_EQ(test, page_hold(f, 2, &c), 0);
	KUNIT_EXPECT_TRUE(test, alloc_fault_disarm());
	shard_cache_put(f->cache, c);
	KUNIT_EXPECT_EQ(test, shard_cache_count(f->cache), 0ul);
	for (i = 0; i < 4; i++) {
		KUNIT_ASSERT_EQ(test, page_hold(f, i, &c), 0);
		shard_cache_put(f->cache, c);
	}
	KUNIT_EXPECT_EQ(test, shard_cache_count(f->cache), 3ul);
	shard_cache_destroy(f->cache);
	f->cache = two;
}

/*
 * Goal: a large cache costs as few allocations as a small one.
 * Method: of more pages than that, count those that can fail.
 */
static void a_cache_is_few_allocations(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct shard_cache *cache;
	bool struck = true;
	u32 n;

	for (n = 1; n <= 16 && struck; n++) {
		alloc_fault_arm(n);
		cache = shard_cache_create(&f->rig->store, 256);
		struck = alloc_fault_disarm();
		shard_cache_destroy(cache);
	}
	KUNIT_EXPECT_FALSE(test, struck);
}

/*
 * Goal: without memory there is no cache.
 * Method: let each allocation fail in turn.
 */
static void without_memory_there_is_no_cache(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct shard_cache *cache;
	bool struck;
	u32 n;

	for (n = 1; n < ALLOC_FAULT_MAX; n++) {
		alloc_fault_arm(n);
		cache = shard_cache_create(&f->rig->store, 5);
		struck = alloc_fault_disarm();
		shard_cache_destroy(cache);
		if (!struck)
			break;
	}
	KUNIT_EXPECT_NOT_NULL(test, cache);
}

static struct kunit_case cache_cases[] = {
	KUNIT_CASE(a_page_is_read_once),
	KUNIT_CASE(a_page_that_was_made_is_not_read),
	KUNIT_CASE(pages_are_taken_and_filled),
	KUNIT_CASE(pages_of_other_runs_are_others),
	KUNIT_CASE(the_longest_unused_page_gives_way),
	KUNIT_CASE(leaves_give_way_first),
	KUNIT_CASE(a_bad_page_is_an_error_and_is_not_kept),
	KUNIT_CASE(a_page_must_be_the_one_that_was_meant),
	KUNIT_CASE(more_readers_than_pages_all_get_on),
	KUNIT_CASE(giving_back_under_load_loses_nothing),
	KUNIT_CASE(memory_goes_and_comes_back),
	KUNIT_CASE(a_cache_is_few_allocations),
	KUNIT_CASE(without_memory_there_is_no_cache),
	{}
};

static struct kunit_suite cache_suite = {
	.name = "shardblk-cache",
	.init = cache_init,
	.exit = cache_exit,
	.test_cases = cache_cases,
};

kunit_test_suites(&cache_suite);
