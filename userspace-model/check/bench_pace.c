// SPDX-License-Identifier: GPL-2.0-only
/*
 * How evenly writes go on while space is reclaimed.
 *
 * Goal: a device that is overwritten at random, without a pause, does not stop
 * for seconds while reclamation catches up.  Method: the engine on a disk that
 * serves one operation after the other, each for so long as a disk of 200 MB/s
 * would, and on which time passes only there.  A device of which all blocks
 * are written is overwritten three times its size; then the requests that end in
 * each second are counted, and how long each took.
 */
#include <stdlib.h>

#include "bench_random.h"
#include "exhaustive.h"
#include "shard.h"
#include "layout.h"
#include "sim/sim.h"

#define BLOCK		SZ_4K
#define EXTENT_BYTES	SZ_1M
#define EXTENTS		512u		/* of data */
#define SPARE		0.15
#define DEPTH		32u
#define ROUNDS		3u		/* sizes that are overwritten before */
#define SECONDS		60u

#define WRITE_NS	100000u		/* of each, and of each read */
#define BYTE_NS		5u		/* 200 MB/s */
#define FLUSH_NS	200000u

/* Blocks of zeros take no memory: data is zeros. */
static struct disk {
	struct shard_backend backend;
	u8 **blocks;
	struct list_head queue;
	u64 now_ns;
	u64 busy_ns[SHARD_IO_FLUSH + 1];
} disk;

static const u8 zeros[BLOCK] __aligned(8);

/* A request that is made again as soon as it has ended. */
static struct slot {
	struct shard_request request;
	u64 begun_ns;
} slots[DEPTH];

static struct shard_device *device;
static struct completion all_done;
static u64 seed, nr_left, blocks, until_ns, begin_ns;
static u32 nr_busy, ended[SECONDS], nr_latencies;
static u64 *latencies;

static void block_copy(u64 nr, u8 *data, bool write)
{
	u8 **block = &disk.blocks[nr];

	if (!write) {
		memcpy(data, *block ? *block : zeros, BLOCK);
		return;
	}
	if (!memcmp(data, zeros, BLOCK)) {
		free(*block);
		*block = NULL;
		return;
	}
	if (!*block)
		*block = malloc(BLOCK);
	memcpy(*block, data, BLOCK);
}

static void transfer(const struct shard_io *io)
{
	u32 skip = io->seg_skip, left = io->len, at;
	u64 nr = io->offset / BLOCK;
	const struct shard_seg *seg;

	for (seg = io->segs; left; seg++) {
		for (at = skip; at < seg->len && left; at += BLOCK) {
			block_copy(nr++, (u8 *)seg->addr + at,
				   io->op == SHARD_IO_APPEND);
			left -= BLOCK;
		}
		skip = at > seg->len ? at - seg->len : skip - min(skip, seg->len);
	}
}

static void submit(struct shard_backend *backend, struct shard_io *io)
{
	/* nothing to do on a disk without zones */
	if (io->op == SHARD_IO_RESET) {
		io->error = 0;
		io->done(io);
		return;
	}
	list_add_tail(&io->node, &disk.queue);
	kapi_events_pending++;
}

/* The oldest operation ends: that is when time passes. */
static bool serve(void *ctx)
{
	struct shard_io *io;
	u64 ns;

	io = list_first_entry_or_null(&disk.queue, struct shard_io, node);
	if (!io)
		return false;
	list_del_init(&io->node);
	kapi_events_pending--;
	ns = io->op == SHARD_IO_FLUSH ? FLUSH_NS :
					WRITE_NS + (u64)io->len * BYTE_NS;
	disk.now_ns += ns;
	disk.busy_ns[io->op] += ns;
	kapi_time_advance(ns);
	if (io->op != SHARD_IO_FLUSH)
		transfer(io);
	io->error = 0;
	kapi_irq_enter();
	io->done(io);
	kapi_irq_exit();
	return true;
}

static const struct shard_backend_ops ops = { .submit = submit };

static u64 draw(u64 n)
{
	return bench_random(&seed) % n;
}

static void slot_begin(struct slot *slot)
{
	slot->request.lba = draw(blocks);
	slot->begun_ns = disk.now_ns;
	shard_device_submit(device, &slot->request);
	shard_device_commit(device);
}

static void slot_done(struct shard_request *request, int error)
{
	struct slot *slot = container_of(request, struct slot, request);

	if (error)
		kapi_fail("a write returned %d", error);
	if (until_ns && disk.now_ns < until_ns) {
		ended[(disk.now_ns - begin_ns) / NSEC_PER_SEC]++;
		latencies[nr_latencies++] = disk.now_ns - slot->begun_ns;
	}
	if (until_ns ? disk.now_ns < until_ns : nr_left > 0) {
		nr_left -= !until_ns;
		slot_begin(slot);
	} else if (!--nr_busy) {
		complete(&all_done);
	}
}

/* @nr of them, or until so many seconds have gone. */
static void overwrite(u64 nr, u32 seconds)
{
	static const struct shard_seg seg = { .addr = (void *)zeros,
					      .len = BLOCK };
	u32 i;

	init_completion(&all_done);
	begin_ns = disk.now_ns;
	until_ns = seconds ? begin_ns + seconds * (u64)NSEC_PER_SEC : 0;
	nr_left = nr;
	nr_busy = DEPTH;
	for (i = 0; i < DEPTH; i++) {
		slots[i].request = (struct shard_request){
			.op = SHARD_WRITE, .nr_blocks = 1, .segs = &seg,
			.done = slot_done,
		};
		slot_begin(&slots[i]);
	}
	wait_for_completion(&all_done);
}

