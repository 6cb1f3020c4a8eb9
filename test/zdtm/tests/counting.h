/* SPDX-License-Identifier: GPL-2.0 */
/* A process of NR threads that count as fast as they can until SIGCONT comes; it exits with 23 then. */
#ifndef COUNTING_H
#define COUNTING_H

#include <pthread.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "zdtm.h"

static volatile uint64_t *counts; /* shared, NR of them */
static volatile bool end;

static void *count(void *arg)
{
	volatile uint64_t *mine = arg;

	while (!end)
		++*mine;
	return NULL;
}

static void on_cont(int sig)
{
	end = true;
}

static inline void make_counts(void)
{
	counts = MUST(mmap(NULL, TEST_PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
}

__attribute__((noreturn)) static inline void count_until_cont(void)
{
	pthread_t threads[NR];

	MUST(signal(SIGCONT, on_cont) == SIG_ERR ? -1 : 0);
	for (int i = 1; i < NR; i++)
		CHECK_EQ(pthread_create(&threads[i], NULL, count, (void *)&counts[i]), 0);
	count((void *)&counts[0]);
	for (int i = 1; i < NR; i++)
		CHECK_EQ(pthread_join(threads[i], NULL), 0);
	_exit(23);
}

/* All count; then SIG stops PID. */
static inline void stop_counting(pid_t pid, int sig)
{
	siginfo_t info;

	for (int i = 0; i < NR; i++)
		while (!counts[i])
			test_msleep(1);
	MUST(kill(pid, sig));
	MUST(waitid(P_PID, pid, &info, WSTOPPED));
	CHECK_EQ(info.si_status, sig);
}

#endif
