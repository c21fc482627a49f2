// SPDX-License-Identifier: GPL-2.0-only
/*
 * DOC: the dependency graph, told
 *
 * An append is told of with the dependency that it is part of and the one that
 * it comes after.  The latter stands for its own appends, told of before, and
 * for all that had a ticket when it was made: so an event has both.
 */
#include "graph.h"

static u64 dep_name(struct shard_graph *graph, struct shard_dep *dep)
{
	if (!dep)
		return 0;
	if (!dep->id)
		dep->id = ++graph->nr_deps;
	return dep->id;
}

void shard_graph_append(struct shard_graph *graph, enum shard_queue queue,
			struct shard_append *append)
{
	struct shard_event event;

	append->id = 0;
	if (!shard_tracer_listens(&graph->tracer))
		return;
	append->id = ++graph->nr_appends;
	event = (struct shard_event){
		.kind = SHARD_EVENT_APPEND,
		.id = append->id,
		.queue = queue,
		.offset = append->offset,
		.len = append->seg.len,
		.fua = append->fua,
		.dep = dep_name(graph, append->dep),
		.after = dep_name(graph, append->after),
		.ticket = append->after ? append->after->ticket : 0,
	};
	shard_tracer_tell(&graph->tracer, &event);
}

void shard_graph_issued(struct shard_graph *graph,
			const struct shard_append *append,
			const struct shard_append *first)
{
	struct shard_event event;

	if (!append->id || !shard_tracer_listens(&graph->tracer))
		return;
	event = (struct shard_event){
		.kind = SHARD_EVENT_ISSUED,
		.id = append->id,
		.first = first->id,
	};
	shard_tracer_tell(&graph->tracer, &event);
}

void shard_graph_written(struct shard_graph *graph,
			 const struct shard_append *append, u64 durable)
{
	struct shard_event event;

	if (!append->id || !shard_tracer_listens(&graph->tracer))
		return;
	event = (struct shard_event){
		.kind = SHARD_EVENT_WRITTEN,
		.id = append->id,
		.ticket = append->ticket,
		.durable = durable,
		.error = append->error,
	};
	shard_tracer_tell(&graph->tracer, &event);
}

void shard_graph_flush(struct shard_graph *graph, u64 ticket)
{
	struct shard_event event;

	graph->nr_flushes++;
	if (!shard_tracer_listens(&graph->tracer))
		return;
	event = (struct shard_event){
		.kind = SHARD_EVENT_FLUSH,
		.id = graph->nr_flushes,
		.ticket = ticket,
	};
	shard_tracer_tell(&graph->tracer, &event);
}

void shard_graph_flushed(struct shard_graph *graph, u64 durable, int error)
{
	struct shard_event event;

	if (!shard_tracer_listens(&graph->tracer))
		return;
	event = (struct shard_event){
		.kind = SHARD_EVENT_FLUSHED,
		.id = graph->nr_flushes,
		.durable = durable,
		.error = error,
	};
	shard_tracer_tell(&graph->tracer, &event);
}

void shard_graph_reset(struct shard_graph *graph, const struct shard_io *io,
		       bool done)
{
	struct shard_event event;

	if (!shard_tracer_listens(&graph->tracer))
		return;
	event = (struct shard_event){
		.kind = done ? SHARD_EVENT_WAS_RESET : SHARD_EVENT_RESET,
		.offset = io->offset,
		.len = io->len,
		.error = done ? io->error : 0,
	};
	shard_tracer_tell(&graph->tracer, &event);
}
