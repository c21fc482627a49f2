// SPDX-License-Identifier: GPL-2.0-only
/*
 * Images that lie; see forge.h.
 */
#include <kunit/test.h>

#include "forge.h"

void *forge_block(struct forge *f, u32 extent, u32 block)
{
	u64 extent_size = (u64)f->record->extent_blocks * f->record->block_size;

	return f->dev->fake->media + extent * extent_size +
	       (u64)block * f->record->block_size;
}

/* Takes the newest record of this copy, if it is newer than what is there. */
static void copy_find(struct forge *f, u32 copy,
		      struct shard_super_record *found)
{
	struct shard_place place = { .extent = copy };
	u64 highest = 0, at;

	for (; place.extent < SHARDBLK_SUPER_EXTENTS;
	     place.extent += SHARDBLK_SUPER_COPIES) {
		for (place.block = 0; place.block < TESTDEV_EXTENT_BLOCKS;
		     place.block++) {
			at = ((u64)place.extent * TESTDEV_EXTENT_BLOCKS +
			      place.block) * TESTDEV_BLOCK;
			if (shard_super_decode(f->dev->fake->media + at,
					       TESTDEV_BLOCK, &place, found) ||
			    found->number < highest)
				continue;
			highest = found->number;
			f->at[copy] = at;
			if (highest >= f->record->number)
				*f->record = *found;
		}
	}
}

struct forge *forge_begin(struct testdev *dev)
{
	struct kunit *test = dev->test;
	struct forge *f = kunit_kzalloc(test, sizeof(*f), GFP_KERNEL);
	struct shard_super_record *found = kunit_kzalloc(test, sizeof(*found),
							 GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, f);
	KUNIT_ASSERT_NOT_NULL(test, found);
	f->dev = dev;
	f->record = kunit_kzalloc(test, sizeof(*f->record), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, f->record);
	copy_find(f, 0, found);
	copy_find(f, 1, found);
	KUNIT_ASSERT_NE(test, f->record->number, 0ull);
	f->seed = shard_seed(f->record->format_id);
	return f;
}

void forge_record(struct forge *f)
{
	u32 copy;

	for (copy = 0; copy < SHARDBLK_SUPER_COPIES; copy++) {
		u32 block = (u32)f->at[copy] / TESTDEV_BLOCK;
		struct shard_place place = {
			.extent = block / TESTDEV_EXTENT_BLOCKS,
			.block = block % TESTDEV_EXTENT_BLOCKS,
		};

		shard_super_encode(f->record, &place,
				   f->dev->fake->media + f->at[copy]);
	}
}

struct shardblk_manifest *forge_page(struct forge *f, u32 copy, u32 page)
{
	const struct shard_place *at = &f->record->manifest[copy].place;

	return forge_block(f, at->extent, at->block + page);
}

void *forge_item(struct forge *f, u32 copy, u8 kind, u32 nth)
{
	struct shardblk_manifest *d;
	u32 page, i;
	u8 *item;

	for (page = 0; page < f->record->manifest[copy].nr_blocks; page++) {
		d = forge_page(f, copy, page);
		for (i = 0; i < le16_to_cpu(d->nr_items); i++) {
			item = (u8 *)(d + 1) + i * SHARDBLK_ITEM_SIZE;
			if (*item == kind && !nth--)
				return item;
		}
	}
	return NULL;
}

void forge_manifest(struct forge *f, u32 copy)
{
	struct shard_piece *piece = &f->record->manifest[copy];
	struct shardblk_manifest *d;
	u32 page;

	piece->csum = f->seed;
	for (page = 0; page < piece->nr_blocks; page++) {
		d = forge_page(f, copy, page);
		shard_record_seal(&d->h, le32_to_cpu(d->h.magic),
				  le32_to_cpu(d->h.len), f->seed);
		piece->csum = crc32c(piece->csum, d, f->record->block_size);
	}
	forge_record(f);
}

struct shardblk_run_page *forge_run_page(struct forge *f, u32 run)
{
	const struct shardblk_item_chunk *c =
		forge_item(f, 0, SHARDBLK_ITEM_CHUNK, run);

	KUNIT_ASSERT_NOT_NULL(f->dev->test, c);
	return forge_block(f, le32_to_cpu(c->extent),
			   le32_to_cpu(c->block) + le32_to_cpu(c->nr_blocks) - 1);
}

struct shardblk_run_page *forge_run_leaf(struct forge *f, u32 run, u32 page)
{
	struct shardblk_run_page *root = forge_run_page(f, run);

	return (void *)((u8 *)root - (le32_to_cpu(root->page) - page) *
			f->record->block_size);
}

void forge_leaf(struct forge *f, u32 run, u32 page)
{
	struct shardblk_run_page *leaf = forge_run_leaf(f, run, page);
	struct shardblk_inner_entry *e = (void *)(forge_run_page(f, run) + 1);

	shard_record_seal(&leaf->h, SHARDBLK_RUN_MAGIC,
			  le32_to_cpu(leaf->h.len), f->seed);
	while (le32_to_cpu(e->page) != page)
		e++;
	e->csum = leaf->h.csum;
	forge_run(f, run);
}

void forge_run(struct forge *f, u32 run)
{
	struct shardblk_run_page *page = forge_run_page(f, run);
	struct shardblk_item_run *item;
	u32 copy;

	shard_record_seal(&page->h, SHARDBLK_RUN_MAGIC,
			  le32_to_cpu(page->h.len), f->seed);
	for (copy = 0; copy < SHARDBLK_MANIFEST_COPIES; copy++) {
		item = forge_item(f, copy, SHARDBLK_ITEM_RUN, run);
		KUNIT_ASSERT_NOT_NULL(f->dev->test, item);
		item->root_csum = page->h.csum;
		forge_manifest(f, copy);
	}
}
