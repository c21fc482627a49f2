// SPDX-License-Identifier: GPL-2.0-only
/*
 * shardctl dump: the manifest, and the runs that it lists.
 */
#include <stdlib.h>

#include "dump.h"
#include "page.h"
#include "run.h"
#include "shardctl.h"

/* ---- the manifest ---- */

/* The pieces of a copy, from the last to the first. */
struct piece_list {
	struct shard_piece *pieces;
	u32 nr;
	u32 max;
};

static int piece_add(struct piece_list *list, const struct shard_piece *piece)
{
	if (list->nr == list->max) {
		u32 max = list->max ? 2 * list->max : 16;
		void *pieces = realloc(list->pieces, max * sizeof(*piece));

		if (!pieces)
			return -ENOMEM;
		list->pieces = pieces;
		list->max = max;
	}
	list->pieces[list->nr++] = *piece;
	return 0;
}

/* Read a piece, verify all of it, and decode its first page's header. */
static int piece_read(struct dump *dump, const struct shard_piece *piece,
		      struct shard_manifest_header *first)
{
	const u32 size = dump->image.identity.block_size;
	int err;

	if (piece->nr_blocks > SHARDBLK_FRAME_PAYLOAD_MAX)
		return -ERANGE;
	err = image_read(&dump->image, piece->place.extent, piece->place.block,
			 dump->blocks, piece->nr_blocks);
	if (err)
		return err;
	if (crc32c(dump->seed, dump->blocks, (size_t)piece->nr_blocks * size) !=
	    piece->csum)
		return -EBADMSG;
	return shard_manifest_decode(dump->blocks, size, dump->seed,
				     &piece->place, first);
}

/* Follow the chain; pages count down, so that it cannot be a circle. */
static int pieces_collect(struct dump *dump, u32 copy, bool report,
			  struct piece_list *list)
{
	struct shard_piece piece = dump->newest.manifest[copy];
	struct shard_manifest_header first;
	u64 page = U64_MAX;
	int err;

	while (piece.nr_blocks) {
		err = piece_read(dump, &piece, &first);
		if (!err && (first.page >= page ||
			     !first.page != !first.prev.nr_blocks))
			err = -EBADMSG;
		if (err) {
			if (report)
				dump_damaged(dump, "manifest", &piece.place, err);
			return -EUCLEAN;
		}
		page = first.page;
		err = piece_add(list, &piece);
		if (err)
			return err;
		piece = first.prev;
	}
	return 0;
}

static int piece_visit(struct dump *dump, const struct shard_piece *piece,
		       struct manifest_visitor *visitor)
{
	const u32 size = dump->image.identity.block_size;
	struct shard_place place = piece->place;
	struct shard_manifest_header header;
	struct shard_item item;
	u32 i, idx;
	int err;

	err = piece_read(dump, piece, &header);
	if (err)
		return err;
	for (i = 0; i < piece->nr_blocks; i++, place.block++) {
		const u8 *page = dump->blocks + (size_t)i * size;

		err = shard_manifest_decode(page, size, dump->seed, &place,
					    &header);
		if (err)
			return err;
		if (visitor->page)
			visitor->page(visitor, &place, &header);
		for (idx = 0; idx < header.nr_items; idx++) {
			err = shard_item_decode(page, idx, &item);
			if (err)
				return err;
			visitor->item(visitor, &item);
		}
	}
	return 0;
}

int manifest_walk(struct dump *dump, u32 copy, bool report,
		  struct manifest_visitor *visitor)
{
	struct piece_list list = { NULL, 0, 0 };
	int err, result;
	u32 i;

	result = pieces_collect(dump, copy, report, &list);
	for (i = list.nr; i-- > 0 && visitor; ) {
		err = piece_visit(dump, &list.pieces[i], visitor);
		if (!err)
			continue;
		if (report)
			dump_damaged(dump, "manifest", &list.pieces[i].place, err);
		result = -EUCLEAN;
	}
	free(list.pieces);
	return result;
}

int manifest_walk_best(struct dump *dump, struct manifest_visitor *visitor)
{
	u32 copy;

	for (copy = 0; copy < SHARDBLK_MANIFEST_COPIES; copy++)
		if (!manifest_walk(dump, copy, false, NULL))
			break;
	if (copy < SHARDBLK_MANIFEST_COPIES)
		return manifest_walk(dump, copy, true, visitor);
	return manifest_walk(dump, 0, true, visitor);
}

/* Prints a manifest: a record for each page, with its items. */
struct print_visitor {
	struct manifest_visitor visitor;
	struct dump *dump;
	struct json_object *record;
	struct json_object *items;
};

static void print_flush(struct print_visitor *v)
{
	if (v->record)
		dump_print(v->dump, v->record);
	v->record = NULL;
}

