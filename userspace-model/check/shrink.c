// SPDX-License-Identifier: GPL-2.0-only
/*
 * DOC: shrinking
 *
 * A candidate is the best list with something left out or lowered.  It is taken
 * over when its run fails, in whatever way, and what that run really drew is
 * simpler: fewer operations, then fewer preemptions, then fewer choices that are not
 * the simplest, then lower ones, then fewer at all.
 *
 * A schedule is another matter: whatever is left out makes most of it mean something
 * else.  So other schedules are tried, too, with no more preemptions than the best
 * one has; and, since hardly any fault takes more than two or three, some with one,
 * then with two and so on.
 *
 * Lists are read by kind within each operation (sim/choices.h), so what is left
 * out does not shift what comes after.  The one thing that an operation left
 * out does shift is the number of events until the power fails; that is tried
 * with a few lower numbers as well.
 */
#include <stdlib.h>

#include "history.h"
#include "scale/clock.h"
#include "shrink.h"

#define PAIRS_OPS	14	/* operations of which pairs are tried */
#define SHIFTS		6	/* events that an operation may have taken */
#define SCHEDULES	20	/* others that are tried for a candidate */
#define SCHEDULES_MAX	400	/* when nothing else helps any more */
#define PREEMPTIONS_MAX	4	/* up to so many */

/* ---- lists ---- */

void list_free(struct list *list)
{
	free(list->records);
	list->records = NULL;
	list->nr = 0;
}

u32 list_nr_ops(const struct list *list)
{
	u32 nr = 0;
	size_t i;

	for (i = 0; i < list->nr; i++)
		nr += list->records[i].kind == SIM_CHOOSE_STEP &&
		      list->records[i].value;
	return nr;
}

static bool is_step(const struct sim_record *r)
{
	return r->kind == SIM_CHOOSE_STEP || r->kind == SIM_CHOOSE_END;
}

/* Where the @n-th step begins; the end of the list if there is none. */
static size_t list_op(const struct list *list, u32 n)
{
	size_t i;

	for (i = 0; i < list->nr; i++)
		if (is_step(&list->records[i]) && !n--)
			break;
	return i;
}

/* Operations, those that are nothing included, and the end. */
static u32 list_nr_steps(const struct list *list)
{
	u32 nr = 0;
	size_t i;

	for (i = 0; i < list->nr; i++)
		nr += is_step(&list->records[i]);
	return nr;
}

struct cost {
	u64 ops;
	u64 preemptions;
	u64 nonzero;
	u64 sum;
	u64 nr;
};

static struct cost list_cost(const struct list *list)
{
	struct cost c = { .ops = list_nr_ops(list), .nr = list->nr };
	size_t i;

	for (i = 0; i < list->nr; i++) {
		c.nonzero += !!list->records[i].value;
		c.preemptions += list->records[i].value &&
				 list->records[i].kind == KAPI_CHOOSE_PREEMPT;
		c.sum += list->records[i].value;
	}
	return c;
}

static bool simpler(const struct list *a, const struct list *b)
{
	struct cost x = list_cost(a), y = list_cost(b);

	if (x.ops != y.ops)
		return x.ops < y.ops;
	if (x.preemptions != y.preemptions)
		return x.preemptions < y.preemptions;
	if (x.nonzero != y.nonzero)
		return x.nonzero < y.nonzero;
	if (x.sum != y.sum)
		return x.sum < y.sum;
	return x.nr < y.nr;
}

/* ---- trying ---- */

static bool late(const struct shrink *s)
{
	return cpu_seconds() + cpu_seconds_children() > s->until;
}

/* The candidate to be tried: a copy of the best list, to be changed. */
static struct list *candidate(struct shrink *s)
{
	memcpy(s->scratch.records, s->best.records,
	       s->best.nr * sizeof(*s->best.records));
	s->scratch.nr = s->best.nr;
	return &s->scratch;
}

static void leave_out(struct list *list, size_t from, size_t to)
{
	memmove(list->records + from, list->records + to,
		(list->nr - to) * sizeof(*list->records));
	list->nr -= to - from;
}

/* Takes the candidate over if it fails and is simpler. */
static bool try(struct shrink *s)
{
	const struct list *drawn = &s->scratch;
	const char *why;
	struct list run;

	if (late(s))
		return false;
	s->nr_runs++;
	why = s->dies ? check_list_apart(s->suite, drawn, &s->seed,
					 s->last_seed, s->preemptions_max) :
	      s->seed ? check_list_anyhow(s->suite, drawn, s->seed,
					  s->preemptions_max) :
			check_list(s->suite, drawn);
	if (!why || (s->how && strncmp(why, s->how, strlen(s->how))))
		return false;
	if (s->dies)
		check_drawn_apart(&run.records, &run.nr);
	else
		check_drawn(&run.records, &run.nr);
	if (run.nr > s->max_records || !simpler(&run, &s->best))
		return false;
	memcpy(s->best.records, run.records, run.nr * sizeof(*run.records));
	s->best.nr = run.nr;
	return true;
}

/* ---- schedules ---- */

