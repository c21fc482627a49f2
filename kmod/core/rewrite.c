// SPDX-License-Identifier: GPL-2.0-only
/*
 * DOC: writing again
 *
 * A frame whose backing write failed is written again, unchanged, in another
 * extent, and so are all frames behind it, whatever became of them: a start
 * that misses a number looks no further (O2).  One step after the other:
 *
 *   hold	no frame is issued; those in flight complete, and those in front
 *		of the failed one are applied
 *   cut	the extents that the frames lie in end in front of them
 *   end	what was applied is flushed, and a record says where these ends
 *		are; with it a manifest says which extents are bad
 *   place	the frames take places in fresh extents, in order
 *
 * So no start meets a number twice.  Before that record is durable nothing has
 * been written again; afterwards nobody looks behind the ends that it fixes,
 * whether what failed has landed there or not.
 *
 * All but the first step is done by the worker that admits requests: it is told
 * whenever an extent has become ready, or will not.
 */
#include "device.h"

#include "root.h"

/* All that is in flight has completed, and what could be applied was. */
static bool rewrite_due(struct shard_device *device)
{
	struct shard_host_frame *f;

	lockdep_assert_held(&device->lock);
	list_for_each_entry(f, &device->issued, node)
		if (!f->written)
			return false;
	/* it is on the list, behind what is to be applied yet */
	f = list_first_entry(&device->issued, struct shard_host_frame, node);
	return f->error;
}

/* Makes the frames, in order, such that were never issued, and placed nowhere. */
static void frames_cut(struct shard_device *device)
{
	struct shard_host_frame *f;
	u64 seq = device->applied_seq;

	lockdep_assert_held(&device->lock);
	/* what is behind it in its extent would be out of reach of a start */
	list_splice_init(&device->issued, &device->sealed);
	list_for_each_entry(f, &device->sealed, node) {
		shard_sometimes(f->written && !f->error,
				"a frame behind a failed one is written again");
		shard_rarely(!f->written,
			     "a frame behind a failed one was not issued");
		if (f->error)
			shard_extent_bad(device->store.ex,
					 f->frame->place.extent);
		f->state = SHARD_HOST_SEALED;
		f->written = false;
		f->error = 0;
		f->placed = false;
		/* O2 */
		shard_extents_cut(device->store.ex, &f->frame->place, seq);
	}
	device->rewrite = SHARD_REWRITE_CUT;
}

/* Says how it goes on; with the lock held. */
static enum shard_rewrite rewrite_begin(struct shard_device *device)
{
	struct shard_host_frame *f;
	struct shard_place *place;

	lockdep_assert_held(&device->lock);
	if (device->rewrite != SHARD_REWRITE_HOLD || device->write_stop ||
	    !rewrite_due(device))
		return device->rewrite;
	f = list_first_entry(&device->issued, struct shard_host_frame, node);
	place = &f->frame->place;
	f->tries++;
	pr_err("%s: extent %u block %u: write failed: %d; try %u of %u\n",
	       device->backend->name, place->extent, place->block, f->error,
	       f->tries, SHARD_FRAME_TRIES);
	shard_sometimes(f->tries == 3, "a frame is tried a third time");
	frames_cut(device);
	return device->rewrite;
}

/*
 * A manifest that says which extents are bad, and its record.  If that fails, too, the
 * next try writes one in another extent.  Memory is not waited for, as it may be what
 * is held that would free some (O12).
 */
static int tell_bad(struct shard_device *device)
{
	unsigned int noreclaim = memalloc_noreclaim_save();
	int err = shard_root_relist(&device->store, device->index);

	memalloc_noreclaim_restore(noreclaim);
	shard_sometimes(err, "no manifest says yet that an extent is bad");
	return err;
}

