/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Whole devices of the module on a RAM disk, and pages of any disk.
 *
 * The engine formats the RAM disk; devices are added by number, since there is no
 * /dev where these tests run.
 */
#ifndef KUNIT_RAMDISK_H
#define KUNIT_RAMDISK_H

#include "../kmod/block/block.h"

struct kunit;

#define RAM_DISK	"ram0"

/** ramdisk_find() - Return: the number of the disk of that name, or 0 */
dev_t ramdisk_find(const char *name);
/** ramdisk_close() - of compat_bdev_open(), when others are to see it closed */
void ramdisk_close(struct compat_bdev *handle);

/** ramdisk_remove() - shardblk_remove(), once what was closed is so */
int ramdisk_remove(int id);

/* An operation of the back end, and who waits for it. */
struct waiting_io {
	struct shard_io io;
	struct completion completion;
};

/** ramdisk_pages() - 2^@order pages; ends the test without memory */
void *ramdisk_pages(struct kunit *test, unsigned int order);
/** ramdisk_pattern() - bytes that differ from sector to sector, and by @seed */
void ramdisk_pattern(char *buffer, u32 len, u8 seed);

/** ramdisk_open() - the RAM disk as a back end */
struct shardblk_backing *ramdisk_open(struct kunit *test);
/** ramdisk_io() - have @w->io done.  Return: how it ended */
int ramdisk_io(struct shardblk_backing *backing, struct waiting_io *w);

/** ramdisk_format() - Return: the number of the RAM disk, which is formatted */
dev_t ramdisk_format(struct kunit *test);
/**
 * ramdisk_format_as() - the same
 * @thin:	bytes that it is to promise, however little it has; 0: not so
 */
dev_t ramdisk_format_as(struct kunit *test, u64 thin);

/** ramdisk_number() - of the device with that id, which is in good health */
dev_t ramdisk_number(struct kunit *test, int id);
/** ramdisk_page() - read or write one page of any disk.  Return: 0 or -errno */
int ramdisk_page(dev_t dev, blk_opf_t opf, sector_t sector, void *page);
/** ramdisk_fill() - write the same page over and over, in large bios */
int ramdisk_fill(struct kunit *test, dev_t dev, u64 from, u64 len, void *page);

#endif /* KUNIT_RAMDISK_H */
