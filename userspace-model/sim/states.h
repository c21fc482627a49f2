/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Crash states: all that a power cut may leave on a disk, one after the other.
 *
 * DOC: crash states
 *
 * A sector that was written and not flushed may be found as it was last known
 * to be durable, or as any of the writes since then left it: a volatile cache
 * may have written out each of them, in any order against other sectors, and
 * nothing says that the last one it took is the last one it wrote.  So each
 * open sector has versions, and a state is a choice of one for each: 2^n of
 * them for n sectors written once each.
 *
 * A zone keeps a prefix of what was written to it, so it is as a whole what is
 * open there, with a version for each length of that prefix, and one more if
 * its reset was in flight: n + 1 states, and the pointer goes with them.
 *
 * The walk goes from state to state by changing one sector, or zone.  It is a
 * walk of a tree: a level is a sector, an edge one of its versions.  The levels
 * of a branch are the sectors that were *touched* (read or overwritten, or the
 * pointer reported) since the state was entered, in the order in which that
 * happened.  Whoever was run on the state is deterministic, so if the first i
 * sectors that it touches have the same versions, the next one that it touches
 * is the same; states that differ only in what it never touched are alike to
 * it.  One of each kind is run, the others are counted as pruned:
 *
 *	nr_run + nr_pruned == total
 *
 * A level keeps the version at which it was left and goes on to the next
 * higher one, in a circle; so one step changes one sector.  If every sector is
 * taken for touched, this is a Gray code in mixed radix.
 *
 * A state can also be entered by its number, once the walk is over.
 */
#ifndef SIM_STATES_H
#define SIM_STATES_H

#include "disk.h"

/**
 * struct sim_open - a sector, or zone, that the power cut left open
 * @sector:	which; of a zone the first
 * @weight:	number of states that differ only in sectors before this one
 * @first:	index of its first version; the oldest is the first
 * @nr:		versions; with the last one all that was written is there
 * @reset:	the first is that a zone was reset
 * @finished:	a zone: it is, but for that reset
 * @pointer:	of a zone, if all writes are lost
 * @now:	the one that it has
 * @left:	versions to be tried yet, on the branch
 * @run:	the run that touched it last
 */
struct sim_open {
	u64 sector;
	u64 weight;
	u32 first;
	u32 nr;
	bool reset;
	bool finished;
	u32 pointer;
	u32 now;
	u32 left;
	u64 run;
};

/**
 * struct sim_states - a walk; zeroed at first
 * @total:	states, fewer than 2^64 - 1
 * @number:	the state that the disk is in, below @total
 * @nr_run:	states left behind
 * @nr_pruned:	states that were alike
 * @nr_open:	sectors, or zones
 *
 * What follows is its own.
 */
struct sim_states {
	u64 total;
	u64 number;
	u64 nr_run;
	u64 nr_pruned;
	u32 nr_open;

	struct sim_disk *disk;
	u32 width;		/* sectors of what is open */
	bool walking;
	bool prune;
	struct sim_open *open;
	u32 max_open;
	u32 *versions;		/* references, @width each */
	u32 nr_versions;
	u32 max_versions;
	struct sim_open **branch;
	u32 nr_branch;
	u32 nr_touched;		/* of the branch, in this run */
	u64 run;
	u64 alike;		/* states that agree on the branch */
};

/**
 * sim_states_begin() - enter the first state of a disk whose power was cut
 * @prune:	else every sector counts as touched
 *
 * The disk is on afterwards, and cannot be walked by anyone else before
 * sim_states_stop().
 */
void sim_states_begin(struct sim_states *states, struct sim_disk *disk,
		      bool prune);

/**
 * sim_states_next() - enter the next one
 *
 * The disk holds what it held when this state was entered.  Return: false when
 * all have been.
 */
bool sim_states_next(struct sim_states *states);

/** sim_states_stop() - the walk is over; the disk stays in its state */
void sim_states_stop(struct sim_states *states);

/** sim_states_enter() - enter the state with a number; stops the walk */
void sim_states_enter(struct sim_states *states, u64 number);

/**
 * sim_states_choose() - enter the state that the choices say; stops the walk
 * @number:	NULL, or the state that it shall be
 *
 * SIM_CHOOSE_CRASH: 0 all that was written is there, 1 nothing is, 2 then
 * SIM_CHOOSE_SURVIVE for each sector: 0 what was written last is there.
 */
void sim_states_choose(struct sim_states *states, const u64 *number);

/** sim_states_end() - stop, and forget the states */
void sim_states_end(struct sim_states *states);

/** sim_states_free() - give back the room */
void sim_states_free(struct sim_states *states);

/** sim_states_print() - which sectors have which version now, one a line */
void sim_states_print(const struct sim_states *states,
		      void (*print)(const char *fmt, ...));

/** sim_states_touch() - for the disk: sectors are looked at or overwritten */
void sim_states_touch(struct sim_disk *disk, u64 sector, u32 nr);

#endif /* SIM_STATES_H */
