// SPDX-License-Identifier: GPL-2.0-only
/*
 * Is the disk model as free, and as strict, as it says?
 *
 * Each case runs on its own machine, for many seeds where it must show that
 * something can happen; a few must fail with a message that contains a text.
 */
#include <stdlib.h>
#include <unistd.h>
#include "sim.h"
#include "states.h"

#define EXPECT(cond)							\
	do {								\
		if (!(cond))						\
			kapi_fail("%s: %s", __kapi_at, #cond);		\
	} while (0)

#define EXTENT	8192u

static struct sim sim;
static struct sim_disk *disk;
static struct sim_snapshot snapshot, state;
static struct sim_states states, inner;
static u32 seen;		/* bits that a case collects over seeds */

/* --- a little engine --- */

struct op {
	struct shard_io io;
	struct shard_seg seg;
	struct completion done;
	u8 data[4 * SIM_SECTOR];
};

static void op_done(struct shard_io *io)
{
	complete(&container_of(io, struct op, io)->done);
}

static void start(struct op *op, enum shard_io_op what, u64 offset, u32 len,
		  int fill)
{
	op->seg = (struct shard_seg){ .addr = op->data, .len = sizeof(op->data) };
	op->io = (struct shard_io){
		.op = what, .offset = offset, .len = len, .segs = &op->seg,
		.done = op_done,
	};
	if (fill >= 0)
		memset(op->data, fill, sizeof(op->data));
	init_completion(&op->done);
	disk->backend.ops->submit(&disk->backend, &op->io);
}

static int finish(struct op *op)
{
	wait_for_completion(&op->done);
	return op->io.error;
}

static int perform(enum shard_io_op what, u64 offset, u32 len, int fill)
{
	struct op op;

	start(&op, what, offset, len, fill);
	return finish(&op);
}

static int append(u64 offset, u32 nr_sectors, int fill)
{
	return perform(SHARD_IO_APPEND, offset, nr_sectors * SIM_SECTOR, fill);
}

static int at(u64 offset)
{
	u8 sector[SIM_SECTOR];

	sim_disk_peek(disk, offset, sector, SIM_SECTOR);
	EXPECT(!memchr_inv(sector, sector[0], SIM_SECTOR));
	return sector[0];
}

static void cut_power(void)
{
	sim_disk_power_off(disk);
	kapi_crash();
	sim_disk_settle(disk);
	sim_disk_start(disk);
}

/* Which of the first three sectors hold 7; the others must be blank. */
static u32 survivors(void)
{
	u32 mask = 0, i;

	for (i = 0; i < 3; i++) {
		EXPECT(at(i * SIM_SECTOR) == 7 || at(i * SIM_SECTOR) == 0);
		mask |= (at(i * SIM_SECTOR) == 7) << i;
	}
	return mask;
}

/* --- cases --- */

static void any_subset_survives(void *arg)
{
	append(0, 3, 7);
	EXPECT(survivors() == 7);
	cut_power();
	seen |= BIT(survivors());
}

static void any_subset_of_what_is_in_flight(void *arg)
{
	struct op op;

	start(&op, SHARD_IO_APPEND, 0, 3 * SIM_SECTOR, 7);
	cut_power();
	seen |= BIT(survivors());
}

static void flushed_survives(void *arg)
{
	append(0, 3, 7);
	EXPECT(!perform(SHARD_IO_FLUSH, 0, 0, -1));
	append(4 * SIM_SECTOR, 1, 9);
	cut_power();
	EXPECT(survivors() == 7);
	seen |= at(4 * SIM_SECTOR) == 9 ? 1 : 2;
}

static void flush_covers_only_what_was_completed(void *arg)
{
	struct op write, flush;

	start(&write, SHARD_IO_APPEND, 0, 3 * SIM_SECTOR, 7);
	start(&flush, SHARD_IO_FLUSH, 0, 0, -1);
	finish(&write);
	finish(&flush);
	cut_power();
	seen |= BIT(survivors());
}

static void fua_survives(void *arg)
{
	struct op op = { .data = { 0 } };

	append(3 * SIM_SECTOR, 1, 1);
	memset(op.data, 7, sizeof(op.data));
	op.seg = (struct shard_seg){ .addr = op.data, .len = sizeof(op.data) };
	op.io = (struct shard_io){ .op = SHARD_IO_APPEND, .fua = true,
		.len = 3 * SIM_SECTOR, .segs = &op.seg, .done = op_done };
	init_completion(&op.done);
	disk->backend.ops->submit(&disk->backend, &op.io);
	finish(&op);
	cut_power();
	EXPECT(survivors() == 7);
}

static void either_version_survives(void *arg)
{
	append(0, 1, 1);
	append(0, 1, 2);
	cut_power();
	seen |= BIT(at(0));
}

static void failed_write_may_have_landed(void *arg)
{
	sim_disk_fail_range(disk, 0, EXTENT, BIT(SHARD_IO_APPEND));
	EXPECT(append(0, 3, 7) == -EIO);
	seen |= BIT(survivors());
}

static void failed_flush_may_drop(void *arg)
{
	sim_disk_fail_range(disk, 0, EXTENT, BIT(SHARD_IO_FLUSH));
	append(0, 1, 7);
	EXPECT(perform(SHARD_IO_FLUSH, 0, 0, -1) == -EIO);
	seen |= at(0) == 7 ? 1 : 2;
}

static void completions_reorder(void *arg)
{
	struct op ops[3];
	u32 i, order = 0;

	for (i = 0; i < 3; i++)
		start(&ops[i], SHARD_IO_APPEND, i * SIM_SECTOR, SIM_SECTOR, 7);
	while (!order) {
		kapi_choose(1, 0);
		wait_for_completion(&ops[0].done);
		for (i = 0; i < 3; i++)
			order |= completion_done(&ops[i].done) << i;
		order |= 8;
	}
	finish(&ops[1]);
	finish(&ops[2]);
	seen |= order;
}

static void faults_come_by_choice(void *arg)
{
	disk->faults.write_in = 3;
	disk->faults.read_in = 3;
	disk->faults.sync_in = 3;
	seen |= append(0, 1, 7) ? 1 : 2;
	seen |= perform(SHARD_IO_READ, 0, SIM_SECTOR, -1) ? 4 : 8;
}

static void strike(enum sim_fault fault, u32 in, u64 where)
{
	disk->strike = (struct sim_strike){ .in = in, .fault = fault, .where = where };
}

static void tricks_work(void *arg)
{
	u8 byte;

	append(0, 1, 7);
	strike(SIM_FAULT_LOSE, 1, 0);
	EXPECT(!append(SIM_SECTOR, 1, 7) && at(SIM_SECTOR) == 0);
	strike(SIM_FAULT_STRAY, 2, 3 * SIM_SECTOR);
	EXPECT(!append(SIM_SECTOR, 1, 7) && at(SIM_SECTOR) == 7);
	EXPECT(!append(2 * SIM_SECTOR, 1, 7) && at(3 * SIM_SECTOR) == 7);
	EXPECT(at(2 * SIM_SECTOR) == 0);
	strike(SIM_FAULT_FLIP, 1, 9);
	EXPECT(!append(4 * SIM_SECTOR, 1, 7));
	sim_disk_peek(disk, 4 * SIM_SECTOR + 1, &byte, 1);
	EXPECT(byte == 5);
	sim_disk_flip(disk, 5, 3);
	disk->gone = true;
	EXPECT(append(0, 1, 7) == -ENODEV);
	disk->gone = false;
	EXPECT(!perform(SHARD_IO_READ, 0, SIM_SECTOR, -1));
}

/* Reads do not show the medium; it stays what it was. */
static void struck_reads_work(void *arg)
{
	struct op op;

	append(0, 1, 7);
	strike(SIM_FAULT_STRAY, 1, SIM_SECTOR);
	start(&op, SHARD_IO_READ, 0, SIM_SECTOR, 1);
	EXPECT(!finish(&op) && op.data[5] == 0);
	strike(SIM_FAULT_FLIP, 1, 5 * 8 + 1);
	start(&op, SHARD_IO_READ, 0, SIM_SECTOR, 1);
	EXPECT(!finish(&op) && op.data[4] == 7 && op.data[5] == 5);
	start(&op, SHARD_IO_READ, 0, SIM_SECTOR, 1);
	EXPECT(!finish(&op) && op.data[5] == 7);
	strike(SIM_FAULT_ERROR, 1, 0);
	EXPECT(perform(SHARD_IO_READ, 0, SIM_SECTOR, -1) == -EIO);
	EXPECT(!perform(SHARD_IO_READ, 0, SIM_SECTOR, -1));
	strike(SIM_FAULT_ERRORS, 1, 0);
	EXPECT(perform(SHARD_IO_FLUSH, 0, 0, -1) == -EIO);
	EXPECT(perform(SHARD_IO_FLUSH, 0, 0, -1) == -EIO);
	EXPECT(!perform(SHARD_IO_READ, 0, SIM_SECTOR, -1));
}

/* What is delayed comes last, whatever the choices. */
static void delayed_ones_come_last(void *arg)
{
	struct op ops[3];
	u32 i;

	strike(SIM_FAULT_DELAY, 2, 0);
	for (i = 0; i < 3; i++)
		start(&ops[i], SHARD_IO_READ, 0, SIM_SECTOR, 1);
	finish(&ops[1]);
	EXPECT(completion_done(&ops[0].done) && completion_done(&ops[2].done));
}

static void snapshots_restore(void *arg)
{
	u32 mask = 0, i;

	append(0, 3, 7);
	sim_disk_power_off(disk);
	kapi_crash();
	sim_snapshot_take(&snapshot, disk);
	for (i = 0; i < 200; i++) {
		sim_snapshot_restore(disk, &snapshot);
		EXPECT(sim_disk_nr_undecided(disk) == 3);
		sim_disk_settle(disk);
		mask |= BIT(survivors());
		sim_disk_start(disk);
		EXPECT(!append(64 * SIM_SECTOR, 2, i & 255));
	}
	EXPECT(mask == 0xff);
}

static u32 pointer(u32 zone)
{
	u64 wp;

	EXPECT(!disk->backend.ops->report(&disk->backend, zone * EXTENT, &wp));
	return wp / SIM_SECTOR;
}

static void zones_keep_a_prefix(void *arg)
{
	EXPECT(!append(2 * EXTENT, 1, 7) && !perform(SHARD_IO_FLUSH, 0, 0, -1));
	strike(SIM_FAULT_STRAY, 1, 2 * EXTENT);
	EXPECT(!append(3 * EXTENT, 1, 9) && at(2 * EXTENT) == 9);
	EXPECT(!append(0, 1, 7) && !append(SIM_SECTOR, 2, 7));
	EXPECT(pointer(0) == 3);
	strike(SIM_FAULT_LOSE, 2, 0);
	EXPECT(!append(EXTENT, 1, 7) && !perform(SHARD_IO_RESET, EXTENT, EXTENT, -1));
	EXPECT(pointer(1) == 1 && append(EXTENT, 1, 9) == -EIO && at(EXTENT) == 7);
	cut_power();
	seen |= BIT(survivors());
	EXPECT(survivors() == BIT(pointer(0)) - 1 && pointer(2) == 1);
}

static void huge_disks_are_sparse(void *arg)
{
	u64 far = (1ULL << 50) - EXTENT;
	int i;

	for (i = 0; i < 16; i++)
		EXPECT(!append(far + i * SIM_SECTOR, 1, i));
	for (i = 0; i < 3000; i++)
		EXPECT(!append((u64)i << 37, 1, 7));
	EXPECT(at(far + 15 * SIM_SECTOR) == 15 && at(77ULL << 37) == 7);
	EXPECT(at(1ULL << 49 | EXTENT) == 0);
}

static void rules_allow(void *arg)
{
	EXPECT(!append(4 * EXTENT, 2, 1));
	EXPECT(!append(4 * EXTENT + 2 * SIM_SECTOR, 2, 1));
	EXPECT(!append(0, 2, 1));
	sim_disk_start(disk);
	EXPECT(!append(SIM_SECTOR, 1, 1));
	EXPECT(!append(2 * SIM_SECTOR, 1, 1));
	EXPECT(!perform(SHARD_IO_RESET, 4 * EXTENT, EXTENT, -1));
	EXPECT(!append(4 * EXTENT, 4, 1));
}

static void overwrite(void *arg)
{
	append(4 * EXTENT, 2, 1);
	append(4 * EXTENT, 2, 1);
}

static void skip(void *arg)
{
	append(4 * EXTENT + SIM_SECTOR, 2, 1);
}

static void cross(void *arg)
{
	u32 i;

	for (i = 0; i < 15; i++)
		append(4 * EXTENT + i * SIM_SECTOR, 1, 1);
	append(4 * EXTENT + i * SIM_SECTOR, 2, 1);
}

static void after_failure(void *arg)
{
	sim_disk_fail_range(disk, 4 * EXTENT, 1, BIT(SHARD_IO_APPEND));
	append(4 * EXTENT, 2, 1);
	append(4 * EXTENT + 2 * SIM_SECTOR, 2, 1);
}

static void after_start(void *arg)
{
	append(4 * EXTENT, 2, 1);
	sim_disk_start(disk);
	append(4 * EXTENT + 2 * SIM_SECTOR, 2, 1);
}

static void before_reset_is_done(void *arg)
{
	struct op op;

	start(&op, SHARD_IO_RESET, 4 * EXTENT, EXTENT, -1);
	append(4 * EXTENT, 2, 1);
}

static void reset_under_write(void *arg)
{
	struct op op;

	start(&op, SHARD_IO_APPEND, 4 * EXTENT, SIM_SECTOR, 1);
	perform(SHARD_IO_RESET, 4 * EXTENT, EXTENT, -1);
}

static void misaligned(void *arg)
{
	perform(SHARD_IO_READ, 100, SIM_SECTOR, -1);
}

/* --- crash states --- */

#define NR_SECTORS	4
#define NR_RESULTS	64

/* Four sectors, one of them written twice, one still in flight: 2 3 2 2. */
static void open_four(struct op *op)
{
	append(0, 3, 1);
	append(SIM_SECTOR, 1, 2);
	start(op, SHARD_IO_APPEND, 3 * SIM_SECTOR, SIM_SECTOR, 1);
	sim_disk_power_off(disk);
	kapi_crash();
}

/* Two zones, each with a durable sector; in one a reset is in flight: 3 3. */
static void open_zones(struct op *ops)
{
	append(0, 1, 1);
	append(EXTENT, 1, 1);
	perform(SHARD_IO_FLUSH, 0, 0, -1);
	append(SIM_SECTOR, 1, 2);
	append(EXTENT + SIM_SECTOR, 1, 2);
	start(&ops[0], SHARD_IO_APPEND, 2 * SIM_SECTOR, SIM_SECTOR, 2);
	start(&ops[1], SHARD_IO_RESET, EXTENT, EXTENT, -1);
	sim_disk_power_off(disk);
	kapi_crash();
}

static void open_some(struct op *ops)
{
	if (disk->config.zone_size)
		open_zones(ops);
	else
		open_four(ops);
}

/* Where the sectors lie whose contents are open. */
static u64 place(u32 i)
{
	static const u8 zoned[NR_SECTORS] = { 1, 2, 16, 17 };

	return (disk->config.zone_size ? zoned[i] : i) * SIM_SECTOR;
}

/* What the sectors hold, as one number. */
static u32 contents(void)
{
	u32 v = 0, i;

	for (i = 0; i < NR_SECTORS; i++)
		v = 3 * v + at(place(i));
	if (disk->config.zone_size) {
		EXPECT(pointer(0) == 1 + !!at(place(0)) + !!at(place(1)));
		EXPECT(pointer(1) == !!at(place(2)) + !!at(place(3)));
	}
	return v;
}

static void states_change_one_sector_at_a_time(void *arg)
{
	u8 was[NR_SECTORS], is;
	bool found[81] = { 0 };
	u32 nr = 0, changed, i;
	struct op op;

	open_four(&op);
	sim_states_begin(&states, disk, false);
	EXPECT(states.total == 24);
	do {
		EXPECT(!found[contents()]);
		found[contents()] = true;
		for (changed = 0, i = 0; i < NR_SECTORS; i++) {
			is = at(i * SIM_SECTOR);
			changed += nr && is != was[i];
			was[i] = is;
		}
		EXPECT(changed == !!nr++);
	} while (sim_states_next(&states));
	EXPECT(states.nr_run == 24 && !states.nr_pruned && nr == 24);
	sim_states_end(&states);
}

/* All streams of choices to settle by give those states and no others. */
static void states_are_what_settling_gives(void *arg)
{
	bool found[81] = { 0 }, settled[81] = { 0 };
	struct op ops[2];

	open_some(ops);
	sim_snapshot_take(&snapshot, disk);
	sim_choices_odometer(&sim.choices, BIT_ULL(SIM_CHOOSE_CRASH) |
			     BIT_ULL(SIM_CHOOSE_SURVIVE));
	do {
		sim_snapshot_restore(disk, &snapshot);
		sim_disk_settle(disk);
		settled[contents()] = true;
	} while (sim_choices_next_leaf(&sim.choices));
	sim_snapshot_restore(disk, &snapshot);
	sim_states_begin(&states, disk, false);
	do {
		EXPECT(!found[contents()]);
		found[contents()] = true;
	} while (sim_states_next(&states));
	sim_states_end(&states);
	EXPECT(!memcmp(found, settled, sizeof(found)));
}

/* Reads sectors, which ones depends on what it read; may write or ask, too. */
static u32 reader(u64 how)
{
	u64 h = how;
	u8 sector[SIM_SECTOR];
	struct op op;
	u32 i;

	for (i = 0; i < NR_SECTORS && h % 8; i++) {
		u64 offset = place(h / 8 % NR_SECTORS);

		perform(SHARD_IO_READ, offset, SIM_SECTOR, -1);
		sim_disk_peek(disk, offset, sector, SIM_SECTOR);
		h = (h ^ sector[0]) * 0x9e3779b97f4a7c15ULL;
		h ^= h >> 29;
	}
	if (h / 64 % 2 && disk->config.zone_size) {
		h ^= pointer(h / 8 % 2) * 0x9e3779b97f4a7c15ULL;
	} else if (h / 64 % 2) {
		start(&op, SHARD_IO_APPEND, h / 8 % NR_SECTORS * SIM_SECTOR,
		      SIM_SECTOR, 2);
		finish(&op);
	}
	return h / 128 % NR_RESULTS;
}

/* How many states give each result. */
static void count_results(u64 how, bool prune, u32 *results)
{
	u64 before;
	u32 result;
	bool more;

	sim_snapshot_restore(disk, &snapshot);
	sim_states_begin(&states, disk, prune);
	do {
		sim_snapshot_take(&state, disk);
		result = reader(how);
		sim_snapshot_restore(disk, &state);
		before = states.nr_run + states.nr_pruned;
		more = sim_states_next(&states);
		results[result] += states.nr_run + states.nr_pruned - before;
	} while (more);
	EXPECT(states.nr_run + states.nr_pruned == states.total);
	sim_states_end(&states);
}

static void pruned_states_are_alike(void *arg)
{
	u64 how, nr_pruned = 0;
	struct op ops[2];

	open_some(ops);
	sim_snapshot_take(&snapshot, disk);
	for (how = 0; how < 300; how++) {
		u32 all[NR_RESULTS] = { 0 }, pruned[NR_RESULTS] = { 0 };

		count_results(how * 77, false, all);
		count_results(how * 77, true, pruned);
		nr_pruned += states.nr_pruned;
		EXPECT(!memcmp(all, pruned, sizeof(all)));
	}
	EXPECT(nr_pruned);
}

static void states_have_numbers(void *arg)
{
	u32 by_number[24], nr = 0;
	struct op ops[2];
	u64 i;

	open_some(ops);
	sim_states_begin(&states, disk, false);
	do {
		by_number[states.number] = contents();
		nr++;
	} while (sim_states_next(&states));
	for (i = 0; i < nr; i++) {
		sim_states_enter(&states, i);
		EXPECT(states.number == i && contents() == by_number[i]);
		sim_states_choose(&states, &i);
		EXPECT(states.number == i && contents() == by_number[i]);
	}
	sim_states_end(&states);
}

/* A second cut, in a state that the first may have left, has its own states. */
static void states_have_states(void *arg)
{
	u32 i, nr = 0;
	struct op op;

	open_four(&op);
	sim_states_begin(&states, disk, true);
	for (i = 0; i < states.total; i++) {
		sim_states_enter(&states, i);
		sim_snapshot_take(&state, disk);
		start(&op, SHARD_IO_APPEND, 0, SIM_SECTOR, 2);
		sim_disk_power_off(disk);
		kapi_crash();
		sim_states_begin(&inner, disk, true);
		do {
			perform(SHARD_IO_READ, 0, 2 * SIM_SECTOR, -1);
			seen |= BIT(at(0)) | BIT(4 + at(SIM_SECTOR));
			nr++;
		} while (sim_states_next(&inner));
		EXPECT(!inner.nr_pruned);
		sim_states_end(&inner);
		sim_snapshot_restore(disk, &state);
	}
	EXPECT(nr == 2 * states.total);
	sim_states_end(&states);
}

static void touch_at_random(void *arg)
{
	static u32 turn;
	struct op op;

	open_four(&op);
	sim_states_begin(&states, disk, true);
	do {
		perform(SHARD_IO_READ, turn++ % 2 * SIM_SECTOR, SIM_SECTOR, -1);
	} while (sim_states_next(&states));
}

/* Any choices, of all kinds: for the sources of choices. */
static void history(void *arg)
{
	struct op ops[4];
	u64 random;
	u32 i;

	disk->faults.write_in = 3;
	get_random_bytes(&random, sizeof(random));
	for (i = 0; i < 4; i++)
		start(&ops[i], SHARD_IO_APPEND, i * SIM_SECTOR, SIM_SECTOR,
		      random & 255);
	for (i = 0; i < 4; i++)
		finish(&ops[i]);
	cut_power();
	for (i = 0; i < 4; i++)
		sim_note(&sim.choices, at(i * SIM_SECTOR));
}

/* --- running them --- */

#define PLAIN	{ .capacity = 1 << 20, .volatile_cache = true, .fua = true }
#define RULES	{ .capacity = 1 << 20, .volatile_cache = true, .slow_resets = true, \
		  .extent_size = EXTENT, .super_extents = 4 }
