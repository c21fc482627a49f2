/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The alphabet: all short sequences of twelve operations, and all that a power
 * cut during the last one may leave.
 *
 * Sequences are numbered from 0, shorter ones first, then in the order of
 * their operations.
 */
#ifndef CHECK_ALPHABET_H
#define CHECK_ALPHABET_H

#include "crash_point.h"

#define ALPHABET_OPS	12
#define ALPHABET_LENGTH_MAX 8

/* The disks that sequences are run on; the first is the usual one. */
enum alphabet_disk {
	ALPHABET_CACHE,
	ALPHABET_NO_CACHE,
	ALPHABET_FUA,
	ALPHABET_ZONED,
	ALPHABET_FAILING,
	ALPHABET_DISKS,
};

extern const char * const alphabet_disks[ALPHABET_DISKS];

/**
 * struct alphabet - sequences, one point of one of them at a time
 * @world:	the device; the caller's
 * @disk:	what it lies on; to be set before the first run
 * @crash:	what a point may leave; its bounds, and where it notes how far it
 *		is, are the caller's to set
 * @lie:	the model takes all that was acknowledged for durable: a mistake
 *		for the checks to find
 * @last:	the point that was run was the last one of its sequence
 */
struct alphabet {
	struct world *world;
	enum alphabet_disk disk;
	struct crash crash;
	bool lie;
	bool last;

	struct sim_snapshot image;
	bool ready;
	u8 ops[ALPHABET_LENGTH_MAX];
	u32 nr_ops;
	u32 point;
};

/** alphabet_count() - sequences of up to so many operations */
u64 alphabet_count(u32 length);
/** alphabet_length() - operations of a sequence */
u32 alphabet_length(u64 sequence);

/**
 * alphabet_point() - run a sequence, cut the power in its last operation
 * @point:	so many backing operations of it complete before
 *
 * Return: NULL when all is well, else what is not; valid until the next run.
 */
const char *alphabet_point(struct alphabet *a, u64 sequence, u32 point);

/** alphabet_sequence() - all points of a sequence; stops at the first failure */
const char *alphabet_sequence(struct alphabet *a, u64 sequence);

/**
 * struct alphabet_place - one crash state of one sequence
 * @sequence:	its number
 * @where:	the crash
 *
 * As text, "SEQUENCE:POINT:STATE", and ":POINT:STATE" for each crash inside
 * recovery.
 */
struct alphabet_place {
	u64 sequence;
	struct crash_where where;
};

void alphabet_place_print(const struct alphabet_place *place, char *buf,
			  size_t size);

/**
 * alphabet_place_parse() - a place, or a sequence alone
 *
 * Return: how many crashes it says; -EINVAL.
 */
int alphabet_place_parse(const char *text, struct alphabet_place *place);

#endif /* CHECK_ALPHABET_H */
