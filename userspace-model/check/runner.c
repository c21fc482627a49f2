// SPDX-License-Identifier: GPL-2.0-only
/*
 * DOC: replay and shrinking
 *
 * A run is determined by its suite and its choices, so a seed or a list of
 * choices is all there is to a repro.
 *
 * Shrinking deletes operations, then lowers choices, for as long as something
 * still fails; what was drawn in the last run that did becomes the next list.
 */
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>

#include "history.h"
#include "runner.h"

#define SHRINK_SECONDS	5

static struct world world;

/* A list that is replayed, or will be. */
struct list {
	struct sim_record *records;
	size_t nr;
	u32 marks[WORLD_MARKS_MAX];
	u32 nr_marks;
};

/* ---- one run ---- */

static const struct check_suite *running;

static void run_fiber(void *arg)
{
	running->run(arg);
}

static const char *run_one(const struct check_suite *suite)
{
	running = suite;
	world_reset(&world);
	return kapi_run(&world.sim.hooks, run_fiber, &world) ?
		kapi_failure() : NULL;
}

const char *check_seed(const struct check_suite *suite, u64 seed,
		       struct check_tally *tally)
{
	const char *why;

	world.sim.choices.recording = false;
	sim_choices_seed(&world.sim.choices, seed);
	why = run_one(suite);
	tally->nr_runs++;
	tally->nr_full += world.nr_done == HISTORY_OPS;
	tally->nr_ops += world.nr_done;
	tally->nr_refused += world.nr_refused;
	tally->nr_crashes += world.nr_crashes;
	tally->nr_searched += world.model.nr_searched;
	tally->nr_failed += !!why;
	return why;
}

/* Runs a list, and keeps what was really drawn. */
static const char *run_list(const struct check_suite *suite,
			    const struct list *list)
{
	sim_choices_list(&world.sim.choices, list->records, list->nr);
	world.sim.choices.recording = true;
	return run_one(suite);
}

/* ---- lists ---- */

static void list_free(struct list *list)
{
	free(list->records);
	list->records = NULL;
	list->nr = 0;
}

/* What the last run drew, without the zeros at its end. */
static void list_of_run(struct list *list)
{
	size_t nr = world.sim.choices.next;

	while (nr && !world.sim.choices.records[nr - 1].value)
		nr--;
	list->records = malloc(max_t(size_t, nr, 1) * sizeof(*list->records));
	if (!list->records)
		abort();
	memcpy(list->records, world.sim.choices.records,
	       nr * sizeof(*list->records));
	list->nr = nr;
	memcpy(list->marks, world.marks, sizeof(list->marks));
	list->nr_marks = world.nr_marks;
}

static void list_without(struct list *to, const struct list *from, size_t at,
			 size_t nr)
{
	*to = *from;
	to->records = malloc(max_t(size_t, from->nr, 1) *
			     sizeof(*to->records));
	if (!to->records)
		abort();
	to->nr = from->nr - nr;
	memcpy(to->records, from->records, at * sizeof(*to->records));
	memcpy(to->records + at, from->records + at + nr,
	       (from->nr - at - nr) * sizeof(*to->records));
}

/* ---- shrinking ---- */

struct shrink {
	const struct check_suite *suite;
	struct list best;
	u64 nr_runs;
	time_t until;
};

static bool shrink_late(const struct shrink *s)
{
	return time(NULL) > s->until;
}

/* Simpler: fewer choices that are not the simplest, or lower ones. */
static bool simpler(const struct list *a, const struct list *b)
{
	u64 nonzero[2] = { 0 }, sum[2] = { 0 };
	size_t i;

	for (i = 0; i < a->nr; i++) {
		nonzero[0] += !!a->records[i].value;
		sum[0] += a->records[i].value;
	}
	for (i = 0; i < b->nr; i++) {
		nonzero[1] += !!b->records[i].value;
		sum[1] += b->records[i].value;
	}
	if (nonzero[0] != nonzero[1])
		return nonzero[0] < nonzero[1];
	return sum[0] < sum[1];
}

/* Takes @list over if it still fails; frees it otherwise. */
static bool shrink_try(struct shrink *s, struct list *list)
{
	struct list drawn;

	s->nr_runs++;
	if (!run_list(s->suite, list)) {
		list_free(list);
		return false;
	}
	list_of_run(&drawn);
	list_free(list);
	if (!simpler(&drawn, &s->best)) {
		list_free(&drawn);
		return false;
	}
	list_free(&s->best);
	s->best = drawn;
	return true;
}

static bool shrink_ops(struct shrink *s)
{
	bool any = false;
	u32 nr, i;

	for (nr = max(s->best.nr_marks / 2, 1u); nr; nr /= 2) {
		for (i = 0; i < s->best.nr_marks && !shrink_late(s);) {
			u32 end = min(i + nr, s->best.nr_marks);
			size_t from = min_t(size_t, s->best.marks[i],
					    s->best.nr);
			size_t to = end == s->best.nr_marks ? s->best.nr :
				    s->best.marks[end];
			struct list list;

			to = min(to, s->best.nr);
			list_without(&list, &s->best, from, to - from);
			if (to > from && shrink_try(s, &list))
				any = true;
			else
				i += nr;
			if (to == from)
				list_free(&list);
		}
	}
	return any;
}

