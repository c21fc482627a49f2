// SPDX-License-Identifier: GPL-2.0-only
/*
 * The model of the index.
 */
#include "m_index.h"

void m_index_insert(struct m_index *m, u32 first, u32 nr, struct m_where what,
		    const u32 *csums)
{
	what.known = true;
	for (; nr--; first++, what.block += what.mapped) {
		what.csum = what.mapped ? *csums++ : 0;
		m->at[first] = what;
	}
}

void m_index_cover(struct m_index *m, const struct m_index *newer)
{
	u32 i;

	for (i = 0; i < M_INDEX_BLOCKS; i++)
		if (newer->at[i].known)
			m->at[i] = newer->at[i];
}

u32 m_index_same(const struct m_index *m, u32 at)
{
	const struct m_where *a = &m->at[at], *b = a;

	do
		b++;
	while (b < m->at + M_INDEX_BLOCKS && b->known &&
	       b->mapped == a->mapped && b->generation == a->generation &&
	       (!a->mapped || b->block - a->block == b - a));
	return b - a;
}
