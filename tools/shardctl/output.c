// SPDX-License-Identifier: GPL-2.0-only
/*
 * Printing records.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "output.h"
#include "shardctl.h"

#define JSON_FLAGS (JSON_C_TO_STRING_SPACED | JSON_C_TO_STRING_NOSLASHESCAPE)

static void *need(void *memory)
{
	if (!memory)
		exit(ctl_error(CTL_SYSTEM, "out of memory"));
	return memory;
}

static void add(struct json_object *object, const char *key,
		struct json_object *value)
{
	if (json_object_object_add(object, key, need(value)))
		need(NULL);
}

struct json_object *rec_new(void)
{
	return need(json_object_new_object());
}

void rec_u64(struct json_object *object, const char *key, uint64_t value)
{
	add(object, key, json_object_new_uint64(value));
}

void rec_bool(struct json_object *object, const char *key, bool value)
{
	add(object, key, json_object_new_boolean(value));
}

void rec_hex(struct json_object *object, const char *key, uint32_t value)
{
	char text[16];

	snprintf(text, sizeof(text), "0x%08x", value);
	rec_text(object, key, text);
}

void rec_text(struct json_object *object, const char *key, const char *value)
{
	add(object, key, json_object_new_string(value));
}

void rec_text_n(struct json_object *object, const char *key,
		const char *value, size_t size)
{
	add(object, key,
	    json_object_new_string_len(value, (int)strnlen(value, size)));
}

void rec_uuid(struct json_object *object, const char *key,
	      const uint8_t uuid[16])
{
	char text[CTL_UUID_TEXT];

	rec_text(object, key, ctl_uuid_text(uuid, text));
}

struct json_object *rec_array(struct json_object *object, const char *key)
{
	struct json_object *array = need(json_object_new_array());

	add(object, key, array);
	return array;
}

struct json_object *rec_array_item(struct json_object *array)
{
	struct json_object *object = rec_new();

	if (json_object_array_add(array, object))
		need(NULL);
	return object;
}

void rec_array_text(struct json_object *array, const char *value)
{
	if (json_object_array_add(array, need(json_object_new_string(value))))
		need(NULL);
}

static bool is_bytes(const char *key)
{
	const size_t len = strlen(key), tail = strlen("_bytes");

	return len >= tail && !strcmp(key + len - tail, "_bytes");
}

static bool is_scalar(const struct json_object *value)
{
	return !json_object_is_type(value, json_type_object) &&
	       !json_object_is_type(value, json_type_array);
}

static void print_scalar(const char *key, struct json_object *value)
{
	char text[CTL_SIZE_TEXT];
	uint64_t bytes;

	fputs(json_object_get_string(value), stdout);
	if (!is_bytes(key))
		return;
	bytes = json_object_get_uint64(value);
	if (bytes >= 1024)
		printf(" (%s)", ctl_size_text(bytes, text));
}

/* "extent=4 generation=1" */
static void print_line(struct json_object *object)
{
	const char *separator = "";

	json_object_object_foreach(object, key, value) {
		printf("%s%s=%s", separator, key, json_object_get_string(value));
		separator = " ";
	}
	putchar('\n');
}

static void print_array(const char *key, struct json_object *array)
{
	size_t len = json_object_array_length(array), i;

	printf("  %s%s\n", key, len ? ":" : ": none");
	for (i = 0; i < len; i++) {
		fputs("    ", stdout);
		print_line(json_object_array_get_idx(array, i));
	}
}

/* The longest name of a scalar member. */
static int names_width(struct json_object *object)
{
	int width = 0;

	json_object_object_foreach(object, key, value) {
		if (is_scalar(value) && (int)strlen(key) > width)
			width = (int)strlen(key);
	}
	return width;
}

static void print_object(struct json_object *object)
{
	const int width = names_width(object);

	json_object_object_foreach(object, key, value) {
		if (json_object_is_type(value, json_type_array)) {
			print_array(key, value);
		} else if (is_scalar(value)) {
			printf("  %-*s  ", width, key);
			print_scalar(key, value);
			putchar('\n');
		} else {
			printf("%s:\n", key);
			print_object(value);
		}
	}
}

void output_begin(struct output *output, bool json)
{
	output->json = json;
	output->nr_records = 0;
	if (json)
		putchar('[');
}

void output_record(struct output *output, struct json_object *record)
{
	if (output->json) {
		printf("%s\n%s", output->nr_records ? "," : "",
		       json_object_to_json_string_ext(record, JSON_FLAGS));
	} else {
		if (output->nr_records)
			putchar('\n');
		print_object(record);
	}
	output->nr_records++;
	json_object_put(record);
}

void output_end(struct output *output)
{
	if (output->json)
		puts("\n]");
}

void output_object(bool json, struct json_object *object)
{
	if (json)
		puts(json_object_to_json_string_ext(object, JSON_FLAGS |
						    JSON_C_TO_STRING_PRETTY));
	else
		print_object(object);
	json_object_put(object);
}
