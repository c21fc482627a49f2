// SPDX-License-Identifier: GPL-2.0-only
/*
 * For the tests of shardctl: put requests on an image through the engine.
 *
 *	fill IMAGE STEP...
 *
 * write:LBA:BLOCKS:BYTE, discard:LBA:BLOCKS, flush, checkpoint, and at the end
 * stop (a clean one); without it the process just ends, as in a crash.  As the
 * first of all, physical:BYTES[:OFFSET] says what the device's blocks are.  Warnings of the
 * engine are printed.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shard.h"
#include "../file_backend.h"

struct waiter {
	struct shard_request request;
	struct completion done;
	int error;
};

static void request_done(struct shard_request *request, int error)
{
	struct waiter *waiter = container_of(request, struct waiter, request);

	waiter->error = error;
	complete(&waiter->done);
}

static int submit(struct shard_device *device, enum shard_op op, u64 lba,
		  u32 nr_blocks, const struct shard_seg *seg)
{
	struct waiter *waiter = calloc(1, sizeof(*waiter));
	int err;

	if (!waiter)
		return -ENOMEM;
	init_completion(&waiter->done);
	waiter->request.op = op;
	waiter->request.lba = lba;
	waiter->request.nr_blocks = nr_blocks;
	waiter->request.segs = seg;
	waiter->request.done = request_done;
	shard_device_submit(device, &waiter->request);
	shard_device_commit(device);
	wait_for_completion(&waiter->done);
	err = waiter->error;
	free(waiter);
	return err;
}

static int fill_write(struct shard_device *device, u32 block_size,
		      unsigned long long lba, u32 nr_blocks, u32 byte)
{
	struct shard_seg seg = { .len = nr_blocks * block_size };
	int err;

	seg.addr = malloc(seg.len);
	if (!seg.addr)
		return -ENOMEM;
	memset(seg.addr, (int)byte, seg.len);
	err = submit(device, SHARD_WRITE, lba, nr_blocks, &seg);
	free(seg.addr);
	return err;
}

static int run_step(struct shard_device *device, u32 block_size,
		    const char *text)
{
	unsigned long long lba;
	u32 nr_blocks, byte;

	if (sscanf(text, "write:%llu:%u:%u", &lba, &nr_blocks, &byte) == 3)
		return fill_write(device, block_size, lba, nr_blocks, byte);
	if (sscanf(text, "discard:%llu:%u", &lba, &nr_blocks) == 2)
		return submit(device, SHARD_DISCARD, lba, nr_blocks, NULL);
	if (!strcmp(text, "flush"))
		return submit(device, SHARD_FLUSH, 0, 0, NULL);
	if (!strcmp(text, "checkpoint"))
		return shard_device_checkpoint(device);
	return -EINVAL;
}

static int fail(const char *what, int err)
{
	fprintf(stderr, "fill: %s: %s\n", what, strerror(-err));
	return 1;
}

static void print(void *ctx, int level, const char *fmt, va_list args)
{
	(void)ctx;
	if (level <= LOGLEVEL_WARNING)
		vfprintf(stderr, fmt, args);
}

int main(int argc, char **argv)
{
	static const struct kapi_hooks hooks = { .log = print };
	struct target target = {
		.writable = true,
		.logical_block_size = 512,
		.physical_block_size = 512,
	};
	struct file_backend file;
	struct shard_device *device;
	struct shard_info info;
	struct stat st;
	int err, i = 2;

	if (argc < 2)
		return fail("which image?", -EINVAL);
	target.path = argv[1];
	target.fd = open(argv[1], O_RDWR | O_CLOEXEC);
	if (target.fd < 0 || fstat(target.fd, &st))
		return fail(argv[1], -errno);
	target.size = st.st_size;
	if (argc > i && sscanf(argv[i], "physical:%u:%d", &target.physical_block_size,
			       &target.alignment_offset) >= 1)
		i++;
	kapi_begin(&hooks);
	file_backend_init(&file, &target);
	err = shard_device_open(&file.backend, NULL, &device);
	if (err)
		return fail(argv[1], err);
	shard_device_info(device, &info);
	for (; i < argc; i++) {
		if (!strcmp(argv[i], "stop")) {
			err = shard_device_close(device);
			kapi_end();
			return err ? fail(argv[i], err) : 0;
		}
		err = run_step(device, info.block_size, argv[i]);
		if (err)
			return fail(argv[i], err);
	}
	_exit(0);
}
