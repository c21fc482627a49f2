// SPDX-License-Identifier: GPL-2.0-only
/* O1: places are given out in order, none twice, none behind the extent. */
#include "../proof.h"
#include "extent.c"

/* One thread: what is between the two is not interrupted. */
unsigned long kapi_spin_lock_irqsave(spinlock_t *l, const char *at)
{
	return 0;
}

void kapi_spin_unlock_irqrestore(spinlock_t *l, unsigned long flags,
				 const char *at)
{
}

int main(void)
{
	struct shard_extents *ex = malloc(sizeof(*ex) + 2 * sizeof(ex->extents[0]));
	struct shard_place first, second;
	u32 stream = STREAM, one, two, before;
	bool placed;

	ASSUME(ex);
	ASSUME(ex->heads[stream].open <= 1);
	ASSUME(ex->extents[1].state == SHARD_EXTENT_OPEN);
	ASSUME(ex->layout.extent_blocks <= BIT(19));
	before = ex->extents[1].written;
	ASSUME(before <= ex->layout.extent_blocks);
	ASSUME(one && one <= ex->layout.extent_blocks - before);
	placed = shard_extents_place(ex, stream, one, 0, &first);
	PROVE(placed == (ex->heads[stream].open != 0), "a stream that is open has places");
	if (!placed)
		return 0;
	ASSUME(two && two <= shard_extents_room(ex, stream));
	shard_extents_place(ex, stream, two, 0, &second);
	PROVE(first.extent == 1 && first.block == before &&
	      first.generation == ex->extents[1].generation, "it is at the write pointer");
	PROVE(second.block == first.block + one, "the next is behind it");
	PROVE(second.block + two == ex->extents[1].written &&
	      ex->extents[1].written <= ex->layout.extent_blocks, "none is behind the extent");
	REACHED(ex->extents[1].written == BIT(19), "a full one");
	return 0;
}
