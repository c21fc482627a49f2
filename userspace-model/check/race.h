/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Several users at a time, each in a fiber of its own, and a power cut that may
 * come at any step.
 */
#ifndef CHECK_RACE_H
#define CHECK_RACE_H

#include "history.h"

#define RACE_USERS	3
#define RACE_STEPS	4	/* of a user */
#define RACE_WHATS	15	/* kinds of errors */

/* What a user does; the simpler the earlier. */
enum race_op {
	RACE_NOTHING,
	RACE_WRITE,
	RACE_READ,
	RACE_DISCARD,
	RACE_FLUSH,
	RACE_WRITE_FUA,
	RACE_DISCARD_FUA,
	RACE_CHECKPOINT,
	RACE_COMPACT,
	RACE_RECLAIM,
	RACE_SCRUB,
	RACE_SHRINK,	/* memory is short */
	RACE_IDLE,	/* time passes */
	RACE_LOOK,	/* at all that can be asked */
	RACE_ERRORS,	/* operations of the disk begin to fail */
	RACE_GONE,	/* the disk is */
	RACE_OPS,
};

/* How a request goes on; others are waited for. */
enum race_flight {
	RACE_WAITED,
	RACE_COMMITTED,
	RACE_GATHERED,	/* not even that */
	RACE_CHANGED,	/* its user overwrites the buffer */
	RACE_FLIGHTS,
};

struct race_step {
	enum race_op op;
	enum race_flight flight;
	u32 lba;
	u32 nr_blocks;
	u32 what;	/* errors: which operations; shrink: so many pages less one */
};

/* What the device holds before. */
enum race_before {
	RACE_BLANK,
	RACE_LOGGED,	/* writes that are in no run yet */
	RACE_RUN,	/* a run, and dead blocks of it */
	RACE_RUNS,	/* several */
	RACE_FULL,	/* as much as it takes, if it is small */
	RACE_BEFORES,
};

struct race_user {
	struct race *race;
	u32 nr_steps;
	struct race_step steps[RACE_STEPS];
	struct kapi_fiber *fiber;
};

/**
 * struct race - users beside each other
 * @w:		the device
 * @before:	what it holds
 * @nr_users:	how many
 * @users:	what each does, one step after the other
 * @power_after: the power may fail after so many points of a fiber of its own;
 *		0: it does not
 * @power_any:	it may at any turn of any fiber, if somebody says so
 * @crash:	the kernel dies at the end; else the device is stopped, beside what
 *		it has under way
 * @calm:	nobody is beside the stop
 * @nr_left:	users that are not done
 */
struct race {
	struct world *w;
	enum race_before before;
	u32 nr_users;
	struct race_user users[RACE_USERS];
	u32 power_after;
	bool power_any;
	bool crash;
	bool calm;
	u32 nr_left;
};

/** race_prepare() - what the device holds before; nobody is beside it */
void race_prepare(struct race *race);

/** race_run() - all of it, and the end; everything is compared */
void race_run(struct race *race);

void check_race(struct world *w);
void check_race_jobs(struct world *w);
void check_race_faults(struct world *w);

#endif /* CHECK_RACE_H */
