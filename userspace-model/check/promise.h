/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a device guarantees that can be written, held against what it takes.
 */
#ifndef CHECK_PROMISE_H
#define CHECK_PROMISE_H

#include "world.h"

/** promise_spend() - a request is about to be submitted: is there room for it */
void promise_spend(struct world *w, struct world_slot *slot);

#endif /* CHECK_PROMISE_H */
