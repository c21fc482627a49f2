// SPDX-License-Identifier: GPL-2.0-only
/*
 * DOC: all schedules
 *
 * A run without changes says at which turns there was a choice, and how many there
 * were; each of these is a run with one change, which says where a second may come
 * behind it, and so on.  So every schedule with so many changes is run once.
 *
 * The runs with a given first change are dealt out to processes together.  What is
 * done is appended to the progress file, of use to the very same program only.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "pairs.h"
#include "scale/program.h"

#define PROCESSES_MAX	64u

static struct world world;

/* What a process is at, and what it has done; its parent sees it, too. */
struct doing {
	struct pair_place place;
	u64 nr_runs;
	u64 nr_cuts;
};

struct shared {
	u32 next;			/* first change */
	bool failed;
	struct doing doing[PROCESSES_MAX];
};

struct schedules {
	u32 changes;			/* of a pair; */
	u32 most;			/* of the one at hand */
	u32 nr_jobs;
	int file;			/* -1: none */
	u32 pair;
	struct shared *shared;
	struct pair_turns turns[PAIR_CHANGES_MAX + 1];
};

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

/* ---- one process ---- */

static bool place_run(struct schedules *s, struct doing *doing)
{
	struct pair_turns *turns = &s->turns[doing->place.nr];
	const char *why = pair_run(&world, &doing->place, turns);
	char text[128];

	doing->nr_runs++;
	if (!why)
		return true;
	pair_print(&doing->place, text, sizeof(text));
	check_failed(&check_pairs, text, why, NULL);
	return false;
}

static bool places_behind(struct schedules *s, struct doing *doing);

/* All with one more change, at this turn: others go on, or the power fails. */
static bool places_at(struct schedules *s, struct doing *doing, u32 at)
{
	u32 width = s->turns[doing->place.nr].widths[at], who;
	struct pair_change *c = &doing->place.changes[doing->place.nr];
	bool ok = true;

	doing->place.nr++;
	for (who = pair_is_alone(s->pair); who < width && ok; who++) {
		*c = (struct pair_change){ at, who };
		ok = place_run(s, doing);
		if (ok && who)
			ok = places_behind(s, doing);
		doing->nr_cuts += !who;
	}
	doing->place.nr--;
	return ok;
}

static bool places_behind(struct schedules *s, struct doing *doing)
{
	u32 nr = doing->place.nr, at;
	u32 first = nr ? doing->place.changes[nr - 1].at + 1 : 1;

	if (nr == s->most)
		return true;
	for (at = first; at <= s->turns[nr].nr; at++)
		if (!places_at(s, doing, at))
			return false;
	return true;
}

/* ---- the progress file ---- */

#define PAIRS_MAX	64

static bool done[PAIRS_MAX][PAIR_TURNS_MAX];
static struct doing before[PAIRS_MAX];

static u32 pair_find(const char *name)
{
	u32 pair = 0;

	while (pair_name(pair) && strcmp(pair_name(pair), name))
		pair++;
	return pair;
}

/* Takes in what a run before this one has done, if it was the same run. */
static void progress_read(FILE *file, const char *head)
{
	char line[128], name[32];
	u64 nr_runs, nr_cuts;
	u32 at, pair;

	if (!fgets(line, sizeof(line), file) || strcmp(line, head)) {
		if (ftruncate(fileno(file), 0))
			perror("ftruncate");
		rewind(file);
		fputs(head, file);
		return;
	}
	/* a line that was cut short has no end */
	while (fgets(line, sizeof(line), file) && strchr(line, '\n')) {
		if (sscanf(line, "%31s %u %llu %llu", name, &at, &nr_runs,
			   &nr_cuts) != 4)
			return;
		pair = pair_find(name);
		if (!pair_name(pair) || at >= PAIR_TURNS_MAX || done[pair][at])
			continue;
		done[pair][at] = true;
		before[pair].nr_runs += nr_runs;
		before[pair].nr_cuts += nr_cuts;
	}
}

static int progress_open(u32 changes, const char *path)
{
	int fd = open(path, O_RDWR | O_CREAT | O_APPEND, 0666);
	FILE *file = fd < 0 ? NULL : fdopen(dup(fd), "r+");
	char head[64];

	if (!file) {
		perror(path);
		return -1;
	}
	scnprintf(head, sizeof(head), "%u %016llx\n", changes, program_hash());
	progress_read(file, head);
	fclose(file);
	return fd;
}

