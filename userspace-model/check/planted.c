// SPDX-License-Identifier: GPL-2.0-only
/*
 * Goal:	a failure shrinks to the shortest history that shows it.
 * Method:	plant faults whose shortest history is known: a disk that lies
 *		about flushes, an oracle that objects to five operations in a
 *		certain order, a race of two operations that takes two preemptions
 *		and fails, or ends the process, locks that one run takes in one
 *		order and another in the other, and for the alphabet a model that
 *		takes all that was acknowledged for durable.  Shrink what is found
 *		first.
 */
#include <signal.h>

#include "alphabet.h"
#include "history.h"
#include "shrink.h"

/* One operation more than the shortest is forgiven. */
#define SLACK		1
#define SEEDS_MAX	20000

/**
 * struct planted - failures whose shortest history is known
 * @suite:	which fails
 * @next:	the next failure from *@seed on, and where it begins
 * @how:	with what words it has to begin
 * @ops:	operations of the shortest history, before its end
 * @preemptions: in it
 * @most:	of these so many at most, as each run takes a process; 0: all that are asked
 */
struct planted {
	const struct check_suite *suite;
	bool (*next)(const struct planted *p, u64 *seed, char *from,
		     size_t size);
	const char *how;
	u32 ops;
	u32 preemptions;
	u32 most;
};

/* ---- a disk that lies about flushes: a write and a flush ---- */

static const struct shard_backend_ops *honest_ops;

static void lying_submit(struct shard_backend *backend, struct shard_io *io)
{
	if (io->op == SHARD_IO_FLUSH)
		io->done(io);
	else
		honest_ops->submit(backend, io);
}

static void lie(struct world *w)
{
	static struct shard_backend_ops ops;

	if (w->disk->backend.ops == &ops)
		return;
	honest_ops = w->disk->backend.ops;
	ops = *honest_ops;
	ops.submit = lying_submit;
	w->disk->backend.ops = &ops;
}

static void run_lost_flush(struct world *w)
{
	struct world_config config;

	history_config(&config, false, false);
	config.before_start = lie;
	/* records are durable by themselves, so that only data get lost */
	config.disk.fua = true;
	history_run(w, &config);
}

/* ---- an oracle that objects to an order ---- */

static const u8 objection[] = {
	OP_WRITE_FUA, OP_CHECKPOINT, OP_DISCARD, OP_CRASH, OP_READ,
};

static u32 objected;

static void object(struct world *w, u32 op)
{
	objected += objected < ARRAY_SIZE(objection) &&
		    op == objection[objected];
	if (objected == ARRAY_SIZE(objection))
		kapi_fail("this order is objected to");
}

static void run_objection(struct world *w)
{
	struct world_config config;

	objected = 0;
	history_config(&config, true, true);
	config.ran = object;
	history_run(w, &config);
}

/* ---- a race: one operation within another, and that within the first again ---- */

#define RACE_STEPS	12

enum race_op {
	RACE_NOTHING,
	RACE_SHORT,
	RACE_LONG,
	RACE_OPENS,
	RACE_ENTERS,
	RACE_OPS,
};

static struct {
	struct world *w;
	wait_queue_head_t wait;
	u8 steps[2][RACE_STEPS];
	u32 nr_steps[2];
	u32 nr_left;
	bool open;
	bool within;
	bool deadly;
} race;

static void race_point(void)
{
	kapi_preempt_point("step", &race, __kapi_at);
}

static void race_step(enum race_op op)
{
	switch (op) {
	case RACE_LONG:
		race_point();
		race_point();
		break;
	case RACE_OPENS:
		race.open = true;
		race_point();
		if (race.within && race.deadly)
			raise(SIGKILL);
		if (race.within)
			kapi_fail("an operation is interrupted where it must not be");
		race.open = false;
		break;
	case RACE_ENTERS:
		race.within = race.open;
		race_point();
		race.within = false;
		break;
	default:
		break;
	}
	race_point();
}

static void race_fiber(void *arg)
{
	static const char * const names[RACE_OPS] = {
		"nothing", "short", "long", "opens", "enters",
	};
	u32 user = *(const u32 *)arg, i;

	for (i = 0; i < race.nr_steps[user]; i++) {
		kapi_doing(names[race.steps[user][i]], i + 1);
		race_step(race.steps[user][i]);
	}
	kapi_doing(NULL, 0);
	if (--race.nr_left)
		return;
	sim_schedule_end(&race.w->sim);
	wake_up(&race.wait);
}

static void race_run(struct world *w, bool deadly)
{
	static const u32 users[2] = { 0, 1 };
	struct kapi_fiber *fibers[2];
	u32 op, user, i;

	memset(&race, 0, sizeof(race));
	race.w = w;
	race.deadly = deadly;
	race.nr_left = 2;
	init_waitqueue_head(&race.wait);
	for (i = 0; i < RACE_STEPS; i++) {
		op = world_draw(RACE_OPS, SIM_CHOOSE_STEP);
		user = world_draw(2, CHECK_CHOOSE_BLOCK);
		if (op)
			race.steps[user][race.nr_steps[user]++] = op;
	}
	world_draw(2, SIM_CHOOSE_END);
	for (i = 0; i < 2; i++)
		fibers[i] = kapi_spawn(i ? "B" : "A", race_fiber,
				       (void *)&users[i]);
	sim_schedule_begin(&w->sim);
	wait_event(race.wait, !race.nr_left);
	for (i = 0; i < 2; i++)
		kapi_join(fibers[i]);
}

