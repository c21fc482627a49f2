// SPDX-License-Identifier: GPL-2.0-only
/*
 * Scrubs: what is read and verified, and what is reported.
 */
#include <kunit/test.h>

#include "alloc_fault.h"
#include "testdev.h"
#include "../kmod/core/codec.h"
#include "../kmod/core/device.h"
#include "../kmod/core/run.h"

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

/* Blocks that it read. */
static u64 scrub_reads(struct testdev *dev)
{
	u64 read = testdev_stat(dev, scrub_blocks);

	KUNIT_EXPECT_EQ(dev->test, scrub(dev), 0ull);
	return testdev_stat(dev, scrub_blocks) - read;
}

/*
 * Goal: each mapped block, each page of the index and of the manifest's copies,
 * each header of the log and both copies of the record are read once, and nothing
 * else; an empty device has only the last.
 * Method: count the blocks that are read.
 */
static void a_scrub_reads_all_that_is_live(struct kunit *test)
{
	struct testdev *dev = test->priv;
	u64 manifest;

	KUNIT_EXPECT_EQ(test, scrub_reads(dev), 2ull);
	KUNIT_EXPECT_EQ(test, testdev_write(dev, 3, 7, 1), 0);
	KUNIT_EXPECT_EQ(test, testdev_write(dev, 100, 2, 8), 0);
	KUNIT_EXPECT_EQ(test, testdev_discard(dev, 4, 1), 0);
	KUNIT_EXPECT_EQ(test, scrub_reads(dev), 2 + 8 + 3ull);
	KUNIT_EXPECT_EQ(test, shard_device_checkpoint(dev->device), 0);
	/* a run of so few entries is one page; two copies of a manifest */
	manifest = scrub_reads(dev) - 2 - 8 - 1;
	KUNIT_EXPECT_GE(test, manifest, 2ull);
	KUNIT_EXPECT_EQ(test, manifest % 2, 0ull);
}

/*
 * Goal: whatever a checkpoint has written is found when it rots, but for the
 * headers of frames, which nobody asks once they are written: its run, both
 * copies of the manifest, both copies of the record.
 * Method: flip a bit of each block that it appended.
 */
static void a_scrub_finds_all_of_a_checkpoint(struct kunit *test)
{
	struct testdev *dev = test->priv;
	u32 nr_found = 0, nr_records = 0, nr, i;
	struct fake_op *log;

	KUNIT_EXPECT_EQ(test, testdev_write(dev, 3, 7, 1), 0);
	fake_counts_clear(dev->fake);
	KUNIT_EXPECT_EQ(test, shard_device_checkpoint(dev->device), 0);
	nr = dev->fake->nr_log;
	log = kunit_kzalloc(test, nr * sizeof(*log), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, log);
	memcpy(log, dev->fake->log, nr * sizeof(*log));
	for (i = 0; i < nr; i++) {
		bool record = log[i].offset < 4 * dev->format.extent_size;
		u64 at = log[i].offset;

		if (log[i].op != SHARD_IO_APPEND)
			continue;
		for (; at < log[i].offset + log[i].len; at += TESTDEV_BLOCK) {
			bool live = record || at != log[i].offset;

			/* the checksum, which covers all else */
			fake_rot(dev->fake, at + 1);
			KUNIT_EXPECT_EQ_MSG(test, scrub(dev), (u64)live,
					    "byte %llu", at + 1);
			fake_rot(dev->fake, at + 1);
			nr_found += live;
			nr_records += record;
		}
	}
	KUNIT_EXPECT_EQ(test, nr_records, 2u);
	KUNIT_EXPECT_GE(test, nr_found, 1 + 2 + 2u);
	KUNIT_EXPECT_EQ(test, scrub(dev), 0ull);
}

/* A step beside the test. */
struct scrub_job {
	struct work_struct work;
	struct shard_scrub *scrub;
	int ret;
};

static void scrub_job_work(struct work_struct *work)
{
	struct scrub_job *job = container_of(work, struct scrub_job, work);

	job->ret = shard_scrub_step(job->scrub);
}

/*
 * Goal: a record that is wrong, and no longer the newest when that is known, is
 * not reported: nobody needs it.
 * Method: a copy rots; write a newer one while it is read for the second time.
 */
