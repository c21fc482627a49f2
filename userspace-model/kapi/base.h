/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Types, compiler words, numbers, bits, endianness, strings and messages.
 */
#ifndef KAPI_BASE_H
#define KAPI_BASE_H

/* --- types --- */

typedef __u8 u8;
typedef __u16 u16;
typedef __u32 u32;
typedef __u64 u64;
typedef __s8 s8;
typedef __s16 s16;
typedef __s32 s32;
typedef __s64 s64;
typedef unsigned int gfp_t;
typedef s64 ktime_t;

/* sort.h */
typedef void (*swap_r_func_t)(void *a, void *b, int size, const void *priv);
typedef void (*swap_func_t)(void *a, void *b, int size);
typedef int (*cmp_r_func_t)(const void *a, const void *b, const void *priv);
typedef int (*cmp_func_t)(const void *a, const void *b);

struct list_head {
	struct list_head *next, *prev;
};

struct hlist_node {
	struct hlist_node *next, **pprev;
};

struct hlist_head {
	struct hlist_node *first;
};

#define U8_MAX		((u8)~0U)
#define U16_MAX		((u16)~0U)
#define U32_MAX		((u32)~0U)
#define U64_MAX		((u64)~0ULL)
#define S32_MAX		((s32)(U32_MAX >> 1))
#define S64_MAX		((s64)(U64_MAX >> 1))

#define PAGE_SHIFT	12
#define PAGE_SIZE	(1UL << PAGE_SHIFT)
#define PAGE_MASK	(~(PAGE_SIZE - 1))
#define SECTOR_SHIFT	9
#define SECTOR_SIZE	(1 << SECTOR_SHIFT)
#define BITS_PER_BYTE	8
#define BITS_PER_LONG	(8 * (int)sizeof(long))

#define SZ_512		0x200
#define SZ_1K		0x400
#define SZ_4K		0x1000
#define SZ_64K		0x10000
#define SZ_1M		0x100000
#define SZ_16M		0x1000000
#define SZ_32M		0x2000000
#define SZ_64M		0x4000000
#define SZ_128M		0x8000000
#define SZ_256M		0x10000000
#define SZ_1G		0x40000000

#define NSEC_PER_USEC	1000L
#define NSEC_PER_MSEC	1000000L
#define NSEC_PER_SEC	1000000000L

/* errno words that the C library does not have */
#define ENOTSUPP	524

#define POISON_POINTER_DELTA	0xdead000000000000UL
#define LIST_POISON1	((void *)(0x100 + POISON_POINTER_DELTA))
#define LIST_POISON2	((void *)(0x122 + POISON_POINTER_DELTA))

/* --- compiler --- */

#define likely(x)		__builtin_expect(!!(x), 1)
#define unlikely(x)		__builtin_expect(!!(x), 0)
#define __maybe_unused		__attribute__((__unused__))
#define __always_unused		__attribute__((__unused__))
#undef __packed
#define __packed		__attribute__((__packed__))
#define __aligned(x)		__attribute__((__aligned__(x)))
#define __must_check		__attribute__((__warn_unused_result__))
#define __printf(a, b)		__attribute__((__format__(__printf__, a, b)))
#undef __cold
#define __cold			__attribute__((__cold__))
#define noinline		__attribute__((__noinline__))
#ifndef __always_inline
#define __always_inline		inline __attribute__((__always_inline__))
#endif
#define fallthrough		__attribute__((__fallthrough__))
#define __force
#define __read_mostly

/* Sparse checks these in the kernel build. */
#define __acquires(x)
#define __releases(x)
#define __must_hold(x)
#define __acquire(x)		((void)0)
#define __release(x)		((void)0)

#define EXPORT_SYMBOL(x)
#define EXPORT_SYMBOL_GPL(x)

#define barrier()		__asm__ __volatile__("" : : : "memory")
#ifdef KAPI_RACE
#define __READ_ONCE(x)		__atomic_load_n(&(x), __ATOMIC_RELAXED)
#define __WRITE_ONCE(x, v)						\
	do {								\
		__atomic_store_n(&(x), v, __ATOMIC_RELAXED);		\
	} while (0)
#else
#define __READ_ONCE(x)		(*(const volatile typeof(x) *)&(x))
#define __WRITE_ONCE(x, v)						\
	do {								\
		*(volatile typeof(x) *)&(x) = (v);			\
	} while (0)
