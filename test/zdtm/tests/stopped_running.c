/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The threads of a stopped process make no step until it goes on.
 *
 * Each counts as fast as it can; the counts are what they were when the process was stopped.
 */
#include <pthread.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "zdtm.h"

#define NR 8

static volatile uint64_t *counts; /* shared */
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

static void child(void)
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

int main(int argc, char **argv)
{
	uint64_t before[NR];
	siginfo_t info;
	pid_t kid;

	test_init(argc, argv);
	counts = MUST(mmap(NULL, TEST_PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
	kid = MUST(fork());
	if (kid == 0)
		child();
	for (int i = 0; i < NR; i++)
		while (!counts[i])
			test_msleep(1);
	MUST(kill(kid, SIGSTOP));
	MUST(waitid(P_PID, kid, &info, WSTOPPED));
	memcpy(before, (void *)counts, sizeof(before));

	test_ready();
	test_wait();

	before[0] += test_sabotage();
	for (int i = 0; i < NR; i++)
		CHECK_EQ(counts[i], before[i]);
	MUST(kill(kid, SIGCONT));
	test_reap_status(kid, 23 << 8);
	pass();
}
