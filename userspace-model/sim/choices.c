// SPDX-License-Identifier: GPL-2.0-only
/*
 * The choice stream.
 */
#include <stdlib.h>
#include "choices.h"

static u64 splitmix64(u64 *state)
{
	u64 z = *state += 0x9e3779b97f4a7c15ULL;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ z >> 27) * 0x94d049bb133111ebULL;
	return z ^ z >> 31;
}

static void restart(struct sim_choices *choices, enum sim_source source)
{
	choices->source = source;
	choices->next = 0;
	choices->hash = 0;
	choices->random = 0;
}

void sim_choices_seed(struct sim_choices *choices, u64 seed)
{
	restart(choices, SIM_SOURCE_SEED);
	choices->state = seed;
	/* Neighbouring seeds shall not give streams shifted by one. */
	choices->state = splitmix64(&choices->state);
	choices->ahead = splitmix64(&choices->state);
}

void sim_choices_bytes(struct sim_choices *choices, const u8 *bytes, size_t nr)
{
	restart(choices, SIM_SOURCE_BYTES);
	choices->bytes = bytes;
	choices->nr_bytes = nr;
}

void sim_choices_list(struct sim_choices *choices,
		      const struct sim_record *list, size_t nr)
{
	restart(choices, SIM_SOURCE_LIST);
	choices->list = list;
	choices->nr_list = nr;
	choices->at = 0;
}

void sim_choices_odometer(struct sim_choices *choices, u64 kinds)
{
	restart(choices, SIM_SOURCE_ODOMETER);
	choices->kinds = kinds;
	choices->nr_digits = 0;
	choices->at = 0;
}

/* What the last run drew behind the digit that goes on counts from 0 again. */
bool sim_choices_next_leaf(struct sim_choices *choices)
{
	restart(choices, SIM_SOURCE_ODOMETER);
	choices->nr_digits = choices->at;
	choices->at = 0;
	while (choices->nr_digits) {
		struct sim_record *last =
			&choices->digits[choices->nr_digits - 1];

		if (++last->value < last->bound)
			return true;
		choices->nr_digits--;
	}
	return false;
}

void sim_choices_free(struct sim_choices *choices)
{
	free(choices->records);
	free(choices->digits);
	choices->records = NULL;
	choices->digits = NULL;
	choices->max_records = 0;
	choices->max_digits = 0;
}

/* As many bytes as the bound needs, so that a fuzzer's edits stay local. */
static size_t draw_bytes(struct sim_choices *choices, size_t n)
{
	u64 v = 0, max = n - 1;

	for (; max && choices->nr_bytes; max >>= 8) {
		v = v << 8 | *choices->bytes++;
		choices->nr_bytes--;
	}
	return v % n;
}

static size_t draw_list(struct sim_choices *choices, size_t n,
			unsigned int kind)
{
	size_t at;

	for (at = choices->at; at < choices->nr_list; at++) {
		unsigned int found = choices->list[at].kind;

		if (found == kind) {
			choices->at = at + 1;
			return choices->list[at].value < n ?
			       choices->list[at].value : 0;
		}
		if (kind == SIM_CHOOSE_END)
			continue;
		if (found == SIM_CHOOSE_END)
			break;
		if (kind != SIM_CHOOSE_STEP &&
		    (found == SIM_CHOOSE_STEP ||
		     (found > SIM_CHOOSE_STEP && kind < SIM_CHOOSE_STEP)))
			break;
	}
	return 0;
}

/* Puts a choice at @at of an array that grows. */
static struct sim_record *record(struct sim_record *records, size_t *max_records,
				 size_t at, const struct sim_record *r)
{
	if (at == *max_records) {
		*max_records = max_t(size_t, 1024, 2 * *max_records);
		records = realloc(records, *max_records * sizeof(*records));
		if (!records)
			kapi_fail("no memory to record choices");
	}
	records[at] = *r;
	return records;
}

static size_t draw_odometer(struct sim_choices *choices, size_t n,
			    unsigned int kind)
{
	const struct sim_record zero = { .bound = n, .kind = kind };
	const struct sim_record *digit;

	if (kind >= 64 || !(choices->kinds & BIT_ULL(kind)))
		return 0;
	if (n > U32_MAX)
		kapi_fail("an odometer cannot count to %zu", n);
	if (choices->at == choices->nr_digits)
		choices->digits = record(choices->digits, &choices->max_digits,
					 choices->nr_digits++, &zero);
	digit = &choices->digits[choices->at++];
	if (digit->bound != n || digit->kind != kind)
		kapi_fail("the same choices led to another one: %u of %u, was %u of %zu",
			  kind, digit->bound, digit->kind, n);
	return digit->value;
}

