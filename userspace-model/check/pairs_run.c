// SPDX-License-Identifier: GPL-2.0-only
/*
 * DOC: all schedules
 *
 * A run without changes says at which turns there was a choice, and how many there
 * were; each of these is a run with one change, which says where a second may come
 * behind it, and so on.  So every schedule with so many changes is run once.
 *
 * The runs with a given first change are dealt out to processes together.  What is
 * done is appended to the progress file, of use to the very same program only.
 */
#include <stdlib.h>

#include "pairs.h"
#include "scale/clock.h"
#include "scale/processes.h"

/* With fewer turns, and no power cuts, one change more is asked for: of one, of two. */
#define TURNS_FEW	120u
#define TURNS_SOME	400u

static struct world world;

/* What a process is at, and what it has done; its parent sees it, too. */
struct doing {
	struct pair_place place;
	u64 nr_runs;
	u64 nr_cuts;
	u64 nr_same;			/* left out */
};

struct shared {
	u32 next;			/* first change */
	bool failed;
	struct doing doing[PROCESSES_MAX];
};

struct schedules {
	u32 changes;			/* of a pair; */
	u32 most;			/* of the one at hand */
	u32 nr_jobs;
	int file;			/* -1: none */
	u32 pair;
	struct shared *shared;
	bool all;			/* nothing is left out */
	void (*ran)(const struct pair_turns *turns);
	struct pair_turns turns[PAIR_CHANGES_MAX + 1];
	struct pair_stretch stretches[PAIR_CHANGES_MAX][PAIR_WIDTH_MAX];
};

/* ---- one process ---- */

static bool place_run(struct schedules *s, struct doing *doing)
{
	struct pair_turns *turns = &s->turns[doing->place.nr];
	const char *why = pair_run(&world, &doing->place, turns);
	char text[128];

	doing->nr_runs++;
	if (s->ran)
		s->ran(turns);
	if (!why)
		return true;
	pair_print(&doing->place, text, sizeof(text));
	check_failed(&check_pairs, text, why, NULL);
	return false;
}

static bool places_behind(struct schedules *s, struct doing *doing, u32 last);

/* Is the change that comes last in place->changes the same at the next turn? */
static bool is_same(struct schedules *s, const struct doing *doing)
{
	const struct pair_place *place = &doing->place;
	u32 nr = place->nr - 1;
	const struct pair_change *c = &place->changes[nr];

	if (s->all || c->who >= PAIR_WIDTH_MAX || pair_overwrites(place->pair))
		return false;
	if (!c->who)
		return pair_same_cut(&s->turns[nr], c->at, &world);
	return pair_same(&s->turns[nr], c->at, &s->stretches[nr][c->who]);
}

/* The run with a change, and what others did by it until who ran goes on. */
static bool change_run(struct schedules *s, struct doing *doing, u32 at, u32 who)
{
	u32 nr = doing->place.nr - 1;

	doing->place.changes[nr] = (struct pair_change){ at, who };
	if (!place_run(s, doing))
		return false;
	if (who && who < PAIR_WIDTH_MAX)
		pair_stretch(&s->stretches[nr][who], &s->turns[nr], at,
			     &s->turns[nr + 1]);
	return true;
}

/* One more change, at this turn: others go on, or the power fails. */
static bool place_at(struct schedules *s, struct doing *doing, u32 at, u32 who)
{
	u32 nr = doing->place.nr - 1;
	bool same;

	doing->place.changes[nr] = (struct pair_change){ at, who };
	same = is_same(s, doing);
	if (same && (!who || nr + 1 == s->most)) {
		doing->nr_same++;
		return true;
	}
	if (!change_run(s, doing, at, who))
		return false;
	doing->nr_cuts += !who;
	if (!who || nr + 1 == s->most)
		return true;
	return places_behind(s, doing, !same ? U32_MAX :
			     pair_resumed(&s->turns[nr], at,
					  &s->turns[nr + 1]));
}

static bool places_at(struct schedules *s, struct doing *doing, u32 at)
{
	u32 width = s->turns[doing->place.nr].turns[at].width, who;
	bool ok = true;

	doing->place.nr++;
	for (who = !pair_may_be_cut(s->pair); who < width && ok; who++)
		ok = place_at(s, doing, at, who);
	doing->place.nr--;
	return ok;
}

