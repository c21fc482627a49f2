// SPDX-License-Identifier: GPL-2.0-only
/*
 * Keeps memory short: "hog MIB SECONDS" touches the pages of so much of it in a
 * random order, and sees that each still holds what it wrote there last.
 *
 * Prints how many pages it touched.  Exit code 1: a page held something else.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>

#define PAGE	4096
#define WORDS	(PAGE / sizeof(uint64_t))

static uint64_t state = 0x9e3779b97f4a7c15;

static uint64_t random_next(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state;
}

/* Its number and how often it was written, at either end. */
static uint64_t stamp(size_t page, uint32_t count)
{
	return (uint64_t)page << 32 | count;
}

int main(int argc, char **argv)
{
	size_t nr_pages = argc == 3 ? strtoul(argv[1], NULL, 0) << 8 : 0;
	time_t end = argc == 3 ? time(NULL) + atol(argv[2]) : 0;
	uint32_t *counts = calloc(nr_pages, sizeof(*counts));
	unsigned long touched = 0;
	uint64_t *memory, *page;
	size_t i;

	memory = mmap(NULL, nr_pages * PAGE, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (!nr_pages || !counts || memory == MAP_FAILED) {
		fprintf(stderr, "usage: hog MIB SECONDS\n");
		return 2;
	}
	while (time(NULL) < end) {
		i = random_next() % nr_pages;
		page = memory + i * WORDS;
		if (counts[i] && (page[0] != stamp(i, counts[i]) ||
				  page[WORDS - 1] != stamp(i, counts[i]))) {
			printf("page %zu holds something else\n", i);
			return 1;
		}
		counts[i]++;
		page[0] = stamp(i, counts[i]);
		page[WORDS - 1] = stamp(i, counts[i]);
		touched++;
	}
	printf("%lu\n", touched);
	return 0;
}
