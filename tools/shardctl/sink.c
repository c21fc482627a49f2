// SPDX-License-Identifier: GPL-2.0-only
/*
 * Writing exports.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "shardctl.h"
#include "sink.h"
#include "target.h"

/* Zeros for streams, a piece at a time. */
static const char zeros[64 << 10];

static int sink_error(const struct sink *sink, const char *what)
{
	return ctl_error(errno == EBUSY ? CTL_REFUSED : CTL_SYSTEM,
			 "%s: cannot %s: %s", sink->path, what, strerror(errno));
}

/* What is given, once as it is found, and again when it is open. */
static int refuse_source(const struct sink *sink, const struct stat *st,
			 const struct stat *source)
{
	if (target_same(st, source))
		return ctl_error(CTL_USAGE, "%s: is the source itself",
				 sink->path);
	return CTL_DONE;
}

static int open_path(struct sink *sink, const struct stat *source)
{
	int flags = O_WRONLY | O_CREAT | O_CLOEXEC, code;
	struct stat st, now;
	bool block;

	block = !stat(sink->path, &st) && S_ISBLK(st.st_mode);
	if (block) {
		code = refuse_source(sink, &st, source);
		if (code != CTL_DONE)
			return code;
		/* O_EXCL without O_CREAT: refuse a device that is in use. */
		flags = O_WRONLY | O_EXCL | O_CLOEXEC;
	}
	sink->fd = open(sink->path, flags, 0666);
	if (sink->fd < 0)
		return sink_error(sink, "open");
	if (fstat(sink->fd, &now))
		return sink_error(sink, "look at it");
	if (S_ISBLK(now.st_mode) != block)
		return ctl_error(CTL_REFUSED, "%s: replaced while it was opened",
				 sink->path);
	return refuse_source(sink, &now, source);
}

static int prepare_block(struct sink *sink, uint64_t size)
{
	uint64_t capacity;

	sink->kind = SINK_BLOCK;
	if (ioctl(sink->fd, BLKGETSIZE64, &capacity))
		return sink_error(sink, "get its size");
	if (capacity < size)
		return ctl_error(CTL_REFUSED, "%s: too small for %llu bytes",
				 sink->path, (unsigned long long)size);
	return CTL_DONE;
}

/*
 * A hole can be left out only where the file has nothing yet: a named file is
 * emptied, standard output must be at its end.
 */
static int prepare_file(struct sink *sink, const struct stat *st)
{
	int flags = fcntl(sink->fd, F_GETFL);
	off_t at = 0;

	if (sink->fd != STDOUT_FILENO) {
		int code;

		if (flock(sink->fd, LOCK_EX | LOCK_NB))
			return ctl_error(CTL_REFUSED,
					 "%s: in use: another program has it locked",
					 sink->path);
		/* of the source, or of what is mounted */
		code = target_refuse_loop(sink->path, st);
		if (code != CTL_DONE)
			return code;
		if (ftruncate(sink->fd, 0))
			return sink_error(sink, "empty");
	} else {
		at = lseek(sink->fd, 0, SEEK_CUR);
		if (at < st->st_size || (flags & O_APPEND))
			return CTL_DONE;
	}
	sink->kind = SINK_FILE;
	sink->base = (uint64_t)at;
	return CTL_DONE;
}

int sink_open(struct sink *sink, const char *path, uint64_t size,
	      const struct stat *source)
{
	struct stat st;
	int code = CTL_DONE;

	memset(sink, 0, sizeof(*sink));
	sink->path = path;
	sink->kind = SINK_STREAM;
	sink->fd = strcmp(path, "-") ? -1 : STDOUT_FILENO;
	if (sink->fd < 0)
		code = open_path(sink, source);
	if (code != CTL_DONE)
		goto out;
	if (fstat(sink->fd, &st))
		code = sink_error(sink, "look at it");
	else if (S_ISBLK(st.st_mode))
		code = prepare_block(sink, size);
	else if (S_ISREG(st.st_mode))
		code = prepare_file(sink, &st);
out:
	if (code != CTL_DONE && sink->fd != STDOUT_FILENO && sink->fd >= 0)
		close(sink->fd);
	return code;
}

static int write_all(struct sink *sink, const void *data, uint64_t len)
{
	while (len) {
		ssize_t done = sink->kind == SINK_STREAM ?
			       write(sink->fd, data, len) :
			       pwrite(sink->fd, data, len,
				      (off_t)(sink->base + sink->pos));

		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return sink_error(sink, "write");
		data = (const char *)data + done;
		len -= (uint64_t)done;
		sink->pos += (uint64_t)done;
	}
	return CTL_DONE;
}

static int write_hole(struct sink *sink, uint64_t end)
{
	uint64_t range[2] = { sink->pos, end - sink->pos };
	bool zeros_there = sink->kind == SINK_FILE;
	int code = CTL_DONE;

	/* refused where it begins or ends within a sector */
	if (sink->kind == SINK_BLOCK && range[1])
		zeros_there = !ioctl(sink->fd, BLKZEROOUT, range);
	while (!zeros_there && sink->pos < end && code == CTL_DONE) {
		uint64_t len = end - sink->pos;

		code = write_all(sink, zeros,
				 len < sizeof(zeros) ? len : sizeof(zeros));
	}
	sink->pos = end;
	return code;
}

int sink_write(struct sink *sink, uint64_t offset, const void *data,
	       uint64_t len)
{
	int code = write_hole(sink, offset);

	return code == CTL_DONE ? write_all(sink, data, len) : code;
}

int sink_close(struct sink *sink, uint64_t size)
{
	int code = write_hole(sink, size);

	if (code == CTL_DONE && sink->kind == SINK_FILE &&
	    ftruncate(sink->fd, (off_t)(sink->base + size)))
		code = sink_error(sink, "extend");
	if (code == CTL_DONE && sink->kind != SINK_STREAM && fsync(sink->fd))
		code = sink_error(sink, "write");
	if (sink->fd != STDOUT_FILENO && close(sink->fd) && code == CTL_DONE)
		code = sink_error(sink, "write");
	return code;
}
