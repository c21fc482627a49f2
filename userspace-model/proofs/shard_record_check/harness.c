// SPDX-License-Identifier: GPL-2.0-only
/* Whatever a header says, no byte behind the block is looked at. */
#include "../proof.h"
#include "codec.c"

int main(void)
{
	u8 block[BLOCK];
	struct shardblk_header *h = (void *)block;
	u32 magic, min, seed;
	int err;

	ASSUME(min >= sizeof(*h) && min <= BLOCK);
	err = shard_record_check(h, magic, min, BLOCK, seed);
	PROVE(err == 0 || err == -ENODATA || err == -EBADMSG,
	      "errors are those that are documented");
	PROVE(err || (le32_to_cpu(h->len) >= min && le32_to_cpu(h->len) <= BLOCK),
	      "a record that is right has a length that fits");
	PROVE((err == -ENODATA) == (le32_to_cpu(h->magic) != magic),
	      "there is none exactly where the magic is not");
	REACHED(!err, "a record that is right");
	REACHED(err == -EBADMSG && le32_to_cpu(h->len) == BLOCK, "a wrong checksum");
	return 0;
}
