/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The questions, each to be asked inside a run of kapi.
 */
#ifndef CHECK_SUITES_H
#define CHECK_SUITES_H

struct world;

void check_extent(struct world *w);
void check_index(struct world *w);
void check_oracle(struct world *w);
void check_chunk(struct world *w);

#endif /* CHECK_SUITES_H */