/* The record that gives the old extents their ends. */
static int rewrite_end(struct shard_device *device)
{
	struct shard_publish pub = {};
	struct shard_dep dep;
	unsigned long flags;
	u64 seq;
	int err;

	spin_lock_irqsave(&device->lock, flags);
	seq = device->applied_seq;
	spin_unlock_irqrestore(&device->lock, flags);
	shard_dep_init(&dep, device->store.wb);
	shard_dep_and_written(&dep);
	err = shard_dep_wait(&dep);
	if (err)
		return err;
	spin_lock_irqsave(&device->lock, flags);
	/* an end is fixed only if all in front of it is known to be durable */
	shard_device_note_durable(device, seq);
	spin_unlock_irqrestore(&device->lock, flags);
	if (!tell_bad(device))
		return 0;
	return shard_super_publish(device->store.super, &pub);
}

/* Has the first one been tried often enough?  With the lock held. */
static bool rewrite_is_over(struct shard_device *device)
{
	struct shard_host_frame *f;

	lockdep_assert_held(&device->lock);
	f = list_first_entry(&device->sealed, struct shard_host_frame, node);
	if (f->tries < SHARD_FRAME_TRIES) {
		atomic64_inc(&device->stats.write_retries);
		return false;
	}
	pr_err("%s: given up, and all writes behind it\n", device->backend->name);
	shard_sometimes(true, "a frame is given up");
	return true;
}

/* Has the open extent room for so much, or else the next one? */
static bool rewrite_room(struct shard_device *device, u32 blocks)
{
	struct shard_extents *ex = device->store.ex;

	lockdep_assert_held(&device->lock);
	if (shard_extents_room(ex, SHARDBLK_STREAM_HOST) >= blocks ||
	    shard_extents_next(ex, SHARDBLK_STREAM_HOST))
		return true;
	shard_sometimes(true, "no extent is ready for what is written again");
	shard_super_assign(device->store.super);
	if (shard_device_space_comes(device))
		return false;
	pr_err("%s: no space to write it elsewhere\n", device->backend->name);
	shard_sometimes(true, "there is no space to write a frame again");
	device->write_stop = -ENOSPC;
	return false;
}

/* Gives all frames places again.  Return: false if there is none for one. */
static bool frames_place(struct shard_device *device)
{
	struct shard_host_frame *f;
	struct shard_extents *ex = device->store.ex;

	lockdep_assert_held(&device->lock);
	list_for_each_entry(f, &device->sealed, node) {
		struct shard_frame *frame = f->frame;

		if (f->placed)
			continue;
		if (!rewrite_room(device, frame->header.nr_blocks + 1))
			return false;
		f->placed = shard_frame_place(&device->store, frame,
					      frame->header.seq);
	}
	f = device->building;
	if (!f)
		return true;
	/* it was opened in an extent that has ended since */
	if (!rewrite_room(device, f->frame->header.nr_blocks + 1))
		return false;
	f->room = min(f->room,
		      shard_extents_room(ex, SHARDBLK_STREAM_HOST) - 1);
	return true;
}

void shard_rewrite(struct shard_device *device)
{
	enum shard_rewrite step;
	unsigned long flags;
	bool done = false;

	spin_lock_irqsave(&device->lock, flags);
	step = rewrite_begin(device);
	spin_unlock_irqrestore(&device->lock, flags);
	if (step == SHARD_REWRITE_NONE)
		return;
	/* O2: nothing is written again before a start would know */
	if (step == SHARD_REWRITE_CUT && rewrite_end(device))
		shard_device_set_state(device, SHARD_STATE_READ_ONLY);

	spin_lock_irqsave(&device->lock, flags);
	if (step == SHARD_REWRITE_CUT) {
		device->rewrite = SHARD_REWRITE_PLACE;
		if (!device->write_stop && rewrite_is_over(device))
			device->write_stop = -EIO;
	}
	if (!device->write_stop && device->rewrite == SHARD_REWRITE_PLACE)
		done = frames_place(device);
	if (done || device->write_stop) {
		device->rewrite = SHARD_REWRITE_NONE;
		done = true;
	}
	spin_unlock_irqrestore(&device->lock, flags);
	if (done)
		shard_write_settle(device);
}
