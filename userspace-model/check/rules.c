// SPDX-License-Identifier: GPL-2.0-only
/*
 * The ordering rules of docs/ORDERING.md, one test each.
 *
 * Random histories come by most of what is done here; these are the shortest
 * histories in which a rule is all that stands between an event and a broken
 * promise, crashed after every event of them.  The disk model refuses what
 * O1, O5 and P4 forbid, whoever runs on it.  O9 is asked in rule_moves.c.
 */
#include "script.h"
#include "shardblk_format.h"
#include "suites.h"

#define TRIES	4	/* crashes at each event */
#define O7_YIELDS 100	/* long enough for everything that can happen */
#define ROUNDS	20	/* of what is not swept */
#define O6_RECORDS 16	/* of a superblock extent */
#define O13_CHECKPOINTS 32 /* then every extent has been written before */
#define O13_SPARE 10 /* extents: single blocks take twice the room */
#define O13_LOST 16 /* further ones, before something is lost */
#define O13_OPERATIONS 9 /* of a write and a checkpoint, up to its pages */
#define O12_EXTENTS 120	/* far more than a record names */

static void small(struct world_config *config)
{
	history_config(config, false, false);
}

/* Everything is written often enough for every extent to be used again. */
static void turnover(struct world *w)
{
	u32 i;

	for (i = 0; i < 4 && !w->cut; i++) {
		script_fill(w, 13);
		world_checkpoint(w);
		world_compact(w);
		script_flush(w);
	}
}

/*
 * An extent that failed is not used again, however often all others are and
 * through starts, until an operator wants it to be tried.
 */
static void o1_bad(struct world *w, struct world_config config)
{
	u64 size = config.format.extent_size;
	u32 i;

	config.disk.capacity += 2 * size;
	world_begin(w, &config);
	turnover(w);
	w->disk->strike = (struct sim_strike){
		.in = 1, .ops = BIT(SHARD_IO_APPEND), .fault = SIM_FAULT_ERROR,
	};
	script_write(w, 0, 1, false);
	world_checkpoint(w);
	sim_disk_fail_range(w->disk, w->disk->strike.offset / size * size, size,
			    BIT(SHARD_IO_APPEND));
	for (i = 0; i < 3; i++) {
		turnover(w);
		world_restart(w);
		if (w->info.bad_extents != 1)
			kapi_fail("O1: %u bad extents", w->info.bad_extents);
	}
	if (w->disk->counts.errors[SHARD_IO_APPEND] != 1)
		kapi_fail("O1: an extent that failed was written again");
	w->disk->nr_ranges = 0;
	world_close(w);
	w->retry_bad = true;
	if (world_open(w))
		kapi_fail("O1: bad extents were tried, and the start failed");
	turnover(w);
	world_restart(w);
	if (w->info.bad_extents)
		kapi_fail("O1: an extent is bad for ever");
	world_close(w);
}

/* O1: after a failed append nothing goes behind it, before or after a start. */
void check_o1(struct world *w)
{
	struct world_config config;
	u32 i, k;

	small(&config);
	o1_bad(w, config);
	config.options.frames_in_flight = WORLD_SLOTS;
	for (i = 0; i < ROUNDS; i++) {
		world_begin(w, &config);
		script_write(w, 0, 4, true);
		w->sick = true;
		w->disk->faults.write_in = 2;
		for (k = 0; k < WORLD_SLOTS; k++) {
			world_submit(w, SHARD_WRITE, 4 * k, 3, false);
			world_commit(w);
		}
		world_wait_all(w);
		world_heal(w);
		world_restart(w);
		script_write(w, 8, 4, true);
		world_recover(w);
		world_close(w);
	}
}

/* Which append from here on fails.  Whether it lands is drawn. */
static u32 o2_fails;

/* Nobody may be told of it: the world is in good health. */
static void o2_failing(struct world *w)
{
	u32 i;

	script_write(w, 40, 3, true);
	w->disk->strike = (struct sim_strike){
		.in = o2_fails, .ops = BIT(SHARD_IO_APPEND),
		.fault = SIM_FAULT_ERROR,
	};
	for (i = 0; i < WORLD_SLOTS && !w->cut; i++) {
		world_submit(w, SHARD_WRITE, 2 * i, 3, i == WORLD_SLOTS - 1);
		world_commit(w);
	}
	if (!w->cut)
		world_wait_all(w);
	script_write(w, 3, 2, false);
	script_flush(w);
	script_write(w, 0, 1, true);
}

