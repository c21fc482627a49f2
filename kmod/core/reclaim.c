// SPDX-License-Identifier: GPL-2.0-only
/*
 * DOC: reclamation
 *
 * A victim's frames are walked from its first to its last.  The index is asked
 * about each block that a frame had: what it still maps there is live, and is
 * read, verified, and gathered in a frame of the stream for moved data.  When
 * that frame is full it is written, and then each of its blocks is swung: the
 * new place enters the memtable if the block has not changed meanwhile (O9).
 *
 *     victim -> walk -> batch -> append -> swing -> evacuated -> checkpoint -> free
 *
 * A victim may be walked before all that was found in it has been swung, so
 * victims of a batch count as evacuated only afterwards.  One that is half walked
 * when there is no extent to move to, or enough is gained, stays the victim, and
 * is gone on with.  Swings are not
 * replayed: until a checkpoint has them the old copies are live, and the victim
 * stays (O6).  A checkpoint that has some of a victim's swings, and not all, is
 * an extent more, if one was opened for them, and a power cut leaves it half
 * empty.  So where extents are few no checkpoint begins before the victim is
 * evacuated (O12): a power cut costs none then, and any number of them does not.
 * What entries of older runs, hidden by newer ones, say of it is of
 * no interest: no look-up ends there.
 *
 * A frame or a block that cannot be read, twice, is reported and keeps its
 * extent; what else is live in that frame, and before it, is moved all the same.
 *
 * Where the index says that a block lies may have to be read again before the
 * swing.  What cannot be read then, in several attempts, is treated in the same
 * way.  A batch that is written is never written anew for that: each time it would
 * take an extent that a few swings keep from being free again (O12).
 */
#include "reclaim.h"

#include "ahead.h"
#include "root.h"
#include "stats.h"

/* A victim whose blocks are in the batch. */
struct victim {
	u32 extent;
	u32 generation;
	bool ok;
};

/*
 * @frame:	the batch
 * @wanted:	the stream that it is meant for
 * @stream:	that it is written to
 * @room:	payload blocks that it may have; 0: none has been begun
 * @from:	for each block of it: where it lay
 * @owner:	for each block of it: whose it was, of @walked; @nr_walked: of @now
 * @covered:	before the first look-up for the batch
 * @gain:	dead blocks that its blocks stand for, in 1/256
 * @score:	of victims where space is short, on average; 0: none were
 * @walked:	victims that were walked to their end and wait for the batch
 * @nr_failed:	of these, what could not be read, so that others have to do
 * @nr_done:	extents evacuated by this call
 * @nr_opened:	extents opened for what is moved
 * @now:	the victim that is being walked; @extent 0: none
 * @live:	blocks of it, when it was chosen
 * @held:	the victim before whose last swing no checkpoint begins; 0: none
 * @onward:	the stream that its blocks go on to
 * @gain_each:	dead blocks for each live one, in 1/256
 * @block:	of it: the next frame
 * @end:	of it
 * @dense:	much of it is live: it is read whole
 * @buffer:	a part of it, of @window_nr blocks from block @window on
 * @ahead:	leaves of the index for the next look-ups, or NULL
 */
struct shard_reclaim {
	struct shard_store *store;
	struct shard_index *index;
	const struct shard_reclaim_ops *ops;
	const char *name;
	void *ctx;
	struct shard_frame *frame;
	u32 wanted;
	u32 stream;
	u32 room;
	u64 covered;
	u64 gain;
	u64 score;
	u32 nr_walked;
	u32 nr_failed;
	u32 nr_done;
	u32 nr_opened;
	struct victim now;
	u32 live;
	u32 held;
	u32 onward;
	u32 gain_each;
	u32 block;
	u32 end;
	bool dense;
	u32 window;
	u32 window_nr;
	struct completion written;
	struct shard_frame_header *header;
	struct shard_ahead *ahead;
	void *buffer;
	u64 *from;
	u8 *owner;
	struct victim *walked;
	struct shard_block_map map[SHARDBLK_FRAME_PAYLOAD_MAX];
};

