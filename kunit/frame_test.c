// SPDX-License-Identifier: GPL-2.0-only
/*
 * Chunk store: frames, and the writer of metadata.
 */
#include "block_sizes.h"

#include "alloc_fault.h"
#include "rig.h"

#define HOST	SHARDBLK_STREAM_HOST
#define INDEX	SHARDBLK_STREAM_INDEX
#define META1	SHARDBLK_STREAM_META1

static int frame_init(struct kunit *test)
{
	test->priv = rig_create(test, test->param_value ? block_size_of(test) :
							  512);
	return 0;
}

static void frame_exit(struct kunit *test)
{
	rig_destroy(test->priv);
}

static void nothing_done(struct shard_append *append)
{
}

/* Reads the header at a place on the medium. */
static int header_read(struct rig *rig, const struct shard_place *place,
		       struct shard_frame_header *h)
{
	return shard_frame_decode(rig->fake->media +
				  shard_store_offset(&rig->store, place->extent,
						     place->block),
				  rig->store.block_size, rig->store.seed, place,
				  h);
}

/* Begins to write to a stream as if @blocks pages were to come. */
static int begin(struct rig *rig, struct shard_writer *w, u32 stream,
		 struct shard_dep *dep, u64 blocks)
{
	u8 kind = stream == INDEX ? SHARDBLK_ENTRY_RUN :
				    SHARDBLK_ENTRY_MANIFEST;

	return shard_writer_begin(w, &rig->store, stream, kind, 1, dep, blocks);
}

static struct shard_frame_header *header_alloc(struct kunit *test)
{
	struct shard_frame_header *h =
		kunit_kzalloc(test, sizeof(*h), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, h);
	return h;
}

/*
 * Goal: what a frame carries is on the medium as its header says.
 * Method: two writes from odd pieces of memory and a discard in one frame;
 * read the header back and compare payload and checksums.
 */
static void a_frame_is_on_the_medium_as_its_header_says(struct kunit *test)
{
	struct rig *rig = test->priv;
	struct shard_store *store = &rig->store;
	u32 size = store->block_size, i;
	struct shard_frame *frame = shard_frame_create(store, store->frame_blocks);
	struct shard_frame_header *h = header_alloc(test);
	u8 *data = kunit_kzalloc(test, 3 * size, GFP_KERNEL);
	struct shard_seg segs[3] = {
		{ data, 4 }, { data + 4, size }, { data + 4 + size, size - 4 },
	};
	struct shard_seg whole = { data + 2 * size, size };
	const u8 *payload;

	KUNIT_ASSERT_NOT_NULL(test, data);
	KUNIT_ASSERT_NOT_NULL(test, frame);
	for (i = 0; i < 3 * size; i++)
		data[i] = i * 7 + i / size;
	rig_open(test, rig, HOST);
	shard_frame_begin(frame, HOST);
	KUNIT_EXPECT_EQ(test, shard_frame_add(store, frame, 15,
					      SHARDBLK_ENTRY_WRITE, 8, 2), 0);
	KUNIT_EXPECT_EQ(test, shard_frame_add(store, frame, 15,
					      SHARDBLK_ENTRY_DISCARD, 0, 9), 2);
	KUNIT_EXPECT_EQ(test, shard_frame_add(store, frame, 15,
					      SHARDBLK_ENTRY_WRITE, 3, 1), 2);
	KUNIT_ASSERT_TRUE(test, shard_frame_place(store, frame, 40));
	shard_frame_copy(store, frame, 0, segs, 2);
	shard_frame_copy(store, frame, 2, &whole, 1);
	shard_frame_seal(store, frame, 39);
	frame->append.done = nothing_done;
	shard_frame_append(store, frame, SHARD_QUEUE_HOST);

	KUNIT_ASSERT_EQ(test, header_read(rig, &frame->place, h), 0);
	KUNIT_EXPECT_EQ(test, h->seq, 40ull);
	KUNIT_EXPECT_EQ(test, h->durable_seq, 39ull);
	KUNIT_EXPECT_EQ(test, h->nr_entries, 3);
	KUNIT_EXPECT_EQ(test, h->nr_blocks, 3);
	payload = rig->fake->media +
		  shard_store_offset(store, frame->place.extent, 1);
	KUNIT_EXPECT_EQ(test, memcmp(payload, data, 3 * size), 0);
	for (i = 0; i < 3; i++)
		KUNIT_EXPECT_EQ(test, h->csums[i],
				crc32c(store->seed, data + i * size, size));
	shard_frame_destroy(frame);
}

/*
 * Goal: a frame takes what fits: payload within its room, header within its
 * block; a refused chunk leaves it as it was.
 * Method: add up to the bounds, and one more.
 */