#endif
#define smp_mb()		__atomic_thread_fence(__ATOMIC_SEQ_CST)
#define smp_rmb()		__atomic_thread_fence(__ATOMIC_ACQUIRE)
#define smp_wmb()		__atomic_thread_fence(__ATOMIC_RELEASE)

#define __same_type(a, b)	__builtin_types_compatible_p(typeof(a), typeof(b))
#define sizeof_field(type, m)	sizeof(((type *)0)->m)
#define offsetofend(type, m)	(offsetof(type, m) + sizeof_field(type, m))

#define __static_assert(expr, msg, ...)	_Static_assert(expr, msg)
#undef static_assert
#define static_assert(expr, ...)					\
	__static_assert(expr, ##__VA_ARGS__, #expr)
#define BUILD_BUG_ON(cond)						\
	do {								\
		_Static_assert(!(cond), "BUILD_BUG_ON: " #cond);	\
	} while (0)
#define BUILD_BUG_ON_MSG(cond, msg)					\
	do {								\
		_Static_assert(!(cond), msg);				\
	} while (0)
#define BUILD_BUG_ON_ZERO(e)	((int)sizeof(struct { int:(-!!(e)); }))
#define __must_be_array(a)	BUILD_BUG_ON_ZERO(__same_type((a), &(a)[0]))
#define ARRAY_SIZE(a)		(sizeof(a) / sizeof((a)[0]) + __must_be_array(a))

#define container_of(ptr, type, member) ({				\
	void *__mptr = (void *)(ptr);					\
	static_assert(__same_type(*(ptr), ((type *)0)->member) ||	\
		      __same_type(*(ptr), void),			\
		      "pointer type mismatch in container_of()");	\
	((type *)(__mptr - offsetof(type, member))); })

/* --- the end of a run --- */

/**
 * kapi_fail() - what must not happen has happened: end the run
 *
 * The one way in which anything here, or a check, reports a violation.  Inside
 * kapi_run() the run ends and the text is kapi_failure(); elsewhere it is
 * printed and the process aborts.
 */
void kapi_fail(const char *fmt, ...)
	__attribute__((__noreturn__, __cold__)) __printf(1, 2);

#define __kapi_at		__FILE__ ":" __kapi_str(__LINE__)
#define __kapi_str(x)		__kapi_str2(x)
#define __kapi_str2(x)		#x

#define WARN(cond, fmt, ...) ({						\
	bool __warn = !!(cond);						\
									\
	if (unlikely(__warn))						\
		kapi_fail("WARN at " __kapi_at ": " fmt, ##__VA_ARGS__); \
	__warn; })
#define WARN_ONCE(cond, fmt, ...)	WARN(cond, fmt, ##__VA_ARGS__)
#define WARN_ON(cond)			WARN(cond, "%s", #cond)
#define WARN_ON_ONCE(cond)		WARN_ON(cond)
#define BUG()			kapi_fail("BUG at " __kapi_at)
#define BUG_ON(cond)							\
	do {								\
		if (unlikely(cond))					\
			kapi_fail("BUG at " __kapi_at ": %s", #cond);	\
	} while (0)

/* --- messages --- */

#define LOGLEVEL_ERR		3
#define LOGLEVEL_WARNING	4
#define LOGLEVEL_NOTICE		5
#define LOGLEVEL_INFO		6

void kapi_printk(int level, const char *fmt, ...) __printf(2, 3);

#ifndef pr_fmt
#define pr_fmt(fmt)		"shardblk: " fmt
#endif

#define pr_err(fmt, ...)	kapi_printk(LOGLEVEL_ERR, pr_fmt(fmt), ##__VA_ARGS__)
#define pr_warn(fmt, ...)	kapi_printk(LOGLEVEL_WARNING, pr_fmt(fmt), ##__VA_ARGS__)
#define pr_notice(fmt, ...)	kapi_printk(LOGLEVEL_NOTICE, pr_fmt(fmt), ##__VA_ARGS__)
#define pr_info(fmt, ...)	kapi_printk(LOGLEVEL_INFO, pr_fmt(fmt), ##__VA_ARGS__)
/* As in a kernel where nobody has switched it on: checked, never printed. */
#define pr_debug(fmt, ...)						\
	do {								\
		if (0)							\
			kapi_printk(7, pr_fmt(fmt), ##__VA_ARGS__);	\
	} while (0)

/* Never limited: a check must see every message. */
#define pr_err_ratelimited	pr_err
#define pr_warn_ratelimited	pr_warn
#define pr_notice_ratelimited	pr_notice
#define pr_info_ratelimited	pr_info
#define pr_debug_ratelimited	pr_debug
#define pr_err_once		pr_err
#define pr_warn_once		pr_warn
#define pr_notice_once		pr_notice
#define pr_info_once		pr_info

/* --- numbers --- */

/*
 * As in minmax.h: both signed, both unsigned, narrower than int, or constant.
 */
#define __kapi_signed(x)	((typeof(x))-1 < (typeof(x))1)
#define __kapi_pick(x, y, first) ({					\
	__auto_type __cx = (x);						\
	__auto_type __cy = (y);						\
									\
	_Static_assert(__kapi_signed(__cx + 0) ==			\
			__kapi_signed(__cy + 0) ||			\
		       __builtin_choose_expr(__builtin_constant_p(x), 1, 0) || \
		       __builtin_choose_expr(__builtin_constant_p(y), 1, 0), \
		       "min/max of different signedness");		\
	(first) ? __cx : __cy; })

