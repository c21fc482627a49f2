// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which shard is this?
 *
 * Each of a scheduler's tasks must find its own number, and all of them the
 * same count: a shard that is run twice, or by nobody, looks like any other.  So
 * what is missing, no number, or does not fit together is refused.
 */
#include <stdlib.h>

#include "shard.h"

/**
 * struct array - how a scheduler tells
 * @index:	variable of the task's number
 * @first:	variable of the first task's number; or NULL
 * @last:	variable of the last task's number; or NULL
 * @count:	variable of how many there are; NULL: it does not say
 * @origin:	the first task's number, if there is no variable
 */
struct array {
	const char *index;
	const char *first;
	const char *last;
	const char *count;
	u32 origin;
};

static const struct array arrays[] = {
	{ .index = "SHARD", .count = "SHARDS" },
	{ .index = "SLURM_ARRAY_TASK_ID", .first = "SLURM_ARRAY_TASK_MIN",
	  .last = "SLURM_ARRAY_TASK_MAX", .count = "SLURM_ARRAY_TASK_COUNT" },
	{ .index = "AWS_BATCH_JOB_ARRAY_INDEX",
	  .count = "AWS_BATCH_JOB_ARRAY_SIZE" },
	{ .index = "JOB_COMPLETION_INDEX" },	/* Kubernetes */
	{ .index = "PARALLEL_SEQ", .origin = 1 },	/* GNU parallel */
};

/* Where to ask, and where to complain. */
struct asked {
	char *(*get)(const char *name);
	char *why;
	size_t size;
};

static const char *variable(const struct asked *asked, const char *name)
{
	const char *value = name ? asked->get(name) : NULL;

	return value && *value ? value : NULL;
}

static bool number(const struct asked *asked, const char *name, u32 *to)
{
	const char *value = variable(asked, name);
	char *end;
	u64 n;

	if (!value) {
		scnprintf(asked->why, asked->size, "%s is not set", name);
		return false;
	}
	errno = 0;
	n = strtoull(value, &end, 10);
	if (*value < '0' || *value > '9' || *end || errno || n > U32_MAX) {
		scnprintf(asked->why, asked->size, "%s=%s is no number", name,
			  value);
		return false;
	}
	*to = n;
	return true;
}

/* Of a list such as 1,3,7 or 0-8:2 nobody could say who comes second. */
static bool without_gaps(const struct asked *asked, const struct array *a,
			 u32 first, u32 count)
{
	u32 last;

	if (!variable(asked, a->last))
		return true;
	if (!number(asked, a->last, &last))
		return false;
	if (last >= first && last - first == count - 1)
		return true;
	scnprintf(asked->why, asked->size,
		  "%s=%u, %s=%u, %s=%u: the tasks must be numbered without gaps",
		  a->first, first, a->last, last, a->count, count);
	return false;
}

static bool array_read(const struct asked *asked, const struct array *a,
		       struct shard *shard)
{
	const char *count = a->count ?: "SHARDS";
	u32 index, first = a->origin, shards;

	if (!number(asked, a->index, &index) ||
	    !number(asked, count, &shard->count) ||
	    (a->first && !number(asked, a->first, &first)))
		return false;
	if (!shard->count || shard->count > SHARDS_MAX) {
		scnprintf(asked->why, asked->size,
			  "%s=%u: there may be 1 to %u shards", count,
			  shard->count, SHARDS_MAX);
		return false;
	}
	if (variable(asked, "SHARDS")) {
		if (!number(asked, "SHARDS", &shards))
			return false;
		if (shards != shard->count) {
			scnprintf(asked->why, asked->size,
				  "%s=%u, but SHARDS=%u", count, shard->count,
				  shards);
			return false;
		}
	}
	if (!without_gaps(asked, a, first, shard->count))
		return false;
	if (index < first || index - first >= shard->count) {
		scnprintf(asked->why, asked->size,
			  "%s=%u is none of %u from %u on", a->index, index,
			  shard->count, first);
		return false;
	}
	shard->index = index - first;
	shard->source = a->index;
	return true;
}

bool shard_find(struct shard *shard, char *(*get)(const char *name),
		char *why, size_t size)
{
	const struct asked asked = { .get = get, .why = why, .size = size };
	u32 i, count;

	for (i = 0; i < ARRAY_SIZE(arrays); i++)
		if (variable(&asked, arrays[i].index))
			return array_read(&asked, &arrays[i], shard);
	*shard = (struct shard){ .count = 1 };
	if (!variable(&asked, "SHARDS"))
		return true;
	if (!number(&asked, "SHARDS", &count))
		return false;
	if (count == 1)
		return true;
	scnprintf(why, size, "SHARDS=%u, but nothing says which one this is",
		  count);
	return false;
}
