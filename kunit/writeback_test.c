// SPDX-License-Identifier: GPL-2.0-only
/*
 * Writeback: what is issued when, and when something is durable.
 */
#include <kunit/test.h>

#include "alloc_fault.h"
#include "fake_backend.h"
#include "../kmod/core/stats.h"
#include "../kmod/core/trace.h"
#include "../kmod/core/writeback.h"

#define BLOCK	512u
#define APPENDS	20

/**
 * struct fixture - writeback on a fake device, and appends to play with
 * @order:	appends in the order in which they were done
 */
struct fixture {
	struct fake_backend *fake;
	struct shard_stats stats;
	struct shard_writeback *wb;
	struct shard_append appends[APPENDS];
	struct shard_append *order[APPENDS];
	u32 nr_done;
	u32 nr_flush_events;
	int flush_event_error;
	u8 block[BLOCK];
};

struct waiter {
	struct shard_dep_waiter waiter;
	u32 nr_told;
	int error;
};

static void waiter_told(struct shard_dep_waiter *waiter, int error)
{
	struct waiter *w = container_of(waiter, struct waiter, waiter);

	w->nr_told++;
	w->error = error;
}

static void append_done(struct shard_append *append)
{
	struct fixture *f = append->private;

	f->order[f->nr_done++] = append;
}

static void flush_event(void *ctx, int error, u64 ns)
{
	struct fixture *f = ctx;

	f->nr_flush_events++;
	f->flush_event_error = error;
}

static const struct shard_trace_ops trace = { .flush = flush_event };

static struct fixture *begin(struct kunit *test, bool volatile_cache, bool fua)
{
	struct fixture *f = kunit_kzalloc(test, sizeof(*f), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, f);
	f->fake = fake_backend_create(test, 1024 * BLOCK, volatile_cache, fua);
	f->wb = shard_writeback_create(&f->fake->backend, &f->stats, &trace, f);
	KUNIT_ASSERT_NOT_NULL(test, f->wb);
	shard_writeback_set(f->wb, BLOCK, SHARD_QUEUE_DEPTH, 0);
	return f;
}

static void end(struct fixture *f)
{
	shard_writeback_destroy(f->wb);
	fake_backend_destroy(f->fake);
}

static bool host_durable(struct fixture *f)
{
	return shard_writeback_all_durable(f->wb, SHARD_QUEUE_HOST);
}

/* Appends one block at @at. */
static struct shard_append *append(struct fixture *f, enum shard_queue queue,
				   u32 idx, u32 at, struct shard_dep *dep,
				   struct shard_dep *after)
{
	struct shard_append *a = &f->appends[idx];

	a->offset = (u64)at * BLOCK;
	a->seg.addr = f->block;
	a->seg.len = BLOCK;
	a->dep = dep;
	a->after = after;
	a->done = append_done;
	a->private = f;
	a->error = 1;
	shard_append(f->wb, queue, a);
	return a;
}

/*
 * Goal: an append reaches the device at once, at its place, and is counted.
 * Method: append a pattern; look at the medium and the counters.
 */
static void an_append_is_written_at_once(struct kunit *test)
{
	struct fixture *f = begin(test, true, false);
	struct shard_append *a;

	memset(f->block, 0x77, BLOCK);
	a = append(f, SHARD_QUEUE_HOST, 0, 5, NULL, NULL);
	KUNIT_EXPECT_EQ(test, f->nr_done, 1u);
	KUNIT_EXPECT_EQ(test, a->error, 0);
	KUNIT_EXPECT_EQ(test, f->fake->media[5 * BLOCK], 0x77);
	KUNIT_EXPECT_EQ(test, f->fake->media[6 * BLOCK - 1], 0x77);
	KUNIT_EXPECT_EQ(test, f->fake->media[6 * BLOCK], 0);
	KUNIT_EXPECT_EQ(test, atomic64_read(&f->stats.backing_writes), 1);
	KUNIT_EXPECT_EQ(test, atomic64_read(&f->stats.backing_write_blocks), 1);
	KUNIT_EXPECT_PTR_EQ(test, shard_writeback_backend(f->wb),
			    &f->fake->backend);
	end(f);
}

/*
 * Goal: the writes of each queue are counted under its name.
 * Method: one append on each.
 */
