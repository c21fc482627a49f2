/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Locks, waiting, completions and work queues.
 */
#ifndef KAPI_SYNC_H
#define KAPI_SYNC_H

/* --- locks --- */

/**
 * struct kapi_lock_class - all locks initialised at one place
 * @name:	the expression there
 * @at:		file and line
 * @index:	in the graph of lock orders; 0: none yet
 */
struct kapi_lock_class {
	const char *name;
	const char *at;
	u32 index;
};

/**
 * struct kapi_lock - what spinlocks and mutexes have in common
 * @owner:	the context that holds it, or NULL
 * @class:	its class; NULL: never initialised
 */
struct kapi_lock {
	void *owner;
	struct kapi_lock_class *class;
};

typedef struct spinlock {
	struct kapi_lock lock;
} spinlock_t;

struct mutex {
	struct kapi_lock lock;
	struct list_head waiters;
};

#define __KAPI_LOCK_INIT(x)						\
	{ .class = &(struct kapi_lock_class){ .name = #x, .at = __kapi_at } }
#define __SPIN_LOCK_UNLOCKED(x)	{ .lock = __KAPI_LOCK_INIT(x) }
#define DEFINE_SPINLOCK(x)	spinlock_t x = __SPIN_LOCK_UNLOCKED(x)
#define DEFINE_MUTEX(x)							\
	struct mutex x = { .lock = __KAPI_LOCK_INIT(x),			\
			   .waiters = LIST_HEAD_INIT(x.waiters) }

#define __kapi_lock_init(l, text)					\
	do {								\
		static struct kapi_lock_class __class = {		\
			.name = text, .at = __kapi_at			\
		};							\
									\
		(l)->lock.owner = NULL;					\
		(l)->lock.class = &__class;				\
	} while (0)
#define spin_lock_init(l)	__kapi_lock_init(l, #l)
#define mutex_init(m)							\
	do {								\
		__kapi_lock_init(m, #m);				\
		INIT_LIST_HEAD(&(m)->waiters);				\
	} while (0)

#ifdef KAPI_NO_CHECKS

static inline void spin_lock(spinlock_t *l)
{
	barrier();
}

static inline void spin_unlock(spinlock_t *l)
{
	barrier();
}

#define spin_lock_irqsave(l, flags)					\
	do {								\
		(flags) = 0;						\
		spin_lock(l);						\
	} while (0)
#define spin_unlock_irqrestore(l, flags)				\
	do {								\
		(void)(flags);						\
		spin_unlock(l);						\
	} while (0)
#define spin_lock_irq		spin_lock
#define spin_unlock_irq		spin_unlock
#define lockdep_assert_held(l)	((void)(l))
#define lockdep_assert_not_held(l) ((void)(l))
#define might_sleep()		((void)0)

#else

void kapi_spin_lock(spinlock_t *l, const char *at);
void kapi_spin_unlock(spinlock_t *l, const char *at);
unsigned long kapi_spin_lock_irqsave(spinlock_t *l, const char *at);
void kapi_spin_unlock_irqrestore(spinlock_t *l, unsigned long flags,
				 const char *at);
void kapi_spin_lock_irq(spinlock_t *l, const char *at);
void kapi_spin_unlock_irq(spinlock_t *l, const char *at);
void kapi_assert_held(const struct kapi_lock *lock, bool held, const char *at);
void kapi_might_sleep(const char *at);

#define spin_lock(l)		kapi_spin_lock(l, __kapi_at)
#define spin_unlock(l)		kapi_spin_unlock(l, __kapi_at)
#define spin_lock_irq(l)	kapi_spin_lock_irq(l, __kapi_at)
#define spin_unlock_irq(l)	kapi_spin_unlock_irq(l, __kapi_at)
#define spin_unlock_irqrestore(l, flags)				\
	kapi_spin_unlock_irqrestore(l, flags, __kapi_at)
#define spin_lock_irqsave(l, flags)					\
	do {								\
		BUILD_BUG_ON(!__same_type(flags, unsigned long));	\
		(flags) = kapi_spin_lock_irqsave(l, __kapi_at);		\
	} while (0)
#define lockdep_assert_held(l)						\
	kapi_assert_held(&(l)->lock, true, __kapi_at)
#define lockdep_assert_not_held(l)					\
	kapi_assert_held(&(l)->lock, false, __kapi_at)
#define might_sleep()		kapi_might_sleep(__kapi_at)

#endif

#define assert_spin_locked(l)	lockdep_assert_held(l)

/*
 * A count of changes under a lock.  Whoever reads beside them can be preempted
 * before each READ_ONCE(), and before it asks whether there was a change.
 */
typedef struct {
	unsigned int sequence;
	spinlock_t *lock;			/* held by who changes it */
} seqcount_spinlock_t;

/* Stands for all that data_race() looks at: what changes it has no words for that. */
extern const char kapi_races;

static inline void seqcount_spinlock_init(seqcount_spinlock_t *s,
					  spinlock_t *lock)
{
	s->sequence = 0;
	s->lock = lock;
}

static inline void write_seqcount_begin(seqcount_spinlock_t *s)
{
	lockdep_assert_held(s->lock);
	BUG_ON(s->sequence & 1 && !kapi_deleted_lock);
	kapi_racy_begin();
	kapi_touch(s, KAPI_CHANGES);
	kapi_touch(&kapi_races, KAPI_CHANGES);
	s->sequence++;
	barrier();
}

static inline void write_seqcount_end(seqcount_spinlock_t *s)
{
	lockdep_assert_held(s->lock);
	BUG_ON(!(s->sequence & 1) && !kapi_deleted_lock);
	barrier();
	kapi_touch(s, KAPI_CHANGES);
	kapi_touch(&kapi_races, KAPI_CHANGES);
	s->sequence++;
	kapi_racy_end();
	kapi_before(s);
}

#ifdef KAPI_NO_CHECKS
static inline unsigned int read_seqcount_begin(const seqcount_spinlock_t *s)
{
	return s->sequence;
}
#else
unsigned int kapi_read_seqcount_begin(const seqcount_spinlock_t *s,
				      const char *at);
#define read_seqcount_begin(s)	kapi_read_seqcount_begin(s, __kapi_at)
#endif

static inline bool read_seqcount_retry(const seqcount_spinlock_t *s,
				       unsigned int sequence)
{
	kapi_look_point("read_seqcount_retry", s, NULL);
	barrier();
	return s->sequence != sequence;
}

/* Not locked on purpose: READ_ONCE() in it is the point. */
#define data_race(expr)	({						\
	kapi_touch(&kapi_races, KAPI_LOOKS);				\
	(expr); })
#define cond_resched()							\
	do {								\
		might_sleep();						\
		kapi_preempt_point("cond_resched", NULL, __kapi_at);	\
	} while (0)

void kapi_mutex_lock(struct mutex *m, const char *at);
void kapi_mutex_unlock(struct mutex *m, const char *at);
void mutex_destroy(struct mutex *m);
#define mutex_lock(m)		kapi_mutex_lock(m, __kapi_at)
#define mutex_unlock(m)		kapi_mutex_unlock(m, __kapi_at)

static inline bool mutex_is_locked(const struct mutex *m)
{
	return m->lock.owner;
}

/* --- waiting --- */

typedef struct wait_queue_head {
	struct list_head head;
} wait_queue_head_t;

/* A fiber on a wait queue; lies on its stack.  @woken: not on it (any more). */
struct kapi_waiter {
	struct list_head node;
	struct kapi_fiber *fiber;
	struct wait_queue_head *wq;
	bool woken;
};

#define __WAIT_QUEUE_HEAD_INITIALIZER(x) { LIST_HEAD_INIT((x).head) }
#define DECLARE_WAIT_QUEUE_HEAD(x)					\
	wait_queue_head_t x = __WAIT_QUEUE_HEAD_INITIALIZER(x)

static inline void init_waitqueue_head(wait_queue_head_t *wq)
{
	INIT_LIST_HEAD(&wq->head);
}

static inline bool waitqueue_active(wait_queue_head_t *wq)
{
	return !list_empty(&wq->head);
}

void kapi_wake_up(wait_queue_head_t *wq, const char *at);
#define wake_up(wq)		kapi_wake_up(wq, __kapi_at)
#define wake_up_all(wq)		wake_up(wq)	/* no exclusive waiters exist */

void kapi_wait_prepare(wait_queue_head_t *wq, struct kapi_waiter *waiter);
void kapi_wait_block(struct kapi_waiter *waiter, const char *what,
		     const char *at);
void kapi_wait_finish(struct kapi_waiter *waiter);

#define wait_event(wq, cond)						\
	do {								\
		struct kapi_waiter __waiter = { .woken = true };	\
									\
		might_sleep();						\
		kapi_preempt_point("wait_event", &(wq), __kapi_at);	\
		if (cond)						\
			break;						\
		for (;;) {						\
			kapi_wait_prepare(&(wq), &__waiter);		\
			if (cond)					\
				break;					\
			kapi_wait_block(&__waiter, "wait_event(" #cond ")", \
					__kapi_at);			\
		}							\
		kapi_wait_finish(&__waiter);				\
	} while (0)

#define wait_event_idle(wq, cond)	wait_event(wq, cond)

/* -ERESTARTSYS in the kernel, which has no name here. */
#define ERESTARTSYS	512
#define wait_event_killable(wq, cond) ({				\
	struct kapi_waiter __waiter = { .woken = true };		\
	int __ret = 0;							\
									\
	might_sleep();							\
	kapi_preempt_point("wait_event_killable", &(wq), __kapi_at);	\
	for (;;) {							\
		kapi_wait_prepare(&(wq), &__waiter);			\
		if (cond)						\
			break;						\
		if (fatal_signal_pending(current)) {			\
			__ret = -ERESTARTSYS;				\
			break;						\
		}							\
		kapi_wait_block(&__waiter,				\
				"wait_event_killable(" #cond ")", __kapi_at); \
	}								\
	kapi_wait_finish(&__waiter);					\
	__ret; })

