// SPDX-License-Identifier: GPL-2.0-only
/*
 * DOC: space
 *
 * The worker of reclamation, and when it is wanted: when the host stream has
 * fewer than reclaim_low extents left, until it has reclaim_high, counting those
 * that only wait for a checkpoint.  The marks are as small as they are because
 * what is kept free is not there for data, and makes victims fuller.  They are as
 * large as they are so that the host has some to write to while others wait.
 *
 * Reclamation comes behind checkpoints and merges in the order of space (O12):
 * it waits for both, they never for it.
 *
 * When the host stream has no extent left and can have none, all is tried that
 * could give some back, one thing after the other: what is in flight, a
 * checkpoint, which counts what is dead, and reclamation.  If nothing has helped,
 * and no frame was applied meanwhile, the device is full.
 */
#include "device.h"

/* Passes that had no extent to move to, with a checkpoint after each. */
#define RECLAIM_STUCK		2u
/* Times that a victim looks for room in a memtable for all of it. */
#define RECLAIM_HOLD_TRIES	3u
/* Host extents left when it begins, at most; one in so many of the spare. */
#define SHARD_RECLAIM_LOW	8u
#define SHARD_RECLAIM_SHARE	5u
/* Of these, one in so many wait for a checkpoint when one is made. */
#define SHARD_RECLAIM_LEAVING	4u

bool shard_device_reclaim_due(struct shard_device *device)
{
	struct shard_extents *ex = device->store.ex;

	lockdep_assert_held(&device->lock);
	return shard_extents_host_left(ex) + shard_extents_leaving(ex) <
	       device->reclaim_low &&
	       device->barren_until <= device->checkpoint_seq &&
	       device->reclaim_after <= device->checkpoint.nr_ended;
}

void shard_device_want_reclaim(struct shard_device *device)
{
	lockdep_assert_held(&device->lock);
	/* O8: not before all that a start has to do is done */
	if (!device->closing && device->serving)
		shard_job_want(&device->reclamation, false);
}

/*
 * What has died since the last checkpoint is not known.  If that may be as much
 * as there is left, one comes first: it may find whole extents free, and victims
 * are chosen by what they have.  While it is made the host has what is left.  When
 * it ends what is still due begins.
 */
void shard_device_want_room(struct shard_device *device)
{
	struct shard_extents *ex = device->store.ex;
	u32 left = shard_extents_host_left(ex) + shard_extents_leaving(ex);
	u32 least = max(device->reclaim_low / 2, 1u);

	lockdep_assert_held(&device->lock);
	if (device->changed_blocks >=
	    (u64)device->store.extent_blocks * max(left, least))
		shard_device_want_checkpoint(device);
	else if (shard_device_reclaim_due(device))
		shard_device_want_reclaim(device);
}

/* ---- what moving needs of the device ---- */

static bool reclaim_stop(void *ctx)
{
	struct shard_device *device = ctx;

	return device->reclaim_idling && !device->held_entries &&
	       shard_idle_over(device);
}

static u64 reclaim_now(void *ctx)
{
	struct shard_device *device = ctx;
	unsigned long flags;
	u64 seq;

	spin_lock_irqsave(&device->lock, flags);
	seq = device->applied_seq;
	spin_unlock_irqrestore(&device->lock, flags);
	return seq;
}

static bool reclaim_ends(struct shard_device *device)
{
	return READ_ONCE(device->closing) ||
	       shard_device_state(device) > SHARD_STATE_FULL;
}

static void held_end(struct shard_device *device)
{
	lockdep_assert_held(&device->lock);
	device->reserved_entries -= device->held_entries;
	device->reserved_csums -= device->held_csums;
	WRITE_ONCE(device->held_entries, 0);
	device->held_csums = 0;
	shard_job_tell(device);
}

