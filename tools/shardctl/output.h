/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What commands print: records, as text for people or as JSON.
 *
 * A command makes each record as a JSON object and prints it at once, so that
 * a dump of a large device needs no memory.  The text of a record is made from
 * the same object, so both have the same names.
 */
#ifndef SHARDCTL_OUTPUT_H
#define SHARDCTL_OUTPUT_H

#include <json-c/json.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/**
 * struct output - a sequence of records on standard output
 * @json:	a JSON array of objects, else text
 * @nr_records:	printed so far
 */
struct output {
	bool json;
	uint64_t nr_records;
};

void output_begin(struct output *output, bool json);
void output_end(struct output *output);

/**
 * output_record() - print @record and give it back
 *
 * In text a field whose name ends in "_bytes" is also given in KiB, MiB, and
 * an array of objects has a line for each.
 */
void output_record(struct output *output, struct json_object *record);

/** output_object() - print one object, not in an array, and give it back */
void output_object(bool json, struct json_object *object);

/* Members of a record; each exits with a message when there is no memory. */
struct json_object *rec_new(void);
void rec_u64(struct json_object *object, const char *key, uint64_t value);
void rec_bool(struct json_object *object, const char *key, bool value);
void rec_hex(struct json_object *object, const char *key, uint32_t value);
void rec_text(struct json_object *object, const char *key, const char *value);
/* Text that need not end within @size bytes. */
void rec_text_n(struct json_object *object, const char *key,
		const char *value, size_t size);
void rec_uuid(struct json_object *object, const char *key,
	      const uint8_t uuid[16]);
struct json_object *rec_array(struct json_object *object, const char *key);
struct json_object *rec_array_item(struct json_object *array);
void rec_array_text(struct json_object *array, const char *value);

#endif /* SHARDCTL_OUTPUT_H */
