/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The truth about an index, of whatever layers it is made: an array that says
 * of each block where it lies, that it is a hole, or that nothing was said.
 */
#ifndef M_INDEX_H
#define M_INDEX_H

#include "kapi.h"

#define M_INDEX_BLOCKS	640

/**
 * struct m_where - what was last said of a block
 * @known:	anything at all
 * @mapped:	it lies somewhere; else it is a hole
 * @block:	where, in blocks of the backing device
 * @csum:	its checksum
 */
struct m_where {
	bool known;
	bool mapped;
	u64 block;
	u32 csum;
};

struct m_index {
	struct m_where at[M_INDEX_BLOCKS];
};

/** m_index_insert() - the newest word on @nr blocks from @first on */
void m_index_insert(struct m_index *m, u32 first, u32 nr, bool mapped,
		    u64 block, const u32 *csums);

#endif /* M_INDEX_H */
