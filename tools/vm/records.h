/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What programs write that are interrupted by power cuts: sectors that say who wrote
 * them, and records of requests on another device.  tools/vm/verdict.py knows both.
 *
 * For programs of one file: what is here is theirs.
 */
#ifndef VM_RECORDS_H
#define VM_RECORDS_H

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define SECTOR_MAGIC	0x6b6c626472616873ULL
#define RECORD_MAGIC	0x746e657664726873ULL
#define SECTOR		512

enum kind {
	KIND_BEGIN = 1,
	KIND_WRITE,
	KIND_WRITE_FUA,
	KIND_DISCARD_SUBMIT,
	KIND_DISCARD,
	KIND_FLUSH,
	KIND_END,
	KIND_COUNTERS,		/* submit: extents reclaimed, ack: merges */
};

/* At the head of every sector that is written; little-endian, as the host is. */
struct sector {
	uint64_t magic;
	uint64_t run;
	uint64_t request;
	uint64_t submit;
	uint64_t first;		/* the request's first block */
	uint32_t nr;		/* the request's blocks */
	uint32_t block;		/* this block's index in the request */
	uint32_t sector;	/* this sector's index in the block */
	uint32_t crc;		/* of the sector with this field zero */
	uint8_t fill[SECTOR - 56];
};

struct record {
	uint64_t magic;
	uint64_t run;
	uint64_t request;
	uint64_t submit;
	uint64_t ack;
	uint64_t first;
	uint32_t nr;
	uint32_t kind;
	uint32_t block_size;
	uint32_t crc;
	uint8_t fill[SECTOR - 64];
};

_Static_assert(sizeof(struct sector) == SECTOR, "one sector");
_Static_assert(sizeof(struct record) == SECTOR, "one sector");

static int record_fd;
static uint64_t run_id;
static uint32_t block_size = 4096;
static uint64_t record_slots_max = 8192;
static atomic_ullong record_slots;

static uint32_t crc_table[256];

static void crc_init(void)
{
	for (uint32_t i = 0; i < 256; i++) {
		uint32_t c = i;

		for (int k = 0; k < 8; k++)
			c = c & 1 ? 0xedb88320U ^ (c >> 1) : c >> 1;
		crc_table[i] = c;
	}
}

/* CRC-32 as zlib has it. */
static uint32_t crc32(const void *data, size_t len)
{
	const uint8_t *p = data;
	uint32_t c = ~0U;

	while (len--)
		c = crc_table[(c ^ *p++) & 0xff] ^ (c >> 8);
	return ~c;
}

static inline void die(const char *what)
{
	fprintf(stderr, "%s: %s: %s\n", program_invocation_short_name, what, strerror(errno));
	_exit(1);
}

static uint64_t rnd(uint64_t *state)
{
	uint64_t x = *state;

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	*state = x;
	return x * 0x2545f4914f6cdd1dULL >> 16;
}

static void *buffer(size_t len)
{
	void *p;

	if (posix_memalign(&p, 4096, len))
		die("memory");
	return p;
}

/* Before anything else is written. */
static void records_open(const char *path)
{
	uint64_t bytes;

	crc_init();
	record_fd = open(path, O_RDWR | O_DIRECT);
	if (record_fd < 0)
		die(path);
	if (!ioctl(record_fd, BLKGETSIZE64, &bytes))
		record_slots_max = bytes / SECTOR;
}

/* Returns when the record is in the log. */
static void event(struct record *rec, enum kind kind)
{
	uint64_t slot = atomic_fetch_add(&record_slots, 1);

	if (slot >= record_slots_max) {
		errno = ENOSPC;
		die("event device");
	}
	rec->magic = RECORD_MAGIC;
	rec->run = run_id;
	rec->kind = kind;
	rec->block_size = block_size;
	rec->crc = 0;
	rec->crc = crc32(rec, SECTOR);
	if (pwrite(record_fd, rec, SECTOR, slot * SECTOR) != SECTOR)
		die("event device");
}

/* Blocks of a write. */
static void fill(uint8_t *buf, uint64_t request, uint64_t submit, uint64_t first, uint32_t nr)
{
	uint64_t state = request * 0x9e3779b97f4a7c15ULL + 1;
	uint32_t per_block = block_size / SECTOR;

	for (uint32_t i = 0; i < nr * per_block; i++) {
		struct sector *s = (struct sector *)(buf + (size_t)i * SECTOR);

		memset(s->fill, (int)rnd(&state), sizeof(s->fill));
		s->magic = SECTOR_MAGIC;
		s->run = run_id;
		s->request = request;
		s->submit = submit;
		s->first = first;
		s->nr = nr;
		s->block = i / per_block;
		s->sector = i % per_block;
		s->crc = 0;
		s->crc = crc32(s, SECTOR);
	}
}

#endif /* VM_RECORDS_H */
