// SPDX-License-Identifier: GPL-2.0-only
/*
 * "fail_nth BACKING": each call that the device is asked for, with its first allocation
 * failing, then its second, and so on until none is left to fail; behind the first
 * DENSE of them, one in STRIDE.
 *
 * Wants a kernel with failslab and fail_page_alloc.  BACKING is formatted.  A call may
 * fail, and must leave things as they were or as they should be: a write is there whole
 * or not at all, and whole if it succeeded; a device is added or is not; the device
 * stays writable; and the same call without a fault succeeds.  Prints for each call
 * which allocation there was not, and how often it failed with one that there was.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "../../uapi/shardblk.h"

#define LEN		(64u << 10)	/* bytes of a request */
#define OFFSET		(1024u << 10)	/* where */
#define DEVICE		"/dev/shardblk0"
#define GRAPH		"/sys/kernel/debug/shardblk/0/graph"
#define SCRUB		"/sys/block/shardblk0/shardblk/scrub"
#define DENSE		16u
#define STRIDE		37u
#define FAULTS_MAX	4000u		/* of one call */
#define SECONDS_MAX	60		/* of one call, times SLOW */

static int control, device = -1, fail_nth;
static const char *backing;
static uint64_t *buffer;
/* What numbers were given, what is there, and what a call is to leave there. */
static uint64_t stamps, before, wanted;
static unsigned int limit = SECONDS_MAX;

static void die(const char *what, unsigned int nth, int error)
{
	printf("%s, allocation %u: %s (error %d)\n", what, nth, strerror(-error), -error);
	exit(1);
}

static int result(long ret)
{
	return ret < 0 ? -errno : 0;
}

static void fill(uint64_t with)
{
	for (size_t i = 0; i < LEN / sizeof(*buffer); i++)
		buffer[i] = with;
}

static int add(void)
{
	struct shardblk_add arg = {
		.h = { sizeof(arg), SHARDBLK_IOCTL_VERSION },
		.path = (uintptr_t)backing,
	};

	return result(ioctl(control, SHARDBLK_IOC_ADD, &arg));
}

static int id_ioctl(unsigned long request)
{
	struct shardblk_id arg = {
		.h = { sizeof(arg), SHARDBLK_IOCTL_VERSION },
	};

	return result(ioctl(control, request, &arg));
}

static int remove_device(void)
{
	return id_ioctl(SHARDBLK_IOC_REMOVE);
}

static int checkpoint(void)
{
	return id_ioctl(SHARDBLK_IOC_CHECKPOINT);
}

static int status(void)
{
	struct shardblk_status arg = {
		.h = { sizeof(arg), SHARDBLK_IOCTL_VERSION },
	};
	int error = result(ioctl(control, SHARDBLK_IOC_STATUS, &arg));

	if (!error && arg.state != SHARDBLK_STATE_READ_WRITE)
		error = -EROFS;
	return error;
}

static int list(void)
{
	int32_t ids[4];
	struct shardblk_list arg = {
		.h = { sizeof(arg), SHARDBLK_IOCTL_VERSION },
		.nr_ids = 4,
		.ids = (uintptr_t)ids,
	};

	return result(ioctl(control, SHARDBLK_IOC_LIST, &arg));
}

static int file_text(const char *path, const char *text)
{
	char got[4096];
	int fd = open(path, text ? O_WRONLY : O_RDONLY);
	int error;

	if (fd < 0)
		return -errno;
	if (text)
		error = result(write(fd, text, strlen(text)));
	else
		error = result(read(fd, got, sizeof(got)));
	close(fd);
	return error;
}

static int control_text(void)
{
	return file_text(SHARDBLK_CONTROL_PATH, NULL);
}

static int graph_begin(void)
{
	return file_text(GRAPH, "1");
}

static int graph_read(void)
{
	return file_text(GRAPH, NULL);
}

static int scrub(void)
{
	int error = file_text(SCRUB, "start");

	/* The one before may still be under way. */
	return error == -EBUSY ? 0 : error;
}

static int write_blocks(void)
{
	long ret = pwrite(device, buffer, LEN, OFFSET);

	return ret >= 0 && ret != LEN ? -EIO : result(ret);
}

static int read_blocks(void)
{
	long ret = pread(device, buffer, LEN, OFFSET);

	return ret >= 0 && ret != LEN ? -EIO : result(ret);
}

static int discard(void)
{
	uint64_t range[2] = { OFFSET, LEN };

	return result(ioctl(device, BLKDISCARD, range));
}

static int flush(void)
{
	return result(fdatasync(device));
}

