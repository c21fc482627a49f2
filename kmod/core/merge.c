// SPDX-License-Identifier: GPL-2.0-only
/*
 * DOC: merging
 *
 * Cursors walk over all runs at once.  Of what several have, the newest's word
 * is given, and the others' is passed over.
 */
#include "merge.h"

static u64 cursor_end(const struct shard_merge_cursor *c)
{
	return c->range.lba + c->range.nr_blocks;
}

static int cursor_next(struct shard_merge_cursor *c)
{
	int ret = shard_run_iter_next(&c->it, &c->range);

	c->valid = ret > 0;
	return min(ret, 0);
}

/* Goes on to @stop. */
static int cursor_pass(struct shard_merge_cursor *c, u64 stop)
{
	struct shard_range *range = &c->range;
	int err = 0;

	while (!err && c->valid && cursor_end(c) <= stop)
		err = cursor_next(c);
	if (!err && c->valid && range->lba < stop) {
		u32 nr = stop - range->lba;

		range->lba = stop;
		range->nr_blocks -= nr;
		if (range->mapped) {
			range->place.block += nr;
			range->csums += nr;
		}
	}
	return err;
}

int shard_merge_begin(struct shard_merge *m, struct shard_store *store,
		      const struct shard_runs *runs, u32 nr)
{
	int err = 0;

	m->stop = 0;
	for (m->nr = 0; m->nr < nr && !err;) {
		struct shard_merge_cursor *c = &m->cursors[m->nr];

		err = shard_run_iter_begin(&c->it, store, runs->run[m->nr++]);
		c->it.cache = m->cache;
		if (!err)
			err = cursor_next(c);
	}
	return err;
}

int shard_merge_next(struct shard_merge *m, struct shard_range *range)
{
	struct shard_merge_cursor *first = NULL, *c;
	int err = 0;

	for (c = m->cursors; c < m->cursors + m->nr && !err; c++) {
		err = cursor_pass(c, m->stop);
		if (c->valid && (!first || c->range.lba < first->range.lba))
			first = c;
	}
	if (err || !first)
		return err;
	m->stop = cursor_end(first);
	for (c = m->cursors; c < first; c++)
		if (c->valid)
			m->stop = min(m->stop, c->range.lba);
	*range = first->range;
	range->nr_blocks = m->stop - range->lba;
	return 1;
}

void shard_merge_end(struct shard_merge *m)
{
	while (m->nr)
		shard_run_iter_end(&m->cursors[--m->nr].it);
}
