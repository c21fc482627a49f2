// SPDX-License-Identifier: GPL-2.0-only
/*
 * Runs and the scheduler.
 *
 * DOC: scheduling
 *
 * Exactly one fiber runs.  It goes on until it blocks; then schedule() draws a
 * choice among the runnable fibers, longest waiting first, and, if events are
 * pending, one more: that an event arrives instead.  Events are delivered on
 * the stack of the fiber that has just blocked, in interrupt context, until
 * the choices pick a fiber.  With kapi_preemption() another may go on at each
 * point as well, and an event is a fiber of its own.  When nothing is runnable
 * and no event is left, time passes for who sleeps (timer.c); if nobody does,
 * that is a deadlock, and the run ends with a list of who waits where.
 *
 * Fibers are never freed.  A fiber that has ended waits in its entry loop for
 * its next function; one that was abandoned gets a fresh stack frame.
 */
#include <stdlib.h>
#include "fiber.h"

static const struct kapi_hooks no_hooks;

struct kapi kapi = {
	.hooks = &no_hooks,
	.live = LIST_HEAD_INIT(kapi.live),
	.idle = LIST_HEAD_INIT(kapi.idle),
	.made = LIST_HEAD_INIT(kapi.made),
	.wqs = LIST_HEAD_INIT(kapi.wqs),
	.timers = LIST_HEAD_INIT(kapi.timers),
};

size_t kapi_events_pending;
void (*kapi_preempt_hook)(void *ctx);
bool kapi_touching;

/* The stack on which kapi_run() was called; also the tools' first fiber. */
static struct kapi_fiber outside;

static char failure[4096];
static bool failed;

/* --- fibers --- */

static void fiber_entry(void);

static void ctx_init(struct kapi_ctx *ctx, const char *name)
{
	ctx->name = name;
	ctx->atomic = 0;
	ctx->irq = false;
	ctx->irqs_off = false;
	ctx->noio = false;
	ctx->reclaim = false;
	ctx->nr_deleted = 0;
	ctx->classes = 0;
	ctx->nr_held = 0;
}

/* Once: an interrupt ends as it began. */
static void irqs_init(struct kapi_fiber *fiber)
{
	struct kapi_ctx *irq;

	fiber->irq_depth = 0;
	for (irq = fiber->irq_ctx; irq < fiber->irq_ctx + KAPI_IRQ_NEST_MAX;
	     irq++) {
		ctx_init(irq, "interrupt");
		irq->atomic = 1;
		irq->irq = true;
		irq->irqs_off = true;
	}
}

static struct kapi_fiber *fiber_get(void)
{
	struct kapi_fiber *fiber;

	if (!list_empty(&kapi.idle) &&
	    kapi.nr_fibers >= KAPI_RACE_REST + kapi.counts.live_fibers) {
		fiber = list_first_entry(&kapi.idle, struct kapi_fiber, node);
		list_del(&fiber->node);
		return fiber;
	}
	fiber = calloc(1, sizeof(*fiber));
	if (!fiber)
		kapi_fail("no memory for a fiber");
	list_add_tail(&fiber->made, &kapi.made);
	kapi_stack_alloc(fiber);
	kapi_stack_reset(fiber, fiber_entry);
	irqs_init(fiber);
	if (++kapi.nr_fibers + KAPI_FEW > kapi.runq_max) {
		kapi.runq_max = kapi.nr_fibers + 2 * KAPI_FEW;
		kapi.runq = realloc(kapi.runq,
				    kapi.runq_max * sizeof(*kapi.runq));
		if (!kapi.runq)
			kapi_fail("no memory for the run queue");
	}
	return fiber;
}

static void fiber_put(struct kapi_fiber *fiber)
{
	fiber->state = KAPI_IDLE;
	if (KAPI_RACE_REST)
		list_move_tail(&fiber->node, &kapi.idle);
	else
		list_move(&fiber->node, &kapi.idle);
	kapi.counts.live_fibers--;
}

