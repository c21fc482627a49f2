/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Images that lie: records are changed and then sealed anew, with all checksums
 * that lead to them, so that only what they say is wrong.
 */
#ifndef KUNIT_FORGE_H
#define KUNIT_FORGE_H

#include "testdev.h"
#include "../kmod/core/codec.h"

/**
 * struct forge - a closed device at work
 * @dev:	it
 * @record:	its newest superblock record, to be changed
 * @at:		where its copies lie, in bytes
 * @seed:	of all checksums
 */
struct forge {
	struct testdev *dev;
	struct shard_super_record *record;
	u64 at[SHARDBLK_SUPER_COPIES];
	u32 seed;
};

/** forge_begin() - find the newest record; ends the test without one */
struct forge *forge_begin(struct testdev *dev);

/** forge_block() - a block on the medium */
void *forge_block(struct forge *f, u32 extent, u32 block);

/** forge_record() - write @f->record, both copies */
void forge_record(struct forge *f);

/** forge_page() - a page of the last piece of a copy of the manifest */
struct shardblk_manifest *forge_page(struct forge *f, u32 copy, u32 page);

/**
 * forge_item() - the item @nth of a kind, from 0
 *
 * Return: SHARDBLK_ITEM_SIZE bytes on the medium, or NULL if there is none.
 */
void *forge_item(struct forge *f, u32 copy, u8 kind, u32 nth);

/** forge_manifest() - seal the last piece of a copy, and the record */
void forge_manifest(struct forge *f, u32 copy);

/** forge_run_page() - the root page of a run whose only chunk this is */
struct shardblk_run_page *forge_run_page(struct forge *f, u32 run);
/** forge_leaf() - seal leaf @page of a run of two levels, in its root, too */
void forge_leaf(struct forge *f, u32 run, u32 page);
/** forge_run_leaf() - that leaf */
struct shardblk_run_page *forge_run_leaf(struct forge *f, u32 run, u32 page);
/** forge_run() - seal the root, and whatever leads there */
void forge_run(struct forge *f, u32 run);

#endif /* KUNIT_FORGE_H */
