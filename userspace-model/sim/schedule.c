// SPDX-License-Identifier: GPL-2.0-only
/*
 * Schedules.
 */
#include "sim.h"

#define RARE_MAX	6	/* of 2^n: one point in 64 */
#define LENGTH_LOG_MIN	4
#define LENGTH_LOG_MAX	12
#define FIRST_PRIORITY	0x80000000u
#define STARVED_OF	8	/* one of so many times it is interrupts that rest */
#define ENDED		U64_MAX	/* who goes on then */

static const char * const names[] = {
	[SIM_WALK] = "walk",
	[SIM_PCT] = "pct",
	[SIM_URW] = "urw",
	[SIM_STARVE] = "starve",
	[SIM_BOUNDED] = "bounded",
	[SIM_PORTFOLIO] = "portfolio",
};

const char *sim_strategy_name(enum sim_strategy strategy)
{
	return names[strategy];
}

/* 0 <= result < n */
static u32 draw(struct sim_schedule *s, u32 n)
{
	u64 z = s->random += 0x9e3779b97f4a7c15ULL;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ z >> 27) * 0x94d049bb133111ebULL;
	return mul_u64_u64_shr(z ^ z >> 31, n, 64);
}

/* ---- slots ---- */

static void slots_begin(struct sim_schedule *s)
{
	struct kapi_counts counts;

	kapi_counts(&counts);
	s->newest = counts.nr_fibers;
	s->nr_first = kapi_fiber_ids(s->first, SIM_FIBERS_FIRST);
	memset(s->ids, 0, sizeof(s->ids));
}

static u32 slot_of_first(const struct sim_schedule *s, u32 id)
{
	u32 i = 0;

	while (i + 1 < s->nr_first && s->first[i] != id)
		i++;
	return SIM_FIBERS - 1 - i;
}

/* One that comes where all are taken has the slot of the one that came first. */
static u32 fiber_of(struct sim_schedule *s, const struct kapi_turn *turn, u32 idx)
{
	u32 id = turn->ids[idx], slot;

	if (!id)
		return 0;
	if (id <= s->newest)
		return slot_of_first(s, id);
	slot = 1 + (id - s->newest - 1) % (SIM_FIBERS - 1 - s->nr_first);
	if (unlikely(s->ids[slot] < id)) {
		s->ids[slot] = id;
		s->priority[slot] = 0;
		s->done[slot] = 0;
	}
	return slot;
}

/* --- walk --- */

static u32 walk(struct sim_schedule *s, const struct kapi_turn *turn)
{
	if (turn->going && !turn->yields && s->sparse &&
	    draw(s, 1u << s->sparse))
		return 0;
	return draw(s, turn->nr);
}

/* --- pct --- */

static u32 priority_of(struct sim_schedule *s, u32 fiber)
{
	if (!s->priority[fiber])
		s->priority[fiber] = FIRST_PRIORITY + draw(s, FIRST_PRIORITY);
	return s->priority[fiber];
}

/* Is it time for a change?  Where nobody else could go on, it comes later. */
static bool is_change(struct sim_schedule *s)
{
	u32 i;

	for (i = 0; i < s->nr_changes; i++) {
		if (s->changes[i] <= s->nr_points) {
			s->changes[i] = s->changes[--s->nr_changes];
			return true;
		}
	}
	return false;
}

/* Whoever lets others go first, as one does that spins, falls, too. */
static u32 pct(struct sim_schedule *s, const struct kapi_turn *turn)
{
	u32 best = 0, idx = 0, i;

	if (turn->going && (turn->yields || is_change(s)))
		s->priority[fiber_of(s, turn, 0)] = --s->lowest;
	for (i = 0; i < turn->nr; i++) {
		u32 priority = priority_of(s, fiber_of(s, turn, i));

		if (priority > best) {
			best = priority;
			idx = i;
		}
	}
	return idx;
}

/* --- urw --- */

/* What nobody knows of is a share of the whole. */
static u32 left_of(const struct sim_schedule *s, u32 fiber, u32 share)
{
	u32 all = s->left[fiber] ?: share;

	return all > s->done[fiber] ? all - s->done[fiber] : 1;
}

