/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef CHECK_SCHEDULES_H
#define CHECK_SCHEDULES_H

/** check_schedules() - toys, all of their schedules, and @nr of each strategy */
int check_schedules(u64 nr);

/** bench_schedules() - how many a second, by the clock and by CPU time */
int bench_schedules(void);

#endif /* CHECK_SCHEDULES_H */
