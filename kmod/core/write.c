// SPDX-License-Identifier: GPL-2.0-only
/*
 * DOC: writes
 *
 * A request is admitted when all that it can ever need is set aside: a place in
 * the frame being built (so space in an extent, and a buffer), and memtable
 * entries.  From then on it waits for nothing but the device (O12).  What
 * cannot be admitted waits, in order, and a worker tries again whenever
 * something has changed.
 *
 * Payload is copied outside the lock, by the submitter, with its checksums
 * taken from the copy.  A frame is sealed when the submitter's batch ends or it
 * is full: it gets its place, and its requests get the next numbers (O2).  It
 * is issued when all payload is in, in the order of sealing (O1).
 *
 * Frames are applied in order, whatever the order in which they complete: all
 * entries of a frame enter the memtable, then its requests are acknowledged;
 * those that asked for durability once a flush, or their own frame's durable
 * append, has covered them (O3).
 *
 * A frame that fails is written again elsewhere, with all behind it (rewrite.c).
 * When that is given up all writing ends: it and every frame behind it fails, in
 * order, and the device is read-only from that number on (O2).
 */
#include "device.h"

/* What keeps the first waiting request from being admitted. */
enum shard_blocked {
	BLOCKED_NOT,
	BLOCKED_BUSY,		/* buffers, a checkpoint, pacing: someone will call */
	BLOCKED_SPACE,		/* no extent is ready */
};

static void write_issue(struct shard_device *device,
			struct shard_host_frame *copied, bool seal);

/* ---- building and sealing, all with the lock held ---- */

static bool frame_open(struct shard_device *device, u32 payload,
		       enum shard_blocked *why)
{
	struct shard_extents *ex = device->store.ex;
	struct shard_host_frame *f;
	u32 room = shard_extents_room(ex, SHARDBLK_STREAM_HOST);

	if (list_empty(&device->free_frames)) {
		*why = BLOCKED_BUSY;
		return false;
	}
	if (payload && shard_pace_waits(device)) {
		shard_sometimes(true, "a write waits for reclamation");
		*why = BLOCKED_BUSY;
		return false;
	}
	if (room < payload + 1) {
		bool next = shard_extents_next(ex, SHARDBLK_STREAM_HOST);

		shard_super_assign(device->store.super);
		shard_device_want_room(device);
		if (!next) {
			shard_sometimes(true, "no host extent is ready");
			*why = BLOCKED_SPACE;
			return false;
		}
		room = device->store.extent_blocks;
	}
	shard_sometimes(room == payload + 1, "a request fills an extent to its end");
	f = list_first_entry(&device->free_frames, struct shard_host_frame,
			     node);
	list_del_init(&f->node);
	f->state = SHARD_HOST_BUILDING;
	f->room = min(room - 1, device->store.frame_blocks);
	f->nr_copying = 0;
	f->fua = false;
	f->durable = false;
	f->placed = false;
	f->written = false;
	f->error = 0;
	f->tries = 0;
	shard_frame_begin(f->frame, SHARDBLK_STREAM_HOST);
	WRITE_ONCE(device->building, f);
	return true;
}

static void frame_seal(struct shard_device *device)
{
	struct shard_host_frame *f = device->building;
	struct shard_request *r;
	u64 first = device->next_seq;

	lockdep_assert_held(&device->lock);
	WRITE_ONCE(device->building, NULL);
	/* O2: consecutive, in the order of joining */
	list_for_each_entry(r, &f->requests, node)
		r->seq = device->next_seq++;
	f->last_seq = device->next_seq - 1;
	shard_sometimes(f->last_seq > first, "a frame takes several requests");
	f->state = SHARD_HOST_SEALED;
	/* when all has ended it only fails in its turn, and needs no place */
	f->placed = !device->write_stop &&
		    shard_frame_place(&device->store, f->frame, first);
	WARN_ON(!f->placed && !device->write_stop);
	if (!f->placed) {
		f->frame->header.seq = first;
		memset(&f->frame->place, 0, sizeof(f->frame->place));
	}
	list_add_tail(&f->node, &device->sealed);
	device->nr_inflight++;
	device->log_blocks += f->frame->header.nr_blocks + 1;
	shard_pace_spend(device, f->frame->header.nr_blocks);
	device->log_frames++;
	shard_idle_arm(device);
}

