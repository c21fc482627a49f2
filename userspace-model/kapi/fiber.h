/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Inside kapi: contexts, fibers and the scheduler.  Nobody else includes this.
 */
#ifndef KAPI_FIBER_H
#define KAPI_FIBER_H

#define KAPI_HELD_MAX		12	/* locks held at once */
#define KAPI_IRQ_NEST_MAX	8

#ifdef __SANITIZE_ADDRESS__
#define KAPI_ASAN		1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define KAPI_ASAN		1
#endif
#endif

struct kapi_held {
	struct kapi_lock *lock;
	struct kapi_lock_class *class;
	const char *at;		/* where it was taken; NULL: by no word */
	u64 below;		/* classes that were held already */
	bool spin;
	bool irqsave;
	bool irqs_were_off;
	bool deleted;		/* it only looks as if it were held */
};

/**
 * struct kapi_ctx - something that holds locks: a fiber or an interrupt
 * @name:	for messages
 * @atomic:	may not sleep: spinlocks held, plus nested atomic sections
 * @irq:	this is an interrupt
 * @irqs_off:	by spin_lock_irqsave(), or for being an interrupt
 * @noio:	within memalloc_noio_save()
 * @reclaim:	works for a WQ_MEM_RECLAIM queue
 * @nr_deleted:	of @held those that only look as if they were, see run.h
 * @classes:	a bit for each class of @held
 * @nr_held:	entries of @held
 * @held:	locks, oldest first
 */
struct kapi_ctx {
	const char *name;
	u32 atomic;
	bool irq;
	bool irqs_off;
	bool noio;
	bool reclaim;
	u32 nr_deleted;
	u64 classes;
	u32 nr_held;
	struct kapi_held held[KAPI_HELD_MAX];
};

#define KAPI_AT_ACCESS_MAX	8

/**
 * struct kapi_at_access - somebody about to access memory, who was preempted there
 * @ctx:	who
 * @held:	the lock that only looks as if it were held
 * @addr:	what
 * @size:	bytes
 * @write:	else it is read
 * @code:	where
 */
struct kapi_at_access {
	const struct kapi_ctx *ctx;
	const struct kapi_held *held;
	const char *addr;
	size_t size;
	bool write;
	const char *code;
};

/*
 *  IDLE -> RUNNABLE -> RUNNING -> BLOCKED
 *   ^          ^         |  |        |
 *   |          '---------'--(--------'
 *   '-----------------------'  (DONE until joined, if it was spawned)
 */
enum kapi_fiber_state {
	KAPI_IDLE,
	KAPI_RUNNABLE,
	KAPI_RUNNING,
	KAPI_BLOCKED,
	KAPI_DONE,
};

/**
 * struct kapi_fiber - a thread of a run
 * @ctx:	locks and what it may do
 * @now:	what it ran when another went on: @ctx, or an interrupt of it
 * @irq_depth:	nested interrupts
 * @irq_ctx:	theirs
 * @interrupted: what each of them interrupted
 * @id:		its number in the run; 0: an interrupt, see kapi_preemption()
 * @place:	where it was preempted
 * @doing:	what it is at, or NULL
 * @doing_nr:	the number of that, or 0
 * @state:	see above
 * @sp:		saved stack pointer
 * @stack:	its lowest byte
 * @stack_size:	bytes
 * @fake_stack:	AddressSanitizer's
 * @thread:	ThreadSanitizer's
 * @racy:	its writes may race: kapi_racy_begin()
 * @node:	in the list of live, or of idle fibers
 * @made:	in the list of all fibers
 * @fn:		what it runs
 * @arg:	its argument
 * @joinable:	stays DONE until kapi_join()
 * @joiner:	who waits in kapi_join()
 * @wait_what:	what it is blocked on
 * @wait_at:	where
 * @wait_lock:	the lock it is blocked on
 * @work:	worker: the work under way
 * @work_seq:	its number
 * @by:		worker: whose operation set that going; it has no name: nobody's
 * @wq:		worker: its queue
 */
struct kapi_fiber {
	struct kapi_ctx ctx;
	struct kapi_ctx *now;
	u32 id;
	u32 irq_depth;
	struct kapi_place place;
	const char *doing;
	u32 doing_nr;
	enum kapi_fiber_state state;
	void *sp;
	char *stack;
	size_t stack_size;
	void *fake_stack;
	void *thread;
	u32 racy;
	struct list_head node;
	struct list_head made;
	void (*fn)(void *arg);
	void *arg;
	bool joinable;
	struct kapi_fiber *joiner;
	const char *wait_what;
	const char *wait_at;
	struct kapi_lock *wait_lock;
	struct work_struct *work;
	u64 work_seq;
	struct kapi_by by;
	struct workqueue_struct *wq;
	struct kapi_ctx *interrupted[KAPI_IRQ_NEST_MAX];
	struct kapi_ctx irq_ctx[KAPI_IRQ_NEST_MAX];
};

/**
 * struct kapi - the run; there is one
 * @hooks:	never NULL
 * @ctx:	what runs now
 * @cur:	the fiber that runs now, also while interrupted
 * @first:	the fiber that began the run; NULL: no run
 * @in_run:	begun by kapi_run()
 * @live:	fibers that are not idle
 * @idle:	fibers to reuse
 * @made:	all fibers, in the order in which they were made
 * @runq:	runnable ones, longest waiting first
 * @nr_runq:	how many
 * @runq_max:	room
 * @nr_fibers:	in all
 * @nr_spinning: fibers that wait for a spinlock
 * @nr_at_access: entries of @at_access
 * @at_access:	accesses before which others go on
 * @preemptive:	hooks->turn says who goes on
 * @wqs:	workqueues
 * @timers:	armed ones, the next to expire first
 * @nr_sleepers: fibers in msleep()
 * @counts:	statistics
 */
