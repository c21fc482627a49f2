/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The questions, each to be asked inside a run of kapi.
 */
#ifndef CHECK_SUITES_H
#define CHECK_SUITES_H

struct world;

void check_o1(struct world *w);
void check_o2(struct world *w);
void check_o3(struct world *w);
void check_o4(struct world *w);
void check_o5(struct world *w);
void check_o6(struct world *w);
void check_o7(struct world *w);
void check_o8(struct world *w);
void check_o9(struct world *w);
void check_o10(struct world *w);
void check_o11(struct world *w);
void check_o12(struct world *w);
void check_o13(struct world *w);
void check_damage(struct world *w);
void check_sweep(struct world *w);
void check_sweep_alloc(struct world *w);
void check_sweep_pools(struct world *w);
void check_rot(struct world *w);
void check_scrub(struct world *w);
void check_capacity(struct world *w);
void check_long_run(struct world *w);
void check_kill(struct world *w);
void check_zones(struct world *w);

void figure_puts(struct world *w);
void figure_discard(struct world *w);
void figure_crash(struct world *w);

void check_extent(struct world *w);
void check_index(struct world *w);
void check_oracle(struct world *w);
void check_chunk(struct world *w);

/* A layer's model in its place; see mock.h. */
void check_mock_extent(struct world *w);
void check_mock_chunk(struct world *w);
void check_mock_index(struct world *w);

#endif /* CHECK_SUITES_H */
