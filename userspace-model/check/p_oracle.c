// SPDX-License-Identifier: GPL-2.0-only
/*
 * The oracle itself.
 *
 * Goal: m_device_holds() says yes exactly when some first n requests of some
 * order that is consistent with what was acknowledged give a state;
 * m_device_read_done() says no only when there is no order of all requests, and
 * of all reads between them, that gives what each read returned.  Where every
 * stamp tells who wrote it, it says no whenever there is none, if all requests and
 * reads are of one block, or if there is one read.
 * Method: small random histories, states and reads, right and wrong ones, against
 * a search of all orders that shares nothing with it.
 */
#include "model/m_device.h"
#include "suites.h"
#include "world.h"

#define P_BLOCKS	4
#define P_REQUESTS	6
#define P_EVENTS	16

/* A request as the search of all orders knows it. */
struct p_request {
	bool write;
	u32 lba;
	u32 nr;
	u64 serial;
	u32 before;		/* set of those acknowledged when it came */
};

struct p_oracle {
	struct m_device m;
	struct p_request requests[P_REQUESTS];
	u32 nr;
	u32 pending;
	u32 acked;
	u32 must;
	u64 base[P_BLOCKS];
	u64 seen[P_BLOCKS];
	u64 serial;
	bool certain;		/* every stamp tells who wrote it */
	bool single;		/* all is of one block */
};

static u32 draw(u32 n)
{
	return world_draw(n, CHECK_CHOOSE_BLOCK);
}

/* Does some continuation of the order so far, cut somewhere, give what is seen? */
static bool any_order(const struct p_oracle *p, u32 done, const u64 *state)
{
	u64 next[P_BLOCKS];
	u32 i, k;

	if (!(p->must & ~done) && !memcmp(state, p->seen, sizeof(p->seen)))
		return true;
	for (i = 0; i < p->nr; i++) {
		const struct p_request *r = &p->requests[i];

		if (done & BIT(i) || r->before & ~done)
			continue;
		memcpy(next, state, sizeof(next));
		for (k = 0; k < r->nr; k++)
			next[r->lba + k] = r->write ?
				m_stamp(r->serial, k, false) : 0;
		if (any_order(p, done | BIT(i), next))
			return true;
	}
	return false;
}

static void submit(struct p_oracle *p)
{
	struct p_request *r = &p->requests[p->nr];

	if (p->nr == P_REQUESTS)
		return;
	r->write = p->certain || draw(5) < 3;
	r->lba = draw(P_BLOCKS);
	r->nr = p->single ? 1 : 1 + draw(min(3u, P_BLOCKS - r->lba));
	r->serial = ++p->serial;
	r->before = p->acked;
	m_device_submit(&p->m, r->write, r->lba, r->nr, r->serial);
	p->pending |= BIT(p->nr++);
}

static void done(struct p_oracle *p)
{
	u32 i = draw(P_REQUESTS);
	bool fua = draw(5) == 1;

	if (!(p->pending & BIT(i)))
		return;
	p->pending &= ~BIT(i);
	p->acked |= BIT(i);
	if (fua)
		p->must |= BIT(i);
	m_device_done(&p->m, i, fua, 0);
}

static void event(struct p_oracle *p)
{
	switch (world_draw(8, SIM_CHOOSE_STEP)) {
	case 0:
		break;
	case 1:
	case 2:
	case 3:
		submit(p);
		break;
	case 7:
		p->must |= p->acked;
		m_device_flushed(&p->m, p->acked);
		break;
	default:
		done(p);
	}
}

/* A state that some of the requests may have left, or may not. */
static void draw_state(struct p_oracle *p)
{
	u32 i, k;

	for (k = 0; k < P_BLOCKS; k++) {
		p->seen[k] = draw(3) ? p->base[k] : 0;
		for (i = 0; i < p->nr; i++) {
			const struct p_request *r = &p->requests[i];

			if (k >= r->lba && k < r->lba + r->nr && draw(2))
				p->seen[k] = r->write ?
					m_stamp(r->serial, k - r->lba, false) :
					0;
		}
	}
}

static void check_states(struct p_oracle *p)
{
	const char *why;
	bool may;
	u32 i;

	for (i = 0; i < P_EVENTS; i++)
		event(p);
	draw_state(p);
	may = any_order(p, 0, p->base);
	why = m_device_holds(&p->m, p->seen, p->m.must);
	if (may && why)
		kapi_fail("the oracle refuses what may be: %s", why);
	if (!may && !why)
		kapi_fail("the oracle accepts what may not be");
}

/* ---- reads ---- */

#define P_READS		4

/* A read: it came when these requests had been submitted, and these were done. */
struct p_read {
	bool ended;
	u32 lba;
	u32 nr;
	u64 force;		/* the model's */
	u32 acked;		/* requests that were, when it came */
	u32 reads;		/* reads that had ended then */
	u32 submitted;		/* requests that were, when it ended */
	u64 stamps[P_BLOCKS];
};

