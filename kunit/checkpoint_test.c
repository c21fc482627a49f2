// SPDX-License-Identifier: GPL-2.0-only
/*
 * Checkpoint: from memtable to run, in the order that a crash demands.
 */
#include <kunit/test.h>

#include "alloc_fault.h"
#include "index_rig.h"
#include "../kmod/core/cache.h"
#include "../kmod/core/checkpoint.h"
#include "../kmod/core/compaction.h"

#define HOST	SHARDBLK_STREAM_HOST

/*
 * Goal: after a checkpoint all is found in its run, and what comes later in
 * runs above it; what is said anew is written, and nothing else.
 * Method: data, holes and overwrites through three checkpoints.
 */
static void checkpoints_put_runs_one_over_the_other(struct kunit *test)
{
	struct index_rig *f = test->priv;
	u32 i;

	for (i = 0; i < 30; i++)
		index_put(f, i, 100 + i);
	KUNIT_ASSERT_EQ(test, index_checkpoint(f), 0);
	KUNIT_EXPECT_EQ(test, index_nr_runs(f), 1u);
	KUNIT_EXPECT_TRUE(test, shard_index_empty(f->index));
	for (i = 10; i < 20; i++)
		index_put(f, i, 200 + i);
	index_punch(f, 5, 3);
	KUNIT_EXPECT_EQ(test, index_look(f, 4), 104u);
	KUNIT_EXPECT_EQ(test, index_look(f, 5), 0u);
	KUNIT_EXPECT_EQ(test, index_look(f, 10), 210u);
	KUNIT_ASSERT_EQ(test, index_checkpoint(f), 0);
	/* nothing new: as before */
	KUNIT_ASSERT_EQ(test, index_checkpoint(f), 0);
	KUNIT_EXPECT_EQ(test, index_nr_runs(f), 2u);
	for (i = 0; i < 30; i++)
		KUNIT_EXPECT_EQ(test, index_look(f, i), i >= 5 && i < 8 ? 0 :
				i >= 10 && i < 20 ? 200 + i : 100 + i);
	/* ten blocks of data, and a hole that is one entry */
	KUNIT_EXPECT_EQ(test, index_run(f, 0)->nr_entries, 11ull);
	KUNIT_EXPECT_EQ(test, index_run(f, 1)->nr_entries, 30ull);
	KUNIT_EXPECT_EQ(test, shard_super_checkpoint_seq(f->rig->store.super),
			f->seq);
	KUNIT_EXPECT_EQ(test, rig_stat(f->rig, checkpoints), 3ull);
}

/*
 * Goal: holes are written where there is something that they may hide, and only
 * there; a hole is one entry, however long it is (O11).
 * Method: punch everything, before there is a run and above one.
 */
static void holes_are_written_above_other_runs(struct kunit *test)
{
	struct index_rig *f = test->priv;

	index_punch(f, 0, RIG_LOGICAL_BLOCKS);
	KUNIT_ASSERT_EQ(test, index_checkpoint(f), 0);
	KUNIT_EXPECT_EQ(test, index_nr_runs(f), 0u);
	index_put(f, 7, 1);
	KUNIT_ASSERT_EQ(test, index_checkpoint(f), 0);
	index_punch(f, 0, RIG_LOGICAL_BLOCKS);
	KUNIT_ASSERT_EQ(test, index_checkpoint(f), 0);
	KUNIT_EXPECT_EQ(test, index_nr_runs(f), 2u);
	KUNIT_EXPECT_EQ(test, index_run(f, 0)->nr_entries, 1ull);
	KUNIT_EXPECT_EQ(test, index_look(f, 7), 0u);
}

/*
 * Goal: an extent in which nothing lives is given up by a checkpoint, but not
 * while somebody holds a version that leads to it (O6, O7).
 * Method: overwrite all of an extent; hold an old version over the checkpoint.
 */
