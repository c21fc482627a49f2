// SPDX-License-Identifier: GPL-2.0-only
/*
 * Check: finds damage wherever it is, names it, and changes nothing.
 */
#include <kunit/test.h>

#include "alloc_fault.h"
#include "testdev.h"
#include "../kmod/core/codec.h"
#include "../uapi/shardblk_format.h"

/* What was said. */
struct findings {
	struct shard_check_report report;
	char last[200];
	u32 nr_notes;
};

static void found(struct shard_check_report *report, const char *what)
{
	struct findings *f = container_of(report, struct findings, report);

	strscpy(f->last, what, sizeof(f->last));
}

static void noted(struct shard_check_report *report, const char *what)
{
	struct findings *f = container_of(report, struct findings, report);

	f->nr_notes++;
}

static int check_init(struct kunit *test)
{
	struct testdev *dev = testdev_create(test, true, false);

	test->priv = dev;
	/* some in the run, some in the log */
	KUNIT_EXPECT_EQ(test, testdev_write(dev, 0, 5, 0x11), 0);
	KUNIT_EXPECT_EQ(test, shard_device_checkpoint(dev->device), 0);
	KUNIT_EXPECT_EQ(test, testdev_write(dev, 20, 5, 0x21), 0);
	KUNIT_EXPECT_EQ(test, testdev_discard(dev, 4, 1), 0);
	dev->options.read_only = true;
	return testdev_close(dev);
}

static void check_exit(struct kunit *test)
{
	testdev_destroy(test->priv);
}

static struct findings *check(struct kunit *test, bool data)
{
	struct findings *f = kunit_kzalloc(test, sizeof(*f), GFP_KERNEL);
	struct testdev *dev = test->priv;

	KUNIT_ASSERT_NOT_NULL(test, f);
	f->report.damage = found;
	f->report.note = noted;
	KUNIT_ASSERT_EQ(test, testdev_open(dev), 0);
	fake_counts_clear(dev->fake);
	KUNIT_EXPECT_EQ(test, shard_check(dev->device, data, &f->report), 0);
	KUNIT_EXPECT_EQ(test, testdev_close(dev), 0);
	KUNIT_EXPECT_EQ(test, dev->fake->nr[SHARD_IO_APPEND], 0ull);
	KUNIT_EXPECT_EQ(test, dev->fake->nr[SHARD_IO_FLUSH], 0ull);
	return f;
}

/* Changes all records of a kind, at this byte. */
static void rot_all(struct testdev *dev, u32 magic, u32 byte)
{
	u64 at;

	for (at = 0; at < dev->fake->backend.capacity; at += TESTDEV_BLOCK) {
		const struct shardblk_header *h =
			(void *)(dev->fake->media + at);

		if (le32_to_cpu(h->magic) == magic)
			fake_rot(dev->fake, at + byte);
	}
}

/*
 * Goal: of a device without damage nothing is said; what was read is counted.
 * Method: with data and without.
 */
static void a_sound_device_has_no_findings(struct kunit *test)
{
	struct findings *f = check(test, false);

	KUNIT_EXPECT_EQ_MSG(test, f->report.nr_damaged, 0ull, "%s", f->last);
	KUNIT_EXPECT_GE(test, f->report.nr_pages, 1ull);
	KUNIT_EXPECT_EQ(test, f->report.nr_blocks, 0ull);
	f = check(test, true);
	KUNIT_EXPECT_EQ_MSG(test, f->report.nr_damaged, 0ull, "%s", f->last);
	/* the discarded one is checked as well: the run still points to it */
	KUNIT_EXPECT_EQ(test, f->report.nr_blocks, 10ull);
}

/*
 * Goal: a wrong block is found when data is checked, in run and log.
 * Method: rot one block of each.
 */
