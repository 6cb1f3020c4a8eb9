/* SPDX-License-Identifier: GPL-2.0 */
/* A directory for images, a context, and a stopped child with memory that is known. */
#ifndef TEST_UNIT_PAGES_FIXTURE_H
#define TEST_UNIT_PAGES_FIXTURE_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"
#include "pages/run.h"

#define PAGE 4096ul

struct fixture {
	struct log *log;
	struct cr_error error;
	struct cr_ctx ctx;
	char dir[64];
	int dirfd;
};

static inline int fixture_begin(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	if (!f || log_open("/dev/null", LOG_DEBUG, &f->log))
		return -1;
	f->ctx = (struct cr_ctx){ f->log, &f->error };
	strcpy(f->dir, access("/dev/shm", W_OK) ? "/tmp/pages-XXXXXX" : "/dev/shm/pages-XXXXXX");
	if (!mkdtemp(f->dir))
		return -1;
	f->dirfd = open(f->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	*state = f;
	return f->dirfd < 0 ? -1 : 0;
}

static inline int fixture_end(void **state)
{
	static const char *const names[] = { "pages-1.img", "pages-2.img", "pagemap-7.img", "pagemap-shmem-9.img" };
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		unlinkat(f->dirfd, names[i], 0);
	close(f->dirfd);
	log_close(&f->log);
	if (rmdir(f->dir))
		return -1;
	free(f);
	return 0;
}

static inline void fixture_forget_error(struct fixture *f)
{
	memset(&f->error, 0, sizeof(f->error));
}

/* What page number N of a pattern holds in each of its words. */
static inline uint64_t pattern(uint64_t n)
{
	return (n + 1) * 0x9e3779b97f4a7c15ull;
}

static inline void write_pattern(char *page, uint64_t n)
{
	for (size_t i = 0; i < PAGE; i += 8)
		memcpy(page + i, &(uint64_t){ pattern(n) }, 8);
}

static inline void assert_pattern(const char *page, uint64_t n)
{
	for (size_t i = 0; i < PAGE; i += 8)
		assert_memory_equal(page + i, &(uint64_t){ pattern(n) }, 8);
}

/* A child that runs PREPARE(ARG) on its copy of our memory and then stands still. End it with child_end(). */
static inline pid_t child_begin(void (*prepare)(void *arg), void *arg, int *ret_procfd)
{
	pid_t pid = fork();
	char path[32];
	int status;

	assert_true(pid >= 0);
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		prepare(arg);
		raise(SIGSTOP);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, WUNTRACED), pid);
	assert_true(WIFSTOPPED(status));
	snprintf(path, sizeof(path), "/proc/%d", pid);
	*ret_procfd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	assert_true(*ret_procfd >= 0);
	return pid;
}

static inline void child_end(pid_t pid, int procfd)
{
	close(procfd);
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

#endif
