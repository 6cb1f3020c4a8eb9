/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Signals that are blocked and pending, for the process and for one thread: still pending, in order, with their data.
 */
#include <pthread.h>
#include <sys/syscall.h>

#include "zdtm.h"

/* The C library's function hides SI_TKILL. */
static int take(const sigset_t *set, siginfo_t *info)
{
	struct timespec none = { 0 };

	return syscall(SYS_rt_sigtimedwait, set, info, &none, 8);
}

int main(int argc, char **argv)
{
	union sigval value;
	siginfo_t info;
	sigset_t set;
	int i, sig;

	test_init(argc, argv);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGUSR2);
	sigaddset(&set, SIGRTMIN + 5);
	MUST(sigprocmask(SIG_BLOCK, &set, NULL));
	MUST(kill(getpid(), SIGUSR1));
	MUST(syscall(SYS_tgkill, getpid(), syscall(SYS_gettid), SIGUSR2));
	for (i = 0; i < 5; i++) {
		value.sival_ptr = (void *)(0x123456789000ul + i);
		MUST(sigqueue(getpid(), SIGRTMIN + 5, value));
	}

	test_ready();
	test_wait();

	if (test_sabotage())
		take(&set, &info);
	for (i = 0; i < 7; i++) {
		sig = take(&set, &info);
		if (sig == -1)
			fail("only %d signals are pending", i);
		CHECK_EQ(info.si_pid, getpid());
		if (i < 2) {
			CHECK(sig == SIGUSR1 || sig == SIGUSR2);
			CHECK_EQ(info.si_code, sig == SIGUSR1 ? SI_USER : SI_TKILL);
			sigdelset(&set, sig);
		} else {
			CHECK_EQ(sig, SIGRTMIN + 5);
			CHECK_EQ(info.si_code, SI_QUEUE);
			CHECK(info.si_value.sival_ptr == (void *)(0x123456789000ul + i - 2));
		}
	}
	CHECK(take(&set, &info) == -1 && errno == EAGAIN);
	pass();
}
