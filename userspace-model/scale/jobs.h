/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Processes that run seeds side by side.
 */
#ifndef SCALE_JOBS_H
#define SCALE_JOBS_H

#include "check/runner.h"
#include "check/sometimes.h"
#include "processes.h"

#define SUITES_MAX	64
#define JOB_WHY_SIZE	256

/**
 * struct job - what a process is doing, and what came of it
 * @suite:	what runs, or ran last
 * @seed:	the same
 * @running:	it does
 * @until:	every seed of its own below this was run, or ended it
 * @why:	the last failure, of that suite and seed; empty: there is none
 * @tallies:	of each suite
 * @sometimes:	at its end
 *
 * Shared with the parent, which so knows what was running when a sanitizer
 * ended a process.
 */
struct job {
	u32 suite;
	u64 seed;
	bool running;
	u64 until;
	char why[JOB_WHY_SIZE];
	struct check_tally tallies[SUITES_MAX];
	struct sometimes sometimes;
};

extern struct job *jobs;
extern u32 nr_jobs;

/** jobs_init() - before anything else; @nr is taken for the nearest possible */
bool jobs_init(u32 nr);

/** jobs_run() - call @fn in a process each; returns when all have ended */
void jobs_run(void (*fn)(struct job *job, u32 i, void *arg), void *arg);

/**
 * job_seed() - run a seed, in @fn of jobs_run(); report it if it fails
 *
 * Return: is all well?
 */
bool job_seed(struct job *job, u32 suite, u64 seed);

/** jobs_sum() - what came of a suite in all of them */
struct check_tally jobs_sum(u32 suite);
/** jobs_sometimes() - what occurred in all of them */
void jobs_sometimes(struct sometimes *sum);

/** check_tally_add() - sum up */
void check_tally_add(struct check_tally *to, const struct check_tally *from);

#endif /* SCALE_JOBS_H */
