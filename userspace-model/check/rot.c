// SPDX-License-Identifier: GPL-2.0-only
/*
 * A check of the device notices a flipped byte of any live record, names the
 * record, and says nothing of all else; and so does a scrub.
 *
 * Goal: the one who looks after a device learns of damage before it is needed,
 * and where it is.  Method: two images that have every kind of record, left by
 * a clean stop and by a crash; a map of what is live in them, made from the
 * format alone; a bit of each live byte, and of some others, is flipped, one at
 * a time, and the device is opened to be read and checked, with its data.  Then
 * those of superblock, manifest, run and log are flipped once more, but for data,
 * while it is open and is scrubbed.
 *
 * Live is what the newest record needs (docs/ORDERING.md): both copies of the
 * record itself, all blocks of both copies of the manifest, the pages of the
 * run, the blocks that these point to, and of the log from where replay starts
 * the headers, and the payload of what is replayed.  Of pages and headers the
 * bytes behind the record's length are padding, and nothing covers them.  At
 * the end of a log that a crash left, frames of which nothing says that they
 * were durable are not live: without them it is a shorter log.
 */
#include "extent.h"
#include "page.h"
#include "run.h"
#include "manifest.h"
#include "shardblk_format.h"
#include "suites.h"
#include "script.h"

#define ROT_BLOCKS_MAX	(HISTORY_EXTENTS * 16u)
#define ROT_DRAWS	12	/* other bytes of each block, beside its last */
#define ROT_WANT_MAX	96

/* What may be live; an image must have each. */
enum rot_kind {
	ROT_SUPER,
	ROT_MANIFEST,
	ROT_INNER,
	ROT_LEAF,
	ROT_FRAME,
	ROT_LOGGED,
	ROT_DATA,
	NR_ROT_KINDS,
};

static const char * const kind_names[NR_ROT_KINDS] = {
	[ROT_SUPER] = "superblock",
	[ROT_MANIFEST] = "manifest",
	[ROT_INNER] = "inner pages",
	[ROT_LEAF] = "leaves",
	[ROT_FRAME] = "frame headers",
	[ROT_LOGGED] = "data in the log",
	[ROT_DATA] = "data in the run",
};

/**
 * struct rot_block - a block of the device
 * @kind:	what it is, if any of it is live
 * @len:	bytes of it that are live
 * @tail:	so is the rest, but it is not the record's own
 * @want:	how a finding begins; all of it, and of the tail
 * @want_tail:	see there
 */
struct rot_block {
	enum rot_kind kind;
	u32 len;
	bool tail;
	char want[ROT_WANT_MAX];
	char want_tail[ROT_WANT_MAX];
};

static struct rot {
	struct world *w;
	struct shard_super_record record;
	struct rot_block blocks[ROT_BLOCKS_MAX];
	/* of one flip */
	const char *want;
	struct shard_check_report report;
	u32 nr_findings;
	bool named;
	char last[256];
	u64 nr_damaged;			/* by a scrub */
	/* of all */
	u32 nr_live[NR_ROT_KINDS];
	u32 nr_others;
	u32 nr_scrubbed;
} rot;

/* ---- what is live ---- */

static struct rot_block *block_of(u32 extent, u32 block)
{
	return &rot.blocks[extent * rot.record.extent_blocks + block];
}

static const u8 *peek(u32 extent, u32 block)
{
	static u8 data[SECTOR_SIZE] __aligned(8);

	sim_disk_peek(rot.w->disk, ((u64)extent * rot.w->info.extent_blocks +
				    block) * SECTOR_SIZE, data, SECTOR_SIZE);
	return data;
}

static __printf(5, 6) void live(enum rot_kind kind, u32 extent, u32 block,
				u32 len, const char *fmt, ...)
{
	struct rot_block *b = block_of(extent, block);
	va_list args;

	/* what the run points to may lie in the log as well: either name */
	if (b->len)
		return;
	b->kind = kind;
	b->len = len;
	va_start(args, fmt);
	vscnprintf(b->want, sizeof(b->want), fmt, args);
	va_end(args);
}

static void live_super(void)
{
	static struct shard_super_record r;
	struct shard_place place = { 0 };
	bool again;

	memset(&rot.record, 0, sizeof(rot.record));
	do {
		again = false;
		for (place.extent = 0; place.extent < SHARDBLK_SUPER_EXTENTS;
		     place.extent++) {
			for (place.block = 0;
			     place.block < rot.w->info.extent_blocks;
			     place.block++) {
				if (shard_super_decode(peek(place.extent,
							    place.block),
						       SECTOR_SIZE, &place, &r))
					continue;
				if (r.number > rot.record.number) {
					rot.record = r;
					again = true;
				} else if (r.number == rot.record.number) {
					live(ROT_SUPER, place.extent,
					     place.block, SECTOR_SIZE,
					     "superblock: copy %u, extent %u block %u:",
					     place.extent % 2, place.extent,
					     place.block);
				}
			}
		}
		if (again)
			memset(rot.blocks, 0, sizeof(rot.blocks));
	} while (again);
}

