// SPDX-License-Identifier: GPL-2.0-only
/*
 * DOC: recovery of the superblock
 *
 * The newest valid record of all copies, wherever it lies, is the root.  Where
 * records may lie depends on the geometry, which only a record tells: so one is
 * looked for wherever a superblock extent of any geometry may begin, and what
 * it says is followed.
 *
 * What cannot be read hides only itself, for as long as the other copy can be
 * read whole (O10); the number of the next record is raised above all that may
 * be hidden, and once that record is durable the extent is wiped (O8).
 */
#include "recover.h"

#define SUPER_SIZE_MIN	(16 * SHARDBLK_BLOCK_SIZE_MIN)
#define SUPER_SIZE_MAX	(256u << 20)

struct super_scan {
	struct shard_writeback *wb;
	struct shard_backend *backend;
	struct shard_found_super *found;
	struct shard_super_record *record;	/* scratch */
	void *buf;
	u64 extent_size;
	u32 block_size;
	u64 numbers[SHARDBLK_SUPER_EXTENTS];	/* highest in each extent */
	u32 next[SHARDBLK_SUPER_EXTENTS];	/* behind it */
	bool any;
	bool unknown;				/* a record not understood */
	bool unreadable;			/* where one may have been */
	bool doubtful;				/* one that is not right */
	bool no_memory;
};

/* Reads block @block of superblock extent @extent. */
static int super_read(struct super_scan *s, u32 extent, u32 block, u32 nr,
		      void *to)
{
	u64 offset = extent * s->extent_size + (u64)block * s->block_size;

	if (offset + (u64)nr * s->block_size > s->backend->capacity)
		return -ENODATA;
	return shard_writeback_read_wait(s->wb, offset, to,
					 nr * s->block_size);
}

/* Reads what records may use of an extent; what cannot be read is zeroed. */
static int super_load(struct super_scan *s, u32 extent, u32 nr)
{
	u32 i;
	int err;

	err = super_read(s, extent, 0, nr, s->buf);
	for (i = 0; err && err != -ENODATA && i < nr; i++) {
		u8 *block = (u8 *)s->buf + (size_t)i * s->block_size;

		/* one block that cannot be read hides only itself */
		if (!super_read(s, extent, i, 1, block))
			continue;
		s->found->unreadable |= BIT(extent);
		memset(block, 0, s->block_size);
	}
	return err == -ENODATA ? err : 0;
}

/* The block that claims to hold the newest record, or @nr. */
static u32 super_newest(struct super_scan *s, u32 nr)
{
	u32 newest = nr;
	u64 highest = 0;
	u32 i;

	for (i = 0; i < nr; i++) {
		const u8 *block = (u8 *)s->buf + (size_t)i * s->block_size;
		u64 number;

		if (shard_super_claims(block, &number) != s->block_size ||
		    number < highest)
			continue;
		highest = number;
		newest = i;
	}
	return newest;
}

/* A record was read; it may be the newest of its extent, and of all. */
static void super_found(struct super_scan *s, u32 extent, u32 block)
{
	const struct shard_super_record *r = s->record;

	if (r->number > s->numbers[extent]) {
		s->numbers[extent] = r->number;
		s->next[extent] = block + 1;
	}
	if (!s->any || r->number > s->found->record.number)
		shard_super_copy(&s->found->record, r);
	s->any = true;
}

/* Finds the newest record of an extent: what claims to be, if it is right. */
static void super_scan_extent(struct super_scan *s, u32 extent)
{
	u32 nr = shard_super_blocks(div_u64(s->extent_size, s->block_size));
	struct shard_super_record *r = s->record;
	u32 at;

	if (super_load(s, extent, nr))
		return;
	while ((at = super_newest(s, nr)) < nr) {
		struct shard_place place = { .extent = extent, .block = at };
		u8 *block = (u8 *)s->buf + (size_t)at * s->block_size;
		int err = shard_super_decode(block, s->block_size, &place, r);

		if (err == -EOPNOTSUPP)
			s->unknown = true;
		if (err || (u64)r->extent_blocks * r->block_size !=
		    s->extent_size) {
			memset(block, 0, s->block_size);
			continue;
		}
		super_found(s, extent, at);
		return;
	}
}

/*
 * Looks once more for what one read may have got wrong, by the wire or the way.
 * The first copy has each record that the second has, and may have one more:
 * if that were taken for one that never was, its number would be given to
 * another.
 */
