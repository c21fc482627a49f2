// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reads: from memtables and runs, checked, tried again, and refused.
 */
#include <kunit/test.h>

#include "testdev.h"
#include "../uapi/shardblk_format.h"

static int read_init(struct kunit *test)
{
	test->priv = testdev_create(test, true, false);
	return 0;
}

static void read_exit(struct kunit *test)
{
	testdev_destroy(test->priv);
}

/* Writes, and puts what the index knows on the disk. */
static void put(struct testdev *dev, u64 lba, u32 nr, u8 fill)
{
	KUNIT_ASSERT_EQ(dev->test, testdev_write(dev, lba, nr, fill), 0);
	KUNIT_ASSERT_EQ(dev->test, shard_device_checkpoint(dev->device), 0);
}

/*
 * Goal: what was never written reads as zeros, without any I/O.
 * Method: read all of a new device.
 */
static void what_was_never_written_reads_as_zeros(struct kunit *test)
{
	struct testdev *dev = test->priv;

	fake_counts_clear(dev->fake);
	testdev_expect_holes(dev, 0, TESTDEV_BLOCKS);
	KUNIT_EXPECT_EQ(test, dev->fake->nr[SHARD_IO_READ], 0ull);
}

/*
 * Goal: blocks that lie behind one another are read at once; data and holes
 * may alternate; memory may come in odd pieces.
 * Method: one read over all of that, into three segments; count reads.
 */
static void a_read_gathers_data_and_holes(struct kunit *test)
{
	struct testdev *dev = test->priv;
	struct shard_seg segs[3];
	struct testreq *req;
	u8 *data;
	u32 i;

	KUNIT_EXPECT_EQ(test, testdev_write(dev, 10, 4, 1), 0);
	KUNIT_EXPECT_EQ(test, testdev_write(dev, 16, 2, 7), 0);
	fake_counts_clear(dev->fake);
	fake_mode_set(dev->fake, FAKE_HELD);
	req = testdev_start(dev, SHARD_READ, 0, 1, 0, false);
	KUNIT_EXPECT_EQ(test, testreq_wait(req), 0);
	data = kunit_kzalloc(test, 10 * TESTDEV_BLOCK, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, data);
	memset(data, 0xee, 10 * TESTDEV_BLOCK);
	segs[0] = (struct shard_seg){ data, 100 };
	segs[1] = (struct shard_seg){ data + 100, 3 * TESTDEV_BLOCK };
	segs[2] = (struct shard_seg){ data + 100 + 3 * TESTDEV_BLOCK,
				      7 * TESTDEV_BLOCK - 100 };
	reinit_completion(&req->completed);
	req->request.lba = 9;
	req->request.nr_blocks = 10;
	req->request.segs = segs;
	shard_device_submit(dev->device, &req->request);
	KUNIT_EXPECT_EQ(test, fake_nr_pending(dev->fake), 2u);
	fake_release_nth(dev->fake, 1);
	fake_release_nth(dev->fake, 0);
	KUNIT_EXPECT_EQ(test, testreq_wait(req), 0);
	for (i = 0; i < 10; i++) {
		u8 want = i >= 1 && i < 5 ? i : i >= 7 && i < 9 ? i : 0;

		KUNIT_EXPECT_NULL_MSG(test, memchr_inv(data + i * TESTDEV_BLOCK,
						       want, TESTDEV_BLOCK),
				      "block %u", i);
	}
	KUNIT_EXPECT_EQ(test, dev->fake->nr[SHARD_IO_READ], 2ull);
	fake_mode_set(dev->fake, FAKE_AT_ONCE);
}

/*
 * Goal: a request keeps a bounded number of backing reads in flight.
 * Method: a read of many scattered blocks, held back.
 */
