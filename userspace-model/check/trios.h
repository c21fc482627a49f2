/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Trios: three users of two steps each, of one layer alone.
 */
#ifndef CHECK_TRIOS_H
#define CHECK_TRIOS_H

#include "world.h"

/** trio_index() - one inserts, one looks up, one moves a block and freezes */
void trio_index(struct world *w);
/** trio_extent() - two take places, one opens extents */
void trio_extent(struct world *w);
/** trio_chunk() - two write pages, one waits for what is written */
void trio_chunk(struct world *w);

#endif /* CHECK_TRIOS_H */
