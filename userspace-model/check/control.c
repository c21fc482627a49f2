// SPDX-License-Identifier: GPL-2.0-only
/*
 * DOC: the control node
 *
 * Each user is a fiber, which does what was drawn for it: calls into the module's
 * table of devices, as the control node makes them, and what programs do to disks
 * and to their files in sysfs.  Whoever calls keeps the module, so only when nobody
 * does can it be unloaded, beside readers of sysfs and what works in the
 * background.
 *
 * Calls are recorded with their begin and end, and judged when all is over
 * (control_judge.c).  A block of each backing device is each user's own: what was
 * written there is what is read, in this life of the device and in the next, and
 * what a power cut may leave of it is known (control_power.c).
 */
#include "block/block.h"
#include "../../kmod/block/block.h"
#include "control.h"
#include "history.h"
#include "shardblk_format.h"

#define MEMTABLE	4096u	/* bytes */
#define CACHE_PAGES	2u
#define SCRUB_STEPS_MAX	200	/* more than one takes */
#define POWER_POINTS	256

static const char * const control_op_names[CONTROL_OPS] = {
	[CONTROL_NOTHING] = "nothing",
	[CONTROL_LIST] = "list",
	[CONTROL_STATUS] = "status",
	[CONTROL_ADD] = "add",
	[CONTROL_REMOVE] = "remove",
	[CONTROL_USE] = "use",
	[CONTROL_REMOVE_ALL] = "remove all",
	[CONTROL_CHECKPOINT] = "checkpoint",
	[CONTROL_FILES] = "files",
	[CONTROL_SCRUB] = "scrub",
	[CONTROL_SHRINK] = "memory is short",
	[CONTROL_TIME] = "time passes",
	[CONTROL_GONE] = "backing gone",
	[CONTROL_UNLOAD] = "unload",
	[CONTROL_AWAIT] = "await",
};

/* ---- calls ---- */

static struct control_call *call_begin(struct control_user *user,
				       enum control_op op, u32 id)
{
	struct control_call *call = &user->calls[user->nr_calls];

	if (user->nr_calls == CONTROL_CALLS - 1)
		kapi_fail("too many calls of one user");
	*call = (struct control_call){
		.op = op, .id = id, .begin = ++user->control->now,
		.end = U32_MAX,
	};
	user->nr_calls++;
	kapi_touch(&user->control->now, KAPI_CHANGES);
	return call;
}

static void call_end(struct control_user *user, struct control_call *call,
		     int error)
{
	call->error = error;
	call->end = ++user->control->now;
	kapi_touch(&user->control->now, KAPI_CHANGES);
	world_note(user->control->w, "%5u | %c %-10s %d on %d | %s", call->begin,
		   'A' + user->nr, control_op_names[call->op],
		   call->op == CONTROL_ADD && !error ? call->got : call->id,
		   call->backing, error ? strerror(-error) : "ok");
}

/* Only what is wrong with a backing device, or with memory, may be said of it. */
static void check_error(const struct control *control, int error)
{
	if (error && !control->sick)
		kapi_fail("a call returned %d, and nothing was wrong", error);
}

int control_add(struct control_user *user, const struct control_step *step)
{
	struct control_call *call = call_begin(user, CONTROL_ADD, step->id);
	char path[] = { '/', '0' + step->backing, '\0' };
	struct shardblk_options options = {
		.path = path, .memtable = MEMTABLE,
		.cache = CACHE_PAGES * SECTOR_SIZE,
		.id = step->id == CONTROL_ANY ? SHARDBLK_ID_ANY : step->id,
		.scrub_interval = step->what == 1,
	};
	struct control *control = user->control;
	int ret;

	call->backing = step->backing;
	ret = shardblk_add(&options);
	if (ret >= 0)
		call->got = ret;
	if (ret >= CONTROL_IDS)
		kapi_fail("of at most %u devices one is number %d", CONTROL_IDS,
			  ret);
	if (control->blank && step->backing == CONTROL_BACKINGS - 1) {
		if (ret >= 0)
			kapi_fail("a device was added that was never formatted");
	} else if (ret < 0 && ret != -EBUSY && ret != -EEXIST) {
		check_error(control, ret);
	}
	call_end(user, call, min(ret, 0));
	return min(ret, 0);
}

int control_remove(struct control_user *user, u32 id)
{
	struct control_call *call = call_begin(user, CONTROL_REMOVE, id);
	int error = shardblk_remove(id);

	if (error != -ENODEV && error != -EBUSY)
		check_error(user->control, error);
	call_end(user, call, error);
	return error;
}

