// SPDX-License-Identifier: GPL-2.0-only
/*
 * Zones of which few may be active: what a stream leaves is finished.
 */
#include <kunit/test.h>

#include "fake_backend.h"
#include "../kmod/core/shard.h"
#include "../kmod/core/stats.h"
#include "../kmod/core/writeback.h"

#define BLOCK	512u
#define ZONE	(16 * BLOCK)
#define APPENDS	8
#define ACTIVE	(SHARD_ZONES_ACTIVE + SHARDBLK_RELOC_STREAMS)

/* As many streams as there can be, on zones of that size. */
static const struct shard_format_options zones_format = {
	.block_size = BLOCK,
	.extent_size = ZONE,
	.logical_size = 128 * BLOCK,
	.small = true,
	.reloc_streams = SHARDBLK_RELOC_STREAMS,
};

/**
 * struct fixture - writeback on a zoned disk, held back, and appends to play with
 */
struct fixture {
	struct fake_backend *fake;
	struct shard_stats stats;
	struct shard_writeback *wb;
	struct shard_append appends[APPENDS];
	u32 nr_done;
	u8 block[BLOCK];
};

static struct fixture *begin(struct kunit *test, u32 active_max)
{
	struct fixture *f = kunit_kzalloc(test, sizeof(*f), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, f);
	f->fake = fake_backend_create_zoned(test, 32 * ZONE, ZONE);
	f->fake->backend.active_max = active_max;
	f->wb = shard_writeback_create(&f->fake->backend, &f->stats, NULL,
				       NULL);
	KUNIT_ASSERT_NOT_NULL(test, f->wb);
	shard_writeback_set(f->wb, BLOCK, 1, ZONE);
	fake_mode_set(f->fake, FAKE_HELD);
	return f;
}

static void end(struct fixture *f)
{
	shard_writeback_destroy(f->wb);
	fake_backend_destroy(f->fake);
}

static void append_done(struct shard_append *append)
{
	struct fixture *f = append->private;

	f->nr_done++;
}

/* Appends a block to a zone. */
static struct shard_append *append(struct fixture *f, enum shard_queue queue,
				   u32 idx, u8 lane, u32 zone, u32 block)
{
	struct shard_append *a = &f->appends[idx];

	a->offset = (u64)zone * ZONE + block * BLOCK;
	a->seg.addr = f->block;
	a->seg.len = BLOCK;
	a->lane = lane;
	a->done = append_done;
	a->private = f;
	a->error = 1;
	shard_append(f->wb, queue, a);
	return a;
}

static void expect_op(struct kunit *test, struct fixture *f, u32 idx,
		      enum shard_io_op op, u32 zone, u32 block)
{
	KUNIT_ASSERT_LT(test, idx, f->fake->nr_log);
	KUNIT_EXPECT_EQ(test, (u32)f->fake->log[idx].op, (u32)op);
	KUNIT_EXPECT_EQ(test, f->fake->log[idx].offset,
			(u64)zone * ZONE + block * BLOCK);
}

/*
 * Goal: a zone is finished when its stream goes on in another, after all that was
 * appended to it and before anything is to that.
 * Method: append to two zones by one stream, and look at what goes out.
 */
static void a_zone_is_finished_before_the_next(struct kunit *test)
{
	struct fixture *f = begin(test, ACTIVE);

	append(f, SHARD_QUEUE_HOST, 0, 0, 5, 0);
	append(f, SHARD_QUEUE_HOST, 1, 0, 5, 1);
	append(f, SHARD_QUEUE_HOST, 2, 0, 7, 0);
	append(f, SHARD_QUEUE_HOST, 3, 0, 7, 1);
	fake_release_all(f->fake);
	KUNIT_EXPECT_EQ(test, f->nr_done, 4u);
	KUNIT_EXPECT_EQ(test, f->fake->nr_pending_max, 1u);
	expect_op(test, f, 0, SHARD_IO_APPEND, 5, 0);
	expect_op(test, f, 1, SHARD_IO_APPEND, 5, 1);
	expect_op(test, f, 2, SHARD_IO_FINISH, 5, 0);
	expect_op(test, f, 3, SHARD_IO_APPEND, 7, 0);
	KUNIT_EXPECT_EQ(test, f->fake->nr_log, 4u);
	KUNIT_EXPECT_EQ(test, f->appends[3].error, 0);
	end(f);
}

/*
 * Goal: streams of one queue have a zone each.
 * Method: three take turns; then one of them leaves its zone.
 */
