/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Users of the control node beside each other, and beside those who use devices:
 * the module's own code on a model of the block layer (userspace-model/block).
 */
#ifndef CHECK_CONTROL_H
#define CHECK_CONTROL_H

#include "world.h"

#define CONTROL_BACKINGS	3
#define CONTROL_IDS		6	/* adds that will be refused have one, too */
#define CONTROL_USERS		3
#define CONTROL_STEPS		3	/* of a user */
#define CONTROL_CALLS		24	/* of a user; remove --all is several */
#define CONTROL_ANY		CONTROL_IDS

/* What a user does; the simpler the earlier. */
enum control_op {
	CONTROL_NOTHING,
	CONTROL_LIST,
	CONTROL_STATUS,
	CONTROL_ADD,
	CONTROL_REMOVE,
	CONTROL_USE,		/* open it, write, read, close it */
	CONTROL_REMOVE_ALL,	/* as shardctl does it */
	CONTROL_CHECKPOINT,
	CONTROL_FILES,		/* read its files in sysfs */
	CONTROL_SCRUB,		/* have one begin; or end, or come by itself */
	CONTROL_SHRINK,		/* memory is short */
	CONTROL_TIME,		/* passes */
	CONTROL_GONE,		/* a backing device is pulled out */
	CONTROL_UNLOAD,		/* the module, if nobody uses it */
	CONTROL_AWAIT,		/* until a disk appears, or nobody is left to add one */
	CONTROL_OPS,
};

struct control_step {
	enum control_op op;
	u32 id;			/* or CONTROL_ANY */
	u32 backing;
	u32 what;
};

/**
 * struct control_call - a call into the module, and what came of it
 * @op:		one of LIST, STATUS, ADD, REMOVE, USE, CHECKPOINT, UNLOAD
 * @id:		add: CONTROL_ANY, or which was asked for; else which device
 * @backing:	add: of it; status: the one that was told
 * @begin:	moments: calls whose moments overlap were beside each other
 * @end:	see there; U32_MAX: it has not ended
 * @error:	0, or why not
 * @got:	add: the id.  list: BIT() of each
 * @moment:	the place that the verdict has found for it
 */
struct control_call {
	enum control_op op;
	u32 id;
	u32 backing;
	u32 begin;
	u32 end;
	int error;
	u32 got;
	u32 moment;
};

/**
 * struct control_write - of a user, to its own block of a backing device
 * @begin:	when, which is also what was written
 * @end:	when it had succeeded; U32_MAX: it has not
 * @durable:	a power cut may not take it any more
 */
struct control_write {
	u32 begin;
	u32 end;
	bool durable;
};

struct control;

struct control_user {
	struct control *control;
	u32 nr;
	u32 nr_steps;
	struct control_step steps[CONTROL_STEPS];
	u32 nr_calls;
	struct control_call calls[CONTROL_CALLS];
	struct kapi_fiber *fiber;
};

/**
 * struct control - users beside each other
 * @w:		choices and hooks; it has no device of its own here
 * @disks:	backing devices
 * @blank:	the last of them is not formatted
 * @twins:	the first two hold the same device
 * @sick:	allocations may fail, or a backing device was pulled out
 * @alloc_fault_in: beside users one allocation in so many and one fails; 0: none
 * @refuses_disks: and no disk can be added
 * @unloaded:	the module is gone
 * @before:	BIT() of devices that are there before: device N is on backing
 *		device N
 * @users:	what each does
 * @now:	counts moments
 * @writes:	[backing][user]: all there were, oldest first
 * @nr_writes:	how many
 * @nr_left:	users that are not done
 * @nr_waiting:	of these: for a disk
 * @power_after: the power fails after so many turns of its own, or else when all is
 *		over; 0: never
 */
struct control {
	struct world *w;
	struct sim_disk *disks[CONTROL_BACKINGS];
	bool blank;
	bool twins;
	bool sick;
	u32 alloc_fault_in;
	bool refuses_disks;
	bool unloaded;
	u32 before;
	struct control_user users[CONTROL_USERS];
	u32 now;
	struct control_write writes[CONTROL_BACKINGS][CONTROL_USERS][CONTROL_STEPS];
	u32 nr_writes[CONTROL_BACKINGS][CONTROL_USERS];
	u32 nr_left;
	u32 nr_waiting;
	u32 power_after;
};

/** control_run() - all that @control says, and the verdict */
void control_run(struct control *control);

/**
 * control_judge() - may the module have answered like that?
 * @left:	BIT() of devices that there are at the end
 *
 * Fails the run unless there is an order of all calls, in each of which it took
 * effect at one moment between its begin and its end, that explains every answer;
 * and unless each refusal has somebody who was in the way.
 */
void control_judge(struct control *control, u32 left);

/** control_add() - of a user, or of the first fiber.  Return: 0, or why not */
int control_add(struct control_user *user, const struct control_step *step);
/** control_remove() - the same.  Return: 0, or why not */
int control_remove(struct control_user *user, u32 id);

/* What is in blocks (control_power.c). */
struct control_write *control_write_begin(struct control *control, u32 backing,
					  u32 user);
void control_write_end(struct control *control, struct control_write *write,
		       bool durable);
/** control_flushed() - what had ended before @begin is durable */
void control_flushed(struct control *control, u32 backing, u32 begin);
/** control_written() - Return: what is in a block if all went well; 0: nothing */
u32 control_written(const struct control *control, u32 backing, u32 user);

/** control_power_fiber() - of struct control: the power fails */
void control_power_fiber(void *arg);
/**
 * control_power_cut() - and a start of each device, and what it has
 *
 * Of each backing device what is left must be a prefix of what was written there,
 * with all that was promised.
 */
void control_power_cut(struct control *control);

/** control_turn() - the hook: who goes on, at words of the module and of its model only */
size_t control_turn(void *ctx, const struct kapi_turn *turn);
/** control_passes() - at this turn whoever runs goes on */
bool control_passes(const struct kapi_turn *turn);

/** control_disks_end() - after each run, failed or not */
void control_disks_end(void);

void check_control(struct world *w);
void check_control_faults(struct world *w);

/* Pairs (pairs.h): two users of two steps each. */
void control_pair_adds(struct world *w);
void control_pair_twins(struct world *w);
void control_pair_remove_list(struct world *w);
void control_pair_remove_open(struct world *w);
void control_pair_removes(struct world *w);
void control_pair_add_all(struct world *w);
void control_pair_scrubs(struct world *w);
void control_pair_scrub_stop(struct world *w);
void control_pair_refused(struct world *w);
void control_pair_checkpoint(struct world *w);
void control_pair_unload(struct world *w);

#endif /* CHECK_CONTROL_H */
