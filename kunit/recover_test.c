// SPDX-License-Identifier: GPL-2.0-only
/*
 * Recovery: what a start finds, what it refuses, and what it does first.
 */
#include <kunit/test.h>

#include "testdev.h"
#include "../kmod/core/codec.h"
#include "../kmod/core/recover.h"

#define EXTENT_SIZE	(TESTDEV_EXTENT_BLOCKS * TESTDEV_BLOCK)

static int recover_init(struct kunit *test)
{
	test->priv = testdev_create(test, true, false);
	return 0;
}

static void recover_exit(struct kunit *test)
{
	testdev_destroy(test->priv);
}

/* The newest record of each copy on the medium; closed devices only. */
static u64 newest_record(struct testdev *dev, u32 copy)
{
	u64 best = 0, at = U64_MAX;
	u32 extent, block;

	for (extent = copy; extent < SHARDBLK_SUPER_EXTENTS;
	     extent += SHARDBLK_SUPER_COPIES) {
		for (block = 0; block < TESTDEV_EXTENT_BLOCKS; block++) {
			u64 offset = extent * EXTENT_SIZE +
				     block * TESTDEV_BLOCK;
			struct shardblk_super *d =
				(void *)(dev->fake->media + offset);

			if (le32_to_cpu(d->h.magic) != SHARDBLK_SUPER_MAGIC ||
			    le64_to_cpu(d->number) <= best)
				continue;
			best = le64_to_cpu(d->number);
			at = offset;
		}
	}
	KUNIT_ASSERT_NE(dev->test, at, U64_MAX);
	return at;
}

/* The n-th host frame with data on the medium, in order of numbers. */
static u64 host_frame(struct testdev *dev, u64 seq)
{
	u64 at;

	for (at = 4 * EXTENT_SIZE; at < dev->fake->backend.capacity;
	     at += TESTDEV_BLOCK) {
		struct shardblk_frame *d = (void *)(dev->fake->media + at);

		if (le32_to_cpu(d->h.magic) == SHARDBLK_FRAME_MAGIC &&
		    d->stream == SHARDBLK_STREAM_HOST &&
		    le64_to_cpu(d->seq) == seq)
			return at;
	}
	KUNIT_ASSERT_TRUE_MSG(dev->test, false, "no frame %llu", seq);
	return 0;
}

/*
 * Goal: every start takes over where the last one stopped, be it a clean stop
 * or a crash, any number of times.
 * Method: write, flush and crash or stop, forty times; some with checkpoints.
 */
static void starts_follow_one_another(struct kunit *test)
{
	struct testdev *dev = test->priv;
	u32 i;

	for (i = 0; i < 40; i++) {
		u32 lba = i * 3 % TESTDEV_BLOCKS;

		KUNIT_ASSERT_EQ(test, testdev_write(dev, lba, 2, i + 1), 0);
		if (i % 5 == 0)
			KUNIT_ASSERT_EQ(test,
					shard_device_checkpoint(dev->device), 0);
		KUNIT_ASSERT_EQ(test, testdev_flush(dev), 0);
		if (i % 2)
			testdev_crash(dev);
		else
			KUNIT_ASSERT_EQ(test, testdev_close(dev), 0);
		KUNIT_ASSERT_EQ(test, testdev_open(dev), 0);
		testdev_expect(dev, lba, 2, i + 1);
	}
	for (i = 0; i < 40; i++)
		testdev_expect(dev, i * 3 % TESTDEV_BLOCKS, 2, i + 1);
}

/*
 * Goal: a start writes nothing before it has flushed, and then a record of its
 * own (O8).
 * Method: look at the first operations of a start after a crash.
 */
static void a_start_flushes_then_writes_its_record(struct kunit *test)
{
	struct testdev *dev = test->priv;
	u32 i;

	KUNIT_EXPECT_EQ(test, testdev_write_fua(dev, 1, 1, 1), 0);
	testdev_crash(dev);
	fake_counts_clear(dev->fake);
	KUNIT_ASSERT_EQ(test, testdev_open(dev), 0);
	for (i = 0; i < dev->fake->nr_log; i++)
		if (dev->fake->log[i].op != SHARD_IO_READ)
			break;
	KUNIT_EXPECT_EQ(test, dev->fake->log[i].op, SHARD_IO_FLUSH);
	i++;
	while (dev->fake->log[i].op == SHARD_IO_FLUSH ||
	       dev->fake->log[i].op == SHARD_IO_READ)
		i++;
	KUNIT_EXPECT_EQ(test, dev->fake->log[i].op, SHARD_IO_APPEND);
	KUNIT_EXPECT_LT(test, dev->fake->log[i].offset, 4ull * EXTENT_SIZE);
}