static void an_extent_is_freed_when_nobody_can_reach_it(struct kunit *test)
{
	struct index_rig *f = test->priv;
	struct shard_version *old;
	struct shard_place first;
	struct shard_extent e;
	u32 i;

	shard_extents_tail(f->rig->store.ex, HOST, &first);
	for (i = 0; i < RIG_EXTENT_BLOCKS; i++)
		index_put(f, i, 100 + i);
	old = shard_index_hold(f->index);
	for (i = 0; i < RIG_EXTENT_BLOCKS; i++)
		index_put(f, i, 200 + i);
	index_put(f, 100, 1);
	KUNIT_ASSERT_EQ(test, index_checkpoint(f), 0);
	shard_extent_get(f->rig->store.ex, first.extent, &e);
	KUNIT_EXPECT_EQ(test, e.state, SHARD_EXTENT_SEALED);
	KUNIT_EXPECT_EQ(test, f->nr_freed, 0u);
	/* the active memtable of that version was the one that is frozen now */
	KUNIT_EXPECT_EQ(test, index_look_in(f, old, 0), 200u);
	shard_index_put(f->index, old);
	wait_event(f->rig->store.changed, READ_ONCE(f->nr_freed));
	shard_extent_get(f->rig->store.ex, first.extent, &e);
	KUNIT_EXPECT_EQ(test, e.state, SHARD_EXTENT_FREE);
}

static bool is_free(struct index_rig *f, u32 nr)
{
	struct shard_extent e;

	shard_extent_get(f->rig->store.ex, nr, &e);
	return e.state == SHARD_EXTENT_FREE;
}

/*
 * Goal: what a checkpoint hides of older runs is counted as dead, and no more:
 * its extent is given up, but not while somebody holds an older version (O6, O7).
 * Method: write an extent, a checkpoint; overwrite half of it, a checkpoint;
 * punch the rest in a hole longer than is looked up at a time, a checkpoint.
 */
static void what_a_checkpoint_hides_is_dead(struct kunit *test)
{
	struct index_rig *f = test->priv;
	struct shard_version *old;
	struct shard_place first;
	struct shard_extent e;
	u32 i;

	shard_extents_tail(f->rig->store.ex, HOST, &first);
	for (i = 0; i < RIG_EXTENT_BLOCKS; i++)
		index_put(f, 10 * i, 100 + i);
	index_put(f, 3, 1);
	KUNIT_ASSERT_EQ(test, index_checkpoint(f), 0);
	shard_extent_get(f->rig->store.ex, first.extent, &e);
	KUNIT_EXPECT_EQ(test, e.live, (u32)RIG_EXTENT_BLOCKS);
	for (i = 0; i < RIG_EXTENT_BLOCKS / 2; i++)
		index_put(f, 10 * i, 200 + i);
	KUNIT_ASSERT_EQ(test, index_checkpoint(f), 0);
	shard_extent_get(f->rig->store.ex, first.extent, &e);
	KUNIT_EXPECT_EQ(test, e.live, (u32)RIG_EXTENT_BLOCKS / 2);
	KUNIT_EXPECT_EQ(test, e.state, SHARD_EXTENT_SEALED);
	old = shard_index_hold(f->index);
	index_punch(f, 10 * i - 5, RIG_LOGICAL_BLOCKS - 10 * i);
	KUNIT_ASSERT_EQ(test, index_checkpoint(f), 0);
	shard_extent_get(f->rig->store.ex, first.extent, &e);
	KUNIT_EXPECT_EQ(test, e.live, 0u);
	KUNIT_EXPECT_TRUE(test, e.retired);
	shard_index_put(f->index, old);
	wait_event(f->rig->store.changed, is_free(f, first.extent));
}

/* Blocks that count as live in extents of the host. */
static u32 host_live(struct index_rig *f)
{
	struct shard_extent e;
	u32 nr, live = 0;

	for (nr = SHARDBLK_SUPER_EXTENTS; nr < RIG_EXTENTS; nr++) {
		shard_extent_get(f->rig->store.ex, nr, &e);
		if (e.state != SHARD_EXTENT_FREE && e.stream == HOST)
			live += e.live;
	}
	return live;
}

/*
 * Goal: what a hole hides is counted as dead, all of it, whichever page of the
 * older runs could not be read at first.
 * Method: a hole over many leaves, longer than what is looked up at a time; let
 * one read after the other fail, until none is left.
 */
