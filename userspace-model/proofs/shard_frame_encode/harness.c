// SPDX-License-Identifier: GPL-2.0-only
/* What is encoded is decoded to the same, wherever it lies. */
#define CRC_BYTES	BLOCK
#include "../proof.h"
#include "codec.c"

static bool same_entries(const struct shard_frame_header *a,
			 const struct shard_frame_header *b)
{
	u32 i;

	for (i = 0; i < a->nr_entries; i++)
		if (a->entries[i].lba != b->entries[i].lba ||
		    a->entries[i].nr_blocks != b->entries[i].nr_blocks ||
		    a->entries[i].kind != b->entries[i].kind)
			return false;
	for (i = 0; i < a->nr_blocks; i++)
		if (a->csums[i] != b->csums[i])
			return false;
	return true;
}

static void code(u16 nr_entries, u16 nr_blocks)
{
	static struct shard_frame_header from, to;
	struct shard_place place;
	u8 block[BLOCK];
	u32 seed;
	int err;

	__CPROVER_havoc_object(&from);
	__CPROVER_havoc_object(&to);
	from.nr_entries = nr_entries;
	from.nr_blocks = nr_blocks;
	ASSUME(shard_frame_valid(&from));
	shard_frame_encode(&from, seed, &place, block, BLOCK);
	err = shard_frame_decode(block, BLOCK, seed, &place, &to);
	PROVE(!err, "what is encoded is right");
	PROVE(from.seq == to.seq && from.durable_seq == to.durable_seq &&
	      from.stream == to.stream && from.nr_entries == to.nr_entries &&
	      from.nr_blocks == to.nr_blocks && same_entries(&from, &to),
	      "and the same");
	REACHED(from.stream == SHARDBLK_STREAM_HOST, "a frame of the host");
	REACHED(from.stream == SHARDBLK_STREAM_META1, "one of a manifest");
}

int main(void)
{
	code(ENTRIES, BLOCKS);
	return 0;
}
