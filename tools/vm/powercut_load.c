// SPDX-License-Identifier: GPL-2.0-only
/*
 * DOC: the workload of the power-cut tests
 *
 * Runs in the VM.  Several threads write, discard and flush a block device;
 * whatever was acknowledged is told to the host by a record on an event device.
 * Both devices are partitions of one disk, whose writes QEMU logs.  A record is
 * written after the acknowledgment that it tells of, so its place in that log
 * is a moment by which the request was certainly acknowledged: a power cut
 * later in the log is a cut after the acknowledgment.  No clocks are compared.
 *
 * Order between requests is by stamps from one counter, taken before a request
 * is handed to the kernel and after it came back: one whose second stamp is
 * smaller than another's first was acknowledged before the other was submitted.
 *
 * Every sector written says which request wrote it, where, and when it was
 * submitted, so a block can be judged even when its request was never recorded.
 *
 * With -c, records of how many extents the device has reclaimed and how many merges
 * of runs it has made tell what had gone on before a cut.
 *
 * Behind the judged region, another process writes buffers that it changes
 * while they are in flight.  tools/vm/verdict.py knows that layout, too.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <linux/fs.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "records.h"

#define BLOCKS_MAX	64	/* of one request */
#define BATCH_MAX	8	/* requests of one thread in flight */
#define THREADS_MAX	16
#define PHASE_REQUESTS	40	/* between changes of what is done how often */
#define SCRIBBLE_BLOCKS	64	/* behind the judged region */
#define SCRIBBLE_WRITE	8	/* blocks written there at once */

static int data_fd;
static uint64_t region_blocks = 8192;
static uint64_t budget_blocks = 12000;
static uint32_t write_blocks_max = BLOCKS_MAX;	/* what the disk takes whole */
static long requests_max = 1500;
static unsigned int nr_threads = 6;
static unsigned int discard_share = 20;
static const char *counters;	/* directory that has them */

static atomic_ullong stamps = 1;
static atomic_ullong requests = 1;
static atomic_ullong blocks_written;

static uint64_t stamp(void)
{
	return atomic_fetch_add(&stamps, 1);
}

static uint32_t random_len(uint64_t *state)
{
	uint32_t nr = 1U << (rnd(state) % 7 * (rnd(state) % 4 + 1) / 4);

	/* Powers of two are as likely as everything between. */
	if (rnd(state) & 1)
		nr = nr / 2 + 1 + rnd(state) % (nr - nr / 2);
	return nr > BLOCKS_MAX ? BLOCKS_MAX : nr;
}

struct thread {
	uint64_t random;
	aio_context_t aio;
	uint8_t *buf[BATCH_MAX];
	struct record *rec[BATCH_MAX];
};

/* Up to BATCH_MAX writes handed over at once; each recorded as it comes back. */
static void do_writes(struct thread *t, unsigned int nr, int fua)
{
	struct iocb iocbs[BATCH_MAX], *ptrs[BATCH_MAX];
	struct io_event done[BATCH_MAX];
	unsigned int left = nr;

	for (unsigned int i = 0; i < nr; i++) {
		struct record *rec = t->rec[i];
		struct iocb *cb = &iocbs[i];

		memset(rec, 0, sizeof(*rec));
		rec->nr = random_len(&t->random);
		if (rec->nr > write_blocks_max)
			rec->nr = write_blocks_max;
		rec->first = rnd(&t->random) % (region_blocks - rec->nr);
		rec->request = atomic_fetch_add(&requests, 1);
		rec->submit = stamp();
		fill(t->buf[i], rec->request, rec->submit, rec->first, rec->nr);
		atomic_fetch_add(&blocks_written, rec->nr);

		memset(cb, 0, sizeof(*cb));
		cb->aio_fildes = data_fd;
		cb->aio_lio_opcode = IOCB_CMD_PWRITE;
		cb->aio_buf = (uintptr_t)t->buf[i];
		cb->aio_nbytes = (uint64_t)rec->nr * block_size;
		cb->aio_offset = rec->first * block_size;
		cb->aio_data = i;
		cb->aio_rw_flags = fua ? RWF_DSYNC : 0;
		ptrs[i] = cb;
	}
	if (syscall(SYS_io_submit, t->aio, (long)nr, ptrs) != (long)nr)
		die("io_submit");
	while (left) {
		long got = syscall(SYS_io_getevents, t->aio, 1L, (long)left, done, NULL);

		if (got < 0)
			die("io_getevents");
		for (long k = 0; k < got; k++) {
			struct record *rec = t->rec[done[k].data];

			if (done[k].res != (int64_t)rec->nr * block_size) {
				errno = done[k].res < 0 ? -done[k].res : EIO;
				die("write");
			}
			rec->ack = stamp();
		}
		for (long k = 0; k < got; k++)
			event(t->rec[done[k].data], fua ? KIND_WRITE_FUA : KIND_WRITE);
		left -= got;
	}
}

/*
 * A discard leaves nothing that says who did it, so it is recorded before it is
 * submitted too.
 */
