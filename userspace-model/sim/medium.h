/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The medium of a simulated disk: pages, in an array or a hash table, each
 * with a version that no other contents of this disk ever had, so that equal
 * versions mean equal contents.
 */
#ifndef SIM_MEDIUM_H
#define SIM_MEDIUM_H

#include "disk.h"

#define SIM_PAGE	4096u

/**
 * struct sim_page - a page
 * @index:	which
 * @version:	0: never written, zeros
 * @decided:	sectors that a settle has decided about
 * @data:	contents
 */
struct sim_page {
	u64 index;
	u64 version;
	u8 decided;
	u8 data[SIM_PAGE];
};

int sim_medium_init(struct sim_disk *disk);
void sim_medium_blank(struct sim_disk *disk);
void sim_medium_free(struct sim_disk *disk);

/** sim_page_find() - NULL: never written */
struct sim_page *sim_page_find(struct sim_disk *disk, u64 index);

/** sim_page_dirty() - about to be changed */
struct sim_page *sim_page_dirty(struct sim_disk *disk, u64 index);

#endif /* SIM_MEDIUM_H */
