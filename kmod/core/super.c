// SPDX-License-Identifier: GPL-2.0-only
/*
 * DOC: superblock
 *
 * A step of the writer: pick free extents for the streams that want some, take
 * the oldest wish, build the record, write copy 0 (after what the wish needs),
 * then copy 1.  Once both are durable, and not before, it acts: picked extents
 * are reset and made ready, the wish's root is installed.
 *
 * Each copy has two extents and fills one after the other.  Going over to the
 * other one resets it; it holds only older records then, and the other copy of
 * the newest record lies elsewhere anyway (O6).
 *
 * A record that cannot be written, not in the other extent of its copy either,
 * ends all records: whether it landed is not known, so nothing that depends on
 * the one or the other may be done any more.
 */
#include "super.h"

#include "event.h"
#include "stats.h"

/* Extents that one record assigns at most. */
#define SHARD_PICK_MAX	16
/* Resets that fail, one after the other, and it ends all records. */
#define SHARD_RESET_ERRORS_MAX	4

struct shard_super {
	struct shard_writeback *wb;
	struct shard_extents *ex;
	struct shard_stats *stats;
	const struct shard_super_ops *ops;
	void *ctx;
	struct workqueue_struct *wq;
	struct work_struct work;
	spinlock_t lock;		/* of these four */
	struct list_head wishes;
	u64 durable_seq;
	struct shard_super_at newest[SHARDBLK_SUPER_COPIES];
	int error;			/* sticky */
	/* the writer's own: */
	struct shard_super_head heads[SHARDBLK_SUPER_COPIES];
	struct shard_place written[SHARDBLK_SUPER_COPIES];	/* the last */
	struct shard_append append;
	struct shard_reset resets[SHARD_PICK_MAX];
	u32 nr_reset_errors;		/* since the last that did not fail */
	void *block;
	struct shard_super_record record;	/* most of it is never used */
};

static void append_done(struct shard_append *append)
{
	/* the dependency tells */
}

static u64 super_offset(const struct shard_super *super, u32 extent, u32 block)
{
	return ((u64)extent * super->record.extent_blocks + block) *
	       super->record.block_size;
}

static int super_reset(struct shard_super *super, const u32 *extents, u32 nr)
{
	u32 i;

	for (i = 0; i < nr; i++) {
		super->resets[i].io.offset = super_offset(super, extents[i], 0);
		super->resets[i].io.len = super->record.extent_blocks *
				       super->record.block_size;
	}
	return shard_writeback_reset_wait(super->wb, super->resets, nr);
}

/* For whoever draws the graph. */
static void super_tell(struct shard_super *super, enum shard_event_kind kind,
		       u32 what, u64 offset)
{
	const struct shard_tracer *tracer = shard_writeback_tracer(super->wb);
	struct shard_event event;

	if (!shard_tracer_listens(tracer))
		return;
	event = (struct shard_event){
		.kind = kind,
		.id = super->record.number,
		.offset = offset,
		.what = what,
		.seq = super->record.checkpoint_seq,
		.entries = super->record.nr_log + super->record.nr_assigned,
	};
	shard_tracer_tell(tracer, &event);
}

static int super_append(struct shard_super *super, u32 extent, u32 block,
			void *addr, u32 len, struct shard_dep *after)
{
	struct shard_append *append = &super->append;
	struct shard_dep dep;

	shard_dep_init(&dep, super->wb);
	append->offset = super_offset(super, extent, block);
	append->seg.addr = addr;
	append->seg.len = len;
	append->fua = true;
	append->lane = extent % SHARDBLK_SUPER_COPIES;
	append->after = after;
	append->dep = &dep;
	append->done = append_done;
	shard_append(super->wb, SHARD_QUEUE_SUPER, append);
	return shard_dep_wait(&dep);
}

int shard_super_wipe(struct shard_super *super, u32 extent, void *zeros,
		     u32 len)
{
	struct shard_super_head *head =
		&super->heads[extent % SHARDBLK_SUPER_COPIES];
	u32 first = head->extent == extent ? head->next : 0;
	bool zoned = shard_writeback_backend(super->wb)->zone_size;
	int err;

	/* one that is in use was reset when it was turned to */
	err = first ? 0 : super_reset(super, &extent, 1);
	/* a zoned device has forgotten all by that */
	if (err || zoned || first * super->record.block_size >= len)
		return err;
	if (first)
		head->next = U32_MAX;
	super_tell(super, SHARD_EVENT_CHUNKS, SHARD_EVENT_IS_WIPE,
		   super_offset(super, extent, first));
	return super_append(super, extent, first, zeros,
			    len - first * super->record.block_size, NULL);
}

/* Goes over to the other extent of a copy. */
static int head_turn(struct shard_super *super, struct shard_super_head *head)
{
	int err;

	shard_sometimes(head->next != U32_MAX,
			"a superblock extent is turned over");
	/* O6: all records in it are older than the one of the other copy */
	head->extent ^= SHARDBLK_SUPER_COPIES;
	head->next = 0;
	err = super_reset(super, &head->extent, 1);
	if (err)
		head->next = U32_MAX;
	return err;
}

