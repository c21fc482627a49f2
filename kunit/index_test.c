// SPDX-License-Identifier: GPL-2.0-only
/*
 * Index: versions, and who may still see what.
 */
#include <kunit/test.h>

#include "alloc_fault.h"
#include "index_rig.h"
#include "../kmod/core/checkpoint.h"

/*
 * Goal: an empty index knows all blocks to be holes, and asks nobody.
 * Method: look; count reads.
 */
static void an_empty_index_is_all_holes(struct kunit *test)
{
	struct index_rig *f = test->priv;

	KUNIT_EXPECT_TRUE(test, shard_index_empty(f->index));
	KUNIT_EXPECT_FALSE(test, shard_index_is_frozen(f->index));
	KUNIT_EXPECT_EQ(test, index_nr_runs(f), 0u);
	KUNIT_EXPECT_NULL(test, shard_index_frozen(f->index));
	KUNIT_EXPECT_TRUE(test, shard_index_fits(f->index, 64, 64));
	KUNIT_EXPECT_FALSE(test, shard_index_fits(f->index, 65, 0));
	KUNIT_EXPECT_EQ(test, index_look(f, 5), 0u);
	KUNIT_EXPECT_EQ(test, rig_stat(f->rig, page_misses), 0ull);
}

/*
 * Goal: what is frozen is still seen, below what came later; a version that
 * was taken before sees nothing of what came later (O11).
 * Method: insert, hold, freeze, insert again.
 */
static void versions_see_what_was_there(struct kunit *test)
{
	struct index_rig *f = test->priv;
	struct shard_version *old;
	u32 active, frozen;

	index_put(f, 1, 11);
	index_put(f, 2, 12);
	old = shard_index_hold(f->index);
	KUNIT_EXPECT_FALSE(test, shard_index_empty(f->index));
	shard_index_entries(f->index, &active, &frozen);
	KUNIT_EXPECT_EQ(test, active, 2u);
	KUNIT_EXPECT_EQ(test, frozen, 0u);
	KUNIT_EXPECT_EQ(test, shard_index_prepare(f->index), 0);
	/* what is prepared stays so until the freeze */
	index_freeze(f);
	KUNIT_EXPECT_TRUE(test, shard_index_is_frozen(f->index));
	KUNIT_EXPECT_FALSE(test, shard_index_empty(f->index));
	shard_index_entries(f->index, &active, &frozen);
	KUNIT_EXPECT_EQ(test, active, 0u);
	KUNIT_EXPECT_EQ(test, frozen, 2u);
	KUNIT_EXPECT_TRUE(test, shard_index_fits(f->index, 64, 64));
	index_put(f, 2, 22);
	index_punch(f, 1, 1);
	KUNIT_EXPECT_EQ(test, index_look(f, 1), 0u);
	KUNIT_EXPECT_EQ(test, index_look(f, 2), 22u);
	KUNIT_EXPECT_EQ(test, index_look_in(f, old, 1), 11u);
	KUNIT_EXPECT_EQ(test, index_look_in(f, old, 2), 12u);
	shard_index_put(f->index, old);
}

/* A checkpoint that must do. */
static void checkpoint(struct index_rig *f)
{
	KUNIT_ASSERT_EQ(f->test, index_checkpoint(f), 0);
}

/*
 * Goal: where data goes on is what look-ups of one block after the other say,
 * whatever the layers hide of each other.
 * Method: random data and holes in run, frozen and active memtable; from each
 * block on, ask for the next.
 */
static void the_next_data_is_where_look_ups_find_it(struct kunit *test)
{
	struct index_rig *f = test->priv;
	u32 seed = 7, layer, i;
	u64 lba, next = 0;
	int found = 0;

	for (layer = 0; layer < 4; layer++) {
		for (i = 0; i < 20; i++) {
			seed = seed * 1664525 + 1013904223;
			lba = (seed >> 8) % (RIG_LOGICAL_BLOCKS - 40);
			if (seed >> 30)
				index_put(f, lba, i + 1);
			else
				index_punch(f, lba, 1 + (seed >> 20) % 40);
		}
		if (layer < 3)
			index_freeze(f);
		if (layer < 2)
			checkpoint(f);
	}
	KUNIT_ASSERT_EQ(test, index_nr_runs(f), 2u);
	KUNIT_ASSERT_TRUE(test, shard_index_is_frozen(f->index));
	for (lba = RIG_LOGICAL_BLOCKS; lba-- > 0;) {
		struct shard_version *v = shard_index_hold(f->index);
		u64 at = lba;
		int ret;

		if (index_look_in(f, v, lba)) {
			next = lba;
			found = 1;
		}
		ret = shard_index_next(f->index, v, &at);
		shard_index_put(f->index, v);
		KUNIT_EXPECT_EQ_MSG(test, ret, found, "block %llu", lba);
		if (found)
			KUNIT_EXPECT_EQ_MSG(test, at, next, "block %llu", lba);
	}
	KUNIT_EXPECT_EQ(test, found, 1);
}