static void fiber_init(struct kapi_fiber *fiber, const char *name,
		       void (*fn)(void *arg), void *arg)
{
	ctx_init(&fiber->ctx, name);
	fiber->fn = fn;
	fiber->arg = arg;
	fiber->joinable = false;
	fiber->joiner = NULL;
	fiber->wait_what = NULL;
	fiber->wait_lock = NULL;
	fiber->work = NULL;
	fiber->by.name = NULL;
	fiber->wq = NULL;
	fiber->now = &fiber->ctx;
	fiber->id = ++kapi.counts.nr_fibers;
	fiber->place.word = NULL;
	fiber->doing = NULL;
	list_add_tail(&fiber->node, &kapi.live);
	kapi.counts.live_fibers++;
}

struct kapi_fiber *kapi_fiber_start(const char *name, void (*fn)(void *arg),
				    void *arg)
{
	struct kapi_fiber *fiber = fiber_get();

	fiber_init(fiber, name, fn, arg);
	fiber->state = KAPI_BLOCKED;
	kapi_make_runnable(fiber);
	kapi_touch(fiber, KAPI_CHANGES);
	return fiber;
}

/* --- the scheduler --- */

void kapi_make_runnable(struct kapi_fiber *fiber)
{
	if (fiber->state != KAPI_BLOCKED)
		return;
	fiber->state = KAPI_RUNNABLE;
	kapi.runq[kapi.nr_runq++] = fiber;
}

static struct kapi_fiber *runq_take(size_t idx)
{
	struct kapi_fiber *fiber = kapi.runq[idx];

	kapi.nr_runq--;
	kapi_close_gap(kapi.runq, idx, kapi.nr_runq);
	return fiber;
}

static void deadlock(void)
{
	static char who[3072];

	kapi_describe(who, sizeof(who));
	kapi_fail("deadlock: nothing can run and nothing will come\n%s", who);
}

static void deliver_event(void)
{
	const struct kapi_hooks *hooks = kapi.hooks;

	if (!(hooks->idle && hooks->idle(hooks->ctx)) && !kapi.nr_runq &&
	    !kapi_time_passes())
		deadlock();
}

static void event_fiber(void *arg)
{
	deliver_event();
}

static void switch_to(struct kapi_fiber *next)
{
	struct kapi_fiber *self = kapi.cur;

	next->state = KAPI_RUNNING;
	if (next == self)
		return;
	kapi.counts.nr_switches++;
	self->now = kapi.ctx;
	kapi.cur = next;
	kapi.ctx = next->now;
	kapi_switch(self, next);
}

static struct kapi_fiber *event_start(void)
{
	struct kapi_fiber *fiber = fiber_get();

	fiber_init(fiber, "interrupt", event_fiber, NULL);
	fiber->id = 0;
	kapi.counts.nr_fibers--;
	return fiber;
}

/* Where the fiber is that runs, or has just run. */
static const struct kapi_place *place_now(struct kapi_place *buf)
{
	const struct kapi_fiber *self = kapi.cur;

	if (self->state == KAPI_RUNNING && self->place.word)
		return &self->place;
	if (self->state == KAPI_BLOCKED)
		*buf = (struct kapi_place){
			self->wait_what, self->wait_at, self->wait_lock,
		};
	else
		*buf = (struct kapi_place){
			.word = self->state == KAPI_RUNNING ? "yield" : "ends",
		};
	return buf;
}

/*
 * Who goes on, as the hook says: one that can run, or an interrupt.  Whoever runs
 * could too, if it is @going.
 */
static struct kapi_fiber *take_turn(bool going, bool yields)
{
	const struct kapi_hooks *hooks = kapi.hooks;
	struct kapi_place place;
	struct kapi_turn turn;
	u32 nr = 0, i;
	size_t idx;

