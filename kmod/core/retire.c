// SPDX-License-Identifier: GPL-2.0-only
/*
 * DOC: giving extents up
 *
 * What a durable root needs of each extent is counted, and what nothing needs
 * any more is given up: retired first, while readers may still be in there,
 * then free; or bad, if it could not be written.
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
		    e->state == SHARD_EXTENT_BAD ||
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
static void extent_offer(struct shard_extents *ex, struct shard_extent *e)
{
	lockdep_assert_held(&ex->lock);
	e->state = SHARD_EXTENT_FREE;
	if (list_empty(&e->record_node))
		list_add_tail(&e->node, &ex->free);
	else
		list_add(&e->node, &ex->free);
	ex->nr_free++;
}

static void extent_make_free(struct shard_extents *ex, struct shard_extent *e)
{
	lockdep_assert_held(&ex->lock);
	ex->heads[e->stream].nr_used--;
	shard_sometimes(e->bad, "an extent that failed is not used again");
	if (!e->bad) {
		extent_offer(ex, e);
		return;
	}
	e->state = SHARD_EXTENT_BAD;
	ex->nr_bad++;
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

/* ---- bad ones ---- */

/* Its reset failed: nothing was ever appended to it in this life. */
static void extent_unassign(struct shard_extents *ex, struct shard_extent *e)
{
	lockdep_assert_held(&ex->lock);
	ex->heads[e->stream].nr_ready--;
	if (e->in_log) {
		/* its generation is to be remembered all the same */
		list_move_tail(&e->record_node, &ex->assigned);
		e->in_log = false;
		ex->nr_log--;
		ex->nr_assigned++;
	}
	extent_make_free(ex, e);
}

void shard_extent_bad(struct shard_extents *ex, u32 nr)
{
	struct shard_extent *e = &ex->extents[nr];
	unsigned long flags;

	spin_lock_irqsave(&ex->lock, flags);
	e->bad = true;
	if (e->state == SHARD_EXTENT_OPEN)
		shard_extent_seal_open(ex, e);
	else if (e->state == SHARD_EXTENT_ASSIGNED)
		extent_unassign(ex, e);
	spin_unlock_irqrestore(&ex->lock, flags);
}

void shard_extent_try(struct shard_extents *ex, u32 nr)
{
	struct shard_extent *e = &ex->extents[nr];
	unsigned long flags;

	spin_lock_irqsave(&ex->lock, flags);
	if (e->state == SHARD_EXTENT_BAD) {
		e->bad = false;
		ex->nr_bad--;
		extent_offer(ex, e);
	}
	spin_unlock_irqrestore(&ex->lock, flags);
}

void shard_extent_restore_bad(struct shard_extents *ex, u32 nr)
{
	unsigned long flags;

	spin_lock_irqsave(&ex->lock, flags);
	ex->extents[nr].bad = true;
	spin_unlock_irqrestore(&ex->lock, flags);
}

void shard_extents_restored(struct shard_extents *ex)
{
	unsigned long flags;
	u32 i;

	spin_lock_irqsave(&ex->lock, flags);
	for (i = SHARDBLK_SUPER_EXTENTS; i < ex->layout.nr_extents; i++) {
		struct shard_extent *e = &ex->extents[i];

		if (!e->bad || e->state != SHARD_EXTENT_FREE)
			continue;
		list_del_init(&e->node);
		ex->nr_free--;
		e->state = SHARD_EXTENT_BAD;
		ex->nr_bad++;
	}
	spin_unlock_irqrestore(&ex->lock, flags);
}
