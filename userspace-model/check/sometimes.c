// SPDX-License-Identifier: GPL-2.0-only
/*
 * What must have occurred.
 */
#include <stdlib.h>

#include "sometimes.h"

static u32 nr_points(void)
{
	size_t nr = __stop_kapi_points - __start_kapi_points;

	if (nr > SOMETIMES_MAX) {
		fprintf(stderr, "too many marks: %zu\n", nr);
		abort();
	}
	return nr;
}

void sometimes_save(struct sometimes *to)
{
	struct sometimes now = { 0 };
	u32 i;

	for (i = 0; i < nr_points(); i++)
		now.points[i] = __start_kapi_points[i]->nr;
	memcpy(now.pairs, history_pairs, sizeof(now.pairs));
	sometimes_add(to, &now);
}

void sometimes_add(struct sometimes *to, const struct sometimes *from)
{
	u32 i, k;

	for (i = 0; i < SOMETIMES_MAX; i++)
		to->points[i] += from->points[i];
	for (i = 0; i < NR_OPS; i++)
		for (k = 0; k < NR_OPS; k++)
			to->pairs[i][k] += from->pairs[i][k];
}

static int compare_points(const void *a, const void *b)
{
	u32 x = *(const u32 *)a, y = *(const u32 *)b;

	return strverscmp(__start_kapi_points[x]->at,
			  __start_kapi_points[y]->at);
}

static u32 report_points(const struct sometimes *sum, bool all, bool rare)
{
	u32 order[SOMETIMES_MAX], nr = nr_points(), nr_met = 0, missing = 0, i;

	for (i = 0; i < nr; i++)
		order[i] = i;
	/* by place, whatever the linker made of it */
	qsort(order, nr, sizeof(order[0]), compare_points);
	for (i = 0; i < nr; i++) {
		const struct kapi_point *p = __start_kapi_points[order[i]];
		u64 met = sum->points[order[i]];
		bool missed = !met && (rare || !p->rare);

		nr_met += met != 0;
		missing += missed;
		if (all || missed)
			printf("%12llu  %s%s (%s)\n", met,
			       missed ? "NEVER: " : "", p->what, p->at);
	}
	printf("sometimes: %u of %u situations occurred\n", nr_met, nr);
	return missing;
}

static u32 report_pairs(const struct sometimes *sum, bool rare)
{
	u32 nr = 0, nr_run = 0, missing = 0, a, b;

	for (a = OP_NOTHING + 1; a < NR_OPS; a++) {
		for (b = OP_NOTHING + 1; b < NR_OPS; b++) {
			bool plain = a != OP_FAULT && b != OP_FAULT;

			nr++;
			nr_run += sum->pairs[a][b] != 0;
			if (sum->pairs[a][b])
				continue;
			missing += plain && rare;
			printf("%12s  %s, then %s\n",
			       plain ? "NEVER:" : "never:",
			       history_op_names[a], history_op_names[b]);
		}
	}
	printf("pairs: %u of %u pairs of operations ran next to each other\n",
	       nr_run, nr);
	return missing;
}

u32 sometimes_report(const struct sometimes *sum, bool all, bool rare)
{
	return report_points(sum, all, rare) + report_pairs(sum, rare);
}
