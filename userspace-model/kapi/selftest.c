// SPDX-License-Identifier: GPL-2.0-only
/*
 * Do the Linux words do what the kernel's do, and does every rule fire?
 *
 * Each case is a function that is run as a run of its own; it must end well,
 * or fail with a message that contains a given text.
 */
#include <stdlib.h>
#include <time.h>
#include "shard.h"
#include "shardblk_format.h"

static DEFINE_SPINLOCK(lock_a);
static DEFINE_SPINLOCK(lock_b);
static DEFINE_MUTEX(mutex_a);
static DEFINE_MUTEX(mutex_b);
static struct workqueue_struct *wq;
static struct work_struct work;
static struct delayed_work delayed[3];
static struct completion done;
static wait_queue_head_t queue;
static unsigned long flags __maybe_unused;
static int counter;
/* What the optimiser must not see through. */
static void *volatile memory;

#define EXPECT(cond)							\
	do {								\
		if (!(cond))						\
			kapi_fail("%s: %s", __kapi_at, #cond);		\
	} while (0)

/* --- what works --- */

static void checksum_is_the_kernels(void *arg)
{
	/* RFC 3720 B.4: 32 bytes of zeros; inverted at both ends there. */
	static const u8 zeros[32];

	EXPECT(crc32c(~0u, zeros, 32) == ~0x8a9136aau);
	EXPECT(crc32c(0, zeros, 32) == 0);
	EXPECT(crc32c(crc32c(~0u, "1234", 4), "56789", 5) == ~0xe3069283u);
}

/* Of any length, anywhere, from any start: as a bit after the other gives it. */
static void checksums_are_right(void *arg)
{
	static u8 data[1100];
	u32 len, at, i, bit, crc;

	for (i = 0; i < sizeof(data); i++)
		data[i] = i * i * 31 >> 3;
	for (len = 0; len < sizeof(data) - 8; len++) {
		at = len % 8;
		crc = len * 0x9e3779b1;
		for (i = 0; i < len; i++) {
			crc ^= data[at + i];
			for (bit = 0; bit < 8; bit++)
				crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78 : 0);
		}
		EXPECT(crc32c(len * 0x9e3779b1, data + at, len) == crc);
	}
}

struct item {
	int key;
	struct list_head node;
	struct rb_node rb;
};

static void lists_and_trees_work(void *arg)
{
	struct item items[50], *item;
	struct rb_root root = RB_ROOT;
	struct rb_node *node;
	LIST_HEAD(list);
	int i, last = -1;

	for (i = 0; i < 50; i++) {
		struct rb_node **link = &root.rb_node, *parent = NULL;

		items[i].key = i * 37 % 50;
		list_add_tail(&items[i].node, &list);
		while (*link) {
			parent = *link;
			item = rb_entry(parent, struct item, rb);
			link = items[i].key < item->key ? &parent->rb_left :
							  &parent->rb_right;
		}
		rb_link_node(&items[i].rb, parent, link);
		rb_insert_color(&items[i].rb, &root);
	}
	rb_erase(&items[7].rb, &root);
	list_del(&items[7].node);
	for (node = rb_first(&root), i = 0; node; node = rb_next(node), i++) {
		item = rb_entry(node, struct item, rb);
		EXPECT(item->key > last);
		last = item->key;
	}
	EXPECT(i == 49);
	list_for_each_entry(item, &list, node)
		i--;
	EXPECT(i == 0);
}

