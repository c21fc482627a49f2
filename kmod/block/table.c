// SPDX-License-Identifier: GPL-2.0-only
/*
 * The devices there are.
 *
 * DOC: adding and removing
 *
 * One mutex guards the table, the phase of each device, and who uses it.  It is
 * held for moments only: a device that is being added or removed is in the
 * table, so that its id and its UUID are taken, and its phase keeps all others
 * away while its backing device is opened, recovered, or drained.
 *
 * Adding builds from below: backing device, identity, engine, disk.  Removing
 * takes down from above.  In between, only the phases LIVE and CLOSING let anyone
 * have the device: a checkpoint on request counts as a user, openers of the disk
 * hold the module, and removal asks for both.
 *
 * DOC: what keeps a device there
 *
 * Whoever has found a device (struct shardblk, its engine, its disk) may use it
 *
 *   - under table_lock, in the phases LIVE and CLOSING: only who holds the lock
 *     ends these, and nothing is taken down before;
 *   - with nr_users counted, which was LIVE then: removal is refused;
 *   - as an opener of the disk, until the release: removal is refused, as `closing`
 *     and disk_openers() are looked at and set under open_mutex; the module cannot
 *     be unloaded, since the disk's ->open() belongs to it;
 *   - in a request, until its end, and in queue_rq(), queue_rqs() and
 *     commit_rqs(): shardblk_disk_remove() waits for all of them;
 *   - in a file of its in sysfs: del_gendisk() waits for all readers, also when
 *     device_add_disk() fails after they could come;
 *   - in a work item of its own: each is cancelled, with nobody left to queue it,
 *     before what it uses goes;
 *   - in a callback of the engine: shard_device_close() waits for these; in one of
 *     the shrinker: compat_shrinker_remove() does;
 *   - as who adds or removes it.
 *
 * Its id and its UUID are free, and its memory goes, when the backing device is
 * closed: who adds it again at once finds that free, too.
 *
 * Locks: table_lock -> (those of the engine, those of sysfs for uevents).
 * open_mutex is never taken under table_lock.
 */
#include "block.h"

static DEFINE_MUTEX(table_lock);
static DEFINE_IDR(table);
static bool table_hibernates;	/* nobody may write to a backing device */

/* ----------------------------------------------------------- state changes */

void shardblk_uevent(struct shardblk *sb, const char *name, const char *value)
{
	char event[48];
	char *envp[2] = { event };

	snprintf(event, sizeof(event), "%s=%s", name, value);
	kobject_uevent_env(&disk_to_dev(sb->disk)->kobj, KOBJ_CHANGE, envp);
}

/* It is listed and found, and nothing of it is taken down meanwhile. */
static bool table_is_there(const struct shardblk *sb)
{
	lockdep_assert_held(&table_lock);
	return sb->phase == SHARDBLK_LIVE || sb->phase == SHARDBLK_CLOSING;
}

static void table_tell_state(struct shardblk *sb)
{
	enum shard_state state = shard_device_state(sb->device);

	if (state == sb->state_told)
		return;
	sb->state_told = state;
	pr_warn("shardblk%d is now %s\n", sb->id, shard_state_name(state));
	if (state == SHARD_STATE_READ_ONLY)
		set_disk_ro(sb->disk, true);
	shardblk_uevent(sb, "SHARDBLK_STATE", shard_state_name(state));
}

static void table_tell_space(struct shardblk *sb)
{
	bool low = shard_device_space_low(sb->device);
	struct shard_info info;

	if (low == sb->low_told)
		return;
	sb->low_told = low;
	shard_device_info(sb->device, &info);
	pr_warn("shardblk%d has %s space: %llu MiB can be written, its low watermark is %u%%\n",
		sb->id, low ? "little" : "enough",
		(info.free_estimate * info.block_size) >> 20,
		info.low_watermark);
	shardblk_uevent(sb, "SHARDBLK_WATERMARK", low ? "low" : "ok");
}

/*
 * Tell what is new.  Of a device that is not there, no one is to be told: the
 * outcome of adding and of removing says it all.
 */
static void table_state_work(struct work_struct *work)
{
	struct shardblk *sb = container_of(work, struct shardblk, state_work);

	mutex_lock(&table_lock);
	if (table_is_there(sb)) {
		table_tell_space(sb);
		table_tell_state(sb);
	}
	mutex_unlock(&table_lock);
}

