// SPDX-License-Identifier: GPL-2.0-only
/*
 * DOC: background jobs
 *
 * A checkpoint, a compaction, and reclamation (space.c) each have a worker; all may
 * run at the same time, and none hinders requests.  A job is wanted by whoever finds
 * that it is due, and the worker goes on until none is.
 *
 * A job that fails is tried again; after SHARD_JOB_TRIES the device is read-only:
 * its log can be cut short no more, or its index grows.  One for which there was
 * no memory is tried for as long as that is so, at growing intervals: writes wait
 * for it in the end, as they do for one that takes long.
 *
 * A merge is due when sizes say so (compaction.c), and, of all runs at once, when
 * a checkpoint finds no room.  A checkpoint waits for a merge, never the other
 * way round.
 */
#include "device.h"

/* Between two tries when memory is short: at first, and in the end. */
#define PAUSE_MS_MIN		10u
#define PAUSE_MS_MAX		1000u

/* ---- jobs ---- */

void shard_job_want(struct shard_job *job, bool asked)
{
	if (asked)
		WRITE_ONCE(job->asked, true);
	if (job->wanted)
		return;
	WRITE_ONCE(job->wanted, true);
	queue_work(job->wq, &job->work);
}

bool shard_job_busy(const struct shard_job *job)
{
	return job->wanted || job->running;
}

u64 shard_job_next(const struct shard_job *job)
{
	return job->nr_ended + 1 + job->running;
}

bool shard_job_begin(struct shard_device *device, struct shard_job *job,
		     bool *asked)
{
	unsigned long flags;
	bool run;

	spin_lock_irqsave(&device->lock, flags);
	run = job->wanted;
	*asked = job->asked;
	WRITE_ONCE(job->wanted, false);
	WRITE_ONCE(job->asked, false);
	job->running = run;
	spin_unlock_irqrestore(&device->lock, flags);
	return run;
}

void shard_job_end(struct shard_job *job, int err)
{
	job->running = false;
	job->error = err;
	job->nr_ended++;
}

void shard_job_tell(struct shard_device *device)
{
	lockdep_assert_held(&device->lock);
	shard_write_retry(device);
	wake_up_all(&device->job_ended);
}

/* Whoever closes the device waits for a pause to end, but for no other. */
static bool memory_again(struct shard_device *device, struct shard_tries *tries)
{
	if (READ_ONCE(device->closing))
		return false;
	shard_sometimes(true, "a job waits for memory");
	tries->pause_ms = clamp(2 * tries->pause_ms, PAUSE_MS_MIN, PAUSE_MS_MAX);
	msleep(tries->pause_ms);
	return true;
}

bool shard_job_again(struct shard_device *device, struct shard_tries *tries,
		     const char *what, int err)
{
	/* once is enough to say of what may take long */
	if (err != -ENOMEM || !tries->pause_ms)
		pr_err("%s: %s failed: %d\n", device->backend->name, what, err);
	if (err == -ENOMEM)
		return memory_again(device, tries);
	if (++tries->nr < SHARD_JOB_TRIES)
		return true;
	shard_device_set_state(device, SHARD_STATE_READ_ONLY);
	return false;
}

bool shard_job_over(struct shard_device *device, struct shard_job *job,
		    u64 until)
{
	unsigned long flags;
	bool over;

	spin_lock_irqsave(&device->lock, flags);
	/* a device that is being closed wants nothing any more */
	over = job->nr_ended >= until || !shard_job_busy(job) ||
	       device->state > SHARD_STATE_FULL;
	spin_unlock_irqrestore(&device->lock, flags);
	return over;
}

int shard_job_wait(struct shard_device *device, struct shard_job *job,
		   u64 until)
{
	unsigned long flags;
	int err;

	wait_event_idle(device->job_ended, shard_job_over(device, job, until));
	spin_lock_irqsave(&device->lock, flags);
	err = job->error;
	if (device->state > SHARD_STATE_FULL)
		err = device->state == SHARD_STATE_FAILED ? -EIO : -EROFS;
	spin_unlock_irqrestore(&device->lock, flags);
	return err;
}

/* ---- compaction ---- */

void shard_device_want_compaction(struct shard_device *device, bool all)
{
	lockdep_assert_held(&device->lock);
	shard_job_want(&device->compaction, all);
}

