/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Toy programs of a few fibers, of whose schedules something is known.
 */
#ifndef CHECK_TOYS_H
#define CHECK_TOYS_H

#include "sim/sim.h"

#define TOY_FIBERS_MAX	4

/**
 * struct toy - a program
 * @name:	for messages
 * @nr_fibers:	how many
 * @nr_steps:	for how long each does what it does, for those that go by it
 * @fiber:	what each of them does
 * @event:	what an interrupt does, if one is to come
 * @end:	asked when all have ended, or NULL
 * @failure:	what some schedules end with; NULL: none fails
 * @preemptions: the fewest in one that fails
 * @not_by:	strategies that do not find it (BIT(enum sim_strategy))
 * @word:	a word without whose points nothing does; NULL: not asked
 * @nr_before:	fibers that have ended before the first of them is started
 * @nr_between:	those that end before the second is
 */
struct toy {
	const char *name;
	u32 nr_fibers;
	u32 nr_steps;
	void (*fiber)(const struct toy *toy, u32 nr);
	void (*event)(const struct toy *toy);
	void (*end)(const struct toy *toy);
	const char *failure;
	u32 preemptions;
	u32 not_by;
	const char *word;
	u32 nr_before;
	u32 nr_between;
};

/* The last has no name. */
extern const struct toy toys[];

/* Fibers that take @nr_steps steps: each of them seen by all, or by nobody else. */
void toy_steps(const struct toy *toy, u32 nr);
void toy_private(const struct toy *toy, u32 nr);
/* Fibers that hold the same lock @nr_steps times. */
void toy_locks(const struct toy *toy, u32 nr);

/**
 * toy_run() - one schedule of it, as @sim->choices say
 *
 * Return: NULL, or why it failed.
 */
const char *toy_run(struct sim *sim, const struct toy *toy);

#endif /* CHECK_TOYS_H */
