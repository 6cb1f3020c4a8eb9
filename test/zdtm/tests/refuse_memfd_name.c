/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A memfd that is named like shared anonymous memory is refused: images couldn't tell them apart.
 *
 * expect: refused descriptor [0-9]+: a memfd of this name
 */
#include <sys/mman.h>

#include "zdtm.h"

int main(int argc, char **argv)
{
	char buf[5];
	int fd;

	test_init(argc, argv);
	fd = MUST(memfd_create("/dev/zero", 0));
	CHECK_EQ(write(fd, "alive", 5), 5);

	test_ready();
	test_wait();

	CHECK_EQ(pread(fd, buf, 5, 0), 5);
	CHECK_MEM(buf, "alive", 5);
	pass();
}
