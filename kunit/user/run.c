// SPDX-License-Identifier: GPL-2.0-only
/*
 * Runs the KUnit suites in user space.
 *
 *	kunit-user [-v] [-s SEEDS] [SUITE[.CASE]]...
 *
 * Every case runs once with the simplest schedule (whoever waits longest goes
 * on) and then with SEEDS random ones.  -v shows the engine's messages, too;
 * otherwise those of a case are shown only when it fails.
 */
#include <kunit/test.h>
#include "../alloc_fault.h"

#include <getopt.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define SEEDS_DEFAULT	5
#define LOG_MAX		(64u << 10)

/* In front of what kunit_kmalloc() gives out. */
struct memory {
	struct list_head node;
	u64 data[];
};

/* One case under way; outlives it. */
struct run {
	struct kunit_suite *suite;
	const struct kunit_case *test_case;
	struct kunit test;
	u64 state;			/* of the random schedule; 0: simplest */
	unsigned int fail_alloc;	/* the allocation that fails; 0: none */
	size_t log_len;
	char log[LOG_MAX];
};

static struct kunit_user_suites *files;
static bool verbose;
static struct run run;

/* Behind the others, so that they run in the order of linking. */
void kunit_user_register(struct kunit_user_suites *suites)
{
	struct kunit_user_suites **at = &files;

	while (*at)
		at = &(*at)->next;
	*at = suites;
}

/* --- the world around a case --- */

static void say_args(const char *fmt, va_list args)
{
	run.log_len += vscnprintf(run.log + run.log_len,
				  sizeof(run.log) - run.log_len, fmt, args);
}

static __printf(1, 2) void say(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	say_args(fmt, args);
	va_end(args);
}

static void hook_log(void *ctx, int level, const char *fmt, va_list args)
{
	say_args(fmt, args);
}

static u64 random_next(void)
{
	run.state ^= run.state << 13;
	run.state ^= run.state >> 7;
	run.state ^= run.state << 17;
	return run.state;
}

static size_t hook_choose(void *ctx, size_t n, unsigned int kind)
{
	if (kind == KAPI_CHOOSE_ALLOC)
		return run.fail_alloc && !--run.fail_alloc;
	return run.state ? random_next() % n : 0;
}

static const struct kapi_hooks hooks = {
	.choose = hook_choose,
	.log = hook_log,
	.alloc_fault_in = 1,
};

bool alloc_fault_possible(void)
{
	return true;
}

void alloc_fault_arm(unsigned int n)
{
	run.fail_alloc = n;
}

bool alloc_fault_disarm(void)
{
	bool struck = !run.fail_alloc;

	run.fail_alloc = 0;
	return struck;
}

/* --- what a case calls --- */

static void memory_free(struct kunit *test)
{
	struct memory *m, *next;

	list_for_each_entry_safe(m, next, &test->memory, node) {
		list_del(&m->node);
		kfree(m);
	}
}

void *kunit_kmalloc_array(struct kunit *test, size_t n, size_t size, gfp_t gfp)
{
	struct memory *m = kmalloc(size_add(sizeof(*m), size_mul(n, size)), gfp);

	if (!m)
		return NULL;
	list_add(&m->node, &test->memory);
	return m->data;
}

void kunit_user_fail(struct kunit *test, bool fatal, const char *at,
		     const char *what, const char *fmt, ...)
{
	va_list args;

	test->failed = true;
	say("    # %s: %s FAILED at %s: %s ", test->name,
	    fatal ? "ASSERTION" : "EXPECTATION", at, what);
	va_start(args, fmt);
	say_args(fmt, args);
	va_end(args);
	say("\n");
	/* no way back to the suite's exit: the run ends here */
	if (fatal)
		kapi_fail("assertion at %s", at);
}

/* --- running --- */

/* Of CPU time: a case that takes longer does not end. */
#define CASE_SECONDS	5

static void case_late(int sig)
{
	dprintf(STDOUT_FILENO, "    not ok %s in %s: does not end\n",
		run.test_case->name, run.suite->name);
	_exit(1);
}

static void case_watch(unsigned int seconds)
{
	const struct itimerval in = { .it_value.tv_sec = seconds };

	setitimer(ITIMER_PROF, &in, NULL);
}