/*
 * A frame that failed is written again with all behind it, and the power fails
 * at any event of that: whatever was acknowledged and flushed is there.
 */
static void o2_written_again(struct world *w, struct world_config *config)
{
	config->options.memtable_entries = 64;
	config->options.checkpoint_frames = 64;
	config->options.frames_in_flight = WORLD_SLOTS;
	for (o2_fails = 1; o2_fails <= WORLD_SLOTS; o2_fails++)
		script_sweep(w, config, o2_failing, TRIES);
	config->disk.fua = true;
	for (o2_fails = 1; o2_fails <= WORLD_SLOTS; o2_fails++)
		script_sweep(w, config, o2_failing, 1);
}

/* O2: numbers are consecutive, and acknowledged in their order. */
void check_o2(struct world *w)
{
	struct world_slot *slots[WORLD_SLOTS], *a, *b;
	struct world_config config;
	u32 i, k;

	small(&config);
	config.options.memtable_entries = 64;
	for (i = 0; i < ROUNDS; i++) {
		world_begin(w, &config);
		for (k = 0; k < WORLD_SLOTS; k++) {
			slots[k] = world_submit(w, SHARD_WRITE, k, 1, false);
			world_commit(w);
		}
		world_wait_all(w);
		for (k = 1; k < WORLD_SLOTS; k++) {
			a = slots[k - 1];
			b = slots[k];
			if (b->request.seq != a->request.seq + 1)
				kapi_fail("O2: %llu follows %llu",
					  b->request.seq, a->request.seq);
			if (b->done_at <= a->done_at)
				kapi_fail("O2: acknowledged out of order");
		}
		world_close(w);
	}
	o2_written_again(w, &config);
}

static void o3_history(struct world *w)
{
	script_write(w, 0, 2, false);
	script_flush(w);
	script_write(w, 1, 2, true);
	script_write(w, 0, 1, false);
	script_write(w, 8, 1, true);
	script_discard(w, 0, 3);
	script_flush(w);
	script_write(w, 2, 1, false);
}

/* A flush fails and takes the cache with it: no success after that. */
static void o3_failed_flush(struct world *w, const struct world_config *config)
{
	u32 i;

	for (i = 0; i < ROUNDS; i++) {
		world_begin(w, config);
		script_write(w, 0, 2, true);
		script_write(w, 0, 1, false);
		script_fail(w, SHARD_IO_FLUSH);
		script_flush(w);
		world_heal(w);
		script_flush(w);
		script_write(w, 1, 1, true);
		script_read_all(w);
		world_restart(w);
		world_close(w);
	}
}

/*
 * A flush fails while a FUA append is in flight.  What that append wrote may be
 * gone with the rest of the cache, whatever it reports.
 */
static void o3_fua_beside(struct world *w, const struct world_config *config)
{
	u32 i;

	for (i = 0; i < ROUNDS; i++) {
		world_begin(w, config);
		script_write(w, 0, 1, true);
		world_submit(w, SHARD_WRITE, 0, 1, true);
		world_commit(w);
		world_hold(w);
		world_submit(w, SHARD_WRITE, 4, 1, false);
		world_commit(w);
		kapi_yield();
		script_fail(w, SHARD_IO_FLUSH);
		script_flush(w);
		world_let_go(w);
		world_wait_all(w);
		world_recover(w);
		world_close(w);
	}
}

/* O3: acknowledged flushes and FUA writes are durable, whatever the disk. */
void check_o3(struct world *w)
{
	struct world_config config;

	small(&config);
	script_sweep(w, &config, o3_history, TRIES);
	o3_failed_flush(w, &config);
	config.disk.fua = true;
	script_sweep(w, &config, o3_history, TRIES);
	o3_failed_flush(w, &config);
	config.options.frames_in_flight = WORLD_SLOTS;
	o3_fua_beside(w, &config);
	config.disk.volatile_cache = false;
	config.disk.fua = false;
	script_sweep(w, &config, o3_history, TRIES);
}

