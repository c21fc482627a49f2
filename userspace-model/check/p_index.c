// SPDX-License-Identifier: GPL-2.0-only
/*
 * The index against its model.
 *
 * Goal: a look-up finds what was last said of each block, in whichever of
 * memtable, frozen memtable and runs it lies, and a version that is held goes
 * on to say what it said.  Method: random insertions, freezes, new runs and
 * merges under look-ups of ranges; each layer has a model of its own, and a run
 * is built of what that holds, and now and then gets its guide later.
 */
#include "index.h"
#include "model/m_index.h"
#include "stack.h"
#include "suites.h"

#define P_BLOCKS	640	/* of the model */
#define P_OPS		48
#define P_ENTRIES	16
#define P_PAGES		2
#define P_EXTENT_BLOCKS	512
#define P_EXTENTS	20
#define P_DATA		SHARDBLK_SUPER_EXTENTS	/* where data is said to lie */
#define P_PUBLISHES_MAX	8

enum p_op {
	P_NOTHING,
	P_INSERT,
	P_INSERT_MORE,
	P_LOOKUP,
	P_LOOKUP_MORE,
	P_HOLD,
	P_LOOKUP_HELD,
	P_FREEZE,
	P_PUBLISH,
	P_MERGE,
	P_SHRINK,
	P_NEXT,
	NR_P_OPS,
};

/**
 * struct p_index - an index under check
 * @base:	logical block that is the model's first
 * @now:	the truth
 * @active:	what the active memtable says
 * @frozen:	what the frozen one says
 * @layers:	what each run says, newest first
 * @held:	a version, or NULL
 * @then:	its truth, once its memtable is frozen
 * @settled:	it is
 * @stale:	a newer run was published since
 */
struct p_index {
	struct stack stack;
	struct shard_index *index;
	u64 base;
	u64 next_id;
	u32 nr_publishes;
	struct m_index now;
	struct m_index active;
	struct m_index frozen;
	struct m_index layers[P_PUBLISHES_MAX + 2];
	u32 nr_layers;
	struct shard_version *held;
	struct m_index then;
	bool settled;
	bool stale;
};

static bool no_stop(void *ctx)
{
	return false;
}

static u32 draw(u32 n)
{
	return world_draw(n, CHECK_CHOOSE_BLOCK);
}

static struct shard_range range_of(struct p_index *p, const struct m_index *m,
				   u32 at, u32 *csums)
{
	u32 nr = min(m_index_same(m, at), SHARD_REQUEST_BLOCKS_MAX), i;

	for (i = 0; i < nr; i++)
		csums[i] = m->at[at + i].csum;
	return (struct shard_range){
		.lba = p->base + at, .nr_blocks = nr,
		.mapped = m->at[at].mapped,
		.place.extent = m->at[at].block / P_EXTENT_BLOCKS,
		.place.generation = 1,
		.place.block = m->at[at].block % P_EXTENT_BLOCKS,
		.csums = csums,
	};
}

static struct shard_run *build(struct p_index *p, const struct m_index *m)
{
	u32 csums[SHARD_REQUEST_BLOCKS_MAX], at = 0;
	struct shard_run_builder builder;
	struct shard_run *run = NULL;
	struct shard_range range;
	struct shard_dep dep;
	int err;

	shard_dep_init(&dep, p->stack.store.wb);
	memset(&builder, 0, sizeof(builder));
	err = shard_run_builder_begin(&builder, &p->stack.store,
				      SHARDBLK_STREAM_INDEX, p->next_id++, &dep,
				      shard_run_pages_max(SECTOR_SIZE,
							  P_BLOCKS));
	if (draw(4))
		builder.guide = shard_guide_begin(draw(4));
	while (!err && at < P_BLOCKS) {
		if (!m->at[at].known) {
			at++;
			continue;
		}
		range = range_of(p, m, at, csums);
		err = shard_run_builder_add(&builder, &range);
		at += range.nr_blocks;
	}
	err = shard_run_builder_end(&builder, err, &run);
	if (!err)
		err = shard_dep_wait(&dep);
	if (err)
		kapi_fail("building a run: %d", err);
	if (run && !run->guide && draw(2) &&
	    shard_run_guide(&p->stack.store, run, draw(2), no_stop,
			    NULL, &run->guide))
		kapi_fail("a run gets no guide");
	return run;
}

