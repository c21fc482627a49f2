/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A whole device on a fake one, and requests to it in one line each.
 *
 * Small unless told otherwise: 64 extents of 16 blocks of 512 bytes, of which
 * 128 are promised.  Nothing is done in idle time.
 */
#ifndef KUNIT_TESTDEV_H
#define KUNIT_TESTDEV_H

#include "fake_backend.h"
#include "../kmod/core/shard.h"

#define TESTDEV_BLOCK		512u
#define TESTDEV_EXTENTS		64u
#define TESTDEV_EXTENT_BLOCKS	16u
#define TESTDEV_BLOCKS		128u

/**
 * struct testdev - see above
 * @test:	the test
 * @fake:	what it lies on
 * @format:	how it is formatted
 * @options:	with which it is opened; may be changed between two starts
 * @device:	NULL while it is closed
 * @nr_done:	requests that have ended
 * @nr_states:	changes of state that were announced
 * @low_then:	was little space left when the last one was
 * @nr_lows:	times that little space was announced
 * @nr_enoughs:	times that there was enough again
 */
struct testdev {
	struct kunit *test;
	struct fake_backend *fake;
	struct shard_format_options format;
	struct shard_options options;
	struct shard_device *device;
	atomic_t nr_done;
	u32 nr_states;
	bool low_then;
	u32 nr_lows;
	u32 nr_enoughs;
};

/**
 * struct testreq - a request, its memory, and how it ended
 * @order:	number of requests that had ended when it did, itself included
 */
struct testreq {
	struct shard_request request;
	struct shard_seg seg;
	struct testdev *dev;
	struct completion completed;
	bool done;
	int error;
	u32 order;
};

/** testdev_create() - formatted and open; ends the test on failure */
struct testdev *testdev_create(struct kunit *test, bool volatile_cache,
			       bool fua);
/** testdev_create_large() - the same with other sizes; a cache, no FUA */
struct testdev *testdev_create_large(struct kunit *test, u32 block_size,
				     u32 extent_blocks);
/** testdev_destroy() - closes it if it is open */
void testdev_destroy(struct testdev *dev);

/** testdev_format() - anew.  Return: as shard_format() */
int testdev_format(struct testdev *dev);
/** testdev_open() - return: as shard_device_open() */
int testdev_open(struct testdev *dev);
/** testdev_close() - return: as shard_device_close() */
int testdev_close(struct testdev *dev);
/** testdev_restart() - closes and opens it; both must succeed */
void testdev_restart(struct testdev *dev);
/**
 * testdev_crash() - the machine is dead, its power cut; not yet started again
 *
 * No request may be under way.
 */
void testdev_crash(struct testdev *dev);

/**
 * testdev_start() - submit a request, do not commit
 * @fill:	write: bytes of the first block; each further block has one more
 */
struct testreq *testdev_start(struct testdev *dev, enum shard_op op, u64 lba,
			      u32 nr_blocks, u8 fill, bool fua);
/** testreq_wait() - sleep until it has ended.  Return: how. */
int testreq_wait(struct testreq *req);

/* Submit, commit, and wait.  Return: how it ended. */
int testdev_write(struct testdev *dev, u64 lba, u32 nr_blocks, u8 fill);
int testdev_write_fua(struct testdev *dev, u64 lba, u32 nr_blocks, u8 fill);
int testdev_discard(struct testdev *dev, u64 lba, u32 nr_blocks);
int testdev_flush(struct testdev *dev);

/** testdev_read() - read one block.  Return: the byte it is full of, or -errno */
int testdev_read(struct testdev *dev, u64 lba);
/** testdev_expect() - are these blocks as a write with @fill left them */
void testdev_expect(struct testdev *dev, u64 lba, u32 nr_blocks, u8 fill);
/** testdev_expect_holes() - and are these holes */
void testdev_expect_holes(struct testdev *dev, u64 lba, u32 nr_blocks);

/** testdev_find() - a block on the medium that is full of @fill, or U64_MAX */
u64 testdev_find(struct testdev *dev, u8 fill);

/** testdev_sleep() - for as long as a work item takes, so that others run */
void testdev_sleep(struct testdev *dev);

/** testdev_stat() - a counter of the device */
#define testdev_stat(dev, name)	(testdev_stats(dev).name)
struct shard_stats_view testdev_stats(struct testdev *dev);

#endif /* KUNIT_TESTDEV_H */