static void wrong_data_is_found(struct kunit *test)
{
	struct testdev *dev = test->priv;
	struct findings *f;

	fake_rot(dev->fake, testdev_find(dev, 0x12));
	f = check(test, false);
	KUNIT_EXPECT_EQ(test, f->report.nr_damaged, 0ull);
	f = check(test, true);
	KUNIT_EXPECT_EQ(test, f->report.nr_damaged, 1ull);
	KUNIT_EXPECT_EQ(test, strncmp(f->last, "data: block 1 ", 14), 0);
	fake_rot(dev->fake, testdev_find(dev, 0x23));
	f = check(test, true);
	KUNIT_EXPECT_EQ(test, f->report.nr_damaged, 2ull);
	KUNIT_EXPECT_EQ(test, strncmp(f->last, "data: block 22 ", 15), 0);
}

/*
 * Goal: a block that cannot be read is a finding, too.
 * Method: a bad sector.
 */
static void unreadable_data_is_found(struct kunit *test)
{
	struct testdev *dev = test->priv;
	struct findings *f;

	dev->fake->bad_offset = testdev_find(dev, 0x12);
	f = check(test, true);
	KUNIT_EXPECT_EQ(test, f->report.nr_damaged, 1ull);
	KUNIT_EXPECT_EQ(test, strncmp(f->last, "data: block 1 ", 14), 0);
}

/*
 * Goal: a wrong index page is found.
 * Method: rot the pages of the run.
 */
static void a_wrong_index_page_is_found(struct kunit *test)
{
	struct findings *f;

	rot_all(test->priv, SHARDBLK_RUN_MAGIC, 20);
	f = check(test, false);
	KUNIT_EXPECT_GE(test, f->report.nr_damaged, 1ull);
}

/*
 * Goal: a wrong copy is found, although the other one serves.
 * Method: rot one copy of the superblock, then one of the manifest.
 */
static void a_wrong_copy_is_found(struct kunit *test)
{
	struct testdev *dev = test->priv;
	u32 extent_size = TESTDEV_EXTENT_BLOCKS * TESTDEV_BLOCK;
	struct findings *f;
	u64 at;

	for (at = extent_size; at < 2 * extent_size; at += TESTDEV_BLOCK)
		dev->fake->media[at + 40] ^= 1;
	f = check(test, false);
	KUNIT_EXPECT_EQ(test, f->report.nr_damaged, 1ull);
	KUNIT_EXPECT_EQ(test, strncmp(f->last, "superblock: copy 1", 18), 0);
	for (at = extent_size; at < 2 * extent_size; at += TESTDEV_BLOCK)
		dev->fake->media[at + 40] ^= 1;

	for (at = 0; at < dev->fake->backend.capacity; at += TESTDEV_BLOCK) {
		struct shardblk_manifest *d = (void *)(dev->fake->media + at);

		if (le32_to_cpu(d->h.magic) == SHARDBLK_MANIFEST_MAGIC &&
		    d->copy == 1)
			fake_rot(dev->fake, at + 90);
	}
	f = check(test, false);
	KUNIT_EXPECT_EQ(test, f->report.nr_damaged, 1ull);
	KUNIT_EXPECT_EQ(test, strncmp(f->last, "manifest: copy 1", 16), 0);
}

/* Where the newest record of the second copy lies. */
static u64 second_copy(struct testdev *dev)
{
	u32 extent_size = TESTDEV_EXTENT_BLOCKS * TESTDEV_BLOCK;
	u64 at, newest = 0, number, highest = 0;

	for (at = extent_size; at < 2 * extent_size; at += TESTDEV_BLOCK) {
		if (!shard_super_claims(dev->fake->media + at, &number) ||
		    number < highest)
			continue;
		highest = number;
		newest = at;
	}
	return newest;
}

/*
 * Goal: a second copy that is one record behind is what a power cut leaves,
 * and no damage; the same of the first copy, or two records, is.
 * Method: take records away.
 */
