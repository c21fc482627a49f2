// SPDX-License-Identifier: GPL-2.0-only
/*
 * DOC: guides
 *
 * The level above the leaves, packed: for each leaf where it begins, its page
 * number and its checksum.  Sheets of one page of memory each hold as many
 * leaves as fit; a look-up searches the sheets, then the leaves of one.  So of
 * a run that is known by its guide no page is ever read but leaves.
 *
 *    sheet:  lba  step  bias  page   | leaf | leaf | ... | entries | ...
 *    leaf:   csum   lba - where a line has it   page - likewise   its entries
 *
 * Where leaves begin lies close to a line, the closer the denser blocks lie; so
 * what is left takes few bits.  Page numbers rise by one, and now and then by
 * more, where inner pages lie between.
 *
 * Runs that have older ones below also note which blocks they speak of, leaf by
 * leaf: the distances between entries, and their lengths unless all are one.
 * They are sorted, so a distance takes little more bits than its logarithm: six
 * for one block in sixteen, less than a filter that guesses would, and it never
 * guesses.  The code is Rice's, of the order that suits the leaf, with an escape
 * for what is far away: long holes are entries like others.  So that a look-up need
 * not pass half of a leaf, each sixteenth entry is noted: where it is, and what
 * it is told from.
 *
 *    entries:  number  order  single  bits | group | group | ... | codes
 *
 * A guide never changes.  It is memory only: one that could not be made for
 * want of memory is done without, and look-ups go down from the root.
 */
#include "guide.h"

#include "../../uapi/shardblk_format.h"

#define GUIDE_SHEET		4096u	/* bytes, with the header */
#define GUIDE_ENTRIES_MAX	255u	/* of a leaf; that of 4096 bytes has 169 */
#define GUIDE_LEAVES_MAX	1024u	/* more fit into no sheet */

/* What precedes a leaf's entries. */
#define GUIDE_NR_BITS		8u
#define GUIDE_ORDER_BITS	6u
#define GUIDE_LBA_BITS		6u
#define GUIDE_POS_BITS		16u

/* Entries from one noted place to the next. */
#define GUIDE_GROUP		16u

/* Zeros in front of a number of which only the logarithm is in unary. */
#define GUIDE_ESCAPE		8u

struct guide_sheet {
	u64 lba;			/* of the first leaf */
	u64 step;			/* to the next, about */
	u64 bias;			/* from the line to the lowest leaf below it */
	u32 page;
	u16 nr_leaves;
	u8 lba_bits;
	u8 page_bits;
	u64 words[];			/* one more than needed: see bits_get() */
};

#define GUIDE_WORDS	((u32)(GUIDE_SHEET - sizeof(struct guide_sheet)) / 8)
#define GUIDE_BITS	((u32)(GUIDE_WORDS - 1) * 64)

struct shard_guide {
	u32 nr_sheets;
	u32 max_sheets;
	bool blocks;
	size_t bytes;
	struct guide_sheet **sheets;
};

struct guide_entry {
	u64 lba;
	u64 nr_blocks;
};

struct guide_leaf {
	u64 lba;
	u32 page;
	u32 csum;
	u32 pos;
};

struct shard_guide_builder {
	struct shard_guide *guide;
	bool failed;
	u64 next_lba;			/* behind the last entry */
	u32 nr_entries;			/* of the leaf that comes next */
	u32 nr_leaves;			/* of the sheet being made */
	u32 nr_bits;			/* of all their entries */
	u32 leaf_bits;			/* of the entries of the next one */
	/* these need not begin as zeros */
	u64 bits[GUIDE_WORDS];
	u64 leaf[GUIDE_WORDS];
	struct guide_entry entries[GUIDE_ENTRIES_MAX];
	struct guide_leaf leaves[GUIDE_LEAVES_MAX];
};

/* ---- bits, the lowest of a word first ---- */

static u64 bits_get(const u64 *words, u32 pos, u32 nr)
{
	u64 v = words[pos / 64] >> pos % 64;

	if (pos % 64)
		v |= words[pos / 64 + 1] << (64 - pos % 64);
	return nr < 64 ? v & (BIT_ULL(nr) - 1) : v;
}

/* What is put first into a word clears it.  Does nothing but count behind @max. */
static void bits_put(u64 *words, u32 *pos, u32 max, u64 v, u32 nr)
{
	u32 at = *pos;

	*pos += nr;
	if (!nr || *pos > max)
		return;
	if (at % 64)
		words[at / 64] |= v << at % 64;
	else
		words[at / 64] = v;
	if (at % 64 + nr > 64)
		words[at / 64 + 1] = v >> (64 - at % 64);
}

