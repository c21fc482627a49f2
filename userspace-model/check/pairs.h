/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Pairs: two users of two steps each, who share something, in all orders; and the
 * same of three users of a layer alone.
 *
 * At each turn (kapi/run.h) somebody goes on: whoever runs, and when that blocks
 * whoever has waited longest, an interrupt last.  A change is a turn at which
 * another one does, or before which the power fails.  A place is a pair and some
 * changes.
 */
#ifndef CHECK_PAIRS_H
#define CHECK_PAIRS_H

#include "runner.h"

#define PAIR_CHANGES_MAX	3
#define PAIR_TURNS_MAX		8192u

/* At turn @at the @who-th of those who can goes on, or, if 0, the power fails. */
struct pair_change {
	u32 at;
	u32 who;
};

/**
 * struct pair_place - a schedule of a pair
 * @pair:	which
 * @nr:		changes
 * @changes:	by their turns; only the last is a power cut
 */
struct pair_place {
	u32 pair;
	u32 nr;
	struct pair_change changes[PAIR_CHANGES_MAX];
};

/**
 * struct pair_turns - what there was to choose in a run
 * @nr:		turns
 * @widths:	how many could go on at each, from 1 on
 */
struct pair_turns {
	u32 nr;
	u8 widths[PAIR_TURNS_MAX];
};

/** pair_name() - NULL: there is no such pair */
const char *pair_name(u32 pair);
/** pair_what() - in a few words */
const char *pair_what(u32 pair);
/** pair_is_alone() - it is of a layer alone, which does not outlive a power cut */
bool pair_is_alone(u32 pair);

/**
 * pair_run() - one schedule
 *
 * Return: NULL when all is well, else what is not; valid until the next run.
 */
const char *pair_run(struct world *w, const struct pair_place *place,
		     struct pair_turns *turns);

/** pair_print() - a place as text: "NAME:TURN=WHO,TURN=WHO" */
void pair_print(const struct pair_place *place, char *buf, size_t size);

/** check_pairs - a schedule of a pair, which a repro says */
extern const struct check_suite check_pairs;

/**
 * pairs_run() - all schedules of all pairs, or of one
 * @changes:	with so many at most; of a layer alone with one more if not 1
 * @name:	of the pair, or NULL
 * @progress:	file that a run which was ended is continued from, or NULL
 *
 * Return: exit code.
 */
int pairs_run(u32 changes, const char *name, u32 nr_jobs, const char *progress);

#endif /* CHECK_PAIRS_H */
