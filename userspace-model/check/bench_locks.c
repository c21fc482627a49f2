// SPDX-License-Identifier: GPL-2.0-only
/*
 * What processors take from one another for a request: locks, and atomics that
 * are changed.
 *
 * Goal: no lock and no shared cache line written per read, one lock per batch of
 * writes.  Method: kapi counts each that is taken or changed; requests of one
 * block come while nothing is done in the background, and the disk completes in
 * an interrupt once the submitter has left.  It is the same each time, so it is held
 * against what is noted here, which misses the goal: whoever changes it, for better
 * or worse, says so, here and in docs/PERFORMANCE.md.
 *
 * Not counted: what the block layer, kmod/block and the words of Linux take.
 */
#include <sys/mman.h>

#include "batch.h"
#include "exhaustive.h"
#include "device.h"
#include "sim/sim.h"

#define BLOCK		SZ_4K
#define CAPACITY	(4ull << 30)
#define EXTENT		SZ_64M		/* none comes to its end */
#define BLOCKS		4096u
#define ROUNDS		8u
/* Odd, so that numbers below a power of two come in another order. */
#define STRIDE		0x9e3779b1u

/* Classes of locks; the last but one lies in the request, and nobody shares it. */
enum { DEVICE, WRITEBACK, INDEX, EXTENTS, SUPER, CACHE, OWN, OTHER, NR_LOCKS };

static const struct {
	const char *name;
	const char *init;	/* what was initialised */
} locks[NR_LOCKS] = {
	[DEVICE]	= { "device", "&device->lock" },
	[WRITEBACK]	= { "writeback", "&wb->lock" },
	[INDEX]		= { "index", "&index->lock" },
	[EXTENTS]	= { "extents", "&ex->lock" },
	[SUPER]		= { "super", "&super->lock" },
	[CACHE]		= { "cache", "&cache->lock" },
	[OWN]		= { "request", "&r->lock" },
	[OTHER]		= { "others" },
};

/**
 * struct taken - of one batch
 * @locks:	by class, how often taken
 * @atomics:	changes
 */
struct taken {
	u64 locks[NR_LOCKS];
	u64 atomics;
};

/**
 * struct phase - requests of one block, so many at once
 * @flush:	a flush follows each batch, once that is done
 * @want:	what a batch takes
 */
struct phase {
	const char *what;
	enum shard_op op;
	u32 batch;
	bool flush;
	struct taken want;
};

static const struct phase writes[] = {
	{ "write, alone", SHARD_WRITE, 1, false,
	  { { [DEVICE] = 6, [WRITEBACK] = 6, [INDEX] = 2, [EXTENTS] = 4 }, 5 } },
	{ "write, 4 at once", SHARD_WRITE, 4, false,
	  { { [DEVICE] = 12, [WRITEBACK] = 6, [INDEX] = 8, [EXTENTS] = 7 }, 8 } },
	{ "write, 16 at once", SHARD_WRITE, 16, false,
	  { { [DEVICE] = 36, [WRITEBACK] = 6, [INDEX] = 32, [EXTENTS] = 19 },
	    20 } },
	{ "write, 32 at once", SHARD_WRITE, 32, false,
	  { { [DEVICE] = 68, [WRITEBACK] = 6, [INDEX] = 64, [EXTENTS] = 35 },
	    36 } },
	{ "write, alone, and flush", SHARD_WRITE, 1, true,
	  { { [DEVICE] = 8, [WRITEBACK] = 10, [INDEX] = 2, [EXTENTS] = 4,
	      [SUPER] = 1 }, 8 } },
};

static const struct phase read_memtable = {
	"read, in the memtable", SHARD_READ, 1, false,
	{ { [INDEX] = 2, [OWN] = 3 }, 3 },
};

static const struct phase read_run = {
	"read, in a run", SHARD_READ, 1, false,
	{ { [INDEX] = 2, [CACHE] = 2, [OWN] = 3 }, 4 },
};

static struct {
	struct shard_backend backend;
	u8 *memory;
	struct list_head queue;
} disk;

static u8 data[BLOCK] __aligned(8);
static u32 nr_wrong;

/* ---- the disk ---- */

static void transfer(const struct shard_io *io)
{
	u32 skip = io->seg_skip, left = io->len;
	u8 *at = disk.memory + io->offset;
	const struct shard_seg *seg;

	for (seg = io->segs; left; seg++) {
		u32 len = min(left, seg->len - min(skip, seg->len));
		u8 *piece = (u8 *)seg->addr + skip;

		if (io->op == SHARD_IO_READ)
			memcpy(piece, at, len);
		else
			memcpy(at, piece, len);
		skip -= min(skip, seg->len);
		at += len;
		left -= len;
	}
}

static void submit(struct shard_backend *backend, struct shard_io *io)
{
	list_add_tail(&io->node, &disk.queue);
	kapi_events_pending++;
}

/* The oldest operation ends. */
static bool serve(void *ctx)
{
	struct shard_io *io;

	io = list_first_entry_or_null(&disk.queue, struct shard_io, node);
	if (!io)
		return false;
	list_del_init(&io->node);
	kapi_events_pending--;
	if (io->op == SHARD_IO_READ || io->op == SHARD_IO_APPEND)
		transfer(io);
	io->error = 0;
	kapi_irq_enter();
	io->done(io);
	kapi_irq_exit();
	return true;
}

static const struct shard_backend_ops ops = { .submit = submit };

/* ---- requests ---- */

