// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reading ahead: what a checkpoint's look-ups need is there, and was read once.
 */
#include <kunit/test.h>

#include "alloc_fault.h"
#include "index_rig.h"
#include "../kmod/core/cache.h"
#include "../kmod/core/compaction.h"

#define LEAF		17u	/* entries of a page of 512 bytes */
#define LEAVES		20u
#define CACHE		64u
#define WINDOW		(CACHE / 4)

static bool never(void *ctx)
{
	return false;
}

static void merge(struct index_rig *f, bool guide)
{
	struct shard_runs runs;

	shard_compaction_all(f->index, &runs);
	if (runs.nr > 1)
		KUNIT_ASSERT_EQ(f->test, shard_compaction_write(&f->rig->store,
								f->index, &runs),
				0);
	if (guide)
		shard_compaction_guide(&f->rig->store, f->index, never, NULL);
}

/* Nothing of the index is cached, and what is read from now on is written down. */
static void begin(struct index_rig *f)
{
	index_uncache(f->index);
	f->rig->fake->mode[SHARD_IO_READ] = FAKE_LATER;
	fake_counts_clear(f->rig->fake);
	atomic64_set(&f->rig->stats.page_misses, 0);
}

/* Of one run: each leaf has LEAF blocks, one behind the other. */
static struct index_rig *create(struct kunit *test, u32 cache, bool guide)
{
	struct index_rig *f;
	u32 i;

	index_rig_begin(test, cache);
	f = test->priv;
	for (i = 0; i < LEAVES * LEAF; i++) {
		index_put(f, i, i + 1);
		if (i % 60 < 59 && i < LEAVES * LEAF - 1)
			continue;
		KUNIT_ASSERT_EQ(test, index_checkpoint(f), 0);
		merge(f, guide);
	}
	KUNIT_ASSERT_EQ(test, index_nr_runs(f), 1u);
	KUNIT_ASSERT_EQ(test, index_run(f, 0)->nr_pages, LEAVES + 1);
	begin(f);
	return f;
}

/* Ends a test, which may begin another. */
static void destroy(struct index_rig *f)
{
	struct kunit *test = f->test;

	fake_mode_set(f->rig->fake, FAKE_AT_ONCE);
	index_expect_counts(f);
	KUNIT_EXPECT_EQ(test, f->rig->failed, 0);
	index_rig_exit(test);
}

/* A block of every second leaf: so no two of them lie one behind the other. */
static void overwrite(struct index_rig *f)
{
	u32 i;

	for (i = 0; i < LEAVES; i += 2)
		index_put(f, i * LEAF + i % LEAF, 1000 + i);
}

/* Of one page each, or several.  Return: pages. */
static u32 pages_read_once(struct index_rig *f)
{
	const struct fake_backend *fake = f->rig->fake;
	u8 *seen = kunit_kzalloc(f->test, RIG_EXTENTS * RIG_EXTENT_BLOCKS,
				 GFP_KERNEL);
	u32 nr = 0, i;
	u64 at;

	KUNIT_ASSERT_NOT_NULL(f->test, seen);
	KUNIT_ASSERT_LT(f->test, fake->nr_log, (u32)FAKE_LOG_MAX);
	for (i = 0; i < fake->nr_log; i++) {
		const struct fake_op *op = &fake->log[i];

		if (op->op != SHARD_IO_READ)
			continue;
		for (at = op->offset / 512; at < (op->offset + op->len) / 512;
		     at++, nr++)
			KUNIT_EXPECT_EQ_MSG(f->test, seen[at]++, 0,
					    "block %llu", at);
	}
	KUNIT_EXPECT_EQ(f->test, rig_stat(f->rig, page_misses), (u64)nr);
	return nr;
}

/* A checkpoint, by somebody else. */
struct job {
	struct work_struct work;
	struct index_rig *f;
	int err;
};

static void job_work(struct work_struct *work)
{
	struct job *job = container_of(work, struct job, work);

	job->err = index_checkpoint(job->f);
}

/*
 * Goal: the leaves that scattered blocks are looked up in are read at the same time,
 * each once, and no more of them than a quarter of the cache; what is live is
 * counted as ever.
 * Method: overwrite a block of every second leaf, with caches of several sizes; hold
 * reads back until so many are under way.
 */
