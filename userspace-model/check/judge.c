// SPDX-License-Identifier: GPL-2.0-only
/*
 * The model as a judge of what a device somewhere else did.
 *
 * Only what is said line by line is known.  Whenever nothing is under way and all
 * blocks were read, these must be what all acknowledged requests give; from there the
 * model goes on.
 */
#include <stdio.h>
#include <stdlib.h>

#include "judge.h"
#include "model/m_device.h"

#define LINE_BYTES	(24 * M_BLOCKS_MAX)
#define FLIGHT_MAX	64

/* A request under way, by its number. */
struct flight {
	bool busy;
	char op;		/* of write, discard, read, flush */
	bool fua;
	unsigned long number;
	u32 lba;
	u32 nr;
	u32 index;		/* in the model */
	u64 force;		/* read: what it comes after */
	u64 acked;		/* flush: what it covers */
};

/**
 * struct judge - what was read so far
 * @m:		the model
 * @flight:	requests under way
 * @nr_flight:	how many
 * @nr_blocks:	of the device; 0: nothing of it is known yet
 * @nr_line:	of the file
 * @nr_requests: that ended
 * @nr_reads:	of them
 * @nr_settled:	how often all blocks were compared
 * @why:	what is wrong
 */
struct judge {
	struct m_device m;
	struct flight flight[FLIGHT_MAX];
	u32 nr_flight;
	u32 nr_blocks;
	u64 nr_line;
	u64 nr_requests;
	u64 nr_reads;
	u64 nr_settled;
	const char *why;
};

static struct flight *flight_find(struct judge *j, bool busy,
				  unsigned long number)
{
	u32 i;

	for (i = 0; i < FLIGHT_MAX; i++)
		if (j->flight[i].busy == busy &&
		    (!busy || j->flight[i].number == number))
			return &j->flight[i];
	return NULL;
}

/* Stamps that follow.  Return: how many. */
static u32 stamps_parse(const char *text, u64 *stamps)
{
	char *end;
	u32 nr;

	for (nr = 0; nr < M_BLOCKS_MAX; nr++) {
		stamps[nr] = strtoull(text, &end, 16);
		if (end == text)
			break;
		text = end;
	}
	return nr;
}

static bool take_submit(struct judge *j, const char *text)
{
	struct flight *f = flight_find(j, false, 0);
	unsigned int lba, nr, fua;
	char op[16];

	if (!f || sscanf(text, "%lu %15s %u %u %u", &f->number, op, &lba, &nr,
			 &fua) != 5)
		return false;
	*f = (struct flight){
		.busy = true, .number = f->number, .op = *op, .fua = fua,
		.lba = lba, .nr = nr,
	};
	j->nr_flight++;
	if (lba + nr > j->nr_blocks || nr > M_LENGTH_MAX)
		return false;
	switch (f->op) {
	case 'w':
	case 'd':
		if (j->m.nr_requests == M_REQUESTS_MAX)
			return false;
		f->index = m_device_submit(&j->m, f->op == 'w', lba, nr,
					   f->number);
		return true;
	case 'r':
		f->force = m_device_in_force(&j->m);
		return true;
	case 'f':
		f->acked = j->m.acked;
		return true;
	}
	return false;
}

static bool take_read(struct judge *j, struct flight *f, const char *text)
{
	u64 stamps[M_BLOCKS_MAX];
	u32 lba = f->lba;

	if (stamps_parse(text, stamps) != f->nr)
		return false;
	j->nr_reads++;
	j->why = m_device_read_done(&j->m, f->force, &lba, f->nr, stamps);
	return true;
}

static bool take_end(struct judge *j, const char *text)
{
	unsigned long number;
	struct flight *f;
	int error, used;

	if (sscanf(text, "%lu %d%n", &number, &error, &used) != 2)
		return false;
	f = flight_find(j, true, number);
	if (!f)
		return false;
	f->busy = false;
	j->nr_flight--;
	j->nr_requests++;
	if (error) {
		j->why = "a request failed";
		return true;
	}
	if (f->op == 'r')
		return take_read(j, f, text + used);
	if (f->op == 'f')
		m_device_flushed(&j->m, f->acked);
	else
		m_device_done(&j->m, f->index, f->fua, 0);
	return true;
}

static bool take_all(struct judge *j, const char *text)
{
	u64 stamps[M_BLOCKS_MAX];
	u32 nr = stamps_parse(text, stamps);

	if (j->nr_flight || !nr || (j->nr_blocks && nr != j->nr_blocks))
		return false;
	if (!j->nr_blocks)
		m_device_init(&j->m, nr);
	else
		j->why = m_device_holds(&j->m, stamps, j->m.acked);
	j->nr_settled += !!j->nr_blocks;
	j->nr_blocks = nr;
	m_device_settle(&j->m, stamps);
	return true;
}

static bool take_line(struct judge *j, const char *line)
{
	bool known = true;

	j->nr_line++;
	if (*line == 's')
		known = take_submit(j, line + 1);
	else if (*line == 'e')
		known = take_end(j, line + 1);
	else if (*line == 'a')
		known = take_all(j, line + 1);
	if (!known)
		j->why = "this line does not belong here";
	return !j->why;
}

int judge_file(const char *path)
{
	struct judge *j = calloc(1, sizeof(*j));
	char *line = malloc(LINE_BYTES);
	FILE *file = fopen(path, "r");
	int ret = 0;

	if (!file || !j || !line) {
		perror(path);
		ret = 2;
		goto out;
	}
	while (fgets(line, LINE_BYTES, file) && take_line(j, line))
		;
	if (j->why) {
		printf("%s:%llu: %s: %s", path, j->nr_line, j->why, line);
		ret = 1;
	} else if (j->nr_flight || !j->nr_settled) {
		printf("%s: ends in the middle\n", path);
		ret = 2;
	} else {
		printf("judge: %llu requests, %llu of them reads, all blocks %llu times\n",
		       j->nr_requests, j->nr_reads, j->nr_settled);
	}
out:
	if (file)
		fclose(file);
	free(line);
	free(j);
	return ret;
}
