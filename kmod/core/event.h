/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Events of the dependency graph: what was to come after what, what a flush
 * covered, what was reset when.
 *
 * Writeback tells of its own; the rows above say what an append holds, and when
 * a record is durable.  Nothing is built, and nothing called, while nobody
 * listens.  Enough is in the events to draw the graph of a history without the
 * engine: tools/graph does that.
 */
#ifndef SHARD_EVENT_H
#define SHARD_EVENT_H

#include "trace.h"

/**
 * enum shard_event_kind - what happened, and the fields that tell more of it
 * @SHARD_EVENT_CHUNKS:	in front of an append, what it will hold: @offset,
 *			@what, @seq, @durable, @entries, and @lba and @blocks of
 *			the first of these; a record: its number is @id, the
 *			checkpoint's @seq, and it names @entries extents
 * @SHARD_EVENT_APPEND:	writeback was given one: @id, @queue, @offset, @len,
 *			@fua; part of @dep; it comes after @after, which is
 *			itself also after all tickets up to @ticket
 * @SHARD_EVENT_ISSUED:	append @id went out, in one backing write with @first
 * @SHARD_EVENT_WRITTEN: append @id completed: @error, @ticket (0: it is durable
 *			by itself); all up to @durable is
 * @SHARD_EVENT_FLUSH:	flush @id began, which covers all up to @ticket
 * @SHARD_EVENT_FLUSHED: it ended: @error; all up to @durable is
 * @SHARD_EVENT_RESET:	the reset of an extent was issued: @offset, @len
 * @SHARD_EVENT_WAS_RESET: it ended: the same, and @error
 * @SHARD_EVENT_RECORD:	record @id, of the checkpoint of all up to @seq, is
 *			durable in both copies
 * @SHARD_EVENT_KINDS:	how many there are
 */
enum shard_event_kind {
	SHARD_EVENT_CHUNKS,
	SHARD_EVENT_APPEND,
	SHARD_EVENT_ISSUED,
	SHARD_EVENT_WRITTEN,
	SHARD_EVENT_FLUSH,
	SHARD_EVENT_FLUSHED,
	SHARD_EVENT_RESET,
	SHARD_EVENT_WAS_RESET,
	SHARD_EVENT_RECORD,
	SHARD_EVENT_KINDS,
};

/* What an append holds: the kinds of frame entries, and these. */
#define SHARD_EVENT_IS_RECORD	100
#define SHARD_EVENT_IS_WIPE	101

/*
 * X(type, name): the one list of all fields, in the order in which they are
 * printed.  Which event has which is said above; the others are 0.  Those of 4
 * bytes have no sign.
 */
#define SHARD_EVENT_FIELDS(X)						\
	X(u64, id)							\
	X(u32, queue)							\
	X(u64, offset)							\
	X(u32, len)							\
	X(u32, fua)							\
	X(u32, what)							\
	X(u64, seq)							\
	X(u64, lba)							\
	X(u32, blocks)							\
	X(u32, entries)							\
	X(u64, dep)							\
	X(u64, after)							\
	X(u64, first)							\
	X(u64, ticket)							\
	X(u64, durable)							\
	X(s64, error)

/** struct shard_event - one of them; @number counts all that a ring was given */
struct shard_event {
	u64 number;
	enum shard_event_kind kind;
#define X(type, name) type name;
	SHARD_EVENT_FIELDS(X)
#undef X
};

/** struct shard_tracer - whom to tell */
struct shard_tracer {
	const struct shard_trace_ops *ops;
	void *ctx;
};

/** shard_tracer_listens() - is there anyone who wants events */
static inline bool shard_tracer_listens(const struct shard_tracer *tracer)
{
	return unlikely(tracer->ops && READ_ONCE(tracer->ops->event));
}

/** shard_tracer_tell() - tell, if there is still someone; any context */
void shard_tracer_tell(const struct shard_tracer *tracer,
		       const struct shard_event *event);

/** shard_event_name() - the word for a kind */
const char *shard_event_name(enum shard_event_kind kind);

/* Longest line of shard_event_text(), with its end. */
#define SHARD_EVENT_TEXT	400

/**
 * shard_event_text() - an event as a line: its name, then NAME=VALUE for each
 * field that is not 0
 */
void shard_event_text(const struct shard_event *event,
		      char text[SHARD_EVENT_TEXT]);

struct shard_ring;

/** shard_ring_create() - for the last @max events; may sleep; NULL: no memory */
struct shard_ring *shard_ring_create(u32 max);
void shard_ring_destroy(struct shard_ring *ring);

/** shard_ring_add() - any context; the oldest one gives way */
void shard_ring_add(struct shard_ring *ring, const struct shard_event *event);

/**
 * shard_ring_read() - those that are there, oldest first
 * @from:	number of the first one wanted
 *
 * Return: how many were copied to @events, at most @max.
 */
u32 shard_ring_read(struct shard_ring *ring, u64 from,
		    struct shard_event *events, u32 max);

#endif /* SHARD_EVENT_H */
