// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reclamation beside requests: what is moved while its extent is given up, and
 * what was written and could not be swung.
 */
#include <kunit/test.h>

#include "testdev.h"
#include "../kmod/core/device.h"

#define PAYLOAD		(TESTDEV_EXTENT_BLOCKS - 1)
#define DEAD		12u	/* blocks of the victim that are overwritten */

/* A reclamation of one extent, by somebody else. */
struct mover {
	struct testdev *dev;
	struct workqueue_struct *wq;
	struct work_struct work;
	int error;
};

static void mover_work(struct work_struct *work)
{
	struct mover *m = container_of(work, struct mover, work);

	m->error = shard_device_reclaim(m->dev->device);
}

static void mover_start(struct mover *m, struct testdev *dev)
{
	m->dev = dev;
	m->wq = alloc_workqueue("mover", WQ_UNBOUND, 0);
	KUNIT_ASSERT_NOT_NULL(dev->test, m->wq);
	INIT_WORK(&m->work, mover_work);
	queue_work(m->wq, &m->work);
}

static int mover_wait(struct mover *m)
{
	flush_work(&m->work);
	destroy_workqueue(m->wq);
	return m->error;
}

/* The host's extent that is open. */
static u32 host_extent(struct testdev *dev)
{
	struct shard_place tail;

	shard_extents_tail(dev->device->store.ex, SHARDBLK_STREAM_HOST, &tail);
	return tail.extent;
}

/* An extent full of blocks 0 to 14, three of which are live.  Return: its number. */
static u32 make_victim(struct testdev *dev)
{
	struct kunit *test = dev->test;
	u32 victim;

	KUNIT_ASSERT_EQ(test, testdev_write(dev, 0, PAYLOAD, 1), 0);
	victim = host_extent(dev);
	KUNIT_ASSERT_EQ(test, testdev_write(dev, 0, DEAD, 50), 0);
	KUNIT_ASSERT_NE(test, host_extent(dev), victim);
	KUNIT_ASSERT_EQ(test, shard_device_checkpoint(dev->device), 0);
	return victim;
}

/* Once it has gone its way there is an open extent for what is moved. */
static int reclaim_init(struct kunit *test)
{
	struct testdev *dev = testdev_create(test, true, false);

	test->priv = dev;
	make_victim(dev);
	return shard_device_reclaim(dev->device);
}

static void reclaim_exit(struct kunit *test)
{
	testdev_destroy(test->priv);
}

/* Begins to move what is live; the copies are on their way to the medium. */
static void move_and_hold(struct testdev *dev, struct mover *m)
{
	dev->fake->mode[SHARD_IO_APPEND] = FAKE_HELD;
	mover_start(m, dev);
	fake_wait_pending(dev->fake, 1);
	dev->fake->mode[SHARD_IO_APPEND] = FAKE_AT_ONCE;
}

/*
 * Goal: a block that lies where the moved one had lain is not taken for it (O9):
 * its extent may have been given up, and be the host's again.
 * Method: hold the copies back; overwrite all, again and again, each time with
 * one extent full of the same blocks in the same order, until one lies in the
 * victim, and in a run; then let the copies go.
 */
static void the_same_block_at_the_same_place_is_another(struct kunit *test)
{
	struct testdev *dev = test->priv;
	u32 victim = make_victim(dev), round;
	struct mover m = {};

	move_and_hold(dev, &m);
	for (round = 0; round < 4 * TESTDEV_EXTENTS; round++) {
		KUNIT_ASSERT_EQ(test, testdev_write(dev, 0, PAYLOAD, round), 0);
		if (host_extent(dev) == victim)
			break;
		if (round % 8)
			continue;
		KUNIT_ASSERT_EQ(test, shard_device_checkpoint(dev->device), 0);
	}
	KUNIT_ASSERT_EQ(test, host_extent(dev), victim);
	KUNIT_ASSERT_EQ(test, shard_device_checkpoint(dev->device), 0);
	fake_release_all(dev->fake);
	KUNIT_EXPECT_EQ(test, mover_wait(&m), 0);
	testdev_expect(dev, 0, PAYLOAD, round);
	testdev_restart(dev);
	testdev_expect(dev, 0, PAYLOAD, round);
}

/*
 * Goal: what was written and could not be swung is swung later, and not written
 * again, which would take an extent for each attempt (O12).
 * Method: hold the copies back, so that a checkpoint comes between; then the
 * index cannot be read for two times.
 */
static void what_could_not_be_swung_is_swung_later(struct kunit *test)
{
	struct testdev *dev = test->priv;
	u64 moved = testdev_stat(dev, relocated_blocks);
	struct mover m = {};

	make_victim(dev);
	move_and_hold(dev, &m);
	KUNIT_ASSERT_EQ(test, testdev_write(dev, 20, 1, 99), 0);
	KUNIT_ASSERT_EQ(test, shard_device_checkpoint(dev->device), 0);
	shard_device_cache_shrink(dev->device, ULONG_MAX);
	fake_fail(dev->fake, SHARD_IO_READ, -EIO, 2);
	fake_release_all(dev->fake);
	KUNIT_EXPECT_EQ(test, mover_wait(&m), 0);
	KUNIT_EXPECT_EQ(test, dev->fake->faults[SHARD_IO_READ].times, 0u);
	fake_heal(dev->fake);
	KUNIT_EXPECT_EQ(test, testdev_stat(dev, relocated_blocks),
			moved + PAYLOAD - DEAD);
	testdev_expect(dev, 0, DEAD, 50);
	testdev_expect(dev, DEAD, PAYLOAD - DEAD, 1 + DEAD);
	KUNIT_EXPECT_EQ(test, testdev_read(dev, 20), 99);
}

static struct kunit_case reclaim_cases[] = {
	KUNIT_CASE(the_same_block_at_the_same_place_is_another),
	KUNIT_CASE(what_could_not_be_swung_is_swung_later),
	{}
};

static struct kunit_suite reclaim_suite = {
	.name = "shardblk-reclaim",
	.init = reclaim_init,
	.exit = reclaim_exit,
	.test_cases = reclaim_cases,
};

kunit_test_suites(&reclaim_suite);
