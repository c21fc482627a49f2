// SPDX-License-Identifier: GPL-2.0-only
/*
 * Spinlocks, mutexes, and what lockdep would say.
 *
 * DOC: lock orders
 *
 * Locks initialised at one place form a class.  Whenever a lock is taken, each
 * class held gets an edge to its class; an edge that closes a circle fails the
 * run, whether or not anything got stuck this time.  Work items and workqueues
 * are classes too: "held" by their workers while they run, "taken" by whoever
 * waits for them.
 *
 * A spinlock class that is taken in interrupts, and one from which it can be
 * reached by edges the other way round, must never be held with interrupts on:
 * that is checked whenever a class is used in a new way.
 *
 * The graph outlives runs: orders that no single run shows together are found, and
 * who saw the others, in which run, is told (seen.c).  An edge that fails a run is
 * not kept, so that a replay fails likewise.
 *
 * A spinlock is found taken only if its owner was preempted (run.h); then whoever
 * wants it waits for the unlock, since to go round would be no step of anybody.
 */
#include "fiber.h"

const char *kapi_deleted_lock;

static struct kapi_ctx *this_ctx(void)
{
	if (unlikely(!kapi.ctx))
		kapi_fail("a kernel word outside of a run");
	return kapi.ctx;
}

static inline struct kapi_held *push_held(struct kapi_ctx *ctx,
					  struct kapi_lock *lock, bool spin,
					  const char *at)
{
	struct kapi_held *held = &ctx->held[ctx->nr_held];

	if (unlikely(ctx->nr_held == KAPI_HELD_MAX))
		kapi_fail("%s holds too many locks", ctx->name);
	ctx->nr_held++;
	*held = (struct kapi_held){
		.lock = lock, .class = lock->class, .at = at,
		.below = ctx->classes, .spin = spin,
	};
	ctx->classes |= BIT_ULL(lock->class->index);
	lock->owner = ctx;
	kapi_after(lock);
	return held;
}

static struct kapi_held *find_held(struct kapi_ctx *ctx,
				   const struct kapi_lock *lock)
{
	u32 i = ctx->nr_held;

	while (i--)
		if (ctx->held[i].lock == lock)
			return &ctx->held[i];
	return NULL;
}

/* Out-of-order release is legal, as in the kernel: it becomes the newest. */
static noinline void held_raise(struct kapi_ctx *ctx, struct kapi_lock *lock,
				const char *how)
{
	struct kapi_held *found = find_held(ctx, lock), held;
	struct kapi_held *last = &ctx->held[ctx->nr_held - 1];

	if (!lock->class)
		kapi_fail("%s of a lock that was never initialised", how);
	if (!lock->owner && !found)
		kapi_fail("%s of %s (%s), which is not locked", how,
			  lock->class->name, lock->class->at);
	if (!found)
		kapi_fail("%s of %s (%s), held by another", how,
			  lock->class->name, lock->class->at);
	held = *found;
	for (; found < last; found++) {
		u64 below = found->below;

		*found = found[1];
		found->below = below;
		found[1].below = below | BIT_ULL(found->class->index);
	}
	held.below = last->below;
	*last = held;
}

/* Return: what it was held as, until the next one is taken. */
static inline struct kapi_held *pop_held(struct kapi_ctx *ctx,
					 struct kapi_lock *lock, const char *how)
{
	struct kapi_held *held;

	kapi_before(lock);
	/* nearly always it is the newest */
	if (unlikely(!ctx->nr_held || ctx->held[ctx->nr_held - 1].lock != lock))
		held_raise(ctx, lock, how);
	held = &ctx->held[--ctx->nr_held];
	ctx->classes = held->below;
	if (likely(!held->deleted))
		lock->owner = NULL;
	return held;
}

const char kapi_races;

#ifndef KAPI_NO_CHECKS

/* One bit each. */
#define CLASS_MAX	KAPI_CLASSES_MAX

