// SPDX-License-Identifier: GPL-2.0-only
/*
 * DOC: all schedules
 *
 * A run without changes says at which turns there was a choice, and how many there
 * were; each of these is a run with one change, which says where a second may come
 * behind it, and so on.  So every schedule with so many changes is run once.  The power
 * fails at each turn of each of them that leaves something that no other one does, and
 * the disk is then found in each of several states.
 *
 * The runs whose first change is at one of some turns in a row are dealt out to processes
 * together.  What is done is appended to the progress file, of use to the very same program
 * only.
 */
#include <stdlib.h>

#include "pairs.h"
#include "scale/clock.h"
#include "scale/processes.h"

/* With fewer turns, and no power cuts, one change more is asked for: of one, of two. */
#define TURNS_FEW	120u
#define TURNS_SOME	400u
/* And with so few, of two, two more. */
#define TURNS_LEAST	60u

/* First changes that are dealt out together. */
#define TOGETHER	16u

static struct world world;

/* What a process is at, and what it has done; its parent sees it, too. */
struct doing {
	struct pair_place place;
	u64 nr_runs;
	u64 nr_cuts;			/* power cuts; of them */
	u64 nr_media;			/* each with so many states of the disk */
	u64 nr_same;			/* left out */
};

struct shared {
	u32 next;			/* to be dealt out */
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
	struct pair_lefts *lefts;	/* by power cuts, which processes share too */
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
	return pair_same(&s->turns[nr], c->at, &s->stretches[nr][c->who],
			 pair_may_be_cut(place->pair) ? &world : NULL);
}

/* The run with a change, and what others did by it until who ran goes on. */
static bool change_run(struct schedules *s, struct doing *doing, u32 at, u32 who)
{
	u32 nr = doing->place.nr - 1;

	doing->place.changes[nr] = (struct pair_change){ at, who };
	if (!place_run(s, doing))
		return false;
	if (who < PAIR_WIDTH_MAX)
		pair_stretch(&s->stretches[nr][who], &s->turns[nr], at,
			     &s->turns[nr + 1]);
	return true;
}

/* Before this turn the power fails, and the disk keeps this or that. */
static bool cut_run(struct schedules *s, struct doing *doing, u32 at)
{
	u32 nr = doing->place.nr++, medium;
	const struct pair_turns *run = &s->turns[nr + 1];
	bool ok = true;

	for (medium = 0; medium < PAIR_MEDIA && ok; medium++) {
		if ((medium == PAIR_DURABLE && !run->unflushed) ||
		    (medium == PAIR_DRAWN && !run->undecided))
			continue;
		doing->place.changes[nr] = (struct pair_change){
			.at = at, .medium = medium,
		};
		ok = place_run(s, doing);
		doing->nr_media++;
	}
	doing->nr_cuts++;
	doing->place.nr--;
	return ok;
}

/* The same, unless another power cut leaves the same. */
static bool cut_at(struct schedules *s, struct doing *doing, u32 at)
{
	const struct pair_turn *turn = &s->turns[doing->place.nr].turns[at];

	if (!pair_may_be_cut(s->pair) || s->ran)
		return true;
	if (at > 1 && turn->left == turn[-1].left)
		return true;
	if (!s->all && pair_lefts_seen(s->lefts, turn->left))
		return true;
	return cut_run(s, doing, at);
}

/* One more change, at this turn: others go on. */
static bool place_at(struct schedules *s, struct doing *doing, u32 at, u32 who)
{
	u32 nr = doing->place.nr - 1;
	bool same;

	doing->place.changes[nr] = (struct pair_change){ at, who };
	same = is_same(s, doing);
	if (same && nr + 1 == s->most) {
		doing->nr_same++;
		return true;
	}
	return change_run(s, doing, at, who) &&
	       places_behind(s, doing, !same ? U32_MAX :
			     pair_resumed(&s->turns[nr], at,
					  &s->turns[nr + 1]));
}

