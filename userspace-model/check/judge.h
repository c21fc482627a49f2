/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The model as a judge of what a device somewhere else did.
 */
#ifndef CHECK_JUDGE_H
#define CHECK_JUDGE_H

/**
 * judge_file() - may a device have done this
 * @path:	what tools/vm/history_run.c wrote: in the order in which it saw it,
 *		"s NUMBER OP LBA NR FUA" when a request was submitted, "e NUMBER ERROR
 *		STAMP..." when it had ended, "a STAMP..." what all blocks held when
 *		nothing was under way; stamps in hexadecimal
 *
 * Says what is wrong, or how much there was.
 *
 * Return: 0; 1 if it may not; 2 if there is no such file, or it is not one.
 */
int judge_file(const char *path);

#endif /* CHECK_JUDGE_H */
