// SPDX-License-Identifier: GPL-2.0-only
/*
 * DOC: soaks
 *
 * A seed says which suite it is for and, with that, everything that happens.  So
 * all there is to run is one space of numbers, and shards and processes take
 * residues of it: shard 1 of 4 has the seeds FIRST + 1, FIRST + 5, ..., of
 * which its processes take turns.  They need not know of each other, and
 * together they run what one would have run.
 *
 * Tests are asked once: they are dealt out in the same way.
 */
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>

#include "clock.h"
#include "program.h"
#include "result.h"
#include "soak.h"

/* From so many operations on what is rare has to occur, too. */
#define SOAK_OPS	10000000

/* ---- one process ---- */

/* Multiples of the golden ratio spread evenly, whatever the step. */
static u32 suite_of(u64 seed)
{
	u32 total = 0, s;
	u64 at;

	for (s = 0; check_suites[s].name; s++)
		total += check_suites[s].share;
	at = (seed * 0x9e3779b97f4a7c15ull >> 32) * total >> 32;
	for (s = 0; at >= check_suites[s].share; s++)
		at -= check_suites[s].share;
	return s;
}

/* Return: a random suite's place in the table; SUITES_MAX: there is none. */
static u32 suite_named(const char *name)
{
	u32 s;

	for (s = 0; check_suites[s].name; s++)
		if (check_suites[s].share && !strcmp(check_suites[s].name, name))
			return s;
	return SUITES_MAX;
}

/* This process is one of all processes of all shards; some marks only tests meet. */
static bool run_tests(const struct soak *soak, struct job *job, u32 i)
{
	u32 step = soak->shard.count * nr_jobs;
	u32 mine = soak->shard.index + soak->shard.count * i;
	u32 s;

	for (s = 0; check_suites[s].name; s++)
		if (!check_suites[s].share && s % step == mine &&
		    !job_seed(job, s, 0))
			return false;
	return true;
}

static void soak_job(struct job *job, u32 i, void *arg)
{
	const struct soak *soak = arg;
	const u64 step = (u64)soak->shard.count * nr_jobs;
	const double until = now() + soak->seconds;
	u64 at = soak->shard.index + (u64)soak->shard.count * i;
	bool more = soak->suite || run_tests(soak, job, i);

	while (more && (soak->scenarios ? at < soak->scenarios : now() < until)) {
		job->until = soak->first + at + 1;
		more = job_seed(job, soak->suite ? suite_named(soak->suite) :
				suite_of(soak->first + at), soak->first + at);
		at += step;
	}
}

/* ---- what came of it ---- */

/* Return: operations of all suites. */
static u64 report_suites(const struct result *result)
{
	u64 nr_ops = 0;
	u32 s;

	for (s = 0; check_suites[s].name; s++) {
		const struct check_tally *sum = &result->tallies[s];

		if (sum->nr_runs || sum->nr_failed)
			printf("%-14s %9llu runs, %11llu operations, %9llu crashes, %3llu failed\n",
			       check_suites[s].name, sum->nr_runs, sum->nr_ops,
			       sum->nr_crashes, sum->nr_failed);
		nr_ops += sum->nr_ops;
	}
	return nr_ops;
}

static u64 report_failures(const struct result *result)
{
	u64 nr_failed = 0;
	u32 i;

	for (i = 0; i < SUITES_MAX; i++)
		nr_failed += result->tallies[i].nr_failed;
	for (i = 0; i < result->nr_failures; i++)
		printf("%s: %s\nmake replay REPRO=%s\n",
		       result->failures[i].repro, result->failures[i].why,
		       result->failures[i].repro);
	return nr_failed;
}

static void report_cost(const struct result *result)
{
	u64 nr_runs = 0;
	u32 s;

	for (s = 0; check_suites[s].name; s++)
		if (check_suites[s].share)
			nr_runs += result->tallies[s].nr_runs;
	printf("%llu scenarios in %.0f seconds of CPU time", nr_runs,
	       result->cpu_seconds);
	if (result->cpu_seconds > 0)
		printf(", %.0f per second", nr_runs / result->cpu_seconds);
	printf("\n");
}

/**
 * report() - print all that a result says
 * @whole:	it is all there is, so what must occur should have
 *
 * Return: exit code.
 */
static int report(const struct result *result, bool whole)
{
	u64 nr_ops = report_suites(result), nr_failed;
	u32 missing = sometimes_report(&result->sometimes, true, true);
	bool counts = whole && nr_ops >= SOAK_OPS && !*result->suite;

	nr_failed = report_failures(result);
	report_cost(result);
	printf("%llu operations", nr_ops);
	if (!missing)
		printf("; everything that must occur did\n");
	else if (!whole)
		printf("; %u things did not occur, which counts of all shards together\n",
		       missing);
	else if (!counts)
		printf("; %u things did not occur, which counts from %u on\n",
		       missing, SOAK_OPS);
	else
		printf("; %u things that must occur did not\n", missing);
	return nr_failed || (missing && counts);
}

