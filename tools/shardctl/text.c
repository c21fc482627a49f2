// SPDX-License-Identifier: GPL-2.0-only
/*
 * Messages, and the texts of sizes, percentages and UUIDs.
 */
#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shardctl.h"

static const char units[] = "KMGTPE";

static void say(const char *format, va_list args)
{
	fflush(stdout);
	fputs("shardctl: ", stderr);
	vfprintf(stderr, format, args);
	fputc('\n', stderr);
}

int ctl_error(enum ctl_exit code, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	say(format, args);
	va_end(args);
	return code;
}

void ctl_note(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	say(format, args);
	va_end(args);
}

/* The shift of a suffix: "" is 0, "K" and "KiB" are 10.  -1: no suffix. */
static int suffix_shift(const char *suffix)
{
	const char *unit;

	if (!*suffix)
		return 0;
	unit = strchr(units, toupper((unsigned char)*suffix));
	if (!unit || (suffix[1] && strcmp(suffix + 1, "iB")))
		return -1;
	return 10 * (int)(unit - units + 1);
}

int ctl_parse_size(const char *text, uint64_t *bytes)
{
	unsigned long long whole;
	uint64_t fraction = 0, scale = 1;
	char *end;
	int shift;

	if (!isdigit((unsigned char)*text))
		return -1;
	errno = 0;
	whole = strtoull(text, &end, 10);
	if (errno)
		return -1;
	if (*end == '.') {
		for (end++; isdigit((unsigned char)*end); end++) {
			if (scale >= 1000)
				return -1;
			fraction = fraction * 10 + (uint64_t)(*end - '0');
			scale *= 10;
		}
	}
	shift = suffix_shift(end);
	if (shift < 0 || (scale > 1 && !shift) || whole > UINT64_MAX >> shift)
		return -1;
	/* fraction < 1000 and shift <= 60: split, so as not to overflow. */
	fraction = shift <= 50 ? (fraction << shift) / scale :
		   ((fraction << 50) / scale) << (shift - 50);
	whole <<= shift;
	if (whole + fraction < whole || !(whole + fraction))
		return -1;
	*bytes = whole + fraction;
	return 0;
}

int ctl_parse_percent(const char *text, uint32_t *permille)
{
	unsigned long value;
	char *end;

	if (!isdigit((unsigned char)*text))
		return -1;
	value = strtoul(text, &end, 10);
	if (value > 1000)
		return -1;
	value *= 10;
	if (*end == '.' && isdigit((unsigned char)end[1])) {
		value += (unsigned long)(end[1] - '0');
		end += 2;
	}
	if (!strcmp(end, "%"))
		end++;
	if (*end || value > 10000)
		return -1;
	*permille = (uint32_t)value;
	return 0;
}

int ctl_parse_uuid(const char *text, uint8_t uuid[16])
{
	static const char form[] = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";
	uint8_t bytes[16] = { 0 }, any = 0;
	size_t i, digit = 0;

	if (strlen(text) != strlen(form))
		return -1;
	for (i = 0; form[i]; i++) {
		char c = (char)tolower((unsigned char)text[i]);

		if (form[i] == '-') {
			if (c != '-')
				return -1;
			continue;
		}
		if (!isxdigit((unsigned char)c))
			return -1;
		c = (char)(isdigit((unsigned char)c) ? c - '0' : c - 'a' + 10);
		bytes[digit / 2] |= (uint8_t)(c << (digit % 2 ? 0 : 4));
		any |= (uint8_t)c;
		digit++;
	}
	if (!any)
		return -1;
	memcpy(uuid, bytes, sizeof(bytes));
	return 0;
}

const char *ctl_size_text(uint64_t bytes, char text[CTL_SIZE_TEXT])
{
	const char *unit = units;
	uint64_t scale = 1024;
	int decimals;

	if (bytes < 1024) {
		snprintf(text, CTL_SIZE_TEXT, "%u bytes", (unsigned int)bytes);
		return text;
	}
	while (unit[1] && bytes / 1024 >= scale) {
		scale *= 1024;
		unit++;
	}
	decimals = bytes % scale == 0 ? 0 : 2;
	snprintf(text, CTL_SIZE_TEXT, "%.*f %ciB", decimals,
		 (double)bytes / (double)scale, *unit);
	return text;
}

const char *ctl_uuid_text(const uint8_t uuid[16], char text[CTL_UUID_TEXT])
{
	char *at = text;
	int i;

	for (i = 0; i < 16; i++) {
		if (i == 4 || i == 6 || i == 8 || i == 10)
			*at++ = '-';
		at += sprintf(at, "%02x", uuid[i]);
	}
	return text;
}
