// SPDX-License-Identifier: GPL-2.0-only
/*
 * shardctl graph: draws the dependency graph of an image, of a device that is
 * up, or of what a device has recorded before.
 *
 * A device that is up keeps the last events of its graph when it was told to;
 * they, and its state, are in debugfs.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include "graph.h"
#include "shardctl.h"
#include "target.h"

#define DEBUGFS		"/sys/kernel/debug/shardblk"
#define PATH_LEN	128
/* What debugfs begins with. */
#define SIGNATURE	"# shardblk graph"

struct graph_args {
	const char *path;
	const char *output;	/* NULL: standard output */
	const char *record;	/* what to write to debugfs, or NULL */
	size_t last;
	bool force;
};

enum { OPT_LAST = 0x100, OPT_RECORD };

static const struct argp_option graph_options[] = {
	{ "output", 'o', "FILE", 0,
	  "Write there; a name that ends in .svg gets a picture, made by dot", 0 },
	{ "last", OPT_LAST, "N", 0, "Draw the last N appends (default 64)", 0 },
	{ "record", OPT_RECORD, "on|off", 0,
	  "Of a device that is up: begin to record events, or end that; draw nothing", 0 },
	{ "force", 'f', NULL, 0, "Also when it is in use", 0 },
	{ NULL, 0, NULL, 0, NULL, 0 }
};

