// SPDX-License-Identifier: GPL-2.0-only
/*
 * Goal: a whole device keeps what it promises to many threads at once, on as many
 * CPUs as there are, and comes and goes under the eyes of others.
 *
 * Method: devices on null_blk, which has a volatile cache, small enough that space is
 * reclaimed and runs are merged all the time.  Every write says in each of its blocks
 * when it was submitted, by stamps from one counter; a table knows when each was
 * acknowledged.  What a block shows is wrong when some other request on it was
 * acknowledged before the read was submitted, and had been submitted after what is
 * shown was acknowledged.  Meanwhile one thread has checkpoints made, scrubs, gives
 * memory back and asks how things are.
 */
#include <kunit/test.h>
#include <linux/bio.h>
#include <linux/kthread.h>
#include <linux/vmalloc.h>

#include "ramdisk.h"

#define BACKING		"nullb0"
#define DISK		"shardblk0"
#define BACKING_LEN	(48ull << 20)	/* of it, to be full soon */
#define NR_THREADS	4u
#define ROUNDS		300u		/* of each thread */
#define BATCH		4u		/* requests at once */
#define BLOCKS_MAX	8u		/* of a request */
#define REGION		1024u		/* blocks */
#define SLICE		(REGION / NR_THREADS)	/* one thread discards in it */
#define STAMPS_MAX	(2 * NR_THREADS * ROUNDS * (BATCH + 2))
#define NEVER		U32_MAX

/**
 * struct stress - what all threads share
 * @bdev:	the device
 * @stamps:	moments
 * @acked:	when the write that was submitted at that stamp was acknowledged
 * @floor:	for each block, when the last request on it that is acknowledged was
 *		submitted
 * @zeroed:	for each block, when the last discard of it was acknowledged; in flight:
 *		NEVER
 * @running:	threads that have not ended
 * @done:	none is left
 * @wrong:	what was found: counted, and the first one said
 * @errors:	requests that failed
 */
struct stress {
	struct block_device *bdev;
	atomic_t stamps;
	u32 *acked;
	atomic_t floor[REGION];
	u32 zeroed[REGION];
	atomic_t running;
	struct completion done;
	atomic_t wrong;
	atomic_t errors;
};

struct stress_thread {
	struct stress *stress;
	unsigned int number;
	u64 random;
	char *pages[BATCH];
};

static u32 draw(u64 *random, u32 n)
{
	*random ^= *random << 13;
	*random ^= *random >> 7;
	*random ^= *random << 17;
	return (u32)(*random >> 32) % n;
}

static u32 stamp(struct stress *s)
{
	return atomic_inc_return(&s->stamps);
}

/* ---------------------------------------------------------------- requests */

/**
 * struct stress_batch - requests under way together
 * @left:	of them, and one for who submits
 * @errors:	of them
 */
struct stress_batch {
	atomic_t left;
	atomic_t errors;
	struct completion done;
	struct bio *bios;		/* behind it: they may not be an array in it */
	struct bio_vec vecs[BATCH][BLOCKS_MAX];
};

static struct stress_batch *batch_alloc(void)
{
	struct stress_batch *batch;

	batch = kzalloc(sizeof(*batch) + BATCH * sizeof(struct bio), GFP_KERNEL);
	if (batch)
		batch->bios = (struct bio *)(batch + 1);
	return batch;
}

static void batch_put(struct stress_batch *batch)
{
	if (atomic_dec_and_test(&batch->left))
		complete(&batch->done);
}

static void batch_end_io(struct bio *bio)
{
	struct stress_batch *batch = bio->bi_private;

	if (bio->bi_status)
		atomic_inc(&batch->errors);
	batch_put(batch);
}

static void batch_begin(struct stress_batch *batch)
{
	atomic_set(&batch->left, 1);
	atomic_set(&batch->errors, 0);
	init_completion(&batch->done);
}

