// SPDX-License-Identifier: GPL-2.0-only
/* What is encoded is decoded to the same, and nothing beside it is touched. */
#include "../proof.h"
#include "codec.c"

static bool same_extent(const struct shard_item *a, const struct shard_item *b)
{
	return a->extent.stream == b->extent.stream &&
	       a->extent.bad == b->extent.bad &&
	       a->extent.extent == b->extent.extent &&
	       a->extent.generation == b->extent.generation &&
	       a->extent.written == b->extent.written &&
	       a->extent.live == b->extent.live && a->extent.seq == b->extent.seq;
}

static bool same_run(const struct shard_item *a, const struct shard_item *b)
{
	return a->run.height == b->run.height && a->run.stream == b->run.stream &&
	       a->run.nr_pages == b->run.nr_pages &&
	       a->run.run_id == b->run.run_id &&
	       a->run.nr_entries == b->run.nr_entries &&
	       a->run.nr_chunks == b->run.nr_chunks &&
	       a->run.root_csum == b->run.root_csum;
}

static bool same_chunk(const struct shard_item *a, const struct shard_item *b)
{
	return a->chunk.place.extent == b->chunk.place.extent &&
	       a->chunk.place.generation == b->chunk.place.generation &&
	       a->chunk.place.block == b->chunk.place.block &&
	       a->chunk.nr_blocks == b->chunk.nr_blocks;
}

/* What manifest.c encodes. */
static void assume_valid(const struct shard_item *item)
{
	switch (item->kind) {
	case SHARDBLK_ITEM_EXTENT:
		ASSUME(item->extent.stream < SHARDBLK_STREAM_SUPER);
		break;
	case SHARDBLK_ITEM_RUN:
		ASSUME(item->run.height && item->run.nr_pages);
		ASSUME(item->run.stream == SHARDBLK_STREAM_INDEX ||
		       item->run.stream == SHARDBLK_STREAM_MERGE);
		break;
	case SHARDBLK_ITEM_CHUNK:
		ASSUME(item->chunk.nr_blocks);
		break;
	default:
		ASSUME(false);
	}
}

int main(void)
{
	u8 block[BLOCK], before, after;
	struct shard_item from, to;
	u32 idx, other, at;
	int err;

	ASSUME(idx < shard_items_max(BLOCK) && other < BLOCK);
	at = sizeof(struct shardblk_manifest) + idx * SHARDBLK_ITEM_SIZE;
	ASSUME(other < at || other >= at + SHARDBLK_ITEM_SIZE);
	if (from.kind == SHARDBLK_ITEM_EXTENT)
		from.extent.bad = nondet_bool();
	assume_valid(&from);
	before = block[other];
	shard_item_encode(&from, block, idx);
	after = block[other];
	err = shard_item_decode(block, idx, &to);
	PROVE(!err && from.kind == to.kind, "what is encoded is right");
	PROVE(from.kind != SHARDBLK_ITEM_EXTENT || same_extent(&from, &to),
	      "an extent is the same");
	PROVE(from.kind != SHARDBLK_ITEM_RUN || same_run(&from, &to),
	      "a run is the same");
	PROVE(from.kind != SHARDBLK_ITEM_CHUNK || same_chunk(&from, &to),
	      "a chunk is the same");
	PROVE(before == after, "other items are as they were");
	REACHED(from.kind == SHARDBLK_ITEM_EXTENT && from.extent.bad, "a bad extent");
	REACHED(from.kind == SHARDBLK_ITEM_RUN, "a run");
	REACHED(from.kind == SHARDBLK_ITEM_CHUNK, "a chunk");
	return 0;
}
