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

/* Sectors, or zones: no more than writes and resets. */
static void open_room(struct sim_states *states, u32 nr)
{
	u32 max_branch = states->max_open;

	states->open = room(states->open, &states->max_open, nr,
			    sizeof(*states->open));
	states->branch = room(states->branch, &max_branch, nr,
			      sizeof(*states->branch));
}

void sim_states_free(struct sim_states *states)
{
	free(states->open);
	free(states->branch);
	free(states->versions);
	*states = (struct sim_states){ 0 };
}

/* --- from the undo log to sectors and versions --- */

/* What is open where a sector lies, from now on if it was not yet. */
static struct sim_open *open_at(struct sim_states *states, u64 sector)
{
	struct sim_medium *medium = &states->disk->medium;
	struct sim_open *open = sim_medium_find(medium, sector)->open;
	u32 i;

	if (open)
		return open;
	open = &states->open[states->nr_open++];
	*open = (struct sim_open){
		.sector = sector - sector % states->width, .nr = 1,
	};
	for (i = 0; i < states->width; i++)
		sim_medium_find(medium, open->sector + i)->open = open;
	return open;
}

/* Finds what is open, and how many versions each has. */
static void open_find(struct sim_states *states)
{
	struct sim_disk *disk = states->disk;
	struct sim_open *open;
	size_t i;

	for (i = disk->undo_head; i < disk->undo_tail; i++)
		if (disk->undo[i].sector != U64_MAX)
			open_at(states, disk->undo[i].sector)->nr++;
	for (i = 0; disk->config.zone_size && i < disk->nr_extents; i++) {
		if (!disk->extents[i].undecided)
			continue;
		open = open_at(states, i * states->width);
		open->nr++;
		open->reset = true;
		disk->extents[i].undecided = false;
	}
}

static u64 product(u64 a, u64 b)
{
	u64 ab;

	return __builtin_mul_overflow(a, b, &ab) ? U64_MAX : ab;
}

static u32 *version(struct sim_states *states, const struct sim_open *open,
		    u32 nr)
{
	return &states->versions[open->first + nr * states->width];
}

static void open_number(struct sim_states *states)
{
	struct sim_open *open;

	states->total = 1;
	states->nr_versions = 0;
	for (open = states->open; open < states->open + states->nr_open;
	     open++) {
		open->weight = states->total;
		states->total = product(states->total, open->nr);
		open->first = states->nr_versions;
		states->nr_versions += open->nr * states->width;
	}
	states->versions = room(states->versions, &states->max_versions,
				states->nr_versions, sizeof(*states->versions));
}

/* What is there now is the last version; a zone that was reset has zeros. */
static void open_last(struct sim_states *states, struct sim_open *open)
{
	struct sim_medium *medium = &states->disk->medium;
	u32 *last = version(states, open, open->nr - 1), i;
	const struct sim_extent *extent;
	const struct sim_slot *slot;

	for (i = 0; i < states->width; i++) {
		slot = sim_medium_find(medium, open->sector + i);
		last[i] = sim_data_get(medium, slot->ref);
	}
	if (open->reset)
		memset(version(states, open, 0), 0,
		       states->width * sizeof(*states->versions));
	open->now = open->nr - 1;
	if (!states->disk->config.zone_size)
		return;
	extent = &states->disk->extents[open->sector / states->width];
	open->pointer = extent->hard;
	open->finished = extent->finished;
}

/* Before that come those before each write. */
static void open_versions(struct sim_states *states)
{
	struct sim_disk *disk = states->disk;
	struct sim_open *open;
	u32 *to, *from, k;
	size_t i;

	for (open = states->open; open < states->open + states->nr_open; open++)
		open_last(states, open);
	for (i = disk->undo_tail; i-- > disk->undo_head;) {
		const struct sim_undo *undo = &disk->undo[i];

		if (undo->sector == U64_MAX)
			continue;
		open = open_at(states, undo->sector);
		open->pointer = undo->sector - open->sector;
		from = version(states, open, open->now--);
		to = version(states, open, open->now);
		for (k = 0; k < states->width; k++)
			to[k] = sim_data_get(&disk->medium,
					     open->sector + k == undo->sector ?
					     undo->old : from[k]);
	}
}

/* --- the walk --- */

