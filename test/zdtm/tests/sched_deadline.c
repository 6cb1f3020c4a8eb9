/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Deadline scheduling: runtime, deadline, period and flags of a child.
 */
#include <sys/syscall.h>
#include <sys/wait.h>

#include "zdtm.h"

#define DEADLINE 6
#define RECLAIM	 2

struct attr {
	uint32_t size, policy;
	uint64_t flags;
	int32_t nice;
	uint32_t priority;
	uint64_t runtime, deadline, period;
};

static const struct attr wanted = {
	.size = sizeof(wanted),
	.policy = DEADLINE,
	.flags = RECLAIM,
	.runtime = 2000000,
	.deadline = 30000000,
	.period = 60000000,
};

int main(int argc, char **argv)
{
	struct test_sync sync;
	int status = -1;
	pid_t kid;

	test_init(argc, argv);
	test_sync_init(&sync);
	kid = MUST(fork());
	if (kid == 0) {
		struct attr now = { 0 };
		bool deadline = !syscall(SYS_sched_setattr, 0, &wanted, 0);

		test_sync_done(&sync);
		test_wait_polling();
		if (!deadline)
			_exit(77);
		MUST(syscall(SYS_sched_getattr, 0, &now, sizeof(now), 0));
		if (test_sabotage())
			now.period++;
		CHECK_MEM(&now, &wanted, sizeof(now));
		_exit(0);
	}
	test_sync_wait(&sync, 1);

	test_ready();
	test_wait();

	if (waitpid(kid, &status, 0) == kid && status == 77 << 8)
		skip("no deadline scheduling to be had");
	CHECK_EQ(status, 0);
	pass();
}
