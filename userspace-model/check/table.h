/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The history of a run as a table: a row for each operation, whose result is
 * filled in when it is known, and lines between them for all else.
 *
 *	    # | operation      blocks      | result
 *	------+----------------------------+--------------------
 *	    1 | write          0..3   fua  | ok
 *	      | the power fails
 *
 * It lies in memory that is shared with child processes, so that it can still
 * be printed when the one that ran has died.
 */
#ifndef CHECK_TABLE_H
#define CHECK_TABLE_H

/** table_begin() - from now on it is kept; it is empty */
void table_begin(void);

/** table_line() - add a line as it is; print it, if no table is kept */
void table_line(const char *fmt, va_list args);

/** table_row() - add a row; @number 0: none.  Return: what names it */
u32 table_row(u32 number, const char *fmt, ...) __printf(2, 3);

/** table_result() - what became of a row */
void table_result(u32 row, const char *fmt, ...) __printf(2, 3);

/** table_print() - all of it, with its head */
void table_print(void);

/** table_error() - "ok", or the name of an error */
const char *table_error(int error);

#endif /* CHECK_TABLE_H */
