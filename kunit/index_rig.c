// SPDX-License-Identifier: GPL-2.0-only
/*
 * An index over a rig; see index_rig.h.
 */
#include <kunit/test.h>

#include "index_rig.h"
#include "../kmod/core/checkpoint.h"

#define HOST	SHARDBLK_STREAM_HOST

static void freed(void *ctx)
{
	struct index_rig *f = ctx;

	f->nr_freed++;
	wake_up_all(&f->rig->store.changed);
}

int index_rig_begin(struct kunit *test, u32 cache_pages)
{
	struct index_rig *f = kunit_kzalloc(test, sizeof(*f), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, f);
	test->priv = f;
	f->test = test;
	f->rig = rig_create(test, 512);
	f->index = shard_index_create(&f->rig->store, 64, cache_pages);
	KUNIT_ASSERT_NOT_NULL(test, f->index);
	shard_index_on_free(f->index, freed, f);
	rig_open(test, f->rig, HOST);
	return 0;
}

int index_rig_init(struct kunit *test)
{
	return index_rig_begin(test, 2);
}

void index_rig_exit(struct kunit *test)
{
	struct index_rig *f = test->priv;

	shard_index_destroy(f->index);
	rig_destroy(f->rig);
}

void index_put(struct index_rig *f, u64 lba, u32 csum)
{
	struct shard_range range = {
		.lba = lba, .nr_blocks = 1, .mapped = true, .csums = &csum,
	};

	if (!shard_extents_room(f->rig->store.ex, HOST))
		rig_open(f->test, f->rig, HOST);
	KUNIT_ASSERT_TRUE(f->test, shard_extents_place(f->rig->store.ex, HOST,
						       1, ++f->seq,
						       &range.place));
	shard_index_insert(f->index, &range);
}

void index_punch(struct index_rig *f, u64 lba, u32 nr)
{
	struct shard_range range = { .lba = lba, .nr_blocks = nr };

	f->seq++;
	shard_index_insert(f->index, &range);
}

u32 index_look_in(struct index_rig *f, struct shard_version *v, u64 lba)
{
	struct shard_block_map m = {};

	KUNIT_EXPECT_EQ(f->test, shard_index_lookup(f->index, v, lba, 1, &m,
						    true), 0);
	KUNIT_EXPECT_TRUE(f->test, m.known);
	return m.mapped ? m.csum : 0;
}

u32 index_look(struct index_rig *f, u64 lba)
{
	struct shard_version *v = shard_index_hold(f->index);
	u32 csum = index_look_in(f, v, lba);

	shard_index_put(f->index, v);
	return csum;
}

void index_freeze(struct index_rig *f)
{
	KUNIT_ASSERT_EQ(f->test, shard_index_prepare(f->index), 0);
	shard_index_freeze(f->index);
}

int index_checkpoint(struct index_rig *f)
{
	struct shard_log_start from = { .seq = f->seq };
	struct shard_place tail;

	if (!shard_index_is_frozen(f->index))
		index_freeze(f);
	shard_extents_tail(f->rig->store.ex, HOST, &tail);
	from.place = tail;
	return shard_checkpoint_write(&f->rig->store, f->index, &from);
}

u32 index_try_bad(struct index_rig *f)
{
	u32 nr = shard_extents_nr_bad(f->rig->store.ex), i;

	for (i = 0; i < RIG_EXTENTS; i++)
		shard_extent_try(f->rig->store.ex, i);
	return nr;
}

u32 index_nr_runs(struct index_rig *f)
{
	struct shard_runs runs;

	shard_index_runs(f->index, &runs);
	return runs.nr;
}

struct shard_run *index_run(struct index_rig *f, u32 idx)
{
	struct shard_runs runs;

	shard_index_runs(f->index, &runs);
	KUNIT_ASSERT_LT(f->test, idx, runs.nr);
	return runs.run[idx];
}

void index_uncache(struct shard_index *index)
{
	struct shard_cache *cache = shard_index_cache(index);
	static const u8 other[512];

	/* one page is never given back: a leaf of another run, if that is the newest */
	shard_cache_add(cache, 0, 0, other);
	shard_cache_shrink(cache, ULONG_MAX);
}

void index_expect_counts(struct index_rig *f)
{
	struct kunit *test = f->test;
	u32 *live = kunit_kzalloc(test, RIG_EXTENTS * sizeof(*live), GFP_KERNEL);
	struct shard_block_map map;
	u32 i, k;

	KUNIT_ASSERT_NOT_NULL(test, live);
	for (i = 0; i < index_nr_runs(f); i++) {
		const struct shard_run *run = index_run(f, i);

		for (k = 0; k < run->nr_chunks; k++)
			live[run->chunks[k].place.extent] +=
				run->chunks[k].nr_blocks;
	}
	for (i = 0; i < RIG_LOGICAL_BLOCKS; i++) {
		KUNIT_ASSERT_EQ(test, shard_index_lookup_runs(f->index, i, 1,
							      &map), 0);
		if (map.mapped)
			live[map.block / RIG_EXTENT_BLOCKS]++;
	}
	for (i = SHARDBLK_SUPER_EXTENTS; i < RIG_EXTENTS; i++) {
		struct shard_extent e;

		shard_extent_get(f->rig->store.ex, i, &e);
		if (e.state != SHARD_EXTENT_FREE &&
		    !(BIT(e.stream) & SHARD_META_STREAMS))
			KUNIT_EXPECT_EQ_MSG(test, e.live, live[i],
					    "extent %u", i);
	}
}
