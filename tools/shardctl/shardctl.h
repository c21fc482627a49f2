/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What all of shardctl shares: commands, exit codes, messages, sizes.
 *
 * Nothing here needs the engine, so that the files that talk to the engine
 * (in its own words, kapi.h) and those that only talk to libc can both
 * include it.
 */
#ifndef SHARDCTL_H
#define SHARDCTL_H

#include <argp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Exit codes, documented in shardctl(8). */
enum ctl_exit {
	CTL_DONE	= 0,
	CTL_USAGE	= 1,
	CTL_REFUSED	= 2,	/* in use, signature, state */
	CTL_SYSTEM	= 3,	/* system or I/O error */
	CTL_DAMAGE	= 4,	/* damage found */
};

/* Longest text of ctl_size_text() and ctl_uuid_text(), with its end. */
#define CTL_SIZE_TEXT	32
#define CTL_UUID_TEXT	37

/*
 * A command: argv[0] is its name in messages ("shardctl format").  Each
 * returns an enum ctl_exit, and has said what went wrong.
 */
int ctl_format(int argc, char **argv);
int ctl_add(int argc, char **argv);
int ctl_remove(int argc, char **argv);
int ctl_scrub(int argc, char **argv);
int ctl_list(int argc, char **argv);
int ctl_status(int argc, char **argv);
int ctl_check(int argc, char **argv);
int ctl_dump(int argc, char **argv);
int ctl_export(int argc, char **argv);
int ctl_graph(int argc, char **argv);

/**
 * ctl_error() - say on stderr what is wrong and why
 *
 * Return: @code, so that callers can return it at once.
 */
int ctl_error(enum ctl_exit code, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/** ctl_note() - say on stderr what is worth knowing */
void ctl_note(const char *format, ...) __attribute__((format(printf, 1, 2)));

/**
 * ctl_parse_size() - read "64", "64K", "64KiB", "1.5T"
 *
 * The suffixes K, M, G, T and P (also k, KiB, ...) are powers of 1024.
 *
 * Return: 0, or -1 when @text is no size of at least one byte.
 */
int ctl_parse_size(const char *text, uint64_t *bytes);

/**
 * ctl_parse_percent() - read "12" or "12.5" as 120 or 125 permille
 *
 * Return: 0, or -1 when @text is no percentage within 0..1000 with at most
 * one decimal.
 */
int ctl_parse_percent(const char *text, uint32_t *permille);

/** ctl_parse_uuid() - Return: 0, or -1 when @text is no UUID or all zeros */
int ctl_parse_uuid(const char *text, uint8_t uuid[16]);

/** ctl_size_text() - "64 MiB", with at most two decimals; returns @text */
const char *ctl_size_text(uint64_t bytes, char text[CTL_SIZE_TEXT]);

/** ctl_uuid_text() - 8-4-4-4-12 hexadecimal digits; returns @text */
const char *ctl_uuid_text(const uint8_t uuid[16], char text[CTL_UUID_TEXT]);

#endif /* SHARDCTL_H */