/* A victim is read whole if one block in so many is live. */
#define RECLAIM_DENSE		4u
/* Victims that may wait for one batch; a byte says which. */
#define RECLAIM_WALKED_MAX	64u
/* Scores of about so many victims make the average. */
#define RECLAIM_SCORES		8u
/* In idle time one in so many of it will do. */
#define RECLAIM_SCORE_IDLE	2u
/* A frame of moved data is tried in so many extents. */
#define RECLAIM_TRIES		3u

void shard_reclaim_destroy(struct shard_reclaim *rc)
{
	if (!rc)
		return;
	shard_frame_destroy(rc->frame);
	shard_ahead_end(rc->ahead);
	kvfree(rc->header);
	kvfree(rc->buffer);
	kvfree(rc->from);
	kvfree(rc->owner);
	kvfree(rc->walked);
	kvfree(rc);
}

struct shard_reclaim *shard_reclaim_create(struct shard_store *store,
					   struct shard_index *index,
					   const struct shard_reclaim_ops *ops,
					   const char *name, void *ctx)
{
	struct shard_reclaim *rc = kvmalloc(sizeof(*rc), GFP_KERNEL);

	if (!rc)
		return NULL;
	memset(rc, 0, offsetof(struct shard_reclaim, map));
	rc->store = store;
	rc->index = index;
	rc->ops = ops;
	rc->name = name;
	rc->ctx = ctx;
	rc->ahead = shard_ahead_begin(store, index);
	rc->frame = shard_frame_create(store, store->frame_blocks);
	rc->header = kvmalloc(sizeof(*rc->header), GFP_KERNEL);
	rc->buffer = kvmalloc((size_t)store->frame_blocks * store->block_size,
			      GFP_KERNEL);
	rc->from = kvcalloc(store->frame_blocks, sizeof(*rc->from), GFP_KERNEL);
	rc->owner = kvcalloc(store->frame_blocks, sizeof(*rc->owner),
			     GFP_KERNEL);
	rc->walked = kvcalloc(RECLAIM_WALKED_MAX, sizeof(*rc->walked),
			      GFP_KERNEL);
	if (rc->frame && rc->header && rc->buffer && rc->from && rc->owner &&
	    rc->walked)
		return rc;
	shard_reclaim_destroy(rc);
	return NULL;
}

/* ---- reading ---- */

static int block_read(struct shard_reclaim *rc, u64 block, void *to, u32 nr)
{
	u32 bs = rc->store->block_size;

	return shard_writeback_read_wait(rc->store->wb, block * bs, to, nr * bs);
}

static u64 victim_block(const struct shard_reclaim *rc, u32 block)
{
	return (u64)rc->now.extent * rc->store->extent_blocks + block;
}

/*
 * Block @block of the victim, read if it is not there yet, and those behind it
 * with it: all that fit where much of the victim is live, else @nr.
 */
static void *window(struct shard_reclaim *rc, u32 block, u32 nr)
{
	if (block < rc->window || block >= rc->window + rc->window_nr) {
		nr = min3(rc->dense ? U32_MAX : nr, rc->end - block,
			  rc->store->frame_blocks);
		rc->window = block;
		rc->window_nr = nr;
		if (block_read(rc, victim_block(rc, block), rc->buffer, nr)) {
			rc->window_nr = 0;
			return NULL;
		}
	}
	return rc->buffer + (size_t)(block - rc->window) * rc->store->block_size;
}

static int frame_read_once(struct shard_reclaim *rc)
{
	struct shard_store *store = rc->store;
	struct shard_place place = {
		.extent = rc->now.extent,
		.generation = rc->now.generation,
		.block = rc->block,
	};
	const void *block = window(rc, rc->block, 1);
	int err;

	if (!block)
		return -EIO;
	err = shard_frame_decode(block, store->block_size, store->seed, &place,
				 rc->header);
	if (!err && rc->header->nr_blocks >= rc->end - rc->block)
		err = -EBADMSG;
	return err;
}

