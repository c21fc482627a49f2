// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a device that is overwritten has its disk do, and how evenly.
 *
 * Goal: a device that is overwritten at random, without a pause, does not stop
 * for seconds while reclamation catches up; and what its disk reads and writes
 * meanwhile is told apart.  Method: the engine on a disk that serves one operation
 * after the other, each for so long as a real one would, and on which time passes
 * only there.  A device of which all blocks are written is overwritten; then what
 * the disk is asked for is counted, and the requests that end in each second.
 *
 * One disk is of 200 MB/s.  The others are those of tools/bench: so small that there
 * is little space to spare, and limited by bandwidth alone, which reads and writes
 * share.
 *
 * Writers that make each write durable wait for the disk only: those of a last kind
 * of disk take a millisecond for each operation, as many at a time as there are.  What
 * one writer and what several commit in a second is told then.
 */
#include <stdlib.h>

#include "bench_random.h"
#include "device.h"
#include "exhaustive.h"
#include "sim/sim.h"

#define BLOCK		SZ_4K
#define EXTENT_BYTES	SZ_1M
#define REQUESTS_MAX	128u
#define SECONDS_MAX	120u

/*
 * A disk, and how it is used.
 * @data:	extents of data; 0: what of @extents is left for it
 * @aged:	sizes that are overwritten before
 * @run:	blocks of a write, one behind the other; 1: at random.  It comes in
 *		requests as large as the device takes
 * @depth:	writes at a time
 * @commits:	a flush follows each write, and the disk serves all at a time
 */
struct setting {
	const char *what;
	u32 data;
	u32 extents;
	u32 spare_permille;
	u32 aged;
	u32 run;
	u32 depth;
	u32 seconds;
	u32 flush_ns;
	u32 request_ns;
	u32 block_ns;
	bool commits;
};

static const struct setting settings[] = {
	{ "200 MB/s, 512 extents of data, 15 % spare: random writes of 4 KiB",
	  .data = 512, .spare_permille = 150, .aged = 3, .run = 1, .depth = 32,
	  .seconds = 60, .flush_ns = 200000, .request_ns = 100000,
	  .block_ns = 20480 },
	{ "22 MiB/s, 320 extents, 15 % spare: random writes of 4 KiB",
	  .extents = 320, .spare_permille = 150, .aged = 1, .run = 1,
	  .depth = 32, .seconds = 120, .block_ns = 177557 },
	{ "22 MiB/s, 1,024 extents: writes of 1 MiB one behind the other",
	  .extents = 1024, .run = 256, .depth = 8, .seconds = 15,
	  .block_ns = 177557 },
	{ "22 MiB/s, 1,024 extents, 12 % spare: the same, all of which is written",
	  .extents = 1024, .aged = 2, .run = 256, .depth = 8, .seconds = 60,
	  .block_ns = 177557 },
	{ "1 ms, 1,024 extents: one writer of 4 KiB and a flush",
	  .extents = 1024, .run = 1, .depth = 1, .seconds = 60,
	  .flush_ns = NSEC_PER_MSEC, .request_ns = NSEC_PER_MSEC,
	  .commits = true },
	{ "1 ms, 1,024 extents: 16 writers of 4 KiB and a flush",
	  .extents = 1024, .run = 1, .depth = 16, .seconds = 60,
	  .flush_ns = NSEC_PER_MSEC, .request_ns = NSEC_PER_MSEC,
	  .commits = true },
};

/* Blocks of zeros take no memory: data is zeros. */
static struct disk {
	struct shard_backend backend;
	u8 **blocks;
	struct list_head queue;
	u64 now_ns;
	u64 nr_reads[SHARDBLK_STREAM_SUPER + 1];
	u64 nr_read_blocks[SHARDBLK_STREAM_SUPER + 1];
} disk;

static const u8 zeros[BLOCK] __aligned(8);

/* A request that is made again as soon as it has ended. */
static struct slot {
	struct shard_request request;
	u64 begun_ns;
} slots[REQUESTS_MAX];

static const struct setting *setting;
static struct shard_device *device;
static struct completion all_done;
static u64 seed, nr_left, blocks, next_lba, until_ns, begin_ns;
static u32 run_blocks, nr_busy, ended[SECONDS_MAX], nr_latencies;
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

static u64 duration(const struct shard_io *io)
{
	if (io->op == SHARD_IO_FLUSH)
		return setting->flush_ns;
	return setting->request_ns + (u64)io->len / BLOCK * setting->block_ns;
}

