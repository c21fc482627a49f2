// SPDX-License-Identifier: GPL-2.0-only
/*
 * DOC: histories
 *
 * An operation is one request, or one of the things that happen beside them:
 * a checkpoint, a restart, a crash now or soon, a fault.  Requests may be left
 * in flight, uncommitted too, so that several share a frame, and a user may
 * change the buffer of a write meanwhile.
 *
 * What is drawn is biased to where mistakes hide: the same few blocks, the
 * range before, what overlaps or adjoins it, the largest request, the end of
 * the device.
 */
#include "history.h"
#include "extent.h"

const char * const history_op_names[NR_OPS] = {
	[OP_NOTHING] = "nothing",
	[OP_WRITE] = "write",
	[OP_WRITE_FUA] = "write fua",
	[OP_DISCARD] = "discard",
	[OP_DISCARD_FUA] = "discard fua",
	[OP_READ] = "read",
	[OP_FLUSH] = "flush",
	[OP_WAIT] = "wait",
	[OP_CHECKPOINT] = "checkpoint",
	[OP_COMPACT] = "compact",
	[OP_RECLAIM] = "reclaim",
	[OP_RESTART] = "restart",
	[OP_CRASH] = "crash",
	[OP_CRASH_SOON] = "crash soon",
	[OP_FILL] = "fill",
	[OP_FAULT] = "fault",
};

u64 history_pairs[NR_OPS][NR_OPS];
bool history_even;

/* How often each is drawn; faults only where they are wanted. */
static const u8 op_weights[NR_OPS] = {
	[OP_NOTHING] = 1,
	[OP_WRITE] = 83,
	[OP_WRITE_FUA] = 14,
	[OP_DISCARD] = 20,
	[OP_DISCARD_FUA] = 4,
	[OP_READ] = 31,
	[OP_FLUSH] = 18,
	[OP_WAIT] = 6,
	[OP_CHECKPOINT] = 10,
	[OP_COMPACT] = 4,
	[OP_RECLAIM] = 4,
	[OP_RESTART] = 3,
	[OP_CRASH] = 1,
	[OP_CRASH_SOON] = 3,
	[OP_FILL] = 2,
	[OP_FAULT] = 6,
};

static u32 nr_kinds(const struct world *w)
{
	return w->config.faults ? NR_OPS : OP_FAULT;
}

static u32 weights_sum(const struct world *w)
{
	u32 sum = 0, op;

	for (op = 0; op < nr_kinds(w); op++)
		sum += w->config.weights[op];
	return sum;
}

/* A range of blocks. */
struct range {
	u32 lba;
	u32 nr;
};

static struct range draw_range(struct world *w, struct range last, bool any)
{
	u32 nr = w->model.nr_blocks, max = w->info.request_blocks_max;
	struct range r = { .nr = 1 };

	if (any)
		max = nr;
	if (history_even) {
		r.lba = world_draw(nr, CHECK_CHOOSE_BLOCK);
		r.nr = 1 + world_draw(min(max, nr - r.lba), CHECK_CHOOSE_BLOCK);
		return r;
	}
	switch (world_draw(8, CHECK_CHOOSE_SHAPE)) {
	case 0:
		r.lba = world_draw(4, CHECK_CHOOSE_BLOCK);
		break;
	case 1:
		r.lba = world_draw(nr, CHECK_CHOOSE_BLOCK);
		break;
	case 2:
		r.lba = world_draw(nr, CHECK_CHOOSE_BLOCK);
		r.nr = 2 + world_draw(3, CHECK_CHOOSE_BLOCK);
		break;
	case 3:
		r = last;
		break;
	case 4:
		r.lba = last.lba + world_draw(last.nr, CHECK_CHOOSE_BLOCK);
		r.nr = 1 + world_draw(last.nr + 2, CHECK_CHOOSE_BLOCK);
		break;
	case 5:
		r.lba = (last.lba + last.nr) % nr;
		r.nr = 1 + world_draw(4, CHECK_CHOOSE_BLOCK);
		break;
	case 6:
		r.lba = world_draw(nr, CHECK_CHOOSE_BLOCK);
		r.nr = max - world_draw(3, CHECK_CHOOSE_BLOCK);
		break;
	case 7:
		r.nr = 1 + world_draw(max, CHECK_CHOOSE_BLOCK);
		r.lba = nr - min(r.nr, nr);
		break;
	}
	r.lba = min(r.lba, nr - 1);
	r.nr = clamp(r.nr, 1u, min(max, nr - r.lba));
	return r;
}

