// SPDX-License-Identifier: GPL-2.0-only
/*
 * Pacing: what the host may write while reclamation is behind.
 */
#include <kunit/test.h>

#include "../kmod/core/device.h"

#define HOST	SHARDBLK_STREAM_HOST
#define LOW	4u

/* A device of which only pacing is used, with no host extent left. */
static int pace_init(struct kunit *test)
{
	struct shard_device *d = kunit_kzalloc(test, sizeof(*d), GFP_KERNEL);

	if (!d)
		return -ENOMEM;
	test->priv = d;
	d->layout.block_size = 512;
	d->layout.extent_blocks = 16;
	d->layout.nr_extents = 64;
	d->layout.logical_blocks = 64;
	if (!shard_layout_make(&d->layout))
		return -EINVAL;
	spin_lock_init(&d->lock);
	INIT_LIST_HEAD(&d->waiting);
	d->store.extent_blocks = d->layout.extent_blocks;
	d->store.ex = shard_extents_create(&d->layout);
	d->reclaim_low = LOW;
	d->reclamation.running = true;
	return d->store.ex ? 0 : -ENOMEM;
}

static void pace_exit(struct kunit *test)
{
	struct shard_device *d = test->priv;

	shard_extents_destroy(d->store.ex);
}

/* Leaves the host so many extents. */
static void take_all_but(struct kunit *test, u32 left)
{
	struct shard_device *d = test->priv;
	u32 picked[64], nr = shard_extents_host_left(d->store.ex) - left;

	shard_extents_stock(d->store.ex, HOST, nr, nr);
	nr = shard_extents_pick(d->store.ex, 1000, true, picked, nr);
	while (nr--) {
		shard_extent_ready(d->store.ex, picked[nr]);
		KUNIT_ASSERT_TRUE(test, shard_extents_next(d->store.ex, HOST));
	}
	shard_extents_stock(d->store.ex, HOST, 0, 0);
	KUNIT_ASSERT_EQ(test, shard_extents_host_left(d->store.ex), left);
}

static bool waits(struct shard_device *d)
{
	unsigned long flags;
	bool ret;

	spin_lock_irqsave(&d->lock, flags);
	ret = shard_pace_waits(d);
	spin_unlock_irqrestore(&d->lock, flags);
	return ret;
}

static void earn(struct shard_device *d, u64 gained)
{
	unsigned long flags;

	spin_lock_irqsave(&d->lock, flags);
	shard_pace_earn(d, gained);
	spin_unlock_irqrestore(&d->lock, flags);
}

static void spend(struct shard_device *d, u32 blocks)
{
	unsigned long flags;

	spin_lock_irqsave(&d->lock, flags);
	shard_pace_spend(d, blocks);
	spin_unlock_irqrestore(&d->lock, flags);
}

/*
 * Goal: frames wait only while reclamation runs, few extents are left, and what
 * it earned is spent.
 * Method: change one of these after the other.
 */
static void frames_wait_for_what_reclamation_earns(struct kunit *test)
{
	struct shard_device *d = test->priv;

	KUNIT_EXPECT_FALSE(test, waits(d));
	take_all_but(test, LOW);
	KUNIT_EXPECT_FALSE(test, waits(d));
	take_all_but(test, LOW - 1);
	KUNIT_EXPECT_TRUE(test, waits(d));
	d->reclamation.running = false;
	KUNIT_EXPECT_FALSE(test, waits(d));
	d->reclamation.running = true;
	earn(d, 4);
	KUNIT_EXPECT_FALSE(test, waits(d));
	/* the last frame may be larger than what is left */
	spend(d, 10);
	KUNIT_EXPECT_TRUE(test, waits(d));
	earn(d, 2);
	KUNIT_EXPECT_TRUE(test, waits(d));
	earn(d, 2);
	KUNIT_EXPECT_FALSE(test, waits(d));
}

/*
 * Goal: the fewer extents are left the less is earned, and never nothing; what is
 * not spent is bounded.
 * Method: earn the same with fewer and fewer extents.
 */
static void less_is_earned_where_less_is_left(struct kunit *test)
{
	static const s64 earned[] = { 2, 4, 8, 12 };
	struct shard_device *d = test->priv;
	u32 left;

	for (left = LOW; left-- > 0;) {
		take_all_but(test, left);
		d->pace_credit = 0;
		earn(d, 8);
		KUNIT_EXPECT_EQ_MSG(test, d->pace_credit, earned[left],
				    "%u left", left);
	}
	earn(d, 1000);
	KUNIT_EXPECT_EQ(test, d->pace_credit, 16ll);
}

/*
 * Goal: what is written while there are extents enough, as beside a reclamation
 * that an operator asked for, is not held against the host later.
 * Method: spend far more than an extent with all extents left; then let few be
 * left, and earn what an extent has.
 */
static void a_debt_is_bounded(struct kunit *test)
{
	struct shard_device *d = test->priv;
	u32 i;

	for (i = 0; i < 1000; i++)
		spend(d, 255);
	KUNIT_EXPECT_FALSE(test, waits(d));
	take_all_but(test, LOW / 2);
	KUNIT_EXPECT_TRUE(test, waits(d));
	earn(d, 16);
	KUNIT_EXPECT_TRUE(test, waits(d));
	earn(d, 1);
	KUNIT_EXPECT_FALSE(test, waits(d));
}

static struct kunit_case pace_cases[] = {
	KUNIT_CASE(frames_wait_for_what_reclamation_earns),
	KUNIT_CASE(less_is_earned_where_less_is_left),
	KUNIT_CASE(a_debt_is_bounded),
	{}
};

static struct kunit_suite pace_suite = {
	.name = "shardblk-pace",
	.init = pace_init,
	.exit = pace_exit,
	.test_cases = pace_cases,
};

kunit_test_suites(&pace_suite);
