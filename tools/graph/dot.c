// SPDX-License-Identifier: GPL-2.0-only
/*
 * DOC: from a graph to dot
 *
 * An arrow points from what was issued to what had to be first, so time runs
 * against the arrows, from left to right.  The graph beside it shows the index
 * and the extents as the last snapshot had them.
 */
#include <string.h>

#include "event.h"
#include "extent.h"
#include "graph.h"
#include "shardblk_format.h"
#include "writeback.h"

/* Extents in the table. */
#define EXTENTS_MAX	32
/* What all tables begin with. */
#define TABLE	"[shape=plain label=<<table border=\"0\" cellborder=\"1\" " \
		"cellspacing=\"0\" cellpadding=\"4\">"
/* Colours of edges: by rule, by a flush, by place. */
#define RULE	"color=\"#1c7ed6\""
#define FLUSH	"color=\"#2f9e44\""
#define PLACE	"color=\"#adb5bd\""
/* Steps of a bar that shows how full an extent is. */
#define BAR_STEPS	12

static const char * const state_names[GRAPH_STATES] = {
	[GRAPH_WAITS]	= "waits",
	[GRAPH_ISSUED]	= "in flight",
	[GRAPH_WRITTEN]	= "written, not durable",
	[GRAPH_DURABLE]	= "durable",
	[GRAPH_OPEN]	= "left open by a power cut",
	[GRAPH_FAILED]	= "failed",
};

static const char * const state_colours[GRAPH_STATES] = {
	[GRAPH_WAITS]	= "#f1f3f5",
	[GRAPH_ISSUED]	= "#ffd8a8",
	[GRAPH_WRITTEN]	= "#fff3a3",
	[GRAPH_DURABLE]	= "#b2f2bb",
	[GRAPH_OPEN]	= "#e5dbff",
	[GRAPH_FAILED]	= "#ff8787",
};

static const char * const stream_names[] = {
	[SHARDBLK_STREAM_HOST]	= "host",
	[SHARDBLK_STREAM_RELOC0] = "reloc0",
	[SHARDBLK_STREAM_RELOC1] = "reloc1",
	[SHARDBLK_STREAM_RELOC2] = "reloc2",
	[SHARDBLK_STREAM_MERGE]	= "merge",
	[SHARDBLK_STREAM_INDEX]	= "index",
	[SHARDBLK_STREAM_META0]	= "meta0",
	[SHARDBLK_STREAM_META1]	= "meta1",
	[SHARDBLK_STREAM_SUPER]	= "super",
};

static const char * const extent_states[] = {
	[SHARD_EXTENT_FREE]	= "free",
	[SHARD_EXTENT_ASSIGNED]	= "assigned",
	[SHARD_EXTENT_READY]	= "ready",
	[SHARD_EXTENT_OPEN]	= "open",
	[SHARD_EXTENT_SEALED]	= "sealed",
};

/**
 * struct drawing - one graph being written
 * @first:	append that is drawn first
 * @order:	events before this one are not drawn
 */
struct drawing {
	const struct graph *graph;
	FILE *out;
	size_t first;
	size_t order;
};

static const char *name_of(const char * const *names, size_t nr, uint64_t i)
{
	return i < nr && names[i] ? names[i] : "?";
}

/* A title may be anything. */
static void put_text(FILE *out, const char *text)
{
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			fputc('\\', out);
		fputc(*text, out);
	}
}

static bool is_frame(const struct graph_append *a)
{
	return a->what == SHARDBLK_ENTRY_WRITE ||
	       a->what == SHARDBLK_ENTRY_DISCARD;
}

/* Bytes of an extent; 0: not known. */
static uint64_t extent_size(const struct graph *graph)
{
	return graph->block_size * graph->extent_blocks;
}

static bool same_extent(const struct graph *graph, uint64_t a, uint64_t b)
{
	uint64_t size = extent_size(graph);

	return size && a / size == b / size;
}

/* ---- nodes ---- */

static void put_blocks(FILE *out, const char *what, uint64_t lba,
		       uint64_t blocks)
{
	if (blocks > 1)
		fprintf(out, "%s %llu..%llu", what, (unsigned long long)lba,
			(unsigned long long)(lba + blocks - 1));
	else
		fprintf(out, "%s %llu", what, (unsigned long long)lba);
}

