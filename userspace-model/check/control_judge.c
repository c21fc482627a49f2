// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which devices there may have been.
 *
 * DOC: the model of the control node
 *
 * A device is there, on a backing device, or it is not: that is the whole state.
 * Each call that tells of it or changes it does so at one moment between its
 * begin and its end.  All orders of such moments are tried; where users overlap
 * they are few.
 *
 * Who is refused because somebody was in the way is no part of that order.  For
 * each there must have been somebody who has not just been refused himself.
 */
#include "control.h"

#define GONE		CONTROL_IDS
#define STATES		343	/* (CONTROL_IDS + 1) ^ CONTROL_BACKINGS */
#define PLACES		((CONTROL_CALLS + 1) * (CONTROL_CALLS + 1) * (CONTROL_CALLS + 1))

/* The number of the device on each backing device, or GONE. */
struct devices {
	u8 ids[CONTROL_BACKINGS];
};

struct judge {
	struct control *control;
	u32 left;
	u32 nr_moments;
	/* where all orders were tried from: users' next calls, and the state */
	u8 tried[PLACES][DIV_ROUND_UP(STATES, 8)];
};

static u32 state_of(const struct devices *devices)
{
	u32 state = 0, i;

	for (i = 0; i < CONTROL_BACKINGS; i++)
		state = state * (GONE + 1) + devices->ids[i];
	return state;
}

static u32 bits_of(const struct devices *devices)
{
	u32 bits = 0, i;

	for (i = 0; i < CONTROL_BACKINGS; i++)
		if (devices->ids[i] != GONE)
			bits |= BIT(devices->ids[i]);
	return bits;
}

/* Return: the backing device of @id, or CONTROL_BACKINGS. */
static u32 backing_of(const struct devices *devices, u32 id)
{
	u32 i = 0;

	while (i < CONTROL_BACKINGS && devices->ids[i] != id)
		i++;
	return i;
}

static bool same_backing(const struct control *control, u32 a, u32 b)
{
	return a == b || (control->twins && a < 2 && b < 2);
}

static bool is_taken(const struct control *control,
		     const struct devices *devices, u32 backing)
{
	u32 i;

	for (i = 0; i < CONTROL_BACKINGS; i++)
		if (devices->ids[i] != GONE &&
		    same_backing(control, i, backing))
			return true;
	return false;
}

/* Not all could be made durable, but it is gone. */
static bool is_removed(const struct control_call *call)
{
	return call->op == CONTROL_REMOVE &&
	       (!call->error || call->error == -EIO);
}

static bool add_may_be(const struct control *control,
		       const struct control_call *call, struct devices *devices)
{
	if (call->error)
		return true;
	if (backing_of(devices, call->got) < CONTROL_BACKINGS ||
	    is_taken(control, devices, call->backing))
		return false;
	devices->ids[call->backing] = call->got;
	return true;
}

/* May it have had its effect, and given its answer, now? */
static bool may_be(const struct control *control,
		   const struct control_call *call, struct devices *devices)
{
	u32 backing = call->id < CONTROL_IDS ? backing_of(devices, call->id) :
					       CONTROL_BACKINGS;
	bool there = backing < CONTROL_BACKINGS;

	switch (call->op) {
	case CONTROL_ADD:
		return add_may_be(control, call, devices);
	case CONTROL_LIST:
		return call->error || call->got == bits_of(devices);
	case CONTROL_UNLOAD:
		memset(devices->ids, GONE, sizeof(devices->ids));
		return true;
	default:
		break;
	}
	if (call->error == -ENODEV)
		return !there;
	if (is_removed(call)) {
		if (there)
			devices->ids[backing] = GONE;
		return there;
	}
	if (call->op == CONTROL_STATUS && !call->error)
		return there && backing == call->backing;
	return call->op != CONTROL_CHECKPOINT || call->error == -EBUSY || there;
}

/* It had ended before @call was begun, so it comes first. */
static bool is_behind(const struct control *control, const u32 *next,
		      const struct control_call *call)
{
	u32 i;

	for (i = 0; i < CONTROL_USERS; i++)
		if (next[i] < control->users[i].nr_calls &&
		    control->users[i].calls[next[i]].end < call->begin)
			return true;
	return false;
}

static u32 place_of(const struct control *control, const u32 *next)
{
	u32 place = 0, i;

	for (i = 0; i < CONTROL_USERS; i++)
		place = place * (control->users[i].nr_calls + 1) + next[i];
	return place;
}

static bool explain(struct judge *j, u32 *next, struct devices devices)
{
	u8 *tried = j->tried[place_of(j->control, next)];
	u32 state = state_of(&devices), done = 0, i;
	struct control *control = j->control;
	struct devices after;

	if (tried[state / 8] & BIT(state % 8))
		return false;
	tried[state / 8] |= BIT(state % 8);
	for (i = 0; i < CONTROL_USERS; i++) {
		struct control_user *user = &control->users[i];
		struct control_call *call = &user->calls[next[i]];

		if (next[i] == user->nr_calls) {
			done++;
			continue;
		}
		after = devices;
		if (is_behind(control, next, call) ||
		    !may_be(control, call, &after))
			continue;
		call->moment = ++j->nr_moments;
		next[i]++;
		if (explain(j, next, after))
			return true;
		next[i]--;
		j->nr_moments--;
	}
	return done == CONTROL_USERS && bits_of(&devices) == j->left;
}

