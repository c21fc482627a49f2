// SPDX-License-Identifier: GPL-2.0-only
/*
 * DOC: writeback
 *
 * The rows above say what to append and after what; this row says when.
 *
 * Each queue holds appends in the order in which they were given and issues
 * them in that order, at most so many at a time.  Its head may have to wait
 * for a dependency; then the queue hangs itself on it and goes on when it
 * settles.  Appends that lie behind one another on the device and wait in the
 * same queue go out as one backing write.
 *
 * Tickets: an append that completes takes the next one.  A flush that is begun
 * when ticket t was the last makes t durable, and all before it.  An append
 * that the device made durable by itself (FUA) takes none.
 *
 * Without a volatile cache a ticket is durable as soon as it is given.
 *
 * Callbacks run without the lock held.  The back end may complete an operation
 * inside its submit, so issuing is a loop with a guard, never a recursion.
 */
#include "queue.h"

#include "stats.h"

static void queue_issue(struct shard_write_queue *q);

/* Completions tell their owners; the last one told may be about to destroy. */
static void callback_enter(struct shard_writeback *wb)
{
	lockdep_assert_held(&wb->lock);
	wb->nr_callbacks++;
}

static void callback_exit(struct shard_writeback *wb)
{
	unsigned long flags;

	spin_lock_irqsave(&wb->lock, flags);
	if (!--wb->nr_callbacks)
		wake_up_all(&wb->idle);
	spin_unlock_irqrestore(&wb->lock, flags);
}

/* ---- dependencies ---- */

void shard_dep_init(struct shard_dep *dep, struct shard_writeback *wb)
{
	memset(dep, 0, sizeof(*dep));
	dep->writeback = wb;
	INIT_LIST_HEAD(&dep->waiters);
	INIT_LIST_HEAD(&dep->node);
}

void shard_dep_and_written(struct shard_dep *dep)
{
	struct shard_writeback *wb = dep->writeback;
	unsigned long flags;

	spin_lock_irqsave(&wb->lock, flags);
	WARN_ON_ONCE(dep->queued);
	dep->ticket = max(dep->ticket, wb->tickets);
	spin_unlock_irqrestore(&wb->lock, flags);
}

static int dep_status(const struct shard_dep *dep)
{
	const struct shard_writeback *wb = dep->writeback;

	lockdep_assert_held(&wb->lock);
	/* not even failed before no append names it any more */
	if (dep->nr_pending)
		return -EINPROGRESS;
	if (dep->error)
		return dep->error;
	if (dep->ticket <= wb->durable)
		return 0;
	return wb->flush_error ? wb->flush_error : -EINPROGRESS;
}

int shard_dep_poll(struct shard_dep *dep)
{
	struct shard_writeback *wb = dep->writeback;
	unsigned long flags;
	int status;

	spin_lock_irqsave(&wb->lock, flags);
	status = dep_status(dep);
	spin_unlock_irqrestore(&wb->lock, flags);
	return status;
}

static void waiters_tell(struct list_head *waiters, int error)
{
	struct shard_dep_waiter *waiter, *next;

	list_for_each_entry_safe(waiter, next, waiters, node) {
		list_del_init(&waiter->node);
		waiter->fn(waiter, error);
	}
}

/* Returns true if a flush must be submitted by the caller, without the lock. */
static bool flush_begin(struct shard_writeback *wb)
{
	struct shard_dep *dep;
	bool meta = true;

	lockdep_assert_held(&wb->lock);
	if (wb->flushing || list_empty(&wb->waiting))
		return false;
	shard_sometimes(!list_is_singular(&wb->waiting),
			"one backing flush serves several");
	list_for_each_entry(dep, &wb->waiting, node)
		meta = meta && dep->meta;
	atomic64_add(meta, &wb->stats->meta_flushes);
	wb->flushing = true;
	wb->flush_covers = wb->tickets;
	wb->flush_begun_ns = ktime_get_ns();
	shard_graph_flush(&wb->graph, wb->flush_covers);
	return true;
}