static u32 urw(struct sim_schedule *s, const struct kapi_turn *turn)
{
	u32 share = max(s->expected / turn->nr, 1u), sum = 0, v, i;

	for (i = 0; i < turn->nr; i++)
		sum += left_of(s, fiber_of(s, turn, i), share);
	v = draw(s, sum);
	for (i = 0; i < turn->nr - 1; i++) {
		u32 left = left_of(s, fiber_of(s, turn, i), share);

		if (v < left)
			break;
		v -= left;
	}
	return i;
}

/* --- starve --- */

static bool rests(const struct sim_schedule *s, const struct kapi_turn *turn,
		  u32 idx)
{
	return turn->ids[idx] == s->starved;
}

static u32 starve(struct sim_schedule *s, const struct kapi_turn *turn)
{
	u32 awake = 0, v, i;

	if (s->nr_points < s->from || s->nr_points >= s->to)
		return walk(s, turn);
	if (s->starved == U32_MAX)
		s->starved = turn->ids[draw(s, turn->nr)];
	for (i = 0; i < turn->nr; i++)
		awake += !rests(s, turn, i);
	if (!awake)
		return 0;
	if (turn->going && !rests(s, turn, 0) && s->sparse &&
	    draw(s, 1u << s->sparse))
		return 0;
	v = draw(s, awake);
	for (i = 0; rests(s, turn, i) || v--; i++)
		;
	return i;
}

/* --- bounded --- */

static u32 bounded(struct sim_schedule *s, const struct kapi_turn *turn)
{
	if (!turn->going)
		return draw(s, turn->nr);
	return is_change(s) ? 1 + draw(s, turn->nr - 1) : 0;
}

/* --- all of them --- */

static u32 (*const strategies[SIM_NR_STRATEGIES])(struct sim_schedule *s,
						  const struct kapi_turn *turn) = {
	[SIM_WALK] = walk,
	[SIM_PCT] = pct,
	[SIM_URW] = urw,
	[SIM_STARVE] = starve,
	[SIM_BOUNDED] = bounded,
};

static void strategy_begin(struct sim_schedule *s)
{
	u32 i, depth;

	s->now = s->strategy;
	if (s->now == SIM_PORTFOLIO)
		s->now = draw(s, SIM_NR_STRATEGIES);
	s->expected = s->length;
	if (!s->expected)
		s->expected = 1u << (LENGTH_LOG_MIN +
				     draw(s, LENGTH_LOG_MAX - LENGTH_LOG_MIN + 1));
	s->sparse = s->rare == U32_MAX ? draw(s, RARE_MAX + 1) : s->rare;
	depth = s->depth ?: 1 + draw(s, SIM_DEPTH_MAX);
	s->nr_changes = depth - 1;
	for (i = 0; i < s->nr_changes; i++)
		s->changes[i] = draw(s, s->expected);
	s->lowest = FIRST_PRIORITY;
	s->starved = draw(s, STARVED_OF) ? U32_MAX : 0;
	s->from = draw(s, s->expected);
	s->to = s->from + 1 + draw(s, s->expected);
}

void sim_schedule_begin(struct sim *sim)
{
	struct sim_schedule *s = &sim->schedule;

	s->nr_points = 0;
	s->nr_preemptions = 0;
	s->nr_detours = 0;
	s->pruned = false;
	s->quiet = false;
	memset(s->done, 0, sizeof(s->done));
	memset(s->priority, 0, sizeof(s->priority));
	slots_begin(s);
	s->guided = true;
	if (sim->choices.source == SIM_SOURCE_SEED)
		s->random = sim_choices_apart(&sim->choices);
	else if (sim->choices.source == SIM_SOURCE_LIST && s->seed)
		s->random = s->seed;
	else
		s->guided = false;
	if (s->guided)
		strategy_begin(s);
	if (s->traces)
		sim_traces_begin(s->traces);
	/* unless it is somebody else's */
	if (!sim->hooks.touch || sim->hooks.touch == sim_schedule_touch)
		sim->hooks.touch = s->traces ? sim_schedule_touch : NULL;
	kapi_preemption(true);
}

