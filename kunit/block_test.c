// SPDX-License-Identifier: GPL-2.0-only
/*
 * Goal: the kernel side does what it says, from a bio_vec to a whole device.
 *
 * Method: translation, limits and the control line are called directly.  The
 * back end runs on a RAM disk.  Whole devices are formatted by the engine on the
 * RAM disk, added by device number, since there is no /dev here, and used
 * through the block layer.
 */
#include <kunit/test.h>
#include <linux/bio.h>
#include <linux/debug_locks.h>
#include <linux/mount.h>
#include <linux/vmalloc.h>

#include "ramdisk.h"

#define OTHER_DISK	"nullb0"

/* ------------------------------------------------------------- translation */

static void request_memory_is_told_piece_by_piece(struct kunit *test)
{
	void *one = ramdisk_pages(test, 0), *four = ramdisk_pages(test, 2);
	struct bio_vec first_vecs[2], second_vecs[1];
	struct shard_seg segs[3];
	struct bio first, second;
	struct request *rq;

	rq = kunit_kzalloc(test, sizeof(*rq), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, rq);
	bio_init(&first, NULL, first_vecs, 2, REQ_OP_READ);
	bio_init(&second, NULL, second_vecs, 1, REQ_OP_READ);
	__bio_add_page(&first, virt_to_page(one), 512, 1024);
	__bio_add_page(&first, virt_to_page(four), 3 * PAGE_SIZE, 512);
	__bio_add_page(&second, virt_to_page(one), 1024, 0);
	first.bi_next = &second;
	rq->bio = &first;
	rq->biotail = &second;

	KUNIT_EXPECT_EQ(test, shardblk_request_segs(rq, segs, 3), 3);
	KUNIT_EXPECT_PTR_EQ(test, segs[0].addr, one + 1024);
	KUNIT_EXPECT_EQ(test, segs[0].len, 512u);
	KUNIT_EXPECT_PTR_EQ(test, segs[1].addr, four + 512);
	KUNIT_EXPECT_EQ(test, segs[1].len, (u32)(3 * PAGE_SIZE));
	KUNIT_EXPECT_PTR_EQ(test, segs[2].addr, one);
	KUNIT_EXPECT_EQ(test, segs[2].len, 1024u);

	/* Partly done: what is left, from where it is left. */
	bio_advance(&first, 768);
	KUNIT_EXPECT_EQ(test, shardblk_request_segs(rq, segs, 3), 2);
	KUNIT_EXPECT_PTR_EQ(test, segs[0].addr, four + 512 + 256);

	KUNIT_EXPECT_EQ(test, shardblk_request_segs(rq, segs, 1), -EIO);
	free_pages((unsigned long)four, 2);
	free_pages((unsigned long)one, 0);
}

static void segs_are_walked_in_contiguous_stretches(struct kunit *test)
{
	char *virt = vmalloc(3 * PAGE_SIZE), *line = ramdisk_pages(test, 1);
	struct shard_seg segs[] = {
		{ line, 100 },
		{ line + 512, PAGE_SIZE },
		{ virt + PAGE_SIZE - 8, PAGE_SIZE + 16 },
	};
	struct shardblk_segs pos = { segs, 140 };	/* past the first */
	struct bio_vec bvec;

	KUNIT_ASSERT_NOT_NULL(test, virt);
	shardblk_segs_next(&pos, 60, &bvec);
	KUNIT_EXPECT_PTR_EQ(test, bvec.bv_page, virt_to_page(line));
	KUNIT_EXPECT_EQ(test, bvec.bv_offset, 552u);
	KUNIT_EXPECT_EQ(test, bvec.bv_len, 60u);
	/* Linear memory goes on across pages. */
	shardblk_segs_next(&pos, U32_MAX, &bvec);
	KUNIT_EXPECT_EQ(test, bvec.bv_offset, 612u);
	KUNIT_EXPECT_EQ(test, bvec.bv_len, (u32)PAGE_SIZE - 100);
	/* That of vmalloc ends with each. */
	shardblk_segs_next(&pos, U32_MAX, &bvec);
	KUNIT_EXPECT_PTR_EQ(test, bvec.bv_page, vmalloc_to_page(virt));
	KUNIT_EXPECT_EQ(test, bvec.bv_len, 8u);
	shardblk_segs_next(&pos, U32_MAX, &bvec);
	KUNIT_EXPECT_PTR_EQ(test, bvec.bv_page,
			    vmalloc_to_page(virt + PAGE_SIZE));
	KUNIT_EXPECT_EQ(test, bvec.bv_offset, 0u);
	KUNIT_EXPECT_EQ(test, bvec.bv_len, (u32)PAGE_SIZE);
	shardblk_segs_next(&pos, U32_MAX, &bvec);
	KUNIT_EXPECT_EQ(test, bvec.bv_len, 8u);
	free_pages((unsigned long)line, 1);
	vfree(virt);
}

