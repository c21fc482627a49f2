// SPDX-License-Identifier: GPL-2.0-only
/*
 * DOC: watermark
 *
 * How much more a device can take, and a word to its user when that becomes
 * little: one that promises more than it has room for (format --thin) is full
 * some day.
 *
 * There is room for so many blocks as the host's extents hold, without its heads
 * and what is bad.  Reclamation packs whatever is live into them, so the device is
 * full only when that much is live (space.c).
 *
 * Guaranteed is what is left of it in the worst case: each block is an entry of
 * its own, as from requests of one block, and all that was written since the runs
 * that are on disk was written to holes.  Estimated is what is left if requests
 * are large, by what the runs say.  One that is full guarantees nothing, until what
 * has died since is free: then it takes writes again.
 *
 * The estimate changes where runs do.  So it is held against the mark after each
 * checkpoint and each merge.  A device has less than the mark until it has a
 * quarter more than that; and whatever is estimated, one that is full has less.
 */
#include "device.h"

/* Per cent, of a device that is thin; others always have what they promise. */
#define WATERMARK_THIN		10u
/* The mark, and one in so many of it: there is enough again. */
#define WATERMARK_SHARE		4u

/* Blocks that there is room for, at so many in each extent. */
static u64 watermark_room(const struct shard_layout *l, u32 nr_bad,
			  u32 per_extent)
{
	u32 nr = l->host_extents - l->head_extents;

	return (u64)(nr - min(nr, nr_bad)) * per_extent;
}

/* Return: what is estimated; @total: the same of an empty device. */
static u64 watermark_estimate(const struct shard_layout *l, u32 nr_bad,
			      u64 live, u64 *total)
{
	u64 room = watermark_room(l, nr_bad,
				  shard_extent_payload(l->block_size,
						       l->extent_blocks));

	*total = room;
	return room - min3(room, live, l->logical_blocks);
}

void shard_watermark_info(struct shard_device *device, struct shard_info *info)
{
	const struct shard_layout *l = &device->layout;
	u64 room = watermark_room(l, info->bad_extents,
				  shard_extent_singles(l->block_size,
						       l->extent_blocks));
	unsigned long flags;
	u64 live, total;

	/* before what the runs have: a checkpoint that ends counts twice then */
	spin_lock_irqsave(&device->lock, flags);
	live = device->fresh_blocks + device->frozen_blocks;
	info->low_watermark = device->low_watermark;
	info->space_low = device->space_low;
	if (device->state == SHARD_STATE_FULL)
		room = 0;
	spin_unlock_irqrestore(&device->lock, flags);
	info->mapped_blocks = shard_extents_live(device->store.ex);
	live = min(live + info->mapped_blocks, l->logical_blocks);
	info->free_guaranteed = room - min(room, live);
	info->free_estimate = watermark_estimate(l, info->bad_extents,
						 info->mapped_blocks, &total);
}

void shard_watermark_look(struct shard_device *device)
{
	struct shard_extents *ex = device->store.ex;
	bool low, changed;
	unsigned long flags;
	u64 total, left;
	u32 mark;

	/* the estimate takes a walk through all extents: not if nobody asks */
	if (!READ_ONCE(device->low_watermark) && !READ_ONCE(device->space_low))
		return;
	left = watermark_estimate(&device->layout, shard_extents_nr_bad(ex),
				  shard_extents_live(ex), &total);
	spin_lock_irqsave(&device->lock, flags);
	mark = device->low_watermark;
	if (device->space_low)
		mark += DIV_ROUND_UP(mark, WATERMARK_SHARE);
	low = mark && (device->state == SHARD_STATE_FULL ||
		       left * 100 < total * mark);
	changed = low != device->space_low;
	WRITE_ONCE(device->space_low, low);
	spin_unlock_irqrestore(&device->lock, flags);
	shard_sometimes(changed && low, "space becomes less than the mark");
	shard_sometimes(changed && !low, "there is more space than the mark again");
	if (changed && device->options.space_changed)
		device->options.space_changed(device->options.ctx, low);
}

void shard_watermark_init(struct shard_device *device)
{
	device->low_watermark = device->options.low_watermark;
	if (!device->low_watermark &&
	    device->usable_blocks < device->layout.logical_blocks)
		device->low_watermark = WATERMARK_THIN;
}

void shard_device_set_watermark(struct shard_device *device, u32 percent)
{
	unsigned long flags;

	spin_lock_irqsave(&device->lock, flags);
	WRITE_ONCE(device->low_watermark, min(percent, SHARD_WATERMARK_MAX));
	spin_unlock_irqrestore(&device->lock, flags);
	shard_watermark_look(device);
}

bool shard_device_space_low(struct shard_device *device)
{
	unsigned long flags;
	bool low;

	/* the state may have changed just now: nobody hears of that first */
	spin_lock_irqsave(&device->lock, flags);
	low = device->space_low || (device->low_watermark &&
				    device->state == SHARD_STATE_FULL);
	spin_unlock_irqrestore(&device->lock, flags);
	return low;
}
