// SPDX-License-Identifier: GPL-2.0-only
/*
 * Device: its states, what starting and stopping do, and what requests cost.
 */
#include <kunit/test.h>

#include "alloc_fault.h"
#include "forge.h"

static int device_init(struct kunit *test)
{
	test->priv = testdev_create(test, true, true);
	return 0;
}

static void device_exit(struct kunit *test)
{
	testdev_destroy(test->priv);
}

/* ---- what requests cost ---- */

/* Counts from here on: open, idle, all durable, extents ready. */
static void counts_begin(struct testdev *dev)
{
	KUNIT_EXPECT_EQ(dev->test, testdev_write(dev, 0, 1, 1), 0);
	KUNIT_EXPECT_EQ(dev->test, shard_device_checkpoint(dev->device), 0);
	KUNIT_EXPECT_EQ(dev->test, testdev_flush(dev), 0);
	/* Workers that were woken by that come to rest: they commit, too. */
	msleep(50);
	fake_counts_clear(dev->fake);
}

/*
 * Goal: 32 writes of one block, submitted together, make one backing write of
 * 33 blocks.
 * Method: submit them all, then commit once; count.
 */
static void writes_of_one_batch_share_a_backing_write(struct kunit *test)
{
	struct testdev *dev = testdev_create_large(test, 4096, 64);
	struct testreq *reqs[32];
	u32 i;

	counts_begin(dev);
	for (i = 0; i < 32; i++)
		reqs[i] = testdev_start(dev, SHARD_WRITE, 3 * i, 1, i + 1,
					false);
	KUNIT_EXPECT_EQ(test, dev->fake->nr[SHARD_IO_APPEND], 0ull);
	shard_device_commit(dev->device);
	for (i = 0; i < 32; i++)
		KUNIT_EXPECT_EQ(test, testreq_wait(reqs[i]), 0);
	KUNIT_EXPECT_EQ(test, dev->fake->nr[SHARD_IO_APPEND], 1ull);
	KUNIT_EXPECT_EQ(test, dev->fake->bytes[SHARD_IO_APPEND], 33ull * 4096);
	KUNIT_EXPECT_EQ(test, dev->fake->nr[SHARD_IO_FLUSH], 0ull);
	for (i = 0; i < 32; i++)
		testdev_expect(dev, 3 * i, 1, i + 1);
	testdev_destroy(dev);
}

/*
 * Goal: a durable write on an idle device is one backing write, and a flush
 * only where the device has a cache and no FUA.
 * Method: one FUA write on each kind of device.
 */
static void a_durable_write_is_one_backing_write(struct kunit *test)
{
	static const struct {
		bool cache, fua;
		u64 flushes, fua_writes;
	} kinds[] = {
		{ true, true, 0, 1 },
		{ true, false, 1, 0 },
		{ false, false, 0, 0 },
	};
	u32 i;

	for (i = 0; i < ARRAY_SIZE(kinds); i++) {
		struct testdev *dev = testdev_create(test, kinds[i].cache,
						     kinds[i].fua);

		counts_begin(dev);
		KUNIT_EXPECT_EQ(test, testdev_write_fua(dev, 5, 1, 7), 0);
		KUNIT_EXPECT_EQ(test, dev->fake->nr[SHARD_IO_APPEND], 1ull);
		KUNIT_EXPECT_EQ(test, dev->fake->bytes[SHARD_IO_APPEND],
				2ull * TESTDEV_BLOCK);
		KUNIT_EXPECT_EQ(test, dev->fake->nr_fua, kinds[i].fua_writes);
		KUNIT_EXPECT_EQ(test, dev->fake->nr[SHARD_IO_FLUSH],
				kinds[i].flushes);
		testdev_crash(dev);
		KUNIT_ASSERT_EQ(test, testdev_open(dev), 0);
		testdev_expect(dev, 5, 1, 7);
		testdev_destroy(dev);
	}
}

/*
 * Goal: 1,000 durable writes, one after the other, cost 1,000 host writes and
 * as many flushes at most, and at most 4 writes more per extent opened and
 * per checkpoint, each with a flush of its own at most.
 * Method: count by cause, on a device without FUA.
 */