static void open_set(struct sim_states *states, struct sim_open *open, u32 nr)
{
	struct sim_disk *disk = states->disk;
	const u32 *refs = version(states, open, nr);
	bool reset = open->reset && !nr;
	struct sim_extent *extent;
	u32 i;

	states->number += (nr - (u64)open->now) * open->weight;
	open->now = nr;
	for (i = 0; i < states->width; i++)
		sim_slot_set(&disk->medium,
			     sim_medium_find(&disk->medium, open->sector + i),
			     sim_data_get(&disk->medium, refs[i]));
	if (!disk->config.zone_size)
		return;
	extent = &disk->extents[open->sector / states->width];
	extent->hard = reset ? 0 : open->pointer + nr - open->reset;
	extent->finished = open->finished && !reset;
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
	states->disk = disk;
	states->width = disk->config.zone_size ?
			disk->extent_size / SIM_SECTOR : 1;
	states->walking = true;
	states->prune = prune;
	states->number = 0;
	states->nr_run = 0;
	states->nr_pruned = 0;
	states->nr_open = 0;
	states->nr_branch = 0;
	states->nr_touched = 0;
	states->run = 1;
	open_room(states, disk->undo_tail - disk->undo_head +
		  (disk->config.zone_size ? disk->nr_extents : 0));
	open_find(states);
	open_number(states);
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
	u32 i, k;

	if (!states->walking)
		return;
	for (i = 0; i < states->nr_open; i++)
		for (k = 0; k < states->width; k++)
			sim_medium_find(&states->disk->medium,
					states->open[i].sector + k)->open = NULL;
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

/* What survives: all, nothing, or as is said of each. */
enum { CHOOSE_ALL, CHOOSE_NOTHING, CHOOSE_EACH, NR_CHOOSE };

static size_t choose_number(struct sim_states *states, u64 number)
{
	if (number >= states->total)
		kapi_fail("there is no state %llu of %llu", number,
			  states->total);
	return number == states->total - 1 ? CHOOSE_ALL :
	       number ? CHOOSE_EACH : CHOOSE_NOTHING;
}

static void choose_each(struct sim_states *states, const u64 *number)
{
	struct sim_choices *choices = states->disk->choices;
	struct sim_open *open;
	size_t lost;

	for (open = states->open; open < states->open + states->nr_open;
	     open++) {
		if (number)
			lost = sim_choose_given(choices, open->nr - 1 -
						*number / open->weight % open->nr,
						open->nr, SIM_CHOOSE_SURVIVE);
		else
			lost = sim_choose(choices, open->nr,
					  SIM_CHOOSE_SURVIVE);
		open_set(states, open, open->nr - 1 - lost);
	}
}

void sim_states_choose(struct sim_states *states, const u64 *number)
{
	struct sim_choices *choices = states->disk->choices;
	size_t how;

	if (number)
		how = sim_choose_given(choices, choose_number(states, *number),
				       NR_CHOOSE, SIM_CHOOSE_CRASH);
	else
		how = sim_choose(choices, NR_CHOOSE, SIM_CHOOSE_CRASH);
	if (how == CHOOSE_EACH) {
		sim_states_stop(states);
		choose_each(states, number);
	} else {
		sim_states_enter(states, how == CHOOSE_ALL ?
				 states->total - 1 : 0);
	}
}

void sim_states_end(struct sim_states *states)
{
	u32 i;

	sim_states_stop(states);
	for (i = 0; i < states->nr_versions; i++)
		sim_data_put(&states->disk->medium, states->versions[i]);
}

static void zone_print(const struct sim_states *states,
		       const struct sim_open *open,
		       void (*print)(const char *fmt, ...))
{
	u64 zone = open->sector / states->width;

	if (open->reset && !open->now)
		print("      |   zone %llu: reset", zone);
	else
		print("      |   zone %llu: %u of %u sectors written", zone,
		      open->now - open->reset, open->nr - 1 - open->reset);
}

void sim_states_print(const struct sim_states *states,
		      void (*print)(const char *fmt, ...))
{
	const struct sim_open *open;

	for (open = states->open; open < states->open + states->nr_open; open++)
		if (states->width > 1)
			zone_print(states, open, print);
		else
			print("      |   sector %4llu: %s%s", open->sector,
			      !open->now ? "all writes lost" :
			      open->now == open->nr - 1 ? "written" :
			      "an older write",
			      open->nr > 2 ? " (of several)" : "");
}
