// SPDX-License-Identifier: GPL-2.0-only
/*
 * Writes, discards and flushes: order, durability, errors.
 */
#include <kunit/test.h>

#include "testdev.h"
#include "../kmod/core/device.h"

static int write_init(struct kunit *test)
{
	test->priv = testdev_create(test, true, false);
	return 0;
}

static void write_exit(struct kunit *test)
{
	testdev_destroy(test->priv);
}

/* Lets the extents that were wanted at the start become ready. */
static void settle(struct testdev *dev)
{
	KUNIT_ASSERT_EQ(dev->test, testdev_write(dev, 127, 1, 1), 0);
	KUNIT_ASSERT_EQ(dev->test, shard_device_checkpoint(dev->device), 0);
	KUNIT_ASSERT_EQ(dev->test, testdev_flush(dev), 0);
	fake_counts_clear(dev->fake);
	atomic_set(&dev->nr_done, 0);
}

/*
 * Goal: what is written is read, the newest word on each block.
 * Method: overlapping writes and discards in one batch, and one by one.
 */
static void the_newest_word_on_a_block_counts(struct kunit *test)
{
	struct testdev *dev = test->priv;
	struct testreq *reqs[4];
	u32 i;

	reqs[0] = testdev_start(dev, SHARD_WRITE, 10, 5, 20, false);
	reqs[1] = testdev_start(dev, SHARD_WRITE, 12, 2, 40, false);
	reqs[2] = testdev_start(dev, SHARD_DISCARD, 13, 4, 0, false);
	reqs[3] = testdev_start(dev, SHARD_WRITE, 14, 1, 60, false);
	shard_device_commit(dev->device);
	for (i = 0; i < 4; i++)
		KUNIT_EXPECT_EQ(test, testreq_wait(reqs[i]), 0);
	testdev_expect(dev, 10, 2, 20);
	testdev_expect(dev, 12, 1, 40);
	testdev_expect_holes(dev, 13, 1);
	testdev_expect(dev, 14, 1, 60);
	testdev_expect_holes(dev, 15, 2);
	KUNIT_EXPECT_EQ(test, testdev_write(dev, 13, 1, 70), 0);
	testdev_expect(dev, 13, 1, 70);
}

/*
 * Goal: requests are acknowledged in their order, and not before all in front
 * of them are written (O2).
 * Method: several frames in flight, completed backwards.
 */
static void requests_are_acknowledged_in_order(struct kunit *test)
{
	struct testdev *dev = test->priv;
	struct testreq *reqs[4];
	u32 i;

	settle(dev);
	fake_mode_set(dev->fake, FAKE_HELD);
	for (i = 0; i < 4; i++) {
		reqs[i] = testdev_start(dev, SHARD_WRITE, 2 * i, 1, i + 1,
					false);
		shard_device_commit(dev->device);
	}
	KUNIT_ASSERT_EQ(test, fake_nr_pending(dev->fake), 4u);
	for (i = 3; i > 0; i--) {
		fake_release_nth(dev->fake, i);
		KUNIT_EXPECT_EQ(test, atomic_read(&dev->nr_done), 0);
	}
	fake_release_nth(dev->fake, 0);
	for (i = 0; i < 4; i++) {
		KUNIT_EXPECT_TRUE(test, reqs[i]->done);
		KUNIT_EXPECT_EQ(test, reqs[i]->order, i + 1);
	}
	fake_mode_set(dev->fake, FAKE_AT_ONCE);
}

/*
 * Goal: until a write is acknowledged, reads of it give the old contents;
 * afterwards the new.
 * Method: hold the write back and read meanwhile.
 */
static void a_write_is_seen_once_it_is_acknowledged(struct kunit *test)
{
	struct testdev *dev = test->priv;
	struct testreq *req;

	settle(dev);
	KUNIT_EXPECT_EQ(test, testdev_write(dev, 5, 1, 1), 0);
	dev->fake->mode[SHARD_IO_APPEND] = FAKE_HELD;
	req = testdev_start(dev, SHARD_WRITE, 5, 1, 2, false);
	shard_device_commit(dev->device);
	testdev_expect(dev, 5, 1, 1);
	fake_release(dev->fake, 1);
	KUNIT_EXPECT_EQ(test, testreq_wait(req), 0);
	testdev_expect(dev, 5, 1, 2);
	dev->fake->mode[SHARD_IO_APPEND] = FAKE_AT_ONCE;
}

