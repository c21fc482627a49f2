// SPDX-License-Identifier: GPL-2.0-only
/*
 * The ordering rule of moved data; the others are in rules.c.
 */
#include "script.h"
#include "suites.h"

#define O9_ROUNDS 60 /* a race is lost now and then */

/*
 * O9: blocks are overwritten and discarded while they are moved, and memtables
 * become runs meanwhile; then what was moved lies below what was written.
 */
void check_o9(struct world *w)
{
	struct world_config config;
	u32 i, k;

	history_config(&config, false, false);
	for (i = 0; i < O9_ROUNDS; i++) {
		world_begin(w, &config);
		script_fill(w, 15);
		/* all extents are half dead, and none is in the log */
		for (k = 0; k < w->model.nr_blocks; k += 5)
			script_write(w, k, 2, false);
		world_checkpoint(w);
		for (k = 0; k < WORLD_SLOTS; k++) {
			world_submit(w, k % 3 ? SHARD_WRITE : SHARD_DISCARD,
				     3 * (k + i) % 60, 3, false);
			if (k % 2)
				world_commit(w);
		}
		world_reclaim(w);
		world_compact(w);
		world_wait_all(w);
		script_read_all(w);
		world_reclaim(w);
		script_flush(w);
		world_recover(w);
		script_read_all(w);
		world_close(w);
	}
}
