// SPDX-License-Identifier: GPL-2.0-only
/*
 * The model of extents in place of the extents, under all else.
 *
 * Goal: the rows above do with any extents that keep their contracts.  Method:
 * all is counted anew in the model whenever it is asked for.  Drawn: which free
 * extent is taken, by how much its generation grows, and whether a stream gets
 * more than it is in need of.
 */
#include "extent.h"
#include "mock.h"
#include "model/m_extent.h"
#include "refs.h"
#include "suites.h"

#define FIRST		SHARDBLK_SUPER_EXTENTS
#define ALL		(BIT(SHARD_STREAMS) - 1)

/*
 * What records and manifests have to know of an extent beside the model's: see
 * struct shard_extent.
 */
struct more {
	u32 listed, listing;
	u32 counting;
	u32 log_order;
	u32 log_start, log_end;
	u32 filled;
	u32 tries;
	bool retired;
};

struct shard_extents {
	struct shard_layout layout;
	u32 low[SHARD_STREAMS];
	u32 high[SHARD_STREAMS];
	bool wanted[SHARD_STREAMS];
	bool for_discard;
	u32 discard;		/* what the host has for them; 0: none */
	struct m_extents m;
	struct more more[M_EXTENTS_MAX];
};

struct shard_extents *shard_extents_create(const struct shard_layout *layout)
{
	struct shard_extents *ex = kvzalloc(sizeof(*ex), GFP_KERNEL);
	u32 i;

	if (!ex)
		return NULL;
	if (layout->nr_extents > M_EXTENTS_MAX)
		kapi_fail("the model is too small");
	ex->layout = *layout;
	ex->m.nr = layout->nr_extents;
	for (i = 0; i < FIRST; i++)
		ex->m.e[i].state = M_EXTENT_SUPER;
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

/* The numbers of the states are the same. */
void shard_extent_get(struct shard_extents *ex, u32 nr,
		      struct shard_extent *copy)
{
	const struct m_extent *e = &ex->m.e[nr];
	const struct more *more = &ex->more[nr];

