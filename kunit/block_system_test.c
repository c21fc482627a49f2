// SPDX-License-Identifier: GPL-2.0-only
/*
 * Goal: a device is a good neighbour: to a machine that hibernates, and to others
 * who use its backing device or itself.
 *
 * Method: whole devices on a RAM disk.  What is sent to that is seen by a probe.
 */
#include <kunit/test.h>
#include <linux/ioprio.h>
#include <trace/events/block.h>

#include "ramdisk.h"

static void nobody_hibernates_beside_what_may_be_written(struct kunit *test)
{
	struct shardblk_options options = {
		.path = "test", .id = SHARDBLK_ID_ANY,
	};

	options.dev = ramdisk_format(test);
	KUNIT_ASSERT_EQ(test, shardblk_add(&options), 0);
	KUNIT_EXPECT_EQ(test, shardblk_hibernate(), -EBUSY);
	KUNIT_EXPECT_EQ(test, ramdisk_remove(0), 0);
	/* that was refused, so nothing has begun */
	KUNIT_ASSERT_EQ(test, shardblk_add(&options), 0);
	/* other sleep is not */
	shardblk_suspend(true);
	shardblk_suspend(false);
	KUNIT_EXPECT_EQ(test, ramdisk_remove(0), 0);

	options.read_only = true;
	KUNIT_ASSERT_EQ(test, shardblk_add(&options), 0);
	KUNIT_EXPECT_EQ(test, shardblk_hibernate(), 0);
	KUNIT_EXPECT_EQ(test, ramdisk_remove(0), 0);
	options.read_only = false;
	KUNIT_EXPECT_EQ(test, shardblk_add(&options), -EBUSY);
	options.read_only = true;
	KUNIT_EXPECT_EQ(test, shardblk_add(&options), 0);
	KUNIT_EXPECT_EQ(test, ramdisk_remove(0), 0);
	shardblk_hibernate_end();
	options.read_only = false;
	KUNIT_ASSERT_EQ(test, shardblk_add(&options), 0);
	KUNIT_EXPECT_EQ(test, ramdisk_remove(0), 0);
}

/**
 * struct seen - what was sent to a disk
 * @dev:	the disk
 * @nr:		operations that write or flush
 * @nr_idle:	of these, as of somebody idle
 * @nr_reads:	that read, as of somebody idle
 */
struct seen {
	dev_t dev;
	u32 nr;
	u32 nr_idle;
	u32 nr_reads;
};

static void probe(void *data, struct bio *bio)
{
	bool idle = IOPRIO_PRIO_CLASS(bio->bi_ioprio) == IOPRIO_CLASS_IDLE;
	struct seen *seen = data;

	if (bio->bi_bdev->bd_dev != seen->dev)
		return;
	if (op_is_write(bio_op(bio))) {
		seen->nr++;
		seen->nr_idle += idle;
	} else {
		seen->nr_reads += idle;
	}
}

static void frames_are_sent_as_of_nobody(struct kunit *test)
{
	struct shardblk_options options = {
		.path = "test", .id = SHARDBLK_ID_ANY,
	};
	char *page = ramdisk_pages(test, 0);
	struct seen seen = { 0 };
	int before, error;
	dev_t dev;

	options.dev = ramdisk_format(test);
	KUNIT_ASSERT_EQ(test, shardblk_add(&options), 0);
	dev = ramdisk_number(test, 0);
	ramdisk_pattern(page, PAGE_SIZE, 1);
	seen.dev = options.dev;
	before = get_current_ioprio();
	error = set_task_ioprio(current,
				IOPRIO_PRIO_VALUE(IOPRIO_CLASS_IDLE, 0));
	KUNIT_EXPECT_EQ(test, error, 0);
	error = register_trace_block_bio_queue(probe, &seen);
	KUNIT_EXPECT_EQ(test, error, 0);
	/* nor a flush: these are sent by kblockd */
	KUNIT_EXPECT_EQ(test, ramdisk_page(dev, REQ_OP_WRITE, 0, page), 0);
	KUNIT_EXPECT_EQ(test, ramdisk_page(dev, REQ_OP_READ, 0, page), 0);
	unregister_trace_block_bio_queue(probe, &seen);
	tracepoint_synchronize_unregister();
	set_task_ioprio(current, before);
	KUNIT_EXPECT_GE(test, seen.nr, 1u);
	KUNIT_EXPECT_EQ(test, seen.nr_idle, 0u);
	/* a read is whose it is */
	KUNIT_EXPECT_EQ(test, seen.nr_reads, 1u);
	KUNIT_EXPECT_EQ(test, ramdisk_remove(0), 0);
	free_page((unsigned long)page);
}

static struct kunit_case block_system_cases[] = {
	KUNIT_CASE(nobody_hibernates_beside_what_may_be_written),
	KUNIT_CASE(frames_are_sent_as_of_nobody),
	{}
};

static struct kunit_suite block_system_suite = {
	.name = "shardblk-block-system",
	.test_cases = block_system_cases,
};

kunit_test_suite(block_system_suite);
