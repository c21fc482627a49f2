/* SPDX-License-Identifier: (GPL-2.0-only WITH Linux-syscall-note) OR BSD-3-Clause */
/*
 * shardblk: the on-disk format
 *
 * DOC: on-disk format
 *
 * The backing device is cut into extents of equal, power-of-two size.  Every
 * extent is append-only: it is written from its first block on and rewinds
 * only by a reset, which gives it a new generation.  All integers are
 * little-endian.  docs/FORMAT.md holds the same layouts as tables, and the
 * style checks compare the two.
 *
 * Four kinds of record exist:
 *
 *  superblock  one block; the whole root of the device.  Written in two
 *              copies into the first four extents: copy 0 into extents 0 and
 *              2, copy 1 into extents 1 and 3.  Only the first
 *              SHARDBLK_SUPER_BLOCKS blocks of such an extent are used.  The
 *              highest valid number wins, wherever it lies.
 *  frame       one append to any other extent: a header block, then payload
 *              blocks.  The header says what each payload block is and holds
 *              its checksum.
 *  manifest    payload of frames; the list of runs, of their chunks, and of
 *              every extent that was ever assigned.  Two copies, each a chain
 *              of pieces of which the superblock record names the last.
 *  run page    payload of frames; a page of an immutable sorted part of the
 *              index.  The pages of one run form a static B+ tree.
 *
 * Checksums are CRC32C (Castagnoli, without final inversion), started from
 * the CRC32C of the 16 bytes of the format id, itself started from ~0.  So a
 * record or block of another format of the same device is never accepted.
 */
#ifndef _UAPI_SHARDBLK_FORMAT_H
#define _UAPI_SHARDBLK_FORMAT_H

#include <linux/types.h>

#define SHARDBLK_FORMAT_VERSION		4

#define SHARDBLK_SUPER_MAGIC		0x42534453u	/* "SDSB" */
#define SHARDBLK_FRAME_MAGIC		0x52464453u	/* "SDFR" */
#define SHARDBLK_MANIFEST_MAGIC		0x414d4453u	/* "SDMA" */
#define SHARDBLK_RUN_MAGIC		0x4e524453u	/* "SDRN" */

#define SHARDBLK_BLOCK_SIZE_MIN		512u
#define SHARDBLK_BLOCK_SIZE_MAX		4096u
#define SHARDBLK_EXTENT_BYTES_MAX	0x10000000u

/* Extents that hold superblock records: copy c lies in extents c and c + 2. */
#define SHARDBLK_SUPER_EXTENTS		4u
#define SHARDBLK_SUPER_COPIES		2u
#define SHARDBLK_SUPER_BLOCKS		64u
#define SHARDBLK_MANIFEST_COPIES	2u

#define SHARDBLK_FRAME_PAYLOAD_MAX	255u	/* payload blocks of a frame */
/* Blocks of a device, which may be larger than what it lies on. */
#define SHARDBLK_LOGICAL_BLOCKS_MAX	0x1000000000000ull

/* The end of a log extent that may still have been growing. */
#define SHARDBLK_END_OPEN		0xffffffffu

/* Feature words: unknown bits of the first are ignored, of the second force
 * read-only, of the third refuse the device.
 */
#define SHARDBLK_COMPAT_KNOWN		0u
#define SHARDBLK_RO_COMPAT_KNOWN	0u
#define SHARDBLK_INCOMPAT_KNOWN		0u

/* What an append position is for. */
enum shardblk_stream {
	SHARDBLK_STREAM_HOST	= 0,	/* requests: data and discards */
	SHARDBLK_STREAM_RELOC0	= 1,	/* data that was moved once */
	SHARDBLK_STREAM_RELOC1	= 2,	/* data that was moved twice */
	SHARDBLK_STREAM_RELOC2	= 3,	/* data that was moved more often */
	SHARDBLK_STREAM_MERGE	= 4,	/* pages of runs that merges made */
	SHARDBLK_STREAM_INDEX	= 5,	/* pages of runs that checkpoints made */
	SHARDBLK_STREAM_META0	= 6,	/* manifest, copy 0 */
	SHARDBLK_STREAM_META1	= 7,	/* manifest, copy 1 */
	SHARDBLK_STREAM_SUPER	= 8,	/* superblock records */
};

/* Streams of moved data at most; the last that there is takes what comes after. */
#define SHARDBLK_RELOC_STREAMS		3

/**
 * struct shardblk_header - how every record begins
 * @csum:	checksum of all behind it
 * @magic:	which kind of record
 * @version:	SHARDBLK_FORMAT_VERSION
 * @reserved:	zero
 * @len:	bytes of the record, from its first one, that mean anything
 */
struct shardblk_header {
	__le32 csum;
	__le32 magic;
	__le16 version;
	__le16 reserved;
	__le32 len;
};

/**
 * struct shardblk_place - where a record lies, so that it proves its place
 * @extent:	extent number
 * @generation:	generation of that extent
 * @block:	block within the extent
 * @reserved:	zero
 */