static void streams_of_a_queue_have_a_zone_each(struct kunit *test)
{
	struct fixture *f = begin(test, ACTIVE);
	u32 i;

	for (i = 0; i < 6; i++)
		append(f, SHARD_QUEUE_RELOC, i, i % 3, 5 + i % 3, i / 3);
	fake_release_all(f->fake);
	KUNIT_EXPECT_EQ(test, f->fake->nr[SHARD_IO_FINISH], 0ull);
	append(f, SHARD_QUEUE_RELOC, 6, 1, 9, 0);
	fake_release_all(f->fake);
	KUNIT_EXPECT_EQ(test, f->fake->nr[SHARD_IO_FINISH], 1ull);
	expect_op(test, f, 6, SHARD_IO_FINISH, 6, 0);
	KUNIT_EXPECT_EQ(test, f->nr_done, 7u);
	end(f);
}

/*
 * Goal: where all zones may be active, none is finished.
 * Method: no limit; leave a zone.
 */
static void without_a_limit_no_zone_is_finished(struct kunit *test)
{
	struct fixture *f = begin(test, 0);

	append(f, SHARD_QUEUE_HOST, 0, 0, 5, 0);
	append(f, SHARD_QUEUE_HOST, 1, 0, 7, 0);
	fake_release_all(f->fake);
	KUNIT_EXPECT_EQ(test, f->fake->nr[SHARD_IO_FINISH], 0ull);
	KUNIT_EXPECT_EQ(test, shard_writeback_finish_wait(f->wb, 0), 0);
	KUNIT_EXPECT_EQ(test, f->fake->nr[SHARD_IO_FINISH], 0ull);
	end(f);
}

/*
 * Goal: a zone is finished at the second try, and one that cannot be does not keep
 * its stream.
 * Method: let it fail once, then twice; what goes to the next zone is written.
 */
static void a_zone_that_cannot_be_finished_is_left(struct kunit *test)
{
	struct fixture *f = begin(test, ACTIVE);

	append(f, SHARD_QUEUE_HOST, 0, 0, 5, 0);
	fake_fail(f->fake, SHARD_IO_FINISH, -EIO, 1);
	append(f, SHARD_QUEUE_HOST, 1, 0, 7, 0);
	fake_release_all(f->fake);
	KUNIT_EXPECT_EQ(test, f->fake->nr[SHARD_IO_FINISH], 2ull);
	KUNIT_EXPECT_EQ(test, f->fake->wp[5], (u64)ZONE);
	fake_fail(f->fake, SHARD_IO_FINISH, -EIO, 2);
	append(f, SHARD_QUEUE_HOST, 2, 0, 9, 0);
	fake_release_all(f->fake);
	KUNIT_EXPECT_EQ(test, f->fake->nr[SHARD_IO_FINISH], 4ull);
	KUNIT_EXPECT_EQ(test, f->nr_done, 3u);
	KUNIT_EXPECT_EQ(test, f->appends[2].error, 0);
	end(f);
}

/*
 * Goal: the zone of a stream is finished before it is reset, and not afterwards.
 * Method: reset it between two appends of its stream.
 */
static void a_zone_is_finished_before_it_is_reset(struct kunit *test)
{
	struct fixture *f = begin(test, ACTIVE);
	struct shard_reset reset = {
		.io = { .offset = 5 * ZONE, .len = ZONE },
	};

	fake_mode_set(f->fake, FAKE_AT_ONCE);
	append(f, SHARD_QUEUE_HOST, 0, 0, 5, 0);
	KUNIT_EXPECT_EQ(test, shard_writeback_reset_wait(f->wb, &reset, 1), 0);
	append(f, SHARD_QUEUE_HOST, 1, 0, 7, 0);
	append(f, SHARD_QUEUE_INDEX, 2, 0, 5, 0);
	KUNIT_EXPECT_EQ(test, f->fake->nr[SHARD_IO_FINISH], 1ull);
	expect_op(test, f, 1, SHARD_IO_FINISH, 5, 0);
	expect_op(test, f, 2, SHARD_IO_RESET, 5, 0);
	KUNIT_EXPECT_EQ(test, f->appends[2].error, 0);
	end(f);
}

/* Resets a zone, and waits for it, in a thread of its own. */
struct resetter {
	struct work_struct work;
	struct fixture *f;
	struct shard_reset reset;
	int error;
};

