// SPDX-License-Identifier: GPL-2.0-only
/*
 * Superblock: records, their two copies, and what happens once they are
 * durable.
 */
#include <kunit/test.h>

#include "alloc_fault.h"
#include "rig.h"

#define BLOCK	512u
#define HOST	SHARDBLK_STREAM_HOST
#define INDEX	SHARDBLK_STREAM_INDEX

static int super_init(struct kunit *test)
{
	test->priv = rig_create(test, BLOCK);
	return 0;
}

static void super_exit(struct kunit *test)
{
	rig_destroy(test->priv);
}

static int publish(struct rig *rig, struct shard_publish *wish)
{
	struct shard_publish plain = {};

	return shard_super_publish(rig->store.super, wish ? wish : &plain);
}

/* Reads a record from the medium. */
static int record_read(struct kunit *test, struct rig *rig, u32 extent,
		       u32 block, struct shard_super_record *r)
{
	const struct shard_place place = { .extent = extent, .block = block };

	return shard_super_decode(rig->fake->media +
				  shard_store_offset(&rig->store, extent, block),
				  BLOCK, &place, r);
}

static struct shard_super_record *record_alloc(struct kunit *test)
{
	struct shard_super_record *r =
		kunit_kzalloc(test, sizeof(*r), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, r);
	return r;
}

/* For tests that watch a publication while it is under way. */
struct publisher {
	struct work_struct work;
	struct workqueue_struct *wq;
	struct rig *rig;
	struct shard_publish wish;
	int error;
	bool done;
};

static void publisher_work(struct work_struct *work)
{
	struct publisher *p = container_of(work, struct publisher, work);

	p->error = shard_super_publish(p->rig->store.super, &p->wish);
	WRITE_ONCE(p->done, true);
}

static struct publisher *publisher_start(struct kunit *test, struct rig *rig,
					 struct shard_dep *after)
{
	struct publisher *p = kunit_kzalloc(test, sizeof(*p), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, p);
	p->rig = rig;
	p->wish.after = after;
	p->wq = alloc_workqueue("shardblk-publisher", WQ_UNBOUND, 1);
	KUNIT_ASSERT_NOT_NULL(test, p->wq);
	INIT_WORK(&p->work, publisher_work);
	queue_work(p->wq, &p->work);
	return p;
}

static int publisher_end(struct publisher *p)
{
	flush_work(&p->work);
	destroy_workqueue(p->wq);
	return p->error;
}

/*
 * Goal: a record is written in two copies, each in its own extent, and says
 * what it was told.
 * Method: publish; read both copies back.
 */
static void a_record_is_written_in_two_copies(struct kunit *test)
{
	struct shard_super_record *r = record_alloc(test);
	struct rig *rig = test->priv;
	u32 copy;

	KUNIT_EXPECT_EQ(test, shard_super_number(rig->store.super), 0ull);
	KUNIT_EXPECT_EQ(test, publish(rig, NULL), 0);
	KUNIT_EXPECT_EQ(test, shard_super_number(rig->store.super), 1ull);
	for (copy = 0; copy < SHARDBLK_SUPER_COPIES; copy++) {
		KUNIT_ASSERT_EQ(test, record_read(test, rig, copy, 0, r), 0);
		KUNIT_EXPECT_EQ(test, r->number, 1ull);
		KUNIT_EXPECT_EQ(test, r->nr_extents, (u32)RIG_EXTENTS);
		KUNIT_EXPECT_EQ(test, memcmp(r->format_id,
					     rig->record->format_id, 16), 0);
	}
	KUNIT_EXPECT_EQ(test, rig_stat(rig, super_writes), 2ull);
	KUNIT_EXPECT_EQ(test, rig_stat(rig, records), 1ull);
}

/*
 * Goal: the second copy is written after the first is durable (O10), and no
 * one is told before both are.
 * Method: hold the device back and release one operation after the other.
 */
