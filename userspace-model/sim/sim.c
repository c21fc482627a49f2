// SPDX-License-Identifier: GPL-2.0-only
/*
 * A simulated machine.
 */
#include "sim.h"

/* Complete one of the operations in flight, on whatever disk; disks take turns. */
static bool complete_one(void *ctx)
{
	struct sim *sim = ctx;
	size_t nr = 0, idx;
	u32 i;

	for (i = 0; i < sim->nr_disks; i++)
		nr += sim->disks[i]->nr_in_flight;
	if (!nr)
		return false;
	idx = sim_choose(&sim->choices, nr, SIM_CHOOSE_COMPLETE);
	for (i = sim->next_disk; idx >= sim->disks[i]->nr_in_flight;
	     i = (i + 1) % sim->nr_disks)
		idx -= sim->disks[i]->nr_in_flight;
	sim->next_disk = (i + 1) % sim->nr_disks;
	sim_disk_complete(sim->disks[i], idx);
	return true;
}

void sim_init(struct sim *sim)
{
	*sim = (struct sim){
		.hooks = {
			.ctx = sim,
			.choose = sim_choose_hook,
			.idle = complete_one,
			.random = sim_random_hook,
			.turn = sim_schedule_turn,
		},
	};
	sim_schedule_init(&sim->schedule);
}

void sim_add_disk(struct sim *sim, struct sim_disk *disk)
{
	WARN_ON(sim->nr_disks == SIM_DISKS_MAX);
	sim->disks[sim->nr_disks++] = disk;
	sim->next_disk = 0;
}

void sim_destroy(struct sim *sim)
{
	while (sim->nr_disks)
		sim_disk_destroy(sim->disks[--sim->nr_disks]);
	sim_choices_free(&sim->choices);
}