	*copy = (struct shard_extent){
		.generation = e->generation, .listed = more->listed,
		.listing = more->listing, .written = e->written,
		.live = e->refs, .counting = more->counting,
		.last_seq = e->last_seq, .log_start = more->log_start,
		.log_end = more->log_end, .state = e->state,
		.stream = e->stream, .in_log = e->in_log,
		.unpublished = e->unpublished, .published = e->published,
		.filled = BIT(e->stream) & SHARD_RELOC_STREAMS ? more->filled :
			  e->written,
		.evacuated = e->evacuated, .evacuating = e->evacuating,
		.retired = more->retired, .bad = e->bad,
	};
}

u32 shard_extents_next_listed(struct shard_extents *ex, u32 nr,
			      struct shard_extent *copy)
{
	for (; nr < ex->layout.nr_extents; nr++) {
		shard_extent_get(ex, nr, copy);
		if (copy->listing)
			break;
	}
	return nr;
}

/* ---- counting ---- */

static bool is_of(struct shard_extents *ex, u32 nr, u32 streams)
{
	return ex->m.e[nr].state != M_EXTENT_FREE &&
	       ex->m.e[nr].state != M_EXTENT_BAD &&
	       (BIT(ex->m.e[nr].stream) & streams);
}

static u32 nr_used(struct shard_extents *ex, u32 streams)
{
	u32 nr, used = 0;

	for (nr = FIRST; nr < ex->m.nr; nr++)
		used += is_of(ex, nr, streams);
	return used;
}

/* Those of data share what there is. */
static u32 nr_shared(struct shard_extents *ex, u32 stream)
{
	return nr_used(ex, BIT(stream) & SHARD_DATA_STREAMS ?
			   SHARD_DATA_STREAMS : BIT(stream));
}

static u32 nr_ready(struct shard_extents *ex, u32 stream)
{
	u32 nr, ready = 0;

	for (nr = FIRST; nr < ex->m.nr; nr++)
		ready += is_of(ex, nr, BIT(stream)) &&
			 (ex->m.e[nr].state == M_EXTENT_READY ||
			  ex->m.e[nr].state == M_EXTENT_ASSIGNED);
	return ready;
}

static u32 nr_retired(struct shard_extents *ex, u32 streams)
{
	u32 nr, retired = 0;

	for (nr = FIRST; nr < ex->m.nr; nr++)
		retired += ex->more[nr].retired && is_of(ex, nr, streams);
	return retired;
}

/* Records name it: the log, and what no durable manifest lists. */
static bool is_named(struct shard_extents *ex, u32 nr)
{
	return ex->m.e[nr].in_log ||
	       ex->m.e[nr].generation != ex->more[nr].listed;
}

u32 shard_extents_named(struct shard_extents *ex)
{
	u32 nr, named = 0;

	for (nr = FIRST; nr < ex->m.nr; nr++)
		named += is_named(ex, nr);
	return named;
}

/* Free, with a generation left; @room: for one more name in records. */
static bool may_take(struct shard_extents *ex, u32 nr, bool room)
{
	return ex->m.e[nr].state == M_EXTENT_FREE &&
	       ex->m.e[nr].generation != U32_MAX &&
	       (room || is_named(ex, nr));
}

/* Records have room for @limit names. */
static u32 nr_to_take(struct shard_extents *ex, u64 limit)
{
	bool room = shard_extents_named(ex) < limit;
	u32 nr, takeable = 0;

	for (nr = FIRST; nr < ex->m.nr; nr++)
		takeable += may_take(ex, nr, room);
	return takeable;
}

/* Of no stream any more: the host's loss. */
static u32 nr_bad(struct shard_extents *ex)
{
	u32 nr, bad = 0;

	for (nr = FIRST; nr < ex->m.nr; nr++)
		bad += ex->m.e[nr].state == M_EXTENT_BAD;
	return bad;
}

static u32 limit_of(struct shard_extents *ex, u32 stream)
{
	const struct shard_layout *l = &ex->layout;
	u32 host = l->host_extents - min(l->host_extents, nr_bad(ex));

	if (BIT(stream) & SHARD_RELOC_STREAMS)
		return host + l->reloc_extents;
	switch (stream) {
	case SHARDBLK_STREAM_HOST:
		return host + l->reloc_streams;
	case SHARDBLK_STREAM_INDEX:
		return l->index_extents;
	case SHARDBLK_STREAM_MERGE:
		return l->merge_extents;
	default:
		return l->meta_extents / SHARDBLK_MANIFEST_COPIES;
	}
}

/* Once discards may take their own, that is the last extent to be had. */
static u32 limit_now(struct shard_extents *ex, u32 stream)
{
	u32 limit = limit_of(ex, stream);

	if (stream == SHARDBLK_STREAM_HOST && nr_ready(ex, stream))
		return limit;
	if (stream == SHARDBLK_STREAM_HOST && ex->for_discard && !ex->discard)
		return limit_of(ex, SHARDBLK_STREAM_RELOC0) +
		       ex->layout.discard_extents;
	return limit + (BIT(stream) & SHARD_DATA_STREAMS && ex->discard);
}

static void set_free(struct shard_extents *ex, u32 nr)
{
	m_extent_set(&ex->m, nr, M_EXTENT_FREE);
	if (ex->discard == nr)
		ex->discard = 0;
}

/* ---- assigning ---- */

void shard_extents_stock(struct shard_extents *ex, u32 stream, u32 low,
			 u32 high)
{
	ex->low[stream] = low;
	ex->high[stream] = high;
}

void shard_extents_want(struct shard_extents *ex, u32 stream, bool wanted)
{
	ex->wanted[stream] = wanted;
}

void shard_extents_for_discard(struct shard_extents *ex)
{
	ex->for_discard = true;
}

bool shard_extents_space_is_back(struct shard_extents *ex)
{
	u32 used = nr_shared(ex, SHARDBLK_STREAM_HOST);
	u32 limit = limit_of(ex, SHARDBLK_STREAM_HOST);
	bool back = used < limit ||
		    (used == limit && nr_ready(ex, SHARDBLK_STREAM_HOST));

	if (back) {
		ex->for_discard = false;
		ex->discard = 0;
	}
	return back;
}

static u32 assign(struct shard_extents *ex, u32 stream, u64 limit)
{
	u32 n = mock_draw(nr_to_take(ex, limit)), nr = FIRST, generation;
	bool room = shard_extents_named(ex) < limit;
	const char *why;

	while (!may_take(ex, nr, room) || n--)
		nr++;
	if (stream == SHARDBLK_STREAM_HOST && !ex->discard &&
	    nr_shared(ex, stream) >= limit_of(ex, stream))
		ex->discard = nr;
	generation = ex->m.e[nr].generation + 1 + mock_draw(3);
	why = m_extent_assign(&ex->m, nr, stream, generation);
	if (why)
		kapi_fail("%s", why);
	ex->more[nr].counting = 0;
	ex->more[nr].filled = 0;
	ex->more[nr].tries = 0;
	ex->more[nr].log_order = ++ex->m.clock;
	ex->more[nr].log_start = 0;
	ex->more[nr].log_end = SHARDBLK_END_OPEN;
	return nr;
}

static bool is_low(struct shard_extents *ex, u32 stream)
{
	return nr_ready(ex, stream) <
	       max_t(u32, ex->low[stream], ex->wanted[stream]);
}

/* Does it get one more?  What it is not in need of may come later as well. */
static bool takes(struct shard_extents *ex, u32 stream)
{
	return is_low(ex, stream) ||
	       (nr_ready(ex, stream) < ex->high[stream] && mock_draw(4) != 1);
}

static bool may_have(struct shard_extents *ex, u32 stream, u64 limit)
{
	return limit && nr_shared(ex, stream) < limit_now(ex, stream) &&
	       nr_to_take(ex, limit);
}

/* How many records may name, by stream.  Return: is one of these low? */
static bool stream_limits(struct shard_extents *ex, u32 room, u64 *limits)
{
	bool low = false;
	u32 s;

	for (s = 0; s < SHARD_STREAMS; s++) {
		limits[s] = (u64)shard_extents_named(ex) + room;
		if (BIT(s) & SHARD_DATA_STREAMS)
			limits[s] = room <= ex->layout.record_slack ? 0 :
				    limits[s] - ex->layout.record_slack;
		low |= is_low(ex, s) && may_have(ex, s, limits[s]);
	}
	return low;
}

bool shard_extents_low(struct shard_extents *ex, u32 room)
{
	u64 limits[SHARD_STREAMS];

	return stream_limits(ex, room, limits);
}

u32 shard_extents_pick(struct shard_extents *ex, u32 room, bool anyway,
		       u32 *picked, u32 max)
{
	u64 limits[SHARD_STREAMS];
	u32 s, nr = 0;

	anyway |= stream_limits(ex, room, limits);
	for (s = SHARD_STREAMS; anyway && s-- > 0;)
		while (nr < max && may_have(ex, s, limits[s]) && takes(ex, s))
			picked[nr++] = assign(ex, s, limits[s]);
	return nr;
}

bool shard_extents_starved(struct shard_extents *ex, u32 stream)
{
	u32 max = shard_super_extents_max(ex->layout.block_size);
	u64 limit = stream == SHARDBLK_STREAM_HOST ? U64_MAX : max;

	/* moved data gets none then, as the host, which asks for records itself */
	if ((BIT(stream) & SHARD_RELOC_STREAMS) &&
	    shard_extents_named(ex) + ex->layout.record_slack >= max)
		limit = 0;
	return !nr_ready(ex, stream) && !nr_retired(ex, ALL) &&
	       !may_have(ex, stream, limit);
}

/* ---- lives ---- */

void shard_extent_ready(struct shard_extents *ex, u32 nr)
{
	if (ex->m.e[nr].state != M_EXTENT_ASSIGNED)
		kapi_fail("O5: extent %u was not assigned", nr);
	m_extent_set(&ex->m, nr, M_EXTENT_READY);
}

bool shard_extents_next(struct shard_extents *ex, u32 stream)
{
	return m_extent_next(&ex->m, stream);
}

void shard_extents_tail(struct shard_extents *ex, u32 stream,
			struct shard_place *place)
{
	u32 nr = m_extent_first(&ex->m, stream, M_EXTENT_OPEN);