static void writes_are_counted_by_cause(struct kunit *test)
{
	struct fixture *f = begin(test, true, false);
	u32 q;

	for (q = 0; q < SHARD_QUEUES; q++)
		append(f, q, q, q * 10, NULL, NULL);
	KUNIT_EXPECT_EQ(test, atomic64_read(&f->stats.host_frames), 1);
	KUNIT_EXPECT_EQ(test, atomic64_read(&f->stats.host_blocks), 1);
	KUNIT_EXPECT_EQ(test, atomic64_read(&f->stats.reloc_frames), 1);
	KUNIT_EXPECT_EQ(test, atomic64_read(&f->stats.reloc_blocks), 1);
	KUNIT_EXPECT_EQ(test, atomic64_read(&f->stats.index_writes), 2);
	KUNIT_EXPECT_EQ(test, atomic64_read(&f->stats.index_blocks), 2);
	KUNIT_EXPECT_EQ(test, atomic64_read(&f->stats.meta_writes), 2);
	KUNIT_EXPECT_EQ(test, atomic64_read(&f->stats.super_writes), 1);
	KUNIT_EXPECT_EQ(test, atomic64_read(&f->stats.backing_writes), 7);
	end(f);
}

/*
 * Goal: no more than the depth is in flight, and what waits goes out in order.
 * Method: hold the device back, append more than that, release one by one.
 */
static void a_queue_keeps_its_depth_and_order(struct kunit *test)
{
	struct fixture *f = begin(test, true, false);
	u32 i;

	shard_writeback_set(f->wb, BLOCK, 2, 0);
	fake_mode_set(f->fake, FAKE_HELD);
	for (i = 0; i < 6; i++)
		append(f, SHARD_QUEUE_HOST, i, i * 10, NULL, NULL);
	KUNIT_EXPECT_EQ(test, fake_nr_pending(f->fake), 2u);
	for (i = 0; i < 6; i++) {
		KUNIT_EXPECT_EQ(test, f->fake->log[i].offset,
				(u64)i * 10 * BLOCK);
		fake_release_nth(f->fake, 0);
	}
	KUNIT_EXPECT_EQ(test, f->fake->nr_pending_max, 2u);
	KUNIT_EXPECT_EQ(test, f->nr_done, 6u);
	end(f);
}

/*
 * Goal: a zoned device sees one write at a time, whatever is asked for.
 * Method: hold back a zoned device; ask for depth 4.
 */
static void a_zoned_device_gets_one_write_at_a_time(struct kunit *test)
{
	struct fixture *f = kunit_kzalloc(test, sizeof(*f), GFP_KERNEL);
	u32 i;

	KUNIT_ASSERT_NOT_NULL(test, f);
	f->fake = fake_backend_create_zoned(test, 1024 * BLOCK, 64 * BLOCK);
	f->wb = shard_writeback_create(&f->fake->backend, &f->stats, NULL,
				       NULL);
	KUNIT_ASSERT_NOT_NULL(test, f->wb);
	shard_writeback_set(f->wb, BLOCK, 4, 0);
	fake_mode_set(f->fake, FAKE_HELD);
	for (i = 0; i < 3; i++)
		append(f, SHARD_QUEUE_HOST, i, i * 64, NULL, NULL);
	KUNIT_EXPECT_EQ(test, fake_nr_pending(f->fake), 1u);
	fake_release_all(f->fake);
	KUNIT_EXPECT_EQ(test, f->nr_done, 3u);
	KUNIT_EXPECT_EQ(test, f->fake->nr_pending_max, 1u);
	end(f);
}

/*
 * Goal: appends that lie behind one another and wait together go out as one
 * write, of at most SHARD_MERGE_MAX; a gap or FUA ends it.
 * Method: let them wait behind a held one; look at the writes.
 */
static void adjacent_appends_are_merged(struct kunit *test)
{
	struct fixture *f = begin(test, true, true);
	u32 i;

	shard_writeback_set(f->wb, BLOCK, 1, 0);
	fake_mode_set(f->fake, FAKE_HELD);
	append(f, SHARD_QUEUE_HOST, 0, 500, NULL, NULL);
	for (i = 1; i <= 9; i++)
		append(f, SHARD_QUEUE_HOST, i, i, NULL, NULL);
	append(f, SHARD_QUEUE_HOST, 10, 20, NULL, NULL);
	f->appends[11].fua = true;
	append(f, SHARD_QUEUE_HOST, 11, 21, NULL, NULL);
	fake_release_all(f->fake);
	KUNIT_ASSERT_EQ(test, f->fake->nr[SHARD_IO_APPEND], 5ull);
	KUNIT_EXPECT_EQ(test, f->fake->log[1].len, SHARD_MERGE_MAX * BLOCK);
	KUNIT_EXPECT_EQ(test, f->fake->log[2].offset, 9ull * BLOCK);
	KUNIT_EXPECT_EQ(test, f->fake->log[2].len, BLOCK);
	KUNIT_EXPECT_EQ(test, f->fake->log[3].offset, 20ull * BLOCK);
	KUNIT_EXPECT_EQ(test, f->fake->log[3].len, BLOCK);
	KUNIT_EXPECT_TRUE(test, f->fake->log[4].fua);
	KUNIT_EXPECT_EQ(test, f->nr_done, 12u);
	KUNIT_EXPECT_EQ(test, atomic64_read(&f->stats.host_blocks), 12);
	end(f);
}

