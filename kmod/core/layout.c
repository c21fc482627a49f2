// SPDX-License-Identifier: GPL-2.0-only
/*
 * DOC: layout
 *
 * How many extents each purpose gets, from the largest run and the largest
 * manifest that a device of that size can have.
 */
#include "layout.h"

/* The header must hold all checksums, and the extent all of the frame. */
u32 shard_frame_payload(u32 block_size, u32 extent_blocks)
{
	return min3(SHARDBLK_FRAME_PAYLOAD_MAX, extent_blocks - 1,
		    shard_frame_request_max(block_size));
}

u32 shard_extent_payload(u32 block_size, u32 extent_blocks)
{
	u32 frame = shard_frame_payload(block_size, extent_blocks) + 1;

	return extent_blocks - DIV_ROUND_UP(extent_blocks, frame);
}

u64 shard_run_pages_max(u32 block_size, u64 nr)
{
	u32 leaf = shard_leaf_singles_max(block_size);
	u32 inner = shard_inner_entries_max(block_size);
	u64 level = max_t(u64, div_u64(nr + leaf - 1, leaf), 1);
	u64 pages = level;

	while (level > 1) {
		level = div_u64(level + inner - 1, inner);
		pages += level;
	}
	return pages;
}

/* Extents for two generations of something of @blocks payload blocks. */
static u32 extents_for_two(const struct shard_layout *l, u64 blocks)
{
	u32 payload = shard_extent_payload(l->block_size, l->extent_blocks);
	u64 one = max_t(u64, div_u64(blocks + payload - 1, payload), 1);

	/*
	 * What fits into one extent is never split over two.  Otherwise old
	 * and new may each begin in the middle of one.
	 */
	return min_t(u64, one > 1 ? 2 * one + 1 : 2, U32_MAX / 8);
}

u64 shard_manifest_pages_max(const struct shard_layout *l)
{
	u64 run_pages = shard_run_pages_max(l->block_size, l->logical_blocks);
	u64 chunks = div_u64(run_pages,
			     shard_frame_payload(l->block_size,
						 l->extent_blocks)) +
		     l->index_extents + 1;
	u32 items = shard_items_max(l->block_size);

	return div_u64(l->nr_extents + 1 + chunks + items - 1, items);
}

bool shard_layout_valid(const struct shard_layout *l)
{
	return l->record_slack <= shard_super_extents_max(l->block_size) / 2;
}

u64 shard_layout_make(struct shard_layout *l)
{
	u64 run_pages = shard_run_pages_max(l->block_size, l->logical_blocks);
	u64 taken;

	l->index_extents = extents_for_two(l, run_pages);
	l->meta_extents = SHARDBLK_MANIFEST_COPIES *
		extents_for_two(l, shard_manifest_pages_max(l));
	/* one for each copy of what fits into one extent, else all but the old */
	l->record_relist = l->meta_extents == 2 * SHARDBLK_MANIFEST_COPIES ?
			   3 : l->meta_extents / 2 + 2;
	l->record_slack = l->record_relist + 3;
	l->discard_extents = 1;
	l->head_extents = 2;
	taken = (u64)SHARDBLK_SUPER_EXTENTS + l->index_extents +
		l->meta_extents + l->discard_extents;
	l->host_extents = 0;
	if (l->nr_extents <= taken + l->head_extents)
		return 0;
	l->host_extents = l->nr_extents - taken;
	return (u64)(l->host_extents - l->head_extents) *
	       shard_extent_payload(l->block_size, l->extent_blocks);
}
