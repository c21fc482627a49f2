// SPDX-License-Identifier: GPL-2.0-only
/*
 * DOC: codec
 *
 * Records on disk, to and from memory.
 *
 * Each record begins with the same header, whose checksum covers the bytes
 * that mean anything, and is started from the format id: what another format
 * of the same device left behind never looks right.  Records that are found by
 * their place (superblock, frame, manifest page) carry it; pages of a run are
 * proved by the checksum in what points to them, see page.c.
 *
 * Everything is checked when it is written (the *_valid() predicates, as
 * assertions) and when it is read (the same predicates, as errors).
 */
#include "codec.h"

/* What a power cut leaves whole of a write, each as it was or shall be. */
#define TEAR_SIZE	512u
/*
 * Numbers of records and of requests that are believed.  There are more behind
 * them than a device lives to give, so none ever wraps: nor do ids of runs, which
 * are numbers of records with 16 bits more.
 */
#define NUMBER_MAX	BIT_ULL(47)
#define SEQ_MAX		BIT_ULL(62)

static_assert(sizeof(struct shardblk_header) == 16);
static_assert(offsetof(struct shardblk_header, csum) == 0);
static_assert(sizeof(struct shardblk_place) == 16);
static_assert(sizeof(struct shardblk_piece) == 20);
static_assert(sizeof(struct shardblk_super_extent) == 16);
static_assert(sizeof(struct shardblk_super) == 192);
static_assert(offsetof(struct shardblk_super, format_id) == 32);
static_assert(offsetof(struct shardblk_super, logical_blocks) == 88);
static_assert(offsetof(struct shardblk_super, manifest) == 120);
static_assert(offsetof(struct shardblk_super, extents) == 192);
static_assert(sizeof(struct shardblk_frame_entry) == 16);
static_assert(sizeof(struct shardblk_frame) == 64);
static_assert(offsetof(struct shardblk_frame, seq) == 32);
static_assert(sizeof(struct shardblk_manifest) == 80);
static_assert(offsetof(struct shardblk_manifest, prev) == 56);
static_assert(sizeof(struct shardblk_item_extent) == SHARDBLK_ITEM_SIZE);
static_assert(sizeof(struct shardblk_item_run) == SHARDBLK_ITEM_SIZE);
static_assert(sizeof(struct shardblk_item_chunk) == SHARDBLK_ITEM_SIZE);

u32 shard_seed(const u8 format_id[16])
{
	return crc32c(~0u, format_id, 16);
}

u32 shard_super_extents_max(u32 block_size)
{
	return (block_size - sizeof(struct shardblk_super)) /
	       sizeof(struct shardblk_super_extent);
}

u32 shard_items_max(u32 block_size)
{
	return (block_size - sizeof(struct shardblk_manifest)) /
	       SHARDBLK_ITEM_SIZE;
}

static u32 frame_len(u32 nr_entries, u32 nr_blocks)
{
	return sizeof(struct shardblk_frame) +
	       nr_entries * sizeof(struct shardblk_frame_entry) +
	       nr_blocks * sizeof(__le32);
}

u32 shard_frame_request_max(u32 block_size)
{
	return (block_size - frame_len(1, 0)) / sizeof(__le32);
}

u32 shard_frame_singles_max(u32 block_size)
{
	return (block_size - frame_len(0, 0)) /
	       (sizeof(struct shardblk_frame_entry) + sizeof(__le32));
}

bool shard_frame_fits(u32 block_size, u32 nr_entries, u32 nr_blocks)
{
	return nr_blocks <= SHARDBLK_FRAME_PAYLOAD_MAX &&
	       frame_len(nr_entries, nr_blocks) <= block_size;
}

static u32 record_csum(const struct shardblk_header *h, u32 len, u32 seed)
{
	return crc32c(seed, &h->magic, len - sizeof(h->csum));
}

