/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Extents: who owns which, and how far each is written.
 *
 *                     record durable,                         full, failed,
 *             picked  reset done        next in its stream    or a start
 *       FREE -------> ASSIGNED ------> READY ------> OPEN ------> SEALED
 *        ^                                                          |
 *        '----------------------------------------------------------+----> BAD
 *           nothing live in it, or all of that moved, by a durable checkpoint,
 *           and no reader left
 *
 * A generation stands for one life from ASSIGNED to FREE, or to BAD: that is
 * where one ends that could not be written or reset.  It is not assigned again
 * until an operator wants it to be tried, which begins with FREE.
 *
 * Each stream has a number of extents of its own: struct shard_layout (O12).
 */
#ifndef SHARD_EXTENT_H
#define SHARD_EXTENT_H

#include "layout.h"

struct shard_extents;
struct shard_refs;

/* Streams that own extents; the superblock's are fixed. */
#define SHARD_STREAMS	((u32)SHARDBLK_STREAM_SUPER)
#define SHARD_RELOC_STREAMS						\
	(BIT(SHARDBLK_STREAM_RELOC0) | BIT(SHARDBLK_STREAM_RELOC1) |	\
	 BIT(SHARDBLK_STREAM_RELOC2))
#define SHARD_DATA_STREAMS						\
	(BIT(SHARDBLK_STREAM_HOST) | SHARD_RELOC_STREAMS)
#define SHARD_META_STREAMS						\
	(BIT(SHARDBLK_STREAM_META0) | BIT(SHARDBLK_STREAM_META1))
#define SHARD_INDEX_STREAMS						\
	(BIT(SHARDBLK_STREAM_INDEX) | BIT(SHARDBLK_STREAM_MERGE))

/* Extents that are looked at without letting others have the lock. */
#define SHARD_EXTENTS_SLICE	1024u

enum shard_extent_state {
	SHARD_EXTENT_FREE,
	SHARD_EXTENT_ASSIGNED,
	SHARD_EXTENT_READY,
	SHARD_EXTENT_OPEN,
	SHARD_EXTENT_SEALED,
	SHARD_EXTENT_BAD,
};

/**
 * struct shard_extent - one extent; all under the lock of struct shard_extents
 * @generation:	the highest that a record has assigned; 0: never assigned
 * @listed:	generation in the manifest of the newest durable record
 * @listing:	the same in the manifest that is being written
 * @written:	write pointer, blocks
 * @filled:	the same, up to which all frames are there: of moved data those
 *		that have been written
 * @live:	blocks that the newest durable root needs: data: that look-ups
 *		in its runs lead to; index: pages of its runs; metadata: pages
 *		of its manifest
 * @counting:	metadata: the same of the manifest that is being written
 * @last_seq:	data: last number of the host when it was appended to; host:
 *		the last one placed in it
 * @log_start:	host, in the log: block where replay starts
 * @log_end:	the same: where the log ends, or SHARDBLK_END_OPEN
 * @settled:	moved data: memtables, counted from the first, of which one knows
 *		all that was moved here; U64_MAX while some is under way
 * @state:	enum shard_extent_state
 * @stream:	whose it is, unless free
 * @in_log:	on the log list
 * @tries:	attempts to evacuate it that failed
 * @evacuating:	it is a victim
 * @evacuated:	it was one: the next root needs nothing in it, or one after that
 * @unpublished: index: a run that is being written, or was given up, lies in it;
 *		moved data: no durable root knows all of it
 * @published:	index: a root had pages in it, so readers may be there
 * @retired:	given up, waiting for readers
 * @bad:	a write or a reset of it failed
 * @node:	in the list of free or ready ones
 * @record_node: in the list of those that a record names
 */
struct shard_extent {
	u32 generation;
	u32 listed;
	u32 listing;
	u32 written;
	u32 filled;
	u32 live;
	u32 counting;
	u64 last_seq;
	u64 settled;
	u32 log_start;
	u32 log_end;
	u8 state;
	u8 stream;
	u8 tries;
	bool evacuating;
	bool evacuated;
	bool in_log;
	bool unpublished;
	bool published;
	bool retired;
	bool bad;
	struct list_head node;
	struct list_head record_node;
};

