// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reclamation beside requests: what is moved while its extent is given up, and
 * while the index cannot be read.
 */
#include <kunit/test.h>

#include "testdev.h"
#include "../kmod/core/device.h"
#include "../kmod/core/reclaim.h"
#include "../kmod/core/run.h"

#define PAYLOAD		(TESTDEV_EXTENT_BLOCKS - 1)
#define DEAD		12u	/* blocks of the victim that are overwritten */

/* A reclamation of one extent, or a close, by somebody else. */
struct mover {
	struct testdev *dev;
	int (*job)(struct shard_device *device);
	struct workqueue_struct *wq;
	struct work_struct work;
	int error;
};

static void mover_work(struct work_struct *work)
{
	struct mover *m = container_of(work, struct mover, work);

	m->error = m->job(m->dev->device);
}

static void mover_start(struct mover *m, struct testdev *dev,
			int (*job)(struct shard_device *device))
{
	m->dev = dev;
	m->job = job;
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
	mover_start(m, dev, shard_device_reclaim);
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
	struct mover *m = kunit_kzalloc(test, sizeof(*m), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, m);
	move_and_hold(dev, m);
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
	KUNIT_EXPECT_EQ(test, mover_wait(m), 0);
	testdev_expect(dev, 0, PAYLOAD, round);
	testdev_restart(dev);
	testdev_expect(dev, 0, PAYLOAD, round);
}

/* Lets the copies go once a checkpoint came between, and no page is cached. */
static void checkpoint_between(struct testdev *dev)
{
	struct kunit *test = dev->test;

	KUNIT_ASSERT_EQ(test, testdev_write(dev, DEAD + 1, 1, 99), 0);
	KUNIT_ASSERT_EQ(test, shard_device_checkpoint(dev->device), 0);
	shard_device_cache_shrink(dev->device, ULONG_MAX);
}

static void expect_moved(struct testdev *dev)
{
	testdev_expect(dev, 0, DEAD, 50);
	KUNIT_EXPECT_EQ(dev->test, testdev_read(dev, DEAD), 1 + DEAD);
	KUNIT_EXPECT_EQ(dev->test, testdev_read(dev, DEAD + 1), 99);
	KUNIT_EXPECT_EQ(dev->test, testdev_read(dev, DEAD + 2), 3 + DEAD);
}

/*
 * Goal: what the host wrote meanwhile stays, also if the second look-up has to be
 * tried again; nothing is written twice (O9, O12).
 * Method: hold the copies back, overwrite one of the blocks, checkpoint; then the
 * index cannot be read for two times.
 */
static void a_second_look_up_that_fails_is_done_again(struct kunit *test)
{
	struct testdev *dev = test->priv;
	u64 moved = testdev_stat(dev, relocated_blocks);
	struct mover *m = kunit_kzalloc(test, sizeof(*m), GFP_KERNEL);

	make_victim(dev);
	KUNIT_ASSERT_NOT_NULL(test, m);
	move_and_hold(dev, m);
	checkpoint_between(dev);
	fake_fail(dev->fake, SHARD_IO_READ, -EIO, 2);
	fake_release_all(dev->fake);
	KUNIT_EXPECT_EQ(test, mover_wait(m), 0);
	KUNIT_EXPECT_EQ(test, dev->fake->faults[SHARD_IO_READ].times, 0u);
	fake_heal(dev->fake);
	KUNIT_EXPECT_EQ(test, testdev_stat(dev, relocated_blocks),
			moved + PAYLOAD - DEAD);
	expect_moved(dev);
	testdev_restart(dev);
	expect_moved(dev);
}

/*
 * Goal: a page of the index that cannot be read keeps what it tells of where it
 * is, and ends neither reclamation nor the device.
 * Method: as above, and the run's root is unreadable until all is done; there are
 * too few runs for a merge, which would have to give up.  Then use all extents;
 * none is waited for that cannot come.
 */
