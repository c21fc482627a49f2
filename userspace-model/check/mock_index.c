// SPDX-License-Identifier: GPL-2.0-only
/*
 * The model of the index in place of the index, under the device.
 *
 * Goal: requests, checkpoints, merges, roots and starts do with any index that
 * keeps its contracts.  Method: memtables and runs are models.  What a run says
 * is kept here, by its id, and outlives crashes as the disk does; its pages,
 * so many as are drawn, prove only that they are there.  Also drawn: whether a
 * look-up that may not sleep finds its pages, which page it reads else, where
 * ranges are cut, and when a run's pages are put.
 */
#include "index.h"
#include "mock.h"
#include "model/m_index.h"
#include "scale/processes.h"
#include "suites.h"

#define RUNS_MAX	16384	/* of a history, failed ones too */
#define CSUMS_MAX	1024	/* of a memtable */

struct shard_memtable {
	struct m_index m;
	u32 extent_blocks;
	u32 entries_left;
	u32 csums_left;
	u32 nr_entries;
	u32 csums[M_INDEX_BLOCKS];	/* as ranges have them */
};

struct shard_version {
	struct list_head node;
	u32 refs;
	struct shard_memtable *active;
	struct shard_memtable *frozen;
	struct shard_runs runs;
	/* superfluous once this and all older versions are gone: */
	struct shard_memtable *old_memtable;
	struct shard_runs old_runs;
	struct shard_garbage *garbage;
};

struct shard_index {
	struct shard_store *store;
	u32 nr_entries;
	u64 nr_frozen;
	struct mutex edit;		/* whoever holds it changes the runs */
	struct list_head versions;	/* oldest first */
	struct shard_memtable *spare;	/* these two: for the next freeze */
	struct shard_version *prepared;
	struct workqueue_struct *wq;
	struct work_struct work;
	void (*on_free)(void *ctx);
	void *on_free_ctx;
};

/* What runs say: the disk of this mock, large, and not for LeakSanitizer to search. */
static struct layer {
	u64 id;
	u32 pages_max;
	struct m_index m;
} *layers;
static u32 nr_layers;
static u64 last_id;

static struct layer *layer_of(u64 id)
{
	u32 i = nr_layers;

	while (i-- > 0)
		if (layers[i].id == id)
			return &layers[i];
	kapi_fail("run %llu was never written", id);
	return NULL;
}

/* ---- ranges ---- */

/* The word on a range, into a model. */
static void range_insert(struct m_index *m, const struct shard_range *range,
			 u32 extent_blocks)
{
	struct m_where what = { .mapped = range->mapped };

	if (range->lba + range->nr_blocks > M_INDEX_BLOCKS)
		kapi_fail("block %llu is not of the device", range->lba);
	if (range->mapped) {
		what.generation = range->place.generation;
		what.block = (u64)range->place.extent * extent_blocks +
			     range->place.block;
	}
	m_index_insert(m, range->lba, range->nr_blocks, what, range->csums);
}

/* The first range behind @lba, which may be cut anywhere. */
static bool range_next(const struct m_index *m, u64 lba, u32 extent_blocks,
		       u32 *csums, struct shard_range *range)
{
	u32 i;

	while (lba < M_INDEX_BLOCKS && !m->at[lba].known)
		lba++;
	if (lba >= M_INDEX_BLOCKS)
		return false;
	memset(range, 0, sizeof(*range));
	range->lba = lba;
	range->nr_blocks = m_index_same(m, lba);
	if (mock_draw(4) == 1)
		range->nr_blocks = 1 + mock_draw(range->nr_blocks);
	range->mapped = m->at[lba].mapped;
	if (!range->mapped)
		return true;
	range->place.extent = m->at[lba].block / extent_blocks;
	range->place.generation = m->at[lba].generation;
	range->place.block = m->at[lba].block % extent_blocks;
	range->csums = csums + lba;
	for (i = 0; i < range->nr_blocks; i++)
		csums[lba + i] = m->at[lba + i].csum;
	return true;
}

/* ---- memtables ---- */

