/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The truth about the chunk store: what was put at a place is there.
 */
#ifndef M_CHUNK_H
#define M_CHUNK_H

#include "kapi.h"

#define M_CHUNK_BLOCKS	8192	/* of the backing device */

/**
 * struct m_chunks - what was put
 * @at:		for each block of the backing device, in which life of its
 *		extent, and what; generation 0: nothing ever was
 */
struct m_chunks {
	struct {
		u32 generation;
		u64 stamp;
	} at[M_CHUNK_BLOCKS];
};

/** m_chunk_put() - Return: NULL, or what is wrong with doing so */
const char *m_chunk_put(struct m_chunks *m, u64 block, u32 generation, u32 nr,
			const u64 *stamps);

#endif /* M_CHUNK_H */