static void o4_history(struct world *w)
{
	script_write(w, 0, 3, false);
	script_write(w, 20, 1, false);
	world_checkpoint(w);
	script_write(w, 1, 1, false);
	script_discard(w, 20, 1);
	world_checkpoint(w);
	script_write(w, 2, 1, true);
}

/* O4: a record never comes before what it needs. */
void check_o4(struct world *w)
{
	struct world_config config;

	small(&config);
	script_sweep(w, &config, o4_history, TRIES);
}

/* O5: an extent is written only once a record that assigns it is durable. */
void check_o5(struct world *w)
{
	struct world_config config;

	small(&config);
	config.disk.slow_resets = true;
	script_sweep(w, &config, turnover, 1);
}

static void o6_history(struct world *w)
{
	u32 i;

	script_fill(w, 15);
	script_flush(w);
	for (i = 0; i < 3 && !w->cut; i++) {
		script_discard(w, 0, w->model.nr_blocks);
		world_checkpoint(w);
		script_write(w, 4 * i, 15, false);
		script_write(w, 30, 15, false);
		script_write(w, 45, 15, false);
	}
	script_flush(w);
}

static void fail_copy(struct world *w, u32 copy)
{
	u64 size = w->config.format.extent_size;

	sim_disk_fail_range(w->disk, copy * size, size, BIT(SHARD_IO_READ));
	sim_disk_fail_range(w->disk, (copy + SHARDBLK_SUPER_COPIES) * size,
			    size, BIT(SHARD_IO_READ));
}

/* So many records that both copies go over to their other extents, and back. */
static void o6_turns(struct world *w)
{
	u32 i;

	for (i = 0; i < 2 * O6_RECORDS && !w->cut; i++) {
		script_write(w, i % 8, 1, true);
		world_checkpoint(w);
	}
}

/*
 * The power fails, and one copy of the superblock cannot be read: the other one
 * must have the newest record, also while a copy turns.  On a zoned disk, where
 * a reset leaves nothing.
 */
static void o6_one_copy(struct world *w, struct world_config *config)
{
	struct sim_snapshot image = { 0 };
	bool ended = false;
	u32 cut_in, i;

	config->disk.zone_size = config->format.extent_size;
	for (cut_in = 1; !ended; cut_in++) {
		world_begin(w, config);
		w->cut_in = cut_in;
		o6_turns(w);
		ended = !w->cut;
		world_crash(w, false);
		sim_snapshot_take(&image, w->disk);
		for (i = 0; i < SHARDBLK_SUPER_COPIES; i++) {
			sim_snapshot_restore(w->disk, &image);
			fail_copy(w, i);
			if (world_open(w))
				kapi_fail("O6: one copy does not suffice");
			world_compare(w, w->model.must);
			world_close(w);
			world_heal(w);
		}
	}
	sim_snapshot_free(&image);
}

/* No extent that holds pages of a copy of the manifest can be read. */
static void fail_manifest(struct world *w, u32 copy)
{
	u64 size = w->config.format.extent_size, at;
	struct shardblk_manifest page;

	for (at = SHARDBLK_SUPER_EXTENTS * size; at < w->config.disk.capacity;
	     at += SECTOR_SIZE) {
		sim_disk_peek(w->disk, at, &page, sizeof(page));
		if (le32_to_cpu(page.h.magic) != SHARDBLK_MANIFEST_MAGIC ||
		    le32_to_cpu(page.copy) != copy)
			continue;
		at -= at % size;
		sim_disk_fail_range(w->disk, at, size, BIT(SHARD_IO_READ));
		at += size - SECTOR_SIZE;
	}
}

/*
 * A copy of the manifest cannot be read at a start, and can at the next one,
 * where the other one cannot: the power fails at any event in between.
 */
static void o6_one_manifest(struct world *w, struct world_config *config)
{
	bool ended = false;
	u32 cut_in, copy;

	config->disk.zone_size = config->format.extent_size;
	for (cut_in = 1; !ended; cut_in++) {
		for (copy = 0; copy < SHARDBLK_MANIFEST_COPIES; copy++) {
			world_begin(w, config);
			o4_history(w);
			world_close(w);
			fail_manifest(w, copy);
			w->cut_in = cut_in;
			world_open(w);
			/* runs may be written to where old manifests were */
			world_heal(w);
			script_write(w, 0, 1, true);
			world_checkpoint(w);
			ended = !w->cut;
			world_crash(w, false);
			world_heal(w);
			fail_manifest(w, copy ^ 1);
			if (world_open(w))
				kapi_fail("O6: one manifest does not suffice");
			world_compare(w, w->model.must);
			world_heal(w);
			world_close(w);
		}
	}
}

