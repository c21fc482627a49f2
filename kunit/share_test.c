// SPDX-License-Identifier: GPL-2.0-only
/*
 * The shares of extents: what each stream may have, moved data and discards.
 */
#include "extents_rig.h"

#define HOST	SHARDBLK_STREAM_HOST
#define RELOC	SHARDBLK_STREAM_RELOC0
#define FREE	(EXTENTS - SHARDBLK_SUPER_EXTENTS)

/*
 * Goal: no stream takes more than is its own; moved data and discards have one
 * extent more than the host.
 * Method: let the host stream want everything, then the others.
 */
static void a_stream_takes_no_more_than_its_own(struct kunit *test)
{
	struct extents_rig *f = test->priv;
	u32 picked[EXTENTS], nr;

	shard_extents_stock(f->ex, HOST, EXTENTS, EXTENTS);
	KUNIT_EXPECT_FALSE(test, shard_extents_starved(f->ex, HOST));
	nr = shard_extents_pick(f->ex, 1000, false, picked, EXTENTS);
	KUNIT_EXPECT_EQ(test, nr, f->layout.host_extents + f->layout.reloc_extents - 2);
	KUNIT_EXPECT_FALSE(test, shard_extents_starved(f->ex, HOST));
	while (nr--) {
		shard_extent_ready(f->ex, picked[nr]);
		KUNIT_EXPECT_TRUE(test, shard_extents_next(f->ex, HOST));
	}
	KUNIT_EXPECT_TRUE(test, shard_extents_starved(f->ex, HOST));
	shard_extents_for_discard(f->ex);
	KUNIT_EXPECT_FALSE(test, shard_extents_starved(f->ex, HOST));
	KUNIT_EXPECT_EQ(test, shard_extents_pick(f->ex, 1000, false, picked, EXTENTS),
			f->layout.discard_extents);
	KUNIT_EXPECT_FALSE(test, shard_extents_space_is_back(f->ex));
	KUNIT_EXPECT_EQ(test, shard_extents_nr_free(f->ex), FREE - f->layout.host_extents -
			f->layout.reloc_extents + 2 - f->layout.discard_extents);
	shard_extents_want(f->ex, RELOC, true);
	KUNIT_EXPECT_EQ(test, shard_extents_pick(f->ex, 1000, false, picked, EXTENTS),
			1u);
	shard_extents_want(f->ex, RELOC, false);
	/* enough is left for each of the others */
	KUNIT_EXPECT_GE(test, shard_extents_nr_free(f->ex),
			f->layout.index_extents + f->layout.merge_extents +
			f->layout.meta_extents);
}

/*
 * Goal: space is back when the host stream has or can have an extent, and the
 * extent for discards is whole; that is never kept ready beside others (O12).
 * Method: use all up, let discards have theirs, then free one after the other.
 */
static void space_is_back_when_the_reserve_is_whole(struct kunit *test)
{
	struct extents_rig *f = test->priv;
	u32 picked[EXTENTS], retired[EXTENTS], nr, i;

	shard_extents_stock(f->ex, HOST, 2, 4);
	for (i = 0; i < f->layout.host_extents + f->layout.reloc_extents - 2; i++)
		extents_open(test, HOST);
	shard_extents_for_discard(f->ex);
	KUNIT_EXPECT_FALSE(test, shard_extents_space_is_back(f->ex));
	nr = extents_open(test, HOST);
	KUNIT_EXPECT_FALSE(test, shard_extents_space_is_back(f->ex));
	/* one comes free, and the stock takes it: still one too many */
	shard_extents_seal(f->ex, nr);
	shard_extents_list(f->ex);
	shard_extents_relog(f->ex, &(struct shard_log_start){ .seq = 1 }, true);
	KUNIT_ASSERT_EQ(test, shard_extents_retire(f->ex, BIT(HOST), NULL, BIT(HOST), 0,
						   retired, 2), 2u);
	shard_extent_free(f->ex, retired[0]);
	KUNIT_EXPECT_FALSE(test, shard_extents_space_is_back(f->ex));
	KUNIT_EXPECT_EQ(test, shard_extents_pick(f->ex, 1000, true, picked, 8),
			1u);
	KUNIT_EXPECT_FALSE(test, shard_extents_space_is_back(f->ex));
	/* the second makes the reserve whole; the first one lies ready */
	shard_extent_free(f->ex, retired[1]);
	KUNIT_EXPECT_EQ(test, shard_extents_pick(f->ex, 1000, true, picked, 8),
			0u);
	KUNIT_EXPECT_TRUE(test, shard_extents_space_is_back(f->ex));
}

