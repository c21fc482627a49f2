// SPDX-License-Identifier: GPL-2.0-only
/*
 * DOC: a device under check
 *
 * The first fiber of a run plays all users of the device, or waits for those that
 * have fibers of their own (race.h).  What must be able to end at a power cut and
 * may sleep (open, close, checkpoint) runs in a fiber of its own, for the first one
 * has to be there to declare the machine dead.
 *
 * The power fails after a number of events, so in the middle of whatever is
 * going on then, or between two operations.
 */
#include <stdlib.h>

#include "world.h"
#include "content.h"
#include "picture.h"
#include "promise.h"
#include "show.h"
#include "shardblk_format.h"

static void step_end(struct world *w, u32 row, int error)
{
	sim_note(&w->sim.choices, (u32)error);
	show_result(w, row, error);
}

/* ---- events, and the end of the power ---- */

/* What was submitted since stays in flight until the machine is dead. */
void world_power_fails(struct world *w)
{
	if (w->cut)
		return;
	world_note(w, "      | *** the power fails");
	w->cut_in = 0;
	w->stopping = false;
	w->cut_any = false;
	w->cut = true;
	/* nobody's turn matters any more */
	sim_schedule_end(&w->sim);
	wake_up(&w->wait);
}

void world_hold(struct world *w)
{
	u32 i;

	for (i = 0; i < w->disk->nr_in_flight && i < WORLD_HELD_MAX; i++)
		w->held[i] = w->disk->in_flight[i];
	w->nr_held = i;
}

void world_let_go(struct world *w)
{
	w->nr_held = 0;
}

static bool is_held(const struct world *w, const struct shard_io *io)
{
	u32 i;

	for (i = 0; i < w->nr_held; i++)
		if (w->held[i] == io)
			return true;
	return false;
}

/* Completes the oldest that is not held. */
static bool complete_others(struct world *w)
{
	u32 i;

	for (i = 0; i < w->disk->nr_in_flight; i++) {
		if (is_held(w, w->disk->in_flight[i]))
			continue;
		sim_disk_complete(w->disk, i);
		return true;
	}
	return false;
}

/* Nothing can run: the next event is due, if there is one. */
static bool power_stops(struct world *w)
{
	if (!w->stopping)
		return false;
	w->idle = !w->disk->nr_in_flight;
	if (!w->idle && w->stop_in) {
		w->stop_in--;
		return false;
	}
	world_power_fails(w);
	return true;
}

static bool world_event(void *ctx)
{
	struct world *w = ctx;

	if (!w->cut && power_stops(w))
		return true;
	if (w->cut || !(w->nr_held ? complete_others(w) : w->complete_one(ctx)))
		return false;
	if (w->cut_in && --w->cut_in == 0)
		world_power_fails(w);
	return true;
}

/* A call that may sleep, and may never return if the power fails. */
struct world_call {
	struct world *w;
	int (*fn)(struct world *w);
	int error;
	bool done;
};

static void call_fiber(void *arg)
{
	struct world_call *call = arg;

	call->error = call->fn(call->w);
	call->done = true;
	wake_up(&call->w->wait);
}

static int world_call(struct world *w, const char *name,
		      int (*fn)(struct world *w))
{
	struct world_call call = { .w = w, .fn = fn };
	struct kapi_fiber *fiber;

	if (w->users || (!w->cut_in && !w->stopping && !w->cut_any && !w->cut))
		return fn(w);
	fiber = kapi_spawn(name, call_fiber, &call);
	wait_event(w->wait, call.done || w->cut);
	if (!call.done)
		return 0;
	kapi_join(fiber);
	return call.error;
}

/* ---- requests ---- */

