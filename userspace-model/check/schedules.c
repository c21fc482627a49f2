// SPDX-License-Identifier: GPL-2.0-only
/*
 * Does the scheduler find what there is, and all there is?
 *
 * Goal: schedules and traces that can be counted by a formula are as many, with any
 * bound on preemptions; of each toy the fewest preemptions with which it fails are
 * known, and traces change nothing about that; and what a strategy is there for, it
 * finds.
 */
#include <stdlib.h>

#include "runner.h"
#include "scale/clock.h"
#include "schedules.h"
#include "toys.h"

#define BOUND_MAX	4	/* preemptions up to which all schedules are run */
#define REPLAYS	100	/* of each toy, those of the first seeds */
#define KINDS		(BIT_ULL(KAPI_CHOOSE_RUN) | BIT_ULL(KAPI_CHOOSE_PREEMPT))

static struct sim sim;
static struct sim_traces traces;
static u32 nr_failed;

/* What became of all schedules of a program. */
struct outcome {
	u64 nr;			/* that were run */
	u64 nr_failed;
	u64 nr_traces;		/* of those that did not fail */
};

/* @reduced: of each trace one is enough. */
static struct outcome run_all(const struct toy *toy, u32 preemptions_max,
			      bool reduced)
{
	struct outcome o = { 0 };
	const char *why;

	sim_traces_reset(&traces);
	traces.all = !reduced;
	sim.schedule.traces = &traces;
	sim.schedule.preemptions_max = preemptions_max;
	sim_choices_odometer(&sim.choices, KINDS);
	do {
		why = toy_run(&sim, toy);
		o.nr++;
		if (!why || sim.schedule.pruned)
			continue;
		o.nr_failed++;
		if (!toy->failure || !strstr(why, toy->failure)) {
			printf("%s: %s\n", toy->name, why);
			nr_failed++;
			break;
		}
	} while (sim_choices_next_leaf(&sim.choices));
	sim.schedule.preemptions_max = U32_MAX;
	sim.schedule.traces = NULL;
	o.nr_traces = traces.nr_ended;
	return o;
}

/* ---- counts ---- */

static u64 choose(u64 n, u64 k)
{
	u64 v = 1, i;

	for (i = 1; i <= k; i++)
		v = v * (n - k + i) / i;
	return v;
}

/* Orders of the steps of @k fibers with @n each: (kn)! / n!^k. */
static u64 orders(u32 k, u32 n)
{
	u64 v = 1;
	u32 i;

	for (i = 2; i <= k; i++)
		v *= choose(i * n, n);
	return v;
}

/*
 * Of two fibers, with @q preemptions: each stretch of steps is not empty, they
 * alternate, and there are @q + 2 of them, since one switch is that of the fiber
 * that ends first.
 */
static u64 orders_bounded(u32 n, u32 q)
{
	u64 v = 0;

	do
		v += 2 * choose(n - 1, (q + 1) / 2) * choose(n - 1, q / 2);
	while (q--);
	return v;
}

/* @schedules, @traces: by formulas; 0: none is known. */
static void count(const char *name, u32 k, u32 n, u32 preemptions_max,
		  void (*fiber)(const struct toy *toy, u32 nr),
		  u64 schedules, u64 traces)
{
	const struct toy toy = {
		.name = name, .nr_fibers = k, .nr_steps = n, .fiber = fiber,
	};
	struct outcome all = run_all(&toy, preemptions_max, false);
	struct outcome reduced = run_all(&toy, preemptions_max, true);

	printf("%u fibers, %2u %-13s", k, n, name);
	if (preemptions_max == U32_MAX)
		printf(" any preemptions");
	else
		printf(" %u preemptions  ", preemptions_max);
	if (sim.schedule.detours_max != U32_MAX)
		printf("%u detours", sim.schedule.detours_max);
	printf(" %7llu schedules, %6llu runs of %6llu traces\n",
	       all.nr, reduced.nr, reduced.nr_traces);
	if ((schedules && schedules != all.nr) ||
	    (traces && traces != reduced.nr_traces) ||
	    all.nr_traces != reduced.nr_traces || all.nr < reduced.nr) {
		printf("not %llu schedules of %llu traces, or not of %llu\n",
		       schedules, traces, all.nr_traces);
		nr_failed++;
	}
}