/* The engine calls this from any context. */
static void table_state_changed(void *ctx, enum shard_state state)
{
	struct shardblk *sb = ctx;

	schedule_work(&sb->state_work);
}

static void table_space_changed(void *ctx, bool low)
{
	struct shardblk *sb = ctx;

	schedule_work(&sb->state_work);
}

/* Any context. */
static void table_backing_gone(struct shardblk_backing *backing)
{
	struct shardblk *sb = container_of(backing, struct shardblk, backing);
	/* Pairs with the release in table_start(). */
	struct shard_device *device = smp_load_acquire(&sb->device);

	/* While it is being opened, the error that goes with it will do. */
	if (device)
		shard_device_fail(device);
}

/* --------------------------------------------------------------- the table */

static int table_insert(struct shardblk *sb, int id)
{
	int ret;

	mutex_lock(&table_lock);
	if (table_hibernates && !sb->read_only)
		ret = -EBUSY;
	else if (id == SHARDBLK_ID_ANY)
		ret = idr_alloc(&table, sb, 0, SHARDBLK_DEVICES_MAX,
				GFP_KERNEL);
	else
		ret = idr_alloc(&table, sb, id, id + 1, GFP_KERNEL);
	if (ret >= 0)
		sb->id = ret;
	mutex_unlock(&table_lock);

	if (ret >= 0)
		return 0;
	if (ret == -EBUSY) {
		pr_err("the machine hibernates: no device can be added that may be written to\n");
		return ret;
	}
	if (ret == -ENOSPC && id != SHARDBLK_ID_ANY) {
		pr_err("id %d is taken\n", id);
		return -EEXIST;
	}
	pr_err("cannot have one more device: error %d\n", ret);
	return ret;
}

static void table_erase(struct shardblk *sb)
{
	mutex_lock(&table_lock);
	idr_remove(&table, sb->id);
	mutex_unlock(&table_lock);
}

static int table_claim_uuid(struct shardblk *sb, const u8 *uuid)
{
	struct shardblk *other;
	int id;

	mutex_lock(&table_lock);
	idr_for_each_entry(&table, other, id) {
		if (other->uuid_known && !memcmp(other->uuid, uuid, 16))
			goto taken;
	}
	memcpy(sb->uuid, uuid, 16);
	sb->uuid_known = true;
	mutex_unlock(&table_lock);
	return 0;

taken:
	mutex_unlock(&table_lock);
	pr_err("%s holds the same device as shardblk%d: %pUb\n",
	       sb->backing.backend.name, id, uuid);
	return -EBUSY;
}

static struct shardblk *table_find(int id)
{
	lockdep_assert_held(&table_lock);
	return id < 0 ? NULL : idr_find(&table, id);
}

unsigned int shardblk_ids(s32 *ids)
{
	struct shardblk *sb;
	unsigned int nr = 0;
	int id;

	mutex_lock(&table_lock);
	idr_for_each_entry(&table, sb, id)
		if (table_is_there(sb))
			ids[nr++] = id;
	mutex_unlock(&table_lock);
	return nr;
}

void shardblk_show_adding(struct seq_file *m)
{
	struct shardblk *sb;
	u64 nr, max;
	int id;

	mutex_lock(&table_lock);
	idr_for_each_entry(&table, sb, id) {
		if (sb->phase != SHARDBLK_ADDING)
			continue;
		/* Pairs with the release in trace_progress(). */
		max = smp_load_acquire(&sb->recovery_blocks_max);
		nr = READ_ONCE(sb->recovery_blocks);
		if (max)
			seq_printf(m, "id=%d backing=/dev/%s state=adding recovered=%llu%%\n",
				   id, sb->backing.backend.name,
				   div64_u64(100 * nr, max));
		else
			seq_printf(m, "id=%d state=adding\n", id);
	}
	mutex_unlock(&table_lock);
}

/* ---------------------------------------------------------------- sleeping */

int shardblk_hibernate(void)
{
	struct shardblk *sb;
	int id, error = 0;

	mutex_lock(&table_lock);
	idr_for_each_entry(&table, sb, id) {
		if (sb->read_only)
			continue;
		pr_err("shardblk%d may be written to: remove it to hibernate\n",
		       id);
		error = -EBUSY;
	}
	table_hibernates = !error;
	mutex_unlock(&table_lock);
	return error;
}

