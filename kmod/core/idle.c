// SPDX-License-Identifier: GPL-2.0-only
/*
 * DOC: idle time
 *
 * Under load reclamation begins when few extents are left, and then writes are
 * slowed by it (pace.c).  So it works ahead while nobody wants anything: when no
 * request has come for a while, victims are evacuated, one after the other, until
 * more extents are left, or none is worth it any more; and a checkpoint makes them
 * free.  What comes then is written at full speed.
 *
 * Worth it is an extent that would hardly be cheaper later, by two bounds:
 *
 *  - It scores at least half of what victims do when space is short (reclaim.c).
 *    What is hot, and will soon be dead by itself, does not.
 *  - It has at least 2s dead blocks for each that is live, where s is the spare space
 *    as a share of what is live.  That is what victims have where all is overwritten
 *    alike, and the only bound as long as space was never short.
 *
 * And never are fewer than one in eight blocks dead, so that whatever is moved takes
 * less space, with its headers, than it did before: so this ends.
 *
 * A checkpoint tells what has died.  One is made for that only when few extents are
 * left and much was written since the last one.
 *
 * The clock is a work item that is delayed.  Whoever writes a frame arms it, unless
 * it is armed.  No request touches it: they are counted anyway, and the work looks
 * whether more have come since the last time.  When nothing is worth doing it is
 * not armed again, so a device that nobody uses wakes nobody up.
 *
 * Nobody waits for this work, but who closes the device.  It has victims evacuated
 * by the worker of reclamation, one at a time, which drops its victim at the next
 * frame when a request comes, or when the system is about to sleep.  Each step is a
 * run of its own of the work item, whose queue is freezable: before the system sleeps
 * a step ends, and none begins before it is awake.
 */
#include "device.h"

/* Idle: no request for so long. */
#define IDLE_MS			1000u
/* Host extents left that are enough: one in so many of the spare. */
#define IDLE_SHARE		4u
/* A victim has at least one dead block in so many. */
#define IDLE_DEAD		8u
/*
 * What has died unknown is learned when so much may have: as many extents as are
 * one in so many of those that are enough.
 */
#define IDLE_UNKNOWN		4u

static u64 idle_requests(const struct shard_device *device)
{
	const struct shard_stats *s = &device->stats;

	return atomic64_read(&s->reads) + atomic64_read(&s->writes) +
	       atomic64_read(&s->discards) + atomic64_read(&s->flushes);
}

bool shard_idle_over(struct shard_device *device)
{
	return READ_ONCE(device->closing) || READ_ONCE(device->idle_held) ||
	       READ_ONCE(device->reclamation.wanted) ||
	       shard_device_state(device) > SHARD_STATE_FULL ||
	       idle_requests(device) != READ_ONCE(device->idle_seen);
}

u32 shard_idle_live_max(struct shard_device *device)
{
	const struct shard_layout *l = &device->layout;
	u32 payload = shard_extent_singles(l->block_size, l->extent_blocks);
	u64 live = shard_extents_live(device->store.ex), room, most;

	room = (u64)(l->host_extents - l->head_extents) * payload;
	/* of 1 + 2s blocks one is live */
	most = live ? div64_u64(payload * live,
				live + 2 * (room - min(room, live))) : 0;
	return min_t(u64, most, payload - DIV_ROUND_UP(payload, IDLE_DEAD));
}

static void idle_queue(struct shard_device *device, unsigned long delay)
{
	lockdep_assert_held(&device->lock);
	if (!device->closing && device->serving && device->idle_ms &&
	    !device->idle_held &&
	    device->state <= SHARD_STATE_FULL)
		queue_delayed_work(device->idle_wq, &device->idle_work, delay);
}

void shard_idle_arm(struct shard_device *device)
{
	lockdep_assert_held(&device->lock);
	if (!delayed_work_pending(&device->idle_work))
		idle_queue(device, msecs_to_jiffies(device->idle_ms));
}

/* ---- one step, which returns whether another may be worth it ---- */

