// SPDX-License-Identifier: GPL-2.0-only
/*
 * What an index costs.
 *
 * Goal: memory is bounded whatever is mapped, and so is what it costs to write
 * and to read an index.  Method: a device is filled in an order in which no two
 * neighbours follow one another, the worst case for an index; then blocks are
 * read at random.  The backing device is a sparse file that keeps metadata only:
 * all data is zeros, as the rest of the file is.  What lies in free extents is
 * dropped: nobody may want to see it any more.
 *
 * In the end blocks are overwritten at random, and half of them discarded, and some
 * extents reclaimed.  While a checkpoint looks up what that hides, or reclamation what
 * is live, reads end only when nothing else goes on: how often is how many of the
 * index had to wait for one another.
 *
 * Memory is what the engine has allocated beyond what it had on an empty device:
 * that is memtables, cache and buffers, all of which have budgets of their own.
 * A figure that is missed fails the run.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "batch.h"
#include "exhaustive.h"
#include "device.h"
#include "shardblk_format.h"
#include "sim/sim.h"

#define BLOCK		SZ_4K
#define LOOK_UPS	20000u
#define OVERWRITES	(2 * SZ_4K)	/* fewer than lead to a checkpoint */
#define VICTIMS		4u
#define REST		(4 * SZ_4K)		/* blocks from one rest to the next */
/* Odd, so that numbers below a power of two come in another order. */
#define STRIDE		0x9e3779b1ull

/**
 * struct sparse - a backing device that keeps all but data
 * @fd:		its file, which has no name
 * @extent_size: bytes, once the device is open
 * @written:	for each extent: there is metadata in it
 */
struct sparse {
	struct shard_backend backend;
	int fd;
	u64 extent_size;
	bool *written;
};

static u8 data[BLOCK] __aligned(8);
static u32 log2_blocks;
static u64 nr_reads;			/* by the backing device */
static struct shard_device *hold_reads;	/* of this device; NULL: of none */
static LIST_HEAD(held);
static u64 nr_held;			/* of the index */
static u64 nr_index_reads;
static u64 nr_rounds;			/* times that some of these ended */
static struct kapi_counts empty;	/* the device, before the first write */
static u64 at_rest;			/* bytes */
static u32 nr_missed;

/* Bytes of a segment that are kept: a frame of data is one, and begins with its header. */
static u32 kept(const struct shard_io *io, const struct shard_seg *seg)
{
	const struct shardblk_frame *frame = seg->addr;
	bool is_data = io->op == SHARD_IO_APPEND &&
		       le32_to_cpu(frame->h.magic) == SHARDBLK_FRAME_MAGIC &&
		       frame->stream <= SHARDBLK_STREAM_RELOC2;

	return is_data ? BLOCK : seg->len;
}

static void drop(struct sparse *s, u64 offset, u64 len)
{
	if (fallocate(s->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, offset,
		      len))
		kapi_fail("what was reset cannot be dropped");
}

/* Whole segments: the engine's metadata, or a frame, or a block to read. */
static void transfer(struct sparse *s, const struct shard_io *io)
{
	const struct shard_seg *seg;
	ssize_t len, at;

	for (seg = io->segs, at = 0; at < io->len; at += seg++->len) {
		u32 wanted = kept(io, seg);

		if (io->op == SHARD_IO_READ)
			len = pread(s->fd, seg->addr, wanted, io->offset + at);
		else
			len = pwrite(s->fd, seg->addr, wanted, io->offset + at);
		if (len != wanted)
			kapi_fail("the file gave or took %zd of %u bytes", len,
				  wanted);
	}
	if (io->op != SHARD_IO_READ && s->written)
		s->written[io->offset / s->extent_size] = true;
}

static void submit(struct shard_backend *backend, struct shard_io *io)
{
	struct sparse *s = container_of(backend, struct sparse, backend);

	if (io->op == SHARD_IO_READ || io->op == SHARD_IO_APPEND)
		transfer(s, io);
	else if (io->op == SHARD_IO_RESET)
		drop(s, io->offset, io->len);
	io->error = 0;
	io->done(io);
}

static bool of_index(const struct shard_io *io)
{
	struct shard_store *store = &hold_reads->store;
	struct shard_extent e;

	shard_extent_get(store->ex, io->offset / BLOCK / store->extent_blocks, &e);
	return e.stream == SHARDBLK_STREAM_INDEX ||
	       e.stream == SHARDBLK_STREAM_MERGE;
}

static void submit_counted(struct shard_backend *backend, struct shard_io *io)
{
	nr_reads += io->op == SHARD_IO_READ;
	io->private = backend;
	if (!hold_reads || io->op != SHARD_IO_READ) {
		submit(backend, io);
		return;
	}
	nr_held += of_index(io);
	list_add_tail(&io->node, &held);
	kapi_events_pending++;
}