#define ZONED	{ .capacity = 1 << 20, .volatile_cache = true,		\
		  .zone_size = EXTENT }
#define SPARSE	{ .capacity = 1ULL << 50, .sparse = true }
#define NO_CACHE { .capacity = 1 << 20 }

static const struct test_case {
	const char *name;
	void (*fn)(void *arg);
	struct sim_disk_config config;
	u32 expected;		/* bits to be seen */
	const char *failure;
} cases[] = {
#define SEES(fn, config, bits)	{ #fn, fn, config, bits, NULL }
#define FAILS(fn, text)		{ #fn, fn, RULES, 0, text }
	SEES(any_subset_survives, PLAIN, 0xff),
	SEES(any_subset_of_what_is_in_flight, PLAIN, 0xff),
	SEES(any_subset_of_what_is_in_flight, NO_CACHE, 0xff),
	SEES(any_subset_survives, NO_CACHE, 0x80),
	SEES(flushed_survives, PLAIN, 3),
	SEES(flush_covers_only_what_was_completed, PLAIN, 0xff),
	SEES(fua_survives, PLAIN, 0),
	SEES(either_version_survives, PLAIN, 7),
	SEES(failed_write_may_have_landed, PLAIN, 0xff),
	SEES(failed_flush_may_drop, PLAIN, 3),
	SEES(completions_reorder, PLAIN, 0xe),
	SEES(faults_come_by_choice, PLAIN, 0xf),
	SEES(tricks_work, PLAIN, 0),
	SEES(struck_reads_work, PLAIN, 0),
	SEES(delayed_ones_come_last, PLAIN, 0),
	SEES(snapshots_restore, PLAIN, 0),
	SEES(states_change_one_sector_at_a_time, PLAIN, 0),
	SEES(states_are_what_settling_gives, PLAIN, 0),
	SEES(states_are_what_settling_gives, ZONED, 0),
	SEES(pruned_states_are_alike, PLAIN, 0),
	SEES(pruned_states_are_alike, ZONED, 0),
	SEES(states_have_numbers, PLAIN, 0),
	SEES(states_have_numbers, ZONED, 0),
	SEES(states_have_states, PLAIN, 0x77),
	{ "touch_at_random", touch_at_random, PLAIN, 0, "not deterministic" },
	SEES(zones_keep_a_prefix, ZONED, BIT(0) | BIT(1) | BIT(3) | BIT(7)),
	SEES(huge_disks_are_sparse, SPARSE, 0),
	SEES(rules_allow, RULES, 0),
	FAILS(overwrite, "not at the write pointer"),
	FAILS(skip, "not at the write pointer"),
	FAILS(cross, "crosses"),
	FAILS(after_failure, "after a failed append"),
	FAILS(after_start, "not reset since the start"),
	FAILS(before_reset_is_done, "its reset has not completed"),
	FAILS(reset_under_write, "in flight"),
	FAILS(misaligned, "alignment"),
};

