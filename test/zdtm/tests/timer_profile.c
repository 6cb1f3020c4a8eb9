/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Threads that profile themselves: each has a timer of a few milliseconds on its CPU time. Often one is due when the
 * threads are stopped, and not yet sent.
 *
 * cflags: -pthread
 */
#include <pthread.h>
#include <sys/syscall.h>
#include <time.h>

#include "zdtm.h"

#define NR     3
#define PERIOD 5000000
#define ENOUGH 5
#define LIMIT  500000000

#ifndef sigev_notify_thread_id
#define sigev_notify_thread_id _sigev_un._tid
#endif

static __thread volatile int samples;

static void on_sample(int sig)
{
	samples++;
}

static void *work(void *arg)
{
	struct sigevent event = { .sigev_notify = SIGEV_THREAD_ID,
				  .sigev_signo = SIGPROF,
				  .sigev_notify_thread_id = syscall(SYS_gettid) };
	struct itimerspec period = { { 0, PERIOD }, { 0, PERIOD } }, never = { 0 };
	struct timespec began, now;
	volatile int *ready = arg;
	timer_t timer;
	int before;

	MUST(timer_create(CLOCK_THREAD_CPUTIME_ID, &event, &timer));
	MUST(timer_settime(timer, 0, &period, NULL));
	*ready = 1;
	while (!test_go_flag)
		;
	if (test_sabotage())
		MUST(timer_settime(timer, 0, &never, NULL));
	MUST(clock_gettime(CLOCK_THREAD_CPUTIME_ID, &began));
	before = samples;
	do
		MUST(clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now));
	while (samples - before < ENOUGH &&
	       (now.tv_sec - began.tv_sec) * 1000000000ll + now.tv_nsec - began.tv_nsec < LIMIT);
	CHECK(samples - before >= ENOUGH);
	return NULL;
}

int main(int argc, char **argv)
{
	const struct sigaction action = { .sa_handler = on_sample, .sa_flags = SA_RESTART };
	volatile int ready[NR] = { 0 };
	pthread_t threads[NR];

	test_init(argc, argv);
	MUST(sigaction(SIGPROF, &action, NULL));
	for (int i = 0; i < NR; i++)
		CHECK(!pthread_create(&threads[i], NULL, work, (void *)&ready[i]));
	for (int i = 0; i < NR; i++)
		while (!ready[i])
			test_msleep(1);

	test_ready();
	test_wait();

	for (int i = 0; i < NR; i++)
		CHECK(!pthread_join(threads[i], NULL));
	pass();
}
