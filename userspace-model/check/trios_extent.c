// SPDX-License-Identifier: GPL-2.0-only
/*
 * The extents alone, with three users: of one stream, and of several.
 */
#include "refs.h"
#include "trios.h"

static struct shard_extents *extents_of(struct stack *s)
{
	return s->store.ex;
}

/* An extent for a stream, that is ready.  Return: its number, or 0. */
static u32 extent_get_ready(struct shard_extents *ex, u32 stream)
{
	u32 nr = 0;

	shard_extents_want(ex, stream, true);
	if (shard_extents_pick(ex, U32_MAX, false, &nr, 1) == 1)
		shard_extent_ready(ex, nr);
	shard_extents_want(ex, stream, false);
	return nr;
}

/* Each extent is counted once, wherever it is. */
static void counts_agree(struct shard_extents *ex)
{
	u32 nr_free = 0, i;

	for (i = SHARDBLK_SUPER_EXTENTS; i < TRIO_EXTENTS; i++) {
		struct shard_extent e;

		shard_extent_get(ex, i, &e);
		nr_free += e.state == SHARD_EXTENT_FREE;
	}
	if (shard_extents_nr_free(ex) != nr_free)
		kapi_fail("%u extents are free, and %u count as free", nr_free,
			  shard_extents_nr_free(ex));
}

/* ---- one stream ---- */

#define PLACES		2	/* of a user */
#define PLACE_BLOCKS	15u	/* an extent has room for all */
#define STREAM		SHARDBLK_STREAM_RELOC0

struct extent_trio {
	struct stack stack;
	struct shard_place places[2 * PLACES];
	u32 nr;
};

/* Nothing may be open: the other one has sealed it. */
static void extent_place(void *arg)
{
	struct extent_trio *t = arg;
	struct shard_extents *ex = extents_of(&t->stack);
	struct shard_place place;
	u32 i;

	for (i = 0; i < PLACES; i++) {
		if (shard_extents_room(ex, STREAM) < PLACE_BLOCKS)
			continue;
		if (shard_extents_place(ex, STREAM, PLACE_BLOCKS, 0, &place))
			t->places[t->nr++] = place;
	}
}

static void extent_open(void *arg)
{
	struct extent_trio *t = arg;
	struct shard_extents *ex = extents_of(&t->stack);
	struct shard_place tail;
	u32 i;

	for (i = 0; i < 2; i++) {
		shard_extents_tail(ex, STREAM, &tail);
		if (tail.extent && i)
			shard_extent_bad(ex, tail.extent);
		if (!extent_get_ready(ex, STREAM) ||
		    !shard_extents_next(ex, STREAM))
			kapi_fail("no extent is ready");
	}
}

static void places_differ(const struct shard_place *a,
			  const struct shard_place *b)
{
	if (a->extent == b->extent && a->block < b->block + PLACE_BLOCKS &&
	    b->block < a->block + PLACE_BLOCKS)
		kapi_fail("O1: blocks %u and %u of extent %u are given at once",
			  a->block, b->block, a->extent);
}

/* What was given is all that counts as written. */
static void places_written(struct extent_trio *t)
{
	u32 written = 0, i;

	for (i = SHARDBLK_SUPER_EXTENTS; i < TRIO_EXTENTS; i++) {
		struct shard_extent e;

		shard_extent_get(extents_of(&t->stack), i, &e);
		written += e.written;
	}
	if (written != t->nr * PLACE_BLOCKS)
		kapi_fail("%u places were given, and %u blocks are written",
			  t->nr, written);
}

void trio_extent(struct world *w)
{
	static struct extent_trio t;
	struct trio trio = {
		.w = w, .arg = &t,
		.steps = { extent_place, extent_place, extent_open },
	};
	u32 nr_free, i, k;

	memset(&t, 0, sizeof(t));
	trio_stack(&t.stack, w);
	stack_open(&t.stack, STREAM);
	nr_free = shard_extents_nr_free(extents_of(&t.stack));
	trio_run(&trio);
	for (i = 0; i < t.nr; i++)
		for (k = 0; k < i; k++)
			places_differ(&t.places[i], &t.places[k]);
	places_written(&t);
	counts_agree(extents_of(&t.stack));
	if (shard_extents_nr_free(extents_of(&t.stack)) != nr_free - 2)
		kapi_fail("two extents were assigned, and %u are free of %u",
			  shard_extents_nr_free(extents_of(&t.stack)), nr_free);
	stack_end(&t.stack);
}

/* ---- several: data is moved, roots are made, extents are given up ---- */

#define MOVES		SHARDBLK_STREAM_RELOC0
#define RUNS		SHARDBLK_STREAM_INDEX
#define OLD_BLOCKS	20u	/* live in the victim */
#define NEW_BLOCKS	10u	/* what is left of them where they go to */
#define NEW_MEMTABLE	2u	/* the one that knows of that */

struct retire_trio {
	struct stack stack;
	struct shard_refs *refs;
	struct shard_place old;
	struct shard_place new;
	u32 run;		/* extent of those that are written */
	bool moved;		/* the memtable has it */
	bool rooted;		/* and a root */
};

