/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Pictures: the dependency graph of a history that is replayed.
 */
#ifndef CHECK_PICTURE_H
#define CHECK_PICTURE_H

#include "world.h"

/** picture_begin() - what happens from now on is to be drawn */
void picture_begin(struct world *w);
/** picture_pause() - for a figure that begins behind, or ends before, its history */
void picture_pause(struct world *w);
void picture_go_on(struct world *w);

/** picture_start() - the engine is about to be opened with these options */
void picture_start(struct world *w, struct shard_options *options);
/** picture_take() - note how index and extents are now */
void picture_take(struct world *w);

/** picture_write() - write it for dot.  Return: 0 or -errno */
int picture_write(const struct world *w, const char *path, const char *title);

#endif /* CHECK_PICTURE_H */
