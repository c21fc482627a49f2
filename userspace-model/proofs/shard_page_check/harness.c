// SPDX-License-Identifier: GPL-2.0-only
/*
 * Of any page that is taken, all entries can be walked: in order, within the
 * page, and none of an inner page leads on to itself or behind.
 */
#include "../proof.h"
#include "codec.c"
#include "page.c"

#if !INNER
static void walk(const u8 *block)
{
	struct shard_leaf_entry e;
	u32 pos = 0, nr = 0;
	u64 next = 0;

	while (shard_page_leaf(block, &pos, &e)) {
		PROVE(e.nr_blocks && e.lba >= next && e.lba + e.nr_blocks > e.lba,
		      "entries are in order");
		PROVE(pos <= BLOCK, "they lie in the page");
		if (e.mapped)
			PROVE((u8 *)(e.csums + e.nr_blocks) <= block + BLOCK,
			      "so do their checksums");
		next = e.lba + e.nr_blocks;
		nr++;
	}
	PROVE(nr == shard_page_nr_entries(block), "all are seen");
	REACHED(nr == ENTRIES, "all entries");
}
#else
static void children(const u8 *block, u32 page)
{
	u32 nr = shard_page_nr_entries(block), idx = nondet_u32();
	struct shard_inner_entry inner;

	ASSUME(idx < nr);
	shard_page_inner(block, idx, &inner);
	PROVE(inner.page < page, "children come before their parents");
	REACHED(nr == ENTRIES && idx == ENTRIES - 1, "the last of all");
}
#endif

int main(void)
{
	u32 seed, page, csum;
	u64 run_id;
	u8 block[BLOCK];
	const struct shardblk_run_page *d = (void *)block;
	u32 nr = le16_to_cpu(d->nr_entries);
	int err;

	ASSUME(!!d->level == INNER);
	ASSUME(nr <= ENTRIES || nr > shard_inner_entries_max(BLOCK));
	err = shard_page_check(block, BLOCK, seed, run_id, page, csum);
	PROVE(err == 0 || err == -EBADMSG || err == -EOPNOTSUPP,
	      "errors are those that are documented");
	if (err)
		return 0;
#if !INNER
	walk(block);
#else
	children(block, page);
#endif
	return 0;
}