static void retire_move(void *arg)
{
	struct retire_trio *t = arg;
	struct shard_extents *ex = extents_of(&t->stack);
	struct shard_extent victim;
	u32 nr;

	nr = shard_extents_victim(ex, 0, TRIO_EXTENT_BLOCKS, &victim);
	if (nr != t->old.extent)
		kapi_fail("extent %u is a victim, not %u", nr, t->old.extent);
	if (!shard_extents_place(ex, MOVES, NEW_BLOCKS, 0, &t->new))
		kapi_fail("no place for moved data");
	shard_extents_fill(ex, &t->new, NEW_BLOCKS, 0);
	shard_extents_settle(ex, &t->new, NEW_MEMTABLE);
	kapi_touch(&t->moved, KAPI_CHANGES);
	t->moved = true;
	shard_extents_walked(ex, nr, victim.generation, SHARD_WALKED_ALL,
			     NEW_MEMTABLE);
}

/*
 * A root knows of what was moved, or nothing of it.  Beside what that has left it may give
 * up what was never written to.
 */
static void root_make(struct retire_trio *t)
{
	struct shard_extents *ex = extents_of(&t->stack);
	u32 retired[TRIO_EXTENTS], nr, i;
	bool moves;

	kapi_touch(&t->moved, KAPI_LOOKS);
	moves = t->moved && !t->rooted;
	memset(t->refs->at, 0, TRIO_EXTENTS * sizeof(t->refs->at[0]));
	if (moves) {
		shard_refs_add(t->refs, &t->old, -(s32)OLD_BLOCKS);
		shard_refs_add(t->refs, &t->new, NEW_BLOCKS);
		t->rooted = true;
	}
	nr = shard_extents_retire(ex, BIT(MOVES) | BIT(RUNS), t->refs, 0,
				  t->rooted ? NEW_MEMTABLE : 1, retired,
				  TRIO_EXTENTS);
	for (i = 0; i < nr; i++) {
		if (retired[i] == (t->rooted ? 0 : t->old.extent) ||
		    retired[i] == t->new.extent || retired[i] == t->run)
			kapi_fail("O6: extent %u is given up", retired[i]);
		shard_extent_free(ex, retired[i]);
	}
}

static void retire_root(void *arg)
{
	u32 i;

	for (i = 0; i < 2; i++)
		root_make(arg);
}

/* A run that comes to nothing; and the next extent for what is moved. */
static void retire_abandon(void *arg)
{
	struct retire_trio *t = arg;
	struct shard_extents *ex = extents_of(&t->stack);
	struct shard_place place;

	if (!shard_extents_place(ex, RUNS, 1, 0, &place))
		kapi_fail("no place for a run");
	shard_extents_abandon(ex, BIT(RUNS));
	if (!extent_get_ready(ex, MOVES) || !shard_extents_next(ex, MOVES))
		kapi_fail("no extent is ready");
}

static void retire_prepare(struct retire_trio *t)
{
	struct shard_extents *ex = extents_of(&t->stack);
	u32 retired[1];

	t->refs = shard_refs_create(&t->stack.layout);
	if (!t->refs)
		kapi_fail("no memory for references");
	stack_open(&t->stack, MOVES);
	shard_extents_place(ex, MOVES, OLD_BLOCKS, 0, &t->old);
	shard_extents_fill(ex, &t->old, OLD_BLOCKS, 0);
	shard_extents_settle(ex, &t->old, 1);
	shard_refs_add(t->refs, &t->old, OLD_BLOCKS);
	stack_open(&t->stack, MOVES);
	t->run = stack_open(&t->stack, RUNS);
	if (shard_extents_retire(ex, BIT(MOVES), t->refs, 0, 1, retired, 1))
		kapi_fail("O6: what is live was given up");
}

void trio_retire(struct world *w)
{
	static struct retire_trio t;
	struct trio trio = {
		.w = w, .arg = &t,
		.steps = { retire_move, retire_root, retire_abandon },
	};
	struct shard_extents *ex;
	struct shard_extent e;

	memset(&t, 0, sizeof(t));
	trio_stack(&t.stack, w);
	ex = extents_of(&t.stack);
	retire_prepare(&t);
	trio_run(&trio);
	/* the last root may have come before all was moved */
	root_make(&t);
	counts_agree(ex);
	shard_extent_get(ex, t.new.extent, &e);
	if (e.generation != t.new.generation || e.live != NEW_BLOCKS ||
	    e.state == SHARD_EXTENT_FREE)
		kapi_fail("O7: of what was moved %u blocks are live", e.live);
	shard_extent_get(ex, t.old.extent, &e);
	if (e.generation == t.old.generation && e.state != SHARD_EXTENT_FREE)
		kapi_fail("an extent that was evacuated was not given up");
	if (shard_extents_leaving(ex))
		kapi_fail("%u extents count as leaving",
			  shard_extents_leaving(ex));
	kvfree(t.refs);
	stack_end(&t.stack);
}
