// SPDX-License-Identifier: GPL-2.0-only
/* A guide's numbers come out as they were put in, behind one another. */
#include "../proof.h"
#include "guide.c"

int main(void)
{
	u64 words[5], v = nondet_u64(), w = nondet_u64();
	u32 order = ORDER, start = START, pos, max = 4 * 64, before;
	u64 kept;

	/* blocks that no device has are turned away by shard_guide_add() */
	ASSUME(v <= SHARDBLK_LOGICAL_BLOCKS_MAX && w < U32_MAX);
	before = start ? start - 1 : 0;
	/* behind what is there all is zero, as what put it left it */
	ASSUME(!(words[0] >> start));
	kept = bits_get(words, 0, before);
	pos = start;
	code_put(words, &pos, max, v, order);
	code_put(words, &pos, max, w, 0);
	ASSUME(pos <= max - 64);
	pos = start;
	PROVE(code_get(words, &pos, order) == v, "a number is the same");
	PROVE(code_get(words, &pos, 0) == w, "so is the next");
	PROVE(!before || bits_get(words, 0, before) == kept, "what lies before is as it was");
	REACHED(v == SHARDBLK_LOGICAL_BLOCKS_MAX, "the largest, by its logarithm");
	REACHED(v == 5, "a small one");
	return 0;
}