/* Runs a call with its nth allocation failing; false when it has not that many. */
static int faulted(int (*call)(void), unsigned int nth, int *error)
{
	char text[16] = "";

	snprintf(text, sizeof(text), "%u", nth);
	alarm(limit);
	if (pwrite(fail_nth, text, strlen(text), 0) < 0)
		die("fail-nth", nth, -errno);
	*error = call();
	memset(text, 0, sizeof(text));
	if (pread(fail_nth, text, sizeof(text) - 1, 0) < 0 || pwrite(fail_nth, "0", 1, 0) < 0)
		die("fail-nth", nth, -errno);
	alarm(0);
	return !atoi(text);
}

/* What a write, or a discard, left: all of it or nothing, and all if it succeeded. */
static void check_blocks(const char *name, unsigned int nth, int error)
{
	int failed = read_blocks();

	if (failed)
		die("read behind it", nth, failed);
	for (size_t i = 0; i < LEN / sizeof(*buffer); i++)
		if (buffer[i] != buffer[0])
			die(name, nth, -EILSEQ);
	if (buffer[0] != wanted && (!error || buffer[0] != before))
		die(name, nth, -EUCLEAN);
	before = buffer[0];
}

static unsigned int next(unsigned int nth)
{
	return nth + (nth < DENSE ? 1 : STRIDE);
}

static void count(const char *name, unsigned int nth, unsigned int errors)
{
	printf("%s: less than %u allocations, %u errors\n", name, nth, errors);
	fflush(stdout);
}

static void settle(const char *name, unsigned int nth, int (*call)(void))
{
	int error = call();

	if (error)
		die(name, nth, error);
}

static void write_new(unsigned int nth)
{
	before = ++stamps;
	fill(before);
	settle("write", nth, write_blocks);
}

/* A call on a device that is there and stays. */
static void each(const char *name, int (*call)(void))
{
	int writes = call == write_blocks || call == discard;
	unsigned int nth, errors = 0;
	int error, fired;

	write_new(0);
	for (nth = 1; nth < FAULTS_MAX; nth = next(nth)) {
		if (call == discard)
			write_new(nth);
		wanted = call == discard ? 0 : ++stamps;
		fill(wanted);
		fired = faulted(call, nth, &error);
		errors += !!error;
		if (writes)
			check_blocks(name, nth, error);
		settle("status behind it", nth, status);
		if (!fired)
			break;
	}
	if (error)
		die(name, nth, error);
	count(name, nth, errors);
}

/* The node of a device may come a moment later. */
static void open_device(void)
{
	for (int i = 0; device < 0 && i < 600; i++) {
		device = open(DEVICE, O_RDWR | O_DIRECT);
		if (device < 0)
			usleep(100000);
	}
	if (device < 0)
		die(DEVICE, 0, -errno);
}

static void each_add(void)
{
	unsigned int nth, errors = 0;
	int error, fired;

	for (nth = 1; nth < FAULTS_MAX; nth = next(nth)) {
		fired = faulted(add, nth, &error);
		errors += !!error;
		if (!error)
			settle("remove behind add", nth, remove_device);
		if (!fired)
			break;
	}
	if (error)
		die("add", nth, error);
	count("add", nth, errors);
}

/* That fails is there still, and goes without a fault. */
static void each_remove(void)
{
	unsigned int nth, errors = 0;
	int error, fired;

	for (nth = 1; nth < FAULTS_MAX; nth = next(nth)) {
		settle("add before remove", nth, add);
		fired = faulted(remove_device, nth, &error);
		errors += !!error;
		if (error == -EBUSY)
			settle("remove again", nth, remove_device);
		else if (error && remove_device() != -ENODEV)
			die("remove", nth, error);
		if (!fired)
			break;
	}
	if (error)
		die("remove", nth, error);
	count("remove", nth, errors);
}

int main(int argc, char **argv)
{
	if (argc != 2)
		return 2;
	backing = argv[1];
	if (getenv("SLOW"))
		limit *= atoi(getenv("SLOW"));
	control = open(SHARDBLK_CONTROL_PATH, O_RDWR);
	fail_nth = open("/proc/self/fail-nth", O_RDWR);
	if (control < 0 || fail_nth < 0 || posix_memalign((void **)&buffer, 4096, LEN))
		die("set-up", 0, -errno);
	mlockall(MCL_CURRENT | MCL_FUTURE);

	each_add();
	each_remove();
	settle("add", 0, add);
	open_device();
	each("write", write_blocks);
	each("read", read_blocks);
	each("discard", discard);
	each("flush", flush);
	each("checkpoint", checkpoint);
	each("status", status);
	each("list", list);
	each("control node", control_text);
	each("record events", graph_begin);
	each("read events", graph_read);
	each("scrub", scrub);
	close(device);
	settle("remove", 0, remove_device);
	return 0;
}
