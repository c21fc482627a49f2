/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Runs, fibers and hooks: what a check or a tool sees of kapi beyond the
 * kernel's words.  Core never uses these.
 *
 * A run is a stretch of one OS thread in which all fibers (the one that began
 * it, spawned ones, workers of work queues) take turns.  A fiber runs until it
 * blocks; then the choices say which runnable fiber goes on, or that an event
 * of the outside world (a completion) arrives first.
 *
 *  checks  kapi_run(): the function runs in a fiber; a failure ends it, and
 *          whatever it left behind is dropped.  Cheap enough for 10^5 per
 *          second.
 *  tools   kapi_begin() ... kapi_end(): main() is the first fiber; a failure
 *          prints and aborts.
 */
#ifndef KAPI_RUN_H
#define KAPI_RUN_H

/* What a choice is about; checks add their own from KAPI_CHOOSE_USER on. */
enum kapi_choice {
	KAPI_CHOOSE_RUN,	/* which runnable fiber; the last: an event */
	KAPI_CHOOSE_ALLOC,	/* 1: this allocation fails */
	KAPI_CHOOSE_RESCUER,	/* 1: a WQ_MEM_RECLAIM queue has one worker */
	KAPI_CHOOSE_PREEMPT,	/* 0: who runs goes on; else as KAPI_CHOOSE_RUN */
	KAPI_CHOOSE_USER = 16,
};

struct kapi_fiber;

/* How a word has to do with its object. */
enum kapi_access {
	KAPI_LOOKS,
	KAPI_CHANGES,
	KAPI_LETS_GO,	/* changes it; the point comes after it */
	KAPI_TRIES,	/* waits, and will try again: nothing has happened yet */
};

#define KAPI_TURN_MAX	64

/**
 * struct kapi_place - where a fiber is when another may go on
 * @word:	a word of Linux
 * @at:		file and line, or NULL
 * @object:	what it is about to do it to, or has done
 */
struct kapi_place {
	const char *word;
	const char *at;
	const void *object;
};

/**
 * struct kapi_turn - a moment at which any of several fibers may go on
 * @fiber:	whose moment it is: it runs, or has just blocked or ended
 * @place:	where it is; as long as the hook is asked
 * @ends:	it has ended
 * @going:	it is the first of them: any other preempts it
 * @yields:	it lets others go first
 * @event:	the last is an event, which has no fiber yet
 * @nr:		how many; 1: there is nothing to choose
 * @ids:	numbers of the fibers, in the order in which they were started;
 *		0: an interrupt.  Longest waiting first
 */
struct kapi_turn {
	const struct kapi_fiber *fiber;
	const struct kapi_place *place;
	bool ends;
	bool going;
	bool yields;
	bool event;
	u32 nr;
	u32 ids[KAPI_TURN_MAX];
};

/**
 * struct kapi_hooks - the outside world of a run; each may be NULL
 * @ctx:	passed to all
 * @choose:	0 <= result < n; NULL: always 0, the simplest
 * @idle:	deliver one event (under kapi_irq_enter()), false if there is
 *		none.  Called when nothing is runnable, and, while
 *		kapi_events_pending is not 0, when the choices say so.  NULL:
 *		there never is one
 * @log:	pr_*() messages; NULL: to stderr
 * @random:	get_random_bytes(); NULL: the system's
 * @run:	what the run is called, for failures that it has a share in; NULL: it
 *		has no name
 * @killed:	fatal_signal_pending(current); NULL: false
 * @turn:	who goes on, when kapi_preemption() is on; 0 <= result < @turn->nr
 * @touch:	a fiber looks at an object or changes it, likewise; NULL: it passes
 *		a point, or begins, and touches nothing
 * @alloc_fault_in: n: one allocation in n + 1 fails, as chosen; 0: none
 * @alloc_fault_until: none any more from this moment of kapi_now on; 0: for ever
 */
struct kapi_hooks {
	void *ctx;
	size_t (*choose)(void *ctx, size_t n, unsigned int kind);
	bool (*idle)(void *ctx);
	void (*log)(void *ctx, int level, const char *fmt, va_list args);
	void (*random)(void *ctx, void *buf, size_t len);
	void (*run)(void *ctx, char *buf, size_t size);
	bool (*killed)(void *ctx);
	size_t (*turn)(void *ctx, const struct kapi_turn *turn);
	void (*touch)(void *ctx, u32 id, const void *object,
		      enum kapi_access how);
	u32 alloc_fault_in;
	u64 alloc_fault_until;
};

/**
 * kapi_run() - run a function, and all that it sets going, to the end
 * @hooks:	must live as long as the run; may be changed meanwhile
 * @fn:		the function
 * @arg:	its argument
 *
 * A fiber that has not ended when @fn returns, work that is queued, or
 * memory, that was not given back is a failure.
 *
 * Return: 0, or -1: then kapi_failure() says why.
 */
