// SPDX-License-Identifier: GPL-2.0-only
/*
 * DOC: exhaustive runs
 *
 * Sequences are dealt out to processes in batches.  A batch that is done is
 * appended to the progress file with its counts, so a run that was ended goes
 * on behind it; the file is of use to the very same program only.
 *
 * How deep crashes inside recovery are followed depends on the length of the
 * sequence: their number grows by two orders of magnitude with each level.  On
 * zones it grows by more, as a start resets several at once.
 */
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "alphabet.h"
#include "exhaustive.h"
#include "runner.h"
#include "scale/clock.h"
#include "scale/processes.h"

#define BATCH		12u	/* sequences */
#define TELL_SECONDS	60

#define FULL_LENGTH	3u

/* A run fails with less than that to be asked; a shorter one than half. */
static const struct {
	u32 points;			/* per sequence */
	u32 states;			/* per point, pruned ones too */
} least[ALPHABET_DISKS] = {
	[ALPHABET_CACHE] = { 8, 27 },
	[ALPHABET_NO_CACHE] = { 6, 1 },
	[ALPHABET_FUA] = { 7, 32 },
	[ALPHABET_ZONED] = { 8, 10 },
	[ALPHABET_FAILING] = { 8, 27 },
};

static struct world world;
static struct alphabet alphabet = { .world = &world };

/* What the processes share. */
struct shared {
	u64 next;			/* batch */
	bool failed;
	struct alphabet_place doing[PROCESSES_MAX];
	struct crash_tally tallies[PROCESSES_MAX];
	u64 nr_sequences[PROCESSES_MAX];
	bool done[];			/* batches */
};

struct run {
	u32 length;
	u32 nr_jobs;
	u64 nr_batches;
	double start;
	int file;			/* -1: none */
	struct shared *shared;
};

static bool pruning(void)
{
	const char *prune = getenv("PRUNE");

	return !prune || strcmp(prune, "0");
}

static void tally_add(struct crash_tally *to, const struct crash_tally *from)
{
	const u64 *v = (const u64 *)from;
	u64 *sum = (u64 *)to;
	size_t i;

	for (i = 0; i < sizeof(*to) / sizeof(u64); i++)
		sum[i] += v[i];
}

/* ---- the progress file ---- */

/* Takes in what a run before this one has done. */
static void progress_line(const char *line, void *arg)
{
	struct run *run = arg;
	struct crash_tally tally;
	u64 *v = (u64 *)&tally, batch;
	char *end;
	size_t i;

	batch = strtoull(line, &end, 10);
	for (i = 0; i < sizeof(tally) / sizeof(u64); i++)
		v[i] = strtoull(end, &end, 10);
	if (*end != '\n' || batch >= run->nr_batches || run->shared->done[batch])
		return;
	run->shared->done[batch] = true;
	run->shared->nr_sequences[0] += BATCH;
	tally_add(&run->shared->tallies[0], &tally);
}

static void batch_done(struct run *run, u64 batch,
		       const struct crash_tally *tally)
{
	const u64 *v = (const u64 *)tally;
	char line[512];
	size_t len, i;

	len = scnprintf(line, sizeof(line), "%llu", batch);
	for (i = 0; i < sizeof(*tally) / sizeof(u64); i++)
		len += scnprintf(line + len, sizeof(line) - len, " %llu", v[i]);
	scnprintf(line + len, sizeof(line) - len, "\n");
	progress_write(run->file, line);
}

/* ---- the sequences ---- */

/* A run of longer sequences has the time for more, too; a shorter one has not. */
static void set_bounds(u64 sequence, u32 longest)
{
	struct crash_bounds *bounds = &alphabet.crash.bounds;
	u32 length = alphabet_length(sequence);

	if (longest > FULL_LENGTH && length > 1)
		length--;
	if (longest < FULL_LENGTH || alphabet.disk == ALPHABET_ZONED)
		length++;
	bounds->depth = length == 1 ? 2 : length == 2 ? 1 : 0;
	bounds->each = length == 1;
}

static void report(const struct alphabet_place *doing, const char *why)
{
	char place[256];

	alphabet_place_print(doing, place, sizeof(place));
	check_failed(&check_alphabet[alphabet.disk], place, why, NULL);
}