/*
 * Goal: appends of two extents are never one write, though one begins where
 * the other ends (P4).
 * Method: four adjacent appends around such a border wait together.
 */
static void appends_of_two_extents_are_not_merged(struct kunit *test)
{
	struct fixture *f = begin(test, true, false);
	u32 i;

	shard_writeback_set(f->wb, BLOCK, 1, 16 * BLOCK);
	fake_mode_set(f->fake, FAKE_HELD);
	append(f, SHARD_QUEUE_HOST, 0, 500, NULL, NULL);
	for (i = 1; i <= 4; i++)
		append(f, SHARD_QUEUE_HOST, i, 13 + i, NULL, NULL);
	fake_release_all(f->fake);
	KUNIT_ASSERT_EQ(test, f->fake->nr[SHARD_IO_APPEND], 3ull);
	for (i = 1; i <= 2; i++) {
		KUNIT_EXPECT_EQ(test, f->fake->log[i].offset,
				(12ull + 2 * i) * BLOCK);
		KUNIT_EXPECT_EQ(test, f->fake->log[i].len, 2 * BLOCK);
	}
	end(f);
}

/*
 * Goal: nothing goes behind a failed append in its extent, whether it waits then or
 * is given later (O1, P4).
 * Method: the first of two fails; then one for that extent, and one for the next.
 */
static void nothing_goes_behind_a_failed_append(struct kunit *test)
{
	static const int errors[] = { -EIO, -EIO, -EIO, 0 };
	struct fixture *f = begin(test, true, false);
	u32 i;

	shard_writeback_set(f->wb, BLOCK, 1, 16 * BLOCK);
	fake_mode_set(f->fake, FAKE_HELD);
	fake_fail(f->fake, SHARD_IO_APPEND, -EIO, 1);
	for (i = 0; i < ARRAY_SIZE(errors); i++) {
		append(f, SHARD_QUEUE_HOST, i, 29 + i, NULL, NULL);
		if (i)
			fake_release_all(f->fake);
	}
	for (i = 0; i < ARRAY_SIZE(errors); i++)
		KUNIT_EXPECT_EQ(test, f->appends[i].error, errors[i]);
	end(f);
}

/*
 * Goal: a dependency has not failed before no append names it any more: whoever
 * is told frees it.
 * Method: of two appends in flight one fails.
 */
static void a_failed_dependency_is_kept_while_it_is_named(struct kunit *test)
{
	struct fixture *f = begin(test, true, false);
	struct waiter w = { .waiter.fn = waiter_told };
	struct shard_dep dep;

	shard_dep_init(&dep, f->wb);
	fake_mode_set(f->fake, FAKE_HELD);
	append(f, SHARD_QUEUE_HOST, 0, 0, &dep, NULL);
	append(f, SHARD_QUEUE_INDEX, 1, 100, &dep, NULL);
	shard_dep_notify(&dep, &w.waiter);
	fake_fail(f->fake, SHARD_IO_APPEND, -EIO, 1);
	fake_release(f->fake, 1);
	KUNIT_EXPECT_EQ(test, f->appends[0].error, -EIO);
	KUNIT_EXPECT_EQ(test, shard_dep_poll(&dep), -EINPROGRESS);
	KUNIT_EXPECT_EQ(test, w.nr_told, 0u);
	fake_release(f->fake, 1);
	KUNIT_EXPECT_EQ(test, shard_dep_poll(&dep), -EIO);
	KUNIT_EXPECT_EQ(test, w.nr_told, 1u);
	KUNIT_EXPECT_EQ(test, w.error, -EIO);
	end(f);
}

/*
 * Goal: a dependency with nothing in it is durable.
 * Method: poll, notify and wait on one; no flush may come of it.
 */
static void an_empty_dependency_is_durable(struct kunit *test)
{
	struct fixture *f = begin(test, true, false);
	struct waiter w = { .waiter.fn = waiter_told };
	struct shard_dep dep;

	shard_dep_init(&dep, f->wb);
	KUNIT_EXPECT_EQ(test, shard_dep_poll(&dep), 0);
	shard_dep_notify(&dep, &w.waiter);
	KUNIT_EXPECT_EQ(test, w.nr_told, 1u);
	KUNIT_EXPECT_EQ(test, w.error, 0);
	KUNIT_EXPECT_EQ(test, shard_dep_wait(&dep), 0);
	KUNIT_EXPECT_EQ(test, f->fake->nr[SHARD_IO_FLUSH], 0ull);
	end(f);
}

