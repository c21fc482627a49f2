// SPDX-License-Identifier: GPL-2.0-only
/*
 * A backing device in memory; see fake_backend.h.
 *
 * Data moves when an operation completes, not when it is submitted, so that a
 * buffer that is given back too early is seen.
 */
#include <kunit/test.h>

#include "fake_backend.h"

#define SECTOR	512u

static struct fake_backend *to_fake(struct shard_backend *backend)
{
	return container_of(backend, struct fake_backend, backend);
}

/* --- the medium --- */

static void segs_move(const struct shard_io *io, u8 *media, bool out)
{
	const struct shard_seg *seg = io->segs;
	u32 skip = io->seg_skip, left = io->len;

	while (left) {
		u32 len;

		if (skip >= seg->len) {
			skip -= seg->len;
			seg++;
			continue;
		}
		len = min(left, seg->len - skip);
		if (out)
			memcpy(media, (u8 *)seg->addr + skip, len);
		else
			memcpy((u8 *)seg->addr + skip, media, len);
		media += len;
		left -= len;
		skip += len;
	}
}

static void sector_settle(struct fake_backend *fake, u64 sector)
{
	memcpy(fake->stable + sector * SECTOR, fake->media + sector * SECTOR,
	       SECTOR);
	__clear_bit(sector, fake->dirty);
}

static void media_flush(struct fake_backend *fake)
{
	unsigned long sector, nr = fake->backend.capacity / SECTOR;

	for (sector = find_first_bit(fake->dirty, nr); sector < nr;
	     sector = find_next_bit(fake->dirty, nr, sector + 1))
		sector_settle(fake, sector);
}

static int media_append(struct fake_backend *fake, const struct shard_io *io)
{
	bool durable = io->fua || !fake->backend.volatile_cache;
	u32 zone_size = fake->backend.zone_size;
	u64 sector;

	if (zone_size) {
		u64 *wp = &fake->wp[div_u64(io->offset, zone_size)];

		if (io->offset % zone_size != *wp ||
		    io->len > zone_size - *wp)
			return -EIO;
		*wp += io->len;
	}
	segs_move(io, fake->media + io->offset, true);
	for (sector = io->offset / SECTOR;
	     sector < (io->offset + io->len) / SECTOR; sector++) {
		__set_bit(sector, fake->dirty);
		if (durable)
			sector_settle(fake, sector);
	}
	return 0;
}

static int media_reset(struct fake_backend *fake, const struct shard_io *io)
{
	if (!fake->backend.zone_size)
		return 0;
	fake->wp[div_u64(io->offset, fake->backend.zone_size)] = 0;
	memset(fake->media + io->offset, 0, io->len);
	memset(fake->stable + io->offset, 0, io->len);
	return 0;
}

static int media_finish(struct fake_backend *fake, const struct shard_io *io)
{
	u32 zone_size = fake->backend.zone_size;

	if (!zone_size || io->offset % zone_size || io->len != zone_size)
		return -EINVAL;
	fake->wp[div_u64(io->offset, zone_size)] = zone_size;
	return 0;
}

static int media_do(struct fake_backend *fake, const struct shard_io *io)
{
	if (io->op != SHARD_IO_FLUSH &&
	    (io->offset > fake->backend.capacity ||
	     io->len > fake->backend.capacity - io->offset ||
	     io->offset % SECTOR || io->len % SECTOR))
		return -EINVAL;
	switch (io->op) {
	case SHARD_IO_READ:
		if (fake->bad_offset - io->offset < io->len)
			return -EIO;
		segs_move(io, fake->media + io->offset, false);
		return 0;
	case SHARD_IO_APPEND:
		return media_append(fake, io);
	case SHARD_IO_FLUSH:
		media_flush(fake);
		return 0;
	case SHARD_IO_RESET:
		return media_reset(fake, io);
	case SHARD_IO_FINISH:
		return media_finish(fake, io);
	}
	return -EINVAL;
}

/* --- operations --- */

static int fault_take(struct fake_fault *fault)
{
	int error = fault->error;

	if (!error)
		return 0;
	if (fault->skip) {
		fault->skip--;
		return 0;
	}
	if (fault->times && !--fault->times)
		fault->error = 0;
	return error;
}

static bool fault_there(const struct fake_fault *fault, u64 offset)
{
	return offset >= fault->from && (!fault->to || offset < fault->to);
}

static void complete_io(struct fake_backend *fake, struct shard_io *io)
{
	struct fake_fault *fault = &fake->faults[io->op];
	unsigned long flags;
	int error;

	spin_lock_irqsave(&fake->lock, flags);
	error = fault_there(fault, io->offset) ? fault_take(fault) : 0;
	if (!error || fault->lands) {
		int real = media_do(fake, io);

		error = error ? error : real;
	}
	spin_unlock_irqrestore(&fake->lock, flags);
	io->error = error;
	io->done(io);
}

