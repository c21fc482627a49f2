/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Codec: every record on disk, to and from memory.  Nothing else in the engine
 * reads or writes __le words.
 *
 * Decoders are total: any bytes give a result or an error.  The error is
 *
 *  -ENODATA     nothing of this kind is there (the magic is not)
 *  -EBADMSG     something is there but it is not right: checksum, place, bounds
 *  -EOPNOTSUPP  it is right but of a version or with features not known
 */
#ifndef SHARD_CODEC_H
#define SHARD_CODEC_H

#include "kapi.h"
#include "../../uapi/shardblk_format.h"

/* Entries of the widest frame header, extents of the widest superblock. */
#define SHARD_FRAME_ENTRIES_MAX						\
	((SHARDBLK_BLOCK_SIZE_MAX - sizeof(struct shardblk_frame)) /	\
	 sizeof(struct shardblk_frame_entry))
#define SHARD_SUPER_EXTENTS_MAX						\
	((SHARDBLK_BLOCK_SIZE_MAX - sizeof(struct shardblk_super)) /	\
	 sizeof(struct shardblk_super_extent))

/* A block of an extent's generation. */
struct shard_place {
	u32 extent;
	u32 generation;
	u32 block;
};

/* A piece of the manifest; nr_blocks is 0 where there is none. */
struct shard_piece {
	struct shard_place place;
	u32 nr_blocks;
	u32 csum;
};

/* An extent as a superblock record names it. */
struct shard_super_extent {
	u32 extent;
	u32 generation;
	u32 start;
	u32 end;
};

/* struct shardblk_super in memory */
struct shard_super_record {
	u8 format_id[16];
	u8 uuid[16];
	u32 compat;
	u32 ro_compat;
	u32 incompat;
	u32 block_size;
	u32 extent_blocks;
	u32 nr_extents;
	u64 logical_blocks;
	u64 number;
	u64 checkpoint_seq;
	u64 durable_seq;
	struct shard_piece manifest[SHARDBLK_MANIFEST_COPIES];
	u32 checkpoint_blocks;
	u32 spare_permille;
	u16 nr_log;
	u16 nr_assigned;
	struct shard_super_extent extents[SHARD_SUPER_EXTENTS_MAX];
};

/* struct shardblk_frame_entry in memory */
struct shard_frame_entry {
	u64 lba;
	u32 nr_blocks;
	u8 kind;
};

/* struct shardblk_frame in memory */
struct shard_frame_header {
	u64 seq;
	u64 durable_seq;
	u16 nr_entries;
	u16 nr_blocks;
	u8 stream;
	struct shard_frame_entry entries[SHARD_FRAME_ENTRIES_MAX];
	u32 csums[SHARDBLK_FRAME_PAYLOAD_MAX];
};

/* An item of a manifest page. */
struct shard_item {
	u8 kind;			/* enum shardblk_item_kind */
	union {
		struct {
			u8 stream;
			u32 extent;
			u32 generation;
			u32 written;
			u32 live;
		} extent;
		struct {
			u8 height;
			u32 nr_pages;
			u64 run_id;
			u64 nr_entries;
			u32 nr_chunks;
			u32 root_csum;
		} run;
		struct {
			struct shard_place place;
			u32 nr_blocks;
		} chunk;
	};
};

/* struct shardblk_manifest in memory, without its items */
struct shard_manifest_header {
	u64 number;
	u64 checkpoint_seq;
	u32 page;
	u16 nr_items;
	u8 copy;
	struct shard_piece prev;
};

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

/** shard_seed() - what every checksum of a format starts from */
u32 shard_seed(const u8 format_id[16]);

/* How many fit into a block. */
u32 shard_super_extents_max(u32 block_size);
u32 shard_items_max(u32 block_size);
u32 shard_inner_entries_max(u32 block_size);
u32 shard_leaf_singles_max(u32 block_size);

/* Blocks of the largest write request: its frame header must hold it. */
u32 shard_frame_request_max(u32 block_size);
/* Does a header with these numbers fit? */
bool shard_frame_fits(u32 block_size, u32 nr_entries, u32 nr_blocks);

/**
 * shard_super_encode() - write a record into a block
 * @block:	@record->block_size bytes, overwritten
 */
void shard_super_encode(const struct shard_super_record *record,
			const struct shard_place *place, void *block);

/**
 * shard_super_decode() - read a record
 * @block:	@len bytes; a record's block size must equal @len
 * @place:	where it was read
 */
int shard_super_decode(const void *block, u32 len,
		       const struct shard_place *place,
		       struct shard_super_record *record);
/**
 * shard_super_claims() - the block size of the record that this may be
 * @block:	at least SHARDBLK_BLOCK_SIZE_MIN bytes
 * @number:	the number that it claims to have
 *
 * Return: 0 if it does not even look like one.
 */
u32 shard_super_claims(const void *block, u64 *number);
bool shard_super_valid(const struct shard_super_record *record);

/** shard_frame_encode() - write a frame header into a block, overwritten */
void shard_frame_encode(const struct shard_frame_header *header, u32 seed,
			const struct shard_place *place, void *block,
			u32 block_size);
int shard_frame_decode(const void *block, u32 block_size, u32 seed,
		       const struct shard_place *place,
		       struct shard_frame_header *header);
bool shard_frame_valid(const struct shard_frame_header *header);

/**
 * shard_manifest_encode() - finish a manifest page
 * @block:	holds header->nr_items items, put there by shard_item_encode()
 */
void shard_manifest_encode(const struct shard_manifest_header *header,
			   u32 seed, const struct shard_place *place,
			   void *block, u32 block_size);
int shard_manifest_decode(const void *block, u32 block_size, u32 seed,
			  const struct shard_place *place,
			  struct shard_manifest_header *header);
/* Of a page that was decoded. */
u32 shard_manifest_nr_items(const void *block);
void shard_item_encode(const struct shard_item *item, void *block, u32 idx);
int shard_item_decode(const void *block, u32 idx, struct shard_item *item);

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

#endif /* SHARD_CODEC_H */
