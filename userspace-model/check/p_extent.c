// SPDX-License-Identifier: GPL-2.0-only
/*
 * Extents against their model.
 *
 * Goal: an extent goes through its life only forwards, no place is ever given
 * twice, no generation either, not even when they are used up, and a superblock
 * record names exactly what a start would need.  Method: random calls, every
 * extent compared after each.
 */
#include "extent.h"
#include "model/m_extent.h"
#include "refs.h"
#include "suites.h"
#include "world.h"

#define P_OPS		64
#define P_EXTENTS	24
#define P_BLOCKS	16

enum p_op {
	P_NOTHING,
	P_PICK,
	P_READY,
	P_NEXT,
	P_PLACE,
	P_SEAL,
	P_FREE,
	P_ABANDON,
	P_RECORD,
	P_CUT,
	P_BAD,
	P_TRY,
	P_SETTLE,
	P_EVACUATE,
	NR_P_OPS,
};

struct p_extent {
	struct shard_extents *ex;
	struct m_extents m;
	struct shard_super_record record;
	u32 listed[P_EXTENTS];		/* generations in the manifest */
	u64 seq;
	u64 memtables;			/* so far */
};

static u32 draw(u32 n)
{
	return world_draw(n, CHECK_CHOOSE_BLOCK);
}

static void compare(struct p_extent *p)
{
	const struct m_extent *m;
	struct shard_extent copy, *e = &copy;
	u32 i, nr_free = 0, nr_ended = 0, nr;

	for (i = SHARDBLK_SUPER_EXTENTS; i < P_EXTENTS; i++) {
		shard_extent_get(p->ex, i, e);
		m = &p->m.e[i];
		nr_free += m->state == M_EXTENT_FREE;
		nr_ended += m->state == M_EXTENT_FREE &&
			    m->generation == U32_MAX;
		if (e->state != m->state)
			kapi_fail("extent %u is in state %u, not %u", i,
				  e->state, m->state);
		if (m->state == M_EXTENT_FREE)
			continue;
		if (e->generation != m->generation || e->stream != m->stream)
			kapi_fail("extent %u is not the one it was", i);
		if (e->written != m->written)
			kapi_fail("extent %u: pointer at %u, not %u", i,
				  e->written, m->written);
		if (e->live != m->refs)
			kapi_fail("extent %u: %u live, not %u", i, e->live,
				  m->refs);
	}
	/* one that has no generation left is set aside when its turn comes */
	nr = shard_extents_nr_free(p->ex);
	if (nr > nr_free || nr < nr_free - nr_ended)
		kapi_fail("%u extents free, not %u", nr, nr_free);
}

/* As a start that reads a manifest: some extents are near their end. */
static void restore(struct p_extent *p)
{
	u32 i;

	for (i = SHARDBLK_SUPER_EXTENTS; i < P_EXTENTS; i++) {
		if (draw(4) != 1)
			continue;
		p->m.e[i].generation = U32_MAX - draw(3);
		shard_extent_restore_generation(p->ex, i,
						p->m.e[i].generation, true);
	}
}

static void pick(struct p_extent *p)
{
	u32 picked[P_EXTENTS], max = 1 + draw(4), nr, i;
	struct shard_extent copy, *e = &copy;
	u32 stream = draw(SHARD_STREAMS), low = draw(2), high = draw(4);
	const char *why;

	/* one draw at a time: compilers differ in the order of arguments */
	shard_extents_stock(p->ex, stream, low, high);
	stream = draw(SHARD_STREAMS);
	shard_extents_want(p->ex, stream, draw(2));
	nr = shard_extents_pick(p->ex, P_EXTENTS, draw(2), picked, max);
	if (nr > max)
		kapi_fail("%u extents picked of at most %u", nr, max);
	for (i = 0; i < nr; i++) {
		shard_extent_get(p->ex, picked[i], e);
		why = m_extent_assign(&p->m, picked[i], e->stream,
				      e->generation);
		if (why)
			kapi_fail("extent %u: %s", picked[i], why);
	}
}