static void do_discard(struct thread *t)
{
	struct record *rec = t->rec[0];
	uint64_t range[2];

	memset(rec, 0, sizeof(*rec));
	rec->nr = random_len(&t->random);
	rec->first = rnd(&t->random) % (region_blocks - rec->nr);
	rec->request = atomic_fetch_add(&requests, 1);
	rec->submit = stamp();
	event(rec, KIND_DISCARD_SUBMIT);
	range[0] = rec->first * block_size;
	range[1] = (uint64_t)rec->nr * block_size;
	if (ioctl(data_fd, BLKDISCARD, range))
		die("BLKDISCARD");
	rec->ack = stamp();
	event(rec, KIND_DISCARD);
}

static void do_flush(struct thread *t)
{
	struct record *rec = t->rec[0];

	memset(rec, 0, sizeof(*rec));
	rec->request = atomic_fetch_add(&requests, 1);
	rec->submit = stamp();
	if (fdatasync(data_fd))
		die("fdatasync");
	rec->ack = stamp();
	event(rec, KIND_FLUSH);
}

static int more(void)
{
	return (long)atomic_load(&requests) < requests_max &&
	       atomic_load(&blocks_written) < budget_blocks;
}

/*
 * How often to flush and to use FUA changes every now and then, for all threads
 * at once: with few of both much lies in the disk's cache at a cut, with many a
 * cut comes close to one.
 */
static void shares(unsigned int *flush, unsigned int *fua)
{
	static const unsigned char phases[][2] = {
		{ 0, 0 }, { 2, 2 }, { 5, 0 }, { 10, 5 }, { 0, 20 }, { 30, 20 },
	};
	uint64_t state = (run_id ^ atomic_load(&requests) / PHASE_REQUESTS) | 1;
	unsigned int phase;

	rnd(&state);
	phase = rnd(&state) % (sizeof(phases) / sizeof(phases[0]));
	*flush = phases[phase][0];
	*fua = phases[phase][1];
}

static void *thread_main(void *arg)
{
	struct thread *t = arg;
	unsigned int flush, fua;

	for (unsigned int i = 0; i < BATCH_MAX; i++) {
		t->buf[i] = buffer((size_t)BLOCKS_MAX * block_size);
		t->rec[i] = buffer(SECTOR);
	}
	if (syscall(SYS_io_setup, BATCH_MAX, &t->aio))
		die("io_setup");
	while (more()) {
		unsigned int r = rnd(&t->random) % 100;

		shares(&flush, &fua);
		if (r < flush)
			do_flush(t);
		else if (r < flush + discard_share)
			do_discard(t);
		else if (r < flush + fua + discard_share)
			do_writes(t, 1, 1);
		else
			do_writes(t, 1 + rnd(&t->random) % BATCH_MAX, 0);
	}
	return NULL;
}

static uint64_t counter(const char *name)
{
	unsigned long long value;
	char path[256];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", counters, name);
	file = fopen(path, "r");
	if (!file || fscanf(file, "%llu", &value) != 1)
		die(path);
	fclose(file);
	return value;
}

/* What is recorded had been counted before. */
static void *counters_main(void *arg)
{
	struct record *rec = buffer(SECTOR);

	(void)arg;
	while (more()) {
		memset(rec, 0, sizeof(*rec));
		rec->submit = counter("reclaimed_extents");
		rec->ack = counter("compactions");
		event(rec, KIND_COUNTERS);
		usleep(10000);
	}
	return NULL;
}

/*
 * The lower half of each byte says where it lies, the upper half is random.  So
 * any mixture of old and new bytes, down to torn words, is known to have been
 * written there: whoever copies a buffer that changes owes no more.
 */
static uint64_t scribble_word(size_t word, uint64_t random)
{
	uint64_t value = random & 0xf0f0f0f0f0f0f0f0ULL;

	for (unsigned int i = 0; i < 8; i++) {
		uint64_t low = (uint32_t)((word * 8 + i) * 2654435761U) >> 28;

		value |= low << (8 * i);
	}
	return value;
}

/* Writes a buffer and changes it while it is being written, in its own region. */
static void scribble(uint64_t seed)
{
	size_t len = SCRIBBLE_WRITE * (size_t)block_size;
	uint64_t *buf = buffer(len);
	uint64_t state = seed;
	aio_context_t aio = 0;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (syscall(SYS_io_setup, 1, &aio))
		die("io_setup");
	for (size_t word = 0; word < len / 8; word++)
		buf[word] = scribble_word(word, 0);
	for (unsigned int n = 0; n < 200; n++) {
		struct iocb cb = {
			.aio_fildes = data_fd,
			.aio_lio_opcode = IOCB_CMD_PWRITE,
			.aio_buf = (uintptr_t)buf,
			.aio_nbytes = len,
			.aio_offset = region_blocks * block_size +
				      rnd(&state) % (SCRIBBLE_BLOCKS / SCRIBBLE_WRITE) * len,
		}, *ptr = &cb;
		struct io_event done;
		struct timespec now = { 0 };

		if (syscall(SYS_io_submit, aio, 1L, &ptr) != 1)
			die("io_submit");
		do {
			for (unsigned int i = 0; i < 64; i++) {
				size_t word = rnd(&state) % (len / 8);

				/* rnd() gives 48 bits. */
				buf[word] = scribble_word(word, rnd(&state) << 16 ^ rnd(&state));
			}
		} while (!syscall(SYS_io_getevents, aio, 0L, 1L, &done, &now));
		if (done.res != (int64_t)len) {
			errno = done.res < 0 ? -done.res : EIO;
			die("write of a changing buffer");
		}
		usleep(2000);
	}
	_exit(0);
}

