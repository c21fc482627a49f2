/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A crash point: all states that a power cut at one moment may leave, and what
 * recovery makes of each.
 */
#ifndef CHECK_CRASH_POINT_H
#define CHECK_CRASH_POINT_H

#include "sim/states.h"
#include "world.h"

#define CRASH_DEPTH_MAX	2	/* crashes inside recovery, one in another */
#define CRASH_KNOWN_MAX	16	/* contents that are known to be allowed */

/**
 * struct crash_bounds - how much is asked
 * @states_max:	of a point with more states so many are drawn
 * @prune:	do not run states that are alike
 * @depth:	crashes inside recovery
 * @each:	recover for good, with crashes inside, from each state that was
 *		run; else from one for each contents that recovery gave
 */
struct crash_bounds {
	u64 states_max;
	bool prune;
	u32 depth;
	bool each;
};

/** struct crash_tally - what was asked; @nr_inner* are inside recovery */
struct crash_tally {
	u64 nr_points;
	u64 nr_run;
	u64 nr_pruned;
	u64 nr_drawn;		/* of points with too many states */
	u64 nr_not_drawn;
	u64 nr_contents;	/* distinct ones, summed over points */
	u64 nr_recovered;	/* recoveries for good, and going on after them */
	u64 nr_inner_points;
	u64 nr_inner_same;	/* of them like the one before */
	u64 nr_inner_run;
	u64 nr_inner_pruned;
};

#define CRASH_POINTS_MAX 4096	/* events of an operation, or a start */

/* A crash point and a state of it: the first of a history, others of starts. */
struct crash_place {
	u32 point;
	u64 state;
};

/* Crash points, each but the first in a start from the state of the last. */
struct crash_where {
	struct crash_place at[CRASH_DEPTH_MAX + 1];
	u32 depth;		/* of the last */
};

/* What recovery gave, and was found to be allowed. */
struct crash_known {
	u64 hash;
	u64 stamps[M_BLOCKS_MAX];
};

struct crash_level {
	struct sim_states states;
	struct sim_snapshot image;
	struct crash_known known[CRASH_KNOWN_MAX];
	u32 nr_known;
	u64 *numbers;		/* states to recover from for good */
	u32 nr_numbers;
	u32 max_numbers;
};

/**
 * struct crash - an exploration; zeroed at first, outside of a run's memory
 * @w:		the device
 * @bounds:	how much
 * @tally:	what has been done; only ever added to
 * @where:	where it is, for the report of a failure; the caller's, who may
 *		want to know it when the process has died
 * @contents:	a hash of all that recovery gave, whatever the order
 * @one:	go to one place and nowhere else, telling about it; where, is
 *		for the choices to say
 * @only:	with @one: the place that they shall say, or NULL
 */
struct crash {
	struct world *w;
	struct crash_bounds bounds;
	struct crash_tally tally;
	struct crash_where *where;
	u64 contents;
	bool one;
	const struct crash_where *only;

	struct crash_level levels[CRASH_DEPTH_MAX + 1];
	struct sim_states rest;		/* after going on */
	struct m_device model;
	u64 stamps[M_BLOCKS_MAX];
};

/**
 * crash_explore() - after world_power_off()
 *
 * @c->where->at[0].point is for the caller to set.  A state from which recovery gives
 * what the model does not allow ends the run.  What the disk holds afterwards
 * is of no use.
 */
void crash_explore(struct crash *c);

/** crash_choose() - draw a choice of @c->one, or take the given one */
u32 crash_choose(struct crash *c, u32 n, unsigned int kind, u32 given);

/** crash_look() - recover without writing, and read every block */
void crash_look(struct world *w, u64 *stamps);

/** crash_free() - give back the room */
void crash_free(struct crash *c);

#endif /* CHECK_CRASH_POINT_H */
