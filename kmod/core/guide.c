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
 * leaf: where the entries of one block are, and where those of several begin and
 * end.  Both are numbers that rise, and are coded as Elias and Fano did:
 *
 *    nr  low_bits  zeros  | low bits of each | a one for each, among zeros |
 *
 * The zeros before a number's one are its high bits.  So a look-up counts zeros,
 * by words, up to the high bits that it looks for, and finds the next number
 * there.  There are about as many zeros as ones, so a number takes two bits more
 * than its share of the leaf has: six for one block in sixteen, less than a
 * filter that guesses would, and it never guesses.
 *
 * A guide never changes.  It is memory only: one that could not be made for
 * want of memory is done without, and look-ups go down from the root.
 */
#include "guide.h"

#include "../../uapi/shardblk_format.h"

#define GUIDE_SHEET		4096u	/* bytes, with the header */
#define GUIDE_ENTRIES_MAX	255u	/* of a leaf; that of 4096 bytes has 169 */
#define GUIDE_LEAVES_MAX	1024u	/* more fit into no sheet */
#define GUIDE_POS_BITS		16u	/* where the numbers of a leaf are */

/* What precedes numbers: @nr, and if that is not zero the others. */
#define GUIDE_NR_BITS		9u
#define GUIDE_LOW_BITS		6u
#define GUIDE_ZEROS_BITS	11u
#define GUIDE_HEAD_BITS		(GUIDE_NR_BITS + GUIDE_LOW_BITS + GUIDE_ZEROS_BITS)

struct guide_sheet {
	u64 lba;			/* of the first leaf */
	u64 step;			/* to the next, about */
	u64 bias;			/* from the line to the lowest leaf below it */
	u32 page;
	u32 spread;			/* leaves that are near enough to any place */
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
	u64 values[2 * GUIDE_ENTRIES_MAX];
	struct guide_leaf leaves[GUIDE_LEAVES_MAX];
};

/* ---- bits, the lowest of a word first ---- */

static inline u64 bits_get(const u64 *words, u32 pos, u32 nr)
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

static u64 take(const u64 *words, u32 *pos, u32 nr)
{
	u64 v = bits_get(words, *pos, nr);

	*pos += nr;
	return v;
}

/* ---- numbers that rise ---- */

/**
 * struct guide_numbers - numbers, and one of them
 * @words:	where they are coded
 * @low_bits:	of each
 * @low_pos:	where these are
 * @high_pos:	where the ones and zeros are
 * @nr:		numbers
 * @zeros:	among the ones
 * @i:		the one that is looked at; @nr: none
 * @pos:	behind its one
 * @high:	its high bits
 * @value:	it
 */
struct guide_numbers {
	const u64 *words;
	u32 low_bits;
	u32 low_pos;
	u32 high_pos;
	u32 nr;
	u32 zeros;
	u32 i;
	u32 pos;
	u64 high;
	u64 value;
};

/* Adds what codes @values, which do not fall. */
static void numbers_put(u64 *words, u32 *pos, u32 max, const u64 *values, u32 nr)
{
	u64 share = nr ? div_u64(values[nr - 1], nr) : 0;
	u32 low_bits = share ? ilog2(share) : 0;
	u64 high = 0;
	u32 i, n;

	bits_put(words, pos, max, nr, GUIDE_NR_BITS);
	if (!nr)
		return;
	bits_put(words, pos, max, low_bits, GUIDE_LOW_BITS);
	bits_put(words, pos, max, values[nr - 1] >> low_bits, GUIDE_ZEROS_BITS);
	for (i = 0; i < nr; i++)
		bits_put(words, pos, max,
			 values[i] & (BIT_ULL(low_bits) - 1), low_bits);
	for (i = 0; i < nr; i++) {
		for (; high < values[i] >> low_bits; high += n) {
			n = min_t(u64, (values[i] >> low_bits) - high, 64);
			bits_put(words, pos, max, 0, n);
		}
		bits_put(words, pos, max, 1, 1);
	}
}

/* Those at *@pos, which it takes behind them; none is looked at. */
static void numbers_get(const u64 *words, u32 *pos, struct guide_numbers *n)
{
	u64 bits = bits_get(words, *pos, GUIDE_HEAD_BITS);

	n->words = words;
	n->nr = bits & (BIT_ULL(GUIDE_NR_BITS) - 1);
	n->i = n->nr;
	if (!n->nr) {
		*pos += GUIDE_NR_BITS;
		return;
	}
	bits >>= GUIDE_NR_BITS;
	n->low_bits = bits & (BIT_ULL(GUIDE_LOW_BITS) - 1);
	n->zeros = bits >> GUIDE_LOW_BITS;
	n->low_pos = *pos + GUIDE_HEAD_BITS;
	n->high_pos = n->low_pos + n->nr * n->low_bits;
	*pos = n->high_pos + n->nr + n->zeros;
}

/* Looks at number @i, whose one is the next from @pos on. */
static void number_look(struct guide_numbers *n)
{
	u32 zeros;
	u64 bits;

	if (n->i == n->nr)
		return;
	while (!(bits = bits_get(n->words, n->pos, 64))) {
		n->pos += 64;
		n->high += 64;
	}
	zeros = __ffs64(bits);
	n->pos += zeros + 1;
	n->high += zeros;
	n->value = n->high << n->low_bits |
		   bits_get(n->words, n->low_pos + n->i * n->low_bits,
			    n->low_bits);
}

