// SPDX-License-Identifier: GPL-2.0-only
/*
 * The model of the chunk store.
 */
#include "m_chunk.h"

const char *m_chunk_put(struct m_chunks *m, u64 block, u32 generation, u32 nr,
			const u64 *stamps)
{
	u32 i;

	for (i = 0; i < nr; i++) {
		if (block + i >= M_CHUNK_BLOCKS ||
		    m->at[block + i].generation >= generation)
			return "put where something is, or nothing can be";
		m->at[block + i].generation = generation;
		m->at[block + i].stamp = stamps[i];
	}
	return NULL;
}
