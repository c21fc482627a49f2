// SPDX-License-Identifier: GPL-2.0-only
/* Entries that are put into a leaf come out of it the same. */
#define CRC_BYTES	BLOCK
#include "../proof.h"
#include "codec.c"
#include "page.c"

static bool same(const struct shard_leaf_entry *a, const u32 *csums,
		 const struct shard_leaf_entry *b)
{
	u32 i;

	if (a->lba != b->lba || a->mapped != b->mapped)
		return false;
	if (!a->mapped)
		return a->nr_blocks == b->nr_blocks;
	for (i = 0; i < BLOCKS; i++)
		if (i < b->nr_blocks && csums[i] != shard_leaf_csum(b, i))
			return false;
	return a->place.extent == b->place.extent &&
	       a->place.generation == b->place.generation &&
	       a->place.block == b->place.block && b->nr_blocks <= a->nr_blocks;
}

int main(void)
{
	struct shard_leaf_entry in[ENTRIES], out;
	struct shard_page_builder b;
	u32 csums[ENTRIES][BLOCKS], nr[ENTRIES], seed, csum, page, i, pos = 0;
	u64 run_id, next = 0;
	u8 block[BLOCK];

	shard_page_begin(&b, block, BLOCK);
	for (i = 0; i < ENTRIES; i++) {
		in[i].mapped = nondet_bool();
		ASSUME(in[i].nr_blocks && in[i].lba >= next);
		ASSUME(in[i].lba + in[i].nr_blocks > in[i].lba);
		if (in[i].mapped) {
			ASSUME(in[i].nr_blocks <= BLOCKS);
			ASSUME(in[i].place.extent != SHARDBLK_EXTENT_HOLE);
		}
		next = in[i].lba + in[i].nr_blocks;
		nr[i] = shard_page_add_leaf(&b, &in[i], csums[i]);
		PROVE(nr[i] == in[i].nr_blocks, "there is room for so few");
	}
	csum = shard_page_end(&b, seed, run_id, page, 0);
	PROVE(!shard_page_check(block, BLOCK, seed, run_id, page, csum),
	      "the page is right");
	for (i = 0; i < ENTRIES; i++) {
		PROVE(shard_page_leaf(block, &pos, &out), "an entry is there");
		PROVE(same(&in[i], csums[i], &out), "and the same");
	}
	PROVE(!shard_page_leaf(block, &pos, &out), "there is no other");
	REACHED(in[0].mapped && !in[1].mapped, "data and a hole");
	return 0;
}
