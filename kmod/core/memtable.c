// SPDX-License-Identifier: GPL-2.0-only
/*
 * DOC: memtable
 *
 * Two arenas are allocated once: nodes of the tree, and checksums.  Nodes that
 * an insertion makes superfluous are used again; checksums are only ever
 * added, and all forgotten when the memtable is cleared.  A checkpoint clears
 * it long before that matters: a block's checksum is 4 bytes, a block of log
 * space at least 512.
 *
 * Nothing is joined that lies side by side, on purpose: runs do that when they
 * are built.  The entries are what later insertions left of each range, so the
 * last part of a history never needs more of them than all of it; a hole that
 * joins those on both its sides would break that.  Recovery relies on it (O12):
 * it freezes where the memtable is full, behind the place where the device had
 * frozen it, and the rest of the log fits whatever that is.
 */
#include "memtable.h"

struct mt_node {
	struct rb_node rb;
	u64 lba;
	u32 nr_blocks;
	u32 csums;			/* index of the first one */
	struct shard_place place;
	bool mapped;
	u32 next_free;
};

static_assert(sizeof(struct mt_node) + SHARD_MEMTABLE_CSUMS * sizeof(u32) <=
	      SHARD_MEMTABLE_ENTRY);

/* Checksums in all, at least. */
#define MT_CSUMS_MIN		1024
#define MT_NONE			U32_MAX

struct shard_memtable {
	struct rb_root root;
	u32 nr_nodes;
	u32 nr_used;			/* nodes in the tree */
	u32 nr_fresh;			/* nodes ever used since the last clear */
	u32 free;			/* first of those used before, or MT_NONE */
	u32 nr_csums;
	u32 csums_used;
	u32 *csums;
	struct mt_node nodes[];
};

struct shard_memtable *shard_memtable_create(u32 nr_entries)
{
	struct shard_memtable *mt;

	mt = kvzalloc(struct_size(mt, nodes, nr_entries), GFP_KERNEL);
	if (!mt)
		return NULL;
	mt->nr_nodes = nr_entries;
	mt->nr_csums = max_t(u32, nr_entries * SHARD_MEMTABLE_CSUMS,
			     MT_CSUMS_MIN);
	mt->csums = kvmalloc_array(mt->nr_csums, sizeof(*mt->csums),
				   GFP_KERNEL);
	if (!mt->csums) {
		kvfree(mt);
		return NULL;
	}
	shard_memtable_clear(mt);
	return mt;
}

void shard_memtable_destroy(struct shard_memtable *mt)
{
	if (!mt)
		return;
	kvfree(mt->csums);
	kvfree(mt);
}

void shard_memtable_clear(struct shard_memtable *mt)
{
	mt->root = RB_ROOT;
	mt->nr_used = 0;
	mt->nr_fresh = 0;
	mt->free = MT_NONE;
	mt->csums_used = 0;
}

bool shard_memtable_empty(const struct shard_memtable *mt)
{
	return !mt->nr_used;
}

u32 shard_memtable_entries(const struct shard_memtable *mt)
{
	return mt->nr_used;
}

u64 shard_memtable_pages(const struct shard_memtable *mt, u32 block_size)
{
	return shard_run_pages_of(block_size, mt->nr_used, mt->csums_used);
}

bool shard_memtable_fits(const struct shard_memtable *mt, u32 nr_entries,
			 u32 nr_csums)
{
	return nr_entries <= mt->nr_nodes - mt->nr_used &&
	       nr_csums <= mt->nr_csums - mt->csums_used;
}

static struct mt_node *node_alloc(struct shard_memtable *mt)
{
	struct mt_node *node;

	mt->nr_used++;
	if (mt->free != MT_NONE) {
		node = &mt->nodes[mt->free];
		mt->free = node->next_free;
		return node;
	}
	if (WARN_ON(mt->nr_fresh == mt->nr_nodes)) {
		/* a broken reservation must not corrupt memory */
		mt->nr_used--;
		return NULL;
	}
	return &mt->nodes[mt->nr_fresh++];
}

static void node_free(struct shard_memtable *mt, struct mt_node *node)
{
	rb_erase(&node->rb, &mt->root);
	node->next_free = mt->free;
	mt->free = node - mt->nodes;
	mt->nr_used--;
}

static void node_link(struct shard_memtable *mt, struct mt_node *node)
{
	struct rb_node **link = &mt->root.rb_node, *parent = NULL;

	while (*link) {
		parent = *link;
		if (node->lba < rb_entry(parent, struct mt_node, rb)->lba)
			link = &parent->rb_left;
		else
			link = &parent->rb_right;
	}
	rb_link_node(&node->rb, parent, link);
	rb_insert_color(&node->rb, &mt->root);
}

static u64 node_end(const struct mt_node *node)
{
	return node->lba + node->nr_blocks;
}

/* The first node that ends behind @lba. */
static struct mt_node *node_find(const struct shard_memtable *mt, u64 lba)
{
	struct rb_node *rb = mt->root.rb_node;
	struct mt_node *found = NULL;

	while (rb) {
		struct mt_node *node = rb_entry(rb, struct mt_node, rb);

		if (node_end(node) > lba) {
			found = node;
			rb = rb->rb_left;
		} else {
			rb = rb->rb_right;
		}
	}
	return found;
}

static struct mt_node *node_next(struct mt_node *node)
{
	struct rb_node *rb = rb_next(&node->rb);

