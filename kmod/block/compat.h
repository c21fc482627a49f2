/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What differs between kernels, in the words of the rest of kmod/block.
 *
 * For 6.1 to 7.3.  Distributions backport, so a version number does not say
 * which form an interface has: the headers do, by a macro that came with it, or,
 * where there is none, by a word that Kbuild looks for (COMPAT_HAS_...).  Kernels
 * from 6.5 to 6.10, which open block devices or set their limits in ways of their
 * own, are not meant.
 */
#ifndef SHARDBLK_COMPAT_H
#define SHARDBLK_COMPAT_H

#include <linux/blk-mq.h>
#include <linux/blkdev.h>
#include <linux/shrinker.h>

/* Flags that some kernels want to be said, and others do not know. */
#ifdef COMPAT_HAS_WQ_PERCPU
#define COMPAT_WQ_PERCPU	WQ_PERCPU
#else
#define COMPAT_WQ_PERCPU	0
#endif

#ifdef COMPAT_HAS_BLK_MQ_F_SHOULD_MERGE
#define COMPAT_MQ_SHOULD_MERGE	BLK_MQ_F_SHOULD_MERGE
#else
#define COMPAT_MQ_SHOULD_MERGE	0
#endif

/* What ->queue_rqs() is given; rq_list_pop() and rq_list_peek() take a pointer to it. */
#ifdef COMPAT_HAS_rq_list
#define compat_rq_list		struct rq_list
#else
#define compat_rq_list		struct request *
#endif

/**
 * compat_plug_aside() - take the plug off the running task, unless it is in use
 * @plug:	the task's, or NULL
 *
 * A plug with requests, tags or callbacks has to be in place when the task
 * sleeps: others may wait for them.  Since 6.9 a task that has asked for the
 * time must have the plug that keeps it; the time is forgotten.
 *
 * Return: is it off; then it is put back by setting current->plug
 */
static inline bool compat_plug_aside(struct blk_plug *plug)
{
	if (!plug)
		return true;
#ifdef COMPAT_HAS_rq_list
	if (!rq_list_empty(&plug->mq_list) || !rq_list_empty(&plug->cached_rqs))
		return false;
#else
	if (!rq_list_empty(plug->mq_list) || !rq_list_empty(plug->cached_rq))
		return false;
#endif
	if (!list_empty(&plug->cb_list))
		return false;
#ifdef PF_BLOCK_TS
	current->flags &= ~PF_BLOCK_TS;
	plug->cur_ktime = 0;
#endif
	current->plug = NULL;
	return true;
}

/**
 * struct compat_bdev - a block device held open
 * @bdev:	the device
 * @file:	how it was opened, on kernels that open files
 * @mode:	how it was opened, on the others
 */
struct compat_bdev {
	struct block_device *bdev;
#ifdef BLK_OPEN_READ
	struct file *file;
#else
	fmode_t mode;
#endif
};

/**
 * compat_bdev_open() - open a block device
 * @handle:	filled in on success
 * @dev:	which
 * @write:	to write to it too
 * @holder:	who has it alone; NULL: nobody
 *
 * Does not notice that a device is read-only.  May sleep.
 *
 * Return: 0, -EBUSY (mounted, or held by someone else), -ENXIO, ...
 */
static inline int compat_bdev_open(struct compat_bdev *handle, dev_t dev,
				   bool write, void *holder)
{
#ifdef BLK_OPEN_READ
	blk_mode_t mode = BLK_OPEN_READ | (write ? BLK_OPEN_WRITE : 0);
	struct file *file = bdev_file_open_by_dev(dev, mode, holder, NULL);

	if (IS_ERR(file))
		return PTR_ERR(file);
	handle->file = file;
	handle->bdev = file_bdev(file);
#else
	fmode_t mode = FMODE_READ | (holder ? FMODE_EXCL : 0) |
		       (write ? FMODE_WRITE : 0);
	struct block_device *bdev = blkdev_get_by_dev(dev, mode, holder);

	if (IS_ERR(bdev))
		return PTR_ERR(bdev);
	handle->bdev = bdev;
	handle->mode = mode;
#endif
	return 0;
}

/**
 * compat_bdev_close() - let go of it
 *
 * Others may open it for themselves at once.  Where it was a file, it is closed
 * when the task goes back to user space, or a little later.
 */
static inline void compat_bdev_close(struct compat_bdev *handle)
{
#ifdef BLK_OPEN_READ
	bdev_fput(handle->file);
#else
	blkdev_put(handle->bdev, handle->mode);
#endif
}

/* What a disk's ->open() is told. */
#ifdef BLK_OPEN_READ
#define compat_opened		gendisk
#define compat_blk_mode_t	blk_mode_t

static inline struct gendisk *compat_opened_disk(struct gendisk *opened)
{
	return opened;
}
#else
#define compat_opened		block_device
#define compat_blk_mode_t	fmode_t

static inline struct gendisk *compat_opened_disk(struct block_device *opened)
{
	return opened->bd_disk;
}
#endif

/**
 * compat_bdev_gone() - was the device removed from under us
 *
 * Any context.  Not every kernel tells holders, so one has to ask.
 */
static inline bool compat_bdev_gone(const struct block_device *bdev)
{
	return test_bit(GD_DEAD, &bdev->bd_disk->state) ||
	       !disk_live(bdev->bd_disk);
}

