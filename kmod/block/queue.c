// SPDX-License-Identifier: GPL-2.0-only
/*
 * The disk: requests of the block layer become requests of the engine.
 *
 * DOC: life of a request
 *
 * queue_rq translates and submits; it never refuses for want of anything, since
 * a request carries all that the engine needs (struct shardblk_cmd, allocated
 * with its tag).  The last request of a batch commits it, so that requests that
 * came together share a frame; queue_rqs is given all of a batch at once.  The
 * engine does not sleep; what it wants of the backing device is submitted when it
 * has been left (bio.c), which may.  The engine calls done from any context,
 * perhaps before queue_rq returns; from then on nothing here touches the request.
 *
 * All hardware queues share one set of tags: it bounds the memory of a device
 * by the number of requests rather than by the number of CPUs.  There is no
 * timeout, since only the backing driver can tell slow from stuck, and no
 * default scheduler, since every order of requests is one order on the disk.
 *
 * Stable pages are not asked for: the engine copies what it writes and takes
 * checksums of the copy.
 *
 * DOC: end of a disk
 *
 * close (no opener is left and none gets in) -> remove (del_gendisk() waits
 * for all requests and for all readers of sysfs; then wait for whoever submitted
 * them) -> the engine is closed -> free.  Until free the queue exists, but
 * nothing uses it.
 */
#include "block.h"

/* Requests under way in all. */
#define QUEUE_DEPTH	256

/**
 * struct shardblk_cmd - what comes with each tag
 * @request:	the engine's
 * @status:	how it ended
 * @segs:	memory of @request
 */
struct shardblk_cmd {
	struct shard_request request;
	blk_status_t status;
	struct shard_seg segs[SHARDBLK_SEGMENTS_MAX];
};

blk_status_t shardblk_errno_to_status(int error)
{
	switch (error) {
	case 0:
		return BLK_STS_OK;
	case -ENOSPC:
		return BLK_STS_NOSPC;
	default:
		/* Some others would have the request tried again. */
		return BLK_STS_IOERR;
	}
}

int shardblk_request_segs(struct request *rq, struct shard_seg *segs,
			  unsigned int max)
{
	struct req_iterator iter;
	unsigned int nr = 0;
	struct bio_vec bvec;

	rq_for_each_bvec(bvec, rq, iter) {
		if (nr == max)
			return -EIO;
		/* 64-bit only: there is no high memory. */
		segs[nr].addr = page_address(bvec.bv_page) + bvec.bv_offset;
		segs[nr].len = bvec.bv_len;
		nr++;
	}
	return nr;
}

static void queue_request_done(struct shard_request *request, int error)
{
	struct shardblk_cmd *cmd =
		container_of(request, struct shardblk_cmd, request);

	cmd->status = shardblk_errno_to_status(error);
	blk_mq_complete_request(blk_mq_rq_from_pdu(cmd));
}

static void queue_complete_rq(struct request *rq)
{
	struct shardblk_cmd *cmd = blk_mq_rq_to_pdu(rq);

	blk_mq_end_request(rq, cmd->status);
}

static blk_status_t queue_translate(struct request *rq,
				    struct shardblk_cmd *cmd)
{
	struct shard_request *request = &cmd->request;
	unsigned int block_size = queue_logical_block_size(rq->q);
	unsigned int block_shift = ilog2(block_size);
	u64 start = (u64)blk_rq_pos(rq) << SECTOR_SHIFT;
	u32 len = blk_rq_bytes(rq);

	request->fua = rq->cmd_flags & REQ_FUA;
	request->lba = start >> block_shift;
	request->nr_blocks = len >> block_shift;
	request->segs = cmd->segs;
	request->done = queue_request_done;