/*
 * Goal: while as many frames as allowed are in flight, requests gather in one
 * more, and what does not fit in there waits; all get through in order.
 * Method: many more requests than buffers, held back; then let go.
 */
static void more_requests_than_buffers_all_get_through(struct kunit *test)
{
	struct testdev *dev = test->priv;
	struct testreq *reqs[60];
	u32 i;

	settle(dev);
	fake_mode_set(dev->fake, FAKE_HELD);
	for (i = 0; i < ARRAY_SIZE(reqs); i++) {
		reqs[i] = testdev_start(dev, SHARD_WRITE, i, 1, i + 1, false);
		shard_device_commit(dev->device);
	}
	KUNIT_EXPECT_LE(test, fake_nr_pending(dev->fake), 4u);
	KUNIT_EXPECT_EQ(test, dev->device->nr_inflight,
			dev->device->options.frames_in_flight);
	fake_mode_set(dev->fake, FAKE_LATER);
	fake_release_all(dev->fake);
	for (i = 0; i < ARRAY_SIZE(reqs); i++)
		KUNIT_EXPECT_EQ(test, testreq_wait(reqs[i]), 0);
	/* who is told first of two that have ended is up to those who tell */
	for (i = 0; i < ARRAY_SIZE(reqs); i++) {
		KUNIT_EXPECT_EQ(test, reqs[i]->request.seq,
				reqs[0]->request.seq + i);
		testdev_expect(dev, i, 1, i + 1);
	}
	/* extents may still be assigned behind them */
	KUNIT_EXPECT_EQ(test, shard_device_checkpoint(dev->device), 0);
}

/*
 * Goal: a write is whole or not at all after a crash, and the order of writes
 * is kept: what is lost is the end (P1, P2).
 * Method: cut the power after each of several writes without a flush.
 */
static void a_crash_loses_the_end_and_nothing_else(struct kunit *test)
{
	struct testdev *dev = test->priv;
	u32 i, first_lost = 6;

	for (i = 0; i < 3; i++)
		KUNIT_EXPECT_EQ(test, testdev_write(dev, i * 10, 4, 10 * i + 1),
				0);
	KUNIT_EXPECT_EQ(test, testdev_flush(dev), 0);
	for (; i < 6; i++)
		KUNIT_EXPECT_EQ(test, testdev_write(dev, i * 10, 4, 10 * i + 1),
				0);
	testdev_crash(dev);
	KUNIT_ASSERT_EQ(test, testdev_open(dev), 0);
	for (i = 0; i < 3; i++)
		testdev_expect(dev, i * 10, 4, 10 * i + 1);
	for (; i < 6; i++) {
		if (!testdev_read(dev, i * 10))
			first_lost = min(first_lost, i);
		if (i < first_lost)
			testdev_expect(dev, i * 10, 4, 10 * i + 1);
		else
			testdev_expect_holes(dev, i * 10, 4);
	}
}

/*
 * Goal: flushes that wait share a backing flush, and each covers what was
 * acknowledged before it (O3).
 * Method: four flushes while one is held back.
 */
