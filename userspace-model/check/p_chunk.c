// SPDX-License-Identifier: GPL-2.0-only
/*
 * The chunk store against its model.
 *
 * Goal: what was put is there, at the place that was promised, described by a
 * header that proves where it lies, whatever pieces of memory it came from.
 * Method: random frames are built, appended and read back; then the header is
 * asked whether it would pass for one of another place.
 */
#include "content.h"
#include "model/m_chunk.h"
#include "stack.h"
#include "suites.h"

#define P_FRAMES	8
#define P_EXTENT_BLOCKS	64
#define P_EXTENTS	20
#define P_ADDS_MAX	6
#define P_SEGS		8

/* A frame as it was put. */
struct p_frame {
	struct shard_place place;
	u64 seq;
	u32 nr_entries;
	u32 nr_blocks;
	struct shard_frame_entry entries[P_ADDS_MAX];
};

struct p_chunk {
	struct stack stack;
	struct m_chunks m;
	struct shard_frame *frame;
	struct p_frame frames[P_FRAMES];
	u32 nr_frames;
	u64 serial;
	u64 seq;
	bool written;
	u8 data[P_EXTENT_BLOCKS * SHARDBLK_BLOCK_SIZE_MAX] __aligned(8);
	struct shard_frame_header header;
};

static u32 draw(u32 n)
{
	return world_draw(n, CHECK_CHOOSE_BLOCK);
}

/* @bytes of p->data in pieces. */
static void segs_of(struct p_chunk *p, struct shard_seg *segs, u32 bytes)
{
	u8 *at = p->data;
	u32 i, len;

	for (i = 0; bytes; i++) {
		len = bytes;
		if (i < P_SEGS - 1 && draw(2))
			len = 4 * (1 + draw(bytes / 4));
		segs[i] = (struct shard_seg){ .addr = at, .len = len };
		at += len;
		bytes -= len;
	}
}

/* Return: false when the frame is full. */
static bool add(struct p_chunk *p, u32 room, u64 *stamps)
{
	const struct shard_store *store = &p->stack.store;
	u32 size = store->block_size, nr = 1 + draw(5), i;
	struct p_frame *f = &p->frames[p->nr_frames];
	bool write = draw(4);
	u64 lba = draw(2) ? draw(100) : (1ull << 40) + draw(100);
	struct shard_seg segs[P_SEGS];
	int first;

	first = shard_frame_add(store, p->frame, room, write ?
				SHARDBLK_ENTRY_WRITE : SHARDBLK_ENTRY_DISCARD,
				lba, nr);
	if (first < 0)
		return false;
	if (first != f->nr_blocks)
		kapi_fail("payload at %d, not %u", first, f->nr_blocks);
	f->entries[f->nr_entries++] = (struct shard_frame_entry){
		.lba = lba, .nr_blocks = nr,
		.kind = write ? SHARDBLK_ENTRY_WRITE : SHARDBLK_ENTRY_DISCARD,
	};
	if (!write)
		return true;
	p->serial++;
	for (i = 0; i < nr; i++) {
		stamps[f->nr_blocks + i] = p->serial << 8 | i;
		content_fill(p->data + (size_t)i * size, size,
			     stamps[f->nr_blocks + i]);
	}
	f->nr_blocks += nr;
	segs_of(p, segs, nr * size);
	shard_frame_copy(store, p->frame, first, segs, nr);
	/* the copy is what counts: its owner may go on writing */
	memset(p->data, 0xee, nr * size);
	return true;
}

static struct p_chunk *current_check;

static void frame_written(struct shard_append *append)
{
	struct p_chunk *p = current_check;

	if (append->error)
		kapi_fail("an append returned %d", append->error);
	p->written = true;
	wake_up(&p->stack.store.changed);
}

