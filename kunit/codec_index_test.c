// SPDX-License-Identifier: GPL-2.0-only
/*
 * Codec: the records that make up the index, manifest and run pages.
 */
#include "block_sizes.h"
#include "../kmod/core/codec.h"
#include "../kmod/core/page.h"

#define SEED	0x12345678u
#define RUN	77ull

static const struct shard_place place = {
	.extent = 7, .generation = 3, .block = 5,
};

static void *block_alloc(struct kunit *test, u32 size)
{
	void *block = kunit_kzalloc(test, size, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, block);
	return block;
}

static void reseal(void *block)
{
	struct shardblk_header *h = block;

	h->csum = cpu_to_le32(crc32c(SEED, &h->magic,
				     le32_to_cpu(h->len) - sizeof(h->csum)));
}

/* ---- manifest ---- */

static const struct shard_item items[] = {
	{ .kind = SHARDBLK_ITEM_EXTENT, .extent = {
		.stream = SHARDBLK_STREAM_META1, .extent = 5, .generation = ~0u,
		.written = 64, .live = 63 } },
	{ .kind = SHARDBLK_ITEM_EXTENT, .extent = {
		.stream = SHARDBLK_STREAM_HOST, .bad = true, .extent = 6,
		.generation = 1 } },
	{ .kind = SHARDBLK_ITEM_RUN, .run = {
		.height = 3, .stream = SHARDBLK_STREAM_MERGE,
		.nr_pages = 1000, .run_id = 1ull << 60,
		.nr_entries = 1ull << 50, .nr_chunks = 4,
		.root_csum = 0xcafe } },
	{ .kind = SHARDBLK_ITEM_CHUNK, .chunk = {
		.place = { .extent = 8, .generation = 2, .block = 1 },
		.nr_blocks = 255 } },
};

static void manifest_make(void *block, u32 size,
			  struct shard_manifest_header *h)
{
	u32 i;

	memset(h, 0, sizeof(*h));
	h->number = 1ull << 33;
	h->checkpoint_seq = 1ull << 34;
	h->page = 2;
	h->nr_items = ARRAY_SIZE(items);
	h->copy = 1;
	h->prev.place = place;
	h->prev.nr_blocks = 2;
	h->prev.csum = 99;
	memset(block, 0, size);
	for (i = 0; i < ARRAY_SIZE(items); i++)
		shard_item_encode(&items[i], block, i);
	shard_manifest_encode(h, SEED, &place, block, size);
}

static void expect_same_item(struct kunit *test, const struct shard_item *a,
			     const struct shard_item *b)
{
	KUNIT_EXPECT_EQ(test, a->kind, b->kind);
	switch (a->kind) {
	case SHARDBLK_ITEM_EXTENT:
		KUNIT_EXPECT_EQ(test, a->extent.stream, b->extent.stream);
		KUNIT_EXPECT_EQ(test, a->extent.bad, b->extent.bad);
		KUNIT_EXPECT_EQ(test, a->extent.extent, b->extent.extent);
		KUNIT_EXPECT_EQ(test, a->extent.generation,
				b->extent.generation);
		KUNIT_EXPECT_EQ(test, a->extent.written, b->extent.written);
		KUNIT_EXPECT_EQ(test, a->extent.live, b->extent.live);
		KUNIT_EXPECT_EQ(test, a->extent.seq, b->extent.seq);
		break;
	case SHARDBLK_ITEM_RUN:
		KUNIT_EXPECT_EQ(test, a->run.height, b->run.height);
		KUNIT_EXPECT_EQ(test, a->run.stream, b->run.stream);
		KUNIT_EXPECT_EQ(test, a->run.nr_pages, b->run.nr_pages);
		KUNIT_EXPECT_EQ(test, a->run.run_id, b->run.run_id);
		KUNIT_EXPECT_EQ(test, a->run.nr_entries, b->run.nr_entries);
		KUNIT_EXPECT_EQ(test, a->run.nr_chunks, b->run.nr_chunks);
		KUNIT_EXPECT_EQ(test, a->run.root_csum, b->run.root_csum);
		break;
	default:
		KUNIT_EXPECT_EQ(test, a->chunk.place.extent,
				b->chunk.place.extent);
		KUNIT_EXPECT_EQ(test, a->chunk.place.generation,
				b->chunk.place.generation);
		KUNIT_EXPECT_EQ(test, a->chunk.place.block,
				b->chunk.place.block);
		KUNIT_EXPECT_EQ(test, a->chunk.nr_blocks, b->chunk.nr_blocks);
	}
}

