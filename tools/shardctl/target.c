// SPDX-License-Identifier: GPL-2.0-only
/*
 * Opening what a command works on, and seeing that nobody else does.
 *
 * Whoever mounts, maps or adds a block device holds it exclusively, so an
 * exclusive open tells.  A file is in use when a loop device lies on it or
 * when another shardctl writes it; whether the module has the same image under
 * another path is asked by its UUID (control.h).
 */
#include <blkid/blkid.h>
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <linux/blkzoned.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shardctl.h"
#include "target.h"

/* Bounds the loop that wipes: no device has so many signatures. */
#define SIGNATURES_MAX	128

static int open_error(const char *path)
{
	switch (errno) {
	case EBUSY:
		return ctl_error(CTL_REFUSED,
				 "%s: in use: mounted, or held by another driver",
				 path);
	case EROFS:
		return ctl_error(CTL_REFUSED, "%s: read-only", path);
	default:
		return ctl_error(CTL_SYSTEM, "%s: cannot open: %s", path,
				 strerror(errno));
	}
}

static int probe_block(struct target *target, const struct stat *st)
{
	unsigned int physical;
	int read_only;
	uint32_t zone_sectors;
	int logical;

	target->block = true;
	target->rdev = st->st_rdev;
	if (ioctl(target->fd, BLKGETSIZE64, &target->size) ||
	    ioctl(target->fd, BLKSSZGET, &logical) ||
	    ioctl(target->fd, BLKPBSZGET, &physical) ||
	    ioctl(target->fd, BLKALIGNOFF, &target->alignment_offset))
		return ctl_error(CTL_SYSTEM, "%s: cannot get its size: %s",
				 target->path, strerror(errno));
	target->logical_block_size = (uint32_t)logical;
	target->physical_block_size = physical;
	/* Opening such a device for writing succeeds; only writes fail. */
	if (target->writable && !ioctl(target->fd, BLKROGET, &read_only) &&
	    read_only)
		return ctl_error(CTL_REFUSED, "%s: read-only", target->path);
	if (!ioctl(target->fd, BLKGETZONESZ, &zone_sectors) && zone_sectors)
		return ctl_error(CTL_REFUSED,
				 "%s: zoned devices are not supported",
				 target->path);
	/* What bios of the module wrote is not in our page cache. */
	ioctl(target->fd, BLKFLSBUF);
	return CTL_DONE;
}

/* Is @st the file below this loop device? */
static bool loop_is_on(const char *backing_file, const struct stat *st)
{
	char path[4096];
	struct stat other;
	FILE *file = fopen(backing_file, "re");
	bool same = false;

	if (!file)
		return false;
	if (fgets(path, sizeof(path), file)) {
		path[strcspn(path, "\n")] = '\0';
		same = !stat(path, &other) && target_same(&other, st);
	}
	fclose(file);
	return same;
}

bool target_same(const struct stat *one, const struct stat *other)
{
	if (S_ISBLK(one->st_mode) && S_ISBLK(other->st_mode))
		return one->st_rdev == other->st_rdev;
	return one->st_dev == other->st_dev && one->st_ino == other->st_ino;
}

int target_refuse_loop(const char *path, const struct stat *st)
{
	int code = CTL_DONE;
	glob_t found;
	size_t i;

	if (glob("/sys/block/loop*/loop/backing_file", 0, NULL, &found))
		return CTL_DONE;
	for (i = 0; i < found.gl_pathc && code == CTL_DONE; i++) {
		const char *name = found.gl_pathv[i] + strlen("/sys/block/");

		if (loop_is_on(found.gl_pathv[i], st))
			code = ctl_error(CTL_REFUSED,
					 "%s: in use: it is below /dev/%.*s",
					 path, (int)strcspn(name, "/"), name);
	}
	globfree(&found);
	return code;
}

static int probe_file(struct target *target, const struct stat *st, bool force)
{
	target->block = false;
	target->size = (uint64_t)st->st_size;
	target->logical_block_size = 512;
	target->physical_block_size = 512;
	target->alignment_offset = 0;
	if (force)
		return CTL_DONE;
	if (flock(target->fd,
		  (target->writable ? LOCK_EX : LOCK_SH) | LOCK_NB))
		return ctl_error(CTL_REFUSED,
				 "%s: in use: another program has it locked",
				 target->path);
	return target->writable ? target_refuse_loop(target->path, st) :
				  CTL_DONE;
}

