/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A model of a backing device.
 *
 * DOC: the disk model
 *
 * Operations are in flight from submit until an event completes one of them;
 * the choices say which.  An append changes the medium, as reads see it, when
 * it completes; with a volatile cache the 512-byte sectors it replaced are kept
 * in an undo log until a flush that was submitted later has completed.  At a
 * power cut what was in flight is put behind that log, and then the choices
 * say which sectors are put back.  So every state is reachable in which each
 * sector has its last durable contents or any newer ones.
 *
 *   running --sim_disk_power_off()--> off --sim_disk_settle()--> running
 *                                      |
 *                  sim_snapshot_take(), sim_snapshot_restore(): settle again
 *
 * Instead of one that is chosen, all states can be gone through: see states.h.
 *
 * A flush that fails may drop what the cache holds.  An append with FUA that is
 * in flight meanwhile completes, but is no more durable than any other.
 *
 * With an extent size, the model also enforces P4 and the part of O1, O5 and
 * O6 that can be seen from here; a violation is kapi_fail():
 *
 *   - an append lies in one extent and at its write pointer
 *   - none goes to an extent that is being reset, or where one was reported
 *     as failed, or that was not reset since sim_disk_start()
 *   - a reset covers an extent in which nothing is in flight
 *   - superblock extents (the first few) may, after a start, go on anywhere
 *     up to the highest pointer that they ever had, once: a reset leaves
 *     records there that a start cannot tell from newer
 *
 * A zoned device is the same with the pointer in the device: it survives power
 * cuts as a prefix, appends to a zone complete in order, and what lies behind
 * a failed one fails too.  A reset is durable when it completes; one that was in
 * flight at a power cut took place or did not.  So is finishing a zone; one in
 * flight did not take place: had it, the cut might as well have come after it.
 * No more zones are ever partly written than may be active (P6).
 */
#ifndef SIM_DISK_H
#define SIM_DISK_H

#include "backend.h"
#include "choices.h"
#include "medium.h"

#define SIM_RANGES_MAX	8

/**
 * struct sim_disk_config - what kind of disk
 * @capacity:		bytes
 * @block_size:		logical and physical; 0: 512
 * @zone_size:		0: conventional
 * @active_max:		zones that may be partly written at a time; 0: all
 * @volatile_cache:	completed appends may be lost until a flush
 * @fua:		appends can be durable at once
 * @slow_resets:	conventional: resets take time too, as those of zones do;
 *			else they are done at once, as there is nothing to do
 * @sparse:		sectors on demand, for huge ones; no snapshots
 * @extent_size:	for the rules above; a power of two; zoned: from @zone_size;
 *			0: no rules
 * @super_extents:	superblock extents, for the same
 */
struct sim_disk_config {
	u64 capacity;
	u32 block_size;
	u32 zone_size;
	u32 active_max;
	bool volatile_cache;
	bool fua;
	bool slow_resets;
	bool sparse;
	u32 extent_size;
	u32 super_extents;
};

/**
 * struct sim_faults - what may go wrong by choice
 *
 * Each names how rare it is: 0 for never, n for one in n + 1.
 *
 * @read_in:	a read fails
 * @write_in:	an append fails; it may have landed, or partly
 * @flush_in:	a flush fails; the cache may have been dropped
 * @reset_in:	a reset fails and does nothing; so does finishing a zone, which can
 *		only be read when that has failed twice
 * @delay_in:	an operation completes only when no other is in flight
 * @sync_in:	an operation completes within submit: no fault, but rare
 */
struct sim_faults {
	u32 read_in;
	u32 write_in;
	u32 flush_in;
	u32 reset_in;
	u32 delay_in;
	u32 sync_in;
};