static bool run_batch(struct run *run, u32 job, u64 batch)
{
	struct alphabet_place *doing = &run->shared->doing[job];
	struct crash_tally *tally = &alphabet.crash.tally;
	u64 nr = alphabet_count(run->length);
	u64 sequence = batch * BATCH, end = min(sequence + BATCH, nr);
	const char *why;

	memset(tally, 0, sizeof(*tally));
	for (; sequence < end; sequence++) {
		doing->sequence = sequence;
		set_bounds(sequence, run->length);
		why = alphabet_sequence(&alphabet, sequence);
		if (why) {
			report(doing, why);
			return false;
		}
		run->shared->nr_sequences[job]++;
	}
	tally_add(&run->shared->tallies[job], tally);
	batch_done(run, batch, tally);
	return true;
}

static void job_run(u32 job, void *arg)
{
	struct run *run = arg;
	struct shared *shared = run->shared;
	double told = run->start;
	u64 batch;

	alphabet.crash.where = &shared->doing[job].where;
	for (;;) {
		batch = __atomic_fetch_add(&shared->next, 1, __ATOMIC_RELAXED);
		if (batch >= run->nr_batches || shared->failed)
			return;
		if (shared->done[batch])
			continue;
		if (!run_batch(run, job, batch)) {
			shared->failed = true;
			return;
		}
		if (job == 0 && now() > told + TELL_SECONDS) {
			told = now();
			printf("%.0f s: sequence %llu of %llu\n",
			       told - run->start, batch * BATCH,
			       alphabet_count(run->length));
			fflush(stdout);
		}
	}
}

static void job_died(u32 job, void *arg)
{
	struct run *run = arg;

	report(&run->shared->doing[job], "the process died");
	run->shared->failed = true;
}

static int summary(struct run *run)
{
	u32 half = run->length < FULL_LENGTH ? 2 : 1, i;
	struct crash_tally sum = { 0 };
	u64 nr = 0, states;

	for (i = 0; i < run->nr_jobs; i++) {
		tally_add(&sum, &run->shared->tallies[i]);
		nr += run->shared->nr_sequences[i];
	}
	states = sum.nr_run + sum.nr_pruned;
	printf("%s: %llu sequences of up to %u operations, %llu crash points, ",
	       alphabet_disks[alphabet.disk], nr, run->length, sum.nr_points);
	printf("%llu states run, %llu pruned, ", sum.nr_run, sum.nr_pruned);
	printf("%llu of %llu drawn where there were too many\n", sum.nr_drawn,
	       sum.nr_drawn + sum.nr_not_drawn);
	printf("inside recovery: %llu crash points, %llu like the one before, ",
	       sum.nr_inner_points, sum.nr_inner_same);
	printf("%llu states run, %llu pruned; %llu recoveries that went on\n",
	       sum.nr_inner_run, sum.nr_inner_pruned, sum.nr_recovered);
	printf("in %.0f seconds\n", now() - run->start);
	if (run->shared->failed)
		return 1;
	if (nr < alphabet_count(run->length) ||
	    (run->length > 1 &&
	     (sum.nr_points * half < nr * least[alphabet.disk].points ||
	      states * half < sum.nr_points * least[alphabet.disk].states))) {
		printf("that is less than there is to be asked\n");
		return 1;
	}
	return 0;
}

bool exhaustive_disk(const char *name)
{
	alphabet.disk = 0;
	while (alphabet.disk < ALPHABET_DISKS &&
	       strcmp(name, alphabet_disks[alphabet.disk]))
		alphabet.disk++;
	return alphabet.disk < ALPHABET_DISKS;
}

int exhaustive_run(u32 length, u64 states_max, u32 nr_jobs,
		   const char *progress)
{
	struct run run = {
		.length = length, .nr_jobs = min(nr_jobs, PROCESSES_MAX),
		.nr_batches = DIV_ROUND_UP(alphabet_count(length), BATCH),
		.start = now(), .file = -1,
	};

	char head[64];

	if (!length || length > ALPHABET_LENGTH_MAX)
		return 2;
	run.shared = shared_alloc(sizeof(*run.shared) + run.nr_batches);
	if (!run.shared)
		return 2;
	scnprintf(head, sizeof(head), "%s %u %llu %d",
		  alphabet_disks[alphabet.disk], length, states_max, pruning());
	if (progress) {
		run.file = progress_open(progress, head, progress_line, &run);
		if (run.file < 0)
			return 2;
	}
	if (run.shared->nr_sequences[0])
		printf("%llu sequences were done before\n",
		       run.shared->nr_sequences[0]);
	world_init(&world);
	alphabet.crash.bounds.states_max = states_max;
	alphabet.crash.bounds.prune = pruning();
	processes_run(run.nr_jobs, job_run, job_died, &run);
	return summary(&run);
}

