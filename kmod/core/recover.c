// SPDX-License-Identifier: GPL-2.0-only
/*
 * DOC: recovery
 *
 * The newest superblock record (recover_super.c) says where the manifest is
 * and which extents the log may lie in.  The manifest gives the run and the
 * extents' generations; the log is scanned and replayed; all else is free.
 *
 * The log ends at the first frame that is not right.  That is what a power cut
 * leaves, or it is damage, and the difference matters: frames that were known
 * to be durable must not be dropped without a word.  What is known of that is
 * the record's own mark, fixed ends of extents, and the mark in each frame's
 * header, which tells up to which number everything was durable when it was
 * sealed.  So at the first doubt the rest of the log is searched for frames
 * whose mark says that more was durable than was found.
 *
 * In a frame that was durable a wrong payload block is damage of that block
 * alone: its entry is replayed, and reading it gives an error.
 *
 * A read error is never taken for an end (O8, O13).  What is not right is read
 * once more before it is believed: what a single read got wrong, by the wire or
 * the way, is not on the medium.
 */
#include "recover.h"

#include "event.h"
#include "stats.h"

/* Between two messages that say how far it is. */
#define PROGRESS_NS	(3ull * NSEC_PER_SEC)

/* ---- scanning the log ---- */

struct log_scan {
	struct shard_store *store;
	struct shard_index *index;
	const struct shard_super_record *record;
	struct shard_recovery *rec;
	const char *name;
	void *buf;			/* frame_blocks + 1 blocks */
	u32 buf_extent;
	u32 buf_block;
	u32 buf_blocks;
	struct shard_frame_header *header;
	u64 durable;			/* all up to here is known to be */
	bool searched;			/* the rest was searched for marks */
	u32 first_bad;			/* payload block of the frame at hand */
	u32 *ends;			/* per log extent: where it ends */
	u64 *last_seqs;
	u64 nr_read;			/* blocks, of at most: */
	u64 nr_max;
	u64 told_ns;			/* when that was said last */
};

/* What is read twice, for a doubt, counts once: it is never more than all. */
static void scan_progress(struct log_scan *s, u32 nr)
{
	const struct shard_tracer *tracer = shard_writeback_tracer(s->store->wb);
	u64 now = ktime_get_ns();

	s->nr_read = min(s->nr_read + nr, s->nr_max);
	if (tracer->ops && tracer->ops->progress)
		tracer->ops->progress(tracer->ctx, s->nr_read, s->nr_max);
	if (now - s->told_ns < PROGRESS_NS)
		return;
	s->told_ns = now;
	pr_info("%s: recovery has read %llu%% of at most %llu blocks of log\n",
		s->name, div64_u64(100 * s->nr_read, s->nr_max), s->nr_max);
}

/* The log since the last checkpoint, and what is free behind it. */
static u64 log_blocks_max(const struct log_scan *s)
{
	const struct shard_super_extent *e = s->record->extents;
	u64 nr = 0;
	u32 i;

	for (i = 0; i < s->record->nr_log; i++)
		nr += (e[i].end == SHARDBLK_END_OPEN ? s->store->extent_blocks :
						       e[i].end) - e[i].start;
	return nr;
}

/* Blocks of an extent, read ahead; -EIO if one of those wanted cannot be. */
static int scan_get(struct log_scan *s, u32 extent, u32 block, u32 nr,
		    u8 **out)
{
	struct shard_store *store = s->store;
	u32 ahead = min(store->frame_blocks + 1, store->extent_blocks - block);
	u64 offset = shard_store_offset(store, extent, block);
	int err;

	if (fatal_signal_pending(current))
		return -EINTR;
	if (s->buf_blocks && s->buf_extent == extent &&
	    block >= s->buf_block &&
	    block + nr <= s->buf_block + s->buf_blocks) {
		*out = (u8 *)s->buf + (size_t)(block - s->buf_block) *
		       store->block_size;
		return 0;
	}
	s->buf_blocks = 0;
	err = shard_writeback_read_wait(store->wb, offset, s->buf,
					ahead * store->block_size);
	if (err) {
		ahead = nr;
		err = shard_writeback_read_wait(store->wb, offset, s->buf,
						nr * store->block_size);
	}
	if (err)
		return -EIO;
	atomic64_add(ahead, &store->stats->recovery_blocks);
	scan_progress(s, ahead);
	s->buf_extent = extent;
	s->buf_block = block;
	s->buf_blocks = ahead;
	*out = s->buf;
	return 0;
}

