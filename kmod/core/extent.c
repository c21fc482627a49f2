// SPDX-License-Identifier: GPL-2.0-only
/*
 * DOC: extents
 *
 * One structure per extent, in one array, under one lock that is never held
 * across anything that waits.
 *
 * Two lists say what a superblock record must name beside the manifest: the
 * log list (extents that replay reads, in the order of their numbers) and the
 * assigned list (extents of the other streams that were assigned since the
 * manifest was written, so that their generations are not forgotten).
 *
 * What survives a crash is what the newest record names: all other extents are
 * free at the next start.  So an extent that was assigned and not yet named by
 * anything is simply given back, and starts cannot use up space.
 */
#include "extents.h"

/* The largest of all arrays that have an element for each extent. */
static_assert(sizeof(struct shard_extents) + (u64)SHARD_LAYOUT_EXTENTS_MAX *
	      sizeof(struct shard_extent) <= INT_MAX);

/* ---- set-up ---- */

struct shard_extents *shard_extents_create(const struct shard_layout *layout)
{
	struct shard_extents *ex;
	u32 i;

	ex = kvzalloc(struct_size(ex, extents, layout->nr_extents), GFP_KERNEL);
	if (!ex)
		return NULL;
	ex->layout = *layout;
	spin_lock_init(&ex->lock);
	INIT_LIST_HEAD(&ex->free);
	INIT_LIST_HEAD(&ex->log);
	INIT_LIST_HEAD(&ex->assigned);
	ex->random = 1;
	for (i = 0; i < SHARD_STREAMS; i++)
		INIT_LIST_HEAD(&ex->heads[i].ready);
	/* O12: more are there for moved data whatever the host has taken */
	ex->heads[SHARDBLK_STREAM_HOST].limit = layout->host_extents +
						layout->reloc_streams;
	for (i = SHARDBLK_STREAM_RELOC0; i <= SHARDBLK_STREAM_RELOC2; i++)
		ex->heads[i].limit = layout->host_extents +
				     layout->reloc_extents;
	ex->heads[SHARDBLK_STREAM_INDEX].limit = layout->index_extents;
	ex->heads[SHARDBLK_STREAM_MERGE].limit = layout->merge_extents;
	ex->heads[SHARDBLK_STREAM_META0].limit = layout->meta_extents / 2;
	ex->heads[SHARDBLK_STREAM_META1].limit = layout->meta_extents / 2;
	for (i = 0; i < layout->nr_extents; i++) {
		INIT_LIST_HEAD(&ex->extents[i].record_node);
		INIT_LIST_HEAD(&ex->extents[i].node);
		if (i < SHARDBLK_SUPER_EXTENTS)
			continue;
		list_add_tail(&ex->extents[i].node, &ex->free);
		ex->nr_free++;
	}
	return ex;
}

void shard_extents_destroy(struct shard_extents *ex)
{
	kvfree(ex);
}

const struct shard_layout *shard_extents_layout(const struct shard_extents *ex)
{
	return &ex->layout;
}

void shard_extent_get(struct shard_extents *ex, u32 nr,
		      struct shard_extent *copy)
{
	unsigned long flags;

	spin_lock_irqsave(&ex->lock, flags);
	*copy = ex->extents[nr];
	spin_unlock_irqrestore(&ex->lock, flags);
}

u32 shard_extents_next_listed(struct shard_extents *ex, u32 nr,
			      struct shard_extent *copy)
{
	unsigned long flags;

	spin_lock_irqsave(&ex->lock, flags);
	while (nr < ex->layout.nr_extents && !ex->extents[nr].listing)
		nr++;
	if (nr < ex->layout.nr_extents)
		*copy = ex->extents[nr];
	spin_unlock_irqrestore(&ex->lock, flags);
	return nr;
}

/* ---- assigning ---- */

void shard_extents_stock(struct shard_extents *ex, u32 stream, u32 low,
			 u32 high)
{
	unsigned long flags;

	spin_lock_irqsave(&ex->lock, flags);
	ex->heads[stream].low = low;
	ex->heads[stream].high = high;
	spin_unlock_irqrestore(&ex->lock, flags);
}