static void run_batch(struct shard_device *device, enum shard_op op, u32 first,
		      u32 nr)
{
	const struct shard_seg seg = { .addr = data, .len = BLOCK };
	u64 lbas[BATCH_MAX];
	u32 i;

	for (i = 0; i < nr; i++)
		lbas[i] = op == SHARD_FLUSH ? 0 : (first + i) * STRIDE % BLOCKS;
	batch_submit(device, op, lbas, nr, &seg);
	while (serve(NULL))
		;
	batch_wait();
}

/* ---- what is counted ---- */

static u32 class_of(const char *name)
{
	u32 i = 0;

	while (i < OTHER && strcmp(locks[i].init, name))
		i++;
	return i;
}

static void count(struct taken *taken)
{
	struct kapi_taken now;
	u32 i;

	kapi_taken(&now);
	if (!now.nr_classes)
		kapi_fail("this build does not count locks");
	memset(taken, 0, sizeof(*taken));
	for (i = 0; i < now.nr_classes; i++)
		taken->locks[class_of(now.classes[i].name)] +=
			now.classes[i].nr;
	taken->atomics = now.nr_atomics;
}

static void heading(void)
{
	u32 i;

	printf("| locks taken by a batch |");
	for (i = 0; i < NR_LOCKS; i++)
		printf(" %s |", locks[i].name);
	printf(" all | for each request | atomics |\n|---|");
	for (i = 0; i < NR_LOCKS + 3; i++)
		printf("---:|");
	printf("\n");
}

static void report(const struct phase *p, const struct taken *is)
{
	u64 all = 0;
	u32 i;

	printf("| %s |", p->what);
	for (i = 0; i < NR_LOCKS; i++) {
		all += is->locks[i];
		printf(" %llu |", is->locks[i]);
	}
	printf(" %llu | %.1f | %llu |\n", all, (double)all / p->batch,
	       is->atomics);
	for (i = 0; i < NR_LOCKS; i++)
		if (is->locks[i] != p->want.locks[i]) {
			printf("%s: locks of %s: %llu are noted\n", p->what,
			       locks[i].name, p->want.locks[i]);
			nr_wrong++;
		}
	if (is->atomics != p->want.atomics) {
		printf("%s: atomics: %llu are noted\n", p->what,
		       p->want.atomics);
		nr_wrong++;
	}
}

/* kapi_settle() has no event come, if nothing is chosen. */
static void settle(void)
{
	struct kapi_counts counts;

	do {
		while (serve(NULL))
			;
		kapi_yield();
		kapi_counts(&counts);
	} while (counts.live_fibers > 1);
}

/* Each batch takes the same. */
static void phase(struct shard_device *device, const struct phase *p)
{
	struct kapi_counts begun, ended;
	struct taken before, after, first;
	u32 round, i;

	/* frames that were used before, and an idle device's clock that runs */
	run_batch(device, p->op, 0, p->batch);
	settle();
	kapi_counts(&begun);
	for (round = 0; round < ROUNDS; round++) {
		count(&before);
		run_batch(device, p->op, round * p->batch, p->batch);
		if (p->flush)
			run_batch(device, SHARD_FLUSH, 0, 1);
		count(&after);
		for (i = 0; i < NR_LOCKS; i++)
			after.locks[i] -= before.locks[i];
		after.atomics -= before.atomics;
		if (!round)
			first = after;
		else if (memcmp(&first, &after, sizeof(first)))
			kapi_fail("%s: one batch took more than another",
				  p->what);
	}
	kapi_counts(&ended);
	if (ended.nr_switches != begun.nr_switches)
		kapi_fail("%s: something was done in the background", p->what);
	report(p, &first);
}

static void bench(void *arg)
{
	const struct shard_format_options format = {
		.extent_size = EXTENT, .checkpoint_blocks = 1 << 20,
	};
	const struct shard_options options = {
		.memtable_entries = 1 << 16, .cache_pages = 1024,
		.idle_ms = SHARD_IDLE_NEVER,
	};
	struct shard_device *device;
	u32 i;

	if (shard_format(&disk.backend, &format) ||
	    shard_device_open(&disk.backend, &options, &device))
		kapi_fail("the device cannot be opened");
	for (i = 0; i < BLOCKS; i += BATCH_MAX)
		run_batch(device, SHARD_WRITE, i, BATCH_MAX);
	heading();
	for (i = 0; i < ARRAY_SIZE(writes); i++)
		phase(device, &writes[i]);
	phase(device, &read_memtable);
	if (shard_device_checkpoint(device) || shard_device_compact(device))
		kapi_fail("no checkpoint");
	/* so that all pages are cached */
	for (i = 0; i < BLOCKS; i++)
		run_batch(device, SHARD_READ, i, 1);
	phase(device, &read_run);
	if (shard_device_close(device))
		kapi_fail("the device cannot be closed");
}

int bench_locks(void)
{
	static struct sim sim;

	sim_init(&sim);
	sim_choices_list(&sim.choices, NULL, 0);
	sim.hooks.idle = serve;
	INIT_LIST_HEAD(&disk.queue);
	disk.backend = (struct shard_backend){
		.ops = &ops, .name = "memory", .capacity = CAPACITY,
		.logical_block_size = 512, .physical_block_size = BLOCK,
		.volatile_cache = true,
	};
	disk.memory = mmap(NULL, CAPACITY, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (disk.memory == MAP_FAILED) {
		printf("no memory\n");
		return 1;
	}
	if (!kapi_run(&sim.hooks, bench, NULL))
		return !!nr_wrong;
	printf("%s\n", kapi_failure());
	return 1;
}
