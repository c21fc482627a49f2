/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Superblock: the log of records, each the whole root of the device.
 *
 * One writer, a work item, makes all records: whoever wants one (an extent
 * assigned, a checkpoint published) leaves a wish and the next record carries
 * all of them.  A record goes out in two copies, the second after the first is
 * durable, and nothing acts on it before both are (O10).
 */
#ifndef SHARD_SUPER_H
#define SHARD_SUPER_H

#include "extent.h"
#include "writeback.h"

struct shard_super;

/**
 * struct shard_super_head - where the next record of a copy goes
 * @extent:	copy or copy + 2
 * @next:	block; SHARDBLK_SUPER_BLOCKS or the extent's end: to the other
 */
struct shard_super_head {
	u32 extent;
	u32 next;
};

/**
 * struct shard_super_at - where a copy of a record lies
 * @number:	of the record; 0: there is none
 * @place:	the generation is of no account
 */
struct shard_super_at {
	u64 number;
	struct shard_place place;
};

/**
 * struct shard_super_ops - whom to tell; called from the writer, may not sleep
 * @assigned:	extents became ready
 * @failed:	no record can be written any more
 */
struct shard_super_ops {
	void (*assigned)(void *ctx);
	void (*failed)(void *ctx, int error);
};

/**
 * struct shard_publish - a wish for a record
 * @after:	what must be durable before it is issued (O4), or NULL
 * @root:	the next two fields hold a new root; else only a record is wanted
 * @from:	where replay starts
 * @manifest:	last piece of each copy
 * @node:	the writer's
 * @done:	the writer's
 * @error:	result
 */
struct shard_publish {
	struct shard_dep *after;
	bool root;
	struct shard_log_start from;
	struct shard_piece manifest[SHARDBLK_MANIFEST_COPIES];
	struct list_head node;
	struct completion done;
	int error;
};

/**
 * shard_super_create() - take over the superblock of a device
 * @record:	the newest record, or what format wants as the one before the
 *		first; copied
 * @heads:	where to go on, per copy; copied
 *
 * May sleep.  Return: NULL when there is no memory.
 */
struct shard_super *
shard_super_create(struct shard_writeback *wb, struct shard_extents *ex,
		   struct shard_stats *stats,
		   const struct shard_super_record *record,
		   const struct shard_super_head heads[SHARDBLK_SUPER_COPIES],
		   const struct shard_super_ops *ops, void *ctx);

/** shard_super_destroy() - waits for the writer; may sleep */
void shard_super_destroy(struct shard_super *super);

/**
 * shard_super_publish() - write a record and wait until it is durable
 *
 * May sleep.  Return: 0, or the error; after one the superblock is unwritable.
 */
int shard_super_publish(struct shard_super *super, struct shard_publish *pub);

/**
 * shard_super_wipe() - overwrite the records of a superblock extent
 * @zeros:	@len bytes, all that records use of it
 *
 * Only by a start, before anyone else writes records.  May sleep.
 */
int shard_super_wipe(struct shard_super *super, u32 extent, void *zeros,
		     u32 len);

/** shard_super_assign() - see to the extents that streams want; any context */
void shard_super_assign(struct shard_super *super);

/** shard_super_durable() - all host numbers up to @seq are durable; any context */
void shard_super_durable(struct shard_super *super, u64 seq);

/** shard_super_room() - entries that are left in a record */
u32 shard_super_room(struct shard_super *super);

/**
 * shard_super_newest() - where a copy of the newest durable record lies
 *
 * It stays there, and right, until a newer one is durable.
 */
void shard_super_newest(struct shard_super *super, u32 copy,
			struct shard_super_at *at);
/**
 * shard_super_root() - the root that the newest durable record has
 * @record:	its manifest and its checkpoint's number are filled in
 *
 * For whoever keeps all others from publishing one (shard_index_edit_begin()).
 */
void shard_super_root(struct shard_super *super,
		      struct shard_super_record *record);

u64 shard_super_number(struct shard_super *super);
u64 shard_super_checkpoint_seq(struct shard_super *super);

/** shard_super_blocks() - blocks of a superblock extent that are used */
static inline u32 shard_super_blocks(u32 extent_blocks)
{
	return min(extent_blocks, SHARDBLK_SUPER_BLOCKS);
}

#endif /* SHARD_SUPER_H */
