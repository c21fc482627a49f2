/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The truth about an index, of whatever layers it is made: an array that says
 * of each block where it lies, that it is a hole, or that nothing was said.
 */
#ifndef M_INDEX_H
#define M_INDEX_H

#include "kapi.h"

#define M_INDEX_BLOCKS	1024

/**
 * struct m_where - what was last said of a block
 * @known:	anything at all
 * @mapped:	it lies somewhere; else it is a hole
 * @generation:	of the extent in which that is
 * @block:	where, in blocks of the backing device
 * @csum:	its checksum
 */
struct m_where {
	bool known;
	bool mapped;
	u32 generation;
	u64 block;
	u32 csum;
};

struct m_index {
	struct m_where at[M_INDEX_BLOCKS];
};

/**
 * m_index_insert() - the newest word on @nr blocks from @first on
 * @what:	of the first; the others lie behind it
 * @csums:	of each, if mapped
 */
void m_index_insert(struct m_index *m, u32 first, u32 nr, struct m_where what,
		    const u32 *csums);

/** m_index_cover() - @newer has the newest word on all that it knows */
void m_index_cover(struct m_index *m, const struct m_index *newer);

/** m_index_same() - blocks from @at on, which is known, that one range can say */
u32 m_index_same(const struct m_index *m, u32 at);

#endif /* M_INDEX_H */
