// SPDX-License-Identifier: GPL-2.0-only
/*
 * Fibers as threads of ThreadSanitizer, and what it reports.
 */
#include "fiber.h"

#ifdef KAPI_RACE
#include <unistd.h>

#define NO_SYNC		1u	/* a switch that orders nothing */
#define FRAMES		1u

/* The first report since kapi_race_seen(): two accesses. */
static struct {
	unsigned int nr;
	void *pc[2];
	int write[2];
} seen;

/* A run that is made again has to be told again. */
const char *__tsan_default_options(void)
{
	static const char * const options =
		"suppress_equal_stacks=0\n"
		"suppress_equal_addresses=0\n"
		"report_thread_leaks=0\n"
		"report_signal_unsafe=0\n"
		"history_size=7\n"
		"exitcode=0\n"
		"atexit_sleep_ms=0\n";

	return options;
}

/* It holds its own locks meanwhile: names are looked up later. */
void __tsan_on_report(void *report)
{
	int tid, size, atomic;
	unsigned long i;
	void *addr;

	if (seen.nr++)
		return;
	for (i = 0; i < 2; i++)
		__tsan_get_report_mop(report, i, &tid, &addr, &size,
				      &seen.write[i], &atomic, &seen.pc[i],
				      FRAMES);
}

void kapi_racy_begin(void)
{
	if (kapi.cur)
		kapi.cur->racy++;
	AnnotateIgnoreWritesBegin(__FILE__, __LINE__);
}

void kapi_racy_end(void)
{
	if (kapi.cur)
		kapi.cur->racy--;
	AnnotateIgnoreWritesEnd(__FILE__, __LINE__);
}

/*
 * A process that is forked has one thread, it thinks, and the others' locks may
 * never be free: so it watches no longer what that thread does.  Here they are
 * fibers of it.
 */
void kapi_race_begin(void)
{
	static pid_t pid;

	if (pid && pid != getpid()) {
		AnnotateIgnoreReadsEnd(__FILE__, __LINE__);
		AnnotateIgnoreSyncEnd(__FILE__, __LINE__);
	}
	pid = getpid();
}

bool kapi_race_seen(char *buf, size_t size)
{
	char places[2][256];
	u32 i;

	if (!seen.nr)
		return false;
	for (i = 0; i < 2; i++)
		__sanitizer_symbolize_pc(seen.pc[i], "%f at %s:%l", places[i],
					 sizeof(places[i]));
	scnprintf(buf, size, "data race: a %s in %s, and a %s in %s",
		  seen.write[0] ? "write" : "read", places[0],
		  seen.write[1] ? "write" : "read", places[1]);
	memset(&seen, 0, sizeof(seen));
	return true;
}

void kapi_race_switch(struct kapi_fiber *from, struct kapi_fiber *to)
{
	if (!from->thread)
		from->thread = __tsan_get_current_fiber();
	__tsan_switch_to_fiber(to->thread, NO_SYNC);
}

void kapi_race_join(struct kapi_fiber *fiber)
{
	void *self = __tsan_get_current_fiber();

	__tsan_switch_to_fiber(fiber->thread, NO_SYNC);
	__tsan_switch_to_fiber(self, 0);
}

/* Its calls are forgotten, its stack is used again. */
void kapi_race_reset(struct kapi_fiber *fiber)
{
	void *self = __tsan_get_current_fiber();
	void *old = fiber->thread;

	fiber->thread = __tsan_create_fiber(0);
	if (!old)
		return;
	__tsan_switch_to_fiber(old, NO_SYNC);
	for (; fiber->racy; fiber->racy--)
		AnnotateIgnoreWritesEnd(__FILE__, __LINE__);
	__tsan_switch_to_fiber(fiber->thread, 0);
	__tsan_switch_to_fiber(self, 0);
	__tsan_destroy_fiber(old);
}
#endif
