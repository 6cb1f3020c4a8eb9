/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A child with an exit signal of its own in the session of a sibling, who made it by CLONE_PARENT, is refused: who is
 * restored into such a session comes to its parent as an orphan, and orphans have SIGCHLD.
 *
 * expect: refused exit signal other than SIGCHLD in a session
 */
#include <sys/wait.h>

#include "sharing.h"

int main(int argc, char **argv)
{
	volatile int *steps;
	int status, nr = 0;
	pid_t kid;

	test_init(argc, argv);
	steps = make_steps();
	signal(SIGUSR2, SIG_IGN);
	kid = MUST(syscall(SYS_clone, SIGUSR2, NULL, NULL, NULL, NULL));
	if (kid == 0) {
		MUST(setsid());
		MUST(syscall(SYS_clone, CLONE_PARENT, NULL, NULL, NULL, NULL));
		take_step(&steps[0]);
		test_wait_polling();
		_exit(0);
	}
	wait_step(&steps[0], 2);

	test_ready();
	test_wait();

	while (waitpid(-1, &status, __WALL) > 0) {
		CHECK_EQ(status, 0);
		nr++;
	}
	CHECK_EQ(nr, 2);
	pass();
}