static void a_frame_takes_what_fits(struct kunit *test)
{
	struct rig *rig = test->priv;
	struct shard_store *store = &rig->store;
	struct shard_frame *frame = shard_frame_create(store, store->frame_blocks);
	u32 nr = 0;

	KUNIT_ASSERT_NOT_NULL(test, frame);
	shard_frame_begin(frame, HOST);
	KUNIT_EXPECT_EQ(test, shard_frame_add(store, frame, 10,
					      SHARDBLK_ENTRY_WRITE, 0, 11), -1);
	KUNIT_EXPECT_EQ(test, shard_frame_add(store, frame, 10,
					      SHARDBLK_ENTRY_WRITE, 0, U32_MAX),
			-1);
	KUNIT_EXPECT_EQ(test, shard_frame_add(store, frame, 10,
					      SHARDBLK_ENTRY_WRITE, 0, 9), 0);
	KUNIT_EXPECT_EQ(test, shard_frame_add(store, frame, 10,
					      SHARDBLK_ENTRY_WRITE, 0, 2), -1);
	KUNIT_EXPECT_EQ(test, frame->header.nr_entries, 1);
	KUNIT_EXPECT_EQ(test, shard_frame_add(store, frame, 10,
					      SHARDBLK_ENTRY_WRITE, 0, 1), 9);
	while (shard_frame_add(store, frame, 10, SHARDBLK_ENTRY_DISCARD, 0,
			       U32_MAX) >= 0)
		nr++;
	KUNIT_EXPECT_EQ(test, nr, (512 - 64 - 10 * 4) / 16 - 2u);
	KUNIT_EXPECT_EQ(test, frame->header.nr_blocks, 10);
	/* begun anew, it is empty */
	shard_frame_begin(frame, INDEX);
	KUNIT_EXPECT_EQ(test, frame->header.nr_entries, 0);
	KUNIT_EXPECT_EQ(test, frame->header.nr_blocks, 0);
	shard_frame_destroy(frame);
}

/*
 * Goal: without an open extent there is no place.
 * Method: place before any is open, and after it was sealed for an error.
 */
static void without_an_open_extent_there_is_no_place(struct kunit *test)
{
	struct rig *rig = test->priv;
	struct shard_store *store = &rig->store;
	struct shard_frame *frame = shard_frame_create(store, store->frame_blocks);

	KUNIT_ASSERT_NOT_NULL(test, frame);
	shard_frame_begin(frame, HOST);
	shard_frame_add(store, frame, 10, SHARDBLK_ENTRY_DISCARD, 0, 1);
	KUNIT_EXPECT_FALSE(test, shard_frame_place(store, frame, 1));
	rig_open(test, rig, HOST);
	KUNIT_EXPECT_TRUE(test, shard_frame_place(store, frame, 1));
	KUNIT_EXPECT_EQ(test, shard_extents_room(store->ex, HOST),
			(u32)RIG_EXTENT_BLOCKS - 1);
	shard_extents_seal(store->ex, frame->place.extent);
	KUNIT_EXPECT_FALSE(test, shard_frame_place(store, frame, 2));
	shard_frame_destroy(frame);
}

/* ---- writer ---- */

/* Puts @nr pages, page i full of bytes i + 1; notes where they lie. */
static int put_pages(struct shard_writer *w, u32 nr, struct shard_place *places)
{
	u32 i;
	int err = 0;

	for (i = 0; i < nr && !err; i++) {
		void *page;

		err = shard_writer_page(w, &places[i], &page);
		if (err)
			break;
		memset(page, i + 1, w->store->block_size);
		err = shard_writer_page_done(w);
	}
	return err ? err : shard_writer_flush(w);
}

/*
 * Goal: pages lie where the writer said, in frames that list them; what does
 * not fit into one extent goes on in the next.
 * Method: 20 pages on extents of 15; verify each on the medium.
 */
