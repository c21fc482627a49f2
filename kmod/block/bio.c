// SPDX-License-Identifier: GPL-2.0-only
/*
 * The back end: operations of the engine become bios on a block device.
 *
 * DOC: who submits bios
 *
 * The engine submits from where it happens to be: from queue_rq, and from
 * completions, which may be hard interrupts.  submit_bio() may sleep: it waits
 * for a request tag, for a throttling policy, or for whatever a stacked driver
 * waits for.  So an operation is put on a list, without allocating anything, and
 * someone who may sleep makes bios of what is there: the submitter of a request,
 * once it has left the engine, of what it gathered there; of all else a worker of
 * this device.  Either plugs, so that what was submitted together reaches the
 * backing driver together.  That spares a submitter two changes of task for each
 * operation.
 *
 * Some leave it to the worker.  Submitters that are workers themselves: kblockd,
 * which runs queues, may be needed by the backing device for what ours would wait
 * for.  And those whose own plug still holds something: it is being emptied when
 * our queue is run, so nothing may be added to it, and we plug without it; but if
 * they slept meanwhile, nobody would let go of what it holds, which may be the
 * very tags that they wait for.
 *
 * A submitter may be inside submit_bio(), which puts the bios of those that it
 * calls on a list of the task until it returns.  If it waited for one of our tags
 * before that, after it has run our queue, it would wait for what is on its own
 * list.  So that list is put aside as well.
 *
 * The worker is the only one to wait for a bio of the set, and never holds
 * more than one back while it waits for another; those that it waits for
 * are under way and come back by themselves.  Submitters take what one bio is
 * enough for, if there is one, and leave the rest to it.  So the reserve of the
 * bio set is enough for progress when there is no memory at all (workqueue with
 * a rescuer, no allocation but from reserves).
 *
 * An operation belongs to this file between submit and done: then @node links
 * it into the list, and @private names the device.  From done on, even the
 * device may be gone.
 */
#include <linux/bio.h>
#include <linux/blk-cgroup.h>

#include "block.h"

/* Two would do; a few more let the engine go on while memory is short. */
#define BIOS_RESERVED	16

void shardblk_segs_next(struct shardblk_segs *pos, u32 max,
			struct bio_vec *bvec)
{
	void *addr;
	u32 len;

	while (pos->skip >= pos->seg->len) {
		pos->skip -= pos->seg->len;
		pos->seg++;
	}
	addr = pos->seg->addr + pos->skip;
	len = min(max, pos->seg->len - pos->skip);
	bvec->bv_offset = offset_in_page(addr);
	if (is_vmalloc_addr(addr)) {
		bvec->bv_page = vmalloc_to_page(addr);
		len = min_t(u32, len, PAGE_SIZE - bvec->bv_offset);
	} else {
		bvec->bv_page = virt_to_page(addr);
	}
	bvec->bv_len = len;
	pos->skip += len;
}

u32 shardblk_segs_fit(struct shardblk_segs pos, u32 len, u32 align,
		      unsigned short *nr_vecs)
{
	struct bio_vec bvec;
	u32 fit = 0;

	*nr_vecs = 0;
	while (fit < len && *nr_vecs < BIO_MAX_VECS) {
		shardblk_segs_next(&pos, len - fit, &bvec);
		fit += bvec.bv_len;
		(*nr_vecs)++;
	}
	return fit < len ? round_down(fit, align) : len;
}

/* Caches that are indexed by virtual address: before a write, after a read. */
static void backing_sync_vmap(const struct shard_io *io)
{
	struct shardblk_segs pos = { io->segs, io->seg_skip };
	u32 left = io->len;

	while (left) {
		void *addr;
		u32 len;

		while (pos.skip >= pos.seg->len) {
			pos.skip -= pos.seg->len;
			pos.seg++;
		}
		addr = pos.seg->addr + pos.skip;
		len = min(left, pos.seg->len - pos.skip);
		if (is_vmalloc_addr(addr) && io->op == SHARD_IO_READ)
			invalidate_kernel_vmap_range(addr, len);
		else if (is_vmalloc_addr(addr))
			flush_kernel_vmap_range(addr, len);
		pos.skip += len;
		left -= len;
	}
}