static void flush_submit(struct shard_writeback *wb)
{
	atomic64_inc(&wb->stats->backing_flushes);
	wb->backend->ops->submit(wb->backend, &wb->flush_io);
}

static void flush_done(struct shard_io *io)
{
	struct shard_writeback *wb =
		container_of(io, struct shard_writeback, flush_io);
	const struct shard_tracer *trace = &wb->graph.tracer;
	struct shard_dep *dep, *next;
	LIST_HEAD(durable);
	LIST_HEAD(failed);
	unsigned long flags;
	u64 ns = ktime_get_ns() - wb->flush_begun_ns;
	int error = io->error;
	bool again;

	spin_lock_irqsave(&wb->lock, flags);
	callback_enter(wb);
	shard_sometimes(error, "a backing flush fails");
	wb->flushing = false;
	if (error && !wb->flush_error)
		wb->flush_error = error;
	/* O3: a flush after a failed one proves nothing */
	if (!wb->flush_error)
		wb->durable = max(wb->durable, wb->flush_covers);
	error = wb->flush_error;
	shard_graph_flushed(&wb->graph, wb->durable, error);
	list_for_each_entry_safe(dep, next, &wb->waiting, node) {
		int status = dep_status(dep);

		if (status == -EINPROGRESS)
			continue;
		list_del_init(&dep->node);
		dep->queued = false;
		list_splice_tail_init(&dep->waiters,
				      status ? &failed : &durable);
	}
	again = flush_begin(wb);
	spin_unlock_irqrestore(&wb->lock, flags);

	if (trace->ops)
		trace->ops->flush(trace->ctx, error, ns);
	waiters_tell(&durable, 0);
	waiters_tell(&failed, error);
	if (again)
		flush_submit(wb);
	callback_exit(wb);
}

/* Has a settled dependency's waiters told, or sees that a flush settles it. */
static bool dep_advance(struct shard_dep *dep, struct list_head *tell,
			int *status)
{
	struct shard_writeback *wb = dep->writeback;

	lockdep_assert_held(&wb->lock);
	*status = dep_status(dep);
	if (*status != -EINPROGRESS) {
		list_splice_tail_init(&dep->waiters, tell);
		return false;
	}
	if (dep->nr_pending || list_empty(&dep->waiters) || dep->queued)
		return false;
	shard_sometimes(wb->flushing,
			"a flush joins the one after that in flight");
	dep->queued = true;
	list_add_tail(&dep->node, &wb->waiting);
	return flush_begin(wb);
}

void shard_dep_notify(struct shard_dep *dep, struct shard_dep_waiter *waiter)
{
	struct shard_writeback *wb = dep->writeback;
	LIST_HEAD(tell);
	unsigned long flags;
	int status;
	bool flush;

	spin_lock_irqsave(&wb->lock, flags);
	list_add_tail(&waiter->node, &dep->waiters);
	flush = dep_advance(dep, &tell, &status);
	spin_unlock_irqrestore(&wb->lock, flags);

	waiters_tell(&tell, status);
	if (flush)
		flush_submit(wb);
}

struct dep_sleeper {
	struct shard_dep_waiter waiter;
	struct completion done;
	int error;
};

static void dep_sleeper_wake(struct shard_dep_waiter *waiter, int error)
{
	struct dep_sleeper *s = container_of(waiter, struct dep_sleeper, waiter);

	s->error = error;
	complete(&s->done);
}

int shard_dep_wait(struct shard_dep *dep)
{
	struct dep_sleeper s = { .waiter.fn = dep_sleeper_wake };

	init_completion(&s.done);
	shard_dep_notify(dep, &s.waiter);
	wait_for_completion(&s.done);
	return s.error;
}

static void dep_append_done(struct shard_dep *dep, u64 ticket, int error)
{
	struct shard_writeback *wb = dep->writeback;
	LIST_HEAD(tell);
	unsigned long flags;
	int status = 0;
	bool flush;

	spin_lock_irqsave(&wb->lock, flags);
	dep->nr_pending--;
	dep->ticket = max(dep->ticket, ticket);
	if (error && !dep->error)
		dep->error = error;
	flush = false;
	if (!dep->nr_pending)
		flush = dep_advance(dep, &tell, &status);
	spin_unlock_irqrestore(&wb->lock, flags);

	waiters_tell(&tell, status);
	if (flush)
		flush_submit(wb);
}

