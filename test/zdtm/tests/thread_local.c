/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What belongs to a thread and not to its process: signal mask, alternate stack, name, priority, affinity.
 */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include "zdtm.h"

#define NR 4

static atomic_int nr_started;

static void *body(void *arg)
{
	int nr = (intptr_t)arg, tid = syscall(SYS_gettid);
	static char alt_mem[NR][16384];
	stack_t alt = { .ss_sp = alt_mem[nr], .ss_size = sizeof(alt_mem[nr]) }, now;
	char name[16], name_now[16];
	sigset_t set, set_now;
	struct sched_param param = { 0 };
	cpu_set_t cpus, cpus_now;
	int sig;

	snprintf(name, sizeof(name), "thr \xff(%d) x", nr);
	MUST(prctl(PR_SET_NAME, name));
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGUSR1 + nr);
	sigaddset(&set, SIGRTMIN + nr);
	CHECK_EQ(pthread_sigmask(SIG_SETMASK, &set, NULL), 0);
	MUST(sigaltstack(&alt, NULL));
	MUST(setpriority(PRIO_PROCESS, tid, nr * 2));
	if (nr == 3)
		MUST(sched_setscheduler(tid, SCHED_BATCH, &param));
	CPU_ZERO(&cpus);
	CPU_SET(sched_getcpu(), &cpus);
	if (nr == 2)
		MUST(sched_setaffinity(tid, sizeof(cpus), &cpus));
	MUST(sched_getaffinity(tid, sizeof(cpus), &cpus));
	atomic_fetch_add(&nr_started, 1);

	test_wait_polling();

	if (test_sabotage() && nr == 1)
		MUST(prctl(PR_SET_NAME, "other"));
	MUST(prctl(PR_GET_NAME, name_now));
	CHECK_MEM(name_now, name, strlen(name) + 1);
	CHECK_EQ(pthread_sigmask(SIG_SETMASK, NULL, &set_now), 0);
	for (sig = 1; sig < NSIG; sig++)
		CHECK_EQ(sigismember(&set_now, sig), sigismember(&set, sig));
	MUST(sigaltstack(NULL, &now));
	CHECK(now.ss_sp == alt.ss_sp && now.ss_size == alt.ss_size && now.ss_flags == 0);
	errno = 0;
	CHECK_EQ(getpriority(PRIO_PROCESS, tid), nr * 2);
	CHECK_EQ(sched_getscheduler(tid), nr == 3 ? SCHED_BATCH : SCHED_OTHER);
	MUST(sched_getaffinity(tid, sizeof(cpus_now), &cpus_now));
	CHECK(CPU_EQUAL(&cpus, &cpus_now));
	CHECK(nr != 2 || CPU_COUNT(&cpus) == 1);
	return NULL;
}

int main(int argc, char **argv)
{
	pthread_t threads[NR];
	stack_t now;
	int i;

	test_init(argc, argv);
	for (i = 0; i < NR; i++)
		CHECK_EQ(pthread_create(&threads[i], NULL, body, (void *)(intptr_t)i), 0);
	while (atomic_load(&nr_started) < NR)
		test_msleep(2);

	test_ready();
	test_wait();

	for (i = 0; i < NR; i++)
		CHECK_EQ(pthread_join(threads[i], NULL), 0);
	MUST(sigaltstack(NULL, &now));
	CHECK_EQ(now.ss_flags, SS_DISABLE);
	pass();
}
