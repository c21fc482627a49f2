/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Reading ahead: leaves of runs that look-ups are about to ask for, many at once.
 */
#ifndef SHARD_AHEAD_H
#define SHARD_AHEAD_H

#include "frame.h"
#include "index.h"

struct shard_ahead;

/* Blocks that are looked up at a time; what is longer is walked. */
#define SHARD_LOOK_UP	SHARDBLK_FRAME_PAYLOAD_MAX

/**
 * shard_ahead_begin() - for look-ups of one user
 *
 * May sleep.  Return: NULL if there is no memory, or too small a cache.
 */
struct shard_ahead *shard_ahead_begin(struct shard_store *store,
				      struct shard_index *index);
/**
 * shard_ahead_memtable() - a look-up in the runs comes next, of all in a memtable
 * @ahead:	or NULL: does nothing
 * @mt:		the same each time; nobody changes it meanwhile
 * @lba:	of which block; not in front of the one before
 *
 * May sleep.  Errors are not: what was not read the look-up reads itself.
 */
void shard_ahead_memtable(struct shard_ahead *ahead,
			  const struct shard_memtable *mt, u64 lba);
/**
 * shard_ahead_frame() - the look-up of an entry of a frame comes next
 * @ahead:	or NULL: there is nothing to do for any entry
 * @version:	in which they are looked up
 * @i:		the entry
 * @map:	scratch, of SHARD_LOOK_UP blocks
 *
 * The same goes for it.  Return: the first entry behind @i that is not seen to.
 */
u32 shard_ahead_frame(struct shard_ahead *ahead, struct shard_version *version,
		      const struct shard_frame_header *h, u32 i,
		      struct shard_block_map *map);
void shard_ahead_end(struct shard_ahead *ahead);

#endif /* SHARD_AHEAD_H */
