// SPDX-License-Identifier: GPL-2.0-only
/*
 * A block of metadata is kept as runs of words that are alike, and words between them:
 * all data is alike, so what an index holds most of is one checksum again and again.
 *
 * Blocks are not copied by memcpy(): that counts as the engine's copying.
 */
#include <stdio.h>
#include <stdlib.h>

#include "media.h"

#define WORDS	(BLOCK / sizeof(u32))

u8 media_data[BLOCK] __aligned(8);

/* Words that differ, then one that comes so many times. */
struct piece {
	u16 nr;
	u16 times;
	u32 words[];
};

/* Blocks of each extent that has any. */
static u32 ***media;
static u64 nr_extents, extent_blocks;
static u32 unpacked[WORDS] __aligned(8);

static void device_copy(void *to, const void *from, size_t len)
{
	__asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(len)
			 : : "memory");
}

/* Return: the size of @to in words, which it has room for at worst. */
static u32 pack(const u32 *from, u32 *to)
{
	struct piece *piece;
	u32 at = 0, size = 0;

	while (at < WORDS) {
		piece = (struct piece *)(to + size);
		piece->nr = 0;
		while (at < WORDS && (at + 3 > WORDS || from[at] != from[at + 1] ||
				      from[at] != from[at + 2]))
			piece->words[piece->nr++] = from[at++];
		piece->times = 0;
		if (at < WORDS)
			piece->words[piece->nr] = from[at];
		while (at < WORDS && from[at] == piece->words[piece->nr]) {
			piece->times++;
			at++;
		}
		size += 1 + piece->nr + !!piece->times;
	}
	return size;
}

static void unpack(const u32 *from, u32 *to)
{
	u32 at = 0, i;

	while (at < WORDS) {
		const struct piece *piece = (const struct piece *)from;

		for (i = 0; i < piece->nr; i++)
			to[at++] = piece->words[i];
		for (i = 0; i < piece->times; i++)
			to[at++] = piece->words[piece->nr];
		from += 1 + piece->nr + !!piece->times;
	}
}

static void *must(void *memory)
{
	if (!memory)
		kapi_fail("no memory");
	return memory;
}

void media_create(u64 capacity, u64 extent_size)
{
	extent_blocks = extent_size / BLOCK;
	nr_extents = DIV_ROUND_UP(capacity, extent_size);
	media = must(calloc(nr_extents, sizeof(*media)));
}

static u32 *get(u64 block)
{
	u32 **extent = media[block / extent_blocks];

	return extent ? extent[block % extent_blocks] : NULL;
}

static void put(u64 block, const u32 *packed, u32 size)
{
	u32 ***extent = &media[block / extent_blocks], **to;

	if (!*extent)
		*extent = must(calloc(extent_blocks, sizeof(**extent)));
	to = &(*extent)[block % extent_blocks];
	free(*to);
	*to = must(malloc(size * sizeof(**to)));
	device_copy(*to, packed, size * sizeof(**to));
}

void media_read(u64 block, u32 skip, void *to, u32 len)
{
	const u32 *packed = get(block);

	if (packed)
		unpack(packed, unpacked);
	device_copy(to, (packed ? (u8 *)unpacked : media_data) + skip, len);
}

void media_write(u64 block, u32 skip, const void *from, u32 len)
{
	static u32 packed[WORDS * 2];

	if (len < BLOCK)
		media_read(block, 0, unpacked, BLOCK);
	device_copy((u8 *)unpacked + skip, from, len);
	put(block, packed, pack(unpacked, packed));
}

void media_drop(u64 offset, u64 len)
{
	u64 nr = offset / BLOCK / extent_blocks, i;

	if (!media[nr])
		return;
	for (i = 0; i < extent_blocks; i++)
		free(media[nr][i]);
	free(media[nr]);
	media[nr] = NULL;
}

/* Block, size, and so many words; in the end a size of 0. */
struct saved {
	u64 block;
	u32 size;
};

static u32 size_of(const u32 *packed)
{
	u32 at = 0, size = 0;

	while (at < WORDS) {
		const struct piece *piece =
			(const struct piece *)(packed + size);

		at += piece->nr + piece->times;
		size += 1 + piece->nr + !!piece->times;
	}
	return size;
}

static void transfer(FILE *file, void *data, size_t len, bool write)
{
	if ((write ? fwrite(data, len, 1, file) : fread(data, len, 1, file)) != 1)
		kapi_fail("the file of the media is too short");
}

void media_save(const char *path)
{
	FILE *file = must(fopen(path, "w"));
	struct saved saved = {};
	u64 nr = nr_extents * extent_blocks;

	for (; saved.block < nr; saved.block++) {
		u32 *packed;

		if (!media[saved.block / extent_blocks]) {
			saved.block += extent_blocks - 1;
			continue;
		}
		packed = get(saved.block);
		if (!packed)
			continue;
		saved.size = size_of(packed);
		transfer(file, &saved, sizeof(saved), true);
		transfer(file, packed, saved.size * sizeof(*packed), true);
	}
	saved.size = 0;
	transfer(file, &saved, sizeof(saved), true);
	if (fclose(file))
		kapi_fail("the media cannot be saved");
}

void media_load(const char *path)
{
	FILE *file = must(fopen(path, "r"));
	static u32 packed[WORDS * 2];
	struct saved saved;

	for (;;) {
		transfer(file, &saved, sizeof(saved), false);
		if (!saved.size)
			break;
		transfer(file, packed, saved.size * sizeof(*packed), false);
		put(saved.block, packed, saved.size);
	}
	fclose(file);
}