/* What a request may return, given what has struck so far. */
static void check_error(struct world *w, struct world_slot *slot, int error)
{
	enum shard_op op = slot->op;
	bool lost;

	if (!error) {
		if (w->write_failed && slot->late && op != SHARD_READ &&
		    op != SHARD_FLUSH)
			kapi_fail("a %s succeeded after one had failed",
				  show_op(op));
		if (w->flush_failed && slot->late && op == SHARD_FLUSH)
			kapi_fail("a flush succeeded after one had failed");
		return;
	}
	shard_sometimes(error == -EROFS, "a read-only device refuses a write");
	shard_sometimes(op == SHARD_READ, "a read fails");
	shard_sometimes(op == SHARD_FLUSH, "a flush fails");
	if (error == -ENOSPC &&
	    (op == SHARD_WRITE || w->sick || world_is_worn(w))) {
		lost = w->sick || world_is_worn(w) || world_is_cramped(w);
		if (!lost && !w->config.format.thin)
			kapi_fail("a write of a provisioned device has no space");
		if (!lost && slot->promised)
			kapi_fail("no space, although %llu blocks were guaranteed and %llu taken",
				  w->promise, w->spent);
		return;
	}
	if (error == -EROFS && w->sick && op != SHARD_READ)
		return;
	if (error != -EIO || !w->sick)
		kapi_fail("a %s of %u blocks at %llu returned %d",
			  show_op(op), slot->nr_blocks,
			  w->config.base + slot->lba, error);
}

static void read_done(struct world *w, struct world_slot *slot, int error)
{
	u32 size = w->info.block_size, nr = slot->nr_blocks;
	u32 lba = slot->lba, i;
	u64 stamps[SHARD_REQUEST_BLOCKS_MAX];
	u64 *to = slot->into ?: stamps;
	const char *why;

	for (i = 0; i < nr; i++)
		to[i] = error ? M_UNREADABLE :
			content_stamp(slot->data + (size_t)i * size, size);
	for (i = 0; i < nr; i++)
		sim_note(&w->sim.choices, to[i]);
	if (slot->into)
		return;
	why = m_device_read_done(&w->model, slot->force, &lba, nr, stamps);
	if (why)
		kapi_fail("read #%u, block %u: %s", slot->number, lba, why);
}

static void slot_done(struct shard_request *request, int error)
{
	struct world_slot *slot =
		container_of(request, struct world_slot, request);
	struct world *w = slot->world;

	if (!slot->busy)
		kapi_fail("request #%u was done twice", slot->number);
	kapi_touch(&w->model, KAPI_CHANGES);
	sim_note(&w->sim.choices, (u64)slot->number << 32 | (u32)error);
	if (!slot->into && w->verbose)
		show_done(w, slot, error);
	check_error(w, slot, error);
	switch (slot->op) {
	case SHARD_READ:
		read_done(w, slot, error);
		break;
	case SHARD_FLUSH:
		if (!error)
			m_device_flushed(&w->model, slot->acked);
		else
			w->flush_failed = true;
		break;
	default:
		w->seqs[slot->index] = request->seq;
		m_device_done(&w->model, slot->index, slot->fua, error);
		if (error && error != -ENOSPC)
			w->write_failed = true;
	}
	w->nr_refused += error && slot->op != SHARD_READ;
	slot->done_at = ++w->nr_ended;
	slot->busy = false;
	kapi_before(slot);
	kapi_before(&w->wait);
	w->nr_busy--;
	wake_up(&w->wait);
}

/* A user's buffer comes in pieces, of any number of words each. */
static void slot_segs(struct world_slot *slot, u32 bytes)
{
	u8 *at = slot->data;
	u32 i, len;

	for (i = 0; i < WORLD_SEGS - 1 && bytes > 4 && !slot->world->users; i++) {
		switch (world_draw(8, CHECK_CHOOSE_SEGS)) {
		case 1:
			len = SECTOR_SIZE;
			break;
		case 2:
			len = 4 * (1 + world_draw(SECTOR_SIZE / 4,
						  CHECK_CHOOSE_SEGS));
			break;
		default:
			len = bytes;
		}
		slot->segs[i].addr = at;
		slot->segs[i].len = min(len, bytes);
		at += slot->segs[i].len;
		bytes -= slot->segs[i].len;
		if (!bytes)
			return;
	}
	slot->segs[i].addr = at;
	slot->segs[i].len = bytes;
}

