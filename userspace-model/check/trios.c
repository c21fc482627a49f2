// SPDX-License-Identifier: GPL-2.0-only
/*
 * The layers alone, with three users each, beside each other.
 */
#include "index.h"
#include "trios.h"

#define EXTENT_BLOCKS	TRIO_EXTENT_BLOCKS

struct trio_user {
	struct trio *trio;
	u32 nr;
};

static void trio_fiber(void *arg)
{
	struct trio_user *user = arg;
	struct trio *trio = user->trio;

	trio->steps[user->nr](trio->arg);
	trio->nr_left--;
	wake_up(&trio->w->wait);
}

void trio_run(struct trio *trio)
{
	static const char * const names[TRIO] = { "A", "B", "C" };
	struct kapi_fiber *fibers[TRIO];
	struct trio_user users[TRIO];
	struct world *w = trio->w;
	u32 i;

	trio->nr_left = TRIO;
	sim_schedule_begin(&w->sim);
	for (i = 0; i < TRIO; i++) {
		users[i] = (struct trio_user){ trio, i };
		fibers[i] = kapi_spawn(names[i], trio_fiber, &users[i]);
	}
	wait_event(w->wait, !trio->nr_left);
	sim_schedule_end(&w->sim);
	for (i = 0; i < TRIO; i++)
		kapi_join(fibers[i]);
	/* an interrupt may have told, and not have ended */
	for (i = 0; i < TRIO; i++)
		kapi_yield();
}

void trio_stack(struct stack *s, struct world *w)
{
	init_waitqueue_head(&w->wait);
	w->cut_in = 0;
	w->stopping = false;
	w->cut_any = false;
	w->users = false;
	w->cut = false;
	w->nr_held = 0;
	stack_begin(s, w, SECTOR_SIZE, EXTENT_BLOCKS, TRIO_EXTENTS);
}

/* ---- the index ---- */

#define BLOCKS		8u
#define STATES		3	/* before, and after each insertion */
#define MOVED		5u	/* the block that moves, and is overwritten */
#define ENTRIES		16
#define DATA		SHARDBLK_SUPER_EXTENTS

/* Checksums tell who wrote a block; where it lies may change. */
struct index_trio {
	struct stack stack;
	struct shard_index *index;
	u32 states[STATES][BLOCKS];
	u32 nr_begun;
	u32 nr_ended;
};

static void say(struct index_trio *t, u32 lba, u32 nr, u32 csum, u32 block)
{
	u32 csums[BLOCKS], i;
	struct shard_range range = {
		.lba = lba, .nr_blocks = nr, .mapped = csum,
		.place = { DATA, 1, block }, .csums = csums,
	};

	for (i = 0; i < nr; i++)
		csums[i] = csum;
	shard_index_insert(t->index, &range);
}

static void index_state(struct index_trio *t, u32 lba, u32 nr, u32 csum)
{
	u32 *state = t->states[++t->nr_begun], i;

	memcpy(state, t->states[t->nr_begun - 1], sizeof(t->states[0]));
	for (i = lba; i < lba + nr; i++)
		state[i] = csum;
}

static void index_insert(void *arg)
{
	struct index_trio *t = arg;

	index_state(t, 1, MOVED, 20);
	say(t, 1, MOVED, 20, 16);
	t->nr_ended++;
	index_state(t, 2, 2, 0);
	say(t, 2, 2, 0, 0);
	t->nr_ended++;
}

/* Return: the state that is seen, from @from on. */
static u32 index_look(struct index_trio *t, u32 from)
{
	struct shard_block_map map[BLOCKS] = { 0 };
	u32 state = max(from, t->nr_ended), i;
	struct shard_version *v;
	int err;

	v = shard_index_hold(t->index);
	err = shard_index_lookup(t->index, v, 0, BLOCKS, map, false);
	if (err)
		kapi_fail("a look-up returned %d", err);
	for (; state <= t->nr_begun; state++) {
		for (i = 0; i < BLOCKS; i++)
			if ((map[i].mapped ? map[i].csum : 0) !=
			    t->states[state][i])
				break;
		if (i == BLOCKS)
			break;
	}
	if (state > t->nr_begun)
		kapi_fail("a look-up saw what never was");
	shard_index_put(t->index, v);
	return state;
}

static void index_look_twice(void *arg)
{
	index_look(arg, index_look(arg, 0));
}

