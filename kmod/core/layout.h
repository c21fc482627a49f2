/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Layout: how the space of a device is divided.
 *
 * Extents are counted, not placed: each purpose has a number of its own that
 * suffices whatever the others do (O12), so a checkpoint never waits for space
 * that only a checkpoint can free.
 */
#ifndef SHARD_LAYOUT_H
#define SHARD_LAYOUT_H

#include "codec.h"
#include "page.h"

/*
 * Entries of the largest memtable, and checksums for each of them: what the
 * space for the runs of checkpoints is made for.
 */
#define SHARD_MEMTABLE_ENTRIES_MAX	BIT(20)
#define SHARD_MEMTABLE_CSUMS		4u

/*
 * Payload blocks of a frame of pages: each job that writes some has buffers for
 * two frames.
 */
#define SHARD_WRITER_BLOCKS		63u

/*
 * Runs that exist at a time.  A look-up may have to ask each of them, so it is
 * also the bound on what a cold read costs.
 */
#define SHARD_RUNS_MAX			12u

/*
 * Extents of a device: what is known of each lies in one array, and nothing is
 * allocated that has 2 GiB.
 */
#define SHARD_LAYOUT_EXTENTS_MAX	BIT(24)

/**
 * struct shard_layout - how the extents of a device are divided
 * @block_size:		bytes
 * @extent_blocks:	blocks of an extent
 * @nr_extents:		all
 * @logical_blocks:	size of the device
 * @reloc_streams:	streams of moved data; 0: as many as suit @nr_extents
 * @meta_extents:	both copies of the manifest, old and new
 * @index_extents:	runs of checkpoints: those that a merge takes in, and the
 *			next one
 * @merge_extents:	runs of merges, old and new
 * @reloc_extents:	moved data: what is open, as many again that are always
 *			there, and one
 * @discard_extents:	log space that only discards may use
 * @head_extents:	open and ready ones of the host stream
 * @host_extents:	the rest: for the host stream, heads included
 * @record_relist:	entries of a record that a manifest may need: a run that
 *			leaves no more has one written
 * @record_slack:	entries that the host stream leaves to a checkpoint
 */
struct shard_layout {
	u32 block_size;
	u32 extent_blocks;
	u32 nr_extents;
	u64 logical_blocks;
	u32 reloc_streams;
	u32 meta_extents;
	u32 index_extents;
	u32 merge_extents;
	u32 reloc_extents;
	u32 discard_extents;
	u32 head_extents;
	u32 host_extents;
	u32 record_relist;
	u32 record_slack;
};

/**
 * shard_layout_make() - divide a device
 * @layout:	the first five fields are given, the others filled in
 *
 * Return: blocks of data that always fit (heads excluded), however small the
 * requests that wrote them; 0 if the extents do not even suffice for the
 * reserves.
 */
u64 shard_layout_make(struct shard_layout *layout);

/**
 * shard_layout_valid() - can its records and manifests work
 *
 * A record must have room for the log beside what a checkpoint's extents need.
 * Only unusually small extents make manifests so long that it has not.  The pages of
 * a run of all blocks must have numbers: with blocks of 4 KiB 2.2 PiB of them have.
 * There are SHARD_LAYOUT_EXTENTS_MAX extents at most.
 */
bool shard_layout_valid(const struct shard_layout *layout);
/* Pages of a manifest of such a device, at most. */
u64 shard_manifest_pages_max(const struct shard_layout *layout);
/* Payload blocks of a frame at most, whatever it holds. */
u32 shard_frame_payload(u32 block_size, u32 extent_blocks);
/*
 * Payload blocks of a request at most: a request lies in one extent, so fewer may
 * be left empty behind the last one that fits.
 */
u32 shard_request_payload(u32 block_size, u32 extent_blocks);
/* Payload blocks that an extent holds in such frames. */
u32 shard_extent_payload(u32 block_size, u32 extent_blocks);
/* The same if each block is an entry of its own. */
u32 shard_extent_singles(u32 block_size, u32 extent_blocks);
/* The same two for pages of runs and manifests. */
u32 shard_writer_payload(u32 block_size, u32 extent_blocks);
u32 shard_extent_pages(u32 block_size, u32 extent_blocks);
/* Blocks that can be mapped at a time: a thin device may be larger. */
u64 shard_layout_mapped_max(const struct shard_layout *layout);
/* Pages of a run of @nr single-block entries, at most. */
u64 shard_run_pages_max(u32 block_size, u64 nr);
/* Pages of a run of so many entries that have so many checksums, at most. */
u64 shard_run_pages_of(u32 block_size, u64 nr_entries, u64 nr_csums);

#endif /* SHARD_LAYOUT_H */
