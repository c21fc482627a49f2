// SPDX-License-Identifier: GPL-2.0-only
/*
 * Hostile images: records whose checksums are right, and which lie.
 *
 * Whoever writes such an image can compute checksums as well as the engine can,
 * so each number of a record is looked at before it is used.
 */
#include <kunit/test.h>

#include "alloc_fault.h"
#include "forge.h"

/* What was said of an image. */
struct findings {
	struct shard_check_report report;
	char first[200];
};

static void found(struct shard_check_report *report, const char *what)
{
	struct findings *f = container_of(report, struct findings, report);

	if (!f->first[0])
		strscpy(f->first, what, sizeof(f->first));
}

/**
 * struct edit - a number to be changed
 * @what:	of this record
 * @offset:	where it lies
 * @width:	its bytes
 * @value:	what it is to be
 */
struct edit {
	const char *what;
	u32 offset;
	u32 width;
	u64 value;
};

#define EDIT(type, field, to)						\
	{ #field " = " #to, offsetof(struct type, field),		\
	  sizeof_field(struct type, field), to }

static void edit_make(const struct edit *edit, void *record)
{
	u32 i;

	for (i = 0; i < edit->width; i++)
		((u8 *)record)[edit->offset + i] = edit->value >> 8 * i;
}

/**
 * struct hostile - what every test begins with
 * @dev:	a device, closed; two runs, the older one of two levels, and a log
 * @image:	its medium
 */
struct hostile {
	struct testdev *dev;
	u8 *image;
};

/* The newer run has blocks 0 to 4; the older one the even ones up to 46; the log 60 and 62. */
static int hostile_init(struct kunit *test)
{
	struct hostile *h = kunit_kzalloc(test, sizeof(*h), GFP_KERNEL);
	struct testdev *dev = testdev_create(test, true, false);
	u32 i;

	if (!h)
		return -ENOMEM;
	test->priv = h;
	h->dev = dev;
	for (i = 0; i < 24; i++)
		KUNIT_EXPECT_EQ(test, testdev_write(dev, 2 * i, 1, 0x40 + i), 0);
	KUNIT_EXPECT_EQ(test, shard_device_checkpoint(dev->device), 0);
	KUNIT_EXPECT_EQ(test, testdev_write(dev, 0, 5, 0x11), 0);
	KUNIT_EXPECT_EQ(test, shard_device_checkpoint(dev->device), 0);
	KUNIT_EXPECT_EQ(test, testdev_write(dev, 60, 1, 0x31), 0);
	KUNIT_EXPECT_EQ(test, testdev_write(dev, 62, 1, 0x32), 0);
	KUNIT_EXPECT_EQ(test, testdev_flush(dev), 0);
	testdev_crash(dev);
	dev->options.read_only = true;
	h->image = fake_snapshot(test, dev->fake);
	return 0;
}

static void hostile_exit(struct kunit *test)
{
	struct hostile *h = test->priv;

	kvfree(h->image);
	testdev_destroy(h->dev);
}

/* The image as it was, to be forged. */
static struct forge *anew(struct kunit *test)
{
	struct hostile *h = test->priv;

	fake_restore(h->dev->fake, h->image);
	return forge_begin(h->dev);
}

/* It must not be opened, and for this reason. */
static void expect_refused(struct kunit *test, int error, const char *what)
{
	struct hostile *h = test->priv;

	KUNIT_EXPECT_EQ_MSG(test, testdev_open(h->dev), error, "%s", what);
}

/* It can be opened, and the first damage that a check finds is this, or none. */
static void expect_found(struct kunit *test, const char *want, const char *what)
{
	struct hostile *h = test->priv;
	struct findings *f = kunit_kzalloc(test, sizeof(*f), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, f);
	f->report.damage = found;
	KUNIT_ASSERT_EQ_MSG(test, testdev_open(h->dev), 0, "%s", what);
	KUNIT_EXPECT_EQ(test, shard_check(h->dev->device, true, &f->report), 0);
	KUNIT_EXPECT_EQ(test, testdev_close(h->dev), 0);
	KUNIT_EXPECT_EQ_MSG(test, strncmp(f->first, want, strlen(want)), 0,
			    "%s: '%s', not '%s'", what, f->first, want);
	KUNIT_EXPECT_EQ_MSG(test, f->report.nr_damaged != 0, *want != '\0',
			    "%s: '%s'", what, f->first);
}