void shard_record_seal(struct shardblk_header *h, u32 magic, u32 len, u32 seed)
{
	h->magic = cpu_to_le32(magic);
	h->version = cpu_to_le16(SHARDBLK_FORMAT_VERSION);
	h->reserved = 0;
	h->len = cpu_to_le32(len);
	h->csum = cpu_to_le32(record_csum(h, len, seed));
}

/* Checks all of a header but the version; @min is the fixed part's size. */
int shard_record_check(const struct shardblk_header *h, u32 magic, u32 min,
		       u32 max, u32 seed)
{
	u32 len = le32_to_cpu(h->len);

	if (le32_to_cpu(h->magic) != magic)
		return -ENODATA;
	if (len < min || len > max)
		return -EBADMSG;
	if (le32_to_cpu(h->csum) != record_csum(h, len, seed))
		return -EBADMSG;
	return 0;
}

int shard_record_version(const struct shardblk_header *h)
{
	if (le16_to_cpu(h->version) != SHARDBLK_FORMAT_VERSION || h->reserved)
		return -EOPNOTSUPP;
	return 0;
}

static void place_encode(struct shardblk_place *to,
			 const struct shard_place *from)
{
	to->extent = cpu_to_le32(from->extent);
	to->generation = cpu_to_le32(from->generation);
	to->block = cpu_to_le32(from->block);
	to->reserved = 0;
}

/* O13: a record proves its place. */
static bool place_matches(const struct shardblk_place *is,
			  const struct shard_place *want)
{
	return le32_to_cpu(is->extent) == want->extent &&
	       le32_to_cpu(is->generation) == want->generation &&
	       le32_to_cpu(is->block) == want->block && !is->reserved;
}

static void piece_encode(struct shardblk_piece *to,
			 const struct shard_piece *from)
{
	to->extent = cpu_to_le32(from->place.extent);
	to->generation = cpu_to_le32(from->place.generation);
	to->block = cpu_to_le32(from->place.block);
	to->nr_blocks = cpu_to_le32(from->nr_blocks);
	to->csum = cpu_to_le32(from->csum);
}

static void piece_decode(const struct shardblk_piece *from,
			 struct shard_piece *to)
{
	to->place.extent = le32_to_cpu(from->extent);
	to->place.generation = le32_to_cpu(from->generation);
	to->place.block = le32_to_cpu(from->block);
	to->nr_blocks = le32_to_cpu(from->nr_blocks);
	to->csum = le32_to_cpu(from->csum);
}

/* ---- superblock ---- */

static bool super_geometry_valid(const struct shard_super_record *r)
{
	if (r->block_size < SHARDBLK_BLOCK_SIZE_MIN ||
	    r->block_size > SHARDBLK_BLOCK_SIZE_MAX ||
	    !is_power_of_2(r->block_size))
		return false;
	if (r->extent_blocks < 16 ||
	    r->extent_blocks > SHARDBLK_EXTENT_BYTES_MAX / r->block_size ||
	    !is_power_of_2(r->extent_blocks))
		return false;
	if (r->nr_extents <= SHARDBLK_SUPER_EXTENTS)
		return false;
	if (!r->logical_blocks ||
	    r->logical_blocks > SHARDBLK_LOGICAL_BLOCKS_MAX)
		return false;
	if (!r->reloc_streams || r->reloc_streams > SHARDBLK_RELOC_STREAMS)
		return false;
	return r->checkpoint_blocks != 0;
}

static bool super_extent_valid(const struct shard_super_record *r,
			       const struct shard_super_extent *e)
{
	if (e->extent < SHARDBLK_SUPER_EXTENTS || e->extent >= r->nr_extents)
		return false;
	if (!e->generation || e->start > r->extent_blocks)
		return false;
	return e->end == SHARDBLK_END_OPEN ||
	       (e->end >= e->start && e->end <= r->extent_blocks);
}

static bool super_piece_valid(const struct shard_super_record *r,
			      const struct shard_piece *p)
{
	if (!p->nr_blocks)
		return true;
	return p->place.extent >= SHARDBLK_SUPER_EXTENTS &&
	       p->place.extent < r->nr_extents && p->place.generation &&
	       p->nr_blocks <= SHARDBLK_FRAME_PAYLOAD_MAX &&
	       p->place.block && p->place.block < r->extent_blocks &&
	       p->nr_blocks <= r->extent_blocks - p->place.block;
}