/* O6: an extent is reset only when no durable record needs it any more. */
void check_o6(struct world *w)
{
	struct world_config config;

	small(&config);
	script_sweep(w, &config, o6_history, 1);
	o6_one_copy(w, &config);
	o6_one_manifest(w, &config);
}

/*
 * O7: an extent is reset only when no reader is left in it.  A read is held at
 * the disk while what it reads is discarded and space becomes scarce; writes
 * may wait for it then.
 */
void check_o7(struct world *w)
{
	struct world_config config;
	u32 i, k;

	small(&config);
	for (i = 0; i < ROUNDS; i++) {
		world_begin(w, &config);
		script_write(w, 0, 15, false);
		world_checkpoint(w);
		script_read_all(w);
		world_submit(w, SHARD_READ, 0, 15, false);
		world_hold(w);
		script_discard(w, 0, 15);
		world_checkpoint(w);
		world_compact(w);
		for (k = 0; k < 3; k++)
			script_write(w, 15 * k, 15, false);
		for (k = 0; k < WORLD_SLOTS - 1; k++) {
			world_submit(w, SHARD_WRITE, 15 * (k % 3), 15, false);
			world_commit(w);
		}
		for (k = 0; k < O7_YIELDS; k++)
			kapi_yield();
		world_let_go(w);
		world_wait_all(w);
		world_close(w);
	}
}

/*
 * The kernel dies, the disk keeps its cache.  What the next start found there
 * is what a FUA write after it builds on: the power cut then must not take it.
 */
static void o8_only_kernel(struct world *w, const struct world_config *config)
{
	u32 i;

	for (i = 0; i < ROUNDS; i++) {
		world_begin(w, config);
		script_write(w, 0, 3, false);
		world_crash(w, true);
		if (world_open(w))
			kapi_fail("open failed after a crash");
		script_read_all(w);
		script_write(w, 8, 1, true);
		world_recover(w);
		world_close(w);
	}
}

/*
 * Of a crash at each event of a history one copy of the superblock cannot be
 * read at the next start, and can again at the one after that: what comes to
 * light then is older than what the first of them did.
 */
static void o8_unreadable(struct world *w, const struct world_config *config)
{
	bool ended = false;
	u32 cut_in, copy;

	for (cut_in = 1; !ended; cut_in++) {
		for (copy = 0; copy < SHARDBLK_SUPER_COPIES; copy++) {
			world_begin(w, config);
			w->cut_in = cut_in;
			o4_history(w);
			ended = !w->cut;
			world_crash(w, false);
			fail_copy(w, copy);
			if (world_open(w))
				kapi_fail("O8: one copy does not suffice");
			world_compare(w, w->model.must);
			script_write(w, 0, 2, true);
			world_heal(w);
			world_recover(w);
			world_close(w);
		}
	}
}

/*
 * O8: a crash at each event of a start, and of the start after that one,
 * leaves what a crash before them could have left.
 */
void check_o8(struct world *w)
{
	struct world_config config;
	bool ended = false;
	u32 cut_in;

	small(&config);
	o8_only_kernel(w, &config);
	config.disk.fua = true;
	o8_only_kernel(w, &config);
	o8_unreadable(w, &config);
	for (cut_in = 1; !ended; cut_in++) {
		world_begin(w, &config);
		o3_history(w);
		world_checkpoint(w);
		script_write(w, 0, 2, true);
		script_write(w, 5, 2, false);
		world_crash(w, false);
		w->cut_in = cut_in;
		if (world_open(w))
			kapi_fail("open failed after a crash");
		ended = !w->cut;
		w->cut_in = 0;
		world_recover(w);
		world_close(w);
	}
}

/* Opens what a clean stop left, compares it, and stops again. */
static void o10_open(struct world *w, const char *what)
{
	int err = world_open(w);

	if (err)
		kapi_fail("O10: open returned %d with %s", err, what);
	world_compare(w, w->model.must);
	world_close(w);
}

/*
 * Each block of the superblock rots.  Of a zone the end is known all the same,
 * and the next record goes there.
 */
