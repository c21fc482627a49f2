/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What must have occurred: marks (kapi/points.h) and pairs of operations.
 *
 * Both are counted by each process for itself; sums of several are made of
 * copies that lie in shared memory.
 */
#ifndef CHECK_SOMETIMES_H
#define CHECK_SOMETIMES_H

#include "history.h"

#define SOMETIMES_MAX	160

/* A copy of all counts. */
struct sometimes {
	u64 points[SOMETIMES_MAX];
	u64 pairs[NR_OPS][NR_OPS];
};

/** sometimes_save() - add what this process has counted so far */
void sometimes_save(struct sometimes *to);

/** sometimes_add() - sum up */
void sometimes_add(struct sometimes *to, const struct sometimes *from);

/**
 * sometimes_report() - print what did not occur
 * @all:	all marks with their counts, too
 * @rare:	rare ones are to be expected as well, and all pairs
 *
 * Pairs with faults are listed, but only those of the plain alphabet have to
 * have run.
 *
 * Return: how many marks and pairs are missing.
 */
u32 sometimes_report(const struct sometimes *sum, bool all, bool rare);

#endif /* CHECK_SOMETIMES_H */