static int copy_write_once(struct shard_super *super, u32 copy,
			   struct shard_dep *after)
{
	struct shard_super_head *head = &super->heads[copy];
	struct shard_place place = {};
	int err;

	if (head->next >= shard_super_blocks(super->record.extent_blocks)) {
		err = head_turn(super, head);
		if (err)
			return err;
	}
	place.extent = head->extent;
	place.block = head->next++;
	super->written[copy] = place;
	shard_super_encode(&super->record, &place, super->block);
	super_tell(super, SHARD_EVENT_CHUNKS, SHARD_EVENT_IS_RECORD,
		   super_offset(super, place.extent, place.block));
	return super_append(super, place.extent, place.block, super->block,
			    super->record.block_size, after);
}

static int copy_write(struct shard_super *super, u32 copy,
		      struct shard_dep *after)
{
	struct shard_super_head *head = &super->heads[copy];
	int err;

	err = copy_write_once(super, copy, after);
	if (!err)
		return 0;
	shard_sometimes(true, "a record is written again, elsewhere");
	/* once more, away from where it failed (O1) */
	head->next = U32_MAX;
	return copy_write_once(super, copy, after);
}

static void record_is_durable(struct shard_super *super)
{
	unsigned long flags;
	u32 copy;

	spin_lock_irqsave(&super->lock, flags);
	for (copy = 0; copy < SHARDBLK_SUPER_COPIES; copy++) {
		super->newest[copy].number = super->record.number;
		super->newest[copy].place = super->written[copy];
	}
	spin_unlock_irqrestore(&super->lock, flags);
	super_tell(super, SHARD_EVENT_RECORD, 0, 0);
}

/* O10: the second copy after the first is durable; both make the record so. */
static int record_write(struct shard_super *super, struct shard_dep *after)
{
	u32 copy;
	int err;

	WRITE_ONCE(super->record.number, super->record.number + 1);
	for (copy = 0; copy < SHARDBLK_SUPER_COPIES; copy++) {
		err = copy_write(super, copy, copy ? NULL : after);	/* O4 */
		if (err)
			return err;
	}
	record_is_durable(super);
	return 0;
}

static int record_fill(struct shard_super *super,
		       const struct shard_publish *wish)
{
	struct shard_super_record *record = &super->record;
	struct shard_log_start from = { .seq = record->checkpoint_seq };
	unsigned long flags;

	if (wish && wish->root) {
		from = wish->from;
		WRITE_ONCE(record->checkpoint_seq, from.seq);
		memcpy(record->manifest, wish->manifest,
		       sizeof(record->manifest));
	}
	spin_lock_irqsave(&super->lock, flags);
	record->durable_seq = max3(record->durable_seq, super->durable_seq,
				   from.seq);
	spin_unlock_irqrestore(&super->lock, flags);
	return shard_extents_record(super->ex, &from, record->durable_seq,
				    wish && wish->root, record);
}

/*
 * One that cannot be reset is bad.  When so many have failed one after the other
 * it is not the extents.
 */
static int extent_reset_failed(struct shard_super *super, u32 nr, int error)
{
	pr_err("%s: extent %u: reset failed: %d\n",
	       shard_writeback_backend(super->wb)->name, nr, error);
	if (++super->nr_reset_errors == SHARD_RESET_ERRORS_MAX)
		return error;
	shard_sometimes(true, "an extent cannot be reset, and others can");
	shard_extent_bad(super->ex, nr);
	return 0;
}

/* O5: reset after the record that assigns is durable, append after the reset */
static int extents_make_ready(struct shard_super *super, const u32 *picked,
			      u32 nr)
{
	int err;
	u32 i;

	super_reset(super, picked, nr);
	for (i = 0; i < nr; i++) {
		err = super->resets[i].io.error;
		if (err)
			err = extent_reset_failed(super, picked[i], err);
		if (err)
			return err;
		if (super->resets[i].io.error)
			continue;
		super->nr_reset_errors = 0;
		atomic64_inc(&super->stats->extents_opened);
		shard_extent_ready(super->ex, picked[i]);
	}
	return 0;
}

static struct shard_publish *wish_take(struct shard_super *super, int *error)
{
	struct shard_publish *wish;
	unsigned long flags;

	spin_lock_irqsave(&super->lock, flags);
	wish = list_first_entry_or_null(&super->wishes, struct shard_publish,
					node);
	if (wish)
		list_del_init(&wish->node);
	*error = super->error;
	spin_unlock_irqrestore(&super->lock, flags);
	return wish;
}

static void wish_end(struct shard_publish *wish, int error)
{
	if (!wish)
		return;
	wish->error = error;
	complete(&wish->done);
}