/* Of a run; these are all short. */
#define ROT_CHUNKS_MAX	64

/* The runs that the manifest lists, and where their pages lie. */
static void runs_item(struct shard_runs *runs, const struct shard_item *item)
{
	struct shard_run *run;

	if (item->kind == SHARDBLK_ITEM_RUN) {
		run = shard_run_create(ROT_CHUNKS_MAX);
		run->nr_chunks = 0;
		run->id = item->run.run_id;
		runs->run[runs->nr++] = run;
	} else if (item->kind == SHARDBLK_ITEM_CHUNK) {
		run = runs->run[runs->nr - 1];
		run->chunks[run->nr_chunks].place = item->chunk.place;
		run->chunks[run->nr_chunks++].nr_blocks = item->chunk.nr_blocks;
	}
}

static void live_piece(u32 copy, const struct shard_piece *piece,
		       struct shard_runs *runs, u32 seed)
{
	struct shard_manifest_header h = { 0 };
	struct shard_place place = piece->place;
	struct shard_item item;
	struct rot_block *b;
	const u8 *page;
	u32 i, k;

	if (!piece->nr_blocks)
		return;
	for (i = 0; i < piece->nr_blocks; i++, place.block++) {
		page = peek(place.extent, place.block);
		if (shard_manifest_decode(page, SECTOR_SIZE, seed, &place, &h))
			kapi_fail("the image's manifest is not right");
		if (!i)
			live_piece(copy, &h.prev, runs, seed);
		page = peek(place.extent, place.block);
		live(ROT_MANIFEST, place.extent, place.block,
		     le32_to_cpu(((const struct shardblk_header *)page)->len),
		     "manifest: copy %u, piece at extent %u block %u, page %u ",
		     copy, piece->place.extent, piece->place.block, i);
		b = block_of(place.extent, place.block);
		b->tail = true;
		scnprintf(b->want_tail, sizeof(b->want_tail),
			  "manifest: copy %u, piece at extent %u block %u bad",
			  copy, piece->place.extent, piece->place.block);
		for (k = 0; k < h.nr_items; k++) {
			if (shard_item_decode(page, k, &item))
				kapi_fail("the image's manifest is not right");
			runs_item(runs, &item);
		}
	}
}

static void live_page(const struct shard_run *run, u32 nr, u32 extent,
		      u32 block)
{
	u8 page[SECTOR_SIZE] __aligned(8);
	struct shard_leaf_entry e;
	u32 pos = 0, i;

	memcpy(page, peek(extent, block), SECTOR_SIZE);
	live(shard_page_level(page) ? ROT_INNER : ROT_LEAF, extent, block,
	     le32_to_cpu(((struct shardblk_header *)page)->len),
	     "index: page %u of run %llu at extent %u block %u ", nr, run->id,
	     extent, block);
	if (shard_page_level(page))
		return;
	while (shard_page_leaf(page, &pos, &e))
		for (i = 0; e.mapped && i < e.nr_blocks; i++)
			live(ROT_DATA, e.place.extent, e.place.block + i,
			     SECTOR_SIZE,
			     "data: block %llu at extent %u block %u ",
			     e.lba + i, e.place.extent, e.place.block + i);
}

static void live_run(const struct shard_run *run)
{
	const struct shard_run_chunk *c;
	u32 page = 0, k;

	for (c = run->chunks; c < run->chunks + run->nr_chunks; c++)
		for (k = 0; k < c->nr_blocks; k++)
			live_page(run, page++, c->place.extent,
				  c->place.block + k);
}

static void live_frame(const struct shard_frame_header *h,
		       const struct shard_place *place, u32 len)
{
	u32 at = place->block + 1, i, k;

	/* it may also be the second of two places where it may have been */
	live(ROT_FRAME, place->extent, place->block, len,
	     " extent %u block %u ", place->extent, place->block);
	if (h->seq <= rot.record.checkpoint_seq)
		return;
	for (i = 0; i < h->nr_entries; i++)
		for (k = 0; h->entries[i].kind == SHARDBLK_ENTRY_WRITE &&
		     k < h->entries[i].nr_blocks; k++, at++)
			live(ROT_LOGGED, place->extent, at, SECTOR_SIZE,
			     "log: 1 of the frame's blocks at extent %u block %u damaged, first block %llu at block %u",
			     place->extent, place->block,
			     h->entries[i].lba + k, at);
}

