// SPDX-License-Identifier: GPL-2.0-only
/*
 * What reclamation writes.
 *
 * Goal: a device that is overwritten at random writes no more data than good
 * policies do.  And one that is idle now and then works ahead in that time, for not
 * much more.  Method: the engine on memory, in at least 1,024 extents of 128
 * blocks of 512 bytes; a device of which all blocks are written is overwritten
 * three times its size, and the next three times are counted.
 *
 * Counted is data: what the host wrote and what was moved, over what the host
 * wrote.  Headers and the index are told apart.  The spare is that of blocks: of
 * what the extents of data can hold in frames of single blocks, over the logical
 * size.
 *
 * Then the device is overwritten as often in bursts, first without and then with
 * idle time between them.
 *
 * Beside it stand the closed form for uniform writes to many extents (Xiang and
 * Kurkoski, 2011), and what a simulation of cost-benefit with six append
 * positions by lifespan (SepBIT, FAST'22) gives for as many extents.
 */
#include <math.h>
#include <stdlib.h>

#include "bench_random.h"
#include "exhaustive.h"
#include "shard.h"
#include "layout.h"
#include "sim/sim.h"

#define BLOCK		SECTOR_SIZE
#define EXTENT_BLOCKS	128u
#define DATA_EXTENTS	1024u
#define BATCH		32u
#define ROUNDS		3u		/* sizes that are overwritten, twice */
#define ALLOWED		1.10		/* times the simulation's */
#define IDLE_SPARE	1u		/* the spare of which bursts are tried, too */
#define BURSTS		8u		/* of the spare space a burst overwrites one in so many */
#define IDLE_MS		10000u		/* between two of them */

struct memory {
	struct shard_backend backend;
	u8 *bytes;
};

/* What is written how often. */
struct workload {
	const char *name;
	double hot;			/* share of the blocks that is hot ... */
	double heat;			/* ... and of the writes that go there */
	double zipf;			/* or its exponent */
	double simulated[3];
};

static const double spares[] = { 0.07, 0.15, 0.30 };
static const struct workload workloads[] = {
	{ "uniform", 1.0, 1.0, 0, { 8.96, 4.26, 2.43 } },
	{ "80/20", 0.2, 0.8, 0, { 7.11, 3.51, 2.10 } },
	{ "90/10", 0.1, 0.9, 0, { 4.37, 2.34, 1.58 } },
	{ "zipf 0.99", 0, 0, 0.99, { 4.90, 2.71, 1.88 } },
};

/* What comes of bursts: see the second table. */
static struct idle_row {
	double busy, data, ahead, at_once_busy, at_once;
} idle_rows[ARRAY_SIZE(workloads)];

static struct shard_request requests[BATCH];
static struct completion all_done;
static u32 nr_busy, nr_missed;
static u64 seed;

static double draw(void)
{
	return bench_random(&seed) / 9007199254740992.0;
}

static void submit(struct shard_backend *backend, struct shard_io *io)
{
	struct memory *m = container_of(backend, struct memory, backend);
	u8 *at = m->bytes + io->offset;
	u32 skip = io->seg_skip, left = io->len, len;
	const struct shard_seg *seg;

	for (seg = io->segs; (io->op == SHARD_IO_READ ||
			      io->op == SHARD_IO_APPEND) && left; seg++) {
		len = skip < seg->len ? min(left, seg->len - skip) : 0;
		if (io->op == SHARD_IO_READ)
			memcpy((u8 *)seg->addr + skip, at, len);
		else
			memcpy(at, (u8 *)seg->addr + skip, len);
		skip -= min(skip, seg->len);
		left -= len;
		at += len;
	}
	io->error = 0;
	io->done(io);
}

static const struct shard_backend_ops ops = { .submit = submit };

static void request_done(struct shard_request *request, int error)
{
	if (error)
		kapi_fail("a write returned %d", error);
	if (!--nr_busy)
		complete(&all_done);
}

/* Zipf by the first two ranks and a power (Gray et al., 1994). */
struct zipf {
	double theta, zeta, eta, alpha;
};

static void zipf_begin(struct zipf *z, double theta, u64 n)
{
	u64 i;

	*z = (struct zipf){ .theta = theta, .alpha = 1 / (1 - theta) };
	for (i = 1; i <= n; i++)
		z->zeta += 1 / pow(i, theta);
	z->eta = (1 - pow(2.0 / n, 1 - theta)) /
		 (1 - (1 + pow(0.5, theta)) / z->zeta);
}

