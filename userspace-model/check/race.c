// SPDX-License-Identifier: GPL-2.0-only
/*
 * DOC: races
 *
 * What each user does is drawn before anybody does anything, so who goes on when
 * is all that is drawn while they are at it, and leaving a step out shifts no
 * other.  A power cut is one more fiber: whenever that gets its turn, the machine
 * dies.
 *
 * The model tells intervals: it knows what had ended when something began.
 */
#include "race.h"
#include "script.h"

#define HOT_BLOCKS	6	/* where nearly all of it is */
#define POWER_POINTS	256
#define IDLE_MS		1000u
#define WATERMARK	3u	/* per cent */

static const char * const race_op_names[RACE_OPS] = {
	[RACE_NOTHING] = "nothing",
	[RACE_WRITE] = "write",
	[RACE_READ] = "read",
	[RACE_DISCARD] = "discard",
	[RACE_FLUSH] = "flush",
	[RACE_WRITE_FUA] = "write fua",
	[RACE_DISCARD_FUA] = "discard fua",
	[RACE_CHECKPOINT] = "checkpoint",
	[RACE_COMPACT] = "compact",
	[RACE_RECLAIM] = "reclaim",
	[RACE_SCRUB] = "scrub",
	[RACE_SHRINK] = "shrink",
	[RACE_IDLE] = "idle",
	[RACE_LOOK] = "look",
	[RACE_ERRORS] = "errors",
	[RACE_GONE] = "gone",
};

/* ---- what a user does ---- */

static void request_begin(struct world *w, const struct race_step *step,
			  enum shard_op op, bool fua)
{
	bool empty = op == SHARD_FLUSH;
	struct world_slot *slot;
	u32 number;

	slot = world_submit(w, op, empty ? 0 : step->lba,
			    empty ? 0 : step->nr_blocks, fua);
	if (!slot)
		return;
	number = slot->number;
	if (step->flight != RACE_GATHERED)
		world_commit(w);
	/* the slot may be another's by now */
	if (step->flight == RACE_CHANGED && slot->number == number)
		world_change(w, slot);
	if (step->flight == RACE_WAITED)
		wait_event(w->wait, !slot->busy || slot->number != number ||
			   w->cut);
}

static void scrub_all(struct world *w)
{
	struct shard_scrub *scrub = shard_scrub_create(w->device);
	int ret;

	if (!scrub) {
		if (!w->sick)
			kapi_fail("no memory for a scrub");
		return;
	}
	do {
		ret = shard_scrub_step(scrub);
	} while (ret > 0);
	if (!w->sick && !w->cut && (ret || scrub->nr_damaged))
		kapi_fail("a scrub returned %d, and found %llu damaged", ret,
			  scrub->nr_damaged);
	shard_scrub_destroy(scrub);
}

static void line_seen(void *ctx, const char *text)
{
	if (!*text)
		kapi_fail("a snapshot has an empty line");
}

static void look(struct world *w, u32 what)
{
	struct shard_info info;
	u64 lba = 0;
	int ret;

	shard_device_set_watermark(w->device, what * WATERMARK);
	shard_device_set_idle(w->device, IDLE_MS * (1 + what % 2));
	shard_device_info(w->device, &info);
	if (info.durable_seq > info.applied_seq)
		kapi_fail("%llu is durable, and %llu applied", info.durable_seq,
			  info.applied_seq);
	shard_device_snapshot(w->device, line_seen, w);
	ret = shard_device_next_data(w->device, &lba);
	if (ret < 0 && !w->sick)
		kapi_fail("looking for data returned %d", ret);
}

/* All that was applied when it was asked for is in it. */
static void checkpoint(struct world *w)
{
	struct shard_info before, after;

	shard_device_info(w->device, &before);
	world_checkpoint(w);
	if (w->cut || w->sick)
		return;
	shard_device_info(w->device, &after);
	if (!w->cut && !w->sick && after.checkpoint_seq < before.applied_seq)
		kapi_fail("a checkpoint has %llu requests, and %llu were applied",
			  after.checkpoint_seq, before.applied_seq);
}