static void insert(struct p_index *p)
{
	u32 csums[SHARD_REQUEST_BLOCKS_MAX], nr = 1 + draw(8), at, i;
	struct shard_range range;
	bool mapped = draw(3);
	struct m_where what = { .mapped = mapped, .generation = 1 };
	u64 block;

	if (!draw(4))
		nr = 1 + draw(SHARD_REQUEST_BLOCKS_MAX);
	at = draw(P_BLOCKS - nr + 1);
	block = P_DATA * P_EXTENT_BLOCKS + draw(P_EXTENT_BLOCKS - nr);
	if (!shard_index_fits(p->index, SHARD_MEMTABLE_PER_REQUEST, nr))
		return;
	for (i = 0; i < nr; i++)
		csums[i] = draw(1 << 16);
	what.block = mapped ? block : 0;
	m_index_insert(&p->now, at, nr, what, csums);
	m_index_insert(&p->active, at, nr, what, csums);
	range = (struct shard_range){
		.lba = p->base + at, .nr_blocks = nr, .mapped = mapped,
		.place.extent = P_DATA, .place.generation = 1,
		.place.block = block % P_EXTENT_BLOCKS, .csums = csums,
	};
	shard_index_insert(p->index, &range);
}

/* What was true when a look-up began, and after each insertion beside it. */
static struct m_index truths[4];
static u32 nr_truths;
static u32 nr_beside;			/* insertions that may still come */
static struct p_index *beside;		/* whose look-up is under way */

/* An insertion amid a look-up: wherever it takes a glance, or a lock. */
static void insert_beside(void *ctx)
{
	struct p_index *p = beside;

	if (!p || !nr_beside || draw(8) != 1)
		return;
	nr_beside--;
	beside = NULL;
	insert(p);
	truths[nr_truths++] = p->now;
	beside = p;
}

static bool is_true(const struct shard_block_map *map, u32 nr,
		    const struct m_where *want)
{
	while (nr--) {
		if (!map->known || map->mapped != want->mapped)
			return false;
		if (want->mapped && (map->block != want->block ||
				     map->csum != want->csum))
			return false;
		map++;
		want++;
	}
	return true;
}

/* All that it says was true at one instant while it lasted. */
static void lookup(struct p_index *p, struct shard_version *version,
		   const struct m_index *m)
{
	struct shard_block_map map[SHARD_REQUEST_BLOCKS_MAX] = { 0 };
	u32 nr = 1 + draw(SHARD_REQUEST_BLOCKS_MAX);
	u32 at = draw(P_BLOCKS - nr + 1), i = 0;
	int err = -EAGAIN;

	truths[0] = *m;
	nr_truths = 1;
	if (draw(2))
		err = shard_index_lookup(p->index, version, p->base + at, nr,
					 map, false);
	if (err == -EAGAIN)
		err = shard_index_lookup(p->index, version, p->base + at, nr,
					 map, true);
	if (err)
		kapi_fail("a look-up returned %d", err);
	while (i < nr_truths && !is_true(map, nr, &truths[i].at[at]))
		i++;
	if (i == nr_truths)
		kapi_fail("%u blocks from %u on were never what was found", nr,
			  at);
}

static void lookup_newest(struct p_index *p)
{
	struct shard_version *version = shard_index_hold(p->index);
	void (*hook)(void *ctx) = kapi_preempt_hook;

	nr_beside = draw(ARRAY_SIZE(truths));
	if (nr_beside)
		kapi_preempt_hook = insert_beside;
	beside = p;
	lookup(p, version, &p->now);
	beside = NULL;
	kapi_preempt_hook = hook;
	shard_index_put(p->index, version);
}

static void find_data(struct p_index *p)
{
	struct shard_version *version = shard_index_hold(p->index);
	u32 want = draw(P_BLOCKS);
	u64 lba = p->base + want;
	int ret = shard_index_next(p->index, version, &lba);

	shard_index_put(p->index, version);
	while (want < P_BLOCKS && !p->now.at[want].mapped)
		want++;
	if (ret != (want < P_BLOCKS))
		kapi_fail("O11: looking for data returned %d", ret);
	if (ret && lba != p->base + want)
		kapi_fail("O11: data is found at %llu, not %llu", lba - p->base,
			  (u64)want);
}

static void let_go(struct p_index *p)
{
	if (p->held)
		shard_index_put(p->index, p->held);
	p->held = NULL;
}

static void freeze(struct p_index *p)
{
	if (shard_index_is_frozen(p->index))
		return;
	/* a memtable is free again only when no older version is held */
	if (p->stale)
		let_go(p);
	if (shard_index_prepare(p->index))
		kapi_fail("no memory to freeze");
	shard_index_freeze(p->index);
	p->frozen = p->active;
	memset(&p->active, 0, sizeof(p->active));
	if (p->held && !p->settled) {
		p->then = p->now;
		p->settled = true;
	}
}

