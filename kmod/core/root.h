/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Root: how a new run becomes the index's, be it a checkpoint's or a merge's.
 */
#ifndef SHARD_ROOT_H
#define SHARD_ROOT_H

#include "index.h"
#include "manifest.h"

/**
 * struct shard_root - a root in the making
 * @stream:	whose extents the new run is written to
 * @dep:	what the record comes after
 * @refs:	what the new root points to more, or less, than the one before
 * @builder:	of the run; begun by shard_root_begin()
 *
 * The rest is its own.
 */
struct shard_root {
	struct shard_store *store;
	struct shard_index *index;
	u32 stream;
	struct shard_dep dep;
	struct shard_refs *refs;
	struct shard_run_builder builder;
	struct shard_publish publish;
	struct shard_version *version;
	struct shard_garbage *garbage;
	u32 *retired;
	bool issued;
	struct shard_block_map hidden[SHARDBLK_FRAME_PAYLOAD_MAX];
};

/**
 * shard_root_cache() - the page cache, if it has room for the whole index
 *
 * Then it gets each page when that is made, and merges ask it, too, so nothing is
 * read back.  A larger index would push out of it what look-ups need.
 *
 * Return: NULL if it has not.
 */
struct shard_cache *shard_root_cache(struct shard_store *store,
				     struct shard_index *index);

/**
 * shard_root_begin() - set up, and begin a run
 * @written:	the record also waits for all that is written by now (O4)
 * @pages_max:	of the run
 *
 * The run is written behind this, so two roots in the making, of different
 * streams, do not hinder each other.  After an error, too, shard_root_end()
 * must be called.  May sleep.
 *
 * Return: 0, -EIO, -ENOSPC, -ENOMEM.
 */
int shard_root_begin(struct shard_root *root, struct shard_store *store,
		     struct shard_index *index, u32 stream, bool written,
		     u64 pages_max);

/**
 * shard_root_end() - finish the run, publish it, free all
 * @error:	0, or why it is all given up
 * @edit:	where the run goes; its run is filled in
 * @from:	where replay starts from now on; NULL: where it did
 *
 * The order: the manifest is written, of the runs as they are then, which
 * nobody else changes until this is done; one flush makes it durable together
 * with the run and all else that was asked for (O4); then the record; then,
 * once that is durable, the index goes over and what nothing needs any more is
 * given up (O6, O7).
 *
 * May sleep.  After an error all is as it was.
 *
 * Return: 0, @error, -EIO, -ENOSPC, -ENOMEM.
 */
int shard_root_end(struct shard_root *root, int error, struct shard_edit *edit,
		   const struct shard_log_start *from);

/**
 * shard_root_relist() - write the manifest anew, with the runs there are
 *
 * What it says of extents, such as which are bad, is durable then; replay starts
 * where it did.  A root in the making does not hinder it, nor is it hindered.  May
 * sleep.
 *
 * Return: 0, -EIO, -ENOSPC, -ENOMEM.
 */
int shard_root_relist(struct shard_store *store, struct shard_index *index);

#endif /* SHARD_ROOT_H */
