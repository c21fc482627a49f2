// SPDX-License-Identifier: GPL-2.0-only
/*
 * Wait queues and completions.
 */
#include "fiber.h"

void kapi_wake_all(wait_queue_head_t *wq)
{
	struct kapi_waiter *waiter, *next;

	kapi_before(wq);
	list_for_each_entry_safe(waiter, next, &wq->head, node) {
		list_del(&waiter->node);
		waiter->woken = true;
		kapi_make_runnable(waiter->fiber);
	}
}

/* Its waiters may have seen what they wait for, and it may be gone. */
void kapi_wake_up(wait_queue_head_t *wq, const char *at)
{
	kapi_touch(wq, KAPI_CHANGES);
	kapi_preempt_point("wake_up", wq, at);
	kapi_wake_all(wq);
	kapi_let_go_point("wake_up", wq, at);
}

void kapi_wait_prepare(wait_queue_head_t *wq, struct kapi_waiter *waiter)
{
	if (!waiter->woken)
		return;
	waiter->fiber = kapi.cur;
	waiter->woken = false;
	waiter->wq = wq;
	list_add_tail(&waiter->node, &wq->head);
	kapi_after(wq);
	kapi_touch(wq, KAPI_CHANGES);
}

/* Spurious returns are legal: the caller looks at its condition again. */
void kapi_wait_block(struct kapi_waiter *waiter, const char *what,
		     const char *at)
{
	might_sleep();
	if (waiter->woken)
		kapi_yield();
	else
		kapi_block(what, at);
	/* whoever woke it may have changed what it waits for before */
	kapi_touch(waiter->wq, KAPI_CHANGES);
	kapi_after(waiter->wq);
}

void kapi_wait_finish(struct kapi_waiter *waiter)
{
	if (!waiter->woken)
		list_del(&waiter->node);
}

static void wake_one(wait_queue_head_t *wq)
{
	struct kapi_waiter *waiter;

	kapi_before(wq);
	waiter = list_first_entry_or_null(&wq->head, struct kapi_waiter, node);
	if (waiter) {
		list_del(&waiter->node);
		waiter->woken = true;
		kapi_make_runnable(waiter->fiber);
	}
}

void kapi_complete(struct completion *x, const char *at)
{
	kapi_touch(x, KAPI_CHANGES);
	kapi_preempt_point("complete", x, at);
	kapi_before(x);
	if (x->done != UINT_MAX)
		x->done++;
	wake_one(&x->wait);
	kapi_let_go_point("complete", x, at);
}

void kapi_complete_all(struct completion *x, const char *at)
{
	kapi_touch(x, KAPI_CHANGES);
	kapi_preempt_point("complete_all", x, at);
	kapi_before(x);
	x->done = UINT_MAX;
	kapi_wake_all(&x->wait);
	kapi_let_go_point("complete_all", x, at);
}

void kapi_wait_for_completion(struct completion *x, const char *at)
{
	struct kapi_waiter waiter = { .woken = true };

	might_sleep();
	kapi_preempt_point("wait_for_completion", x, at);
	while (!x->done) {
		kapi_wait_prepare(&x->wait, &waiter);
		kapi_wait_block(&waiter, "wait_for_completion", at);
	}
	kapi_touch(x, KAPI_CHANGES);
	kapi_after(x);
	kapi_wait_finish(&waiter);
	if (x->done != UINT_MAX)
		x->done--;
}

bool fatal_signal_pending(struct task_struct *task)
{
	if (task != current)
		kapi_fail("fatal_signal_pending() of another task");
	return kapi.hooks->killed && kapi.hooks->killed(kapi.hooks->ctx);
}

/* Nobody looks inside. */
struct task_struct *const current = (struct task_struct *)&kapi;