void shard_extents_want(struct shard_extents *ex, u32 stream, bool wanted)
{
	unsigned long flags;

	spin_lock_irqsave(&ex->lock, flags);
	ex->heads[stream].wanted = wanted;
	spin_unlock_irqrestore(&ex->lock, flags);
}

void shard_extents_for_discard(struct shard_extents *ex)
{
	unsigned long flags;

	spin_lock_irqsave(&ex->lock, flags);
	ex->for_discard = true;
	spin_unlock_irqrestore(&ex->lock, flags);
}

/*
 * Extents of a stream; those of data have their share together.  What discards
 * have taken beyond it is nobody's share: it costs moved data none of its own.
 */
static u32 stream_used(const struct shard_extents *ex, u32 stream)
{
	u32 nr = 0, s;

	lockdep_assert_held(&ex->lock);
	if (!(BIT(stream) & SHARD_DATA_STREAMS))
		return ex->heads[stream].nr_used;
	for (s = SHARDBLK_STREAM_HOST; s <= SHARDBLK_STREAM_RELOC2; s++)
		nr += ex->heads[s].nr_used;
	return nr - ex->nr_discard;
}

static bool share_is_taken(const struct shard_extents *ex, u32 stream)
{
	return stream_used(ex, stream) >= extents_limit(ex, stream);
}

/*
 * O12: can the host have one of those for discards?  However much of the share
 * moved data has; but a start does not know what was taken of them.
 */
static bool discard_is_left(const struct shard_extents *ex)
{
	u32 all = extents_limit(ex, SHARDBLK_STREAM_RELOC0) +
		  ex->layout.discard_extents;

	return ex->for_discard &&
	       ex->nr_discard < ex->layout.discard_extents &&
	       stream_used(ex, SHARDBLK_STREAM_HOST) + ex->nr_discard < all;
}

static bool head_is_full(const struct shard_extents *ex, u32 stream)
{
	if (stream != SHARDBLK_STREAM_HOST)
		return share_is_taken(ex, stream);
	/* never to lie ready: discards find it when nothing else is left */
	if (ex->heads[stream].nr_ready)
		return stream_used(ex, stream) + ex->nr_discard >=
		       extents_limit(ex, stream);
	return share_is_taken(ex, stream) && !discard_is_left(ex);
}

bool shard_extents_space_is_back(struct shard_extents *ex)
{
	struct shard_head *head = &ex->heads[SHARDBLK_STREAM_HOST];
	unsigned long flags;
	u32 limit;
	bool back;
	u32 used;

	spin_lock_irqsave(&ex->lock, flags);
	limit = extents_limit(ex, SHARDBLK_STREAM_HOST);
	used = stream_used(ex, SHARDBLK_STREAM_HOST) + ex->nr_discard;
	back = used < limit || (used == limit && head->nr_ready);
	if (back) {
		ex->for_discard = false;
		ex->nr_discard = 0;
	}
	spin_unlock_irqrestore(&ex->lock, flags);
	return back;
}

static struct shard_extent *extent_take_free(struct shard_extents *ex)
{
	struct shard_extent *e;

	lockdep_assert_held(&ex->lock);
	while (!list_empty(&ex->free)) {
		e = list_first_entry(&ex->free, struct shard_extent, node);
		list_del_init(&e->node);
		ex->nr_free--;
		/* O5: a generation is never assigned twice; then the extent ends */
		if (e->generation != U32_MAX)
			return e;
	}
	return NULL;
}

