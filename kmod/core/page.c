// SPDX-License-Identifier: GPL-2.0-only
/*
 * DOC: run pages
 *
 * Pages of a run, to and from memory.  A leaf holds entries of different
 * lengths, packed; an inner page an array of children.  A page is checked once,
 * when it is read: all that walks it later relies on that.
 */
#include "page.h"

static_assert(sizeof(struct shardblk_leaf_entry) == 24);
static_assert(sizeof(struct shardblk_inner_entry) == 16);
static_assert(sizeof(struct shardblk_run_page) == 32);

u32 shard_inner_entries_max(u32 block_size)
{
	return (block_size - sizeof(struct shardblk_run_page)) /
	       sizeof(struct shardblk_inner_entry);
}

u32 shard_leaf_singles_max(u32 block_size)
{
	return (block_size - sizeof(struct shardblk_run_page)) /
	       (sizeof(struct shardblk_leaf_entry) + sizeof(__le32));
}

void shard_page_begin(struct shard_page_builder *b, void *block, u32 block_size)
{
	b->block = block;
	b->block_size = block_size;
	b->used = sizeof(struct shardblk_run_page);
	b->nr_entries = 0;
	memset(block, 0, block_size);
}

u32 shard_page_add_leaf(struct shard_page_builder *b,
			const struct shard_leaf_entry *entry, const u32 *csums)
{
	struct shardblk_leaf_entry d = { .lba = cpu_to_le64(entry->lba) };
	u32 room = b->block_size - b->used;
	u32 nr = entry->nr_blocks;
	u8 *at = (u8 *)b->block + b->used;
	u32 i;

	if (room < sizeof(d) + (entry->mapped ? sizeof(__le32) : 0))
		return 0;
	if (entry->mapped) {
		nr = min_t(u32, nr, (room - sizeof(d)) / sizeof(__le32));
		d.extent = cpu_to_le32(entry->place.extent);
		d.generation = cpu_to_le32(entry->place.generation);
		d.block = cpu_to_le32(entry->place.block);
	}
	d.nr_blocks = cpu_to_le32(nr);
	memcpy(at, &d, sizeof(d));
	b->used += sizeof(d);
	if (entry->mapped) {
		__le32 *to = (__le32 *)(at + sizeof(d));

		for (i = 0; i < nr; i++)
			to[i] = cpu_to_le32(csums[i]);
		b->used += nr * sizeof(__le32);
	}
	b->nr_entries++;
	return nr;
}

bool shard_page_add_inner(struct shard_page_builder *b,
			  const struct shard_inner_entry *entry)
{
	struct shardblk_inner_entry *d =
		(void *)((u8 *)b->block + b->used);

	if (b->block_size - b->used < sizeof(*d))
		return false;
	d->lba = cpu_to_le64(entry->lba);
	d->page = cpu_to_le32(entry->page);
	d->csum = cpu_to_le32(entry->csum);
	b->used += sizeof(*d);
	b->nr_entries++;
	return true;
}

u32 shard_page_end(struct shard_page_builder *b, u32 seed, u64 run_id,
		   u32 page, u8 level)
{
	struct shardblk_run_page *d = b->block;

	d->run_id = cpu_to_le64(run_id);
	d->page = cpu_to_le32(page);
	d->nr_entries = cpu_to_le16(b->nr_entries);
	d->level = level;
	shard_record_seal(&d->h, SHARDBLK_RUN_MAGIC, b->used, seed);
	return le32_to_cpu(d->h.csum);
}

static bool leaf_valid(const void *block)
{
	const struct shardblk_run_page *d = block;
	u32 end = le32_to_cpu(d->h.len);
	u32 pos = sizeof(*d);
	u32 nr = le16_to_cpu(d->nr_entries);
	u64 next = 0;

	while (nr--) {
		struct shardblk_leaf_entry e;
		u64 lba, nr_blocks;

		if (end - pos < sizeof(e))
			return false;
		memcpy(&e, (const u8 *)block + pos, sizeof(e));
		pos += sizeof(e);
		lba = le64_to_cpu(e.lba);
		nr_blocks = le32_to_cpu(e.nr_blocks);
		if (!nr_blocks || lba < next || lba + nr_blocks < lba)
			return false;
		next = lba + nr_blocks;
		if (le32_to_cpu(e.extent) == SHARDBLK_EXTENT_HOLE)
			continue;
		if (nr_blocks > (end - pos) / sizeof(__le32))
			return false;
		pos += nr_blocks * sizeof(__le32);
	}
	return pos == end;
}

static bool inner_valid(const void *block)
{
	const struct shardblk_run_page *d = block;
	const struct shardblk_inner_entry *e = (const void *)(d + 1);
	u32 nr = le16_to_cpu(d->nr_entries);
	u32 i;

	if (!nr || le32_to_cpu(d->h.len) != sizeof(*d) + nr * sizeof(*e))
		return false;
	for (i = 0; i < nr; i++) {
		/* children come before their parents, so no walk can loop */
		if (le32_to_cpu(e[i].page) >= le32_to_cpu(d->page))
			return false;
		if (i && le64_to_cpu(e[i].lba) <= le64_to_cpu(e[i - 1].lba))
			return false;
	}
	return true;
}

