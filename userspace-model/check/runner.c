// SPDX-License-Identifier: GPL-2.0-only
/*
 * DOC: runs, replay and repros
 *
 * A run is determined by its suite and its choices, so a seed or a list of
 * choices is all there is to a repro.
 *
 * That this is so is checked: one run in a hundred is run twice, and everything
 * that it drew, did and got must be the same, which a hash tells.
 *
 * A failure is text, or the end of the process, when a sanitizer or a signal
 * ends it.  The latter is run again in a child process, whose choices and table
 * lie in shared memory.
 *
 * Lock orders outlive runs (kapi/lock.c).  What fails only behind other runs is
 * replayed behind them: "SUITE:FROM+SUITE:FROM", the last is what fails; in a file
 * these are "after SUITE:FROM".
 */
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "history.h"
#include "picture.h"
#include "show.h"
#include "shrink.h"
#include "table.h"

#define TWICE_IN	100	/* one run in so many is run twice */
#define APART_SECONDS	2	/* the same while one is shrunk */
#define APART_RECORDS	(16u << 20)
#define DIED		"the process died"
#ifdef KAPI_RACE
#define HOW		"RACE=1 "
#else
#define HOW		""
#endif

static struct world world;

u32 check_run_seconds = 240;

/* Where a child leaves what it drew, and why it failed. */
static struct apart {
	char why[WHY_SIZE];
	u64 seed;
	struct sim_record records[APART_RECORDS];
} *apart;

/* ---- a run that does not end ---- */

/* CPU time that is left to the run; 0: there is none.  A run has no system call. */
static u32 seconds_left;

static void second_passed(int sig)
{
	u32 left = __READ_ONCE(seconds_left);

	if (!left)
		return;
	__WRITE_ONCE(seconds_left, left - 1);
	if (left == 1)
		raise(SIGALRM);
}

/* Timers are not inherited. */
static void watch_begin(void)
{
	static const struct itimerval second = {
		.it_interval.tv_sec = 1, .it_value.tv_sec = 1,
	};

	setitimer(ITIMER_PROF, &second, NULL);
}

static void watch_init(void)
{
	const struct sigaction action = {
		.sa_handler = second_passed, .sa_flags = SA_RESTART,
	};

	if (sigaction(SIGPROF, &action, NULL) ||
	    pthread_atfork(NULL, NULL, watch_begin))
		abort();
	watch_begin();
}

/* ---- one run ---- */

static const struct check_suite *running;

static void run_fiber(void *arg)
{
	running->run(arg);
}

static const char *run_one(const struct check_suite *suite, u32 seconds)
{
	const char *why;

	running = suite;
	world_reset(&world);
	__WRITE_ONCE(seconds_left, seconds);
	why = kapi_run(&world.sim.hooks, run_fiber, &world) ?
	      kapi_failure() : NULL;
	__WRITE_ONCE(seconds_left, 0);
	if (suite->end)
		suite->end();
	return why;
}

/* The run that has begun, as a repro says it; none but seeds have a name. */
static bool is_seed;
static u64 seed_now;

static void run_name(void *ctx, char *buf, size_t size)
{
	if (is_seed)
		scnprintf(buf, size, "%s:%#llx", running->name, seed_now);
}

static const char *run_seed(const struct check_suite *suite, u64 seed)
{
	const char *why;

	world.sim.choices.recording = false;
	sim_choices_seed(&world.sim.choices, seed);
	is_seed = true;
	seed_now = seed;
	why = run_one(suite, check_run_seconds);
	is_seed = false;
	return why;
}

/* Neighbouring seeds go to different processes: by another measure. */
static bool is_run_twice(u64 seed)
{
	return (seed * 0x9e3779b97f4a7c15ull >> 32) % TWICE_IN == 0;
}

static const char *run_again(const struct check_suite *suite, u64 seed,
			     const char *why)
{
	static char what[WHY_SIZE];
	u64 hash = world.sim.choices.hash;

	if (why)
		return why;
	why = run_seed(suite, seed);
	if (!why && world.sim.choices.hash == hash)
		return NULL;
	scnprintf(what, sizeof(what), "not the same when run twice: %s",
		  why ?: "the hash differs");
	return what;
}

const char *check_seed(const struct check_suite *suite, u64 seed,
		       struct check_tally *tally)
{
	const char *why = run_seed(suite, seed);

	tally->nr_runs++;
	tally->nr_full += world.nr_done == HISTORY_OPS ||
			  world.nr_done == HISTORY_OPS_LONG;
	tally->nr_ops += world.nr_done;
	tally->nr_refused += world.nr_refused;
	tally->nr_crashes += world.nr_crashes;
	if (suite->share && is_run_twice(seed)) {
		why = run_again(suite, seed, why);
		tally->nr_twice++;
	}
	tally->nr_failed += !!why;
	return why;
}