/* Return: BIT() of each. */
static u32 do_list(struct control_user *user)
{
	struct control_call *call = call_begin(user, CONTROL_LIST, 0);
	s32 ids[SHARDBLK_DEVICES_MAX];
	struct seq_file m = { 0 };
	u32 nr = shardblk_ids(ids), i;

	for (i = 0; i < nr; i++)
		call->got |= BIT(ids[i]);
	call_end(user, call, 0);
	shardblk_show_adding(&m);
	return call->got;
}

static void do_status(struct control_user *user, u32 id)
{
	struct control_call *call = call_begin(user, CONTROL_STATUS, id);
	struct shardblk_status status;
	int error = shardblk_report(id, &status);

	if (!error)
		call->backing = status.backing_minor;
	if (!error && status.state != SHARDBLK_STATE_READ_WRITE)
		check_error(user->control, -EIO);
	call_end(user, call, error);
}

static void do_checkpoint(struct control_user *user, u32 id)
{
	struct control_call *call = call_begin(user, CONTROL_CHECKPOINT, id);
	int error = shardblk_checkpoint(id);

	if (error != -ENODEV && error != -EBUSY)
		check_error(user->control, error);
	call_end(user, call, error);
}

/* As shardctl does: those in use are tried again while something goes away. */
static void do_remove_all(struct control_user *user)
{
	u32 left = do_list(user), busy, id;
	bool removed;
	int error;

	do {
		removed = false;
		for (id = 0, busy = 0; id < CONTROL_IDS; id++) {
			if (!(left & BIT(id)))
				continue;
			error = control_remove(user, id);
			removed |= !error;
			if (error == -EBUSY)
				busy |= BIT(id);
		}
		left = busy;
	} while (left && removed);
}

/* ---- disks ---- */

static void block_read(struct control *control, struct gendisk *disk, u32 user,
		       u32 backing, u64 *memory)
{
	sector_t sector = user;

	if (block_io(disk, REQ_OP_READ, sector, memory, SECTOR_SIZE)) {
		check_error(control, -EIO);
		return;
	}
	if (*memory != control_written(control, backing, user) &&
	    !control->sick)
		kapi_fail("user %u reads %llu of backing device %u, and wrote %u",
			  user, *memory, backing,
			  control_written(control, backing, user));
}

/* Its number is what is written. */
static void block_write(struct control_user *user, struct gendisk *disk,
			u32 backing, bool fua, u64 *memory)
{
	struct control *control = user->control;
	struct control_write *write =
		control_write_begin(control, backing, user->nr);

	*memory = write->begin;
	if (block_io(disk, REQ_OP_WRITE | (fua ? REQ_FUA : 0), user->nr, memory,
		     SECTOR_SIZE))
		check_error(control, -EIO);
	else
		control_write_end(control, write, fua);
}

static void disk_flush(struct control *control, struct gendisk *disk,
		       u32 backing)
{
	u32 begin = ++control->now;

	if (block_io(disk, REQ_OP_FLUSH, 0, NULL, 0))
		check_error(control, -EIO);
	else
		control_flushed(control, backing, begin);
}

static void do_use(struct control_user *user, const struct control_step *step)
{
	struct control_call *call = call_begin(user, CONTROL_USE, step->id);
	struct control *control = user->control;
	struct gendisk *disk = block_open(step->id);
	struct shardblk *sb;
	u64 *memory;
	u32 backing;

	if (!disk) {
		call_end(user, call, -ENXIO);
		return;
	}
	sb = disk->private_data;
	backing = MINOR(sb->backing.dev);
	call->backing = backing;
	memory = kzalloc(SECTOR_SIZE, GFP_KERNEL);
	if (!memory)
		goto out;
	block_read(control, disk, user->nr, backing, memory);
	block_write(user, disk, backing, step->what & 1, memory);
	if (step->what & 2)
		disk_flush(control, disk, backing);
	block_read(control, disk, user->nr, backing, memory);
out:
	kfree(memory);
	block_release(disk);
	call_end(user, call, memory ? 0 : -ENOMEM);
}

static void do_files(struct control *control, u32 id)
{
	struct gendisk *disk = block_file_enter(id);
	struct shardblk_scrub_report report;
	struct shard_info info;
	struct shardblk *sb;

	if (!disk)
		return;
	sb = disk->private_data;
	shardblk_info(sb, &info);
	shardblk_scrub_report(sb, &report);
	if (report.damaged && !control->sick)
		kapi_fail("a scrub has found %llu damaged", report.damaged);
	block_file_leave(disk);
}

