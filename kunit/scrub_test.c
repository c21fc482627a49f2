// SPDX-License-Identifier: GPL-2.0-only
/*
 * Scrubs: what is read and verified, and what is reported.
 */
#include <kunit/test.h>

#include "alloc_fault.h"
#include "testdev.h"

static int scrub_init(struct kunit *test)
{
	test->priv = testdev_create(test, true, false);
	return 0;
}

static void scrub_exit(struct kunit *test)
{
	testdev_destroy(test->priv);
}

/* A whole scrub.  Return: what it found. */
static u64 scrub(struct testdev *dev)
{
	struct shard_scrub *scrub = shard_scrub_create(dev->device);
	u64 nr_damaged;
	int ret;

	KUNIT_ASSERT_NOT_NULL(dev->test, scrub);
	while ((ret = shard_scrub_step(scrub)) > 0)
		;
	KUNIT_EXPECT_EQ(dev->test, ret, 0);
	nr_damaged = scrub->nr_damaged;
	shard_scrub_destroy(scrub);
	return nr_damaged;
}

/*
 * Goal: each mapped block and each page of the index is read once, and nothing
 * else; an empty device has none.
 * Method: count the blocks that are read.
 */
static void a_scrub_reads_what_is_mapped_and_the_index(struct kunit *test)
{
	struct testdev *dev = test->priv;
	u64 read;

	KUNIT_EXPECT_EQ(test, scrub(dev), 0ull);
	KUNIT_EXPECT_EQ(test, testdev_stat(dev, scrub_blocks), 0ull);
	KUNIT_EXPECT_EQ(test, testdev_write(dev, 3, 7, 1), 0);
	KUNIT_EXPECT_EQ(test, testdev_write(dev, 100, 2, 8), 0);
	KUNIT_EXPECT_EQ(test, testdev_discard(dev, 4, 1), 0);
	KUNIT_EXPECT_EQ(test, scrub(dev), 0ull);
	KUNIT_EXPECT_EQ(test, testdev_stat(dev, scrub_blocks), 8ull);
	KUNIT_EXPECT_EQ(test, shard_device_checkpoint(dev->device), 0);
	read = testdev_stat(dev, scrub_blocks);
	KUNIT_EXPECT_EQ(test, scrub(dev), 0ull);
	/* a run of so few entries is one page */
	KUNIT_EXPECT_EQ(test, testdev_stat(dev, scrub_blocks) - read, 9ull);
}

/*
 * Goal: a block that rots is found, in the log and in a run, whoever reads it or
 * not, and what is overwritten is not.
 * Method: flip a bit of one; overwrite it.
 */
static void a_scrub_finds_a_block_that_rots(struct kunit *test)
{
	struct testdev *dev = test->priv;

	KUNIT_EXPECT_EQ(test, testdev_write(dev, 3, 3, 0x41), 0);
	KUNIT_EXPECT_EQ(test, testdev_flush(dev), 0);
	fake_rot(dev->fake, testdev_find(dev, 0x42) + 5);
	KUNIT_EXPECT_EQ(test, scrub(dev), 1ull);
	KUNIT_EXPECT_EQ(test, shard_device_checkpoint(dev->device), 0);
	KUNIT_EXPECT_EQ(test, scrub(dev), 1ull);
	KUNIT_EXPECT_EQ(test, testdev_stat(dev, scrub_damaged), 2ull);
	KUNIT_EXPECT_EQ(test, testdev_write(dev, 4, 1, 0x51), 0);
	KUNIT_EXPECT_EQ(test, scrub(dev), 0ull);
	testdev_expect(dev, 3, 1, 0x41);
	testdev_expect(dev, 4, 1, 0x51);
}

/*
 * Goal: what cannot be read once is no damage, what cannot be read twice is; and
 * nothing is forgotten for it.
 * Method: one read fails, then all; then none.
 */
static void an_error_that_passes_is_no_damage(struct kunit *test)
{
	struct testdev *dev = test->priv;

	KUNIT_EXPECT_EQ(test, testdev_write(dev, 3, 4, 1), 0);
	fake_fail(dev->fake, SHARD_IO_READ, -EIO, 1);
	KUNIT_EXPECT_EQ(test, scrub(dev), 0ull);
	fake_fail(dev->fake, SHARD_IO_READ, -EIO, 0);
	KUNIT_EXPECT_EQ(test, scrub(dev), 4ull);
	fake_heal(dev->fake);
	KUNIT_EXPECT_EQ(test, scrub(dev), 0ull);
	testdev_expect(dev, 3, 4, 1);
}

/*
 * Goal: a scrub of a device that has failed ends; one that finds no memory keeps
 * none.
 * Method: fail the device; let each allocation fail.
 */
static void a_scrub_ends_with_its_device(struct kunit *test)
{
	struct testdev *dev = test->priv;
	struct shard_scrub *scrub = shard_scrub_create(dev->device);
	u32 i;

	KUNIT_ASSERT_NOT_NULL(test, scrub);
	KUNIT_EXPECT_EQ(test, testdev_write(dev, 3, 1, 1), 0);
	KUNIT_EXPECT_EQ(test, shard_scrub_step(scrub), 1);
	shard_device_fail(dev->device);
	KUNIT_EXPECT_EQ(test, shard_scrub_step(scrub), -EIO);
	shard_scrub_destroy(scrub);
	for (i = 1; i <= 2 && alloc_fault_possible(); i++) {
		alloc_fault_arm(i);
		scrub = shard_scrub_create(dev->device);
		KUNIT_EXPECT_TRUE(test, alloc_fault_disarm());
		/* in the kernel a large one has a second try */
		shard_scrub_destroy(scrub);
	}
}

static struct kunit_case scrub_cases[] = {
	KUNIT_CASE(a_scrub_reads_what_is_mapped_and_the_index),
	KUNIT_CASE(a_scrub_finds_a_block_that_rots),
	KUNIT_CASE(an_error_that_passes_is_no_damage),
	KUNIT_CASE(a_scrub_ends_with_its_device),
	{}
};

static struct kunit_suite scrub_suite = {
	.name = "shardblk-scrub",
	.init = scrub_init,
	.exit = scrub_exit,
	.test_cases = scrub_cases,
};

kunit_test_suites(&scrub_suite);
