// SPDX-License-Identifier: GPL-2.0-only
/*
 * Extents that failed, and another try for them.
 */
#include <kunit/test.h>

#include "testdev.h"
#include "../kmod/core/bad.h"
#include "../kmod/core/device.h"

#define HOST	SHARDBLK_STREAM_HOST
#define INDEX	SHARDBLK_STREAM_INDEX

static enum shard_extent_state state(struct shard_extents *ex, u32 nr)
{
	struct shard_extent e;

	shard_extent_get(ex, nr, &e);
	return e.state;
}

/* Gives a stream an open extent, as if a record had done so. */
static u32 open_extent(struct kunit *test, struct shard_extents *ex, u32 stream)
{
	u32 nr = 0;

	shard_extents_want(ex, stream, true);
	KUNIT_ASSERT_EQ(test, shard_extents_pick(ex, TESTDEV_EXTENTS, false,
						 &nr, 1), 1u);
	shard_extents_want(ex, stream, false);
	shard_extent_ready(ex, nr);
	KUNIT_ASSERT_TRUE(test, shard_extents_next(ex, stream));
	return nr;
}

/*
 * Goal: an extent that failed keeps what is live in it, and is bad when that is
 * gone: not free, not assigned again, the host's loss, and remembered by a start.
 * Method: one with live blocks, one that could not even be reset; then another
 * try.
 */
static void what_failed_is_not_assigned_again(struct kunit *test)
{
	struct shard_layout layout = {
		.block_size = TESTDEV_BLOCK, .logical_blocks = TESTDEV_BLOCKS,
		.extent_blocks = TESTDEV_EXTENT_BLOCKS,
		.nr_extents = TESTDEV_EXTENTS,
	};
	u32 nr, nr_free, other = 0, retired, i;
	struct shard_extents *ex;
	struct shard_place at;

	KUNIT_ASSERT_GT(test, shard_layout_make(&layout), 0ull);
	ex = shard_extents_create(&layout);
	KUNIT_ASSERT_NOT_NULL(test, ex);
	nr = open_extent(test, ex, INDEX);
	nr_free = shard_extents_nr_free(ex);
	KUNIT_ASSERT_TRUE(test, shard_extents_place(ex, INDEX, 3, 0, &at));
	shard_extent_bad(ex, nr);
	KUNIT_EXPECT_EQ(test, state(ex, nr), SHARD_EXTENT_SEALED);
	shard_extent_try(ex, nr);
	KUNIT_EXPECT_EQ(test, shard_extents_retire(ex, BIT(INDEX), NULL,
						   BIT(INDEX), 0, &retired, 1), 1u);
	shard_extent_free(ex, nr);
	KUNIT_EXPECT_EQ(test, state(ex, nr), SHARD_EXTENT_BAD);
	KUNIT_EXPECT_EQ(test, shard_extents_nr_used(ex, INDEX), 0u);

	shard_extents_want(ex, HOST, true);
	KUNIT_EXPECT_EQ(test, shard_extents_pick(ex, TESTDEV_EXTENTS, false,
						 &other, 1), 1u);
	shard_extent_bad(ex, other);
	KUNIT_EXPECT_EQ(test, state(ex, other), SHARD_EXTENT_BAD);
	KUNIT_EXPECT_EQ(test, shard_extents_named(ex), 2u);
	KUNIT_EXPECT_EQ(test, shard_extents_nr_bad(ex), 2u);
	KUNIT_EXPECT_EQ(test, shard_extents_nr_free(ex), nr_free - 1);

	/* all that the host may have */
	for (i = 0; i < layout.host_extents + layout.reloc_extents - 4; i++)
		KUNIT_EXPECT_NE(test, open_extent(test, ex, HOST), nr);
	KUNIT_EXPECT_TRUE(test, shard_extents_starved(ex, HOST));
	shard_extent_try(ex, nr);
	KUNIT_EXPECT_FALSE(test, shard_extents_starved(ex, HOST));
	KUNIT_EXPECT_EQ(test, shard_extents_nr_bad(ex), 1u);
	shard_extents_destroy(ex);
}

static u32 nr_bad(struct testdev *dev)
{
	struct shard_info info;

	shard_device_info(dev->device, &info);
	return info.bad_extents;
}