/* ---- manifests ---- */

/* Both copies say so, then only the second one. */
static void item_lies(struct kunit *test, u8 kind, u32 nth,
		      const struct edit *edit)
{
	struct forge *f = anew(test);
	u32 copy;
	void *item;

	for (copy = 0; copy < SHARDBLK_MANIFEST_COPIES; copy++) {
		item = forge_item(f, copy, kind, nth);
		KUNIT_ASSERT_NOT_NULL(test, item);
		edit_make(edit, item);
		forge_manifest(f, copy);
	}
	expect_refused(test, -EUCLEAN, edit->what);
	f = anew(test);
	edit_make(edit, forge_item(f, 1, kind, nth));
	forge_manifest(f, 1);
	expect_found(test, "manifest: copy 1", edit->what);
}

/*
 * Goal: no number of a manifest's extents is believed that cannot be.
 * Method: one after the other is changed, and all checksums made anew.
 */
static void a_manifest_cannot_lie_about_extents(struct kunit *test)
{
	static const struct edit edits[] = {
		EDIT(shardblk_item_extent, extent, 3),
		EDIT(shardblk_item_extent, extent, TESTDEV_EXTENTS),
		EDIT(shardblk_item_extent, written, TESTDEV_EXTENT_BLOCKS + 1),
		EDIT(shardblk_item_extent, live, TESTDEV_EXTENT_BLOCKS + 1),
		EDIT(shardblk_item_extent, stream, SHARDBLK_STREAM_SUPER),
		EDIT(shardblk_item_extent, kind, 7),
		EDIT(shardblk_item_extent, flags, 2),
	};
	u32 i;

	for (i = 0; i < ARRAY_SIZE(edits); i++)
		item_lies(test, SHARDBLK_ITEM_EXTENT, 0, &edits[i]);
}

/*
 * Goal: nor of its runs and their chunks.
 * Method: the same.
 */
static void a_manifest_cannot_lie_about_runs(struct kunit *test)
{
	static const struct edit runs[] = {
		EDIT(shardblk_item_run, nr_chunks, 0),
		EDIT(shardblk_item_run, nr_chunks, 2),
		EDIT(shardblk_item_run, nr_chunks, 1000),
		EDIT(shardblk_item_run, nr_pages, 9),
		EDIT(shardblk_item_run, height, 200),
		EDIT(shardblk_item_run, stream, SHARDBLK_STREAM_HOST),
	};
	static const struct edit chunks[] = {
		EDIT(shardblk_item_chunk, extent, 3),
		EDIT(shardblk_item_chunk, extent, TESTDEV_EXTENTS),
		EDIT(shardblk_item_chunk, block, TESTDEV_EXTENT_BLOCKS),
		EDIT(shardblk_item_chunk, block, TESTDEV_EXTENT_BLOCKS - 1),
		EDIT(shardblk_item_chunk, nr_blocks, 1),
		EDIT(shardblk_item_chunk, nr_blocks, 9),
	};
	u32 i, nth;

	for (i = 0; i < ARRAY_SIZE(runs); i++)
		for (nth = 0; nth < 2; nth++)
			item_lies(test, SHARDBLK_ITEM_RUN, nth, &runs[i]);
	/* the older run's, which is of three blocks */
	for (i = 0; i < ARRAY_SIZE(chunks); i++)
		item_lies(test, SHARDBLK_ITEM_CHUNK, 1, &chunks[i]);
}

/*
 * Goal: items that belong to none are refused: a chunk before any run, and
 * more runs than there may be.
 * Method: runs become extents, extents become runs.
 */
