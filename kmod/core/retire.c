// SPDX-License-Identifier: GPL-2.0-only
/*
 * DOC: giving extents up
 *
 * What a durable root needs of each extent is counted, and what nothing needs
 * any more is given up: retired first, while readers may still be in there,
 * then free.
 */
#include "extents.h"

#include "refs.h"

void shard_extents_count_begin(struct shard_extents *ex, u32 streams)
{
	unsigned long flags;
	u32 i;

	spin_lock_irqsave(&ex->lock, flags);
	for (i = SHARDBLK_SUPER_EXTENTS; i < ex->layout.nr_extents; i++)
		if (streams & BIT(ex->extents[i].stream))
			ex->extents[i].counting = 0;
	spin_unlock_irqrestore(&ex->lock, flags);
}

void shard_extents_count(struct shard_extents *ex, u32 nr, u32 blocks)
{
	unsigned long flags;

	spin_lock_irqsave(&ex->lock, flags);
	ex->extents[nr].counting += blocks;
	spin_unlock_irqrestore(&ex->lock, flags);
}

void shard_extents_list(struct shard_extents *ex)
{
	unsigned long flags;
	u32 i;

	spin_lock_irqsave(&ex->lock, flags);
	for (i = SHARDBLK_SUPER_EXTENTS; i < ex->layout.nr_extents; i++)
		ex->extents[i].listing = ex->extents[i].generation;
	spin_unlock_irqrestore(&ex->lock, flags);
}

/* What the new root has in an extent. */
static void extent_root(struct shard_extents *ex, struct shard_extent *e,
			const struct shard_refs *refs, u32 published)
{
	lockdep_assert_held(&ex->lock);
	if (BIT(e->stream) & SHARD_META_STREAMS)
		e->live = e->counting;
	else
		e->live = shard_refs_live(refs, extent_nr(ex, e), e);
	if (!(BIT(e->stream) & published))
		return;
	e->published |= e->unpublished;
	e->unpublished = false;
}

u32 shard_extents_retire(struct shard_extents *ex, u32 streams,
			 const struct shard_refs *refs, u32 published,
			 u32 *retired, u32 max)
{
	unsigned long flags;
	u32 nr = 0;
	u32 i;

	spin_lock_irqsave(&ex->lock, flags);
	for (i = SHARDBLK_SUPER_EXTENTS; i < ex->layout.nr_extents; i++) {
		struct shard_extent *e = &ex->extents[i];

		if (e->state == SHARD_EXTENT_FREE ||
		    !(streams & BIT(e->stream)))
			continue;
		extent_root(ex, e, refs, published);
		/* O6 */
		if (e->state != SHARD_EXTENT_SEALED || e->in_log ||
		    e->retired || e->live || nr == max)
			continue;
		/* O7 */
		if (e->unpublished)
			continue;
		shard_sometimes(e->stream == SHARDBLK_STREAM_HOST,
				"a host extent is given up");
		shard_sometimes(BIT(e->stream) & SHARD_INDEX_STREAMS,
				"an index extent is given up");
		e->retired = true;
		ex->nr_retired++;
		retired[nr++] = i;
	}
	spin_unlock_irqrestore(&ex->lock, flags);
	return nr;
}

/* Those that records name anyway go first: they take no further entry. */
static void extent_make_free(struct shard_extents *ex, struct shard_extent *e)
{
	lockdep_assert_held(&ex->lock);
	e->state = SHARD_EXTENT_FREE;
	ex->heads[e->stream].nr_used--;
	if (list_empty(&e->record_node))
		list_add_tail(&e->node, &ex->free);
	else
		list_add(&e->node, &ex->free);
	ex->nr_free++;
}

void shard_extents_abandon(struct shard_extents *ex, u32 streams)
{
	unsigned long flags;
	u32 i;

	spin_lock_irqsave(&ex->lock, flags);
	for (i = SHARDBLK_SUPER_EXTENTS; i < ex->layout.nr_extents; i++) {
		struct shard_extent *e = &ex->extents[i];

		if (!(streams & BIT(e->stream)) || e->retired)
			continue;
		e->unpublished = false;
		/* O7: what was published may have readers */
		if (e->live || e->published)
			continue;
		if (e->state == SHARD_EXTENT_OPEN)
			shard_extent_seal_open(ex, e);
		shard_sometimes(e->state == SHARD_EXTENT_SEALED,
				"a failed checkpoint gives its extents back");
		if (e->state == SHARD_EXTENT_SEALED)
			extent_make_free(ex, e);
	}
	spin_unlock_irqrestore(&ex->lock, flags);
}

void shard_extent_free(struct shard_extents *ex, u32 nr)
{
	struct shard_extent *e = &ex->extents[nr];
	unsigned long flags;

	spin_lock_irqsave(&ex->lock, flags);
	WARN_ON_ONCE(!e->retired || e->state != SHARD_EXTENT_SEALED);
	e->retired = false;
	ex->nr_retired--;
	extent_make_free(ex, e);
	spin_unlock_irqrestore(&ex->lock, flags);
}
