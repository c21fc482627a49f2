// SPDX-License-Identifier: GPL-2.0-only
/*
 * A start that is killed.
 *
 * Goal: it ends with -EINTR, has written nothing, and the next one finds
 * everything.  Method: the signal comes before the n-th look for it and stays,
 * for all n, over logs that end in a crash, in damage, and in a clean stop.
 */
#include "script.h"
#include "suites.h"

static u32 looks_left;		/* until the signal is there; 0: it is */

static bool killed(void *ctx)
{
	if (looks_left)
		looks_left--;
	return !looks_left;
}

/* A log of several extents behind a checkpoint. */
static void history(struct world *w)
{
	u32 i;

	script_write(w, 0, 15, false);
	world_checkpoint(w);
	for (i = 0; i < 6; i++)
		script_write(w, 9 * i, 9, i % 2);
	script_flush(w);
	script_discard(w, 3, 9);
	script_write(w, 20, 2, true);
}

static u64 nr_changes(const struct world *w)
{
	return w->disk->counts.nr[SHARD_IO_APPEND] +
	       w->disk->counts.nr[SHARD_IO_FLUSH] +
	       w->disk->counts.nr[SHARD_IO_RESET] +
	       w->disk->counts.nr[SHARD_IO_FINISH];
}

/* Return: whether the start was killed, not already over. */
static bool start_killed(struct world *w, u32 nr_looks)
{
	u64 before = nr_changes(w);
	bool struck;
	int err;

	looks_left = nr_looks;
	w->sim.hooks.killed = killed;
	err = world_open(w);
	w->sim.hooks.killed = NULL;
	struck = !looks_left;
	if (err != (struck ? -EINTR : 0))
		kapi_fail("open returned %d, killed: %d", err, struck);
	if (struck && nr_changes(w) != before)
		kapi_fail("a start that was killed has changed the disk");
	return struck;
}

static u32 sweep(struct world *w, const struct world_config *config,
		 void (*stop)(struct world *w))
{
	bool struck = true;
	u32 n;

	for (n = 1; struck; n++) {
		world_begin(w, config);
		history(w);
		stop(w);
		struck = start_killed(w, n);
		if (struck && world_open(w))
			kapi_fail("the start after one that was killed failed");
		world_compare(w, w->model.must);
		script_write(w, 30, 4, true);
		world_recover(w);
		world_close(w);
	}
	return n - 2;
}

static void stop_by_crash(struct world *w)
{
	world_crash(w, false);
}

static void stop_by_death(struct world *w)
{
	world_crash(w, true);
}

void check_kill(struct world *w)
{
	struct world_config config;
	u32 nr;

	history_config(&config, false, false);
	config.options.memtable_entries = 64;
	config.options.checkpoint_frames = 0;
	nr = sweep(w, &config, stop_by_crash);
	nr += sweep(w, &config, stop_by_death);
	nr += sweep(w, &config, world_close);
	if (nr < 50)
		kapi_fail("only %u starts could be killed", nr);
	world_print("       %u starts were killed", nr);
}
