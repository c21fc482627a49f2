// SPDX-License-Identifier: GPL-2.0-only
/*
 * DOC: sweeps
 *
 * A history is run once for each of its backing operations and each fault that
 * may befall that one, and once for each of its allocations, until none is
 * left to be struck.  Fibers run and operations complete in the order in which
 * they began, so that the n-th is the same one each time; what a failed write
 * leaves, where a stray one goes, and how the history ends is drawn.
 *
 * "May fail, never lies, recovers."  Reads are compared as they end.  Then the
 * device is stopped, or the power is cut, and it is started again in good
 * health:
 *
 * - A fault that left the medium as it should be (errors, delays, wrong reads,
 *   lack of memory) must leave no trace: the start succeeds, every block can
 *   be read, all that was promised is there, and whatever is asked of the
 *   device then is done.  A delay must not even make anything fail.
 *
 * - A fault that spoilt the medium without a word (a write that was lost, went
 *   elsewhere, or has a wrong bit) must be noticed or do no harm.  One copy of
 *   the superblock or the manifest: no harm.  Pages of the run: errors for
 *   what they say, never anything older.  Host frames: errors for the blocks
 *   that they had written; or, while they are in the log, a start that
 *   refuses; or, if no frame or record that was written later and is still
 *   there says that they were durable, an end of the log in front of them,
 *   as after a power cut.  In that last case, and only then, what was promised
 *   is not kept: nothing on the medium tells of it.
 *
 *   What was overwritten is whole again, after one more start too.  Of a
 *   record that lands on the other copy of the superblock nothing is asked
 *   but an end: both copies of the newest one may be gone.
 */
#include "extent.h"
#include "memtable.h"
#include "shardblk_format.h"
#include "suites.h"
#include "sweep.h"

#define TRIES		3	/* of each fault, as what it does is drawn */
#define POOL_ROUNDS	10	/* of each history, as their order is drawn */

/* Operations of the backing device that a fault makes sense for. */
static const u32 fault_ops[SIM_NR_FAULTS] = {
	[SIM_FAULT_ERROR] = ~0u,
	[SIM_FAULT_ERRORS] = ~0u,
	[SIM_FAULT_DELAY] = ~0u,
	[SIM_FAULT_STRAY] = BIT(SHARD_IO_READ) | BIT(SHARD_IO_APPEND) |
			    BIT(SHARD_IO_RESET),
	[SIM_FAULT_FLIP] = BIT(SHARD_IO_READ) | BIT(SHARD_IO_APPEND),
	[SIM_FAULT_LOSE] = BIT(SHARD_IO_APPEND) | BIT(SHARD_IO_RESET),
};

static const char * const fault_names[SIM_NR_FAULTS] = {
	"an error", "errors", "a delay", "a stray", "a flipped bit", "a loss",
};

/* Allocations that fail: none, one, all from that one on for a while. */
enum alloc_fault {
	ALLOC_FINE,
	ALLOC_ONE,
	ALLOC_ALL,
};

/**
 * struct sweep - the run under way
 * @w:		the device
 * @image:	the disk as a history finds it
 * @model:	what is known of it
 * @info:	about the device
 * @hit:	what a silent fault has spoilt
 * @nr_spoilt:	runs in which one did
 * @nr_refused:	of these, starts that refused
 * @nr_errors:	of these, some blocks gave errors
 * @nr_untold:	of these, a promise that nothing on the medium tells of
 * @alloc:	what fails
 * @alloc_in:	n: the n-th allocation from now on is struck
 */
static struct sweep {
	struct world *w;
	struct sim_snapshot image;
	struct m_device model;
	struct shard_info info;
	struct sweep_hit hit;
	u32 nr_spoilt;
	u32 nr_refused;
	u32 nr_errors;
	u32 nr_untold;
	enum alloc_fault alloc;
	u32 alloc_in;
} sweep;

/* ---- the order of things ---- */

static bool alloc_fails(void)
{
	if (sweep.alloc_in)
		return --sweep.alloc_in == 0;
	return sweep.alloc == ALLOC_ALL;
}

static size_t sweep_choose(void *ctx, size_t n, unsigned int kind)
{
	if (kind == KAPI_CHOOSE_RUN)
		return 0;
	if (kind == KAPI_CHOOSE_ALLOC)
		return alloc_fails();
	return sim_choose_hook(ctx, n, kind);
}