static void a_read_keeps_few_backing_reads_in_flight(struct kunit *test)
{
	struct testdev *dev = test->priv;
	struct testreq *req;
	u32 i;

	for (i = 0; i < 15; i++)
		KUNIT_EXPECT_EQ(test, testdev_write(dev, 14 - i, 1, 15 - i), 0);
	fake_counts_clear(dev->fake);
	fake_mode_set(dev->fake, FAKE_HELD);
	req = testdev_start(dev, SHARD_READ, 0, 15, 0, false);
	for (i = 0; i < 15; i++) {
		KUNIT_EXPECT_EQ(test, fake_nr_pending(dev->fake),
				min(15 - i, (u32)SHARD_REQUEST_IOS));
		fake_release(dev->fake, 1);
	}
	KUNIT_EXPECT_EQ(test, testreq_wait(req), 0);
	for (i = 0; i < 15; i++)
		KUNIT_EXPECT_EQ(test, ((u8 *)req->seg.addr)[i * TESTDEV_BLOCK],
				i + 1);
	fake_mode_set(dev->fake, FAKE_AT_ONCE);
}

/*
 * Goal: a read costs one backing read once index pages are cached, and the
 * pages' besides when they are not; a submitter never sleeps for them.
 * Method: read twice what only a run knows of.
 */
static void a_read_is_one_backing_read_once_pages_are_cached(struct kunit *test)
{
	struct testdev *dev = test->priv;

	put(dev, 40, 1, 5);
	testdev_restart(dev);
	fake_counts_clear(dev->fake);
	fake_mode_set(dev->fake, FAKE_LATER);
	testdev_expect(dev, 40, 1, 5);
	KUNIT_EXPECT_EQ(test, dev->fake->nr[SHARD_IO_READ], 2ull);
	testdev_expect(dev, 40, 1, 5);
	KUNIT_EXPECT_EQ(test, dev->fake->nr[SHARD_IO_READ], 3ull);
	testdev_expect_holes(dev, 41, 1);
	KUNIT_EXPECT_EQ(test, dev->fake->nr[SHARD_IO_READ], 3ull);
}

/*
 * Goal: memtable, frozen memtable and run together give the newest word.
 * Method: the same blocks in all layers.
 */
static void layers_give_the_newest_word(struct kunit *test)
{
	struct testdev *dev = test->priv;

	put(dev, 20, 10, 50);
	put(dev, 22, 2, 80);
	KUNIT_EXPECT_EQ(test, testdev_discard(dev, 25, 2), 0);
	KUNIT_EXPECT_EQ(test, testdev_write(dev, 28, 1, 120), 0);
	testdev_expect(dev, 20, 2, 50);
	testdev_expect(dev, 22, 2, 80);
	testdev_expect(dev, 24, 1, 54);
	testdev_expect_holes(dev, 25, 2);
	testdev_expect(dev, 27, 1, 57);
	testdev_expect(dev, 28, 1, 120);
	testdev_expect(dev, 29, 1, 59);
}

/*
 * Goal: a block that is wrong, or cannot be read, is tried once more before
 * it counts as lost.
 * Method: one failing read; a bit that flips back.
 */
static void a_bad_read_is_tried_once_more(struct kunit *test)
{
	struct testdev *dev = test->priv;
	struct testreq *req;
	u64 at;

	KUNIT_EXPECT_EQ(test, testdev_write(dev, 3, 3, 0x51), 0);
	fake_fail(dev->fake, SHARD_IO_READ, -EIO, 1);
	testdev_expect(dev, 3, 3, 0x51);
	at = testdev_find(dev, 0x52);
	KUNIT_ASSERT_NE(test, at, U64_MAX);
	dev->fake->mode[SHARD_IO_READ] = FAKE_HELD;
	req = testdev_start(dev, SHARD_READ, 3, 3, 0, false);
	fake_rot(dev->fake, at);
	fake_release(dev->fake, 1);
	fake_wait_pending(dev->fake, 1);
	fake_rot(dev->fake, at);
	fake_release(dev->fake, 1);
	KUNIT_EXPECT_EQ(test, testreq_wait(req), 0);
	KUNIT_EXPECT_EQ(test, ((u8 *)req->seg.addr)[TESTDEV_BLOCK], 0x52);
	KUNIT_EXPECT_EQ(test, testdev_stat(dev, read_errors), 0ull);
	dev->fake->mode[SHARD_IO_READ] = FAKE_AT_ONCE;
}

