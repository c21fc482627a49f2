/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The Linux words of kmod/block/{table,queue,scrub}.c in user space.
 *
 * DOC: the block layer, in user space
 *
 * Force-included before these files, with the include guard of
 * kmod/block/linux.h, where the list of words is.  So the lives of devices are
 * the module's own code, line by line, above a model of the block layer:
 *
 *  disk.c     disks that openers hold, with a queue of few requests, and the
 *             readers of their sysfs; shrinkers
 *  backing.c  backing devices, each opened for one alone: the disks of sim
 *  table.c    the table's idr
 *
 * The model is as strict as the kernel is at its worst.  It ends the run when a
 * disk goes that is open, when one is freed that somebody is in, when a request
 * is begun or ended twice or touched after its end, when the engine sleeps below
 * queue_rq() or queue_rqs(), and when a uevent is sent of a disk that is not there.
 *
 * What its users do is in block.h.
 */
#ifndef SHARDBLK_LINUX_H
#define SHARDBLK_LINUX_H

#include "backend.h"

#define __user

/* Of the same contents in each run (block_begin()). */
#define __block_static	__attribute__((__section__("block_statics")))
#undef DEFINE_MUTEX
#define DEFINE_MUTEX(x)							\
	struct mutex x __block_static = {				\
		.lock = __KAPI_LOCK_INIT(x),				\
		.waiters = LIST_HEAD_INIT(x.waiters),			\
	}

#define THIS_MODULE	NULL
struct module;
struct dentry;
struct file;
struct file_operations;
struct attribute_group;
typedef s64 time64_t;

/* --- the table --- */

struct idr {
	struct list_head entries;	/* ascending */
	bool busy;
};

#define DEFINE_IDR(x)							\
	struct idr x __block_static = { LIST_HEAD_INIT(x.entries), false }

int block_idr_alloc(struct idr *idr, void *ptr, int start, int end, gfp_t gfp);
void *block_idr_remove(struct idr *idr, int id);
void *block_idr_find(const struct idr *idr, int id);
void *block_idr_next(const struct idr *idr, int *id);
void idr_destroy(struct idr *idr);

/* They have no lock of their own. */
#define __idr_point(word, idr)						\
	kapi_preempt_point(word, idr, __kapi_at)
#define idr_alloc(idr, ptr, start, end, gfp) ({				\
	__idr_point("idr_alloc", idr);					\
	block_idr_alloc(idr, ptr, start, end, gfp); })
#define idr_remove(idr, id) ({						\
	__idr_point("idr_remove", idr);					\
	block_idr_remove(idr, id); })
#define idr_find(idr, id) ({						\
	__idr_point("idr_find", idr);					\
	block_idr_find(idr, id); })
#define idr_get_next(idr, id) ({					\
	__idr_point("idr_get_next", idr);				\
	block_idr_next(idr, id); })
#define idr_for_each_entry(idr, entry, id)				\
	for ((id) = 0; ((entry) = idr_get_next(idr, &(id))) != NULL; (id)++)

/* --- work and time --- */

extern struct workqueue_struct *system_wq;
extern struct workqueue_struct *system_long_wq;

#define schedule_work(work)	queue_work(system_wq, work)

static inline time64_t ktime_get_boottime_seconds(void)
{
	return ktime_get_ns() / NSEC_PER_SEC;
}

/* --- text --- */

struct seq_file {
	u32 nr_lines;
};

void seq_printf(struct seq_file *m, const char *fmt, ...) __printf(2, 3);

/* --- backing devices --- */

#define MINORBITS	20
#define MKDEV(ma, mi)	((dev_t)(ma) << MINORBITS | (mi))
#define MAJOR(dev)	((unsigned int)((dev) >> MINORBITS))
#define MINOR(dev)	((unsigned int)((dev) & ((1u << MINORBITS) - 1)))

struct bio_set {
	int unused;
};

struct block_device {
	u32 nr;
};

struct compat_bdev {
	struct block_device *bdev;
};

int lookup_bdev(const char *path, dev_t *dev);

static inline unsigned int bdev_dma_alignment(struct block_device *bdev)
{
	return SECTOR_SIZE - 1;
}