/* The next of its kind fails, or some do from now on, or all. */
static void errors_begin(struct world *w, const struct race_step *step)
{
	static const enum shard_io_op ops[] = {
		SHARD_IO_APPEND, SHARD_IO_FLUSH, SHARD_IO_READ, SHARD_IO_RESET,
	};
	struct sim_faults *faults = &w->disk->faults;
	u32 * const ins[] = {
		&faults->write_in, &faults->flush_in, &faults->read_in,
		&faults->reset_in,
	};
	const u32 nr = ARRAY_SIZE(ops) + 1;
	u32 which = step->what % nr;

	w->sick = true;
	if (which == ARRAY_SIZE(ops)) {
		world_note(w, "      | some allocations fail");
		world_short(w, 1);
		return;
	}
	switch (step->what / nr) {
	case 0:
		world_note(w, "      | an operation of the disk fails");
		w->disk->strike = (struct sim_strike){
			.in = 1, .ops = BIT(ops[which]),
			.fault = SIM_FAULT_ERROR,
		};
		break;
	case 1:
		world_note(w, "      | some operations of the disk fail");
		*ins[which] = 1;
		break;
	default:
		world_note(w, "      | operations of the disk fail");
		script_fail(w, ops[which]);
	}
}

static void gone(struct world *w)
{
	w->sick = true;
	w->disk->gone = true;
	world_note(w, "      | the disk is gone");
	shard_device_fail(w->device);
}

static void step_run(struct world *w, const struct race_step *step)
{
	switch (step->op) {
	case RACE_WRITE:
	case RACE_WRITE_FUA:
		request_begin(w, step, SHARD_WRITE, step->op == RACE_WRITE_FUA);
		break;
	case RACE_DISCARD:
	case RACE_DISCARD_FUA:
		request_begin(w, step, SHARD_DISCARD,
			      step->op == RACE_DISCARD_FUA);
		break;
	case RACE_READ:
		request_begin(w, step, SHARD_READ, false);
		break;
	case RACE_FLUSH:
		request_begin(w, step, SHARD_FLUSH, false);
		break;
	case RACE_CHECKPOINT:
		checkpoint(w);
		break;
	case RACE_COMPACT:
		world_compact(w);
		break;
	case RACE_RECLAIM:
		world_reclaim(w);
		break;
	case RACE_SCRUB:
		world_note(w, "      | scrub");
		scrub_all(w);
		break;
	case RACE_SHRINK:
		world_note(w, "      | memory is short");
		shard_device_cache_shrink(w->device, 1 + step->what);
		break;
	case RACE_IDLE:
		world_note(w, "      | a second passes");
		kapi_time_advance(IDLE_MS * NSEC_PER_MSEC);
		break;
	case RACE_LOOK:
		look(w, step->what);
		break;
	case RACE_ERRORS:
		errors_begin(w, step);
		break;
	case RACE_GONE:
		gone(w);
		break;
	default:
		break;
	}
}

static void user_fiber(void *arg)
{
	struct race_user *user = arg;
	struct race *race = user->race;
	struct world *w = race->w;
	u32 i;

	for (i = 0; i < user->nr_steps && !w->cut; i++) {
		kapi_doing(race_op_names[user->steps[i].op], i + 1);
		step_run(w, &user->steps[i]);
	}
	kapi_doing(NULL, 0);
	/* nobody else commits what it has gathered */
	world_commit(w);
	race->nr_left--;
	wake_up(&w->wait);
}

static void power_fiber(void *arg)
{
	struct race *race = arg;
	u32 i;

	for (i = 1; i < race->power_after; i++)
		kapi_preempt_point("power", race, __kapi_at);
	world_power_fails(race->w);
}

/* ---- all of them ---- */

