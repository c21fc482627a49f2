// SPDX-License-Identifier: GPL-2.0-only
/*
 * Codec: what is written is read again, and nothing else ever is.
 */
#include "block_sizes.h"
#include "../kmod/core/codec.h"
#include "../kmod/core/page.h"

static const u8 format_id[16] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13,
				  14, 15, 16 };
static const u8 other_id[16] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13,
				 14, 15, 17 };
static const struct shard_place place = {
	.extent = 7, .generation = 3, .block = 5,
};

static void *block_alloc(struct kunit *test, u32 size)
{
	void *block = kunit_kzalloc(test, size, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, block);
	return block;
}

/* Makes the checksum right again, as only a writer of such a record would. */
static void reseal(void *block, const u8 *id)
{
	struct shardblk_header *h = block;

	h->csum = cpu_to_le32(crc32c(shard_seed(id), &h->magic,
				     le32_to_cpu(h->len) - sizeof(h->csum)));
}

/* ---- checksums and limits ---- */

/*
 * Goal: checksums are CRC32C as docs/FORMAT.md says, on any machine.
 * Method: the check value of the algorithm's catalogue, and the seed's
 * definition.
 */
static void checksums_are_crc32c_seeded_by_the_format(struct kunit *test)
{
	u8 zeros[16] = {};

	KUNIT_EXPECT_EQ(test, crc32c(~0u, "123456789", 9), ~0xe3069283u);
	KUNIT_EXPECT_EQ(test, shard_seed(zeros), crc32c(~0u, zeros, 16));
	KUNIT_EXPECT_NE(test, shard_seed(format_id), shard_seed(other_id));
}

/*
 * Goal: as many fit into a block as the layouts allow.
 * Method: figures worked out by hand.
 */
static void limits_follow_from_the_layouts(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, shard_super_extents_max(512), 20u);
	KUNIT_EXPECT_EQ(test, shard_super_extents_max(4096), 244u);
	KUNIT_EXPECT_EQ(test, shard_items_max(512), 13u);
	KUNIT_EXPECT_EQ(test, shard_items_max(4096), 125u);
	KUNIT_EXPECT_EQ(test, shard_inner_entries_max(512), 30u);
	KUNIT_EXPECT_EQ(test, shard_inner_entries_max(4096), 254u);
	KUNIT_EXPECT_EQ(test, shard_leaf_singles_max(512), 17u);
	KUNIT_EXPECT_EQ(test, shard_leaf_singles_max(4096), 145u);
	KUNIT_EXPECT_EQ(test, shard_frame_request_max(512), 108u);
	KUNIT_EXPECT_EQ(test, shard_frame_request_max(4096), 1004u);
}

/*
 * Goal: a frame is full when its header block is, or at 255 payload blocks.
 * Method: the last numbers that fit, and one more of each.
 */
static void a_frame_fits_up_to_its_header_block(struct kunit *test)
{
	KUNIT_EXPECT_TRUE(test, shard_frame_fits(512, 1, 108));
	KUNIT_EXPECT_FALSE(test, shard_frame_fits(512, 1, 109));
	KUNIT_EXPECT_FALSE(test, shard_frame_fits(512, 2, 108));
	KUNIT_EXPECT_TRUE(test, shard_frame_fits(512, 28, 0));
	KUNIT_EXPECT_FALSE(test, shard_frame_fits(512, 29, 0));
	KUNIT_EXPECT_TRUE(test, shard_frame_fits(4096, 1, 255));
	KUNIT_EXPECT_FALSE(test, shard_frame_fits(4096, 1, 256));
	KUNIT_EXPECT_TRUE(test, shard_frame_fits(4096, 188, 255));
	KUNIT_EXPECT_FALSE(test, shard_frame_fits(4096, 189, 255));
}

/* ---- superblock ---- */

static struct shard_super_record *super_make(struct kunit *test, u32 block_size)
{
	struct shard_super_record *r = block_alloc(test, sizeof(*r));
	u32 i, nr = shard_super_extents_max(block_size);