static void items_of_a_manifest_belong_together(struct kunit *test)
{
	struct shardblk_item_run many = {
		.kind = SHARDBLK_ITEM_RUN, .height = 1,
		.stream = SHARDBLK_STREAM_INDEX, .nr_pages = cpu_to_le32(1),
	};
	struct forge *f = anew(test);
	u32 copy;
	void *run;

	for (copy = 0; copy < SHARDBLK_MANIFEST_COPIES; copy++) {
		run = forge_item(f, copy, SHARDBLK_ITEM_RUN, 0);
		memcpy(run, forge_item(f, copy, SHARDBLK_ITEM_EXTENT, 0),
		       SHARDBLK_ITEM_SIZE);
		forge_manifest(f, copy);
	}
	expect_refused(test, -EUCLEAN, "a chunk of no run");
	f = anew(test);
	for (copy = 0; copy < SHARDBLK_MANIFEST_COPIES; copy++) {
		/* the first of these lacks its chunk when the second comes */
		memcpy(forge_item(f, copy, SHARDBLK_ITEM_EXTENT, 0), &many,
		       sizeof(many));
		memcpy(forge_item(f, copy, SHARDBLK_ITEM_EXTENT, 0), &many,
		       sizeof(many));
		forge_manifest(f, copy);
	}
	expect_refused(test, -EUCLEAN, "a run without chunks");
}

/*
 * Goal: pages of a manifest are those of one, in their order.
 * Method: headers of its two pages are changed.
 */
static void pages_of_a_manifest_belong_together(struct kunit *test)
{
	static const struct edit edits[] = {
		EDIT(shardblk_manifest, number, 1),
		EDIT(shardblk_manifest, checkpoint_seq, 1),
		EDIT(shardblk_manifest, page, 7),
		EDIT(shardblk_manifest, copy, 7),
		EDIT(shardblk_manifest, place.block, 0),
		EDIT(shardblk_manifest, h.magic, 0),
		EDIT(shardblk_manifest, nr_items, 1),
	};
	struct forge *f = anew(test);
	u32 i, page, copy;

	KUNIT_ASSERT_EQ(test, f->record->manifest[0].nr_blocks, 2u);
	for (i = 0; i < ARRAY_SIZE(edits); i++) {
		for (page = 0; page < 2; page++) {
			/* its first page says which manifest it is */
			if (!page && edits[i].offset ==
			    offsetof(struct shardblk_manifest, number))
				continue;
			f = anew(test);
			for (copy = 0; copy < 2; copy++) {
				edit_make(&edits[i], forge_page(f, copy, page));
				forge_manifest(f, copy);
			}
			expect_refused(test, -EUCLEAN, edits[i].what);
			f = anew(test);
			edit_make(&edits[i], forge_page(f, 1, page));
			forge_manifest(f, 1);
			expect_found(test, "manifest: copy 1", edits[i].what);
		}
	}
}

/*
 * Goal: a chain of pieces leads to pieces only, and ends.
 * Method: the first page points elsewhere; then many pieces are made.
 */
static void a_chain_of_pieces_stays_inside_and_ends(struct kunit *test)
{
	static const struct edit edits[] = {
		EDIT(shardblk_manifest, prev.extent, 3),
		EDIT(shardblk_manifest, prev.extent, TESTDEV_EXTENTS),
		EDIT(shardblk_manifest, prev.block, TESTDEV_EXTENT_BLOCKS),
		EDIT(shardblk_manifest, prev.block, TESTDEV_EXTENT_BLOCKS - 1),
		EDIT(shardblk_manifest, prev.csum, 1),
	};
	struct shardblk_piece inside = {
		.extent = cpu_to_le32(TESTDEV_EXTENTS - 1),
		.block = cpu_to_le32(1), .nr_blocks = cpu_to_le32(2),
	};
	struct shardblk_manifest *d;
	struct forge *f;
	u32 i, copy;

	for (i = 0; i < ARRAY_SIZE(edits); i++) {
		f = anew(test);
		for (copy = 0; copy < SHARDBLK_MANIFEST_COPIES; copy++) {
			d = forge_page(f, copy, 0);
			d->prev = inside;
			edit_make(&edits[i], d);
			forge_manifest(f, copy);
		}
		expect_refused(test, -EUCLEAN, edits[i].what);
		f = anew(test);
		d = forge_page(f, 1, 0);
		d->prev = inside;
		edit_make(&edits[i], d);
		forge_manifest(f, 1);
		expect_found(test, "manifest: copy 1", edits[i].what);
	}
}