static void machine(const struct sim_disk_config *config)
{
	sim_init(&sim);
	disk = sim_disk_create(config, &sim.choices);
	if (!disk)
		kapi_fail("no memory for a disk");
	sim_add_disk(&sim, disk);
}

static bool run_case(const struct test_case *c)
{
	u32 seeds = c->expected ? 1000 : 1, seed;
	const char *failure = NULL;
	bool good;

	seen = 0;
	machine(&c->config);
	for (seed = 0; seed < seeds && !failure; seed++) {
		sim_choices_seed(&sim.choices, seed);
		sim_disk_blank(disk);
		kapi_run(&sim.hooks, c->fn, NULL);
		failure = kapi_failure();
	}
	good = c->failure ? failure && strstr(failure, c->failure) :
	       !failure && seen == c->expected;
	if (!good)
		printf("sim: %s: %s (seen 0x%x)\n", c->name,
		       failure ? failure : "did not fail", seen);
	sim_snapshot_free(&snapshot);
	sim_snapshot_free(&state);
	sim_states_free(&states);
	sim_states_free(&inner);
	sim_destroy(&sim);
	return good;
}

static u64 run_history(void)
{
	sim_disk_blank(disk);
	if (kapi_run(&sim.hooks, history, NULL))
		printf("sim: history: %s\n", kapi_failure());
	return sim.choices.hash;
}

