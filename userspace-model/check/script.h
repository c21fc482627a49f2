/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Directed histories: steps that wait, and crashes after each event of them.
 *
 * All steps do nothing once the power has failed.
 */
#ifndef CHECK_SCRIPT_H
#define CHECK_SCRIPT_H

#include "history.h"

/** script_make_room() - the model has room for @nr requests, or is settled */
void script_make_room(struct world *w, u32 nr);
void script_write(struct world *w, u32 lba, u32 nr_blocks, bool fua);
void script_discard(struct world *w, u32 lba, u32 nr_blocks);
void script_flush(struct world *w);
void script_read_all(struct world *w);

/** script_fail() - from now on all operations of a kind fail */
void script_fail(struct world *w, enum shard_io_op op);

/**
 * script_sweep() - run a history, crash it after its n-th event, for all n
 * @fn:		the history, on a new device
 * @nr_tries:	how often each, with other choices
 *
 * After each crash the device is recovered, with crashes on the way as drawn,
 * and compared.  Return: the number of events.
 */
u32 script_sweep(struct world *w, const struct world_config *config,
		 void (*fn)(struct world *w), u32 nr_tries);

/** script_fill() - write all blocks, in requests of at most @nr_blocks */
void script_fill(struct world *w, u32 nr_blocks);

#endif /* CHECK_SCRIPT_H */
