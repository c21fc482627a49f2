// SPDX-License-Identifier: GPL-2.0-only
/*
 * Goal:	a failure shrinks to the shortest history that shows it.
 * Method:	plant faults whose shortest history is known: a disk that lies
 *		about flushes, an oracle that objects to five operations in a
 *		certain order, and for the alphabet a model that takes all that
 *		was acknowledged for durable.  Shrink what is found first.
 */
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
 */
struct planted {
	const struct check_suite *suite;
	bool (*next)(const struct planted *p, u64 *seed, char *from,
		     size_t size);
	const char *how;
	u32 ops;
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

const struct check_suite check_planted[] = {
	{ "planted-flush", run_lost_flush, 0, "a disk that lies about flushes" },
	{ "planted-order", run_objection, 0,
	  "an oracle that objects to an order" },
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

/* ---- */

static const struct planted planted[] = {
	{ &check_planted[0], next_seed, "no first n requests", 2 },
	{ &check_planted[1], next_seed, "this order is objected to",
	  ARRAY_SIZE(objection) },
	{ &check_alphabet_lie, next_place, "", 1 },
};

/* Return: did it shrink to what it should. */
static bool shrink_next(const struct planted *p, u64 *seed, double *slowest)
{
	struct shrink s = { .suite = p->suite, .how = p->how };
	char from[128];
	u32 nr_ops;

	if (!p->next(p, seed, from, sizeof(from)) || !check_shrink(&s, from)) {
		printf("%s: nothing failed\n", p->suite->name);
		return false;
	}
	nr_ops = list_nr_ops(&s.best);
	list_free(&s.best);
	if (s.seconds > *slowest)
		*slowest = s.seconds;
	if (nr_ops > p->ops + SLACK)
		printf("%s:%s: shrunk to %u operations, not %u\n",
		       p->suite->name, from, nr_ops, p->ops);
	return nr_ops <= p->ops + SLACK;
}

bool check_shrinking(u32 nr, char *what, size_t size)
{
	const struct planted *p;
	u32 nr_short = 0, i;
	double slowest = 0;
	u64 seed;

	for (p = planted; p < planted + ARRAY_SIZE(planted); p++)
		for (i = 0, seed = 0; i < nr; i++, seed++)
			nr_short += shrink_next(p, &seed, &slowest);
	nr *= ARRAY_SIZE(planted);
	scnprintf(what, size,
		  "%u of %u planted failures as short as can be, in at most %.1f s",
		  nr_short, nr, slowest);
	return nr_short == nr;
}