static void note(struct fake_backend *fake, const struct shard_io *io)
{
	lockdep_assert_held(&fake->lock);
	fake->nr[io->op]++;
	fake->bytes[io->op] += io->len;
	if (io->op == SHARD_IO_APPEND && io->fua)
		fake->nr_fua++;
	fake->submitter = current;
	if (fake->nr_log == FAKE_LOG_MAX)
		return;
	fake->log[fake->nr_log++] = (struct fake_op){
		.op = io->op,
		.fua = io->fua,
		.offset = io->offset,
		.len = io->len,
	};
}

static void fake_submit(struct shard_backend *backend, struct shard_io *io)
{
	struct fake_backend *fake = to_fake(backend);
	enum fake_mode mode;
	unsigned long flags;

	WARN_ON(io->op == SHARD_IO_APPEND && !io->len);
	spin_lock_irqsave(&fake->lock, flags);
	note(fake, io);
	mode = fake->mode[io->op];
	if (mode != FAKE_AT_ONCE) {
		list_add_tail(&io->node, &fake->pending);
		fake->nr_pending++;
		fake->nr_pending_max = max(fake->nr_pending_max,
					   fake->nr_pending);
	}
	wake_up_all(&fake->changed);
	spin_unlock_irqrestore(&fake->lock, flags);

	if (mode == FAKE_AT_ONCE)
		complete_io(fake, io);
	else if (mode == FAKE_LATER)
		queue_work(fake->wq, &fake->work);
}

static int fake_report(struct shard_backend *backend, u64 offset, u64 *wp)
{
	struct fake_backend *fake = to_fake(backend);
	unsigned long flags;
	int err;

	if (!backend->zone_size)
		return -EOPNOTSUPP;
	spin_lock_irqsave(&fake->lock, flags);
	err = fault_take(&fake->report_fault);
	*wp = fake->wp[div_u64(offset, backend->zone_size)];
	spin_unlock_irqrestore(&fake->lock, flags);
	return err;
}

static struct shard_io *pending_take(struct fake_backend *fake, u32 idx)
{
	struct shard_io *io = NULL, *at;
	unsigned long flags;

	spin_lock_irqsave(&fake->lock, flags);
	list_for_each_entry(at, &fake->pending, node) {
		if (idx--)
			continue;
		io = at;
		list_del_init(&io->node);
		fake->nr_pending--;
		break;
	}
	spin_unlock_irqrestore(&fake->lock, flags);
	return io;
}

void fake_release_nth(struct fake_backend *fake, u32 idx)
{
	struct shard_io *io = pending_take(fake, idx);

	WARN_ON(!io);
	if (io)
		complete_io(fake, io);
}

u32 fake_release(struct fake_backend *fake, u32 max)
{
	struct shard_io *io;
	u32 nr;

	for (nr = 0; nr < max; nr++) {
		io = pending_take(fake, 0);
		if (!io)
			break;
		complete_io(fake, io);
	}
	return nr;
}

void fake_release_all(struct fake_backend *fake)
{
	fake_release(fake, U32_MAX);
}

static void later_work(struct work_struct *work)
{
	struct fake_backend *fake =
		container_of(work, struct fake_backend, work);
	struct shard_io *io;

	/* one at a time: what a completion sets going may overtake the next */
	io = pending_take(fake, 0);
	if (!io)
		return;
	queue_work(fake->wq, &fake->work);
	complete_io(fake, io);
}

u32 fake_nr_pending(struct fake_backend *fake)
{
	unsigned long flags;
	u32 nr;

	spin_lock_irqsave(&fake->lock, flags);
	nr = fake->nr_pending;
	spin_unlock_irqrestore(&fake->lock, flags);
	return nr;
}

void fake_wait_pending(struct fake_backend *fake, u32 nr)
{
	wait_event(fake->changed, fake_nr_pending(fake) >= nr);
}

/* --- controls --- */

void fake_mode_set(struct fake_backend *fake, enum fake_mode mode)
{
	unsigned long flags;
	u32 i;

	spin_lock_irqsave(&fake->lock, flags);
	for (i = 0; i < FAKE_OPS; i++)
		fake->mode[i] = mode;
	spin_unlock_irqrestore(&fake->lock, flags);
}

void fake_fail(struct fake_backend *fake, enum shard_io_op op, int error,
	       u32 times)
{
	unsigned long flags;

	spin_lock_irqsave(&fake->lock, flags);
	fake->faults[op] = (struct fake_fault){
		.error = error,
		.times = times,
	};
	spin_unlock_irqrestore(&fake->lock, flags);
}

