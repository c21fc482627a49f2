// SPDX-License-Identifier: GPL-2.0-only
/*
 * scattered FILE KIB ALIGN: one direct write of so many KiB at the start of FILE, from
 * memory that begins ALIGN bytes behind the start of a page, and none of whose pages
 * has its neighbours' places in memory.  Runs in the test VM.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define PAGE	4096u

int main(int argc, char **argv)
{
	size_t len, align, nr, at, i;
	char *memory;
	int fd;

	if (argc != 4)
		return 1;
	len = (size_t)atol(argv[2]) * 1024;
	align = (size_t)atol(argv[3]);
	nr = len / PAGE + 1;
	memory = mmap(NULL, nr * PAGE, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (memory == MAP_FAILED) {
		perror("mmap");
		return 1;
	}
	/* a kernel that knows no huge pages refuses this */
	madvise(memory, nr * PAGE, MADV_NOHUGEPAGE);
	/* pages are given out one behind the other: so not in that order */
	for (i = 0; i < 3; i++)
		for (at = i; at < nr; at += 3)
			memset(memory + at * PAGE, (int)at, PAGE);
	fd = open(argv[1], O_WRONLY | O_DIRECT);
	if (fd < 0 || pwrite(fd, memory + align, len, 0) != (ssize_t)len) {
		perror(argv[1]);
		return 1;
	}
	return close(fd) ? 1 : 0;
}
