// SPDX-License-Identifier: GPL-2.0-only
/*
 * Guide: leads to the leaf that inner pages would, and knows what was noted.
 */
#include <kunit/test.h>

#include "alloc_fault.h"
#include "../kmod/core/guide.h"
#include "../uapi/shardblk_format.h"

#define LEAVES	3000u
#define SPAN	128u			/* of a leaf of truth[] */
#define BLOCKS	(SPAN * 64u)

/* Leaf @i begins here: some near each other, some far away, some very far. */
static u64 leaf_lba(u32 i)
{
	return 1000 + 145ull * i + (i > 1000 ? BIT_ULL(20) * (i - 1000) : 0) +
	       (i > 2990 ? BIT_ULL(47) : 0);
}

/* ... and has this number: now and then an inner page lies between two. */
static u32 leaf_page(u32 i)
{
	return i + i / 254 + i / (254 * 254);
}

/*
 * Goal: each block leads to the leaf whose reach it lies in, blocks before the
 * first leaf to that one; of pages that lie densely a leaf costs less than 7
 * bytes.
 * Method: many leaves; ask for the first and last block of each one's reach.
 */
static void a_guide_leads_to_the_leaf(struct kunit *test)
{
	struct shard_guide_builder *b = shard_guide_begin(false);
	struct shard_guide_leaf leaf;
	struct shard_block_map map = {};
	struct shard_guide *guide;
	u32 i;

	KUNIT_ASSERT_NOT_NULL(test, b);
	for (i = 0; i < LEAVES; i++)
		shard_guide_add_leaf(b, leaf_lba(i), leaf_page(i), ~i);
	guide = shard_guide_end(b);
	KUNIT_ASSERT_NOT_NULL(test, guide);
	for (i = 0; i < LEAVES; i++) {
		u64 next = i + 1 < LEAVES ? leaf_lba(i + 1) : U64_MAX;

		shard_guide_find(guide, leaf_lba(i), &leaf);
		KUNIT_EXPECT_EQ(test, leaf.page, leaf_page(i));
		KUNIT_EXPECT_EQ(test, leaf.csum, ~i);
		KUNIT_EXPECT_EQ(test, leaf.next, next);
		shard_guide_find(guide, next - 1, &leaf);
		KUNIT_EXPECT_EQ(test, leaf.page, leaf_page(i));
	}
	shard_guide_find(guide, 0, &leaf);
	KUNIT_EXPECT_EQ(test, leaf.page, 0u);
	KUNIT_EXPECT_EQ(test, leaf.next, leaf_lba(1));
	/* no blocks were noted: any may be there */
	KUNIT_EXPECT_TRUE(test, shard_guide_knows(guide, 0, 1, &map));
	shard_guide_destroy(guide);

	b = shard_guide_begin(false);
	KUNIT_ASSERT_NOT_NULL(test, b);
	for (i = 0; i < 100000; i++)
		shard_guide_add_leaf(b, 145ull * i, leaf_page(i), i);
	guide = shard_guide_end(b);
	KUNIT_ASSERT_NOT_NULL(test, guide);
	KUNIT_EXPECT_LT(test, shard_guide_bytes(guide), (size_t)7 * 100000);
	shard_guide_destroy(guide);
}

static u32 next_random(u32 *seed)
{
	*seed = *seed * 1664525 + 1013904223;
	return *seed >> 8;
}

/* Notes random entries, of one block or of up to @most; truth[] has them. */
static struct shard_guide *make(struct kunit *test, u32 *seed, u32 most,
				u32 gap, bool *truth)
{
	struct shard_guide_builder *b = shard_guide_begin(true);
	u32 at = 0, nr, leaf = 0, begin = 0, i;

	KUNIT_ASSERT_NOT_NULL(test, b);
	memset(truth, 0, BLOCKS * sizeof(*truth));
	for (;;) {
		at += next_random(seed) % gap;
		nr = 1 + next_random(seed) % most;
		if (at + nr > BLOCKS)
			break;
		if (at - begin >= SPAN) {
			shard_guide_add_leaf(b, begin, leaf_page(leaf++), at);
			begin = at;
		}
		shard_guide_add(b, at, nr);
		for (i = at; i < at + nr; i++)
			truth[i] = true;
		at += nr;
	}
	shard_guide_add_leaf(b, begin, leaf_page(leaf), at);
	return shard_guide_end(b);
}

/*
 * Goal: a guide knows exactly the blocks that were noted.
 * Method: entries of one and of many blocks, close together and far apart; ask
 * for each block, and for ranges in which some are known already.
 */