/*
 * The model has room for so many requests.  When it is full, all of them are
 * made durable and what they left is compared.
 */
static void make_room(struct world *w)
{
	if (w->model.nr_requests < M_REQUESTS_MAX)
		return;
	world_restart(w);
	if (!w->cut && w->sick)
		world_restart(w);
	if (!w->cut)
		world_compare(w, w->model.must);
}

static void do_request(struct world *w, struct range *last, enum shard_op op,
		       bool fua)
{
	struct world_slot *slot;
	struct range r = { 0 };

	if (op != SHARD_FLUSH) {
		r = draw_range(w, *last, op == SHARD_DISCARD);
		*last = r;
	}
	if (op != SHARD_FLUSH && op != SHARD_READ)
		make_room(w);
	if (w->cut)
		return;
	slot = world_submit(w, op, r.lba, r.nr, fua);
	if (!slot)
		return;
	switch (world_draw(op == SHARD_WRITE ? 6 : 4, CHECK_CHOOSE_FLIGHT)) {
	case 0:
	case 1:
		world_commit(w);
		world_wait(w, slot);
		break;
	case 2:
		world_commit(w);
		break;
	case 3:
		break;
	case 4:
		world_change(w, slot);
		world_commit(w);
		break;
	case 5:
		world_commit(w);
		kapi_yield();
		world_change(w, slot);
		break;
	}
}

/* All blocks, one large request after the other: soon no extent is free. */
static void do_fill(struct world *w)
{
	u32 nr = w->model.nr_blocks, max = w->info.request_blocks_max, lba;
	struct world_slot *slot;

	world_note(w, "      | fill");
	for (lba = 0; lba < nr; lba += max) {
		make_room(w);
		if (w->cut)
			return;
		slot = world_submit(w, SHARD_WRITE, lba, min(max, nr - lba),
				    false);
		if (!slot)
			return;
		world_commit(w);
		world_wait(w, slot);
	}
}

/* From now on some operations of a kind fail, or all. */
static void do_errors(struct world *w, u32 which)
{
	static const char * const names[] = {
		"appends", "flushes", "reads", "resets",
	};
	static const enum shard_io_op ops[] = {
		SHARD_IO_APPEND, SHARD_IO_FLUSH, SHARD_IO_READ, SHARD_IO_RESET,
	};
	struct sim_faults *faults = &w->disk->faults;
	u32 *ins[] = {
		&faults->write_in, &faults->flush_in, &faults->read_in,
		&faults->reset_in,
	};
	u32 in = world_draw(6, CHECK_CHOOSE_FAULT);

	*ins[which] = in;
	world_note(w, "      | of %s %s fail", names[which],
		   in ? "some" : "all");
	if (!in && w->disk->nr_ranges < SIM_RANGES_MAX)
		sim_disk_fail_range(w->disk, 0, w->config.disk.capacity,
				    BIT(ops[which]));
	/* wrong once, and an error when read again: no start can tell */
	w->disk->strike.in = 0;
}

/*
 * One read returns other sectors or a wrong bit.  With other faults beside it
 * neither copies nor a second try are sure to help.
 */
static void do_wrong_read(struct world *w)
{
	const struct sim_faults *faults = &w->disk->faults;
	struct sim_strike strike = { .ops = BIT(SHARD_IO_READ) };

	if (faults->read_in || faults->write_in || faults->flush_in ||
	    faults->reset_in || w->disk->nr_ranges)
		return;
	strike.in = 1 + world_draw(WORLD_CUT_EVENTS, CHECK_CHOOSE_FAULT);
	strike.fault = world_draw(2, CHECK_CHOOSE_FAULT) ? SIM_FAULT_STRAY :
							   SIM_FAULT_FLIP;
	strike.where = world_draw(w->config.disk.capacity / SIM_SECTOR,
				  CHECK_CHOOSE_FAULT);
	world_note(w, "      | read %u from now on %s %llu", strike.in,
		   strike.fault == SIM_FAULT_STRAY ? "is of sector" :
						     "flips bit", strike.where);
	if (strike.fault == SIM_FAULT_STRAY)
		strike.where *= SIM_SECTOR;
	w->disk->strike = strike;
}

