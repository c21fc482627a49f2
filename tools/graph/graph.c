// SPDX-License-Identifier: GPL-2.0-only
/*
 * DOC: from lines to a graph
 *
 * Lines are taken in one after the other.  An event about something that was
 * begun before the first line is left out: a window into a history shows what
 * lies in it.
 */
#include <stdlib.h>
#include <string.h>

#include "event.h"
#include "graph.h"

/* Longest line, longest word and longest number of pairs of one. */
#define LINE_MAX_LEN	512
#define PAIRS_MAX	24

/**
 * struct line - a line, taken apart
 * @text:	a copy, with ends in place of separators
 */
struct line {
	char text[LINE_MAX_LEN];
	const char *word;
	const char *names[PAIRS_MAX];
	long long values[PAIRS_MAX];
	size_t nr;
};

static bool line_split(struct line *line, const char *text)
{
	char *at, *pair, *end, *save = NULL;

	line->nr = 0;
	if (strlen(text) >= sizeof(line->text))
		return false;
	strcpy(line->text, text);
	line->word = strtok_r(line->text, "\n ", &save);
	if (!line->word)
		return false;
	while ((pair = strtok_r(NULL, "\n ", &save))) {
		at = strchr(pair, '=');
		if (!at || !at[1] || line->nr == PAIRS_MAX)
			return false;
		*at++ = '\0';
		line->names[line->nr] = pair;
		line->values[line->nr++] = strtoll(at, &end, 10);
		if (*end)
			return false;
	}
	return true;
}

/* What is not said is 0. */
static long long get(const struct line *line, const char *name)
{
	size_t i;

	for (i = 0; i < line->nr; i++)
		if (!strcmp(line->names[i], name))
			return line->values[i];
	return 0;
}

/* Room for one more element, zeroed; NULL without memory. */
static void *array_add(struct graph *graph, void *array, size_t *nr,
		       size_t size)
{
	void **elements = array;
	char *bigger;

	/* a power of two: full */
	if (!(*nr & (*nr - 1))) {
		bigger = realloc(*elements, (*nr ? *nr * 2 : 1) * size);
		if (!bigger) {
			graph->error = true;
			return NULL;
		}
		*elements = bigger;
	}
	bigger = (char *)*elements + (*nr)++ * size;
	memset(bigger, 0, size);
	return bigger;
}

/* ---- finding ---- */

static struct graph_append *append_find(struct graph *graph, uint64_t id)
{
	size_t i;

	for (i = graph->nr_appends; i--;) {
		struct graph_append *a = &graph->appends[i];

		if (a->life != graph->life)
			return NULL;
		if (a->id == id)
			return a;
	}
	return NULL;
}

/* All up to a ticket is durable now. */
static void durable_upto(struct graph *graph, uint64_t ticket)
{
	size_t i;

	if (ticket <= graph->durable)
		return;
	graph->durable = ticket;
	for (i = graph->nr_appends; i--;) {
		struct graph_append *a = &graph->appends[i];

		if (a->life != graph->life)
			break;
		if (a->state == GRAPH_WRITTEN && a->ticket <= ticket)
			a->state = GRAPH_DURABLE;
	}
}

/* ---- events ---- */

static void take_chunks(struct graph *graph, const struct line *line)
{
	struct graph_append *c = array_add(graph, &graph->chunks,
					   &graph->nr_chunks, sizeof(*c));

	if (!c)
		return;
	c->life = graph->life;
	c->offset = get(line, "offset");
	c->what = get(line, "what");
	c->record = get(line, "id");
	c->seq = get(line, "seq");
	c->mark = get(line, "durable");
	c->lba = get(line, "lba");
	c->blocks = get(line, "blocks");
	c->entries = get(line, "entries");
}

static void take_append(struct graph *graph, const struct line *line)
{
	struct graph_append *a = array_add(graph, &graph->appends,
					   &graph->nr_appends, sizeof(*a));
	uint64_t offset = get(line, "offset");
	size_t i;

	if (!a)
		return;
	for (i = graph->nr_chunks; i--;) {
		if (graph->chunks[i].offset != offset ||
		    graph->chunks[i].life != graph->life)
			continue;
		*a = graph->chunks[i];
		graph->chunks[i] = graph->chunks[--graph->nr_chunks];
		break;
	}
	a->life = graph->life;
	a->order = graph->order;
	a->id = get(line, "id");
	a->queue = get(line, "queue");
	a->offset = offset;
	a->len = get(line, "len");
	a->dep = get(line, "dep");
	a->after = get(line, "after");
	a->after_ticket = get(line, "ticket");
	a->state = GRAPH_WAITS;
}

static void take_issued(struct graph *graph, const struct line *line)
{
	struct graph_append *a = append_find(graph, get(line, "id"));

	if (!a)
		return;
	a->first = get(line, "first");
	a->state = GRAPH_ISSUED;
}

static void take_written(struct graph *graph, const struct line *line)
{
	struct graph_append *a = append_find(graph, get(line, "id"));

	if (a) {
		a->ticket = get(line, "ticket");
		a->state = get(line, "error") ? GRAPH_FAILED :
			   !a->ticket || a->ticket <= graph->durable ?
			   GRAPH_DURABLE : GRAPH_WRITTEN;
	}
	durable_upto(graph, get(line, "durable"));
}

