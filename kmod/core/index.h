/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Index: which block lies where; memtables over runs, a log-structured merge
 * tree.
 *
 * A version is what a look-up sees: the active memtable, a frozen one while a
 * checkpoint writes it, and the runs below, newest first.  A checkpoint makes
 * two new ones, a merge of runs that lie one over the other makes one:
 *
 *    { A, -, R1 R0 } --freeze--> { B, A, R1 R0 } --publish--> { B, -, R2 R1 R0 }
 *    { B, -, R2 R1 R0 } --publish--> { B, -, M R0 }
 *
 * Whoever holds a version keeps all that it can lead to: memtables, runs, and
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
/** shard_index_flush() - give up what nobody holds now; sleeps */
void shard_index_flush(struct shard_index *index);
/** shard_index_destroy() - nobody may hold a version; may sleep */
void shard_index_destroy(struct shard_index *index);

/** shard_index_cache() - its page cache, as long as it exists */
struct shard_cache *shard_index_cache(struct shard_index *index);

/** shard_index_restore() - recovery only: the manifest's runs; they are its own */
void shard_index_restore(struct shard_index *index,
			 const struct shard_runs *runs);

/** shard_index_fits() - room in the active memtable; also see memtable.h */
bool shard_index_fits(struct shard_index *index, u32 nr_entries, u32 nr_csums);
/** shard_index_empty() - is there nothing to write in a checkpoint */
bool shard_index_empty(struct shard_index *index);
/** shard_index_entries() - of the active and of the frozen memtable */
void shard_index_entries(struct shard_index *index, u32 *active, u32 *frozen);

/** shard_index_insert() - into the active memtable, where it must fit */
void shard_index_insert(struct shard_index *index,
			const struct shard_range *range);

/**
 * shard_index_swing() - moved blocks take the place of what they were made of
 * @covered:	shard_index_covered() before the look-up that told where they lay
 * @to:		the blocks, and where they lie now
 * @from:	where each lay, in blocks of the backing device; SHARD_MAP_GONE: it
 *		has changed since
 * @nr_entries:	of the active memtable that are someone else's
 * @nr_csums:	the same of checksums
 * @map:	scratch, of @to->nr_blocks
 *
 * O9: what is not, at this instant, where it was by that look-up, stays as it
 * is.  Memtables are asked now, and no memtable has become a run since, so the
 * look-up still holds for what no memtable knows.
 *
 * Return: blocks from the first on that were seen to, fewer than all if the
 * memtable is full; -EAGAIN: one has become a run, look up again.
 */
int shard_index_swing(struct shard_index *index, u64 covered,
		      const struct shard_range *to, const u64 *from,
		      u32 nr_entries, u32 nr_csums,
		      struct shard_block_map *map);
/** shard_index_covered() - memtables that are in runs, counted from the first */
u64 shard_index_covered(struct shard_index *index);
/** shard_index_memtables() - all that have been, the active one included */
u64 shard_index_memtables(struct shard_index *index);

/** shard_index_hold() - take the newest version; any context */
struct shard_version *shard_index_hold(struct shard_index *index);
/** shard_index_put() - let go of one; any context */
void shard_index_put(struct shard_index *index, struct shard_version *version);

/**
 * shard_index_lookup() - where blocks lie
 * @map:	of @nr_blocks blocks; all known afterwards, if there is no error
 * @sleep:	may read index pages
 *
 * All memtable entries are seen at one instant (O11), without a lock.  After an
 * error @map is what it was.
 *
 * Return: 0, -EAGAIN (needs a page and may not sleep), -EIO, -EBADMSG.
 */
int shard_index_lookup(struct shard_index *index, struct shard_version *version,
		       u64 lba, u32 nr_blocks, struct shard_block_map *map,
		       bool sleep);

/**
 * shard_index_knows() - do memtables alone say where blocks lie
 * @map:	of @nr_blocks, filled in: known is what they say
 *
 * Now: shard_index_lookup() would ask no run.
 */
bool shard_index_knows(struct shard_index *index, struct shard_version *version,
		       u64 lba, u32 nr_blocks, struct shard_block_map *map);

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

/**
 * shard_index_lookup_runs() - where the newest version's runs have blocks
 * @map:	of @nr_blocks, filled in
 *
 * Without memtables; a merge changes nothing of it.  May sleep.
 *
 * Return: 0, -EIO, -EBADMSG.
 */
int shard_index_lookup_runs(struct shard_index *index, u64 lba, u32 nr_blocks,
			    struct shard_block_map *map);
/** shard_index_next_in_runs() - as shard_index_next(), of these runs alone */
int shard_index_next_in_runs(struct shard_index *index, u64 *lba);

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
/** shard_index_run_id() - for a new run, of whoever makes one */
u64 shard_index_run_id(struct shard_index *index);
/* Pages that a run of what is frozen has at most. */
u64 shard_index_frozen_pages(struct shard_index *index);
/**
 * shard_index_runs() - the newest version's runs
 *
 * Only a publication drops one, so whoever keeps others from that may use them.
 */
void shard_index_runs(struct shard_index *index, struct shard_runs *runs);
/** shard_version_runs() - those of a version that is held */
const struct shard_runs *shard_version_runs(const struct shard_version *version);
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
 * shard_index_edit_begin() - alone from now on to change the runs; may sleep
 *
 * From the list of runs that a manifest is made of to that list being the
 * index's, through I/O: so no two roots are made of the same list.
 */
void shard_index_edit_begin(struct shard_index *index);
void shard_index_edit_end(struct shard_index *index);

/**
 * struct shard_edit - a change of the runs
 * @run:	the new one; NULL: none, all was overwritten
 * @nr:		runs that it takes the place of; 0: of the frozen memtable
 * @first:	the newest of those
 */
struct shard_edit {
	struct shard_run *run;
	u32 nr;
	const struct shard_run *first;
};

/** shard_edit_apply() - the runs afterwards, and those that are dropped */
void shard_edit_apply(const struct shard_edit *edit,
		      const struct shard_runs *from, struct shard_runs *to,
		      struct shard_runs *dropped);

/**
 * shard_index_publish() - a change takes effect
 * @edit:	its run is the index's from now on
 * @garbage:	the index's from now on
 * @next:	memory for the new version, from shard_index_version()
 */
void shard_index_publish(struct shard_index *index,
			 const struct shard_edit *edit,
			 struct shard_garbage *garbage,
			 struct shard_version *next);
/** shard_index_version() - memory for one; may sleep; free it with kvfree() */
struct shard_version *shard_index_version(void);

/** shard_index_on_free() - call @fn whenever extents were given up; may sleep */
void shard_index_on_free(struct shard_index *index, void (*fn)(void *ctx),
			 void *ctx);

#endif /* SHARD_INDEX_H */