static void an_error_does_not_hide_what_is_dead(struct kunit *test)
{
	struct index_rig *f = test->priv;
	struct shard_runs runs;
	u32 skip, i, failed = 0;
	bool struck;
	int err = 0;

	for (skip = 0; skip < 100; skip++) {
		shard_compaction_all(f->index, &runs);
		if (runs.nr > 1)
			err = shard_compaction_write(&f->rig->store, f->index,
						     &runs);
		KUNIT_ASSERT_EQ(test, err, 0);
		for (i = 0; i < 60; i++)
			index_put(f, 7 * i, i + 1);
		KUNIT_ASSERT_EQ(test, index_checkpoint(f), 0);
		KUNIT_EXPECT_EQ(test, host_live(f), 60u);
		index_punch(f, 0, RIG_LOGICAL_BLOCKS);
		shard_cache_shrink(shard_index_cache(f->index), ULONG_MAX);
		/* each is tried twice */
		fake_fail(f->rig->fake, SHARD_IO_READ, -EIO, 2);
		f->rig->fake->faults[SHARD_IO_READ].skip = skip;
		failed += !!index_checkpoint(f);
		struck = !f->rig->fake->faults[SHARD_IO_READ].error;
		fake_heal(f->rig->fake);
		KUNIT_ASSERT_EQ(test, index_checkpoint(f), 0);
		KUNIT_EXPECT_EQ(test, host_live(f), 0u);
		if (!struck)
			break;
	}
	KUNIT_EXPECT_FALSE(test, struck);
	KUNIT_EXPECT_GE(test, failed, 4u);
}

/*
 * Goal: metadata turnover never fills the device up: a merge makes room.
 * Method: many more checkpoints than there are extents.
 */
static void checkpoints_can_go_on_for_ever(struct kunit *test)
{
	struct index_rig *f = test->priv;
	struct shard_runs runs;
	u32 nr_merges = 0, i;
	int err;

	for (i = 0; i < 3 * RIG_EXTENTS; i++) {
		index_put(f, i % 20, i + 1);
		index_freeze(f);
		if (!shard_checkpoint_fits(&f->rig->store, f->index)) {
			shard_compaction_all(f->index, &runs);
			err = shard_compaction_write(&f->rig->store, f->index,
						     &runs);
			KUNIT_ASSERT_EQ(test, err, 0);
			nr_merges++;
		}
		KUNIT_ASSERT_TRUE(test, shard_checkpoint_fits(&f->rig->store,
							      f->index));
		KUNIT_ASSERT_EQ_MSG(test, index_checkpoint(f), 0, "checkpoint %u", i);
	}
	for (i = 0; i < 20; i++)
		KUNIT_EXPECT_GT(test, index_look(f, i), 0u);
	KUNIT_EXPECT_GT(test, nr_merges, 2u);
	KUNIT_EXPECT_LT(test, nr_merges, RIG_EXTENTS);
}

/*
 * Goal: a checkpoint that fails leaves everything as it was, and can be made
 * again.
 * Method: the n-th append fails, for each n up to success.
 */
static void a_failed_checkpoint_can_be_made_again(struct kunit *test)
{
	struct index_rig *f = test->priv;
	u32 n;
	int err = -EIO;

	index_put(f, 3, 33);
	for (n = 0; n < 2; n++) {
		fake_fail(f->rig->fake, SHARD_IO_APPEND, -EIO, 1);
		f->rig->fake->faults[SHARD_IO_APPEND].skip = 2 + n;
		err = index_checkpoint(f);
		fake_heal(f->rig->fake);
		KUNIT_EXPECT_EQ(test, index_look(f, 3), 33u);
		if (!err)
			break;
		KUNIT_EXPECT_TRUE(test, shard_index_is_frozen(f->index));
	}
	KUNIT_EXPECT_EQ(test, index_checkpoint(f), 0);
	KUNIT_EXPECT_FALSE(test, shard_index_is_frozen(f->index));
	KUNIT_EXPECT_EQ(test, index_look(f, 3), 33u);
	KUNIT_EXPECT_EQ(test, f->rig->failed, 0);
}

/*
 * Goal: what failed attempts wrote is given back, or the next would find no
 * space.
 * Method: more failures than there are extents, at the run and at each copy of
 * the manifest; then a good one.
 */
