// SPDX-License-Identifier: GPL-2.0-only
/*
 * What tools/bench/cost counts: a fixed number of requests, and as little as
 * possible beside them.
 *
 *   cost_load NAME DEVICE JOB REGION-BLOCKS REQUESTS
 *
 * The virtual machine counts its instructions as nanoseconds, and its time stamp
 * counter counts these.  A processor that idles lets that time pass as well, so what
 * the kernel says it has idled is taken off.  Prints
 *
 *   cost: NAME JOB REQUESTS instructions=N idle=N
 *
 * Jobs, all with O_DIRECT: "fill" writes each block once, in no order, 32 at once;
 * "write-1", "write-32", "read-1", "read-32" are of 4 KiB in no order, so many under
 * way; "seqfill" and "seqread" are of 128 KiB, one behind the other; "durable" is a
 * write of 4 KiB and fdatasync(), again and again; "checkpoint" has a shardblk device
 * write one, and gives it the time to merge runs after that.
 */
#define _GNU_SOURCE
#include <err.h>
#include <fcntl.h>
#include <inttypes.h>
#include <liburing.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>
#include <x86intrin.h>

#include "../../uapi/shardblk.h"

#define BLOCK		4096u
#define DEPTH_MAX	32u
#define SEQUENTIAL	(128u << 10)
#define HUGE_PAGE	(2u << 20)
/* Requests before those that are counted. */
#define WARM_UP		256u
/* Of idling, which is not counted: what is to be done in the background ends. */
#define SETTLE_US	500000u
/* Odd, so that numbers below a power of two come in another order. */
#define STRIDE		0x9e3779b1u

struct job {
	const char *name;
	int write;
	unsigned int depth;	/* 0: not by io_uring */
	unsigned int size;
};

static const struct job jobs[] = {
	{ "fill", 1, 32, BLOCK },
	{ "write-1", 1, 1, BLOCK },
	{ "write-32", 1, 32, BLOCK },
	{ "read-1", 0, 1, BLOCK },
	{ "read-32", 0, 32, BLOCK },
	{ "seqfill", 1, 1, SEQUENTIAL },
	{ "seqread", 0, 1, SEQUENTIAL },
	{ "durable", 1, 0, BLOCK },
	{ "checkpoint", 0, 0, 0 },
};

static struct io_uring ring;
static uint8_t *buffers;
static int fd;
static uint64_t region;

/* Nanoseconds, by the only counter that is not rounded to a tick. */
static uint64_t idle_ns(void)
{
	FILE *file = fopen("/proc/timer_list", "r");
	unsigned long long ns = 0;
	char line[256];
	int found = 0;

	if (!file)
		err(1, "/proc/timer_list");
	while (!found && fgets(line, sizeof(line), file))
		found = sscanf(line, " .idle_sleeptime : %llu", &ns) == 1;
	fclose(file);
	if (!found)
		errx(1, "/proc/timer_list says nothing of idling");
	return ns;
}

static uint64_t place(const struct job *job, uint64_t i)
{
	uint64_t blocks = job->size / BLOCK;

	if (job->size == SEQUENTIAL)
		return i % (region / blocks) * job->size;
	return i * STRIDE % region * job->size;
}

/* Keeps @job->depth under way. */
static void run_ring(const struct job *job, uint64_t first, uint64_t nr)
{
	uint64_t submitted = 0, ended = 0;
	unsigned int slots[DEPTH_MAX];
	unsigned int nr_free = job->depth, i;

	for (i = 0; i < job->depth; i++)
		slots[i] = i;
	while (ended < nr) {
		struct io_uring_cqe *cqe;
		unsigned int head, seen = 0;

		for (; nr_free && submitted < nr; submitted++) {
			struct io_uring_sqe *sqe = io_uring_get_sqe(&ring);
			unsigned int slot = slots[--nr_free];
			uint8_t *buffer = buffers + (size_t)slot * SEQUENTIAL;
			uint64_t at = place(job, first + submitted);

			if (job->write)
				io_uring_prep_write(sqe, fd, buffer, job->size, at);
			else
				io_uring_prep_read(sqe, fd, buffer, job->size, at);
			io_uring_sqe_set_data64(sqe, slot);
		}
		if (io_uring_submit_and_wait(&ring, 1) < 0)
			errx(1, "io_uring_submit_and_wait");
		io_uring_for_each_cqe(&ring, head, cqe) {
			if (cqe->res != (int)job->size)
				errx(1, "%s: %d", job->name, cqe->res);
			slots[nr_free++] = cqe->user_data;
			seen++;
		}
		io_uring_cq_advance(&ring, seen);
		ended += seen;
	}
}

