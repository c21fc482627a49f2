// SPDX-License-Identifier: GPL-2.0-only
/*
 * The histories that are swept.  Together they do all that the engine does
 * with a backing device, each in as few operations as will show it: what a
 * history costs is its operations squared, times the faults.
 */
#include "shardblk_format.h"
#include "sweep.h"

/* Does nothing without a device: a start may have failed. */
static void submit(struct world *w, enum shard_op op, u32 lba, u32 nr_blocks,
		   bool fua)
{
	if (!w->device)
		return;
	world_submit(w, op, lba, nr_blocks, fua);
	world_commit(w);
}

static void some_blocks(struct world *w)
{
	script_write(w, 0, 5, false);
	script_write(w, 10, 1, true);
	script_discard(w, 2, 2);
}

/* Some in the run, some in the log, some durable, some not. */
static void run_and_log(struct world *w)
{
	script_write(w, 20, 3, false);
	script_write(w, 0, 5, false);
	world_checkpoint(w);
	some_blocks(w);
	script_flush(w);
	script_write(w, 0, 1, false);
}

/* A log that does not fit into one memtable, as starts may find it. */
static void long_log(struct world *w)
{
	u32 i;

	for (i = 0; i < 7; i++)
		script_write(w, 3 * i, 1 + i % 3, i % 3 == 2);
}

static void start(struct world *w)
{
	if (!world_open(w))
		script_read_all(w);
}

static void writes(struct world *w)
{
	script_write(w, 0, 3, false);
	script_write(w, 1, 2, true);
	script_write(w, 0, 1, false);
	script_discard(w, 2, 2);
	script_flush(w);
	script_write(w, 8, 1, false);
}

/* Several at once. */
static void writes_together(struct world *w)
{
	submit(w, SHARD_WRITE, 0, 3, false);
	submit(w, SHARD_WRITE, 2, 2, true);
	submit(w, SHARD_DISCARD, 3, 4, false);
	submit(w, SHARD_FLUSH, 0, 0, false);
	submit(w, SHARD_WRITE, 9, 1, false);
	world_wait_all(w);
	submit(w, SHARD_READ, 0, 8, false);
	submit(w, SHARD_WRITE, 1, 1, true);
	world_wait_all(w);
}

static void checkpoints(struct world *w)
{
	script_write(w, 0, 3, false);
	world_checkpoint(w);
	script_write(w, 1, 1, false);
	script_flush(w);
}

/* A run of several pages, so the cache of two does not hold it. */
static void wide_run(struct world *w)
{
	u32 lba;

	for (lba = 0; lba < w->model.nr_blocks; lba += 16) {
		script_write(w, lba, 8, false);
		script_write(w, lba + 8, 8, false);
		script_write(w, lba + 3, 1, false);
	}
	world_checkpoint(w);
}

static void reads(struct world *w)
{
	script_write(w, 5, 1, false);
	script_read_all(w);
	submit(w, SHARD_READ, 60, 2, false);
	submit(w, SHARD_READ, 4, 3, false);
	world_wait_all(w);
}

static void merge(struct world *w)
{
	script_write(w, 33, 2, false);
	script_discard(w, 17, 2);
	world_checkpoint(w);
	script_read_all(w);
	world_compact(w);
	script_read_all(w);
}

/* Whatever was written is dead: extents are given up, reset, used again. */
static void fill_and_discard(struct world *w)
{
	script_fill(w, 15);
	script_flush(w);
	script_discard(w, 0, w->model.nr_blocks);
}

static void reuse(struct world *w)
{
	world_checkpoint(w);
	world_compact(w);
	script_write(w, 0, 15, false);
	script_write(w, 30, 15, false);
	script_write(w, 45, 15, true);
}

/* The superblock's extents are all but full. */
static void many_records(struct world *w)
{
	u32 blocks = w->info.extent_blocks;

	do {
		world_checkpoint(w);
		shard_device_info(w->device, &w->info);
	} while (w->info.record_number % blocks < blocks - 2);
	script_write(w, 0, 2, true);
}

static void turn_over(struct world *w)
{
	u32 i;

	for (i = 0; i < 3; i++)
		world_checkpoint(w);
	script_write(w, 1, 2, false);
}

static void stop(struct world *w)
{
	script_write(w, 0, 3, false);
	script_discard(w, 1, 1);
	world_close(w);
}

/*
 * What a crash left is settled by a look at it, as for any user: numbers begin
 * anew behind that.
 */
static void start_and_write(struct world *w)
{
	u64 stamps[M_BLOCKS_MAX];
	const char *why;
	u32 i;

	if (world_open(w))
		return;
	world_read_stamps(w, stamps);
	for (i = 0; i < w->model.nr_blocks; i++)
		if (stamps[i] == M_UNREADABLE)
			return;
	why = m_device_holds(&w->model, stamps, w->model.must);
	if (why)
		kapi_fail("%s", why);
	m_device_settle(&w->model, stamps);
	script_write(w, 1, 2, true);
	script_write(w, 30, 1, false);
}

const struct sweep_history sweep_histories[] = {
	{ "start after a crash", run_and_log, SWEEP_CRASHED, start },
	{ "start with a long log", long_log, SWEEP_CRASHED, start_and_write },
	{ "start after a stop", run_and_log, SWEEP_STOPPED, start },
	{ "first start", NULL, SWEEP_STOPPED, start_and_write },
	{ "writes", some_blocks, SWEEP_OPEN, writes },
	{ "writes, fua", some_blocks, SWEEP_OPEN, writes, .fua = true },
	{ "writes, no cache", NULL, SWEEP_OPEN, writes, .no_cache = true },
	{ "writes together", NULL, SWEEP_OPEN, writes_together },
	{ "checkpoint", some_blocks, SWEEP_OPEN, checkpoints },
	{ "reads", wide_run, SWEEP_OPEN, reads, .spare = 6 },
	{ "merge", wide_run, SWEEP_OPEN, merge, .spare = 6 },
	{ "reuse", fill_and_discard, SWEEP_OPEN, reuse },
	{ "superblock turn-over", many_records, SWEEP_OPEN, turn_over },
	{ "stop", run_and_log, SWEEP_OPEN, stop },
	{ "start after a crash, zones", run_and_log, SWEEP_CRASHED, start,
	  .zoned = true },
	{ "writes, zones", some_blocks, SWEEP_OPEN, writes, .zoned = true },
	{ "checkpoint, zones", some_blocks, SWEEP_OPEN, checkpoints,
	  .zoned = true },
	{ "reuse, zones", fill_and_discard, SWEEP_OPEN, reuse, .zoned = true },
	{ "superblock turn-over, zones", many_records, SWEEP_OPEN, turn_over,
	  .zoned = true },
	{ NULL }
};
