/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A descriptor table that a parent, a child and a grandchild share (CLONE_FILES): what one opens or closes, all see.
 */
#include <fcntl.h>

#include "sharing.h"

static volatile int *steps;

static void in_kid(void)
{
	pid_t kid = fork_sharing(CLONE_FILES);

	if (kid == 0) {
		take_step(&steps[0]);
		wait_step(&steps[2], 1);
		CHECK_EQ(fcntl(90, F_GETFD), 0);
		MUST(close(90));
		MUST(dup2(1, 91));
		_exit(0);
	}
	wait_step(&steps[1], 1);
	if (test_sabotage())
		MUST(unshare(CLONE_FILES));
	CHECK_EQ(fcntl(80, F_GETFD), FD_CLOEXEC);
	MUST(dup2(1, 90));
	take_step(&steps[2]);
	test_reap(kid);
	CHECK_EQ(fcntl(90, F_GETFD), -1);
	_exit(0);
}

int main(int argc, char **argv)
{
	pid_t kid;

	test_init(argc, argv);
	steps = make_steps();
	MUST(dup3(1, 80, O_CLOEXEC));
	kid = fork_sharing(CLONE_FILES);
	if (kid == 0)
		in_kid();
	wait_step(&steps[0], 1);

	test_ready();
	test_wait();

	take_step(&steps[1]);
	test_reap(kid);
	CHECK_EQ(fcntl(90, F_GETFD), -1);
	CHECK_EQ(fcntl(91, F_GETFD), 0);
	CHECK_EQ(fcntl(80, F_GETFD), FD_CLOEXEC);
	pass();
}
