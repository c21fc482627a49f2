// SPDX-License-Identifier: GPL-2.0-only
/*
 * "history_run HISTORIES BACKING BLOCKS EVENTS LOG": does what the users of a modelled
 * device did to a real one, by io_uring.
 *
 * HISTORIES is what `shardsim export` printed: requests, and which of them had ended
 * when others were submitted; so as many are under way as there were, and what came
 * after an answer comes after the answer here.  In between are checkpoints and restarts
 * (one in RESTARTS of these, as they take their time).  BACKING is formatted and added
 * as device 0, of which the first BLOCKS blocks are used.
 *
 * What happened goes to two judges.  LOG, a block device, gets lines for `shardsim
 * judge` (userspace-model/check/judge.h): what was submitted, what ended, what reads
 * returned, and behind each history what all blocks hold.  EVENTS gets records for
 * tools/vm/verdict.py (records.h), for what a power cut may leave.
 */
#define _GNU_SOURCE
#include <linux/falloc.h>
#include <inttypes.h>
#include <liburing.h>
#include <stdarg.h>
#include <time.h>

#include "records.h"
#include "../../uapi/shardblk.h"

#define DEVICE		"/dev/shardblk0"
#define FLIGHT_MAX	16
#define BLOCKS_MAX	128	/* of a request */
#define REGION_MAX	1024	/* blocks */
#define RESTARTS	16
#define LOG_BYTES	(16u << 20)
#define STAMP_GARBAGE	UINT64_MAX

/* A request under way. */
struct flight {
	int busy;
	unsigned int number;	/* of the history */
	char op;
	int fua;
	struct record *rec;
	uint8_t *buf;
};

static struct io_uring ring;
static struct flight flights[FLIGHT_MAX];
static unsigned int nr_flights;
static int data_fd = -1, control_fd;
static const char *backing;
static uint32_t region;
static uint64_t requests = 1, stamps = 1;
static unsigned int nr_histories, nr_restarts;
static char *text;
static size_t text_len;

/* ------------------------------------------------------------- the judges */

static void say(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	text_len += vsnprintf(text + text_len, LOG_BYTES - text_len, fmt, args);
	va_end(args);
	if (text_len >= LOG_BYTES) {
		errno = ENOSPC;
		die("log");
	}
}

static uint32_t sector_crc(const struct sector *s)
{
	struct sector copy = *s;

	copy.crc = 0;
	return crc32(&copy, SECTOR);
}

/* As the model has it: which write it is from, and which block of that. */
static uint64_t block_stamp(const uint8_t *block, uint32_t lba)
{
	const struct sector *first = (const struct sector *)block;
	static const uint8_t zeros[4096];

	if (!memcmp(block, zeros, block_size))
		return 0;
	for (uint32_t i = 0; i < block_size / SECTOR; i++) {
		const struct sector *s = first + i;

		if (s->magic != SECTOR_MAGIC || s->run != run_id ||
		    s->request != first->request || s->sector != i ||
		    s->first + s->block != lba || s->crc != sector_crc(s))
			return STAMP_GARBAGE - 1;
	}
	return first->request << 16 | (uint64_t)first->block << 1;
}

static void say_stamps(const uint8_t *buf, uint32_t lba, uint32_t nr)
{
	for (uint32_t i = 0; i < nr; i++)
		say(" %" PRIx64, block_stamp(buf + (size_t)i * block_size, lba + i));
	say("\n");
}

static void log_write(const char *path)
{
	int fd = open(path, O_WRONLY);

	if (fd < 0 || pwrite(fd, text, text_len + 1, 0) != (ssize_t)text_len + 1 ||
	    fsync(fd))
		die(path);
	close(fd);
}

/* --------------------------------------------------------------- requests */

static void submit(struct flight *f)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&ring);
	uint64_t offset = f->rec->first * block_size;
	uint32_t len = f->rec->nr * block_size;

	if (f->op == 'w')
		io_uring_prep_write(sqe, data_fd, f->buf, len, offset);
	else if (f->op == 'r')
		io_uring_prep_read(sqe, data_fd, f->buf, len, offset);
	else if (f->op == 'd')
		io_uring_prep_fallocate(sqe, data_fd, FALLOC_FL_PUNCH_HOLE |
					FALLOC_FL_KEEP_SIZE, offset, len);
	else
		io_uring_prep_fsync(sqe, data_fd, IORING_FSYNC_DATASYNC);
	if (f->op == 'w' && f->fua)
		sqe->rw_flags = RWF_DSYNC;
	io_uring_sqe_set_data(sqe, f);
	if (io_uring_submit(&ring) != 1)
		die("io_uring_submit");
}

static enum kind kind_of(const struct flight *f)
{
	if (f->op == 'w')
		return f->fua ? KIND_WRITE_FUA : KIND_WRITE;
	return f->op == 'd' ? KIND_DISCARD : KIND_FLUSH;
}

/* One that is under way ends. */
static void reap(void)
{
	struct io_uring_cqe *cqe;
	struct flight *f;
	int res;

	if (io_uring_wait_cqe(&ring, &cqe))
		die("io_uring_wait_cqe");
	f = io_uring_cqe_get_data(cqe);
	res = cqe->res;
	io_uring_cqe_seen(&ring, cqe);
	if (res > 0 && res != (int)(f->rec->nr * block_size))
		res = -EIO;
	f->rec->ack = stamps++;
	say("e %" PRIu64 " %d", f->rec->request, res < 0 ? res : 0);
	if (f->op == 'r' && res > 0)
		say_stamps(f->buf, f->rec->first, f->rec->nr);
	else
		say("\n");
	if (f->op != 'r' && res >= 0)
		event(f->rec, kind_of(f));
	f->busy = 0;
	nr_flights--;
}

