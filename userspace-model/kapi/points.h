/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Marks: situations that must occur somewhere while the engine is checked.
 *
 * A mark counts how often it was passed with its condition true.  It is found
 * by the linker: whoever writes one need not list it anywhere.  In the kernel
 * it is nothing, and its condition is not looked at; nor with KAPI_NO_CHECKS.
 */
#ifndef KAPI_POINTS_H
#define KAPI_POINTS_H

/**
 * struct kapi_point - a mark
 * @what:	the situation
 * @at:		file and line
 * @rare:	not to be expected of a few million operations
 * @nr:		how often it occurred in this process
 */
struct kapi_point {
	const char *what;
	const char *at;
	bool rare;
	u64 nr;
};

#ifdef KAPI_NO_CHECKS
#define __kapi_point(cond, text, is_rare)	((void)sizeof(!(cond)))
#else
#define __kapi_point(cond, text, is_rare)				\
	do {								\
		static struct kapi_point __point = {			\
			.what = text, .at = __kapi_at, .rare = is_rare,	\
		};							\
		static struct kapi_point * const __listed		\
		__attribute__((__used__, __section__("kapi_points"))) =	\
			&__point;					\
									\
		__kapi_sum(&__point.nr, !!(cond), __ATOMIC_RELAXED);	\
	} while (0)
#endif

/** shard_sometimes() - this must occur */
#define shard_sometimes(cond, what)	__kapi_point(cond, what, false)
/** shard_rarely() - so must this, if one looks for long */
#define shard_rarely(cond, what)	__kapi_point(cond, what, true)

/* All marks of the program, as the linker put them: weak, it may have none. */
extern struct kapi_point * const __start_kapi_points[]
	__attribute__((__weak__));
extern struct kapi_point * const __stop_kapi_points[]
	__attribute__((__weak__));

#endif /* KAPI_POINTS_H */
