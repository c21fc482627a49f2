// SPDX-License-Identifier: GPL-2.0-only
/*
 * From the engine's events to tracepoints.
 */
#include "block.h"

#define CREATE_TRACE_POINTS
#include "trace.h"

static int trace_id(const void *ctx)
{
	return ((const struct shardblk *)ctx)->id;
}

static void trace_frame_issued(void *ctx, u64 seq, u32 nr_entries,
			       u32 nr_blocks, u64 offset)
{
	trace_shardblk_frame_issued(trace_id(ctx), seq, nr_entries, nr_blocks,
				    offset);
}

static void trace_frame_retired(void *ctx, u64 seq, int error)
{
	trace_shardblk_frame_retired(trace_id(ctx), seq, error);
}

static void trace_flush(void *ctx, int error, u64 ns)
{
	trace_shardblk_flush(trace_id(ctx), error, ns);
}

static void trace_checkpoint(void *ctx, u64 seq, u64 record, int error)
{
	trace_shardblk_checkpoint(trace_id(ctx), seq, record, error);
}

static void trace_progress(void *ctx, u64 nr, u64 nr_max)
{
	struct shardblk *sb = ctx;

	WRITE_ONCE(sb->recovery_blocks, nr);
	/* Pairs with the acquire in shardblk_show_adding(): the name is there. */
	smp_store_release(&sb->recovery_blocks_max, nr_max);
}

static void trace_recovery(void *ctx, u64 first_seq, u64 last_seq, u32 frames,
			   int error)
{
	trace_shardblk_recovery(trace_id(ctx), first_seq, last_seq, frames,
				error);
}

static void trace_event(void *ctx, const struct shard_event *event)
{
	struct shardblk *sb = ctx;

	trace_shardblk_event(sb->id, event);
	/* Pairs with the release in graph_start(). */
	shard_ring_add(smp_load_acquire(&sb->ring), event);
}

void shardblk_trace_record(struct shardblk *sb, bool on)
{
	WRITE_ONCE(sb->trace_ops.event, on ? trace_event : NULL);
}

bool shardblk_trace_records(const struct shardblk *sb)
{
	return READ_ONCE(sb->trace_ops.event);
}

const struct shard_trace_ops shardblk_trace_ops = {
	.frame_issued	= trace_frame_issued,
	.frame_retired	= trace_frame_retired,
	.flush		= trace_flush,
	.checkpoint	= trace_checkpoint,
	.progress	= trace_progress,
	.recovery	= trace_recovery,
};
