/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Two descriptor tables shared crosswise: by grandparent and grandchild, and by the one between them and its other
 * child. No order of clone(2) and unshare(2) that criu knows makes that.
 *
 * expect: refused share their descriptor table, which a restore can't pass on
 */
#include <fcntl.h>

#include "sharing.h"

static volatile int *steps;

static void in_kid(void)
{
	pid_t first = fork_sharing(CLONE_FILES), second;

	if (first == 0) {
		test_wait_polling();
		MUST(dup2(1, 90));
		_exit(0);
	}
	MUST(unshare(CLONE_FILES));
	second = fork_sharing(CLONE_FILES);
	if (second == 0) {
		take_step(&steps[0]);
		test_wait_polling();
		MUST(dup2(1, 91));
		_exit(0);
	}
	test_reap(first);
	test_reap(second);
	CHECK_EQ(fcntl(90, F_GETFD), -1);
	CHECK_EQ(fcntl(91, F_GETFD), 0);
	_exit(0);
}

int main(int argc, char **argv)
{
	pid_t kid;

	test_init(argc, argv);
	steps = make_steps();
	kid = fork_sharing(CLONE_FILES);
	if (kid == 0)
		in_kid();
	wait_step(&steps[0], 1);

	test_ready();
	test_wait();

	test_reap(kid);
	CHECK_EQ(fcntl(90, F_GETFD), 0);
	CHECK_EQ(fcntl(91, F_GETFD), -1);
	pass();
}