static void a_guide_knows_what_was_noted(struct kunit *test)
{
	bool *truth = kunit_kzalloc(test, BLOCKS * sizeof(*truth), GFP_KERNEL);
	struct shard_block_map map[64] = {};
	u32 seed = 1, round, i, k;

	KUNIT_ASSERT_NOT_NULL(test, truth);
	for (round = 0; round < 12; round++) {
		struct shard_guide *guide = make(test, &seed, round % 3 ? 1 : 90,
						 1 + (4u << round % 6), truth);

		KUNIT_ASSERT_NOT_NULL(test, guide);
		memset(map, 0, sizeof(map));
		for (i = 0; i < BLOCKS; i++)
			KUNIT_ASSERT_EQ(test, shard_guide_knows(guide, i, 1, map),
					truth[i]);
		for (i = 0; i + 64 <= BLOCKS; i += 7) {
			u32 nr = 1 + next_random(&seed) % 64;
			bool want = false;

			for (k = 0; k < nr; k++) {
				map[k].known = next_random(&seed) % 8;
				want |= truth[i + k] && !map[k].known;
			}
			KUNIT_ASSERT_EQ(test, shard_guide_knows(guide, i, nr,
								map), want);
		}
		shard_guide_destroy(guide);
	}
}

/*
 * Goal: entries may be as long and as far apart as blocks go.
 * Method: holes of 2^32 - 1 blocks, at both ends of what there is.
 */
static void entries_may_be_long_and_far_apart(struct kunit *test)
{
	struct shard_guide_builder *b = shard_guide_begin(true);
	struct shard_block_map map = {};
	struct shard_guide *guide;
	u64 far = SHARDBLK_LOGICAL_BLOCKS_MAX - 1 - U32_MAX;

	KUNIT_ASSERT_NOT_NULL(test, b);
	shard_guide_add(b, 3, U32_MAX);
	shard_guide_add(b, far, 1);
	shard_guide_add(b, far + 1, U32_MAX);
	shard_guide_add_leaf(b, 3, 0, 1);
	guide = shard_guide_end(b);
	KUNIT_ASSERT_NOT_NULL(test, guide);
	KUNIT_EXPECT_FALSE(test, shard_guide_knows(guide, 2, 1, &map));
	KUNIT_EXPECT_TRUE(test, shard_guide_knows(guide, 3, 1, &map));
	KUNIT_EXPECT_TRUE(test, shard_guide_knows(guide, 2ull + U32_MAX, 1,
						  &map));
	KUNIT_EXPECT_FALSE(test, shard_guide_knows(guide, 3ull + U32_MAX, 1,
						   &map));
	KUNIT_EXPECT_FALSE(test, shard_guide_knows(guide, far - 1, 1, &map));
	KUNIT_EXPECT_TRUE(test, shard_guide_knows(guide, far + U32_MAX, 1, &map));
	KUNIT_EXPECT_FALSE(test, shard_guide_knows(guide, far + 1 + U32_MAX, 1,
						   &map));
	shard_guide_destroy(guide);
}

/*
 * Goal: blocks are found that lie close together in a leaf and then far away, and
 * none between them.
 * Method: as many as there may be, every other block, but for the last or all but
 * the first that is very far away; ask for each, and for what lies between.
 */
static void entries_may_lie_close_and_far_away(struct kunit *test)
{
	u64 far = BIT_ULL(40);
	u32 first, i;

	for (first = 1; first < 255; first += 253) {
		struct shard_guide_builder *b = shard_guide_begin(true);
		struct shard_block_map map[8] = {};
		struct shard_guide *guide;

		KUNIT_ASSERT_NOT_NULL(test, b);
		for (i = 0; i < 255; i++)
			shard_guide_add(b, 2 * i + (i < first ? 0 : far), 1);
		shard_guide_add_leaf(b, 0, 0, 1);
		guide = shard_guide_end(b);
		KUNIT_ASSERT_NOT_NULL(test, guide);
		for (i = 0; i < 255; i++) {
			u64 lba = 2 * i + (i < first ? 0 : far);

			KUNIT_EXPECT_TRUE(test, shard_guide_knows(guide, lba, 1,
								  map));
			KUNIT_EXPECT_FALSE(test, shard_guide_knows(guide, lba + 1,
								   1, map));
		}
		KUNIT_EXPECT_FALSE(test, shard_guide_knows(guide, far / 2, 8, map));
		KUNIT_EXPECT_FALSE(test, shard_guide_knows(guide, far - 8, 8, map));
		KUNIT_EXPECT_FALSE(test, shard_guide_knows(guide, 2 * far, 8, map));
		shard_guide_destroy(guide);
	}
}

