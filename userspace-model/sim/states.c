// SPDX-License-Identifier: GPL-2.0-only
/*
 * Crash states, see states.h.
 */
#include <stdlib.h>
#include "states.h"
#include "undo.h"

/* --- room, kept from walk to walk --- */

static void *room(void *old, u32 *max, u32 nr, size_t size)
{
	void *new;

	if (nr <= *max)
		return old;
	*max = max(64u, 2 * nr);
	new = realloc(old, *max * size);
	if (!new)
		kapi_fail("no memory for crash states");
	return new;
}

static void states_room(struct sim_states *states, u32 nr_undo)
{
	u32 max_branch = states->max_open;

	states->open = room(states->open, &states->max_open, nr_undo,
			    sizeof(*states->open));
	states->branch = room(states->branch, &max_branch, nr_undo,
			      sizeof(*states->branch));
	/* each write is a version, and each sector has an older one */
	states->versions = room(states->versions, &states->max_versions,
				2 * nr_undo, sizeof(*states->versions));
}

void sim_states_free(struct sim_states *states)
{
	free(states->open);
	free(states->branch);
	free(states->versions);
	*states = (struct sim_states){ 0 };
}

/* --- from the undo log to sectors and versions --- */

static struct sim_slot *slot_of(struct sim_states *states,
				const struct sim_open *open)
{
	return sim_medium_find(&states->disk->medium, open->sector);
}

/* Finds the open sectors, and how many versions each has. */
static void open_sectors(struct sim_states *states)
{
	struct sim_disk *disk = states->disk;
	size_t i;

	for (i = disk->undo_head; i < disk->undo_tail; i++) {
		struct sim_slot *slot;

		if (disk->undo[i].sector == U64_MAX)
			continue;
		slot = sim_medium_find(&disk->medium, disk->undo[i].sector);
		if (!slot->open) {
			slot->open = &states->open[states->nr_open++];
			*slot->open = (struct sim_open){
				.sector = disk->undo[i].sector, .nr = 1,
			};
		}
		slot->open->nr++;
	}
}

static u64 product(u64 a, u64 b)
{
	u64 ab;

	return __builtin_mul_overflow(a, b, &ab) ? U64_MAX : ab;
}

/* What a sector held before each write, and then what it holds. */
static void open_versions(struct sim_states *states)
{
	struct sim_disk *disk = states->disk;
	struct sim_medium *medium = &disk->medium;
	struct sim_open *open;
	size_t i;

	states->total = 1;
	states->nr_versions = 0;
	for (open = states->open; open < states->open + states->nr_open;
	     open++) {
		open->weight = states->total;
		states->total = product(states->total, open->nr);
		open->first = states->nr_versions;
		states->nr_versions += open->nr;
	}
	for (i = disk->undo_head; i < disk->undo_tail; i++) {
		const struct sim_undo *undo = &disk->undo[i];

		if (undo->sector == U64_MAX)
			continue;
		open = sim_medium_find(medium, undo->sector)->open;
		states->versions[open->first + open->now++] =
			sim_data_get(medium, undo->old);
	}
	for (open = states->open; open < states->open + states->nr_open; open++)
		states->versions[open->first + open->now] =
			sim_data_get(medium, slot_of(states, open)->ref);
}

/* --- the walk --- */

static void open_set(struct sim_states *states, struct sim_open *open,
		     u32 version)
{
	struct sim_medium *medium = &states->disk->medium;

	states->number += (version - (u64)open->now) * open->weight;
	open->now = version;
	sim_slot_set(medium, slot_of(states, open),
		     sim_data_get(medium, states->versions[open->first + version]));
}

static void branch_push(struct sim_states *states, struct sim_open *open)
{
	open->left = open->nr - 1;
	states->branch[states->nr_branch++] = open;
	states->alike /= open->nr;
}