/* A one behind @v zeros. */
static void unary_put(u64 *words, u32 *pos, u32 max, u32 v)
{
	bits_put(words, pos, max, BIT_ULL(v), v + 1);
}

static u32 unary_get(const u64 *words, u32 *pos)
{
	u32 v = __ffs64(bits_get(words, *pos, 64));

	*pos += v + 1;
	return v;
}

static u64 take(const u64 *words, u32 *pos, u32 nr)
{
	u64 v = bits_get(words, *pos, nr);

	*pos += nr;
	return v;
}

/* What is above @order in unary, or its logarithm and bits; then what is below. */
static void code_put(u64 *words, u32 *pos, u32 max, u64 v, u32 order)
{
	u64 above = v >> order;

	if (above < GUIDE_ESCAPE) {
		unary_put(words, pos, max, above);
	} else {
		u32 log = ilog2(above);

		unary_put(words, pos, max, GUIDE_ESCAPE + log);
		bits_put(words, pos, max, above - BIT_ULL(log), log);
	}
	bits_put(words, pos, max, v & (BIT_ULL(order) - 1), order);
}

static u64 code_get(const u64 *words, u32 *pos, u32 order)
{
	u64 bits = bits_get(words, *pos, 64);
	u64 above = __ffs64(bits);

	/* nearly all of them; look-ups pass many */
	if (above < GUIDE_ESCAPE && order < 64 - GUIDE_ESCAPE) {
		*pos += above + 1 + order;
		return above << order |
		       (bits >> (above + 1) & (BIT_ULL(order) - 1));
	}
	above = unary_get(words, pos);
	if (above >= GUIDE_ESCAPE) {
		u32 log = above - GUIDE_ESCAPE;

		above = BIT_ULL(log) + take(words, pos, log);
	}
	return above << order | take(words, pos, order);
}

/* ---- looking ---- */

static u32 leaf_bits(const struct guide_sheet *sheet, bool blocks)
{
	return 32 + sheet->lba_bits + sheet->page_bits +
	       (blocks ? GUIDE_POS_BITS : 0);
}

/* Where a leaf begins: all that is asked of those that a search only passes. */
static u64 leaf_lba(const struct shard_guide *guide,
		    const struct guide_sheet *sheet, u32 idx)
{
	u32 pos = idx * leaf_bits(sheet, guide->blocks) + 32;

	return sheet->lba + idx * sheet->step - sheet->bias +
	       bits_get(sheet->words, pos, sheet->lba_bits);
}

static void leaf_get(const struct shard_guide *guide,
		     const struct guide_sheet *sheet, u32 idx,
		     struct guide_leaf *leaf)
{
	u32 pos = idx * leaf_bits(sheet, guide->blocks);

	leaf->csum = take(sheet->words, &pos, 32);
	leaf->lba = leaf_lba(guide, sheet, idx);
	pos += sheet->lba_bits;
	leaf->page = sheet->page + idx +
		     take(sheet->words, &pos, sheet->page_bits);
	leaf->pos = guide->blocks ? take(sheet->words, &pos, GUIDE_POS_BITS) : 0;
}

/* The last leaf that begins at or before @lba, or the first; *@next: behind it. */
static const struct guide_sheet *leaf_find(const struct shard_guide *guide,
					   u64 lba, struct guide_leaf *leaf,
					   u64 *next)
{
	const struct guide_sheet *sheet;
	u32 low = 0, high = guide->nr_sheets;

	while (high - low > 1) {
		u32 mid = low + (high - low) / 2;

		if (guide->sheets[mid]->lba <= lba)
			low = mid;
		else
			high = mid;
	}
	sheet = guide->sheets[low];
	*next = high < guide->nr_sheets ? guide->sheets[high]->lba : U64_MAX;
	low = 0;
	high = sheet->nr_leaves;
	while (high - low > 1) {
		u32 mid = low + (high - low) / 2;
		u64 at = leaf_lba(guide, sheet, mid);

		if (at <= lba) {
			low = mid;
		} else {
			high = mid;
			*next = at;
		}
	}
	leaf_get(guide, sheet, low, leaf);
	return sheet;
}

void shard_guide_find(const struct shard_guide *guide, u64 lba,
		      struct shard_guide_leaf *leaf)
{
	struct guide_leaf found;

	leaf_find(guide, lba, &found, &leaf->next);
	leaf->page = found.page;
	leaf->csum = found.csum;
}

static bool any_unknown(const struct shard_block_map *map, u64 from, u64 to)
{
	while (from < to)
		if (!map[from++].known)
			return true;
	return false;
}