static bool may_seal(const struct shard_device *device)
{
	/* while others look for places it waits for its own */
	return device->building && device->rewrite == SHARD_REWRITE_NONE &&
	       device->nr_inflight < device->nr_frames - 1;
}

static u32 payload_of(const struct shard_request *r)
{
	return r->op == SHARD_WRITE ? r->nr_blocks : 0;
}

/* Gives the request a place in a frame: index of its payload, or -1. */
static int frame_join(struct shard_device *device, struct shard_request *r,
		      enum shard_blocked *why)
{
	u8 kind = r->op == SHARD_WRITE ? SHARDBLK_ENTRY_WRITE :
					 SHARDBLK_ENTRY_DISCARD;
	int idx;

	if (device->building) {
		idx = shard_frame_add(&device->store, device->building->frame,
				      device->building->room, kind, r->lba,
				      r->nr_blocks);
		if (idx >= 0)
			return idx;
		if (!may_seal(device)) {
			shard_sometimes(true, "all frames are in flight");
			*why = BLOCKED_BUSY;
			return -1;
		}
		frame_seal(device);
	}
	if (!frame_open(device, payload_of(r), why))
		return -1;
	return shard_frame_add(&device->store, device->building->frame,
			       device->building->room, kind, r->lba,
			       r->nr_blocks);
}

/* O12: sets aside all that the request may need, or says what is missing. */
static int request_admit(struct shard_device *device, struct shard_request *r,
			 enum shard_blocked *why)
{
	u32 payload = payload_of(r);
	int idx;

	lockdep_assert_held(&device->lock);
	if (!shard_index_fits(device->index, device->reserved_entries +
			      SHARD_MEMTABLE_PER_REQUEST,
			      device->reserved_csums + payload) ||
	    (shard_device_checkpoint_due(device) &&
	     shard_index_is_frozen(device->index))) {
		shard_sometimes(!shard_device_checkpoint_due(device),
				"the memtable is full");
		shard_sometimes(shard_device_checkpoint_due(device),
				"a request waits for an overdue checkpoint");
		/*
		 * What one that runs does not make room for it tells when it
		 * ends; what frames in flight have set aside comes with them.
		 */
		if (!device->checkpoint.running &&
		    !shard_index_empty(device->index))
			shard_device_want_checkpoint(device);
		*why = BLOCKED_BUSY;
		return -1;
	}
	idx = frame_join(device, r, why);
	if (idx < 0)
		return -1;
	device->reserved_entries += SHARD_MEMTABLE_PER_REQUEST;
	device->reserved_csums += payload;
	device->fresh_blocks += payload;
	device->changed_blocks += r->nr_blocks;
	list_add_tail(&r->node, &device->building->requests);
	if (r->fua)
		device->building->fua = true;
	if (payload)
		device->building->nr_copying++;
	return idx;
}

/* ---- issuing ---- */

/*
 * Only for requests with payload: until that is in, their frame is not issued.
 * Any other may have ended as soon as the lock is let go after its admission.
 */
static void request_copy(struct shard_device *device, struct shard_request *r,
			 struct shard_host_frame *f, int idx)
{
	shard_frame_copy(&device->store, f->frame, idx, r->segs, r->nr_blocks);
	write_issue(device, f, false);
}

static void frame_done(struct shard_append *append);

static void frame_issue(struct shard_device *device, struct shard_host_frame *f,
			u64 durable_seq)
{
	struct shard_frame *frame = f->frame;
	const struct shard_trace_ops *trace = device->options.trace;

	shard_frame_seal(&device->store, frame, durable_seq);
	frame->append.fua = f->durable;
	frame->append.done = frame_done;
	frame->append.private = f;
	if (trace)
		trace->frame_issued(device->options.ctx, frame->header.seq,
				    frame->header.nr_entries,
				    frame->header.nr_blocks,
				    shard_store_offset(&device->store,
						       frame->place.extent,
						       frame->place.block));
	shard_frame_append(&device->store, frame, SHARD_QUEUE_HOST);
}

