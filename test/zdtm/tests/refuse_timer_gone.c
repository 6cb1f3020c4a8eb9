/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A POSIX timer that notifies a thread that has ended can't be made again.
 *
 * expect: refused POSIX timer 0, which notifies a thread that is gone
 * cflags: -pthread
 */
#include <pthread.h>
#include <sys/syscall.h>
#include <time.h>

#include "zdtm.h"

static timer_t timer;

static void *work(void *arg)
{
	struct sigevent event = { .sigev_notify = SIGEV_THREAD_ID, .sigev_signo = SIGUSR1 };

	event._sigev_un._tid = syscall(SYS_gettid);
	MUST(timer_create(CLOCK_MONOTONIC, &event, &timer));
	return NULL;
}

int main(int argc, char **argv)
{
	struct itimerspec left;
	pthread_t thread;

	test_init(argc, argv);
	CHECK(!pthread_create(&thread, NULL, work, NULL));
	CHECK(!pthread_join(thread, NULL));

	test_ready();
	test_wait();

	MUST(timer_gettime(timer, &left));
	pass();
}
