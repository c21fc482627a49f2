// SPDX-License-Identifier: GPL-2.0-only
/*
 * The disk model: operations from submit to completion, the undo log, rules
 * and faults.  See disk.h; power cuts are in crash.c, contents in medium.c.
 */
#include <stdlib.h>
#include "disk.h"
#include "states.h"
#include "undo.h"

#define IO_NS		10000	/* virtual time that an operation takes */
#define READ_PIECE	4096u	/* read at once into memory in pieces */

static const char * const op_names[] = {
	"read", "append", "flush", "reset", "finish",
};

/* --- rules --- */

/* A power of two: dividing would be a tenth of all that a check costs. */
static u64 extent_nr(const struct sim_disk *disk, u64 offset)
{
	return offset >> disk->extent_shift;
}

static u32 extent_at(const struct sim_disk *disk, u64 offset)
{
	return offset & (disk->extent_size - 1);
}

static struct sim_extent *extent_of(struct sim_disk *disk, u64 offset)
{
	return disk->extent_size ? &disk->extents[extent_nr(disk, offset)] :
				   NULL;
}

static bool is_super(struct sim_disk *disk, u64 offset)
{
	return extent_nr(disk, offset) < disk->config.super_extents;
}

static void __cold violation(struct sim_disk *disk, const struct shard_io *io,
			     const char *rule)
{
	kapi_fail("%s: %s of %u bytes at %llu (extent %llu, byte %u, pointer at %llu): %s",
		  disk->backend.name, op_names[io->op], io->len, io->offset,
		  extent_nr(disk, io->offset),
		  extent_at(disk, io->offset),
		  (u64)extent_of(disk, io->offset)->wp * SIM_SECTOR, rule);
}

/* Written, and neither full nor finished: as the device counts them. */
static bool is_active(const struct sim_disk *disk,
		      const struct sim_extent *extent)
{
	return (extent->wp || extent->hard) && !extent->finished &&
	       extent->hard < disk->extent_size / SIM_SECTOR;
}

/* An append to an empty zone makes one more active. */
static void rule_active(struct sim_disk *disk, const struct shard_io *io)
{
	u32 nr = 0;
	u64 i;

	if (!disk->config.active_max || disk->gone ||
	    extent_at(disk, io->offset))
		return;
	for (i = 0; i < disk->nr_extents; i++)
		nr += is_active(disk, &disk->extents[i]);
	if (nr >= disk->config.active_max)
		violation(disk, io, "P6: too many zones are active");
}

static void rule_append(struct sim_disk *disk, const struct shard_io *io)
{
	struct sim_extent *extent = extent_of(disk, io->offset);
	u32 at = extent_at(disk, io->offset) / SIM_SECTOR;
	bool fresh = extent->epoch == disk->epoch, rewind = false;

	if (extent_at(disk, io->offset) + io->len > disk->extent_size)
		violation(disk, io, "P4: crosses the end of the extent");
	if (extent->resetting)
		violation(disk, io, "O5: its reset has not completed");
	/* beside others it may have been on its way when that failed */
	if (extent->failed && fresh && !disk->beside)
		violation(disk, io, "O1: after a failed append");
	if (is_super(disk, io->offset))
		rewind = !fresh && !disk->backend.zone_size &&
			 at <= extent->top;
	else if (!fresh)
		violation(disk, io, "O1: not reset since the start");
	if (at != extent->wp && !rewind)
		violation(disk, io, "P4: not at the write pointer");
	rule_active(disk, io);
	if (is_super(disk, io->offset)) {
		extent->epoch = disk->epoch;
		extent->failed = false;
	}
	extent->wp = at + io->len / SIM_SECTOR;
	extent->top = max(extent->top, extent->wp);
	extent->nr_in_flight++;
}