/* --- requests --- */

typedef u64 sector_t;
typedef u8 blk_status_t;

enum {
	BLK_STS_OK,
	BLK_STS_NOTSUPP,
	BLK_STS_NOSPC,
	BLK_STS_IOERR,
};

enum {
	REQ_OP_READ,
	REQ_OP_WRITE,
	REQ_OP_FLUSH,
	REQ_OP_DISCARD,
	REQ_OP_WRITE_ZEROES,
};

#define REQ_OP_MASK	0xffu
#define REQ_FUA		0x100u

struct page;

struct bio_vec {
	struct page *bv_page;
	unsigned int bv_len;
	unsigned int bv_offset;
};

static inline void *page_address(struct page *page)
{
	return page;
}

enum block_rq_state {
	BLOCK_RQ_FREE,
	BLOCK_RQ_GIVEN,		/* it has a tag, and is on its way to the driver */
	BLOCK_RQ_STARTED,
	BLOCK_RQ_COMPLETED,
};

struct block_io;

/**
 * struct request - in front of what the driver has with each tag
 * @node:	while it is on its way
 * @io:		who waits for it
 */
struct request {
	struct request_queue *q;
	unsigned int cmd_flags;
	enum block_rq_state state;
	sector_t sector;
	struct bio_vec bvec;
	struct list_head node;
	struct block_io *io;
};

#define blk_mq_rq_to_pdu(rq)	((void *)((rq) + 1))
#define blk_mq_rq_from_pdu(pdu)	((struct request *)(pdu) - 1)
#define req_op(rq)		((rq)->cmd_flags & REQ_OP_MASK)
#define blk_rq_pos(rq)		((rq)->sector)
#define blk_rq_bytes(rq)	((rq)->bvec.bv_len)

struct req_iterator {
	int i;
};

#define rq_for_each_bvec(vec, rq, iter)					\
	for ((iter).i = 0; !(iter).i && ((vec) = (rq)->bvec, true); (iter).i++)

/* What queue_rqs() is given: requests by their @node. */
#define compat_rq_list	struct list_head
#define rq_list_peek(list)						\
	list_first_entry_or_null(list, struct request, node)

static inline struct request *rq_list_pop(struct list_head *list)
{
	struct request *rq = rq_list_peek(list);

	if (rq)
		list_del(&rq->node);
	return rq;
}

void blk_mq_start_request(struct request *rq);
void blk_mq_complete_request(struct request *rq);
void blk_mq_end_request(struct request *rq, blk_status_t status);

/* --- disks --- */

#define BLOCK_TAGS		4	/* few, so that some wait for one */
#define BLK_MQ_F_TAG_HCTX_SHARED	1
#define BLK_MQ_F_NO_SCHED_BY_DEFAULT	2
#define BLK_MQ_F_BLOCKING		4
#define BLK_MQ_F_STACKING		8
#define COMPAT_MQ_SHOULD_MERGE	0
#define NUMA_NO_NODE		(-1)

static const unsigned int nr_cpu_ids = 1;

struct lock_class_key {
	int unused;
};

struct blk_mq_hw_ctx {
	struct request_queue *queue;
};

struct blk_mq_queue_data {
	struct request *rq;
	bool last;
};

struct blk_mq_ops {
	blk_status_t (*queue_rq)(struct blk_mq_hw_ctx *hctx,
				 const struct blk_mq_queue_data *bd);
	void (*queue_rqs)(struct list_head *list);
	void (*commit_rqs)(struct blk_mq_hw_ctx *hctx);
	void (*complete)(struct request *rq);
	int (*init_hctx)(struct blk_mq_hw_ctx *hctx, void *data,
			 unsigned int index);
};

struct blk_mq_tag_set {
	const struct blk_mq_ops *ops;
	unsigned int nr_hw_queues;
	unsigned int queue_depth;
	unsigned int cmd_size;
	unsigned int flags;
	int numa_node;
	struct request *tags[BLOCK_TAGS];
};

/**
 * struct request_queue - requests of a disk on their way to the driver
 * @hctx:	the one there is
 * @queued:	what @run_work is to take
 * @nr_requests: that have a tag
 * @running:	somebody is in the driver
 */