static bool places_at(struct schedules *s, struct doing *doing, u32 at)
{
	u32 width = s->turns[doing->place.nr].turns[at].width, who;
	bool ok = true;

	doing->place.nr++;
	for (who = 1; who < width && ok; who++)
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
 * A power cut, or one more change, anywhere behind the others; a change up to turn @last:
 * what is behind that is the same elsewhere.  From the end on, since a turn is the same as
 * the next one.
 */
static bool places_behind(struct schedules *s, struct doing *doing, u32 last)
{
	u32 nr = doing->place.nr;
	const struct pair_turns *turns = &s->turns[nr];
	u32 first = nr ? doing->place.changes[nr - 1].at + 1 : 1, at;

	for (at = turns->nr; at >= first; at--)
		if (!cut_at(s, doing, at))
			return false;
	if (nr == s->most)
		return true;
	stretches_forget(s, nr);
	for (at = turns->nr; at > last; at--)
		doing->nr_same += turns->turns[at].width - 1;
	for (; at >= first; at--)
		if (!places_at(s, doing, at))
			return false;
	return true;
}

/* What others do by a change at the next turn, which another process is at. */
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
	sum->nr_media += doing->nr_media;
	sum->nr_same += doing->nr_same;
}

static bool done[PAIRS_MAX][PAIR_TURNS_MAX / TOGETHER];
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
	u32 nr, pair;

	if (sscanf(line, "%31s %u %llu %llu %llu %llu", name, &nr, &did.nr_runs,
		   &did.nr_cuts, &did.nr_media, &did.nr_same) != 6)
		return;
	pair = pair_find(name);
	if (!pair_name(pair) || nr >= PAIR_TURNS_MAX / TOGETHER ||
	    done[pair][nr])
		return;
	done[pair][nr] = true;
	doing_add(&before[pair], &did);
}

static void turns_done(const struct schedules *s, u32 nr,
		       const struct doing *before, const struct doing *after)
{
	char line[128];

	scnprintf(line, sizeof(line), "%s %u %llu %llu %llu %llu\n",
		  pair_name(s->pair), nr, after->nr_runs - before->nr_runs,
		  after->nr_cuts - before->nr_cuts,
		  after->nr_media - before->nr_media,
		  after->nr_same - before->nr_same);
	progress_write(s->file, line);
}

/* ---- all of them ---- */

/* There are fewer schedules where the power does not fail. */
static void most_of(struct schedules *s)
{
	u32 nr = s->turns[0].nr;

	s->most = s->changes;
	if (!pair_may_be_cut(s->pair) && s->changes > 1)
		s->most += (nr < TURNS_SOME) + (nr < TURNS_LEAST);
	else if (!pair_may_be_cut(s->pair))
		s->most += nr < TURNS_FEW;
}

/* From the end on: see places_behind(). */
static bool turns_run(struct schedules *s, struct doing *doing, u32 nr)
{
	u32 first = nr * TOGETHER + 1;
	u32 at = min(first + TOGETHER - 1, s->turns[0].nr);

	if (!look_ahead(s, doing, at))
		return false;
	for (; at >= first; at--)
		if (!cut_at(s, doing, at) || !places_at(s, doing, at))
			return false;
	return true;
}