static void rule_reset(struct sim_disk *disk, const struct shard_io *io)
{
	struct sim_extent *extent = extent_of(disk, io->offset);

	if (extent_at(disk, io->offset) || io->len != disk->extent_size)
		violation(disk, io, "not an extent");
	if (extent->nr_in_flight)
		violation(disk, io, "O6: appends are in flight");
	if (extent->resetting)
		violation(disk, io, "a reset is in flight");
	if (extent->finishing)
		violation(disk, io, "O6: it is being finished");
	extent->resetting = true;
}

static void rule_finish(struct sim_disk *disk, const struct shard_io *io)
{
	struct sim_extent *extent = extent_of(disk, io->offset);

	if (!disk->config.zone_size)
		kapi_fail("finish of a zone of a disk that has none");
	if (extent_at(disk, io->offset) || io->len != disk->extent_size)
		violation(disk, io, "not a zone");
	if (extent->nr_in_flight)
		violation(disk, io, "O1: appends are in flight");
	if (extent->resetting || extent->finishing)
		violation(disk, io, "a reset or another one is in flight");
	extent->finishing = true;
	/* nothing is written here from now on */
	extent->wp = disk->extent_size / SIM_SECTOR;
}

#ifdef KAPI_NO_CHECKS
static inline void check_once(const struct sim_disk *disk,
			      const struct shard_io *io)
{
}
#else
static void check_once(const struct sim_disk *disk, const struct shard_io *io)
{
	u32 i;

	for (i = 0; i < disk->nr_in_flight; i++)
		if (disk->in_flight[i] == io)
			kapi_fail("%s submitted twice", op_names[io->op]);
}
#endif

static void check_io(struct sim_disk *disk, const struct shard_io *io)
{
	u32 block_size = disk->config.block_size;
	u64 capacity = disk->config.capacity;

	if (disk->off)
		kapi_fail("%s: used while off", disk->backend.name);
	check_once(disk, io);
	if (!io->done)
		kapi_fail("%s without done", op_names[io->op]);
	if (io->op == SHARD_IO_FLUSH)
		return;
	if (!io->len || ((io->offset | io->len) & (block_size - 1)) ||
	    io->offset > capacity ||
	    io->len > capacity - io->offset)
		kapi_fail("%s of %u bytes at %llu: alignment or range",
			  op_names[io->op], io->len, io->offset);
	if (io->op == SHARD_IO_APPEND) {
		if (disk->backend.read_only)
			kapi_fail("append to a read-only disk");
		if (io->fua && !disk->backend.fua)
			kapi_fail("FUA append to a disk that has no FUA");
	}
	if (!disk->extent_size)
		return;
	if (io->op == SHARD_IO_APPEND)
		rule_append(disk, io);
	else if (io->op == SHARD_IO_RESET)
		rule_reset(disk, io);
	else if (io->op == SHARD_IO_FINISH)
		rule_finish(disk, io);
}

/* --- memory of an operation --- */

static void segs_copy(const struct shard_io *io, u32 skip, void *buf, u32 len,
		      bool to_segs)
{
	const struct shard_seg *seg = io->segs;

	skip += io->seg_skip;
	while (skip >= seg->len) {
		skip -= seg->len;
		seg++;
	}
	while (len) {
		u32 part = min(len, seg->len - skip);

		if (to_segs)
			memcpy(seg->addr + skip, buf, part);
		else
			memcpy(buf, seg->addr + skip, part);
		buf += part;
		len -= part;
		skip = 0;
		seg++;
	}
}

/* The memory behind @skip bytes, if @len bytes of it lie in one piece. */
static void *segs_piece(const struct shard_io *io, u32 skip, u32 len)
{
	const struct shard_seg *seg = io->segs;

	skip += io->seg_skip;
	while (skip >= seg->len) {
		skip -= seg->len;
		seg++;
	}
	return len <= seg->len - skip ? seg->addr + skip : NULL;
}

/*
 * Contents for a sector of an append, at @from if that is known.  All zeros are
 * one: they stay cached.
 */
