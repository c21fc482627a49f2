// SPDX-License-Identifier: GPL-2.0-only
/*
 * Results as JSON.
 *
 * A result lists the seeds that it is about, so that adding up can tell whether
 * something would count twice.  The sum of some is a result, too.
 */
#include <json-c/json.h>
#include <stdlib.h>
#include <unistd.h>

#include "program.h"
#include "result.h"

#define FORMAT		1
#define PLACE_SIZE	256	/* of a mark: what, and where */

void result_part(struct result *result, const struct part *part)
{
	result->parts = reallocarray(result->parts, result->nr_parts + 1,
				     sizeof(*part));
	if (!result->parts)
		abort();
	result->parts[result->nr_parts++] = *part;
}

void result_failure(struct result *result, const char *repro, const char *why)
{
	struct failure *failure;

	result->failures = reallocarray(result->failures,
					result->nr_failures + 1,
					sizeof(*failure));
	if (!result->failures)
		abort();
	failure = &result->failures[result->nr_failures++];
	scnprintf(failure->repro, sizeof(failure->repro), "%s", repro);
	scnprintf(failure->why, sizeof(failure->why), "%s", why);
}

void result_free(struct result *result)
{
	free(result->parts);
	free(result->failures);
	memset(result, 0, sizeof(*result));
}

/* ---- words that both directions have ---- */

static const struct {
	const char *name;
	size_t at;
} tally_words[] = {
	{ "runs", offsetof(struct check_tally, nr_runs) },
	{ "full", offsetof(struct check_tally, nr_full) },
	{ "operations", offsetof(struct check_tally, nr_ops) },
	{ "refused", offsetof(struct check_tally, nr_refused) },
	{ "states", offsetof(struct check_tally, nr_crashes) },
	{ "twice", offsetof(struct check_tally, nr_twice) },
	{ "failed", offsetof(struct check_tally, nr_failed) },
};

static u64 *tally_word(struct check_tally *tally, u32 i)
{
	return (u64 *)((char *)tally + tally_words[i].at);
}

static const char *point_name(char *to, u32 i)
{
	const struct kapi_point *point = __start_kapi_points[i];

	scnprintf(to, PLACE_SIZE, "%s (%s)", point->what, point->at);
	return to;
}

static u32 nr_points(void)
{
	return __stop_kapi_points - __start_kapi_points;
}

static const char *pair_name(char *to, u32 a, u32 b)
{
	scnprintf(to, PLACE_SIZE, "%s, then %s", history_op_names[a],
		  history_op_names[b]);
	return to;
}

/* ---- writing ---- */

static struct json_object *need(struct json_object *object)
{
	if (!object)
		abort();
	return object;
}

static void put(struct json_object *to, const char *key,
		struct json_object *value)
{
	if (json_object_object_add(to, key, need(value)))
		abort();
}

static void put_u64(struct json_object *to, const char *key, u64 value)
{
	put(to, key, json_object_new_uint64(value));
}

static void put_string(struct json_object *to, const char *key,
		       const char *value)
{
	put(to, key, json_object_new_string(value));
}

static void append(struct json_object *to, struct json_object *value)
{
	if (json_object_array_add(to, need(value)))
		abort();
}

static struct json_object *parts_made(const struct result *result)
{
	struct json_object *parts = need(json_object_new_array());
	struct json_object *part;
	u32 i;

	for (i = 0; i < result->nr_parts; i++) {
		part = need(json_object_new_object());
		put_u64(part, "first", result->parts[i].first);
		put_u64(part, "shard", result->parts[i].shard);
		put_u64(part, "shards", result->parts[i].shards);
		put_u64(part, "until", result->parts[i].until);
		append(parts, part);
	}
	return parts;
}

static struct json_object *failures_made(const struct result *result)
{
	struct json_object *failures = need(json_object_new_array());
	struct json_object *failure;
	u32 i;

	for (i = 0; i < result->nr_failures; i++) {
		failure = need(json_object_new_object());
		put_string(failure, "repro", result->failures[i].repro);
		put_string(failure, "why", result->failures[i].why);
		append(failures, failure);
	}
	return failures;
}

static struct json_object *suites_made(const struct result *result)
{
	struct json_object *suites = need(json_object_new_object());
	struct json_object *suite;
	struct check_tally tally;
	u32 s, i;

	for (s = 0; check_suites[s].name; s++) {
		tally = result->tallies[s];
		if (!tally.nr_runs && !tally.nr_failed)
			continue;
		suite = need(json_object_new_object());
		for (i = 0; i < ARRAY_SIZE(tally_words); i++)
			put_u64(suite, tally_words[i].name,
				*tally_word(&tally, i));
		put(suites, check_suites[s].name, suite);
	}
	return suites;
}