/*
 * Goal: with a volatile cache, written is not durable: a flush is made when
 * someone asks, and not before.
 * Method: append, poll; then notify.
 */
static void a_dependency_is_durable_after_a_flush(struct kunit *test)
{
	struct fixture *f = begin(test, true, false);
	struct waiter w = { .waiter.fn = waiter_told };
	struct shard_dep dep;

	shard_dep_init(&dep, f->wb);
	fake_mode_set(f->fake, FAKE_HELD);
	append(f, SHARD_QUEUE_HOST, 0, 0, &dep, NULL);
	KUNIT_EXPECT_FALSE(test, host_durable(f));
	shard_dep_notify(&dep, &w.waiter);
	KUNIT_EXPECT_EQ(test, f->fake->nr[SHARD_IO_FLUSH], 0ull);
	fake_release(f->fake, 1);
	KUNIT_EXPECT_EQ(test, f->fake->nr[SHARD_IO_FLUSH], 1ull);
	KUNIT_EXPECT_EQ(test, w.nr_told, 0u);
	KUNIT_EXPECT_EQ(test, shard_dep_poll(&dep), -EINPROGRESS);
	fake_release(f->fake, 1);
	KUNIT_EXPECT_EQ(test, w.nr_told, 1u);
	KUNIT_EXPECT_EQ(test, shard_dep_poll(&dep), 0);
	KUNIT_EXPECT_TRUE(test, host_durable(f));
	KUNIT_EXPECT_EQ(test, f->nr_flush_events, 1u);
	end(f);
}

/*
 * Goal: without a volatile cache, written is durable, and nothing is flushed.
 * Method: append and wait; flush explicitly.
 */
static void without_a_cache_nothing_is_flushed(struct kunit *test)
{
	struct fixture *f = begin(test, false, false);
	struct shard_dep dep;

	shard_dep_init(&dep, f->wb);
	append(f, SHARD_QUEUE_HOST, 0, 0, &dep, NULL);
	KUNIT_EXPECT_EQ(test, shard_dep_poll(&dep), 0);
	KUNIT_EXPECT_EQ(test, shard_dep_wait(&dep), 0);
	KUNIT_EXPECT_TRUE(test, host_durable(f));
	KUNIT_EXPECT_EQ(test, shard_writeback_flush_wait(f->wb), 0);
	KUNIT_EXPECT_EQ(test, f->fake->nr[SHARD_IO_FLUSH], 0ull);
	end(f);
}

/*
 * Goal: a FUA append is durable by itself where the device can do that, is
 * not passed on where it need not be, and is flushed where it cannot.
 * Method: the same append on the three kinds of device.
 */
static void fua_is_used_where_it_helps(struct kunit *test)
{
	static const struct {
		bool cache, fua, passed_on;
		u64 flushes;
	} kinds[] = {
		{ true, true, true, 0 },
		{ true, false, false, 1 },
		{ false, true, false, 0 },
	};
	u32 i;

	for (i = 0; i < ARRAY_SIZE(kinds); i++) {
		struct fixture *f = begin(test, kinds[i].cache, kinds[i].fua);
		struct shard_dep dep;

		shard_dep_init(&dep, f->wb);
		f->appends[0].fua = true;
		append(f, SHARD_QUEUE_HOST, 0, 0, &dep, NULL);
		KUNIT_EXPECT_EQ(test, shard_dep_wait(&dep), 0);
		KUNIT_EXPECT_EQ(test, f->fake->log[0].fua, kinds[i].passed_on);
		KUNIT_EXPECT_EQ(test, f->fake->nr[SHARD_IO_FLUSH],
				kinds[i].flushes);
		fake_power_cut(f->fake);
		end(f);
	}
}

/*
 * Goal: waiting flushes are shared: one in flight, the others join the next.
 * Method: five dependencies; one flush held back while the others come.
 */
static void flushes_are_shared(struct kunit *test)
{
	struct fixture *f = begin(test, true, false);
	struct waiter w[5];
	struct shard_dep deps[5];
	u32 i;

	fake_mode_set(f->fake, FAKE_AT_ONCE);
	f->fake->mode[SHARD_IO_FLUSH] = FAKE_HELD;
	for (i = 0; i < 5; i++) {
		w[i] = (struct waiter){ .waiter.fn = waiter_told };
		shard_dep_init(&deps[i], f->wb);
		append(f, SHARD_QUEUE_HOST, i, i, &deps[i], NULL);
		shard_dep_notify(&deps[i], &w[i].waiter);
	}
	KUNIT_EXPECT_EQ(test, f->fake->nr[SHARD_IO_FLUSH], 1ull);
	fake_release(f->fake, 1);
	KUNIT_EXPECT_EQ(test, w[0].nr_told, 1u);
	KUNIT_EXPECT_EQ(test, w[1].nr_told, 0u);
	KUNIT_EXPECT_EQ(test, f->fake->nr[SHARD_IO_FLUSH], 2ull);
	fake_release(f->fake, 1);
	for (i = 1; i < 5; i++)
		KUNIT_EXPECT_EQ(test, w[i].nr_told, 1u);
	KUNIT_EXPECT_EQ(test, f->fake->nr[SHARD_IO_FLUSH], 2ull);
	end(f);
}

