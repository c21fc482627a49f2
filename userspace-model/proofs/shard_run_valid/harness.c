// SPDX-License-Identifier: GPL-2.0-only
/* In a run that is valid each page lies in the chunk that the search finds. */
#include "../proof.h"
#include "run.c"

int main(void)
{
	struct shard_run *run = malloc(sizeof(*run) + CHUNKS * sizeof(run->chunks[0]));
	const struct shard_run_chunk *c;
	u32 page;

	ASSUME(run && run->nr_chunks <= CHUNKS);
	if (!shard_run_valid(run))
		return 0;
	PROVE(run->nr_chunks && run->height && run->height <= SHARD_RUN_LEVELS,
	      "it has pages, and levels that a walk has room for");
	ASSUME(page < run->nr_pages);
	c = run_chunk(run, page);
	PROVE(c >= run->chunks && c < run->chunks + run->nr_chunks,
	      "there is a chunk");
	PROVE(page >= c->first_page && page - c->first_page < c->nr_blocks,
	      "the page lies in it");
	REACHED(c == run->chunks + CHUNKS - 1, "the last");
	return 0;
}
