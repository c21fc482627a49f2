/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The medium of a simulated disk: what each sector holds, by reference.
 *
 * Contents lie in an arena and never change while more than one references
 * them.  So whoever remembers what a sector held (the undo log, a snapshot, a
 * crash state) keeps a reference, and putting a sector back is switching one.
 * Reference 0 is a sector of zeros that is never given back.
 */
#ifndef SIM_MEDIUM_H
#define SIM_MEDIUM_H

#include "kapi.h"

#define SIM_SECTOR	512u

struct sim_open;

/**
 * struct sim_slot - a sector
 * @sector:	which; of a sparse medium
 * @open:	crash states differ in it, see states.h; else NULL
 * @ref:	its contents
 * @decided:	while a power cut settles: it has been decided about
 * @used:	of a sparse medium: not an empty place in the table
 */
struct sim_slot {
	u64 sector;
	struct sim_open *open;
	u32 ref;
	bool decided;
	bool used;
};

/**
 * struct sim_medium - the slots and the contents
 * @slots:	one per sector, or a hash table of those ever written
 * @nr_slots:	how many; of a table a power of two
 * @max_slots:	for how many there is room
 * @nr_used:	of a table
 * @sparse:	it is a table
 * @data:	the arena
 * @counts:	references to each of its sectors
 * @nr_data:	cut from the arena so far
 * @max_data:	its size
 * @free:	given back, linked by their first bytes; 0: none
 * @life:	counts sim_medium_blank(): references do not outlive it
 */
struct sim_medium {
	struct sim_slot *slots;
	u64 nr_slots;
	u64 max_slots;
	u64 nr_used;
	bool sparse;
	u8 (*data)[SIM_SECTOR];
	u32 *counts;
	u32 nr_data;
	u32 max_data;
	u32 free;
	u32 life;
};

/** sim_medium_init() - zeros.  Return: 0, -ENOMEM */
int sim_medium_init(struct sim_medium *medium, u64 nr_sectors, bool sparse);
void sim_medium_destroy(struct sim_medium *medium);

/** sim_medium_blank() - zeros again; all references are void */
void sim_medium_blank(struct sim_medium *medium);

/** sim_medium_find() - the slot of a sector; NULL: never written, zeros */
struct sim_slot *sim_medium_find(struct sim_medium *medium, u64 sector);

/** sim_medium_slot() - the same, made if need be: others may move */
struct sim_slot *sim_medium_slot(struct sim_medium *medium, u64 sector);

/** sim_data_new() - room for contents, with one reference, to be filled in */
u32 sim_data_new(struct sim_medium *medium);

/** sim_data_free() - the last reference is gone */
void sim_data_free(struct sim_medium *medium, u32 ref);

static inline u8 *sim_data(struct sim_medium *medium, u32 ref)
{
	return medium->data[ref];
}

/*
 * In the widest registers that there are: a call of memcpy() for so little would cost
 * as much again.  Where those may not be used, the C library may.
 */
#ifdef __AVX__
#ifdef __AVX512F__
#define SIM_VECTOR	64
#else
#define SIM_VECTOR	32
#endif
static inline void sim_sector_copy(void *to, const void *from)
{
	typedef u64 part __attribute__((vector_size(SIM_VECTOR), aligned(1), may_alias));
	part *t = to;
	const part *f = from;
	u32 i;

	for (i = 0; i < SIM_SECTOR / sizeof(part); i += 4) {
		part a = f[i], b = f[i + 1], c = f[i + 2], d = f[i + 3];

		t[i] = a;
		t[i + 1] = b;
		t[i + 2] = c;
		t[i + 3] = d;
	}
}
#else
static inline void sim_sector_copy(void *to, const void *from)
{
	memcpy(to, from, SIM_SECTOR);
}
#endif

/* Most contents are told from zeros by their first word. */
static inline bool sim_sector_zero(const void *from)
{
	typedef u64 word __attribute__((aligned(1), may_alias));
	const word *w = from;
	u64 any = 0;
	u32 i;

	if (w[0])
		return false;
	for (i = 1; i < SIM_SECTOR / sizeof(*w); i++)
		any |= w[i];
	return !any;
}

static inline u32 sim_data_get(struct sim_medium *medium, u32 ref)
{
	medium->counts[ref] += ref != 0;
	return ref;
}

static inline void sim_data_put(struct sim_medium *medium, u32 ref)
{
	if (ref && !--medium->counts[ref])
		sim_data_free(medium, ref);
}

/** sim_slot_set() - the slot takes over a reference and gives up its own */
static inline void sim_slot_set(struct sim_medium *medium,
				struct sim_slot *slot, u32 ref)
{
	u32 old = slot->ref;

	slot->ref = ref;
	sim_data_put(medium, old);
}

#endif /* SIM_MEDIUM_H */
