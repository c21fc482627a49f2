/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A device under check: the engine on a modelled disk, its users, and the
 * model of what they may see.
 *
 * What the engine and its users hold lies in memory that a crash takes away;
 * disk and model survive it.  All functions are called in the first fiber of a
 * run; those that begin requests and jobs, and wait for them, also by users that
 * have fibers of their own (@users).  A violation ends the run through kapi_fail().
 */
#ifndef CHECK_WORLD_H
#define CHECK_WORLD_H

#include "model/m_device.h"
#include "sim/sim.h"
#include "shard.h"

struct graph;

#define WORLD_SLOTS	6	/* requests in flight */
#define WORLD_SEGS	3	/* pieces of memory of a request */
#define WORLD_OPS_MAX	16	/* kinds of operations */
#define WORLD_HELD_MAX	8	/* operations that are held */
#define WORLD_CUTS_MAX	3	/* crashes of one recovery */
#define WORLD_CRASHES	4	/* of so many, the kernel alone dies in one */
#define WORLD_CUT_EVENTS 32	/* events until the power fails, at most */

/* What the checks draw from the choices, beside what kapi and sim do. */
enum check_choice {
	CHECK_CHOOSE_CONFIG = SIM_CHOOSE_CHECK,
	CHECK_CHOOSE_SHAPE,
	CHECK_CHOOSE_BLOCK,
	CHECK_CHOOSE_SEGS,
	CHECK_CHOOSE_FLIGHT,
	CHECK_CHOOSE_CUT,
	CHECK_CHOOSE_FAULT,
	CHECK_CHOOSE_IDLE,
	CHECK_CHOOSE_USER,
	CHECK_CHOOSE_KINDS,	/* how many there are, of whomever */
};

struct world;

/**
 * struct world_config - which device, and how it is run
 * @disk:		the backing device
 * @format:		how it is formatted
 * @options:		how it is opened
 * @base:		logical block that is the model's first
 * @nr_blocks:		blocks of the model; 0: all of @format
 * @sync_in:		one backing operation in so many is done within submit
 * @faults:		the backing device may fail
 * @idle:		time passes between operations: the device may become idle
 * @cut_format:		the power fails in a format before that
 * @weights:		how often each operation is drawn
 * @uncounted:		runs are a model's, which does not count their entries
 * @before_start:	told before each start, or NULL
 * @ran:		told of each operation that ran, or NULL
 * @nr_ops:		operations of a history
 */
struct world_config {
	struct sim_disk_config disk;
	struct shard_format_options format;
	struct shard_options options;
	u64 base;
	u32 nr_blocks;
	u32 sync_in;
	bool faults;
	bool idle;
	bool cut_format;
	bool uncounted;
	u8 weights[WORLD_OPS_MAX];
	void (*before_start)(struct world *w);
	void (*ran)(struct world *w, u32 op);
	u32 nr_ops;
};

/* What is under way or free to be used. */
struct world_slot {
	struct shard_request request;
	struct world *world;
	bool busy;
	enum shard_op op;	/* what was asked; the request is the engine's */
	u32 lba;		/* of the model */
	u32 nr_blocks;
	bool fua;
	bool late;		/* submitted when such a one had failed */
	bool promised;		/* there was room for it */
	u32 number;		/* for the table */
	u32 row;		/* of it, if it is kept */
	u64 done_at;		/* which to end it was */
	u32 index;		/* in the model */
	u64 serial;
	u64 acked;		/* flush: what was acknowledged when it came */
	u64 force;		/* read: what it comes after, of the model */
	u64 *into;		/* read: only report the stamps */
	struct shard_seg segs[WORLD_SEGS];
	u8 *data;
};

/**
 * struct world - all of it
 * @sim:	choices, hooks, and the disk
 * @config:	as given
 * @disk_config: what kind the disk is that is there
 * @disk:	the backing device
 * @complete_any: the hook that completes an operation of the disk, as chosen
 * @complete_one:	what does that in this run
 * @model:	what users may see
 * @seqs:	the engine's numbers of the model's requests; 0: none
 * @device:	NULL while closed
 * @info:	about it, as of the last opening
 * @wait:	where the first fiber waits
 * @cut_in:	the power fails after so many events; 0: it does not
 * @cut_any:	it may fail at any moment
 * @cut:	it has failed
 * @users:	have fibers of their own, and the first one waits for them
 * @state:	what the device last said that it was
 * @promise:	blocks that it said can be written for certain
 * @spent:	of these
 * @stopping:	it fails when @stop_in more events have been, but not before all
 *		waits that was set going, or when nothing is left to happen
 * @stop_in:	see there
 * @idle:	nothing was left to happen
 * @sick:	a fault struck since the last opening in good health
 * @spoilt:	the medium was changed without a word
 * @retry_bad:	starts have bad extents tried
 * @write_failed: a write failed for good since the last opening
 * @flush_failed: a flush did
 * @verbose:	print the history
 * @verbose_io:	the engine's own I/O too, in sectors
 * @graph:	what is to be drawn of it, or NULL (picture.h)
 * @held:	operations of the disk that shall not complete for now
 * @nr_held:	how many
 * @nr_busy:	requests under way
 * @nr_numbers:	given to requests, for the table
 * @nr_ended:	requests that are done
 * @serial:	of the last write
 * @nr_done:	operations that count
 * @nr_crashes:	power cuts
 * @nr_starts:	of the device
 * @nr_refused:	requests that came back at once because of an earlier failure,
 *		or for lack of space
 * @slots:	requests
 */
