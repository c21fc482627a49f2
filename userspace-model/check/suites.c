// SPDX-License-Identifier: GPL-2.0-only
/*
 * All that is asked, in one table.
 */
#include "history.h"
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

const struct check_suite check_suites[] = {
	{ "device", run_device, 35,
	  "histories of the small geometry, with crashes" },
	{ "faults", run_faults, 20,
	  "the same with I/O errors" },
	{ "swarm", run_swarm, 15,
	  "histories of other geometries and configurations" },
	{ "swarm-faults", run_swarm_faults, 10,
	  "the same with I/O errors" },
	{ "oracle", check_oracle, 5,
	  "the model of the device against a search of all orders" },
	{ "extent", check_extent, 5,
	  "extents against their model" },
	{ "index", check_index, 5,
	  "the index against its model" },
	{ "chunk", check_chunk, 5,
	  "frames against the model of the chunk store" },
	{ NULL }
};

const struct check_suite *check_suite_find(const char *name)
{
	const struct check_suite *suite;

	for (suite = check_suites; suite->name; suite++)
		if (!strcmp(suite->name, name))
			return suite;
	return NULL;
}