static void do_scrub(struct control *control, const struct control_step *step)
{
	struct gendisk *disk = block_file_enter(step->id);
	struct shardblk *sb;
	int error;

	if (!disk)
		return;
	sb = disk->private_data;
	switch (step->what) {
	case 0:
	case 2:
		error = shardblk_scrub_start(sb);
		if (error != -EBUSY && error != -ENODEV)
			check_error(control, error);
		break;
	case 1:
		shardblk_scrub_stop(sb, false);
		break;
	default:
		shardblk_scrub_every(sb, SHARDBLK_HOUR);
	}
	block_file_leave(disk);
}

/* ---- users ---- */

static void do_unload(struct control_user *user)
{
	struct control_call *call;

	if (!block_module_unload())
		return;
	call = call_begin(user, CONTROL_UNLOAD, CONTROL_ANY);
	shardblk_remove_all();
	user->control->unloaded = true;
	call_end(user, call, 0);
}

/* As udev waits for disks. */
static void do_await(struct control *control)
{
	u32 seen = block_nr_appeared();

	kapi_touch(&control->now, KAPI_CHANGES);
	control->nr_waiting++;
	wake_up(block_wait());
	wait_event(*block_wait(), block_nr_appeared() > seen ||
		   control->nr_waiting == control->nr_left);
	kapi_touch(&control->now, KAPI_CHANGES);
	control->nr_waiting--;
}

/* What takes the control node. */
static void node_step(struct control_user *user, const struct control_step *step)
{
	if (!block_module_get())
		return;
	switch (step->op) {
	case CONTROL_LIST:
		do_list(user);
		break;
	case CONTROL_STATUS:
		do_status(user, step->id);
		break;
	case CONTROL_ADD:
		control_add(user, step);
		break;
	case CONTROL_REMOVE:
		control_remove(user, step->id);
		break;
	case CONTROL_REMOVE_ALL:
		do_remove_all(user);
		break;
	default:
		do_checkpoint(user, step->id);
	}
	block_module_put();
}

static void step_run(struct control_user *user, const struct control_step *step)
{
	struct control *control = user->control;

	switch (step->op) {
	case CONTROL_USE:
		do_use(user, step);
		break;
	case CONTROL_FILES:
		do_files(control, step->id);
		break;
	case CONTROL_SCRUB:
		do_scrub(control, step);
		break;
	case CONTROL_SHRINK:
		block_shrink();
		break;
	case CONTROL_TIME:
		kapi_time_advance((u64)SHARDBLK_HOUR * NSEC_PER_SEC);
		break;
	case CONTROL_GONE:
		control->sick = true;
		block_backing_gone(step->backing);
		break;
	case CONTROL_UNLOAD:
		do_unload(user);
		break;
	case CONTROL_AWAIT:
		do_await(control);
		break;
	default:
		node_step(user, step);
	}
}

static void user_fiber(void *arg)
{
	struct control_user *user = arg;
	struct control *control = user->control;
	u32 i;

	for (i = 0; i < user->nr_steps; i++) {
		kapi_doing(control_op_names[user->steps[i].op], i + 1);
		step_run(user, &user->steps[i]);
	}
	kapi_doing(NULL, 0);
	kapi_touch(&control->now, KAPI_CHANGES);
	control->nr_left--;
	wake_up(block_wait());
	wake_up(&control->w->wait);
}

/* ---- all of them ---- */

/* See world_format(). */
static void disk_format(struct sim_disk *disk,
			const struct shard_format_options *format)
{
	u32 extent_size = disk->extent_size, i;

	disk->extent_size = 0;
	if (shard_format(&disk->backend, format))
		kapi_fail("cannot format a backing device");
	disk->extent_size = extent_size;
	for (i = 0; i < SHARDBLK_SUPER_COPIES; i++)
		disk->extents[i].wp = format->block_size / SIM_SECTOR;
}

static struct sim_disk *disks[CONTROL_BACKINGS];

/* Nothing is left in flight for whoever comes next. */
void control_disks_end(void)
{
	u32 i;

	for (i = 0; i < CONTROL_BACKINGS && disks[i]; i++)
		sim_disk_blank(disks[i]);
}