/*
 * Goal: a flush is put down to metadata only if nobody else waits for it.
 * Method: a flush for a record alone; one for a record and a host frame.
 */
static void flushes_are_counted_by_cause(struct kunit *test)
{
	struct fixture *f = begin(test, true, false);
	struct waiter w[3];
	struct shard_dep deps[3];
	u32 i;

	fake_mode_set(f->fake, FAKE_AT_ONCE);
	f->fake->mode[SHARD_IO_FLUSH] = FAKE_HELD;
	for (i = 0; i < 3; i++) {
		w[i] = (struct waiter){ .waiter.fn = waiter_told };
		shard_dep_init(&deps[i], f->wb);
		append(f, i < 2 ? SHARD_QUEUE_SUPER : SHARD_QUEUE_HOST, i, i,
		       &deps[i], NULL);
		shard_dep_notify(&deps[i], &w[i].waiter);
	}
	fake_release(f->fake, 1);
	fake_release(f->fake, 1);
	KUNIT_EXPECT_EQ(test, w[2].nr_told, 1u);
	KUNIT_EXPECT_EQ(test, atomic64_read(&f->stats.backing_flushes), 2);
	KUNIT_EXPECT_EQ(test, atomic64_read(&f->stats.meta_flushes), 1);
	end(f);
}

/*
 * Goal: a flush covers what was written when it began, and no more.
 * Method: let an append complete while a flush is under way.
 */
static void a_flush_covers_only_what_was_written_before(struct kunit *test)
{
	struct fixture *f = begin(test, true, false);
	struct waiter w = { .waiter.fn = waiter_told };
	struct shard_dep first, second;

	shard_dep_init(&first, f->wb);
	shard_dep_init(&second, f->wb);
	f->fake->mode[SHARD_IO_FLUSH] = FAKE_HELD;
	append(f, SHARD_QUEUE_HOST, 0, 0, &first, NULL);
	shard_dep_notify(&first, &w.waiter);
	append(f, SHARD_QUEUE_HOST, 1, 1, &second, NULL);
	fake_release(f->fake, 1);
	KUNIT_EXPECT_EQ(test, shard_dep_poll(&first), 0);
	KUNIT_EXPECT_EQ(test, shard_dep_poll(&second), -EINPROGRESS);
	f->fake->mode[SHARD_IO_FLUSH] = FAKE_AT_ONCE;
	KUNIT_EXPECT_EQ(test, shard_dep_wait(&second), 0);
	end(f);
}

/*
 * Goal: a dependency can stand for all that was written so far.
 * Method: append without one, then take one in; it takes a flush.
 */
static void a_dependency_can_cover_all_that_is_written(struct kunit *test)
{
	struct fixture *f = begin(test, true, false);
	struct shard_dep dep;

	append(f, SHARD_QUEUE_HOST, 0, 0, NULL, NULL);
	shard_dep_init(&dep, f->wb);
	KUNIT_EXPECT_EQ(test, shard_dep_poll(&dep), 0);
	shard_dep_and_written(&dep);
	KUNIT_EXPECT_EQ(test, shard_dep_poll(&dep), -EINPROGRESS);
	KUNIT_EXPECT_EQ(test, shard_dep_wait(&dep), 0);
	KUNIT_EXPECT_EQ(test, f->fake->nr[SHARD_IO_FLUSH], 1ull);
	/* and again: it is durable already */
	shard_dep_and_written(&dep);
	KUNIT_EXPECT_EQ(test, shard_dep_wait(&dep), 0);
	KUNIT_EXPECT_EQ(test, f->fake->nr[SHARD_IO_FLUSH], 1ull);
	end(f);
}

/*
 * Goal: an append is issued only when what it comes after is durable, and
 * those behind it in its queue wait, too.
 * Method: hold everything back and watch the order of operations.
 */