/* ---- appends ---- */

static void append_finish(struct shard_append *append)
{
	struct shard_dep *dep = append->dep;
	u64 ticket = append->ticket;
	int error = append->error;

	append->done(append);
	if (dep)
		dep_append_done(dep, ticket, error);
}

static void append_ticket(struct shard_writeback *wb,
			  struct shard_append *append, bool fua)
{
	lockdep_assert_held(&wb->lock);
	/* O3: after a failed flush nothing is durable by itself, either */
	if (fua && !wb->flush_error) {
		append->ticket = 0;
		return;
	}
	append->ticket = ++wb->tickets;
	if (!wb->backend->volatile_cache && !wb->flush_error)
		wb->durable = wb->tickets;
}

/* Does it go behind what failed at @offset, in the same extent? */
static bool append_behind(const struct shard_writeback *wb,
			  const struct shard_append *append, u64 offset)
{
	return append->offset > offset &&
	       shard_same_extent(wb, append->offset, offset);
}

static void append_fail(struct shard_writeback *wb, struct shard_append *append,
			int error)
{
	lockdep_assert_held(&wb->lock);
	append->error = error;
	append->ticket = 0;
	shard_graph_written(&wb->graph, append, 0);
}

/*
 * O1: what waits to go behind a failed append fails with it.  Its owner may be
 * about to give the next one, which nobody has told of it.
 */
static void queue_fail_behind(struct shard_write_queue *q,
			      const struct shard_io *io,
			      struct list_head *failed)
{
	struct shard_append *append, *next;

	list_for_each_entry_safe(append, next, &q->appends, node) {
		if (!append_behind(q->wb, append, io->offset))
			continue;
		shard_sometimes(true,
				"an append fails with the one in front of it");
		append_fail(q->wb, append, io->error);
		list_move_tail(&append->node, failed);
	}
	if (shard_same_extent(q->wb, q->newest, io->offset)) {
		q->failed = io->offset;
		q->error = io->error;
	}
}

static void batch_done(struct shard_io *io)
{
	struct shard_batch *batch = container_of(io, struct shard_batch, io);
	struct shard_write_queue *q = batch->queue;
	struct shard_writeback *wb = batch->wb;
	struct shard_append *append, *next;
	LIST_HEAD(appends);
	unsigned long flags;

	spin_lock_irqsave(&wb->lock, flags);
	callback_enter(wb);
	list_splice_init(&batch->appends, &appends);
	list_for_each_entry(append, &appends, node) {
		append->error = io->error;
		append->ticket = 0;
		if (!append->error)
			append_ticket(wb, append, io->fua);
		shard_graph_written(&wb->graph, append, wb->durable);
	}
	if (io->error)
		queue_fail_behind(q, io, &appends);
	list_add(&batch->node, &q->free);
	q->nr_inflight--;
	spin_unlock_irqrestore(&wb->lock, flags);

	list_for_each_entry_safe(append, next, &appends, node) {
		list_del_init(&append->node);
		append_finish(append);
	}
	queue_issue(q);
	callback_exit(wb);
}

static void queue_unblock(struct shard_dep_waiter *waiter, int error)
{
	struct shard_write_queue *q =
		container_of(waiter, struct shard_write_queue, waiter);
	unsigned long flags;

	/* the head looks at its dependency itself, error or not */
	spin_lock_irqsave(&q->wb->lock, flags);
	q->blocked = false;
	spin_unlock_irqrestore(&q->wb->lock, flags);
	queue_issue(q);
}

/* May the head be joined by the append behind it in one backing write? */
static bool batch_takes(const struct shard_batch *batch,
			const struct shard_append *append)
{
	u64 size = batch->wb->extent_size;

	return batch->nr_segs < SHARD_MERGE_MAX && !append->after &&
	       append->fua == batch->io.fua &&
	       append->offset == batch->io.offset + batch->io.len &&
	       (!size || append->offset & (size - 1));	/* O1, P4 */
}