/* Places that are noted of a leaf: the first group begins with it. */
static u32 groups_noted(u32 nr_entries)
{
	return nr_entries ? (nr_entries - 1) / GUIDE_GROUP : 0;
}

/*
 * The last group that is told from @lba or before.  Takes *@pos from the groups
 * to its codes, and *@at to what they are told from.  Entries before it end there.
 */
static u32 group_find(const u64 *words, u32 nr, u32 lba_bits, u64 lba, u32 *pos,
		      u64 *at)
{
	u32 stride = lba_bits + GUIDE_POS_BITS;
	u32 begin = *pos, low = 0, high = nr + 1;

	while (high - low > 1) {
		u32 mid = low + (high - low) / 2;

		if (*at + bits_get(words, begin + (mid - 1) * stride,
				   lba_bits) <= lba)
			low = mid;
		else
			high = mid;
	}
	*pos += nr * stride;
	if (low) {
		begin += (low - 1) * stride;
		*at += take(words, &begin, lba_bits);
		*pos += take(words, &begin, GUIDE_POS_BITS);
	}
	return low;
}

/* Does the leaf speak of a block in [lba, end) that is not known yet? */
static bool leaf_knows(const struct guide_sheet *sheet,
		       const struct guide_leaf *leaf, u64 lba, u64 end,
		       const struct shard_block_map *map)
{
	u32 pos = leaf->pos, nr, order, lba_bits;
	u64 at = leaf->lba;
	bool single;

	nr = take(sheet->words, &pos, GUIDE_NR_BITS);
	order = take(sheet->words, &pos, GUIDE_ORDER_BITS);
	single = take(sheet->words, &pos, 1);
	lba_bits = take(sheet->words, &pos, GUIDE_LBA_BITS);
	nr -= GUIDE_GROUP * group_find(sheet->words, groups_noted(nr), lba_bits,
				       lba, &pos, &at);
	while (nr--) {
		u64 stop;

		at += code_get(sheet->words, &pos, order);
		if (at >= end)
			return false;
		stop = at + 1 + (single ? 0 : code_get(sheet->words, &pos, 0));
		if (stop > lba && any_unknown(map, max(at, lba) - lba,
					      min(stop, end) - lba))
			return true;
		at = stop;
	}
	return false;
}

bool shard_guide_knows(const struct shard_guide *guide, u64 lba, u32 nr_blocks,
		       const struct shard_block_map *map)
{
	u64 end = lba + nr_blocks, next;

	if (!guide->blocks)
		return true;
	for (; lba < end; map += next - lba, lba = next) {
		const struct guide_sheet *sheet;
		struct guide_leaf leaf;

		sheet = leaf_find(guide, lba, &leaf, &next);
		next = min(next, end);
		if (leaf_knows(sheet, &leaf, lba, next, map))
			return true;
	}
	return false;
}

size_t shard_guide_bytes(const struct shard_guide *guide)
{
	return guide->bytes;
}

/* ---- making ---- */

struct shard_guide_builder *shard_guide_begin(bool blocks)
{
	struct shard_guide_builder *b = kvmalloc(sizeof(*b), GFP_KERNEL);

	if (!b)
		return NULL;
	memset(b, 0, offsetof(struct shard_guide_builder, bits));
	b->guide = kvzalloc(sizeof(*b->guide), GFP_KERNEL);
	if (!b->guide) {
		kvfree(b);
		return NULL;
	}
	b->guide->blocks = blocks;
	return b;
}

/*
 * What is walked may be nonsense: then there is no guide.  Blocks that no device
 * has would be numbers too long for the code.
 */
void shard_guide_add(struct shard_guide_builder *b, u64 lba, u32 nr_blocks)
{
	if (!b->guide->blocks)
		return;
	if (b->nr_entries == GUIDE_ENTRIES_MAX || lba < b->next_lba ||
	    lba > SHARDBLK_LOGICAL_BLOCKS_MAX - nr_blocks)
		b->failed = true;
	if (b->failed)
		return;
	b->next_lba = lba + nr_blocks;
	b->entries[b->nr_entries].lba = lba;
	b->entries[b->nr_entries++].nr_blocks = nr_blocks;
}

/* Entries of several blocks: those that follow one another become one. */
static void entries_join(struct shard_guide_builder *b)
{
	u32 nr = 0, i;

	for (i = 1; i < b->nr_entries; i++) {
		struct guide_entry *last = &b->entries[nr];

		if (b->entries[i].lba == last->lba + last->nr_blocks)
			last->nr_blocks += b->entries[i].nr_blocks;
		else
			b->entries[++nr] = b->entries[i];
	}
	b->nr_entries = nr + 1;
}

