// SPDX-License-Identifier: GPL-2.0-only
/*
 * Disks, the module's use count, and shrinkers.
 *
 * DOC: a disk
 *
 * Requests go to the driver from a work item, as they do when a scheduler or
 * another context runs the queue: so one may be done, and whoever sent it gone,
 * while the driver is still to commit its batch.
 *
 * del_gendisk() lets nobody open it any more, waits for all that have a tag,
 * then for all readers of sysfs.  Only blk_mq_quiesce_queue() waits for who is
 * in the driver.  Others wait on one queue that is never freed.
 */
#include "block.h"
#include "../../kmod/block/block.h"

#define POISON	0x6b

/**
 * struct block_io - whoever waits for a request
 * @done:	it has ended
 * @status:	how
 */
struct block_io {
	struct completion done;
	blk_status_t status;
};

static struct {
	wait_queue_head_t wait;
	struct list_head disks;
	struct list_head shrinkers;
	u32 nr_users;		/* of the module */
	bool unloading;
	bool refuses_disks;
	u32 nr_appeared;	/* disks, ever */
} block;

/* For hooks->touch: all of it is one object, of which words do not tell all. */
static void touched(void)
{
	kapi_touch(&block, KAPI_CHANGES);
}

struct workqueue_struct *system_wq;
struct workqueue_struct *system_long_wq;

/* ---- the module ---- */

extern char __start_block_statics[], __stop_block_statics[];

/* A run that failed may have left locks held, and a table that is not empty. */
static void statics_begin(void)
{
	size_t len = __stop_block_statics - __start_block_statics;
	static char initial[1024];
	static bool known;

	if (len > sizeof(initial))
		kapi_fail("no room for %zu bytes of the module", len);
	if (known)
		memcpy(__start_block_statics, initial, len);
	else
		memcpy(initial, __start_block_statics, len);
	known = true;
}

void block_begin(struct sim_disk *const *disks, u32 nr)
{
	statics_begin();
	memset(&block, 0, sizeof(block));
	init_waitqueue_head(&block.wait);
	INIT_LIST_HEAD(&block.disks);
	INIT_LIST_HEAD(&block.shrinkers);
	block_backings_begin(disks, nr);
	system_wq = alloc_workqueue("events", 0, 0);
	system_long_wq = alloc_workqueue("events_long", 0, 0);
	if (!system_wq || !system_long_wq)
		kapi_fail("no memory for workqueues");
}

void block_end(void)
{
	if (!list_empty(&block.disks))
		kapi_fail("a disk is left behind");
	if (!list_empty(&block.shrinkers))
		kapi_fail("a shrinker is left behind");
	if (block.nr_users)
		kapi_fail("the module is used %u times too often",
			  block.nr_users);
	block_backings_end();
	destroy_workqueue(system_wq);
	destroy_workqueue(system_long_wq);
}

void block_refuse_disks(bool refuse)
{
	block.refuses_disks = refuse;
}

bool block_module_get(void)
{
	kapi_preempt_point("try_module_get", &block.nr_users, __kapi_at);
	if (block.unloading)
		return false;
	touched();
	block.nr_users++;
	return true;
}

void block_module_put(void)
{
	if (!block.nr_users--)
		kapi_fail("the module is let go once too often");
	kapi_let_go_point("module_put", &block.nr_users, __kapi_at);
}

bool block_module_unload(void)
{
	kapi_preempt_point("delete_module", &block.nr_users, __kapi_at);
	if (block.nr_users || block.unloading)
		return false;
	touched();
	block.unloading = true;
	return true;
}

/* ---- requests ---- */

static size_t request_size(const struct blk_mq_tag_set *set)
{
	return sizeof(struct request) + set->cmd_size;
}

/* Nobody may have touched it since its end. */
static void request_check_free(const struct blk_mq_tag_set *set,
			       const struct request *rq)
{
	const u8 *p = blk_mq_rq_to_pdu(rq);
	u32 i;

	if (rq->state != BLOCK_RQ_FREE)
		kapi_fail("a request is under way whose tag is freed");
	for (i = 0; i < set->cmd_size; i++)
		if (p[i] != POISON)
			kapi_fail("a request was touched after its end");
}