/*
 * Goal: a manifest page and its items come back as they were.
 * Method: one item of each kind, encoded and decoded.
 */
static void a_manifest_page_and_its_items_come_back(struct kunit *test)
{
	struct shard_manifest_header h, back;
	u32 size = block_size_of(test), i;
	void *block = block_alloc(test, size);

	manifest_make(block, size, &h);
	KUNIT_ASSERT_EQ(test, shard_manifest_decode(block, size, SEED, &place,
						    &back), 0);
	KUNIT_EXPECT_EQ(test, back.number, h.number);
	KUNIT_EXPECT_EQ(test, back.checkpoint_seq, h.checkpoint_seq);
	KUNIT_EXPECT_EQ(test, back.page, 2u);
	KUNIT_EXPECT_EQ(test, back.nr_items, ARRAY_SIZE(items));
	KUNIT_EXPECT_EQ(test, shard_manifest_nr_items(block),
			ARRAY_SIZE(items));
	KUNIT_EXPECT_EQ(test, back.copy, 1);
	KUNIT_EXPECT_EQ(test, back.prev.place.extent, place.extent);
	KUNIT_EXPECT_EQ(test, back.prev.nr_blocks, 2u);
	KUNIT_EXPECT_EQ(test, back.prev.csum, 99u);
	for (i = 0; i < ARRAY_SIZE(items); i++) {
		struct shard_item item = {};

		KUNIT_EXPECT_EQ(test, shard_item_decode(block, i, &item), 0);
		expect_same_item(test, &item, &items[i]);
	}
}

/*
 * Goal: what is wrong with a manifest page is seen and told.
 * Method: change a good one by hand and seal it again.
 */
static void manifest_errors_say_what_is_wrong(struct kunit *test)
{
	struct shardblk_manifest *d = block_alloc(test, 512);
	struct shard_manifest_header h;
	struct shard_place wrong = place;

#define DECODE(at)	shard_manifest_decode(d, 512, SEED, at, &h)
#define CHANGED(what, error)						\
	do {								\
		manifest_make(d, 512, &h);				\
		what;							\
		reseal(d);						\
		KUNIT_EXPECT_EQ(test, DECODE(&place), error);		\
	} while (0)

	KUNIT_EXPECT_EQ(test, DECODE(&place), -ENODATA);
	CHANGED((void)d, 0);
	CHANGED(d->h.version = cpu_to_le16(9), -EOPNOTSUPP);
	CHANGED(d->nr_items = cpu_to_le16(2), -EBADMSG);
	CHANGED(d->nr_items = cpu_to_le16(0xffff), -EBADMSG);
	CHANGED(d->h.len = cpu_to_le32(sizeof(*d) + 14 * 32 - 16), -EBADMSG);
	CHANGED(d->prev.nr_blocks = cpu_to_le32(256), -EBADMSG);
	CHANGED(d->place.reserved = cpu_to_le32(1), -EBADMSG);
	CHANGED(d->reserved = 1, -EBADMSG);
	CHANGED(d->reserved2[3] = 1, -EBADMSG);
	manifest_make(d, 512, &h);
	wrong.generation++;
	KUNIT_EXPECT_EQ(test, DECODE(&wrong), -EBADMSG);
	d->number ^= cpu_to_le64(1);
	KUNIT_EXPECT_EQ(test, DECODE(&place), -EBADMSG);
#undef CHANGED
#undef DECODE
}

/*
 * Goal: items that cannot be are refused.
 * Method: kinds and numbers that no writer makes.
 */
