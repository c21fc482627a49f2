// SPDX-License-Identifier: GPL-2.0-only
/*
 * A plugin of QEMU's for tools/bench/cost --functions and --locks: how often each
 * instruction is executed between two others.
 *
 *   -plugin FILE,begin=ADDRESS,end=ADDRESS,out=PREFIX
 *
 * Each time the instruction at ADDRESS of end is reached, what was executed since that
 * of begin goes to PREFIX-N, a line "ADDRESS TIMES WHAT" for each.  WHAT is where a call
 * or jump leads to, 1 for what changes memory atomically, and 0 for all else.
 */
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cost_plugin.h"

int qemu_plugin_version = 1;

#define BUCKETS	65536u

struct counter {
	struct counter *next;
	uint64_t address;
	uint64_t times;
	uint64_t what;
};

static struct counter *buckets[BUCKETS];
static uint64_t begin, end;
static const char *out;
static unsigned int nr_windows;

static struct counter *counter_of(uint64_t address)
{
	struct counter **link = &buckets[address % BUCKETS];

	while (*link && (*link)->address != address)
		link = &(*link)->next;
	if (!*link) {
		*link = calloc(1, sizeof(**link));
		if (!*link)
			abort();
		(*link)->address = address;
	}
	return *link;
}

static void window_begin(unsigned int cpu, void *data)
{
	struct counter *c;
	unsigned int i;

	for (i = 0; i < BUCKETS; i++)
		for (c = buckets[i]; c; c = c->next)
			c->times = 0;
}

static void window_end(unsigned int cpu, void *data)
{
	struct counter *c;
	char path[4096];
	unsigned int i;
	FILE *file;

	snprintf(path, sizeof(path), "%s-%u", out, nr_windows++);
	file = fopen(path, "w");
	if (!file)
		abort();
	for (i = 0; i < BUCKETS; i++)
		for (c = buckets[i]; c; c = c->next)
			if (c->times)
				fprintf(file, "%" PRIx64 " %" PRIu64 " %" PRIx64 "\n", c->address,
					c->times, c->what);
	if (fclose(file))
		abort();
}

/* With a lock prefix, or xchg with memory, which needs none; not the barrier of the stack. */
static int is_atomic(const uint8_t *code, size_t len)
{
	static const uint8_t barrier[] = { 0xf0, 0x83, 0x44, 0x24 };	/* lock addl, of (%rsp) */
	size_t at = 0;

	if (len > sizeof(barrier) && !memcmp(code, barrier, sizeof(barrier)))
		return 0;
	/* the size of the operand, and prefixes of 64 bits */
	while (at + 2 < len && (code[at] == 0x66 || (code[at] & 0xf0) == 0x40))
		at++;
	return code[at] == 0xf0 ||
	       (at + 1 < len && (code[at] & 0xfe) == 0x86 && code[at + 1] < 0xc0);
}

static uint64_t what_is(const uint8_t *code, size_t len, uint64_t address)
{
	int32_t distance;

	if (len != 5 || (code[0] & 0xfe) != 0xe8)
		return is_atomic(code, len);
	memcpy(&distance, code + 1, sizeof(distance));
	return address + len + distance;
}

static void translated(qemu_plugin_id_t id, struct qemu_plugin_tb *tb)
{
	size_t nr = qemu_plugin_tb_n_insns(tb), i;

	for (i = 0; i < nr; i++) {
		struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);
		uint64_t address = qemu_plugin_insn_vaddr(insn);

		struct counter *counter = counter_of(address);
		insn_cb cb = address == begin ? window_begin :
			     address == end ? window_end : NULL;

		counter->what = what_is(qemu_plugin_insn_data(insn),
					qemu_plugin_insn_size(insn), address);
		qemu_plugin_register_vcpu_insn_exec_inline(insn, QEMU_PLUGIN_INLINE_ADD_U64,
							   &counter->times, 1);
		if (cb)
			qemu_plugin_register_vcpu_insn_exec_cb(insn, cb, QEMU_PLUGIN_CB_NO_REGS,
							       NULL);
	}
}

int qemu_plugin_install(qemu_plugin_id_t id, const struct qemu_info_t *info,
			int argc, char **argv)
{
	int i;

	for (i = 0; i < argc; i++) {
		if (!strncmp(argv[i], "begin=", 6))
			begin = strtoull(argv[i] + 6, NULL, 0);
		else if (!strncmp(argv[i], "end=", 4))
			end = strtoull(argv[i] + 4, NULL, 0);
		else if (!strncmp(argv[i], "out=", 4))
			out = argv[i] + 4;
	}
	if (!begin || !end || !out)
		return 1;
	qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
	return 0;
}
