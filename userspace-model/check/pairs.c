// SPDX-License-Identifier: GPL-2.0-only
/*
 * The pairs, and one schedule of one of them.
 */
#include <stdlib.h>

#include "control.h"
#include "pairs.h"
#include "race.h"
#include "trios.h"

#define WRITE(l, n)	{ RACE_WRITE, RACE_WAITED, l, n }
#define WRITE_FUA(l, n)	{ RACE_WRITE_FUA, RACE_WAITED, l, n }
#define BEGIN(l, n)	{ RACE_WRITE, RACE_COMMITTED, l, n }
#define GATHER(l, n)	{ RACE_WRITE, RACE_GATHERED, l, n }
#define CHANGE(l, n)	{ RACE_WRITE, RACE_CHANGED, l, n }
#define DISCARD(l, n)	{ RACE_DISCARD, RACE_WAITED, l, n }
#define READ(l, n)	{ RACE_READ, RACE_WAITED, l, n }
#define FLUSH		{ RACE_FLUSH, RACE_WAITED }
#define JOB(op)		{ RACE_##op, RACE_WAITED }

#define PAIR_USERS	2
#define PAIR_STEPS	2

/* Two users, and what they share; or three of a layer alone. */
static const struct pair {
	const char *name;
	const char *what;
	enum race_before before;
	u32 cache_pages;
	bool faults;
	struct race_step steps[PAIR_USERS][PAIR_STEPS];
	u32 frames;		/* in flight at most; 0: as many as there are */
	bool fua;		/* the disk can do that */
	bool thin;		/* it has room for half of its blocks */
	bool stops;		/* the stop and the start are part of it */
	void (*alone)(struct world *w);
	void (*control)(struct world *w);
} pairs[] = {
	{ "writes", "frame, numbers, memtable", RACE_LOGGED, 2, false,
	  { { BEGIN(0, 2), WRITE(1, 2) }, { WRITE(0, 3), READ(0, 4) } } },
	{ "gathered", "the frame being built", RACE_LOGGED, 2, false,
	  { { GATHER(0, 2), WRITE(1, 1) }, { GATHER(1, 2), FLUSH } } },
	{ "write-read", "memtable", RACE_LOGGED, 2, false,
	  { { WRITE(0, 3), WRITE(1, 1) }, { READ(0, 4), READ(0, 4) } } },
	{ "write-discard", "memtable", RACE_LOGGED, 2, false,
	  { { CHANGE(0, 2), READ(0, 4) }, { DISCARD(1, 2), WRITE(2, 1) } } },
	{ "flush-fua", "tickets, flushes", RACE_LOGGED, 2, false,
	  { { WRITE(0, 1), FLUSH }, { WRITE_FUA(1, 1), FLUSH } } },
	{ "write-checkpoint", "memtables, log, runs", RACE_LOGGED, 2, false,
	  { { WRITE(0, 2), READ(0, 4) }, { JOB(CHECKPOINT), READ(1, 3) } } },
	{ "read-compact", "runs, versions", RACE_RUNS, 2, false,
	  { { READ(0, 6), READ(1, 4) }, { JOB(COMPACT), WRITE(1, 1) } } },
	{ "write-reclaim", "a moved block", RACE_RUNS, 2, false,
	  { { WRITE(0, 3), READ(0, 6) }, { JOB(RECLAIM), DISCARD(4, 1) } } },
	{ "checkpoint-compact", "runs, the manifest", RACE_RUNS, 2, false,
	  { { JOB(CHECKPOINT), READ(0, 6) }, { JOB(COMPACT), WRITE(0, 1) } } },
	{ "checkpoint-reclaim", "extents, live counts", RACE_RUNS, 2, false,
	  { { JOB(CHECKPOINT), WRITE(0, 2) }, { JOB(RECLAIM), READ(0, 6) } } },
	{ "compact-reclaim", "runs, extents", RACE_RUNS, 2, false,
	  { { JOB(COMPACT), READ(0, 6) }, { JOB(RECLAIM), WRITE(2, 2) } } },
	{ "reads", "a cache of one page", RACE_RUNS, 1, false,
	  { { READ(0, 3), READ(2, 4) }, { READ(1, 4), WRITE(0, 1) } } },
	{ "read-shrink", "the cache's memory", RACE_RUNS, 2, false,
	  { { READ(0, 3), READ(2, 4) }, { JOB(SHRINK), JOB(SHRINK) } } },
	{ "write-gone", "state", RACE_LOGGED, 2, true,
	  { { WRITE(0, 2), FLUSH }, { JOB(GONE), READ(0, 4) } } },
	{ "write-errors", "what is written again", RACE_LOGGED, 2, true,
	  { { BEGIN(0, 2), WRITE(1, 1) }, { JOB(ERRORS), WRITE(0, 1) } } },
	{ "idle", "idle time", RACE_RUNS, 2, false,
	  { { JOB(IDLE), WRITE(0, 2) }, { READ(0, 6), DISCARD(2, 2) } } },
	{ "scrub-write", "what a scrub reads", RACE_LOGGED, 2, false,
	  { { JOB(SCRUB), READ(0, 4) }, { WRITE(0, 2), DISCARD(1, 2) } } },
	{ "scrub-checkpoint", "extents, the manifest", RACE_LOGGED, 2, false,
	  { { JOB(SCRUB), WRITE(0, 1) }, { JOB(CHECKPOINT), READ(1, 3) } } },
	{ "scrub-compact", "runs, extents", RACE_RUN, 2, false,
	  { { JOB(SCRUB), READ(0, 6) }, { JOB(COMPACT), WRITE(0, 1) } } },
	{ "flush-checkpoint", "flushes, what a root needs", RACE_LOGGED, 2, false,
	  { { WRITE(0, 2), FLUSH }, { JOB(CHECKPOINT), WRITE(1, 1) } } },
	{ "flush-reclaim", "flushes, moved blocks", RACE_RUNS, 2, false,
	  { { WRITE(0, 2), FLUSH }, { JOB(RECLAIM), WRITE_FUA(1, 1) } } },
	{ "discard-checkpoint", "memtables", RACE_LOGGED, 2, false,
	  { { DISCARD(1, 3), READ(0, 4) }, { JOB(CHECKPOINT), WRITE(2, 1) } } },
	{ "discard-compact", "holes in runs", RACE_RUNS, 2, false,
	  { { DISCARD(1, 3), READ(0, 6) }, { JOB(COMPACT), READ(0, 4) } } },
	{ "read-reclaim", "an extent that goes", RACE_RUNS, 2, false,
	  { { READ(0, 6), READ(0, 6) }, { JOB(RECLAIM), WRITE(0, 2) } } },
	{ "full", "the last room", RACE_FULL, 2, false,
	  { { DISCARD(0, 60), JOB(CHECKPOINT) }, { WRITE(2, 2), WRITE(4, 1) } },
	  .thin = true },
	{ "one", "the one frame in flight", RACE_LOGGED, 1, false,
	  { { BEGIN(0, 2), WRITE(1, 1) }, { WRITE_FUA(2, 1), FLUSH } },
	  .frames = 1, .fua = true },
	{ "stop", "all that goes on in a stop", RACE_LOGGED, 2, false,
	  { { BEGIN(0, 2), BEGIN(1, 1) }, { JOB(CHECKPOINT), BEGIN(2, 1) } },
	  .stops = true },
	{ "adds", "a backing device", .control = control_pair_adds },
	{ "twins", "a device that is there twice",
	  .control = control_pair_twins },
	{ "remove-list", "the table of devices",
	  .control = control_pair_remove_list },
	{ "remove-open", "a disk", .control = control_pair_remove_open },
	{ "removes", "a device", .control = control_pair_removes },
	{ "add-all", "the table, and a device that comes",
	  .control = control_pair_add_all },
	{ "scrubs", "a scrub", .control = control_pair_scrubs },
	{ "scrub-stop", "a scrub that is stopped",
	  .control = control_pair_scrub_stop },
	{ "refused", "a disk that is refused", .control = control_pair_refused },
	{ "checkpoint-remove", "a device that is used",
	  .control = control_pair_checkpoint },
	{ "unload", "the module", .control = control_pair_unload },
	{ "index", "alone: insert, look up, move", .alone = trio_index },
	{ "extent", "alone: place, place, open", .alone = trio_extent },
	{ "retire", "alone: move, root, give up", .alone = trio_retire },
	{ "chunk", "alone: write, write, flush", .alone = trio_chunk },
};

