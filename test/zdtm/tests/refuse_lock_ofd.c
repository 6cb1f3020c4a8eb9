/* SPDX-License-Identifier: GPL-2.0 */
/*
 * An open file description lock (F_OFD_SETLK) is refused, the lock stays.
 *
 * expect: refused file lock.*OFDLCK
 */
#include "lock_test.h"

int main(int argc, char **argv)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 10 };
	int fd;

	test_init(argc, argv);
	fd = open_lock_file();
	MUST(fcntl(fd, F_OFD_SETLK, &lock));

	test_ready();
	test_wait();

	check_held(fd);
	pass();
}