static struct graph {
	u64 after[CLASS_MAX];	/* taken while holding this one */
	u64 before[CLASS_MAX];	/* held while taking this one */
	u64 in_irq;		/* taken in interrupts */
	u64 irqs_on;		/* held while an interrupt may come */
} graph, kept;

static struct {
	struct kapi_lock_class *classes[CLASS_MAX];
	u32 nr_classes;
	u64 taken[CLASS_MAX];	/* how often */
	u64 nr_atomics;		/* that were changed */
} known = { .nr_classes = 1 };

static bool keep = true;

static const char in_irq[] = "in an interrupt";
static const char irqs_on[] = "with interrupts on";

void kapi_lock_graph_reset(void)
{
	memset(&graph, 0, sizeof(graph));
	memset(&kept, 0, sizeof(kept));
	kapi_seen_reset();
}

void kapi_lock_graph_keep(bool on)
{
	keep = on;
	kept = graph;
	kapi_seen_keep(on);
}

void kapi_locks_begin(void)
{
	if (!keep)
		graph = kept;
	kapi_seen_run();
}

/* A program may hold the same code more than once: one place, one class. */
static u32 class_find(const struct kapi_lock_class *class)
{
	u32 i;

	for (i = 1; i < known.nr_classes; i++)
		if (!strcmp(known.classes[i]->at, class->at) &&
		    !strcmp(known.classes[i]->name, class->name))
			break;
	return i;
}

static noinline void class_add(struct kapi_lock_class *class)
{
	class->index = class_find(class);
	if (class->index == CLASS_MAX)
		kapi_fail("more than %d lock classes", CLASS_MAX);
	if (class->index == known.nr_classes)
		known.classes[known.nr_classes++] = class;
}

static inline u32 class_index(struct kapi_lock_class *class)
{
	if (unlikely(!class->index))
		class_add(class);
	return class->index;
}

/* All classes that can be reached from @from by edges, itself too. */
static u64 reach(u32 from)
{
	u64 seen = BIT_ULL(from), todo = seen;

	while (todo) {
		u32 i = __ffs64(todo);

		todo &= todo - 1;
		todo |= graph.after[i] & ~seen;
		seen |= graph.after[i];
	}
	return seen;
}

/* A class taken in interrupts from which one held with them on is reached. */
static u32 irq_unsafe(u64 *bad)
{
	u64 todo = graph.in_irq;

	while (todo) {
		u32 i = __ffs64(todo);

		*bad = reach(i) & graph.irqs_on;
		if (*bad)
			return i;
		todo &= todo - 1;
	}
	return 0;
}

/* How @to is reached from @from, by the fewest edges. */
static void tell_path(u32 from, u32 to)
{
	u64 seen = BIT_ULL(to), todo = seen;
	u32 next[CLASS_MAX] = { 0 }, i;

	/* from the end on: who comes before those that were reached last */
	while (todo && !(seen & BIT_ULL(from))) {
		u64 before = 0;

		for (; todo; todo &= todo - 1) {
			u32 at = __ffs64(todo);
			u64 new = graph.before[at] & ~seen;

			for (before |= new, seen |= new; new; new &= new - 1)
				next[__ffs64(new)] = at;
		}
		todo = before;
	}
	for (i = from; i != to && seen & BIT_ULL(from); i = next[i])
		kapi_seen_tell(known.classes[i], known.classes[next[i]], NULL);
}

/* It has just changed: unless it is safe now it is what it @was, and the run fails. */
static void check_irq_safety(const struct graph *was, const char *held_at,
			     const char *at)
{
	struct kapi_lock_class *a, *b;
	const char *told;
	u64 bad;
	u32 i;

	i = irq_unsafe(&bad);
	if (likely(!i))
		return;
	a = known.classes[i];
	b = known.classes[__ffs64(bad)];
	told = kapi_seen_begin(held_at, at);
	kapi_seen_tell(NULL, a, in_irq);
	tell_path(i, __ffs64(bad));
	kapi_seen_tell(NULL, b, irqs_on);
	graph = *was;
	kapi_fail("irq safety: %s (%s) is taken in interrupts, %s (%s) %s held %s, seen %s%s",
		  a->name, a->at, b->name, b->at,
		  a == b ? "also" : "which is taken under it, is", irqs_on,
		  kapi_seen_when(), told);
}

