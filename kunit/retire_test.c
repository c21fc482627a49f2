// SPDX-License-Identifier: GPL-2.0-only
/*
 * Giving extents up: which are evacuated, and when these are.
 */
#include "extents_rig.h"
#include "../kmod/core/refs.h"

#define HOST	SHARDBLK_STREAM_HOST

/* An extent of the host that holds @live blocks, out of the log, as of @seq. */
static u32 sealed(struct kunit *test, u32 live, u64 seq)
{
	struct extents_rig *f = test->priv;
	u32 nr = extents_open(test, HOST);

	extents_place(test, HOST, BLOCKS, seq);
	shard_extents_seal(f->ex, nr);
	KUNIT_EXPECT_TRUE(test, shard_extent_restore(f->ex, nr, HOST, BLOCKS,
						     live));
	shard_extents_list(f->ex);
	shard_extents_relog(f->ex, &(struct shard_log_start){ .seq = seq },
			    true);
	return nr;
}

/*
 * Goal: evacuated is what costs least for what it gives, by what is live in it
 * and by age; and no extent twice.
 * Method: extents of several fillings and ages; take one after the other.
 */
static void the_best_victim_is_empty_or_old(struct kunit *test)
{
	struct extents_rig *f = test->priv;
	struct shard_extent e;
	u32 young, old, full;

	full = sealed(test, BLOCKS - 1, 10);
	old = sealed(test, BLOCKS / 2, 100);
	young = sealed(test, BLOCKS / 2 - 1, 990);
	KUNIT_EXPECT_EQ(test, shard_extents_victim(f->ex, 1000, BLOCKS - 2, &e),
			old);
	KUNIT_EXPECT_EQ(test, e.live, BLOCKS / 2);
	KUNIT_EXPECT_EQ(test, shard_extents_victim(f->ex, 1000, BLOCKS - 2, &e),
			young);
	KUNIT_EXPECT_EQ(test, shard_extents_victim(f->ex, 1000, BLOCKS - 2, &e),
			0u);
	/* what is being evacuated is to be gained, too */
	KUNIT_EXPECT_EQ(test, shard_extents_dead(f->ex, BLOCKS), BLOCKS + 2ull);
	KUNIT_EXPECT_EQ(test, shard_extents_victim(f->ex, 1000, BLOCKS - 1, &e),
			full);
	KUNIT_EXPECT_EQ(test, shard_extents_victim(f->ex, 1000, BLOCKS, &e), 0u);
	/* put off, it is one again; failed too often, it is none */
	shard_extents_walked(f->ex, full, e.generation, SHARD_WALKED_NOT, 1);
	KUNIT_EXPECT_EQ(test, shard_extents_victim(f->ex, 1000, BLOCKS, &e), full);
	while (shard_extents_walked(f->ex, full, e.generation,
				    SHARD_WALKED_FAILED, 1) ||
	       shard_extents_victim(f->ex, 1000, BLOCKS, &e))
		KUNIT_EXPECT_LT(test, extents_get(f, full).tries, (u8)4);
}

/*
 * Goal: of very many extents some are looked at, of which the best is taken; if
 * none of these will do, all are, and the only one is found.
 * Method: a table of 20,000, of which one, then a thousand may be evacuated.
 */
static void of_many_extents_some_are_looked_at(struct kunit *test)
{
	struct extents_rig *f = test->priv;
	struct shard_extents *few = f->ex;
	struct shard_extent e;
	u32 nr, i;

	f->layout.nr_extents = 20000;
	KUNIT_ASSERT_NE(test, shard_layout_make(&f->layout), 0ull);
	f->ex = shard_extents_create(&f->layout);
	KUNIT_ASSERT_NOT_NULL(test, f->ex);
	shard_extents_destroy(few);
	nr = sealed(test, 1, 10);
	KUNIT_EXPECT_EQ(test, shard_extents_victim(f->ex, 1000, BLOCKS, &e), nr);
	KUNIT_EXPECT_EQ(test, shard_extents_victim(f->ex, 1000, BLOCKS, &e), 0u);
	for (i = 0; i < 1000; i++)
		sealed(test, 1 + i % (BLOCKS - 1), 11 + i);
	nr = shard_extents_victim(f->ex, 2000, BLOCKS, &e);
	KUNIT_ASSERT_NE(test, nr, 0u);
	KUNIT_EXPECT_TRUE(test, extents_get(f, nr).evacuating);
	KUNIT_EXPECT_LT(test, e.live, BLOCKS / 2);
}