static void batch_submit(struct stress *s, struct stress_batch *batch, u32 i,
			 blk_opf_t opf, u32 block, u32 nr, char *pages)
{
	struct bio *bio = &batch->bios[i];
	u32 k;

	bio_init(bio, s->bdev, batch->vecs[i], BLOCKS_MAX, opf);
	bio->bi_iter.bi_sector = (sector_t)block * 8;
	bio->bi_private = batch;
	bio->bi_end_io = batch_end_io;
	for (k = 0; pages && k < nr; k++)
		__bio_add_page(bio, virt_to_page(pages + k * PAGE_SIZE),
			       PAGE_SIZE, 0);
	if (!pages)
		bio->bi_iter.bi_size = nr * PAGE_SIZE;
	atomic_inc(&batch->left);
	submit_bio(bio);
}

static int batch_wait(struct stress *s, struct stress_batch *batch, u32 nr)
{
	int errors;

	batch_put(batch);
	wait_for_completion(&batch->done);
	while (nr--)
		bio_uninit(&batch->bios[nr]);
	errors = atomic_read(&batch->errors);
	atomic_add(errors, &s->errors);
	return errors;
}

static void floor_raise(atomic_t *floor, u32 submitted)
{
	int was = atomic_read(floor);

	while ((u32)was < submitted &&
	       !atomic_try_cmpxchg(floor, &was, submitted))
		;
}

static void floors_raise(struct stress *s, u32 block, u32 nr, u32 submitted)
{
	while (nr--)
		floor_raise(&s->floor[block + nr], submitted);
}

static void fill(char *pages, u32 block, u32 nr, u32 submitted)
{
	u32 *word = (u32 *)pages;
	u32 i;

	for (i = 0; i < nr * PAGE_SIZE / sizeof(*word); i += 2) {
		word[i] = block + i * sizeof(*word) / PAGE_SIZE;
		word[i + 1] = submitted;
	}
}

static void do_writes(struct stress_thread *t, struct stress_batch *batch)
{
	struct stress *s = t->stress;
	u32 block[BATCH], nr[BATCH], submitted[BATCH], now;
	u32 n = 1 + draw(&t->random, BATCH), i;
	blk_opf_t opf = REQ_OP_WRITE | REQ_SYNC;
	struct blk_plug plug;

	if (!draw(&t->random, 8))
		opf |= REQ_FUA;
	batch_begin(batch);
	blk_start_plug(&plug);
	for (i = 0; i < n; i++) {
		nr[i] = 1 + draw(&t->random, BLOCKS_MAX);
		block[i] = draw(&t->random, REGION - nr[i]);
		submitted[i] = stamp(s);
		fill(t->pages[i], block[i], nr[i], submitted[i]);
		batch_submit(s, batch, i, opf, block[i], nr[i], t->pages[i]);
	}
	blk_finish_plug(&plug);
	if (batch_wait(s, batch, n))
		return;
	now = stamp(s);
	for (i = 0; i < n; i++) {
		WRITE_ONCE(s->acked[submitted[i]], now);
		floors_raise(s, block[i], nr[i], submitted[i]);
	}
}

static void zeroed_set(struct stress *s, u32 block, u32 nr, u32 when)
{
	while (nr--)
		WRITE_ONCE(s->zeroed[block + nr], when);
}

static void do_discard(struct stress_thread *t, struct stress_batch *batch)
{
	struct stress *s = t->stress;
	u32 nr = 1 + draw(&t->random, 4 * BLOCKS_MAX);
	u32 block = t->number * SLICE + draw(&t->random, SLICE - nr);
	u32 submitted;

	zeroed_set(s, block, nr, NEVER);
	submitted = stamp(s);
	batch_begin(batch);
	batch_submit(s, batch, 0, REQ_OP_DISCARD, block, nr, NULL);
	if (batch_wait(s, batch, 1))
		return;
	zeroed_set(s, block, nr, stamp(s));
	floors_raise(s, block, nr, submitted);
}

