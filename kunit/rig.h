/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The engine up to row 3 on a fake device: writeback, extents, superblock and
 * chunk store, as recovery would have set them up on a device that has just
 * been formatted.
 */
#ifndef KUNIT_RIG_H
#define KUNIT_RIG_H

#include "fake_backend.h"
#include "../kmod/core/frame.h"
#include "../kmod/core/stats.h"

/* Extents of the rig; 16 blocks each. */
#define RIG_EXTENTS		64
#define RIG_EXTENT_BLOCKS	16
#define RIG_LOGICAL_BLOCKS	480

/**
 * struct rig - see above
 * @fake:	the device
 * @stats:	counters
 * @layout:	division of the extents
 * @record:	the record that the superblock began with
 * @store:	chunk store; has the rest
 * @failed:	what the superblock ended with
 * @nr_assigned: times that it said that extents became ready
 */
struct rig {
	struct fake_backend *fake;
	struct shard_stats stats;
	struct shard_layout layout;
	struct shard_super_record *record;
	struct shard_store store;
	int failed;
	u32 nr_assigned;
};

struct rig *rig_create(struct kunit *test, u32 block_size);
void rig_destroy(struct rig *rig);

/** rig_open() - give a stream an open extent, through a record */
void rig_open(struct kunit *test, struct rig *rig, u32 stream);

/** rig_stat() - a counter */
#define rig_stat(rig, name)	((u64)atomic64_read(&(rig)->stats.name))

/** rig_behind_super() - the first byte that no record of the superblock lies in */
static inline u64 rig_behind_super(const struct rig *rig)
{
	return (u64)SHARDBLK_SUPER_EXTENTS * RIG_EXTENT_BLOCKS *
	       rig->store.block_size;
}

#endif /* KUNIT_RIG_H */