static bool extent_assign(struct shard_extents *ex, u32 stream, u32 *nr)
{
	struct shard_head *head = &ex->heads[stream];
	struct shard_extent *e = extent_take_free(ex);

	if (!e)
		return false;
	if (!list_empty(&e->record_node)) {
		list_del_init(&e->record_node);
		ex->nr_assigned--;
	}
	if (stream == SHARDBLK_STREAM_HOST && share_is_taken(ex, stream))
		ex->nr_discard++;
	e->generation++;		/* O5 */
	e->state = SHARD_EXTENT_ASSIGNED;
	e->stream = stream;
	e->written = 0;
	e->filled = 0;
	e->live = 0;
	e->settled = 0;
	e->evacuated = false;
	e->tries = 0;
	e->evacuating = false;
	e->counting = 0;
	e->unpublished = false;
	e->published = false;
	e->last_seq = 0;
	e->log_start = 0;
	e->log_end = SHARDBLK_END_OPEN;
	head->nr_used++;
	head->nr_ready++;
	if (stream == SHARDBLK_STREAM_HOST) {
		list_add_tail(&e->record_node, &ex->log);
		e->in_log = true;
		ex->nr_log++;
	} else {
		list_add_tail(&e->record_node, &ex->assigned);
		ex->nr_assigned++;
	}
	*nr = extent_nr(ex, e);
	return true;
}

/* Is the next free extent one that records name already? */
static bool free_is_named(struct shard_extents *ex)
{
	struct shard_extent *e = list_first_entry_or_null(&ex->free,
						struct shard_extent, node);

	lockdep_assert_held(&ex->lock);
	return e && !list_empty(&e->record_node);
}

static bool head_is_low(const struct shard_head *head)
{
	return head->nr_ready < max_t(u32, head->low, head->wanted);
}

static bool head_takes(const struct shard_head *head)
{
	return head->nr_ready < max_t(u32, head->high, head->wanted);
}

/*
 * Can stream @s have one extent more, if records name no more than @limit?
 * What a record names already takes no further entry.
 */
static bool head_may_have(struct shard_extents *ex, u32 s, u64 limit)
{
	lockdep_assert_held(&ex->lock);
	return limit && !list_empty(&ex->free) &&
	       !head_is_full(ex, s) &&
	       (ex->nr_log + ex->nr_assigned < limit || free_is_named(ex));
}

/* How many records may name when stream @s has what it gets of @room. */
static u64 head_names(const struct shard_extents *ex, u32 s, u32 named,
		      u32 room)
{
	if (!(BIT(s) & SHARD_DATA_STREAMS))
		return (u64)named + room;
	/* data leaves room, and what is named, to the rest */
	shard_sometimes(room <= ex->layout.record_slack,
			"records have no room for host extents");
	return room <= ex->layout.record_slack ? 0 :
	       (u64)named + room - ex->layout.record_slack;
}

static bool heads_are_low(struct shard_extents *ex, u32 room)
{
	u32 named = ex->nr_log + ex->nr_assigned, s;

	lockdep_assert_held(&ex->lock);
	for (s = 0; s < SHARD_STREAMS; s++)
		if (head_is_low(&ex->heads[s]) &&
		    head_may_have(ex, s, head_names(ex, s, named, room)))
			return true;
	return false;
}

bool shard_extents_low(struct shard_extents *ex, u32 room)
{
	unsigned long flags;
	bool low;

	spin_lock_irqsave(&ex->lock, flags);
	low = heads_are_low(ex, room);
	spin_unlock_irqrestore(&ex->lock, flags);
	return low;
}

u32 shard_extents_pick(struct shard_extents *ex, u32 room, bool anyway,
		       u32 *picked, u32 max)
{
	u32 named, s, nr = 0;
	unsigned long flags;

	spin_lock_irqsave(&ex->lock, flags);
	named = ex->nr_log + ex->nr_assigned;
	anyway = anyway || heads_are_low(ex, room);
	/* O12: the earlier in the space order, the earlier served: host last */
	for (s = SHARD_STREAMS; anyway && s-- > 0;)
		while (nr < max && head_takes(&ex->heads[s]) &&
		       head_may_have(ex, s, head_names(ex, s, named, room)) &&
		       extent_assign(ex, s, &picked[nr]))
			nr++;
	spin_unlock_irqrestore(&ex->lock, flags);
	return nr;
}