#define min(x, y)		__kapi_pick(x, y, __cx < __cy)
#define max(x, y)		__kapi_pick(x, y, __cx > __cy)
#define min3(x, y, z)		min(min(x, y), z)
#define max3(x, y, z)		max(max(x, y), z)
#define min_t(type, x, y) ({						\
	type __tx = (x);						\
	type __ty = (y);						\
									\
	__tx < __ty ? __tx : __ty; })
#define max_t(type, x, y) ({						\
	type __tx = (x);						\
	type __ty = (y);						\
									\
	__tx > __ty ? __tx : __ty; })
#define clamp(val, lo, hi)	min(max(val, lo), hi)
#define clamp_t(type, val, lo, hi) min_t(type, max_t(type, val, lo), hi)
#define clamp_val(val, lo, hi)	clamp_t(typeof(val), val, lo, hi)
#define swap(a, b)							\
	do {								\
		typeof(a) __tmp = (a);					\
									\
		(a) = (b);						\
		(b) = __tmp;						\
	} while (0)
#define min_not_zero(x, y) ({						\
	typeof(x) __zx = (x);						\
	typeof(y) __zy = (y);						\
									\
	__zx == 0 ? __zy : (__zy == 0 ? __zx : min(__zx, __zy)); })

#define DIV_ROUND_UP(n, d)	(((n) + (d) - 1) / (d))
#define DIV_ROUND_UP_ULL(n, d)						\
	DIV_ROUND_UP((unsigned long long)(n), (unsigned long long)(d))
#define DIV_ROUND_CLOSEST(x, d)	(((x) + (d) / 2) / (d))
#define __round_mask(x, y)	((typeof(x))((y) - 1))
#define round_up(x, y)		((((x) - 1) | __round_mask(x, y)) + 1)
#define round_down(x, y)	((x) & ~__round_mask(x, y))
#define roundup(x, y) ({						\
	typeof(y) __ry = (y);						\
									\
	(((x) + (__ry - 1)) / __ry) * __ry; })
#define rounddown(x, y) ({						\
	typeof(x) __rx = (x);						\
									\
	__rx - (__rx % (y)); })
#define ALIGN(x, a)		(((x) + ((typeof(x))(a) - 1)) &		\
				 ~((typeof(x))(a) - 1))
#define ALIGN_DOWN(x, a)	((x) & ~((typeof(x))(a) - 1))
#define IS_ALIGNED(x, a)	(((x) & ((typeof(x))(a) - 1)) == 0)
#define upper_32_bits(n)	((u32)(((u64)(n)) >> 32))
#define lower_32_bits(n)	((u32)(n))

static inline u64 div_u64_rem(u64 dividend, u32 divisor, u32 *remainder)
{
	*remainder = dividend % divisor;
	return dividend / divisor;
}

static inline u64 div64_u64_rem(u64 dividend, u64 divisor, u64 *remainder)
{
	*remainder = dividend % divisor;
	return dividend / divisor;
}

