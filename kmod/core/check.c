// SPDX-License-Identifier: GPL-2.0-only
/*
 * DOC: check
 *
 * Opening has already proved the log, and one copy of the superblock and of
 * the manifest; here the other copies are read as well, then every page of the
 * runs, then, if asked for, every block that memtables and runs point to.
 *
 * What a run says of a block that a newer run hides is checked, too: until a
 * merge drops that entry its block must still be there.  Only if its extent was
 * given up before, which its generation shows, it is no longer.
 */
#include "check.h"

#include "merge.h"
#include "stats.h"

struct check {
	const struct shard_check_view *view;
	struct shard_check_report *report;
	bool data;
	u8 *block;			/* as read */
	u8 *want;			/* as it should be */
	u32 *live;			/* blocks that the runs need per extent */
	bool counted;			/* ... all of them */
};

static __printf(2, 3) void check_found(struct check *c, const char *fmt, ...)
{
	char what[160];
	va_list args;

	va_start(args, fmt);
	vsnprintf(what, sizeof(what), fmt, args);
	va_end(args);
	c->report->nr_damaged++;
	c->report->damage(c->report, what);
}

static __printf(2, 3) void check_note(struct check *c, const char *fmt, ...)
{
	char what[160];
	va_list args;

	if (!c->report->note)
		return;
	va_start(args, fmt);
	vsnprintf(what, sizeof(what), fmt, args);
	va_end(args);
	c->report->note(c->report, what);
}

/* Reads a block into c->block. */
static int block_read(struct check *c, const struct shard_place *place)
{
	struct shard_store *store = c->view->store;

	return shard_writeback_read_wait(store->wb,
					 shard_store_offset(store,
							    place->extent,
							    place->block),
					 c->block, store->block_size);
}

/* ---- superblock ---- */

/* A copy lacks the newest record: looks for what may be left of it. */
static bool super_find_damaged(struct check *c, u32 copy,
			       const struct shard_super_record *record)
{
	u32 blocks = shard_super_blocks(record->extent_blocks);
	struct shard_place place = { .extent = copy };

	for (; place.extent < SHARDBLK_SUPER_EXTENTS;
	     place.extent += SHARDBLK_SUPER_COPIES) {
		for (place.block = 0; place.block < blocks; place.block++) {
			if (block_read(c, &place))
				continue;
			shard_super_encode(record, &place, c->want);
			if (!shard_super_damaged(c->block, c->want,
						 record->block_size))
				continue;
			check_found(c, "superblock: copy %u, extent %u block %u: record %llu bad",
				    copy, place.extent, place.block,
				    record->number);
			return true;
		}
	}
	return false;
}

/*
 * The second copy is written after the first is durable (O10), so a crash may
 * leave it one record behind; the first copy it never does.
 */
static void check_super_copy(struct check *c, u32 copy,
			     const struct shard_found_super *found)
{
	const struct shard_super_record *record = &found->record;

	if ((found->newest & BIT(copy)) ||
	    super_find_damaged(c, copy, record))
		return;
	if (copy && found->at[copy].number + 1 == record->number)
		check_note(c, "superblock: copy %u is one record behind, as a crash leaves it",
			   copy);
	else
		check_found(c, "superblock: copy %u lacks the newest record %llu",
			    copy, record->number);
}

static int check_super(struct check *c)
{
	struct shard_found_super *found = kvzalloc(sizeof(*found), GFP_KERNEL);
	u32 i;
	int err;

	if (!found)
		return -ENOMEM;
	err = shard_recover_super(c->view->store->wb, c->view->backend, found);
	if (err && err != -ENOMEM)
		check_found(c, "superblock: cannot be read again: %d", err);
	for (i = 0; i < SHARDBLK_SUPER_EXTENTS && !err; i++)
		if (found->unreadable & BIT(i))
			check_found(c, "superblock: extent %u has unreadable blocks",
				    i);
	for (i = 0; i < SHARDBLK_SUPER_COPIES && !err; i++)
		check_super_copy(c, i, found);
	kvfree(found);
	return err == -ENOMEM ? err : 0;
}