static void an_unreadable_page_ends_no_reclamation(struct kunit *test)
{
	struct testdev *dev = test->priv;
	struct shard_runs runs;
	struct mover *m = kunit_kzalloc(test, sizeof(*m), GFP_KERNEL);
	u32 i;

	dev->options.compact_runs = SHARD_RUNS_MAX - 1;
	testdev_restart(dev);
	make_victim(dev);
	KUNIT_ASSERT_EQ(test, shard_device_reclaim(dev->device), 0);
	make_victim(dev);
	KUNIT_ASSERT_NOT_NULL(test, m);
	move_and_hold(dev, m);
	checkpoint_between(dev);
	shard_index_runs(dev->device->index, &runs);
	dev->fake->bad_offset = shard_run_offset(&dev->device->store,
						 runs.run[0], 0);
	fake_release_all(dev->fake);
	mover_wait(m);
	KUNIT_EXPECT_GT(test, testdev_stat(dev, reclaim_errors), 0ull);
	KUNIT_EXPECT_EQ(test, (int)shard_device_state(dev->device),
			(int)SHARD_STATE_READ_WRITE);
	KUNIT_EXPECT_EQ(test, testdev_write(dev, 100, 1, 7), 0);
	dev->fake->bad_offset = U64_MAX;
	/* all that was given up is used again */
	for (i = 0; i < 2 * TESTDEV_EXTENTS; i++) {
		KUNIT_ASSERT_EQ(test, testdev_write(dev, 100, PAYLOAD, i), 0);
		if (!(i % 8))
			KUNIT_ASSERT_EQ(test, shard_device_checkpoint(dev->device), 0);
	}
	expect_moved(dev);
	KUNIT_EXPECT_EQ(test, shard_extents_leaving(dev->device->store.ex), 0u);
	testdev_restart(dev);
	expect_moved(dev);
}

/*
 * Goal: what could not be written of a victim that is half walked is moved by the
 * next attempt: the victim is walked from its first frame again.
 * Method: three frames, of which more is live than the open extent has room for;
 * the first batch fails wherever it is tried.
 */
static void a_batch_that_fails_is_gathered_again(struct kunit *test)
{
	struct testdev *dev = test->priv;
	u32 live = 12, victim;

	KUNIT_ASSERT_EQ(test, testdev_write(dev, 40, PAYLOAD, 1), 0);
	KUNIT_ASSERT_EQ(test, testdev_write(dev, 20, 5, 1), 0);
	victim = host_extent(dev);
	KUNIT_ASSERT_EQ(test, testdev_write(dev, 25, 5, 6), 0);
	KUNIT_ASSERT_EQ(test, testdev_write(dev, 30, 3, 11), 0);
	KUNIT_ASSERT_EQ(test, host_extent(dev), victim);
	KUNIT_ASSERT_EQ(test, testdev_write(dev, 20, 1, 99), 0);
	KUNIT_ASSERT_EQ(test, testdev_write(dev, 40, PAYLOAD, 1), 0);
	KUNIT_ASSERT_NE(test, host_extent(dev), victim);
	KUNIT_ASSERT_EQ(test, shard_device_checkpoint(dev->device), 0);
	dev->fake->faults[SHARD_IO_APPEND] = (struct fake_fault){
		.error = -EIO,
		.times = 3,
		.from = (u64)SHARDBLK_SUPER_EXTENTS * TESTDEV_EXTENT_BLOCKS *
			TESTDEV_BLOCK,
	};
	KUNIT_EXPECT_EQ(test, shard_device_reclaim(dev->device), 0);
	KUNIT_EXPECT_EQ(test, dev->fake->faults[SHARD_IO_APPEND].times, 0u);
	fake_heal(dev->fake);
	KUNIT_EXPECT_EQ(test, shard_device_reclaim(dev->device), 0);
	KUNIT_EXPECT_EQ(test, testdev_read(dev, 20), 99);
	testdev_expect(dev, 21, live, 2);
	testdev_restart(dev);
	testdev_expect(dev, 21, live, 2);
}

/*
 * A device that the host has filled but for an extent, with a victim in it.
 * Return: its number.
 */
