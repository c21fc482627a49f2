// SPDX-License-Identifier: GPL-2.0-only
/*
 * Processes that share out work, and the file that says what of it is done.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "processes.h"
#include "program.h"

void *shared_alloc(size_t size)
{
	void *shared = mmap(NULL, size, PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	return shared == MAP_FAILED ? NULL : shared;
}

void shared_free(void *shared, size_t size)
{
	if (shared)
		munmap(shared, size);
}

static pid_t process_start(u32 i, void (*run)(u32 i, void *arg), void *arg)
{
	pid_t pid = fork();

	if (pid < 0) {
		perror("fork");
		exit(1);
	}
	if (pid)
		return pid;
	setvbuf(stdout, NULL, _IOLBF, 0);
	run(i, arg);
	fflush(stdout);
	_exit(0);
}

void processes_run(u32 nr, void (*run)(u32 i, void *arg),
		   void (*died)(u32 i, void *arg), void *arg)
{
	pid_t pids[PROCESSES_MAX];
	int status;
	u32 i;

	fflush(stdout);
	for (i = 0; i < nr; i++)
		pids[i] = process_start(i, run, arg);
	for (i = 0; i < nr; i++) {
		if (waitpid(pids[i], &status, 0) < 0) {
			perror("waitpid");
			exit(1);
		}
		if (!WIFEXITED(status) || WEXITSTATUS(status))
			died(i, arg);
	}
}

/* What is not of a run like this one is cut off.  Return: does @file say so now? */
static bool progress_read(FILE *file, const char *head,
			  void (*line)(const char *line, void *arg), void *arg)
{
	char first[128], text[512];
	ssize_t len = scnprintf(first, sizeof(first), "%s %016llx\n", head,
				program_hash());
	long end;

	if (!fgets(text, sizeof(text), file) || strcmp(text, first))
		return !ftruncate(fileno(file), 0) &&
		       write(fileno(file), first, len) == len;
	end = ftell(file);
	while (fgets(text, sizeof(text), file) && strchr(text, '\n')) {
		line(text, arg);
		end = ftell(file);
	}
	return !ftruncate(fileno(file), end);
}

int progress_open(const char *path, const char *head,
		  void (*line)(const char *line, void *arg), void *arg)
{
	int fd = open(path, O_RDWR | O_CREAT | O_APPEND, 0666);
	FILE *file = fd < 0 ? NULL : fdopen(dup(fd), "r");

	if (!file || !progress_read(file, head, line, arg)) {
		perror(path);
		return -1;
	}
	fclose(file);
	return fd;
}

void progress_write(int file, const char *line)
{
	ssize_t len = strlen(line);

	if (file >= 0 && write(file, line, len) != len)
		perror("the progress file");
}
