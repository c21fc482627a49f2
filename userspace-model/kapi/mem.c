// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory.
 *
 * Allocations come from size classes that are cut from chunks; chunks are kept
 * from run to run, so that dropping all memory of a run costs next to nothing.
 * Only the largest come from malloc().
 *
 * AddressSanitizer is told which bytes of a chunk are allocated: with gaps
 * around each, and what was freed stays out of use for a while.  Its own
 * malloc() would take a third of a run's time.
 *
 * Each has a header.  Leaks are seen by their number; only then the chunks are
 * walked for the first of them.
 */
#include <stdlib.h>
#include "fiber.h"

#define CHUNK_SIZE	(4u << 20)
#define BIN_LOG_MIN	6
#define BIN_SIZE_MIN	80u		/* the first above its power of two */
#ifndef KAPI_RACE
#define BIN_SIZE_MAX	(1u << 20)	/* header included */
#else
#define BIN_SIZE_MAX	0u		/* ThreadSanitizer knows malloc() and free() */
#endif
#define NR_BINS		((20 - BIN_LOG_MIN) * 4)
#define BIN_NONE	U32_MAX		/* from malloc() */

/* Bytes that are filled when they are freed, or before their first use. */
#if defined(KAPI_NO_CHECKS) || defined(KAPI_ASAN)
#define POISON_MAX	0ul
#else
#define POISON_MAX	4096ul		/* what lies behind that is payload */
#endif

#define MAGIC_LIVE	0x6b617069u
#define MAGIC_FREE	0x66726565u
#define MAGIC_CUT	0x63757421u	/* it is not known what is in it */

#ifdef KAPI_ASAN
#include <sanitizer/asan_interface.h>
#define GAP		16u	/* bytes around an allocation, not to be touched */
#define BIN_REST	8u	/* of a size that were freed and are not yet reused */
#else
#define ASAN_POISON_MEMORY_REGION(addr, size)	((void)(addr))
#define ASAN_UNPOISON_MEMORY_REGION(addr, size)	((void)(addr))
#define GAP		0u
#define BIN_REST	0u
#endif

struct header {
	struct list_head node;		/* of @large, or next is the next free one */
	const char *at;
	size_t size;
	u32 bin;
	u32 magic;
	enum kapi_alloc_kind kind;
	u8 gap[GAP] __aligned(16);
} __aligned(16);

struct chunk {
	struct chunk *next;
	size_t used;			/* unless it is the current one */
	char data[CHUNK_SIZE] __aligned(16);
};

static LIST_HEAD(large);			/* from malloc() */
static struct {
	struct chunk *first;
	struct chunk *cur;
	size_t used;			/* of @cur */
	struct bin {
		struct header *first;	/* free, linked by node.next */
		struct header *last;
		u32 nr;
	} bins[NR_BINS];
} arena;

/* Four sizes to each power of two, all of them multiples of 16. */
static u32 bin_of(size_t size, size_t *rounded)
{
	u32 log, step;

	size = max_t(size_t, size, BIN_SIZE_MIN);
	log = 63 - __builtin_clzll(size - 1);
	step = log - 2;
	*rounded = round_up(size, 1UL << step);
	return (log - BIN_LOG_MIN) * 4 + ((*rounded - 1) >> step & 3);
}

static struct header *arena_cut(size_t size)
{
	struct header *h;

	if (!arena.cur || arena.used + size > CHUNK_SIZE) {
		struct chunk *next = arena.cur ? arena.cur->next : arena.first;

		if (!next) {
			next = malloc(sizeof(*next));
			if (!next)
				return NULL;
			next->next = NULL;
			ASAN_POISON_MEMORY_REGION(next->data, CHUNK_SIZE);
			if (arena.cur)
				arena.cur->next = next;
			else
				arena.first = next;
		}
		if (arena.cur)
			arena.cur->used = arena.used;
		arena.cur = next;
		arena.used = 0;
	}
	h = (struct header *)(arena.cur->data + arena.used);
	arena.used += size;
	return h;
}

static struct header *bin_take(struct bin *bin)
{
	struct header *h = bin->first;

	if (BIN_REST ? bin->nr <= BIN_REST : !h)
		return NULL;
	bin->first = (struct header *)h->node.next;
	if (BIN_REST)
		bin->nr--;
	return h;
}