static struct world_slot *slot_free(struct world *w)
{
	u32 i;

	for (i = 0; i < WORLD_SLOTS; i++)
		if (!w->slots[i].busy)
			return &w->slots[i];
	return NULL;
}

struct world_slot *world_slot_get(struct world *w)
{
	if (w->nr_busy == WORLD_SLOTS)
		world_commit(w);
	wait_event(w->wait, w->nr_busy < WORLD_SLOTS || w->cut);
	return w->cut ? NULL : slot_free(w);
}

void world_slot_submit(struct world *w, struct world_slot *slot)
{
	kapi_touch(&w->model, KAPI_CHANGES);
	slot->busy = true;
	kapi_after(slot);
	slot->late = slot->op == SHARD_FLUSH ? w->flush_failed :
		w->write_failed;
	slot->request.op = slot->op;
	slot->request.lba = w->config.base + slot->lba;
	slot->request.nr_blocks = slot->nr_blocks;
	slot->request.fua = slot->fua;
	slot->request.segs = slot->segs;
	slot->request.done = slot_done;
	slot->request.seq = 0;
	promise_spend(w, slot);
	w->nr_busy++;
	kapi_atomic_enter();
	shard_device_submit(w->device, &slot->request);
	kapi_atomic_exit();
}

struct world_slot *world_submit(struct world *w, enum shard_op op, u32 lba,
				u32 nr_blocks, bool fua)
{
	struct world_slot *slot = world_slot_get(w);
	u32 size = w->info.block_size, i;

	if (!slot)
		return NULL;
	slot->number = ++w->nr_numbers;
	slot->into = NULL;
	slot->op = op;
	slot->lba = lba;
	slot->nr_blocks = nr_blocks;
	slot->fua = fua;
	if (w->verbose)
		show_request(slot);
	switch (op) {
	case SHARD_WRITE:
		slot->serial = ++w->serial;
		for (i = 0; i < nr_blocks; i++)
			content_fill(slot->data + (size_t)i * size, size,
				     m_stamp(slot->serial, i, false));
		fallthrough;
	case SHARD_DISCARD:
		slot->index = m_device_submit(&w->model, op == SHARD_WRITE, lba,
					      nr_blocks, slot->serial);
		w->seqs[slot->index] = 0;
		break;
	case SHARD_READ:
		slot->force = m_device_in_force(&w->model);
		break;
	case SHARD_FLUSH:
		slot->acked = w->model.acked;
		break;
	}
	if (op == SHARD_WRITE || op == SHARD_READ)
		slot_segs(slot, nr_blocks * size);
	world_slot_submit(w, slot);
	return slot;
}

void world_change(struct world *w, struct world_slot *slot)
{
	u32 size = w->info.block_size, i;

	if (!slot->busy || slot->op != SHARD_WRITE)
		return;
	world_note(w, "%5u | its buffer changes", slot->number);
	kapi_touch(&w->model, KAPI_CHANGES);
	w->model.requests[slot->index].either = true;
	for (i = 0; i < slot->nr_blocks; i++)
		content_fill(slot->data + (size_t)i * size, size,
			     m_stamp(slot->serial, i, true));
}

void world_commit(struct world *w)
{
	kapi_touch(&w->cut, KAPI_LOOKS);
	if (w->cut)
		return;
	kapi_atomic_enter();
	shard_device_commit(w->device);
	kapi_atomic_exit();
}

void world_wait(struct world *w, struct world_slot *slot)
{
	wait_event(w->wait, !slot->busy || w->cut);
}

void world_wait_all(struct world *w)
{
	world_commit(w);
	wait_event(w->wait, !w->nr_busy || w->cut);
	kapi_after(&w->wait);
}

/* ---- starting and stopping ---- */