static void an_append_waits_for_what_it_comes_after(struct kunit *test)
{
	struct fixture *f = begin(test, true, false);
	struct shard_dep before, dep;

	shard_dep_init(&before, f->wb);
	shard_dep_init(&dep, f->wb);
	fake_mode_set(f->fake, FAKE_HELD);
	append(f, SHARD_QUEUE_INDEX, 0, 0, &before, NULL);
	append(f, SHARD_QUEUE_SUPER, 1, 10, &dep, &before);
	append(f, SHARD_QUEUE_SUPER, 2, 20, &dep, NULL);
	KUNIT_EXPECT_EQ(test, fake_nr_pending(f->fake), 1u);
	fake_release(f->fake, 1);
	/* the flush that the queue saw to */
	KUNIT_EXPECT_EQ(test, f->fake->log[1].op, SHARD_IO_FLUSH);
	KUNIT_EXPECT_EQ(test, f->fake->nr[SHARD_IO_APPEND], 1ull);
	fake_release(f->fake, 1);
	KUNIT_EXPECT_EQ(test, f->fake->nr[SHARD_IO_APPEND], 3ull);
	KUNIT_EXPECT_EQ(test, f->fake->log[2].offset, 10ull * BLOCK);
	KUNIT_EXPECT_EQ(test, f->fake->log[3].offset, 20ull * BLOCK);
	fake_release_all(f->fake);
	end(f);
}

/*
 * Goal: a failed append tells its owner and fails its dependency for good; an
 * append that was to come after it is never issued and fails as well.
 * Method: one failing write.
 */
static void a_failed_append_fails_all_that_comes_after(struct kunit *test)
{
	struct fixture *f = begin(test, true, false);
	struct shard_append *first, *second, *third;
	struct shard_dep before, dep;

	shard_dep_init(&before, f->wb);
	shard_dep_init(&dep, f->wb);
	fake_fail(f->fake, SHARD_IO_APPEND, -EREMOTEIO, 1);
	first = append(f, SHARD_QUEUE_HOST, 0, 0, &before, NULL);
	second = append(f, SHARD_QUEUE_SUPER, 1, 10, &dep, &before);
	third = append(f, SHARD_QUEUE_SUPER, 2, 20, NULL, NULL);
	KUNIT_EXPECT_EQ(test, first->error, -EREMOTEIO);
	KUNIT_EXPECT_EQ(test, second->error, -EREMOTEIO);
	KUNIT_EXPECT_EQ(test, third->error, 0);
	KUNIT_EXPECT_EQ(test, shard_dep_poll(&before), -EREMOTEIO);
	KUNIT_EXPECT_EQ(test, shard_dep_wait(&dep), -EREMOTEIO);
	KUNIT_EXPECT_EQ(test, f->fake->nr[SHARD_IO_APPEND], 2ull);
	end(f);
}

/*
 * Goal: after a failed flush nothing becomes durable any more, be it flushed
 * again or written with FUA (O3); what was durable stays so.
 * Method: fail one flush, then let all succeed.
 */
static void a_failed_flush_ends_all_durability(struct kunit *test)
{
	struct fixture *f = begin(test, true, true);
	struct shard_dep durable, lost, later, fua;

	shard_dep_init(&durable, f->wb);
	shard_dep_init(&lost, f->wb);
	shard_dep_init(&later, f->wb);
	shard_dep_init(&fua, f->wb);
	append(f, SHARD_QUEUE_HOST, 0, 0, &durable, NULL);
	KUNIT_EXPECT_EQ(test, shard_dep_wait(&durable), 0);
	fake_fail(f->fake, SHARD_IO_FLUSH, -EIO, 1);
	append(f, SHARD_QUEUE_HOST, 1, 1, &lost, NULL);
	KUNIT_EXPECT_EQ(test, shard_dep_wait(&lost), -EIO);
	KUNIT_EXPECT_EQ(test, f->flush_event_error, -EIO);
	append(f, SHARD_QUEUE_HOST, 2, 2, &later, NULL);
	KUNIT_EXPECT_EQ(test, shard_dep_wait(&later), -EIO);
	f->appends[3].fua = true;
	append(f, SHARD_QUEUE_HOST, 3, 3, &fua, NULL);
	KUNIT_EXPECT_EQ(test, shard_dep_wait(&fua), -EIO);
	KUNIT_EXPECT_EQ(test, shard_dep_poll(&durable), 0);
	KUNIT_EXPECT_EQ(test, shard_dep_poll(&lost), -EIO);
	KUNIT_EXPECT_FALSE(test, host_durable(f));
	end(f);
}

/*
 * Goal: several may wait for a dependency, and one flush tells all of them; what
 * has to wait for it is not merged with what lies in front.
 * Method: two waiters while the flush is held back, and an append.
 */
