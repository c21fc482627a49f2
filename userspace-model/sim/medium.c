// SPDX-License-Identifier: GPL-2.0-only
/*
 * The medium of a simulated disk, and snapshots of it.
 */
#include <stdlib.h>
#include "disk.h"

#define TABLE_MIN	1024u	/* slots; a power of two */
#define ARENA_MIN	1024u	/* sectors */

/*
 * What the last disk had: the next one takes it over.  Fresh memory would cost
 * a page fault for each page, of every disk.
 */
static struct sim_medium spare;

/* --- the arena --- */

static bool arena_grow(struct sim_medium *medium)
{
	u32 max = max(ARENA_MIN, 2 * medium->max_data);
	u8 (*data)[SIM_SECTOR] = aligned_alloc(SIM_SECTOR,
					       (size_t)max * SIM_SECTOR);
	u32 *counts = realloc(medium->counts, max * sizeof(*counts));

	if (counts)
		medium->counts = counts;
	if (!data || !counts) {
		free(data);
		return false;
	}
	if (medium->data)
		memcpy(data, medium->data, (size_t)medium->nr_data * SIM_SECTOR);
	free(medium->data);
	medium->data = data;
	medium->max_data = max;
	return true;
}

u32 sim_data_new(struct sim_medium *medium)
{
	u32 ref = medium->free;

	if (ref) {
		memcpy(&medium->free, medium->data[ref], sizeof(medium->free));
	} else {
		if (medium->nr_data == medium->max_data && !arena_grow(medium))
			kapi_fail("no memory for the simulated disk");
		ref = medium->nr_data++;
	}
	medium->counts[ref] = 1;
	return ref;
}

void sim_data_free(struct sim_medium *medium, u32 ref)
{
	memcpy(medium->data[ref], &medium->free, sizeof(medium->free));
	medium->free = ref;
}

static void arena_reset(struct sim_medium *medium)
{
	memset(medium->data[0], 0, SIM_SECTOR);
	medium->nr_data = 1;
	medium->free = 0;
	medium->life++;
}

/* --- slots --- */

int sim_medium_init(struct sim_medium *medium, u64 nr_sectors, bool sparse)
{
	*medium = spare;
	spare = (struct sim_medium){ 0 };
	medium->sparse = sparse;
	medium->nr_slots = sparse ? TABLE_MIN : nr_sectors;
	medium->nr_used = 0;
	if (medium->max_slots < medium->nr_slots) {
		free(medium->slots);
		medium->max_slots = medium->nr_slots;
		medium->slots = malloc(medium->max_slots *
				       sizeof(*medium->slots));
	}
	if (medium->slots)
		memset(medium->slots, 0,
		       medium->nr_slots * sizeof(*medium->slots));
	if (!medium->slots || (!medium->data && !arena_grow(medium))) {
		sim_medium_destroy(medium);
		return -ENOMEM;
	}
	arena_reset(medium);
	return 0;
}

void sim_medium_destroy(struct sim_medium *medium)
{
	free(spare.slots);
	free(spare.data);
	free(spare.counts);
	spare = *medium;
}

void sim_medium_blank(struct sim_medium *medium)
{
	memset(medium->slots, 0, medium->nr_slots * sizeof(*medium->slots));
	medium->nr_used = 0;
	arena_reset(medium);
}

/* The place of a sector in the table, or the one where it would go. */
static struct sim_slot *table_place(struct sim_medium *medium, u64 sector)
{
	u64 mask = medium->nr_slots - 1;
	u64 i = (sector * 0x9e3779b97f4a7c15ULL >> 20) & mask;

	while (medium->slots[i].used && medium->slots[i].sector != sector)
		i = (i + 1) & mask;
	return &medium->slots[i];
}

static void table_grow(struct sim_medium *medium)
{
	struct sim_slot *old = medium->slots;
	u64 nr = medium->nr_slots, i;

	medium->nr_slots *= 2;
	medium->max_slots = medium->nr_slots;
	medium->slots = calloc(medium->nr_slots, sizeof(*medium->slots));
	if (!medium->slots)
		kapi_fail("no memory for the simulated disk");
	for (i = 0; i < nr; i++)
		if (old[i].used)
			*table_place(medium, old[i].sector) = old[i];
	free(old);
}

struct sim_slot *sim_medium_find(struct sim_medium *medium, u64 sector)
{
	struct sim_slot *slot;

	if (!medium->sparse)
		return &medium->slots[sector];
	slot = table_place(medium, sector);
	return slot->used ? slot : NULL;
}

struct sim_slot *sim_medium_slot(struct sim_medium *medium, u64 sector)
{
	struct sim_slot *slot;

	if (!medium->sparse)
		return &medium->slots[sector];
	if (2 * medium->nr_used >= medium->nr_slots)
		table_grow(medium);
	slot = table_place(medium, sector);
	if (!slot->used) {
		slot->used = true;
		slot->sector = sector;
		medium->nr_used++;
	}
	return slot;
}

/* --- looking at it and changing it --- */

/* Whole sectors of a medium that has all of them. */
static void sectors_peek(struct sim_medium *medium, u64 sector, u8 *buf, u64 nr)
{
	const struct sim_slot *slot = &medium->slots[sector];

	for (; nr; nr--, slot++, buf += SIM_SECTOR)
		sim_sector_copy(buf, sim_data(medium, slot->ref));
}

