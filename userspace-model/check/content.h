/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The content of a block: its stamp (see m_device.h) in each 8 bytes, with the
 * number of the 512-byte sector on top, so that torn, shifted and mixed
 * content shows.  Cheap enough to be written and compared 10^7 times a second.
 */
#ifndef CHECK_CONTENT_H
#define CHECK_CONTENT_H

#include "kapi.h"

/* The stamp of what nobody can have written. */
#define CONTENT_GARBAGE	(~1ull)
#define CONTENT_WORDS	64	/* of a sector */
#define CONTENT_SECTOR_SHIFT 56

static inline void content_fill(void *addr, u32 block_size, u64 stamp)
{
	u64 *word = addr;
	u32 i, k;

	for (i = 0; i < block_size / SECTOR_SIZE; i++) {
		for (k = 0; k < CONTENT_WORDS; k++)
			word[k] = stamp;
		word += CONTENT_WORDS;
		stamp += stamp ? BIT_ULL(CONTENT_SECTOR_SHIFT) : 0;
	}
}

/* Without wide registers the C library is faster: each word is what the next one is. */
static inline bool content_is(const u64 *word, u64 want)
{
#ifdef __AVX__
	u64 differ = 0;
	u32 k;

	for (k = 0; k < CONTENT_WORDS; k++)
		differ |= word[k] ^ want;
	return !differ;
#else
	return word[0] == want &&
	       !memcmp(word, word + 1, SECTOR_SIZE - sizeof(*word));
#endif
}

static inline u64 content_stamp(const void *addr, u32 block_size)
{
	const u64 *word = addr;
	u64 stamp = word[0], want = stamp;
	u32 i;

	if (stamp >> CONTENT_SECTOR_SHIFT)
		return CONTENT_GARBAGE;
	for (i = 0; i < block_size / SECTOR_SIZE; i++) {
		if (!content_is(word, want))
			return CONTENT_GARBAGE;
		word += CONTENT_WORDS;
		want += stamp ? BIT_ULL(CONTENT_SECTOR_SHIFT) : 0;
	}
	return stamp;
}

#endif /* CHECK_CONTENT_H */