/* What may befall one operation. */
enum sim_fault {
	SIM_FAULT_ERROR,	/* it fails */
	SIM_FAULT_ERRORS,	/* so do all of its kind after it, everywhere */
	SIM_FAULT_DELAY,	/* it completes when no other is in flight */
	SIM_FAULT_STRAY,	/* read, append, reset: of other sectors */
	SIM_FAULT_FLIP,		/* read, append: one bit of it is wrong */
	SIM_FAULT_LOSE,		/* append, reset: reported as done, and is not */
	SIM_NR_FAULTS,
};

/**
 * struct sim_strike - a fault for one operation
 * @in:		n: the n-th operation submitted from now on; 0: none
 * @ops:	which kinds count (BIT(SHARD_IO_*)); 0: all
 * @fault:	what befalls it
 * @lands:	error: of an append: it is on the medium all the same; else as
 *		drawn
 * @where:	stray: the byte where it goes to instead; flip: which bit of it
 * @io:		the operation, once it is submitted
 * @op:		likewise: which kind
 * @offset:	likewise: where it should have gone
 * @len:	likewise
 * @head:	likewise: how an append begins
 */
struct sim_strike {
	u32 in;
	u32 ops;
	enum sim_fault fault;
	bool lands;
	u64 where;
	const struct shard_io *io;
	enum shard_io_op op;
	u64 offset;
	u32 len;
	u8 head[SIM_SECTOR] __aligned(8);
};

/** struct sim_disk_counts - completed operations; indexes are enum shard_io_op */
struct sim_disk_counts {
	u64 nr[SHARD_IO_OPS];
	u64 bytes[SHARD_IO_OPS];
	u64 errors[SHARD_IO_OPS];
};

/* Operations on a range that always fail. */
struct sim_range {
	u64 offset;
	u64 len;
	u32 ops;		/* BIT(enum shard_io_op) */
};

/* The old contents of a sector. */
struct sim_undo {
	u64 sector;		/* U64_MAX: durable by now */
	u32 write;		/* number of the append */
	u32 old;		/* what it held: a reference */
	bool in_flight;		/* had not completed at the power cut */
};

struct sim_states;

/* The rules' view of an extent, or a zone; sectors. */
struct sim_extent {
	u32 wp;			/* behind the last append submitted */
	u32 top;		/* the highest that it ever was */
	u32 hard;		/* behind the last one completed */
	u32 nr_in_flight;
	u32 epoch;		/* disk's, at the last reset */
	bool failed;
	bool resetting;
	bool finishing;
	bool finished;		/* a zone: full, though it may not be written */
	bool unfinished;	/* that has failed once */
	bool undecided;		/* a zone: its reset was in flight at a power cut */
	bool settled;		/* with sim_crash_coarse: it was drawn whether */
	bool kept;		/* what had completed in it survives */
};

/**
 * struct sim_disk - a disk; lives outside of a run's memory
 * @backend:	the engine's view
 * @choices:	where from
 * @faults:	may be changed at any time
 * @gone:	may be set at any time: everything fails with -ENODEV
 * @beside:	may be set at any time: interrupts run beside those who submit, so
 *		that what an append goes behind may fail when it has been decided
 *		already, and it counts as in flight then
 * @strike:	may be set up at any time
 * @ranges:	see sim_disk_fail_range()
 * @nr_ranges:	how many
 * @counts:	since sim_disk_blank()
 *
 * What follows is the model's own.
 */
struct sim_disk {
	struct shard_backend backend;
	struct sim_choices *choices;
	struct sim_faults faults;
	bool gone;
	bool beside;
	struct sim_strike strike;
	struct sim_range ranges[SIM_RANGES_MAX];
	u32 nr_ranges;
	struct sim_disk_counts counts;

	struct sim_disk_config config;
	u32 extent_size;
	u32 extent_shift;
	struct shard_io **in_flight;
	u32 nr_in_flight;
	u32 in_flight_max;
	const struct shard_io *delayed;
	struct sim_undo *undo;		/* oldest first */
	size_t undo_head;
	size_t undo_tail;
	size_t undo_max;
	u64 undo_base;			/* number of undo[0] */
	u32 nr_writes;
	struct sim_extent *extents;
	u64 nr_extents;
	u32 epoch;
	bool started;
	bool off;
	struct sim_medium medium;
	struct sim_states *walk;	/* wants to know of what is touched */
};

