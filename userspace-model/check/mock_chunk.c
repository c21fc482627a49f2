// SPDX-License-Identifier: GPL-2.0-only
/*
 * The model of the chunk store in place of frames and cached pages, under
 * writes, runs, manifests and starts.
 *
 * Goal: those do with any chunk store that keeps its contracts, and ask only
 * for what they have put.  Method: frames go to the disk, as starts look for
 * them there; the model is told what was put where, and proves what pages that
 * are read back are.  Drawn: when a host frame is full, when a writer waits,
 * which pages a cache has at any moment, and which makes room for another.
 */
#include "cache.h"
#include "mock.h"
#include "model/m_chunk.h"
#include "suites.h"

/* More than can be held at a time. */
#define CACHED_PAGES	32

/* What was put in all lives of the device: outlives crashes. */
static struct m_chunks chunks;

static u64 stamp_of(const struct shard_store *store, const void *block)
{
	return crc32c(store->seed, block, store->block_size);
}

/* ---- frames ---- */

struct shard_frame *shard_frame_create(const struct shard_store *store,
				       u32 nr_blocks)
{
	struct shard_frame *frame = kvzalloc(sizeof(*frame), GFP_KERNEL);
	void *buffer = kvmalloc((size_t)(nr_blocks + 1) * store->block_size,
				GFP_KERNEL);

	if (frame && buffer) {
		frame->buffer = buffer;
		return frame;
	}
	kvfree(frame);
	kvfree(buffer);
	return NULL;
}

void shard_frame_destroy(struct shard_frame *frame)
{
	if (frame)
		kvfree(frame->buffer);
	kvfree(frame);
}

void shard_frame_begin(struct shard_frame *frame, u32 stream)
{
	memset(&frame->append, 0, sizeof(frame->append));
	frame->header.stream = stream;
	frame->header.seq = 0;
	frame->header.nr_entries = 0;
	frame->header.nr_blocks = 0;
}

/* Nothing says how much a frame takes, but for its first entry. */
int shard_frame_add(const struct shard_store *store, struct shard_frame *frame,
		    u32 room, u8 kind, u64 lba, u32 nr_blocks)
{
	struct shard_frame_header *h = &frame->header;
	u32 payload = kind == SHARDBLK_ENTRY_DISCARD ? 0 : nr_blocks;
	u32 first = h->nr_blocks;

	if (first + payload > room ||
	    !shard_frame_fits(store->block_size, h->nr_entries + 1,
			      first + payload) ||
	    (h->nr_entries && mock_draw(4) == 1))
		return -1;
	h->entries[h->nr_entries++] = (struct shard_frame_entry){
		.kind = kind, .lba = lba, .nr_blocks = nr_blocks,
	};
	h->nr_blocks += payload;
	return first;
}

void *shard_frame_block(const struct shard_store *store,
			struct shard_frame *frame, u32 idx)
{
	return (u8 *)frame->buffer + (size_t)(idx + 1) * store->block_size;
}

