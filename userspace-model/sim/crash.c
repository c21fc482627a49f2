// SPDX-License-Identifier: GPL-2.0-only
/*
 * The undo log, and what power cuts and failed flushes make of it.
 */
#include <stdlib.h>
#include "undo.h"

enum manner {
	MANNER_COMPLETED,	/* what had completed survives */
	MANNER_DURABLE,		/* only what was durable does */
	MANNER_WRITES,		/* a choice for each write */
	MANNER_SECTORS,		/* a choice for each sector */
	NR_MANNERS,
	MANNER_EXTENTS = NR_MANNERS,	/* a choice for each extent */
};

bool sim_crash_coarse;

struct sim_undo *sim_undo_push(struct sim_disk *disk)
{
	if (disk->undo_head == disk->undo_tail) {
		disk->undo_base += disk->undo_head;
		disk->undo_head = 0;
		disk->undo_tail = 0;
	}
	if (disk->undo_tail == disk->undo_max) {
		disk->undo_max = max_t(size_t, 512, 2 * disk->undo_max);
		disk->undo = realloc(disk->undo,
				     disk->undo_max * sizeof(*disk->undo));
		if (!disk->undo)
			kapi_fail("no memory for the undo log");
	}
	return &disk->undo[disk->undo_tail++];
}

void sim_undo_flushed(struct sim_disk *disk, u64 upto)
{
	while (disk->undo_head < disk->undo_tail &&
	       disk->undo_base + disk->undo_head < upto)
		sim_data_put(&disk->medium,
			     disk->undo[disk->undo_head++].old);
}

static void undo_void(struct sim_disk *disk, struct sim_undo *undo)
{
	sim_data_put(&disk->medium, undo->old);
	undo->old = 0;
	undo->sector = U64_MAX;
}

void sim_undo_settled(struct sim_disk *disk, u64 sector, u32 nr)
{
	size_t i;

	for (i = disk->undo_head; i < disk->undo_tail; i++) {
		struct sim_undo *undo = &disk->undo[i];

		if (undo->sector >= sector && undo->sector < sector + nr)
			undo_void(disk, undo);
	}
}

size_t sim_disk_nr_undecided(const struct sim_disk *disk)
{
	size_t nr = 0, i;

	for (i = disk->undo_head; i < disk->undo_tail; i++)
		nr += disk->undo[i].sector != U64_MAX;
	return nr;
}

void sim_undo_clear(struct sim_disk *disk)
{
	sim_undo_flushed(disk, U64_MAX);
	disk->undo_base += disk->undo_tail;
	disk->undo_head = 0;
	disk->undo_tail = 0;
}

/* --- conventional: sector by sector, newest first --- */

/* Puts back what a sector held before. */
static void undo_apply(struct sim_disk *disk, const struct sim_undo *undo)
{
	sim_slot_set(&disk->medium, sim_medium_find(&disk->medium, undo->sector),
		     sim_data_get(&disk->medium, undo->old));
}

/* Does an extent keep what had completed? */
static bool extent_kept(struct sim_disk *disk, u64 nr)
{
	struct sim_extent *extent = &disk->extents[nr];

	if (!extent->settled)
		extent->kept = !sim_choose(disk->choices, 2,
					   SIM_CHOOSE_SURVIVE);
	extent->settled = true;
	return extent->kept;
}

static void extents_unsettle(struct sim_disk *disk)
{
	u64 i;

	for (i = 0; i < disk->nr_extents; i++)
		disk->extents[i].settled = false;
}

static bool survives(struct sim_disk *disk, const struct sim_undo *undo,
		     enum manner manner)
{
	if (manner == MANNER_EXTENTS)
		return extent_kept(disk, undo->sector /
				   (disk->extent_size / SIM_SECTOR)) &&
		       !undo->in_flight;
	if (manner == MANNER_DURABLE)
		return false;
	if (manner == MANNER_COMPLETED ||
	    !sim_choose(disk->choices, 2, SIM_CHOOSE_SURVIVE))
		return !undo->in_flight;
	return undo->in_flight;
}

