/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Compaction: runs that lie one over the other are merged into one.
 */
#ifndef SHARD_COMPACTION_H
#define SHARD_COMPACTION_H

#include "index.h"

/**
 * shard_compaction_pick() - how many of the newest runs to merge
 * @pages:	of each run, newest first
 * @nr:		runs
 * @least:	fewer are left alone
 * @oldest:	the oldest run is left alone if it is longer than so many times all
 *		above it
 *
 * Return: 0: none is due.
 */
u32 shard_compaction_pick(const u32 *pages, u32 nr, u32 least, u32 oldest);

/**
 * shard_compaction_pages() - pages that a merge of the newest runs leaves at most
 * @layout:	of the device
 * @runs:	all of them, newest first
 * @nr:		how many are merged
 * @oldest:	the oldest run is one of them, so that holes are dropped
 *
 * Where it is that, the pages fit into what shard_layout_make() keeps for one run.
 */
u64 shard_compaction_pages(const struct shard_layout *layout,
			   const struct shard_runs *runs, u32 nr, bool oldest);

/**
 * shard_compaction_due() - which runs of an index to merge; also when space is short
 * @runs:	those to merge; none: there is nothing to do
 */
void shard_compaction_due(struct shard_store *store, struct shard_index *index,
			  u32 least, u32 oldest, struct shard_runs *runs);

/**
 * shard_compaction_all() - which runs a merge of everything takes in
 * @runs:	these; none if there is nothing that it could leave out, and the
 *		checkpoints' extents hold no run
 */
void shard_compaction_all(struct shard_index *index, struct shard_runs *runs);

/**
 * shard_compaction_write() - merge the newest runs into one
 * @runs:	they were the newest once; above them others may have come
 *
 * One caller at a time.  Ends as a checkpoint does, see root.h.  May sleep, and
 * uses only space that is its own, if @runs are what one of the functions above
 * has chosen (O12).  After an error all is as it was.
 *
 * Return: 0, -EIO, -EBADMSG (a run cannot be read), -ENOSPC, -ENOMEM.
 */
int shard_compaction_write(struct shard_store *store, struct shard_index *index,
			   const struct shard_runs *runs);

/**
 * shard_compaction_guide() - make the guides that runs lack: after a start, and
 *	after a merge of all
 * @stop:	asked now and then: gives up when it is true
 *
 * Until then look-ups go down from the runs' roots, and ask each run.  What
 * cannot be read is left alone: a look-up that needs it will say so.  One caller
 * at a time, and none that merges.  May sleep.
 */
void shard_compaction_guide(struct shard_store *store,
			    struct shard_index *index,
			    bool (*stop)(void *ctx), void *ctx);

#endif /* SHARD_COMPACTION_H */