static u32 sector_written(struct sim_medium *medium, const struct shard_io *io,
			  u32 skip, const void *from)
{
	const void *piece = from ?: segs_piece(io, skip, SIM_SECTOR);
	u32 ref;

	if (piece && sim_sector_zero(piece))
		return 0;
	ref = sim_data_new(medium);
	if (piece)
		sim_sector_copy(sim_data(medium, ref), piece);
	else
		segs_copy(io, skip, sim_data(medium, ref), SIM_SECTOR, false);
	return ref;
}

void sim_write_sectors(struct sim_disk *disk, const struct shard_io *io,
		       u64 offset, u32 first, u32 nr, bool durable,
		       bool in_flight)
{
	struct sim_medium *medium = &disk->medium;
	const void *from = segs_piece(io, first * SIM_SECTOR, nr * SIM_SECTOR);
	u32 i;

	if (disk->walk)
		sim_states_touch(disk, offset / SIM_SECTOR + first, nr);
	for (i = first; i < first + nr; i++) {
		u64 sector = offset / SIM_SECTOR + i;
		struct sim_slot *slot = sim_medium_slot(medium, sector);
		u32 ref = sector_written(medium, io, i * SIM_SECTOR, from);

		if (from)
			from += SIM_SECTOR;
		/* zeros on zeros: there is nothing to be undone */
		if (!ref && !slot->ref)
			continue;
		if (!durable)
			*sim_undo_push(disk) = (struct sim_undo){
				.sector = sector, .write = disk->nr_writes,
				.in_flight = in_flight,
				.old = sim_data_get(medium, slot->ref),
			};
		sim_slot_set(medium, slot, ref);
	}
}

/* --- completion --- */

static bool fault(struct sim_disk *disk, u32 in)
{
	return in && sim_choose(disk->choices, (size_t)in + 1,
				SIM_CHOOSE_FAULT) == 1;
}

static bool in_bad_range(struct sim_disk *disk, const struct shard_io *io)
{
	u32 i;

	for (i = 0; i < disk->nr_ranges; i++) {
		const struct sim_range *range = &disk->ranges[i];

		if (!(range->ops & BIT(io->op)))
			continue;
		if (io->op == SHARD_IO_FLUSH ||
		    (io->offset < range->offset + range->len &&
		     range->offset < io->offset + io->len))
			return true;
	}
	return false;
}

static bool struck(struct sim_disk *disk, const struct shard_io *io,
		   enum sim_fault fault)
{
	return disk->strike.io == io && disk->strike.fault == fault;
}

/* Where an operation goes to: where it should, but for a fault. */
static u64 offset_of(struct sim_disk *disk, const struct shard_io *io)
{
	u64 last = disk->config.capacity - io->len;

	if (struck(disk, io, SIM_FAULT_STRAY))
		return min(disk->strike.where, last);
	return io->offset;
}

/* Which bit of an operation is wrong; U64_MAX: none is. */
static u64 flipped_bit(struct sim_disk *disk, const struct shard_io *io)
{
	if (!struck(disk, io, SIM_FAULT_FLIP))
		return U64_MAX;
	return disk->strike.where % ((u64)io->len * BITS_PER_BYTE);
}

static int do_read(struct sim_disk *disk, struct shard_io *io)
{
	u8 page[READ_PIECE], *byte;
	u64 offset, bit;
	u32 pos, part;
	int error = 0;
	void *piece;

	if (disk->walk)
		sim_states_touch(disk, io->offset / SIM_SECTOR,
				 io->len / SIM_SECTOR);
	if (in_bad_range(disk, io) || fault(disk, disk->faults.read_in) ||
	    struck(disk, io, SIM_FAULT_ERROR)) {
		memset(page, 0xee, sizeof(page));
		error = -EIO;
	}
	offset = error ? 0 : offset_of(disk, io);
	bit = error ? U64_MAX : flipped_bit(disk, io);
	piece = error ? NULL : segs_piece(io, 0, io->len);
	if (piece)
		sim_disk_peek(disk, offset, piece, io->len);
	for (pos = 0; !piece && pos < io->len; pos += part) {
		part = min(io->len - pos, READ_PIECE);
		if (!error)
			sim_disk_peek(disk, offset + pos, page, part);
		segs_copy(io, pos, page, part, true);
	}
	if (bit != U64_MAX) {
		byte = segs_piece(io, bit / BITS_PER_BYTE, 1);
		*byte ^= BIT(bit % BITS_PER_BYTE);
	}
	return error;
}