void fake_heal(struct fake_backend *fake)
{
	unsigned long flags;

	spin_lock_irqsave(&fake->lock, flags);
	memset(fake->faults, 0, sizeof(fake->faults));
	fake->bad_offset = U64_MAX;
	spin_unlock_irqrestore(&fake->lock, flags);
}

void fake_counts_clear(struct fake_backend *fake)
{
	unsigned long flags;

	spin_lock_irqsave(&fake->lock, flags);
	memset(fake->nr, 0, sizeof(fake->nr));
	memset(fake->bytes, 0, sizeof(fake->bytes));
	fake->nr_fua = 0;
	fake->nr_log = 0;
	fake->nr_pending_max = fake->nr_pending;
	spin_unlock_irqrestore(&fake->lock, flags);
}

void fake_power_cut(struct fake_backend *fake)
{
	unsigned long sector, nr = fake->backend.capacity / SECTOR;

	WARN_ON(fake_nr_pending(fake));
	for (sector = find_first_bit(fake->dirty, nr); sector < nr;
	     sector = find_next_bit(fake->dirty, nr, sector + 1)) {
		memcpy(fake->media + sector * SECTOR,
		       fake->stable + sector * SECTOR, SECTOR);
		__clear_bit(sector, fake->dirty);
	}
}

void fake_rot(struct fake_backend *fake, u64 offset)
{
	fake->media[offset] ^= 1;
	fake->stable[offset] ^= 1;
}

u8 *fake_snapshot(struct kunit *test, struct fake_backend *fake)
{
	u8 *copy = kvzalloc(fake->backend.capacity, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, copy);
	memcpy(copy, fake->media, fake->backend.capacity);
	return copy;
}

void fake_restore(struct fake_backend *fake, const u8 *snapshot)
{
	memcpy(fake->media, snapshot, fake->backend.capacity);
	memcpy(fake->stable, snapshot, fake->backend.capacity);
	memset(fake->dirty, 0,
	       BITS_TO_LONGS(fake->backend.capacity / SECTOR) * sizeof(long));
}

/* --- set-up --- */

static const struct shard_backend_ops fake_ops = {
	.submit = fake_submit,
	.report = fake_report,
};

struct fake_backend *fake_backend_create(struct kunit *test, u64 capacity,
					 bool volatile_cache, bool fua)
{
	struct fake_backend *fake = kvzalloc(sizeof(*fake), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, fake);
	fake->backend.ops = &fake_ops;
	strscpy(fake->backend.name, "fake", sizeof(fake->backend.name));
	fake->backend.capacity = capacity;
	fake->backend.logical_block_size = SECTOR;
	fake->backend.physical_block_size = SECTOR;
	fake->backend.volatile_cache = volatile_cache;
	fake->backend.fua = fua;
	fake->bad_offset = U64_MAX;
	spin_lock_init(&fake->lock);
	INIT_LIST_HEAD(&fake->pending);
	INIT_WORK(&fake->work, later_work);
	init_waitqueue_head(&fake->changed);
	fake->media = kvzalloc(capacity, GFP_KERNEL);
	fake->stable = kvzalloc(capacity, GFP_KERNEL);
	fake->dirty = kvcalloc(BITS_TO_LONGS(capacity / SECTOR), sizeof(long),
			       GFP_KERNEL);
	fake->wq = alloc_workqueue("shardblk-fake",
				   WQ_MEM_RECLAIM | WQ_UNBOUND, 1);
	KUNIT_ASSERT_NOT_NULL(test, fake->media);
	KUNIT_ASSERT_NOT_NULL(test, fake->stable);
	KUNIT_ASSERT_NOT_NULL(test, fake->dirty);
	KUNIT_ASSERT_NOT_NULL(test, fake->wq);
	return fake;
}

struct fake_backend *fake_backend_create_zoned(struct kunit *test, u64 capacity,
					       u32 zone_size)
{
	struct fake_backend *fake = fake_backend_create(test, capacity, true,
							false);

	fake->backend.zone_size = zone_size;
	fake->wp = kvcalloc(div_u64(capacity, zone_size), sizeof(*fake->wp),
			    GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, fake->wp);
	return fake;
}

void fake_backend_destroy(struct fake_backend *fake)
{
	if (!fake)
		return;
	WARN_ON(fake_nr_pending(fake));
	destroy_workqueue(fake->wq);
	kvfree(fake->wp);
	kvfree(fake->dirty);
	kvfree(fake->stable);
	kvfree(fake->media);
	kvfree(fake);
}