	memcpy(r->format_id, format_id, 16);
	memset(r->uuid, 0xab, 16);
	r->compat = 0x80000001;
	r->ro_compat = 0x2;
	r->block_size = block_size;
	r->extent_blocks = 64;
	r->nr_extents = 1000;
	r->logical_blocks = 50000;
	r->number = 0x123456789abcull;
	r->checkpoint_seq = 1ull << 40;
	r->durable_seq = (1ull << 40) + 5;
	for (i = 0; i < SHARDBLK_MANIFEST_COPIES; i++) {
		r->manifest[i].place.extent = 9 + i;
		r->manifest[i].place.generation = 2;
		r->manifest[i].place.block = 1;
		r->manifest[i].nr_blocks = 63;
		r->manifest[i].csum = 0xdeadbeef + i;
	}
	r->checkpoint_blocks = 4096;
	r->reloc_streams = 2;
	r->spare_permille = 120;
	r->nr_log = nr / 2;
	r->nr_assigned = nr - r->nr_log;
	for (i = 0; i < nr; i++) {
		r->extents[i].extent = 10 + i;
		r->extents[i].generation = i + 1;
		r->extents[i].start = i % 64;
		r->extents[i].end = i % 2 ? 64 : SHARDBLK_END_OPEN;
	}
	return r;
}

/*
 * Goal: a superblock record comes back as it was, in the fullest case.
 * Method: encode one with all its extents, decode, compare every byte.
 */
static void a_full_superblock_record_comes_back(struct kunit *test)
{
	u32 size = block_size_of(test);
	struct shard_super_record *r = super_make(test, size);
	struct shard_super_record *back = block_alloc(test, sizeof(*back));
	void *block = block_alloc(test, size);

	KUNIT_EXPECT_TRUE(test, shard_super_valid(r));
	shard_super_encode(r, &place, block);
	KUNIT_ASSERT_EQ(test, shard_super_decode(block, size, &place, back), 0);
	KUNIT_EXPECT_EQ(test, memcmp(r, back, sizeof(*r)), 0);
}

/*
 * Goal: no changed bit of a superblock record goes unnoticed.
 * Method: flip each one in turn; decoding must fail each time.
 */
static void every_flipped_bit_of_a_superblock_record_is_seen(struct kunit *test)
{
	struct shard_super_record *r = super_make(test, 512);
	u8 *block = block_alloc(test, 512);
	u32 bit, missed = 0;

	shard_super_encode(r, &place, block);
	for (bit = 0; bit < 512 * 8; bit++) {
		block[bit / 8] ^= 1 << bit % 8;
		missed += !shard_super_decode(block, 512, &place, r);
		block[bit / 8] ^= 1 << bit % 8;
	}
	KUNIT_EXPECT_EQ(test, missed, 0u);
}

/*
 * Goal: a record elsewhere than where it was written is refused (O13).
 * Method: ask for each other extent, generation and block.
 */
static void a_superblock_record_out_of_place_is_refused(struct kunit *test)
{
	struct shard_super_record *r = super_make(test, 512);
	void *block = block_alloc(test, 512);
	struct shard_place wrong;

	shard_super_encode(r, &place, block);
	wrong = place;
	wrong.extent++;
	KUNIT_EXPECT_EQ(test, shard_super_decode(block, 512, &wrong, r),
			-EBADMSG);
	wrong = place;
	wrong.generation--;
	KUNIT_EXPECT_EQ(test, shard_super_decode(block, 512, &wrong, r),
			-EBADMSG);
	wrong = place;
	wrong.block++;
	KUNIT_EXPECT_EQ(test, shard_super_decode(block, 512, &wrong, r),
			-EBADMSG);
}

/*
 * Goal: what is no record, what is a broken one, and what is a later version
 * are told apart: -ENODATA, -EBADMSG, -EOPNOTSUPP.
 * Method: change a good record by hand and seal it again.
 */
