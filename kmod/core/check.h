/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Check: reads and verifies all that a device opened read-only needs.
 */
#ifndef SHARD_CHECK_H
#define SHARD_CHECK_H

#include "recover.h"
#include "shard.h"

/**
 * struct shard_check_view - what of a device is checked
 * @record:	the newest record
 */
struct shard_check_view {
	struct shard_store *store;
	struct shard_index *index;
	struct shard_backend *backend;
	const struct shard_super_record *record;
};

/** shard_check_run() - see shard_check() */
int shard_check_run(const struct shard_check_view *view, bool data,
		    struct shard_check_report *report);

#endif /* SHARD_CHECK_H */
