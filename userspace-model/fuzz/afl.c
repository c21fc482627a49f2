// SPDX-License-Identifier: GPL-2.0-only
/*
 * The same changes for AFL++, which loads this as a library.
 */
#include <stdlib.h>

#include "fuzz.h"
#include "image.h"

#define SIZE_MAX_IMAGE	(IMAGE_BYTES + 4 * IMAGE_SECTORS)

static u8 changed[SIZE_MAX_IMAGE];

static unsigned int draw(void)
{
	return (unsigned int)random() << 8 ^ (unsigned int)random();
}

/* libFuzzer has its own. */
size_t LLVMFuzzerMutate(u8 *bytes, size_t nr, size_t max)
{
	unsigned int times = 1 + draw() % 3;

	if (!nr)
		return 0;
	while (times--)
		bytes[draw() % nr] ^= 1 << draw() % 8;
	return nr;
}

void *afl_custom_init(void *afl, unsigned int seed)
{
	srandom(seed);
	return changed;
}

size_t afl_custom_fuzz(void *data, u8 *bytes, size_t nr, u8 **out, u8 *other,
		       size_t nr_other, size_t max)
{
	max = min(max, sizeof(changed));
	nr = min(nr, max);
	memcpy(changed, bytes, nr);
	*out = changed;
	return LLVMFuzzerCustomMutator(changed, nr, max, draw());
}

void afl_custom_deinit(void *data)
{
}
