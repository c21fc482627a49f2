// SPDX-License-Identifier: GPL-2.0-only
/*
 * The model of the index.
 */
#include "m_index.h"

void m_index_insert(struct m_index *m, u32 first, u32 nr, bool mapped,
		    u64 block, const u32 *csums)
{
	u32 i;

	for (i = 0; i < nr; i++)
		m->at[first + i] = (struct m_where){
			.known = true,
			.mapped = mapped,
			.block = mapped ? block + i : 0,
			.csum = mapped ? csums[i] : 0,
		};
}
