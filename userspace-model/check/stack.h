/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The lower layers on a disk of their own, without a superblock: extents are
 * handed to streams by the check itself.
 */
#ifndef CHECK_STACK_H
#define CHECK_STACK_H

#include "frame.h"
#include "stats.h"
#include "world.h"

struct stack {
	struct shard_layout layout;
	struct shard_stats stats;
	struct shard_store store;
};

/** stack_begin() - a blank disk of so many extents, and nothing open */
void stack_begin(struct stack *s, struct world *w, u32 block_size,
		 u32 extent_blocks, u32 nr_extents);
void stack_end(struct stack *s);

/** stack_open() - open a new extent of a stream.  Return: its number */
u32 stack_open(struct stack *s, u32 stream);

#endif /* CHECK_STACK_H */