/* The header of the frame at hand; one wrong read is not believed. */
static int frame_read(struct shard_reclaim *rc)
{
	int err = frame_read_once(rc);

	shard_sometimes(err, "reclamation reads a header again");
	if (err) {
		rc->window_nr = 0;
		rc->dense = false;
		err = frame_read_once(rc);
	}
	if (err)
		pr_err_ratelimited("%s: reclaim: the frame at extent %u block %u cannot be read: %d\n",
				   rc->name, rc->now.extent, rc->block, err);
	return err;
}

static bool block_right(struct shard_reclaim *rc, const void *data, u32 csum)
{
	return crc32c(rc->store->seed, data, rc->store->block_size) == csum;
}

/* ---- gathering ---- */

static u32 batch_blocks(const struct shard_reclaim *rc)
{
	return rc->room ? rc->frame->header.nr_blocks : 0;
}

/* Any stream of moved data that has room for a frame. */
static bool any_with_room(struct shard_extents *ex, u32 *stream)
{
	u32 s;

	for (s = SHARDBLK_STREAM_RELOC0; s <= SHARDBLK_STREAM_RELOC2; s++)
		if (shard_extents_room(ex, s) >= 2)
			*stream = s;
	return shard_extents_room(ex, *stream) >= 2;
}

/* Checkpoints may begin again; with it held, nobody waits for one (O12). */
static void release(struct shard_reclaim *rc)
{
	if (rc->held)
		rc->ops->release(rc->ctx);
	rc->held = 0;
}

static int next_extent(struct shard_reclaim *rc, u32 stream)
{
	int err;

	release(rc);
	err = shard_store_next_extent(rc->store, stream);
	if (err)
		return err;
	rc->nr_opened++;
	if (rc->ops->hold(rc->ctx, rc->live))
		rc->held = rc->now.extent;
	return 0;
}

/*
 * A stream of moved data with room for a frame; rather @stream than others.  O12:
 * the last extent is not opened while another stream has room, so that it is
 * there when none has, as after a crash.
 */
static int stream_with_room(struct shard_reclaim *rc, u32 *stream)
{
	struct shard_extents *ex = rc->store->ex;
	u32 wanted = *stream;

	if (shard_extents_room(ex, wanted) >= 2)
		return 0;
	if (shard_extents_reloc_left(ex) < 2 && any_with_room(ex, stream)) {
		shard_rarely(true, "moved data goes to another of its streams");
		return 0;
	}
	return next_extent(rc, wanted);
}

static int batch_begin(struct shard_reclaim *rc)
{
	struct shard_store *store = rc->store;
	int err;

	if (rc->room)
		return 0;
	rc->wanted = rc->onward;
	rc->stream = rc->onward;
	err = stream_with_room(rc, &rc->stream);
	if (err)
		return err;
	shard_frame_begin(rc->frame, rc->stream);
	rc->room = min(shard_extents_room(store->ex, rc->stream) - 1,
		       store->frame_blocks);
	rc->covered = shard_index_covered(rc->index);
	rc->gain = 0;
	return 0;
}

/* Has the batch room for one block more, be it an entry of its own? */
static bool batch_full(const struct shard_reclaim *rc)
{
	const struct shard_frame_header *h = &rc->frame->header;

	if (rc->nr_walked == RECLAIM_WALKED_MAX)
		return true;
	return rc->room && (h->nr_blocks == rc->room ||
			    !shard_frame_fits(rc->store->block_size,
					      h->nr_entries + 1,
					      h->nr_blocks + 1));
}