static void reclaim_release(void *ctx)
{
	struct shard_device *device = ctx;
	unsigned long flags;

	spin_lock_irqsave(&device->lock, flags);
	held_end(device);
	spin_unlock_irqrestore(&device->lock, flags);
}

/* Sets aside what the swings of so many blocks need; not while one is to freeze. */
static bool hold_try(struct shard_device *device, u32 live, u64 *until)
{
	u32 entries = SHARD_MEMTABLE_PER_REQUEST * live;
	unsigned long flags;
	bool held;

	spin_lock_irqsave(&device->lock, flags);
	held = !device->freezing &&
	       shard_index_fits(device->index,
				device->reserved_entries + entries,
				device->reserved_csums + live);
	if (held) {
		WRITE_ONCE(device->held_entries, entries);
		device->held_csums = live;
		device->reserved_entries += entries;
		device->reserved_csums += live;
	} else {
		*until = device->checkpoint.nr_ended + 1;
		shard_device_want_checkpoint(device);
	}
	spin_unlock_irqrestore(&device->lock, flags);
	return held;
}

/*
 * O12: the host has no extents left, so the one that was opened is of those kept
 * for moving.  A memtable that is too small for a victim cannot hold it.
 */
static bool reclaim_hold(void *ctx, u32 live)
{
	struct shard_device *device = ctx;
	u32 tries = 0;
	u64 until;

	if (shard_extents_host_left(device->store.ex) > 1 ||
	    device->options.memtable_entries < SHARD_MEMTABLE_PER_REQUEST * live)
		return false;
	while (!hold_try(device, live, &until)) {
		if (++tries == RECLAIM_HOLD_TRIES)
			return false;
		wait_event_idle(device->job_ended,
				shard_job_over(device, &device->checkpoint, until) ||
				reclaim_ends(device));
	}
	return true;
}

/*
 * O9: with the lock held no frame is applied, and none is frozen.  What requests
 * have set aside in the memtable stays theirs.
 */
static int reclaim_swing(void *ctx, u64 covered, const struct shard_range *to,
			 const u64 *from, struct shard_block_map *map)
{
	struct shard_device *device = ctx;
	unsigned long flags;
	u64 until = 0;
	int ret;

	for (;;) {
		/* O12: what is held is moved to its end, as long as that can be */
		if (reclaim_ends(device) &&
		    (!device->held_entries ||
		     shard_device_state(device) > SHARD_STATE_FULL))
			return -EROFS;
		spin_lock_irqsave(&device->lock, flags);
		ret = shard_index_swing(device->index, covered, to, from,
					device->reserved_entries -
					device->held_entries,
					device->reserved_csums -
					device->held_csums, map);
		if (!ret) {
			/* it is not of the victim for which that is held */
			held_end(device);
			until = device->checkpoint.nr_ended + 1;
			shard_device_want_checkpoint(device);
		}
		spin_unlock_irqrestore(&device->lock, flags);
		if (ret)
			return ret;
		shard_sometimes(true, "moved data waits for a memtable");
		wait_event_idle(device->job_ended,
				shard_job_over(device, &device->checkpoint, until) ||
				reclaim_ends(device));
	}
}

/* A checkpoint frees what was evacuated: in time, not only when all is taken. */
static void reclaim_gained(void *ctx, u64 dead)
{
	struct shard_device *device = ctx;
	struct shard_extents *ex = device->store.ex;
	unsigned long flags;

	spin_lock_irqsave(&device->lock, flags);
	shard_pace_earn(device, dead);
	if (!device->checkpoint.running &&
	    shard_extents_leaving(ex) >
	    device->reclaim_low / SHARD_RECLAIM_LEAVING &&
	    shard_extents_host_left(ex) <= device->reclaim_low / 2)
		shard_device_want_checkpoint(device);
	spin_unlock_irqrestore(&device->lock, flags);
}

static const struct shard_reclaim_ops reclaim_ops = {
	.swing = reclaim_swing,
	.gained = reclaim_gained,
	.stop = reclaim_stop,
	.now = reclaim_now,
	.hold = reclaim_hold,
	.release = reclaim_release,
};

