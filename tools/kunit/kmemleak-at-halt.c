// SPDX-License-Identifier: GPL-2.0-only
/*
 * Included at the end of mm/kmemleak.c in the private kernel tree that
 * tools/kunit/run builds: look for leaks when the tests are over.
 *
 * KUnit runs before there is any user space that could ask debugfs for a
 * scan, and kunit_shutdown=halt follows at once, so the scan hangs on the
 * reboot notifier, which runs in the same task and may sleep. kmemleak
 * reports an object only when its content stayed the same between two scans
 * and when it is old enough; the age exists for a live system and is waived.
 */

#include <linux/completion.h>
#include <linux/reboot.h>

static DECLARE_COMPLETION(kmemleak_at_halt_done);

/*
 * Not by kmemleak_verbose: that prints under a raw spinlock, where the UML
 * console's spinlock must not be taken.
 */
static void kmemleak_at_halt_report(void)
{
	struct kmemleak_object *object;

	rcu_read_lock();
	list_for_each_entry_rcu(object, &object_list, object_list) {
		if (object->flags & OBJECT_REPORTED)
			print_unreferenced(NULL, object);
	}
	rcu_read_unlock();
}

/* A thread of its own, because kmemleak_scan() asks kthread_should_stop(). */
static int kmemleak_at_halt_thread(void *data)
{
	int scans = 3;

	mutex_lock(&scan_mutex);
	jiffies_min_age = 0;
	while (scans--) {
		kmemleak_scan();
		msleep(20);
	}
	kmemleak_at_halt_report();
	mutex_unlock(&scan_mutex);
	complete(&kmemleak_at_halt_done);
	return 0;
}

static int kmemleak_at_halt(struct notifier_block *nb, unsigned long action,
			    void *data)
{
	/* Let kfree_rcu() and delayed frees of the last test come through. */
	rcu_barrier();
	msleep(100);

	if (IS_ERR(kthread_run(kmemleak_at_halt_thread, NULL, "leak-check")))
		return NOTIFY_DONE;
	wait_for_completion(&kmemleak_at_halt_done);
	pr_info("scan at halt done, %s\n",
		kmemleak_enabled && !kmemleak_error ? "enabled" : "disabled");
	return NOTIFY_DONE;
}

static struct notifier_block kmemleak_at_halt_nb = {
	.notifier_call = kmemleak_at_halt,
	/* Before the drivers that free their things at reboot. */
	.priority = INT_MAX,
};

static int __init kmemleak_at_halt_init(void)
{
	return register_reboot_notifier(&kmemleak_at_halt_nb);
}
late_initcall(kmemleak_at_halt_init);
