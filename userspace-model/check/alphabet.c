// SPDX-License-Identifier: GPL-2.0-only
/*
 * DOC: the alphabet
 *
 * Blocks a and b are neighbours, so that one request can write both.  Each
 * sequence begins on a device that was opened and filled by one durable write
 * so far that just one more frame of one block fits into the open extent: what
 * is written next and what comes after it lie on either side of its end.
 *
 * An operation ends when it is acknowledged; what it set going in the
 * background goes on beside the next one.  The last one goes on until nothing
 * is left to happen.
 *
 * The power is cut when all waits for the next event, after 0, 1, 2 ... of
 * them.  Between two events nothing becomes durable, what has been submitted
 * may land or not, and only promises are added: so the states at such a moment
 * include those of every moment since the last event, and more is asked of
 * them.
 *
 * The usual disk has a volatile cache.  Without one a power cut leaves open only
 * what is in flight; with FUA writes are durable that no flush follows; and a
 * zone keeps a prefix, is reset before it is written again, and tells its
 * pointer.  The first append of a sequence may also be reported as failed,
 * though it is in the cache: nobody may notice.
 */
#include <stdlib.h>

#include "alphabet.h"
#include "runner.h"
#include "script.h"

#define BLOCK_A		14u
#define BLOCK_B		15u
#define FILL_BLOCKS	13u	/* and a header: two blocks of 16 are left */

const char * const alphabet_disks[ALPHABET_DISKS] = {
	[ALPHABET_CACHE] = "cache",
	[ALPHABET_NO_CACHE] = "no-cache",
	[ALPHABET_FUA] = "fua",
	[ALPHABET_ZONED] = "zoned",
	[ALPHABET_FAILING] = "failing",
};

/* What the engine has no operation of its own for is put together. */
enum alphabet_op {
	ALPHA_WRITE_A,
	ALPHA_WRITE_B,
	ALPHA_WRITE_BOTH,
	ALPHA_WRITE_A_FUA,
	ALPHA_DISCARD_A,
	ALPHA_ZERO_B,		/* to the engine a discard */
	ALPHA_FLUSH,
	ALPHA_READ_ALL,
	ALPHA_CHECKPOINT,
	ALPHA_COMPACT,		/* all that is said, in one run */
	ALPHA_RECLAIM,		/* nothing live is left in the first extent */
	ALPHA_RESTART,
};

static const char * const op_names[ALPHABET_OPS] = {
	[ALPHA_WRITE_A] = "write a",
	[ALPHA_WRITE_B] = "write b",
	[ALPHA_WRITE_BOTH] = "write a+b",
	[ALPHA_WRITE_A_FUA] = "write a FUA",
	[ALPHA_DISCARD_A] = "discard a",
	[ALPHA_ZERO_B] = "write-zeroes b",
	[ALPHA_FLUSH] = "flush",
	[ALPHA_READ_ALL] = "read all",
	[ALPHA_CHECKPOINT] = "checkpoint",
	[ALPHA_COMPACT] = "compact",
	[ALPHA_RECLAIM] = "reclaim",
	[ALPHA_RESTART] = "restart",
};

static void do_op(struct world *w, enum alphabet_op op)
{
	world_note(w, "      | %s", op_names[op]);
	switch (op) {
	case ALPHA_WRITE_A:
	case ALPHA_WRITE_A_FUA:
		script_write(w, BLOCK_A, 1, op == ALPHA_WRITE_A_FUA);
		break;
	case ALPHA_WRITE_B:
		script_write(w, BLOCK_B, 1, false);
		break;
	case ALPHA_WRITE_BOTH:
		script_write(w, BLOCK_A, 2, false);
		break;
	case ALPHA_DISCARD_A:
		script_discard(w, BLOCK_A, 1);
		break;
	case ALPHA_ZERO_B:
		script_discard(w, BLOCK_B, 1);
		break;
	case ALPHA_FLUSH:
		script_flush(w);
		break;
	case ALPHA_READ_ALL:
		script_read_all(w);
		break;
	case ALPHA_RECLAIM:
		world_reclaim(w);
		break;
	case ALPHA_COMPACT:
		world_checkpoint(w);
		world_compact(w);
		break;
	case ALPHA_CHECKPOINT:
		world_checkpoint(w);
		break;
	case ALPHA_RESTART:
		world_restart(w);
		break;
	}
}