/* Makes the piece of @copy the last of a chain of @nr more, in free extents. */
static void chain_make(struct kunit *test, struct forge *f, u32 copy, u32 nr)
{
	u32 len = TESTDEV_EXTENT_BLOCKS - 1, csum, block, i;
	struct shardblk_piece prev = {};
	struct shardblk_manifest *d;

	for (i = 0; i < nr; i++) {
		u32 extent = TESTDEV_EXTENTS - 1 - i;

		d = forge_block(f, extent, 1);
		memset(d, 0, len * TESTDEV_BLOCK);
		d->place.extent = cpu_to_le32(extent);
		d->place.block = cpu_to_le32(1);
		d->copy = copy;
		d->prev = prev;
		shard_record_seal(&d->h, SHARDBLK_MANIFEST_MAGIC, sizeof(*d),
				  f->seed);
		prev.extent = cpu_to_le32(extent);
		prev.block = cpu_to_le32(1);
		prev.nr_blocks = cpu_to_le32(len);
		csum = f->seed;
		for (block = 0; block < len; block++)
			csum = crc32c(csum, forge_block(f, extent, 1 + block),
				      TESTDEV_BLOCK);
		prev.csum = cpu_to_le32(csum);
	}
	d = forge_page(f, copy, 0);
	d->prev = prev;
	forge_manifest(f, copy);
}

/*
 * Goal: a chain that is longer than any manifest is not read on and on.
 * Method: twenty pieces of fifteen blocks; what is read is counted.
 */
static void a_chain_of_pieces_is_not_longer_than_a_manifest(struct kunit *test)
{
	struct hostile *h = test->priv;
	struct forge *f = anew(test);

	chain_make(test, f, 0, 20);
	chain_make(test, f, 1, 20);
	fake_counts_clear(h->dev->fake);
	expect_refused(test, -EUCLEAN, "a long chain");
	KUNIT_EXPECT_LT(test, h->dev->fake->bytes[SHARD_IO_READ],
			(u64)TESTDEV_BLOCK * TESTDEV_EXTENT_BLOCKS *
			TESTDEV_EXTENTS / 2);
}

/*
 * Goal: what two say of an extent must go together.
 * Method: chunks of a life that no item has, and of too many blocks; an extent
 * of data in which a run lies; the same one twice in the log.
 */
static void no_extent_is_of_two_lives(struct kunit *test)
{
	struct shardblk_item_chunk *c;
	struct shardblk_item_extent *e;
	struct shardblk_item_run *run;
	struct forge *f = anew(test);
	u32 copy, i;

	for (copy = 0; copy < SHARDBLK_MANIFEST_COPIES; copy++) {
		c = forge_item(f, copy, SHARDBLK_ITEM_CHUNK, 0);
		c->generation = cpu_to_le32(le32_to_cpu(c->generation) + 1);
		forge_manifest(f, copy);
	}
	expect_refused(test, -EUCLEAN, "a chunk of another life");
	f = anew(test);
	for (copy = 0; copy < SHARDBLK_MANIFEST_COPIES; copy++) {
		c = forge_item(f, copy, SHARDBLK_ITEM_CHUNK, 0);
		for (i = 0; (e = forge_item(f, copy, SHARDBLK_ITEM_EXTENT, i)); i++) {
			if (e->extent != c->extent)
				continue;
			e->stream = SHARDBLK_STREAM_RELOC0;
			e->live = cpu_to_le32(1);
			forge_manifest(f, copy);
		}
	}
	expect_refused(test, -EUCLEAN, "a run in an extent of data");
	f = anew(test);
	for (copy = 0; copy < SHARDBLK_MANIFEST_COPIES; copy++) {
		run = forge_item(f, copy, SHARDBLK_ITEM_RUN, 0);
		/* the newer run has all of the extent that the older one is in */
		run->nr_pages = cpu_to_le32(TESTDEV_EXTENT_BLOCKS - 1);
		c = forge_item(f, copy, SHARDBLK_ITEM_CHUNK, 0);
		memcpy(c, forge_item(f, copy, SHARDBLK_ITEM_CHUNK, 1), sizeof(*c));
		c->block = cpu_to_le32(1);
		c->nr_blocks = run->nr_pages;
		forge_manifest(f, copy);
	}
	expect_refused(test, -EUCLEAN, "two runs in more blocks than there are");
}

