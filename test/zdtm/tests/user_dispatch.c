/* SPDX-License-Identifier: GPL-2.0 */
/*
 * System call user dispatch: the calls of a thread become SIGSYS while its selector says so.
 */
#include "dispatch_test.h"

int main(int argc, char **argv)
{
	pthread_t thread;

	test_init(argc, argv);
	need_dispatch_told();
	thread = start_dispatched();

	test_ready();
	test_wait();

	end_dispatched(thread, test_sabotage());
	CHECK_EQ(syscall(SYS_getppid), getppid());
	pass();
}