static void o10_rot(struct world *w, const struct world_config *config,
		    struct sim_snapshot *image)
{
	u32 extent, i;

	world_begin(w, config);
	o4_history(w);
	world_close(w);
	sim_snapshot_take(image, w->disk);
	for (extent = 0; extent < SHARDBLK_SUPER_EXTENTS; extent++) {
		for (i = 0; i < 16; i++) {
			sim_snapshot_restore(w->disk, image);
			sim_disk_flip(w->disk, extent * config->format.extent_size +
				      i * SECTOR_SIZE + 100, i % 8);
			o10_open(w, "a rotten superblock");
		}
	}
}

/*
 * O10: a record is in two copies.  One of them may rot or be unreadable, in
 * each of its blocks; with none of them whole a start refuses.
 */
/*
 * One extent of each copy cannot be read: wherever the newest record is that
 * can be, a newer one may be hidden.
 */
static void o10_blind(struct world *w, const struct world_config *config,
		      struct sim_snapshot *image)
{
	u64 size = config->format.extent_size;
	u32 i;

	for (i = 0; i < SHARDBLK_SUPER_EXTENTS; i++) {
		sim_snapshot_restore(w->disk, image);
		w->sick = true;
		sim_disk_fail_range(w->disk, i / 2 * 2 * size, size,
				    BIT(SHARD_IO_READ));
		sim_disk_fail_range(w->disk, (i % 2 * 2 + 1) * size, size,
				    BIT(SHARD_IO_READ));
		if (!world_open(w))
			kapi_fail("O10: opened though of no copy all could be read");
		world_heal(w);
		o10_open(w, "all copies readable again");
	}
}

void check_o10(struct world *w)
{
	struct sim_snapshot image = { 0 };
	struct world_config config;
	u32 i;

	small(&config);
	config.disk.zone_size = config.format.extent_size;
	o10_rot(w, &config, &image);
	sim_snapshot_free(&image);
	image = (struct sim_snapshot){ 0 };
	config.disk.zone_size = 0;
	o10_rot(w, &config, &image);
	for (i = 0; i < SHARDBLK_SUPER_COPIES; i++) {
		sim_snapshot_restore(w->disk, &image);
		fail_copy(w, i);
		o10_open(w, "one copy unreadable");
		world_heal(w);
		o10_open(w, "that copy readable again");
	}
	sim_snapshot_restore(w->disk, &image);
	fail_copy(w, 0);
	fail_copy(w, 1);
	if (!world_open(w))
		kapi_fail("O10: opened with no copy readable");
	world_heal(w);
	o10_open(w, "both copies readable again");
	o10_blind(w, &config, &image);
	sim_snapshot_free(&image);
}

/* O11: what cannot be read fails the read; nothing older is given instead. */
void check_o11(struct world *w)
{
	struct world_config config;
	u64 size, nr_errors = 0;
	u32 extent;

	small(&config);
	size = config.format.extent_size;
	for (extent = SHARDBLK_SUPER_EXTENTS; extent < HISTORY_EXTENTS;
	     extent++) {
		world_begin(w, &config);
		script_fill(w, 1);
		world_checkpoint(w);
		script_fill(w, 2);
		script_discard(w, 3, 9);
		world_checkpoint(w);
		script_write(w, 5, 1, false);
		world_restart(w);
		w->sick = true;
		sim_disk_fail_range(w->disk, extent * size, size,
				    BIT(SHARD_IO_READ));
		script_read_all(w);
		nr_errors += w->disk->counts.errors[SHARD_IO_READ];
		world_heal(w);
		script_read_all(w);
		world_close(w);
	}
	if (!nr_errors)
		kapi_fail("O11: no read ever failed");
}

/*
 * Records name few extents of such small blocks.  Data that takes one extent
 * with each request must not use up what a checkpoint needs to be named.
 */
static void o12_records(struct world *w, struct world_config config)
{
	u32 i;

	config.format.logical_size = 6 * config.format.logical_size;
	config.disk.capacity = O12_EXTENTS * config.format.extent_size;
	config.options.memtable_entries = 64;
	config.options.checkpoint_frames = 0;
	world_begin(w, &config);
	w->nr_refused = 0;
	for (i = 0; i < ROUNDS; i++)
		script_fill(w, 15 - i % 3);
	if (w->nr_refused)
		kapi_fail("O12: no space on a device with space");
	world_restart(w);
	world_compare(w, w->model.must);
	world_close(w);
}