/*
 * Goal: an evacuated extent is given up by a root that has nothing in it any more,
 * and not before (O6); what was moved stays until a root knows it (O7).
 * Method: roots that cover fewer memtables, and then enough.
 */
static void an_evacuated_extent_waits_for_its_checkpoint(struct kunit *test)
{
	struct extents_rig *f = test->priv;
	struct shard_refs *refs = shard_refs_create(shard_extents_layout(f->ex));
	u32 retired[EXTENTS], nr, to;
	struct shard_place at, from;
	struct shard_extent e;

	KUNIT_ASSERT_NOT_NULL(test, refs);
	nr = sealed(test, 3, 10);
	KUNIT_ASSERT_EQ(test, shard_extents_victim(f->ex, 20, 3, &e), nr);
	to = extents_open(test, SHARDBLK_STREAM_RELOC0);
	KUNIT_EXPECT_EQ(test, shard_extents_reloc_left(f->ex),
			f->layout.host_extents + f->layout.reloc_extents - 2);
	KUNIT_ASSERT_TRUE(test, shard_extents_place(f->ex, SHARDBLK_STREAM_RELOC0,
						    4, 0, &at));
	shard_extents_fill(f->ex, &at, 4, 17);
	KUNIT_EXPECT_EQ(test, extents_get(f, to).last_seq, 17ull);
	shard_extents_seal(f->ex, to);
	KUNIT_EXPECT_EQ(test, shard_extents_retire(f->ex, SHARD_DATA_STREAMS, NULL,
						   0, 9, retired, EXTENTS), 0u);
	shard_extents_settle(f->ex, &at, 5);
	KUNIT_EXPECT_TRUE(test, shard_extents_walked(f->ex, nr, e.generation,
						     SHARD_WALKED_ALL, 5));
	KUNIT_EXPECT_EQ(test, shard_extents_leaving(f->ex), 1u);
	/* what was moved is in no run yet: the old places count */
	KUNIT_EXPECT_EQ(test, shard_extents_retire(f->ex, SHARD_DATA_STREAMS, NULL,
						   0, 4, retired, EXTENTS), 0u);
	from = (struct shard_place){ .extent = nr, .generation = e.generation };
	shard_refs_add(refs, &from, -3);
	KUNIT_EXPECT_EQ(test, shard_extents_retire(f->ex, SHARD_DATA_STREAMS, refs,
						   0, 4, retired, EXTENTS), 1u);
	KUNIT_EXPECT_EQ(test, retired[0], nr);
	KUNIT_EXPECT_EQ(test, shard_extents_leaving(f->ex), 0u);
	/* nothing points to what was moved here, so it goes, too */
	KUNIT_EXPECT_EQ(test, shard_extents_retire(f->ex, SHARD_DATA_STREAMS, NULL,
						   0, 5, retired, EXTENTS), 1u);
	KUNIT_EXPECT_EQ(test, retired[0], to);
	kvfree(refs);
}

/*
 * Goal: nobody waits for an extent whose live blocks are counted wrong, as a
 * crafted image may have them.
 * Method: a root that knows all that was moved, and keeps a count.
 */
