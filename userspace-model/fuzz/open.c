// SPDX-License-Identifier: GPL-2.0-only
/*
 * Fuzzing: open any image.
 *
 * Goal: a hostile image gives an error or a device, never a crash, a hang, a
 * warning or a leak (P7).  Method: bytes are a packed image (image.h); it is
 * opened to be read, and checked; then opened, read, written, checkpointed,
 * merged, evacuated, scrubbed and closed; then opened once more, since what was
 * opened and closed must open.  What is read may be anything.
 */
#include <stdlib.h>

#include "fuzz.h"
#include "image.h"
#include "shard.h"

#define READS		24u
#define SCRUB_STEPS	256u

static struct image image;
static void damage(struct shard_check_report *report, const char *what)
{
}

static void look(void)
{
	const struct shard_options options = { .read_only = true, .cache_pages = 4,
					       .memtable_entries = 64 };
	struct shard_check_report report = { .damage = damage };
	struct shard_identity identity;
	struct shard_device *device;

	if (shard_identify(&image.backend, &identity))
		return;
	if (shard_device_open(&image.backend, &options, &device))
		return;
	shard_check(device, true, &report);
	shard_device_close(device);
}

static void scrub(struct shard_device *device)
{
	struct shard_scrub *scrub = shard_scrub_create(device);
	u32 i;

	for (i = 0; scrub && i < SCRUB_STEPS && shard_scrub_step(scrub) > 0; i++)
		;
	shard_scrub_destroy(scrub);
}

static void line(void *ctx, const char *text)
{
}

static void use(struct shard_device *device, u32 block_size)
{
	struct shard_info info;
	u64 lba = 0, blocks;
	u32 i, nr = IMAGE_ASK_BYTES / block_size;

	shard_device_info(device, &info);
	blocks = info.logical_blocks;
	for (i = 0; i < READS; i++) {
		image_ask(device, SHARD_READ, lba, 1, false);
		lba++;
		if (shard_device_next_data(device, &lba) <= 0)
			break;
	}
	nr = min_t(u64, blocks, nr);
	image_ask(device, SHARD_READ, blocks - nr, nr, false);
	image_ask(device, SHARD_WRITE, 0, 1, false);
	image_ask(device, SHARD_WRITE, blocks - 1, 1, true);
	shard_device_checkpoint(device);
	image_ask(device, SHARD_DISCARD, 0, min_t(u64, blocks, 100), false);
	for (i = 0; i < 8; i++)
		image_ask(device, SHARD_WRITE, i * 7 % blocks, 1, false);
	image_ask(device, SHARD_FLUSH, 0, 0, false);
	shard_device_checkpoint(device);
	shard_device_compact(device);
	shard_device_reclaim(device);
	scrub(device);
	shard_device_snapshot(device, line, NULL);
	shard_device_info(device, &info);
}

static void again(bool first)
{
	const struct shard_options options = { .cache_pages = 4,
					       .memtable_entries = 64,
					       .retry_bad = first };
	struct shard_identity identity;
	struct shard_device *device;

	if (shard_device_open(&image.backend, &options, &device))
		return;
	if (!shard_identify(&image.backend, &identity) &&
	    identity.block_size <= IMAGE_ASK_BYTES)
		use(device, identity.block_size);
	shard_device_close(device);
}

static void all(void *arg)
{
	look();
	again(true);
	again(false);
}

static void silent(void *ctx, int level, const char *fmt, va_list args)
{
}

int LLVMFuzzerTestOneInput(const u8 *bytes, size_t nr)
{
	static const struct kapi_hooks hooks = { .log = silent };

	image_unpack(&image, bytes, nr);
	if (kapi_run(&hooks, all, NULL)) {
		fprintf(stderr, "%s\n", kapi_failure());
		abort();
	}
	return 0;
}