static void items_that_cannot_be_are_refused(struct kunit *test)
{
	struct shard_item item = items[0], back;
	void *block = block_alloc(test, 512);

	item.extent.stream = SHARDBLK_STREAM_SUPER;
	shard_item_encode(&item, block, 0);
	item = items[2];
	item.run.height = 0;
	shard_item_encode(&item, block, 1);
	item = items[2];
	item.run.nr_pages = 0;
	shard_item_encode(&item, block, 2);
	item = items[3];
	item.chunk.nr_blocks = 0;
	shard_item_encode(&item, block, 3);
	item.kind = 4;
	shard_item_encode(&item, block, 4);
	KUNIT_EXPECT_EQ(test, shard_item_decode(block, 0, &back), -EBADMSG);
	KUNIT_EXPECT_EQ(test, shard_item_decode(block, 1, &back), -EBADMSG);
	KUNIT_EXPECT_EQ(test, shard_item_decode(block, 2, &back), -EBADMSG);
	KUNIT_EXPECT_EQ(test, shard_item_decode(block, 3, &back), -EBADMSG);
	KUNIT_EXPECT_EQ(test, shard_item_decode(block, 4, &back), -EBADMSG);
	/* never written */
	KUNIT_EXPECT_EQ(test, shard_item_decode(block, 5, &back), -EBADMSG);
}

/*
 * Goal: bytes of items that are kept for later versions must be zero.
 * Method: one of each such field set in turn.
 */
static void reserved_bytes_of_items_are_zero(struct kunit *test)
{
	static const struct {
		u32 item, at;
	} reserved[] = {
		{ 0, offsetof(struct shardblk_item_extent, reserved) },
		{ 0, offsetof(struct shardblk_item_extent, reserved2) },
		{ 0, offsetof(struct shardblk_item_extent, seq) - 1 },
		{ 2, offsetof(struct shardblk_item_run, reserved) },
		{ 3, offsetof(struct shardblk_item_chunk, reserved) },
		{ 3, offsetof(struct shardblk_item_chunk, reserved2) },
		{ 3, SHARDBLK_ITEM_SIZE - 1 },
	};
	u8 *block = block_alloc(test, 512);
	struct shard_item back;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(reserved); i++) {
		shard_item_encode(&items[reserved[i].item], block, 0);
		KUNIT_EXPECT_EQ(test, shard_item_decode(block, 0, &back), 0);
		block[sizeof(struct shardblk_manifest) + reserved[i].at] = 1;
		KUNIT_EXPECT_EQ(test, shard_item_decode(block, 0, &back),
				-EBADMSG);
	}
}

/* ---- leaves ---- */

static const u32 csums[200] = { 11, 22, 33 };

static u32 leaf_add(struct shard_page_builder *b, u64 lba, u32 nr, bool mapped)
{
	struct shard_leaf_entry e = {
		.lba = lba, .nr_blocks = nr, .mapped = mapped, .place = place,
	};

	return shard_page_add_leaf(b, &e, mapped ? csums : NULL);
}

/*
 * Goal: a leaf gives back its entries in order, holes without checksums.
 * Method: data, a hole that is larger than any page, data; then walk.
 */
static void a_leaf_gives_back_its_entries(struct kunit *test)
{
	struct shard_page_builder b;
	struct shard_leaf_entry e;
	void *block = block_alloc(test, 512);
	u32 csum, pos = 0;

	shard_page_begin(&b, block, 512);
	KUNIT_EXPECT_EQ(test, leaf_add(&b, 10, 3, true), 3u);
	KUNIT_EXPECT_EQ(test, leaf_add(&b, 13, 1u << 30, false), 1u << 30);
	KUNIT_EXPECT_EQ(test, leaf_add(&b, 1ull << 40, 1, true), 1u);
	csum = shard_page_end(&b, SEED, RUN, 4, 0);
	KUNIT_ASSERT_EQ(test, shard_page_check(block, 512, SEED, RUN, 4, csum),
			0);
	KUNIT_EXPECT_EQ(test, shard_page_level(block), 0);
	KUNIT_EXPECT_EQ(test, shard_page_nr_entries(block), 3u);

	KUNIT_ASSERT_TRUE(test, shard_page_leaf(block, &pos, &e));
	KUNIT_EXPECT_EQ(test, e.lba, 10ull);
	KUNIT_EXPECT_EQ(test, e.nr_blocks, 3u);
	KUNIT_EXPECT_TRUE(test, e.mapped);
	KUNIT_EXPECT_EQ(test, e.place.extent, place.extent);
	KUNIT_EXPECT_EQ(test, e.place.generation, place.generation);
	KUNIT_EXPECT_EQ(test, e.place.block, place.block);
	KUNIT_EXPECT_EQ(test, shard_leaf_csum(&e, 0), 11u);
	KUNIT_EXPECT_EQ(test, shard_leaf_csum(&e, 2), 33u);
	KUNIT_ASSERT_TRUE(test, shard_page_leaf(block, &pos, &e));
	KUNIT_EXPECT_FALSE(test, e.mapped);
	KUNIT_EXPECT_EQ(test, e.nr_blocks, 1u << 30);
	KUNIT_ASSERT_TRUE(test, shard_page_leaf(block, &pos, &e));
	KUNIT_EXPECT_EQ(test, e.lba, 1ull << 40);
	KUNIT_EXPECT_FALSE(test, shard_page_leaf(block, &pos, &e));
}

