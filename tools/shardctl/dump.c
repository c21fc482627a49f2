// SPDX-License-Identifier: GPL-2.0-only
/*
 * shardctl dump: the command, and what has to do with the superblock.
 */
#include <stdlib.h>

#include "dump.h"
#include "shardctl.h"

static const struct section {
	const char *name;
	void (*print)(struct dump *dump);
} sections[] = {
	{ "superblock",	dump_superblock },
	{ "manifest",	dump_manifest },
	{ "runs",	dump_runs },
	{ "frames",	dump_frames },
	{ "extents",	dump_extents },
};

struct dump_args {
	const char *path;
	const struct section *section;	/* NULL: all */
	bool force;
	bool json;
};

enum { OPT_SECTION = 0x100, OPT_JSON };

static const struct argp_option dump_options[] = {
	{ "section", OPT_SECTION, "NAME", 0,
	  "Only superblock, manifest, runs, frames or extents", 0 },
	{ "force", 'f', NULL, 0, "Also when it is in use", 0 },
	{ "json", OPT_JSON, NULL, 0, "Print JSON", 0 },
	{ NULL, 0, NULL, 0, NULL, 0 }
};

static error_t parse_dump(int key, char *arg, struct argp_state *state)
{
	struct dump_args *args = state->input;
	size_t i;

	switch (key) {
	case OPT_SECTION:
		for (i = 0; i < ARRAY_SIZE(sections); i++)
			if (!strcmp(arg, sections[i].name))
				args->section = &sections[i];
		if (!args->section)
			argp_error(state, "--section: no such section: %s", arg);
		return 0;
	case 'f':
		args->force = true;
		return 0;
	case OPT_JSON:
		args->json = true;
		return 0;
	case ARGP_KEY_ARG:
		if (args->path)
			argp_error(state, "one device or file at a time");
		args->path = arg;
		return 0;
	case ARGP_KEY_NO_ARGS:
		argp_error(state, "which device or file?");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp dump_argp = {
	.options = dump_options,
	.parser = parse_dump,
	.args_doc = "DEVICE|FILE",
	.doc = "Print the records of a device or image: all that the newest "
	       "superblock record leads to. Exit code 4: one of them is damaged.",
};

/* ---- records ---- */

const char *dump_error_text(int err)
{
	switch (err) {
	case -EBADMSG:
		return "not right: checksum, place or contents";
	case -ENODATA:
		return "no such record is there";
	case -EOPNOTSUPP:
		return "of a version or with features that are not known";
	case -ERANGE:
		return "outside the device";
	default:
		return "cannot be read";
	}
}

const char *dump_stream_name(u8 stream)
{
	static const char * const names[] = {
		[SHARDBLK_STREAM_HOST]	= "host",
		[SHARDBLK_STREAM_RELOC0] = "reloc0",
		[SHARDBLK_STREAM_RELOC1] = "reloc1",
		[SHARDBLK_STREAM_RELOC2] = "reloc2",
		[SHARDBLK_STREAM_MERGE]	= "merge",
		[SHARDBLK_STREAM_INDEX]	= "index",
		[SHARDBLK_STREAM_META0]	= "meta0",
		[SHARDBLK_STREAM_META1]	= "meta1",
		[SHARDBLK_STREAM_SUPER]	= "super",
	};

	return stream < ARRAY_SIZE(names) ? names[stream] : "unknown";
}

struct json_object *dump_record(const char *kind,
				const struct shard_place *place)
{
	struct json_object *record = rec_new();

	rec_text(record, "record", kind);
	rec_u64(record, "extent", place->extent);
	rec_u64(record, "generation", place->generation);
	rec_u64(record, "block", place->block);
	return record;
}

void dump_print(struct dump *dump, struct json_object *record)
{
	output_record(&dump->output, record);
}

void dump_damaged(struct dump *dump, const char *kind,
		  const struct shard_place *place, int err)
{
	struct json_object *record = dump_record(kind, place);

	rec_text(record, "damage", dump_error_text(err));
	dump_print(dump, record);
	dump->nr_damaged++;
}

/* ---- superblock ---- */

void super_walk(struct dump *dump,
		void (*visit)(struct dump *dump,
			      const struct shard_place *place, int err,
			      const struct shard_super_record *record))
{
	const struct shard_identity *id = &dump->image.identity;
	const u32 nr_blocks = min(id->extent_blocks, SHARDBLK_SUPER_BLOCKS);
	struct shard_super_record *record = &dump->super;
	struct shard_place place = { 0 };
	int err;

	for (; place.extent < SHARDBLK_SUPER_EXTENTS; place.extent++) {
		for (place.block = 0; place.block < nr_blocks; place.block++) {
			err = image_read(&dump->image, place.extent, place.block,
					 dump->blocks, 1);
			if (!err)
				err = shard_super_decode(dump->blocks,
							 id->block_size, &place,
							 record);
			if (!err && memcmp(record->format_id, id->format_id, 16))
				err = -EBADMSG;
			if (err != -ENODATA)
				visit(dump, &place, err, record);
		}
	}
}

static void visit_newest(struct dump *dump, const struct shard_place *place,
			 int err, const struct shard_super_record *record)
{
	if (!err && record->number > dump->newest.number)
		dump->newest = *record;
}

int dump_find_newest(struct dump *dump)
{
	const struct shard_identity *id = &dump->image.identity;

	super_walk(dump, visit_newest);
	if (!dump->newest.number ||
	    dump->newest.extent_blocks != id->extent_blocks ||
	    dump->newest.nr_extents != id->nr_extents)
		return -ENODEV;
	dump->seed = shard_seed(id->format_id);
	return 0;
}

static void add_pieces(struct json_object *record,
		       const struct shard_super_record *super)
{
	struct json_object *pieces = rec_array(record, "manifest");
	u32 copy;

	for (copy = 0; copy < SHARDBLK_MANIFEST_COPIES; copy++) {
		const struct shard_piece *piece = &super->manifest[copy];
		struct json_object *entry;

		if (!piece->nr_blocks)
			continue;
		entry = rec_array_item(pieces);
		rec_u64(entry, "copy", copy);
		rec_u64(entry, "extent", piece->place.extent);
		rec_u64(entry, "generation", piece->place.generation);
		rec_u64(entry, "block", piece->place.block);
		rec_u64(entry, "blocks", piece->nr_blocks);
		rec_hex(entry, "csum", piece->csum);
	}
}

static void add_log_range(struct json_object *entry,
			  const struct shard_super_extent *extent)
{
	rec_u64(entry, "start", extent->start);
	if (extent->end == SHARDBLK_END_OPEN)
		rec_text(entry, "end", "open");
	else
		rec_u64(entry, "end", extent->end);
}

static void add_super_extents(struct json_object *record,
			      const struct shard_super_record *super)
{
	struct json_object *log = rec_array(record, "log");
	struct json_object *assigned = rec_array(record, "assigned");
	u32 i, nr = (u32)super->nr_log + super->nr_assigned;

	for (i = 0; i < nr; i++) {
		const struct shard_super_extent *extent = &super->extents[i];
		bool in_log = i < super->nr_log;
		struct json_object *entry =
			rec_array_item(in_log ? log : assigned);

		rec_u64(entry, "extent", extent->extent);
		rec_u64(entry, "generation", extent->generation);
		if (in_log)
			add_log_range(entry, extent);
	}
}

static void visit_print(struct dump *dump, const struct shard_place *place,
			int err, const struct shard_super_record *super)
{
	struct json_object *record = dump_record("superblock", place);

	/* A power cut may tear a copy, so that is no damage by itself. */
	if (err) {
		rec_text(record, "error", dump_error_text(err));
		dump_print(dump, record);
		return;
	}
	rec_u64(record, "number", super->number);
	rec_bool(record, "newest", super->number == dump->newest.number);
	rec_u64(record, "version", SHARDBLK_FORMAT_VERSION);
	rec_uuid(record, "uuid", super->uuid);
	rec_uuid(record, "format_id", super->format_id);
	rec_hex(record, "compat", super->compat);
	rec_hex(record, "ro_compat", super->ro_compat);
	rec_hex(record, "incompat", super->incompat);
	rec_u64(record, "block_size", super->block_size);
	rec_u64(record, "extent_blocks", super->extent_blocks);
	rec_u64(record, "nr_extents", super->nr_extents);
	rec_u64(record, "logical_blocks", super->logical_blocks);
	rec_u64(record, "checkpoint_seq", super->checkpoint_seq);
	rec_u64(record, "durable_seq", super->durable_seq);
	rec_u64(record, "checkpoint_blocks", super->checkpoint_blocks);
	rec_u64(record, "spare_permille", super->spare_permille);
	add_pieces(record, super);
	add_super_extents(record, super);
	dump_print(dump, record);
}

void dump_superblock(struct dump *dump)
{
	super_walk(dump, visit_print);
}

/* ---- extents ---- */

/**
 * struct extent_visitor - prints extents as the manifest lists them
 * @visitor:	of the manifest
 * @dump:	to where
 * @listed:	which extents of the newest record the manifest had
 */
struct extent_visitor {
	struct manifest_visitor visitor;
	struct dump *dump;
	bool listed[SHARD_SUPER_EXTENTS_MAX];
};

/* The index of an extent in the newest record, or -1. */
static int super_extent_find(const struct shard_super_record *super, u32 extent)
{
	int i, nr = super->nr_log + super->nr_assigned;

	for (i = 0; i < nr; i++)
		if (super->extents[i].extent == extent)
			return i;
	return -1;
}

static struct json_object *extent_record(u32 extent, const char *use,
					 u32 generation)
{
	struct json_object *record = rec_new();

	rec_text(record, "record", "extent");
	rec_u64(record, "extent", extent);
	rec_text(record, "use", use);
	rec_u64(record, "generation", generation);
	return record;
}

/* What the newest record says of one of its extents. */
static struct json_object *super_extent_record(const struct dump *dump, int idx)
{
	const struct shard_super_extent *extent = &dump->newest.extents[idx];
	const bool in_log = idx < dump->newest.nr_log;
	struct json_object *record = extent_record(extent->extent,
						   in_log ? "log" : "assigned",
						   extent->generation);

	if (in_log)
		add_log_range(record, extent);
	return record;
}

static void visit_extent(struct manifest_visitor *visitor,
			 const struct shard_item *item)
{
	struct extent_visitor *v =
		container_of(visitor, struct extent_visitor, visitor);
	struct json_object *record;
	int idx;

	if (item->kind != SHARDBLK_ITEM_EXTENT)
		return;
	idx = super_extent_find(&v->dump->newest, item->extent.extent);
	if (idx >= 0) {
		v->listed[idx] = true;
		record = super_extent_record(v->dump, idx);
		rec_u64(record, "listed_generation", item->extent.generation);
	} else {
		record = extent_record(item->extent.extent, "listed",
				       item->extent.generation);
	}
	rec_text(record, "listed_stream", dump_stream_name(item->extent.stream));
	rec_u64(record, "listed_written", item->extent.written);
	rec_u64(record, "listed_live", item->extent.live);
	rec_bool(record, "bad", item->extent.bad);
	dump_print(v->dump, record);
}

void dump_extents(struct dump *dump)
{
	struct extent_visitor v = {
		.visitor.item = visit_extent,
		.dump = dump,
	};
	int i, nr = dump->newest.nr_log + dump->newest.nr_assigned;
	u32 extent;

	for (extent = 0; extent < SHARDBLK_SUPER_EXTENTS; extent++)
		dump_print(dump, extent_record(extent, "superblock", 0));
	manifest_walk_best(dump, &v.visitor);
	for (i = 0; i < nr; i++)
		if (!v.listed[i])
			dump_print(dump, super_extent_record(dump, i));
}

/* ---- the command ---- */

static int run_dump(struct dump *dump, const struct dump_args *args)
{
	size_t i;

	if (dump_find_newest(dump))
		return ctl_error(CTL_DAMAGE, "%s: no valid superblock record",
				 args->path);
	output_begin(&dump->output, args->json);
	for (i = 0; i < ARRAY_SIZE(sections); i++)
		if (!args->section || args->section == &sections[i])
			sections[i].print(dump);
	output_end(&dump->output);
	if (dump->nr_damaged)
		return ctl_error(CTL_DAMAGE, "%s: %llu damaged records", args->path,
				 dump->nr_damaged);
	return CTL_DONE;
}

int ctl_dump(int argc, char **argv)
{
	struct dump_args args = { .path = NULL };
	struct dump *dump;
	int code;

	argp_parse(&dump_argp, argc, argv, 0, NULL, &args);
	dump = calloc(1, sizeof(*dump));
	if (!dump)
		return ctl_error(CTL_SYSTEM, "out of memory");
	code = image_open(&dump->image, args.path, args.force, NULL);
	if (code != CTL_DONE)
		goto out_free;
	dump->blocks = malloc((size_t)SHARDBLK_FRAME_PAYLOAD_MAX *
			      SHARDBLK_BLOCK_SIZE_MAX);
	if (dump->blocks)
		code = run_dump(dump, &args);
	else
		code = ctl_error(CTL_SYSTEM, "out of memory");
	free(dump->blocks);
	image_close(&dump->image);
out_free:
	free(dump);
	return code;
}