bool shard_super_valid(const struct shard_super_record *r)
{
	u32 i;

	if (!super_geometry_valid(r))
		return false;
	if (!r->number || r->durable_seq < r->checkpoint_seq)
		return false;
	if (!super_piece_valid(r, &r->manifest[0]) ||
	    !super_piece_valid(r, &r->manifest[1]))
		return false;
	if (!r->manifest[0].nr_blocks != !r->manifest[1].nr_blocks)
		return false;
	if ((u32)r->nr_log + r->nr_assigned >
	    shard_super_extents_max(r->block_size))
		return false;
	for (i = 0; i < (u32)r->nr_log + r->nr_assigned; i++)
		if (!super_extent_valid(r, &r->extents[i]))
			return false;
	return true;
}

void shard_super_copy(struct shard_super_record *to,
		      const struct shard_super_record *from)
{
	u32 nr = (u32)from->nr_log + from->nr_assigned;

	memcpy(to, from, offsetof(struct shard_super_record, extents) +
			 nr * sizeof(from->extents[0]));
}

void shard_super_encode(const struct shard_super_record *r,
			const struct shard_place *place, void *block)
{
	struct shardblk_super *d = block;
	u32 nr = (u32)r->nr_log + r->nr_assigned;
	u32 i;

	WARN_ON_ONCE(!shard_super_valid(r));
	memset(block, 0, r->block_size);
	place_encode(&d->place, place);
	memcpy(d->format_id, r->format_id, sizeof(d->format_id));
	memcpy(d->uuid, r->uuid, sizeof(d->uuid));
	d->compat = cpu_to_le32(r->compat);
	d->ro_compat = cpu_to_le32(r->ro_compat);
	d->incompat = cpu_to_le32(r->incompat);
	d->block_size = cpu_to_le32(r->block_size);
	d->extent_blocks = cpu_to_le32(r->extent_blocks);
	d->nr_extents = cpu_to_le32(r->nr_extents);
	d->logical_blocks = cpu_to_le64(r->logical_blocks);
	d->number = cpu_to_le64(r->number);
	d->checkpoint_seq = cpu_to_le64(r->checkpoint_seq);
	d->durable_seq = cpu_to_le64(r->durable_seq);
	for (i = 0; i < SHARDBLK_MANIFEST_COPIES; i++)
		piece_encode(&d->manifest[i], &r->manifest[i]);
	d->checkpoint_blocks = cpu_to_le32(r->checkpoint_blocks);
	d->spare_permille = cpu_to_le32(r->spare_permille);
	d->nr_log = cpu_to_le16(r->nr_log);
	d->nr_assigned = cpu_to_le16(r->nr_assigned);
	d->reloc_streams = r->reloc_streams;
	for (i = 0; i < nr; i++) {
		d->extents[i].extent = cpu_to_le32(r->extents[i].extent);
		d->extents[i].generation =
			cpu_to_le32(r->extents[i].generation);
		d->extents[i].start = cpu_to_le32(r->extents[i].start);
		d->extents[i].end = cpu_to_le32(r->extents[i].end);
	}
	shard_record_seal(&d->h, SHARDBLK_SUPER_MAGIC, r->block_size,
			  shard_seed(r->format_id));
}

static void super_load(const struct shardblk_super *d,
		       struct shard_super_record *r, u32 nr)
{
	u32 i;