static void print_page(struct manifest_visitor *visitor,
		       const struct shard_place *place,
		       const struct shard_manifest_header *header)
{
	struct print_visitor *v =
		container_of(visitor, struct print_visitor, visitor);

	print_flush(v);
	v->record = dump_record("manifest", place);
	rec_u64(v->record, "copy", header->copy);
	rec_u64(v->record, "page", header->page);
	rec_u64(v->record, "number", header->number);
	rec_u64(v->record, "checkpoint_seq", header->checkpoint_seq);
	v->items = rec_array(v->record, "items");
}

static void print_item(struct manifest_visitor *visitor,
		       const struct shard_item *item)
{
	struct print_visitor *v =
		container_of(visitor, struct print_visitor, visitor);
	struct json_object *entry = rec_array_item(v->items);

	switch (item->kind) {
	case SHARDBLK_ITEM_EXTENT:
		rec_text(entry, "item", "extent");
		rec_text(entry, "stream", dump_stream_name(item->extent.stream));
		rec_u64(entry, "extent", item->extent.extent);
		rec_u64(entry, "generation", item->extent.generation);
		rec_u64(entry, "written", item->extent.written);
		rec_u64(entry, "live", item->extent.live);
		rec_bool(entry, "bad", item->extent.bad);
		break;
	case SHARDBLK_ITEM_RUN:
		rec_text(entry, "item", "run");
		rec_u64(entry, "run_id", item->run.run_id);
		rec_text(entry, "stream", dump_stream_name(item->run.stream));
		rec_u64(entry, "height", item->run.height);
		rec_u64(entry, "pages", item->run.nr_pages);
		rec_u64(entry, "entries", item->run.nr_entries);
		rec_u64(entry, "chunks", item->run.nr_chunks);
		rec_hex(entry, "root_csum", item->run.root_csum);
		break;
	case SHARDBLK_ITEM_CHUNK:
		rec_text(entry, "item", "chunk");
		rec_u64(entry, "extent", item->chunk.place.extent);
		rec_u64(entry, "generation", item->chunk.place.generation);
		rec_u64(entry, "block", item->chunk.place.block);
		rec_u64(entry, "blocks", item->chunk.nr_blocks);
		break;
	}
}

void dump_manifest(struct dump *dump)
{
	struct print_visitor v = {
		.visitor = { .page = print_page, .item = print_item },
		.dump = dump,
	};
	u32 copy;

	for (copy = 0; copy < SHARDBLK_MANIFEST_COPIES; copy++) {
		manifest_walk(dump, copy, true, &v.visitor);
		print_flush(&v);
	}
}

/* ---- runs ---- */

/**
 * struct run - a run, gathered from the manifest
 * @item:	what the manifest says of it
 * @chunks:	where its pages lie
 * @nr_chunks:	how many were seen, and are as they should be
 * @wrong:	there are others, too
 * @next:	of each level: all pages before this one were printed, or never are
 */
struct run {
	struct shard_item item;
	struct shard_item *chunks;
	u32 nr_chunks;
	bool wrong;
	u32 next[SHARD_RUN_LEVELS];
};

/* Prints each run when all its chunks were seen. */
struct run_visitor {
	struct manifest_visitor visitor;
	struct dump *dump;
	struct run run;
};

static bool chunk_valid(const struct dump *dump, const struct shard_item *item)
{
	const struct shard_identity *id = &dump->image.identity;
	const struct shard_place *place = &item->chunk.place;

	return place->extent >= SHARDBLK_SUPER_EXTENTS &&
	       place->extent < id->nr_extents &&
	       place->block < id->extent_blocks &&
	       item->chunk.nr_blocks <= id->extent_blocks - place->block;
}

/* What the engine asks of a run, too: all chunks, and in them all pages. */
static bool run_valid(const struct run *run)
{
	u64 nr_pages = 0;
	u32 i;

	for (i = 0; i < run->nr_chunks; i++)
		nr_pages += run->chunks[i].chunk.nr_blocks;
	return !run->wrong && run->item.run.height <= SHARD_RUN_LEVELS &&
	       run->nr_chunks == run->item.run.nr_chunks &&
	       nr_pages == run->item.run.nr_pages;
}

static bool run_locate(const struct run *run, u32 page, struct shard_place *place)
{
	u32 i;

	for (i = 0; i < run->nr_chunks; i++) {
		const struct shard_item *chunk = &run->chunks[i];

		if (page < chunk->chunk.nr_blocks) {
			*place = chunk->chunk.place;
			place->block += page;
			return true;
		}
		page -= chunk->chunk.nr_blocks;
	}
	memset(place, 0, sizeof(*place));
	return false;
}

