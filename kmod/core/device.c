// SPDX-License-Identifier: GPL-2.0-only
/*
 * DOC: device
 *
 * Opens, runs and closes a device: puts the rows below together, and keeps its
 * state.
 *
 * States only get worse, but for FULL, which ends when space comes back.  A
 * change is announced once, after it has taken effect.  READ_ONLY and FAILED
 * also stop the write path: what has not been issued fails, in order, and
 * nothing more is appended.
 */
#include "device.h"

#include "bad.h"
#include "check.h"

#define SHARD_MEMTABLE_BYTES	(16u << 20)
#define SHARD_COMPACT_RUNS	4u
#define SHARD_COMPACT_OLDEST	16u
#define SHARD_COMPACT_OLDEST_MAX 1024u

const char *shard_state_name(enum shard_state state)
{
	static const char *const names[] = {
		[SHARD_STATE_READ_WRITE] = "read-write",
		[SHARD_STATE_FULL] = "full",
		[SHARD_STATE_READ_ONLY] = "read-only",
		[SHARD_STATE_FAILED] = "failed",
	};

	return names[state];
}

enum shard_state shard_device_state(const struct shard_device *device)
{
	return READ_ONCE(device->state);
}

static bool state_may_become(enum shard_state from, enum shard_state to)
{
	if (to == SHARD_STATE_READ_WRITE)
		return from == SHARD_STATE_FULL;
	return to > from;
}

/* Returns true if it must be announced, without the lock. */
static bool state_change(struct shard_device *device, enum shard_state to)
{
	lockdep_assert_held(&device->lock);
	if (!state_may_become(device->state, to))
		return false;
	WRITE_ONCE(device->state, to);
	if (to > SHARD_STATE_FULL && !device->write_stop)
		device->write_stop = -EIO;
	queue_work(device->wq, &device->admit_work);
	wake_up_all(&device->job_ended);
	return true;
}

static void state_announce(struct shard_device *device, enum shard_state from,
			   enum shard_state to)
{
	if (to == SHARD_STATE_FAILED) {
		WRITE_ONCE(device->store.dead, true);
		wake_up_all(&device->store.changed);
	}
	pr_notice("%s: state %s, was %s\n", device->backend->name,
		  shard_state_name(to), shard_state_name(from));
	if (device->options.state_changed)
		device->options.state_changed(device->options.ctx, to);
}

void shard_device_set_state(struct shard_device *device, enum shard_state to)
{
	enum shard_state from;
	unsigned long flags;
	bool change;

	spin_lock_irqsave(&device->lock, flags);
	from = device->state;
	change = state_change(device, to);
	spin_unlock_irqrestore(&device->lock, flags);
	if (change)
		state_announce(device, from, to);
}

void shard_device_fail(struct shard_device *device)
{
	shard_device_set_state(device, SHARD_STATE_FAILED);
}

void shard_device_note_durable(struct shard_device *device, u64 seq)
{
	lockdep_assert_held(&device->lock);
	if (seq <= device->durable_seq)
		return;
	device->durable_seq = seq;
	if (device->store.super)
		shard_super_durable(device->store.super, seq);
}

/* ---- requests ---- */

void shard_device_submit(struct shard_device *device, struct shard_request *r)
{
	r->device = device;
	INIT_LIST_HEAD(&r->node);
	if (r->op == SHARD_FLUSH) {
		shard_write_flush(device, r);
		return;
	}
	if (r->lba >= device->layout.logical_blocks ||
	    r->nr_blocks > device->layout.logical_blocks - r->lba) {
		r->done(r, -EINVAL);
		return;
	}
	if (r->op != SHARD_READ)
		shard_write_submit(device, r);
	else if (shard_device_state(device) == SHARD_STATE_FAILED)
		r->done(r, -EIO);
	else
		shard_read_submit(device, r);
}

void shard_device_commit(struct shard_device *device)
{
	shard_write_commit(device);
}

unsigned long shard_device_cache_count(const struct shard_device *device)
{
	return shard_cache_count(shard_index_cache(device->index));
}

unsigned long shard_device_cache_shrink(struct shard_device *device,
					unsigned long nr)
{
	return shard_cache_shrink(shard_index_cache(device->index), nr);
}

/* ---- checkpoints ---- */

