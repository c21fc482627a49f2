/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the engine sees where each of its accesses to memory is told (access.c).
 *
 * Its own assertions are asked for nothing, as with mutants (mutant.h), and marks
 * (kapi/points.h) are no memory of the engine.  Nor are the words of Linux: what is
 * inline in headers is not told (user.mk).
 */
#ifndef MUTANT_ACCESS_H
#define MUTANT_ACCESS_H

#undef inline

#undef WARN
#define WARN(cond, fmt, ...)	({ !!(cond); })

#undef __kapi_point
#define __kapi_point(cond, text, is_rare)	((void)sizeof(!(cond)))

#endif /* MUTANT_ACCESS_H */