static void the_second_copy_follows_the_first_one_durable(struct kunit *test)
{
	static const enum shard_io_op order[] = {
		SHARD_IO_APPEND, SHARD_IO_FLUSH, SHARD_IO_APPEND, SHARD_IO_FLUSH,
	};
	struct rig *rig = test->priv;
	struct publisher *p;
	u32 i;

	fake_mode_set(rig->fake, FAKE_HELD);
	p = publisher_start(test, rig, NULL);
	for (i = 0; i < ARRAY_SIZE(order); i++) {
		fake_wait_pending(rig->fake, 1);
		KUNIT_EXPECT_EQ(test, fake_nr_pending(rig->fake), 1u);
		KUNIT_EXPECT_EQ(test, rig->fake->log[i].op, order[i]);
		KUNIT_EXPECT_FALSE(test, READ_ONCE(p->done));
		fake_release(rig->fake, 1);
	}
	KUNIT_EXPECT_EQ(test, publisher_end(p), 0);
	KUNIT_EXPECT_LT(test, rig->fake->log[0].offset,
			rig->fake->log[2].offset);
}

static void chunk_done(struct shard_append *append)
{
}

/*
 * Goal: no record before what it needs is durable (O4).
 * Method: hold an append that the wish comes after.
 */
static void a_record_waits_for_what_it_needs(struct kunit *test)
{
	struct rig *rig = test->priv;
	struct shard_append *append;
	struct shard_dep needed;
	struct publisher *p;

	append = kunit_kzalloc(test, sizeof(*append), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, append);
	append->offset = shard_store_offset(&rig->store, 10, 0);
	append->seg.addr = rig->fake->media;
	append->seg.len = BLOCK;
	append->dep = &needed;
	append->done = chunk_done;
	shard_dep_init(&needed, rig->store.wb);
	fake_mode_set(rig->fake, FAKE_HELD);
	shard_append(rig->store.wb, SHARD_QUEUE_INDEX, append);
	p = publisher_start(test, rig, &needed);
	/* the writer sleeps on the dependency; a flush needs the append first */
	fake_release(rig->fake, 1);
	fake_wait_pending(rig->fake, 1);
	KUNIT_EXPECT_EQ(test, rig->fake->nr[SHARD_IO_APPEND], 1ull);
	KUNIT_EXPECT_EQ(test, rig->fake->log[1].op, SHARD_IO_FLUSH);
	fake_mode_set(rig->fake, FAKE_AT_ONCE);
	fake_release(rig->fake, 1);
	KUNIT_EXPECT_EQ(test, publisher_end(p), 0);
	KUNIT_EXPECT_EQ(test, rig->fake->nr[SHARD_IO_APPEND], 3ull);
}

/*
 * Goal: a wish whose needs failed gets their error, nothing is written, and
 * the superblock lives on.
 * Method: a dependency that failed; then a plain wish.
 */
static void a_wish_whose_needs_failed_is_refused(struct kunit *test)
{
	struct rig *rig = test->priv;
	struct shard_publish wish = {};
	struct shard_dep failed;

	shard_dep_init(&failed, rig->store.wb);
	failed.error = -EREMOTEIO;
	wish.after = &failed;
	KUNIT_EXPECT_EQ(test, publish(rig, &wish), -EREMOTEIO);
	KUNIT_EXPECT_EQ(test, rig->fake->nr[SHARD_IO_APPEND], 0ull);
	KUNIT_EXPECT_EQ(test, rig->failed, 0);
	KUNIT_EXPECT_EQ(test, publish(rig, NULL), 0);
}

/*
 * Goal: extents are assigned by a durable record, then reset, then ready (O5).
 * Method: want some on two streams; look at the record and the operations.
 */
static void extents_are_ready_after_a_record_and_a_reset(struct kunit *test)
{
	struct shard_super_record *r = record_alloc(test);
	struct rig *rig = test->priv;
	u32 i;

	shard_extents_stock(rig->store.ex, HOST, 2, 2);
	shard_extents_want(rig->store.ex, INDEX, true);
	KUNIT_EXPECT_EQ(test, publish(rig, NULL), 0);
	KUNIT_EXPECT_EQ(test, rig->nr_assigned, 1u);
	KUNIT_ASSERT_EQ(test, record_read(test, rig, 1, 0, r), 0);
	KUNIT_EXPECT_EQ(test, r->nr_log, 2);
	KUNIT_EXPECT_EQ(test, r->nr_assigned, 1);
	KUNIT_EXPECT_EQ(test, rig->fake->nr[SHARD_IO_RESET], 3ull);
	for (i = 0; i < 4; i++)
		KUNIT_EXPECT_NE(test, rig->fake->log[i].op, SHARD_IO_RESET);
	KUNIT_EXPECT_TRUE(test, shard_extents_next(rig->store.ex, HOST));
	KUNIT_EXPECT_TRUE(test, shard_extents_next(rig->store.ex, HOST));
	KUNIT_EXPECT_TRUE(test, shard_extents_next(rig->store.ex, INDEX));
	KUNIT_EXPECT_EQ(test, rig_stat(rig, extents_opened), 3ull);
}

