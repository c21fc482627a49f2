// SPDX-License-Identifier: GPL-2.0-only
/*
 * Damage is not mistaken for the end of the log.
 *
 * Goal: whatever sector of a device is rotten, zeroed or unreadable, a start
 * either gives everything that was durable, with errors for the blocks that
 * were hit, or refuses; never a shorter prefix without a word.  Method: two
 * images, one of a crash and one of a clean stop, each sector of them hit in
 * three ways.
 *
 * Records and manifests are there twice, so none of these is missed; a block of
 * data is lost alone.  A start may refuse where the header of a frame is hit,
 * or where it cannot read whether it was written at all.
 *
 * The last frame of a log, of which nothing that was written later says that
 * it was durable, cannot be told from a torn one: behind the last flush the
 * history goes on with a frame that carries the mark.
 */
#include "script.h"
#include "shardblk_format.h"
#include "suites.h"

enum damage {
	DAMAGE_FLIP,
	DAMAGE_ZERO,
	DAMAGE_UNREADABLE,
	NR_DAMAGES,
};

struct damage_counts {
	u32 nr_refused;
	u32 nr_errors;		/* some blocks gave errors */
	u32 nr_whole;
};

static void history_flushed(struct world *w)
{
	script_write(w, 0, 5, false);
	script_write(w, 10, 1, true);
	world_checkpoint(w);
	script_write(w, 3, 4, false);
	script_write(w, 20, 15, false);
	script_discard(w, 22, 3);
	script_write(w, 40, 8, true);
	script_write(w, 50, 8, false);
	script_flush(w);
}

static void history(struct world *w)
{
	history_flushed(w);
	script_write(w, 60, 1, false);
}

static void hit(struct world *w, u64 offset, enum damage damage)
{
	static const u8 zeros[SECTOR_SIZE];

	switch (damage) {
	case DAMAGE_FLIP:
		sim_disk_flip(w->disk, offset + world_draw(SECTOR_SIZE,
							   CHECK_CHOOSE_FAULT),
			      world_draw(8, CHECK_CHOOSE_FAULT));
		break;
	case DAMAGE_ZERO:
		sim_disk_poke(w->disk, offset, zeros, SECTOR_SIZE);
		break;
	default:
		sim_disk_fail_range(w->disk, offset, SECTOR_SIZE,
				    BIT(SHARD_IO_READ));
	}
}

/* What a sector of 512 bytes begins with: each block is one. */
static u32 magic_of(struct world *w, u64 sector)
{
	struct shardblk_header h;

	sim_disk_peek(w->disk, sector * SECTOR_SIZE, &h, sizeof(h));
	return le32_to_cpu(h.magic);
}

/* There are two of it. */
static bool is_twin(u32 magic)
{
	return magic == SHARDBLK_SUPER_MAGIC ||
	       magic == SHARDBLK_MANIFEST_MAGIC;
}

static bool may_refuse(u32 magic, enum damage damage)
{
	return magic == SHARDBLK_FRAME_MAGIC ||
	       (damage == DAMAGE_UNREADABLE && !is_twin(magic));
}

static void look(struct world *w, u64 sector, u32 magic, enum damage damage,
		 struct damage_counts *counts)
{
	u64 stamps[M_BLOCKS_MAX];
	const char *why;
	u32 i, nr = 0;

	w->sick = true;
	if (world_open(w)) {
		if (!may_refuse(magic, damage))
			kapi_fail("sector %llu is damaged: a start refuses",
				  sector);
		counts->nr_refused++;
		return;
	}
	world_read_stamps(w, stamps);
	for (i = 0; i < w->model.nr_blocks; i++)
		nr += stamps[i] == M_UNREADABLE;
	why = m_device_holds(&w->model, stamps, w->model.must);
	if (why)
		kapi_fail("sector %llu is damaged: %s", sector, why);
	if (nr && is_twin(magic))
		kapi_fail("sector %llu has a second copy: %u blocks gave errors",
			  sector, nr);
	if (nr)
		counts->nr_errors++;
	else
		counts->nr_whole++;
	world_close(w);
}

static void damage_all(struct world *w, const char *what, enum damage first)
{
	u64 nr = w->config.disk.capacity / SECTOR_SIZE, sector;
	struct damage_counts counts = { 0 };
	struct sim_snapshot image = { 0 };
	u64 must = w->model.must;
	enum damage damage;
	u32 magic;

	sim_snapshot_take(&image, w->disk);
	for (sector = 0; sector < nr; sector++) {
		for (damage = first; damage < NR_DAMAGES; damage++) {
			sim_snapshot_restore(w->disk, &image);
			magic = magic_of(w, sector);
			hit(w, sector * SECTOR_SIZE, damage);
			look(w, sector, magic, damage, &counts);
			world_heal(w);
			/* another image, to which no stop has promised more */
			w->model.must = must;
		}
	}
	sim_snapshot_free(&image);
	world_print("       %s: %llu sectors, %u starts refused, %u with errors, %u whole",
		    what, nr, counts.nr_refused, counts.nr_errors,
		    counts.nr_whole);
}

void check_damage(struct world *w)
{
	struct world_config config;

	history_config(&config, false, false);
	world_begin(w, &config);
	history(w);
	/* the last frame must be there: it says that all before it was durable */
	world_crash(w, true);
	damage_all(w, "after a crash", DAMAGE_FLIP);

	world_begin(w, &config);
	history(w);
	world_close(w);
	damage_all(w, "after a clean stop", DAMAGE_FLIP);

	/* nothing says so here, but what cannot be read is no end */
	world_begin(w, &config);
	history_flushed(w);
	world_crash(w, true);
	damage_all(w, "behind a flush", DAMAGE_UNREADABLE);
}
