// SPDX-License-Identifier: GPL-2.0-only
/*
 * Queues whose appends complete beside each other: as on several processors, one
 * completes while another one's completion is at issuing the next.
 */
#include <kunit/test.h>

#include "fake_backend.h"
#include "../kmod/core/stats.h"
#include "../kmod/core/trace.h"
#include "../kmod/core/writeback.h"

#define BLOCK		512u
#define APPENDS		200u
#define QUEUES		2u	/* few, so that they fill up */
#define REGION		1024u	/* blocks of a queue's own */
#define WAITING		2u	/* behind those in flight */

/**
 * struct race - a device on which appends complete while another one is submitted
 * @backend:	as writeback sees it; all that it does not do itself is up to @fake
 * @fake:	the device
 * @completes:	which of those held back completes inside the next submit, before what
 *		is submitted gets there; U32_MAX: none does
 * @nr_inside:	how many did
 */
struct race {
	struct shard_backend backend;
	struct fake_backend *fake;
	struct shard_stats stats;
	struct shard_writeback *wb;
	struct shard_append appends[APPENDS];
	u32 completes;
	u32 nr_inside;
	u32 nr_done;
	u8 block[BLOCK];
};

static void race_submit(struct shard_backend *backend, struct shard_io *io)
{
	struct race *r = container_of(backend, struct race, backend);
	u32 nth = r->completes;

	if (nth < fake_nr_pending(r->fake)) {
		r->completes = U32_MAX;
		r->nr_inside++;
		fake_release_nth(r->fake, nth);
	}
	r->fake->backend.ops->submit(&r->fake->backend, io);
}

static const struct shard_backend_ops race_ops = { .submit = race_submit };
static const struct shard_trace_ops no_trace;

static void append_done(struct shard_append *append)
{
	struct race *r = append->private;

	r->nr_done++;
}

static struct race *begin(struct kunit *test)
{
	struct race *r = kunit_kzalloc(test, sizeof(*r), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, r);
	r->completes = U32_MAX;
	r->fake = fake_backend_create(test, QUEUES * REGION * BLOCK, true, true);
	r->fake->mode[SHARD_IO_APPEND] = FAKE_HELD;
	r->backend = r->fake->backend;
	r->backend.ops = &race_ops;
	r->wb = shard_writeback_create(&r->backend, &r->stats, &no_trace, r);
	KUNIT_ASSERT_NOT_NULL(test, r->wb);
	shard_writeback_set(r->wb, BLOCK, SHARD_QUEUE_DEPTH, 0);
	return r;
}

static void end(struct race *r)
{
	shard_writeback_destroy(r->wb);
	fake_backend_destroy(r->fake);
}

static void append(struct race *r, enum shard_queue queue, u32 idx, u32 at)
{
	struct shard_append *a = &r->appends[idx];

	a->offset = (u64)at * BLOCK;
	a->seg.addr = r->block;
	a->seg.len = BLOCK;
	a->done = append_done;
	a->private = r;
	shard_append(r->wb, queue, a);
}

/*
 * Goal: O1: appends of a queue get to the device in order, though one completes while
 * the completion of another is about to submit the next.
 * Method: more appends that cannot be joined than may be in flight; one completes, and
 * inside the submit that follows a second one, which makes room for another.
 */
static void appends_stay_in_order_when_two_complete(struct kunit *test)
{
	struct race *r = begin(test);
	u32 i;

	for (i = 0; i < SHARD_QUEUE_DEPTH + WAITING; i++)
		append(r, SHARD_QUEUE_HOST, i, 2 * i);
	KUNIT_EXPECT_EQ(test, fake_nr_pending(r->fake), (u32)SHARD_QUEUE_DEPTH);
	r->completes = 0;
	fake_release(r->fake, 1);
	KUNIT_EXPECT_EQ(test, r->nr_inside, 1u);
	KUNIT_EXPECT_EQ(test, r->nr_done, 2u);
	KUNIT_ASSERT_EQ(test, r->fake->nr_log, SHARD_QUEUE_DEPTH + WAITING);
	for (i = 0; i < r->fake->nr_log; i++)
		KUNIT_EXPECT_EQ(test, r->fake->log[i].offset, 2ull * i * BLOCK);
	fake_release_all(r->fake);
	KUNIT_EXPECT_EQ(test, r->nr_done, SHARD_QUEUE_DEPTH + WAITING);
	end(r);
}

static u32 draw(u64 *random, u32 n)
{
	*random ^= *random << 13;
	*random ^= *random >> 7;
	*random ^= *random << 17;
	return (u32)(*random >> 32) % n;
}

/* Of each queue's region, what was submitted lies behind what was before it. */
static void expect_order(struct kunit *test, struct race *r)
{
	u64 ends[QUEUES] = {};
	u32 i;

	for (i = 0; i < r->fake->nr_log; i++) {
		const struct fake_op *op = &r->fake->log[i];
		u64 *end = &ends[div_u64(op->offset, REGION * BLOCK)];

		if (op->op != SHARD_IO_APPEND)
			continue;
		KUNIT_EXPECT_GE(test, op->offset, *end);
		*end = op->offset + op->len;
	}
}

/*
 * Goal: the same with all that queues do: all appends are done, each queue in order, and
 * never more in flight than may be.
 * Method: random appends to two queues, adjacent or not; whichever completes, others
 * of any queue complete inside what is submitted then.
 */
static void random_completions_keep_each_queue_in_order(struct kunit *test)
{
	u32 nr_inside = 0, seed;

	for (seed = 1; seed <= 20; seed++) {
		u64 random = seed * 0x9e3779b97f4a7c15ull;
		u32 at[QUEUES] = {};
		struct race *r = begin(test);
		u32 nr = 0;

		while (nr < APPENDS) {
			u32 pending = fake_nr_pending(r->fake), q;

			if (pending && draw(&random, 2))
				r->completes = draw(&random, pending);
			if (pending && draw(&random, 5) < 2) {
				fake_release_nth(r->fake,
						 draw(&random, pending));
				continue;
			}
			q = draw(&random, QUEUES);
			append(r, q, nr++, q * REGION + at[q]);
			at[q] += 1 + draw(&random, 2);
			KUNIT_EXPECT_LE(test, fake_nr_pending(r->fake),
					QUEUES * SHARD_QUEUE_DEPTH);
		}
		fake_release_all(r->fake);
		KUNIT_EXPECT_EQ(test, r->nr_done, APPENDS);
		expect_order(test, r);
		nr_inside += r->nr_inside;
		end(r);
	}
	KUNIT_EXPECT_GT(test, nr_inside, 20u);
}

static struct kunit_case queue_cases[] = {
	KUNIT_CASE(appends_stay_in_order_when_two_complete),
	KUNIT_CASE(random_completions_keep_each_queue_in_order),
	{}
};

static struct kunit_suite queue_suite = {
	.name = "shardblk-queue",
	.test_cases = queue_cases,
};

kunit_test_suites(&queue_suite);