static void request_free(struct blk_mq_tag_set *set, struct request *rq)
{
	memset(rq, 0, sizeof(*rq));
	memset(blk_mq_rq_to_pdu(rq), POISON, set->cmd_size);
	rq->state = BLOCK_RQ_FREE;
	kapi_before(rq);
}

int blk_mq_alloc_tag_set(struct blk_mq_tag_set *set)
{
	u32 i;

	for (i = 0; i < BLOCK_TAGS; i++) {
		set->tags[i] = kzalloc(request_size(set), GFP_KERNEL);
		if (!set->tags[i])
			goto out;
		request_free(set, set->tags[i]);
	}
	return 0;

out:
	while (i--)
		kfree(set->tags[i]);
	return -ENOMEM;
}

void blk_mq_free_tag_set(struct blk_mq_tag_set *set)
{
	u32 i;

	for (i = 0; i < BLOCK_TAGS; i++) {
		kapi_after(set->tags[i]);
		request_check_free(set, set->tags[i]);
		kfree(set->tags[i]);
	}
}

static struct request *request_take(struct request_queue *q)
{
	struct blk_mq_tag_set *set = q->set;
	u32 i;

	for (i = 0; i < BLOCK_TAGS; i++)
		if (set->tags[i]->state == BLOCK_RQ_FREE) {
			kapi_after(set->tags[i]);
			request_check_free(set, set->tags[i]);
			set->tags[i]->state = BLOCK_RQ_GIVEN;
			touched();
			q->nr_requests++;
			return set->tags[i];
		}
	return NULL;
}

static void request_set_state(struct request *rq, enum block_rq_state from,
			      enum block_rq_state to, const char *word)
{
	if (rq->state != from)
		kapi_fail("%s() of a request in state %u", word, rq->state);
	rq->state = to;
}

void blk_mq_start_request(struct request *rq)
{
	request_set_state(rq, BLOCK_RQ_GIVEN, BLOCK_RQ_STARTED, __func__);
}

void blk_mq_complete_request(struct request *rq)
{
	request_set_state(rq, BLOCK_RQ_STARTED, BLOCK_RQ_COMPLETED, __func__);
	/* in parentheses, since complete() is a macro here */
	(rq->q->set->ops->complete)(rq);
}

/* Who waits for it is told before its tag is free. */
static void request_end(struct request *rq, blk_status_t status)
{
	struct request_queue *q = rq->q;
	struct block_io *io = rq->io;

	io->status = status;
	complete(&io->done);
	request_free(q->set, rq);
	touched();
	q->nr_requests--;
	wake_up(&block.wait);
}

/* Also of one that queue_rqs() refuses. */
void blk_mq_end_request(struct request *rq, blk_status_t status)
{
	if (rq->state != BLOCK_RQ_GIVEN)
		request_set_state(rq, BLOCK_RQ_COMPLETED, BLOCK_RQ_COMPLETED,
				  __func__);
	request_end(rq, status);
}

/* A lone one, as the first and last of a batch. */
static void queue_one(struct request_queue *q, struct request *rq)
{
	struct blk_mq_queue_data bd = { .rq = rq, .last = true };
	blk_status_t status = q->set->ops->queue_rq(&q->hctx, &bd);

	if (status != BLK_STS_OK)
		request_end(rq, status);
}

/* The queue is a blocking one: what must not sleep is the engine (backing.c). */
static void queue_run(struct work_struct *work)
{
	struct request_queue *q = container_of(work, struct request_queue,
					       run_work);
	LIST_HEAD(batch);

	if (!(q->set->flags & BLK_MQ_F_BLOCKING))
		kapi_fail("the queue is not a blocking one");
	WRITE_ONCE(q->running, true);
	for (touched(); !list_empty(&q->queued); touched()) {
		list_splice_init(&q->queued, &batch);
		kapi_after(&q->queued);
		if (list_is_singular(&batch))
			queue_one(q, rq_list_pop(&batch));
		else
			q->set->ops->queue_rqs(&batch);
	}
	kapi_before(q);
	WRITE_ONCE(q->running, false);
	wake_up(&block.wait);
}