static void run_durable(const struct job *job, uint64_t first, uint64_t nr)
{
	uint64_t i;

	for (i = first; i < first + nr; i++)
		if (pwrite(fd, buffers, job->size, place(job, i)) != job->size || fdatasync(fd))
			err(1, "%s", job->name);
}

static void run_checkpoint(uint64_t nr)
{
	struct shardblk_id id = {
		.h = { .size = sizeof(id), .version = SHARDBLK_IOCTL_VERSION },
	};
	int control = open("/dev/shardblk-control", O_RDWR);

	if (control < 0)
		err(1, "/dev/shardblk-control");
	for (; nr; nr--)
		if (ioctl(control, SHARDBLK_IOC_CHECKPOINT, &id))
			err(1, "checkpoint");
	close(control);
	usleep(SETTLE_US);
}

static void run(const struct job *job, uint64_t first, uint64_t nr)
{
	if (!job->size)
		run_checkpoint(nr);
	else if (job->depth)
		run_ring(job, first, nr);
	else
		run_durable(job, first, nr);
}

/* Functions of their own, as tools/bench/cost_plugin.c looks for these. */
static uint64_t __attribute__((noinline, used)) window_begin(void)
{
	return __rdtsc();
}

static uint64_t __attribute__((noinline, used)) window_end(void)
{
	return __rdtsc();
}

int main(int argc, char **argv)
{
	uint64_t begin, end, idle, nr, i;
	const struct job *job = NULL;
	uint32_t word = 1;

	if (argc != 6)
		errx(1, "usage: cost_load NAME DEVICE JOB REGION-BLOCKS REQUESTS");
	for (i = 0; i < sizeof(jobs) / sizeof(jobs[0]); i++)
		if (!strcmp(argv[3], jobs[i].name))
			job = &jobs[i];
	region = strtoull(argv[4], NULL, 0);
	nr = strtoull(argv[5], NULL, 0);
	if (!job || !region || !nr)
		errx(1, "no such job");
	fd = open(argv[2], O_RDWR | O_DIRECT);
	if (fd < 0)
		err(1, "%s", argv[2]);
	/* In one piece, or the number of segments would differ from run to run. */
	buffers = aligned_alloc(HUGE_PAGE, DEPTH_MAX * SEQUENTIAL);
	if (!buffers || madvise(buffers, DEPTH_MAX * SEQUENTIAL, MADV_HUGEPAGE) ||
	    io_uring_queue_init(DEPTH_MAX, &ring, 0))
		errx(1, "no memory");
	/* No two blocks alike, and no zeros. */
	for (i = 0; i < DEPTH_MAX * SEQUENTIAL / sizeof(word); i++) {
		word = word * 1664525u + 1013904223u;
		memcpy(buffers + i * sizeof(word), &word, sizeof(word));
	}
	if (job->size && strcmp(job->name, "fill"))
		run(job, 1, WARM_UP);
	if (fdatasync(fd))
		err(1, "%s", argv[2]);
	idle = idle_ns();
	begin = window_begin();
	run(job, WARM_UP + 1, nr);
	end = window_end();
	idle = idle_ns() - idle;
	printf("cost: %s %s %" PRIu64 " instructions=%" PRIu64 " idle=%" PRIu64 "\n", argv[1],
	       job->name, nr, end - begin, idle);
	return 0;
}