static void a_record_that_is_superseded_is_no_damage(struct kunit *test)
{
	struct testdev *dev = test->priv;
	struct scrub_job *job = kunit_kzalloc(test, sizeof(*job), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, job);
	INIT_WORK(&job->work, scrub_job_work);
	/* the first record of a start lies behind that of format */
	fake_rot(dev->fake, TESTDEV_BLOCK + 1);
	KUNIT_EXPECT_EQ(test, scrub(dev), 1ull);
	job->scrub = shard_scrub_create(dev->device);
	KUNIT_ASSERT_NOT_NULL(test, job->scrub);
	/* an empty device has two copies of a manifest that is not there */
	KUNIT_EXPECT_EQ(test, shard_scrub_step(job->scrub), 1);
	KUNIT_EXPECT_EQ(test, shard_scrub_step(job->scrub), 1);
	fake_mode_set(dev->fake, FAKE_AT_ONCE);
	dev->fake->mode[SHARD_IO_READ] = FAKE_HELD;
	queue_work(dev->fake->wq, &job->work);
	fake_wait_pending(dev->fake, 1);
	fake_release(dev->fake, 1);
	fake_wait_pending(dev->fake, 1);
	KUNIT_EXPECT_EQ(test, shard_device_checkpoint(dev->device), 0);
	dev->fake->mode[SHARD_IO_READ] = FAKE_AT_ONCE;
	fake_release_all(dev->fake);
	flush_work(&job->work);
	KUNIT_EXPECT_EQ(test, job->ret, 2);
	KUNIT_EXPECT_EQ(test, job->scrub->nr_damaged, 0ull);
	shard_scrub_destroy(job->scrub);
	KUNIT_EXPECT_EQ(test, scrub(dev), 0ull);
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
 * Method: one read fails, then all, with those of log and record; then none.
 */
static void an_error_that_passes_is_no_damage(struct kunit *test)
{
	struct testdev *dev = test->priv;

	KUNIT_EXPECT_EQ(test, testdev_write(dev, 3, 4, 1), 0);
	fake_fail(dev->fake, SHARD_IO_READ, -EIO, 1);
	KUNIT_EXPECT_EQ(test, scrub(dev), 0ull);
	fake_fail(dev->fake, SHARD_IO_READ, -EIO, 0);
	KUNIT_EXPECT_EQ(test, scrub(dev), 4 + 1 + 2ull);
	fake_heal(dev->fake);
	KUNIT_EXPECT_EQ(test, scrub(dev), 0ull);
	testdev_expect(dev, 3, 4, 1);
}

/*
 * Goal: where the index cannot be read only what it alone knows is damage.
 * Method: the run's page cannot be read; beside its blocks is one that the memtable
 * knows.
 */
static void an_unreadable_page_damages_no_others(struct kunit *test)
{
	struct testdev *dev = test->priv;
	struct shard_runs runs;

	KUNIT_EXPECT_EQ(test, testdev_write(dev, 3, 4, 1), 0);
	KUNIT_EXPECT_EQ(test, shard_device_checkpoint(dev->device), 0);
	testdev_restart(dev);
	shard_index_runs(dev->device->index, &runs);
	dev->fake->bad_offset = shard_run_offset(&dev->device->store,
						 runs.run[0], 0);
	/* no block of the device can be told, and there is the page itself */
	KUNIT_EXPECT_EQ(test, scrub(dev), TESTDEV_BLOCKS + 1ull);
	KUNIT_EXPECT_EQ(test, testdev_write(dev, 4, 1, 1), 0);
	KUNIT_EXPECT_EQ(test, scrub(dev), (u64)TESTDEV_BLOCKS);
	dev->fake->bad_offset = U64_MAX;
	KUNIT_EXPECT_EQ(test, scrub(dev), 0ull);
}

/*
 * Goal: a run of more pages than are read at a time is read to its end.
 * Method: a run of that many; its root, which comes last, and which nothing else
 * reads, rots.
 */
static void a_long_run_is_scrubbed_in_parts(struct kunit *test)
{
	struct testdev *dev = testdev_create_large(test, 512, 256);
	struct shard_runs runs;
	u32 nr = 600, i;

	KUNIT_ASSERT_EQ(test, testdev_close(dev), 0);
	dev->format.logical_size = nr * TESTDEV_BLOCK;
	dev->options.memtable_entries = 2 * nr;
	dev->format.checkpoint_blocks = 10 * nr;
	KUNIT_ASSERT_EQ(test, testdev_format(dev), 0);
	KUNIT_ASSERT_EQ(test, testdev_open(dev), 0);
	for (i = 0; i < nr; i++)
		KUNIT_ASSERT_EQ(test, testdev_write(dev, i, 1, i), 0);
	KUNIT_ASSERT_EQ(test, shard_device_checkpoint(dev->device), 0);
	shard_index_runs(dev->device->index, &runs);
	KUNIT_ASSERT_GT(test, runs.run[0]->nr_pages, 32u);
	fake_rot(dev->fake, shard_run_offset(&dev->device->store, runs.run[0],
					     runs.run[0]->nr_pages - 1) + 9);
	KUNIT_EXPECT_EQ(test, scrub(dev), 1ull);
	testdev_destroy(dev);
}

/*
 * Goal: a device that was opened to be read only is scrubbed like any other.
 * Method: a block, then a copy of the record rots.
 */
static void a_read_only_device_is_scrubbed(struct kunit *test)
{
	struct testdev *dev = test->priv;
	u64 reads;

	KUNIT_EXPECT_EQ(test, testdev_write(dev, 3, 3, 0x41), 0);
	KUNIT_EXPECT_EQ(test, shard_device_checkpoint(dev->device), 0);
	KUNIT_EXPECT_EQ(test, testdev_write(dev, 7, 1, 0x51), 0);
	reads = scrub_reads(dev);
	KUNIT_ASSERT_EQ(test, testdev_close(dev), 0);
	dev->options.read_only = true;
	KUNIT_ASSERT_EQ(test, testdev_open(dev), 0);
	KUNIT_EXPECT_EQ(test, scrub_reads(dev), reads);
	fake_rot(dev->fake, testdev_find(dev, 0x42) + 5);
	KUNIT_EXPECT_EQ(test, scrub(dev), 1ull);
	/* extent 1 begins with the second copy of the first record */
	memset(dev->fake->media + dev->format.extent_size, 0,
	       dev->format.extent_size);
	KUNIT_EXPECT_EQ(test, scrub(dev), 2ull);
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
	for (i = 1; i <= 4 && alloc_fault_possible(); i++) {
		alloc_fault_arm(i);
		scrub = shard_scrub_create(dev->device);
		KUNIT_EXPECT_TRUE(test, alloc_fault_disarm());
		/* in the kernel a large one has a second try */
		shard_scrub_destroy(scrub);
	}
}

/*
 * Goal: a record that is right, and not the one that should be there, is damage; a
 * copy of which there never was one is not.
 * Method: an older number, well sealed; then a device with one copy, read only.
 */
static void a_record_is_the_one_that_was_written(struct kunit *test)
{
	struct testdev *dev = test->priv;
	u32 extent_size = TESTDEV_EXTENT_BLOCKS * TESTDEV_BLOCK;
	struct shardblk_super *d = NULL;
	u64 at, number, highest = 0;

	for (at = extent_size; at < 2 * extent_size; at += TESTDEV_BLOCK) {
		if (!shard_super_claims(dev->fake->media + at, &number) ||
		    number < highest)
			continue;
		highest = number;
		d = (void *)(dev->fake->media + at);
	}
	KUNIT_ASSERT_NOT_NULL(test, d);
	d->number = cpu_to_le64(highest - 1);
	shard_record_seal(&d->h, SHARDBLK_SUPER_MAGIC, TESTDEV_BLOCK,
			  shard_seed(d->format_id));
	KUNIT_EXPECT_EQ(test, scrub(dev), 1ull);
	KUNIT_EXPECT_EQ(test, testdev_close(dev), 0);

	memset(dev->fake->media + extent_size, 0, extent_size);
	memset(dev->fake->media + 3 * extent_size, 0, extent_size);
	dev->options.read_only = true;
	KUNIT_ASSERT_EQ(test, testdev_open(dev), 0);
	KUNIT_EXPECT_EQ(test, scrub(dev), 0ull);
}

/*
 * Goal: the log of a device that cannot write any more has no known end, and is
 * left out.
 * Method: appends fail until that is so.
 */
static void a_log_without_an_end_is_not_scrubbed(struct kunit *test)
{
	struct testdev *dev = test->priv;

	KUNIT_EXPECT_EQ(test, testdev_write(dev, 3, 7, 1), 0);
	KUNIT_EXPECT_EQ(test, testdev_flush(dev), 0);
	fake_fail(dev->fake, SHARD_IO_APPEND, -EIO, 0);
	KUNIT_EXPECT_NE(test, testdev_write(dev, 20, 1, 1), 0);
	KUNIT_EXPECT_EQ(test, shard_device_state(dev->device),
			SHARD_STATE_READ_ONLY);
	fake_heal(dev->fake);
	KUNIT_EXPECT_EQ(test, scrub_reads(dev), 7 + 2ull);
}

/*
 * Goal: a scrub takes the log in parts, and lets go what a checkpoint has made
 * superfluous in between.
 * Method: more frames than a step reads; a checkpoint after the first step.
 */
static void a_log_is_scrubbed_in_parts(struct kunit *test)
{
	struct testdev *dev = test->priv;
	struct shard_scrub *scrub;
	u64 read;
	u32 i;

	for (i = 0; i < 30; i++)
		KUNIT_EXPECT_EQ(test, testdev_discard(dev, 4 * i, 1), 0);
	KUNIT_EXPECT_EQ(test, shard_device_checkpoint(dev->device), 0);
	dev->options.memtable_entries = 512;
	testdev_restart(dev);
	for (i = 0; i < 50; i++)
		KUNIT_EXPECT_EQ(test, testdev_discard(dev, 2 * i, 1), 0);
	read = scrub_reads(dev);
	scrub = shard_scrub_create(dev->device);
	KUNIT_ASSERT_NOT_NULL(test, scrub);
	KUNIT_EXPECT_GT(test, shard_scrub_step(scrub), 0);
	while (!scrub->log_begun)
		KUNIT_EXPECT_GT(test, shard_scrub_step(scrub), 0);
	KUNIT_EXPECT_EQ(test, shard_device_checkpoint(dev->device), 0);
	KUNIT_EXPECT_EQ(test, testdev_write(dev, 1, 1, 1), 0);
	while (shard_scrub_step(scrub) > 0)
		;
	KUNIT_EXPECT_EQ(test, scrub->nr_damaged, 0ull);
	KUNIT_EXPECT_GT(test, read, 50ull);
	shard_scrub_destroy(scrub);
}

/*
 * Goal: without memory for a manifest a step fails, and the next one goes on.
 * Method: let each allocation of each step fail in turn.
 */
static void without_memory_a_scrub_goes_on_later(struct kunit *test)
{
	struct testdev *dev = test->priv;
	struct shard_scrub *scrub;
	u32 nr_failed = 0, n = 1;
	int ret = 1;

	KUNIT_EXPECT_EQ(test, testdev_write(dev, 3, 7, 1), 0);
	KUNIT_EXPECT_EQ(test, shard_device_checkpoint(dev->device), 0);
	scrub = shard_scrub_create(dev->device);
	KUNIT_ASSERT_NOT_NULL(test, scrub);
	while (ret && n < ALLOC_FAULT_MAX) {
		alloc_fault_arm(n);
		ret = shard_scrub_step(scrub);
		/* a step without a failure is done, the next one begins anew */
		n = alloc_fault_disarm() && ret < 0 ? n + 1 : 1;
		nr_failed += ret < 0;
		if (ret < 0)
			KUNIT_EXPECT_EQ(test, ret, -ENOMEM);
	}
	KUNIT_EXPECT_EQ(test, ret, 0);
	KUNIT_EXPECT_EQ(test, scrub->nr_damaged, 0ull);
	if (alloc_fault_possible())
		KUNIT_EXPECT_GE(test, nr_failed, 2u);
	shard_scrub_destroy(scrub);
}

static struct kunit_case scrub_cases[] = {
	KUNIT_CASE(a_scrub_reads_all_that_is_live),
	KUNIT_CASE(a_scrub_finds_all_of_a_checkpoint),
	KUNIT_CASE(a_record_that_is_superseded_is_no_damage),
	KUNIT_CASE(a_scrub_finds_a_block_that_rots),
	KUNIT_CASE(an_error_that_passes_is_no_damage),
	KUNIT_CASE(an_unreadable_page_damages_no_others),
	KUNIT_CASE(a_long_run_is_scrubbed_in_parts),
	KUNIT_CASE(a_read_only_device_is_scrubbed),
	KUNIT_CASE(a_scrub_ends_with_its_device),
	KUNIT_CASE(a_record_is_the_one_that_was_written),
	KUNIT_CASE(a_log_without_an_end_is_not_scrubbed),
	KUNIT_CASE(a_log_is_scrubbed_in_parts),
	KUNIT_CASE(without_memory_a_scrub_goes_on_later),
	{}
};

static struct kunit_suite scrub_suite = {
	.name = "shardblk-scrub",
	.init = scrub_init,
	.exit = scrub_exit,
	.test_cases = scrub_cases,
};

kunit_test_suites(&scrub_suite);