/** shard_extents_create() - all free, never assigned; may sleep */
struct shard_extents *shard_extents_create(const struct shard_layout *layout);
void shard_extents_destroy(struct shard_extents *ex);
const struct shard_layout *shard_extents_layout(const struct shard_extents *ex);

/** shard_extent_get() - an extent as it is at this instant */
void shard_extent_get(struct shard_extents *ex, u32 nr,
		      struct shard_extent *copy);
/**
 * shard_extents_next_listed() - the first extent from @nr on that the manifest
 *				 lists which is being written
 *
 * Return: its number, or that of extents; @copy is as it is at this instant.
 */
u32 shard_extents_next_listed(struct shard_extents *ex, u32 nr,
			      struct shard_extent *copy);

/**
 * shard_extents_stock() - how many ready extents a stream should have
 * @low:	if there are fewer, a record is written to assign some
 * @high:	and every record fills up to so many
 */
void shard_extents_stock(struct shard_extents *ex, u32 stream, u32 low,
			 u32 high);
/** shard_extents_want() - someone waits for a ready extent, or no longer */
void shard_extents_want(struct shard_extents *ex, u32 stream, bool wanted);
/** shard_extents_for_discard() - let the host stream use the discard reserve */
void shard_extents_for_discard(struct shard_extents *ex);
/**
 * shard_extents_space_is_back() - can the host stream go on without it
 *
 * If so the reserve is whole again, and kept for discards from now on.
 */
bool shard_extents_space_is_back(struct shard_extents *ex);

/**
 * shard_extents_low() - is a stream in need of an extent that it could have
 * @room:	how many the record can name
 */
bool shard_extents_low(struct shard_extents *ex, u32 room);
/**
 * shard_extents_pick() - assign free extents to the streams that want some
 * @room:	how many the record can name
 * @anyway:	a record is written in any case; else only if one is low
 * @picked:	their numbers, room for @max
 *
 * Each takes a generation that no record has assigned before (O5).  They are
 * ASSIGNED, and named by records from now on.
 *
 * Return: how many.
 */
u32 shard_extents_pick(struct shard_extents *ex, u32 room, bool anyway,
		       u32 *picked, u32 max);
/**
 * shard_extents_starved() - has a stream nothing ready, and can get nothing
 *
 * False while retired extents wait for readers.  True for other streams than
 * the host's also if no record has room to name what they would get.
 */
bool shard_extents_starved(struct shard_extents *ex, u32 stream);
/** shard_extent_ready() - record durable and reset done: may be opened */
void shard_extent_ready(struct shard_extents *ex, u32 nr);

/**
 * shard_extents_next() - seal a stream's open extent and open its next
 *
 * Return: false if none is ready; then the open one stays as it is.
 */
bool shard_extents_next(struct shard_extents *ex, u32 stream);
/** shard_extents_room() - blocks left in a stream's open extent, or 0 */
u32 shard_extents_room(struct shard_extents *ex, u32 stream);
/**
 * shard_extents_left() - extents that a stream can still fill
 *
 * Beside its open one, within its share: those ready, those it may get, and
 * those that come back when readers let go of them.
 */
u32 shard_extents_left(struct shard_extents *ex, u32 stream);
/** shard_extents_host_left() - extents that the host stream can still fill */
u32 shard_extents_host_left(struct shard_extents *ex);
/** shard_extents_reloc_left() - extents that moved data can still open */
u32 shard_extents_reloc_left(struct shard_extents *ex);
/**
 * shard_extents_place() - the next @nr_blocks of a stream's open extent
 *
 * They must fit.  The place is the caller's to write, and nobody else's (O1).
 *
 * Return: false if nothing is open: it was sealed after an error.
 */
bool shard_extents_place(struct shard_extents *ex, u32 stream, u32 nr_blocks,
			 u64 last_seq, struct shard_place *place);