struct shardblk_place {
	__le32 extent;
	__le32 generation;
	__le32 block;
	__le32 reserved;
};

/**
 * struct shardblk_piece - points to one piece of a manifest
 * @extent:	extent number
 * @generation:	generation of that extent
 * @block:	first payload block within the extent
 * @nr_blocks:	manifest pages in the piece; 0: no piece
 * @csum:	checksum of all bytes of these pages
 */
struct shardblk_piece {
	__le32 extent;
	__le32 generation;
	__le32 block;
	__le32 nr_blocks;
	__le32 csum;
};

/**
 * struct shardblk_super_extent - an extent named by a superblock record
 * @extent:	extent number
 * @generation:	its generation
 * @start:	log extents: block where replay starts, a frame boundary
 * @end:	log extents: block where the log ends, or SHARDBLK_END_OPEN
 */
struct shardblk_super_extent {
	__le32 extent;
	__le32 generation;
	__le32 start;
	__le32 end;
};

/**
 * struct shardblk_super - superblock record, padded with zeros to one block
 * @h:		header
 * @place:	self-location; the generation of superblock extents is 0
 * @format_id:	random, chosen by format; seeds every checksum
 * @uuid:	identity of the device
 * @compat:	feature word
 * @ro_compat:	feature word
 * @incompat:	feature word
 * @block_size:	bytes
 * @extent_blocks: blocks in an extent
 * @nr_extents:	extents on the backing device
 * @logical_blocks: size of the device in blocks
 * @number:	orders records
 * @checkpoint_seq: last sequence number whose effect is in the runs
 * @durable_seq: every sequence number up to this one is known to be durable
 * @manifest:	last piece of each copy of the manifest; none before the first
 * @checkpoint_blocks: log blocks between checkpoints
 * @spare_permille: spare space that was asked for at format
 * @nr_log:	log extents, the first entries of @extents, in order of numbers
 * @nr_assigned: further extents assigned since the manifest was written
 * @reloc_streams: streams of moved data, 1 to SHARDBLK_RELOC_STREAMS
 * @reserved:	zero
 * @extents:	@nr_log + @nr_assigned entries
 */
struct shardblk_super {
	struct shardblk_header h;
	struct shardblk_place place;
	__u8 format_id[16];
	__u8 uuid[16];
	__le32 compat;
	__le32 ro_compat;
	__le32 incompat;
	__le32 block_size;
	__le32 extent_blocks;
	__le32 nr_extents;
	__le64 logical_blocks;
	__le64 number;
	__le64 checkpoint_seq;
	__le64 durable_seq;
	struct shardblk_piece manifest[SHARDBLK_MANIFEST_COPIES];
	__le32 checkpoint_blocks;
	__le32 spare_permille;
	__le16 nr_log;
	__le16 nr_assigned;
	__u8 reloc_streams;
	__u8 reserved[19];
	struct shardblk_super_extent extents[];
};

/* What an entry of a frame header describes. */
enum shardblk_entry_kind {
	SHARDBLK_ENTRY_WRITE	= 1,	/* payload: data of a host request */
	SHARDBLK_ENTRY_DISCARD	= 2,	/* no payload: blocks become holes */
	SHARDBLK_ENTRY_RUN	= 3,	/* payload: pages of a run */
	SHARDBLK_ENTRY_MANIFEST	= 4,	/* payload: pages of a manifest */
	SHARDBLK_ENTRY_RELOC	= 5,	/* payload: data that was moved */
};

/**
 * struct shardblk_frame_entry - one chunk of a frame
 * @lba:	first logical block; run: id of the run; manifest: its number
 * @nr_blocks:	blocks; those of all but discards lie in the payload, in order
 * @kind:	enum shardblk_entry_kind
 * @reserved:	zero
 */
struct shardblk_frame_entry {
	__le64 lba;
	__le32 nr_blocks;
	__u8 kind;
	__u8 reserved[3];
};

/**
 * struct shardblk_frame - frame header, padded with zeros to one block
 * @h:		header; the length covers entries and checksums
 * @place:	self-location of the header block
 * @seq:	host: sequence number of the first entry, the others follow;
 *		else 0
 * @durable_seq: every host number up to this one was durable at sealing
 * @nr_entries:	entries
 * @nr_blocks:	payload blocks that follow the header block
 * @stream:	enum shardblk_stream
 * @reserved:	zero
 * @entries:	the chunks; behind them @nr_blocks checksums, __le32 each, one
 *		per payload block
 */
struct shardblk_frame {
	struct shardblk_header h;
	struct shardblk_place place;
	__le64 seq;
	__le64 durable_seq;
	__le16 nr_entries;
	__le16 nr_blocks;
	__u8 stream;
	__u8 reserved[11];
	struct shardblk_frame_entry entries[];
};

