/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Bad extents: another try for those that once failed.
 */
#ifndef SHARD_BAD_H
#define SHARD_BAD_H

#include "frame.h"

/**
 * shard_bad_retry() - reset every bad extent and write all of it
 *
 * Only at a start, once its record is durable.  Those of which that can be done
 * are free again; the next manifest says so.  May sleep.
 *
 * Return: how many that were, or -ENOMEM, or the error of a backing flush.
 */
int shard_bad_retry(struct shard_store *store);

#endif /* SHARD_BAD_H */
