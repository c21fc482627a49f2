// SPDX-License-Identifier: GPL-2.0-only
/*
 * The disk of a device under check, and what room there is on it.
 */
#include "memtable.h"
#include "world.h"

static bool same_disk(const struct sim_disk_config *a,
		      const struct sim_disk_config *b)
{
	return a->capacity == b->capacity && a->block_size == b->block_size &&
	       a->zone_size == b->zone_size &&
	       a->active_max == b->active_max &&
	       a->volatile_cache == b->volatile_cache && a->fua == b->fua &&
	       a->slow_resets == b->slow_resets && a->sparse == b->sparse &&
	       a->extent_size == b->extent_size &&
	       a->super_extents == b->super_extents;
}

/* The one that is there, if it is of the kind. */
void world_disk(struct world *w, const struct sim_disk_config *config)
{
	if (w->disk && same_disk(&w->disk_config, config)) {
		sim_disk_blank(w->disk);
		return;
	}
	if (w->disk)
		sim_disk_destroy(w->disk);
	w->sim.nr_disks = 0;
	w->disk_config = *config;
	w->disk = sim_disk_create(config, &w->sim.choices);
	if (!w->disk)
		kapi_fail("no memory for a disk");
	sim_add_disk(&w->sim, w->disk);
}

/* ---- room ---- */

bool world_is_worn(struct world *w)
{
	struct shard_info info;

	shard_device_info(w->device, &info);
	return info.bad_extents;
}

bool world_is_cramped(struct world *w)
{
	u32 blocks = w->config.format.extent_size / w->config.format.block_size;

	return w->config.options.memtable_entries <
	       SHARD_MEMTABLE_PER_REQUEST * blocks &&
	       w->nr_starts > w->info.reloc_extents;
}