/*
 * Goal: nobody need wait for an assignment: asking for it is enough.
 * Method: ask, then wait to be told.
 */
static void extents_can_be_assigned_in_the_background(struct kunit *test)
{
	struct rig *rig = test->priv;

	/* nothing wanted: no record */
	shard_super_assign(rig->store.super);
	shard_extents_want(rig->store.ex, INDEX, true);
	shard_super_assign(rig->store.super);
	wait_event(rig->store.changed,
		   shard_extents_next(rig->store.ex, INDEX));
	/* a second one if the first question was heard after the wish */
	KUNIT_EXPECT_LE(test, shard_super_number(rig->store.super), 2ull);
}

/*
 * Goal: a new root is in the record, and in those after it.
 * Method: publish one, then a plain record.
 */
static void a_root_stays_in_later_records(struct kunit *test)
{
	struct shard_super_record *r = record_alloc(test);
	struct rig *rig = test->priv;
	struct shard_publish wish = { .root = true, .from.seq = 50 };
	u32 copy;

	for (copy = 0; copy < SHARDBLK_MANIFEST_COPIES; copy++) {
		wish.manifest[copy].place.extent = 20 + copy;
		wish.manifest[copy].place.generation = 1;
		wish.manifest[copy].place.block = 1;
		wish.manifest[copy].nr_blocks = 3;
		wish.manifest[copy].csum = 5 + copy;
	}
	KUNIT_EXPECT_EQ(test, publish(rig, &wish), 0);
	KUNIT_EXPECT_EQ(test, shard_super_checkpoint_seq(rig->store.super),
			50ull);
	shard_super_durable(rig->store.super, 70);
	shard_super_durable(rig->store.super, 60);
	KUNIT_EXPECT_EQ(test, publish(rig, NULL), 0);
	KUNIT_ASSERT_EQ(test, record_read(test, rig, 0, 1, r), 0);
	KUNIT_EXPECT_EQ(test, r->number, 2ull);
	KUNIT_EXPECT_EQ(test, r->checkpoint_seq, 50ull);
	KUNIT_EXPECT_EQ(test, r->durable_seq, 70ull);
	KUNIT_EXPECT_EQ(test, r->manifest[1].place.extent, 21u);
	KUNIT_EXPECT_EQ(test, r->manifest[0].nr_blocks, 3u);
	KUNIT_EXPECT_EQ(test, r->manifest[1].csum, 6u);
}

/*
 * Goal: a copy fills its two extents in turn, resetting the one that it goes
 * over to; the newest record is always there in both copies (O6).
 * Method: as many records as fill an extent five times.
 */
static void copies_go_back_and_forth_between_their_extents(struct kunit *test)
{
	struct shard_super_record *r = record_alloc(test);
	struct rig *rig = test->priv;
	u32 n, blocks = shard_super_blocks(RIG_EXTENT_BLOCKS);

	KUNIT_EXPECT_EQ(test, blocks, (u32)RIG_EXTENT_BLOCKS);
	for (n = 0; n < 5 * blocks; n++) {
		u32 turn = n / blocks % 2 * SHARDBLK_SUPER_COPIES, copy;

		KUNIT_ASSERT_EQ(test, publish(rig, NULL), 0);
		for (copy = 0; copy < SHARDBLK_SUPER_COPIES; copy++) {
			KUNIT_ASSERT_EQ(test, record_read(test, rig, turn + copy,
							  n % blocks, r), 0);
			KUNIT_EXPECT_EQ(test, r->number, (u64)n + 1);
		}
	}
	KUNIT_EXPECT_EQ(test, rig->fake->nr[SHARD_IO_RESET], 2ull * 4);
	KUNIT_EXPECT_EQ(test, shard_super_blocks(1024),
			(u32)SHARDBLK_SUPER_BLOCKS);
}

