// SPDX-License-Identifier: GPL-2.0-only
/*
 * CRC32C.
 *
 * ISA-L's is as fast as can be for whole multiples of 128 bytes, and slow for
 * what is short or odd, as frames' headers and records are.  Where the compiler
 * may use the processor's instruction, that does these: in three lanes, as one
 * takes three cycles and the next can begin after one.
 */
#include <isa-l/crc.h>
#include "kapi.h"

#if defined(__SSE4_2__) && defined(__PCLMUL__)
#include <immintrin.h>

#define ISAL_MIN	512u	/* bytes from which on it is faster */
#define ISAL_UNIT	128u
#define LANES		3u
#define LANE_MAX	(ISAL_MIN / LANES / sizeof(u64))

/*
 * shifts[n] times a checksum, with the instruction's own factor, is the checksum
 * with n words of zeros behind it.
 */
static u32 shifts[(LANES - 1) * LANE_MAX + 1];

static void __attribute__((__constructor__)) make_shifts(void)
{
	u32 i;

	shifts[1] = 1;
	for (i = 2; i < ARRAY_SIZE(shifts); i++)
		shifts[i] = _mm_crc32_u64(shifts[i - 1], 0);
}

static u32 shift(u32 crc, u32 words)
{
	__m128i product = _mm_clmulepi64_si128(_mm_cvtsi32_si128(crc),
					       _mm_cvtsi32_si128(shifts[words]),
					       0);

	return _mm_crc32_u64(0, _mm_cvtsi128_si64(product));
}

static u32 crc_short(u32 crc, const u8 *data, u32 len)
{
	typedef u64 word __attribute__((aligned(1), may_alias));
	typedef u32 half __attribute__((aligned(1), may_alias));
	const u32 n = len / sizeof(u64) / LANES;
	const word *at = (const word *)data;
	u64 a = crc, b = 0, c = 0;
	u32 i;

	for (i = 0; i < n; i++) {
		a = _mm_crc32_u64(a, at[i]);
		b = _mm_crc32_u64(b, at[n + i]);
		c = _mm_crc32_u64(c, at[2 * n + i]);
	}
	if (n)
		a = shift(a, 2 * n) ^ shift(b, n) ^ c;
	at += LANES * n;
	for (len -= LANES * n * sizeof(*at); len >= sizeof(*at); len -= sizeof(*at))
		a = _mm_crc32_u64(a, *at++);
	data = (const u8 *)at;
	if (len & sizeof(half)) {
		a = _mm_crc32_u32(a, *(const half *)data);
		data += sizeof(half);
	}
	for (len %= sizeof(half); len; len--)
		a = _mm_crc32_u8(a, *data++);
	return a;
}

u32 crc32c(u32 crc, const void *data, unsigned int len)
{
	u32 head = len < ISAL_MIN ? 0 : round_down(len, ISAL_UNIT);

	kapi_has_read(data, len);
	if (head)
		crc = crc32_iscsi((u8 *)data, head, crc);
	return head < len ? crc_short(crc, data + head, len - head) : crc;
}

#else

u32 crc32c(u32 crc, const void *data, unsigned int len)
{
	kapi_has_read(data, len);
	return crc32_iscsi((u8 *)data, len, crc);
}

#endif