struct kapi {
	const struct kapi_hooks *hooks;
	struct kapi_ctx *ctx;
	struct kapi_fiber *cur;
	struct kapi_fiber *first;
	bool in_run;
	struct list_head live;
	struct list_head idle;
	struct list_head made;
	struct kapi_fiber **runq;
	u32 nr_runq;
	u32 runq_max;
	u32 nr_fibers;
	u32 nr_spinning;
	u32 nr_at_access;
	struct kapi_at_access at_access[KAPI_AT_ACCESS_MAX];
	bool preemptive;
	struct list_head wqs;
	struct list_head timers;
	u32 nr_sleepers;
	struct kapi_counts counts;
};

extern struct kapi kapi;

/* switch.c: stacks */
void kapi_stack_alloc(struct kapi_fiber *fiber);
void kapi_stack_reset(struct kapi_fiber *fiber, void (*entry)(void));
void kapi_switch(struct kapi_fiber *from, struct kapi_fiber *to);
void kapi_switch_finish(struct kapi_fiber *self);

/* race.c */
#ifdef KAPI_RACE
/* The library's; some its own header does not have. */
void *__tsan_get_current_fiber(void);
void *__tsan_create_fiber(unsigned int flags);
void __tsan_destroy_fiber(void *fiber);
void __tsan_switch_to_fiber(void *fiber, unsigned int flags);
int __tsan_get_report_mop(void *report, unsigned long idx, int *tid, void **addr,
			  int *size, int *write, int *atomic, void **trace,
			  unsigned long trace_size);
void __sanitizer_symbolize_pc(void *pc, const char *fmt, char *buf, size_t size);
void AnnotateIgnoreWritesBegin(const char *file, int line);
void AnnotateIgnoreWritesEnd(const char *file, int line);
void AnnotateIgnoreReadsEnd(const char *file, int line);
void AnnotateIgnoreSyncEnd(const char *file, int line);
void __tsan_on_report(void *report);
const char *__tsan_default_options(void);

#define KAPI_RACE_REST	32u	/* fibers that rest, before one of them is used again */
void kapi_race_begin(void);
void kapi_race_reset(struct kapi_fiber *fiber);
void kapi_race_switch(struct kapi_fiber *from, struct kapi_fiber *to);
/* From now on all that it did comes before what the caller does. */
void kapi_race_join(struct kapi_fiber *fiber);
/* Was there one since the last time? */
bool kapi_race_seen(char *buf, size_t size);
#else
#define KAPI_RACE_REST	0u
static inline void kapi_race_begin(void)
{
}

static inline void kapi_race_reset(struct kapi_fiber *fiber)
{
}

static inline void kapi_race_switch(struct kapi_fiber *from,
				    struct kapi_fiber *to)
{
}

static inline void kapi_race_join(struct kapi_fiber *fiber)
{
}

static inline bool kapi_race_seen(char *buf, size_t size)
{
	return false;
}
#endif

/* sched.c */
void kapi_make_runnable(struct kapi_fiber *fiber);
void kapi_block(const char *what, const char *at);
void kapi_let_others(void);
/* Until somebody unlocks it: from any context. */
void kapi_spin(struct kapi_lock *lock, const char *at);
void kapi_unspin(struct kapi_lock *lock);
struct kapi_fiber *kapi_fiber_start(const char *name, void (*fn)(void *arg),
				    void *arg);

/* lock.c */
void kapi_locks_begin(void);
void kapi_locks_drop(struct kapi_ctx *ctx);
void kapi_locks_none(const struct kapi_ctx *ctx, const char *what);
void kapi_dep_acquire(struct kapi_lock *lock);
void kapi_dep_release(struct kapi_lock *lock);
void kapi_dep_check(struct kapi_lock_class *class, const char *at);
void kapi_no_locks_within(const void *start, size_t len);

/* seen.c: what lock.c saw first, and where */
void kapi_seen_run(void);
void kapi_seen_keep(bool on);
void kapi_seen_reset(void);
/* @to was taken under @from; or, if that is NULL, in a way that @use says. */
void kapi_seen_add(const struct kapi_lock_class *from,
		   const struct kapi_lock_class *to, const char *use,
		   const char *held_at, const char *at);
/* What is to be told, beginning with the caller: it grows by what kapi_seen_tell() adds. */
const char *kapi_seen_begin(const char *held_at, const char *at);
void kapi_seen_tell(const struct kapi_lock_class *from,
		    const struct kapi_lock_class *to, const char *use);
/* In few words, of all that was told. */
const char *kapi_seen_when(void);

/* mem.c */
void kapi_mem_reset(void);
void kapi_mem_check_leaks(void);

/* wait.c: wake_up() without a point */
void kapi_wake_all(wait_queue_head_t *wq);

/* work.c */
/* queue_work() of one that is not queued, without a point. */
void kapi_work_queue(struct workqueue_struct *wq, struct work_struct *work);
/* It is taken off its queue.  Return: false if it is not queued */
bool kapi_work_unqueue(struct work_struct *work);
void kapi_work_check_leaks(void);

/* timer.c */
/* Nothing can run: to the next timer, if a fiber sleeps.  Return: does one. */
bool kapi_time_passes(void);
void kapi_no_timers_within(const void *start, size_t len);
void kapi_no_timers_of(const struct workqueue_struct *wq, const char *name);
void kapi_timers_check_leaks(void);
void kapi_timers_reset(void);

/* sched.c: back to the caller of kapi_run(), for good */
__attribute__((__noreturn__)) void kapi_leave(void);

#endif /* KAPI_FIBER_H */