int shard_page_check(const void *block, u32 block_size, u32 seed, u64 run_id,
		     u32 page, u32 csum)
{
	const struct shardblk_run_page *d = block;
	int err;

	err = shard_record_check(&d->h, SHARDBLK_RUN_MAGIC, sizeof(*d), block_size,
				 seed);
	if (err == -ENODATA)
		return -EBADMSG;
	if (err)
		return err;
	err = shard_record_version(&d->h);
	if (err)
		return err;
	/* O13: proved by what points to it */
	if (le32_to_cpu(d->h.csum) != csum ||
	    le64_to_cpu(d->run_id) != run_id || le32_to_cpu(d->page) != page ||
	    d->reserved)
		return -EBADMSG;
	return (d->level ? inner_valid(block) : leaf_valid(block)) ? 0 :
								     -EBADMSG;
}

int shard_page_proves(const void *block, u32 block_size, u32 seed, u64 run_id,
		      u32 page)
{
	const struct shardblk_header *h = block;

	return shard_page_check(block, block_size, seed, run_id, page,
				le32_to_cpu(h->csum));
}

u8 shard_page_level(const void *block)
{
	const struct shardblk_run_page *d = block;

	return d->level;
}

u32 shard_page_nr_entries(const void *block)
{
	const struct shardblk_run_page *d = block;

	return le16_to_cpu(d->nr_entries);
}

bool shard_page_leaf(const void *block, u32 *pos, struct shard_leaf_entry *entry)
{
	const struct shardblk_run_page *d = block;
	struct shardblk_leaf_entry e;
	const u8 *at;

	if (!*pos)
		*pos = sizeof(*d);
	if (*pos >= le32_to_cpu(d->h.len))
		return false;
	at = (const u8 *)block + *pos;
	memcpy(&e, at, sizeof(e));
	entry->lba = le64_to_cpu(e.lba);
	entry->place.extent = le32_to_cpu(e.extent);
	entry->place.generation = le32_to_cpu(e.generation);
	entry->place.block = le32_to_cpu(e.block);
	entry->nr_blocks = le32_to_cpu(e.nr_blocks);
	entry->mapped = entry->place.extent != SHARDBLK_EXTENT_HOLE;
	entry->csums = (const __le32 *)(at + sizeof(e));
	*pos += sizeof(e);
	if (entry->mapped)
		*pos += entry->nr_blocks * sizeof(__le32);
	return true;
}

/* A multiple of 4 is all that is known of where an entry lies. */
static u64 entry_lba(const void *block, u32 pos)
{
	__le64 lba;

	memcpy(&lba, (const u8 *)block + pos +
	       offsetof(struct shardblk_leaf_entry, lba), sizeof(lba));
	return le64_to_cpu(lba);
}

static u32 entry_blocks(const void *block, u32 pos)
{
	__le32 nr_blocks;

	memcpy(&nr_blocks, (const u8 *)block + pos +
	       offsetof(struct shardblk_leaf_entry, nr_blocks),
	       sizeof(nr_blocks));
	return le32_to_cpu(nr_blocks);
}

static u32 entry_next(const void *block, u32 pos, u32 nr_blocks)
{
	__le32 extent;

	memcpy(&extent, (const u8 *)block + pos +
	       offsetof(struct shardblk_leaf_entry, extent), sizeof(extent));
	pos += sizeof(struct shardblk_leaf_entry);
	if (le32_to_cpu(extent) != SHARDBLK_EXTENT_HOLE)
		pos += nr_blocks * sizeof(__le32);
	return pos;
}

/* They share the entries out evenly; of a few the last is marked more often. */
void shard_page_mark(const void *block, struct shard_page_marks *marks)
{
	u32 nr = shard_page_nr_entries(block), idx = 0, i;
	u32 pos = sizeof(struct shardblk_run_page);

	for (i = 0; i < SHARD_PAGE_MARKS; i++) {
		u32 want = nr * (i + 1) / (SHARD_PAGE_MARKS + 1);

		for (; idx < want; idx++)
			pos = entry_next(block, pos, entry_blocks(block, pos));
		marks->pos[i] = pos;
	}
}

/*
 * Entries differ in length, so from the last mark that is not behind the block
 * they are passed one by one; only what says where the next one lies is looked
 * at, since this is most of a look-up's work.
 */
u32 shard_page_find(const void *block, const struct shard_page_marks *marks,
		    u64 lba)
{
	const struct shardblk_run_page *d = block;
	u32 len = le32_to_cpu(d->h.len);
	u32 pos = sizeof(*d);
	u32 i;

	for (i = 0; i < SHARD_PAGE_MARKS; i++) {
		if (entry_lba(block, marks->pos[i]) > lba)
			break;
		pos = marks->pos[i];
	}
	while (pos < len) {
		u32 nr_blocks = entry_blocks(block, pos);

		if (entry_lba(block, pos) + nr_blocks > lba)
			break;
		pos = entry_next(block, pos, nr_blocks);
	}
	return pos;
}

void shard_page_inner(const void *block, u32 idx,
		      struct shard_inner_entry *entry)
{
	const struct shardblk_inner_entry *e =
		(const void *)((const struct shardblk_run_page *)block + 1);

	entry->lba = le64_to_cpu(e[idx].lba);
	entry->page = le32_to_cpu(e[idx].page);
	entry->csum = le32_to_cpu(e[idx].csum);
}

void shard_page_child(const void *block, u64 lba,
		      struct shard_inner_entry *entry, u64 *next)
{
	u32 nr = shard_page_nr_entries(block);
	u32 low = 0, high = nr;

	while (high - low > 1) {
		u32 mid = low + (high - low) / 2;

		shard_page_inner(block, mid, entry);
		if (entry->lba <= lba)
			low = mid;
		else
			high = mid;
	}
	if (low + 1 < nr) {
		shard_page_inner(block, low + 1, entry);
		*next = min(*next, entry->lba);
	}
	shard_page_inner(block, low, entry);
}