static void a_bio_ends_at_a_block(struct kunit *test)
{
	u32 len = (BIO_MAX_VECS + 4) * PAGE_SIZE;
	char *virt = vmalloc(len + PAGE_SIZE);
	struct shard_seg *segs = kunit_kzalloc(test, (BIO_MAX_VECS + 2) *
					       sizeof(*segs), GFP_KERNEL);
	struct shardblk_segs pos = { segs, 0 };
	unsigned short nr;
	int i;

	KUNIT_ASSERT_NOT_NULL(test, segs);
	KUNIT_ASSERT_NOT_NULL(test, virt);
	/* The first stretch is part of a page, so the last block is cut. */
	segs[0].addr = virt + 512;
	segs[0].len = len;
	KUNIT_EXPECT_EQ(test, shardblk_segs_fit(pos, len, 4096, &nr),
			(u32)((BIO_MAX_VECS - 1) * PAGE_SIZE));
	KUNIT_EXPECT_EQ(test, (u32)nr, (u32)BIO_MAX_VECS);
	KUNIT_EXPECT_EQ(test, shardblk_segs_fit(pos, len, 512, &nr),
			(u32)(BIO_MAX_VECS * PAGE_SIZE - 512));
	/* All that is left needs no alignment. */
	KUNIT_EXPECT_EQ(test, shardblk_segs_fit(pos, 512, 4096, &nr), 512u);
	KUNIT_EXPECT_EQ(test, (u32)nr, 1u);

	for (i = 0; i < BIO_MAX_VECS + 2; i++) {
		segs[i].addr = virt;
		segs[i].len = 4;
	}
	KUNIT_EXPECT_EQ(test, shardblk_segs_fit(pos, 1028, 4096, &nr), 0u);
	vfree(virt);
}

static void limits_follow_the_engine(struct kunit *test)
{
	struct shard_info info = { .block_size = 4096,
				   .request_blocks_max = 16 };
	struct compat_limits lim;

	shardblk_limits(&info, 3, &lim);
	KUNIT_EXPECT_EQ(test, lim.block_size, 4096u);
	KUNIT_EXPECT_EQ(test, lim.io_opt, 524288u);
	KUNIT_EXPECT_EQ(test, lim.max_hw_sectors, 128u);
	/* each block may begin in one page and end in another */
	KUNIT_EXPECT_EQ(test, (u32)lim.max_segments,
			2u * SHARD_REQUEST_BLOCKS_MAX);
	KUNIT_EXPECT_EQ(test, lim.max_unmap_sectors % 8, 0u);
	KUNIT_EXPECT_LE(test, (u64)lim.max_unmap_sectors << SECTOR_SHIFT,
			(u64)U32_MAX);
	KUNIT_EXPECT_EQ(test, lim.dma_alignment, 511u);

	info.block_size = 512;
	info.request_blocks_max = 108;
	shardblk_limits(&info, 1023, &lim);
	KUNIT_EXPECT_EQ(test, lim.block_size, 512u);
	KUNIT_EXPECT_EQ(test, lim.io_opt, 65536u);
	KUNIT_EXPECT_EQ(test, lim.max_hw_sectors, 108u);
	KUNIT_EXPECT_EQ(test, lim.dma_alignment, 1023u);
}

/* As numbers: the type of a status is not to be compared in an expression. */
static int status_of(int error)
{
	return (__force int)shardblk_errno_to_status(error);
}

static void errors_are_final(struct kunit *test)
{
	const int ioerr = (__force int)BLK_STS_IOERR;

	KUNIT_EXPECT_EQ(test, status_of(0), (__force int)BLK_STS_OK);
	KUNIT_EXPECT_EQ(test, status_of(-ENOSPC), (__force int)BLK_STS_NOSPC);
	KUNIT_EXPECT_EQ(test, status_of(-EROFS), ioerr);
	KUNIT_EXPECT_EQ(test, status_of(-EIO), ioerr);
	/* Not BLK_STS_RESOURCE, which would be tried again for ever. */
	KUNIT_EXPECT_EQ(test, status_of(-ENOMEM), ioerr);
}