/*
 * Goal: a start that is cut short leaves nothing that the next one would not
 * cope with (O8).
 * Method: fail the n-th write of a start and cut the power, for each n until
 * a start gets through.
 */
static void a_start_may_be_cut_short_anywhere(struct kunit *test)
{
	struct testdev *dev = test->priv;
	u32 n;
	int err = -EIO;

	KUNIT_EXPECT_EQ(test, testdev_write_fua(dev, 1, 5, 0x31), 0);
	testdev_crash(dev);
	for (n = 0; n < 10 && err; n++) {
		fake_fail(dev->fake, SHARD_IO_APPEND, -EIO, 0);
		dev->fake->faults[SHARD_IO_APPEND].skip = n;
		err = testdev_open(dev);
		fake_power_cut(dev->fake);
		fake_heal(dev->fake);
		if (!err)
			break;
		KUNIT_EXPECT_EQ(test, err, -EIO);
	}
	KUNIT_ASSERT_EQ(test, err, 0);
	testdev_crash(dev);
	KUNIT_ASSERT_EQ(test, testdev_open(dev), 0);
	testdev_expect(dev, 1, 5, 0x31);
}

/*
 * Goal: one copy of the superblock suffices: rotten, or not readable; the
 * start puts it right.
 * Method: break the one copy, then the other.
 */
static void one_copy_of_the_superblock_suffices(struct kunit *test)
{
	struct testdev *dev = test->priv;
	u32 copy;

	KUNIT_EXPECT_EQ(test, testdev_write(dev, 1, 5, 0x31), 0);
	for (copy = 0; copy < SHARDBLK_SUPER_COPIES; copy++) {
		KUNIT_ASSERT_EQ(test, testdev_close(dev), 0);
		fake_rot(dev->fake, newest_record(dev, copy) + 50);
		KUNIT_ASSERT_EQ(test, testdev_open(dev), 0);
		testdev_expect(dev, 1, 5, 0x31);

		KUNIT_ASSERT_EQ(test, testdev_close(dev), 0);
		dev->fake->bad_offset = newest_record(dev, copy);
		KUNIT_ASSERT_EQ(test, testdev_open(dev), 0);
		dev->fake->bad_offset = U64_MAX;
		testdev_expect(dev, 1, 5, 0x31);
	}
	testdev_restart(dev);
	testdev_expect(dev, 1, 5, 0x31);
}

/*
 * Goal: when of no copy all could be read a start refuses, as the newest
 * record may be hidden (O10).
 * Method: all reads of the superblock's extents fail.
 */
static void unreadable_superblocks_are_refused(struct kunit *test)
{
	struct testdev *dev = test->priv;
	struct shard_found_super *found;
	struct shard_stats *stats;
	struct shard_writeback *wb;

	KUNIT_EXPECT_EQ(test, testdev_write(dev, 1, 5, 0x31), 0);
	KUNIT_ASSERT_EQ(test, testdev_close(dev), 0);
	found = kunit_kzalloc(test, sizeof(*found), GFP_KERNEL);
	stats = kunit_kzalloc(test, sizeof(*stats), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, found);
	KUNIT_ASSERT_NOT_NULL(test, stats);
	wb = shard_writeback_create(&dev->fake->backend, stats, NULL, NULL);
	KUNIT_ASSERT_NOT_NULL(test, wb);
	KUNIT_EXPECT_EQ(test, shard_recover_super(wb, &dev->fake->backend,
						  found), 0);
	KUNIT_EXPECT_EQ(test, found->newest, 3u);
	KUNIT_EXPECT_EQ(test, found->unreadable, 0u);
	fake_fail(dev->fake, SHARD_IO_READ, -EIO, 0);
	KUNIT_EXPECT_EQ(test, shard_recover_super(wb, &dev->fake->backend,
						  found), -EIO);
	fake_heal(dev->fake);
	shard_writeback_destroy(wb);
}

