// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which mutant is switched on, and whether assertions are: the environment says.
 */
#include <stdlib.h>

#include "mutant.h"

enum shard_mutant shard_mutant;
bool shard_mutant_assert;

#define MUTANT_NAME(name)	#name,
static const char * const names[] = { SHARD_MUTANTS(MUTANT_NAME) };

static void __attribute__((__constructor__)) mutant_choose(void)
{
	const char *name = getenv("MUTANT");
	unsigned int i;

	shard_mutant_assert = getenv("MUTANT_ASSERT");
	if (!name || !*name)
		return;
	for (i = 0; i < ARRAY_SIZE(names); i++)
		if (!strcmp(names[i], name))
			shard_mutant = i + 1;
	if (!shard_mutant) {
		fprintf(stderr, "MUTANT=%s: there is no such mutant\n", name);
		exit(2);
	}
}
