// SPDX-License-Identifier: GPL-2.0-only
/*
 * DOC: snapshots
 *
 * What a device looks like, for people: beside the events of event.h it makes
 * the picture of a history whole.
 */
#include "device.h"

/* Extents looked at between two offers to let others run. */
#define RESCHED_EXTENTS	4096

/* Where lines go. */
struct snapshot {
	void (*line)(void *ctx, const char *text);
	void *ctx;
};

static __printf(2, 3) void say(const struct snapshot *to, const char *fmt, ...)
{
	char text[SHARD_SNAPSHOT_TEXT];
	va_list args;

	va_start(args, fmt);
	vscnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	to->line(to->ctx, text);
}

static void say_index(const struct snapshot *to, struct shard_index *index)
{
	struct shard_version *version;
	struct shard_runs runs;
	u32 active, frozen, i;

	/* it keeps the runs, which may be dropped meanwhile */
	version = shard_index_hold(index);
	shard_index_runs(index, &runs);
	shard_index_entries(index, &active, &frozen);
	say(to, "memtable active=%u frozen=%u", active, frozen);
	for (i = 0; i < runs.nr; i++)
		say(to, "run id=%llu stream=%u entries=%llu pages=%u chunks=%u",
		    runs.run[i]->id, runs.run[i]->stream,
		    runs.run[i]->nr_entries, runs.run[i]->nr_pages,
		    runs.run[i]->nr_chunks);
	shard_index_put(index, version);
}

static void say_extents(const struct snapshot *to, struct shard_extents *ex)
{
	u32 nr_extents = shard_extents_layout(ex)->nr_extents;
	u32 nr = 0, i;

	for (i = SHARDBLK_SUPER_EXTENTS;
	     i < nr_extents && nr < SHARD_SNAPSHOT_EXTENTS; i++) {
		struct shard_extent e;

		if (!(i % RESCHED_EXTENTS))
			cond_resched();
		shard_extent_get(ex, i, &e);
		if (e.state == SHARD_EXTENT_FREE)
			continue;
		nr++;
		say(to, "extent nr=%u generation=%u stream=%u state=%u "
		    "written=%u live=%u retired=%u", i, e.generation, e.stream,
		    e.state, e.written, e.live, e.retired);
	}
}

void shard_device_snapshot(struct shard_device *device,
			   void (*line)(void *ctx, const char *text),
			   void *ctx)
{
	const struct shard_super_record *record = &device->record;
	struct snapshot to = { .line = line, .ctx = ctx };

	say(&to, "device block_size=%u extent_blocks=%u extents=%u",
	    record->block_size, record->extent_blocks, record->nr_extents);
	say_index(&to, device->index);
	say_extents(&to, device->store.ex);
}
