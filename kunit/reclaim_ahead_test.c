// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reading ahead of reclamation: leaves that a victim's blocks are looked up in.
 */
#include <kunit/test.h>

#include "alloc_fault.h"
#include "index_rig.h"
#include "testdev.h"
#include "../kmod/core/device.h"
#include "../kmod/core/reclaim.h"

#define BLOCKS		480u	/* all are written, in frames of as many as one has */
#define CHUNKS		15u
#define STRIDE		37u	/* more than two leaves */
#define LEAF		17u	/* entries of a page of 512 bytes */
#define LEAVES		29u
#define VICTIM		0u	/* the frame that is reclaimed, all of its extent */
#define CACHE		60u	/* pages: two fewer than twice the index */

/**
 * struct mover - a reclamation, by somebody else or not
 * @meanwhile:	called before the first swing, if set
 * @called:	it was
 */
struct mover {
	struct testdev *dev;
	struct shard_index *index;
	struct shard_reclaim *reclaim;
	struct workqueue_struct *wq;
	struct work_struct work;
	void (*meanwhile)(struct mover *m);
	struct completion called;
	u32 live;
	u32 done;
	int error;
};

static int swing(void *ctx, u64 covered, const struct shard_range *to,
		 const u64 *from, struct shard_block_map *map)
{
	struct mover *m = ctx;

	if (m->meanwhile)
		m->meanwhile(m);
	m->meanwhile = NULL;
	return shard_index_swing(m->index, covered, to, from, 0, 0, map);
}

static void gained(void *ctx, u64 dead)
{
}

static bool no(void *ctx)
{
	return false;
}

static u64 now(void *ctx)
{
	return 1000000;
}

static bool hold(void *ctx, u32 live)
{
	return false;
}

static void release(void *ctx)
{
}

static const struct shard_reclaim_ops ops = {
	.swing = swing, .gained = gained, .stop = no, .now = now, .hold = hold,
	.release = release,
};

static void mover_work(struct work_struct *work)
{
	struct mover *m = container_of(work, struct mover, work);
	u32 opened = 0;

	m->done = 0;
	m->error = shard_reclaim_run(m->reclaim, 1, m->live, SHARD_RECLAIM_ASKED,
				     false, &m->done, &opened);
}

/* Block @i of frame @nr. */
static u32 block_of(u32 nr, u32 i)
{
	return (nr * CHUNKS + i) * STRIDE % BLOCKS;
}

static u8 fill_of(u32 lba)
{
	return 1 + lba % 100;
}

/* Requests that share a frame. */
static void write_frame(struct testdev *dev, const u32 *lbas, u32 nr, bool holes)
{
	struct testreq *reqs[CHUNKS + 1];
	u32 i, n = 0;

	/* nothing is there yet; longer than any data */
	if (holes)
		reqs[n++] = testdev_start(dev, SHARD_DISCARD, 0, BLOCKS, 0, false);
	for (i = 0; i < nr; i++)
		reqs[n++] = testdev_start(dev, SHARD_WRITE, lbas[i], 1,
					  fill_of(lbas[i]), false);
	shard_device_commit(dev->device);
	for (i = 0; i < n; i++)
		KUNIT_ASSERT_EQ(dev->test, testreq_wait(reqs[i]), 0);
}

/* Blocks @first to @end of the victim have newer copies. */
static void overwrite(struct testdev *dev, u32 first, u32 end)
{
	u32 lbas[CHUNKS], i;

	for (i = first; i < end; i++)
		lbas[i - first] = block_of(VICTIM, i);
	write_frame(dev, lbas, end - first, false);
}

/* What is read from now on is written down. */
static void begin(struct mover *m)
{
	index_uncache(m->index);
	m->dev->fake->mode[SHARD_IO_READ] = FAKE_LATER;
	m->dev->fake->nr_pending_max = 0;
	fake_counts_clear(m->dev->fake);
}

/* Nothing of the index is cached; of the victim, blocks @first to @end are dead. */
static struct mover *create(struct kunit *test, u32 cache, u32 first, u32 end)
{
	struct mover *m = kunit_kzalloc(test, sizeof(*m), GFP_KERNEL);
	struct testdev *dev = testdev_create(test, true, false);
	u32 lbas[CHUNKS], nr, i;
	struct shard_runs runs;