/*
 * A sector that keeps what an entry had overwritten its older contents with
 * has been decided about: what older entries say of it is void.
 */
static void settle_sectors(struct sim_disk *disk, enum manner manner)
{
	u32 write = 0;
	bool any = false, keep = false;
	size_t i;

	for (i = disk->undo_tail; i-- > disk->undo_head;) {
		struct sim_undo *undo = &disk->undo[i];
		struct sim_slot *slot;

		if (undo->sector == U64_MAX)
			continue;
		slot = sim_medium_find(&disk->medium, undo->sector);
		if (slot->decided)
			continue;
		if (manner != MANNER_WRITES || !any || undo->write != write)
			keep = survives(disk, undo, manner);
		any = true;
		write = undo->write;
		if (keep)
			slot->decided = true;
		else
			undo_apply(disk, undo);
	}
	for (i = disk->undo_head; i < disk->undo_tail; i++)
		if (disk->undo[i].sector != U64_MAX)
			sim_medium_find(&disk->medium,
					disk->undo[i].sector)->decided = false;
	sim_undo_clear(disk);
}

/* --- zoned: each zone keeps a prefix --- */

static u64 zone_of(struct sim_disk *disk, const struct sim_undo *undo)
{
	return undo->sector / (disk->extent_size / SIM_SECTOR);
}

static void settle_zone(struct sim_disk *disk, u64 zone, enum manner manner)
{
	u64 start = zone * (disk->extent_size / SIM_SECTOR), end = 0;
	u32 nr = 0, completed = 0, keep;
	size_t i;

	for (i = disk->undo_head; i < disk->undo_tail; i++) {
		struct sim_undo *undo = &disk->undo[i];

		if (undo->sector == U64_MAX || zone_of(disk, undo) != zone)
			continue;
		if (!nr)
			end = undo->sector;
		nr++;
		completed += !undo->in_flight;
	}
	if (manner == MANNER_EXTENTS)
		manner = extent_kept(disk, zone) ? MANNER_COMPLETED :
						   MANNER_DURABLE;
	keep = manner == MANNER_DURABLE ? 0 : completed;
	if (manner > MANNER_DURABLE)
		keep = (completed + sim_choose(disk->choices, nr + 1,
					       SIM_CHOOSE_SURVIVE)) % (nr + 1);
	for (i = disk->undo_head; i < disk->undo_tail; i++) {
		struct sim_undo *undo = &disk->undo[i];

		if (undo->sector == U64_MAX || zone_of(disk, undo) != zone)
			continue;
		if (keep) {
			keep--;
			end = undo->sector + 1;
		} else {
			undo_apply(disk, undo);
		}
		undo_void(disk, undo);
	}
	disk->extents[zone].hard = end - start;
}

/* Resets that were in flight: each took place or did not. */
static void settle_resets(struct sim_disk *disk)
{
	u64 zone;

	for (zone = 0; disk->config.zone_size && zone < disk->nr_extents;
	     zone++) {
		struct sim_extent *extent = &disk->extents[zone];

		if (extent->undecided &&
		    sim_choose(disk->choices, 2, SIM_CHOOSE_SURVIVE)) {
			extent->failed = false;
			sim_zone_clear(disk, zone * disk->extent_size);
		}
		extent->undecided = false;
	}
}

static void settle_zones(struct sim_disk *disk, enum manner manner)
{
	size_t i;

	for (i = disk->undo_head; i < disk->undo_tail; i++)
		if (disk->undo[i].sector != U64_MAX)
			settle_zone(disk, zone_of(disk, &disk->undo[i]),
				    manner);
	sim_undo_clear(disk);
}