/* ---- numbers ---- */

u64 alphabet_count(u32 length)
{
	u64 nr = 0, power = 1;

	while (length--) {
		power *= ALPHABET_OPS;
		nr += power;
	}
	return nr;
}

u32 alphabet_length(u64 sequence)
{
	u32 length = 1;

	while (sequence >= alphabet_count(length))
		length++;
	return length;
}

static u32 ops_of(u64 sequence, u8 *ops)
{
	u32 nr = alphabet_length(sequence), i;

	sequence -= alphabet_count(nr - 1);
	for (i = nr; i--; sequence /= ALPHABET_OPS)
		ops[i] = sequence % ALPHABET_OPS;
	return nr;
}

/* ---- one point ---- */

/* A formatted device, stopped; the same for all sequences. */
static void prepare(struct alphabet *a)
{
	struct world *w = a->world;
	struct world_config config;

	history_config(&config, false, false);
	/* the power shall fail there too */
	config.disk.slow_resets = true;
	config.disk.volatile_cache = a->disk != ALPHABET_NO_CACHE;
	config.disk.fua = a->disk == ALPHABET_FUA;
	if (a->disk == ALPHABET_ZONED)
		config.disk.zone_size = config.disk.extent_size;
	world_begin(w, &config);
	world_close(w);
	sim_snapshot_take(&a->image, w->disk);
}

static void begin(struct alphabet *a)
{
	struct world *w = a->world;

	if (!a->ready)
		prepare(a);
	a->ready = false;
	sim_snapshot_restore(w->disk, &a->image);
	m_device_init(&w->model, w->model.nr_blocks);
	w->serial = 0;
	w->nr_numbers = 0;
	if (world_open(w))
		kapi_fail("a new device cannot be opened");
	script_write(w, 0, FILL_BLOCKS, true);
}

/* What there is no operation for ends at once. */
static void run_point(struct alphabet *a)
{
	struct world *w = a->world;
	u32 i;

	begin(a);
	if (a->disk == ALPHABET_FAILING)
		w->disk->strike = (struct sim_strike){
			.in = 1, .ops = BIT(SHARD_IO_APPEND),
			.fault = SIM_FAULT_ERROR, .lands = true,
		};
	for (i = 0; i < a->nr_ops; i++) {
		if (i == a->nr_ops - 1) {
			w->stopping = true;
			w->stop_in = a->point;
		}
		do_op(w, a->ops[i]);
	}
	w->stopping = true;
	wait_event(w->wait, w->cut);
	a->last = w->idle;
	world_power_off(w);
	w->disk->strike.in = 0;
	if (a->lie)
		w->model.must = w->model.acked;
	crash_explore(&a->crash);
	a->ready = true;
}

static void point_fiber(void *arg)
{
	run_point(arg);
}

const char *alphabet_point(struct alphabet *a, u64 sequence, u32 point)
{
	a->nr_ops = ops_of(sequence, a->ops);
	a->point = point;
	a->last = false;
	a->crash.w = a->world;
	*a->crash.where = (struct crash_where){ .at[0].point = point };
	world_reset(a->world);
	sim_choices_list(&a->world->sim.choices, NULL, 0);
	return kapi_run(&a->world->sim.hooks, point_fiber, a) ?
		kapi_failure() : NULL;
}

const char *alphabet_sequence(struct alphabet *a, u64 sequence)
{
	const char *why;
	u32 point = 0;

	do {
		why = alphabet_point(a, sequence, point++);
	} while (!why && !a->last);
	return why;
}

/* ---- places ---- */

void alphabet_place_print(const struct alphabet_place *place, char *buf,
			  size_t size)
{
	const struct crash_where *where = &place->where;
	size_t len;
	u32 i;

	len = scnprintf(buf, size, "%llu", place->sequence);
	for (i = 0; i <= where->depth; i++)
		len += scnprintf(buf + len, size - len, ":%u:%llu",
				 where->at[i].point, where->at[i].state);
}