u32 list_nr_preemptions(const struct list *list)
{
	return list_cost(list).preemptions;
}

static bool is_scheduled(const struct list *list)
{
	size_t i;

	for (i = 0; i < list->nr; i++)
		if (list->records[i].kind == KAPI_CHOOSE_PREEMPT)
			return true;
	return false;
}

/*
 * The candidate, on @nr other schedules with so many preemptions, by their seeds from
 * @first on; 0: as it is.
 */
static bool try_schedules(struct shrink *s, u32 first, u32 nr,
			  u32 preemptions_max)
{
	bool taken = false;

	s->preemptions_max = preemptions_max;
	s->last_seed = nr;
	for (s->seed = first; s->seed <= nr && !taken && !late(s); s->seed++)
		taken = try(s);
	s->seed = 0;
	s->last_seed = 0;
	return taken;
}

/* As it is, or on other schedules, if it has any. */
static bool try_anyhow(struct shrink *s)
{
	return is_scheduled(&s->best) ?
	       try_schedules(s, 0, s->nr_schedules,
			     list_nr_preemptions(&s->best)) : try(s);
}

static bool shrink_preemptions(struct shrink *s)
{
	u32 nr = min_t(u32, list_nr_preemptions(&s->best),
		       PREEMPTIONS_MAX + 1), k;

	for (k = 0; k < nr; k++) {
		candidate(s);
		if (try_schedules(s, 1, SCHEDULES_MAX, k))
			return true;
	}
	return false;
}

/* ---- operations ---- */

static bool without_ops(struct shrink *s, u32 from, u32 to)
{
	struct list *list = candidate(s);

	leave_out(list, list_op(list, from), list_op(list, to));
	return list->nr < s->best.nr && try_anyhow(s);
}

/* Stretches of operations, longest first, from the end to the beginning. */
static bool shrink_ops(struct shrink *s)
{
	u32 nr = list_nr_steps(&s->best), end, from;
	bool any = false;

	for (nr = max(nr / 2, 1u); nr; nr /= 2) {
		for (end = list_nr_steps(&s->best); end && !late(s);
		     end = min(from, list_nr_steps(&s->best))) {
			from = end - min(nr, end);
			any |= without_ops(s, from, end);
		}
	}
	return any;
}

/* Stretches of any length from anywhere: what counts in eights, say, needs it. */
static bool shrink_stretches(struct shrink *s)
{
	u32 from, to;

	for (from = 0; from < list_nr_steps(&s->best) && !late(s); from++)
		for (to = list_nr_steps(&s->best); to > from + 1; to--)
			if (without_ops(s, from, to))
				return true;
	return false;
}

/* Those that help only together; when there are few left. */
static bool shrink_pairs(struct shrink *s)
{
	u32 a, b;

	for (b = 1; b < list_nr_steps(&s->best); b++) {
		if (list_nr_ops(&s->best) > PAIRS_OPS || late(s))
			return false;
		for (a = 0; a < b; a++) {
			struct list *list = candidate(s);

			leave_out(list, list_op(list, b), list_op(list, b + 1));
			leave_out(list, list_op(list, a), list_op(list, a + 1));
			if (try_anyhow(s))
				return true;
		}
	}
	return false;
}

/* An operation of a history of the whole device. */
static bool is_op(const struct sim_record *r)
{
	return r->kind == SIM_CHOOSE_STEP &&
	       (r->bound == NR_OPS || r->bound == OP_FAULT);
}

/* One that fills the device may do what a stretch of operations did. */
static bool shrink_fills(struct shrink *s)
{
	u32 from, to;

	for (from = 0; from < list_nr_steps(&s->best) && !late(s); from++) {
		for (to = list_nr_steps(&s->best); to > from + 1; to--) {
			struct list *list = candidate(s);
			size_t at = list_op(list, from);

			if (!is_op(&list->records[at]))
				break;
			list->records[at].value = OP_FILL;
			leave_out(list, at + 1, list_op(list, to));
			if (try_anyhow(s))
				return true;
		}
	}
	return false;
}

static bool is_crash_soon(const struct sim_record *r)
{
	return is_op(r) && r->value == OP_CRASH_SOON;
}

/* Where what a crash draws begins, from @at on. */
static size_t list_crash(const struct list *list, size_t at)
{
	while (at < list->nr && list->records[at].kind != SIM_CHOOSE_END &&
	       (list->records[at].kind != CHECK_CHOOSE_CUT ||
		list->records[at].bound != WORLD_CRASHES))
		at++;
	return at;
}

/* A crash soon becomes one between two operations or at the end, as it was. */
static bool crash_alone(struct shrink *s, u32 n)
{
	struct list *list = candidate(s);
	size_t at = list_op(list, n), end = list_op(list, n + 1), then;
	struct sim_record crash = list->records[at];

	crash.value = OP_CRASH;
	leave_out(list, at, end);
	then = list_crash(list, at);
	if (then < list->nr && list->records[then].kind == SIM_CHOOSE_END) {
		list->records[then].value = 1;
		return try(s);
	}
	memmove(list->records + then + 1, list->records + then,
		(list->nr - then) * sizeof(*list->records));
	list->records[then] = crash;
	list->nr++;
	return try(s);
}

