// SPDX-License-Identifier: GPL-2.0-only
/*
 * DOC: images
 *
 * Repairing needs to know nothing of how records point at each other: whatever
 * holds the checksum of something holds the very 32 bits that this had.  So when
 * a checksum changes it is replaced wherever it stands, and what holds it has
 * changed in turn, up to the superblock.  Children come before their parents,
 * and so it ends.
 */
#include "codec.h"
#include "image.h"

#define SECTOR		512u
#define REPAIR_ROUNDS	12
/* What a packed sector begins with. */
#define PACKED_HEAD	4u

static void image_submit(struct shard_backend *backend, struct shard_io *io)
{
	struct image *image = container_of(backend, struct image, backend);
	const struct shard_seg *seg = io->segs;
	u32 skip = io->seg_skip, done = 0;

	io->error = 0;
	if (io->op == SHARD_IO_READ || io->op == SHARD_IO_APPEND) {
		if (io->offset > IMAGE_BYTES || io->len > IMAGE_BYTES - io->offset)
			io->error = -EIO;
		for (; !io->error && done < io->len; seg++) {
			u8 *at = image->data + io->offset + done;
			u32 len;

			if (skip >= seg->len) {
				skip -= seg->len;
				continue;
			}
			len = min(seg->len - skip, io->len - done);
			if (io->op == SHARD_IO_READ)
				memcpy((u8 *)seg->addr + skip, at, len);
			else
				memcpy(at, (u8 *)seg->addr + skip, len);
			done += len;
			skip = 0;
		}
	}
	io->done(io);
}

static const struct shard_backend_ops image_ops = {
	.submit = image_submit,
};

void image_init(struct image *image)
{
	memset(image, 0, sizeof(*image));
	image->backend.ops = &image_ops;
	strscpy(image->backend.name, "image", sizeof(image->backend.name));
	image->backend.capacity = IMAGE_BYTES;
	image->backend.logical_block_size = SECTOR;
	image->backend.physical_block_size = SECTOR;
	image->backend.volatile_cache = true;
}

void image_unpack(struct image *image, const u8 *bytes, size_t nr)
{
	image_init(image);
	while (nr >= PACKED_HEAD) {
		u32 sector = (bytes[0] | bytes[1] << 8) % IMAGE_SECTORS;
		u32 len = min_t(u32, bytes[2] | bytes[3] << 8, SECTOR);

		len = min_t(u32, len, nr - PACKED_HEAD);
		memcpy(image->data + sector * SECTOR, bytes + PACKED_HEAD, len);
		bytes += PACKED_HEAD + len;
		nr -= PACKED_HEAD + len;
	}
}

size_t image_pack(const struct image *image, u8 *bytes, size_t max)
{
	size_t nr = 0;
	u32 sector;

	for (sector = 0; sector < IMAGE_SECTORS; sector++) {
		const u8 *data = image->data + sector * SECTOR;
		u32 len = SECTOR;

		while (len && !data[len - 1])
			len--;
		if (!len)
			continue;
		if (max - nr < PACKED_HEAD + len)
			return 0;
		bytes[nr++] = sector;
		bytes[nr++] = sector >> 8;
		bytes[nr++] = len;
		bytes[nr++] = len >> 8;
		memcpy(bytes + nr, data, len);
		nr += len;
	}
	return nr;
}

/* ---- repair ---- */

/* What the newest superblock record of those that look like one seeds with. */
static bool image_seed(const struct image *image, u32 *seed)
{
	u32 sector;

	for (sector = 0; sector < IMAGE_SECTORS; sector++) {
		const struct shardblk_super *d =
			(const void *)(image->data + sector * SECTOR);

		if (le32_to_cpu(d->h.magic) != SHARDBLK_SUPER_MAGIC)
			continue;
		*seed = shard_seed(d->format_id);
		return true;
	}
	return false;
}

/* Is it a record?  Then its checksum is that of its bytes from now on. */
static bool record_seal(u8 *block, u32 seed)
{
	struct shardblk_header *h = (void *)block;
	u32 magic = le32_to_cpu(h->magic), len = le32_to_cpu(h->len);

	if (magic == SHARDBLK_SUPER_MAGIC)
		seed = shard_seed(((struct shardblk_super *)block)->format_id);
	else if (magic != SHARDBLK_FRAME_MAGIC &&
		 magic != SHARDBLK_MANIFEST_MAGIC && magic != SHARDBLK_RUN_MAGIC)
		return false;
	if (len < sizeof(*h) || len > SECTOR)
		return false;
	h->csum = cpu_to_le32(crc32c(seed, &h->magic, len - sizeof(h->csum)));
	return true;
}

/* Whoever holds the one is to hold the other. */
static void replace(struct image *image, const bool *used, u32 from, u32 to)
{
	u32 sector, at;

	if (from == to || !from)
		return;
	for (sector = 0; sector < IMAGE_SECTORS; sector++)
		for (at = sector * SECTOR; used[sector] && at < (sector + 1) * SECTOR; at += 4)
			if (get_unaligned_le32(image->data + at) == from)
				put_unaligned_le32(to, image->data + at);
}

/* The pieces of a manifest that records point to: several blocks, one checksum. */
static void pieces_seal(struct image *image, u32 seed)
{
	u32 sector, copy;

	for (sector = 0; sector < IMAGE_SECTORS; sector++) {
		struct shardblk_super *d = (void *)(image->data + sector * SECTOR);

		if (le32_to_cpu(d->h.magic) != SHARDBLK_SUPER_MAGIC)
			continue;
		for (copy = 0; copy < SHARDBLK_MANIFEST_COPIES; copy++) {
			struct shardblk_piece *p = &d->manifest[copy];
			u64 at = (u64)le32_to_cpu(p->extent) *
				 le32_to_cpu(d->extent_blocks) +
				 le32_to_cpu(p->block);
			u32 nr = le32_to_cpu(p->nr_blocks);

			if (at >= IMAGE_SECTORS || nr > IMAGE_SECTORS - at)
				continue;
			p->csum = cpu_to_le32(crc32c(seed, image->data + at * SECTOR,
						     nr * SECTOR));
		}
	}
}

void image_repair(struct image *image, const struct image *before)
{
	static u32 was[IMAGE_SECTORS], held[IMAGE_SECTORS];
	static bool used[IMAGE_SECTORS];
	u32 seed, sector, round;
	bool changed = true;

	if (!image_seed(image, &seed) && !image_seed(before, &seed))
		return;
	for (sector = 0; sector < IMAGE_SECTORS; sector++) {
		const u8 *data = before->data + sector * SECTOR;

		used[sector] = memchr_inv(data, 0, SECTOR) ||
			       memchr_inv(image->data + sector * SECTOR, 0, SECTOR);
		if (!used[sector])
			continue;
		was[sector] = crc32c(seed, data, SECTOR);
		held[sector] = get_unaligned_le32(data);
	}
	for (round = 0; changed && round < REPAIR_ROUNDS; round++) {
		changed = false;
		pieces_seal(image, seed);
		for (sector = 0; sector < IMAGE_SECTORS; sector++) {
			u8 *data = image->data + sector * SECTOR;
			u32 csum;

			if (!used[sector])
				continue;
			csum = crc32c(seed, data, SECTOR);
			if (csum == was[sector])
				continue;
			changed = true;
			if (record_seal(data, seed)) {
				u32 now = get_unaligned_le32(data);

				replace(image, used, held[sector], now);
				held[sector] = now;
				csum = crc32c(seed, data, SECTOR);
			}
			replace(image, used, was[sector], csum);
			was[sector] = csum;
		}
	}
}
