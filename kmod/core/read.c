// SPDX-License-Identifier: GPL-2.0-only
/*
 * DOC: reads
 *
 * A read holds one version of the index from look-up to completion, so nothing
 * that it was told of can be reset under it (O7).  The look-up is done in the
 * submitter if no page must be read, else in a worker.
 *
 * Consecutive blocks at consecutive places make one backing read, straight into
 * the caller's memory; a few are in flight at once.  Holes are zeroed.  Every
 * block is checked on arrival.  One that could not be read, or whose checksum
 * is wrong, is read once more by itself into memory of our own (the caller's
 * may have been written to meanwhile) before it counts as lost.
 */
#include "device.h"

static void read_pump(struct shard_request *r, struct shard_request_io *ended,
		      const u64 *bad);

static void read_end(struct shard_request *r)
{
	struct shard_device *device = r->device;
	int error = r->error;

	if (error)
		atomic64_inc(&device->stats.read_errors);
	shard_index_put(device->index, r->version);
	r->done(r, error);
}

/* Calls @fn on each piece of memory of a block of the request. */
static void block_each(struct shard_request *r, u32 idx,
		       void (*fn)(void *addr, u32 len, void *ctx), void *ctx)
{
	u32 bs = r->device->store.block_size;
	const struct shard_seg *seg = r->segs;
	u64 skip = (u64)idx * bs;
	u32 left = bs;

	while (skip >= seg->len)
		skip -= (seg++)->len;
	while (left) {
		u32 len = min_t(u64, left, seg->len - skip);

		fn((u8 *)seg->addr + skip, len, ctx);
		left -= len;
		skip = 0;
		seg++;
	}
}

static void piece_zero(void *addr, u32 len, void *ctx)
{
	memset(addr, 0, len);
}

static void piece_csum(void *addr, u32 len, void *ctx)
{
	u32 *csum = ctx;

	*csum = crc32c(*csum, addr, len);
}

static void piece_fill(void *addr, u32 len, void *ctx)
{
	u8 **from = ctx;

	memcpy(addr, *from, len);
	*from += len;
}

/* ---- second try ---- */

static int retry_block(struct shard_request *r, u32 idx)
{
	struct shard_device *device = r->device;
	struct shard_store *store = &device->store;
	struct shard_block_map *m = &r->map[idx];
	u8 *from = device->retry_block;
	int err;

	err = shard_writeback_read_wait(store->wb, m->block * store->block_size,
					from, store->block_size);
	if (!err && crc32c(store->seed, from, store->block_size) != m->csum) {
		atomic64_inc(&store->stats->read_mismatches);
		err = -EBADMSG;
	}
	shard_sometimes(!err,
			"a block that was wrong is right when read again");
	shard_sometimes(err, "a block is wrong twice");
	if (!err) {
		block_each(r, idx, piece_fill, &from);
		return 0;
	}
	pr_err_ratelimited("%s: block %llu at extent %u block %u %s\n",
			   device->backend->name, r->lba + idx,
			   (u32)div_u64(m->block, store->extent_blocks),
			   (u32)(m->block & (store->extent_blocks - 1)),
			   err == -EBADMSG ? "has a wrong checksum" :
					     "cannot be read");
	return -EIO;
}

static void read_retry(struct work_struct *work)
{
	struct shard_request *r = container_of(work, struct shard_request,
					       work);
	u32 i;

	for (i = 0; i < r->nr_blocks; i++) {
		if (!(r->retry[i / 64] & BIT_ULL(i % 64)))
			continue;
		if (retry_block(r, i))
			r->error = -EIO;
	}
	read_end(r);
}

static void read_finish(struct shard_request *r)
{
	u32 i;

	for (i = 0; i < ARRAY_SIZE(r->retry); i++) {
		if (!r->retry[i])
			continue;
		INIT_WORK(&r->work, read_retry);
		queue_work(r->device->retry_wq, &r->work);
		return;
	}
	read_end(r);
}

/* ---- backing reads ---- */

static void read_done(struct shard_io *io)
{
	struct shard_request_io *rio =
		container_of(io, struct shard_request_io, io);
	struct shard_request *r = rio->request;
	u64 bad[ARRAY_SIZE(r->retry)] = {};
	u32 i;

	for (i = rio->first; i < rio->first + rio->nr_blocks; i++) {
		u32 csum = r->device->store.seed;

		if (!io->error)
			block_each(r, i, piece_csum, &csum);
		if (io->error || csum != r->map[i].csum)
			bad[i / 64] |= BIT_ULL(i % 64);
	}
	read_pump(r, rio, bad);
}