void shardblk_hibernate_end(void)
{
	mutex_lock(&table_lock);
	table_hibernates = false;
	mutex_unlock(&table_lock);
}

/* One that is added meanwhile has a freezable workqueue, too. */
void shardblk_suspend(bool on)
{
	struct shardblk *sb;
	int id;

	mutex_lock(&table_lock);
	idr_for_each_entry(&table, sb, id)
		if (table_is_there(sb))
			shard_device_hold_idle(sb->device, on);
	mutex_unlock(&table_lock);
}

/* ----------------------------------------------------------------- looking */

void shardblk_info(struct shardblk *sb, struct shard_info *info)
{
	if (shardblk_backing_gone(&sb->backing))
		shard_device_fail(sb->device);
	shard_device_info(sb->device, info);
}

static void table_report(struct shardblk *sb, struct shardblk_status *status)
{
	dev_t dev = disk_devt(sb->disk);
	struct shard_info info;

	BUILD_BUG_ON(sizeof(info.stats) > sizeof(status->stats));
	shardblk_info(sb, &info);
	status->state = info.state;
	status->read_only = sb->read_only;
	status->major = MAJOR(dev);
	status->minor = MINOR(dev);
	status->backing_major = MAJOR(sb->backing.dev);
	status->backing_minor = MINOR(sb->backing.dev);
	snprintf(status->backing, sizeof(status->backing), "/dev/%s",
		 sb->backing.backend.name);
	memcpy(status->uuid, info.uuid, sizeof(status->uuid));
	memcpy(status->format_id, info.format_id, sizeof(status->format_id));
	status->block_size = info.block_size;
	status->extent_blocks = info.extent_blocks;
	status->nr_extents = info.nr_extents;
	status->request_blocks_max = info.request_blocks_max;
	status->super_extents = info.super_extents;
	status->meta_extents = info.meta_extents;
	status->index_extents = info.index_extents;
	status->reloc_extents = info.reloc_extents;
	status->discard_extents = info.discard_extents;
	status->head_extents = info.head_extents;
	status->host_extents = info.host_extents;
	status->free_extents = info.free_extents;
	status->bad_extents = info.bad_extents;
	status->host_extents_used = info.host_extents_used;
	status->host_extents_left = info.host_extents_left;
	status->reloc_extents_used = info.reloc_extents_used;
	status->thin = info.thin;
	status->free_guaranteed = info.free_guaranteed;
	status->free_estimate = info.free_estimate;
	status->low_watermark = info.low_watermark;
	status->space_low = info.space_low;
	status->logical_blocks = info.logical_blocks;
	status->mapped_blocks = info.mapped_blocks;
	status->applied_seq = info.applied_seq;
	status->durable_seq = info.durable_seq;
	status->checkpoint_seq = info.checkpoint_seq;
	status->record_number = info.record_number;
	status->log_blocks = info.log_blocks;

	status->nr_stats = SHARDBLK_NR_STATS;
	memcpy(status->stats, &info.stats, sizeof(info.stats));
}

int shardblk_report(int id, struct shardblk_status *status)
{
	struct shardblk *sb;
	int error = -ENODEV;

	BUILD_BUG_ON((int)SHARDBLK_STATE_READ_WRITE !=
		     (int)SHARD_STATE_READ_WRITE);
	BUILD_BUG_ON((int)SHARDBLK_STATE_FULL != (int)SHARD_STATE_FULL);
	BUILD_BUG_ON((int)SHARDBLK_STATE_READ_ONLY !=
		     (int)SHARD_STATE_READ_ONLY);
	BUILD_BUG_ON((int)SHARDBLK_STATE_FAILED != (int)SHARD_STATE_FAILED);
	BUILD_BUG_ON(SHARDBLK_WATERMARK_MAX != SHARD_WATERMARK_MAX);
	BUILD_BUG_ON(SHARDBLK_IDLE_MS_MIN != SHARD_IDLE_MS_MIN);
	BUILD_BUG_ON(SHARDBLK_IDLE_MS_MAX != SHARD_IDLE_MS_MAX);
	BUILD_BUG_ON(SHARDBLK_IDLE_NEVER != SHARD_IDLE_NEVER);

	mutex_lock(&table_lock);
	sb = table_find(id);
	if (sb && table_is_there(sb)) {
		table_report(sb, status);
		error = 0;
	}
	mutex_unlock(&table_lock);
	return error;
}

