/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where an export goes: a file that stays sparse, a block device, or a pipe.
 */
#ifndef SHARDCTL_SINK_H
#define SHARDCTL_SINK_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

/* How a sink gets its holes. */
enum sink_kind {
	SINK_FILE,	/* by leaving them out */
	SINK_BLOCK,	/* by telling the device to zero them */
	SINK_STREAM,	/* by writing zeros */
};

/**
 * struct sink - written from its first byte to its last
 * @path:	for messages
 * @fd:		where
 * @kind:	enum sink_kind
 * @base:	file: offset of the first byte
 * @pos:	bytes that are there, holes included
 */
struct sink {
	const char *path;
	int fd;
	enum sink_kind kind;
	uint64_t base;
	uint64_t pos;
};

/**
 * sink_open() - create or overwrite @path; "-" is standard output
 * @size:	bytes that will be written
 * @source:	what must not be overwritten
 *
 * Return: an enum ctl_exit; when not CTL_DONE that was said, and nothing is
 * open.
 */
int sink_open(struct sink *sink, const char *path, uint64_t size,
	      const struct stat *source);

/**
 * sink_write() - what lies between the last byte written and @offset is a hole
 *
 * Return: an enum ctl_exit, said when not CTL_DONE.
 */
int sink_write(struct sink *sink, uint64_t offset, const void *data,
	       uint64_t len);

/**
 * sink_close() - end with a hole up to @size
 *
 * Return: as above, for this and all before.
 */
int sink_close(struct sink *sink, uint64_t size);

#endif /* SHARDCTL_SINK_H */
