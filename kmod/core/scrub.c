// SPDX-License-Identifier: GPL-2.0-only
/*
 * DOC: scrub
 *
 * Reads and verifies what nobody may have read for a long time: every block that
 * is mapped, then every page of the runs that there were at the beginning, past
 * the cache, then the headers of the log, then both copies of the manifest and of
 * the record that point there.
 * What is not right is read once more before it is reported, and nothing is
 * forgotten or changed for it: errors may pass.
 *
 * A step holds one version of the index for as long as it takes to read a few
 * blocks, so nothing that it was told of can be reset under it (O7), and what is
 * overwritten meanwhile is no damage.  A manifest has no readers otherwise, and goes
 * as soon as there is a newer one: while it is read nobody may publish that.  A
 * record that is no longer the newest was not needed, nor is what of the log a
 * checkpoint has made superfluous.  How fast steps follow one another is whoever
 * calls for them to say.
 */
#include "device.h"

/* Blocks that a step reads at most. */
#define SCRUB_BLOCKS	32u

void shard_scrub_destroy(struct shard_scrub *scrub)
{
	if (!scrub)
		return;
	kvfree(scrub->header);
	kvfree(scrub->record);
	kvfree(scrub->buf);
	kvfree(scrub);
}

struct shard_scrub *shard_scrub_create(struct shard_device *device)
{
	struct shard_scrub *scrub = kvzalloc(sizeof(*scrub), GFP_KERNEL);

	if (!scrub)
		return NULL;
	scrub->device = device;
	/* runs that are made from now on were just written */
	scrub->run_end = device->store.super ?
			 shard_index_run_id(device->index) : U64_MAX;
	scrub->buf = kvmalloc(SCRUB_BLOCKS * device->store.block_size,
			      GFP_KERNEL);
	scrub->record = kvzalloc(sizeof(*scrub->record), GFP_KERNEL);
	scrub->header = kvmalloc(sizeof(*scrub->header), GFP_KERNEL);
	if (!scrub->buf || !scrub->record || !scrub->header) {
		shard_scrub_destroy(scrub);
		return NULL;
	}
	return scrub;
}

static int scrub_read(struct shard_scrub *scrub, u64 block, u32 nr, void *to)
{
	struct shard_store *store = &scrub->device->store;

	scrub->nr_read += nr;
	atomic64_add(nr, &store->stats->scrub_blocks);
	return shard_writeback_read_wait(store->wb, block * store->block_size,
					 to, nr * store->block_size);
}

static void scrub_found(struct shard_scrub *scrub)
{
	scrub->nr_damaged++;
	atomic64_inc(&scrub->device->stats.scrub_damaged);
}

/* ---- data ---- */

static bool data_is_right(struct shard_scrub *scrub, const void *data, u32 csum)
{
	struct shard_store *store = &scrub->device->store;

	return crc32c(store->seed, data, store->block_size) == csum;
}

static void scrub_again(struct shard_scrub *scrub, u64 lba, void *data,
			const struct shard_block_map *m)
{
	struct shard_store *store = &scrub->device->store;
	int err = scrub_read(scrub, m->block, 1, data);

	shard_sometimes(!err && data_is_right(scrub, data, m->csum),
			"what a scrub found to be wrong is right");
	if (!err && data_is_right(scrub, data, m->csum))
		return;
	scrub_found(scrub);
	pr_err_ratelimited("%s: scrub: data: block %llu at extent %u block %u %s\n",
			   scrub->device->backend->name, lba,
			   (u32)div_u64(m->block, store->extent_blocks),
			   (u32)(m->block & (store->extent_blocks - 1)),
			   err ? "cannot be read" : "has a wrong checksum");
}

/* Blocks of the map, from the first one on, that lie behind one another. */
static u32 map_stretch(const struct shard_block_map *map, u32 nr)
{
	u32 i = 1;

	while (i < nr && map[i].mapped &&
	       map[i].block == map[0].block + i)
		i++;
	return i;
}

static void scrub_stretch(struct shard_scrub *scrub, u64 lba,
			  const struct shard_block_map *map, u32 nr)
{
	u32 bs = scrub->device->store.block_size, i;
	int err = scrub_read(scrub, map->block, nr, scrub->buf);

	for (i = 0; i < nr; i++) {
		u8 *data = scrub->buf + (size_t)i * bs;

		if (err || !data_is_right(scrub, data, map[i].csum))
			scrub_again(scrub, lba + i, data, &map[i]);
	}
}

