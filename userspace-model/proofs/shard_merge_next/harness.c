// SPDX-License-Identifier: GPL-2.0-only
/* Of small runs that lie one over the other each block has the newest's word. */
#include "../proof.h"
#include "merge.c"

static u32 csums[LENGTH];
static struct shard_range entries[RUNS][ENTRIES];
static u32 nr_given[RUNS];

/* Runs are arrays here; depth says which of them. */
int shard_run_iter_begin(struct shard_run_iter *it, struct shard_store *store,
			 const struct shard_run *run)
{
	return 0;
}

void shard_run_iter_end(struct shard_run_iter *it)
{
}

int shard_run_iter_next(struct shard_run_iter *it, struct shard_range *range)
{
	u32 nr = nr_given[it->depth];

	if (nr == ENTRIES || !entries[it->depth][nr].nr_blocks)
		return 0;
	*range = entries[it->depth][nr];
	nr_given[it->depth]++;
	return 1;
}

/* What the runs say of a block: the newest's word. */
static const struct shard_range *word(u64 lba)
{
	u32 run, i;

	for (run = 0; run < RUNS; run++)
		for (i = 0; i < ENTRIES; i++)
			if (lba >= entries[run][i].lba && lba <
			    entries[run][i].lba + entries[run][i].nr_blocks)
				return &entries[run][i];
	return NULL;
}

static void assume_sorted(void)
{
	u32 run, i;
	u64 next;

	for (run = 0; run < RUNS; run++) {
		next = 0;
		for (i = 0; i < ENTRIES; i++) {
			struct shard_range *e = &entries[run][i];

			e->lba = nondet_u64();
			e->nr_blocks = nondet_u32();
			e->mapped = nondet_bool();
			e->place.block = nondet_u32();
			e->csums = csums;
			ASSUME(e->nr_blocks <= LENGTH);
			ASSUME(e->lba >= next && e->lba <= SPAN);
			next = e->lba + e->nr_blocks;
			/* no entry stands behind the end */
			ASSUME(!i || !e->nr_blocks || entries[run][i - 1].nr_blocks);
		}
	}
}

static struct shard_merge merge;

int main(void)
{
	static struct shard_runs runs;
	const struct shard_range *said;
	struct shard_range range;
	u64 lba = nondet_u64(), stop = 0;
	u32 nr = 0, i;
	bool seen = false;

	assume_sorted();
	for (i = 0; i < RUNS; i++)
		merge.cursors[i].it.depth = i;
	shard_merge_begin(&merge, NULL, &runs, RUNS);
	ASSUME(lba <= 2 * SPAN);
	said = word(lba);
	while (shard_merge_next(&merge, &range) > 0) {
		PROVE(range.nr_blocks && range.lba >= stop, "stretches are in order");
		stop = range.lba + range.nr_blocks;
		nr++;
		if (lba < range.lba || lba >= stop)
			continue;
		seen = true;
		PROVE(said && said->mapped == range.mapped, "it is the newest's word");
		PROVE(!said || !said->mapped || said->place.block + (u32)(lba - said->lba) ==
		      range.place.block + (u32)(lba - range.lba), "and its place");
	}
	PROVE(seen == !!said, "what one has is given, and nothing else");
	PROVE(nr <= 2 * RUNS * ENTRIES, "it ends");
	REACHED(nr > RUNS * ENTRIES, "more stretches than entries");
	return 0;
}