bool shard_device_checkpoint_due(struct shard_device *device)
{
	lockdep_assert_held(&device->lock);
	if (device->log_blocks >= device->record.checkpoint_blocks)
		return true;
	if (device->options.checkpoint_frames &&
	    device->log_frames >= device->options.checkpoint_frames)
		return true;
	/* records have to name all log extents */
	return device->store.super &&
	       shard_super_room(device->store.super) <=
	       device->layout.record_slack;
}

void shard_device_want_checkpoint(struct shard_device *device)
{
	lockdep_assert_held(&device->lock);
	if (!device->closing)
		shard_job_want(&device->checkpoint, false);
}

/* ---- what the rows below tell ---- */

/* Extents became ready or free: space may be back. */
static void device_space(void *ctx)
{
	struct shard_device *device = ctx;
	unsigned long flags;
	bool back;

	wake_up_all(&device->store.changed);
	spin_lock_irqsave(&device->lock, flags);
	back = device->state == SHARD_STATE_FULL &&
	       shard_extents_space_is_back(device->store.ex);
	if (shard_device_reclaim_due(device))
		shard_device_want_reclaim(device);
	if (back) {
		device->for_discard = false;
		state_change(device, SHARD_STATE_READ_WRITE);
	}
	shard_write_retry(device);
	spin_unlock_irqrestore(&device->lock, flags);
	if (back) {
		state_announce(device, SHARD_STATE_FULL,
			       SHARD_STATE_READ_WRITE);
		shard_watermark_look(device);
	}
}

static void device_freed(void *ctx)
{
	struct shard_device *device = ctx;

	if (device->store.super)
		shard_super_assign(device->store.super);
	device_space(ctx);
}

/* Nothing can be written any more; what is there can still be read. */
static void device_super_failed(void *ctx, int error)
{
	struct shard_device *device = ctx;

	pr_err("%s: superblock cannot be written: %d\n", device->backend->name,
	       error);
	WRITE_ONCE(device->store.dead, true);
	wake_up_all(&device->store.changed);
	/* O3: after a failed flush no record is durable, either */
	shard_device_set_state(device, SHARD_STATE_READ_ONLY);
}

static const struct shard_super_ops device_super_ops = {
	.assigned = device_space,
	.failed = device_super_failed,
};

/* ---- opening ---- */

u32 shard_options_memtable(u64 bytes)
{
	/* one less, for what a memtable has beside its entries */
	return min_t(u64, div_u64(bytes, SHARD_MEMTABLE_ENTRY) - 1,
		     SHARD_MEMTABLE_ENTRIES_MAX);
}

static int options_check(struct shard_options *o)
{
	if (!o->memtable_entries)
		o->memtable_entries =
			shard_options_memtable(SHARD_MEMTABLE_BYTES);
	if (!o->cache_pages)
		o->cache_pages = 4096;
	if (!o->compact_runs)
		o->compact_runs = SHARD_COMPACT_RUNS;
	if (!o->compact_oldest)
		o->compact_oldest = SHARD_COMPACT_OLDEST;
	if (!o->frames_in_flight)
		o->frames_in_flight = SHARD_QUEUE_DEPTH;
	/* room for one request, and for one page, is enough */
	if (o->memtable_entries < SHARD_MEMTABLE_PER_REQUEST ||
	    o->memtable_entries > SHARD_MEMTABLE_ENTRIES_MAX ||
	    o->cache_pages > BIT(24) ||
	    o->compact_runs < 2 || o->compact_runs > SHARD_RUNS_MAX ||
	    o->compact_oldest > SHARD_COMPACT_OLDEST_MAX ||
	    o->low_watermark > SHARD_WATERMARK_MAX ||
	    (o->idle_ms && o->idle_ms != SHARD_IDLE_NEVER &&
	     (o->idle_ms < SHARD_IDLE_MS_MIN || o->idle_ms > SHARD_IDLE_MS_MAX)) ||
	    o->frames_in_flight > SHARD_QUEUE_DEPTH_MAX)
		return -EINVAL;
	return 0;
}