static void a_thousand_durable_writes_cost_what_was_promised(struct kunit *test)
{
	struct testdev *dev = testdev_create_large(test, 512, 256);
	struct shard_stats_view was = testdev_stats(dev), is;
	u64 other, meta_flushes;
	u32 i;

	for (i = 0; i < 1000; i++)
		KUNIT_ASSERT_EQ(test, testdev_write_fua(dev, i % TESTDEV_BLOCKS,
							1, i), 0);
	is = testdev_stats(dev);
	other = is.index_writes - was.index_writes +
		is.meta_writes - was.meta_writes +
		is.super_writes - was.super_writes;
	meta_flushes = is.meta_flushes - was.meta_flushes;
	kunit_info(test, "host %llu, index %llu, manifest %llu, superblock %llu writes",
		   is.host_frames - was.host_frames,
		   is.index_writes - was.index_writes,
		   is.meta_writes - was.meta_writes,
		   is.super_writes - was.super_writes);
	kunit_info(test, "%llu flushes, %llu for metadata, %llu extents opened, %llu checkpoints",
		   is.backing_flushes - was.backing_flushes, meta_flushes,
		   is.extents_opened - was.extents_opened,
		   is.checkpoints - was.checkpoints);
	KUNIT_EXPECT_EQ(test, is.host_frames - was.host_frames, 1000ull);
	KUNIT_EXPECT_EQ(test, is.backing_writes - was.backing_writes,
			1000 + other);
	KUNIT_EXPECT_LE(test, meta_flushes, other);
	KUNIT_EXPECT_LE(test, other, 4 * (is.extents_opened -
			was.extents_opened + is.checkpoints - was.checkpoints));
	KUNIT_EXPECT_LE(test, is.backing_flushes - was.backing_flushes,
			1000 + meta_flushes);
	testdev_destroy(dev);
}

/*
 * Goal: between a write with commit on an idle device and the backing write
 * lies no work item, no timer and no sleep.
 * Method: hold the device back; the write is there before anybody else could
 * run, and was submitted by us.
 */
static void a_committed_write_is_issued_by_its_submitter(struct kunit *test)
{
	struct testdev *dev = test->priv;
	struct testreq *req;

	counts_begin(dev);
	fake_mode_set(dev->fake, FAKE_HELD);
	req = testdev_start(dev, SHARD_WRITE, 5, 1, 7, false);
	KUNIT_EXPECT_EQ(test, dev->fake->nr[SHARD_IO_APPEND], 0ull);
	shard_device_commit(dev->device);
	KUNIT_EXPECT_EQ(test, dev->fake->nr[SHARD_IO_APPEND], 1ull);
	KUNIT_EXPECT_PTR_EQ(test, dev->fake->submitter, (const void *)current);
	KUNIT_EXPECT_FALSE(test, req->done);
	fake_release(dev->fake, 1);
	/* and acknowledged in its completion */
	KUNIT_EXPECT_TRUE(test, req->done);
	KUNIT_EXPECT_EQ(test, testreq_wait(req), 0);
	fake_mode_set(dev->fake, FAKE_AT_ONCE);
}

/* ---- starting and stopping ---- */

/*
 * Goal: everything acknowledged is there after a clean stop, even if the power
 * is cut then.
 * Method: write, discard, close, cut, open.
 */
static void a_clean_stop_leaves_everything_durable(struct kunit *test)
{
	struct testdev *dev = test->priv;

	KUNIT_EXPECT_EQ(test, testdev_write(dev, 10, 6, 50), 0);
	KUNIT_EXPECT_EQ(test, testdev_discard(dev, 12, 2), 0);
	KUNIT_EXPECT_EQ(test, testdev_close(dev), 0);
	fake_power_cut(dev->fake);
	KUNIT_ASSERT_EQ(test, testdev_open(dev), 0);
	testdev_expect(dev, 10, 2, 50);
	testdev_expect_holes(dev, 12, 2);
	testdev_expect(dev, 14, 2, 54);
	testdev_expect_holes(dev, 16, 4);
}