/*
 * Issues sealed frames in order; whoever is already at it does so for all.  Payload of
 * one more request of @copied is in; @seal: what is built waits for no more.
 */
static void write_issue(struct shard_device *device,
			struct shard_host_frame *copied, bool seal)
{
	struct shard_host_frame *f;
	unsigned long flags;
	bool settle = false;
	u64 durable_seq;

	spin_lock_irqsave(&device->lock, flags);
	if (copied)
		copied->nr_copying--;
	if (seal && may_seal(device))
		frame_seal(device);
	if (device->issuing)
		goto out;
	device->issuing = true;
	while (!list_empty(&device->sealed)) {
		f = list_first_entry(&device->sealed, struct shard_host_frame,
				     node);
		if (f->nr_copying)
			break;
		if (device->write_stop) {
			shard_sometimes(true, "a sealed frame fails unissued");
			f->state = SHARD_HOST_ISSUED;
			f->written = true;
			f->error = device->write_stop;
			list_move_tail(&f->node, &device->issued);
			settle = true;
			continue;
		}
		/* O1: nothing goes behind what failed */
		if (device->rewrite != SHARD_REWRITE_NONE)
			break;
		/* O3: durable by itself only if all before it is durable */
		f->durable = f->fua && device->backend->fua &&
			     device->backend->volatile_cache &&
			     list_empty(&device->issued) &&
			     shard_writeback_all_durable(device->store.wb,
							 SHARD_QUEUE_HOST);
		shard_sometimes(f->durable,
				"a FUA request goes out as one FUA append");
		shard_sometimes(f->fua && !f->durable,
				"a FUA request needs a flush");
		f->state = SHARD_HOST_ISSUED;
		list_move_tail(&f->node, &device->issued);
		durable_seq = device->durable_seq;
		spin_unlock_irqrestore(&device->lock, flags);
		frame_issue(device, f, durable_seq);
		spin_lock_irqsave(&device->lock, flags);
	}
	device->issuing = false;
out:
	spin_unlock_irqrestore(&device->lock, flags);
	if (settle)
		shard_write_settle(device);
}

void shard_write_commit(struct shard_device *device)
{
	/*
	 * Reads are committed, too, and have nothing to issue.  Where no frame is being
	 * built, whoever sealed that of a write issues it, or it waits for the worker.
	 */
	if (READ_ONCE(device->building))
		write_issue(device, NULL, true);
}

/* ---- applying ---- */

static void request_durable(struct shard_dep_waiter *waiter, int error)
{
	struct shard_request *r = container_of(waiter, struct shard_request,
					       durable);
	struct shard_device *device = r->device;
	unsigned long flags;

	spin_lock_irqsave(&device->lock, flags);
	if (!error)
		shard_device_note_durable(device, r->seq);
	spin_unlock_irqrestore(&device->lock, flags);
	/* O3: no flush that follows can promise anything */
	if (error) {
		pr_err_ratelimited("%s: flush failed: %d\n", device->backend->name, error);
		shard_device_set_state(device, SHARD_STATE_READ_ONLY);
	}
	r->done(r, error ? -EIO : 0);
}

/* Ends a request once all that is written so far is durable. */
static void request_wait_durable(struct shard_device *device,
				 struct shard_request *r)
{
	shard_dep_init(&r->dep, device->store.wb);
	shard_dep_and_written(&r->dep);
	r->durable.fn = request_durable;
	shard_dep_notify(&r->dep, &r->durable);
}