/* Writes until nothing lives in the first extents any more. */
static void write_all(struct testdev *dev, u8 fill)
{
	u32 lba;

	for (lba = 0; lba < TESTDEV_BLOCKS; lba += 8)
		KUNIT_EXPECT_EQ(dev->test, testdev_write(dev, lba, 8, fill), 0);
	KUNIT_EXPECT_EQ(dev->test, shard_device_checkpoint(dev->device), 0);
	KUNIT_EXPECT_EQ(dev->test, shard_device_compact(dev->device), 0);
}

/* Starts so that bad extents are tried, of which the first one fails again. */
static void try_but_fail_once(struct testdev *dev)
{
	KUNIT_EXPECT_EQ(dev->test, testdev_close(dev), 0);
	dev->options.retry_bad = true;
	/* beside records, that is the first to be written */
	fake_fail(dev->fake, SHARD_IO_APPEND, -EIO, 1);
	dev->fake->faults[SHARD_IO_APPEND].from = SHARDBLK_SUPER_EXTENTS *
				TESTDEV_EXTENT_BLOCKS * TESTDEV_BLOCK;
	KUNIT_ASSERT_EQ(dev->test, testdev_open(dev), 0);
	KUNIT_EXPECT_EQ(dev->test, nr_bad(dev), 1u);
}

/*
 * Goal: an extent that failed is bad for good, unless an operator wants it to be
 * tried and it can be written.
 * Method: fail one append; restart; try while it still fails, and when it does
 * not.
 */
static void a_bad_extent_is_given_another_try_on_request(struct kunit *test)
{
	struct testdev *dev = testdev_create(test, true, false);

	write_all(dev, 1);
	fake_fail(dev->fake, SHARD_IO_APPEND, -EIO, 1);
	KUNIT_EXPECT_EQ(test, testdev_write(dev, 0, 1, 9), 0);
	KUNIT_EXPECT_EQ(test, nr_bad(dev), 1u);
	write_all(dev, 2);
	write_all(dev, 3);
	testdev_restart(dev);
	KUNIT_EXPECT_EQ(test, nr_bad(dev), 1u);

	try_but_fail_once(dev);
	KUNIT_EXPECT_EQ(test, testdev_close(dev), 0);
	KUNIT_ASSERT_EQ(test, testdev_open(dev), 0);
	KUNIT_EXPECT_EQ(test, nr_bad(dev), 0u);
	KUNIT_EXPECT_EQ(test, shard_device_checkpoint(dev->device), 0);
	dev->options.retry_bad = false;
	testdev_restart(dev);
	KUNIT_EXPECT_EQ(test, nr_bad(dev), 0u);
	testdev_expect(dev, 0, 1, 3);
	testdev_destroy(dev);
}

/*
 * Goal: each bad extent is tried, whatever came of those before it.
 * Method: two; the first one that is tried still fails.
 */
static void each_bad_extent_is_tried(struct kunit *test)
{
	struct testdev *dev = testdev_create(test, true, false);
	u32 i;

	for (i = 1; i <= 2; i++) {
		write_all(dev, i);
		fake_fail(dev->fake, SHARD_IO_APPEND, -EIO, 1);
		KUNIT_EXPECT_EQ(test, testdev_write(dev, 0, 1, 9), 0);
	}
	write_all(dev, 3);
	write_all(dev, 4);
	try_but_fail_once(dev);
	testdev_expect(dev, 0, 1, 4);
	testdev_destroy(dev);
}

/*
 * Goal: a block of the superblock that can be neither read nor written stops no
 * start, as one copy suffices.
 * Method: one that no record was ever in; the third append of a start, behind its
 * record's two copies, wipes it.  Twice, with the power cut in between.
 */
