/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A child whose exit signal is SIGKILL (clone(2)) takes its parent with it, but not when it is dumped.
 */
#include <sys/wait.h>

#include "sharing.h"

int main(int argc, char **argv)
{
	volatile int *steps;
	int status;
	pid_t kid;

	test_init(argc, argv);
	steps = make_steps();
	kid = MUST(fork());
	if (kid == 0) {
		if (MUST(syscall(SYS_clone, SIGKILL, NULL, NULL, NULL, NULL)) == 0) {
			take_step(&steps[0]);
			test_wait_polling();
			if (test_sabotage()) {
				kill(getppid(), SIGUSR1);
				test_msleep(100);
			}
			_exit(0);
		}
		for (;;)
			pause();
	}
	wait_step(&steps[0], 1);

	test_ready();
	test_wait();

	CHECK_EQ(waitpid(kid, &status, 0), kid);
	CHECK(WIFSIGNALED(status));
	CHECK_EQ(WTERMSIG(status), SIGKILL);
	pass();
}