/* Nothing is known of what has died since the last checkpoint. */
static bool idle_unknown(struct shard_device *device)
{
	u64 least = (u64)max(device->idle_high / IDLE_UNKNOWN, 1u) *
		    device->store.extent_blocks;
	unsigned long flags;
	bool much;

	spin_lock_irqsave(&device->lock, flags);
	much = device->changed_blocks >= least;
	spin_unlock_irqrestore(&device->lock, flags);
	return much;
}

static bool idle_checkpoint(struct shard_device *device)
{
	struct shard_extents *ex = device->store.ex;
	u32 leaving = shard_extents_leaving(ex);
	bool unknown = idle_unknown(device);

	if (shard_device_checkpoint(device))
		return false;
	shard_sometimes(leaving, "idle time makes evacuated extents free");
	shard_sometimes(unknown, "idle time learns what has died");
	return unknown || shard_extents_leaving(ex) < leaving;
}

static bool idle_evacuate(struct shard_device *device)
{
	unsigned long flags;
	bool done;

	spin_lock_irqsave(&device->lock, flags);
	device->idle_done = false;
	if (!device->closing) {
		WRITE_ONCE(device->reclaim_idle, true);
		queue_work(device->reclamation.wq, &device->reclamation.work);
	}
	spin_unlock_irqrestore(&device->lock, flags);
	wait_event_idle(device->job_ended, !READ_ONCE(device->reclaim_idle));
	spin_lock_irqsave(&device->lock, flags);
	done = device->idle_done;
	spin_unlock_irqrestore(&device->lock, flags);
	return done;
}

static bool idle_step(struct shard_device *device)
{
	struct shard_extents *ex = device->store.ex;
	u32 left = shard_extents_host_left(ex) + shard_extents_leaving(ex);

	if (left < device->idle_high) {
		if (idle_unknown(device))
			return idle_checkpoint(device);
		if (idle_evacuate(device))
			return true;
	}
	return !shard_idle_over(device) && shard_extents_leaving(ex) &&
	       idle_checkpoint(device);
}

/* ---- the work ---- */

/* Has nobody asked for anything since the last look, and waits for nothing? */
static bool idle_begin(struct shard_device *device)
{
	u64 requests = idle_requests(device);
	unsigned long flags;
	bool idle;

	spin_lock_irqsave(&device->lock, flags);
	idle = requests == device->idle_seen && !device->building &&
	       !device->nr_inflight && list_empty(&device->waiting);
	WRITE_ONCE(device->idle_seen, requests);
	if (!idle)
		shard_idle_arm(device);
	idle = idle && device->idle_ms && !device->idle_held &&
	       device->state <= SHARD_STATE_FULL;
	spin_unlock_irqrestore(&device->lock, flags);
	return idle;
}

void shard_idle_work(struct work_struct *work)
{
	struct shard_device *device = container_of(to_delayed_work(work),
						   struct shard_device,
						   idle_work);
	unsigned long flags;
	bool more, over;

	if (!idle_begin(device))
		return;
	more = idle_step(device);
	over = idle_requests(device) != device->idle_seen;
	shard_sometimes(over, "a request ends idle time");
	shard_sometimes(!over && !more, "nothing is worth doing in idle time");
	spin_lock_irqsave(&device->lock, flags);
	if (over)
		shard_idle_arm(device);
	else if (more)
		idle_queue(device, 0);
	spin_unlock_irqrestore(&device->lock, flags);
}

/* ---- set-up ---- */

void shard_idle_init(struct shard_device *device, u32 spare)
{
	device->idle_high = max(spare / IDLE_SHARE, device->reclaim_high + 1);
	shard_device_set_idle(device, device->options.idle_ms ?: IDLE_MS);
}

void shard_device_set_idle(struct shard_device *device, u32 ms)
{
	unsigned long flags;

	spin_lock_irqsave(&device->lock, flags);
	device->idle_ms = ms == SHARD_IDLE_NEVER ? 0 : ms;
	shard_idle_arm(device);
	spin_unlock_irqrestore(&device->lock, flags);
}

void shard_device_hold_idle(struct shard_device *device, bool hold)
{
	unsigned long flags;

	spin_lock_irqsave(&device->lock, flags);
	WRITE_ONCE(device->idle_held, hold);
	shard_idle_arm(device);
	spin_unlock_irqrestore(&device->lock, flags);
}
