// SPDX-License-Identifier: GPL-2.0-only
/*
 * DOC: what a power cut leaves
 *
 * What comes of a power cut depends on what the disk holds, which appends are in flight
 * to it, and what users have seen, and on nothing else: memory is gone.  So of all power
 * cuts that find these the same one is enough, whatever led there.
 *
 * They follow from what has happened: which appends were submitted, which of them and of
 * the flushes have ended, in which order, and with which contents.  Those of an append are
 * known when it has ended.
 */
#include "pairs.h"
#include "world.h"

static u64 mix(u64 h, u64 v)
{
	h = (h ^ v) * 0x9e3779b97f4a7c15ULL;
	return h ^ h >> 29;
}

static u64 sector_hash(struct sim_disk *disk, u64 sector)
{
	const struct sim_slot *slot;
	const u64 *words;
	u64 h = 0;
	u32 i;

	slot = sector == U64_MAX ? NULL :
				   sim_medium_find(&disk->medium, sector);
	if (!slot || !slot->ref)
		return 0;
	words = (const u64 *)sim_data(&disk->medium, slot->ref);
	for (i = 0; i < SIM_SECTOR / sizeof(*words); i++)
		h = (h ^ words[i]) * 0x9e3779b97f4a7c15ULL + (h >> 31);
	return mix(h, sector);
}

/* What may be lost since we looked last, and what cannot be any more. */
static void undo_left(struct pair_left *left, struct sim_disk *disk)
{
	u64 end = disk->undo_base + disk->undo_tail;
	u64 at = max(left->undo, disk->undo_base + disk->undo_head);

	for (; at < end; at++) {
		u64 sector = disk->undo[at - disk->undo_base].sector;

		left->disk = mix(left->disk, sector_hash(disk, sector));
	}
	left->undo = end;
	left->disk = mix(left->disk, disk->undo_tail - disk->undo_head);
}

/* Appends that were durable at once, which leave nothing to be undone. */
static void fua_left(struct pair_left *left, struct sim_disk *disk)
{
	u64 sector;
	u32 i;

	for (i = 0; i < left->nr_fua; i++)
		for (sector = left->fua[i].offset / SIM_SECTOR;
		     sector < (left->fua[i].offset + left->fua[i].len) / SIM_SECTOR;
		     sector++)
			left->disk = mix(left->disk, sector_hash(disk, sector));
	left->nr_fua = 0;
}

static void append_left(struct pair_left *left, const struct shard_io *io)
{
	left->disk = mix(left->disk, io->offset ^ (u64)io->len << 40);
	if (!io->fua)
		return;
	if (left->nr_fua == ARRAY_SIZE(left->fua))
		kapi_fail("more FUA appends in flight than are kept");
	left->fua[left->nr_fua].offset = io->offset;
	left->fua[left->nr_fua++].len = io->len;
}

/* Reads and resets leave nothing, nor do flushes before they have ended. */
static void disk_left(struct pair_left *left, struct sim_disk *disk)
{
	u64 nr_ended = disk->counts.nr[SHARD_IO_APPEND] +
		       disk->counts.nr[SHARD_IO_FLUSH];
	u32 nr_appends = 0, i;

	for (i = 0; i < disk->nr_in_flight; i++)
		nr_appends += disk->in_flight[i]->op == SHARD_IO_APPEND;
	if (nr_ended == left->nr_ended && nr_appends == left->nr_appends)
		return;
	left->nr_ended = nr_ended;
	left->nr_appends = nr_appends;
	undo_left(left, disk);
	fua_left(left, disk);
	for (i = 0; i < disk->nr_in_flight; i++)
		if (disk->in_flight[i]->op == SHARD_IO_APPEND)
			append_left(left, disk->in_flight[i]);
}

static void model_left(struct pair_left *left, const struct m_device *m)
{
	const u64 sets[] = { m->nr_requests, m->all, m->acked, m->must, m->seen };
	u64 h = 0;
	u32 i, k;

	for (i = 0; i < ARRAY_SIZE(sets); i++)
		h = mix(h, sets[i]);
	for (i = 0; i < m->nr_requests; i++) {
		const struct m_request *r = &m->requests[i];

		/* a discard has none of its own */
		h = mix(h, r->write ? r->serial << 1 | r->either : 0);
		h = mix(h, (u64)r->lba << 32 | r->nr_blocks << 1 | r->write);
		h = mix(h, r->before);
		for (k = 0; k < ARRAY_SIZE(r->seen); k++)
			h = mix(mix(h, r->seen[k]), r->second[k]);
	}
	left->model = h;
	left->told = false;
}

void pair_left_begin(struct pair_left *left)
{
	*left = (struct pair_left){ .told = true, .nr_appends = U32_MAX };
}

u64 pair_left(struct pair_left *left, struct world *w)
{
	u32 faults = w->sick | w->write_failed << 1 | w->flush_failed << 2 |
		     w->disk->gone << 3;

	disk_left(left, w->disk);
	if (left->told)
		model_left(left, &w->model);
	return mix(mix(left->disk, left->model), faults);
}

/* ---- those that there were ---- */

bool pair_lefts_seen(struct pair_lefts *lefts, u64 left)
{
	u64 mask = PAIR_LEFTS_MAX - 1, i, was;

	left |= !left;
	for (i = left >> 7 & mask; ; i = (i + 1) & mask) {
		was = __atomic_load_n(&lefts->seen[i], __ATOMIC_RELAXED);
		if (was == left)
			return true;
		if (was)
			continue;
		/* the more there are the longer this takes: no more are kept */
		if (__atomic_load_n(&lefts->nr, __ATOMIC_RELAXED) >
		    PAIR_LEFTS_MAX / 2)
			return false;
		if (__atomic_compare_exchange_n(&lefts->seen[i], &was, left,
						false, __ATOMIC_RELAXED,
						__ATOMIC_RELAXED)) {
			__atomic_fetch_add(&lefts->nr, 1, __ATOMIC_RELAXED);
			return false;
		}
		if (was == left)
			return true;
	}
}

/* ---- what of it survives ---- */

#define LOST_MAX	32	/* of the last writes each is lost or not */

size_t pair_medium(const struct pair_place *place, struct sim_record *records)
{
	const struct pair_change *c = &place->changes[place->nr - 1];
	u64 h = place->pair;
	size_t nr = 0;
	u32 i;

	if (!place->nr || c->who)
		return 0;
	for (i = 0; i < place->nr; i++)
		h = mix(mix(h, place->changes[i].at), place->changes[i].who);
	records[nr++] = (struct sim_record){
		.value = c->medium, .kind = SIM_CHOOSE_CRASH,
	};
	for (i = 0; c->medium == PAIR_DRAWN && i < LOST_MAX; i++)
		records[nr++] = (struct sim_record){
			.value = mix(h, i) >> 63, .kind = SIM_CHOOSE_SURVIVE,
		};
	return nr;
}
