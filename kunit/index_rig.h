/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * An index over a rig, with an open host extent whose places it points to.
 */
#ifndef KUNIT_INDEX_RIG_H
#define KUNIT_INDEX_RIG_H

#include "rig.h"
#include "../kmod/core/index.h"

/**
 * struct index_rig - see above
 * @seq:	numbers given to insertions so far
 * @nr_freed:	times that extents were given up
 */
struct index_rig {
	struct kunit *test;
	struct rig *rig;
	struct shard_index *index;
	u64 seq;
	u32 nr_freed;
};

/* A suite's init and exit; the rig is test->priv. */
int index_rig_init(struct kunit *test);
/* The same with a cache of more than two pages; none is added, as the store says 0. */
int index_rig_begin(struct kunit *test, u32 cache_pages);
void index_rig_exit(struct kunit *test);

/** index_put() - one block of data at the next place of the host's extent */
void index_put(struct index_rig *f, u64 lba, u32 csum);
/** index_punch() - blocks become holes */
void index_punch(struct index_rig *f, u64 lba, u32 nr);
/** index_look_in() - the checksum that a version has for a block; 0: a hole */
u32 index_look_in(struct index_rig *f, struct shard_version *v, u64 lba);
/** index_look() - the same, in the newest version */
u32 index_look(struct index_rig *f, u64 lba);
/** index_freeze() - the active memtable */
void index_freeze(struct index_rig *f);
/** index_checkpoint() - freeze if nothing is frozen, and write it.  Return: error */
int index_checkpoint(struct index_rig *f);
/** index_try_bad() - let bad extents be used again.  Return: how many. */
u32 index_try_bad(struct index_rig *f);
/** index_nr_runs() - how many there are */
u32 index_nr_runs(struct index_rig *f);
/** index_run() - one of them, newest first */
struct shard_run *index_run(struct index_rig *f, u32 idx);
/** index_uncache() - nothing of it is cached any more */
void index_uncache(struct shard_index *index);
/** index_expect_counts() - is what counts as live in extents what the runs lead to */
void index_expect_counts(struct index_rig *f);

#endif /* KUNIT_INDEX_RIG_H */
