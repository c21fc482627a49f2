// SPDX-License-Identifier: GPL-2.0-only
/* The beginning of any block tells a block size that exists, or none. */
#include "../proof.h"
#include "codec.c"

int main(void)
{
	u8 block[SHARDBLK_BLOCK_SIZE_MIN];
	u64 number, before = number;
	u32 len = shard_super_claims(block, &number);

	PROVE(!len || len == 512 || len == 1024 || len == 2048 || len == 4096,
	      "it is a block size");
	PROVE(len || number == before, "what claims nothing has no number");
	REACHED(len == SHARDBLK_BLOCK_SIZE_MAX, "the largest");
	REACHED(!len, "none");
	return 0;
}
