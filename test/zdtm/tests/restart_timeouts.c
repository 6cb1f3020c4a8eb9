/* SPDX-License-Identifier: GPL-2.0 */
/*
 * System calls with a timeout that a dump interrupts: each ends when its time is over, not before.
 *
 * nanosleep, clock_nanosleep to a point in time, poll, epoll_wait, futex, select, sigtimedwait, one child each. The
 * kernel itself lets some of these return EINTR when a task is stopped; then the caller goes on with what remains, as
 * it must.
 *
 * ignore: . the children end by themselves, at any time
 */
#include <linux/futex.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/syscall.h>
#include <time.h>

#include "zdtm.h"

#define TIME_NS 1500000000ll

static uint64_t began;

static long long left(void)
{
	long long ns = TIME_NS - (long long)(test_now() - began);

	return ns > 0 ? ns : 0;
}

static struct timespec left_ts(void)
{
	long long ns = left();
	struct timespec ts = { ns / 1000000000, ns % 1000000000 };

	return ts;
}

static int do_nanosleep(void)
{
	struct timespec ts = { TIME_NS / 1000000000, TIME_NS % 1000000000 }, rem = { -1, -1 };

	while (nanosleep(&ts, &rem) == -1) {
		CHECK_EQ(errno, EINTR);
		CHECK(rem.tv_sec >= 0 && rem.tv_nsec >= 0 && rem.tv_nsec < 1000000000);
		CHECK(rem.tv_sec < ts.tv_sec || (rem.tv_sec == ts.tv_sec && rem.tv_nsec <= ts.tv_nsec));
		ts = rem;
	}
	return 0;
}

static int do_absolute(void)
{
	struct timespec ts = { (began + TIME_NS) / 1000000000, (began + TIME_NS) % 1000000000 };
	int ret;

	while ((ret = clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL)) == EINTR)
		;
	return ret;
}

static int do_poll(void)
{
	int ret;

	while ((ret = poll(NULL, 0, (left() + 999999) / 1000000)) == -1 && errno == EINTR)
		;
	return ret;
}

static int do_epoll(void)
{
	int ret, ep = MUST(epoll_create1(0));
	struct epoll_event ev;

	while ((ret = epoll_wait(ep, &ev, 1, (left() + 999999) / 1000000)) == -1 && errno == EINTR)
		;
	return ret;
}

static int do_futex(void)
{
	static int word;
	struct timespec ts;
	int ret;

	do {
		ts = left_ts();
		ret = syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, 0, &ts, NULL, 0);
	} while (ret == -1 && errno == EINTR);
	return ret == -1 && errno == ETIMEDOUT ? 0 : 1;
}

static int do_select(void)
{
	struct timeval tv = { TIME_NS / 1000000000, TIME_NS % 1000000000 / 1000 };
	int ret;

	while ((ret = select(0, NULL, NULL, NULL, &tv)) == -1 && errno == EINTR)
		;
	return ret;
}

static int do_sigtimedwait(void)
{
	struct timespec ts;
	sigset_t set;
	int ret;

	sigemptyset(&set);
	sigaddset(&set, SIGRTMAX);
	sigprocmask(SIG_BLOCK, &set, NULL);
	do {
		ts = left_ts();
		ret = sigtimedwait(&set, NULL, &ts);
	} while (ret == -1 && errno == EINTR);
	return ret == -1 && errno == EAGAIN ? 0 : 1;
}

static int (*const calls[])(void) = {
	do_nanosleep, do_absolute, do_poll, do_epoll, do_futex, do_select, do_sigtimedwait
};
#define KIDS (int)(sizeof(calls) / sizeof(calls[0]))

int main(int argc, char **argv)
{
	struct test_sync sync;
	pid_t kids[KIDS];
	long long took;
	int i;

	test_init(argc, argv);
	test_sync_init(&sync);
	for (i = 0; i < KIDS; i++) {
		kids[i] = MUST(fork());
		if (kids[i] == 0) {
			began = test_now();
			test_sync_done(&sync);
			CHECK_EQ(calls[i](), 0);
			took = test_now() - began;
			if (test_sabotage())
				took /= 2;
			if (took < TIME_NS - 5000000)
				fail("call %d took only %lld ns", i, took);
			_exit(0);
		}
	}
	test_sync_wait(&sync, KIDS);

	test_ready();
	test_wait();

	for (i = 0; i < KIDS; i++)
		test_reap(kids[i]);
	pass();
}