/* A write is about to go elsewhere, or a read to come from there. */
static void stray(struct world *w)
{
	struct sim_strike *strike = &w->disk->strike;
	u64 size = w->config.format.extent_size;
	u64 capacity = w->config.disk.capacity;
	u64 last = (capacity - strike->len) / SIM_SECTOR;

	switch (world_draw(3, CHECK_CHOOSE_FAULT)) {
	case 0:
		strike->where = (strike->offset + size) % capacity;
		break;
	case 1:
		strike->where = strike->offset - min(strike->offset,
						     (u64)SIM_SECTOR);
		break;
	default:
		strike->where = world_draw(last + 1, CHECK_CHOOSE_FAULT) *
				(u64)SIM_SECTOR;
	}
	strike->where = min(strike->where, last * SIM_SECTOR);
	if (strike->op == SHARD_IO_RESET)
		strike->where -= strike->where % size;
	if (strike->op != SHARD_IO_READ)
		sweep_hit_range(w, &sweep.hit, strike->where, strike->len);
}

static bool sweep_event(void *ctx)
{
	struct world *w = ctx;
	struct sim_strike *strike = &w->disk->strike;

	if (!w->disk->nr_in_flight)
		return false;
	if (strike->io == w->disk->in_flight[0] &&
	    fault_ops[strike->fault] & BIT(strike->op)) {
		if (strike->op == SHARD_IO_APPEND)
			sweep_hit_append(w, &sweep.hit);
		if (strike->fault == SIM_FAULT_STRAY)
			stray(w);
		world_note(w, "      | it was for sector %llu; here: %llu",
			   strike->offset / SIM_SECTOR, strike->where);
	}
	sim_disk_complete(w->disk, 0);
	return true;
}

static void sweep_order(struct world *w)
{
	w->complete_one = sweep_event;
	w->sim.hooks.choose = sweep_choose;
}

/* ---- a history, as far as it is not struck ---- */

static void config_of(const struct sweep_history *h, struct world_config *config)
{
	history_config(config, false, false);
	config->disk.fua = h->fua;
	config->disk.volatile_cache = !h->no_cache;
	if (h->zoned)
		config->disk.zone_size = config->format.extent_size;
	config->disk.capacity += h->spare * config->format.extent_size;
}

static void prepare(struct world *w, const struct sweep_history *h,
		    const struct world_config *config)
{
	/* one that failed has left its own, of a disk that goes now */
	sim_snapshot_free(&sweep.image);
	world_begin(w, config);
	if (h->before)
		h->before(w);
	if (h->left == SWEEP_CRASHED) {
		world_crash(w, false);
		/* of the others nobody knows: the start tells */
		w->model.acked = w->model.must;
	} else {
		world_close(w);
	}
	sim_snapshot_take(&sweep.image, w->disk);
	sweep.model = w->model;
	sweep.info = w->info;
}

static void restore(struct world *w, const struct sweep_history *h)
{
	sim_snapshot_restore(w->disk, &sweep.image);
	w->model = sweep.model;
	w->info = sweep.info;
	w->sick = false;
	w->nr_refused = 0;
	memset(&sweep.hit, 0, sizeof(sweep.hit));
	sweep.hit.first_seq = U64_MAX;
	if (h->left == SWEEP_OPEN && world_open(w))
		kapi_fail("open failed without a fault");
}

/* What is still there when the history ends, and how that came. */
static void end(struct world *w)
{
	if (!w->device)
		return;
	if (world_draw(2, CHECK_CHOOSE_CUT))
		world_crash(w, world_draw(2, CHECK_CHOOSE_CUT));
	else
		world_close(w);
}

/* All is well again, so all that is asked for is done. */
static void progress(struct world *w)
{
	w->nr_refused = 0;
	script_write(w, 7, 3, true);
	script_discard(w, 8, 1);
	world_checkpoint(w);
	script_write(w, 9, 2, false);
	script_flush(w);
	script_read_all(w);
	if (w->nr_refused)
		kapi_fail("a request was refused in good health");
	world_close(w);
	kapi_run_check_leaks();
}

/* ---- faults that left the medium as it should be ---- */

static void recover_whole(struct world *w)
{
	int err;

	world_heal(w);
	w->sick = false;
	err = world_open(w);
	if (err)
		kapi_fail("open returned %d when all faults had ended", err);
	world_compare(w, w->model.must);
	progress(w);
}

