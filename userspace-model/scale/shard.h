/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which share of the seeds is ours, where many machines run them?
 */
#ifndef SCALE_SHARD_H
#define SCALE_SHARD_H

#include "kapi.h"

/* A residue of seeds; an overlap is looked for in steps of this. */
#define SHARDS_MAX	1000000u

/**
 * struct shard - one of several
 * @index:	which, from 0
 * @count:	of how many
 * @source:	the variable that said so; NULL: nobody did, there is one only
 */
struct shard {
	u32 index;
	u32 count;
	const char *source;
};

/**
 * shard_find() - ask the environment
 * @get:	getenv(), or a test's; a variable that is empty is not there
 * @why:	what is wrong with it, if something is
 *
 * SHARD and SHARDS come first, then the array variables of Slurm, AWS Batch,
 * Kubernetes and GNU parallel; the last two do not tell how many there are, so
 * that SHARDS must.
 *
 * Return: is all well?
 */
bool shard_find(struct shard *shard, char *(*get)(const char *name),
		char *why, size_t size);

#endif /* SCALE_SHARD_H */
