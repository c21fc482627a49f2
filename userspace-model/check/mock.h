/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Mocks: a model in place of a layer, under the real layers above it.
 *
 * mock_LAYER.c has all functions of a layer and answers by the model.  It is
 * linked with all of the engine but that layer, and with the histories
 * (check.mk), into one object of which only its suite can be seen.  So the
 * program holds the engine as it is, and once more on each mock.
 *
 * Where a contract leaves something open, a mock draws it: the layers above
 * have to do with whatever it allows, not with what the real layer makes of it.
 * Fibers change only where they wait, so a mock needs no lock.
 */
#ifndef CHECK_MOCK_H
#define CHECK_MOCK_H

#include "history.h"

/** mock_draw() - what a mock makes of its contract; 0 is the simplest */
static inline u32 mock_draw(u32 n)
{
	return kapi_choose(n, SIM_CHOOSE_MOCK);
}

/**
 * mock_history() - a history of any device, with faults or without
 * @uncounted:	see there
 */
static inline void mock_history(struct world *w, bool uncounted)
{
	bool swarm = world_draw(2, CHECK_CHOOSE_CONFIG);
	bool faults = world_draw(2, CHECK_CHOOSE_CONFIG);
	struct world_config config;

	history_config(&config, swarm, faults);
	config.uncounted = uncounted;
	history_run(w, &config);
}

#endif /* CHECK_MOCK_H */
