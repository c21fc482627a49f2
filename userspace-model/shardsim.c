// SPDX-License-Identifier: GPL-2.0-only
/*
 * shardsim: runs, replays, shrinks and measures the checks of the engine.
 *
 *	shardsim check [--jobs=N] [--scale=PERCENT] [--also=NAME=COMMAND]...
 *	shardsim scenarios [--jobs=N]
 *	shardsim soak [--seconds=N | --scenarios=N] [--first=SEED] [--jobs=N]
 *		[--suite=NAME] [--results=DIRECTORY]
 *	shardsim merge [--to=FILE] RESULT...
 *	shardsim shard
 *	shardsim run [--coarse] [--even] [--hang=SECONDS] [--unlocked=FILE:LINE]
 *		SUITE [FIRST [COUNT]]
 *	shardsim hash [COUNT]
 *	shardsim replay [--io] [--graph=FILE.dot] [--file=NAME] REPRO
 *	shardsim shrinking [COUNT]
 *	shardsim export SUITE [FIRST [COUNT]]
 *	shardsim judge FILE
 *	shardsim exhaustive [--disk=NAME] LENGTH STATES_LOG2 [PROGRESS]
 *	shardsim pairs [--suite=NAME] CHANGES [PROGRESS]
 *	shardsim compare-pairs [--suite=NAME] CHANGES
 *	shardsim compare [--disk=NAME] LENGTH
 *	shardsim schedules [COUNT]
 *	shardsim bench
 *	shardsim bench-schedules
 *	shardsim bench-memory LOG2_BLOCKS
 *	shardsim bench-gc
 *	shardsim bench-locks
 *	shardsim list
 *
 * Exit codes: 0 all passed, 1 something failed, 2 usage.
 */
#include <getopt.h>
#include <glob.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "check/exhaustive.h"
#include "check/history.h"
#include "check/judge.h"
#include "check/pairs.h"
#include "check/runner.h"
#include "check/schedules.h"
#include "check/sometimes.h"
#include "scale/clock.h"
#include "scale/jobs.h"
#include "scale/soak.h"

#define ALSO_MAX	8

/*
 * Scenarios that `make check` runs at least, with all their operations; power
 * cuts in them; and what it then runs: all of them by one program (scenarios), and
 * a share of them by another that has sanitizers (check).  With the states of all
 * short sequences (check/exhaustive.c) that is more than 500,000 crash states.
 */
#define CHECK_SCENARIOS_MIN	100000
#define CHECK_CRASHES_MIN	100000
#define CHECK_SCENARIOS		107000

#define BENCH_RUNS	5
#define BENCH_SECONDS	5

static u32 nr_passed, nr_failed;

/* ---- check ---- */

static void verdict(bool ok, const char *name, const char *what)
{
	printf("%-6s %-14s %s\n", ok ? "ok" : "FAILED", name, what);
	if (ok)
		nr_passed++;
	else
		nr_failed++;
}

/* What is run: this part of the scenarios, in percent, and tests asked once? */
struct plan {
	u32 scale;
	bool tests;
};

static u64 suite_count(const struct check_suite *suite,
		       const struct plan *plan)
{
	return suite->share ?
		(u64)CHECK_SCENARIOS * suite->share / 100 * plan->scale / 100 :
		plan->tests;
}

static void check_job(struct job *job, u32 i, void *arg)
{
	const struct plan *plan = arg;
	u64 nr, seed;
	u32 s;

	for (s = 0; check_suites[s].name; s++) {
		nr = suite_count(&check_suites[s], plan);
		/* tests that are asked once are dealt out */
		if (!check_suites[s].share && s % nr_jobs != i)
			continue;
		for (seed = check_suites[s].share ? i : 0; seed < nr;
		     seed += nr_jobs)
			if (!job_seed(job, s, seed))
				break;
	}
}

