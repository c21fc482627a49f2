// SPDX-License-Identifier: GPL-2.0-only
/*
 * Compaction: several runs become one that says the same.
 */
#include <kunit/test.h>

#include "alloc_fault.h"
#include "index_rig.h"
#include "../kmod/core/compaction.h"
#include "../kmod/core/root.h"

#define HOST	SHARDBLK_STREAM_HOST
#define CACHE	64u

static int compact(struct index_rig *f, u32 nr)
{
	struct shard_runs runs;

	shard_index_runs(f->index, &runs);
	runs.nr = nr;
	return shard_compaction_write(&f->rig->store, f->index, &runs);
}

static u32 draw(u32 *seed, u32 n)
{
	*seed = *seed * 1664525 + 1013904223;
	return (*seed >> 8) % n;
}

/* Data and holes on the first blocks, in a run of their own. */
static void random_run(struct index_rig *f, u32 *seed, u32 nr)
{
	u32 i;

	for (i = 0; i < nr; i++) {
		if (draw(seed, 4))
			index_put(f, draw(seed, 60), *seed | 1);
		else
			index_punch(f, draw(seed, 60), 1 + draw(seed, 20));
	}
	KUNIT_ASSERT_EQ(f->test, index_checkpoint(f), 0);
}

/*
 * Goal: a merge of any of the newest runs changes nothing that a look-up finds,
 * and what is live is counted exactly.
 * Method: random runs; after each one a random merge; every block, every
 * extent.
 */
static void a_merge_says_what_its_runs_said(struct kunit *test)
{
	struct index_rig *f = test->priv;
	u32 seed = 5, i, k, nr, before[80];

	for (i = 0; i < 40; i++) {
		random_run(f, &seed, 1 + draw(&seed, 20));
		index_expect_counts(f);
		nr = draw(&seed, index_nr_runs(f) + 1);
		if (index_nr_runs(f) > 6)
			nr = index_nr_runs(f);
		if (!nr)
			continue;
		for (k = 0; k < ARRAY_SIZE(before); k++)
			before[k] = index_look(f, k);
		KUNIT_ASSERT_EQ(test, compact(f, nr), 0);
		for (k = 0; k < ARRAY_SIZE(before); k++)
			KUNIT_EXPECT_EQ(test, index_look(f, k), before[k]);
		index_expect_counts(f);
	}
	KUNIT_EXPECT_GT(test, rig_stat(f->rig, compactions), 20ull);
}

/*
 * Goal: where the cache has room for the whole index twice nothing of it is read
 * back, by look-ups or by merges; where it has not it is left to look-ups.
 * Method: random runs and merges, with a cache that is said to be large, then
 * small.
 */
static void a_cached_index_is_not_read(struct kunit *test)
{
	struct index_rig *f = test->priv;
	u64 *nr_reads = &f->rig->fake->nr[SHARD_IO_READ], before = *nr_reads;
	u32 seed = 7, i;

	f->rig->store.cache_pages = CACHE;
	for (i = 0; i < 12; i++) {
		random_run(f, &seed, 5);
		if (i % 3 == 2)
			KUNIT_ASSERT_EQ(test, compact(f, index_nr_runs(f)), 0);
	}
	KUNIT_EXPECT_EQ(test, *nr_reads, before);
	KUNIT_EXPECT_EQ(test, rig_stat(f->rig, page_misses), 0ull);
	f->rig->store.cache_pages = 2 * index_run(f, 0)->nr_pages - 1;
	KUNIT_EXPECT_NULL(test, shard_root_cache(&f->rig->store, f->index));
	random_run(f, &seed, 5);
	KUNIT_ASSERT_EQ(test, compact(f, 2), 0);
	KUNIT_EXPECT_GT(test, *nr_reads, before);
}

/*
 * Goal: a merge takes in the runs that were chosen, for which there is space,
 * though checkpoints have come meanwhile (O12); and drops holes if they are the
 * oldest, still (O11).
 * Method: two runs, the newer one of a hole; all are chosen; a third; the merge.
 */