static struct flight *flight_find(int busy, unsigned int number)
{
	for (unsigned int i = 0; i < FLIGHT_MAX; i++)
		if (flights[i].busy == busy && (!busy || flights[i].number == number))
			return &flights[i];
	return NULL;
}

static void begin(unsigned int number, const char *op, unsigned int first, unsigned int nr, int fua)
{
	struct flight *f;

	while (nr_flights == FLIGHT_MAX)
		reap();
	f = flight_find(0, 0);
	memset(f->rec, 0, sizeof(*f->rec));
	f->busy = 1;
	f->number = number;
	f->op = *op;
	f->fua = fua;
	f->rec->request = requests++;
	f->rec->first = first;
	f->rec->nr = nr;
	nr_flights++;
	if (f->op == 'w' || f->op == 'd')
		f->rec->submit = stamps++;
	if (f->op == 'w')
		fill(f->buf, f->rec->request, f->rec->submit, first, nr);
	if (f->op == 'd')
		event(f->rec, KIND_DISCARD_SUBMIT);
	/* Not before: what was recorded then had been acknowledged. */
	if (f->op == 'f')
		f->rec->submit = stamps++;
	say("s %" PRIu64 " %s %u %u %d\n", f->rec->request, op, first, nr, fua);
	submit(f);
}

static void end_all(void)
{
	while (nr_flights)
		reap();
}

/* -------------------------------------------------------------- the device */

static void device_open(void)
{
	/* Its node may come a moment later. */
	for (int i = 0; data_fd < 0 && i < 600; i++) {
		data_fd = open(DEVICE, O_RDWR | O_DIRECT);
		if (data_fd < 0)
			usleep(50000);
	}
	if (data_fd < 0)
		die(DEVICE);
}

static void device_add(void)
{
	struct shardblk_add add = {
		.h = { sizeof(add), SHARDBLK_IOCTL_VERSION },
		.path = (uintptr_t)backing,
		.memtable = SHARDBLK_MEMTABLE_MIN,
	};

	if (ioctl(control_fd, SHARDBLK_IOC_ADD, &add))
		die("add");
	device_open();
}

static void device_call(unsigned long request, const char *what)
{
	struct shardblk_id id = {
		.h = { sizeof(id), SHARDBLK_IOCTL_VERSION },
	};

	if (ioctl(control_fd, request, &id))
		die(what);
}

static void restart(void)
{
	if (nr_restarts++ % RESTARTS)
		return;
	end_all();
	close(data_fd);
	data_fd = -1;
	device_call(SHARDBLK_IOC_REMOVE, "remove");
	device_add();
}

/* Nothing is under way: what do all blocks hold? */
static void settle(void)
{
	static uint8_t *all;
	uint32_t len = region * block_size;

	end_all();
	if (!all)
		all = buffer((size_t)REGION_MAX * block_size);
	if (pread(data_fd, all, len, 0) != (ssize_t)len)
		die("read of all");
	say("a");
	say_stamps(all, 0, region);
}

/* --------------------------------------------------------------- histories */

static void line_do(const char *line)
{
	unsigned int number, first, nr;
	struct flight *f;
	char op[16];
	int fua;

	if (!strncmp(line, "history", 7)) {
		settle();
		nr_histories++;
	} else if (sscanf(line, "s %u %15s %u %u %d", &number, op, &first, &nr, &fua) == 5) {
		if (nr > BLOCKS_MAX || first + nr > region) {
			errno = ERANGE;
			die(line);
		}
		begin(number, op, first, nr, fua);
	} else if (sscanf(line, "e %u", &number) == 1) {
		while ((f = flight_find(1, number)))
			reap();
	} else if (!strcmp(line, "checkpoint\n")) {
		device_call(SHARDBLK_IOC_CHECKPOINT, "checkpoint");
	} else if (!strcmp(line, "restart\n")) {
		restart();
	} else {
		errno = EINVAL;
		die(line);
	}
}

static void histories_do(const char *path)
{
	FILE *file = fopen(path, "r");
	char line[128];

	if (!file)
		die(path);
	while (fgets(line, sizeof(line), file))
		line_do(line);
	fclose(file);
	settle();
}

/* The blocks that are used, and no changing buffers behind. */
static void mark(enum kind kind)
{
	struct record *rec = buffer(SECTOR);

	memset(rec, 0, SECTOR);
	rec->first = region;
	event(rec, kind);
	free(rec);
}

int main(int argc, char **argv)
{
	if (argc != 6)
		return 2;
	backing = argv[2];
	region = atoi(argv[3]);
	if (!region || region > REGION_MAX)
		return 2;
	run_id = (uint64_t)time(NULL) * 0x9e3779b97f4a7c15ULL + getpid();
	records_open(argv[4]);
	control_fd = open(SHARDBLK_CONTROL_PATH, O_RDWR);
	if (control_fd < 0 || io_uring_queue_init(FLIGHT_MAX, &ring, 0))
		die("set-up");
	text = malloc(LOG_BYTES);
	for (unsigned int i = 0; i < FLIGHT_MAX; i++) {
		flights[i].rec = buffer(SECTOR);
		flights[i].buf = buffer((size_t)BLOCKS_MAX * block_size);
	}
	device_add();
	mark(KIND_BEGIN);
	printf("history_run: begins\n");
	histories_do(argv[1]);
	mark(KIND_END);
	close(data_fd);
	device_call(SHARDBLK_IOC_REMOVE, "remove");
	log_write(argv[5]);
	printf("history_run: %u histories, %" PRIu64 " requests, %u restarts\n",
	       nr_histories, requests - 1, (nr_restarts + RESTARTS - 1) / RESTARTS);
	return 0;
}