/* Return: what came of all scenarios. */
static struct check_tally suites_report(const struct plan *plan)
{
	struct check_tally sum, all = { 0 };
	char what[256];
	u32 s;

	for (s = 0; check_suites[s].name; s++) {
		sum = jobs_sum(s);
		if (!check_suites[s].share) {
			if (plan->tests)
				verdict(!sum.nr_failed && sum.nr_runs,
					check_suites[s].name,
					check_suites[s].what);
			continue;
		}
		scnprintf(what, sizeof(what),
			  "%llu scenarios, %llu operations, %llu refused, %llu crashes",
			  sum.nr_runs, sum.nr_ops,
			  sum.nr_refused, sum.nr_crashes);
		verdict(!sum.nr_failed &&
			sum.nr_runs >= suite_count(&check_suites[s], plan),
			check_suites[s].name, what);
		check_tally_add(&all, &sum);
	}
	return all;
}

static void check_regressions(void)
{
	glob_t files;
	size_t i;

	if (glob("userspace-model/check/regressions/*.repro", 0, NULL, &files))
		return;
	for (i = 0; i < files.gl_pathc; i++)
		verdict(!check_replay(files.gl_pathv[i], true, false, NULL),
			"regression", files.gl_pathv[i]);
	globfree(&files);
}

static int cmd_scenarios(void)
{
	struct plan plan = { .scale = 100 };
	struct sometimes sometimes;
	struct check_tally all;
	char what[256];

	jobs_run(check_job, &plan);
	all = suites_report(&plan);
	scnprintf(what, sizeof(what),
		  "%llu run, %llu with all operations, %llu run twice, %llu crashes",
		  all.nr_runs, all.nr_full, all.nr_twice, all.nr_crashes);
	verdict(all.nr_full >= CHECK_SCENARIOS_MIN &&
		all.nr_crashes >= CHECK_CRASHES_MIN, "all", what);
	jobs_sometimes(&sometimes);
	verdict(!sometimes_report(&sometimes, false, false), "sometimes",
		"what must occur");
	return !!nr_failed;
}

static int cmd_check(u32 scale, char **also, u32 nr_also)
{
	struct plan plan = { .scale = scale, .tests = true };
	double start = now();
	char *command;
	u32 i;

	jobs_run(check_job, &plan);
	suites_report(&plan);
	check_regressions();
	fflush(stdout);
	for (i = 0; i < nr_also; i++) {
		command = strchr(also[i], '=');
		if (!command)
			return 2;
		*command++ = '\0';
		verdict(!system(command), also[i], "");
		fflush(stdout);
	}
	printf("in %.0f seconds\n", now() - start);
	printf("check: %u passed, %u failed\n", nr_passed, nr_failed);
	return !!nr_failed;
}

/* ---- run, bench, list ---- */

/* What runs here, for the last words of the process. */
static char last_words[256];

static void say_last_words(void)
{
	ssize_t written = write(STDOUT_FILENO, last_words, strlen(last_words));

	(void)written;
}

static void on_signal(int sig)
{
	say_last_words();
	signal(sig, SIG_DFL);
	raise(sig);
}

void __sanitizer_set_death_callback(void (*fn)(void))
	__attribute__((__weak__));

/* A process that dies says with which seed; `make replay` does the rest. */
static void prepare_to_die(void)
{
	static const int signals[] = {
		SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGALRM,
	};
	u32 i;

	if (__sanitizer_set_death_callback)
		__sanitizer_set_death_callback(say_last_words);
	for (i = 0; i < ARRAY_SIZE(signals); i++)
		if (!__sanitizer_set_death_callback || signals[i] == SIGALRM)
			signal(signals[i], on_signal);
}