/*
 * Goal: a cold look-up reads one page: the leaf that has the block, of the one
 * run that speaks of it; of the others none is read, whatever lies around it.
 * Method: a run of several leaves, two small ones above it with blocks between
 * its own; a cache of two pages; look each block up, and count pages that were
 * read.
 */
static void a_cold_look_up_reads_one_page(struct kunit *test)
{
	struct index_rig *f = test->priv;
	u32 i, k, nr = 0;

	for (i = 0; i < 60; i++)
		index_put(f, 2 * i, i + 1);
	checkpoint(f);
	for (k = 1; k < 3; k++) {
		for (i = 0; i < 20; i++)
			index_put(f, 8 * i + 2 * k - 1, 100 * k + i);
		checkpoint(f);
	}
	KUNIT_ASSERT_EQ(test, index_nr_runs(f), 3u);
	KUNIT_ASSERT_GT(test, index_run(f, 2)->height, 1);
	for (i = 0; i < 60; i++) {
		u64 before = rig_stat(f->rig, page_misses);
		u64 at = 2 * (i * 37 % 60);

		KUNIT_EXPECT_EQ(test, index_look(f, at), (u32)at / 2 + 1);
		KUNIT_EXPECT_LE(test, rig_stat(f->rig, page_misses), before + 1);
		nr += rig_stat(f->rig, page_misses) - before;
	}
	KUNIT_EXPECT_GT(test, nr, 20u);
	for (k = 1; k < 3; k++)
		for (i = 0; i < 20; i++)
			KUNIT_EXPECT_EQ(test, index_look(f, 8 * i + 2 * k - 1),
					100 * k + i);
}

/*
 * Goal: an index that cannot be read never says that nothing follows (O11).
 * Method: all reads fail, with a run, behind an entry of the memtable.
 */
static void an_unreadable_index_does_not_say_where_data_is(struct kunit *test)
{
	struct index_rig *f = test->priv;
	struct shard_version *v;
	u64 lba = 0;

	index_put(f, 100, 1);
	index_freeze(f);
	checkpoint(f);
	index_put(f, 10, 2);
	fake_fail(f->rig->fake, SHARD_IO_READ, -EIO, 0);
	v = shard_index_hold(f->index);
	KUNIT_EXPECT_EQ(test, shard_index_next(f->index, v, &lba), -EIO);
	KUNIT_EXPECT_EQ(test, lba, 0ull);
	fake_heal(f->rig->fake);
	KUNIT_EXPECT_EQ(test, shard_index_next(f->index, v, &lba), 1);
	KUNIT_EXPECT_EQ(test, lba, 10ull);
	lba = 11;
	KUNIT_EXPECT_EQ(test, shard_index_next(f->index, v, &lba), 1);
	KUNIT_EXPECT_EQ(test, lba, 100ull);
	lba = 101;
	KUNIT_EXPECT_EQ(test, shard_index_next(f->index, v, &lba), 0);
	shard_index_put(f->index, v);
}

/*
 * Goal: without memory there is no index.
 * Method: let each allocation fail in turn.
 */
static void without_memory_there_is_no_index(struct kunit *test)
{
	struct index_rig *f = test->priv;
	struct shard_index *index = NULL;
	bool struck = true;
	u32 n;

	for (n = 1; n < ALLOC_FAULT_MAX && struck; n++) {
		shard_index_destroy(index);
		alloc_fault_arm(n);
		index = shard_index_create(&f->rig->store, 8, 2);
		struck = alloc_fault_disarm();
	}
	KUNIT_EXPECT_NOT_NULL(test, index);
	shard_index_destroy(index);
}

/* Moves blocks 1 to 3 in one go; @from: where each lay. */
static int swing(struct index_rig *f, u64 covered, const u64 *from)
{
	static const u32 csums[] = { 11, 12, 13 };
	struct shard_block_map map[3];
	struct shard_range to = {
		.lba = 1, .nr_blocks = 3, .mapped = true, .csums = csums,
		.place = { .extent = 40, .generation = 1, .block = 1 },
	};

	return shard_index_swing(f->index, covered, &to, from, 0, 0, map);
}

static u64 where(struct index_rig *f, u64 lba)
{
	struct shard_version *v = shard_index_hold(f->index);
	struct shard_block_map m = {};

	KUNIT_EXPECT_EQ(f->test, shard_index_lookup(f->index, v, lba, 1, &m,
						    true), 0);
	shard_index_put(f->index, v);
	return m.mapped ? m.block : 0;
}

/*
 * Goal: what the host has written or discarded since the look-up stays, what it
 * has not is moved (O9).
 * Method: write three blocks, look, overwrite one and discard one, swing all.
 */
