/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Chunk store: frames, and the writer that puts chunks of metadata.
 *
 * A frame is built in memory (entries are added, their payload is copied in),
 * then placed and sealed, then appended as one backing write:
 *
 *     begin -> add, add, ... -> seal -> append
 *
 * The host stream handles its frames itself (write.c); a struct shard_writer
 * does so for one background job that may sleep.
 */
#ifndef SHARD_FRAME_H
#define SHARD_FRAME_H

#include "extent.h"
#include "super.h"
#include "writeback.h"

/**
 * struct shard_store - where chunks go to and come from
 * @wb:		writeback
 * @ex:		extents
 * @super:	superblock; NULL while nothing may be written
 * @stats:	counters
 * @seed:	of all checksums
 * @block_size:	bytes
 * @extent_blocks: blocks
 * @frame_blocks: payload blocks of a frame, at most
 * @cache_pages: of the index's page cache
 * @reserve:	frames for writers; NULL: they allocate their own
 * @changed:	woken when extents become ready or free, or all ends
 * @dead:	nothing can be written any more
 */
struct shard_store {
	struct shard_writeback *wb;
	struct shard_extents *ex;
	struct shard_super *super;
	struct shard_stats *stats;
	u32 seed;
	u32 block_size;
	u32 extent_blocks;
	u32 frame_blocks;
	u32 cache_pages;
	struct shard_reserve *reserve;
	wait_queue_head_t changed;
	bool dead;
};

/** shard_store_offset() - bytes from the start of the backing device */
static inline u64 shard_store_offset(const struct shard_store *store,
				     u32 extent, u32 block)
{
	return ((u64)extent * store->extent_blocks + block) *
	       store->block_size;
}

/**
 * shard_store_next_extent() - open the next extent of a stream
 *
 * Waits for one to be assigned; may sleep.
 *
 * Return: 0; -ENOSPC: there is none, nor will be without a checkpoint; -EIO.
 */
int shard_store_next_extent(struct shard_store *store, u32 stream);

/**
 * struct shard_frame - one append in the making
 * @header:	what the header block will say
 * @place:	of the header block, once placed
 * @buffer:	header block and payload
 * @append:	for writeback
 */
struct shard_frame {
	struct shard_frame_header header;
	struct shard_place place;
	void *buffer;
	struct shard_append append;
};

/** shard_frame_create() - for @nr_blocks payload blocks; may sleep; or NULL */
struct shard_frame *shard_frame_create(const struct shard_store *store,
				       u32 nr_blocks);
void shard_frame_destroy(struct shard_frame *frame);

/** shard_frame_begin() - empty it */
void shard_frame_begin(struct shard_frame *frame, u32 stream);

/**
 * shard_frame_add() - add a chunk
 * @room:	payload blocks that the frame may have in all
 *
 * Return: index of its first payload block, or -1 if it does not fit.
 */
int shard_frame_add(const struct shard_store *store, struct shard_frame *frame,
		    u32 room, u8 kind, u64 lba, u32 nr_blocks);

/** shard_frame_block() - where a payload block lies in memory */
void *shard_frame_block(const struct shard_store *store,
			struct shard_frame *frame, u32 idx);

/**
 * shard_frame_copy() - copy payload in and take its checksums, in one pass
 * @segs:	memory, @nr_blocks blocks in all; may change meanwhile, what is
 *		checksummed is the copy
 */
void shard_frame_copy(const struct shard_store *store,
		      struct shard_frame *frame, u32 idx,
		      const struct shard_seg *segs, u32 nr_blocks);

/**
 * shard_frame_place() - take the place at its stream's write pointer
 * @seq:	host: number of the first entry; else 0
 *
 * The open extent must have room (payload blocks and one).  Return: false if
 * it was sealed after an error.
 */
bool shard_frame_place(const struct shard_store *store,
		       struct shard_frame *frame, u64 seq);

/** shard_frame_seal() - make the header block; payload is complete */
void shard_frame_seal(const struct shard_store *store,
		      struct shard_frame *frame, u64 durable_seq);

/** shard_stream_lane() - which of its queue's streams it is */
static inline u8 shard_stream_lane(u32 stream)
{
	return BIT(stream) & SHARD_RELOC_STREAMS ?
	       stream - SHARDBLK_STREAM_RELOC0 : 0;
}

/** shard_frame_append() - give it to writeback; ->append.done is set */
void shard_frame_append(const struct shard_store *store,
			struct shard_frame *frame, enum shard_queue queue);

/** shard_writer_blocks() - payload blocks of a frame of a writer */
static inline u32 shard_writer_blocks(const struct shard_store *store)
{
	return min(store->frame_blocks, SHARD_WRITER_BLOCKS);
}

/* Frames that a writer keeps in flight. */
#define SHARD_WRITER_FRAMES	2

/* Writers at a time: a checkpoint's run, a merge's, and a manifest. */
#define SHARD_WRITERS		3

/**
 * struct shard_reserve - frames for all writers, made when a device is opened
 *
 * So jobs that others wait for need no large pieces of memory.
 */
struct shard_reserve {
	spinlock_t lock;			/* of both */
	u32 nr;
	struct shard_frame *frames[SHARD_WRITERS * SHARD_WRITER_FRAMES];
};

/** shard_reserve_create() - for a store; may sleep; NULL without memory */
struct shard_reserve *shard_reserve_create(const struct shard_store *store);
/** shard_reserve_destroy() - all frames have been given back */
void shard_reserve_destroy(struct shard_reserve *reserve);

struct shard_writer;

/* A frame of a writer. */
struct shard_writer_frame {
	struct shard_frame *frame;
	bool busy;
};

/**
 * struct shard_writer - puts pages of one kind, one after the other
 *
 * Used by one job at a time, which may sleep in each call.  After an error
 * what was written so far is garbage in a sealed extent, found by nobody.
 */
struct shard_writer {
	struct shard_store *store;
	u32 stream;
	u8 kind;
	u64 id;
	struct shard_dep *dep;
	struct shard_writer_frame frames[SHARD_WRITER_FRAMES];
	struct shard_writer_frame *open;	/* being filled */
	u32 room;				/* payload blocks it may have */
	spinlock_t lock;			/* of busy and error */
	int error;
	wait_queue_head_t idle;
};

/**
 * shard_writer_begin() - set up
 * @id:		for the entries: run id, or number of the manifest
 * @dep:	all that is written is added to it
 * @blocks:	payload expected; what fits into one extent is not split
 *
 * After an error, too, shard_writer_end() must be called.
 *
 * Return: 0, -ENOSPC, -EIO.
 */
int shard_writer_begin(struct shard_writer *w, struct shard_store *store,
		       u32 stream, u8 kind, u64 id, struct shard_dep *dep,
		       u64 blocks);

/**
 * shard_writer_page() - get the next page to fill
 * @place:	where it will lie
 * @page:	its memory, block size bytes
 */
int shard_writer_page(struct shard_writer *w, struct shard_place *place,
		      void **page);
/** shard_writer_page_done() - it is filled */
int shard_writer_page_done(struct shard_writer *w);
/** shard_writer_flush() - append what is gathered */
int shard_writer_flush(struct shard_writer *w);
/** shard_writer_end() - wait until all is written.  Return: the first error. */
int shard_writer_end(struct shard_writer *w);

#endif /* SHARD_FRAME_H */
