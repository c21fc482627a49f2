// SPDX-License-Identifier: GPL-2.0-only
/*
 * Manifest: both copies come back, and nothing else is taken for one.
 */
#include <kunit/test.h>

#include "forge.h"
#include "rig.h"
#include "../kmod/core/device.h"

static int manifest_init(struct kunit *test)
{
	test->priv = rig_create(test, 512);
	return 0;
}

static void manifest_exit(struct kunit *test)
{
	rig_destroy(test->priv);
}

/*
 * Goal: both copies of a manifest give back extents and run; a long one is a
 * chain of pieces.
 * Method: a run made by hand, and frames that hold two pages only.
 */
static void both_copies_of_a_manifest_come_back(struct kunit *test)
{
	struct rig *rig = test->priv;
	struct shard_store *store = &rig->store;
	struct shard_manifest_image image;
	struct shard_run *run = shard_run_create(8), *back;
	struct shard_runs runs = { .nr = 2 };
	struct shard_dep dep;
	u32 i, copy;

	KUNIT_ASSERT_NOT_NULL(test, run);
	runs.run[0] = run;
	run->id = 5;
	run->stream = SHARDBLK_STREAM_MERGE;
	run->height = 4;
	run->nr_pages = 16;
	run->nr_entries = 4000;
	run->root_csum = 77;
	for (i = 0; i < 8; i++) {
		run->chunks[i].first_page = 2 * i;
		run->chunks[i].nr_blocks = 2;
		run->chunks[i].place.extent = 4 + i % 60;
		run->chunks[i].place.generation = 1;
		run->chunks[i].place.block = 1 + i % 13;
	}
	runs.run[1] = shard_run_create(1);
	KUNIT_ASSERT_NOT_NULL(test, runs.run[1]);
	runs.run[1]->id = 4;
	runs.run[1]->stream = SHARDBLK_STREAM_INDEX;
	runs.run[1]->height = 1;
	runs.run[1]->nr_pages = 1;
	runs.run[1]->chunks[0] = run->chunks[0];
	runs.run[1]->chunks[0].nr_blocks = 1;
	store->frame_blocks = 2;
	for (i = 4; i < RIG_EXTENTS; i++)
		shard_extent_restore_generation(store->ex, i, i, true);
	shard_dep_init(&dep, store->wb);
	KUNIT_ASSERT_EQ(test, shard_manifest_write(store, &runs, 99, NULL, &dep,
						   rig->record->manifest), 0);
	KUNIT_ASSERT_EQ(test, shard_dep_wait(&dep), 0);
	rig->record->checkpoint_seq = 99;
	for (copy = 0; copy < SHARDBLK_MANIFEST_COPIES; copy++) {
		KUNIT_ASSERT_EQ(test, shard_manifest_read(store, rig->record,
							  copy, &image), 0);
		KUNIT_EXPECT_EQ(test, image.seq, 99ull);
		KUNIT_EXPECT_EQ(test, image.nr_extents, RIG_EXTENTS - 4u);
		KUNIT_EXPECT_EQ(test, image.extents[9].extent.extent, 13u);
		KUNIT_EXPECT_EQ(test, image.extents[9].extent.generation, 13u);
		KUNIT_EXPECT_EQ(test, image.nr_pieces, 3u);
		KUNIT_ASSERT_EQ(test, image.runs.nr, 2u);
		back = image.runs.run[0];
		KUNIT_EXPECT_EQ(test, back->nr_chunks, 8u);
		KUNIT_EXPECT_EQ(test, memcmp(back, run, sizeof(*run) +
					     8 * sizeof(run->chunks[0])), 0);
		KUNIT_EXPECT_EQ(test, image.runs.run[1]->id, 4ull);
		KUNIT_EXPECT_EQ(test, image.runs.run[1]->stream,
				(u8)SHARDBLK_STREAM_INDEX);
		KUNIT_EXPECT_EQ(test, image.runs.run[1]->nr_chunks, 1u);
		shard_manifest_free(&image);
	}
	shard_runs_destroy(&runs);
}

static int read_copy(struct rig *rig, u32 copy)
{
	struct shard_manifest_image image;
	int err = shard_manifest_read(&rig->store, rig->record, copy, &image);

	shard_manifest_free(&image);
	return err;
}

/*
 * Goal: a copy that is wrong, of another checkpoint, or cannot be read is an
 * error.
 * Method: each of these.
 */
