/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The dependency graph of a history, from its events to Graphviz.
 *
 * What comes in are lines, as shard_event_text() and shard_device_snapshot()
 * make them: from debugfs, from an image, or from a run of the checker.  The
 * line "start" says that the engine begins anew: names are given again.
 */
#ifndef TOOLS_GRAPH_H
#define TOOLS_GRAPH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* Appends that are drawn when nothing else is said. */
#define GRAPH_APPENDS	64

/* How far an append has come; the lowest that is drawn of a node. */
enum graph_state {
	GRAPH_WAITS,		/* for what it comes after, or its turn */
	GRAPH_ISSUED,
	GRAPH_WRITTEN,		/* a power cut may take it */
	GRAPH_DURABLE,
	GRAPH_OPEN,		/* the power failed: it is there, or not */
	GRAPH_FAILED,
	GRAPH_STATES,
};

/**
 * struct graph_append - an append, and what is known of it
 * @life:	of the engine; names are its own
 * @order:	of events
 * @id:		name
 * @queue:	enum shard_queue
 * @offset:	bytes
 * @len:	bytes
 * @dep:	the dependency that it is part of, or 0
 * @after:	the one that it comes after, or 0
 * @after_ticket: and all tickets up to this one
 * @first:	first append of the backing write that it went out in
 * @ticket:	0: durable by itself
 * @state:	as of the last event
 * @what:	it holds; 0: not known
 * @record:	number, of a superblock record
 * @seq:	frame: number of the first request; record: of the checkpoint
 * @mark:	frame: all up to here was durable
 * @lba:	of the first of its chunks; run, manifest: its number
 * @blocks:	of the first
 * @entries:	how many chunks; record: extents that it names
 */
struct graph_append {
	unsigned int life;
	size_t order;
	uint64_t id;
	unsigned int queue;
	uint64_t offset;
	uint64_t len;
	uint64_t dep;
	uint64_t after;
	uint64_t after_ticket;
	uint64_t first;
	uint64_t ticket;
	enum graph_state state;
	unsigned int what;
	uint64_t record;
	uint64_t seq;
	uint64_t mark;
	uint64_t lba;
	uint64_t blocks;
	uint64_t entries;
};

/** struct graph_flush - covers all tickets up to @ticket; @done: without error */
struct graph_flush {
	unsigned int life;
	size_t order;
	uint64_t id;
	uint64_t ticket;
	bool done;
	bool failed;
};

/** struct graph_reset - of the extent at @offset, after record @record */
struct graph_reset {
	unsigned int life;
	size_t order;
	uint64_t offset;
	uint64_t record;
	bool done;
	bool failed;
};

/** struct graph_run - a run of the index, newest first */
struct graph_run {
	uint64_t id;
	uint64_t stream;
	uint64_t entries;
	uint64_t pages;
};

/** struct graph_extent - an extent that is not free */
struct graph_extent {
	uint64_t nr;
	uint64_t generation;
	uint64_t stream;
	uint64_t state;
	uint64_t written;
	uint64_t live;
	bool retired;
};

/**
 * struct graph - all of it
 * @what:	the chunks event before an append, until that comes
 * @last_record: number of the last record that became durable in this life
 * @durable:	all tickets up to this one are, in this life
 *
 * Arrays grow; @error is set when one could not.
 */
struct graph {
	unsigned int life;
	size_t order;
	uint64_t block_size;
	uint64_t extent_blocks;
	uint64_t extents_total;
	uint64_t active;
	uint64_t frozen;
	uint64_t last_record;
	uint64_t durable;
	bool error;
	struct graph_append *chunks;
	size_t nr_chunks;
	struct graph_append *appends;
	size_t nr_appends;
	struct graph_flush *flushes;
	size_t nr_flushes;
	struct graph_reset *resets;
	size_t nr_resets;
	struct graph_run *runs;
	size_t nr_runs;
	struct graph_extent *extents;
	size_t nr_extents;
};

/** graph_new() - empty; NULL without memory */
struct graph *graph_new(void);
void graph_free(struct graph *graph);

/** graph_line() - take in a line.  Return: false if it is none of ours */
bool graph_line(struct graph *graph, const char *line);

/**
 * graph_dot() - write it for dot
 * @title:	above it
 * @max:	draw the last appends, at most so many
 *
 * Return: false when memory ran out on the way.
 */
bool graph_dot(const struct graph *graph, FILE *out, const char *title,
	       size_t max);

#endif /* TOOLS_GRAPH_H */