/** shard_extents_seal() - after an error: append no more to this one (O1) */
void shard_extents_seal(struct shard_extents *ex, u32 nr);

/**
 * shard_extent_bad() - a write or a reset of an extent failed
 *
 * If it is open it is sealed (O1).  What is live in it can still be read; with
 * nothing live it becomes BAD instead of FREE.  One that is ASSIGNED does so at
 * once.
 */
void shard_extent_bad(struct shard_extents *ex, u32 nr);
/** shard_extent_try() - it is BAD: let it be assigned again */
void shard_extent_try(struct shard_extents *ex, u32 nr);

/**
 * shard_extents_cut() - a frame of the host is to be written again elsewhere
 * @place:	where it lies
 * @last_seq:	the number in front of it
 *
 * Its extent is sealed (O1), and ends in front of it: that end is fixed in the
 * next record, if all up to there is durable by then.
 */
void shard_extents_cut(struct shard_extents *ex,
		       const struct shard_place *place, u64 last_seq);

/**
 * struct shard_log_start - where replay starts
 * @seq:	after this sequence number
 * @place:	which lies in front of this place, a frame boundary; extent 0: in
 *		none.  If that extent has begun another life since, it is not
 *		needed, and this says nothing of its log
 */
struct shard_log_start {
	u64 seq;
	struct shard_place place;
};

/**
 * shard_extents_record() - what a superblock record must name
 * @from:	where replay starts; log extents it does not need are left out
 * @durable_seq: extents whose log ends here or before get a fixed end
 * @relist:	leave out what the manifest being published lists
 * @record:	nr_log, nr_assigned and extents are filled in
 *
 * Return: 0, or -ENOSPC if it does not fit.
 */
int shard_extents_record(struct shard_extents *ex,
			 const struct shard_log_start *from, u64 durable_seq,
			 bool relist, struct shard_super_record *record);
/** shard_extents_named() - entries that the next record needs at most */
u32 shard_extents_named(struct shard_extents *ex);

/**
 * shard_extents_relog() - a record that replays from here is durable
 *
 * With @relist its manifest also lists all that were being listed.
 */
void shard_extents_relog(struct shard_extents *ex,
			 const struct shard_log_start *from, bool relist);

/** shard_extents_tail() - a stream's write pointer; extent 0 if none is open */
void shard_extents_tail(struct shard_extents *ex, u32 stream,
			struct shard_place *place);

/* Pages of the manifest that is being written, counted anew for each. */
void shard_extents_count_begin(struct shard_extents *ex, u32 streams);
void shard_extents_count(struct shard_extents *ex, u32 nr, u32 blocks);

/** shard_extents_list() - list all generations in the manifest being written */
void shard_extents_list(struct shard_extents *ex);

/**
 * shard_extents_retire() - a root is durable
 * @streams:	bit per stream that may be given up
 * @refs:	what it changed, of all streams but the metadata's; or NULL
 * @published:	bit per stream of which all that is written is in this root
 * @covered:	memtables that are in its runs, counted from the first
 * @retired:	numbers of the extents that nothing needs any more
 * @max:	room for so many
 *
 * What is sealed, read by no replay, has nothing live, and holds nothing that is
 * not published yet, is given up (O6, O7).  Readers may still be in there: free
 * it once they are gone.
 *
 * Return: how many.
 */
u32 shard_extents_retire(struct shard_extents *ex, u32 streams,
			 const struct shard_refs *refs, u32 published,
			 u64 covered, u32 *retired, u32 max);
/**
 * shard_extents_abandon() - an attempt at a new root failed
 *
 * What it appended to, and no durable root ever had anything in, is free again:
 * no record needs it, and nobody has seen it.
 */
void shard_extents_abandon(struct shard_extents *ex, u32 streams);
/** shard_extent_free() - readers are gone (O7) */
void shard_extent_free(struct shard_extents *ex, u32 nr);

/* Older is no better; products stay within 64 bits. */
#define SHARD_AGE_MAX		BIT_ULL(40)