/*
 * If a single append fails, no request does.  A failed flush makes the device
 * read-only.  It fails when its disk is gone, and none is.
 */
static void check_state(struct world *w, const struct sim_strike *strike)
{
	enum shard_state state;

	if (!w->device)
		return;
	state = shard_device_state(w->device);
	if (state == SHARD_STATE_FAILED)
		kapi_fail("the device failed, though its disk is there");
	if (w->flush_failed && state < SHARD_STATE_READ_ONLY)
		kapi_fail("a flush failed, and the device is not read-only");
	if (strike->in || strike->fault != SIM_FAULT_ERROR ||
	    strike->op != SHARD_IO_APPEND)
		return;
	if (w->nr_refused || state == SHARD_STATE_READ_ONLY)
		kapi_fail("a single append failed, and more came of it");
}

/* ---- faults that spoilt the medium ---- */

/* Requests that the medium still tells of, or that were not spoilt. */
static u64 must_of(struct world *w, const struct sweep_hit *hit, u64 told)
{
	u64 must = w->model.must;
	u32 i;

	for (i = 0; i < w->model.nr_requests; i++)
		if (w->seqs[i] > told && w->seqs[i] >= hit->first_seq)
			must &= ~BIT_ULL(i);
	return must;
}

static bool may_refuse(const struct sweep_hit *hit, u64 checkpoint_seq)
{
	return (hit->first_seq != U64_MAX && hit->last_seq > checkpoint_seq) ||
	       hit->meta == 3;
}

/* Every block is right, an error where that may be, or not durable at all. */
static void compare_spoilt(struct world *w, const struct sweep_hit *hit,
			   u64 must)
{
	u64 stamps[M_BLOCKS_MAX];
	u32 nr_errors = 0, i;
	const char *why;

	world_read_stamps(w, stamps);
	for (i = 0; i < w->model.nr_blocks; i++) {
		if (stamps[i] != M_UNREADABLE)
			continue;
		nr_errors++;
		if (!hit->index && !hit->blocks[i])
			kapi_fail("block %u cannot be read, and was not hit", i);
	}
	sweep.nr_errors += !!nr_errors;
	sweep.nr_untold += must != w->model.must;
	why = m_device_holds(&w->model, stamps, must);
	if (why)
		kapi_fail("%s", why);
	m_device_settle(&w->model, stamps);
}

static void recover_spoilt(struct world *w)
{
	const struct sweep_hit *hit = &sweep.hit;
	u64 told, checkpoint_seq;
	int err;

	world_heal(w);
	sweep.nr_spoilt++;
	told = sweep_told(w, &checkpoint_seq);
	err = world_open(w);
	if (hit->super == 3) {
		/* nothing is left that tells of the newest record */
		if (!err)
			world_close(w);
		kapi_run_check_leaks();
		return;
	}
	if (err) {
		sweep.nr_refused++;
		if ((err != -EUCLEAN && err != -EIO) ||
		    !may_refuse(hit, checkpoint_seq))
			kapi_fail("open returned %d", err);
		kapi_run_check_leaks();
		return;
	}
	compare_spoilt(w, hit, must_of(w, hit, told));
	if (hit->index) {
		/* the one run that there is has lost pages: for good */
		world_close(w);
		kapi_run_check_leaks();
		return;
	}
	w->sick = false;
	script_fill(w, 15);
	world_checkpoint(w);
	world_restart(w);
	world_compare(w, w->model.must);
	progress(w);
}

/* ---- one run ---- */

/* Did it change the medium, otherwise than it was told and without a word? */
static bool spoils(const struct sweep_history *h, const struct sim_strike *s)
{
	if (s->op == SHARD_IO_APPEND)
		return s->fault >= SIM_FAULT_STRAY;
	/* elsewhere than on zones a reset leaves all as it is */
	return s->op == SHARD_IO_RESET && h->zoned &&
	       s->fault == SIM_FAULT_STRAY;
}

/* Return: was there such an operation? */
static bool strike_io(struct world *w, const struct sweep_history *h, u32 in,
		      enum sim_fault fault)
{
	struct sim_strike *strike = &w->disk->strike;
	bool struck;