static void flushes_share_backing_flushes(struct kunit *test)
{
	struct testdev *dev = test->priv;
	struct testreq *reqs[5];
	u32 i;

	settle(dev);
	dev->fake->mode[SHARD_IO_FLUSH] = FAKE_HELD;
	KUNIT_EXPECT_EQ(test, testdev_write(dev, 1, 1, 1), 0);
	reqs[0] = testdev_start(dev, SHARD_FLUSH, 0, 0, 0, false);
	KUNIT_EXPECT_EQ(test, testdev_write(dev, 2, 1, 1), 0);
	for (i = 1; i < 5; i++)
		reqs[i] = testdev_start(dev, SHARD_FLUSH, 0, 0, 0, false);
	fake_release(dev->fake, 1);
	KUNIT_EXPECT_TRUE(test, reqs[0]->done);
	for (i = 1; i < 5; i++)
		KUNIT_EXPECT_FALSE(test, reqs[i]->done);
	fake_release(dev->fake, 1);
	for (i = 0; i < 5; i++)
		KUNIT_EXPECT_EQ(test, testreq_wait(reqs[i]), 0);
	KUNIT_EXPECT_EQ(test, dev->fake->nr[SHARD_IO_FLUSH], 2ull);
	dev->fake->mode[SHARD_IO_FLUSH] = FAKE_AT_ONCE;
	/* nothing new to make durable */
	KUNIT_EXPECT_EQ(test, testdev_flush(dev), 0);
	KUNIT_EXPECT_EQ(test, dev->fake->nr[SHARD_IO_FLUSH], 2ull);
}

/*
 * Goal: a flush when nothing was written since the last one costs nothing, and
 * neither does one of what was durable by itself.
 * Method: count all backing operations of three flushes behind a flush, and of
 * one behind a FUA write that needed no flush.
 */
static void a_flush_with_nothing_new_costs_nothing(struct kunit *test)
{
	struct testdev *dev = testdev_create(test, true, true);
	u32 op, i;

	settle(dev);
	for (i = 0; i < 3; i++)
		KUNIT_EXPECT_EQ(test, testdev_flush(dev), 0);
	for (op = 0; op < FAKE_OPS; op++)
		KUNIT_EXPECT_EQ(test, dev->fake->nr[op], 0ull);
	KUNIT_EXPECT_EQ(test, testdev_write_fua(dev, 1, 1, 11), 0);
	KUNIT_EXPECT_EQ(test, testdev_flush(dev), 0);
	KUNIT_EXPECT_EQ(test, dev->fake->nr[SHARD_IO_APPEND], 1ull);
	KUNIT_EXPECT_EQ(test, dev->fake->nr[SHARD_IO_FLUSH], 0ull);
	testdev_destroy(dev);
}

/*
 * Goal: a durable write whose predecessors are not durable is flushed, also
 * where the device has FUA (O3).
 * Method: a plain write, then a FUA one, on a device with FUA; cut the power.
 */
static void a_durable_write_covers_all_before_it(struct kunit *test)
{
	struct testdev *dev = testdev_create(test, true, true);

	settle(dev);
	KUNIT_EXPECT_EQ(test, testdev_write(dev, 1, 1, 11), 0);
	KUNIT_EXPECT_EQ(test, testdev_write_fua(dev, 2, 1, 22), 0);
	KUNIT_EXPECT_EQ(test, dev->fake->nr[SHARD_IO_FLUSH], 1ull);
	KUNIT_EXPECT_EQ(test, dev->fake->nr_fua, 0ull);
	testdev_crash(dev);
	KUNIT_ASSERT_EQ(test, testdev_open(dev), 0);
	testdev_expect(dev, 1, 1, 11);
	testdev_expect(dev, 2, 1, 22);
	testdev_destroy(dev);
}

/*
 * Goal: a durable discard is there after a power cut.
 * Method: FUA discard; crash; read.
 */
static void a_durable_discard_survives_a_power_cut(struct kunit *test)
{
	struct testdev *dev = test->priv;
	struct testreq *req;

	KUNIT_EXPECT_EQ(test, testdev_write_fua(dev, 1, 3, 11), 0);
	req = testdev_start(dev, SHARD_DISCARD, 2, 1, 0, true);
	shard_device_commit(dev->device);
	KUNIT_EXPECT_EQ(test, testreq_wait(req), 0);
	testdev_crash(dev);
	KUNIT_ASSERT_EQ(test, testdev_open(dev), 0);
	testdev_expect(dev, 1, 1, 11);
	testdev_expect_holes(dev, 2, 1);
	testdev_expect(dev, 3, 1, 13);
}