static void counters_have_their_names(struct kunit *test)
{
	struct shard_stats_view view = { .reads = 1, .recovery_frames = 2 };
	const u64 *stats = (const u64 *)&view;

	KUNIT_EXPECT_STREQ(test, shardblk_stat_texts[0].name, "reads");
	KUNIT_EXPECT_EQ(test, stats[0], 1ULL);
	KUNIT_EXPECT_STREQ(test,
			   shardblk_stat_texts[SHARDBLK_NR_STATS - 1].name,
			   "recovery_frames");
	KUNIT_EXPECT_EQ(test, stats[SHARDBLK_NR_STATS - 1], 2ULL);
}

/* ------------------------------------------------------------ control line */

static int parse(const char *text, struct shardblk_command *command)
{
	static char line[256];

	strscpy(line, text, sizeof(line));
	return shardblk_command_parse(line, command);
}

static void good_lines_are_understood(struct kunit *test)
{
	struct shardblk_command c;

	KUNIT_ASSERT_EQ(test, parse("add backing=/dev/vdb", &c), 0);
	KUNIT_EXPECT_EQ(test, c.verb, SHARDBLK_ADD);
	KUNIT_EXPECT_STREQ(test, c.options.path, "/dev/vdb");
	KUNIT_EXPECT_EQ(test, c.options.id, SHARDBLK_ID_ANY);
	KUNIT_EXPECT_FALSE(test, c.options.read_only);
	KUNIT_EXPECT_FALSE(test, c.options.retry_bad);
	KUNIT_EXPECT_EQ(test, c.options.memtable, 0ULL);
	KUNIT_EXPECT_EQ(test, c.options.cache, 0ULL);
	KUNIT_EXPECT_EQ(test, c.options.low_watermark, 0u);
	KUNIT_EXPECT_EQ(test, c.options.scrub_interval, 0u);
	KUNIT_EXPECT_EQ(test, c.options.idle_ms, 0u);

	KUNIT_ASSERT_EQ(test, parse(" add  id=7,ro=1,memtable=32M,cache=65536,backing=/x=y ",
				    &c), 0);
	KUNIT_EXPECT_EQ(test, c.options.id, 7);
	KUNIT_EXPECT_TRUE(test, c.options.read_only);
	KUNIT_EXPECT_EQ(test, c.options.memtable, 32ULL << 20);
	KUNIT_EXPECT_EQ(test, c.options.cache, 65536ULL);
	KUNIT_EXPECT_STREQ(test, c.options.path, "/x=y");

	KUNIT_ASSERT_EQ(test, parse("add backing=/x,retry_bad=1", &c), 0);
	KUNIT_EXPECT_TRUE(test, c.options.retry_bad);

	KUNIT_ASSERT_EQ(test, parse("add low_watermark=50,scrub_interval=168,backing=/x",
				    &c), 0);
	KUNIT_EXPECT_EQ(test, c.options.low_watermark, 50u);
	KUNIT_EXPECT_EQ(test, c.options.scrub_interval, 168u);

	KUNIT_ASSERT_EQ(test, parse("add backing=/x,idle=100", &c), 0);
	KUNIT_EXPECT_EQ(test, c.options.idle_ms, SHARDBLK_IDLE_MS_MIN);
	KUNIT_ASSERT_EQ(test, parse("add backing=/x,idle=never", &c), 0);
	KUNIT_EXPECT_EQ(test, c.options.idle_ms, SHARDBLK_IDLE_NEVER);

	KUNIT_ASSERT_EQ(test, parse("remove id=255", &c), 0);
	KUNIT_EXPECT_EQ(test, c.verb, SHARDBLK_REMOVE);
	KUNIT_EXPECT_EQ(test, c.options.id, 255);
}

static void bad_lines_are_refused(struct kunit *test)
{
	static const char * const lines[] = {
		"", "nonsense", "add", "add ", "addbacking=/x", "add backing",
		"add backing=", "add id=1", "add backing=/x,",
		"add backing=/x,backing=/y", "add backing=/x,bogus=1",
		"add backing=/x,id=-1", "add backing=/x,id=256",
		"add backing=/x,id=", "add backing=/x,ro=maybe",
		"add backing=/x,memtable=1", "add backing=/x,memtable=2G",
		"add backing=/x,memtable=1M1", "add backing=/x,cache=0",
		"add backing=/x,low_watermark=0",
		"add backing=/x,low_watermark=51",
		"add backing=/x,scrub_interval=0",
		"add backing=/x,scrub_interval=8785",
		"add backing=/x,idle=0", "add backing=/x,idle=99",
		"add backing=/x,idle=3600001", "add backing=/x,idle=soon",
		"remove", "remove id=x", "remove id=1,ro=1",
		"remove backing=/x",
	};
	struct shardblk_command c;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(lines); i++)
		KUNIT_EXPECT_EQ_MSG(test, parse(lines[i], &c), -EINVAL,
				    "\"%s\"", lines[i]);
}