static void do_flush(struct stress_thread *t, struct stress_batch *batch)
{
	batch_begin(batch);
	batch_submit(t->stress, batch, 0,
		     REQ_OP_WRITE | REQ_PREFLUSH | REQ_SYNC, 0, 0, NULL);
	batch_wait(t->stress, batch, 1);
}

/* @floor: as it was before the read was submitted. */
static void check_block(struct stress *s, const u32 *word, u32 block, u32 floor)
{
	u32 shown = word[1], when, i;

	if (shown >= STAMPS_MAX)
		goto wrong;
	for (i = 0; i < PAGE_SIZE / sizeof(*word); i += 2)
		if (word[i] != (shown ? block : 0) || word[i + 1] != shown)
			goto wrong;
	/* Zeros that nobody wrote are older than all. */
	when = shown ? READ_ONCE(s->acked[shown]) : READ_ONCE(s->zeroed[block]);
	if (when >= floor)
		return;
wrong:
	if (atomic_inc_return(&s->wrong) == 1)
		pr_err("block %u shows block %u of %u, floor %u\n", block,
		       word[0], shown, floor);
}

static void do_read(struct stress_thread *t, struct stress_batch *batch,
		    u32 block, u32 nr)
{
	struct stress *s = t->stress;
	u32 floor[BLOCKS_MAX], i;

	for (i = 0; i < nr; i++)
		floor[i] = atomic_read(&s->floor[block + i]);
	/* Orders the above before the read. */
	stamp(s);
	batch_begin(batch);
	batch_submit(s, batch, 0, REQ_OP_READ | REQ_SYNC, block, nr,
		     t->pages[0]);
	if (batch_wait(s, batch, 1))
		return;
	for (i = 0; i < nr; i++)
		check_block(s, (u32 *)(t->pages[0] + i * PAGE_SIZE), block + i,
			    floor[i]);
}

/* ----------------------------------------------------------------- threads */

static void user_round(struct stress_thread *t, struct stress_batch *batch)
{
	u32 nr;

	switch (draw(&t->random, 8)) {
	case 0:
		do_discard(t, batch);
		break;
	case 1:
		do_flush(t, batch);
		break;
	case 2:
	case 3:
		nr = 1 + draw(&t->random, BLOCKS_MAX);
		do_read(t, batch, draw(&t->random, REGION - nr), nr);
		break;
	default:
		do_writes(t, batch);
		break;
	}
}

static int stress_user(void *data)
{
	struct stress_thread *t = data;
	struct stress_batch *batch = batch_alloc();
	struct stress *s = t->stress;
	u32 i;

	for (i = 0; batch && i < ROUNDS; i++)
		user_round(t, batch);
	if (!batch)
		atomic_inc(&s->errors);
	kfree(batch);
	if (atomic_dec_and_test(&s->running))
		complete(&s->done);
	return 0;
}

/* What operators and the kernel do meanwhile. */
static void disturb(struct stress *s, struct shardblk_status *status, u64 *random)
{
	struct shardblk *sb = s->bdev->bd_disk->private_data;
	struct shardblk_scrub_report report;

	switch (draw(random, 6)) {
	case 0:
		if (shardblk_checkpoint(0))
			atomic_inc(&s->errors);
		break;
	case 1:
		shardblk_scrub_start(sb);
		break;
	case 2:
		shardblk_scrub_stop(sb, false);
		break;
	case 3:
		shardblk_scrub_report(sb, &report);
		break;
	case 4:
		shard_device_cache_shrink(sb->device,
					  shard_device_cache_count(sb->device));
		break;
	case 5:
		if (shardblk_report(0, status))
			atomic_inc(&s->errors);
		break;
	}
}

/* -------------------------------------------------------------------- rigs */