/* Without a cache there is but the medium: what can be read there stays. */
static void land(struct sim_disk *disk, const struct shard_io *io, u32 first,
		 u32 nr)
{
	bool durable = !disk->config.volatile_cache;

	if (durable)
		sim_undo_settled(disk, io->offset / SIM_SECTOR + first, nr);
	sim_write_sectors(disk, io, io->offset, first, nr, durable, false);
}

/* It is reported as failed, but who knows what of it is on the medium. */
static void land_partly(struct sim_disk *disk, const struct shard_io *io)
{
	u32 nr = io->len / SIM_SECTOR, i;

	switch (struck(disk, io, SIM_FAULT_ERROR) && disk->strike.lands ? 1 :
		sim_choose(disk->choices, 4, SIM_CHOOSE_LANDED)) {
	case 0:
		break;
	case 1:
		land(disk, io, 0, nr);
		break;
	case 2:
		i = sim_choose(disk->choices, nr + 1, SIM_CHOOSE_LANDED);
		land(disk, io, 0, i);
		break;
	case 3:
		for (i = 0; i < nr; i++)
			if (sim_choose(disk->choices, 2, SIM_CHOOSE_LANDED))
				land(disk, io, i, 1);
		break;
	}
}

static int do_append(struct sim_disk *disk, struct shard_io *io)
{
	struct sim_extent *extent = extent_of(disk, io->offset);
	bool zoned = disk->config.zone_size;
	u32 nr = io->len / SIM_SECTOR;
	bool durable = !disk->config.volatile_cache;
	u32 at = extent ? extent_at(disk, io->offset) / SIM_SECTOR : 0;
	u64 offset, bit;

	/* A flush that failed meanwhile may have dropped it. */
	if (io->fua && (uintptr_t)io->private == disk->counts.errors[SHARD_IO_FLUSH])
		durable = true;
	disk->nr_writes++;
	if (extent)
		extent->nr_in_flight--;
	/* A zone is written at its own pointer, and not behind a hole. */
	if (in_bad_range(disk, io) || fault(disk, disk->faults.write_in) ||
	    struck(disk, io, SIM_FAULT_ERROR) ||
	    (zoned && (extent->failed || extent->hard != at))) {
		if (!zoned)
			land_partly(disk, io);
		if (extent)
			extent->failed = true;
		return -EIO;
	}
	if (extent)
		extent->hard = max_t(u32, extent->hard, at + nr);
	if (struck(disk, io, SIM_FAULT_LOSE))
		return 0;
	offset = offset_of(disk, io);
	/* what lands in a foreign zone is not behind its pointer, to go with it */
	if (zoned && offset != io->offset)
		durable = true;
	if (durable)
		sim_undo_settled(disk, offset / SIM_SECTOR, nr);
	sim_write_sectors(disk, io, offset, 0, nr, durable, false);
	bit = flipped_bit(disk, io);
	if (bit != U64_MAX)
		sim_disk_flip(disk, offset + bit / BITS_PER_BYTE,
			      bit % BITS_PER_BYTE);
	return 0;
}

static int do_flush(struct sim_disk *disk, struct shard_io *io)
{
	if (in_bad_range(disk, io) || fault(disk, disk->faults.flush_in) ||
	    struck(disk, io, SIM_FAULT_ERROR)) {
		sim_cache_drop(disk);
		return -EIO;
	}
	sim_undo_flushed(disk, (u64)(uintptr_t)io->private);
	return 0;
}