static u32 fill_but_one(struct testdev *dev)
{
	u32 victim;
	struct shard_extents *ex;
	struct shard_info info;
	u32 lba, nr;

	KUNIT_ASSERT_EQ(dev->test, testdev_close(dev), 0);
	dev->format.logical_size = 0;
	dev->format.spare_permille = 20;
	KUNIT_ASSERT_EQ(dev->test, testdev_format(dev), 0);
	KUNIT_ASSERT_EQ(dev->test, testdev_open(dev), 0);
	ex = dev->device->store.ex;
	shard_device_info(dev->device, &info);
	nr = info.logical_blocks - PAYLOAD;
	victim = make_victim(dev);
	for (lba = PAYLOAD; lba <= nr; lba += PAYLOAD)
		KUNIT_ASSERT_EQ(dev->test, testdev_write(dev, lba, PAYLOAD, lba),
				0);
	/* a block of each: none of the extents is all dead */
	for (lba = PAYLOAD; shard_extents_host_left(ex) > 1; lba += PAYLOAD)
		KUNIT_ASSERT_EQ(dev->test, testdev_write(dev, lba, 1, lba), 0);
	KUNIT_ASSERT_EQ(dev->test, shard_device_checkpoint(dev->device), 0);
	KUNIT_ASSERT_LE(dev->test, shard_extents_host_left(ex), 1u);
	KUNIT_ASSERT_EQ(dev->test, testdev_stat(dev, reclaimed_extents), 0u);
	return victim;
}

/* Nobody waits for it. */
static void want(struct shard_device *device, struct shard_job *job)
{
	unsigned long flags;

	spin_lock_irqsave(&device->lock, flags);
	shard_job_want(job, true);
	spin_unlock_irqrestore(&device->lock, flags);
}

/*
 * Begins to move what is live in the victim, and wants a checkpoint; the copies are
 * on their way.
 */
static void move_the_last(struct testdev *dev)
{
	struct shard_device *device = dev->device;
	u64 ended = device->checkpoint.nr_ended;

	dev->fake->mode[SHARD_IO_APPEND] = FAKE_HELD;
	want(device, &device->reclamation);
	for (fake_wait_pending(dev->fake, 1);
	     !READ_ONCE(dev->device->held_entries);
	     fake_wait_pending(dev->fake, 1))
		fake_release_all(dev->fake);
	dev->fake->mode[SHARD_IO_APPEND] = FAKE_AT_ONCE;
	want(device, &device->checkpoint);
	while (!READ_ONCE(device->freezing) &&
	       READ_ONCE(device->checkpoint.nr_ended) == ended)
		msleep(20);
	KUNIT_EXPECT_TRUE(dev->test, READ_ONCE(device->freezing));
}

/*
 * Goal: what takes one of the last extents is moved as a whole before a checkpoint
 * begins, so that a power cut leaves none half empty beside its victim (O12).
 * Method: hold back the copies alone, and want a checkpoint; a write ends meanwhile.
 */
static void no_checkpoint_begins_amid_the_last_extents(struct kunit *test)
{
	struct testdev *dev = test->priv;
	struct shard_device *device;

	fill_but_one(dev);
	device = dev->device;
	move_the_last(dev);
	KUNIT_EXPECT_EQ(test, testdev_write(dev, 0, 1, 77), 0);
	fake_release_all(dev->fake);
	wait_event(device->job_ended,
		   shard_job_over(device, &device->reclamation, U64_MAX) &&
		   shard_job_over(device, &device->checkpoint, U64_MAX));
	KUNIT_EXPECT_EQ(test, device->held_entries, 0u);
	KUNIT_EXPECT_EQ(test, device->reserved_entries, 0u);
	KUNIT_EXPECT_EQ(test, testdev_stat(dev, reclaimed_extents), 1u);
	testdev_expect(dev, 1, DEAD - 1, 51);
	KUNIT_EXPECT_EQ(test, testdev_read(dev, DEAD), 1 + DEAD);
	testdev_restart(dev);
	KUNIT_EXPECT_EQ(test, testdev_read(dev, 0), 77);
	KUNIT_EXPECT_EQ(test, testdev_read(dev, DEAD), 1 + DEAD);
}

/*
 * Goal: nor does a close leave such a victim half moved (O12).
 * Method: close the device while the copies are on their way, and a checkpoint
 * waits; the next start finds nothing in the victim.
 */
