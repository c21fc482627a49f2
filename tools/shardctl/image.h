/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * An image: a device or file that holds a shardblk format, open to be read.
 *
 * From image_open() to image_close() the caller is the first fiber of a run
 * of kapi, so the engine can be called.
 */
#ifndef SHARDCTL_IMAGE_H
#define SHARDCTL_IMAGE_H

#include "file_backend.h"
#include "shard.h"

/**
 * struct image_log - hears the engine's warnings
 * @message:	called with each, without prefix and newline; NULL: stderr
 */
struct image_log {
	void (*message)(struct image_log *log, const char *text);
};

/**
 * struct image - an open image
 * @target:	where it lies
 * @file:	the same for the engine
 * @identity:	what the superblock says
 */
struct image {
	struct target target;
	struct file_backend file;
	struct shard_identity identity;
};

/** engine_begin() - the engine may be called from here on; @log may be NULL */
void engine_begin(struct image_log *log);
void engine_end(void);

/**
 * image_open() - open an image and see that it may be read
 * @force:	also when it is in use
 * @log:	or NULL
 *
 * Return: an enum ctl_exit; when not CTL_DONE that was said and nothing is
 * open.
 */
int image_open(struct image *image, const char *path, bool force,
	       struct image_log *log);
void image_close(struct image *image);

/**
 * image_read() - read whole blocks of an extent
 *
 * Return: 0, -ERANGE (not within the device), or -EIO.
 */
int image_read(const struct image *image, u32 extent, u32 block, void *data,
	       u32 nr_blocks);

/**
 * image_recover() - open the device in it read-only, as recovery would
 *
 * Return: an enum ctl_exit, said when not CTL_DONE.
 */
int image_recover(struct image *image, struct shard_device **device);

#endif /* SHARDCTL_IMAGE_H */
