// SPDX-License-Identifier: GPL-2.0-only
/* What is encoded is decoded to the same, wherever it lies. */
#define CRC_BYTES	BLOCK
#include "../proof.h"
#include "codec.c"

int main(void)
{
	struct shard_manifest_header from, to;
	struct shard_place place;
	u8 block[BLOCK];
	u32 seed, i;
	int err;

	/* items are there already, and nothing else */
	for (i = 0; i < sizeof(struct shardblk_manifest); i++)
		block[i] = 0;
	ASSUME(from.nr_items <= shard_items_max(BLOCK));
	ASSUME(from.prev.nr_blocks <= SHARDBLK_FRAME_PAYLOAD_MAX);
	shard_manifest_encode(&from, seed, &place, block, BLOCK);
	err = shard_manifest_decode(block, BLOCK, seed, &place, &to);
	PROVE(!err, "what is encoded is right");
	PROVE(from.number == to.number && from.page == to.page &&
	      from.checkpoint_seq == to.checkpoint_seq &&
	      from.nr_items == to.nr_items && from.copy == to.copy,
	      "and the same");
	PROVE(from.prev.place.extent == to.prev.place.extent &&
	      from.prev.place.generation == to.prev.place.generation &&
	      from.prev.place.block == to.prev.place.block &&
	      from.prev.nr_blocks == to.prev.nr_blocks &&
	      from.prev.csum == to.prev.csum, "so is the piece before");
	REACHED(from.nr_items == shard_items_max(BLOCK), "a full page");
	return 0;
}