static void a_close_waits_for_the_last_extents(struct kunit *test)
{
	struct testdev *dev = test->priv;
	struct mover *m = kunit_kzalloc(test, sizeof(*m), GFP_KERNEL);
	u32 victim = fill_but_one(dev);
	struct shard_device *device = dev->device;
	struct shard_extent e;

	KUNIT_ASSERT_NOT_NULL(test, m);
	move_the_last(dev);
	mover_start(m, dev, shard_device_close);
	while (!READ_ONCE(device->closing))
		msleep(20);
	fake_release_all(dev->fake);
	KUNIT_EXPECT_EQ(test, mover_wait(m), 0);
	dev->device = NULL;
	KUNIT_ASSERT_EQ(test, testdev_open(dev), 0);
	shard_extent_get(dev->device->store.ex, victim, &e);
	KUNIT_EXPECT_EQ(test, e.live, 0u);
	testdev_expect(dev, 0, DEAD, 50);
	KUNIT_EXPECT_EQ(test, testdev_read(dev, DEAD), 1 + DEAD);
}

/*
 * Goal: before the last extent is opened any stream of moved data that has room
 * takes what is moved, also that of the oldest data (O12).
 * Method: fill the device; open an extent for that stream, until one is left; move
 * what the host wrote.
 */
static void the_last_room_is_that_of_all_streams(struct kunit *test)
{
	struct testdev *dev = test->priv;
	u32 stream = SHARDBLK_STREAM_RELOC2, room;
	struct shard_extents *ex;

	fill_but_one(dev);
	ex = dev->device->store.ex;
	do {
		KUNIT_ASSERT_EQ(test, shard_store_next_extent(&dev->device->store,
							      stream), 0);
	} while (shard_extents_reloc_left(ex) > 1);
	/* the last may have been made ready already, by another processor */
	KUNIT_ASSERT_LE(test, shard_extents_reloc_left(ex), 1u);
	room = shard_extents_room(ex, stream);
	KUNIT_EXPECT_EQ(test, shard_device_reclaim(dev->device), 0);
	KUNIT_EXPECT_EQ(test, testdev_stat(dev, reclaimed_extents), 1u);
	KUNIT_EXPECT_EQ(test, shard_extents_room(ex, stream),
			room - 1 - (PAYLOAD - DEAD));
	testdev_expect(dev, 0, DEAD, 50);
	testdev_expect(dev, DEAD, PAYLOAD - DEAD, 1 + DEAD);
}

/*
 * Goal: a victim is evacuated when its blocks have been swung, not before.
 * Method: hold the copies back; the flush of a write fails, and the device is
 * read-only; let them go.
 */
static void what_is_not_swung_is_not_evacuated(struct kunit *test)
{
	struct testdev *dev = test->priv;
	u64 before = testdev_stat(dev, reclaimed_extents);
	struct mover *m = kunit_kzalloc(test, sizeof(*m), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, m);
	make_victim(dev);
	move_and_hold(dev, m);
	KUNIT_EXPECT_EQ(test, testdev_write(dev, 100, 1, 1), 0);
	fake_fail(dev->fake, SHARD_IO_FLUSH, -EIO, 1);
	KUNIT_EXPECT_EQ(test, testdev_flush(dev), -EIO);
	fake_release_all(dev->fake);
	mover_wait(m);
	KUNIT_EXPECT_EQ(test, testdev_stat(dev, reclaimed_extents), before);
	testdev_expect(dev, 0, DEAD, 50);
	testdev_expect(dev, DEAD, PAYLOAD - DEAD, 1 + DEAD);
}

/*
 * Goal: a frame of moved data has no more entries than its header has room for.
 * Method: extents of so many blocks that this ends a frame sooner than they do; in
 * one every other block is live.
 */
