/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Deadline scheduling is refused.
 *
 * expect: refused policy 6
 */
#include <sys/syscall.h>

#include "zdtm.h"

int main(int argc, char **argv)
{
	struct {
		uint32_t size, policy;
		uint64_t flags;
		int32_t nice;
		uint32_t priority;
		uint64_t runtime, deadline, period;
	} attr = { .size = sizeof(attr), .policy = 6, .runtime = 1000000, .deadline = 30000000, .period = 30000000 };

	test_init(argc, argv);
	if (syscall(SYS_sched_setattr, 0, &attr, 0) < 0)
		skip("no deadline scheduling: %s", strerror(errno));

	test_ready();
	test_wait();

	MUST(syscall(SYS_sched_getattr, 0, &attr, sizeof(attr), 0));
	CHECK_EQ(attr.policy, 6);
	pass();
}
