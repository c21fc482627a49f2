// SPDX-License-Identifier: GPL-2.0-only
/*
 * Background jobs: checkpoints and merges beside requests.
 */
#include <kunit/test.h>

#include "testdev.h"
#include "../kmod/core/device.h"

#define MEMTABLE	8u

static int background_init(struct kunit *test)
{
	struct testdev *dev = testdev_create(test, true, false);

	test->priv = dev;
	KUNIT_ASSERT_EQ(test, testdev_close(dev), 0);
	dev->options.memtable_entries = MEMTABLE;
	KUNIT_ASSERT_EQ(test, testdev_open(dev), 0);
	return 0;
}

static void background_exit(struct kunit *test)
{
	testdev_destroy(test->priv);
}

static u32 nr_runs(struct testdev *dev)
{
	struct shard_info info;

	shard_device_info(dev->device, &info);
	return info.nr_runs;
}

/* One write, and one checkpoint of it. */
static void write_run(struct testdev *dev, u64 lba, u8 fill)
{
	KUNIT_ASSERT_EQ(dev->test, testdev_write(dev, lba, 1, fill), 0);
	KUNIT_ASSERT_EQ(dev->test, shard_device_checkpoint(dev->device), 0);
}

/*
 * Goal: while a merge cannot go on, requests do, and checkpoints, until there
 * are as many runs as may be and both memtables are full; then writes wait, and
 * go on when the merge does.  Nothing is lost.
 * Method: hold a read of the merge back; write until nothing goes on any more.
 */
static void a_merge_that_hangs_stops_nothing_for_long(struct kunit *test)
{
	struct testdev *dev = test->priv;
	struct testreq *req = NULL;
	u32 nr, most = 0, i;

	for (nr = 0; nr < 3; nr++)
		write_run(dev, nr, nr + 1);
	fake_mode_set(dev->fake, FAKE_AT_ONCE);
	dev->fake->mode[SHARD_IO_READ] = FAKE_HELD;
	write_run(dev, nr, nr + 1);
	nr++;
	fake_wait_pending(dev->fake, 1);
	dev->fake->mode[SHARD_IO_READ] = FAKE_AT_ONCE;
	KUNIT_ASSERT_EQ(test, nr_runs(dev), 4u);

	for (; nr < SHARD_RUNS_MAX; nr++) {
		write_run(dev, nr, nr + 1);
		KUNIT_EXPECT_EQ(test, nr_runs(dev), nr + 1);
		for (i = 0; i <= nr; i++)
			KUNIT_EXPECT_EQ(test, testdev_read(dev, i), (int)i + 1);
	}
	/* a request may need two entries, and both memtables are still empty */
	for (i = 0; i < MEMTABLE; i++, nr++)
		KUNIT_ASSERT_EQ(test, testdev_write(dev, nr, 1, nr + 1), 0);
	KUNIT_EXPECT_EQ(test, testdev_stat(dev, compactions), 0ull);
	/* more than fits: some of these wait, and none fails */
	for (i = 0; i < 2 * MEMTABLE; i++, nr++)
		req = testdev_start(dev, SHARD_WRITE, nr, 1, nr + 1, false);
	shard_device_commit(dev->device);
	for (i = 0; i < 20; i++)
		testdev_sleep(dev);
	KUNIT_EXPECT_FALSE(test, READ_ONCE(req->done));
	KUNIT_EXPECT_EQ(test, nr_runs(dev), SHARD_RUNS_MAX);
	KUNIT_EXPECT_EQ(test, testdev_read(dev, 0), 1);

	fake_release_all(dev->fake);
	KUNIT_EXPECT_EQ(test, testreq_wait(req), 0);
	KUNIT_EXPECT_GT(test, testdev_stat(dev, compactions), 0ull);
	for (i = 0; i < nr; i++)
		KUNIT_EXPECT_EQ(test, testdev_read(dev, i), (int)i + 1);
	testdev_restart(dev);
	for (i = 0; i < nr; i++)
		KUNIT_EXPECT_EQ(test, testdev_read(dev, i), (int)i + 1);
	most = max(most, nr_runs(dev));
	KUNIT_EXPECT_LE(test, most, SHARD_RUNS_MAX);
}

/*
 * Goal: a merge on request leaves one run and changes nothing; with nothing to
 * merge it writes nothing.
 * Method: overwrite and discard through three checkpoints; merge twice.
 */
static void a_merge_on_request_leaves_one_run(struct kunit *test)
{
	struct testdev *dev = test->priv;
	u64 written;

	write_run(dev, 0, 1);
	write_run(dev, 1, 2);
	KUNIT_ASSERT_EQ(test, testdev_discard(dev, 0, 1), 0);
	KUNIT_ASSERT_EQ(test, shard_device_checkpoint(dev->device), 0);
	KUNIT_EXPECT_EQ(test, nr_runs(dev), 3u);
	KUNIT_EXPECT_EQ(test, shard_device_compact(dev->device), 0);
	KUNIT_EXPECT_EQ(test, nr_runs(dev), 1u);
	testdev_expect_holes(dev, 0, 1);
	KUNIT_EXPECT_EQ(test, testdev_read(dev, 1), 2);
	written = testdev_stat(dev, backing_writes);
	KUNIT_EXPECT_EQ(test, shard_device_compact(dev->device), 0);
	KUNIT_EXPECT_EQ(test, testdev_stat(dev, backing_writes), written);
	testdev_restart(dev);
	testdev_expect_holes(dev, 0, 1);
	KUNIT_EXPECT_EQ(test, testdev_read(dev, 1), 2);
}