/* Blocks that were not right are read once more, and no others with them. */
static void scan_again(struct log_scan *s, const struct shard_super_extent *e,
		       u32 block, u32 nr)
{
	struct shard_store *store = s->store;
	u64 offset = shard_store_offset(store, e->extent, block);

	/* on failure nothing is held, and the next to ask meets the error */
	s->buf_blocks = 0;
	if (shard_writeback_read_wait(store->wb, offset, s->buf,
				      nr * store->block_size))
		return;
	atomic64_add(nr, &store->stats->recovery_blocks);
	s->buf_extent = e->extent;
	s->buf_block = block;
	s->buf_blocks = nr;
}

/* The frame at a place: 0, -ENODATA if there is none, -EIO, -EINTR. */
static int scan_frame(struct log_scan *s, const struct shard_super_extent *e,
		      u32 block)
{
	struct shard_place place = {
		.extent = e->extent,
		.generation = e->generation,
		.block = block,
	};
	u8 *data;
	int err;

	if (block >= s->store->extent_blocks)
		return -ENODATA;
	err = scan_get(s, e->extent, block, 1, &data);
	if (err)
		return err;
	err = shard_frame_decode(data, s->store->block_size, s->store->seed,
				 &place, s->header);
	if (err || s->header->stream != SHARDBLK_STREAM_HOST ||
	    s->header->nr_blocks >= s->store->extent_blocks - block)
		return -ENODATA;
	return 0;
}

/* How many payload blocks of the frame just decoded are wrong, or an error. */
static int scan_payload(struct log_scan *s, const struct shard_super_extent *e,
			u32 block)
{
	u32 bs = s->store->block_size;
	int bad = 0;
	u8 *data;
	u32 i;

	for (i = 0; i < s->header->nr_blocks; i++) {
		int err = scan_get(s, e->extent, block + 1 + i, 1, &data);

		if (err == -EINTR)
			return err;
		/* O8: what cannot be read may be there at the next start */
		if (err && s->header->seq + s->header->nr_entries - 1 >
		    s->durable)
			return err;
		if (err || crc32c(s->store->seed, data, bs) !=
		    s->header->csums[i]) {
			if (!bad++)
				s->first_bad = i;
		}
	}
	return bad;
}

/* Looks from here to the end of the log for marks of what was durable. */
static int scan_search(struct log_scan *s, u32 idx, u32 block)
{
	const struct shard_super_extent *list = s->record->extents;
	/* a backing write that is lost, of as many frames as one takes */
	u32 window = SHARD_MERGE_MAX * (s->store->frame_blocks + 1) + 1;
	int err;

	s->searched = true;
	for (; idx < s->record->nr_log; idx++) {
		u32 missed = 0;

		while (missed < window && block < s->store->extent_blocks &&
		       (list[idx].end == SHARDBLK_END_OPEN ||
			block < list[idx].end)) {
			err = scan_frame(s, &list[idx], block);
			if (err == -EINTR)
				return err;
			if (err) {
				block++;
				missed++;
				continue;
			}
			shard_sometimes(s->header->durable_seq > s->durable, "a mark tells more");
			s->durable = max(s->durable, s->header->durable_seq);
			block += 1 + s->header->nr_blocks;
			missed = 0;
		}
		if (idx + 1 < s->record->nr_log)
			block = list[idx + 1].start;
	}
	return 0;
}

/* ---- replay ---- */

static int replay_room(struct log_scan *s, u64 last_seq,
		       const struct shard_super_extent *e, u32 block)
{
	const struct shard_frame_header *h = s->header;
	struct shard_log_start *from = &s->rec->frozen_from;
	int err;

	if (shard_index_fits(s->index, h->nr_entries *
			     SHARD_MEMTABLE_PER_REQUEST, h->nr_blocks))
		return 0;
	if (shard_index_is_frozen(s->index)) {
		pr_err("%s: the log does not fit into the memtable: use a larger one\n",
		       s->name);
		return -ENOMEM;
	}
	err = shard_index_prepare(s->index);
	if (err)
		return err;
	shard_index_freeze(s->index);
	from->seq = last_seq;
	from->place.extent = e->extent;
	from->place.generation = e->generation;
	from->place.block = block;
	return 0;
}

