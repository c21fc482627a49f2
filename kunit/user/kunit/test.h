/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * KUnit in user space: as much of the kernel's <kunit/test.h> as the suites
 * use, in its version of Linux 6.1, so that the same files run in both worlds.
 *
 * Each case is a run of its own (kapi_run()): what it leaves behind, and
 * whatever kapi holds against it, fails it.
 */
#ifndef _KUNIT_TEST_H
#define _KUNIT_TEST_H

#define KUNIT_PARAM_DESC_SIZE	128

/**
 * struct kunit - a case under way
 * @priv:	of the suite's init and its cases
 * @name:	of the case
 * @param_value: parameter of the case, if it has one
 * @param_index: its number
 * @failed:	an expectation was not met
 * @memory:	to be freed behind the case
 */
struct kunit {
	void *priv;
	const char *name;
	const void *param_value;
	int param_index;
	bool failed;
	struct list_head memory;
};

struct kunit_case {
	void (*run_case)(struct kunit *test);
	const char *name;
	const void *(*generate_params)(const void *prev, char *desc);
};

/* As in the kernel, @exit runs also behind a case that was ended early. */
struct kunit_suite {
	const char name[256];
	int (*suite_init)(struct kunit_suite *suite);
	void (*suite_exit)(struct kunit_suite *suite);
	int (*init)(struct kunit *test);
	void (*exit)(struct kunit *test);
	struct kunit_case *test_cases;
};

/* The suites of one file; linked before main() begins. */
struct kunit_user_suites {
	struct kunit_suite **suites;
	size_t nr;
	struct kunit_user_suites *next;
};

void kunit_user_register(struct kunit_user_suites *suites);
void kunit_user_fail(struct kunit *test, bool fatal, const char *at,
		     const char *what, const char *fmt, ...)
	__printf(5, 6);

#define kunit_test_suites(...)						\
	static struct kunit_suite *__kunit_suites[] = { __VA_ARGS__ };	\
	__attribute__((__constructor__))				\
	static void __kunit_register(void)				\
	{								\
		static struct kunit_user_suites suites = {		\
			.suites = __kunit_suites,			\
			.nr = ARRAY_SIZE(__kunit_suites),		\
		};							\
									\
		kunit_user_register(&suites);				\
	}								\
	static_assert(true)