static void pages_lie_where_the_writer_said(struct kunit *test)
{
	struct rig *rig = test->priv;
	struct shard_store *store = &rig->store;
	struct shard_frame_header *h = header_alloc(test);
	struct shard_place at, places[20];
	struct shard_writer w;
	struct shard_dep dep;
	u32 i;

	shard_dep_init(&dep, store->wb);
	KUNIT_ASSERT_EQ(test, shard_writer_begin(&w, store, INDEX,
						 SHARDBLK_ENTRY_RUN, 77, &dep,
						 20), 0);
	KUNIT_ASSERT_EQ(test, put_pages(&w, 20, places), 0);
	KUNIT_ASSERT_EQ(test, shard_writer_end(&w), 0);
	KUNIT_EXPECT_EQ(test, shard_dep_wait(&dep), 0);
	for (i = 0; i < 20; i++) {
		const u8 *page = rig->fake->media +
			shard_store_offset(store, places[i].extent,
					   places[i].block);

		KUNIT_EXPECT_EQ(test, page[0], i + 1);
		KUNIT_EXPECT_EQ(test, page[store->block_size - 1], i + 1);
		KUNIT_EXPECT_EQ(test, places[i].generation, 1u);
	}
	at = places[0];
	at.block--;
	KUNIT_ASSERT_EQ(test, header_read(rig, &at, h), 0);
	KUNIT_EXPECT_EQ(test, h->stream, INDEX);
	KUNIT_EXPECT_EQ(test, h->nr_entries, 1);
	KUNIT_EXPECT_EQ(test, h->entries[0].kind, SHARDBLK_ENTRY_RUN);
	KUNIT_EXPECT_EQ(test, h->entries[0].lba, 77ull);
	KUNIT_EXPECT_EQ(test, h->nr_blocks, 15);
	KUNIT_EXPECT_NE(test, places[15].extent, places[0].extent);
	KUNIT_EXPECT_EQ(test, rig_stat(rig, index_writes), 2ull);
}

/*
 * Goal: a writer ends with its first failure; what it still has in hand is not
 * written.
 * Method: a frame fails while the next one is filled; then two in flight fail.
 */
static void a_writer_ends_with_its_first_failure(struct kunit *test)
{
	struct rig *rig = test->priv;
	struct shard_store *store = &rig->store;
	struct shard_place places[2];
	struct shard_writer w;
	struct shard_dep dep;
	void *page;

	store->frame_blocks = 1;
	rig_open(test, rig, INDEX);
	shard_dep_init(&dep, store->wb);
	KUNIT_ASSERT_EQ(test, begin(rig, &w, INDEX, &dep, 2), 0);
	rig->fake->mode[SHARD_IO_APPEND] = FAKE_HELD;
	fake_fail(rig->fake, SHARD_IO_APPEND, -ENODEV, 0);
	KUNIT_ASSERT_EQ(test, put_pages(&w, 1, places), 0);
	KUNIT_ASSERT_EQ(test, shard_writer_page(&w, &places[1], &page), 0);
	fake_release_all(rig->fake);
	fake_counts_clear(rig->fake);
	KUNIT_EXPECT_EQ(test, shard_writer_page_done(&w), -ENODEV);
	KUNIT_EXPECT_EQ(test, shard_writer_end(&w), -ENODEV);
	KUNIT_EXPECT_EQ(test, shard_dep_wait(&dep), -ENODEV);
	KUNIT_EXPECT_EQ(test, rig->fake->nr[SHARD_IO_APPEND], 0ull);

	fake_mode_set(rig->fake, FAKE_AT_ONCE);
	fake_heal(rig->fake);
	rig_open(test, rig, INDEX);
	shard_dep_init(&dep, store->wb);
	KUNIT_ASSERT_EQ(test, begin(rig, &w, INDEX, &dep, 2), 0);
	rig->fake->mode[SHARD_IO_APPEND] = FAKE_HELD;
	fake_fail(rig->fake, SHARD_IO_APPEND, -ENODEV, 0);
	KUNIT_ASSERT_EQ(test, put_pages(&w, 1, places), 0);
	KUNIT_ASSERT_EQ(test, put_pages(&w, 1, places), 0);
	KUNIT_EXPECT_GE(test, fake_nr_pending(rig->fake), 1u);
	fake_release_all(rig->fake);
	KUNIT_EXPECT_EQ(test, shard_writer_end(&w), -ENODEV);
	KUNIT_EXPECT_EQ(test, shard_dep_wait(&dep), -ENODEV);
}

/*
 * Goal: what fits into one extent is not split over two.
 * Method: leave less room than is needed, then begin; as much as just fits.
 */
static void what_fits_into_one_extent_is_not_split(struct kunit *test)
{
	struct rig *rig = test->priv;
	struct shard_store *store = &rig->store;
	static const u32 nr[] = { 10, 15 };
	struct shard_place places[15];
	struct shard_writer w;
	struct shard_dep dep;
	u32 round;

	shard_dep_init(&dep, store->wb);
	for (round = 0; round < 2; round++) {
		KUNIT_ASSERT_EQ(test, begin(rig, &w, META1, &dep, nr[round]),
				0);
		KUNIT_EXPECT_EQ(test, put_pages(&w, nr[round], places), 0);
		KUNIT_EXPECT_EQ(test, shard_writer_end(&w), 0);
		KUNIT_EXPECT_EQ(test, places[0].block, 1u);
		KUNIT_EXPECT_EQ(test, places[nr[round] - 1].block,
				nr[round]);
	}
	KUNIT_EXPECT_EQ(test, rig_stat(rig, meta_writes), 2ull);
	KUNIT_EXPECT_EQ(test, shard_extents_nr_used(store->ex, META1), 2u);
}