/*
 * The order that suits.  Of what is random the mean of the logarithms, rounded
 * down, is three quarters below it; and some that are far away change it little.
 */
static u32 entries_order(const struct shard_guide_builder *b, u64 at)
{
	u32 sum = 0, i;

	for (i = 0; i < b->nr_entries; i++) {
		sum += ilog2(b->entries[i].lba - at + 1);
		at = b->entries[i].lba + b->entries[i].nr_blocks;
	}
	return i ? min((4 * sum + 3 * i) / (4 * i), 63u) : 0;
}

/* Counts only, if @max is zero. */
static void entry_put(u64 *words, u32 *pos, u32 max, const struct guide_entry *e,
		      u64 at, u32 order, bool single)
{
	code_put(words, pos, max, e->lba - at, order);
	if (!single)
		code_put(words, pos, max, e->nr_blocks - 1, 0);
}

/* Notes in leaf[] where the groups of a leaf's entries begin. */
static void groups_put(struct shard_guide_builder *b, u64 begin, u32 order,
		       bool single)
{
	u32 lba_bits = b->nr_entries ?
		       fls64(b->entries[b->nr_entries - 1].lba - begin) : 0;
	u64 at = begin;
	u32 pos = 0, i;

	bits_put(b->leaf, &b->leaf_bits, GUIDE_BITS, lba_bits, GUIDE_LBA_BITS);
	for (i = 0; i < b->nr_entries; i++) {
		const struct guide_entry *e = &b->entries[i];

		if (i && i % GUIDE_GROUP == 0) {
			bits_put(b->leaf, &b->leaf_bits, GUIDE_BITS, at - begin,
				 lba_bits);
			bits_put(b->leaf, &b->leaf_bits, GUIDE_BITS, pos,
				 GUIDE_POS_BITS);
		}
		entry_put(b->leaf, &pos, 0, e, at, order, single);
		at = e->lba + e->nr_blocks;
	}
}

/* Codes the entries of a leaf into leaf[]. */
static void entries_code(struct shard_guide_builder *b, u64 at)
{
	bool single = true;
	u32 order, i;

	for (i = 0; i < b->nr_entries; i++)
		single = single && b->entries[i].nr_blocks == 1;
	if (!single)
		entries_join(b);
	order = entries_order(b, at);
	b->leaf_bits = 0;
	bits_put(b->leaf, &b->leaf_bits, GUIDE_BITS, b->nr_entries,
		 GUIDE_NR_BITS);
	bits_put(b->leaf, &b->leaf_bits, GUIDE_BITS, order, GUIDE_ORDER_BITS);
	bits_put(b->leaf, &b->leaf_bits, GUIDE_BITS, single, 1);
	groups_put(b, at, order, single);
	for (i = 0; i < b->nr_entries; i++) {
		const struct guide_entry *e = &b->entries[i];

		entry_put(b->leaf, &b->leaf_bits, GUIDE_BITS, e, at, order,
			  single);
		at = e->lba + e->nr_blocks;
	}
}

/* Of a sheet of the leaves gathered so far. */
static void sheet_shape(const struct shard_guide_builder *b,
			struct guide_sheet *shape)
{
	const struct guide_leaf *first = &b->leaves[0];
	const struct guide_leaf *last = &b->leaves[b->nr_leaves - 1];
	u64 step = div_u64(last->lba - first->lba, max(b->nr_leaves - 1, 1u));
	u64 line = first->lba, above = 0, below = 0;
	u32 i;

	for (i = 0; i < b->nr_leaves; i++, line += step) {
		u64 lba = b->leaves[i].lba;

		if (lba >= line)
			above = max(above, lba - line);
		else
			below = max(below, line - lba);
	}
	shape->lba = first->lba;
	shape->step = step;
	shape->bias = below;
	shape->page = first->page;
	shape->nr_leaves = b->nr_leaves;
	shape->lba_bits = fls64(above + below);
	shape->page_bits = fls64(last->page - first->page - (b->nr_leaves - 1));
}

/* Room in the table of sheets for one more. */
static bool sheets_grow(struct shard_guide *guide)
{
	u32 max = guide->max_sheets ? 2 * guide->max_sheets : 4;
	struct guide_sheet **sheets;

	if (guide->nr_sheets < guide->max_sheets)
		return true;
	sheets = kvcalloc(max, sizeof(*sheets), GFP_KERNEL);
	if (!sheets)
		return false;
	if (guide->nr_sheets)
		memcpy(sheets, guide->sheets,
		       guide->nr_sheets * sizeof(*sheets));
	kvfree(guide->sheets);
	guide->sheets = sheets;
	guide->bytes += (max - guide->max_sheets) * sizeof(*sheets);
	guide->max_sheets = max;
	return true;
}

