// SPDX-License-Identifier: GPL-2.0-only
/*
 * The model of the device.
 */
#include "m_device.h"

void m_device_init(struct m_device *m, u32 nr_blocks)
{
	static const u64 zeros[M_BLOCKS_MAX];

	m->nr_blocks = nr_blocks;
	m_device_settle(m, zeros);
}

/* All that is known to come before one of @set. */
static u64 before(const struct m_device *m, u64 set)
{
	u64 all = 0;

	for (; set; set &= set - 1)
		all |= m->requests[__builtin_ctzll(set)].before;
	return all;
}

/* @set and all that is known to come before one of it. */
static u64 closure(const struct m_device *m, u64 set)
{
	return set | before(m, set);
}

u32 m_device_submit(struct m_device *m, bool write, u32 lba, u32 nr_blocks,
		    u64 serial)
{
	u32 index = m->nr_requests++;
	u32 i;

	m->requests[index] = (struct m_request){
		.write = write, .lba = lba, .nr_blocks = nr_blocks,
		.serial = serial, .before = closure(m, m_device_in_force(m)),
	};
	for (i = 0; i < nr_blocks; i++)
		m->touch[lba + i] |= BIT_ULL(index);
	m->all |= BIT_ULL(index);
	return index;
}

void m_device_done(struct m_device *m, u32 index, bool fua, int error)
{
	if (!error)
		m->acked |= BIT_ULL(index);
	else if (error != -EIO)
		m->all &= ~BIT_ULL(index);
	if (!error && fua)
		m->must |= BIT_ULL(index);
}

/* Does @r leave @stamp in block @lba? */
static bool leaves(const struct m_request *r, u32 lba, u64 stamp)
{
	u32 i = lba - r->lba;

	if (stamp == M_UNREADABLE || !r->write)
		return stamp == M_UNREADABLE || stamp == 0;
	if (r->either && r->seen[i / 64] & BIT_ULL(i % 64))
		return stamp == m_stamp(r->serial, i, r->second[i / 64] >> i % 64 & 1);
	return (stamp & ~(u64)r->either) == m_stamp(r->serial, i, false);
}

/* All of @first come before @second, and so does all that comes before them. */
static void order(struct m_device *m, u64 first, u32 second)
{
	u32 i;

	first = closure(m, first);
	for (i = 0; i < m->nr_requests; i++)
		if (i == second || m->requests[i].before & BIT_ULL(second))
			m->requests[i].before |= first;
}

/*
 * Who may have left a block so when @force was in force: none that comes before
 * one of these.  @base: it may also be as it was when last settled.
 */
static u64 explains(const struct m_device *m, u64 force, u32 lba, u64 stamp,
		    bool *base)
{
	u64 may = 0, set;

	force &= m->touch[lba];
	*base = !force && m->base[lba] == stamp;
	set = m->touch[lba] & m->all & ~before(m, force);
	for (; set; set &= set - 1)
		if (leaves(&m->requests[__builtin_ctzll(set)], lba, stamp))
			may |= set & -set;
	return may;
}

static const char *read_block(struct m_device *m, u64 force, u32 lba, u64 stamp)
{
	struct m_request *r;
	bool base;
	u64 may = explains(m, force, lba, stamp, &base);
	u32 i, n;

	if (!may && !base)
		return m->base[lba] == stamp || stamp == 0 ?
			"a read missed a write" : "a read returned what it must not";
	if (base || may & (may - 1))
		return NULL;	/* more than one explanation, or nothing new */
	i = __builtin_ctzll(may);
	order(m, force & m->touch[lba] & m->all & ~may, i);
	r = &m->requests[i];
	if (r->either) {
		n = lba - r->lba;
		r->seen[n / 64] |= BIT_ULL(n % 64);
		r->second[n / 64] |= (stamp & 1) << n % 64;
	}
	m->seen |= may;
	return NULL;
}