/* ---- refusals ---- */

static bool overlap(const struct control_call *a, const struct control_call *b)
{
	return a->begin < b->end && b->begin < a->end;
}

/* The call that ended what @add had made, or NULL. */
static const struct control_call *end_of(const struct control *control,
					 const struct control_call *add)
{
	const struct control_call *end = NULL;
	u32 i, k;

	for (i = 0; i < CONTROL_USERS; i++)
		for (k = 0; k < control->users[i].nr_calls; k++) {
			const struct control_call *c =
				&control->users[i].calls[k];

			if (c->moment > add->moment &&
			    (c->op == CONTROL_UNLOAD ||
			     (is_removed(c) && c->id == add->got)) &&
			    (!end || c->moment < end->moment))
				end = c;
		}
	return end;
}

/* From its begin to the end of its removal, or its own if it failed. */
static bool add_was_there(const struct control *control,
			  const struct control_call *add,
			  const struct control_call *call)
{
	const struct control_call *end = add;

	if (!add->error)
		end = end_of(control, add);
	return add->begin < call->end && (!end || call->begin < end->end);
}

/* Was @other, which has not just been refused, in the way of @call? */
static bool in_the_way(const struct control *control,
		       const struct control_call *other,
		       const struct control_call *call)
{
	bool same_id = other->id == call->id || other->id == CONTROL_ANY;

	if (other->op == CONTROL_ADD && !other->error)
		same_id = other->got == call->id;
	if (call->op == CONTROL_ADD)
		return other->op == CONTROL_ADD &&
		       (call->error == -EEXIST ? same_id :
			same_backing(control, other->backing, call->backing)) &&
		       add_was_there(control, other, call);
	if (!same_id || !overlap(other, call))
		return false;
	return call->op == CONTROL_REMOVE ?
	       other->op == CONTROL_ADD || other->op == CONTROL_REMOVE ||
	       other->op == CONTROL_USE || other->op == CONTROL_CHECKPOINT :
	       other->op == CONTROL_REMOVE;
}

static bool is_refused(const struct control_call *call)
{
	return call->error == -EBUSY || call->error == -EEXIST;
}

/* Devices that were there before anybody came: adds that ended at once. */
static void adds_before(const struct control *control,
			struct control_call *adds)
{
	u32 i;

	for (i = 0; i < CONTROL_BACKINGS; i++)
		adds[i] = (struct control_call){
			.op = CONTROL_ADD, .id = i, .got = i, .backing = i,
			.error = control->before & BIT(i) ? 0 : -ENOENT,
		};
}

static bool has_reason(const struct control *control,
		       const struct control_call *before,
		       u8 justified[CONTROL_USERS][CONTROL_CALLS],
		       const struct control_call *call)
{
	u32 i, k;

	for (i = 0; i < CONTROL_BACKINGS; i++)
		if (!before[i].error && in_the_way(control, &before[i], call))
			return true;
	for (i = 0; i < CONTROL_USERS; i++)
		for (k = 0; k < control->users[i].nr_calls; k++) {
			const struct control_call *other =
				&control->users[i].calls[k];

			if (other != call && justified[i][k] &&
			    in_the_way(control, other, call))
				return true;
		}
	return false;
}

static void judge_refusals(const struct control *control)
{
	u8 justified[CONTROL_USERS][CONTROL_CALLS] = { 0 };
	struct control_call before[CONTROL_BACKINGS];
	const struct control_call *last;
	bool more = true;
	u32 i, k;

	adds_before(control, before);
	while (more) {
		more = false;
		last = NULL;
		for (i = 0; i < CONTROL_USERS; i++)
			for (k = 0; k < control->users[i].nr_calls; k++) {
				const struct control_call *call =
					&control->users[i].calls[k];

				if (justified[i][k])
					continue;
				justified[i][k] = !is_refused(call) ||
					has_reason(control, before, justified,
						   call);
				more |= justified[i][k];
				if (!justified[i][k])
					last = call;
			}
	}
	if (last)
		kapi_fail("%s of %u was refused, and nobody was in the way",
			  last->op == CONTROL_ADD ? "an add" :
			  last->op == CONTROL_REMOVE ? "a removal" :
			  "a checkpoint", last->op == CONTROL_ADD ?
			  last->backing : last->id);
}

void control_judge(struct control *control, u32 left)
{
	static struct judge j;
	struct devices devices;
	u32 next[CONTROL_USERS], i;

	for (i = 0; i < CONTROL_USERS; i++)
		next[i] = control->users[i].nr_calls;
	memset(j.tried, 0, (place_of(control, next) + 1) * sizeof(j.tried[0]));
	memset(next, 0, sizeof(next));
	j.control = control;
	j.left = left;
	j.nr_moments = 0;
	for (i = 0; i < CONTROL_BACKINGS; i++)
		devices.ids[i] = control->before & BIT(i) ? i : GONE;
	if (!explain(&j, next, devices))
		kapi_fail("no order of the calls gives these answers");
	judge_refusals(control);
}
