/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Merge: a walk over runs that lie one over the other, as if they were one.
 */
#ifndef SHARD_MERGE_H
#define SHARD_MERGE_H

#include "run.h"

/* A run that is consumed from the front. */
struct shard_merge_cursor {
	struct shard_run_iter it;
	struct shard_range range;
	bool valid;
};

/**
 * struct shard_merge - the walk
 * @nr:		runs
 * @cursors:	one for each, newest first
 * @stop:	where the last stretch ends
 * @cache:	set before shard_merge_begin(): has pages of theirs, which nobody
 *		needs any more soon; or NULL
 */
struct shard_merge {
	u32 nr;
	u64 stop;
	struct shard_cache *cache;
	struct shard_merge_cursor cursors[SHARD_RUNS_MAX];
};

/**
 * shard_merge_begin() - walk over the newest runs
 * @runs:	stay as they are until the end
 * @nr:		how many of them
 *
 * After an error, too, shard_merge_end() must be called.  May sleep.
 *
 * Return: 0, -ENOMEM, -EUCLEAN, -EIO, -EBADMSG.
 */
int shard_merge_begin(struct shard_merge *m, struct shard_store *store,
		      const struct shard_runs *runs, u32 nr);
/**
 * shard_merge_next() - the next stretch that one run has the newest word on
 * @range:	it, data or a hole; its csums are valid until the next call
 *
 * May sleep.  Return: 1; 0 at the end; -EIO, -EBADMSG.
 */
int shard_merge_next(struct shard_merge *m, struct shard_range *range);
void shard_merge_end(struct shard_merge *m);

#endif /* SHARD_MERGE_H */