static void do_fault(struct world *w)
{
	u32 which = world_draw(8, CHECK_CHOOSE_FAULT);
	u32 in;

	w->sick = true;
	switch (which) {
	case 4:
		do_wrong_read(w);
		break;
	case 5:
		in = 1 + world_draw(6, CHECK_CHOOSE_FAULT);
		world_note(w, "      | of allocations some fail");
		world_short(w, in);
		break;
	case 6:
		in = 1 + world_draw(6, CHECK_CHOOSE_FAULT);
		world_note(w, "      | some operations take long");
		w->disk->faults.delay_in = in;
		break;
	case 7:
		world_note(w, "      | the disk is gone");
		w->disk->gone = true;
		if (w->device)
			shard_device_fail(w->device);
		break;
	default:
		do_errors(w, which);
	}
}

/* ---- time ---- */

#define IDLE_MS		1000u		/* the device is idle after so long */
#define IDLE_LONG_MS	4000u		/* whatever it then does ends before */

static u64 nr_backing(struct world *w)
{
	struct shard_info info;

	shard_device_info(w->device, &info);
	return info.stats.backing_writes + info.stats.backing_reads +
	       info.stats.backing_flushes + info.stats.backing_resets;
}

/* Nobody asks for anything, for as long as it has something to do. */
static void sleep_long(struct world *w)
{
	u64 nr;

	msleep(IDLE_LONG_MS);
	nr = nr_backing(w);
	msleep(IDLE_LONG_MS);
	if (nr_backing(w) != nr)
		kapi_fail("a device that is idle does not come to rest");
}

struct sleeper {
	struct world *w;
	bool done;
};

static void sleep_fiber(void *arg)
{
	struct sleeper *sleeper = arg;

	sleep_long(sleeper->w);
	sleeper->done = true;
	wake_up(&sleeper->w->wait);
}

/*
 * Time passes: a moment; or so much that it is idle, beside what comes next; or
 * until all that it does in idle time is done.
 */
static void do_idle(struct world *w)
{
	struct sleeper sleeper = { .w = w };
	u32 how = world_draw(8, CHECK_CHOOSE_IDLE);
	struct kapi_fiber *fiber;

	if (!how || w->cut || !w->device)
		return;
	if (how < 6) {
		world_note(w, "      | %u seconds pass", how < 4 ? 1 : 2);
		kapi_time_advance(IDLE_MS * NSEC_PER_MSEC);
		if (how >= 4)
			kapi_yield();
		if (how >= 4)
			kapi_time_advance(IDLE_MS * NSEC_PER_MSEC);
		return;
	}
	world_note(w, "      | all sleep");
	fiber = kapi_spawn("sleep", sleep_fiber, &sleeper);
	wait_event(w->wait, sleeper.done || w->cut);
	shard_sometimes(w->cut, "the power fails in idle time");
	if (sleeper.done)
		kapi_join(fiber);
}

static void do_op(struct world *w, enum history_op op, struct range *last)
{
	switch (op) {
	case OP_WRITE:
	case OP_WRITE_FUA:
		do_request(w, last, SHARD_WRITE, op == OP_WRITE_FUA);
		break;
	case OP_DISCARD:
	case OP_DISCARD_FUA:
		do_request(w, last, SHARD_DISCARD, op == OP_DISCARD_FUA);
		break;
	case OP_READ:
		do_request(w, last, SHARD_READ, false);
		break;
	case OP_FLUSH:
		do_request(w, last, SHARD_FLUSH, false);
		break;
	case OP_WAIT:
		world_wait_all(w);
		break;
	case OP_CHECKPOINT:
		world_checkpoint(w);
		break;
	case OP_COMPACT:
		world_compact(w);
		break;
	case OP_RECLAIM:
		world_reclaim(w);
		break;
	case OP_RESTART:
		world_restart(w);
		break;
	case OP_CRASH:
		world_recover(w);
		break;
	case OP_CRASH_SOON:
		w->cut_in = 1 + world_draw(WORLD_CUT_EVENTS, CHECK_CHOOSE_CUT);
		world_note(w, "      | the power will fail in %u events",
			   w->cut_in);
		break;
	case OP_FILL:
		do_fill(w);
		break;
	case OP_FAULT:
		do_fault(w);
		break;
	default:
		break;
	}
}

