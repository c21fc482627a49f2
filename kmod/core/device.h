/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Device: what device.c, write.c, rewrite.c and read.c share.
 *
 * Lock order: device, then index, then extents or writeback; see LOCKING.md.
 */
#ifndef SHARD_DEVICE_H
#define SHARD_DEVICE_H

#include "checkpoint.h"
#include "compaction.h"
#include "reclaim.h"
#include "recover.h"
#include "shard.h"

/* Host extents that are ready, so that no frame waits for a record. */
#define SHARD_HOST_LOW		2
#define SHARD_HOST_HIGH		4
/* A job is tried so often before the device turns read-only. */
#define SHARD_JOB_TRIES		3
/* A frame is written so often, each time elsewhere, before it is given up. */
#define SHARD_FRAME_TRIES	4

/*
 * struct shard_host_frame - a frame of the host stream and its requests
 *
 *   FREE -> BUILDING -> SEALED -> ISSUED -> (applied or given up) -> FREE
 *                          ^         |
 *                          '---------'  it failed, or one in front of it did
 *
 * BUILDING: requests join.  SEALED: its place and numbers are given; payload
 * may still be being copied.  ISSUED: with writeback.
 */
enum shard_host_state {
	SHARD_HOST_FREE,
	SHARD_HOST_BUILDING,
	SHARD_HOST_SEALED,
	SHARD_HOST_ISSUED,
};

struct shard_host_frame {
	struct shard_device *device;
	struct shard_frame *frame;
	enum shard_host_state state;	/* under the device's lock, as all here */
	struct list_head node;
	struct list_head requests;	/* in order of their numbers */
	u32 room;			/* payload blocks that it may have */
	u32 nr_copying;			/* requests whose payload is not in yet */
	u64 last_seq;
	bool fua;			/* one of its requests is */
	bool durable;			/* issued as a durable append */
	bool placed;			/* not so while it is to be written again */
	bool written;
	int error;
	u32 tries;			/* it was the first that failed so often */
};

/* How far the writing again of frames has come: see rewrite.c. */
enum shard_rewrite {
	SHARD_REWRITE_NONE,
	SHARD_REWRITE_HOLD,		/* a frame failed: nothing is issued */
	SHARD_REWRITE_CUT,		/* old extents end; no record says so */
	SHARD_REWRITE_PLACE,		/* one does */
};

/*
 * struct shard_job - what a worker does as often as it is wanted
 *
 *          want             begin              end
 *   (not) ------> wanted ----------> running ------> (not)
 *
 * One that is wanted again while it runs begins anew when it has ended.
 */
struct shard_job {
	bool wanted;			/* under the device's lock, as all here */
	bool asked;			/* ... by somebody, whether it is due or not */
	bool running;
	u64 nr_ended;			/* attempts, failed ones too */
	int error;			/* of the last one */
	struct workqueue_struct *wq;	/* each its own: one may wait for another */
	struct work_struct work;
};

/* struct shard_tries - those of a job: see shard_job_again() */
struct shard_tries {
	u32 nr;				/* that failed, other than for want of memory */
	u32 pause_ms;			/* the last one */
};

struct shard_device {
	struct shard_backend *backend;
	struct shard_options options;
	struct shard_super_record record;	/* as of the start */
	struct shard_super_at record_at[SHARDBLK_SUPER_COPIES];	/* the same */
	struct shard_layout layout;
	u64 usable_blocks;		/* what it has room for */
	struct shard_store store;
	struct shard_stats stats;
	struct shard_index *index;
	u32 request_max;		/* blocks of a read or write */

