// SPDX-License-Identifier: GPL-2.0-only
/*
 * Events: their text, the ring that keeps them, and what writeback tells.
 */
#include <kunit/test.h>

#include "alloc_fault.h"
#include "testdev.h"
#include "../kmod/core/event.h"
#include "../kmod/core/stats.h"
#include "../kmod/core/writeback.h"

#define BLOCK	512u
#define RING	8u
#define TOLD	32u

/*
 * Goal: a line has the event's name, and each field that is not 0.
 * Method: an event with some fields, also a negative one; and one with none.
 */
static void an_event_is_a_line(struct kunit *test)
{
	struct shard_event event = {
		.kind = SHARD_EVENT_WRITTEN,
		.id = 7,
		.offset = 1ull << 40,
		.error = -5,
	};
	char text[SHARD_EVENT_TEXT];

	shard_event_text(&event, text);
	KUNIT_EXPECT_STREQ(test, text,
			   "written id=7 offset=1099511627776 error=-5");
	event = (struct shard_event){ .kind = SHARD_EVENT_RECORD };
	shard_event_text(&event, text);
	KUNIT_EXPECT_STREQ(test, text, "record");
}

/*
 * Goal: the longest line fits.
 * Method: every field has as many digits as it can.
 */
static void no_line_is_cut(struct kunit *test)
{
	struct shard_event event;
	char text[SHARD_EVENT_TEXT];

	/* no byte is 0, and as a number each has all digits, and a sign */
	memset(&event, 0x85, sizeof(event));
	event.kind = SHARD_EVENT_WAS_RESET;
	event.error = -5;
	shard_event_text(&event, text);
	KUNIT_EXPECT_LT(test, strlen(text), SHARD_EVENT_TEXT - 20ul);
	KUNIT_EXPECT_NOT_NULL(test, strstr(text, " error=-5"));
}

/*
 * Goal: a ring keeps the last events, in order, and tells which those are.
 * Method: fewer than it holds, then more; read in pieces, and when the reader
 * was overtaken.
 */
static void a_ring_keeps_the_last(struct kunit *test)
{
	struct shard_ring *ring = shard_ring_create(RING);
	struct shard_event event = {}, got[RING];
	u32 i;

	KUNIT_ASSERT_NOT_NULL(test, ring);
	KUNIT_EXPECT_EQ(test, shard_ring_read(ring, 0, got, RING), 0u);
	for (i = 0; i < RING + 3; i++) {
		event.id = 100 + i;
		shard_ring_add(ring, &event);
		if (i)
			continue;
		KUNIT_EXPECT_EQ(test, shard_ring_read(ring, 0, got, RING), 1u);
		KUNIT_EXPECT_EQ(test, got[0].number, 0ull);
		KUNIT_EXPECT_EQ(test, got[0].id, 100ull);
	}
	KUNIT_EXPECT_EQ(test, shard_ring_read(ring, 0, got, 5), 5u);
	for (i = 0; i < 5; i++) {
		KUNIT_EXPECT_EQ(test, got[i].number, 3ull + i);
		KUNIT_EXPECT_EQ(test, got[i].id, 103ull + i);
	}
	KUNIT_EXPECT_EQ(test, shard_ring_read(ring, 8, got, RING), 3u);
	KUNIT_EXPECT_EQ(test, got[2].id, 110ull);
	KUNIT_EXPECT_EQ(test, shard_ring_read(ring, 11, got, RING), 0u);
	shard_ring_destroy(ring);
}

/*
 * Goal: without memory there is no ring, and nothing worse.
 * Method: let each allocation fail in turn.
 */
static void without_memory_there_is_no_ring(struct kunit *test)
{
	struct shard_ring *ring = NULL;
	bool struck = true;
	u32 n;

	for (n = 1; n < ALLOC_FAULT_MAX && struck; n++) {
		shard_ring_destroy(ring);
		alloc_fault_arm(n);
		ring = shard_ring_create(RING);
		struck = alloc_fault_disarm();
	}
	KUNIT_EXPECT_NOT_NULL(test, ring);
	shard_ring_destroy(ring);
}

/* ---- what writeback tells ---- */

/**
 * struct told - writeback on a fake device, and what it told, as text
 * @ops:	as the kernel does, @event comes and goes
 */
