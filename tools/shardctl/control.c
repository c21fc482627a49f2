// SPDX-License-Identifier: GPL-2.0-only
/*
 * Talking to the module.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "control.h"
#include "shardctl.h"

static int check_version(int fd)
{
	struct shardblk_version version;

	memset(&version, 0, sizeof(version));
	if (ioctl(fd, SHARDBLK_IOC_VERSION, &version))
		return ctl_error(CTL_SYSTEM,
				 SHARDBLK_CONTROL_PATH ": cannot ask for the "
				 "module's version: %s", strerror(errno));
	if (version.ioctl_version == SHARDBLK_IOCTL_VERSION)
		return CTL_DONE;
	return ctl_error(CTL_SYSTEM,
			 "the module is version %.*s (control interface %u), this "
			 "shardctl is %s (control interface %u): use those of one version",
			 (int)sizeof(version.release), version.release,
			 version.ioctl_version, SHARDCTL_VERSION,
			 SHARDBLK_IOCTL_VERSION);
}

int control_open(int *fd)
{
	int code;

	*fd = open(SHARDBLK_CONTROL_PATH, O_RDWR | O_CLOEXEC);
	if (*fd < 0 && (errno == ENOENT || errno == ENXIO || errno == ENODEV))
		return ctl_error(CTL_SYSTEM, "the module is not loaded (no "
				 SHARDBLK_CONTROL_PATH "): modprobe or insmod it");
	if (*fd < 0)
		return ctl_error(CTL_SYSTEM, SHARDBLK_CONTROL_PATH ": %s",
				 strerror(errno));
	code = check_version(*fd);
	if (code != CTL_DONE)
		close(*fd);
	return code;
}

void control_begin(struct shardblk_ioctl *h, size_t size)
{
	memset(h, 0, size);
	h->size = (uint32_t)size;
	h->version = SHARDBLK_IOCTL_VERSION;
}

int control_list(int fd, int32_t **ids, uint32_t *nr_ids)
{
	struct shardblk_list list;

	*ids = calloc(SHARDBLK_DEVICES_MAX, sizeof(**ids));
	if (!*ids)
		return ctl_error(CTL_SYSTEM, "out of memory");
	control_begin(&list.h, sizeof(list));
	list.nr_ids = SHARDBLK_DEVICES_MAX;
	list.ids = (uint64_t)(uintptr_t)*ids;
	if (ioctl(fd, SHARDBLK_IOC_LIST, &list)) {
		free(*ids);
		return ctl_error(CTL_SYSTEM, "cannot list the devices: %s",
				 strerror(errno));
	}
	*nr_ids = list.nr_ids < SHARDBLK_DEVICES_MAX ? list.nr_ids :
						       SHARDBLK_DEVICES_MAX;
	return CTL_DONE;
}

int control_status(int fd, int32_t id, struct shardblk_status *status)
{
	control_begin(&status->h, sizeof(*status));
	status->id = id;
	return ioctl(fd, SHARDBLK_IOC_STATUS, status);
}

static bool is_on(const struct shardblk_status *status, const uint8_t *uuid,
		  dev_t backing)
{
	if (uuid && !memcmp(status->uuid, uuid, sizeof(status->uuid)))
		return true;
	return backing && status->backing_major == major(backing) &&
	       status->backing_minor == minor(backing);
}

int control_find(const uint8_t *uuid, dev_t backing, int32_t *id)
{
	struct shardblk_status status;
	uint32_t nr_ids, i;
	int32_t *ids;
	int fd, code;

	*id = -1;
	if (access(SHARDBLK_CONTROL_PATH, F_OK))
		return CTL_DONE;
	if (access(SHARDBLK_CONTROL_PATH, R_OK | W_OK)) {
		ctl_note("cannot ask the module whether the image is added: %s",
			 strerror(errno));
		return CTL_DONE;
	}
	code = control_open(&fd);
	if (code != CTL_DONE)
		return code;
	code = control_list(fd, &ids, &nr_ids);
	if (code == CTL_DONE) {
		/* One that is gone by now does not matter. */
		for (i = 0; i < nr_ids; i++)
			if (!control_status(fd, ids[i], &status) &&
			    is_on(&status, uuid, backing))
				*id = ids[i];
		free(ids);
	}
	close(fd);
	return code;
}

/* "/dev/shardblk12", "shardblk12" or "12" without asking anybody. */
static bool parse_name(const char *path, int32_t *id)
{
	char *end;
	long n;

	if (!strncmp(path, "/dev/", 5))
		path += 5;
	if (!strncmp(path, "shardblk", 8))
		path += 8;
	if (*path < '0' || *path > '9')
		return false;
	n = strtol(path, &end, 10);
	if (*end || n >= SHARDBLK_DEVICES_MAX)
		return false;
	*id = (int32_t)n;
	return true;
}

int control_parse_device(int fd, const char *path, int32_t *id)
{
	struct shardblk_status status;
	uint32_t nr_ids, i;
	int32_t *ids;
	struct stat st;
	int code;

	if (parse_name(path, id))
		return CTL_DONE;
	if (stat(path, &st) || !S_ISBLK(st.st_mode))
		return ctl_error(CTL_USAGE, "%s: not a /dev/shardblkN", path);
	code = control_list(fd, &ids, &nr_ids);
	if (code != CTL_DONE)
		return code;
	*id = -1;
	for (i = 0; i < nr_ids; i++)
		if (!control_status(fd, ids[i], &status) &&
		    makedev(status.major, status.minor) == st.st_rdev)
			*id = ids[i];
	free(ids);
	if (*id >= 0)
		return CTL_DONE;
	return ctl_error(CTL_USAGE, "%s: not a shardblk device", path);
}