static void superblock_errors_say_what_is_wrong(struct kunit *test)
{
	struct shard_super_record *r = super_make(test, 512);
	struct shardblk_super *d = block_alloc(test, 512);

#define CHANGED(what, error)						\
	do {								\
		shard_super_encode(super_make(test, 512), &place, d);	\
		what;							\
		reseal(d, d->format_id);				\
		KUNIT_EXPECT_EQ(test,					\
				shard_super_decode(d, 512, &place, r),	\
				error);					\
	} while (0)

	KUNIT_EXPECT_EQ(test, shard_super_decode(d, 512, &place, r), -ENODATA);
	KUNIT_EXPECT_EQ(test, shard_super_decode(d, 256, &place, r), -EINVAL);
	KUNIT_EXPECT_EQ(test, shard_super_decode(d, 8192, &place, r), -EINVAL);
	CHANGED((void)d, 0);
	CHANGED(d->h.magic = 0, -ENODATA);
	CHANGED(d->h.version = cpu_to_le16(SHARDBLK_FORMAT_VERSION + 1),
		-EOPNOTSUPP);
	CHANGED(d->h.reserved = cpu_to_le16(1), -EOPNOTSUPP);
	CHANGED(d->h.len = cpu_to_le32(508), -EBADMSG);
	CHANGED(d->compat = cpu_to_le32(~0), 0);
	CHANGED(d->ro_compat = cpu_to_le32(~0), 0);
	CHANGED(d->incompat = cpu_to_le32(1), -EOPNOTSUPP);
	CHANGED(d->place.reserved = cpu_to_le32(1), -EBADMSG);
	CHANGED(d->block_size = cpu_to_le32(4096), -EBADMSG);
	CHANGED(d->reserved[18] = 1, -EBADMSG);
	CHANGED(d->nr_log = cpu_to_le16(0xffff), -EBADMSG);
	CHANGED(d->nr_assigned = cpu_to_le16(11), -EBADMSG);
	/* numbers are to be given behind these, and must not wrap */
	CHANGED(d->number = cpu_to_le64(BIT_ULL(47)), 0);
	CHANGED(d->number = cpu_to_le64(U64_MAX - 3), -EBADMSG);
	CHANGED(d->number = cpu_to_le64(BIT_ULL(47) + 1), -EBADMSG);
	CHANGED(d->durable_seq = cpu_to_le64(BIT_ULL(62)), 0);
	CHANGED(d->durable_seq = cpu_to_le64(BIT_ULL(62) + 1), -EBADMSG);
#undef CHANGED
}

/*
 * Goal: a record that reaches its block's end, but is of larger blocks, is not
 * taken for one of smaller ones.
 * Method: read the first 512 bytes of a 4096-byte record.
 */
static void a_superblock_record_is_of_one_block_size(struct kunit *test)
{
	struct shard_super_record *r = super_make(test, 4096);
	void *block = block_alloc(test, 4096);

	shard_super_encode(r, &place, block);
	KUNIT_EXPECT_EQ(test, shard_super_decode(block, 512, &place, r),
			-EBADMSG);
}

/*
 * Goal: what may be a record, even a broken one, says its size and number; and
 * what cannot be one does not.
 * Method: a good record, broken bit by bit.
 */
static void a_broken_record_still_says_what_it_may_be(struct kunit *test)
{
	struct shard_super_record *r = super_make(test, 4096);
	struct shardblk_super *d = block_alloc(test, 4096);
	u64 number = 7;

	KUNIT_EXPECT_EQ(test, shard_super_claims(d, &number), 0u);
	KUNIT_EXPECT_EQ(test, number, 7ull);
	shard_super_encode(r, &place, d);
	d->h.csum = 0;
	KUNIT_EXPECT_EQ(test, shard_super_claims(d, &number), 4096u);
	KUNIT_EXPECT_EQ(test, number, r->number);
	d->h.len = cpu_to_le32(4095);
	KUNIT_EXPECT_EQ(test, shard_super_claims(d, &number), 0u);
	d->h.len = cpu_to_le32(8192);
	KUNIT_EXPECT_EQ(test, shard_super_claims(d, &number), 0u);
	d->h.len = cpu_to_le32(256);
	KUNIT_EXPECT_EQ(test, shard_super_claims(d, &number), 0u);
}

/*
 * Goal: each bound of a superblock record is checked.
 * Method: a good record, one field wrong at a time.
 */