/*
 * Goal: the first entry that ends behind a block is found, wherever that is.
 * Method: before, in, between and behind data and a hole.
 */
static void a_leaf_finds_where_a_block_may_be(struct kunit *test)
{
	static const struct {
		u64 lba;
		u64 found;	/* U64_MAX: none */
	} cases[] = {
		{ 0, 10 }, { 10, 10 }, { 12, 10 }, { 13, 15 }, { 15, 15 },
		{ 99, 15 }, { 114, 15 }, { 115, 1ull << 40 },
		{ 1ull << 40, 1ull << 40 }, { (1ull << 40) + 1, U64_MAX },
		{ U64_MAX, U64_MAX },
	};
	struct shard_page_builder b;
	struct shard_page_marks marks;
	struct shard_leaf_entry e;
	void *block = block_alloc(test, 512);
	u32 pos, i;

	shard_page_begin(&b, block, 512);
	KUNIT_EXPECT_EQ(test, leaf_add(&b, 10, 3, true), 3u);
	KUNIT_EXPECT_EQ(test, leaf_add(&b, 15, 100, false), 100u);
	KUNIT_EXPECT_EQ(test, leaf_add(&b, 1ull << 40, 1, true), 1u);
	shard_page_end(&b, SEED, RUN, 4, 0);
	shard_page_mark(block, &marks);
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		pos = shard_page_find(block, &marks, cases[i].lba);
		if (!shard_page_leaf(block, &pos, &e))
			e.lba = U64_MAX;
		KUNIT_EXPECT_EQ(test, e.lba, cases[i].found);
	}
}

/*
 * Goal: marks shorten the way to an entry, and change nothing else.
 * Method: leaves of up to 40 data and holes of all lengths; each block in turn,
 * beside a walk from the first entry; and a walk from the last mark.
 */
static void marks_lead_to_the_same_entry(struct kunit *test)
{
	void *block = block_alloc(test, 4096);
	struct shard_page_builder b;
	struct shard_page_marks marks;
	struct shard_leaf_entry e;
	u32 nr, i, pos, at;
	u64 lba, end;

	for (nr = 1; nr <= 40; nr++) {
		shard_page_begin(&b, block, 4096);
		for (i = 0, end = 0; i < nr; i++) {
			u32 len = 1 + i % 5;

			end += i % 3;
			KUNIT_ASSERT_EQ(test, leaf_add(&b, end, len, i % 7), len);
			end += len;
		}
		shard_page_end(&b, SEED, RUN, 4, 0);
		shard_page_mark(block, &marks);
		for (lba = 0; lba <= end; lba++) {
			pos = 0;
			do {
				at = pos ?: sizeof(struct shardblk_run_page);
			} while (shard_page_leaf(block, &pos, &e) &&
				 e.lba + e.nr_blocks <= lba);
			KUNIT_ASSERT_EQ(test, shard_page_find(block, &marks, lba),
					at);
		}
		/* what is behind the last is its share of the entries */
		pos = marks.pos[SHARD_PAGE_MARKS - 1];
		for (i = 0; shard_page_leaf(block, &pos, &e); i++)
			;
		KUNIT_EXPECT_EQ(test, i,
				DIV_ROUND_UP(nr, SHARD_PAGE_MARKS + 1));
	}
}

/*
 * Goal: a leaf takes what fits, and no byte more.
 * Method: singles until it is full; then one entry with more checksums than
 * there is room for.
 */