static struct shard_memtable *memtable_create(struct shard_index *index)
{
	struct shard_memtable *mt = kvzalloc(sizeof(*mt), GFP_KERNEL);

	if (!mt)
		return NULL;
	mt->extent_blocks = index->store->extent_blocks;
	mt->entries_left = index->nr_entries;
	mt->csums_left = CSUMS_MAX;
	return mt;
}

bool shard_memtable_empty(const struct shard_memtable *mt)
{
	return !mt->nr_entries;
}

bool shard_memtable_next(const struct shard_memtable *mt, u64 lba,
			 struct shard_range *range)
{
	return range_next(&mt->m, lba, mt->extent_blocks, (u32 *)mt->csums,
			  range);
}

/* ---- runs ---- */

/* What a page of a run holds. */
struct page {
	u64 run_id;
	u64 nr;
};

struct shard_run *shard_run_create(u32 nr_chunks)
{
	struct shard_run *run;

	run = kvzalloc(struct_size(run, chunks, nr_chunks), GFP_KERNEL);
	if (run)
		run->nr_chunks = nr_chunks;
	return run;
}

void shard_run_destroy(struct shard_run *run)
{
	kvfree(run);
}

void shard_runs_destroy(struct shard_runs *runs)
{
	while (runs->nr)
		shard_run_destroy(runs->run[--runs->nr]);
}

bool shard_run_valid(const struct shard_run *run)
{
	u32 nr = 0, i;

	for (i = 0; i < run->nr_chunks; i++)
		nr += run->chunks[i].nr_blocks;
	return nr && nr == run->nr_pages;
}

u64 shard_run_offset(const struct shard_store *store,
		     const struct shard_run *run, u32 page)
{
	const struct shard_run_chunk *c = run->chunks;

	while (page >= c->first_page + c->nr_blocks)
		c++;
	return shard_store_offset(store, c->place.extent,
				  c->place.block + page - c->first_page);
}

/* Reads one of a run's pages. */
static int run_read(struct shard_store *store, const struct shard_run *run)
{
	u8 block[SHARDBLK_BLOCK_SIZE_MAX] __aligned(8);
	const struct page *page = (struct page *)block;
	u32 nr = mock_draw(run->nr_pages);
	int err;

	err = shard_writeback_read_wait(store->wb,
					shard_run_offset(store, run, nr),
					block, store->block_size);
	if (!err && (page->run_id != run->id || page->nr != nr))
		err = -EBADMSG;
	return err;
}

int shard_run_iter_begin(struct shard_run_iter *it, struct shard_store *store,
			 const struct shard_run *run)
{
	memset(it, 0, sizeof(*it));
	it->store = store;
	it->run = run;
	it->csums = kvcalloc(M_INDEX_BLOCKS, sizeof(u32), GFP_KERNEL);
	return it->csums ? 0 : -ENOMEM;
}

int shard_run_iter_next(struct shard_run_iter *it, struct shard_range *range)
{
	int err = mock_draw(4) == 1 ? run_read(it->store, it->run) : 0;

	if (err)
		return err;
	if (!range_next(&layer_of(it->run->id)->m, it->next_lba,
			it->store->extent_blocks, it->csums, range))
		return 0;
	it->next_lba = range->lba + range->nr_blocks;
	return 1;
}

void shard_run_iter_end(struct shard_run_iter *it)
{
	kvfree(it->csums);
	it->csums = NULL;
}

int shard_run_builder_begin(struct shard_run_builder *b,
			    struct shard_store *store, u32 stream, u64 id,
			    struct shard_dep *dep, u64 pages_max)
{
	struct layer *layer = &layers[nr_layers++];
	int err;

	if (nr_layers == RUNS_MAX)
		kapi_fail("more than %u runs", RUNS_MAX - 1);
	memset(layer, 0, sizeof(*layer));
	layer->id = id;
	layer->pages_max = pages_max;
	memset(b, 0, sizeof(*b));
	b->store = store;
	b->id = id;
	b->stream = stream;
	err = shard_writer_begin(&b->writer, store, stream,
				 SHARDBLK_ENTRY_RUN, id, dep, pages_max);
	b->chunks = kvcalloc(pages_max, sizeof(*b->chunks), GFP_KERNEL);
	return err ?: b->chunks ? 0 : -ENOMEM;
}

