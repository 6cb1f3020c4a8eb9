/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A task that may not read the time-stamp counter (PR_SET_TSC) is refused.
 *
 * expect: refused PR_SET_TSC
 */
#include <sys/prctl.h>

#include "zdtm.h"

int main(int argc, char **argv)
{
	int mode = 0;

	test_init(argc, argv);
	MUST(prctl(PR_SET_TSC, PR_TSC_SIGSEGV));

	test_ready();
	test_wait();

	MUST(prctl(PR_GET_TSC, &mode));
	CHECK_EQ(mode, PR_TSC_SIGSEGV);
	MUST(prctl(PR_SET_TSC, PR_TSC_ENABLE));
	pass();
}