const char *m_device_read_done(struct m_device *m, u64 force, u32 *lba,
			       u32 nr_blocks, const u64 *stamps)
{
	u64 shown = 0, may;
	const char *why;
	bool base;
	u32 i;

	for (i = 0; i < nr_blocks; i++) {
		may = explains(m, force, *lba + i, stamps[i], &base);
		if (!base && !(may & (may - 1)) && stamps[i] != M_UNREADABLE)
			shown |= may;
	}
	force = closure(m, force | shown);
	for (i = 0; i < nr_blocks; i++, ++*lba) {
		if (stamps[i] == M_UNREADABLE)
			continue;
		why = read_block(m, force, *lba, stamps[i]);
		if (why)
			return why;
	}
	return NULL;
}

/* Where the search for a set and an order of it stands. */
struct search {
	struct m_device *m;
	const u64 *stamps;
	u32 nr_steps;
	bool covered[M_BLOCKS_MAX];
};

/*
 * Could @r be the last of those that are left, or with none left what was there
 * before be seen?  If not, @blame has who touches a block of zeros that says no.
 */
static bool fits(const struct search *s, const struct m_request *r, u64 *blame)
{
	u32 i = r ? r->lba : 0, end = r ? i + r->nr_blocks : s->m->nr_blocks;
	bool fit = true;

	for (; i < end; i++) {
		if (s->covered[i] || (r ? leaves(r, i, s->stamps[i]) :
					  s->m->base[i] == s->stamps[i]))
			continue;
		if (s->stamps[i] == 0)
			*blame |= s->m->touch[i];
		fit = false;
	}
	return fit;
}

/*
 * Take requests off the end of the order of @set for as long as one fits:
 * whatever fits may as well be last, it only hides more of the others.
 *
 * Return: is nothing left, and the rest as it was before all of them; if not,
 * @blame has those that touch a block of zeros that nothing explains.
 */
static bool peel(struct search *s, u64 set, u64 *blame)
{
	const struct m_device *m = s->m;
	const struct m_request *r;
	u64 last, tried = 0;
	u32 i;

	for (i = 0; i < m->nr_blocks; i++)
		s->covered[i] = s->stamps[i] == M_UNREADABLE;
	*blame = 0;
	while ((last = set & ~before(m, set) & ~tried)) {
		r = &m->requests[__builtin_ctzll(last)];
		tried |= last & -last;
		if (!fits(s, r, blame))
			continue;
		memset(s->covered + r->lba, true, r->nr_blocks);
		set &= ~(last & -last);
		tried = 0;
	}
	return !set && fits(s, NULL, blame);
}

/*
 * Of what is not in @set, only discards can help: whoever else left a block as
 * it is, is in the set by its stamp.
 */
static bool search(struct search *s, u64 set, u64 refused)
{
	u64 blame;

	if (++s->nr_steps > M_SEARCH_MAX)
		return false;
	if (peel(s, set, &blame))
		return true;
	for (blame &= s->m->all & ~set & ~refused; blame; blame &= blame - 1) {
		if (s->m->requests[__builtin_ctzll(blame)].write)
			continue;
		if (search(s, closure(s->m, set | (blame & -blame)), refused))
			return true;
		refused |= blame & -blame;
	}
	return false;
}

const char *m_device_holds(struct m_device *m, const u64 *stamps, u64 must)
{
	struct search s = { .m = m, .stamps = stamps };
	u64 set = must, may;
	bool base;
	u32 i;

	for (i = 0; i < m->nr_blocks; i++) {
		if (!stamps[i] || stamps[i] == M_UNREADABLE)
			continue;
		may = explains(m, 0, i, stamps[i], &base);
		if (!may && !base)
			return "a block holds what nobody wrote there";
		if (!base)
			set |= may & -may;
	}
	if (search(&s, closure(m, set), 0))
		return NULL;
	return s.nr_steps > M_SEARCH_MAX ? "gave up the search for an order" :
		"no first n requests of any order give this";
}

void m_device_settle(struct m_device *m, const u64 *stamps)
{
	u32 i;

	for (i = 0; i < m->nr_blocks; i++)
		if (stamps[i] != M_UNREADABLE)
			m->base[i] = stamps[i];
	m->nr_requests = 0;
	m->all = 0;
	m->acked = 0;
	m->must = 0;
	m->seen = 0;
	memset(m->touch, 0, sizeof(m->touch[0]) * m->nr_blocks);
}