static void counts(void)
{
	static const u32 sizes[][2] = {
		{ 2, 2 }, { 2, 5 }, { 2, 8 }, { 3, 2 }, { 3, 4 }, { 4, 2 },
	};
	u32 i, q;

	/* what comes before the first point nobody sees */
	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		u32 k = sizes[i][0], n = sizes[i][1];

		count("steps", k, n, U32_MAX, toy_steps, orders(k, n),
		      orders(k, n - 1));
		count("private steps", k, n, U32_MAX, toy_private,
		      orders(k, n), 1);
		if (k * n < 8)
			count("locks", k, n, U32_MAX, toy_locks, 0,
			      orders(k, n));
	}
	for (q = 0; q <= BOUND_MAX; q++) {
		count("steps", 2, 10, q, toy_steps, orders_bounded(10, q), 0);
		count("locks", 2, 6, q, toy_locks, 0, orders_bounded(6, q));
	}
	for (q = 0; q <= 2; q++) {
		sim.schedule.detours_max = q;
		count("steps", 3, 4, 2, toy_steps, 0, 0);
		count("locks", 3, 2, 2, toy_locks, 0, 0);
	}
	sim.schedule.detours_max = U32_MAX;
}

/* ---- bugs, by going through all schedules ---- */

/*
 * As few preemptions as are known do, and fewer do not; nor does any number without the
 * points of the word that the toy is about.
 */
static void exhaust(const struct toy *toy)
{
	u32 q = toy->failure ? toy->preemptions : 2, reduced;
	struct outcome fewer = { 0 }, o[3] = { 0 };

	for (reduced = 0; reduced < 2; reduced++) {
		if (toy->failure && q)
			fewer = run_all(toy, q - 1, reduced);
		o[reduced] = run_all(toy, q, reduced);
		if (!fewer.nr_failed && !o[reduced].nr_failed == !toy->failure)
			continue;
		printf("%s: %llu fail, and %llu of those with fewer preemptions\n",
		       toy->name, o[reduced].nr_failed, fewer.nr_failed);
		nr_failed++;
	}
	printf("%-16s %u preemptions %6llu schedules %6llu fail %6llu runs of traces\n",
	       toy->name, q, o[0].nr, o[0].nr_failed, o[1].nr);
	if (toy->word) {
		sim.schedule.mute = toy->word;
		o[2] = run_all(toy, U32_MAX, true);
		sim.schedule.mute = NULL;
	}
	if (o[2].nr_failed) {
		printf("%s: fails without points of %s\n", toy->name,
		       toy->word);
		nr_failed++;
	}
	if (o[0].nr_traces != o[1].nr_traces) {
		printf("%s: %llu traces, and %llu\n", toy->name,
		       o[0].nr_traces, o[1].nr_traces);
		nr_failed++;
	}
}

/* ---- bugs, by strategies ---- */

/* Return: how many fail.  What a strategy cannot find it must not find. */
static u64 hits(const struct toy *toy, enum sim_strategy strategy, u64 nr)
{
	u64 bad = 0, seed;

	sim.schedule.strategy = strategy;
	for (seed = 0; seed < nr; seed++) {
		sim_choices_seed(&sim.choices, seed);
		bad += !!toy_run(&sim, toy);
	}
	if (!bad != !!(toy->not_by & BIT(strategy))) {
		printf("%s: %llu found by %s\n", toy->name, bad,
		       sim_strategy_name(strategy));
		nr_failed++;
	}
	return bad;
}

/* What was recorded is the same schedule, whatever strategy it came from. */
static void replay(const struct toy *toy, u64 nr)
{
	u64 seed, hash;
	bool failed;

	sim_schedule_init(&sim.schedule);
	sim.choices.recording = true;
	for (seed = 0; seed < nr; seed++) {
		sim_choices_seed(&sim.choices, seed);
		failed = toy_run(&sim, toy);
		hash = sim.choices.hash;
		sim_choices_list(&sim.choices, sim.choices.records,
				 sim.choices.next);
		if (!!toy_run(&sim, toy) == failed && sim.choices.hash == hash)
			continue;
		printf("%s: seed %llu is not what was recorded\n", toy->name,
		       seed);
		nr_failed++;
	}
	sim.choices.recording = false;
}

