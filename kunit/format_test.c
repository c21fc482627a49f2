// SPDX-License-Identifier: GPL-2.0-only
/*
 * Format and identify: what makes a device, and what tells that there is one.
 */
#include <kunit/test.h>

#include "alloc_fault.h"
#include "testdev.h"
#include "../kmod/core/codec.h"

#define MIB	((u64)SZ_1M)

static int format_init(struct kunit *test)
{
	test->priv = testdev_create(test, true, false);
	return testdev_close(test->priv);
}

static void format_exit(struct kunit *test)
{
	testdev_destroy(test->priv);
}

/*
 * Goal: a format says what it was asked to; what was there before is gone.
 * Method: format over a device with data, identify, open, read.
 */
static void a_format_makes_an_empty_device(struct kunit *test)
{
	struct testdev *dev = test->priv;
	struct shard_identity old = {}, new = {};

	KUNIT_ASSERT_EQ(test, testdev_open(dev), 0);
	KUNIT_EXPECT_EQ(test, testdev_write(dev, 0, 3, 7), 0);
	KUNIT_EXPECT_EQ(test, shard_device_checkpoint(dev->device), 0);
	KUNIT_EXPECT_EQ(test, testdev_write(dev, 9, 3, 7), 0);
	KUNIT_ASSERT_EQ(test, testdev_close(dev), 0);
	KUNIT_EXPECT_EQ(test, shard_identify(&dev->fake->backend, &old), 0);
	memset(dev->format.uuid, 0xab, sizeof(dev->format.uuid));
	KUNIT_ASSERT_EQ(test, testdev_format(dev), 0);
	KUNIT_ASSERT_EQ(test, shard_identify(&dev->fake->backend, &new), 0);
	KUNIT_EXPECT_EQ(test, memcmp(new.uuid, dev->format.uuid, 16), 0);
	KUNIT_EXPECT_NE(test, memcmp(new.format_id, old.format_id, 16), 0);
	KUNIT_EXPECT_EQ(test, new.block_size, TESTDEV_BLOCK);
	KUNIT_EXPECT_EQ(test, new.extent_blocks, TESTDEV_EXTENT_BLOCKS);
	KUNIT_EXPECT_EQ(test, new.nr_extents, TESTDEV_EXTENTS);
	KUNIT_EXPECT_EQ(test, new.logical_blocks, (u64)TESTDEV_BLOCKS);
	KUNIT_ASSERT_EQ(test, testdev_open(dev), 0);
	testdev_expect_holes(dev, 0, TESTDEV_BLOCKS);
}

/*
 * Goal: a format with other sizes hides an older one, whichever was larger.
 * Method: format back and forth between two extent sizes.
 */
static void a_format_hides_one_of_other_sizes(struct kunit *test)
{
	struct testdev *dev = test->priv;
	struct shard_identity id;
	u32 round, i;

	for (round = 0; round < 4; round++) {
		u32 blocks = TESTDEV_EXTENT_BLOCKS << (round % 2);

		dev->format.extent_size = blocks * TESTDEV_BLOCK;
		dev->format.logical_size = 64 * TESTDEV_BLOCK;
		KUNIT_ASSERT_EQ(test, testdev_format(dev), 0);
		KUNIT_ASSERT_EQ(test, shard_identify(&dev->fake->backend, &id),
				0);
		KUNIT_EXPECT_EQ(test, id.extent_blocks, blocks);
		/* leave records behind, in all superblock extents */
		KUNIT_ASSERT_EQ(test, testdev_open(dev), 0);
		for (i = 0; i < 50; i++)
			KUNIT_EXPECT_EQ(test, shard_device_checkpoint(dev->device),
					0);
		KUNIT_ASSERT_EQ(test, testdev_close(dev), 0);
	}
}

/*
 * Goal: without options the sizes are those that are documented.
 * Method: the smallest device that may be formatted without being small.
 */