/* All that wait: nobody could ask for more before one of these had ended. */
static bool serve(void *ctx)
{
	struct shard_io *io;
	LIST_HEAD(round);

	list_splice_init(&held, &round);
	nr_index_reads += nr_held;
	nr_rounds += nr_held > 0;
	nr_held = 0;
	if (list_empty(&round))
		return false;
	while ((io = list_first_entry_or_null(&round, struct shard_io, node))) {
		list_del_init(&io->node);
		kapi_events_pending--;
		kapi_irq_enter();
		submit(io->private, io);
		kapi_irq_exit();
	}
	return true;
}

static const struct shard_backend_ops ops = { .submit = submit_counted };

/* @nr requests of one block each, from the @first on, of all blocks there are. */
static void run_batch(struct shard_device *device, enum shard_op op, u64 first,
		      u32 nr)
{
	static u8 into[BLOCK] __aligned(8);
	const struct shard_seg seg = {
		.addr = op == SHARD_READ ? into : data, .len = BLOCK,
	};
	u64 lbas[BATCH_MAX];
	u32 i;

	for (i = 0; i < nr; i++)
		lbas[i] = (first + i) * STRIDE & (BIT_ULL(log2_blocks) - 1);
	batch_submit(device, op, lbas, nr, &seg);
	batch_wait();
}

static void judge(const char *what, double is, double wanted, bool at_least)
{
	bool missed = at_least ? is < wanted : is > wanted;

	printf("  %-56s %8.2f, %s %.2f%s\n", what, is,
	       at_least ? "at least" : "at most", wanted,
	       missed ? ": MISSED" : "");
	nr_missed += missed;
}

/* What lies in free extents; those of the superblock are nobody's, and never free. */
static void drop_free(struct sparse *s, struct shard_device *device)
{
	struct shard_extent extent;
	u32 i;

	for (i = SHARDBLK_SUPER_EXTENTS; i < device->layout.nr_extents; i++) {
		shard_extent_get(device->store.ex, i, &extent);
		if (extent.state != SHARD_EXTENT_FREE || !s->written[i])
			continue;
		s->written[i] = false;
		drop(s, i * s->extent_size, s->extent_size);
	}
}

/* Writing does not change what the cache has. */
static u64 cached(struct shard_device *device)
{
	return (u64)shard_device_cache_count(device) * BLOCK;
}

/* Writes all blocks; stands still now and then, to see what is in use at rest. */
static void write_all(struct sparse *s, struct shard_device *device,
		      u64 stride)
{
	u64 nr = BIT_ULL(log2_blocks), i;
	struct kapi_counts now;

	kapi_alloc_max_reset();
	for (i = 0; i < nr; i += BATCH_MAX) {
		run_batch(device, SHARD_WRITE, i * stride, BATCH_MAX);
		if (i % REST)
			continue;
		kapi_settle();
		kapi_counts(&now);
		at_rest = max(at_rest, now.alloc_bytes - cached(device));
		drop_free(s, device);
	}
}

/* Reads blocks at random; the cache holds next to none of the leaves. */
static void read_some(struct shard_device *device)
{
	u32 cheap = 0, dearest = 0, i;
	struct shard_info info;
	u64 before, total = 0;

	kapi_settle();
	for (i = 0; i < LOOK_UPS; i++) {
		before = nr_reads;
		run_batch(device, SHARD_READ, i * STRIDE, 1);
		cheap += nr_reads - before <= 2;
		dearest = max_t(u64, dearest, nr_reads - before);
		total += nr_reads - before;
	}
	shard_device_info(device, &info);
	printf("  %u runs; %.3f device reads for each cold read\n", info.nr_runs,
	       (double)total / LOOK_UPS);
	judge("of 100 cold reads cost at most 2 device reads",
	      cheap * 100.0 / LOOK_UPS, 97, true);
	judge("the dearest one, beside the number of runs", dearest,
	      1 + info.nr_runs, false);
}

static void report(struct shard_device *device, u32 rounds)
{
	double tib = BIT_ULL(log2_blocks) * (double)BLOCK / BIT_ULL(40);
	struct kapi_counts now;
	struct shard_info info;

	kapi_counts(&now);
	shard_device_info(device, &info);
	printf("%.0f GiB written %u times; %llu checkpoints, %llu merges\n",
	       tib * 1024, rounds, info.stats.checkpoints,
	       info.stats.compactions);
	printf("  index written %.1f times\n", info.stats.index_blocks *
	       (double)BLOCK / (28.0 * rounds * BIT_ULL(log2_blocks)));
	judge("MiB at rest, the most so far",
	      ((double)at_rest - empty.alloc_bytes) / SZ_1M, 32 * tib, false);
	judge("MiB while checkpoint and merge run, the most",
	      ((double)now.alloc_bytes_max - cached(device) -
	       empty.alloc_bytes) / SZ_1M,
	      40 * tib, false);
	read_some(device);
}

