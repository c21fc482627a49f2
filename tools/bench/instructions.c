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
 * With an argument so many blocks are mapped, as a logarithm, each by a request of
 * its own and in no order; checkpoints and merges come as they do.
 */
#include <stdlib.h>
#include <valgrind/callgrind.h>

#include "check/batch.h"
#include "shardblk_format.h"

#define BLOCK		SZ_4K
#define CAPACITY_MIN	(16ull << 30)
#define EXTENT		SZ_256M
#define BLOCKS		16384u		/* that are written and read while it is counted */
/* Backing space for what is mapped, with the index of it. */
#define TIMES_MAPPED	3u
/* Odd, so that numbers below a power of two come in another order. */
#define STRIDE		0x9e3779b1u

/* A power of two: of these BLOCKS are chosen, which lie all over them. */
static u64 nr_mapped = BLOCKS;
/* Blocks of the backing device that are not data. */
static u8 **media;
static u8 data[BLOCK] __aligned(8);
static u8 into[BLOCK] __aligned(8);

/* Not memcpy(): that counts as the engine's copying. */
static void device_copy(void *to, const void *from, size_t len)
{
	__asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(len)
			 : : "memory");
}

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
		u8 **block = &media[at / BLOCK], *memory;

		while (pos >= seg->len)
			pos -= seg++->len;
		memory = (u8 *)seg->addr + pos;
		skip = at % BLOCK;
		len = min_t(u64, BLOCK - skip, end - at);
		len = min(len, seg->len - pos);
		if (io->op == SHARD_IO_READ) {
			device_copy(memory, (*block ?: data) + skip, len);
			continue;
		}
		*block = *block ?: calloc(1, BLOCK);
		device_copy(*block + skip, memory, len);
	}
}

static void drop(const struct shard_io *io)
{
	u64 at;

	for (at = io->offset; at < io->offset + io->len; at += BLOCK) {
		free(media[at / BLOCK]);
		media[at / BLOCK] = NULL;
	}
}

static void submit(struct shard_backend *backend, struct shard_io *io)
{
	if (io->op == SHARD_IO_RESET)
		drop(io);
	else if (io->op == SHARD_IO_READ ||
		 (io->op == SHARD_IO_APPEND && !is_data(io)))
		transfer(io);
	io->error = 0;
	io->done(io);
}

static void run_batch(struct shard_device *device, enum shard_op op, u32 first,
		      u32 nr)
{
	const struct shard_seg seg = {
		.addr = op == SHARD_READ ? into : data, .len = BLOCK,
	};
	u64 lbas[BATCH_MAX];
	u32 i;

	for (i = 0; i < nr; i++)
		lbas[i] = (u64)(first + i) * STRIDE % nr_mapped;
	batch_submit(device, op, lbas, nr, &seg);
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
		run_batch(device, op, i, batch);
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

static void write_all(struct shard_device *device)
{
	u64 i;

	for (i = 0; i < nr_mapped; i += BATCH_MAX)
		run_batch(device, SHARD_WRITE, i, BATCH_MAX);
}

static void read_runs(struct shard_device *device)
{
	struct shard_info info;
	u32 i;

	/* so that all pages are cached */
	for (i = 0; i < BLOCKS; i++)
		run_batch(device, SHARD_READ, i, 1);
	phase(device, "read-run", SHARD_READ, BLOCKS, 1);
	shard_device_info(device, &info);
	printf("runs: %u\n", info.nr_runs);
}

static void count_few(struct shard_device *device)
{
	write_all(device);
	phase(device, "write32", SHARD_WRITE, BLOCKS, BATCH_MAX);
	phase(device, "write1", SHARD_WRITE, BLOCKS / 4, 1);
	phase(device, "read-memtable", SHARD_READ, BLOCKS, 1);
	if (shard_device_checkpoint(device) || shard_device_compact(device))
		kapi_fail("no checkpoint");
	read_runs(device);
}

static void count_many(struct shard_device *device)
{
	write_all(device);
	checkpoint(device);
	read_runs(device);
	phase(device, "write32", SHARD_WRITE, BLOCKS, BATCH_MAX);
	phase(device, "write1", SHARD_WRITE, BLOCKS / 4, 1);
}

int main(int argc, char **argv)
{
	static const struct kapi_hooks hooks;
	struct shard_backend backend = {
		.ops = &ops, .name = "memory", .capacity = CAPACITY_MIN,
		.logical_block_size = 512, .physical_block_size = BLOCK,
		.volatile_cache = true,
	};
	const struct shard_format_options format = {
		.extent_size = EXTENT, .checkpoint_blocks = 1 << 20,
	};
	const struct shard_options options = {
		.memtable_entries = 1 << 18, .cache_pages = 4 * BLOCKS,
	};
	struct shard_device *device;
	int err;

	if (argc > 1)
		nr_mapped = BIT_ULL(atoi(argv[1]));
	backend.capacity = max_t(u64, backend.capacity,
				 nr_mapped * BLOCK * TIMES_MAPPED);
	kapi_begin(&hooks);
	media = calloc(backend.capacity / BLOCK, sizeof(*media));
	if (!media)
		kapi_fail("no memory");
	err = shard_format(&backend, &format) ?:
	      shard_device_open(&backend, &options, &device);
	if (err)
		kapi_fail("the device cannot be opened: %d", err);
	if (argc > 1)
		count_many(device);
	else
		count_few(device);
	if (shard_device_close(device))
		kapi_fail("the device cannot be closed");
	kapi_end();
	return 0;
}
