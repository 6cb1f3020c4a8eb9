/* SPDX-License-Identifier: GPL-2.0 */
/*
 * System call user dispatch is back after a dump that was refused for something else, as late as can be: a lock.
 *
 * expect: refused lock
 */
#include <fcntl.h>
#include <sys/file.h>

#include "dispatch_test.h"

int main(int argc, char **argv)
{
	pthread_t thread;
	int fd;

	test_init(argc, argv);
	need_dispatch_told();
	fd = MUST(open("lock", O_RDWR | O_CREAT | O_CLOEXEC, 0600));
	MUST(flock(fd, LOCK_EX));
	thread = start_dispatched();

	test_ready();
	test_wait();

	end_dispatched(thread, false);
	pass();
}