static void add_edge(u32 from, u32 to, const char *held_at, const char *at)
{
	struct kapi_lock_class *a = known.classes[from];
	struct kapi_lock_class *b = known.classes[to];
	const struct graph was = graph;
	const char *told;

	if (from == to)
		kapi_fail("lock order: two of %s (%s) at once", a->name, a->at);
	if (reach(to) & BIT_ULL(from)) {
		told = kapi_seen_begin(held_at, at);
		tell_path(to, from);
		kapi_fail("lock order: %s (%s) under %s (%s); the other order was seen %s%s",
			  b->name, b->at, a->name, a->at, kapi_seen_when(),
			  told);
	}
	graph.after[from] |= BIT_ULL(to);
	graph.before[to] |= BIT_ULL(from);
	check_irq_safety(&was, held_at, at);
	kapi_seen_add(a, b, NULL, held_at, at);
}

static noinline void edges_find(struct kapi_ctx *ctx, u32 to, const char *at)
{
	u32 i;

	for (i = 0; i < ctx->nr_held; i++) {
		u32 from = class_index(ctx->held[i].class);

		if (!(graph.after[from] & BIT_ULL(to)))
			add_edge(from, to, ctx->held[i].at, at);
	}
}

static inline u32 add_edges(struct kapi_ctx *ctx, struct kapi_lock_class *class,
			    const char *at)
{
	u32 to = class_index(class);

	if (unlikely(ctx->classes & ~graph.before[to]))
		edges_find(ctx, to, at);
	return to;
}

static noinline void use_add(u64 *mask, u32 class, const char *use,
			     const char *at)
{
	const struct graph was = graph;

	*mask |= BIT_ULL(class);
	check_irq_safety(&was, NULL, at);
	kapi_seen_add(NULL, known.classes[class], use, NULL, at);
}

static inline void note_usage(struct kapi_ctx *ctx, u32 class, const char *at)
{
	u64 *mask = ctx->irq ? &graph.in_irq :
		    ctx->irqs_off ? NULL : &graph.irqs_on;

	if (mask && unlikely(!(*mask & BIT_ULL(class))))
		use_add(mask, class, ctx->irq ? in_irq : irqs_on, at);
}

static bool interrupted(const struct kapi_ctx *ctx)
{
	u32 i;

	for (i = 0; i < kapi.cur->irq_depth; i++)
		if (kapi.cur->interrupted[i] == ctx)
			return true;
	return false;
}

static noinline void check_owner(struct kapi_ctx *ctx, struct kapi_lock *lock,
				 const char *how)
{
	if (lock->owner == ctx)
		kapi_fail("%s of %s (%s), which the same fiber holds", how,
			  lock->class->name, lock->class->at);
	if (ctx->irq && interrupted(lock->owner))
		kapi_fail("%s of %s (%s) in an interrupt, held by what it interrupted",
			  how, lock->class->name, lock->class->at);
}

static inline void check_free(struct kapi_ctx *ctx, struct kapi_lock *lock,
			      const char *how)
{
	if (unlikely(!lock->class))
		kapi_fail("%s of a lock that was never initialised", how);
	if (unlikely(lock->owner))
		check_owner(ctx, lock, how);
}

static __always_inline struct kapi_held *acquire(spinlock_t *l, const char *at)
{
	struct kapi_ctx *ctx = this_ctx();
	u32 class;

	kapi_preempt_point("spin_lock", NULL, at);
	check_free(ctx, &l->lock, "spin_lock");
	class = add_edges(ctx, l->lock.class, at);
	note_usage(ctx, class, at);
	known.taken[class]++;
	while (unlikely(l->lock.owner))
		kapi_spin(&l->lock, at);
	kapi_touch(l, KAPI_CHANGES);
	ctx->atomic++;
	return push_held(ctx, &l->lock, true, at);
}

