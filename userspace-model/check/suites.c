// SPDX-License-Identifier: GPL-2.0-only
/*
 * All that is asked, in one table.
 */
#include "alphabet.h"
#include "control.h"
#include "history.h"
#include "pairs.h"
#include "race.h"
#include "runner.h"
#include "suites.h"

static void run_device(struct world *w)
{
	struct world_config config;

	history_config(&config, false, false);
	history_run(w, &config);
}

static void run_faults(struct world *w)
{
	struct world_config config;

	history_config(&config, false, true);
	history_run(w, &config);
}

static void run_swarm(struct world *w)
{
	struct world_config config;

	history_config(&config, true, false);
	history_run(w, &config);
}

static void run_swarm_faults(struct world *w)
{
	struct world_config config;

	history_config(&config, true, true);
	history_run(w, &config);
}

/* Small devices, and time: the disk of half of them may fail. */
static void run_idle(struct world *w)
{
	struct world_config config;

	history_config(&config, true, world_draw(2, CHECK_CHOOSE_CONFIG));
	config.idle = true;
	history_run(w, &config);
}

const struct check_suite check_suites[] = {
	{ "device", run_device, 59,
	  "histories of the small geometry, with crashes" },
	{ "faults", run_faults, 20,
	  "the same with I/O errors" },
	{ "swarm", run_swarm, 6,
	  "histories of other geometries and configurations" },
	{ "swarm-faults", run_swarm_faults, 6,
	  "the same with I/O errors" },
	{ "idle", run_idle, 1,
	  "histories of swarm and swarm-faults in which time passes" },
	{ "race", check_race, 1,
	  "several users at a time, in all orders" },
	{ "race-jobs", check_race_jobs, 1,
	  "the same, beside what works in the background" },
	{ "race-faults", check_race_faults, 1,
	  "the same with I/O errors, and full devices" },
	{ "control", check_control, 1,
	  "add, remove, list and status beside each other and users",
	  .end = control_disks_end },
	{ "control-faults", check_control_faults, 1,
	  "the same with allocations refused, and disks pulled out",
	  .end = control_disks_end },
	{ "oracle", check_oracle, 3,
	  "the model of the device against a search of all orders" },
	{ "extent", check_extent, 3,
	  "extents against their model" },
	{ "index", check_index, 2,
	  "the index against its model" },
	{ "chunk", check_chunk, 2,
	  "frames against the model of the chunk store" },
	{ "mock-extent", check_mock_extent, 1,
	  "histories of the device on the model of extents" },
	{ "mock-chunk", check_mock_chunk, 1,
	  "histories of the device on the model of the chunk store" },
	{ "mock-index", check_mock_index, 1,
	  "histories of the device on the model of the index" },
	{ "O1", check_o1, 0, "nothing goes behind a failed append" },
	{ "O2", check_o2, 0, "numbers are consecutive, acknowledged in order" },
	{ "O3", check_o3, 0, "what a flush or FUA promised is durable" },
	{ "O4", check_o4, 0, "a record comes after all that it needs" },
	{ "O5", check_o5, 0, "an extent is written after it was assigned" },
	{ "O6", check_o6, 0, "an extent is reset when no record needs it" },
	{ "O7", check_o7, 0, "an extent is reset when no reader is in it" },
	{ "O8", check_o8, 0, "a start acts after a record of its own" },
	{ "O9", check_o9, 0, "a moved block replaces itself only" },
	{ "O10", check_o10, 0, "a record has two copies" },
	{ "O11", check_o11, 0, "what cannot be read is not replaced" },
	{ "O12", check_o12, 0, "a full device can be emptied" },
	{ "O13", check_o13, 0, "no format is mistaken for another" },
	{ "damage", check_damage, 0, "damage is not the end of the log" },
	{ "sweep", check_sweep, 0, "each fault at each backing operation" },
	{ "sweep-alloc", check_sweep_alloc, 0, "each allocation fails" },
	{ "sweep-pools", check_sweep_pools, 0, "one buffer and worker of each" },
	{ "rot", check_rot, 0, "a check names the record of each live byte that rots" },
	{ "capacity", check_capacity, 0, "nothing is cut to 32 bits" },
	{ "scrub", check_scrub, 0, "a scrub finds what is damaged, and nothing else" },
	{ "long-run", check_long_run, 0, "a run of many pages is written whole" },
	{ "kill", check_kill, 0, "a start that is killed leaves no trace" },
	{ "zones", check_zones, 0, "crashes do not use up zones" },
	{ "figure-puts", figure_puts, 0, "a few writes and a checkpoint" },
	{ "figure-discard", figure_discard, 0, "three chunks are moved" },
	{ "figure-crash", figure_crash, 0, "a start after a power cut" },
	{ NULL }
};

const struct check_suite *check_suite_find(const char *name)
{
	const struct check_suite *suite;

	for (suite = check_suites; suite->name; suite++)
		if (!strcmp(suite->name, name))
			return suite;
	for (suite = check_planted; suite->name; suite++)
		if (!strcmp(suite->name, name))
			return suite;
	for (suite = check_alphabet; suite->name; suite++)
		if (!strcmp(suite->name, name))
			return suite;
	if (!strcmp(check_alphabet_lie.name, name))
		return &check_alphabet_lie;
	if (!strcmp(check_pairs.name, name))
		return &check_pairs;
	return NULL;
}