/* ---------------------------------------------------------------- back end */

static void the_backing_device_is_described(struct kunit *test)
{
	struct shardblk_backing *backing = ramdisk_open(test);
	struct shard_backend *backend = &backing->backend;

	KUNIT_EXPECT_STREQ(test, backend->name, "ram0");
	KUNIT_EXPECT_EQ(test, backend->capacity, 64ULL << 20);
	KUNIT_EXPECT_EQ(test, backend->logical_block_size, 512u);
	KUNIT_EXPECT_EQ(test, backend->zone_size, 0u);
	/* it has no cache, and may get one */
	KUNIT_EXPECT_TRUE(test, backend->volatile_cache);
	KUNIT_EXPECT_FALSE(test, backend->read_only);
	KUNIT_EXPECT_FALSE(test, shardblk_backing_gone(backing));
	shardblk_backing_close(backing);
}

static void a_backing_device_is_opened_once(struct kunit *test)
{
	struct shardblk_backing *backing = ramdisk_open(test);
	struct shardblk_backing *second;

	second = kunit_kzalloc(test, sizeof(*second), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, second);
	KUNIT_EXPECT_EQ(test, shardblk_backing_open(second, RAM_DISK,
						    backing->dev, true), -EBUSY);
	shardblk_backing_close(backing);
	KUNIT_EXPECT_EQ(test, shardblk_backing_open(second, "none",
						    MKDEV(250, 77), true), -ENXIO);
}

/* More than one bio, from and into all kinds of memory, not page by page. */
static void what_is_appended_is_read(struct kunit *test)
{
	u32 len = (BIO_MAX_VECS + 40) * PAGE_SIZE, half = len / 2 + 1536;
	struct shardblk_backing *backing = ramdisk_open(test);
	char *from = vmalloc(len + 4096), *to = vmalloc(len + 4096);
	char *line = ramdisk_pages(test, 1);
	struct shard_seg source[] = {
		{ line, 1024 }, { from + 512, half },
		{ from + 512 + half, len - half },
	};
	struct shard_seg sink[] = { { line, PAGE_SIZE },
				    { to + 1024, len - PAGE_SIZE } };
	struct waiting_io w = { .io = {
		.op = SHARD_IO_APPEND, .fua = true, .offset = 1 << 20,
		.len = len, .segs = source, .seg_skip = 1024,
	} };

	KUNIT_ASSERT_NOT_NULL(test, from);
	KUNIT_ASSERT_NOT_NULL(test, to);
	ramdisk_pattern(from, len + 4096, 3);
	KUNIT_EXPECT_EQ(test, ramdisk_io(backing, &w), 0);
	w.io = (struct shard_io){ .op = SHARD_IO_FLUSH };
	KUNIT_EXPECT_EQ(test, ramdisk_io(backing, &w), 0);
	w.io = (struct shard_io){ .op = SHARD_IO_RESET, .offset = 1 << 20,
				  .len = 1 << 20 };
	KUNIT_EXPECT_EQ(test, ramdisk_io(backing, &w), 0);
	w.io = (struct shard_io){ .op = SHARD_IO_READ, .offset = 1 << 20,
				  .len = len, .segs = sink };
	KUNIT_EXPECT_EQ(test, ramdisk_io(backing, &w), 0);
	KUNIT_EXPECT_EQ(test, memcmp(line, from + 512, PAGE_SIZE), 0);
	KUNIT_EXPECT_EQ(test, memcmp(to + 1024, from + 512 + PAGE_SIZE,
				     len - PAGE_SIZE), 0);
	/* Behind the end. */
	w.io = (struct shard_io){ .op = SHARD_IO_READ, .len = 4096,
				  .offset = backing->backend.capacity,
				  .segs = sink };
	KUNIT_EXPECT_EQ(test, ramdisk_io(backing, &w), -EIO);
	shardblk_backing_close(backing);
	free_pages((unsigned long)line, 1);
	vfree(to);
	vfree(from);
}

/* ----------------------------------------------------------- whole devices */

static void wipe(struct kunit *test, dev_t dev, u64 len)
{
	struct shardblk_backing *backing;
	char *zeros = kvzalloc(SZ_1M, GFP_KERNEL);
	struct shard_seg seg = { zeros, SZ_1M };
	u64 offset;

	backing = kunit_kzalloc(test, sizeof(*backing), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, backing);
	KUNIT_ASSERT_NOT_NULL(test, zeros);
	KUNIT_ASSERT_EQ(test, shardblk_backing_open(backing, "test", dev,
						    false), 0);
	for (offset = 0; offset < len; offset += SZ_1M) {
		struct waiting_io w = { .io = {
			.op = SHARD_IO_APPEND, .offset = offset,
			.len = SZ_1M, .segs = &seg,
		} };

		KUNIT_ASSERT_EQ(test, ramdisk_io(backing, &w), 0);
	}
	shardblk_backing_close(backing);
	kvfree(zeros);
}