void sim_schedule_quiet(struct sim *sim)
{
	sim->schedule.quiet = true;
}

void sim_schedule_end(struct sim *sim)
{
	struct sim_traces *traces = sim->schedule.traces;

	kapi_preemption(false);
	if (traces)
		traces->nr_ended += !sim_traces_seen(traces, ENDED, 0);
}

void sim_schedule_measure(struct sim *sim)
{
	struct sim_schedule *s = &sim->schedule;

	s->length = s->nr_points;
	memcpy(s->left, s->done, sizeof(s->left));
}

void sim_schedule_init(struct sim_schedule *s)
{
	*s = (struct sim_schedule){
		.strategy = SIM_PORTFOLIO,
		.rare = U32_MAX,
		.preemptions_max = U32_MAX,
		.detours_max = U32_MAX,
	};
}

void sim_schedule_touch(void *ctx, u32 id, const void *object,
			enum kapi_access how)
{
	struct sim *sim = ctx;

	sim_traces_touch(sim->schedule.traces, id, object, how);
}

/*
 * What makes a difference beside the trace: who runs, where it is counted that another
 * goes on; and who would go on when, where that is.
 */
static u64 who_of(const struct sim_schedule *s, const struct kapi_turn *turn)
{
	bool runs = turn->going && s->preemptions_max != U32_MAX;
	u64 who = runs ? turn->ids[0] + 1 : 0;
	u32 i;

	if (s->detours_max != U32_MAX)
		for (i = 0; i < turn->nr; i++)
			who = (who + 1 + turn->ids[i]) * 0x9e3779b97f4a7c15ULL;
	return who;
}

/*
 * Are all choices that follow here known from another schedule?  Of those that lead
 * here the odometer knows.
 */
static bool is_known(struct sim *sim, const struct kapi_turn *turn)
{
	const struct sim_choices *choices = &sim->choices;
	const struct sim_schedule *s = &sim->schedule;
	u32 preemptions = s->preemptions_max - s->nr_preemptions;
	u32 detours = s->detours_max - s->nr_detours;

	if (!s->traces || s->traces->all || choices->source != SIM_SOURCE_ODOMETER ||
	    choices->at < choices->nr_digits || (turn->going && !preemptions))
		return false;
	return sim_traces_seen(s->traces, who_of(s, turn),
			       min(preemptions, 255u) |
			       min(detours, 255u) << 8);
}

size_t sim_schedule_turn(void *ctx, const struct kapi_turn *turn)
{
	struct sim *sim = ctx;
	struct sim_schedule *s = &sim->schedule;
	struct sim_choices *choices = &sim->choices;
	unsigned int kind = turn->going ? KAPI_CHOOSE_PREEMPT : KAPI_CHOOSE_RUN;
	size_t v;

	if (s->quiet)
		return turn->yields && turn->nr > 1;
	if (unlikely(s->mute) && turn->going &&
	    !strcmp(turn->place->word, s->mute))
		return 0;
	if (turn->nr > 1 && is_known(sim, turn)) {
		s->pruned = true;
		s->traces->nr_pruned++;
		kapi_fail("its trace is known");
	}
	if (turn->nr == 1)
		v = 0;
	else if (turn->going ? s->nr_preemptions == s->preemptions_max :
			       s->nr_detours == s->detours_max)
		v = sim_choose_given(choices, 0, turn->nr, kind);
	else if (s->guided)
		v = sim_choose_given(choices, strategies[s->now](s, turn),
				     turn->nr, kind);
	else
		v = sim_choose(choices, turn->nr, kind);
	s->nr_points += turn->going;
	s->nr_preemptions += turn->going && v;
	s->nr_detours += !turn->going && v;
	s->done[fiber_of(s, turn, v)]++;
	if (unlikely(s->show) && (v || !turn->going))
		s->show(ctx, turn);
	return v;
}