/* First what the marks say was durable, then what is live up to there. */
static void live_log(const struct shard_super_extent *e, u64 *durable,
		     bool marks)
{
	u32 seed = shard_seed(rot.record.format_id);
	static struct shard_frame_header h;
	struct shard_place place = {
		.extent = e->extent, .generation = e->generation,
		.block = e->start,
	};
	const u8 *block;

	while (place.block < rot.record.extent_blocks && place.block != e->end) {
		block = peek(place.extent, place.block);
		if (shard_frame_decode(block, SECTOR_SIZE, seed, &place, &h))
			break;
		if (marks)
			*durable = max(*durable, h.durable_seq);
		else if (h.seq <= *durable)
			live_frame(&h, &place, le32_to_cpu(((const struct
				   shardblk_header *)block)->len));
		place.block += 1 + h.nr_blocks;
	}
}

static void live_all(void)
{
	struct shard_runs runs = { 0 };
	u32 copy, i, seed;
	u64 durable;

	live_super();
	seed = shard_seed(rot.record.format_id);
	for (copy = 0; copy < SHARDBLK_MANIFEST_COPIES; copy++) {
		shard_runs_destroy(&runs);
		live_piece(copy, &rot.record.manifest[copy], &runs, seed);
	}
	durable = rot.record.durable_seq;
	for (i = 0; i < 2 * rot.record.nr_log; i++)
		live_log(&rot.record.extents[i % rot.record.nr_log], &durable,
			 i < rot.record.nr_log);
	for (i = 0; i < runs.nr; i++)
		live_run(runs.run[i]);
	shard_runs_destroy(&runs);
}

/* ---- a check ---- */

static void found(const char *what)
{
	rot.nr_findings++;
	strscpy(rot.last, what, sizeof(rot.last));
	if (rot.want && strstr(what, rot.want))
		rot.named = true;
}

static void found_by_check(struct shard_check_report *report, const char *what)
{
	found(what);
}

static void found_by_open(void *ctx, int level, const char *fmt, va_list args)
{
	char what[256];

	if (level > LOGLEVEL_WARNING)
		return;
	vscnprintf(what, sizeof(what), fmt, args);
	found(what);
}

static void check(struct world *w)
{
	int err;

	rot.nr_findings = 0;
	rot.named = false;
	rot.report = (struct shard_check_report){ .damage = found_by_check };
	if (world_open(w))
		return;
	err = shard_check(w->device, true, &rot.report);
	if (err)
		kapi_fail("check returned %d", err);
	world_close(w);
}

static void flip(struct world *w, u32 at, u32 byte)
{
	const struct rot_block *b = &rot.blocks[at];
	u32 bit = world_draw(BITS_PER_BYTE, CHECK_CHOOSE_FAULT);
	u64 offset = (u64)at * SECTOR_SIZE + byte;
	bool is_live = byte < b->len || b->tail;

	sim_disk_flip(w->disk, offset, bit);
	rot.want = byte < b->len ? b->want : b->want_tail;
	check(w);
	sim_disk_flip(w->disk, offset, bit);
	if (is_live)
		rot.nr_live[b->kind]++;
	else
		rot.nr_others++;
	if (!is_live && rot.nr_findings)
		kapi_fail("extent %u block %u byte %u is not live: %s",
			  at / rot.record.extent_blocks,
			  at % rot.record.extent_blocks, byte, rot.last);
	if (is_live && !rot.named)
		kapi_fail("%s (byte %u) was not found, but: %s", rot.want, byte,
			  rot.nr_findings ? rot.last : "nothing");
}

/* Each live byte; of the others, which come behind it, the last and some. */
static void flip_block(struct world *w, u32 at)
{
	u32 nr = rot.blocks[at].tail ? SECTOR_SIZE : rot.blocks[at].len, i;

	for (i = 0; i < nr; i++)
		flip(w, at, i);
	if (nr == SECTOR_SIZE)
		return;
	flip(w, at, SECTOR_SIZE - 1);
	for (i = 0; i < ROT_DRAWS; i++)
		flip(w, at, nr + world_draw(SECTOR_SIZE - nr,
					    CHECK_CHOOSE_FAULT));
}

static bool is_page(enum rot_kind kind)
{
	return kind == ROT_INNER || kind == ROT_LEAF;
}

static bool scrub_finds(enum rot_kind kind)
{
	return kind == ROT_SUPER || kind == ROT_MANIFEST ||
	       kind == ROT_FRAME || is_page(kind);
}