static void a_merge_takes_in_what_was_chosen(struct kunit *test)
{
	struct index_rig *f = test->priv;
	struct shard_runs runs;

	index_put(f, 3, 33);
	index_put(f, 9, 99);
	KUNIT_ASSERT_EQ(test, index_checkpoint(f), 0);
	index_punch(f, 0, 5);
	KUNIT_ASSERT_EQ(test, index_checkpoint(f), 0);
	shard_compaction_all(f->index, &runs);
	KUNIT_ASSERT_EQ(test, runs.nr, 2u);
	index_put(f, 4, 44);
	KUNIT_ASSERT_EQ(test, index_checkpoint(f), 0);
	KUNIT_ASSERT_EQ(test, shard_compaction_write(&f->rig->store, f->index,
						     &runs), 0);
	KUNIT_ASSERT_EQ(test, index_nr_runs(f), 2u);
	KUNIT_EXPECT_EQ(test, (u32)index_run(f, 0)->stream,
			(u32)SHARDBLK_STREAM_INDEX);
	KUNIT_EXPECT_EQ(test, (u32)index_run(f, 1)->stream,
			(u32)SHARDBLK_STREAM_MERGE);
	KUNIT_EXPECT_EQ(test, index_run(f, 1)->nr_entries, 1ull);
	KUNIT_EXPECT_EQ(test, index_look(f, 3), 0u);
	KUNIT_EXPECT_EQ(test, index_look(f, 4), 44u);
	KUNIT_EXPECT_EQ(test, index_look(f, 9), 99u);
	index_expect_counts(f);
}

/*
 * Goal: a hole is dropped only with the oldest run, for an older one may have
 * data below it (O11).
 * Method: data, a hole above it, more above; merge the newest two, then all.
 */
static void a_hole_stays_above_older_runs(struct kunit *test)
{
	struct index_rig *f = test->priv;

	index_put(f, 3, 33);
	index_put(f, 9, 99);
	KUNIT_ASSERT_EQ(test, index_checkpoint(f), 0);
	index_punch(f, 0, 5);
	KUNIT_ASSERT_EQ(test, index_checkpoint(f), 0);
	index_put(f, 4, 44);
	KUNIT_ASSERT_EQ(test, index_checkpoint(f), 0);
	KUNIT_ASSERT_EQ(test, compact(f, 2), 0);
	KUNIT_ASSERT_EQ(test, index_nr_runs(f), 2u);
	/* the hole has lost a block */
	KUNIT_EXPECT_EQ(test, index_run(f, 0)->nr_entries, 2ull);
	KUNIT_EXPECT_EQ(test, index_look(f, 3), 0u);
	KUNIT_ASSERT_EQ(test, compact(f, 2), 0);
	KUNIT_ASSERT_EQ(test, index_nr_runs(f), 1u);
	KUNIT_EXPECT_EQ(test, index_run(f, 0)->nr_entries, 2ull);
	KUNIT_EXPECT_EQ(test, index_look(f, 3), 0u);
	KUNIT_EXPECT_EQ(test, index_look(f, 4), 44u);
	KUNIT_EXPECT_EQ(test, index_look(f, 9), 99u);
	index_punch(f, 0, RIG_LOGICAL_BLOCKS);
	KUNIT_ASSERT_EQ(test, index_checkpoint(f), 0);
	KUNIT_ASSERT_EQ(test, compact(f, 2), 0);
	KUNIT_EXPECT_EQ(test, index_nr_runs(f), 0u);
}

/*
 * Goal: a merge that fails leaves all as it was, uses up no space, counts
 * nothing, and can be made again.
 * Method: more failures than there are extents, of its pages, of the manifest,
 * and of what it reads; then a good one.
 */