static unsigned int nr_devices(void)
{
	static s32 ids[SHARDBLK_DEVICES_MAX];

	return shardblk_ids(ids);
}

static void what_is_not_formatted_is_not_added(struct kunit *test)
{
	struct shardblk_options options = {
		.path = RAM_DISK,
		.dev = ramdisk_find(RAM_DISK), .id = SHARDBLK_ID_ANY,
	};

	wipe(test, options.dev, SZ_8M);
	KUNIT_EXPECT_EQ(test, shardblk_add(&options), -ENODEV);
	/* Nothing is left: not the id, not the claim on the backing device. */
	options.id = 0;
	KUNIT_EXPECT_EQ(test, shardblk_add(&options), -ENODEV);
	options.id = SHARDBLK_DEVICES_MAX;
	KUNIT_EXPECT_EQ(test, shardblk_add(&options), -EINVAL);
	KUNIT_EXPECT_EQ(test, nr_devices(), 0u);
}

static void a_device_keeps_data_over_remove_and_add(struct kunit *test)
{
	struct shardblk_options options = { .path = "test", .id = 5 };
	char *from = ramdisk_pages(test, 0), *to = ramdisk_pages(test, 0);
	dev_t dev;

	options.dev = ramdisk_format(test);
	ramdisk_pattern(from, PAGE_SIZE, 9);
	KUNIT_ASSERT_EQ(test, shardblk_add(&options), 5);
	dev = ramdisk_number(test, 5);
	KUNIT_EXPECT_EQ(test, ramdisk_page(dev, REQ_OP_WRITE | REQ_FUA, 64, from),
			0);
	KUNIT_EXPECT_EQ(test, ramdisk_page(dev, REQ_OP_READ, 64, to), 0);
	KUNIT_EXPECT_EQ(test, memcmp(from, to, PAGE_SIZE), 0);
	KUNIT_EXPECT_EQ(test, shardblk_checkpoint(5), 0);
	KUNIT_EXPECT_EQ(test, ramdisk_remove(5), 0);
	KUNIT_EXPECT_EQ(test, ramdisk_page(dev, REQ_OP_READ, 64, to), -ENXIO);

	options.id = SHARDBLK_ID_ANY;
	options.memtable = SHARDBLK_MEMTABLE_MIN;
	options.cache = SHARDBLK_CACHE_MIN;
	KUNIT_ASSERT_EQ(test, shardblk_add(&options), 0);
	memset(to, 0, PAGE_SIZE);
	KUNIT_EXPECT_EQ(test, ramdisk_page(ramdisk_number(test, 0), REQ_OP_READ, 64,
					   to), 0);
	KUNIT_EXPECT_EQ(test, memcmp(from, to, PAGE_SIZE), 0);
	KUNIT_EXPECT_EQ(test, ramdisk_remove(0), 0);
	free_page((unsigned long)from);
	free_page((unsigned long)to);
}

static void a_device_is_added_once(struct kunit *test)
{
	struct shardblk_options options = {
		.path = "test", .id = SHARDBLK_ID_ANY,
	};
	struct shardblk_options stacked = {
		.path = "test", .id = SHARDBLK_ID_ANY,
	};

	options.dev = ramdisk_format(test);
	KUNIT_ASSERT_EQ(test, shardblk_add(&options), 0);
	KUNIT_EXPECT_EQ(test, shardblk_add(&options), -EBUSY);
	options.id = 0;
	KUNIT_EXPECT_EQ(test, shardblk_add(&options), -EEXIST);
	stacked.dev = ramdisk_number(test, 0);
	KUNIT_EXPECT_EQ(test, shardblk_add(&stacked), -ELOOP);
	KUNIT_EXPECT_EQ(test, nr_devices(), 1u);
	KUNIT_EXPECT_EQ(test, ramdisk_remove(0), 0);
}

