/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A task whose session leader is dead and collected: it keeps the session's id.
 *
 * The first task is a child subreaper, so the orphan stays in its tree.
 */
#include <sys/prctl.h>
#include <sys/wait.h>

#include "zdtm.h"

int main(int argc, char **argv)
{
	struct test_sync sync;
	pid_t leader, orphan;
	int fd[2];

	test_init(argc, argv);
	MUST(prctl(PR_SET_CHILD_SUBREAPER, 1));
	test_sync_init(&sync);
	MUST(pipe(fd));
	leader = MUST(fork());
	if (leader == 0) {
		MUST(setsid());
		orphan = MUST(fork());
		if (orphan == 0) {
			close(fd[0]);
			close(fd[1]);
			while (getppid() == getsid(0))
				test_msleep(1);
			leader = getsid(0);
			test_sync_done(&sync);
			test_wait_polling();
			if (test_sabotage())
				MUST(setsid());
			CHECK_EQ(getsid(0), leader);
			CHECK_EQ(getpgid(0), leader);
			CHECK(kill(leader, 0) == -1 && errno == ESRCH);
			_exit(3);
		}
		CHECK(write(fd[1], &orphan, sizeof(orphan)) == sizeof(orphan));
		_exit(0);
	}
	CHECK(read(fd[0], &orphan, sizeof(orphan)) == sizeof(orphan));
	close(fd[0]);
	close(fd[1]);
	test_reap(leader);
	test_sync_wait(&sync, 1);

	test_ready();
	test_wait();

	CHECK_EQ(getsid(orphan), leader);
	test_reap_status(orphan, 3 << 8);
	pass();
}
