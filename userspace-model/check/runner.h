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
 * @share:	of the scenarios of `make check`, in a thousand; 0: it is a test
 *		that draws nothing that matters, asked once
 * @what:	in a few words
 */
struct check_suite {
	const char *name;
	void (*run)(struct world *w);
	u32 share;
	const char *what;
};

/* What came of it. */
struct check_tally {
	u64 nr_runs;
	u64 nr_full;		/* scenarios with all their operations */
	u64 nr_ops;
	u64 nr_refused;
	u64 nr_crashes;
	u64 nr_searched;	/* orders that the engine's numbers did not give */
	u64 nr_failed;
};

/** check_suites() - all there are, ended by one without a name */
extern const struct check_suite check_suites[];
const struct check_suite *check_suite_find(const char *name);

/** check_init() - before anything else; verbose prints histories */
void check_init(void);

/**
 * check_seed() - one run
 *
 * Return: NULL when all is well, else what is not; valid until the next run.
 */
const char *check_seed(const struct check_suite *suite, u64 seed,
		       struct check_tally *tally);

/** check_failed() - a seed failed: say so, shrink it, file and print it */
void check_failed(const struct check_suite *suite, u64 seed, const char *why);

/**
 * check_replay() - run a repro: a file, or SUITE:SEED
 * @quiet:	print nothing unless it fails
 * @io:		print the engine's I/O too
 *
 * Return: 0; 1 if it fails; 2 if there is no such thing.
 */
int check_replay(const char *repro, bool quiet, bool io);

#endif /* CHECK_RUNNER_H */
