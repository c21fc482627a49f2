// SPDX-License-Identifier: GPL-2.0-only
/*
 * A module for tools/bench/cost: what a checksum and a copy of 4 KiB take in this
 * kernel, in instructions.  It says so in the log, and does not stay.
 */
#include <linux/crc32c.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <asm/msr.h>

#define BLOCK	4096u
#define TURNS	64u

static int __init cost_unit_init(void)
{
	u8 *from = kmalloc(BLOCK, GFP_KERNEL), *to = kmalloc(BLOCK, GFP_KERNEL);
	u64 begin, crc, copy;
	u32 sum = 0;
	unsigned int i;

	if (!from || !to) {
		kfree(from);
		kfree(to);
		return -ENOMEM;
	}
	memset(from, 0x5a, BLOCK);
	preempt_disable();
	begin = rdtsc();
	for (i = 0; i < TURNS; i++)
		sum = crc32c(sum, from, BLOCK);
	crc = rdtsc() - begin;
	begin = rdtsc();
	for (i = 0; i < TURNS; i++) {
		memcpy(to, from, BLOCK);
		barrier();
	}
	copy = rdtsc() - begin;
	preempt_enable();
	pr_info("cost-unit: crc=%llu copy=%llu (%x)\n", crc / TURNS, copy / TURNS, sum);
	kfree(from);
	kfree(to);
	return -EAGAIN;
}
module_init(cost_unit_init);

MODULE_DESCRIPTION("Instructions of a checksum and of a copy");
MODULE_LICENSE("GPL");