static void add_leaf_entries(struct json_object *entries, const void *block)
{
	struct shard_leaf_entry leaf;
	struct json_object *entry;
	u32 pos = 0;

	while (shard_page_leaf(block, &pos, &leaf)) {
		entry = rec_array_item(entries);
		rec_u64(entry, "lba", leaf.lba);
		rec_u64(entry, "blocks", leaf.nr_blocks);
		if (!leaf.mapped) {
			rec_bool(entry, "hole", true);
			continue;
		}
		rec_u64(entry, "extent", leaf.place.extent);
		rec_u64(entry, "generation", leaf.place.generation);
		rec_u64(entry, "block", leaf.place.block);
	}
}

static void add_inner_entries(struct json_object *entries, const void *block)
{
	struct shard_inner_entry inner;
	struct json_object *entry;
	u32 i;

	for (i = 0; i < shard_page_nr_entries(block); i++) {
		shard_page_inner(block, i, &inner);
		entry = rec_array_item(entries);
		rec_u64(entry, "lba", inner.lba);
		rec_u64(entry, "page", inner.page);
		rec_hex(entry, "csum", inner.csum);
	}
}

static int page_read(struct dump *dump, struct run *run, u32 page, u32 csum,
		     u8 level, struct shard_place *place, void *block)
{
	int err;

	/*
	 * Those of a level are in the order in which they were written.  So none
	 * is visited twice, however many parents it has.
	 */
	if (!run_locate(run, page, place) || page < run->next[level])
		return -EBADMSG;
	run->next[level] = page + 1;
	err = image_read(&dump->image, place->extent, place->block, block, 1);
	if (err)
		return err;
	err = shard_page_check(block, dump->image.identity.block_size,
			       dump->seed, run->item.run.run_id, page, csum);
	if (!err && shard_page_level(block) != level)
		err = -EBADMSG;
	return err;
}

/* Print a page and all below it.  The level bounds the depth. */
static void dump_page(struct dump *dump, struct run *run, u32 page, u32 csum,
		      u8 level)
{
	u8 block[SHARDBLK_BLOCK_SIZE_MAX] __aligned(8);
	struct shard_inner_entry inner;
	struct json_object *record, *entries;
	struct shard_place place;
	u32 i;
	int err;

	err = page_read(dump, run, page, csum, level, &place, block);
	if (err) {
		dump_damaged(dump, "run_page", &place, err);
		return;
	}
	record = dump_record("run_page", &place);
	rec_u64(record, "run_id", run->item.run.run_id);
	rec_u64(record, "page", page);
	rec_u64(record, "level", level);
	entries = rec_array(record, "entries");
	if (level)
		add_inner_entries(entries, block);
	else
		add_leaf_entries(entries, block);
	dump_print(dump, record);
	for (i = 0; level && i < shard_page_nr_entries(block); i++) {
		shard_page_inner(block, i, &inner);
		dump_page(dump, run, inner.page, inner.csum, level - 1);
	}
}

static void run_finish(struct run_visitor *v)
{
	struct run *run = &v->run;
	struct json_object *record;

	if (!run->item.kind && !run->wrong)
		goto out_free;
	record = rec_new();
	rec_text(record, "record", "run");
	rec_u64(record, "run_id", run->item.run.run_id);
	rec_u64(record, "height", run->item.run.height);
	rec_u64(record, "pages", run->item.run.nr_pages);
	rec_u64(record, "entries", run->item.run.nr_entries);
	rec_u64(record, "chunks", run->item.run.nr_chunks);
	if (run_valid(run)) {
		dump_print(v->dump, record);
		dump_page(v->dump, run, run->item.run.nr_pages - 1,
			  run->item.run.root_csum, run->item.run.height - 1);
	} else {
		rec_text(record, "damage", dump_error_text(-EBADMSG));
		dump_print(v->dump, record);
		v->dump->nr_damaged++;
	}
out_free:
	free(run->chunks);
	memset(run, 0, sizeof(*run));
}

static void visit_run_item(struct manifest_visitor *visitor,
			   const struct shard_item *item)
{
	struct run_visitor *v =
		container_of(visitor, struct run_visitor, visitor);
	struct run *run = &v->run;
	void *chunks;

	switch (item->kind) {
	case SHARDBLK_ITEM_RUN:
		run_finish(v);
		run->item = *item;
		break;
	case SHARDBLK_ITEM_CHUNK:
		if (!run->item.kind ||
		    run->nr_chunks == run->item.run.nr_chunks ||
		    !chunk_valid(v->dump, item)) {
			run->wrong = true;
			break;
		}
		chunks = realloc(run->chunks,
				 (run->nr_chunks + 1) * sizeof(*item));
		if (!chunks)
			exit(ctl_error(CTL_SYSTEM, "out of memory"));
		run->chunks = chunks;
		run->chunks[run->nr_chunks++] = *item;
		break;
	}
}

void dump_runs(struct dump *dump)
{
	struct run_visitor v = {
		.visitor.item = visit_run_item,
		.dump = dump,
	};

	manifest_walk_best(dump, &v.visitor);
	run_finish(&v);
}