const char *check_export(const struct check_suite *suite, u64 seed)
{
	const char *why;

	show_export = true;
	world.verbose = true;
	why = run_seed(suite, seed);
	world.verbose = false;
	show_export = false;
	return why;
}

u64 check_hash(void)
{
	return world.sim.choices.hash;
}

/* The schedule is the list's, or, with a @seed, another one. */
static const char *run_list(const struct check_suite *suite,
			    const struct list *list, u64 seed,
			    u32 preemptions_max, u32 seconds)
{
	struct sim_schedule *schedule = &world.sim.schedule;
	const struct sim_schedule was = *schedule;
	const char *why;

	if (seed) {
		schedule->seed = seed;
		schedule->preemptions_max = preemptions_max;
	}
	/* one of two just does as many of them */
	if (seed % 2 && preemptions_max < SIM_DEPTH_MAX) {
		schedule->strategy = SIM_BOUNDED;
		schedule->depth = preemptions_max + 1;
		schedule->length = was.nr_points;
	}
	sim_choices_list(&world.sim.choices, list->records, list->nr);
	world.sim.choices.recording = true;
	why = run_one(suite, seconds);
	schedule->seed = was.seed;
	schedule->preemptions_max = was.preemptions_max;
	schedule->strategy = was.strategy;
	schedule->depth = was.depth;
	schedule->length = was.length;
	return why;
}

const char *check_list(const struct check_suite *suite,
		       const struct list *list)
{
	return run_list(suite, list, 0, 0, check_run_seconds);
}

const char *check_list_anyhow(const struct check_suite *suite,
			      const struct list *list, u64 seed,
			      u32 preemptions_max)
{
	return run_list(suite, list, seed, preemptions_max, check_run_seconds);
}

/* Without zeros at the end. */
static size_t nr_drawn(const struct sim_record *records, size_t nr)
{
	while (nr && !records[nr - 1].value)
		nr--;
	return nr;
}

void check_drawn(struct sim_record **records, size_t *nr)
{
	*records = world.sim.choices.records;
	*nr = nr_drawn(*records, world.sim.choices.next);
}

/* ---- runs that come first ---- */

static char runs_before[512];	/* "+" between them */

/* From now on each run begins with the lock orders of these, and no others. */
static void before_run(void)
{
	char runs[sizeof(runs_before)], *next = runs, *name;
	const struct check_suite *suite;
	const char *from;

	/* those that have no name are in this process only */
	if (!strchr(runs_before, '?'))
		kapi_lock_graph_reset();
	scnprintf(runs, sizeof(runs), "%s", runs_before);
	while ((name = strsep(&next, "+"))) {
		suite = check_suite_of(name, &from);
		if (suite)
			run_seed(suite, strtoull(from, NULL, 0));
	}
	kapi_lock_graph_keep(false);
}

/* Those that the last run failed because of. */
static void before_find(void)
{
	const char *runs = kapi_failure_runs();

	if (*runs)
		scnprintf(runs_before, sizeof(runs_before), "%s", runs);
	before_run();
}

static void before_forget(void)
{
	runs_before[0] = '\0';
	kapi_lock_graph_keep(true);
}

/* Return: what is behind them. */
static const char *before_read(const char *repro)
{
	const char *last = strrchr(repro, '+'), *from;

	if (!last || !check_suite_of(repro, &from))
		return repro;
	scnprintf(runs_before, sizeof(runs_before), "%.*s", (int)(last - repro),
		  repro);
	return last + 1;
}

/* ---- in a process of its own ---- */

