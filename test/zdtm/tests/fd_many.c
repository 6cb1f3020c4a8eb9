/* SPDX-License-Identifier: GPL-2.0 */
/*
 * 500 descriptors, in a table with holes, of files each with its own position.
 */
#include <fcntl.h>

#include "zdtm.h"

int main(int argc, char **argv)
{
	int fd, i;

	test_init(argc, argv);
	for (i = 0; i < 500; i++) {
		fd = MUST(open("file", O_CREAT | O_RDWR | (i % 5 ? 0 : O_CLOEXEC), 0644));
		MUST(lseek(fd, i * 3, SEEK_SET));
		MUST(dup3(fd, 3000 - i * 3, i % 5 ? 0 : O_CLOEXEC));
		close(fd);
	}

	test_ready();
	test_wait();

	if (test_sabotage())
		close(3000);
	for (i = 0; i < 500; i++) {
		CHECK_EQ(lseek(3000 - i * 3, 0, SEEK_CUR), i * 3);
		CHECK_EQ(fcntl(3000 - i * 3, F_GETFD), i % 5 ? 0 : FD_CLOEXEC);
		CHECK_EQ(fcntl(3000 - i * 3 - 1, F_GETFD), -1);
	}
	/* Not even a descriptor that the restore used may be left open. */
	for (i = 3; i < 1400; i++)
		CHECK_EQ(fcntl(i, F_GETFD), -1);
	for (i = 3001; i < 20000; i++)
		CHECK_EQ(fcntl(i, F_GETFD), -1);
	pass();
}