/* Tries a value for @nr choices from @at on that have a higher one. */
static bool shrink_lower(struct shrink *s, size_t at, size_t nr, u32 value)
{
	bool lower = false;
	struct list list;
	size_t i;

	list_without(&list, &s->best, 0, 0);
	for (i = at; i < at + nr && i < list.nr; i++) {
		if (list.records[i].value <= value)
			continue;
		list.records[i].value = value;
		lower = true;
	}
	if (lower)
		return shrink_try(s, &list);
	list_free(&list);
	return false;
}

static bool shrink_values(struct shrink *s)
{
	bool any = false;
	size_t nr, i;

	for (nr = 64; nr; nr /= 4)
		for (i = 0; i < s->best.nr && !shrink_late(s); i += nr)
			any |= shrink_lower(s, i, nr, 0);
	for (i = 0; i < s->best.nr && !shrink_late(s); i++) {
		while (i < s->best.nr && s->best.records[i].value) {
			u32 value = s->best.records[i].value;

			if (!shrink_lower(s, i, 1, value / 2) &&
			    !shrink_lower(s, i, 1, value - 1))
				break;
			any = true;
		}
	}
	return any;
}

static void shrink(struct shrink *s)
{
	bool any;

	s->until = time(NULL) + SHRINK_SECONDS;
	do {
		any = shrink_ops(s);
		any |= shrink_values(s);
	} while (any && !shrink_late(s));
}

/* ---- repros ---- */

static int list_write(const struct check_suite *suite, const struct list *list,
		      const char *why, const char *path)
{
	FILE *file = fopen(path, "w");

	if (!file)
		return -errno;
	/* checkpatch takes the tag for this file's own, were it one string */
	fprintf(file, "# %s: GPL-2.0-only\n# %s\nsuite %s\n",
		"SPDX-License-Identifier", why, suite->name);
	sim_records_print(file, list->records, list->nr);
	return fclose(file) ? -EIO : 0;
}

/* Return: the suite, or NULL if this is no repro. */
static const struct check_suite *list_read(const char *path, struct list *list)
{
	const struct check_suite *suite = NULL;
	FILE *file = fopen(path, "r");
	char line[512], name[64];
	ssize_t nr;

	if (!file)
		return NULL;
	while (fgets(line, sizeof(line), file)) {
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

static void print_history(const struct check_suite *suite,
			  const struct list *list)
{
	const char *why;

	world.verbose = true;
	printf("    # | what\n------+------------------------------------\n");
	why = run_list(suite, list);
	world.verbose = false;
	printf("      | %s\n", why ?: "no failure");
}

void check_failed(const struct check_suite *suite, u64 seed, const char *why)
{
	struct shrink s = { .suite = suite };
	char path[128], first[512];

	scnprintf(first, sizeof(first), "%s", why);
	printf("\n%s: seed %#llx: %s\n", suite->name, seed, first);
	printf("make replay REPRO=%s:%#llx\n", suite->name, seed);
	sim_choices_seed(&world.sim.choices, seed);
	world.sim.choices.recording = true;
	why = run_one(suite);
	if (!why || strcmp(why, first)) {
		printf("not the same when run again: %s\n", why ?: "passed");
		return;
	}
	list_of_run(&s.best);
	shrink(&s);
	why = run_list(suite, &s.best);
	scnprintf(first, sizeof(first), "%s", why ?: "passed");
	mkdir("build", 0777);
	mkdir("build/repros", 0777);
	scnprintf(path, sizeof(path), "build/repros/%s-%llx.repro",
		  suite->name, seed);
	if (list_write(suite, &s.best, first, path))
		printf("cannot write %s\n", path);
	else
		printf("shrunk in %llu runs: make replay REPRO=%s\n",
		       s.nr_runs, path);
	print_history(suite, &s.best);
	list_free(&s.best);
	fflush(stdout);
}

static bool list_of_seed(const char *repro, const char **why,
			 const struct check_suite **suite, struct list *list)
{
	const char *colon = strrchr(repro, ':');
	char name[64];

	if (!colon)
		return false;
	scnprintf(name, sizeof(name), "%.*s", (int)(colon - repro), repro);
	*suite = check_suite_find(name);
	if (!*suite)
		return false;
	sim_choices_seed(&world.sim.choices, strtoull(colon + 1, NULL, 0));
	world.sim.choices.recording = true;
	*why = run_one(*suite);
	list_of_run(list);
	return true;
}

int check_replay(const char *repro, bool quiet, bool io)
{
	const struct check_suite *suite;
	struct list list = { 0 };
	const char *why = NULL;

	suite = list_read(repro, &list);
	if (!suite && !list_of_seed(repro, &why, &suite, &list)) {
		fprintf(stderr, "%s: neither a repro nor SUITE:SEED\n", repro);
		return 2;
	}
	why = run_list(suite, &list);
	world.verbose_io = io;
	if (!quiet || why)
		print_history(suite, &list);
	list_free(&list);
	return !!why;
}

void check_init(void)
{
	world_init(&world);
}