static void defaults_are_as_documented(struct kunit *test)
{
	struct fake_backend *fake = fake_backend_create(test, 32 * MIB, true,
							false);
	struct shard_identity id, again;
	u64 logical;

	KUNIT_ASSERT_EQ(test, shard_format(&fake->backend, NULL), 0);
	KUNIT_ASSERT_EQ(test, shard_identify(&fake->backend, &id), 0);
	KUNIT_EXPECT_EQ(test, id.block_size, 4096u);
	KUNIT_EXPECT_EQ(test, id.extent_blocks, 256u);
	KUNIT_EXPECT_EQ(test, id.nr_extents, 32u);
	/* 12 % of spare, beside the reserves: 12 of 32 extents */
	logical = id.logical_blocks;
	KUNIT_EXPECT_GT(test, logical, 32 * 256ull * 11 / 32);
	KUNIT_EXPECT_LT(test, logical * 112 / 100, 28ull * 256);
	/* version 4, as RFC 4122 has it */
	KUNIT_EXPECT_EQ(test, id.uuid[6] >> 4, 4);
	KUNIT_EXPECT_EQ(test, id.uuid[8] >> 6, 2);
	KUNIT_ASSERT_EQ(test, shard_format(&fake->backend, NULL), 0);
	KUNIT_ASSERT_EQ(test, shard_identify(&fake->backend, &again), 0);
	KUNIT_EXPECT_NE(test, memcmp(id.uuid, again.uuid, 16), 0);
	KUNIT_EXPECT_EQ(test, again.logical_blocks, logical);
	fake_backend_destroy(fake);
}

/*
 * Goal: options that cannot be are refused, and nothing is written.
 * Method: one wrong option at a time.
 */
static void options_that_cannot_be_are_refused(struct kunit *test)
{
	struct testdev *dev = test->priv;
	struct shard_format_options good = dev->format;

#define REFUSED(field, value, error)					\
	do {								\
		dev->format = good;					\
		dev->format.field = value;				\
		KUNIT_EXPECT_EQ_MSG(test, testdev_format(dev), error,	\
				    #field " = " #value);		\
	} while (0)

	fake_counts_clear(dev->fake);
	REFUSED(block_size, 1024, -EINVAL);
	REFUSED(block_size, 8192, -EINVAL);
	REFUSED(extent_size, 3 * 4096, -EINVAL);
	REFUSED(extent_size, 8 * TESTDEV_BLOCK, -EINVAL);
	REFUSED(extent_size, 512 * MIB, -EINVAL);
	REFUSED(extent_size, dev->fake->backend.capacity / 8, -ENOSPC);
	REFUSED(logical_size, 1000, -EINVAL);
	REFUSED(logical_size, dev->fake->backend.capacity, -ENOSPC);
	REFUSED(spare_permille, 10001, -EINVAL);
	REFUSED(spare_permille, 10000, -ENOSPC);
	REFUSED(small, false, -ENOSPC);
	REFUSED(reloc_streams, SHARDBLK_RELOC_STREAMS + 1, -EINVAL);
	REFUSED(logical_size, (SHARDBLK_LOGICAL_BLOCKS_MAX + 1) * TESTDEV_BLOCK,
		-EINVAL);
	/* more than the smallest number of extents, and less than it takes */
	good.extent_size = dev->fake->backend.capacity / 16;
	REFUSED(logical_size, 0, -ENOSPC);
	REFUSED(thin, true, -ENOSPC);
	good.extent_size = TESTDEV_EXTENT_BLOCKS * TESTDEV_BLOCK;
	/* so many extents that no record can name what it may have to */
	dev->fake->backend.capacity <<= 14;
	REFUSED(logical_size, 64 * MIB, -EINVAL);
	REFUSED(logical_size, 0, -EINVAL);
	dev->fake->backend.capacity >>= 14;
#undef REFUSED
	dev->format = good;
	dev->fake->backend.capacity <<= 40;
	KUNIT_EXPECT_EQ(test, testdev_format(dev), -EINVAL);
	dev->fake->backend.capacity >>= 40;
	dev->fake->backend.logical_block_size = 4096;
	KUNIT_EXPECT_EQ(test, testdev_format(dev), -EINVAL);
	dev->fake->backend.logical_block_size = 512;
	dev->fake->backend.physical_block_size = 4096;
	KUNIT_EXPECT_EQ(test, testdev_format(dev), -EINVAL);
	dev->fake->backend.physical_block_size = 512;
	dev->fake->backend.read_only = true;
	KUNIT_EXPECT_EQ(test, testdev_format(dev), -EROFS);
	dev->fake->backend.read_only = false;
	KUNIT_EXPECT_EQ(test, dev->fake->nr[SHARD_IO_APPEND], 0ull);
	KUNIT_EXPECT_EQ(test, testdev_format(dev), 0);
}

/*
 * Goal: a format whose writes fail is an error.
 * Method: each kind of operation fails.
 */
static void a_format_that_cannot_write_fails(struct kunit *test)
{
	static const enum shard_io_op ops[] = {
		SHARD_IO_APPEND, SHARD_IO_FLUSH, SHARD_IO_RESET,
	};
	struct testdev *dev = test->priv;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(ops); i++) {
		fake_fail(dev->fake, ops[i], -EIO, 0);
		KUNIT_EXPECT_EQ(test, testdev_format(dev), -EIO);
		fake_heal(dev->fake);
	}
	KUNIT_EXPECT_EQ(test, testdev_format(dev), 0);
}

