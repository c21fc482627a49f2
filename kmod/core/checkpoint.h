/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Checkpoint: what the memtable holds becomes a run, so that the log before it
 * need not be replayed and dead extents can be given up.
 */
#ifndef SHARD_CHECKPOINT_H
#define SHARD_CHECKPOINT_H

#include "index.h"
#include "manifest.h"

/**
 * shard_checkpoint_write() - make a root of the frozen memtable and the run
 * @from:	where replay starts; the frozen memtable holds all up to @from->seq
 *		that the run does not
 * @attempt:	different in each call for the same device
 *
 * One caller at a time.  The order: run and manifest are written; one flush
 * makes them durable together with all host data that the run points to (O4);
 * then the record; then, once that is durable, the index goes over to the run
 * and extents that nothing needs any more are given up (O6, O7).
 *
 * May sleep, and uses only space that is its own (O12).  After an error the
 * frozen memtable is still there and the call can be made again.
 *
 * Return: 0, -EIO, -EBADMSG (the old run cannot be read), -ENOSPC, -ENOMEM.
 */
int shard_checkpoint_write(struct shard_store *store, struct shard_index *index,
			   const struct shard_log_start *from, u32 attempt);

#endif /* SHARD_CHECKPOINT_H */
