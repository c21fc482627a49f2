// SPDX-License-Identifier: GPL-2.0-only
/*
 * Strings, bits, messages, random numbers.
 */
#include <sys/random.h>
#include "fiber.h"

/* The kernel's %pU, %pe and so on would come out wrong. */
static void check_format(const char *fmt)
{
	const char *p = fmt;

	while ((p = strstr(p, "%p"))) {
		p += 2;
		if ((*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z'))
			kapi_fail("format not known here: %s", fmt);
	}
}

int vscnprintf(char *buf, size_t size, const char *fmt, va_list args)
{
	int len;

	check_format(fmt);
	if (!size)
		return 0;
	len = vsnprintf(buf, size, fmt, args);
	return len < (int)size ? len : (int)size - 1;
}

int scnprintf(char *buf, size_t size, const char *fmt, ...)
{
	va_list args;
	int len;

	va_start(args, fmt);
	len = vscnprintf(buf, size, fmt, args);
	va_end(args);
	return len;
}

ssize_t strscpy(char *dest, const char *src, size_t size)
{
	size_t len = strnlen(src, size);

	if (!size)
		return -E2BIG;
	if (len == size) {
		memcpy(dest, src, size - 1);
		dest[size - 1] = 0;
		return -E2BIG;
	}
	memcpy(dest, src, len + 1);
	return len;
}

void *memchr_inv(const void *start, int c, size_t bytes)
{
	const u8 *p = start;

	if (!bytes)
		return NULL;
	if (*p != (u8)c)
		return (void *)p;
	/* All equal to the first if each equals the one before. */
	if (!memcmp(p, p + 1, bytes - 1))
		return NULL;
	while (*p == (u8)c)
		p++;
	return (void *)p;
}

static unsigned long find_next(const unsigned long *map, unsigned long size,
			       unsigned long offset, bool value)
{
	while (offset < size && test_bit(offset, map) != value)
		offset++;
	return min(offset, size);
}

unsigned long find_next_bit(const unsigned long *map, unsigned long size,
			    unsigned long offset)
{
	return find_next(map, size, offset, true);
}

unsigned long find_next_zero_bit(const unsigned long *map, unsigned long size,
				 unsigned long offset)
{
	return find_next(map, size, offset, false);
}

/* A UUID is left blank: its pointer is taken, and nothing of it printed. */
static const char *without_uuid(const char *fmt, char *buf, size_t size)
{
	const char *uuid = strstr(fmt, "%pUb");

	if (!uuid)
		return fmt;
	snprintf(buf, size, "%.*s%%.0s%s", (int)(uuid - fmt), fmt, uuid + 4);
	return buf;
}

void kapi_printk(int level, const char *fmt, ...)
{
	va_list args;
	char buf[256];

	fmt = without_uuid(fmt, buf, sizeof(buf));
	check_format(fmt);
	va_start(args, fmt);
	if (kapi.hooks->log)
		kapi.hooks->log(kapi.hooks->ctx, level, fmt, args);
	else
		vfprintf(stderr, fmt, args);
	va_end(args);
}

void get_random_bytes(void *buf, size_t len)
{
	kapi_touch(&kapi.hooks->random, KAPI_CHANGES);
	if (kapi.hooks->random)
		kapi.hooks->random(kapi.hooks->ctx, buf, len);
	else if (getrandom(buf, len, 0) != (ssize_t)len)
		kapi_fail("no random numbers");
}

#ifndef KAPI_NO_CHECKS

/* As lib/list_debug.c: called by the kernel's list.h. */
bool __list_add_valid(struct list_head *node, struct list_head *prev,
		      struct list_head *next)
{
	if (!prev || !next || next->prev != prev || prev->next != next)
		kapi_fail("list_add: the list is corrupt");
	if (node == prev || node == next)
		kapi_fail("list_add: added twice");
	return true;
}

bool __list_del_entry_valid(struct list_head *entry)
{
	if (entry->next == LIST_POISON1 || entry->prev == LIST_POISON2)
		kapi_fail("list_del: deleted twice");
	if (!entry->next || !entry->prev)
		kapi_fail("list_del: never initialised");
	if (entry->prev->next != entry || entry->next->prev != entry)
		kapi_fail("list_del: the list is corrupt");
	return true;
}

#endif