void sim_disk_peek(struct sim_disk *disk, u64 offset, void *buf, size_t len)
{
	struct sim_medium *medium = &disk->medium;

	if (!medium->sparse && !((offset | len) % SIM_SECTOR)) {
		sectors_peek(medium, offset / SIM_SECTOR, buf, len / SIM_SECTOR);
		return;
	}
	while (len) {
		struct sim_slot *slot = sim_medium_find(medium,
							offset / SIM_SECTOR);
		u32 within = offset % SIM_SECTOR;
		size_t part = min_t(size_t, len, SIM_SECTOR - within);

		if (slot && slot->ref)
			memcpy(buf, sim_data(medium, slot->ref) + within, part);
		else
			memset(buf, 0, part);
		buf += part;
		offset += part;
		len -= part;
	}
}

/* Contents of a sector that are about to be changed and nobody else's. */
static u8 *sector_own(struct sim_medium *medium, u64 sector)
{
	struct sim_slot *slot = sim_medium_slot(medium, sector);
	u32 ref = sim_data_new(medium);

	sim_sector_copy(sim_data(medium, ref), sim_data(medium, slot->ref));
	sim_slot_set(medium, slot, ref);
	return sim_data(medium, ref);
}

void sim_disk_poke(struct sim_disk *disk, u64 offset, const void *buf,
		   size_t len)
{
	while (len) {
		u32 within = offset % SIM_SECTOR;
		size_t part = min_t(size_t, len, SIM_SECTOR - within);

		memcpy(sector_own(&disk->medium, offset / SIM_SECTOR) + within,
		       buf, part);
		buf += part;
		offset += part;
		len -= part;
	}
}

void sim_disk_flip(struct sim_disk *disk, u64 offset, u32 bit)
{
	sector_own(&disk->medium, offset / SIM_SECTOR)[offset % SIM_SECTOR] ^=
		1 << (bit % 8);
}

/* --- snapshots --- */

/* Gives up what it references, unless that is void by now. */
static void snapshot_drop(struct sim_snapshot *snapshot)
{
	struct sim_disk *disk = snapshot->disk;
	u64 i;

	if (disk && snapshot->life == disk->medium.life) {
		for (i = 0; i < disk->medium.nr_slots; i++)
			sim_data_put(&disk->medium, snapshot->refs[i]);
		for (i = 0; i < snapshot->nr_undo; i++)
			sim_data_put(&disk->medium, snapshot->undo[i].old);
	}
	snapshot->disk = NULL;
	snapshot->nr_undo = 0;
}

static void snapshot_room(struct sim_snapshot *snapshot, struct sim_disk *disk,
			  size_t nr_undo)
{
	if (!snapshot->refs) {
		snapshot->refs = calloc(disk->medium.nr_slots,
					sizeof(*snapshot->refs));
		snapshot->extents = calloc(disk->nr_extents + 1,
					   sizeof(*snapshot->extents));
	}
	if (nr_undo > snapshot->undo_max) {
		snapshot->undo_max = 2 * nr_undo;
		free(snapshot->undo);
		snapshot->undo = malloc(snapshot->undo_max *
					sizeof(*snapshot->undo));
	}
	if (!snapshot->refs || !snapshot->extents ||
	    (nr_undo && !snapshot->undo))
		kapi_fail("no memory for a snapshot");
}

void sim_snapshot_take(struct sim_snapshot *snapshot, struct sim_disk *disk)
{
	struct sim_medium *medium = &disk->medium;
	size_t nr = disk->undo_tail - disk->undo_head;
	u64 i;

	WARN_ON(disk->nr_in_flight);
	WARN_ON(medium->sparse);
	snapshot_drop(snapshot);
	snapshot_room(snapshot, disk, nr);
	for (i = 0; i < medium->nr_slots; i++)
		snapshot->refs[i] = sim_data_get(medium, medium->slots[i].ref);
	for (i = 0; i < nr; i++) {
		snapshot->undo[i] = disk->undo[disk->undo_head + i];
		sim_data_get(medium, snapshot->undo[i].old);
	}
	snapshot->nr_undo = nr;
	if (disk->nr_extents)
		memcpy(snapshot->extents, disk->extents,
		       disk->nr_extents * sizeof(*disk->extents));
	snapshot->epoch = disk->epoch;
	snapshot->started = disk->started;
	snapshot->off = disk->off;
	snapshot->disk = disk;
	snapshot->life = medium->life;
}

void sim_snapshot_restore(struct sim_disk *disk,
			  const struct sim_snapshot *snapshot)
{
	struct sim_medium *medium = &disk->medium;
	size_t i;

	WARN_ON(disk->nr_in_flight);
	WARN_ON(snapshot->disk != disk || snapshot->life != medium->life);
	WARN_ON(snapshot->nr_undo > disk->undo_max);
	for (i = 0; i < medium->nr_slots; i++)
		if (medium->slots[i].ref != snapshot->refs[i])
			sim_slot_set(medium, &medium->slots[i],
				     sim_data_get(medium, snapshot->refs[i]));
	for (i = disk->undo_head; i < disk->undo_tail; i++)
		sim_data_put(medium, disk->undo[i].old);
	disk->undo_base += disk->undo_head;
	disk->undo_head = 0;
	disk->undo_tail = snapshot->nr_undo;
	for (i = 0; i < snapshot->nr_undo; i++) {
		disk->undo[i] = snapshot->undo[i];
		sim_data_get(medium, disk->undo[i].old);
	}
	if (disk->nr_extents)
		memcpy(disk->extents, snapshot->extents,
		       disk->nr_extents * sizeof(*disk->extents));
	disk->epoch = snapshot->epoch;
	disk->started = snapshot->started;
	disk->off = snapshot->off;
}

void sim_snapshot_free(struct sim_snapshot *snapshot)
{
	snapshot_drop(snapshot);
	free(snapshot->refs);
	free(snapshot->undo);
	free(snapshot->extents);
	*snapshot = (struct sim_snapshot){ 0 };
}