struct completion {
	unsigned int done;
	wait_queue_head_t wait;
};

#define COMPLETION_INITIALIZER_ONSTACK(x)				\
	{ 0, __WAIT_QUEUE_HEAD_INITIALIZER((x).wait) }
#define DECLARE_COMPLETION_ONSTACK(x)					\
	struct completion x = COMPLETION_INITIALIZER_ONSTACK(x)

static inline void init_completion(struct completion *x)
{
	x->done = 0;
	init_waitqueue_head(&x->wait);
}

static inline void reinit_completion(struct completion *x)
{
	x->done = 0;
}

static inline bool completion_done(struct completion *x)
{
	if (!__READ_ONCE(x->done))
		return false;
	kapi_after(x);
	return true;
}

void kapi_complete(struct completion *x, const char *at);
void kapi_complete_all(struct completion *x, const char *at);
#define complete(x)		kapi_complete(x, __kapi_at)
#define complete_all(x)		kapi_complete_all(x, __kapi_at)
void kapi_wait_for_completion(struct completion *x, const char *at);
#define wait_for_completion(x)	kapi_wait_for_completion(x, __kapi_at)

struct task_struct;
extern struct task_struct *const current;
bool fatal_signal_pending(struct task_struct *task);

/* --- work queues --- */

struct work_struct;
struct workqueue_struct;
typedef void (*work_func_t)(struct work_struct *work);