static void users_run(struct race *race)
{
	static const char * const names[RACE_USERS] = { "A", "B", "C" };
	struct world *w = race->w;
	u32 i;

	race->nr_left = race->nr_users;
	for (i = 0; i < race->nr_users; i++) {
		race->users[i].race = race;
		race->users[i].fiber = kapi_spawn(names[i], user_fiber,
						  &race->users[i]);
	}
	w->cut_any = race->power_after || race->power_any;
	if (race->power_after)
		kapi_spawn("power", power_fiber, race);
	wait_event(w->wait, !race->nr_left || w->cut);
	for (i = 0; i < race->nr_users && !w->cut; i++)
		kapi_join(race->users[i].fiber);
	w->users = false;
	if (race->calm)
		sim_schedule_quiet(&w->sim);
	if (!race->crash)
		world_close(w);
	/* it comes for certain if it is to come at all */
	wait_event(w->wait, !w->cut_any || race->power_any);
}

void race_run(struct race *race)
{
	struct world *w = race->w;

	w->users = true;
	w->disk->beside = true;
	sim_schedule_begin(&w->sim);
	users_run(race);
	if (race->crash || w->cut) {
		w->disk->beside = false;
		world_recover(w);
		history_end(w, true);
		return;
	}
	/* a start has its own workers beside it */
	world_reopen(w);
	w->cut_any = false;
	sim_schedule_quiet(&w->sim);
	history_end(w, true);
	sim_schedule_end(&w->sim);
	w->disk->beside = false;
}

static void write_some(struct world *w, u32 first, u32 nr, u32 step)
{
	u32 i;

	for (i = 0; i < nr; i++)
		script_write(w, (first + i * step) % HOT_BLOCKS,
			     1 + i % 2, false);
}

void race_prepare(struct race *race)
{
	struct world *w = race->w;

	if (race->before == RACE_BLANK)
		return;
	if (race->before == RACE_FULL) {
		/* or nearly so, if it promises no more than it can hold */
		script_fill(w, w->info.request_blocks_max);
		script_make_room(w, RACE_USERS * RACE_STEPS);
		return;
	}
	write_some(w, 0, HOT_BLOCKS, 1);
	if (race->before == RACE_LOGGED)
		return;
	world_checkpoint(w);
	write_some(w, 1, 4, 2);
	if (race->before == RACE_RUN)
		return;
	world_checkpoint(w);
	script_discard(w, 2, 2);
	write_some(w, 0, 12, 1);
	world_checkpoint(w);
}

/* ---- what is drawn ---- */

static const u8 requests[RACE_OPS] = {
	[RACE_NOTHING] = 1,
	[RACE_WRITE] = 12,
	[RACE_READ] = 10,
	[RACE_DISCARD] = 6,
	[RACE_FLUSH] = 4,
	[RACE_WRITE_FUA] = 4,
	[RACE_DISCARD_FUA] = 1,
};

static const u8 jobs[RACE_OPS] = {
	[RACE_NOTHING] = 1,
	[RACE_WRITE] = 9,
	[RACE_READ] = 9,
	[RACE_DISCARD] = 5,
	[RACE_FLUSH] = 2,
	[RACE_WRITE_FUA] = 2,
	[RACE_DISCARD_FUA] = 1,
	[RACE_CHECKPOINT] = 6,
	[RACE_COMPACT] = 4,
	[RACE_RECLAIM] = 6,
	[RACE_SCRUB] = 2,
	[RACE_SHRINK] = 4,
	[RACE_IDLE] = 3,
	[RACE_LOOK] = 2,
};

static const u8 misfortunes[RACE_OPS] = {
	[RACE_NOTHING] = 1,
	[RACE_WRITE] = 10,
	[RACE_READ] = 6,
	[RACE_DISCARD] = 4,
	[RACE_FLUSH] = 4,
	[RACE_WRITE_FUA] = 4,
	[RACE_DISCARD_FUA] = 1,
	[RACE_CHECKPOINT] = 4,
	[RACE_COMPACT] = 2,
	[RACE_RECLAIM] = 4,
	[RACE_SCRUB] = 1,
	[RACE_SHRINK] = 1,
	[RACE_IDLE] = 1,
	[RACE_LOOK] = 1,
	[RACE_ERRORS] = 6,
	[RACE_GONE] = 2,
};

