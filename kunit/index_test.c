// SPDX-License-Identifier: GPL-2.0-only
/*
 * Index: versions, and who may still see what.
 */
#include <kunit/test.h>

#include "alloc_fault.h"
#include "index_rig.h"

/*
 * Goal: an empty index knows all blocks to be holes, and asks nobody.
 * Method: look; count reads.
 */
static void an_empty_index_is_all_holes(struct kunit *test)
{
	struct index_rig *f = test->priv;

	KUNIT_EXPECT_TRUE(test, shard_index_empty(f->index));
	KUNIT_EXPECT_FALSE(test, shard_index_is_frozen(f->index));
	KUNIT_EXPECT_NULL(test, shard_index_run(f->index));
	KUNIT_EXPECT_NULL(test, shard_index_frozen(f->index));
	KUNIT_EXPECT_TRUE(test, shard_index_fits(f->index, 64, 64));
	KUNIT_EXPECT_FALSE(test, shard_index_fits(f->index, 65, 0));
	KUNIT_EXPECT_EQ(test, index_look(f, 5), 0u);
	KUNIT_EXPECT_EQ(test, rig_stat(f->rig, page_misses), 0ull);
}

/*
 * Goal: what is frozen is still seen, below what came later; a version that
 * was taken before sees nothing of what came later (O11).
 * Method: insert, hold, freeze, insert again.
 */
static void versions_see_what_was_there(struct kunit *test)
{
	struct index_rig *f = test->priv;
	struct shard_version *old;

	index_put(f, 1, 11);
	index_put(f, 2, 12);
	old = shard_index_hold(f->index);
	index_freeze(f);
	KUNIT_EXPECT_TRUE(test, shard_index_is_frozen(f->index));
	KUNIT_EXPECT_FALSE(test, shard_index_empty(f->index));
	KUNIT_EXPECT_TRUE(test, shard_index_fits(f->index, 64, 64));
	index_put(f, 2, 22);
	index_punch(f, 1, 1);
	KUNIT_EXPECT_EQ(test, index_look(f, 1), 0u);
	KUNIT_EXPECT_EQ(test, index_look(f, 2), 22u);
	KUNIT_EXPECT_EQ(test, index_look_in(f, old, 1), 11u);
	KUNIT_EXPECT_EQ(test, index_look_in(f, old, 2), 12u);
	shard_index_put(f->index, old);
}

/*
 * Goal: without memory there is no index.
 * Method: let each allocation fail in turn.
 */
static void without_memory_there_is_no_index(struct kunit *test)
{
	struct index_rig *f = test->priv;
	struct shard_index *index = NULL;
	bool struck = true;
	u32 n;

	for (n = 1; n < ALLOC_FAULT_MAX && struck; n++) {
		shard_index_destroy(index);
		alloc_fault_arm(n);
		index = shard_index_create(&f->rig->store, 8, 2);
		struck = alloc_fault_disarm();
	}
	KUNIT_EXPECT_NOT_NULL(test, index);
	shard_index_destroy(index);
}

static struct kunit_case index_cases[] = {
	KUNIT_CASE(an_empty_index_is_all_holes),
	KUNIT_CASE(versions_see_what_was_there),
	KUNIT_CASE(without_memory_there_is_no_index),
	{}
};

static struct kunit_suite index_suite = {
	.name = "shardblk-index",
	.init = index_rig_init,
	.exit = index_rig_exit,
	.test_cases = index_cases,
};

kunit_test_suites(&index_suite);