/*
 * Goal: runs that cannot be merged make the device read-only, as checkpoints
 * that cannot be written do, and what can be read is read.
 * Method: all reads fail while all runs are to be merged.
 */
static void runs_that_cannot_be_merged_end_all_writes(struct kunit *test)
{
	struct testdev *dev = test->priv;

	write_run(dev, 0, 1);
	write_run(dev, 1, 2);
	fake_fail(dev->fake, SHARD_IO_READ, -EIO, 0);
	KUNIT_EXPECT_EQ(test, shard_device_compact(dev->device), -EROFS);
	KUNIT_EXPECT_EQ(test, shard_device_state(dev->device),
			SHARD_STATE_READ_ONLY);
	fake_heal(dev->fake);
	KUNIT_EXPECT_EQ(test, testdev_read(dev, 0), 1);
	KUNIT_EXPECT_EQ(test, testdev_write(dev, 0, 1, 9), -EROFS);
	KUNIT_EXPECT_EQ(test, shard_device_compact(dev->device), -EROFS);
	testdev_close(dev);
	KUNIT_ASSERT_EQ(test, testdev_open(dev), 0);
	KUNIT_EXPECT_EQ(test, testdev_read(dev, 1), 2);
	KUNIT_EXPECT_EQ(test, shard_device_compact(dev->device), 0);
}

/*
 * Goal: space that is only taken by what was overwritten is found before a
 * write fails.
 * Method: overwrite the same few blocks for much longer than there is space,
 * with no merge but the one that this asks for.
 */
static void overwritten_space_comes_back(struct kunit *test)
{
	struct testdev *dev = test->priv;
	u32 i;

	KUNIT_ASSERT_EQ(test, testdev_close(dev), 0);
	dev->options.compact_runs = SHARD_RUNS_MAX;
	dev->options.memtable_entries = 64;
	KUNIT_ASSERT_EQ(test, testdev_open(dev), 0);
	for (i = 0; i < 3 * TESTDEV_EXTENTS; i++)
		KUNIT_ASSERT_EQ(test, testdev_write(dev, i % 3, 15, i), 0);
	KUNIT_EXPECT_GT(test, testdev_stat(dev, compactions), 0ull);
	for (i = 0; i < 3; i++)
		KUNIT_EXPECT_GE(test, testdev_read(dev, i), 0);
	KUNIT_EXPECT_EQ(test, shard_device_state(dev->device),
			SHARD_STATE_READ_WRITE);
}

static u32 host_left(struct testdev *dev)
{
	struct shard_info info;

	shard_device_info(dev->device, &info);
	return info.host_extents - info.host_extents_used;
}

/*
 * Goal: what is overwritten in order is found dead by checkpoints, and never
 * moved: there is one when as much was written as there is left, not when nearly
 * all is taken.
 * Method: write an extent at a time, until a checkpoint is wanted; others may take
 * long to make it.
 */
static void a_checkpoint_comes_while_there_is_room(struct kunit *test)
{
	struct testdev *dev = testdev_create_large(test, 4096, 16);
	struct shard_device *device = dev->device;
	u32 all = host_left(dev), i;

	for (i = 0; i < all && shard_job_over(device, &device->checkpoint, 1) &&
	     !testdev_stat(dev, checkpoints); i++)
		KUNIT_ASSERT_EQ(test, testdev_write(dev, i % 8 * 15, 15, i), 0);
	KUNIT_EXPECT_GT(test, host_left(dev), all / 4);
	wait_event(device->job_ended,
		   shard_job_over(device, &device->checkpoint, 1));
	KUNIT_EXPECT_GT(test, testdev_stat(dev, checkpoints), 0ull);
	KUNIT_EXPECT_EQ(test, testdev_stat(dev, reclaimed_extents), 0ull);
	testdev_destroy(dev);
}

static struct kunit_case background_cases[] = {
	KUNIT_CASE(a_merge_that_hangs_stops_nothing_for_long),
	KUNIT_CASE(a_merge_on_request_leaves_one_run),
	KUNIT_CASE(runs_that_cannot_be_merged_end_all_writes),
	KUNIT_CASE(overwritten_space_comes_back),
	KUNIT_CASE(a_checkpoint_comes_while_there_is_room),
	{}
};

static struct kunit_suite background_suite = {
	.name = "shardblk-background",
	.init = background_init,
	.exit = background_exit,
	.test_cases = background_cases,
};

kunit_test_suites(&background_suite);
