// SPDX-License-Identifier: GPL-2.0-only
/*
 * Goal: scrubs begin when they are wanted or due, end, and tell what they find.
 *
 * Method: whole devices on a RAM disk, which is written to past them.
 */
#include <kunit/test.h>
#include <linux/delay.h>

#include "ramdisk.h"

#define NO_LIMIT	1000000u	/* KiB per second */

struct scrub_rig {
	struct shardblk *sb;
	dev_t backing;
	dev_t dev;
	char *page;
};

static struct shardblk *device_of(struct kunit *test, dev_t dev)
{
	struct compat_bdev handle;
	struct shardblk *sb;

	KUNIT_ASSERT_EQ(test, compat_bdev_open(&handle, dev, false, NULL), 0);
	/* it stays for as long as this test does not remove it */
	sb = handle.bdev->bd_disk->private_data;
	ramdisk_close(&handle);
	return sb;
}

/* Each page of the first MiB has something else in it, by a checkpoint. */
static int scrub_rig_init(struct kunit *test)
{
	struct scrub_rig *rig = kunit_kzalloc(test, sizeof(*rig), GFP_KERNEL);
	struct shardblk_options options = { .path = "test", .id = 0 };
	u32 i;

	KUNIT_ASSERT_NOT_NULL(test, rig);
	test->priv = rig;
	rig->page = ramdisk_pages(test, 0);
	options.dev = ramdisk_format(test);
	rig->backing = options.dev;
	KUNIT_ASSERT_EQ(test, shardblk_add(&options), 0);
	rig->dev = ramdisk_number(test, 0);
	rig->sb = device_of(test, rig->dev);
	WRITE_ONCE(rig->sb->scrub_rate, NO_LIMIT);
	for (i = 0; i < 64; i++) {
		ramdisk_pattern(rig->page, PAGE_SIZE, i);
		KUNIT_ASSERT_EQ(test, ramdisk_page(rig->dev, REQ_OP_WRITE,
						   i * PAGE_SECTORS, rig->page), 0);
	}
	KUNIT_ASSERT_EQ(test, shardblk_checkpoint(0), 0);
	return 0;
}

static void scrub_rig_exit(struct kunit *test)
{
	struct scrub_rig *rig = test->priv;

	KUNIT_EXPECT_EQ(test, ramdisk_remove(0), 0);
	free_page((unsigned long)rig->page);
}

static struct shardblk_scrub_report report_of(struct scrub_rig *rig)
{
	struct shardblk_scrub_report report;

	shardblk_scrub_report(rig->sb, &report);
	return report;
}

static u64 nr_scrubbed(struct scrub_rig *rig)
{
	struct shard_info info;

	shardblk_info(rig->sb, &info);
	return info.stats.scrub_blocks;
}

/* Waits for the end of a scrub.  Return: did it come to that. */
static bool scrub_ends(struct scrub_rig *rig)
{
	u32 i;

	for (i = 0; i < 1000; i++) {
		if (!report_of(rig).running)
			return true;
		msleep(20);
	}
	return false;
}

/* Overwrites where page @seed lies on the RAM disk. */
static bool damage(struct kunit *test, struct scrub_rig *rig, u8 seed)
{
	char *want = ramdisk_pages(test, 0);
	bool found = false;
	sector_t sector;

	ramdisk_pattern(want, PAGE_SIZE, seed);
	for (sector = 0; sector < SZ_64M >> SECTOR_SHIFT && !found;
	     sector += PAGE_SECTORS) {
		KUNIT_ASSERT_EQ(test, ramdisk_page(rig->backing, REQ_OP_READ,
						   sector, rig->page), 0);
		if (memcmp(rig->page, want, PAGE_SIZE))
			continue;
		rig->page[77] ^= 4;
		KUNIT_ASSERT_EQ(test, ramdisk_page(rig->backing, REQ_OP_WRITE,
						   sector, rig->page), 0);
		found = true;
	}
	free_page((unsigned long)want);
	return found;
}

/*
 * Goal: a scrub reads all there is, and finds none damaged; a second one has to
 * wait for its end.
 */
static void a_scrub_of_a_sound_device_finds_nothing(struct kunit *test)
{
	struct scrub_rig *rig = test->priv;

	KUNIT_EXPECT_FALSE(test, report_of(rig).running);
	WRITE_ONCE(rig->sb->scrub_rate, 1);
	KUNIT_EXPECT_EQ(test, shardblk_scrub_start(rig->sb), 0);
	KUNIT_EXPECT_EQ(test, shardblk_scrub_start(rig->sb), -EBUSY);
	KUNIT_EXPECT_TRUE(test, report_of(rig).running);
	shardblk_scrub_stop(rig->sb, false);
	KUNIT_EXPECT_FALSE(test, report_of(rig).running);

	WRITE_ONCE(rig->sb->scrub_rate, NO_LIMIT);
	KUNIT_EXPECT_EQ(test, shardblk_scrub_start(rig->sb), 0);
	KUNIT_EXPECT_TRUE(test, scrub_ends(rig));
	KUNIT_EXPECT_EQ(test, report_of(rig).damaged, 0ULL);
	/* the pages, the index, two copies each of manifest and record */
	KUNIT_EXPECT_GE(test, nr_scrubbed(rig), 64 + 1 + 2 + 2ULL);
	KUNIT_EXPECT_FALSE(test, rig->sb->scrub_told);
}