bool shard_extents_starved(struct shard_extents *ex, u32 stream)
{
	u32 max = shard_super_extents_max(ex->layout.block_size);
	struct shard_head *head = &ex->heads[stream];
	unsigned long flags;
	bool starved;

	spin_lock_irqsave(&ex->lock, flags);
	starved = list_empty(&ex->free) || head_is_full(ex, stream);
	/* as shard_extents_pick() has it */
	if ((BIT(stream) & SHARD_RELOC_STREAMS) &&
	    ex->nr_log + ex->nr_assigned + ex->layout.record_slack >= max)
		starved = true;
	if (stream != SHARDBLK_STREAM_HOST &&
	    ex->nr_log + ex->nr_assigned >= max && !free_is_named(ex))
		starved = true;
	starved = starved && !head->nr_ready && !ex->nr_retired;
	spin_unlock_irqrestore(&ex->lock, flags);
	return starved;
}

void shard_extent_ready(struct shard_extents *ex, u32 nr)
{
	struct shard_extent *e = &ex->extents[nr];
	unsigned long flags;

	spin_lock_irqsave(&ex->lock, flags);
	WARN_ON_ONCE(e->state != SHARD_EXTENT_ASSIGNED);
	e->state = SHARD_EXTENT_READY;
	list_add_tail(&e->node, &ex->heads[e->stream].ready);
	spin_unlock_irqrestore(&ex->lock, flags);
}

/* ---- appending ---- */

void shard_extent_seal_open(struct shard_extents *ex, struct shard_extent *e)
{
	struct shard_head *head = &ex->heads[e->stream];

	lockdep_assert_held(&ex->lock);
	WARN_ON_ONCE(e->state != SHARD_EXTENT_OPEN);
	e->state = SHARD_EXTENT_SEALED;
	head->open = 0;
}

bool shard_extents_next(struct shard_extents *ex, u32 stream)
{
	struct shard_head *head = &ex->heads[stream];
	struct shard_extent *e;
	unsigned long flags;
	bool ok = false;

	spin_lock_irqsave(&ex->lock, flags);
	/* O5: only extents whose record is durable and whose reset is done */
	if (!list_empty(&head->ready)) {
		if (head->open)
			shard_extent_seal_open(ex, &ex->extents[head->open]);
		e = list_first_entry(&head->ready, struct shard_extent, node);
		list_del_init(&e->node);
		head->nr_ready--;
		e->state = SHARD_EXTENT_OPEN;
		head->open = extent_nr(ex, e);
		ok = true;
	}
	spin_unlock_irqrestore(&ex->lock, flags);
	return ok;
}

u32 shard_extents_room(struct shard_extents *ex, u32 stream)
{
	struct shard_head *head = &ex->heads[stream];
	unsigned long flags;
	u32 room = 0;

	spin_lock_irqsave(&ex->lock, flags);
	if (head->open)
		room = ex->layout.extent_blocks -
		       ex->extents[head->open].written;
	spin_unlock_irqrestore(&ex->lock, flags);
	return room;
}

u32 shard_extents_left(struct shard_extents *ex, u32 stream)
{
	struct shard_head *head = &ex->heads[stream];
	unsigned long flags;
	u32 left, i;

	spin_lock_irqsave(&ex->lock, flags);
	left = head->nr_ready + head->limit - min(head->limit, head->nr_used);
	for (i = SHARDBLK_SUPER_EXTENTS; i < ex->layout.nr_extents; i++)
		if (ex->extents[i].retired && ex->extents[i].stream == stream)
			left++;
	spin_unlock_irqrestore(&ex->lock, flags);
	return left;
}

u32 shard_extents_host_left(struct shard_extents *ex)
{
	struct shard_head *head = &ex->heads[SHARDBLK_STREAM_HOST];
	unsigned long flags;
	u32 left, used, limit;

	spin_lock_irqsave(&ex->lock, flags);
	used = stream_used(ex, SHARDBLK_STREAM_HOST) + ex->nr_discard;
	limit = extents_limit(ex, SHARDBLK_STREAM_HOST);
	left = head->nr_ready + limit - min(limit, used);
	spin_unlock_irqrestore(&ex->lock, flags);
	return left;
}