/* The next payload block is right: it is one of the batch. */
static void batch_add(struct shard_reclaim *rc, u64 lba, u64 from, u32 csum)
{
	struct shard_frame_header *h = &rc->frame->header;
	struct shard_frame_entry *e = NULL;

	if (h->nr_entries)
		e = &h->entries[h->nr_entries - 1];
	if (!e || e->lba + e->nr_blocks != lba) {
		e = &h->entries[h->nr_entries++];
		e->kind = SHARDBLK_ENTRY_RELOC;
		e->lba = lba;
		e->nr_blocks = 0;
	}
	e->nr_blocks++;
	rc->from[h->nr_blocks] = from;
	rc->owner[h->nr_blocks] = rc->nr_walked;
	h->csums[h->nr_blocks++] = csum;
	rc->gain += rc->gain_each;
}

/*
 * Adds a live block, of @nr one behind the other, to the batch.  If it cannot be
 * read, twice, it keeps its extent.
 */
static void gather(struct shard_reclaim *rc, u64 lba, u64 from, u32 nr,
		   u32 csum)
{
	struct shard_store *store = rc->store;
	void *to = shard_frame_block(store, rc->frame, batch_blocks(rc));
	const void *at = window(rc, from - victim_block(rc, 0), nr);
	bool right = at && block_right(rc, at, csum);

	if (right)
		memcpy(to, at, store->block_size);
	else
		right = !block_read(rc, from, to, 1) &&
			block_right(rc, to, csum);
	if (right) {
		batch_add(rc, lba, from, csum);
		return;
	}
	pr_err_ratelimited("%s: reclaim: block %llu at extent %u block %llu cannot be read\n",
			   rc->name, lba, rc->now.extent,
			   from - victim_block(rc, 0));
	atomic64_inc(&store->stats->reclaim_errors);
	rc->now.ok = false;
}

/* ---- walking ---- */

/* How a step of the walk ends, beside 0 and errors. */
#define WALK_FULL	1		/* the batch must be written first */
#define WALK_BATCH	2		/* one must be begun */
#define WALK_GONE	3		/* nobody needs the victim any more */

/* Blocks from @i on that are live; block 0 lies at @from. */
static u32 live_stretch(const struct shard_block_map *map, u64 from, u32 i,
			u32 nr)
{
	u32 end = i;

	while (end < nr && map[end].mapped && map[end].block == from + end)
		end++;
	return end - i;
}

/* Where all of the index is cached there is nothing to read ahead. */
static struct shard_ahead *leaves_ahead(struct shard_reclaim *rc)
{
	return shard_root_cache(rc->store, rc->index) ? NULL : rc->ahead;
}

/* What of a chunk that lies at @from is live. */
static int chunk_gather(struct shard_reclaim *rc, struct shard_version *version,
			const struct shard_frame_entry *e, u64 from)
{
	struct shard_block_map *map = rc->map;
	u32 i, nr;
	int err;

	memset(map, 0, e->nr_blocks * sizeof(*map));
	err = shard_index_lookup(rc->index, version, e->lba, e->nr_blocks, map,
				 true);
	if (err)
		return err;
	for (i = 0; i < e->nr_blocks; i++) {
		nr = live_stretch(map, from, i, e->nr_blocks);
		if (!nr)
			continue;
		if (!rc->room)
			return WALK_BATCH;
		if (batch_full(rc))
			return WALK_FULL;
		gather(rc, e->lba + i, from + i, nr, map[i].csum);
	}
	return 0;
}

static int frame_gather(struct shard_reclaim *rc, struct shard_version *version)
{
	const struct shard_frame_header *h = rc->header;
	struct shard_ahead *ahead = leaves_ahead(rc);
	u64 from = victim_block(rc, rc->block + 1);
	u32 i, seen = 0;
	int ret;

	for (i = 0; i < h->nr_entries; i++) {
		if (i == seen)
			seen = shard_ahead_frame(ahead, version, h, i, rc->map);
		if (h->entries[i].kind == SHARDBLK_ENTRY_DISCARD)
			continue;
		ret = chunk_gather(rc, version, &h->entries[i], from);
		if (ret)
			return ret;
		from += h->entries[i].nr_blocks;
	}
	return 0;
}

