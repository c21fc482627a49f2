/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Reading ahead: leaves of runs that look-ups are about to ask for, many at once.
 */
#ifndef SHARD_AHEAD_H
#define SHARD_AHEAD_H

#include "index.h"

struct shard_ahead;

/* Blocks that are looked up at a time; what is longer is walked. */
#define SHARD_LOOK_UP	SHARDBLK_FRAME_PAYLOAD_MAX

/**
 * shard_ahead_begin() - for look-ups in the runs, of all that is in a memtable
 * @mt:		nobody changes it meanwhile
 *
 * May sleep.  Return: NULL if there is no memory, or too small a cache.
 */
struct shard_ahead *shard_ahead_begin(struct shard_store *store,
				      struct shard_index *index,
				      const struct shard_memtable *mt);
/**
 * shard_ahead() - a look-up comes next
 * @ahead:	or NULL: does nothing
 * @lba:	of which block; not in front of the one before
 *
 * May sleep.  Errors are not: what was not read the look-up reads itself.
 */
void shard_ahead(struct shard_ahead *ahead, u64 lba);
void shard_ahead_end(struct shard_ahead *ahead);

#endif /* SHARD_AHEAD_H */
