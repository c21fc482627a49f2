// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which words order two fibers, and which do not?
 *
 * In each case two fibers write the same place, one after the other, since neither
 * is preempted; whether that is a data race hangs on the words in between alone.
 * Only the flavour "race" has this program.
 */
#include <stdlib.h>
#include "kapi.h"

static DEFINE_SPINLOCK(lock);
static DEFINE_MUTEX(mutex);
static seqcount_spinlock_t seq;
static wait_queue_head_t queue;
static struct completion done;
static struct workqueue_struct *wq;
static struct work_struct work;
static atomic_t number;
static int flag;
static int *shared;

static void no_word_1(void *arg)
{
	*shared = 1;
}

static void no_word_2(void *arg)
{
	*shared = 2;
}

static void spinlock(void *arg)
{
	unsigned long flags;

	spin_lock_irqsave(&lock, flags);
	++*shared;
	spin_unlock_irqrestore(&lock, flags);
}

static void another_lock(void *arg)
{
	mutex_lock(&mutex);
	++*shared;
	mutex_unlock(&mutex);
}

static void complete_it(void *arg)
{
	*shared = 1;
	complete(&done);
}

static void completed(void *arg)
{
	wait_for_completion(&done);
	*shared = 2;
}

static void too_late(void *arg)
{
	complete(&done);
	*shared = 1;
}

static void flag_is_set(void *arg)
{
	*shared = 1;
	WRITE_ONCE(flag, 1);
}

static void flag_is_seen(void *arg)
{
	*shared = 1 + READ_ONCE(flag);
}

static void released(void *arg)
{
	*shared = 1;
	smp_store_release(&flag, 1);
}

static void acquired(void *arg)
{
	if (smp_load_acquire(&flag))
		*shared = 2;
}

static void write_and_put(void *arg)
{
	*shared = 1;
	if (atomic_dec_and_test(&number))
		*shared = 2;
}

static void put(void *arg)
{
	if (atomic_dec_and_test(&number))
		*shared = 2;
}

static void put_and_write(void *arg)
{
	if (!atomic_dec_and_test(&number))
		*shared = 1;
}

static void counted(void *arg)
{
	*shared = 1;
	atomic_inc(&number);
}

static void wake(void *arg)
{
	*shared = 1;
	WRITE_ONCE(flag, 1);
	wake_up(&queue);
}

static void woken(void *arg)
{
	wait_event(queue, READ_ONCE(flag));
	*shared = 2;
}

static void work_fn(struct work_struct *w)
{
	++*shared;
}

static void queue_it(void *arg)
{
	*shared = 1;
	queue_work(wq, &work);
}

static void flush_it(void *arg)
{
	flush_work(&work);
	*shared = 3;
}

static void change_seq(void *arg)
{
	unsigned long flags;

	spin_lock_irqsave(&lock, flags);
	write_seqcount_begin(&seq);
	*shared = 1;
	write_seqcount_end(&seq);
	spin_unlock_irqrestore(&lock, flags);
}

static void read_seq(void *arg)
{
	unsigned int now;
	int v;

	do {
		now = read_seqcount_begin(&seq);
		/* whoever changes it meanwhile is noticed below */
		v = data_race(READ_ONCE(*shared));
	} while (read_seqcount_retry(&seq, now));
	flag = v;
}

static void read_it(void *arg)
{
	flag = *shared;
}

static void free_it(void *arg)
{
	kfree(shared);
	shared = NULL;
}

static const struct race_case {
	const char *what;
	void (*first)(void *arg);
	void (*second)(void *arg);
	bool race;
} cases[] = {
	{ "no word", no_word_1, no_word_2, true },
	{ "a spinlock", spinlock, spinlock, false },
	{ "a mutex", another_lock, another_lock, false },
	{ "two locks", spinlock, another_lock, true },
	{ "a lock of one of them", spinlock, no_word_2, true },
	{ "a completion", complete_it, completed, false },
	{ "a completion before the write", too_late, completed, true },
	{ "READ_ONCE() of a flag", flag_is_set, flag_is_seen, true },
	{ "release and acquire", released, acquired, false },
	{ "acquire without release", flag_is_set, acquired, true },
	{ "release without acquire", released, flag_is_seen, true },
	{ "the last reference", write_and_put, put, false },
	{ "a write behind a reference", put_and_write, put, true },
	{ "counting", counted, counted, true },
	{ "a flag, and no need to wait", wake, woken, true },
	{ "waking who waits", woken, wake, false },
	{ "a flush of work", queue_it, flush_it, false },
	{ "a sequence count", change_seq, read_seq, false },
	{ "memory that is freed", read_it, free_it, true },
};

static void run_case(void *arg)
{
	const struct race_case *c = arg;
	struct kapi_fiber *first, *second;

	shared = kmalloc(sizeof(*shared), GFP_KERNEL);
	wq = alloc_workqueue("race", WQ_MEM_RECLAIM, 0);
	INIT_WORK(&work, work_fn);
	init_completion(&done);
	init_waitqueue_head(&queue);
	seqcount_spinlock_init(&seq, &lock);
	atomic_set(&number, 2);
	flag = 0;
	*shared = 0;
	first = kapi_spawn("first", c->first, NULL);
	second = kapi_spawn("second", c->second, NULL);
	kapi_join(first);
	kapi_join(second);
	destroy_workqueue(wq);
	kfree(shared);
}

int main(void)
{
	static const struct kapi_hooks hooks;
	size_t i, nr_wrong = 0;
	const char *why;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		kapi_run(&hooks, run_case, (void *)&cases[i]);
		why = kapi_failure();
		if ((why && !strncmp(why, "data race:", 10)) == cases[i].race &&
		    (!why || cases[i].race))
			continue;
		nr_wrong++;
		printf("%s: %s\n", cases[i].what, why ?: "no data race seen");
	}
	printf("race: %zu cases, %zu wrong\n", i, nr_wrong);
	return nr_wrong ? EXIT_FAILURE : EXIT_SUCCESS;
}