static void moved_blocks_fit_their_headers(struct kunit *test)
{
	struct testdev *dev = testdev_create_large(test, 512, 64);
	u32 nr = 63, i;

	KUNIT_ASSERT_LT(test, shard_frame_singles_max(512), nr / 2);
	KUNIT_ASSERT_EQ(test, testdev_write(dev, 0, nr, 1), 0);
	for (i = 1; i < nr; i += 2)
		KUNIT_ASSERT_EQ(test, testdev_write(dev, i, 1, 100 + i), 0);
	KUNIT_ASSERT_EQ(test, shard_device_checkpoint(dev->device), 0);
	KUNIT_EXPECT_EQ(test, shard_device_reclaim(dev->device), 0);
	KUNIT_EXPECT_EQ(test, testdev_stat(dev, relocated_blocks), nr / 2 + 1ull);
	testdev_restart(dev);
	for (i = 0; i < nr; i++)
		KUNIT_EXPECT_EQ(test, testdev_read(dev, i),
				i % 2 ? 100 + (int)i : 1 + (int)i);
	testdev_destroy(dev);
}

/* ---- which victims are worth it ---- */

/* Moves victims of a device by a clock of its own. */
struct judge {
	struct testdev *dev;
	struct shard_reclaim *reclaim;
	u64 now;
};

static int judge_swing(void *ctx, u64 covered, const struct shard_range *to,
		       const u64 *from, struct shard_block_map *map)
{
	struct judge *j = ctx;
	struct shard_extent e;

	/* O6: a root that is made from now on tells of all of it */
	shard_extent_get(j->dev->device->store.ex, to->place.extent, &e);
	KUNIT_EXPECT_LE(j->dev->test, to->place.block + to->nr_blocks, e.filled);
	return shard_index_swing(j->dev->device->index, covered, to, from, 0, 0,
				 map);
}

static void judge_gained(void *ctx, u64 dead)
{
}

static bool judge_no(void *ctx)
{
	return false;
}

static u64 judge_now(void *ctx)
{
	struct judge *j = ctx;

	return j->now;
}

static bool judge_hold(void *ctx, u32 live)
{
	return false;
}

static void judge_release(void *ctx)
{
}

static const struct shard_reclaim_ops judge_ops = {
	.swing		= judge_swing,
	.gained		= judge_gained,
	.stop		= judge_no,
	.now		= judge_now,
	.hold		= judge_hold,
	.release	= judge_release,
};

/* Return: is a victim evacuated if it is so old?  Makes one if there is none. */
static bool judge(struct judge *j, enum shard_reclaim_why why, u64 age, u32 *victim)
{
	struct testdev *dev = j->dev;
	u32 done = 0, opened = 0;
	struct shard_extent e;

	*victim = *victim ?: make_victim(dev);
	shard_extent_get(dev->device->store.ex, *victim, &e);
	j->now = e.last_seq + age - 1;
	KUNIT_EXPECT_EQ(dev->test, shard_reclaim_run(j->reclaim, 1, e.live, why,
						     false, &done, &opened), 0);
	if (done)
		*victim = 0;
	return done;
}

/*
 * Goal: in idle time that is left alone which is worth less than half of what victims
 * were, on average, when space was short; else it is evacuated.
 * Method: victims that differ only in age: two for the average; then, around half of
 * it, some in idle time.
 */
static void idle_time_is_for_victims_worth_it(struct kunit *test)
{
	struct judge *j = kunit_kzalloc(test, sizeof(*j), GFP_KERNEL);
	struct testdev *dev = test->priv;
	u32 victim = 0;

	KUNIT_ASSERT_NOT_NULL(test, j);
	j->dev = dev;
	j->reclaim = shard_reclaim_create(&dev->device->store, dev->device->index,
					  &judge_ops, "judge", j);
	KUNIT_ASSERT_NOT_NULL(test, j->reclaim);
	KUNIT_EXPECT_TRUE(test, judge(j, SHARD_RECLAIM_SHORT, 1800, &victim));
	KUNIT_EXPECT_FALSE(test, judge(j, SHARD_RECLAIM_IDLE, 890, &victim));
	KUNIT_EXPECT_TRUE(test, judge(j, SHARD_RECLAIM_IDLE, 910, &victim));
	/* seven eighths of the one and one of the other */
	KUNIT_EXPECT_TRUE(test, judge(j, SHARD_RECLAIM_SHORT, 200, &victim));
	KUNIT_EXPECT_FALSE(test, judge(j, SHARD_RECLAIM_IDLE, 790, &victim));
	KUNIT_EXPECT_TRUE(test, judge(j, SHARD_RECLAIM_IDLE, 810, &victim));
	/* who asks for it gets it, and teaches nothing */
	KUNIT_EXPECT_TRUE(test, judge(j, SHARD_RECLAIM_ASKED, 5, &victim));
	KUNIT_EXPECT_FALSE(test, judge(j, SHARD_RECLAIM_IDLE, 790, &victim));
	shard_reclaim_destroy(j->reclaim);
	testdev_expect(dev, 0, DEAD, 50);
	testdev_expect(dev, DEAD, PAYLOAD - DEAD, 1 + DEAD);
}

