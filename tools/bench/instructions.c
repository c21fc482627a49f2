// SPDX-License-Identifier: GPL-2.0-only
/*
 * What tools/bench/instructions counts: random writes and reads of 4 KiB, the
 * engine and as little as possible beside it.
 *
 * The backing device keeps metadata only, as all data is alike, and completes
 * inside submit.  Extents, memtable and log are so large that nothing is done in
 * the background while it is counted, so no fiber but the first one runs.  Each
 * phase is written to a file of its own by valgrind.
 *
 *	instructions [LOG2 BLOCKS FILE]
 *	instructions-fill LOG2 BLOCKS FILE PERCENT
 *
 * With arguments 2^LOG2 blocks are mapped, by requests of BLOCKS each, in no order.  The
 * second program, which is the same beside payload.c, does that, and writes the backing
 * device's metadata to a file; the first goes on from there.  Most is mapped with few
 * checkpoints, and ends in one run.  The rest, with checkpoints and merges as they come by
 * default, is that share of what may lie above the oldest run before that is merged, too.
 */
#include <stdlib.h>
#include <valgrind/callgrind.h>

#include "check/batch.h"
#include "device.h"
#include "media.h"
#include "shardblk_format.h"

#define CAPACITY_MIN	(16ull << 30)
#define EXTENT		SZ_256M
/* Blocks, and no checkpoint of itself. */
#define LOG		BIT(22)
#define BLOCKS		16384u		/* that are written and read while it is counted */
/* Backing space for what is mapped, with the index of it. */
#define TIMES_MAPPED	3u
/* Odd, so that numbers below a power of two come in another order. */
#define STRIDE		0x9e3779b1u
/* The oldest run has all but one of so many parts: it is merged with fewer. */
#define PARTS		18u
/* Requests from one look for what can be dropped to the next. */
#define DROP		BIT(15)
#define REQUEST_MAX	SHARD_REQUEST_BLOCKS_MAX

/* A power of two: of these BLOCKS are chosen, which lie all over them. */
static u64 nr_mapped = BLOCKS;
static u32 request_blocks = 1;
static u8 into[BLOCK] __aligned(8);

static bool is_data(const struct shard_io *io)
{
	const struct shardblk_frame *frame = io->segs[0].addr;

	return le32_to_cpu(frame->h.magic) == SHARDBLK_FRAME_MAGIC &&
	       frame->stream == SHARDBLK_STREAM_HOST;
}

static void transfer(const struct shard_io *io)
{
	const struct shard_seg *seg = io->segs;
	u64 at = io->offset, end = at + io->len;
	u32 pos = io->seg_skip, skip, len;

	for (; at < end; at += len, pos += len) {
		u8 *memory;

		while (pos >= seg->len)
			pos -= seg++->len;
		memory = (u8 *)seg->addr + pos;
		skip = at % BLOCK;
		len = min_t(u64, BLOCK - skip, end - at);
		len = min(len, seg->len - pos);
		if (io->op == SHARD_IO_READ)
			media_read(at / BLOCK, skip, memory, len);
		else
			media_write(at / BLOCK, skip, memory, len);
	}
}

static void submit(struct shard_backend *backend, struct shard_io *io)
{
	if (io->op == SHARD_IO_RESET)
		media_drop(io->offset, io->len);
	else if (io->op == SHARD_IO_READ ||
		 (io->op == SHARD_IO_APPEND && !is_data(io)))
		transfer(io);
	io->error = 0;
	io->done(io);
}

/* From the @first on, of @blocks each. */
static void run_batch(struct shard_device *device, enum shard_op op, u64 first,
		      u32 nr, u32 blocks)
{
	static struct shard_seg segs[REQUEST_MAX];
	u64 lbas[BATCH_MAX];
	u32 i;

	for (i = 0; i < blocks; i++)
		segs[i] = (struct shard_seg){
			op == SHARD_READ ? into : media_data, BLOCK,
		};
	for (i = 0; i < nr; i++)
		lbas[i] = (first + i) * STRIDE * blocks % nr_mapped;
	batch_submit_large(device, op, lbas, nr, blocks, segs);
	batch_wait();
}

/* Counts so many requests, by @batch at once, under a name of the file. */
static void phase(struct shard_device *device, const char *name,
		  enum shard_op op, u32 nr, u32 batch)
{
	struct kapi_counts before, after;
	u32 i;

	kapi_counts(&before);
	CALLGRIND_START_INSTRUMENTATION;
	CALLGRIND_ZERO_STATS;
	CALLGRIND_TOGGLE_COLLECT;
	for (i = 0; i < nr; i += batch)
		run_batch(device, op, i, batch, 1);
	CALLGRIND_TOGGLE_COLLECT;
	CALLGRIND_DUMP_STATS_AT(name);
	CALLGRIND_STOP_INSTRUMENTATION;
	kapi_counts(&after);
	if (after.nr_switches != before.nr_switches)
		kapi_fail("%s: something was done in the background", name);
	printf("%s: %u requests\n", name, nr);
}

static const struct shard_backend_ops ops = { .submit = submit };

static void checkpoint(struct shard_device *device)
{
	if (shard_device_checkpoint(device))
		kapi_fail("no checkpoint");
	kapi_settle();
}

