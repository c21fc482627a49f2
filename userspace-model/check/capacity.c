// SPDX-License-Identifier: GPL-2.0-only
/*
 * Large devices.
 *
 * Goal: nothing is cut to 32 bits, and recovery reads what was logged, not the
 * disk.  Method: the same history on sparse disks of very different sizes, at
 * blocks above 2^32 where there are any, and in extents behind byte 2^32, with a
 * crash; the blocks that the start after it read are counted, and the extents of
 * which a snapshot tells.
 */
#include "script.h"
#include "shardblk_format.h"
#include "suites.h"

#define GIB	BIT_ULL(30)
#define TIB	BIT_ULL(40)

#define STARTS	16	/* extents of 256 MiB that are 4 GiB */

static void history(struct world *w)
{
	u32 i;

	for (i = 0; i < 16; i++)
		script_write(w, 2 * i, 4, false);
	world_checkpoint(w);
	for (i = 0; i < 8; i++)
		script_write(w, 5 * i, 3, false);
	script_discard(w, 7, 5);
	script_flush(w);
}

/* Each start opens a new extent: of large ones some lie behind 4 GiB soon. */
static void go_on(struct world *w, u32 starts)
{
	u32 i;

	for (i = 0; i < starts; i++) {
		script_write(w, 3 * i, 2, false);
		world_restart(w);
	}
	script_read_all(w);
}

static void line_of(void *ctx, const char *text)
{
	u32 *nr = ctx;

	*nr += !strncmp(text, "extent ", strlen("extent "));
}

/* It tells of all extents that are in use, wherever they lie. */
static void snapshot(struct world *w)
{
	struct shard_info info;
	u32 nr = 0;

	shard_device_snapshot(w->device, line_of, &nr);
	shard_device_info(w->device, &info);
	if (nr != info.nr_extents - info.super_extents - info.free_extents)
		kapi_fail("a snapshot tells of %u extents, and %u are free of %u",
			  nr, info.free_extents, info.nr_extents);
}

/* Return: blocks that recovery read.  The device is started @starts times more. */
static u64 run_on(struct world *w, u64 capacity, u32 extent_size, u32 starts)
{
	struct world_config config = {
		.disk = {
			.capacity = capacity,
			.block_size = SZ_4K,
			.volatile_cache = true,
			.sparse = true,
			.extent_size = extent_size,
			.super_extents = SHARDBLK_SUPER_EXTENTS,
		},
		.format = { .extent_size = extent_size },
		.options = { .memtable_entries = 256 },
		.nr_blocks = 64,
	};
	u64 blocks;

	world_begin(w, &config);
	/* the end of the device, wherever that is */
	w->config.base = w->info.logical_blocks - config.nr_blocks;
	history(w);
	world_crash(w, false);
	if (world_open(w))
		kapi_fail("open failed");
	blocks = w->info.stats.recovery_blocks;
	world_compare(w, w->model.must);
	world_print("       %6llu GiB, extents of %u MiB: recovery read %llu, last block %llu",
		    capacity / GIB, extent_size / SZ_1M, blocks,
		    w->info.logical_blocks - 1);
	go_on(w, starts);
	snapshot(w);
	world_close(w);
	return blocks;
}

void check_capacity(struct world *w)
{
	u64 small = run_on(w, GIB, SZ_16M, 1), large = run_on(w, TIB, SZ_16M, 1);

	if (small != large)
		kapi_fail("recovery read %llu blocks of 1 GiB and %llu of 1 TiB",
			  small, large);
	run_on(w, 32 * TIB, SZ_256M, STARTS);
	if (w->config.base <= U32_MAX)
		kapi_fail("no block above 2^32 was written");
	run_on(w, 1024 * TIB, SZ_256M, 1);
}