static int device_layout(struct shard_device *device)
{
	const struct shard_super_record *r = &device->record;
	struct shard_store *store = &device->store;
	struct shard_layout *l = &device->layout;

	l->block_size = r->block_size;
	l->extent_blocks = r->extent_blocks;
	l->nr_extents = r->nr_extents;
	l->logical_blocks = r->logical_blocks;
	l->reloc_streams = r->reloc_streams;
	device->usable_blocks = shard_layout_make(l);
	if (!l->host_extents || !shard_layout_valid(l) ||
	    (u64)l->nr_extents * l->extent_blocks >
	    div_u64(device->backend->capacity, l->block_size)) {
		pr_err("%s: its superblock does not fit the device\n",
		       device->backend->name);
		return -EUCLEAN;
	}
	store->seed = shard_seed(r->format_id);
	store->block_size = r->block_size;
	store->extent_blocks = r->extent_blocks;
	store->frame_blocks = shard_frame_payload(r->block_size,
						  r->extent_blocks);
	store->cache_pages = device->options.cache_pages;
	device->request_max =
		min_t(u32, SHARD_REQUEST_BLOCKS_MAX,
		      shard_request_payload(r->block_size, r->extent_blocks));
	shard_writeback_set(store->wb, r->block_size,
			    device->options.frames_in_flight,
			    (u64)r->extent_blocks * r->block_size);
	return device->options.read_only ? 0 :
	       shard_writeback_may(device->backend, l->reloc_streams);
}

/* The superblock says what is needed to make everything else. */
static int device_make(struct shard_device *device)
{
	struct shard_store *store = &device->store;
	int err;

	err = device_layout(device);
	if (err)
		return err;
	store->ex = shard_extents_create(&device->layout);
	device->index = shard_index_create(store,
					   device->options.memtable_entries,
					   device->options.cache_pages);
	device->retry_block = kvmalloc(store->block_size, GFP_KERNEL);
	if (!device->options.read_only)
		store->reserve = shard_reserve_create(store);
	if (!store->ex || !device->index || !device->retry_block ||
	    (!store->reserve && !device->options.read_only))
		return -ENOMEM;
	shard_watermark_init(device);
	err = shard_reclaim_init(device);
	return err ? err : shard_write_init(device);
}

/* What the first writes and the first checkpoint need, and then the next. */
static void device_stock(struct shard_device *device)
{
	u32 stream;

	/* moved data would take from the host what it may never need */
	for (stream = 0; stream < SHARD_STREAMS; stream++)
		shard_extents_stock(device->store.ex, stream, 0,
				    !(BIT(stream) & SHARD_RELOC_STREAMS));
	shard_extents_stock(device->store.ex, SHARDBLK_STREAM_HOST,
			    SHARD_HOST_LOW, SHARD_HOST_HIGH);
}

static int device_retry_bad(struct shard_device *device)
{
	int nr = shard_bad_retry(&device->store);

	if (nr < 0)
		return nr;
	if (nr)
		pr_notice("%s: %d bad extents are good again\n",
			  device->backend->name, nr);
	device->retried = nr;
	return 0;
}

/*
 * Zones that crashes have left partly written: all but those of the superblock that
 * go on.  What is in a zone stays as it is, so this needs no record (O8).
 */
static int device_finish_zones(struct shard_device *device,
			       const struct shard_found_super *found)
{
	u32 but = 0, copy;

	for (copy = 0; copy < SHARDBLK_SUPER_COPIES; copy++)
		if (found->heads[copy].next <
		    shard_super_blocks(device->record.extent_blocks))
			but |= BIT(found->heads[copy].extent);
	return shard_writeback_finish_wait(device->store.wb, but);
}

/* O8: nothing is written, reset or served before a record of our own. */
static int device_take_over(struct shard_device *device,
			    const struct shard_found_super *found)
{
	struct shard_publish pub = {};
	int err;

	err = shard_writeback_flush_wait(device->store.wb);
	if (err)
		return err;
	err = device_finish_zones(device, found);
	if (err)
		return err;
	device->store.super = shard_super_create(device->store.wb,
						 device->store.ex,
						 &device->stats,
						 &device->record, found->heads,
						 &device_super_ops, device);
	if (!device->store.super)
		return -ENOMEM;
	/* the record also assigns extents, but none before what must be wiped */
	if (!found->unreadable)
		device_stock(device);
	err = shard_super_publish(device->store.super, &pub);
	if (!err)
		err = shard_recover_wipe(&device->store, found);
	if (!err && device->options.retry_bad)
		err = device_retry_bad(device);
	if (err)
		return err;
	device_stock(device);
	shard_super_assign(device->store.super);
	return 0;
}