	turn.fiber = kapi.cur;
	turn.place = place_now(&place);
	turn.ends = kapi.cur->state == KAPI_DONE || kapi.cur->state == KAPI_IDLE;
	turn.going = going;
	turn.yields = yields;
	if (going)
		turn.ids[nr++] = kapi.cur->id;
	for (i = 0; i < kapi.nr_runq && nr < KAPI_TURN_MAX - 1; i++)
		turn.ids[nr++] = kapi.runq[i]->id;
	turn.event = kapi_events_pending || !nr;
	if (turn.event)
		turn.ids[nr++] = 0;
	turn.nr = nr;
	idx = hooks->turn(hooks->ctx, &turn);
	if (idx >= nr)
		kapi_fail("turn of %zu of %u", idx, nr);
	if (turn.event && idx == nr - 1)
		return event_start();
	if (going && !idx--)
		return kapi.cur;
	return runq_take(idx);
}

/* The caller is BLOCKED, RUNNABLE and queued, or IDLE. */
static void reschedule(void)
{
	size_t nr, idx;

	if (kapi.preemptive) {
		switch_to(take_turn(false, false));
		return;
	}
	for (;;) {
		nr = kapi.nr_runq;
		idx = kapi_choose(nr + (kapi_events_pending != 0),
				  KAPI_CHOOSE_RUN);
		if (idx < nr)
			break;
		deliver_event();
	}
	switch_to(runq_take(idx));
}

static void schedule(void)
{
	if (kapi.ctx != &kapi.cur->ctx)
		kapi_fail("%s sleeps in interrupt context",
			  kapi.cur->ctx.name);
	reschedule();
}

/* Another may go on; the caller can as well. */
static void pause(bool yields)
{
	struct kapi_fiber *self = kapi.cur;
	struct kapi_fiber *next = take_turn(true, yields);

	if (next == self)
		return;
	self->state = KAPI_BLOCKED;
	kapi_make_runnable(self);
	switch_to(next);
}

void kapi_block(const char *what, const char *at)
{
	struct kapi_fiber *self = kapi.cur;

	self->state = KAPI_BLOCKED;
	self->wait_what = what;
	self->wait_at = at;
	schedule();
	self->wait_what = NULL;
}

void kapi_spin(struct kapi_lock *lock, const char *at)
{
	struct kapi_fiber *self = kapi.cur;

	kapi_touch(lock, KAPI_TRIES);
	kapi.nr_spinning++;
	self->state = KAPI_BLOCKED;
	self->wait_what = "spin_lock";
	self->wait_at = at;
	self->wait_lock = lock;
	reschedule();
	self->wait_lock = NULL;
	self->wait_what = NULL;
	kapi.nr_spinning--;
}

void kapi_unspin(struct kapi_lock *lock)
{
	struct kapi_fiber *fiber;

	list_for_each_entry(fiber, &kapi.live, node)
		if (fiber->wait_lock == lock)
			kapi_make_runnable(fiber);
}

void kapi_yield(void)
{
	struct kapi_fiber *self = kapi.cur;

	if (kapi.ctx != &self->ctx)
		kapi_fail("%s yields in interrupt context", self->ctx.name);
	if (kapi.preemptive) {
		pause(true);
		kapi_touch(NULL, KAPI_LOOKS);
		return;
	}
	self->state = KAPI_BLOCKED;
	kapi_make_runnable(self);
	schedule();
}

/* --- spawn and join --- */

static void fiber_done(struct kapi_fiber *self)
{
	kapi_locks_none(&self->ctx, "ends");
	if (self->ctx.noio)
		kapi_fail("%s ends within memalloc_noio_save()",
			  self->ctx.name);
	if (self == kapi.first) {
		kapi_run_check_leaks();
		kapi_leave();
	}
	kapi_before(self);
	if (!self->joinable) {
		fiber_put(self);
	} else {
		self->state = KAPI_DONE;
		if (self->joiner)
			kapi_make_runnable(self->joiner);
	}
	schedule();
}

static void fiber_entry(void)
{
	struct kapi_fiber *self = kapi.cur;

	kapi_switch_finish(self);
	for (;;) {
		/* after whoever started it */
		kapi_touch(self, KAPI_CHANGES);
		kapi_after(self);
		self->fn(self->arg);
		kapi_touch(self, KAPI_CHANGES);
		fiber_done(self);
	}
}