/* Which runs to merge. */
static void compact_begin(struct shard_device *device, bool all,
			  struct shard_runs *runs)
{
	if (all)
		shard_compaction_all(device->index, runs);
	else
		shard_compaction_due(&device->store, device->index,
				     device->options.compact_runs,
				     device->options.compact_oldest, runs);
}

static int compact_once(struct shard_device *device, bool all)
{
	struct shard_tries tries = {};
	struct shard_runs runs;
	int err;

	do {
		if (shard_device_state(device) > SHARD_STATE_FULL)
			return -EROFS;
		shard_sometimes(tries.nr, "a merge is tried again");
		/* O12: these it is, whatever checkpoints add meanwhile */
		compact_begin(device, all, &runs);
		if (!runs.nr || (!all && READ_ONCE(device->closing)))
			return 0;
		err = shard_compaction_write(&device->store, device->index,
					     &runs);
	} while (err && shard_job_again(device, &tries, "merging runs", err));
	return err;
}

static void compact_end(struct shard_device *device, int err)
{
	unsigned long flags;

	spin_lock_irqsave(&device->lock, flags);
	shard_job_end(&device->compaction, err);
	shard_job_tell(device);
	spin_unlock_irqrestore(&device->lock, flags);
	shard_watermark_look(device);
}

/* Guides come behind a merge that somebody waits for. */
static bool guide_stop(void *ctx)
{
	struct shard_device *device = ctx;

	return READ_ONCE(device->closing) || READ_ONCE(device->compaction.asked);
}

void shard_compact_work(struct work_struct *work)
{
	struct shard_device *device = container_of(work, struct shard_device,
						   compaction.work);
	unsigned int noio = memalloc_noio_save();
	bool all, more;

	do {
		shard_compaction_guide(&device->store, device->index,
				       guide_stop, device);
		more = shard_job_begin(device, &device->compaction, &all);
		if (more)
			compact_end(device, compact_once(device, all));
	} while (more);
	memalloc_noio_restore(noio);
}

/* Has a merge of everything made, and waits for it. */
static int compact_wait(struct shard_device *device)
{
	unsigned long flags;
	u64 until;

	spin_lock_irqsave(&device->lock, flags);
	until = shard_job_next(&device->compaction);
	shard_device_want_compaction(device, true);
	spin_unlock_irqrestore(&device->lock, flags);
	return shard_job_wait(device, &device->compaction, until);
}

int shard_device_compact(struct shard_device *device)
{
	return device->options.read_only ? -EROFS : compact_wait(device);
}

/* ---- checkpoints ---- */

/*
 * O12: what is moved to one of the last extents is moved as a whole.  That waits
 * for no checkpoint, and the next victim does for this one.
 */
static void freeze_wait(struct shard_device *device)
{
	unsigned long flags;

	spin_lock_irqsave(&device->lock, flags);
	device->freezing = true;
	shard_sometimes(device->held_entries,
			"a checkpoint waits until a victim is evacuated");
	spin_unlock_irqrestore(&device->lock, flags);
	wait_event_idle(device->job_ended, !READ_ONCE(device->held_entries));
}

static int checkpoint_freeze(struct shard_device *device)
{
	struct shard_place tail;
	unsigned long flags;
	int err;

	if (shard_index_is_frozen(device->index))
		return 0;
	err = shard_index_prepare(device->index);
	if (err)
		return err;
	freeze_wait(device);
	spin_lock_irqsave(&device->lock, flags);
	/* that may be why it was given up */
	if (device->state > SHARD_STATE_FULL) {
		device->freezing = false;
		spin_unlock_irqrestore(&device->lock, flags);
		return -EROFS;
	}
	/* an extent that is full is as good as sealed, and can be given up */
	shard_extents_tail(device->store.ex, SHARDBLK_STREAM_HOST, &tail);
	if (tail.extent && !device->building &&
	    !shard_extents_room(device->store.ex, SHARDBLK_STREAM_HOST))
		shard_extents_seal(device->store.ex, tail.extent);
	shard_write_log_start(device, &device->frozen_from);
	shard_index_freeze(device->index);
	device->freezing = false;
	device->log_blocks = 0;
	device->log_frames = 0;
	/* what is not applied yet comes into the other memtable */
	device->frozen_blocks = device->fresh_blocks;
	device->fresh_blocks = device->reserved_csums;
	device->changed_blocks = 0;
	/* the new memtable has room */
	shard_write_retry(device);
	spin_unlock_irqrestore(&device->lock, flags);
	return 0;
}

