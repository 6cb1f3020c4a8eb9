/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The action of every signal: handler, flags, mask; default and ignored ones too. And they work.
 */
#include "zdtm.h"

static volatile int got_sig;
static volatile siginfo_t got_info;

static void simple(int sig)
{
	got_sig = sig;
}

static void detailed(int sig, siginfo_t *info, void *context)
{
	got_sig = -sig;
	got_info = *info;
}

static void action_of(int sig, struct sigaction *act)
{
	static const int flags[] = { 0, SA_RESTART, SA_NODEFER, SA_RESETHAND, SA_ONSTACK, SA_NOCLDSTOP };

	memset(act, 0, sizeof(*act));
	switch (sig % 4) {
	case 0:
		act->sa_handler = simple;
		act->sa_flags = flags[sig % 6];
		break;
	case 1:
		act->sa_sigaction = detailed;
		act->sa_flags = SA_SIGINFO | flags[sig % 5];
		break;
	case 2:
		act->sa_handler = SIG_IGN;
		break;
	default:
		act->sa_handler = SIG_DFL;
	}
	sigemptyset(&act->sa_mask);
	sigaddset(&act->sa_mask, sig % 20 + 1);
	sigaddset(&act->sa_mask, SIGRTMIN + sig % 7);
	sigdelset(&act->sa_mask, SIGKILL);
	sigdelset(&act->sa_mask, SIGSTOP);
}

static bool special(int sig)
{
	return sig == SIGKILL || sig == SIGSTOP || sig == SIGTERM || (sig > 31 && sig < SIGRTMIN);
}

int main(int argc, char **argv)
{
	struct sigaction act, now;
	union sigval value = { .sival_int = 4242 };
	int sig, i;

	test_init(argc, argv);
	for (sig = 1; sig <= SIGRTMAX; sig++) {
		if (special(sig))
			continue;
		action_of(sig, &act);
		MUST(sigaction(sig, &act, NULL));
	}

	test_ready();
	test_wait();

	if (test_sabotage())
		signal(SIGRTMIN + 3, SIG_DFL);
	for (sig = 1; sig <= SIGRTMAX; sig++) {
		if (special(sig))
			continue;
		action_of(sig, &act);
		MUST(sigaction(sig, NULL, &now));
		if (now.sa_handler != act.sa_handler)
			fail("signal %d: handler %p, not %p", sig, now.sa_handler, act.sa_handler);
		if ((now.sa_flags & ~0x04000000) != act.sa_flags)
			fail("signal %d: flags %#x, not %#x", sig, now.sa_flags, act.sa_flags);
		for (i = 1; i < NSIG; i++)
			if (sigismember(&now.sa_mask, i) != sigismember(&act.sa_mask, i))
				fail("signal %d: mask differs in %d", sig, i);
	}
	raise(SIGUSR2); /* 12: simple */
	CHECK_EQ(got_sig, SIGUSR2);
	MUST(sigqueue(getpid(), 37, value)); /* a realtime one, detailed */
	CHECK_EQ(got_sig, -37);
	CHECK_EQ(got_info.si_value.sival_int, 4242);
	pass();
}
