// SPDX-License-Identifier: GPL-2.0-only
/*
 * Goal:	a failure shrinks to the shortest history that shows it.
 * Method:	plant faults whose shortest history is known: a disk that lies
 *		about flushes, and an oracle that objects to five operations in
 *		a certain order.  Shrink what the first seeds find.
 */
#include "history.h"
#include "shrink.h"

/* One operation more than the shortest is forgiven. */
#define SLACK		1
#define SEEDS_MAX	20000

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

/* How each fails, and the operations of its shortest history before its end. */
static const struct {
	const char *why;
	u32 ops;
} planted[] = {
	{ "no first n requests", 2 },
	{ "this order is objected to", ARRAY_SIZE(objection) },
};

/* ---- */

/* The next seed from *@seed on that fails like that. */
static bool next_failure(const struct check_suite *suite, const char *how,
			 u64 *seed)
{
	struct check_tally tally = { 0 };
	const char *why;

	for (; *seed < SEEDS_MAX; ++*seed) {
		why = check_seed(suite, *seed, &tally);
		if (why && !strncmp(why, how, strlen(how)))
			return true;
	}
	return false;
}

bool check_shrinking(u32 nr, char *what, size_t size)
{
	const struct check_suite *suite;
	u32 nr_short = 0, nr_all = 0, i;
	double slowest = 0;
	u64 seed;

	for (suite = check_planted; suite->name; suite++) {
		const char *how = planted[suite - check_planted].why;
		u32 ops = planted[suite - check_planted].ops;

		for (i = 0, seed = 0; i < nr; i++, seed++) {
			struct shrink s = { .suite = suite, .how = how };
			u32 nr_ops;

			nr_all++;
			if (!next_failure(suite, how, &seed) ||
			    !check_shrink(&s, seed))
				continue;
			nr_ops = list_nr_ops(&s.best);
			if (s.seconds > slowest)
				slowest = s.seconds;
			if (nr_ops <= ops + SLACK)
				nr_short++;
			else
				printf("%s:%#llx: shrunk to %u operations, not %u\n",
				       suite->name, seed, nr_ops, ops);
			list_free(&s.best);
		}
	}
	scnprintf(what, size,
		  "%u of %u planted failures as short as can be, in at most %.1f s",
		  nr_short, nr_all, slowest);
	return nr_short == nr_all;
}
