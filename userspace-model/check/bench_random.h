/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef CHECK_BENCH_RANDOM_H
#define CHECK_BENCH_RANDOM_H

/**
 * bench_random() - 53 random bits, the same in each run
 * @seed:	where the sequence stands; not 0
 *
 * xorshift64*, Marsaglia 2003, Vigna 2016.
 */
static inline u64 bench_random(u64 *seed)
{
	*seed ^= *seed >> 12;
	*seed ^= *seed << 25;
	*seed ^= *seed >> 27;
	return *seed * 0x2545f4914f6cdd1dull >> 11;
}

#endif /* CHECK_BENCH_RANDOM_H */
