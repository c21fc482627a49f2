// SPDX-License-Identifier: GPL-2.0-only
/*
 * DOC: what is issued at once
 *
 * Reads, resets, and what a start flushes and finishes wait for nothing: whoever asks
 * for them has seen to what comes before.
 */
#include "queue.h"

#include "stats.h"

void shard_writeback_read(struct shard_writeback *wb, struct shard_io *io)
{
	io->op = SHARD_IO_READ;
	io->fua = false;
	io->error = 0;
	atomic64_inc(&wb->stats->backing_reads);
	atomic64_add(DIV_ROUND_UP(io->len, wb->block_size),
		     &wb->stats->backing_read_blocks);
	wb->backend->ops->submit(wb->backend, io);
}

struct io_sleeper {
	struct shard_io io;
	struct shard_seg seg;
	struct completion done;
};

static void io_sleeper_wake(struct shard_io *io)
{
	complete(&container_of(io, struct io_sleeper, io)->done);
}

int shard_writeback_read_wait(struct shard_writeback *wb, u64 offset,
			      void *addr, u32 len)
{
	struct io_sleeper s = {
		.io = {
			.offset = offset,
			.len = len,
			.done = io_sleeper_wake,
		},
		.seg = { .addr = addr, .len = len },
	};

	s.io.segs = &s.seg;
	init_completion(&s.done);
	shard_writeback_read(wb, &s.io);
	wait_for_completion(&s.done);
	return s.io.error;
}

int shard_writeback_flush_wait(struct shard_writeback *wb)
{
	struct io_sleeper s = {
		.io = { .op = SHARD_IO_FLUSH, .done = io_sleeper_wake },
	};
	unsigned long flags;

	if (!wb->backend->volatile_cache)
		return 0;
	atomic64_inc(&wb->stats->backing_flushes);
	init_completion(&s.done);
	spin_lock_irqsave(&wb->lock, flags);
	shard_graph_flush(&wb->graph, wb->tickets);
	spin_unlock_irqrestore(&wb->lock, flags);
	wb->backend->ops->submit(wb->backend, &s.io);
	wait_for_completion(&s.done);
	spin_lock_irqsave(&wb->lock, flags);
	shard_graph_flushed(&wb->graph, wb->durable, s.io.error);
	spin_unlock_irqrestore(&wb->lock, flags);
	return s.io.error;
}

struct shard_resets {
	struct shard_graph *graph;
	atomic_t nr;			/* under way, and one for who waits */
	struct completion done;
};

static void resets_put(struct shard_resets *of)
{
	if (atomic_dec_and_test(&of->nr))
		complete(&of->done);
}

static void reset_done(struct shard_io *io)
{
	struct shard_resets *of = container_of(io, struct shard_reset, io)->of;

	shard_graph_reset(of->graph, io, true);
	resets_put(of);
}

/* The extent begins anew: nothing in it has failed. */
static void reset_forget(struct shard_writeback *wb, u64 offset)
{
	struct shard_write_queue *q;
	unsigned long flags;

	spin_lock_irqsave(&wb->lock, flags);
	for (q = wb->queues; q < wb->queues + SHARD_QUEUES; q++)
		if (shard_same_extent(wb, q->failed, offset))
			q->error = 0;
	spin_unlock_irqrestore(&wb->lock, flags);
}

/* The stream whose zone this is, if any; that must be finished first. */
static struct shard_lane *queue_lane(struct shard_write_queue *q, u64 zone)
{
	struct shard_lane *lane;

	lockdep_assert_held(&q->wb->lock);
	for (lane = q->lanes; lane < q->lanes + SHARD_LANES; lane++)
		if (lane->active && lane->zone == zone)
			return lane;
	return NULL;
}

/*
 * Return: false while it is being finished, or its queue is busy; else @which has
 * begun to finish it, or is NULL.
 */
static bool zone_let_go(struct shard_writeback *wb, u64 zone,
			struct shard_write_queue **which)
{
	struct shard_write_queue *q;
	struct shard_lane *lane;
	unsigned long flags;
	bool ok = true;

	*which = NULL;
	spin_lock_irqsave(&wb->lock, flags);
	for (q = wb->queues; q < wb->queues + SHARD_QUEUES && ok; q++) {
		lane = queue_lane(q, zone);
		if (lane && !q->nr_inflight) {
			shard_zone_finish(q, lane);
			*which = q;
			break;
		}
		ok = !lane && !(q->finishing && q->finish_io.offset == zone);
	}
	spin_unlock_irqrestore(&wb->lock, flags);
	return ok;
}

/*
 * P6: what a stream has left, or will leave, is finished before it is reset: it would
 * be active until that is done, when the stream's next zone may be, too.
 */
static void reset_prepare(struct shard_writeback *wb, u64 offset)
{
	struct shard_write_queue *q;

	reset_forget(wb, offset);
	if (!wb->backend->active_max)
		return;
	do {
		wait_event(wb->idle, zone_let_go(wb, offset, &q));
		if (q)
			wb->backend->ops->submit(wb->backend, &q->finish_io);
	} while (q);
}

int shard_writeback_reset_wait(struct shard_writeback *wb,
			       struct shard_reset *resets, u32 nr)
{
	struct shard_resets all = {
		.graph = &wb->graph,
		.nr = ATOMIC_INIT(nr + 1),
	};
	int err = 0;
	u32 i;

	init_completion(&all.done);
	for (i = 0; i < nr; i++) {
		resets[i].of = &all;
		resets[i].io.op = SHARD_IO_RESET;
		resets[i].io.error = 0;
		resets[i].io.done = reset_done;
		atomic64_inc(&wb->stats->backing_resets);
		reset_prepare(wb, resets[i].io.offset);
		shard_graph_reset(&wb->graph, &resets[i].io, false);
		wb->backend->ops->submit(wb->backend, &resets[i].io);
	}
	resets_put(&all);
	wait_for_completion(&all.done);
	for (i = 0; i < nr && !err; i++)
		err = resets[i].io.error;
	return err;
}

static int zone_finish_wait(struct shard_writeback *wb, u64 zone)
{
	struct io_sleeper s = {
		.io = {
			.op = SHARD_IO_FINISH,
			.offset = zone,
			.len = wb->backend->zone_size,
			.done = io_sleeper_wake,
		},
	};
	u32 tries;

	for (tries = 0; tries < 2; tries++) {
		s.io.error = 0;
		init_completion(&s.done);
		wb->backend->ops->submit(wb->backend, &s.io);
		wait_for_completion(&s.done);
		if (!s.io.error)
			break;
	}
	return s.io.error;
}

int shard_writeback_finish_wait(struct shard_writeback *wb, u32 but)
{
	struct shard_backend *backend = wb->backend;
	u64 zone, wp;
	int err;
	u32 nr;

	if (!backend->active_max)
		return 0;
	for (nr = 0, zone = 0; zone + backend->zone_size <= backend->capacity;
	     nr++, zone += backend->zone_size) {
		if (nr < SHARDBLK_SUPER_EXTENTS && (but & BIT(nr)))
			continue;
		err = backend->ops->report(backend, zone, &wp);
		if (err)
			return err;
		if (!wp || wp >= backend->zone_size)
			continue;
		shard_sometimes(true, "a start finishes a zone");
		err = zone_finish_wait(wb, zone);
		if (err)
			pr_err("%s: the zone at %llu cannot be finished: %d\n",
			       backend->name, zone, err);
		cond_resched();
	}
	return 0;
}