static void a_leaf_takes_what_fits(struct kunit *test)
{
	u32 size = block_size_of(test), nr = 0;
	struct shard_page_builder b;
	void *block = block_alloc(test, size);

	shard_page_begin(&b, block, size);
	while (leaf_add(&b, nr, 1, true))
		nr++;
	KUNIT_EXPECT_EQ(test, nr, shard_leaf_singles_max(size));
	KUNIT_EXPECT_LE(test, b.used, size);

	shard_page_begin(&b, block, 512);
	KUNIT_EXPECT_EQ(test, leaf_add(&b, 0, 200, true), 114u);
	KUNIT_EXPECT_EQ(test, b.used, 512u);
	KUNIT_EXPECT_EQ(test, leaf_add(&b, 200, 1, false), 0u);
	KUNIT_EXPECT_EQ(test, b.nr_entries, 1);
}

/*
 * Goal: a page that is not the one that its parent points to is refused, and
 * so is one whose entries overlap or lead out of it.
 * Method: change a good leaf by hand and seal it again.
 */
static void leaves_that_cannot_be_are_refused(struct kunit *test)
{
	struct shard_page_builder b;
	struct shardblk_run_page *d = block_alloc(test, 512);
	struct shardblk_leaf_entry *e = (void *)(d + 1);
	u32 csum = 0;

#define CHECK(run, page) shard_page_check(d, 512, SEED, run, page, csum)
#define CHANGED(what, error)						\
	do {								\
		shard_page_begin(&b, d, 512);				\
		leaf_add(&b, 10, 5, false);				\
		leaf_add(&b, 15, 2, true);				\
		shard_page_end(&b, SEED, RUN, 4, 0);			\
		what;							\
		reseal(d);						\
		csum = le32_to_cpu(d->h.csum);				\
		KUNIT_EXPECT_EQ(test, CHECK(RUN, 4), error);		\
	} while (0)

	/* a place that was never written is damage: something points to it */
	KUNIT_EXPECT_EQ(test, CHECK(RUN, 4), -EBADMSG);
	CHANGED((void)d, 0);
	KUNIT_EXPECT_EQ(test, CHECK(RUN + 1, 4), -EBADMSG);
	KUNIT_EXPECT_EQ(test, CHECK(RUN, 3), -EBADMSG);
	csum++;
	KUNIT_EXPECT_EQ(test, CHECK(RUN, 4), -EBADMSG);
	CHANGED(d->h.version = cpu_to_le16(SHARDBLK_FORMAT_VERSION + 1),
		-EOPNOTSUPP);
	CHANGED(d->reserved = 1, -EBADMSG);
	CHANGED(d->nr_entries = cpu_to_le16(1), -EBADMSG);
	CHANGED(d->nr_entries = cpu_to_le16(3), -EBADMSG);
	CHANGED(d->h.len = cpu_to_le32(sizeof(*d)), -EBADMSG);
	CHANGED(e[0].nr_blocks = 0, -EBADMSG);
	CHANGED(e[0].nr_blocks = cpu_to_le32(6), -EBADMSG);
	CHANGED(e[1].lba = cpu_to_le64(14), -EBADMSG);
	CHANGED(e[1].lba = cpu_to_le64(U64_MAX), -EBADMSG);
	CHANGED(e[1].nr_blocks = cpu_to_le32(3), -EBADMSG);
	CHANGED(e[1].nr_blocks = cpu_to_le32(~0), -EBADMSG);
	CHANGED(e[0].extent = cpu_to_le32(5), -EBADMSG);
#undef CHANGED
#undef CHECK
}

/* ---- inner pages ---- */

/*
 * Goal: the way down is the last child at or before the block, or the first.
 * Method: a full page of children 10 blocks apart; ask around each.
 */