static void failed_checkpoints_use_up_no_space(struct kunit *test)
{
	struct index_rig *f = test->priv;
	struct shard_extents *ex = f->rig->store.ex;
	u32 s, i;

	index_put(f, 3, 33);
	KUNIT_ASSERT_EQ(test, index_checkpoint(f), 0);
	index_put(f, 4, 44);
	for (s = 0; s < SHARD_STREAMS; s++) {
		struct shard_place tail;

		shard_extents_tail(ex, s, &tail);
		if (s != HOST)
			shard_extents_seal(ex, tail.extent);
	}
	for (i = 0; i < 2 * RIG_EXTENTS; i++) {
		fake_fail(f->rig->fake, SHARD_IO_APPEND, -EIO, 1);
		/* records, which assign for each of the three, come any time */
		f->rig->fake->faults[SHARD_IO_APPEND].from =
			rig_behind_super(f->rig);
		f->rig->fake->faults[SHARD_IO_APPEND].skip = i % 3;
		KUNIT_ASSERT_EQ(test, index_checkpoint(f), -EIO);
		fake_heal(f->rig->fake);
		KUNIT_EXPECT_EQ(test, index_try_bad(f), 1u);
	}
	KUNIT_ASSERT_EQ(test, index_checkpoint(f), 0);
	KUNIT_EXPECT_EQ(test, f->rig->failed, 0);
	KUNIT_EXPECT_EQ(test, index_look(f, 3), 33u);
	KUNIT_EXPECT_EQ(test, index_look(f, 4), 44u);
}

/*
 * Goal: a record that points to a run is issued when that run, the manifest
 * and the data are durable (O4).
 * Method: the order of operations: behind the last append of anything else
 * comes a flush, then the first copy, a flush, the second copy.
 */
static void a_record_follows_all_that_it_needs(struct kunit *test)
{
	static const enum shard_io_op order[] = {
		SHARD_IO_FLUSH, SHARD_IO_APPEND, SHARD_IO_FLUSH,
		SHARD_IO_APPEND, SHARD_IO_FLUSH,
	};
	struct index_rig *f = test->priv;
	const struct fake_backend *fake = f->rig->fake;
	u64 super_end = 4ull * RIG_EXTENT_BLOCKS * 512;
	u32 i, last = 0;

	index_put(f, 3, 33);
	fake_counts_clear(f->rig->fake);
	KUNIT_ASSERT_EQ(test, index_checkpoint(f), 0);
	for (i = 0; i < fake->nr_log; i++)
		if (fake->log[i].op == SHARD_IO_APPEND &&
		    fake->log[i].offset >= super_end)
			last = i;
	KUNIT_ASSERT_GE(test, fake->nr_log, last + 1 + ARRAY_SIZE(order));
	for (i = 0; i < ARRAY_SIZE(order); i++)
		KUNIT_EXPECT_EQ(test, fake->log[last + 1 + i].op, order[i]);
}

/*
 * Goal: a checkpoint without memory fails, leaks nothing, and can be made
 * again.
 * Method: let each allocation fail in turn.
 */
static void without_memory_a_checkpoint_fails(struct kunit *test)
{
	struct index_rig *f = test->priv;
	bool struck = true;
	int err = 0;
	u32 n;

	index_put(f, 3, 33);
	for (n = 1; n < ALLOC_FAULT_MAX && struck; n++) {
		index_freeze(f);
		alloc_fault_arm(n);
		err = index_checkpoint(f);
		struck = alloc_fault_disarm();
		if (err)
			KUNIT_EXPECT_EQ(test, err, -ENOMEM);
		if (err)
			KUNIT_ASSERT_EQ(test, index_checkpoint(f), 0);
		KUNIT_EXPECT_EQ(test, index_look(f, 3), 33u);
	}
	KUNIT_EXPECT_EQ(test, err, 0);
}

static struct kunit_case checkpoint_cases[] = {
	KUNIT_CASE(checkpoints_put_runs_one_over_the_other),
	KUNIT_CASE(holes_are_written_above_other_runs),
	KUNIT_CASE(an_extent_is_freed_when_nobody_can_reach_it),
	KUNIT_CASE(what_a_checkpoint_hides_is_dead),
	KUNIT_CASE(an_error_does_not_hide_what_is_dead),
	KUNIT_CASE(checkpoints_can_go_on_for_ever),
	KUNIT_CASE(a_failed_checkpoint_can_be_made_again),
	KUNIT_CASE(failed_checkpoints_use_up_no_space),
	KUNIT_CASE(a_record_follows_all_that_it_needs),
	KUNIT_CASE(without_memory_a_checkpoint_fails),
	{}
};

static struct kunit_suite checkpoint_suite = {
	.name = "shardblk-checkpoint",
	.init = index_rig_init,
	.exit = index_rig_exit,
	.test_cases = checkpoint_cases,
};

kunit_test_suites(&checkpoint_suite);
