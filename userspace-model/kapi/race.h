/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Data races: what ThreadSanitizer is told.
 *
 * DOC: data races
 *
 * The flavour "race" (KAPI_RACE) compiles the engine with -fsanitize=thread.
 * There each fiber is a thread of its own, and a switch from one to another
 * orders nothing.  So what orders the accesses of two fibers are the words that
 * would order those of two processors, no more: the words say so here.  Two
 * accesses that nothing orders, one of which is a write, are a data race, in
 * whatever order they happened to be made; it fails the run, and its seed
 * replays it.
 *
 * kapi, the disk and the checks are not compiled so: what they share they share
 * by there being one OS thread.
 */
#ifndef KAPI_RACE_H
#define KAPI_RACE_H

#ifdef KAPI_RACE
#include <stdlib.h>

void __tsan_acquire(void *addr);
void __tsan_release(void *addr);
void __tsan_read_range(void *addr, long size);

/* What was done before this comes before what is done after kapi_after() it. */
static inline void kapi_before(const void *object)
{
	__tsan_release((void *)object);
}

static inline void kapi_after(const void *object)
{
	__tsan_acquire((void *)object);
}

/* Code that is not compiled so has looked at this. */
static inline void kapi_has_read(const void *start, size_t len)
{
	__tsan_read_range((void *)start, len);
}

/* Writes from here on may race: whoever reads finds that out, and forgets it. */
void kapi_racy_begin(void);
void kapi_racy_end(void);

#ifndef __SANITIZE_THREAD__
/* The library's are watched whoever calls them: kapi and the checks use these. */
static inline void *kapi_memcpy(void *to, const void *from, size_t len)
{
	unsigned char *t = to;
	const unsigned char *f = from;

	while (len--)
		*t++ = *f++;
	return to;
}

static inline void *kapi_memmove(void *to, const void *from, size_t len)
{
	unsigned char *t = to;
	const unsigned char *f = from;

	if (t < f)
		return kapi_memcpy(to, from, len);
	while (len--)
		t[len] = f[len];
	return to;
}

static inline void *kapi_memset(void *start, int c, size_t len)
{
	unsigned char *t = start;

	while (len--)
		*t++ = c;
	return start;
}

static inline int kapi_memcmp(const void *a, const void *b, size_t len)
{
	const unsigned char *x = a, *y = b;

	for (; len && *x == *y; len--, x++, y++)
		;
	return len ? *x - *y : 0;
}

static inline int kapi_vsnprintf(char *buf, size_t size, const char *fmt,
				 va_list args)
{
	int len;

	kapi_racy_begin();
	len = vsnprintf(buf, size, fmt, args);
	kapi_racy_end();
	return len;
}

static inline void *kapi_realloc(void *start, size_t size)
{
	kapi_racy_begin();
	start = realloc(start, size);
	kapi_racy_end();
	return start;
}

#define vsnprintf	kapi_vsnprintf
#define realloc		kapi_realloc
#define memcpy	kapi_memcpy
#define memmove	kapi_memmove
#define memset	kapi_memset
#define memcmp	kapi_memcmp
#endif

#else

static inline void kapi_before(const void *object)
{
}

static inline void kapi_after(const void *object)
{
}

static inline void kapi_has_read(const void *start, size_t len)
{
}

static inline void kapi_racy_begin(void)
{
}

static inline void kapi_racy_end(void)
{
}

#endif
#endif /* KAPI_RACE_H */