bool shardblk_backing_gone(const struct shardblk_backing *backing)
{
	return compat_bdev_gone(backing->handle.bdev);
}

static void backing_finish(struct shard_io *io, blk_status_t status)
{
	struct shardblk_backing *backing = io->private;

	io->error = status ? -EIO : 0;
	if (io->error && (status == BLK_STS_OFFLINE ||
			  shardblk_backing_gone(backing)))
		backing->gone(backing);
	io->done(io);
}

static void backing_end_io(struct bio *bio)
{
	struct shard_io *io = bio->bi_private;
	blk_status_t status = bio->bi_status;

	bio_put(bio);
	if (io->op == SHARD_IO_READ)
		backing_sync_vmap(io);
	backing_finish(io, status);
}

/*
 * Frames are everybody's, and acknowledged in order: so none may wait because
 * whoever happens to submit it is idle, or has used up what its cgroup is given.
 */
static void backing_disown(struct bio *bio)
{
	bio_associate_blkg_from_css(bio, blkcg_root_css);
	bio->bi_ioprio = IOPRIO_PRIO_VALUE(IOPRIO_CLASS_BE, IOPRIO_BE_NORM);
}

static struct bio *backing_bio(struct shardblk_backing *backing,
			       struct shard_io *io, u32 done, blk_opf_t opf,
			       unsigned short nr_vecs, gfp_t gfp)
{
	struct bio *bio;

	bio = bio_alloc_bioset(backing->handle.bdev, nr_vecs, opf, gfp,
			       &backing->bios);
	if (!bio)
		return NULL;
	bio->bi_iter.bi_sector = (io->offset + done) >> SECTOR_SHIFT;
	if (io->op != SHARD_IO_READ)
		backing_disown(bio);
	return bio;
}

/* The last bio of an operation ends it. */
static void backing_submit_last(struct bio *bio, struct shard_io *io)
{
	bio->bi_private = io;
	bio->bi_end_io = backing_end_io;
	submit_bio(bio);
}

/*
 * Fill a bio with @len bytes, which shardblk_segs_fit() said it can take.
 * Drivers rely on pieces of whole sectors, wherever a block is cut.
 */
static void backing_fill(struct bio *bio, struct shardblk_segs *pos, u32 len)
{
	struct bio_vec bvec;

	while (len) {
		shardblk_segs_next(pos, len, &bvec);
		WARN_ON_ONCE((bvec.bv_offset | bvec.bv_len) &
			     (SECTOR_SIZE - 1));
		__bio_add_page(bio, bvec.bv_page, bvec.bv_len, bvec.bv_offset);
		len -= bvec.bv_len;
	}
}

/*
 * As many bios as it takes: each is chained to the next, and the last one
 * ends when all have.  Memory in pieces too small to make a bio of would be
 * an error of ours; the operation fails then.
 *
 * Returns false if that would have to wait, and nothing was done.
 */
static bool backing_issue_data(struct shardblk_backing *backing,
			       struct shard_io *io, blk_opf_t opf, gfp_t gfp)
{
	struct shardblk_segs pos = { io->segs, io->seg_skip };
	u32 align = backing->backend.logical_block_size;
	struct bio *bio = NULL, *next;
	unsigned short nr_vecs;
	u32 done = 0, len;

	while (done < io->len) {
		len = shardblk_segs_fit(pos, io->len - done, align, &nr_vecs);
		if (WARN_ON_ONCE(!len))
			break;
		if (len < io->len && !gfpflags_allow_blocking(gfp))
			return false;
		next = backing_bio(backing, io, done, opf, nr_vecs, gfp);
		if (!next)
			return false;
		if (bio) {
			bio_chain(bio, next);
			submit_bio(bio);
		}
		bio = next;
		backing_fill(bio, &pos, len);
		done += len;
	}
	if (!bio) {
		backing_finish(io, BLK_STS_IOERR);
		return true;
	}
	if (done < io->len)
		bio->bi_status = BLK_STS_IOERR;
	backing_submit_last(bio, io);
	return true;
}

/*
 * REQ_SYNC and REQ_IDLE together say that someone waits and more will come:
 * writeback throttling, which is for page cache writers, then lets it pass.
 */