static int compare(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

static void library_words_work(void *arg)
{
	int numbers[20], i;
	char text[8];
	DECLARE_BITMAP(map, 100) = { 0 };

	for (i = 0; i < 20; i++)
		numbers[i] = i * 7 % 20;
	sort(numbers, 20, sizeof(int), compare, NULL);
	for (i = 0; i < 20; i++)
		EXPECT(numbers[i] == i);
	EXPECT(strscpy(text, "12345678", 8) == -E2BIG && !strcmp(text, "1234567"));
	EXPECT(scnprintf(text, 8, "%s", "1234567890") == 7);
	EXPECT(!memchr_inv("aaaa", 'a', 4));
	EXPECT(*(char *)memchr_inv("aaba", 'a', 4) == 'b');
	set_bit(70, map);
	EXPECT(find_first_bit(map, 100) == 70 && test_bit(70, map));
	EXPECT(ilog2(4096u) == 12 && roundup_pow_of_two(5) == 8);
	EXPECT(round_up(513u, 512) == 1024 && DIV_ROUND_UP(9, 4) == 3);
	EXPECT(min(3u, sizeof(text)) == 3 && clamp(9, 1, 5) == 5);
	EXPECT(le32_to_cpu(cpu_to_le32(0x12345678)) == 0x12345678);
	EXPECT(sizeof(struct shardblk_super_extent) == 16);
	EXPECT(sizeof(struct shard_request) > 0);
}

static void count(struct work_struct *w)
{
	counter++;
	wake_up(&queue);
}

static void work_runs_once_per_queueing(void *arg)
{
	wq = alloc_workqueue("test", WQ_UNBOUND, 0);
	INIT_WORK(&work, count);
	EXPECT(queue_work(wq, &work));
	EXPECT(!queue_work(wq, &work));
	wait_event(queue, counter == 1);
	EXPECT(queue_work(wq, &work));
	EXPECT(cancel_work_sync(&work) || counter == 2);
	queue_work(wq, &work);
	kapi_settle();
	EXPECT(counter >= 2);
	flush_work(&work);
	flush_workqueue(wq);
	destroy_workqueue(wq);
}

static int at_once, at_once_max;

static void overlap(struct work_struct *w)
{
	at_once++;
	at_once_max = max(at_once_max, at_once);
	kapi_yield();
	at_once--;
}

static void max_active_is_honoured(void *arg)
{
	struct work_struct works[5];
	int i;

	at_once_max = 0;
	wq = alloc_workqueue("two at once", WQ_UNBOUND, 2);
	for (i = 0; i < 5; i++) {
		INIT_WORK(&works[i], overlap);
		queue_work(wq, &works[i]);
	}
	destroy_workqueue(wq);
	EXPECT(at_once_max == 2);
}

static void locker(void *arg)
{
	mutex_lock(&mutex_a);
	kapi_yield();
	counter++;
	mutex_unlock(&mutex_a);
	complete(&done);
}

static void fibers_share_a_mutex(void *arg)
{
	struct kapi_fiber *fibers[3];
	int i;

	for (i = 0; i < 3; i++)
		fibers[i] = kapi_spawn("locker", locker, NULL);
	for (i = 0; i < 3; i++)
		wait_for_completion(&done);
	for (i = 0; i < 3; i++)
		kapi_join(fibers[i]);
	EXPECT(counter == 3);
}

static void forever(void *arg)
{
	mutex_lock(&mutex_a);
	memory = kmalloc(100, GFP_KERNEL);
	wait_event(queue, false);
}

/* What was freed as one size is given out as any other: nothing overlaps. */
static void sizes_do_not_overlap(void *arg)
{
	u8 *a, *b, *c;
	size_t i, size;

	for (size = 16; size < 4096; size += 16) {
		for (i = 0; i < 64; i++)
			kfree(kmalloc(size, GFP_KERNEL));
		a = kmalloc(size, GFP_KERNEL);
		b = kmalloc(size, GFP_KERNEL);
		memset(b, 0x77, size);
		kfree(a);
		for (i = 0; i < 64; i++) {
			c = kzalloc(size + 4 * i, GFP_KERNEL);
			EXPECT(!memchr_inv(b, 0x77, size));
			kfree(c);
		}
		kfree(b);
	}
}

static void crash_drops_everything(void *arg)
{
	struct kapi_counts counts;

	kapi_spawn("forever", forever, NULL);
	wq = alloc_workqueue("dead", 0, 0);
	memory = kvmalloc(1 << 20, GFP_KERNEL);
	kapi_yield();
	EXPECT(mutex_is_locked(&mutex_a));
	kapi_crash();
	kapi_counts(&counts);
	EXPECT(!counts.live_allocs && counts.live_fibers == 1);
	mutex_lock(&mutex_a);
	mutex_unlock(&mutex_a);
}

static void memory_of_all_sizes(void *arg)
{
	size_t size;
	u8 *p[3];
	int i;

	for (size = 1; size < 100000; size += size / 3 + 1) {
		for (i = 0; i < 3; i++) {
			p[i] = i == 1 ? kzalloc(size, GFP_NOIO) :
					kvmalloc(size, GFP_KERNEL);
			EXPECT(IS_ALIGNED((unsigned long)p[i], 16));
			EXPECT(i != 1 || !memchr_inv(p[i], 0, size));
			memset(p[i], i, size);
		}
		for (i = 0; i < 3; i++) {
			EXPECT(!memchr_inv(p[i], i, size));
			kvfree(p[i]);
		}
	}
}

static u64 came[8];

/* Writes down when; the last one comes again and again. */
static void note_time(struct work_struct *w)
{
	struct delayed_work *d = to_delayed_work(w);

	came[counter++] = d - delayed + 10 * kapi_now / NSEC_PER_MSEC;
	if (d == &delayed[2])
		queue_delayed_work(wq, d, msecs_to_jiffies(5));
}

static void delayed_begin(void)
{
	wq = alloc_workqueue("delayed", WQ_UNBOUND, 0);
	for (int i = 0; i < 3; i++)
		INIT_DELAYED_WORK(&delayed[i], note_time);
}

static void delayed_work_comes_in_time(void *arg)
{
	delayed_begin();
	EXPECT(queue_delayed_work(wq, &delayed[1], msecs_to_jiffies(3)));
	EXPECT(!queue_delayed_work(wq, &delayed[1], msecs_to_jiffies(1)));
	queue_delayed_work(wq, &delayed[2], msecs_to_jiffies(2));
	queue_delayed_work(wq, &delayed[0], 0);
	kapi_yield();
	EXPECT(counter == 1 && came[0] == 0);
	EXPECT(delayed_work_pending(&delayed[1]));
	kapi_time_advance(2 * NSEC_PER_MSEC - 1);
	kapi_yield();
	EXPECT(counter == 1);
	kapi_time_advance(1);
	kapi_yield();
	EXPECT(counter == 2 && came[1] == 22);
	/* none is late for time that moves far at once */
	kapi_time_advance(1 * NSEC_PER_MSEC);
	kapi_yield();
	EXPECT(counter == 3 && came[2] == 31);
	EXPECT(!delayed_work_pending(&delayed[1]));
	EXPECT(cancel_delayed_work_sync(&delayed[2]));
	EXPECT(!cancel_delayed_work_sync(&delayed[2]));
	destroy_workqueue(wq);
}

static void yield_and_again(struct work_struct *w)
{
	kapi_yield();
	counter++;
	queue_delayed_work(wq, to_delayed_work(w), 1);
}

/* Also one that runs, and wants to come again. */
static void cancelled_work_does_not_come(void *arg)
{
	wq = alloc_workqueue("delayed", WQ_UNBOUND, 0);
	INIT_DELAYED_WORK(&delayed[0], yield_and_again);
	EXPECT(!cancel_delayed_work_sync(&delayed[0]));
	queue_delayed_work(wq, &delayed[0], 1);
	EXPECT(cancel_delayed_work_sync(&delayed[0]));
	queue_delayed_work(wq, &delayed[0], 0);
	kapi_yield();
	EXPECT(!cancel_delayed_work_sync(&delayed[0]) && counter == 1);
	kapi_time_advance(NSEC_PER_SEC);
	kapi_yield();
	EXPECT(counter == 1);
	destroy_workqueue(wq);
}

static void sleep_longer(void *arg)
{
	msleep(100);
	EXPECT(kapi_now == 100 * NSEC_PER_MSEC);
}

static void time_passes_for_who_sleeps(void *arg)
{
	struct kapi_fiber *other = kapi_spawn("other", sleep_longer, NULL);

	delayed_begin();
	queue_delayed_work(wq, &delayed[2], msecs_to_jiffies(2));
	msleep(25);
	EXPECT(kapi_now == 25 * NSEC_PER_MSEC);
	EXPECT(counter == 5 && came[0] == 22 && came[4] == 222);
	cancel_delayed_work_sync(&delayed[2]);
	kapi_join(other);
	destroy_workqueue(wq);
}

/* --- what must not --- */

static void wake_queue(struct work_struct *w)
{
	counter = 99;
	wake_up(&queue);
}

#ifndef KAPI_NO_CHECKS

static void noio_behind_interrupt(void *arg)
{
	kapi_irq_enter();
	memalloc_noio_save();
	kapi_irq_exit();
}

static void sleep_under_spinlock(void *arg)
{
	spin_lock(&lock_a);
	wait_event(queue, true);
}

static void allocation_under_spinlock(void *arg)
{
	spin_lock(&lock_a);
	memory = kmalloc(1, GFP_KERNEL);
}

static void mutex_under_spinlock(void *arg)
{
	spin_lock_irqsave(&lock_a, flags);
	mutex_lock(&mutex_a);
}

static void sleep_in_interrupt(void *arg)
{
	kapi_irq_enter();
	memory = kzalloc(1, GFP_NOIO);
}

static void sleep_in_atomic_section(void *arg)
{
	kapi_atomic_enter();
	might_sleep();
}

static void double_unlock(void *arg)
{
	spin_lock(&lock_a);
	spin_unlock(&lock_a);
	spin_unlock(&lock_a);
}

static void take_mutex_b(void *arg)
{
	mutex_lock(&mutex_b);
	kapi_yield();
	kapi_yield();
	mutex_unlock(&mutex_b);
}

static void unlock_by_another(void *arg)
{
	kapi_spawn("other", take_mutex_b, NULL);
	kapi_yield();
	mutex_unlock(&mutex_b);
}

static void recursion(void *arg)
{
	spin_lock(&lock_a);
	spin_lock(&lock_a);
}

static void mutex_recursion(void *arg)
{
	mutex_lock(&mutex_a);
	mutex_lock(&mutex_a);
}

/* Code that is in the program twice: one class, and so one order, all the same. */
#define INIT_AT_ONE_PLACE(l)						\
	do {								\
		spin_lock_init(l);					\
		l++;							\
		spin_lock_init(l);					\
	} while (0)

static void one_place_twice(void *arg)
{
	static spinlock_t locks[2];
	spinlock_t *l = locks;

	INIT_AT_ONE_PLACE(l);
	spin_lock(&locks[0]);
	spin_lock(&locks[1]);
}

static void wrong_order(void *arg)
{
	spin_lock(&lock_a);
	spin_lock(&lock_b);
	spin_unlock(&lock_b);
	spin_unlock(&lock_a);
	spin_lock(&lock_b);
	spin_lock(&lock_a);
}

static void two_of_a_class(void *arg)
{
	struct {
		spinlock_t lock;	/* of nothing */
	} twins[2];
	int i;

	for (i = 0; i < 2; i++)
		spin_lock_init(&twins[i].lock);
	spin_lock(&twins[0].lock);
	spin_lock(&twins[1].lock);
}

static void irq_unsafe_lock(void *arg)
{
	spin_lock(&lock_a);
	spin_unlock(&lock_a);
	kapi_irq_enter();
	spin_lock(&lock_a);
}

static void irq_unsafe_at_a_distance(void *arg)
{
	spin_lock(&lock_b);
	spin_unlock(&lock_b);
	spin_lock_irqsave(&lock_a, flags);
	spin_lock(&lock_b);
	spin_unlock(&lock_b);
	spin_unlock_irqrestore(&lock_a, flags);
	kapi_irq_enter();
	spin_lock(&lock_a);
}

static void wrong_unlock(void *arg)
{
	spin_lock_irqsave(&lock_a, flags);
	spin_unlock(&lock_a);
}

static void lock_not_initialised(void *arg)
{
	spinlock_t *lock = kzalloc(sizeof(*lock), GFP_KERNEL);

	spin_lock(lock);
}

static void lock_not_held(void *arg)
{
	lockdep_assert_held(&lock_a);
}

static void end_with_lock(void *arg)
{
	spin_lock(&lock_a);
}

static void take_mutex_in_work(struct work_struct *w)
{
	mutex_lock(&mutex_a);
	mutex_unlock(&mutex_a);
}

static void flush_holding_what_work_takes(void *arg)
{
	wq = alloc_workqueue("flushed", WQ_UNBOUND, 0);
	INIT_WORK(&work, take_mutex_in_work);
	queue_work(wq, &work);
	flush_work(&work);
	mutex_lock(&mutex_a);
	flush_work(&work);
}

static void allocate_in_work(struct work_struct *w)
{
	kfree(kmalloc(1, GFP_NOIO));
	kfree(kmalloc(1, GFP_KERNEL));
}

static void allocation_on_writeback_path(void *arg)
{
	wq = alloc_workqueue("reclaim", WQ_MEM_RECLAIM, 0);
	INIT_WORK(&work, allocate_in_work);
	queue_work(wq, &work);
	destroy_workqueue(wq);
}

static void deleted_twice(void *arg)
{
#ifdef CONFIG_DEBUG_LIST
	LIST_HEAD(list);
	struct list_head node;

	list_add(&node, &list);
	list_del(&node);
	list_del(&node);
#else
	kapi_fail("deleted twice");
#endif
}

static void free_while_locked(void *arg)
{
	spinlock_t *lock = kzalloc(sizeof(*lock), GFP_KERNEL);

	spin_lock_init(lock);
	spin_lock(lock);
	kfree(lock);
}

static void free_with_timer(void *arg)
{
	struct delayed_work *d = kzalloc(sizeof(*d), GFP_KERNEL);

	wq = alloc_workqueue("delayed", WQ_UNBOUND, 0);
	INIT_DELAYED_WORK(d, wake_queue);
	queue_delayed_work(wq, d, 1);
	kfree(d);
}

static void wrong_free(void *arg)
{
	kfree(kvmalloc(10, GFP_KERNEL));
}

#endif /* KAPI_NO_CHECKS */

static void fail_by_warning(void *arg)
{
	WARN_ON_ONCE(counter == 0);
}

static void leak(void *arg)
{
	memory = kmalloc(123, GFP_KERNEL);
}

static void leak_workqueue(void *arg)
{
	wq = alloc_workqueue("kept", 0, 0);
}

/* Time would bring it, but nobody lets time pass. */
static void deadlock_but_for_time(void *arg)
{
	wq = alloc_workqueue("delayed", WQ_UNBOUND, 0);
	INIT_DELAYED_WORK(&delayed[0], wake_queue);
	queue_delayed_work(wq, &delayed[0], 1);
	wait_event(queue, counter == 99);
}

static void leak_timer(void *arg)
{
	kapi_spawn("asleep", sleep_longer, NULL);
	kapi_yield();
}

static void workqueue_goes_first(void *arg)
{
	delayed_begin();
	queue_delayed_work(wq, &delayed[0], 1);
	destroy_workqueue(wq);
}

static void leak_fiber(void *arg)
{
	kapi_spawn("kept", forever, NULL);
	kapi_yield();
}

static void deadlock_by_event(void *arg)
{
	wait_event(queue, counter == 99);
}

static void take_b_then_a(void *arg)
{
	mutex_lock(&mutex_b);
	kapi_yield();
	mutex_lock(&mutex_a);
}

/* Their order is learned from neither: both block before. */
static void deadlock_by_mutex(void *arg)
{
	kapi_spawn("other", take_b_then_a, NULL);
	mutex_lock(&mutex_a);
	kapi_yield();
	wait_event(queue, false);
}

static void unknown_format(void *arg)
{
	pr_info("%pU\n", memory);
}

static const struct test_case {
	const char *name;
	void (*fn)(void *arg);
	const char *failure;
} cases[] = {
#define WORKS(fn)	{ #fn, fn, NULL }
#define FAILS(fn, text)	{ #fn, fn, text }
	WORKS(checksum_is_the_kernels),
	WORKS(checksums_are_right),
	WORKS(lists_and_trees_work),
	WORKS(library_words_work),
	WORKS(work_runs_once_per_queueing),
	WORKS(max_active_is_honoured),
	WORKS(fibers_share_a_mutex),
	WORKS(sizes_do_not_overlap),
	WORKS(crash_drops_everything),
	WORKS(memory_of_all_sizes),
	WORKS(delayed_work_comes_in_time),
	WORKS(cancelled_work_does_not_come),
	WORKS(time_passes_for_who_sleeps),
	FAILS(fail_by_warning, "WARN"),
	FAILS(leak, "123 bytes"),
	FAILS(leak_workqueue, "workqueue kept"),
	FAILS(leak_fiber, "fiber kept, in wait_event(false)"),
	FAILS(leak_timer, "a timer that is armed"),
	FAILS(workqueue_goes_first, "before delayed work of it"),
	FAILS(deadlock_by_event, "waits in wait_event(counter == 99)"),
	FAILS(deadlock_but_for_time, "waits in wait_event(counter == 99)"),
	FAILS(deadlock_by_mutex, "held by main"),
	FAILS(unknown_format, "format"),
#ifndef KAPI_NO_CHECKS
	FAILS(noio_behind_interrupt, "as it began"),
	FAILS(sleep_under_spinlock, "holding &lock_a"),
	FAILS(allocation_under_spinlock, "holding &lock_a"),
	FAILS(mutex_under_spinlock, "holding &lock_a"),
	FAILS(sleep_in_interrupt, "interrupt context"),
	FAILS(sleep_in_atomic_section, "atomic section"),
	FAILS(double_unlock, "not locked"),
	FAILS(unlock_by_another, "held by another"),
	FAILS(recursion, "the same fiber holds"),
	FAILS(mutex_recursion, "the same fiber holds"),
	FAILS(wrong_order, "the other order was seen"),
	FAILS(one_place_twice, "at once"),
	FAILS(two_of_a_class, "at once"),
	FAILS(irq_unsafe_lock, "also held with interrupts on"),
	FAILS(irq_unsafe_at_a_distance, "which is taken under it"),
	FAILS(wrong_unlock, "unlocked otherwise"),
	FAILS(lock_not_initialised, "never initialised"),
	FAILS(lock_not_held, "not held"),
	FAILS(end_with_lock, "ends holding"),
	FAILS(flush_holding_what_work_takes, "lock order"),
	FAILS(allocation_on_writeback_path, "writeback path"),
	FAILS(deleted_twice, "deleted twice"),
	FAILS(free_while_locked, "freed while held"),
	FAILS(free_with_timer, "a timer that is armed"),
	FAILS(wrong_free, "kvmalloc memory"),
#endif
};

static bool run_case(const struct test_case *c)
{
	const char *failure;

	counter = 0;
	init_waitqueue_head(&queue);
	init_completion(&done);
	mutex_init(&mutex_a);
	mutex_init(&mutex_b);
	spin_lock_init(&lock_a);
	spin_lock_init(&lock_b);
	kapi_lock_graph_reset();
	kapi_run(NULL, c->fn, NULL);
	failure = kapi_failure();
	if (c->failure ? failure && strstr(failure, c->failure) : !failure)
		return true;
	printf("kapi: %s: %s\n", c->name, failure ? failure : "did not fail");
	return false;
}

/* --- what it costs --- */

#define SWITCHES	1000000
#define RUNS		100000

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1e9 + t.tv_nsec;
}

static void yielder(void *arg)
{
	int i;

	for (i = 0; i < SWITCHES / 2; i++)
		kapi_yield();
}

static void two_yielders(void *arg)
{
	struct kapi_fiber *other = kapi_spawn("other", yielder, NULL);

	yielder(NULL);
	kapi_join(other);
}

static void nothing(void *arg)
{
}

static void measure(void)
{
	double start = now();
	int i;

	kapi_run(NULL, two_yielders, NULL);
	printf("kapi: %.1f ns per fiber switch", (now() - start) / SWITCHES);
	start = now();
	for (i = 0; i < RUNS; i++)
		kapi_run(NULL, nothing, NULL);
	printf(", %.1f ns per run\n", (now() - start) / RUNS);
}

int main(void)
{
	size_t i, nr_failed = 0;

	for (i = 0; i < ARRAY_SIZE(cases); i++)
		nr_failed += !run_case(&cases[i]);
	measure();
	printf("kapi: %zu cases, %zu failed\n", i, nr_failed);
	return nr_failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
