/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Processes that share out work, and the file that says what of it is done.
 */
#ifndef SCALE_PROCESSES_H
#define SCALE_PROCESSES_H

#include "kapi.h"

#define PROCESSES_MAX	64u

/** shared_alloc() - zeroed memory that processes share; NULL if there is none */
void *shared_alloc(size_t size);

/** shared_free() - give it back; it may be NULL */
void shared_free(void *shared, size_t size);

/**
 * processes_run() - call @run in @nr processes; returns when all have ended
 * @died:	called for each that was ended by what it was running
 */
void processes_run(u32 nr, void (*run)(u32 i, void *arg),
		   void (*died)(u32 i, void *arg), void *arg);

/**
 * progress_open() - a file that a run which was ended goes on from
 * @head:	first line, which tells runs of this program from each other: of
 *		a file that begins otherwise nothing is kept
 * @line:	called for each other line, all of which ended
 *
 * Return: what progress_write() wants; -1, after saying why: it cannot be used.
 */
int progress_open(const char *path, const char *head,
		  void (*line)(const char *line, void *arg), void *arg);

/** progress_write() - a line, which ends, whole or not at all; none if @file is -1 */
void progress_write(int file, const char *line);

#endif /* SCALE_PROCESSES_H */
