/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Scheduling policy, priority, nice value and reset-on-fork flag: other, batch, idle, fifo, round robin.
 */
#include <sched.h>
#include <sys/resource.h>

#include "zdtm.h"

static const struct {
	int policy, prio, nice;
} kinds[] = {
	{ SCHED_OTHER, 0, -7 },
	{ SCHED_OTHER, 0, 19 },
	{ SCHED_BATCH, 0, 5 },
	{ SCHED_IDLE, 0, 3 },
	{ SCHED_FIFO, 7, 0 },
	{ SCHED_RR, 3, 0 },
	{ SCHED_RR | SCHED_RESET_ON_FORK, 2, 1 },
};
#define KIDS (int)(sizeof(kinds) / sizeof(kinds[0]))

int main(int argc, char **argv)
{
	struct sched_param param;
	struct test_sync sync;
	pid_t kids[KIDS];
	int i;

	test_init(argc, argv);
	test_sync_init(&sync);
	for (i = 0; i < KIDS; i++) {
		kids[i] = MUST(fork());
		if (kids[i] == 0) {
			MUST(setpriority(PRIO_PROCESS, 0, kinds[i].nice));
			param.sched_priority = kinds[i].prio;
			MUST(sched_setscheduler(0, kinds[i].policy, &param));
			test_sync_done(&sync);
			test_wait_polling();
			CHECK_EQ(sched_getscheduler(0), kinds[i].policy);
			MUST(sched_getparam(0, &param));
			CHECK_EQ(param.sched_priority, kinds[i].prio);
			CHECK_EQ(getpriority(PRIO_PROCESS, 0), kinds[i].nice + (test_sabotage() && i == 3));
			_exit(0);
		}
	}
	test_sync_wait(&sync, KIDS);

	test_ready();
	test_wait();

	for (i = 0; i < KIDS; i++)
		test_reap(kids[i]);
	pass();
}
