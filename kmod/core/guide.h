/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Guide: what is kept in memory of a run, so that a look-up reads the one page
 * that it needs, and none of a run that has nothing to say.
 */
#ifndef SHARD_GUIDE_H
#define SHARD_GUIDE_H

#include "map.h"

struct shard_guide;
struct shard_guide_builder;

/**
 * struct shard_guide_leaf - where a look-up goes
 * @page:	number of the leaf
 * @csum:	its checksum field
 * @next:	first block behind its reach
 */
struct shard_guide_leaf {
	u32 page;
	u32 csum;
	u64 next;
};

/**
 * shard_guide_begin() - for a run that is written, or walked; may sleep
 * @blocks:	also note which blocks the run has something to say of
 *
 * Return: NULL without memory.
 */
struct shard_guide_builder *shard_guide_begin(bool blocks);
/** shard_guide_add() - an entry, of the leaf that comes next, in order */
void shard_guide_add(struct shard_guide_builder *b, u64 lba, u32 nr_blocks);
/** shard_guide_add_leaf() - a leaf with all that was added; may sleep */
void shard_guide_add_leaf(struct shard_guide_builder *b, u64 lba, u32 page,
			  u32 csum);
/**
 * shard_guide_end() - finish, and free the builder; may sleep
 *
 * Return: NULL if memory was short, or there are no leaves.
 */
struct shard_guide *shard_guide_end(struct shard_guide_builder *b);
void shard_guide_destroy(struct shard_guide *guide);

/** shard_guide_find() - the leaf that can hold @lba, as inner pages say it */
void shard_guide_find(const struct shard_guide *guide, u64 lba,
		      struct shard_guide_leaf *leaf);
/**
 * shard_guide_knows() - has the run something to say of one of these blocks
 * @map:	of @nr_blocks; those known already do not count
 *
 * Return: exactly that; true if blocks were not noted.
 */
bool shard_guide_knows(const struct shard_guide *guide, u64 lba, u32 nr_blocks,
		       const struct shard_block_map *map);
/** shard_guide_bytes() - memory that it takes */
size_t shard_guide_bytes(const struct shard_guide *guide);

#endif /* SHARD_GUIDE_H */
