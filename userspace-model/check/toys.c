// SPDX-License-Identifier: GPL-2.0-only
/*
 * Toy programs.
 *
 * A fiber begins with its first step and ends with its last, and between two of
 * them is a point.  The first fiber of the run only starts them and waits.  So the
 * schedules of n steps each are the orders of all steps, each of them once.
 */
#include "toys.h"

static struct {
	const struct toy *toy;
	struct sim *sim;
	wait_queue_head_t wait;
	struct kapi_fiber *fibers[TOY_FIBERS_MAX];
	u32 nr_begun;
	u32 nr_left;
	bool begun;			/* the first is, where others come between */
	bool all;			/* that come between have ended */

	/* of the programs */
	wait_queue_head_t queue;
	spinlock_t lock;		/* of @x */
	struct mutex mutex;		/* of @x */
	struct workqueue_struct *wq;
	struct work_struct work;
	struct completion done;
	refcount_t refs;
	atomic_t atomic;
	seqcount_spinlock_t seq;	/* of @pair, under @lock */
	u32 pair[2];
	u32 private[TOY_FIBERS_MAX];	/* names of places */
	bool taken[2];
	bool flag;
	int x;
} t;

static void step(void)
{
	kapi_preempt_point("step", &t, __kapi_at);
}

static void steps(u32 nr)
{
	while (nr--)
		step();
}

void toy_steps(const struct toy *toy, u32 nr)
{
	steps(toy->nr_steps - 1);
}

void toy_private(const struct toy *toy, u32 nr)
{
	u32 i;

	for (i = 1; i < toy->nr_steps; i++)
		kapi_preempt_point("step", &t.private[nr], __kapi_at);
}

void toy_locks(const struct toy *toy, u32 nr)
{
	u32 i;

	for (i = 0; i < toy->nr_steps; i++) {
		spin_lock(&t.lock);
		spin_unlock(&t.lock);
	}
}

/* --- counts: one that is lost, and three that are not --- */

static void count(const struct toy *toy, u32 nr)
{
	int x = READ_ONCE(t.x);

	WRITE_ONCE(t.x, x + 1);
}

static void count_locked(const struct toy *toy, u32 nr)
{
	spin_lock(&t.lock);
	count(toy, nr);
	spin_unlock(&t.lock);
}

/* Looks before it has the lock. */
static void count_plain(const struct toy *toy, u32 nr)
{
	int x = t.x;

	spin_lock(&t.lock);
	t.x = x + 1;
	spin_unlock(&t.lock);
}

static void count_set(const struct toy *toy, u32 nr)
{
	atomic_set(&t.atomic, atomic_read(&t.atomic) + 1);
	t.x = t.atomic.counter;
}

static void count_mutex(const struct toy *toy, u32 nr)
{
	mutex_lock(&t.mutex);
	count(toy, nr);
	mutex_unlock(&t.mutex);
}

static void count_atomic(const struct toy *toy, u32 nr)
{
	if (atomic_inc_return(&t.atomic) == toy->nr_fibers)
		t.x = toy->nr_fibers;
}

static void count_end(const struct toy *toy)
{
	if (t.x != toy->nr_fibers)
		kapi_fail("a count is lost");
}

/* An allocation may sleep, so others run. */
static void once(const struct toy *toy, u32 nr)
{
	void *p;

	if (t.x)
		return;
	p = kmalloc(1, GFP_KERNEL);
	if (++t.x == 2)
		kapi_fail("done twice");
	kfree(p);
}

/* --- deadlocks --- */

static void take(u32 lock)
{
	wait_event(t.queue, !t.taken[lock]);
	t.taken[lock] = true;
}

static void give(u32 lock)
{
	t.taken[lock] = false;
	wake_up(&t.queue);
}

/* Each of two takes first what the other takes second. */
static void abba(const struct toy *toy, u32 nr)
{
	take(nr);
	take(!nr);
	give(!nr);
	give(nr);
}

/* Whoever waits looks before it is on the queue, not after. */
static void lost_wakeup(const struct toy *toy, u32 nr)
{
	struct kapi_waiter waiter = { .woken = true };

	if (nr) {
		WRITE_ONCE(t.flag, true);
		wake_up(&t.queue);
	} else if (!READ_ONCE(t.flag)) {
		step();
		kapi_wait_prepare(&t.queue, &waiter);
		kapi_wait_block(&waiter, "a wait without a look", __kapi_at);
		kapi_wait_finish(&waiter);
	}
}