static bool backing_issue(struct shardblk_backing *backing, struct shard_io *io,
			  gfp_t gfp)
{
	blk_opf_t opf = REQ_OP_WRITE | REQ_SYNC | REQ_IDLE;
	struct bio *bio;

	switch (io->op) {
	case SHARD_IO_READ:
		return backing_issue_data(backing, io, REQ_OP_READ, gfp);
	case SHARD_IO_APPEND:
		backing_sync_vmap(io);
		if (io->fua)
			opf |= REQ_FUA;
		return backing_issue_data(backing, io, opf, gfp);
	case SHARD_IO_FLUSH:
		bio = backing_bio(backing, io, 0, opf | REQ_PREFLUSH, 0, gfp);
		if (!bio)
			return false;
		backing_submit_last(bio, io);
		break;
	case SHARD_IO_RESET:
	case SHARD_IO_FINISH:
		backing_finish(io, BLK_STS_OK);
		break;
	}
	return true;
}

/* Issues what can be without more waiting than @gfp allows, and takes it off. */
static void backing_issue_all(struct shardblk_backing *backing,
			      struct list_head *batch, gfp_t gfp)
{
	struct blk_plug plug;
	struct shard_io *io;

	if (!list_is_singular(batch))
		blk_start_plug(&plug);
	while ((io = list_first_entry_or_null(batch, struct shard_io, node))) {
		list_del(&io->node);
		if (!backing_issue(backing, io, gfp)) {
			list_add(&io->node, batch);
			break;
		}
	}
	/* nothing, if none was started */
	blk_finish_plug(&plug);
}

static void backing_work(struct work_struct *work)
{
	struct shardblk_backing *backing =
		container_of(work, struct shardblk_backing, work);
	LIST_HEAD(batch);

	spin_lock_irq(&backing->lock);
	list_splice_init(&backing->queued, &batch);
	spin_unlock_irq(&backing->lock);
	backing_issue_all(backing, &batch, GFP_NOIO);
}

static void backing_queue(struct shardblk_backing *backing,
			  struct list_head *batch)
{
	unsigned long flags;

	spin_lock_irqsave(&backing->lock, flags);
	list_splice_tail(batch, &backing->queued);
	spin_unlock_irqrestore(&backing->lock, flags);
	queue_work(backing->workqueue, &backing->work);
}

void shardblk_gather_begin(struct shardblk_backing *backing,
			   struct shardblk_gather *gather)
{
	gather->task = current->flags & PF_WQ_WORKER ? NULL : current;
	INIT_LIST_HEAD(&gather->queued);
	if (!gather->task)
		return;
	spin_lock_irq(&backing->lock);
	list_add(&gather->node, &backing->gathers);
	spin_unlock_irq(&backing->lock);
}

void shardblk_gather_end(struct shardblk_backing *backing,
			 struct shardblk_gather *gather)
{
	struct bio_list *outer_bios = current->bio_list;
	struct blk_plug *outer = current->plug;

	if (!gather->task)
		return;
	/* before: what completions submit meanwhile is the worker's */
	spin_lock_irq(&backing->lock);
	list_del(&gather->node);
	spin_unlock_irq(&backing->lock);
	if (list_empty(&gather->queued))
		return;
	/* "who submits bios": it is being emptied, and may take no more */
	if (compat_plug_aside(outer)) {
		current->bio_list = NULL;
		backing_issue_all(backing, &gather->queued, GFP_NOWAIT);
		current->bio_list = outer_bios;
		current->plug = outer;
	}
	if (!list_empty(&gather->queued))
		backing_queue(backing, &gather->queued);
}

/* What the running task, and not an interrupt of it, gathers into; or NULL. */
static struct list_head *gather_of(struct shardblk_backing *backing)
{
	struct shardblk_gather *gather;

	lockdep_assert_held(&backing->lock);
	list_for_each_entry(gather, &backing->gathers, node)
		if (gather->task == current && in_task())
			return &gather->queued;
	return NULL;
}

