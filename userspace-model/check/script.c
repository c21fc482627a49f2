// SPDX-License-Identifier: GPL-2.0-only
/*
 * Directed histories.
 */
#include "script.h"

static void finish(struct world *w, struct world_slot *slot)
{
	if (!slot)
		return;
	world_commit(w);
	world_wait(w, slot);
}

void script_make_room(struct world *w, u32 nr)
{
	if (w->cut || w->model.nr_requests + nr <= M_REQUESTS_MAX)
		return;
	script_flush(w);
	if (!w->cut)
		world_compare(w, w->model.must);
}

void script_write(struct world *w, u32 lba, u32 nr_blocks, bool fua)
{
	script_make_room(w, 1);
	if (!w->cut)
		finish(w, world_submit(w, SHARD_WRITE, lba, nr_blocks, fua));
}

void script_discard(struct world *w, u32 lba, u32 nr_blocks)
{
	script_make_room(w, 1);
	if (!w->cut)
		finish(w, world_submit(w, SHARD_DISCARD, lba, nr_blocks,
				       false));
}

void script_flush(struct world *w)
{
	if (!w->cut)
		finish(w, world_submit(w, SHARD_FLUSH, 0, 0, false));
}

void script_read_all(struct world *w)
{
	u32 max = w->info.request_blocks_max, lba;

	for (lba = 0; lba < w->model.nr_blocks && !w->cut; lba += max)
		finish(w, world_submit(w, SHARD_READ, lba,
				       min(max, w->model.nr_blocks - lba),
				       false));
}

void script_fill(struct world *w, u32 nr_blocks)
{
	u32 lba;

	for (lba = 0; lba < w->model.nr_blocks; lba += nr_blocks)
		script_write(w, lba, min(nr_blocks, w->model.nr_blocks - lba),
			     false);
}

void script_fail(struct world *w, enum shard_io_op op)
{
	w->sick = true;
	sim_disk_fail_range(w->disk, 0, w->config.disk.capacity, BIT(op));
}

u32 script_sweep(struct world *w, const struct world_config *config,
		 void (*fn)(struct world *w), u32 nr_tries)
{
	bool ended = false;
	u32 cut_in, try;

	for (cut_in = 1; !ended; cut_in++) {
		for (try = 0; try < nr_tries; try++) {
			world_begin(w, config);
			w->cut_in = cut_in;
			fn(w);
			ended = !w->cut;
			world_recover(w);
			world_close(w);
		}
	}
	return cut_in - 1;
}