/* Sets feature words of the newest record, in both copies. */
static void set_features(struct testdev *dev, u32 incompat, u32 ro_compat)
{
	u32 copy;

	for (copy = 0; copy < SHARDBLK_SUPER_COPIES; copy++) {
		u64 at = newest_record(dev, copy);
		struct shardblk_super *d = (void *)(dev->fake->media + at);

		d->incompat = cpu_to_le32(incompat);
		d->ro_compat = cpu_to_le32(ro_compat);
		d->h.csum = cpu_to_le32(crc32c(shard_seed(d->format_id),
					       &d->h.magic, TESTDEV_BLOCK -
					       sizeof(d->h.csum)));
	}
}

/*
 * Goal: a newest record that is not understood is never rolled back over.
 * Method: make the newest record of both copies one with an unknown feature;
 * older ones that are understood lie beside it.
 */
static void a_newest_record_not_understood_is_refused(struct kunit *test)
{
	struct testdev *dev = test->priv;

	KUNIT_EXPECT_EQ(test, testdev_write(dev, 1, 5, 0x31), 0);
	KUNIT_ASSERT_EQ(test, testdev_close(dev), 0);
	set_features(dev, 1, 0);
	KUNIT_EXPECT_EQ(test, testdev_open(dev), -EOPNOTSUPP);
}

/*
 * Goal: a device with features that allow reading only is opened so, or not.
 * Method: set an unknown bit of that kind in the newest record.
 */
static void read_only_features_allow_reading_only(struct kunit *test)
{
	struct testdev *dev = test->priv;

	KUNIT_EXPECT_EQ(test, testdev_write(dev, 1, 5, 0x31), 0);
	KUNIT_ASSERT_EQ(test, testdev_close(dev), 0);
	set_features(dev, 0, 1);
	KUNIT_EXPECT_EQ(test, testdev_open(dev), -EROFS);
	dev->options.read_only = true;
	KUNIT_ASSERT_EQ(test, testdev_open(dev), 0);
	testdev_expect(dev, 1, 5, 0x31);
}

/*
 * Goal: a frame that was durable and is gone is damage, not the end of the
 * log: the start refuses rather than to roll back.
 * Method: after a clean stop, and after a crash behind a flush, break the
 * header of each frame in turn.
 */
static void a_missing_durable_frame_is_damage(struct kunit *test)
{
	struct testdev *dev = test->priv;
	u32 i;
	u64 at;

	for (i = 0; i < 5; i++)
		KUNIT_EXPECT_EQ(test, testdev_write(dev, i, 1, i + 1), 0);
	KUNIT_ASSERT_EQ(test, testdev_close(dev), 0);
	for (i = 0; i < 5; i++) {
		at = host_frame(dev, i + 1);
		fake_rot(dev->fake, at + 36);
		KUNIT_EXPECT_EQ(test, testdev_open(dev), -EUCLEAN);
		fake_rot(dev->fake, at + 36);
	}
	KUNIT_ASSERT_EQ(test, testdev_open(dev), 0);
	testdev_expect(dev, 0, 5, 1);

	/* here only the mark of a later frame tells */
	KUNIT_EXPECT_EQ(test, testdev_write(dev, 0, 1, 0x61), 0);
	KUNIT_EXPECT_EQ(test, testdev_flush(dev), 0);
	KUNIT_EXPECT_EQ(test, testdev_write_fua(dev, 1, 1, 0x62), 0);
	testdev_crash(dev);
	at = host_frame(dev, 6);
	fake_rot(dev->fake, at + 36);
	KUNIT_EXPECT_EQ(test, testdev_open(dev), -EUCLEAN);
	fake_rot(dev->fake, at + 36);
	KUNIT_ASSERT_EQ(test, testdev_open(dev), 0);
	testdev_expect(dev, 0, 2, 0x61);
}

/*
 * Goal: a wrong block in a durable frame costs that block only.
 * Method: rot one block of a flushed write; all others must be there.
 */
static void a_damaged_block_of_the_log_costs_that_block(struct kunit *test)
{
	struct testdev *dev = test->priv;

	KUNIT_EXPECT_EQ(test, testdev_write(dev, 0, 5, 0x41), 0);
	KUNIT_EXPECT_EQ(test, testdev_write(dev, 10, 2, 0x51), 0);
	KUNIT_ASSERT_EQ(test, testdev_close(dev), 0);
	fake_rot(dev->fake, testdev_find(dev, 0x43) + 7);
	KUNIT_ASSERT_EQ(test, testdev_open(dev), 0);
	testdev_expect(dev, 0, 2, 0x41);
	KUNIT_EXPECT_EQ(test, testdev_read(dev, 2), -EIO);
	testdev_expect(dev, 3, 2, 0x44);
	testdev_expect(dev, 10, 2, 0x51);
}