static void place(struct p_extent *p, u32 stream)
{
	u32 open = m_extent_first(&p->m, stream, M_EXTENT_OPEN);
	u32 room = open ? P_BLOCKS - p->m.e[open].written : 0;
	u32 nr = 1 + draw(P_BLOCKS), block;
	struct shard_place at;

	if (shard_extents_room(p->ex, stream) != room)
		kapi_fail("room for %u blocks, not %u",
			  shard_extents_room(p->ex, stream), room);
	if (nr > room)
		return;
	p->seq += draw(3);
	block = m_extent_place(&p->m, stream, nr, p->seq);
	p->m.e[open].unpublished = BIT(stream) &
		(SHARD_INDEX_STREAMS | SHARD_RELOC_STREAMS);
	if (!shard_extents_place(p->ex, stream, nr, p->seq, &at))
		kapi_fail("no place in an open extent");
	if (at.extent != open || at.block != block ||
	    at.generation != p->m.e[open].generation)
		kapi_fail("O1: placed at %u:%u, not %u:%u", at.extent,
			  at.block, open, block);
}

/* The new root points to other blocks; of a former life nothing counts. */
static void change(struct p_extent *p, struct shard_refs *refs, u32 streams)
{
	u32 nr = draw(P_EXTENTS), more = draw(3), less;
	struct m_extent *e = &p->m.e[nr];
	struct shard_place place = { .extent = nr, .generation = e->generation };
	bool stale = draw(4) == 1;

	if (e->state == M_EXTENT_SUPER || e->state == M_EXTENT_FREE ||
	    e->state == M_EXTENT_BAD || !(BIT(e->stream) & streams))
		return;
	if (BIT(e->stream) & SHARD_META_STREAMS) {
		shard_extents_count(p->ex, nr, more);
		e->refs += more;
		return;
	}
	less = draw(e->refs + 1);
	place.generation -= stale;
	shard_refs_add(refs, &place, more);
	shard_refs_add(refs, &place, -(s32)less);
	if (!stale)
		e->refs += more - less;
}

static bool needed(const struct m_extent *e, u32 streams)
{
	return m_extent_needed(e) || !(BIT(e->stream) & streams);
}

/* Those to which nothing points, and that replay does not need (O6, O7). */
static void give_up(struct p_extent *p)
{
	u32 streams = draw(BIT(SHARD_STREAMS)), published = draw(BIT(SHARD_STREAMS));
	struct shard_refs *refs = shard_refs_create(shard_extents_layout(p->ex));
	u64 covered = p->memtables - 1 - draw(2);
	u32 retired[P_EXTENTS], nr = 0, i;
	struct m_extent *e;

	for (e = p->m.e; e < p->m.e + P_EXTENTS; e++) {
		if (!(BIT(e->stream) & streams))
			continue;
		if (BIT(e->stream) & SHARD_META_STREAMS)
			e->refs = 0;
		if (BIT(e->stream) & SHARD_RELOC_STREAMS)
			e->unpublished &= e->settled > covered;
		else if (BIT(e->stream) & published)
			m_extent_publish(e);
	}
	shard_extents_count_begin(p->ex, streams & SHARD_META_STREAMS);
	for (i = 0; i < 4; i++)
		change(p, refs, streams);
	for (i = SHARDBLK_SUPER_EXTENTS; i < P_EXTENTS; i++)
		nr += !needed(&p->m.e[i], streams);
	if (shard_extents_retire(p->ex, streams, refs, published, covered,
				 retired, P_EXTENTS) != nr)
		kapi_fail("O6: other extents given up than may be");
	kvfree(refs);
	compare(p);
	for (i = 0; i < nr; i++) {
		if (needed(&p->m.e[retired[i]], streams))
			kapi_fail("O6: extent %u is still needed", retired[i]);
		shard_extent_free(p->ex, retired[i]);
		m_extent_set(&p->m, retired[i], M_EXTENT_FREE);
	}
}

/* Moved data: all that was placed is there, and a memtable knows it. */
static void settle(struct p_extent *p)
{
	struct m_extent *e;

	p->memtables += draw(2);
	for (e = p->m.e; e < p->m.e + P_EXTENTS; e++) {
		struct shard_place place = {
			.extent = e - p->m.e, .generation = e->generation,
		};

		if (!(BIT(e->stream) & SHARD_RELOC_STREAMS) || !e->unpublished ||
		    e->state < M_EXTENT_OPEN)
			continue;
		shard_extents_settle(p->ex, &place, p->memtables);
		e->settled = p->memtables;
	}
}