/* Four frames of one block each, held back. */
static void four_frames(struct testdev *dev, struct testreq **reqs)
{
	u32 i;

	settle(dev);
	KUNIT_EXPECT_EQ(dev->test, testdev_write(dev, 50, 1, 99), 0);
	atomic_set(&dev->nr_done, 0);
	fake_mode_set(dev->fake, FAKE_HELD);
	for (i = 0; i < 4; i++) {
		reqs[i] = testdev_start(dev, SHARD_WRITE, i, 1, i + 1, false);
		shard_device_commit(dev->device);
	}
}

/*
 * Goal: a frame that cannot be written is written elsewhere, with those behind
 * it, also if these were written; nobody is told, and the order is kept (O2).
 * Method: of four frames the second fails, after the last two were written; it
 * lands nevertheless.
 */
static void a_failed_write_is_written_again_elsewhere(struct kunit *test)
{
	struct testdev *dev = test->priv;
	struct testreq *reqs[4];
	u64 frames;
	u32 i;

	four_frames(dev, reqs);
	frames = testdev_stat(dev, host_frames);
	fake_release_nth(dev->fake, 3);
	fake_release_nth(dev->fake, 2);
	fake_release_nth(dev->fake, 0);
	KUNIT_EXPECT_EQ(test, testreq_wait(reqs[0]), 0);
	fake_fail(dev->fake, SHARD_IO_APPEND, -EIO, 1);
	dev->fake->faults[SHARD_IO_APPEND].lands = true;
	fake_mode_set(dev->fake, FAKE_LATER);
	fake_release_nth(dev->fake, 0);
	for (i = 1; i < 4; i++) {
		KUNIT_EXPECT_EQ(test, testreq_wait(reqs[i]), 0);
		KUNIT_EXPECT_EQ(test, reqs[i]->order, i + 1);
	}
	/* they may share a backing write now */
	KUNIT_EXPECT_GT(test, testdev_stat(dev, host_frames), frames);
	KUNIT_EXPECT_EQ(test, testdev_stat(dev, write_retries), 1ull);
	KUNIT_EXPECT_EQ(test, testdev_stat(dev, write_errors), 0ull);
	testdev_expect(dev, 1, 1, 2);
	/* there is one on its way, anyhow */
	KUNIT_EXPECT_EQ(test, shard_device_checkpoint(dev->device), 0);
	KUNIT_EXPECT_EQ(test, testdev_write(dev, 1, 1, 5), 0);
	KUNIT_EXPECT_EQ(test, testdev_flush(dev), 0);
	KUNIT_EXPECT_EQ(test, shard_device_state(dev->device),
			SHARD_STATE_READ_WRITE);
	testdev_crash(dev);
	KUNIT_ASSERT_EQ(test, testdev_open(dev), 0);
	testdev_expect(dev, 50, 1, 99);
	testdev_expect(dev, 0, 1, 1);
	testdev_expect(dev, 1, 1, 5);
	testdev_expect(dev, 2, 1, 3);
	testdev_expect(dev, 3, 1, 4);
}

/* Does it append to one of these streams? */
static bool appends_to(struct testdev *dev, const struct fake_op *op, u32 streams)
{
	u64 size = TESTDEV_EXTENT_BLOCKS * TESTDEV_BLOCK;
	struct shard_extent e;

	if (op->op != SHARD_IO_APPEND ||
	    op->offset < SHARDBLK_SUPER_EXTENTS * size)
		return false;
	shard_extent_get(dev->device->store.ex, op->offset / size, &e);
	return streams & BIT(e.stream);
}

/*
 * Goal: nothing is written again before a record says where the old extent ends,
 * and that one comes after a flush of what lies in front of the end (O2).
 * Method: the second of four frames fails; look at each operation after that.
 */