/* Whatever it says of this, it can be read. */
static int device_may_write(const struct shard_device *device)
{
	const struct shard_super_record *r = &device->record;

	if (r->ro_compat & ~SHARDBLK_RO_COMPAT_KNOWN) {
		pr_err("%s: has features that allow reading only\n",
		       device->backend->name);
		return -EROFS;
	}
	if (!shard_super_lasts(r)) {
		pr_err("%s: record %llu, request %llu: there are too few numbers left to write with; add it with ro=1\n",
		       device->backend->name, r->number, r->durable_seq);
		return -EUCLEAN;
	}
	/* a format refuses that, but an image may be copied anywhere */
	if (r->block_size < device->backend->physical_block_size)
		pr_warn("%s: its physical blocks of %u bytes are larger than the format's of %u: a power cut may take durable data that lies beside what is written\n",
			device->backend->name,
			device->backend->physical_block_size, r->block_size);
	if (device->backend->misaligned)
		pr_warn("%s: its blocks do not begin where physical blocks do: a power cut may take durable data that lies beside what is written\n",
			device->backend->name);
	return 0;
}

static int device_recover(struct shard_device *device)
{
	struct shard_found_super *found;
	struct shard_recovery rec = {};
	int err;

	found = kvmalloc(sizeof(*found), GFP_KERNEL);
	if (!found)
		return -ENOMEM;
	err = shard_recover_super(device->store.wb, device->backend, found);
	if (err)
		goto out;
	shard_sometimes(found->newest == BIT(0),
			"the newest record is in copy 0 only");
	shard_sometimes(found->newest == BIT(1),
			"the newest record is in copy 1 only");
	shard_sometimes(found->unreadable,
			"a superblock extent cannot be read");
	shard_super_copy(&device->record, &found->record);
	memcpy(device->record_at, found->at, sizeof(device->record_at));
	err = device->options.read_only ? 0 : device_may_write(device);
	if (err)
		goto out;
	err = device_make(device);
	if (!err)
		err = shard_recover_log(&device->store, device->index,
					&device->record,
					device->backend->name, &rec);
	if (device->options.trace)
		device->options.trace->recovery(device->options.ctx,
						rec.first_seq, rec.last_seq,
						rec.nr_frames, err);
	if (err)
		goto out;
	device->next_seq = rec.last_seq + 1;
	device->applied_seq = rec.last_seq;
	device->durable_seq = rec.last_seq;
	device->record.durable_seq = rec.last_seq;
	device->checkpoint_seq = device->record.checkpoint_seq;
	device->frozen_from = rec.frozen_from;
	device->log_blocks = rec.log_blocks;
	device->log_frames = rec.nr_frames;
	device->fresh_blocks = rec.log_blocks;
	device->changed_blocks = rec.log_blocks;
	device->checkpoint_soon = rec.checkpoint;
	shard_sometimes(rec.checkpoint,
			"a copy of the manifest cannot be used");
	shard_sometimes(shard_index_is_frozen(device->index),
			"recovery needs two memtables");
	if (!device->options.read_only) {
		device->record.number = found->above;
		err = device_take_over(device, found);
	}
out:
	kvfree(found);
	return err;
}

static int device_workqueues(struct shard_device *device)
{
	device->wq = alloc_workqueue("shardblk", WQ_MEM_RECLAIM | WQ_UNBOUND,
				     0);
	device->checkpoint.wq = alloc_ordered_workqueue("shardblk-checkpoint",
							WQ_MEM_RECLAIM);
	device->compaction.wq = alloc_ordered_workqueue("shardblk-compact",
							WQ_MEM_RECLAIM);
	device->reclamation.wq = alloc_ordered_workqueue("shardblk-reclaim",
							 WQ_MEM_RECLAIM);
	/* nobody waits for it when memory is short */
	device->idle_wq = alloc_ordered_workqueue("shardblk-idle",
						  WQ_FREEZABLE);
	device->read_wq = alloc_workqueue("shardblk-read",
					  WQ_MEM_RECLAIM | WQ_UNBOUND, 0);
	device->retry_wq = alloc_ordered_workqueue("shardblk-retry",
						   WQ_MEM_RECLAIM);
	return device->wq && device->checkpoint.wq && device->compaction.wq &&
	       device->reclamation.wq && device->idle_wq && device->read_wq &&
	       device->retry_wq ? 0 : -ENOMEM;
}