static void super_fail(struct shard_super *super, int error)
{
	unsigned long flags;

	spin_lock_irqsave(&super->lock, flags);
	super->error = error;
	spin_unlock_irqrestore(&super->lock, flags);
	super->ops->failed(super->ctx, error);
}

static bool super_step(struct shard_super *super)
{
	u32 picked[SHARD_PICK_MAX];
	struct shard_publish *wish;
	u32 nr = 0;
	int err;

	wish = wish_take(super, &err);
	if (!err && wish && wish->after)
		err = shard_dep_wait(wish->after);	/* O4 */
	if (err) {
		wish_end(wish, err);
		return wish;
	}
	nr = shard_extents_pick(super->ex, shard_super_room(super), wish,
				picked, SHARD_PICK_MAX);
	if (!nr && !wish)
		return false;
	shard_sometimes(nr > 1, "a record assigns several extents");
	err = record_fill(super, wish);
	if (!err)
		err = record_write(super, wish ? wish->after : NULL);
	if (!err)
		atomic64_inc(&super->stats->records);
	if (!err && wish && wish->root)
		shard_extents_relog(super->ex, &wish->from, true);
	/* O10: acted on only now that both copies are durable */
	if (!err)
		err = extents_make_ready(super, picked, nr);
	if (err)
		super_fail(super, err);
	wish_end(wish, err);
	if (nr)
		super->ops->assigned(super->ctx);
	return true;
}

static void super_work(struct work_struct *work)
{
	struct shard_super *super =
		container_of(work, struct shard_super, work);

	while (super_step(super))
		cond_resched();
}

int shard_super_publish(struct shard_super *super, struct shard_publish *pub)
{
	unsigned long flags;

	init_completion(&pub->done);
	spin_lock_irqsave(&super->lock, flags);
	list_add_tail(&pub->node, &super->wishes);
	spin_unlock_irqrestore(&super->lock, flags);
	queue_work(super->wq, &super->work);
	wait_for_completion(&pub->done);
	return pub->error;
}

void shard_super_assign(struct shard_super *super)
{
	if (shard_extents_low(super->ex, shard_super_room(super)))
		queue_work(super->wq, &super->work);
}

void shard_super_durable(struct shard_super *super, u64 seq)
{
	unsigned long flags;

	spin_lock_irqsave(&super->lock, flags);
	super->durable_seq = max(super->durable_seq, seq);
	spin_unlock_irqrestore(&super->lock, flags);
}

u32 shard_super_room(struct shard_super *super)
{
	u32 max = shard_super_extents_max(super->record.block_size);
	u32 named = shard_extents_named(super->ex);

	return max - min(named, max);
}

void shard_super_newest(struct shard_super *super, u32 copy,
			struct shard_super_at *at)
{
	unsigned long flags;

	spin_lock_irqsave(&super->lock, flags);
	*at = super->newest[copy];
	spin_unlock_irqrestore(&super->lock, flags);
}

void shard_super_root(struct shard_super *super,
		      struct shard_super_record *record)
{
	record->checkpoint_seq = super->record.checkpoint_seq;
	memcpy(record->manifest, super->record.manifest,
	       sizeof(record->manifest));
}

u64 shard_super_number(struct shard_super *super)
{
	return READ_ONCE(super->record.number);
}

u64 shard_super_checkpoint_seq(struct shard_super *super)
{
	return READ_ONCE(super->record.checkpoint_seq);
}

struct shard_super *
shard_super_create(struct shard_writeback *wb, struct shard_extents *ex,
		   struct shard_stats *stats,
		   const struct shard_super_record *record,
		   const struct shard_super_head heads[SHARDBLK_SUPER_COPIES],
		   const struct shard_super_ops *ops, void *ctx)
{
	struct shard_super *super = kvmalloc(sizeof(*super), GFP_KERNEL);

	if (!super)
		return NULL;
	memset(super, 0, offsetof(struct shard_super, record));
	super->wb = wb;
	super->ex = ex;
	super->stats = stats;
	super->ops = ops;
	super->ctx = ctx;
	shard_super_copy(&super->record, record);
	super->durable_seq = record->durable_seq;
	memcpy(super->heads, heads, sizeof(super->heads));
	spin_lock_init(&super->lock);
	INIT_LIST_HEAD(&super->wishes);
	INIT_WORK(&super->work, super_work);
	super->block = kvzalloc(record->block_size, GFP_KERNEL);
	if (!super->block)
		goto free_super;
	super->wq = alloc_ordered_workqueue("shardblk-super", WQ_MEM_RECLAIM);
	if (!super->wq)
		goto free_block;
	return super;

free_block:
	kvfree(super->block);
free_super:
	kvfree(super);
	return NULL;
}

void shard_super_destroy(struct shard_super *super)
{
	if (!super)
		return;
	destroy_workqueue(super->wq);
	WARN_ON(!list_empty(&super->wishes));
	kvfree(super->block);
	kvfree(super);
}