/**
 * struct compat_limits - limits and features of a disk, in bytes and sectors
 * @block_size:		logical and physical
 * @io_opt:		bytes that are best asked for one behind the other
 * @max_hw_sectors:	of the largest request
 * @max_segments:	pieces of memory of a request
 * @max_unmap_sectors:	of the largest discard and write-zeroes
 * @dma_alignment:	mask, for the address and length of each piece
 *
 * Not rotating, no source of entropy, with a volatile cache, with FUA.
 */
struct compat_limits {
	u32 block_size;
	u32 io_opt;
	u32 max_hw_sectors;
	u16 max_segments;
	u32 max_unmap_sectors;
	u32 dma_alignment;
};

#ifdef BLK_FEAT_WRITE_CACHE
static inline struct gendisk *
compat_alloc_disk(struct blk_mq_tag_set *set, const struct compat_limits *lim,
		  void *queuedata)
{
	struct queue_limits limits = {
		.features = BLK_FEAT_WRITE_CACHE | BLK_FEAT_FUA,
		.logical_block_size = lim->block_size,
		.physical_block_size = lim->block_size,
		.io_min = lim->block_size,
		.io_opt = lim->io_opt,
		.max_hw_sectors = lim->max_hw_sectors,
		.max_segments = lim->max_segments,
		.max_segment_size = UINT_MAX,
		.dma_alignment = lim->dma_alignment,
		.discard_granularity = lim->block_size,
		.max_hw_discard_sectors = lim->max_unmap_sectors,
		.max_write_zeroes_sectors = lim->max_unmap_sectors,
	};

	return blk_mq_alloc_disk(set, &limits, queuedata);
}
#else
static inline struct gendisk *
compat_alloc_disk(struct blk_mq_tag_set *set, const struct compat_limits *lim,
		  void *queuedata)
{
	struct gendisk *disk = blk_mq_alloc_disk(set, queuedata);
	struct request_queue *q;

	if (IS_ERR(disk))
		return disk;
	q = disk->queue;
	blk_queue_logical_block_size(q, lim->block_size);
	blk_queue_physical_block_size(q, lim->block_size);
	blk_queue_io_min(q, lim->block_size);
	blk_queue_io_opt(q, lim->io_opt);
	blk_queue_max_hw_sectors(q, lim->max_hw_sectors);
	blk_queue_max_segments(q, lim->max_segments);
	blk_queue_max_segment_size(q, UINT_MAX);
	blk_queue_dma_alignment(q, lim->dma_alignment);
	q->limits.discard_granularity = lim->block_size;
	blk_queue_max_discard_sectors(q, lim->max_unmap_sectors);
	blk_queue_max_write_zeroes_sectors(q, lim->max_unmap_sectors);
	blk_queue_write_cache(q, true, true);
	blk_queue_flag_set(QUEUE_FLAG_NONROT, q);
	blk_queue_flag_clear(QUEUE_FLAG_ADD_RANDOM, q);
	return disk;
}
#endif

/**
 * struct compat_shrinker - memory that can be given back when it is short
 * @shrinker:	the kernel's
 * @count:	how many pieces there are
 * @shrink:	give up to @nr back, without waiting.  Return: how many it were
 * @ctx:	their first argument
 */
struct compat_shrinker {
#ifdef SHRINKER_ALLOCATED
	struct shrinker *shrinker;
#else
	struct shrinker shrinker;
#endif
	unsigned long (*count)(void *ctx);
	unsigned long (*shrink)(void *ctx, unsigned long nr);
	void *ctx;
};

static inline struct compat_shrinker *compat_shrinker(struct shrinker *shrinker)
{
#ifdef SHRINKER_ALLOCATED
	return shrinker->private_data;
#else
	return container_of(shrinker, struct compat_shrinker, shrinker);
#endif
}

static inline unsigned long compat_shrinker_count(struct shrinker *shrinker,
						  struct shrink_control *sc)
{
	struct compat_shrinker *s = compat_shrinker(shrinker);

	return s->count(s->ctx) ?: SHRINK_EMPTY;
}

static inline unsigned long compat_shrinker_scan(struct shrinker *shrinker,
						 struct shrink_control *sc)
{
	struct compat_shrinker *s = compat_shrinker(shrinker);

	return s->shrink(s->ctx, sc->nr_to_scan) ?: SHRINK_STOP;
}

/** compat_shrinker_add() - may sleep.  Return: 0, -ENOMEM */
static inline int compat_shrinker_add(struct compat_shrinker *s, int id)
{
#ifdef SHRINKER_ALLOCATED
	s->shrinker = shrinker_alloc(0, "shardblk-%d", id);
	if (!s->shrinker)
		return -ENOMEM;
	s->shrinker->count_objects = compat_shrinker_count;
	s->shrinker->scan_objects = compat_shrinker_scan;
	s->shrinker->private_data = s;
	shrinker_register(s->shrinker);
	return 0;
#else
	s->shrinker.count_objects = compat_shrinker_count;
	s->shrinker.scan_objects = compat_shrinker_scan;
	s->shrinker.seeks = DEFAULT_SEEKS;
	return register_shrinker(&s->shrinker, "shardblk-%d", id);
#endif
}

/** compat_shrinker_remove() - nobody is in a callback afterwards; may sleep */
static inline void compat_shrinker_remove(struct compat_shrinker *s)
{
#ifdef SHRINKER_ALLOCATED
	shrinker_free(s->shrinker);
#else
	unregister_shrinker(&s->shrinker);
#endif
}

#endif /* SHARDBLK_COMPAT_H */
