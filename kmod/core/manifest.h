/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Manifest: the list of runs, of their chunks, and of the extents.
 *
 * Written whole, in two copies on two streams, each a chain of pieces: a piece
 * is the payload of one frame, and its first page points to the piece before
 * it.  A superblock record points to the last piece of each copy.
 */
#ifndef SHARD_MANIFEST_H
#define SHARD_MANIFEST_H

#include "run.h"

/**
 * shard_manifest_write() - write both copies
 * @runs:	newest first
 * @seq:	last number that the runs hold
 * @refs:	what of them is not counted as live in extents yet, or NULL
 * @dep:	all that is written is added to it
 * @last:	last piece of each copy
 *
 * Extents are listed with the generations that shard_extents_list() took down
 * in here.  What the copies lie in is counted.  May sleep.
 *
 * Return: 0, -EIO, -ENOSPC, -ENOMEM; -EUCLEAN: the counts that were read cannot be.
 */
int shard_manifest_write(struct shard_store *store,
			 const struct shard_runs *runs, u64 seq,
			 const struct shard_refs *refs, struct shard_dep *dep,
			 struct shard_piece last[SHARDBLK_MANIFEST_COPIES]);

/**
 * struct shard_manifest_image - a manifest in memory
 * @seq:	last number that the runs hold
 * @runs:	newest first; the reader's
 * @nr_extents:	extent items
 * @extents:	they
 * @nr_pieces:	pieces of the chain; after an error those that it was followed to
 * @pieces:	where these lie
 * @at:		after an error: the piece that could not be used
 */
struct shard_manifest_image {
	u64 seq;
	struct shard_runs runs;
	u32 nr_extents;
	struct shard_item *extents;
	u32 nr_pieces;
	struct shard_piece *pieces;
	struct shard_piece at;
};

/**
 * shard_manifest_read() - read one copy
 * @record:	the superblock record that points to it
 * @image:	to be freed, whatever is returned; after an error it is not what
 *		the copy says, but still where that lies, unless it is -ENOMEM
 *
 * May sleep.  Return: 0, -EIO, -EBADMSG, -EOPNOTSUPP, -ENOMEM.
 */
int shard_manifest_read(struct shard_store *store,
			const struct shard_super_record *record, u32 copy,
			struct shard_manifest_image *image);
void shard_manifest_free(struct shard_manifest_image *image);

#endif /* SHARD_MANIFEST_H */