static dev_t format_backing(struct kunit *test)
{
	struct shard_format_options options = {
		.block_size = 4096, .extent_size = SZ_1M,
	};
	struct shardblk_backing *backing;
	dev_t dev = ramdisk_find(BACKING);

	KUNIT_ASSERT_NE(test, dev, 0u);
	backing = kunit_kzalloc(test, sizeof(*backing), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, backing);
	KUNIT_ASSERT_EQ(test, shardblk_backing_open(backing, BACKING, dev,
						    false), 0);
	backing->backend.capacity = BACKING_LEN;
	KUNIT_EXPECT_EQ(test, shard_format(&backing->backend, &options), 0);
	shardblk_backing_close(backing);
	return dev;
}

static struct stress_thread *threads_make(struct kunit *test, struct stress *s)
{
	struct stress_thread *threads = kunit_kcalloc(test, NR_THREADS,
						      sizeof(*threads),
						      GFP_KERNEL);
	u32 i, k;

	KUNIT_ASSERT_NOT_NULL(test, threads);
	for (i = 0; i < NR_THREADS; i++) {
		threads[i].stress = s;
		threads[i].number = i;
		threads[i].random = 0x9e3779b97f4a7c15ULL * (i + 1);
		for (k = 0; k < BATCH; k++)
			threads[i].pages[k] = ramdisk_pages(test, 3);
	}
	BUILD_BUG_ON(BLOCKS_MAX != 1 << 3);
	return threads;
}

static void threads_free(struct stress_thread *threads)
{
	u32 i, k;

	for (i = 0; i < NR_THREADS; i++)
		for (k = 0; k < BATCH; k++)
			free_pages((unsigned long)threads[i].pages[k], 3);
}

static void threads_run(struct kunit *test, struct stress *s,
			struct stress_thread *threads)
{
	struct shardblk_status *status;
	u64 random = 1;
	u32 i;

	status = kunit_kzalloc(test, sizeof(*status), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, status);
	init_completion(&s->done);
	atomic_set(&s->running, NR_THREADS);
	for (i = 0; i < NR_THREADS; i++) {
		struct task_struct *task = kthread_run(stress_user, &threads[i],
						       "stress-%u", i);

		KUNIT_EXPECT_FALSE(test, IS_ERR(task));
		if (IS_ERR(task) && atomic_dec_and_test(&s->running))
			complete(&s->done);
	}
	while (!wait_for_completion_timeout(&s->done, 1))
		disturb(s, status, &random);
	KUNIT_EXPECT_EQ(test, shardblk_report(0, status), 0);
	KUNIT_EXPECT_EQ(test, status->state, (u32)SHARDBLK_STATE_READ_WRITE);
	kunit_info(test, "%d stamps on %u CPUs\n", atomic_read(&s->stamps),
		   num_online_cpus());
}

static void all_is_there(struct kunit *test, struct stress_thread *t)
{
	struct stress_batch *batch = batch_alloc();
	u32 block;

	KUNIT_ASSERT_NOT_NULL(test, batch);
	for (block = 0; block < REGION; block += BLOCKS_MAX)
		do_read(t, batch, block, BLOCKS_MAX);
	kfree(batch);
}

/* ------------------------------------------------------------------- cases */

static void many_threads_see_one_order(struct kunit *test)
{
	struct shardblk_options options = {
		.path = BACKING, .id = 0, .memtable = SHARDBLK_MEMTABLE_MIN,
	};
	struct stress *s = kunit_kzalloc(test, sizeof(*s), GFP_KERNEL);
	struct stress_thread *threads;
	struct compat_bdev handle;
	u32 i;

	KUNIT_ASSERT_NOT_NULL(test, s);
	s->acked = vmalloc(array_size(STAMPS_MAX, sizeof(*s->acked)));
	KUNIT_ASSERT_NOT_NULL(test, s->acked);
	for (i = 0; i < STAMPS_MAX; i++)
		s->acked[i] = NEVER;
	threads = threads_make(test, s);
	options.dev = format_backing(test);

	for (i = 0; i < 2; i++) {
		KUNIT_ASSERT_EQ(test, shardblk_add(&options), 0);
		KUNIT_ASSERT_EQ(test, compat_bdev_open(&handle,
						       ramdisk_find(DISK),
						       true, NULL), 0);
		s->bdev = handle.bdev;
		/* The second time: of what the first has left. */
		all_is_there(test, &threads[0]);
		if (!i)
			threads_run(test, s, threads);
		all_is_there(test, &threads[0]);
		ramdisk_close(&handle);
		KUNIT_EXPECT_EQ(test, ramdisk_remove(0), 0);
	}
	KUNIT_EXPECT_EQ(test, atomic_read(&s->wrong), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&s->errors), 0);
	threads_free(threads);
	vfree(s->acked);
}

