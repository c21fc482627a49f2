/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What differs between kernels, in the words of the rest of kmod/block.
 *
 * Written for 6.1.  Distributions backport, so a version number does not say
 * which form an interface has: what is added here is to be chosen by a probe
 * of the headers, not by LINUX_VERSION_CODE.
 */
#ifndef SHARDBLK_COMPAT_H
#define SHARDBLK_COMPAT_H

#include <linux/blk-mq.h>
#include <linux/blkdev.h>
#include <linux/shrinker.h>

/**
 * struct compat_bdev - a block device held open for us alone
 * @bdev:	the device
 * @mode:	how it was opened
 */
struct compat_bdev {
	struct block_device *bdev;
	fmode_t mode;
};

/**
 * compat_bdev_open() - open a block device for us alone
 * @handle:	filled in on success
 * @dev:	which
 * @write:	to write to it too
 * @holder:	who "we" are
 *
 * Does not notice that a device is read-only.  May sleep.
 *
 * Return: 0, -EBUSY (mounted, or held by someone else), -ENXIO, ...
 */
static inline int compat_bdev_open(struct compat_bdev *handle, dev_t dev,
				   bool write, void *holder)
{
	fmode_t mode = FMODE_READ | FMODE_EXCL | (write ? FMODE_WRITE : 0);
	struct block_device *bdev = blkdev_get_by_dev(dev, mode, holder);

	if (IS_ERR(bdev))
		return PTR_ERR(bdev);
	handle->bdev = bdev;
	handle->mode = mode;
	return 0;
}

static inline void compat_bdev_close(struct compat_bdev *handle)
{
	blkdev_put(handle->bdev, handle->mode);
}

/**
 * compat_bdev_gone() - was the device removed from under us
 *
 * Any context.  6.1 does not tell holders, so one has to ask.
 */
static inline bool compat_bdev_gone(const struct block_device *bdev)
{
	return test_bit(GD_DEAD, &bdev->bd_disk->state) ||
	       !disk_live(bdev->bd_disk);
}

/**
 * struct compat_limits - limits and features of a disk, in bytes and sectors
 * @block_size:		logical and physical
 * @io_opt:		bytes of the largest request
 * @max_hw_sectors:	the same in sectors
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

/**
 * struct compat_shrinker - memory that can be given back when it is short
 * @shrinker:	the kernel's
 * @count:	how many pieces there are
 * @shrink:	give up to @nr back, without waiting.  Return: how many it were
 * @ctx:	their first argument
 */
struct compat_shrinker {
	struct shrinker shrinker;
	unsigned long (*count)(void *ctx);
	unsigned long (*shrink)(void *ctx, unsigned long nr);
	void *ctx;
};

static inline unsigned long compat_shrinker_count(struct shrinker *shrinker,
						  struct shrink_control *sc)
{
	struct compat_shrinker *s = container_of(shrinker,
						 struct compat_shrinker,
						 shrinker);

	return s->count(s->ctx) ?: SHRINK_EMPTY;
}

static inline unsigned long compat_shrinker_scan(struct shrinker *shrinker,
						 struct shrink_control *sc)
{
	struct compat_shrinker *s = container_of(shrinker,
						 struct compat_shrinker,
						 shrinker);

	return s->shrink(s->ctx, sc->nr_to_scan) ?: SHRINK_STOP;
}

/** compat_shrinker_add() - may sleep.  Return: 0, -ENOMEM */
static inline int compat_shrinker_add(struct compat_shrinker *s, int id)
{
	s->shrinker.count_objects = compat_shrinker_count;
	s->shrinker.scan_objects = compat_shrinker_scan;
	s->shrinker.seeks = DEFAULT_SEEKS;
	return register_shrinker(&s->shrinker, "shardblk-%d", id);
}

/** compat_shrinker_remove() - nobody is in a callback afterwards; may sleep */
static inline void compat_shrinker_remove(struct compat_shrinker *s)
{
	unregister_shrinker(&s->shrinker);
}

#endif /* SHARDBLK_COMPAT_H */