/*
 * Goal: an extent of the log is named once, and is the host's.
 * Method: the log in two halves, of one extent; a manifest that says that data was
 * moved there.
 */
static void no_extent_of_the_log_is_something_else(struct kunit *test)
{
	struct forge *f = anew(test);
	struct shard_super_record *r = f->record;
	struct shardblk_item_extent *e;
	u32 copy, i, found = 0;

	KUNIT_ASSERT_GE(test, (u32)r->nr_log, 1u);
	memmove(r->extents + 1, r->extents, (r->nr_log + r->nr_assigned) *
		sizeof(r->extents[0]));
	r->nr_log++;
	r->extents[0].end = r->extents[0].start + 2;
	r->extents[1].start = r->extents[0].end;
	forge_record(f);
	expect_refused(test, -EUCLEAN, "an extent twice in the log");

	f = anew(test);
	for (copy = 0; copy < SHARDBLK_MANIFEST_COPIES; copy++) {
		for (i = 0; (e = forge_item(f, copy, SHARDBLK_ITEM_EXTENT, i)); i++) {
			if (le32_to_cpu(e->extent) != f->record->extents[0].extent)
				continue;
			e->stream = SHARDBLK_STREAM_RELOC0;
			e->live = cpu_to_le32(1);
			forge_manifest(f, copy);
			found++;
		}
	}
	KUNIT_ASSERT_EQ(test, found, 2u);
	expect_refused(test, -EUCLEAN, "moved data in the log");
}

/*
 * Goal: a record whose checksum is right is no promise that its device fits.
 * Method: as many logical blocks as a record may say.
 */
static void a_record_cannot_promise_what_does_not_fit(struct kunit *test)
{
	struct forge *f = anew(test);

	f->record->logical_blocks = SHARDBLK_LOGICAL_BLOCKS_MAX;
	f->record->nr_extents = SHARDBLK_SUPER_EXTENTS + 1;
	f->record->nr_log = 0;
	f->record->nr_assigned = 0;
	memset(f->record->manifest, 0, sizeof(f->record->manifest));
	forge_record(f);
	expect_refused(test, -EUCLEAN, "one extent");
}

/* ---- runs ---- */

/*
 * Goal: a run that is not what its manifest says is found, and not believed.
 * Method: its pages are changed, and all checksums that lead there.
 */
static void a_run_cannot_lie(struct kunit *test)
{
	struct hostile *h = test->priv;
	struct shardblk_run_page *page;
	struct shardblk_leaf_entry *e;
	struct shardblk_item_run *run;
	struct forge *f = anew(test);
	u32 copy;

	e = (void *)(forge_run_page(f, 0) + 1);
	e->lba = cpu_to_le64(TESTDEV_BLOCKS);
	forge_run(f, 0);
	expect_found(test, "index: page 0 ", "a block behind the end");

	f = anew(test);
	e = (void *)(forge_run_page(f, 0) + 1);
	e->lba = cpu_to_le64(TESTDEV_BLOCKS - 1);
	forge_run(f, 0);
	expect_found(test, "index: page 0 ", "blocks across the end");

	f = anew(test);
	e = (void *)(forge_run_page(f, 0) + 1);
	e->generation = cpu_to_le32(99);
	forge_run(f, 0);
	expect_found(test, "index: block 0 has a stale locator", "another life");

	f = anew(test);
	page = forge_run_page(f, 1);
	KUNIT_ASSERT_EQ(test, page->level, 1);
	page->level = 2;
	forge_run(f, 1);
	expect_found(test, "index: page 2 ", "another level");
	KUNIT_ASSERT_EQ(test, testdev_open(h->dev), 0);
	KUNIT_EXPECT_EQ(test, testdev_read(h->dev, 20), -EIO);
	KUNIT_EXPECT_EQ(test, testdev_read(h->dev, 20), -EIO);
	KUNIT_EXPECT_EQ(test, testdev_read(h->dev, 0), 0x11);
	KUNIT_EXPECT_EQ(test, testdev_close(h->dev), 0);

	f = anew(test);
	for (copy = 0; copy < SHARDBLK_MANIFEST_COPIES; copy++) {
		run = forge_item(f, copy, SHARDBLK_ITEM_RUN, 1);
		run->nr_entries = cpu_to_le64(le64_to_cpu(run->nr_entries) + 1);
		forge_manifest(f, copy);
	}
	expect_found(test, "index: run ", "entries that are not there");
}