struct told {
	struct shard_trace_ops ops;
	struct fake_backend *fake;
	struct shard_writeback *wb;
	struct shard_stats stats;
	struct shard_append appends[4];
	u8 block[BLOCK];
	u32 nr_told;
	u32 nr_kinds[SHARD_EVENT_KINDS];
	u32 whats;		/* bits: what chunks were told of */
	u32 nr;
	char lines[TOLD][SHARD_EVENT_TEXT];
};

static void told_event(void *ctx, const struct shard_event *event)
{
	struct told *t = ctx;

	t->nr_told++;
	t->nr_kinds[event->kind]++;
	if (event->kind == SHARD_EVENT_CHUNKS && event->what < 32)
		t->whats |= BIT(event->what);
	if (t->nr < TOLD)
		shard_event_text(event, t->lines[t->nr++]);
}

static void told_flush(void *ctx, int error, u64 ns)
{
}

static void append_done(struct shard_append *append)
{
}

static void append(struct told *t, enum shard_queue queue, u32 idx,
		   struct shard_dep *dep, struct shard_dep *after)
{
	struct shard_append *a = &t->appends[idx];

	a->offset = (u64)idx * 2 * BLOCK;
	a->seg.addr = t->block;
	a->seg.len = BLOCK;
	a->dep = dep;
	a->after = after;
	a->done = append_done;
	shard_append(t->wb, queue, a);
}

/*
 * Goal: the events tell what came after what, and which flush covered it.
 * Method: one append before anyone listens, then one, and one that comes after
 * both; no event comes any more when nobody listens again.
 */
static void writeback_tells_the_graph(struct kunit *test)
{
	static const char * const lines[] = {
		"append id=1 offset=1024 len=512 dep=1",
		"issued id=1 first=1",
		"written id=1 ticket=2",
		"append id=2 queue=6 offset=2048 len=512 dep=2 after=1 ticket=2",
		"flush id=1 ticket=2",
		"flushed id=1 durable=2",
		"issued id=2 first=2",
		"written id=2 ticket=3 durable=2",
	};
	struct told *t = kunit_kzalloc(test, sizeof(*t), GFP_KERNEL);
	struct shard_dep before, own;
	u32 i;

	KUNIT_ASSERT_NOT_NULL(test, t);
	t->ops.flush = told_flush;
	t->fake = fake_backend_create(test, 64 * BLOCK, true, false);
	t->wb = shard_writeback_create(&t->fake->backend, &t->stats, &t->ops, t);
	KUNIT_ASSERT_NOT_NULL(test, t->wb);
	shard_dep_init(&before, t->wb);
	shard_dep_init(&own, t->wb);

	append(t, SHARD_QUEUE_HOST, 0, NULL, NULL);
	KUNIT_EXPECT_EQ(test, t->nr, 0u);
	t->ops.event = told_event;
	append(t, SHARD_QUEUE_HOST, 1, &before, NULL);
	append(t, SHARD_QUEUE_SUPER, 2, &own, &before);
	t->ops.event = NULL;
	append(t, SHARD_QUEUE_HOST, 3, NULL, NULL);

	KUNIT_EXPECT_EQ(test, t->nr, ARRAY_SIZE(lines));
	for (i = 0; i < min_t(u32, t->nr, ARRAY_SIZE(lines)); i++)
		KUNIT_EXPECT_STREQ(test, t->lines[i], lines[i]);
	shard_writeback_destroy(t->wb);
	fake_backend_destroy(t->fake);
}

/*
 * Goal: a failed append is told of, and a reset with its end.
 * Method: the device fails one of each.
 */
static void failures_are_told(struct kunit *test)
{
	static const char * const lines[] = {
		"append id=1 len=512",
		"issued id=1 first=1",
		"written id=1 error=-5",
		"reset offset=8192 len=4096",
		"was-reset offset=8192 len=4096 error=-5",
	};
	struct told *t = kunit_kzalloc(test, sizeof(*t), GFP_KERNEL);
	struct shard_reset reset = { .io = { .offset = 8192, .len = 4096 } };
	u32 i;

	KUNIT_ASSERT_NOT_NULL(test, t);
	t->ops.event = told_event;
	t->fake = fake_backend_create(test, 64 * BLOCK, true, false);
	t->wb = shard_writeback_create(&t->fake->backend, &t->stats, &t->ops, t);
	KUNIT_ASSERT_NOT_NULL(test, t->wb);
	fake_fail(t->fake, SHARD_IO_APPEND, -EIO, 1);
	fake_fail(t->fake, SHARD_IO_RESET, -EIO, 1);
	append(t, SHARD_QUEUE_HOST, 0, NULL, NULL);
	KUNIT_EXPECT_EQ(test, shard_writeback_reset_wait(t->wb, &reset, 1),
			-EIO);

	KUNIT_EXPECT_EQ(test, t->nr, ARRAY_SIZE(lines));
	for (i = 0; i < min_t(u32, t->nr, ARRAY_SIZE(lines)); i++)
		KUNIT_EXPECT_STREQ(test, t->lines[i], lines[i]);
	shard_writeback_destroy(t->wb);
	fake_backend_destroy(t->fake);
}