static inline size_t drawn(struct sim_choices *choices, size_t v, size_t n,
			   unsigned int kind)
{
	if (unlikely(choices->recording) &&
	    (!choices->fixed || choices->next < choices->max_records)) {
		const struct sim_record r = {
			.value = v, .bound = n > U32_MAX ? 0 : n, .kind = kind,
		};

		choices->records = record(choices->records,
					  &choices->max_records, choices->next,
					  &r);
	}
	choices->next++;
	sim_note(choices, v << 8 | kind);
	return v;
}

/* Who draws waits for one multiplication; the other two are of the next draw. */
static size_t draw_seed(struct sim_choices *choices, size_t n)
{
	u64 random = choices->ahead;

	choices->ahead = splitmix64(&choices->state);
	return mul_u64_u64_shr(random, n, 64);
}

size_t sim_choose(struct sim_choices *choices, size_t n, unsigned int kind)
{
	size_t v = 0;

	if (n <= 1)
		return 0;
	/* what nearly every run does */
	if (likely(choices->source == SIM_SOURCE_SEED))
		return drawn(choices, draw_seed(choices, n), n, kind);
	switch (choices->source) {
	case SIM_SOURCE_ZERO:
	case SIM_SOURCE_SEED:
		break;
	case SIM_SOURCE_BYTES:
		v = draw_bytes(choices, n);
		break;
	case SIM_SOURCE_LIST:
		v = draw_list(choices, n, kind);
		break;
	case SIM_SOURCE_ODOMETER:
		v = draw_odometer(choices, n, kind);
		break;
	}
	return drawn(choices, v, n, kind);
}

size_t sim_choose_given(struct sim_choices *choices, size_t v, size_t n,
			unsigned int kind)
{
	if (v >= n)
		kapi_fail("no choice of kind %u: %zu of %zu", kind, v, n);
	return n > 1 ? drawn(choices, v, n, kind) : 0;
}

size_t sim_choose_weighted(struct sim_choices *choices, const u8 *weights,
			   size_t n, size_t sum, unsigned int kind)
{
	size_t v, i;

	if (n <= 1 || choices->source != SIM_SOURCE_SEED)
		return sim_choose(choices, n, kind);
	v = draw_seed(choices, sum);
	for (i = 0; v >= weights[i]; i++)
		v -= weights[i];
	return drawn(choices, i, n, kind);
}

u64 sim_choices_apart(struct sim_choices *choices)
{
	u64 v = choices->ahead;

	choices->ahead = splitmix64(&choices->state);
	return v;
}

size_t sim_choose_hook(void *ctx, size_t n, unsigned int kind)
{
	return sim_choose(ctx, n, kind);
}

void sim_random_hook(void *ctx, void *buf, size_t len)
{
	struct sim_choices *choices = ctx;
	u64 v;

	if (!choices->random)
		choices->random = 1 + sim_choose(choices, 1 << 16,
						 SIM_CHOOSE_RANDOM);
	while (len) {
		size_t part = min(len, sizeof(v));

		v = splitmix64(&choices->random);
		memcpy(buf, &v, part);
		buf += part;
		len -= part;
	}
}

void sim_records_print(FILE *file, const struct sim_record *records, size_t nr)
{
	size_t i;

	for (i = 0; i < nr; i++)
		fprintf(file, "%u %u/%u\n", records[i].kind, records[i].value,
			records[i].bound);
}

ssize_t sim_records_read(FILE *file, struct sim_record **records)
{
	struct sim_record *list = NULL, r;
	size_t nr = 0, max = 0;
	int got;

	while ((got = fscanf(file, " %u %u/%u", &r.kind, &r.value, &r.bound)) == 3) {
		if (nr == max) {
			struct sim_record *more;

			max = max_t(size_t, 256, 2 * max);
			more = realloc(list, max * sizeof(*list));
			if (!more) {
				free(list);
				return -ENOMEM;
			}
			list = more;
		}
		list[nr++] = r;
	}
	if (got != EOF) {
		free(list);
		return -EINVAL;
	}
	*records = list;
	return nr;
}