/**
 * shard_extent_score() - what it is worth to evacuate an extent
 * @e:		something is live in it
 * @blocks:	of an extent
 * @now:	number to measure ages by
 *
 * Free space gained, and how long it will last, for the writing of what is live.
 */
static inline u64 shard_extent_score(const struct shard_extent *e, u32 blocks,
				     u64 now)
{
	u64 age = min(now - min(now, e->last_seq), SHARD_AGE_MAX) + 1;

	return div_u64(age * (blocks - e->live), e->live);
}

/**
 * shard_extents_victim() - which extent to evacuate
 * @now:	number to measure ages by
 * @live_max:	no extent with more that is live
 * @victim:	a copy of it
 *
 * By cost and benefit (Rosenblum and Ousterhout, 1992): age is the time since it
 * was last appended to, and cost what is written, not also what is read.  Of all,
 * or of some that are drawn where there are too many to look at.
 *
 * No other call finds it until shard_extents_walked().
 *
 * Return: its number; 0: there is none.
 */
u32 shard_extents_victim(struct shard_extents *ex, u64 now, u32 live_max,
			 struct shard_extent *victim);
/**
 * shard_extents_fill() - moved data was written: the index may point there
 * @place:	of its frame
 * @nr_blocks:	of the frame, its header too
 * @now:	last number of the host
 */
void shard_extents_fill(struct shard_extents *ex,
			const struct shard_place *place, u32 nr_blocks, u64 now);
/**
 * shard_extents_settle() - of moved data no more will enter the index
 * @memtables:	how many there have been, all that know some of it included
 */
void shard_extents_settle(struct shard_extents *ex,
			  const struct shard_place *place, u64 memtables);
/* How an attempt to evacuate an extent ended. */
enum shard_walked {
	SHARD_WALKED_ALL,	/* each block was seen dead, or has been moved */
	SHARD_WALKED_FAILED,	/* some block or frame cannot be read or moved */
	SHARD_WALKED_NOT,	/* it was put off */
};

/**
 * shard_extents_walked() - a victim is one no longer
 * @memtables:	how many there have been, all that know what was moved out of it
 *		or has died in it included
 *
 * Return: is it evacuated; false if it was given up meanwhile, too.
 */
bool shard_extents_walked(struct shard_extents *ex, u32 nr, u32 generation,
			  enum shard_walked how, u64 memtables);
/**
 * shard_extents_dead() - blocks to be gained if all is evacuated that can be, or
 *			  is being evacuated
 * @payload:	blocks of data that an extent holds
 */
u64 shard_extents_dead(struct shard_extents *ex, u32 payload);
/** shard_extents_leaving() - evacuated ones that only wait for a checkpoint */
u32 shard_extents_leaving(struct shard_extents *ex);

/*
 * Recovery only.  First the generations, those that the manifest lists and
 * those that the record assigns beside it; then what is not free.
 */
void shard_extent_restore_generation(struct shard_extents *ex, u32 nr,
				     u32 generation, bool listed);
/* Return: false if it is another stream's already: the image is not right. */
bool shard_extent_restore(struct shard_extents *ex, u32 nr, u32 stream,
			  u32 written, u32 live);
void shard_extent_restore_seq(struct shard_extents *ex, u32 nr, u64 last_seq);
/** shard_extent_restore_bad() - so says the manifest */
void shard_extent_restore_bad(struct shard_extents *ex, u32 nr);
/** shard_extents_restored() - last of all: what is bad and not in use is BAD */
void shard_extents_restored(struct shard_extents *ex);
/** shard_extent_restore_log() - append a sealed extent to the log list */
void shard_extent_restore_log(struct shard_extents *ex, u32 nr, u32 start,
			      u32 end, u64 last_seq);

/* For status: extents that are free, bad, and that the host stream has. */
u32 shard_extents_nr_free(struct shard_extents *ex);
u32 shard_extents_nr_bad(struct shard_extents *ex);
u64 shard_extents_live(struct shard_extents *ex);
u32 shard_extents_nr_used(struct shard_extents *ex, u32 stream);

#endif /* SHARD_EXTENT_H */