/* What a checkpoint, or reclamation, reads of the runs, and what it waits for. */
static void count(struct shard_device *device, int (*job)(struct shard_device *),
		  const char *what)
{
	struct shard_info before, after;

	shard_device_info(device, &before);
	nr_index_reads = 0;
	nr_rounds = 0;
	hold_reads = device;
	if (job(device))
		kapi_fail("%s failed", what);
	hold_reads = NULL;
	shard_device_info(device, &after);
	printf("  %s: %llu pages by %llu reads, %llu one after the other\n",
	       what, after.stats.page_misses - before.stats.page_misses,
	       nr_index_reads, nr_rounds);
	serve(NULL);
	kapi_settle();
}

/* As shard_device_reclaim(), of some, and without the checkpoints. */
static int reclaim(struct shard_device *device)
{
	unsigned long flags;
	int err = 0;
	u64 until;
	u32 i;

	for (i = 0; i < VICTIMS && !err; i++) {
		spin_lock_irqsave(&device->lock, flags);
		until = shard_job_next(&device->reclamation);
		shard_job_want(&device->reclamation, true);
		spin_unlock_irqrestore(&device->lock, flags);
		err = shard_job_wait(device, &device->reclamation, until);
	}
	return err;
}

static struct completion discarded;

static void discard_done(struct shard_request *request, int error)
{
	if (error)
		kapi_fail("a discard returned %d", error);
	complete(&discarded);
}

/* The index is far larger than the cache. */
static void jobs(struct shard_device *device)
{
	struct shard_request r = {
		.op = SHARD_DISCARD, .nr_blocks = BIT(log2_blocks - 1),
		.done = discard_done,
	};
	u32 i;

	kapi_settle();
	for (i = 0; i < OVERWRITES; i += BATCH_MAX)
		run_batch(device, SHARD_WRITE, i, BATCH_MAX);
	count(device, shard_device_checkpoint,
	      "a checkpoint of 8192 random writes");
	init_completion(&discarded);
	shard_device_submit(device, &r);
	shard_device_commit(device);
	wait_for_completion(&discarded);
	count(device, shard_device_checkpoint,
	      "a checkpoint of a discard of half of it all");
	count(device, reclaim, "reclamation of 4 extents that are half live");
}

static void open_device(struct sparse *s, struct shard_device **device)
{
	if (shard_device_open(&s->backend, NULL, device))
		kapi_fail("the device cannot be opened");
}

static void close_device(struct shard_device *device)
{
	if (shard_device_close(device))
		kapi_fail("the device cannot be closed");
}

static void bench(void *arg)
{
	u64 nr = BIT_ULL(log2_blocks);
	struct sparse s = { .backend = {
		.ops = &ops, .name = "sparse", .capacity = nr * BLOCK * 5 / 2,
		.logical_block_size = 512, .physical_block_size = BLOCK,
		.volatile_cache = true,
	} };
	struct shard_format_options format = { .logical_size = nr * BLOCK };
	struct shard_device *device;

	s.fd = open(".", O_TMPFILE | O_RDWR, 0600);
	if (s.fd < 0 || ftruncate(s.fd, s.backend.capacity))
		kapi_fail("no file of %llu bytes", s.backend.capacity);
	if (shard_format(&s.backend, &format))
		kapi_fail("the device cannot be formatted");
	open_device(&s, &device);
	s.extent_size = (u64)device->layout.extent_blocks * BLOCK;
	s.written = calloc(device->layout.nr_extents, sizeof(*s.written));
	kapi_counts(&empty);
	printf("memtables, buffers and all else of an empty device: %.1f MiB\n",
	       (double)empty.alloc_bytes / SZ_1M);
	write_all(&s, device, 1);
	report(device, 1);
	write_all(&s, device, 3);
	report(device, 2);
	close_device(device);
	printf("started again\n");
	open_device(&s, &device);
	read_some(device);
	jobs(device);
	close_device(device);
}

int bench_memory(u32 blocks_log2)
{
	static struct sim sim;

	log2_blocks = blocks_log2;
	sim_init(&sim);
	sim_choices_list(&sim.choices, NULL, 0);
	sim.hooks.idle = serve;
	if (!kapi_run(&sim.hooks, bench, NULL))
		return nr_missed ? 1 : 0;
	printf("%s\n", kapi_failure());
	return 1;
}
