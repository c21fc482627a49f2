// SPDX-License-Identifier: GPL-2.0-only
/*
 * Time, and what waits for it.
 *
 * Time is virtual.  It moves when somebody moves it, and otherwise only for who
 * sleeps in msleep(), when nothing else can happen: then it is the moment of the
 * next timer.  So a wait that only the clock would end, if nobody sleeps, is the
 * deadlock that it would be if the timer were not there, and every run goes by its
 * choices alone.
 *
 * Timers expire in the order of their moments, those of one moment in the order
 * in which they were started, in interrupt context, where time is moved.
 */
#include "fiber.h"

u64 kapi_now;

static void timer_start(struct kapi_timer *timer, u64 ns,
			void (*fn)(struct kapi_timer *timer))
{
	struct list_head *before;

	kapi_touch(&kapi_now, KAPI_CHANGES);
	timer->due = kapi_now + ns;
	timer->fn = fn;
	kapi_before(timer);
	list_for_each_prev(before, &kapi.timers)
		if (list_entry(before, struct kapi_timer, node)->due <=
		    timer->due)
			break;
	list_add(&timer->node, before);
}

static bool timer_stop(struct kapi_timer *timer)
{
	bool was_armed = !list_empty(&timer->node);

	kapi_touch(&kapi_now, KAPI_CHANGES);
	list_del_init(&timer->node);
	return was_armed;
}

static struct kapi_timer *timer_first(void)
{
	return list_first_entry_or_null(&kapi.timers, struct kapi_timer, node);
}

void kapi_time_advance(u64 ns)
{
	u64 until = kapi_now + ns;
	struct kapi_timer *timer;

	kapi_touch(&kapi_now, KAPI_CHANGES);
	while ((timer = timer_first()) && timer->due <= until) {
		kapi_now = timer->due;
		timer_stop(timer);
		kapi_irq_enter();
		kapi_after(timer);
		timer->fn(timer);
		kapi_irq_exit();
	}
	kapi_now = until;
}

bool kapi_time_passes(void)
{
	if (!kapi.nr_sleepers)
		return false;
	kapi_time_advance(timer_first()->due - kapi_now);
	return true;
}

/* --- sleeping --- */

struct sleeper {
	struct kapi_timer timer;
	struct completion over;
};

static void sleeper_wake(struct kapi_timer *timer)
{
	struct sleeper *sleeper = container_of(timer, struct sleeper, timer);

	kapi.nr_sleepers--;
	complete(&sleeper->over);
}

void kapi_msleep(unsigned int ms, const char *at)
{
	struct sleeper sleeper;

	might_sleep();
	init_completion(&sleeper.over);
	kapi.nr_sleepers++;
	timer_start(&sleeper.timer, (u64)ms * NSEC_PER_MSEC, sleeper_wake);
	kapi_wait_for_completion(&sleeper.over, at);
}

/* --- work that is delayed --- */

static void delayed_work_due(struct kapi_timer *timer)
{
	struct delayed_work *dwork = container_of(timer, struct delayed_work,
						  timer);

	/* From one to the other at once: it never is neither armed nor queued. */
	kapi_before(&dwork->work);
	kapi_work_queue(dwork->wq, &dwork->work);
}

bool kapi_queue_delayed_work(struct workqueue_struct *wq,
			     struct delayed_work *dwork, unsigned long delay,
			     const char *at)
{
	if (!dwork->work.func)
		kapi_fail("queue_delayed_work() of a work that was never initialised");
	if (!delay)
		return kapi_queue_work(wq, &dwork->work, at);
	kapi_preempt_point("queue_delayed_work", dwork, at);
	if (dwork->work.pending)
		return false;
	dwork->work.pending = true;
	dwork->wq = wq;
	timer_start(&dwork->timer, (u64)delay * NSEC_PER_SEC / HZ,
		    delayed_work_due);
	return true;
}

bool kapi_mod_delayed_work(struct workqueue_struct *wq,
			   struct delayed_work *dwork, unsigned long delay,
			   const char *at)
{
	bool was_pending;

	kapi_preempt_point("mod_delayed_work", dwork, at);
	was_pending = dwork->work.pending;
	if (!list_empty(&dwork->timer.node)) {
		timer_stop(&dwork->timer);
		dwork->work.pending = false;
	} else if (was_pending && !kapi_work_unqueue(&dwork->work)) {
		/* Somebody cancels it, and waits for it: it is not queued. */
		return true;
	}
	kapi_queue_delayed_work(wq, dwork, delay, at);
	return was_pending;
}

bool kapi_cancel_delayed_work_sync(struct delayed_work *dwork, const char *at)
{
	bool was_armed = false;

	kapi_preempt_point("cancel_delayed_work_sync", dwork, at);
	if (!list_empty(&dwork->timer.node)) {
		was_armed = timer_stop(&dwork->timer);
		dwork->work.pending = false;
	}
	return kapi_cancel_work_sync(&dwork->work, at) || was_armed;
}

/* --- for the rest of kapi --- */

void kapi_no_timers_within(const void *start, size_t len)
{
	struct kapi_timer *timer;

	list_for_each_entry(timer, &kapi.timers, node)
		if ((const char *)timer >= (const char *)start &&
		    (const char *)timer < (const char *)start + len)
			kapi_fail("freed with a timer that is armed");
}

void kapi_no_timers_of(const struct workqueue_struct *wq, const char *name)
{
	struct kapi_timer *timer;

	list_for_each_entry(timer, &kapi.timers, node)
		if (timer->fn == delayed_work_due &&
		    container_of(timer, struct delayed_work, timer)->wq == wq)
			kapi_fail("workqueue %s is destroyed before delayed work of it",
				  name);
}

void kapi_timers_check_leaks(void)
{
	if (!list_empty(&kapi.timers))
		kapi_fail("left behind: a timer that is armed");
}

void kapi_timers_reset(void)
{
	INIT_LIST_HEAD(&kapi.timers);
	kapi.nr_sleepers = 0;
}