/*
 * Goal: nonsense has no guide: it would lead elsewhere than the pages do.
 * Method: leaves, pages and entries that go back.
 */
static void what_is_out_of_order_has_no_guide(struct kunit *test)
{
	struct shard_guide_builder *b;
	u32 round;

	for (round = 0; round < 4; round++) {
		b = shard_guide_begin(true);
		KUNIT_ASSERT_NOT_NULL(test, b);
		shard_guide_add(b, 20, 10);
		shard_guide_add(b, round == 3 ? 29 : 30, 1);
		shard_guide_add_leaf(b, round == 2 ? 21 : 20, 7, 1);
		shard_guide_add(b, 40, 1);
		shard_guide_add_leaf(b, round == 0 ? 20 : 40,
				     round == 1 ? 7 : 8, 1);
		KUNIT_EXPECT_NULL(test, shard_guide_end(b));
	}
}

/*
 * Goal: blocks that no device has are nonsense, too: the code has no numbers
 * that long.
 * Method: a leaf of many blocks close together, and one that is very far away;
 * leaves that begin there.
 */
static void blocks_that_no_device_has_have_no_guide(struct kunit *test)
{
	struct shard_guide_builder *b = shard_guide_begin(true);
	u32 i;

	KUNIT_ASSERT_NOT_NULL(test, b);
	for (i = 0; i < 40; i++)
		shard_guide_add(b, 2 * i, 1);
	shard_guide_add(b, BIT_ULL(63), 1);
	shard_guide_add_leaf(b, 0, 0, 1);
	KUNIT_EXPECT_NULL(test, shard_guide_end(b));

	b = shard_guide_begin(false);
	KUNIT_ASSERT_NOT_NULL(test, b);
	shard_guide_add_leaf(b, 0, 0, 1);
	shard_guide_add_leaf(b, SHARDBLK_LOGICAL_BLOCKS_MAX, 1, 1);
	KUNIT_EXPECT_NULL(test, shard_guide_end(b));
}

/*
 * Goal: without memory there is no guide, or one all the same, and nothing leaks;
 * for nothing there is none.
 * Method: let each allocation fail in turn, which kvmalloc() may hide; note
 * nothing.
 */
static void without_memory_there_is_no_guide(struct kunit *test)
{
	struct shard_guide *guide = NULL;
	bool struck = true;
	u32 n;

	for (n = 1; n < ALLOC_FAULT_MAX && struck; n++) {
		struct shard_guide_builder *b;

		shard_guide_destroy(guide);
		guide = NULL;
		alloc_fault_arm(n);
		b = shard_guide_begin(true);
		if (b) {
			shard_guide_add(b, 1, 1);
			shard_guide_add_leaf(b, 1, 0, 1);
			guide = shard_guide_end(b);
		}
		struck = alloc_fault_disarm();
	}
	KUNIT_EXPECT_NOT_NULL(test, guide);
	shard_guide_destroy(guide);
	KUNIT_EXPECT_NULL(test, shard_guide_end(shard_guide_begin(true)));
}

/*
 * Goal: a leaf may have no entries that were noted, and not more than there is
 * room for.
 * Method: one without, one with as many as there may be, and one more.
 */
static void a_leaf_has_none_to_many_entries(struct kunit *test)
{
	u32 nr, i;

	for (nr = 254; nr <= 256; nr++) {
		struct shard_guide_builder *b = shard_guide_begin(true);
		struct shard_guide *guide;

		KUNIT_ASSERT_NOT_NULL(test, b);
		shard_guide_add_leaf(b, 1, 0, 1);
		for (i = 0; i < nr; i++)
			shard_guide_add(b, 10 + 2 * i, 1);
		shard_guide_add_leaf(b, 10, 1, 2);
		guide = shard_guide_end(b);
		KUNIT_EXPECT_EQ(test, !!guide, nr < 256);
		shard_guide_destroy(guide);
	}
}

static struct kunit_case guide_cases[] = {
	KUNIT_CASE(a_guide_leads_to_the_leaf),
	KUNIT_CASE(a_guide_knows_what_was_noted),
	KUNIT_CASE(entries_may_be_long_and_far_apart),
	KUNIT_CASE(entries_may_lie_close_and_far_away),
	KUNIT_CASE(what_is_out_of_order_has_no_guide),
	KUNIT_CASE(blocks_that_no_device_has_have_no_guide),
	KUNIT_CASE(without_memory_there_is_no_guide),
	KUNIT_CASE(a_leaf_has_none_to_many_entries),
	{}
};

static struct kunit_suite guide_suite = {
	.name = "shardblk-guide",
	.test_cases = guide_cases,
};

kunit_test_suites(&guide_suite);
