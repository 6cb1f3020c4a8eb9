/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A task that denied itself executable memory (PR_SET_MDWE) is refused.
 *
 * expect: refused PR_SET_MDWE
 */
#include <sys/prctl.h>

#include "zdtm.h"

#define PR_SET_MDWE_ 65
#define PR_GET_MDWE_ 66

int main(int argc, char **argv)
{

	test_init(argc, argv);
	if (prctl(PR_SET_MDWE_, 1, 0, 0, 0) < 0)
		skip("no PR_SET_MDWE: %s", strerror(errno));

	test_ready();
	test_wait();

	CHECK_EQ(prctl(PR_GET_MDWE_, 0, 0, 0, 0), 1);
	pass();
}