static inline void release(spinlock_t *l, bool irqsave,
			   const unsigned long *flags, const char *at)
{
	struct kapi_ctx *ctx = this_ctx();
	const struct kapi_held *held = pop_held(ctx, &l->lock, "spin_unlock");

	if (unlikely(held->deleted)) {
		ctx->nr_deleted--;
		kapi_preempt_point("spin_unlock, deleted", l, at);
		return;
	}
	if (unlikely(held->irqsave != irqsave))
		kapi_fail("%s (%s) locked %s irqs disabled by it, unlocked otherwise",
			  held->class->name, held->class->at,
			  held->irqsave ? "with" : "without");
	if (flags && unlikely(*flags != held->irqs_were_off))
		kapi_fail("%s (%s) unlocked with the flags of another lock",
			  held->class->name, held->class->at);
	ctx->atomic--;
	if (irqsave)
		ctx->irqs_off = held->irqs_were_off;
	if (unlikely(kapi.nr_spinning))
		kapi_unspin(&l->lock);
	kapi_let_go_point("spin_unlock", l, at);
}

void kapi_spin_lock(spinlock_t *l, const char *at)
{
	acquire(l, at);
}

void kapi_spin_unlock(spinlock_t *l, const char *at)
{
	release(l, false, NULL, at);
}

/* All goes on as if it had been taken. */
static unsigned long pretend(spinlock_t *l, const char *at)
{
	struct kapi_ctx *ctx = this_ctx();
	struct kapi_held *held;
	void *owner;

	kapi_preempt_point("spin_lock, deleted", l, at);
	owner = l->lock.owner;
	held = push_held(ctx, &l->lock, true, at);
	l->lock.owner = owner;
	held->irqsave = true;
	held->deleted = true;
	ctx->nr_deleted++;
	return 0;
}

/* Where the program begins: code is told as addr2line wants it. */
extern const char __executable_start[];

static bool is_race(const struct kapi_at_access *a,
		    const struct kapi_at_access *b)
{
	return a->ctx != b->ctx && (a->write || b->write) &&
	       a->addr < b->addr + b->size && b->addr < a->addr + a->size &&
	       find_held((struct kapi_ctx *)b->ctx, a->held->lock);
}

static void check_access(const struct kapi_at_access *access)
{
	const struct kapi_at_access *other;

	for (other = kapi.at_access;
	     other < kapi.at_access + kapi.nr_at_access; other++)
		if (is_race(other, access))
			kapi_fail("race: %s %s at %#tx what %s %s at %#tx",
				  access->ctx->name,
				  access->write ? "writes" : "reads",
				  access->code - __executable_start,
				  other->ctx->name,
				  other->write ? "writes" : "reads",
				  other->code - __executable_start);
}

static void access_end(const struct kapi_ctx *ctx)
{
	u32 i = 0;

	while (i < kapi.nr_at_access && kapi.at_access[i].ctx != ctx)
		i++;
	if (i < kapi.nr_at_access)
		kapi.at_access[i] = kapi.at_access[--kapi.nr_at_access];
}

void kapi_access(const void *addr, size_t size, bool write)
{
	struct kapi_at_access access = {
		.ctx = kapi.ctx, .addr = addr, .size = size, .write = write,
		.code = __builtin_return_address(0),
	};
	u32 i;

	if (!kapi.preemptive)
		return;
	if (kapi.nr_at_access)
		check_access(&access);
	if (!kapi.ctx->nr_deleted || kapi.nr_at_access == KAPI_AT_ACCESS_MAX)
		return;
	for (i = 0; i < kapi.ctx->nr_held; i++)
		if (kapi.ctx->held[i].deleted)
			access.held = &kapi.ctx->held[i];
	kapi.at_access[kapi.nr_at_access++] = access;
	kapi_let_others();
	access_end(access.ctx);
}

