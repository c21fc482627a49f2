/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the engine sees where its branches are counted: no assertions and no
 * marks, as neither decides anything.  Force-included, for kmod/core only.
 *
 * A branch on an assertion goes the way of a program that is right.
 */
#ifndef COV_H
#define COV_H

#undef WARN
#define WARN(cond, fmt, ...)	__builtin_choose_expr(0, !!(cond), false)
#undef BUG_ON
#define BUG_ON(cond)		((void)sizeof(!!(cond)))

#undef shard_sometimes
#define shard_sometimes(cond, what)	((void)sizeof(!!(cond)))
#undef shard_rarely
#define shard_rarely(cond, what)	((void)sizeof(!!(cond)))

#endif /* COV_H */
