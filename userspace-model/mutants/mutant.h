/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the engine with mutants sees beyond the words of Linux: which mutant is
 * switched on.  Force-included, for the woven copy of kmod/core, and of models
 * (MUTANT_MODEL) that have faults of their own.
 *
 * The engine's own assertions are asked for nothing: a mutant must be noticed by
 * somebody else.  Their conditions are still evaluated, as some have effects.  What
 * they would notice is measured by switching them on.
 */
#ifndef MUTANT_H
#define MUTANT_H

#include "mutant_names.h"

#define SHARD_MUTANT_ENUM(name)	SHARD_MUTANT_##name,
enum shard_mutant {
	SHARD_MUTANT_NONE,
	SHARD_MUTANTS(SHARD_MUTANT_ENUM)
};

/** shard_mutant - the one that is switched on, by MUTANT=NAME in the environment */
extern enum shard_mutant shard_mutant;

#define SHARD_MUTANT(name)	(shard_mutant == SHARD_MUTANT_##name)

/** shard_mutant_assert - the engine's assertions speak, by MUTANT_ASSERT=1 */
extern bool shard_mutant_assert;

#ifndef MUTANT_MODEL
#undef WARN
#define WARN(cond, fmt, ...) ({						\
	bool __warn = !!(cond);						\
									\
	if (unlikely(__warn && shard_mutant_assert))			\
		kapi_fail("assertion at " __kapi_at ": " fmt, ##__VA_ARGS__); \
	__warn; })
#endif

#endif /* MUTANT_H */
