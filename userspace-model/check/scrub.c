// SPDX-License-Identifier: GPL-2.0-only
/*
 * A scrub finds what is damaged, and nothing else.
 *
 * Goal: whatever a read would not give, a page of the index or of the manifest and
 * a record that is bad is found; what is wrong once, what is overwritten meanwhile,
 * and what nothing needs is not.  Method: a bit of each block of the disk is flipped
 * by itself, and what the scrub says is compared with what reads say; then each read
 * of a scrub fails once; then scrubs run beside histories in good health.  That each
 * byte of a record counts, and has the record named, is for rot.c to see.
 */
#include "script.h"
#include "suites.h"

#define ROUNDS	20
#define HELD_YIELDS	2000	/* long enough for as many checkpoints */

static u64 scrub_all(struct world *w)
{
	struct shard_scrub *scrub = shard_scrub_create(w->device);
	u64 nr_damaged;
	int ret;

	if (!scrub)
		kapi_fail("no memory for a scrub");
	while ((ret = shard_scrub_step(scrub)) > 0)
		;
	if (ret)
		kapi_fail("a scrub returned %d", ret);
	nr_damaged = scrub->nr_damaged;
	shard_scrub_destroy(scrub);
	return nr_damaged;
}

static void history(struct world *w)
{
	script_fill(w, 15);
	world_checkpoint(w);
	script_write(w, 3, 5, false);
	script_discard(w, 20, 10);
	world_checkpoint(w);
	script_write(w, 5, 1, false);
	script_flush(w);
}

static u32 nr_unreadable(struct world *w)
{
	u64 stamps[M_BLOCKS_MAX];
	u32 nr = 0, i;

	world_read_stamps(w, stamps);
	for (i = 0; i < w->model.nr_blocks; i++)
		nr += stamps[i] == M_UNREADABLE;
	return nr;
}

/* Each block of the disk rots. */
static void scrub_rot(struct world *w, const struct world_config *config)
{
	u32 nr_data = 0, nr_pages = 0, nr_mapped = 0, i;
	u64 at, found;

	world_begin(w, config);
	history(w);
	for (i = 0; i < w->model.nr_blocks; i++)
		nr_mapped += i < 20 || i >= 30;
	if (scrub_all(w))
		kapi_fail("a scrub found damage where there is none");
	w->sick = true;
	for (at = 0; at < config->disk.capacity; at += SECTOR_SIZE) {
		u32 bad;

		sim_disk_flip(w->disk, at + 99, at / SECTOR_SIZE % 8);
		found = scrub_all(w);
		bad = nr_unreadable(w);
		sim_disk_flip(w->disk, at + 99, at / SECTOR_SIZE % 8);
		if (found > 1 || bad > found)
			kapi_fail("byte %llu rots: %u blocks cannot be read, %llu are found",
				  at, bad, found);
		nr_data += bad;
		nr_pages += found - bad;
	}
	/*
	 * Of what is cached or not needed for reading no read tells: the pages of
	 * both runs, of both manifests, both copies of the record, and what is in
	 * front of the last write.
	 */
	if (nr_data != nr_mapped || nr_pages < 2 + 2 + 2 + 1)
		kapi_fail("%u blocks of %u found, and %u pages", nr_data,
			  nr_mapped, nr_pages);
	if (scrub_all(w))
		kapi_fail("a scrub remembers damage that is gone");
	world_close(w);
}

/* Each read of a scrub gives an error, or a wrong bit, once. */
static void scrub_transient(struct world *w, const struct world_config *config)
{
	static const enum sim_fault faults[] = {
		SIM_FAULT_ERROR, SIM_FAULT_FLIP,
	};
	u32 in, i;

	world_begin(w, config);
	history(w);
	for (i = 0; i < ARRAY_SIZE(faults); i++) {
		bool struck = true;

		for (in = 1; struck; in++) {
			w->disk->strike = (struct sim_strike){
				.in = in, .ops = BIT(SHARD_IO_READ),
				.fault = faults[i], .where = 801,
			};
			if (scrub_all(w))
				kapi_fail("a scrub believes what it saw once");
			struck = !w->disk->strike.in;
			w->disk->strike.in = 0;
		}
		if (in < 4)
			kapi_fail("a scrub does not read");
	}
	world_close(w);
}

static void scrub_fiber(void *arg)
{
	if (scrub_all(arg))
		kapi_fail("a scrub beside writes found damage");
}

/* What is overwritten, given up and used again meanwhile is no damage. */
static void scrub_beside(struct world *w, const struct world_config *config)
{
	struct kapi_fiber *fiber;
	u32 i, k;

	world_begin(w, config);
	history(w);
	for (i = 0; i < ROUNDS; i++) {
		fiber = kapi_spawn("scrub", scrub_fiber, w);
		for (k = 0; k < 3; k++) {
			script_fill(w, 15 - k);
			world_checkpoint(w);
		}
		world_compact(w);
		kapi_join(fiber);
	}
	world_close(w);
}

/* Of a scrub that is done but for the manifest and the record. */
static void copies_fiber(void *arg)
{
	struct shard_scrub *scrub = arg;

	while (shard_scrub_step(scrub) > 0)
		;
}

/* So many that each extent of the manifest is used again. */
static void checkpoints_fiber(void *arg)
{
	struct world *w = arg;
	u32 i;

	for (i = 0; i < ROUNDS; i++)
		if (shard_device_checkpoint(w->device))
			kapi_fail("a checkpoint beside a scrub failed");
}

/* A copy of the manifest is read, for as long as many checkpoints take. */
static void scrub_held(struct world *w, const struct world_config *config)
{
	struct kapi_fiber *scrubber, *checkpointer;
	struct shard_scrub *scrub;
	u32 i;

	world_begin(w, config);
	history(w);
	scrub = shard_scrub_create(w->device);
	if (!scrub)
		kapi_fail("no memory for a scrub");
	scrub->lba = w->info.logical_blocks;
	scrub->run_id = scrub->run_end;
	scrub->log_begun = true;
	scrubber = kapi_spawn("scrub", copies_fiber, scrub);
	for (i = 0; i < HELD_YIELDS && !w->disk->nr_in_flight; i++)
		kapi_yield();
	world_hold(w);
	checkpointer = kapi_spawn("checkpoints", checkpoints_fiber, w);
	for (i = 0; i < HELD_YIELDS; i++)
		kapi_yield();
	world_let_go(w);
	kapi_join(scrubber);
	kapi_join(checkpointer);
	if (scrub->nr_damaged || scrub->nr_copies != 2 + 2)
		kapi_fail("%llu damaged of %u copies", scrub->nr_damaged,
			  scrub->nr_copies);
	shard_scrub_destroy(scrub);
	world_close(w);
}

void check_scrub(struct world *w)
{
	struct world_config config;

	history_config(&config, false, false);
	scrub_rot(w, &config);
	scrub_transient(w, &config);
	scrub_beside(w, &config);
	scrub_held(w, &config);
}
