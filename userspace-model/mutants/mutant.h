/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the engine with mutants sees beyond the words of Linux: which mutant is
 * switched on.  Force-included, for the woven copy of kmod/core only.
 *
 * The engine's own assertions are asked for nothing here: a mutant must be
 * noticed by somebody else.  Their conditions are still evaluated, as some
 * have effects.
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

#undef WARN
#define WARN(cond, fmt, ...)	({ bool __warn = !!(cond); __warn; })

#endif /* MUTANT_H */