/**
 * struct coming - several threads that add and remove the same device
 * @dev:	its backing device
 * @added:	how often it was
 * @removed:	how often it was
 * @wrong:	answers that there should not have been
 */
struct coming {
	dev_t dev;
	atomic_t running;
	struct completion done;
	atomic_t added;
	atomic_t removed;
	atomic_t wrong;
};

static void coming_count(struct coming *c, int error, atomic_t *count)
{
	if (!error)
		atomic_inc(count);
	else if (error != -EBUSY && error != -ENODEV && error != -EEXIST)
		atomic_inc(&c->wrong);
}

static int coming_thread(void *data)
{
	struct coming *c = data;
	struct shardblk_options options = {
		.path = BACKING, .dev = c->dev, .id = 0,
		.memtable = SHARDBLK_MEMTABLE_MIN,
	};
	struct shardblk_status *status = kzalloc(sizeof(*status), GFP_KERNEL);
	s32 *ids = kcalloc(SHARDBLK_DEVICES_MAX, sizeof(*ids), GFP_KERNEL);
	u64 random = (unsigned long)current | 1;
	u32 i;

	for (i = 0; status && ids && i < 60; i++) {
		switch (draw(&random, 5)) {
		case 0:
		case 1:
			coming_count(c, shardblk_add(&options), &c->added);
			break;
		case 2:
			coming_count(c, ramdisk_remove(0), &c->removed);
			break;
		case 3:
			shardblk_report(0, status);
			shardblk_ids(ids);
			break;
		case 4:
			shardblk_checkpoint(0);
			break;
		}
	}
	kfree(ids);
	kfree(status);
	if (atomic_dec_and_test(&c->running))
		complete(&c->done);
	return 0;
}

static void a_device_comes_and_goes_under_many_hands(struct kunit *test)
{
	struct coming *c = kunit_kzalloc(test, sizeof(*c), GFP_KERNEL);
	int left;
	u32 i;

	KUNIT_ASSERT_NOT_NULL(test, c);
	c->dev = format_backing(test);
	init_completion(&c->done);
	atomic_set(&c->running, NR_THREADS);
	for (i = 0; i < NR_THREADS; i++) {
		struct task_struct *task = kthread_run(coming_thread, c,
						       "coming-%u", i);

		KUNIT_EXPECT_FALSE(test, IS_ERR(task));
		if (IS_ERR(task) && atomic_dec_and_test(&c->running))
			complete(&c->done);
	}
	wait_for_completion(&c->done);
	left = atomic_read(&c->added) - atomic_read(&c->removed);
	KUNIT_EXPECT_EQ(test, atomic_read(&c->wrong), 0);
	KUNIT_EXPECT_GT(test, atomic_read(&c->added), 3);
	KUNIT_EXPECT_TRUE(test, left == 0 || left == 1);
	KUNIT_EXPECT_EQ(test, ramdisk_remove(0), left ? 0 : -ENODEV);
}

static struct kunit_case stress_cases[] = {
	KUNIT_CASE(many_threads_see_one_order),
	KUNIT_CASE(a_device_comes_and_goes_under_many_hands),
	{}
};

static struct kunit_suite stress_suite = {
	.name = "shardblk-stress",
	.test_cases = stress_cases,
};

kunit_test_suite(stress_suite);