/*
 * Goal: at whichever of its writes a format fails, that is an error, and there is
 * no device, unless nothing or nearly all was done.
 * Method: let the writes fail one by one; open what that leaves.
 */
static void a_format_that_fails_anywhere_makes_no_device(struct kunit *test)
{
	struct testdev *dev = test->priv;
	struct shard_identity id;
	u32 n;
	int err;

	for (n = 0; n < 100; n++) {
		fake_fail(dev->fake, SHARD_IO_APPEND, -EIO, 1);
		dev->fake->faults[SHARD_IO_APPEND].skip = n;
		err = testdev_format(dev);
		fake_heal(dev->fake);
		if (!err)
			break;
		KUNIT_EXPECT_EQ(test, err, -EIO);
		/* that of the older one's first copy; the new one's first copy */
		if (n != 0 && n != 5)
			KUNIT_EXPECT_NE_MSG(test,
					    shard_identify(&dev->fake->backend,
							   &id),
					    0, "write %u", n);
	}
	/* wiping four places, and two copies of a record */
	KUNIT_EXPECT_EQ(test, n, 6u);
	KUNIT_EXPECT_EQ(test, shard_identify(&dev->fake->backend, &id), 0);
}

/*
 * Goal: what cannot be read, and what is of another version, is wiped wherever a
 * superblock could lie: nobody takes it for a device later.
 * Method: a sector of an older format, with other extents, that cannot be read.
 */
