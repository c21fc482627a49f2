// SPDX-License-Identifier: GPL-2.0-only
/*
 * Makes the images that fuzzing begins with: seeds DIRECTORY
 *
 * Of small devices with every kind of record, left by a clean stop and by a
 * crash; the same each time.
 */
#include <stdlib.h>

#include "image.h"

/* What is done to the device of an image. */
struct seed {
	const char *name;
	u32 nr_writes;
	u32 nr_blocks;		/* of each */
	u32 span;		/* they lie in so many blocks */
	u32 checkpoint_in;	/* one after so many of them */
	bool discards;
	bool reclaims;
	bool crash;		/* the image is taken before the end */
};

static const struct seed seeds[] = {
	{ "blank" },
	{ "blank-crash", .crash = true },
	{ "log", 6, 3, 100, 0, .discards = true, .crash = true },
	{ "log-wrapped", 40, 4, 60, 12, .crash = true },
	{ "run", 8, 4, 200, 8, .discards = true },
	{ "runs", 30, 1, 500, 6, .discards = true, .crash = true },
	{ "inner", 60, 1, 1000, 60 },
	{ "merged", 40, 2, 300, 5, .discards = true },
	{ "moved", 60, 3, 40, 9, .reclaims = true },
	{ "moved-crash", 50, 4, 50, 10, .reclaims = true, .crash = true },
};

static struct image image, taken;
static const struct seed *seed;

static void use(struct shard_device *device)
{
	u32 draw = 1, i;

	for (i = 1; i <= seed->nr_writes; i++) {
		draw = draw * 1664525 + 1013904223;
		image_ask(device, SHARD_WRITE, (draw >> 8) % seed->span, seed->nr_blocks,
			  i % 3 == 0);
		if (seed->discards && i % 4 == 0)
			image_ask(device, SHARD_DISCARD, (draw >> 12) % seed->span, 5,
				  false);
		if (seed->checkpoint_in && i % seed->checkpoint_in == 0)
			shard_device_checkpoint(device);
		if (seed->reclaims && i % 11 == 0)
			shard_device_reclaim(device);
	}
	if (!seed->crash)
		return;
	image_ask(device, SHARD_FLUSH, 0, 0, false);
	memcpy(&taken, &image, sizeof(taken));
}

static void make(void *arg)
{
	const struct shard_format_options format = {
		.block_size = 512, .extent_size = 16 * 512, .small = true,
		.thin = true, .logical_size = 1024 * 512, .checkpoint_blocks = 64,
	};
	const struct shard_options options = { .cache_pages = 4,
					       .memtable_entries = 128 };
	struct shard_device *device;

	image_init(&image);
	if (shard_format(&image.backend, &format) ||
	    shard_device_open(&image.backend, &options, &device))
		kapi_fail("%s: cannot be made", seed->name);
	use(device);
	shard_device_close(device);
	if (!seed->crash)
		memcpy(&taken, &image, sizeof(taken));
}

/* The same numbers each time. */
static void numbers(void *ctx, void *buf, size_t len)
{
	u8 *at = buf;
	size_t i;

	for (i = 0; i < len; i++)
		at[i] = 17 + 31 * i + seed - seeds;
}

int main(int argc, char **argv)
{
	static const struct kapi_hooks hooks = { .random = numbers };
	static u8 bytes[IMAGE_BYTES];
	char path[PATH_MAX];
	size_t nr;
	FILE *file;

	for (seed = seeds; argc == 2 && seed < seeds + ARRAY_SIZE(seeds); seed++) {
		if (kapi_run(&hooks, make, NULL)) {
			fprintf(stderr, "%s\n", kapi_failure());
			return 1;
		}
		nr = image_pack(&taken, bytes, sizeof(bytes));
		snprintf(path, sizeof(path), "%s/%s", argv[1], seed->name);
		file = fopen(path, "w");
		if (!file || fwrite(bytes, 1, nr, file) != nr || fclose(file)) {
			perror(path);
			return 1;
		}
	}
	return argc != 2;
}
