// SPDX-License-Identifier: GPL-2.0-only
/*
 * The model of extents.
 */
#include "m_extent.h"

const char *m_extent_assign(struct m_extents *m, u32 nr, u32 stream,
			    u32 generation)
{
	struct m_extent *e = &m->e[nr];

	if (e->state != M_EXTENT_FREE)
		return "an extent was taken that is not free";
	if (generation <= e->generation)
		return "O5: a generation was assigned twice";
	*e = (struct m_extent){
		.stream = stream, .generation = generation, .in_log = !stream,
	};
	m_extent_set(m, nr, M_EXTENT_ASSIGNED);
	return NULL;
}

u32 m_extent_first(const struct m_extents *m, u32 stream, u8 state)
{
	u32 i, first = 0;

	for (i = 0; i < m->nr; i++)
		if (m->e[i].state == state && m->e[i].stream == stream &&
		    (!first || m->e[i].order < m->e[first].order))
			first = i;
	return first;
}

void m_extent_set(struct m_extents *m, u32 nr, u8 state)
{
	if (state == M_EXTENT_FREE && m->e[nr].bad)
		state = M_EXTENT_BAD;
	m->e[nr].state = state;
	m->e[nr].order = ++m->clock;
}

bool m_extent_next(struct m_extents *m, u32 stream)
{
	u32 next = m_extent_first(m, stream, M_EXTENT_READY);
	u32 open = m_extent_first(m, stream, M_EXTENT_OPEN);

	if (!next)
		return false;
	if (open)
		m_extent_set(m, open, M_EXTENT_SEALED);
	m_extent_set(m, next, M_EXTENT_OPEN);
	return true;
}

void m_extent_cut(struct m_extents *m, u32 nr, u32 block, u64 seq)
{
	struct m_extent *e = &m->e[nr];

	if (e->state == M_EXTENT_OPEN)
		m_extent_set(m, nr, M_EXTENT_SEALED);
	e->written = min(e->written, block);
	e->last_seq = min(e->last_seq, seq);
}

void m_extent_abandon(struct m_extents *m, u32 nr)
{
	struct m_extent *e = &m->e[nr];

	e->unpublished = false;
	if ((e->state == M_EXTENT_OPEN || e->state == M_EXTENT_SEALED) &&
	    !e->refs && !e->published)
		m_extent_set(m, nr, M_EXTENT_FREE);
}
