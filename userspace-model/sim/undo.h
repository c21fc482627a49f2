/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The undo log of a simulated disk: what its volatile cache may lose.
 */
#ifndef SIM_UNDO_H
#define SIM_UNDO_H

#include "disk.h"

/** sim_undo_push() - room for one more entry, for the caller to fill in */
struct sim_undo *sim_undo_push(struct sim_disk *disk);

/** sim_undo_flushed() - all entries below number @upto are durable */
void sim_undo_flushed(struct sim_disk *disk, u64 upto);

/** sim_undo_settled() - these sectors are about to be written durably */
void sim_undo_settled(struct sim_disk *disk, u64 sector, u32 nr);

/** sim_undo_clear() - the medium stays as it is, for good */
void sim_undo_clear(struct sim_disk *disk);

/** sim_cache_drop() - a flush failed: the choices say what was dropped */
void sim_cache_drop(struct sim_disk *disk);

/** sim_zone_clear() - the zone at @offset was reset */
void sim_zone_clear(struct sim_disk *disk, u64 offset);

/**
 * sim_write_sectors() - put part of an append on the medium
 * @offset:	where the append begins on the medium
 * @first:	sector within the append
 * @nr:		sectors
 * @durable:	no undo entries
 * @in_flight:	for the undo entries
 */
void sim_write_sectors(struct sim_disk *disk, const struct shard_io *io,
		       u64 offset, u32 first, u32 nr, bool durable,
		       bool in_flight);

#endif /* SIM_UNDO_H */
