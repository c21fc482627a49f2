// SPDX-License-Identifier: GPL-2.0-only
/* Of a guide's numbers the first that is not below another is found, and the next. */
#include "../proof.h"
#include "guide.c"

int main(void)
{
	u64 words[4], values[NR], value = nondet_u64();
	u32 start = START, pos = START, max = 3 * 64, end, i;
	struct guide_numbers n;
	u64 kept;

	for (i = 0; i < NR; i++) {
		values[i] = nondet_u64();
		/* blocks that no device has are turned away by shard_guide_add() */
		ASSUME(values[i] < END);
		ASSUME(!i || values[i - 1] <= values[i]);
	}
	/* behind what is there all is zero, as what put it left it */
	ASSUME(!(words[0] >> start));
	kept = words[0];
	numbers_put(words, &pos, max, values, NR);
	PROVE(pos <= max, "two bits and a share for each suffice");
	end = pos;
	pos = start;
	numbers_get(words, &pos, &n);
	PROVE(pos == end, "their end is known");
	PROVE(bits_get(words, 0, start) == kept, "what lies before is as it was");
	numbers_find(&n, value);
	for (i = 0; i < NR && values[i] < value; i++)
		;
	PROVE(n.i == i, "it is the first");
	for (; i < NR; i++) {
		PROVE(n.i == i && n.value == values[i], "a number is the same");
		n.i++;
		number_look(&n);
	}
	REACHED(value == values[NR - 1], "the last is looked for");
	REACHED(value > values[NR - 1], "there is none");
	REACHED(values[NR - 1] == END - 1, "the largest");
	REACHED(values[0] == values[NR - 1], "all are the same");
	return 0;
}
