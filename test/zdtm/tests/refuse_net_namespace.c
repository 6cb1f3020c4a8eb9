/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A task in another network namespace is refused.
 *
 * expect: refused net namespace
 */
#include <sched.h>

#include "zdtm.h"

int main(int argc, char **argv)
{

	test_init(argc, argv);
	MUST(unshare(CLONE_NEWNET));

	test_ready();
	test_wait();

	pass();
}