	place->extent = nr;
	place->generation = ex->m.e[nr].generation;
	place->block = ex->m.e[nr].written;
}

u32 shard_extents_room(struct shard_extents *ex, u32 stream)
{
	struct shard_place tail;

	shard_extents_tail(ex, stream, &tail);
	return tail.extent ? ex->layout.extent_blocks - tail.block : 0;
}

u32 shard_extents_host_left(struct shard_extents *ex)
{
	const u32 s = SHARDBLK_STREAM_HOST;

	return nr_ready(ex, s) + limit_of(ex, s) -
	       min(limit_of(ex, s), nr_shared(ex, s));
}

u32 shard_extents_reloc_left(struct shard_extents *ex)
{
	const u32 s = SHARDBLK_STREAM_RELOC0;

	return limit_now(ex, s) - min(limit_now(ex, s), nr_shared(ex, s));
}

u32 shard_extents_left(struct shard_extents *ex, u32 stream)
{
	u32 limit = limit_of(ex, stream), used = nr_used(ex, BIT(stream));

	return nr_ready(ex, stream) + nr_retired(ex, BIT(stream)) +
	       limit - min(limit, used);
}

bool shard_extents_place(struct shard_extents *ex, u32 stream, u32 nr_blocks,
			 u64 last_seq, struct shard_place *place)
{
	struct shard_place tail;

	shard_extents_tail(ex, stream, &tail);
	if (tail.extent && nr_blocks > ex->layout.extent_blocks - tail.block)
		kapi_fail("O1: %u blocks at the end of an extent", nr_blocks);
	if (tail.extent) {
		*place = tail;
		m_extent_place(&ex->m, stream, nr_blocks, last_seq);
		ex->m.e[tail.extent].unpublished =
			BIT(stream) & (SHARD_INDEX_STREAMS |
				       SHARD_RELOC_STREAMS);
	}
	return tail.extent;
}

void shard_extents_seal(struct shard_extents *ex, u32 nr)
{
	if (ex->m.e[nr].state == M_EXTENT_OPEN)
		m_extent_set(&ex->m, nr, M_EXTENT_SEALED);
}

void shard_extent_bad(struct shard_extents *ex, u32 nr)
{
	struct m_extent *e = &ex->m.e[nr];

	e->bad = true;
	shard_extents_seal(ex, nr);
	if (e->state == M_EXTENT_ASSIGNED) {
		e->in_log = false;
		set_free(ex, nr);
	}
}

void shard_extent_try(struct shard_extents *ex, u32 nr)
{
	ex->m.e[nr].bad = false;
	m_extent_set(&ex->m, nr, M_EXTENT_FREE);
}

void shard_extents_cut(struct shard_extents *ex,
		       const struct shard_place *place, u64 last_seq)
{
	m_extent_cut(&ex->m, place->extent, place->block, last_seq);
}

/* ---- records ---- */

/* The log extent that comes behind that of @order; 0: none. */
static u32 log_next(struct shard_extents *ex, u32 order)
{
	u32 nr, next = 0;

	for (nr = FIRST; nr < ex->m.nr; nr++)
		if (ex->m.e[nr].in_log && ex->more[nr].log_order > order &&
		    (!next ||
		     ex->more[nr].log_order < ex->more[next].log_order))
			next = nr;
	return next;
}

static bool log_starts_in(struct shard_extents *ex, u32 nr,
			  const struct shard_log_start *from)
{
	return nr == from->place.extent &&
	       ex->m.e[nr].generation == from->place.generation;
}

static bool log_drops(struct shard_extents *ex, u32 nr,
		      const struct shard_log_start *from, bool relist)
{
	u32 listed = relist ? ex->more[nr].listing : ex->more[nr].listed;

	return m_extent_replayed(&ex->m.e[nr], from->seq) &&
	       listed == ex->m.e[nr].generation;
}

int shard_extents_record(struct shard_extents *ex,
			 const struct shard_log_start *from, u64 durable_seq,
			 bool relist, struct shard_super_record *record)
{
	u32 max = shard_super_extents_max(ex->layout.block_size);
	struct shard_super_extent at[M_EXTENTS_MAX];
	u32 nr, nr_log = 0, nr_all;

	for (nr = log_next(ex, 0); nr;
	     nr = log_next(ex, ex->more[nr].log_order)) {
		const struct m_extent *e = &ex->m.e[nr];
		const struct more *more = &ex->more[nr];

		if (log_drops(ex, nr, from, relist))
			continue;
		at[nr_log++] = (struct shard_super_extent){
			.extent = nr, .generation = e->generation,
			.start = log_starts_in(ex, nr, from) ?
				 from->place.block : more->log_start,
			.end = more->log_end == SHARDBLK_END_OPEN &&
			       m_extent_replayed(e, durable_seq) ?
			       e->written : more->log_end,
		};
	}
	nr_all = nr_log;
	for (nr = FIRST; nr < ex->m.nr; nr++)
		if (!ex->m.e[nr].in_log && is_named(ex, nr) &&
		    !(relist &&
		      ex->more[nr].listing == ex->m.e[nr].generation))
			at[nr_all++] = (struct shard_super_extent){
				.extent = nr, .end = SHARDBLK_END_OPEN,
				.generation = ex->m.e[nr].generation,
			};
	if (nr_all > max)
		return -ENOSPC;
	memcpy(record->extents, at, nr_all * sizeof(at[0]));
	record->nr_log = nr_log;
	record->nr_assigned = nr_all - nr_log;
	return 0;
}

void shard_extents_relog(struct shard_extents *ex,
			 const struct shard_log_start *from, bool relist)
{
	u32 nr;

	for (nr = FIRST; nr < ex->m.nr; nr++) {
		if (log_starts_in(ex, nr, from) && ex->m.e[nr].in_log)
			ex->more[nr].log_start = from->place.block;
		if (log_drops(ex, nr, from, relist))
			ex->m.e[nr].in_log = false;
		if (relist)
			ex->more[nr].listed = ex->more[nr].listing;
	}
}

void shard_extents_list(struct shard_extents *ex)
{
	u32 nr;

	for (nr = FIRST; nr < ex->m.nr; nr++)
		ex->more[nr].listing = ex->m.e[nr].generation;
}

/* ---- giving up ---- */

void shard_extents_count_begin(struct shard_extents *ex, u32 streams)
{
	u32 nr;

	for (nr = FIRST; nr < ex->m.nr; nr++)
		if (streams & BIT(ex->m.e[nr].stream))
			ex->more[nr].counting = 0;
}

void shard_extents_count(struct shard_extents *ex, u32 nr, u32 blocks)
{
	ex->more[nr].counting += blocks;
}

static u32 refs_of(struct shard_extents *ex, u32 nr,
		   const struct shard_refs *refs)
{
	struct shard_extent e;

	if (BIT(ex->m.e[nr].stream) & SHARD_META_STREAMS)
		return ex->more[nr].counting;
	shard_extent_get(ex, nr, &e);
	return shard_refs_live(refs, nr, &e);
}

u32 shard_extents_retire(struct shard_extents *ex, u32 streams,
			 const struct shard_refs *refs, u32 published,
			 u64 covered, u32 *retired, u32 max)
{
	u32 nr, out = 0;

	for (nr = FIRST; nr < ex->m.nr; nr++) {
		struct m_extent *e = &ex->m.e[nr];

		if (!is_of(ex, nr, streams))
			continue;
		e->refs = refs_of(ex, nr, refs);
		if (BIT(e->stream) & SHARD_RELOC_STREAMS)
			e->unpublished &= e->settled > covered;
		else if (published & BIT(e->stream))
			m_extent_publish(e);
		if (m_extent_needed(e) || ex->more[nr].retired || out == max)
			continue;
		e->evacuated = false;
		ex->more[nr].retired = true;
		retired[out++] = nr;
	}
	return out;
}

void shard_extents_abandon(struct shard_extents *ex, u32 streams)
{
	u32 nr;

	for (nr = FIRST; nr < ex->m.nr; nr++)
		if (streams & BIT(ex->m.e[nr].stream) && !ex->more[nr].retired)
			m_extent_abandon(&ex->m, nr);
}

void shard_extent_free(struct shard_extents *ex, u32 nr)
{
	if (!ex->more[nr].retired)
		kapi_fail("O7: extent %u was not given up", nr);
	ex->more[nr].retired = false;
	set_free(ex, nr);
}

/* ---- evacuation ---- */

/* Any will do that can be emptied for a gain. */
static bool may_evacuate(struct shard_extents *ex, u32 nr, u32 live_max)
{
	const struct m_extent *e = &ex->m.e[nr];

	return (BIT(e->stream) & SHARD_DATA_STREAMS) &&
	       e->state == M_EXTENT_SEALED && !e->in_log && !e->unpublished &&
	       !e->evacuated && !ex->more[nr].retired &&
	       e->refs && e->refs <= live_max && ex->more[nr].tries < 3;
}

static bool may_be_victim(struct shard_extents *ex, u32 nr, u32 live_max)
{
	return !ex->m.e[nr].evacuating && may_evacuate(ex, nr, live_max);
}

u32 shard_extents_victim(struct shard_extents *ex, u64 now, u32 live_max,
			 struct shard_extent *victim)
{
	u32 nr, may = 0, n;

