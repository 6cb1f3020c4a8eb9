/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Children that signals of terminals have stopped: their parent, which hasn't asked yet, is told which ones. One whose
 * signal has got a handler since, by a process that it shares its handlers with, is stopped all the same.
 */
#include <sys/wait.h>

#include "sharing.h"

static const int signals[] = { SIGTSTP, SIGTTIN, SIGTTOU, SIGSTOP };
#define NR 4

static volatile sig_atomic_t handled;
static volatile int *steps;

static void on_stop(int sig)
{
	handled = 1;
}

static pid_t stopped_by(int sig)
{
	pid_t kid = MUST(fork());

	if (kid == 0) {
		MUST(setpgid(0, 0));
		MUST(raise(sig));
		_exit(30);
	}
	return kid;
}

static int set_handler(void *arg)
{
	wait_step(&steps[0], 1);
	if (signal(SIGTSTP, on_stop) == SIG_ERR)
		_exit(1);
	take_step(&steps[1]);
	wait_step(&steps[0], 2);
	_exit(0);
}

static pid_t stopped_before_handler(void)
{
	pid_t kid = MUST(fork()), other;

	if (kid == 0) {
		MUST(setpgid(0, 0));
		other = clone_on_stack(set_handler, CLONE_VM | CLONE_SIGHAND | SIGCHLD);
		MUST(raise(SIGTSTP));
		take_step(&steps[0]);
		test_reap(other);
		_exit(handled ? 1 : 30);
	}
	return kid;
}

int main(int argc, char **argv)
{
	pid_t kids[NR], handling;
	siginfo_t info;

	test_init(argc, argv);
	steps = make_steps();
	for (int i = 0; i < NR; i++) {
		kids[i] = stopped_by(signals[i]);
		test_wait_state(kids[i], "T");
	}
	handling = stopped_before_handler();
	test_wait_state(handling, "T");
	take_step(&steps[0]);
	wait_step(&steps[1], 1);

	test_ready();
	test_wait();

	if (test_sabotage()) {
		kill(kids[0], SIGCONT);
		kill(kids[0], SIGSTOP);
	}
	for (int i = 0; i < NR; i++) {
		test_wait_state(kids[i], "T");
		MUST(waitid(P_PID, kids[i], &info, WSTOPPED | WNOHANG));
		CHECK_EQ(info.si_pid, kids[i]);
		CHECK_EQ(info.si_code, CLD_STOPPED);
		CHECK_EQ(info.si_status, signals[i]);
		MUST(kill(kids[i], SIGCONT));
		test_reap_status(kids[i], 30 << 8);
	}
	test_wait_state(handling, "T");
	MUST(kill(handling, SIGCONT));
	test_reap_status(handling, 30 << 8);
	pass();
}
