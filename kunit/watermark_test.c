// SPDX-License-Identifier: GPL-2.0-only
/*
 * Watermarks: how much can still be written, and when little is left.
 */
#include <kunit/test.h>

#include "testdev.h"

/* More than there is room for: all extents. */
#define THIN_BLOCKS	(TESTDEV_EXTENTS * TESTDEV_EXTENT_BLOCKS)

static int watermark_init(struct kunit *test)
{
	struct testdev *dev = testdev_create(test, true, false);

	test->priv = dev;
	KUNIT_ASSERT_EQ(test, testdev_close(dev), 0);
	dev->format.logical_size = (u64)THIN_BLOCKS * TESTDEV_BLOCK;
	dev->format.thin = true;
	KUNIT_ASSERT_EQ(test, testdev_format(dev), 0);
	KUNIT_ASSERT_EQ(test, testdev_open(dev), 0);
	return 0;
}

static void watermark_exit(struct kunit *test)
{
	testdev_destroy(test->priv);
}

static const struct shard_info *info_of(struct testdev *dev)
{
	struct shard_info *info = kunit_kzalloc(dev->test, sizeof(*info),
						GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(dev->test, info);
	shard_device_info(dev->device, info);
	return info;
}

/* Writes blocks one by one until that fails or @nr are written. */
static u32 write_singles(struct testdev *dev, u32 first, u32 nr)
{
	u32 i;

	for (i = 0; i < nr; i++) {
		int err = testdev_write(dev, first + i, 1, 1 + i % 200);

		if (err) {
			KUNIT_EXPECT_EQ(dev->test, err, -ENOSPC);
			break;
		}
	}
	return i;
}

static void settle(struct testdev *dev)
{
	KUNIT_ASSERT_EQ(dev->test, shard_device_checkpoint(dev->device), 0);
	KUNIT_ASSERT_EQ(dev->test, shard_device_compact(dev->device), 0);
}

/*
 * Goal: as much as is guaranteed can be written, in the smallest requests, and
 * that is nearly all; of a full device nothing is guaranteed.
 * Method: write blocks one by one, each durable by itself, until one fails.
 */
static void what_is_guaranteed_can_be_written(struct kunit *test)
{
	struct testdev *dev = test->priv;
	const struct shard_info *info = info_of(dev);
	u64 guaranteed = info->free_guaranteed;
	u32 nr;

	KUNIT_EXPECT_TRUE(test, info->thin);
	KUNIT_EXPECT_GT(test, guaranteed, (u64)THIN_BLOCKS / 4);
	KUNIT_EXPECT_GE(test, info->free_estimate, guaranteed);
	nr = write_singles(dev, 0, THIN_BLOCKS);
	KUNIT_EXPECT_GE(test, (u64)nr, guaranteed);
	KUNIT_EXPECT_LE(test, (u64)nr, guaranteed + 4 * TESTDEV_EXTENT_BLOCKS);
	KUNIT_EXPECT_EQ(test, shard_device_state(dev->device),
			SHARD_STATE_FULL);
	KUNIT_EXPECT_EQ(test, info_of(dev)->free_guaranteed, 0ull);
}

/*
 * Goal: what is written is taken at once, what is overwritten is given back by
 * the checkpoints and merges that find it; a start knows what it was.
 * Method: write, overwrite, discard.
 */
static void only_what_is_live_takes_space(struct kunit *test)
{
	struct testdev *dev = test->priv;
	u64 empty = info_of(dev)->free_guaranteed, estimate;
	u32 i;

	write_singles(dev, 100, 50);
	/* what is under way when a memtable is frozen counts in both for a while */
	KUNIT_EXPECT_LE(test, info_of(dev)->free_guaranteed, empty - 50);
	settle(dev);
	KUNIT_EXPECT_EQ(test, info_of(dev)->free_guaranteed, empty - 50);
	for (i = 0; i < 5; i++)
		write_singles(dev, 100, 50);
	KUNIT_EXPECT_LT(test, info_of(dev)->free_guaranteed, empty - 50);
	settle(dev);
	KUNIT_EXPECT_EQ(test, info_of(dev)->free_guaranteed, empty - 50);
	estimate = info_of(dev)->free_estimate;
	write_singles(dev, 300, 10);
	testdev_restart(dev);
	KUNIT_EXPECT_LE(test, info_of(dev)->free_guaranteed, empty - 60);
	KUNIT_EXPECT_EQ(test, info_of(dev)->free_estimate, estimate);
	settle(dev);
	KUNIT_EXPECT_EQ(test, info_of(dev)->free_guaranteed, empty - 60);
	KUNIT_EXPECT_EQ(test, info_of(dev)->free_estimate, estimate - 10);
	KUNIT_EXPECT_EQ(test, testdev_discard(dev, 0, THIN_BLOCKS), 0);
	settle(dev);
	KUNIT_EXPECT_EQ(test, info_of(dev)->free_guaranteed, empty);
}

/*
 * Goal: a device with less than the mark says so once, and once that it has
 * more again, when it has a quarter more.
 * Method: the mark is 10 per cent: leave 14, 8 and 7; then 12, and 16.  What is
 * being moved may count twice for a while, up to an extent.
 */
static void little_space_is_told_once_each_way(struct kunit *test)
{
	struct testdev *dev = test->priv;
	u32 total = info_of(dev)->free_estimate;
	u32 nr = total * 86 / 100;

	KUNIT_EXPECT_EQ(test, info_of(dev)->low_watermark, 10u);
	KUNIT_ASSERT_EQ(test, write_singles(dev, 0, nr), nr);
	settle(dev);
	KUNIT_EXPECT_EQ(test, dev->nr_lows, 0u);
	KUNIT_EXPECT_FALSE(test, shard_device_space_low(dev->device));

	write_singles(dev, nr, total * 6 / 100);
	settle(dev);
	KUNIT_EXPECT_EQ(test, dev->nr_lows, 1u);
	KUNIT_EXPECT_TRUE(test, shard_device_space_low(dev->device));
	KUNIT_EXPECT_TRUE(test, info_of(dev)->space_low);
	write_singles(dev, total * 92 / 100, total / 100);
	settle(dev);
	KUNIT_EXPECT_EQ(test, dev->nr_lows, 1u);

	KUNIT_EXPECT_EQ(test, testdev_discard(dev, 0, total * 5 / 100), 0);
	settle(dev);
	KUNIT_EXPECT_EQ(test, dev->nr_enoughs, 0u);
	KUNIT_EXPECT_TRUE(test, shard_device_space_low(dev->device));
	KUNIT_EXPECT_EQ(test, testdev_discard(dev, 0, total * 9 / 100), 0);
	settle(dev);
	KUNIT_EXPECT_EQ(test, dev->nr_enoughs, 1u);
	KUNIT_EXPECT_EQ(test, dev->nr_lows, 1u);
	KUNIT_EXPECT_FALSE(test, shard_device_space_low(dev->device));
}

/*
 * Goal: no device is full before it has said that little is left; who hears that
 * it is full, and asks, hears that, too.
 * Method: the lowest mark there is, and requests as large as may be, so that the
 * state changes between two checkpoints; then no mark.
 */
static void a_full_device_has_little_space(struct kunit *test)
{
	struct testdev *dev = test->priv;
	u32 max = info_of(dev)->request_blocks_max, lba = 0;

	shard_device_set_watermark(dev->device, 1);
	while (!testdev_write(dev, lba, max, 1))
		lba += max;
	KUNIT_EXPECT_EQ(test, shard_device_state(dev->device),
			SHARD_STATE_FULL);
	KUNIT_EXPECT_EQ(test, dev->nr_lows, 1u);
	KUNIT_EXPECT_TRUE(test, shard_device_space_low(dev->device));
	KUNIT_EXPECT_EQ(test, dev->nr_states, 1u);
	KUNIT_EXPECT_TRUE(test, dev->low_then);
	shard_device_set_watermark(dev->device, 0);
	KUNIT_EXPECT_FALSE(test, shard_device_space_low(dev->device));
}

/*
 * Goal: the mark is what was said, or 10 for a device that is thin and none for
 * another; a new one holds at once, and none is never crossed.
 * Method: set it below and above what is left; try what is out of range.
 */
static void a_mark_holds_at_once(struct kunit *test)
{
	struct testdev *dev = test->priv;
	u64 total = info_of(dev)->free_estimate;

	write_singles(dev, 0, total * 7 / 10);
	settle(dev);
	shard_device_set_watermark(dev->device, 20);
	KUNIT_EXPECT_EQ(test, dev->nr_lows, 0u);
	shard_device_set_watermark(dev->device, 40);
	KUNIT_EXPECT_EQ(test, dev->nr_lows, 1u);
	KUNIT_EXPECT_EQ(test, info_of(dev)->low_watermark, 40u);
	shard_device_set_watermark(dev->device, 0);
	KUNIT_EXPECT_EQ(test, dev->nr_enoughs, 1u);
	shard_device_set_watermark(dev->device, SHARD_WATERMARK_MAX + 1);
	KUNIT_EXPECT_EQ(test, info_of(dev)->low_watermark, SHARD_WATERMARK_MAX);

	KUNIT_ASSERT_EQ(test, testdev_close(dev), 0);
	dev->options.low_watermark = SHARD_WATERMARK_MAX + 1;
	KUNIT_EXPECT_EQ(test, testdev_open(dev), -EINVAL);
	dev->options.low_watermark = 35;
	KUNIT_ASSERT_EQ(test, testdev_open(dev), 0);
	KUNIT_EXPECT_TRUE(test, shard_device_space_low(dev->device));

	KUNIT_ASSERT_EQ(test, testdev_close(dev), 0);
	dev->options.low_watermark = 0;
	dev->format.logical_size = TESTDEV_BLOCKS * TESTDEV_BLOCK;
	dev->format.thin = false;
	KUNIT_ASSERT_EQ(test, testdev_format(dev), 0);
	KUNIT_ASSERT_EQ(test, testdev_open(dev), 0);
	KUNIT_EXPECT_EQ(test, info_of(dev)->low_watermark, 0u);
	KUNIT_EXPECT_GE(test, info_of(dev)->free_guaranteed, (u64)TESTDEV_BLOCKS);
}

static struct kunit_case watermark_cases[] = {
	KUNIT_CASE(what_is_guaranteed_can_be_written),
	KUNIT_CASE(only_what_is_live_takes_space),
	KUNIT_CASE(little_space_is_told_once_each_way),
	KUNIT_CASE(a_full_device_has_little_space),
	KUNIT_CASE(a_mark_holds_at_once),
	{}
};

static struct kunit_suite watermark_suite = {
	.name = "shardblk-watermark",
	.init = watermark_init,
	.exit = watermark_exit,
	.test_cases = watermark_cases,
};

kunit_test_suites(&watermark_suite);