static void chunk_add(struct shard_run_builder *b,
		      const struct shard_place *place)
{
	struct shard_run_chunk *c = &b->chunks[b->nr_chunks];

	if (b->nr_chunks && c[-1].place.extent == place->extent &&
	    c[-1].place.block + c[-1].nr_blocks == place->block) {
		c[-1].nr_blocks++;
		return;
	}
	*c = (struct shard_run_chunk){
		.place = *place, .nr_blocks = 1, .first_page = b->nr_pages,
	};
	b->nr_chunks++;
}

static int page_put(struct shard_run_builder *b)
{
	struct shard_place place;
	void *page;
	int err;

	err = b->before_page ? b->before_page(b->ctx) : 0;
	if (!err)
		err = shard_writer_page(&b->writer, &place, &page);
	if (err)
		return err;
	*(struct page *)page = (struct page){
		.run_id = b->id, .nr = b->nr_pages,
	};
	chunk_add(b, &place);
	b->nr_pages++;
	return shard_writer_page_done(&b->writer);
}

int shard_run_builder_add(struct shard_run_builder *b,
			  const struct shard_range *range)
{
	struct layer *layer = layer_of(b->id);

	range_insert(&layer->m, range, b->store->extent_blocks);
	b->nr_entries++;
	return b->nr_pages + 1 < layer->pages_max && mock_draw(4) == 1 ?
	       page_put(b) : 0;
}

int shard_run_builder_end(struct shard_run_builder *b, int error,
			  struct shard_run **out)
{
	struct shard_run *run = NULL;
	int err;

	if (!error && b->nr_entries)
		error = page_put(b) ?: shard_writer_flush(&b->writer);
	err = shard_writer_end(&b->writer);
	error = error ?: err;
	if (!error && b->nr_entries) {
		run = shard_run_create(b->nr_chunks);
		error = run ? 0 : -ENOMEM;
	}
	if (run) {
		run->id = b->id;
		run->stream = b->stream;
		run->nr_entries = b->nr_entries;
		run->nr_pages = b->nr_pages;
		run->height = 1;
		memcpy(run->chunks, b->chunks,
		       b->nr_chunks * sizeof(*run->chunks));
	}
	if (b->guide)
		shard_guide_destroy(shard_guide_end(b->guide));
	kvfree(b->chunks);
	*out = run;
	return error;
}

/* Nothing here goes by a guide. */
int shard_run_guide(struct shard_store *store, const struct shard_run *run,
		    bool blocks, bool (*stop)(void *ctx), void *ctx,
		    struct shard_guide **guide)
{
	*guide = NULL;
	return -ENOMEM;
}

struct shard_run *shard_run_copy(const struct shard_run *run,
				 struct shard_guide *guide)
{
	return NULL;
}

/* ---- versions ---- */

static struct shard_version *newest(struct shard_index *index)
{
	return list_last_entry(&index->versions, struct shard_version, node);
}

struct shard_version *shard_index_version(void)
{
	return kvzalloc(sizeof(struct shard_version), GFP_KERNEL);
}

static struct shard_version *push(struct shard_index *index,
				  struct shard_version *next)
{
	struct shard_version *v = newest(index);

	next->active = v->active;
	next->frozen = v->frozen;
	next->runs = v->runs;
	list_add_tail(&next->node, &index->versions);
	return v;
}

/* The oldest, if nobody can come to it any more. */
static struct shard_version *take_oldest(struct shard_index *index)
{
	struct shard_version *v = list_first_entry(&index->versions,
						   struct shard_version, node);

	if (v->refs || v == newest(index))
		v = NULL;
	else
		list_del(&v->node);
	return v;
}

