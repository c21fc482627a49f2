// SPDX-License-Identifier: GPL-2.0-only
/*
 * DOC: filters
 *
 * A blocked Bloom filter: a logical block sets some bits of one line of 512, so
 * asking costs one access to memory.  It never says of a block that is there
 * that it is not.  Long holes, of which every block would have to be entered,
 * are kept as they are; there is room for a few, and with more of them there is
 * no filter.
 */
#include "filter.h"

/* Bits per block, and how many of them it sets: 1 % of wrong guesses. */
#define FILTER_BITS		12u
#define FILTER_HASHES		6u
#define FILTER_LINE		512u
#define FILTER_LINE_WORDS	(FILTER_LINE / 64)
/* Holes from this length on are kept apart, at most so many. */
#define FILTER_HOLE		64u
#define FILTER_HOLES_MAX	32u

struct shard_filter {
	u64 nr_blocks;
	u32 nr_lines;
	u32 nr_holes;
	struct shard_hole {
		u64 lba;
		u64 end;
	} holes[FILTER_HOLES_MAX];
	u64 words[];
};

struct shard_filter *shard_filter_create(u64 nr_blocks)
{
	u64 nr_lines = div_u64(nr_blocks * FILTER_BITS, FILTER_LINE) + 1;
	struct shard_filter *filter;

	if (!nr_blocks || nr_lines > U32_MAX / FILTER_LINE)
		return NULL;
	filter = kvzalloc(struct_size(filter, words,
				      nr_lines * FILTER_LINE_WORDS),
			  GFP_KERNEL);
	if (filter)
		filter->nr_lines = nr_lines;
	return filter;
}

void shard_filter_destroy(struct shard_filter *filter)
{
	kvfree(filter);
}

static bool is_long_hole(const struct shard_range *range)
{
	return !range->mapped && range->nr_blocks >= FILTER_HOLE;
}

u64 shard_filter_cost(const struct shard_range *range)
{
	return is_long_hole(range) ? 1 : range->nr_blocks;
}

/* Two rounds of multiplication and shifts: all bits depend on all. */
static u64 mix(u64 x)
{
	x ^= x >> 32;
	x *= 0xd6e8feb86659fd93ull;
	x ^= x >> 32;
	x *= 0xd6e8feb86659fd93ull;
	return x ^ x >> 32;
}

static u64 line_of(const struct shard_filter *filter, u64 hash)
{
	return ((hash >> 32) * filter->nr_lines >> 32) * FILTER_LINE_WORDS;
}

static void add_block(struct shard_filter *filter, u64 lba)
{
	u64 hash = mix(lba), bits = mix(hash + 1);
	u64 *line = &filter->words[line_of(filter, hash)];
	u32 i;

	for (i = 0; i < FILTER_HASHES; i++, bits >>= 9)
		line[bits / 64 % FILTER_LINE_WORDS] |= BIT_ULL(bits % 64);
}

bool shard_filter_add(struct shard_filter *filter,
		      const struct shard_range *range)
{
	u32 i;

	filter->nr_blocks += shard_filter_cost(range);
	if (is_long_hole(range)) {
		if (filter->nr_holes == FILTER_HOLES_MAX)
			return false;
		filter->holes[filter->nr_holes].lba = range->lba;
		filter->holes[filter->nr_holes++].end = range->lba +
							range->nr_blocks;
		return true;
	}
	for (i = 0; i < range->nr_blocks; i++)
		add_block(filter, range->lba + i);
	return true;
}

bool shard_filter_has(const struct shard_filter *filter, u64 lba)
{
	u64 hash = mix(lba), bits = mix(hash + 1);
	const u64 *line = &filter->words[line_of(filter, hash)];
	u32 i;

	for (i = 0; i < filter->nr_holes; i++)
		if (lba >= filter->holes[i].lba && lba < filter->holes[i].end)
			return true;
	for (i = 0; i < FILTER_HASHES; i++, bits >>= 9)
		if (!(line[bits / 64 % FILTER_LINE_WORDS] & BIT_ULL(bits % 64)))
			return false;
	return true;
}

u64 shard_filter_blocks(const struct shard_filter *filter)
{
	return filter->nr_blocks;
}