static int cmd_run(const char *name, u64 first, u64 count)
{
	const struct check_suite *suite = check_suite_find(name);
	struct check_tally tally = { 0 };
	double start = now();
	const char *why;
	u64 seed;

	if (!suite) {
		fprintf(stderr, "no such suite: %s\n", name);
		return 2;
	}
	prepare_to_die();
	for (seed = first; seed < first + count; seed++) {
		scnprintf(last_words, sizeof(last_words),
			  "\n%s:%#llx: the process died\nmake replay REPRO=%s:%#llx\n",
			  name, seed, name, seed);
		why = check_seed(suite, seed, &tally);
		if (why) {
			last_words[0] = '\0';
			check_seed_failed(suite, seed, why);
			return 1;
		}
	}
	printf("%s: %llu runs, %llu full, %llu operations, %llu refused, ",
	       suite->name, tally.nr_runs, tally.nr_full, tally.nr_ops,
	       tally.nr_refused);
	printf("%llu crashes, %.0f/s\n", tally.nr_crashes,
	       tally.nr_runs / (now() - start));
	return 0;
}

/* Histories, for a device somewhere else to do. */
static int cmd_export(const char *name, u64 first, u64 count)
{
	const struct check_suite *suite = check_suite_find(name);
	const char *why;
	u64 seed;

	if (!suite) {
		fprintf(stderr, "no such suite: %s\n", name);
		return 2;
	}
	for (seed = first; seed < first + count; seed++) {
		printf("history %s:%#llx\n", name, seed);
		why = check_export(suite, seed);
		if (why) {
			check_seed_failed(suite, seed, why);
			return 1;
		}
	}
	return 0;
}

/* What some runs of each random suite drew, did and got: one line each. */
static int cmd_hash(u64 count)
{
	struct check_tally tally = { 0 };
	const struct check_suite *suite;
	struct sim_choices all = { 0 };
	u64 seed;

	for (suite = check_suites; suite->name; suite++) {
		if (!suite->share)
			continue;
		all.hash = 0;
		for (seed = 0; seed < count; seed++) {
			if (check_seed(suite, seed, &tally))
				printf("%s:%#llx fails\n", suite->name, seed);
			sim_note(&all, check_hash());
		}
		printf("%-14s %016llx\n", suite->name, all.hash);
	}
	return 0;
}

static int cmd_shrinking(u32 count)
{
	char what[256];
	bool ok = check_shrinking(count, what, sizeof(what));

	printf("%s\n", what);
	return !ok;
}

