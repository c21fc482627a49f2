// SPDX-License-Identifier: GPL-2.0-only
/*
 * Devices on a RAM disk; see ramdisk.h.
 */
#include <kunit/test.h>
#include <linux/bio.h>
#include <linux/file.h>

#include "ramdisk.h"

void *ramdisk_pages(struct kunit *test, unsigned int order)
{
	unsigned long addr = __get_free_pages(GFP_KERNEL, order);

	KUNIT_ASSERT_NE(test, addr, 0UL);
	return (void *)addr;
}

dev_t ramdisk_find(const char *name)
{
	struct device *dev = class_find_device_by_name(&block_class, name);
	dev_t number = dev ? dev->devt : 0;

	put_device(dev);
	return number;
}

void ramdisk_close(struct compat_bdev *handle)
{
	compat_bdev_close(handle);
	/* A kernel thread's files are closed by a worker. */
	flush_delayed_fput();
}

int ramdisk_remove(int id)
{
	/* Those who looked for partitions may not have closed it yet. */
	flush_delayed_fput();
	return shardblk_remove(id);
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
	dev_t dev = ramdisk_find(RAM_DISK);

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
	struct compat_bdev handle;
	struct bio_vec bvec;
	struct bio bio;
	int error;

	error = compat_bdev_open(&handle, dev, true, NULL);
	if (error)
		return error;
	bio_init(&bio, handle.bdev, &bvec, 1, opf);
	bio.bi_iter.bi_sector = sector;
	__bio_add_page(&bio, virt_to_page(page), PAGE_SIZE, 0);
	error = submit_bio_wait(&bio);
	bio_uninit(&bio);
	ramdisk_close(&handle);
	return error;
}

dev_t ramdisk_number(struct kunit *test, int id)
{
	struct shardblk_status *status;

	status = kunit_kzalloc(test, sizeof(*status), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, status);
	KUNIT_ASSERT_EQ(test, shardblk_report(id, status), 0);
	KUNIT_EXPECT_STREQ(test, status->backing, "/dev/" RAM_DISK);
	KUNIT_EXPECT_EQ(test, status->state,
			(u32)SHARDBLK_STATE_READ_WRITE);
	return MKDEV(status->major, status->minor);
}

int ramdisk_fill(struct kunit *test, dev_t dev, u64 from, u64 len, void *page)
{
	struct bio_vec *vecs = kunit_kcalloc(test, BIO_MAX_VECS, sizeof(*vecs),
					     GFP_KERNEL);
	struct compat_bdev handle;
	int error = 0;
	u64 at, i;

	KUNIT_ASSERT_NOT_NULL(test, vecs);
	KUNIT_ASSERT_EQ(test, compat_bdev_open(&handle, dev, true, NULL), 0);
	for (at = from; at < from + len && !error; at += i * PAGE_SIZE) {
		struct bio bio;

		bio_init(&bio, handle.bdev, vecs, BIO_MAX_VECS, REQ_OP_WRITE);
		bio.bi_iter.bi_sector = at >> SECTOR_SHIFT;
		for (i = 0; i < BIO_MAX_VECS && at + i * PAGE_SIZE < from + len;
		     i++)
			__bio_add_page(&bio, virt_to_page(page), PAGE_SIZE, 0);
		error = submit_bio_wait(&bio);
		bio_uninit(&bio);
	}
	ramdisk_close(&handle);
	return error;
}
