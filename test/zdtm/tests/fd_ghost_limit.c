/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A deleted file above the size limit of ghost files is refused, and the task runs on.
 *
 * expect: refused ghost
 */
#include <fcntl.h>

#include "zdtm.h"

int main(int argc, char **argv)
{
	static char block[1 << 20];
	int fd, i;

	test_init(argc, argv);
	memset(block, 1, sizeof(block));
	fd = MUST(open("ghost", O_CREAT | O_RDWR, 0600));
	for (i = 0; i < 3; i++)
		CHECK(write(fd, block, sizeof(block)) == sizeof(block));
	MUST(unlink("ghost"));

	test_ready();
	test_wait();

	CHECK_EQ(lseek(fd, 0, SEEK_END), 3 << 20);
	pass();
}
