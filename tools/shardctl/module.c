// SPDX-License-Identifier: GPL-2.0-only
/*
 * The commands that ask the module: add, remove, list, status.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "control.h"
#include "output.h"
#include "shardctl.h"

/* ---- add ---- */

struct add_args {
	const char *path;
	int32_t id;
	bool read_only;
	bool retry_bad;
	uint64_t memtable;
	uint64_t cache;
	uint32_t low_watermark;
	uint32_t scrub_interval;
	uint32_t idle_ms;
};

enum {
	OPT_ID = 0x100, OPT_RETRY_BAD, OPT_MEMTABLE, OPT_CACHE,
	OPT_LOW_WATERMARK, OPT_SCRUB_INTERVAL, OPT_IDLE, OPT_ALL, OPT_JSON
};

static const struct argp_option add_options[] = {
	{ "id", OPT_ID, "N", 0, "Be /dev/shardblkN (default: the lowest free)", 0 },
	{ "read-only", 'r', NULL, 0, "Write nothing to the backing device", 0 },
	{ "retry-bad", OPT_RETRY_BAD, NULL, 0,
	  "Use bad extents again if they can be reset and written", 0 },
	{ "memtable", OPT_MEMTABLE, "SIZE", 0,
	  "Memory for a memtable, of which there are two (64K to 1G, default 16M);"
	  " more than 80M is not used", 0 },
	{ "cache", OPT_CACHE, "SIZE", 0,
	  "Memory for index pages (64K to 1G, default 4096 pages)", 0 },
	{ "low-watermark", OPT_LOW_WATERMARK, "PERCENT", 0,
	  "Tell when less than this share of all space is left (1 to 50, default 10 for "
	  "a thin device, never for others)", 0 },
	{ "scrub-interval", OPT_SCRUB_INTERVAL, "HOURS", 0,
	  "Scrub it every so often (1 to 8784, default: never by itself)", 0 },
	{ "idle", OPT_IDLE, "MS", 0,
	  "Reclaim space ahead when there was no request for so long (100 to "
	  "3600000, default 1000), or \"never\"", 0 },
	{ NULL, 0, NULL, 0, NULL, 0 }
};

static int parse_number(const char *arg, unsigned long max, uint32_t *number)
{
	unsigned long n;
	char *end;

	n = strtoul(arg, &end, 10);
	if (*arg < '0' || *arg > '9' || *end || !n || n > max)
		return -1;
	*number = (uint32_t)n;
	return 0;
}