struct kapi_fiber *kapi_spawn(const char *name, void (*fn)(void *arg),
			      void *arg)
{
	struct kapi_fiber *fiber = kapi_fiber_start(name, fn, arg);

	fiber->joinable = true;
	kapi_before(fiber);
	return fiber;
}

void kapi_join(struct kapi_fiber *fiber)
{
	might_sleep();
	fiber->joiner = kapi.cur;
	while (fiber->state != KAPI_DONE) {
		kapi_touch(fiber, KAPI_TRIES);
		kapi_block("kapi_join", fiber->ctx.name);
	}
	kapi_touch(fiber, KAPI_CHANGES);
	kapi_after(fiber);
	fiber_put(fiber);
}

static void nothing(void *arg)
{
}

void kapi_settle(void)
{
	do {
		kapi_join(kapi_spawn("nothing", nothing, NULL));
	} while (kapi.counts.live_fibers != 1);
}

/* --- contexts --- */

void kapi_irq_enter(void)
{
	struct kapi_fiber *self = kapi.cur;

	if (kapi.ctx->irqs_off && !kapi.ctx->irq)
		kapi_fail("interrupt in %s, which has disabled them",
			  kapi.ctx->name);
	if (self->irq_depth == KAPI_IRQ_NEST_MAX)
		kapi_fail("interrupts nest too deeply");
	self->interrupted[self->irq_depth] = kapi.ctx;
	kapi.ctx = &self->irq_ctx[self->irq_depth++];
}

void kapi_irq_exit(void)
{
	struct kapi_fiber *self = kapi.cur;

	if (!self->irq_depth)
		kapi_fail("kapi_irq_exit() outside of an interrupt");
	kapi_locks_none(kapi.ctx, "returns");
	if (!kapi.ctx->irqs_off || kapi.ctx->noio)
		kapi_fail("an interrupt does not end as it began");
	kapi.ctx = self->interrupted[--self->irq_depth];
}

void kapi_atomic_enter(void)
{
	kapi.ctx->atomic++;
}

void kapi_atomic_exit(void)
{
	if (!kapi.ctx->atomic)
		kapi_fail("kapi_atomic_exit() without kapi_atomic_enter()");
	kapi.ctx->atomic--;
}

static void preempted(void *ctx)
{
	pause(false);
}

void kapi_let_others(void)
{
	pause(true);
}

void kapi_preemption(bool on)
{
	kapi.preemptive = on && kapi.hooks->turn;
	kapi_preempt_hook = kapi.preemptive ? preempted : NULL;
	kapi_touching = kapi.preemptive && kapi.hooks->touch;
	/* as each fiber does that begins */
	if (kapi.cur)
		kapi_touch(kapi.cur, KAPI_CHANGES);
}

void kapi_preempt(const char *word, const void *object, const char *at,
		  enum kapi_access how)
{
	struct kapi_fiber *self = kapi.cur;

	if (how == KAPI_LETS_GO)
		kapi_touch(object, how);
	self->place = (struct kapi_place){ word, at, object };
	if (likely(kapi_preempt_hook == preempted))
		pause(false);
	else
		kapi_preempt_hook(kapi.hooks->ctx);
	self->place.word = NULL;
	kapi_touch(how == KAPI_LETS_GO ? NULL : object, how);
}

void __kapi_touch(const void *object, enum kapi_access how)
{
	const struct kapi_hooks *hooks = kapi.hooks;

	hooks->touch(hooks->ctx, kapi.cur->id, object, how);
}

/* --- runs --- */

size_t kapi_choose(size_t n, unsigned int kind)
{
	size_t v;

	if (n <= 1 || !kapi.hooks->choose)
		return 0;
	v = kapi.hooks->choose(kapi.hooks->ctx, n, kind);
	if (unlikely(v >= n))
		kapi_fail("choice %zu of %zu", v, n);
	return v;
}

static void abandon(struct kapi_fiber *fiber)
{
	kapi_locks_drop(&fiber->ctx);
	if (fiber->irq_depth) {
		while (fiber->irq_depth)
			kapi_locks_drop(&fiber->irq_ctx[--fiber->irq_depth]);
		irqs_init(fiber);
	}
	if (fiber != &outside) {
		kapi_stack_reset(fiber, fiber_entry);
		fiber_put(fiber);
	}
}