/* Makes a sheet of the leaves gathered so far. */
static void sheet_end(struct shard_guide_builder *b)
{
	struct shard_guide *guide = b->guide;
	struct guide_sheet shape, *sheet;
	u32 stride, pos = 0, i, nr, max;

	sheet_shape(b, &shape);
	stride = leaf_bits(&shape, guide->blocks);
	max = b->nr_leaves * stride + b->nr_bits;
	nr = max / 64 + 2;
	sheet = sheets_grow(guide) ? kvzalloc(struct_size(sheet, words, nr),
					      GFP_KERNEL) : NULL;
	if (!sheet) {
		b->failed = true;
		return;
	}
	*sheet = shape;
	for (i = 0; i < b->nr_leaves; i++) {
		const struct guide_leaf *leaf = &b->leaves[i];

		bits_put(sheet->words, &pos, max, leaf->csum, 32);
		bits_put(sheet->words, &pos, max, leaf->lba - shape.lba -
			 i * shape.step + shape.bias, shape.lba_bits);
		bits_put(sheet->words, &pos, max, leaf->page - shape.page - i,
			 shape.page_bits);
		if (guide->blocks)
			bits_put(sheet->words, &pos, max, leaf->pos +
				 b->nr_leaves * stride, GUIDE_POS_BITS);
	}
	for (i = 0; i < b->nr_bits; i += nr) {
		nr = min(b->nr_bits - i, 64u);
		bits_put(sheet->words, &pos, max, bits_get(b->bits, i, nr), nr);
	}
	guide->sheets[guide->nr_sheets++] = sheet;
	guide->bytes += struct_size(sheet, words, max / 64 + 2);
	b->nr_leaves = 0;
	b->nr_bits = 0;
}

/* Does a sheet hold what it has, with the leaf that was added last? */
static bool sheet_fits(const struct shard_guide_builder *b)
{
	struct guide_sheet shape;

	sheet_shape(b, &shape);
	return b->nr_leaves * leaf_bits(&shape, b->guide->blocks) + b->nr_bits +
	       b->leaf_bits <= GUIDE_BITS - 64;
}

void shard_guide_add_leaf(struct shard_guide_builder *b, u64 lba, u32 page,
			  u32 csum)
{
	struct guide_leaf leaf = { .lba = lba, .page = page, .csum = csum };
	u32 i, nr;

	if (lba >= SHARDBLK_LOGICAL_BLOCKS_MAX ||
	    (b->nr_entries && b->entries[0].lba < lba))
		b->failed = true;
	if (b->nr_leaves && (lba <= b->leaves[b->nr_leaves - 1].lba ||
			     page <= b->leaves[b->nr_leaves - 1].page))
		b->failed = true;
	if (b->failed)
		return;
	if (b->guide->blocks)
		entries_code(b, lba);
	b->leaves[b->nr_leaves++] = leaf;
	if (b->nr_leaves == GUIDE_LEAVES_MAX || !sheet_fits(b)) {
		b->nr_leaves--;
		if (b->nr_leaves)
			sheet_end(b);
		b->leaves[0] = leaf;
		b->nr_leaves = 1;
		b->failed = b->failed || !sheet_fits(b);
	}
	if (b->failed)
		return;
	b->leaves[b->nr_leaves - 1].pos = b->nr_bits;
	for (i = 0; i < b->leaf_bits; i += nr) {
		nr = min(b->leaf_bits - i, 64u);
		bits_put(b->bits, &b->nr_bits, GUIDE_BITS,
			 bits_get(b->leaf, i, nr), nr);
	}
	b->nr_entries = 0;
}

struct shard_guide *shard_guide_end(struct shard_guide_builder *b)
{
	struct shard_guide *guide = b->guide;

	if (!b->failed && b->nr_leaves)
		sheet_end(b);
	if (b->failed || !guide->nr_sheets) {
		shard_guide_destroy(guide);
		guide = NULL;
	}
	kvfree(b);
	return guide;
}

void shard_guide_destroy(struct shard_guide *guide)
{
	if (!guide)
		return;
	while (guide->nr_sheets)
		kvfree(guide->sheets[--guide->nr_sheets]);
	kvfree(guide->sheets);
	kvfree(guide);
}