static void a_second_copy_may_be_one_record_behind(struct kunit *test)
{
	struct testdev *dev = test->priv;
	u32 extent_size = TESTDEV_EXTENT_BLOCKS * TESTDEV_BLOCK;
	u64 at = second_copy(dev);
	u8 *first = dev->fake->media + at - extent_size;
	u8 *second = dev->fake->media + at;
	u8 saved[TESTDEV_BLOCK];
	struct findings *f;

	memset(second, 0, TESTDEV_BLOCK);
	f = check(test, false);
	KUNIT_EXPECT_EQ_MSG(test, f->report.nr_damaged, 0ull, "%s", f->last);
	KUNIT_EXPECT_EQ(test, f->nr_notes, 1u);
	memcpy(saved, second - TESTDEV_BLOCK, TESTDEV_BLOCK);
	memset(second - TESTDEV_BLOCK, 0, TESTDEV_BLOCK);
	f = check(test, false);
	KUNIT_EXPECT_EQ(test, f->report.nr_damaged, 1ull);
	/* now as if the first copy had been written last */
	memcpy(second - TESTDEV_BLOCK, saved, TESTDEV_BLOCK);
	memset(first, 0, TESTDEV_BLOCK);
	memset(first - TESTDEV_BLOCK, 0, TESTDEV_BLOCK);
	f = check(test, false);
	KUNIT_EXPECT_EQ(test, f->report.nr_damaged, 1ull);
	KUNIT_EXPECT_EQ(test, f->nr_notes, 0u);
	KUNIT_EXPECT_EQ(test, strncmp(f->last, "superblock: copy 0 lacks", 24),
			0);
}

/*
 * Goal: what cannot be read of superblock and manifest is found, too; and who
 * does not want notes gets none.
 * Method: bad sectors; a second copy that is one record behind.
 */
static void unreadable_copies_are_found(struct kunit *test)
{
	struct testdev *dev = test->priv;
	u32 extent_size = TESTDEV_EXTENT_BLOCKS * TESTDEV_BLOCK;
	u64 at = second_copy(dev);
	struct findings *f;

	dev->fake->bad_offset = at;
	f = check(test, false);
	KUNIT_EXPECT_EQ(test, f->report.nr_damaged, 1ull);
	KUNIT_EXPECT_EQ(test, strncmp(f->last, "superblock: extent 1", 20), 0);
	KUNIT_EXPECT_EQ(test, f->nr_notes, 1u);
	dev->fake->bad_offset = 3 * extent_size;
	f = check(test, false);
	KUNIT_EXPECT_EQ(test, f->report.nr_damaged, 1ull);
	KUNIT_EXPECT_EQ(test, strncmp(f->last, "superblock: extent 3", 20), 0);
	KUNIT_EXPECT_EQ(test, f->nr_notes, 0u);

	for (at = 0; at < dev->fake->backend.capacity; at += TESTDEV_BLOCK) {
		struct shardblk_manifest *d = (void *)(dev->fake->media + at);

		if (le32_to_cpu(d->h.magic) == SHARDBLK_MANIFEST_MAGIC &&
		    d->copy == 1)
			dev->fake->bad_offset = at;
	}
	f = check(test, false);
	KUNIT_EXPECT_EQ(test, f->report.nr_damaged, 1ull);
	KUNIT_EXPECT_EQ(test, strncmp(f->last, "manifest: copy 1", 16), 0);
	dev->fake->bad_offset = U64_MAX;

	memset(dev->fake->media + second_copy(dev), 0, TESTDEV_BLOCK);
	f = kunit_kzalloc(test, sizeof(*f), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, f);
	f->report.damage = found;
	KUNIT_ASSERT_EQ(test, testdev_open(dev), 0);
	KUNIT_EXPECT_EQ(test, shard_check(dev->device, false, &f->report), 0);
	KUNIT_EXPECT_EQ(test, f->report.nr_damaged, 0ull);
	/* meanwhile somebody has wiped all of it */
	memset(dev->fake->media, 0, 4 * extent_size);
	KUNIT_EXPECT_EQ(test, shard_check(dev->device, false, &f->report), 0);
	KUNIT_EXPECT_EQ(test, f->report.nr_damaged, 1ull);
	KUNIT_EXPECT_EQ(test, strncmp(f->last, "superblock: cannot be read again",
				      32), 0);
}

