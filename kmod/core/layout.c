// SPDX-License-Identifier: GPL-2.0-only
/*
 * DOC: layout
 *
 * How many extents each purpose gets, from the largest run and the largest
 * manifest that a device of that size can have.
 */
#include "layout.h"

/* With so many extents those that are open in more streams are few. */
#define LAYOUT_RELOC_EXTENTS	512u
/* One in so many blocks of an extent may be left empty at its end. */
#define LAYOUT_REQUEST_SHARE	16u
/* For smaller requests their number would cost more than that; bytes. */
#define LAYOUT_REQUEST_MIN	BIT(16)

/* The header must hold all checksums, and the extent all of the frame. */
u32 shard_frame_payload(u32 block_size, u32 extent_blocks)
{
	return min3(SHARDBLK_FRAME_PAYLOAD_MAX, extent_blocks - 1,
		    shard_frame_request_max(block_size));
}

u32 shard_request_payload(u32 block_size, u32 extent_blocks)
{
	return min(shard_frame_payload(block_size, extent_blocks),
		   max(extent_blocks / LAYOUT_REQUEST_SHARE,
		       (u32)LAYOUT_REQUEST_MIN / block_size));
}

u32 shard_extent_payload(u32 block_size, u32 extent_blocks)
{
	u32 frame = shard_frame_payload(block_size, extent_blocks) + 1;

	return extent_blocks - DIV_ROUND_UP(extent_blocks, frame);
}

u32 shard_extent_singles(u32 block_size, u32 extent_blocks)
{
	u32 frame = min(shard_frame_payload(block_size, extent_blocks),
			shard_frame_singles_max(block_size)) + 1;

	return extent_blocks - DIV_ROUND_UP(extent_blocks, frame);
}

u32 shard_writer_payload(u32 block_size, u32 extent_blocks)
{
	return min(shard_frame_payload(block_size, extent_blocks),
		   SHARD_WRITER_BLOCKS);
}

u32 shard_extent_pages(u32 block_size, u32 extent_blocks)
{
	u32 frame = shard_writer_payload(block_size, extent_blocks) + 1;

	return extent_blocks - DIV_ROUND_UP(extent_blocks, frame);
}

/* All levels of a tree that has so many leaves. */
static u64 tree_pages(u32 block_size, u64 leaves)
{
	u32 inner = shard_inner_entries_max(block_size);
	u64 level = max_t(u64, leaves, 1);
	u64 pages = level;

	while (level > 1) {
		level = div_u64(level + inner - 1, inner);
		pages += level;
	}
	return pages;
}

u64 shard_run_pages_max(u32 block_size, u64 nr)
{
	u32 leaf = shard_leaf_singles_max(block_size);

	return tree_pages(block_size, div_u64(nr + leaf - 1, leaf));
}

u64 shard_run_pages_of(u32 block_size, u64 nr_entries, u64 nr_csums)
{
	u64 bytes = nr_entries * sizeof(struct shardblk_leaf_entry) +
		    nr_csums * sizeof(__le32);
	/* what a page may lack, and that the rest of an entry begins anew */
	u32 page = block_size - sizeof(struct shardblk_run_page) -
		   2 * sizeof(struct shardblk_leaf_entry) - sizeof(__le32);

	return tree_pages(block_size, div_u64(bytes + page - 1, page));
}

/* The largest run that a checkpoint writes. */
static u64 checkpoint_pages(const struct shard_layout *l)
{
	u64 entries = SHARD_MEMTABLE_ENTRIES_MAX;

	return min(shard_run_pages_max(l->block_size, l->logical_blocks),
		   shard_run_pages_of(l->block_size, entries,
				      entries * SHARD_MEMTABLE_CSUMS));
}

/* Extents for two generations of something of @blocks payload blocks. */
static u32 extents_for_two(const struct shard_layout *l, u64 blocks)
{
	u32 payload = shard_extent_pages(l->block_size, l->extent_blocks);
	u64 one = max_t(u64, div_u64(blocks + payload - 1, payload), 1);

	/*
	 * What fits into one extent is never split over two.  Otherwise old
	 * and new may each begin in the middle of one.
	 */
	return min_t(u64, one > 1 ? 2 * one + 1 : 2, U32_MAX / 8);
}

u64 shard_manifest_pages_max(const struct shard_layout *l)
{
	u64 extents = l->index_extents + l->merge_extents;
	u32 payload = shard_extent_pages(l->block_size, l->extent_blocks);
	u32 frame = shard_writer_payload(l->block_size, l->extent_blocks);
	/* frames are full but for the last of an extent, and of a run */
	u64 chunks = extents * DIV_ROUND_UP(payload, frame) + SHARD_RUNS_MAX;
	u32 items = shard_items_max(l->block_size);

	return div_u64(l->nr_extents + SHARD_RUNS_MAX + chunks + items - 1,
		       items);
}

u64 shard_layout_mapped_max(const struct shard_layout *l)
{
	return min(l->logical_blocks, (u64)l->nr_extents * l->extent_blocks);
}

bool shard_layout_valid(const struct shard_layout *l)
{
	return l->nr_extents <= SHARD_LAYOUT_EXTENTS_MAX &&
	       l->record_slack <= shard_super_extents_max(l->block_size) / 2 &&
	       shard_run_pages_max(l->block_size,
				   shard_layout_mapped_max(l)) <= U32_MAX;
}

u64 shard_layout_make(struct shard_layout *l)
{
	u64 run_pages = shard_run_pages_max(l->block_size,
					    shard_layout_mapped_max(l));
	u64 taken;

	/*
	 * O12: to each step its own, so that none waits for a later one.
	 * A merge of all takes in old runs and leaves one new: both must have
	 * room.  It leaves none to the checkpoints' stream, so of that the
	 * runs that it takes in and the next one.
	 */
	l->merge_extents = extents_for_two(l, run_pages);
	/* where runs are long, others of an eighth may lie beside the longest */
	if (l->merge_extents > 2)
		l->merge_extents += l->merge_extents / 8 + 2;
	l->index_extents = extents_for_two(l, checkpoint_pages(l));
	l->meta_extents = SHARDBLK_MANIFEST_COPIES *
		extents_for_two(l, shard_manifest_pages_max(l));
	/*
	 * One for each copy of what fits into one extent, else all but the old;
	 * and one, since a checkpoint and a merge may find the same room.
	 */
	l->record_relist = l->meta_extents == 2 * SHARDBLK_MANIFEST_COPIES ?
			   3 : l->meta_extents / 2 + 2;
	l->record_slack = l->record_relist + 3;
	/*
	 * One is open in each stream.  Another one for each is there when the
	 * host has taken all it may: what fills it frees at least one, since a
	 * victim is not all live.  The last is for one that a crash or an
	 * error left half filled.
	 */
	if (!l->reloc_streams)
		l->reloc_streams = l->nr_extents < LAYOUT_RELOC_EXTENTS ?
				   1 : SHARDBLK_RELOC_STREAMS;
	l->reloc_extents = 2 * l->reloc_streams + 1;
	l->discard_extents = 1;
	l->head_extents = 2;
	taken = (u64)SHARDBLK_SUPER_EXTENTS + l->index_extents +
		l->merge_extents + l->meta_extents + l->reloc_extents +
		l->discard_extents;
	l->host_extents = 0;
	if (l->nr_extents <= taken + l->head_extents)
		return 0;
	l->host_extents = l->nr_extents - taken;
	return (u64)(l->host_extents - l->head_extents) *
	       shard_extent_singles(l->block_size, l->extent_blocks);
}