static void stretches_forget(struct schedules *s, u32 nr)
{
	u32 who;

	for (who = 0; who < PAIR_WIDTH_MAX; who++)
		s->stretches[nr][who].nr = U32_MAX;
}

/*
 * One more change, anywhere behind the others, up to turn @last: what is behind that is
 * the same elsewhere.  From the end on, since a turn is the same as the next one.
 */
static bool places_behind(struct schedules *s, struct doing *doing, u32 last)
{
	u32 nr = doing->place.nr;
	const struct pair_turns *turns = &s->turns[nr];
	u32 first = nr ? doing->place.changes[nr - 1].at + 1 : 1, at;

	if (nr == s->most)
		return true;
	stretches_forget(s, nr);
	for (at = turns->nr; at > last; at--)
		doing->nr_same += turns->turns[at].width;
	for (; at >= first; at--)
		if (!places_at(s, doing, at))
			return false;
	return true;
}

/* What others do by a change at the next turn, which another process may be at. */
static bool look_ahead(struct schedules *s, struct doing *doing, u32 at)
{
	u32 width = s->turns[0].turns[at + 1].width, who;
	bool ok = true;

	stretches_forget(s, 0);
	if (s->all || !pair_is_step(&s->turns[0], at))
		return true;
	doing->place.nr++;
	for (who = 1; who < width && ok; who++)
		ok = change_run(s, doing, at + 1, who);
	doing->place.nr--;
	return ok;
}

/* ---- the progress file ---- */

#define PAIRS_MAX	64

static void doing_add(struct doing *sum, const struct doing *doing)
{
	sum->nr_runs += doing->nr_runs;
	sum->nr_cuts += doing->nr_cuts;
	sum->nr_same += doing->nr_same;
}

static bool done[PAIRS_MAX][PAIR_TURNS_MAX];
static struct doing before[PAIRS_MAX];

static u32 pair_find(const char *name)
{
	u32 pair = 0;

	while (pair_name(pair) && strcmp(pair_name(pair), name))
		pair++;
	return pair;
}

/* Takes in what a run before this one has done. */
static void progress_line(const char *line, void *arg)
{
	struct doing did = { 0 };
	char name[32];
	u32 at, pair;

	if (sscanf(line, "%31s %u %llu %llu %llu", name, &at, &did.nr_runs,
		   &did.nr_cuts, &did.nr_same) != 5)
		return;
	pair = pair_find(name);
	if (!pair_name(pair) || at >= PAIR_TURNS_MAX || done[pair][at])
		return;
	done[pair][at] = true;
	doing_add(&before[pair], &did);
}

static void place_done(const struct schedules *s, u32 at,
		       const struct doing *before, const struct doing *after)
{
	char line[128];

	scnprintf(line, sizeof(line), "%s %u %llu %llu %llu\n",
		  pair_name(s->pair), at, after->nr_runs - before->nr_runs,
		  after->nr_cuts - before->nr_cuts,
		  after->nr_same - before->nr_same);
	progress_write(s->file, line);
}

/* ---- all of them ---- */

static void process_run(u32 i, void *arg)
{
	struct schedules *s = arg;
	struct shared *shared = s->shared;
	struct doing *doing = &shared->doing[i], begun;
	u32 at;

	for (;;) {
		at = __atomic_fetch_add(&shared->next, 1, __ATOMIC_RELAXED);
		if (at > s->turns[0].nr || shared->failed)
			return;
		if (done[s->pair][at])
			continue;
		begun = *doing;
		if (!look_ahead(s, doing, at) || !places_at(s, doing, at)) {
			shared->failed = true;
			return;
		}
		place_done(s, at, &begun, doing);
	}
}

static void process_died(u32 i, void *arg)
{
	struct schedules *s = arg;
	char text[128];

	s->shared->failed = true;
	pair_print(&s->shared->doing[i].place, text, sizeof(text));
	check_failed(&check_pairs, text, "the process died", NULL);
}