	for (nr = FIRST; nr < ex->m.nr; nr++)
		may += may_be_victim(ex, nr, live_max);
	if (!may)
		return 0;
	n = mock_draw(may);
	for (nr = FIRST; !may_be_victim(ex, nr, live_max) || n--; nr++)
		;
	shard_extent_get(ex, nr, victim);
	ex->m.e[nr].evacuating = true;
	return nr;
}

u64 shard_extents_dead(struct shard_extents *ex, u32 payload)
{
	u64 dead = 0;
	u32 nr;

	for (nr = FIRST; nr < ex->m.nr; nr++)
		if (may_evacuate(ex, nr, payload - 1))
			dead += payload - ex->m.e[nr].refs;
	return dead;
}

void shard_extents_fill(struct shard_extents *ex,
			const struct shard_place *place, u32 nr_blocks,
			u64 now)
{
	if (place->block != ex->more[place->extent].filled)
		kapi_fail("moved data is not known in order");
	ex->more[place->extent].filled = place->block + nr_blocks;
}

void shard_extents_settle(struct shard_extents *ex,
			  const struct shard_place *place, u64 memtables)
{
	ex->m.e[place->extent].settled = memtables;
}

bool shard_extents_walked(struct shard_extents *ex, u32 nr, u32 generation,
			  enum shard_walked how, u64 memtables)
{
	struct m_extent *e = &ex->m.e[nr];

