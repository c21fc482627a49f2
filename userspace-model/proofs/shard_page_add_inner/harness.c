// SPDX-License-Identifier: GPL-2.0-only
/* A page is full when it is, and any entry of it comes out the same. */
#include "../proof.h"
#include "codec.c"
#include "page.c"

int main(void)
{
	struct shard_inner_entry in, out;
	struct shard_page_builder b;
	u32 used = nondet_u32();
	u8 block[BLOCK];
	bool added;

	ASSUME(used <= shard_inner_entries_max(BLOCK));
	b.block = block;
	b.block_size = BLOCK;
	b.nr_entries = used;
	b.used = sizeof(struct shardblk_run_page) +
		 used * sizeof(struct shardblk_inner_entry);
	added = shard_page_add_inner(&b, &in);
	PROVE(added == (used < shard_inner_entries_max(BLOCK)), "there is room, or there is not");
	PROVE(b.used <= BLOCK && b.nr_entries == used + added, "it is counted");
	if (!added)
		return 0;
	shard_page_inner(block, used, &out);
	PROVE(in.lba == out.lba && in.page == out.page && in.csum == out.csum,
	      "an entry is the same");
	REACHED(used == shard_inner_entries_max(BLOCK) - 1, "the last of all");
	return 0;
}
