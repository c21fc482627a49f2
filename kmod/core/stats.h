/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Counters of a device.  They only ever grow; any context may add to them.
 */
#ifndef SHARD_STATS_H
#define SHARD_STATS_H

#include "kapi.h"

/*
 * X(name, meaning): the one list from which the counters, their names in
 * sysfs and their lines in `shardctl status` are made.
 */
#define SHARD_STATS(X)							\
	X(reads, "read requests")					\
	X(writes, "write requests")					\
	X(discards, "discard and write-zeroes requests")		\
	X(flushes, "flush requests")					\
	X(host_frames, "frames written to the host stream")		\
	X(host_blocks, "blocks written to the host stream, headers too")	\
	X(reloc_frames, "frames of data that was moved")		\
	X(reloc_blocks, "blocks of these frames, headers too")		\
	X(relocated_blocks, "blocks moved out of extents that are reclaimed") \
	X(reclaimed_extents, "extents from which all data was moved")	\
	X(idle_extents, "of these, in idle time")			\
	X(reclaim_errors, "blocks that could not be moved")		\
	X(index_writes, "backing writes of runs")			\
	X(index_blocks, "blocks written to runs, headers too")		\
	X(meta_writes, "backing writes of the metadata streams")	\
	X(super_writes, "backing writes of superblock records")		\
	X(backing_writes, "backing writes")				\
	X(backing_write_blocks, "blocks written to the backing device")	\
	X(backing_reads, "backing reads")				\
	X(backing_read_blocks, "blocks read from the backing device")	\
	X(backing_flushes, "backing flushes")				\
	X(meta_flushes, "backing flushes that only metadata waited for")	\
	X(backing_resets, "extent resets")				\
	X(extents_opened, "extents assigned to a stream")		\
	X(records, "superblock records made durable")			\
	X(checkpoints, "checkpoints made durable")			\
	X(compactions, "merges of runs made durable")			\
	X(manifests, "manifests written, in two copies each")		\
	X(page_hits, "index pages found in the cache")			\
	X(page_misses, "index pages read")				\
	X(read_mismatches, "blocks read again for a wrong checksum")	\
	X(read_errors, "read requests failed")				\
	X(write_errors, "write and discard requests failed")		\
	X(write_retries, "failed frames written again elsewhere")	\
	X(scrub_blocks, "blocks read by scrubs")				\
	X(scrub_damaged, "blocks, pages and records that scrubs found damaged") \
	X(recovery_blocks, "blocks read by recovery")			\
	X(recovery_frames, "frames replayed by recovery")

struct shard_stats {
#define X(name, meaning) atomic64_t name;
	SHARD_STATS(X)
#undef X
};

/* The same, as plain numbers. */
struct shard_stats_view {
#define X(name, meaning) u64 name;
	SHARD_STATS(X)
#undef X
};

static inline void shard_stats_read(const struct shard_stats *stats,
				    struct shard_stats_view *view)
{
#define X(name, meaning) view->name = atomic64_read(&stats->name);
	SHARD_STATS(X)
#undef X
}

#endif /* SHARD_STATS_H */
