/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Histories: what users and misfortune may do to a device, drawn from the
 * choices.
 */
#ifndef CHECK_HISTORY_H
#define CHECK_HISTORY_H

#include "world.h"

#define HISTORY_OPS	32	/* operations of a scenario */
#define HISTORY_OPS_LONG 256	/* of some, that wear a device out */

/*
 * The alphabet; the simpler the earlier.  Faults are last, as not all histories
 * have them.
 */
enum history_op {
	OP_NOTHING,
	OP_WRITE,
	OP_WRITE_FUA,
	OP_DISCARD,
	OP_DISCARD_FUA,
	OP_READ,
	OP_FLUSH,
	OP_WAIT,
	OP_CHECKPOINT,
	OP_COMPACT,
	OP_RECLAIM,
	OP_RESTART,
	OP_CRASH,
	OP_CRASH_SOON,
	OP_FILL,
	OP_FAULT,
	NR_OPS,
};

extern const char * const history_op_names[NR_OPS];

/* How often one operation was followed by another, in all histories so far. */
extern u64 history_pairs[NR_OPS][NR_OPS];

/*
 * Extents of the small geometry: the fewest with which the reserves of the
 * engine leave room for 64 logical blocks in extents of 16.
 */
#define HISTORY_EXTENTS	23

/* Operations and ranges are drawn evenly: to see what the biases are good for. */
extern bool history_even;

/**
 * history_run() - a scenario: format, operations, the end, everything compared
 *
 * The end is a crash and a recovery, or a clean stop and start.
 */
void history_run(struct world *w, const struct world_config *config);

/** history_end() - faults end, everything is compared; a clean stop, or a crash */
void history_end(struct world *w, bool close);

/**
 * history_config() - which device
 * @swarm:	one that is drawn; else the small geometry
 * @faults:	its backing device may fail
 */
void history_config(struct world_config *config, bool swarm, bool faults);

#endif /* CHECK_HISTORY_H */