static error_t parse_add(int key, char *arg, struct argp_state *state)
{
	struct add_args *args = state->input;
	char *end;
	long id;

	switch (key) {
	case OPT_ID:
		id = strtol(arg, &end, 10);
		if (*arg < '0' || *arg > '9' || *end || id >= SHARDBLK_DEVICES_MAX)
			argp_error(state, "--id: not within 0..%d: %s",
				   SHARDBLK_DEVICES_MAX - 1, arg);
		args->id = (int32_t)id;
		return 0;
	case 'r':
		args->read_only = true;
		return 0;
	case OPT_RETRY_BAD:
		args->retry_bad = true;
		return 0;
	case OPT_MEMTABLE:
		if (ctl_parse_size(arg, &args->memtable) ||
		    args->memtable < SHARDBLK_MEMTABLE_MIN ||
		    args->memtable > SHARDBLK_MEMTABLE_MAX)
			argp_error(state, "--memtable: not within 64K..1G: %s", arg);
		return 0;
	case OPT_CACHE:
		if (ctl_parse_size(arg, &args->cache) ||
		    args->cache < SHARDBLK_CACHE_MIN ||
		    args->cache > SHARDBLK_CACHE_MAX)
			argp_error(state, "--cache: not within 64K..1G: %s", arg);
		return 0;
	case OPT_LOW_WATERMARK:
		if (parse_number(arg, SHARDBLK_WATERMARK_MAX, &args->low_watermark))
			argp_error(state, "--low-watermark: not within 1..%u: %s",
				   SHARDBLK_WATERMARK_MAX, arg);
		return 0;
	case OPT_SCRUB_INTERVAL:
		if (parse_number(arg, SHARDBLK_SCRUB_INTERVAL_MAX, &args->scrub_interval))
			argp_error(state, "--scrub-interval: not within 1..%u: %s",
				   SHARDBLK_SCRUB_INTERVAL_MAX, arg);
		return 0;
	case OPT_IDLE:
		if (!strcmp(arg, "never"))
			args->idle_ms = SHARDBLK_IDLE_NEVER;
		else if (parse_number(arg, SHARDBLK_IDLE_MS_MAX, &args->idle_ms) ||
			 args->idle_ms < SHARDBLK_IDLE_MS_MIN)
			argp_error(state, "--idle: neither within %u..%u nor \"never\": %s",
				   SHARDBLK_IDLE_MS_MIN, SHARDBLK_IDLE_MS_MAX, arg);
		return 0;
	case ARGP_KEY_ARG:
		if (args->path)
			argp_error(state, "one device at a time");
		args->path = arg;
		return 0;
	case ARGP_KEY_NO_ARGS:
		argp_error(state, "which device?");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp add_argp = {
	.options = add_options,
	.parser = parse_add,
	.args_doc = "DEVICE",
	.doc = "Bring DEVICE, which was formatted before, up as /dev/shardblkN, "
	       "and print that name.",
};

/* What the module's errors mean here; the kernel log knows more. */
static int add_error(const struct add_args *args, int error)
{
	const char *path = args->path;

	switch (error) {
	case EEXIST:
		return ctl_error(CTL_REFUSED, "%s: /dev/shardblk%d exists already",
				 path, args->id);
	case ENOSPC:
		return ctl_error(CTL_REFUSED, "%s: all %d numbers are taken",
				 path, SHARDBLK_DEVICES_MAX);
	case EBUSY:
		return ctl_error(CTL_REFUSED,
				 "%s: in use: mounted, held by another driver, or "
				 "this image is added already", path);
	case ENODEV:
		return ctl_error(CTL_REFUSED,
				 "%s: not formatted: see 'shardctl format'", path);
	case EOPNOTSUPP:
		return ctl_error(CTL_REFUSED,
				 "%s: not supported: its format has a version or "
				 "features that this module does not know, or the "
				 "device is zoned, or pages of memory are too large "
				 "here; the kernel log says which", path);
	case EROFS:
		return ctl_error(CTL_REFUSED, "%s: read-only: add it with --read-only",
				 path);
	case EUCLEAN:
		return ctl_error(CTL_DAMAGE,
				 "%s: damaged: the kernel log and 'shardctl check' "
				 "say where", path);
	case ELOOP:
		return ctl_error(CTL_REFUSED,
				 "%s: a shardblk device itself; one cannot lie on "
				 "another", path);
	case EINTR:
		return ctl_error(CTL_SYSTEM, "%s: interrupted", path);
	default:
		return ctl_error(CTL_SYSTEM, "%s: cannot add it: %s (see the kernel log)",
				 path, strerror(error));
	}
}

static int check_addable(const char *path)
{
	struct stat st;

	if (stat(path, &st))
		return ctl_error(CTL_SYSTEM, "%s: %s", path, strerror(errno));
	if (S_ISREG(st.st_mode))
		return ctl_error(CTL_REFUSED,
				 "%s: a file; only block devices can be added: "
				 "make it one with 'losetup --find --show %s'",
				 path, path);
	if (!S_ISBLK(st.st_mode))
		return ctl_error(CTL_REFUSED, "%s: not a block device", path);
	return CTL_DONE;
}

int ctl_add(int argc, char **argv)
{
	struct add_args args = { .id = SHARDBLK_ID_ANY };
	struct shardblk_add add;
	char *path;
	int fd, code;

	argp_parse(&add_argp, argc, argv, 0, NULL, &args);
	code = check_addable(args.path);
	if (code == CTL_DONE)
		code = control_open(&fd);
	if (code != CTL_DONE)
		return code;
	/* Other people's messages name it, too: give them the full path. */
	path = realpath(args.path, NULL);
	control_begin(&add.h, sizeof(add));
	add.id = args.id;
	add.flags = (args.read_only ? SHARDBLK_ADD_READ_ONLY : 0) |
		    (args.retry_bad ? SHARDBLK_ADD_RETRY_BAD : 0);
	add.path = (uint64_t)(uintptr_t)(path ? path : args.path);
	add.memtable = args.memtable;
	add.cache = args.cache;
	add.low_watermark = args.low_watermark;
	add.scrub_interval = args.scrub_interval;
	add.idle_ms = args.idle_ms;
	if (ioctl(fd, SHARDBLK_IOC_ADD, &add))
		code = add_error(&args, errno);
	else
		printf("/dev/shardblk%d\n", add.id);
	free(path);
	close(fd);
	return code;
}

/* ---- remove ---- */

struct remove_args {
	const char *path;
	bool all;
};

static const struct argp_option remove_options[] = {
	{ "all", OPT_ALL, NULL, 0, "Remove all devices", 0 },
	{ NULL, 0, NULL, 0, NULL, 0 }
};

static error_t parse_remove(int key, char *arg, struct argp_state *state)
{
	struct remove_args *args = state->input;

	switch (key) {
	case OPT_ALL:
		args->all = true;
		return 0;
	case ARGP_KEY_ARG:
		if (args->path)
			argp_error(state, "one device at a time, or --all");
		args->path = arg;
		return 0;
	case ARGP_KEY_END:
		if (!args->path == !args->all)
			argp_error(state, "either a device or --all");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp remove_argp = {
	.options = remove_options,
	.parser = parse_remove,
	.args_doc = "/dev/shardblkN\n--all",
	.doc = "Take /dev/shardblkN down. When this returns all that was "
	       "acknowledged is durable.",
};

static int remove_error(int32_t id, int error)
{
	switch (error) {
	case EBUSY:
		return ctl_error(CTL_REFUSED,
				 "/dev/shardblk%d: in use: it is open, or is being "
				 "added or removed", id);
	case ENODEV:
		return ctl_error(CTL_REFUSED, "/dev/shardblk%d: no such device", id);
	case EIO:
		return ctl_error(CTL_SYSTEM,
				 "/dev/shardblk%d: removed, but not all of it could "
				 "be made durable (see the kernel log)", id);
	default:
		return ctl_error(CTL_SYSTEM, "/dev/shardblk%d: cannot remove it: %s",
				 id, strerror(error));
	}
}

static int remove_one(int fd, int32_t id)
{
	struct shardblk_id arg;

	control_begin(&arg.h, sizeof(arg));
	arg.id = id;
	if (ioctl(fd, SHARDBLK_IOC_REMOVE, &arg))
		return remove_error(id, errno);
	return CTL_DONE;
}

/*
 * One may lie on another, so those that are in use are tried again as long as
 * something goes away.
 */
static int remove_all(int fd)
{
	uint32_t nr_ids, nr_left, i;
	int32_t *ids;
	int code, worst;
	bool removed;

	worst = control_list(fd, &ids, &nr_ids);
	if (worst != CTL_DONE)
		return worst;
	do {
		removed = false;
		for (i = 0, nr_left = 0; i < nr_ids; i++) {
			struct shardblk_id arg;

			control_begin(&arg.h, sizeof(arg));
			arg.id = ids[i];
			if (!ioctl(fd, SHARDBLK_IOC_REMOVE, &arg))
				removed = true;
			else if (errno == EBUSY)
				ids[nr_left++] = ids[i];
			else if (errno != ENODEV)
				worst = remove_error(ids[i], errno);
		}
		nr_ids = nr_left;
	} while (removed && nr_left);
	for (i = 0; i < nr_left; i++) {
		code = remove_error(ids[i], EBUSY);
		if (worst == CTL_DONE)
			worst = code;
	}
	free(ids);
	return worst;
}

int ctl_remove(int argc, char **argv)
{
	struct remove_args args = { NULL, false };
	int32_t id;
	int fd, code;

	argp_parse(&remove_argp, argc, argv, 0, NULL, &args);
	code = control_open(&fd);
	if (code != CTL_DONE)
		return code;
	if (args.all) {
		code = remove_all(fd);
	} else {
		code = control_parse_device(fd, args.path, &id);
		if (code == CTL_DONE)
			code = remove_one(fd, id);
	}
	close(fd);
	return code;
}

/* ---- list and status ---- */

struct show_args {
	const char *path;
	bool json;
	bool takes_device;
};

static const struct argp_option show_options[] = {
	{ "json", OPT_JSON, NULL, 0, "Print JSON", 0 },
	{ NULL, 0, NULL, 0, NULL, 0 }
};

static error_t parse_show(int key, char *arg, struct argp_state *state)
{
	struct show_args *args = state->input;

	switch (key) {
	case OPT_JSON:
		args->json = true;
		return 0;
	case ARGP_KEY_ARG:
		if (!args->takes_device || args->path)
			argp_error(state, "too many arguments");
		args->path = arg;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp list_argp = {
	.options = show_options,
	.parser = parse_show,
	.doc = "List the devices that are up.",
};

static const struct argp status_argp = {
	.options = show_options,
	.parser = parse_show,
	.args_doc = "[/dev/shardblkN]",
	.doc = "Show all that is known of a device, or of all that are up.",
};

static const char *state_name(uint32_t state)
{
	static const char * const names[] = {
		[SHARDBLK_STATE_READ_WRITE]	= "read-write",
		[SHARDBLK_STATE_FULL]		= "full",
		[SHARDBLK_STATE_READ_ONLY]	= "read-only",
		[SHARDBLK_STATE_FAILED]		= "failed",
	};

	return state < sizeof(names) / sizeof(names[0]) ? names[state] : "unknown";
}

/* What list tells; status begins with the same. */
static struct json_object *list_record(const struct shardblk_status *s)
{
	struct json_object *record = rec_new();
	char text[32];

	snprintf(text, sizeof(text), "/dev/shardblk%d", s->id);
	rec_text(record, "device", text);
	rec_text(record, "state", state_name(s->state));
	rec_u64(record, "logical_bytes", s->logical_blocks * s->block_size);
	rec_uuid(record, "uuid", s->uuid);
	rec_text_n(record, "backing", s->backing, sizeof(s->backing));
	return record;
}

static void add_space(struct json_object *record,
		      const struct shardblk_status *s)
{
	const uint64_t extent = (uint64_t)s->extent_blocks * s->block_size;

	rec_u64(record, "block_bytes", s->block_size);
	rec_u64(record, "extent_bytes", extent);
	rec_u64(record, "request_max_bytes",
		(uint64_t)s->request_blocks_max * s->block_size);
	rec_u64(record, "mapped_bytes", s->mapped_blocks * s->block_size);
	rec_u64(record, "extents", s->nr_extents);
	rec_u64(record, "super_extents", s->super_extents);
	rec_u64(record, "meta_extents", s->meta_extents);
	rec_u64(record, "index_extents", s->index_extents);
	rec_u64(record, "reloc_extents", s->reloc_extents);
	rec_u64(record, "discard_extents", s->discard_extents);
	rec_u64(record, "head_extents", s->head_extents);
	rec_u64(record, "host_extents", s->host_extents);
	rec_u64(record, "host_extents_used", s->host_extents_used);
	rec_u64(record, "host_extents_left", s->host_extents_left);
	rec_u64(record, "reloc_extents_used", s->reloc_extents_used);
	rec_bool(record, "thin", s->thin);
	rec_u64(record, "free_guaranteed_bytes", s->free_guaranteed * s->block_size);
	rec_u64(record, "free_estimate_bytes", s->free_estimate * s->block_size);
	rec_u64(record, "low_watermark_percent", s->low_watermark);
	rec_bool(record, "space_low", s->space_low);
	rec_u64(record, "free_extents", s->free_extents);
	rec_u64(record, "bad_extents", s->bad_extents);
}

static struct json_object *status_record(const struct shardblk_status *s)
{
	struct json_object *record = list_record(s);
	char text[32];

	snprintf(text, sizeof(text), "%u:%u", s->backing_major, s->backing_minor);
	rec_text(record, "backing_number", text);
	snprintf(text, sizeof(text), "%u:%u", s->major, s->minor);
	rec_text(record, "device_number", text);
	rec_bool(record, "added_read_only", s->read_only);
	rec_uuid(record, "format_id", s->format_id);
	add_space(record, s);
	rec_u64(record, "applied_seq", s->applied_seq);
	rec_u64(record, "durable_seq", s->durable_seq);
	rec_u64(record, "checkpoint_seq", s->checkpoint_seq);
	rec_u64(record, "record_number", s->record_number);
	rec_u64(record, "log_bytes", s->log_blocks * s->block_size);
	return record;
}

/* The module names its counters: in JSON by name, in text with what they mean. */
static int add_stats(int fd, const struct shardblk_status *s,
		     struct json_object *record, bool json)
{
	struct json_object *stats = rec_new();
	struct shardblk_stat stat;
	char key[2 * SHARDBLK_NAME_MAX + 32];
	uint32_t i;

	json_object_object_add(record, "statistics", stats);
	for (i = 0; i < s->nr_stats && i < SHARDBLK_STATS_MAX; i++) {
		control_begin(&stat.h, sizeof(stat));
		stat.index = i;
		if (ioctl(fd, SHARDBLK_IOC_STAT, &stat))
			return ctl_error(CTL_SYSTEM, "cannot ask for the name of a counter: %s",
					 strerror(errno));
		stat.name[SHARDBLK_NAME_MAX - 1] = '\0';
		stat.meaning[SHARDBLK_NAME_MAX - 1] = '\0';
		if (json)
			snprintf(key, sizeof(key), "%s", stat.name);
		else
			snprintf(key, sizeof(key), "%-22s%s", stat.name, stat.meaning);
		rec_u64(stats, key, s->stats[i]);
	}
	return CTL_DONE;
}

/* A device that went away since it was listed is no error. */
static int show_one(int fd, int32_t id, bool all, bool status,
		    struct output *output)
{
	struct shardblk_status s;
	struct json_object *record;
	int code = CTL_DONE;

	if (control_status(fd, id, &s)) {
		if (errno != ENODEV)
			return ctl_error(CTL_SYSTEM, "/dev/shardblk%d: %s", id,
					 strerror(errno));
		return all ? CTL_DONE :
		       ctl_error(CTL_REFUSED, "/dev/shardblk%d: no such device", id);
	}
	if (status) {
		record = status_record(&s);
		code = add_stats(fd, &s, record, output->json);
		output_record(output, record);
	} else if (output->json) {
		output_record(output, list_record(&s));
	} else {
		char size[CTL_SIZE_TEXT], uuid[CTL_UUID_TEXT];

		printf("/dev/shardblk%-3d %-10s %11s  %s  %.*s\n", s.id,
		       state_name(s.state),
		       ctl_size_text(s.logical_blocks * s.block_size, size),
		       ctl_uuid_text(s.uuid, uuid), (int)sizeof(s.backing),
		       s.backing);
	}
	return code;
}

static int show(const struct show_args *args, bool status)
{
	struct output output;
	uint32_t nr_ids = 1, i;
	int32_t one, *ids = &one;
	int fd, code;

	code = control_open(&fd);
	if (code != CTL_DONE)
		return code;
	if (args->path)
		code = control_parse_device(fd, args->path, &one);
	else
		code = control_list(fd, &ids, &nr_ids);
	if (code != CTL_DONE)
		goto out_close;
	output_begin(&output, args->json);
	for (i = 0; i < nr_ids && code == CTL_DONE; i++)
		code = show_one(fd, ids[i], !args->path, status, &output);
	output_end(&output);
	if (ids != &one)
		free(ids);
out_close:
	close(fd);
	return code;
}

int ctl_list(int argc, char **argv)
{
	struct show_args args = { NULL, false, false };

	argp_parse(&list_argp, argc, argv, 0, NULL, &args);
	return show(&args, false);
}

int ctl_status(int argc, char **argv)
{
	struct show_args args = { NULL, false, true };

	argp_parse(&status_argp, argc, argv, 0, NULL, &args);
	return show(&args, true);
}
