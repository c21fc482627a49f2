// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memtable: the newest word on each block, within the memory it was given.
 */
#include <kunit/test.h>

#include "alloc_fault.h"
#include "../kmod/core/memtable.h"

#define ENTRIES		32u
#define BLOCKS		200u
#define EXTENT_BLOCKS	16u

static int memtable_init(struct kunit *test)
{
	test->priv = shard_memtable_create(ENTRIES);
	return test->priv ? 0 : -ENOMEM;
}

static void memtable_exit(struct kunit *test)
{
	shard_memtable_destroy(test->priv);
}

/* Data, at block @at of extent 5, with checksums that follow from it. */
static void put(struct shard_memtable *mt, u64 lba, u32 nr, u32 at)
{
	u32 csums[BLOCKS], i;
	struct shard_range range = {
		.lba = lba, .nr_blocks = nr, .mapped = true, .csums = csums,
		.place = { .extent = 5, .generation = 2, .block = at },
	};

	for (i = 0; i < nr; i++)
		csums[i] = 1000 + at + i;
	shard_memtable_insert(mt, &range);
}

static void punch(struct shard_memtable *mt, u64 lba, u32 nr)
{
	struct shard_range range = { .lba = lba, .nr_blocks = nr };

	shard_memtable_insert(mt, &range);
}

static struct shard_block_map look(struct shard_memtable *mt, u64 lba)
{
	struct shard_block_map map = {};

	shard_memtable_lookup(mt, lba, 1, EXTENT_BLOCKS, &map);
	return map;
}

static void expect_data(struct kunit *test, u64 lba, u32 at)
{
	struct shard_block_map m = look(test->priv, lba);

	KUNIT_EXPECT_TRUE(test, m.known);
	KUNIT_EXPECT_TRUE(test, m.mapped);
	KUNIT_EXPECT_EQ(test, m.block, 5ull * EXTENT_BLOCKS + at);
	KUNIT_EXPECT_EQ(test, m.csum, 1000 + at);
}

static void expect_hole(struct kunit *test, u64 lba)
{
	struct shard_block_map m = look(test->priv, lba);

	KUNIT_EXPECT_TRUE(test, m.known);
	KUNIT_EXPECT_FALSE(test, m.mapped);
}

static void expect_unknown(struct kunit *test, u64 lba)
{
	KUNIT_EXPECT_FALSE(test, look(test->priv, lba).known);
}

/*
 * Goal: a new memtable knows nothing, and has room for what was asked.
 * Method: look, walk, and ask for the room and for one more.
 */
static void a_new_memtable_is_empty(struct kunit *test)
{
	struct shard_memtable *mt = test->priv;
	struct shard_range range;

	KUNIT_EXPECT_TRUE(test, shard_memtable_empty(mt));
	KUNIT_EXPECT_FALSE(test, shard_memtable_next(mt, 0, &range));
	expect_unknown(test, 0);
	KUNIT_EXPECT_TRUE(test, shard_memtable_fits(mt, ENTRIES, 0));
	KUNIT_EXPECT_FALSE(test, shard_memtable_fits(mt, ENTRIES + 1, 0));
	KUNIT_EXPECT_TRUE(test, shard_memtable_fits(mt, 0, ENTRIES * 4));
	KUNIT_EXPECT_FALSE(test, shard_memtable_fits(mt, 0, U32_MAX));
}

/*
 * Goal: what was put is found, block by block, holes too, and nothing beside.
 * Method: data and a hole with gaps around them.
 */
static void what_was_put_is_found(struct kunit *test)
{
	put(test->priv, 10, 3, 1);
	punch(test->priv, 20, 2);
	KUNIT_EXPECT_FALSE(test, shard_memtable_empty(test->priv));
	expect_unknown(test, 9);
	expect_data(test, 10, 1);
	expect_data(test, 12, 3);
	expect_unknown(test, 13);
	expect_hole(test, 20);
	expect_hole(test, 21);
	expect_unknown(test, 22);
}

/*
 * Goal: a look-up leaves alone what newer layers said.
 * Method: mark one block as known before.
 */
static void newer_layers_are_left_alone(struct kunit *test)
{
	struct shard_block_map map[3] = {};

	put(test->priv, 10, 3, 1);
	map[1].known = true;
	shard_memtable_lookup(test->priv, 10, 3, EXTENT_BLOCKS, map);
	KUNIT_EXPECT_TRUE(test, map[0].mapped);
	KUNIT_EXPECT_FALSE(test, map[1].mapped);
	KUNIT_EXPECT_EQ(test, map[2].csum, 1003u);
}

/*
 * Goal: a new range cuts older ones in each way that ranges can overlap.
 * Method: one older range, newer ones over its front, back, middle, whole.
 */
