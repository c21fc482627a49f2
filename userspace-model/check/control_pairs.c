// SPDX-License-Identifier: GPL-2.0-only
/*
 * Users of the control node, two of two steps each, for pairs.c.
 */
#include "control.h"

#define STEP(o, i, b, ...)	{ CONTROL_##o, i, b, ##__VA_ARGS__ }

static void pair_run_steps(struct control *control,
			   const struct control_step *steps)
{
	u32 i;

	for (i = 0; i < 4; i++) {
		struct control_user *user = &control->users[i / 2];

		user->steps[user->nr_steps++] = steps[i];
	}
	control_run(control);
}

static void pair(struct world *w, u32 before, const struct control_step *steps)
{
	struct control control = { .w = w, .before = before };

	pair_run_steps(&control, steps);
}

void control_pair_adds(struct world *w)
{
	static const struct control_step steps[] = {
		STEP(ADD, 0, 0), STEP(LIST, 0, 0),
		STEP(ADD, CONTROL_ANY, 0), STEP(STATUS, 0, 0),
	};

	pair(w, 0, steps);
}

/* Two backing devices hold the same one. */
void control_pair_twins(struct world *w)
{
	static const struct control_step steps[] = {
		STEP(ADD, 0, 0), STEP(LIST, 0, 0),
		STEP(ADD, 1, 1), STEP(STATUS, 0, 0),
	};
	struct control control = { .w = w, .twins = true };

	pair_run_steps(&control, steps);
}

void control_pair_remove_list(struct world *w)
{
	static const struct control_step steps[] = {
		STEP(REMOVE, 0, 0), STEP(ADD, 0, 0),
		STEP(LIST, 0, 0), STEP(STATUS, 0, 0),
	};

	pair(w, BIT(0) | BIT(1), steps);
}

void control_pair_remove_open(struct world *w)
{
	static const struct control_step steps[] = {
		STEP(USE, 0, 0), STEP(LIST, 0, 0),
		STEP(REMOVE, 0, 0), STEP(FILES, 0, 0),
	};

	pair(w, BIT(0), steps);
}

void control_pair_removes(struct world *w)
{
	static const struct control_step steps[] = {
		STEP(REMOVE, 0, 0), STEP(STATUS, 0, 0),
		STEP(REMOVE, 0, 0), STEP(FILES, 0, 0),
	};

	pair(w, BIT(0), steps);
}

void control_pair_add_all(struct world *w)
{
	static const struct control_step steps[] = {
		STEP(ADD, CONTROL_ANY, 1), STEP(USE, 1, 1),
		STEP(REMOVE_ALL, 0, 0), STEP(LIST, 0, 0),
	};

	pair(w, BIT(0), steps);
}

void control_pair_scrubs(struct world *w)
{
	static const struct control_step steps[] = {
		STEP(SCRUB, 0, 0, 0), STEP(SCRUB, 0, 0, 1),
		STEP(SCRUB, 0, 0, 0), STEP(REMOVE, 0, 0),
	};

	pair(w, BIT(0), steps);
}

/* Whoever stops one leaves the next one alone. */
void control_pair_scrub_stop(struct world *w)
{
	static const struct control_step steps[] = {
		STEP(SCRUB, 0, 0, 0), STEP(SCRUB, 0, 0, 1),
		STEP(SCRUB, 0, 0, 0), STEP(FILES, 0, 0),
	};

	pair(w, BIT(0), steps);
}

/* The disk can be seen for a moment, and then is refused. */
void control_pair_refused(struct world *w)
{
	static const struct control_step steps[] = {
		STEP(ADD, 0, 0), STEP(LIST, 0, 0),
		STEP(AWAIT, 0, 0), STEP(SCRUB, 0, 0, 0),
	};
	struct control control = { .w = w, .sick = true, .refuses_disks = true };

	pair_run_steps(&control, steps);
}

void control_pair_checkpoint(struct world *w)
{
	static const struct control_step steps[] = {
		STEP(CHECKPOINT, 0, 0), STEP(USE, 0, 0),
		STEP(REMOVE, 0, 0), STEP(SHRINK, 0, 0),
	};

	pair(w, BIT(0), steps);
}

void control_pair_unload(struct world *w)
{
	static const struct control_step steps[] = {
		STEP(UNLOAD, 0, 0), STEP(FILES, 0, 0),
		STEP(SCRUB, 0, 0, 0), STEP(SHRINK, 0, 0),
	};

	pair(w, BIT(0) | BIT(1), steps);
}
