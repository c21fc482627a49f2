// SPDX-License-Identifier: GPL-2.0-only
/*
 * DOC: events
 *
 * Names and text of events, and a ring that keeps the last of them.
 *
 * A ring is read in pieces: its lock is held while some events are copied, not
 * while they are printed.  Events carry numbers, so a reader that was overtaken
 * sees that it was, and goes on with the oldest one that is left.
 */
#include "event.h"

static const char * const event_names[SHARD_EVENT_KINDS] = {
	[SHARD_EVENT_CHUNKS]	= "chunks",
	[SHARD_EVENT_APPEND]	= "append",
	[SHARD_EVENT_ISSUED]	= "issued",
	[SHARD_EVENT_WRITTEN]	= "written",
	[SHARD_EVENT_FLUSH]	= "flush",
	[SHARD_EVENT_FLUSHED]	= "flushed",
	[SHARD_EVENT_RESET]	= "reset",
	[SHARD_EVENT_WAS_RESET]	= "was-reset",
	[SHARD_EVENT_RECORD]	= "record",
};

struct event_field {
	const char *name;
	size_t offset;
	size_t size;
};

static const struct event_field event_fields[] = {
#define X(type, name) { #name, offsetof(struct shard_event, name), sizeof(type) },
	SHARD_EVENT_FIELDS(X)
#undef X
};

static s64 event_field(const struct shard_event *event,
		       const struct event_field *field)
{
	const void *at = (const u8 *)event + field->offset;

	return field->size == sizeof(u32) ? *(const u32 *)at : *(const s64 *)at;
}

const char *shard_event_name(enum shard_event_kind kind)
{
	return event_names[kind];
}

void shard_event_text(const struct shard_event *event,
		      char text[SHARD_EVENT_TEXT])
{
	int len = scnprintf(text, SHARD_EVENT_TEXT, "%s",
			    event_names[event->kind]);
	u32 i;

	for (i = 0; i < ARRAY_SIZE(event_fields); i++) {
		s64 value = event_field(event, &event_fields[i]);

		if (value)
			len += scnprintf(text + len, SHARD_EVENT_TEXT - len,
					 " %s=%lld", event_fields[i].name,
					 value);
	}
}

void shard_tracer_tell(const struct shard_tracer *tracer,
		       const struct shard_event *event)
{
	void (*tell)(void *ctx, const struct shard_event *event) =
		READ_ONCE(tracer->ops->event);

	if (tell)
		tell(tracer->ctx, event);
}

/* ---- the ring ---- */

struct shard_ring {
	spinlock_t lock;		/* of all below */
	u64 nr;				/* events given so far */
	u32 max;
	struct shard_event events[];
};

struct shard_ring *shard_ring_create(u32 max)
{
	struct shard_ring *ring;

	ring = kvzalloc(struct_size(ring, events, max), GFP_KERNEL);
	if (!ring)
		return NULL;
	spin_lock_init(&ring->lock);
	ring->max = max;
	return ring;
}

void shard_ring_destroy(struct shard_ring *ring)
{
	kvfree(ring);
}

/* The place of the event with that number. */
static struct shard_event *ring_at(struct shard_ring *ring, u64 number)
{
	u32 at;

	div_u64_rem(number, ring->max, &at);
	return &ring->events[at];
}

void shard_ring_add(struct shard_ring *ring, const struct shard_event *event)
{
	struct shard_event *to;
	unsigned long flags;

	spin_lock_irqsave(&ring->lock, flags);
	to = ring_at(ring, ring->nr);
	*to = *event;
	to->number = ring->nr++;
	spin_unlock_irqrestore(&ring->lock, flags);
}

u32 shard_ring_read(struct shard_ring *ring, u64 from,
		    struct shard_event *events, u32 max)
{
	unsigned long flags;
	u32 nr = 0;

	spin_lock_irqsave(&ring->lock, flags);
	if (ring->nr > ring->max)
		from = max(from, ring->nr - ring->max);
	for (; from < ring->nr && nr < max; from++)
		events[nr++] = *ring_at(ring, from);
	spin_unlock_irqrestore(&ring->lock, flags);
	return nr;
}
