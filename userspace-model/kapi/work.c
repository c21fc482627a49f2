// SPDX-License-Identifier: GPL-2.0-only
/*
 * Work queues.
 *
 * Every running item has a fiber of its own, named after the queue.  A fiber
 * is started when an item is queued and max_active permits; it takes the
 * oldest item that is not running already when it gets its turn, so that an
 * item can be cancelled until then.  An item that is queued again while it
 * runs starts after that, never beside it.
 *
 * max_active of an unbound queue holds for each NUMA node (since 6.9), of which
 * there are two here: only an ordered queue runs one item at a time.
 *
 * When memory is short, a WQ_MEM_RECLAIM queue has to get along with one
 * worker, its rescuer: the choices decide, at allocation, that it is so.
 */
#include "fiber.h"

/**
 * struct workqueue_struct - a queue
 * @name:	for messages
 * @formatted:	the name, if it had to be made
 * @lock:	stands for "a worker of this queue" in lock orders
 * @flags:	WQ_*
 * @max_active:	items that run at once
 * @nr_workers:	fibers, started or running
 * @nr_starting: of these, not yet running an item
 * @nr_pending:	entries of @pending
 * @pending:	items, oldest first
 * @running:	fibers, by their @run node
 * @seq:	number of the last queueing
 * @ended:	an item has ended
 * @draining:	destroy_workqueue() is at it: only own workers may queue
 * @node:	of all queues
 */
struct workqueue_struct {
	const char *name;
	char formatted[24];
	struct kapi_lock_class *class;
	unsigned int flags;
	u32 max_active;
	u32 nr_workers;
	u32 nr_starting;
	u32 nr_pending;
	struct list_head pending;
	u64 seq;
	wait_queue_head_t ended;
	bool draining;
	struct list_head node;
};

/* Only for messages: most are given as they are. */
static void name_format(struct workqueue_struct *wq, const char *fmt,
			va_list args)
{
	wq->name = fmt;
#ifndef KAPI_NO_CHECKS
	if (strchr(fmt, '%')) {
		vscnprintf(wq->formatted, sizeof(wq->formatted), fmt, args);
		wq->name = wq->formatted;
	}
#endif
}

struct workqueue_struct *kapi_alloc_workqueue(struct kapi_lock_class *class,
					      const char *fmt,
					      unsigned int flags,
					      int max_active, ...)
{
	struct workqueue_struct *wq;
	va_list args;

	wq = kzalloc(sizeof(*wq), GFP_KERNEL);
	if (!wq)
		return NULL;
	va_start(args, max_active);
	name_format(wq, fmt, args);
	va_end(args);
	if (max_active < 0 || max_active > 512)
		kapi_fail("workqueue %s: max_active %d", wq->name, max_active);
	wq->class = class;
	wq->flags = flags;
	wq->max_active = max_active ? max_active : WQ_DFL_ACTIVE;
	if ((flags & WQ_MEM_RECLAIM) && wq->max_active > 1 &&
	    kapi_choose(2, KAPI_CHOOSE_RESCUER))
		wq->max_active = 1;
	if ((flags & WQ_UNBOUND) && !(flags & __WQ_ORDERED) && max_active == 1)
		wq->max_active = 2;
	INIT_LIST_HEAD(&wq->pending);
	init_waitqueue_head(&wq->ended);
	list_add_tail(&wq->node, &kapi.wqs);
	return wq;
}

/* The worker that runs @work of @wq (any item of it if NULL) up to @seq. */
static struct kapi_fiber *find_running(struct workqueue_struct *wq,
				       struct work_struct *work, u64 seq)
{
	struct kapi_fiber *fiber;

	list_for_each_entry(fiber, &kapi.live, node) {
		if (fiber->wq == wq && fiber->work && fiber->work_seq <= seq &&
		    (!work || fiber->work == work))
			return fiber;
	}
	return NULL;
}

static struct work_struct *take_pending(struct workqueue_struct *wq)
{
	struct work_struct *work;

	/* the caller is a worker, too */
	bool others = wq->nr_workers - wq->nr_starting > 1;