static void find(const struct toy *toy, u64 nr)
{
	double percent[SIM_PORTFOLIO + 1];
	enum sim_strategy s;

	/* as a harness knows it, by a run without a preemption */
	sim_choices_list(&sim.choices, NULL, 0);
	toy_run(&sim, toy);
	sim_schedule_measure(&sim);
	sim.schedule.rare = 0;
	for (s = 0; s <= SIM_PORTFOLIO; s++) {
		if (s == SIM_PORTFOLIO)
			sim_schedule_init(&sim.schedule);
		percent[s] = 100.0 * hits(toy, s, nr) / nr;
	}
	printf("%-16s", toy->name);
	for (s = 0; s <= SIM_PORTFOLIO; s++)
		printf(" %9.3f", percent[s]);
	printf("\n");
}

int check_schedules(u64 nr)
{
	const struct toy *toy;
	enum sim_strategy s;

	sim_init(&sim);
	counts();
	printf("\n");
	for (toy = toys; toy->name; toy++)
		exhaust(toy);
	printf("\nfound by, in %%\n%-16s", "");
	for (s = 0; s <= SIM_PORTFOLIO; s++)
		printf(" %9s", sim_strategy_name(s));
	printf("\n");
	for (toy = toys; toy->name; toy++) {
		if (toy->failure)
			find(toy, nr);
		replay(toy, REPLAYS);
	}
	sim_destroy(&sim);
	sim_traces_free(&traces);
	printf("schedules: %u failed\n", nr_failed);
	return nr_failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* ---- speed ---- */

#define BENCH_SECONDS	3
#define TOYS_MIN	100000	/* per second of CPU time, */
#define ENGINE_MIN	5000	/* with a format, a start, and all that follows a crash */

static u32 nr_missed;

static void judge(double is, double wanted)
{
	printf(", at least %.0f%s\n", wanted, is < wanted ? ": MISSED" : "");
	nr_missed += is < wanted;
}

/* As many points as a schedule is said to have: 4 fibers that hold a lock 12 times. */
static bool bench_toy(void)
{
	const struct toy toy = {
		.name = "locks", .nr_fibers = 4, .nr_steps = 12,
		.fiber = toy_locks,
	};
	double begun = cpu_seconds(), end = begun;
	struct kapi_counts counts;
	u64 nr = 0, nr_points = 0, nr_switches = 0;
	const char *why = NULL;

	sim_init(&sim);
	while (end < begun + BENCH_SECONDS && !why) {
		sim_choices_seed(&sim.choices, nr);
		why = toy_run(&sim, &toy);
		kapi_counts(&counts);
		nr_points += sim.schedule.nr_points;
		nr_switches += counts.nr_switches;
		if (++nr % 1024 == 0)
			end = cpu_seconds();
	}
	sim_destroy(&sim);
	printf("%.0f schedules of %.0f points and %.0f switches per second of CPU time",
	       nr / (end - begun), (double)nr_points / nr,
	       (double)nr_switches / nr);
	judge(nr / (end - begun), TOYS_MIN);
	if (why)
		printf("%s\n", why);
	return !why;
}

static bool bench_engine(const char *name)
{
	const struct check_suite *suite = check_suite_find(name);
	double begun = cpu_seconds(), end = begun;
	struct check_tally tally = { 0 };
	const char *why = NULL;
	u64 seed = 0;

	while (end < begun + BENCH_SECONDS && !why) {
		why = check_seed(suite, seed, &tally);
		if (++seed % 64 == 0)
			end = cpu_seconds();
	}
	printf("%.0f schedules of %s, %.1f operations each, per second of CPU time",
	       seed / (end - begun), name, (double)tally.nr_ops / tally.nr_runs);
	judge(seed / (end - begun), ENGINE_MIN);
	if (why)
		printf("%s\n", why);
	return !why;
}

int bench_schedules(void)
{
	bool ok = bench_toy() && bench_engine("race") &&
		  bench_engine("race-jobs");

	return ok && !nr_missed ? EXIT_SUCCESS : EXIT_FAILURE;
}