static void frame_apply(struct shard_device *device, struct shard_host_frame *f)
{
	struct shard_frame *frame = f->frame;
	u32 payload = 0;
	u32 i;

	for (i = 0; i < frame->header.nr_entries; i++) {
		const struct shard_frame_entry *e = &frame->header.entries[i];
		struct shard_range range = {
			.lba = e->lba,
			.nr_blocks = e->nr_blocks,
			.mapped = e->kind == SHARDBLK_ENTRY_WRITE,
		};

		if (range.mapped) {
			range.place = frame->place;
			range.place.block += 1 + payload;
			range.csums = &frame->header.csums[payload];
			payload += e->nr_blocks;
		}
		shard_index_insert(device->index, &range);
	}
	device->applied_seq = f->last_seq;
}

static void frame_free(struct shard_device *device, struct shard_host_frame *f)
{
	device->reserved_entries -= f->frame->header.nr_entries *
				    SHARD_MEMTABLE_PER_REQUEST;
	device->reserved_csums -= f->frame->header.nr_blocks;
	f->state = SHARD_HOST_FREE;
	/* the next one to be taken, while its buffer is still cached */
	list_add(&f->node, &device->free_frames);
	device->nr_inflight--;
}

/* Requests to end, in order, once the lock is let go. */
struct write_acks {
	struct list_head plain;
	struct list_head durable;
	struct list_head failed;
};

/* O2: applies the frames that are written, up to the first that is not. */
static void frames_retire(struct shard_device *device, struct write_acks *acks)
{
	const struct shard_trace_ops *trace = device->options.trace;
	struct shard_request *r, *next;

	lockdep_assert_held(&device->lock);
	while (!list_empty(&device->issued)) {
		struct shard_host_frame *f = list_first_entry(&device->issued,
					struct shard_host_frame, node);

		/* what failed may be written again, until all is given up */
		if (!f->written || (f->error && !device->write_stop))
			break;
		list_del_init(&f->node);
		if (f->error && !device->write_error)
			device->write_error = f->error;
		if (!device->write_error)
			frame_apply(device, f);
		/* another manifest: perhaps none could be written that says what is bad */
		if (!device->write_error && f->tries)
			shard_device_want_checkpoint(device);
		if (!device->write_error && f->durable)
			shard_device_note_durable(device, f->last_seq);
		if (trace)
			trace->frame_retired(device->options.ctx,
					     f->frame->header.seq,
					     device->write_error);
		list_for_each_entry_safe(r, next, &f->requests, node)
			list_move_tail(&r->node,
				       device->write_error ? &acks->failed :
				       r->fua && !f->durable ? &acks->durable :
				       &acks->plain);
		frame_free(device, f);
	}
	if (!device->backend->volatile_cache)
		shard_device_note_durable(device, device->applied_seq);
}

static void acks_give(struct shard_device *device, struct write_acks *acks)
{
	struct shard_request *r, *next;

	list_for_each_entry_safe(r, next, &acks->plain, node) {
		list_del_init(&r->node);
		r->done(r, 0);
	}
	list_for_each_entry_safe(r, next, &acks->durable, node) {
		list_del_init(&r->node);
		request_wait_durable(device, r);
	}
	list_for_each_entry_safe(r, next, &acks->failed, node) {
		list_del_init(&r->node);
		atomic64_inc(&device->stats.write_errors);
		r->done(r, -EIO);
	}
}

void shard_write_retry(struct shard_device *device)
{
	lockdep_assert_held(&device->lock);
	/* what is being built holds entries that others may wait for */
	if (!list_empty(&device->waiting) || may_seal(device) ||
	    device->rewrite != SHARD_REWRITE_NONE)
		queue_work(device->wq, &device->admit_work);
}

void shard_write_settle(struct shard_device *device)
{
	struct write_acks acks;
	unsigned long flags;
	bool broken, issue;

	INIT_LIST_HEAD(&acks.plain);
	INIT_LIST_HEAD(&acks.durable);
	INIT_LIST_HEAD(&acks.failed);
	spin_lock_irqsave(&device->lock, flags);
	frames_retire(device, &acks);
	broken = device->write_error;
	if (may_seal(device))
		frame_seal(device);
	/* full: only a checkpoint gives back what discards gave up */
	if (!broken && (shard_device_checkpoint_due(device) ||
			(device->state == SHARD_STATE_FULL &&
			 device->applied_seq > device->checkpoint_seq)))
		shard_device_want_checkpoint(device);
	shard_write_retry(device);
	issue = !list_empty(&device->sealed);
	spin_unlock_irqrestore(&device->lock, flags);

	if (broken)
		shard_device_set_state(device, SHARD_STATE_READ_ONLY);
	if (issue)
		write_issue(device, NULL, false);
	acks_give(device, &acks);
}