	spinlock_t lock;		/* of all below */
	enum shard_state state;
	bool serving;			/* all of a start is done */
	bool closing;
	/* the write path */
	struct shard_host_frame *frames;
	u32 nr_frames;
	u32 nr_inflight;		/* SEALED or ISSUED */
	struct list_head free_frames;
	struct shard_host_frame *building;
	struct list_head sealed;	/* in order */
	struct list_head issued;	/* in order */
	bool issuing;
	struct list_head waiting;	/* requests not admitted yet, in order */
	u64 next_seq;
	u64 applied_seq;
	u64 durable_seq;
	u32 reserved_entries;		/* of the memtable, by requests that are */
	u32 reserved_csums;		/* admitted and not applied, and by these: */
	u32 held_entries;		/* of a victim before whose last swing no */
	u32 held_csums;			/* checkpoint begins; 0: none */
	bool freezing;			/* one waits for that */
	enum shard_rewrite rewrite;
	int write_stop;			/* for good: nothing more is issued */
	int write_error;		/* it is its turn: all from it on fails */
	/* the log since the last freeze */
	u64 log_blocks;
	u64 log_frames;
	bool for_discard;		/* the discard reserve is in use */
	/* blocks written, by whose memtable knows them or will */
	u64 fresh_blocks;		/* the active one */
	u64 frozen_blocks;		/* the frozen one */
	u32 low_watermark;		/* per cent; 0: none */
	bool space_low;
	u64 barren_until;		/* reclaiming gains nothing before this checkpoint */
	/* checkpoints */
	struct shard_job checkpoint;
	bool checkpoint_soon;		/* recovery asks for one */
	bool retried;			/* bad extents are good again */
	struct shard_log_start frozen_from;	/* of the frozen memtable */
	u64 checkpoint_seq;		/* of the newest durable one */
	struct shard_job compaction;	/* asked: of all runs */
	wait_queue_head_t job_ended;

	/* reclamation */
	struct shard_reclaim *reclaim;
	struct shard_job reclamation;	/* asked: of an extent */
	u64 reclaim_seq;		/* of the checkpoint that it goes by */
	u64 reclaim_after;		/* not due before so many checkpoints */
	s64 pace_credit;		/* blocks that the host may write meanwhile */
	u32 reclaim_stuck;		/* the worker's: passes without an extent */
	bool reclaim_barren;		/* the worker's: it has gained nothing */
	u32 reclaim_live_max;		/* blocks of an extent that can gain */
	u32 reclaim_low;		/* host extents left: begin */
	u32 reclaim_high;		/* ... and end */

	/* idle time */
	u32 idle_ms;			/* no request for so long; 0: never */
	bool idle_held;			/* nor as long as this is so */
	u32 idle_high;			/* host extents left: enough */
	u64 idle_seen;			/* requests, when it looked last */
	u64 changed_blocks;		/* written or discarded since the last freeze */
	bool reclaim_idle;		/* a victim is to be evacuated that is worth it */
	bool reclaim_idling;		/* the worker's: that is what it is at */
	bool idle_done;			/* one was */

	struct workqueue_struct *wq;	/* admissions */
	struct work_struct admit_work;
	struct workqueue_struct *idle_wq;
	struct delayed_work idle_work;
	struct workqueue_struct *read_wq;
	struct workqueue_struct *retry_wq;	/* one worker: owns retry_block */
	void *retry_block;
};

/* device.c */
void shard_device_set_state(struct shard_device *device, enum shard_state to);
/* Both with the lock held. */
void shard_device_want_checkpoint(struct shard_device *device);
bool shard_device_checkpoint_due(struct shard_device *device);
void shard_device_note_durable(struct shard_device *device, u64 seq);

/* background.c: jobs, with the lock held but for the last four */
void shard_job_want(struct shard_job *job, bool asked);
/** shard_job_busy() - is it wanted or running: someone will call when it ends */
bool shard_job_busy(const struct shard_job *job);
/** shard_job_next() - what to wait for: one that runs now began too early */
u64 shard_job_next(const struct shard_job *job);
/** shard_job_end() - one attempt of those begun */
void shard_job_end(struct shard_job *job, int err);
/** shard_job_tell() - who waits for its end, or for what that may have brought */
void shard_job_tell(struct shard_device *device);
/**
 * shard_job_again() - is what failed to be tried again, perhaps after a pause
 * @tries:	zeros at first
 * @what:	that failed, in the words of a message
 *
 * May sleep.
 */
bool shard_job_again(struct shard_device *device, struct shard_tries *tries,
		     const char *what, int err);
/** shard_job_begin() - return: false if none is wanted */
bool shard_job_begin(struct shard_device *device, struct shard_job *job,
		     bool *asked);