struct p_reads {
	struct p_oracle o;
	struct p_read reads[P_READS];
	u32 nr;
	u32 ended;		/* set of reads */
	u32 seen_by[P_REQUESTS]; /* reads that had ended when each request came */
	u32 most;		/* reads */
};

/* Can all that is not @done, of requests and reads, go on from @state? */
static bool any_places(const struct p_reads *p, u32 done, u32 read,
		       const u64 *state)
{
	u64 next[P_BLOCKS];
	u32 i, k;

	if (!(p->ended & ~read))
		return true;
	for (i = 0; i < p->nr; i++) {
		const struct p_read *r = &p->reads[i];

		if (!(p->ended & ~read & BIT(i)) || r->acked & ~done ||
		    r->reads & ~read || done & ~r->submitted ||
		    memcmp(state + r->lba, r->stamps, r->nr * sizeof(*state)))
			continue;
		/* whatever may be a read's next place may be its place */
		return any_places(p, done, read | BIT(i), state);
	}
	for (i = 0; i < p->o.nr; i++) {
		const struct p_request *r = &p->o.requests[i];

		if (done & BIT(i) || r->before & ~done ||
		    p->seen_by[i] & ~read)
			continue;
		memcpy(next, state, sizeof(next));
		for (k = 0; k < r->nr; k++)
			next[r->lba + k] = r->write ?
				m_stamp(r->serial, k, false) : 0;
		if (any_places(p, done | BIT(i), read, next))
			return true;
	}
	return false;
}

static void read_begin(struct p_reads *p)
{
	struct p_read *r = &p->reads[p->nr];

	if (p->nr == p->most)
		return;
	r->lba = draw(P_BLOCKS);
	r->nr = p->o.single ? 1 : 1 + draw(P_BLOCKS - r->lba);
	r->force = m_device_in_force(&p->o.m);
	r->acked = p->o.acked;
	r->reads = p->ended;
	p->nr++;
}

/* Each block as some request left it, or as it was: mostly wrong of many. */
static void draw_stamps(struct p_reads *p, struct p_read *r)
{
	u32 one = draw(P_REQUESTS + 1), i, k;

	for (k = 0; k < r->nr; k++) {
		r->stamps[k] = p->o.base[r->lba + k];
		for (i = 0; i < p->o.nr; i++) {
			const struct p_request *q = &p->o.requests[i];

			if (r->lba + k < q->lba ||
			    r->lba + k >= q->lba + q->nr ||
			    (i > one && draw(4)) || !draw(4))
				continue;
			r->stamps[k] = q->write ? m_stamp(q->serial, r->lba + k -
							  q->lba, false) : 0;
		}
	}
}

/* Return: false when that was refused, rightly: the history ends. */
static bool read_end(struct p_reads *p)
{
	u32 i = draw(P_READS), lba;
	struct p_read *r = &p->reads[i];
	const char *why;
	bool may;

	if (i >= p->nr || r->ended)
		return true;
	draw_stamps(p, r);
	r->ended = true;
	r->submitted = BIT(p->o.nr) - 1;
	p->ended |= BIT(i);
	may = any_places(p, 0, 0, p->o.base);
	lba = r->lba;
	why = m_device_read_done(&p->o.m, r->force, &lba, r->nr, r->stamps);
	if (may && why)
		kapi_fail("the oracle refuses a read that may be: %s", why);
	if (!may && !why && p->o.certain)
		kapi_fail("the oracle accepts a read that may not be");
	return may && !why;
}

static bool read_event(struct p_reads *p)
{
	switch (world_draw(8, SIM_CHOOSE_STEP)) {
	case 0:
		break;
	case 1:
	case 2:
		if (p->o.nr < P_REQUESTS)
			p->seen_by[p->o.nr] = p->ended;
		submit(&p->o);
		break;
	case 3:
	case 4:
		read_begin(p);
		break;
	case 5:
	case 6:
		return read_end(p);
	default:
		done(&p->o);
	}
	return true;
}

static void check_reads(struct p_reads *p)
{
	u32 i;

	for (i = 0; i < 2 * P_EVENTS && read_event(p); i++)
		;
}

enum p_what { P_STATES, P_ANY_READS, P_SINGLE_BLOCKS, P_ONE_READ, P_WHATS };

void check_oracle(struct world *w)
{
	enum p_what what = draw(P_WHATS);
	static struct p_reads p;
	u32 i;

	memset(&p, 0, sizeof(p));
	p.o.single = what == P_SINGLE_BLOCKS;
	p.o.certain = what >= P_SINGLE_BLOCKS;
	p.most = what == P_ONE_READ ? 1 : P_READS;
	m_device_init(&p.o.m, P_BLOCKS);
	for (i = 0; i < P_BLOCKS; i++)
		p.o.base[i] = p.o.certain || draw(2) ?
			m_stamp(++p.o.serial, 0, false) : 0;
	m_device_settle(&p.o.m, p.o.base);
	if (what == P_STATES)
		check_states(&p.o);
	else
		check_reads(&p);
	w->nr_done = P_EVENTS;
}