/* Whoever has the mutex waits for one who wants it. */
static void waits_within(const struct toy *toy, u32 nr)
{
	kapi_doing(nr ? "giving" : "waiting", 7);
	mutex_lock(&t.mutex);
	if (nr)
		complete(&t.done);
	else
		wait_for_completion(&t.done);
	mutex_unlock(&t.mutex);
}

/*
 * A mutex is nobody's while whoever was woken has not run.  With priorities it is his:
 * he went on before, so he does again.
 */
static void overtake(const struct toy *toy, u32 nr)
{
	bool awaited;

	mutex_lock(&t.mutex);
	t.x += nr;
	step();
	awaited = !list_empty(&t.mutex.waiters);
	mutex_unlock(&t.mutex);
	if (nr)
		return;
	mutex_lock(&t.mutex);
	if (awaited && !t.x)
		kapi_fail("overtaken");
	mutex_unlock(&t.mutex);
}

/* As it should be. */
static void wakeup(const struct toy *toy, u32 nr)
{
	if (nr) {
		WRITE_ONCE(t.flag, true);
		wake_up(&t.queue);
	} else {
		wait_event(t.queue, READ_ONCE(t.flag));
	}
}

/* --- what was let go is touched: only the points after words find that --- */

static void freed(void)
{
	if (t.flag)
		kapi_fail("used after it was freed");
}

static void put_locked(const struct toy *toy, u32 nr)
{
	bool last;

	spin_lock(&t.lock);
	last = ++t.x == toy->nr_fibers;
	spin_unlock(&t.lock);
	freed();
	t.flag = last;
}

static void put_mutex(const struct toy *toy, u32 nr)
{
	bool last;

	mutex_lock(&t.mutex);
	last = ++t.x == toy->nr_fibers;
	mutex_unlock(&t.mutex);
	freed();
	t.flag = last;
}

/* Whoever waits sees what it waits for, and frees the queue, before the wake-up. */
static void wakeup_freed(const struct toy *toy, u32 nr)
{
	if (nr) {
		WRITE_ONCE(t.x, 1);
		wake_up(&t.queue);
		freed();
	} else {
		wait_event(t.queue, READ_ONCE(t.x));
		t.flag = true;
	}
}

static void complete_freed(const struct toy *toy, u32 nr)
{
	if (nr) {
		complete(&t.done);
		freed();
	} else {
		wait_for_completion(&t.done);
		t.flag = true;
	}
}

static void put_ref(const struct toy *toy, u32 nr)
{
	bool last = refcount_dec_and_test(&t.refs);

	freed();
	t.flag = last;
}

static void free_work(struct work_struct *work)
{
	t.flag = true;
}

static void put_work(const struct toy *toy, u32 nr)
{
	queue_work(t.wq, &t.work);
	freed();
}

static void stuck_work(struct work_struct *work)
{
	wait_event(t.queue, t.flag);
}

/* Whose it is that is stuck is told. */
static void stuck(const struct toy *toy, u32 nr)
{
	kapi_doing("asking", 3);
	INIT_WORK(&t.work, stuck_work);
	queue_work(t.wq, &t.work);
	flush_work(&t.work);
}

/* --- two words that are changed together, and read beside that --- */

static void pair_write(void)
{
	spin_lock(&t.lock);
	write_seqcount_begin(&t.seq);
	WRITE_ONCE(t.pair[0], 1);
	WRITE_ONCE(t.pair[1], 1);
	write_seqcount_end(&t.seq);
	spin_unlock(&t.lock);
}

static void pair_read(bool again)
{
	unsigned int seq;
	u32 a, b;

	do {
		seq = read_seqcount_begin(&t.seq);
		a = READ_ONCE(t.pair[0]);
		b = READ_ONCE(t.pair[1]);
	} while (read_seqcount_retry(&t.seq, seq) && again);
	if (a != b)
		kapi_fail("seen in the middle");
}

static void seqcount(const struct toy *toy, u32 nr)
{
	if (nr)
		pair_write();
	else
		pair_read(true);
}

static void seqcount_once(const struct toy *toy, u32 nr)
{
	if (nr)
		pair_write();
	else
		pair_read(false);
}

/* --- interrupts --- */

/* Its fiber is in the middle of something: on the same processor, or another. */
static void change(const struct toy *toy, u32 nr)
{
	t.x = 1;
	step();
	t.x = 0;
}

static void look(const struct toy *toy)
{
	if (t.x)
		kapi_fail("seen in the middle");
}

/* The interrupt is. */
static void look_twice(const struct toy *toy, u32 nr)
{
	step();
	look(toy);
}

