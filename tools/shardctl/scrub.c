// SPDX-License-Identifier: GPL-2.0-only
/*
 * shardctl scrub: begins, ends and shows a scrub of a device that is up.
 */
#include <argp.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "control.h"
#include "shardctl.h"

struct scrub_args {
	const char *path;
	const char *what;		/* NULL: show how it is */
};

static const struct argp_option scrub_options[] = {
	{ "start", 's', NULL, 0, "Begin one", 0 },
	{ "stop", 'k', NULL, 0, "End the one that runs", 0 },
	{ NULL, 0, NULL, 0, NULL, 0 }
};

static error_t parse_scrub(int key, char *arg, struct argp_state *state)
{
	struct scrub_args *args = state->input;

	switch (key) {
	case 's':
	case 'k':
		if (args->what)
			argp_error(state, "either --start or --stop");
		args->what = key == 's' ? "start" : "stop";
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

static const struct argp scrub_argp = {
	.options = scrub_options,
	.parser = parse_scrub,
	.args_doc = "/dev/shardblkN",
	.doc = "Have all data and the index of a device that is up read and "
	       "verified in the background, and show how far that is. What is "
	       "damaged is in the kernel log.",
};

static int scrub_error(int32_t id, int error)
{
	switch (error) {
	case EBUSY:
		return ctl_error(CTL_REFUSED, "/dev/shardblk%d: a scrub runs already",
				 id);
	case ENOENT:
	case ENODEV:
		return ctl_error(CTL_REFUSED, "/dev/shardblk%d: no such device", id);
	default:
		return ctl_error(CTL_SYSTEM, "/dev/shardblk%d: cannot scrub it: %s",
				 id, strerror(error));
	}
}

/* Writes a word to the file in sysfs, or prints what that says. */
static int scrub_file(int32_t id, const char *what)
{
	char path[64], text[128];
	ssize_t len;
	int fd, error = 0;

	snprintf(path, sizeof(path), "/sys/block/shardblk%d/shardblk/scrub", id);
	fd = open(path, what ? O_WRONLY : O_RDONLY);
	if (fd < 0)
		return scrub_error(id, errno);
	len = what ? write(fd, what, strlen(what)) : read(fd, text, sizeof(text));
	if (len < 0)
		error = errno;
	else if (!what)
		printf("%.*s", (int)len, text);
	close(fd);
	return error ? scrub_error(id, error) : CTL_DONE;
}

int ctl_scrub(int argc, char **argv)
{
	struct scrub_args args = { NULL, NULL };
	int32_t id;
	int fd, code;

	argp_parse(&scrub_argp, argc, argv, 0, NULL, &args);
	code = control_open(&fd);
	if (code != CTL_DONE)
		return code;
	code = control_parse_device(fd, args.path, &id);
	close(fd);
	return code == CTL_DONE ? scrub_file(id, args.what) : code;
}
