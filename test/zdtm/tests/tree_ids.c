/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Pids, parents and thread ids are exactly those of before, in a tree of three generations.
 *
 * Each task notes its pid, its parent's and its thread's before the dump and compares afterwards;
 * parents collect their children.
 */
#include <sys/syscall.h>

#include "zdtm.h"

static struct test_sync sync_all;

static void grow(int depth)
{
	pid_t kids[3] = { 0 }, pid, ppid;
	int i, tid;

	pid = getpid();
	ppid = getppid();
	tid = syscall(SYS_gettid);
	if (depth < 2) {
		for (i = 0; i < 3; i++) {
			kids[i] = MUST(fork());
			if (kids[i] == 0) {
				grow(depth + 1);
				_exit(0);
			}
		}
	}
	if (depth == 0) {
		test_sync_wait(&sync_all, 12);
		test_ready();
		test_wait();
	} else {
		test_sync_done(&sync_all);
		test_wait_polling();
	}
	if (test_sabotage())
		pid++;
	CHECK_EQ(getpid(), pid);
	CHECK_EQ(getppid(), ppid);
	CHECK_EQ(syscall(SYS_gettid), tid);
	for (i = 0; i < 3 && kids[i]; i++)
		test_reap(kids[i]);
}

int main(int argc, char **argv)
{
	test_init(argc, argv);
	test_sync_init(&sync_all);
	grow(0);
	pass();
}