u32 shard_extents_reloc_left(struct shard_extents *ex)
{
	unsigned long flags;
	u32 used, limit;

	spin_lock_irqsave(&ex->lock, flags);
	used = stream_used(ex, SHARDBLK_STREAM_RELOC0);
	limit = extents_limit(ex, SHARDBLK_STREAM_RELOC0);
	spin_unlock_irqrestore(&ex->lock, flags);
	return limit - min(limit, used);
}

bool shard_extents_place(struct shard_extents *ex, u32 stream, u32 nr_blocks,
			 u64 last_seq, struct shard_place *place)
{
	struct shard_head *head = &ex->heads[stream];
	struct shard_extent *e;
	unsigned long flags;
	bool placed = false;

	spin_lock_irqsave(&ex->lock, flags);
	e = &ex->extents[head->open];
	if (head->open) {
		WARN_ON_ONCE(e->state != SHARD_EXTENT_OPEN);
		WARN_ON_ONCE(nr_blocks > ex->layout.extent_blocks - e->written);
		place->extent = head->open;
		place->generation = e->generation;
		place->block = e->written;
		e->written += nr_blocks;	/* O1 */
		e->last_seq = max(e->last_seq, last_seq);
		/* O7: not to be given up before its run is published */
		e->unpublished = SHARD_INDEX_STREAMS & BIT(stream);
		if (BIT(stream) & SHARD_RELOC_STREAMS) {
			/* O7: not given up before a root knows what is in it */
			e->unpublished = true;
			e->settled = U64_MAX;
		} else {
			e->filled = e->written;
		}
		placed = true;
	}
	spin_unlock_irqrestore(&ex->lock, flags);
	return placed;
}

void shard_extents_seal(struct shard_extents *ex, u32 nr)
{
	struct shard_extent *e = &ex->extents[nr];
	unsigned long flags;

	spin_lock_irqsave(&ex->lock, flags);
	if (e->state == SHARD_EXTENT_OPEN)
		shard_extent_seal_open(ex, e);
	spin_unlock_irqrestore(&ex->lock, flags);
}

void shard_extents_cut(struct shard_extents *ex,
		       const struct shard_place *place, u64 last_seq)
{
	struct shard_extent *e = &ex->extents[place->extent];
	unsigned long flags;

	spin_lock_irqsave(&ex->lock, flags);
	WARN_ON_ONCE(e->generation != place->generation);
	if (e->state == SHARD_EXTENT_OPEN)
		shard_extent_seal_open(ex, e);	/* O1 */
	/* O2: this is where a record says that it ends */
	e->written = min(e->written, place->block);
	e->last_seq = min(e->last_seq, last_seq);
	e->filled = e->written;
	spin_unlock_irqrestore(&ex->lock, flags);
}

/* ---- records ---- */

static void record_add(struct shard_super_record *record, u32 nr,
		       const struct shard_extent *e, u32 start, u32 end)
{
	struct shard_super_extent *to =
		&record->extents[record->nr_log + record->nr_assigned];

	to->extent = nr;
	to->generation = e->generation;
	to->start = start;
	to->end = end;
}

/* Does replay after @seq need nothing of this log extent, for ever? */
static bool extent_replayed(const struct shard_extent *e, u64 seq)
{
	return e->state == SHARD_EXTENT_SEALED && e->last_seq <= seq;
}

/*
 * O5: what was cut off may be replayed before any manifest lists its generation;
 * it is named until then, or the next start would assign it once more.
 */
static bool log_drops(const struct shard_extent *e,
		      const struct shard_log_start *from, bool relist)
{
	return extent_replayed(e, from->seq) &&
	       (relist ? e->listing : e->listed) == e->generation;
}

static bool log_starts_in(struct shard_extents *ex, struct shard_extent *e,
			  const struct shard_log_start *from)
{
	/* O1: what was cut off may have been given up since, and taken again */
	return extent_nr(ex, e) == from->place.extent &&
	       e->generation == from->place.generation;
}