/*
 * Goal: each way in which a device cannot be opened has its error.
 * Method: provoke them one after the other; a good open ends it.
 */
static void a_device_that_cannot_be_opened_says_why(struct kunit *test)
{
	struct testdev *dev = test->priv;
	struct shard_options good = dev->options;
	struct fake_backend *empty;
	struct shard_device *device = NULL;

	KUNIT_EXPECT_EQ(test, testdev_close(dev), 0);
	empty = fake_backend_create(test, 1 << 20, true, true);
	KUNIT_EXPECT_EQ(test, shard_device_open(&empty->backend, NULL, &device),
			-ENODEV);
	fake_backend_destroy(empty);
	dev->fake->backend.read_only = true;
	KUNIT_EXPECT_EQ(test, testdev_open(dev), -EROFS);
	dev->fake->backend.read_only = false;
	dev->options.memtable_entries = 1;
	KUNIT_EXPECT_EQ(test, testdev_open(dev), -EINVAL);
	dev->options = good;
	/* what is not given has a default */
	dev->options.memtable_entries = 0;
	dev->options.cache_pages = 0;
	KUNIT_EXPECT_EQ(test, testdev_open(dev), 0);
	KUNIT_EXPECT_EQ(test, testdev_close(dev), 0);
	dev->options = good;
	/* every budget that may be given is one that can be opened with */
	KUNIT_EXPECT_EQ(test, shard_options_memtable(64 << 10), 818u);
	dev->options.memtable_entries = shard_options_memtable(1u << 30);
	KUNIT_EXPECT_EQ(test, testdev_open(dev), 0);
	KUNIT_EXPECT_EQ(test, testdev_close(dev), 0);
	dev->options = good;
	dev->options.cache_pages = BIT(24) + 1;
	KUNIT_EXPECT_EQ(test, testdev_open(dev), -EINVAL);
	dev->options = good;
	dev->options.frames_in_flight = 17;
	KUNIT_EXPECT_EQ(test, testdev_open(dev), -EINVAL);
	dev->options = good;
	dev->options.memtable_entries = BIT(20) + 1;
	KUNIT_EXPECT_EQ(test, testdev_open(dev), -EINVAL);
	dev->options = good;
	dev->options.compact_runs = 1;
	KUNIT_EXPECT_EQ(test, testdev_open(dev), -EINVAL);
	dev->options.compact_runs = 13;
	KUNIT_EXPECT_EQ(test, testdev_open(dev), -EINVAL);
	dev->options = good;
	dev->options.frames_in_flight = 16;
	dev->options.compact_runs = 12;
	dev->options.compact_oldest = 1024;
	KUNIT_EXPECT_EQ(test, testdev_open(dev), 0);
	KUNIT_EXPECT_EQ(test, testdev_close(dev), 0);
	dev->options.compact_oldest = 1025;
	KUNIT_EXPECT_EQ(test, testdev_open(dev), -EINVAL);
	dev->options = good;
	dev->fake->backend.capacity /= 2;
	KUNIT_EXPECT_EQ(test, testdev_open(dev), -EUCLEAN);
	dev->fake->backend.capacity *= 2;
	fake_fail(dev->fake, SHARD_IO_FLUSH, -EIO, 0);
	KUNIT_EXPECT_EQ(test, testdev_open(dev), -EIO);
	fake_heal(dev->fake);
	fake_fail(dev->fake, SHARD_IO_APPEND, -EIO, 0);
	KUNIT_EXPECT_EQ(test, testdev_open(dev), -EIO);
	fake_heal(dev->fake);
	KUNIT_EXPECT_EQ(test, testdev_open(dev), 0);
}

static void expect_opens_to_read(struct testdev *dev)
{
	struct kunit *test = dev->test;

	dev->options.read_only = true;
	KUNIT_ASSERT_EQ(test, testdev_open(dev), 0);
	testdev_expect(dev, 3, 2, 9);
	KUNIT_EXPECT_EQ(test, testdev_close(dev), 0);
	dev->options.read_only = false;
}

