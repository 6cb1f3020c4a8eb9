/* SPDX-License-Identifier: GPL-2.0 */
/* Remote system calls, and interrupted ones that go on as if nothing had been. */
#include "harness.h"

#include <linux/futex.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/ptrace.h>

#define NO_ARGS ((unsigned long[6]){ 0 })

static int spin(struct shared *sh)
{
	sh->ready = 1;
	while (!sh->go)
		sh->count++;
	return 0;
}

static void test_values(void **state)
{
	struct compel_blob_ctl *ctl;
	unsigned long addr;
	struct child c;
	long value;

	child_start(&c, spin);
	child_stop(&c);
	assert_ok(compel_syscall(&c.th, SYS_getpid, &value, NO_ARGS), &c.th);
	assert_int_equal(value, c.pid);
	assert_ok(compel_syscall(&c.th, SYS_close, &value, (unsigned long[6]){ 4000 }), &c.th);
	assert_int_equal(value, -EBADF);
	assert_ok(compel_syscall(&c.th, 100000, &value, NO_ARGS), &c.th);
	assert_int_equal(value, -ENOSYS);
	/* All six arguments arrive. */
	assert_ok(compel_syscall(&c.th, SYS_mmap, &value,
				 (unsigned long[6]){ 0, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0 }),
		  &c.th);
	assert_true(value > 0);
	addr = value;
	assert_ok(compel_syscall(&c.th, SYS_munmap, &value, (unsigned long[6]){ addr, 4096 }), &c.th);
	assert_int_equal(value, 0);
	ctl = child_infect(&c);
	for (int i = 0; i < 100; i++) {
		assert_ok(compel_syscall_in(ctl, &c.th, SYS_getppid, &value, NO_ARGS), &c.th);
		assert_int_equal(value, getpid());
	}
	assert_ok(compel_cure(ctl), &c.th);
	assert_ok(compel_detach(&c.th), &c.th);
	c.sh->go = 1;
	child_finish(&c);
}

/* A call by an instruction that the call removes; the next one finds another. */
static int spin_in_page(struct shared *sh)
{
	static const unsigned char code[] = {
		0xc7, 0x07, 1,	  0,	0,   0, /* movl $1, (%rdi): ready */
		0x83, 0x7f, 4,	  0,		/* 1: cmpl $0, 4(%rdi): go */
		0x74, 0xfa,			/* je 1b */
		0xc3, 0,    0x0f, 0x05, 0xc3	/* ret; …; syscall; ret */
	};
	void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	memcpy(page, code, sizeof(code));
	((void (*)(struct shared *))page)(sh);
	return 0;
}

static void test_unmaps_itself(void **state)
{
	struct child c;
	unsigned long page, own;
	long value;

	child_start(&c, spin_in_page);
	child_stop(&c);
	page = compel_regs_ip(&c.th.regs) & ~4095UL;
	own = c.th.regs.rsp;
	assert_ok(compel_syscall(&c.th, SYS_munmap, &value, (unsigned long[6]){ page, 4096 }), &c.th);
	assert_int_equal(value, 0);
	assert_int_equal(c.th.syscall_ip, page + 14);
	assert_ok(compel_syscall(&c.th, SYS_getpid, &value, NO_ARGS), &c.th);
	assert_int_equal(value, c.pid);
	assert_true(c.th.syscall_ip < page || c.th.syscall_ip >= page + 4096);
	/* Its return address is on the stack: regs say where it goes on. */
	assert_int_equal(compel_peek(c.pid, own, &c.th.regs.rip, 8), 0);
	c.th.regs.rsp += 8;
	assert_ok(compel_detach(&c.th), &c.th);
	child_finish(&c);
}

/* It has made its own call exit_group: no report but its end. */
static void test_exit(void **state)
{
	struct child c;
	long value;

	child_start(&c, spin);
	child_stop(&c);
	assert_int_equal(compel_syscall(&c.th, SYS_exit_group, &value, (unsigned long[6]){ 3 }), -ESRCH);
	assert_non_null(strstr(compel_strerror_detail(&c.th), "status 3"));
	munmap(c.sh, 4096);
}

/* ---- sleeping calls ---- */

static long sleep_ms(void)
{
	return 400 * time_factor();
}

static struct timespec sleep_time(void)
{
	return (struct timespec){ sleep_ms() / 1000, sleep_ms() % 1000 * 1000000 };
}

static void measure(struct shared *sh, long start, int result, int error)
{
	sh->elapsed_ms = now_ms() - start;
	sh->result = result;
	sh->code = error;
}

