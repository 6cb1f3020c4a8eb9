/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A zombie whose parent isn't the first task, in a process group and session of its own.
 */
#include <sys/wait.h>

#include "zdtm.h"

int main(int argc, char **argv)
{
	struct test_sync sync;
	siginfo_t info;
	pid_t kid, dead;

	test_init(argc, argv);
	test_sync_init(&sync);
	kid = MUST(fork());
	if (kid == 0) {
		dead = MUST(fork());
		if (dead == 0) {
			setsid();
			_exit(17);
		}
		MUST(waitid(P_PID, dead, &info, WEXITED | WNOWAIT));
		CHECK_EQ(getsid(dead), dead);
		test_sync_done(&sync);
		test_wait_polling();
		if (test_sabotage())
			dead++;
		MUST(waitid(P_PID, dead, &info, WEXITED | WNOWAIT));
		CHECK_EQ(info.si_status, 17);
		CHECK_EQ(getsid(dead), dead);
		CHECK_EQ(getpgid(dead), dead);
		test_reap_status(dead, 17 << 8);
		_exit(0);
	}
	test_sync_wait(&sync, 1);

	test_ready();
	test_wait();

	test_reap(kid);
	pass();
}