static void super_look_again(struct super_scan *s)
{
	u32 nr = shard_super_blocks(div_u64(s->extent_size, s->block_size));
	u32 other = SHARDBLK_SUPER_COPIES;
	struct shard_place next = {};

	if (max(s->numbers[0], s->numbers[other]) <
	    max(s->numbers[1], s->numbers[1 + other])) {
		super_scan_extent(s, 0);
		super_scan_extent(s, other);
	}
	next.extent = s->numbers[other] > s->numbers[0] ? other : 0;
	next.block = s->next[next.extent];
	if (next.block >= nr) {
		next.extent ^= other;
		next.block = 0;
	}
	if (super_read(s, next.extent, next.block, 1, s->buf) ||
	    shard_super_decode(s->buf, s->block_size, &next, s->record) ||
	    (u64)s->record->extent_blocks * s->block_size != s->extent_size ||
	    s->record->number <= s->found->record.number)
		return;
	shard_rarely(true, "a record is seen at the second look");
	super_found(s, next.extent, next.block);
}

/* One guess of the geometry; true if it is right. */
static bool super_try(struct super_scan *s, u64 extent_size, u32 block_size)
{
	u32 extent;

	s->extent_size = extent_size;
	s->block_size = block_size;
	s->found->unreadable = 0;
	s->found->extent_size = extent_size;
	s->found->block_size = block_size;
	kvfree(s->buf);
	s->buf = kvmalloc(block_size * SHARDBLK_SUPER_BLOCKS, GFP_KERNEL);
	if (!s->buf) {
		s->no_memory = true;
		return false;
	}
	memset(s->numbers, 0, sizeof(s->numbers));
	memset(s->next, 0, sizeof(s->next));
	if (block_size < s->backend->logical_block_size)
		return false;
	for (extent = 0; extent < SHARDBLK_SUPER_EXTENTS; extent++)
		super_scan_extent(s, extent);
	return s->any;
}

/*
 * Looks at the first block of a superblock extent, if extents had this size.
 * Where the second one lies the third one would, had they half the size.
 *
 * Return: true if it is a record, whatever geometry it tells of: that is in
 * s->record then.  What only looks like one, or cannot be read, is noted.
 */
static bool super_probe(struct super_scan *s, u64 extent_size, u32 extent)
{
	struct shard_place place = { .extent = extent };
	u32 len = min_t(u32, s->backend->logical_block_size,
			SHARDBLK_BLOCK_SIZE_MAX);
	u64 number;
	int err;

	if (!s->buf)
		return false;
	s->extent_size = extent_size;
	/* its beginning says how long it is */
	do {
		s->block_size = len;
		err = super_read(s, extent, 0, 1, s->buf);
		if (err && err != -ENODATA)
			s->unreadable = true;
		len = err ? 0 : shard_super_claims(s->buf, &number);
	} while (len > s->block_size);
	if (!len)
		return false;
	err = shard_super_decode(s->buf, len, &place, s->record);
	if (err && extent == 1) {
		place.extent = 2;
		err = shard_super_decode(s->buf, len, &place, s->record);
	}
	if (err)
		s->doubtful = true;
	return !err;
}

/* The geometry that the record in s->record tells of. */
static bool super_try_record(struct super_scan *s)
{
	u64 size = (u64)s->record->extent_blocks * s->record->block_size;

	return super_try(s, size, s->record->block_size);
}

/*
 * A record at the very start, or where a superblock extent may begin, tells
 * the geometry.  If there is none, but something that may have been one, or
 * that cannot be read, each geometry is tried in full.
 */
static bool super_search(struct super_scan *s)
{
	u64 first = s->backend->zone_size ? s->backend->zone_size :
					    SUPER_SIZE_MAX;
	u64 last = s->backend->zone_size ? s->backend->zone_size :
					   SUPER_SIZE_MIN;
	u32 extent, bs;
	u64 size;

	if (super_probe(s, first, 0) && super_try_record(s))
		return true;
	for (size = first; size >= last; size /= 2)
		for (extent = 1; extent < SHARDBLK_SUPER_EXTENTS; extent++)
			if ((extent != 2 || size == first) &&
			    super_probe(s, size, extent) && super_try_record(s))
				return true;
	if (!s->doubtful && !s->unreadable)
		return false;
	for (size = first; size >= last; size /= 2)
		for (bs = SHARDBLK_BLOCK_SIZE_MIN;
		     bs <= SHARDBLK_BLOCK_SIZE_MAX && size >= 16 * bs; bs *= 2)
			if (super_try(s, size, bs))
				return true;
	return false;
}