static void change_in_irq(const struct toy *toy)
{
	change(toy, 0);
}

/* --- windows --- */

/* Both come to it after the same number of steps: walks that are fair do, too. */
static void shallow(const struct toy *toy, u32 nr)
{
	steps(toy->nr_steps);
	count(toy, nr);
	steps(toy->nr_steps);
}

/* The second must not begin before the first has come far. */
static void deep(const struct toy *toy, u32 nr)
{
	if (nr) {
		look(toy);
		return;
	}
	steps(toy->nr_steps);
	t.x = 1;
	steps(2 * toy->nr_steps);
	t.x = 0;
}

/* One with few steps comes between the last two of one that has many. */
static void late(const struct toy *toy, u32 nr)
{
	if (nr) {
		look(toy);
		return;
	}
	steps(toy->nr_steps);
	change(toy, nr);
}

/* In turns, each after as many steps: so often as there are preemptions. */
static void ladder(const struct toy *toy, u32 nr)
{
	u32 rung;

	for (rung = nr; rung <= toy->preemptions + 1; rung += 2) {
		steps(toy->nr_steps);
		if (t.x != rung)
			return;
		t.x++;
	}
}

static void ladder_end(const struct toy *toy)
{
	if (t.x == toy->preemptions + 2)
		kapi_fail("up the ladder");
}

#define FAILS(text, nr)		.failure = text, .preemptions = nr

const struct toy toys[] = {
	{ "count", 2, 0, count, NULL, count_end,
	  FAILS("a count is lost", 1), .word = "WRITE_ONCE" },
	{ "count by 3", 3, 0, count, NULL, count_end,
	  FAILS("a count is lost", 1), .word = "WRITE_ONCE" },
	{ "count, plain", 2, 0, count_plain, NULL, count_end,
	  FAILS("a count is lost", 1), .word = "spin_lock" },
	{ "count, set", 2, 0, count_set, NULL, count_end,
	  FAILS("a count is lost", 1), .word = "atomic_set" },
	{ "count, spinlock", 3, 0, count_locked, NULL, count_end },
	{ "count, mutex", 3, 0, count_mutex, NULL, count_end },
	{ "count, atomic", 4, 0, count_atomic, NULL, count_end },
	{ "once", 2, 0, once, NULL, NULL,
	  FAILS("done twice", 1), .word = "kmalloc" },
	{ "abba", 2, 0, abba, NULL, NULL,
	  FAILS("B: waits in wait_event(!t.taken[lock]) at", 1),
	  .word = "wait_event" },
	{ "waits within", 2, 0, waits_within, NULL, NULL,
	  FAILS("held by A, in waiting #7\n", 0) },
	{ "stuck work", 1, 0, stuck, NULL, NULL,
	  FAILS("in work stuck_work, for A, in asking #3: waits in", 0) },
	{ "overtake", 2, 0, overtake, NULL, NULL, FAILS("overtaken", 1),
	  .not_by = BIT(SIM_PCT) },
	{ "lost wake-up", 2, 0, lost_wakeup, NULL, NULL,
	  FAILS("deadlock", 1), .word = "step" },
	{ "wake-up", 2, 0, wakeup },
	{ "wake-up, freed", 2, 0, wakeup_freed, NULL, NULL,
	  FAILS("used after", 1), .word = "wake_up" },
	{ "complete, freed", 2, 0, complete_freed, NULL, NULL,
	  FAILS("used after", 1), .word = "complete" },
	{ "put, spinlock", 2, 0, put_locked, NULL, NULL,
	  FAILS("used after", 1), .word = "spin_unlock" },
	{ "put, mutex", 2, 0, put_mutex, NULL, NULL,
	  FAILS("used after", 1), .word = "mutex_unlock" },
	{ "put, refcount", 2, 0, put_ref, NULL, NULL,
	  FAILS("used after", 1), .word = "refcount_dec_and_test" },
	{ "put, work", 1, 0, put_work, NULL, NULL,
	  FAILS("used after", 1), .word = "queue_work" },
	{ "seqcount", 2, 0, seqcount },
	{ "seqcount, once", 2, 0, seqcount_once, NULL, NULL,
	  FAILS("seen in the middle", 1), .word = "READ_ONCE" },
	{ "interrupted", 1, 0, change, look, NULL,
	  FAILS("seen in the middle", 1) },
	{ "interrupting", 2, 0, look_twice, change_in_irq, NULL,
	  FAILS("seen in the middle", 1) },
	{ "shallow", 2, 12, shallow, NULL, count_end,
	  FAILS("a count is lost", 1) },
	{ "deep", 2, 30, deep, NULL, NULL,
	  FAILS("seen in the middle", 1), .not_by = BIT(SIM_WALK) },
	{ "late", 2, 30, late, NULL, NULL,
	  FAILS("seen in the middle", 1), .not_by = BIT(SIM_WALK) },
	/* numbers of fibers are what they are in the run */
	{ "deep, 50 before", 2, 30, deep, NULL, NULL,
	  FAILS("seen in the middle", 1), .not_by = BIT(SIM_WALK),
	  .nr_before = 50 },
	{ "deep, 63 apart", 2, 30, deep, NULL, NULL,
	  FAILS("seen in the middle", 1), .not_by = BIT(SIM_WALK),
	  .nr_between = SIM_FIBERS - 1 },
	{ "ladder 1", 2, 2, ladder, NULL, ladder_end,
	  FAILS("up the ladder", 1) },
	{ "ladder 2", 2, 2, ladder, NULL, ladder_end,
	  FAILS("up the ladder", 2) },
	{ "ladder 3", 2, 2, ladder, NULL, ladder_end,
	  FAILS("up the ladder", 3) },
	{ "ladder 4", 2, 2, ladder, NULL, ladder_end,
	  FAILS("up the ladder", 4) },
	{ NULL }
};

