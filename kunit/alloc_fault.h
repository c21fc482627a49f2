/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Let the n-th allocation from now on fail, in both worlds: a loop over n
 * reaches every error path that a lack of memory leads to.
 *
 *	for (n = 1; ; n++) {
 *		alloc_fault_arm(n);
 *		thing = thing_create();
 *		struck = alloc_fault_disarm();
 *		...
 *		if (!struck)
 *			break;
 *	}
 *
 * A failure need not be seen: kvmalloc() has a second way to get its memory.
 */
#ifndef KUNIT_ALLOC_FAULT_H
#define KUNIT_ALLOC_FAULT_H

/* More allocations than any one call here makes. */
#define ALLOC_FAULT_MAX	1000

#ifdef __KERNEL__

#include <linux/sched.h>

static inline bool alloc_fault_possible(void)
{
	return IS_ENABLED(CONFIG_FAILSLAB);
}

static inline void alloc_fault_arm(unsigned int n)
{
#ifdef CONFIG_FAULT_INJECTION
	current->fail_nth = n;
#endif
}

/* Was it reached? */
static inline bool alloc_fault_disarm(void)
{
	bool struck = false;

#ifdef CONFIG_FAULT_INJECTION
	struck = !current->fail_nth;
	current->fail_nth = 0;
#endif
	return struck;
}

#else

bool alloc_fault_possible(void);
void alloc_fault_arm(unsigned int n);
bool alloc_fault_disarm(void);

#endif

#endif /* KUNIT_ALLOC_FAULT_H */