/*
 * Goal: of a superblock extent that could not be read nothing stays that may
 * be a record, also if it is the one in use, and records go on elsewhere (O8).
 * Method: leftovers in both extents of a copy; wipe both, the one in use too.
 */
static void a_wiped_extent_has_no_old_records(struct kunit *test)
{
	struct shard_super_record *r = record_alloc(test);
	struct rig *rig = test->priv;
	u32 len = RIG_EXTENT_BLOCKS * BLOCK, extent;
	void *zeros = kunit_kzalloc(test, len, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, zeros);
	KUNIT_EXPECT_EQ(test, publish(rig, NULL), 0);
	for (extent = 0; extent <= 2; extent += 2) {
		u32 used = extent ? 0 : 1;
		u8 *rest = rig->fake->media +
			   shard_store_offset(&rig->store, extent, used);

		memset(rest, 0x5a, len - used * BLOCK);
		KUNIT_EXPECT_EQ(test, shard_super_wipe(rig->store.super, extent,
						       zeros, len), 0);
		KUNIT_EXPECT_NULL(test, memchr_inv(rest, 0, len - used * BLOCK));
	}
	KUNIT_EXPECT_EQ(test, record_read(test, rig, 0, 0, r), 0);
	KUNIT_EXPECT_EQ(test, publish(rig, NULL), 0);
	KUNIT_EXPECT_EQ(test, record_read(test, rig, 0, 0, r), 0);
	KUNIT_EXPECT_EQ(test, r->number, 1ull);
	KUNIT_EXPECT_EQ(test, record_read(test, rig, 2, 0, r), 0);
	KUNIT_EXPECT_EQ(test, r->number, 2ull);
}

/*
 * Goal: one failing write of a copy is made good in its other extent (O1).
 * Method: fail the first write of a record.
 */
static void a_failed_copy_goes_to_its_other_extent(struct kunit *test)
{
	struct shard_super_record *r = record_alloc(test);
	struct rig *rig = test->priv;

	fake_fail(rig->fake, SHARD_IO_APPEND, -EIO, 1);
	KUNIT_EXPECT_EQ(test, publish(rig, NULL), 0);
	KUNIT_EXPECT_EQ(test, record_read(test, rig, 0, 0, r), -ENODATA);
	KUNIT_EXPECT_EQ(test, record_read(test, rig, 2, 0, r), 0);
	KUNIT_EXPECT_EQ(test, record_read(test, rig, 1, 0, r), 0);
	KUNIT_EXPECT_EQ(test, rig->failed, 0);
}

/*
 * Goal: a superblock that cannot be written says so, once and for good.
 * Method: all writes fail, then the device is healed.
 */
static void an_unwritable_superblock_ends_all_records(struct kunit *test)
{
	struct rig *rig = test->priv;

	fake_fail(rig->fake, SHARD_IO_APPEND, -EIO, 0);
	KUNIT_EXPECT_EQ(test, publish(rig, NULL), -EIO);
	KUNIT_EXPECT_EQ(test, rig->failed, -EIO);
	fake_heal(rig->fake);
	fake_counts_clear(rig->fake);
	KUNIT_EXPECT_EQ(test, publish(rig, NULL), -EIO);
	KUNIT_EXPECT_EQ(test, rig->fake->nr[SHARD_IO_APPEND], 0ull);
	KUNIT_EXPECT_EQ(test, rig_stat(rig, records), 0ull);
}

/*
 * Goal: a failed flush ends the superblock: whether a record is durable can
 * not be known any more (O3).
 * Method: the flush behind the first copy fails.
 */
static void a_failed_flush_ends_all_records(struct kunit *test)
{
	struct rig *rig = test->priv;

	fake_fail(rig->fake, SHARD_IO_FLUSH, -EIO, 1);
	KUNIT_EXPECT_EQ(test, publish(rig, NULL), -EIO);
	KUNIT_EXPECT_EQ(test, rig->failed, -EIO);
	KUNIT_EXPECT_EQ(test, publish(rig, NULL), -EIO);
}

