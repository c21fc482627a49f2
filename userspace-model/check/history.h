/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Histories: what users and misfortune may do to a device, drawn from the
 * choices.
 */
#ifndef CHECK_HISTORY_H
#define CHECK_HISTORY_H

#include "world.h"

#define HISTORY_OPS	32	/* operations of a scenario */

/*
 * Extents of the small geometry: the fewest with which the reserves of the
 * engine leave room for 64 logical blocks in extents of 16.
 */
#define HISTORY_EXTENTS	18

/**
 * history_run() - a scenario: format, operations, the end, everything compared
 *
 * The end is a crash and a recovery, or a clean stop and start.
 */
void history_run(struct world *w, const struct world_config *config);

/**
 * history_config() - which device
 * @swarm:	one that is drawn; else the small geometry
 * @faults:	its backing device may fail
 */
void history_config(struct world_config *config, bool swarm, bool faults);

#endif /* CHECK_HISTORY_H */