static void frame_done(struct shard_append *append)
{
	struct shard_host_frame *f = append->private;
	struct shard_device *device = f->device;
	unsigned long flags;

	spin_lock_irqsave(&device->lock, flags);
	f->written = true;
	f->error = append->error;
	if (f->error && device->rewrite == SHARD_REWRITE_NONE)
		device->rewrite = SHARD_REWRITE_HOLD;
	shard_sometimes(!list_is_first(&f->node, &device->issued),
			"frames complete out of order");
	/* a flush that failed meanwhile took its durability away (O3) */
	f->durable = f->durable && !append->ticket;
	spin_unlock_irqrestore(&device->lock, flags);
	shard_write_settle(device);
}

/* ---- admission ---- */

/* May this request be taken at all?  0, or what it fails with. */
static int request_state(struct shard_device *device,
			 const struct shard_request *r)
{
	switch (device->state) {
	case SHARD_STATE_READ_WRITE:
		return 0;
	case SHARD_STATE_FULL:
		shard_sometimes(r->op != SHARD_WRITE,
				"a discard comes to a full device");
		return r->op == SHARD_WRITE ? -ENOSPC : 0;
	case SHARD_STATE_READ_ONLY:
		return -EROFS;
	default:
		return -EIO;
	}
}

void shard_write_submit(struct shard_device *device, struct shard_request *r)
{
	enum shard_blocked why = BLOCKED_NOT;
	struct shard_host_frame *f;
	unsigned long flags;
	bool payload = payload_of(r);
	int err, idx = -1;

	atomic64_inc(r->op == SHARD_WRITE ? &device->stats.writes :
					    &device->stats.discards);
	if (!r->nr_blocks ||
	    (r->op == SHARD_WRITE && r->nr_blocks > device->request_max)) {
		r->done(r, -EINVAL);
		return;
	}
	spin_lock_irqsave(&device->lock, flags);
	err = request_state(device, r);
	if (!err && list_empty(&device->waiting))
		idx = request_admit(device, r, &why);
	f = device->building;
	if (!err && idx < 0) {
		list_add_tail(&r->node, &device->waiting);
		shard_write_retry(device);
	}
	spin_unlock_irqrestore(&device->lock, flags);

	if (err) {
		atomic64_inc(&device->stats.write_errors);
		r->done(r, err);
	} else if (idx >= 0 && payload) {
		request_copy(device, r, f, idx);
	}
}

static void writes_fail(struct shard_device *device, struct list_head *failed)
{
	struct shard_request *r, *next;

	lockdep_assert_held(&device->lock);
	list_for_each_entry_safe(r, next, &device->waiting, node)
		if (r->op == SHARD_WRITE)
			list_move_tail(&r->node, failed);
}

static void failed_end(struct shard_device *device, struct list_head *failed,
		       int error)
{
	struct shard_request *r, *next;

	list_for_each_entry_safe(r, next, failed, node) {
		list_del_init(&r->node);
		atomic64_inc(&device->stats.write_errors);
		r->done(r, error);
	}
}

bool shard_write_pending(struct shard_device *device)
{
	if (may_seal(device))
		frame_seal(device);
	/* what waits to be written again does not come first */
	return device->nr_inflight && device->rewrite == SHARD_REWRITE_NONE;
}

