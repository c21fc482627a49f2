/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Memtable: the newest part of the index, in memory.
 *
 * Disjoint ranges of logical blocks in a tree; each is data at consecutive
 * places, or a hole.  All memory is allocated at the start, so an insertion
 * whose entries were reserved cannot fail (O12).
 *
 * No lock of its own: the index serializes changes, and knows when a look-up ran
 * beside one.
 */
#ifndef SHARD_MEMTABLE_H
#define SHARD_MEMTABLE_H

#include "layout.h"
#include "map.h"

struct shard_memtable;

/* Memory that an entry takes, with its share of checksums, bytes. */
#define SHARD_MEMTABLE_ENTRY	80u

/* Entries that an insertion uses at most: the new one, and the second half of
 * one that it cuts in two.
 */
#define SHARD_MEMTABLE_PER_REQUEST	2

/**
 * struct shard_range - a range as look-ups and walks give it
 * @csums:	one per block if mapped; they live as long as the memtable is not
 *		cleared
 */
struct shard_range {
	u64 lba;
	u32 nr_blocks;
	bool mapped;
	struct shard_place place;
	const u32 *csums;
};

/** shard_memtable_create() - may sleep; NULL without memory */
struct shard_memtable *shard_memtable_create(u32 nr_entries);
void shard_memtable_destroy(struct shard_memtable *mt);

/** shard_memtable_clear() - empty it; in time that does not depend on its size */
void shard_memtable_clear(struct shard_memtable *mt);
bool shard_memtable_empty(const struct shard_memtable *mt);
/** shard_memtable_entries() - how many there are */
u32 shard_memtable_entries(const struct shard_memtable *mt);

/** shard_memtable_pages() - of a run that holds it all, at most */
u64 shard_memtable_pages(const struct shard_memtable *mt, u32 block_size);

/** shard_memtable_fits() - are so many entries and checksums left */
bool shard_memtable_fits(const struct shard_memtable *mt, u32 nr_entries,
			 u32 nr_csums);

/**
 * shard_memtable_insert() - the newest word on a range of blocks
 *
 * What older entries say of them is forgotten.  It must fit: as many as
 * SHARD_MEMTABLE_PER_REQUEST entries, and @range->nr_blocks checksums if mapped.
 * If a number of insertions fits, those without the first few do, too (O12).
 */
void shard_memtable_insert(struct shard_memtable *mt,
			   const struct shard_range *range);

/**
 * shard_memtable_lookup() - fill in what is known here of blocks not yet known
 * @map:	of @nr_blocks blocks from @lba on
 * @extent_blocks: to make absolute block numbers
 *
 * May run beside an insertion, though not beside shard_memtable_clear(): it ends
 * soon and touches nothing else, but what it says of any block is void then.
 */
void shard_memtable_lookup(const struct shard_memtable *mt, u64 lba,
			   u32 nr_blocks, u32 extent_blocks,
			   struct shard_block_map *map);

/**
 * shard_memtable_next() - the first range that ends behind @lba
 *
 * Return: false if there is none.
 */
bool shard_memtable_next(const struct shard_memtable *mt, u64 lba,
			 struct shard_range *range);

#endif /* SHARD_MEMTABLE_H */
