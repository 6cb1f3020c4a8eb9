/* SPDX-License-Identifier: GPL-2.0 */
#include "fam/guard.h"

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stddef.h>

static __thread sigjmp_buf *volatile landing;

static void on_sigbus(int sig)
{
	if (landing)
		siglongjmp(*landing, 1);
	signal(sig, SIG_DFL);
}

static void install(void)
{
	/* SA_NODEFER: the jump leaves the mask as it is. */
	struct sigaction action = { .sa_handler = on_sigbus, .sa_flags = SA_NODEFER };

	sigaction(SIGBUS, &action, NULL);
}

int fam_guarded(int (*work)(void *arg), void *arg)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	sigjmp_buf *outer = landing, here;
	sigset_t bus, before;
	int r;

	pthread_once(&once, install);
	sigemptyset(&bus);
	sigaddset(&bus, SIGBUS);
	pthread_sigmask(SIG_UNBLOCK, &bus, &before);
	if (sigsetjmp(here, 0)) {
		r = -EIO;
	} else {
		landing = &here;
		r = work(arg);
	}
	landing = outer;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return r;
}