	switch (req_op(rq)) {
	case REQ_OP_READ:
		request->op = SHARD_READ;
		request->fua = false;
		break;
	case REQ_OP_WRITE:
		request->op = SHARD_WRITE;
		break;
	case REQ_OP_DISCARD:
	case REQ_OP_WRITE_ZEROES:
		/* REQ_NOUNMAP is no matter: unmapped space stays provisioned. */
		request->op = SHARD_DISCARD;
		break;
	case REQ_OP_FLUSH:
		request->op = SHARD_FLUSH;
		request->fua = false;
		request->lba = 0;
		request->nr_blocks = 0;
		return BLK_STS_OK;
	default:
		return BLK_STS_NOTSUPP;
	}
	/* The block layer keeps to the limits; a stacked driver may not. */
	if ((start | len) & (block_size - 1))
		return BLK_STS_IOERR;
	if (request->op != SHARD_DISCARD &&
	    shardblk_request_segs(rq, cmd->segs, SHARDBLK_SEGMENTS_MAX) < 0)
		return BLK_STS_IOERR;
	return BLK_STS_OK;
}

static blk_status_t queue_submit(struct shardblk *sb, struct request *rq)
{
	struct shardblk_cmd *cmd = blk_mq_rq_to_pdu(rq);
	blk_status_t status = queue_translate(rq, cmd);

	if (status == BLK_STS_OK) {
		blk_mq_start_request(rq);
		shard_device_submit(sb->device, &cmd->request);
	}
	return status;
}

static blk_status_t queue_rq(struct blk_mq_hw_ctx *hctx,
			     const struct blk_mq_queue_data *bd)
{
	struct shardblk *sb = hctx->queue->queuedata;
	struct shardblk_gather gather;
	blk_status_t status;

	shardblk_gather_begin(&sb->backing, &gather);
	status = queue_submit(sb, bd->rq);
	/* Also when this one was refused: others may have been gathered. */
	if (bd->last)
		shard_device_commit(sb->device);
	shardblk_gather_end(&sb->backing, &gather);
	return status;
}

static void queue_commit_rqs(struct blk_mq_hw_ctx *hctx)
{
	struct shardblk *sb = hctx->queue->queuedata;
	struct shardblk_gather gather;

	shardblk_gather_begin(&sb->backing, &gather);
	shard_device_commit(sb->device);
	shardblk_gather_end(&sb->backing, &gather);
}

/* All of one queue.  A request may not be touched once it is submitted. */
static void queue_rqs(compat_rq_list *list)
{
	struct shardblk *sb = rq_list_peek(list)->q->queuedata;
	struct shardblk_gather gather;
	struct request *rq;

	shardblk_gather_begin(&sb->backing, &gather);
	while ((rq = rq_list_pop(list))) {
		bool reads = req_op(rq) == REQ_OP_READ;
		blk_status_t status = queue_submit(sb, rq);

		if (status != BLK_STS_OK)
			blk_mq_end_request(rq, status);
		/* A frame that is full does not wait for the next one. */
		if (!reads && !list_empty(&gather.queued)) {
			shardblk_gather_end(&sb->backing, &gather);
			shardblk_gather_begin(&sb->backing, &gather);
		}
	}
	shard_device_commit(sb->device);
	shardblk_gather_end(&sb->backing, &gather);
}

/*
 * Requests end here while the backing device's are ended, under the lock of its
 * flush queue.  That of ours has a class of its own: it is taken inside the other,
 * never around it: nobody calls queue_rq with it held.
 */
static struct lock_class_key queue_flush_key;

static int queue_init_hctx(struct blk_mq_hw_ctx *hctx, void *data,
			   unsigned int index)
{
	blk_mq_hctx_set_fq_lock_class(hctx, &queue_flush_key);
	return 0;
}

static const struct blk_mq_ops queue_ops = {
	.queue_rq	= queue_rq,
	.queue_rqs	= queue_rqs,
	.commit_rqs	= queue_commit_rqs,
	.complete	= queue_complete_rq,
	.init_hctx	= queue_init_hctx,
};

/* Called under open_mutex, for partitions too. */
static int disk_open(struct compat_opened *opened, compat_blk_mode_t mode)
{
	struct shardblk *sb = compat_opened_disk(opened)->private_data;

	return sb->closing ? -ENXIO : 0;
}

static const struct block_device_operations disk_fops = {
	.owner	= THIS_MODULE,
	.open	= disk_open,
};

bool shardblk_is_ours(const struct gendisk *disk)
{
	return disk->fops == &disk_fops;
}

