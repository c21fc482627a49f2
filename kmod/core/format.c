// SPDX-License-Identifier: GPL-2.0-only
/*
 * DOC: format
 *
 * Makes an empty device: wipes what could prove an older one, then writes the
 * first record.  There is no manifest yet, and all extents are free; the first
 * start assigns what it needs.
 *
 * An older format's superblock could lie wherever extents of another size
 * would begin, so it is looked for there, and wiped (O13).  Its frames and pages need
 * not be: every checksum is started from the format id, which is new.
 */
#include "recover.h"
#include "shard.h"

#define FORMAT_CAPACITY_MIN	(32ull << 20)
#define FORMAT_EXTENTS_MIN	32u
#define FORMAT_EXTENT_SIZE_MIN	BIT(20)
#define FORMAT_LOG_BYTES_MIN	(64ull << 20)
#define FORMAT_LOG_BYTES_MAX	(4ull << 30)
#define FORMAT_SPARE_PERMILLE	120u
/* Sizes that only checks use. */
#define FORMAT_SMALL_EXTENT_BLOCKS 16u
#define FORMAT_SMALL_EXTENTS	12u
/* Older formats that are looked for before all places are wiped. */
#define FORMAT_OLDER_MAX	8u

struct format {
	struct shard_backend *backend;
	struct shard_writeback *wb;
	struct shard_stats stats;
	struct shard_super_record record;
	struct shard_layout layout;
	u64 extent_size;
};

static u64 default_extent_size(u64 capacity)
{
	u64 size = FORMAT_EXTENT_SIZE_MIN;

	while (size < SHARDBLK_EXTENT_BYTES_MAX && size * 1024 < capacity)
		size *= 2;
	return size;
}

static int choose_geometry(struct format *f,
			   const struct shard_format_options *o)
{
	struct shard_super_record *r = &f->record;
	struct shard_backend *b = f->backend;
	u64 nr;

	r->block_size = o->block_size ? o->block_size : SHARDBLK_BLOCK_SIZE_MAX;
	if ((r->block_size != 512 && r->block_size != 4096) ||
	    r->block_size < b->logical_block_size ||
	    r->block_size < b->physical_block_size)
		return -EINVAL;
	if (!o->small && b->capacity < FORMAT_CAPACITY_MIN)
		return -ENOSPC;
	f->extent_size = o->extent_size ? o->extent_size :
					  default_extent_size(b->capacity);
	if (b->zone_size)
		f->extent_size = b->zone_size;
	if (!is_power_of_2(f->extent_size) ||
	    f->extent_size > SHARDBLK_EXTENT_BYTES_MAX ||
	    f->extent_size < (o->small ? (u64)FORMAT_SMALL_EXTENT_BLOCKS *
			      r->block_size : FORMAT_EXTENT_SIZE_MIN))
		return -EINVAL;
	r->extent_blocks = div_u64(f->extent_size, r->block_size);
	nr = div64_u64(b->capacity, f->extent_size);
	if (nr > U32_MAX)
		return -EINVAL;
	if (nr < (o->small ? FORMAT_SMALL_EXTENTS : FORMAT_EXTENTS_MIN))
		return -ENOSPC;
	r->nr_extents = nr;
	f->layout.reloc_streams = o->reloc_streams;
	return o->reloc_streams > SHARDBLK_RELOC_STREAMS ? -EINVAL : 0;
}

/* Does a device of this logical size leave the spare space wanted? */
static bool size_fits(struct format *f, u64 logical, u32 spare_permille)
{
	u64 usable;

	f->layout.block_size = f->record.block_size;
	f->layout.extent_blocks = f->record.extent_blocks;
	f->layout.nr_extents = f->record.nr_extents;
	f->layout.logical_blocks = logical;
	usable = shard_layout_make(&f->layout);
	return logical && usable >= logical + div_u64(logical *
						      spare_permille, 1000);
}