/*
 * Goal: it is told, and felt, by whom a damaged block of the log was written.
 * Method: two writes in one frame; rot one of the second.
 */
static void damage_in_a_frame_is_of_one_of_its_writes(struct kunit *test)
{
	struct testdev *dev = test->priv;
	struct testreq *first, *second;

	first = testdev_start(dev, SHARD_WRITE, 20, 2, 0x51, false);
	second = testdev_start(dev, SHARD_WRITE, 40, 2, 0x61, false);
	shard_device_commit(dev->device);
	KUNIT_EXPECT_EQ(test, testreq_wait(first), 0);
	KUNIT_EXPECT_EQ(test, testreq_wait(second), 0);
	KUNIT_EXPECT_EQ(test, testdev_flush(dev), 0);
	/* its mark says that the frame before it was durable */
	KUNIT_EXPECT_EQ(test, testdev_write(dev, 1, 1, 0x11), 0);
	KUNIT_EXPECT_EQ(test, testdev_flush(dev), 0);
	testdev_crash(dev);
	fake_rot(dev->fake, testdev_find(dev, 0x62));
	KUNIT_ASSERT_EQ(test, testdev_open(dev), 0);
	testdev_expect(dev, 20, 2, 0x51);
	testdev_expect(dev, 40, 1, 0x61);
	KUNIT_EXPECT_EQ(test, testdev_read(dev, 41), -EIO);
	testdev_expect(dev, 1, 1, 0x11);
}

/*
 * Goal: a torn last frame that was never durable is the end of the log.
 * Method: a write that was never flushed, of which one block is lost.
 */
static void a_torn_last_frame_is_the_end(struct kunit *test)
{
	struct testdev *dev = test->priv;
	u64 at;
	u8 *image;

	KUNIT_EXPECT_EQ(test, testdev_write_fua(dev, 0, 5, 0x41), 0);
	KUNIT_EXPECT_EQ(test, testdev_write(dev, 0, 5, 0x51), 0);
	at = testdev_find(dev, 0x53);
	image = fake_snapshot(test, dev->fake);
	testdev_crash(dev);
	fake_restore(dev->fake, image);
	kvfree(image);
	memset(dev->fake->media + at, 0, TESTDEV_BLOCK);
	memset(dev->fake->stable + at, 0, TESTDEV_BLOCK);
	KUNIT_ASSERT_EQ(test, testdev_open(dev), 0);
	testdev_expect(dev, 0, 5, 0x41);
	/* and stays so: what follows must not bring it back */
	KUNIT_EXPECT_EQ(test, testdev_write_fua(dev, 20, 1, 0x61), 0);
	testdev_crash(dev);
	KUNIT_ASSERT_EQ(test, testdev_open(dev), 0);
	testdev_expect(dev, 0, 5, 0x41);
	testdev_expect(dev, 20, 1, 0x61);
}

/*
 * How far the start was when it said so, and whether it ever said nonsense; and of
 * what device which block cannot be read from the second time on.
 */
static struct {
	u64 nr;
	u64 nr_max;
	u32 nr_told;
	bool wrong;
	struct fake_backend *fake;
	u64 bad_offset;
} progress;

static void progress_told(void *ctx, u64 nr, u64 nr_max)
{
	if (nr < progress.nr || nr > nr_max ||
	    (progress.nr_told && nr_max != progress.nr_max))
		progress.wrong = true;
	progress.nr = nr;
	progress.nr_max = nr_max;
	if (progress.nr_told++ && progress.fake)
		progress.fake->bad_offset = progress.bad_offset;
}

static void progress_flush(void *ctx, int error, u64 ns)
{
}

static void progress_recovery(void *ctx, u64 first_seq, u64 last_seq,
			      u32 frames, int error)
{
}

static void progress_record(void *ctx, u64 seq, u64 record, int error)
{
}

static void progress_frame(void *ctx, u64 seq, u32 nr_entries, u32 nr_blocks,
			   u64 offset)
{
}

static void progress_retired(void *ctx, u64 seq, int error)
{
}

static const struct shard_trace_ops progress_ops = {
	.frame_issued	= progress_frame,
	.frame_retired	= progress_retired,
	.flush		= progress_flush,
	.checkpoint	= progress_record,
	.progress	= progress_told,
	.recovery	= progress_recovery,
};

