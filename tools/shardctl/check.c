// SPDX-License-Identifier: GPL-2.0-only
/*
 * shardctl check: what recovery finds, then every page of the index, and every
 * block of data when asked for.
 */
#include "image.h"
#include "output.h"
#include "shardctl.h"

/**
 * struct check - one run of the command
 * @log:	what recovery complains of
 * @report:	what the check complains of
 * @path:	argument
 * @data:	argument
 * @force:	argument
 * @json:	argument
 * @findings:	JSON only: all of them so far
 * @notes:	JSON only: what is unusual and no damage
 * @nr_findings: so far
 */
struct check {
	struct image_log log;
	struct shard_check_report report;
	const char *path;
	bool data;
	bool force;
	bool json;
	struct json_object *findings;
	struct json_object *notes;
	u64 nr_findings;
};

enum { OPT_DATA = 0x100, OPT_JSON };

static const struct argp_option check_options[] = {
	{ "data", OPT_DATA, NULL, 0, "Read and verify every block of data as well", 0 },
	{ "force", 'f', NULL, 0, "Also when it is in use; findings may then be wrong", 0 },
	{ "json", OPT_JSON, NULL, 0, "Print JSON", 0 },
	{ NULL, 0, NULL, 0, NULL, 0 }
};

static error_t parse_check(int key, char *arg, struct argp_state *state)
{
	struct check *check = state->input;

	switch (key) {
	case OPT_DATA:
		check->data = true;
		return 0;
	case 'f':
		check->force = true;
		return 0;
	case OPT_JSON:
		check->json = true;
		return 0;
	case ARGP_KEY_ARG:
		if (check->path)
			argp_error(state, "one device or file at a time");
		check->path = arg;
		return 0;
	case ARGP_KEY_NO_ARGS:
		argp_error(state, "which device or file?");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp check_argp = {
	.options = check_options,
	.parser = parse_check,
	.args_doc = "DEVICE|FILE",
	.doc = "Verify a device or image without changing it: the superblock, the "
	       "log, the manifest and the index. Exit code 4: damage was found.",
};

static void finding(struct check *check, const char *what)
{
	check->nr_findings++;
	if (check->json)
		rec_array_text(check->findings, what);
	else
		printf("damage: %s\n", what);
}

static void opening_found(struct image_log *log, const char *text)
{
	finding(container_of(log, struct check, log), text);
}

static void checking_found(struct shard_check_report *report, const char *what)
{
	finding(container_of(report, struct check, report), what);
}

static void checking_noted(struct shard_check_report *report, const char *what)
{
	struct check *check = container_of(report, struct check, report);

	if (check->json)
		rec_array_text(check->notes, what);
	else
		printf("note: %s\n", what);
}

static int run_check(struct check *check, struct image *image)
{
	struct shard_device *device;
	int code, err;

	code = image_recover(image, &device);
	if (code != CTL_DONE)
		return code;
	err = shard_check(device, check->data, &check->report);
	if (err)
		code = ctl_error(CTL_SYSTEM, "%s: cannot check it: %s",
				 check->path, strerror(-err));
	shard_device_close(device);
	return code;
}

static void print_result(const struct check *check, const struct image *image,
			 struct json_object *result)
{
	rec_text(result, "path", check->path);
	rec_uuid(result, "uuid", image->identity.uuid);
	rec_bool(result, "clean", !check->nr_findings);
	rec_u64(result, "findings", check->nr_findings);
	rec_u64(result, "index_pages_read", check->report.nr_pages);
	rec_u64(result, "data_blocks_read", check->report.nr_blocks);
	output_object(check->json, result);
}

int ctl_check(int argc, char **argv)
{
	struct check check = {
		.log.message = opening_found,
		.report.damage = checking_found,
		.report.note = checking_noted,
	};
	struct json_object *result;
	struct image image;
	int code;

	argp_parse(&check_argp, argc, argv, 0, NULL, &check);
	result = rec_new();
	if (check.json) {
		check.findings = rec_array(result, "damage");
		check.notes = rec_array(result, "notes");
	}
	code = image_open(&image, check.path, check.force, &check.log);
	if (code != CTL_DONE) {
		json_object_put(result);
		return code;
	}
	code = run_check(&check, &image);
	/* A device that recovery refuses for damage has its findings as well. */
	if (code == CTL_DAMAGE && !check.nr_findings)
		finding(&check, "recovery is not possible");
	if (code == CTL_DONE && check.nr_findings)
		code = CTL_DAMAGE;
	if (code == CTL_DONE || code == CTL_DAMAGE)
		print_result(&check, &image, result);
	else
		json_object_put(result);
	image_close(&image);
	return code;
}