static void usage(void)
{
	fprintf(stderr, "usage: powercut_load [-b block size] [-r region blocks] "
		"[-w blocks to write] [-n requests] [-t threads] [-d discard share] "
		"[-s seed] [-c counters] DATA-DEVICE EVENT-DEVICE\n");
	exit(2);
}

/* Returns the seed. */
static uint64_t options(int argc, char **argv)
{
	uint64_t seed = time(NULL);
	int opt;

	while ((opt = getopt(argc, argv, "b:r:w:n:t:d:s:c:")) != -1) {
		unsigned long long v = optarg ? strtoull(optarg, NULL, 0) : 0;

		if (opt == 'b')
			block_size = v;
		else if (opt == 'r')
			region_blocks = v;
		else if (opt == 'w')
			budget_blocks = v;
		else if (opt == 'n')
			requests_max = v;
		else if (opt == 't')
			nr_threads = v;
		else if (opt == 'd')
			discard_share = v;
		else if (opt == 's')
			seed = v;
		else if (opt == 'c')
			counters = optarg;
		else
			usage();
	}
	if (argc - optind != 2 || nr_threads < 1 || nr_threads > THREADS_MAX ||
	    block_size % SECTOR || region_blocks <= BLOCKS_MAX)
		usage();
	return seed;
}

static void open_devices(const char *data, const char *events)
{
	unsigned short sectors;
	uint64_t bytes;

	data_fd = open(data, O_RDWR | O_DIRECT);
	if (data_fd < 0)
		die(data);
	/* What is larger is cut, and only the pieces are applied whole. */
	if (ioctl(data_fd, BLKSECTGET, &sectors))
		die("BLKSECTGET");
	if (sectors * SECTOR / block_size < write_blocks_max)
		write_blocks_max = sectors * SECTOR / block_size;
	records_open(events);
	if (ioctl(data_fd, BLKGETSIZE64, &bytes))
		die("BLKGETSIZE64");
	if (bytes < (region_blocks + SCRIBBLE_BLOCKS) * block_size) {
		errno = ENOSPC;
		die("region larger than the device");
	}
}

/* Returns what the scribbling process said. */
static int run(uint64_t seed)
{
	static struct thread threads[THREADS_MAX];
	pthread_t ids[THREADS_MAX], counts;
	int status;
	pid_t child = fork();

	if (!child)
		scribble(seed | 1);
	for (unsigned int i = 0; i < nr_threads; i++) {
		threads[i].random = (seed + i + 1) * 0x9e3779b97f4a7c15ULL | 1;
		if (pthread_create(&ids[i], NULL, thread_main, &threads[i]))
			die("thread");
	}
	if (counters && pthread_create(&counts, NULL, counters_main, NULL))
		die("thread");
	for (unsigned int i = 0; i < nr_threads; i++)
		pthread_join(ids[i], NULL);
	if (counters)
		pthread_join(counts, NULL);
	kill(child, SIGKILL);
	waitpid(child, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 0;
}

int main(int argc, char **argv)
{
	struct timespec begin, end;
	uint64_t seed = options(argc, argv);
	struct record *rec = buffer(SECTOR);

	run_id = seed * 0x9e3779b97f4a7c15ULL + 0x7f4a7c15;
	open_devices(argv[optind], argv[optind + 1]);

	memset(rec, 0, SECTOR);
	rec->first = region_blocks;
	rec->nr = SCRIBBLE_BLOCKS;
	event(rec, KIND_BEGIN);
	printf("powercut_load: begins\n");
	fflush(stdout);
	clock_gettime(CLOCK_MONOTONIC, &begin);
	if (run(seed))
		return 1;
	clock_gettime(CLOCK_MONOTONIC, &end);
	memset(rec, 0, SECTOR);
	rec->request = atomic_load(&requests);
	event(rec, KIND_END);
	printf("powercut_load: %.2f seconds, %llu requests, %llu blocks written, %llu events\n",
	       end.tv_sec - begin.tv_sec + (end.tv_nsec - begin.tv_nsec) / 1e9,
	       (unsigned long long)atomic_load(&requests) - 1,
	       (unsigned long long)atomic_load(&blocks_written),
	       (unsigned long long)atomic_load(&record_slots));
	return 0;
}