/*
 * Goal: discards have theirs when the host has all of the share, and moved data
 * has begun one of its own; that takes nothing of what moved data still has.
 * Method: take all, let moved data have one, then discards; give it back.
 */
static void discards_have_theirs_beside_moved_data(struct kunit *test)
{
	struct extents_rig *f = test->priv;
	u32 picked[EXTENTS], left, nr, i;

	for (i = 0; i < f->layout.host_extents + f->layout.reloc_extents - 2; i++)
		extents_open(test, HOST);
	extents_open(test, RELOC);
	left = shard_extents_reloc_left(f->ex);
	KUNIT_EXPECT_GT(test, left, 0u);
	KUNIT_EXPECT_TRUE(test, shard_extents_starved(f->ex, HOST));
	shard_extents_for_discard(f->ex);
	KUNIT_EXPECT_FALSE(test, shard_extents_starved(f->ex, HOST));
	extents_open(test, HOST);
	KUNIT_EXPECT_TRUE(test, shard_extents_starved(f->ex, HOST));
	KUNIT_EXPECT_EQ(test, shard_extents_reloc_left(f->ex), left);
	KUNIT_EXPECT_FALSE(test, shard_extents_space_is_back(f->ex));
	/* one is given back: that is the next one for discards */
	shard_extents_list(f->ex);
	shard_extents_relog(f->ex, &(struct shard_log_start){ .seq = 1 }, true);
	KUNIT_ASSERT_EQ(test, shard_extents_retire(f->ex, BIT(HOST), NULL, BIT(HOST), 0,
						   &nr, 1), 1u);
	shard_extent_free(f->ex, nr);
	KUNIT_EXPECT_FALSE(test, shard_extents_space_is_back(f->ex));
	KUNIT_EXPECT_EQ(test, shard_extents_reloc_left(f->ex), left);
	KUNIT_EXPECT_FALSE(test, shard_extents_starved(f->ex, HOST));
	/* moved data takes all that it may, and leaves that one */
	shard_extents_stock(f->ex, RELOC, EXTENTS, EXTENTS);
	nr = shard_extents_pick(f->ex, 1000, false, picked, EXTENTS);
	KUNIT_EXPECT_EQ(test, nr, left);
	shard_extents_stock(f->ex, RELOC, 0, 0);
	KUNIT_EXPECT_FALSE(test, shard_extents_starved(f->ex, HOST));
	extents_open(test, HOST);
}

/*
 * Goal: what comes back while discards have theirs makes that whole first; the
 * host has nothing of it.
 * Method: let discards have theirs, then free what moved data had.
 */
static void the_reserve_comes_before_the_host(struct kunit *test)
{
	struct extents_rig *f = test->priv;
	u32 nr, i;

	for (i = 0; i < f->layout.host_extents + f->layout.reloc_extents - 3; i++)
		extents_open(test, HOST);
	nr = extents_open(test, RELOC);
	shard_extents_for_discard(f->ex);
	extents_open(test, HOST);
	shard_extents_seal(f->ex, nr);
	shard_extents_list(f->ex);
	KUNIT_ASSERT_EQ(test, shard_extents_retire(f->ex, BIT(RELOC), NULL, BIT(RELOC), 0,
						   &nr, 1), 1u);
	shard_extent_free(f->ex, nr);
	KUNIT_EXPECT_EQ(test, shard_extents_host_left(f->ex), 0u);
	KUNIT_EXPECT_FALSE(test, shard_extents_space_is_back(f->ex));
}

static struct kunit_case share_cases[] = {
	KUNIT_CASE(a_stream_takes_no_more_than_its_own),
	KUNIT_CASE(space_is_back_when_the_reserve_is_whole),
	KUNIT_CASE(discards_have_theirs_beside_moved_data),
	KUNIT_CASE(the_reserve_comes_before_the_host),
	{}
};

static struct kunit_suite share_suite = {
	.name = "shardblk-share",
	.init = extents_rig_init,
	.exit = extents_rig_exit,
	.test_cases = share_cases,
};

kunit_test_suites(&share_suite);
