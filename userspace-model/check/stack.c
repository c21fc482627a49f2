// SPDX-License-Identifier: GPL-2.0-only
/*
 * The lower layers on a disk of their own.
 */
#include "stack.h"

#define STACK_SEED	0x12345678

void stack_begin(struct stack *s, struct world *w, u32 block_size,
		 u32 extent_blocks, u32 nr_extents)
{
	struct sim_disk_config disk = {
		.capacity = (u64)nr_extents * extent_blocks * block_size,
		.block_size = block_size,
		.volatile_cache = true,
	};

	memset(s, 0, sizeof(*s));
	world_disk(w, &disk);
	s->layout = (struct shard_layout){
		.block_size = block_size, .extent_blocks = extent_blocks,
		.nr_extents = nr_extents, .logical_blocks = 1,
	};
	if (!shard_layout_make(&s->layout))
		kapi_fail("no layout");
	/* numbers of blocks may be large: nothing here holds their data */
	s->layout.logical_blocks = 1ull << 34;
	s->store.ex = shard_extents_create(&s->layout);
	s->store.wb = shard_writeback_create(&w->disk->backend, &s->stats,
					     NULL, NULL);
	s->store.stats = &s->stats;
	s->store.seed = STACK_SEED;
	s->store.block_size = block_size;
	s->store.extent_blocks = extent_blocks;
	s->store.frame_blocks = min(extent_blocks - 1,
				    SHARDBLK_FRAME_PAYLOAD_MAX);
	init_waitqueue_head(&s->store.changed);
}

void stack_end(struct stack *s)
{
	shard_writeback_destroy(s->store.wb);
	shard_extents_destroy(s->store.ex);
}

u32 stack_open(struct stack *s, u32 stream)
{
	u32 nr;

	shard_extents_want(s->store.ex, stream, true);
	if (shard_extents_pick(s->store.ex, U32_MAX, false, &nr, 1) != 1)
		kapi_fail("no extent is free");
	shard_extents_want(s->store.ex, stream, false);
	shard_extent_ready(s->store.ex, nr);
	if (!shard_extents_next(s->store.ex, stream))
		kapi_fail("no extent is ready");
	return nr;
}