static int in_nanosleep(struct shared *sh)
{
	struct timespec ts = sleep_time();
	long start = now_ms();
	int r;

	sh->ready = 1;
	r = nanosleep(&ts, NULL);
	measure(sh, start, r, errno);
	return 0;
}

static int in_poll(struct shared *sh)
{
	long start = now_ms();
	int fds[2], r;
	struct pollfd p;

	if (pipe(fds))
		return 1;
	p = (struct pollfd){ .fd = fds[0], .events = POLLIN };
	sh->ready = 1;
	r = poll(&p, 1, sleep_ms());
	measure(sh, start, r, errno);
	return 0;
}

static int in_futex(struct shared *sh)
{
	struct timespec ts = sleep_time();
	long start = now_ms();
	int word = 1, r;

	sh->ready = 1;
	r = syscall(SYS_futex, &word, FUTEX_WAIT, 1, &ts, NULL, 0);
	measure(sh, start, r, errno);
	return 0;
}

static int in_select(struct shared *sh)
{
	struct timeval tv = { sleep_ms() / 1000, sleep_ms() % 1000 * 1000 };
	long start = now_ms();
	int r;

	sh->ready = 1;
	r = select(0, NULL, NULL, NULL, &tv);
	measure(sh, start, r, errno);
	return 0;
}

static int in_clock_nanosleep(struct shared *sh)
{
	struct timespec ts, more = sleep_time();
	long start = now_ms();
	int r;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	ts.tv_nsec += more.tv_nsec;
	ts.tv_sec += more.tv_sec + ts.tv_nsec / 1000000000L;
	ts.tv_nsec %= 1000000000L;
	sh->ready = 1;
	r = clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL);
	measure(sh, start, r, errno);
	return 0;
}

/* Sleeps (of 400 ms on a usual machine) that are disturbed three times, take just so long and give their usual result.
 */
static void timed(int (*fn)(struct shared *), int result, int error)
{
	struct child c;

	child_start(&c, fn);
	for (int i = 0; i < 3; i++) {
		nap_ms(i ? 50 : 90);
		child_stop(&c);
		assert_true((long)c.th.regs.orig_rax >= 0);
		child_visit(&c);
		assert_ok(compel_detach(&c.th), &c.th);
	}
	while (!c.sh->elapsed_ms)
		nap_ms(10);
	assert_int_equal(c.sh->result, result);
	if (result < 0)
		assert_int_equal(c.sh->code, error);
	if (c.sh->elapsed_ms < sleep_ms() - 1 || c.sh->elapsed_ms > sleep_ms() + 150 * time_factor())
		fail_msg("slept %ld ms instead of %ld", c.sh->elapsed_ms, sleep_ms());
	child_finish(&c);
}

static void test_nanosleep(void **state)
{
	timed(in_nanosleep, 0, 0);
}

static void test_clock_nanosleep(void **state)
{
	timed(in_clock_nanosleep, 0, 0);
}

static void test_poll(void **state)
{
	timed(in_poll, 0, 0);
}

static void test_select(void **state)
{
	timed(in_select, 0, 0);
}

static void test_futex(void **state)
{
	timed(in_futex, -1, ETIMEDOUT);
}

/* ---- calls that wait for something ---- */

static int pipe_fds[2];

static int in_read(struct shared *sh)
{
	char byte = 0;

	sh->ready = 1;
	sh->result = read(pipe_fds[0], &byte, 1);
	return !(sh->result == 1 && byte == 'x');
}

static int in_epoll(struct shared *sh)
{
	struct epoll_event ev = { .events = EPOLLIN }, got;
	int ep = epoll_create1(0);

	epoll_ctl(ep, EPOLL_CTL_ADD, pipe_fds[0], &ev);
	sh->ready = 1;
	sh->result = epoll_wait(ep, &got, 1, -1);
	/* This call isn't restarted by the kernel after any stop, ptrace's included: strace shows the same. */
	return !(sh->result == 1 || (sh->result == -1 && errno == EINTR));
}

static int in_wait(struct shared *sh)
{
	char byte;
	pid_t pid = fork();

	if (!pid)
		_exit(read(pipe_fds[0], &byte, 1) == 1 ? 9 : 1);
	sh->ready = 1;
	if (waitpid(pid, (int *)&sh->result, 0) != pid)
		return 1;
	return WEXITSTATUS(sh->result) != 9;
}

static void woken_by_pipe(int (*fn)(struct shared *))
{
	struct child c;

	assert_int_equal(pipe(pipe_fds), 0);
	child_start(&c, fn);
	for (int i = 0; i < 3; i++) {
		child_stop(&c);
		assert_true((long)c.th.regs.orig_rax >= 0);
		child_visit(&c);
		assert_ok(compel_detach(&c.th), &c.th);
		nap_ms(10);
	}
	assert_int_equal(write(pipe_fds[1], "x", 1), 1);
	child_finish(&c);
	close(pipe_fds[0]);
	close(pipe_fds[1]);
}

