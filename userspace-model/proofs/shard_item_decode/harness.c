// SPDX-License-Identifier: GPL-2.0-only
/* Any item of any page is of a kind that exists and in bounds, or an error. */
#include "../proof.h"
#include "codec.c"

int main(void)
{
	u8 block[BLOCK];
	struct shard_item item;
	u32 idx;
	int err;

	ASSUME(idx < shard_items_max(BLOCK));
	err = shard_item_decode(block, idx, &item);
	PROVE(err == 0 || err == -EBADMSG, "errors are those that are documented");
	PROVE(err || item.kind == SHARDBLK_ITEM_EXTENT ||
	      item.kind == SHARDBLK_ITEM_RUN || item.kind == SHARDBLK_ITEM_CHUNK,
	      "its kind exists");
	PROVE(err || item.kind != SHARDBLK_ITEM_EXTENT ||
	      item.extent.stream < SHARDBLK_STREAM_SUPER, "so does its stream");
	PROVE(err || item.kind != SHARDBLK_ITEM_CHUNK || item.chunk.nr_blocks,
	      "no chunk is empty");
	PROVE(err || item.kind != SHARDBLK_ITEM_RUN ||
	      (item.run.height && item.run.nr_pages), "no run is empty");
	REACHED(!err && item.kind == SHARDBLK_ITEM_EXTENT && item.extent.bad &&
		idx == shard_items_max(BLOCK) - 1, "a bad extent, the last item");
	REACHED(!err && item.kind == SHARDBLK_ITEM_RUN, "a run");
	REACHED(!err && item.kind == SHARDBLK_ITEM_CHUNK, "a chunk");
	return 0;
}
