/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Atomics, and what else is shared without a lock.
 *
 * With one OS thread all of them are atomic as they are.  Each that gives
 * something back, or stores what others look at, is a point (run.h): where threads
 * meet without a lock, they meet here.  So are READ_ONCE() and WRITE_ONCE(), which
 * say that a place is shared.  What only counts, as atomic_inc() does, is none.
 *
 * How often one is changed is counted (kapi_taken()): a processor then has its
 * cache line alone.
 */
#ifndef KAPI_ATOMIC_H
#define KAPI_ATOMIC_H

typedef struct {
	int counter;
} atomic_t;

typedef struct {
	s64 counter;
} atomic64_t;

#define ATOMIC_INIT(i)		{ (i) }
#define ATOMIC64_INIT(i)	{ (i) }

#ifdef KAPI_NO_CHECKS
static inline void kapi_count_atomic(void)
{
}
#else
/* Not inline: where accesses to memory are told, this shall be none. */
void kapi_count_atomic(void);
#endif

/* The two that change something; what they order only a race detector sees. */
#define __kapi_add(p, i, order) ({					\
	kapi_count_atomic();						\
	__kapi_sum(p, i, order); })
#define __kapi_swap(p, v) ({						\
	kapi_count_atomic();						\
	__kapi_exchange(p, v); })
#ifdef KAPI_RACE
#define __kapi_sum(p, i, order)	__atomic_fetch_add(p, i, order)
#define __kapi_exchange(p, v)	__atomic_exchange_n(p, v, __ATOMIC_ACQ_REL)
#else
#define __kapi_sum(p, i, order) ({					\
	typeof(*(p)) __was = *(p);					\
									\
	*(p) = __was + (i);						\
	__was; })
#define __kapi_exchange(p, v) ({					\
	typeof(*(p)) __was = *(p);					\
									\
	*(p) = (v);							\
	__was; })
#endif