/**
 * struct kapi_by - who was at what
 * @name:	a fiber's
 * @doing:	as kapi_doing() has it, or NULL
 * @nr:		likewise, or 0
 */
struct kapi_by {
	const char *name;
	const char *doing;
	u32 nr;
};

/**
 * struct work_struct - as in the kernel
 * @node:	in its queue while pending
 * @func:	what to do; may free the work
 * @wq:		where it is pending, or was last
 * @seq:	number of its last queueing, for flushes
 * @pending:	queued and not yet begun, or being cancelled
 * @class:	what it runs under, for lock orders: whoever waits for it must
 *		not hold what it takes
 * @by:		whose operation set it going, for messages
 */
struct work_struct {
	struct kapi_lock_class *class;
	struct list_head node;
	work_func_t func;
	struct workqueue_struct *wq;
	u64 seq;
	bool pending;
#ifndef KAPI_NO_CHECKS
	struct kapi_by by;
#endif
};

#define INIT_WORK(w, f)							\
	do {								\
		static struct kapi_lock_class __class = {		\
			.name = "work " #f, .at = __kapi_at		\
		};							\
									\
		(w)->class = &__class;					\
		INIT_LIST_HEAD(&(w)->node);				\
		(w)->func = (f);					\
		(w)->wq = NULL;						\
		(w)->seq = 0;						\
		(w)->pending = false;					\
	} while (0)