static void the_old_extent_ends_before_anything_is_written_again(struct kunit *test)
{
	u64 size = TESTDEV_EXTENT_BLOCKS * TESTDEV_BLOCK;
	struct testdev *dev = test->priv;
	struct testreq *reqs[4];
	struct fake_op *op;
	u32 i;

	four_frames(dev, reqs);
	fake_release_nth(dev->fake, 0);
	fake_counts_clear(dev->fake);
	fake_fail(dev->fake, SHARD_IO_APPEND, -EIO, 1);
	/* not what another processor sends meanwhile */
	KUNIT_EXPECT_EQ(test, fake_release(dev->fake, 3), 3u);
	fake_wait_pending(dev->fake, 1);
	KUNIT_EXPECT_EQ(test, dev->fake->nr_log, 1u);
	KUNIT_EXPECT_EQ(test, dev->fake->log[0].op, SHARD_IO_FLUSH);
	fake_mode_set(dev->fake, FAKE_LATER);
	fake_release_all(dev->fake);
	for (i = 0; i < 4; i++)
		KUNIT_EXPECT_EQ(test, testreq_wait(reqs[i]), 0);
	/* a manifest, then two copies, each flushed */
	for (op = &dev->fake->log[1]; op->op == SHARD_IO_APPEND; op++)
		KUNIT_EXPECT_TRUE(test, appends_to(dev, op, SHARD_META_STREAMS));
	KUNIT_EXPECT_EQ(test, (op++)->op, SHARD_IO_FLUSH);
	for (i = 1; i <= 4; i++, op++) {
		KUNIT_EXPECT_EQ(test, op->op, i % 2 ? SHARD_IO_APPEND :
						      SHARD_IO_FLUSH);
		if (i % 2)
			KUNIT_EXPECT_LT(test, op->offset,
					SHARDBLK_SUPER_EXTENTS * size);
	}
	while (op->op != SHARD_IO_APPEND)
		op++;
	KUNIT_EXPECT_TRUE(test, appends_to(dev, op, BIT(SHARDBLK_STREAM_HOST)));
}

/*
 * Goal: a write that fails wherever it goes is given up, and all behind it fail
 * too, in order; the device is read-only then, and serves what was acknowledged
 * (O2).
 * Method: of four frames all but the first fail, whatever they are asked for.
 */
static void a_write_that_fails_everywhere_fails_all_behind_it(struct kunit *test)
{
	struct testdev *dev = test->priv;
	struct testreq *reqs[4];
	u32 i;

	four_frames(dev, reqs);
	fake_release_nth(dev->fake, 0);
	KUNIT_EXPECT_EQ(test, testreq_wait(reqs[0]), 0);
	fake_fail(dev->fake, SHARD_IO_APPEND, -EIO, 0);
	fake_mode_set(dev->fake, FAKE_LATER);
	fake_release_all(dev->fake);
	for (i = 1; i < 4; i++) {
		KUNIT_EXPECT_EQ(test, testreq_wait(reqs[i]), -EIO);
		KUNIT_EXPECT_EQ(test, reqs[i]->order, i + 1);
	}
	fake_heal(dev->fake);
	KUNIT_EXPECT_EQ(test, shard_device_state(dev->device),
			SHARD_STATE_READ_ONLY);
	KUNIT_EXPECT_EQ(test, testdev_write(dev, 0, 1, 5), -EROFS);
	KUNIT_EXPECT_EQ(test, testdev_discard(dev, 0, 1), -EROFS);
	KUNIT_EXPECT_EQ(test, shard_device_checkpoint(dev->device), -EROFS);
	testdev_expect(dev, 50, 1, 99);
	testdev_expect(dev, 0, 1, 1);
	testdev_expect_holes(dev, 1, 3);
	/* what was acknowledged can still be made durable */
	KUNIT_EXPECT_EQ(test, testdev_flush(dev), 0);
	KUNIT_EXPECT_EQ(test, testdev_stat(dev, write_errors), 5ull);
	testdev_crash(dev);
	KUNIT_ASSERT_EQ(test, testdev_open(dev), 0);
	testdev_expect(dev, 50, 1, 99);
	testdev_expect(dev, 0, 1, 1);
	KUNIT_EXPECT_EQ(test, testdev_write(dev, 0, 1, 5), 0);
}

/*
 * Goal: a frame is tried SHARD_FRAME_TRIES times, each time in another extent,
 * and whoever waits for a buffer meanwhile waits no longer than that.
 * Method: many more requests than buffers; nothing can be written but records.
 */
