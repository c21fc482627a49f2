// SPDX-License-Identifier: GPL-2.0-only
/*
 * A plugin of QEMU's for tools/bench/cost --functions: how often each instruction is
 * executed between two others.
 *
 *   -plugin FILE,begin=ADDRESS,end=ADDRESS,out=PREFIX
 *
 * Each time the instruction at ADDRESS of end is reached, what was executed since that
 * of begin goes to PREFIX-N, a line "ADDRESS TIMES" for each.
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
				fprintf(file, "%" PRIx64 " %" PRIu64 "\n", c->address, c->times);
	if (fclose(file))
		abort();
}

static void translated(qemu_plugin_id_t id, struct qemu_plugin_tb *tb)
{
	size_t nr = qemu_plugin_tb_n_insns(tb), i;

	for (i = 0; i < nr; i++) {
		struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);
		uint64_t address = qemu_plugin_insn_vaddr(insn);

		insn_cb cb = address == begin ? window_begin :
			     address == end ? window_end : NULL;

		qemu_plugin_register_vcpu_insn_exec_inline(insn, QEMU_PLUGIN_INLINE_ADD_U64,
							   &counter_of(address)->times, 1);
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