static void disks_begin(struct control *control)
{
	struct world *w = control->w;
	struct world_config config;
	u32 i;

	/* beside the one of other suites, which nobody uses now */
	w->sim.nr_disks = !!w->disk;
	history_config(&config, false, false);
	config.disk.slow_resets = true;
	for (i = 0; i < CONTROL_BACKINGS; i++) {
		if (!disks[i])
			disks[i] = sim_disk_create(&config.disk,
						   &w->sim.choices);
		if (!disks[i])
			kapi_fail("no memory for a disk");
		sim_disk_blank(disks[i]);
		disks[i]->gone = false;
		disks[i]->beside = false;
		control->disks[i] = disks[i];
		sim_add_disk(&w->sim, disks[i]);
		if (control->blank && i == CONTROL_BACKINGS - 1)
			continue;
		config.format.uuid[0] = control->twins && i == 1 ? 1 : 1 + i;
		disk_format(disks[i], &config.format);
	}
}

static void world_begin_without(struct world *w)
{
	init_waitqueue_head(&w->wait);
	w->cut_in = 0;
	w->stopping = false;
	w->cut_any = false;
	w->users = false;
	w->cut = false;
	w->nr_held = 0;
}

/* Devices that are there before anybody comes. */
static void devices_begin(struct control *control)
{
	struct control_user first = { .control = control };
	struct control_step step = { CONTROL_ADD };
	u32 i;

	for (i = 0; i < CONTROL_BACKINGS; i++) {
		if (!(control->before & BIT(i)))
			continue;
		step.id = i;
		step.backing = i;
		if (control_add(&first, &step))
			kapi_fail("device %u cannot be added", i);
	}
}

static void users_run(struct control *control)
{
	static const char * const names[CONTROL_USERS] = { "A", "B", "C" };
	struct kapi_fiber *power = NULL;
	struct world *w = control->w;
	u32 i;

	control->nr_left = CONTROL_USERS;
	for (i = 0; i < CONTROL_BACKINGS; i++)
		control->disks[i]->beside = true;
	sim_schedule_begin(&w->sim);
	for (i = 0; i < CONTROL_USERS; i++) {
		control->users[i].control = control;
		control->users[i].nr = i;
		control->users[i].fiber = kapi_spawn(names[i], user_fiber,
						     &control->users[i]);
	}
	if (control->power_after)
		power = kapi_spawn("power", control_power_fiber, control);
	wait_event(w->wait, !control->nr_left || w->cut);
	for (i = 0; i < CONTROL_USERS && !w->cut; i++)
		kapi_join(control->users[i].fiber);
	if (power && !w->cut)
		kapi_join(power);
}

/* A scrub that somebody has begun ends by itself. */
static void scrubs_end(struct control *control, u32 id)
{
	struct gendisk *disk = block_file_enter(id);
	struct shardblk_scrub_report report;
	struct shardblk *sb;
	u32 i = 0;

	if (!disk)
		return;
	sb = disk->private_data;
	shardblk_scrub_every(sb, 0);
	do {
		kapi_time_advance(NSEC_PER_SEC);
		flush_workqueue(system_long_wq);
		shardblk_scrub_report(sb, &report);
	} while (report.running && ++i < SCRUB_STEPS_MAX);
	if (report.running && !control->sick)
		kapi_fail("a scrub of device %u does not go on", id);
	block_file_leave(disk);
}

static void control_end(struct control *control)
{
	struct control_user last = { .control = control };
	struct kapi_counts counts;
	u32 left, id;

	control->w->sim.hooks.alloc_fault_in = 0;
	for (id = 0; id < CONTROL_IDS; id++)
		scrubs_end(control, id);
	left = do_list(&last);
	control_judge(control, left);
	if (!control->unloaded && !block_module_unload())
		kapi_fail("the module is used, and nobody is there");
	if (!control->unloaded)
		shardblk_remove_all();
	sim_schedule_end(&control->w->sim);
	for (id = 0; id < CONTROL_BACKINGS; id++)
		if (block_backing_is_held(id))
			kapi_fail("backing device %u is still held", id);
	block_end();
	/* an interrupt may have told, and not have ended */
	for (kapi_counts(&counts); counts.live_fibers > 1; kapi_counts(&counts))
		kapi_yield();
}

void control_run(struct control *control)
{
	struct world *w = control->w;

	world_begin_without(w);
	disks_begin(control);
	block_begin(control->disks, CONTROL_BACKINGS);
	devices_begin(control);
	w->sim.hooks.alloc_fault_in = control->alloc_fault_in;
	block_refuse_disks(control->refuses_disks);
	users_run(control);
	if (!w->cut)
		control_end(control);
	if (control->power_after)
		control_power_cut(control);
}