/* Each change that can be is one that must occur. */
static void state_changed(void *ctx, enum shard_state to)
{
	struct world *w = ctx;
	enum shard_state from = w->state;

	w->state = to;
	world_note(w, "      | it is %s now", shard_state_name(to));
	sim_note(&w->sim.choices, to);
	if (from == SHARD_STATE_READ_WRITE) {
		shard_sometimes(to == SHARD_STATE_FULL,
				"from read-write to full");
		shard_sometimes(to == SHARD_STATE_READ_ONLY,
				"from read-write to read-only");
		shard_sometimes(to == SHARD_STATE_FAILED,
				"from read-write to failed");
	} else if (from == SHARD_STATE_FULL) {
		shard_sometimes(to == SHARD_STATE_READ_WRITE,
				"from full to read-write");
		shard_sometimes(to == SHARD_STATE_READ_ONLY,
				"from full to read-only");
		shard_rarely(to == SHARD_STATE_FAILED,
			     "from full to failed");
	} else {
		shard_sometimes(true, "from read-only to failed");
	}
}

static int open_call(struct world *w)
{
	struct shard_options options = w->config.options;

	options.state_changed = state_changed;
	options.ctx = w;
	options.retry_bad = w->retry_bad;
	w->state = SHARD_STATE_READ_WRITE;
	sim_disk_start(w->disk);
	if (w->config.before_start)
		w->config.before_start(w);
	show_io(w);
	picture_start(w, &options);
	return shard_device_open(&w->disk->backend, &options, &w->device);
}

int world_open(struct world *w)
{
	u32 row = show_step(w, "start");
	int err = world_call(w, "open", open_call);

	shard_sometimes(w->cut, "the power fails in a start");
	if (w->cut)
		return 0;
	step_end(w, row, err);
	if (err)
		return err;
	w->nr_starts++;
	shard_device_info(w->device, &w->info);
	w->write_failed = false;
	w->flush_failed = false;
	return 0;
}

static int close_call(struct world *w)
{
	struct shard_device *device = w->device;

	w->device = NULL;
	return shard_device_close(device);
}

void world_close(struct world *w)
{
	enum shard_state state;
	u32 row;
	int err;

	world_wait_all(w);
	if (w->cut)
		return;
	state = shard_device_state(w->device);
	world_unharmed(w);
	picture_take(w);
	row = show_step(w, "stop");
	err = world_call(w, "close", close_call);
	shard_sometimes(w->cut, "the power fails in a stop");
	if (w->cut)
		return;
	step_end(w, row, err);
	kapi_touch(&w->model, KAPI_CHANGES);
	if (!err && (state == SHARD_STATE_READ_WRITE ||
		     state == SHARD_STATE_FULL))
		m_device_flushed(&w->model, w->model.acked);
	else if (!w->sick)
		kapi_fail("a stop in state %s returned %d",
			  shard_state_name(state), err);
}

static int checkpoint_call(struct world *w)
{
	return shard_device_checkpoint(w->device);
}

static int compact_call(struct world *w)
{
	return shard_device_compact(w->device);
}

static int reclaim_call(struct world *w)
{
	return shard_device_reclaim(w->device);
}

static void world_job(struct world *w, const char *name,
		      int (*call)(struct world *w))
{
	u32 row;
	int err;

	if (w->cut)
		return;
	row = show_step(w, name);
	err = world_call(w, name, call);
	if (w->cut)
		return;
	step_end(w, row, err);
	if (err && !w->sick)
		kapi_fail("a %s returned %d", name, err);
}

void world_checkpoint(struct world *w)
{
	world_job(w, "checkpoint", checkpoint_call);
	shard_sometimes(w->cut, "the power fails in a checkpoint");
}

void world_compact(struct world *w)
{
	world_job(w, "compact", compact_call);
	shard_sometimes(w->cut, "the power fails in a compaction");
}

void world_reclaim(struct world *w)
{
	world_job(w, "reclaim", reclaim_call);
	if (!w->cut)
		world_unharmed(w);
	shard_sometimes(w->cut, "the power fails in a reclamation");
}