int shard_reclaim_init(struct shard_device *device)
{
	const struct shard_layout *l = &device->layout;
	u32 singles = shard_extent_singles(l->block_size, l->extent_blocks);
	u64 data = div_u64(l->logical_blocks + singles - 1, singles);
	u32 spare = l->host_extents - l->head_extents;

	if (device->options.read_only)
		return 0;
	spare -= min_t(u64, spare, data);
	device->reclaim_low = clamp(spare / SHARD_RECLAIM_SHARE, 1u,
				    SHARD_RECLAIM_LOW);
	device->reclaim_high = device->reclaim_low + 1;
	device->reclaim_live_max = singles - 1;
	shard_idle_init(device, spare);
	device->reclaim = shard_reclaim_create(&device->store, device->index,
					       &reclaim_ops,
					       device->backend->name, device);
	return device->reclaim ? 0 : -ENOMEM;
}

/* ---- the worker ---- */

/* Extents that are to be evacuated now. */
static u32 reclaim_wants(struct shard_device *device, bool one)
{
	struct shard_extents *ex = device->store.ex;
	u32 left = shard_extents_host_left(ex) + shard_extents_leaving(ex);

	if (reclaim_ends(device))
		return 0;
	if (one)
		return 1;
	return device->reclaim_high - min(left, device->reclaim_high);
}

static int reclaim_pass(struct shard_device *device, bool one)
{
	u32 payload = device->reclaim_live_max + 1;
	struct shard_extents *ex = device->store.ex;
	u32 nr, done = 0, opened = 0, before;
	int ret = 0;

	while ((nr = reclaim_wants(device, one)) > 0) {
		bool fill = !shard_extents_host_left(ex);

		/* what does not add up to an extent would be moved for nothing */
		if (fill && shard_extents_dead(ex, payload) < payload)
			break;
		before = done;
		ret = shard_reclaim_run(device->reclaim, nr,
					device->reclaim_live_max,
					one ? SHARD_RECLAIM_ASKED :
					SHARD_RECLAIM_SHORT, fill, &done,
					&opened);
		if (ret || done == before)
			break;
		if (one)
			return 0;
	}
	if (ret != -ENOSPC || done)
		device->reclaim_stuck = 0;
	else
		device->reclaim_stuck++;
	/*
	 * Victims have run out, and what was moved takes the space they had; or
	 * mishaps have used up the extents for it, and checkpoints gave none.
	 */
	device->reclaim_barren = (!ret && nr && done <= opened) ||
				 device->reclaim_stuck > RECLAIM_STUCK;
	return ret;
}

/* What has no room before a checkpoint goes on after it. */
static int reclaim_once(struct shard_device *device, bool one)
{
	struct shard_tries tries = {};
	unsigned long flags;
	int err;

	device->reclaim_barren = false;
	spin_lock_irqsave(&device->lock, flags);
	device->reclaim_seq = device->checkpoint_seq;
	spin_unlock_irqrestore(&device->lock, flags);
	do {
		err = reclaim_pass(device, one);
	} while (err && err != -ENOSPC && !reclaim_ends(device) &&
		 shard_job_again(device, &tries, "reclamation", err));
	return err;
}

/* One victim, if one is worth it; what fails is left alone. */
static void reclaim_idle(struct shard_device *device)
{
	u32 done = 0, opened = 0;
	unsigned long flags;
	int err;

	device->reclaim_idling = true;
	err = shard_reclaim_run(device->reclaim, 1, shard_idle_live_max(device),
				SHARD_RECLAIM_IDLE, false, &done, &opened);
	device->reclaim_idling = false;
	shard_sometimes(err == -ECANCELED, "a request ends an evacuation");
	if (err && err != -ECANCELED && err != -ENOSPC && !reclaim_ends(device))
		pr_err("%s: reclamation in idle time failed: %d\n",
		       device->backend->name, err);
	atomic64_add(done, &device->stats.idle_extents);
	spin_lock_irqsave(&device->lock, flags);
	device->idle_done = done;
	WRITE_ONCE(device->reclaim_idle, false);
	wake_up_all(&device->job_ended);
	spin_unlock_irqrestore(&device->lock, flags);
}