static int choose_size(struct format *f, const struct shard_format_options *o)
{
	struct shard_super_record *r = &f->record;
	u64 low = 0, high = (u64)r->nr_extents * r->extent_blocks;

	r->spare_permille = o->spare_permille ? o->spare_permille :
						FORMAT_SPARE_PERMILLE;
	if (r->spare_permille > 10000)
		return -EINVAL;
	if (o->logical_size) {
		if (o->logical_size & (r->block_size - 1))
			return -EINVAL;
		r->logical_blocks = div_u64(o->logical_size, r->block_size);
		if (r->logical_blocks > SHARDBLK_LOGICAL_BLOCKS_MAX)
			return -EINVAL;
		/* an explicit size may use up the spare, a thin one has none */
		if (!size_fits(f, r->logical_blocks, o->spare_permille) &&
		    !(o->thin && f->layout.host_extents))
			return -ENOSPC;
		return shard_layout_valid(&f->layout) ? 0 : -EINVAL;
	}
	/* the reserves grow with the size, so the largest is searched for */
	while (high - low > 1) {
		u64 mid = low + (high - low) / 2;

		if (size_fits(f, mid, r->spare_permille))
			low = mid;
		else
			high = mid;
	}
	r->logical_blocks = low;
	if (!low || !size_fits(f, low, r->spare_permille))
		return -ENOSPC;
	return shard_layout_valid(&f->layout) ? 0 : -EINVAL;
}

static void format_append_done(struct shard_append *append)
{
	/* the dependency tells */
}

static void format_append(struct format *f, struct shard_append *append,
			  struct shard_dep *dep, u64 offset, void *addr,
			  u32 len)
{
	*append = (struct shard_append){
		.offset = offset,
		.seg = { .addr = addr, .len = len },
		.fua = true,
		.lane = offset == f->extent_size,	/* of copy 1 */
		.dep = dep,
		.done = format_append_done,
	};
	shard_append(f->wb, SHARD_QUEUE_SUPER, append);
}

/* Wipes all that superblocks of a geometry may use. */
static int wipe_geometry(struct format *f, u64 extent_size, u32 block_size)
{
	struct shard_append appends[SHARDBLK_SUPER_EXTENTS];
	u64 capacity = f->backend->capacity;
	u64 len = min_t(u64, extent_size, SHARDBLK_SUPER_BLOCKS * block_size);
	void *zeros = kvzalloc(len, GFP_KERNEL);
	struct shard_dep dep;
	u32 i;
	int err;

	if (!zeros)
		return -ENOMEM;
	shard_dep_init(&dep, f->wb);
	for (i = 0; i < SHARDBLK_SUPER_EXTENTS; i++) {
		u64 offset = i * extent_size;

		if (offset >= capacity)
			break;
		format_append(f, &appends[i], &dep, offset, zeros,
			      min(len, capacity - offset));
	}
	err = shard_dep_wait(&dep);
	kvfree(zeros);
	return err;
}

/* What cannot even be told apart is wiped wherever it could lie. */
static int wipe_everywhere(struct format *f)
{
	u64 size;
	int err = 0;

	for (size = SHARDBLK_BLOCK_SIZE_MIN * FORMAT_SMALL_EXTENT_BLOCKS;
	     size <= SHARDBLK_EXTENT_BYTES_MAX && !err; size *= 2)
		err = wipe_geometry(f, size, SHARDBLK_BLOCK_SIZE_MAX);
	return err;
}

/*
 * O13: leaves nothing that could prove an older format, whatever its geometry.
 * There may be more than one, each hidden by the one that is found before it.
 */
static int format_wipe(struct format *f)
{
	struct shard_reset resets[SHARDBLK_SUPER_EXTENTS] = {};
	struct shard_found_super *found;
	u32 i;
	int err;

	for (i = 0; i < SHARDBLK_SUPER_EXTENTS; i++) {
		resets[i].io.offset = i * f->extent_size;
		resets[i].io.len = f->extent_size;
	}
	err = shard_writeback_reset_wait(f->wb, resets, SHARDBLK_SUPER_EXTENTS);
	if (f->backend->zone_size)
		return err ? err : shard_writeback_finish_wait(f->wb, 0);
	if (err)
		return err;
	found = kvmalloc(sizeof(*found), GFP_KERNEL);
	if (!found)
		return -ENOMEM;
	err = wipe_geometry(f, f->extent_size, f->record.block_size);
	for (i = 0; i < FORMAT_OLDER_MAX && !err; i++) {
		err = shard_recover_super(f->wb, f->backend, found);
		if (err == -ENODEV || err == -ENOMEM)
			break;
		err = found->block_size ? wipe_geometry(f, found->extent_size,
							found->block_size) :
					  wipe_everywhere(f);
	}
	if (i == FORMAT_OLDER_MAX)
		err = wipe_everywhere(f);
	kvfree(found);
	return err == -ENODEV ? 0 : err;
}