static int compare_doubles(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* Runs scenarios for a while.  Return: 0, or 1 if one failed. */
/* Scenarios that were run: one that is run twice counts for two. */
static u64 bench_count(const struct check_tally *tally)
{
	return tally->nr_full + tally->nr_twice;
}

static int bench_run(u64 *seed, struct check_tally *tally, double *rate,
		     double *cpu_rate)
{
	const struct check_suite *suite = &check_suites[0];
	double cpu = cpu_seconds();
	double start = now(), end = start;
	u64 before = bench_count(tally);
	const char *why;

	while (end < start + BENCH_SECONDS) {
		why = check_seed(suite, *seed, tally);
		if (why) {
			check_seed_failed(suite, *seed, why);
			return 1;
		}
		if (++*seed % 64 == 0)
			end = now();
	}
	cpu = cpu_seconds() - cpu;
	*rate = (bench_count(tally) - before) / (end - start);
	*cpu_rate = (bench_count(tally) - before) / cpu;
	return 0;
}

/* By the clock, as figures go; by CPU time, as others share the machine. */
static int cmd_bench(void)
{
	double rates[BENCH_RUNS], cpu_rates[BENCH_RUNS];
	struct check_tally tally = { 0 };
	u64 seed = 0;
	u32 i;

	for (i = 0; i < BENCH_RUNS; i++) {
		if (bench_run(&seed, &tally, &rates[i], &cpu_rates[i]))
			return 1;
		printf("run %u: %.0f scenarios/s, %.0f per second of CPU time\n",
		       i + 1, rates[i], cpu_rates[i]);
		fflush(stdout);
	}
	qsort(rates, BENCH_RUNS, sizeof(rates[0]), compare_doubles);
	qsort(cpu_rates, BENCH_RUNS, sizeof(rates[0]), compare_doubles);
	printf("median: %.0f scenarios of %.1f operations per second on one core, ",
	       rates[BENCH_RUNS / 2], (double)tally.nr_ops / tally.nr_runs);
	printf("%.0f per second of CPU time\n", cpu_rates[BENCH_RUNS / 2]);
	return 0;
}

static int cmd_list(void)
{
	const struct plan all = { .scale = 100, .tests = true };
	const struct check_suite *suite;

	for (suite = check_suites; suite->name; suite++)
		printf("%-14s %6llu %s\n", suite->name,
		       suite_count(suite, &all), suite->what);
	return 0;
}

static int cmd_soak(struct soak *soak, const char *first)
{
	char why[256];

	if (!shard_find(&soak->shard, getenv, why, sizeof(why))) {
		fprintf(stderr, "%s\n", why);
		return 2;
	}
	/* shards that do not know of each other cannot agree on fresh ones */
	if (first)
		soak->first = strtoull(first, NULL, 0);
	else if (soak->shard.count == 1 && !soak->scenarios)
		soak->first = (u64)time(NULL) << 24;
	return soak_run(soak);
}

static int cmd_shard(void)
{
	struct shard shard;
	char why[256];

	if (!shard_find(&shard, getenv, why, sizeof(why))) {
		fprintf(stderr, "%s\n", why);
		return 2;
	}
	printf("shard %u of %u%s%s\n", shard.index, shard.count,
	       shard.source ? " by " : "", shard.source ?: "");
	return 0;
}

static int usage(void)
{
	fprintf(stderr, "usage: see the head of userspace-model/shardsim.c\n");
	return 2;
}

static const struct option options[] = {
	{ "jobs", required_argument, NULL, 'j' },
	{ "scale", required_argument, NULL, 'c' },
	{ "also", required_argument, NULL, 'a' },
	{ "seconds", required_argument, NULL, 's' },
	{ "io", no_argument, NULL, 'i' },
	{ "file", required_argument, NULL, 'f' },
	{ "graph", required_argument, NULL, 'g' },
	{ "suite", required_argument, NULL, 'u' },
	{ "disk", required_argument, NULL, 'd' },
	{ "scenarios", required_argument, NULL, 'n' },
	{ "first", required_argument, NULL, '1' },
	{ "results", required_argument, NULL, 'r' },
	{ "to", required_argument, NULL, 't' },
	{ "coarse", no_argument, NULL, 'o' },
	{ "even", no_argument, NULL, 'e' },
	{ "hang", required_argument, NULL, 'h' },
	{ "unlocked", required_argument, NULL, 'k' },
	{ NULL }
};

/* What the options say. */
struct told {
	struct soak soak;
	const char *first;
	const char *file;
	const char *to;
	u32 nr_jobs;
	u32 scale;
	bool io;
	char *also[ALSO_MAX];
	u32 nr_also;
};

static bool option_take(struct told *told, int c, char *arg)
{
	if (c == 'j')
		told->nr_jobs = max(atoi(arg), 1);
	else if (c == 'c')
		told->scale = atoi(arg);
	else if (c == 's')
		told->soak.seconds = atoi(arg);
	else if (c == 'n')
		told->soak.scenarios = strtoull(arg, NULL, 0);
	else if (c == 'o')
		sim_crash_coarse = true;
	else if (c == 'e')
		history_even = true;
	else if (c == 'h')
		check_run_seconds = max(atoi(arg), 1);
	else if (c == 'k')
		kapi_deleted_lock = arg;
	else if (c == '1')
		told->first = *arg ? arg : NULL;
	else if (c == 'r')
		told->soak.results = arg;
	else if (c == 't')
		told->to = arg;
	else if (c == 'u')
		told->soak.suite = arg;
	else if (c == 'i')
		told->io = true;
	else if (c == 'g')
		check_graph(arg);
	else if (c == 'f')
		told->file = *arg ? arg : NULL;
	else if (c == 'a' && told->nr_also < ALSO_MAX)
		told->also[told->nr_also++] = arg;
	else
		return c == 'd' && exhaustive_disk(arg);
	return true;
}

static int cmd_replay(const struct told *told, const char *repro)
{
	if (!strncmp(repro, "alphabet", 8))
		return exhaustive_replay(repro, told->io, told->file);
	return check_replay(repro, false, told->io, told->file);
}

/* @nr arguments follow, the last of them NULL. */
static int command_run(struct told *told, const char *command, char **args,
		       u32 nr)
{
	if (!strcmp(command, "check"))
		return cmd_check(told->scale, told->also, told->nr_also);
	if (!strcmp(command, "scenarios"))
		return cmd_scenarios();
	if (!strcmp(command, "soak"))
		return cmd_soak(&told->soak, told->first);
	if (!strcmp(command, "merge") && nr)
		return soak_merge(args, nr, told->to);
	if (!strcmp(command, "shard"))
		return cmd_shard();
	if (!strcmp(command, "bench"))
		return cmd_bench() ?: exhaustive_bench();
	if (!strcmp(command, "bench-schedules"))
		return bench_schedules();
	if (!strcmp(command, "bench-memory") && nr)
		return bench_memory(atoi(args[0]));
	if (!strcmp(command, "bench-locks"))
		return bench_locks();
	if (!strcmp(command, "bench-gc") || !strcmp(command, "bench-pace"))
		return command[6] == 'g' ? bench_gc() : bench_pace();
	if (!strcmp(command, "list"))
		return cmd_list();
	if (!strcmp(command, "exhaustive") && nr > 1)
		return exhaustive_run(atoi(args[0]), 1ull << atoi(args[1]),
				      nr_jobs, args[2]);
	if (!strcmp(command, "compare-pairs") && nr)
		return pairs_compare(atoi(args[0]), told->soak.suite);
	if (!strcmp(command, "pairs") && nr)
		return pairs_run(atoi(args[0]), told->soak.suite, nr_jobs,
				 args[1]);
	if (!strcmp(command, "compare") && nr)
		return exhaustive_compare(atoi(args[0]));
	if (!strcmp(command, "replay") && nr)
		return cmd_replay(told, args[0]);
	if (!strcmp(command, "hash"))
		return cmd_hash(nr ? atoi(args[0]) : 100);
	if (!strcmp(command, "schedules"))
		return check_schedules(nr ? strtoull(args[0], NULL, 0) : 20000);
	if (!strcmp(command, "shrinking"))
		return cmd_shrinking(nr ? atoi(args[0]) : 8);
	if (!strcmp(command, "judge") && nr)
		return judge_file(args[0]);
	if (!strcmp(command, "export") && nr)
		return cmd_export(args[0],
				  nr > 1 ? strtoull(args[1], NULL, 0) : 0,
				  nr > 2 ? strtoull(args[2], NULL, 0) : 1);
	if (!strcmp(command, "run") && nr)
		return cmd_run(args[0],
			       nr > 1 ? strtoull(args[1], NULL, 0) : 0,
			       nr > 2 ? strtoull(args[2], NULL, 0) : 1);
	return usage();
}

int main(int argc, char **argv)
{
	struct told told = {
		.soak.seconds = 60, .nr_jobs = 2, .scale = 100,
	};
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1)
		if (!option_take(&told, c, optarg))
			return usage();
	if (optind == argc || !jobs_init(told.nr_jobs))
		return usage();
	setvbuf(stdout, NULL, _IOLBF, 0);
	check_init();
	return command_run(&told, argv[optind], argv + optind + 1,
			   argc - optind - 1);
}