/*
 * Goal: reads that are tried once more wait for each other: there is one buffer
 * for that.
 * Method: two reads of rotten blocks at once, held back; each must get its own.
 */
static void bad_reads_are_tried_one_by_one(struct kunit *test)
{
	struct testdev *dev = test->priv;
	struct testreq *reqs[2];
	u64 at[2];
	u32 i;

	for (i = 0; i < 2; i++) {
		KUNIT_EXPECT_EQ(test, testdev_write(dev, 10 * i, 1, 0x51 + i),
				0);
		at[i] = testdev_find(dev, 0x51 + i);
		KUNIT_ASSERT_NE(test, at[i], U64_MAX);
		fake_rot(dev->fake, at[i]);
	}
	dev->fake->mode[SHARD_IO_READ] = FAKE_HELD;
	for (i = 0; i < 2; i++)
		reqs[i] = testdev_start(dev, SHARD_READ, 10 * i, 1, 0, false);
	fake_release(dev->fake, 2);
	for (i = 0; i < 2; i++)
		fake_rot(dev->fake, at[i]);
	for (i = 0; i < 2; i++) {
		fake_wait_pending(dev->fake, 1);
		testdev_sleep(dev);
		KUNIT_EXPECT_EQ(test, fake_nr_pending(dev->fake), 1u);
		fake_release(dev->fake, 1);
	}
	dev->fake->mode[SHARD_IO_READ] = FAKE_AT_ONCE;
	fake_release_all(dev->fake);
	for (i = 0; i < 2; i++) {
		KUNIT_EXPECT_EQ(test, testreq_wait(reqs[i]), 0);
		KUNIT_EXPECT_EQ(test, *(u8 *)reqs[i]->seg.addr, 0x51 + i);
	}
}

/*
 * Goal: a block that is lost fails the reads that want it, and no others; the
 * device goes on (P3).
 * Method: rot, then a block that cannot be read; then write it anew.
 */
static void a_lost_block_fails_its_own_reads_only(struct kunit *test)
{
	struct testdev *dev = test->priv;
	u64 at;

	KUNIT_EXPECT_EQ(test, testdev_write(dev, 3, 3, 0x51), 0);
	at = testdev_find(dev, 0x52);
	KUNIT_ASSERT_NE(test, at, U64_MAX);
	fake_rot(dev->fake, at + 100);
	KUNIT_EXPECT_EQ(test, testdev_read(dev, 4), -EIO);
	testdev_expect(dev, 3, 1, 0x51);
	testdev_expect(dev, 5, 1, 0x53);
	KUNIT_EXPECT_EQ(test, testdev_stat(dev, read_errors), 1ull);
	KUNIT_EXPECT_GE(test, testdev_stat(dev, read_mismatches), 1ull);
	fake_rot(dev->fake, at + 100);
	dev->fake->bad_offset = at;
	KUNIT_EXPECT_EQ(test, testdev_read(dev, 4), -EIO);
	KUNIT_EXPECT_EQ(test, shard_device_state(dev->device),
			SHARD_STATE_READ_WRITE);
	KUNIT_EXPECT_EQ(test, testdev_write(dev, 4, 1, 9), 0);
	testdev_expect(dev, 3, 1, 0x51);
	testdev_expect(dev, 4, 1, 9);
}

/*
 * Goal: a wrong index page fails the read; no older layer is asked instead
 * (O11).
 * Method: rot the only page of the run; a block in the memtable still reads.
 */
