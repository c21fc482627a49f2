/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Schedules: who goes on at each point where others could.
 *
 * DOC: schedules
 *
 * Between sim_schedule_begin() and sim_schedule_end() every point (kapi/run.h)
 * draws a choice: 0 means that whoever runs goes on.  So a schedule is part of the
 * choice stream, is replayed from it, and becomes simpler where choices are set to
 * 0.
 *
 * Where the stream comes from a seed, a strategy says which choices are made; the
 * numbers that it draws for that are not part of the stream.  Other sources know
 * of no strategy: a list says who goes on, an odometer goes through all schedules
 * with at most so many preemptions.  A fiber that blocks is no preemption.  Of those
 * that are the same (traces.h) one is enough.
 *
 *  walk     all that can run are as likely, or who runs goes on more often
 *  pct      each fiber has a priority, the highest runs; at a few points it falls
 *           (Burckhardt et al., ASPLOS'10).  Finds what takes d points in order
 *           with probability 1 / (fibers * length^(d - 1)) at least.  All interrupts
 *           have one priority, so if one falls, those that come later have, too
 *  urw      as likely as there is left to do, so that all schedules are nearly
 *           as likely (Zhao et al., ASPLOS'25), where that is known
 *  starve   a walk in which one fiber, or all interrupts, rest for a while
 *  bounded  so many preemptions, anywhere
 *
 * Which of them is drawn, too, unless it is given.
 */
#ifndef SIM_SCHEDULE_H
#define SIM_SCHEDULE_H

#include "choices.h"
#include "traces.h"

#define SIM_FIBERS	64	/* slots: so many are told apart */
#define SIM_FIBERS_FIRST 16	/* of those that are there when a schedule begins */
#define SIM_DEPTH_MAX	5

enum sim_strategy {
	SIM_WALK,
	SIM_PCT,
	SIM_URW,
	SIM_STARVE,
	SIM_BOUNDED,
	SIM_NR_STRATEGIES,
	SIM_PORTFOLIO = SIM_NR_STRATEGIES,
};

/**
 * struct sim_schedule - how the fibers of a run take turns
 *
 * To be set, or left as they are:
 *
 * @strategy:	for seeds; SIM_PORTFOLIO: drawn
 * @depth:	pct: so many points in order; bounded: one more than preemptions;
 *		0: drawn
 * @rare:	walk: one point in 2^n is one at which another may go on; U32_MAX:
 *		drawn
 * @preemptions_max: no more of them, whatever the source
 * @detours_max: no more blocks after which another goes on than who has waited
 *		longest
 * @mute:	a word whose points are none, to see what they are good for; or NULL
 * @traces:	odometer: leave out what is known to be the same; or NULL
 * @seed:	lists: a strategy makes the choices, by this seed; 0: the list says
 * @show:	called when another goes on; may be NULL
 * @length:	points to be expected; 0: drawn, as harnesses of the engine leave it:
 *		theirs are of any length.  Never one of former runs, which the seed
 *		would not tell
 * @left:	urw: how often the fiber of each slot will go on, likewise; 0: its share
 *
 * Of the last run:
 *
 * @nr_points:	those of all fibers
 * @nr_preemptions: points at which another went on
 * @nr_detours:	blocks likewise
 * @pruned:	it failed because its trace is known, and for no other reason
 *
 * @done:	how often the fiber of each slot went on
 *
 * Slots: interrupts have the first, then come fibers that were started since the
 * schedule began, in that order; those that were there have the last ones:
 *
 * @nr_first:	fibers that were there
 * @first:	their numbers in the run
 * @newest:	the highest of them
 * @ids:	of the fiber that has each slot, the last one that had it
 *
 * Of the strategy:
 *
 * @guided:	there is one
 * @quiet:	see sim_schedule_quiet()
 * @random:	its numbers
 * @now:	which it is
 * @expected:	points
 * @sparse:	walk: what @rare says
 * @priority:	pct: of each slot; 0: has none yet
 * @lowest:	pct: the last that was given to one that fell
 * @changes:	pct: points at which who runs falls; bounded: those of preemptions
 * @nr_changes:	how many
 * @starved:	starve: the number of who rests; 0: interrupts; U32_MAX: whoever could go
 *		on when it begins
 * @from:	starve: when
 * @to:		starve: until when
 */
struct sim_schedule {
	enum sim_strategy strategy;
	u32 depth;
	u32 rare;
	u32 preemptions_max;
	u32 detours_max;
	const char *mute;
	struct sim_traces *traces;
	u32 length;
	u32 left[SIM_FIBERS];
	u64 seed;
	void (*show)(void *ctx, const struct kapi_turn *turn);

	u32 nr_points;
	u32 nr_preemptions;
	u32 nr_detours;
	bool pruned;
	u32 done[SIM_FIBERS];

	u32 nr_first;
	u32 first[SIM_FIBERS_FIRST];
	u32 newest;
	u32 ids[SIM_FIBERS];

	bool guided;
	bool quiet;
	u64 random;
	enum sim_strategy now;
	u32 expected;
	u32 sparse;
	u32 priority[SIM_FIBERS];
	u32 lowest;
	u32 changes[SIM_DEPTH_MAX];
	u32 nr_changes;
	u32 starved;
	u32 from;
	u32 to;
};

struct sim;

/** sim_schedule_init() - the portfolio, no bound */
void sim_schedule_init(struct sim_schedule *schedule);

/**
 * sim_schedule_begin() - from now on each point is a choice
 *
 * Called within a run; what comes before (a format, say) is not interleaved.
 */
void sim_schedule_begin(struct sim *sim);

/**
 * sim_schedule_quiet() - from now on whoever runs goes on, and nothing is drawn
 *
 * Others may have been preempted where they hold locks, so what comes next cannot do
 * without preemption yet.
 */
void sim_schedule_quiet(struct sim *sim);

/** sim_schedule_end() - fibers run until they block again; or the machine is dead */
void sim_schedule_end(struct sim *sim);

/**
 * sim_schedule_measure() - expect of other runs what the last one was like
 *
 * That must always be the same one, of the same harness: see @length.
 */
void sim_schedule_measure(struct sim *sim);

/** sim_schedule_turn() - the hook of struct kapi_hooks */
size_t sim_schedule_turn(void *ctx, const struct kapi_turn *turn);

/** sim_schedule_touch() - likewise; sim_schedule_begin() sets it where there are traces */
void sim_schedule_touch(void *ctx, u32 id, const void *object,
			enum kapi_access how);

/** sim_strategy_name() - for those who print it */
const char *sim_strategy_name(enum sim_strategy strategy);

#endif /* SIM_SCHEDULE_H */
