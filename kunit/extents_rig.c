// SPDX-License-Identifier: GPL-2.0-only
#include "extents_rig.h"

int extents_rig_init(struct kunit *test)
{
	struct extents_rig *f = kunit_kzalloc(test, sizeof(*f), GFP_KERNEL);

	if (!f)
		return -ENOMEM;
	f->layout.block_size = 512;
	f->layout.extent_blocks = BLOCKS;
	f->layout.nr_extents = EXTENTS;
	f->layout.logical_blocks = 64;
	if (!shard_layout_make(&f->layout))
		return -EINVAL;
	f->ex = shard_extents_create(&f->layout);
	test->priv = f;
	return f->ex ? 0 : -ENOMEM;
}

void extents_rig_exit(struct kunit *test)
{
	struct extents_rig *f = test->priv;

	if (f)
		shard_extents_destroy(f->ex);
}

struct shard_extent extents_get(struct extents_rig *f, u32 nr)
{
	struct shard_extent e;

	shard_extent_get(f->ex, nr, &e);
	return e;
}

u32 extents_open(struct kunit *test, u32 stream)
{
	struct extents_rig *f = test->priv;
	u32 nr = 0;

	shard_extents_want(f->ex, stream, true);
	KUNIT_ASSERT_EQ(test, shard_extents_pick(f->ex, f->layout.nr_extents,
						 false, &nr, 1), 1u);
	shard_extents_want(f->ex, stream, false);
	shard_extent_ready(f->ex, nr);
	KUNIT_ASSERT_TRUE(test, shard_extents_next(f->ex, stream));
	return nr;
}

void extents_place(struct kunit *test, u32 stream, u32 nr_blocks, u64 last_seq)
{
	struct extents_rig *f = test->priv;
	struct shard_place at;

	KUNIT_ASSERT_TRUE(test, shard_extents_place(f->ex, stream, nr_blocks,
						    last_seq, &at));
}
