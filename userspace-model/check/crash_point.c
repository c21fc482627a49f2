// SPDX-License-Identifier: GPL-2.0-only
/*
 * DOC: crash points
 *
 * First, every state is recovered without writing, which is cheap, and every
 * block is read.  The model says whether the device may hold that, given what
 * was acknowledged and flushed; contents that it allowed are remembered, for
 * there are few of them and many states.
 *
 * Then states are recovered for good.  The device must show the same contents,
 * take a write and a flush, and hold both after a power cut that takes all that
 * it may.  The power is also cut before each event of that start, and what it
 * leaves then are states again, to the depth that is asked for.
 */
#include <stdlib.h>

#include "crash_point.h"
#include "script.h"

/* States drawn where there are too many: so many, or half of those that are not. */
#define DRAWN_MAX	4096

u32 crash_choose(struct crash *c, u32 n, unsigned int kind, u32 given)
{
	return c->only ? sim_choose_given(&c->w->sim.choices, given, n, kind) :
			 world_draw(n, kind);
}

/* ---- one state ---- */

void crash_look(struct world *w, u64 *stamps)
{
	struct shard_options options = w->config.options;
	u32 i;
	int err;

	options.read_only = true;
	w->disk->backend.read_only = true;
	err = shard_device_open(&w->disk->backend, &options, &w->device);
	if (err)
		kapi_fail("recovery returned %d", err);
	world_read_stamps(w, stamps);
	if (w->disk->nr_in_flight)
		kapi_fail("something is in flight after all was read");
	kapi_crash();
	w->device = NULL;
	w->disk->backend.read_only = false;
	for (i = 0; i < w->model.nr_blocks; i++)
		if (stamps[i] == M_UNREADABLE)
			kapi_fail("block %u cannot be read", i);
}

static u64 hash_of(const u64 *stamps, u32 nr)
{
	u64 hash = nr;
	u32 i;

	for (i = 0; i < nr; i++) {
		hash = (hash ^ stamps[i]) * 0x9e3779b97f4a7c15ULL;
		hash ^= hash >> 32;
	}
	return hash;
}

/* Does the model allow it?  Return: true if these contents are new. */
static bool judge(struct crash *c, struct crash_level *level)
{
	u32 nr = c->w->model.nr_blocks, i;
	u64 hash = hash_of(c->stamps, nr);
	struct crash_known *known;
	const char *why;

	for (i = 0; i < level->nr_known; i++) {
		known = &level->known[i];
		if (known->hash == hash &&
		    !memcmp(known->stamps, c->stamps, nr * sizeof(u64)))
			return false;
	}
	why = m_device_holds(&c->w->model, c->stamps, c->w->model.must);
	if (why)
		kapi_fail("%s", why);
	if (level->nr_known < CRASH_KNOWN_MAX) {
		known = &level->known[level->nr_known++];
		known->hash = hash;
		memcpy(known->stamps, c->stamps, nr * sizeof(u64));
	}
	return true;
}

static void number_add(struct crash_level *level, u64 number)
{
	if (level->nr_numbers == level->max_numbers) {
		level->max_numbers = max(64u, 2 * level->max_numbers);
		level->numbers = realloc(level->numbers, level->max_numbers *
					 sizeof(*level->numbers));
		if (!level->numbers)
			kapi_fail("no memory for states");
	}
	level->numbers[level->nr_numbers++] = number;
}

static void run_state(struct crash *c, struct crash_level *level)
{
	bool is_new;

	c->where->at[c->where->depth].state = level->states.number;
	crash_look(c->w, c->stamps);
	is_new = judge(c, level);
	if (is_new && !c->where->depth)
		c->contents += hash_of(c->stamps, c->w->model.nr_blocks);
	c->tally.nr_contents += is_new;
	if (is_new || c->bounds.each)
		number_add(level, level->states.number);
}

/* ---- all of them ---- */

static void draw_states(struct crash *c, struct crash_level *level)
{
	u32 nr = min_t(u64, c->bounds.states_max / 2, DRAWN_MAX), i;
	u64 total = level->states.total, v = total;

	for (i = 0; i < nr; i++) {
		v = v * 6364136223846793005ULL + 1442695040888963407ULL;
		sim_states_enter(&level->states,
				 mul_u64_u64_shr(v, total, 64));
		run_state(c, level);
	}
	c->tally.nr_drawn += nr;
	c->tally.nr_not_drawn += total - min_t(u64, total, nr);
}

static void walk_states(struct crash *c, struct crash_level *level)
{
	struct sim_states *states = &level->states;

	do {
		run_state(c, level);
	} while (sim_states_next(states));
	if (states->nr_run + states->nr_pruned != states->total)
		kapi_fail("%llu states were run and %llu pruned of %llu",
			  states->nr_run, states->nr_pruned, states->total);
	if (c->where->depth) {
		c->tally.nr_inner_run += states->nr_run;
		c->tally.nr_inner_pruned += states->nr_pruned;
	} else {
		c->tally.nr_run += states->nr_run;
		c->tally.nr_pruned += states->nr_pruned;
	}
}

/* ---- recovery for good ---- */

static void explore(struct crash *c);

/* After this start all works again, whatever the next power cut takes. */
static void go_on(struct crash *c, struct crash_level *level)
{
	struct world *w = c->w;
	const char *why;

	c->model = w->model;
	if (world_open(w))
		kapi_fail("recovery for good failed");
	world_compare(w, w->model.must);
	if (memcmp(w->model.base, c->stamps, w->model.nr_blocks * sizeof(u64)))
		kapi_fail("two starts from one state differ");
	script_write(w, 1, 1, false);
	script_flush(w);
	world_power_off(w);
	sim_states_begin(&c->rest, w->disk, false);
	crash_look(w, c->stamps);
	why = m_device_holds(&w->model, c->stamps, w->model.must);
	sim_states_end(&c->rest);
	if (why)
		kapi_fail("after a recovery, a write, a flush and another crash: %s",
			  why);
	w->model = c->model;
	sim_snapshot_restore(w->disk, &level->image);
	c->tally.nr_recovered++;
}

