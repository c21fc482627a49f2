/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Many seeds, for long, on any number of machines.
 */
#ifndef SCALE_SOAK_H
#define SCALE_SOAK_H

#include "shard.h"

/**
 * struct soak - what to run
 * @first:	where the seeds begin; the same for all shards
 * @scenarios:	so many, by all shards together; 0: for a while
 * @seconds:	which is this long
 * @suite:	this one only; NULL: all, by their shares, and each test once
 * @shard:	which of the seeds are ours
 * @results:	directory for the result; NULL: none is wanted
 */
struct soak {
	u64 first;
	u64 scenarios;
	u32 seconds;
	const char *suite;
	struct shard shard;
	const char *results;
};

/** soak_run() - Return: exit code; 1: something failed, or never occurred */
int soak_run(const struct soak *soak);

/**
 * soak_merge() - add results up, and report the sum
 * @to:		a result that is to be written of it; or NULL
 *
 * Return: exit code; 1: something failed, or never occurred; 2: they cannot be
 * added up; 3: nothing failed, but not all shards are there.
 */
int soak_merge(char **paths, u32 nr, const char *to);

#endif /* SCALE_SOAK_H */
