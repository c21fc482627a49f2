// SPDX-License-Identifier: GPL-2.0-only
/*
 * How an image is changed: in one sector, after which checksums are right again.
 * Few changes that a fuzzer knows of would ever be looked at behind a wrong one.
 */
#include "fuzz.h"
#include "image.h"

/* One number, where numbers lie: a little more or less, or a bound. */
static void number_change(u8 *sector, u32 len, u32 draw)
{
	u32 size = draw & 1 ? 8 : 4, words = max(len / 4, 2u) - size / 4 + 1;
	u8 *at = sector + draw / 2 % words * 4;
	u64 v = size == 8 ? get_unaligned_le64(at) : get_unaligned_le32(at);
	u32 by = 1 + draw / 4096 % 3;

	switch (draw / 16384 % 8) {
	case 0:
		v = 0;
		break;
	case 1:
		v = U64_MAX;
		break;
	case 2:
		v = U64_MAX - by;
		break;
	case 3:
		v = 1ull << draw / 131072 % 64;
		break;
	case 4:
		v = draw / 131072 % 64;
		break;
	case 5:
		v -= by;
		break;
	default:
		v += by;
	}
	if (size == 8)
		put_unaligned_le64(v, at);
	else
		put_unaligned_le32(v, at);
}

/* A change of one sector, after which the image is believed, mostly. */
size_t LLVMFuzzerCustomMutator(u8 *bytes, size_t nr, size_t max,
			       unsigned int seed)
{
	static struct image before, after;
	u32 draw = seed * 2654435761u, len = 0, at;
	u8 *sector = after.data;

	if (draw >> 28 == 0)
		return LLVMFuzzerMutate(bytes, nr, max);
	image_unpack(&before, bytes, nr);
	memcpy(&after, &before, sizeof(after));
	/* a sector that is not empty, if there is one */
	for (at = 0; at < IMAGE_SECTORS && !len; at++) {
		sector = after.data + (seed + at) % IMAGE_SECTORS * 512;
		for (len = 512; len && !sector[len - 1];)
			len--;
	}
	if (len <= 4)
		return LLVMFuzzerMutate(bytes, nr, max);
	/* not the checksum, which is repaired */
	if (draw >> 31)
		number_change(sector + 4, len - 4, draw);
	else
		LLVMFuzzerMutate(sector + 4, min(len - 4 + draw % 8, 508u), 508);
	if (draw >> 25 & 7)
		image_repair(&after, &before);
	nr = image_pack(&after, bytes, max);
	return nr ?: 1;
}