	memcpy(r->format_id, d->format_id, sizeof(r->format_id));
	memcpy(r->uuid, d->uuid, sizeof(r->uuid));
	r->compat = le32_to_cpu(d->compat);
	r->ro_compat = le32_to_cpu(d->ro_compat);
	r->incompat = le32_to_cpu(d->incompat);
	r->block_size = le32_to_cpu(d->block_size);
	r->extent_blocks = le32_to_cpu(d->extent_blocks);
	r->nr_extents = le32_to_cpu(d->nr_extents);
	r->logical_blocks = le64_to_cpu(d->logical_blocks);
	r->number = le64_to_cpu(d->number);
	r->checkpoint_seq = le64_to_cpu(d->checkpoint_seq);
	r->durable_seq = le64_to_cpu(d->durable_seq);
	for (i = 0; i < SHARDBLK_MANIFEST_COPIES; i++)
		piece_decode(&d->manifest[i], &r->manifest[i]);
	r->checkpoint_blocks = le32_to_cpu(d->checkpoint_blocks);
	r->spare_permille = le32_to_cpu(d->spare_permille);
	r->nr_log = le16_to_cpu(d->nr_log);
	r->nr_assigned = le16_to_cpu(d->nr_assigned);
	r->reloc_streams = d->reloc_streams;
	for (i = 0; i < nr; i++) {
		r->extents[i].extent = le32_to_cpu(d->extents[i].extent);
		r->extents[i].generation =
			le32_to_cpu(d->extents[i].generation);
		r->extents[i].start = le32_to_cpu(d->extents[i].start);
		r->extents[i].end = le32_to_cpu(d->extents[i].end);
	}
}

u32 shard_super_claims(const void *block, u64 *number)
{
	const struct shardblk_super *d = block;
	u32 len = le32_to_cpu(d->h.len);

	if (le32_to_cpu(d->h.magic) != SHARDBLK_SUPER_MAGIC ||
	    len < SHARDBLK_BLOCK_SIZE_MIN || len > SHARDBLK_BLOCK_SIZE_MAX ||
	    !is_power_of_2(len))
		return 0;
	*number = le64_to_cpu(d->number);
	return len;
}

int shard_super_decode(const void *block, u32 len,
		       const struct shard_place *place,
		       struct shard_super_record *r)
{
	const struct shardblk_super *d = block;
	u32 nr;
	int err;

	if (len < SHARDBLK_BLOCK_SIZE_MIN || len > SHARDBLK_BLOCK_SIZE_MAX)
		return -EINVAL;
	err = shard_record_check(&d->h, SHARDBLK_SUPER_MAGIC, len, len,
				 shard_seed(d->format_id));
	if (err)
		return err;
	if (!place_matches(&d->place, place))
		return -EBADMSG;
	err = shard_record_version(&d->h);
	if (err)
		return err;
	if (le32_to_cpu(d->incompat) & ~SHARDBLK_INCOMPAT_KNOWN)
		return -EOPNOTSUPP;
	nr = (u32)le16_to_cpu(d->nr_log) + le16_to_cpu(d->nr_assigned);
	if (le32_to_cpu(d->block_size) != len ||
	    nr > shard_super_extents_max(len) ||
	    memchr_inv(d->reserved, 0, sizeof(d->reserved)))
		return -EBADMSG;
	super_load(d, r, nr);
	if (r->number > NUMBER_MAX || r->durable_seq > SEQ_MAX)
		return -EBADMSG;
	return shard_super_valid(r) ? 0 : -EBADMSG;
}

bool shard_super_lasts(const struct shard_super_record *r)
{
	return r->number <= NUMBER_MAX / 2 && r->durable_seq <= SEQ_MAX / 2;
}

bool shard_super_damaged(const void *block, const void *want, u32 len)
{
	const struct shardblk_super *is = block;
	const struct shardblk_super *be = want;
	u32 at;

	if (is->h.csum != be->h.csum && is->number != be->number)
		return false;
	for (at = 0; at < len; at += TEAR_SIZE)
		if (memcmp(block + at, want + at, TEAR_SIZE) &&
		    (!at || memchr_inv(block + at, 0, TEAR_SIZE)))
			return true;
	return false;
}

/* ---- frame ---- */

