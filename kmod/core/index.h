/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Index: which block lies where; memtables over a run.
 *
 * A version is what a look-up sees: the active memtable, a frozen one while a
 * checkpoint writes it, and the run below.  A checkpoint makes two new ones:
 *
 *      { A, -, R0 }  --freeze-->  { B, A, R0 }  --publish-->  { B, -, R1 }
 *
 * Whoever holds a version keeps all that it can lead to: memtables, run, and
 * the extents that blocks lie in.  What a publication makes superfluous is
 * given up only when that version and all before it are held by nobody (O7).
 */
#ifndef SHARD_INDEX_H
#define SHARD_INDEX_H

#include "run.h"

struct shard_index;
struct shard_version;

/**
 * shard_index_create() - an empty index
 * @nr_entries:	of each of two memtables
 * @cache_pages: of the page cache
 *
 * May sleep; NULL without memory.
 */
struct shard_index *shard_index_create(struct shard_store *store,
				       u32 nr_entries, u32 cache_pages);
/** shard_index_stop() - give up all garbage, and call nobody any more; sleeps */
void shard_index_stop(struct shard_index *index);
/** shard_index_destroy() - nobody may hold a version; may sleep */
void shard_index_destroy(struct shard_index *index);

/** shard_index_restore() - recovery only: the run of the newest checkpoint */
void shard_index_restore(struct shard_index *index, struct shard_run *run);

/** shard_index_fits() - room in the active memtable; also see memtable.h */
bool shard_index_fits(struct shard_index *index, u32 nr_entries, u32 nr_csums);
/** shard_index_empty() - is there nothing to write in a checkpoint */
bool shard_index_empty(struct shard_index *index);

/** shard_index_insert() - into the active memtable, where it must fit */
void shard_index_insert(struct shard_index *index,
			const struct shard_range *range);

/** shard_index_hold() - take the newest version; any context */
struct shard_version *shard_index_hold(struct shard_index *index);
/** shard_index_put() - let go of one; any context */
void shard_index_put(struct shard_index *index, struct shard_version *version);

/**
 * shard_index_lookup() - where blocks lie
 * @map:	of @nr_blocks blocks; all known afterwards, if there is no error
 * @sleep:	may read index pages
 *
 * All memtable entries are seen at one instant (O11).  Can be called again with
 * the same @map after -EAGAIN.
 *
 * Return: 0, -EAGAIN (needs a page and may not sleep), -EIO, -EBADMSG.
 */
int shard_index_lookup(struct shard_index *index, struct shard_version *version,
		       u64 lba, u32 nr_blocks, struct shard_block_map *map,
		       bool sleep);

/**
 * shard_index_next() - where data goes on
 * @lba:	from here on; changed to the first block that is data, or of which
 *		it cannot be told
 *
 * Asks for ranges, not blocks: what it costs does not depend on how long holes
 * are.  May sleep.  Return: 1; 0 if only holes follow; -EIO, -EBADMSG.
 */
int shard_index_next(struct shard_index *index, struct shard_version *version,
		     u64 *lba);

/** shard_index_is_frozen() - is there a frozen memtable */
bool shard_index_is_frozen(struct shard_index *index);
/**
 * shard_index_prepare() - wait until a memtable is free to take over; may sleep
 *
 * Return: 0, -ENOMEM.
 */
int shard_index_prepare(struct shard_index *index);
/** shard_index_freeze() - after shard_index_prepare(); there is no frozen one */
void shard_index_freeze(struct shard_index *index);

/* For the checkpoint: does not change until shard_index_publish(). */
struct shard_memtable *shard_index_frozen(struct shard_index *index);
struct shard_run *shard_index_run(struct shard_index *index);
/* For the check of a device that nobody writes to. */
struct shard_memtable *shard_index_active(struct shard_index *index);

/**
 * struct shard_garbage - what a publication gives up
 * @nr:		extents
 * @max:	room
 * @extents:	their numbers, retired
 */
struct shard_garbage {
	u32 nr;
	u32 max;
	u32 extents[];
};

/**
 * shard_index_publish() - a run takes the place of the frozen memtable
 * @run:	the index's from now on; NULL: an empty one
 * @garbage:	the index's from now on
 * @next:	memory for the new version, from shard_index_version()
 */
void shard_index_publish(struct shard_index *index, struct shard_run *run,
			 struct shard_garbage *garbage,
			 struct shard_version *next);
/** shard_index_version() - memory for one; may sleep; free it with kvfree() */
struct shard_version *shard_index_version(void);

/** shard_index_on_free() - call @fn whenever extents were given up; may sleep */
void shard_index_on_free(struct shard_index *index, void (*fn)(void *ctx),
			 void *ctx);

#endif /* SHARD_INDEX_H */
