/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The truth about extents: their lives, and where the next append goes.
 *
 * Which free extent is taken is the engine's to choose; the model is told, and
 * says whether it may.  All else it foretells.
 */
#ifndef M_EXTENT_H
#define M_EXTENT_H

#include "kapi.h"

#define M_EXTENTS_MAX	256

enum m_extent_state {
	M_EXTENT_FREE,
	M_EXTENT_ASSIGNED,
	M_EXTENT_READY,
	M_EXTENT_OPEN,
	M_EXTENT_SEALED,
	M_EXTENT_BAD,
	M_EXTENT_SUPER,		/* for ever */
};

/**
 * struct m_extent - an extent
 * @state:	enum m_extent_state
 * @stream:	whose, unless free
 * @generation:	of this life
 * @written:	blocks
 * @order:	when it last changed its state
 * @last_seq:	highest number in it
 * @in_log:	replay may need it
 * @refs:	blocks that the root points to
 * @settled:	moved data: memtables that know all of it; U64_MAX: none yet
 * @evacuating:	it is being looked through
 * @evacuated:	nothing in it will be needed
 * @unpublished: there is something in it that no root knows yet, to be set by
 *		whoever appends for a root in the making
 * @published:	there was something in it that a root knew
 * @bad:	it failed: this is its last life
 */
struct m_extent {
	u8 state;
	u32 stream;
	u32 generation;
	u32 written;
	u32 order;
	u64 last_seq;
	bool in_log;
	u32 refs;
	u64 settled;
	bool evacuating;
	bool evacuated;
	bool unpublished;
	bool published;
	bool bad;
};

struct m_extents {
	u32 nr;
	u32 clock;
	struct m_extent e[M_EXTENTS_MAX];
};

/** m_extent_assign() - @nr was taken.  Return: NULL, or why it may not be */
const char *m_extent_assign(struct m_extents *m, u32 nr, u32 stream,
			    u32 generation);

/** m_extent_first() - of those in @state of a stream, since longest; 0: none */
u32 m_extent_first(const struct m_extents *m, u32 stream, u8 state);

/** m_extent_set() - it goes on to a state; BAD, if it failed, instead of FREE */
void m_extent_set(struct m_extents *m, u32 nr, u8 state);

/** m_extent_next() - seal the open one, open the next; false if there is none */
bool m_extent_next(struct m_extents *m, u32 stream);

/** m_extent_place() - blocks are appended.  Return: the first one's number */
static inline u32 m_extent_place(struct m_extents *m, u32 stream,
				 u32 nr_blocks, u64 seq)
{
	struct m_extent *e = &m->e[m_extent_first(m, stream, M_EXTENT_OPEN)];
	u32 block = e->written;

	e->written += nr_blocks;
	e->last_seq = max(e->last_seq, seq);
	e->settled = U64_MAX;
	return block;
}

/** m_extent_cut() - what is behind this block, and number, is elsewhere now */
void m_extent_cut(struct m_extents *m, u32 nr, u32 block, u64 seq);

/** m_extent_replayed() - does replay after @seq need nothing of it, for ever */
static inline bool m_extent_replayed(const struct m_extent *e, u64 seq)
{
	return e->state == M_EXTENT_SEALED && e->last_seq <= seq;
}

/** m_extent_publish() - a root knows all that is in it */
static inline void m_extent_publish(struct m_extent *e)
{
	e->published |= e->unpublished;
	e->unpublished = false;
}

/** m_extent_needed() - or may it be given up (O6, O7) */
static inline bool m_extent_needed(const struct m_extent *e)
{
	return e->state != M_EXTENT_SEALED || e->in_log || e->refs ||
	       e->unpublished;
}

/** m_extent_abandon() - an attempt failed: what no root ever knew is free */
void m_extent_abandon(struct m_extents *m, u32 nr);

#endif /* M_EXTENT_H */