/* Forget all fibers but @keep, all work and all memory. */
static void drop_all(struct kapi_fiber *keep)
{
	struct kapi_fiber *fiber, *next;

	list_for_each_entry_safe(fiber, next, &kapi.live, node) {
		if (fiber != keep)
			abandon(fiber);
	}
	list_for_each_entry(fiber, &kapi.idle, node)
		kapi_race_join(fiber);
	kapi.nr_runq = 0;
	kapi.nr_spinning = 0;
	kapi.nr_at_access = 0;
	INIT_LIST_HEAD(&kapi.wqs);
	kapi_timers_reset();
	kapi_mem_reset();
}

static void run_begin(const struct kapi_hooks *hooks)
{
	struct kapi_fiber *fiber;

	if (kapi.first)
		kapi_fail("a run within a run");
	kapi_race_begin();
	kapi_locks_begin();
	kapi.hooks = hooks ? hooks : &no_hooks;
	/* the same stacks in each run: what lies there has the same address */
	INIT_LIST_HEAD(&kapi.idle);
	list_for_each_entry(fiber, &kapi.made, made)
		list_add_tail(&fiber->node, &kapi.idle);
	kapi_preemption(false);
	memset(&kapi.counts, 0, sizeof(kapi.counts));
	kapi_events_pending = 0;
	kapi_now = 0;
	failed = false;
}

int kapi_run(const struct kapi_hooks *hooks, void (*fn)(void *arg), void *arg)
{
	struct kapi_fiber *first;

	run_begin(hooks);
	first = fiber_get();
	fiber_init(first, "main", fn, arg);
	first->state = KAPI_RUNNING;
	kapi.first = first;
	kapi.cur = first;
	kapi.ctx = &first->ctx;
	kapi.in_run = true;
	kapi_before(first);
	kapi_switch(&outside, first);

	kapi_preemption(false);
	/* It was done, and the run failed while it looked for the next one. */
	if (kapi.cur->state == KAPI_IDLE)
		kapi_stack_reset(kapi.cur, fiber_entry);
	drop_all(NULL);
	if (!failed)
		failed = kapi_race_seen(failure, sizeof(failure));
	kapi_events_pending = 0;
	kapi.in_run = false;
	kapi.first = NULL;
	kapi.cur = NULL;
	kapi.ctx = NULL;
	kapi.hooks = &no_hooks;
	return failed ? -1 : 0;
}

void kapi_leave(void)
{
	kapi_switch(kapi.cur, &outside);
	abort();
}

void kapi_begin(const struct kapi_hooks *hooks)
{
	run_begin(hooks);
	/* The outermost stack has no bounds of ours: it is never reset. */
	if (!kapi.runq) {
		kapi.runq_max = 16;
		kapi.nr_fibers = 1;
		kapi.runq = calloc(kapi.runq_max, sizeof(*kapi.runq));
		if (!kapi.runq)
			kapi_fail("no memory for the run queue");
	}
	irqs_init(&outside);
	fiber_init(&outside, "main", NULL, NULL);
	outside.state = KAPI_RUNNING;
	kapi.first = &outside;
	kapi.cur = &outside;
	kapi.ctx = &outside.ctx;
}

void kapi_end(void)
{
	if (kapi.first != &outside)
		kapi_fail("kapi_end() without kapi_begin()");
	kapi_locks_none(&outside.ctx, "ends");
	kapi_run_check_leaks();
	kapi_preemption(false);
	drop_all(&outside);
	list_del_init(&outside.node);
	kapi.first = NULL;
	kapi.cur = NULL;
	kapi.ctx = NULL;
	kapi.hooks = &no_hooks;
}

void kapi_crash(void)
{
	if (kapi.cur != kapi.first || kapi.ctx != &kapi.first->ctx)
		kapi_fail("kapi_crash() outside of the first fiber");
	kapi_locks_none(kapi.ctx, "crashes");
	drop_all(kapi.first);
}