/*
 * Goal: leaves of a run are in order, and their locators of today, whatever
 * their checksums say; a stale one that nobody can see is none.
 * Method: the older run's leaves; of its blocks the newer run has 0, 2 and 4.
 */
static void leaves_of_a_run_cannot_lie(struct kunit *test)
{
	struct shardblk_leaf_entry *e, *newer;
	struct shardblk_item_extent *item;
	struct forge *f = anew(test);
	u32 copy, i, extent;

	e = (void *)(forge_run_leaf(f, 1, 1) + 1);
	e->lba = cpu_to_le64(3);
	forge_leaf(f, 1, 1);
	expect_found(test, "index: page 1 ", "a leaf that begins too early");

	f = anew(test);
	e = (void *)(forge_run_leaf(f, 1, 0) + 1);
	newer = (void *)(forge_run_page(f, 0) + 1);
	KUNIT_ASSERT_EQ(test, le64_to_cpu(e->lba), le64_to_cpu(newer->lba));
	e->extent = newer->extent;
	e->block = newer->block;
	e->generation = cpu_to_le32(99);
	forge_leaf(f, 1, 0);
	expect_found(test, "", "a stale entry, hidden by what took its place");

	/* the newer run lies where nothing is said to be live */
	f = anew(test);
	e = (void *)(forge_run_page(f, 0) + 1);
	extent = le32_to_cpu(e->extent);
	for (copy = 0; copy < SHARDBLK_MANIFEST_COPIES; copy++) {
		for (i = 0; (item = forge_item(f, copy, SHARDBLK_ITEM_EXTENT, i)); i++)
			if (le32_to_cpu(item->extent) == extent)
				item->live = 0;
		forge_manifest(f, copy);
	}
	f->record->nr_log = 0;
	f->record->nr_assigned = 0;
	f->record->durable_seq = f->record->checkpoint_seq;
	forge_record(f);
	expect_found(test, "index: block 0 has a stale locator", "a free extent");
}

/*
 * Goal: without memory a check of several runs fails as that.
 * Method: let each allocation fail in turn.
 */
static void without_memory_no_image_is_checked(struct kunit *test)
{
	struct hostile *h = test->priv;
	struct findings *f = kunit_kzalloc(test, sizeof(*f), GFP_KERNEL);
	bool struck = true;
	int err = 0;
	u32 n;

	KUNIT_ASSERT_NOT_NULL(test, f);
	f->report.damage = found;
	anew(test);
	KUNIT_ASSERT_EQ(test, testdev_open(h->dev), 0);
	for (n = 1; n < ALLOC_FAULT_MAX && struck; n++) {
		alloc_fault_arm(n);
		err = shard_check(h->dev->device, true, &f->report);
		struck = alloc_fault_disarm();
		if (err)
			KUNIT_EXPECT_EQ(test, err, -ENOMEM);
		KUNIT_EXPECT_EQ_MSG(test, f->report.nr_damaged, 0ull, "%s",
				    f->first);
	}
	KUNIT_EXPECT_EQ(test, err, 0);
}

/*
 * Goal: what is live in an extent is counted anew by a check.
 * Method: one copy of the manifest says one block more.
 */
static void miscounted_extents_are_found(struct kunit *test)
{
	struct shardblk_item_extent *e;
	struct forge *f = anew(test);
	u32 i;

	for (i = 0; (e = forge_item(f, 1, SHARDBLK_ITEM_EXTENT, i)); i++)
		if (e->stream == SHARDBLK_STREAM_HOST && e->live)
			break;
	KUNIT_ASSERT_NOT_NULL(test, e);
	e->live = cpu_to_le32(le32_to_cpu(e->live) - 1);
	forge_manifest(f, 1);
	expect_found(test, "manifest: copy 1 miscounts extent ", "live");
}