static void what_changes_while_it_is_moved_stays_changed(struct kunit *test)
{
	u64 to = 40ull * RIG_EXTENT_BLOCKS + 1;
	struct index_rig *f = test->priv;
	u64 from[3], covered, now;
	u32 i;

	for (i = 0; i < 3; i++)
		index_put(f, 1 + i, 11 + i);
	covered = shard_index_covered(f->index);
	for (i = 0; i < 3; i++)
		from[i] = where(f, 1 + i);
	index_put(f, 1, 21);
	now = where(f, 1);
	index_punch(f, 3, 1);
	KUNIT_EXPECT_EQ(test, swing(f, covered, from), 3);
	KUNIT_EXPECT_EQ(test, where(f, 1), now);
	KUNIT_EXPECT_EQ(test, index_look(f, 1), 21u);
	KUNIT_EXPECT_EQ(test, where(f, 2), to + 1);
	KUNIT_EXPECT_EQ(test, where(f, 3), 0ull);
	/* one that a second look-up has found elsewhere is left alone */
	from[0] = SHARD_MAP_GONE;
	from[1] = SHARD_MAP_GONE;
	from[2] = SHARD_MAP_GONE;
	KUNIT_EXPECT_EQ(test, swing(f, covered, from), 3);
	KUNIT_EXPECT_EQ(test, where(f, 2), to + 1);
}

/*
 * Goal: a look-up from before a checkpoint does not serve (O9): what the host
 * wrote since may be in a run, where a swing does not look.
 * Method: look, overwrite, checkpoint, swing.
 */
static void a_swing_needs_a_look_up_of_these_runs(struct kunit *test)
{
	struct index_rig *f = test->priv;
	u64 from[3], covered;
	u32 i;

	for (i = 0; i < 3; i++)
		index_put(f, 1 + i, 11 + i);
	KUNIT_EXPECT_EQ(test, shard_index_memtables(f->index), 1ull);
	covered = shard_index_covered(f->index);
	for (i = 0; i < 3; i++)
		from[i] = where(f, 1 + i);
	index_put(f, 2, 22);
	index_freeze(f);
	KUNIT_EXPECT_EQ(test, shard_index_covered(f->index), covered);
	KUNIT_EXPECT_EQ(test, shard_index_memtables(f->index), 2ull);
	checkpoint(f);
	KUNIT_EXPECT_EQ(test, shard_index_covered(f->index), covered + 1);
	KUNIT_EXPECT_EQ(test, swing(f, covered, from), -EAGAIN);
	KUNIT_EXPECT_EQ(test, index_look(f, 2), 22u);
	from[1] = where(f, 2);
	KUNIT_EXPECT_EQ(test, swing(f, covered + 1, from), 3);
	KUNIT_EXPECT_EQ(test, where(f, 3), 40ull * RIG_EXTENT_BLOCKS + 3);
}

/*
 * Goal: room is set aside for as many pages as a run of what is frozen may have,
 * and of these for no more than all blocks of the device take.
 * Method: entries of one block: a few, then each block; at that number a full page
 * of each of them is less than what is allowed for what a page may lack.
 */
static void a_run_takes_no_more_pages_than_all_blocks(struct kunit *test)
{
	struct index_rig *f = test->priv;
	u32 csum = 1, round;

	for (round = 0; round < 2; round++) {
		u32 nr = round ? RIG_LOGICAL_BLOCKS : 17;
		struct shard_index *index = shard_index_create(&f->rig->store,
							       nr, 2);
		struct shard_range range = {
			.nr_blocks = 1, .mapped = true, .csums = &csum,
			.place = { .extent = 40, .generation = 1, .block = 1 },
		};

		KUNIT_ASSERT_NOT_NULL(test, index);
		for (; range.lba < nr; range.lba++)
			shard_index_insert(index, &range);
		KUNIT_EXPECT_EQ(test, shard_index_prepare(index), 0);
		shard_index_freeze(index);
		/* 17 to a page, 30 of which to one above them */
		KUNIT_EXPECT_EQ(test, shard_index_frozen_pages(index),
				round ? 29ull + 1 : 2ull + 1);
		shard_index_destroy(index);
	}
}

static struct kunit_case index_cases[] = {
	KUNIT_CASE(what_changes_while_it_is_moved_stays_changed),
	KUNIT_CASE(a_swing_needs_a_look_up_of_these_runs),
	KUNIT_CASE(an_empty_index_is_all_holes),
	KUNIT_CASE(versions_see_what_was_there),
	KUNIT_CASE(the_next_data_is_where_look_ups_find_it),
	KUNIT_CASE(a_cold_look_up_reads_one_page),
	KUNIT_CASE(an_unreadable_index_does_not_say_where_data_is),
	KUNIT_CASE(without_memory_there_is_no_index),
	KUNIT_CASE(a_run_takes_no_more_pages_than_all_blocks),
	{}
};

static struct kunit_suite index_suite = {
	.name = "shardblk-index",
	.init = index_rig_init,
	.exit = index_rig_exit,
	.test_cases = index_cases,
};

kunit_test_suites(&index_suite);