static void a_failed_merge_changes_nothing(struct kunit *test)
{
	struct index_rig *f = test->priv;
	u32 seed = 7, i, k, s, before[80];

	for (i = 0; i < 3; i++)
		random_run(f, &seed, 15);
	for (s = SHARDBLK_STREAM_META0; s < SHARD_STREAMS; s++) {
		struct shard_place tail;

		shard_extents_tail(f->rig->store.ex, s, &tail);
		shard_extents_seal(f->rig->store.ex, tail.extent);
	}
	for (k = 0; k < ARRAY_SIZE(before); k++)
		before[k] = index_look(f, k);
	for (i = 0; i < 2 * RIG_EXTENTS; i++) {
		enum shard_io_op op = i % 4 ? SHARD_IO_APPEND : SHARD_IO_READ;

		fake_fail(f->rig->fake, op, -EIO, op == SHARD_IO_READ ? 0 : 1);
		/* records, which assign for pages and copies, come any time */
		if (op == SHARD_IO_APPEND)
			f->rig->fake->faults[op].from =
				rig_behind_super(f->rig);
		f->rig->fake->faults[op].skip = i % 4 ? i % 3 : 1;
		KUNIT_ASSERT_EQ(test, compact(f, 2 + i % 2), -EIO);
		fake_heal(f->rig->fake);
		KUNIT_EXPECT_EQ(test, index_try_bad(f), op == SHARD_IO_APPEND);
		KUNIT_ASSERT_EQ(test, index_nr_runs(f), 3u);
		index_expect_counts(f);
	}
	KUNIT_ASSERT_EQ(test, compact(f, 3), 0);
	KUNIT_ASSERT_EQ(test, index_nr_runs(f), 1u);
	index_expect_counts(f);
	for (k = 0; k < ARRAY_SIZE(before); k++)
		KUNIT_EXPECT_EQ(test, index_look(f, k), before[k]);
	KUNIT_EXPECT_EQ(test, f->rig->failed, 0);
}

/*
 * Goal: a merge without memory fails, leaks nothing, and can be made again.
 * Method: let each allocation fail in turn.
 */
static void without_memory_a_merge_fails(struct kunit *test)
{
	struct index_rig *f = test->priv;
	bool struck = true;
	int err = 0;
	u32 n;

	index_put(f, 3, 33);
	KUNIT_ASSERT_EQ(test, index_checkpoint(f), 0);
	for (n = 1; n < ALLOC_FAULT_MAX && struck; n++) {
		index_put(f, 4, n);
		KUNIT_ASSERT_EQ(test, index_checkpoint(f), 0);
		alloc_fault_arm(n);
		err = compact(f, 2);
		struck = alloc_fault_disarm();
		if (err)
			KUNIT_EXPECT_EQ(test, err, -ENOMEM);
		if (err)
			KUNIT_ASSERT_EQ(test, compact(f, 2), 0);
		KUNIT_EXPECT_EQ(test, index_look(f, 3), 33u);
		KUNIT_EXPECT_EQ(test, index_look(f, 4), n);
	}
	KUNIT_EXPECT_EQ(test, err, 0);
}

/*
 * Goal: which runs are merged is decided by their sizes: few are left alone,
 * the oldest goes in when the others together are a sixteenth of it, and they
 * never become too many.
 * Method: sizes, newest first, and the answer; then random checkpoints.
 */