/* The next start of the device tells it. */
static void progress_begin(struct testdev *dev)
{
	memset(&progress, 0, sizeof(progress));
	dev->options.trace = &progress_ops;
}

/*
 * Goal: a log that cannot be read is an error, never the end of it; the start
 * works once it can be read again.
 * Method: one header of the log cannot be read.
 */
static void an_unreadable_log_is_no_end(struct kunit *test)
{
	struct testdev *dev = test->priv;

	KUNIT_EXPECT_EQ(test, testdev_write_fua(dev, 0, 2, 0x41), 0);
	KUNIT_EXPECT_EQ(test, testdev_write_fua(dev, 5, 2, 0x51), 0);
	testdev_crash(dev);
	dev->fake->bad_offset = host_frame(dev, 2);
	KUNIT_EXPECT_EQ(test, testdev_open(dev), -EIO);
	dev->fake->bad_offset = U64_MAX;
	KUNIT_ASSERT_EQ(test, testdev_open(dev), 0);
	testdev_expect(dev, 0, 2, 0x41);
	testdev_expect(dev, 5, 2, 0x51);
}

/*
 * Goal: nor is one of which something cannot be read at a second look.
 * Method: two durable frames, a block of the first is wrong; its header cannot be
 * read any more when the second one was looked at.
 */
static void an_unreadable_second_look_is_no_end(struct kunit *test)
{
	struct testdev *dev = test->priv;

	KUNIT_EXPECT_EQ(test, testdev_write_fua(dev, 0, 3, 0x41), 0);
	KUNIT_EXPECT_EQ(test, testdev_write_fua(dev, 5, 2, 0x51), 0);
	testdev_crash(dev);
	fake_rot(dev->fake, testdev_find(dev, 0x42));
	progress_begin(dev);
	progress.fake = dev->fake;
	progress.bad_offset = host_frame(dev, 1);
	KUNIT_EXPECT_EQ(test, testdev_open(dev), -EIO);
	KUNIT_EXPECT_EQ(test, dev->fake->bad_offset, progress.bad_offset);
	dev->options.trace = NULL;
	dev->fake->bad_offset = U64_MAX;
	KUNIT_ASSERT_EQ(test, testdev_open(dev), 0);
	KUNIT_EXPECT_EQ(test, testdev_read(dev, 0), 0x41);
	KUNIT_EXPECT_EQ(test, testdev_read(dev, 1), -EIO);
	KUNIT_EXPECT_EQ(test, testdev_read(dev, 2), 0x43);
	testdev_expect(dev, 5, 2, 0x51);
}

/* Where the page of a copy of the manifest lies, of which there is one. */
static u64 manifest_page(struct testdev *dev, u32 copy)
{
	u64 at;

	for (at = 0; at < dev->fake->backend.capacity; at += TESTDEV_BLOCK) {
		struct shardblk_manifest *d = (void *)(dev->fake->media + at);

		if (le32_to_cpu(d->h.magic) == SHARDBLK_MANIFEST_MAGIC &&
		    d->copy == copy)
			return at;
	}
	KUNIT_ASSERT_TRUE_MSG(dev->test, false, "no copy %u of the manifest",
			      copy);
	return 0;
}