/*
 * Where the next record of a copy goes: behind its newest readable one.  If
 * there is none, to the beginning of an extent, by turning to it.
 */
static int super_head(struct super_scan *s, u32 copy)
{
	struct shard_super_head *head = &s->found->heads[copy];
	u32 other = copy + SHARDBLK_SUPER_COPIES;
	u32 extent = copy;
	u64 wp;
	int err;

	if ((s->found->unreadable & BIT(copy)) ||
	    (!(s->found->unreadable & BIT(other)) &&
	     s->numbers[other] > s->numbers[copy]))
		extent = other;
	head->extent = extent;
	head->next = s->next[extent];
	/* of an extent that cannot be read the end is not known: begin anew */
	if ((s->found->unreadable & BIT(extent)) || !s->numbers[extent]) {
		head->next = U32_MAX;
		head->extent ^= SHARDBLK_SUPER_COPIES;
		return 0;
	}
	if (!s->backend->zone_size)
		return 0;
	err = s->backend->ops->report(s->backend, extent * s->extent_size,
				      &wp);
	if (!err)
		head->next = max_t(u32, head->next,
				   div_u64(wp, s->block_size));
	return err;
}

static void super_place(struct super_scan *s, u32 copy)
{
	struct shard_super_at *at = &s->found->at[copy];

	at->place.extent = copy;
	if (s->numbers[copy + SHARDBLK_SUPER_COPIES] > s->numbers[copy])
		at->place.extent += SHARDBLK_SUPER_COPIES;
	at->number = s->numbers[at->place.extent];
	at->place.block = at->number ? s->next[at->place.extent] - 1 : 0;
}

/* O10: of one copy all must have been readable, or a newer one may be hidden. */
static int super_settle(struct super_scan *s)
{
	struct shard_found_super *found = s->found;
	u32 copy;
	int err;

	super_look_again(s);
	/* it may be the newest: never roll back over it */
	if (s->unknown)
		return -EOPNOTSUPP;
	for (copy = 0; copy < SHARDBLK_SUPER_COPIES; copy++) {
		err = super_head(s, copy);
		if (err)
			return err;
		super_place(s, copy);
		if (found->at[copy].number == found->record.number)
			found->newest |= BIT(copy);
	}
	if ((found->unreadable & (BIT(0) | BIT(2))) &&
	    (found->unreadable & (BIT(1) | BIT(3)))) {
		pr_err("%s: superblocks cannot be read in either copy\n",
		       s->backend->name);
		return -EIO;
	}
	/* a record that was never durable may be hidden: go above it */
	found->above = found->record.number;
	if (found->unreadable)
		found->above += SHARDBLK_SUPER_BLOCKS;
	return 0;
}

int shard_recover_super(struct shard_writeback *wb,
			struct shard_backend *backend,
			struct shard_found_super *found)
{
	struct super_scan s = { .wb = wb, .backend = backend, .found = found };
	int err = -ENOMEM;

	memset(found, 0, offsetof(struct shard_found_super, record));
	s.record = kvmalloc(sizeof(*s.record), GFP_KERNEL);
	s.buf = kvmalloc(SHARDBLK_BLOCK_SIZE_MAX, GFP_KERNEL);
	if (!s.record || !s.buf)
		goto out;
	err = -ENODEV;
	if (super_search(&s))
		err = super_settle(&s);
	else if (s.no_memory)
		err = -ENOMEM;
	else if (s.unknown)
		err = -EOPNOTSUPP;
	else if (s.unreadable)
		err = -EIO;
out:
	kvfree(s.buf);
	kvfree(s.record);
	return err;
}

int shard_recover_wipe(struct shard_store *store,
		       const struct shard_found_super *found)
{
	u32 blocks = shard_super_blocks(store->extent_blocks);
	u32 len = blocks * store->block_size;
	u32 extent;
	void *zeros;
	int err;

	if (!found->unreadable)
		return 0;
	zeros = kvzalloc(len, GFP_KERNEL);
	if (!zeros)
		return -ENOMEM;
	for (extent = 0; extent < SHARDBLK_SUPER_EXTENTS; extent++) {
		if (!(found->unreadable & BIT(extent)))
			continue;
		err = shard_super_wipe(store->super, extent, zeros, len);
		/* the record of this start is above all that may be in it */
		if (err)
			pr_warn("%s: superblock extent %u can neither be read nor wiped: %d\n",
				shard_writeback_backend(store->wb)->name,
				extent, err);
	}
	kvfree(zeros);
	return 0;
}