/* The first of several chunks. */
static void put_first(const struct drawing *d, const struct graph_append *a,
		      const char *what)
{
	put_blocks(d->out, what, a->lba, a->blocks);
	if (a->entries > 1)
		fprintf(d->out, " and %llu more",
			(unsigned long long)a->entries - 1);
}

static void put_content(const struct drawing *d, const struct graph_append *a)
{
	unsigned long long lba = a->lba, record = a->record, seq = a->seq;

	switch (a->what) {
	case SHARDBLK_ENTRY_WRITE:
	case SHARDBLK_ENTRY_DISCARD:
		put_blocks(d->out, "frame", a->seq, a->entries);
		fputs("\\n", d->out);
		put_first(d, a, a->what == SHARDBLK_ENTRY_WRITE ? "write" :
								   "discard");
		break;
	case SHARDBLK_ENTRY_RELOC:
		put_first(d, a, "move");
		break;
	case SHARDBLK_ENTRY_RUN:
		fprintf(d->out, "run %llu\\n%llu pages", lba,
			(unsigned long long)a->blocks);
		break;
	case SHARDBLK_ENTRY_MANIFEST:
		fprintf(d->out, "manifest %llu\\ncopy %u", lba,
			a->queue == SHARD_QUEUE_META1);
		break;
	case SHARD_EVENT_IS_RECORD:
		fprintf(d->out, "record %llu\\ncheckpoint of %llu", record,
			seq);
		break;
	case SHARD_EVENT_IS_WIPE:
		fputs("wipe", d->out);
		break;
	default:
		fputs("append", d->out);
	}
}

static const char *append_shape(const struct graph_append *a)
{
	switch (a->what) {
	case SHARDBLK_ENTRY_RUN:
		return "folder";
	case SHARDBLK_ENTRY_MANIFEST:
		return "note";
	case SHARD_EVENT_IS_RECORD:
		return "box3d";
	default:
		return "box";
	}
}

static void put_append(const struct drawing *d, size_t i)
{
	const struct graph_append *a = &d->graph->appends[i];
	uint64_t size = extent_size(d->graph);

	fprintf(d->out, "\ta%zu [shape=%s fillcolor=\"%s\" style=\"filled%s\" label=\"",
		i, append_shape(a), state_colours[a->state],
		a->state == GRAPH_OPEN ? ",dashed" : "");
	put_content(d, a);
	if (size)
		fprintf(d->out, "\\nextent %llu: %llu +%llu\"];\n",
			(unsigned long long)(a->offset / size),
			(unsigned long long)(a->offset % size /
					     d->graph->block_size),
			(unsigned long long)(a->len / d->graph->block_size));
	else
		fprintf(d->out, "\\nbyte %llu\"];\n",
			(unsigned long long)a->offset);
}

static void put_flush(const struct drawing *d, size_t i)
{
	const struct graph_flush *f = &d->graph->flushes[i];
	enum graph_state state = f->failed ? GRAPH_FAILED :
				 f->done ? GRAPH_DURABLE : GRAPH_ISSUED;

	fprintf(d->out, "\tf%zu [shape=ellipse style=filled fillcolor=\"%s\" label=\"flush\"];\n",
		i, state_colours[state]);
}

static enum graph_state reset_state(const struct graph_reset *r)
{
	return r->failed ? GRAPH_FAILED : r->done ? GRAPH_DURABLE :
						    GRAPH_ISSUED;
}

/* The append that begins the life of the extent after it; nr_appends: none. */
static size_t reset_user(const struct drawing *d, size_t i)
{
	const struct graph *g = d->graph;
	const struct graph_reset *r = &g->resets[i];
	size_t end = g->order + 1, k;

	for (k = i + 1; k < g->nr_resets; k++) {
		if (g->resets[k].offset != r->offset)
			continue;
		end = g->resets[k].order;
		break;
	}
	for (k = d->first; k < g->nr_appends; k++)
		if (g->appends[k].offset == r->offset &&
		    g->appends[k].order > r->order &&
		    g->appends[k].order < end)
			return k;
	return g->nr_appends;
}

