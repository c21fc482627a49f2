// SPDX-License-Identifier: GPL-2.0-only
/*
 * A whole device on a fake one; see testdev.h.
 */
#include <kunit/test.h>

#include "testdev.h"

static void state_changed(void *ctx, enum shard_state state)
{
	struct testdev *dev = ctx;

	dev->nr_states++;
	dev->low_then = dev->device && shard_device_space_low(dev->device);
}

static void space_changed(void *ctx, bool low)
{
	struct testdev *dev = ctx;

	if (low)
		dev->nr_lows++;
	else
		dev->nr_enoughs++;
}

int testdev_format(struct testdev *dev)
{
	return shard_format(&dev->fake->backend, &dev->format);
}

int testdev_open(struct testdev *dev)
{
	return shard_device_open(&dev->fake->backend, &dev->options,
				 &dev->device);
}

int testdev_close(struct testdev *dev)
{
	struct shard_device *device = dev->device;

	dev->device = NULL;
	return shard_device_close(device);
}

void testdev_restart(struct testdev *dev)
{
	KUNIT_ASSERT_EQ(dev->test, testdev_close(dev), 0);
	KUNIT_ASSERT_EQ(dev->test, testdev_open(dev), 0);
}

void testdev_crash(struct testdev *dev)
{
	u8 *image;

	fake_power_cut(dev->fake);
	image = fake_snapshot(dev->test, dev->fake);
	/* whatever it does on its way out never happened */
	shard_device_fail(dev->device);
	testdev_close(dev);
	fake_restore(dev->fake, image);
	kvfree(image);
}

static struct testdev *create(struct kunit *test, u32 block_size,
			      u32 extent_blocks, bool volatile_cache, bool fua)
{
	struct testdev *dev = kunit_kzalloc(test, sizeof(*dev), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, dev);
	dev->test = test;
	dev->format.block_size = block_size;
	dev->format.extent_size = (u64)extent_blocks * block_size;
	dev->format.logical_size = (u64)TESTDEV_BLOCKS * block_size;
	dev->format.small = true;
	dev->options.memtable_entries = 64;
	dev->options.cache_pages = 2;
	dev->options.idle_ms = SHARD_IDLE_NEVER;
	dev->options.state_changed = state_changed;
	dev->options.space_changed = space_changed;
	dev->options.ctx = dev;
	dev->fake = fake_backend_create(test, TESTDEV_EXTENTS *
					dev->format.extent_size,
					volatile_cache, fua);
	KUNIT_ASSERT_EQ(test, testdev_format(dev), 0);
	KUNIT_ASSERT_EQ(test, testdev_open(dev), 0);
	return dev;
}

struct testdev *testdev_create(struct kunit *test, bool volatile_cache,
			       bool fua)
{
	return create(test, TESTDEV_BLOCK, TESTDEV_EXTENT_BLOCKS,
		      volatile_cache, fua);
}

struct testdev *testdev_create_large(struct kunit *test, u32 block_size,
				     u32 extent_blocks)
{
	return create(test, block_size, extent_blocks, true, false);
}

void testdev_destroy(struct testdev *dev)
{
	if (dev->device)
		testdev_close(dev);
	fake_backend_destroy(dev->fake);
}

static void request_done(struct shard_request *request, int error)
{
	struct testreq *req = container_of(request, struct testreq, request);

	req->error = error;
	req->order = atomic_inc_return(&req->dev->nr_done);
	WRITE_ONCE(req->done, true);
	complete(&req->completed);
}

