/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Graph: what writeback tells of the dependency graph, as it changes.
 *
 * Appends, dependencies and flushes get names when there is someone to tell;
 * what was under way before has none, and is not told of.
 */
#ifndef SHARD_GRAPH_H
#define SHARD_GRAPH_H

#include "event.h"
#include "writeback.h"

/**
 * struct shard_graph - whom to tell, and the last names given
 *
 * Names are under the lock of writeback, and so are all calls but those about
 * resets: events come in the order in which things happened.
 */
struct shard_graph {
	struct shard_tracer tracer;
	u64 nr_appends;
	u64 nr_deps;
	u64 nr_flushes;
};

/** shard_graph_append() - an append joins its queue; it and what it names get names */
void shard_graph_append(struct shard_graph *graph, enum shard_queue queue,
			struct shard_append *append);
/** shard_graph_issued() - as part of the backing write that begins with @first */
void shard_graph_issued(struct shard_graph *graph,
			const struct shard_append *append,
			const struct shard_append *first);
/** shard_graph_written() - completed, failed, or given up; all to @durable is */
void shard_graph_written(struct shard_graph *graph,
			 const struct shard_append *append, u64 durable);

/** shard_graph_flush() - the flush that covers all up to @ticket begins */
void shard_graph_flush(struct shard_graph *graph, u64 ticket);
/** shard_graph_flushed() - the last one that began has ended */
void shard_graph_flushed(struct shard_graph *graph, u64 durable, int error);

/** shard_graph_reset() - is issued, or has completed */
void shard_graph_reset(struct shard_graph *graph, const struct shard_io *io,
		       bool done);

#endif /* SHARD_GRAPH_H */
