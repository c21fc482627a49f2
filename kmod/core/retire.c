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

/*
 * A root that knows all memtables to which its blocks went still needs some:
 * counts that a start was given are wrong, and no checkpoint will free it.
 */
static void extent_stuck(struct shard_extents *ex, struct shard_extent *e)
{
	lockdep_assert_held(&ex->lock);
	e->evacuated = false;
	e->tries++;
	ex->nr_leaving--;
	pr_err("extent %u: %u blocks count as live, and none is\n",
	       extent_nr(ex, e), e->live);
}

/* What the new root has in an extent. */
static void extent_root(struct shard_extents *ex, struct shard_extent *e,
			const struct shard_refs *refs, u32 published,
			u64 covered)
{
	lockdep_assert_held(&ex->lock);
	if (BIT(e->stream) & SHARD_META_STREAMS)
		e->live = e->counting;
	else
		e->live = shard_refs_live(refs, extent_nr(ex, e), e);
	if (e->evacuated && e->live && e->settled <= covered)
		extent_stuck(ex, e);
	if (BIT(e->stream) & SHARD_RELOC_STREAMS) {
		e->unpublished = e->unpublished && e->settled > covered;
		return;
	}
	if (!(BIT(e->stream) & published))
		return;
	e->published |= e->unpublished;
	e->unpublished = false;
}

u32 shard_extents_retire(struct shard_extents *ex, u32 streams,
			 const struct shard_refs *refs, u32 published,
			 u64 covered, u32 *retired, u32 max)
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
		extent_root(ex, e, refs, published, covered);
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
		shard_sometimes(e->evacuated, "an evacuated extent is given up");
		if (e->evacuated)
			ex->nr_leaving--;
		e->evacuated = false;
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
	/* a bad one, too: discards then have another, at the cost of moved data */
	if (e->stream == SHARDBLK_STREAM_HOST && ex->nr_discard)
		ex->nr_discard--;
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

/* ---- evacuation ---- */

/* Of up to so many extents all are looked at, else so many are drawn. */
#define VICTIM_ALL		16384u
#define VICTIM_DRAWS		1024u
/* An extent is tried so often; then what cannot be read keeps it. */
#define VICTIM_TRIES		3u

/* May it be a victim, or, if it is one already, become evacuated? */
static bool victim_may(const struct shard_extent *e, u32 live_max)
{
	return (BIT(e->stream) & SHARD_DATA_STREAMS) &&
	       e->state == SHARD_EXTENT_SEALED && !e->in_log && !e->retired &&
	       !e->unpublished && !e->evacuated && e->live &&
	       e->live <= live_max && e->tries < VICTIM_TRIES;
}

static u32 victim_draw(struct shard_extents *ex)
{
	/* xorshift32, Marsaglia 2003 */
	ex->random ^= ex->random << 13;
	ex->random ^= ex->random >> 17;
	ex->random ^= ex->random << 5;
	return ex->random % ex->layout.nr_extents;
}

/* The better of the best so far and extent @nr. */
static void victim_better(struct shard_extents *ex, u64 now, u32 live_max,
			  u32 nr, u32 *best, u64 *score)
{
	const struct shard_extent *e = &ex->extents[nr];
	u64 s;

	lockdep_assert_held(&ex->lock);
	if (e->evacuating || !victim_may(e, live_max))
		return;
	s = shard_extent_score(e, ex->layout.extent_blocks, now);
	if (*best && s <= *score)
		return;
	*best = nr;
	*score = s;
}

static u32 victim_sample(struct shard_extents *ex, u64 now, u32 live_max)
{
	unsigned long flags;
	u32 best = 0, i;
	u64 score = 0;

	spin_lock_irqsave(&ex->lock, flags);
	for (i = 0; i < VICTIM_DRAWS; i++)
		victim_better(ex, now, live_max, victim_draw(ex), &best,
			      &score);
	spin_unlock_irqrestore(&ex->lock, flags);
	return best;
}