/* Items of a manifest page. */
enum shardblk_item_kind {
	SHARDBLK_ITEM_EXTENT	= 1,
	SHARDBLK_ITEM_RUN	= 2,
	SHARDBLK_ITEM_CHUNK	= 3,
};

/* It could not be written or reset, and is not to be assigned again. */
#define SHARDBLK_EXTENT_BAD	0x1

/**
 * struct shardblk_item_extent - an extent that was assigned at least once
 * @kind:	SHARDBLK_ITEM_EXTENT
 * @stream:	what it was last assigned to
 * @flags:	SHARDBLK_EXTENT_BAD or 0
 * @reserved:	zero
 * @extent:	extent number
 * @generation:	highest generation assigned so far
 * @written:	blocks written when the manifest was
 * @live:	data: blocks that look-ups in the runs lead to; index: pages of
 *		the runs
 * @reserved2:	zero
 * @seq:	data: last sequence number of the host when it was last appended
 *		to
 */
struct shardblk_item_extent {
	__u8 kind;
	__u8 stream;
	__u8 flags;
	__u8 reserved;
	__le32 extent;
	__le32 generation;
	__le32 written;
	__le32 live;
	__u8 reserved2[4];
	__le64 seq;
};

/**
 * struct shardblk_item_run - a run, newest first; its chunks follow
 * @kind:	SHARDBLK_ITEM_RUN
 * @height:	levels of the tree, 1 when the root is a leaf
 * @stream:	whose extents its pages lie in
 * @reserved:	zero
 * @nr_pages:	pages; the root is the last
 * @run_id:	never used twice in a format
 * @nr_entries:	entries in the leaves
 * @nr_chunks:	chunk items that follow
 * @root_csum:	checksum field of the root page
 */
struct shardblk_item_run {
	__u8 kind;
	__u8 height;
	__u8 stream;
	__u8 reserved;
	__le32 nr_pages;
	__le64 run_id;
	__le64 nr_entries;
	__le32 nr_chunks;
	__le32 root_csum;
};

/**
 * struct shardblk_item_chunk - consecutive pages of the run before it
 * @kind:	SHARDBLK_ITEM_CHUNK
 * @reserved:	zero
 * @extent:	extent number
 * @generation:	generation of that extent
 * @block:	first block within the extent
 * @nr_blocks:	pages
 * @reserved2:	zero
 */
struct shardblk_item_chunk {
	__u8 kind;
	__u8 reserved[3];
	__le32 extent;
	__le32 generation;
	__le32 block;
	__le32 nr_blocks;
	__u8 reserved2[12];
};

/**
 * struct shardblk_manifest - page of a manifest, padded with zeros
 * @h:		header; the length covers the items
 * @place:	self-location
 * @number:	number of the superblock record that this manifest was made for
 *		or a higher one
 * @checkpoint_seq: last sequence number whose effect is in the runs
 * @page:	page number within the manifest
 * @nr_items:	items, 32 bytes each
 * @copy:	0 or 1
 * @reserved:	zero
 * @prev:	first page of a piece: the piece before; else zeros
 * @reserved2:	zero
 */
struct shardblk_manifest {
	struct shardblk_header h;
	struct shardblk_place place;
	__le64 number;
	__le64 checkpoint_seq;
	__le32 page;
	__le16 nr_items;
	__u8 copy;
	__u8 reserved;
	struct shardblk_piece prev;
	__u8 reserved2[4];
};

#define SHARDBLK_ITEM_SIZE		32u

/**
 * struct shardblk_leaf_entry - consecutive blocks in a leaf page of a run
 * @lba:	first logical block
 * @extent:	data: extent number; else 0
 * @generation:	data: generation of that extent; else 0
 * @block:	data: first block within the extent; else 0
 * @nr_blocks:	blocks
 *
 * For data, @nr_blocks checksums, __le32 each, follow the entry.  Entries are
 * packed without padding, so @lba may lie on a multiple of 4.  A hole hides
 * what older runs say of its blocks.
 */
struct shardblk_leaf_entry {
	__le64 lba;
	__le32 extent;
	__le32 generation;
	__le32 block;
	__le32 nr_blocks;
};

/* Holes have this extent number. */
#define SHARDBLK_EXTENT_HOLE		0u

/**
 * struct shardblk_inner_entry - a child in an inner page of a run
 * @lba:	first logical block of the child
 * @page:	its page number
 * @csum:	its checksum field
 */
struct shardblk_inner_entry {
	__le64 lba;
	__le32 page;
	__le32 csum;
};

/**
 * struct shardblk_run_page - page of a run, padded with zeros to one block
 * @h:		header; the length covers the entries
 * @run_id:	which run
 * @page:	page number within the run
 * @nr_entries:	entries
 * @level:	0 in leaves
 * @reserved:	zero
 */
struct shardblk_run_page {
	struct shardblk_header h;
	__le64 run_id;
	__le32 page;
	__le16 nr_entries;
	__u8 level;
	__u8 reserved;
};

#endif /* _UAPI_SHARDBLK_FORMAT_H */