/*
 * Goal: beside blocks that cannot be read the copies are judged as they would be
 * without, and by the number that the newest record has.
 * Method: a bad sector in the extent that its copy does not use now; a second copy
 * that is one record behind, then one that is rotten.
 */
static void a_bad_sector_is_no_finding_elsewhere(struct kunit *test)
{
	struct testdev *dev = test->priv;
	u32 extent_size = TESTDEV_EXTENT_BLOCKS * TESTDEV_BLOCK;
	u64 at = second_copy(dev), number;
	u8 saved[TESTDEV_BLOCK];
	struct findings *f;
	struct shard_info *info = kunit_kzalloc(test, sizeof(*info), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, info);
	dev->fake->bad_offset = 2 * extent_size;
	KUNIT_ASSERT_NE(test, shard_super_claims(dev->fake->media + at, &number),
			0u);
	KUNIT_ASSERT_EQ(test, testdev_open(dev), 0);
	shard_device_info(dev->device, info);
	KUNIT_EXPECT_EQ(test, info->record_number, number);
	KUNIT_ASSERT_EQ(test, testdev_close(dev), 0);

	memcpy(saved, dev->fake->media + at, TESTDEV_BLOCK);
	memset(dev->fake->media + at, 0, TESTDEV_BLOCK);
	f = check(test, false);
	KUNIT_EXPECT_EQ(test, f->report.nr_damaged, 1ull);
	KUNIT_EXPECT_EQ_MSG(test, strncmp(f->last, "superblock: extent 2", 20), 0,
			    "%s", f->last);
	KUNIT_EXPECT_EQ(test, f->nr_notes, 1u);
	memcpy(dev->fake->media + at, saved, TESTDEV_BLOCK);
	fake_rot(dev->fake, at + 100);
	f = check(test, false);
	KUNIT_EXPECT_EQ(test, f->report.nr_damaged, 2ull);
	KUNIT_EXPECT_EQ_MSG(test, strncmp(f->last, "superblock: copy 1, extent 1",
					  28), 0, "%s", f->last);
}

/*
 * Goal: holes in a run are checked, and are no damage.
 * Method: discard what an older run has.
 */
static void holes_of_a_run_are_sound(struct kunit *test)
{
	struct testdev *dev = test->priv;
	struct findings *f;

	dev->options.read_only = false;
	KUNIT_ASSERT_EQ(test, testdev_open(dev), 0);
	KUNIT_EXPECT_EQ(test, testdev_discard(dev, 1, 3), 0);
	KUNIT_EXPECT_EQ(test, shard_device_checkpoint(dev->device), 0);
	KUNIT_EXPECT_EQ(test, testdev_close(dev), 0);
	dev->options.read_only = true;
	f = check(test, true);
	KUNIT_EXPECT_EQ_MSG(test, f->report.nr_damaged, 0ull, "%s", f->last);
}

/*
 * Goal: of a damaged record in the second copy it is said where it lies; none
 * is taken for one that was never written.
 * Method: change each byte of it.
 */
static void a_rotten_second_copy_is_no_torn_one(struct kunit *test)
{
	struct testdev *dev = test->priv;
	u64 at = second_copy(dev);
	struct findings *f;
	char want[64];
	u32 byte;

	snprintf(want, sizeof(want), "superblock: copy 1, extent 1 block %u:",
		 (u32)(at / TESTDEV_BLOCK) - TESTDEV_EXTENT_BLOCKS);
	for (byte = 0; byte < TESTDEV_BLOCK; byte += 1 + byte / 64) {
		dev->fake->media[at + byte] ^= 0x10;
		f = check(test, false);
		KUNIT_EXPECT_EQ(test, f->report.nr_damaged, 1ull);
		KUNIT_EXPECT_EQ_MSG(test, strncmp(f->last, want, strlen(want)),
				    0, "byte %u: %s", byte, f->last);
		dev->fake->media[at + byte] ^= 0x10;
	}
}

