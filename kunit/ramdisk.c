// SPDX-License-Identifier: GPL-2.0-only
/*
 * Devices on a RAM disk; see ramdisk.h.
 */
#include <kunit/test.h>
#include <linux/bio.h>

#include "ramdisk.h"

void *ramdisk_pages(struct kunit *test, unsigned int order)
{
	unsigned long addr = __get_free_pages(GFP_KERNEL, order);

	KUNIT_ASSERT_NE(test, addr, 0UL);
	return (void *)addr;
}

static void waiting_io_done(struct shard_io *io)
{
	complete(&container_of(io, struct waiting_io, io)->completion);
}

int ramdisk_io(struct shardblk_backing *backing, struct waiting_io *w)
{
	init_completion(&w->completion);
	w->io.done = waiting_io_done;
	backing->backend.ops->submit(&backing->backend, &w->io);
	wait_for_completion(&w->completion);
	return w->io.error;
}

static void nothing_is_gone(struct shardblk_backing *backing)
{
	WARN_ON(1);
}

struct shardblk_backing *ramdisk_open(struct kunit *test)
{
	struct shardblk_backing *backing;
	dev_t dev = name_to_dev_t(RAM_DISK);

	KUNIT_ASSERT_NE(test, dev, 0u);
	backing = kunit_kzalloc(test, sizeof(*backing), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, backing);
	backing->gone = nothing_is_gone;
	KUNIT_ASSERT_EQ(test, shardblk_backing_open(backing, "test", dev,
						    false), 0);
	return backing;
}

void ramdisk_pattern(char *buffer, u32 len, u8 seed)
{
	u32 i;

	for (i = 0; i < len; i++)
		buffer[i] = (i >> 9) * 31 + i * 7 + seed;
}

dev_t ramdisk_format_as(struct kunit *test, u64 thin)
{
	struct shardblk_backing *backing = ramdisk_open(test);
	struct shard_format_options options = {
		.block_size = 4096, .logical_size = thin, .thin = thin,
	};
	dev_t dev = backing->dev;

	KUNIT_ASSERT_EQ(test, shard_format(&backing->backend, &options), 0);
	shardblk_backing_close(backing);
	return dev;
}

dev_t ramdisk_format(struct kunit *test)
{
	return ramdisk_format_as(test, 0);
}

int ramdisk_page(dev_t dev, blk_opf_t opf, sector_t sector, void *page)
{
	struct block_device *bdev;
	struct bio_vec bvec;
	struct bio bio;
	int error;

	bdev = blkdev_get_by_dev(dev, FMODE_READ | FMODE_WRITE, NULL);
	if (IS_ERR(bdev))
		return PTR_ERR(bdev);
	bio_init(&bio, bdev, &bvec, 1, opf);
	bio.bi_iter.bi_sector = sector;
	__bio_add_page(&bio, virt_to_page(page), PAGE_SIZE, 0);
	error = submit_bio_wait(&bio);
	bio_uninit(&bio);
	blkdev_put(bdev, FMODE_READ | FMODE_WRITE);
	return error;
}

dev_t ramdisk_number(struct kunit *test, int id)
{
	struct shardblk_status *status;

	status = kunit_kzalloc(test, sizeof(*status), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, status);
	KUNIT_ASSERT_EQ(test, shardblk_report(id, status), 0);
	KUNIT_EXPECT_STREQ(test, status->backing, RAM_DISK);
	KUNIT_EXPECT_EQ(test, status->state,
			(u32)SHARDBLK_STATE_READ_WRITE);
	return MKDEV(status->major, status->minor);
}

int ramdisk_fill(struct kunit *test, dev_t dev, u64 from, u64 len, void *page)
{
	struct bio_vec *vecs = kunit_kcalloc(test, BIO_MAX_VECS, sizeof(*vecs),
					     GFP_KERNEL);
	struct block_device *bdev;
	int error = 0;
	u64 at, i;

	KUNIT_ASSERT_NOT_NULL(test, vecs);
	bdev = blkdev_get_by_dev(dev, FMODE_READ | FMODE_WRITE, NULL);
	KUNIT_ASSERT_FALSE(test, IS_ERR(bdev));
	for (at = from; at < from + len && !error; at += i * PAGE_SIZE) {
		struct bio bio;

		bio_init(&bio, bdev, vecs, BIO_MAX_VECS, REQ_OP_WRITE);
		bio.bi_iter.bi_sector = at >> SECTOR_SHIFT;
		for (i = 0; i < BIO_MAX_VECS && at + i * PAGE_SIZE < from + len;
		     i++)
			__bio_add_page(&bio, virt_to_page(page), PAGE_SIZE, 0);
		error = submit_bio_wait(&bio);
		bio_uninit(&bio);
	}
	blkdev_put(bdev, FMODE_READ | FMODE_WRITE);
	return error;
}
