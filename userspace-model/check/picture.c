// SPDX-License-Identifier: GPL-2.0-only
/*
 * Pictures: events of the engine, given to tools/graph as the lines that other
 * listeners print.  They draw no choices, so what is drawn is what was found.
 */
#include <stdlib.h>

#include "../../tools/graph/graph.h"

#include "event.h"
#include "picture.h"

static bool listening;

static void picture_line(void *ctx, const char *text)
{
	struct world *w = ctx;

	if (!graph_line(w->graph, text))
		kapi_fail("the graph does not understand: %s", text);
}

static void picture_event(void *ctx, const struct shard_event *event)
{
	char text[SHARD_EVENT_TEXT];

	if (!listening)
		return;
	shard_event_text(event, text);
	picture_line(ctx, text);
}

/* The other ways to tell things, which are called whenever one is there. */
static void no_frame_issued(void *ctx, u64 seq, u32 nr_entries, u32 nr_blocks,
			    u64 offset)
{
}

static void no_frame_retired(void *ctx, u64 seq, int error)
{
}

static void no_flush(void *ctx, int error, u64 ns)
{
}

static void no_checkpoint(void *ctx, u64 seq, u64 record, int error)
{
}

static void no_recovery(void *ctx, u64 first_seq, u64 last_seq, u32 frames,
			int error)
{
}

static const struct shard_trace_ops picture_ops = {
	.frame_issued	= no_frame_issued,
	.frame_retired	= no_frame_retired,
	.flush		= no_flush,
	.checkpoint	= no_checkpoint,
	.recovery	= no_recovery,
	.event		= picture_event,
};

void picture_begin(struct world *w)
{
	w->graph = graph_new();
	if (!w->graph)
		abort();
	listening = true;
}

void picture_pause(struct world *w)
{
	picture_take(w);
	listening = false;
}

void picture_go_on(struct world *w)
{
	listening = w->graph;
}

void picture_start(struct world *w, struct shard_options *options)
{
	if (!w->graph)
		return;
	options->trace = &picture_ops;
	if (listening)
		picture_line(w, "start");
}

void picture_take(struct world *w)
{
	if (w->graph && listening && w->device)
		shard_device_snapshot(w->device, picture_line, w);
}

int picture_write(const struct world *w, const char *path, const char *title)
{
	FILE *out = fopen(path, "w");
	bool ok;

	if (!out)
		return -errno;
	ok = graph_dot(w->graph, out, title, GRAPH_APPENDS);
	return fclose(out) || !ok ? -EIO : 0;
}