static int do_reset(struct sim_disk *disk, struct shard_io *io)
{
	struct sim_extent *extent = extent_of(disk, io->offset);

	if (extent)
		extent->resetting = false;
	if (in_bad_range(disk, io) || fault(disk, disk->faults.reset_in) ||
	    struck(disk, io, SIM_FAULT_ERROR))
		return -EIO;
	if (extent) {
		extent->wp = 0;
		extent->failed = false;
		extent->epoch = disk->epoch;
		/* what a superblock extent held may be found by the next start */
		if (!disk->config.zone_size && !is_super(disk, io->offset))
			extent->hard = 0;
	}
	if (disk->config.zone_size && !struck(disk, io, SIM_FAULT_LOSE))
		sim_zone_clear(disk, offset_of(disk, io));
	return 0;
}

/*
 * What is in it stays.  When it has failed twice the zone can only be read, and is not
 * active, either.
 */
static int do_finish(struct sim_disk *disk, struct shard_io *io)
{
	struct sim_extent *extent = extent_of(disk, io->offset);

	extent->finishing = false;
	if (in_bad_range(disk, io) || fault(disk, disk->faults.reset_in) ||
	    struck(disk, io, SIM_FAULT_ERROR)) {
		extent->finished = extent->unfinished;
		extent->unfinished = true;
		return -EIO;
	}
	extent->finished = true;
	return 0;
}

static int do_gone(struct sim_disk *disk, struct shard_io *io)
{
	struct sim_extent *extent = NULL;

	if (io->op != SHARD_IO_READ && io->op != SHARD_IO_FLUSH)
		extent = extent_of(disk, io->offset);
	if (extent && io->op == SHARD_IO_FINISH) {
		extent->finishing = false;
	} else if (extent && io->op == SHARD_IO_APPEND) {
		extent->nr_in_flight--;
		extent->failed = true;
	} else if (extent) {
		extent->resetting = false;
	}
	return -ENODEV;
}

static void perform(struct sim_disk *disk, struct shard_io *io)
{
	static int (* const perform_op[])(struct sim_disk *disk,
					  struct shard_io *io) = {
		[SHARD_IO_READ] = do_read,
		[SHARD_IO_APPEND] = do_append,
		[SHARD_IO_FLUSH] = do_flush,
		[SHARD_IO_RESET] = do_reset,
		[SHARD_IO_FINISH] = do_finish,
	};
	struct sim_disk_counts *counts = &disk->counts;
	enum shard_io_op op = io->op;

	io->error = disk->gone ? do_gone(disk, io) : perform_op[op](disk, io);
	counts->nr[op]++;
	counts->bytes[op] += op == SHARD_IO_FLUSH ? 0 : io->len;
	counts->errors[op] += io->error != 0;
	sim_note(disk->choices, (op == SHARD_IO_FLUSH ? 0 : io->offset) << 3 |
		 op);
	sim_note(disk->choices, (u64)(u32)io->error << 32 |
		 (op == SHARD_IO_FLUSH ? 0 : io->len));
	kapi_time_advance(IO_NS);
	io->private = NULL;
	if (disk->strike.io == io)
		disk->strike.io = NULL;
	if (disk->delayed == io)
		disk->delayed = NULL;
}

/* Appends to a zone complete in order: the oldest one instead. */
static u32 zone_oldest(struct sim_disk *disk, u32 idx)
{
	const struct shard_io *io = disk->in_flight[idx];
	u32 i;

	if (io->op != SHARD_IO_APPEND)
		return idx;
	for (i = 0; i < idx; i++) {
		const struct shard_io *older = disk->in_flight[i];

		if (older->op == SHARD_IO_APPEND &&
		    extent_nr(disk, older->offset) ==
		    extent_nr(disk, io->offset))
			return i;
	}
	return idx;
}