/* The next backing read from r->next on; false if there is nothing to read. */
static bool read_plan(struct shard_request *r, struct shard_request_io *rio)
{
	struct shard_store *store = &r->device->store;
	u32 first, end;

	while (r->next < r->nr_blocks && !r->map[r->next].mapped)
		block_each(r, r->next++, piece_zero, NULL);
	if (r->next == r->nr_blocks)
		return false;
	first = r->next;
	end = first + 1;
	while (end < r->nr_blocks && r->map[end].mapped &&
	       r->map[end].block == r->map[first].block + (end - first))
		end++;
	r->next = end;
	rio->request = r;
	rio->first = first;
	rio->nr_blocks = end - first;
	rio->io.offset = r->map[first].block * store->block_size;
	rio->io.len = (end - first) * store->block_size;
	rio->io.segs = r->segs;
	rio->io.seg_skip = first * store->block_size;
	rio->io.done = read_done;
	return true;
}

static struct shard_request_io *read_idle_io(struct shard_request *r)
{
	u32 i;

	for (i = 0; i < SHARD_REQUEST_IOS; i++)
		if (!r->ios[i].busy)
			return &r->ios[i];
	return NULL;
}

/* Takes in a backing read that has ended; true if someone else pumps. */
static bool read_ended(struct shard_request *r, struct shard_request_io *ended,
		       const u64 *bad)
{
	u32 i;

	lockdep_assert_held(&r->lock);
	if (ended) {
		for (i = 0; i < ARRAY_SIZE(r->retry); i++)
			r->retry[i] |= bad[i];
		ended->busy = false;
		r->nr_busy--;
	}
	return r->issuing;
}

/*
 * Keeps backing reads in flight, and ends the request after the last one.  One
 * context pumps at a time; it alone touches r->next, and it alone ends the
 * request, so nobody else may touch that after the lock is let go.
 */
static void read_pump(struct shard_request *r, struct shard_request_io *ended,
		      const u64 *bad)
{
	struct shard_request_io *rio;
	unsigned long flags;
	bool finished = false;

	spin_lock_irqsave(&r->lock, flags);
	if (read_ended(r, ended, bad))
		goto out;
	r->issuing = true;
	while (r->next < r->nr_blocks && (rio = read_idle_io(r))) {
		rio->busy = true;
		r->nr_busy++;
		spin_unlock_irqrestore(&r->lock, flags);
		if (read_plan(r, rio)) {
			shard_writeback_read(r->device->store.wb, &rio->io);
			spin_lock_irqsave(&r->lock, flags);
		} else {
			spin_lock_irqsave(&r->lock, flags);
			rio->busy = false;
			r->nr_busy--;
		}
	}
	shard_sometimes(r->next < r->nr_blocks,
			"a read has all of its own reads in flight");
	r->issuing = false;
	finished = r->next == r->nr_blocks && !r->nr_busy;
out:
	spin_unlock_irqrestore(&r->lock, flags);
	if (finished)
		read_finish(r);
}

/* ---- look-up ---- */

static void read_lookup_work(struct work_struct *work)
{
	struct shard_request *r = container_of(work, struct shard_request,
					       work);
	int err;

	err = shard_index_lookup(r->device->index, r->version, r->lba,
				 r->nr_blocks, r->map, true);
	if (err) {
		r->error = -EIO;
		read_end(r);
		return;
	}
	read_pump(r, NULL, NULL);
}

void shard_read_submit(struct shard_device *device, struct shard_request *r)
{
	u32 i;
	int err;

	atomic64_inc(&device->stats.reads);
	if (!r->nr_blocks || r->nr_blocks > device->request_max) {
		r->done(r, -EINVAL);
		return;
	}
	r->error = 0;
	r->next = 0;
	r->nr_busy = 0;
	r->issuing = false;
	spin_lock_init(&r->lock);
	memset(r->retry, 0, sizeof(r->retry));
	memset(r->map, 0, r->nr_blocks * sizeof(r->map[0]));
	for (i = 0; i < SHARD_REQUEST_IOS; i++)
		r->ios[i].busy = false;
	r->version = shard_index_hold(device->index);
	err = shard_index_lookup(device->index, r->version, r->lba,
				 r->nr_blocks, r->map, false);
	shard_sometimes(err == -EAGAIN, "a run is read through a page miss");
	if (err == -EAGAIN) {
		INIT_WORK(&r->work, read_lookup_work);
		queue_work(device->read_wq, &r->work);
		return;
	}
	if (err) {
		r->error = -EIO;
		read_end(r);
		return;
	}
	read_pump(r, NULL, NULL);
}

int shard_device_next_data(struct shard_device *device, u64 *lba)
{
	struct shard_version *version = shard_index_hold(device->index);
	int ret = shard_index_next(device->index, version, lba);

	shard_index_put(device->index, version);
	return ret < 0 ? -EIO : ret;
}
