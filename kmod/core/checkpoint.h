/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Checkpoint: what the memtable holds becomes a run, so that the log before it
 * need not be replayed.
 */
#ifndef SHARD_CHECKPOINT_H
#define SHARD_CHECKPOINT_H

#include "index.h"

/** shard_store_fits() - has a stream room for a run of so many pages */
bool shard_store_fits(struct shard_store *store, u32 stream, u64 pages);

/**
 * shard_checkpoint_fits() - is there room for what is frozen
 *
 * In the list of runs, and in the extents for runs of checkpoints.  If not,
 * merging all runs makes room (O12).
 */
bool shard_checkpoint_fits(struct shard_store *store,
			   struct shard_index *index);

/**
 * shard_checkpoint_write() - make a root of the frozen memtable over the runs
 * @from:	where replay starts; the frozen memtable holds all up to @from->seq
 *		that the runs do not
 *
 * One caller at a time; shard_checkpoint_fits() must be true.  May sleep, and
 * uses only space that is its own (O12).  After an error the frozen memtable
 * is still there and the call can be made again.
 *
 * Return: 0, -EIO, -EBADMSG (a run cannot be read), -ENOSPC, -ENOMEM.
 */
int shard_checkpoint_write(struct shard_store *store, struct shard_index *index,
			   const struct shard_log_start *from);

#endif /* SHARD_CHECKPOINT_H */
