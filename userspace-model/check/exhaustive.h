/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Running the alphabet: all sequences, on several processes; replay; figures.
 *
 * With PRUNE=0 in the environment no state is pruned.
 */
#ifndef CHECK_EXHAUSTIVE_H
#define CHECK_EXHAUSTIVE_H

#include "kapi.h"

/** exhaustive_disk() - run on that disk (alphabet.h).  Return: is there one */
bool exhaustive_disk(const char *name);

/**
 * exhaustive_run() - all sequences of up to @length operations
 * @states_max:	of a crash point with more states some are drawn
 * @nr_jobs:	processes
 * @progress:	file that a run which was ended is continued from, or NULL
 *
 * Return: exit code.
 */
int exhaustive_run(u32 length, u64 states_max, u32 nr_jobs,
		   const char *progress);

/**
 * exhaustive_compare() - do all verdicts stay the same without pruning
 *
 * Of all sequences of up to @length operations, with the model as it is and
 * with one that asks for too much.  Return: exit code.
 */
int exhaustive_compare(u32 length);

/**
 * exhaustive_replay() - go to a place and tell what happens
 * @repro:	alphabet[-DISK]:SEQUENCE[:POINT:STATE]...; a sequence alone is
 *		run until it fails
 * @io:		print the engine's I/O too
 * @file:	as check_replay() has it
 *
 * Return: 0; 1 if it fails; 2 if there is no such place.
 */
int exhaustive_replay(const char *repro, bool io, const char *file);

/**
 * exhaustive_bench() - recoveries per second, and 2^20 states of one point
 *
 * Return: exit code.
 */
int exhaustive_bench(void);

/**
 * bench_memory() - what an index of 2^@blocks_log2 random blocks costs
 *
 * Return: exit code.
 */
int bench_memory(u32 blocks_log2);
/**
 * bench_gc() - what reclamation writes, beside what simulations say
 *
 * Return: exit code; 1 if it writes more than it may.
 */
int bench_gc(void);
/**
 * bench_pace() - what a device that is overwritten asks of its disk, and how evenly
 *
 * Return: exit code; 1 if the slowest second is less than half of the median, or
 * victims are read more than once.
 */
int bench_pace(void);
/**
 * bench_locks() - locks and atomics of reads, and of batches of writes
 *
 * Return: exit code; 1 if they are not those that are noted.
 */
int bench_locks(void);

#endif /* CHECK_EXHAUSTIVE_H */
