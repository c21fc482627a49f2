// SPDX-License-Identifier: GPL-2.0-only
/*
 * The oracle itself.
 *
 * Goal: m_device_holds() says yes exactly when some first n requests of some
 * order that is consistent with what was acknowledged and read give a state,
 * whatever the hints say.  Method: small random histories and states, right
 * and wrong ones, against a search of all orders that shares nothing with it.
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
	r->write = draw(5) < 3;
	r->lba = draw(P_BLOCKS);
	r->nr = 1 + draw(min(3u, P_BLOCKS - r->lba));
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
	if (draw(2))
		p->m.requests[i].hint = 1 + draw(P_REQUESTS);
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

void check_oracle(struct world *w)
{
	static struct p_oracle p;
	const char *why;
	bool may;
	u32 i;

	memset(&p, 0, sizeof(p));
	m_device_init(&p.m, P_BLOCKS);
	for (i = 0; i < P_BLOCKS; i++)
		p.base[i] = draw(2) ? m_stamp(++p.serial, 0, false) : 0;
	m_device_settle(&p.m, p.base);
	for (i = 0; i < P_EVENTS; i++)
		event(&p);
	draw_state(&p);
	may = any_order(&p, 0, p.base);
	why = m_device_holds(&p.m, p.seen, p.m.must);
	if (may && why)
		kapi_fail("the oracle refuses what may be: %s", why);
	if (!may && !why)
		kapi_fail("the oracle accepts what may not be");
	w->nr_done = P_EVENTS;
}