static bool pair_all(struct schedules *s)
{
	struct shared *shared = s->shared;
	struct doing sum = before[s->pair];
	double start = now();
	u32 i;

	memset(shared, 0, sizeof(*shared));
	shared->next = 1;
	shared->doing[0].place.pair = s->pair;
	if (!place_run(s, &shared->doing[0]))
		return false;
	if (s->turns[0].nr == PAIR_TURNS_MAX - 1)
		return false;
	/* there are fewer schedules where the power does not fail */
	s->most = s->changes + (!pair_may_be_cut(s->pair) && s->turns[0].nr <
				(s->changes > 1 ? TURNS_SOME : TURNS_FEW));
	for (i = 0; i < s->nr_jobs; i++)
		shared->doing[i].place.pair = s->pair;
	processes_run(s->nr_jobs, process_run, process_died, s);
	for (i = 0; i < s->nr_jobs; i++)
		doing_add(&sum, &shared->doing[i]);
	printf("%-18s %-28s %5u turns, up to %u changes: %9llu schedules, ",
	       pair_name(s->pair), pair_what(s->pair), s->turns[0].nr, s->most,
	       sum.nr_runs);
	printf("%8llu of them with a power cut, beside %9llu that are the same, in %.0f s\n",
	       sum.nr_cuts, sum.nr_same, now() - start);
	fflush(stdout);
	return !shared->failed;
}

/* ---- the same without leaving any out ---- */

static struct sim_traces traces, ended;

/*
 * A trace is what its steps touched, in which order.  Of one that a power cut ended
 * only what the disk holds matters, and what users have seen.
 */
static void trace_add(const struct pair_turns *turns)
{
	u32 i;

	sim_traces_begin(&traces);
	for (i = 0; i < turns->nr_touches; i++)
		sim_traces_touch(&traces, turns->touches[i].fiber,
				 turns->touches[i].object,
				 turns->touches[i].how);
	ended.sum = traces.sum;
	if (turns->cut)
		ended.sum = sim_traces_of(&traces, world.disk) ^
			    sim_traces_of(&traces, &world.model);
	ended.nr_ended += !sim_traces_seen(&ended, turns->cut, 0);
}

int pairs_run(u32 changes, const char *name, u32 nr_jobs, const char *progress)
{
	/* what they are the turns of is too large for a stack */
	static struct schedules s = { .file = -1 };
	const char *prune = getenv("PRUNE");
	u32 nr_failed = 0;
	char head[32];

	s.changes = changes;
	s.nr_jobs = min(nr_jobs, PROCESSES_MAX);
	s.all = prune && !atoi(prune);
	if (name && !*name)
		name = NULL;
	if (changes >= PAIR_CHANGES_MAX || (name && !pair_name(pair_find(name))))
		return 2;
	s.shared = shared_alloc(sizeof(*s.shared));
	if (!s.shared)
		return 2;
	scnprintf(head, sizeof(head), "%u %u", changes, s.all);
	if (progress) {
		s.file = progress_open(progress, head, progress_line, NULL);
		if (s.file < 0)
			return 2;
	}
	world_init(&world);
	for (s.pair = 0; pair_name(s.pair); s.pair++)
		if (!name || !strcmp(name, pair_name(s.pair)))
			nr_failed += !pair_all(&s);
	return !!nr_failed;
}

/* Return: how many different ones there are. */
static u64 traces_of(struct schedules *s, bool all)
{
	struct doing doing = { .place.pair = s->pair };

	sim_traces_reset(&traces);
	sim_traces_reset(&ended);
	s->all = all;
	if (!place_run(s, &doing) || !places_behind(s, &doing, U32_MAX))
		return 0;
	printf("%-18s %u changes: %9llu schedules, beside %9llu that are the same: %llu traces\n",
	       pair_name(s->pair), s->changes, doing.nr_runs, doing.nr_same,
	       ended.nr_ended);
	fflush(stdout);
	return ended.nr_ended;
}

int pairs_compare(u32 changes, const char *name)
{
	static struct schedules s;
	u32 nr_failed = 0;
	u64 nr;

	if (changes > PAIR_CHANGES_MAX)
		return 2;
	s.changes = changes;
	s.most = changes;
	s.ran = trace_add;
	world_init(&world);
	for (s.pair = 0; pair_name(s.pair); s.pair++) {
		if (name && *name && strcmp(name, pair_name(s.pair)))
			continue;
		nr = traces_of(&s, true);
		nr_failed += !nr || traces_of(&s, false) != nr;
	}
	sim_traces_free(&ended);
	printf("pairs: %u failed\n", nr_failed);
	return !!nr_failed;
}
