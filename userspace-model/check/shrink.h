/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Lists of choices, and how a failing one becomes a simple one.
 */
#ifndef CHECK_SHRINK_H
#define CHECK_SHRINK_H

#include "runner.h"

#define SHRINK_SECONDS	4.5
#define WHY_SIZE	512

/* Choices to be replayed. */
struct list {
	struct sim_record *records;
	size_t nr;
};

void list_free(struct list *list);

/** list_nr_ops() - how many operations are something at all */
u32 list_nr_ops(const struct list *list);

/** list_nr_preemptions() - in its schedule */
u32 list_nr_preemptions(const struct list *list);

/**
 * struct shrink - one failure
 * @suite:	of what
 * @best:	the simplest list known; the caller gives it and frees it
 * @why:	what the failure says
 * @how:	with what words a failure has to begin; NULL: any will do
 * @dies:	it ends the process: each run gets one of its own
 * @nr_ops:	how many operations it had at first
 * @nr_runs:	runs so far
 * @seconds:	of CPU time that it took
 */
struct shrink {
	const struct check_suite *suite;
	struct list best;
	char why[WHY_SIZE];
	const char *how;
	bool dies;
	u32 nr_ops;
	u64 nr_runs;
	double seconds;
	/* its own */
	double until;
	struct list scratch;
	size_t max_records;
	u64 seed;
	u64 last_seed;
	u32 preemptions_max;
	u32 nr_schedules;
};

/**
 * shrink() - make @best as simple as possible
 *
 * In SHRINK_SECONDS of CPU time at most, so that it comes to the same on a busy machine.
 * Deletes operations, alone, in stretches and in pairs; looks for a schedule with
 * fewer preemptions; then sets choices to 0, all of a kind first, and lowers what is
 * left; until nothing more helps.
 */
void shrink(struct shrink *s);

#endif /* CHECK_SHRINK_H */