/* Without sanitizers what is still warm is taken again first. */
static void bin_put(struct bin *bin, struct header *h)
{
	if (!BIN_REST) {
		h->node.next = (struct list_head *)bin->first;
		bin->first = h;
	} else if (!bin->nr++) {
		bin->first = h;
		bin->last = h;
	} else {
		bin->last->node.next = (struct list_head *)h;
		bin->last = h;
	}
}

static struct header *header_alloc(size_t size)
{
	size_t rounded;
	struct header *h;
	bool is_new;
	u32 bin;

	if (size + GAP > BIN_SIZE_MAX) {
		h = malloc(size);
		is_new = true;
		bin = BIN_NONE;
	} else {
		bin = bin_of(size + GAP, &rounded);
		h = bin_take(&arena.bins[bin]);
		is_new = !h;
		if (is_new)
			h = arena_cut(rounded);
		if (h)
			ASAN_UNPOISON_MEMORY_REGION(h, size);
	}
	if (!h)
		return NULL;
	if (POISON_MAX && is_new)
		h->magic = MAGIC_CUT;
	h->bin = bin;
	ASAN_POISON_MEMORY_REGION(h->gap, GAP);
	return h;
}

static void check_context(gfp_t gfp, enum kapi_alloc_kind kind, const char *at)
{
	const struct kapi_ctx *ctx = kapi.ctx;

	if (!ctx)
		kapi_fail("allocation at %s outside of a run", at);
#ifndef KAPI_NO_CHECKS
	if (!(gfp & __GFP_RECLAIM))
		kapi_fail("allocation at %s with no word of what it may do", at);
	if (gfp & __GFP_DIRECT_RECLAIM) {
		kapi_might_sleep(at);
		if ((gfp & __GFP_IO) && ctx->reclaim && !ctx->noio)
			kapi_fail("GFP_KERNEL at %s on the writeback path (%s)",
				  at, ctx->name);
	} else if (kind == KAPI_KVMALLOC) {
		kapi_fail("kvmalloc() at %s without sleeping", at);
	}
#else
	(void)gfp;
	(void)kind;
#endif
}

static bool choose_failure(gfp_t gfp)
{
	const struct kapi_hooks *hooks = kapi.hooks;
	u32 in = hooks->alloc_fault_in;

	if (hooks->alloc_fault_until && kapi_now >= hooks->alloc_fault_until)
		return false;
	return in && !(gfp & __GFP_NOFAIL) &&
	       kapi_choose(in + 1, KAPI_CHOOSE_ALLOC) == 1;
}

void *kapi_alloc(size_t size, gfp_t gfp, enum kapi_alloc_kind kind,
		 const char *at)
{
	struct kapi_counts *counts = &kapi.counts;
	struct header *h;

	check_context(gfp, kind, at);
	/* in another order they would give other addresses: all of it is one object */
	kapi_preempt_point("kmalloc", &arena, at);
	if (size > (kind == KAPI_KMALLOC ? KMALLOC_MAX_SIZE : INT_MAX)) {
		if (!(gfp & __GFP_NOWARN))
			kapi_fail("allocation of %zu bytes at %s", size, at);
		return NULL;
	}
	counts->nr_allocs++;
	if (choose_failure(gfp))
		return NULL;
	h = header_alloc(sizeof(*h) + size);
	if (!h)
		return NULL;
	if (gfp & __GFP_ZERO)
		memset(h + 1, 0, size);
	else if (POISON_MAX && h->magic == MAGIC_CUT)
		memset(h + 1, 0xa5, min(size, POISON_MAX));
	h->at = at;
	h->size = size;
	h->magic = MAGIC_LIVE;
	h->kind = kind;
	if (h->bin == BIN_NONE)
		list_add_tail(&h->node, &large);
	counts->live_allocs++;
	counts->alloc_bytes += size;
	counts->alloc_bytes_max = max(counts->alloc_bytes_max,
				      counts->alloc_bytes);
	return h + 1;
}

void kapi_alloc_max_reset(void)
{
	kapi.counts.alloc_bytes_max = kapi.counts.alloc_bytes;
}

/* All that may be used of it when it is taken again. */
static size_t room_of(const struct header *h)
{
	size_t rounded;

	bin_of(sizeof(*h) + h->size + GAP, &rounded);
	return rounded - sizeof(*h);
}