/* Which extent to look through is the engine's to choose, of those it may. */
static void evacuate(struct p_extent *p)
{
	u32 live_max = 1 + draw(P_BLOCKS), nr, how;
	struct shard_extent copy;
	struct m_extent *e;

	for (e = p->m.e; e < p->m.e + P_EXTENTS; e++) {
		if (!e->evacuating)
			continue;
		how = draw(3);
		e->evacuating = false;
		if (how == SHARD_WALKED_ALL && e->state == M_EXTENT_SEALED &&
		    e->refs)
			e->evacuated = true;
		if (shard_extents_walked(p->ex, e - p->m.e, e->generation,
					 how, U64_MAX) != e->evacuated)
			kapi_fail("an extent is evacuated, or not, against the model");
	}
	nr = shard_extents_victim(p->ex, p->seq, live_max, &copy);
	if (!nr)
		return;
	e = &p->m.e[nr];
	if (!(BIT(e->stream) & SHARD_DATA_STREAMS) ||
	    e->state != M_EXTENT_SEALED || e->in_log || e->unpublished ||
	    e->refs > live_max || e->evacuated || e->evacuating)
		kapi_fail("O6: extent %u shall be evacuated", nr);
	e->evacuating = true;
}

/* An attempt failed: what was never published, and is not needed, is free. */
static void abandon(struct p_extent *p, u32 stream)
{
	struct m_extent *e;

	shard_extents_abandon(p->ex, BIT(stream));
	for (e = p->m.e; e < p->m.e + P_EXTENTS; e++)
		if (e->stream == stream)
			m_extent_abandon(&p->m, e - p->m.e);
}

/* Replay after @seq does not need it, and its generation is not forgotten. */
static bool leaves_log(const struct p_extent *p, u32 i, u64 seq)
{
	return m_extent_replayed(&p->m.e[i], seq) &&
	       p->listed[i] == p->m.e[i].generation;
}

/* The log list: what replay after @from needs, in the order of assignment. */
static void check_log(struct p_extent *p, const struct shard_log_start *from,
		      u64 durable)
{
	const struct shard_super_record *r = &p->record;
	u32 nr = 0, i, last = 0;

	for (i = SHARDBLK_SUPER_EXTENTS; i < P_EXTENTS; i++)
		nr += p->m.e[i].in_log && !leaves_log(p, i, from->seq);
	if (r->nr_log != nr)
		kapi_fail("%u log extents in a record, not %u", r->nr_log, nr);
	for (i = 0; i < nr; i++) {
		const struct shard_super_extent *at = &r->extents[i];
		const struct m_extent *e = &p->m.e[at->extent];
		bool ends = m_extent_replayed(e, durable);

		if (!e->in_log || leaves_log(p, at->extent, from->seq) ||
		    e->generation != at->generation)
			kapi_fail("extent %u is not in the log", at->extent);
		if (at->end != (ends ? e->written : SHARDBLK_END_OPEN))
			kapi_fail("log extent %u ends at %#x", at->extent,
				  at->end);
		if (last && p->m.e[last].last_seq > e->last_seq && e->written)
			kapi_fail("log extents out of order");
		last = at->extent;
	}
}

static void record(struct p_extent *p)
{
	u32 open = m_extent_first(&p->m, SHARDBLK_STREAM_HOST, M_EXTENT_OPEN);
	struct shard_log_start from = { .seq = draw(p->seq + 1) };
	u64 durable = from.seq + draw(p->seq - from.seq + 1);
	bool relist = draw(2);
	u32 i;

	if (draw(2) && open) {
		from.seq = p->seq;
		from.place.extent = open;
		from.place.generation = p->m.e[open].generation;
		from.place.block = p->m.e[open].written;
		durable = p->seq;
	}
	if (relist)
		shard_extents_list(p->ex);
	for (i = 0; relist && i < P_EXTENTS; i++)
		p->listed[i] = p->m.e[i].generation;
	if (shard_extents_record(p->ex, &from, durable, relist, &p->record))
		kapi_fail("a record for %u extents does not fit", P_EXTENTS);
	check_log(p, &from, durable);
	shard_extents_relog(p->ex, &from, relist);
	for (i = 0; i < P_EXTENTS; i++)
		if (leaves_log(p, i, from.seq))
			p->m.e[i].in_log = false;
}