/* Goal: what is damaged is counted, and told once for each scrub. */
static void what_is_damaged_is_told(struct kunit *test)
{
	struct scrub_rig *rig = test->priv;

	KUNIT_ASSERT_TRUE(test, damage(test, rig, 7));
	KUNIT_ASSERT_TRUE(test, damage(test, rig, 40));
	KUNIT_EXPECT_EQ(test, shardblk_scrub_start(rig->sb), 0);
	KUNIT_EXPECT_TRUE(test, scrub_ends(rig));
	KUNIT_EXPECT_EQ(test, report_of(rig).damaged, 2ULL);
	KUNIT_EXPECT_TRUE(test, rig->sb->scrub_told);
	/* what is overwritten is whole again */
	KUNIT_EXPECT_EQ(test, ramdisk_page(rig->dev, REQ_OP_WRITE,
					   7 * PAGE_SECTORS, rig->page), 0);
	KUNIT_EXPECT_EQ(test, ramdisk_page(rig->dev, REQ_OP_WRITE,
					   40 * PAGE_SECTORS, rig->page), 0);
	KUNIT_EXPECT_EQ(test, shardblk_scrub_start(rig->sb), 0);
	KUNIT_EXPECT_TRUE(test, scrub_ends(rig));
	KUNIT_EXPECT_EQ(test, report_of(rig).damaged, 0ULL);
	KUNIT_EXPECT_FALSE(test, rig->sb->scrub_told);
}

/* Waits for so many blocks to have been read.  Return: were they. */
static bool scrubs_read(struct scrub_rig *rig, u64 nr)
{
	u32 i;

	for (i = 0; i < 1000 && nr_scrubbed(rig) < nr; i++)
		msleep(20);
	return nr_scrubbed(rig) >= nr;
}

/*
 * Goal: scrubs begin by themselves, one interval after the last, and no more when
 * that is off.
 */
static void scrubs_begin_when_they_are_due(struct kunit *test)
{
	struct scrub_rig *rig = test->priv;
	u64 nr;

	KUNIT_EXPECT_EQ(test, rig->sb->scrub_interval, 0u);
	shardblk_scrub_every(rig->sb, 1);
	KUNIT_EXPECT_FALSE(test, report_of(rig).running);
	KUNIT_EXPECT_TRUE(test, scrubs_read(rig, 1));
	KUNIT_EXPECT_TRUE(test, scrub_ends(rig));
	nr = nr_scrubbed(rig);
	KUNIT_EXPECT_TRUE(test, scrubs_read(rig, 2 * nr));
	shardblk_scrub_every(rig->sb, 0);
	KUNIT_EXPECT_TRUE(test, scrub_ends(rig));
	nr = nr_scrubbed(rig);
	msleep(2000);
	KUNIT_EXPECT_EQ(test, nr_scrubbed(rig), nr);
	/* an hour is not over when the device is removed */
	shardblk_scrub_every(rig->sb, SHARDBLK_HOUR);
}

/*
 * Goal: the rate is kept also where a step is worth less than a tick.
 * Method: 16 MiB at 25 MiB per second, in steps of 5 ms.
 */
static void a_scrub_is_not_faster_than_its_rate(struct kunit *test)
{
	struct scrub_rig *rig = test->priv;
	ktime_t begun;

	KUNIT_ASSERT_EQ(test, ramdisk_fill(test, rig->dev, 0, SZ_16M, rig->page),
			0);
	KUNIT_ASSERT_EQ(test, shardblk_checkpoint(0), 0);
	WRITE_ONCE(rig->sb->scrub_rate, 25 * SZ_1K);
	begun = ktime_get();
	KUNIT_EXPECT_EQ(test, shardblk_scrub_start(rig->sb), 0);
	KUNIT_EXPECT_TRUE(test, scrub_ends(rig));
	KUNIT_EXPECT_GE(test, ktime_ms_delta(ktime_get(), begun), 600);
}

static struct kunit_case block_scrub_cases[] = {
	KUNIT_CASE(a_scrub_of_a_sound_device_finds_nothing),
	KUNIT_CASE(what_is_damaged_is_told),
	KUNIT_CASE(scrubs_begin_when_they_are_due),
	KUNIT_CASE(a_scrub_is_not_faster_than_its_rate),
	{}
};

static struct kunit_suite block_scrub_suite = {
	.name = "shardblk-block-scrub",
	.init = scrub_rig_init,
	.exit = scrub_rig_exit,
	.test_cases = block_scrub_cases,
};

kunit_test_suite(block_scrub_suite);