	return rb ? rb_entry(rb, struct mt_node, rb) : NULL;
}

/* Takes @nr blocks off the front of a node. */
static void node_skip(struct mt_node *node, u32 nr)
{
	node->lba += nr;
	node->nr_blocks -= nr;
	if (node->mapped) {
		node->place.block += nr;
		node->csums += nr;
	}
}

/* Leaves of @node what lies outside [lba, end). */
static void node_cut(struct shard_memtable *mt, struct mt_node *node, u64 lba,
		     u64 end)
{
	struct mt_node *rest;

	if (node->lba >= lba && node_end(node) <= end) {
		node_free(mt, node);
		return;
	}
	if (node->lba >= lba) {
		node_skip(node, end - node->lba);
		return;
	}
	if (node_end(node) > end) {
		shard_sometimes(true,
				"a request splits an entry of the memtable");
		rest = node_alloc(mt);
		if (!rest)
			return;
		rest->lba = node->lba;
		rest->nr_blocks = node->nr_blocks;
		rest->csums = node->csums;
		rest->place = node->place;
		rest->mapped = node->mapped;
		node_skip(rest, end - rest->lba);
		node->nr_blocks = lba - node->lba;
		node_link(mt, rest);
		return;
	}
	node->nr_blocks = lba - node->lba;
}

void shard_memtable_insert(struct shard_memtable *mt,
			   const struct shard_range *range)
{
	u64 end = range->lba + range->nr_blocks;
	struct mt_node *node = node_find(mt, range->lba);

	while (node && node->lba < end) {
		struct mt_node *next = node_next(node);

		node_cut(mt, node, range->lba, end);
		node = next;
	}
	node = node_alloc(mt);
	if (!node)
		return;
	node->lba = range->lba;
	node->nr_blocks = range->nr_blocks;
	node->mapped = range->mapped;
	node->place = range->place;
	node->csums = 0;
	if (range->mapped) {
		WARN_ON(range->nr_blocks > mt->nr_csums - mt->csums_used);
		node->csums = mt->csums_used;
		memcpy(&mt->csums[node->csums], range->csums,
		       range->nr_blocks * sizeof(u32));
		mt->csums_used += range->nr_blocks;
	}
	/* O12: a hole is not joined with those beside it, see above */
	node_link(mt, node);
}

/* No tree of so many nodes is higher. */
#define MT_HEIGHT_MAX		64

/* A node as it was for a moment; beside an insertion it may never have been. */
struct mt_glance {
	u64 lba;
	u32 nr_blocks;
	u32 csums;
	struct shard_place place;
	bool mapped;
};

/* Races with an insertion, on purpose: that is found out later. */
#define glance(x)		data_race(READ_ONCE(x))

/*
 * node_find(), but beside an insertion.  Nodes lie in the arena for good, and
 * the tree's pointers are changed one at a time, to other nodes; so every one
 * that is followed leads to a node, and the number of steps is bounded.
 */
static bool node_glance(const struct shard_memtable *mt, u64 lba,
			struct mt_glance *found)
{
	struct rb_node *rb = glance(mt->root.rb_node);
	bool any = false;
	u32 steps;

	for (steps = 0; rb && steps < MT_HEIGHT_MAX; steps++) {
		const struct mt_node *node = rb_entry(rb, struct mt_node, rb);
		u64 at = glance(node->lba);
		u32 nr = glance(node->nr_blocks);

		if (at + nr <= lba) {
			rb = glance(rb->rb_right);
			continue;
		}
		found->lba = at;
		found->nr_blocks = nr;
		found->csums = glance(node->csums);
		found->place.extent = glance(node->place.extent);
		found->place.generation = glance(node->place.generation);
		found->place.block = glance(node->place.block);
		found->mapped = glance(node->mapped);
		any = true;
		rb = glance(rb->rb_left);
	}
	return any;
}

void shard_memtable_lookup(const struct shard_memtable *mt, u64 lba,
			   u32 nr_blocks, u32 extent_blocks,
			   struct shard_block_map *map)
{
	u64 end = lba + nr_blocks, next = lba;
	struct mt_glance node = {};

	while (next < end && node_glance(mt, next, &node) && node.lba < end) {
		u64 at = max(next, node.lba);
		u64 stop = min(end, node.lba + node.nr_blocks);

		for (next = max(stop, next + 1); at < stop; at++) {
			struct shard_block_map *m = &map[at - lba];
			u32 idx = at - node.lba;

			if (m->known)
				continue;
			m->known = true;
			m->mapped = node.mapped;
			if (!node.mapped)
				continue;
			m->block = (u64)node.place.extent * extent_blocks +
				   node.place.block + idx;
			/* a glance beside an insertion may be of anything */
			if (node.csums < mt->nr_csums &&
			    idx < mt->nr_csums - node.csums)
				m->csum = mt->csums[node.csums + idx];
		}
	}
}

bool shard_memtable_next(const struct shard_memtable *mt, u64 lba,
			 struct shard_range *range)
{
	struct mt_node *node = node_find(mt, lba);

	if (!node)
		return false;
	range->lba = node->lba;
	range->nr_blocks = node->nr_blocks;
	range->mapped = node->mapped;
	range->place = node->place;
	range->csums = node->mapped ? &mt->csums[node->csums] : NULL;
	return true;
}