static void reset_work(struct work_struct *work)
{
	struct resetter *r = container_of(work, struct resetter, work);

	r->error = shard_writeback_reset_wait(r->f->wb, &r->reset, 1);
}

static struct resetter *reset_start(struct kunit *test, struct fixture *f,
				    struct workqueue_struct *wq, u32 zone)
{
	struct resetter *r = kunit_kzalloc(test, sizeof(*r), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, r);
	r->f = f;
	r->error = 1;
	r->reset.io.offset = (u64)zone * ZONE;
	r->reset.io.len = ZONE;
	INIT_WORK(&r->work, reset_work);
	queue_work(wq, &r->work);
	msleep(20);
	return r;
}

/* Lets all that is held back go, a reset that is to come yet as well. */
static void reset_end(struct kunit *test, struct resetter *r)
{
	fake_release_all(r->f->fake);
	fake_mode_set(r->f->fake, FAKE_AT_ONCE);
	fake_release_all(r->f->fake);
	flush_work(&r->work);
	KUNIT_EXPECT_EQ(test, r->error, 0);
}

/*
 * Goal: a zone is not reset while it is being finished, and another one is.
 * Method: hold that back; have it reset meanwhile; the reset comes second.
 */
static void a_reset_waits_until_a_zone_is_finished(struct kunit *test)
{
	struct fixture *f = begin(test, ACTIVE);
	struct workqueue_struct *wq = alloc_workqueue("zone-test", WQ_UNBOUND,
						      0);
	struct resetter *r, *other;

	KUNIT_ASSERT_NOT_NULL(test, wq);
	append(f, SHARD_QUEUE_HOST, 0, 0, 5, 0);
	append(f, SHARD_QUEUE_HOST, 1, 0, 7, 0);
	KUNIT_EXPECT_EQ(test, fake_release(f->fake, 1), 1u);
	r = reset_start(test, f, wq, 5);
	KUNIT_EXPECT_EQ(test, fake_nr_pending(f->fake), 1u);
	other = reset_start(test, f, wq, 9);
	KUNIT_EXPECT_EQ(test, fake_nr_pending(f->fake), 2u);
	KUNIT_EXPECT_EQ(test, f->fake->nr_pending_max, 2u);
	reset_end(test, r);
	reset_end(test, other);
	expect_op(test, f, 1, SHARD_IO_FINISH, 5, 0);
	expect_op(test, f, 2, SHARD_IO_RESET, 9, 0);
	KUNIT_EXPECT_EQ(test, f->fake->wp[5], 0ull);
	destroy_workqueue(wq);
	end(f);
}

/*
 * Goal: a zone to which something is being appended is neither finished nor reset
 * before that has ended.
 * Method: hold that back; have it reset meanwhile.
 */
static void a_reset_waits_until_an_append_has_ended(struct kunit *test)
{
	struct fixture *f = begin(test, ACTIVE);
	struct workqueue_struct *wq = alloc_workqueue("zone-test", WQ_UNBOUND,
						      0);
	struct resetter *r;

	KUNIT_ASSERT_NOT_NULL(test, wq);
	append(f, SHARD_QUEUE_HOST, 0, 0, 5, 0);
	r = reset_start(test, f, wq, 5);
	KUNIT_EXPECT_EQ(test, fake_nr_pending(f->fake), 1u);
	reset_end(test, r);
	expect_op(test, f, 0, SHARD_IO_APPEND, 5, 0);
	expect_op(test, f, 1, SHARD_IO_FINISH, 5, 0);
	expect_op(test, f, 2, SHARD_IO_RESET, 5, 0);
	KUNIT_EXPECT_EQ(test, f->fake->nr_pending_max, 1u);
	destroy_workqueue(wq);
	end(f);
}

/*
 * Goal: a start finishes what crashes have left, but not what it goes on in.
 * Method: write a block to some zones; name one of them.
 */
static void a_start_finishes_what_is_partly_written(struct kunit *test)
{
	struct fixture *f = begin(test, ACTIVE);
	u32 i;

	fake_mode_set(f->fake, FAKE_AT_ONCE);
	for (i = 0; i < 3; i++)
		append(f, SHARD_QUEUE_HOST + i, i, 0, 1 + 2 * i, 0);
	fake_counts_clear(f->fake);
	KUNIT_EXPECT_EQ(test, shard_writeback_finish_wait(f->wb, BIT(1)), 0);
	KUNIT_EXPECT_EQ(test, f->fake->nr[SHARD_IO_FINISH], 2ull);
	expect_op(test, f, 0, SHARD_IO_FINISH, 3, 0);
	expect_op(test, f, 1, SHARD_IO_FINISH, 5, 0);
	KUNIT_EXPECT_EQ(test, shard_writeback_finish_wait(f->wb, BIT(1)), 0);
	KUNIT_EXPECT_EQ(test, f->fake->nr[SHARD_IO_FINISH], 2ull);
	fake_fail(f->fake, SHARD_IO_FINISH, -EIO, 2);
	KUNIT_EXPECT_EQ(test, shard_writeback_finish_wait(f->wb, 0), 0);
	KUNIT_EXPECT_EQ(test, f->fake->nr[SHARD_IO_FINISH], 4ull);
	end(f);
}