/* Was it given up?  If not, it will not be reset while a version is held (O7). */
static bool victim_gone(struct shard_reclaim *rc, const struct victim *v)
{
	struct shard_extent e;

	shard_extent_get(rc->store->ex, v->extent, &e);
	return e.generation != v->generation || e.retired ||
	       e.state != SHARD_EXTENT_SEALED;
}

/*
 * One frame.  The version is held from before it is known that the victim was
 * not given up until all has been read: so it is not reset meanwhile (O7).
 */
static int walk_frame(struct shard_reclaim *rc)
{
	struct shard_version *version = shard_index_hold(rc->index);
	int ret;

	if (victim_gone(rc, &rc->now)) {
		ret = WALK_GONE;
	} else {
		ret = frame_read(rc);
		if (ret)
			atomic64_inc(&rc->store->stats->reclaim_errors);
		else
			ret = frame_gather(rc, version);
	}
	shard_index_put(rc->index, version);
	shard_sometimes(ret == WALK_GONE,
			"a victim is given up while it is walked");
	if (!ret)
		rc->block += 1 + rc->header->nr_blocks;
	return ret;
}

static int walk(struct shard_reclaim *rc)
{
	int ret;

	while (rc->block < rc->end) {
		if (rc->ops->stop(rc->ctx))
			return -ECANCELED;
		ret = walk_frame(rc);
		if (ret == WALK_BATCH)
			ret = batch_begin(rc);
		else if (ret == WALK_FULL)
			return ret;
		else if (ret < 0)
			rc->now.ok = false;
		if (ret == WALK_GONE || !rc->now.ok)
			break;
		if (ret)
			return ret;
	}
	rc->nr_failed += !rc->now.ok;
	rc->walked[rc->nr_walked++] = rc->now;
	rc->now.extent = 0;
	return 0;
}

/* Puts off a victim: if it comes again it is walked from its first frame. */
static void walk_drop(struct shard_reclaim *rc)
{
	if (rc->now.extent)
		shard_extents_walked(rc->store->ex, rc->now.extent,
				     rc->now.generation, SHARD_WALKED_NOT, 0);
	rc->now.extent = 0;
}

/* Is it good enough for the occasion?  Learns what is usual where space is short. */
static bool score_will_do(struct shard_reclaim *rc, enum shard_reclaim_why why,
			  u64 score)
{
	if (why == SHARD_RECLAIM_IDLE)
		return score >= rc->score / RECLAIM_SCORE_IDLE;
	if (why == SHARD_RECLAIM_SHORT)
		rc->score = rc->score ? div_u64(score, RECLAIM_SCORES) +
			    rc->score - div_u64(rc->score, RECLAIM_SCORES) :
			    score;
	return true;
}

static bool walk_begin(struct shard_reclaim *rc, u32 live_max,
		       enum shard_reclaim_why why)
{
	u64 now = rc->ops->now(rc->ctx), score;
	struct shard_extent e;
	u32 nr;

	nr = shard_extents_victim(rc->store->ex, now, live_max, &e);
	if (!nr)
		return false;
	score = shard_extent_score(&e, rc->store->extent_blocks, now);
	if (!score_will_do(rc, why, score)) {
		shard_extents_walked(rc->store->ex, nr, e.generation,
				     SHARD_WALKED_NOT, 0);
		return false;
	}
	/* each time that data outlives its neighbours it goes one further */
	rc->onward = min(e.stream + 1u, SHARDBLK_STREAM_HOST +
		     shard_extents_layout(rc->store->ex)->reloc_streams);
	rc->gain_each = (live_max - min(live_max, e.live)) * 256 / e.live;
	rc->live = e.live;
	rc->now.extent = nr;
	rc->now.generation = e.generation;
	rc->now.ok = true;
	rc->block = 0;
	rc->end = e.filled;
	rc->dense = e.live >= e.filled / RECLAIM_DENSE;
	rc->window_nr = 0;
	return true;
}

/* ---- writing and swinging ---- */

