/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A child that ends with a signal other than SIGCHLD is refused.
 *
 * expect: refused exit signal
 */
#include <sched.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "zdtm.h"

int main(int argc, char **argv)
{
	int status;
	pid_t kid;

	test_init(argc, argv);
	signal(SIGUSR2, SIG_IGN);
	kid = MUST(syscall(SYS_clone, SIGUSR2, NULL, NULL, NULL, NULL));
	if (kid == 0) {
		test_wait_polling();
		_exit(3);
	}

	test_ready();
	test_wait();

	CHECK_EQ(waitpid(kid, &status, __WALL), kid);
	CHECK_EQ(WEXITSTATUS(status), 3);
	pass();
}