static void workqueue_end(struct workqueue_struct *wq)
{
	if (wq)
		destroy_workqueue(wq);
}

static void device_destroy(struct shard_device *device)
{
	/* each may set the next going, in this order */
	if (device->wq)
		flush_workqueue(device->wq);
	if (device->reclamation.wq)
		flush_workqueue(device->reclamation.wq);
	if (device->checkpoint.wq)
		flush_workqueue(device->checkpoint.wq);
	if (device->compaction.wq)
		flush_workqueue(device->compaction.wq);
	if (device->index)
		shard_index_stop(device->index);
	shard_super_destroy(device->store.super);
	if (device->store.wb)
		shard_writeback_quiesce(device->store.wb);
	workqueue_end(device->idle_wq);
	workqueue_end(device->wq);
	workqueue_end(device->checkpoint.wq);
	workqueue_end(device->compaction.wq);
	workqueue_end(device->reclamation.wq);
	workqueue_end(device->read_wq);
	workqueue_end(device->retry_wq);
	shard_write_exit(device);
	shard_reclaim_destroy(device->reclaim);
	shard_index_destroy(device->index);
	shard_reserve_destroy(device->store.reserve);
	shard_extents_destroy(device->store.ex);
	shard_writeback_destroy(device->store.wb);
	kvfree(device->retry_block);
	kvfree(device);
}

int shard_device_open(struct shard_backend *backend,
		      const struct shard_options *options,
		      struct shard_device **out)
{
	struct shard_device *device;
	unsigned long flags;
	int err;

	device = kvzalloc(sizeof(*device), GFP_KERNEL);
	if (!device)
		return -ENOMEM;
	device->backend = backend;
	if (options)
		device->options = *options;
	spin_lock_init(&device->lock);
	init_waitqueue_head(&device->job_ended);
	init_waitqueue_head(&device->store.changed);
	INIT_WORK(&device->checkpoint.work, shard_checkpoint_work);
	INIT_WORK(&device->compaction.work, shard_compact_work);
	INIT_WORK(&device->reclamation.work, shard_reclaim_work);
	INIT_DELAYED_WORK(&device->idle_work, shard_idle_work);
	INIT_WORK(&device->admit_work, shard_write_admit);
	INIT_LIST_HEAD(&device->waiting);
	device->store.stats = &device->stats;
	err = options_check(&device->options);
	if (!err && backend->read_only && !device->options.read_only)
		err = -EROFS;
	if (err) {
		kvfree(device);
		return err;
	}
	if (device->options.read_only)
		device->state = SHARD_STATE_READ_ONLY;
	device->store.wb = shard_writeback_create(backend, &device->stats,
						  device->options.trace,
						  device->options.ctx);
	err = device->store.wb ? device_workqueues(device) : -ENOMEM;
	if (!err)
		err = device_recover(device);
	if (err) {
		device_destroy(device);
		return err;
	}
	shard_index_on_free(device->index, device_freed, device);
	if (!device->options.read_only) {
		spin_lock_irqsave(&device->lock, flags);
		if (device->checkpoint_soon ||
		    shard_index_is_frozen(device->index) ||
		    shard_device_checkpoint_due(device))
			shard_device_want_checkpoint(device);
		shard_device_want_compaction(device, false);
		device->serving = true;
		if (shard_device_reclaim_due(device))
			shard_device_want_reclaim(device);
		/* what the last time that it was up was too short for */
		shard_idle_arm(device);
		spin_unlock_irqrestore(&device->lock, flags);
	}
	/* until a manifest says so, too, they are bad at the next start */
	if (device->retried)
		shard_device_checkpoint(device);
	shard_watermark_look(device);
	*out = device;
	return 0;
}

/* ---- closing ---- */

/*
 * Makes all durable, and says so in a last record: the log ends here, and what
 * is found to be missing from it later is damage.
 */
