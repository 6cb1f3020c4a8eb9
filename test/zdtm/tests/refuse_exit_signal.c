/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A child with the number of no signal as its exit signal, which clone(2) takes and clone3(2) doesn't, is refused.
 *
 * expect: refused exit signal that doesn't exist
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
	kid = MUST(syscall(SYS_clone, 200, NULL, NULL, NULL, NULL));
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