static void run_race(struct world *w)
{
	race_run(w, false);
}

static void run_deadly_race(struct world *w)
{
	race_run(w, true);
}

/* ---- locks: each run knows one order ---- */

#define LOCKS_STEPS	4

static void run_locks(struct world *w)
{
	bool turned = world_draw(2, CHECK_CHOOSE_CONFIG);
	spinlock_t a, b;
	u32 i;

	spin_lock_init(&a);
	spin_lock_init(&b);
	for (i = 0; i < LOCKS_STEPS; i++) {
		if (!world_draw(2, SIM_CHOOSE_STEP))
			continue;
		spin_lock(turned ? &b : &a);
		spin_lock(turned ? &a : &b);
		spin_unlock(turned ? &a : &b);
		spin_unlock(turned ? &b : &a);
	}
	world_draw(2, SIM_CHOOSE_END);
}

const struct check_suite check_planted[] = {
	{ "planted-flush", run_lost_flush, 0, "a disk that lies about flushes" },
	{ "planted-order", run_objection, 0,
	  "an oracle that objects to an order" },
	{ "planted-race", run_race, 0, "a race that takes two preemptions" },
	{ "planted-death", run_deadly_race, 0,
	  "the same race, which ends the process" },
	{ "planted-locks", run_locks, 0, "an order of locks, and another" },
	{ NULL }
};

/* ---- the alphabet: a write ---- */

#define SEQUENCE_STEP	601	/* so that they are not all alike */

/* The next sequence of three operations that fails, and where it does. */
static bool next_place(const struct planted *p, u64 *seed, char *from,
		       size_t size)
{
	u64 first = alphabet_count(2), nr = alphabet_count(3) - first;
	static struct alphabet alphabet = { .lie = true };
	struct alphabet_place place;
	static struct world world;

	if (!alphabet.world)
		world_init(&world);
	alphabet.world = &world;
	alphabet.crash.where = &place.where;
	alphabet.crash.bounds = (struct crash_bounds){
		.states_max = 1 << 12, .prune = true,
	};
	for (; *seed < nr; ++*seed) {
		place.sequence = first + *seed * SEQUENCE_STEP % nr;
		if (!alphabet_sequence(&alphabet, place.sequence))
			continue;
		alphabet_place_print(&place, from, size);
		return true;
	}
	return false;
}

/* ---- histories: the next seed that fails like that ---- */

static bool next_seed(const struct planted *p, u64 *seed, char *from,
		      size_t size)
{
	struct check_tally tally = { 0 };
	const char *why;

	for (; *seed < SEEDS_MAX; ++*seed) {
		why = check_seed(p->suite, *seed, &tally);
		if (!why || strncmp(why, p->how, strlen(p->how)))
			continue;
		scnprintf(from, size, "%#llx", *seed);
		return true;
	}
	return false;
}

/* Whoever looks for a death dies of it: where it is not one. */
static bool next_death(const struct planted *p, u64 *seed, char *from,
		       size_t size)
{
	static const struct planted race = {
		.suite = &check_planted[2], .how = "an operation is",
	};

	return next_seed(&race, seed, from, size);
}

/* ---- */

static const struct planted planted[] = {
	{ &check_planted[0], next_seed, "no first n requests", 2 },
	{ &check_planted[1], next_seed, "this order is objected to",
	  ARRAY_SIZE(objection) },
	{ &check_planted[2], next_seed, "an operation is interrupted", 2, 2 },
	{ &check_planted[3], next_death, "the process died", 2, 2, 1 },
	{ &check_planted[4], next_seed, "lock order", 1 },
	{ &check_alphabet_lie, next_place, "", 1 },
};

/* Return: did it shrink to what it should. */
static bool shrink_next(const struct planted *p, u64 *seed, double *slowest)
{
	struct shrink s = { .suite = p->suite, .how = p->how };
	char from[128];
	u32 nr_ops, nr_preemptions;

	if (!p->next(p, seed, from, sizeof(from)) || !check_shrink(&s, from)) {
		printf("%s: nothing failed\n", p->suite->name);
		return false;
	}
	nr_ops = list_nr_ops(&s.best);
	nr_preemptions = list_nr_preemptions(&s.best);
	list_free(&s.best);
	if (s.seconds > *slowest)
		*slowest = s.seconds;
	if (nr_ops <= p->ops + SLACK && nr_preemptions <= p->preemptions)
		return true;
	printf("%s:%s: shrunk to %u operations and %u preemptions, not %u and %u\n",
	       p->suite->name, from, nr_ops, nr_preemptions, p->ops,
	       p->preemptions);
	return false;
}

bool check_shrinking(u32 nr, char *what, size_t size)
{
	const struct planted *p;
	u32 nr_short = 0, nr_all = 0, end, i;
	double slowest = 0;
	u64 seed;

	for (p = planted; p < planted + ARRAY_SIZE(planted); p++) {
		end = min(nr, p->most ?: nr);
		for (i = 0, seed = 0; i < end; i++, seed++)
			nr_short += shrink_next(p, &seed, &slowest);
		nr_all += end;
	}
	scnprintf(what, size,
		  "%u of %u planted failures as short as can be, in at most %.1f s",
		  nr_short, nr_all, slowest);
	return nr_short == nr_all;
}
