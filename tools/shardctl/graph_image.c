// SPDX-License-Identifier: GPL-2.0-only
/*
 * DOC: the graph of an image
 *
 * An image has no events, but its records say what came after what: a record
 * after the manifest and the runs that it needs, the second copy after the
 * first, and each frame when all up to its mark was durable.  So the events
 * are made up that left it so: records are durable, and so are frames up to the
 * highest mark; those behind it were written, and nothing tells more.
 */
#include <stdlib.h>

#include "dump.h"
#include "event.h"
#include "graph.h"
#include "shardctl.h"

/* Superblock records that are shown, the newest ones. */
#define RECORDS_SHOWN	3
/* The dependency on all that the newest record needs. */
#define NEEDED		1

/**
 * struct source - an image on its way into a graph
 * @dump:	the image
 * @graph:	where to
 * @visitor:	of the manifest
 * @nr:		names given to appends
 * @durable:	all host numbers up to this one are known to be
 * @pending:	append that is being put together of neighbouring pages; of a
 *		record: @id is the number that is looked for
 * @chunks:	what @pending holds
 * @run:	whose chunks come next
 */
struct source {
	struct dump dump;
	struct graph *graph;
	struct manifest_visitor visitor;
	u64 nr;
	u64 durable;
	struct shard_event pending;
	struct shard_event chunks;
	struct shard_item run;
};

static void take(struct source *s, const struct shard_event *event)
{
	char text[SHARD_EVENT_TEXT];

	shard_event_text(event, text);
	graph_line(s->graph, text);
}

static void take_line(void *ctx, const char *text)
{
	struct source *s = ctx;

	graph_line(s->graph, text);
}

static u64 place_offset(const struct source *s, const struct shard_place *place)
{
	const struct shard_identity *id = &s->dump.image.identity;

	return ((u64)place->extent * id->extent_blocks + place->block) *
	       id->block_size;
}

/* An append that was written: what it holds, and since when it is durable. */
static void take_append(struct source *s, struct shard_event *chunks,
			struct shard_event *append, u64 ticket)
{
	struct shard_event event = {
		.kind = SHARD_EVENT_WRITTEN,
		.id = ++s->nr,
		.ticket = ticket,
	};

	chunks->kind = SHARD_EVENT_CHUNKS;
	chunks->offset = append->offset;
	take(s, chunks);
	append->kind = SHARD_EVENT_APPEND;
	append->id = event.id;
	take(s, append);
	take(s, &event);
}

/* ---- records ---- */

static void take_record(struct dump *dump, const struct shard_place *place,
			int err, const struct shard_super_record *record)
{
	struct source *s = dump->private;
	struct shard_event chunks = {
		.what = SHARD_EVENT_IS_RECORD,
		.id = record->number,
		.seq = record->checkpoint_seq,
		.entries = record->nr_log + record->nr_assigned,
	};
	struct shard_event append = {
		.queue = SHARD_QUEUE_SUPER,
		.offset = place_offset(s, place),
		.len = dump->image.identity.block_size,
		.fua = 1,
	};

	if (err || record->number != s->pending.id)
		return;
	/* the copies are in the extents with even and with odd numbers */
	if (record->number == dump->newest.number && !(place->extent & 1))
		append.after = NEEDED;
	take_append(s, &chunks, &append, 0);
	s->durable = max(s->durable, record->durable_seq);
}

/* By their numbers, which alone say what came first. */
static void take_records(struct source *s, u64 first, u64 last)
{
	for (; first <= last; first++) {
		s->pending.id = first;
		super_walk(&s->dump, take_record);
	}
	s->pending.id = 0;
}

/* ---- manifest and runs ---- */

static void pages_end(struct source *s)
{
	if (!s->pending.len)
		return;
	s->pending.dep = NEEDED;
	take_append(s, &s->chunks, &s->pending, 0);
	s->pending = (struct shard_event){ .len = 0 };
}

/* Pages that lie behind one another were written together, or nearly so. */
static void pages_add(struct source *s, u32 queue, u32 what, u64 number,
		      const struct shard_place *place, u32 nr_blocks)
{
	u64 offset = place_offset(s, place);
	u32 len = nr_blocks * s->dump.image.identity.block_size;

	if (s->pending.len && s->pending.queue == queue &&
	    s->chunks.lba == number &&
	    offset == s->pending.offset + s->pending.len) {
		s->pending.len += len;
		s->chunks.blocks += nr_blocks;
		return;
	}
	pages_end(s);
	s->pending.queue = queue;
	s->pending.offset = offset;
	s->pending.len = len;
	s->chunks = (struct shard_event){
		.what = what,
		.lba = number,
		.blocks = nr_blocks,
		.entries = 1,
	};
}