static bool shrink_crashes(struct shrink *s)
{
	bool any = false;
	u32 n;

	for (n = 0; n < list_nr_steps(&s->best); n++)
		if (is_crash_soon(&s->best.records[list_op(&s->best, n)]))
			any |= crash_alone(s, n);
	return any;
}

/* The number of events until the power fails that was drawn last before @at. */
static struct sim_record *cut_before(struct list *list, size_t at)
{
	while (at--)
		if (list->records[at].kind == CHECK_CHOOSE_CUT &&
		    list->records[at].bound == WORLD_CUT_EVENTS)
			return &list->records[at];
	return NULL;
}

/* One operation, and the power fails that much sooner. */
static bool shrink_shifted(struct shrink *s)
{
	bool any = false;
	u32 n, less;

	for (n = list_nr_steps(&s->best); n-- && !late(s);) {
		for (less = 1; less <= SHIFTS; less++) {
			struct list *list = candidate(s);
			size_t at = list_op(list, n);
			struct sim_record *cut = cut_before(list, at);

			if (!cut || cut->value < less)
				break;
			cut->value -= less;
			leave_out(list, at, list_op(list, n + 1));
			if (try(s)) {
				any = true;
				break;
			}
		}
	}
	return any;
}

/* ---- values ---- */

static bool is_set(const struct sim_record *r, u32 kind)
{
	return r->kind == kind && r->value;
}

static u32 nr_set(const struct list *list, u32 kind)
{
	u32 nr = 0;
	size_t i;

	for (i = 0; i < list->nr; i++)
		nr += is_set(&list->records[i], kind);
	return nr;
}

/* Sets those of a kind from the @from-th on, @nr of them, to 0. */
static bool zero_some(struct shrink *s, u32 kind, u32 from, u32 nr)
{
	struct list *list = candidate(s);
	u32 n = 0;
	size_t i;

	for (i = 0; i < list->nr; i++) {
		if (!is_set(&list->records[i], kind))
			continue;
		if (n >= from && n < from + nr)
			list->records[i].value = 0;
		n++;
	}
	return n > from && try(s);
}

static bool shrink_kind(struct shrink *s, u32 kind)
{
	u32 nr = nr_set(&s->best, kind), from;
	bool any = false;

	for (; nr; nr /= 2) {
		for (from = 0; from < nr_set(&s->best, kind) && !late(s);) {
			if (zero_some(s, kind, from, nr))
				any = true;
			else
				from += nr;
		}
	}
	return any;
}

static bool lower(struct shrink *s, size_t at, u32 value)
{
	struct list *list = candidate(s);

	if (at >= list->nr || list->records[at].value <= value)
		return false;
	list->records[at].value = value;
	return try(s);
}

/* Operations: the simplest that will do.  Others: halves, then one less. */
static bool shrink_value(struct shrink *s, size_t at)
{
	const struct sim_record *r = &s->best.records[at];
	bool any = false;
	u32 value;

	if (r->kind == SIM_CHOOSE_STEP) {
		for (value = 1; value < r->value; value++)
			if (lower(s, at, value))
				return true;
		return false;
	}
	while (at < s->best.nr && r->value && !late(s)) {
		if (!lower(s, at, r->value / 2) && !lower(s, at, r->value - 1))
			break;
		any = true;
	}
	return any;
}

static bool shrink_values(struct shrink *s)
{
	bool any = false;
	size_t i;
	u32 kind;

	for (kind = CHECK_CHOOSE_KINDS; kind--;)
		any |= shrink_kind(s, kind);
	for (i = 0; i < s->best.nr && !late(s); i++)
		if (s->best.records[i].value > 1)
			any |= shrink_value(s, i);
	return any;
}

void shrink(struct shrink *s)
{
	double begun = cpu_seconds() + cpu_seconds_children();
	size_t size;
	bool any;

	s->until = begun + SHRINK_SECONDS;
	s->nr_schedules = SCHEDULES;
	/* fewer operations may well draw more */
	s->max_records = 2 * s->best.nr + 64;
	size = s->max_records * sizeof(*s->best.records);
	s->best.records = realloc(s->best.records, size);
	s->scratch.records = malloc(size);
	if (!s->best.records || !s->scratch.records)
		abort();
	do {
		any = shrink_ops(s);
		any |= shrink_preemptions(s);
		any |= shrink_values(s);
		any |= shrink_crashes(s);
		any |= shrink_shifted(s);
		if (!any)
			any = shrink_fills(s) || shrink_stretches(s) ||
			      shrink_pairs(s);
		if (!any && is_scheduled(&s->best) &&
		    s->nr_schedules < SCHEDULES_MAX) {
			s->nr_schedules = SCHEDULES_MAX;
			any = true;
		}
	} while (any && !late(s));
	list_free(&s->scratch);
	s->seconds = cpu_seconds() + cpu_seconds_children() - begun;
}
