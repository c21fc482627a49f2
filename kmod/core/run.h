/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Runs: immutable sorted parts of the index on disk.
 *
 * A run is a static B+ tree of block-sized pages.  Pages are numbered in the
 * order in which they were written, children before parents, the root last; a
 * parent holds its children's checksums, the manifest holds the root's.  Where
 * pages lie is said by the manifest's chunks alone, so a chunk can move without
 * a page being rewritten.
 */
#ifndef SHARD_RUN_H
#define SHARD_RUN_H

#include "cache.h"
#include "guide.h"
#include "memtable.h"
#include "refs.h"

/* Levels of the tree: enough for 2^41 entries with the smallest pages. */
#define SHARD_RUN_LEVELS	12

/* Consecutive pages of a run. */
struct shard_run_chunk {
	struct shard_place place;
	u32 nr_blocks;
	u32 first_page;
};

/**
 * struct shard_run - a run; does not change while it exists
 * @id:		never used twice in a format
 * @stream:	whose extents its pages lie in: checkpoints' or merges'
 * @nr_entries:	in the leaves
 * @nr_pages:	in all
 * @root_csum:	checksum field of the last page
 * @height:	levels
 * @guide:	to its leaves; NULL: look-ups go down from the root
 * @nr_chunks:	chunks, in order of their pages
 */
struct shard_run {
	u64 id;
	u64 nr_entries;
	u32 nr_pages;
	u32 root_csum;
	u8 height;
	u8 stream;
	struct shard_guide *guide;
	u32 nr_chunks;
	struct shard_run_chunk chunks[];
};

/* Runs one over the other, newest first. */
struct shard_runs {
	u32 nr;
	struct shard_run *run[SHARD_RUNS_MAX];
};

/** shard_run_create() - may sleep; NULL without memory */
struct shard_run *shard_run_create(u32 nr_chunks);
void shard_run_destroy(struct shard_run *run);
/** shard_run_copy() - the same run with another guide; may sleep */
struct shard_run *shard_run_copy(const struct shard_run *run,
				 struct shard_guide *guide);
/** shard_runs_destroy() - all of them; leaves an empty list */
void shard_runs_destroy(struct shard_runs *runs);
/** shard_run_valid() - do the chunks hold all pages, in order */
bool shard_run_valid(const struct shard_run *run);

/** shard_run_offset() - where a page lies, in bytes */
u64 shard_run_offset(const struct shard_store *store,
		     const struct shard_run *run, u32 page);

/**
 * shard_run_lookup() - fill in what a run knows of blocks not yet known
 * @run:	NULL: an empty one
 * @sleep:	may read pages
 *
 * Blocks of which neither this nor what came before knows anything stay
 * unknown.
 *
 * Return: 0; -EAGAIN (a page must be read and @sleep is not set); -EIO,
 * -EBADMSG (a page cannot be read, or is not what its parent says).
 */
int shard_run_lookup(struct shard_store *store, struct shard_cache *cache,
		     const struct shard_run *run, u64 lba, u32 nr_blocks,
		     struct shard_block_map *map, bool sleep);

/** shard_run_knows() - false: it says nothing of these blocks, if not known yet */
bool shard_run_knows(const struct shard_run *run, u64 lba, u32 nr_blocks,
		     const struct shard_block_map *map);

/**
 * shard_run_next() - the first entry that ends behind @lba
 * @run:	NULL: an empty one
 * @range:	its lba, nr_blocks and mapped are filled in
 *
 * May sleep.  Return: 1; 0 if there is none; -EIO, -EBADMSG.
 */
int shard_run_next(struct shard_store *store, struct shard_cache *cache,
		   const struct shard_run *run, u64 lba,
		   struct shard_range *range);

/**
 * struct shard_run_iter - walks all entries of a run, in order
 *
 * Reads past the cache, with one page per level of its own, and leaves some at a
 * time.
 *
 * @cache:	set after shard_run_iter_begin(): asked first, for pages that are
 *		not needed any more afterwards
 */
struct shard_run_iter {
	struct shard_store *store;
	struct shard_cache *cache;
	const struct shard_run *run;
	u32 depth;			/* levels that hold a page */
	u32 idx[SHARD_RUN_LEVELS];	/* next child */
	void *pages[SHARD_RUN_LEVELS];
	u32 pos;			/* in the leaf */
	u32 *csums;			/* of the current entry */
	u64 next_lba;			/* behind it */
	u64 nr_pages_read;
	u32 page;			/* last one asked for */
	void *ahead;			/* pages as read; NULL: one at a time */
	u32 ahead_page;			/* the first of them */
	u32 ahead_nr;
};

/** shard_run_iter_begin() - may sleep.  Return: 0, -ENOMEM, -EUCLEAN. */
int shard_run_iter_begin(struct shard_run_iter *it, struct shard_store *store,
			 const struct shard_run *run);
/**
 * shard_run_iter_next() - the next entry
 * @range:	its csums are valid until the next call
 *
 * Return: 1; 0 at the end; -EIO, -EBADMSG.
 */
int shard_run_iter_next(struct shard_run_iter *it, struct shard_range *range);
void shard_run_iter_end(struct shard_run_iter *it);

/**
 * shard_run_guide() - make the guide of a run that has none
 * @blocks:	also note which blocks it speaks of: reads all leaves
 * @stop:	asked now and then: gives up when it is true
 *
 * May sleep.  Return: 0; -EINTR, -EIO, -EBADMSG, -EUCLEAN, -ENOMEM.
 */
int shard_run_guide(struct shard_store *store, const struct shard_run *run,
		    bool blocks, bool (*stop)(void *ctx), void *ctx,
		    struct shard_guide **guide);

struct shard_run_level {
	struct shard_page_builder builder;
	void *block;
	u64 first_lba;
};

/**
 * struct shard_run_builder - writes a run, entry by entry, in order
 * @before_page:	called before each page is put, may sleep and fail the
 *			run; or NULL
 * @guide:		of the run, from shard_guide_begin(); or NULL
 * @cache:		gets its pages; or NULL
 */
struct shard_run_builder {
	struct shard_store *store;
	struct shard_writer writer;
	u64 id;
	u8 stream;
	struct shard_range hole;	/* not added yet, if it has blocks */
	u64 nr_entries;
	u32 nr_pages;
	u32 height;
	u32 nr_chunks;
	u32 max_chunks;
	struct shard_run_chunk *chunks;
	struct shard_run_level levels[SHARD_RUN_LEVELS];
	int (*before_page)(void *ctx);
	void *ctx;
	struct shard_guide_builder *guide;
	struct shard_cache *cache;
};

/**
 * shard_run_builder_begin() - set up; may sleep
 * @stream:	SHARDBLK_STREAM_INDEX or _MERGE: whose extents it is written to
 * @dep:	everything written is added to it
 * @pages_max:	pages that it will have at most
 *
 * After an error, too, shard_run_builder_end() must be called.
 */
int shard_run_builder_begin(struct shard_run_builder *b,
			    struct shard_store *store, u32 stream, u64 id,
			    struct shard_dep *dep, u64 pages_max);
/**
 * shard_run_builder_add() - behind all that was added; may sleep
 *
 * Holes that follow one another become one entry.
 */
int shard_run_builder_add(struct shard_run_builder *b,
			  const struct shard_range *range);
/**
 * shard_run_builder_end() - finish, and free the builder
 * @error:	0, or why the run is abandoned
 * @run:	the run; NULL if it is empty or there was an error
 *
 * Return: the first error.
 */
int shard_run_builder_end(struct shard_run_builder *b, int error,
			  struct shard_run **run);

#endif /* SHARD_RUN_H */
