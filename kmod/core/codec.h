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
	u8 reloc_streams;
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
			bool bad;
			u32 extent;
			u32 generation;
			u32 written;
			u32 live;
			u64 seq;
		} extent;
		struct {
			u8 height;
			u8 stream;
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

/*
 * What all records have in common.  Seal: fill in the header of a record that
 * is complete.  Check: 0, -ENODATA, -EBADMSG; all but the version, which comes
 * last, so that only a record that is right can be one not understood.
 */
void shard_record_seal(struct shardblk_header *h, u32 magic, u32 len, u32 seed);
int shard_record_check(const struct shardblk_header *h, u32 magic, u32 min,
		       u32 max, u32 seed);
int shard_record_version(const struct shardblk_header *h);

/** shard_seed() - what every checksum of a format starts from */
u32 shard_seed(const u8 format_id[16]);

/* How many fit into a block. */
u32 shard_super_extents_max(u32 block_size);
u32 shard_items_max(u32 block_size);

/* Blocks of the largest write request: its frame header must hold it. */
u32 shard_frame_request_max(u32 block_size);
/* Payload blocks of a frame in which each is an entry of its own. */
u32 shard_frame_singles_max(u32 block_size);
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
/**
 * shard_super_damaged() - is a block that should be a record, and is not, damage
 * @block:	as it is
 * @want:	the record, for this place
 *
 * Return: false if it was never written, or only in part, as a power cut may
 * leave it.  What it is meant to be is told by its number or its checksum.  Of
 * a torn record each sector is as it should be or as it was: zeros are taken
 * for that, and anything else for damage.
 */
bool shard_super_damaged(const void *block, const void *want, u32 len);
bool shard_super_valid(const struct shard_super_record *record);
/**
 * shard_super_lasts() - are there numbers left for a device that writes
 *
 * Half of those that are believed: a device that was written to so long is none,
 * and what it gave next would not be read back.
 */
bool shard_super_lasts(const struct shard_super_record *record);
/** shard_super_copy() - a valid one, without the room that it does not use */
void shard_super_copy(struct shard_super_record *to,
		      const struct shard_super_record *from);

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

#endif /* SHARD_CODEC_H */