static void written(struct shard_append *append)
{
	complete(append->private);
}

static int append_once(struct shard_reclaim *rc)
{
	struct shard_frame *frame = rc->frame;

	if (!shard_frame_place(rc->store, frame, 0))
		return -EIO;
	shard_frame_seal(rc->store, frame, 0);
	init_completion(&rc->written);
	frame->append.done = written;
	frame->append.private = &rc->written;
	shard_frame_append(rc->store, frame, SHARD_QUEUE_RELOC);
	wait_for_completion(&rc->written);
	if (!frame->append.error)
		return 0;
	/* O1: nothing goes behind a failed append */
	shard_extent_bad(rc->store->ex, frame->place.extent);
	shard_extents_settle(rc->store->ex, &frame->place,
			     shard_index_memtables(rc->index));
	return frame->append.error;
}

static int batch_append(struct shard_reclaim *rc)
{
	int err = append_once(rc), tries;

	for (tries = 1; err && tries < RECLAIM_TRIES; tries++) {
		shard_sometimes(true, "moved data is written again, elsewhere");
		release(rc);
		if (shard_store_next_extent(rc->store, rc->stream))
			break;
		err = append_once(rc);
	}
	return err;
}

/* Whose the blocks of the batch are: the victims walked, and the one at hand. */
static struct victim *owner(struct shard_reclaim *rc, u32 i)
{
	return i < rc->nr_walked ? &rc->walked[i] : &rc->now;
}

/*
 * O9: nothing of a victim that was given up is there any more.  The extent may
 * be the host's again, and have the very same block at the very same place.
 */
static void batch_drop_gone(struct shard_reclaim *rc)
{
	u32 nr = batch_blocks(rc), i, at;

	for (i = 0; i < rc->nr_walked + !!rc->now.extent; i++) {
		if (!victim_gone(rc, owner(rc, i)))
			continue;
		shard_sometimes(true, "a victim is given up before its swing");
		for (at = 0; at < nr; at++)
			if (rc->owner[at] == i)
				rc->from[at] = SHARD_MAP_GONE;
	}
}

/* Is a chunk of the batch, from its block @at on, where it was? */
static void chunk_look_again(struct shard_reclaim *rc,
			     struct shard_version *version,
			     const struct shard_frame_entry *e, u32 at)
{
	u32 i, tries = 0;
	int err;

	do {
		memset(rc->map, 0, e->nr_blocks * sizeof(*rc->map));
		err = shard_index_lookup(rc->index, version, e->lba,
					 e->nr_blocks, rc->map, true);
	} while (err && ++tries < RECLAIM_TRIES);
	shard_sometimes(err, "what was moved cannot be looked up again");
	if (err) {
		pr_err_ratelimited("%s: reclaim: where block %llu lies cannot be read: %d\n",
				   rc->name, e->lba, err);
		atomic64_inc(&rc->store->stats->reclaim_errors);
	}
	for (i = 0; i < e->nr_blocks; i++, at++) {
		if (err)
			owner(rc, rc->owner[at])->ok = false;
		if (err || !rc->map[i].mapped ||
		    rc->map[i].block != rc->from[at])
			rc->from[at] = SHARD_MAP_GONE;	/* O9 */
	}
}

/* A memtable has become a run: what is still where it was? */
static void batch_look_again(struct shard_reclaim *rc)
{
	const struct shard_frame_header *h = &rc->frame->header;
	u64 covered = shard_index_covered(rc->index);
	struct shard_ahead *ahead = leaves_ahead(rc);
	struct shard_version *version;
	u32 i, at = 0, seen = 0;

	shard_sometimes(true, "a checkpoint comes between look-up and swing");
	version = shard_index_hold(rc->index);
	batch_drop_gone(rc);
	for (i = 0; i < h->nr_entries; i++) {
		if (i == seen)
			seen = shard_ahead_frame(ahead, version, h, i, rc->map);
		chunk_look_again(rc, version, &h->entries[i], at);
		at += h->entries[i].nr_blocks;
	}
	shard_index_put(rc->index, version);
	rc->covered = covered;
}

