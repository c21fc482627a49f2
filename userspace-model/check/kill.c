// SPDX-License-Identifier: GPL-2.0-only
/*
 * A start that is killed.
 *
 * Goal: it ends with -EINTR, has written nothing, and the next one finds
 * everything.  Method: the signal comes before the n-th look for it and stays,
 * for all n, over logs that end in a crash, in damage, and in a clean stop, and one
 * with payload that cannot be read, which a start refuses for as long as that is so.
 */
#include "script.h"
#include "shardblk_format.h"
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

/* Return: whether the start was killed, not already over, or @refused. */
static bool start_killed(struct world *w, u32 nr_looks, bool refused)
{
	u64 before = nr_changes(w);
	bool struck;
	int err;

	looks_left = nr_looks;
	w->sim.hooks.killed = killed;
	err = world_open(w);
	w->sim.hooks.killed = NULL;
	struck = !looks_left;
	if (struck ? err != -EINTR : !err == refused)
		kapi_fail("open returned %d, killed: %d", err, struck);
	if (err && nr_changes(w) != before)
		kapi_fail("a start that failed has changed the disk");
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
		struck = start_killed(w, n, w->disk->nr_ranges);
		w->disk->nr_ranges = 0;
		if (!w->device && world_open(w))
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

/* The host's last frame; each of its blocks is a sector. */
static void stop_by_damage(struct world *w)
{
	u64 at, last = 0, last_seq = 0;
	struct shardblk_frame f;

	world_crash(w, true);
	for (at = 0; at < w->config.disk.capacity; at += SIM_SECTOR) {
		sim_disk_peek(w->disk, at, &f, sizeof(f));
		if (le32_to_cpu(f.h.magic) != SHARDBLK_FRAME_MAGIC ||
		    f.stream != SHARDBLK_STREAM_HOST || !f.nr_blocks ||
		    le64_to_cpu(f.seq) <= last_seq)
			continue;
		last = at;
		last_seq = le64_to_cpu(f.seq);
	}
	world_note(w, "      | the payload of the last frame cannot be read");
	w->sick = true;
	sim_disk_fail_range(w->disk, last + SIM_SECTOR, SIM_SECTOR,
			    BIT(SHARD_IO_READ));
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
	nr += sweep(w, &config, stop_by_damage);
	if (nr < 50)
		kapi_fail("only %u starts could be killed", nr);
	world_print("       %u starts were killed", nr);
}