/*
 * Goal: where a manifest says too little of what is live, a checkpoint finds that
 * it would be less than nothing, and fails; no manifest is made of that.
 * Method: one block is live; overwrite five.
 */
static void a_checkpoint_finds_counts_that_lie(struct kunit *test)
{
	struct hostile *h = test->priv;
	struct shardblk_item_extent *e;
	struct forge *f = anew(test);
	u32 copy, i;

	for (copy = 0; copy < SHARDBLK_MANIFEST_COPIES; copy++) {
		for (i = 0; (e = forge_item(f, copy, SHARDBLK_ITEM_EXTENT, i)); i++)
			if (e->stream == SHARDBLK_STREAM_HOST && e->live)
				e->live = cpu_to_le32(1);
		forge_manifest(f, copy);
	}
	h->dev->options.read_only = false;
	KUNIT_ASSERT_EQ(test, testdev_open(h->dev), 0);
	KUNIT_EXPECT_EQ(test, testdev_write(h->dev, 0, 5, 0x71), 0);
	KUNIT_EXPECT_NE(test, shard_device_checkpoint(h->dev->device), 0);
	testdev_expect(h->dev, 0, 5, 0x71);
}

/* ---- the log ---- */

/* The frame so many blocks behind the beginning of the log. */
static struct shardblk_frame *frame_at(struct forge *f, u32 blocks)
{
	return forge_block(f, f->record->extents[0].extent,
			   f->record->extents[0].start + blocks);
}

static void frame_seal(struct forge *f, struct shardblk_frame *d)
{
	shard_record_seal(&d->h, SHARDBLK_FRAME_MAGIC, le32_to_cpu(d->h.len),
			  f->seed);
}

/*
 * Goal: a frame of the log cannot map what the device does not have.
 * Method: its only entry lies behind the end, or goes across it.
 */
static void a_frame_cannot_go_past_the_end(struct kunit *test)
{
	struct forge *f = anew(test);
	struct shardblk_frame *d = frame_at(f, 0);

	KUNIT_ASSERT_EQ(test, le64_to_cpu(d->entries[0].lba), 60ull);
	d->entries[0].lba = cpu_to_le64(TESTDEV_BLOCKS);
	frame_seal(f, d);
	expect_refused(test, -EUCLEAN, "behind the end");
	f = anew(test);
	d = frame_at(f, 0);
	d->entries[0].kind = SHARDBLK_ENTRY_DISCARD;
	d->entries[0].nr_blocks = cpu_to_le32(TESTDEV_BLOCKS);
	d->nr_blocks = 0;
	d->h.len = cpu_to_le32(sizeof(*d) + sizeof(d->entries[0]));
	frame_seal(f, d);
	expect_refused(test, -EUCLEAN, "across the end");
}

/* It can be opened, and this block is full of that byte. */
static void expect_read(struct kunit *test, u64 lba, u8 fill)
{
	struct hostile *h = test->priv;

	KUNIT_ASSERT_EQ(test, testdev_open(h->dev), 0);
	KUNIT_EXPECT_EQ(test, testdev_read(h->dev, lba), fill);
	KUNIT_EXPECT_EQ(test, testdev_close(h->dev), 0);
}

/*
 * Goal: a frame of another stream, or of more than its extent holds, is none of
 * the log; where one is known to have been durable that is damage.
 * Method: such a header, well sealed, is put in the place of the last frame.
 */
static void a_frame_of_the_log_is_of_the_host(struct kunit *test)
{
	struct forge *f = anew(test);
	struct shardblk_frame *d = frame_at(f, 2);
	u32 room = TESTDEV_EXTENT_BLOCKS - f->record->extents[0].start - 2;

	d->stream = SHARDBLK_STREAM_INDEX;
	d->entries[0].kind = SHARDBLK_ENTRY_RUN;
	d->seq = 0;
	d->durable_seq = 0;
	frame_seal(f, d);
	expect_read(test, 62, 0);

	f = anew(test);
	d = frame_at(f, 2);
	d->entries[0].nr_blocks = cpu_to_le32(room);
	d->nr_blocks = cpu_to_le16(room);
	d->h.len = cpu_to_le32(sizeof(*d) + sizeof(d->entries[0]) +
			       room * sizeof(__le32));
	frame_seal(f, d);
	expect_read(test, 62, 0);
}

