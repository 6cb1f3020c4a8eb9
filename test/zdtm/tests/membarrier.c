/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Registrations for membarrier(2) are kept, a child's and its parent's own.
 */
#include <linux/membarrier.h>
#include <sys/syscall.h>

#include "zdtm.h"

#define GET_REGISTRATIONS (1 << 9)

static int ask(int command)
{
	return syscall(SYS_membarrier, command, 0, 0);
}

int main(int argc, char **argv)
{
	int before;
	pid_t kid;

	test_init(argc, argv);
	if (ask(GET_REGISTRATIONS) < 0)
		skip("the kernel doesn't tell who is registered");
	MUST(ask(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED));
	kid = MUST(fork());
	if (kid == 0) {
		test_wait_polling();
		CHECK_EQ(ask(GET_REGISTRATIONS), MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED);
		MUST(ask(MEMBARRIER_CMD_PRIVATE_EXPEDITED));
		_exit(0);
	}
	MUST(ask(MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED));
	before = MUST(ask(GET_REGISTRATIONS));

	test_ready();
	test_wait();

	if (test_sabotage())
		MUST(ask(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE));
	CHECK_EQ(ask(GET_REGISTRATIONS), before);
	MUST(ask(MEMBARRIER_CMD_PRIVATE_EXPEDITED));
	test_reap(kid);
	pass();
}