static void sizes_say_what_to_merge(struct kunit *test)
{
	static const struct {
		u32 pages[SHARD_RUNS_MAX], nr, pick;
	} cases[] = {
		{ { 1, 1, 1 }, 3, 0 },
		{ { 1, 1, 1, 48 }, 4, 4 },
		{ { 1, 1, 1, 49 }, 4, 0 },
		{ { 1, 1, 1, 1, 65 }, 5, 4 },
		{ { 1, 1, 1, 4, 200 }, 5, 0 },
		{ { 1, 1, 1, 1, 4, 200 }, 6, 5 },
		{ { 1, 1, 1, 3, 6, 193 }, 6, 5 },
		{ { 1, 1, 1, 3, 6, 192 }, 6, 6 },
		/* too many, though each is longer than all above it */
		{ { 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 99999 }, 12, 4 },
	};
	u32 pages[SHARD_RUNS_MAX] = {}, nr = 0, pick, most = 0, i, k;
	u64 sum;

	for (i = 0; i < ARRAY_SIZE(cases); i++)
		KUNIT_EXPECT_EQ_MSG(test, shard_compaction_pick(cases[i].pages,
								cases[i].nr, 4, 16),
				    cases[i].pick, "case %u", i);
	/* a device that grows to 4000 memtables, in steps of one */
	for (i = 0; i < 20000; i++) {
		KUNIT_ASSERT_LT(test, nr, SHARD_RUNS_MAX);
		memmove(pages + 1, pages, nr * sizeof(pages[0]));
		pages[0] = 1;
		nr++;
		most = max(most, nr);
		pick = shard_compaction_pick(pages, nr, 4, 16);
		for (k = 0, sum = 0; k < pick; k++)
			sum += pages[k];
		if (!pick)
			continue;
		pages[0] = min_t(u64, sum, 4000);
		memmove(pages + 1, pages + pick,
			(nr - pick) * sizeof(pages[0]));
		nr -= pick - 1;
	}
	KUNIT_EXPECT_GT(test, most, 6u);
}

/* Two runs of single blocks, as long as runs of this layout can be. */
static u64 pages_of_all(struct kunit *test, const struct shard_layout *l)
{
	struct shard_run *run = kunit_kzalloc(test, sizeof(*run), GFP_KERNEL);
	struct shard_runs runs = { .nr = 2, .run = { run, run } };

	KUNIT_ASSERT_NOT_NULL(test, run);
	run->nr_entries = shard_layout_mapped_max(l);
	run->nr_pages = shard_run_pages_max(l->block_size, run->nr_entries);
	return shard_compaction_pages(l, &runs, runs.nr, true);
}

/*
 * Goal: O12: what a merge of all runs is said to need is what the layout keeps for it.
 * It decides whether a run begins in an extent of its own: one that has its old and its
 * new run in two extents must never have either in both.
 * Method: devices of few extents and of many, whose logical size is theirs, or far more.
 */
static void a_merge_of_all_needs_what_is_kept_for_it(struct kunit *test)
{
	u32 nr_extents, thin, nr_single = 0;

	for (nr_extents = 40; nr_extents < 400; nr_extents += 4) {
		for (thin = 0; thin < 2; thin++) {
			struct shard_layout l = {
				.block_size = 4096, .extent_blocks = 256,
				.nr_extents = nr_extents,
				.logical_blocks = thin ? 1000000 : 64 * nr_extents,
			};
			u32 payload = shard_extent_pages(4096, 256);
			u64 pages;

			if (!shard_layout_make(&l))
				continue;
			pages = pages_of_all(test, &l);
			KUNIT_EXPECT_LE(test, 2 * DIV_ROUND_UP((u32)pages, payload),
					l.merge_extents);
			nr_single += thin && l.merge_extents == 2;
		}
	}
	KUNIT_EXPECT_GT(test, nr_single, 10u);
}

static int compaction_init(struct kunit *test)
{
	return index_rig_begin(test, CACHE);
}

static struct kunit_case compaction_cases[] = {
	KUNIT_CASE(a_merge_says_what_its_runs_said),
	KUNIT_CASE(a_merge_of_all_needs_what_is_kept_for_it),
	KUNIT_CASE(a_cached_index_is_not_read),
	KUNIT_CASE(a_merge_takes_in_what_was_chosen),
	KUNIT_CASE(a_hole_stays_above_older_runs),
	KUNIT_CASE(a_failed_merge_changes_nothing),
	KUNIT_CASE(without_memory_a_merge_fails),
	KUNIT_CASE(sizes_say_what_to_merge),
	{}
};

static struct kunit_suite compaction_suite = {
	.name = "shardblk-compaction",
	.init = compaction_init,
	.exit = index_rig_exit,
	.test_cases = compaction_cases,
};

kunit_test_suites(&compaction_suite);
