/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A file or block device as the engine's backing device.
 */
#ifndef SHARDCTL_FILE_BACKEND_H
#define SHARDCTL_FILE_BACKEND_H

#include "backend.h"
#include "target.h"

/**
 * struct file_backend - embeds the engine's view
 * @backend:	for the engine
 * @target:	where; outlives it
 * @error:	errno of what failed first, for whoever tells of it; the engine knows
 *		one error
 */
struct file_backend {
	struct shard_backend backend;
	const struct target *target;
	int error;
};

/** file_backend_init() - there is nothing to undo */
void file_backend_init(struct file_backend *file, const struct target *target);

#endif /* SHARDCTL_FILE_BACKEND_H */
