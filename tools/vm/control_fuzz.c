// SPDX-License-Identifier: GPL-2.0-only
/*
 * Asks the control node for nonsense: "control_fuzz SECONDS [nobody]".
 *
 * Every ioctl, with arguments that are right but for some of their words, and
 * lines of text made of words that mean something and of bytes that do not.
 * Prints how many there were and how many succeeded.  As nobody, who is handed
 * the open node, none may: then exit code 1.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "../../uapi/shardblk.h"

#define NOBODY		65534
#define WORDS_MAX	12

static uint64_t state = 0x9e3779b97f4a7c15;

static uint64_t draw(uint64_t n)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state % n;
}

static const struct {
	unsigned long request;
	uint32_t size;
} requests[] = {
	{ SHARDBLK_IOC_VERSION, sizeof(struct shardblk_version) },
	{ SHARDBLK_IOC_STAT, sizeof(struct shardblk_stat) },
	{ SHARDBLK_IOC_ADD, sizeof(struct shardblk_add) },
	{ SHARDBLK_IOC_REMOVE, sizeof(struct shardblk_id) },
	{ SHARDBLK_IOC_CHECKPOINT, sizeof(struct shardblk_id) },
	{ SHARDBLK_IOC_LIST, sizeof(struct shardblk_list) },
	{ SHARDBLK_IOC_STATUS, sizeof(struct shardblk_status) },
};

static const char * const paths[] = {
	"/dev/vda", "/dev/vda", "/dev/vdb", "/dev/null", "/", "", "vda",
	"/dev/shardblk0", "/dev/shardblk-control", "/nowhere",
};

static const char * const words[] = {
	"add ", "remove ", "list", "backing=", "/dev/vda", "/dev/vdb", ",", ",",
	"id=", "0", "1", "255", "256", "-1", "ro=", "retry_bad=", "memtable=",
	"64K", "1M", "cache=", "low_watermark=", "50", "51", "scrub_interval=",
	"\n", " ", "=", "18446744073709551616",
};

/* A word of an argument: small, a bound, an address, or anything. */
static uint64_t word(void)
{
	static int32_t ids[8];

	switch (draw(6)) {
	case 0:
		return draw(4);
	case 1:
		return (uintptr_t)paths[draw(sizeof(paths) / sizeof(paths[0]))];
	case 2:
		return (uintptr_t)ids;
	case 3:
		return 64 << 10;
	case 4:
		return UINT64_MAX >> draw(64);
	default:
		return state;
	}
}

static int ask(int fd)
{
	static uint64_t arg[512];
	uint32_t nr = draw(sizeof(requests) / sizeof(requests[0]));
	unsigned long request = requests[nr].request;
	struct shardblk_ioctl *h = (void *)arg;
	struct shardblk_add *add = (void *)arg;
	uint32_t i, changes = draw(4);

	memset(arg, 0, sizeof(arg));
	h->size = requests[nr].size;
	h->version = SHARDBLK_IOCTL_VERSION;
	if (request == SHARDBLK_IOC_ADD) {
		add->id = (int32_t)draw(4) - 1;
		add->path = (uintptr_t)paths[draw(sizeof(paths) / sizeof(paths[0]))];
		add->flags = draw(4);
	}
	for (i = 0; i < changes; i++)
		((uint32_t *)arg)[2 + draw(requests[nr].size / 4)] = word();
	if (!draw(8))
		arg[draw(requests[nr].size / 8)] = word();
	/* no memory to speak of, or the machine is what fails */
	if (request == SHARDBLK_IOC_ADD && add->memtable > 1 << 20)
		add->memtable = SHARDBLK_MEMTABLE_MIN;
	if (request == SHARDBLK_IOC_ADD && add->cache > 1 << 20)
		add->cache = SHARDBLK_CACHE_MIN;
	if (!draw(16))
		request ^= 1ul << draw(32);
	return ioctl(fd, request, draw(32) ? (void *)arg : (void *)word());
}

static int say(int fd)
{
	char line[512];
	size_t len = 0;
	uint32_t nr = draw(WORDS_MAX);

	while (nr--) {
		const char *text = words[draw(sizeof(words) / sizeof(words[0]))];

		if (len + strlen(text) >= sizeof(line))
			break;
		memcpy(line + len, text, strlen(text));
		len += strlen(text);
	}
	while (len && !draw(4))
		line[draw(len)] = draw(256);
	return write(fd, line, len) > 0 ? 0 : -1;
}

int main(int argc, char **argv)
{
	long seconds = argc > 1 ? atol(argv[1]) : 10;
	int nobody = argc > 2, fd = open(SHARDBLK_CONTROL_PATH, O_RDWR);
	unsigned long asked = 0, succeeded = 0;
	time_t end = time(NULL) + seconds;
	char text[4096];

	if (fd < 0) {
		perror(SHARDBLK_CONTROL_PATH);
		return 1;
	}
	if (nobody && (setgid(NOBODY) || setuid(NOBODY) ||
		       open(SHARDBLK_CONTROL_PATH, O_RDWR) >= 0 ||
		       errno != EACCES)) {
		fprintf(stderr, "nobody may open the control node\n");
		return 1;
	}
	while (time(NULL) < end) {
		asked++;
		succeeded += !(draw(3) ? ask(fd) : say(fd));
		if (!draw(64) && pread(fd, text, sizeof(text), draw(8192)) < 0 && !nobody)
			return 1;
	}
	printf("%lu requests, %lu succeeded\n", asked, succeeded);
	return nobody ? succeeded != 0 : !succeeded;
}