static int device_stop(struct shard_device *device)
{
	struct shard_publish pub = {};
	struct shard_place tail;
	struct shard_dep dep;
	unsigned long flags;
	int err;

	if (shard_device_state(device) > SHARD_STATE_FULL)
		return -EIO;
	shard_dep_init(&dep, device->store.wb);
	shard_dep_and_written(&dep);
	err = shard_dep_wait(&dep);
	if (err)
		return err;
	spin_lock_irqsave(&device->lock, flags);
	WARN_ON(device->nr_inflight || device->building);
	shard_device_note_durable(device, device->applied_seq);
	shard_extents_tail(device->store.ex, SHARDBLK_STREAM_HOST, &tail);
	spin_unlock_irqrestore(&device->lock, flags);
	if (tail.extent)
		shard_extents_seal(device->store.ex, tail.extent);
	return shard_super_publish(device->store.super, &pub);
}

int shard_device_close(struct shard_device *device)
{
	unsigned long flags;
	int err = 0;

	spin_lock_irqsave(&device->lock, flags);
	WRITE_ONCE(device->closing, true);
	device->checkpoint.wanted = false;
	WRITE_ONCE(device->reclamation.wanted, false);
	WARN_ON(!list_empty(&device->waiting));
	spin_unlock_irqrestore(&device->lock, flags);
	wake_up_all(&device->job_ended);
	/* it waits for what follows, and nothing arms it any more */
	cancel_delayed_work_sync(&device->idle_work);
	if (device->store.super) {
		flush_work(&device->reclamation.work);
		flush_work(&device->checkpoint.work);
		flush_work(&device->compaction.work);
		flush_work(&device->admit_work);
		err = device_stop(device);
	}
	device_destroy(device);
	return err;
}

void shard_device_info(struct shard_device *device, struct shard_info *info)
{
	const struct shard_super_record *r = &device->record;
	struct shard_extents *ex = device->store.ex;
	struct shard_runs runs;
	unsigned long flags;
	u32 i;

	memset(info, 0, sizeof(*info));
	memcpy(info->uuid, r->uuid, sizeof(info->uuid));
	memcpy(info->format_id, r->format_id, sizeof(info->format_id));
	info->read_only = device->options.read_only;
	info->thin = device->usable_blocks < r->logical_blocks;
	info->block_size = r->block_size;
	info->extent_blocks = r->extent_blocks;
	info->nr_extents = r->nr_extents;
	info->logical_blocks = r->logical_blocks;
	info->request_blocks_max = device->request_max;
	info->super_extents = SHARDBLK_SUPER_EXTENTS;
	info->meta_extents = device->layout.meta_extents;
	info->index_extents = device->layout.index_extents +
			      device->layout.merge_extents;
	info->reloc_extents = device->layout.reloc_extents;
	info->discard_extents = device->layout.discard_extents;
	info->head_extents = device->layout.head_extents;
	info->host_extents = device->layout.host_extents;
	info->free_extents = shard_extents_nr_free(ex);
	info->bad_extents = shard_extents_nr_bad(ex);
	info->host_extents_used = shard_extents_nr_used(ex,
							SHARDBLK_STREAM_HOST);
	for (i = SHARDBLK_STREAM_RELOC0; i <= SHARDBLK_STREAM_RELOC2; i++)
		info->reloc_extents_used += shard_extents_nr_used(ex, i);
	info->host_extents_left = shard_extents_host_left(ex);
	shard_watermark_info(device, info);
	shard_index_runs(device->index, &runs);
	info->nr_runs = runs.nr;
	if (device->store.super)
		info->record_number = shard_super_number(device->store.super);
	else
		info->record_number = r->number;
	spin_lock_irqsave(&device->lock, flags);
	info->state = device->state;
	info->applied_seq = device->applied_seq;
	info->durable_seq = device->durable_seq;
	info->checkpoint_seq = device->checkpoint_seq;
	info->log_blocks = device->log_blocks;
	info->idle_ms = device->idle_ms ?: SHARD_IDLE_NEVER;
	spin_unlock_irqrestore(&device->lock, flags);
	shard_stats_read(&device->stats, &info->stats);
}

int shard_check(struct shard_device *device, bool data,
		struct shard_check_report *report)
{
	struct shard_check_view view = {
		.store = &device->store,
		.index = device->index,
		.backend = device->backend,
		.record = &device->record,
	};

	return shard_check_run(&view, data, report);
}