static int open_target(struct target *target, const char *path, int flags,
		       bool force)
{
	struct stat st, now;
	int code;

	if (stat(path, &st))
		return open_error(path);
	if (!S_ISBLK(st.st_mode) && !S_ISREG(st.st_mode))
		return ctl_error(CTL_REFUSED,
				 "%s: neither a block device nor a file", path);
	/* O_EXCL without O_CREAT has a meaning for block devices only. */
	if (S_ISBLK(st.st_mode) && !force)
		flags |= O_EXCL;
	target->path = path;
	target->writable = (flags & O_ACCMODE) == O_RDWR;
	target->fd = open(path, flags | O_CLOEXEC);
	if (target->fd < 0)
		return open_error(path);
	if (fstat(target->fd, &now))
		code = ctl_error(CTL_SYSTEM, "%s: %s", path, strerror(errno));
	else if ((now.st_mode ^ st.st_mode) & S_IFMT)
		code = ctl_error(CTL_REFUSED, "%s: replaced while it was opened",
				 path);
	else if (S_ISBLK(now.st_mode))
		code = probe_block(target, &now);
	else
		code = probe_file(target, &now, force);
	if (code != CTL_DONE)
		close(target->fd);
	return code;
}

int target_open_read(struct target *target, const char *path, bool force)
{
	return open_target(target, path, O_RDONLY, force);
}

int target_open_write(struct target *target, const char *path)
{
	return open_target(target, path, O_RDWR, false);
}

int target_close(struct target *target)
{
	return close(target->fd);
}

static blkid_probe new_probe(const struct target *target)
{
	blkid_probe probe = blkid_new_probe();

	if (!probe)
		return NULL;
	if (blkid_probe_set_device(probe, target->fd, 0, 0) ||
	    blkid_probe_enable_superblocks(probe, 1) ||
	    blkid_probe_set_superblocks_flags(probe, BLKID_SUBLKS_TYPE |
					      BLKID_SUBLKS_USAGE |
					      BLKID_SUBLKS_MAGIC) ||
	    blkid_probe_enable_partitions(probe, 1) ||
	    blkid_probe_set_partitions_flags(probe, BLKID_PARTS_MAGIC)) {
		blkid_free_probe(probe);
		return NULL;
	}
	return probe;
}

static int probe_error(const struct target *target)
{
	return ctl_error(CTL_SYSTEM, "%s: cannot look for signatures: %s",
			 target->path, strerror(errno ? errno : EIO));
}

int target_signature(const struct target *target, char **what)
{
	blkid_probe probe = new_probe(target);
	const char *type = NULL;
	int found, err = 0;

	*what = NULL;
	if (!probe)
		return probe_error(target);
	found = blkid_do_safeprobe(probe);
	if (found == -1) {
		blkid_free_probe(probe);
		return probe_error(target);
	}
	if (found == -2)
		err = asprintf(what, "several signatures");
	else if (!found && !blkid_probe_lookup_value(probe, "TYPE", &type, NULL))
		err = asprintf(what, "a signature of %s", type);
	else if (!found && !blkid_probe_lookup_value(probe, "PTTYPE", &type, NULL))
		err = asprintf(what, "a partition table of type %s", type);
	blkid_free_probe(probe);
	return err < 0 ? ctl_error(CTL_SYSTEM, "out of memory") : CTL_DONE;
}

int target_wipe_signatures(const struct target *target)
{
	blkid_probe probe = new_probe(target);
	int code = CTL_DONE, i;

	if (!probe)
		return probe_error(target);
	for (i = 0; i < SIGNATURES_MAX && !blkid_do_probe(probe); i++) {
		errno = 0;
		if (blkid_do_wipe(probe, 0)) {
			code = ctl_error(CTL_SYSTEM,
					 "%s: cannot wipe a signature: %s",
					 target->path,
					 strerror(errno ? errno : EIO));
			break;
		}
	}
	blkid_free_probe(probe);
	return code;
}
