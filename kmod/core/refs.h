/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * References: what a new root points to, as differences from the one before.
 */
#ifndef SHARD_REFS_H
#define SHARD_REFS_H

#include "extent.h"

/**
 * struct shard_refs - what a new root points to more, or less, than the last
 *
 * Staged by the one job that makes the root, and applied once that is durable:
 * a failed attempt has counted nothing.  What points into another generation
 * than the extent's present one is stale and counts for nothing.
 */
struct shard_refs {
	u32 nr;
	struct shard_ref {
		u32 generation;
		s32 delta;
	} at[];
};

/** shard_refs_create() - may sleep; NULL without memory; free with kvfree() */
struct shard_refs *shard_refs_create(const struct shard_layout *layout);
/** shard_refs_add() - @blocks more (or less) of what lies at @place */
void shard_refs_add(struct shard_refs *refs, const struct shard_place *place,
		    s32 blocks);
/**
 * shard_refs_fit() - can as much be live in extent @nr with @refs applied
 *
 * Return: false if it is less than nothing, or more than the extent holds: then
 * the manifest that was read had wrong counts.
 */
bool shard_refs_fit(const struct shard_refs *refs, u32 nr,
		    const struct shard_extent *e, u32 extent_blocks);
/** shard_refs_live() - what is live in extent @nr with @refs, or NULL, applied */
u32 shard_refs_live(const struct shard_refs *refs, u32 nr,
		    const struct shard_extent *e);

#endif /* SHARD_REFS_H */
