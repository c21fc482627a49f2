// SPDX-License-Identifier: GPL-2.0-only
/*
 * Zones of which few may be partly written at a time.
 *
 * Goal: however often the power fails, and whatever fails with it, there is always a
 * zone to write to (P6).  Method: crash upon crash, with no clean stop between them,
 * on a disk that may have no more active zones than streams need; the disk model
 * refuses one more.
 */
#include "script.h"
#include "suites.h"

#define CRASHES		12u	/* more than there may be active zones */

/* Writes by all streams: data, moved data, runs, manifests, records. */
static void some_of_all(struct world *w)
{
	u32 i;

	for (i = 0; i < 8; i++)
		script_write(w, 8 * (i % 4) + i / 4, 5, i & 1);
	world_checkpoint(w);
	script_discard(w, 2, 11);
	script_write(w, 30, 3, true);
}

/* Return: crashes. */
static u32 crash_upon_crash(struct world *w, const struct world_config *config,
			    u32 cut_in, u64 *finished)
{
	u32 nr, cut = 0;

	world_begin(w, config);
	for (nr = 0; nr < CRASHES; nr++) {
		w->cut_in = cut_in + nr;
		some_of_all(w);
		cut += w->cut;
		world_recover(w);
	}
	world_close(w);
	*finished += w->disk->counts.nr[SHARD_IO_FINISH];
	return cut;
}

/* Too few zones, and one that is just enough. */
static void limits(struct world *w, struct world_config *config)
{
	int err;

	world_begin(w, config);
	some_of_all(w);
	world_close(w);
	w->disk->backend.active_max--;
	err = world_open(w);
	if (err != -EOPNOTSUPP)
		kapi_fail("opened with too few zones: %d", err);
	err = shard_format(&w->disk->backend, &config->format);
	if (err != -EOPNOTSUPP)
		kapi_fail("formatted with too few zones: %d", err);
	w->disk->backend.active_max++;
	if (world_open(w))
		kapi_fail("not opened with as many zones as are needed");
	world_compare(w, w->model.must);
	world_close(w);
}

void check_zones(struct world *w)
{
	struct world_config config;
	u64 finished = 0;
	u32 cut_in, nr = 0;

	history_config(&config, false, false);
	config.format.reloc_streams = 3;
	config.disk.zone_size = config.format.extent_size;
	config.disk.active_max = SHARD_ZONES_ACTIVE +
				 config.format.reloc_streams;
	config.disk.capacity += 4 * config.format.extent_size;
	limits(w, &config);
	for (cut_in = 1; cut_in < 60; cut_in++)
		nr += crash_upon_crash(w, &config, cut_in, &finished);
	if (nr < 500)
		kapi_fail("only %u power cuts", nr);
	world_print("       %u power cuts in rows of %u, %llu zones were finished",
		    nr, CRASHES, finished);
}