int shardblk_checkpoint(int id)
{
	struct shardblk *sb;
	int error = 0;

	mutex_lock(&table_lock);
	sb = table_find(id);
	if (!sb || sb->phase == SHARDBLK_ADDING)
		error = -ENODEV;
	else if (sb->phase != SHARDBLK_LIVE)
		error = -EBUSY;
	else
		sb->nr_users++;
	mutex_unlock(&table_lock);
	if (error)
		return error;

	error = shard_device_checkpoint(sb->device);

	mutex_lock(&table_lock);
	sb->nr_users--;
	mutex_unlock(&table_lock);
	return error;
}

/* ------------------------------------------------------------------ adding */

static const char *table_reason(int error)
{
	switch (error) {
	case -ENODEV:
		return "not formatted as shardblk";
	case -EOPNOTSUPP:
		return "format version or feature not known to this module";
	case -EUCLEAN:
		return "damaged: run shardctl check on it";
	case -EROFS:
		return "can be added read-only only";
	case -EINTR:
		return "interrupted";
	case -ENOMEM:
		return "out of memory";
	default:
		return "I/O error";
	}
}

static int table_fail(const struct shardblk *sb, int error)
{
	pr_err("cannot add %s: %s (error %d)\n", sb->backing.backend.name,
	       table_reason(error), error);
	return error;
}

static unsigned long table_cache_count(void *ctx)
{
	struct shardblk *sb = ctx;

	return shard_device_cache_count(sb->device);
}

static unsigned long table_cache_shrink(void *ctx, unsigned long nr)
{
	struct shardblk *sb = ctx;

	return shard_device_cache_shrink(sb->device, nr);
}

static int table_shrinker_add(struct shardblk *sb)
{
	sb->shrinker.count = table_cache_count;
	sb->shrinker.shrink = table_cache_shrink;
	sb->shrinker.ctx = sb;
	return compat_shrinker_add(&sb->shrinker, sb->id);
}

/* Who is it, and is it here already?  Then recover it. */
static int table_start(struct shardblk *sb,
		       const struct shardblk_options *options)
{
	struct shard_options engine = {
		.read_only = options->read_only,
		.retry_bad = options->retry_bad,
		.low_watermark = options->low_watermark,
		.idle_ms = options->idle_ms,
		.trace = &sb->trace_ops,
		.state_changed = table_state_changed,
		.space_changed = table_space_changed,
		.ctx = sb,
	};
	struct shard_identity identity;
	struct shard_device *device;
	int error;

	error = shard_identify(&sb->backing.backend, &identity);
	if (error)
		return table_fail(sb, error);
	error = table_claim_uuid(sb, identity.uuid);
	if (error)
		return error;
	if (options->memtable)
		engine.memtable_entries =
			shard_options_memtable(options->memtable);
	engine.cache_pages = div_u64(options->cache, identity.block_size);
	error = shard_device_open(&sb->backing.backend, &engine, &device);
	if (error)
		return table_fail(sb, error);
	/* Pairs with the acquire in table_backing_gone(). */
	smp_store_release(&sb->device, device);
	sb->state_told = shard_device_state(device);
	return 0;
}

static int table_number(const struct shardblk_options *options, dev_t *dev)
{
	int error;

	if (options->dev) {
		*dev = options->dev;
		return 0;
	}
	error = lookup_bdev(options->path, dev);
	if (error)
		pr_err("cannot add %s: %s (error %d)\n", options->path,
		       error == -ENOTBLK ? "not a block device" :
					   "cannot look it up", error);
	return error;
}

/* Build a device that is in the table already, from below. */
static int table_build(struct shardblk *sb,
		       const struct shardblk_options *options)
{
	dev_t dev;
	int error;

	error = table_number(options, &dev);
	if (error)
		return error;
	sb->backing.gone = table_backing_gone;
	error = shardblk_backing_open(&sb->backing, options->path, dev,
				      options->read_only);
	if (error)
		return error;
	error = table_start(sb, options);
	if (error)
		goto out_backing;
	error = table_shrinker_add(sb);
	if (error)
		goto out_device;
	/* A rule of udev may change it as soon as there is a disk. */
	shardblk_scrub_every(sb, options->scrub_interval * SHARDBLK_HOUR);
	error = shardblk_disk_create(sb);
	if (error) {
		pr_err("cannot create shardblk%d: error %d\n", sb->id, error);
		goto out_scrub;
	}
	return 0;

out_scrub:
	shardblk_scrub_stop(sb, true);
	compat_shrinker_remove(&sb->shrinker);
out_device:
	shard_device_close(sb->device);
out_backing:
	shardblk_backing_close(&sb->backing);
	return error;
}

