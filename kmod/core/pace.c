// SPDX-License-Identifier: GPL-2.0-only
/*
 * DOC: pacing
 *
 * A device that is overwritten without a pause must not stop when all extents are
 * taken, until reclamation has caught up.  So while that is behind, writes are
 * slowed by what it achieves: whoever moves live blocks out of a victim earns the
 * dead ones for the host, in proportion, and a frame of the host's spends what it
 * holds.  The fewer extents are left the less is earned, and at half of the mark
 * at which reclamation begins just what is gained: there the two are in balance.
 *
 * Nothing waits for this alone: frames are held back only while reclamation runs,
 * and that waits for none (O12).  No clock is asked: on any disk the host gets
 * what is left of its bandwidth.
 */
#include "device.h"

/* Where no extent is left one block in so many of what is gained is earned. */
#define PACE_SLOWEST		4u

static u32 pace_left(struct shard_device *device)
{
	return shard_extents_host_left(device->store.ex) +
	       shard_extents_leaving(device->store.ex);
}

bool shard_pace_waits(struct shard_device *device)
{
	lockdep_assert_held(&device->lock);
	return device->reclamation.running && device->pace_credit <= 0 &&
	       pace_left(device) < device->reclaim_low;
}

void shard_pace_spend(struct shard_device *device, u32 blocks)
{
	s64 debt = -(s64)device->store.extent_blocks;

	lockdep_assert_held(&device->lock);
	/* nor is what was written while there were extents enough one of the host's */
	if (device->reclamation.running)
		device->pace_credit = max(device->pace_credit - blocks, debt);
}

void shard_pace_earn(struct shard_device *device, u64 gained)
{
	u32 low = device->reclaim_low, left = min(pace_left(device), low);
	u64 earned = div_u64(gained * max(2 * left, 1u), low);

	lockdep_assert_held(&device->lock);
	earned = max(earned, div_u64(gained, PACE_SLOWEST));
	/* what was not used is no debt of reclamation's */
	device->pace_credit = min_t(s64, device->pace_credit + earned,
				    device->store.extent_blocks);
	shard_write_retry(device);
}
