// SPDX-License-Identifier: GPL-2.0-only
/*
 * Checkpoints of hundreds of index pages.
 *
 * Goal: a run that needs many frames, or many extents, is written whole, and
 * records have room for all that it takes: no attempt fails.  Method: scattered
 * writes, so that few entries fit into a page; a crash and a start; then every
 * block and every page is read.  The model of the device is made for few blocks:
 * here it is enough to know what was written where, each block once.
 */
#include "content.h"
#include "script.h"
#include "shardblk_format.h"
#include "suites.h"

#define PIECE_MAX	8	/* blocks */
#define BATCH		7	/* writes of one frame */

/**
 * struct long_run - a geometry, and what is to come of it
 * @extent_blocks:	of 512 bytes
 * @nr_extents:		all
 * @nr_pieces:		that are written
 * @piece:		blocks of each
 * @nr_pages:		the last run has at least so many
 * @relist:		it needs more extents than a record has room for
 */
struct long_run {
	u32 extent_blocks;
	u32 nr_extents;
	u32 nr_pieces;
	u32 piece;
	u32 nr_pages;
	bool relist;
};

struct piece {
	struct shard_request request;
	struct shard_seg seg;
	u64 data[PIECE_MAX * SECTOR_SIZE / sizeof(u64)];
};

/* What goes on; a crash takes the engine's memory, not this. */
static struct piece pieces[BATCH];
static u32 nr_busy;
static struct completion all_done;

static void request_done(struct shard_request *request, int error)
{
	if (error)
		kapi_fail("request %d at %llu returned %d", request->op,
			  request->lba, error);
	if (!--nr_busy)
		complete(&all_done);
}

/* Pieces from @first on, in an order in which hardly any are neighbours. */
static void submit(struct world *w, const struct long_run *l, enum shard_op op,
		   u32 first)
{
	u32 nr = min_t(u32, BATCH, l->nr_pieces - first), i, k;

	init_completion(&all_done);
	nr_busy = nr;
	for (i = 0; i < nr; i++) {
		struct piece *p = &pieces[i];
		u64 lba = (first + i) * 7919ull % l->nr_pieces * l->piece;

		for (k = 0; op == SHARD_WRITE && k < l->piece; k++)
			content_fill((u8 *)p->data + k * SECTOR_SIZE,
				     SECTOR_SIZE, lba + k + 1);
		p->seg.addr = p->data;
		p->seg.len = l->piece * SECTOR_SIZE;
		p->request.op = op;
		p->request.lba = lba;
		p->request.nr_blocks = l->piece;
		p->request.segs = &p->seg;
		p->request.done = request_done;
		shard_device_submit(w->device, &p->request);
	}
	shard_device_commit(w->device);
	wait_for_completion(&all_done);
}

static void write_all(struct world *w, const struct long_run *l)
{
	u32 i;

	for (i = 0; i < l->nr_pieces; i += BATCH)
		submit(w, l, SHARD_WRITE, i);
}

static void read_all(struct world *w, const struct long_run *l)
{
	u32 i, k, b;

	for (i = 0; i < l->nr_pieces; i += BATCH) {
		memset(pieces, 0, sizeof(pieces));
		submit(w, l, SHARD_READ, i);
		for (k = 0; k < BATCH && i + k < l->nr_pieces; k++) {
			u64 lba = pieces[k].request.lba;
			u8 *data = (u8 *)pieces[k].data;

			for (b = 0; b < l->piece; b++)
				if (content_stamp(data + b * SECTOR_SIZE,
						  SECTOR_SIZE) != lba + b + 1)
					kapi_fail("block %llu is wrong",
						  lba + b);
		}
	}
}

static void checkpoint_event(void *ctx, u64 seq, u64 record, int error)
{
	if (error)
		kapi_fail("a checkpoint failed: %d", error);
}

static void frame_event(void *ctx, u64 seq, u32 nr_entries, u32 nr_blocks,
			u64 offset)
{
}

static void retired_event(void *ctx, u64 seq, int error)
{
}

static void flush_event(void *ctx, int error, u64 ns)
{
}

static void recovery_event(void *ctx, u64 first_seq, u64 last_seq, u32 frames,
			   int error)
{
}

static const struct shard_trace_ops trace = {
	.frame_issued = frame_event,
	.frame_retired = retired_event,
	.flush = flush_event,
	.checkpoint = checkpoint_event,
	.recovery = recovery_event,
};

static void found(struct shard_check_report *report, const char *what)
{
	kapi_fail("check: %s", what);
}

/* Reads all pages, and all blocks once more. */
static u64 check_all(struct world *w)
{
	const struct shard_options options = { .read_only = true };
	struct shard_check_report report = { .damage = found };
	struct shard_device *device;

	if (shard_device_open(&w->disk->backend, &options, &device))
		kapi_fail("open failed");
	if (shard_check(device, true, &report))
		kapi_fail("no memory");
	shard_device_close(device);
	return report.nr_pages;
}

static void ask(struct world *w, const struct long_run *l)
{
	u64 extent_size = (u64)l->extent_blocks * SECTOR_SIZE;
	struct world_config config = {
		.disk = {
			.capacity = l->nr_extents * extent_size,
			.block_size = SECTOR_SIZE,
			.volatile_cache = true,
			.sparse = true,
			.extent_size = extent_size,
			.super_extents = SHARDBLK_SUPER_EXTENTS,
		},
		.format = {
			.block_size = SECTOR_SIZE,
			.extent_size = extent_size,
			.logical_size = (u64)l->nr_pieces * l->piece *
					SECTOR_SIZE,
			.small = true,
		},
		.options = { .memtable_entries = 8192, .trace = &trace },
		.nr_blocks = 1,
	};
	struct shard_info info;
	u64 nr_pages;
	u64 nr_roots;
	bool relisted;

	world_begin(w, &config);
	write_all(w, l);
	if (shard_device_checkpoint(w->device))
		kapi_fail("the last checkpoint failed");
	shard_device_info(w->device, &info);
	world_crash(w, false);
	if (world_open(w))
		kapi_fail("open failed after a crash");
	read_all(w, l);
	world_close(w);
	nr_pages = check_all(w);

	world_print("       extents of %u blocks: %llu checkpoints, last of %llu pages",
		    l->extent_blocks, info.stats.checkpoints, nr_pages);
	if (nr_pages < l->nr_pages)
		kapi_fail("the run has only %llu pages", nr_pages);
	nr_roots = info.stats.checkpoints + info.stats.compactions;
	relisted = info.stats.manifests > nr_roots;
	if (l->relist != relisted)
		kapi_fail("%llu manifests were written for %llu roots",
			  info.stats.manifests, nr_roots);
}

void check_long_run(struct world *w)
{
	static const struct long_run geometries[] = {
		/* frames of 108 pages, and a log that fills the record */
		{ 2048, 256, 6000, 8, 512, false },
		/* a record has no room for all extents of the run */
		{ 16, 270, 2200, 1, 110, true },
		/* nor for those of the manifest beside them */
		{ 16, 300, 2400, 1, 140, true },
	};
	u32 i;

	for (i = 0; i < ARRAY_SIZE(geometries); i++)
		ask(w, &geometries[i]);
}
