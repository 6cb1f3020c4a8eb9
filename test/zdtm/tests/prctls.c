/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Small attributes: dumpable, THP disabled, timer slack, oom_score_adj, personality.
 */
#include <fcntl.h>
#include <sys/personality.h>
#include <sys/prctl.h>

#include "zdtm.h"

int main(int argc, char **argv)
{
	struct test_sync sync;
	char text[32];
	pid_t kid;
	int fd;

	test_init(argc, argv);
	test_sync_init(&sync);
	fd = MUST(open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC));
	CHECK(write(fd, "321", 3) == 3);
	close(fd);
	MUST(prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0));
	MUST(personality(ADDR_NO_RANDOMIZE));
	kid = MUST(fork());
	if (kid == 0) {
		MUST(prctl(PR_SET_DUMPABLE, 0));
		MUST(prctl(PR_SET_THP_DISABLE, 0, 0, 0, 0));
		test_sync_done(&sync);
		test_wait_polling();
		CHECK_EQ(prctl(PR_GET_DUMPABLE), 0);
		CHECK_EQ(prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0), 0);
		_exit(0);
	}
	test_sync_wait(&sync, 1);

	test_ready();
	test_wait();

	if (test_sabotage())
		MUST(prctl(PR_SET_THP_DISABLE, 0, 0, 0, 0));
	CHECK_EQ(prctl(PR_GET_DUMPABLE), 1);
	CHECK_EQ(prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0), 1);
	CHECK_EQ(personality(0xffffffff), ADDR_NO_RANDOMIZE);
	test_read_file("/proc/self/oom_score_adj", text, sizeof(text));
	CHECK_EQ(atoi(text), 321);
	test_reap(kid);
	pass();
}