static void put(struct p_chunk *p)
{
	struct shard_store *store = &p->stack.store;
	struct p_frame *f = &p->frames[p->nr_frames];
	u32 room = shard_extents_room(store->ex, SHARDBLK_STREAM_HOST), i;
	u64 stamps[P_EXTENT_BLOCKS];
	const char *why;
	u64 block;

	if (room < 2) {
		stack_open(&p->stack, SHARDBLK_STREAM_HOST);
		room = P_EXTENT_BLOCKS;
	}
	memset(f, 0, sizeof(*f));
	shard_frame_begin(p->frame, SHARDBLK_STREAM_HOST);
	for (i = draw(P_ADDS_MAX) + 1; i && add(p, room - 1, stamps); i--)
		;
	if (!f->nr_entries)
		return;
	f->seq = p->seq + 1;
	p->seq += f->nr_entries;
	if (!shard_frame_place(store, p->frame, f->seq))
		kapi_fail("no place for a frame");
	f->place = p->frame->place;
	block = (u64)f->place.extent * P_EXTENT_BLOCKS + f->place.block;
	why = m_chunk_put(&p->m, block, f->place.generation, 1, &f->seq);
	if (!why)
		why = m_chunk_put(&p->m, block + 1, f->place.generation,
				  f->nr_blocks, stamps);
	if (why)
		kapi_fail("O1: %s", why);
	shard_frame_seal(store, p->frame, f->seq - 1);
	p->frame->append.done = frame_written;
	p->written = false;
	shard_frame_append(store, p->frame, SHARD_QUEUE_HOST);
	wait_event(store->changed, p->written);
	p->nr_frames++;
}

static int decode(struct p_chunk *p, const struct shard_place *place)
{
	return shard_frame_decode(p->data, p->stack.store.block_size,
				  p->stack.store.seed, place, &p->header);
}

static void get(struct p_chunk *p, const struct p_frame *f)
{
	const struct shard_store *store = &p->stack.store;
	u64 block = (u64)f->place.extent * P_EXTENT_BLOCKS + f->place.block;
	u32 size = store->block_size, rotten, i;
	struct shard_place other = f->place;

	if (shard_writeback_read_wait(store->wb, block * size, p->data,
				      (f->nr_blocks + 1) * size))
		kapi_fail("a frame cannot be read");
	if (decode(p, &f->place) || p->header.seq != f->seq ||
	    p->header.durable_seq != f->seq - 1 ||
	    p->header.nr_entries != f->nr_entries ||
	    p->header.nr_blocks != f->nr_blocks)
		kapi_fail("a header is not what it was");
	for (i = 0; i < f->nr_entries; i++)
		if (p->header.entries[i].lba != f->entries[i].lba ||
		    p->header.entries[i].nr_blocks != f->entries[i].nr_blocks ||
		    p->header.entries[i].kind != f->entries[i].kind)
			kapi_fail("entry %u is not what it was", i);
	for (i = 0; i < f->nr_blocks; i++) {
		const u8 *at = p->data + (size_t)(i + 1) * size;

		if (content_stamp(at, size) != p->m.at[block + 1 + i].stamp)
			kapi_fail("payload block %u is not what it was", i);
		if (p->header.csums[i] != crc32c(store->seed, at, size))
			kapi_fail("payload block %u: checksum", i);
	}
	/* O13 */
	other.generation += 1 + draw(3);
	if (!decode(p, &other))
		kapi_fail("O13: a frame passes for one of another life");
	other = f->place;
	other.block++;
	if (!decode(p, &other))
		kapi_fail("O13: a frame passes for one of another place");
	rotten = draw(sizeof(struct shardblk_frame));
	p->data[rotten] ^= 1 << draw(8);
	if (!decode(p, &f->place))
		kapi_fail("O13: a rotten header passes");
}

void check_chunk(struct world *w)
{
	u32 size = draw(4) ? SECTOR_SIZE : SZ_4K, i;
	static struct p_chunk p;

	p.nr_frames = 0;
	p.serial = 0;
	p.seq = 0;
	memset(&p.m, 0, sizeof(p.m));
	current_check = &p;
	stack_begin(&p.stack, w, size, P_EXTENT_BLOCKS, P_EXTENTS);
	p.frame = shard_frame_create(&p.stack.store, p.stack.store.frame_blocks);
	for (i = 0; i < P_FRAMES; i++) {
		world_draw(2, SIM_CHOOSE_STEP);
		put(&p);
	}
	for (i = 0; i < p.nr_frames; i++)
		get(&p, &p.frames[i]);
	shard_frame_destroy(p.frame);
	stack_end(&p.stack);
	w->nr_done = P_FRAMES;
}
