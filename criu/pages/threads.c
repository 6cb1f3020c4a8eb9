/* SPDX-License-Identifier: GPL-2.0 */
#include "pages/threads.h"

#include <sched.h>
#include <signal.h>

/* Below this a second thread costs more than it brings. */
#define LITTLE (8ul << 20)
#define ENOUGH 4

unsigned pages_threads_for(uint64_t bytes)
{
	cpu_set_t cpus;
	unsigned nr = sched_getaffinity(0, sizeof(cpus), &cpus) ? 1 : CPU_COUNT(&cpus);

	if (bytes < LITTLE || !nr)
		return 1;
	return nr > ENOUGH ? ENOUGH : nr;
}

int pages_thread_start(pthread_t *ret, void *(*run)(void *), void *arg)
{
	sigset_t all, before;
	int r;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	r = pthread_create(ret, NULL, run, arg);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return -r;
}