/* Without pruning the branch has all sectors, in the order of their writes. */
static void branch_fill(struct sim_states *states)
{
	while (!states->prune && states->nr_branch < states->nr_open)
		branch_push(states, &states->open[states->nr_branch]);
}

static void open_touch(struct sim_states *states, struct sim_open *open)
{
	if (open->run == states->run)
		return;
	open->run = states->run;
	if (states->nr_touched == states->nr_branch)
		branch_push(states, open);
	else if (states->branch[states->nr_touched] != open)
		kapi_fail("not deterministic: sector %llu touched out of turn",
			  open->sector);
	states->nr_touched++;
}

void sim_states_touch(struct sim_disk *disk, u64 sector, u32 nr)
{
	struct sim_slot *slot;
	u32 i;

	for (i = 0; i < nr; i++) {
		slot = sim_medium_find(&disk->medium, sector + i);
		if (slot && slot->open)
			open_touch(disk->walk, slot->open);
	}
}

void sim_states_begin(struct sim_states *states, struct sim_disk *disk,
		      bool prune)
{
	u32 i;

	WARN_ON(!disk->off || disk->walk);
	if (disk->config.zone_size)
		kapi_fail("crash states of a zoned disk are not known");
	states->disk = disk;
	states->walking = true;
	states->prune = prune;
	states->number = 0;
	states->nr_run = 0;
	states->nr_pruned = 0;
	states->nr_open = 0;
	states->nr_branch = 0;
	states->nr_touched = 0;
	states->run = 1;
	states_room(states, disk->undo_tail - disk->undo_head);
	open_sectors(states);
	open_versions(states);
	if (states->total == U64_MAX)
		kapi_fail("too many crash states to number them");
	sim_undo_clear(disk);
	states->alike = states->total;
	for (i = 0; i < states->nr_open; i++) {
		states->open[i].now = 0;
		open_set(states, &states->open[i], 0);
	}
	branch_fill(states);
	if (prune)
		disk->walk = states;
	disk->off = false;
}

bool sim_states_next(struct sim_states *states)
{
	struct sim_open *top = NULL;

	WARN_ON(!states->walking);
	if (states->prune && states->nr_touched != states->nr_branch)
		kapi_fail("not deterministic: not all was touched again");
	states->nr_run++;
	states->nr_pruned += states->alike - 1;
	while (states->nr_branch) {
		top = states->branch[states->nr_branch - 1];
		if (top->left)
			break;
		states->alike *= top->nr;
		states->nr_branch--;
	}
	if (!states->nr_branch)
		return false;
	top->left--;
	open_set(states, top, (top->now + 1) % top->nr);
	branch_fill(states);
	states->nr_touched = 0;
	states->run++;
	return true;
}

void sim_states_stop(struct sim_states *states)
{
	u32 i;

	if (!states->walking)
		return;
	for (i = 0; i < states->nr_open; i++)
		slot_of(states, &states->open[i])->open = NULL;
	states->disk->walk = NULL;
	states->walking = false;
}

void sim_states_enter(struct sim_states *states, u64 number)
{
	u32 i;

	sim_states_stop(states);
	WARN_ON(number >= states->total || states->total == U64_MAX);
	for (i = 0; i < states->nr_open; i++) {
		struct sim_open *open = &states->open[i];

		open_set(states, open, number / open->weight % open->nr);
	}
}

void sim_states_end(struct sim_states *states)
{
	u32 i;

	sim_states_stop(states);
	for (i = 0; i < states->nr_versions; i++)
		sim_data_put(&states->disk->medium, states->versions[i]);
}

void sim_states_print(const struct sim_states *states,
		      void (*print)(const char *fmt, ...))
{
	const struct sim_open *open;

	for (open = states->open; open < states->open + states->nr_open; open++)
		print("      |   sector %4llu: %s%s", open->sector,
		      !open->now ? "all writes lost" :
		      open->now == open->nr - 1 ? "written" : "an older write",
		      open->nr > 2 ? " (of several)" : "");
}
