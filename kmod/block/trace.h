/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Tracepoints: what the engine tells through struct shard_trace_ops.
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM shardblk

#if !defined(_TRACE_SHARDBLK_H) || defined(TRACE_HEADER_MULTI_READ)
#define _TRACE_SHARDBLK_H

#include <linux/tracepoint.h>

TRACE_EVENT(shardblk_frame_issued,
	    TP_PROTO(int id, u64 seq, u32 nr_entries, u32 nr_blocks,
		     u64 offset),
	    TP_ARGS(id, seq, nr_entries, nr_blocks, offset),
	    TP_STRUCT__entry(
		__field(u64, seq)
		__field(u64, offset)
		__field(int, id)
		__field(u32, nr_entries)
		__field(u32, nr_blocks)
	    ),
	    TP_fast_assign(
		__entry->seq = seq;
		__entry->offset = offset;
		__entry->id = id;
		__entry->nr_entries = nr_entries;
		__entry->nr_blocks = nr_blocks;
	    ),
	    TP_printk("shardblk%d seq=%llu entries=%u blocks=%u offset=%llu",
		      __entry->id, __entry->seq, __entry->nr_entries,
		      __entry->nr_blocks, __entry->offset)
);

TRACE_EVENT(shardblk_frame_retired,
	    TP_PROTO(int id, u64 seq, int error),
	    TP_ARGS(id, seq, error),
	    TP_STRUCT__entry(
		__field(u64, seq)
		__field(int, id)
		__field(int, error)
	    ),
	    TP_fast_assign(
		__entry->seq = seq;
		__entry->id = id;
		__entry->error = error;
	    ),
	    TP_printk("shardblk%d seq=%llu error=%d",
		      __entry->id, __entry->seq, __entry->error)
);

TRACE_EVENT(shardblk_flush,
	    TP_PROTO(int id, int error, u64 ns),
	    TP_ARGS(id, error, ns),
	    TP_STRUCT__entry(
		__field(u64, ns)
		__field(int, id)
		__field(int, error)
	    ),
	    TP_fast_assign(
		__entry->ns = ns;
		__entry->id = id;
		__entry->error = error;
	    ),
	    TP_printk("shardblk%d error=%d ns=%llu",
		      __entry->id, __entry->error, __entry->ns)
);

TRACE_EVENT(shardblk_checkpoint,
	    TP_PROTO(int id, u64 seq, u64 record, int error),
	    TP_ARGS(id, seq, record, error),
	    TP_STRUCT__entry(
		__field(u64, seq)
		__field(u64, record)
		__field(int, id)
		__field(int, error)
	    ),
	    TP_fast_assign(
		__entry->seq = seq;
		__entry->record = record;
		__entry->id = id;
		__entry->error = error;
	    ),
	    TP_printk("shardblk%d seq=%llu record=%llu error=%d",
		      __entry->id, __entry->seq, __entry->record,
		      __entry->error)
);

TRACE_EVENT(shardblk_recovery,
	    TP_PROTO(int id, u64 first_seq, u64 last_seq, u32 frames,
		     int error),
	    TP_ARGS(id, first_seq, last_seq, frames, error),
	    TP_STRUCT__entry(
		__field(u64, first_seq)
		__field(u64, last_seq)
		__field(int, id)
		__field(u32, frames)
		__field(int, error)
	    ),
	    TP_fast_assign(
		__entry->first_seq = first_seq;
		__entry->last_seq = last_seq;
		__entry->id = id;
		__entry->frames = frames;
		__entry->error = error;
	    ),
	    TP_printk("shardblk%d first_seq=%llu last_seq=%llu frames=%u error=%d",
		      __entry->id, __entry->first_seq, __entry->last_seq,
		      __entry->frames, __entry->error)
);

/* While events are recorded (debugfs.c); what an append holds is told there. */
TRACE_EVENT(shardblk_event,
	    TP_PROTO(int id, const struct shard_event *event),
	    TP_ARGS(id, event),
	    TP_STRUCT__entry(
		__field(u64, append)
		__field(u64, offset)
		__field(u64, dep)
		__field(u64, after)
		__field(u64, ticket)
		__field(u64, durable)
		__field(int, id)
		__field(u32, kind)
		__field(u32, queue)
		__field(u32, len)
		__field(int, error)
	    ),
	    TP_fast_assign(
		__entry->kind = event->kind;
		__entry->append = event->id;
		__entry->offset = event->offset;
		__entry->dep = event->dep;
		__entry->after = event->after;
		__entry->ticket = event->ticket;
		__entry->durable = event->durable;
		__entry->id = id;
		__entry->queue = event->queue;
		__entry->len = event->len;
		__entry->error = event->error;
	    ),
	    TP_printk("shardblk%d %s id=%llu queue=%u offset=%llu len=%u dep=%llu after=%llu ticket=%llu durable=%llu error=%d",
		      __entry->id,
		      __print_symbolic(__entry->kind,
				       { SHARD_EVENT_CHUNKS, "chunks" },
				       { SHARD_EVENT_APPEND, "append" },
				       { SHARD_EVENT_ISSUED, "issued" },
				       { SHARD_EVENT_WRITTEN, "written" },
				       { SHARD_EVENT_FLUSH, "flush" },
				       { SHARD_EVENT_FLUSHED, "flushed" },
				       { SHARD_EVENT_RESET, "reset" },
				       { SHARD_EVENT_WAS_RESET, "was-reset" },
				       { SHARD_EVENT_RECORD, "record" }),
		      __entry->append,
		      __entry->queue, __entry->offset, __entry->len,
		      __entry->dep, __entry->after, __entry->ticket,
		      __entry->durable, __entry->error)
);

#endif /* _TRACE_SHARDBLK_H */

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH kmod/block
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace

/* This part must be outside protection */
#include <trace/define_trace.h>