static void backing_submit(struct shard_backend *backend, struct shard_io *io)
{
	struct shardblk_backing *backing =
		container_of(backend, struct shardblk_backing, backend);
	struct list_head *gathered;
	unsigned long flags;

	io->private = backing;
	/* Nothing to rewind on a conventional device. */
	if (io->op == SHARD_IO_RESET) {
		backing_finish(io, BLK_STS_OK);
		return;
	}
	spin_lock_irqsave(&backing->lock, flags);
	gathered = gather_of(backing);
	list_add_tail(&io->node, gathered ?: &backing->queued);
	spin_unlock_irqrestore(&backing->lock, flags);
	if (!gathered)
		queue_work(backing->workqueue, &backing->work);
}

static const struct shard_backend_ops backing_ops = {
	.submit = backing_submit,
};

/* May we have it, and for writing? */
static int backing_permit(struct block_device *bdev, bool read_only)
{
	if (shardblk_is_ours(bdev->bd_disk)) {
		pr_err("%pg is a shardblk device; refusing to stack one on another\n",
		       bdev);
		return -ELOOP;
	}
	if (bdev_is_zoned(bdev)) {
		pr_err("%pg is zoned, which this version does not support\n",
		       bdev);
		return -EOPNOTSUPP;
	}
	if (!read_only && bdev_read_only(bdev)) {
		pr_err("%pg is read-only; add it with ro=1\n", bdev);
		return -EROFS;
	}
	return 0;
}

static void backing_describe(struct shardblk_backing *backing, bool read_only)
{
	struct block_device *bdev = backing->handle.bdev;
	struct shard_backend *backend = &backing->backend;

	memset(backend, 0, sizeof(*backend));
	backend->ops = &backing_ops;
	snprintf(backend->name, sizeof(backend->name), "%pg", bdev);
	/* cciss!c0d0 is /dev/cciss/c0d0 */
	strreplace(backend->name, '!', '/');
	backend->capacity = bdev_nr_bytes(bdev);
	backend->logical_block_size = bdev_logical_block_size(bdev);
	backend->physical_block_size = bdev_physical_block_size(bdev);
	backend->misaligned = bdev_alignment_offset(bdev);
	/*
	 * Whether it has a write cache may change while it is open.  The block layer
	 * knows, and ends flushes of a disk that has none before they reach it.
	 */
	backend->volatile_cache = true;
	backend->fua = bdev_fua(bdev);
	backend->read_only = read_only;
}

int shardblk_backing_open(struct shardblk_backing *backing, const char *name,
			  dev_t dev, bool read_only)
{
	int error;

	error = compat_bdev_open(&backing->handle, dev, !read_only, backing);
	if (error) {
		pr_err("cannot open %s: %s (error %d)\n", name,
		       error == -EBUSY ? "mounted, or otherwise in use" :
					 "is it there?", error);
		return error;
	}
	error = backing_permit(backing->handle.bdev, read_only);
	if (error)
		goto out_close;

	/* What someone wrote through the page cache must be there to recover. */
	error = sync_blockdev(backing->handle.bdev);
	if (error)
		goto out_close;
	error = bioset_init(&backing->bios, BIOS_RESERVED, 0,
			    BIOSET_NEED_BVECS);
	if (error)
		goto out_close;
	error = -ENOMEM;
	backing->workqueue = alloc_workqueue("shardblk-io-%u:%u",
					     WQ_MEM_RECLAIM | WQ_HIGHPRI |
					     COMPAT_WQ_PERCPU, 1, MAJOR(dev),
					     MINOR(dev));
	if (!backing->workqueue)
		goto out_bios;
	INIT_WORK(&backing->work, backing_work);
	spin_lock_init(&backing->lock);
	INIT_LIST_HEAD(&backing->queued);
	INIT_LIST_HEAD(&backing->gathers);
	backing->dev = dev;
	backing_describe(backing, read_only);
	return 0;

out_bios:
	bioset_exit(&backing->bios);
out_close:
	compat_bdev_close(&backing->handle);
	return error;
}

void shardblk_backing_close(struct shardblk_backing *backing)
{
	destroy_workqueue(backing->workqueue);
	WARN_ON_ONCE(!list_empty(&backing->queued));
	WARN_ON_ONCE(!list_empty(&backing->gathers));
	bioset_exit(&backing->bios);
	/* The page cache knows nothing of our writes. */
	invalidate_bdev(backing->handle.bdev);
	compat_bdev_close(&backing->handle);
}