static int replay_frame(struct log_scan *s, const struct shard_super_extent *e,
			u32 block)
{
	const struct shard_frame_header *h = s->header;
	u64 logical = s->record->logical_blocks;
	u32 payload = 0;
	u32 i;
	int err;

	err = replay_room(s, h->seq - 1, e, block);
	if (err)
		return err;
	for (i = 0; i < h->nr_entries; i++) {
		struct shard_range range = {
			.lba = h->entries[i].lba,
			.nr_blocks = h->entries[i].nr_blocks,
			.mapped = h->entries[i].kind == SHARDBLK_ENTRY_WRITE,
		};

		if (range.lba >= logical || range.nr_blocks >
		    logical - range.lba)
			return -EUCLEAN;
		if (range.mapped) {
			range.place.extent = e->extent;
			range.place.generation = e->generation;
			range.place.block = block + 1 + payload;
			range.csums = &h->csums[payload];
			payload += range.nr_blocks;
		}
		shard_index_insert(s->index, &range);
	}
	if (!s->rec->nr_frames)
		s->rec->first_seq = h->seq;
	s->rec->nr_frames++;
	s->rec->log_blocks += 1 + h->nr_blocks;
	s->rec->last_seq = h->seq + h->nr_entries - 1;
	atomic64_inc(&s->store->stats->recovery_frames);
	return 0;
}

/* Which logical block a payload block of the frame at hand is. */
static u64 payload_lba(const struct log_scan *s, u32 idx)
{
	const struct shard_frame_entry *e = s->header->entries;

	for (;; e++) {
		if (e->kind != SHARDBLK_ENTRY_WRITE)
			continue;
		if (idx < e->nr_blocks)
			return e->lba + idx;
		idx -= e->nr_blocks;
	}
}

/* What is to be done with a frame, or instead of one that is not right. */
enum replay_step {
	REPLAY_NEXT,		/* it is dealt with; go on behind it */
	REPLAY_EXTENT,		/* go on in the next extent */
	REPLAY_END,		/* the log ends here */
};

/* A frame with a valid header: is it the next, and was all of it written? */
static int replay_step(struct log_scan *s, u32 idx, u32 block)
{
	const struct shard_super_extent *e = &s->record->extents[idx];
	u64 last = s->header->seq + s->header->nr_entries - 1;
	int bad, err;

	if (last <= s->record->checkpoint_seq)
		return REPLAY_NEXT;
	shard_sometimes(s->header->seq != s->rec->last_seq + 1, "the log ends before a gap");
	if (s->header->seq != s->rec->last_seq + 1)
		return REPLAY_END;
	s->durable = max(s->durable, s->header->durable_seq);
	bad = scan_payload(s, e, block);
	if (bad > 0) {
		scan_again(s, e, block, 1 + s->header->nr_blocks);
		bad = scan_payload(s, e, block);
	}
	if (bad < 0 && bad != -EINTR && !s->searched) {
		/* perhaps a later frame says that this one was durable */
		err = scan_search(s, idx, block + 1 + s->header->nr_blocks);
		if (!err)
			err = scan_frame(s, e, block);
		if (err)
			return err;
		bad = scan_payload(s, e, block);
	}
	if (bad < 0)
		return bad;
	if (bad && !s->searched) {
		err = scan_search(s, idx, block + 1 + s->header->nr_blocks);
		if (!err)
			err = scan_frame(s, e, block);
		if (err)
			return err;
	}
	shard_sometimes(bad && last > s->durable, "the log ends at a torn payload");
	if (bad && last > s->durable)
		return REPLAY_END;
	if (bad) {
		pr_err("%s: log: %d of the frame's blocks at extent %u block %u damaged, first block %llu at block %u\n",
		       s->name, bad, e->extent, block,
		       payload_lba(s, s->first_bad),
		       block + 1 + s->first_bad);
	}
	err = replay_frame(s, e, block);
	return err ? err : REPLAY_NEXT;
}

/* Replays one extent of the log; says in which way it ended. */
static int replay_extent(struct log_scan *s, u32 idx)
{
	const struct shard_super_extent *e = &s->record->extents[idx];
	u32 block = e->start;
	int step;

	for (;;) {
		s->ends[idx] = block;
		shard_sometimes(block == s->store->extent_blocks, "a log extent is full");
		shard_sometimes(block == e->end, "a log extent ends where a record says");
		if (block == e->end || block == s->store->extent_blocks)
			return REPLAY_EXTENT;
		step = scan_frame(s, e, block);
		if (step == -ENODATA) {
			/* one wrong read shall not be the end of the log */
			scan_again(s, e, block, 1);
			step = scan_frame(s, e, block);
		}
		if (step == -ENODATA) {
			/* an open extent may end anywhere, a fixed one not */
			if (e->end == SHARDBLK_END_OPEN)
				return REPLAY_EXTENT;
			pr_err("%s: log: the frame at extent %u block %u is missing or damaged\n",
			       s->name, e->extent, block);
			return -EUCLEAN;
		}
		if (!step)
			step = replay_step(s, idx, block);
		/* O8: a read error is not the end of the log */
		if (step == -EIO)
			pr_err("%s: log: the frame at extent %u block %u, byte %llu of the disk, cannot be read\n",
			       s->name, e->extent, block,
			       shard_store_offset(s->store, e->extent, block));
		if (step != REPLAY_NEXT)
			return step;
		block += 1 + s->header->nr_blocks;
		s->last_seqs[idx] = max(s->last_seqs[idx],
					s->header->seq +
					s->header->nr_entries - 1);
	}
}

