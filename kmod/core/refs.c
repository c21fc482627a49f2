// SPDX-License-Identifier: GPL-2.0-only
/*
 * DOC: references
 *
 * How many blocks of each extent the root points to is counted by differences:
 * a checkpoint adds what it puts into its run, and takes off what that hides.
 * Nothing is counted twice, since a place is given out once, and hidden once.
 */
#include "refs.h"

struct shard_refs *shard_refs_create(const struct shard_layout *layout)
{
	struct shard_refs *refs;

	refs = kvzalloc(struct_size(refs, at, layout->nr_extents), GFP_KERNEL);
	if (refs)
		refs->nr = layout->nr_extents;
	return refs;
}

void shard_refs_add(struct shard_refs *refs, const struct shard_place *place,
		    s32 blocks)
{
	struct shard_ref *ref = &refs->at[place->extent];

	if (place->generation < ref->generation)
		return;
	if (place->generation > ref->generation)
		ref->delta = 0;
	ref->generation = place->generation;
	ref->delta += blocks;
}

static s64 refs_sum(const struct shard_refs *refs, u32 nr,
		    const struct shard_extent *e)
{
	if (!refs || e->state == SHARD_EXTENT_FREE ||
	    e->state == SHARD_EXTENT_BAD || e->retired ||
	    refs->at[nr].generation != e->generation)
		return e->live;
	return (s64)e->live + refs->at[nr].delta;
}

bool shard_refs_fit(const struct shard_refs *refs, u32 nr,
		    const struct shard_extent *e, u32 extent_blocks)
{
	s64 live = refs_sum(refs, nr, e);

	return live >= 0 && live <= extent_blocks;
}

u32 shard_refs_live(const struct shard_refs *refs, u32 nr,
		    const struct shard_extent *e)
{
	s64 live = refs_sum(refs, nr, e);

	return WARN_ON_ONCE(live < 0) ? 0 : live;
}