static void batch_add(struct shard_batch *batch, struct shard_append *append)
{
	list_move_tail(&append->node, &batch->appends);
	batch->segs[batch->nr_segs++] = append->seg;
	batch->io.len += append->seg.len;
	shard_graph_issued(&batch->wb->graph, append,
			   list_first_entry(&batch->appends,
					    struct shard_append, node));
}

/* Most are never used: each is set up when it first is. */
static struct shard_batch *batch_get(struct shard_write_queue *q)
{
	struct shard_batch *batch;

	lockdep_assert_held(&q->wb->lock);
	batch = list_first_entry_or_null(&q->free, struct shard_batch, node);
	if (batch) {
		list_del_init(&batch->node);
		return batch;
	}
	batch = q->fresh++;
	batch->io = (struct shard_io){
		.op = SHARD_IO_APPEND,
		.segs = batch->segs,
		.done = batch_done,
	};
	batch->wb = q->wb;
	batch->queue = q;
	INIT_LIST_HEAD(&batch->appends);
	INIT_LIST_HEAD(&batch->node);
	return batch;
}

static struct shard_batch *batch_fill(struct shard_write_queue *q)
{
	struct shard_batch *batch = batch_get(q);
	struct shard_append *append;

	lockdep_assert_held(&q->wb->lock);
	append = list_first_entry(&q->appends, struct shard_append, node);
	batch->nr_segs = 0;
	batch->io.len = 0;
	batch->io.offset = append->offset;
	batch->io.fua = append->fua && q->wb->backend->fua &&
			q->wb->backend->volatile_cache;
	append->fua = batch->io.fua;
	batch_add(batch, append);
	while (!list_empty(&q->appends)) {
		append = list_first_entry(&q->appends, struct shard_append,
					  node);
		if (!batch_takes(batch, append))
			break;
		batch_add(batch, append);
	}
	shard_sometimes(batch->nr_segs > 1,
			"appends go out as one backing write");
	q->nr_inflight++;
	return batch;
}

static void batch_submit(struct shard_batch *batch)
{
	struct shard_writeback *wb = batch->wb;
	struct shard_stats *stats = wb->stats;
	u32 blocks = batch->io.len / wb->block_size;

	atomic64_inc(&stats->backing_writes);
	atomic64_add(blocks, &stats->backing_write_blocks);
	switch (batch->queue->which) {
	case SHARD_QUEUE_HOST:
		atomic64_inc(&stats->host_frames);
		atomic64_add(blocks, &stats->host_blocks);
		break;
	case SHARD_QUEUE_RELOC:
		atomic64_inc(&stats->reloc_frames);
		atomic64_add(blocks, &stats->reloc_blocks);
		break;
	case SHARD_QUEUE_INDEX:
	case SHARD_QUEUE_MERGE:
		atomic64_inc(&stats->index_writes);
		atomic64_add(blocks, &stats->index_blocks);
		break;
	case SHARD_QUEUE_SUPER:
		atomic64_inc(&stats->super_writes);
		break;
	default:
		atomic64_inc(&stats->meta_writes);
	}
	batch->io.error = 0;
	wb->backend->ops->submit(wb->backend, &batch->io);
}

/* ---- zones ---- */

static void finish_done(struct shard_io *io)
{
	struct shard_write_queue *q =
		container_of(io, struct shard_write_queue, finish_io);
	struct shard_writeback *wb = q->wb;
	unsigned long flags;

	if (io->error && !q->finish_again) {
		q->finish_again = true;
		wb->backend->ops->submit(wb->backend, io);
		return;
	}
	/* one that cannot be finished is not active, either: it has failed */
	if (io->error)
		pr_err("%s: the zone at %llu cannot be finished: %d\n",
		       wb->backend->name, io->offset, io->error);
	spin_lock_irqsave(&wb->lock, flags);
	callback_enter(wb);
	q->finishing = false;
	q->nr_inflight--;
	wake_up_all(&wb->idle);
	spin_unlock_irqrestore(&wb->lock, flags);
	queue_issue(q);
	callback_exit(wb);
}