int shard_extents_record(struct shard_extents *ex,
			 const struct shard_log_start *from, u64 durable_seq,
			 bool relist, struct shard_super_record *record)
{
	u32 max = shard_super_extents_max(ex->layout.block_size);
	struct shard_extent *e;
	unsigned long flags;
	int err = -ENOSPC;

	record->nr_log = 0;
	record->nr_assigned = 0;
	spin_lock_irqsave(&ex->lock, flags);
	list_for_each_entry(e, &ex->log, record_node) {
		u32 nr = extent_nr(ex, e);
		u32 start = e->log_start, end = e->log_end;

		if (log_drops(e, from, relist))
			continue;
		if (log_starts_in(ex, e, from))
			start = from->place.block;
		if (record->nr_log == max)
			goto out;
		/* the end is fixed once all up to it is known to be durable */
		if (end == SHARDBLK_END_OPEN &&
		    e->state == SHARD_EXTENT_SEALED && e->last_seq <= durable_seq)
			end = e->written;
		record_add(record, nr, e, start, end);
		record->nr_log++;
	}
	list_for_each_entry(e, &ex->assigned, record_node) {
		if (relist && e->listing == e->generation)
			continue;
		if (record->nr_log + record->nr_assigned == max)
			goto out;
		record_add(record, extent_nr(ex, e), e, 0, SHARDBLK_END_OPEN);
		record->nr_assigned++;
	}
	err = 0;
out:
	spin_unlock_irqrestore(&ex->lock, flags);
	return err;
}

u32 shard_extents_named(struct shard_extents *ex)
{
	unsigned long flags;
	u32 nr;

	spin_lock_irqsave(&ex->lock, flags);
	nr = ex->nr_log + ex->nr_assigned;
	spin_unlock_irqrestore(&ex->lock, flags);
	return nr;
}

void shard_extents_relog(struct shard_extents *ex,
			 const struct shard_log_start *from, bool relist)
{
	struct shard_extent *e, *next;
	unsigned long flags;

	spin_lock_irqsave(&ex->lock, flags);
	list_for_each_entry_safe(e, next, &ex->log, record_node) {
		if (log_starts_in(ex, e, from))
			e->log_start = from->place.block;
		if (!log_drops(e, from, relist))
			continue;
		list_del_init(&e->record_node);
		e->in_log = false;
		ex->nr_log--;
	}
	if (relist) {
		u32 i;

		for (i = SHARDBLK_SUPER_EXTENTS; i < ex->layout.nr_extents; i++)
			ex->extents[i].listed = ex->extents[i].listing;
		list_for_each_entry_safe(e, next, &ex->assigned, record_node) {
			if (e->listed != e->generation)
				continue;
			list_del_init(&e->record_node);
			ex->nr_assigned--;
		}
	}
	spin_unlock_irqrestore(&ex->lock, flags);
}

void shard_extents_tail(struct shard_extents *ex, u32 stream,
			struct shard_place *place)
{
	struct shard_head *head = &ex->heads[stream];
	struct shard_extent *e;
	unsigned long flags;

	spin_lock_irqsave(&ex->lock, flags);
	e = &ex->extents[head->open];
	place->extent = head->open;
	place->generation = e->generation;
	place->block = head->open ? e->written : 0;
	spin_unlock_irqrestore(&ex->lock, flags);
}

/* ---- recovery ---- */

void shard_extent_restore_generation(struct shard_extents *ex, u32 nr,
				     u32 generation, bool listed)
{
	struct shard_extent *e = &ex->extents[nr];
	unsigned long flags;

	spin_lock_irqsave(&ex->lock, flags);
	e->generation = max(e->generation, generation);
	if (listed) {
		e->listed = generation;
	} else if (e->generation != e->listed && list_empty(&e->record_node)) {
		list_add_tail(&e->record_node, &ex->assigned);
		ex->nr_assigned++;
		if (!list_empty(&e->node))
			list_move(&e->node, &ex->free);
	}
	spin_unlock_irqrestore(&ex->lock, flags);
}