const char *pair_name(u32 pair)
{
	return pair < ARRAY_SIZE(pairs) ? pairs[pair].name : NULL;
}

const char *pair_what(u32 pair)
{
	return pairs[pair].what;
}

bool pair_may_be_cut(u32 pair)
{
	return !pairs[pair].alone && !pairs[pair].control;
}

bool pair_overwrites(u32 pair)
{
	u32 user, step;

	for (user = 0; user < PAIR_USERS; user++)
		for (step = 0; step < PAIR_STEPS; step++)
			if (pairs[pair].steps[user][step].flight ==
			    RACE_CHANGED)
				return true;
	return false;
}

/* ---- text ---- */

void pair_print(const struct pair_place *place, char *buf, size_t size)
{
	size_t len = scnprintf(buf, size, "%s", pairs[place->pair].name);
	u32 i;

	for (i = 0; i < place->nr; i++) {
		len += scnprintf(buf + len, size - len, "%c%u=%u",
				 i ? ',' : ':', place->changes[i].at,
				 place->changes[i].who);
		if (place->changes[i].medium)
			len += scnprintf(buf + len, size - len, "+%u",
					 place->changes[i].medium);
	}
}

static bool pair_parse(const char *text, struct pair_place *place)
{
	size_t len = strcspn(text, ":");
	struct pair_change *c;
	char *end;

	memset(place, 0, sizeof(*place));
	while (pair_name(place->pair) &&
	       (strlen(pairs[place->pair].name) != len ||
		strncmp(pairs[place->pair].name, text, len)))
		place->pair++;
	text += len;
	while (*text && place->nr < PAIR_CHANGES_MAX) {
		c = &place->changes[place->nr++];
		c->at = strtoul(text + 1, &end, 0);
		if (*end != '=')
			return false;
		c->who = strtoul(end + 1, &end, 0);
		if (*end == '+')
			c->medium = strtoul(end + 1, &end, 0);
		text = end;
	}
	return pair_name(place->pair) && !*text;
}

