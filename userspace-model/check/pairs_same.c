// SPDX-License-Identifier: GPL-2.0-only
/*
 * DOC: changes that are the same
 *
 * Between two turns at which the same fiber goes on it takes a step.  A change at the
 * first of them has others run before this step, a change at the second after it.  If
 * what they do until that fiber runs again has nothing to do with the step, the two
 * lead to the same state, and go on alike.  So of last changes only one of such two is
 * run.  Another change that is to come may be in between; behind that it comes to the same
 * as well.
 *
 * Where the power may fail between the two the step and what they do must not both have to
 * do with what that leaves: the disk, and what users have seen.
 */
#include "pairs.h"
#include "world.h"

static bool changes(const struct pair_touch *touch)
{
	return touch->how == KAPI_CHANGES || touch->how == KAPI_LETS_GO;
}

static bool is_left(const struct pair_touch *touch, const struct world *w)
{
	return w && changes(touch) &&
	       (touch->object == w->disk || touch->object == &w->model);
}

static bool clash(const struct pair_touch *a, const struct pair_touch *b,
		  const struct world *w)
{
	if (is_left(a, w) && is_left(b, w))
		return true;
	return a->object && a->object == b->object &&
	       (changes(a) || changes(b));
}

/* Is all known, and is it one step of a fiber, before which and after which others wait? */
bool pair_is_step(const struct pair_turns *turns, u32 at)
{
	const struct pair_turn *a = &turns->turns[at], *b = a + 1;

	return at < turns->nr && turns->nr_touches < PAIR_TOUCHES_MAX &&
	       a->fiber && a->fiber == b->fiber && a->who == b->who;
}

void pair_stretch(struct pair_stretch *stretch, const struct pair_turns *before,
		  u32 at, const struct pair_turns *run)
{
	u32 fiber = before->turns[at].fiber, i;

	stretch->nr = 0;
	for (i = run->turns[at].touched; i < run->nr_touches; i++) {
		if (run->touches[i].fiber == fiber)
			return;
		if (stretch->nr == PAIR_STRETCH_MAX)
			break;
		stretch->touches[stretch->nr++] = run->touches[i];
	}
	/* too long, or it never goes on before the end */
	stretch->nr = U32_MAX;
}

u32 pair_resumed(const struct pair_turns *before, u32 at,
		 const struct pair_turns *run)
{
	u32 fiber = before->turns[at].fiber;
	u32 i = run->turns[at].touched, turn = at + 1;

	while (i < run->nr_touches && run->touches[i].fiber != fiber)
		i++;
	while (turn <= run->nr && run->turns[turn].touched <= i)
		turn++;
	return turn;
}

bool pair_same(const struct pair_turns *turns, u32 at,
	       const struct pair_stretch *stretch, const struct world *w)
{
	u32 i, k;

	if (!pair_is_step(turns, at) || stretch->nr == U32_MAX)
		return false;
	for (i = turns->turns[at].touched; i < turns->turns[at + 1].touched; i++)
		for (k = 0; k < stretch->nr; k++)
			if (clash(&turns->touches[i], &stretch->touches[k], w))
				return false;
	return true;
}
