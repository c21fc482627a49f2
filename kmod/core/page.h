/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Pages of runs, to and from memory; part of the codec.
 */
#ifndef SHARD_PAGE_H
#define SHARD_PAGE_H

#include "codec.h"

/* A leaf entry; csums points into the page. */
struct shard_leaf_entry {
	u64 lba;
	struct shard_place place;
	u32 nr_blocks;
	bool mapped;			/* else a hole */
	const __le32 *csums;
};

struct shard_inner_entry {
	u64 lba;
	u32 page;
	u32 csum;
};

/* How many fit into a page: single blocks in a leaf, children in another. */
u32 shard_leaf_singles_max(u32 block_size);
u32 shard_inner_entries_max(u32 block_size);

/**
 * struct shard_page_builder - fills one page of a run
 * @block:	the page, all zeros at first
 * @block_size:	its bytes
 * @used:	bytes used so far
 * @nr_entries:	entries so far
 */
struct shard_page_builder {
	void *block;
	u32 block_size;
	u32 used;
	u16 nr_entries;
};

void shard_page_begin(struct shard_page_builder *b, void *block,
		      u32 block_size);
/**
 * shard_page_add_leaf() - add as much of an entry as fits
 * @csums:	one per block, in memory order; NULL for a hole
 *
 * Return: blocks that were added, 0 when the page is full.
 */
u32 shard_page_add_leaf(struct shard_page_builder *b,
			const struct shard_leaf_entry *entry,
			const u32 *csums);
bool shard_page_add_inner(struct shard_page_builder *b,
			  const struct shard_inner_entry *entry);
/** shard_page_end() - finish.  Return: the page's checksum field. */
u32 shard_page_end(struct shard_page_builder *b, u32 seed, u64 run_id,
		   u32 page, u8 level);

/**
 * shard_page_check() - is this the page that its parent says it is
 *
 * Also checks that entries lie within the page and are in order, so that what
 * follows needs no checks of its own.
 */
int shard_page_check(const void *block, u32 block_size, u32 seed, u64 run_id,
		     u32 page, u32 csum);
/** shard_page_proves() - the same, for a page of which no parent is at hand */
int shard_page_proves(const void *block, u32 block_size, u32 seed, u64 run_id,
		      u32 page);
u8 shard_page_level(const void *block);
u32 shard_page_nr_entries(const void *block);

/**
 * shard_page_leaf() - the entry at byte offset *@pos of a checked leaf
 * @pos:	0 at first; moved on to the next entry
 *
 * Return: false at the end.
 */
bool shard_page_leaf(const void *block, u32 *pos,
		     struct shard_leaf_entry *entry);

/* Entries of a leaf from which a search may set out, beside the first one. */
#define SHARD_PAGE_MARKS	7u

/** struct shard_page_marks - where they lie, in bytes; ascending */
struct shard_page_marks {
	u16 pos[SHARD_PAGE_MARKS];
};

/** shard_page_mark() - choose them, in a checked leaf */
void shard_page_mark(const void *block, struct shard_page_marks *marks);
/**
 * shard_page_find() - where the first entry lies that ends behind @lba
 * @marks:	of this leaf
 *
 * Return: for shard_page_leaf(), which finds none there if there is none.
 */
u32 shard_page_find(const void *block, const struct shard_page_marks *marks,
		    u64 lba);
void shard_page_inner(const void *block, u32 idx,
		      struct shard_inner_entry *entry);
/**
 * shard_page_child() - the last child that begins at or before @lba
 * @next:	lowered to where the child after it begins, if there is one
 *
 * If all begin behind @lba it is the first.
 */
void shard_page_child(const void *block, u64 lba,
		      struct shard_inner_entry *entry, u64 *next);

/** shard_leaf_csum() - of the block @idx of an entry that is data */
static inline u32 shard_leaf_csum(const struct shard_leaf_entry *entry, u32 idx)
{
	return le32_to_cpu(entry->csums[idx]);
}

#endif /* SHARD_PAGE_H */
