// SPDX-License-Identifier: GPL-2.0-only
/*
 * What is shown of a history: rows of its table, the engine's messages and its
 * I/O.
 */
#include "show.h"
#include "table.h"

bool show_export;

void world_print(const char *fmt, ...)
{
	va_list args;

	if (show_export)
		return;
	va_start(args, fmt);
	table_line(fmt, args);
	va_end(args);
}

void show_log(void *ctx, int level, const char *fmt, va_list args)
{
	struct world *w = ctx;
	char line[256];

	if (!w->verbose)
		return;
	vsnprintf(line, sizeof(line), fmt, args);
	line[strcspn(line, "\n")] = '\0';
	world_print("      | log: %s", line);
}

static void export_step(const char *what)
{
	if (!strcmp(what, "checkpoint"))
		printf("checkpoint\n");
	else if (!strcmp(what, "stop"))
		printf("restart\n");
}

u32 show_step(struct world *w, const char *what)
{
	if (!w->verbose)
		return 0;
	if (!show_export)
		return table_row(0, "%s", what);
	export_step(what);
	return 0;
}

void show_result(struct world *w, u32 row, int error)
{
	if (w->verbose && !show_export)
		table_result(row, "%s", table_error(error));
}

/* ---- requests ---- */

static const char * const op_names[] = {
	[SHARD_READ] = "read",
	[SHARD_WRITE] = "write",
	[SHARD_DISCARD] = "discard",
	[SHARD_FLUSH] = "flush",
};

const char *show_op(enum shard_op op)
{
	return op_names[op];
}

void show_request(struct world_slot *slot)
{
	char blocks[32] = "";

	if (show_export) {
		printf("s %u %s %u %u %u\n", slot->number, op_names[slot->op],
		       slot->lba, slot->nr_blocks, slot->fua);
		return;
	}
	if (slot->nr_blocks == 1)
		scnprintf(blocks, sizeof(blocks), "%u", slot->lba);
	else if (slot->nr_blocks)
		scnprintf(blocks, sizeof(blocks), "%u..%u", slot->lba,
			  slot->lba + slot->nr_blocks - 1);
	slot->row = table_row(slot->number, "%-14s %-11s %s",
			      op_names[slot->op], blocks,
			      slot->fua ? "fua" : "");
}

void show_done(struct world *w, const struct world_slot *slot, int error)
{
	if (show_export)
		printf("e %u\n", slot->number);
	else if (w->nr_numbers == slot->number)
		table_result(slot->row, "%s", table_error(error));
	else
		table_result(slot->row, "%s, after %u was begun",
			     table_error(error), w->nr_numbers);
}

void show_lost(const struct world_slot *slot)
{
	if (!show_export)
		table_result(slot->row, "in flight when it crashed");
}

/* ---- the schedule ---- */

#define COLUMN_WIDTH	4
#define COLUMNS_MAX	12

static u32 columns[COLUMNS_MAX];	/* whose: a number and 1; 0: nobody's */

/* Interrupts share one, and so do those that come where no column is free. */
static u32 column_of(u32 id)
{
	static bool told;
	u32 i;

	for (i = 0; i < COLUMNS_MAX; i++)
		if (columns[i] == id + 1)
			return i;
	for (i = 0; i < COLUMNS_MAX && columns[i]; i++)
		;
	if (i < COLUMNS_MAX) {
		columns[i] = id + 1;
		return i;
	}
	if (!told)
		world_print("      | more than %u fibers at once: the last column is of several",
			    COLUMNS_MAX);
	told = true;
	return COLUMNS_MAX - 1;
}

/* Its column is another's from now on. */
static void column_free(u32 column, u32 id)
{
	if (id && columns[column] == id + 1)
		columns[column] = 0;
}

void show_turn(void *ctx, const struct kapi_turn *turn)
{
	const struct kapi_place *place = turn->place;
	const char *file = place->at ? strrchr(place->at, '/') : NULL;
	u32 id = kapi_fiber_id(turn->fiber), column = column_of(id);

	world_print("      | %*s%s: %s%s%s%s%s", column * COLUMN_WIDTH, "",
		    kapi_fiber_name(turn->fiber),
		    turn->going || turn->ends ? "" : "waits in ", place->word,
		    place->at ? " at " : "",
		    file ? file + 1 : place->at ?: "",
		    turn->going ? ", preempted" : "");
	if (turn->ends)
		column_free(column, id);
}

/* ---- the engine's own I/O ---- */

static const struct shard_backend_ops *traced_ops;

static void trace_submit(struct shard_backend *backend, struct shard_io *io)
{
	static const char * const names[] = {
		"read", "append", "flush", "reset",
	};

	if (io->op == SHARD_IO_FLUSH)
		world_print("      |   %s", names[io->op]);
	else
		world_print("      |   %s %llu +%u%s", names[io->op],
			    io->offset / SIM_SECTOR, io->len / SIM_SECTOR,
			    io->fua ? " fua" : "");
	traced_ops->submit(backend, io);
}

void show_io(struct world *w)
{
	static struct shard_backend_ops ops;

	if (!w->verbose_io || w->disk->backend.ops == &ops)
		return;
	traced_ops = w->disk->backend.ops;
	ops = *traced_ops;
	ops.submit = trace_submit;
	w->disk->backend.ops = &ops;
}