static void apart_begin(void)
{
	if (!apart)
		apart = mmap(NULL, sizeof(*apart), PROT_READ | PROT_WRITE,
			     MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (apart == MAP_FAILED || madvise(apart, sizeof(*apart), MADV_REMOVE))
		abort();
	fflush(stdout);
}

/* In the child: what it draws outlives it. */
static void apart_keep(void)
{
	struct sim_choices *choices = &world.sim.choices;

	choices->records = apart->records;
	choices->max_records = APART_RECORDS;
	choices->fixed = true;
}

/* Return: why it failed, or NULL. */
static const char *apart_wait(pid_t child)
{
	int status;

	if (child < 0 || waitpid(child, &status, 0) < 0) {
		perror("fork");
		exit(1);
	}
	if (WIFEXITED(status) && !WEXITSTATUS(status))
		return apart->why[0] ? apart->why : NULL;
	return DIED;
}

static void __attribute__((__noreturn__)) apart_end(const char *why)
{
	if (why)
		scnprintf(apart->why, sizeof(apart->why), "%s", why);
	_exit(0);
}

/* In the child: one schedule after the other until one fails. */
static const char *run_schedules(const struct check_suite *suite,
				 const struct list *list, u64 first, u64 last,
				 u32 preemptions_max)
{
	struct sim_choices *choices = &world.sim.choices;
	const char *why;

	for (apart->seed = first;; apart->seed++) {
		why = run_list(suite, list, apart->seed, preemptions_max,
			       APART_SECONDS);
		if (why || apart->seed == last)
			return why;
		memset(choices->records, 0,
		       choices->next * sizeof(*choices->records));
	}
}

const char *check_list_apart(const struct check_suite *suite,
			     const struct list *list, u64 *seed, u64 last,
			     u32 preemptions_max)
{
	const char *why;
	pid_t child;

	apart_begin();
	child = fork();
	if (!child) {
		/* what it has to say is said once, at the end */
		if (!freopen("/dev/null", "w", stderr))
			_exit(0);
		close(STDERR_FILENO);
		apart_keep();
		apart_end(run_schedules(suite, list, *seed, last,
					preemptions_max));
	}
	why = apart_wait(child);
	*seed = apart->seed;
	return why;
}

static const char *list_apart(const struct check_suite *suite,
			      const struct list *list)
{
	u64 seed = 0;

	return check_list_apart(suite, list, &seed, 0, 0);
}

void check_drawn_apart(struct sim_record **records, size_t *nr)
{
	*records = apart->records;
	*nr = 0;
	while (*nr < APART_RECORDS && apart->records[*nr].bound)
		++*nr;
	*nr = nr_drawn(apart->records, *nr);
}

/* Runs from there in a child; keeps what was drawn, even if that dies. */
static const char *begin_apart(const struct check_suite *suite,
			       const char *from, struct list *list)
{
	struct sim_choices *choices = &world.sim.choices;
	struct sim_record *records;
	const char *why;
	pid_t child;

	apart_begin();
	child = fork();
	if (!child) {
		apart_keep();
		if (suite->begin)
			suite->begin(from, choices);
		else
			sim_choices_seed(choices, strtoull(from, NULL, 0));
		choices->recording = true;
		apart_end(run_one(suite, check_run_seconds));
	}
	why = apart_wait(child);
	check_drawn_apart(&records, &list->nr);
	list->records = malloc(max_t(size_t, list->nr, 1) * sizeof(*records));
	if (!list->records)
		abort();
	memcpy(list->records, records, list->nr * sizeof(*records));
	return why;
}

static const char *graph_path;

void check_graph(const char *path)
{
	graph_path = path;
}

/* What was replayed is drawn whether it failed or not. */
static void draw(const struct check_suite *suite)
{
	int err = picture_write(&world, graph_path, suite->what);

	if (err)
		printf("cannot write %s: %s\n", graph_path, strerror(-err));
	fflush(stdout);
}

/* Runs a list in a child and prints its history. */
static const char *list_print(const struct check_suite *suite,
			      const struct list *list, bool io)
{
	const char *why;
	pid_t child;

	apart_begin();
	table_begin();
	child = fork();
	if (!child) {
		world.verbose = true;
		world.verbose_io = io;
		world.sim.schedule.show = show_turn;
		if (graph_path)
			picture_begin(&world);
		why = check_list(suite, list);
		if (graph_path)
			draw(suite);
		apart_end(why);
	}
	why = apart_wait(child);
	table_print();
	printf("      | %s\n", why ?: "no failure");
	return why;
}

/* ---- repros ---- */

static int list_write(const struct check_suite *suite, const struct list *list,
		      const char *why, const char *path)
{
	FILE *file = fopen(path, "w");

	if (!file)
		return -errno;
	/* checkpatch takes the tag for this file's own, were it one string */
	fprintf(file, "# %s: GPL-2.0-only\n# %s\n", "SPDX-License-Identifier",
		why);
	if (*runs_before)
		fprintf(file, "after %s\n", runs_before);
	fprintf(file, "suite %s\n", suite->name);
	sim_records_print(file, list->records, list->nr);
	return fclose(file) ? -EIO : 0;
}

/* The first line of a failure; a deadlock has more. */
static void first_line(char *to, const char *why)
{
	scnprintf(to, WHY_SIZE, "%.*s", (int)strcspn(why, "\n"), why);
}

/* Return: the suite, and why it failed; NULL if this is no repro. */
static const struct check_suite *list_read(const char *path, struct list *list,
					   char *why)
{
	const struct check_suite *suite = NULL;
	FILE *file = fopen(path, "r");
	char line[WHY_SIZE + 16], name[64];
	ssize_t nr;

	if (!file)
		return NULL;
	why[0] = '\0';
	while (fgets(line, sizeof(line), file)) {
		if (line[0] == '#' && !strstr(line, "GPL"))
			first_line(why, line + 2);
		if (sscanf(line, "after %511s", runs_before) == 1)
			continue;
		if (sscanf(line, "suite %63s", name) == 1) {
			suite = check_suite_find(name);
			break;
		}
	}
	memset(list, 0, sizeof(*list));
	nr = sim_records_read(file, &list->records);
	fclose(file);
	if (nr < 0)
		return NULL;
	list->nr = nr;
	return suite;
}

/* Writes the list where `make replay` finds it.  Return: its path, or NULL. */
static const char *list_file(const struct check_suite *suite,
			     const struct list *list, const char *why,
			     const char *name)
{
	static char path[256];
	char line[WHY_SIZE], *colon;

	first_line(line, why);
	scnprintf(path, sizeof(path), "%s/%s.repro",
		  strchr(name, ':') ? "build/repros" :
		  "userspace-model/check/regressions", name);
	while ((colon = strchr(path, ':')))
		*colon = '-';
	mkdir("build", 0777);
	mkdir("build/repros", 0777);
	if (!list_write(suite, list, line, path))
		return path;
	printf("cannot write %s\n", path);
	return NULL;
}

static bool shrink_from(struct shrink *s, const char *from)
{
	const char *why = begin_apart(s->suite, from, &s->best);

	if (!why)
		return false;
	s->dies = !strcmp(why, DIED);
	scnprintf(s->why, sizeof(s->why), "%s", why);
	s->nr_ops = list_nr_ops(&s->best);
	shrink(s);
	why = list_apart(s->suite, &s->best);
	scnprintf(s->why, sizeof(s->why), "%s", why ?: "passed");
	return true;
}

bool check_shrink(struct shrink *s, const char *from)
{
	bool fails;

	before_find();
	fails = shrink_from(s, from);
	before_forget();
	return fails;
}

void check_failed(const struct check_suite *suite, const char *from,
		  const char *why, const char *file)
{
	struct shrink s = { .suite = suite };
	const char *path;
	char name[256];

	scnprintf(name, sizeof(name), "%s:%s", suite->name, from);
	printf("\n%s: %s\n", name, why);
	before_find();
	printf("make replay " HOW "REPRO=%s%s%s\n", runs_before,
	       *runs_before ? "+" : "", name);
	if (!shrink_from(&s, from)) {
		printf("not the same when run again: passed\n");
		list_free(&s.best);
		before_forget();
		return;
	}
	path = list_file(suite, &s.best, s.why, file ?: name);
	if (path)
		printf("shrunk from %u to %u operations by %llu runs in %.1f s: %s%s\n",
		       s.nr_ops, list_nr_ops(&s.best), s.nr_runs, s.seconds,
		       "make replay " HOW "REPRO=", path);
	list_print(suite, &s.best, false);
	list_free(&s.best);
	before_forget();
	fflush(stdout);
}

void check_seed_failed(const struct check_suite *suite, u64 seed,
		       const char *why)
{
	char from[32];

	scnprintf(from, sizeof(from), "%#llx", seed);
	check_failed(suite, from, why, NULL);
}

const struct check_suite *check_suite_of(const char *repro, const char **from)
{
	const char *colon = strchr(repro, ':');
	char name[64];

	if (!colon)
		return NULL;
	scnprintf(name, sizeof(name), "%.*s", (int)(colon - repro), repro);
	*from = colon + 1;
	return check_suite_find(name);
}

static int replay_from(const struct check_suite *suite, const char *from,
		       bool io, const char *file)
{
	struct list list;
	char why[WHY_SIZE];
	const char *found;

	before_run();
	found = begin_apart(suite, from, &list);
	if (found) {
		scnprintf(why, sizeof(why), "%s", found);
		check_failed(suite, from, why, file);
	} else {
		list_print(suite, &list, io);
	}
	list_free(&list);
	return !!found;
}

int check_replay(const char *repro, bool quiet, bool io, const char *file)
{
	const struct check_suite *suite;
	struct list list = { 0 };
	const char *why, *from;
	bool failed = false;
	char was[WHY_SIZE];

	repro = before_read(repro);
	suite = check_suite_of(repro, &from);
	if (suite)
		return replay_from(suite, from, io, file);
	suite = list_read(repro, &list, was);
	if (!suite) {
		fprintf(stderr, "%s: neither a repro nor SUITE:SEED\n", repro);
		return 2;
	}
	before_run();
	if (quiet)
		failed = list_apart(suite, &list);
	if (!quiet || failed) {
		why = list_print(suite, &list, io);
		/* one that has been mended is what is to be filed */
		if (file)
			list_file(suite, &list, why ?: was, file);
		failed |= !!why;
	}
	before_forget();
	list_free(&list);
	return failed;
}

void check_init(void)
{
	world_init(&world);
	world.sim.hooks.run = run_name;
	watch_init();
}