/* Waits for the merge that is under way, if one is. */
static void compact_under_way(struct shard_device *device)
{
	unsigned long flags;
	u64 until;

	spin_lock_irqsave(&device->lock, flags);
	until = device->compaction.nr_ended + device->compaction.running;
	spin_unlock_irqrestore(&device->lock, flags);
	shard_job_wait(device, &device->compaction, until);
}

/*
 * O12: waits for merges if they must make room: for the one that is under way, which
 * may be a long one, and, if that was not enough, for one of all runs.  They need
 * nothing of a checkpoint, so this ends.
 */
static int checkpoint_fit(struct shard_device *device)
{
	int err;

	if (shard_checkpoint_fits(&device->store, device->index))
		return 0;
	shard_sometimes(true, "a checkpoint waits for a merge of runs");
	compact_under_way(device);
	err = shard_checkpoint_fits(&device->store, device->index) ? 0 :
								     compact_wait(device);
	if (err)
		return err;
	return shard_checkpoint_fits(&device->store, device->index) ? 0 :
								      -ENOSPC;
}

static int checkpoint_once(struct shard_device *device)
{
	const struct shard_trace_ops *trace = device->options.trace;
	struct shard_tries tries = {};
	int err;

	do {
		if (shard_device_state(device) > SHARD_STATE_FULL)
			return -EROFS;
		shard_sometimes(tries.nr, "a checkpoint is tried again");
		err = checkpoint_freeze(device);
		if (!err)
			err = checkpoint_fit(device);
		if (!err)
			err = shard_checkpoint_write(&device->store,
						     device->index,
						     &device->frozen_from);
		if (trace)
			trace->checkpoint(device->options.ctx,
					  device->frozen_from.seq,
					  shard_super_number(device->store.super),
					  err);
	} while (err && shard_job_again(device, &tries, "checkpoint", err));
	return err;
}

static int checkpoint_run(struct shard_device *device)
{
	/* recovery, or a failure, may have left a frozen memtable behind */
	bool left = shard_index_is_frozen(device->index);
	int err = checkpoint_once(device);

	shard_sometimes(left && !err,
			"a checkpoint starts with what was frozen before");
	return left && !err ? checkpoint_once(device) : err;
}

static void checkpoint_end(struct shard_device *device, int err)
{
	unsigned long flags;

	spin_lock_irqsave(&device->lock, flags);
	shard_job_end(&device->checkpoint, err);
	if (!err) {
		device->checkpoint_seq = device->frozen_from.seq;
		device->frozen_blocks = 0;
		shard_device_note_durable(device, device->checkpoint_seq);
		if (shard_device_reclaim_due(device))
			shard_device_want_reclaim(device);
		shard_device_want_compaction(device, false);
		/* full: what was discarded meanwhile comes back by another */
		if (device->state == SHARD_STATE_FULL &&
		    device->applied_seq > device->checkpoint_seq)
			shard_device_want_checkpoint(device);
	}
	shard_job_tell(device);
	spin_unlock_irqrestore(&device->lock, flags);
	shard_watermark_look(device);
}

void shard_checkpoint_work(struct work_struct *work)
{
	struct shard_device *device = container_of(work, struct shard_device,
						   checkpoint.work);
	unsigned int noio = memalloc_noio_save();
	bool asked;

	while (shard_job_begin(device, &device->checkpoint, &asked))
		checkpoint_end(device, checkpoint_run(device));
	memalloc_noio_restore(noio);
}

int shard_device_checkpoint(struct shard_device *device)
{
	unsigned long flags;
	u64 until;

	if (device->options.read_only)
		return -EROFS;
	spin_lock_irqsave(&device->lock, flags);
	until = shard_job_next(&device->checkpoint);
	shard_device_want_checkpoint(device);
	spin_unlock_irqrestore(&device->lock, flags);
	return shard_job_wait(device, &device->checkpoint, until);
}
