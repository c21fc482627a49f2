// SPDX-License-Identifier: GPL-2.0-only
/*
 * Scrubs: when the engine is to read and verify a little more.
 *
 * One at a time for each device, begun and ended by writing to the file "scrub"
 * in sysfs, and begun every so many hours if "scrub_interval" says so.  Each step is
 * a work item of its own, and the next one is delayed for as long as the rate says
 * that its blocks take.
 *
 * Timers do not reach as far as intervals may, nor do they count while the machine
 * sleeps: so the clock is looked at every hour.
 */
#include "block.h"

/* Once for each scrub: what else it finds is in the log. */
static void scrub_tell(struct shardblk *sb)
{
	if (sb->scrub_told || !sb->scrub->nr_damaged)
		return;
	sb->scrub_told = true;
	shardblk_uevent(sb, "SHARDBLK_SCRUB", "damaged");
}

static void scrub_end(struct shardblk *sb, const char *how)
{
	pr_info("shardblk%d: scrub %s, %llu damaged\n", sb->id, how,
		sb->scrub->nr_damaged);
	sb->scrub_damaged = sb->scrub->nr_damaged;
	shard_scrub_destroy(sb->scrub);
	sb->scrub = NULL;
}

static void scrub_work(struct work_struct *work)
{
	struct shardblk *sb = container_of(to_delayed_work(work),
					   struct shardblk, scrub_work);
	u64 delay, rate;
	int nr;

	mutex_lock(&sb->scrub_lock);
	if (!sb->scrub)
		goto out;
	nr = shard_scrub_step(sb->scrub);
	scrub_tell(sb);
	if (nr <= 0 && nr != -ENOMEM) {
		scrub_end(sb, nr ? "failed" : "done");
		goto out;
	}
	/* a step may be worth less than a tick: what is left of it is owed */
	rate = (u64)READ_ONCE(sb->scrub_rate) * SZ_1K;
	sb->scrub_owed += (u64)max(nr, 0) * HZ *
			  queue_logical_block_size(sb->disk->queue);
	delay = div64_u64(sb->scrub_owed, rate);
	sb->scrub_owed -= delay * rate;
	queue_delayed_work(system_long_wq, &sb->scrub_work, nr < 0 ? HZ : delay);
out:
	mutex_unlock(&sb->scrub_lock);
}

static int scrub_begin(struct shardblk *sb)
{
	int error = 0;

	lockdep_assert_held(&sb->scrub_lock);
	if (sb->scrub_gone)
		error = -ENODEV;
	else if (sb->scrub)
		error = -EBUSY;
	else
		sb->scrub = shard_scrub_create(sb->device);
	if (!error && !sb->scrub)
		error = -ENOMEM;
	if (error)
		return error;
	sb->scrub_told = false;
	sb->scrub_owed = 0;
	/* The next step of one that was stopped may still be waiting. */
	mod_delayed_work(system_long_wq, &sb->scrub_work, 0);
	return 0;
}

static void scrub_wait(struct shardblk *sb, time64_t now)
{
	u64 left = sb->scrub_due > now ? sb->scrub_due - now : 0;

	lockdep_assert_held(&sb->scrub_lock);
	mod_delayed_work(system_long_wq, &sb->scrub_due_work,
			 min_t(u64, left, SHARDBLK_HOUR) * HZ);
}

/* One that finds no memory begins an hour later, one beside another is that one. */
static void scrub_due_work(struct work_struct *work)
{
	struct shardblk *sb = container_of(to_delayed_work(work),
					   struct shardblk, scrub_due_work);
	time64_t now = ktime_get_boottime_seconds();

	mutex_lock(&sb->scrub_lock);
	if (sb->scrub_gone || !sb->scrub_interval)
		goto out;
	if (now >= sb->scrub_due)
		sb->scrub_due = now + (scrub_begin(sb) == -ENOMEM ?
				       SHARDBLK_HOUR : sb->scrub_interval);
	scrub_wait(sb, now);
out:
	mutex_unlock(&sb->scrub_lock);
}

void shardblk_scrub_init(struct shardblk *sb)
{
	mutex_init(&sb->scrub_lock);
	INIT_DELAYED_WORK(&sb->scrub_work, scrub_work);
	INIT_DELAYED_WORK(&sb->scrub_due_work, scrub_due_work);
	sb->scrub_rate = SHARDBLK_SCRUB_RATE;
}

int shardblk_scrub_start(struct shardblk *sb)
{
	int error;

	mutex_lock(&sb->scrub_lock);
	error = scrub_begin(sb);
	mutex_unlock(&sb->scrub_lock);
	return error;
}

void shardblk_scrub_every(struct shardblk *sb, u32 seconds)
{
	time64_t now = ktime_get_boottime_seconds();

	mutex_lock(&sb->scrub_lock);
	WRITE_ONCE(sb->scrub_interval, seconds);
	sb->scrub_due = now + seconds;
	if (seconds && !sb->scrub_gone)
		scrub_wait(sb, now);
	mutex_unlock(&sb->scrub_lock);
}

void shardblk_scrub_stop(struct shardblk *sb, bool gone)
{
	mutex_lock(&sb->scrub_lock);
	sb->scrub_gone |= gone;
	if (sb->scrub)
		scrub_end(sb, "stopped");
	mutex_unlock(&sb->scrub_lock);
	/*
	 * A step that was to come finds nothing to do, or the scrub that somebody
	 * has begun meanwhile, which must go on.  Once gone nobody begins one, nor
	 * queues anything.
	 */
	if (gone) {
		cancel_delayed_work_sync(&sb->scrub_due_work);
		cancel_delayed_work_sync(&sb->scrub_work);
	}
}

void shardblk_scrub_report(struct shardblk *sb,
			   struct shardblk_scrub_report *report)
{
	u64 blocks = div_u64(get_capacity(sb->disk) << SECTOR_SHIFT,
			     queue_logical_block_size(sb->disk->queue));

	mutex_lock(&sb->scrub_lock);
	report->running = sb->scrub;
	report->damaged = sb->scrub ? sb->scrub->nr_damaged : sb->scrub_damaged;
	/* Pages of the index come last, and take a hundredth. */
	report->percent = sb->scrub ? div64_u64(sb->scrub->lba * 99, blocks) : 0;
	mutex_unlock(&sb->scrub_lock);
}
