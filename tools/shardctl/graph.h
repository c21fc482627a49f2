/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * shardctl graph: where its lines come from.
 */
#ifndef SHARDCTL_GRAPH_H
#define SHARDCTL_GRAPH_H

#include "../graph/graph.h"

/**
 * graph_from_image() - what an image tells of how it was written
 * @force:	also when it is in use
 *
 * The newest superblock records; the manifest, runs and frames that the newest
 * of them leads to; index and extents as recovery finds them.
 *
 * Return: an enum ctl_exit, said when not CTL_DONE; CTL_DAMAGE if there is
 * something to draw all the same.
 */
int graph_from_image(struct graph *graph, const char *path, bool force);

#endif /* SHARDCTL_GRAPH_H */