static void header_free(struct header *h)
{
	struct kapi_counts *counts = &kapi.counts;

	kapi_touch(&arena, KAPI_CHANGES);
	counts->live_allocs--;
	counts->alloc_bytes -= h->size;
	h->magic = MAGIC_FREE;
	if (h->bin == BIN_NONE) {
		list_del(&h->node);
		free(h);
		return;
	}
	if (POISON_MAX)
		memset(h + 1, 0x6b, min(room_of(h), POISON_MAX));
	ASAN_POISON_MEMORY_REGION(h + 1, h->size);
	bin_put(&arena.bins[h->bin], h);
}

static struct header *header_of(const void *ptr, const char *how)
{
	struct header *h = (struct header *)ptr - 1;

	if (h->magic != MAGIC_LIVE)
		kapi_fail("%s of memory that is %s", how,
			  h->magic == MAGIC_FREE ? "free already" :
			  "not from here, or overwritten in front");
#ifndef KAPI_NO_CHECKS
	kapi_no_locks_within(ptr, h->size);
	kapi_no_timers_within(ptr, h->size);
#endif
	return h;
}

void kfree(const void *ptr)
{
	struct header *h;

	if (!ptr)
		return;
	h = header_of(ptr, "kfree");
	if (h->kind != KAPI_KMALLOC)
		kapi_fail("kfree of kvmalloc memory from %s", h->at);
	header_free(h);
}

/* vfree() may sleep, but defers its work in interrupts. */
void kvfree(const void *ptr)
{
	struct header *h;

	if (!ptr)
		return;
	h = header_of(ptr, "kvfree");
#ifndef KAPI_NO_CHECKS
	if (h->kind == KAPI_KVMALLOC && !(kapi.ctx->irq && !kapi.ctx->nr_held))
		kapi_might_sleep(h->at);
#endif
	header_free(h);
}

char *kapi_strdup(const char *s, gfp_t gfp, const char *at)
{
	size_t size = strlen(s) + 1;
	char *copy = kapi_alloc(size, gfp, KAPI_KMALLOC, at);

	return copy ? memcpy(copy, s, size) : NULL;
}

unsigned int memalloc_noio_save(void)
{
	bool old = kapi.ctx->noio;

	kapi.ctx->noio = true;
	return old;
}

void memalloc_noio_restore(unsigned int flags)
{
	if (!kapi.ctx->noio)
		kapi_fail("memalloc_noio_restore() without save");
	kapi.ctx->noio = flags;
}

/* --- for the rest of kapi --- */

static void arena_reset(void)
{
	struct chunk *chunk;

	for (chunk = arena.first; chunk && arena.cur; chunk = chunk->next) {
		bool last = chunk == arena.cur;

		ASAN_POISON_MEMORY_REGION(chunk->data,
					  last ? arena.used : CHUNK_SIZE);
		if (last)
			break;
	}
	arena.cur = NULL;
	arena.used = 0;
	memset(arena.bins, 0, sizeof(arena.bins));
}

void kapi_mem_reset(void)
{
	struct header *h, *next;

	list_for_each_entry_safe(h, next, &large, node)
		free(h);
	INIT_LIST_HEAD(&large);
	arena_reset();
	kapi.counts.live_allocs = 0;
	kapi.counts.alloc_bytes = 0;
}

static struct header *first_live(void)
{
	struct chunk *chunk = arena.cur ? arena.first : NULL;

	for (; chunk; chunk = chunk == arena.cur ? NULL : chunk->next) {
		size_t used = chunk == arena.cur ? arena.used : chunk->used;
		size_t at, size;

		for (at = 0; at < used; at += size) {
			struct header *h = (struct header *)(chunk->data + at);

			if (h->magic == MAGIC_LIVE)
				return h;
			bin_of(sizeof(*h) + h->size + GAP, &size);
		}
	}
	return list_first_entry_or_null(&large, struct header, node);
}

void kapi_mem_check_leaks(void)
{
	struct header *h;

	if (!kapi.counts.live_allocs)
		return;
	h = first_live();
	kapi_fail("leak: %u allocations, one of %zu bytes at %s",
		  kapi.counts.live_allocs, h->size, h->at);
}