#define __KAPI_ATOMIC(name, counter_t, num)				\
static inline num name##_read(const counter_t *v)			\
{ return __READ_ONCE(v->counter); }					\
static inline void name##_set(counter_t *v, num i)			\
{ __WRITE_ONCE(v->counter, i); }					\
static inline num name##_fetch_add(num i, counter_t *v)			\
{ return __kapi_add(&v->counter, i, __ATOMIC_ACQ_REL); }		\
static inline num name##_add_return(num i, counter_t *v)		\
{ return name##_fetch_add(i, v) + i; }					\
static inline num name##_sub_return(num i, counter_t *v)		\
{ return name##_fetch_add(-i, v) - i; }					\
static inline void name##_add(num i, counter_t *v)			\
{ __kapi_add(&v->counter, i, __ATOMIC_RELAXED); }			\
static inline void name##_sub(num i, counter_t *v)			\
{ name##_add(-i, v); }							\
static inline void name##_inc(counter_t *v)				\
{ name##_add(1, v); }							\
static inline void name##_dec(counter_t *v)				\
{ name##_add(-1, v); }							\
static inline num name##_inc_return(counter_t *v)			\
{ return name##_add_return(1, v); }					\
static inline num name##_dec_return(counter_t *v)			\
{ return name##_add_return(-1, v); }					\
static inline bool name##_dec_and_test(counter_t *v)			\
{ return name##_dec_return(v) == 0; }					\
static inline bool name##_inc_and_test(counter_t *v)			\
{ return name##_inc_return(v) == 0; }					\
static inline bool name##_sub_and_test(num i, counter_t *v)		\
{ return name##_sub_return(i, v) == 0; }				\
static inline bool name##_add_unless(counter_t *v, num a, num u)	\
{									\
	if (name##_read(v) == u)					\
		return false;						\
	name##_fetch_add(a, v);						\
	return true;							\
}									\
static inline bool name##_inc_not_zero(counter_t *v)			\
{ return name##_add_unless(v, 1, 0); }					\
static inline num name##_xchg(counter_t *v, num i)			\
{ return __kapi_swap(&v->counter, i); }					\
static inline num name##_cmpxchg(counter_t *v, num o, num n)		\
{ return name##_read(v) == o ? name##_xchg(v, n) : name##_read(v); }

__KAPI_ATOMIC(atomic, atomic_t, int)
__KAPI_ATOMIC(atomic64, atomic64_t, s64)

/* refcount_t: what the kernel saturates and warns of ends the run. */
typedef struct {
	atomic_t refs;
} refcount_t;

#define REFCOUNT_INIT(n)	{ ATOMIC_INIT(n) }

static inline void refcount_set(refcount_t *r, int n)
{
	atomic_set(&r->refs, n);
}

static inline unsigned int refcount_read(const refcount_t *r)
{
	return atomic_read(&r->refs);
}

static inline void refcount_inc(refcount_t *r)
{
	WARN(atomic_read(&r->refs) <= 0, "refcount_inc() from 0");
	atomic_inc(&r->refs);
}

static inline __must_check bool refcount_inc_not_zero(refcount_t *r)
{
	return atomic_inc_not_zero(&r->refs);
}

static inline __must_check bool refcount_dec_and_test(refcount_t *r)
{
	WARN(atomic_read(&r->refs) <= 0, "refcount_dec_and_test() below 0");
	return atomic_dec_and_test(&r->refs);
}

static inline bool test_and_set_bit(unsigned long nr, unsigned long *map)
{
	unsigned long *word = map + nr / BITS_PER_LONG;
	unsigned long bit = 1UL << nr % BITS_PER_LONG;

	return __kapi_swap(word, __READ_ONCE(*word) | bit) & bit;
}

static inline bool test_and_clear_bit(unsigned long nr, unsigned long *map)
{
	unsigned long *word = map + nr / BITS_PER_LONG;
	unsigned long bit = 1UL << nr % BITS_PER_LONG;

	return __kapi_swap(word, __READ_ONCE(*word) & ~bit) & bit;
}

static inline void set_bit(unsigned long nr, unsigned long *map)
{
	test_and_set_bit(nr, map);
}

static inline void clear_bit(unsigned long nr, unsigned long *map)
{
	test_and_clear_bit(nr, map);
}

/* --- the points --- */

/*
 * What is given to a word is known before its point.  The object comes first in
 * most, behind what is added to it in some.  One that lets go has a point behind it,
 * too.
 */
#define __kapi_change(word, v) ({					\
	__auto_type __kapi_v = (v);					\
									\
	kapi_preempt_point(#word, __kapi_v, __kapi_at);			\
	(word)(__kapi_v); })
#define __kapi_change_by(word, v, i) ({					\
	__auto_type __kapi_v = (v);					\
	__auto_type __kapi_i = (i);					\
									\
	kapi_preempt_point(#word, __kapi_v, __kapi_at);			\
	(word)(__kapi_v, __kapi_i); })
#define __kapi_change_if(word, v, o, n) ({				\
	__auto_type __kapi_v = (v);					\
	__auto_type __kapi_o = (o);					\
	__auto_type __kapi_n = (n);					\
									\
	kapi_preempt_point(#word, __kapi_v, __kapi_at);			\
	(word)(__kapi_v, __kapi_o, __kapi_n); })
#define __kapi_by_change(word, i, v) ({					\
	__auto_type __kapi_v = (v);					\
	__auto_type __kapi_i = (i);					\
									\
	kapi_preempt_point(#word, __kapi_v, __kapi_at);			\
	(word)(__kapi_i, __kapi_v); })
/* They count together, in any order; whoever reads them all but changes them. */
#define __kapi_count(word, v) ({					\
	__auto_type __kapi_v = (v);					\
									\
	kapi_touch(__kapi_v, KAPI_LOOKS);				\
	(word)(__kapi_v); })
#define __kapi_count_by(word, i, v) ({					\
	__auto_type __kapi_v = (v);					\
									\
	kapi_touch(__kapi_v, KAPI_LOOKS);				\
	(word)(i, __kapi_v); })
#define __kapi_let_go(word, v) ({					\
	__auto_type __kapi_v = (v);					\
	bool __kapi_ret;						\
									\
	kapi_preempt_point(#word, __kapi_v, __kapi_at);			\
	__kapi_ret = (word)(__kapi_v);					\
	kapi_let_go_point(#word, __kapi_v, __kapi_at);			\
	__kapi_ret; })

#define atomic_inc(v)		__kapi_count(atomic_inc, v)
#define atomic_dec(v)		__kapi_count(atomic_dec, v)
#define atomic_add(i, v)	__kapi_count_by(atomic_add, i, v)
#define atomic_sub(i, v)	__kapi_count_by(atomic_sub, i, v)
#define atomic_read(v)		__kapi_change(atomic_read, v)
#define atomic_set(v, i)	__kapi_change_by(atomic_set, v, i)
#define atomic_inc_return(v)	__kapi_change(atomic_inc_return, v)
#define atomic_dec_return(v)	__kapi_change(atomic_dec_return, v)
#define atomic_inc_and_test(v)	__kapi_change(atomic_inc_and_test, v)
#define atomic_add_unless(v, a, u)					\
	__kapi_change_if(atomic_add_unless, v, a, u)
#define atomic_inc_not_zero(v)	__kapi_change(atomic_inc_not_zero, v)
#define atomic_xchg(v, i)	__kapi_change_by(atomic_xchg, v, i)
#define atomic_cmpxchg(v, o, n)	__kapi_change_if(atomic_cmpxchg, v, o, n)
#define atomic_dec_and_test(v)	__kapi_let_go(atomic_dec_and_test, v)
#define atomic_fetch_add(i, v)	__kapi_by_change(atomic_fetch_add, i, v)
#define atomic_add_return(i, v)	__kapi_by_change(atomic_add_return, i, v)
#define atomic_sub_return(i, v)	__kapi_by_change(atomic_sub_return, i, v)
#define atomic_sub_and_test(i, v)					\
	__kapi_by_change(atomic_sub_and_test, i, v)
#define atomic64_inc(v)		__kapi_count(atomic64_inc, v)
#define atomic64_dec(v)		__kapi_count(atomic64_dec, v)
#define atomic64_add(i, v)	__kapi_count_by(atomic64_add, i, v)
#define atomic64_sub(i, v)	__kapi_count_by(atomic64_sub, i, v)
#define atomic64_read(v)	__kapi_change(atomic64_read, v)
#define atomic64_set(v, i)	__kapi_change_by(atomic64_set, v, i)
#define atomic64_inc_return(v)	__kapi_change(atomic64_inc_return, v)
#define atomic64_dec_return(v)	__kapi_change(atomic64_dec_return, v)
#define atomic64_inc_and_test(v)	__kapi_change(atomic64_inc_and_test, v)
#define atomic64_add_unless(v, a, u)					\
	__kapi_change_if(atomic64_add_unless, v, a, u)
#define atomic64_inc_not_zero(v)	__kapi_change(atomic64_inc_not_zero, v)
#define atomic64_xchg(v, i)	__kapi_change_by(atomic64_xchg, v, i)
#define atomic64_cmpxchg(v, o, n)					\
	__kapi_change_if(atomic64_cmpxchg, v, o, n)
#define atomic64_dec_and_test(v)	__kapi_let_go(atomic64_dec_and_test, v)
#define atomic64_fetch_add(i, v)					\
	__kapi_by_change(atomic64_fetch_add, i, v)
#define atomic64_add_return(i, v)					\
	__kapi_by_change(atomic64_add_return, i, v)
#define atomic64_sub_return(i, v)					\
	__kapi_by_change(atomic64_sub_return, i, v)
#define atomic64_sub_and_test(i, v)					\
	__kapi_by_change(atomic64_sub_and_test, i, v)
#define refcount_read(v)	__kapi_change(refcount_read, v)
#define refcount_inc_not_zero(v)	__kapi_change(refcount_inc_not_zero, v)
#define refcount_dec_and_test(v)	__kapi_let_go(refcount_dec_and_test, v)
#define set_bit(nr, map)	__kapi_by_change(set_bit, nr, map)
#define clear_bit(nr, map)	__kapi_by_change(clear_bit, nr, map)
#define test_and_set_bit(nr, map)					\
	__kapi_by_change(test_and_set_bit, nr, map)
#define test_and_clear_bit(nr, map)					\
	__kapi_by_change(test_and_clear_bit, nr, map)

#define READ_ONCE(x) ({							\
	kapi_look_point("READ_ONCE", (const void *)&(x), __kapi_at);	\
	__READ_ONCE(x); })
#define WRITE_ONCE(x, v)						\
	do {								\
		typeof(x) __kapi_new = (v);				\
									\
		kapi_preempt_point("WRITE_ONCE", &(x), __kapi_at);	\
		__WRITE_ONCE(x, __kapi_new);				\
	} while (0)
#define smp_load_acquire(p) ({						\
	kapi_look_point("smp_load_acquire", p, __kapi_at);		\
	__atomic_load_n(p, __ATOMIC_ACQUIRE); })
#define smp_store_release(p, v)						\
	do {								\
		typeof(*(p)) __kapi_new = (v);				\
									\
		kapi_preempt_point("smp_store_release", p, __kapi_at);	\
		__atomic_store_n(p, __kapi_new, __ATOMIC_RELEASE);	\
		kapi_let_go_point("smp_store_release", p, __kapi_at);	\
	} while (0)
#define xchg(p, v) ({							\
	typeof(*(p)) *__p = (p);					\
									\
	kapi_preempt_point("xchg", __p, __kapi_at);			\
	__kapi_swap(__p, v); })
#define cmpxchg(p, o, n) ({						\
	typeof(*(p)) *__p = (p), __old;					\
									\
	kapi_preempt_point("cmpxchg", __p, __kapi_at);			\
	__old = __READ_ONCE(*__p);					\
	if (__old == (o))						\
		__kapi_swap(__p, n);					\
	__old; })

#endif /* KAPI_ATOMIC_H */