/* ---- one schedule ---- */

static struct pair_place given;
static bool is_given;		/* it is @given that the choices shall say */
static struct pair_turns unasked;
static struct pair_turns *last = &unasked;
static struct pair_left left;
static bool may_be_cut;
static u32 cut_at;		/* the turn before which the power fails */
static bool (*passes)(const struct kapi_turn *turn); /* it is no turn; or NULL */

static u32 given_at(u32 turn)
{
	u32 i;

	for (i = 0; i < given.nr; i++)
		if (given.changes[i].at == turn)
			return given.changes[i].who;
	return 0;
}

static u32 given_cut(void)
{
	const struct pair_change *c;

	if (!given.nr)
		return 0;
	c = &given.changes[given.nr - 1];
	return c->who ? 0 : c->at;
}

/* What is drawn, or given, before anybody goes on. */
static u32 choose(struct world *w, u32 n, unsigned int kind, u32 v)
{
	return is_given ? sim_choose_given(&w->sim.choices, v, n, kind) :
			  world_draw(n, kind);
}

static size_t pair_turn(void *ctx, const struct kapi_turn *turn)
{
	struct world *w = ctx;
	u64 who = turn->nr;
	u32 v, i;

	if (w->sim.schedule.quiet)
		return sim_schedule_turn(ctx, turn);
	if (passes && passes(turn))
		return 0;
	for (i = 0; i < turn->nr; i++)
		who = (who ^ turn->ids[i]) * 0x9e3779b97f4a7c15ULL;
	if (++last->nr < PAIR_TURNS_MAX)
		last->turns[last->nr] = (struct pair_turn){
			.width = turn->nr, .who = who,
			.fiber = turn->going ? turn->ids[0] : 0,
			.touched = last->nr_touches,
		};
	if (last->nr < PAIR_TURNS_MAX && !w->cut)
		last->turns[last->nr].left = may_be_cut ? pair_left(&left, w) : 0;
	if (last->nr == cut_at) {
		last->cut = true;
		last->unflushed = w->disk->undo_head != w->disk->undo_tail;
		world_power_fails(w);
	}
	if (!is_given)
		return sim_schedule_turn(ctx, turn);
	v = w->cut ? 0 : given_at(last->nr);
	if (v >= turn->nr)
		kapi_fail("the same turns led to another one");
	return sim_choose_given(&w->sim.choices, v, turn->nr, turn->going ?
				KAPI_CHOOSE_PREEMPT : KAPI_CHOOSE_RUN);
}