void world_heal(struct world *w)
{
	if (w->sick)
		world_note(w, "      | faults end");
	w->disk->faults = (struct sim_faults){ .sync_in = w->config.sync_in };
	w->disk->nr_ranges = 0;
	w->disk->gone = false;
	w->disk->strike = (struct sim_strike){ 0 };
	w->sim.hooks.alloc_fault_in = 0;
}

/* What a start needs, with faults that may still be there. */
static void world_start(struct world *w, bool healthy)
{
	bool was_sick = w->sick;
	int err;

	/* what failed is good again, and so the operator says, perhaps too early */
	w->retry_bad = was_sick &&
		       (healthy || world_draw(4, CHECK_CHOOSE_FAULT) == 1);
	err = world_open(w);
	if (w->cut)
		return;
	shard_sometimes(err && was_sick, "a start refuses, as its disk fails");
	if (err && (!was_sick || healthy))
		kapi_fail("open returned %d", err);
	if (err) {
		world_heal(w);
		healthy = true;
		w->retry_bad = true;
		err = world_open(w);
		if (w->cut)
			return;
		if (err)
			kapi_fail("open returned %d when all faults had ended",
				  err);
	}
	if (healthy)
		w->sick = false;
}

/* What users had under way is gone; the model learns how far it had come. */
static void forget_requests(struct world *w)
{
	struct world_slot *slot;

	for (slot = w->slots; slot < w->slots + WORLD_SLOTS; slot++) {
		if (!slot->busy)
			continue;
		if (!slot->into && w->verbose)
			show_lost(slot);
		if (!slot->into &&
		    (slot->op == SHARD_WRITE || slot->op == SHARD_DISCARD))
			w->seqs[slot->index] = slot->request.seq;
		slot->busy = false;
		memset(&slot->request, 0, sizeof(slot->request));
	}
	init_waitqueue_head(&w->wait);
	w->nr_busy = 0;
	w->nr_held = 0;
	w->device = NULL;
	w->cut_in = 0;
	w->stopping = false;
	w->cut_any = false;
	w->users = false;
	w->cut = false;
}

void world_power_off(struct world *w)
{
	w->nr_crashes++;
	sim_disk_power_off(w->disk);
	kapi_crash();
	forget_requests(w);
}

void world_leave(struct world *w)
{
	sim_disk_abandon(w->disk);
	kapi_crash();
	forget_requests(w);
}

void world_crash(struct world *w, bool only_kernel)
{
	if (!only_kernel) {
		world_power_off(w);
		sim_disk_settle(w->disk);
		return;
	}
	w->nr_crashes++;
	shard_sometimes(true, "a kernel dies whose disk lives on");
	world_note(w, "      | *** no, only the kernel dies: the disk keeps its cache");
	world_leave(w);
}

static bool draw_healthy(struct world *w)
{
	return !w->sick || !world_draw(2, CHECK_CHOOSE_FAULT);
}

void world_recover(struct world *w)
{
	bool healthy = draw_healthy(w);
	u32 nr_cuts = 0;

	world_power_fails(w);
	if (healthy)
		world_heal(w);
	do {
		world_crash(w, world_draw(WORLD_CRASHES,
					  CHECK_CHOOSE_CUT) == 1);
		if (nr_cuts++ < WORLD_CUTS_MAX &&
		    world_draw(8, CHECK_CHOOSE_CUT) == 1)
			w->cut_in = 1 + world_draw(WORLD_CUT_EVENTS,
						   CHECK_CHOOSE_CUT);
		world_start(w, healthy);
	} while (w->cut);
	shard_sometimes(nr_cuts > 2, "the power fails twice in one recovery");
	w->cut_in = 0;
	world_heal(w);
	world_compare(w, w->model.must);
}

static void reopen(struct world *w, bool healthy)
{
	bool was_sick = w->sick;

	if (w->cut)
		return;
	if (healthy)
		world_heal(w);
	world_start(w, healthy);
	if (w->cut || !was_sick)
		return;
	/* a failed flush may have cost what was acknowledged and not flushed */
	world_heal(w);
	world_compare(w, w->model.must);
}

