// SPDX-License-Identifier: GPL-2.0-only
/*
 * shardctl export: the logical contents, as recovery would give them.
 *
 * Nothing but the engine's own recovery and reads are used, so what comes out
 * is what /dev/shardblkN would hold after an add.
 */
#include <stdlib.h>

#include "image.h"
#include "shardctl.h"
#include "sink.h"

struct export_args {
	const char *source;
	const char *out;
	bool force;
};

/**
 * struct export - one run of the command
 * @image:	from where
 * @device:	what recovery made of it
 * @sink:	to where
 * @info:	sizes
 * @buffer:	room for the largest request
 * @bad_first:	first of the unreadable blocks that are still to be reported
 * @bad_nr:	how many these are
 * @nr_bad:	unreadable blocks so far
 */
struct export {
	struct image *image;
	struct shard_device *device;
	struct sink sink;
	struct shard_info info;
	u8 *buffer;
	u64 bad_first;
	u64 bad_nr;
	u64 nr_bad;
};

/* A request, and who waits for it. */
struct export_read {
	struct shard_request request;
	struct completion done;
	int error;
};

static const struct argp_option export_options[] = {
	{ "force", 'f', NULL, 0, "Also when it is in use; what comes out may then be mixed up", 0 },
	{ NULL, 0, NULL, 0, NULL, 0 }
};

static error_t parse_export(int key, char *arg, struct argp_state *state)
{
	struct export_args *args = state->input;

	switch (key) {
	case 'f':
		args->force = true;
		return 0;
	case ARGP_KEY_ARG:
		if (args->out)
			argp_error(state, "too many arguments");
		if (args->source)
			args->out = arg;
		else
			args->source = arg;
		return 0;
	case ARGP_KEY_END:
		if (!args->out)
			argp_error(state, "from where, and to where?");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp export_argp = {
	.options = export_options,
	.parser = parse_export,
	.args_doc = "DEVICE|FILE OUT|-",
	.doc = "Copy the logical contents of a device or image to the file or block "
	       "device OUT, or to standard output, as recovery would give them. "
	       "Holes stay holes where OUT can have them. A block that cannot be "
	       "read is reported and left as a hole; the exit code is then 4.",
};

static void read_done(struct shard_request *request, int error)
{
	struct export_read *read =
		container_of(request, struct export_read, request);

	read->error = error;
	complete(&read->done);
}

static int read_blocks(struct export *export, struct export_read *read,
		       u64 lba, u32 nr_blocks)
{
	const struct shard_seg seg = {
		.addr = export->buffer,
		.len = nr_blocks * export->info.block_size,
	};

	init_completion(&read->done);
	read->request.op = SHARD_READ;
	read->request.fua = false;
	read->request.lba = lba;
	read->request.nr_blocks = nr_blocks;
	read->request.segs = &seg;
	read->request.done = read_done;
	shard_device_submit(export->device, &read->request);
	shard_device_commit(export->device);
	wait_for_completion(&read->done);
	return read->error;
}

/* Report what was gathered, unless @lba goes on with it. */
static void report_bad(struct export *export, u64 lba)
{
	if (!export->bad_nr || lba == export->bad_first + export->bad_nr)
		return;
	if (export->bad_nr == 1)
		ctl_note("%s: block %llu cannot be read: left as a hole",
			 export->image->target.path, export->bad_first);
	else
		ctl_note("%s: blocks %llu to %llu cannot be read: left as a hole",
			 export->image->target.path, export->bad_first,
			 export->bad_first + export->bad_nr - 1);
	export->bad_nr = 0;
}

static void note_bad(struct export *export, u64 lba)
{
	report_bad(export, lba);
	if (!export->bad_nr)
		export->bad_first = lba;
	export->bad_nr++;
	export->nr_bad++;
}

/* Write what is in the buffer, but for blocks of zeros. */
static int write_blocks(struct export *export, u64 lba, u32 nr_blocks)
{
	const u32 size = export->info.block_size;
	u32 first, end;
	int code;

	for (first = 0; first < nr_blocks; first = end) {
		const u8 *from = export->buffer + (size_t)first * size;

		end = first + 1;
		if (!memchr_inv(from, 0, size))
			continue;
		while (end < nr_blocks &&
		       memchr_inv(export->buffer + (size_t)end * size, 0, size))
			end++;
		code = sink_write(&export->sink, (lba + first) * size, from,
				  (u64)(end - first) * size);
		if (code != CTL_DONE)
			return code;
	}
	return CTL_DONE;
}

/* One by one, to know which it is that cannot be read. */
static int copy_singly(struct export *export, struct export_read *read,
		       u64 lba, u32 nr_blocks)
{
	int code = CTL_DONE;
	u32 i;

	for (i = 0; i < nr_blocks && code == CTL_DONE; i++) {
		if (read_blocks(export, read, lba + i, 1))
			note_bad(export, lba + i);
		else
			code = write_blocks(export, lba + i, 1);
	}
	return code;
}

static int copy_all(struct export *export, struct export_read *read)
{
	const u64 end = export->info.logical_blocks;
	int code = CTL_DONE;
	u64 lba = 0;

	/* Where the index cannot be read, reading tells which blocks that hits. */
	while (lba < end && code == CTL_DONE &&
	       shard_device_next_data(export->device, &lba)) {
		u32 nr = min_t(u64, end - lba, export->info.request_blocks_max);

		if (read_blocks(export, read, lba, nr))
			code = copy_singly(export, read, lba, nr);
		else
			code = write_blocks(export, lba, nr);
		lba += nr;
	}
	report_bad(export, U64_MAX);
	return code;
}

static int run_export(struct export *export, const char *out)
{
	const u64 size = export->info.logical_blocks * export->info.block_size;
	struct export_read *read = calloc(1, sizeof(*read));
	struct stat source;
	int code, end;

	export->buffer = malloc((size_t)export->info.request_blocks_max *
				export->info.block_size);
	if (!read || !export->buffer) {
		code = ctl_error(CTL_SYSTEM, "out of memory");
		goto out_free;
	}
	if (fstat(export->image->target.fd, &source)) {
		code = ctl_error(CTL_SYSTEM, "%s: %s", export->image->target.path,
				 strerror(errno));
		goto out_free;
	}
	code = sink_open(&export->sink, out, size, &source);
	if (code != CTL_DONE)
		goto out_free;
	code = copy_all(export, read);
	/* After an error there is nothing to complete, only to close. */
	end = sink_close(&export->sink,
			 code == CTL_DONE ? size : export->sink.pos);
	if (code == CTL_DONE)
		code = end;
	if (code == CTL_DONE && export->nr_bad)
		code = ctl_error(CTL_DAMAGE, "%s: %llu blocks cannot be read",
				 export->image->target.path, export->nr_bad);
out_free:
	free(export->buffer);
	free(read);
	return code;
}

int ctl_export(int argc, char **argv)
{
	struct export_args args = { NULL, NULL, false };
	struct export export = { .image = NULL };
	struct image image;
	int code;

	argp_parse(&export_argp, argc, argv, 0, NULL, &args);
	code = image_open(&image, args.source, args.force, NULL);
	if (code != CTL_DONE)
		return code;
	export.image = &image;
	code = image_recover(&image, &export.device);
	if (code == CTL_DONE) {
		shard_device_info(export.device, &export.info);
		code = run_export(&export, args.out);
		shard_device_close(export.device);
	}
	image_close(&image);
	return code;
}