/* --- running them --- */

static bool event(void *ctx)
{
	if (!kapi_events_pending)
		return false;
	kapi_events_pending--;
	kapi_irq_enter();
	t.toy->event(t.toy);
	kapi_irq_exit();
	return true;
}

static void fiber(void *arg)
{
	const u32 *nr = arg;

	if (t.toy->nr_between && !t.all) {
		t.begun = true;
		wake_up(&t.wait);
		wait_event(t.wait, t.all);
	}
	if (!t.nr_begun++)
		sim_schedule_begin(t.sim);
	t.toy->fiber(t.toy, *nr);
	if (--t.nr_left)
		return;
	/* as all others did when they ended */
	kapi_touch(t.fibers[*nr], KAPI_CHANGES);
	sim_schedule_end(t.sim);
	wake_up(&t.wait);
}

static void toy_begin(void)
{
	init_waitqueue_head(&t.wait);
	init_waitqueue_head(&t.queue);
	spin_lock_init(&t.lock);
	mutex_init(&t.mutex);
	seqcount_spinlock_init(&t.seq, &t.lock);
	memset(t.pair, 0, sizeof(t.pair));
	INIT_WORK(&t.work, free_work);
	init_completion(&t.done);
	refcount_set(&t.refs, t.toy->nr_fibers);
	atomic_set(&t.atomic, 0);
	t.nr_begun = 0;
	t.begun = false;
	t.all = false;
	t.nr_left = t.toy->nr_fibers;
	t.taken[0] = false;
	t.taken[1] = false;
	t.flag = false;
	t.x = 0;
	t.wq = NULL;
	if (t.toy->fiber == put_work || t.toy->fiber == stuck)
		t.wq = alloc_workqueue("toy", 0, 0);
	kapi_events_pending = !!t.toy->event;
}

static void nothing(void *arg)
{
}

static void others(u32 nr)
{
	while (nr--)
		kapi_join(kapi_spawn("other", nothing, NULL));
}

static void run(void *arg)
{
	static const char * const names[TOY_FIBERS_MAX] = { "A", "B", "C", "D" };
	static const u32 numbers[TOY_FIBERS_MAX] = { 0, 1, 2, 3 };
	u32 i;

	toy_begin();
	others(t.toy->nr_before);
	for (i = 0; i < t.toy->nr_fibers; i++) {
		t.fibers[i] = kapi_spawn(names[i], fiber, (void *)&numbers[i]);
		if (!i && t.toy->nr_between) {
			wait_event(t.wait, t.begun);
			others(t.toy->nr_between);
			t.all = true;
			wake_up(&t.wait);
		}
	}
	wait_event(t.wait, !t.nr_left);
	for (i = 0; i < t.toy->nr_fibers; i++)
		kapi_join(t.fibers[i]);
	if (t.wq)
		destroy_workqueue(t.wq);
	if (t.toy->end)
		t.toy->end(t.toy);
}

const char *toy_run(struct sim *sim, const struct toy *toy)
{
	t.toy = toy;
	t.sim = sim;
	sim->hooks.idle = event;
	return kapi_run(&sim->hooks, run, NULL) ? kapi_failure() : NULL;
}