int shardblk_add(const struct shardblk_options *options)
{
	struct shardblk *sb;
	int error, id;

	if (options->id != SHARDBLK_ID_ANY &&
	    (options->id < 0 || options->id >= SHARDBLK_DEVICES_MAX)) {
		pr_err("id %d is not within 0..%d\n", options->id,
		       SHARDBLK_DEVICES_MAX - 1);
		return -EINVAL;
	}
	sb = kzalloc(sizeof(*sb), GFP_KERNEL);
	if (!sb)
		return -ENOMEM;
	sb->phase = SHARDBLK_ADDING;
	sb->read_only = options->read_only;
	sb->trace_ops = shardblk_trace_ops;
	INIT_WORK(&sb->state_work, table_state_work);
	shardblk_scrub_init(sb);
	error = table_insert(sb, options->id);
	if (error)
		goto out_free;
	error = table_build(sb, options);
	if (error)
		goto out_erase;

	id = sb->id;
	shardblk_debugfs_add(sb);
	mutex_lock(&table_lock);
	/* Soon: who heard of the disk asks for it. */
	sb->phase = SHARDBLK_LIVE;
	pr_info("shardblk%d on %s, %s\n", id, sb->backing.backend.name,
		shard_state_name(sb->state_told));
	/* For a change that came too early to be told. */
	schedule_work(&sb->state_work);
	mutex_unlock(&table_lock);
	return id;

out_erase:
	table_erase(sb);
	cancel_work_sync(&sb->state_work);
out_free:
	kfree(sb);
	return error;
}

/* ---------------------------------------------------------------- removing */

/* Take down a device that is REMOVING and closed, from above. */
static int table_demolish(struct shardblk *sb)
{
	int error;

	shardblk_debugfs_remove(sb);
	shardblk_scrub_stop(sb, true);
	shardblk_disk_remove(sb);
	compat_shrinker_remove(&sb->shrinker);
	error = shard_device_close(sb->device);
	/* The engine was the last to schedule it; it finds REMOVING. */
	cancel_work_sync(&sb->state_work);
	shardblk_disk_free(sb);
	shardblk_backing_close(&sb->backing);
	if (error)
		pr_err("shardblk%d removed, but not all could be made durable: error %d\n",
		       sb->id, error);
	else
		pr_info("shardblk%d removed\n", sb->id);
	table_erase(sb);
	shard_ring_destroy(sb->ring);
	kfree(sb);
	return error ? -EIO : 0;
}

static int table_begin_close(int id, struct shardblk **out)
{
	struct shardblk *sb;
	int error = 0;

	mutex_lock(&table_lock);
	sb = table_find(id);
	if (!sb)
		error = -ENODEV;
	else if (sb->phase != SHARDBLK_LIVE || sb->nr_users)
		error = -EBUSY;
	else
		sb->phase = SHARDBLK_CLOSING;
	mutex_unlock(&table_lock);
	*out = sb;
	return error;
}

/* Nobody can open it any more, or it stays.  Return: false if it is open. */
static bool table_close(struct shardblk *sb)
{
	bool closed = shardblk_disk_close(sb);

	mutex_lock(&table_lock);
	sb->phase = closed ? SHARDBLK_REMOVING : SHARDBLK_LIVE;
	mutex_unlock(&table_lock);
	return closed;
}

int shardblk_remove(int id)
{
	struct shardblk *sb;
	int error;

	error = table_begin_close(id, &sb);
	if (error) {
		pr_err("cannot remove shardblk%d: %s\n", id,
		       error == -EBUSY ? "busy" : "no such device");
		return error;
	}
	if (table_close(sb))
		return table_demolish(sb);
	/* It may be gone by now, by someone else. */
	pr_err("cannot remove shardblk%d: it is open\n", id);
	return -EBUSY;
}

/*
 * Nobody else is here any more: an open disk or control node would have held
 * the module.
 */
void shardblk_remove_all(void)
{
	struct shardblk *sb;
	int id;

	idr_for_each_entry(&table, sb, id) {
		WARN_ON_ONCE(!table_close(sb));
		table_demolish(sb);
	}
	idr_destroy(&table);
}