/* Return: blocks that were looked at. */
static u32 scrub_range(struct shard_scrub *scrub, struct shard_version *version)
{
	struct shard_device *device = scrub->device;
	struct shard_block_map *map = scrub->map;
	u64 left = device->layout.logical_blocks - scrub->lba;
	u32 nr = min_t(u64, SCRUB_BLOCKS, left), i;
	int err;

	BUILD_BUG_ON(ARRAY_SIZE(scrub->map) < SCRUB_BLOCKS);
	memset(scrub->map, 0, sizeof(scrub->map));
	err = shard_index_lookup(device->index, version, scrub->lba, nr, map,
				 true);
	if (err) {
		/* one by one: the page may not know the others */
		nr = 1;
		memset(scrub->map, 0, sizeof(scrub->map));
		err = shard_index_lookup(device->index, version, scrub->lba, 1,
					 map, true);
	}
	if (err) {
		scrub_found(scrub);
		pr_err_ratelimited("%s: scrub: index: block %llu cannot be looked up: %d\n",
				   device->backend->name, scrub->lba, err);
		return 1;
	}
	for (i = 0; i < nr;) {
		u32 stretch = map[i].mapped ? map_stretch(map + i, nr - i) : 1;

		if (map[i].mapped)
			scrub_stretch(scrub, scrub->lba + i, map + i, stretch);
		i += stretch;
	}
	return nr;
}

/* Return: blocks; 0 if only holes follow. */
static u32 scrub_data(struct shard_scrub *scrub)
{
	struct shard_index *index = scrub->device->index;
	struct shard_version *version;
	u32 nr = 0;

	if (scrub->lba == scrub->device->layout.logical_blocks)
		return 0;
	version = shard_index_hold(index);
	/* with an error it says of which block it cannot be told */
	if (shard_index_next(index, version, &scrub->lba))
		nr = scrub_range(scrub, version);
	shard_index_put(index, version);
	scrub->lba += nr;
	if (!nr)
		scrub->lba = scrub->device->layout.logical_blocks;
	return nr;
}

/* ---- pages of runs ---- */

static void scrub_page(struct shard_scrub *scrub, const struct shard_run *run,
		       u32 page)
{
	struct shard_store *store = &scrub->device->store;
	u64 block = div_u64(shard_run_offset(store, run, page),
			    store->block_size);
	int tries, err = 0;

	for (tries = 0; tries < 2; tries++) {
		err = scrub_read(scrub, block, 1, scrub->buf);
		if (!err)
			err = shard_page_proves(scrub->buf, store->block_size,
						store->seed, run->id, page);
		if (!err)
			return;
	}
	scrub_found(scrub);
	pr_err_ratelimited("%s: scrub: index: page %u of run %llu at extent %u block %u bad (%d)\n",
			   scrub->device->backend->name, page, run->id,
			   (u32)div_u64(block, store->extent_blocks),
			   (u32)(block & (store->extent_blocks - 1)), err);
}

/* The run at hand, or the next one by id; NULL: there is none. */
static const struct shard_run *scrub_run(struct shard_scrub *scrub,
					 const struct shard_runs *runs)
{
	const struct shard_run *run = NULL;
	u32 i;

	for (i = 0; i < runs->nr; i++) {
		const struct shard_run *r = runs->run[i];

		if (r->id >= scrub->run_id && r->id < scrub->run_end &&
		    (!run || r->id < run->id))
			run = r;
	}
	if (run && run->id != scrub->run_id)
		scrub->page = 0;
	return run;
}

/* Return: pages; 0 if there are no more. */
static u32 scrub_pages(struct shard_scrub *scrub)
{
	struct shard_index *index = scrub->device->index;
	struct shard_version *version = shard_index_hold(index);
	const struct shard_run *run;
	struct shard_runs runs;
	u32 nr = 0;

	/* those of a version that cannot go before the one that is held */
	shard_index_runs(index, &runs);
	run = scrub_run(scrub, &runs);
	if (run) {
		scrub->run_id = run->id;
		for (; nr < SCRUB_BLOCKS && scrub->page < run->nr_pages; nr++)
			scrub_page(scrub, run, scrub->page++);
		if (scrub->page == run->nr_pages) {
			scrub->run_id++;
			scrub->page = 0;
		}
	}
	shard_index_put(index, version);
	return nr;
}