blk_status_t block_io(struct gendisk *disk, unsigned int op, sector_t sector,
		      void *memory, u32 len)
{
	struct request_queue *q = disk->queue;
	struct block_io io = { 0 };
	struct request *rq;

	init_completion(&io.done);
	wait_event(block.wait, (rq = request_take(q)));
	rq->q = q;
	rq->io = &io;
	rq->cmd_flags = op;
	rq->sector = sector;
	rq->bvec = (struct bio_vec){ .bv_page = memory, .bv_len = len };
	touched();
	kapi_before(&q->queued);
	list_add_tail(&rq->node, &q->queued);
	queue_work(system_wq, &q->run_work);
	wait_for_completion(&io.done);
	return io.status;
}

/* ---- disks ---- */

struct gendisk *compat_alloc_disk(struct blk_mq_tag_set *set,
				  const struct compat_limits *lim,
				  void *queuedata)
{
	struct gendisk *disk = kzalloc(sizeof(*disk), GFP_KERNEL);
	struct request_queue *q = kzalloc(sizeof(*q), GFP_KERNEL);

	if (!disk || !q) {
		kfree(disk);
		kfree(q);
		return ERR_PTR(-ENOMEM);
	}
	q->queuedata = queuedata;
	q->set = set;
	q->hctx.queue = q;
	q->block_size = lim->block_size;
	INIT_LIST_HEAD(&q->queued);
	INIT_WORK(&q->run_work, queue_run);
	if (set->ops->init_hctx(&q->hctx, NULL, 0))
		kapi_fail("init_hctx() fails");
	disk->queue = q;
	disk->refs = 1;
	mutex_init(&disk->open_mutex);
	INIT_LIST_HEAD(&disk->node);
	return disk;
}

void put_disk(struct gendisk *disk)
{
	kapi_preempt_point("put_disk", &disk->refs, __kapi_at);
	kapi_before(&disk->refs);
	touched();
	if (--disk->refs)
		return;
	kapi_after(&disk->refs);
	/* only the driver's part of it may have ended */
	cancel_work_sync(&disk->queue->run_work);
	if (disk->live || disk->visible || disk->nr_readers)
		kapi_fail("%s is freed, and is still there", disk->disk_name);
	if (disk->queue->nr_requests)
		kapi_fail("%s is freed with %u requests", disk->disk_name,
			  disk->queue->nr_requests);
	kfree(disk->queue);
	kfree(disk);
}

/* The kernel has locks of its own for that. */
static struct gendisk *disk_named(const char *name)
{
	struct gendisk *disk, *found = NULL;

	kapi_racy_begin();
	list_for_each_entry(disk, &block.disks, node)
		if (!strcmp(disk->disk_name, name))
			found = disk;
	kapi_racy_end();
	return found;
}

static struct gendisk *disk_find(u32 id)
{
	char name[32];

	snprintf(name, sizeof(name), "shardblk%u", id);
	return disk_named(name);
}

static struct gendisk *disk_open(struct gendisk *disk)
{
	int error;

	touched();
	disk->refs++;
	kapi_after(disk);
	mutex_lock(&disk->open_mutex);
	error = disk->live ? disk->fops->open(disk, 0) : -ENXIO;
	touched();
	if (!error)
		disk->nr_openers++;
	mutex_unlock(&disk->open_mutex);
	if (!error)
		return disk;
	put_disk(disk);
	return NULL;
}

static void disk_release(struct gendisk *disk)
{
	mutex_lock(&disk->open_mutex);
	touched();
	disk->nr_openers--;
	mutex_unlock(&disk->open_mutex);
	put_disk(disk);
}

struct gendisk *block_open(u32 id)
{
	struct gendisk *disk;

	if (!block_module_get())
		return NULL;
	kapi_look_point("open", &block, __kapi_at);
	disk = disk_find(id);
	if (disk)
		disk = disk_open(disk);
	if (!disk)
		block_module_put();
	return disk;
}

void block_release(struct gendisk *disk)
{
	disk_release(disk);
	block_module_put();
}

static void partitions_look_for(struct gendisk *disk)
{
	u32 len = disk->queue->block_size;
	void *memory;

	if (!disk_open(disk))
		return;
	memory = kmalloc(len, GFP_KERNEL);
	if (memory)
		block_io(disk, REQ_OP_READ, 0, memory, len);
	kfree(memory);
	disk_release(disk);
}

static void sysfs_remove(struct gendisk *disk)
{
	WRITE_ONCE(disk->visible, false);
	touched();
	wait_event(block.wait, !disk->nr_readers);
	kapi_after(disk);
}