/*
 * Goal: a second copy of which a part was never written is what a power cut leaves,
 * and no damage.
 * Method: a record of several sectors, which names many extents; take away all but
 * the first one.
 */
static void a_torn_second_copy_is_no_damage(struct kunit *test)
{
	struct testdev *dev = testdev_create_large(test, 4096, 16);
	u64 at = 0, number, highest = 0, block;
	struct findings *f;
	u32 i;

	testdev_destroy(test->priv);
	test->priv = dev;
	KUNIT_ASSERT_EQ(test, testdev_close(dev), 0);
	dev->format.checkpoint_blocks = 1024;
	KUNIT_ASSERT_EQ(test, testdev_format(dev), 0);
	KUNIT_ASSERT_EQ(test, testdev_open(dev), 0);
	for (i = 0; i < 24; i++)
		KUNIT_ASSERT_EQ(test, testdev_write(dev, 0, 15, 1 + i), 0);
	dev->options.read_only = true;
	KUNIT_ASSERT_EQ(test, testdev_close(dev), 0);

	for (block = 16; block < 32; block++) {
		if (!shard_super_claims(dev->fake->media + block * 4096, &number) ||
		    number < highest)
			continue;
		highest = number;
		at = block * 4096;
	}
	KUNIT_ASSERT_NOT_NULL(test, memchr_inv(dev->fake->media + at + 512, 0,
					       512));
	memset(dev->fake->media + at + 512, 0, 4096 - 512);
	f = check(test, false);
	KUNIT_EXPECT_EQ_MSG(test, f->report.nr_damaged, 0ull, "%s", f->last);
	KUNIT_EXPECT_EQ(test, f->nr_notes, 1u);
}

/*
 * Goal: a check without memory fails as that.
 * Method: let each allocation fail in turn.
 */
static void without_memory_a_check_fails(struct kunit *test)
{
	struct testdev *dev = test->priv;
	struct findings *f = kunit_kzalloc(test, sizeof(*f), GFP_KERNEL);
	bool struck = true;
	int err = 0;
	u32 n;

	KUNIT_ASSERT_NOT_NULL(test, f);
	f->report.damage = found;
	KUNIT_ASSERT_EQ(test, testdev_open(dev), 0);
	for (n = 1; n < ALLOC_FAULT_MAX && struck; n++) {
		alloc_fault_arm(n);
		err = shard_check(dev->device, true, &f->report);
		struck = alloc_fault_disarm();
		if (err)
			KUNIT_EXPECT_EQ(test, err, -ENOMEM);
		/* want of memory is no damage */
		KUNIT_EXPECT_EQ_MSG(test, f->report.nr_damaged, 0ull, "%s",
				    f->last);
	}
	KUNIT_EXPECT_EQ(test, err, 0);
}

static struct kunit_case check_cases[] = {
	KUNIT_CASE(a_sound_device_has_no_findings),
	KUNIT_CASE(wrong_data_is_found),
	KUNIT_CASE(unreadable_data_is_found),
	KUNIT_CASE(a_wrong_index_page_is_found),
	KUNIT_CASE(a_wrong_copy_is_found),
	KUNIT_CASE(a_second_copy_may_be_one_record_behind),
	KUNIT_CASE(unreadable_copies_are_found),
	KUNIT_CASE(a_bad_sector_is_no_finding_elsewhere),
	KUNIT_CASE(holes_of_a_run_are_sound),
	KUNIT_CASE(a_rotten_second_copy_is_no_torn_one),
	KUNIT_CASE(a_torn_second_copy_is_no_damage),
	KUNIT_CASE(without_memory_a_check_fails),
	{}
};

static struct kunit_suite check_suite = {
	.name = "shardblk-check",
	.init = check_init,
	.exit = check_exit,
	.test_cases = check_cases,
};

kunit_test_suites(&check_suite);
