/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A registration for membarrier(2) is refused.
 *
 * expect: refused membarrier
 */
#include <linux/membarrier.h>
#include <sys/syscall.h>

#include "zdtm.h"

int main(int argc, char **argv)
{

	test_init(argc, argv);
	if (syscall(SYS_membarrier, 1 << 9 /* GET_REGISTRATIONS */, 0, 0) < 0)
		skip("the kernel doesn't tell who is registered");
	MUST(syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0));

	test_ready();
	test_wait();

	MUST(syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0));
	pass();
}