static void a_superblock_that_cannot_be_wiped_stops_no_start(struct kunit *test)
{
	struct testdev *dev = testdev_create(test, true, false);
	u32 i;

	KUNIT_EXPECT_EQ(test, testdev_write(dev, 0, 2, 7), 0);
	KUNIT_EXPECT_EQ(test, testdev_flush(dev), 0);
	dev->fake->bad_offset = 9 * TESTDEV_BLOCK;
	for (i = 0; i < 2; i++) {
		testdev_crash(dev);
		fake_fail(dev->fake, SHARD_IO_APPEND, -EIO, 1);
		dev->fake->faults[SHARD_IO_APPEND].skip = 2;
		KUNIT_ASSERT_EQ(test, testdev_open(dev), 0);
		/* it was the wipe that failed */
		KUNIT_EXPECT_EQ(test, dev->fake->faults[SHARD_IO_APPEND].error, 0);
		testdev_expect(dev, 0, 2, 7);
		KUNIT_EXPECT_EQ(test, testdev_write(dev, 2, 1, 9), 0);
		KUNIT_EXPECT_EQ(test, testdev_flush(dev), 0);
		KUNIT_EXPECT_EQ(test, nr_bad(dev), 0u);
	}
	KUNIT_EXPECT_EQ(test, testdev_close(dev), 0);
	dev->fake->bad_offset = U64_MAX;
	KUNIT_ASSERT_EQ(test, testdev_open(dev), 0);
	testdev_expect(dev, 0, 2, 7);
	testdev_expect(dev, 2, 1, 9);
	testdev_destroy(dev);
}

/* The first byte behind all extents of manifests. */
static u64 behind_manifests(struct testdev *dev)
{
	struct shard_extent e;
	u32 nr, last = 0;

	for (nr = SHARDBLK_SUPER_EXTENTS; nr < TESTDEV_EXTENTS; nr++) {
		shard_extent_get(dev->device->store.ex, nr, &e);
		if (e.state != SHARD_EXTENT_FREE &&
		    BIT(e.stream) & SHARD_META_STREAMS)
			last = nr;
	}
	return (last + 1) * TESTDEV_EXTENT_BLOCKS * TESTDEV_BLOCK;
}

/*
 * Goal: a write that is given up makes the device read-only, but the extents that
 * it could not be written to are known to be bad by the next start, which gets by
 * without them.
 * Method: more extents in a row than a write is tried in cannot be written; a power
 * cut; write again.
 */
static void what_a_given_up_write_found_bad_is_not_forgotten(struct kunit *test)
{
	struct testdev *dev = testdev_create(test, true, false);
	struct fake_fault *fault = &dev->fake->faults[SHARD_IO_APPEND];
	u32 lba = 0;

	KUNIT_EXPECT_EQ(test, testdev_write(dev, 0, 8, 1), 0);
	KUNIT_EXPECT_EQ(test, shard_device_checkpoint(dev->device), 0);
	fake_fail(dev->fake, SHARD_IO_APPEND, -EIO, 0);
	fault->from = behind_manifests(dev);
	fault->to = fault->from + (SHARD_FRAME_TRIES + 2) *
				  TESTDEV_EXTENT_BLOCKS * TESTDEV_BLOCK;
	while (!testdev_write(dev, lba, 8, 2) && lba < TESTDEV_BLOCKS - 8)
		lba += 8;
	KUNIT_EXPECT_EQ(test, shard_device_state(dev->device),
			SHARD_STATE_READ_ONLY);
	KUNIT_EXPECT_EQ(test, nr_bad(dev), SHARD_FRAME_TRIES);
	testdev_crash(dev);
	KUNIT_ASSERT_EQ(test, testdev_open(dev), 0);
	KUNIT_EXPECT_EQ(test, nr_bad(dev), SHARD_FRAME_TRIES);
	for (; lba < TESTDEV_BLOCKS; lba += 8)
		KUNIT_EXPECT_EQ(test, testdev_write(dev, lba, 8, 3), 0);
	KUNIT_EXPECT_EQ(test, nr_bad(dev), SHARD_FRAME_TRIES + 2);
	testdev_expect(dev, TESTDEV_BLOCKS - 8, 8, 3);
	testdev_destroy(dev);
}

static struct kunit_case bad_cases[] = {
	KUNIT_CASE(what_failed_is_not_assigned_again),
	KUNIT_CASE(a_bad_extent_is_given_another_try_on_request),
	KUNIT_CASE(each_bad_extent_is_tried),
	KUNIT_CASE(what_a_given_up_write_found_bad_is_not_forgotten),
	KUNIT_CASE(a_superblock_that_cannot_be_wiped_stops_no_start),
	{}
};

static struct kunit_suite bad_suite = {
	.name = "shardblk-bad",
	.test_cases = bad_cases,
};

kunit_test_suites(&bad_suite);