static void take_page(struct manifest_visitor *visitor,
		      const struct shard_place *place,
		      const struct shard_manifest_header *header)
{
	struct source *s = container_of(visitor, struct source, visitor);

	pages_add(s, header->copy ? SHARD_QUEUE_META1 : SHARD_QUEUE_META0,
		  SHARDBLK_ENTRY_MANIFEST, header->number, place, 1);
}

static void take_item(struct manifest_visitor *visitor,
		      const struct shard_item *item)
{
	struct source *s = container_of(visitor, struct source, visitor);

	if (item->kind == SHARDBLK_ITEM_RUN)
		s->run = *item;
	if (item->kind == SHARDBLK_ITEM_CHUNK)
		pages_add(s, s->run.run.stream == SHARDBLK_STREAM_MERGE ?
			     SHARD_QUEUE_MERGE : SHARD_QUEUE_INDEX,
			  SHARDBLK_ENTRY_RUN, s->run.run.run_id,
			  &item->chunk.place, item->chunk.nr_blocks);
}

static void no_item(struct manifest_visitor *visitor,
		    const struct shard_item *item)
{
}

static void take_manifest(struct source *s)
{
	u32 copy;

	s->visitor.item = take_item;
	manifest_walk_best(&s->dump, &s->visitor);
	pages_end(s);
	s->visitor.page = take_page;
	s->visitor.item = no_item;
	for (copy = 0; copy < SHARDBLK_MANIFEST_COPIES; copy++) {
		manifest_walk(&s->dump, copy, false, &s->visitor);
		pages_end(s);
	}
}

/* ---- the log ---- */

static void take_frame(struct dump *dump, const struct shard_place *place,
		       int err, const struct shard_frame_header *header)
{
	struct source *s = dump->private;
	struct shard_event chunks = {
		.what = header->entries[0].kind,
		.seq = header->seq,
		.lba = header->entries[0].lba,
		.blocks = header->entries[0].nr_blocks,
		.entries = header->nr_entries,
		.durable = header->durable_seq,
	};
	struct shard_event append = {
		.queue = SHARD_QUEUE_HOST,
		.offset = place_offset(s, place),
		.len = (header->nr_blocks + 1) * dump->image.identity.block_size,
	};

	if (err)
		return;
	take_append(s, &chunks, &append, header->seq + header->nr_entries - 1);
	s->durable = max(s->durable, header->durable_seq);
}

/* ---- all of it ---- */

static int take_state(struct source *s)
{
	const struct shard_identity *id = &s->dump.image.identity;
	char text[SHARD_SNAPSHOT_TEXT];
	struct shard_device *device;
	int code;

	/* what is in which extent can be told without recovery, too */
	snprintf(text, sizeof(text),
		 "device block_size=%u extent_blocks=%u extents=%u",
		 id->block_size, id->extent_blocks, id->nr_extents);
	take_line(s, text);
	code = image_recover(&s->dump.image, &device);
	if (code != CTL_DONE)
		return code;
	shard_device_snapshot(device, take_line, s);
	shard_device_close(device);
	return CTL_DONE;
}

static int take_image(struct source *s, const char *path)
{
	struct shard_event marks = { .kind = SHARD_EVENT_WRITTEN };
	u64 newest;
	int code;

	if (dump_find_newest(&s->dump))
		return ctl_error(CTL_DAMAGE, "%s: no valid superblock record",
				 path);
	code = take_state(s);
	newest = s->dump.newest.number;
	take_records(s, newest - min_t(u64, newest, RECORDS_SHOWN - 1),
		     newest - 1);
	take_manifest(s);
	take_records(s, newest, newest);
	frames_walk(&s->dump, take_frame);
	marks.durable = s->durable;
	take(s, &marks);
	return code;
}

int graph_from_image(struct graph *graph, const char *path, bool force)
{
	struct source *s = calloc(1, sizeof(*s));
	int code;

	if (!s)
		return ctl_error(CTL_SYSTEM, "out of memory");
	s->graph = graph;
	s->dump.private = s;
	code = image_open(&s->dump.image, path, force, NULL);
	if (code != CTL_DONE)
		goto out_free;
	s->dump.blocks = malloc((size_t)SHARDBLK_FRAME_PAYLOAD_MAX *
				SHARDBLK_BLOCK_SIZE_MAX);
	code = s->dump.blocks ? take_image(s, path) :
		ctl_error(CTL_SYSTEM, "out of memory");
	free(s->dump.blocks);
	image_close(&s->dump.image);
out_free:
	free(s);
	return code;
}