/* All is copied, then it is looked at: its owner may change it meanwhile. */
void shard_frame_copy(const struct shard_store *store,
		      struct shard_frame *frame, u32 idx,
		      const struct shard_seg *segs, u32 nr_blocks)
{
	u8 *to = shard_frame_block(store, frame, idx);
	u8 *end = shard_frame_block(store, frame, idx + nr_blocks);

	for (; to < end; segs++) {
		u32 len = min_t(size_t, segs->len, end - to);

		memcpy(to, segs->addr, len);
		to += len;
	}
	for (; nr_blocks--; idx++)
		frame->header.csums[idx] =
			stamp_of(store, shard_frame_block(store, frame, idx));
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

void shard_frame_append(const struct shard_store *store,
			struct shard_frame *frame, enum shard_queue queue)
{
	const struct shard_place *place = &frame->place;
	u32 nr = frame->header.nr_blocks + 1, i;
	u64 stamps[SHARDBLK_FRAME_PAYLOAD_MAX + 1];
	const char *why;

	for (i = 0; i < nr; i++)
		stamps[i] = stamp_of(store, (u8 *)frame->buffer +
				     (size_t)i * store->block_size);
	why = m_chunk_put(&chunks, (u64)place->extent * store->extent_blocks +
			  place->block, place->generation, nr, stamps);
	if (why)
		kapi_fail("O1: %s", why);
	frame->append.lane = shard_stream_lane(frame->header.stream);
	frame->append.offset = shard_store_offset(store, place->extent,
						  place->block);
	frame->append.seg.addr = frame->buffer;
	frame->append.seg.len = nr * store->block_size;
	shard_append(store->wb, queue, &frame->append);
}

/* ---- writers: one frame at a time ---- */

static enum shard_queue queue_of(u32 stream)
{
	switch (stream) {
	case SHARDBLK_STREAM_MERGE:
		return SHARD_QUEUE_MERGE;
	case SHARDBLK_STREAM_INDEX:
		return SHARD_QUEUE_INDEX;
	case SHARDBLK_STREAM_META0:
		return SHARD_QUEUE_META0;
	default:
		return SHARD_QUEUE_META1;
	}
}

int shard_store_next_extent(struct shard_store *store, u32 stream)
{
	bool opened, starved = false;

	shard_extents_want(store->ex, stream, true);
	shard_super_assign(store->super);
	wait_event(store->changed,
		   (opened = shard_extents_next(store->ex, stream)) ||
		   store->dead ||
		   (starved = shard_extents_starved(store->ex, stream)));
	shard_extents_want(store->ex, stream, false);
	return opened ? 0 : starved ? -ENOSPC : -EIO;
}

int shard_writer_begin(struct shard_writer *w, struct shard_store *store,
		       u32 stream, u8 kind, u64 id, struct shard_dep *dep,
		       u64 blocks)
{
	u32 nr_frames = DIV_ROUND_UP((u32)blocks, shard_writer_blocks(store));

	memset(w, 0, sizeof(*w));
	w->store = store;
	w->stream = stream;
	w->kind = kind;
	w->id = id;
	w->dep = dep;
	init_waitqueue_head(&w->idle);
	if (blocks <= shard_extent_pages(store->block_size,
					 store->extent_blocks) &&
	    shard_extents_room(store->ex, stream) < blocks + nr_frames)
		w->error = shard_store_next_extent(w->store, w->stream);
	return w->error;
}

/* What is on its way is written, or is not. */
static int settle(struct shard_writer *w)
{
	wait_event(w->idle, !w->frames[0].busy);
	return w->error;
}

static int open_frame(struct shard_writer *w)
{
	struct shard_store *store = w->store;
	u32 max = shard_writer_blocks(store);
	int err = settle(w);

	if (!err && !w->frames[0].frame) {
		w->frames[0].frame = shard_frame_create(store, max);
		err = w->frames[0].frame ? 0 : -ENOMEM;
	}
	if (!err && shard_extents_room(store->ex, w->stream) < 2)
		err = shard_store_next_extent(w->store, w->stream);
	if (err)
		return err;
	shard_frame_begin(w->frames[0].frame, w->stream);
	w->room = min(shard_extents_room(store->ex, w->stream) - 1, max);
	w->open = &w->frames[0];
	return 0;
}

int shard_writer_page(struct shard_writer *w, struct shard_place *place,
		      void **page)
{
	int err = w->open ? 0 : open_frame(w);
	u32 nr;

	if (err)
		return err;
	nr = w->open->frame->header.nr_blocks;
	shard_extents_tail(w->store->ex, w->stream, place);
	place->block += 1 + nr;
	*page = shard_frame_block(w->store, w->open->frame, nr);
	memset(*page, 0, w->store->block_size);
	return 0;
}

int shard_writer_page_done(struct shard_writer *w)
{
	struct shard_frame_header *h = &w->open->frame->header;

	h->csums[h->nr_blocks] =
		stamp_of(w->store, shard_frame_block(w->store, w->open->frame,
						     h->nr_blocks));
	h->nr_blocks++;
	return h->nr_blocks == w->room ? shard_writer_flush(w) : 0;
}

static void frame_written(struct shard_append *append)
{
	struct shard_writer *w = append->private;

	w->frames[0].busy = false;
	w->error = append->error;
	if (append->error)
		shard_extent_bad(w->store->ex,
				 w->frames[0].frame->place.extent);
	wake_up(&w->idle);
}

int shard_writer_flush(struct shard_writer *w)
{
	struct shard_frame *frame = w->frames[0].frame;

	if (!w->open)
		return 0;
	frame->header.nr_entries = 1;
	frame->header.entries[0] = (struct shard_frame_entry){
		.kind = w->kind, .lba = w->id,
		.nr_blocks = frame->header.nr_blocks,
	};
	w->open = NULL;
	if (!shard_frame_place(w->store, frame, 0))
		return -EIO;
	shard_frame_seal(w->store, frame, 0);
	frame->append.done = frame_written;
	frame->append.private = w;
	frame->append.dep = w->dep;
	w->frames[0].busy = true;
	shard_frame_append(w->store, frame, queue_of(w->stream));
	return mock_draw(2) ? settle(w) : 0;
}

int shard_writer_end(struct shard_writer *w)
{
	int err = settle(w);

	shard_frame_destroy(w->frames[0].frame);
	return err;
}

/* Writers here need none of it. */
struct shard_reserve *shard_reserve_create(const struct shard_store *store)
{
	return kvzalloc(sizeof(struct shard_reserve), GFP_KERNEL);
}

void shard_reserve_destroy(struct shard_reserve *reserve)
{
	kvfree(reserve);
}

/* ---- pages ---- */

int shard_page_read(struct shard_store *store, u64 run_id, u32 page, u64 offset,
		    u32 csum, void *block)
{
	int err = shard_writeback_read_wait(store->wb, offset, block,
					    store->block_size);

	if (err)
		return err;
	if (stamp_of(store, block) !=
	    chunks.at[offset / store->block_size].stamp)
		return -EBADMSG;
	if (shard_page_check(block, store->block_size, store->seed, run_id,
			     page, csum))
		kapi_fail("page %u of run %llu is not what was put there last",
			  page, run_id);
	return 0;
}

struct shard_cache {
	struct shard_store *store;
	struct shard_cached pages[CACHED_PAGES];
	u8 blocks[CACHED_PAGES][SHARDBLK_BLOCK_SIZE_MAX];
};

struct shard_cache *shard_cache_create(struct shard_store *store, u32 nr_pages)
{
	struct shard_cache *cache = kvzalloc(sizeof(*cache), GFP_KERNEL);
	u32 i;

	if (!cache)
		return NULL;
	cache->store = store;
	for (i = 0; i < CACHED_PAGES; i++)
		cache->pages[i].block = cache->blocks[i];
	return cache;
}

void shard_cache_destroy(struct shard_cache *cache)
{
	kvfree(cache);
}

struct shard_cached *shard_cache_get(struct shard_cache *cache, u64 run_id,
				     u32 page)
{
	struct shard_cached *c;

	for (c = cache->pages; c < cache->pages + CACHED_PAGES; c++)
		if (c->valid && c->run_id == run_id && c->page == page)
			break;
	if (c == cache->pages + CACHED_PAGES || mock_draw(2))
		return NULL;
	c->refs++;
	return c;
}

/* One that nobody holds, whichever. */
static struct shard_cached *victim(struct shard_cache *cache)
{
	u32 i = mock_draw(CACHED_PAGES), k;

	for (k = 0; k < CACHED_PAGES; k++, i++)
		if (!cache->pages[i % CACHED_PAGES].refs)
			return &cache->pages[i % CACHED_PAGES];
	kapi_fail("all pages are held");
	return NULL;
}

int shard_cache_read(struct shard_cache *cache, u64 run_id, u32 page,
		     u64 offset, u32 csum, struct shard_cached **out)
{
	struct shard_cached *c = shard_cache_get(cache, run_id, page);
	int err;

	*out = c;
	if (c)
		return 0;
	c = victim(cache);
	c->refs = 1;
	c->valid = false;
	err = shard_page_read(cache->store, run_id, page, offset, csum,
			      c->block);
	if (!err && !shard_page_level(c->block))
		shard_page_mark(c->block, &c->marks);
	c->run_id = run_id;
	c->page = page;
	c->valid = !err;
	if (err)
		c->refs = 0;
	*out = c;
	return err;
}

void shard_cache_add(struct shard_cache *cache, u64 run_id, u32 page,
		     const void *block)
{
	struct shard_cached *c = victim(cache);

	memcpy(c->block, block, cache->store->block_size);
	if (!shard_page_level(c->block))
		shard_page_mark(c->block, &c->marks);
	c->run_id = run_id;
	c->page = page;
	c->valid = true;
}

/* So small that nothing is read ahead. */
u32 shard_cache_size(const struct shard_cache *cache)
{
	return 1;
}

struct shard_cached *shard_cache_take(struct shard_cache *cache, u64 run_id,
				      u32 page)
{
	return NULL;
}

void shard_cache_filled(struct shard_cache *cache, struct shard_cached *cached,
			bool valid)
{
}

unsigned long shard_cache_count(const struct shard_cache *cache)
{
	return 0;
}

unsigned long shard_cache_shrink(struct shard_cache *cache, unsigned long nr)
{
	return 0;
}

void shard_cache_put(struct shard_cache *cache, struct shard_cached *cached)
{
	if (!cached->refs--)
		kapi_fail("a page is let go that nobody holds");
}

void check_mock_chunk(struct world *w)
{
	memset(&chunks, 0, sizeof(chunks));
	mock_history(w, false);
}