/*
 * Says where the frame should be that follows the last one replayed: right
 * behind it or, since that may have been all of its extent, in the next one.
 */
static void log_cut_short(const struct log_scan *s, u32 idx)
{
	const struct shard_super_extent *e = &s->record->extents[idx];
	char or[40] = "";

	if (idx + 1 < s->record->nr_log)
		snprintf(or, sizeof(or), "or extent %u block %u ",
			 e[1].extent, e[1].start);
	pr_err("%s: log: the frame at extent %u block %u %sis missing or damaged: %llu is the last number, but all up to %llu was durable\n",
	       s->name, e->extent, s->ends[idx], or, s->rec->last_seq,
	       s->durable);
}

static int replay_log(struct log_scan *s)
{
	u32 nr = s->record->nr_log;
	u32 idx, last = 0;
	int step = REPLAY_EXTENT;

	for (idx = 0; idx < nr && step == REPLAY_EXTENT; idx++) {
		u64 before = s->rec->last_seq;

		step = replay_extent(s, idx);
		if (step < 0)
			return step;
		if (s->rec->last_seq > before)
			last = idx;
	}
	/* no frame is missing before the last one: search from there on */
	if (!s->searched && nr) {
		int err = scan_search(s, last, s->ends[last]);

		if (err)
			return err;
	}
	if (s->rec->last_seq < s->durable) {
		log_cut_short(s, last);
		return -EUCLEAN;
	}
	return 0;
}

/* ---- extents ---- */

static bool restore_extents(struct shard_extents *ex,
			    const struct shard_manifest_image *image)
{
	bool ok = true;
	u32 i;

	for (i = 0; i < image->nr_extents; i++) {
		const struct shard_item *item = &image->extents[i];
		u32 nr = item->extent.extent;

		shard_extent_restore_generation(ex, nr, item->extent.generation,
						true);
		if (item->extent.bad)
			shard_extent_restore_bad(ex, nr);
		if (!(BIT(item->extent.stream) & SHARD_DATA_STREAMS) ||
		    !item->extent.live)
			continue;
		ok &= shard_extent_restore(ex, nr, item->extent.stream,
					   item->extent.written,
					   item->extent.live);
		shard_extent_restore_seq(ex, nr, item->extent.seq);
	}
	return ok;
}

/* What is live in extents of the index is what chunks say, and no item. */
static bool restore_run(struct log_scan *s, const struct shard_run *run)
{
	bool ok = true;
	u32 i;

	for (i = 0; i < run->nr_chunks; i++) {
		const struct shard_run_chunk *c = &run->chunks[i];
		struct shard_extent e;
		u32 live = c->nr_blocks;

		shard_extent_get(s->store->ex, c->place.extent, &e);
		if (e.state != SHARD_EXTENT_FREE)
			live += e.live;
		ok &= c->place.generation == e.generation &&
		      live <= s->store->extent_blocks &&
		      shard_extent_restore(s->store->ex, c->place.extent,
					   run->stream,
					   s->store->extent_blocks, live);
	}
	return ok;
}

static bool restore_runs(struct log_scan *s, struct shard_runs *runs)
{
	bool ok = true;
	u32 i;

	for (i = 0; i < runs->nr; i++)
		ok &= restore_run(s, runs->run[i]);
	shard_sometimes(runs->nr > 1, "a start finds several runs");
	shard_index_restore(s->index, runs);
	runs->nr = 0;
	return ok;
}

