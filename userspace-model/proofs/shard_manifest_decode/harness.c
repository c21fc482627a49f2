// SPDX-License-Identifier: GPL-2.0-only
/* Any block gives a header whose items all lie in the block, or an error. */
#include "../proof.h"
#include "codec.c"

int main(void)
{
	struct shard_manifest_header header;
	struct shard_place place;
	u8 block[BLOCK];
	u32 seed;
	int err;

	err = shard_manifest_decode(block, BLOCK, seed, &place, &header);
	PROVE(err == 0 || err == -ENODATA || err == -EBADMSG || err == -EOPNOTSUPP,
	      "errors are those that are documented");
	if (!err) {
		PROVE(header.nr_items == shard_manifest_nr_items(block),
		      "items are as many as the page says");
		PROVE(sizeof(struct shardblk_manifest) +
		      header.nr_items * SHARDBLK_ITEM_SIZE <= BLOCK,
		      "they lie in it");
		PROVE(header.prev.nr_blocks <= SHARDBLK_FRAME_PAYLOAD_MAX,
		      "a piece is no longer than a frame");
	}
	REACHED(!err && header.nr_items == shard_items_max(BLOCK), "a full page");
	REACHED(!err && !header.nr_items, "an empty one");
	return 0;
}