static void test_read(void **state)
{
	woken_by_pipe(in_read);
}

static void test_waitpid(void **state)
{
	woken_by_pipe(in_wait);
}

static void test_epoll(void **state)
{
	struct child c;

	assert_int_equal(pipe(pipe_fds), 0);
	child_start(&c, in_epoll);
	child_stop(&c);
	child_visit(&c);
	assert_ok(compel_detach(&c.th), &c.th);
	assert_int_equal(write(pipe_fds[1], "x", 1), 1);
	child_finish(&c);
	close(pipe_fds[0]);
	close(pipe_fds[1]);
}

static struct shared *handler_shared;

static void on_usr1(int sig)
{
	handler_shared->count++;
}

static int in_pause(struct shared *sh)
{
	handler_shared = sh;
	signal(SIGUSR1, on_usr1);
	sh->ready = 1;
	return !(pause() == -1 && errno == EINTR && sh->count == 1);
}

/* USR1 is blocked but for the time of sigsuspend, which must be on again after us. */
static int in_sigsuspend(struct shared *sh)
{
	sigset_t block, open, now;

	handler_shared = sh;
	signal(SIGUSR1, on_usr1);
	sigemptyset(&block);
	sigaddset(&block, SIGUSR1);
	sigaddset(&block, SIGHUP);
	sigprocmask(SIG_BLOCK, &block, NULL);
	open = block;
	sigdelset(&open, SIGUSR1);
	sh->ready = 1;
	if (!(sigsuspend(&open) == -1 && errno == EINTR && sh->count == 1))
		return 1;
	sigprocmask(SIG_BLOCK, NULL, &now);
	return !(sigismember(&now, SIGUSR1) && sigismember(&now, SIGHUP) && !sigismember(&now, SIGUSR2));
}

static int in_sigwait(struct shared *sh)
{
	sigset_t set;
	int sig;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	sh->ready = 1;
	return sigwait(&set, &sig) || sig != SIGUSR1;
}

/* @when: the signal comes 0: after we've left, 1: while it's stopped, 2: while our code runs. */
static void woken_by_signal(int (*fn)(struct shared *), int when)
{
	struct compel_blob_ctl *ctl;
	struct test_args *args;
	struct child c;
	int result;

	child_start(&c, fn);
	child_stop(&c);
	child_visit(&c);
	assert_ok(compel_detach(&c.th), &c.th);
	nap_ms(20);
	assert_int_equal(c.sh->count, 0);
	child_stop(&c);
	ctl = child_infect(&c);
	if (when == 1)
		kill(c.pid, SIGUSR1);
	child_call_sum(&c, ctl);
	args = compel_args(ctl, sizeof(*args));
	assert_ok(compel_call_start(ctl, &c.th, TEST_PAUSE), &c.th);
	while (!args->started)
		nap_ms(1);
	if (when == 2)
		kill(c.pid, SIGUSR1);
	nap_ms(10);
	args->go = 1;
	assert_ok(compel_call_finish(ctl, &c.th, &result), &c.th);
	assert_int_equal(c.sh->count, 0);
	assert_ok(compel_cure(ctl), &c.th);
	assert_ok(compel_detach(&c.th), &c.th);
	if (when == 0) {
		nap_ms(20);
		kill(c.pid, SIGUSR1);
	}
	child_finish(&c);
}

static void test_pause(void **state)
{
	for (int when = 0; when < 3; when++)
		woken_by_signal(in_pause, when);
}

static void test_sigsuspend(void **state)
{
	for (int when = 0; when < 3; when++)
		woken_by_signal(in_sigsuspend, when);
}

static void test_sigwait(void **state)
{
	for (int when = 0; when < 3; when++)
		woken_by_signal(in_sigwait, when);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_values),	   cmocka_unit_test(test_unmaps_itself),   cmocka_unit_test(test_exit),
		cmocka_unit_test(test_nanosleep),  cmocka_unit_test(test_clock_nanosleep), cmocka_unit_test(test_poll),
		cmocka_unit_test(test_select),	   cmocka_unit_test(test_futex),	   cmocka_unit_test(test_read),
		cmocka_unit_test(test_waitpid),	   cmocka_unit_test(test_epoll),	   cmocka_unit_test(test_pause),
		cmocka_unit_test(test_sigsuspend), cmocka_unit_test(test_sigwait),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
