/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Two processes that share their memory (CLONE_VM) are refused.
 *
 * expect: refused share their memory
 */
#include <sched.h>

#include "zdtm.h"

static char stack[64 << 10] __attribute__((aligned(16)));
static volatile int value;

static int in_kid(void *arg)
{
	while (!test_go())
		usleep(5000);
	value = 5;
	return 0;
}

int main(int argc, char **argv)
{
	pid_t kid;

	test_init(argc, argv);
	kid = MUST(clone(in_kid, stack + sizeof(stack) - 64, CLONE_VM | SIGCHLD, NULL));

	test_ready();
	test_wait();

	test_reap(kid);
	CHECK_EQ(value, 5);
	pass();
}