struct request_queue {
	void *queuedata;
	struct blk_mq_tag_set *set;
	struct blk_mq_hw_ctx hctx;
	u32 block_size;
	struct list_head queued;
	struct work_struct run_work;
	u32 nr_requests;
	bool running;
};

static inline unsigned int queue_logical_block_size(const struct request_queue *q)
{
	return q->block_size;
}

static inline void blk_mq_hctx_set_fq_lock_class(struct blk_mq_hw_ctx *hctx,
						 struct lock_class_key *key)
{
}

struct kobject {
	int unused;
};

struct device {
	struct kobject kobj;
};

#define KOBJ_CHANGE	0

struct gendisk;

#define compat_opened	gendisk
typedef unsigned int compat_blk_mode_t;

struct block_device_operations {
	struct module *owner;
	int (*open)(struct gendisk *disk, compat_blk_mode_t mode);
};

/**
 * struct gendisk - a disk
 * @node:	of all that are found by their names
 * @refs:	who keeps the memory
 * @nr_openers:	under @open_mutex
 * @live:	it can be opened; under @open_mutex
 * @visible:	it is in sysfs
 * @nr_readers:	who is in a file of it there
 */
struct gendisk {
	const struct block_device_operations *fops;
	void *private_data;
	char disk_name[32];
	struct request_queue *queue;
	struct mutex open_mutex;	/* of @nr_openers, @live */
	struct device dev;
	sector_t capacity;
	bool read_only;
	struct list_head node;
	u32 refs;
	u32 nr_openers;
	bool live;
	bool visible;
	u32 nr_readers;
};

static inline struct gendisk *compat_opened_disk(struct gendisk *opened)
{
	return opened;
}

static inline struct device *disk_to_dev(struct gendisk *disk)
{
	return &disk->dev;
}

static inline dev_t disk_devt(const struct gendisk *disk)
{
	return MKDEV(259, 0);
}

static inline void set_capacity(struct gendisk *disk, sector_t sectors)
{
	disk->capacity = sectors;
}

static inline sector_t get_capacity(const struct gendisk *disk)
{
	return disk->capacity;
}

static inline void set_disk_ro(struct gendisk *disk, bool read_only)
{
	disk->read_only = read_only;
}

static inline unsigned int disk_openers(const struct gendisk *disk)
{
	lockdep_assert_held(&disk->open_mutex);
	return disk->nr_openers;
}

struct compat_limits {
	u32 block_size;
	u32 io_opt;
	u32 max_hw_sectors;
	u16 max_segments;
	u32 max_unmap_sectors;
	u32 dma_alignment;
};

int blk_mq_alloc_tag_set(struct blk_mq_tag_set *set);
void blk_mq_free_tag_set(struct blk_mq_tag_set *set);
struct gendisk *compat_alloc_disk(struct blk_mq_tag_set *set,
				  const struct compat_limits *lim,
				  void *queuedata);
int device_add_disk(struct device *parent, struct gendisk *disk,
		    const struct attribute_group **groups);
void del_gendisk(struct gendisk *disk);
void blk_mq_quiesce_queue(struct request_queue *q);
void put_disk(struct gendisk *disk);
int kobject_uevent_env(struct kobject *kobj, int action, char *envp[]);

#define MAX_ERRNO	4095
#define IS_ERR(ptr)	((unsigned long)(ptr) >= (unsigned long)-MAX_ERRNO)
#define PTR_ERR(ptr)	((long)(ptr))
#define ERR_PTR(error)	((void *)(long)(error))

/* --- shrinkers --- */

/**
 * struct compat_shrinker - as in kmod/block/compat.h
 * @node:	of all
 * @nr_callers:	who is in a callback
 * @memory:	what the kernel allocates with it
 */
struct compat_shrinker {
	unsigned long (*count)(void *ctx);
	unsigned long (*shrink)(void *ctx, unsigned long nr);
	void *ctx;
	struct list_head node;
	u32 nr_callers;
	void *memory;
};

int compat_shrinker_add(struct compat_shrinker *s, int id);
void compat_shrinker_remove(struct compat_shrinker *s);

#endif /* SHARDBLK_LINUX_H */