static void a_wrong_manifest_is_refused(struct kunit *test)
{
	struct rig *rig = test->priv;
	struct shard_store *store = &rig->store;
	struct shard_super_record *r = rig->record;
	static const struct shard_runs none;
	struct shard_dep dep;
	u64 at;

	shard_dep_init(&dep, store->wb);
	KUNIT_ASSERT_EQ(test, shard_manifest_write(store, &none, 99, NULL, &dep,
						   r->manifest), 0);
	KUNIT_ASSERT_EQ(test, shard_dep_wait(&dep), 0);
	r->checkpoint_seq = 98;
	KUNIT_EXPECT_EQ(test, read_copy(rig, 0), -EBADMSG);
	r->checkpoint_seq = 99;
	swap(r->manifest[0], r->manifest[1]);
	KUNIT_EXPECT_EQ(test, read_copy(rig, 0), -EBADMSG);
	swap(r->manifest[0], r->manifest[1]);
	r->manifest[0].place.extent = 3;
	KUNIT_EXPECT_EQ(test, read_copy(rig, 0), -EBADMSG);
	r->manifest[0].place.extent = RIG_EXTENTS;
	KUNIT_EXPECT_EQ(test, read_copy(rig, 0), -EBADMSG);
	r->manifest[0].place = r->manifest[1].place;
	KUNIT_EXPECT_EQ(test, read_copy(rig, 0), -EBADMSG);
	at = shard_store_offset(store, r->manifest[1].place.extent,
				r->manifest[1].place.block);
	fake_rot(rig->fake, at + 500);
	KUNIT_EXPECT_EQ(test, read_copy(rig, 1), -EBADMSG);
	fake_rot(rig->fake, at + 500);
	fake_fail(rig->fake, SHARD_IO_READ, -EIO, 0);
	KUNIT_EXPECT_EQ(test, read_copy(rig, 1), -EIO);
	fake_heal(rig->fake);
	KUNIT_EXPECT_EQ(test, read_copy(rig, 1), 0);
}

/* The manifest of this device takes two extents when all of its own are known. */
#define LONG_EXTENTS	256u

/*
 * Goal: of a copy that cannot be read in the middle all that leads there is kept,
 * and the piece itself: each may be readable at the next start (O6).
 * Method: a manifest of several extents; the piece before the last cannot be read.
 */
static void all_that_is_known_of_a_lost_copy_is_kept(struct kunit *test)
{
	struct testdev *dev = testdev_create(test, true, false);
	const struct shard_piece *last;
	const struct shardblk_piece *prev;
	struct shard_extent e;
	struct forge *f;
	u32 i;

	KUNIT_ASSERT_EQ(test, testdev_close(dev), 0);
	fake_backend_destroy(dev->fake);
	dev->fake = fake_backend_create(test, LONG_EXTENTS * dev->format.extent_size,
					true, false);
	KUNIT_ASSERT_EQ(test, testdev_format(dev), 0);
	KUNIT_ASSERT_EQ(test, testdev_open(dev), 0);
	/* two fill an extent */
	for (i = 0; i < 2 * LONG_EXTENTS; i++)
		KUNIT_ASSERT_EQ(test, testdev_write(dev, 5 * i % 120, 5, i), 0);
	KUNIT_ASSERT_EQ(test, shard_device_checkpoint(dev->device), 0);
	KUNIT_ASSERT_EQ(test, testdev_close(dev), 0);

	f = forge_begin(dev);
	last = &f->record->manifest[1];
	prev = &forge_page(f, 1, 0)->prev;
	KUNIT_ASSERT_NE(test, le32_to_cpu(prev->nr_blocks), 0u);
	KUNIT_ASSERT_NE(test, le32_to_cpu(prev->extent), last->place.extent);
	dev->fake->bad_offset = le32_to_cpu(prev->extent) *
				dev->format.extent_size +
				le32_to_cpu(prev->block) * TESTDEV_BLOCK;
	dev->options.read_only = true;
	KUNIT_ASSERT_EQ(test, testdev_open(dev), 0);
	shard_extent_get(dev->device->store.ex, last->place.extent, &e);
	KUNIT_EXPECT_EQ(test, e.state, SHARD_EXTENT_SEALED);
	KUNIT_EXPECT_EQ(test, e.stream, SHARDBLK_STREAM_META1);
	shard_extent_get(dev->device->store.ex, le32_to_cpu(prev->extent), &e);
	KUNIT_EXPECT_EQ(test, e.state, SHARD_EXTENT_SEALED);
	KUNIT_EXPECT_EQ(test, e.stream, SHARDBLK_STREAM_META1);
	testdev_destroy(dev);
}

static struct kunit_case manifest_cases[] = {
	KUNIT_CASE(both_copies_of_a_manifest_come_back),
	KUNIT_CASE(a_wrong_manifest_is_refused),
	KUNIT_CASE(all_that_is_known_of_a_lost_copy_is_kept),
	{}
};

static struct kunit_suite manifest_suite = {
	.name = "shardblk-manifest",
	.init = manifest_init,
	.exit = manifest_exit,
	.test_cases = manifest_cases,
};

kunit_test_suites(&manifest_suite);
