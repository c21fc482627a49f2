// SPDX-License-Identifier: GPL-2.0-only
/*
 * The module: loading makes the control node, unloading stops all devices.
 *
 * Unloading while a device or the control node is open is refused by the
 * module's use count, which their openers hold.
 */
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/suspend.h>

#include "block.h"

static struct miscdevice control = {
	.minor	= MISC_DYNAMIC_MINOR,
	.name	= "shardblk-control",
	.fops	= &shardblk_control_fops,
	.mode	= 0600,
};

static int power_event(struct notifier_block *nb, unsigned long event,
		       void *unused)
{
	switch (event) {
	case PM_HIBERNATION_PREPARE:
	case PM_RESTORE_PREPARE:
		return notifier_from_errno(shardblk_hibernate());
	case PM_SUSPEND_PREPARE:
	case PM_POST_SUSPEND:
		shardblk_suspend(event == PM_SUSPEND_PREPARE);
		break;
	case PM_POST_HIBERNATION:
	case PM_POST_RESTORE:
		shardblk_hibernate_end();
	}
	return NOTIFY_DONE;
}

static struct notifier_block power = { .notifier_call = power_event };

static int __init shardblk_init(void)
{
	int error;

	shardblk_sysfs_init();
	shardblk_debugfs_init();
	error = register_pm_notifier(&power);
	if (error)
		goto out_debugfs;
	error = misc_register(&control);
	if (error)
		goto out_power;
	return 0;

out_power:
	unregister_pm_notifier(&power);
out_debugfs:
	shardblk_debugfs_exit();
	return error;
}

static void __exit shardblk_exit(void)
{
	misc_deregister(&control);
	unregister_pm_notifier(&power);
	shardblk_remove_all();
	shardblk_debugfs_exit();
}

module_init(shardblk_init);
module_exit(shardblk_exit);

MODULE_DESCRIPTION("Log-structured block device with checked crash behaviour");
MODULE_VERSION(SHARDBLK_RELEASE);
MODULE_LICENSE("GPL");