/* Loads one copy; keeps what both lie in, so that neither is overwritten. */
static int restore_manifest(struct log_scan *s)
{
	struct shard_store *store = s->store;
	struct shard_manifest_image image;
	u32 copy, i, good = 0;
	int refused = -EUCLEAN;
	bool ok = true;
	int err = 0;

	for (copy = 0; copy < SHARDBLK_MANIFEST_COPIES; copy++) {
		err = shard_manifest_read(store, s->record, copy, &image);
		if (err) {
			pr_err("%s: copy %u of the manifest cannot be used: %d\n",
			       s->name, copy, err);
			s->rec->checkpoint = true;
		} else if (!good++) {
			ok &= restore_extents(store->ex, &image);
			ok &= restore_runs(s, &image.runs);
		}
		/* O6: named by the record; an error may be gone next time */
		for (i = 0; i < image.nr_pieces; i++)
			ok &= shard_extent_restore(store->ex,
						image.pieces[i].place.extent,
						SHARDBLK_STREAM_META0 + copy,
						store->extent_blocks, 1);
		shard_manifest_free(&image);
		/* then it is not known what must be kept */
		if (err == -ENOMEM)
			return err;
		/* what cannot be read need not be damaged */
		if (err == -EIO)
			refused = err;
	}
	if (!ok) {
		pr_err("%s: an extent is said to be of two streams\n", s->name);
		return -EUCLEAN;
	}
	return good ? 0 : refused;
}

/*
 * A checkpoint counts frames that are on their way, and the power may have failed
 * before they arrived: the extent ends where the log does, and no frame is behind.
 */
static void restore_end(struct log_scan *s, u32 idx,
			const struct shard_extent *now)
{
	if (now->state == SHARD_EXTENT_FREE || now->written <= s->ends[idx])
		return;
	shard_sometimes(true, "what a checkpoint has counted was lost");
	shard_extent_restore(s->store->ex, s->record->extents[idx].extent,
			     SHARDBLK_STREAM_HOST, s->ends[idx], now->live);
}

/* The log as the next record shall name it: what was replayed, ends fixed. */
static int restore_log(struct log_scan *s)
{
	const struct shard_super_record *r = s->record;
	u32 i;

	for (i = 0; i < (u32)r->nr_log + r->nr_assigned; i++)
		shard_extent_restore_generation(s->store->ex,
						r->extents[i].extent,
						r->extents[i].generation,
						false);
	for (i = 0; i < r->nr_log; i++) {
		const struct shard_super_extent *e = &r->extents[i];
		struct shard_extent now;

		shard_extent_get(s->store->ex, e->extent, &now);
		if (s->last_seqs[i] <= r->checkpoint_seq) {
			restore_end(s, i, &now);
			continue;
		}
		if (now.in_log ||
		    !shard_extent_restore(s->store->ex, e->extent,
					  SHARDBLK_STREAM_HOST, s->ends[i],
					  now.live)) {
			pr_err("%s: extent %u is named twice\n", s->name,
			       e->extent);
			return -EUCLEAN;
		}
		/* O8: the record of this start names where it ends */
		shard_extent_restore_log(s->store->ex, e->extent, e->start,
					 s->ends[i], s->last_seqs[i]);
	}
	return 0;
}

int shard_recover_log(struct shard_store *store, struct shard_index *index,
		      const struct shard_super_record *record, const char *name,
		      struct shard_recovery *rec)
{
	struct log_scan s = {
		.store = store,
		.index = index,
		.record = record,
		.rec = rec,
		.name = name,
		.durable = record->durable_seq,
	};
	int err = -ENOMEM;

	memset(rec, 0, sizeof(*rec));
	rec->last_seq = record->checkpoint_seq;
	s.nr_max = max_t(u64, log_blocks_max(&s), 1);
	s.told_ns = ktime_get_ns();
	s.buf = kvmalloc((size_t)(store->frame_blocks + 1) * store->block_size,
			 GFP_KERNEL);
	s.header = kvmalloc(sizeof(*s.header), GFP_KERNEL);
	s.ends = kvcalloc(record->nr_log + 1, sizeof(*s.ends), GFP_KERNEL);
	s.last_seqs = kvcalloc(record->nr_log + 1, sizeof(*s.last_seqs),
			       GFP_KERNEL);
	if (!s.buf || !s.header || !s.ends || !s.last_seqs)
		goto out;
	/* of what replay does not come to no end is known, see restore_end() */
	memset(s.ends, 0xff, (record->nr_log + 1) * sizeof(*s.ends));
	err = record->manifest[0].nr_blocks ? restore_manifest(&s) : 0;
	if (!err)
		err = replay_log(&s);
	if (!err)
		err = restore_log(&s);
	if (!err)
		shard_extents_restored(store->ex);
out:
	kvfree(s.last_seqs);
	kvfree(s.ends);
	kvfree(s.header);
	kvfree(s.buf);
	return err;
}
