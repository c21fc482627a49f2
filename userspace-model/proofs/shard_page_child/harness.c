// SPDX-License-Identifier: GPL-2.0-only
/* The search in an inner page finds what going through all of it would. */
#include "../proof.h"
#include "codec.c"
#include "page.c"

int main(void)
{
	struct shard_inner_entry found, e;
	u64 lba, next, first, bound;
	u8 block[BLOCK];
	struct shardblk_run_page *d = (void *)block;
	u32 nr = nondet_u32(), i, at = 0;

	ASSUME(nr && nr <= ENTRIES);
	d->nr_entries = cpu_to_le16(nr);
	d->h.len = cpu_to_le32(sizeof(*d) + nr * sizeof(struct shardblk_inner_entry));
	ASSUME(inner_valid(block));
	bound = next;
	shard_page_child(block, lba, &found, &next);
	for (i = 0; i < ENTRIES; i++) {
		if (i >= nr)
			continue;
		shard_page_inner(block, i, &e);
		if (!i)
			first = e.lba;
		if (e.lba <= lba)
			at = i;
		else if (i && e.lba < bound)
			bound = e.lba;
	}
	shard_page_inner(block, at, &e);
	PROVE(found.lba == e.lba && found.page == e.page && found.csum == e.csum,
	      "it is the last that begins at or before the block, or the first");
	PROVE(next == bound, "its reach ends where the one behind it begins");
	REACHED(at == ENTRIES - 1, "the last of all");
	REACHED(lba < first, "a block before all");
	return 0;
}