static void superblock_fields_out_of_bounds_are_not_valid(struct kunit *test)
{
	struct shard_super_record *r = super_make(test, 512);

#define WRONG(field, value)						\
	do {								\
		__auto_type at = &(field);				\
		const typeof(*at) good = *at;				\
									\
		*at = value;						\
		KUNIT_EXPECT_FALSE_MSG(test, shard_super_valid(r),	\
				       #field " = " #value);		\
		*at = good;						\
	} while (0)

	WRONG(r->block_size, 256);
	WRONG(r->block_size, 8192);
	WRONG(r->block_size, 1000);
	WRONG(r->extent_blocks, 8);
	WRONG(r->extent_blocks, 65);
	/* 256 MiB are the most: lengths in bytes fit into 32 bits */
	WRONG(r->extent_blocks, 2 * SHARDBLK_EXTENT_BYTES_MAX / r->block_size);
	WRONG(r->nr_extents, 4);
	WRONG(r->logical_blocks, 0);
	WRONG(r->logical_blocks, SHARDBLK_LOGICAL_BLOCKS_MAX + 1);
	WRONG(r->checkpoint_blocks, 0);
	WRONG(r->reloc_streams, 0);
	WRONG(r->reloc_streams, SHARDBLK_RELOC_STREAMS + 1);
	WRONG(r->number, 0);
	WRONG(r->durable_seq, r->checkpoint_seq - 1);
	WRONG(r->manifest[0].nr_blocks, 0);
	WRONG(r->manifest[0].nr_blocks, 64);
	WRONG(r->manifest[1].place.extent, 3);
	WRONG(r->manifest[1].place.extent, 1000);
	WRONG(r->manifest[1].place.generation, 0);
	WRONG(r->manifest[1].place.block, 0);
	WRONG(r->manifest[1].place.block, 64);
	WRONG(r->nr_log, 11);
	WRONG(r->extents[0].extent, 3);
	WRONG(r->extents[19].extent, 1000);
	WRONG(r->extents[0].generation, 0);
	WRONG(r->extents[0].start, 65);
	WRONG(r->extents[5].end, 4);
	WRONG(r->extents[5].end, 65);
	r->extent_blocks = 1024;
	WRONG(r->manifest[1].nr_blocks, SHARDBLK_FRAME_PAYLOAD_MAX + 1);
#undef WRONG
	KUNIT_EXPECT_TRUE(test, shard_super_valid(r));
}

/*
 * Goal: a record that its checksum proves is still looked at.
 * Method: a field that cannot be, and a checksum for it.
 */
static void a_sealed_record_may_still_be_wrong(struct kunit *test)
{
	struct shard_super_record *r = super_make(test, 512);
	struct shard_super_record *back = block_alloc(test, sizeof(*back));
	struct shardblk_super *d = block_alloc(test, 512);

	shard_super_encode(r, &place, d);
	d->logical_blocks = 0;
	reseal(d, r->format_id);
	KUNIT_EXPECT_EQ(test, shard_super_decode(d, 512, &place, back), -EBADMSG);
}

/*
 * Goal: of a record that was torn each sector is new or zeros; anything else is
 * damage, and a record that is whole is none.
 * Method: records of eight sectors, some of them changed.
 */
static void a_torn_record_is_no_damage(struct kunit *test)
{
	struct shard_super_record *r = super_make(test, 4096);
	u8 *want = block_alloc(test, 4096), *is = block_alloc(test, 4096);

	shard_super_encode(r, &place, want);
	memcpy(is, want, 4096);
	KUNIT_EXPECT_FALSE(test, shard_super_damaged(is, want, 4096));
	/* such a record is longer than the sectors behind its fields */
	memset(want + 512, 7, 3584);
	memcpy(is, want, 4096);
	memset(is + 1024, 0, 1024);
	KUNIT_EXPECT_FALSE(test, shard_super_damaged(is, want, 4096));
	is[1500] = 1;
	KUNIT_EXPECT_TRUE(test, shard_super_damaged(is, want, 4096));
	memcpy(is, want, 4096);
	is[500] ^= 1;
	KUNIT_EXPECT_TRUE(test, shard_super_damaged(is, want, 4096));
}

/* ---- frames ---- */

/* Host: writes and discards in turn; else one chunk. */
static struct shard_frame_header *frame_make(struct kunit *test, u8 stream)
{
	struct shard_frame_header *h = block_alloc(test, sizeof(*h));
	u32 i;

	h->stream = stream;
	if (stream == SHARDBLK_STREAM_HOST) {
		h->seq = 100;
		h->durable_seq = 99;
		for (i = 0; i < 4; i++) {
			h->entries[i].lba = i * 1000ull << 32;
			h->entries[i].nr_blocks = i + 1;
			h->entries[i].kind = i % 2 ? SHARDBLK_ENTRY_DISCARD :
						     SHARDBLK_ENTRY_WRITE;
		}
		h->nr_entries = 4;
		h->nr_blocks = 1 + 3;
	} else {
		h->entries[0].lba = 12345;
		h->entries[0].nr_blocks = 9;
		h->entries[0].kind = stream >= SHARDBLK_STREAM_RELOC0 &&
				     stream <= SHARDBLK_STREAM_RELOC2 ?
				     SHARDBLK_ENTRY_RELOC :
				     stream == SHARDBLK_STREAM_INDEX ||
				     stream == SHARDBLK_STREAM_MERGE ?
				     SHARDBLK_ENTRY_RUN :
				     SHARDBLK_ENTRY_MANIFEST;
		h->nr_entries = 1;
		h->nr_blocks = 9;
	}
	for (i = 0; i < h->nr_blocks; i++)
		h->csums[i] = 0x1000 + i;
	return h;
}

/*
 * Goal: the header of a frame comes back as it was, on every stream.
 * Method: encode, decode, compare every byte.
 */
static void frame_headers_of_all_streams_come_back(struct kunit *test)
{
	u32 size = block_size_of(test), seed = shard_seed(format_id);
	struct shard_frame_header *back = block_alloc(test, sizeof(*back));
	void *block = block_alloc(test, size);
	u8 stream;

	for (stream = 0; stream < SHARDBLK_STREAM_SUPER; stream++) {
		struct shard_frame_header *h = frame_make(test, stream);

		KUNIT_EXPECT_TRUE(test, shard_frame_valid(h));
		memset(back, 0, sizeof(*back));
		shard_frame_encode(h, seed, &place, block, size);
		KUNIT_ASSERT_EQ(test, shard_frame_decode(block, size, seed,
							 &place, back), 0);
		KUNIT_EXPECT_EQ(test, memcmp(h, back, sizeof(*h)), 0);
	}
}

/*
 * Goal: no changed bit that a frame header's checksum covers goes unnoticed.
 * Method: flip each one in turn.
 */
static void every_flipped_bit_of_a_frame_header_is_seen(struct kunit *test)
{
	struct shard_frame_header *h = frame_make(test, SHARDBLK_STREAM_HOST);
	u32 seed = shard_seed(format_id), bit, len, missed = 0;
	u8 *block = block_alloc(test, 512);

	shard_frame_encode(h, seed, &place, block, 512);
	len = le32_to_cpu(((struct shardblk_header *)block)->len);
	for (bit = 0; bit < len * 8; bit++) {
		block[bit / 8] ^= 1 << bit % 8;
		missed += !shard_frame_decode(block, 512, seed, &place, h);
		block[bit / 8] ^= 1 << bit % 8;
	}
	KUNIT_EXPECT_EQ(test, missed, 0u);
}

/*
 * Goal: what another format of the device left behind is no frame of ours,
 * nor is one of ours at another place or of another generation (O13).
 * Method: decode with another seed, and for other places.
 */
static void a_frame_proves_its_format_and_place(struct kunit *test)
{
	struct shard_frame_header *h = frame_make(test, SHARDBLK_STREAM_INDEX);
	u32 seed = shard_seed(format_id);
	void *block = block_alloc(test, 512);
	struct shard_place wrong = place;

	shard_frame_encode(h, seed, &place, block, 512);
	KUNIT_EXPECT_EQ(test, shard_frame_decode(block, 512,
						 shard_seed(other_id), &place,
						 h), -EBADMSG);
	wrong.generation++;
	KUNIT_EXPECT_EQ(test, shard_frame_decode(block, 512, seed, &wrong, h),
			-EBADMSG);
	wrong = place;
	wrong.block = 0;
	KUNIT_EXPECT_EQ(test, shard_frame_decode(block, 512, seed, &wrong, h),
			-EBADMSG);
}

/*
 * Goal: -ENODATA where nothing was written, -EBADMSG for what cannot be,
 * -EOPNOTSUPP for a later version.
 * Method: change a good header by hand and seal it again.
 */
static void frame_errors_say_what_is_wrong(struct kunit *test)
{
	struct shard_frame_header *h = frame_make(test, SHARDBLK_STREAM_HOST);
	struct shard_frame_header *back = block_alloc(test, sizeof(*back));
	u32 seed = shard_seed(format_id);
	struct shardblk_frame *d = block_alloc(test, 512);

#define CHANGED(what, error)						\
	do {								\
		shard_frame_encode(h, seed, &place, d, 512);		\
		what;							\
		reseal(d, format_id);					\
		KUNIT_EXPECT_EQ(test, shard_frame_decode(d, 512, seed,	\
					&place, back), error);		\
	} while (0)

	KUNIT_EXPECT_EQ(test, shard_frame_decode(d, 512, seed, &place, back),
			-ENODATA);
	CHANGED((void)d, 0);
	CHANGED(d->h.version = cpu_to_le16(SHARDBLK_FORMAT_VERSION + 1),
		-EOPNOTSUPP);
	CHANGED(d->h.len = cpu_to_le32(512), -EBADMSG);
	CHANGED(d->nr_entries = cpu_to_le16(0xffff), -EBADMSG);
	CHANGED(d->nr_blocks = cpu_to_le16(0xffff), -EBADMSG);
	CHANGED(d->nr_blocks = cpu_to_le16(3), -EBADMSG);
	CHANGED(d->stream = SHARDBLK_STREAM_SUPER, -EBADMSG);
	CHANGED(d->seq = 0, -EBADMSG);
	CHANGED(d->reserved[10] = 1, -EBADMSG);
	CHANGED(d->entries[0].reserved[2] = 1, -EBADMSG);
	CHANGED(d->entries[3].kind = 0, -EBADMSG);
	/* a length beyond the block is not followed */
	shard_frame_encode(h, seed, &place, d, 512);
	d->h.len = cpu_to_le32(~0);
	KUNIT_EXPECT_EQ(test, shard_frame_decode(d, 512, seed, &place, back),
			-EBADMSG);
	d->h.len = cpu_to_le32(63);
	KUNIT_EXPECT_EQ(test, shard_frame_decode(d, 512, seed, &place, back),
			-EBADMSG);
#undef CHANGED
}

/*
 * Goal: each bound of a frame header is checked.
 * Method: a good header, one field wrong at a time.
 */
static void frame_fields_out_of_bounds_are_not_valid(struct kunit *test)
{
	struct shard_frame_header *h = frame_make(test, SHARDBLK_STREAM_HOST);
	struct shard_frame_header *m = frame_make(test, SHARDBLK_STREAM_META1);
	struct shard_frame_header *v = frame_make(test, SHARDBLK_STREAM_RELOC1);

#define WRONG(header, field, value)					\
	do {								\
		__auto_type at = &(field);				\
		const typeof(*at) good = *at;				\
									\
		*at = value;						\
		KUNIT_EXPECT_FALSE_MSG(test, shard_frame_valid(header),	\
				       #field " = " #value);		\
		*at = good;						\
	} while (0)

	WRONG(h, h->nr_entries, 0);
	WRONG(h, h->nr_entries, SHARD_FRAME_ENTRIES_MAX + 1);
	WRONG(h, h->nr_blocks, 3);
	WRONG(h, h->nr_blocks, 256);
	WRONG(h, h->seq, 0);
	WRONG(h, h->seq, 99);
	WRONG(h, h->seq, U64_MAX - 2);
	WRONG(h, h->durable_seq, 100);
	WRONG(h, h->entries[0].nr_blocks, 0);
	WRONG(h, h->entries[1].nr_blocks, 0);
	WRONG(h, h->entries[0].lba, U64_MAX);
	WRONG(h, h->entries[1].lba, U64_MAX - 1);
	WRONG(h, h->entries[0].kind, SHARDBLK_ENTRY_RUN);
	WRONG(h, h->entries[1].kind, 5);
	WRONG(m, m->seq, 1);
	WRONG(m, m->stream, SHARDBLK_STREAM_INDEX);
	WRONG(m, m->stream, SHARDBLK_STREAM_SUPER);
	WRONG(m, m->entries[0].kind, SHARDBLK_ENTRY_WRITE);
	WRONG(m, m->entries[0].kind, SHARDBLK_ENTRY_DISCARD);
	WRONG(m, m->entries[0].kind, SHARDBLK_ENTRY_RELOC);
	WRONG(v, v->stream, SHARDBLK_STREAM_MERGE);
	WRONG(v, v->entries[0].lba, U64_MAX - 1);
#undef WRONG
	KUNIT_EXPECT_TRUE(test, shard_frame_valid(h));
	KUNIT_EXPECT_TRUE(test, shard_frame_valid(m));
	KUNIT_EXPECT_TRUE(test, shard_frame_valid(v));
}

/*
 * Goal: the largest frame and piece that the format knows are valid.
 * Method: both with as many blocks as there can be, the piece at an extent's end.
 */
static void the_largest_frame_and_piece_are_valid(struct kunit *test)
{
	struct shard_super_record *r = super_make(test, 4096);
	struct shard_frame_header *h = frame_make(test, SHARDBLK_STREAM_RELOC0);

	h->entries[0].nr_blocks = SHARDBLK_FRAME_PAYLOAD_MAX;
	h->nr_blocks = SHARDBLK_FRAME_PAYLOAD_MAX;
	KUNIT_EXPECT_TRUE(test, shard_frame_valid(h));
	r->extent_blocks = 512;
	r->manifest[0].nr_blocks = SHARDBLK_FRAME_PAYLOAD_MAX;
	r->manifest[0].place.block = 512 - SHARDBLK_FRAME_PAYLOAD_MAX;
	KUNIT_EXPECT_TRUE(test, shard_super_valid(r));
	r->manifest[0].place.block++;
	KUNIT_EXPECT_FALSE(test, shard_super_valid(r));
}

static struct kunit_case codec_cases[] = {
	KUNIT_CASE(the_largest_frame_and_piece_are_valid),
	KUNIT_CASE(checksums_are_crc32c_seeded_by_the_format),
	KUNIT_CASE(limits_follow_from_the_layouts),
	KUNIT_CASE(a_frame_fits_up_to_its_header_block),
	KUNIT_CASE_PARAM(a_full_superblock_record_comes_back,
			 block_size_gen_params),
	KUNIT_CASE(every_flipped_bit_of_a_superblock_record_is_seen),
	KUNIT_CASE(a_superblock_record_out_of_place_is_refused),
	KUNIT_CASE(superblock_errors_say_what_is_wrong),
	KUNIT_CASE(a_superblock_record_is_of_one_block_size),
	KUNIT_CASE(a_broken_record_still_says_what_it_may_be),
	KUNIT_CASE(superblock_fields_out_of_bounds_are_not_valid),
	KUNIT_CASE(a_sealed_record_may_still_be_wrong),
	KUNIT_CASE(a_torn_record_is_no_damage),
	KUNIT_CASE_PARAM(frame_headers_of_all_streams_come_back,
			 block_size_gen_params),
	KUNIT_CASE(every_flipped_bit_of_a_frame_header_is_seen),
	KUNIT_CASE(a_frame_proves_its_format_and_place),
	KUNIT_CASE(frame_errors_say_what_is_wrong),
	KUNIT_CASE(frame_fields_out_of_bounds_are_not_valid),
	{}
};

static struct kunit_suite codec_suite = {
	.name = "shardblk-codec",
	.test_cases = codec_cases,
};

kunit_test_suites(&codec_suite);