/*
 * Goal: with numbers that a device cannot have given, and soon would not believe
 * itself, it is opened for reading only.
 * Method: forge the last number of a request, then the newest record's; half of
 * what is believed is the most.
 */
static void a_device_that_has_no_numbers_left_is_read_only(struct kunit *test)
{
	struct testdev *dev = test->priv;
	struct forge *f;
	u32 copy, page;
	u8 *image;

	KUNIT_ASSERT_EQ(test, testdev_write(dev, 3, 2, 9), 0);
	KUNIT_ASSERT_EQ(test, shard_device_checkpoint(dev->device), 0);
	KUNIT_ASSERT_EQ(test, testdev_close(dev), 0);
	image = fake_snapshot(test, dev->fake);
	f = forge_begin(dev);
	f->record->durable_seq = BIT_ULL(61) + 1;
	f->record->checkpoint_seq = f->record->durable_seq;
	for (copy = 0; copy < SHARDBLK_MANIFEST_COPIES; copy++) {
		for (page = 0; page < f->record->manifest[copy].nr_blocks; page++)
			forge_page(f, copy, page)->checkpoint_seq =
				cpu_to_le64(f->record->checkpoint_seq);
		forge_manifest(f, copy);
	}
	KUNIT_EXPECT_EQ(test, testdev_open(dev), -EUCLEAN);
	expect_opens_to_read(dev);

	fake_restore(dev->fake, image);
	kvfree(image);
	f = forge_begin(dev);
	f->record->number = BIT_ULL(46);
	forge_record(f);
	KUNIT_ASSERT_EQ(test, testdev_open(dev), 0);
	KUNIT_ASSERT_EQ(test, testdev_close(dev), 0);
	/* the records that it has written are above that */
	KUNIT_EXPECT_EQ(test, testdev_open(dev), -EUCLEAN);
	expect_opens_to_read(dev);
}

/*
 * Goal: a device whose image was copied to a disk of larger physical blocks, which begin
 * elsewhere, works there, though not as safely, which is said.
 * Method: such a disk; read-only, where nothing can be lost, and not.
 */
static void larger_physical_blocks_refuse_nothing(struct kunit *test)
{
	struct testdev *dev = test->priv;

	KUNIT_ASSERT_EQ(test, testdev_write(dev, 3, 2, 9), 0);
	KUNIT_ASSERT_EQ(test, testdev_close(dev), 0);
	dev->fake->backend.physical_block_size = 4096;
	dev->fake->backend.misaligned = true;
	expect_opens_to_read(dev);
	KUNIT_ASSERT_EQ(test, testdev_open(dev), 0);
	testdev_expect(dev, 3, 2, 9);
	KUNIT_EXPECT_EQ(test, testdev_write(dev, 3, 2, 19), 0);
	testdev_expect(dev, 3, 2, 19);
}

/*
 * Goal: a disk of which nothing can be read is not taken for an empty one.
 * Method: all reads fail.
 */
static void an_unreadable_disk_is_not_taken_for_an_empty_one(struct kunit *test)
{
	struct testdev *dev = test->priv;

	KUNIT_EXPECT_EQ(test, testdev_close(dev), 0);
	fake_fail(dev->fake, SHARD_IO_READ, -EIO, 0);
	KUNIT_EXPECT_EQ(test, testdev_open(dev), -EIO);
	fake_heal(dev->fake);
}

/*
 * Goal: a device opened read-only serves reads, refuses all else, and writes
 * nothing.
 * Method: one request of each kind; count operations.
 */