	KUNIT_ASSERT_NOT_NULL(test, m);
	test->priv = m;
	m->dev = dev;
	KUNIT_ASSERT_EQ(test, testdev_close(dev), 0);
	dev->format.logical_size = BLOCKS * TESTDEV_BLOCK;
	dev->options.memtable_entries = 2 * BLOCKS;
	dev->options.cache_pages = cache;
	dev->options.compact_runs = SHARD_RUNS_MAX;
	KUNIT_ASSERT_EQ(test, testdev_format(dev), 0);
	KUNIT_ASSERT_EQ(test, testdev_open(dev), 0);
	m->index = dev->device->index;
	for (nr = 0; nr < BLOCKS / CHUNKS; nr++) {
		for (i = 0; i < CHUNKS; i++)
			lbas[i] = block_of(nr, i);
		write_frame(dev, lbas, CHUNKS, nr == VICTIM);
	}
	KUNIT_ASSERT_EQ(test, shard_device_checkpoint(dev->device), 0);
	/* the second time only a guide is made */
	KUNIT_ASSERT_EQ(test, shard_device_compact(dev->device), 0);
	KUNIT_ASSERT_EQ(test, shard_device_compact(dev->device), 0);
	overwrite(dev, first, end);
	KUNIT_ASSERT_EQ(test, shard_device_checkpoint(dev->device), 0);
	shard_index_runs(m->index, &runs);
	KUNIT_ASSERT_EQ(test, runs.nr, 2u);
	KUNIT_ASSERT_EQ(test, runs.run[1]->nr_pages, LEAVES + 1);
	KUNIT_ASSERT_NOT_NULL(test, runs.run[1]->guide);
	m->live = CHUNKS - (end - first);
	m->reclaim = shard_reclaim_create(&dev->device->store, m->index, &ops,
					  "ahead", m);
	KUNIT_ASSERT_NOT_NULL(test, m->reclaim);
	m->wq = alloc_workqueue("mover", WQ_UNBOUND, 1);
	KUNIT_ASSERT_NOT_NULL(test, m->wq);
	INIT_WORK(&m->work, mover_work);
	begin(m);
	return m;
}

/* All is there, wherever it lies. */
static void destroy(struct mover *m)
{
	struct testdev *dev = m->dev;
	u32 i;

	shard_reclaim_destroy(m->reclaim);
	destroy_workqueue(m->wq);
	fake_mode_set(dev->fake, FAKE_AT_ONCE);
	KUNIT_EXPECT_EQ(dev->test, shard_device_checkpoint(dev->device), 0);
	testdev_restart(dev);
	for (i = 0; i < BLOCKS; i++)
		testdev_expect(dev, i, 1, fill_of(i));
	KUNIT_EXPECT_EQ(dev->test, testdev_stat(dev, reclaim_errors), 0ull);
	testdev_destroy(dev);
}

static u64 nr_reads(struct mover *m)
{
	return m->dev->fake->nr[SHARD_IO_READ];
}

/* All that are held back must be these. */
static void expect_reads_under_way(struct mover *m, u32 nr)
{
	struct fake_backend *fake = m->dev->fake;

	fake_wait_pending(fake, nr);
	fake->mode[SHARD_IO_READ] = FAKE_LATER;
	fake_release_all(fake);
	flush_work(&m->work);
	KUNIT_EXPECT_EQ(m->dev->test, fake->nr_pending_max, nr);
	KUNIT_EXPECT_EQ(m->dev->test, m->error, 0);
	KUNIT_EXPECT_EQ(m->dev->test, m->done, 1u);
}

/* So many of leaves; one that has the victim's header, and more, comes before. */
static void reclaim_held(struct mover *m, u32 nr)
{
	m->dev->fake->mode[SHARD_IO_READ] = FAKE_HELD;
	queue_work(m->wq, &m->work);
	fake_wait_pending(m->dev->fake, 1);
	fake_release(m->dev->fake, 1);
	expect_reads_under_way(m, nr);
}

/*
 * Goal: the leaves that blocks of a victim lie in are read at the same time, each once,
 * and no more of them than a quarter of the cache; none is, where all of the index can be
 * cached.
 * Method: 12 live blocks, each in a leaf of its own, and the dead ones in one of another
 * run; caches of several sizes.  Hold reads back until so many are under way.
 */
static void leaves_of_a_victim_are_read_at_once(struct kunit *test)
{
	static const u32 caches[] = { CACHE, 16, 8, 4, 1, 4 * CACHE };
	u32 i;

	for (i = 0; i < ARRAY_SIZE(caches); i++) {
		struct mover *m = create(test, caches[i], 12, 15);
		u32 window = min(13u, max(caches[i] / 4, 1u));

		reclaim_held(m, caches[i] > CACHE ? 1 : window);
		KUNIT_EXPECT_EQ(test, nr_reads(m), 1 + 13ull);
		destroy(m);
	}
}

/*
 * Goal: a leaf is read once, though several blocks of a frame lie in it, and others
 * between them.
 * Method: the victim's last blocks lie in the leaves of its first.
 */
static void a_leaf_is_read_once_for_all_its_blocks(struct kunit *test)
{
	struct mover *m = create(test, CACHE, 10, 13);

	KUNIT_ASSERT_EQ(test, block_of(VICTIM, 13) / LEAF,
			block_of(VICTIM, 0) / LEAF);
	KUNIT_ASSERT_EQ(test, block_of(VICTIM, 14) / LEAF,
			block_of(VICTIM, 1) / LEAF);
	reclaim_held(m, 11);
	/* the victim's last block is one more */
	KUNIT_EXPECT_EQ(test, nr_reads(m), 2 + 11ull);
	destroy(m);
}

/*
 * Goal: no leaf is read for blocks that a memtable knows.
 * Method: overwrite some of the victim, and make no checkpoint.
 */