static inline u64 div_u64(u64 dividend, u32 divisor)
{
	return dividend / divisor;
}

static inline u64 div64_u64(u64 dividend, u64 divisor)
{
	return dividend / divisor;
}

__extension__ typedef unsigned __int128 u128;

static inline u64 mul_u64_u64_shr(u64 a, u64 mul, unsigned int shift)
{
	return (u64)((u128)a * mul >> shift);
}

static inline u64 mul_u64_u32_div(u64 a, u32 mul, u32 divisor)
{
	return (u64)((u128)a * mul / divisor);
}

static inline u64 mul_u64_u64_div_u64(u64 a, u64 mul, u64 divisor)
{
	return (u64)((u128)a * mul / divisor);
}

#define check_add_overflow(a, b, d)	__builtin_add_overflow(a, b, d)
#define check_sub_overflow(a, b, d)	__builtin_sub_overflow(a, b, d)
#define check_mul_overflow(a, b, d)	__builtin_mul_overflow(a, b, d)

static inline size_t size_mul(size_t a, size_t b)
{
	size_t bytes;

	return check_mul_overflow(a, b, &bytes) ? SIZE_MAX : bytes;
}

static inline size_t size_add(size_t a, size_t b)
{
	size_t bytes;

	return check_add_overflow(a, b, &bytes) ? SIZE_MAX : bytes;
}

#define array_size(a, b)	size_mul(a, b)
#define flex_array_size(p, member, count)				\
	size_mul(count, sizeof(*(p)->member) + __must_be_array((p)->member))
#define struct_size(p, member, count)					\
	size_add(sizeof(*(p)), flex_array_size(p, member, count))

/* --- bits --- */

#define BIT(nr)			(1UL << (nr))
#define BIT_ULL(nr)		(1ULL << (nr))
#define GENMASK(h, l)		((~0UL << (l)) & (~0UL >> (BITS_PER_LONG - 1 - (h))))
#define GENMASK_ULL(h, l)	((~0ULL << (l)) & (~0ULL >> (63 - (h))))
#define BITS_TO_LONGS(nr)	DIV_ROUND_UP(nr, BITS_PER_LONG)
#define DECLARE_BITMAP(name, bits) unsigned long name[BITS_TO_LONGS(bits)]

/* Undefined for 0 in the kernel; ends the run here. */
#define ilog2(n) ({							\
	u64 __l = (n);					\
									\
	BUG_ON(!__l);							\
	63 - (int)__builtin_clzll(__l); })
#define is_power_of_2(n) ({						\
	u64 __p = (n);					\
									\
	__p != 0 && (__p & (__p - 1)) == 0; })
#define roundup_pow_of_two(n) ({					\
	unsigned long __r = (n);					\
									\
	BUG_ON(!__r);							\
	__r == 1 ? 1UL : 1UL << (ilog2(__r - 1) + 1); })
#define rounddown_pow_of_two(n)	(1UL << ilog2(n))
#define order_base_2(n)		((n) > 1 ? ilog2((n) - 1) + 1 : 0)
#define fls64(n)		((n) ? 64 - __builtin_clzll(n) : 0)
#define __ffs(n)		((unsigned long)__builtin_ctzl(n))
#define __ffs64(n)		((unsigned long)__builtin_ctzll(n))
#define hweight8(w)		((unsigned int)__builtin_popcount((u8)(w)))
#define hweight16(w)		((unsigned int)__builtin_popcount((u16)(w)))
#define hweight32(w)		((unsigned int)__builtin_popcount((u32)(w)))
#define hweight64(w)		((unsigned long)__builtin_popcountll(w))
#define hweight_long(w)		hweight64(w)

static inline int fls(unsigned int x)
{
	return x ? 32 - __builtin_clz(x) : 0;
}

static inline void __set_bit(unsigned long nr, unsigned long *map)
{
	map[nr / BITS_PER_LONG] |= 1UL << (nr % BITS_PER_LONG);
}

static inline void __clear_bit(unsigned long nr, unsigned long *map)
{
	map[nr / BITS_PER_LONG] &= ~(1UL << (nr % BITS_PER_LONG));
}