static struct json_object *points_made(const struct result *result)
{
	struct json_object *points = need(json_object_new_object());
	char name[PLACE_SIZE];
	u32 i;

	for (i = 0; i < nr_points(); i++)
		put_u64(points, point_name(name, i),
			result->sometimes.points[i]);
	return points;
}

static struct json_object *pairs_made(const struct result *result)
{
	struct json_object *pairs = need(json_object_new_object());
	char name[PLACE_SIZE];
	u32 a, b;

	for (a = OP_NOTHING + 1; a < NR_OPS; a++)
		for (b = OP_NOTHING + 1; b < NR_OPS; b++)
			put_u64(pairs, pair_name(name, a, b),
				result->sometimes.pairs[a][b]);
	return pairs;
}

int result_write(const struct result *result, const char *path)
{
	struct json_object *object = need(json_object_new_object());
	char text[PLACE_SIZE], new[PATH_MAX];
	int err = 0;

	put_u64(object, "shardsim-result", FORMAT);
	scnprintf(text, sizeof(text), "%016llx", result->program);
	put_string(object, "program", text);
	put_string(object, "suite", result->suite);
	put(object, "seconds", json_object_new_double(result->seconds));
	put(object, "cpu-seconds", json_object_new_double(result->cpu_seconds));
	put(object, "parts", parts_made(result));
	put(object, "failures", failures_made(result));
	put(object, "suites", suites_made(result));
	put(object, "sometimes", points_made(result));
	put(object, "pairs", pairs_made(result));
	scnprintf(new, sizeof(new), "%s.%d", path, getpid());
	if (json_object_to_file_ext(new, object, JSON_C_TO_STRING_PRETTY |
				    JSON_C_TO_STRING_NOSLASHESCAPE) ||
	    rename(new, path)) {
		err = errno ? -errno : -EIO;
		unlink(new);
	}
	json_object_put(object);
	return err;
}

/* ---- reading ---- */

/* Where it is read from, and what was found to be missing there. */
struct reader {
	const char *missing;
};

static struct json_object *get(struct reader *r, struct json_object *from,
			       const char *key, enum json_type type)
{
	struct json_object *value;

	if (!json_object_object_get_ex(from, key, &value) ||
	    !(json_object_is_type(value, type))) {
		r->missing = r->missing ?: key;
		return NULL;
	}
	return value;
}

static u64 get_u64(struct reader *r, struct json_object *from, const char *key)
{
	struct json_object *value = get(r, from, key, json_type_int);

	return value ? json_object_get_uint64(value) : 0;
}

static double get_double(struct reader *r, struct json_object *from,
			 const char *key)
{
	struct json_object *value = get(r, from, key, json_type_double);

	return value ? json_object_get_double(value) : 0;
}

static const char *get_string(struct reader *r, struct json_object *from,
			      const char *key)
{
	struct json_object *value = get(r, from, key, json_type_string);

	return value ? json_object_get_string(value) : "";
}

static void parts_read(struct reader *r, struct json_object *parts,
		       struct result *result)
{
	size_t i, nr = parts ? json_object_array_length(parts) : 0;
	struct json_object *from;
	struct part part;

	for (i = 0; i < nr; i++) {
		from = json_object_array_get_idx(parts, i);
		part.first = get_u64(r, from, "first");
		part.shard = get_u64(r, from, "shard");
		part.shards = get_u64(r, from, "shards");
		part.until = get_u64(r, from, "until");
		if (part.shards > SHARDS_MAX || part.shard >= part.shards)
			r->missing = r->missing ?: "shard";
		result_part(result, &part);
	}
	if (!nr)
		r->missing = r->missing ?: "parts";
}

static void failures_read(struct reader *r, struct json_object *failures,
			  struct result *result)
{
	size_t i, nr = failures ? json_object_array_length(failures) : 0;
	struct json_object *from;

	for (i = 0; i < nr; i++) {
		from = json_object_array_get_idx(failures, i);
		result_failure(result, get_string(r, from, "repro"),
			       get_string(r, from, "why"));
	}
}

static void suites_read(struct reader *r, struct json_object *suites,
			struct result *result)
{
	struct json_object *from;
	u32 s, i;

	for (s = 0; suites && check_suites[s].name; s++) {
		if (!json_object_object_get_ex(suites, check_suites[s].name,
					       &from))
			continue;
		for (i = 0; i < ARRAY_SIZE(tally_words); i++)
			*tally_word(&result->tallies[s], i) =
				get_u64(r, from, tally_words[i].name);
	}
}