bool control_passes(const struct kapi_turn *turn)
{
	return turn->going && turn->place->at &&
	       !strncmp(turn->place->at, "kmod/core/", 10);
}

/* But for those of requests, which others may have ended meanwhile. */
size_t control_turn(void *ctx, const struct kapi_turn *turn)
{
	if (control_passes(turn) && !strstr(turn->place->at, "/write.c:") &&
	    !strstr(turn->place->at, "/read.c:"))
		return 0;
	return sim_schedule_turn(ctx, turn);
}

/* ---- what is drawn ---- */

static const u8 weights[CONTROL_OPS] = {
	[CONTROL_NOTHING] = 1,
	[CONTROL_LIST] = 4,
	[CONTROL_STATUS] = 4,
	[CONTROL_ADD] = 10,
	[CONTROL_REMOVE] = 8,
	[CONTROL_USE] = 6,
	[CONTROL_REMOVE_ALL] = 3,
	[CONTROL_CHECKPOINT] = 3,
	[CONTROL_FILES] = 4,
	[CONTROL_SCRUB] = 8,
	[CONTROL_SHRINK] = 2,
	[CONTROL_TIME] = 2,
	[CONTROL_GONE] = 1,
	[CONTROL_UNLOAD] = 2,
	[CONTROL_AWAIT] = 4,
};

static void draw_step(struct control *control)
{
	struct control_step step = { 0 };
	struct control_user *user;
	struct world *w = control->w;
	u32 sum = 0, op;

	for (op = 0; op < CONTROL_OPS; op++)
		sum += weights[op];
	step.op = sim_choose_weighted(&w->sim.choices, weights, CONTROL_OPS,
				      sum, SIM_CHOOSE_STEP);
	user = &control->users[world_draw(CONTROL_USERS, CHECK_CHOOSE_USER)];
	/* mostly the same few meet */
	step.id = world_draw(4, CHECK_CHOOSE_BLOCK) ? 0 :
		  world_draw(CONTROL_BACKINGS, CHECK_CHOOSE_BLOCK);
	step.backing = world_draw(4, CHECK_CHOOSE_SHAPE) ? step.id :
		       world_draw(CONTROL_BACKINGS, CHECK_CHOOSE_SHAPE);
	step.what = world_draw(4, CHECK_CHOOSE_FLIGHT);
	if (step.op == CONTROL_ADD && world_draw(2, CHECK_CHOOSE_SHAPE))
		step.id = CONTROL_ANY;
	if (step.op == CONTROL_GONE && !control->sick)
		step.op = CONTROL_FILES;
	if (user->nr_steps &&
	    user->steps[user->nr_steps - 1].op == CONTROL_AWAIT)
		step.op = CONTROL_SCRUB;
	if (step.op != CONTROL_NOTHING && user->nr_steps < CONTROL_STEPS) {
		user->steps[user->nr_steps++] = step;
		w->nr_done++;
	}
}

static void check(struct world *w, bool faults)
{
	static const u8 rare[] = { 100, 30, 8, 0 };
	struct control control = { .w = w, .sick = faults };
	u32 i;

	control.refuses_disks = faults &&
				world_draw(4, CHECK_CHOOSE_FAULT) == 1;
	if (faults)
		control.alloc_fault_in = rare[world_draw(ARRAY_SIZE(rare),
							 CHECK_CHOOSE_FAULT)];
	control.before = world_draw(BIT(CONTROL_BACKINGS), CHECK_CHOOSE_CONFIG);
	control.blank = !(control.before & BIT(CONTROL_BACKINGS - 1)) &&
			world_draw(4, CHECK_CHOOSE_CONFIG) == 1;
	control.twins = !(control.before & BIT(1)) &&
			world_draw(4, CHECK_CHOOSE_CONFIG) == 1;
	for (i = 0; i < CONTROL_USERS * CONTROL_STEPS - 2; i++)
		draw_step(&control);
	/* the engine's words are others' to ask, but now and then */
	if (world_draw(4, CHECK_CHOOSE_CONFIG))
		w->sim.hooks.turn = control_turn;
	world_draw(2, SIM_CHOOSE_END);
	if (world_draw(3, CHECK_CHOOSE_CUT) == 1)
		control.power_after = 1 + world_draw(POWER_POINTS,
						     CHECK_CHOOSE_CUT);
	control_run(&control);
}

void check_control(struct world *w)
{
	check(w, false);
}

void check_control_faults(struct world *w)
{
	check(w, true);
}