/* ---- the log ---- */

/* Each extent of the log ends where it does now, the last one at @end. */
static void log_fix_ends(struct shard_scrub *scrub, const struct shard_place *end)
{
	struct shard_super_record *r = scrub->record;
	struct shard_extent e;
	u32 i;

	for (i = 0; i < r->nr_log; i++) {
		shard_extent_get(scrub->device->store.ex, r->extents[i].extent,
				 &e);
		r->extents[i].end = e.written;
		if (r->extents[i].extent != end->extent)
			continue;
		/* those behind it have nothing that was applied */
		r->extents[i].end = end->block;
		r->nr_log = i + 1;
	}
}

/*
 * Takes down what replay would read now, up to the first frame that has not been
 * applied.  While frames are written again, or none is any more, ends are no
 * ends of the log, and it is left out.
 */
static void log_begin(struct shard_scrub *scrub)
{
	struct shard_device *device = scrub->device;
	struct shard_log_start from = { .seq = device->record.checkpoint_seq };
	struct shard_log_start end;
	unsigned long flags;

	if (device->store.super)
		from.seq = shard_super_checkpoint_seq(device->store.super);
	spin_lock_irqsave(&device->lock, flags);
	shard_write_log_start(device, &end);
	if (shard_extents_record(device->store.ex, &from, 0, false,
				 scrub->record) ||
	    device->write_stop || device->rewrite != SHARD_REWRITE_NONE)
		scrub->record->nr_log = 0;
	log_fix_ends(scrub, &end.place);
	spin_unlock_irqrestore(&device->lock, flags);
	scrub->log_begun = true;
}

/* Would replay read this? */
static bool log_has(struct shard_scrub *scrub, const struct shard_place *place)
{
	struct shard_extent e;

	shard_extent_get(scrub->device->store.ex, place->extent, &e);
	return e.in_log && e.generation == place->generation &&
	       e.log_start <= place->block;
}

/* Return: where the next header is; U32_MAX if that cannot be told. */
static u32 scrub_header(struct shard_scrub *scrub,
			const struct shard_place *place)
{
	struct shard_store *store = &scrub->device->store;
	u64 block = (u64)place->extent * store->extent_blocks + place->block;
	int tries, err = 0;

	for (tries = 0; tries < 2; tries++) {
		err = scrub_read(scrub, block, 1, scrub->buf);
		if (!err)
			err = shard_frame_decode(scrub->buf, store->block_size,
						 store->seed, place,
						 scrub->header);
		if (!err)
			return place->block + 1 + scrub->header->nr_blocks;
	}
	if (!log_has(scrub, place))
		return U32_MAX;
	scrub_found(scrub);
	pr_err_ratelimited("%s: scrub: log: frame at extent %u block %u bad (%d)\n",
			   scrub->device->backend->name, place->extent,
			   place->block, err);
	return U32_MAX;
}

/* Return: false if there are no more. */
static bool log_next(struct shard_scrub *scrub)
{
	while (scrub->log_nr < scrub->record->nr_log) {
		const struct shard_super_extent *at =
			&scrub->record->extents[scrub->log_nr];
		struct shard_place place = {
			.extent = at->extent,
			.generation = at->generation,
			.block = max(at->start, scrub->log_block),
		};

		if (place.block < at->end && log_has(scrub, &place)) {
			scrub->log_block = scrub_header(scrub, &place);
			return true;
		}
		scrub->log_nr++;
		scrub->log_block = 0;
	}
	/* the record is used for other things from now on */
	scrub->log_nr = U32_MAX;
	return false;
}

/* Return: headers; 0 if there are no more. */
static u32 scrub_log(struct shard_scrub *scrub)
{
	struct shard_index *index = scrub->device->index;
	struct shard_version *version = shard_index_hold(index);
	u32 nr = 0;

	if (!scrub->log_begun)
		log_begin(scrub);
	while (nr < SCRUB_BLOCKS && log_next(scrub))
		nr++;
	shard_index_put(index, version);
	return nr;
}

