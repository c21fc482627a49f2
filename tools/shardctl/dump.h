/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * shardctl dump: what its sections share.
 *
 * A dump reads records with the engine's codec alone and from the newest
 * superblock record on, without recovery: it also shows what recovery refuses.
 */
#ifndef SHARDCTL_DUMP_H
#define SHARDCTL_DUMP_H

#include "codec.h"
#include "image.h"
#include "output.h"

/**
 * struct dump - one run of the command
 * @image:	from where
 * @output:	to where
 * @newest:	the superblock record with the highest number
 * @super:	room for the one that is being read
 * @frame:	the same
 * @seed:	of checksums
 * @blocks:	room for the payload of a frame
 * @nr_damaged:	records that should be right and are not
 * @private:	of whoever visits
 */
struct dump {
	struct image image;
	struct output output;
	struct shard_super_record newest;
	struct shard_super_record super;
	struct shard_frame_header frame;
	u32 seed;
	u8 *blocks;
	u64 nr_damaged;
	void *private;
};

/* The sections; each prints its records. */
void dump_superblock(struct dump *dump);
void dump_manifest(struct dump *dump);
void dump_runs(struct dump *dump);
void dump_frames(struct dump *dump);
void dump_extents(struct dump *dump);

/**
 * dump_find_newest() - read the superblock extents
 *
 * Return: 0, or -ENODEV when they hold no valid record.
 */
int dump_find_newest(struct dump *dump);

/** super_walk() - visit each block of the superblock extents that is not empty */
void super_walk(struct dump *dump,
		void (*visit)(struct dump *dump,
			      const struct shard_place *place, int err,
			      const struct shard_super_record *record));

/**
 * frames_walk() - visit the frames of the log, as recovery would scan it
 * @visit:	@err: why there is none where one should be; else it is @header
 */
void frames_walk(struct dump *dump,
		 void (*visit)(struct dump *dump,
			       const struct shard_place *place, int err,
			       const struct shard_frame_header *header));

/**
 * struct manifest_visitor - told of a manifest's parts in their order
 * @page:	each page; may be NULL
 * @item:	each item
 */
struct manifest_visitor {
	void (*page)(struct manifest_visitor *visitor,
		     const struct shard_place *place,
		     const struct shard_manifest_header *header);
	void (*item)(struct manifest_visitor *visitor,
		     const struct shard_item *item);
};

/**
 * manifest_walk() - visit one copy
 * @report:	print what is wrong, and count it
 *
 * All of it is read and verified first.  A damaged piece, and those that only
 * it leads to, are left out.
 *
 * Return: 0, -EUCLEAN when something was left out, or -ENOMEM.
 */
int manifest_walk(struct dump *dump, u32 copy, bool report,
		  struct manifest_visitor *visitor);

/** manifest_walk_best() - visit the first copy that is whole, else copy 0 */
int manifest_walk_best(struct dump *dump, struct manifest_visitor *visitor);

/** dump_record() - begin a record: its kind, and where it lies */
struct json_object *dump_record(const char *kind,
				const struct shard_place *place);

/** dump_print() - print it */
void dump_print(struct dump *dump, struct json_object *record);

/** dump_damaged() - print a record that is not right, and count it */
void dump_damaged(struct dump *dump, const char *kind,
		  const struct shard_place *place, int err);

const char *dump_error_text(int err);
const char *dump_stream_name(u8 stream);

#endif /* SHARDCTL_DUMP_H */