/* A recorded run, replayed from memory and from text, is the same run. */
static bool replays(void)
{
	const struct sim_disk_config config = PLAIN;
	struct sim_record *records = NULL;
	FILE *file = tmpfile();
	bool good = true;
	ssize_t nr;
	u64 hash;
	u32 seed;

	machine(&config);
	sim.choices.recording = true;
	for (seed = 0; seed < 100 && good && file; seed++) {
		sim_choices_seed(&sim.choices, seed);
		hash = run_history();
		sim_choices_list(&sim.choices, sim.choices.records,
				 sim.choices.next);
		good = run_history() == hash;
		rewind(file);
		sim_records_print(file, sim.choices.records, sim.choices.next);
		fflush(file);
		good = good && !ftruncate(fileno(file), ftell(file));
		rewind(file);
		nr = sim_records_read(file, &records);
		sim_choices_list(&sim.choices, records, max_t(ssize_t, nr, 0));
		good = good && nr > 0 && run_history() == hash;
		free(records);
	}
	sim_choices_bytes(&sim.choices, (const u8 *)"any bytes", 9);
	hash = run_history();
	sim_choices_bytes(&sim.choices, (const u8 *)"any bytes", 9);
	good = good && run_history() == hash;
	if (file)
		fclose(file);
	sim_destroy(&sim);
	if (!good)
		printf("sim: a replay differs\n");
	return good;
}

int main(void)
{
	size_t i, nr_failed = 0;

	for (i = 0; i < ARRAY_SIZE(cases); i++)
		nr_failed += !run_case(&cases[i]);
	nr_failed += !replays();
	printf("sim: %zu cases, %zu failed\n", i + 1, nr_failed);
	return nr_failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
