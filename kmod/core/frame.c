// SPDX-License-Identifier: GPL-2.0-only
/*
 * DOC: chunk store
 *
 * All that is appended outside the superblock is a frame: a header block that
 * says what follows, then the payload.  The header holds a checksum per payload
 * block, so that a torn frame is seen by its header alone, whichever of its
 * sectors was lost.
 *
 * A frame's place is taken when it is sealed, in the order of its stream, so
 * its locators exist before it is written and are never issued twice (O1).
 */
#include "frame.h"

#include "event.h"
#include "stats.h"

struct shard_frame *shard_frame_create(const struct shard_store *store,
				       u32 nr_blocks)
{
	struct shard_frame *frame = kvmalloc(sizeof(*frame), GFP_KERNEL);

	if (!frame)
		return NULL;
	memset(&frame->append, 0, sizeof(frame->append));
	shard_frame_begin(frame, SHARDBLK_STREAM_HOST);
	/* all of it that is ever written is filled first */
	frame->buffer = kvmalloc((size_t)(nr_blocks + 1) * store->block_size,
				 GFP_KERNEL);
	if (!frame->buffer) {
		kvfree(frame);
		return NULL;
	}
	return frame;
}

void shard_frame_destroy(struct shard_frame *frame)
{
	if (!frame)
		return;
	kvfree(frame->buffer);
	kvfree(frame);
}

void shard_frame_begin(struct shard_frame *frame, u32 stream)
{
	frame->header.stream = stream;
	frame->header.seq = 0;
	frame->header.nr_entries = 0;
	frame->header.nr_blocks = 0;
	frame->append.after = NULL;
	frame->append.dep = NULL;
	frame->append.fua = false;
}

int shard_frame_add(const struct shard_store *store, struct shard_frame *frame,
		    u32 room, u8 kind, u64 lba, u32 nr_blocks)
{
	struct shard_frame_header *h = &frame->header;
	u32 payload = kind == SHARDBLK_ENTRY_DISCARD ? 0 : nr_blocks;
	struct shard_frame_entry *e;
	int first = h->nr_blocks;

	if (payload > room || h->nr_blocks + payload > room ||
	    !shard_frame_fits(store->block_size, h->nr_entries + 1,
			      h->nr_blocks + payload))
		return -1;
	e = &h->entries[h->nr_entries++];
	e->kind = kind;
	e->lba = lba;
	e->nr_blocks = nr_blocks;
	h->nr_blocks += payload;
	return first;
}

void *shard_frame_block(const struct shard_store *store,
			struct shard_frame *frame, u32 idx)
{
	return (u8 *)frame->buffer + (size_t)(idx + 1) * store->block_size;
}

void shard_frame_copy(const struct shard_store *store,
		      struct shard_frame *frame, u32 idx,
		      const struct shard_seg *segs, u32 nr_blocks)
{
	u32 skip = 0;
	u32 i;

	for (i = 0; i < nr_blocks; i++) {
		u8 *to = shard_frame_block(store, frame, idx + i);
		u32 left = store->block_size;
		u32 csum = store->seed;

		while (left) {
			u32 len = min(left, segs->len - skip);

			memcpy(to, (const u8 *)segs->addr + skip, len);
			csum = crc32c(csum, to, len);
			to += len;
			left -= len;
			skip += len;
			if (skip == segs->len) {
				segs++;
				skip = 0;
			}
		}
		frame->header.csums[idx + i] = csum;
	}
}

bool shard_frame_place(const struct shard_store *store,
		       struct shard_frame *frame, u64 seq)
{
	struct shard_frame_header *h = &frame->header;

	h->seq = seq;
	return shard_extents_place(store->ex, h->stream, h->nr_blocks + 1,
				   seq ? seq + h->nr_entries - 1 : 0,
				   &frame->place);
}

void shard_frame_seal(const struct shard_store *store,
		      struct shard_frame *frame, u64 durable_seq)
{
	frame->header.durable_seq = durable_seq;
	shard_frame_encode(&frame->header, store->seed, &frame->place,
			   frame->buffer, store->block_size);
}

/* For whoever draws the graph. */
static void frame_tell(const struct shard_store *store,
		       const struct shard_frame *frame)
{
	const struct shard_tracer *tracer = shard_writeback_tracer(store->wb);
	const struct shard_frame_header *h = &frame->header;
	struct shard_event event;

	if (!shard_tracer_listens(tracer))
		return;
	event = (struct shard_event){
		.kind = SHARD_EVENT_CHUNKS,
		.offset = frame->append.offset,
		.what = h->entries[0].kind,
		.lba = h->entries[0].lba,
		.blocks = h->entries[0].nr_blocks,
		.entries = h->nr_entries,
		.seq = h->seq,
		.durable = h->durable_seq,
	};
	shard_tracer_tell(tracer, &event);
}

