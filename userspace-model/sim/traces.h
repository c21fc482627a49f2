/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which schedules are the same.
 *
 * DOC: traces
 *
 * Two steps of different fibers that touch different objects, or only look at the
 * same, can change places without anybody noticing.  Schedules that differ in
 * nothing else are one *trace* (Mazurkiewicz), and lead to the same state.
 *
 * Each step gets a hash of all that it comes after: what its fiber did before, and
 * who changed its object last.  The sum of these hashes tells the trace so far.  Who
 * goes through all schedules and comes to a trace from which all others were tried
 * before, with as many preemptions left, needs not go on.  Sleep sets and DPOR leave
 * out the same, but may leave out the only one of a trace that has few preemptions
 * (Coons, Musuvathi, McKinley, OOPSLA'13); this does not (Musuvathi, Qadeer,
 * PLDI'07, called it happens-before caching).
 *
 * That a step touches no more than the words say (kapi/run.h) is what TSan and KCSAN
 * are asked.
 */
#ifndef SIM_TRACES_H
#define SIM_TRACES_H

#include "choices.h"

#define SIM_OBJECTS_LOG2	14

struct sim_object {
	const void *object;
	u32 run;		/* what follows is of that one */
	u64 changed;		/* hash of the last step that did */
	u64 looked;		/* sum of those that looked since */
};

struct sim_seen {
	u64 trace;
	u64 left;		/* as given */
};

/**
 * struct sim_traces - those seen so far
 * @all:	only count, and leave nothing out
 * @nr_pruned:	runs ended because theirs was one
 * @nr_ended:	different ones that came to an end
 *
 * The rest is its own.
 */
struct sim_traces {
	bool all;
	u64 nr_pruned;
	u64 nr_ended;

	u32 run;
	u64 sum;
	u64 fibers[64];
	struct sim_object objects[1u << SIM_OBJECTS_LOG2];
	struct sim_seen *seen;
	size_t nr_seen;
	size_t max_seen;
};

/** sim_traces_reset() - none were seen; zeroed once, or used before */
void sim_traces_reset(struct sim_traces *traces);
void sim_traces_free(struct sim_traces *traces);

/** sim_traces_begin() - a schedule begins */
void sim_traces_begin(struct sim_traces *traces);

/** sim_traces_touch() - a step of a fiber; @object may be NULL; a try is none */
void sim_traces_touch(struct sim_traces *traces, u32 fiber, const void *object,
		      enum kapi_access how);

/** sim_traces_of() - a hash of all that comes before what one object is like */
u64 sim_traces_of(struct sim_traces *traces, const void *object);

/**
 * sim_traces_seen() - was this trace seen before
 * @who:	what else makes a difference for what can follow
 * @left:	bytes: what is left of each budget
 *
 * If not, it is from now on.  Return: yes, and with no less left.
 */
bool sim_traces_seen(struct sim_traces *traces, u64 who, u64 left);

#endif /* SIM_TRACES_H */
