// SPDX-License-Identifier: GPL-2.0-only
/*
 * The engine up to row 3 on a fake device; see rig.h.
 */
#include <kunit/test.h>

#include "rig.h"

static void rig_assigned(void *ctx)
{
	struct rig *rig = ctx;

	rig->nr_assigned++;
	wake_up_all(&rig->store.changed);
}

static void rig_failed(void *ctx, int error)
{
	struct rig *rig = ctx;

	rig->failed = error;
	WRITE_ONCE(rig->store.dead, true);
	wake_up_all(&rig->store.changed);
}

static const struct shard_super_ops rig_ops = {
	.assigned = rig_assigned,
	.failed = rig_failed,
};

static void rig_record(struct rig *rig, u32 block_size)
{
	struct shard_super_record *r = rig->record;

	memset(r->format_id, 0x5a, sizeof(r->format_id));
	r->block_size = block_size;
	r->extent_blocks = RIG_EXTENT_BLOCKS;
	r->nr_extents = RIG_EXTENTS;
	r->logical_blocks = RIG_LOGICAL_BLOCKS;
	r->checkpoint_blocks = 1000;
	r->reloc_streams = 1;
}

struct rig *rig_create(struct kunit *test, u32 block_size)
{
	struct shard_super_head heads[SHARDBLK_SUPER_COPIES] = {
		{ .extent = 0 }, { .extent = 1 },
	};
	struct rig *rig = kunit_kzalloc(test, sizeof(*rig), GFP_KERNEL);
	struct shard_store *store;

	KUNIT_ASSERT_NOT_NULL(test, rig);
	rig->record = kunit_kzalloc(test, sizeof(*rig->record), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, rig->record);
	rig_record(rig, block_size);
	rig->fake = fake_backend_create(test, (u64)block_size *
					RIG_EXTENT_BLOCKS * RIG_EXTENTS,
					true, false);
	rig->layout.block_size = block_size;
	rig->layout.extent_blocks = RIG_EXTENT_BLOCKS;
	rig->layout.nr_extents = RIG_EXTENTS;
	rig->layout.logical_blocks = RIG_LOGICAL_BLOCKS;
	KUNIT_ASSERT_GE(test, shard_layout_make(&rig->layout),
			(u64)RIG_LOGICAL_BLOCKS);
	store = &rig->store;
	store->stats = &rig->stats;
	store->seed = shard_seed(rig->record->format_id);
	store->block_size = block_size;
	store->extent_blocks = RIG_EXTENT_BLOCKS;
	store->frame_blocks = RIG_EXTENT_BLOCKS - 1;
	init_waitqueue_head(&store->changed);
	store->wb = shard_writeback_create(&rig->fake->backend, &rig->stats,
					   NULL, NULL);
	KUNIT_ASSERT_NOT_NULL(test, store->wb);
	shard_writeback_set(store->wb, block_size, SHARD_QUEUE_DEPTH, 0);
	store->ex = shard_extents_create(&rig->layout);
	KUNIT_ASSERT_NOT_NULL(test, store->ex);
	store->super = shard_super_create(store->wb, store->ex, &rig->stats,
					  rig->record, heads, &rig_ops, rig);
	KUNIT_ASSERT_NOT_NULL(test, store->super);
	return rig;
}

void rig_destroy(struct rig *rig)
{
	shard_super_destroy(rig->store.super);
	shard_extents_destroy(rig->store.ex);
	shard_writeback_destroy(rig->store.wb);
	fake_backend_destroy(rig->fake);
}

void rig_open(struct kunit *test, struct rig *rig, u32 stream)
{
	struct shard_publish wish = {};

	shard_extents_want(rig->store.ex, stream, true);
	KUNIT_ASSERT_EQ(test, shard_super_publish(rig->store.super, &wish), 0);
	shard_extents_want(rig->store.ex, stream, false);
	KUNIT_ASSERT_TRUE(test, shard_extents_next(rig->store.ex, stream));
}