static void a_frame_is_tried_in_several_extents(struct kunit *test)
{
	u64 size = TESTDEV_EXTENT_BLOCKS * TESTDEV_BLOCK;
	struct testdev *dev = test->priv;
	u64 nr_extents = 0, last = 0;
	struct testreq *reqs[40];
	u32 i;

	settle(dev);
	fake_mode_set(dev->fake, FAKE_HELD);
	for (i = 0; i < ARRAY_SIZE(reqs); i++) {
		reqs[i] = testdev_start(dev, SHARD_WRITE, i, 1, i + 1, false);
		shard_device_commit(dev->device);
	}
	fake_fail(dev->fake, SHARD_IO_APPEND, -EIO, 0);
	dev->fake->faults[SHARD_IO_APPEND].from = SHARDBLK_SUPER_EXTENTS * size;
	fake_mode_set(dev->fake, FAKE_LATER);
	fake_release_all(dev->fake);
	for (i = 0; i < ARRAY_SIZE(reqs); i++)
		KUNIT_EXPECT_LT(test, testreq_wait(reqs[i]), 0);
	testdev_expect_holes(dev, 0, 3);
	for (i = 0; i < dev->fake->nr_log; i++) {
		struct fake_op *op = &dev->fake->log[i];

		if (!appends_to(dev, op, BIT(SHARDBLK_STREAM_HOST)) ||
		    op->offset / size == last)
			continue;
		last = op->offset / size;
		nr_extents++;
	}
	KUNIT_EXPECT_EQ(test, nr_extents, (u64)SHARD_FRAME_TRIES);
	KUNIT_EXPECT_EQ(test, testdev_stat(dev, write_retries),
			SHARD_FRAME_TRIES - 1ull);
}

/*
 * Goal: a failed flush fails its requests, and nothing becomes durable any
 * more: the device is read-only (O3).
 * Method: one backing flush fails.
 */
static void a_failed_flush_makes_the_device_read_only(struct kunit *test)
{
	struct testdev *dev = test->priv;

	settle(dev);
	KUNIT_EXPECT_EQ(test, testdev_write(dev, 1, 1, 1), 0);
	fake_fail(dev->fake, SHARD_IO_FLUSH, -EIO, 1);
	KUNIT_EXPECT_EQ(test, testdev_flush(dev), -EIO);
	KUNIT_EXPECT_EQ(test, shard_device_state(dev->device),
			SHARD_STATE_READ_ONLY);
	KUNIT_EXPECT_EQ(test, testdev_flush(dev), -EIO);
	KUNIT_EXPECT_EQ(test, testdev_write_fua(dev, 1, 1, 2), -EROFS);
	testdev_expect(dev, 1, 1, 1);
}

/*
 * Goal: nor does a record say that something is durable whose flush failed: the next
 * start would miss it (O3).
 * Method: a write that is not flushed yet; the one behind it fails, and then the flush
 * before the old extent is given its end; cut the power.  Records are durable at once.
 */
static void a_failed_flush_gives_no_extent_its_end(struct kunit *test)
{
	struct testdev *dev = testdev_create(test, true, true);

	settle(dev);
	KUNIT_EXPECT_EQ(test, testdev_write_fua(dev, 1, 1, 1), 0);
	KUNIT_EXPECT_EQ(test, testdev_write(dev, 2, 1, 2), 0);
	fake_fail(dev->fake, SHARD_IO_APPEND, -EIO, 1);
	fake_fail(dev->fake, SHARD_IO_FLUSH, -EIO, 1);
	KUNIT_EXPECT_NE(test, testdev_write(dev, 3, 1, 3), 0);
	KUNIT_EXPECT_EQ(test, shard_device_state(dev->device),
			SHARD_STATE_READ_ONLY);
	testdev_crash(dev);
	KUNIT_ASSERT_EQ(test, testdev_open(dev), 0);
	testdev_expect(dev, 1, 1, 1);
	testdev_expect_holes(dev, 2, 2);
	testdev_destroy(dev);
}

/*
 * Goal: a buffer that changes while it is written spoils nothing: what is
 * read is one content or the other, checked.
 * Method: change it between submit and commit, and while it is under way.
 */