static void followed(struct world *w, enum history_op *before,
		     enum history_op op)
{
	history_pairs[*before][op]++;
	*before = op;
	if (w->config.ran)
		w->config.ran(w, op);
}

/*
 * Operations that come back at once, because an earlier one failed or nothing
 * was drawn, do not count; a history gives up after twice as many.
 */
static void run_ops(struct world *w, enum history_op *before)
{
	u32 nr_ops = w->config.nr_ops, sum = weights_sum(w), done = 0, i;
	struct range last = { .nr = 1 };
	u32 nr_refused;
	enum history_op op;

	for (i = 0; i < 2 * nr_ops && done < nr_ops; i++) {
		op = sim_choose_weighted(&w->sim.choices, w->config.weights,
					 nr_kinds(w), sum, SIM_CHOOSE_STEP);
		nr_refused = w->nr_refused;
		do_op(w, op, &last);
		if (op != OP_NOTHING && nr_refused == w->nr_refused) {
			followed(w, before, op);
			done++;
		}
		if (w->config.idle)
			do_idle(w);
		if (w->cut) {
			followed(w, before, OP_CRASH);
			world_recover(w);
		}
	}
	w->nr_done = done;
}

void history_end(struct world *w, bool close)
{
	/* until a start has had no fault, and tells all */
	while (w->cut || w->sick) {
		if (w->cut)
			world_recover(w);
		else
			world_restart(w);
	}
	/* after a crash that was done, and nothing is unsettled */
	if (w->model.all)
		world_compare(w, w->model.must);
	if (w->cut)
		world_recover(w);
	w->cut_in = 0;
	/* nothing may leak; after a clean stop and start that was seen already */
	if (close)
		world_close(w);
	else
		world_leave(w);
	world_check(w);
}

void history_run(struct world *w, const struct world_config *config)
{
	enum history_op before = OP_NOTHING;
	bool crash;

	world_begin(w, config);
	run_ops(w, &before);
	crash = world_draw(2, SIM_CHOOSE_END);
	followed(w, &before, crash ? OP_CRASH : OP_RESTART);
	if (crash)
		world_recover(w);
	else
		world_restart(w);
	history_end(w, crash);
}

/* ---- devices ---- */

#define SPARE_PERMILLE	120

/* Values from which the swarm draws; the first is the small geometry's. */
static const u32 swarm_extent_blocks[] = { 16, 32, 64 };
static const u32 swarm_blocks[] = { 64, 16, 200, 1000 };
static const u32 swarm_spare[] = { 1, 0, 4, 20 };
static const u32 swarm_entries[] = { 8, 12, 64, 2 };
static const u32 swarm_pages[] = { 2, 8, 1 };
static const u32 swarm_frames[] = { 8, 2, 3, 64 };
static const u32 swarm_sync[] = { 0, 8 };
static const u32 swarm_depths[] = { 4, 1, 2, 16 };
static const u32 swarm_log_blocks[] = { 0, 12, 48 };
static const u32 swarm_runs[] = { 0, 2, 3, 12 };
static const u32 swarm_oldest[] = { 0, 1 };
static const u32 swarm_streams[] = { 1, 2, 3 };

static u32 draw_value(const u32 *values, u32 nr)
{
	return values[world_draw(nr, CHECK_CHOOSE_CONFIG)];
}

#define DRAW_OF(table)	draw_value(table, ARRAY_SIZE(table))

/* The fewest extents that a device needs. */
static u32 extents_needed(const struct shard_format_options *format)
{
	struct shard_layout layout = {
		.block_size = format->block_size,
		.extent_blocks = format->extent_size / format->block_size,
		.logical_blocks = format->logical_size / format->block_size,
		.nr_extents = SHARDBLK_SUPER_EXTENTS,
		.reloc_streams = format->reloc_streams,
	};
	u64 need = layout.logical_blocks +
		   layout.logical_blocks * format->spare_permille / 1000;

	while (shard_layout_make(&layout) < need)
		layout.nr_extents++;
	return layout.nr_extents;
}