static error_t parse_graph(int key, char *arg, struct argp_state *state)
{
	struct graph_args *args = state->input;
	char *end;

	switch (key) {
	case 'o':
		args->output = arg;
		return 0;
	case OPT_LAST:
		args->last = strtoul(arg, &end, 10);
		if (*end || !args->last)
			argp_error(state, "--last: not a number: %s", arg);
		return 0;
	case OPT_RECORD:
		args->record = !strcmp(arg, "on") ? "1" :
			       !strcmp(arg, "off") ? "0" : NULL;
		if (!args->record)
			argp_error(state, "--record: neither on nor off: %s", arg);
		return 0;
	case 'f':
		args->force = true;
		return 0;
	case ARGP_KEY_ARG:
		if (args->path)
			argp_error(state, "one device or file at a time");
		args->path = arg;
		return 0;
	case ARGP_KEY_NO_ARGS:
		argp_error(state, "which device or file?");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp graph_argp = {
	.options = graph_options,
	.parser = parse_graph,
	.args_doc = "/dev/shardblkN|DEVICE|FILE",
	.doc = "Draw what was written after what, and what is durable, for dot "
	       "(Graphviz): of a device that is up, what it has recorded; of an "
	       "image, what its records tell.",
};

/* ---- where it comes from ---- */

/* Is @path a device of ours?  Then its file in debugfs is @debugfs. */
static bool find_live(const char *path, char debugfs[PATH_LEN])
{
	char link[PATH_LEN], to[PATH_LEN];
	const char *name;
	struct stat st;
	ssize_t len;
	int id, end = 0;

	if (stat(path, &st) || !S_ISBLK(st.st_mode))
		return false;
	snprintf(link, sizeof(link), "/sys/dev/block/%u:%u",
		 major(st.st_rdev), minor(st.st_rdev));
	len = readlink(link, to, sizeof(to) - 1);
	if (len < 0)
		return false;
	to[len] = '\0';
	name = strrchr(to, '/');
	if (!name || sscanf(name, "/shardblk%d%n", &id, &end) != 1 || name[end])
		return false;
	snprintf(debugfs, PATH_LEN, DEBUGFS "/%d/graph", id);
	return true;
}

static int set_recording(const char *debugfs, const char *text)
{
	FILE *file = fopen(debugfs, "we");
	bool ok = file && fputs(text, file) >= 0;

	/* what counts is what the write said */
	if (file && fclose(file))
		ok = false;
	return ok ? CTL_DONE : ctl_error(CTL_SYSTEM, "%s: %s", debugfs,
					 strerror(errno));
}

static bool is_recorded(const char *path)
{
	char line[sizeof(SIGNATURE)] = "";
	FILE *file = fopen(path, "re");

	if (!file)
		return false;
	if (!fgets(line, sizeof(line), file))
		line[0] = '\0';
	fclose(file);
	return !strcmp(line, SIGNATURE);
}

static int graph_from_lines(struct graph *graph, const char *path)
{
	FILE *file = fopen(path, "re");
	char *line = NULL;
	size_t size = 0;
	int code = CTL_DONE;

	if (!file)
		return ctl_error(CTL_SYSTEM, "%s: %s", path, strerror(errno));
	while (code == CTL_DONE && getline(&line, &size, file) > 0)
		if (line[0] != '#' && !graph_line(graph, line))
			code = ctl_error(CTL_SYSTEM,
					 "%s: not understood: %s", path, line);
	if (code == CTL_DONE && ferror(file))
		code = ctl_error(CTL_SYSTEM, "%s: %s", path, strerror(errno));
	free(line);
	fclose(file);
	if (code == CTL_DONE && !graph->nr_appends)
		ctl_note("%s: nothing was recorded; --record=on begins that",
			 path);
	return code;
}

/* ---- where it goes ---- */

static int put_dot(const struct graph *graph, const struct graph_args *args,
		   FILE *out)
{
	if (!graph_dot(graph, out, args->path, args->last))
		return ctl_error(CTL_SYSTEM, "cannot draw %s", args->path);
	return CTL_DONE;
}

/* Has dot read from the other end.  Return: its process, or -1. */
static pid_t start_dot(const char *output, FILE **in)
{
	int ends[2];
	pid_t child;

	if (pipe(ends))
		return -1;
	child = fork();
	if (!child) {
		dup2(ends[0], STDIN_FILENO);
		close(ends[0]);
		close(ends[1]);
		execlp("dot", "dot", "-Tsvg", "-o", output, (char *)NULL);
		_exit(127);
	}
	close(ends[0]);
	*in = child < 0 ? NULL : fdopen(ends[1], "w");
	return child;
}

static int put_svg(const struct graph *graph, const struct graph_args *args)
{
	FILE *in = NULL;
	int code, status;
	pid_t child;

	/* if dot is not there the pipe has no reader */
	signal(SIGPIPE, SIG_IGN);
	child = start_dot(args->output, &in);
	if (child < 0 || !in)
		return ctl_error(CTL_SYSTEM, "cannot start dot: %s",
				 strerror(errno));
	code = graph_dot(graph, in, args->path, args->last) ? CTL_DONE :
							      CTL_SYSTEM;
	if (fclose(in))
		code = CTL_SYSTEM;
	if (waitpid(child, &status, 0) < 0)
		return ctl_error(CTL_SYSTEM, "dot: %s", strerror(errno));
	if (WIFEXITED(status) && WEXITSTATUS(status) == 127)
		return ctl_error(CTL_SYSTEM,
				 "dot is not installed: package graphviz");
	if (code != CTL_DONE || !WIFEXITED(status) || WEXITSTATUS(status))
		return ctl_error(CTL_SYSTEM, "%s: dot failed", args->output);
	return CTL_DONE;
}

/* It would be emptied. */
static int check_output(const struct graph_args *args)
{
	struct stat st, source;

	if (stat(args->output, &st))
		return CTL_DONE;
	if (S_ISBLK(st.st_mode))
		return ctl_error(CTL_REFUSED, "%s: is a block device",
				 args->output);
	if (!stat(args->path, &source) && target_same(&st, &source))
		return ctl_error(CTL_USAGE, "%s: is the source itself",
				 args->output);
	return S_ISREG(st.st_mode) ? target_refuse_loop(args->output, &st) :
				     CTL_DONE;
}

static int put_graph(const struct graph *graph, const struct graph_args *args)
{
	const char *end = args->output ? strrchr(args->output, '.') : NULL;
	FILE *out;
	int code;

	if (!args->output)
		return put_dot(graph, args, stdout);
	code = check_output(args);
	if (code != CTL_DONE)
		return code;
	if (end && !strcmp(end, ".svg"))
		return put_svg(graph, args);
	out = fopen(args->output, "we");
	if (!out)
		return ctl_error(CTL_SYSTEM, "%s: %s", args->output,
				 strerror(errno));
	code = put_dot(graph, args, out);
	if (fclose(out) && code == CTL_DONE)
		code = ctl_error(CTL_SYSTEM, "%s: %s", args->output,
				 strerror(errno));
	return code;
}

/* ---- the command ---- */

int ctl_graph(int argc, char **argv)
{
	struct graph_args args = { .last = GRAPH_APPENDS };
	char debugfs[PATH_LEN];
	struct graph *graph;
	bool live;
	int code, drawn;

	argp_parse(&graph_argp, argc, argv, 0, NULL, &args);
	live = find_live(args.path, debugfs);
	if (args.record && !live)
		return ctl_error(CTL_REFUSED, "%s: not a device that is up",
				 args.path);
	if (args.record)
		return set_recording(debugfs, args.record);
	graph = graph_new();
	if (!graph)
		return ctl_error(CTL_SYSTEM, "out of memory");
	if (live)
		code = graph_from_lines(graph, debugfs);
	else if (is_recorded(args.path))
		code = graph_from_lines(graph, args.path);
	else
		code = graph_from_image(graph, args.path, args.force);
	if (code == CTL_DONE || (code == CTL_DAMAGE && graph->nr_appends)) {
		drawn = put_graph(graph, &args);
		code = code == CTL_DONE ? drawn : code;
	}
	graph_free(graph);
	return code;
}
