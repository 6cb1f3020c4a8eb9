/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A stopped timer on "the own CPU time" in a process of several threads: nothing tells whose.
 *
 * expect: refused POSIX timer 0, stopped, on the CPU time of one of several threads
 * cflags: -pthread
 */
#include <pthread.h>
#include <time.h>

#include "zdtm.h"

static volatile int runs;

static void *work(void *arg)
{
	runs = 1;
	test_wait_polling();
	return NULL;
}

int main(int argc, char **argv)
{
	struct itimerspec left;
	pthread_t thread;
	timer_t timer;

	test_init(argc, argv);
	CHECK(!pthread_create(&thread, NULL, work, NULL));
	while (!runs)
		test_msleep(1);
	MUST(timer_create(CLOCK_THREAD_CPUTIME_ID, NULL, &timer));

	test_ready();
	test_wait();

	CHECK(!pthread_join(thread, NULL));
	MUST(timer_gettime(timer, &left));
	pass();
}