void shard_frame_append(const struct shard_store *store,
			struct shard_frame *frame, enum shard_queue queue)
{
	struct shard_append *append = &frame->append;

	append->lane = shard_stream_lane(frame->header.stream);
	append->offset = shard_store_offset(store, frame->place.extent,
					    frame->place.block);
	append->seg.addr = frame->buffer;
	append->seg.len = (frame->header.nr_blocks + 1) * store->block_size;
	frame_tell(store, frame);
	shard_append(store->wb, queue, append);
}

/* ---- extents ---- */

int shard_store_next_extent(struct shard_store *store, u32 stream)
{
	bool opened, starved = false;

	shard_extents_want(store->ex, stream, true);
	shard_super_assign(store->super);
	wait_event(store->changed,
		   (opened = shard_extents_next(store->ex, stream)) ||
		   READ_ONCE(store->dead) ||
		   (starved = shard_extents_starved(store->ex, stream)));
	shard_extents_want(store->ex, stream, false);
	if (opened)
		return 0;
	return starved ? -ENOSPC : -EIO;
}

/* ---- writer ---- */

static enum shard_queue stream_queue(u32 stream)
{
	switch (stream) {
	case SHARDBLK_STREAM_MERGE:
		return SHARD_QUEUE_MERGE;
	case SHARDBLK_STREAM_INDEX:
		return SHARD_QUEUE_INDEX;
	case SHARDBLK_STREAM_META0:
		return SHARD_QUEUE_META0;
	case SHARDBLK_STREAM_META1:
		return SHARD_QUEUE_META1;
	}
	return SHARD_QUEUE_HOST;
}

static void writer_frame_done(struct shard_append *append)
{
	struct shard_frame *frame =
		container_of(append, struct shard_frame, append);
	struct shard_writer *w;
	struct shard_writer_frame *wf = NULL;
	unsigned long flags;
	u32 i;

	w = append->private;
	spin_lock_irqsave(&w->lock, flags);
	for (i = 0; i < SHARD_WRITER_FRAMES; i++)
		if (w->frames[i].frame == frame)
			wf = &w->frames[i];
	if (append->error) {
		/* O1: nothing goes behind a failed append */
		shard_extent_bad(w->store->ex, frame->place.extent);
		if (!w->error)
			w->error = append->error;
	}
	wf->busy = false;
	wake_up_all(&w->idle);
	spin_unlock_irqrestore(&w->lock, flags);
}

/* Returns an idle frame, perhaps not made yet; NULL if all are in flight. */
static struct shard_writer_frame *writer_idle_frame(struct shard_writer *w)
{
	struct shard_writer_frame *wf = NULL;
	unsigned long flags;
	u32 i;

	spin_lock_irqsave(&w->lock, flags);
	for (i = 0; i < SHARD_WRITER_FRAMES && !wf; i++)
		if (!w->frames[i].busy)
			wf = &w->frames[i];
	spin_unlock_irqrestore(&w->lock, flags);
	return wf;
}

static bool writer_all_idle(struct shard_writer *w)
{
	unsigned long flags;
	bool idle = true;
	u32 i;

	spin_lock_irqsave(&w->lock, flags);
	for (i = 0; i < SHARD_WRITER_FRAMES; i++)
		idle = idle && !w->frames[i].busy;
	spin_unlock_irqrestore(&w->lock, flags);
	return idle;
}

int shard_writer_begin(struct shard_writer *w, struct shard_store *store,
		       u32 stream, u8 kind, u64 id, struct shard_dep *dep,
		       u64 blocks)
{
	u32 payload = shard_extent_pages(store->block_size,
					 store->extent_blocks);
	u32 room;

	memset(w, 0, sizeof(*w));
	w->store = store;
	w->stream = stream;
	w->kind = kind;
	w->id = id;
	w->dep = dep;
	spin_lock_init(&w->lock);
	init_waitqueue_head(&w->idle);
	room = shard_extents_room(store->ex, stream);
	if (blocks <= payload &&
	    room < blocks + DIV_ROUND_UP((u32)blocks,
					 shard_writer_blocks(store)))
		w->error = shard_store_next_extent(store, stream);
	return w->error;
}

static int writer_error(struct shard_writer *w)
{
	unsigned long flags;
	int error;

	spin_lock_irqsave(&w->lock, flags);
	error = w->error;
	spin_unlock_irqrestore(&w->lock, flags);
	return error;
}

static struct shard_frame *reserve_take(struct shard_store *store)
{
	struct shard_reserve *reserve = store->reserve;
	struct shard_frame *frame = NULL;
	unsigned long flags;

	if (!reserve)
		return shard_frame_create(store, shard_writer_blocks(store));
	spin_lock_irqsave(&reserve->lock, flags);
	if (!WARN_ON_ONCE(!reserve->nr))
		frame = reserve->frames[--reserve->nr];
	spin_unlock_irqrestore(&reserve->lock, flags);
	return frame;
}