	list_for_each_entry(work, &wq->pending, node) {
		if (!others || !find_running(wq, work, U64_MAX)) {
			list_del_init(&work->node);
			wq->nr_pending--;
			work->pending = false;
			return work;
		}
	}
	return NULL;
}

/* Work that queues work does so for whoever set it going. */
static void by_set(struct work_struct *work)
{
#ifndef KAPI_NO_CHECKS
	const struct kapi_fiber *self = kapi.cur;

	if (kapi.ctx->irq)
		work->by = (struct kapi_by){ .name = kapi.ctx->name };
	else if (self->work)
		work->by = self->by;
	else
		work->by = (struct kapi_by){
			self->ctx.name, self->doing, self->doing_nr,
		};
#endif
}

static void run_work(struct workqueue_struct *wq, struct work_struct *work)
{
	struct kapi_lock wq_lock = { .class = wq->class };
	struct kapi_lock work_lock = { .class = work->class };
	struct kapi_fiber *self = kapi.cur;

	self->work = work;
	self->work_seq = work->seq;
	kapi_doing(work->class->name, 0);
#ifndef KAPI_NO_CHECKS
	self->by = work->by;
#endif
	self->ctx.reclaim = wq->flags & WQ_MEM_RECLAIM;
	kapi_dep_acquire(&wq_lock);
	kapi_dep_acquire(&work_lock);
	kapi_after(work);
	if (wq->max_active == 1)
		kapi_after(wq);
	work->func(work);
	/* It may have freed itself: do not touch it any more. */
	kapi_before(work);
	kapi_before(wq);
	kapi_touch(wq, KAPI_CHANGES);
	kapi_dep_release(&work_lock);
	kapi_dep_release(&wq_lock);
	kapi_locks_none(&self->ctx, "ends its work");
	self->ctx.reclaim = false;
	kapi_doing(NULL, 0);
	self->by.name = NULL;
	self->work = NULL;
}

static void start_workers(struct workqueue_struct *wq);

static void worker(void *arg)
{
	struct workqueue_struct *wq = arg;
	struct work_struct *work;

	kapi.cur->wq = wq;
	kapi_touch(wq, KAPI_CHANGES);
	wq->nr_starting--;
	work = take_pending(wq);
	if (work) {
		kapi_touch(work, KAPI_CHANGES);
		run_work(wq, work);
		wq->nr_workers--;
		start_workers(wq);
	} else {
		wq->nr_workers--;
	}
	kapi.cur->wq = NULL;
	/* it may be gone as soon as others run */
	kapi_touch(&wq->ended, KAPI_CHANGES);
	kapi_wake_all(&wq->ended);
}

static void start_workers(struct workqueue_struct *wq)
{
	while (wq->nr_workers < wq->max_active &&
	       wq->nr_starting < wq->nr_pending) {
		wq->nr_workers++;
		wq->nr_starting++;
		kapi_fiber_start(wq->name, worker, wq);
	}
}

void kapi_work_queue(struct workqueue_struct *wq, struct work_struct *work)
{
	if (wq->draining && (kapi.ctx->irq || kapi.cur->wq != wq))
		kapi_fail("work queued on %s, which is being destroyed",
			  wq->name);
	work->pending = true;
	work->wq = wq;
	work->seq = ++wq->seq;
	by_set(work);
	list_add_tail(&work->node, &wq->pending);
	wq->nr_pending++;
	kapi_touch(wq, KAPI_CHANGES);
	start_workers(wq);
}

bool kapi_queue_work(struct workqueue_struct *wq, struct work_struct *work,
		     const char *at)
{
	if (!work->func)
		kapi_fail("queue_work() of a work that was never initialised");
	kapi_preempt_point("queue_work", work, at);
	kapi_before(work);
	if (work->pending)
		return false;
	kapi_work_queue(wq, work);
	kapi_let_go_point("queue_work", work, at);
	return true;
}

/* --- waiting for it --- */