static void release(struct work_struct *work)
{
	struct shard_index *index = container_of(work, struct shard_index, work);
	struct shard_version *v;
	u32 i;

	while ((v = take_oldest(index))) {
		for (i = 0; v->garbage && i < v->garbage->nr; i++)
			shard_extent_free(index->store->ex,
					  v->garbage->extents[i]);
		shard_runs_destroy(&v->old_runs);
		kvfree(v->old_memtable);
		kvfree(v->garbage);
		kvfree(v);
	}
	wake_up_all(&index->store->changed);
	if (index->on_free)
		index->on_free(index->on_free_ctx);
}

void shard_index_on_free(struct shard_index *index, void (*fn)(void *ctx),
			 void *ctx)
{
	index->on_free_ctx = ctx;
	index->on_free = fn;
}

struct shard_version *shard_index_hold(struct shard_index *index)
{
	struct shard_version *v = newest(index);

	v->refs++;
	return v;
}

void shard_index_put(struct shard_index *index, struct shard_version *version)
{
	version->refs--;
	queue_work(index->wq, &index->work);
}

/* ---- the index ---- */

struct shard_index *shard_index_create(struct shard_store *store,
				       u32 nr_entries, u32 cache_pages)
{
	struct shard_index *index = kvzalloc(sizeof(*index), GFP_KERNEL);
	struct shard_version *v = shard_index_version();

	if (!index || !v) {
		kvfree(index);
		kvfree(v);
		return NULL;
	}
	index->store = store;
	index->nr_entries = nr_entries;
	mutex_init(&index->edit);
	INIT_LIST_HEAD(&index->versions);
	INIT_WORK(&index->work, release);
	list_add_tail(&v->node, &index->versions);
	v->active = memtable_create(index);
	index->wq = alloc_workqueue("shardblk-release",
				    WQ_MEM_RECLAIM | WQ_UNBOUND, 1);
	if (v->active && index->wq)
		return index;
	shard_index_destroy(index);
	return NULL;
}

struct shard_cache *shard_index_cache(struct shard_index *index)
{
	return NULL;
}

unsigned long shard_cache_count(const struct shard_cache *cache)
{
	return 0;
}

unsigned long shard_cache_shrink(struct shard_cache *cache, unsigned long nr)
{
	return 0;
}

void shard_index_flush(struct shard_index *index)
{
}

void shard_index_stop(struct shard_index *index)
{
	flush_work(&index->work);
	index->on_free = NULL;
}

void shard_index_destroy(struct shard_index *index)
{
	struct shard_version *v;

	if (!index)
		return;
	if (index->wq)
		destroy_workqueue(index->wq);
	if (!list_is_singular(&index->versions) || newest(index)->refs)
		kapi_fail("a version is held at the end");
	v = newest(index);
	shard_runs_destroy(&v->runs);
	kvfree(v->active);
	kvfree(v->frozen);
	kvfree(v);
	kvfree(index->spare);
	kvfree(index->prepared);
	mutex_destroy(&index->edit);
	kvfree(index);
}

void shard_index_restore(struct shard_index *index,
			 const struct shard_runs *runs)
{
	newest(index)->runs = *runs;
}

bool shard_index_fits(struct shard_index *index, u32 nr_entries, u32 nr_csums)
{
	const struct shard_memtable *mt = newest(index)->active;

	return nr_entries <= mt->entries_left && nr_csums <= mt->csums_left;
}

/* Each range takes what it may take at most. */
void shard_index_insert(struct shard_index *index,
			const struct shard_range *range)
{
	u32 nr_csums = range->mapped ? range->nr_blocks : 0;
	struct shard_memtable *mt = newest(index)->active;

	if (!shard_index_fits(index, SHARD_MEMTABLE_PER_REQUEST, nr_csums))
		kapi_fail("O12: inserted what does not fit");
	mt->entries_left -= SHARD_MEMTABLE_PER_REQUEST;
	mt->csums_left -= nr_csums;
	mt->nr_entries += SHARD_MEMTABLE_PER_REQUEST;
	range_insert(&mt->m, range, mt->extent_blocks);
}

