// SPDX-License-Identifier: GPL-2.0-only
/* Any block gives a record that is valid, or an error. */
#include "../proof.h"
#include "codec.c"

int main(void)
{
	static struct shard_super_record record;
	struct shard_place place;
	u8 block[BLOCK];
	const struct shardblk_super *d = (void *)block;
	u32 named = (u32)le16_to_cpu(d->nr_log) + le16_to_cpu(d->nr_assigned);
	u32 max = shard_super_extents_max(BLOCK);
	int err;

	ASSUME(named <= EXTENTS || named > max);
	__CPROVER_havoc_object(&record);
	err = shard_super_decode(block, BLOCK, &place, &record);
	PROVE(err == 0 || err == -ENODATA || err == -EBADMSG || err == -EOPNOTSUPP,
	      "errors are those that are documented");
	PROVE(err || (shard_super_valid(&record) && record.block_size == BLOCK),
	      "what is taken is valid, and of this block size");
	PROVE(err || (record.number + 1 < record.number << 16 &&
		      record.durable_seq + 1 > record.checkpoint_seq),
	      "numbers behind its own do not wrap");
	REACHED(!err && named == EXTENTS, "a record with all extents");
	REACHED(err == -EBADMSG && named > max, "one with more than fit");
	return 0;
}
