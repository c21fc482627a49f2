// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the medium says about itself, for the oracle of silent faults.
 *
 * Frames are looked for at every block, each at its own place, of whatever
 * generation: what an older life of an extent said was durable was so.
 */
#include "extent.h"
#include "shardblk_format.h"
#include "sweep.h"

/* The frame at a block of the medium, and where it lies. */
struct found_frame {
	struct shard_frame_header header;
	struct shard_place place;
};

static u64 block_offset(struct world *w, const struct shard_place *place)
{
	return ((u64)place->extent * w->info.extent_blocks + place->block) *
	       w->info.block_size;
}

static bool frame_decode(struct world *w, const void *block,
			 const struct shard_place *place,
			 struct found_frame *found)
{
	const struct shardblk_frame *d = block;

	found->place = *place;
	found->place.generation = le32_to_cpu(d->place.generation);
	return !shard_frame_decode(block, w->info.block_size,
				   shard_seed(w->info.format_id),
				   &found->place, &found->header);
}

static bool frame_at(struct world *w, const struct shard_place *place,
		     struct found_frame *found)
{
	u8 block[SHARDBLK_BLOCK_SIZE_MAX] __aligned(8);

	sim_disk_peek(w->disk, block_offset(w, place), block,
		      w->info.block_size);
	return frame_decode(w, block, place, found);
}

static void hit_frame(struct sweep_hit *hit, const struct shard_frame_header *h)
{
	u32 i, k;

	switch (h->stream) {
	case SHARDBLK_STREAM_HOST:
		hit->first_seq = min(hit->first_seq, h->seq);
		hit->last_seq = max(hit->last_seq,
				    h->seq + h->nr_entries - 1);
		for (i = 0; i < h->nr_entries; i++)
			for (k = 0; k < h->entries[i].nr_blocks; k++)
				hit->blocks[h->entries[i].lba + k] = true;
		break;
	case SHARDBLK_STREAM_INDEX:
	case SHARDBLK_STREAM_MERGE:
		hit->index = true;
		break;
	default:
		hit->meta |= BIT(h->stream - SHARDBLK_STREAM_META0);
	}
}

/* Appends that lie behind one another may have been merged into one. */
void sweep_hit_append(struct world *w, struct sweep_hit *hit)
{
	const struct sim_strike *strike = &w->disk->strike;
	u64 at = strike->offset / w->info.block_size;
	struct shard_place place = {
		.extent = at / w->info.extent_blocks,
		.block = at % w->info.extent_blocks,
	};
	struct found_frame found;

	if (place.extent < SHARDBLK_SUPER_EXTENTS) {
		hit->super |= BIT(place.extent % SHARDBLK_SUPER_COPIES);
		return;
	}
	if (!frame_decode(w, strike->head, &place, &found) ||
	    (found.header.nr_blocks + 1) * w->info.block_size != strike->len)
		kapi_fail("an append that is not one frame");
	hit_frame(hit, &found.header);
}

void sweep_hit_range(struct world *w, struct sweep_hit *hit, u64 offset,
		     u32 len)
{
	u64 first = offset / w->info.block_size;
	u64 end = (offset + len - 1) / w->info.block_size;
	struct shard_place place = {
		.extent = first / w->info.extent_blocks,
	};
	struct found_frame found;
	u32 generation = 0;
	u64 at;

	for (at = first; at <= end; at++)
		if (at / w->info.extent_blocks < SHARDBLK_SUPER_EXTENTS)
			hit->super |= BIT(at / w->info.extent_blocks %
					  SHARDBLK_SUPER_COPIES);
	for (at = first - first % w->info.extent_blocks; at <= end; at++) {
		place.extent = at / w->info.extent_blocks;
		place.block = at % w->info.extent_blocks;
		if (!frame_at(w, &place, &found))
			continue;
		/* what an older life of the extent left is needed no more */
		if (!place.block)
			generation = found.place.generation;
		if (found.place.generation >= generation &&
		    at + found.header.nr_blocks >= first)
			hit_frame(hit, &found.header);
	}
}

static void told_by_record(struct world *w, const struct shard_place *place,
			   u64 *told, u64 *checkpoint_seq)
{
	static struct shard_super_record record;
	u8 block[SHARDBLK_BLOCK_SIZE_MAX] __aligned(8);

	sim_disk_peek(w->disk, block_offset(w, place), block,
		      w->info.block_size);
	if (shard_super_decode(block, w->info.block_size, place, &record) ||
	    memcmp(record.format_id, w->info.format_id,
		   sizeof(record.format_id)))
		return;
	*told = max(*told, record.durable_seq);
	*checkpoint_seq = max(*checkpoint_seq, record.checkpoint_seq);
}

u64 sweep_told(struct world *w, u64 *checkpoint_seq)
{
	struct found_frame found;
	struct shard_place place;
	u64 told = 0;

	*checkpoint_seq = 0;
	for (place.extent = 0; place.extent < w->info.nr_extents;
	     place.extent++) {
		for (place.block = 0; place.block < w->info.extent_blocks;
		     place.block++) {
			place.generation = 0;
			if (place.extent < SHARDBLK_SUPER_EXTENTS)
				told_by_record(w, &place, &told,
					       checkpoint_seq);
			else if (frame_at(w, &place, &found))
				told = max(told, found.header.durable_seq);
		}
	}
	return told;
}
