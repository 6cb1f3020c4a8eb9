/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Long queues of real-time signals, of the process and of each thread: every one with its value, in order.
 *
 * cflags: -pthread
 */
#include <pthread.h>
#include <sys/syscall.h>

#include "zdtm.h"

#define NR_THREADS 3
#define NR_SIGNALS 300 /* per queue */

static pthread_t threads[NR_THREADS];
static volatile pid_t tids[NR_THREADS];
static volatile int step;

/* The Nth of queue WHO: three signals, mixed. */
static int signo_of(int n)
{
	return SIGRTMIN + 1 + n * 7 % 3;
}

static int value_of(int who, int n)
{
	return who * 100000 + n;
}

static void fill(pid_t tid, int who)
{
	for (int n = 0; n < NR_SIGNALS; n++) {
		siginfo_t info = { .si_signo = signo_of(n), .si_code = SI_QUEUE };

		info.si_pid = getpid();
		info.si_uid = 4711;
		info.si_value.sival_int = value_of(who, n);
		if (tid)
			MUST(syscall(SYS_rt_tgsigqueueinfo, getpid(), tid, info.si_signo, &info));
		else
			MUST(syscall(SYS_rt_sigqueueinfo, getpid(), info.si_signo, &info));
	}
}

/* A thread's own signals come before those of the process. */
static void drain(int who)
{
	for (int which = 0; which < 3; which++)
		for (int n = 0; n < NR_SIGNALS; n++) {
			struct timespec none = { 0 };
			siginfo_t info = { 0 };
			sigset_t set;

			if (signo_of(n) != SIGRTMIN + 1 + which)
				continue;
			sigemptyset(&set);
			sigaddset(&set, signo_of(n));
			CHECK_EQ(sigtimedwait(&set, &info, &none), signo_of(n));
			CHECK_EQ(info.si_code, SI_QUEUE);
			CHECK_EQ(info.si_uid, 4711);
			CHECK_EQ(info.si_pid, getpid());
			CHECK_EQ(info.si_value.sival_int, value_of(who, n));
		}
}

static void *work(void *arg)
{
	int who = (intptr_t)arg;

	tids[who] = syscall(SYS_gettid);
	test_wait_polling();
	while (step <= who)
		test_msleep(1);
	drain(who + 1);
	__atomic_add_fetch(&step, 1, __ATOMIC_SEQ_CST);
	return NULL;
}

int main(int argc, char **argv)
{
	sigset_t set;

	test_init(argc, argv);
	sigemptyset(&set);
	for (int i = 0; i < 3; i++)
		sigaddset(&set, SIGRTMIN + 1 + i);
	MUST(sigprocmask(SIG_BLOCK, &set, NULL));
	for (int i = 0; i < NR_THREADS; i++) {
		CHECK(!pthread_create(&threads[i], NULL, work, (void *)(intptr_t)i));
		while (!tids[i])
			test_msleep(1);
		fill(tids[i], i + 1);
	}
	fill(0, 0);

	test_ready();
	test_wait();

	if (test_sabotage())
		MUST(sigwaitinfo(&set, NULL));
	step = 1;
	for (int i = 0; i < NR_THREADS; i++)
		CHECK(!pthread_join(threads[i], NULL));
	drain(0);
	pass();
}
