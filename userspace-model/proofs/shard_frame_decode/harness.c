// SPDX-License-Identifier: GPL-2.0-only
/* Any block gives a header that is valid, or an error. */
#include "../proof.h"
#include "codec.c"

static bool fits(const struct shard_frame_header *h)
{
	return frame_len(h->nr_entries, h->nr_blocks) <= BLOCK;
}

int main(void)
{
	static struct shard_frame_header header;
	struct shard_place place;
	u8 block[BLOCK];
	struct shardblk_frame *d = (void *)block;
	int err;

	ASSUME(le16_to_cpu(d->nr_entries) <= ENTRIES ||
	       le16_to_cpu(d->nr_entries) > SHARD_FRAME_ENTRIES_MAX);
	ASSUME(le16_to_cpu(d->nr_blocks) <= BLOCKS ||
	       le16_to_cpu(d->nr_blocks) > SHARDBLK_FRAME_PAYLOAD_MAX);
	__CPROVER_havoc_object(&header);
	err = shard_frame_decode(block, BLOCK, nondet_u32(), &place, &header);
	PROVE(err == 0 || err == -ENODATA || err == -EBADMSG || err == -EOPNOTSUPP,
	      "errors are those that are documented");
	PROVE(err || fits(&header), "what is taken fits into a block");
	PROVE(err || header.stream != SHARDBLK_STREAM_HOST ||
	      (header.seq + header.nr_entries - 1 >= header.seq &&
	       header.durable_seq < header.seq), "its numbers rise");
	REACHED(!err && header.nr_entries == ENTRIES, "all entries");
	REACHED(!err && header.nr_blocks == BLOCKS, "all blocks");
	return 0;
}