static void sometimes_read(struct reader *r, struct json_object *points,
			   struct json_object *pairs, struct sometimes *to)
{
	static char name[PLACE_SIZE];
	u32 i, a, b;

	for (i = 0; points && i < nr_points(); i++)
		to->points[i] = get_u64(r, points, point_name(name, i));
	for (a = OP_NOTHING + 1; pairs && a < NR_OPS; a++)
		for (b = OP_NOTHING + 1; b < NR_OPS; b++)
			to->pairs[a][b] = get_u64(r, pairs,
						  pair_name(name, a, b));
}

static void object_read(struct reader *r, struct json_object *object,
			struct result *result)
{
	result->program = strtoull(get_string(r, object, "program"), NULL, 16);
	scnprintf(result->suite, sizeof(result->suite), "%s",
		  get_string(r, object, "suite"));
	result->seconds = get_double(r, object, "seconds");
	result->cpu_seconds = get_double(r, object, "cpu-seconds");
	parts_read(r, get(r, object, "parts", json_type_array), result);
	failures_read(r, get(r, object, "failures", json_type_array), result);
	suites_read(r, get(r, object, "suites", json_type_object), result);
	sometimes_read(r, get(r, object, "sometimes", json_type_object),
		       get(r, object, "pairs", json_type_object),
		       &result->sometimes);
}

bool result_read(struct result *result, const char *path, char *why,
		 size_t size)
{
	struct json_object *object = json_object_from_file(path);
	struct reader r = { 0 };
	u64 program;
	bool ok = false;

	memset(result, 0, sizeof(*result));
	if (!object) {
		scnprintf(why, size, "%s: cannot be read, or is no JSON", path);
		return false;
	}
	if (get_u64(&r, object, "shardsim-result") != FORMAT) {
		scnprintf(why, size, "%s: not a result of shardsim", path);
		goto out;
	}
	program = strtoull(get_string(&r, object, "program"), NULL, 16);
	if (program != program_hash()) {
		scnprintf(why, size,
			  "%s: of another program or version, %016llx: this is %016llx",
			  path, program, program_hash());
		goto out;
	}
	object_read(&r, object, result);
	ok = !r.missing;
	if (!ok)
		scnprintf(why, size, "%s: no %s, or not what it should be",
			  path, r.missing);
out:
	json_object_put(object);
	return ok;
}

/* ---- adding up ---- */

/* The first seed that both have; U64_MAX: there is none. */
static u64 part_meets(const struct part *a, const struct part *b)
{
	const u64 until = min(a->until, b->until);
	const u64 other = b->first + b->shard;
	u64 seed = a->first + a->shard;
	u32 steps;

	if (a->first == b->first && a->shards == b->shards)
		return a->shard == b->shard ? seed : U64_MAX;
	if (seed < other)
		seed += DIV_ROUND_UP(other - seed, a->shards) * a->shards;
	/* from there on its residue by the other's shards repeats */
	for (steps = 0; steps < b->shards && seed < until; steps++) {
		if ((seed - other) % b->shards == 0)
			return seed;
		seed += a->shards;
	}
	return U64_MAX;
}

static bool parts_meet(const struct result *sum, const struct result *from,
		       char *why, size_t size)
{
	const struct part *a, *b;
	u64 seed;

	for (a = sum->parts; a < sum->parts + sum->nr_parts; a++) {
		for (b = from->parts; b < from->parts + from->nr_parts; b++) {
			seed = part_meets(a, b);
			if (seed == U64_MAX)
				continue;
			scnprintf(why, size,
				  "seed %#llx counts already: it is of shard %u of %u, from %#llx on",
				  seed, a->shard, a->shards, a->first);
			return true;
		}
	}
	return false;
}

bool result_add(struct result *sum, const struct result *from, char *why,
		size_t size)
{
	u32 i;

	if (sum->nr_parts && strcmp(sum->suite, from->suite)) {
		scnprintf(why, size, "of suite '%s', the others of '%s'",
			  from->suite, sum->suite);
		return false;
	}
	if (parts_meet(sum, from, why, size))
		return false;
	sum->program = from->program;
	scnprintf(sum->suite, sizeof(sum->suite), "%s", from->suite);
	sum->seconds += from->seconds;
	sum->cpu_seconds += from->cpu_seconds;
	for (i = 0; i < from->nr_parts; i++)
		result_part(sum, &from->parts[i]);
	for (i = 0; i < from->nr_failures; i++)
		result_failure(sum, from->failures[i].repro,
			       from->failures[i].why);
	for (i = 0; i < SUITES_MAX; i++)
		check_tally_add(&sum->tallies[i], &from->tallies[i]);
	sometimes_add(&sum->sometimes, &from->sometimes);
	return true;
}