/*
 * Histories that lack some operations, and have more of others, come to places
 * that an even mixture hardly ever sees: full devices, logs that no checkpoint
 * cuts short, memtables that only discards fill.  Writes there always are.
 */
static void draw_weights(u8 *weights)
{
	u32 op;

	for (op = OP_WRITE; op < NR_OPS; op++) {
		switch (world_draw(4, CHECK_CHOOSE_CONFIG)) {
		case 1:
			if (op != OP_WRITE)
				weights[op] = 0;
			break;
		case 2:
			weights[op] = min(4 * weights[op], U8_MAX);
			break;
		default:
			break;
		}
	}
}

void history_config(struct world_config *c, bool swarm, bool faults)
{
	u32 block_size = SECTOR_SIZE, extent_blocks = 16, blocks = 64;
	u32 nr_extents = HISTORY_EXTENTS;
	bool zoned = false;

	memset(c, 0, sizeof(*c));
	c->nr_ops = HISTORY_OPS;
	c->faults = faults;
	memcpy(c->weights, op_weights, sizeof(op_weights));
	if (history_even)
		memset(c->weights, 1, sizeof(c->weights));
	c->disk.volatile_cache = true;
	c->options.memtable_entries = 8;
	c->options.cache_pages = 2;
	c->options.checkpoint_frames = 8;
	c->format.small = true;
	c->format.spare_permille = SPARE_PERMILLE;
	if (swarm) {
		if (world_draw(4, CHECK_CHOOSE_CONFIG) == 1)
			block_size = SZ_4K;
		extent_blocks = DRAW_OF(swarm_extent_blocks);
		blocks = DRAW_OF(swarm_blocks);
		c->options.memtable_entries = DRAW_OF(swarm_entries);
		c->options.cache_pages = DRAW_OF(swarm_pages);
		c->options.checkpoint_frames = DRAW_OF(swarm_frames);
		c->options.frames_in_flight = DRAW_OF(swarm_depths);
		c->disk.volatile_cache = !world_draw(4, CHECK_CHOOSE_CONFIG);
		c->disk.fua = world_draw(2, CHECK_CHOOSE_CONFIG);
		c->disk.slow_resets = true;
		c->sync_in = DRAW_OF(swarm_sync);
		zoned = world_draw(8, CHECK_CHOOSE_CONFIG) == 1 &&
			block_size == SIM_SECTOR;
		c->format.checkpoint_blocks = DRAW_OF(swarm_log_blocks);
		c->cut_format = !zoned &&
				world_draw(16, CHECK_CHOOSE_CONFIG) == 1;
		draw_weights(c->weights);
		if (world_draw(16, CHECK_CHOOSE_CONFIG) == 1)
			c->nr_ops = HISTORY_OPS_LONG;
	}
	c->format.block_size = block_size;
	c->format.extent_size = extent_blocks * block_size;
	c->format.logical_size = blocks * block_size;
	if (swarm)
		c->format.reloc_streams = DRAW_OF(swarm_streams);
	if (swarm)
		nr_extents = extents_needed(&c->format) + DRAW_OF(swarm_spare);
	/* one that promises twice what it has room for can be full */
	if (swarm && world_draw(4, CHECK_CHOOSE_CONFIG) == 1) {
		c->format.thin = true;
		nr_extents -= blocks / (2 * extent_blocks);
	}
	if (swarm) {
		c->options.compact_runs = DRAW_OF(swarm_runs);
		c->options.compact_oldest = DRAW_OF(swarm_oldest);
	}
	c->disk.capacity = (u64)nr_extents * c->format.extent_size;
	c->disk.block_size = block_size;
	c->disk.extent_size = c->format.extent_size;
	c->disk.super_extents = SHARDBLK_SUPER_EXTENTS;
	if (zoned) {
		c->disk.zone_size = c->format.extent_size;
		/* no more than streams need */
		c->disk.active_max = SHARD_ZONES_ACTIVE +
				     (c->format.reloc_streams ?: 1);
	}
}
