// SPDX-License-Identifier: GPL-2.0-only
/*
 * Processes that run seeds side by side.
 */
#include "jobs.h"

struct job *jobs;
u32 nr_jobs;

bool jobs_init(u32 nr)
{
	nr_jobs = clamp_t(u32, nr, 1, PROCESSES_MAX);
	jobs = shared_alloc(nr_jobs * sizeof(*jobs));
	return jobs;
}

static void job_failed(struct job *job, const char *why)
{
	scnprintf(job->why, sizeof(job->why), "%.*s",
		  (int)strcspn(why, "\n"), why);
	check_seed_failed(&check_suites[job->suite], job->seed, why);
}

bool job_seed(struct job *job, u32 suite, u64 seed)
{
	const char *why;

	job->suite = suite;
	job->seed = seed;
	job->running = true;
	why = check_seed(&check_suites[suite], seed, &job->tallies[suite]);
	if (why)
		job_failed(job, why);
	job->running = false;
	return !why;
}

struct work {
	void (*fn)(struct job *job, u32 i, void *arg);
	void *arg;
};

static void job_run(u32 i, void *arg)
{
	struct work *work = arg;

	work->fn(&jobs[i], i, work->arg);
	sometimes_save(&jobs[i].sometimes);
}

static void job_died(u32 i, void *arg)
{
	struct job *job = &jobs[i];

	if (job->running)
		job_failed(job, "the process died");
	job->tallies[job->suite].nr_failed++;
}

void jobs_run(void (*fn)(struct job *job, u32 i, void *arg), void *arg)
{
	struct work work = { fn, arg };

	memset(jobs, 0, nr_jobs * sizeof(*jobs));
	processes_run(nr_jobs, job_run, job_died, &work);
}

void jobs_sometimes(struct sometimes *sum)
{
	u32 i;

	memset(sum, 0, sizeof(*sum));
	for (i = 0; i < nr_jobs; i++)
		sometimes_add(sum, &jobs[i].sometimes);
}

void check_tally_add(struct check_tally *to, const struct check_tally *from)
{
	to->nr_runs += from->nr_runs;
	to->nr_full += from->nr_full;
	to->nr_ops += from->nr_ops;
	to->nr_refused += from->nr_refused;
	to->nr_crashes += from->nr_crashes;
	to->nr_twice += from->nr_twice;
	to->nr_failed += from->nr_failed;
}

struct check_tally jobs_sum(u32 suite)
{
	struct check_tally sum = { 0 };
	u32 i;

	for (i = 0; i < nr_jobs; i++)
		check_tally_add(&sum, &jobs[i].tallies[suite]);
	return sum;
}
