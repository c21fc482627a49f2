// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who was first seen to take locks in some order, and in which run.
 *
 * The graph of lock orders outlives runs, so what closes a circle may fail a run
 * only because of others.  That failure names them: replayed behind these, the run
 * fails again.
 */
#include "fiber.h"

#define SEEN_MAX	1024	/* of more nothing is told */
#define WHO_SIZE	48
#define RUN_SIZE	64

/**
 * struct seen - an edge of the graph, or a use of a class
 * @from:	what was held; NULL: it is a use
 * @to:		what was taken, or used
 * @use:	"in an interrupt", "with interrupts on"
 * @held_at:	where @from was taken; NULL: by no lock
 * @at:		where @to was taken, likewise
 * @nr_run:	in which run of this process
 * @who:	by whom
 * @run:	what that run is called; empty: it has no name
 */
struct seen {
	const struct kapi_lock_class *from;
	const struct kapi_lock_class *to;
	const char *use;
	const char *held_at;
	const char *at;
	u64 nr_run;
	char who[WHO_SIZE];
	char run[RUN_SIZE];
};

static struct seen seen[SEEN_MAX];
static u32 nr_seen, nr_kept;
static bool keep = true;
static u64 nr_run;

static char text[2048], runs[512];
static size_t len;

const char *kapi_failure_runs(void)
{
	return runs;
}

void kapi_seen_run(void)
{
	nr_run++;
	runs[0] = '\0';
	if (!keep)
		nr_seen = nr_kept;
}

void kapi_seen_keep(bool on)
{
	keep = on;
	nr_kept = nr_seen;
}

void kapi_seen_reset(void)
{
	nr_seen = 0;
	nr_kept = 0;
}

static const char *who(void)
{
	return kapi.ctx->irq ? kapi.ctx->name : kapi_fiber_name(kapi.cur);
}

void kapi_seen_add(const struct kapi_lock_class *from,
		   const struct kapi_lock_class *to, const char *use,
		   const char *held_at, const char *at)
{
	struct seen *s = &seen[nr_seen];

	if (nr_seen == SEEN_MAX)
		return;
	nr_seen++;
	*s = (struct seen){
		.from = from, .to = to, .use = use, .held_at = held_at,
		.at = at, .nr_run = nr_run,
	};
	scnprintf(s->who, sizeof(s->who), "%s", who());
	if (kapi.hooks->run)
		kapi.hooks->run(kapi.hooks->ctx, s->run, sizeof(s->run));
}

/* --- telling --- */

static __printf(1, 2) void add(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	len += vscnprintf(text + len, sizeof(text) - len, fmt, args);
	va_end(args);
}

/* Each once, "+" between them; those that have no name as "?". */
static void run_needed(const struct seen *s)
{
	const char *name = *s->run ? s->run : "?";
	size_t size = strlen(name), at = strlen(runs);
	const char *found = runs;

	while ((found = strstr(found, name))) {
		if ((found == runs || found[-1] == '+') &&
		    (!found[size] || found[size] == '+'))
			return;
		found += size;
	}
	if (at + size + 2 <= sizeof(runs))
		scnprintf(runs + at, sizeof(runs) - at, "%s%s", at ? "+" : "",
			  name);
}

static void tell_places(const char *by, const char *held_at, const char *at)
{
	add(" by %s", by);
	if (at)
		add(", at %s", at);
	if (held_at)
		add(", held since %s", held_at);
}

static void tell(const struct seen *s)
{
	add("\n  %s (%s) ", s->to->name, s->to->at);
	if (s->from)
		add("under %s (%s)", s->from->name, s->from->at);
	else
		add("%s", s->use);
	tell_places(s->who, s->held_at, s->at);
	if (s->nr_run == nr_run)
		return;
	add(", in %s", *s->run ? s->run : "a run that has no name");
	run_needed(s);
}

const char *kapi_seen_begin(const char *held_at, const char *at)
{
	len = 0;
	add("\n  now");
	tell_places(who(), held_at, at);
	return text;
}

void kapi_seen_tell(const struct kapi_lock_class *from,
		    const struct kapi_lock_class *to, const char *use)
{
	u32 i;

	for (i = 0; i < nr_seen; i++)
		if (seen[i].from == from && seen[i].to == to &&
		    seen[i].use == use)
			tell(&seen[i]);
}

const char *kapi_seen_when(void)
{
	static char when[sizeof(runs) + 8];

	scnprintf(when, sizeof(when), "%s%s", *runs ? "in " : "before", runs);
	return when;
}