static void what_memtables_know_is_not_read(struct kunit *test)
{
	struct mover *m = create(test, CACHE, 12, 15);

	overwrite(m->dev, 3, 8);
	reclaim_held(m, 8);
	KUNIT_EXPECT_EQ(test, nr_reads(m), 1 + 8ull);
	destroy(m);
}

static void checkpoint(struct mover *m)
{
	overwrite(m->dev, 0, 1);
	KUNIT_EXPECT_EQ(m->dev->test, shard_device_checkpoint(m->dev->device), 0);
	begin(m);
	m->dev->fake->mode[SHARD_IO_READ] = FAKE_HELD;
	complete(&m->called);
}

/*
 * Goal: the leaves that what was moved is looked up in again are read at the same time.
 * Method: a checkpoint before the first swing, which has one of the blocks.
 */
static void a_second_look_up_is_read_ahead(struct kunit *test)
{
	struct mover *m = create(test, CACHE, 12, 15);

	m->meanwhile = checkpoint;
	init_completion(&m->called);
	queue_work(m->wq, &m->work);
	wait_for_completion(&m->called);
	expect_reads_under_way(m, 12);
	KUNIT_EXPECT_EQ(test, nr_reads(m), 12ull);
	destroy(m);
}

/*
 * Goal: a read that fails while it is ahead fails nothing, and is made again.
 * Method: each read of a leaf fails once.
 */
static void what_fails_ahead_is_read_again(struct kunit *test)
{
	bool struck = true;
	u32 skip;

	for (skip = 1; struck; skip++) {
		struct mover *m = create(test, CACHE, 12, 15);
		struct fake_backend *fake = m->dev->fake;

		fake_fail(fake, SHARD_IO_READ, -EIO, 1);
		fake->faults[SHARD_IO_READ].skip = skip;
		mover_work(&m->work);
		struck = !fake->faults[SHARD_IO_READ].error;
		fake_heal(fake);
		KUNIT_EXPECT_EQ(test, m->error, 0);
		KUNIT_EXPECT_EQ(test, m->done, 1u);
		KUNIT_EXPECT_EQ(test, nr_reads(m), 1 + 13ull + struck);
		destroy(m);
	}
	KUNIT_EXPECT_EQ(test, skip, 1 + 13u + 1);
}

/*
 * Goal: a leaf that cannot be read is reported by the look-up, and the victim kept.
 * Method: damage a leaf for a while.
 */
static void what_cannot_be_read_keeps_the_victim(struct kunit *test)
{
	struct mover *m = create(test, CACHE, 12, 15);
	struct fake_backend *fake = m->dev->fake;
	struct shard_runs runs;
	u64 leaf;

	shard_index_runs(m->index, &runs);
	leaf = shard_run_offset(&m->dev->device->store, runs.run[1],
				block_of(VICTIM, 5) / LEAF);
	fake_rot(fake, leaf + 100);
	mover_work(&m->work);
	KUNIT_EXPECT_EQ(test, m->error, 0);
	KUNIT_EXPECT_EQ(test, m->done, 0u);
	/* once more ahead, as the walk begins anew with a batch; twice by the look-up */
	KUNIT_EXPECT_EQ(test, nr_reads(m), 1 + 13ull + 3);
	fake_rot(fake, leaf + 100);
	destroy(m);
}

/*
 * Goal: reclamation goes without reading ahead where there is no memory for it.
 * Method: let each allocation fail in turn with which it begins, and go on with what it
 * begins with nevertheless.
 */
static void without_memory_leaves_are_read_all_the_same(struct kunit *test)
{
	struct mover *m = create(test, CACHE, 12, 15);
	bool struck = true;
	u32 n;

	for (n = 1; n < ALLOC_FAULT_MAX && struck; n++) {
		struct shard_reclaim *reclaim;

		alloc_fault_arm(n);
		reclaim = shard_reclaim_create(&m->dev->device->store, m->index,
					       &ops, "ahead", m);
		struck = alloc_fault_disarm();
		if (struck && reclaim)
			swap(m->reclaim, reclaim);
		shard_reclaim_destroy(reclaim);
	}
	mover_work(&m->work);
	KUNIT_EXPECT_EQ(test, m->done, 1u);
	KUNIT_EXPECT_EQ(test, nr_reads(m), 1 + 13ull);
	destroy(m);
}

static struct kunit_case reclaim_ahead_cases[] = {
	KUNIT_CASE(leaves_of_a_victim_are_read_at_once),
	KUNIT_CASE(a_leaf_is_read_once_for_all_its_blocks),
	KUNIT_CASE(what_memtables_know_is_not_read),
	KUNIT_CASE(a_second_look_up_is_read_ahead),
	KUNIT_CASE(what_fails_ahead_is_read_again),
	KUNIT_CASE(what_cannot_be_read_keeps_the_victim),
	KUNIT_CASE(without_memory_leaves_are_read_all_the_same),
	{}
};

static struct kunit_suite reclaim_ahead_suite = {
	.name = "shardblk-reclaim-ahead",
	.test_cases = reclaim_ahead_cases,
};

kunit_test_suites(&reclaim_ahead_suite);
