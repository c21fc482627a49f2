// SPDX-License-Identifier: GPL-2.0-only
/*
 * shardctl dump --section=frames: the log, as recovery would scan it.
 */
#include "dump.h"

static const char *kind_name(u8 kind)
{
	static const char * const names[] = {
		[SHARDBLK_ENTRY_WRITE]		= "write",
		[SHARDBLK_ENTRY_DISCARD]	= "discard",
		[SHARDBLK_ENTRY_RUN]		= "run",
		[SHARDBLK_ENTRY_MANIFEST]	= "manifest",
		[SHARDBLK_ENTRY_RELOC]		= "moved",
	};

	return kind && kind < ARRAY_SIZE(names) ? names[kind] : "unknown";
}

static void print_frame(struct dump *dump, const struct shard_place *place,
			int err, const struct shard_frame_header *header)
{
	struct json_object *record, *entries, *entry;
	u32 i;

	if (err) {
		dump_damaged(dump, "frame", place, err);
		return;
	}
	record = dump_record("frame", place);
	rec_text(record, "stream", dump_stream_name(header->stream));
	rec_u64(record, "seq", header->seq);
	rec_u64(record, "durable_seq", header->durable_seq);
	rec_u64(record, "payload_blocks", header->nr_blocks);
	entries = rec_array(record, "entries");
	for (i = 0; i < header->nr_entries; i++) {
		entry = rec_array_item(entries);
		rec_u64(entry, "seq", header->seq + i);
		rec_text(entry, "kind", kind_name(header->entries[i].kind));
		rec_u64(entry, "lba", header->entries[i].lba);
		rec_u64(entry, "blocks", header->entries[i].nr_blocks);
	}
	dump_print(dump, record);
}

static int check_payload(struct dump *dump, const struct shard_place *place,
			 const struct shard_frame_header *header)
{
	const u32 size = dump->image.identity.block_size;
	u32 i;
	int err;

	err = image_read(&dump->image, place->extent, place->block + 1,
			 dump->blocks, header->nr_blocks);
	for (i = 0; i < header->nr_blocks && !err; i++)
		if (crc32c(dump->seed, dump->blocks + (size_t)i * size, size) !=
		    header->csums[i])
			err = -EBADMSG;
	return err;
}

/* Read a frame into dump->frame.  Return: 0 or what is wrong with it. */
static int read_frame(struct dump *dump, const struct shard_place *place)
{
	int err;

	err = image_read(&dump->image, place->extent, place->block,
			 dump->blocks, 1);
	if (err)
		return err;
	err = shard_frame_decode(dump->blocks, dump->image.identity.block_size,
				 dump->seed, place, &dump->frame);
	return err ? err : check_payload(dump, place, &dump->frame);
}

/* An open log ends at the first frame that is not right, a fixed one does not. */
static void log_walk(struct dump *dump, const struct shard_super_extent *extent,
		     void (*visit)(struct dump *dump,
				   const struct shard_place *place, int err,
				   const struct shard_frame_header *header))
{
	const struct shard_frame_header *header = &dump->frame;
	const bool open = extent->end == SHARDBLK_END_OPEN;
	const u32 end = open ? dump->image.identity.extent_blocks : extent->end;
	struct shard_place place = {
		.extent = extent->extent,
		.generation = extent->generation,
		.block = extent->start,
	};
	int err;

	while (place.block < end) {
		err = read_frame(dump, &place);
		if (err && open && err != -EIO)
			return;
		visit(dump, &place, err, header);
		if (err)
			return;
		place.block += 1 + header->nr_blocks;
	}
}

void frames_walk(struct dump *dump,
		 void (*visit)(struct dump *dump,
			       const struct shard_place *place, int err,
			       const struct shard_frame_header *header))
{
	u32 i;

	for (i = 0; i < dump->newest.nr_log; i++)
		log_walk(dump, &dump->newest.extents[i], visit);
}

void dump_frames(struct dump *dump)
{
	frames_walk(dump, print_frame);
}