static bool frame_entry_valid(const struct shard_frame_header *h,
			      const struct shard_frame_entry *e)
{
	if (!e->nr_blocks)
		return false;
	switch (e->kind) {
	case SHARDBLK_ENTRY_WRITE:
		return h->stream == SHARDBLK_STREAM_HOST &&
		       e->lba + e->nr_blocks > e->lba;
	case SHARDBLK_ENTRY_DISCARD:
		return h->stream == SHARDBLK_STREAM_HOST &&
		       e->lba + e->nr_blocks > e->lba;
	case SHARDBLK_ENTRY_RELOC:
		return h->stream >= SHARDBLK_STREAM_RELOC0 &&
		       h->stream <= SHARDBLK_STREAM_RELOC2 &&
		       e->lba + e->nr_blocks > e->lba;
	case SHARDBLK_ENTRY_RUN:
		return h->stream == SHARDBLK_STREAM_INDEX ||
		       h->stream == SHARDBLK_STREAM_MERGE;
	case SHARDBLK_ENTRY_MANIFEST:
		return h->stream == SHARDBLK_STREAM_META0 ||
		       h->stream == SHARDBLK_STREAM_META1;
	}
	return false;
}

bool shard_frame_valid(const struct shard_frame_header *h)
{
	u64 nr_blocks = 0;
	u32 i;

	if (!h->nr_entries || h->nr_entries > SHARD_FRAME_ENTRIES_MAX ||
	    h->nr_blocks > SHARDBLK_FRAME_PAYLOAD_MAX)
		return false;
	if ((h->stream == SHARDBLK_STREAM_HOST) != (h->seq != 0))
		return false;
	if (h->seq && (h->durable_seq >= h->seq ||
		       h->seq + h->nr_entries < h->seq))
		return false;
	for (i = 0; i < h->nr_entries; i++) {
		if (!frame_entry_valid(h, &h->entries[i]))
			return false;
		if (h->entries[i].kind != SHARDBLK_ENTRY_DISCARD)
			nr_blocks += h->entries[i].nr_blocks;
	}
	return nr_blocks == h->nr_blocks;
}

void shard_frame_encode(const struct shard_frame_header *h, u32 seed,
			const struct shard_place *place, void *block,
			u32 block_size)
{
	struct shardblk_frame *d = block;
	__le32 *csums = (__le32 *)&d->entries[h->nr_entries];
	u32 i;

	WARN_ON_ONCE(!shard_frame_valid(h));
	WARN_ON_ONCE(!shard_frame_fits(block_size, h->nr_entries,
				       h->nr_blocks));
	memset(block, 0, block_size);
	place_encode(&d->place, place);
	d->seq = cpu_to_le64(h->seq);
	d->durable_seq = cpu_to_le64(h->durable_seq);
	d->nr_entries = cpu_to_le16(h->nr_entries);
	d->nr_blocks = cpu_to_le16(h->nr_blocks);
	d->stream = h->stream;
	for (i = 0; i < h->nr_entries; i++) {
		d->entries[i].lba = cpu_to_le64(h->entries[i].lba);
		d->entries[i].nr_blocks = cpu_to_le32(h->entries[i].nr_blocks);
		d->entries[i].kind = h->entries[i].kind;
	}
	for (i = 0; i < h->nr_blocks; i++)
		csums[i] = cpu_to_le32(h->csums[i]);
	shard_record_seal(&d->h, SHARDBLK_FRAME_MAGIC,
			  frame_len(h->nr_entries, h->nr_blocks), seed);
}

int shard_frame_decode(const void *block, u32 block_size, u32 seed,
		       const struct shard_place *place,
		       struct shard_frame_header *h)
{
	const struct shardblk_frame *d = block;
	const __le32 *csums;
	u32 i;
	int err;

