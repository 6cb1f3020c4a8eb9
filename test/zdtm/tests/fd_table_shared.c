/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A child that shares the descriptor table with its parent (CLONE_FILES) is refused, and goes on sharing it.
 *
 * expect: refused share their descriptor table
 */
#include <fcntl.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "zdtm.h"

int main(int argc, char **argv)
{
	pid_t kid;

	test_init(argc, argv);
	kid = MUST(syscall(SYS_clone, CLONE_FILES | SIGCHLD, NULL, NULL, NULL, NULL));
	if (kid == 0) {
		test_wait_polling();
		if (test_sabotage())
			MUST(unshare(CLONE_FILES));
		MUST(dup2(1, 99));
		_exit(0);
	}

	test_ready();
	test_wait();

	test_reap(kid);
	CHECK_EQ(fcntl(99, F_GETFD), 0);
	pass();
}