/* ---- manifest ---- */

/* A piece is proved as a whole; which of its pages is not right? */
static void manifest_found(struct check *c, u32 copy,
			   const struct shard_piece *piece, int error)
{
	struct shard_store *store = c->view->store;
	struct shard_manifest_header h;
	struct shard_place place = piece->place;
	bool inside = place.extent < c->view->record->nr_extents &&
		      place.block < store->extent_blocks &&
		      piece->nr_blocks <= store->extent_blocks - place.block;
	u32 i;

	for (i = 0; inside && i < piece->nr_blocks; i++, place.block++)
		if (block_read(c, &place) ||
		    shard_manifest_decode(c->block, store->block_size,
					  store->seed, &place, &h))
			break;
	if (inside && i < piece->nr_blocks)
		check_found(c, "manifest: copy %u, piece at extent %u block %u, page %u bad (%d)",
			    copy, piece->place.extent, piece->place.block, i,
			    error);
	else
		check_found(c, "manifest: copy %u, piece at extent %u block %u bad (%d)",
			    copy, piece->place.extent, piece->place.block,
			    error);
}

static void check_counts(struct check *c, u32 copy,
			 const struct shard_manifest_image *image)
{
	u32 i;

	for (i = 0; i < image->nr_extents; i++) {
		const struct shard_item *e = &image->extents[i];

		if (!(BIT(e->extent.stream) & SHARD_META_STREAMS) &&
		    e->extent.live != c->live[e->extent.extent])
			check_found(c, "manifest: copy %u miscounts extent %u: %u, not %u",
				    copy, e->extent.extent, e->extent.live,
				    c->live[e->extent.extent]);
	}
}

static int check_manifest(struct check *c)
{
	struct shard_manifest_image image;
	u32 copy;
	int err;

	if (!c->view->record->manifest[0].nr_blocks)
		return 0;
	for (copy = 0; copy < SHARDBLK_MANIFEST_COPIES; copy++) {
		err = shard_manifest_read(c->view->store, c->view->record, copy,
					  &image);
		if (err && err != -ENOMEM)
			manifest_found(c, copy, &image.at, err);
		/* what cannot be read whole cannot be counted, either */
		if (!err && c->counted)
			check_counts(c, copy, &image);
		shard_manifest_free(&image);
		if (err == -ENOMEM)
			return err;
	}
	return 0;
}

/* ---- index and data ---- */

static void check_block(struct check *c, u64 lba,
			const struct shard_place *place, u32 csum)
{
	struct shard_store *store = c->view->store;
	int err;

	c->report->nr_blocks++;
	err = block_read(c, place);
	if (err)
		check_found(c, "data: block %llu at extent %u block %u cannot be read",
			    lba, place->extent, place->block);
	else if (crc32c(store->seed, c->block, store->block_size) != csum)
		check_found(c, "data: block %llu at extent %u block %u has a wrong checksum",
			    lba, place->extent, place->block);
}

/* Whoever read it, from a run or from the log, has seen that it lies inside. */
static void check_range(struct check *c, const struct shard_range *range)
{
	u32 i;

	if (!range->mapped)
		return;
	for (i = 0; c->data && i < range->nr_blocks; i++) {
		struct shard_place place = range->place;

		place.block += i;
		check_block(c, range->lba + i, &place, range->csums[i]);
	}
}

/* Is the entry of a former life of its extent? */
static bool is_stale(struct check *c, const struct shard_range *range)
{
	struct shard_extent e;

	if (!range->mapped)
		return false;
	shard_extent_get(c->view->store->ex, range->place.extent, &e);
	return e.generation != range->place.generation ||
	       e.state == SHARD_EXTENT_FREE || e.state == SHARD_EXTENT_BAD;
}

