// SPDX-License-Identifier: GPL-2.0-only
/* What is encoded is decoded to the same, wherever it lies. */
#define CRC_BYTES	BLOCK
#include "../proof.h"
#include "codec.c"

static bool same_piece(const struct shard_piece *a, const struct shard_piece *b)
{
	return a->place.extent == b->place.extent &&
	       a->place.generation == b->place.generation &&
	       a->place.block == b->place.block &&
	       a->nr_blocks == b->nr_blocks && a->csum == b->csum;
}

static bool same_extents(const struct shard_super_record *a,
			 const struct shard_super_record *b)
{
	u32 i;

	for (i = 0; i < (u32)a->nr_log + a->nr_assigned; i++)
		if (a->extents[i].extent != b->extents[i].extent ||
		    a->extents[i].generation != b->extents[i].generation ||
		    a->extents[i].start != b->extents[i].start ||
		    a->extents[i].end != b->extents[i].end)
			return false;
	return true;
}

static bool same_ids(const struct shard_super_record *a,
		     const struct shard_super_record *b)
{
	u32 i;

	for (i = 0; i < 16; i++)
		if (a->format_id[i] != b->format_id[i] || a->uuid[i] != b->uuid[i])
			return false;
	return true;
}

static bool same(const struct shard_super_record *a,
		 const struct shard_super_record *b)
{
	return same_ids(a, b) && a->compat == b->compat &&
	       a->ro_compat == b->ro_compat && a->incompat == b->incompat &&
	       a->block_size == b->block_size &&
	       a->extent_blocks == b->extent_blocks &&
	       a->nr_extents == b->nr_extents &&
	       a->logical_blocks == b->logical_blocks &&
	       a->number == b->number &&
	       a->checkpoint_seq == b->checkpoint_seq &&
	       a->durable_seq == b->durable_seq &&
	       same_piece(&a->manifest[0], &b->manifest[0]) &&
	       same_piece(&a->manifest[1], &b->manifest[1]) &&
	       a->checkpoint_blocks == b->checkpoint_blocks &&
	       a->spare_permille == b->spare_permille &&
	       a->nr_log == b->nr_log && a->nr_assigned == b->nr_assigned &&
	       a->reloc_streams == b->reloc_streams && same_extents(a, b);
}

int main(void)
{
	static struct shard_super_record from, to;
	struct shard_place place;
	u8 block[BLOCK];
	int err;

	__CPROVER_havoc_object(&from);
	__CPROVER_havoc_object(&to);
	from.block_size = BLOCK;
	from.incompat = SHARDBLK_INCOMPAT_KNOWN;
	ASSUME((u32)from.nr_log + from.nr_assigned <= EXTENTS);
	ASSUME(from.number <= NUMBER_MAX && from.durable_seq <= SEQ_MAX);
	ASSUME(shard_super_valid(&from));
	shard_super_encode(&from, &place, block);
	err = shard_super_decode(block, BLOCK, &place, &to);
	PROVE(!err, "what is encoded is right");
	PROVE(same(&from, &to), "and the same");
	REACHED((u32)from.nr_log + from.nr_assigned == EXTENTS, "a record with all extents");
	REACHED(from.manifest[0].nr_blocks, "one that has a manifest");
	return 0;
}
