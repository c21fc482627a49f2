/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What is shown of a history, if it is (@verbose of its world).
 */
#ifndef CHECK_SHOW_H
#define CHECK_SHOW_H

#include "world.h"

/*
 * Instead of a table, print what the users of the device do, one thing in a line, to
 * be done elsewhere (tools/vm/history_run.c): "s NUMBER OP LBA NR FUA" when a request
 * is submitted, "e NUMBER" when it has ended, "checkpoint", "restart".
 */
extern bool show_export;

/** show_step() - a row for what is no request.  Return: what names it */
u32 show_step(struct world *w, const char *what);
/** show_result() - what became of it */
void show_result(struct world *w, u32 row, int error);

/* A request begins, ends, or is lost in a crash; only if it is shown. */
void show_request(struct world_slot *slot);
void show_done(struct world *w, const struct world_slot *slot, int error);
void show_lost(const struct world_slot *slot);

/** show_op() - its name */
const char *show_op(enum shard_op op);

/**
 * show_turn() - another fiber goes on: a row in the column of the last one
 *
 * Fibers have columns in the order in which they come; that of one that has ended is
 * the next one's.
 */
void show_turn(void *ctx, const struct kapi_turn *turn);

/** show_log() - the hook for the engine's messages */
void show_log(void *ctx, int level, const char *fmt, va_list args);

/** show_io() - from now on show the engine's I/O, if that is wanted */
void show_io(struct world *w);

#endif /* CHECK_SHOW_H */
