/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The time of the machine, which no run may see.
 */
#ifndef SCALE_CLOCK_H
#define SCALE_CLOCK_H

#include <sys/resource.h>
#include <time.h>

/** seconds_of() - by a clock of the machine */
static inline double seconds_of(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

/** now() - in seconds since some moment */
static inline double now(void)
{
	return seconds_of(CLOCK_MONOTONIC);
}

/** cpu_seconds() - that this process has used */
static inline double cpu_seconds(void)
{
	return seconds_of(CLOCK_PROCESS_CPUTIME_ID);
}

/** cpu_seconds_children() - that children used which have ended */
static inline double cpu_seconds_children(void)
{
	struct rusage r;

	getrusage(RUSAGE_CHILDREN, &r);
	return r.ru_utime.tv_sec + r.ru_stime.tv_sec +
	       (r.ru_utime.tv_usec + r.ru_stime.tv_usec) / 1e6;
}

#endif /* SCALE_CLOCK_H */