/*
 * Goal: neither a format nor a start goes on without knowing what is active.
 * Method: no zone can be reset; or one after the other cannot be reported.
 */
static void zones_that_cannot_be_told_end_a_start(struct kunit *test)
{
	struct fake_backend *fake =
		fake_backend_create_zoned(test, 64 * ZONE, ZONE);
	struct shard_device *device;
	int err = -EIO;
	u32 nr;

	fake->backend.active_max = ACTIVE;
	fake_fail(fake, SHARD_IO_RESET, -EIO, 0);
	KUNIT_EXPECT_EQ(test, shard_format(&fake->backend, &zones_format), -EIO);
	fake_heal(fake);
	fake->report_fault.error = -EIO;
	KUNIT_EXPECT_EQ(test, shard_format(&fake->backend, &zones_format), -EIO);
	fake->report_fault.error = 0;
	KUNIT_ASSERT_EQ(test, shard_format(&fake->backend, &zones_format), 0);
	for (nr = 1; err; nr *= 2) {
		fake->report_fault.error = -EIO;
		fake->report_fault.skip = nr;
		err = shard_device_open(&fake->backend, NULL, &device);
		KUNIT_EXPECT_TRUE(test, !err || err == -EIO);
		KUNIT_ASSERT_LT(test, nr, 200u);
	}
	KUNIT_EXPECT_GE(test, nr, 64u);
	fake->report_fault.error = 0;
	KUNIT_EXPECT_EQ(test, shard_device_close(device), 0);
	fake_backend_destroy(fake);
}

/*
 * Goal: fewer active zones than streams need are refused, reading apart.
 * Method: format a disk; then let it have one too few.
 */
static void too_few_active_zones_are_refused(struct kunit *test)
{
	struct fake_backend *fake =
		fake_backend_create_zoned(test, 64 * ZONE, ZONE);
	struct shard_options reading = { .read_only = true };
	struct shard_device *device;

	KUNIT_ASSERT_EQ(test, shard_format(&fake->backend, &zones_format), 0);
	fake->backend.active_max = ACTIVE - 1;
	KUNIT_EXPECT_EQ(test, shard_format(&fake->backend, &zones_format),
			-EOPNOTSUPP);
	KUNIT_EXPECT_EQ(test, shard_device_open(&fake->backend, NULL, &device),
			-EOPNOTSUPP);
	KUNIT_ASSERT_EQ(test, shard_device_open(&fake->backend, &reading,
						&device), 0);
	KUNIT_EXPECT_EQ(test, shard_device_close(device), 0);
	fake->backend.active_max = ACTIVE;
	KUNIT_ASSERT_EQ(test, shard_device_open(&fake->backend, NULL, &device),
			0);
	KUNIT_EXPECT_EQ(test, shard_device_close(device), 0);
	fake_backend_destroy(fake);
}

static struct kunit_case zone_cases[] = {
	KUNIT_CASE(a_zone_is_finished_before_the_next),
	KUNIT_CASE(streams_of_a_queue_have_a_zone_each),
	KUNIT_CASE(without_a_limit_no_zone_is_finished),
	KUNIT_CASE(a_zone_that_cannot_be_finished_is_left),
	KUNIT_CASE(a_zone_is_finished_before_it_is_reset),
	KUNIT_CASE(a_reset_waits_until_a_zone_is_finished),
	KUNIT_CASE(a_reset_waits_until_an_append_has_ended),
	KUNIT_CASE(a_start_finishes_what_is_partly_written),
	KUNIT_CASE(zones_that_cannot_be_told_end_a_start),
	KUNIT_CASE(too_few_active_zones_are_refused),
	{}
};

static struct kunit_suite zone_suite = {
	.name = "shardblk-zone",
	.test_cases = zone_cases,
};

kunit_test_suites(&zone_suite);