bool shard_index_empty(struct shard_index *index)
{
	return !newest(index)->frozen &&
	       shard_memtable_empty(newest(index)->active);
}

void shard_index_entries(struct shard_index *index, u32 *active, u32 *frozen)
{
	*active = newest(index)->active->nr_entries;
	*frozen = newest(index)->frozen ? newest(index)->frozen->nr_entries : 0;
}

/* Return: is all known now? */
static bool fill(const struct m_index *m, u64 lba, u32 nr_blocks,
		 struct shard_block_map *map)
{
	bool all = true;
	u32 i;

	for (i = 0; i < nr_blocks; i++) {
		const struct m_where *at = &m->at[lba + i];

		if (!map[i].known)
			map[i] = (struct shard_block_map){
				.known = at->known, .mapped = at->mapped,
				.block = at->block, .csum = at->csum,
			};
		all &= map[i].known;
	}
	return all;
}

static int fill_from_runs(struct shard_index *index,
			  const struct shard_runs *runs, u64 lba, u32 nr_blocks,
			  struct shard_block_map *map, bool sleep)
{
	bool all = false;
	u32 i;
	int err;

	for (i = 0; !all && i < runs->nr; i++) {
		if (!sleep && mock_draw(2))
			return -EAGAIN;
		err = sleep ? run_read(index->store, runs->run[i]) : 0;
		if (err)
			return err;
		all = fill(&layer_of(runs->run[i]->id)->m, lba, nr_blocks, map);
	}
	for (i = 0; i < nr_blocks; i++)
		map[i].known = true;
	return 0;
}

int shard_index_lookup(struct shard_index *index, struct shard_version *version,
		       u64 lba, u32 nr_blocks, struct shard_block_map *map,
		       bool sleep)
{
	struct shard_block_map was[SHARD_REQUEST_BLOCKS_MAX];
	int err = 0;

	memcpy(was, map, nr_blocks * sizeof(*map));
	fill(&version->active->m, lba, nr_blocks, map);
	if (!version->frozen || !fill(&version->frozen->m, lba, nr_blocks, map))
		err = fill_from_runs(index, &version->runs, lba, nr_blocks, map,
				     sleep);
	if (err)
		memcpy(map, was, nr_blocks * sizeof(*map));
	return err;
}

int shard_index_lookup_runs(struct shard_index *index, u64 lba, u32 nr_blocks,
			    struct shard_block_map *map)
{
	struct shard_version *version = shard_index_hold(index);
	int err;

	memset(map, 0, nr_blocks * sizeof(*map));
	err = fill_from_runs(index, &version->runs, lba, nr_blocks, map, true);
	shard_index_put(index, version);
	return err;
}

int shard_index_next_in_runs(struct shard_index *index, u64 *lba)
{
	for (; *lba < M_INDEX_BLOCKS; ++*lba) {
		struct shard_block_map map;
		int err = shard_index_lookup_runs(index, *lba, 1, &map);

		if (err || map.mapped)
			return err ?: 1;
	}
	return 0;
}

int shard_index_next(struct shard_index *index, struct shard_version *version,
		     u64 *lba)
{
	for (; *lba < M_INDEX_BLOCKS; ++*lba) {
		struct shard_block_map map = { 0 };
		int err = shard_index_lookup(index, version, *lba, 1, &map,
					     true);

		if (err || map.mapped)
			return err ?: 1;
	}
	return 0;
}

/* ---- moved blocks ---- */

u64 shard_index_covered(struct shard_index *index)
{
	return index->nr_frozen - !!newest(index)->frozen;
}

u64 shard_index_memtables(struct shard_index *index)
{
	return index->nr_frozen + 1;
}

