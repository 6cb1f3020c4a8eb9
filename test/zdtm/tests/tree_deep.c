/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A chain of 30 tasks, each the child of the one before.
 */
#include "zdtm.h"

#define DEPTH 30

static struct test_sync sync_all;

static void chain(int depth)
{
	pid_t kid = 0, pid = getpid(), ppid = getppid();
	int mark = depth * 1000 + 7;

	if (depth < DEPTH) {
		kid = MUST(fork());
		if (kid == 0) {
			chain(depth + 1);
			_exit(0);
		}
	}
	if (depth == 0) {
		test_sync_wait(&sync_all, DEPTH);
		test_ready();
		test_wait();
	} else {
		test_sync_done(&sync_all);
		test_wait_polling();
	}
	CHECK_EQ(getpid(), pid);
	CHECK_EQ(getppid(), ppid);
	CHECK_EQ(mark, depth * 1000 + 7 + test_sabotage());
	if (kid)
		test_reap(kid);
}

int main(int argc, char **argv)
{
	test_init(argc, argv);
	test_sync_init(&sync_all);
	chain(0);
	pass();
}
