// SPDX-License-Identifier: GPL-2.0-only
/*
 * Power cuts beside users of the control node.
 *
 * DOC: what a power cut leaves
 *
 * A user's writes to its own block follow each other, so what is found there names
 * the last one that is left.  None that is durable is lost; and if one is lost that
 * had ended, so is every other, of that backing device, that was begun later: what
 * is left is a prefix (P1), in one life of the device as in several.
 */
#include "block/block.h"
#include "control.h"

struct control_write *control_write_begin(struct control *control, u32 backing,
					  u32 user)
{
	u32 nr = control->nr_writes[backing][user]++;
	struct control_write *write = &control->writes[backing][user][nr];

	*write = (struct control_write){
		.begin = ++control->now, .end = U32_MAX,
	};
	return write;
}

void control_write_end(struct control *control, struct control_write *write,
		       bool durable)
{
	write->end = ++control->now;
	write->durable = durable;
}

void control_flushed(struct control *control, u32 backing, u32 begin)
{
	struct control_write *write;
	u32 user, i;

	for (user = 0; user < CONTROL_USERS; user++)
		for (i = 0; i < control->nr_writes[backing][user]; i++) {
			write = &control->writes[backing][user][i];
			write->durable |= write->end < begin;
		}
}

u32 control_written(const struct control *control, u32 backing, u32 user)
{
	u32 nr = control->nr_writes[backing][user];

	return nr ? control->writes[backing][user][nr - 1].begin : 0;
}

void control_power_fiber(void *arg)
{
	struct control *control = arg;
	u32 i;

	for (i = 1; i < control->power_after && control->nr_left; i++)
		kapi_preempt_point("power", control, __kapi_at);
	if (control->nr_left)
		world_power_fails(control->w);
}

/* Return: writes to this block that are left, of which @found is the last. */
static u32 nr_left(const struct control *control, u32 backing, u32 user,
		   u64 found)
{
	const struct control_write *writes = control->writes[backing][user];
	u32 nr = control->nr_writes[backing][user], i, k;

	for (i = nr; i && writes[i - 1].begin != found; i--)
		;
	if (!i && found)
		kapi_fail("%llu is in the block of user %u on %u, which did not write it",
			  found, user, backing);
	for (k = i; k < nr; k++)
		if (writes[k].durable)
			kapi_fail("a power cut took %u of user %u from %u, and it was durable",
				  writes[k].begin, user, backing);
	return i;
}

static void judge_prefix(const struct control *control, u32 backing,
			 const u64 *found)
{
	u32 lost = U32_MAX, user, i;

	for (user = 0; user < CONTROL_USERS; user++) {
		i = nr_left(control, backing, user, found[user]);
		for (; i < control->nr_writes[backing][user]; i++)
			lost = min(lost, control->writes[backing][user][i].end);
	}
	for (user = 0; user < CONTROL_USERS; user++)
		if (found[user] > lost)
			kapi_fail("a power cut took from %u what had ended at %u, and left %llu",
				  backing, lost, found[user]);
}

static void blocks_read(struct control *control, u32 backing, u64 *found)
{
	struct gendisk *disk = block_open(backing);
	u64 *memory = kzalloc(SECTOR_SIZE, GFP_KERNEL);
	u32 user;

	if (!disk || !memory)
		kapi_fail("device %u cannot be opened", backing);
	for (user = 0; user < CONTROL_USERS; user++) {
		if (block_io(disk, REQ_OP_READ, user, memory, SECTOR_SIZE))
			kapi_fail("a block of user %u on backing device %u cannot be read",
				  user, backing);
		found[user] = *memory;
	}
	kfree(memory);
	block_release(disk);
}

static void device_check(struct control *control, struct control_user *user,
			 u32 backing)
{
	struct control_step add = { CONTROL_ADD, backing, backing };
	u64 found[CONTROL_USERS];

	if (control->blank && backing == CONTROL_BACKINGS - 1)
		return;
	if (control_add(user, &add))
		kapi_fail("backing device %u does not start after a power cut",
			  backing);
	blocks_read(control, backing, found);
	judge_prefix(control, backing, found);
	if (control_remove(user, backing))
		kapi_fail("device %u is not removed", backing);
}

/* What all of them had was lost, or the disks have kept what was in their caches. */
static void machine_dies(struct control *control, bool only_kernel)
{
	struct world *w = control->w;
	u32 i;

	w->nr_crashes++;
	for (i = 0; i < CONTROL_BACKINGS; i++)
		if (only_kernel)
			sim_disk_abandon(control->disks[i]);
		else
			sim_disk_power_off(control->disks[i]);
	kapi_crash();
	for (i = 0; i < CONTROL_BACKINGS && !only_kernel; i++)
		sim_disk_settle(control->disks[i]);
	for (i = 0; i < CONTROL_BACKINGS; i++) {
		control->disks[i]->gone = false;
		control->disks[i]->beside = false;
	}
	w->cut = false;
}

void control_power_cut(struct control *control)
{
	struct control_user first = { .control = control };
	struct world *w = control->w;
	u32 i;

	/* all were removed, so stopped */
	for (i = 0; i < CONTROL_BACKINGS && !w->cut && !control->sick; i++)
		control_flushed(control, i, U32_MAX);
	shard_sometimes(w->cut, "the power fails beside the control node");
	w->sim.hooks.alloc_fault_in = 0;
	world_power_fails(w);
	machine_dies(control, world_draw(WORLD_CRASHES, CHECK_CHOOSE_CUT) == 1);
	control->sick = false;
	block_begin(control->disks, CONTROL_BACKINGS);
	for (i = 0; i < CONTROL_BACKINGS; i++)
		device_check(control, &first, i);
	block_end();
}
