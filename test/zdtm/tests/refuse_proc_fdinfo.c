/* SPDX-License-Identifier: GPL-2.0 */
/*
 * An open file of /proc about one descriptor is refused.
 *
 * expect: refused descriptor 3: a /proc file of one descriptor
 */
#include <fcntl.h>

#include "zdtm.h"

int main(int argc, char **argv)
{
	char byte;
	int fd;

	test_init(argc, argv);
	fd = MUST(open("/proc/self/fdinfo/1", O_RDONLY));

	test_ready();
	test_wait();

	CHECK_EQ(read(fd, &byte, 1), 1);
	pass();
}
