/* SPDX-License-Identifier: GPL-2.0 */
/*
 * An open file of /proc about a process that isn't dumped is refused: nobody knows who has that pid later.
 *
 * expect: refused descriptor 3: a /proc file of a process outside of the tree .*status
 */
#include <fcntl.h>

#include "zdtm.h"

int main(int argc, char **argv)
{
	char path[64], byte;
	int fd;

	test_init(argc, argv);
	snprintf(path, sizeof(path), "/proc/%d/status", getppid());
	fd = MUST(open(path, O_RDONLY));

	test_ready();
	test_wait();

	CHECK_EQ(read(fd, &byte, 1), 1);
	pass();
}
