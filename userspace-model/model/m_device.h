/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The truth about a device: what its users may see.
 *
 * The model is told what was submitted, what was acknowledged and what was
 * read, in the order in which its caller saw that, and knows nothing of
 * frames, extents or sequence numbers.  It answers two questions: may a read
 * have returned this, and may a device hold this after a crash or a stop.
 *
 * The content of a block is one number, its stamp: 0 for zeros, else which
 * write it comes from and which block of that write it is.
 *
 * All requests have places in one order, and a read is a look at all of its
 * blocks at one moment between two of these places.  Of that order these pairs
 * are known (the set m_request.before): what was acknowledged, or what a read
 * that has ended has shown, when a request was submitted comes before that
 * request; and when a read shows the effect of one request on a block, all others
 * on that block which were in force come before that one: what was acknowledged
 * or shown when the read was submitted, and what it shows of other blocks.
 *
 * After a crash a device may hold a state if there are a set of requests and
 * an order of it, such that
 *
 *  - with each request, all that are known to come before it are in the set;
 *  - all in m_device.must are in the set: acknowledged FUA writes, and what
 *    was acknowledged before an acknowledged flush was submitted;
 *  - the order respects the known pairs;
 *  - the set, applied in that order to what the device held when it was last
 *    settled, whole requests each, gives the state.
 *
 * Sets and orders are searched; what numbers the engine gave is not asked.
 */
#ifndef M_DEVICE_H
#define M_DEVICE_H

#include "kapi.h"

#define M_BLOCKS_MAX	1024	/* blocks of a modelled device */
#define M_REQUESTS_MAX	64	/* writes and discards between two settlings */
#define M_LENGTH_MAX	128	/* blocks of a write */
#define M_SEARCH_MAX	20000	/* steps of a search for an order */

/* What is seen of a block that could not be read. */
#define M_UNREADABLE	(~0ull)

/**
 * struct m_request - a write or a discard
 * @write:	else a discard
 * @either:	each block may hold the second stamp as well: to be set when
 *		its owner begins to change the buffer
 * @lba:	first block
 * @nr_blocks:	blocks
 * @serial:	number that no other write ever has
 * @before:	set of requests that come before it in the order, with all that
 *		come before these
 * @seen:	blocks of which a read has shown one of the two stamps ...
 * @second:	... and for which of them it was the second
 */
struct m_request {
	bool write;
	bool either;
	u32 lba;
	u32 nr_blocks;
	u64 serial;
	u64 before;
	u64 seen[M_LENGTH_MAX / 64];
	u64 second[M_LENGTH_MAX / 64];
};

/**
 * struct m_device - a device
 * @nr_blocks:	its size
 * @nr_requests: requests since the last settling; sets of them are words
 *		with a bit for each
 * @all:	those that may have had an effect
 * @acked:	acknowledged with success
 * @must:	those that a crash must not undo
 * @seen:	those that a read has shown
 * @base:	contents when last settled
 * @touch:	for each block, who wrote or discarded it
 * @requests:	the requests
 */
struct m_device {
	u32 nr_blocks;
	u32 nr_requests;
	u64 all;
	u64 acked;
	u64 must;
	u64 seen;
	u64 base[M_BLOCKS_MAX];
	u64 touch[M_BLOCKS_MAX];
	struct m_request requests[M_REQUESTS_MAX];
};

/** m_device_init() - a device of zeros */
void m_device_init(struct m_device *m, u32 nr_blocks);

/** m_stamp() - the first or second stamp of a block of a write */
static inline u64 m_stamp(u64 serial, u32 block, bool second)
{
	return serial << 16 | block << 1 | second;
}

/**
 * m_device_submit() - a write or a discard is submitted
 *
 * At most M_REQUESTS_MAX since the last settling.  Return: its index.
 */
u32 m_device_submit(struct m_device *m, bool write, u32 lba, u32 nr_blocks,
		    u64 serial);

/** m_device_done() - it is acknowledged: 0; -EIO may have had an effect */
void m_device_done(struct m_device *m, u32 index, bool fua, int error);

/** m_device_flushed() - a flush is: @acked is m->acked at its submission */
static inline void m_device_flushed(struct m_device *m, u64 acked)
{
	m->must |= acked;
}

/** m_device_in_force() - what whoever is submitted now comes after */
static inline u64 m_device_in_force(const struct m_device *m)
{
	return m->acked | m->seen;
}

/**
 * m_device_read_done() - may a read have returned this
 * @force:	m_device_in_force() at its submission
 *
 * Return: NULL when it may, else why not; the block at fault is in *@lba.
 */
const char *m_device_read_done(struct m_device *m, u64 force, u32 *lba,
			       u32 nr_blocks, const u64 *stamps);

/**
 * m_device_holds() - may a device hold this after a crash
 *
 * @stamps:	contents of all blocks
 * @must:	requests that must be among its first n
 *
 * Return: NULL when it may, else why not.
 */
const char *m_device_holds(struct m_device *m, const u64 *stamps, u64 must);

/** m_device_settle() - from now on it holds this, for ever */
void m_device_settle(struct m_device *m, const u64 *stamps);

#endif /* M_DEVICE_H */
