/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What all harnesses have in common.
 *
 * DOC: proofs
 *
 * A harness includes the files of the engine that it is about, as they are, and
 * calls one of their functions with whatever it is not told to assume.  The
 * words of kapi.h are the checker's own; what they call is modelled here.
 */
#ifndef PROOF_H
#define PROOF_H

/* A checksum is taken of so many bytes at most; 0: it is any number each time. */
#ifndef CRC_BYTES
#define CRC_BYTES	0
#endif

/* Anything at all, each time. */
u8 nondet_u8(void);
u16 nondet_u16(void);
u32 nondet_u32(void);
u64 nondet_u64(void);
s32 nondet_s32(void);
bool nondet_bool(void);

/** ASSUME() - of all that may be, only what makes this true is looked at */
#define ASSUME(cond)		__CPROVER_assume(cond)
/** PROVE() - it is true, whatever was left open */
#define PROVE(cond, what)	__CPROVER_assert(cond, what)
/**
 * REACHED() - something must make this true, here
 *
 * A proof about nothing would succeed.  The runner wants these to fail.
 */
#define REACHED(cond, what)	__CPROVER_assert(!(cond), "reached: " what)

/* What ends a run of the checks: no proof lets it come so far. */
void kapi_fail(const char *fmt, ...)
{
	__CPROVER_assert(false, "no assertion of the engine fails");
	__CPROVER_assume(false);
	__builtin_unreachable();
}

void *memchr_inv(const void *start, int c, size_t bytes)
{
	const u8 *p = start;
	size_t i;

	for (i = 0; i < bytes; i++)
		if (p[i] != (u8)c)
			return (void *)(p + i);
	return NULL;
}

/*
 * CBMC takes the variables of a min() within a min() for the same.  No argument
 * of the engine's does anything, so each may be looked at twice.
 */
#undef min
#undef max
#define min(x, y)		((x) < (y) ? (x) : (y))
#define max(x, y)		((x) > (y) ? (x) : (y))

/*
 * A checksum is an arbitrary function of its seed and of the bytes, taken in
 * pieces: nothing is known of it but that the same bytes give the same.  Where
 * not even that matters it is any number.
 */
#define CRC_PIECE	128u

u32 __CPROVER_uninterpreted_crc32c(u32 crc, u32 len, u64 w0, u64 w1, u64 w2,
				   u64 w3, u64 w4, u64 w5, u64 w6, u64 w7,
				   u64 w8, u64 w9, u64 w10, u64 w11, u64 w12,
				   u64 w13, u64 w14, u64 w15);

/* Eight bytes, as far as there are any. */
static u64 crc_word(const u8 *data, u32 at, u32 len)
{
	u64 word = 0;
	u32 i;

	for (i = 0; i < 8; i++)
		word = word << 8 | (at + i < len ? data[at + i] : 0);
	return word;
}

static u32 crc_piece(u32 crc, const u8 *data, u32 at, u32 len)
{
#define W(n)	crc_word(data, at + 8 * (n), len)
	return __CPROVER_uninterpreted_crc32c(crc, len, W(0), W(1), W(2), W(3),
					      W(4), W(5), W(6), W(7), W(8), W(9),
					      W(10), W(11), W(12), W(13), W(14),
					      W(15));
#undef W
}

u32 crc32c(u32 crc, const void *data, unsigned int len)
{
	u32 at;

	__CPROVER_assert(__CPROVER_r_ok(data, len), "a checksum reads what is there");
	if (!CRC_BYTES)
		return nondet_u32();
	__CPROVER_assert(len <= CRC_BYTES, "the model of a checksum is large enough");
	for (at = 0; at < CRC_BYTES; at += CRC_PIECE)
		if (at < len)
			crc = crc_piece(crc, data, at, len);
	return crc;
}

#endif /* PROOF_H */
