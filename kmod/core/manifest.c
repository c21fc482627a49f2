// SPDX-License-Identifier: GPL-2.0-only
/*
 * DOC: manifest
 *
 * Writing: a walk that yields one item after the other (extents, then each run
 * with its chunks) fills page after page.  Both copies list the same
 * generations, those taken down once before the first.
 *
 * Reading goes backwards, from the last piece to the first, and only then looks
 * at items, in the order in which they were written.
 */
#include "manifest.h"

#include "stats.h"

/* ---- writing ---- */

struct item_walk {
	struct shard_store *store;
	const struct shard_runs *runs;
	const struct shard_refs *refs;
	u32 extent;
	u32 run;
	bool run_done;
	u32 chunk;
};

static bool walk_extent(struct item_walk *walk, struct shard_item *item)
{
	struct shard_extents *ex = walk->store->ex;
	struct shard_extent e;
	u32 nr;

	nr = shard_extents_next_listed(ex, walk->extent, &e);
	/* those behind the last are passed once, not again for each chunk */
	walk->extent = nr;
	if (nr == shard_extents_layout(ex)->nr_extents)
		return false;
	item->kind = SHARDBLK_ITEM_EXTENT;
	item->extent.stream = e.stream;
	item->extent.bad = e.bad;
	item->extent.extent = nr;
	item->extent.generation = e.listing;
	item->extent.written = e.filled;
	item->extent.live = shard_refs_live(walk->refs, nr, &e);
	item->extent.seq = e.last_seq;
	walk->extent = nr + 1;
	return true;
}

static bool walk_next(struct item_walk *walk, struct shard_item *item)
{
	const struct shard_run *run;

	if (walk_extent(walk, item))
		return true;
	while (walk->run < walk->runs->nr && walk->run_done &&
	       walk->chunk == walk->runs->run[walk->run]->nr_chunks) {
		walk->run++;
		walk->run_done = false;
		walk->chunk = 0;
	}
	if (walk->run == walk->runs->nr)
		return false;
	run = walk->runs->run[walk->run];
	if (!walk->run_done) {
		walk->run_done = true;
		item->kind = SHARDBLK_ITEM_RUN;
		item->run.height = run->height;
		item->run.stream = run->stream;
		item->run.nr_pages = run->nr_pages;
		item->run.run_id = run->id;
		item->run.nr_entries = run->nr_entries;
		item->run.nr_chunks = run->nr_chunks;
		item->run.root_csum = run->root_csum;
		return true;
	}
	item->kind = SHARDBLK_ITEM_CHUNK;
	item->chunk.place = run->chunks[walk->chunk].place;
	item->chunk.nr_blocks = run->chunks[walk->chunk].nr_blocks;
	walk->chunk++;
	return true;
}

static u32 manifest_pages(struct shard_store *store,
			  const struct shard_runs *runs)
{
	u32 nr = shard_extents_layout(store->ex)->nr_extents;
	u32 i;

	for (i = 0; i < runs->nr; i++)
		nr += 1 + runs->run[i]->nr_chunks;
	return DIV_ROUND_UP(nr, shard_items_max(store->block_size));
}

struct copy_writer {
	struct shard_store *store;
	struct shard_writer writer;
	struct item_walk walk;
	struct shard_manifest_header header;
	struct shard_piece piece;
};

/* Puts a page; the first one of a frame begins a piece. */
static int copy_put_page(struct copy_writer *c, struct shard_item *item,
			 bool *more)
{
	struct shard_store *store = c->store;
	u32 max = shard_items_max(store->block_size);
	bool first = !c->writer.open;
	struct shard_place place;
	void *page;
	int err;

	err = shard_writer_page(&c->writer, &place, &page);
	if (err)
		return err;
	memset(&c->header.prev, 0, sizeof(c->header.prev));
	if (first) {
		c->header.prev = c->piece;
		c->piece.place = place;
		c->piece.nr_blocks = 0;
		c->piece.csum = store->seed;
		shard_extents_count(store->ex, place.extent, 1);
	}
	c->header.nr_items = 0;
	while (*more && c->header.nr_items < max) {
		shard_item_encode(item, page, c->header.nr_items++);
		*more = walk_next(&c->walk, item);
	}
	shard_manifest_encode(&c->header, store->seed, &place, page,
			      store->block_size);
	c->piece.csum = crc32c(c->piece.csum, page, store->block_size);
	c->piece.nr_blocks++;
	c->header.page++;
	return shard_writer_page_done(&c->writer);
}

