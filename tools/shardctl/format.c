// SPDX-License-Identifier: GPL-2.0-only
/*
 * shardctl format: the only thing that formats.
 */
#include <stdlib.h>

#include "extent.h"
#include "image.h"
#include "output.h"
#include "shardctl.h"

/* The smallest device; below it the reserves leave too little. */
#define CAPACITY_MIN	((u64)SZ_32M)
#define EXTENT_SIZE_MIN	((u64)SZ_1M)
#define EXTENT_SIZE_MAX	((u64)SZ_256M)
#define EXTENTS_MIN	32

#define LOGICAL_SIZE_MAX	BIT_ULL(50)
#define CHECKPOINT_MIN	((u64)SZ_1M)
#define CHECKPOINT_MAX	(64 * (u64)SZ_1G)

struct format_args {
	const char *path;
	bool force;
	u64 checkpoint_size;
	struct shard_format_options options;
};

enum { OPT_BLOCK = 0x100, OPT_EXTENT, OPT_SIZE, OPT_SPARE, OPT_UUID, OPT_CHECKPOINT, OPT_THIN };

static const struct argp_option format_options[] = {
	{ "block-size", OPT_BLOCK, "512|4096", 0,
	  "Unit of mapping and of checksums (default 4096)", 0 },
	{ "extent-size", OPT_EXTENT, "SIZE", 0,
	  "A power of two from 1M to 256M (default: the device's size / 1024, rounded up)", 0 },
	{ "size", OPT_SIZE, "SIZE", 0,
	  "Logical size (default: what the spare space leaves)", 0 },
	{ "thin", OPT_THIN, NULL, 0,
	  "Let --size be more than there is room for", 0 },
	{ "spare", OPT_SPARE, "PERCENT", 0,
	  "Spare space: usable / logical size - 1 (0.1 to 1000, default 12)", 0 },
	{ "checkpoint", OPT_CHECKPOINT, "SIZE", 0,
	  "Log between checkpoints, 1M to 64G (default: of the device a part in "
	  "16384, at least 64M, at most 4G)", 0 },
	{ "uuid", OPT_UUID, "UUID", 0, "Identity (default: random)", 0 },
	{ "force", 'f', NULL, 0,
	  "Overwrite what is there, if it is not in use; also where physical blocks begin "
	  "elsewhere", 0 },
	{ NULL, 0, NULL, 0, NULL, 0 }
};

static u64 parse_size(const char *name, const char *arg, u64 low, u64 high,
		      struct argp_state *state)
{
	char from[CTL_SIZE_TEXT], to[CTL_SIZE_TEXT];
	uint64_t size = 0;

	if (ctl_parse_size(arg, &size))
		argp_error(state, "--%s: not a size: %s", name, arg);
	if (size < low || size > high)
		argp_error(state, "--%s: not within %s and %s: %s", name,
			   ctl_size_text(low, from), ctl_size_text(high, to), arg);
	return size;
}