void shard_zone_finish(struct shard_write_queue *q, struct shard_lane *lane)
{
	lockdep_assert_held(&q->wb->lock);
	shard_sometimes(true, "a zone is finished");
	q->finish_io.offset = lane->zone;
	q->finish_io.len = q->wb->backend->zone_size;
	q->finish_io.error = 0;
	q->finish_again = false;
	q->finishing = true;
	q->nr_inflight++;
	lane->active = false;
}

/*
 * P6: no more zones are active than streams, as each leaves one that is finished.
 * Returns whether the caller must submit that, without the lock, first: then
 * nothing of this queue is in flight.
 */
static bool zone_leave(struct shard_write_queue *q,
		       const struct shard_append *append)
{
	struct shard_lane *lane = &q->lanes[append->lane];
	u64 zone;

	lockdep_assert_held(&q->wb->lock);
	if (!q->wb->backend->active_max)
		return false;
	zone = shard_zone(q->wb, append->offset);
	if (lane->active && lane->zone != zone) {
		shard_zone_finish(q, lane);
		return true;
	}
	lane->zone = zone;
	lane->active = true;
	return false;
}

/* Issues what may be issued; whoever is already at it does so for all. */
static void queue_issue(struct shard_write_queue *q)
{
	struct shard_writeback *wb = q->wb;
	unsigned long flags;

	spin_lock_irqsave(&wb->lock, flags);
	if (q->issuing)
		goto out;
	q->issuing = true;
	while (!list_empty(&q->appends) && q->nr_inflight < q->depth &&
	       !q->blocked) {
		struct shard_append *head = list_first_entry(&q->appends,
						struct shard_append, node);
		struct shard_batch *batch;
		int status = head->after ? dep_status(head->after) : 0;

		if (status == -EINPROGRESS) {
			struct shard_dep *after = head->after;

			q->blocked = true;
			spin_unlock_irqrestore(&wb->lock, flags);
			shard_dep_notify(after, &q->waiter);
			spin_lock_irqsave(&wb->lock, flags);
			continue;
		}
		if (status) {
			/* what it was to come after will never be durable */
			list_del_init(&head->node);
			append_fail(wb, head, status);
			spin_unlock_irqrestore(&wb->lock, flags);
			append_finish(head);
			spin_lock_irqsave(&wb->lock, flags);
			continue;
		}
		head->after = NULL;
		if (zone_leave(q, head)) {
			spin_unlock_irqrestore(&wb->lock, flags);
			wb->backend->ops->submit(wb->backend, &q->finish_io);
			spin_lock_irqsave(&wb->lock, flags);
			continue;
		}
		batch = batch_fill(q);
		spin_unlock_irqrestore(&wb->lock, flags);
		batch_submit(batch);
		spin_lock_irqsave(&wb->lock, flags);
	}
	q->issuing = false;
out:
	spin_unlock_irqrestore(&wb->lock, flags);
}

void shard_append(struct shard_writeback *wb, enum shard_queue queue,
		  struct shard_append *append)
{
	struct shard_write_queue *q = &wb->queues[queue];
	unsigned long flags;
	bool behind;

	spin_lock_irqsave(&wb->lock, flags);
	if (append->dep) {
		append->dep->nr_pending++;
		append->dep->meta = queue != SHARD_QUEUE_HOST;
	}
	shard_graph_append(&wb->graph, queue, append);
	behind = q->error && append_behind(wb, append, q->failed);
	if (behind)
		append_fail(wb, append, q->error);	/* O1 */
	else
		list_add_tail(&append->node, &q->appends);
	q->newest = append->offset;
	spin_unlock_irqrestore(&wb->lock, flags);
	if (behind)
		append_finish(append);
	else
		queue_issue(q);
}

bool shard_writeback_all_durable(struct shard_writeback *wb,
				 enum shard_queue queue)
{
	struct shard_write_queue *q = &wb->queues[queue];
	unsigned long flags;
	bool durable;

