// SPDX-License-Identifier: GPL-2.0-only
/*
 * shardctl: format, add, inspect and check shardblk devices.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shardctl.h"
#include "shardblk.h"
#include "shardblk_format.h"

struct command {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *what;
};

static const struct command commands[] = {
	{ "format",	ctl_format,	"make a device or file a shardblk device" },
	{ "add",	ctl_add,	"bring a formatted device up as /dev/shardblkN" },
	{ "remove",	ctl_remove,	"take /dev/shardblkN down" },
	{ "scrub",	ctl_scrub,	"have a device verified while it is up" },
	{ "list",	ctl_list,	"list the devices that are up" },
	{ "status",	ctl_status,	"show all that is known of them" },
	{ "check",	ctl_check,	"verify a device or image" },
	{ "dump",	ctl_dump,	"print the records of a device or image" },
	{ "export",	ctl_export,	"copy the logical contents out" },
	{ "graph",	ctl_graph,	"draw what was written after what" },
};

#define NR_COMMANDS	(sizeof(commands) / sizeof(commands[0]))

/* What argp leaves to be run. */
struct invocation {
	const struct command *command;
	int argc;
	char **argv;
};

static void print_version(FILE *stream, struct argp_state *state)
{
	(void)state;
	fprintf(stream, "shardctl %s (format %u, control interface %u)\n",
		SHARDCTL_VERSION, SHARDBLK_FORMAT_VERSION,
		SHARDBLK_IOCTL_VERSION);
}

/* The list of commands goes before the list of options. */
static char *help_filter(int key, const char *text, void *input)
{
	char *list = NULL;
	size_t len = 0, i;
	FILE *stream;

	(void)input;
	if (key != ARGP_KEY_HELP_POST_DOC)
		return (char *)text;
	stream = open_memstream(&list, &len);
	if (!stream)
		return NULL;
	fputs("Commands:\n", stream);
	for (i = 0; i < NR_COMMANDS; i++)
		fprintf(stream, "  %-9s%s\n", commands[i].name, commands[i].what);
	fputs("\n'shardctl COMMAND --help' says more. Exit codes: 0 done, "
	      "1 usage, 2 refused (in use, signature, state), 3 system or I/O "
	      "error, 4 damage found.", stream);
	fclose(stream);
	return list;
}

static error_t parse_main(int key, char *arg, struct argp_state *state)
{
	struct invocation *invocation = state->input;
	size_t i;

	switch (key) {
	case ARGP_KEY_ARG:
		for (i = 0; i < NR_COMMANDS; i++)
			if (!strcmp(arg, commands[i].name))
				invocation->command = &commands[i];
		if (!invocation->command)
			argp_error(state, "no such command: %s", arg);
		/* The rest is the command's. */
		invocation->argc = state->argc - state->next + 1;
		invocation->argv = state->argv + state->next - 1;
		state->next = state->argc;
		return 0;
	case ARGP_KEY_NO_ARGS:
		argp_error(state, "which command?");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp main_argp = {
	.parser = parse_main,
	.args_doc = "COMMAND [ARGUMENT...]",
	.doc = "Format, add, inspect and check shardblk devices.\v",
	.help_filter = help_filter,
};

int main(int argc, char **argv)
{
	struct invocation invocation = { NULL, 0, NULL };
	char name[32];
	int code;

	argp_err_exit_status = CTL_USAGE;
	argp_program_version_hook = print_version;
	if (argp_parse(&main_argp, argc, argv, ARGP_IN_ORDER, NULL, &invocation))
		return CTL_SYSTEM;

	snprintf(name, sizeof(name), "shardctl %s", invocation.command->name);
	invocation.argv[0] = name;
	code = invocation.command->run(invocation.argc, invocation.argv);

	/* Output that went nowhere is not "done". */
	if (fflush(stdout) || ferror(stdout))
		code = ctl_error(CTL_SYSTEM, "cannot write to standard output");
	return code;
}