static void pair_touch(void *ctx, u32 id, const void *object,
		       enum kapi_access how)
{
	struct world *w = ctx;

	if (object == &w->model)
		left.told = true;
	if (last->nr_touches < PAIR_TOUCHES_MAX)
		last->touches[last->nr_touches++] = (struct pair_touch){
			.object = object, .fiber = id, .how = how,
		};
}

static void pair_config(struct world_config *c, const struct pair *pair)
{
	history_config(c, false, pair->faults);
	c->options.cache_pages = pair->cache_pages;
	c->options.frames_in_flight = pair->frames;
	c->disk.slow_resets = true;
	c->disk.fua = pair->fua;
	c->format.thin = pair->thin;
	c->format.logical_size <<= pair->thin;
}

static void users_run(struct world *w, const struct pair *pair)
{
	struct world_config config;
	struct race race = {
		.w = w, .before = pair->before, .nr_users = PAIR_USERS,
		.calm = !pair->stops, .power_any = pair->stops,
	};
	u32 i;

	for (i = 0; i < PAIR_USERS; i++) {
		race.users[i].nr_steps = PAIR_STEPS;
		memcpy(race.users[i].steps, pair->steps[i],
		       sizeof(pair->steps[i]));
	}
	pair_config(&config, pair);
	world_begin(w, &config);
	race_prepare(&race);
	race_run(&race);
	w->nr_done = PAIR_USERS * PAIR_STEPS;
}

static void pair_fiber(struct world *w)
{
	u32 nr = choose(w, ARRAY_SIZE(pairs), CHECK_CHOOSE_CONFIG, given.pair);

	cut_at = choose(w, PAIR_TURNS_MAX, CHECK_CHOOSE_CUT, given_cut());
	last->nr = 0;
	last->cut = false;
	last->unflushed = false;
	last->nr_touches = 0;
	may_be_cut = pair_may_be_cut(nr);
	pair_left_begin(&left);
	w->sim.hooks.turn = pair_turn;
	w->sim.hooks.touch = pair_touch;
	passes = pairs[nr].control ? control_passes : NULL;
	if (pairs[nr].alone)
		pairs[nr].alone(w);
	else if (pairs[nr].control)
		pairs[nr].control(w);
	else
		users_run(w, &pairs[nr]);
}

/* What survives a power cut is all that is drawn. */
static void choices_begin(struct sim_choices *choices)
{
	static struct sim_record records[PAIR_RECORDS_MAX];

	sim_choices_list(choices, records, pair_medium(&given, records));
}

static void pair_begin(const char *from, struct sim_choices *choices)
{
	is_given = pair_parse(from, &given);
	choices_begin(choices);
}

const struct check_suite check_pairs = {
	"pairs", pair_fiber, 0, "two users of two steps, in one order",
	pair_begin, NULL,
};

static void given_fiber(void *arg)
{
	pair_fiber(arg);
}

const char *pair_run(struct world *w, const struct pair_place *place,
		     struct pair_turns *turns)
{
	const char *why;

	given = *place;
	is_given = true;
	last = turns;
	world_reset(w);
	choices_begin(&w->sim.choices);
	why = kapi_run(&w->sim.hooks, given_fiber, w) ? kapi_failure() : NULL;
	turns->undecided = turns->cut && w->sim.choices.at;
	turns->nr = min(turns->nr, PAIR_TURNS_MAX - 1);
	return why;
}
