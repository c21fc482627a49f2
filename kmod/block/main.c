// SPDX-License-Identifier: GPL-2.0-only
/*
 * The module: loading makes the control node, unloading stops all devices.
 *
 * Unloading while a device or the control node is open is refused by the
 * module's use count, which their openers hold.
 */
#include <linux/miscdevice.h>
#include <linux/module.h>

#include "block.h"

static struct miscdevice control = {
	.minor	= MISC_DYNAMIC_MINOR,
	.name	= "shardblk-control",
	.fops	= &shardblk_control_fops,
	.mode	= 0600,
};

static int __init shardblk_init(void)
{
	int error;

	shardblk_sysfs_init();
	shardblk_debugfs_init();
	error = misc_register(&control);
	if (error)
		shardblk_debugfs_exit();
	return error;
}

static void __exit shardblk_exit(void)
{
	misc_deregister(&control);
	shardblk_remove_all();
	shardblk_debugfs_exit();
}

module_init(shardblk_init);
module_exit(shardblk_exit);

MODULE_DESCRIPTION("Log-structured block device with checked crash behaviour");
MODULE_VERSION(SHARDBLK_RELEASE);
MODULE_LICENSE("GPL");