static void submit(struct shard_backend *backend, struct shard_io *io)
{
	/* nothing to do on a disk without zones */
	if (io->op == SHARD_IO_RESET) {
		io->error = 0;
		io->done(io);
		return;
	}
	/* if all are served at a time; each takes as long, so in this order */
	io->private = (void *)(disk.now_ns + duration(io));
	list_add_tail(&io->node, &disk.queue);
	kapi_events_pending++;
}

/* Whose extents are read. */
static void note_read(const struct shard_io *io)
{
	u32 nr = div_u64(io->offset, EXTENT_BYTES);
	u32 stream = SHARDBLK_STREAM_SUPER;
	struct shard_extent e;

	if (device && nr >= SHARDBLK_SUPER_EXTENTS) {
		shard_extent_get(device->store.ex, nr, &e);
		stream = e.stream;
	}
	disk.nr_reads[stream]++;
	disk.nr_read_blocks[stream] += io->len / BLOCK;
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
	ns = setting->commits ? (u64)io->private - disk.now_ns : duration(io);
	disk.now_ns += ns;
	if (io->op == SHARD_IO_READ)
		note_read(io);
	kapi_time_advance(ns);
	if (io->op != SHARD_IO_FLUSH)
		transfer(io);
	io->error = 0;
	kapi_irq_enter();
	io->done(io);
	kapi_irq_exit();
	/* those that ended were made again, in one batch */
	if (device)
		shard_device_commit(device);
	return true;
}

static const struct shard_backend_ops ops = { .submit = submit };

static void slot_begin(struct slot *slot)
{
	if (run_blocks == 1)
		next_lba = bench_random(&seed) % blocks;
	else if (next_lba + run_blocks > blocks)
		next_lba = 0;
	slot->request.op = SHARD_WRITE;
	slot->request.nr_blocks = run_blocks;
	slot->request.lba = next_lba;
	next_lba += run_blocks;
	slot->begun_ns = disk.now_ns;
	shard_device_submit(device, &slot->request);
}