static void a_lost_index_page_fails_the_read(struct kunit *test)
{
	struct testdev *dev = test->priv;
	u64 at, lba = 0;

	put(dev, 3, 1, 0x51);
	testdev_restart(dev);
	KUNIT_EXPECT_EQ(test, testdev_write(dev, 4, 1, 0x61), 0);
	for (at = 0; at < dev->fake->backend.capacity; at += TESTDEV_BLOCK) {
		const struct shardblk_header *h =
			(void *)(dev->fake->media + at);

		if (le32_to_cpu(h->magic) == SHARDBLK_RUN_MAGIC)
			fake_rot(dev->fake, at + 20);
	}
	KUNIT_EXPECT_EQ(test, testdev_read(dev, 3), -EIO);
	testdev_expect(dev, 4, 1, 0x61);
	/* nor can it be told where the next data is */
	KUNIT_EXPECT_EQ(test, shard_device_next_data(dev->device, &lba), -EIO);
}

/*
 * Goal: holes are skipped, and there is an end.
 * Method: two blocks, one of them in a run; ask from before them, and behind.
 */
static void data_ends_somewhere(struct kunit *test)
{
	struct testdev *dev = test->priv;
	u64 lba = 0;

	put(dev, 3, 1, 0x51);
	testdev_restart(dev);
	KUNIT_EXPECT_EQ(test, testdev_write(dev, 5, 1, 0x61), 0);
	KUNIT_EXPECT_EQ(test, shard_device_next_data(dev->device, &lba), 1);
	KUNIT_EXPECT_EQ(test, lba, 3ull);
	lba = 4;
	KUNIT_EXPECT_EQ(test, shard_device_next_data(dev->device, &lba), 1);
	KUNIT_EXPECT_EQ(test, lba, 5ull);
	lba = 6;
	KUNIT_EXPECT_EQ(test, shard_device_next_data(dev->device, &lba), 0);
}

/*
 * Goal: a read that is under way keeps what it was told of: its extents are
 * not reset under it (O7).
 * Method: hold a read back while everything it reads is overwritten, and a
 * checkpoint gives up where it lay.
 */
static void a_read_under_way_keeps_its_extents(struct kunit *test)
{
	struct testdev *dev = test->priv;
	struct testreq *req;
	u32 i;

	KUNIT_EXPECT_EQ(test, testdev_write(dev, 3, 3, 0x51), 0);
	dev->fake->mode[SHARD_IO_READ] = FAKE_HELD;
	req = testdev_start(dev, SHARD_READ, 3, 3, 0, false);
	KUNIT_EXPECT_EQ(test, fake_nr_pending(dev->fake), 1u);
	for (i = 0; i < 3; i++)
		KUNIT_EXPECT_EQ(test, testdev_write(dev, 0, 15, i), 0);
	KUNIT_EXPECT_EQ(test, shard_device_checkpoint(dev->device), 0);
	fake_release(dev->fake, 1);
	KUNIT_EXPECT_EQ(test, testreq_wait(req), 0);
	KUNIT_EXPECT_EQ(test, ((u8 *)req->seg.addr)[0], 0x51);
	KUNIT_EXPECT_EQ(test, testdev_stat(dev, read_mismatches), 0ull);
	dev->fake->mode[SHARD_IO_READ] = FAKE_AT_ONCE;
}

static struct kunit_case read_cases[] = {
	KUNIT_CASE(what_was_never_written_reads_as_zeros),
	KUNIT_CASE(a_read_gathers_data_and_holes),
	KUNIT_CASE(a_read_keeps_few_backing_reads_in_flight),
	KUNIT_CASE(a_read_is_one_backing_read_once_pages_are_cached),
	KUNIT_CASE(layers_give_the_newest_word),
	KUNIT_CASE(a_bad_read_is_tried_once_more),
	KUNIT_CASE(bad_reads_are_tried_one_by_one),
	KUNIT_CASE(a_lost_block_fails_its_own_reads_only),
	KUNIT_CASE(a_lost_index_page_fails_the_read),
	KUNIT_CASE(data_ends_somewhere),
	KUNIT_CASE(a_read_under_way_keeps_its_extents),
	{}
};

static struct kunit_suite read_suite = {
	.name = "shardblk-read",
	.init = read_init,
	.exit = read_exit,
	.test_cases = read_cases,
};

kunit_test_suites(&read_suite);
