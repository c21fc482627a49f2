/* SPDX-License-Identifier: GPL-2.0-only */
/* Cases that hold for each block size: KUNIT_CASE_PARAM(fn, block_size_gen_params) */
#ifndef KUNIT_BLOCK_SIZES_H
#define KUNIT_BLOCK_SIZES_H

#include <kunit/test.h>

static const u32 block_sizes[] = { 512, 4096 };

static inline void block_size_desc(const u32 *size, char *desc)
{
	scnprintf(desc, KUNIT_PARAM_DESC_SIZE, "blocks of %u bytes", *size);
}

KUNIT_ARRAY_PARAM(block_size, block_sizes, block_size_desc)

static inline u32 block_size_of(const struct kunit *test)
{
	return *(const u32 *)test->param_value;
}

#endif /* KUNIT_BLOCK_SIZES_H */
