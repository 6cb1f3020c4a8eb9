/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A process of several threads, stopped by a signal of a terminal, whose process group is orphaned since: its parent
 * has made a session of its own. The kernel drops such signals there, but it is stopped, and no thread makes a step.
 */
#define NR 4

#include "counting.h"

static void check_stopped(pid_t pid)
{
	char path[64], state[64];

	for (int i = 0; i < NR; i++) {
		snprintf(path, sizeof(path), "/proc/%d/task/%d", pid, pid + i);
		CHECK_EQ(access(path, F_OK), 0);
		test_status(pid + i, "State", state, sizeof(state));
		CHECK_EQ(state[0], 'T');
	}
}

static void parent(struct test_sync *sync)
{
	uint64_t before[NR];
	pid_t kid;

	kid = MUST(fork());
	if (kid == 0) {
		MUST(setpgid(0, 0));
		count_until_cont();
	}
	stop_counting(kid, SIGTSTP);
	MUST(setsid());
	memcpy(before, (void *)counts, sizeof(before));
	test_sync_done(sync);

	test_wait_polling();

	if (test_sabotage())
		MUST(kill(kid, SIGCONT));
	CHECK_MEM(before, (void *)counts, sizeof(before));
	check_stopped(kid);
	MUST(kill(kid, SIGCONT));
	test_reap_status(kid, 23 << 8);
	_exit(0);
}

int main(int argc, char **argv)
{
	struct test_sync sync;
	pid_t pid;

	test_init(argc, argv);
	make_counts();
	test_sync_init(&sync);
	pid = MUST(fork());
	if (pid == 0)
		parent(&sync);
	test_sync_wait(&sync, 1);

	test_ready();
	test_wait();

	test_reap(pid);
	pass();
}