static int copy_write(struct copy_writer *c, struct shard_dep *dep)
{
	struct shard_item item = {};
	bool more;
	int err, end;

	err = shard_writer_begin(&c->writer, c->store,
				 SHARDBLK_STREAM_META0 + c->header.copy,
				 SHARDBLK_ENTRY_MANIFEST, c->header.number, dep,
				 manifest_pages(c->store, c->walk.runs));
	more = walk_next(&c->walk, &item);
	do {
		if (!err)
			err = copy_put_page(c, &item, &more);
	} while (!err && more);
	if (!err)
		err = shard_writer_flush(&c->writer);
	end = shard_writer_end(&c->writer);
	return err ? err : end;
}

/* Counts come from a manifest, which nothing proves to be right in itself. */
static bool counts_fit(struct shard_store *store, const struct shard_refs *refs)
{
	struct shard_extent e;
	u32 nr;

	for (nr = 0; refs && nr < refs->nr; nr++) {
		if (!refs->at[nr].delta)
			continue;
		shard_extent_get(store->ex, nr, &e);
		if (shard_refs_fit(refs, nr, &e, store->extent_blocks))
			continue;
		pr_err("extent %u: %u blocks cannot be live in it: the manifest was wrong\n",
		       nr, e.live);
		return false;
	}
	return true;
}

int shard_manifest_write(struct shard_store *store,
			 const struct shard_runs *runs, u64 seq,
			 const struct shard_refs *refs, struct shard_dep *dep,
			 struct shard_piece last[SHARDBLK_MANIFEST_COPIES])
{
	struct copy_writer *c;
	u32 copy;
	int err = 0;

	if (!counts_fit(store, refs))
		return -EUCLEAN;
	c = kvzalloc(sizeof(*c), GFP_KERNEL);
	if (!c)
		return -ENOMEM;
	shard_extents_list(store->ex);
	shard_extents_count_begin(store->ex, SHARD_META_STREAMS);
	for (copy = 0; copy < SHARDBLK_MANIFEST_COPIES && !err; copy++) {
		memset(c, 0, sizeof(*c));
		c->store = store;
		c->walk.store = store;
		c->walk.runs = runs;
		c->walk.refs = refs;
		c->header.number = shard_super_number(store->super) + 1;
		c->header.checkpoint_seq = seq;
		c->header.copy = copy;
		err = copy_write(c, dep);
		last[copy] = c->piece;
	}
	kvfree(c);
	if (!err)
		atomic64_inc(&store->stats->manifests);
	return err;
}

/* ---- reading ---- */

/* A piece in memory; those read later lie before those read earlier. */
struct read_piece {
	struct list_head node;
	struct shard_piece piece;
	u8 *pages;
};

static void piece_free(struct read_piece *p)
{
	kvfree(p->pages);
	kvfree(p);
}

static int piece_read(struct shard_store *store, const struct shard_piece *piece,
		      struct list_head *pieces)
{
	u32 nr_extents = shard_extents_layout(store->ex)->nr_extents;
	size_t len = (size_t)piece->nr_blocks * store->block_size;
	struct read_piece *p;
	int err;

	if (piece->place.extent < SHARDBLK_SUPER_EXTENTS ||
	    piece->place.extent >= nr_extents ||
	    piece->nr_blocks > SHARDBLK_FRAME_PAYLOAD_MAX ||
	    piece->place.block >= store->extent_blocks ||
	    piece->nr_blocks > store->extent_blocks - piece->place.block)
		return -EBADMSG;
	p = kvzalloc(sizeof(*p), GFP_KERNEL);
	if (!p)
		return -ENOMEM;
	p->pages = kvzalloc(len, GFP_KERNEL);
	if (!p->pages) {
		piece_free(p);
		return -ENOMEM;
	}
	p->piece = *piece;
	list_add(&p->node, pieces);
	err = shard_writeback_read_wait(store->wb,
					shard_store_offset(store,
							   piece->place.extent,
							   piece->place.block),
					p->pages, len);
	if (!err && crc32c(store->seed, p->pages, len) != piece->csum)
		err = -EBADMSG;
	return err;
}