static int format_record(struct format *f)
{
	struct shard_super_record *r = &f->record;
	void *block;
	u32 copy;
	int err = 0;

	block = kvzalloc(r->block_size, GFP_KERNEL);
	if (!block)
		return -ENOMEM;
	for (copy = 0; copy < SHARDBLK_SUPER_COPIES && !err; copy++) {
		struct shard_place place = { .extent = copy };
		struct shard_append append;
		struct shard_dep dep;

		shard_super_encode(r, &place, block);
		shard_dep_init(&dep, f->wb);
		format_append(f, &append, &dep, copy * f->extent_size, block,
			      r->block_size);
		err = shard_dep_wait(&dep);
	}
	kvfree(block);
	return err;
}

/* A checkpoint writes a manifest, which is as long as there are extents. */
static u64 format_log_bytes(u64 capacity)
{
	return clamp(capacity >> 14, FORMAT_LOG_BYTES_MIN,
		     FORMAT_LOG_BYTES_MAX);
}

static int format_run(struct format *f, const struct shard_format_options *o)
{
	struct shard_super_record *r = &f->record;
	static const u8 none[16];
	int err;

	err = choose_geometry(f, o);
	if (!err)
		err = choose_size(f, o);
	if (err)
		return err;
	r->reloc_streams = f->layout.reloc_streams;
	err = shard_writeback_may(f->backend, r->reloc_streams);
	if (err)
		return err;
	r->checkpoint_blocks = o->checkpoint_blocks ? o->checkpoint_blocks :
			       div_u64(format_log_bytes(f->backend->capacity),
				       r->block_size);
	r->number = 1;
	get_random_bytes(r->format_id, sizeof(r->format_id));
	memcpy(r->uuid, o->uuid, sizeof(r->uuid));
	if (!memcmp(r->uuid, none, sizeof(none))) {
		get_random_bytes(r->uuid, sizeof(r->uuid));
		/* RFC 4122, version 4 */
		r->uuid[6] = (r->uuid[6] & 0x0f) | 0x40;
		r->uuid[8] = (r->uuid[8] & 0x3f) | 0x80;
	}
	shard_writeback_set(f->wb, r->block_size, 1, 0);
	err = format_wipe(f);
	return err ? err : format_record(f);
}

int shard_format(struct shard_backend *backend,
		 const struct shard_format_options *options)
{
	static const struct shard_format_options defaults;
	struct format *f;
	int err;

	if (backend->read_only)
		return -EROFS;
	f = kvzalloc(sizeof(*f), GFP_KERNEL);
	if (!f)
		return -ENOMEM;
	f->backend = backend;
	f->wb = shard_writeback_create(backend, &f->stats, NULL, NULL);
	err = f->wb ? format_run(f, options ? options : &defaults) : -ENOMEM;
	shard_writeback_destroy(f->wb);
	kvfree(f);
	return err;
}

int shard_identify(struct shard_backend *backend,
		   struct shard_identity *identity)
{
	struct shard_found_super *found;
	struct shard_writeback *wb;
	struct shard_stats *stats;
	int err = -ENOMEM;

	stats = kvzalloc(sizeof(*stats), GFP_KERNEL);
	found = kvzalloc(sizeof(*found), GFP_KERNEL);
	wb = stats ? shard_writeback_create(backend, stats, NULL, NULL) : NULL;
	if (found && wb)
		err = shard_recover_super(wb, backend, found);
	if (!err) {
		memcpy(identity->uuid, found->record.uuid,
		       sizeof(identity->uuid));
		memcpy(identity->format_id, found->record.format_id,
		       sizeof(identity->format_id));
		identity->block_size = found->record.block_size;
		identity->extent_blocks = found->record.extent_blocks;
		identity->nr_extents = found->record.nr_extents;
		identity->logical_blocks = found->record.logical_blocks;
	}
	shard_writeback_destroy(wb);
	kvfree(found);
	kvfree(stats);
	return err;
}