unsigned long kapi_spin_lock_irqsave(spinlock_t *l, const char *at)
{
	struct kapi_ctx *ctx = this_ctx();
	bool were_off = ctx->irqs_off;
	struct kapi_held *held;

	if (unlikely(kapi_deleted_lock) && !strcmp(at, kapi_deleted_lock))
		return pretend(l, at);
	ctx->irqs_off = true;
	held = acquire(l, at);
	held->irqsave = true;
	held->irqs_were_off = were_off;
	return were_off;
}

void kapi_spin_unlock_irqrestore(spinlock_t *l, unsigned long flags,
				 const char *at)
{
	release(l, true, &flags, at);
}

void kapi_spin_lock_irq(spinlock_t *l, const char *at)
{
	if (this_ctx()->irqs_off)
		kapi_fail("spin_lock_irq with interrupts off");
	kapi_spin_lock_irqsave(l, at);
}

void kapi_spin_unlock_irq(spinlock_t *l, const char *at)
{
	release(l, true, &(unsigned long){ false }, at);
}

void kapi_assert_held(const struct kapi_lock *lock, bool held, const char *at)
{
	if ((lock->owner == this_ctx()) != held &&
	    !(held && find_held(this_ctx(), lock)))
		kapi_fail("lockdep at %s: %s %sheld", at,
			  lock->class ? lock->class->name : "a lock",
			  held ? "not " : "");
}

void kapi_might_sleep(const char *at)
{
	struct kapi_ctx *ctx = this_ctx();

	if (likely(!ctx->atomic))
		return;
	if (ctx->irq)
		kapi_fail("sleeps at %s in interrupt context", at);
	if (ctx->nr_held && ctx->held[ctx->nr_held - 1].spin)
		kapi_fail("sleeps at %s holding %s (%s)", at,
			  ctx->held[ctx->nr_held - 1].class->name,
			  ctx->held[ctx->nr_held - 1].class->at);
	kapi_fail("sleeps at %s in an atomic section of %s", at, ctx->name);
}

/* Whoever changes it holds the lock, and may have been preempted meanwhile. */
unsigned int kapi_read_seqcount_begin(const seqcount_spinlock_t *s,
				      const char *at)
{
	kapi_look_point("read_seqcount_begin", s, at);
	while (s->sequence & 1) {
		if (s->lock->lock.owner)
			kapi_spin(&s->lock->lock, at);
		else if (kapi_deleted_lock)
			kapi_yield();
		else
			kapi_fail("a sequence count at %s is odd, its lock is free",
				  at);
		kapi_touch(s, KAPI_LOOKS);
	}
	kapi_after(s);
	return s->sequence;
}

/* --- for the rest of kapi --- */

void kapi_dep_acquire(struct kapi_lock *lock)
{
	struct kapi_ctx *ctx = this_ctx();

	add_edges(ctx, lock->class, NULL);
	push_held(ctx, lock, false, NULL);
}

void kapi_dep_release(struct kapi_lock *lock)
{
	pop_held(this_ctx(), lock, "release");
}

/* The caller is about to wait for whoever holds @class. */
void kapi_dep_check(struct kapi_lock_class *class, const char *at)
{
	add_edges(this_ctx(), class, at);
}

void kapi_locks_none(const struct kapi_ctx *ctx, const char *what)
{
	if (ctx->nr_held)
		kapi_fail("%s %s holding %s (%s)", ctx->name, what,
			  ctx->held[ctx->nr_held - 1].class->name,
			  ctx->held[ctx->nr_held - 1].class->at);
	if (ctx->atomic != ctx->irq)
		kapi_fail("%s %s in an atomic section", ctx->name, what);
}