static void reclaim_end(struct shard_device *device, int err)
{
	struct shard_extents *ex = device->store.ex;
	unsigned long flags;

	spin_lock_irqsave(&device->lock, flags);
	shard_job_end(&device->reclamation, err == -ENOSPC ? 0 : err);
	/* what died since is not known before the next checkpoint */
	if (device->reclaim_barren)
		device->barren_until = device->reclaim_seq + 1;
	/* one that has no room now has no more before a checkpoint */
	if (err == -ENOSPC)
		device->reclaim_after = device->checkpoint.nr_ended + 1;
	/* only a checkpoint gives up what was evacuated */
	if (!device->reclaim_barren &&
	    (err == -ENOSPC || (shard_extents_leaving(ex) &&
				shard_extents_host_left(ex) <=
				device->reclaim_low / 2)))
		shard_device_want_checkpoint(device);
	shard_job_tell(device);
	spin_unlock_irqrestore(&device->lock, flags);
}

void shard_reclaim_work(struct work_struct *work)
{
	struct shard_device *device = container_of(work, struct shard_device,
						   reclamation.work);
	unsigned int noio = memalloc_noio_save();
	bool one;

	while (shard_job_begin(device, &device->reclamation, &one))
		reclaim_end(device, reclaim_once(device, one));
	if (READ_ONCE(device->reclaim_idle))
		reclaim_idle(device);
	memalloc_noio_restore(noio);
}

/* ---- no space ---- */

bool shard_device_space_comes(struct shard_device *device)
{
	struct shard_extents *ex = device->store.ex;

	lockdep_assert_held(&device->lock);
	if (shard_job_busy(&device->checkpoint) ||
	    shard_job_busy(&device->compaction) ||
	    shard_job_busy(&device->reclamation))
		return true;
	if (!shard_extents_starved(ex, SHARDBLK_STREAM_HOST)) {
		if (shard_super_room(device->store.super) <=
		    device->layout.record_slack)
			shard_device_want_checkpoint(device);
		else
			shard_super_assign(device->store.super);
		return true;
	}
	if (shard_write_pending(device))
		return true;
	if (device->applied_seq > device->checkpoint_seq ||
	    shard_extents_leaving(ex)) {
		shard_device_want_checkpoint(device);
		return true;
	}
	if (device->barren_until > device->checkpoint_seq)
		return false;
	shard_device_want_reclaim(device);
	return true;
}

enum shard_space shard_device_space(struct shard_device *device,
				    const struct shard_request *r)
{
	if (shard_device_space_comes(device))
		return SPACE_COMES;
	shard_sometimes(r->op == SHARD_WRITE, "a write finds the device full");
	if (r->op == SHARD_WRITE)
		return SPACE_FULL;
	if (device->for_discard)
		return SPACE_NONE;
	shard_sometimes(true, "a discard takes the extent kept for discards");
	device->for_discard = true;
	shard_extents_for_discard(device->store.ex);
	shard_super_assign(device->store.super);
	return SPACE_FULL;
}

int shard_device_reclaim(struct shard_device *device)
{
	unsigned long flags;
	u64 until;
	int err;

	if (device->options.read_only)
		return -EROFS;
	spin_lock_irqsave(&device->lock, flags);
	until = shard_job_next(&device->reclamation);
	shard_job_want(&device->reclamation, true);
	spin_unlock_irqrestore(&device->lock, flags);
	err = shard_job_wait(device, &device->reclamation, until);
	return err ? err : shard_device_checkpoint(device);
}