	err = shard_record_check(&d->h, SHARDBLK_FRAME_MAGIC, sizeof(*d), block_size,
				 seed);
	shard_sometimes(err && le32_to_cpu(d->h.magic) == SHARDBLK_FRAME_MAGIC,
			"a frame header is torn");
	shard_sometimes(!err && le32_to_cpu(d->place.generation) != place->generation,
			"a frame header is of an older generation");
	if (err)
		return err;
	if (!place_matches(&d->place, place))
		return -EBADMSG;
	err = shard_record_version(&d->h);
	if (err)
		return err;
	h->seq = le64_to_cpu(d->seq);
	h->durable_seq = le64_to_cpu(d->durable_seq);
	h->nr_entries = le16_to_cpu(d->nr_entries);
	h->nr_blocks = le16_to_cpu(d->nr_blocks);
	h->stream = d->stream;
	if (!shard_frame_fits(block_size, h->nr_entries, h->nr_blocks) ||
	    le32_to_cpu(d->h.len) != frame_len(h->nr_entries, h->nr_blocks) ||
	    memchr_inv(d->reserved, 0, sizeof(d->reserved)))
		return -EBADMSG;
	for (i = 0; i < h->nr_entries; i++) {
		h->entries[i].lba = le64_to_cpu(d->entries[i].lba);
		h->entries[i].nr_blocks = le32_to_cpu(d->entries[i].nr_blocks);
		h->entries[i].kind = d->entries[i].kind;
		if (memchr_inv(d->entries[i].reserved, 0,
			       sizeof(d->entries[i].reserved)))
			return -EBADMSG;
	}
	csums = (const __le32 *)&d->entries[h->nr_entries];
	for (i = 0; i < h->nr_blocks; i++)
		h->csums[i] = le32_to_cpu(csums[i]);
	return shard_frame_valid(h) ? 0 : -EBADMSG;
}

/* ---- manifest ---- */

void shard_manifest_encode(const struct shard_manifest_header *h, u32 seed,
			   const struct shard_place *place, void *block,
			   u32 block_size)
{
	struct shardblk_manifest *d = block;

	WARN_ON_ONCE(h->nr_items > shard_items_max(block_size));
	place_encode(&d->place, place);
	d->number = cpu_to_le64(h->number);
	d->checkpoint_seq = cpu_to_le64(h->checkpoint_seq);
	d->page = cpu_to_le32(h->page);
	d->nr_items = cpu_to_le16(h->nr_items);
	d->copy = h->copy;
	piece_encode(&d->prev, &h->prev);
	shard_record_seal(&d->h, SHARDBLK_MANIFEST_MAGIC,
			  sizeof(*d) + h->nr_items * SHARDBLK_ITEM_SIZE, seed);
}

int shard_manifest_decode(const void *block, u32 block_size, u32 seed,
			  const struct shard_place *place,
			  struct shard_manifest_header *h)
{
	const struct shardblk_manifest *d = block;
	int err;

	err = shard_record_check(&d->h, SHARDBLK_MANIFEST_MAGIC, sizeof(*d),
				 block_size, seed);
	if (err)
		return err;
	if (!place_matches(&d->place, place))
		return -EBADMSG;
	err = shard_record_version(&d->h);
	if (err)
		return err;
	h->number = le64_to_cpu(d->number);
	h->checkpoint_seq = le64_to_cpu(d->checkpoint_seq);
	h->page = le32_to_cpu(d->page);
	h->nr_items = le16_to_cpu(d->nr_items);
	h->copy = d->copy;
	piece_decode(&d->prev, &h->prev);
	if (d->reserved || memchr_inv(d->reserved2, 0, sizeof(d->reserved2)))
		return -EBADMSG;
	if (h->nr_items > shard_items_max(block_size) ||
	    le32_to_cpu(d->h.len) !=
	    sizeof(*d) + h->nr_items * SHARDBLK_ITEM_SIZE ||
	    h->prev.nr_blocks > SHARDBLK_FRAME_PAYLOAD_MAX)
		return -EBADMSG;
	return 0;
}

u32 shard_manifest_nr_items(const void *block)
{
	const struct shardblk_manifest *d = block;

	return le16_to_cpu(d->nr_items);
}