static void told_frame(void *ctx, u64 seq, u32 nr_entries, u32 nr_blocks,
		       u64 offset)
{
}

static void told_retired(void *ctx, u64 seq, int error)
{
}

static void told_checkpoint(void *ctx, u64 seq, u64 record, int error)
{
}

static void told_recovery(void *ctx, u64 first_seq, u64 last_seq, u32 frames,
			  int error)
{
}

/*
 * Goal: who listens to a device hears of its chunks and records, and nothing any
 * more once he has left, be it while an append is in flight.
 * Method: listen while it starts and writes a checkpoint; leave.
 */
static void a_device_tells_of_chunks_and_records(struct kunit *test)
{
	struct testdev *dev = testdev_create(test, true, false);
	struct told *t = kunit_kzalloc(test, sizeof(*t), GFP_KERNEL);
	struct testreq *req;
	u32 before;

	KUNIT_ASSERT_NOT_NULL(test, t);
	KUNIT_EXPECT_EQ(test, testdev_close(dev), 0);
	t->ops.flush = told_flush;
	t->ops.frame_issued = told_frame;
	t->ops.frame_retired = told_retired;
	t->ops.checkpoint = told_checkpoint;
	t->ops.recovery = told_recovery;
	t->ops.event = told_event;
	dev->options.trace = &t->ops;
	dev->options.ctx = t;
	dev->options.state_changed = NULL;
	dev->options.space_changed = NULL;
	KUNIT_ASSERT_EQ(test, testdev_open(dev), 0);
	KUNIT_EXPECT_EQ(test, testdev_write(dev, 1, 3, 1), 0);
	KUNIT_EXPECT_EQ(test, shard_device_checkpoint(dev->device), 0);
	KUNIT_EXPECT_GE(test, t->nr_kinds[SHARD_EVENT_CHUNKS], 4u);
	KUNIT_EXPECT_TRUE(test, t->whats & BIT(SHARDBLK_ENTRY_WRITE));
	KUNIT_EXPECT_TRUE(test, t->whats & BIT(SHARDBLK_ENTRY_RUN));
	KUNIT_EXPECT_TRUE(test, t->whats & BIT(SHARDBLK_ENTRY_MANIFEST));
	KUNIT_EXPECT_GE(test, t->nr_kinds[SHARD_EVENT_RECORD], 2u);
	dev->fake->mode[SHARD_IO_APPEND] = FAKE_HELD;
	req = testdev_start(dev, SHARD_WRITE, 5, 1, 1, false);
	shard_device_commit(dev->device);
	KUNIT_EXPECT_EQ(test, fake_nr_pending(dev->fake), 1u);
	before = t->nr_told;
	WRITE_ONCE(t->ops.event, NULL);
	fake_mode_set(dev->fake, FAKE_AT_ONCE);
	fake_release_all(dev->fake);
	KUNIT_EXPECT_EQ(test, testreq_wait(req), 0);
	KUNIT_EXPECT_EQ(test, t->nr_told, before);
	/* who has looked a moment ago may find nobody */
	shard_tracer_tell(&(struct shard_tracer){ .ops = &t->ops, .ctx = t },
			  &(struct shard_event){ .kind = SHARD_EVENT_RECORD });
	KUNIT_EXPECT_EQ(test, t->nr_told, before);
	testdev_destroy(dev);
}

static struct kunit_case event_cases[] = {
	KUNIT_CASE(an_event_is_a_line),
	KUNIT_CASE(no_line_is_cut),
	KUNIT_CASE(a_ring_keeps_the_last),
	KUNIT_CASE(without_memory_there_is_no_ring),
	KUNIT_CASE(writeback_tells_the_graph),
	KUNIT_CASE(failures_are_told),
	KUNIT_CASE(a_device_tells_of_chunks_and_records),
	{}
};

static struct kunit_suite event_suite = {
	.name = "shardblk-event",
	.test_cases = event_cases,
};

kunit_test_suites(&event_suite);
