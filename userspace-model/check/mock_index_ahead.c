// SPDX-License-Identifier: GPL-2.0-only
/*
 * Of the model in place of the index: nothing is read ahead.  Nothing need be, and
 * this index has no leaves.
 */
#include "ahead.h"

struct shard_ahead *shard_ahead_begin(struct shard_store *store,
				      struct shard_index *index)
{
	return NULL;
}

void shard_ahead_memtable(struct shard_ahead *ahead,
			  const struct shard_memtable *mt, u64 lba)
{
}

u32 shard_ahead_frame(struct shard_ahead *ahead, struct shard_version *version,
		      const struct shard_frame_header *h, u32 i,
		      struct shard_block_map *map)
{
	return h->nr_entries;
}

void shard_ahead_end(struct shard_ahead *ahead)
{
}