/* Resets after the same record that nobody has used yet are one node. */
static bool reset_like(const struct drawing *d, size_t i, size_t k)
{
	const struct graph_reset *a = &d->graph->resets[i];
	const struct graph_reset *b = &d->graph->resets[k];
	size_t none = d->graph->nr_appends;

	return a->life == b->life && a->record == b->record &&
	       b->order >= d->order && reset_state(a) == reset_state(b) &&
	       reset_user(d, i) == none && reset_user(d, k) == none;
}

static size_t reset_node(const struct drawing *d, size_t i)
{
	size_t k;

	for (k = 0; k < i; k++)
		if (reset_like(d, i, k))
			return k;
	return i;
}

static void put_reset(const struct drawing *d, size_t i)
{
	const struct graph *g = d->graph;
	uint64_t size = extent_size(g);
	size_t k;

	if (reset_node(d, i) != i)
		return;
	fprintf(d->out, "\tr%zu [shape=octagon style=filled fillcolor=\"%s\" "
		"label=\"reset\\nextent",
		i, state_colours[reset_state(&g->resets[i])]);
	for (k = i; k < g->nr_resets; k++)
		if (k == i || reset_like(d, i, k))
			fprintf(d->out, " %llu", (unsigned long long)
				(size ? g->resets[k].offset / size :
					g->resets[k].offset));
	fputs("\"];\n", d->out);
}

/* ---- edges ---- */

/* O4: what the append was given to come after, and the flush that saw to it. */
static void put_after(const struct drawing *d, size_t i)
{
	const struct graph *g = d->graph;
	const struct graph_append *a = &g->appends[i];
	uint64_t ticket = a->after_ticket;
	size_t k;

	if (!a->after)
		return;
	for (k = d->first; k < i; k++) {
		const struct graph_append *b = &g->appends[k];

		if (b->life != a->life || b->dep != a->after)
			continue;
		if (b->ticket > ticket)
			ticket = b->ticket;
		fprintf(d->out, "\ta%zu -> a%zu [" RULE "];\n", i, k);
	}
	for (k = 0; k < g->nr_flushes && ticket; k++) {
		const struct graph_flush *f = &g->flushes[k];

		if (f->life != a->life || f->ticket < ticket ||
		    f->order < d->order)
			continue;
		fprintf(d->out, "\ta%zu -> f%zu [" RULE " label=\"O4\"];\n",
			i, k);
		break;
	}
}

/* What a flush made durable, and none before it did. */
static void put_covers(const struct drawing *d, size_t i)
{
	const struct graph *g = d->graph;
	const struct graph_flush *f = &g->flushes[i];
	uint64_t before = 0;
	size_t k;

	for (k = 0; k < i; k++)
		if (g->flushes[k].life == f->life && g->flushes[k].done &&
		    g->flushes[k].ticket > before)
			before = g->flushes[k].ticket;
	for (k = d->first; k < g->nr_appends; k++) {
		const struct graph_append *a = &g->appends[k];

		if (a->life == f->life && a->ticket > before &&
		    a->ticket <= f->ticket)
			fprintf(d->out, "\tf%zu -> a%zu [style=dashed " FLUSH "];\n",
				i, k);
	}
}

/* O1: what lies in front of it in its extent was issued in front of it. */
static void put_behind(const struct drawing *d, size_t i)
{
	const struct graph *g = d->graph;
	const struct graph_append *a = &g->appends[i];
	size_t k;

	for (k = i; k-- > d->first;) {
		const struct graph_append *b = &g->appends[k];

		if (!same_extent(g, a->offset, b->offset) ||
		    b->offset + b->len != a->offset)
			continue;
		fprintf(d->out, "\ta%zu -> a%zu [" PLACE " arrowsize=0.6];\n",
			i, k);
		return;
	}
}

/* What to wait for to have an append durable: its flush, if it took one. */
static void put_durable(const struct drawing *d, size_t i)
{
	const struct graph *g = d->graph;
	const struct graph_append *a = &g->appends[i];
	size_t k;

	for (k = 0; k < g->nr_flushes && a->ticket; k++) {
		const struct graph_flush *f = &g->flushes[k];

		if (f->life != a->life || f->ticket < a->ticket ||
		    f->order < d->order || f->failed)
			continue;
		fprintf(d->out, "f%zu", k);
		return;
	}
	fprintf(d->out, "a%zu", i);
}