/*
 * Goal: an extent that is assigned twice is one.
 * Method: the record names it twice.
 */
static void an_extent_may_be_named_again(struct kunit *test)
{
	struct forge *f = anew(test);
	struct shard_super_record *r = f->record;
	u32 nr = r->nr_log + r->nr_assigned;

	r->extents[nr] = (struct shard_super_extent){
		.extent = TESTDEV_EXTENTS - 1, .generation = 1,
		.end = SHARDBLK_END_OPEN,
	};
	r->extents[nr + 1] = r->extents[nr];
	r->nr_assigned += 2;
	forge_record(f);
	expect_found(test, "", "an extent assigned twice");
}

/*
 * Goal: a log that no memtable holds is refused, and not what a larger one holds.
 * Method: many frames, none of them in a run; few entries.
 */
static void a_log_that_no_memtable_holds_is_refused(struct kunit *test)
{
	struct hostile *h = test->priv;
	struct testdev *dev = h->dev;
	u32 i;

	fake_restore(dev->fake, h->image);
	dev->options.read_only = false;
	KUNIT_ASSERT_EQ(test, testdev_open(dev), 0);
	for (i = 0; i < 24; i++)
		KUNIT_EXPECT_EQ(test, testdev_write(dev, 64 + 2 * i, 1, i), 0);
	KUNIT_EXPECT_EQ(test, testdev_flush(dev), 0);
	testdev_crash(dev);
	dev->options.memtable_entries = 8;
	expect_refused(test, -ENOMEM, "few entries");
	dev->options.memtable_entries = 64;
	expect_read(test, 64 + 46, 23);
}

/*
 * Goal: a log that begins before the checkpoint is as good: what the runs have
 * is passed over.
 * Method: the record names the beginning of the extent.
 */
static void a_log_may_begin_before_the_checkpoint(struct kunit *test)
{
	struct forge *f = anew(test);

	KUNIT_ASSERT_GT(test, f->record->extents[0].start, 0u);
	f->record->extents[0].start = 0;
	forge_record(f);
	expect_read(test, 60, 0x31);
	expect_read(test, 4, 0x15);
}

static struct kunit_case hostile_cases[] = {
	KUNIT_CASE(a_manifest_cannot_lie_about_extents),
	KUNIT_CASE(a_manifest_cannot_lie_about_runs),
	KUNIT_CASE(items_of_a_manifest_belong_together),
	KUNIT_CASE(pages_of_a_manifest_belong_together),
	KUNIT_CASE(a_chain_of_pieces_stays_inside_and_ends),
	KUNIT_CASE(a_chain_of_pieces_is_not_longer_than_a_manifest),
	KUNIT_CASE(no_extent_is_of_two_lives),
	KUNIT_CASE(no_extent_of_the_log_is_something_else),
	KUNIT_CASE(a_record_cannot_promise_what_does_not_fit),
	KUNIT_CASE(a_run_cannot_lie),
	KUNIT_CASE(leaves_of_a_run_cannot_lie),
	KUNIT_CASE(without_memory_no_image_is_checked),
	KUNIT_CASE(miscounted_extents_are_found),
	KUNIT_CASE(a_checkpoint_finds_counts_that_lie),
	KUNIT_CASE(a_frame_cannot_go_past_the_end),
	KUNIT_CASE(a_frame_of_the_log_is_of_the_host),
	KUNIT_CASE(an_extent_may_be_named_again),
	KUNIT_CASE(a_log_that_no_memtable_holds_is_refused),
	KUNIT_CASE(a_log_may_begin_before_the_checkpoint),
	{}
};

static struct kunit_suite hostile_suite = {
	.name = "shardblk-hostile",
	.init = hostile_init,
	.exit = hostile_exit,
	.test_cases = hostile_cases,
};

kunit_test_suites(&hostile_suite);
