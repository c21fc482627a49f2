// SPDX-License-Identifier: GPL-2.0-only
/*
 * How fast crash states are gone through.
 *
 * A recovery is what each state costs: putting it on the disk, opening it
 * read-only, reading and comparing all blocks.  Two points are measured: one
 * that is much like most of the alphabet's, and one at which 20 sectors are
 * open, all states of which are run.
 */

#include "crash_point.h"
#include "exhaustive.h"
#include "scale/clock.h"
#include "script.h"

#define BENCH_RUNS	5
#define USUAL_POINTS	2000u	/* of 128 states each */
#define WIDE_SECTORS	20u

static struct world world;
static struct crash_where where;
static struct crash crash = { .w = &world, .where = &where };

static void begin(void)
{
	struct world_config config;

	history_config(&config, false, false);
	world_begin(&world, &config);
	script_write(&world, 20, 4, true);
}

/* Three requests since the last flush: a block, another one, both. */
static void usual_point(void *arg)
{
	begin();
	script_write(&world, 14, 1, false);
	script_write(&world, 15, 1, false);
	script_write(&world, 14, 2, false);
	world_power_off(&world);
	crash_explore(&crash);
}

/* Two requests of 9 blocks, so with their headers 20 sectors. */
static void wide_point(void *arg)
{
	begin();
	script_write(&world, 0, 9, false);
	script_write(&world, 5, 9, false);
	world_power_off(&world);
	crash_explore(&crash);
}

static const char *run(void (*fn)(void *arg))
{
	world_reset(&world);
	sim_choices_list(&world.sim.choices, NULL, 0);
	return kapi_run(&world.sim.hooks, fn, NULL) ? kapi_failure() : NULL;
}

static int bench_recoveries(void)
{
	double best = 0, best_cpu = 0, rate, rate_cpu, start, cpu;
	const char *why;
	u64 before;
	u32 i, k;

	for (i = 0; i < BENCH_RUNS; i++) {
		before = crash.tally.nr_run;
		start = now();
		cpu = cpu_seconds();
		for (k = 0; k < USUAL_POINTS; k++) {
			why = run(usual_point);
			if (why) {
				printf("%s\n", why);
				return 1;
			}
		}
		rate = (crash.tally.nr_run - before) / (now() - start);
		rate_cpu = (crash.tally.nr_run - before) /
			   (cpu_seconds() - cpu);
		best = rate > best ? rate : best;
		best_cpu = rate_cpu > best_cpu ? rate_cpu : best_cpu;
	}
	printf("best of %u: %.0f recoveries per second on one core, %.0f per second of CPU time\n",
	       BENCH_RUNS, best, best_cpu);
	return 0;
}

static int bench_wide(void)
{
	double start = now(), cpu = cpu_seconds();
	u64 before = crash.tally.nr_run;
	const char *why = run(wide_point);

	if (why || crash.tally.nr_run - before != 1ull << WIDE_SECTORS) {
		printf("a point with %u open sectors: %s\n", WIDE_SECTORS,
		       why ?: "a wrong number of states");
		return 1;
	}
	printf("%llu states of %u open sectors, none pruned: %.1f s, %.1f s of CPU time\n",
	       crash.tally.nr_run - before, WIDE_SECTORS, now() - start,
	       cpu_seconds() - cpu);
	return 0;
}

int exhaustive_bench(void)
{
	world_init(&world);
	crash.bounds = (struct crash_bounds){
		.states_max = 1ull << WIDE_SECTORS,
	};
	return bench_recoveries() ?: bench_wide();
}