static void a_read_only_device_writes_nothing(struct kunit *test)
{
	struct testdev *dev = test->priv;

	KUNIT_EXPECT_EQ(test, testdev_write(dev, 3, 2, 9), 0);
	KUNIT_EXPECT_EQ(test, testdev_close(dev), 0);
	fake_counts_clear(dev->fake);
	dev->options.read_only = true;
	dev->fake->backend.read_only = true;
	KUNIT_ASSERT_EQ(test, testdev_open(dev), 0);
	KUNIT_EXPECT_EQ(test, shard_device_state(dev->device),
			SHARD_STATE_READ_ONLY);
	testdev_expect(dev, 3, 2, 9);
	KUNIT_EXPECT_EQ(test, testdev_write(dev, 3, 1, 1), -EROFS);
	KUNIT_EXPECT_EQ(test, testdev_discard(dev, 3, 1), -EROFS);
	KUNIT_EXPECT_EQ(test, testdev_flush(dev), 0);
	KUNIT_EXPECT_EQ(test, shard_device_checkpoint(dev->device), -EROFS);
	KUNIT_EXPECT_EQ(test, shard_device_compact(dev->device), -EROFS);
	KUNIT_EXPECT_EQ(test, shard_device_reclaim(dev->device), -EROFS);
	KUNIT_EXPECT_EQ(test, testdev_close(dev), 0);
	KUNIT_EXPECT_EQ(test, dev->fake->nr[SHARD_IO_APPEND], 0ull);
	KUNIT_EXPECT_EQ(test, dev->fake->nr[SHARD_IO_FLUSH], 0ull);
	KUNIT_EXPECT_EQ(test, dev->fake->nr[SHARD_IO_RESET], 0ull);
}

/* Each allocation of an open fails in turn; it is open in the end. */
static void open_without_memory(struct kunit *test)
{
	struct testdev *dev = test->priv;
	bool struck;
	u32 n;
	int err;

	for (n = 1; n < ALLOC_FAULT_MAX; n++) {
		alloc_fault_arm(n);
		err = testdev_open(dev);
		struck = alloc_fault_disarm();
		if (err)
			KUNIT_EXPECT_EQ(test, err, -ENOMEM);
		if (!err && !struck)
			break;
		if (!err)
			KUNIT_EXPECT_EQ(test, testdev_close(dev), 0);
	}
	KUNIT_ASSERT_EQ(test, err, 0);
}

/*
 * Goal: an open without memory fails cleanly, and the device can be opened
 * afterwards.
 * Method: let each allocation of an open fail in turn.
 */
static void without_memory_an_open_fails_cleanly(struct kunit *test)
{
	struct testdev *dev = test->priv;

	KUNIT_EXPECT_EQ(test, testdev_write(dev, 3, 2, 9), 0);
	KUNIT_EXPECT_EQ(test, shard_device_checkpoint(dev->device), 0);
	KUNIT_EXPECT_EQ(test, testdev_close(dev), 0);
	open_without_memory(test);
	testdev_expect(dev, 3, 2, 9);
}

/*
 * Goal: so does one that has to wipe what it cannot read, to try bad extents
 * again, and to freeze a memtable that the log does not fit into.
 * Method: the same, of such a device.
 */
static void without_memory_no_open_does_more_than_others(struct kunit *test)
{
	struct testdev *dev = test->priv;
	u32 i;

	for (i = 0; i < 10; i++)
		KUNIT_EXPECT_EQ(test, testdev_write(dev, 4 * i, 1, i + 1), 0);
	KUNIT_EXPECT_EQ(test, testdev_flush(dev), 0);
	testdev_crash(dev);
	dev->options.memtable_entries = 16;
	dev->options.retry_bad = true;
	dev->fake->bad_offset = 2 * dev->format.extent_size;
	open_without_memory(test);
	for (i = 0; i < 10; i++)
		testdev_expect(dev, 4 * i, 1, i + 1);
}

/*
 * Goal: nobody needs to be told of anything.
 * Method: no callbacks; a start, a write, the end of the backing device.
 */
static void nobody_needs_to_listen(struct kunit *test)
{
	struct testdev *dev = test->priv;

	KUNIT_EXPECT_EQ(test, testdev_close(dev), 0);
	dev->options.state_changed = NULL;
	dev->options.space_changed = NULL;
	KUNIT_ASSERT_EQ(test, testdev_open(dev), 0);
	KUNIT_EXPECT_EQ(test, testdev_write(dev, 3, 2, 9), 0);
	shard_device_fail(dev->device);
	KUNIT_EXPECT_EQ(test, testdev_write(dev, 3, 2, 9), -EIO);
	KUNIT_EXPECT_EQ(test, dev->nr_states, 0u);
}