static void page_found(struct check *c, const struct shard_run *run, u32 page,
		       int error)
{
	struct shard_store *store = c->view->store;
	u64 at = div_u64(shard_run_offset(store, run, page),
			 store->block_size);

	check_found(c, "index: page %u of run %llu at extent %u block %u bad (%d)",
		    page, run->id, (u32)div_u64(at, store->extent_blocks),
		    (u32)(at & (store->extent_blocks - 1)), error);
}

static int check_run(struct check *c, const struct shard_run *run)
{
	struct shard_run_iter it;
	struct shard_range range;
	u64 nr = 0;
	u32 page, i;
	int ret;

	for (i = 0; i < run->nr_chunks; i++)
		c->live[run->chunks[i].place.extent] += run->chunks[i].nr_blocks;
	ret = shard_run_iter_begin(&it, c->view->store, run);
	if (ret == -ENOMEM)
		return ret;
	while (!ret && (ret = shard_run_iter_next(&it, &range)) > 0) {
		nr++;
		if (!is_stale(c, &range))
			check_range(c, &range);
		ret = 0;
	}
	c->report->nr_pages += it.nr_pages_read;
	page = it.page;
	shard_run_iter_end(&it);
	if (ret < 0)
		page_found(c, run, page, ret);
	else if (nr != run->nr_entries)
		check_found(c, "index: run %llu has %llu entries, not %llu",
			    run->id, nr, run->nr_entries);
	c->counted &= !ret;
	return 0;
}

/*
 * All pages have been read once.  What the runs say together this root needs,
 * whatever memtables know by now, so it is in no extent that was given up (O6).
 */
static int count_live(struct check *c, const struct shard_runs *runs)
{
	struct shard_merge *m = kvzalloc(sizeof(*m), GFP_KERNEL);
	struct shard_range range;
	int ret;

	if (!m)
		return -ENOMEM;
	ret = shard_merge_begin(m, c->view->store, runs, runs->nr);
	while (!ret && (ret = shard_merge_next(m, &range)) > 0) {
		if (is_stale(c, &range))
			check_found(c, "index: block %llu has a stale locator to extent %u",
				    range.lba, range.place.extent);
		else if (range.mapped)
			c->live[range.place.extent] += range.nr_blocks;
		ret = 0;
	}
	shard_merge_end(m);
	kvfree(m);
	c->counted = !ret;
	return ret == -ENOMEM ? ret : 0;
}

static int check_runs(struct check *c)
{
	struct shard_runs runs;
	int err = 0;
	u32 i;

	c->counted = true;
	shard_index_runs(c->view->index, &runs);
	for (i = 0; i < runs.nr && !err; i++)
		err = check_run(c, runs.run[i]);
	if (!err && c->counted)
		err = count_live(c, &runs);
	return err;
}

static void check_memtable(struct check *c, struct shard_memtable *mt)
{
	struct shard_range range;
	u64 lba = 0;

	while (mt && shard_memtable_next(mt, lba, &range)) {
		check_range(c, &range);
		lba = range.lba + range.nr_blocks;
	}
}

int shard_check_run(const struct shard_check_view *view, bool data,
		    struct shard_check_report *report)
{
	struct check c = { .view = view, .report = report, .data = data };
	int err = -ENOMEM;

	report->nr_damaged = 0;
	report->nr_pages = 0;
	report->nr_blocks = 0;
	c.block = kvzalloc(view->store->block_size, GFP_KERNEL);
	c.want = kvzalloc(view->store->block_size, GFP_KERNEL);
	c.live = kvcalloc(view->record->nr_extents, sizeof(*c.live),
			  GFP_KERNEL);
	if (!c.block || !c.want || !c.live)
		goto out;
	err = check_super(&c);
	if (!err)
		err = check_runs(&c);
	if (!err)
		err = check_manifest(&c);
	check_memtable(&c, shard_index_frozen(view->index));
	check_memtable(&c, shard_index_active(view->index));
out:
	kvfree(c.live);
	kvfree(c.want);
	kvfree(c.block);
	return err;
}