static int compare_u64(const void *a, const void *b)
{
	u64 x = *(const u64 *)a, y = *(const u64 *)b;

	return x < y ? -1 : x > y;
}

static int compare_u32(const void *a, const void *b)
{
	return *(const u32 *)a < *(const u32 *)b ? -1 :
	       *(const u32 *)a > *(const u32 *)b;
}

static u64 size_of(u32 *nr_extents)
{
	struct shard_layout l = {
		.block_size = BLOCK, .extent_blocks = EXTENT_BYTES / BLOCK,
		.nr_extents = EXTENTS,
	};

	l.logical_blocks = EXTENTS *
		shard_extent_singles(BLOCK, EXTENT_BYTES / BLOCK) / (1 + SPARE);
	while (!shard_layout_make(&l) ||
	       l.host_extents - l.head_extents < EXTENTS)
		l.nr_extents++;
	*nr_extents = l.nr_extents;
	return l.logical_blocks;
}

static bool even_enough;

static void per_host(const char *what, u64 after, u64 before, u64 host)
{
	printf("%8.2f %s\n", (double)(after - before) / host, what);
}

static void report(const struct shard_stats_view *a,
		   const struct shard_stats_view *b)
{
	u64 host = b->writes - a->writes;
	u32 i;

	printf("for each block that the host wrote:\n");
	per_host("blocks moved", b->relocated_blocks, a->relocated_blocks, host);
	per_host("reads", b->backing_reads, a->backing_reads, host);
	per_host("blocks read", b->backing_read_blocks, a->backing_read_blocks,
		 host);
	per_host("writes", b->backing_writes, a->backing_writes, host);
	per_host("blocks written", b->backing_write_blocks,
		 a->backing_write_blocks, host);
	per_host("flushes", b->backing_flushes, a->backing_flushes, host);
	printf("%llu checkpoints, %llu merges; writes that ended in each second:",
	       b->checkpoints - a->checkpoints, b->compactions - a->compactions);
	for (i = 0; i < SECONDS; i++)
		printf("%s%u", i % 10 ? " " : "\n  ", ended[i]);
	qsort(latencies, nr_latencies, sizeof(*latencies), compare_u64);
	qsort(ended, SECONDS, sizeof(*ended), compare_u32);
	printf("\nmicroseconds: median %llu, 1 of 100 %llu, of 1000 %llu, most %llu\n",
	       latencies[nr_latencies / 2] / 1000,
	       latencies[nr_latencies - nr_latencies / 100 - 1] / 1000,
	       latencies[nr_latencies - nr_latencies / 1000 - 1] / 1000,
	       latencies[nr_latencies - 1] / 1000);
	even_enough = 2 * ended[0] >= ended[SECONDS / 2];
	printf("slowest second %u, median %u: %.2f of it (0.50 wanted)\n",
	       ended[0], ended[SECONDS / 2],
	       (double)ended[0] / ended[SECONDS / 2]);
}

static void bench(void *arg)
{
	struct shard_format_options format = {
		.block_size = BLOCK, .extent_size = EXTENT_BYTES,
	};
	struct shard_options options = { .cache_pages = 1024 };
	struct shard_info before, after;
	u32 nr_extents;
	u64 nr;

	blocks = size_of(&nr_extents);
	format.logical_size = blocks * BLOCK;
	disk.backend = (struct shard_backend){
		.ops = &ops, .name = "slow memory",
		.capacity = (u64)nr_extents * EXTENT_BYTES,
		.logical_block_size = BLOCK, .physical_block_size = BLOCK,
		.volatile_cache = true,
	};
	nr = disk.backend.capacity / BLOCK;
	disk.blocks = calloc(nr, sizeof(*disk.blocks));
	latencies = calloc(SECONDS * 200000000ull / BLOCK, sizeof(*latencies));
	INIT_LIST_HEAD(&disk.queue);
	if (!disk.blocks || !latencies ||
	    shard_format(&disk.backend, &format) ||
	    shard_device_open(&disk.backend, &options, &device))
		kapi_fail("no device");
	seed = 88172645463325252ull;
	printf("%u extents of data of 1 MiB, %.0f %% spare, %u random writes of 4 KiB at a time\n",
	       EXTENTS, 100 * SPARE, DEPTH);
	overwrite((1 + ROUNDS) * blocks, 0);
	shard_device_info(device, &before);
	overwrite(0, SECONDS);
	shard_device_info(device, &after);
	shard_device_close(device);
	while (nr--)
		free(disk.blocks[nr]);
	free(disk.blocks);
	report(&before.stats, &after.stats);
	free(latencies);
}

int bench_pace(void)
{
	static struct sim sim;

	sim_init(&sim);
	sim_choices_list(&sim.choices, NULL, 0);
	sim.hooks.idle = serve;
	if (!kapi_run(&sim.hooks, bench, NULL))
		return even_enough ? 0 : 1;
	printf("%s\n", kapi_failure());
	return 1;
}