static void process_run(u32 i, void *arg)
{
	struct schedules *s = arg;
	struct shared *shared = s->shared;
	struct doing *doing = &shared->doing[i], begun;
	u32 nr;

	for (;;) {
		nr = __atomic_fetch_add(&shared->next, 1, __ATOMIC_RELAXED);
		if (nr * TOGETHER >= s->turns[0].nr || shared->failed)
			return;
		if (done[s->pair][nr])
			continue;
		begun = *doing;
		if (!turns_run(s, doing, nr)) {
			shared->failed = true;
			return;
		}
		turns_done(s, nr, &begun, doing);
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

static void pair_say(const struct schedules *s, const struct doing *sum,
		     double seconds)
{
	printf("%-18s %-28s %5u turns, up to %u changes: ", pair_name(s->pair),
	       pair_what(s->pair), s->turns[0].nr, s->most);
	printf("%9llu schedules, beside %9llu that are the same; ",
	       sum->nr_runs - sum->nr_media, sum->nr_same);
	printf("%6llu power cuts, %6llu with what they leave; %.1f s of CPU time\n",
	       sum->nr_cuts, sum->nr_media, seconds);
	fflush(stdout);
}

static bool schedules_run(struct schedules *s)
{
	struct shared *shared = s->shared;
	u32 i;

	memset(shared, 0, sizeof(*shared));
	shared->doing[0].place.pair = s->pair;
	if (!place_run(s, &shared->doing[0]) ||
	    s->turns[0].nr == PAIR_TURNS_MAX - 1)
		return false;
	most_of(s);
	for (i = 0; i < s->nr_jobs; i++)
		shared->doing[i].place.pair = s->pair;
	processes_run(s->nr_jobs, process_run, process_died, s);
	return !shared->failed;
}

static bool pair_all(struct schedules *s)
{
	double start = cpu_seconds() + cpu_seconds_children();
	struct doing sum = before[s->pair];
	bool ok;
	u32 i;

	s->lefts = shared_alloc(sizeof(*s->lefts));
	ok = s->lefts && schedules_run(s);
	shared_free(s->lefts, sizeof(*s->lefts));
	for (i = 0; i < s->nr_jobs; i++)
		doing_add(&sum, &s->shared->doing[i]);
	pair_say(s, &sum, cpu_seconds() + cpu_seconds_children() - start);
	return ok;
}

/* ---- the same without leaving any out ---- */

#define LEFT	1	/* not a trace, but what a power cut would leave */

static struct sim_traces traces, ended;
static u64 nr_lefts;

/*
 * A trace is what its steps touched, in which order.  On the way there are moments at
 * which the power might fail.
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
	ended.nr_ended += !sim_traces_seen(&ended, 0, 0);
	for (i = 1; i <= turns->nr; i++) {
		ended.sum = turns->turns[i].left;
		nr_lefts += !sim_traces_seen(&ended, LEFT, 0);
	}
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
	if (changes + 1 >= PAIR_CHANGES_MAX || (name && !pair_name(pair_find(name))))
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

struct found {
	u64 nr_traces;
	u64 nr_lefts;
};

/* Return: how many different ones there are; none when one fails. */
static struct found traces_of(struct schedules *s, bool all)
{
	struct doing doing = { .place.pair = s->pair };

	sim_traces_reset(&traces);
	sim_traces_reset(&ended);
	nr_lefts = 0;
	s->all = all;
	if (!place_run(s, &doing) || !places_behind(s, &doing, U32_MAX))
		return (struct found){ 0 };
	printf("%-18s %u changes: %9llu schedules, beside %9llu that are the same: ",
	       pair_name(s->pair), s->changes, doing.nr_runs, doing.nr_same);
	printf("%llu traces, %llu states that a power cut leaves\n",
	       ended.nr_ended, nr_lefts);
	fflush(stdout);
	return (struct found){ ended.nr_ended, nr_lefts };
}

static bool pair_is_same(struct schedules *s)
{
	struct found all = traces_of(s, true), few = traces_of(s, false);

	return all.nr_traces && all.nr_traces == few.nr_traces &&
	       all.nr_lefts == few.nr_lefts;
}

int pairs_compare(u32 changes, const char *name)
{
	static struct schedules s;
	u32 nr_failed = 0;

	if (changes > PAIR_CHANGES_MAX)
		return 2;
	s.changes = changes;
	s.most = changes;
	s.ran = trace_add;
	world_init(&world);
	for (s.pair = 0; pair_name(s.pair); s.pair++)
		if (!name || !*name || !strcmp(name, pair_name(s.pair)))
			nr_failed += !pair_is_same(&s);
	sim_traces_free(&ended);
	printf("pairs: %u failed\n", nr_failed);
	return !!nr_failed;
}