static void a_new_range_cuts_older_ones(struct kunit *test)
{
	struct shard_memtable *mt = test->priv;

	put(mt, 100, 10, 0);
	put(mt, 98, 4, 50);		/* its front */
	expect_data(test, 101, 53);
	expect_data(test, 102, 2);
	put(mt, 108, 4, 60);		/* its back */
	expect_data(test, 107, 7);
	expect_data(test, 108, 60);
	punch(mt, 104, 2);		/* its middle */
	expect_data(test, 103, 3);
	expect_hole(test, 104);
	expect_hole(test, 105);
	expect_data(test, 106, 6);
	put(mt, 90, 40, 70);		/* all of them */
	expect_data(test, 90, 70);
	expect_data(test, 105, 85);
	expect_data(test, 129, 109);
	expect_unknown(test, 130);
}

/*
 * Goal: a discard of nearly everything takes one entry, at any block number.
 * Method: a range of 2^32 - 1 blocks far behind 2^32.
 */
static void ranges_may_be_huge_and_far_away(struct kunit *test)
{
	u64 lba = 1ull << 45;

	punch(test->priv, lba, U32_MAX);
	put(test->priv, lba + (1u << 31), 1, 9);
	expect_hole(test, lba);
	expect_data(test, lba + (1u << 31), 9);
	expect_hole(test, lba + (1u << 31) + 1);
	expect_hole(test, lba + U32_MAX - 1);
	expect_unknown(test, lba + U32_MAX);
}

/*
 * Goal: a walk gives all ranges in order.
 * Method: three ranges; begin in front of, within and behind them.
 */
static void a_walk_gives_ranges_in_order(struct kunit *test)
{
	struct shard_memtable *mt = test->priv;
	struct shard_range range;

	put(mt, 30, 2, 1);
	punch(mt, 10, 5);
	put(mt, 15, 1, 7);
	KUNIT_ASSERT_TRUE(test, shard_memtable_next(mt, 0, &range));
	KUNIT_EXPECT_EQ(test, range.lba, 10ull);
	KUNIT_EXPECT_EQ(test, range.nr_blocks, 5u);
	KUNIT_EXPECT_FALSE(test, range.mapped);
	KUNIT_ASSERT_TRUE(test, shard_memtable_next(mt, 15, &range));
	KUNIT_EXPECT_EQ(test, range.lba, 15ull);
	KUNIT_EXPECT_EQ(test, range.csums[0], 1007u);
	KUNIT_ASSERT_TRUE(test, shard_memtable_next(mt, 31, &range));
	KUNIT_EXPECT_EQ(test, range.lba, 30ull);
	KUNIT_EXPECT_EQ(test, range.place.extent, 5u);
	KUNIT_EXPECT_EQ(test, range.place.generation, 2u);
	KUNIT_EXPECT_EQ(test, range.place.block, 1u);
	KUNIT_EXPECT_EQ(test, range.csums[1], 1002u);
	KUNIT_EXPECT_FALSE(test, shard_memtable_next(mt, 32, &range));
}

/*
 * Goal: an insertion uses two entries at most, and gives back what it makes
 * superfluous (O12).
 * Method: cut one range into as many pieces as fit; then cover them all.
 */
static void an_insertion_uses_two_entries_at_most(struct kunit *test)
{
	struct shard_memtable *mt = test->priv;
	u32 used, i;

	KUNIT_ASSERT_EQ(test, SHARD_MEMTABLE_PER_REQUEST, 2);
	put(mt, 0, 100, 0);
	used = 1;
	for (i = 0; used + 2 <= ENTRIES; i++) {
		KUNIT_ASSERT_TRUE(test, shard_memtable_fits(mt, 2, 1));
		put(mt, 3 * i + 1, 1, 100 + i);
		used += 2;
	}
	used = ENTRIES - used;
	KUNIT_EXPECT_FALSE(test, shard_memtable_fits(mt, used + 1, 0));
	KUNIT_EXPECT_TRUE(test, shard_memtable_fits(mt, used, 0));
	expect_data(test, 0, 0);
	expect_data(test, 1, 100);
	expect_data(test, 2, 2);
	/* in the last place that is left, over everything */
	punch(mt, 0, 100);
	KUNIT_EXPECT_TRUE(test, shard_memtable_fits(mt, ENTRIES - 1, 0));
	expect_hole(test, 50);
}

/*
 * Goal: what insertions leave out at their beginning, the rest never needs
 * (O12): recovery may freeze later than the device did.
 * Method: a memtable for all of a history, and one for what follows each of its
 * steps; after each step none of these has more entries than those before.
 */