static void no_checkpoint_frees_what_is_counted_wrong(struct kunit *test)
{
	struct extents_rig *f = test->priv;
	u32 retired[EXTENTS], nr, tries = 0;
	struct shard_extent e;

	nr = sealed(test, 3, 10);
	while (shard_extents_victim(f->ex, 20, 3, &e) == nr) {
		KUNIT_ASSERT_LT(test, tries++, 4u);
		KUNIT_EXPECT_TRUE(test, shard_extents_walked(f->ex, nr, e.generation,
							     SHARD_WALKED_ALL, 5));
		shard_extents_retire(f->ex, SHARD_DATA_STREAMS, NULL, 0, 4,
				     retired, EXTENTS);
		KUNIT_EXPECT_EQ(test, shard_extents_leaving(f->ex), 1u);
		shard_extents_retire(f->ex, SHARD_DATA_STREAMS, NULL, 0, 5,
				     retired, EXTENTS);
		KUNIT_EXPECT_EQ(test, shard_extents_leaving(f->ex), 0u);
	}
	KUNIT_EXPECT_EQ(test, tries, 3u);
	KUNIT_EXPECT_EQ(test, extents_get(f, nr).live, 3u);
}

/*
 * Goal: an extent whose generations are used up is never assigned again (O5).
 * Method: all of them have had their last one but one, then the last one.
 */
static void the_last_generation_is_the_end(struct kunit *test)
{
	struct extents_rig *f = test->priv;
	u32 nr, i;

	for (i = SHARDBLK_SUPER_EXTENTS; i < EXTENTS; i++)
		shard_extent_restore_generation(f->ex, i, U32_MAX - (i != 9), true);
	/* what a manifest lists is not assigned by a record */
	shard_extents_want(f->ex, HOST, true);
	KUNIT_EXPECT_EQ(test, shard_extents_pick(f->ex, EXTENTS, false, &nr, 1),
			1u);
	KUNIT_EXPECT_NE(test, nr, 9u);
	for (i = SHARDBLK_SUPER_EXTENTS; i < EXTENTS; i++)
		shard_extent_restore_generation(f->ex, i, U32_MAX, true);
	KUNIT_EXPECT_EQ(test, shard_extents_pick(f->ex, EXTENTS, true, &nr, 1),
			0u);
}

/*
 * Goal: an attempt that fails gives back the extents in which only it has written,
 * and none that a root had pages in: readers may still be there (O7).
 * Method: two open extents of the index, one known to a root that the next one
 * has nothing of.
 */
static void a_failed_attempt_keeps_what_was_published(struct kunit *test)
{
	struct extents_rig *f = test->priv;
	u32 known = extents_open(test, SHARDBLK_STREAM_INDEX), new;
	u32 retired[EXTENTS];

	extents_place(test, SHARDBLK_STREAM_INDEX, 3, 0);
	shard_extents_retire(f->ex, SHARD_INDEX_STREAMS, NULL,
			     SHARD_INDEX_STREAMS, 0, retired, EXTENTS);
	new = extents_open(test, SHARDBLK_STREAM_MERGE);
	extents_place(test, SHARDBLK_STREAM_MERGE, 3, 0);
	extents_place(test, SHARDBLK_STREAM_INDEX, 3, 0);
	shard_extents_abandon(f->ex, SHARD_INDEX_STREAMS);
	KUNIT_EXPECT_EQ(test, extents_get(f, known).state, SHARD_EXTENT_OPEN);
	KUNIT_EXPECT_EQ(test, extents_get(f, new).state, SHARD_EXTENT_FREE);
}

static struct kunit_case retire_cases[] = {
	KUNIT_CASE(a_failed_attempt_keeps_what_was_published),
	KUNIT_CASE(no_checkpoint_frees_what_is_counted_wrong),
	KUNIT_CASE(the_best_victim_is_empty_or_old),
	KUNIT_CASE(of_many_extents_some_are_looked_at),
	KUNIT_CASE(an_evacuated_extent_waits_for_its_checkpoint),
	KUNIT_CASE(the_last_generation_is_the_end),
	{}
};

static struct kunit_suite retire_suite = {
	.name = "shardblk-retire",
	.init = extents_rig_init,
	.exit = extents_rig_exit,
	.test_cases = retire_cases,
};

kunit_test_suites(&retire_suite);
