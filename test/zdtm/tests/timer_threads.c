/* SPDX-License-Identifier: GPL-2.0 */
/*
 * POSIX timers that notify one thread (SIGEV_THREAD_ID), one with its signal pending there, and timers on the CPU time
 * of a thread: all of it, and what it ran outside of the kernel, which is counted by ticks.
 *
 * cflags: -pthread
 */
#include <pthread.h>
#include <sys/syscall.h>
#include <time.h>

#include "zdtm.h"

#define NR 3

#ifndef sigev_notify_thread_id
#define sigev_notify_thread_id _sigev_un._tid
#endif

/* The calling thread's, as clock_gettime(2) knows it; libc has no name for it. */
#define THREAD_USER_TIME ((clockid_t)(~0u << 3 | 5))

struct worker {
	pthread_t thread;
	timer_t periodic, cpu, user;
	volatile int ready;
};

static int64_t nsec_left(timer_t timer)
{
	struct itimerspec left;

	MUST(timer_gettime(timer, &left));
	return left.it_value.tv_sec * 1000000000ll + left.it_value.tv_nsec;
}

/* It goes on by our time. */
static void check_ours(timer_t timer)
{
	int64_t before = nsec_left(timer);

	while (nsec_left(timer) == before)
		for (volatile int i = 0; i < 10000; i++)
			;
}

static void check_worker(struct worker *w, sigset_t *set)
{
	struct timespec limit = { 20, 0 };
	struct itimerspec left;
	siginfo_t info;
	uint64_t burn;

	/* The signal that was pending, and the next. */
	for (int i = 0; i < 2; i++) {
		CHECK_EQ(sigtimedwait(set, &info, &limit), SIGUSR1);
		CHECK_EQ(info.si_code, SI_TIMER);
		CHECK_EQ(info.si_timerid, (int)(intptr_t)w->periodic);
		CHECK_EQ((uintptr_t)info.si_value.sival_ptr, (uintptr_t)w);
	}
	MUST(timer_gettime(w->cpu, &left));
	burn = left.it_value.tv_nsec;
	CHECK(left.it_value.tv_sec == 500 || (left.it_value.tv_sec == 499 && burn > 100000000));
	check_ours(w->cpu);
	check_ours(w->user);
	burn = nsec_left(w->cpu);
	test_msleep(100);
	CHECK(burn - nsec_left(w->cpu) < 50000000);
}

static void *work(void *arg)
{
	struct worker *w = arg;
	struct sigevent event = { .sigev_notify = SIGEV_THREAD_ID,
				  .sigev_signo = SIGUSR1,
				  .sigev_value.sival_ptr = w,
				  .sigev_notify_thread_id = syscall(SYS_gettid) };
	struct itimerspec soon = { { 0, 30000000 }, { 0, 1000000 } }, far = { .it_value.tv_sec = 500 };
	sigset_t set, pending;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	MUST(timer_create(CLOCK_MONOTONIC, &event, &w->periodic));
	MUST(timer_settime(w->periodic, 0, &soon, NULL));
	event.sigev_signo = SIGUSR2;
	MUST(timer_create(CLOCK_THREAD_CPUTIME_ID, &event, &w->cpu));
	MUST(timer_settime(w->cpu, 0, &far, NULL));
	MUST(timer_create(THREAD_USER_TIME, &event, &w->user));
	MUST(timer_settime(w->user, 0, &far, NULL));
	do
		sigpending(&pending);
	while (!sigismember(&pending, SIGUSR1));
	w->ready = 1;
	test_wait_polling();
	if (test_sabotage())
		MUST(timer_settime(w->periodic, 0, &far, NULL));
	check_worker(w, &set);
	return NULL;
}

int main(int argc, char **argv)
{
	struct worker workers[NR] = { 0 };
	sigset_t set;

	test_init(argc, argv);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGUSR2);
	MUST(sigprocmask(SIG_BLOCK, &set, NULL));
	for (int i = 0; i < NR; i++)
		CHECK(!pthread_create(&workers[i].thread, NULL, work, &workers[i]));
	for (int i = 0; i < NR; i++)
		while (!workers[i].ready)
			test_msleep(1);

	test_ready();
	test_wait();

	for (int i = 0; i < NR; i++)
		CHECK(!pthread_join(workers[i].thread, NULL));
	pass();
}