static void collect(const struct soak *soak, struct result *result)
{
	struct part part = {
		.first = soak->first, .shard = soak->shard.index,
		.shards = soak->shard.count, .until = soak->first,
	};
	char repro[64];
	u32 i;

	result->program = program_hash();
	scnprintf(result->suite, sizeof(result->suite), "%s",
		  soak->suite ?: "");
	for (i = 0; check_suites[i].name; i++)
		result->tallies[i] = jobs_sum(i);
	jobs_sometimes(&result->sometimes);
	for (i = 0; i < nr_jobs; i++) {
		part.until = max(part.until, jobs[i].until);
		if (!jobs[i].why[0])
			continue;
		scnprintf(repro, sizeof(repro), "%s:%#llx",
			  check_suites[jobs[i].suite].name, jobs[i].seed);
		result_failure(result, repro, jobs[i].why);
	}
	result_part(result, &part);
}

static int write_result(const struct soak *soak, const struct result *result)
{
	char path[PATH_MAX];
	int err;

	mkdir(soak->results, 0777);
	scnprintf(path, sizeof(path), "%s/shard-%u-of-%u.json", soak->results,
		  soak->shard.index, soak->shard.count);
	err = result_write(result, path);
	if (err)
		fprintf(stderr, "%s: %s\n", path, strerror(-err));
	else
		printf("result: %s\n", path);
	return !!err;
}

int soak_run(const struct soak *soak)
{
	struct result result = { 0 };
	double start = now();
	int ret;

	if (soak->suite && suite_named(soak->suite) == SUITES_MAX) {
		fprintf(stderr, "no random suite: %s\n", soak->suite);
		return 2;
	}
	printf("seeds from %#llx", soak->first);
	if (soak->shard.source)
		printf(", shard %u of %u by %s", soak->shard.index,
		       soak->shard.count, soak->shard.source);
	printf("\n");
	jobs_run(soak_job, (void *)soak);
	collect(soak, &result);
	result.seconds = now() - start;
	result.cpu_seconds = cpu_seconds_children();
	ret = report(&result, soak->shard.count == 1);
	if (soak->results)
		ret = write_result(soak, &result) ?: ret;
	result_free(&result);
	return ret;
}

/* ---- the sum of several ---- */

static int compare_parts(const void *a, const void *b)
{
	const struct part *x = a, *y = b;

	if (x->first != y->first)
		return x->first < y->first ? -1 : 1;
	if (x->shards != y->shards)
		return x->shards < y->shards ? -1 : 1;
	return (x->shard > y->shard) - (x->shard < y->shard);
}

/* Return: are some shards missing of those that the others say there are? */
static bool report_missing(struct result *sum)
{
	u32 i, next = 0;
	bool missing = false;

	qsort(sum->parts, sum->nr_parts, sizeof(*sum->parts), compare_parts);
	for (i = 0; i < sum->nr_parts; i++) {
		const struct part *p = &sum->parts[i];
		bool last = i + 1 == sum->nr_parts || p[1].first != p->first ||
			    p[1].shards != p->shards;

		for (; next < p->shard; next++) {
			printf("missing: shard %u of %u from seed %#llx on\n",
			       next, p->shards, p->first);
			missing = true;
		}
		next = p->shard + 1;
		for (; last && next < p->shards; next++) {
			printf("missing: shard %u of %u from seed %#llx on\n",
			       next, p->shards, p->first);
			missing = true;
		}
		if (last)
			next = 0;
	}
	return missing;
}

int soak_merge(char **paths, u32 nr, const char *to)
{
	struct result sum = { 0 }, from;
	char why[512] = "";
	bool ok = nr, missing;
	int ret = 2, err = 0;
	u32 i;

	for (i = 0; i < nr && ok; i++) {
		ok = result_read(&from, paths[i], why, sizeof(why));
		if (!ok) {
			fprintf(stderr, "%s\n", why);
		} else {
			ok = result_add(&sum, &from, why, sizeof(why));
			if (!ok)
				fprintf(stderr, "%s: %s\n", paths[i], why);
		}
		result_free(&from);
	}
	if (ok) {
		printf("%u shards\n", sum.nr_parts);
		missing = report_missing(&sum);
		ret = report(&sum, !missing) ?: missing ? 3 : 0;
		err = to ? result_write(&sum, to) : 0;
		if (err)
			fprintf(stderr, "%s: %s\n", to, strerror(-err));
	}
	result_free(&sum);
	return err ? 2 : ret;
}
