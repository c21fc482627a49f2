/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A simulated machine: a choice stream, disks, and the hooks that connect them
 * to kapi.
 *
 *	struct sim sim;				lives outside of a run's memory
 *
 *	sim_init(&sim);
 *	disk = sim_disk_create(&config, &sim.choices);
 *	sim_add_disk(&sim, disk);
 *	for each history:
 *		sim_choices_seed(&sim.choices, seed);
 *		sim_disk_blank(disk);
 *		if (kapi_run(&sim.hooks, history, &sim))
 *			report kapi_failure();
 *
 * A crash within a history:
 *
 *		sim_disk_power_off(disk);
 *		kapi_crash();
 *		sim_disk_settle(disk);
 *		sim_disk_start(disk);
 */
#ifndef SIM_H
#define SIM_H

#include "disk.h"
#include "schedule.h"

#define SIM_DISKS_MAX	4

/**
 * struct sim - the machine
 * @choices:	first, for the hooks
 * @hooks:	for kapi_run(); @hooks.log and others may be set
 * @disks:	its disks
 * @nr_disks:	how many
 * @next_disk:	whose operations come first when one is to complete
 * @schedule:	who goes on, see schedule.h
 */
struct sim {
	struct sim_choices choices;
	struct kapi_hooks hooks;
	struct sim_disk *disks[SIM_DISKS_MAX];
	u32 nr_disks;
	u32 next_disk;
	struct sim_schedule schedule;
};

void sim_init(struct sim *sim);
void sim_add_disk(struct sim *sim, struct sim_disk *disk);
void sim_destroy(struct sim *sim);

#endif /* SIM_H */
