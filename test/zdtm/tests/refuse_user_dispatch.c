/* SPDX-License-Identifier: GPL-2.0 */
/*
 * System call user dispatch is refused.
 *
 * expect: refused dispatch
 */
#include <sys/prctl.h>

#include "zdtm.h"

#define PR_SET_SYSCALL_USER_DISPATCH_ 59

static char selector;

int main(int argc, char **argv)
{

	test_init(argc, argv);
	if (prctl(PR_SET_SYSCALL_USER_DISPATCH_, 1, 0x100000, 0x1000, &selector) < 0)
		skip("no user dispatch: %s", strerror(errno));

	test_ready();
	test_wait();

	MUST(prctl(PR_SET_SYSCALL_USER_DISPATCH_, 0, 0, 0, 0));
	pass();
}
