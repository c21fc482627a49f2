// SPDX-License-Identifier: GPL-2.0-only
/*
 * What is done in idle time, and that it ends.
 */
#include <kunit/test.h>

#include "testdev.h"
#include "../kmod/core/device.h"

#define IDLE		SHARD_IDLE_MS_MIN
/* Frames of four blocks and a header: three to an extent. */
#define REQUEST		4u
#define PER_EXTENT	12u

/* A device anew whose blocks take so many extents. */
static void fresh(struct testdev *dev, u32 extents)
{
	KUNIT_ASSERT_EQ(dev->test, testdev_close(dev), 0);
	dev->format.logical_size = extents * PER_EXTENT * TESTDEV_BLOCK;
	dev->options.idle_ms = IDLE;
	KUNIT_ASSERT_EQ(dev->test, testdev_format(dev), 0);
	KUNIT_ASSERT_EQ(dev->test, testdev_open(dev), 0);
}

/* Almost as much spare space as data. */
static int idle_init(struct kunit *test)
{
	struct testdev *dev = testdev_create(test, true, false);

	test->priv = dev;
	fresh(dev, 31);
	return 0;
}

static void idle_exit(struct kunit *test)
{
	testdev_destroy(test->priv);
}

static u32 left(struct testdev *dev)
{
	struct shard_info info;

	shard_device_info(dev->device, &info);
	return info.host_extents_left;
}

static u64 nr_ops(struct testdev *dev)
{
	u64 nr = 0;
	u32 op;

	for (op = 0; op < FAKE_OPS; op++)
		nr += READ_ONCE(dev->fake->nr[op]);
	return nr;
}

/* Until all is quiet, and no timer will change that. */
static void until_at_rest(struct testdev *dev)
{
	u64 before;
	u32 i;

	for (i = 0; i < 100; i++) {
		before = nr_ops(dev);
		msleep(3 * IDLE);
		if (nr_ops(dev) == before &&
		    !delayed_work_pending(&dev->device->idle_work))
			return;
	}
	KUNIT_FAIL(dev->test, "it does not come to rest");
}

/*
 * Writes all, then the first @nr of each four blocks, until as few extents are left
 * as may be before reclamation begins.
 */
static void use_up(struct testdev *dev, u32 nr)
{
	u64 blocks = dev->format.logical_size / TESTDEV_BLOCK, lba;

	for (lba = 0; lba < blocks; lba += REQUEST)
		KUNIT_ASSERT_EQ(dev->test,
				testdev_write(dev, lba, REQUEST, lba % 100), 0);
	for (lba = 0; left(dev) > dev->device->reclaim_low + 1; lba += REQUEST) {
		KUNIT_ASSERT_LT(dev->test, lba, blocks);
		KUNIT_ASSERT_EQ(dev->test,
				testdev_write(dev, lba, nr, 100 + lba % 100), 0);
	}
	KUNIT_ASSERT_LT(dev->test, left(dev), dev->device->idle_high);
}

static void expect_all(struct testdev *dev, const u8 *before)
{
	u64 blocks = dev->format.logical_size / TESTDEV_BLOCK, lba;

	for (lba = 0; lba < blocks; lba++)
		KUNIT_EXPECT_EQ_MSG(dev->test, testdev_read(dev, lba),
				    before[lba], "block %llu", lba);
}