static error_t parse_format(int key, char *arg, struct argp_state *state)
{
	struct format_args *args = state->input;
	struct shard_format_options *options = &args->options;

	switch (key) {
	case OPT_BLOCK:
		if (strcmp(arg, "512") && strcmp(arg, "4096") && strcmp(arg, "4K"))
			argp_error(state, "--block-size: neither 512 nor 4096: %s", arg);
		options->block_size = strcmp(arg, "512") ? 4096 : 512;
		return 0;
	case OPT_EXTENT:
		options->extent_size = parse_size("extent-size", arg, EXTENT_SIZE_MIN,
						  EXTENT_SIZE_MAX, state);
		if (!is_power_of_2(options->extent_size))
			argp_error(state, "--extent-size: not a power of two: %s", arg);
		return 0;
	case OPT_SIZE:
		options->logical_size = parse_size("size", arg, 512, LOGICAL_SIZE_MAX,
						   state);
		return 0;
	case OPT_THIN:
		options->thin = true;
		return 0;
	case OPT_SPARE:
		if (ctl_parse_percent(arg, &options->spare_permille) ||
		    !options->spare_permille)
			argp_error(state, "--spare: not a percentage above 0: %s", arg);
		return 0;
	case OPT_CHECKPOINT:
		args->checkpoint_size = parse_size("checkpoint", arg, CHECKPOINT_MIN,
						   CHECKPOINT_MAX, state);
		return 0;
	case OPT_UUID:
		if (ctl_parse_uuid(arg, options->uuid))
			argp_error(state, "--uuid: not a UUID: %s", arg);
		return 0;
	case 'f':
		args->force = true;
		return 0;
	case ARGP_KEY_ARG:
		if (args->path)
			argp_error(state, "one device or file at a time");
		args->path = arg;
		return 0;
	case ARGP_KEY_NO_ARGS:
		argp_error(state, "which device or file?");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp format_argp = {
	.options = format_options,
	.parser = parse_format,
	.args_doc = "DEVICE|FILE",
	.doc = "Make DEVICE or FILE a shardblk device. All that is on it is lost.\v"
	       "Sizes are in bytes, or with a suffix K, M, G, T, P (powers of 1024).",
};

/* What can be said of the options before anything is touched. */
static int check_options(struct format_args *args, const struct target *target)
{
	struct shard_format_options *options = &args->options;
	char text[CTL_SIZE_TEXT];

	if (!options->block_size)
		options->block_size = 4096;
	if (options->block_size < target->physical_block_size)
		return ctl_error(CTL_REFUSED,
				 "%s: its physical blocks of %u bytes are larger than "
				 "blocks of %u", args->path,
				 target->physical_block_size, options->block_size);
	if (target->alignment_offset && !args->force)
		return ctl_error(CTL_REFUSED,
				 "%s: blocks do not begin where its physical blocks of %u "
				 "bytes do (alignment offset %d): a power cut may take "
				 "durable data that lies beside what is written; --force "
				 "formats it all the same", args->path,
				 target->physical_block_size, target->alignment_offset);
	if (target->size < CAPACITY_MIN)
		return ctl_error(CTL_REFUSED, "%s: %s are too small: at least 32 MiB",
				 args->path, ctl_size_text(target->size, text));
	if (options->extent_size > target->size / EXTENTS_MIN)
		return ctl_error(CTL_USAGE,
				 "%s: --extent-size=%s: too large: at least %u extents "
				 "are needed", args->path,
				 ctl_size_text(options->extent_size, text), EXTENTS_MIN);
	if (options->logical_size % options->block_size)
		return ctl_error(CTL_USAGE,
				 "--size: %llu is not a multiple of the block size %u",
				 (unsigned long long)options->logical_size,
				 options->block_size);
	if (!options->thin && options->logical_size >= target->size)
		return ctl_error(CTL_REFUSED, "%s: --size: does not fit on %s",
				 args->path, ctl_size_text(target->size, text));
	args->options.checkpoint_blocks = args->checkpoint_size /
					  options->block_size;
	return CTL_DONE;
}

/* Is there something that somebody may still want? */
static int check_contents(struct file_backend *file)
{
	const struct target *target = file->target;
	struct shard_identity identity;
	char uuid[CTL_UUID_TEXT], *what;
	int code, err;

	err = shard_identify(&file->backend, &identity);
	if (!err)
		return ctl_error(CTL_REFUSED,
				 "%s: has a shardblk format (%s); --force overwrites it",
				 target->path, ctl_uuid_text(identity.uuid, uuid));
	if (err == -EOPNOTSUPP)
		return ctl_error(CTL_REFUSED,
				 "%s: has a shardblk format of another version; "
				 "--force overwrites it", target->path);
	if (err != -ENODEV && err != -EUCLEAN)
		return ctl_error(CTL_SYSTEM, "%s: cannot read it: %s",
				 target->path, strerror(-err));
	code = target_signature(target, &what);
	if (code == CTL_DONE && what) {
		code = ctl_error(CTL_REFUSED, "%s: has %s; --force overwrites it",
				 target->path, what);
		free(what);
	}
	return code;
}

static int format_error(const struct format_args *args,
			const struct file_backend *file, int err)
{
	switch (err) {
	case -ENOSPC:
		return ctl_error(CTL_REFUSED, args->options.logical_size ?
				 "%s: too small for that --size and --spare" :
				 "%s: too small: the reserves leave no room for data",
				 args->path);
	case -EINVAL:
		return ctl_error(CTL_USAGE,
				 "%s: the options do not fit each other or the device",
				 args->path);
	default:
		return ctl_error(CTL_SYSTEM, "%s: cannot format it: %s", args->path,
				 strerror(file->error ?: -err));
	}
}

static void show(const struct format_args *args, const struct shard_info *info)
{
	struct shard_layout layout = {
		.block_size = info->block_size,
		.extent_blocks = info->extent_blocks,
		.nr_extents = info->nr_extents,
		.logical_blocks = info->logical_blocks,
	};
	u64 usable_blocks = shard_layout_make(&layout);
	struct json_object *record = rec_new();
	char spare[32];

	snprintf(spare, sizeof(spare), "%.1f %%", 100.0 *
		 ((double)usable_blocks / (double)info->logical_blocks - 1.0));
	printf("%s: formatted\n", args->path);
	rec_uuid(record, "uuid", info->uuid);
	rec_u64(record, "logical_bytes", info->logical_blocks * info->block_size);
	rec_u64(record, "usable_bytes", usable_blocks * info->block_size);
	rec_text(record, "spare", spare);
	rec_u64(record, "block_bytes", info->block_size);
	rec_u64(record, "extent_bytes",
		(u64)info->extent_blocks * info->block_size);
	rec_u64(record, "extents", info->nr_extents);
	rec_u64(record, "super_extents", info->super_extents);
	rec_u64(record, "meta_extents", info->meta_extents);
	rec_u64(record, "index_extents", info->index_extents);
	rec_u64(record, "reloc_extents", info->reloc_extents);
	rec_u64(record, "discard_extents", info->discard_extents);
	rec_u64(record, "host_extents", info->host_extents);
	rec_u64(record, "head_extents", info->head_extents);
	output_object(false, record);
}

static int run_format(const struct format_args *args, struct target *target)
{
	const struct shard_options read_only = { .read_only = true };
	struct shard_device *device;
	struct shard_info info;
	struct file_backend file;
	int code, err;

	file_backend_init(&file, target);
	if (!args->force) {
		code = check_contents(&file);
		if (code != CTL_DONE)
			return code;
	}
	err = shard_format(&file.backend, &args->options);
	if (err)
		return format_error(args, &file, err);
	/* What is left of other formats would mislead whoever probes. */
	code = target_wipe_signatures(target);
	if (code != CTL_DONE)
		return code;
	err = shard_device_open(&file.backend, &read_only, &device);
	if (err)
		return ctl_error(CTL_SYSTEM, "%s: formatted, but cannot be read back: %s",
				 args->path, strerror(-err));
	shard_device_info(device, &info);
	shard_device_close(device);
	show(args, &info);
	return CTL_DONE;
}

int ctl_format(int argc, char **argv)
{
	struct format_args args = { .path = NULL };
	struct target target;
	int code;

	argp_parse(&format_argp, argc, argv, 0, NULL, &args);
	code = target_open_write(&target, args.path);
	if (code != CTL_DONE)
		return code;
	code = check_options(&args, &target);
	if (code == CTL_DONE) {
		engine_begin(NULL);
		code = run_format(&args, &target);
		engine_end();
	}
	if (target_close(&target) && code == CTL_DONE)
		code = ctl_error(CTL_SYSTEM, "%s: cannot write: %s", args.path,
				 strerror(errno));
	return code;
}
