// SPDX-License-Identifier: GPL-2.0-only
/*
 * Layout: how the space of a device is divided.
 */
#include <kunit/test.h>

#include "../kmod/core/layout.h"

/*
 * Goal: sizes of what has to fit are worked out right.
 * Method: figures by hand, around each step.
 */
static void sizes_are_as_worked_out_by_hand(struct kunit *test)
{
	/* one header per 255 payload blocks, or part of them */
	KUNIT_EXPECT_EQ(test, shard_extent_payload(4096, 16), 15u);
	KUNIT_EXPECT_EQ(test, shard_extent_payload(4096, 256), 255u);
	KUNIT_EXPECT_EQ(test, shard_extent_payload(4096, 512), 510u);
	KUNIT_EXPECT_EQ(test, shard_extent_payload(4096, 65536), 65280u);
	/* a header of 512 bytes holds 108 checksums and no more */
	KUNIT_EXPECT_EQ(test, shard_frame_payload(512, 2048), 108u);
	KUNIT_EXPECT_TRUE(test, shard_frame_fits(512, 1, 108));
	KUNIT_EXPECT_FALSE(test, shard_frame_fits(512, 1, 109));
	KUNIT_EXPECT_EQ(test, shard_extent_payload(512, 218), 216u);
	KUNIT_EXPECT_EQ(test, shard_frame_payload(512, 16), 15u);
	/* and 22 entries of one block each */
	KUNIT_EXPECT_EQ(test, shard_extent_singles(512, 16), 15u);
	KUNIT_EXPECT_EQ(test, shard_extent_singles(512, 64), 61u);
	KUNIT_EXPECT_EQ(test, shard_extent_singles(4096, 256), 254u);
	/* pages come in frames of up to 64 */
	KUNIT_EXPECT_EQ(test, shard_extent_pages(512, 16), 15u);
	KUNIT_EXPECT_EQ(test, shard_extent_pages(4096, 256), 252u);
	KUNIT_EXPECT_EQ(test, shard_extent_pages(512, 2048), 2016u);
	/* 17 single blocks to a leaf of 512 bytes, 30 children to a page */
	KUNIT_EXPECT_EQ(test, shard_run_pages_max(512, 0), 1ull);
	KUNIT_EXPECT_EQ(test, shard_run_pages_max(512, 17), 1ull);
	KUNIT_EXPECT_EQ(test, shard_run_pages_max(512, 18), 3ull);
	KUNIT_EXPECT_EQ(test, shard_run_pages_max(512, 64), 5ull);
	KUNIT_EXPECT_EQ(test, shard_run_pages_max(512, 511), 34ull);
	KUNIT_EXPECT_EQ(test, shard_run_pages_max(4096, 145 * 254 + 1),
			255ull + 2 + 1);
}

/*
 * Goal: the largest request leaves at most a sixteenth of an extent empty, and
 * is as large as it may be.
 * Method: extents of 1 MiB and more; where the header is the limit; small ones.
 */
static void the_largest_request_is_a_part_of_an_extent(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, shard_request_payload(4096, 256), 16u);
	KUNIT_EXPECT_EQ(test, shard_request_payload(4096, 512), 32u);
	KUNIT_EXPECT_EQ(test, shard_request_payload(4096, 2048), 128u);
	KUNIT_EXPECT_EQ(test, shard_request_payload(4096, 65536), 255u);
	/* a header of 512 bytes has no room for more */
	KUNIT_EXPECT_EQ(test, shard_request_payload(512, 2048), 108u);
	KUNIT_EXPECT_EQ(test, shard_request_payload(512, 1u << 19), 108u);
	/* all of the extent, where that is not more than 64 KiB */
	KUNIT_EXPECT_EQ(test, shard_request_payload(512, 64), 63u);
	KUNIT_EXPECT_EQ(test, shard_request_payload(4096, 16), 15u);
	KUNIT_EXPECT_EQ(test, shard_request_payload(4096, 64), 16u);
}

/*
 * Goal: every extent has one purpose, and what the device promises fits.
 * Method: small and large devices; the parts must add up.
 */
static void a_layout_divides_all_extents(struct kunit *test)
{
	static const struct shard_layout given[] = {
		{ 512, 16, 64, 64 },
		{ 512, 16, 1000, 8000 },
		{ 4096, 256, 1024, 200000 },
		{ 4096, 65536, 4u << 20, 200ull << 30 },
	};
	u32 i;

	for (i = 0; i < ARRAY_SIZE(given); i++) {
		struct shard_layout l = given[i];
		u64 usable = shard_layout_make(&l);

		KUNIT_EXPECT_GE(test, usable, l.logical_blocks);
		KUNIT_EXPECT_EQ(test, SHARDBLK_SUPER_EXTENTS + l.meta_extents +
				l.index_extents + l.merge_extents +
				l.reloc_extents + l.discard_extents +
				l.host_extents,
				l.nr_extents);
		KUNIT_EXPECT_EQ(test, usable, (u64)(l.host_extents -
				l.head_extents) *
				shard_extent_singles(l.block_size, l.extent_blocks));
		/* old and new run, full */
		KUNIT_EXPECT_GE(test, (u64)l.merge_extents *
				shard_extent_payload(l.block_size, l.extent_blocks),
				2 * shard_run_pages_max(l.block_size,
							l.logical_blocks));
	}
}

/*
 * Goal: what checkpoints write is bounded by the memtable, however large the device.
 * Method: 16 and 32 TiB.
 */
