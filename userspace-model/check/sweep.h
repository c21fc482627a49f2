/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Sweeps: short histories, run once for each operation of the backing device
 * and each fault that may befall it, and once for each allocation.
 */
#ifndef CHECK_SWEEP_H
#define CHECK_SWEEP_H

#include "script.h"

/* How the disk is left for the part of a history that is struck. */
enum sweep_left {
	SWEEP_OPEN,		/* stopped and started again, in good health */
	SWEEP_STOPPED,
	SWEEP_CRASHED,		/* the power was cut */
};

/**
 * struct sweep_history - one of them
 * @name:	in reports
 * @before:	what comes first, in good health; or NULL
 * @left:	how that ends
 * @during:	what is struck; the device is open if @left says so
 * @fua:	the disk has it
 * @no_cache:	the disk has none that is volatile
 * @zoned:	it is a zoned one
 * @spare:	extents more than the small geometry has
 */
struct sweep_history {
	const char *name;
	void (*before)(struct world *w);
	enum sweep_left left;
	void (*during)(struct world *w);
	bool fua;
	bool no_cache;
	bool zoned;
	u32 spare;
};

/** sweep_histories() - all of them, ended by one without a name */
extern const struct sweep_history sweep_histories[];

/**
 * struct sweep_hit - what of the medium a silent fault has spoilt
 * @first_seq:	lowest number of the host frames that were; U64_MAX: none was
 * @last_seq:	highest
 * @index:	pages of a run were
 * @meta:	bit per copy of the manifest
 * @super:	bit per copy of the superblock
 * @blocks:	what these host frames had written
 */
struct sweep_hit {
	u64 first_seq;
	u64 last_seq;
	bool index;
	u32 meta;
	u32 super;
	bool blocks[M_BLOCKS_MAX];
};

/** sweep_hit_append() - the append that was struck, by its first sector */
void sweep_hit_append(struct world *w, struct sweep_hit *hit);

/** sweep_hit_range() - what lies there now, and is about to be overwritten */
void sweep_hit_range(struct world *w, struct sweep_hit *hit, u64 offset,
		     u32 len);

/**
 * sweep_told() - what the medium itself says about what was durable
 * @checkpoint_seq: highest number that a record says is in the runs
 *
 * Return: the highest mark of a frame or record.
 */
u64 sweep_told(struct world *w, u64 *checkpoint_seq);

#endif /* CHECK_SWEEP_H */
