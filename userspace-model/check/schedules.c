// SPDX-License-Identifier: GPL-2.0-only
/*
 * Does the scheduler find what there is, and all there is?
 *
 * Goal: schedules that can be counted by a formula are as many, with any bound on
 * preemptions; of each toy the fewest preemptions with which it fails are known;
 * and what some strategy is there for, it finds.
 */
#include <stdlib.h>

#include "schedules.h"
#include "toys.h"

#define BOUND_MAX	4	/* preemptions up to which all schedules are run */
#define REPLAYS	100	/* of each toy, those of the first seeds */
#define KINDS		(BIT_ULL(KAPI_CHOOSE_RUN) | BIT_ULL(KAPI_CHOOSE_PREEMPT))

static struct sim sim;
static u32 nr_failed;

/* All schedules of it.  Return: how many; @nr_bad: how many fail. */
static u64 run_all(const struct toy *toy, u32 preemptions_max, u64 *nr_bad)
{
	const char *why;
	u64 nr = 0;

	*nr_bad = 0;
	sim.schedule.preemptions_max = preemptions_max;
	sim_choices_odometer(&sim.choices, KINDS);
	do {
		why = toy_run(&sim, toy);
		*nr_bad += !!why;
		if (why && !(toy->failure && strstr(why, toy->failure))) {
			printf("%s: %s\n", toy->name, why);
			nr_failed++;
			break;
		}
		nr++;
	} while (sim_choices_next_leaf(&sim.choices));
	sim.schedule.preemptions_max = U32_MAX;
	return nr;
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

static void count(u32 k, u32 n, u32 preemptions_max, u64 expected)
{
	const struct toy toy = {
		.name = "steps", .nr_fibers = k, .nr_steps = n,
		.fiber = toy_steps,
	};
	u64 bad, nr = run_all(&toy, preemptions_max, &bad);

	printf("%u fibers, %u steps each", k, n);
	if (preemptions_max != U32_MAX)
		printf(", %u preemptions at most", preemptions_max);
	printf(": %llu schedules, %llu by the formula\n", nr, expected);
	nr_failed += nr != expected;
}

static void counts(void)
{
	static const u32 sizes[][2] = {
		{ 2, 2 }, { 2, 5 }, { 2, 8 }, { 3, 2 }, { 3, 4 }, { 4, 2 },
	};
	u32 i, q;

	for (i = 0; i < ARRAY_SIZE(sizes); i++)
		count(sizes[i][0], sizes[i][1], U32_MAX,
		      orders(sizes[i][0], sizes[i][1]));
	for (q = 0; q <= BOUND_MAX; q++)
		count(2, 10, q, orders_bounded(10, q));
}

/* ---- bugs, by going through all schedules ---- */

static void exhaust(const struct toy *toy)
{
	u32 q = toy->failure ? toy->preemptions : 2;
	u64 nr, bad, fewer = 0;

	if (toy->failure && q)
		run_all(toy, q - 1, &fewer);
	nr = run_all(toy, q, &bad);
	printf("%-16s %u preemptions %10llu schedules %10llu fail\n",
	       toy->name, q, nr, bad);
	if (fewer || !bad != !toy->failure) {
		printf("%s: %llu of those with fewer preemptions fail\n",
		       toy->name, fewer);
		nr_failed++;
	}
}

/* ---- bugs, by strategies ---- */

/* One in so many, or 0.  What is deep no fair walk can find. */
static u64 hits(const struct toy *toy, enum sim_strategy strategy, u64 nr)
{
	u64 bad = 0, seed;

	sim.schedule.strategy = strategy;
	for (seed = 0; seed < nr; seed++) {
		sim_choices_seed(&sim.choices, seed);
		bad += !!toy_run(&sim, toy);
	}
	if (!bad && !(toy->deep && strategy == SIM_WALK)) {
		printf("%s: not found by %s\n", toy->name,
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
	printf("schedules: %u failed\n", nr_failed);
	return nr_failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
