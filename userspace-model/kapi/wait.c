// SPDX-License-Identifier: GPL-2.0-only
/*
 * Wait queues and completions.
 */
#include "fiber.h"

void wake_up(wait_queue_head_t *wq)
{
	struct kapi_waiter *waiter, *next;

	list_for_each_entry_safe(waiter, next, &wq->head, node) {
		list_del(&waiter->node);
		waiter->woken = true;
		kapi_make_runnable(waiter->fiber);
	}
	kapi_preempt_point();
}

void kapi_wait_prepare(wait_queue_head_t *wq, struct kapi_waiter *waiter)
{
	if (!waiter->woken)
		return;
	waiter->fiber = kapi.cur;
	waiter->woken = false;
	list_add_tail(&waiter->node, &wq->head);
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
}

void kapi_wait_finish(struct kapi_waiter *waiter)
{
	if (!waiter->woken)
		list_del(&waiter->node);
}

static void wake_one(wait_queue_head_t *wq)
{
	struct kapi_waiter *waiter;

	waiter = list_first_entry_or_null(&wq->head, struct kapi_waiter, node);
	if (waiter) {
		list_del(&waiter->node);
		waiter->woken = true;
		kapi_make_runnable(waiter->fiber);
	}
	kapi_preempt_point();
}

void complete(struct completion *x)
{
	if (x->done != UINT_MAX)
		x->done++;
	wake_one(&x->wait);
}

void complete_all(struct completion *x)
{
	x->done = UINT_MAX;
	wake_up(&x->wait);
}

void kapi_wait_for_completion(struct completion *x, const char *at)
{
	struct kapi_waiter waiter = { .woken = true };

	might_sleep();
	kapi_preempt_point();
	while (!x->done) {
		kapi_wait_prepare(&x->wait, &waiter);
		kapi_wait_block(&waiter, "wait_for_completion", at);
	}
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