/** shard_job_over() - has it ended so often, or will it not any more */
bool shard_job_over(struct shard_device *device, struct shard_job *job,
		    u64 until);
/**
 * shard_job_wait() - until shard_job_over()
 *
 * Return: how the last one ended; -EROFS or -EIO for one that is read-only or has
 * failed.
 */
int shard_job_wait(struct shard_device *device, struct shard_job *job,
		   u64 until);

void shard_checkpoint_work(struct work_struct *work);
void shard_compact_work(struct work_struct *work);
/* With the lock held; @all: merge all runs, else if a merge is due. */
void shard_device_want_compaction(struct shard_device *device, bool all);

/* What to do for a request that no extent is ready for. */
enum shard_space {
	SPACE_COMES,		/* someone will call when it is there */
	SPACE_FULL,		/* for writes; it may wait for the discards' own */
	SPACE_NONE,		/* not even that is left */
};

/* space.c */
void shard_reclaim_work(struct work_struct *work);
int shard_reclaim_init(struct shard_device *device);
/* All with the lock held. */
void shard_device_want_reclaim(struct shard_device *device);
/* Space is short: by a checkpoint if much has died since the last, or reclaimed. */
void shard_device_want_room(struct shard_device *device);
/* Is space short, and may something be moved for a gain? */
bool shard_device_reclaim_due(struct shard_device *device);

/* idle.c */
void shard_idle_work(struct work_struct *work);
/* @spare: extents */
void shard_idle_init(struct shard_device *device, u32 spare);
/* The host has written something: look whether it is idle.  With the lock held. */
void shard_idle_arm(struct shard_device *device);
/* Has a request come, or does the device go; any context. */
bool shard_idle_over(struct shard_device *device);
/* Live blocks that a victim may have in idle time. */
u32 shard_idle_live_max(struct shard_device *device);

/* Pacing, all with the lock held. */
/** shard_pace_waits() - must the host's next frame wait for reclamation */
bool shard_pace_waits(struct shard_device *device);
/** shard_pace_spend() - the host writes so many blocks */
void shard_pace_spend(struct shard_device *device, u32 blocks);
/** shard_pace_earn() - reclamation has gained so many */
void shard_pace_earn(struct shard_device *device, u64 gained);
/*
 * When no host extent is ready: will there be one?  Then the worker that admits
 * requests is told.
 */
bool shard_device_space_comes(struct shard_device *device);
enum shard_space shard_device_space(struct shard_device *device,
				    const struct shard_request *r);

/* write.c */
int shard_write_init(struct shard_device *device);
void shard_write_exit(struct shard_device *device);
void shard_write_submit(struct shard_device *device,
			struct shard_request *request);
void shard_write_flush(struct shard_device *device,
		       struct shard_request *request);
void shard_write_commit(struct shard_device *device);
/* Work: admits what waits, decides what to do when nothing can be. */
void shard_write_admit(struct work_struct *work);
/*
 * There may be room for what waits, and others may wait for what is being built:
 * has both seen to, if there is either.  With the lock held.
 */
void shard_write_retry(struct shard_device *device);
/* Applies or fails what has been written, and sees to what comes next. */
void shard_write_settle(struct shard_device *device);
/* Where replay of what is not applied starts; with the lock held. */
void shard_write_log_start(struct shard_device *device,
			   struct shard_log_start *from);
/* Seals what is being built; are any frames under way?  With the lock held. */
bool shard_write_pending(struct shard_device *device);

/* rewrite.c */
/* In the worker that admits: goes on with what is to be written again. */
void shard_rewrite(struct shard_device *device);

/* watermark.c */
void shard_watermark_init(struct shard_device *device);
/* What is left, by @info->bad_extents; and what is mapped. */
void shard_watermark_info(struct shard_device *device, struct shard_info *info);
/* What is live, or the state, has changed; without the lock. */
void shard_watermark_look(struct shard_device *device);

/* read.c */
void shard_read_submit(struct shard_device *device,
		       struct shard_request *request);

#endif /* SHARD_DEVICE_H */