static void slot_done(struct shard_request *request, int error)
{
	struct slot *slot = container_of(request, struct slot, request);

	if (error)
		kapi_fail("a write returned %d", error);
	if (setting->commits && request->op == SHARD_WRITE) {
		request->op = SHARD_FLUSH;
		request->nr_blocks = 0;
		shard_device_submit(device, request);
		return;
	}
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

/* @nr requests of @run blocks, @depth at a time, or until so many seconds have gone. */
static void overwrite(u32 run, u32 depth, u64 nr, u32 seconds)
{
	static struct shard_seg segs[128];
	u32 i;

	for (i = 0; i < ARRAY_SIZE(segs); i++)
		segs[i] = (struct shard_seg){ (void *)zeros, BLOCK };
	init_completion(&all_done);
	run_blocks = run;
	begin_ns = disk.now_ns;
	until_ns = seconds ? begin_ns + seconds * (u64)NSEC_PER_SEC : 0;
	nr_busy = depth;
	nr_left = max_t(u64, nr, nr_busy) - nr_busy;
	for (i = 0; i < depth; i++) {
		slots[i].request = (struct shard_request){
			.segs = segs, .done = slot_done,
		};
		slot_begin(&slots[i]);
	}
	shard_device_commit(device);
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

/* Of the whole disk; @format is told the logical size, unless it may choose. */
static u32 size_of(struct shard_format_options *format)
{
	struct shard_layout l = {
		.block_size = BLOCK, .extent_blocks = EXTENT_BYTES / BLOCK,
		.nr_extents = setting->data,
	};

	if (!setting->data)
		return setting->extents;
	l.logical_blocks = setting->data * 1000ull *
		shard_extent_singles(BLOCK, EXTENT_BYTES / BLOCK) /
		(1000 + setting->spare_permille);
	format->logical_size = l.logical_blocks * BLOCK;
	while (!shard_layout_make(&l) ||
	       l.host_extents - l.head_extents < setting->data)
		l.nr_extents++;
	return l.nr_extents;
}

static bool good_enough = true;
static u64 nr_host;

static void row(const char *what, u64 nr, u64 nr_requests)
{
	printf("  %-44s %9llu %8.3f", what, nr, (double)nr / nr_host);
	if (nr_requests)
		printf(" %9llu", nr_requests);
	printf("\n");
}

static void report_written(const struct shard_stats_view *d)
{
	u64 index = d->index_blocks, super = d->super_writes;

	printf("written, blocks, for each of the host's; requests:\n");
	row("of the host", nr_host, d->host_frames);
	row("moved", d->relocated_blocks, d->reloc_frames);
	row("headers of the host's frames", d->host_blocks - nr_host, 0);
	row("headers of frames of moved data",
	    d->reloc_blocks - d->relocated_blocks, 0);
	row("runs", index, d->index_writes);
	row("manifests", d->backing_write_blocks - d->host_blocks -
	    d->reloc_blocks - index - super, d->meta_writes);
	row("records", super, super);
	row("all", d->backing_write_blocks, d->backing_writes);
}

static void report_read(const struct shard_stats_view *d)
{
	u64 nr = 0, requests = 0, all = 0, all_requests = 0;
	u32 s;

	printf("read:\n");
	for (s = SHARDBLK_STREAM_HOST; s <= SHARDBLK_STREAM_SUPER; s++) {
		all += disk.nr_read_blocks[s];
		all_requests += disk.nr_reads[s];
		if (!(BIT(s) & SHARD_DATA_STREAMS))
			continue;
		nr += disk.nr_read_blocks[s];
		requests += disk.nr_reads[s];
	}
	row("of victims", nr, requests);
	row("pages of runs, for look-ups", d->page_misses, d->page_misses);
	row("the rest, mostly for merges", all - nr - d->page_misses,
	    all_requests - requests - d->page_misses);
	row("all", all, all_requests);
	row("read and written", all + d->backing_write_blocks,
	    all_requests + d->backing_writes);
}

/* None is to be read twice; the first and the last may have been begun before. */
static void report_victims(const struct shard_stats_view *d)
{
	u64 all = (d->reclaimed_extents + 2) * (EXTENT_BYTES / BLOCK), nr = 0;
	u32 s;

	for (s = SHARDBLK_STREAM_HOST; s <= SHARDBLK_STREAM_RELOC2; s++)
		nr += disk.nr_read_blocks[s];
	if (nr > all)
		good_enough = false;
	printf("%llu extents reclaimed, %.2f of their blocks read (1.00 allowed)\n",
	       d->reclaimed_extents, (double)nr / all);
}

/* What is behind the last frame of an extent is not written before its next life. */
static void report_empty(const char *what, u32 streams)
{
	u32 i, nr = 0, each = EXTENT_BYTES / BLOCK;
	struct shard_extent e;
	u64 empty = 0;

	for (i = 0; i < device->layout.nr_extents; i++) {
		shard_extent_get(device->store.ex, i, &e);
		if (e.state != SHARD_EXTENT_SEALED || !(BIT(e.stream) & streams))
			continue;
		empty += each - e.written;
		nr++;
	}
	if (nr)
		printf("left empty of each extent of %s: %.1f of %u blocks\n",
		       what, (double)empty / nr, each);
}

static void report_pace(void)
{
	u32 n = setting->seconds, i;

	printf("requests that ended in each second:");
	for (i = 0; i < n; i++)
		printf("%s%u", i % 10 ? " " : "\n  ", ended[i]);
	qsort(latencies, nr_latencies, sizeof(*latencies), compare_u64);
	qsort(ended, n, sizeof(*ended), compare_u32);
	printf("\nmicroseconds: median %llu, 1 of 100 %llu, of 1000 %llu, most %llu\n",
	       latencies[nr_latencies / 2] / 1000,
	       latencies[nr_latencies - nr_latencies / 100 - 1] / 1000,
	       latencies[nr_latencies - nr_latencies / 1000 - 1] / 1000,
	       latencies[nr_latencies - 1] / 1000);
	if (2 * ended[0] < ended[n / 2])
		good_enough = false;
	printf("slowest second %u, median %u: %.2f of it (0.50 wanted)\n\n",
	       ended[0], ended[n / 2], (double)ended[0] / ended[n / 2]);
}

/* Raw, the disk takes a write and a flush for a commit, of each writer at a time. */
static void report_commits(const struct shard_stats_view *d)
{
	static double one;
	double raw = setting->request_ns + setting->flush_ns;
	double rate = (double)nr_latencies / setting->seconds, median;

	qsort(latencies, nr_latencies, sizeof(*latencies), compare_u64);
	median = latencies[nr_latencies / 2];
	printf("%.1f commits a second (raw %.1f), of each %.3f flushes and %.3f writes\n",
	       rate, setting->depth * NSEC_PER_SEC / raw,
	       (double)d->backing_flushes / nr_latencies,
	       (double)d->backing_writes / nr_latencies);
	printf("microseconds: median %.0f, %.2f of raw's; 1 of 1000 %llu, most %llu\n",
	       median / 1000, median / raw,
	       latencies[nr_latencies - nr_latencies / 1000 - 1] / 1000,
	       latencies[nr_latencies - 1] / 1000);
	printf("%llu checkpoints, %llu records, %llu extents reclaimed\n",
	       d->checkpoints, d->records, d->reclaimed_extents);
	if (setting->depth == 1) {
		one = rate;
		good_enough &= median <= 1.1 * raw;
		printf("1.10 of raw's wanted\n\n");
		return;
	}
	good_enough &= rate >= 8 * one;
	printf("%.2f times those of one writer (8.00 wanted)\n\n", rate / one);
}

static void report(const struct shard_stats_view *a,
		   const struct shard_stats_view *b)
{
	struct shard_stats_view d = *b;
	u32 i;

	for (i = 0; i < sizeof(d) / sizeof(u64); i++)
		((u64 *)&d)[i] -= ((const u64 *)a)[i];
	if (setting->commits) {
		report_commits(&d);
		return;
	}
	nr_host = d.writes * run_blocks;
	report_written(&d);
	report_read(&d);
	printf("%llu checkpoints, %llu merges, %llu manifests, %llu records, %llu flushes\n",
	       d.checkpoints, d.compactions, d.manifests, d.records,
	       d.backing_flushes);
	report_victims(&d);
	report_empty("the host", BIT(SHARDBLK_STREAM_HOST));
	report_empty("moved data", SHARD_RELOC_STREAMS);
	report_pace();
}

static void device_begin(void)
{
	struct shard_options options = {};

	if (shard_device_open(&disk.backend, &options, &device))
		kapi_fail("no device");
}

static void device_end(void)
{
	struct shard_device *d = device;

	shard_device_close(d);
	device = NULL;
}

static void measure(void)
{
	struct shard_info before, after;
	u32 run;

	device_begin();
	shard_device_info(device, &before);
	memset(disk.nr_reads, 0, sizeof(disk.nr_reads));
	memset(disk.nr_read_blocks, 0, sizeof(disk.nr_read_blocks));
	memset(ended, 0, sizeof(ended));
	nr_latencies = 0;
	next_lba = 0;
	run = min(setting->run, before.request_blocks_max);
	overwrite(run, setting->depth * (setting->run / run), 0,
		  setting->seconds);
	shard_device_info(device, &after);
	report(&before.stats, &after.stats);
	device_end();
}

static void bench_one(void)
{
	struct shard_format_options format = {
		.block_size = BLOCK, .extent_size = EXTENT_BYTES,
		.spare_permille = setting->spare_permille,
	};
	u32 nr_extents = size_of(&format);
	struct shard_info info;
	u32 run;
	u64 nr;

	printf("%s, %u at a time\n", setting->what, setting->depth);
	disk.backend = (struct shard_backend){
		.ops = &ops, .name = "slow memory",
		.capacity = (u64)nr_extents * EXTENT_BYTES,
		.logical_block_size = BLOCK, .physical_block_size = BLOCK,
		.volatile_cache = true,
	};
	nr = disk.backend.capacity / BLOCK;
	disk.blocks = calloc(nr, sizeof(*disk.blocks));
	/* none takes less than an operation on a block */
	latencies = calloc(setting->seconds * (u64)NSEC_PER_SEC * setting->depth /
			   (setting->request_ns + setting->block_ns),
			   sizeof(*latencies));
	INIT_LIST_HEAD(&disk.queue);
	if (!disk.blocks || !latencies || shard_format(&disk.backend, &format))
		kapi_fail("no disk");
	seed = 88172645463325252ull;
	device_begin();
	shard_device_info(device, &info);
	blocks = info.logical_blocks;
	run = info.request_blocks_max;
	if (setting->aged)
		overwrite(run, setting->depth, div_u64(blocks, run), 0);
	run = min(setting->run, run);
	if (setting->aged)
		overwrite(run, setting->depth, setting->aged * blocks / run, 0);
	device_end();
	measure();
	while (nr--)
		free(disk.blocks[nr]);
	free(disk.blocks);
	free(latencies);
}

static void bench(void *arg)
{
	for (setting = settings; setting < settings + ARRAY_SIZE(settings);
	     setting++)
		bench_one();
}

int bench_pace(void)
{
	static struct sim sim;

	sim_init(&sim);
	sim_choices_list(&sim.choices, NULL, 0);
	sim.hooks.idle = serve;
	if (!kapi_run(&sim.hooks, bench, NULL))
		return good_enough ? 0 : 1;
	printf("%s\n", kapi_failure());
	return 1;
}
