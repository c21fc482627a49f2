// SPDX-License-Identifier: GPL-2.0-only
/*
 * Images, and the engine's surroundings in a tool.
 */
#include <unistd.h>

#include "control.h"
#include "image.h"
#include "shardctl.h"

#define MESSAGE_MAX	512

/* Warnings and errors matter here; what the engine does otherwise does not. */
static void engine_log(void *ctx, int level, const char *fmt, va_list args)
{
	static const char prefix[] = "shardblk: ";
	struct image_log *log = ctx;
	char text[MESSAGE_MAX];
	char *start = text;

	if (level > LOGLEVEL_WARNING)
		return;
	vsnprintf(text, sizeof(text), fmt, args);
	text[strcspn(text, "\n")] = '\0';
	if (!strncmp(start, prefix, strlen(prefix)))
		start += strlen(prefix);
	if (log && log->message)
		log->message(log, start);
	else
		ctl_note("%s", start);
}

void engine_begin(struct image_log *log)
{
	static struct kapi_hooks hooks = { .log = engine_log };

	hooks.ctx = log;
	kapi_begin(&hooks);
}

void engine_end(void)
{
	kapi_end();
}

static int identify_error(const char *path, int err)
{
	switch (err) {
	case -ENODEV:
		return ctl_error(CTL_REFUSED, "%s: no shardblk format is there",
				 path);
	case -EOPNOTSUPP:
		return ctl_error(CTL_REFUSED,
				 "%s: its format has a version or features that "
				 "this shardctl does not know", path);
	case -EUCLEAN:
		return ctl_error(CTL_DAMAGE, "%s: damaged beyond recovery", path);
	default:
		return ctl_error(CTL_SYSTEM, "%s: cannot read it: %s", path,
				 strerror(-err));
	}
}

static int refuse_added(const struct image *image)
{
	int32_t id;
	int code;

	code = control_find(image->identity.uuid,
			    image->target.block ? image->target.rdev : 0, &id);
	if (code == CTL_DONE && id >= 0)
		code = ctl_error(CTL_REFUSED,
				 "%s: in use: this image is added as "
				 "/dev/shardblk%d; --force reads it all the same",
				 image->target.path, id);
	return code;
}

int image_open(struct image *image, const char *path, bool force,
	       struct image_log *log)
{
	int code, err;

	code = target_open_read(&image->target, path, force);
	if (code != CTL_DONE)
		return code;
	file_backend_init(&image->file, &image->target);
	engine_begin(log);
	err = shard_identify(&image->file.backend, &image->identity);
	if (err)
		code = identify_error(path, err);
	else if (!force)
		code = refuse_added(image);
	if (code != CTL_DONE)
		image_close(image);
	return code;
}

void image_close(struct image *image)
{
	engine_end();
	target_close(&image->target);
}

int image_read(const struct image *image, u32 extent, u32 block, void *data,
	       u32 nr_blocks)
{
	const struct shard_identity *id = &image->identity;
	u64 at, len = (u64)nr_blocks * id->block_size;
	ssize_t done;

	if (extent >= id->nr_extents || block > id->extent_blocks ||
	    nr_blocks > id->extent_blocks - block)
		return -ERANGE;
	at = ((u64)extent * id->extent_blocks + block) * id->block_size;
	if (at > image->target.size || len > image->target.size - at)
		return -ERANGE;
	done = pread(image->target.fd, data, len, at);
	return done == (ssize_t)len ? 0 : -EIO;
}

int image_recover(struct image *image, struct shard_device **device)
{
	const struct shard_options options = { .read_only = true };
	int err;

	err = shard_device_open(&image->file.backend, &options, device);
	return err ? identify_error(image->target.path, err) : CTL_DONE;
}
