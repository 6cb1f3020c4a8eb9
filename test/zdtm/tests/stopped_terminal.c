/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Children that signals of terminals have stopped: their parent, which hasn't asked yet, is told which ones. In an
 * orphaned process group, and where the signal has a handler by now, they are stopped all the same.
 */
#include <sys/prctl.h>
#include <sys/wait.h>

#include "zdtm.h"

static const int signals[] = { SIGTSTP, SIGTTIN, SIGTTOU, SIGSTOP };
#define NR 4

static volatile sig_atomic_t handled;

static void on_stop(int sig)
{
	handled = 1;
}

static pid_t stopped_by(int sig, bool handler_later)
{
	int sync[2];
	char byte;
	pid_t kid;

	MUST(pipe(sync));
	kid = MUST(fork());
	if (kid == 0) {
		sigset_t set;

		MUST(setpgid(0, 0));
		if (handler_later) { /* it has one, and was stopped by another signal's default action before: SIGSTOP
				      */
			MUST(signal(SIGTSTP, on_stop) == SIG_ERR ? -1 : 0);
			sig = SIGSTOP;
		}
		sigemptyset(&set);
		MUST(sigprocmask(SIG_SETMASK, &set, NULL));
		CHECK_EQ(write(sync[1], "x", 1), 1);
		MUST(raise(sig));
		_exit(handled ? 1 : 30);
	}
	CHECK_EQ(read(sync[0], &byte, 1), 1);
	MUST(close(sync[0]));
	MUST(close(sync[1]));
	return kid;
}

static void wait_for_state(pid_t pid, char wanted)
{
	char state[64];

	for (int i = 0; i < 1000; i++) {
		test_status(pid, "State", state, sizeof(state));
		if (state[0] == wanted)
			return;
		test_msleep(5);
	}
	fail("%d is %s", pid, state);
}

int main(int argc, char **argv)
{
	pid_t kids[NR], handling;
	siginfo_t info;

	test_init(argc, argv);
	for (int i = 0; i < NR; i++) {
		kids[i] = stopped_by(signals[i], false);
		wait_for_state(kids[i], 'T');
	}
	handling = stopped_by(SIGSTOP, true);
	wait_for_state(handling, 'T');

	test_ready();
	test_wait();

	if (test_sabotage()) {
		kill(kids[0], SIGCONT);
		kill(kids[0], SIGSTOP);
		test_msleep(50);
	}
	for (int i = 0; i < NR; i++) {
		wait_for_state(kids[i], 'T');
		MUST(waitid(P_PID, kids[i], &info, WSTOPPED | WNOHANG));
		CHECK_EQ(info.si_pid, kids[i]);
		CHECK_EQ(info.si_code, CLD_STOPPED);
		CHECK_EQ(info.si_status, signals[i]);
		MUST(kill(kids[i], SIGCONT));
		test_reap_status(kids[i], 30 << 8);
	}
	wait_for_state(handling, 'T');
	MUST(kill(handling, SIGCONT));
	test_reap_status(handling, 30 << 8);
	pass();
}
