/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Standard descriptors closed or replaced: 0 and 2 closed in the parent, all closed in a child but its result.
 */
#include <fcntl.h>

#include "zdtm.h"

int main(int argc, char **argv)
{
	struct test_sync sync;
	pid_t kid;

	test_init(argc, argv);
	test_sync_init(&sync);
	kid = MUST(fork());
	if (kid == 0) {
		test_sync_done(&sync);
		close(0);
		close(1);
		close(2);
		test_wait_polling();
		_exit(fcntl(0, F_GETFD) != -1 || fcntl(1, F_GETFD) != -1 || fcntl(2, F_GETFD) != -1);
	}
	test_sync_wait(&sync, 1);
	close(0);
	close(2);

	test_ready();
	test_wait();

	if (test_sabotage())
		dup2(1, 2);
	CHECK_EQ(fcntl(0, F_GETFD), -1);
	CHECK_EQ(fcntl(2, F_GETFD), -1);
	test_reap(kid);
	pass();
}