static void runs_of_checkpoints_do_not_grow_with_the_device(struct kunit *test)
{
	struct shard_layout l[2];
	u32 i;

	for (i = 0; i < ARRAY_SIZE(l); i++) {
		l[i] = (struct shard_layout){
			.block_size = 4096, .extent_blocks = 4096,
			.logical_blocks = 1ull << (32 + i),
			.nr_extents = 1300000u << i,
		};
		KUNIT_ASSERT_GT(test, shard_layout_make(&l[i]), 0ull);
	}
	KUNIT_EXPECT_EQ(test, l[0].index_extents, l[1].index_extents);
	/* old and new, of a full memtable of single blocks */
	KUNIT_EXPECT_GE(test, (u64)l[0].index_extents *
			shard_extent_pages(4096, 4096),
			2ull * SHARD_MEMTABLE_ENTRIES_MAX / 145);
	KUNIT_EXPECT_LT(test, l[0].merge_extents, l[1].merge_extents);
}

/*
 * Goal: a device whose extents do not suffice for the reserves is refused.
 * Method: the fewest extents that do, and one less.
 */
static void too_few_extents_give_no_layout(struct kunit *test)
{
	struct shard_layout l = {
		.block_size = 512, .extent_blocks = 16, .logical_blocks = 1,
	};

	for (l.nr_extents = 5; l.nr_extents < 64; l.nr_extents++)
		if (shard_layout_make(&l))
			break;
	KUNIT_EXPECT_EQ(test, l.host_extents, l.head_extents + 1);
	l.nr_extents--;
	KUNIT_EXPECT_EQ(test, shard_layout_make(&l), 0ull);
}

/*
 * Goal: a layout whose manifest is so long that records have no room for it
 * beside the log is told from one that works; the room that is left grows with
 * the manifest.
 * Method: small extents, more and more of them.
 */
static void a_manifest_too_long_for_records_is_refused(struct kunit *test)
{
	static const struct {
		struct shard_layout given;
		u32 meta, relist, slack;
		bool valid;
	} layouts[] = {
		{ { 512, 16, 64, 64 }, 4, 3, 6, true },
		{ { 512, 16, 250, 1000 }, 10, 7, 10, true },
		{ { 512, 16, 400, 1000 }, 14, 9, 12, false },
		{ { 512, 16, 1000, 8000 }, 26, 15, 18, false },
		{ { 4096, 16, 1000, 8000 }, 4, 3, 6, true },
	};
	u32 i;

	for (i = 0; i < ARRAY_SIZE(layouts); i++) {
		struct shard_layout l = layouts[i].given;

		KUNIT_ASSERT_GT(test, shard_layout_make(&l), 0ull);
		KUNIT_EXPECT_EQ(test, l.meta_extents, layouts[i].meta);
		KUNIT_EXPECT_EQ(test, l.record_relist, layouts[i].relist);
		KUNIT_EXPECT_EQ(test, l.record_slack, layouts[i].slack);
		KUNIT_EXPECT_EQ(test, shard_layout_valid(&l),
				layouts[i].valid);
	}
}

/*
 * Goal: a device is not so large that the pages of its longest run have no
 * numbers.
 * Method: extents of 256 MiB, more and more of them; a page has at most 145 entries
 * of one block, and 254 children.
 */
static void runs_have_at_most_so_many_pages(struct kunit *test)
{
	struct shard_layout l = { 4096, 65536, 0, SHARDBLK_LOGICAL_BLOCKS_MAX };
	const u64 leaves = div_u64((u64)U32_MAX * 253, 254);
	const u32 most = div_u64(leaves * 145, l.extent_blocks);

	l.nr_extents = most - 10;
	KUNIT_ASSERT_GT(test, shard_layout_make(&l), 0ull);
	KUNIT_EXPECT_TRUE(test, shard_layout_valid(&l));
	l.nr_extents = most + 10;
	KUNIT_ASSERT_GT(test, shard_layout_make(&l), 0ull);
	KUNIT_EXPECT_FALSE(test, shard_layout_valid(&l));
}

/*
 * Goal: nor has it more extents than one allocation has room for.
 * Method: extents so large that nothing else refuses it.
 */
static void extents_are_not_more_than_memory_for_them(struct kunit *test)
{
	struct shard_layout l = { 4096, 65536, SHARD_LAYOUT_EXTENTS_MAX, BIT(30) };

	KUNIT_ASSERT_GT(test, shard_layout_make(&l), 0ull);
	KUNIT_EXPECT_TRUE(test, shard_layout_valid(&l));
	l.nr_extents++;
	KUNIT_ASSERT_GT(test, shard_layout_make(&l), 0ull);
	KUNIT_EXPECT_FALSE(test, shard_layout_valid(&l));
}

static struct kunit_case layout_cases[] = {
	KUNIT_CASE(sizes_are_as_worked_out_by_hand),
	KUNIT_CASE(the_largest_request_is_a_part_of_an_extent),
	KUNIT_CASE(a_layout_divides_all_extents),
	KUNIT_CASE(runs_of_checkpoints_do_not_grow_with_the_device),
	KUNIT_CASE(too_few_extents_give_no_layout),
	KUNIT_CASE(a_manifest_too_long_for_records_is_refused),
	KUNIT_CASE(runs_have_at_most_so_many_pages),
	KUNIT_CASE(extents_are_not_more_than_memory_for_them),
	{}
};

static struct kunit_suite layout_suite = {
	.name = "shardblk-layout",
	.test_cases = layout_cases,
};

kunit_test_suites(&layout_suite);