/** sim_disk_create() - a blank disk.  Return: NULL when there is no memory */
struct sim_disk *sim_disk_create(const struct sim_disk_config *config,
				 struct sim_choices *choices);
void sim_disk_destroy(struct sim_disk *disk);

/** sim_disk_blank() - as new: zeros, nothing in flight, no faults */
void sim_disk_blank(struct sim_disk *disk);

/** sim_disk_start() - the engine is about to start on it: see the rules */
void sim_disk_start(struct sim_disk *disk);

/** sim_disk_set_rules() - change what sim_disk_config said; 0: no rules */
void sim_disk_set_rules(struct sim_disk *disk, u32 extent_size,
			u32 super_extents);

/**
 * sim_disk_complete() - complete an operation in flight, in interrupt context
 * @idx:	which, below @disk->nr_in_flight, oldest first
 */
void sim_disk_complete(struct sim_disk *disk, u32 idx);

/**
 * sim_disk_power_off() - a power cut
 *
 * What is in flight is dropped, its done never called: so the engine must be
 * gone right after this (kapi_crash()), and must have its memory still now.
 */
void sim_disk_power_off(struct sim_disk *disk);

/**
 * sim_disk_abandon() - the engine dies, the power stays
 *
 * What is in flight lands or not, as the choices say; the cache keeps what it
 * has.  As with sim_disk_power_off(), the engine must be gone right after.
 */
void sim_disk_abandon(struct sim_disk *disk);

/**
 * sim_crash_coarse - power cuts know extents, not sectors: to see what the latter
 * are good for
 */
extern bool sim_crash_coarse;

/**
 * sim_disk_settle() - what the power cut left: as the choices say
 *
 * SIM_CHOOSE_CRASH first: 0 what had completed survives, and nothing else;
 * 1 only what was durable does; 2 each write survives or not; 3 each sector.
 * Then SIM_CHOOSE_SURVIVE each, newest first: 0 as in manner 0.
 *
 * With sim_crash_coarse one SIM_CHOOSE_SURVIVE for each extent: 0 what had
 * completed survives, 1 only what was durable does.
 */
void sim_disk_settle(struct sim_disk *disk);

/** sim_disk_nr_undecided() - sectors that the next settle decides about */
size_t sim_disk_nr_undecided(const struct sim_disk *disk);

/* Look at and change the medium behind the engine's back. */
void sim_disk_peek(struct sim_disk *disk, u64 offset, void *buf, size_t len);
void sim_disk_poke(struct sim_disk *disk, u64 offset, const void *buf,
		   size_t len);
/** sim_disk_flip() - a bit of a byte rots */
void sim_disk_flip(struct sim_disk *disk, u64 offset, u32 bit);

/** sim_disk_fail_range() - from now on, @ops (BIT(SHARD_IO_*)) fail here */
void sim_disk_fail_range(struct sim_disk *disk, u64 offset, u64 len, u32 ops);

/**
 * struct sim_snapshot - the state of a disk with nothing in flight
 *
 * Zeroed at first.  It holds references to contents, so neither taking nor
 * restoring copies any.  It is void once its disk is blank, and must be freed
 * before that is destroyed.
 */
struct sim_snapshot {
	struct sim_disk *disk;
	u32 *refs;
	struct sim_undo *undo;
	size_t nr_undo;
	size_t undo_max;
	struct sim_extent *extents;
	u32 epoch;
	u32 life;
	bool started;
	bool off;
};

void sim_snapshot_take(struct sim_snapshot *snapshot, struct sim_disk *disk);
void sim_snapshot_restore(struct sim_disk *disk,
			  const struct sim_snapshot *snapshot);
void sim_snapshot_free(struct sim_snapshot *snapshot);

#endif /* SIM_DISK_H */
