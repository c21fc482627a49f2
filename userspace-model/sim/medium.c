// SPDX-License-Identifier: GPL-2.0-only
/*
 * The medium of a simulated disk, and snapshots of it.
 */
#include <stdlib.h>
#include "medium.h"

#define TABLE_MIN	1024u	/* slots; a power of two */

int sim_medium_init(struct sim_disk *disk)
{
	if (disk->config.sparse) {
		disk->table_size = TABLE_MIN;
		disk->table = calloc(disk->table_size, sizeof(*disk->table));
		return disk->table ? 0 : -ENOMEM;
	}
	disk->nr_pages = DIV_ROUND_UP(disk->config.capacity, SIM_PAGE);
	disk->pages = calloc(disk->nr_pages, sizeof(*disk->pages));
	return disk->pages ? 0 : -ENOMEM;
}

void sim_medium_blank(struct sim_disk *disk)
{
	u64 i;

	if (disk->table) {
		for (i = 0; i < disk->table_size; i++) {
			free(disk->table[i]);
			disk->table[i] = NULL;
		}
		disk->nr_pages = 0;
		return;
	}
	for (i = 0; i < disk->nr_pages; i++) {
		if (disk->pages[i].version)
			memset(&disk->pages[i], 0, sizeof(disk->pages[i]));
	}
}

void sim_medium_free(struct sim_disk *disk)
{
	if (disk->table)
		sim_medium_blank(disk);
	free(disk->table);
	free(disk->pages);
}

/* The slot of a page, or the one where it would go. */
static struct sim_page **table_slot(struct sim_disk *disk, u64 index)
{
	u64 mask = disk->table_size - 1;
	u64 i = (index * 0x9e3779b97f4a7c15ULL >> 20) & mask;

	while (disk->table[i] && disk->table[i]->index != index)
		i = (i + 1) & mask;
	return &disk->table[i];
}

static void table_grow(struct sim_disk *disk)
{
	struct sim_page **old = disk->table;
	u64 old_size = disk->table_size, i;

	disk->table_size *= 2;
	disk->table = calloc(disk->table_size, sizeof(*disk->table));
	if (!disk->table)
		kapi_fail("no memory for the simulated disk");
	for (i = 0; i < old_size; i++) {
		if (old[i])
			*table_slot(disk, old[i]->index) = old[i];
	}
	free(old);
}

struct sim_page *sim_page_find(struct sim_disk *disk, u64 index)
{
	if (disk->table)
		return *table_slot(disk, index);
	return disk->pages[index].version ? &disk->pages[index] : NULL;
}

struct sim_page *sim_page_dirty(struct sim_disk *disk, u64 index)
{
	struct sim_page *page, **slot;

	if (!disk->table) {
		page = &disk->pages[index];
	} else {
		slot = table_slot(disk, index);
		page = *slot;
		if (!page) {
			page = calloc(1, sizeof(*page));
			if (!page)
				kapi_fail("no memory for the simulated disk");
			page->index = index;
			*slot = page;
			if (2 * ++disk->nr_pages > disk->table_size)
				table_grow(disk);
		}
	}
	page->index = index;
	page->version = ++disk->next_version;
	return page;
}

void sim_disk_peek(struct sim_disk *disk, u64 offset, void *buf, size_t len)
{
	while (len) {
		struct sim_page *page = sim_page_find(disk, offset / SIM_PAGE);
		u32 within = offset % SIM_PAGE;
		size_t part = min_t(size_t, len, SIM_PAGE - within);

		if (page)
			memcpy(buf, page->data + within, part);
		else
			memset(buf, 0, part);
		buf += part;
		offset += part;
		len -= part;
	}
}

void sim_disk_poke(struct sim_disk *disk, u64 offset, const void *buf,
		   size_t len)
{
	while (len) {
		struct sim_page *page = sim_page_dirty(disk, offset / SIM_PAGE);
		u32 within = offset % SIM_PAGE;
		size_t part = min_t(size_t, len, SIM_PAGE - within);

		memcpy(page->data + within, buf, part);
		buf += part;
		offset += part;
		len -= part;
	}
}

void sim_disk_flip(struct sim_disk *disk, u64 offset, u32 bit)
{
	struct sim_page *page = sim_page_dirty(disk, offset / SIM_PAGE);

	page->data[offset % SIM_PAGE] ^= 1 << (bit % 8);
}

/* --- snapshots --- */

static void pages_copy(struct sim_page *to, const struct sim_page *from, u64 nr)
{
	u64 i;

	for (i = 0; i < nr; i++) {
		if (to[i].version != from[i].version)
			to[i] = from[i];
	}
}

void sim_snapshot_take(struct sim_snapshot *snapshot, struct sim_disk *disk)
{
	size_t nr = disk->undo_tail - disk->undo_head;
	size_t extents_size = disk->nr_extents * sizeof(*disk->extents);

	WARN_ON(disk->nr_in_flight);
	WARN_ON(disk->table);
	if (!snapshot->pages) {
		snapshot->nr_pages = disk->nr_pages;
		snapshot->pages = calloc(disk->nr_pages,
					 sizeof(*snapshot->pages));
		snapshot->extents = malloc(extents_size + 1);
	}
	WARN_ON(snapshot->nr_pages != disk->nr_pages);
	if (nr > snapshot->undo_max) {
		snapshot->undo_max = 2 * nr;
		free(snapshot->undo);
		snapshot->undo = malloc(snapshot->undo_max *
					sizeof(*snapshot->undo));
		if (!snapshot->undo)
			kapi_fail("no memory for a snapshot");
	}
	if (!snapshot->pages || !snapshot->extents)
		kapi_fail("no memory for a snapshot");
	pages_copy(snapshot->pages, disk->pages, disk->nr_pages);
	if (nr)
		memcpy(snapshot->undo, disk->undo + disk->undo_head,
		       nr * sizeof(*disk->undo));
	snapshot->nr_undo = nr;
	if (extents_size)
		memcpy(snapshot->extents, disk->extents, extents_size);
	snapshot->epoch = disk->epoch;
	snapshot->started = disk->started;
	snapshot->off = disk->off;
}

void sim_snapshot_restore(struct sim_disk *disk,
			  const struct sim_snapshot *snapshot)
{
	WARN_ON(disk->nr_in_flight);
	WARN_ON(snapshot->nr_pages != disk->nr_pages);
	WARN_ON(snapshot->nr_undo > disk->undo_max);
	pages_copy(disk->pages, snapshot->pages, disk->nr_pages);
	if (snapshot->nr_undo)
		memcpy(disk->undo, snapshot->undo,
		       snapshot->nr_undo * sizeof(*disk->undo));
	disk->undo_base += disk->undo_head;
	disk->undo_head = 0;
	disk->undo_tail = snapshot->nr_undo;
	if (disk->nr_extents)
		memcpy(disk->extents, snapshot->extents,
		       disk->nr_extents * sizeof(*disk->extents));
	disk->epoch = snapshot->epoch;
	disk->started = snapshot->started;
	disk->off = snapshot->off;
}

void sim_snapshot_free(struct sim_snapshot *snapshot)
{
	free(snapshot->pages);
	free(snapshot->undo);
	free(snapshot->extents);
	*snapshot = (struct sim_snapshot){ 0 };
}