static void progress_write(const struct schedules *s, u32 at, u64 nr_runs,
			   u64 nr_cuts)
{
	char line[128];
	size_t len;

	if (s->file < 0)
		return;
	len = scnprintf(line, sizeof(line), "%s %u %llu %llu\n",
			pair_name(s->pair), at, nr_runs, nr_cuts);
	if (write(s->file, line, len) != len)
		perror("the progress file");
}

/* ---- all of them ---- */

static void process_run(struct schedules *s, struct doing *doing)
{
	struct shared *shared = s->shared;
	u64 nr_runs, nr_cuts;
	u32 at;

	for (;;) {
		at = __atomic_fetch_add(&shared->next, 1, __ATOMIC_RELAXED);
		if (at > s->turns[0].nr || shared->failed)
			return;
		if (done[s->pair][at])
			continue;
		nr_runs = doing->nr_runs;
		nr_cuts = doing->nr_cuts;
		if (!places_at(s, doing, at)) {
			shared->failed = true;
			return;
		}
		progress_write(s, at, doing->nr_runs - nr_runs,
			       doing->nr_cuts - nr_cuts);
	}
}

/* A process that did not end by itself was ended by what it was running. */
static void process_wait(struct schedules *s, u32 i, pid_t pid)
{
	char text[128];
	int status;

	if (waitpid(pid, &status, 0) == pid && WIFEXITED(status) &&
	    !WEXITSTATUS(status))
		return;
	s->shared->failed = true;
	pair_print(&s->shared->doing[i].place, text, sizeof(text));
	check_failed(&check_pairs, text, "the process died", NULL);
}

static void processes_run(struct schedules *s)
{
	pid_t pids[PROCESSES_MAX];
	u32 i;

	fflush(stdout);
	for (i = 0; i < s->nr_jobs; i++) {
		pids[i] = fork();
		if (pids[i] < 0) {
			perror("fork");
			exit(1);
		}
		if (pids[i])
			continue;
		process_run(s, &s->shared->doing[i]);
		fflush(stdout);
		_exit(0);
	}
	for (i = 0; i < s->nr_jobs; i++)
		process_wait(s, i, pids[i]);
}

static bool pair_all(struct schedules *s)
{
	struct shared *shared = s->shared;
	struct doing sum = before[s->pair];
	double start = now();
	u32 i;

	/* of a layer alone there are fewer schedules */
	s->most = s->changes + (s->changes > 1 && pair_is_alone(s->pair));
	memset(shared, 0, sizeof(*shared));
	shared->next = 1;
	shared->doing[0].place.pair = s->pair;
	if (!place_run(s, &shared->doing[0]))
		return false;
	if (s->turns[0].nr == PAIR_TURNS_MAX - 1)
		return false;
	for (i = 0; i < s->nr_jobs; i++)
		shared->doing[i].place.pair = s->pair;
	processes_run(s);
	for (i = 0; i < s->nr_jobs; i++) {
		sum.nr_runs += shared->doing[i].nr_runs;
		sum.nr_cuts += shared->doing[i].nr_cuts;
	}
	printf("%-18s %-28s %5u turns, up to %u changes: %9llu schedules, %8llu of them with a power cut, in %.0f s\n",
	       pair_name(s->pair), pair_what(s->pair), s->turns[0].nr, s->most,
	       sum.nr_runs, sum.nr_cuts, now() - start);
	fflush(stdout);
	return !shared->failed;
}

int pairs_run(u32 changes, const char *name, u32 nr_jobs, const char *progress)
{
	struct schedules s = {
		.changes = changes, .nr_jobs = min(nr_jobs, PROCESSES_MAX),
		.file = -1,
	};
	u32 nr_failed = 0;

	if (name && !*name)
		name = NULL;
	if (changes >= PAIR_CHANGES_MAX || (name && !pair_name(pair_find(name))))
		return 2;
	s.shared = mmap(NULL, sizeof(*s.shared), PROT_READ | PROT_WRITE,
			MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (s.shared == MAP_FAILED)
		return 2;
	if (progress) {
		s.file = progress_open(changes, progress);
		if (s.file < 0)
			return 2;
	}
	world_init(&world);
	for (s.pair = 0; pair_name(s.pair); s.pair++)
		if (!name || !strcmp(name, pair_name(s.pair)))
			nr_failed += !pair_all(&s);
	return !!nr_failed;
}