static struct shard_info *info_of(struct testdev *dev)
{
	struct shard_info *info = kunit_kzalloc(dev->test, sizeof(*info),
						GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(dev->test, info);
	shard_device_info(dev->device, info);
	return info;
}

/*
 * Goal: one copy of the manifest suffices; without both the start refuses, and tells
 * what cannot be read from what is damaged.
 * Method: the one copy rots; then the other cannot be read, then it rots as well.
 */
static void one_copy_of_the_manifest_suffices(struct kunit *test)
{
	struct testdev *dev = test->priv;

	KUNIT_EXPECT_EQ(test, testdev_write(dev, 0, 5, 0x41), 0);
	KUNIT_EXPECT_EQ(test, shard_device_checkpoint(dev->device), 0);
	KUNIT_ASSERT_EQ(test, testdev_close(dev), 0);
	fake_rot(dev->fake, manifest_page(dev, 0) + 90);
	dev->options.read_only = true;
	KUNIT_ASSERT_EQ(test, testdev_open(dev), 0);
	testdev_expect(dev, 0, 5, 0x41);
	KUNIT_ASSERT_EQ(test, testdev_close(dev), 0);
	dev->fake->bad_offset = manifest_page(dev, 1);
	KUNIT_EXPECT_EQ(test, testdev_open(dev), -EIO);
	dev->fake->bad_offset = U64_MAX;
	fake_rot(dev->fake, manifest_page(dev, 1) + 90);
	KUNIT_EXPECT_EQ(test, testdev_open(dev), -EUCLEAN);
}

/*
 * Goal: the extent of a copy of the manifest that cannot be read is not free:
 * the record names it, and the next start may be able to read it (O6).
 * Method: count free extents with each copy unreadable, and with none.
 */
static void an_unreadable_manifest_keeps_its_extent(struct kunit *test)
{
	struct testdev *dev = test->priv;
	u32 nr_free, copy;

	KUNIT_EXPECT_EQ(test, testdev_write(dev, 0, 5, 0x41), 0);
	KUNIT_EXPECT_EQ(test, shard_device_checkpoint(dev->device), 0);
	KUNIT_ASSERT_EQ(test, testdev_close(dev), 0);
	dev->options.read_only = true;
	KUNIT_ASSERT_EQ(test, testdev_open(dev), 0);
	nr_free = info_of(dev)->free_extents;
	for (copy = 0; copy < SHARDBLK_MANIFEST_COPIES; copy++) {
		KUNIT_ASSERT_EQ(test, testdev_close(dev), 0);
		dev->fake->bad_offset = manifest_page(dev, copy);
		KUNIT_ASSERT_EQ(test, testdev_open(dev), 0);
		KUNIT_EXPECT_EQ(test, info_of(dev)->free_extents, nr_free);
	}
}

/*
 * Goal: a copy of the manifest that cannot be used is written anew at once,
 * not when a checkpoint happens to be due.
 * Method: rot one copy and start; then rot the other, of the same age, too.
 */
static void a_lost_copy_of_the_manifest_is_made_good(struct kunit *test)
{
	struct testdev *dev = test->priv;
	u64 other;
	u32 i;

	KUNIT_EXPECT_EQ(test, testdev_write(dev, 0, 5, 0x41), 0);
	KUNIT_EXPECT_EQ(test, shard_device_checkpoint(dev->device), 0);
	KUNIT_ASSERT_EQ(test, testdev_close(dev), 0);
	fake_rot(dev->fake, manifest_page(dev, 0) + 90);
	other = manifest_page(dev, 1);
	KUNIT_ASSERT_EQ(test, testdev_open(dev), 0);
	for (i = 0; i < 1000 && !testdev_stat(dev, checkpoints); i++)
		testdev_sleep(dev);
	KUNIT_EXPECT_EQ(test, testdev_stat(dev, checkpoints), 1ull);
	KUNIT_ASSERT_EQ(test, testdev_close(dev), 0);
	fake_rot(dev->fake, other + 90);
	KUNIT_ASSERT_EQ(test, testdev_open(dev), 0);
	testdev_expect(dev, 0, 5, 0x41);
}

/*
 * Goal: a start restores what the newest root needs: an attempt at another one
 * that fails gives none of that up (O6).
 * Method: checkpoint, restart; let the first attempts of a checkpoint fail.
 */
static void a_failed_checkpoint_after_a_start_loses_nothing(struct kunit *test)
{
	struct testdev *dev = test->priv;
	u32 skip;

	KUNIT_EXPECT_EQ(test, testdev_write(dev, 0, 15, 0x41), 0);
	for (skip = 0; skip < 6; skip++) {
		KUNIT_ASSERT_EQ(test, shard_device_checkpoint(dev->device), 0);
		testdev_restart(dev);
		KUNIT_EXPECT_EQ(test, testdev_write(dev, 40 + skip, 1, skip),
				0);
		fake_fail(dev->fake, SHARD_IO_APPEND, -EIO, 1);
		dev->fake->faults[SHARD_IO_APPEND].skip = skip;
		KUNIT_EXPECT_EQ(test, shard_device_checkpoint(dev->device), 0);
		fake_heal(dev->fake);
		testdev_restart(dev);
		testdev_expect(dev, 0, 15, 0x41);
		testdev_expect(dev, 40, skip + 1, 0);
	}
}

/*
 * Goal: a durable frame that is gone is noticed however large it was, and so are
 * two, one behind the other.
 * Method: break the header of the largest frame there is, then that of the one in
 * front as well; only the mark of the frame right behind tells that it was durable.
 */
static void a_missing_frame_of_any_size_is_damage(struct kunit *test)
{
	struct testdev *dev = testdev_create_large(test, 512, 256);
	u64 at;

	KUNIT_EXPECT_EQ(test, testdev_write(dev, 0, 1, 1), 0);
	KUNIT_EXPECT_EQ(test, testdev_write(dev, 0, 108, 1), 0);
	KUNIT_EXPECT_EQ(test, testdev_write(dev, 0, 109, 1), -EINVAL);
	KUNIT_EXPECT_EQ(test, testdev_flush(dev), 0);
	KUNIT_EXPECT_EQ(test, testdev_write_fua(dev, 120, 1, 7), 0);
	testdev_crash(dev);
	for (at = 4 * 256 * 512; at < dev->fake->backend.capacity; at += 512) {
		struct shardblk_frame *d = (void *)(dev->fake->media + at);

		if (le32_to_cpu(d->h.magic) == SHARDBLK_FRAME_MAGIC &&
		    le16_to_cpu(d->nr_blocks) == 108)
			break;
	}
	KUNIT_ASSERT_LT(test, at, dev->fake->backend.capacity);
	fake_rot(dev->fake, at + 36);
	KUNIT_EXPECT_EQ(test, testdev_open(dev), -EUCLEAN);
	fake_rot(dev->fake, at - 2 * 512 + 36);
	KUNIT_EXPECT_EQ(test, testdev_open(dev), -EUCLEAN);
	fake_rot(dev->fake, at - 2 * 512 + 36);
	fake_rot(dev->fake, at + 36);
	KUNIT_ASSERT_EQ(test, testdev_open(dev), 0);
	testdev_expect(dev, 120, 1, 7);
	testdev_destroy(dev);
}

/*
 * Goal: a start finds the superblock without trying one geometry after the
 * other.
 * Method: count its backing reads: one tells the geometry, one for each extent
 * of the superblock, the rest is manifest and log.
 */
static void a_start_finds_the_superblock_at_once(struct kunit *test)
{
	struct testdev *dev = test->priv;

	KUNIT_EXPECT_EQ(test, testdev_write(dev, 0, 5, 0x41), 0);
	KUNIT_EXPECT_EQ(test, shard_device_checkpoint(dev->device), 0);
	KUNIT_ASSERT_EQ(test, testdev_close(dev), 0);
	fake_counts_clear(dev->fake);
	KUNIT_ASSERT_EQ(test, testdev_open(dev), 0);
	KUNIT_EXPECT_LE(test, dev->fake->nr[SHARD_IO_READ], 20ull);
}

/*
 * Goal: a start reads the log since the last checkpoint, not the disk.
 * Method: count the blocks it reads, with and without data before it.
 */
static void a_start_reads_the_log_only(struct kunit *test)
{
	struct testdev *dev = test->priv;
	u64 short_log;
	u32 i;

	KUNIT_EXPECT_EQ(test, shard_device_checkpoint(dev->device), 0);
	testdev_restart(dev);
	short_log = testdev_stat(dev, recovery_blocks);
	for (i = 0; i < 100; i++)
		KUNIT_EXPECT_EQ(test, testdev_write(dev, i, 4, i), 0);
	KUNIT_EXPECT_EQ(test, shard_device_checkpoint(dev->device), 0);
	testdev_restart(dev);
	KUNIT_EXPECT_LE(test, testdev_stat(dev, recovery_blocks),
			short_log + 2 * TESTDEV_EXTENT_BLOCKS);
	KUNIT_EXPECT_EQ(test, testdev_stat(dev, recovery_frames), 0ull);
	for (i = 0; i < 3; i++)
		KUNIT_EXPECT_EQ(test, testdev_write(dev, i, 4, i), 0);
	testdev_restart(dev);
	KUNIT_EXPECT_EQ(test, testdev_stat(dev, recovery_frames), 3ull);
}

#define BOUND_CHECKPOINT	32u	/* blocks of log between two */
#define BOUND_WRITES		300u	/* two blocks of log each */
/* Those open and ready (SHARD_HOST_HIGH), and one at either end. */
#define BOUND_EXTENTS		7u

/* Blocks of the log that the newest record names; closed devices only. */
static u64 log_blocks(struct testdev *dev)
{
	struct shardblk_super *d = (void *)(dev->fake->media +
					    newest_record(dev, 0));
	u64 nr = 0;
	u32 i;

	for (i = 0; i < le16_to_cpu(d->nr_log); i++) {
		u32 end = le32_to_cpu(d->extents[i].end);

		nr += min(end, TESTDEV_EXTENT_BLOCKS) -
		      le32_to_cpu(d->extents[i].start);
	}
	return nr;
}

/*
 * Goal: what a start reads of the log is bounded by the size of it at which
 * checkpoints are due, and it tells how much of that it has read.
 * Method: many times that is written, with no other checkpoints; cut the power.
 */
static void a_start_reads_a_bounded_log_and_says_how_far_it_is(struct kunit *test)
{
	struct testdev *dev = test->priv;
	u64 read, nr_max;
	u32 i;

	KUNIT_ASSERT_EQ(test, testdev_close(dev), 0);
	dev->format.checkpoint_blocks = BOUND_CHECKPOINT;
	KUNIT_ASSERT_EQ(test, testdev_format(dev), 0);
	KUNIT_ASSERT_EQ(test, testdev_open(dev), 0);
	for (i = 0; i < BOUND_WRITES; i++)
		KUNIT_ASSERT_EQ(test, testdev_write(dev, i % 100, 1, i), 0);
	KUNIT_EXPECT_EQ(test, testdev_flush(dev), 0);
	testdev_crash(dev);
	nr_max = log_blocks(dev);
	progress_begin(dev);
	KUNIT_ASSERT_EQ(test, testdev_open(dev), 0);
	KUNIT_EXPECT_EQ(test, progress.nr_max, nr_max);
	read = testdev_stat(dev, recovery_blocks);
	/* a checkpoint that is due, and one that is being written */
	KUNIT_EXPECT_LE(test, progress.nr_max, 2ull * BOUND_CHECKPOINT +
			BOUND_EXTENTS * TESTDEV_EXTENT_BLOCKS);
	/* where it ends a frame's length is read twice, be there one or not */
	KUNIT_EXPECT_LE(test, read, progress.nr_max +
			BOUND_EXTENTS * (TESTDEV_EXTENT_BLOCKS + 2));
	KUNIT_EXPECT_LE(test, progress.nr, read);
	KUNIT_EXPECT_GT(test, progress.nr, 0ull);
	KUNIT_EXPECT_FALSE(test, progress.wrong);
	for (i = BOUND_WRITES - 100; i < BOUND_WRITES; i++)
		testdev_expect(dev, i % 100, 1, i);
}

static struct kunit_case recover_cases[] = {
	KUNIT_CASE(starts_follow_one_another),
	KUNIT_CASE(a_start_flushes_then_writes_its_record),
	KUNIT_CASE(a_start_may_be_cut_short_anywhere),
	KUNIT_CASE(one_copy_of_the_superblock_suffices),
	KUNIT_CASE(unreadable_superblocks_are_refused),
	KUNIT_CASE(a_newest_record_not_understood_is_refused),
	KUNIT_CASE(read_only_features_allow_reading_only),
	KUNIT_CASE(a_missing_durable_frame_is_damage),
	KUNIT_CASE(a_damaged_block_of_the_log_costs_that_block),
	KUNIT_CASE(damage_in_a_frame_is_of_one_of_its_writes),
	KUNIT_CASE(a_torn_last_frame_is_the_end),
	KUNIT_CASE(an_unreadable_log_is_no_end),
	KUNIT_CASE(an_unreadable_second_look_is_no_end),
	KUNIT_CASE(one_copy_of_the_manifest_suffices),
	KUNIT_CASE(an_unreadable_manifest_keeps_its_extent),
	KUNIT_CASE(a_lost_copy_of_the_manifest_is_made_good),
	KUNIT_CASE(a_failed_checkpoint_after_a_start_loses_nothing),
	KUNIT_CASE(a_missing_frame_of_any_size_is_damage),
	KUNIT_CASE(a_start_finds_the_superblock_at_once),
	KUNIT_CASE(a_start_reads_the_log_only),
	KUNIT_CASE(a_start_reads_a_bounded_log_and_says_how_far_it_is),
	{}
};

static struct kunit_suite recover_suite = {
	.name = "shardblk-recover",
	.init = recover_init,
	.exit = recover_exit,
	.test_cases = recover_cases,
};

kunit_test_suites(&recover_suite);