/* It may fail when its files are there already. */
int device_add_disk(struct device *parent, struct gendisk *disk,
		    const struct attribute_group **groups)
{
	void *memory;

	might_sleep();
	if (disk_named(disk->disk_name))
		kapi_fail("%s is there twice", disk->disk_name);
	kapi_before(disk);
	touched();
	list_add_tail(&disk->node, &block.disks);
	WRITE_ONCE(disk->visible, true);
	touched();
	block.nr_appeared++;
	wake_up(&block.wait);
	memory = kmalloc(1, GFP_KERNEL);
	kapi_preempt_point("device_add_disk", disk, __kapi_at);
	if (!memory || block.refuses_disks) {
		kfree(memory);
		sysfs_remove(disk);
		touched();
		list_del_init(&disk->node);
		return -ENOMEM;
	}
	kfree(memory);
	mutex_lock(&disk->open_mutex);
	disk->live = true;
	mutex_unlock(&disk->open_mutex);
	partitions_look_for(disk);
	return 0;
}

void del_gendisk(struct gendisk *disk)
{
	might_sleep();
	mutex_lock(&disk->open_mutex);
	if (disk->nr_openers)
		kapi_fail("%s goes, and is open", disk->disk_name);
	disk->live = false;
	touched();
	list_del_init(&disk->node);
	mutex_unlock(&disk->open_mutex);
	wait_event(block.wait, !disk->queue->nr_requests);
	sysfs_remove(disk);
}

void blk_mq_quiesce_queue(struct request_queue *q)
{
	wait_event(block.wait, !q->running);
	kapi_after(q);
}

int kobject_uevent_env(struct kobject *kobj, int action, char *envp[])
{
	struct gendisk *disk = container_of(kobj, struct gendisk, dev.kobj);

	might_sleep();
	kapi_look_point("kobject_uevent_env", &disk->visible, __kapi_at);
	if (!disk->visible)
		kapi_fail("a uevent of a disk that is not there: %s", envp[0]);
	return 0;
}

/* ---- sysfs ---- */

struct gendisk *block_file_enter(u32 id)
{
	struct gendisk *disk;

	kapi_look_point("sysfs", &block, __kapi_at);
	disk = disk_find(id);
	if (!disk || !disk->visible)
		return NULL;
	touched();
	disk->nr_readers++;
	kapi_after(disk);
	return disk;
}

u32 block_nr_appeared(void)
{
	touched();
	return block.nr_appeared;
}

wait_queue_head_t *block_wait(void)
{
	return &block.wait;
}

void block_file_leave(struct gendisk *disk)
{
	kapi_before(disk);
	touched();
	disk->nr_readers--;
	wake_up(&block.wait);
}

void seq_printf(struct seq_file *m, const char *fmt, ...)
{
	char line[256];
	va_list args;

	va_start(args, fmt);
	vsnprintf(line, sizeof(line), fmt, args);
	va_end(args);
	m->nr_lines++;
}

/* ---- shrinkers ---- */

int compat_shrinker_add(struct compat_shrinker *s, int id)
{
	s->memory = kmalloc(1, GFP_KERNEL);
	if (!s->memory)
		return -ENOMEM;
	kapi_before(s);
	touched();
	list_add_tail(&s->node, &block.shrinkers);
	return 0;
}

void compat_shrinker_remove(struct compat_shrinker *s)
{
	touched();
	list_del_init(&s->node);
	wait_event(block.wait, !s->nr_callers);
	kapi_after(s);
	kfree(s->memory);
}

static struct compat_shrinker *shrinker_at(u32 nr)
{
	struct compat_shrinker *s;

	touched();
	list_for_each_entry(s, &block.shrinkers, node)
		if (!nr--)
			return s;
	return NULL;
}

void block_shrink(void)
{
	struct compat_shrinker *s;
	unsigned long nr;
	u32 i;

	for (i = 0; (s = shrinker_at(i)); i++) {
		touched();
		s->nr_callers++;
		kapi_after(s);
		nr = s->count(s->ctx);
		if (nr)
			s->shrink(s->ctx, nr);
		kapi_before(s);
		touched();
		s->nr_callers--;
		wake_up(&block.wait);
	}
}
