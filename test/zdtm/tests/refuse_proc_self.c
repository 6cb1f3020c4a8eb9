/* SPDX-License-Identifier: GPL-2.0 */
/*
 * An open file about the task itself in /proc is refused.
 *
 * expect: refused /proc
 */
#include <fcntl.h>

#include "zdtm.h"

int main(int argc, char **argv)
{
	char byte;
	int fd;

	test_init(argc, argv);
	fd = MUST(open("/proc/self/status", O_RDONLY));

	test_ready();
	test_wait();

	CHECK_EQ(read(fd, &byte, 1), 1);
	pass();
}