/* ---- with and without pruning ---- */

struct verdict {
	bool failed;
	u64 contents;
	u64 nr_states;
	bool last;
};

static struct verdict point_verdict(u64 sequence, u32 point, bool prune)
{
	struct crash *crash = &alphabet.crash;
	struct verdict v;

	memset(&crash->tally, 0, sizeof(crash->tally));
	crash->bounds.prune = prune;
	v.failed = alphabet_point(&alphabet, sequence, point);
	v.last = alphabet.last;
	v.contents = v.failed ? 0 : crash->contents;
	v.nr_states = v.failed ? 0 : crash->tally.nr_run +
				     crash->tally.nr_pruned;
	return v;
}

static bool compare_sequence(u64 sequence, u64 *nr_failed)
{
	struct verdict with, without;
	u32 point = 0;

	do {
		with = point_verdict(sequence, point, true);
		without = point_verdict(sequence, point, false);
		if (with.failed != without.failed ||
		    with.contents != without.contents ||
		    with.nr_states != without.nr_states) {
			printf("alphabet:%llu:%u: pruning makes a difference\n",
			       sequence, point);
			return false;
		}
		*nr_failed += with.failed;
		point++;
	} while (!with.last);
	return true;
}

int exhaustive_compare(u32 length)
{
	u64 nr = alphabet_count(length), sequence, nr_failed[2] = { 0 };
	struct crash_where where;
	double start = now();
	u32 lie;

	world_init(&world);
	alphabet.crash.where = &where;
	alphabet.crash.bounds.states_max = U64_MAX;
	for (lie = 0; lie < 2; lie++) {
		alphabet.lie = lie;
		for (sequence = 0; sequence < nr; sequence++)
			if (!compare_sequence(sequence, &nr_failed[lie]))
				return 1;
	}
	printf("%llu sequences with and without pruning: the same verdicts, ",
	       nr);
	printf("%llu of them against a model that asks for too much, in %.0f seconds\n",
	       nr_failed[1], now() - start);
	return nr_failed[0] || !nr_failed[1];
}

/* ---- replay ---- */

/*
 * Runs a sequence until it fails, in a process of its own, which may die of it.
 * Return: does it fail, at *@place.
 */
static bool find(struct alphabet_place *place)
{
	struct alphabet_place *found;
	bool failed = false;
	int status;
	pid_t pid;

	found = shared_alloc(sizeof(*found));
	if (!found)
		return false;
	*found = *place;
	fflush(stdout);
	pid = fork();
	if (!pid) {
		world_init(&world);
		alphabet.crash.where = &found->where;
		alphabet.crash.bounds.states_max = 1 << 20;
		alphabet.crash.bounds.prune = pruning();
		set_bounds(place->sequence, ALPHABET_LENGTH_MAX);
		_exit(!!alphabet_sequence(&alphabet, place->sequence));
	}
	if (pid > 0 && waitpid(pid, &status, 0) == pid)
		failed = !WIFEXITED(status) || WEXITSTATUS(status);
	*place = *found;
	munmap(found, sizeof(*found));
	return failed;
}

int exhaustive_replay(const char *repro, bool io, const char *file)
{
	const struct check_suite *suite;
	struct alphabet_place place;
	char found[256];
	const char *from;
	size_t len;
	int nr;

	suite = check_suite_of(repro, &from);
	nr = suite ? alphabet_place_parse(from, &place) : -EINVAL;
	if (nr < 0)
		return 2;
	if (nr)
		return check_replay(repro, false, io, file);
	alphabet.disk = suite - check_alphabet;
	if (!find(&place)) {
		printf("no failure\n");
		return 0;
	}
	len = scnprintf(found, sizeof(found), "%s:", suite->name);
	alphabet_place_print(&place, found + len, sizeof(found) - len);
	return check_replay(found, false, io, file);
}
