/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a fuzzer calls, and what it offers.
 */
#ifndef FUZZ_H
#define FUZZ_H

#include "kapi.h"

int LLVMFuzzerTestOneInput(const u8 *bytes, size_t nr);
size_t LLVMFuzzerCustomMutator(u8 *bytes, size_t nr, size_t max,
			       unsigned int seed);
/** LLVMFuzzerMutate() - the fuzzer's own change.  Return: the new length */
size_t LLVMFuzzerMutate(u8 *bytes, size_t nr, size_t max);

/* The same as AFL++ calls it: *@out is the change, of which the length is returned. */
void *afl_custom_init(void *afl, unsigned int seed);
size_t afl_custom_fuzz(void *data, u8 *bytes, size_t nr, u8 **out, u8 *other,
		       size_t nr_other, size_t max);
void afl_custom_deinit(void *data);

#endif /* FUZZ_H */
