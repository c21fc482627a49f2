/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The loaded module, asked through /dev/shardblk-control.
 */
#ifndef SHARDCTL_CONTROL_H
#define SHARDCTL_CONTROL_H

#include <stdint.h>
#include <sys/types.h>

#include "shardblk.h"

/**
 * control_open() - reach the module, which must be of our version
 * @fd:		the control node
 *
 * Return: an enum ctl_exit, said when not CTL_DONE.
 */
int control_open(int *fd);

/** control_begin() - fill in how an argument of @size bytes begins */
void control_begin(struct shardblk_ioctl *h, size_t size);

/**
 * control_list() - the ids of all devices
 * @ids:	to be freed by the caller
 *
 * Return: an enum ctl_exit, said when not CTL_DONE.
 */
int control_list(int fd, int32_t **ids, uint32_t *nr_ids);

/**
 * control_status() - all about one device
 *
 * Return: 0 or -1 with errno.
 */
int control_status(int fd, int32_t id, struct shardblk_status *status);

/**
 * control_find() - the device with a UUID or on a backing device, if any
 * @uuid:	or NULL
 * @backing:	or 0
 * @id:		which, or -1 when there is none
 *
 * Return: an enum ctl_exit, said when not CTL_DONE.
 */
int control_find(const uint8_t *uuid, dev_t backing, int32_t *id);

/**
 * control_parse_device() - the id that "/dev/shardblkN" means
 *
 * Other paths to that node are understood as well.
 *
 * Return: an enum ctl_exit, said when not CTL_DONE.
 */
int control_parse_device(int fd, const char *path, int32_t *id);

#endif /* SHARDCTL_CONTROL_H */
