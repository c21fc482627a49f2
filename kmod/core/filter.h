/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Filter: of which blocks a run says nothing for sure.
 */
#ifndef SHARD_FILTER_H
#define SHARD_FILTER_H

#include "memtable.h"

struct shard_filter;

/**
 * shard_filter_create() - for so many blocks, nothing is in it; may sleep
 *
 * Return: NULL without memory, or if there are no blocks.
 */
struct shard_filter *shard_filter_create(u64 nr_blocks);
void shard_filter_destroy(struct shard_filter *filter);

/** shard_filter_cost() - what an entry counts for in shard_filter_create() */
u64 shard_filter_cost(const struct shard_range *range);
/**
 * shard_filter_add() - the run has something to say of these blocks
 *
 * Return: false if that cannot be noted: the filter is of no use any more.
 */
bool shard_filter_add(struct shard_filter *filter,
		      const struct shard_range *range);

/** shard_filter_has() - false: the run says nothing of this block */
bool shard_filter_has(const struct shard_filter *filter, u64 lba);
/** shard_filter_blocks() - what has been added, as shard_filter_cost() counts */
u64 shard_filter_blocks(const struct shard_filter *filter);

#endif /* SHARD_FILTER_H */