int kapi_run(const struct kapi_hooks *hooks, void (*fn)(void *arg), void *arg);

/** kapi_failure() - why the last run failed, or NULL */
const char *kapi_failure(void);

/**
 * kapi_failure_runs() - other runs that the last one failed because of
 *
 * Return: their names, "+" between them, "?" for those that have none; or "".  Valid
 * until the next run begins.
 */
const char *kapi_failure_runs(void);

/** kapi_begin() - make the caller the first fiber of a run; for tools */
void kapi_begin(const struct kapi_hooks *hooks);

/** kapi_end() - the end of it; a leak aborts */
void kapi_end(void);

/**
 * kapi_run_check_leaks() - fail if anything is left
 *
 * Memory, workqueues, fibers other than the caller's.  kapi_run() and
 * kapi_end() call it.
 */
void kapi_run_check_leaks(void);

/**
 * kapi_crash() - the machine is dead
 *
 * Every other fiber ends where it stands, every workqueue is gone, all memory
 * of kmalloc() and its kind is gone; locks held by those fibers are free.
 * Called by the first fiber, holding nothing.  What must survive a crash (the
 * disk, the model) does not lie in such memory.
 */
void kapi_crash(void);

/**
 * kapi_spawn() - start a fiber; runnable, not yet run
 * @name:	for messages; must live as long as the fiber
 */
struct kapi_fiber *kapi_spawn(const char *name, void (*fn)(void *arg),
			      void *arg);

/**
 * kapi_doing() - what the caller is at, for messages
 * @what:	must live as long as the run; NULL: nothing in particular
 * @nr:		a number of it; 0: it has none
 */
void kapi_doing(const char *what, u32 nr);

/**
 * kapi_fiber_name() - "A", or "A, in write #3"; a worker: "..., for A, in write #3"
 *
 * Return: valid until the next.
 */
const char *kapi_fiber_name(const struct kapi_fiber *fiber);

/** kapi_fiber_id() - its number in the run; 0: an interrupt */
u32 kapi_fiber_id(const struct kapi_fiber *fiber);

/**
 * kapi_fiber_ids() - numbers of those that have not ended, interrupts left out
 *
 * In the order in which they were started.  Return: how many, at most @max.
 */
u32 kapi_fiber_ids(u32 *ids, u32 max);

/** kapi_join() - wait until it has ended; to be called once per spawn */
void kapi_join(struct kapi_fiber *fiber);

/** kapi_settle() - wait until no other fiber is left: jobs under way are done */
void kapi_settle(void);

/** kapi_yield() - let others run, as chosen */
void kapi_yield(void);

/** kapi_choose() - 0 <= result < n; no choice is drawn for n <= 1 */
size_t kapi_choose(size_t n, unsigned int kind);

/*
 * "Interrupt" context: no sleeping, no locks that are not taken with irqsave
 * elsewhere.  Event hooks bracket completions with these.  May nest.
 */
void kapi_irq_enter(void);
void kapi_irq_exit(void);

/*
 * Process context that may not sleep, as queue_rq() or a bio's submitter under
 * a lock is.  Bracket what promises not to sleep with these.  May nest.
 */
void kapi_atomic_enter(void);
void kapi_atomic_exit(void);

/* Events that @idle could deliver now; kept by whoever provides that hook. */
extern size_t kapi_events_pending;

/*
 * Virtual time only moves when somebody moves it, or for who sleeps, when nothing
 * else can happen.  What it moves past expires.
 */
void kapi_time_advance(u64 ns);

/** struct kapi_counts - of the run so far */
struct kapi_counts {
	u64 nr_switches;
	u64 nr_allocs;
	u64 alloc_bytes;	/* now */
	u64 alloc_bytes_max;
	u32 live_allocs;	/* now */
	u32 live_fibers;	/* now, idle workers not counted */
	u32 nr_fibers;		/* started, interrupts not counted */
};

void kapi_counts(struct kapi_counts *counts);
/** kapi_alloc_max_reset() - from now on alloc_bytes_max is of what comes */
void kapi_alloc_max_reset(void);

#define KAPI_CLASSES_MAX	64	/* of locks; index 0 is none */

/**
 * struct kapi_taken - what processors would take from one another, so far
 * @nr_classes:	of locks that were taken, in the order in which they first were;
 *		0: nothing was, or nothing is counted (KAPI_NO_CHECKS)
 * @nr_atomics:	changes of atomics, whatever comes back
 * @classes:	the expression that was initialised, and where, and how often one of
 *		those was taken; those of works and workqueues are never
 */