	if (e->generation != generation || !e->evacuating)
		return false;
	e->evacuating = false;
	ex->more[nr].tries += how == SHARD_WALKED_FAILED;
	if (how == SHARD_WALKED_ALL && may_evacuate(ex, nr, U32_MAX))
		e->evacuated = true;
	return e->evacuated;
}

u32 shard_extents_leaving(struct shard_extents *ex)
{
	u32 nr, leaving = 0;

	for (nr = FIRST; nr < ex->m.nr; nr++)
		leaving += ex->m.e[nr].state != M_EXTENT_FREE &&
			   ex->m.e[nr].evacuated && !ex->more[nr].retired;
	return leaving;
}

/* ---- recovery ---- */

void shard_extent_restore_seq(struct shard_extents *ex, u32 nr, u64 last_seq)
{
	/* which extent is evacuated does not depend on it here */
}

void shard_extent_restore_generation(struct shard_extents *ex, u32 nr,
				     u32 generation, bool listed)
{
	ex->m.e[nr].generation = max(ex->m.e[nr].generation, generation);
	if (listed)
		ex->more[nr].listed = generation;
}

bool shard_extent_restore(struct shard_extents *ex, u32 nr, u32 stream,
			  u32 written, u32 live)
{
	struct m_extent *e = &ex->m.e[nr];

	if (e->state != M_EXTENT_FREE && e->stream != stream)
		return false;
	m_extent_set(&ex->m, nr, M_EXTENT_SEALED);
	e->stream = stream;
	e->written = written;
	ex->more[nr].filled = written;
	e->refs = live;
	e->published = BIT(stream) & SHARD_INDEX_STREAMS;
	return true;
}

void shard_extent_restore_log(struct shard_extents *ex, u32 nr, u32 start,
			      u32 end, u64 last_seq)
{
	ex->m.e[nr].in_log = true;
	ex->m.e[nr].last_seq = last_seq;
	ex->more[nr].log_start = start;
	ex->more[nr].log_end = end;
	ex->more[nr].log_order = ++ex->m.clock;
}

void shard_extent_restore_bad(struct shard_extents *ex, u32 nr)
{
	ex->m.e[nr].bad = true;
}

void shard_extents_restored(struct shard_extents *ex)
{
	u32 nr;

	for (nr = FIRST; nr < ex->m.nr; nr++)
		if (ex->m.e[nr].state == M_EXTENT_FREE)
			m_extent_set(&ex->m, nr, M_EXTENT_FREE);
}

/* ---- status ---- */

u32 shard_extents_nr_bad(struct shard_extents *ex)
{
	u32 nr, bad = 0;

	for (nr = FIRST; nr < ex->m.nr; nr++)
		bad += ex->m.e[nr].bad;
	return bad;
}

u32 shard_extents_nr_free(struct shard_extents *ex)
{
	return nr_to_take(ex, U64_MAX);
}

u32 shard_extents_nr_used(struct shard_extents *ex, u32 stream)
{
	return nr_used(ex, BIT(stream));
}

u64 shard_extents_live(struct shard_extents *ex)
{
	u64 live = 0;
	u32 nr;

	for (nr = FIRST; nr < ex->m.nr; nr++)
		if (is_of(ex, nr, ALL) &&
		    BIT(ex->m.e[nr].stream) & SHARD_DATA_STREAMS)
			live += ex->m.e[nr].refs;
	return live;
}

void check_mock_extent(struct world *w)
{
	mock_history(w, false);
}
