/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A lease (F_SETLEASE) is refused, and stays.
 *
 * expect: refused lease.*LEASE
 */
#include "lock_test.h"

int main(int argc, char **argv)
{
	int fd;

	test_init(argc, argv);
	fd = open_lock_file();
	MUST(fcntl(fd, F_SETLEASE, F_WRLCK));

	test_ready();
	test_wait();

	check_held(fd);
	pass();
}
