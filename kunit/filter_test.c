// SPDX-License-Identifier: GPL-2.0-only
/*
 * Filter: never denies what is there, and seldom guesses.
 */
#include <kunit/test.h>

#include "alloc_fault.h"
#include "../kmod/core/filter.h"

#define BLOCKS	4000u

static bool add(struct shard_filter *filter, u64 lba, u32 nr, bool mapped)
{
	struct shard_range range = {
		.lba = lba, .nr_blocks = nr, .mapped = mapped,
	};

	return shard_filter_add(filter, &range);
}

/*
 * Goal: all that was added is there, and of other blocks at most two in a
 * hundred seem to be.
 * Method: scattered single blocks, as many as there is room for; ask for all of
 * them, and for ten times as many others.
 */
static void a_filter_guesses_seldom(struct kunit *test)
{
	struct shard_filter *filter = shard_filter_create(BLOCKS);
	u32 i, wrong = 0;

	KUNIT_ASSERT_NOT_NULL(test, filter);
	for (i = 0; i < BLOCKS; i++)
		KUNIT_ASSERT_TRUE(test, add(filter, 1000003ull * i, 1, true));
	for (i = 0; i < BLOCKS; i++)
		KUNIT_EXPECT_TRUE(test, shard_filter_has(filter, 1000003ull * i));
	for (i = 0; i < 10 * BLOCKS; i++)
		wrong += shard_filter_has(filter, 1000003ull * i + 1 + i % 1000);
	KUNIT_EXPECT_LT(test, wrong, 10 * BLOCKS / 50);
	KUNIT_EXPECT_EQ(test, shard_filter_blocks(filter), (u64)BLOCKS);
	shard_filter_destroy(filter);
}

/*
 * Goal: ranges are there with each of their blocks, long holes too, for which
 * there is room up to a bound.
 * Method: data, a short and many long holes.
 */
static void ranges_are_there_with_each_block(struct kunit *test)
{
	struct shard_filter *filter = shard_filter_create(300);
	u32 i;

	KUNIT_ASSERT_NOT_NULL(test, filter);
	KUNIT_ASSERT_TRUE(test, add(filter, 1ull << 40, 100, true));
	KUNIT_ASSERT_TRUE(test, add(filter, 5, 63, false));
	KUNIT_ASSERT_TRUE(test, add(filter, 1ull << 50, U32_MAX, false));
	for (i = 0; i < 100; i++)
		KUNIT_EXPECT_TRUE(test, shard_filter_has(filter,
							 (1ull << 40) + i));
	for (i = 5; i < 5 + 63; i++)
		KUNIT_EXPECT_TRUE(test, shard_filter_has(filter, i));
	KUNIT_EXPECT_TRUE(test, shard_filter_has(filter, 1ull << 50));
	KUNIT_EXPECT_TRUE(test, shard_filter_has(filter, (1ull << 50) +
						 U32_MAX - 1));
	KUNIT_EXPECT_FALSE(test, shard_filter_has(filter, (1ull << 50) +
						  U32_MAX));
	/* a long hole costs as much as a block */
	KUNIT_EXPECT_EQ(test, shard_filter_blocks(filter), 100ull + 63 + 1);
	for (i = 0; i < 31; i++)
		KUNIT_EXPECT_TRUE(test, add(filter, 1000 * i, 64, false));
	KUNIT_EXPECT_FALSE(test, add(filter, 1000 * i, 64, false));
	shard_filter_destroy(filter);
}

/*
 * Goal: without memory, or for nothing, there is no filter.
 * Method: let the allocation fail; ask for none.
 */
static void without_memory_there_is_no_filter(struct kunit *test)
{
	alloc_fault_arm(1);
	KUNIT_EXPECT_NULL(test, shard_filter_create(10));
	KUNIT_EXPECT_TRUE(test, alloc_fault_disarm());
	KUNIT_EXPECT_NULL(test, shard_filter_create(0));
}

static struct kunit_case filter_cases[] = {
	KUNIT_CASE(a_filter_guesses_seldom),
	KUNIT_CASE(ranges_are_there_with_each_block),
	KUNIT_CASE(without_memory_there_is_no_filter),
	{}
};

static struct kunit_suite filter_suite = {
	.name = "shardblk-filter",
	.test_cases = filter_cases,
};

kunit_test_suites(&filter_suite);