static void take_flush(struct graph *graph, const struct line *line)
{
	struct graph_flush *f = array_add(graph, &graph->flushes,
					  &graph->nr_flushes, sizeof(*f));

	if (!f)
		return;
	f->life = graph->life;
	f->order = graph->order;
	f->id = get(line, "id");
	f->ticket = get(line, "ticket");
}

static void take_flushed(struct graph *graph, const struct line *line)
{
	struct graph_flush *f;
	size_t i;

	for (i = graph->nr_flushes; i--;) {
		f = &graph->flushes[i];
		if (f->life != graph->life)
			break;
		if (f->id != (uint64_t)get(line, "id"))
			continue;
		f->failed = get(line, "error");
		f->done = !f->failed;
		break;
	}
	durable_upto(graph, get(line, "durable"));
}

static void take_reset(struct graph *graph, const struct line *line)
{
	struct graph_reset *r = array_add(graph, &graph->resets,
					  &graph->nr_resets, sizeof(*r));

	if (!r)
		return;
	r->life = graph->life;
	r->order = graph->order;
	r->offset = get(line, "offset");
	r->record = graph->last_record;
}

static void take_was_reset(struct graph *graph, const struct line *line)
{
	size_t i;

	for (i = graph->nr_resets; i--;) {
		struct graph_reset *r = &graph->resets[i];

		if (r->life != graph->life)
			return;
		if (r->offset != (uint64_t)get(line, "offset"))
			continue;
		r->failed = get(line, "error");
		r->done = !r->failed;
		return;
	}
}

static void take_record(struct graph *graph, const struct line *line)
{
	graph->last_record = get(line, "id");
}

/* ---- the rest ---- */

/* What was not durable in the life before may or may not be there. */
static void take_start(struct graph *graph, const struct line *line)
{
	size_t i;

	(void)line;
	for (i = graph->nr_appends; i--;) {
		struct graph_append *a = &graph->appends[i];

		if (a->life != graph->life)
			break;
		if (a->state == GRAPH_ISSUED || a->state == GRAPH_WRITTEN)
			a->state = GRAPH_OPEN;
	}
	graph->life++;
	graph->durable = 0;
	graph->last_record = 0;
}

static void take_device(struct graph *graph, const struct line *line)
{
	graph->block_size = get(line, "block_size");
	graph->extent_blocks = get(line, "extent_blocks");
	graph->extents_total = get(line, "extents");
	/* a snapshot begins with it: this is the newest */
	graph->nr_runs = 0;
	graph->nr_extents = 0;
}

static void take_memtable(struct graph *graph, const struct line *line)
{
	graph->active = get(line, "active");
	graph->frozen = get(line, "frozen");
}

static void take_run(struct graph *graph, const struct line *line)
{
	struct graph_run *r = array_add(graph, &graph->runs, &graph->nr_runs,
					sizeof(*r));

	if (!r)
		return;
	r->id = get(line, "id");
	r->stream = get(line, "stream");
	r->entries = get(line, "entries");
	r->pages = get(line, "pages");
}

static void take_extent(struct graph *graph, const struct line *line)
{
	struct graph_extent *e = array_add(graph, &graph->extents,
					   &graph->nr_extents, sizeof(*e));

	if (!e)
		return;
	e->nr = get(line, "nr");
	e->generation = get(line, "generation");
	e->stream = get(line, "stream");
	e->state = get(line, "state");
	e->written = get(line, "written");
	e->live = get(line, "live");
	e->retired = get(line, "retired");
}

static const struct {
	const char *word;
	void (*take)(struct graph *graph, const struct line *line);
} words[] = {
	{ "start", take_start },
	{ "device", take_device },
	{ "memtable", take_memtable },
	{ "run", take_run },
	{ "extent", take_extent },
};

static void (* const events[SHARD_EVENT_KINDS])(struct graph *graph,
						const struct line *line) = {
	[SHARD_EVENT_CHUNKS]	= take_chunks,
	[SHARD_EVENT_APPEND]	= take_append,
	[SHARD_EVENT_ISSUED]	= take_issued,
	[SHARD_EVENT_WRITTEN]	= take_written,
	[SHARD_EVENT_FLUSH]	= take_flush,
	[SHARD_EVENT_FLUSHED]	= take_flushed,
	[SHARD_EVENT_RESET]	= take_reset,
	[SHARD_EVENT_WAS_RESET]	= take_was_reset,
	[SHARD_EVENT_RECORD]	= take_record,
};

bool graph_line(struct graph *graph, const char *text)
{
	struct line line;
	size_t i;

	if (!line_split(&line, text))
		return false;
	graph->order++;
	for (i = 0; i < ARRAY_SIZE(words); i++) {
		if (strcmp(line.word, words[i].word))
			continue;
		words[i].take(graph, &line);
		return true;
	}
	for (i = 0; i < SHARD_EVENT_KINDS; i++) {
		if (strcmp(line.word, shard_event_name(i)))
			continue;
		events[i](graph, &line);
		return true;
	}
	return false;
}

struct graph *graph_new(void)
{
	return calloc(1, sizeof(struct graph));
}

void graph_free(struct graph *graph)
{
	if (!graph)
		return;
	free(graph->chunks);
	free(graph->appends);
	free(graph->flushes);
	free(graph->resets);
	free(graph->runs);
	free(graph->extents);
	free(graph);
}