static u64 zipf_draw(const struct zipf *z, u64 n)
{
	double u = draw(), uz = u * z->zeta;

	if (uz < 1)
		return 0;
	if (uz < 1 + pow(0.5, z->theta))
		return 1;
	return min_t(u64, n - 1, n * pow(z->eta * u - z->eta + 1, z->alpha));
}

static u64 block_draw(const struct workload *w, const struct zipf *z, u64 n)
{
	u64 hot = n * w->hot;

	if (w->zipf)
		return zipf_draw(z, n);
	if (draw() < w->heat)
		return draw() * hot;
	return hot + draw() * (n - hot);
}

/* Batches of @w, or all blocks in order if it is NULL. */
static void write_blocks(struct shard_device *device, const struct workload *w,
			 const struct zipf *z, u64 n, u64 nr)
{
	static u8 data[BLOCK] __aligned(8);
	static const struct shard_seg seg = { .addr = data, .len = BLOCK };
	u64 i;
	u32 k;

	for (i = 0; i < nr; i += k) {
		init_completion(&all_done);
		nr_busy = min_t(u64, BATCH, nr - i);
		for (k = 0; k < BATCH && i + k < nr; k++) {
			struct shard_request *r = &requests[k];

			r->op = SHARD_WRITE;
			/* what is hot lies anywhere */
			r->lba = (w ? block_draw(w, z, n) : i + k) *
				 0x9e3779b1ull % n;
			r->nr_blocks = 1;
			r->segs = &seg;
			r->done = request_done;
			shard_device_submit(device, r);
		}
		shard_device_commit(device);
		wait_for_completion(&all_done);
	}
}

static u64 moved_blocks(struct shard_device *device)
{
	struct shard_info info;

	shard_device_info(device, &info);
	return info.stats.relocated_blocks;
}

/* Blocks of a device with this spare; the stride above must reach them all. */
static u64 size_of(double spare, u32 *nr_extents)
{
	struct shard_layout l = {
		.block_size = BLOCK, .extent_blocks = EXTENT_BLOCKS,
		.nr_extents = DATA_EXTENTS,
	};
	u64 blocks = DATA_EXTENTS * shard_extent_singles(BLOCK, EXTENT_BLOCKS) /
		     (1 + spare);

	blocks |= 1;
	while (blocks % 3 == 0 || blocks % 7 == 0)
		blocks += 2;
	l.logical_blocks = blocks;
	while (!shard_layout_make(&l) ||
	       l.host_extents - l.head_extents < DATA_EXTENTS)
		l.nr_extents++;
	*nr_extents = l.nr_extents;
	return blocks;
}

/* a / (a + W(-a exp(-a))), with W found by Newton's method. */
static double closed_form(double spare)
{
	double a = 1 + spare, x = -a * exp(-a), w = -0.1;
	u32 i;

	for (i = 0; i < 50; i++)
		w -= (w * exp(w) - x) / (exp(w) * (w + 1));
	return a / (a + w);
}

/* A burst.  Return: blocks of it that were written before one was moved. */
static u64 write_burst(struct shard_device *device, const struct workload *w,
		       const struct zipf *z, u64 n, u64 burst)
{
	u64 moved = moved_blocks(device), nr, before = 0;

	for (nr = 0; nr < burst; nr += BATCH) {
		write_blocks(device, w, z, n, BATCH);
		if (moved_blocks(device) == moved)
			before = nr + BATCH;
	}
	return min(before, burst);
}

/*
 * Bursts of a share of the spare space, and it is idle between them, if it may be.
 * Return: the share of what was written before a block had to be moved.
 */
static double write_bursts(struct shard_device *device,
			   const struct workload *w, const struct zipf *z,
			   u64 n, u64 burst, u32 idle_ms)
{
	u64 nr, at_once = 0;

	shard_device_set_idle(device, idle_ms);
	for (nr = 0; nr < ROUNDS * n; nr += burst) {
		msleep(IDLE_MS);
		at_once += write_burst(device, w, z, n, burst);
	}
	return (double)at_once / nr;
}

static void run_idle(struct shard_device *device, const struct workload *w,
		     const struct zipf *z, u64 n, u32 which, double wa)
{
	u64 burst = n * spares[which] / BURSTS;
	struct idle_row *row = &idle_rows[w - workloads];
	struct shard_info a, b;
	double host, moved;

	row->busy = wa;
	row->at_once_busy = write_bursts(device, w, z, n, burst,
					 SHARD_IDLE_NEVER);
	shard_device_info(device, &a);
	row->at_once = write_bursts(device, w, z, n, burst, IDLE_MS / 10);
	shard_device_info(device, &b);
	host = b.stats.writes - a.stats.writes;
	moved = b.stats.relocated_blocks - a.stats.relocated_blocks;
	row->data = (host + moved) / host;
	row->ahead = (double)(b.stats.idle_extents - a.stats.idle_extents) /
		     (b.stats.reclaimed_extents - a.stats.reclaimed_extents);
}