static void a_buffer_may_change_while_it_is_written(struct kunit *test)
{
	struct testdev *dev = test->priv;
	struct testreq *req;
	int got;

	settle(dev);
	fake_mode_set(dev->fake, FAKE_HELD);
	req = testdev_start(dev, SHARD_WRITE, 1, 1, 0x11, false);
	memset(req->seg.addr, 0x22, req->seg.len);
	shard_device_commit(dev->device);
	memset(req->seg.addr, 0x33, req->seg.len);
	fake_release_all(dev->fake);
	KUNIT_EXPECT_EQ(test, testreq_wait(req), 0);
	fake_mode_set(dev->fake, FAKE_AT_ONCE);
	got = testdev_read(dev, 1);
	KUNIT_EXPECT_TRUE(test, got == 0x11 || got == 0x22 || got == 0x33);
}

/*
 * Goal: a load much larger than memtables and log goes on, checkpoint after
 * checkpoint, and keeps every block.
 * Method: 1,000 writes and discards on a slow device; compare with an array.
 */
static void a_long_load_goes_on_through_checkpoints(struct kunit *test)
{
	struct testdev *dev = test->priv;
	u8 *model = kunit_kzalloc(test, TESTDEV_BLOCKS, GFP_KERNEL);
	u32 i, seed = 7;

	KUNIT_ASSERT_NOT_NULL(test, model);
	KUNIT_ASSERT_EQ(test, testdev_close(dev), 0);
	dev->options.memtable_entries = 8;
	dev->options.checkpoint_frames = 20;
	KUNIT_ASSERT_EQ(test, testdev_open(dev), 0);
	fake_mode_set(dev->fake, FAKE_LATER);
	for (i = 0; i < 1000; i++) {
		u32 lba;

		seed = seed * 1664525 + 1013904223;
		lba = (seed >> 10) % TESTDEV_BLOCKS;
		if (seed >> 30) {
			model[lba] = i | 1;
			KUNIT_ASSERT_EQ(test, testdev_write(dev, lba, 1,
							    i | 1), 0);
		} else {
			model[lba] = 0;
			KUNIT_ASSERT_EQ(test, testdev_discard(dev, lba, 1), 0);
		}
	}
	KUNIT_EXPECT_GT(test, testdev_stat(dev, checkpoints), 10ull);
	for (i = 0; i < TESTDEV_BLOCKS; i++)
		KUNIT_EXPECT_EQ(test, testdev_read(dev, i), model[i]);
	testdev_restart(dev);
	for (i = 0; i < TESTDEV_BLOCKS; i++)
		KUNIT_EXPECT_EQ(test, testdev_read(dev, i), model[i]);
}

static struct kunit_case write_cases[] = {
	KUNIT_CASE(the_newest_word_on_a_block_counts),
	KUNIT_CASE(requests_are_acknowledged_in_order),
	KUNIT_CASE(a_write_is_seen_once_it_is_acknowledged),
	KUNIT_CASE(more_requests_than_buffers_all_get_through),
	KUNIT_CASE(a_crash_loses_the_end_and_nothing_else),
	KUNIT_CASE(flushes_share_backing_flushes),
	KUNIT_CASE(a_flush_with_nothing_new_costs_nothing),
	KUNIT_CASE(a_durable_write_covers_all_before_it),
	KUNIT_CASE(a_durable_discard_survives_a_power_cut),
	KUNIT_CASE(a_failed_write_is_written_again_elsewhere),
	KUNIT_CASE(the_old_extent_ends_before_anything_is_written_again),
	KUNIT_CASE(a_write_that_fails_everywhere_fails_all_behind_it),
	KUNIT_CASE(a_frame_is_tried_in_several_extents),
	KUNIT_CASE(a_failed_flush_makes_the_device_read_only),
	KUNIT_CASE(a_failed_flush_gives_no_extent_its_end),
	KUNIT_CASE(a_buffer_may_change_while_it_is_written),
	KUNIT_CASE(a_long_load_goes_on_through_checkpoints),
	{}
};

static struct kunit_suite write_suite = {
	.name = "shardblk-write",
	.init = write_init,
	.exit = write_exit,
	.test_cases = write_cases,
};

kunit_test_suites(&write_suite);
