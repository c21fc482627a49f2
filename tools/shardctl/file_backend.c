// SPDX-License-Identifier: GPL-2.0-only
/*
 * DOC: file back end
 *
 * Every operation is done, and its completion called, before submit returns:
 * the tools are one thread, and the page cache reads ahead for them.  What was
 * written is durable after a flush only, as on a disk with a volatile cache.
 */
#include <sys/uio.h>
#include <unistd.h>

#include "file_backend.h"

/* Pieces per system call; longer vectors take several. */
#define PIECES_MAX	64

static struct file_backend *to_file(struct shard_backend *backend)
{
	return container_of(backend, struct file_backend, backend);
}

/* As much of bytes @from..@len of an operation as fits into @pieces. */
static int gather(const struct shard_io *io, u32 from, struct iovec *pieces)
{
	const struct shard_seg *seg = io->segs;
	u32 skip = io->seg_skip + from, left = io->len - from;
	int nr = 0;

	for (; skip >= seg->len; seg++)
		skip -= seg->len;
	for (; left && nr < PIECES_MAX; seg++, nr++) {
		pieces[nr].iov_base = (u8 *)seg->addr + skip;
		pieces[nr].iov_len = min(seg->len - skip, left);
		left -= pieces[nr].iov_len;
		skip = 0;
	}
	return nr;
}

static int transfer(struct file_backend *file, const struct shard_io *io)
{
	struct iovec pieces[PIECES_MAX];
	u32 done = 0;

	if (io->offset > file->backend.capacity ||
	    io->len > file->backend.capacity - io->offset)
		return -EIO;
	while (done < io->len) {
		int nr = gather(io, done, pieces);
		off_t at = io->offset + done;
		ssize_t len = io->op == SHARD_IO_READ ?
			      preadv(file->target->fd, pieces, nr, at) :
			      pwritev(file->target->fd, pieces, nr, at);

		if (len < 0 && errno == EINTR)
			continue;
		if (len <= 0)	/* 0: the file was truncated meanwhile */
			return len ? -errno : -EIO;
		done += len;
	}
	return 0;
}

static int flush(struct file_backend *file)
{
	return fdatasync(file->target->fd) ? -errno : 0;
}

static void file_submit(struct shard_backend *backend, struct shard_io *io)
{
	struct file_backend *file = to_file(backend);
	int err = 0;

	if (backend->read_only && io->op != SHARD_IO_READ) {
		err = -EROFS;
	} else {
		switch (io->op) {
		case SHARD_IO_READ:
		case SHARD_IO_APPEND:
			err = transfer(file, io);
			break;
		case SHARD_IO_FLUSH:
			err = flush(file);
			break;
		case SHARD_IO_RESET:
		case SHARD_IO_FINISH:	/* not zoned: nothing to do */
			break;
		}
	}
	if (err && !file->error)
		file->error = -err;
	io->error = err ? -EIO : 0;
	io->done(io);
}

static const struct shard_backend_ops file_ops = {
	.submit = file_submit,
};

void file_backend_init(struct file_backend *file, const struct target *target)
{
	memset(file, 0, sizeof(*file));
	file->target = target;
	file->backend.ops = &file_ops;
	snprintf(file->backend.name, sizeof(file->backend.name), "%s",
		 target->path);
	file->backend.capacity = target->size;
	file->backend.logical_block_size = target->logical_block_size;
	file->backend.physical_block_size = target->physical_block_size;
	file->backend.misaligned = target->alignment_offset;
	file->backend.volatile_cache = true;
	file->backend.read_only = !target->writable;
}