/*
 * Goal: after a failed write the writer ends with its error, its dependency
 * fails, and nothing more goes to that extent (O1).
 * Method: fail the first frame of several.
 */
static void a_failed_write_ends_the_writer(struct kunit *test)
{
	struct rig *rig = test->priv;
	struct shard_store *store = &rig->store;
	struct shard_place places[30];
	struct shard_writer w;
	struct shard_dep dep;

	rig_open(test, rig, INDEX);
	shard_dep_init(&dep, store->wb);
	KUNIT_ASSERT_EQ(test, begin(rig, &w, INDEX, &dep, 30), 0);
	fake_fail(rig->fake, SHARD_IO_APPEND, -EIO, 1);
	KUNIT_EXPECT_EQ(test, put_pages(&w, 30, places), -EIO);
	KUNIT_EXPECT_EQ(test, shard_writer_end(&w), -EIO);
	KUNIT_EXPECT_EQ(test, shard_dep_wait(&dep), -EIO);
	KUNIT_EXPECT_EQ(test, shard_extents_room(store->ex, INDEX), 0u);
}

/*
 * Goal: a stream that has used up its extents gives -ENOSPC, at once.
 * Method: fill all of the index's.
 */
static void a_stream_without_space_is_told_so(struct kunit *test)
{
	struct rig *rig = test->priv;
	struct shard_store *store = &rig->store;
	struct shard_place places[15];
	struct shard_writer w;
	struct shard_dep dep;
	u32 i;

	shard_dep_init(&dep, store->wb);
	for (i = 0; i < rig->layout.index_extents; i++) {
		KUNIT_ASSERT_EQ(test, begin(rig, &w, INDEX, &dep, 15), 0);
		KUNIT_EXPECT_EQ(test, put_pages(&w, 15, places), 0);
		KUNIT_EXPECT_EQ(test, shard_writer_end(&w), 0);
	}
	KUNIT_EXPECT_EQ(test, begin(rig, &w, INDEX, &dep, 1), -ENOSPC);
	KUNIT_EXPECT_EQ(test, shard_writer_end(&w), -ENOSPC);
}

/*
 * Goal: a writer that waits for an extent of a dead superblock is woken.
 * Method: all writes fail.
 */
static void a_dead_superblock_fails_the_writer(struct kunit *test)
{
	struct rig *rig = test->priv;
	struct shard_writer w;
	struct shard_dep dep;

	shard_dep_init(&dep, rig->store.wb);
	fake_fail(rig->fake, SHARD_IO_APPEND, -EIO, 0);
	KUNIT_EXPECT_EQ(test, begin(rig, &w, INDEX, &dep, 1), -EIO);
	KUNIT_EXPECT_EQ(test, shard_writer_end(&w), -EIO);
}

/*
 * Goal: without memory there is no writer, and nothing leaks; ended it must be.
 * Method: let each allocation fail in turn.
 */
static void without_memory_there_is_no_writer(struct kunit *test)
{
	struct rig *rig = test->priv;
	struct shard_writer w;
	struct shard_dep dep;
	bool struck;
	int err;
	u32 n;

	rig_open(test, rig, INDEX);
	shard_dep_init(&dep, rig->store.wb);
	for (n = 1; n < ALLOC_FAULT_MAX; n++) {
		alloc_fault_arm(n);
		err = begin(rig, &w, INDEX, &dep, 1);
		struck = alloc_fault_disarm();
		if (err)
			KUNIT_EXPECT_EQ(test, err, -ENOMEM);
		KUNIT_EXPECT_EQ(test, shard_writer_end(&w), err);
		if (!struck)
			break;
	}
	KUNIT_EXPECT_EQ(test, err, 0);
}

static struct kunit_case frame_cases[] = {
	KUNIT_CASE_PARAM(a_frame_is_on_the_medium_as_its_header_says,
			 block_size_gen_params),
	KUNIT_CASE(a_frame_takes_what_fits),
	KUNIT_CASE(without_an_open_extent_there_is_no_place),
	KUNIT_CASE_PARAM(pages_lie_where_the_writer_said,
			 block_size_gen_params),
	KUNIT_CASE(a_writer_ends_with_its_first_failure),
	KUNIT_CASE(what_fits_into_one_extent_is_not_split),
	KUNIT_CASE(a_failed_write_ends_the_writer),
	KUNIT_CASE(a_stream_without_space_is_told_so),
	KUNIT_CASE(a_dead_superblock_fails_the_writer),
	KUNIT_CASE(without_memory_there_is_no_writer),
	{}
};

static struct kunit_suite frame_suite = {
	.name = "shardblk-frame",
	.init = frame_init,
	.exit = frame_exit,
	.test_cases = frame_cases,
};

kunit_test_suites(&frame_suite);