/* The same image on two disks: the superblock extents are copied. */
static void an_image_is_added_once(struct kunit *test)
{
	struct shardblk_options options = {
		.path = "test", .id = SHARDBLK_ID_ANY,
	};
	struct shardblk_options copy = {
		.path = "test", .id = SHARDBLK_ID_ANY,
	};
	char *page = ramdisk_pages(test, 0);
	dev_t dev = ramdisk_format(test);
	sector_t sector;

	copy.dev = ramdisk_find(OTHER_DISK);
	KUNIT_ASSERT_NE(test, copy.dev, 0u);
	for (sector = 0; sector < SZ_4M >> SECTOR_SHIFT; sector += 8) {
		KUNIT_ASSERT_EQ(test, ramdisk_page(dev, REQ_OP_READ, sector, page),
				0);
		KUNIT_ASSERT_EQ(test, ramdisk_page(copy.dev, REQ_OP_WRITE, sector,
						   page), 0);
	}
	options.dev = dev;
	KUNIT_ASSERT_EQ(test, shardblk_add(&options), 0);
	KUNIT_EXPECT_EQ(test, shardblk_add(&copy), -EBUSY);
	KUNIT_EXPECT_EQ(test, ramdisk_remove(0), 0);
	wipe(test, copy.dev, SZ_4M);
	free_page((unsigned long)page);
}

static void an_open_device_is_not_removed(struct kunit *test)
{
	struct shardblk_options options = {
		.path = "test", .id = SHARDBLK_ID_ANY,
	};
	struct compat_bdev handle;

	options.dev = ramdisk_format(test);
	KUNIT_ASSERT_EQ(test, shardblk_add(&options), 0);
	KUNIT_ASSERT_EQ(test, compat_bdev_open(&handle, ramdisk_number(test, 0),
					       false, NULL), 0);
	KUNIT_EXPECT_EQ(test, ramdisk_remove(0), -EBUSY);
	KUNIT_EXPECT_EQ(test, nr_devices(), 1u);
	ramdisk_close(&handle);
	KUNIT_EXPECT_EQ(test, ramdisk_remove(0), 0);
	KUNIT_EXPECT_EQ(test, ramdisk_remove(0), -ENODEV);
	KUNIT_EXPECT_EQ(test, shardblk_checkpoint(0), -ENODEV);
}

struct plugged {
	struct bio bio;
	struct bio_vec vec;
	struct completion done;
};

static void plugged_end_io(struct bio *bio)
{
	complete(bio->bi_private);
}

static void plugged_submit(struct plugged *p, struct block_device *bdev,
			   blk_opf_t opf, void *page)
{
	bio_init(&p->bio, bdev, &p->vec, 1, opf);
	__bio_add_page(&p->bio, virt_to_page(page), PAGE_SIZE, 0);
	init_completion(&p->done);
	p->bio.bi_private = &p->done;
	p->bio.bi_end_io = plugged_end_io;
	submit_bio(&p->bio);
}

/*
 * Goal: requests are done, and are the right ones, when their submitter's plug
 * has some of another disk as well, which are sent before them or after.
 * Method: a page of each disk in one plug, written and read, in either order.
 */
static void a_plug_has_requests_of_others(struct kunit *test)
{
	struct shardblk_options options = {
		.path = "test", .id = SHARDBLK_ID_ANY,
	};
	char *pages = ramdisk_pages(test, 1), *into = ramdisk_pages(test, 1);
	struct compat_bdev disk[2];
	struct plugged *p;
	u32 round, i;

	p = kunit_kcalloc(test, 2, sizeof(*p), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, p);
	options.dev = ramdisk_format(test);
	KUNIT_ASSERT_EQ(test, shardblk_add(&options), 0);
	KUNIT_ASSERT_EQ(test, compat_bdev_open(&disk[0], ramdisk_number(test, 0),
					       true, NULL), 0);
	KUNIT_ASSERT_EQ(test, compat_bdev_open(&disk[1], ramdisk_find(OTHER_DISK),
					       true, NULL), 0);
	for (round = 0; round < 4; round++) {
		bool write = round % 2 == 0;
		struct blk_plug plug;

		if (write)
			ramdisk_pattern(pages, 2 * PAGE_SIZE, round);
		blk_start_plug(&plug);
		for (i = 0; i < 2; i++) {
			u32 nr = (round / 2 + i) % 2;

			plugged_submit(&p[i], disk[nr].bdev,
				       write ? REQ_OP_WRITE : REQ_OP_READ,
				       (write ? pages : into) + nr * PAGE_SIZE);
		}
		blk_finish_plug(&plug);
		for (i = 0; i < 2; i++) {
			wait_for_completion(&p[i].done);
			KUNIT_EXPECT_EQ(test, blk_status_to_errno(p[i].bio.bi_status),
					0);
			bio_uninit(&p[i].bio);
		}
		if (!write)
			KUNIT_EXPECT_EQ(test, memcmp(pages, into, 2 * PAGE_SIZE),
					0);
	}
	ramdisk_close(&disk[0]);
	ramdisk_close(&disk[1]);
	KUNIT_EXPECT_EQ(test, ramdisk_remove(0), 0);
	free_pages((unsigned long)pages, 1);
	free_pages((unsigned long)into, 1);
}