/* What all pages of a manifest have in common, and how many items they hold. */
struct read_state {
	struct shard_store *store;
	const struct shard_super_record *record;
	u32 copy;
	u64 number;
	u32 nr_items;
	u32 next_page;
	u32 nr_pieces;
	u32 nr_chunks;			/* of the run at hand */
	u32 first_page;
	struct shard_piece at;		/* the one at hand */
};

static int chain_read(struct read_state *s, struct list_head *pieces)
{
	const struct shard_piece *next = &s->record->manifest[s->copy];
	struct shard_manifest_header h;
	struct shard_piece prev;
	u64 limit = shard_manifest_pages_max(shard_extents_layout(s->store->ex));
	u64 nr_pages = 0;
	int err;

	while (next->nr_blocks) {
		struct read_piece *p;

		/* a hostile chain may never end */
		nr_pages += next->nr_blocks;
		if (nr_pages > limit)
			return -EBADMSG;
		s->nr_pieces++;
		s->at = *next;
		err = piece_read(s->store, next, pieces);
		if (err)
			return err;
		p = list_first_entry(pieces, struct read_piece, node);
		err = shard_manifest_decode(p->pages, s->store->block_size,
					    s->store->seed, &p->piece.place,
					    &h);
		if (err)
			return err == -ENODATA ? -EBADMSG : err;
		prev = h.prev;
		next = &prev;
	}
	return 0;
}

static int pages_check(struct read_state *s, struct read_piece *p)
{
	u32 i;
	int err;

	s->at = p->piece;
	for (i = 0; i < p->piece.nr_blocks; i++) {
		struct shard_place place = p->piece.place;
		struct shard_manifest_header h;

		place.block += i;
		err = shard_manifest_decode(p->pages +
					    (size_t)i * s->store->block_size,
					    s->store->block_size,
					    s->store->seed, &place, &h);
		if (err)
			return err == -ENODATA ? -EBADMSG : err;
		if (!s->next_page)
			s->number = h.number;
		if (h.copy != s->copy || h.number != s->number ||
		    h.checkpoint_seq != s->record->checkpoint_seq ||
		    h.page != s->next_page)
			return -EBADMSG;
		s->next_page++;
		s->nr_items += h.nr_items;
	}
	return 0;
}

/* Has the last run all of its chunks, and do these hold all of its pages? */
static bool run_complete(const struct read_state *s,
			 const struct shard_manifest_image *image)
{
	const struct shard_run *run;

	if (!image->runs.nr)
		return true;
	run = image->runs.run[image->runs.nr - 1];
	return s->nr_chunks == run->nr_chunks && shard_run_valid(run);
}

static int item_run(struct read_state *s, struct shard_manifest_image *image,
		    const struct shard_item *item)
{
	struct shard_run *run;

	if (!run_complete(s, image) || image->runs.nr == SHARD_RUNS_MAX ||
	    item->run.nr_chunks > s->nr_items)
		return -EBADMSG;
	run = shard_run_create(item->run.nr_chunks);
	if (!run)
		return -ENOMEM;
	run->height = item->run.height;
	run->stream = item->run.stream;
	run->nr_pages = item->run.nr_pages;
	run->id = item->run.run_id;
	run->nr_entries = item->run.nr_entries;
	run->root_csum = item->run.root_csum;
	image->runs.run[image->runs.nr++] = run;
	s->nr_chunks = 0;
	s->first_page = 0;
	return 0;
}

