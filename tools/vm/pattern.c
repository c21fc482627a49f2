// SPDX-License-Identifier: GPL-2.0-only
/*
 * pattern SEED MIB: so many MiB of bytes that differ all along, and with the
 * seed.  Runs in the test VM, where a shell's own ways are slow.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv)
{
	static uint64_t block[512];
	uint64_t state = 0xcbf29ce484222325ULL;

	if (argc != 3)
		return 1;
	for (const char *p = argv[1]; *p; p++)
		state = (state ^ (unsigned char)*p) * 0x100000001b3ULL;
	for (long n = atol(argv[2]) * 256; n > 0; n--) {
		for (unsigned int i = 0; i < 512; i++) {
			state ^= state << 13;
			state ^= state >> 7;
			state ^= state << 17;
			block[i] = state;
		}
		if (fwrite(block, sizeof(block), 1, stdout) != 1)
			return 1;
	}
	return fflush(stdout) ? 1 : 0;
}