void sim_disk_complete(struct sim_disk *disk, u32 idx)
{
	struct shard_io *io;

	kapi_touch(disk, KAPI_CHANGES);
	if (disk->in_flight[idx] == disk->delayed && disk->nr_in_flight > 1)
		idx = idx ? idx - 1 : 1;
	if (disk->config.zone_size)
		idx = zone_oldest(disk, idx);
	io = disk->in_flight[idx];
	disk->nr_in_flight--;
	kapi_events_pending--;
	kapi_close_gap(disk->in_flight, idx, disk->nr_in_flight);
	perform(disk, io);
	kapi_irq_enter();
	kapi_after(io);
	io->done(io);
	kapi_irq_exit();
}

/* Is it this one that a fault was meant for? */
static void strike_submitted(struct sim_disk *disk, struct shard_io *io)
{
	struct sim_strike *strike = &disk->strike;

	if (!strike->in || (strike->ops && !(strike->ops & BIT(io->op))) ||
	    --strike->in)
		return;
	strike->io = io;
	strike->op = io->op;
	strike->offset = io->offset;
	strike->len = io->len;
	if (io->op == SHARD_IO_APPEND)
		segs_copy(io, 0, strike->head, SIM_SECTOR, false);
	if (strike->fault == SIM_FAULT_DELAY)
		disk->delayed = io;
	if (strike->fault == SIM_FAULT_ERRORS)
		sim_disk_fail_range(disk, 0, disk->config.capacity,
				    BIT(io->op));
}

/* Is it done before submit returns?  What goes to a zone never is. */
static bool at_once(struct sim_disk *disk, const struct shard_io *io)
{
	if (disk->config.zone_size)
		return false;
	if (io->op == SHARD_IO_RESET && !disk->config.slow_resets)
		return true;
	return fault(disk, disk->faults.sync_in);
}

static void submit(struct shard_backend *backend, struct shard_io *io)
{
	struct sim_disk *disk = container_of(backend, struct sim_disk, backend);

	kapi_preempt_point("submit", disk, NULL);
	kapi_before(io);
	check_io(disk, io);
	strike_submitted(disk, io);
	if (!disk->delayed && fault(disk, disk->faults.delay_in))
		disk->delayed = io;
	if (io->op == SHARD_IO_FLUSH)
		io->private = (void *)(uintptr_t)(disk->undo_base +
						  disk->undo_tail);
	else
		io->private = (void *)(uintptr_t)disk->counts.errors[SHARD_IO_FLUSH];
	if (at_once(disk, io)) {
		perform(disk, io);
		io->done(io);
		return;
	}
	if (disk->nr_in_flight + 1 + KAPI_FEW > disk->in_flight_max) {
		disk->in_flight_max = max(64u, 2 * disk->in_flight_max);
		disk->in_flight = realloc(disk->in_flight, disk->in_flight_max *
					  sizeof(*disk->in_flight));
		if (!disk->in_flight)
			kapi_fail("no memory for operations in flight");
	}
	disk->in_flight[disk->nr_in_flight++] = io;
	kapi_events_pending++;
}

static int report(struct shard_backend *backend, u64 offset, u64 *wp)
{
	struct sim_disk *disk = container_of(backend, struct sim_disk, backend);

	might_sleep();
	if (disk->gone)
		return -ENODEV;
	if (disk->walk)
		sim_states_touch(disk, offset / SIM_SECTOR, 1);
	*wp = extent_of(disk, offset)->finished ? disk->extent_size :
	      (u64)extent_of(disk, offset)->hard * SIM_SECTOR;
	return 0;
}

static const struct shard_backend_ops conventional_ops = {
	.submit = submit,
};

static const struct shard_backend_ops zoned_ops = {
	.submit = submit,
	.report = report,
};

/* --- set-up --- */