enum {
	WQ_UNBOUND	= 1 << 1,
	WQ_FREEZABLE	= 1 << 2,
	WQ_MEM_RECLAIM	= 1 << 3,
	WQ_HIGHPRI	= 1 << 4,
	WQ_SYSFS	= 1 << 6,
	__WQ_ORDERED	= 1 << 17,
	WQ_DFL_ACTIVE	= 256,
};

struct workqueue_struct *kapi_alloc_workqueue(struct kapi_lock_class *class,
					      const char *fmt,
					      unsigned int flags,
					      int max_active, ...)
	__printf(2, 5);
#define alloc_workqueue(fmt, flags, max_active, ...) ({			\
	static struct kapi_lock_class __class = {			\
		.name = "workqueue " fmt, .at = __kapi_at		\
	};								\
									\
	kapi_alloc_workqueue(&__class, fmt, flags, max_active,		\
			     ##__VA_ARGS__); })
#define alloc_ordered_workqueue(fmt, flags, ...)			\
	alloc_workqueue(fmt, WQ_UNBOUND | __WQ_ORDERED | (flags), 1,	\
			##__VA_ARGS__)
void destroy_workqueue(struct workqueue_struct *wq);
bool kapi_queue_work(struct workqueue_struct *wq, struct work_struct *work,
		     const char *at);
#define queue_work(wq, work)	kapi_queue_work(wq, work, __kapi_at)
bool kapi_flush_work(struct work_struct *work, const char *at);
bool kapi_cancel_work_sync(struct work_struct *work, const char *at);
void kapi_flush_workqueue(struct workqueue_struct *wq, const char *at);
#define flush_work(w)		kapi_flush_work(w, __kapi_at)
#define cancel_work_sync(w)	kapi_cancel_work_sync(w, __kapi_at)
#define flush_workqueue(wq)	kapi_flush_workqueue(wq, __kapi_at)

static inline bool work_pending(const struct work_struct *work)
{
	kapi_touch(work, KAPI_LOOKS);
	return work->pending;
}

/* --- time --- */

#define HZ		1000

static inline unsigned long msecs_to_jiffies(unsigned int ms)
{
	return ms;
}

/* What happens at a moment; @node: with the others that are armed. */
struct kapi_timer {
	struct list_head node;
	u64 due;
	void (*fn)(struct kapi_timer *timer);
};

/**
 * struct delayed_work - as in the kernel
 * @work:	pending as soon as the timer is armed
 * @timer:	until it is queued
 * @wq:		where
 */
struct delayed_work {
	struct work_struct work;
	struct kapi_timer timer;
	struct workqueue_struct *wq;
};

#define INIT_DELAYED_WORK(d, f)						\
	do {								\
		INIT_WORK(&(d)->work, f);				\
		INIT_LIST_HEAD(&(d)->timer.node);			\
		(d)->wq = NULL;						\
	} while (0)
#define to_delayed_work(w)	container_of(w, struct delayed_work, work)

bool kapi_queue_delayed_work(struct workqueue_struct *wq,
			     struct delayed_work *dwork, unsigned long delay,
			     const char *at);
#define queue_delayed_work(wq, dwork, delay)				\
	kapi_queue_delayed_work(wq, dwork, delay, __kapi_at)
bool kapi_cancel_delayed_work_sync(struct delayed_work *dwork, const char *at);
bool kapi_mod_delayed_work(struct workqueue_struct *wq,
			   struct delayed_work *dwork, unsigned long delay,
			   const char *at);
#define mod_delayed_work(wq, dwork, delay)				\
	kapi_mod_delayed_work(wq, dwork, delay, __kapi_at)
#define cancel_delayed_work_sync(d)					\
	kapi_cancel_delayed_work_sync(d, __kapi_at)

static inline bool delayed_work_pending(const struct delayed_work *dwork)
{
	return work_pending(&dwork->work);
}

void kapi_msleep(unsigned int ms, const char *at);
#define msleep(ms)	kapi_msleep(ms, __kapi_at)

#endif /* KAPI_SYNC_H */