/* What lies in free extents: nobody wants to see it any more. */
static void drop_free(struct shard_device *device)
{
	struct shard_extent extent;
	u32 i;

	for (i = SHARDBLK_SUPER_EXTENTS; i < device->layout.nr_extents; i++) {
		shard_extent_get(device->store.ex, i, &extent);
		if (extent.state == SHARD_EXTENT_FREE)
			media_drop((u64)i * EXTENT, EXTENT);
	}
}

static void write_some(struct shard_device *device, u64 first, u64 nr)
{
	u64 i;

	for (i = first; i < first + nr; i += BATCH_MAX) {
		run_batch(device, SHARD_WRITE, i, BATCH_MAX, request_blocks);
		if (i % DROP == 0)
			drop_free(device);
	}
}

static void read_runs(struct shard_device *device)
{
	struct shard_info info;
	u32 i;

	/* so that all pages are cached */
	for (i = 0; i < BLOCKS; i++)
		run_batch(device, SHARD_READ, i, 1, 1);
	phase(device, "read-run", SHARD_READ, BLOCKS, 1);
	shard_device_info(device, &info);
	printf("runs: %u\n", info.nr_runs);
}

static void count_few(struct shard_device *device)
{
	write_some(device, 0, nr_mapped);
	phase(device, "write32", SHARD_WRITE, BLOCKS, BATCH_MAX);
	phase(device, "write1", SHARD_WRITE, BLOCKS / 4, 1);
	phase(device, "read-memtable", SHARD_READ, BLOCKS, 1);
	if (shard_device_checkpoint(device) || shard_device_compact(device))
		kapi_fail("no checkpoint");
	read_runs(device);
}

static void count_many(struct shard_device *device)
{
	read_runs(device);
	phase(device, "write32", SHARD_WRITE, BLOCKS, BATCH_MAX);
	phase(device, "write1", SHARD_WRITE, BLOCKS / 4, 1);
}

static struct shard_backend backend = {
	.name = "memory", .capacity = CAPACITY_MIN,
	.logical_block_size = 512, .physical_block_size = BLOCK,
	.volatile_cache = true,
};

static struct shard_device *device_open(const struct shard_options *options)
{
	struct shard_device *device;
	int err = shard_device_open(&backend, options, &device);

	if (err)
		kapi_fail("the device cannot be opened: %d", err);
	/* what is done behind a start */
	kapi_settle();
	return device;
}

static void device_close(struct shard_device *device)
{
	if (shard_device_close(device))
		kapi_fail("the device cannot be closed");
}

static void format(void)
{
	const struct shard_format_options options = {
		.extent_size = EXTENT, .checkpoint_blocks = LOG,
	};

	if (shard_format(&backend, &options))
		kapi_fail("the device cannot be formatted");
}

/* Most of the device, and one run of it. */
static void fill_fast(u64 nr)
{
	const struct shard_options options = {
		.memtable_entries = 1 << 20, .compact_oldest = 1,
	};
	struct shard_device *device = device_open(&options);

	write_some(device, 0, nr);
	if (shard_device_checkpoint(device) || shard_device_compact(device))
		kapi_fail("no checkpoint");
	device_close(device);
}

/*
 * The rest, with a checkpoint as often as by default; a frame has a batch or a
 * request.  Prints how many runs there are on average.
 */
static void fill_slowly(u64 first, u64 nr)
{
	const struct shard_options options = {
		.memtable_entries = 1 << 18,
		.checkpoint_frames = max_t(u64, nr_mapped >> 14, 1 << 14) /
			(min(BATCH_MAX * request_blocks, REQUEST_MAX) + 1),
	};
	struct shard_device *device = device_open(&options);
	u64 all = 0, i;
	struct shard_info info;

	for (i = 0; i < nr; i += BATCH_MAX) {
		write_some(device, first + i, BATCH_MAX);
		shard_device_info(device, &info);
		all += info.nr_runs;
	}
	if (nr)
		printf("runs while it was filled: %.1f\n",
		       (double)all * BATCH_MAX / nr);
	checkpoint(device);
	drop_free(device);
	device_close(device);
}

static void fill(u32 percent)
{
	u64 nr = nr_mapped / request_blocks, slow;

	slow = round_up(nr * percent / (100 * PARTS), BATCH_MAX);
	format();
	fill_fast(nr - slow);
	fill_slowly(nr - slow, slow);
}

static void count(bool many)
{
	const struct shard_options options = {
		.memtable_entries = 1 << 18, .cache_pages = 4 * BLOCKS,
	};
	struct shard_device *device;

	device = device_open(&options);
	if (many)
		count_many(device);
	else
		count_few(device);
	device_close(device);
}

int main(int argc, char **argv)
{
	static const struct kapi_hooks hooks;

	if (argc > 3) {
		nr_mapped = BIT_ULL(atoi(argv[1]));
		request_blocks = clamp_t(int, atoi(argv[2]), 1, REQUEST_MAX);
	}
	backend.ops = &ops;
	backend.capacity = max_t(u64, backend.capacity,
				 nr_mapped * BLOCK * TIMES_MAPPED);
	kapi_begin(&hooks);
	media_create(backend.capacity, EXTENT);
	if (argc > 4) {
		fill(atoi(argv[4]));
		media_save(argv[3]);
	} else if (argc > 3) {
		media_load(argv[3]);
		count(true);
	} else {
		format();
		count(false);
	}
	kapi_end();
	return 0;
}
