// SPDX-License-Identifier: GPL-2.0-only
/*
 * Scrubs: when the engine is to read and verify a little more.
 *
 * One at a time for each device, begun and ended by writing to the file "scrub"
 * in sysfs.  Each step is a work item of its own, and the next one is delayed for
 * as long as the rate says that its blocks take.
 */
#include "block.h"

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
	u64 kib;
	int nr;

	mutex_lock(&sb->scrub_lock);
	if (!sb->scrub)
		goto out;
	nr = shard_scrub_step(sb->scrub);
	if (nr <= 0) {
		scrub_end(sb, nr ? "failed" : "done");
		goto out;
	}
	kib = (u64)nr * queue_logical_block_size(sb->disk->queue) / SZ_1K;
	queue_delayed_work(system_long_wq, &sb->scrub_work,
			   div_u64(kib * HZ, READ_ONCE(sb->scrub_rate)));
out:
	mutex_unlock(&sb->scrub_lock);
}

void shardblk_scrub_init(struct shardblk *sb)
{
	mutex_init(&sb->scrub_lock);
	INIT_DELAYED_WORK(&sb->scrub_work, scrub_work);
	sb->scrub_rate = SHARDBLK_SCRUB_RATE;
}

int shardblk_scrub_start(struct shardblk *sb)
{
	int error = 0;

	mutex_lock(&sb->scrub_lock);
	if (sb->scrub_gone)
		error = -ENODEV;
	else if (sb->scrub)
		error = -EBUSY;
	else
		sb->scrub = shard_scrub_create(sb->device);
	if (!error && !sb->scrub)
		error = -ENOMEM;
	if (!error)
		queue_delayed_work(system_long_wq, &sb->scrub_work, 0);
	mutex_unlock(&sb->scrub_lock);
	return error;
}

void shardblk_scrub_stop(struct shardblk *sb, bool gone)
{
	mutex_lock(&sb->scrub_lock);
	sb->scrub_gone |= gone;
	if (sb->scrub)
		scrub_end(sb, "stopped");
	mutex_unlock(&sb->scrub_lock);
	/* It finds nothing to do; nor is there anyone to queue it once gone. */
	cancel_delayed_work_sync(&sb->scrub_work);
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
