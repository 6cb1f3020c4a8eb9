/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A core scheduling cookie (PR_SCHED_CORE) is refused.
 *
 * expect: refused PR_SCHED_CORE
 */
#include <sys/prctl.h>

#include "zdtm.h"

#define SCHED_CORE_	   62
#define SCHED_CORE_CREATE_ 1

int main(int argc, char **argv)
{
	test_init(argc, argv);
	if (prctl(SCHED_CORE_, SCHED_CORE_CREATE_, 0, 0, 0) < 0)
		skip("no core scheduling: %s", strerror(errno));

	test_ready();
	test_wait();

	pass();
}