/* ---- states ---- */

/*
 * Goal: what is to be known about a device is told.
 * Method: compare with how it was formatted, and with what was done.
 */
static void a_device_tells_about_itself(struct kunit *test)
{
	struct testdev *dev = test->priv;
	struct shard_info *info = kunit_kzalloc(test, sizeof(*info), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, info);
	KUNIT_EXPECT_EQ(test, testdev_write(dev, 0, 4, 1), 0);
	KUNIT_EXPECT_EQ(test, testdev_discard(dev, 0, 1), 0);
	testdev_expect(dev, 1, 1, 2);
	KUNIT_EXPECT_EQ(test, shard_device_checkpoint(dev->device), 0);
	KUNIT_EXPECT_EQ(test, testdev_write(dev, 9, 1, 1), 0);
	shard_device_info(dev->device, info);
	KUNIT_EXPECT_EQ(test, info->state, SHARD_STATE_READ_WRITE);
	KUNIT_EXPECT_FALSE(test, info->read_only);
	KUNIT_EXPECT_EQ(test, info->block_size, TESTDEV_BLOCK);
	KUNIT_EXPECT_EQ(test, info->extent_blocks, TESTDEV_EXTENT_BLOCKS);
	KUNIT_EXPECT_EQ(test, info->nr_extents, TESTDEV_EXTENTS);
	KUNIT_EXPECT_EQ(test, info->logical_blocks, (u64)TESTDEV_BLOCKS);
	KUNIT_EXPECT_EQ(test, info->request_blocks_max,
			TESTDEV_EXTENT_BLOCKS - 1);
	KUNIT_EXPECT_EQ(test, info->super_extents + info->meta_extents +
			info->index_extents + info->reloc_extents +
			info->discard_extents +
			info->host_extents, TESTDEV_EXTENTS);
	KUNIT_EXPECT_EQ(test, info->mapped_blocks, 3ull);
	KUNIT_EXPECT_EQ(test, info->applied_seq, 3ull);
	KUNIT_EXPECT_EQ(test, info->checkpoint_seq, 2ull);
	KUNIT_EXPECT_GE(test, info->durable_seq, 2ull);
	KUNIT_EXPECT_EQ(test, info->log_blocks, 2ull);
	KUNIT_EXPECT_EQ(test, info->stats.writes, 2ull);
	KUNIT_EXPECT_EQ(test, info->stats.discards, 1ull);
	KUNIT_EXPECT_EQ(test, info->stats.reads, 1ull);
	KUNIT_EXPECT_EQ(test, info->stats.checkpoints, 1ull);
}

/*
 * Goal: states have names, for people.
 * Method: all of them.
 */
static void states_have_names(struct kunit *test)
{
	KUNIT_EXPECT_STREQ(test, shard_state_name(SHARD_STATE_READ_WRITE),
			   "read-write");
	KUNIT_EXPECT_STREQ(test, shard_state_name(SHARD_STATE_FULL), "full");
	KUNIT_EXPECT_STREQ(test, shard_state_name(SHARD_STATE_READ_ONLY),
			   "read-only");
	KUNIT_EXPECT_STREQ(test, shard_state_name(SHARD_STATE_FAILED),
			   "failed");
}

/*
 * Goal: a request that is out of range, or has no blocks, is refused.
 * Method: each kind of request around the end of the device.
 */
