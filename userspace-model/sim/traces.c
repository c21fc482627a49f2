// SPDX-License-Identifier: GPL-2.0-only
/*
 * Traces.
 */
#include <stdlib.h>
#include "traces.h"

#define SEEN_MIN	BIT(16)
#define SEEN_MAX	BIT(25)		/* half of it: 256 MiB; then no more are kept */

static u64 mix(u64 a, u64 b)
{
	u64 z = a * 0x9e3779b97f4a7c15ULL + b;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ z >> 27) * 0x94d049bb133111ebULL;
	return z ^ z >> 31;
}

void sim_traces_reset(struct sim_traces *t)
{
	free(t->seen);
	memset(t, 0, sizeof(*t));
}

void sim_traces_free(struct sim_traces *t)
{
	free(t->seen);
	t->seen = NULL;
	t->max_seen = 0;
}

/* Those that are there by their numbers, others by who starts them, and when. */
void sim_traces_begin(struct sim_traces *t)
{
	struct kapi_counts counts;
	u32 i;

	t->run++;
	t->sum = 0;
	memset(t->fibers, 0, sizeof(t->fibers));
	kapi_counts(&counts);
	for (i = 1; i <= counts.nr_fibers; i++)
		t->fibers[i % ARRAY_SIZE(t->fibers)] = i;
}

/* By its address, which is another's once it was freed: then it is one object. */
static struct sim_object *object_of(struct sim_traces *t, const void *object)
{
	size_t mask = ARRAY_SIZE(t->objects) - 1;
	size_t i = mix((uintptr_t)object, 0) & mask, nr;

	for (nr = 0; nr <= mask; nr++, i = (i + 1) & mask) {
		struct sim_object *o = &t->objects[i];

		if (o->run == t->run && o->object == object)
			return o;
		if (o->run == t->run)
			continue;
		*o = (struct sim_object){ .object = object, .run = t->run };
		return o;
	}
	kapi_fail("more objects than can be told apart");
}

void sim_traces_touch(struct sim_traces *t, u32 fiber, const void *object,
		      enum kapi_access how)
{
	u64 *last = &t->fibers[fiber % ARRAY_SIZE(t->fibers)];
	struct sim_object *o;

	if (how == KAPI_TRIES)
		return;
	if (!object) {
		*last = mix(*last, 1);
	} else if (how != KAPI_LOOKS) {
		o = object_of(t, object);
		*last = mix(*last, mix(o->changed, o->looked) | 1);
		o->changed = *last;
		o->looked = 0;
	} else {
		o = object_of(t, object);
		*last = mix(*last, o->changed | 1);
		o->looked += *last;
	}
	t->sum += *last;
}

u64 sim_traces_of(struct sim_traces *t, const void *object)
{
	const struct sim_object *o = object_of(t, object);

	return mix(o->changed, o->looked);
}

static struct sim_seen *seen_find(struct sim_traces *t, u64 trace)
{
	size_t mask = t->max_seen - 1, i = trace & mask;

	while (t->seen[i].trace && t->seen[i].trace != trace)
		i = (i + 1) & mask;
	return &t->seen[i];
}

static void seen_grow(struct sim_traces *t)
{
	struct sim_seen *old = t->seen;
	size_t max_old = t->max_seen, i;

	t->max_seen = max_old ? 2 * max_old : SEEN_MIN;
	t->seen = calloc(t->max_seen, sizeof(*t->seen));
	if (!t->seen)
		kapi_fail("no memory for traces");
	for (i = 0; i < max_old; i++)
		if (old[i].trace)
			*seen_find(t, old[i].trace) = old[i];
	free(old);
}

static bool is_less(u64 a, u64 b)
{
	for (; a | b; a >>= 8, b >>= 8)
		if ((u8)a < (u8)b)
			return true;
	return false;
}

bool sim_traces_seen(struct sim_traces *t, u64 who, u64 left)
{
	struct sim_seen *seen;

	if (2 * t->nr_seen >= t->max_seen && t->max_seen < SEEN_MAX)
		seen_grow(t);
	seen = seen_find(t, mix(t->sum, who) | 1);
	if (seen->trace && !is_less(seen->left, left))
		return true;
	if (!seen->trace) {
		if (2 * t->nr_seen >= SEEN_MAX)
			return false;
		t->nr_seen++;
		seen->trace = mix(t->sum, who) | 1;
		seen->left = left;
	} else if (!is_less(left, seen->left)) {
		seen->left = left;
	}
	return false;
}
