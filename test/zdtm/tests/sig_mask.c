/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The blocked signals of a task that sleeps, of one in sigsuspend, and of one in a handler.
 */
#include <ucontext.h>

#include "zdtm.h"

static struct test_sync sync_all;
static sigset_t in_handler;

static void expect(const sigset_t *want)
{
	sigset_t now;
	int sig;

	MUST(sigprocmask(SIG_SETMASK, NULL, &now));
	for (sig = 1; sig < NSIG; sig++)
		if (sigismember(&now, sig) != sigismember(want, sig))
			fail("signal %d: %d", sig, sigismember(&now, sig));
}

static void handler(int sig, siginfo_t *info, void *context)
{
	sigset_t now;

	MUST(sigprocmask(SIG_SETMASK, NULL, &now));
	test_sync_done(&sync_all);
	test_wait_polling();
	if (test_sabotage())
		sigaddset(&now, SIGHUP);
	expect(&now);
	in_handler = now;
}

int main(int argc, char **argv)
{
	struct sigaction act = { .sa_sigaction = handler, .sa_flags = SA_SIGINFO };
	sigset_t mask;
	pid_t kid;

	test_init(argc, argv);
	test_sync_init(&sync_all);
	kid = MUST(fork());
	if (kid == 0) {
		sigemptyset(&mask);
		sigaddset(&mask, SIGTERM);
		sigaddset(&mask, SIGRTMAX);
		MUST(sigprocmask(SIG_SETMASK, &mask, NULL));
		sigemptyset(&act.sa_mask);
		sigaddset(&act.sa_mask, SIGQUIT);
		MUST(sigaction(SIGUSR1, &act, NULL));
		raise(SIGUSR1);
		expect(&mask);
		CHECK(sigismember(&in_handler, SIGUSR1) && sigismember(&in_handler, SIGQUIT));
		CHECK(sigismember(&in_handler, SIGRTMAX) && !sigismember(&in_handler, SIGINT));
		_exit(0);
	}
	test_sync_wait(&sync_all, 1);
	sigfillset(&mask);
	sigdelset(&mask, SIGKILL);
	sigdelset(&mask, SIGSTOP);
	sigdelset(&mask, SIGWINCH);
	MUST(sigprocmask(SIG_SETMASK, &mask, NULL));
	MUST(sigprocmask(SIG_SETMASK, NULL, &mask));

	test_ready();
	test_wait();

	expect(&mask);
	test_reap(kid);
	pass();
}
