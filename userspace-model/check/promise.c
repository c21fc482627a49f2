// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a device guarantees that can be written can be.
 *
 * Whatever is written, where, and over crashes too: a guarantee is taken up before
 * the device is asked anew.  Those that are not thin never fail a write for lack of
 * space, so only the others are asked.
 */
#include "promise.h"

/* What was submitted before the device was asked may not be counted yet. */
static u64 blocks_under_way(struct world *w, const struct world_slot *but)
{
	const struct world_slot *slot;
	u64 nr = 0;

	for (slot = w->slots; slot < w->slots + WORLD_SLOTS; slot++)
		if (slot->busy && slot != but && slot->op == SHARD_WRITE)
			nr += slot->nr_blocks;
	return nr;
}

void promise_spend(struct world *w, struct world_slot *slot)
{
	struct shard_info info;

	slot->promised = false;
	if (!w->config.format.thin || slot->op != SHARD_WRITE)
		return;
	if (w->sick)
		w->promise = 0;
	if (w->spent >= w->promise && !w->sick) {
		shard_device_info(w->device, &info);
		w->promise = info.free_guaranteed;
		w->spent = blocks_under_way(w, slot);
	}
	w->spent += slot->nr_blocks;
	slot->promised = w->spent <= w->promise;
	shard_sometimes(slot->promised, "a thin device has promised room");
}