static void what_cannot_be_told_apart_is_wiped(struct kunit *test)
{
	struct testdev *dev = test->priv;
	u32 larger = 2 * TESTDEV_EXTENT_BLOCKS * TESTDEV_BLOCK;
	struct shard_identity id;
	struct shardblk_super *d;

	fake_fail(dev->fake, SHARD_IO_APPEND, -EIO, 0);
	/* the first four wipe what is known */
	dev->fake->faults[SHARD_IO_APPEND].skip = 4;
	/* where extents that are eight times as large would have their second */
	dev->fake->bad_offset = 8 * TESTDEV_EXTENT_BLOCKS * TESTDEV_BLOCK;
	KUNIT_EXPECT_EQ(test, testdev_format(dev), -EIO);
	fake_heal(dev->fake);
	dev->fake->bad_offset = 8 * TESTDEV_EXTENT_BLOCKS * TESTDEV_BLOCK;
	KUNIT_EXPECT_EQ(test, testdev_format(dev), 0);
	dev->fake->bad_offset = U64_MAX;
	KUNIT_EXPECT_EQ(test, shard_identify(&dev->fake->backend, &id), 0);

	/* alone, and not understood: no device, but perhaps somebody's */
	memset(dev->fake->media, 0, dev->fake->backend.capacity);
	dev->format.extent_size = larger;
	dev->format.logical_size = 64 * TESTDEV_BLOCK;
	KUNIT_ASSERT_EQ(test, testdev_format(dev), 0);
	d = (void *)dev->fake->media;
	d->h.version = cpu_to_le16(SHARDBLK_FORMAT_VERSION + 1);
	d->h.csum = cpu_to_le32(crc32c(shard_seed(d->format_id), &d->h.magic,
				       TESTDEV_BLOCK - sizeof(d->h.csum)));
	memcpy(dev->fake->media + larger, dev->fake->media, TESTDEV_BLOCK);
	d = (void *)(dev->fake->media + larger);
	d->place.extent = cpu_to_le32(1);
	d->h.csum = cpu_to_le32(crc32c(shard_seed(d->format_id), &d->h.magic,
				       TESTDEV_BLOCK - sizeof(d->h.csum)));
	KUNIT_EXPECT_EQ(test, shard_identify(&dev->fake->backend, &id),
			-EOPNOTSUPP);
	KUNIT_EXPECT_EQ(test, testdev_open(dev), -EOPNOTSUPP);
	dev->format.extent_size = TESTDEV_EXTENT_BLOCKS * TESTDEV_BLOCK;
	KUNIT_EXPECT_EQ(test, testdev_format(dev), 0);
	KUNIT_EXPECT_EQ(test, shard_identify(&dev->fake->backend, &id), 0);
	KUNIT_EXPECT_EQ(test, id.extent_blocks, TESTDEV_EXTENT_BLOCKS);
}

/*
 * Goal: where there is no format of ours, nothing is identified, and what
 * cannot be read is an error.
 * Method: zeros, noise, read errors.
 */
static void nothing_is_not_taken_for_a_format(struct kunit *test)
{
	struct fake_backend *fake = fake_backend_create(test, MIB, true, false);
	struct shardblk_header *header = (void *)fake->media;
	struct shard_identity id;

	KUNIT_EXPECT_EQ(test, shard_identify(&fake->backend, &id), -ENODEV);
	memset(fake->media, 0xa7, MIB);
	KUNIT_EXPECT_EQ(test, shard_identify(&fake->backend, &id), -ENODEV);
	header->magic = cpu_to_le32(SHARDBLK_SUPER_MAGIC);
	KUNIT_EXPECT_EQ(test, shard_identify(&fake->backend, &id), -ENODEV);
	fake_fail(fake, SHARD_IO_READ, -EIO, 0);
	KUNIT_EXPECT_EQ(test, shard_identify(&fake->backend, &id), -EIO);
	fake_backend_destroy(fake);
}

/*
 * Goal: records that are wrong do not hide those behind them, also where nothing else
 * tells how large extents are; these are the smallest that there may be.
 * Method: rot the first record of each superblock extent.
 */
static void wrong_first_records_hide_no_others(struct kunit *test)
{
	struct testdev *dev = test->priv;
	u32 size = TESTDEV_EXTENT_BLOCKS * TESTDEV_BLOCK, i;
	struct shard_identity id = {};

	KUNIT_ASSERT_EQ(test, testdev_open(dev), 0);
	for (i = 0; i < 3 * TESTDEV_EXTENT_BLOCKS; i++)
		KUNIT_ASSERT_EQ(test, shard_device_checkpoint(dev->device), 0);
	KUNIT_ASSERT_EQ(test, testdev_close(dev), 0);
	for (i = 0; i < SHARDBLK_SUPER_EXTENTS; i++)
		fake_rot(dev->fake, i * size + 36);
	KUNIT_ASSERT_EQ(test, shard_identify(&dev->fake->backend, &id), 0);
	KUNIT_EXPECT_EQ(test, id.block_size, TESTDEV_BLOCK);
	KUNIT_EXPECT_EQ(test, id.extent_blocks, TESTDEV_EXTENT_BLOCKS);
}

