/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Images of small devices, as a fuzzer holds them: a few hundred sectors, of
 * which most are empty.
 */
#ifndef FUZZ_IMAGE_H
#define FUZZ_IMAGE_H

#include "shard.h"

/* Extents of 16 blocks of 512 bytes: 64 of them. */
#define IMAGE_SECTORS	1024u
#define IMAGE_BYTES	(IMAGE_SECTORS * 512u)

/**
 * struct image - a device in memory
 * @backend:	for the engine; all is done before submit returns
 * @data:	its bytes
 */
struct image {
	struct shard_backend backend;
	u8 data[IMAGE_BYTES] __aligned(8);
};

/** image_init() - a blank device */
void image_init(struct image *image);
/**
 * image_unpack() - of any bytes
 *
 * Packed, an image is sectors in any order: a number and a length, two bytes
 * each, and that many bytes; the rest of the sector, and all others, are zero.
 */
void image_unpack(struct image *image, const u8 *bytes, size_t nr);
/** image_pack() - Return: bytes; 0 if they are more than @max */
size_t image_pack(const struct image *image, u8 *bytes, size_t max);

/**
 * image_repair() - make checksums right again
 * @before:	the image before it was changed, whose own were
 *
 * What has a checksum gets the one of its bytes, and so does what holds it, up
 * to the superblock: a record that was changed is believed.
 */
void image_repair(struct image *image, const struct image *before);

/* Payload of a request at most. */
#define IMAGE_ASK_BYTES	(16 * 512u)

/** image_ask() - a request, and wait for it.  Return: 0 or its error */
int image_ask(struct shard_device *device, enum shard_op op, u64 lba,
	      u32 nr_blocks, bool fua);

#endif /* FUZZ_IMAGE_H */
