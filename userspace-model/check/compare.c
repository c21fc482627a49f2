// SPDX-License-Identifier: GPL-2.0-only
/*
 * Comparing everything: what all blocks hold is what the model says they may.
 */
#include "world.h"

static void read_stamps(struct world *w, u64 *stamps, u32 lba, u32 nr_blocks)
{
	struct world_slot *slot = world_slot_get(w);

	if (!slot)
		return;
	slot->number = 0;
	slot->into = stamps + lba;
	slot->op = SHARD_READ;
	slot->fua = false;
	slot->lba = lba;
	slot->nr_blocks = nr_blocks;
	slot->segs[0].addr = slot->data;
	slot->segs[0].len = nr_blocks * w->info.block_size;
	world_slot_submit(w, slot);
}

/* What a large read could not get is read block by block. */
void world_read_stamps(struct world *w, u64 *stamps)
{
	u32 nr = w->model.nr_blocks, max = w->info.request_blocks_max, lba;

	for (lba = 0; lba < nr && !w->cut; lba += max)
		read_stamps(w, stamps, lba, min(max, nr - lba));
	world_wait_all(w);
	for (lba = 0; lba < nr && !w->cut; lba++)
		if (stamps[lba] == M_UNREADABLE)
			read_stamps(w, stamps, lba, 1);
	world_wait_all(w);
}

void world_compare(struct world *w, u64 must)
{
	u64 stamps[M_BLOCKS_MAX];
	const char *why;
	u32 i;

	if (w->cut)
		return;
	/* then it says nothing, until the next start */
	if (shard_device_state(w->device) == SHARD_STATE_FAILED) {
		if (!w->sick)
			kapi_fail("failed without a fault");
		w->sick = true;
		return;
	}
	world_read_stamps(w, stamps);
	if (w->cut)
		return;
	for (i = 0; i < w->model.nr_blocks; i++)
		if (stamps[i] == M_UNREADABLE)
			kapi_fail("block %u cannot be read", i);
	why = m_device_holds(&w->model, stamps, must);
	if (why)
		kapi_fail("%s", why);
	m_device_settle(&w->model, stamps);
}

void world_unharmed(struct world *w)
{
	struct shard_info info;

	if (w->sick || w->spoilt || w->config.faults)
		return;
	shard_device_info(w->device, &info);
	if (info.stats.reclaim_errors)
		kapi_fail("reclamation met %llu errors without a fault",
			  info.stats.reclaim_errors);
}

static void check_found(struct shard_check_report *report, const char *what)
{
	kapi_fail("check: %s", what);
}

static int check_call(struct world *w)
{
	struct shard_check_report report = { .damage = check_found };
	struct shard_options options = w->config.options;
	struct shard_device *device;
	int err;

	options.read_only = true;
	sim_disk_start(w->disk);
	err = shard_device_open(&w->disk->backend, &options, &device);
	if (err)
		return err;
	err = shard_check(device, true, &report);
	shard_device_close(device);
	return err;
}

void world_check(struct world *w)
{
	int err;

	if (w->config.uncounted)
		return;
	err = check_call(w);
	if (err)
		kapi_fail("check returned %d", err);
}