/*
 * Goal: a submitter that is inside submit_bio() leaves nothing on the task's list
 * of bios: it may wait, as for a tag, before it comes to that.
 * Method: let go of a plug with such a list in place, and keep it there until
 * the request has ended.
 */
static void no_bio_waits_for_its_submitter(struct kunit *test)
{
	struct shardblk_options options = {
		.path = "test", .id = SHARDBLK_ID_ANY,
	};
	struct bio_list lists[2] = { BIO_EMPTY_LIST, BIO_EMPTY_LIST };
	char *page = ramdisk_pages(test, 0);
	struct compat_bdev disk;
	struct blk_plug plug;
	struct plugged *p;
	struct bio *bio;

	p = kunit_kzalloc(test, sizeof(*p), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, p);
	options.dev = ramdisk_format(test);
	KUNIT_ASSERT_EQ(test, shardblk_add(&options), 0);
	KUNIT_ASSERT_EQ(test, compat_bdev_open(&disk, ramdisk_number(test, 0),
					       true, NULL), 0);
	blk_start_plug(&plug);
	plugged_submit(p, disk.bdev, REQ_OP_WRITE, page);
	current->bio_list = lists;
	blk_finish_plug(&plug);
	KUNIT_EXPECT_NE(test, wait_for_completion_timeout(&p->done, 5 * HZ), 0ul);
	current->bio_list = NULL;
	KUNIT_EXPECT_TRUE(test, bio_list_empty(&lists[0]));
	while ((bio = bio_list_pop(&lists[0])))
		submit_bio_noacct(bio);
	if (!completion_done(&p->done))
		wait_for_completion_timeout(&p->done, 5 * HZ);
	bio_uninit(&p->bio);
	ramdisk_close(&disk);
	KUNIT_EXPECT_EQ(test, ramdisk_remove(0), 0);
	free_page((unsigned long)page);
}

static void a_read_only_device_is_read(struct kunit *test)
{
	struct shardblk_options options = {
		.path = "test", .id = SHARDBLK_ID_ANY,
	};
	char *page = ramdisk_pages(test, 0);
	struct shardblk_status *status;
	dev_t dev;

	status = kunit_kzalloc(test, sizeof(*status), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, status);
	options.dev = ramdisk_format(test);
	/* A device as format leaves it may be opened so, too. */
	options.read_only = true;
	KUNIT_ASSERT_EQ(test, shardblk_add(&options), 0);
	KUNIT_ASSERT_EQ(test, shardblk_report(0, status), 0);
	KUNIT_EXPECT_EQ(test, status->read_only, 1u);
	KUNIT_EXPECT_EQ(test, status->state, (u32)SHARDBLK_STATE_READ_ONLY);
	dev = MKDEV(status->major, status->minor);
	ramdisk_pattern(page, PAGE_SIZE, 1);
	KUNIT_EXPECT_EQ(test, ramdisk_page(dev, REQ_OP_READ, 0, page), 0);
	KUNIT_EXPECT_NULL(test, memchr_inv(page, 0, PAGE_SIZE));
	KUNIT_EXPECT_EQ(test, ramdisk_page(dev, REQ_OP_WRITE, 0, page), -EIO);
	KUNIT_EXPECT_EQ(test, ramdisk_remove(0), 0);
	free_page((unsigned long)page);
}

/*
 * Goal: what can still be written is reported, and so is when that is little, by
 * the mark that was given.
 */