static inline bool test_bit(unsigned long nr, const unsigned long *map)
{
	return map[nr / BITS_PER_LONG] >> (nr % BITS_PER_LONG) & 1;
}

static inline bool __test_and_set_bit(unsigned long nr, unsigned long *map)
{
	bool old = test_bit(nr, map);

	__set_bit(nr, map);
	return old;
}

static inline bool __test_and_clear_bit(unsigned long nr, unsigned long *map)
{
	bool old = test_bit(nr, map);

	__clear_bit(nr, map);
	return old;
}

unsigned long find_next_bit(const unsigned long *map, unsigned long size,
			    unsigned long offset);
unsigned long find_next_zero_bit(const unsigned long *map, unsigned long size,
				 unsigned long offset);
#define find_first_bit(map, size)	find_next_bit(map, size, 0)
#define find_first_zero_bit(map, size)	find_next_zero_bit(map, size, 0)
#define for_each_set_bit(bit, map, size)				\
	for ((bit) = find_first_bit(map, size); (bit) < (size);		\
	     (bit) = find_next_bit(map, size, (bit) + 1))

static inline unsigned int bitmap_weight(const unsigned long *map,
					 unsigned int bits)
{
	unsigned int i, weight = 0;

	for (i = 0; i < bits; i++)
		weight += test_bit(i, map);
	return weight;
}

static inline void bitmap_zero(unsigned long *map, unsigned int bits)
{
	memset(map, 0, BITS_TO_LONGS(bits) * sizeof(long));
}

/* --- endianness --- */

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define __kapi_le(bits, x)	((u##bits)(x))
#else
#define __kapi_le(bits, x)	__builtin_bswap##bits(x)
#endif
#define cpu_to_le16(x)		((__le16)__kapi_le(16, x))
#define cpu_to_le32(x)		((__le32)__kapi_le(32, x))
#define cpu_to_le64(x)		((__le64)__kapi_le(64, x))
#define le16_to_cpu(x)		__kapi_le(16, x)
#define le32_to_cpu(x)		__kapi_le(32, x)
#define le64_to_cpu(x)		__kapi_le(64, x)

static inline u32 le32_to_cpup(const __le32 *p)
{
	return le32_to_cpu(*p);
}

static inline u64 le64_to_cpup(const __le64 *p)
{
	return le64_to_cpu(*p);
}

static inline void le32_add_cpu(__le32 *p, u32 v)
{
	*p = cpu_to_le32(le32_to_cpu(*p) + v);
}

static inline u32 get_unaligned_le32(const void *p)
{
	__le32 v;

	memcpy(&v, p, sizeof(v));
	return le32_to_cpu(v);
}

static inline u64 get_unaligned_le64(const void *p)
{
	__le64 v;

	memcpy(&v, p, sizeof(v));
	return le64_to_cpu(v);
}

static inline void put_unaligned_le32(u32 v, void *p)
{
	__le32 le = cpu_to_le32(v);

	memcpy(p, &le, sizeof(le));
}

static inline void put_unaligned_le64(u64 v, void *p)
{
	__le64 le = cpu_to_le64(v);

	memcpy(p, &le, sizeof(le));
}

/* --- strings and the rest of the library --- */

int scnprintf(char *buf, size_t size, const char *fmt, ...) __printf(3, 4);
int vscnprintf(char *buf, size_t size, const char *fmt, va_list args);
ssize_t strscpy(char *dest, const char *src, size_t size);
void *memchr_inv(const void *start, int c, size_t bytes);

void sort_r(void *base, size_t num, size_t size, cmp_r_func_t cmp,
	    swap_r_func_t swap_func, const void *priv);
void sort(void *base, size_t num, size_t size, cmp_func_t cmp,
	  swap_func_t swap_func);

/* The kernel's: neither the start value nor the result is inverted. */
u32 crc32c(u32 crc, const void *data, unsigned int len);

static inline void *ERR_PTR(long error)
{
	return (void *)error;
}

static inline long PTR_ERR(const void *ptr)
{
	return (long)ptr;
}

static inline bool IS_ERR(const void *ptr)
{
	return (unsigned long)ptr >= (unsigned long)-4095;
}

static inline bool IS_ERR_OR_NULL(const void *ptr)
{
	return !ptr || IS_ERR(ptr);
}

#endif /* KAPI_BASE_H */