static void run_one(const struct workload *w, u32 which)
{
	u32 nr_extents;
	u64 blocks = size_of(spares[which], &nr_extents);
	struct shard_format_options format = {
		.block_size = BLOCK, .extent_size = EXTENT_BLOCKS * BLOCK,
		.logical_size = blocks * BLOCK, .small = true,
		.checkpoint_blocks = 1024,
	};
	struct shard_options options = {
		.memtable_entries = 16384, .cache_pages = 16384,
	};
	struct memory m = {
		.backend = {
			.ops = &ops, .name = "memory",
			.capacity = (u64)nr_extents * EXTENT_BLOCKS * BLOCK,
			.logical_block_size = BLOCK, .physical_block_size = BLOCK,
		},
	};
	struct shard_device *device;
	struct shard_info a, b;
	struct zipf z = { 0 };
	double moved, host, wa;
	char uniform[16] = "";

	m.bytes = calloc(1, m.backend.capacity);
	if (!m.bytes || shard_format(&m.backend, &format) ||
	    shard_device_open(&m.backend, &options, &device))
		kapi_fail("no device");
	if (w->zipf)
		zipf_begin(&z, w->zipf, blocks);
	seed = 88172645463325252ull;
	write_blocks(device, NULL, NULL, blocks, blocks);
	write_blocks(device, w, &z, blocks, ROUNDS * blocks);
	shard_device_info(device, &a);
	write_blocks(device, w, &z, blocks, ROUNDS * blocks);
	shard_device_info(device, &b);
	host = b.stats.writes - a.stats.writes;
	moved = b.stats.relocated_blocks - a.stats.relocated_blocks;
	wa = (host + moved) / host;
	if (which == IDLE_SPARE)
		run_idle(device, w, &z, blocks, which, wa);
	shard_device_close(device);
	free(m.bytes);

	if (w->hot == 1)
		snprintf(uniform, sizeof(uniform), "%.2f",
			 closed_form(spares[which]));
	nr_missed += wa > ALLOWED * w->simulated[which];
	printf("%-10s %3.0f %% %8.2f %10.2f %8s %8.2f %9.2f %7.2f%s\n", w->name,
	       100 * spares[which], wa, w->simulated[which], uniform,
	       wa / w->simulated[which],
	       (b.stats.host_blocks - a.stats.host_blocks +
		b.stats.reloc_blocks - a.stats.reloc_blocks - host - moved) / host,
	       (b.stats.index_blocks - a.stats.index_blocks) / host,
	       wa > ALLOWED * w->simulated[which] ? "  MISSED" : "");
}

static void bench(void *arg)
{
	u32 i, k;

	printf("%u extents of data, %u blocks each; %u sizes written, then %u counted\n",
	       DATA_EXTENTS, EXTENT_BLOCKS, ROUNDS, ROUNDS);
	printf("workload  spare    data  simulated  closed    ratio  headers   index\n");
	for (i = 0; i < ARRAY_SIZE(workloads); i++)
		for (k = 0; k < ARRAY_SIZE(spares); k++)
			run_one(&workloads[i], k);
	printf("%u of %zu more than %.2f times what was simulated\n", nr_missed,
	       ARRAY_SIZE(workloads) * ARRAY_SIZE(spares), ALLOWED);
	printf("\nat %.0f %% in bursts of 1/%u of the spare space, idle between them\n",
	       100 * spares[IDLE_SPARE], BURSTS);
	printf("(data, as above; extents reclaimed then; of a burst before any is moved)\n");
	printf("workload      busy    idle   ahead   burst, busy   burst, idle\n");
	for (i = 0; i < ARRAY_SIZE(workloads); i++)
		printf("%-10s %7.2f %7.2f %5.0f %% %11.0f %% %11.0f %%\n",
		       workloads[i].name, idle_rows[i].busy, idle_rows[i].data,
		       100 * idle_rows[i].ahead,
		       100 * idle_rows[i].at_once_busy,
		       100 * idle_rows[i].at_once);
}

int bench_gc(void)
{
	static struct sim sim;

	sim_init(&sim);
	sim_choices_list(&sim.choices, NULL, 0);
	if (!kapi_run(&sim.hooks, bench, NULL))
		return nr_missed ? 1 : 0;
	printf("%s\n", kapi_failure());
	return 1;
}
