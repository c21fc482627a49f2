/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What came of a soak, as a file that can be added to others.
 */
#ifndef SCALE_RESULT_H
#define SCALE_RESULT_H

#include "jobs.h"
#include "shard.h"

/**
 * struct part - some of the seeds
 * @first:	where the seeds of all shards begin
 * @shard:	this one has @first + @shard, and every @shards-th from there on ...
 * @shards:	... as there are so many
 * @until:	below this
 */
struct part {
	u64 first;
	u32 shard;
	u32 shards;
	u64 until;
};

/**
 * struct failure - what failed
 * @repro:	SUITE:SEED
 * @why:	the first line
 */
struct failure {
	char repro[64];
	char why[JOB_WHY_SIZE];
};

/**
 * struct result - what came of some parts
 * @program:	hash of what ran
 * @suite:	the only one that ran; empty: all did, and tests
 * @seconds:	of all parts, one after the other
 * @cpu_seconds: the same of CPU time
 * @parts:	which seeds
 * @failures:	all there were
 * @tallies:	of each suite
 * @sometimes:	what occurred
 */
struct result {
	u64 program;
	char suite[32];
	double seconds;
	double cpu_seconds;
	u32 nr_parts;
	struct part *parts;
	u32 nr_failures;
	struct failure *failures;
	struct check_tally tallies[SUITES_MAX];
	struct sometimes sometimes;
};

/** result_part() - one more part */
void result_part(struct result *result, const struct part *part);
/** result_failure() - one more failure */
void result_failure(struct result *result, const char *repro, const char *why);
void result_free(struct result *result);

/** result_write() - a file that appears whole.  Return: 0 or -errno */
int result_write(const struct result *result, const char *path);

/**
 * result_read() - what result_write() wrote
 *
 * Its marks are those of this program, so it must have been that which ran.
 *
 * Return: is it a result?  If not, @why says what is wrong.
 */
bool result_read(struct result *result, const char *path, char *why,
		 size_t size);

/**
 * result_add() - add one up
 *
 * Only what ran other seeds of the same program and suites can be: nothing may
 * count twice.
 *
 * Return: can it?  If not, @why says what stands against it, and @sum is as before.
 */
bool result_add(struct result *sum, const struct result *from, char *why,
		size_t size);

#endif /* SCALE_RESULT_H */