static int item_chunk(struct read_state *s, struct shard_manifest_image *image,
		      const struct shard_item *item)
{
	const struct shard_place *place = &item->chunk.place;
	struct shard_run_chunk *c;
	struct shard_run *run;

	if (!image->runs.nr)
		return -EBADMSG;
	run = image->runs.run[image->runs.nr - 1];
	if (s->nr_chunks == run->nr_chunks)
		return -EBADMSG;
	if (place->extent < SHARDBLK_SUPER_EXTENTS ||
	    place->extent >= s->record->nr_extents ||
	    place->block >= s->record->extent_blocks ||
	    item->chunk.nr_blocks > s->record->extent_blocks - place->block)
		return -EBADMSG;
	c = &run->chunks[s->nr_chunks++];
	c->place = *place;
	c->nr_blocks = item->chunk.nr_blocks;
	c->first_page = s->first_page;
	s->first_page += c->nr_blocks;
	return 0;
}

static int item_extent(struct read_state *s, struct shard_manifest_image *image,
		       const struct shard_item *item)
{
	if (item->extent.extent < SHARDBLK_SUPER_EXTENTS ||
	    item->extent.extent >= s->record->nr_extents ||
	    item->extent.written > s->record->extent_blocks ||
	    item->extent.live > s->record->extent_blocks)
		return -EBADMSG;
	image->extents[image->nr_extents++] = *item;
	return 0;
}

static int items_load(struct read_state *s, struct list_head *pieces,
		      struct shard_manifest_image *image)
{
	struct read_piece *p;
	int err = 0;
	u32 i, k;

	list_for_each_entry(p, pieces, node) {
		s->at = p->piece;
		for (i = 0; i < p->piece.nr_blocks; i++) {
			u8 *page = p->pages + (size_t)i * s->store->block_size;
			struct shard_item item;

			for (k = 0; k < shard_manifest_nr_items(page); k++) {
				err = shard_item_decode(page, k, &item);
				if (err)
					return err;
				if (item.kind == SHARDBLK_ITEM_EXTENT)
					err = item_extent(s, image, &item);
				else if (item.kind == SHARDBLK_ITEM_RUN)
					err = item_run(s, image, &item);
				else
					err = item_chunk(s, image, &item);
				if (err)
					return err;
			}
		}
	}
	return run_complete(s, image) ? 0 : -EBADMSG;
}

/* Where the copy lies, as far as its chain could be followed. */
static int pieces_note(const struct read_state *s, struct list_head *pieces,
		       struct shard_manifest_image *image)
{
	struct read_piece *p;

	image->pieces = kvcalloc(max(s->nr_pieces, 1u), sizeof(*image->pieces),
				 GFP_KERNEL);
	if (!image->pieces)
		return -ENOMEM;
	list_for_each_entry(p, pieces, node)
		image->pieces[image->nr_pieces++] = p->piece;
	return 0;
}

int shard_manifest_read(struct shard_store *store,
			const struct shard_super_record *record, u32 copy,
			struct shard_manifest_image *image)
{
	struct read_state s = {
		.store = store,
		.record = record,
		.copy = copy,
	};
	struct read_piece *p, *next;
	LIST_HEAD(pieces);
	int err;

	memset(image, 0, sizeof(*image));
	image->seq = record->checkpoint_seq;
	err = chain_read(&s, &pieces);
	if (pieces_note(&s, &pieces, image))
		err = -ENOMEM;
	list_for_each_entry(p, &pieces, node)
		if (!err)
			err = pages_check(&s, p);
	if (!err) {
		image->extents = kvcalloc(max(s.nr_items, 1u),
					  sizeof(*image->extents), GFP_KERNEL);
		if (!image->extents)
			err = -ENOMEM;
	}
	if (!err)
		err = items_load(&s, &pieces, image);
	list_for_each_entry_safe(p, next, &pieces, node) {
		list_del(&p->node);
		piece_free(p);
	}
	image->at = s.at;
	return err;
}

void shard_manifest_free(struct shard_manifest_image *image)
{
	shard_runs_destroy(&image->runs);
	kvfree(image->extents);
	kvfree(image->pieces);
	memset(image, 0, sizeof(*image));
}