	spin_lock_irqsave(&wb->lock, flags);
	durable = wb->durable == wb->tickets && !wb->flush_error &&
		  list_empty(&q->appends) && !q->nr_inflight;
	spin_unlock_irqrestore(&wb->lock, flags);
	return durable;
}

/* ---- set-up and teardown ---- */

/* Gives a queue the next batches of the array; returns those after them. */
static struct shard_batch *queue_init(struct shard_write_queue *q,
				      struct shard_writeback *wb,
				      enum shard_queue which,
				      struct shard_batch *batch)
{
	q->wb = wb;
	q->which = which;
	q->depth = wb->backend->zone_size ? 1 : SHARD_QUEUE_DEPTH;
	q->waiter.fn = queue_unblock;
	q->finish_io.op = SHARD_IO_FINISH;
	q->finish_io.done = finish_done;
	q->fresh = batch;
	INIT_LIST_HEAD(&q->appends);
	INIT_LIST_HEAD(&q->free);
	return batch + (which == SHARD_QUEUE_HOST ? SHARD_QUEUE_DEPTH_MAX :
						    SHARD_QUEUE_DEPTH);
}

struct shard_writeback *
shard_writeback_create(struct shard_backend *backend, struct shard_stats *stats,
		       const struct shard_trace_ops *trace, void *trace_ctx)
{
	struct shard_writeback *wb = kvmalloc(sizeof(*wb), GFP_KERNEL);
	struct shard_batch *batch;
	u32 i;

	if (!wb)
		return NULL;
	memset(wb, 0, offsetof(struct shard_writeback, batches));
	batch = wb->batches;
	wb->backend = backend;
	wb->stats = stats;
	wb->graph.tracer.ops = trace;
	wb->graph.tracer.ctx = trace_ctx;
	wb->block_size = SHARDBLK_BLOCK_SIZE_MIN;
	spin_lock_init(&wb->lock);
	init_waitqueue_head(&wb->idle);
	INIT_LIST_HEAD(&wb->waiting);
	wb->flush_io.op = SHARD_IO_FLUSH;
	wb->flush_io.done = flush_done;
	for (i = 0; i < SHARD_QUEUES; i++)
		batch = queue_init(&wb->queues[i], wb, i, batch);
	return wb;
}

int shard_writeback_may(const struct shard_backend *backend, u32 reloc_streams)
{
	u32 needed = SHARD_ZONES_ACTIVE + reloc_streams;

	if (!backend->active_max || backend->active_max >= needed)
		return 0;
	pr_err("%s: %u zones may be active, and %u are needed\n", backend->name,
	       backend->active_max, needed);
	return -EOPNOTSUPP;
}

void shard_writeback_set(struct shard_writeback *wb, u32 block_size,
			 u32 host_depth, u64 extent_size)
{
	wb->extent_size = extent_size;
	wb->block_size = block_size;
	if (!wb->backend->zone_size)
		wb->queues[SHARD_QUEUE_HOST].depth = host_depth;
}

static bool writeback_idle(struct shard_writeback *wb)
{
	unsigned long flags;
	bool idle;

	spin_lock_irqsave(&wb->lock, flags);
	idle = !wb->nr_callbacks && !wb->flushing;
	spin_unlock_irqrestore(&wb->lock, flags);
	return idle;
}

void shard_writeback_quiesce(struct shard_writeback *wb)
{
	wait_event(wb->idle, writeback_idle(wb));
}

void shard_writeback_destroy(struct shard_writeback *wb)
{
	u32 i;

	if (!wb)
		return;
	shard_writeback_quiesce(wb);
	WARN_ON(wb->flushing || !list_empty(&wb->waiting));
	for (i = 0; i < SHARD_QUEUES; i++)
		WARN_ON(wb->queues[i].nr_inflight ||
			!list_empty(&wb->queues[i].appends));
	kvfree(wb);
}

struct shard_backend *shard_writeback_backend(struct shard_writeback *wb)
{
	return wb->backend;
}

const struct shard_tracer *
shard_writeback_tracer(const struct shard_writeback *wb)
{
	return &wb->graph.tracer;
}