/*
 * How far a disk has come since a snapshot was restored.  Where that is the
 * same at two points, nothing was written, reset or flushed in between, and so
 * the states are the same.
 */
struct progress {
	u64 nr_writes;
	u64 nr_resets;
	u32 nr_undecided;
	u64 flushed;
	u64 open;		/* what has been flushed, or needs no flush, is not */
};

static struct progress progress_of(const struct sim_disk *disk)
{
	struct progress p = {
		.nr_writes = disk->nr_writes,
		.flushed = disk->undo_base + disk->undo_head,
		.open = disk->undo_tail - disk->undo_head,
	};
	u64 i;

	if (!disk->config.zone_size)
		return p;
	p.nr_resets = disk->counts.nr[SHARD_IO_RESET];
	for (i = 0; i < disk->nr_extents; i++)
		p.nr_undecided += disk->extents[i].undecided;
	return p;
}

static bool progressed(const struct progress *a, const struct progress *b)
{
	return a->nr_writes != b->nr_writes || a->nr_resets != b->nr_resets ||
	       a->nr_undecided != b->nr_undecided || a->flushed != b->flushed ||
	       a->open != b->open;
}

/* A start, crashed before each of its events. */
static void crash_start(struct crash *c, struct crash_level *level)
{
	struct progress before = { 0 }, now, base;
	u32 depth = c->where->depth + 1, point = 0;
	struct world *w = c->w;
	bool last;

	do {
		base = progress_of(w->disk);
		if (c->one)
			point = crash_choose(c, CRASH_POINTS_MAX,
					     CHECK_CHOOSE_CUT,
					     c->only ? c->only->at[depth].point : 0);
		c->where->at[depth] = (struct crash_place){ .point = point };
		c->where->depth = depth;
		world_note(w, "      | a start, crashed before event %u", point);
		w->stopping = true;
		w->stop_in = point;
		if (world_open(w))
			kapi_fail("recovery failed");
		wait_event(w->wait, w->cut);
		last = w->idle;
		world_power_off(w);
		now = progress_of(w->disk);
		now.nr_writes -= base.nr_writes;
		now.nr_resets -= base.nr_resets;
		now.flushed -= base.flushed;
		c->tally.nr_inner_points++;
		if (point && !c->one && !progressed(&before, &now))
			c->tally.nr_inner_same++;
		else
			explore(c);
		point++;
		before = now;
		sim_snapshot_restore(w->disk, &level->image);
	} while (!last && !c->one);
	c->where->depth = depth - 1;
}

static void recover_state(struct crash *c, struct crash_level *level, u64 number)
{
	c->where->at[c->where->depth].state = number;
	sim_states_enter(&level->states, number);
	crash_look(c->w, c->stamps);
	sim_snapshot_take(&level->image, c->w->disk);
	go_on(c, level);
	if (c->where->depth < c->bounds.depth)
		crash_start(c, level);
}

/* ---- the point ---- */

/* Which write each block is from. */
static void print_contents(const u64 *stamps, u32 nr)
{
	char line[512];
	size_t len = 0;
	u32 i;

	for (i = 0; i < nr; i++)
		if (stamps[i])
			len += scnprintf(line + len, sizeof(line) - len,
					 " %u:%llu", i, stamps[i] >> 16);
	world_print("      |   block:write%s", len ? line : " none");
}

/*
 * A state, and a start from it, which may be crashed: that is drawn first, as a
 * choice of a check's is found again whatever was drawn before it.
 */
static void explore_one(struct crash *c, struct crash_level *level)
{
	const struct crash_where *only = c->only;
	u32 depth = c->where->depth;
	struct world *w = c->w;
	bool inside = depth < CRASH_DEPTH_MAX &&
		      crash_choose(c, 2, CHECK_CHOOSE_CUT,
				   only && depth < only->depth);

	sim_states_choose(&level->states, only ? &only->at[depth].state : NULL);
	c->where->at[depth].state = level->states.number;
	world_note(w, "      | state %llu of %llu:", level->states.number,
		   level->states.total);
	if (w->verbose)
		sim_states_print(&level->states, world_print);
	crash_look(w, c->stamps);
	if (w->verbose)
		print_contents(c->stamps, w->model.nr_blocks);
	judge(c, level);
	sim_snapshot_take(&level->image, w->disk);
	if (inside)
		crash_start(c, level);
	else
		go_on(c, level);
}

static void explore(struct crash *c)
{
	struct crash_level *level = &c->levels[c->where->depth];
	u32 i;

	level->nr_known = 0;
	level->nr_numbers = 0;
	sim_states_begin(&level->states, c->w->disk, c->bounds.prune);
	if (c->one)
		explore_one(c, level);
	else if (level->states.total > c->bounds.states_max)
		draw_states(c, level);
	else
		walk_states(c, level);
	for (i = 0; i < level->nr_numbers; i++)
		recover_state(c, level, level->numbers[i]);
	sim_states_end(&level->states);
}

void crash_explore(struct crash *c)
{
	c->where->depth = 0;
	c->contents = 0;
	c->tally.nr_points++;
	explore(c);
}

void crash_free(struct crash *c)
{
	u32 i;

	sim_states_free(&c->rest);
	for (i = 0; i <= CRASH_DEPTH_MAX; i++) {
		sim_states_free(&c->levels[i].states);
		sim_snapshot_free(&c->levels[i].image);
		free(c->levels[i].numbers);
	}
}