int alphabet_place_parse(const char *text, struct alphabet_place *place)
{
	struct crash_place *at = place->where.at;
	char *end;
	int nr;

	memset(place, 0, sizeof(*place));
	place->sequence = strtoull(text, &end, 0);
	if (place->sequence >= alphabet_count(ALPHABET_LENGTH_MAX))
		return -EINVAL;
	for (nr = 0; *end == ':' && nr <= CRASH_DEPTH_MAX; nr++, at++) {
		at->point = strtoul(end + 1, &end, 0);
		if (*end != ':')
			return -EINVAL;
		at->state = strtoull(end + 1, &end, 0);
		place->where.depth = nr;
	}
	return *end || end == text ? -EINVAL : nr;
}

/* ---- as suites: one place, which the choices say ---- */

static struct alphabet one;
static struct crash_where one_where;
static struct alphabet_place given;
static bool is_given;		/* it is @given that the choices shall say */

static void one_begin(const char *from, struct sim_choices *choices)
{
	sim_choices_list(choices, NULL, 0);
	is_given = alphabet_place_parse(from, &given) > 0;
}

/* Before others come who want another disk. */
static void one_end(void)
{
	sim_snapshot_free(&one.image);
	crash_free(&one.crash);
	one.ready = false;
}

static void one_ops(void)
{
	u8 ops[ALPHABET_LENGTH_MAX];
	u32 nr = is_given ? ops_of(given.sequence, ops) : 0, i, op;

	one.nr_ops = 0;
	for (i = 0; i < ALPHABET_LENGTH_MAX; i++) {
		op = crash_choose(&one.crash, ALPHABET_OPS + 1, SIM_CHOOSE_STEP,
				  i < nr ? ops[i] + 1 : 0);
		if (op)
			one.ops[one.nr_ops++] = op - 1;
	}
	crash_choose(&one.crash, 2, SIM_CHOOSE_END, 0);
}

static void one_run(struct world *w, enum alphabet_disk disk, bool lie)
{
	one.world = w;
	one.disk = disk;
	one.lie = lie;
	one.crash.w = w;
	one.crash.where = &one_where;
	one.crash.one = true;
	one.crash.only = is_given ? &given.where : NULL;
	memset(&one_where, 0, sizeof(one_where));
	one_ops();
	one.point = crash_choose(&one.crash, CRASH_POINTS_MAX, CHECK_CHOOSE_CUT,
				 given.where.at[0].point);
	run_point(&one);
}

static void one_cache(struct world *w)
{
	one_run(w, ALPHABET_CACHE, false);
}

static void one_no_cache(struct world *w)
{
	one_run(w, ALPHABET_NO_CACHE, false);
}

static void one_fua(struct world *w)
{
	one_run(w, ALPHABET_FUA, false);
}

static void one_zoned(struct world *w)
{
	one_run(w, ALPHABET_ZONED, false);
}

static void one_failing(struct world *w)
{
	one_run(w, ALPHABET_FAILING, false);
}

static void one_lie(struct world *w)
{
	one_run(w, ALPHABET_CACHE, true);
}

#define SUITE(name, run, what)	{ name, run, 0, what, one_begin, one_end }

const struct check_suite check_alphabet[] = {
	[ALPHABET_CACHE] = SUITE("alphabet", one_cache,
				 "a crash state of a short sequence"),
	[ALPHABET_NO_CACHE] = SUITE("alphabet-no-cache", one_no_cache,
				    "the same without a volatile cache"),
	[ALPHABET_FUA] = SUITE("alphabet-fua", one_fua,
			       "the same with a disk that has FUA"),
	[ALPHABET_ZONED] = SUITE("alphabet-zoned", one_zoned,
				 "the same with zones"),
	[ALPHABET_FAILING] = SUITE("alphabet-failing", one_failing,
				   "the same with one failed append"),
	{ NULL }
};

const struct check_suite check_alphabet_lie =
	SUITE("planted-alphabet", one_lie,
	      "a model that takes all that was acknowledged for durable");
