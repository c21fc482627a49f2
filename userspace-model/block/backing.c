// SPDX-License-Identifier: GPL-2.0-only
/*
 * Backing devices: disks of sim, each for one who opened it alone, in place of
 * kmod/block/bio.c.
 */
#include "block.h"
#include "sim/disk.h"
#include "../../kmod/block/block.h"

/**
 * struct backing - a backing device
 * @holder:	who has it
 * @memory:	what comes with that, as the kernel allocates some
 */
static struct backing {
	struct sim_disk *disk;
	struct block_device bdev;
	struct shardblk_backing *holder;
	void *memory;
} backings[BLOCK_BACKINGS_MAX];
static u32 nr_backings;

void block_backings_begin(struct sim_disk *const *disks, u32 nr)
{
	u32 i;

	memset(backings, 0, sizeof(backings));
	nr_backings = nr;
	for (i = 0; i < nr; i++) {
		backings[i].disk = disks[i];
		backings[i].bdev.nr = i;
	}
}

void block_backings_end(void)
{
	u32 i;

	for (i = 0; i < nr_backings; i++)
		if (backings[i].holder)
			kapi_fail("backing device %u is left open", i);
}

static struct backing *backing_of(const struct shardblk_backing *backing)
{
	return container_of(backing->handle.bdev, struct backing, bdev);
}

/* Paths are "/0", "/1", ... */
int lookup_bdev(const char *path, dev_t *dev)
{
	u32 nr = path[1] - '0';

	might_sleep();
	if (nr >= nr_backings)
		return -ENOENT;
	*dev = MKDEV(8, nr);
	return 0;
}

bool shardblk_backing_gone(const struct shardblk_backing *backing)
{
	return READ_ONCE(backing_of(backing)->disk->gone);
}

static void backing_submit(struct shard_backend *backend, struct shard_io *io)
{
	struct shardblk_backing *backing =
		container_of(backend, struct shardblk_backing, backend);
	struct backing *b = backing_of(backing);

	if (b->holder != backing)
		kapi_fail("I/O on backing device %u, which is not open",
			  b->bdev.nr);
	if (b->disk->gone)
		backing->gone(backing);
	b->disk->backend.ops->submit(&b->disk->backend, io);
}

/* Operations are issued at once; what is modelled is who may sleep when. */
void shardblk_gather_begin(struct shardblk_backing *backing,
			   struct shardblk_gather *gather)
{
	gather->task = NULL;
	INIT_LIST_HEAD(&gather->queued);
	kapi_atomic_enter();
}

void shardblk_gather_end(struct shardblk_backing *backing,
			 struct shardblk_gather *gather)
{
	kapi_atomic_exit();
	might_sleep();
}

static const struct shard_backend_ops backing_ops = {
	.submit = backing_submit,
};

int shardblk_backing_open(struct shardblk_backing *backing, const char *name,
			  dev_t dev, bool read_only)
{
	struct backing *b = &backings[MINOR(dev)];

	might_sleep();
	kapi_preempt_point("bdev_open", b, __kapi_at);
	if (b->disk->gone)
		return -ENXIO;
	if (b->holder) {
		pr_err("cannot open %s: in use\n", name);
		return -EBUSY;
	}
	b->holder = backing;
	b->memory = kmalloc(1, GFP_KERNEL);
	if (!b->memory) {
		b->holder = NULL;
		return -ENOMEM;
	}
	kapi_after(b);
	sim_disk_start(b->disk);
	backing->dev = dev;
	backing->handle.bdev = &b->bdev;
	backing->backend = b->disk->backend;
	backing->backend.ops = &backing_ops;
	backing->backend.read_only = read_only;
	snprintf(backing->backend.name, sizeof(backing->backend.name), "sim%u",
		 b->bdev.nr);
	return 0;
}

void shardblk_backing_close(struct shardblk_backing *backing)
{
	struct backing *b = backing_of(backing);

	might_sleep();
	if (b->holder != backing)
		kapi_fail("backing device %u is closed, and is not open",
			  b->bdev.nr);
	kfree(b->memory);
	kapi_before(b);
	b->holder = NULL;
	kapi_let_go_point("bdev_release", b, __kapi_at);
}

void block_backing_gone(u32 nr)
{
	WRITE_ONCE(backings[nr].disk->gone, true);
}

bool block_backing_is_held(u32 nr)
{
	return backings[nr].holder;
}