bool shard_extent_restore(struct shard_extents *ex, u32 nr, u32 stream,
			  u32 written, u32 live)
{
	struct shard_extent *e = &ex->extents[nr];
	unsigned long flags;
	bool ok;

	spin_lock_irqsave(&ex->lock, flags);
	ok = e->state == SHARD_EXTENT_FREE || e->stream == stream;
	if (e->state == SHARD_EXTENT_FREE && !list_empty(&e->node)) {
		list_del_init(&e->node);
		ex->nr_free--;
		ex->heads[stream].nr_used++;
	}
	if (ok) {
		/* O1: a start never appends to what another life has written */
		e->state = SHARD_EXTENT_SEALED;
		e->stream = stream;
		e->written = written;
		e->filled = written;
		e->live = live;
		e->published = BIT(stream) & SHARD_INDEX_STREAMS;
	}
	spin_unlock_irqrestore(&ex->lock, flags);
	return ok;
}

void shard_extent_restore_seq(struct shard_extents *ex, u32 nr, u64 last_seq)
{
	unsigned long flags;

	spin_lock_irqsave(&ex->lock, flags);
	ex->extents[nr].last_seq = last_seq;
	spin_unlock_irqrestore(&ex->lock, flags);
}

void shard_extent_restore_log(struct shard_extents *ex, u32 nr, u32 start,
			      u32 end, u64 last_seq)
{
	struct shard_extent *e = &ex->extents[nr];
	unsigned long flags;

	spin_lock_irqsave(&ex->lock, flags);
	e->log_start = start;
	e->log_end = end;
	e->last_seq = last_seq;
	e->in_log = true;
	if (!list_empty(&e->record_node)) {
		list_del_init(&e->record_node);
		ex->nr_assigned--;
	}
	list_add_tail(&e->record_node, &ex->log);
	ex->nr_log++;
	spin_unlock_irqrestore(&ex->lock, flags);
}

/* ---- status ---- */

u32 shard_extents_nr_free(struct shard_extents *ex)
{
	unsigned long flags;
	u32 nr;

	spin_lock_irqsave(&ex->lock, flags);
	nr = ex->nr_free;
	spin_unlock_irqrestore(&ex->lock, flags);
	return nr;
}

u32 shard_extents_nr_bad(struct shard_extents *ex)
{
	u32 nr_extents = ex->layout.nr_extents, from, i;
	unsigned long flags;
	u32 nr = 0;

	for (from = SHARDBLK_SUPER_EXTENTS; from < nr_extents; from = i) {
		spin_lock_irqsave(&ex->lock, flags);
		for (i = from; i < min(from + SHARD_EXTENTS_SLICE, nr_extents); i++)
			nr += ex->extents[i].bad;
		spin_unlock_irqrestore(&ex->lock, flags);
	}
	return nr;
}

u32 shard_extents_nr_used(struct shard_extents *ex, u32 stream)
{
	unsigned long flags;
	u32 nr;

	spin_lock_irqsave(&ex->lock, flags);
	nr = ex->heads[stream].nr_used;
	spin_unlock_irqrestore(&ex->lock, flags);
	return nr;
}

/* Blocks that the newest root points to. */
u64 shard_extents_live(struct shard_extents *ex)
{
	u32 nr_extents = ex->layout.nr_extents, from, i;
	unsigned long flags;
	u64 live = 0;

	for (from = SHARDBLK_SUPER_EXTENTS; from < nr_extents; from = i) {
		spin_lock_irqsave(&ex->lock, flags);
		for (i = from; i < min(from + SHARD_EXTENTS_SLICE, nr_extents); i++)
			if ((BIT(ex->extents[i].stream) & SHARD_DATA_STREAMS) &&
			    ex->extents[i].state != SHARD_EXTENT_FREE)
				live += ex->extents[i].live;
		spin_unlock_irqrestore(&ex->lock, flags);
	}
	return live;
}
