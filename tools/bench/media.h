/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The backing device of tools/bench/instructions: its metadata only, packed.
 */
#ifndef BENCH_MEDIA_H
#define BENCH_MEDIA_H

#include "shard.h"

#define BLOCK	SZ_4K

/** media_create() - all blocks read as data; fails the run without memory */
void media_create(u64 capacity, u64 extent_size);

/** media_read() - bytes of one block */
void media_read(u64 block, u32 skip, void *to, u32 len);

/** media_write() - the same */
void media_write(u64 block, u32 skip, const void *from, u32 len);

/** media_drop() - blocks of an extent read as data again */
void media_drop(u64 offset, u64 len);

/** media_save() - to a file */
void media_save(const char *path);

/** media_load() - of a file, into one that was just created */
void media_load(const char *path);

/* What a block of data is. */
extern u8 media_data[BLOCK];

/* payload.c, and what the linker calls the others */
void *__wrap_memcpy(void *to, const void *from, size_t len);
void *__real_memcpy(void *to, const void *from, size_t len);
u32 __wrap_crc32c(u32 crc, const void *data, unsigned int len);
u32 __real_crc32c(u32 crc, const void *data, unsigned int len);

#endif /* BENCH_MEDIA_H */
