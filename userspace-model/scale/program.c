// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which program is this?
 */
#include "program.h"

u64 program_hash(void)
{
	static u64 hash;
	FILE *file;
	int c;

	if (hash)
		return hash;
	file = fopen("/proc/self/exe", "r");
	while (file && (c = getc(file)) != EOF)
		hash = (hash ^ c) * 0x100000001b3ULL;
	if (file)
		fclose(file);
	return hash;
}
