/* SPDX-License-Identifier: GPL-2.0 */
#include "seize/exec_guard.h"

#include <errno.h>
#include <stddef.h>
#include <sys/time.h>
#include <sys/wait.h>

#define PERIOD_US 20000

static void collect(int signo)
{
	int saved = errno;

	(void)signo;
	for (;;) {
		siginfo_t info = { 0 };

		/* Stops of tracees are reported though WSTOPPED isn't asked for: look first, they aren't for us. */
		if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT | __WALL) < 0 || !info.si_pid)
			break;
		if (info.si_code == CLD_TRAPPED || info.si_code == CLD_STOPPED)
			break;
		waitid(P_PID, info.si_pid, &info, WEXITED | WNOHANG | __WALL);
	}
	errno = saved;
}

static int set_timer(long period_us)
{
	const struct timeval period = { .tv_usec = period_us };
	const struct itimerval timer = { period, period };

	return setitimer(ITIMER_REAL, &timer, NULL) < 0 ? -errno : 0;
}

int exec_guard_begin(struct exec_guard *guard)
{
	const struct sigaction action = { .sa_handler = collect, .sa_flags = SA_RESTART };
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGALRM);
	if (sigaction(SIGALRM, &action, &guard->action) < 0)
		return -errno;
	sigprocmask(SIG_UNBLOCK, &set, &guard->mask);
	return set_timer(PERIOD_US);
}

void exec_guard_end(struct exec_guard *guard)
{
	set_timer(0);
	sigprocmask(SIG_SETMASK, &guard->mask, NULL);
	sigaction(SIGALRM, &guard->action, NULL);
}