void shardblk_limits(const struct shard_info *info, u32 backing_dma_alignment,
		     struct compat_limits *lim)
{
	lim->block_size = info->block_size;
	/* Twice that is read ahead.  Requests that come together share a frame. */
	lim->io_opt = SHARD_REQUEST_BLOCKS_MAX * info->block_size;
	lim->max_hw_sectors = info->request_blocks_max *
			      (info->block_size >> SECTOR_SHIFT);
	lim->max_segments = SHARDBLK_SEGMENTS_MAX;
	/* A bio counts its bytes in 32 bits. */
	lim->max_unmap_sectors = round_down(UINT_MAX, info->block_size) >>
				 SECTOR_SHIFT;
	/* What is read goes from the backing device into the caller's memory. */
	lim->dma_alignment = max_t(u32, backing_dma_alignment, SECTOR_SIZE - 1);
}

static int queue_tags_create(struct blk_mq_tag_set *set)
{
	set->ops = &queue_ops;
	set->nr_hw_queues = nr_cpu_ids;
	set->queue_depth = QUEUE_DEPTH;
	set->numa_node = NUMA_NO_NODE;
	set->cmd_size = sizeof(struct shardblk_cmd);
	/*
	 * Blocking: see bio.c.  Stacking: a processor that goes offline does not wait
	 * for our requests, as in a suspend the backing device is asleep by then.
	 */
	set->flags = COMPAT_MQ_SHOULD_MERGE | BLK_MQ_F_TAG_HCTX_SHARED |
		     BLK_MQ_F_NO_SCHED_BY_DEFAULT | BLK_MQ_F_BLOCKING |
		     BLK_MQ_F_STACKING;
	return blk_mq_alloc_tag_set(set);
}

int shardblk_disk_create(struct shardblk *sb)
{
	struct compat_limits lim;
	struct shard_info info;
	struct gendisk *disk;
	int error;

	shard_device_info(sb->device, &info);
	/* The block layer sends that much at once whatever it is told. */
	if (info.request_blocks_max * info.block_size < PAGE_SIZE) {
		pr_err("requests of at most %u bytes are less than a page of memory, %lu\n",
		       info.request_blocks_max * info.block_size, PAGE_SIZE);
		return -EOPNOTSUPP;
	}
	shardblk_limits(&info, bdev_dma_alignment(sb->backing.handle.bdev),
			&lim);
	error = queue_tags_create(&sb->tag_set);
	if (error)
		return error;
	disk = compat_alloc_disk(&sb->tag_set, &lim, sb);
	if (IS_ERR(disk)) {
		error = PTR_ERR(disk);
		goto out_tags;
	}
	disk->fops = &disk_fops;
	disk->private_data = sb;
	snprintf(disk->disk_name, sizeof(disk->disk_name), "shardblk%d",
		 sb->id);
	set_capacity(disk, info.logical_blocks *
			   (info.block_size >> SECTOR_SHIFT));
	if (sb->read_only || info.state == SHARD_STATE_READ_ONLY)
		set_disk_ro(disk, true);
	sb->disk = disk;
	/* Looks for partitions, so it reads. */
	error = device_add_disk(NULL, disk, shardblk_groups);
	if (error)
		goto out_disk;
	return 0;

out_disk:
	/* It may have been in sysfs for a moment, and somebody begun a scrub. */
	shardblk_scrub_stop(sb, true);
	sb->disk = NULL;
	put_disk(disk);
out_tags:
	blk_mq_free_tag_set(&sb->tag_set);
	return error;
}

bool shardblk_disk_close(struct shardblk *sb)
{
	bool closed;

	mutex_lock(&sb->disk->open_mutex);
	closed = !disk_openers(sb->disk);
	if (closed)
		sb->closing = true;
	mutex_unlock(&sb->disk->open_mutex);
	return closed;
}

void shardblk_disk_remove(struct shardblk *sb)
{
	del_gendisk(sb->disk);
	/*
	 * A request may be done before its submitter has left the engine: the
	 * commit of its batch is still to come.  Freezing the queue waits for
	 * requests only; this waits for queue_rqs and the like as well.  That
	 * del_gendisk() does the same on the way is no promise of its.
	 */
	blk_mq_quiesce_queue(sb->disk->queue);
}

void shardblk_disk_free(struct shardblk *sb)
{
	put_disk(sb->disk);
	blk_mq_free_tag_set(&sb->tag_set);
}
