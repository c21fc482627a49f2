// SPDX-License-Identifier: GPL-2.0-only
/*
 * Requests, one at a time.
 */
#include "image.h"

struct asked {
	struct shard_request request;
	struct completion done;
	int error;
};

static void asked_done(struct shard_request *request, int error)
{
	struct asked *asked = container_of(request, struct asked, request);

	asked->error = error;
	complete(&asked->done);
}

int image_ask(struct shard_device *device, enum shard_op op, u64 lba,
	      u32 nr_blocks, bool fua)
{
	static u8 buffer[IMAGE_ASK_BYTES] __aligned(8);
	struct shard_seg seg = { .addr = buffer, .len = sizeof(buffer) };
	struct asked *asked = kzalloc(sizeof(*asked), GFP_KERNEL);
	int err;

	init_completion(&asked->done);
	asked->request.op = op;
	asked->request.lba = lba;
	asked->request.nr_blocks = nr_blocks;
	asked->request.fua = fua;
	asked->request.segs = &seg;
	asked->request.done = asked_done;
	shard_device_submit(device, &asked->request);
	shard_device_commit(device);
	wait_for_completion(&asked->done);
	err = asked->error;
	kfree(asked);
	return err;
}
