/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Events that a user of the front door may want to see: the module turns them
 * into tracepoints.  Called in any context; must not sleep.
 */
#ifndef SHARD_TRACE_H
#define SHARD_TRACE_H

#include "kapi.h"

struct shard_event;

/**
 * struct shard_trace_ops - all called with the context given beside them
 * @frame_issued:	a frame of the host stream goes to the device: its first
 *			sequence number, requests, payload blocks, byte offset
 * @frame_retired:	its requests are applied, or failed
 * @flush:		a backing flush ended after @ns
 * @checkpoint:		a checkpoint of all up to @seq is durable, or failed
 * @progress:		so many blocks of the log were read by a start, of at most
 *			@nr_max; or NULL
 * @recovery:		frames from @first_seq to @last_seq were replayed
 * @event:		of the dependency graph, see event.h; NULL while nobody
 *			wants them, which may change at any time
 */
struct shard_trace_ops {
	void (*frame_issued)(void *ctx, u64 seq, u32 nr_entries, u32 nr_blocks,
			     u64 offset);
	void (*frame_retired)(void *ctx, u64 seq, int error);
	void (*flush)(void *ctx, int error, u64 ns);
	void (*checkpoint)(void *ctx, u64 seq, u64 record, int error);
	void (*progress)(void *ctx, u64 nr, u64 nr_max);
	void (*recovery)(void *ctx, u64 first_seq, u64 last_seq, u32 frames,
			 int error);
	void (*event)(void *ctx, const struct shard_event *event);
};

#endif /* SHARD_TRACE_H */