struct testreq *testdev_start(struct testdev *dev, enum shard_op op, u64 lba,
			      u32 nr_blocks, u8 fill, bool fua)
{
	struct kunit *test = dev->test;
	struct testreq *req = kunit_kzalloc(test, sizeof(*req), GFP_KERNEL);
	u32 size = dev->format.block_size;
	u32 i;

	KUNIT_ASSERT_NOT_NULL(test, req);
	req->dev = dev;
	init_completion(&req->completed);
	if (op == SHARD_READ || op == SHARD_WRITE) {
		req->seg.len = nr_blocks * size;
		req->seg.addr = kunit_kzalloc(test, req->seg.len, GFP_KERNEL);
		KUNIT_ASSERT_NOT_NULL(test, req->seg.addr);
	}
	for (i = 0; op == SHARD_WRITE && i < nr_blocks; i++)
		memset((u8 *)req->seg.addr + i * size, fill + i, size);
	/* what a read does not fill in must not look like a hole */
	if (op == SHARD_READ)
		memset(req->seg.addr, 0xee, req->seg.len);
	req->request.op = op;
	req->request.fua = fua;
	req->request.lba = lba;
	req->request.nr_blocks = nr_blocks;
	req->request.segs = &req->seg;
	req->request.done = request_done;
	shard_device_submit(dev->device, &req->request);
	return req;
}

int testreq_wait(struct testreq *req)
{
	wait_for_completion(&req->completed);
	return req->error;
}

static int run(struct testdev *dev, enum shard_op op, u64 lba, u32 nr_blocks,
	       u8 fill, bool fua)
{
	struct testreq *req = testdev_start(dev, op, lba, nr_blocks, fill, fua);

	shard_device_commit(dev->device);
	return testreq_wait(req);
}

int testdev_write(struct testdev *dev, u64 lba, u32 nr_blocks, u8 fill)
{
	return run(dev, SHARD_WRITE, lba, nr_blocks, fill, false);
}

int testdev_write_fua(struct testdev *dev, u64 lba, u32 nr_blocks, u8 fill)
{
	return run(dev, SHARD_WRITE, lba, nr_blocks, fill, true);
}

int testdev_discard(struct testdev *dev, u64 lba, u32 nr_blocks)
{
	return run(dev, SHARD_DISCARD, lba, nr_blocks, 0, false);
}

int testdev_flush(struct testdev *dev)
{
	return run(dev, SHARD_FLUSH, 0, 0, 0, false);
}

int testdev_read(struct testdev *dev, u64 lba)
{
	struct testreq *req = testdev_start(dev, SHARD_READ, lba, 1, 0, false);
	u8 *block = req->seg.addr;
	int err = testreq_wait(req);

	if (err)
		return err;
	if (memchr_inv(block, block[0], dev->format.block_size))
		return -EDOM;
	return block[0];
}

void testdev_expect(struct testdev *dev, u64 lba, u32 nr_blocks, u8 fill)
{
	u32 i;

	for (i = 0; i < nr_blocks; i++)
		KUNIT_EXPECT_EQ_MSG(dev->test, testdev_read(dev, lba + i),
				    (u8)(fill + i), "block %llu", lba + i);
}

void testdev_expect_holes(struct testdev *dev, u64 lba, u32 nr_blocks)
{
	u32 i;

	for (i = 0; i < nr_blocks; i++)
		KUNIT_EXPECT_EQ_MSG(dev->test, testdev_read(dev, lba + i), 0,
				    "block %llu", lba + i);
}

u64 testdev_find(struct testdev *dev, u8 fill)
{
	u32 size = dev->format.block_size;
	u64 at;

	for (at = 0; at < dev->fake->backend.capacity; at += size)
		if (!memchr_inv(dev->fake->media + at, fill, size))
			return at;
	return U64_MAX;
}

static void nothing_work(struct work_struct *work)
{
}

void testdev_sleep(struct testdev *dev)
{
	struct work_struct *work = kzalloc(sizeof(*work), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(dev->test, work);
	INIT_WORK(work, nothing_work);
	queue_work(dev->fake->wq, work);
	flush_work(work);
	kfree(work);
}

struct shard_stats_view testdev_stats(struct testdev *dev)
{
	struct shard_info *info = kunit_kzalloc(dev->test, sizeof(*info),
						GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(dev->test, info);
	shard_device_info(dev->device, info);
	return info->stats;
}