/* ---- manifest and superblock ---- */

/* Reads a copy once.  Return: 0, what is wrong, or -ENOMEM. */
static int manifest_read(struct shard_scrub *scrub, u32 copy,
			 struct shard_piece *bad)
{
	struct shard_manifest_image image;
	struct shard_store *store = &scrub->device->store;
	u32 nr = 0, i;
	int err;

	err = shard_manifest_read(store, scrub->record, copy, &image);
	*bad = image.at;
	for (i = 0; !err && i < image.nr_pieces; i++)
		nr += image.pieces[i].nr_blocks;
	shard_manifest_free(&image);
	scrub->nr_read += nr;
	atomic64_add(nr, &store->stats->scrub_blocks);
	return err;
}

static int scrub_manifest(struct shard_scrub *scrub, u32 copy)
{
	struct shard_device *device = scrub->device;
	struct shard_piece bad;
	int err;

	shard_index_edit_begin(device->index);
	*scrub->record = device->record;
	if (device->store.super)
		shard_super_root(device->store.super, scrub->record);
	err = manifest_read(scrub, copy, &bad);
	if (err && err != -ENOMEM)
		err = manifest_read(scrub, copy, &bad);
	shard_index_edit_end(device->index);
	if (!err || err == -ENOMEM)
		return err;
	scrub_found(scrub);
	pr_err_ratelimited("%s: scrub: manifest: copy %u, piece at extent %u block %u bad (%d)\n",
			   device->backend->name, copy, bad.place.extent,
			   bad.place.block, err);
	return 0;
}

static void record_newest(struct shard_scrub *scrub, u32 copy,
			  struct shard_super_at *at)
{
	struct shard_device *device = scrub->device;

	if (device->store.super)
		shard_super_newest(device->store.super, copy, at);
	else
		*at = device->record_at[copy];
}

static int record_read(struct shard_scrub *scrub, const struct shard_super_at *at)
{
	struct shard_store *store = &scrub->device->store;
	u64 block = (u64)at->place.extent * store->extent_blocks +
		    at->place.block;
	int err = scrub_read(scrub, block, 1, scrub->buf);

	if (!err)
		err = shard_super_decode(scrub->buf, store->block_size,
					 &at->place, scrub->record);
	return !err && scrub->record->number != at->number ? -EBADMSG : err;
}

static void scrub_record(struct shard_scrub *scrub, u32 copy)
{
	struct shard_super_at at, now;
	int err;

	record_newest(scrub, copy, &at);
	if (!at.number || !record_read(scrub, &at))
		return;
	err = record_read(scrub, &at);
	record_newest(scrub, copy, &now);
	/* of one that was superseded meanwhile nothing is wanted */
	if (!err || now.number != at.number)
		return;
	scrub_found(scrub);
	pr_err_ratelimited("%s: scrub: superblock: copy %u, extent %u block %u: record %llu bad (%d)\n",
			   scrub->device->backend->name, copy, at.place.extent,
			   at.place.block, at.number, err);
}

/* Return: 1; 0 if all were done; -ENOMEM. */
static int scrub_copies(struct shard_scrub *scrub)
{
	u32 nr = scrub->nr_copies;
	int err = 0;

	if (nr < SHARDBLK_MANIFEST_COPIES)
		err = scrub_manifest(scrub, nr);
	else if (nr < SHARDBLK_MANIFEST_COPIES + SHARDBLK_SUPER_COPIES)
		scrub_record(scrub, nr - SHARDBLK_MANIFEST_COPIES);
	else
		return 0;
	scrub->nr_copies += !err;
	return err ? err : 1;
}

int shard_scrub_step(struct shard_scrub *scrub)
{
	/* a checkpoint that memory waits for may wait for the manifest's reader */
	unsigned int noio = memalloc_noio_save();
	int nr = -EIO;

	scrub->nr_read = 0;
	if (shard_device_state(scrub->device) != SHARD_STATE_FAILED) {
		nr = scrub_data(scrub);
		if (!nr)
			nr = scrub_pages(scrub);
		if (!nr)
			nr = scrub_log(scrub);
		if (!nr)
			nr = scrub_copies(scrub);
	}
	memalloc_noio_restore(noio);
	return nr > 0 ? max(scrub->nr_read, 1u) : nr;
}
