// SPDX-License-Identifier: GPL-2.0-only
/*
 * In place of what kmod/block has beside its table, queue and scrub: trace.c,
 * sysfs.c and debugfs.c.
 *
 * An event that comes when its device is gone ends the run.
 */
#include "block.h"
#include "../../kmod/block/block.h"

static void check_there(void *ctx)
{
	const struct shardblk *sb = ctx;

	if (sb->id < 0 || sb->id >= SHARDBLK_DEVICES_MAX)
		kapi_fail("an event of a device that is gone");
}

static void frame_issued(void *ctx, u64 seq, u32 nr_entries, u32 nr_blocks,
			 u64 offset)
{
	check_there(ctx);
}

static void frame_retired(void *ctx, u64 seq, int error)
{
	check_there(ctx);
}

static void flush(void *ctx, int error, u64 ns)
{
	check_there(ctx);
}

static void checkpoint(void *ctx, u64 seq, u64 record, int error)
{
	check_there(ctx);
}

static void progress(void *ctx, u64 nr, u64 nr_max)
{
	struct shardblk *sb = ctx;

	WRITE_ONCE(sb->recovery_blocks, nr);
	/* Pairs with the acquire in shardblk_show_adding(). */
	smp_store_release(&sb->recovery_blocks_max, nr_max);
}

static void recovery(void *ctx, u64 first_seq, u64 last_seq, u32 frames,
		     int error)
{
	check_there(ctx);
}

const struct shard_trace_ops shardblk_trace_ops = {
	.frame_issued	= frame_issued,
	.frame_retired	= frame_retired,
	.flush		= flush,
	.checkpoint	= checkpoint,
	.progress	= progress,
	.recovery	= recovery,
};

const struct attribute_group *shardblk_groups[1];

void shardblk_debugfs_add(struct shardblk *sb)
{
}

void shardblk_debugfs_remove(struct shardblk *sb)
{
}