static void requests_out_of_range_are_refused(struct kunit *test)
{
	struct testdev *dev = test->priv;
	u32 max = TESTDEV_EXTENT_BLOCKS - 1;

	KUNIT_EXPECT_EQ(test, testdev_write(dev, TESTDEV_BLOCKS - 1, 1, 5), 0);
	KUNIT_EXPECT_EQ(test, testdev_write(dev, TESTDEV_BLOCKS, 1, 5),
			-EINVAL);
	KUNIT_EXPECT_EQ(test, testdev_write(dev, TESTDEV_BLOCKS - 1, 2, 5),
			-EINVAL);
	KUNIT_EXPECT_EQ(test, testdev_write(dev, U64_MAX, 1, 5), -EINVAL);
	KUNIT_EXPECT_EQ(test, testdev_write(dev, 0, 0, 5), -EINVAL);
	KUNIT_EXPECT_EQ(test, testdev_write(dev, 0, max, 5), 0);
	KUNIT_EXPECT_EQ(test, testdev_write(dev, 0, max + 1, 5), -EINVAL);
	KUNIT_EXPECT_EQ(test, testdev_read(dev, TESTDEV_BLOCKS), -EINVAL);
	KUNIT_EXPECT_EQ(test, testreq_wait(testdev_start(dev, SHARD_READ, 0, 0,
							 0, false)), -EINVAL);
	KUNIT_EXPECT_EQ(test, testreq_wait(testdev_start(dev, SHARD_READ, 0,
							 max + 1, 0, false)),
			-EINVAL);
	KUNIT_EXPECT_EQ(test, testdev_discard(dev, 0, TESTDEV_BLOCKS), 0);
	KUNIT_EXPECT_EQ(test, testdev_discard(dev, 0, TESTDEV_BLOCKS + 1),
			-EINVAL);
	KUNIT_EXPECT_EQ(test, testdev_discard(dev, 5, 0), -EINVAL);
	testdev_expect_holes(dev, 0, 3);
}

/*
 * Goal: when the backing device is gone, everything fails, at once and for
 * good, and the device can be closed.
 * Method: fail it; one request of each kind.
 */
static void a_device_whose_backing_is_gone_fails_everything(struct kunit *test)
{
	struct testdev *dev = test->priv;

	KUNIT_EXPECT_EQ(test, testdev_write(dev, 0, 1, 5), 0);
	shard_device_fail(dev->device);
	shard_device_fail(dev->device);
	KUNIT_EXPECT_EQ(test, shard_device_state(dev->device),
			SHARD_STATE_FAILED);
	KUNIT_EXPECT_EQ(test, dev->nr_states, 1u);
	KUNIT_EXPECT_EQ(test, testdev_read(dev, 0), -EIO);
	KUNIT_EXPECT_EQ(test, testdev_write(dev, 0, 1, 5), -EIO);
	KUNIT_EXPECT_EQ(test, testdev_discard(dev, 0, 1), -EIO);
	KUNIT_EXPECT_EQ(test, testdev_flush(dev), -EIO);
	KUNIT_EXPECT_EQ(test, shard_device_checkpoint(dev->device), -EIO);
	KUNIT_EXPECT_LT(test, testdev_close(dev), 0);
}

/*
 * Goal: a device that promises no more than it has is never full, whatever is
 * left alive in each extent.
 * Method: keep one live block in each extent, several times as many as there
 * are extents.
 */
static void a_provisioned_device_is_never_full(struct kunit *test)
{
	struct testdev *dev = test->priv;
	u32 lba, i;

	for (lba = 0; lba < TESTDEV_BLOCKS - 1; lba++) {
		KUNIT_ASSERT_EQ(test, testdev_write(dev, lba, 1, lba + 1), 0);
		for (i = 0; i < 7; i++)
			testdev_write(dev, TESTDEV_BLOCKS - 1, 1, i);
	}
	KUNIT_EXPECT_GT(test, testdev_stats(dev).reclaimed_extents, 0ull);
	KUNIT_EXPECT_EQ(test, testdev_flush(dev), 0);
	testdev_crash(dev);
	KUNIT_ASSERT_EQ(test, testdev_open(dev), 0);
	for (lba = 0; lba < TESTDEV_BLOCKS - 1; lba++)
		testdev_expect(dev, lba, 1, lba + 1);
}