void shard_item_encode(const struct shard_item *item, void *block, u32 idx)
{
	void *at = (u8 *)block + sizeof(struct shardblk_manifest) +
		   idx * SHARDBLK_ITEM_SIZE;
	struct shardblk_item_extent *e = at;
	struct shardblk_item_run *r = at;
	struct shardblk_item_chunk *c = at;

	memset(at, 0, SHARDBLK_ITEM_SIZE);
	e->kind = item->kind;
	switch (item->kind) {
	case SHARDBLK_ITEM_EXTENT:
		e->stream = item->extent.stream;
		e->flags = item->extent.bad ? SHARDBLK_EXTENT_BAD : 0;
		e->extent = cpu_to_le32(item->extent.extent);
		e->generation = cpu_to_le32(item->extent.generation);
		e->written = cpu_to_le32(item->extent.written);
		e->live = cpu_to_le32(item->extent.live);
		e->seq = cpu_to_le64(item->extent.seq);
		break;
	case SHARDBLK_ITEM_RUN:
		r->height = item->run.height;
		r->stream = item->run.stream;
		r->nr_pages = cpu_to_le32(item->run.nr_pages);
		r->run_id = cpu_to_le64(item->run.run_id);
		r->nr_entries = cpu_to_le64(item->run.nr_entries);
		r->nr_chunks = cpu_to_le32(item->run.nr_chunks);
		r->root_csum = cpu_to_le32(item->run.root_csum);
		break;
	case SHARDBLK_ITEM_CHUNK:
		c->extent = cpu_to_le32(item->chunk.place.extent);
		c->generation = cpu_to_le32(item->chunk.place.generation);
		c->block = cpu_to_le32(item->chunk.place.block);
		c->nr_blocks = cpu_to_le32(item->chunk.nr_blocks);
		break;
	}
}

int shard_item_decode(const void *block, u32 idx, struct shard_item *item)
{
	const void *at = (const u8 *)block + sizeof(struct shardblk_manifest) +
			 idx * SHARDBLK_ITEM_SIZE;
	const struct shardblk_item_extent *e = at;
	const struct shardblk_item_run *r = at;
	const struct shardblk_item_chunk *c = at;

	item->kind = e->kind;
	switch (item->kind) {
	case SHARDBLK_ITEM_EXTENT:
		item->extent.stream = e->stream;
		item->extent.bad = e->flags & SHARDBLK_EXTENT_BAD;
		item->extent.extent = le32_to_cpu(e->extent);
		item->extent.generation = le32_to_cpu(e->generation);
		item->extent.written = le32_to_cpu(e->written);
		item->extent.live = le32_to_cpu(e->live);
		item->extent.seq = le64_to_cpu(e->seq);
		return e->stream < SHARDBLK_STREAM_SUPER &&
		       !(e->flags & ~SHARDBLK_EXTENT_BAD) && !e->reserved &&
		       !memchr_inv(e->reserved2, 0, sizeof(e->reserved2)) ?
		       0 : -EBADMSG;
	case SHARDBLK_ITEM_RUN:
		item->run.height = r->height;
		item->run.stream = r->stream;
		item->run.nr_pages = le32_to_cpu(r->nr_pages);
		item->run.run_id = le64_to_cpu(r->run_id);
		item->run.nr_entries = le64_to_cpu(r->nr_entries);
		item->run.nr_chunks = le32_to_cpu(r->nr_chunks);
		item->run.root_csum = le32_to_cpu(r->root_csum);
		return r->height && r->nr_pages && !r->reserved &&
		       (r->stream == SHARDBLK_STREAM_INDEX ||
			r->stream == SHARDBLK_STREAM_MERGE) ? 0 : -EBADMSG;
	case SHARDBLK_ITEM_CHUNK:
		item->chunk.place.extent = le32_to_cpu(c->extent);
		item->chunk.place.generation = le32_to_cpu(c->generation);
		item->chunk.place.block = le32_to_cpu(c->block);
		item->chunk.nr_blocks = le32_to_cpu(c->nr_blocks);
		return item->chunk.nr_blocks &&
		       !memchr_inv(c->reserved, 0, sizeof(c->reserved)) &&
		       !memchr_inv(c->reserved2, 0, sizeof(c->reserved2)) ?
		       0 : -EBADMSG;
	}
	return -EBADMSG;
}
