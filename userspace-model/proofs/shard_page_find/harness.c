// SPDX-License-Identifier: GPL-2.0-only
/* The search in a leaf finds the first entry that ends behind a block. */
#include "../proof.h"
#include "codec.c"
#include "page.c"

int main(void)
{
	u8 block[BLOCK];
	struct shardblk_run_page *d = (void *)block;
	struct shard_page_marks marks;
	struct shard_leaf_entry e;
	u32 nr = nondet_u32(), len = nondet_u32(), pos = 0, at, found;
	u64 lba = nondet_u64();

	ASSUME(nr <= ENTRIES && len >= sizeof(*d) && len <= BLOCK);
	d->nr_entries = cpu_to_le16(nr);
	d->h.len = cpu_to_le32(len);
	ASSUME(leaf_valid(block));
	shard_page_mark(block, &marks);
	found = shard_page_find(block, &marks, lba);
	do {
		at = pos ? pos : sizeof(*d);
	} while (shard_page_leaf(block, &pos, &e) && e.lba + e.nr_blocks <= lba);
	PROVE(found == at, "it is the first that ends behind the block");
	REACHED(found == len && nr == ENTRIES, "a block behind all");
	REACHED(found > sizeof(*d) && found < len, "one between");
	return 0;
}