static void the_end_of_a_history_needs_no_more(struct kunit *test)
{
	struct shard_memtable *mt[24];
	u32 round, step, i, more = 0, seed = 5;

	for (i = 0; i < ARRAY_SIZE(mt); i++) {
		mt[i] = shard_memtable_create(2 * ARRAY_SIZE(mt));
		KUNIT_ASSERT_NOT_NULL(test, mt[i]);
	}
	for (round = 0; round < 100; round++) {
		for (step = 0; step < ARRAY_SIZE(mt); step++) {
			u32 lba, nr;

			seed = seed * 1664525 + 1013904223;
			lba = (seed >> 8) % 24;
			nr = 1 + (seed >> 24) % 6;
			for (i = 0; i <= step; i++) {
				if (seed >> 31)
					put(mt[i], lba, nr, step);
				else
					punch(mt[i], lba, nr);
			}
			for (i = 1; i <= step; i++)
				more += shard_memtable_entries(mt[i]) >
					shard_memtable_entries(mt[i - 1]);
		}
		for (i = 0; i < ARRAY_SIZE(mt); i++)
			shard_memtable_clear(mt[i]);
	}
	KUNIT_EXPECT_EQ(test, more, 0u);
	for (i = 0; i < ARRAY_SIZE(mt); i++)
		shard_memtable_destroy(mt[i]);
}

/*
 * Goal: clearing gives back all entries and checksums.
 * Method: use up the checksums, clear, use them again.
 */
static void clearing_gives_back_everything(struct kunit *test)
{
	struct shard_memtable *mt = test->priv;
	u32 round, nr;

	for (round = 0; round < 3; round++) {
		for (nr = 0; shard_memtable_fits(mt, 2, BLOCKS); nr++)
			put(mt, round, BLOCKS, nr);
		KUNIT_EXPECT_EQ(test, nr, 1024u / BLOCKS);
		expect_data(test, round, nr - 1);
		shard_memtable_clear(mt);
		KUNIT_EXPECT_TRUE(test, shard_memtable_empty(mt));
		expect_unknown(test, round);
		KUNIT_EXPECT_TRUE(test, shard_memtable_fits(mt, ENTRIES, 1024));
	}
}

/*
 * Goal: any sequence of insertions gives what an array would.
 * Method: a thousand random ranges, compared block by block with an array.
 */
static void random_insertions_agree_with_an_array(struct kunit *test)
{
	struct shard_memtable *mt = shard_memtable_create(512);
	u32 *model = kunit_kcalloc(test, BLOCKS, sizeof(*model), GFP_KERNEL);
	u32 step, i, wrong = 0, seed = 1;

	KUNIT_ASSERT_NOT_NULL(test, model);
	KUNIT_ASSERT_NOT_NULL(test, mt);
	for (step = 0; step < 1000; step++) {
		u32 lba, nr, at = step % 1000;

		seed = seed * 1664525 + 1013904223;
		lba = (seed >> 8) % (BLOCKS - 8);
		nr = 1 + (seed >> 24) % 8;
		if (!shard_memtable_fits(mt, 2, nr)) {
			shard_memtable_clear(mt);
			memset(model, 0, BLOCKS * sizeof(*model));
		}
		if (seed & 128)
			put(mt, lba, nr, at);
		else
			punch(mt, lba, nr);
		for (i = 0; i < nr; i++)
			model[lba + i] = seed & 128 ? 2 + at + i : 1;
		for (i = 0; i < BLOCKS; i++) {
			struct shard_block_map m = look(mt, i);
			u32 is = !m.known ? 0 : !m.mapped ? 1 : m.csum - 998;

			wrong += is != model[i];
		}
	}
	KUNIT_EXPECT_EQ(test, wrong, 0u);
	shard_memtable_destroy(mt);
}

/*
 * Goal: without memory there is no memtable.
 * Method: let each allocation fail in turn.
 */
static void without_memory_there_is_no_memtable(struct kunit *test)
{
	struct shard_memtable *mt;
	bool struck;
	u32 n;

	for (n = 1; n < ALLOC_FAULT_MAX; n++) {
		alloc_fault_arm(n);
		mt = shard_memtable_create(ENTRIES);
		struck = alloc_fault_disarm();
		shard_memtable_destroy(mt);
		if (!struck)
			break;
	}
	KUNIT_EXPECT_NOT_NULL(test, mt);
}

static struct kunit_case memtable_cases[] = {
	KUNIT_CASE(a_new_memtable_is_empty),
	KUNIT_CASE(what_was_put_is_found),
	KUNIT_CASE(newer_layers_are_left_alone),
	KUNIT_CASE(a_new_range_cuts_older_ones),
	KUNIT_CASE(ranges_may_be_huge_and_far_away),
	KUNIT_CASE(a_walk_gives_ranges_in_order),
	KUNIT_CASE(an_insertion_uses_two_entries_at_most),
	KUNIT_CASE(the_end_of_a_history_needs_no_more),
	KUNIT_CASE(clearing_gives_back_everything),
	KUNIT_CASE(random_insertions_agree_with_an_array),
	KUNIT_CASE(without_memory_there_is_no_memtable),
	{}
};

static struct kunit_suite memtable_suite = {
	.name = "shardblk-memtable",
	.init = memtable_init,
	.exit = memtable_exit,
	.test_cases = memtable_cases,
};

kunit_test_suites(&memtable_suite);
