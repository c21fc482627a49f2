/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Recovery: what a start reads before it does anything.
 */
#ifndef SHARD_RECOVER_H
#define SHARD_RECOVER_H

#include "index.h"
#include "manifest.h"

/**
 * struct shard_found_super - what the superblock extents hold
 * @extent_size: bytes; of the geometry that was found or tried last
 * @block_size:	the same
 * @heads:	where the next record goes, per copy
 * @unreadable:	bit per superblock extent that could not be read whole
 * @newest:	bit per copy in which the newest record was found
 * @at:		the newest record of each copy
 * @above:	what the number of the next record must be above: @record's, raised
 *		above any that may lie where nothing could be read
 * @record:	the newest valid record, if there is one
 */
struct shard_found_super {
	u64 extent_size;
	u32 block_size;
	struct shard_super_head heads[SHARDBLK_SUPER_COPIES];
	u32 unreadable;
	u32 newest;
	struct shard_super_at at[SHARDBLK_SUPER_COPIES];
	u64 above;
	struct shard_super_record record;
};

/**
 * shard_recover_super() - find the newest record
 *
 * The size of extents is not known yet: all that a format may choose are
 * tried, the backing device's zone size first if it has one.  May sleep.
 *
 * Return: 0; -ENODEV (no record); -EOPNOTSUPP (newest one not understood);
 * -EIO (of no copy all extents could be read: O10); -ENOMEM; -EINTR.
 */
int shard_recover_super(struct shard_writeback *wb,
			struct shard_backend *backend,
			struct shard_found_super *found);

/**
 * struct shard_recovery - the result of shard_recover_log()
 * @first_seq:	first number replayed
 * @last_seq:	last number of the log; what was acknowledged behind it, none
 * @nr_frames:	frames replayed
 * @log_blocks:	blocks of the log that was replayed
 * @frozen_from: if the memtable had to be frozen on the way: up to where
 * @checkpoint:	a copy of the manifest is lost: write both anew soon
 */
struct shard_recovery {
	u64 first_seq;
	u64 last_seq;
	u64 nr_frames;
	u64 log_blocks;
	struct shard_log_start frozen_from;
	bool checkpoint;
};

/**
 * shard_recover_log() - load the manifest and replay the log
 * @store:	its extents are empty, its superblock is not there yet
 * @index:	empty
 * @name:	for messages
 *
 * Afterwards extents and index are as the next record shall describe them.
 * Writes nothing; may sleep.
 *
 * Return: 0; -EUCLEAN (what is known to have been durable is not there); -EIO
 * (it cannot be told where the log ends); -EINTR; -ENOMEM.
 */
int shard_recover_log(struct shard_store *store, struct shard_index *index,
		      const struct shard_super_record *record, const char *name,
		      struct shard_recovery *rec);

/**
 * shard_recover_wipe() - after a record of our own is durable
 *
 * Superblock extents that could not be read are overwritten, so that no record
 * in there can come to light later (O8).  One that cannot be overwritten, either,
 * is reported: what is in it is older than our own.  May sleep.
 *
 * Return: 0, -ENOMEM.
 */
int shard_recover_wipe(struct shard_store *store,
		       const struct shard_found_super *found);

#endif /* SHARD_RECOVER_H */
