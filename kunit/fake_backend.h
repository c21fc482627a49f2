/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A backing device in memory, whose every word a test controls.
 *
 * An operation is completed inside submit, or held back until the test lets it
 * go, or, as real devices do, by somebody else a little later.  It can fail,
 * and it counts and writes down all that it is asked for.
 *
 * It has a volatile cache if its struct shard_backend says so: a power cut
 * then takes what no flush covered.
 */
#ifndef KUNIT_FAKE_BACKEND_H
#define KUNIT_FAKE_BACKEND_H

#include "../kmod/core/backend.h"

struct kunit;

#define FAKE_OPS	SHARD_IO_OPS
#define FAKE_LOG_MAX	256

/* When an operation completes. */
enum fake_mode {
	FAKE_AT_ONCE,		/* inside submit */
	FAKE_HELD,		/* when the test says so */
	FAKE_LATER,		/* soon, from a worker, in order */
};

/**
 * struct fake_fault - makes operations of one kind fail
 * @error:	with this; 0: none fails
 * @skip:	so many succeed first
 * @times:	so many fail then; 0: all
 * @lands:	appends reach the medium nevertheless
 * @from:	only those at this byte or behind it
 * @to:	and in front of this one; 0: whatever is behind
 */
struct fake_fault {
	int error;
	u32 skip;
	u32 times;
	bool lands;
	u64 from;
	u64 to;
};

/* An operation as it was submitted. */
struct fake_op {
	enum shard_io_op op;
	bool fua;
	u64 offset;
	u32 len;
};

/**
 * struct fake_backend - the device
 * @backend:	as the engine sees it; flags may be changed while it is idle
 * @media:	what reads return
 * @stable:	what a power cut leaves
 * @dirty:	sectors in which the two differ
 * @lock:	of all below
 * @mode:	by operation
 * @faults:	by operation
 * @bad_offset:	reads that touch this byte fail; U64_MAX: none
 * @pending:	not completed yet, in order
 * @nr_pending:	how many
 * @nr_pending_max: the most that there ever were
 * @nr:		submitted, by operation
 * @bytes:	the same, in bytes
 * @nr_fua:	appends among them with FUA
 * @log:	the first operations since fake_log_clear()
 * @nr_log:	how many of them were written down
 * @submitter:	who called submit last
 * @wp:		zoned: write pointer of each zone, bytes
 * @report_fault: zoned: of asking for one
 * @wq:		of @work
 * @work:	completes in FAKE_LATER
 * @changed:	woken when something is submitted
 */
struct fake_backend {
	struct shard_backend backend;
	u8 *media;
	u8 *stable;
	unsigned long *dirty;
	spinlock_t lock;		/* of all below */
	enum fake_mode mode[FAKE_OPS];
	struct fake_fault faults[FAKE_OPS];
	u64 bad_offset;
	struct list_head pending;
	u32 nr_pending;
	u32 nr_pending_max;
	u64 nr[FAKE_OPS];
	u64 bytes[FAKE_OPS];
	u64 nr_fua;
	struct fake_op log[FAKE_LOG_MAX];
	u32 nr_log;
	const void *submitter;
	u64 *wp;
	struct fake_fault report_fault;
	struct workqueue_struct *wq;
	struct work_struct work;
	wait_queue_head_t changed;
};

/** fake_backend_create() - all zeros; ends the test without memory */
struct fake_backend *fake_backend_create(struct kunit *test, u64 capacity,
					 bool volatile_cache, bool fua);
/** fake_backend_create_zoned() - the same, with write pointers it insists on */
struct fake_backend *fake_backend_create_zoned(struct kunit *test, u64 capacity,
					       u32 zone_size);
void fake_backend_destroy(struct fake_backend *fake);

/** fake_mode_set() - of all operations; those held back stay so */
void fake_mode_set(struct fake_backend *fake, enum fake_mode mode);

/** fake_fail() - let the next operations of a kind fail, @times 0: all */
void fake_fail(struct fake_backend *fake, enum shard_io_op op, int error,
	       u32 times);
/** fake_heal() - no operation fails any more */
void fake_heal(struct fake_backend *fake);

/** fake_release() - complete the oldest held ones.  Return: how many. */
u32 fake_release(struct fake_backend *fake, u32 max);
/** fake_release_nth() - complete one of those held back, 0 is the oldest */
void fake_release_nth(struct fake_backend *fake, u32 idx);
/** fake_release_all() - until nothing new comes of it, either */
void fake_release_all(struct fake_backend *fake);
u32 fake_nr_pending(struct fake_backend *fake);
/** fake_wait_pending() - sleep until so many are held back */
void fake_wait_pending(struct fake_backend *fake, u32 nr);

/** fake_counts_clear() - begin to count anew; the log too */
void fake_counts_clear(struct fake_backend *fake);

/** fake_power_cut() - what no flush covered is lost; nothing may be pending */
void fake_power_cut(struct fake_backend *fake);

/** fake_rot() - change one bit on the medium, for good */
void fake_rot(struct fake_backend *fake, u64 offset);

/** fake_snapshot() - a copy of the medium, to be given back by kvfree() */
u8 *fake_snapshot(struct kunit *test, struct fake_backend *fake);
void fake_restore(struct fake_backend *fake, const u8 *snapshot);

#endif /* KUNIT_FAKE_BACKEND_H */
