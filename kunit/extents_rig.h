/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Extents of a small device, without one: streams get theirs as if records had
 * assigned them.
 */
#ifndef KUNIT_EXTENTS_RIG_H
#define KUNIT_EXTENTS_RIG_H

#include <kunit/test.h>

#include "../kmod/core/extent.h"

#define EXTENTS	64u
#define BLOCKS	16u		/* of an extent, of 512 bytes each */

/**
 * struct extents_rig - see above
 * @record:	room for one
 */
struct extents_rig {
	struct shard_extents *ex;
	struct shard_layout layout;
	struct shard_super_record record;
};

/* A suite's init and exit; the rig is test->priv. */
int extents_rig_init(struct kunit *test);
void extents_rig_exit(struct kunit *test);

/** extents_get() - a copy of an extent */
struct shard_extent extents_get(struct extents_rig *f, u32 nr);
/** extents_open() - give a stream an open extent, as if a record had done so */
u32 extents_open(struct kunit *test, u32 stream);
/** extents_place() - append blocks to the open extent of a stream */
void extents_place(struct kunit *test, u32 stream, u32 nr_blocks, u64 last_seq);

#endif /* KUNIT_EXTENTS_RIG_H */