void kapi_no_locks_within(const void *start, size_t len)
{
	const struct kapi_ctx *ctx = this_ctx();
	u32 i;

	for (i = 0; i < ctx->nr_held; i++) {
		const void *lock = ctx->held[i].lock;

		if (lock >= start && lock < start + len)
			kapi_fail("freed while held: %s (%s)",
				  ctx->held[i].class->name,
				  ctx->held[i].class->at);
	}
}

void kapi_count_atomic(void)
{
	known.nr_atomics++;
}

void kapi_taken(struct kapi_taken *taken)
{
	u32 i;

	taken->nr_classes = known.nr_classes - 1;
	taken->nr_atomics = known.nr_atomics;
	for (i = 1; i < known.nr_classes; i++) {
		taken->classes[i - 1].name = known.classes[i]->name;
		taken->classes[i - 1].at = known.classes[i]->at;
		taken->classes[i - 1].nr = known.taken[i];
	}
}

#else /* KAPI_NO_CHECKS */

void kapi_lock_graph_reset(void)
{
}

void kapi_lock_graph_keep(bool on __maybe_unused)
{
}

void kapi_locks_begin(void)
{
}

void kapi_taken(struct kapi_taken *taken)
{
	memset(taken, 0, sizeof(*taken));
}

void kapi_dep_acquire(struct kapi_lock *lock __maybe_unused)
{
}

void kapi_dep_release(struct kapi_lock *lock __maybe_unused)
{
}

void kapi_dep_check(struct kapi_lock_class *class __maybe_unused,
		    const char *at __maybe_unused)
{
}

void kapi_locks_none(const struct kapi_ctx *ctx __maybe_unused,
		     const char *what __maybe_unused)
{
}

void kapi_no_locks_within(const void *start __maybe_unused,
			  size_t len __maybe_unused)
{
}

#endif

/* Those of a fiber that is no more; their memory is still there. */
void kapi_locks_drop(struct kapi_ctx *ctx)
{
	while (ctx->nr_held)
		if (!ctx->held[--ctx->nr_held].deleted)
			ctx->held[ctx->nr_held].lock->owner = NULL;
	ctx->classes = 0;
	ctx->nr_deleted = 0;
}

/* --- mutexes --- */

void kapi_mutex_lock(struct mutex *m, const char *at __maybe_unused)
{
	struct kapi_ctx *ctx = this_ctx();
	struct kapi_fiber *self = kapi.cur;
	struct kapi_waiter waiter = { .fiber = self };

#ifndef KAPI_NO_CHECKS
	kapi_might_sleep(at);
	kapi_preempt_point("mutex_lock", NULL, at);
	check_free(ctx, &m->lock, "mutex_lock");
	known.taken[add_edges(ctx, m->lock.class, at)]++;
#endif
	if (m->lock.owner) {
		list_add_tail(&waiter.node, &m->waiters);
		kapi_touch(m, KAPI_CHANGES);
		self->wait_lock = &m->lock;
		do {
			kapi_touch(m, KAPI_TRIES);
			kapi_block("mutex_lock", at);
		} while (m->lock.owner);
		self->wait_lock = NULL;
		list_del(&waiter.node);
	}
	push_held(ctx, &m->lock, false, at);
	kapi_touch(m, KAPI_CHANGES);
}

/* Whoever has waited longest is woken, and may find that another was faster. */
void kapi_mutex_unlock(struct mutex *m, const char *at __maybe_unused)
{
	struct kapi_waiter *waiter;

	pop_held(this_ctx(), &m->lock, "mutex_unlock");
	waiter = list_first_entry_or_null(&m->waiters, struct kapi_waiter,
					  node);
	if (waiter)
		kapi_make_runnable(waiter->fiber);
	kapi_let_go_point("mutex_unlock", m, at);
}

void mutex_destroy(struct mutex *m)
{
	if (m->lock.owner)
		kapi_fail("mutex_destroy of %s (%s), which is locked",
			  m->lock.class->name, m->lock.class->at);
	m->lock.class = NULL;
}