static void little_space_is_reported(struct kunit *test)
{
	struct shardblk_options options = {
		.path = "test", .id = SHARDBLK_ID_ANY,
		.idle_ms = SHARDBLK_IDLE_NEVER,
	};
	struct shardblk_status *status;
	char *page = ramdisk_pages(test, 0);
	u64 guaranteed;
	dev_t dev;

	status = kunit_kzalloc(test, sizeof(*status), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, status);
	options.dev = ramdisk_format_as(test, SZ_128M);
	KUNIT_ASSERT_EQ(test, shardblk_add(&options), 0);
	KUNIT_ASSERT_EQ(test, shardblk_report(0, status), 0);
	KUNIT_EXPECT_EQ(test, status->thin, 1u);
	KUNIT_EXPECT_EQ(test, status->low_watermark, 10u);
	KUNIT_EXPECT_EQ(test, ramdisk_remove(0), 0);

	options.low_watermark = SHARDBLK_WATERMARK_MAX;
	KUNIT_ASSERT_EQ(test, shardblk_add(&options), 0);
	dev = ramdisk_number(test, 0);
	KUNIT_ASSERT_EQ(test, shardblk_report(0, status), 0);
	KUNIT_EXPECT_EQ(test, status->low_watermark, SHARDBLK_WATERMARK_MAX);
	KUNIT_EXPECT_EQ(test, status->space_low, 0u);
	guaranteed = status->free_guaranteed * status->block_size;
	KUNIT_EXPECT_GE(test, status->free_estimate, status->free_guaranteed);
	KUNIT_EXPECT_GT(test, guaranteed, (u64)SZ_32M);
	KUNIT_EXPECT_LT(test, guaranteed, (u64)SZ_64M);

	ramdisk_pattern(page, PAGE_SIZE, 3);
	KUNIT_EXPECT_EQ(test, ramdisk_fill(test, dev, SZ_64M, guaranteed / 2 + SZ_1M,
					   page), 0);
	KUNIT_ASSERT_EQ(test, shardblk_checkpoint(0), 0);
	KUNIT_ASSERT_EQ(test, shardblk_report(0, status), 0);
	KUNIT_EXPECT_EQ(test, status->free_guaranteed * status->block_size,
			guaranteed / 2 - SZ_1M);
	KUNIT_EXPECT_EQ(test, status->space_low, 1u);
	KUNIT_EXPECT_EQ(test, ramdisk_remove(0), 0);
	free_page((unsigned long)page);
}

#ifdef CONFIG_FAILSLAB
/*
 * Each allocation on the way fails once; none may leave a trace.  With several CPUs,
 * where an add waits for others, behind the first fifty only one in ten.
 *
 * The console is silent meanwhile: kmemleak, whose allocations fail as well,
 * complains under a raw lock, from where UML's console must not be used.  So
 * what would have been seen there is asked for.
 */
static void an_add_that_fails_leaves_nothing(struct kunit *test)
{
	struct shardblk_options options = { .path = "test", .id = 3 };
	unsigned long taint = get_taint();
	int loglevel = console_loglevel;
	unsigned int nth = 0, step = 1, left;
	bool clean = true;
	int ret;

	options.dev = ramdisk_format(test);
	/* Also pushes out KUnit's own last line, which has no end yet. */
	pr_info("silent while allocations fail\n");
	console_loglevel = CONSOLE_LOGLEVEL_SILENT;
	do {
		if (nth == 50 && num_online_cpus() > 1)
			step = 10;
		nth += step;
		current->fail_nth = nth;
		ret = shardblk_add(&options);
		left = current->fail_nth;
		current->fail_nth = 0;
		if (ret < 0)
			clean = clean && !nr_devices();
		else
			clean = clean && ret == 3 && !ramdisk_remove(3);
	} while (!left && clean);
	console_loglevel = loglevel;

	KUNIT_EXPECT_TRUE(test, clean);
	KUNIT_EXPECT_EQ(test, ret, 3);
	/* It failed before, so something was tested. */
	KUNIT_EXPECT_GT(test, nth, 20u);
	KUNIT_EXPECT_EQ(test, get_taint(), taint);
	KUNIT_EXPECT_TRUE(test, debug_locks);
}
#endif

static struct kunit_case block_cases[] = {
	KUNIT_CASE(request_memory_is_told_piece_by_piece),
	KUNIT_CASE(segs_are_walked_in_contiguous_stretches),
	KUNIT_CASE(a_bio_ends_at_a_block),
	KUNIT_CASE(limits_follow_the_engine),
	KUNIT_CASE(errors_are_final),
	KUNIT_CASE(counters_have_their_names),
	KUNIT_CASE(good_lines_are_understood),
	KUNIT_CASE(bad_lines_are_refused),
	KUNIT_CASE(the_backing_device_is_described),
	KUNIT_CASE(a_backing_device_is_opened_once),
	KUNIT_CASE(what_is_appended_is_read),
	KUNIT_CASE(what_is_not_formatted_is_not_added),
	KUNIT_CASE(a_device_keeps_data_over_remove_and_add),
	KUNIT_CASE(a_device_is_added_once),
	KUNIT_CASE(an_image_is_added_once),
	KUNIT_CASE(an_open_device_is_not_removed),
	KUNIT_CASE(a_plug_has_requests_of_others),
	KUNIT_CASE(no_bio_waits_for_its_submitter),
	KUNIT_CASE(a_read_only_device_is_read),
	KUNIT_CASE(little_space_is_reported),
#ifdef CONFIG_FAILSLAB
	KUNIT_CASE(an_add_that_fails_leaves_nothing),
#endif
	{}
};

static struct kunit_suite block_suite = {
	.name = "shardblk-block",
	.test_cases = block_cases,
};

kunit_test_suite(block_suite);