/*
 * Goal: a full device refuses writes, serves reads and discards, and takes
 * writes again once there is space.
 * Method: write more to a thin device than it has extents for; then discard
 * all of it.  Nobody asks for a checkpoint.
 */
static void a_full_device_can_always_be_emptied(struct kunit *test)
{
	u32 blocks = 2 * TESTDEV_EXTENTS * TESTDEV_EXTENT_BLOCKS;
	struct testdev *dev = test->priv;
	u32 lba, i;
	int err = 0;

	KUNIT_ASSERT_EQ(test, testdev_close(dev), 0);
	dev->format.logical_size = (u64)blocks * TESTDEV_BLOCK;
	KUNIT_ASSERT_EQ(test, testdev_format(dev), -ENOSPC);
	dev->format.thin = true;
	KUNIT_ASSERT_EQ(test, testdev_format(dev), 0);
	KUNIT_ASSERT_EQ(test, testdev_open(dev), 0);
	for (lba = 0; lba < blocks && !err; lba++)
		err = testdev_write(dev, lba, 1, lba % 250 + 1);
	KUNIT_ASSERT_EQ(test, err, -ENOSPC);
	KUNIT_EXPECT_GT(test, lba, TESTDEV_BLOCKS);
	KUNIT_EXPECT_EQ(test, shard_device_state(dev->device),
			SHARD_STATE_FULL);
	KUNIT_EXPECT_EQ(test, testdev_write(dev, 0, 1, 1), -ENOSPC);
	KUNIT_EXPECT_EQ(test, testdev_flush(dev), 0);
	/* it is stopped as any other */
	testdev_restart(dev);
	for (i = 0; i + 2 < lba; i++)
		testdev_expect(dev, i, 1, i % 250 + 1);
	KUNIT_EXPECT_EQ(test, testdev_discard(dev, 0, blocks), 0);
	KUNIT_EXPECT_EQ(test, testdev_flush(dev), 0);
	/* extents come back in the background, while this sleeps */
	for (i = 0; i < 1000; i++) {
		err = testdev_write(dev, 7, 1, 0x77);
		if (err != -ENOSPC)
			break;
		testdev_sleep(dev);
	}
	KUNIT_EXPECT_EQ(test, err, 0);
	KUNIT_EXPECT_EQ(test, shard_device_state(dev->device),
			SHARD_STATE_READ_WRITE);
	testdev_expect(dev, 7, 1, 0x77);
	testdev_expect_holes(dev, 8, 4);
}

static struct kunit_case device_cases[] = {
	KUNIT_CASE(writes_of_one_batch_share_a_backing_write),
	KUNIT_CASE(a_durable_write_is_one_backing_write),
	KUNIT_CASE(a_thousand_durable_writes_cost_what_was_promised),
	KUNIT_CASE(a_committed_write_is_issued_by_its_submitter),
	KUNIT_CASE(a_clean_stop_leaves_everything_durable),
	KUNIT_CASE(a_device_that_cannot_be_opened_says_why),
	KUNIT_CASE(a_device_that_has_no_numbers_left_is_read_only),
	KUNIT_CASE(larger_physical_blocks_refuse_nothing),
	KUNIT_CASE(an_unreadable_disk_is_not_taken_for_an_empty_one),
	KUNIT_CASE(a_read_only_device_writes_nothing),
	KUNIT_CASE(without_memory_an_open_fails_cleanly),
	KUNIT_CASE(without_memory_no_open_does_more_than_others),
	KUNIT_CASE(nobody_needs_to_listen),
	KUNIT_CASE(a_device_tells_about_itself),
	KUNIT_CASE(states_have_names),
	KUNIT_CASE(requests_out_of_range_are_refused),
	KUNIT_CASE(a_device_whose_backing_is_gone_fails_everything),
	KUNIT_CASE(a_provisioned_device_is_never_full),
	KUNIT_CASE(a_full_device_can_always_be_emptied),
	{}
};

static struct kunit_suite device_suite = {
	.name = "shardblk-device",
	.init = device_init,
	.exit = device_exit,
	.test_cases = device_cases,
};

kunit_test_suites(&device_suite);