/*
 * O12: a full device still reads, takes every discard, and once it is emptied
 * takes writes again; again and again.
 */
void check_o12(struct world *w)
{
	struct world_config config;
	u32 i, k;

	small(&config);
	o12_records(w, config);
	/* twice as large as what it has room for */
	config.format.thin = true;
	config.format.logical_size *= 2;
	world_begin(w, &config);
	for (i = 0; i < ROUNDS; i++) {
		w->nr_refused = 0;
		for (k = 0; k < 4 && !w->nr_refused; k++)
			script_fill(w, 1 + k % 2);
		script_read_all(w);
		for (k = 0; k < w->model.nr_blocks; k++)
			script_discard(w, w->model.nr_blocks - 1 - k, 1);
		w->nr_refused = 0;
		world_checkpoint(w);
		script_write(w, 0, 15, false);
		script_write(w, 15, 15, true);
		if (w->nr_refused)
			kapi_fail("O12: no space on an empty device");
		if (i % 4 == 3)
			world_recover(w);
	}
	world_close(w);
}

/*
 * Appends are lost that were reported as done, when all that they go to has
 * been written before.  What lies there is an older page or frame, whole and
 * with a good checksum: it must not pass for the one that was lost.
 */
static void o13_lost(struct world *w, struct world_config config)
{
	u32 nr, try, i;

	config.disk.capacity += O13_SPARE * config.format.extent_size;
	for (try = 0; try < O13_LOST * O13_OPERATIONS; try++) {
		nr = try / O13_OPERATIONS;
		world_begin(w, &config);
		script_fill(w, 1);
		for (i = 0; i < O13_CHECKPOINTS + nr; i++) {
			script_write(w, i % 64, 1, false);
			world_checkpoint(w);
		}
		w->sick = true;
		w->disk->strike = (struct sim_strike){
			.in = 1 + try % O13_OPERATIONS,
			.fault = SIM_FAULT_LOSE,
		};
		script_write(w, i % 64, 1, false);
		world_checkpoint(w);
		script_read_all(w);
		world_close(w);
	}
}

/* What cannot be read is wiped wherever a superblock could lie. */
static void o13_wiped(struct world *w)
{
	const struct world_config config = {
		.disk = { .capacity = SZ_1G, .block_size = SZ_4K, .sparse = true },
		.format = { .extent_size = SZ_1M }, .nr_blocks = 1,
	};
	/* the last extent of the largest: no smaller ones have theirs there */
	u64 last = (SHARDBLK_SUPER_EXTENTS - 1ull) * SZ_256M, word = 1;

	world_begin(w, &config);
	world_close(w);
	sim_disk_poke(w->disk, last, &word, sizeof(word));
	sim_disk_fail_range(w->disk, SZ_256M, SZ_1M, BIT(SHARD_IO_READ));
	if (shard_format(&w->disk->backend, &config.format))
		kapi_fail("a second format failed");
	world_heal(w);
	sim_disk_peek(w->disk, last, &word, sizeof(word));
	if (word)
		kapi_fail("O13: extents of 256 MiB may have left this");
}

/* O13: nothing of a format before this one is ever taken for part of it. */
void check_o13(struct world *w)
{
	u64 zeros[M_BLOCKS_MAX] = { 0 };
	struct world_config config;
	bool ended = false;
	u32 cut_in;

	small(&config);
	o13_lost(w, config);
	o13_wiped(w);
	for (cut_in = 1; !ended; cut_in++) {
		world_begin(w, &config);
		o6_history(w);
		world_close(w);
		/* a format that is interrupted, then one that is not */
		w->cut_in = cut_in;
		world_format(w);
		ended = !w->cut;
		w->cut_in = 0;
		world_crash(w, false);
		if (world_format(w))
			kapi_fail("format failed");
		m_device_settle(&w->model, zeros);
		if (world_open(w))
			kapi_fail("O13: open failed after a second format");
		world_compare(w, 0);
		/* extents are assigned again, and hold what the first one left */
		world_recover(w);
		o4_history(w);
		world_recover(w);
		world_close(w);
	}
}