static u32 victim_search(struct shard_extents *ex, u64 now, u32 live_max)
{
	u32 nr_extents = ex->layout.nr_extents, best = 0, from, nr;
	unsigned long flags;
	u64 score = 0;

	for (from = SHARDBLK_SUPER_EXTENTS; from < nr_extents; from = nr) {
		spin_lock_irqsave(&ex->lock, flags);
		for (nr = from; nr < min(from + SHARD_EXTENTS_SLICE, nr_extents); nr++)
			victim_better(ex, now, live_max, nr, &best, &score);
		spin_unlock_irqrestore(&ex->lock, flags);
	}
	return best;
}

u32 shard_extents_victim(struct shard_extents *ex, u64 now, u32 live_max,
			 struct shard_extent *victim)
{
	unsigned long flags;
	u32 nr = 0;
	bool may;

	if (ex->layout.nr_extents > VICTIM_ALL)
		nr = victim_sample(ex, now, live_max);
	if (!nr)
		nr = victim_search(ex, now, live_max);
	if (!nr)
		return 0;
	spin_lock_irqsave(&ex->lock, flags);
	/* it may have been given up as soon as the lock was let go */
	may = victim_may(&ex->extents[nr], live_max);
	if (may)
		ex->extents[nr].evacuating = true;
	*victim = ex->extents[nr];
	spin_unlock_irqrestore(&ex->lock, flags);
	return may ? nr : 0;
}

u64 shard_extents_dead(struct shard_extents *ex, u32 payload)
{
	u32 nr_extents = ex->layout.nr_extents, from, nr;
	unsigned long flags;
	u64 dead = 0;

	for (from = SHARDBLK_SUPER_EXTENTS; from < nr_extents; from = nr) {
		spin_lock_irqsave(&ex->lock, flags);
		for (nr = from; nr < min(from + SHARD_EXTENTS_SLICE, nr_extents); nr++)
			if (victim_may(&ex->extents[nr], payload - 1))
				dead += payload - ex->extents[nr].live;
		spin_unlock_irqrestore(&ex->lock, flags);
	}
	return dead;
}

void shard_extents_fill(struct shard_extents *ex,
			const struct shard_place *place, u32 nr_blocks, u64 now)
{
	struct shard_extent *e = &ex->extents[place->extent];
	unsigned long flags;

	spin_lock_irqsave(&ex->lock, flags);
	WARN_ON_ONCE(e->generation != place->generation);
	e->last_seq = now;
	e->filled = place->block + nr_blocks;
	spin_unlock_irqrestore(&ex->lock, flags);
}

void shard_extents_settle(struct shard_extents *ex,
			  const struct shard_place *place, u64 memtables)
{
	unsigned long flags;

	spin_lock_irqsave(&ex->lock, flags);
	ex->extents[place->extent].settled = memtables;
	spin_unlock_irqrestore(&ex->lock, flags);
}

bool shard_extents_walked(struct shard_extents *ex, u32 nr, u32 generation,
			  enum shard_walked how, u64 memtables)
{
	struct shard_extent *e = &ex->extents[nr];
	unsigned long flags;
	bool evacuated = false;

	spin_lock_irqsave(&ex->lock, flags);
	if (e->generation == generation && e->evacuating) {
		e->evacuating = false;
		/* the last block may have died, and all been given up */
		evacuated = how == SHARD_WALKED_ALL && victim_may(e, U32_MAX);
		if (how == SHARD_WALKED_FAILED)
			e->tries++;
	}
	if (evacuated) {
		e->evacuated = true;
		e->settled = memtables;
		ex->nr_leaving++;
	}
	spin_unlock_irqrestore(&ex->lock, flags);
	return evacuated;
}

u32 shard_extents_leaving(struct shard_extents *ex)
{
	unsigned long flags;
	u32 nr;

	spin_lock_irqsave(&ex->lock, flags);
	nr = ex->nr_leaving;
	spin_unlock_irqrestore(&ex->lock, flags);
	return nr;
}