/* One block after the other; how many at a time is drawn. */
int shard_index_swing(struct shard_index *index, u64 covered,
		      const struct shard_range *to, const u64 *from,
		      u32 nr_entries, u32 nr_csums, struct shard_block_map *map)
{
	struct shard_version *v = newest(index);
	u32 nr = 1 + mock_draw(to->nr_blocks), i;

	if (covered != shard_index_covered(index))
		return -EAGAIN;
	for (i = 0; i < nr; i++) {
		struct shard_block_map at = { 0 };
		struct shard_range range = *to;

		fill(&v->active->m, to->lba + i, 1, &at);
		if (v->frozen)
			fill(&v->frozen->m, to->lba + i, 1, &at);
		if (from[i] == SHARD_MAP_GONE ||
		    (at.known && (!at.mapped || at.block != from[i])))
			continue;
		if (!shard_index_fits(index, nr_entries +
				      SHARD_MEMTABLE_PER_REQUEST, nr_csums + 1))
			break;
		range.lba += i;
		range.place.block += i;
		range.csums += i;
		range.nr_blocks = 1;
		shard_index_insert(index, &range);
	}
	return i;
}

/* ---- checkpoints and merges ---- */

int shard_index_prepare(struct shard_index *index)
{
	if (!index->prepared)
		index->prepared = shard_index_version();
	if (!index->spare)
		index->spare = memtable_create(index);
	return index->prepared && index->spare ? 0 : -ENOMEM;
}

void shard_index_freeze(struct shard_index *index)
{
	struct shard_version *next = index->prepared;

	push(index, next);
	next->frozen = next->active;
	next->active = index->spare;
	index->nr_frozen++;
	index->spare = NULL;
	index->prepared = NULL;
	queue_work(index->wq, &index->work);
}

struct shard_memtable *shard_index_frozen(struct shard_index *index)
{
	return newest(index)->frozen;
}

bool shard_index_is_frozen(struct shard_index *index)
{
	return newest(index)->frozen;
}

u64 shard_index_frozen_pages(struct shard_index *index)
{
	const struct shard_layout *l = shard_extents_layout(index->store->ex);
	const struct shard_memtable *mt = newest(index)->frozen;

	return min(shard_run_pages_of(l->block_size, mt->nr_entries,
				      CSUMS_MAX - mt->csums_left),
		   shard_run_pages_max(l->block_size, l->logical_blocks));
}

struct shard_memtable *shard_index_active(struct shard_index *index)
{
	return newest(index)->active;
}

void shard_index_runs(struct shard_index *index, struct shard_runs *runs)
{
	*runs = newest(index)->runs;
}

u64 shard_index_run_id(struct shard_index *index)
{
	/* all that must be is that none is used twice */
	return ++last_id;
}

void shard_index_edit_begin(struct shard_index *index)
{
	mutex_lock(&index->edit);
}

void shard_index_edit_end(struct shard_index *index)
{
	mutex_unlock(&index->edit);
}

void shard_edit_apply(const struct shard_edit *edit,
		      const struct shard_runs *from, struct shard_runs *to,
		      struct shard_runs *dropped)
{
	u32 first = 0, i;

	while (edit->nr && from->run[first] != edit->first)
		first++;
	memset(to, 0, sizeof(*to));
	memset(dropped, 0, sizeof(*dropped));
	for (i = 0; i < first; i++)
		to->run[to->nr++] = from->run[i];
	if (edit->run)
		to->run[to->nr++] = edit->run;
	for (; i < first + edit->nr; i++)
		dropped->run[dropped->nr++] = from->run[i];
	for (; i < from->nr; i++)
		to->run[to->nr++] = from->run[i];
}

void shard_index_publish(struct shard_index *index,
			 const struct shard_edit *edit,
			 struct shard_garbage *garbage,
			 struct shard_version *next)
{
	struct shard_version *old = push(index, next);

	old->garbage = garbage;
	shard_edit_apply(edit, &old->runs, &next->runs, &old->old_runs);
	if (!edit->nr) {
		old->old_memtable = old->frozen;
		next->frozen = NULL;
	}
	queue_work(index->wq, &index->work);
}

void check_mock_index(struct world *w)
{
	layers = layers ?: shared_alloc(RUNS_MAX * sizeof(*layers));
	if (!layers)
		kapi_fail("no memory for %u runs", RUNS_MAX);
	nr_layers = 0;
	last_id = 0;
	mock_history(w, true);
}
