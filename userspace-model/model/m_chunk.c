// SPDX-License-Identifier: GPL-2.0-only
/*
 * The model of the chunk store.
 */
#include "m_chunk.h"

const char *m_chunk_put(struct m_chunks *m, u64 block, u32 nr,
			const u64 *stamps)
{
	u32 i;

	for (i = 0; i < nr; i++) {
		if (m->stamps[block + i])
			return "put where something is";
		m->stamps[block + i] = stamps[i];
	}
	return NULL;
}
