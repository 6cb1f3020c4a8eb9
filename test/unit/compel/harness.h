/* SPDX-License-Identifier: GPL-2.0 */
/* Children to experiment on. Each test has an alarm, so that it can't hang; children die with it. */
#ifndef COMPEL_TEST_HARNESS_H
#define COMPEL_TEST_HARNESS_H

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include <compel/compel.h>

#include "blob.h"
#include "compel-test.blob.h"

#define TEST_SECONDS 60

/* Shared by the test and its child. */
struct shared {
	volatile int ready, go, count, result, signo, code, value;
	volatile long elapsed_ms;
};

struct child {
	pid_t pid;
	struct shared *sh;
	struct compel_thread th;
};

/* Say what failed in the library, then fail. */
#define assert_ok(err, th)                                                                                             \
	do {                                                                                                           \
		int e_ = (err);                                                                                        \
		if (e_)                                                                                                \
			fail_msg("%s: %d: %s", #err, e_, compel_strerror_detail(th));                                  \
	} while (0)

static inline void nap_ms(long ms)
{
	struct timespec ts = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 };

	while (nanosleep(&ts, &ts) && errno == EINTR)
		;
}

static inline long now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* How much slower than usual this machine is: TEST_TIME_FACTOR, 1 by default. */
static inline long time_factor(void)
{
	const char *text = getenv("TEST_TIME_FACTOR");
	long factor = text ? strtol(text, NULL, 10) : 1;

	return factor >= 1 && factor <= 100 ? factor : 1;
}

/* The child runs @fn, which sets ready when the test may begin; it exits with what @fn returns. */
static inline void child_start(struct child *c, int (*fn)(struct shared *))
{
	pid_t parent = getpid();

	memset(c, 0, sizeof(*c));
	alarm(TEST_SECONDS * time_factor());
	c->sh = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_ptr_not_equal(c->sh, MAP_FAILED);
	c->pid = fork();
	assert_true(c->pid >= 0);
	if (!c->pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != parent)
			_exit(1);
		alarm(TEST_SECONDS * time_factor());
		_exit(fn(c->sh));
	}
	while (!c->sh->ready)
		nap_ms(1);
	nap_ms(10);
}

static inline void child_stop(struct child *c)
{
	struct compel_stop stop;

	assert_int_equal(compel_seize(c->pid, COMPEL_SEIZE_EXITKILL), 0);
	assert_int_equal(compel_interrupt(c->pid), 0);
	assert_int_equal(compel_wait_stop(c->pid, &stop), 0);
	assert_ok(compel_thread_save(&c->th, c->pid, &stop), &c->th);
}

static inline struct compel_blob_ctl *child_infect(struct child *c)
{
	struct compel_blob_ctl *ctl = NULL;

	assert_ok(compel_infect(&c->th, &test_blob_blob, sizeof(struct test_args), &ctl), &c->th);
	return ctl;
}

static inline void child_call_sum(struct child *c, struct compel_blob_ctl *ctl)
{
	struct test_args *args = compel_args(ctl, sizeof(*args));
	int result = 0;

	memcpy(args->values, (int[4]){ 1, 20, 300, 4000 }, sizeof(args->values));
	assert_ok(compel_call(ctl, &c->th, TEST_SUM, &result), &c->th);
	assert_int_equal(result, 4321);
	assert_int_equal(args->pid, c->pid);
	assert_int_equal(args->tid, c->pid);
}

/* In, a call, out again; the child stays stopped. */
static inline void child_visit(struct child *c)
{
	struct compel_blob_ctl *ctl = child_infect(c);

	child_call_sum(c, ctl);
	assert_ok(compel_cure(ctl), &c->th);
}

static inline int child_wait(struct child *c)
{
	int status = -1;

	assert_int_equal(waitpid(c->pid, &status, __WALL), c->pid);
	munmap(c->sh, 4096);
	alarm(0);
	return status;
}

/* The child exits 0 by itself. */
static inline void child_finish(struct child *c)
{
	int status = child_wait(c);

	if (status)
		fail_msg("child ended with status 0x%x", status);
}

static inline void child_kill(struct child *c)
{
	kill(c->pid, SIGKILL);
	child_wait(c);
}

/* A /proc file of the child as text; free it. */
static inline char *child_proc(struct child *c, const char *name)
{
	char path[64], *text = calloc(1, 1 << 18);
	ssize_t got;
	size_t len = 0;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/%s", c->pid, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0 && text);
	while ((got = read(fd, text + len, (1 << 18) - 1 - len)) > 0)
		len += got;
	close(fd);
	return text;
}

/* One line of /proc/PID/status, without its name; static buffer. */
static inline const char *child_status(struct child *c, const char *name)
{
	static char line[256];
	char *text = child_proc(c, "status"), *at = strstr(text, name);

	assert_non_null(at);
	snprintf(line, sizeof(line), "%.*s", (int)strcspn(at, "\n"), at);
	free(text);
	return line;
}

static inline bool child_has_fd(struct child *c, int fd)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/fd/%d", c->pid, fd);
	return !faccessat(AT_FDCWD, path, F_OK, AT_SYMLINK_NOFOLLOW);
}

static inline int child_count_fds(struct child *c)
{
	int n = 0;

	for (int fd = 0; fd < 256; fd++)
		n += child_has_fd(c, fd);
	return n;
}

#endif