static void several_wait_for_one_dependency(struct kunit *test)
{
	struct fixture *f = begin(test, true, false);
	struct waiter w[2] = { { .waiter.fn = waiter_told },
			       { .waiter.fn = waiter_told } };
	struct shard_dep dep;

	shard_writeback_set(f->wb, BLOCK, 1, 0);
	shard_dep_init(&dep, f->wb);
	append(f, SHARD_QUEUE_META0, 0, 500, &dep, NULL);
	fake_mode_set(f->fake, FAKE_HELD);
	shard_dep_notify(&dep, &w[0].waiter);
	shard_dep_notify(&dep, &w[1].waiter);
	append(f, SHARD_QUEUE_HOST, 1, 0, NULL, NULL);
	append(f, SHARD_QUEUE_HOST, 2, 1, NULL, NULL);
	append(f, SHARD_QUEUE_HOST, 3, 2, NULL, &dep);
	fake_release_all(f->fake);
	KUNIT_EXPECT_EQ(test, w[0].nr_told, 1u);
	KUNIT_EXPECT_EQ(test, w[1].nr_told, 1u);
	KUNIT_EXPECT_EQ(test, f->fake->nr[SHARD_IO_APPEND], 4ull);
	KUNIT_EXPECT_EQ(test, f->fake->nr[SHARD_IO_FLUSH], 1ull);
	KUNIT_EXPECT_EQ(test, f->nr_done, 4u);
	end(f);
}

/*
 * Goal: what waits or is in flight is not durable yet.
 * Method: one append held back, one behind it.
 */
static void what_is_on_its_way_is_not_durable(struct kunit *test)
{
	struct fixture *f = begin(test, false, false);

	shard_writeback_set(f->wb, BLOCK, 1, 0);
	KUNIT_EXPECT_TRUE(test, host_durable(f));
	fake_mode_set(f->fake, FAKE_HELD);
	append(f, SHARD_QUEUE_HOST, 0, 0, NULL, NULL);
	KUNIT_EXPECT_FALSE(test, host_durable(f));
	append(f, SHARD_QUEUE_HOST, 1, 9, NULL, NULL);
	KUNIT_EXPECT_FALSE(test, host_durable(f));
	fake_release_all(f->fake);
	KUNIT_EXPECT_TRUE(test, host_durable(f));
	end(f);
}

/*
 * Goal: dependencies that wait for the flush after a failing one are told.
 * Method: hold a flush, let another dependency queue up, then fail the flush.
 */
static void who_waits_for_the_next_flush_is_told_of_a_failure(struct kunit *test)
{
	struct fixture *f = begin(test, true, false);
	struct waiter w[2] = { { .waiter.fn = waiter_told },
			       { .waiter.fn = waiter_told } };
	struct shard_dep deps[2];
	u32 i;

	f->fake->mode[SHARD_IO_FLUSH] = FAKE_HELD;
	for (i = 0; i < 2; i++) {
		shard_dep_init(&deps[i], f->wb);
		append(f, SHARD_QUEUE_HOST, i, i, &deps[i], NULL);
		shard_dep_notify(&deps[i], &w[i].waiter);
	}
	fake_fail(f->fake, SHARD_IO_FLUSH, -ENODEV, 1);
	fake_release_all(f->fake);
	for (i = 0; i < 2; i++) {
		KUNIT_EXPECT_EQ(test, w[i].nr_told, 1u);
		KUNIT_EXPECT_EQ(test, w[i].error, -ENODEV);
	}
	KUNIT_EXPECT_EQ(test, fake_nr_pending(f->fake), 0u);
	end(f);
}

/*
 * Goal: reads, flushes and resets that sleep give data, or the error.
 * Method: each once with success, once with a failure.
 */
static void sleeping_operations_give_the_result(struct kunit *test)
{
	struct fixture *f = begin(test, true, false);
	u8 *block = kunit_kzalloc(test, 2 * BLOCK, GFP_KERNEL);
	struct shard_reset resets[2] = {
		{ .io = { .offset = 0, .len = 16 * BLOCK } },
		{ .io = { .offset = 16 * BLOCK, .len = 16 * BLOCK } },
	};

	KUNIT_ASSERT_NOT_NULL(test, block);
	fake_mode_set(f->fake, FAKE_LATER);
	f->fake->media[3 * BLOCK] = 0x42;
	KUNIT_EXPECT_EQ(test, shard_writeback_read_wait(f->wb, 2 * BLOCK,
							block, 2 * BLOCK), 0);
	KUNIT_EXPECT_EQ(test, block[BLOCK], 0x42);
	KUNIT_EXPECT_EQ(test, shard_writeback_flush_wait(f->wb), 0);
	KUNIT_EXPECT_EQ(test, shard_writeback_reset_wait(f->wb, resets, 2), 0);
	KUNIT_EXPECT_EQ(test, shard_writeback_reset_wait(f->wb, resets, 0), 0);
	KUNIT_EXPECT_EQ(test, atomic64_read(&f->stats.backing_reads), 1);
	KUNIT_EXPECT_EQ(test, atomic64_read(&f->stats.backing_read_blocks), 2);
	KUNIT_EXPECT_EQ(test, atomic64_read(&f->stats.backing_flushes), 1);
	KUNIT_EXPECT_EQ(test, atomic64_read(&f->stats.backing_resets), 2);

	fake_fail(f->fake, SHARD_IO_READ, -EIO, 1);
	fake_fail(f->fake, SHARD_IO_FLUSH, -ENODEV, 1);
	fake_fail(f->fake, SHARD_IO_RESET, -ETIMEDOUT, 1);
	KUNIT_EXPECT_EQ(test, shard_writeback_read_wait(f->wb, 0, block, BLOCK),
			-EIO);
	KUNIT_EXPECT_EQ(test, shard_writeback_flush_wait(f->wb), -ENODEV);
	KUNIT_EXPECT_EQ(test, shard_writeback_reset_wait(f->wb, resets, 2),
			-ETIMEDOUT);
	KUNIT_EXPECT_EQ(test, resets[1].io.error, 0);
	end(f);
}

