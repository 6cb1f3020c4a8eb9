/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A file locked by flock(2) is refused, the lock stays.
 *
 * expect: refused file lock.*FLOCK
 */
#include <sys/file.h>

#include "lock_test.h"

int main(int argc, char **argv)
{
	int fd;

	test_init(argc, argv);
	fd = open_lock_file();
	MUST(flock(fd, LOCK_EX));

	test_ready();
	test_wait();

	check_held(fd);
	pass();
}