/*
 * Goal: without memory formatting and identifying fail, and leak nothing.
 * Method: let each allocation fail in turn.
 */
static void without_memory_nothing_is_formatted(struct kunit *test)
{
	struct testdev *dev = test->priv;
	struct shard_identity id;
	bool struck = true;
	u32 n;
	int err = 0;

	for (n = 1; n < ALLOC_FAULT_MAX && struck; n++) {
		alloc_fault_arm(n);
		err = testdev_format(dev);
		struck = alloc_fault_disarm();
		if (err)
			KUNIT_EXPECT_EQ(test, err, -ENOMEM);
	}
	KUNIT_EXPECT_EQ(test, err, 0);
	struck = true;
	for (n = 1; n < ALLOC_FAULT_MAX && struck; n++) {
		alloc_fault_arm(n);
		err = shard_identify(&dev->fake->backend, &id);
		struck = alloc_fault_disarm();
		if (err)
			KUNIT_EXPECT_EQ(test, err, -ENOMEM);
	}
	KUNIT_EXPECT_EQ(test, err, 0);
}

static int report_fails(struct shard_backend *backend, u64 offset, u64 *wp)
{
	return -ENODEV;
}

/*
 * Goal: a zone whose write pointer cannot be told ends a start.
 * Method: format and open a zoned device; then reports fail.
 */
static void a_zone_that_reports_nothing_ends_a_start(struct kunit *test)
{
	struct testdev *dev = test->priv;
	struct fake_backend *fake =
		fake_backend_create_zoned(test, dev->fake->backend.capacity,
					  dev->format.extent_size);
	const struct shard_backend_ops *ops = fake->backend.ops;
	struct shard_backend_ops broken = *ops;
	struct shard_device *device;

	broken.report = report_fails;
	KUNIT_ASSERT_EQ(test, shard_format(&fake->backend, &dev->format), 0);
	fake->backend.ops = &broken;
	KUNIT_EXPECT_EQ(test, shard_device_open(&fake->backend, &dev->options,
						&device), -ENODEV);
	fake->backend.ops = ops;
	KUNIT_ASSERT_EQ(test, shard_device_open(&fake->backend, &dev->options,
						&device), 0);
	KUNIT_EXPECT_EQ(test, shard_device_close(device), 0);
	fake_backend_destroy(fake);
}

static struct kunit_case format_cases[] = {
	KUNIT_CASE(a_format_makes_an_empty_device),
	KUNIT_CASE(a_format_hides_one_of_other_sizes),
	KUNIT_CASE(defaults_are_as_documented),
	KUNIT_CASE(options_that_cannot_be_are_refused),
	KUNIT_CASE(a_format_that_cannot_write_fails),
	KUNIT_CASE(a_format_that_fails_anywhere_makes_no_device),
	KUNIT_CASE(what_cannot_be_told_apart_is_wiped),
	KUNIT_CASE(a_zone_that_reports_nothing_ends_a_start),
	KUNIT_CASE(nothing_is_not_taken_for_a_format),
	KUNIT_CASE(wrong_first_records_hide_no_others),
	KUNIT_CASE(without_memory_nothing_is_formatted),
	{}
};

static struct kunit_suite format_suite = {
	.name = "shardblk-format",
	.init = format_init,
	.exit = format_exit,
	.test_cases = format_cases,
};

kunit_test_suites(&format_suite);
