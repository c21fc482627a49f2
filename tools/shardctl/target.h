/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A target: the block device or file that a command works on.
 */
#ifndef SHARDCTL_TARGET_H
#define SHARDCTL_TARGET_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct stat;

/**
 * struct target - an open device or file
 * @path:	as the user gave it
 * @fd:		open
 * @writable:	opened to be written
 * @block:	a block device, else a regular file
 * @rdev:	device number of a block device
 * @size:	bytes
 * @logical_block_size:	bytes; 512 for files
 * @physical_block_size: bytes; 512 for files
 * @alignment_offset: where the first physical block begins, bytes; -1: not all devices
 *	below agree; 0 for files
 */
struct target {
	const char *path;
	int fd;
	bool writable;
	bool block;
	dev_t rdev;
	uint64_t size;
	uint32_t logical_block_size;
	uint32_t physical_block_size;
	int alignment_offset;
};

/**
 * target_open_read() - open to read only
 * @force:	also when it is in use
 *
 * Return: an enum ctl_exit; when it is not CTL_DONE that was said, and
 * nothing is open.
 */
int target_open_read(struct target *target, const char *path, bool force);

/**
 * target_open_write() - open for us alone
 *
 * Refused whenever it is in use.  Return: as above.
 */
int target_open_write(struct target *target, const char *path);

/**
 * target_refuse_loop() - is a file below a loop device
 * @path:	as the user gave it
 * @st:		what it is
 *
 * Return: CTL_DONE when it is below none, else CTL_REFUSED, which was said.
 */
int target_refuse_loop(const char *path, const struct stat *st);

/** target_same() - are two a file, or a block device, by whatever name */
bool target_same(const struct stat *one, const struct stat *other);

/** target_close() - Return: 0, or -1 with errno when writing had failed */
int target_close(struct target *target);

/**
 * target_signature() - is there a file system, partition table or the like
 * @what:	its name, to be freed by the caller; NULL when there is none
 *
 * shardblk's own format is not among those known here.
 *
 * Return: an enum ctl_exit, said when not CTL_DONE.
 */
int target_signature(const struct target *target, char **what);

/**
 * target_wipe_signatures() - remove what target_signature() would find
 *
 * Return: as above.
 */
int target_wipe_signatures(const struct target *target);

#endif /* SHARDCTL_TARGET_H */