/*
 * Goal: a frame that was on its way when a checkpoint was made, and that the power cut
 * took, is not looked for when its extent is reclaimed.
 * Method: hold a frame back over a checkpoint; go on with what was durable by then,
 * and have all extents reclaimed that can be.
 */
static void a_frame_lost_beside_a_checkpoint_is_not_looked_for(struct kunit *test)
{
	struct testdev *dev = test->priv;
	struct shard_place tail;
	struct shard_extent e;
	struct testreq *held;
	u8 *stable;

	KUNIT_ASSERT_EQ(test, testdev_write(dev, 0, 5, 1), 0);
	KUNIT_ASSERT_EQ(test, testdev_write(dev, 0, 3, 50), 0);
	shard_extents_tail(dev->device->store.ex, SHARDBLK_STREAM_HOST, &tail);
	dev->fake->mode[SHARD_IO_APPEND] = FAKE_HELD;
	held = testdev_start(dev, SHARD_WRITE, 100, 2, 9, false);
	shard_device_commit(dev->device);
	fake_wait_pending(dev->fake, 1);
	dev->fake->mode[SHARD_IO_APPEND] = FAKE_AT_ONCE;
	KUNIT_ASSERT_EQ(test, shard_device_checkpoint(dev->device), 0);
	stable = kvmalloc(dev->fake->backend.capacity, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, stable);
	memcpy(stable, dev->fake->stable, dev->fake->backend.capacity);
	fake_release_all(dev->fake);
	KUNIT_EXPECT_EQ(test, testreq_wait(held), 0);
	testdev_crash(dev);
	fake_restore(dev->fake, stable);
	kvfree(stable);
	KUNIT_ASSERT_EQ(test, testdev_open(dev), 0);
	shard_extent_get(dev->device->store.ex, tail.extent, &e);
	KUNIT_EXPECT_EQ(test, e.written, tail.block);
	KUNIT_EXPECT_EQ(test, e.live, 5u);
	KUNIT_EXPECT_EQ(test, shard_device_reclaim(dev->device), 0);
	KUNIT_EXPECT_EQ(test, testdev_stat(dev, reclaim_errors), 0ull);
	testdev_expect(dev, 0, 3, 50);
	testdev_expect(dev, 3, 2, 4);
}

static struct kunit_case reclaim_cases[] = {
	KUNIT_CASE(the_same_block_at_the_same_place_is_another),
	KUNIT_CASE(a_second_look_up_that_fails_is_done_again),
	KUNIT_CASE(an_unreadable_page_ends_no_reclamation),
	KUNIT_CASE(a_batch_that_fails_is_gathered_again),
	KUNIT_CASE(no_checkpoint_begins_amid_the_last_extents),
	KUNIT_CASE(a_close_waits_for_the_last_extents),
	KUNIT_CASE(the_last_room_is_that_of_all_streams),
	KUNIT_CASE(what_is_not_swung_is_not_evacuated),
	KUNIT_CASE(moved_blocks_fit_their_headers),
	KUNIT_CASE(idle_time_is_for_victims_worth_it),
	KUNIT_CASE(a_frame_lost_beside_a_checkpoint_is_not_looked_for),
	{}
};

static struct kunit_suite reclaim_suite = {
	.name = "shardblk-reclaim",
	.init = reclaim_init,
	.exit = reclaim_exit,
	.test_cases = reclaim_cases,
};

kunit_test_suites(&reclaim_suite);
