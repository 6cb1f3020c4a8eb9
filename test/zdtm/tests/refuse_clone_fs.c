/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Two processes that share directories and umask (CLONE_FS) are refused.
 *
 * expect: refused share their directories
 */
#include <sched.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "zdtm.h"

int main(int argc, char **argv)
{
	pid_t kid;

	test_init(argc, argv);
	kid = MUST(syscall(SYS_clone, CLONE_FS | SIGCHLD, NULL, NULL, NULL, NULL));
	if (kid == 0) {
		test_wait_polling();
		umask(0123);
		_exit(0);
	}

	test_ready();
	test_wait();

	test_reap(kid);
	CHECK_EQ(umask(0), 0123);
	pass();
}