/* @layer takes the place of @nr layers from @first on. */
static void publish(struct p_index *p, const struct m_index *layer, u32 first,
		    u32 nr)
{
	struct shard_edit edit = { .run = build(p, layer), .nr = nr };
	u32 more = edit.run ? 1 : 0, behind = p->nr_layers - first - nr;
	struct shard_garbage *garbage;
	struct shard_runs runs;

	shard_index_runs(p->index, &runs);
	if (nr)
		edit.first = runs.run[first];
	p->nr_publishes++;
	p->stale = true;
	garbage = kvzalloc(struct_size(garbage, extents, 1), GFP_KERNEL);
	shard_index_publish(p->index, &edit, garbage, shard_index_version());
	memmove(&p->layers[first + more], &p->layers[first + nr],
		behind * sizeof(p->layers[0]));
	if (more)
		p->layers[first] = *layer;
	p->nr_layers = first + more + behind;
}

static void publish_frozen(struct p_index *p)
{
	if (shard_index_is_frozen(p->index) &&
	    p->nr_publishes < P_PUBLISHES_MAX)
		publish(p, &p->frozen, 0, 0);
}

/* Runs that lie one over the other; holes stay while anything lies below. */
static void merge(struct p_index *p)
{
	static struct m_index m;
	u32 first, nr, i, k;

	if (p->nr_layers < 2 || p->nr_publishes == P_PUBLISHES_MAX)
		return;
	first = draw(p->nr_layers - 1);
	nr = 2 + draw(p->nr_layers - first - 1);
	memset(&m, 0, sizeof(m));
	for (i = first + nr; i-- > first;)
		m_index_cover(&m, &p->layers[i]);
	for (k = 0; first + nr == p->nr_layers && k < P_BLOCKS; k++)
		m.at[k].known &= m.at[k].mapped;
	publish(p, &m, first, nr);
}

static void do_op(struct world *w, struct p_index *p)
{
	static const char * const names[NR_P_OPS] = {
		"nothing", "insert", "insert", "look up", "look up", "hold",
		"look up in the version held", "freeze", "publish", "merge",
		"give pages back",
		"find data",
	};
	enum p_op op = world_draw(NR_P_OPS, SIM_CHOOSE_STEP);

	if (op)
		world_note(w, "      | %s", names[op]);
	switch (op) {
	case P_INSERT:
	case P_INSERT_MORE:
		insert(p);
		break;
	case P_LOOKUP:
	case P_LOOKUP_MORE:
		lookup_newest(p);
		break;
	case P_HOLD:
		let_go(p);
		p->held = shard_index_hold(p->index);
		p->settled = false;
		p->stale = false;
		break;
	case P_LOOKUP_HELD:
		if (p->held)
			lookup(p, p->held, p->settled ? &p->then : &p->now);
		break;
	case P_FREEZE:
		freeze(p);
		break;
	case P_PUBLISH:
		publish_frozen(p);
		break;
	case P_MERGE:
		merge(p);
		break;
	case P_SHRINK:
		shard_cache_shrink(shard_index_cache(p->index), 1 + draw(2));
		break;
	case P_NEXT:
		find_data(p);
		break;
	default:
		break;
	}
}

/* What an older checkpoint left: a run with as many levels as it takes. */
static void restore(struct p_index *p)
{
	struct shard_runs runs = { .nr = 1 };
	struct m_where what = { .mapped = true, .generation = 1 };
	u32 in = 1 + draw(8), i, csum;

	for (i = 0; i < P_BLOCKS; i++) {
		if (draw(in))
			continue;
		csum = draw(1 << 16);
		what.block = P_DATA * P_EXTENT_BLOCKS +
			     draw(P_EXTENT_BLOCKS);
		m_index_insert(&p->now, i, 1, what, &csum);
	}
	runs.run[0] = build(p, &p->now);
	runs.nr = runs.run[0] ? 1 : 0;
	p->layers[0] = p->now;
	p->nr_layers = runs.nr;
	shard_index_restore(p->index, &runs);
}

void check_index(struct world *w)
{
	static struct p_index p;
	u32 i;

	memset(&p, 0, sizeof(p));
	p.base = draw(2) ? 0 : 1ull << 33;
	p.next_id = 1;
	stack_begin(&p.stack, w, SECTOR_SIZE, P_EXTENT_BLOCKS, P_EXTENTS);
	stack_open(&p.stack, SHARDBLK_STREAM_INDEX);
	p.index = shard_index_create(&p.stack.store, P_ENTRIES, P_PAGES);
	restore(&p);
	for (i = 0; i < P_OPS; i++)
		do_op(w, &p);
	let_go(&p);
	if (shard_index_is_frozen(p.index)) {
		p.nr_publishes = 0;
		publish_frozen(&p);
	}
	shard_index_destroy(p.index);
	stack_end(&p.stack);
	w->nr_done = P_OPS;
}
