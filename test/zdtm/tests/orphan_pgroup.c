/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Tasks in a process group whose leader is dead and collected.
 */
#include "zdtm.h"

int main(int argc, char **argv)
{
	struct test_sync sync;
	pid_t leader, kid[2];
	int i;

	test_init(argc, argv);
	leader = MUST(fork());
	if (leader == 0) {
		pause();
		_exit(0);
	}
	MUST(setpgid(leader, leader));
	test_sync_init(&sync);
	for (i = 0; i < 2; i++) {
		kid[i] = MUST(fork());
		if (kid[i] == 0) {
			MUST(setpgid(0, leader));
			test_sync_done(&sync);
			test_wait_polling();
			if (test_sabotage())
				MUST(setpgid(0, 0));
			CHECK_EQ(getpgid(0), leader);
			_exit(0);
		}
	}
	test_sync_wait(&sync, 2);
	MUST(kill(leader, SIGKILL));
	test_reap_status(leader, SIGKILL);

	test_ready();
	test_wait();

	for (i = 0; i < 2; i++) {
		CHECK_EQ(test_sabotage() ? leader : getpgid(kid[i]), leader);
		test_reap(kid[i]);
	}
	pass();
}