static void scattered_leaves_are_read_at_once(struct kunit *test)
{
	static const u32 caches[] = { CACHE, 16, 8, 4, 1 };
	struct job *job = kunit_kzalloc(test, sizeof(*job), GFP_KERNEL);
	struct workqueue_struct *wq;
	u32 i;

	KUNIT_ASSERT_NOT_NULL(test, job);
	INIT_WORK(&job->work, job_work);
	wq = alloc_workqueue("shardblk-ahead", WQ_UNBOUND, 1);
	KUNIT_ASSERT_NOT_NULL(test, wq);
	for (i = 0; i < ARRAY_SIZE(caches); i++) {
		struct index_rig *f = create(test, caches[i], true);
		u32 window = min(LEAVES / 2, max(caches[i] / 4, 1u));

		overwrite(f);
		index_freeze(f);
		f->rig->fake->mode[SHARD_IO_READ] = FAKE_HELD;
		job->f = f;
		queue_work(wq, &job->work);
		fake_wait_pending(f->rig->fake, window);
		f->rig->fake->mode[SHARD_IO_READ] = FAKE_LATER;
		fake_release_all(f->rig->fake);
		flush_work(&job->work);
		KUNIT_EXPECT_EQ(test, job->err, 0);
		KUNIT_EXPECT_EQ(test, f->rig->fake->nr_pending_max, window);
		KUNIT_EXPECT_EQ(test, pages_read_once(f), LEAVES / 2);
		KUNIT_EXPECT_EQ(test, f->rig->fake->nr[SHARD_IO_READ],
				LEAVES / 2ull);
		/* the same blocks once more: a leaf of the new run has them all */
		begin(f);
		overwrite(f);
		KUNIT_ASSERT_EQ(test, index_checkpoint(f), 0);
		KUNIT_EXPECT_EQ(test, pages_read_once(f), 1u);
		destroy(f);
	}
	destroy_workqueue(wq);
}

/*
 * Goal: the walk over a long hole has its leaves read ahead, those that lie one
 * behind the other by one read, and of each run no page twice.
 * Method: a hole over all, in one run and in two, with windows of more and of less
 * than that.
 */
static void a_walk_is_read_ahead(struct kunit *test)
{
	static const u32 caches[] = { CACHE, 16 };
	u32 i, runs, most;

	for (i = 0; i < 2 * ARRAY_SIZE(caches); i++) {
		struct index_rig *f = create(test, caches[i / 2], true);

		runs = 1 + i % 2;
		if (runs == 2) {
			overwrite(f);
			KUNIT_ASSERT_EQ(test, index_checkpoint(f), 0);
			KUNIT_ASSERT_EQ(test, index_nr_runs(f), 2u);
			begin(f);
		}
		index_punch(f, 0, RIG_LOGICAL_BLOCKS);
		KUNIT_ASSERT_EQ(test, index_checkpoint(f), 0);
		KUNIT_EXPECT_EQ(test, pages_read_once(f), LEAVES + runs - 1);
		most = caches[i / 2] == CACHE ? 6 : 17;
		KUNIT_EXPECT_LE(test, f->rig->fake->nr[SHARD_IO_READ],
				(u64)most);
		destroy(f);
	}
}

/*
 * Goal: a read that fails, or returns something else, while it is ahead fails
 * nothing: the look-up reads again.  If it fails then, too, so does the checkpoint,
 * which can be made again.
 * Method: each read fails once; then a leaf is damaged for a while.
 */
static void what_fails_ahead_is_read_again(struct kunit *test)
{
	struct index_rig *f = create(test, CACHE, true);
	const struct shard_run *run;
	bool struck = true;
	u32 skip;
	u64 leaf;

	for (skip = 0; struck; skip++) {
		overwrite(f);
		begin(f);
		fake_fail(f->rig->fake, SHARD_IO_READ, -EIO, 1);
		f->rig->fake->faults[SHARD_IO_READ].skip = skip;
		KUNIT_ASSERT_EQ(test, index_checkpoint(f), 0);
		struck = !f->rig->fake->faults[SHARD_IO_READ].error;
		fake_heal(f->rig->fake);
		KUNIT_EXPECT_EQ(test, f->rig->fake->nr[SHARD_IO_READ],
				LEAVES / 2ull + struck);
		merge(f, true);
	}
	KUNIT_EXPECT_EQ(test, skip, LEAVES / 2 + 1);
	run = index_run(f, 0);
	leaf = shard_run_offset(&f->rig->store, run, 4);
	overwrite(f);
	begin(f);
	fake_rot(f->rig->fake, leaf + 100);
	KUNIT_EXPECT_EQ(test, index_checkpoint(f), -EBADMSG);
	/* ahead, and twice by the look-up */
	KUNIT_EXPECT_EQ(test, f->rig->fake->nr[SHARD_IO_READ], LEAVES / 2 + 2ull);
	fake_rot(f->rig->fake, leaf + 100);
	KUNIT_EXPECT_EQ(test, index_checkpoint(f), 0);
	destroy(f);
}

/*
 * Goal: a run that has no guide is not read ahead, a run above it is.
 * Method: overwrite, and punch all, with a guide of neither run, and of one.
 */