/*
 * Goal: whoever was told that all is durable may destroy writeback at once.
 * Method: waits on completions from another context, then ends.
 */
static void writeback_may_be_destroyed_once_all_is_durable(struct kunit *test)
{
	u32 round;

	for (round = 0; round < 5; round++) {
		struct fixture *f = begin(test, true, false);
		struct shard_dep dep;
		u32 i;

		fake_mode_set(f->fake, FAKE_LATER);
		shard_dep_init(&dep, f->wb);
		for (i = 0; i < APPENDS; i++)
			append(f, SHARD_QUEUE_HOST, i, i * 2, &dep, NULL);
		KUNIT_EXPECT_EQ(test, shard_dep_wait(&dep), 0);
		KUNIT_EXPECT_EQ(test, f->nr_done, (u32)APPENDS);
		end(f);
	}
}

/*
 * Goal: without memory there is no writeback, and nothing leaks.
 * Method: let each allocation fail in turn.
 */
static void without_memory_there_is_no_writeback(struct kunit *test)
{
	struct fixture *f = begin(test, true, false);
	struct shard_writeback *wb;
	bool struck;
	u32 n;

	for (n = 1; n < ALLOC_FAULT_MAX; n++) {
		alloc_fault_arm(n);
		wb = shard_writeback_create(&f->fake->backend, &f->stats, NULL,
					    NULL);
		struck = alloc_fault_disarm();
		shard_writeback_destroy(wb);
		if (!struck)
			break;
	}
	KUNIT_EXPECT_NOT_NULL(test, wb);
	KUNIT_EXPECT_LT(test, n, (u32)ALLOC_FAULT_MAX);
	end(f);
}

static struct kunit_case writeback_cases[] = {
	KUNIT_CASE(an_append_is_written_at_once),
	KUNIT_CASE(writes_are_counted_by_cause),
	KUNIT_CASE(a_queue_keeps_its_depth_and_order),
	KUNIT_CASE(a_zoned_device_gets_one_write_at_a_time),
	KUNIT_CASE(adjacent_appends_are_merged),
	KUNIT_CASE(appends_of_two_extents_are_not_merged),
	KUNIT_CASE(an_empty_dependency_is_durable),
	KUNIT_CASE(a_dependency_is_durable_after_a_flush),
	KUNIT_CASE(without_a_cache_nothing_is_flushed),
	KUNIT_CASE(fua_is_used_where_it_helps),
	KUNIT_CASE(flushes_are_shared),
	KUNIT_CASE(flushes_are_counted_by_cause),
	KUNIT_CASE(a_flush_covers_only_what_was_written_before),
	KUNIT_CASE(a_dependency_can_cover_all_that_is_written),
	KUNIT_CASE(an_append_waits_for_what_it_comes_after),
	KUNIT_CASE(a_failed_append_fails_all_that_comes_after),
	KUNIT_CASE(a_failed_dependency_is_kept_while_it_is_named),
	KUNIT_CASE(nothing_goes_behind_a_failed_append),
	KUNIT_CASE(a_failed_flush_ends_all_durability),
	KUNIT_CASE(several_wait_for_one_dependency),
	KUNIT_CASE(what_is_on_its_way_is_not_durable),
	KUNIT_CASE(who_waits_for_the_next_flush_is_told_of_a_failure),
	KUNIT_CASE(sleeping_operations_give_the_result),
	KUNIT_CASE(writeback_may_be_destroyed_once_all_is_durable),
	KUNIT_CASE(without_memory_there_is_no_writeback),
	{}
};

static struct kunit_suite writeback_suite = {
	.name = "shardblk-writeback",
	.test_cases = writeback_cases,
};

kunit_test_suites(&writeback_suite);
