/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What every test program is written with.
 *
 * A test sets a state up, calls test_ready(), waits, and is dumped and restored behind its back, as
 * often as the runner likes. When the runner says "go" it checks the state exactly and ends with
 * pass() or fail(). It is right by itself: run without any dump it passes too.
 *
 * "Go" is SIGTERM sent to the first task and the file NAME.go in the work directory; a program takes
 * whichever disturbs its state least. The output goes to standard output, a file in append mode that
 * is open before the dump.
 */
#ifndef ZDTM_H
#define ZDTM_H

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

#define TEST_PAGE 4096ul

/* Must be first in main(). Blocks SIGTERM (threads and children inherit that) and gives it a handler. */
void test_init(int argc, char **argv);
/* For tests that want SIGTERM themselves: no handler, no blocking; test_wait() and test_go() then look for the file. */
void test_init_nosignal(int argc, char **argv);

/* The state is complete: the runner may dump from now on. Called once, by the first task. */
void test_ready(void);
/* The same where the first task waits in a system call, by a child of it. */
void test_ready_by_child(void);
/* First task: sleeps in sigsuspend(2) until the runner says go. */
void test_wait(void);
/* Any process or thread: looks for the file every few ms until the runner says go. */
void test_wait_polling(void);
/* Has the runner said go? Never blocks. */
bool test_go(void);
/* The flag that the SIGTERM handler sets, for loops that must not call anything. */
extern volatile sig_atomic_t test_go_flag;

/*
 * True when the runner wants to see that the test notices: the program then spoils the state
 * that it is about to check (run.py selftest).
 */
bool test_sabotage(void);

/* The name of the test and an absolute path of the work directory. */
extern const char *test_name;
extern char test_dir[];

/* End this process: 1 with a line "FAIL ...", 0 with the line "PASS". */
void test_fail_at(const char *file, int line, const char *fmt, ...) __attribute__((format(printf, 3, 4), noreturn));
void pass(void) __attribute__((noreturn));
#define fail(...) test_fail_at(__FILE__, __LINE__, __VA_ARGS__)
/* Not needed features: the runner counts the test as skipped. */
void skip(const char *fmt, ...) __attribute__((format(printf, 1, 2), noreturn));

/* CHECK(condition): or fail. MUST(call): a call that returns -1 (or MAP_FAILED) fails the test; its value otherwise. */
#define CHECK(cond)                                                                                                    \
	do {                                                                                                           \
		if (!(cond))                                                                                           \
			fail("%s (errno %d)", #cond, errno);                                                           \
	} while (0)
#define MUST(call)                                                                                                     \
	({                                                                                                             \
		__typeof__(call) must_value = (call);                                                                  \
		if ((intptr_t)must_value == -1)                                                                        \
			fail("%s: %s", #call, strerror(errno));                                                        \
		must_value;                                                                                            \
	})
/* Two integers that must be equal; both are printed when they are not. */
#define CHECK_EQ(a, b)                                                                                                 \
	do {                                                                                                           \
		long long eq_a = (long long)(a), eq_b = (long long)(b);                                                \
		if (eq_a != eq_b)                                                                                      \
			fail("%s is %lld (%#llx), not %lld (%#llx)", #a, eq_a, eq_a, eq_b, eq_b);                      \
	} while (0)
/* Two pieces of memory that must be equal. */
#define CHECK_MEM(a, b, size)                                                                                          \
	do {                                                                                                           \
		if (memcmp((a), (b), (size)))                                                                          \
			fail("%s differs from %s", #a, #b);                                                            \
	} while (0)

/* Fills SIZE bytes with a pattern that depends on SEED and on the place of each byte in the piece. */
void test_fill(void *mem, size_t size, uint32_t seed);
/* Every byte must be what test_fill() put there. */
void test_verify_at(const char *file, int line, const void *mem, size_t size, uint32_t seed);
#define test_verify(mem, size, seed) test_verify_at(__FILE__, __LINE__, (mem), (size), (seed))
/* Every byte must be VALUE. */
void test_verify_bytes_at(const char *file, int line, const void *mem, size_t size, unsigned char value);
#define test_verify_bytes(mem, size, value) test_verify_bytes_at(__FILE__, __LINE__, (mem), (size), (value))

/* Waits for the child and fails unless it exited with STATUS (as in wait(2)). */
void test_reap_at(const char *file, int line, pid_t pid, int status);
#define test_reap(pid)		      test_reap_at(__FILE__, __LINE__, (pid), 0)
#define test_reap_status(pid, status) test_reap_at(__FILE__, __LINE__, (pid), (status))

/* A meeting point for the time before test_ready(): it leaves no descriptor behind. */
struct test_sync {
	int fd[2];
};
void test_sync_init(struct test_sync *sync);
/* A child: I am ready. Closes its ends. */
void test_sync_done(struct test_sync *sync);
/* The parent: waits for NR calls of test_sync_done(), then closes its ends. */
void test_sync_wait(struct test_sync *sync, int nr);

/* Reads a small file (as those of /proc) whole; the result is ended by NUL. Fails the test on an error. */
size_t test_read_file(const char *path, char *buf, size_t size);
/* The text after "KEY:" and white space in /proc/PID/status; PID 0 is the calling thread. */
void test_status(pid_t pid, const char *key, char *buf, size_t size);

/* Waits until the letter of State in /proc/PID/status is one of STATES. S: it sleeps, in the call that it made. */
void test_wait_state(pid_t pid, const char *states);

/*
 * The frames (/proc/PID/pagemap) of NR pages from MEM on in each of NR_PIDS processes, one after the other in RET; 0:
 * none is there; pid 0 is the calling process. They are seen at one time, even if the kernel moves pages meanwhile.
 * Skips the test where they may not be seen.
 */
void test_frames(const pid_t *pids, size_t nr_pids, const void *mem, size_t nr, uint64_t *ret);

/* Sleeps; goes on after signals. */
void test_msleep(unsigned int ms);
/* CLOCK_MONOTONIC in nanoseconds. */
uint64_t test_now(void);

#endif
