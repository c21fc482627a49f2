/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Pairs: two users of two steps each, who share something, in all orders; and the
 * same of three users of a layer alone.
 *
 * At each turn (kapi/run.h) somebody goes on: whoever runs, and when that blocks
 * whoever has waited longest, an interrupt last.  A change is a turn at which
 * another one does: a preemption, or another one than whoever has waited longest.
 * The power may fail before any turn behind the last change, and the disk then keeps
 * all that had completed, only what was durable, or something between.  A place is a
 * pair, some changes, and the power cut, if there is one.
 */
#ifndef CHECK_PAIRS_H
#define CHECK_PAIRS_H

#include "runner.h"

#define PAIR_CHANGES_MAX	4
#define PAIR_TURNS_MAX		8192u

/* What survives a power cut: as sim_disk_settle() is told. */
enum pair_medium {
	PAIR_COMPLETED,
	PAIR_DURABLE,
	PAIR_DRAWN,	/* a choice for each of the last writes, by the place */
	PAIR_MEDIA,
};

/* At turn @at the @who-th of those who can goes on, or, if 0, the power fails. */
struct pair_change {
	u32 at;
	u32 who;
	enum pair_medium medium;
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

#define PAIR_TOUCHES_MAX	32768u

/* A fiber looked at something, or changed it (kapi/run.h). */
struct pair_touch {
	const void *object;
	u32 fiber;
	enum kapi_access how;
};

/**
 * struct pair_turn - what there was to choose at one
 * @width:	how many could go on
 * @fiber:	who ran, and was one of them; 0: nobody, or an interrupt
 * @who:	a hash that tells who they were
 * @left:	what a power cut before it would leave, see pair_left()
 * @touched:	touches before it
 */
struct pair_turn {
	u32 width;
	u32 fiber;
	u64 who;
	u64 left;
	u32 touched;
};

/**
 * struct pair_turns - those of a run, from 1 on, and all touches
 * @cut:	it ended with a power cut
 * @unflushed:	which could have lost what had completed,
 * @undecided:	or kept what had not
 */
struct pair_turns {
	u32 nr;
	bool cut;
	bool unflushed;
	bool undecided;
	struct pair_turn turns[PAIR_TURNS_MAX];
	u32 nr_touches;
	struct pair_touch touches[PAIR_TOUCHES_MAX];
};

/** pair_name() - NULL: there is no such pair */
const char *pair_name(u32 pair);
/** pair_what() - in a few words */
const char *pair_what(u32 pair);
/** pair_may_be_cut() - there is a device that outlives a power cut */
bool pair_may_be_cut(u32 pair);

/**
 * pair_run() - one schedule
 *
 * Return: NULL when all is well, else what is not; valid until the next run.
 */
const char *pair_run(struct world *w, const struct pair_place *place,
		     struct pair_turns *turns);

/** pair_overwrites() - is something written that no word tells of? */
bool pair_overwrites(u32 pair);

#define PAIR_STRETCH_MAX	1024
#define PAIR_WIDTH_MAX		16

/**
 * struct pair_stretch - what others did from a change on until who ran goes on
 * @nr:		touches; U32_MAX: it is not known
 * @touches:	theirs
 */
struct pair_stretch {
	u32 nr;
	struct pair_touch touches[PAIR_STRETCH_MAX];
};

/** pair_stretch() - that of a run with its last change at turn @at */
void pair_stretch(struct pair_stretch *stretch, const struct pair_turns *before,
		  u32 at, const struct pair_turns *run);

/** pair_is_step() - does one fiber go on at @at and at the next turn, and no other? */
bool pair_is_step(const struct pair_turns *turns, u32 at);

/**
 * pair_resumed() - the turn at which who was preempted has taken its step
 *
 * Of a run with its last change at @at; behind its end if that never comes.
 */
u32 pair_resumed(const struct pair_turns *before, u32 at,
		 const struct pair_turns *run);

/**
 * pair_same() - is a change at @at the same as at the next turn
 * @turns:	of the run without it
 * @stretch:	of the change at the next turn, to the same one
 * @w:		where the power may fail at any turn; else NULL
 */
bool pair_same(const struct pair_turns *turns, u32 at,
	       const struct pair_stretch *stretch, const struct world *w);

/**
 * struct pair_left - what a power cut would leave, as of the last turn
 * @disk:	hash of what has happened to the disk
 * @model:	hash of what users have seen
 * @told:	they have seen more, or done more, since; to be set
 *
 * The rest is its own.
 */
struct pair_left {
	u64 disk;
	u64 model;
	bool told;
	u64 undo;
	u64 nr_ended;
	u32 nr_appends;
	u32 nr_fua;
	struct {
		u64 offset;
		u32 len;
	} fua[16];
};

void pair_left_begin(struct pair_left *left);

/** pair_left() - a hash: power cuts with the same one come to the same */
u64 pair_left(struct pair_left *left, struct world *w);

#define PAIR_LEFTS_MAX	BIT(24)

/* Those of a pair that were seen; zeroed, in memory that processes may share. */
struct pair_lefts {
	u64 nr;
	u64 seen[PAIR_LEFTS_MAX];
};

/** pair_lefts_seen() - was it seen before?  If not, it is from now on */
bool pair_lefts_seen(struct pair_lefts *lefts, u64 left);

#define PAIR_RECORDS_MAX	64

/** pair_medium() - choices that say what survives.  Return: how many */
size_t pair_medium(const struct pair_place *place, struct sim_record *records);

/** pair_print() - a place as text: "NAME:TURN=WHO,TURN=0+MEDIUM" */
void pair_print(const struct pair_place *place, char *buf, size_t size);

/** check_pairs - a schedule of a pair, which a repro says */
extern const struct check_suite check_pairs;

/**
 * pairs_run() - all schedules of all pairs, or of one
 * @changes:	with so many at most; with more where they are few, see the table
 * @name:	of the pair, or NULL
 * @progress:	file that a run which was ended is continued from, or NULL
 *
 * With PRUNE=0 in the environment none is left out for being the same as another.
 *
 * Return: exit code.
 */
int pairs_run(u32 changes, const char *name, u32 nr_jobs, const char *progress);

/**
 * pairs_compare() - are as many different ones run with none left out?
 *
 * Return: exit code.
 */
int pairs_compare(u32 changes, const char *name);

#endif /* CHECK_PAIRS_H */