void kapi_run_check_leaks(void)
{
	struct kapi_fiber *fiber;

	kapi_work_check_leaks();
	kapi_timers_check_leaks();
	list_for_each_entry(fiber, &kapi.live, node) {
		if (fiber != kapi.cur)
			kapi_fail("left behind: fiber %s, in %s at %s",
				  fiber->ctx.name,
				  fiber->wait_what ? fiber->wait_what : "-",
				  fiber->wait_what ? fiber->wait_at : "-");
	}
	kapi_mem_check_leaks();
}

void kapi_counts(struct kapi_counts *counts)
{
	*counts = kapi.counts;
}

/* --- what fibers are --- */

u32 kapi_fiber_ids(u32 *ids, u32 max)
{
	const struct kapi_fiber *fiber;
	u32 nr = 0;

	list_for_each_entry(fiber, &kapi.live, node)
		if (fiber->id && nr < max)
			ids[nr++] = fiber->id;
	return nr;
}

void kapi_doing(const char *what, u32 nr)
{
	kapi.cur->doing = what;
	kapi.cur->doing_nr = nr;
}

u32 kapi_fiber_id(const struct kapi_fiber *fiber)
{
	return fiber->id;
}

/* Adds who it is, and at what. */
static size_t name_add(char *buf, size_t size, const struct kapi_by *by)
{
	size_t len = scnprintf(buf, size, "%s", by->name);

	if (by->doing)
		len += scnprintf(buf + len, size - len, ", in %s", by->doing);
	if (by->doing && by->nr)
		len += scnprintf(buf + len, size - len, " #%u", by->nr);
	return len;
}

const char *kapi_fiber_name(const struct kapi_fiber *fiber)
{
	const struct kapi_by self = {
		fiber->ctx.name, fiber->doing, fiber->doing_nr,
	};
	static char name[128];
	size_t len = name_add(name, sizeof(name), &self);

	if (fiber->by.name) {
		len += scnprintf(name + len, sizeof(name) - len, ", for ");
		name_add(name + len, sizeof(name) - len, &fiber->by);
	}
	return name;
}

/* Who has the lock that @fiber waits for, or NULL. */
static const struct kapi_fiber *held_by(const struct kapi_fiber *fiber)
{
	const struct kapi_ctx *owner;
	const struct kapi_fiber *f;

	owner = fiber->wait_lock ? fiber->wait_lock->owner : NULL;
	list_for_each_entry(f, &kapi.live, node)
		if (owner == &f->ctx ||
		    (owner >= f->irq_ctx &&
		     owner < f->irq_ctx + KAPI_IRQ_NEST_MAX))
			return f;
	return NULL;
}

/* --- failure --- */

size_t kapi_describe(char *buf, size_t size)
{
	struct kapi_fiber *fiber;
	size_t len = 0;

	buf[0] = 0;
	list_for_each_entry(fiber, &kapi.live, node) {
		const struct kapi_fiber *owner = held_by(fiber);

		if (fiber->state == KAPI_RUNNING)
			continue;
		len += scnprintf(buf + len, size - len, "  %s: ",
				 kapi_fiber_name(fiber));
		if (!fiber->wait_what) {
			len += scnprintf(buf + len, size - len, "%s\n",
					 fiber->state == KAPI_DONE ?
					 "ended, not joined" : "runnable");
			continue;
		}
		len += scnprintf(buf + len, size - len, "waits in %s at %s",
				 fiber->wait_what, fiber->wait_at);
		if (owner)
			len += scnprintf(buf + len, size - len,
					 ", held by %s",
					 kapi_fiber_name(owner));
		len += scnprintf(buf + len, size - len, "\n");
	}
	return len;
}

const char *kapi_failure(void)
{
	return failed ? failure : NULL;
}

void kapi_fail(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(failure, sizeof(failure), fmt, args);
	va_end(args);
	if (!kapi.in_run) {
		fprintf(stderr, "%s\n", failure);
		abort();
	}
	failed = true;
	kapi_leave();
}
