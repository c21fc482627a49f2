/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The time of the machine, which no run may see.
 */
#ifndef SCALE_CLOCK_H
#define SCALE_CLOCK_H

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

#endif /* SCALE_CLOCK_H */