static void draw_blocks(struct world *w, struct race_step *step)
{
	u32 all = w->model.nr_blocks, max = w->info.request_blocks_max;

	step->lba = world_draw(HOT_BLOCKS, CHECK_CHOOSE_BLOCK);
	step->nr_blocks = 1 + world_draw(4, CHECK_CHOOSE_BLOCK);
	if (world_draw(8, CHECK_CHOOSE_SHAPE) == 1) {
		/* as much as there can be */
		step->lba = 0;
		step->nr_blocks = all;
	}
	if (step->op != RACE_DISCARD && step->op != RACE_DISCARD_FUA)
		step->nr_blocks = min(step->nr_blocks, max);
	step->nr_blocks = min(step->nr_blocks, all - step->lba);
}

static void draw_step(struct race *race, const u8 *weights, u32 sum)
{
	struct race_step step = { 0 };
	struct world *w = race->w;
	struct race_user *user;

	step.op = sim_choose_weighted(&w->sim.choices, weights, RACE_OPS, sum,
				      SIM_CHOOSE_STEP);
	user = &race->users[world_draw(RACE_USERS, CHECK_CHOOSE_USER)];
	step.flight = world_draw(RACE_FLIGHTS, CHECK_CHOOSE_FLIGHT);
	draw_blocks(w, &step);
	step.what = world_draw(RACE_WHATS, CHECK_CHOOSE_FAULT);
	if (step.op != RACE_NOTHING && user->nr_steps < RACE_STEPS) {
		user->steps[user->nr_steps++] = step;
		w->nr_done++;
	}
}

static u32 sum_of(const u8 *weights)
{
	u32 sum = 0, op;

	for (op = 0; op < RACE_OPS; op++)
		sum += weights[op];
	return sum;
}

/* Small pools, and now and then such as hold one; or any device. */
static void draw_config(struct world_config *c, bool faults)
{
	bool swarm = world_draw(4, CHECK_CHOOSE_CONFIG) == 1;

	history_config(c, swarm, faults);
	c->cut_format = false;
	if (swarm)
		return;
	c->disk.slow_resets = true;
	c->disk.fua = world_draw(2, CHECK_CHOOSE_CONFIG);
	c->options.memtable_entries = world_draw(4, CHECK_CHOOSE_CONFIG) == 1 ?
		2 : 8;
	c->options.cache_pages = 2 - world_draw(2, CHECK_CHOOSE_CONFIG);
	c->options.frames_in_flight = 4 >> world_draw(3, CHECK_CHOOSE_CONFIG);
	c->options.checkpoint_frames = 8 >> world_draw(4, CHECK_CHOOSE_CONFIG);
	c->options.compact_runs = 2 + world_draw(2, CHECK_CHOOSE_CONFIG);
}

static void draw_race(struct race *race, const u8 *weights)
{
	u32 sum = sum_of(weights), i;

	race->nr_users = RACE_USERS;
	for (i = 0; i < RACE_USERS * RACE_STEPS - 2; i++)
		draw_step(race, weights, sum);
	race->crash = world_draw(2, SIM_CHOOSE_END);
	if (world_draw(2, CHECK_CHOOSE_CUT))
		race->power_after = 1 + world_draw(POWER_POINTS,
						   CHECK_CHOOSE_CUT);
}

static void check(struct world *w, const u8 *weights, bool faults)
{
	struct race race = { .w = w };
	struct world_config config;

	draw_config(&config, faults);
	race.before = world_draw(RACE_BEFORES, CHECK_CHOOSE_CONFIG);
	world_begin(w, &config);
	race_prepare(&race);
	draw_race(&race, weights);
	race_run(&race);
}

void check_race(struct world *w)
{
	check(w, requests, false);
}

void check_race_jobs(struct world *w)
{
	check(w, jobs, false);
}

void check_race_faults(struct world *w)
{
	check(w, misfortunes, true);
}