static void index_move(void *arg)
{
	struct shard_block_map map[1];
	struct index_trio *t = arg;
	u64 from[1] = { DATA * EXTENT_BLOCKS + MOVED };
	u32 csums[1] = { 10 };
	struct shard_range to = {
		.lba = MOVED, .nr_blocks = 1, .mapped = true,
		.place = { DATA, 1, 40 }, .csums = csums,
	};
	int ret;

	ret = shard_index_swing(t->index, shard_index_covered(t->index), &to,
				from, 0, 0, map);
	if (ret != 1)
		kapi_fail("a swing of one block returned %d", ret);
	if (shard_index_prepare(t->index))
		kapi_fail("no memory to freeze");
	shard_index_freeze(t->index);
}

void trio_index(struct world *w)
{
	static struct index_trio t;
	struct trio trio = {
		.w = w, .arg = &t,
		.steps = { index_insert, index_look_twice, index_move },
	};
	u32 i;

	memset(&t, 0, sizeof(t));
	trio_stack(&t.stack, w);
	t.index = shard_index_create(&t.stack.store, ENTRIES, 1);
	if (!t.index)
		kapi_fail("no memory for an index");
	for (i = 0; i < BLOCKS; i++)
		t.states[0][i] = 10;
	say(&t, 0, BLOCKS, 10, 0);
	trio_run(&trio);
	if (index_look(&t, 0) != STATES - 1)
		kapi_fail("not all that was said is there");
	shard_index_destroy(t.index);
	stack_end(&t.stack);
}

/* ---- the chunk store ---- */

#define PAGES		2u	/* of a writer */

struct chunk_trio {
	struct stack stack;
	struct shard_dep deps[2];
	struct shard_place pages[2][PAGES];
};

static void chunk_write(struct chunk_trio *t, u32 user)
{
	u32 stream = user ? SHARDBLK_STREAM_MERGE : SHARDBLK_STREAM_INDEX;
	struct shard_store *store = &t->stack.store;
	struct shard_writer writer;
	void *page;
	int err;
	u32 i;

	err = shard_writer_begin(&writer, store, stream, SHARDBLK_ENTRY_RUN,
				 1 + user, &t->deps[user], PAGES);
	for (i = 0; i < PAGES && !err; i++) {
		err = shard_writer_page(&writer, &t->pages[user][i], &page);
		if (err)
			break;
		memset(page, 1 + user * PAGES + i, SECTOR_SIZE);
		err = shard_writer_page_done(&writer) ?:
			shard_writer_flush(&writer);
	}
	err = shard_writer_end(&writer) ?: err;
	if (!err)
		err = shard_dep_wait(&t->deps[user]);
	if (err)
		kapi_fail("writing two pages returned %d", err);
}

static void chunk_write_a(void *arg)
{
	chunk_write(arg, 0);
}

static void chunk_write_b(void *arg)
{
	chunk_write(arg, 1);
}

static void chunk_flush(void *arg)
{
	struct chunk_trio *t = arg;
	struct shard_dep dep;
	u32 i;

	for (i = 0; i < 2; i++) {
		shard_dep_init(&dep, t->stack.store.wb);
		shard_dep_and_written(&dep);
		if (shard_dep_wait(&dep))
			kapi_fail("a flush failed");
	}
}

static void page_is_there(struct chunk_trio *t, struct world *w, u32 user, u32 i)
{
	const struct shard_place *at = &t->pages[user][i];
	u8 page[SECTOR_SIZE];

	sim_disk_peek(w->disk, shard_store_offset(&t->stack.store, at->extent,
						  at->block),
		      page, sizeof(page));
	if (page[0] != 1 + user * PAGES + i ||
	    memcmp(page, page + 1, sizeof(page) - 1))
		kapi_fail("a page that is durable has not what was written");
}

void trio_chunk(struct world *w)
{
	static struct chunk_trio t;
	struct trio trio = {
		.w = w, .arg = &t,
		.steps = { chunk_write_a, chunk_write_b, chunk_flush },
	};
	struct shard_store *store = &t.stack.store;
	u32 i;

	memset(&t, 0, sizeof(t));
	trio_stack(&t.stack, w);
	stack_open(&t.stack, SHARDBLK_STREAM_INDEX);
	stack_open(&t.stack, SHARDBLK_STREAM_MERGE);
	store->reserve = shard_reserve_create(store);
	if (!store->reserve)
		kapi_fail("no memory for frames");
	for (i = 0; i < 2; i++)
		shard_dep_init(&t.deps[i], store->wb);
	trio_run(&trio);
	for (i = 0; i < 2 * PAGES; i++)
		page_is_there(&t, w, i / PAGES, i % PAGES);
	shard_reserve_destroy(store->reserve);
	stack_end(&t.stack);
}
