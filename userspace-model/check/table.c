// SPDX-License-Identifier: GPL-2.0-only
/*
 * The history of a run as a table.
 */
#include <stdlib.h>
#include <sys/mman.h>

#include "table.h"

#define ROWS_MAX	8192
#define ROW_SIZE	160
#define WHAT_WIDTH	34	/* what a row says before its result */

/* The head's widths are those of a row. */
static const char head[] =
	"    # | operation      blocks             | result\n"
	"------+-----------------------------------+----------------------------\n";

struct table {
	u32 nr;			/* rows, those included that found no room */
	char rows[ROWS_MAX][ROW_SIZE];
};

static struct table *table;
static bool kept;		/* since table_begin(), until it is printed */

void table_begin(void)
{
	if (!table)
		table = mmap(NULL, sizeof(*table), PROT_READ | PROT_WRITE,
			     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (table == MAP_FAILED)
		abort();
	table->nr = 0;
	kept = true;
}

/* The newest rows matter most: when there is no room they replace the last. */
static char *row_add(u32 *row)
{
	*row = min(table->nr++, ROWS_MAX - 1u);
	return table->rows[*row];
}

void table_line(const char *fmt, va_list args)
{
	u32 row;

	if (kept) {
		vsnprintf(row_add(&row), ROW_SIZE, fmt, args);
	} else {
		vprintf(fmt, args);
		putchar('\n');
	}
}

u32 table_row(u32 number, const char *fmt, ...)
{
	char what[ROW_SIZE], nr[16] = "";
	va_list args;
	char *at;
	u32 row;

	va_start(args, fmt);
	vsnprintf(what, sizeof(what), fmt, args);
	va_end(args);
	if (number)
		scnprintf(nr, sizeof(nr), "%u", number);
	at = row_add(&row);
	scnprintf(at, ROW_SIZE, "%5s | %-*s", nr, WHAT_WIDTH - 1, what);
	return row;
}

void table_result(u32 row, const char *fmt, ...)
{
	char result[ROW_SIZE];
	va_list args;
	size_t len;

	va_start(args, fmt);
	vsnprintf(result, sizeof(result), fmt, args);
	va_end(args);
	len = strlen(table->rows[row]);
	scnprintf(table->rows[row] + len, ROW_SIZE - len, " | %s", result);
}

void table_print(void)
{
	u32 i;

	kept = false;
	fputs(head, stdout);
	for (i = 0; i < min(table->nr, ROWS_MAX); i++)
		puts(table->rows[i]);
	if (table->nr > ROWS_MAX)
		printf("      | %u lines before the last are left out\n",
		       table->nr - ROWS_MAX);
	fflush(stdout);
}

const char *table_error(int error)
{
	return error ? strerrorname_np(-error) ?: "?" : "ok";
}