static void an_inner_page_finds_the_child(struct kunit *test)
{
	u32 size = block_size_of(test), max = shard_inner_entries_max(size);
	struct shard_inner_entry e = {};
	struct shard_page_builder b;
	void *block = block_alloc(test, size);
	u64 next = U64_MAX;
	u32 i, csum;

	shard_page_begin(&b, block, size);
	for (i = 0; i < max; i++) {
		e.lba = 100 + i * 10;
		e.page = i;
		e.csum = 1000 + i;
		KUNIT_EXPECT_TRUE(test, shard_page_add_inner(&b, &e));
	}
	KUNIT_EXPECT_FALSE(test, shard_page_add_inner(&b, &e));
	csum = shard_page_end(&b, SEED, RUN, max, 1);
	KUNIT_ASSERT_EQ(test, shard_page_check(block, size, SEED, RUN, max,
					       csum), 0);
	KUNIT_EXPECT_EQ(test, shard_page_level(block), 1);

	shard_page_child(block, 0, &e, &next);
	KUNIT_EXPECT_EQ(test, e.page, 0u);
	KUNIT_EXPECT_EQ(test, next, 110ull);
	for (i = 0; i < max; i++) {
		shard_page_inner(block, i, &e);
		KUNIT_EXPECT_EQ(test, e.csum, 1000 + i);
		shard_page_child(block, 100 + i * 10, &e, &next);
		KUNIT_EXPECT_EQ(test, e.page, i);
		next = U64_MAX;
		shard_page_child(block, 109 + i * 10, &e, &next);
		KUNIT_EXPECT_EQ(test, e.page, i);
		KUNIT_EXPECT_EQ(test, next,
				i < max - 1 ? 110 + i * 10 : U64_MAX);
	}
	next = 3;
	shard_page_child(block, U64_MAX, &e, &next);
	KUNIT_EXPECT_EQ(test, e.page, max - 1);
	KUNIT_EXPECT_EQ(test, next, 3ull);
}

/*
 * Goal: an inner page that could lead a walk in circles is refused.
 * Method: children that do not come before it, out of order, or none.
 */
static void inner_pages_that_cannot_be_are_refused(struct kunit *test)
{
	struct shard_inner_entry first = { .lba = 1, .page = 0, .csum = 5 };
	struct shard_inner_entry second = { .lba = 9, .page = 1, .csum = 6 };
	struct shardblk_run_page *d = block_alloc(test, 512);
	struct shardblk_inner_entry *e = (void *)(d + 1);
	struct shard_page_builder b;

#define CHANGED(what, error)						\
	do {								\
		shard_page_begin(&b, d, 512);				\
		shard_page_add_inner(&b, &first);			\
		shard_page_add_inner(&b, &second);			\
		shard_page_end(&b, SEED, RUN, 2, 1);			\
		what;							\
		reseal(d);						\
		KUNIT_EXPECT_EQ(test, shard_page_check(d, 512, SEED,	\
				RUN, 2, le32_to_cpu(d->h.csum)), error); \
	} while (0)

	CHANGED((void)d, 0);
	CHANGED(e[1].page = cpu_to_le32(2), -EBADMSG);
	CHANGED(e[0].page = cpu_to_le32(~0), -EBADMSG);
	CHANGED(e[1].lba = cpu_to_le64(1), -EBADMSG);
	CHANGED(d->nr_entries = 0, -EBADMSG);
	CHANGED(d->nr_entries = cpu_to_le16(0xffff), -EBADMSG);
	CHANGED(d->nr_entries = cpu_to_le16(1), -EBADMSG);
#undef CHANGED
}

static struct kunit_case codec_index_cases[] = {
	KUNIT_CASE_PARAM(a_manifest_page_and_its_items_come_back,
			 block_size_gen_params),
	KUNIT_CASE(manifest_errors_say_what_is_wrong),
	KUNIT_CASE(items_that_cannot_be_are_refused),
	KUNIT_CASE(reserved_bytes_of_items_are_zero),
	KUNIT_CASE(a_leaf_gives_back_its_entries),
	KUNIT_CASE(a_leaf_finds_where_a_block_may_be),
	KUNIT_CASE(marks_lead_to_the_same_entry),
	KUNIT_CASE_PARAM(a_leaf_takes_what_fits, block_size_gen_params),
	KUNIT_CASE(leaves_that_cannot_be_are_refused),
	KUNIT_CASE_PARAM(an_inner_page_finds_the_child, block_size_gen_params),
	KUNIT_CASE(inner_pages_that_cannot_be_are_refused),
	{}
};

static struct kunit_suite codec_index_suite = {
	.name = "shardblk-codec-index",
	.test_cases = codec_index_cases,
};

kunit_test_suites(&codec_index_suite);