static int batch_swing(struct shard_reclaim *rc)
{
	const struct shard_frame_header *h = &rc->frame->header;
	struct shard_range range = { .mapped = true };
	u32 at = 0, i = 0, done = 0;
	int ret;

	while (i < h->nr_entries) {
		const struct shard_frame_entry *e = &h->entries[i];

		range.lba = e->lba + done;
		range.nr_blocks = e->nr_blocks - done;
		range.place = rc->frame->place;
		range.place.block += 1 + at;
		range.csums = &h->csums[at];
		ret = rc->ops->swing(rc->ctx, rc->covered, &range,
				     &rc->from[at], rc->map);
		if (ret == -EAGAIN) {
			batch_look_again(rc);
			continue;
		}
		if (ret < 0)
			return ret;
		at += ret;
		done += ret;
		if (done < e->nr_blocks)
			continue;
		done = 0;
		i++;
	}
	return 0;
}

/* Writes and swings what is gathered, if anything, and tells of its victims. */
static int batch_finish(struct shard_reclaim *rc)
{
	const struct shard_place *place = &rc->frame->place;
	u32 nr = batch_blocks(rc), i;
	u64 memtables;
	bool appended;
	int err = 0;

	if (nr)
		err = rc->ops->stop(rc->ctx) ? -ECANCELED : batch_append(rc);
	appended = nr && !err;
	if (appended) {
		/* before the first swing: a root may be made from then on */
		shard_extents_fill(rc->store->ex, place, nr + 1,
				   rc->ops->now(rc->ctx));
		err = batch_swing(rc);
		atomic64_add(nr, &rc->store->stats->relocated_blocks);
	}
	memtables = shard_index_memtables(rc->index);
	if (appended)
		shard_extents_settle(rc->store->ex, place, memtables);
	for (i = 0; i < rc->nr_walked; i++) {
		const struct victim *v = &rc->walked[i];

		enum shard_walked how = err ? SHARD_WALKED_NOT :
					v->ok ? SHARD_WALKED_ALL :
						SHARD_WALKED_FAILED;

		if (shard_extents_walked(rc->store->ex, v->extent,
					 v->generation, how, memtables)) {
			atomic64_inc(&rc->store->stats->reclaimed_extents);
			rc->nr_done++;
		}
	}
	if (appended && !err)
		rc->ops->gained(rc->ctx, rc->gain >> 8);
	rc->nr_walked = 0;
	rc->nr_failed = 0;
	rc->room = 0;
	if (rc->held != rc->now.extent)
		release(rc);
	return err;
}

int shard_reclaim_run(struct shard_reclaim *rc, u32 nr, u32 live_max,
		      enum shard_reclaim_why why, bool fill, u32 *done,
		      u32 *opened)
{
	int ret = 0, err;

	rc->nr_done = 0;
	rc->nr_opened = 0;
	shard_sometimes(rc->now.extent, "a victim that is half walked is gone on with");
	while (!ret && (rc->nr_done + rc->nr_walked < nr + rc->nr_failed ||
			(fill && batch_blocks(rc)) ||
			(rc->held && rc->held == rc->now.extent))) {
		if (!rc->now.extent && !walk_begin(rc, live_max, why))
			break;
		if (rc->room && rc->wanted != rc->onward && !fill)
			ret = batch_finish(rc);
		if (!ret)
			ret = walk(rc);
		if (ret == WALK_FULL || batch_full(rc))
			ret = batch_finish(rc);
	}
	err = batch_finish(rc);
	release(rc);
	/*
	 * Blocks of it may be among those that were not moved.  What has room after
	 * a checkpoint need not be read again.
	 */
	if (ret && ret != -ENOSPC)
		walk_drop(rc);
	*done += rc->nr_done;
	*opened += rc->nr_opened;
	return ret ? ret : err;
}
