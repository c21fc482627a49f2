/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Running suites: many seeds, on several processes; replay; shrinking.
 */
#ifndef CHECK_RUNNER_H
#define CHECK_RUNNER_H

#include "world.h"

/**
 * struct check_suite - one question, asked with many seeds or once
 * @name:	in reports and repros
 * @run:	asks it; inside a run of kapi
 * @share:	of the scenarios of `make check`, in a hundred; 0: it is a test
 *		that draws nothing that matters, asked once
 * @what:	in a few words
 * @begin:	make choices that lead to what a repro says behind the name, which
 *		is right; NULL: it is a seed
 * @end:	after each run, failed or not; or NULL
 */
struct check_suite {
	const char *name;
	void (*run)(struct world *w);
	u32 share;
	const char *what;
	void (*begin)(const char *from, struct sim_choices *choices);
	void (*end)(void);
};

/* What came of it. */
struct check_tally {
	u64 nr_runs;
	u64 nr_full;		/* scenarios with all their operations */
	u64 nr_ops;
	u64 nr_refused;
	u64 nr_crashes;
	u64 nr_twice;		/* run twice, to see whether it is the same */
	u64 nr_failed;
};

/** check_run_seconds - CPU time after which a run is taken to hang, and is ended */
extern u32 check_run_seconds;

/** check_suites() - all there are, ended by one without a name */
extern const struct check_suite check_suites[];
/** check_planted() - suites that fail, to see how failures are dealt with */
extern const struct check_suite check_planted[];
/** check_alphabet() - a crash state of a short sequence, for each disk */
extern const struct check_suite check_alphabet[];
/** check_alphabet_lie - the same with a model that takes too much for durable */
extern const struct check_suite check_alphabet_lie;
const struct check_suite *check_suite_find(const char *name);
/** check_suite_of() - SUITE:FROM.  Return: NULL if there is no such suite */
const struct check_suite *check_suite_of(const char *repro, const char **from);

/** check_init() - before anything else */
void check_init(void);

/**
 * check_seed() - one run; one in a hundred twice
 *
 * Return: NULL when all is well, else what is not; valid until the next run.
 */
const char *check_seed(const struct check_suite *suite, u64 seed,
		       struct check_tally *tally);

/**
 * check_export() - one run, printed as what its users do (show.h)
 *
 * Return: as check_seed().
 */
const char *check_export(const struct check_suite *suite, u64 seed);

/** check_hash() - of all that the last run drew, did and got */
u64 check_hash(void);

/**
 * check_failed() - a run failed: say so, shrink it, file and print it
 * @from:	where it began, as a repro says it: mostly a seed
 * @file:	a name in check/regressions; NULL: in build/repros
 */
void check_failed(const struct check_suite *suite, const char *from,
		  const char *why, const char *file);
/** check_seed_failed() - the same of a seed, filed in build/repros */
void check_seed_failed(const struct check_suite *suite, u64 seed,
		       const char *why);

/**
 * check_replay() - run a repro: a file, or SUITE:SEED, which is shrunk
 * @quiet:	print nothing unless it fails
 * @io:		print the engine's I/O too
 * @file:	if it fails, file it in check/regressions by that name; or NULL
 *
 * Return: 0; 1 if it fails; 2 if there is no such thing.
 */
int check_replay(const char *repro, bool quiet, bool io, const char *file);

/** check_graph() - also draw what check_replay() prints, to this file */
void check_graph(const char *path);

/**
 * check_shrinking() - do failures with known shortest histories shrink to them
 * @nr:		so many failures of each planted suite
 * @what:	what came of it, for the report
 */
bool check_shrinking(u32 nr, char *what, size_t size);

/* ---- for shrinking ---- */

struct list;
struct shrink;

/** check_shrink() - @s->suite, and where to begin.  Return: does it fail? */
bool check_shrink(struct shrink *s, const char *from);

/** check_list() - run a list.  Return: as check_seed() */
const char *check_list(const struct check_suite *suite,
		       const struct list *list);
/**
 * check_list_anyhow() - the same, on a schedule that the list does not say
 * @seed:	of it, not 0
 * @preemptions_max: it has no more of them
 */
const char *check_list_anyhow(const struct check_suite *suite,
			      const struct list *list, u64 seed,
			      u32 preemptions_max);
/**
 * check_list_apart() - the same in a process of its own, which may die
 * @seed:	of other schedules, the first, 0: the list says; then the one that failed,
 *		or @last
 * @last:	of these
 */
const char *check_list_apart(const struct check_suite *suite,
			     const struct list *list, u64 *seed, u64 last,
			     u32 preemptions_max);

/** check_drawn() - what the last check_list() drew, without zeros at its end */
void check_drawn(struct sim_record **records, size_t *nr);
/** check_drawn_apart() - likewise check_list_apart(), up to where it died */
void check_drawn_apart(struct sim_record **records, size_t *nr);

#endif /* CHECK_RUNNER_H */