void world_reopen(struct world *w)
{
	reopen(w, draw_healthy(w));
}

void world_restart(struct world *w)
{
	bool healthy = draw_healthy(w);

	world_close(w);
	reopen(w, healthy);
}

static int format_call(struct world *w)
{
	return shard_format(&w->disk->backend, &w->config.format);
}

/*
 * Format is no user of extents: it wipes what other geometries may have left,
 * across their borders.  Afterwards a record lies at the start of extents 0
 * and 1.
 */
int world_format(struct world *w)
{
	struct sim_disk *disk = w->disk;
	u32 block_size = w->config.format.block_size ?: SHARDBLK_BLOCK_SIZE_MAX;
	u32 extent_size = disk->extent_size, i;
	int err;

	if (disk->config.zone_size)
		return world_call(w, "format", format_call);
	disk->extent_size = 0;
	err = world_call(w, "format", format_call);
	disk->extent_size = extent_size;
	for (i = 0; i < SHARDBLK_SUPER_COPIES && extent_size; i++)
		disk->extents[i].wp = block_size / SIM_SECTOR;
	return err;
}

/* A format that the power cuts short, before the one that counts. */
static void format_cut(struct world *w)
{
	struct sim_disk *disk = w->disk;
	u32 extent_size = disk->extent_size;

	w->cut_in = 1 + world_draw(WORLD_CUT_EVENTS, CHECK_CHOOSE_CUT);
	disk->extent_size = 0;
	world_call(w, "format", format_call);
	shard_sometimes(w->cut, "the power fails in a format");
	world_crash(w, false);
	disk->extent_size = extent_size;
}

void world_begin(struct world *w, const struct world_config *config)
{
	u32 i;
	int err;

	world_disk(w, &config->disk);
	w->config = *config;
	world_note(w, "      | disk of %llu extents of %llu bytes%s%s%s, blocks of %u",
		   config->disk.capacity / config->format.extent_size,
		   config->format.extent_size,
		   config->disk.volatile_cache ? ", cache" : "",
		   config->disk.fua ? ", fua" : "",
		   config->disk.zone_size ? ", zoned" : "",
		   config->format.block_size);
	m_device_init(&w->model, config->nr_blocks ?:
		      config->format.logical_size / config->format.block_size);
	init_waitqueue_head(&w->wait);
	w->device = NULL;
	w->cut_in = 0;
	w->stopping = false;
	w->cut_any = false;
	w->users = false;
	w->cut = false;
	w->sick = false;
	w->retry_bad = false;
	w->nr_busy = 0;
	w->nr_held = 0;
	w->nr_numbers = 0;
	w->nr_ended = 0;
	w->serial = 0;
	w->promise = 0;
	w->spent = 0;
	for (i = 0; i < WORLD_SLOTS; i++)
		w->slots[i].busy = false;
	world_heal(w);
	if (config->cut_format)
		format_cut(w);
	err = world_format(w);
	if (err)
		kapi_fail("format returned %d", err);
	if (world_open(w))
		kapi_fail("a new device cannot be opened");
}

void world_reset(struct world *w)
{
	w->complete_one = w->complete_any;
	w->sim.hooks.choose = sim_choose_hook;
	w->sim.hooks.turn = sim_schedule_turn;
	w->sim.hooks.alloc_fault_in = 0;
	w->sim.hooks.log = show_log;
	w->nr_done = 0;
	w->nr_refused = 0;
	w->nr_crashes = 0;
	w->nr_starts = 0;
}

void world_init(struct world *w)
{
	u32 i;

	sim_init(&w->sim);
	w->complete_any = w->sim.hooks.idle;
	w->sim.hooks.idle = world_event;
	for (i = 0; i < WORLD_SLOTS; i++) {
		w->slots[i].world = w;
		w->slots[i].data = malloc((size_t)SHARD_REQUEST_BLOCKS_MAX *
					  SHARDBLK_BLOCK_SIZE_MAX);
		if (!w->slots[i].data)
			abort();
	}
}