struct world {
	struct sim sim;		/* first: hooks get a pointer to it */
	struct world_config config;
	struct sim_disk_config disk_config;
	struct sim_disk *disk;
	bool (*complete_any)(void *ctx);
	bool (*complete_one)(void *ctx);
	struct m_device model;
	u64 seqs[M_REQUESTS_MAX];
	struct shard_device *device;
	struct shard_info info;
	wait_queue_head_t wait;
	u32 cut_in;
	bool cut_any;
	bool cut;
	bool users;
	enum shard_state state;
	u64 promise;
	u64 spent;
	bool stopping;
	bool idle;
	u32 stop_in;
	bool sick;
	bool spoilt;
	bool retry_bad;
	bool write_failed;
	bool flush_failed;
	bool verbose;
	bool verbose_io;
	struct graph *graph;
	struct shard_io *held[WORLD_HELD_MAX];
	u32 nr_held;
	u32 nr_busy;
	u32 nr_numbers;
	u64 nr_ended;
	u64 serial;
	u32 nr_refused;
	u32 nr_done;
	u32 nr_crashes;
	u32 nr_starts;
	struct world_slot slots[WORLD_SLOTS];
};

/** world_note() - a line of the history, if it is printed */
#define world_note(w, fmt, ...)						\
	do {								\
		if (unlikely((w)->verbose))				\
			world_print(fmt, ##__VA_ARGS__);		\
	} while (0)
void world_print(const char *fmt, ...) __printf(1, 2);

/** world_draw() - a choice of the history; 0 is the simplest */
static inline u32 world_draw(u32 n, unsigned int kind)
{
	return kapi_choose(n, kind);
}

/** world_slot_get() - one that is free, when there is one; NULL at a power cut */
struct world_slot *world_slot_get(struct world *w);
/** world_slot_submit() - begin its request, all of which is filled in */
void world_slot_submit(struct world *w, struct world_slot *slot);

/** world_short() - one in @in + 1 allocations fails, for a second that may pass */
static inline void world_short(struct world *w, u32 in)
{
	w->sim.hooks.alloc_fault_in = in;
	w->sim.hooks.alloc_fault_until = kapi_now + NSEC_PER_SEC;
}

/** world_init() - once */
void world_init(struct world *w);

/** world_reset() - before each run: hooks and counts */
void world_reset(struct world *w);

/** world_disk() - a blank disk of that kind */
void world_disk(struct world *w, const struct sim_disk_config *config);

/** world_format() - Return: 0, also when the power failed, or the error */
int world_format(struct world *w);

/** world_begin() - a new disk, formatted and opened */
void world_begin(struct world *w, const struct world_config *config);

/**
 * world_open() - recover and serve
 *
 * Return: 0, also when the power failed meanwhile (see @cut), or the error.
 */
int world_open(struct world *w);

/** world_close() - wait for all requests and stop */
void world_close(struct world *w);

/** world_submit() - begin a request; waits for a free slot, no more */
struct world_slot *world_submit(struct world *w, enum shard_op op, u32 lba,
				u32 nr_blocks, bool fua);
/** world_change() - its user overwrites the buffer of a write under way */
void world_change(struct world *w, struct world_slot *slot);
/** world_commit() - no more requests for now */
void world_commit(struct world *w);
/** world_wait() - until it is done, or the power fails */
void world_wait(struct world *w, struct world_slot *slot);
void world_wait_all(struct world *w);

/** world_is_worn() - what is kept for discards is not promised if extents are bad */
bool world_is_worn(struct world *w);
/**
 * world_is_cramped() - may moving data have used up the extents kept for it?
 *
 * A memtable without room for the swings of a victim lets checkpoints begin between
 * them (O12).  Then each start may leave an extent half empty.
 */
bool world_is_cramped(struct world *w);

/** world_checkpoint() - one, with requests under way */
void world_checkpoint(struct world *w);
/** world_compact() - all runs become one, with requests under way */
void world_compact(struct world *w);
/** world_reclaim() - an extent is evacuated, with requests under way */
void world_reclaim(struct world *w);

/** world_hold() - what is in flight now does not complete until it is let go */
void world_hold(struct world *w);
void world_let_go(struct world *w);

/**
 * world_crash() - the machine dies
 * @only_kernel: the disk keeps its cache; else it settles as the choices say
 *
 * The disk can then be looked at, changed, and started from.
 */
void world_crash(struct world *w, bool only_kernel);

/** world_leave() - nobody wants to know any more what becomes of the device */
void world_leave(struct world *w);

/**
 * world_power_off() - the machine dies in a power cut, and the disk is off
 *
 * What of its cache survives is left open, see sim_disk_settle() and states.h.
 */
void world_power_off(struct world *w);

/** world_recover() - the power has failed, or does now: recover and compare */
void world_recover(struct world *w);

/** world_heal() - faults end */
void world_heal(struct world *w);

/** world_power_fails() - now; whoever runs goes on until the first fiber knows */
void world_power_fails(struct world *w);

/** world_restart() - a clean stop and start */
void world_restart(struct world *w);
/** world_reopen() - the start, after world_close() */
void world_reopen(struct world *w);

/** world_read_stamps() - read every block; M_UNREADABLE where that failed */
void world_read_stamps(struct world *w, u64 *stamps);

/**
 * world_compare() - read every block, and ask the model
 * @must:	requests that must have had their effect
 *
 * Afterwards the device holds what was read, for ever.
 */
void world_compare(struct world *w, u64 must);

/**
 * world_check() - have what `shardctl check --data` asks judge the closed device
 *
 * Whatever happened to the disk, it is good now, and nothing is found wrong.
 */
void world_check(struct world *w);
/** world_unharmed() - reclamation has met nothing damaged, as nothing damages it */
void world_unharmed(struct world *w);

#endif /* CHECK_WORLD_H */
