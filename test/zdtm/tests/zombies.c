/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Children that have ended but were not collected yet stay so, each with its exit status or signal.
 */
#include <sys/wait.h>

#include "zdtm.h"

static const int status_of[] = { 0, 1 << 8, 42 << 8, 255 << 8, SIGKILL, SIGTERM, SIGUSR1, SIGSEGV };
#define KIDS (int)(sizeof(status_of) / sizeof(status_of[0]))

int main(int argc, char **argv)
{
	siginfo_t info;
	pid_t kids[KIDS];
	int i, sig;

	test_init(argc, argv);
	for (i = 0; i < KIDS; i++) {
		kids[i] = MUST(fork());
		if (kids[i] == 0) {
			sig = status_of[i] & 0x7f;
			if (sig) {
				sigset_t set;

				sigemptyset(&set);
				signal(sig, SIG_DFL);
				sigprocmask(SIG_SETMASK, &set, NULL);
				kill(getpid(), sig);
			}
			_exit(status_of[i] >> 8);
		}
	}
	for (i = 0; i < KIDS; i++)
		MUST(waitid(P_PID, kids[i], &info, WEXITED | WNOWAIT));

	test_ready();
	test_wait();

	if (test_sabotage())
		MUST(waitpid(kids[3], NULL, 0));
	for (i = 0; i < KIDS; i++)
		test_reap_status(kids[i], status_of[i]);
	CHECK(waitpid(-1, NULL, 0) == -1 && errno == ECHILD);
	pass();
}
