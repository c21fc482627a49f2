/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a look-up is asked and answers, block by block.
 */
#ifndef SHARD_MAP_H
#define SHARD_MAP_H

#include "kapi.h"

/**
 * struct shard_block_map - where a block lies
 * @block:	absolute, in blocks of the backing device
 * @csum:	its checksum
 * @mapped:	else a hole; not set while @known is not
 * @known:	else still to be looked up
 * @before:	the index's own
 */
struct shard_block_map {
	u64 block;
	u32 csum;
	bool mapped;
	bool known;
	bool before;
};

/* No block of any device. */
#define SHARD_MAP_GONE		U64_MAX

#endif /* SHARD_MAP_H */