static void case_body(void *arg)
{
	struct kunit *test = &run.test;
	int err = 0;

	if (run.suite->init)
		err = run.suite->init(test);
	if (err)
		kapi_fail("init: %d", err);
	run.test_case->run_case(test);
	if (run.suite->exit)
		run.suite->exit(test);
	memory_free(test);
}

/* Returns false, and prints why, if it fails. */
static bool case_run(const void *param, int idx, const char *desc, u64 seed)
{
	struct kunit *test = &run.test;
	bool ok;

	memset(test, 0, sizeof(*test));
	INIT_LIST_HEAD(&test->memory);
	test->name = run.test_case->name;
	test->param_value = param;
	test->param_index = idx;
	run.state = seed * 0x9e3779b97f4a7c15ull;
	run.fail_alloc = 0;
	run.log_len = 0;
	case_watch(CASE_SECONDS);
	ok = !kapi_run(&hooks, case_body, NULL);
	case_watch(0);
	if (!ok && !test->failed)
		say("    # %s: %s\n", test->name, kapi_failure());
	ok = ok && !test->failed;
	if (!ok || verbose)
		fwrite(run.log, 1, run.log_len, stdout);
	if (!ok)
		printf("    not ok %s%s%s in %s, schedule %llu\n", test->name,
		       *desc ? " " : "", desc, run.suite->name,
		       (unsigned long long)seed);
	return ok;
}

static bool case_run_all(unsigned int seeds)
{
	const void *(*generate)(const void *prev, char *desc) =
		run.test_case->generate_params;
	const void *param = NULL;
	bool ok = true;
	int idx = 0;

	for (;;) {
		char desc[KUNIT_PARAM_DESC_SIZE] = "";
		unsigned int seed;

		if (generate) {
			param = generate(param, desc);
			if (!param)
				return ok;
		}
		for (seed = 0; seed <= seeds && ok; seed++)
			ok = case_run(param, idx, desc, seed);
		idx++;
		if (!generate)
			return ok;
	}
}

static bool wanted(const char *suite, const char *test_case, char **patterns)
{
	size_t len = strlen(suite);

	if (!*patterns)
		return true;
	for (; *patterns; patterns++) {
		const char *p = *patterns;

		if (strncmp(p, suite, len))
			continue;
		if (!p[len] || (p[len] == '.' && !strcmp(p + len + 1, test_case)))
			return true;
	}
	return false;
}

static void suite_run(unsigned int seeds, char **patterns,
		      unsigned int *passed, unsigned int *failed)
{
	unsigned int nr_passed = 0, nr_failed = 0;

	if (run.suite->suite_init && run.suite->suite_init(run.suite)) {
		printf("not ok %s: suite_init\n", run.suite->name);
		(*failed)++;
		return;
	}
	for (run.test_case = run.suite->test_cases; run.test_case->run_case;
	     run.test_case++) {
		if (!wanted(run.suite->name, run.test_case->name, patterns))
			continue;
		if (case_run_all(seeds))
			nr_passed++;
		else
			nr_failed++;
	}
	if (run.suite->suite_exit)
		run.suite->suite_exit(run.suite);
	if (nr_passed + nr_failed)
		printf("%s %s: %u of %u\n", nr_failed ? "not ok" : "ok",
		       run.suite->name, nr_passed, nr_passed + nr_failed);
	*passed += nr_passed;
	*failed += nr_failed;
}

int main(int argc, char **argv)
{
	unsigned int passed = 0, failed = 0, seeds = SEEDS_DEFAULT;
	const struct kunit_user_suites *file;
	clock_t started = clock();
	size_t i;
	int opt;

	while ((opt = getopt(argc, argv, "vs:")) != -1) {
		if (opt == 'v')
			verbose = true;
		else if (opt == 's')
			seeds = atoi(optarg);
		else
			return 1;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	signal(SIGPROF, case_late);
	for (file = files; file; file = file->next) {
		for (i = 0; i < file->nr; i++) {
			run.suite = file->suites[i];
			suite_run(seeds, argv + optind, &passed, &failed);
		}
	}
	printf("Seconds: %.1f, schedules per case: %u\n",
	       (double)(clock() - started) / CLOCKS_PER_SEC, seeds + 1);
	printf("kunit-user: %u passed, %u failed\n", passed, failed);
	return failed || !passed;
}