	restore(w, h);
	world_note(w, "      | === %s: operation %u suffers %s", h->name, in,
		   fault_names[fault]);
	*strike = (struct sim_strike){
		.in = in, .fault = fault,
		.where = world_draw(1 << 16, CHECK_CHOOSE_FAULT),
	};
	w->sick = fault != SIM_FAULT_DELAY;
	w->spoilt = false;
	h->during(w);
	check_state(w, strike);
	end(w);
	struck = !strike->in;
	strike->in = 0;
	w->spoilt = struck && spoils(h, strike);
	if (w->spoilt)
		recover_spoilt(w);
	else
		recover_whole(w);
	return struck;
}

static bool strike_alloc(struct world *w, const struct sweep_history *h, u32 in,
			 enum alloc_fault alloc)
{
	bool struck;

	restore(w, h);
	world_note(w, "      | === %s: allocation %u fails%s", h->name, in,
		   alloc == ALLOC_ALL ? ", and all after it" : "");
	sweep.alloc = alloc;
	sweep.alloc_in = in;
	world_short(w, 1);
	w->sick = true;
	h->during(w);
	if (w->device && shard_device_state(w->device) > SHARD_STATE_FULL)
		kapi_fail("memory was short, and the device is not read-write");
	end(w);
	struck = !sweep.alloc_in;
	sweep.alloc = ALLOC_FINE;
	sweep.alloc_in = 0;
	recover_whole(w);
	return struck;
}

void check_sweep(struct world *w)
{
	const struct sweep_history *h;
	struct world_config config;
	u32 nr_ops = 0, nr_runs = 0, in, try;
	enum sim_fault fault;

	sweep.nr_spoilt = 0;
	sweep.nr_refused = 0;
	sweep.nr_errors = 0;
	sweep.nr_untold = 0;
	sweep_order(w);
	for (h = sweep_histories; h->name; h++) {
		config_of(h, &config);
		prepare(w, h, &config);
		for (try = 0; try < TRIES; try++) {
			for (fault = 0; fault < SIM_NR_FAULTS; fault++) {
				for (in = 1; strike_io(w, h, in, fault); in++)
					nr_runs++;
				nr_ops += fault || try ? 0 : in - 1;
			}
		}
		sim_snapshot_free(&sweep.image);
	}
	world_print("       %u operations of %u histories: %u runs", nr_ops,
		    (u32)(h - sweep_histories), nr_runs);
	world_print("       %u spoilt the medium: %u refused to start, %u errors, %u untold",
		    sweep.nr_spoilt, sweep.nr_refused, sweep.nr_errors,
		    sweep.nr_untold);
}

void check_sweep_alloc(struct world *w)
{
	const struct sweep_history *h;
	struct world_config config;
	u32 nr_allocs = 0, in;

	sweep_order(w);
	for (h = sweep_histories; h->name; h++) {
		config_of(h, &config);
		prepare(w, h, &config);
		for (in = 1; strike_alloc(w, h, in, ALLOC_ONE); in++)
			nr_allocs++;
		for (in = 1; strike_alloc(w, h, in, ALLOC_ALL); in++)
			;
		sim_snapshot_free(&sweep.image);
	}
	world_print("       %u allocations of %u histories, each twice",
		    nr_allocs, (u32)(h - sweep_histories));
}

/* ---- little of everything ---- */

static size_t choose_one_worker(void *ctx, size_t n, unsigned int kind)
{
	return kind == KAPI_CHOOSE_RESCUER ? 1 : sim_choose_hook(ctx, n, kind);
}

/*
 * A memtable for one request, a cache of one page, one frame in flight, one
 * worker for each queue: with any order of fibers and completions, and no
 * fault, all is done that is asked for.
 */
void check_sweep_pools(struct world *w)
{
	const struct sweep_history *h;
	struct world_config config;
	u32 i;

	w->sim.hooks.choose = choose_one_worker;
	for (h = sweep_histories; h->name; h++) {
		config_of(h, &config);
		config.options.memtable_entries = SHARD_MEMTABLE_PER_REQUEST;
		config.options.cache_pages = 1;
		config.options.frames_in_flight = 1;
		prepare(w, h, &config);
		for (i = 0; i < POOL_ROUNDS; i++) {
			restore(w, h);
			h->during(w);
			end(w);
			recover_whole(w);
		}
		sim_snapshot_free(&sweep.image);
	}
}