/* O10: the second copy after the first. */
static void put_copies(const struct drawing *d, size_t i)
{
	const struct graph *g = d->graph;
	const struct graph_append *a = &g->appends[i];
	size_t k;

	if (a->what != SHARD_EVENT_IS_RECORD)
		return;
	for (k = i; k-- > d->first;) {
		const struct graph_append *b = &g->appends[k];

		if (b->life != a->life || b->what != a->what ||
		    b->record != a->record)
			continue;
		fprintf(d->out, "\ta%zu -> ", i);
		put_durable(d, k);
		fputs(" [" RULE " label=\"O10\"];\n", d->out);
		return;
	}
}

/* O8: the first record of a start after a flush of its own. */
static void put_start(const struct drawing *d, size_t i)
{
	const struct graph *g = d->graph;
	const struct graph_append *a = &g->appends[i];
	size_t k;

	if (!a->life || a->after || a->what != SHARD_EVENT_IS_RECORD ||
	    (i && g->appends[i - 1].life == a->life))
		return;
	for (k = g->nr_flushes; k--;) {
		const struct graph_flush *f = &g->flushes[k];

		if (f->life != a->life || f->order > a->order ||
		    f->order < d->order)
			continue;
		fprintf(d->out, "\ta%zu -> f%zu [" RULE " label=\"O8\"];\n",
			i, k);
		return;
	}
}

/* O5: a reset after the record, and what is appended then after the reset. */
static void put_reset_edges(const struct drawing *d, size_t i)
{
	const struct graph *g = d->graph;
	const struct graph_reset *r = &g->resets[i];
	bool super = r->offset < SHARDBLK_SUPER_EXTENTS * extent_size(g);
	size_t user = reset_user(d, i), k;

	if (user < g->nr_appends)
		fprintf(d->out, "\ta%zu -> r%zu [" RULE " label=\"O5\"];\n",
			user, i);
	if (reset_node(d, i) != i)
		return;
	for (k = g->nr_appends; k-- > d->first;) {
		const struct graph_append *a = &g->appends[k];

		if (a->life != r->life || a->order > r->order ||
		    a->what != SHARD_EVENT_IS_RECORD ||
		    a->record != r->record)
			continue;
		fprintf(d->out, "\tr%zu -> ", i);
		put_durable(d, k);
		fprintf(d->out, " [" RULE " label=\"%s\"];\n",
			super ? "O6" : "O5");
		break;
	}
}

/* An image has no flushes; frames tell what was known to be durable. */
static void put_mark(const struct drawing *d, size_t i)
{
	const struct graph *g = d->graph;
	const struct graph_append *a = &g->appends[i];
	size_t k;

	if (g->nr_flushes || !is_frame(a) || !a->mark)
		return;
	for (k = i; k-- > d->first;) {
		const struct graph_append *b = &g->appends[k];

		if (!is_frame(b) || b->seq + b->entries - 1 > a->mark)
			continue;
		fprintf(d->out, "\ta%zu -> a%zu [style=dotted " FLUSH " label=\"mark\"];\n",
			i, k);
		return;
	}
}

/* ---- the state beside it ---- */

static void put_index(const struct drawing *d)
{
	const struct graph *g = d->graph;
	size_t i;

	fprintf(d->out, "\tindex " TABLE
		"<tr><td colspan=\"3\"><b>LSM tree</b></td></tr>"
		"<tr><td>memtable</td><td colspan=\"2\">%llu entries</td></tr>",
		(unsigned long long)g->active);
	if (g->frozen)
		fprintf(d->out, "<tr><td>frozen</td><td colspan=\"2\">%llu entries</td></tr>",
			(unsigned long long)g->frozen);
	for (i = 0; i < g->nr_runs; i++)
		fprintf(d->out, "<tr><td>run %llu</td><td>%llu entries</td>"
			"<td>%llu pages</td></tr>",
			(unsigned long long)g->runs[i].id,
			(unsigned long long)g->runs[i].entries,
			(unsigned long long)g->runs[i].pages);
	fputs("</table>>];\n", d->out);
}

static void put_bar(FILE *out, uint64_t part, uint64_t all)
{
	uint64_t full = all ? (part * BAR_STEPS + all - 1) / all : 0, i;

	for (i = 0; i < BAR_STEPS; i++)
		fputs(i < full ? "&#9608;" : "&#9617;", out);
}