#define KUNIT_CASE(fn)		{ .run_case = fn, .name = #fn }
#define KUNIT_CASE_PARAM(fn, gen)					\
	{ .run_case = fn, .name = #fn, .generate_params = gen }

#define KUNIT_ARRAY_PARAM(name, array, get_desc)			\
	static const void *name##_gen_params(const void *prev, char *desc) \
	{								\
		__auto_type __all = &(array);				\
		__auto_type __first = &(*__all)[0];			\
		typeof(__first) __next =				\
			prev ? (typeof(__next))prev + 1 : __first;	\
		void (*__get_desc)(typeof(__next), char *) = get_desc;	\
									\
		if (__next - __first >= (ptrdiff_t)ARRAY_SIZE(*__all))	\
			return NULL;					\
		if (__get_desc)						\
			__get_desc(__next, desc);			\
		return __next;						\
	}

/* --- memory that goes with the case --- */

void *kunit_kmalloc_array(struct kunit *test, size_t n, size_t size, gfp_t gfp);

static inline void *kunit_kmalloc(struct kunit *test, size_t size, gfp_t gfp)
{
	return kunit_kmalloc_array(test, 1, size, gfp);
}

static inline void *kunit_kzalloc(struct kunit *test, size_t size, gfp_t gfp)
{
	return kunit_kmalloc_array(test, 1, size, gfp | __GFP_ZERO);
}

static inline void *kunit_kcalloc(struct kunit *test, size_t n, size_t size,
				  gfp_t gfp)
{
	return kunit_kmalloc_array(test, n, size, gfp | __GFP_ZERO);
}

/* --- messages --- */

#define kunit_info(test, fmt, ...)					\
	kapi_printk(LOGLEVEL_INFO, "    # %s: " fmt "\n", (test)->name,	\
		    ##__VA_ARGS__)
#define kunit_warn		kunit_info
#define kunit_err		kunit_info

/* --- expectations --- */

#define __KUNIT_TRUE(test, fatal, cond, text, fmt, ...)			\
	do {								\
		if (!(cond))						\
			kunit_user_fail(test, fatal, __kapi_at, text,	\
					fmt, ##__VA_ARGS__);		\
	} while (0)

#define __KUNIT_CMP(test, fatal, left, op, right, fmt, ...)		\
	do {								\
		const typeof(left) __left = (left);			\
		const typeof(right) __right = (right);			\
		char __text[256];					\
									\
		if (__left op __right)					\
			break;						\
		scnprintf(__text, sizeof(__text),			\
			  "%s " #op " %s: %lld and %lld", #left, #right, \
			  (long long)__left, (long long)__right);	\
		kunit_user_fail(test, fatal, __kapi_at, __text, fmt,	\
				##__VA_ARGS__);				\
	} while (0)

/* @same: whether the two should be */
#define __KUNIT_PTR(test, fatal, left, same, right, fmt, ...)		\
	__KUNIT_TRUE(test, fatal, ((left) == (right)) == (same),	\
		     #left " and " #right, fmt, ##__VA_ARGS__)
#define __KUNIT_STR(test, fatal, left, same, right, fmt, ...)		\
	__KUNIT_TRUE(test, fatal, (!strcmp(left, right)) == (same),	\
		     #left " and " #right, fmt, ##__VA_ARGS__)
#define __KUNIT_OK(test, fatal, ptr, fmt, ...)				\
	__KUNIT_TRUE(test, fatal, !IS_ERR_OR_NULL(ptr),			\
		     #ptr " is an error or NULL", fmt, ##__VA_ARGS__)

#define KUNIT_FAIL(test, fmt, ...)					\
	kunit_user_fail(test, false, __kapi_at, "failure", fmt, ##__VA_ARGS__)
#define KUNIT_SUCCEED(test)	((void)(test))

#define KUNIT_EXPECT_TRUE_MSG(test, c, ...)				\
	__KUNIT_TRUE(test, false, c, #c " is false", __VA_ARGS__)
#define KUNIT_ASSERT_TRUE_MSG(test, c, ...)				\
	__KUNIT_TRUE(test, true, c, #c " is false", __VA_ARGS__)
#define KUNIT_EXPECT_FALSE_MSG(test, c, ...)				\
	__KUNIT_TRUE(test, false, !(c), #c " is true", __VA_ARGS__)
#define KUNIT_ASSERT_FALSE_MSG(test, c, ...)				\
	__KUNIT_TRUE(test, true, !(c), #c " is true", __VA_ARGS__)
#define KUNIT_EXPECT_EQ_MSG(test, l, r, ...)				\
	__KUNIT_CMP(test, false, l, ==, r, __VA_ARGS__)
#define KUNIT_ASSERT_EQ_MSG(test, l, r, ...)				\
	__KUNIT_CMP(test, true, l, ==, r, __VA_ARGS__)
#define KUNIT_EXPECT_NE_MSG(test, l, r, ...)				\
	__KUNIT_CMP(test, false, l, !=, r, __VA_ARGS__)
#define KUNIT_ASSERT_NE_MSG(test, l, r, ...)				\
	__KUNIT_CMP(test, true, l, !=, r, __VA_ARGS__)
#define KUNIT_EXPECT_LT_MSG(test, l, r, ...)				\
	__KUNIT_CMP(test, false, l, <, r, __VA_ARGS__)
#define KUNIT_ASSERT_LT_MSG(test, l, r, ...)				\
	__KUNIT_CMP(test, true, l, <, r, __VA_ARGS__)
#define KUNIT_EXPECT_LE_MSG(test, l, r, ...)				\
	__KUNIT_CMP(test, false, l, <=, r, __VA_ARGS__)
#define KUNIT_ASSERT_LE_MSG(test, l, r, ...)				\
	__KUNIT_CMP(test, true, l, <=, r, __VA_ARGS__)
#define KUNIT_EXPECT_GT_MSG(test, l, r, ...)				\
	__KUNIT_CMP(test, false, l, >, r, __VA_ARGS__)
#define KUNIT_ASSERT_GT_MSG(test, l, r, ...)				\
	__KUNIT_CMP(test, true, l, >, r, __VA_ARGS__)
#define KUNIT_EXPECT_GE_MSG(test, l, r, ...)				\
	__KUNIT_CMP(test, false, l, >=, r, __VA_ARGS__)
#define KUNIT_ASSERT_GE_MSG(test, l, r, ...)				\
	__KUNIT_CMP(test, true, l, >=, r, __VA_ARGS__)
#define KUNIT_EXPECT_PTR_EQ_MSG(test, l, r, ...)			\
	__KUNIT_PTR(test, false, l, true, r, __VA_ARGS__)
#define KUNIT_ASSERT_PTR_EQ_MSG(test, l, r, ...)			\
	__KUNIT_PTR(test, true, l, true, r, __VA_ARGS__)
#define KUNIT_EXPECT_PTR_NE_MSG(test, l, r, ...)			\
	__KUNIT_PTR(test, false, l, false, r, __VA_ARGS__)
#define KUNIT_ASSERT_PTR_NE_MSG(test, l, r, ...)			\
	__KUNIT_PTR(test, true, l, false, r, __VA_ARGS__)
#define KUNIT_EXPECT_STREQ_MSG(test, l, r, ...)				\
	__KUNIT_STR(test, false, l, true, r, __VA_ARGS__)
#define KUNIT_ASSERT_STREQ_MSG(test, l, r, ...)				\
	__KUNIT_STR(test, true, l, true, r, __VA_ARGS__)
#define KUNIT_EXPECT_STRNEQ_MSG(test, l, r, ...)			\
	__KUNIT_STR(test, false, l, false, r, __VA_ARGS__)
#define KUNIT_EXPECT_NULL_MSG(test, p, ...)				\
	__KUNIT_PTR(test, false, p, true, NULL, __VA_ARGS__)
#define KUNIT_ASSERT_NULL_MSG(test, p, ...)				\
	__KUNIT_PTR(test, true, p, true, NULL, __VA_ARGS__)
#define KUNIT_EXPECT_NOT_NULL_MSG(test, p, ...)				\
	__KUNIT_PTR(test, false, p, false, NULL, __VA_ARGS__)
#define KUNIT_ASSERT_NOT_NULL_MSG(test, p, ...)				\
	__KUNIT_PTR(test, true, p, false, NULL, __VA_ARGS__)
#define KUNIT_EXPECT_NOT_ERR_OR_NULL_MSG(test, p, ...)			\
	__KUNIT_OK(test, false, p, __VA_ARGS__)
#define KUNIT_ASSERT_NOT_ERR_OR_NULL_MSG(test, p, ...)			\
	__KUNIT_OK(test, true, p, __VA_ARGS__)

#define KUNIT_EXPECT_TRUE(t, c)		KUNIT_EXPECT_TRUE_MSG(t, c, "%s", "")
#define KUNIT_ASSERT_TRUE(t, c)		KUNIT_ASSERT_TRUE_MSG(t, c, "%s", "")
#define KUNIT_EXPECT_FALSE(t, c)	KUNIT_EXPECT_FALSE_MSG(t, c, "%s", "")
#define KUNIT_ASSERT_FALSE(t, c)	KUNIT_ASSERT_FALSE_MSG(t, c, "%s", "")
#define KUNIT_EXPECT_EQ(t, l, r)	KUNIT_EXPECT_EQ_MSG(t, l, r, "%s", "")
#define KUNIT_ASSERT_EQ(t, l, r)	KUNIT_ASSERT_EQ_MSG(t, l, r, "%s", "")
#define KUNIT_EXPECT_NE(t, l, r)	KUNIT_EXPECT_NE_MSG(t, l, r, "%s", "")
#define KUNIT_ASSERT_NE(t, l, r)	KUNIT_ASSERT_NE_MSG(t, l, r, "%s", "")
#define KUNIT_EXPECT_LT(t, l, r)	KUNIT_EXPECT_LT_MSG(t, l, r, "%s", "")
#define KUNIT_ASSERT_LT(t, l, r)	KUNIT_ASSERT_LT_MSG(t, l, r, "%s", "")
#define KUNIT_EXPECT_LE(t, l, r)	KUNIT_EXPECT_LE_MSG(t, l, r, "%s", "")
#define KUNIT_ASSERT_LE(t, l, r)	KUNIT_ASSERT_LE_MSG(t, l, r, "%s", "")
#define KUNIT_EXPECT_GT(t, l, r)	KUNIT_EXPECT_GT_MSG(t, l, r, "%s", "")
#define KUNIT_ASSERT_GT(t, l, r)	KUNIT_ASSERT_GT_MSG(t, l, r, "%s", "")
#define KUNIT_EXPECT_GE(t, l, r)	KUNIT_EXPECT_GE_MSG(t, l, r, "%s", "")
#define KUNIT_ASSERT_GE(t, l, r)	KUNIT_ASSERT_GE_MSG(t, l, r, "%s", "")
#define KUNIT_EXPECT_PTR_EQ(t, l, r)	KUNIT_EXPECT_PTR_EQ_MSG(t, l, r, "%s", "")
#define KUNIT_ASSERT_PTR_EQ(t, l, r)	KUNIT_ASSERT_PTR_EQ_MSG(t, l, r, "%s", "")
#define KUNIT_EXPECT_PTR_NE(t, l, r)	KUNIT_EXPECT_PTR_NE_MSG(t, l, r, "%s", "")
#define KUNIT_ASSERT_PTR_NE(t, l, r)	KUNIT_ASSERT_PTR_NE_MSG(t, l, r, "%s", "")
#define KUNIT_EXPECT_STREQ(t, l, r)	KUNIT_EXPECT_STREQ_MSG(t, l, r, "%s", "")
#define KUNIT_ASSERT_STREQ(t, l, r)	KUNIT_ASSERT_STREQ_MSG(t, l, r, "%s", "")
#define KUNIT_EXPECT_STRNEQ(t, l, r)	KUNIT_EXPECT_STRNEQ_MSG(t, l, r, "%s", "")
#define KUNIT_EXPECT_NULL(t, p)		KUNIT_EXPECT_NULL_MSG(t, p, "%s", "")
#define KUNIT_ASSERT_NULL(t, p)		KUNIT_ASSERT_NULL_MSG(t, p, "%s", "")
#define KUNIT_EXPECT_NOT_NULL(t, p)	KUNIT_EXPECT_NOT_NULL_MSG(t, p, "%s", "")
#define KUNIT_ASSERT_NOT_NULL(t, p)	KUNIT_ASSERT_NOT_NULL_MSG(t, p, "%s", "")
#define KUNIT_EXPECT_NOT_ERR_OR_NULL(t, p) \
	KUNIT_EXPECT_NOT_ERR_OR_NULL_MSG(t, p, "%s", "")
#define KUNIT_ASSERT_NOT_ERR_OR_NULL(t, p) \
	KUNIT_ASSERT_NOT_ERR_OR_NULL_MSG(t, p, "%s", "")

#endif /* _KUNIT_TEST_H */
