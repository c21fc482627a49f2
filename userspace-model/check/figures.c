// SPDX-License-Identifier: GPL-2.0-only
/*
 * The histories whose graphs are shown in docs: `make figures`.
 *
 * Each is replayed as "NAME:SEED", and ends where its figure does; what comes
 * after that is compared as usual.
 */
#include "picture.h"
#include "script.h"
#include "suites.h"

static void figure_begin(struct world *w)
{
	struct world_config config;

	history_config(&config, false, false);
	config.disk.volatile_cache = true;
	world_begin(w, &config);
}

static void figure_end(struct world *w)
{
	picture_pause(w);
	world_recover(w);
	world_close(w);
}

/* Several requests share a frame, and one waits for a flush. */
static void write_together(struct world *w)
{
	world_submit(w, SHARD_WRITE, 0, 2, false);
	world_submit(w, SHARD_WRITE, 8, 1, false);
	world_submit(w, SHARD_DISCARD, 20, 4, false);
	world_wait_all(w);
}

void figure_puts(struct world *w)
{
	figure_begin(w);
	write_together(w);
	script_write(w, 4, 1, false);
	script_flush(w);
	script_write(w, 5, 1, false);
	world_checkpoint(w);
	script_write(w, 6, 2, false);
	figure_end(w);
}

/*
 * The first host extent holds four chunks.  One is discarded; the other three are
 * moved, and the extent is given up.  The writes then come to where it is next.
 */
void figure_discard(struct world *w)
{
	u32 i;

	picture_pause(w);
	figure_begin(w);
	script_write(w, 0, 3, false);
	script_write(w, 16, 5, false);
	script_write(w, 8, 1, false);
	script_write(w, 32, 3, false);
	script_write(w, 40, 1, false);
	world_checkpoint(w);
	picture_go_on(w);
	script_discard(w, 16, 5);
	world_reclaim(w);
	/* the free ones that come first are of no interest */
	picture_pause(w);
	for (i = 0; i < 6; i++)
		script_write(w, 44, 15, false);
	picture_go_on(w);
	for (i = 0; i < 4; i++)
		script_write(w, 44, 15, false);
	script_flush(w);
	figure_end(w);
}

void figure_crash(struct world *w)
{
	figure_begin(w);
	script_write(w, 0, 2, false);
	script_flush(w);
	script_write(w, 4, 1, false);
	script_write(w, 5, 1, false);
	world_crash(w, false);
	if (world_open(w))
		kapi_fail("open failed");
	world_compare(w, w->model.must);
	script_write(w, 6, 1, true);
	figure_end(w);
}