struct kapi_taken {
	u32 nr_classes;
	u64 nr_atomics;
	struct {
		const char *name;
		const char *at;
		u64 nr;
	} classes[KAPI_CLASSES_MAX];
};

/** kapi_taken() - in this process, by whomever */
void kapi_taken(struct kapi_taken *taken);

/** kapi_describe() - who waits where; as many lines as fit.  Return: length */
size_t kapi_describe(char *buf, size_t size);

/** kapi_lock_graph_reset() - forget the lock orders seen; they outlive runs */
void kapi_lock_graph_reset(void);

/**
 * kapi_lock_graph_keep() - are lock orders that runs see kept?
 *
 * They are at first.  If not, each run begins with those that are known now.
 */
void kapi_lock_graph_keep(bool on);

#define KAPI_FEW	8u

/**
 * kapi_close_gap() - an array of pointers has lost the one at @idx
 * @nr:	how many are left; there is room for KAPI_FEW more and one
 *
 * Almost always those behind it are few: then as many as that may be are moved at
 * once, since no processor can tell how often a loop would go round.
 */
static inline void kapi_close_gap(void *array, size_t idx, size_t nr)
{
	typedef u64 few __attribute__((vector_size(KAPI_FEW * sizeof(u64)),
				       aligned(8), may_alias));
	void **at = (void **)array + idx;
	few behind;

	if (unlikely(nr - idx > KAPI_FEW)) {
		memmove(at, at + 1, (nr - idx) * sizeof(*at));
		return;
	}
	behind = *(const few *)(at + 1);
	*(few *)at = behind;
}

/* --- points --- */

/*
 * DOC: points
 *
 * Before each word that looks at what others see, or changes it, another fiber
 * may go on; and after each that lets go of something (an unlock, a wake-up, the
 * last reference), since who has let go must not touch it any more.  Counters that
 * give nothing back, as atomic_inc(), order nothing and are no points.
 *
 * Other fibers are other processors.  So whoever holds a spinlock, has interrupts
 * off or is an interrupt can be preempted, and whoever wants the lock waits.
 */

/**
 * kapi_preemption() - from now on hooks->turn is asked at each point
 *
 * And at each moment at which a fiber blocks.  Interrupts then are fibers of their
 * own, which others may preempt.  Off when a run begins.
 */
void kapi_preemption(bool on);

/* Called at each point, if there is one. */
extern void (*kapi_preempt_hook)(void *ctx);
void kapi_preempt(const char *word, const void *object, const char *at,
		  enum kapi_access how);

extern bool kapi_touching;	/* there is hooks->touch, and preemption */
void __kapi_touch(const void *object, enum kapi_access how);

/*
 * hooks->touch: the caller looks at something, or changes it, that others may, too.
 * Words do that for their objects; what a harness shares by itself needs it where
 * the order of accesses matters.
 */
static inline void kapi_touch(const void *object, enum kapi_access how)
{
#ifndef KAPI_NO_CHECKS
	if (unlikely(kapi_touching))
		__kapi_touch(object, how);
#endif
}

/* Without checks spinlocks are nothing, and who holds one must not be preempted. */
#ifdef KAPI_NO_CHECKS
#define __kapi_preempt_point(word, object, at, how)			\
	((void)(word), (void)(object), (void)(at))
#else
#define __kapi_preempt_point(word, object, at, how)			\
	do {								\
		if (unlikely(kapi_preempt_hook))			\
			kapi_preempt(word, object, at, how);		\
	} while (0)
#endif

/* Before a word that may change @object, before one that looks, and after one. */
static inline void kapi_preempt_point(const char *word, const void *object,
				      const char *at)
{
	__kapi_preempt_point(word, object, at, KAPI_CHANGES);
}

static inline void kapi_look_point(const char *word, const void *object,
				   const char *at)
{
	__kapi_preempt_point(word, object, at, KAPI_LOOKS);
}

static inline void kapi_let_go_point(const char *word, const void *object,
				     const char *at)
{
	__kapi_preempt_point(word, object, at, KAPI_LETS_GO);
}

/**
 * kapi_deleted_lock - "file:line" of a spin_lock_irqsave() that does nothing
 *
 * Nor does the unlock, and whoever asks is told that the lock is held: somebody
 * else has to notice.  NULL: there is none.
 */
extern const char *kapi_deleted_lock;

/**
 * kapi_access() - memory is accessed: where that is told, see mutants/access.c
 *
 * Whoever holds a lock that is left out lets others go first.  When one of these
 * holds the very lock, and accesses the same, that is a race, and fails the run.
 */
void kapi_access(const void *addr, size_t size, bool write);

#endif /* KAPI_RUN_H */