void sim_disk_set_rules(struct sim_disk *disk, u32 extent_size,
			u32 super_extents)
{
	if (disk->config.zone_size)
		extent_size = disk->config.zone_size;
	disk->config.super_extents = super_extents;
	if (disk->extent_size == extent_size)
		return;
	free(disk->extents);
	disk->extents = NULL;
	WARN_ON(extent_size & (extent_size - 1));
	disk->extent_size = extent_size;
	disk->extent_shift = extent_size ? ilog2(extent_size) : 0;
	disk->nr_extents = 0;
	if (!extent_size)
		return;
	disk->nr_extents = DIV_ROUND_UP(disk->config.capacity, extent_size);
	disk->extents = calloc(disk->nr_extents, sizeof(*disk->extents));
	if (!disk->extents)
		kapi_fail("no memory for extents");
}

struct sim_disk *sim_disk_create(const struct sim_disk_config *config,
				 struct sim_choices *choices)
{
	struct sim_disk *disk = calloc(1, sizeof(*disk));
	struct shard_backend *backend;

	if (!disk)
		return NULL;
	disk->config = *config;
	if (!config->block_size)
		disk->config.block_size = SIM_SECTOR;
	disk->choices = choices;
	if (sim_medium_init(&disk->medium, DIV_ROUND_UP(config->capacity, SIM_SECTOR),
			    config->sparse)) {
		free(disk);
		return NULL;
	}
	sim_disk_set_rules(disk, config->extent_size, config->super_extents);
	backend = &disk->backend;
	backend->ops = config->zone_size ? &zoned_ops : &conventional_ops;
	strscpy(backend->name, "simulated disk", sizeof(backend->name));
	backend->capacity = config->capacity;
	backend->logical_block_size = disk->config.block_size;
	backend->physical_block_size = disk->config.block_size;
	backend->zone_size = config->zone_size;
	backend->active_max = config->active_max;
	backend->volatile_cache = config->volatile_cache;
	backend->fua = config->fua;
	return disk;
}

void sim_disk_destroy(struct sim_disk *disk)
{
	sim_medium_destroy(&disk->medium);
	free(disk->extents);
	free(disk->in_flight);
	free(disk->undo);
	free(disk);
}

void sim_disk_blank(struct sim_disk *disk)
{
	sim_medium_blank(&disk->medium);
	if (disk->extents)
		memset(disk->extents, 0,
		       disk->nr_extents * sizeof(*disk->extents));
	disk->faults = (struct sim_faults){ 0 };
	disk->gone = false;
	disk->beside = false;
	disk->strike = (struct sim_strike){ 0 };
	disk->delayed = NULL;
	disk->nr_ranges = 0;
	disk->counts = (struct sim_disk_counts){ 0 };
	/* Within a run they are pending; one that failed has forgotten them. */
	if (kapi_events_pending)
		kapi_events_pending -= disk->nr_in_flight;
	disk->nr_in_flight = 0;
	disk->undo_head = 0;
	disk->undo_tail = 0;
	disk->nr_writes = 0;
	disk->walk = NULL;
	disk->epoch = 0;
	disk->started = false;
	disk->off = false;
	disk->backend.read_only = false;
}

void sim_disk_start(struct sim_disk *disk)
{
	u64 i;

	if (disk->off)
		kapi_fail("%s: started before it settled", disk->backend.name);
	if (disk->nr_in_flight)
		kapi_fail("%s: started with operations in flight",
			  disk->backend.name);
	disk->started = true;
	disk->delayed = NULL;
	disk->strike.io = NULL;
	disk->epoch++;
	if (!disk->config.zone_size)
		return;
	for (i = 0; i < disk->nr_extents; i++)
		disk->extents[i].wp = disk->extents[i].finished ?
				      disk->extent_size / SIM_SECTOR :
				      disk->extents[i].hard;
}

void sim_disk_fail_range(struct sim_disk *disk, u64 offset, u64 len, u32 ops)
{
	WARN_ON(disk->nr_ranges == SIM_RANGES_MAX);
	disk->ranges[disk->nr_ranges++] = (struct sim_range){
		.offset = offset, .len = len, .ops = ops,
	};
}
