// SPDX-License-Identifier: GPL-2.0-only
/*
 * Of the model in place of the index: nothing is read ahead.  Nothing need be, and
 * this index has no leaves.
 */
#include "ahead.h"

struct shard_ahead *shard_ahead_begin(struct shard_store *store,
				      struct shard_index *index,
				      const struct shard_memtable *mt)
{
	return NULL;
}

void shard_ahead(struct shard_ahead *ahead, u64 lba)
{
}

void shard_ahead_end(struct shard_ahead *ahead)
{
}