static void check_wait(struct workqueue_struct *wq, const char *what)
{
	if (kapi.ctx->reclaim && !(wq->flags & WQ_MEM_RECLAIM))
		kapi_fail("%s of %s, not WQ_MEM_RECLAIM, by a worker that is",
			  what, wq->name);
}

static bool is_pending(struct workqueue_struct *wq, struct work_struct *work,
		       u64 seq)
{
	struct work_struct *w;

	list_for_each_entry(w, &wq->pending, node) {
		if (w->seq <= seq && (!work || w == work))
			return true;
	}
	return false;
}

static void wait_work(struct workqueue_struct *wq, struct work_struct *work,
		      u64 seq, const char *what, const char *at)
{
	struct kapi_waiter waiter = { .woken = true };

	if (kapi.cur->wq == wq && (!work || kapi.cur->work == work))
		kapi_fail("%s at %s waits for itself", what, at);
	for (;;) {
		kapi_wait_prepare(&wq->ended, &waiter);
		if (!is_pending(wq, work, seq) && !find_running(wq, work, seq))
			break;
		kapi_wait_block(&waiter, what, at);
	}
	kapi_wait_finish(&waiter);
	kapi_after(work ? (void *)work : wq);
}

bool kapi_flush_work(struct work_struct *work, const char *at)
{
	struct workqueue_struct *wq;

	might_sleep();
	kapi_preempt_point("flush_work", work, at);
	wq = work->wq;
	kapi_touch(wq, KAPI_CHANGES);
	if (!work->func)
		kapi_fail("flush_work() of a work that was never initialised");
	kapi_dep_check(work->class, at);
	kapi_after(work);
	if (!wq || (!work->pending && !find_running(wq, work, work->seq)))
		return false;
	check_wait(wq, "flush_work");
	wait_work(wq, work, work->seq, "flush_work", at);
	return true;
}

bool kapi_work_unqueue(struct work_struct *work)
{
	if (!work->pending || list_empty(&work->node))
		return false;
	kapi_touch(work->wq, KAPI_CHANGES);
	list_del_init(&work->node);
	work->wq->nr_pending--;
	work->pending = false;
	return true;
}

bool kapi_cancel_work_sync(struct work_struct *work, const char *at)
{
	struct workqueue_struct *wq;
	bool was_pending;

	might_sleep();
	kapi_preempt_point("cancel_work_sync", work, at);
	wq = work->wq;
	kapi_touch(wq, KAPI_CHANGES);
	was_pending = work->pending;
	if (!work->func)
		kapi_fail("cancel_work_sync() of a work that was never initialised");
	kapi_dep_check(work->class, at);
	if (!wq)
		return false;
	kapi_work_unqueue(work);
	if (wq->nr_workers && find_running(wq, work, U64_MAX)) {
		/* It cannot queue itself again meanwhile. */
		work->pending = true;
		wait_work(wq, work, U64_MAX, "cancel_work_sync", at);
	}
	work->pending = false;
	kapi_after(work);
	return was_pending;
}

void kapi_flush_workqueue(struct workqueue_struct *wq, const char *at)
{
	might_sleep();
	kapi_preempt_point("flush_workqueue", wq, at);
	kapi_dep_check(wq->class, at);
	check_wait(wq, "flush_workqueue");
	wait_work(wq, NULL, wq->seq, "flush_workqueue", at);
}

void destroy_workqueue(struct workqueue_struct *wq)
{
	might_sleep();
	kapi_no_timers_of(wq, wq->name);
	wq->draining = true;
	while (wq->nr_pending || wq->nr_workers) {
		kapi_flush_workqueue(wq, "destroy_workqueue");
		wait_event(wq->ended, wq->nr_pending || !wq->nr_workers);
	}
	kapi_after(wq);
	list_del(&wq->node);
	kfree(wq);
}

void kapi_work_check_leaks(void)
{
	struct workqueue_struct *wq;

	wq = list_first_entry_or_null(&kapi.wqs, struct workqueue_struct, node);
	if (wq)
		kapi_fail("left behind: workqueue %s", wq->name);
}
