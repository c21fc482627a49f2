// SPDX-License-Identifier: GPL-2.0-only
/* Whatever lengths runs have, some of the newest are taken, or none. */
#include "../proof.h"
#include "compaction.c"

int main(void)
{
	u32 pages[SHARD_RUNS_MAX], nr, least, oldest, pick, i;
	u64 above = 0;

	ASSUME(nr <= SHARD_RUNS_MAX && least >= 2 && least <= SHARD_RUNS_MAX);
	ASSUME(oldest <= OLDEST);
	pick = shard_compaction_pick(pages, nr, least, oldest);
	PROVE(pick <= nr, "none is taken that is not there");
	PROVE(!pick || pick >= least, "nor fewer than are worth it");
	PROVE(pick || nr < SHARD_RUNS_MAX, "of as many as there may be some are");
	for (i = 0; i < SHARD_RUNS_MAX; i++) {
		if (i + 1 < pick && i < nr)
			above += pages[i];
	}
	PROVE(!pick || nr == SHARD_RUNS_MAX || pick == nr || pages[pick - 1] <= above,
	      "the last is not longer than all above it");
	REACHED(pick == nr && nr == SHARD_RUNS_MAX, "all");
	REACHED(nr > 3 && !pick, "none");
	return 0;
}