static void scrub(struct world *w)
{
	struct shard_scrub *scrub = shard_scrub_create(w->device);
	int ret;

	rot.nr_findings = 0;
	rot.named = false;
	while ((ret = shard_scrub_step(scrub)) > 0)
		;
	if (ret)
		kapi_fail("a scrub returned %d", ret);
	rot.nr_damaged = scrub->nr_damaged;
	shard_scrub_destroy(scrub);
}

static void scrub_flip(struct world *w, u32 at, u32 byte)
{
	const struct rot_block *b = &rot.blocks[at];
	u64 offset = (u64)at * SECTOR_SIZE + byte;
	u32 bit = world_draw(BITS_PER_BYTE, CHECK_CHOOSE_FAULT);

	sim_disk_flip(w->disk, offset, bit);
	/*
	 * Which page of a piece it is a scrub does not say.  For want of a page of
	 * the run it also finds that blocks cannot be looked up.
	 */
	rot.want = b->kind == ROT_MANIFEST ? b->want_tail : b->want;
	scrub(w);
	sim_disk_flip(w->disk, offset, bit);
	if (!rot.named || !rot.nr_damaged ||
	    (rot.nr_damaged > 1 && !is_page(b->kind)))
		kapi_fail("%s (byte %u): a scrub found %llu, the last: %s",
			  rot.want, byte, rot.nr_damaged, rot.last);
	rot.nr_scrubbed++;
}

/* Without a flip there is nothing to be found, before and after. */
static void scrub_all(struct world *w)
{
	u32 nr = w->config.disk.capacity / SECTOR_SIZE, at, i;

	if (world_open(w))
		kapi_fail("cannot be opened");
	rot.want = NULL;
	scrub(w);
	if (rot.nr_damaged || rot.nr_findings)
		kapi_fail("a scrub finds what is not there: %s", rot.last);
	for (at = 0; at < nr; at++) {
		const struct rot_block *b = &rot.blocks[at];
		u32 len = b->tail ? SECTOR_SIZE : b->len;

		for (i = 0; scrub_finds(b->kind) && i < len; i++)
			scrub_flip(w, at, i);
	}
	scrub(w);
	if (rot.nr_damaged || rot.nr_findings)
		kapi_fail("a scrub remembers what is gone: %s", rot.last);
	world_close(w);
}

static void tell(const char *what)
{
	u32 kind, sum = 0;

	for (kind = 0; kind < NR_ROT_KINDS; kind++)
		sum += rot.nr_live[kind];
	world_print("       %s: each of %u live bytes, and %u others; by a scrub %u",
		    what, sum, rot.nr_others, rot.nr_scrubbed);
	for (kind = 0; kind < NR_ROT_KINDS; kind++) {
		world_print("         %-16s %6u", kind_names[kind],
			    rot.nr_live[kind]);
		if (!rot.nr_live[kind])
			kapi_fail("the image has none: %s", kind_names[kind]);
	}
}

static void flip_all(struct world *w, const char *what)
{
	void (*log)(void *ctx, int level, const char *fmt, va_list args) =
		w->sim.hooks.log;
	u32 nr = w->config.disk.capacity / SECTOR_SIZE, at;

	rot.w = w;
	memset(rot.nr_live, 0, sizeof(rot.nr_live));
	rot.nr_others = 0;
	rot.nr_scrubbed = 0;
	w->config.options.read_only = true;
	w->sim.hooks.log = found_by_open;
	w->sick = true;
	live_all();
	check(w);
	if (rot.nr_findings)
		kapi_fail("there is no damage: %s", rot.last);
	for (at = 0; at < nr; at++)
		flip_block(w, at);
	scrub_all(w);
	w->sim.hooks.log = log;
	w->config.options.read_only = false;
	w->sick = false;
	tell(what);
}

static void history(struct world *w)
{
	u32 lba;

	for (lba = 0; lba < 40; lba += 2)
		script_write(w, lba, 1, false);
	/* so many entries in one run that it has inner pages; and a short one */
	world_checkpoint(w);
	world_compact(w);
	script_write(w, 60, 2, false);
	world_checkpoint(w);
	script_write(w, 1, 4, false);
	script_discard(w, 3, 30);
	script_write(w, 2, 2, true);
	script_write(w, 50, 3, false);
	script_flush(w);
	script_write(w, 50, 1, false);
}

void check_rot(struct world *w)
{
	struct world_config config;

	history_config(&config, false, false);
	world_begin(w, &config);
	history(w);
	world_close(w);
	flip_all(w, "after a clean stop");
	world_begin(w, &config);
	history(w);
	world_crash(w, true);
	flip_all(w, "after a crash");
}
