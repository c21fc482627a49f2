// SPDX-License-Identifier: GPL-2.0-only
/* Any geometry that a record may tell of is divided without overflow. */
#include "../proof.h"
#include "codec.c"
#include "page.c"
#include "layout.c"

int main(void)
{
	struct shard_layout l = { .block_size = BLOCK };
	u64 blocks;

	l.extent_blocks = EXTENT_BLOCKS;
	l.nr_extents = nondet_u32();
	l.logical_blocks = nondet_u64();
	l.reloc_streams = nondet_u32();
	ASSUME(l.nr_extents > SHARDBLK_SUPER_EXTENTS);
	ASSUME(l.logical_blocks && l.logical_blocks <= SHARDBLK_LOGICAL_BLOCKS_MAX);
	ASSUME(l.reloc_streams <= SHARDBLK_RELOC_STREAMS);
	blocks = shard_layout_make(&l);
	PROVE(l.host_extents <= l.nr_extents, "the host has no more than there are");
	PROVE(!blocks || l.host_extents > l.head_extents,
	      "if it has some they are more than are open");
	PROVE(blocks <= (u64)l.nr_extents * l.extent_blocks, "nor more blocks");
	REACHED(blocks, "one that has room");
	REACHED(!blocks, "one that has none");
	return 0;
}
