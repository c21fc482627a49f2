/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Trios: three users of two steps each, of one layer alone.
 */
#ifndef CHECK_TRIOS_H
#define CHECK_TRIOS_H

#include "stack.h"

#define TRIO			3
#define TRIO_EXTENT_BLOCKS	64
#define TRIO_EXTENTS		24

/**
 * struct trio - three users
 * @steps:	what each does
 * @arg:	for all of them
 * @w:		where they wait
 * @nr_left:	who is not done; trio_run()'s own
 */
struct trio {
	void (*steps[TRIO])(void *arg);
	void *arg;
	struct world *w;
	u32 nr_left;
};

/** trio_stack() - a layer on a disk of its own */
void trio_stack(struct stack *s, struct world *w);
/** trio_run() - all three, beside each other */
void trio_run(struct trio *trio);

/** trio_index() - one inserts, one looks up, one moves a block and freezes */
void trio_index(struct world *w);
/** trio_extent() - two take places of one stream, one opens extents and seals them */
void trio_extent(struct world *w);
/** trio_retire() - one moves data, one makes roots, one opens extents and gives up */
void trio_retire(struct world *w);
/** trio_chunk() - two write pages, one waits for what is written */
void trio_chunk(struct world *w);

#endif /* CHECK_TRIOS_H */