/* One step with the first waiting request; false if it has to wait on. */
static bool admit_first(struct shard_device *device)
{
	enum shard_blocked why = BLOCKED_NOT;
	struct shard_host_frame *f = NULL;
	LIST_HEAD(failed);
	struct shard_request *r;
	unsigned long flags;
	enum shard_space space = SPACE_COMES;
	bool payload;
	int err, idx = -1;

	spin_lock_irqsave(&device->lock, flags);
	r = list_first_entry_or_null(&device->waiting, struct shard_request,
				     node);
	if (!r) {
		spin_unlock_irqrestore(&device->lock, flags);
		return false;
	}
	list_del_init(&r->node);
	payload = payload_of(r);
	err = request_state(device, r);
	if (!err) {
		idx = request_admit(device, r, &why);
		f = device->building;
	}
	if (!err && idx < 0) {
		list_add(&r->node, &device->waiting);
		if (why == BLOCKED_SPACE)
			space = shard_device_space(device, r);
		if (space != SPACE_COMES)
			writes_fail(device, &failed);
		if (space == SPACE_NONE)
			list_move(&r->node, &failed);
	}
	spin_unlock_irqrestore(&device->lock, flags);

	if (err) {
		list_add_tail(&r->node, &failed);
		failed_end(device, &failed, err);
		return true;
	}
	if (space != SPACE_COMES) {
		shard_device_set_state(device, SHARD_STATE_FULL);
		shard_watermark_look(device);
		failed_end(device, &failed, -ENOSPC);
		return true;
	}
	if (idx >= 0 && payload)
		request_copy(device, r, f, idx);
	return idx >= 0;
}

void shard_write_admit(struct work_struct *work)
{
	struct shard_device *device = container_of(work, struct shard_device,
						   admit_work);

	shard_rewrite(device);
	while (admit_first(device))
		cond_resched();
	/* the submitters' own commit may have come too early for these */
	write_issue(device, NULL, true);
}

void shard_write_flush(struct shard_device *device, struct shard_request *r)
{
	unsigned long flags;
	bool failed;

	atomic64_inc(&device->stats.flushes);
	spin_lock_irqsave(&device->lock, flags);
	failed = device->state == SHARD_STATE_FAILED;
	r->seq = device->applied_seq;
	spin_unlock_irqrestore(&device->lock, flags);
	if (failed)
		r->done(r, -EIO);
	else if (!device->store.super)
		r->done(r, 0);
	else
		request_wait_durable(device, r);
}

void shard_write_log_start(struct shard_device *device,
			   struct shard_log_start *from)
{
	struct shard_extents *ex = device->store.ex;
	struct shard_host_frame *f;
	struct shard_place place;

	lockdep_assert_held(&device->lock);
	f = list_first_entry_or_null(&device->issued, struct shard_host_frame,
				     node);
	if (!f)
		f = list_first_entry_or_null(&device->sealed,
					     struct shard_host_frame, node);
	if (f)
		place = f->frame->place;
	else
		shard_extents_tail(ex, SHARDBLK_STREAM_HOST, &place);
	from->seq = device->applied_seq;
	from->place = place;
}

/* ---- set-up and teardown ---- */

int shard_write_init(struct shard_device *device)
{
	u32 i;

	INIT_LIST_HEAD(&device->free_frames);
	INIT_LIST_HEAD(&device->sealed);
	INIT_LIST_HEAD(&device->issued);
	if (device->options.read_only)
		return 0;
	device->nr_frames = device->options.frames_in_flight + 1;
	device->frames = kvcalloc(device->nr_frames, sizeof(*device->frames),
				  GFP_KERNEL);
	if (!device->frames)
		return -ENOMEM;
	for (i = 0; i < device->nr_frames; i++) {
		struct shard_host_frame *f = &device->frames[i];

		f->device = device;
		INIT_LIST_HEAD(&f->requests);
		f->frame = shard_frame_create(&device->store,
					      device->store.frame_blocks);
		if (!f->frame)
			return -ENOMEM;
		list_add_tail(&f->node, &device->free_frames);
	}
	return 0;
}

void shard_write_exit(struct shard_device *device)
{
	u32 i;

	for (i = 0; device->frames && i < device->nr_frames; i++)
		shard_frame_destroy(device->frames[i].frame);
	kvfree(device->frames);
}