/* Where @nr zeros have passed from @pos on; there are so many. */
static u32 zeros_pass(const u64 *words, u32 pos, u32 nr)
{
	u32 zeros;
	u64 bits;

	if (!nr)
		return pos;
	for (;; pos += 64, nr -= zeros) {
		bits = bits_get(words, pos, 64);
		zeros = 64 - hweight64(bits);
		if (zeros >= nr)
			break;
	}
	/* the lowest zeros become ones */
	while (--nr)
		bits |= bits + 1;
	return pos + __ffs64(~bits) + 1;
}

/* Looks at the first number that is not below @value. */
static void numbers_find(struct guide_numbers *n, u64 value)
{
	u64 high = n->nr ? value >> n->low_bits : 0;

	n->i = n->nr;
	if (!n->nr || high > n->zeros)
		return;
	n->pos = zeros_pass(n->words, n->high_pos, high);
	n->high = high;
	n->i = n->pos - n->high_pos - high;
	number_look(n);
	while (n->i < n->nr && n->value < value) {
		n->i++;
		number_look(n);
	}
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

static const struct guide_sheet *sheet_find(const struct shard_guide *guide,
					    u64 lba, u64 *next)
{
	u32 low = 0, high = guide->nr_sheets;

	while (high - low > 1) {
		u32 mid = low + (high - low) / 2;

		if (guide->sheets[mid]->lba <= lba)
			low = mid;
		else
			high = mid;
	}
	*next = high < guide->nr_sheets ? guide->sheets[high]->lba : U64_MAX;
	return guide->sheets[low];
}

/*
 * The last leaf of a sheet that begins at or before @lba, or the first.  The line
 * says which it can be: none begins below it by more than the bias, nor above
 * it by more than the bits can say.
 */
static u32 leaf_search(const struct shard_guide *guide,
		       const struct guide_sheet *sheet, u64 lba)
{
	u32 low = 0, high = sheet->nr_leaves;
	u64 line;

	if (lba <= sheet->lba || high == 1)
		return 0;
	line = div64_u64(min(lba, SHARDBLK_LOGICAL_BLOCKS_MAX) - sheet->lba +
			 sheet->bias, sheet->step);
	if (line > sheet->spread)
		low = min_t(u64, line - sheet->spread, high - 1);
	high = min_t(u64, line + 1, high);
	while (high - low > 1) {
		u32 mid = low + (high - low) / 2;

		if (leaf_lba(guide, sheet, mid) <= lba)
			low = mid;
		else
			high = mid;
	}
	return low;
}

/* The last leaf that begins at or before @lba, or the first; *@next: behind it. */
static const struct guide_sheet *leaf_find(const struct shard_guide *guide,
					   u64 lba, struct guide_leaf *leaf,
					   u64 *next)
{
	const struct guide_sheet *sheet = sheet_find(guide, lba, next);
	u32 idx = leaf_search(guide, sheet, lba);

	leaf_get(guide, sheet, idx, leaf);
	if (idx + 1 < sheet->nr_leaves)
		*next = leaf_lba(guide, sheet, idx + 1);
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

/*
 * Do these speak of a block in [lba, end) that is not known yet?  Blocks, or
 * where ranges begin and end in turn.
 */
static bool numbers_know(struct guide_numbers *n, bool ranges, u64 begin,
			 u64 lba, u64 end, const struct shard_block_map *map)
{
	numbers_find(n, (lba > begin ? lba - begin : 0) + ranges);
	while (n->i < n->nr) {
		bool inside = ranges && n->i % 2;
		u64 at = inside ? max(lba, begin) : begin + n->value;
		u64 stop = at + 1;

		if (at >= end)
			return false;
		if (ranges && !inside) {
			n->i++;
			number_look(n);
		}
		if (ranges)
			stop = begin + n->value;
		if (any_unknown(map, at - lba, min(stop, end) - lba))
			return true;
		n->i++;
		number_look(n);
	}
	return false;
}

static bool leaf_knows(const struct guide_sheet *sheet,
		       const struct guide_leaf *leaf, u64 lba, u64 end,
		       const struct shard_block_map *map)
{
	struct guide_numbers n;
	u32 pos = leaf->pos;

	numbers_get(sheet->words, &pos, &n);
	if (numbers_know(&n, false, leaf->lba, lba, end, map))
		return true;
	numbers_get(sheet->words, &pos, &n);
	return numbers_know(&n, true, leaf->lba, lba, end, map);
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

/* Where entries of one block are.  Return: how many numbers that is. */
static u32 blocks_of(struct shard_guide_builder *b, u64 begin)
{
	u32 nr = 0, i;

	for (i = 0; i < b->nr_entries; i++)
		if (b->entries[i].nr_blocks == 1)
			b->values[nr++] = b->entries[i].lba - begin;
	return nr;
}

/* Where those of several begin and end; some that touch are one. */
static u32 ranges_of(struct shard_guide_builder *b, u64 begin)
{
	u32 nr = 0, i;

	for (i = 0; i < b->nr_entries; i++) {
		const struct guide_entry *e = &b->entries[i];
		u64 at = e->lba - begin;

		if (e->nr_blocks == 1)
			continue;
		if (nr && b->values[nr - 1] == at)
			nr--;
		else
			b->values[nr++] = at;
		b->values[nr++] = at + e->nr_blocks;
	}
	return nr;
}

/* Codes the entries of a leaf into leaf[]. */
static void entries_code(struct shard_guide_builder *b, u64 begin)
{
	b->leaf_bits = 0;
	numbers_put(b->leaf, &b->leaf_bits, GUIDE_BITS, b->values,
		    blocks_of(b, begin));
	numbers_put(b->leaf, &b->leaf_bits, GUIDE_BITS, b->values,
		    ranges_of(b, begin));
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
	shape->spread = step ? min_t(u64, div64_u64(above + below, step) + 1,
				     GUIDE_LEAVES_MAX) : 0;
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