/*
 * Goal: an extent that cannot be reset is bad, and others take its place; when
 * none can, it is not the extents, and no record follows (O5).
 * Method: one reset fails, then all.
 */
static void an_extent_that_cannot_be_reset_is_not_ready(struct kunit *test)
{
	struct rig *rig = test->priv;

	shard_extents_want(rig->store.ex, HOST, true);
	fake_fail(rig->fake, SHARD_IO_RESET, -EIO, 1);
	KUNIT_EXPECT_EQ(test, publish(rig, NULL), 0);
	KUNIT_EXPECT_EQ(test, shard_extents_nr_bad(rig->store.ex), 1u);
	wait_event(rig->store.changed,
		   shard_extents_next(rig->store.ex, HOST));
	KUNIT_EXPECT_EQ(test, rig->failed, 0);
	fake_fail(rig->fake, SHARD_IO_RESET, -EIO, 0);
	shard_extents_stock(rig->store.ex, HOST, 10, 10);
	KUNIT_EXPECT_EQ(test, publish(rig, NULL), -EIO);
	KUNIT_EXPECT_FALSE(test, shard_extents_next(rig->store.ex, HOST));
	KUNIT_EXPECT_LT(test, shard_extents_nr_bad(rig->store.ex), 5u);
	KUNIT_EXPECT_EQ(test, rig->failed, -EIO);
}

/*
 * Goal: what is left in a record for more extents is known.
 * Method: fill it with assigned extents.
 */
static void the_room_in_a_record_is_known(struct kunit *test)
{
	struct rig *rig = test->priv;
	u32 max = shard_super_extents_max(BLOCK);

	KUNIT_EXPECT_EQ(test, shard_super_room(rig->store.super), max);
	shard_extents_stock(rig->store.ex, HOST, 10, 10);
	KUNIT_EXPECT_EQ(test, publish(rig, NULL), 0);
	KUNIT_EXPECT_EQ(test, shard_super_room(rig->store.super), max - 10);
}

/*
 * Goal: without memory there is no superblock, and nothing leaks.
 * Method: let each allocation fail in turn.
 */
static void without_memory_there_is_no_superblock(struct kunit *test)
{
	static const struct shard_super_ops no_ops;
	struct shard_super_head heads[SHARDBLK_SUPER_COPIES] = {};
	struct rig *rig = test->priv;
	struct shard_super *super;
	bool struck;
	u32 n;

	for (n = 1; n < ALLOC_FAULT_MAX; n++) {
		alloc_fault_arm(n);
		super = shard_super_create(rig->store.wb, rig->store.ex,
					   &rig->stats, rig->record, heads,
					   &no_ops, NULL);
		struck = alloc_fault_disarm();
		shard_super_destroy(super);
		if (!struck)
			break;
	}
	KUNIT_EXPECT_NOT_NULL(test, super);
}

static struct kunit_case super_cases[] = {
	KUNIT_CASE(a_record_is_written_in_two_copies),
	KUNIT_CASE(the_second_copy_follows_the_first_one_durable),
	KUNIT_CASE(a_record_waits_for_what_it_needs),
	KUNIT_CASE(a_wish_whose_needs_failed_is_refused),
	KUNIT_CASE(extents_are_ready_after_a_record_and_a_reset),
	KUNIT_CASE(extents_can_be_assigned_in_the_background),
	KUNIT_CASE(a_root_stays_in_later_records),
	KUNIT_CASE(copies_go_back_and_forth_between_their_extents),
	KUNIT_CASE(a_wiped_extent_has_no_old_records),
	KUNIT_CASE(a_failed_copy_goes_to_its_other_extent),
	KUNIT_CASE(an_unwritable_superblock_ends_all_records),
	KUNIT_CASE(a_failed_flush_ends_all_records),
	KUNIT_CASE(an_extent_that_cannot_be_reset_is_not_ready),
	KUNIT_CASE(the_room_in_a_record_is_known),
	KUNIT_CASE(without_memory_there_is_no_superblock),
	{}
};

static struct kunit_suite super_suite = {
	.name = "shardblk-super",
	.init = super_init,
	.exit = super_exit,
	.test_cases = super_cases,
};

kunit_test_suites(&super_suite);