void sim_zone_clear(struct sim_disk *disk, u64 offset)
{
	u64 sector = offset / SIM_SECTOR;
	u32 nr = disk->extent_size / SIM_SECTOR, i;

	disk->extents[offset / disk->extent_size].hard = 0;
	disk->extents[offset / disk->extent_size].finished = false;
	disk->extents[offset / disk->extent_size].unfinished = false;
	sim_undo_settled(disk, sector, nr);
	for (i = 0; i < nr; i++) {
		struct sim_slot *slot = sim_medium_find(&disk->medium,
							sector + i);

		if (slot)
			sim_slot_set(&disk->medium, slot, 0);
	}
}

/* --- power cuts and failed flushes --- */

static void settle(struct sim_disk *disk, enum manner manner)
{
	if (disk->config.zone_size)
		settle_zones(disk, manner);
	else
		settle_sectors(disk, manner);
}

/* How an operation in flight ends without its submitter. */
enum ending {
	ENDING_LOST,
	ENDING_UNDECIDED,
	ENDING_DONE,
};

static void put_behind_log(struct sim_disk *disk, struct shard_io *io,
			   enum ending ending)
{
	bool append = io->op == SHARD_IO_APPEND;
	bool zoned = disk->config.zone_size;
	struct sim_extent *extent = NULL;

	if (disk->extent_size && io->op != SHARD_IO_READ &&
	    io->op != SHARD_IO_FLUSH)
		extent = &disk->extents[io->offset / disk->extent_size];
	if (append && ending != ENDING_LOST && !disk->gone &&
	    !(zoned && extent->failed)) {
		bool durable = ending == ENDING_DONE &&
			       !disk->config.volatile_cache;

		disk->nr_writes++;
		sim_write_sectors(disk, io, io->offset, 0,
				  io->len / SIM_SECTOR, durable,
				  ending == ENDING_UNDECIDED);
	}
	if (!extent)
		return;
	extent->nr_in_flight -= append;
	extent->resetting = false;
	extent->finishing = false;
	extent->undecided = io->op == SHARD_IO_RESET && zoned;
}

void sim_disk_power_off(struct sim_disk *disk)
{
	u32 i;

	for (i = 0; i < disk->nr_in_flight; i++)
		put_behind_log(disk, disk->in_flight[i], ENDING_UNDECIDED);
	kapi_events_pending -= disk->nr_in_flight;
	disk->nr_in_flight = 0;
	disk->off = true;
}

void sim_disk_abandon(struct sim_disk *disk)
{
	bool lands = !disk->config.zone_size;
	u32 i;

	for (i = 0; i < disk->nr_in_flight; i++)
		put_behind_log(disk, disk->in_flight[i], lands &&
			       sim_choose(disk->choices, 2, SIM_CHOOSE_LANDED) ?
			       ENDING_DONE : ENDING_LOST);
	kapi_events_pending -= disk->nr_in_flight;
	disk->nr_in_flight = 0;
	settle_resets(disk);
}

void sim_disk_settle(struct sim_disk *disk)
{
	enum manner manner = MANNER_COMPLETED;

	WARN_ON(!disk->off);
	settle_resets(disk);
	if (sim_crash_coarse && disk->extent_size)
		manner = MANNER_EXTENTS;
	else if (disk->undo_head != disk->undo_tail)
		manner = sim_choose(disk->choices, NR_MANNERS,
				    SIM_CHOOSE_CRASH);
	settle(disk, manner);
	if (manner == MANNER_EXTENTS)
		extents_unsettle(disk);
	disk->off = false;
}

void sim_cache_drop(struct sim_disk *disk)
{
	/* A zone's pointer does not go back while the device is up. */
	if (disk->undo_head == disk->undo_tail || disk->config.zone_size)
		return;
	switch (sim_choose(disk->choices, 3, SIM_CHOOSE_FLUSH_DROP)) {
	case 0:
		break;
	case 1:
		settle(disk, MANNER_DURABLE);
		break;
	case 2:
		settle(disk, MANNER_WRITES);
		break;
	}
}