static void without_a_guide_nothing_is_read_ahead(struct kunit *test)
{
	struct index_rig *f = create(test, CACHE, false);

	KUNIT_ASSERT_NULL(test, index_run(f, 0)->guide);
	overwrite(f);
	KUNIT_ASSERT_EQ(test, index_checkpoint(f), 0);
	KUNIT_EXPECT_EQ(test, f->rig->fake->nr_pending_max, 1u);
	KUNIT_EXPECT_EQ(test, pages_read_once(f), LEAVES / 2 + 1);
	KUNIT_ASSERT_NOT_NULL(test, index_run(f, 0)->guide);
	begin(f);
	index_punch(f, 0, RIG_LOGICAL_BLOCKS);
	KUNIT_ASSERT_EQ(test, index_checkpoint(f), 0);
	KUNIT_EXPECT_EQ(test, f->rig->fake->nr_pending_max, 1u);
	/* the root is still cached: pages that are no leaves give way last */
	KUNIT_EXPECT_EQ(test, pages_read_once(f), LEAVES + 1);
	destroy(f);
}

/*
 * Goal: without memory nothing is read ahead, and all else is as ever.
 * Method: let each allocation of a checkpoint fail in turn.
 */
static void without_memory_nothing_is_read_ahead(struct kunit *test)
{
	struct index_rig *f = create(test, CACHE, true);
	bool struck = true;
	int err = 0;
	u32 n;

	for (n = 1; n < ALLOC_FAULT_MAX && struck; n++) {
		overwrite(f);
		index_freeze(f);
		begin(f);
		alloc_fault_arm(n);
		err = index_checkpoint(f);
		struck = alloc_fault_disarm();
		if (err)
			KUNIT_EXPECT_EQ(test, err, -ENOMEM);
		if (err)
			KUNIT_ASSERT_EQ(test, index_checkpoint(f), 0);
		index_expect_counts(f);
		merge(f, true);
	}
	KUNIT_EXPECT_EQ(test, err, 0);
	destroy(f);
}

static u32 draw(u32 *seed, u32 n)
{
	*seed = *seed * 1664525 + 1013904223;
	return (*seed >> 8) % n;
}

/* Data, of some blocks at a time. */
static void put_range(struct index_rig *f, u64 lba, u32 nr)
{
	struct shard_extents *ex = f->rig->store.ex;
	u32 csums[RIG_EXTENT_BLOCKS] = {};
	struct shard_range range = {
		.lba = lba, .mapped = true, .csums = csums,
	};

	if (!shard_extents_room(ex, SHARDBLK_STREAM_HOST))
		rig_open(f->test, f->rig, SHARDBLK_STREAM_HOST);
	range.nr_blocks = min(nr, shard_extents_room(ex, SHARDBLK_STREAM_HOST));
	KUNIT_ASSERT_TRUE(f->test,
			  shard_extents_place(ex, SHARDBLK_STREAM_HOST,
					      range.nr_blocks,
					      f->seq + range.nr_blocks,
					      &range.place));
	f->seq += range.nr_blocks;
	shard_index_insert(f->index, &range);
}

/*
 * Goal: whatever is written and discarded, and whichever runs have guides, what is
 * live is counted exactly.
 * Method: random ranges, checkpoints, merges of the newest runs, and losses of what is
 * cached; all counts, after each.
 */
static void counts_are_exact(struct kunit *test)
{
	struct index_rig *f = create(test, CACHE, true);
	u32 seed = 3, i, k;

	for (i = 0; i < 60; i++) {
		if (draw(&seed, 2))
			begin(f);
		for (k = 1 + draw(&seed, 12); k; k--) {
			if (draw(&seed, 3))
				put_range(f, draw(&seed, 320),
					  1 + draw(&seed, 9));
			else
				index_punch(f, draw(&seed, 240),
					    1 + draw(&seed, draw(&seed, 4) ?
						     10 : 240));
		}
		KUNIT_ASSERT_EQ(test, index_checkpoint(f), 0);
		index_expect_counts(f);
		if (index_nr_runs(f) > 3)
			merge(f, draw(&seed, 2));
	}
	destroy(f);
}

static struct kunit_case ahead_cases[] = {
	KUNIT_CASE(scattered_leaves_are_read_at_once),
	KUNIT_CASE(a_walk_is_read_ahead),
	KUNIT_CASE(what_fails_ahead_is_read_again),
	KUNIT_CASE(without_a_guide_nothing_is_read_ahead),
	KUNIT_CASE(without_memory_nothing_is_read_ahead),
	KUNIT_CASE(counts_are_exact),
	{}
};

static struct kunit_suite ahead_suite = {
	.name = "shardblk-ahead",
	.test_cases = ahead_cases,
};

kunit_test_suites(&ahead_suite);
