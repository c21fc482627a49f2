// SPDX-License-Identifier: GPL-2.0-only
/*
 * Fuzzing: histories.
 *
 * Goal: what seeds do not draw in years, coverage may lead to.  Method: the
 * bytes are the choice stream of a history of the suite "swarm" or, if the first
 * one is odd, "swarm-faults": operations, completions, faults, crashes.
 */
#include <stdlib.h>

#include "check/history.h"
#include "fuzz.h"

static struct world world;
static bool faults;

static void history(void *arg)
{
	struct world_config config;

	history_config(&config, true, faults);
	history_run(&world, &config);
}

int LLVMFuzzerTestOneInput(const u8 *bytes, size_t nr)
{
	static bool begun;

	if (!begun)
		world_init(&world);
	begun = true;
	if (!nr)
		return 0;
	faults = bytes[0] & 1;
	world_reset(&world);
	sim_choices_bytes(&world.sim.choices, bytes + 1, nr - 1);
	if (kapi_run(&world.sim.hooks, history, &world)) {
		fprintf(stderr, "%s\n", kapi_failure());
		abort();
	}
	return 0;
}