/* A frame, and all behind it, are written again elsewhere. */
static void cut(struct p_extent *p)
{
	u32 nr = m_extent_first(&p->m, SHARDBLK_STREAM_HOST, M_EXTENT_OPEN);
	struct shard_place at = {
		.extent = nr, .generation = p->m.e[nr].generation,
	};
	u64 seq;

	if (!nr)
		return;
	at.block = draw(p->m.e[nr].written + 1);
	seq = draw(p->m.e[nr].last_seq + 1);
	shard_extents_cut(p->ex, &at, seq);
	m_extent_cut(&p->m, nr, at.block, seq);
}

/* One that is open, or whose reset fails. */
static void bad(struct p_extent *p, u32 stream)
{
	bool open = draw(2);
	u32 nr = m_extent_first(&p->m, stream, open ? M_EXTENT_OPEN :
						      M_EXTENT_ASSIGNED);

	/* nothing points to what was never written */
	if (!nr || (!open && p->m.e[nr].refs))
		return;
	shard_extent_bad(p->ex, nr);
	p->m.e[nr].bad = true;
	if (!open)
		p->m.e[nr].in_log = false;
	m_extent_set(&p->m, nr, open ? M_EXTENT_SEALED : M_EXTENT_FREE);
}

static void do_op(struct world *w, struct p_extent *p)
{
	static const char * const names[NR_P_OPS] = {
		"nothing", "pick", "ready", "next", "place", "seal", "give up",
		"abandon", "record", "cut", "bad", "try", "settle",
		"evacuate",
	};
	enum p_op op = world_draw(NR_P_OPS, SIM_CHOOSE_STEP);
	u32 stream = draw(SHARD_STREAMS), nr;

	if (op)
		world_note(w, "      | %s, stream %u", names[op], stream);
	switch (op) {
	case P_PICK:
		pick(p);
		break;
	case P_READY:
		nr = m_extent_first(&p->m, stream, M_EXTENT_ASSIGNED);
		if (!nr)
			break;
		shard_extent_ready(p->ex, nr);
		m_extent_set(&p->m, nr, M_EXTENT_READY);
		break;
	case P_NEXT:
		if (shard_extents_next(p->ex, stream) !=
		    m_extent_next(&p->m, stream))
			kapi_fail("a next extent, or none, against the model");
		break;
	case P_PLACE:
		place(p, stream);
		break;
	case P_SEAL:
		nr = m_extent_first(&p->m, stream, M_EXTENT_OPEN);
		if (!nr)
			break;
		shard_extents_seal(p->ex, nr);
		m_extent_set(&p->m, nr, M_EXTENT_SEALED);
		break;
	case P_FREE:
		give_up(p);
		break;
	case P_ABANDON:
		if (!(BIT(stream) & SHARD_DATA_STREAMS))
			abandon(p, stream);
		break;
	case P_RECORD:
		record(p);
		break;
	case P_CUT:
		cut(p);
		break;
	case P_BAD:
		bad(p, stream);
		break;
	case P_TRY:
		for (nr = 0; nr < P_EXTENTS; nr++)
			if (p->m.e[nr].state == M_EXTENT_BAD)
				break;
		if (nr == P_EXTENTS)
			break;
		shard_extent_try(p->ex, nr);
		p->m.e[nr].bad = false;
		m_extent_set(&p->m, nr, M_EXTENT_FREE);
		break;
	case P_SETTLE:
	case P_EVACUATE:
		(op == P_SETTLE ? settle : evacuate)(p);
		break;
	default:
		break;
	}
}

void check_extent(struct world *w)
{
	struct shard_layout layout = {
		.block_size = SZ_4K, .extent_blocks = P_BLOCKS,
		.nr_extents = P_EXTENTS, .logical_blocks = P_BLOCKS,
	};
	static struct p_extent p;
	u32 i;

	memset(&p, 0, sizeof(p));
	p.m.nr = P_EXTENTS;
	p.memtables = 3;
	if (!shard_layout_make(&layout))
		kapi_fail("no layout");
	p.ex = shard_extents_create(&layout);
	for (i = 0; i < SHARDBLK_SUPER_EXTENTS; i++)
		p.m.e[i].state = M_EXTENT_SUPER;
	restore(&p);
	for (i = 0; i < P_OPS; i++) {
		do_op(w, &p);
		compare(&p);
	}
	shard_extents_destroy(p.ex);
	w->nr_done = P_OPS;
}