static void reserve_give(struct shard_store *store, struct shard_frame *frame)
{
	struct shard_reserve *reserve = store->reserve;
	unsigned long flags;

	if (!reserve || !frame) {
		shard_frame_destroy(frame);
		return;
	}
	spin_lock_irqsave(&reserve->lock, flags);
	reserve->frames[reserve->nr++] = frame;
	spin_unlock_irqrestore(&reserve->lock, flags);
}

static int writer_open_frame(struct shard_writer *w)
{
	struct shard_writer_frame *wf;
	struct shard_frame *frame;
	unsigned long flags;
	u32 room;
	int err;

	wait_event(w->idle, (wf = writer_idle_frame(w)));
	err = writer_error(w);
	if (err)
		return err;
	if (!wf->frame) {
		frame = reserve_take(w->store);
		if (!frame)
			return -ENOMEM;
		/* callbacks of the others look for theirs */
		spin_lock_irqsave(&w->lock, flags);
		wf->frame = frame;
		spin_unlock_irqrestore(&w->lock, flags);
	}
	room = shard_extents_room(w->store->ex, w->stream);
	if (room < 2) {
		err = shard_store_next_extent(w->store, w->stream);
		if (err)
			return err;
		room = shard_extents_room(w->store->ex, w->stream);
	}
	shard_frame_begin(wf->frame, w->stream);
	w->room = min(room - 1, shard_writer_blocks(w->store));
	w->open = wf;
	return 0;
}

int shard_writer_page(struct shard_writer *w, struct shard_place *place,
		      void **page)
{
	struct shard_store *store = w->store;
	u32 nr;
	int err;

	if (!w->open) {
		err = writer_open_frame(w);
		if (err)
			return err;
	}
	nr = w->open->frame->header.nr_blocks;
	shard_extents_tail(store->ex, w->stream, place);
	place->block += 1 + nr;
	*page = shard_frame_block(store, w->open->frame, nr);
	memset(*page, 0, store->block_size);
	return 0;
}

int shard_writer_page_done(struct shard_writer *w)
{
	struct shard_frame *frame = w->open->frame;
	struct shard_frame_header *h = &frame->header;
	u32 nr = h->nr_blocks;

	/* one chunk per frame; its entry is written when the frame is sealed */
	h->csums[nr] = crc32c(w->store->seed,
			      shard_frame_block(w->store, frame, nr),
			      w->store->block_size);
	h->nr_blocks++;
	return h->nr_blocks == w->room ? shard_writer_flush(w) : 0;
}

int shard_writer_flush(struct shard_writer *w)
{
	struct shard_store *store = w->store;
	struct shard_frame *frame;
	unsigned long flags;
	int err;

	if (!w->open)
		return 0;
	frame = w->open->frame;
	/* its pages lie where shard_writer_page() said, or nowhere */
	err = writer_error(w);
	if (err)
		return err;
	frame->header.nr_entries = 1;
	frame->header.entries[0].kind = w->kind;
	frame->header.entries[0].lba = w->id;
	frame->header.entries[0].nr_blocks = frame->header.nr_blocks;
	if (!shard_frame_place(store, frame, 0))
		return -EIO;
	shard_frame_seal(store, frame, 0);
	frame->append.done = writer_frame_done;
	frame->append.private = w;
	frame->append.dep = w->dep;
	spin_lock_irqsave(&w->lock, flags);
	w->open->busy = true;
	spin_unlock_irqrestore(&w->lock, flags);
	w->open = NULL;
	shard_frame_append(store, frame, stream_queue(w->stream));
	return 0;
}

int shard_writer_end(struct shard_writer *w)
{
	unsigned long flags;
	u32 i;

	wait_event(w->idle, writer_all_idle(w));
	/* the last callback may still hold it */
	spin_lock_irqsave(&w->lock, flags);
	spin_unlock_irqrestore(&w->lock, flags);
	for (i = 0; i < SHARD_WRITER_FRAMES; i++)
		reserve_give(w->store, w->frames[i].frame);
	return w->error;
}

struct shard_reserve *shard_reserve_create(const struct shard_store *store)
{
	struct shard_reserve *reserve = kvzalloc(sizeof(*reserve), GFP_KERNEL);
	struct shard_frame *frame;

	if (!reserve)
		return NULL;
	spin_lock_init(&reserve->lock);
	while (reserve->nr < ARRAY_SIZE(reserve->frames)) {
		frame = shard_frame_create(store, shard_writer_blocks(store));
		if (!frame) {
			shard_reserve_destroy(reserve);
			return NULL;
		}
		reserve->frames[reserve->nr++] = frame;
	}
	return reserve;
}

void shard_reserve_destroy(struct shard_reserve *reserve)
{
	while (reserve && reserve->nr)
		shard_frame_destroy(reserve->frames[--reserve->nr]);
	kvfree(reserve);
}