static u8 *read_all(struct testdev *dev)
{
	u64 blocks = dev->format.logical_size / TESTDEV_BLOCK, lba;
	u8 *all = kunit_kzalloc(dev->test, blocks, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(dev->test, all);
	for (lba = 0; lba < blocks; lba++)
		all[lba] = testdev_read(dev, lba);
	return all;
}

/*
 * Goal: while nobody asks for anything extents become free, as many as are enough;
 * then nothing happens any more, until something is written.  Nothing is lost.
 * Method: use up the extents; sleep; sleep once more; write and sleep.
 */
static void extents_become_free_and_then_it_rests(struct kunit *test)
{
	struct testdev *dev = test->priv;
	u64 freed, nr;
	u8 *all;

	use_up(dev, 3);
	all = read_all(dev);
	KUNIT_EXPECT_EQ(test, testdev_stat(dev, idle_extents), 0ull);
	until_at_rest(dev);
	freed = testdev_stat(dev, idle_extents);
	KUNIT_EXPECT_GT(test, freed, 0ull);
	KUNIT_EXPECT_GE(test, left(dev), dev->device->idle_high);
	KUNIT_EXPECT_GE(test, testdev_stat(dev, reclaimed_extents), freed);
	nr = nr_ops(dev);
	msleep(10 * IDLE);
	KUNIT_EXPECT_EQ(test, nr_ops(dev), nr);
	KUNIT_EXPECT_FALSE(test, delayed_work_pending(&dev->device->idle_work));
	/* reads set nothing going */
	expect_all(dev, all);
	KUNIT_EXPECT_FALSE(test, delayed_work_pending(&dev->device->idle_work));

	KUNIT_EXPECT_EQ(test, testdev_write(dev, 0, 1, all[0]), 0);
	KUNIT_EXPECT_TRUE(test, delayed_work_pending(&dev->device->idle_work));
	until_at_rest(dev);
	testdev_restart(dev);
	expect_all(dev, all);
}

/*
 * Goal: a request neither waits for what is done in idle time nor makes it end by
 * more than a frame: the victim stays as it is, and is moved when it is idle again.
 * Method: hold the read of a victim's first frame; write and read beside it; let
 * it go.
 */
static void a_request_ends_idle_time(struct kunit *test)
{
	struct testdev *dev = test->priv;
	u64 moved;
	u8 *all;

	use_up(dev, 3);
	all = read_all(dev);
	KUNIT_ASSERT_EQ(test, shard_device_checkpoint(dev->device), 0);
	flush_work(&dev->device->compaction.work);
	moved = testdev_stat(dev, relocated_blocks);
	dev->fake->mode[SHARD_IO_READ] = FAKE_HELD;
	msleep(3 * IDLE);
	fake_wait_pending(dev->fake, 1);
	KUNIT_EXPECT_EQ(test, fake_nr_pending(dev->fake), 1u);
	KUNIT_EXPECT_EQ(test, testdev_write(dev, 0, 1, all[0]), 0);
	dev->fake->mode[SHARD_IO_READ] = FAKE_AT_ONCE;
	KUNIT_EXPECT_EQ(test, testdev_read(dev, 1), all[1]);
	fake_release_all(dev->fake);
	flush_work(&dev->device->reclamation.work);
	KUNIT_EXPECT_EQ(test, testdev_stat(dev, relocated_blocks), moved);
	KUNIT_EXPECT_EQ(test, testdev_stat(dev, idle_extents), 0ull);
	until_at_rest(dev);
	KUNIT_EXPECT_GT(test, testdev_stat(dev, idle_extents), 0ull);
	expect_all(dev, all);
}

/*
 * Goal: what is done in idle time ends within a frame when the system is about to
 * sleep, none begins until it is awake, and then it goes on.
 * Method: hold the read of a victim's first frame; say that it will sleep; let it go;
 * write and wait; say that it is awake.
 */
static void none_begins_while_the_system_sleeps(struct kunit *test)
{
	struct testdev *dev = test->priv;
	u64 nr;
	u8 *all;

	use_up(dev, 3);
	all = read_all(dev);
	KUNIT_ASSERT_EQ(test, shard_device_checkpoint(dev->device), 0);
	flush_work(&dev->device->compaction.work);
	dev->fake->mode[SHARD_IO_READ] = FAKE_HELD;
	msleep(3 * IDLE);
	fake_wait_pending(dev->fake, 1);
	shard_device_hold_idle(dev->device, true);
	dev->fake->mode[SHARD_IO_READ] = FAKE_AT_ONCE;
	fake_release_all(dev->fake);
	flush_work(&dev->device->idle_work.work);
	KUNIT_EXPECT_EQ(test, testdev_stat(dev, idle_extents), 0ull);
	KUNIT_EXPECT_EQ(test, testdev_write(dev, 0, 1, all[0]), 0);
	KUNIT_EXPECT_FALSE(test, delayed_work_pending(&dev->device->idle_work));
	nr = nr_ops(dev);
	msleep(10 * IDLE);
	KUNIT_EXPECT_EQ(test, nr_ops(dev), nr);

	shard_device_hold_idle(dev->device, false);
	until_at_rest(dev);
	KUNIT_EXPECT_GT(test, testdev_stat(dev, idle_extents), 0ull);
	expect_all(dev, all);
}

/*
 * Goal: a device can be closed at each moment of idle time, and nothing comes later.
 * Method: close it when the timer has gone off, and each time a few operations
 * later; memory that is used afterwards, or a timer that is left, fails the run.
 */
static void it_can_be_closed_at_any_moment(struct kunit *test)
{
	struct testdev *dev = test->priv;
	u32 i, k;
	u8 *all;

	use_up(dev, 3);
	all = read_all(dev);
	for (i = 0; i < 12; i++) {
		KUNIT_ASSERT_EQ(test, testdev_write(dev, 0, 1, all[0]), 0);
		fake_mode_set(dev->fake, FAKE_LATER);
		msleep(2 * IDLE);
		for (k = 0; k < i; k++)
			testdev_sleep(dev);
		KUNIT_ASSERT_EQ(test, testdev_close(dev), 0);
		fake_mode_set(dev->fake, FAKE_AT_ONCE);
		KUNIT_ASSERT_EQ(test, testdev_open(dev), 0);
	}
	expect_all(dev, all);
}

/*
 * Goal: what costs more than it would later is left alone: extents that are mostly
 * live.  And so is all where nothing is to be done in idle time.
 * Method: one block of each four is dead; or never is it idle, until said so.
 */
static void what_is_not_worth_it_is_left_alone(struct kunit *test)
{
	struct testdev *dev = test->priv;
	u64 nr;

	KUNIT_ASSERT_EQ(test, testdev_close(dev), 0);
	dev->options.idle_ms = SHARD_IDLE_NEVER;
	KUNIT_ASSERT_EQ(test, testdev_open(dev), 0);
	use_up(dev, 3);
	KUNIT_EXPECT_FALSE(test, delayed_work_pending(&dev->device->idle_work));
	until_at_rest(dev);
	KUNIT_EXPECT_EQ(test, testdev_stat(dev, idle_extents), 0ull);
	shard_device_set_idle(dev->device, IDLE);
	until_at_rest(dev);
	KUNIT_EXPECT_GT(test, testdev_stat(dev, idle_extents), 0ull);

	/* a few holes in each extent */
	fresh(dev, 38);
	use_up(dev, 1);
	nr = testdev_stat(dev, relocated_blocks);
	until_at_rest(dev);
	KUNIT_EXPECT_EQ(test, testdev_stat(dev, relocated_blocks), nr);
	KUNIT_EXPECT_EQ(test, testdev_stat(dev, idle_extents), 0ull);
}

/*
 * Goal: a victim that cannot be moved ends neither idle time nor the device; and a
 * device that is read-only has none.
 * Method: the victim's first frame cannot be read, twice; then a flush fails.
 */
static void a_victim_that_cannot_be_read_ends_nothing(struct kunit *test)
{
	struct testdev *dev = test->priv;

	use_up(dev, 3);
	KUNIT_ASSERT_EQ(test, shard_device_checkpoint(dev->device), 0);
	flush_work(&dev->device->compaction.work);
	fake_fail(dev->fake, SHARD_IO_READ, -EIO, 2);
	until_at_rest(dev);
	KUNIT_EXPECT_EQ(test, testdev_stat(dev, reclaim_errors), 1ull);
	KUNIT_EXPECT_EQ(test, shard_device_state(dev->device),
			SHARD_STATE_READ_WRITE);
	KUNIT_EXPECT_EQ(test, testdev_write(dev, 0, 1, 7), 0);
	until_at_rest(dev);
	KUNIT_EXPECT_GT(test, testdev_stat(dev, idle_extents), 0ull);

	KUNIT_EXPECT_EQ(test, testdev_write(dev, 0, 1, 8), 0);
	fake_fail(dev->fake, SHARD_IO_FLUSH, -EIO, 1);
	KUNIT_EXPECT_EQ(test, testdev_flush(dev), -EIO);
	KUNIT_EXPECT_EQ(test, shard_device_state(dev->device),
			SHARD_STATE_READ_ONLY);
	until_at_rest(dev);
	KUNIT_EXPECT_FALSE(test, delayed_work_pending(&dev->device->idle_work));
}

/* Damages the first header of half of the host's extents. */
static void rot_half(struct testdev *dev)
{
	struct shard_store *store = &dev->device->store;
	struct shard_extent e;
	u32 nr;

	for (nr = SHARDBLK_SUPER_EXTENTS; nr < TESTDEV_EXTENTS; nr++) {
		shard_extent_get(store->ex, nr, &e);
		if (e.stream == SHARDBLK_STREAM_HOST && nr % 2 &&
		    e.state == SHARD_EXTENT_SEALED)
			fake_rot(dev->fake, shard_store_offset(store, nr, 0));
	}
}

/*
 * Goal: victims that cannot be moved do not make the device full while there are
 * others.
 * Method: half of the victims cannot be read; write on, with no idle time between.
 */
static void unreadable_victims_do_not_fill_the_device(struct kunit *test)
{
	struct testdev *dev = test->priv;
	u64 blocks = dev->format.logical_size / TESTDEV_BLOCK, lba;

	shard_device_set_idle(dev->device, SHARD_IDLE_NEVER);
	use_up(dev, 3);
	KUNIT_ASSERT_EQ(test, shard_device_checkpoint(dev->device), 0);
	flush_work(&dev->device->compaction.work);
	rot_half(dev);
	for (lba = 0; lba < blocks; lba += REQUEST)
		KUNIT_ASSERT_EQ_MSG(test, testdev_write(dev, lba, 3, 7), 0,
				    "block %llu", lba);
	KUNIT_EXPECT_GE(test, testdev_stat(dev, reclaim_errors),
			(u64)dev->device->reclaim_high);
	KUNIT_EXPECT_GT(test, testdev_stat(dev, reclaimed_extents), 0ull);
}

/*
 * Goal: only what is in range is taken.
 * Method: open with what is just outside, and just inside.
 */
static void only_times_in_range_are_taken(struct kunit *test)
{
	struct testdev *dev = test->priv;
	struct shard_info info;

	KUNIT_ASSERT_EQ(test, testdev_close(dev), 0);
	dev->options.idle_ms = SHARD_IDLE_MS_MIN - 1;
	KUNIT_EXPECT_EQ(test, testdev_open(dev), -EINVAL);
	dev->options.idle_ms = SHARD_IDLE_MS_MAX + 1;
	KUNIT_EXPECT_EQ(test, testdev_open(dev), -EINVAL);
	dev->options.idle_ms = SHARD_IDLE_MS_MAX;
	KUNIT_ASSERT_EQ(test, testdev_open(dev), 0);
	shard_device_info(dev->device, &info);
	KUNIT_EXPECT_EQ(test, info.idle_ms, SHARD_IDLE_MS_MAX);
	shard_device_set_idle(dev->device, SHARD_IDLE_NEVER);
	shard_device_info(dev->device, &info);
	KUNIT_EXPECT_EQ(test, info.idle_ms, SHARD_IDLE_NEVER);
}

static struct kunit_case idle_cases[] = {
	KUNIT_CASE(extents_become_free_and_then_it_rests),
	KUNIT_CASE(a_request_ends_idle_time),
	KUNIT_CASE(none_begins_while_the_system_sleeps),
	KUNIT_CASE(it_can_be_closed_at_any_moment),
	KUNIT_CASE(what_is_not_worth_it_is_left_alone),
	KUNIT_CASE(a_victim_that_cannot_be_read_ends_nothing),
	KUNIT_CASE(unreadable_victims_do_not_fill_the_device),
	KUNIT_CASE(only_times_in_range_are_taken),
	{}
};

static struct kunit_suite idle_suite = {
	.name = "shardblk-idle",
	.init = idle_init,
	.exit = idle_exit,
	.test_cases = idle_cases,
};

kunit_test_suites(&idle_suite);