static void put_extents(const struct drawing *d)
{
	const struct graph *g = d->graph;
	size_t i;

	fputs("\textents " TABLE
	      "<tr><td colspan=\"6\"><b>extents</b></td></tr>"
	      "<tr><td>number</td><td>generation</td><td>stream</td>"
	      "<td>state</td><td>write pointer</td><td>live</td></tr>",
	      d->out);
	for (i = 0; i < g->nr_extents && i < EXTENTS_MAX; i++) {
		const struct graph_extent *e = &g->extents[i];

		fprintf(d->out, "<tr><td>%llu</td><td>%llu</td><td>%s</td><td>%s</td><td>",
			(unsigned long long)e->nr,
			(unsigned long long)e->generation,
			name_of(stream_names, ARRAY_SIZE(stream_names),
				e->stream),
			e->retired ? "given up" :
			name_of(extent_states, ARRAY_SIZE(extent_states),
				e->state));
		put_bar(d->out, e->written, g->extent_blocks);
		fprintf(d->out, " %llu</td><td>%llu</td></tr>",
			(unsigned long long)e->written,
			(unsigned long long)e->live);
	}
	fprintf(d->out, "<tr><td colspan=\"6\">%llu others are free or not shown"
		"</td></tr></table>>];\n",
		(unsigned long long)(g->extents_total -
				     SHARDBLK_SUPER_EXTENTS - i));
}

static void put_legend(const struct drawing *d)
{
	unsigned int i;

	fputs("\tlegend " TABLE, d->out);
	for (i = 0; i < GRAPH_STATES; i++)
		fprintf(d->out, "<tr><td bgcolor=\"%s\">%s</td></tr>",
			state_colours[i], state_names[i]);
	fputs("<tr><td><font color=\"#1c7ed6\">blue: issued after, by rule</font></td></tr>"
	      "<tr><td><font color=\"#2f9e44\">green: the flush that made it durable</font></td></tr>"
	      "<tr><td><font color=\"#868e96\">grey: behind it in its extent (O1)</font></td></tr>"
	      "</table>>];\n", d->out);
}

static void put_state(const struct drawing *d)
{
	fputs("\tsubgraph cluster_state {\n\tlabel=\"\"; color=white;\n", d->out);
	put_legend(d);
	if (d->graph->block_size) {
		put_index(d);
		put_extents(d);
	}
	fputs("\t}\n", d->out);
}

/* ---- all of it ---- */

static void put_nodes(const struct drawing *d)
{
	const struct graph *g = d->graph;
	size_t i;

	for (i = d->first; i < g->nr_appends; i++)
		put_append(d, i);
	for (i = 0; i < g->nr_flushes; i++)
		if (g->flushes[i].order >= d->order)
			put_flush(d, i);
	for (i = 0; i < g->nr_resets; i++)
		if (g->resets[i].order >= d->order)
			put_reset(d, i);
}

static void put_edges(const struct drawing *d)
{
	const struct graph *g = d->graph;
	size_t i;

	for (i = d->first; i < g->nr_appends; i++) {
		put_after(d, i);
		put_behind(d, i);
		put_copies(d, i);
		put_start(d, i);
		put_mark(d, i);
	}
	for (i = 0; i < g->nr_flushes; i++)
		if (g->flushes[i].order >= d->order)
			put_covers(d, i);
	for (i = 0; i < g->nr_resets; i++)
		if (g->resets[i].order >= d->order)
			put_reset_edges(d, i);
}

bool graph_dot(const struct graph *graph, FILE *out, const char *title,
	       size_t max)
{
	struct drawing d = { .graph = graph, .out = out };

	if (graph->nr_appends > max)
		d.first = graph->nr_appends - max;
	if (d.first)
		d.order = graph->appends[d.first].order;
	fputs("digraph shardblk {\n\trankdir=RL; fontname=\"sans-serif\";\n"
	      "\tlabelloc=t; label=\"", out);
	put_text(out, title);
	fputs("\";\n\tnode [fontname=\"sans-serif\" fontsize=10];\n"
	      "\tedge [fontname=\"sans-serif\" fontsize=9];\n", out);
	put_nodes(&d);
	put_edges(&d);
	put_state(&d);
	fputs("}\n", out);
	return !graph->error && !ferror(out);
}
