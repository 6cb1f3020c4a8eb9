/* SPDX-License-Identifier: GPL-2.0 */
/*
 * --ghost-limit lets a larger deleted file pass.
 *
 * dump-options: --ghost-limit 8M
 */
#include <fcntl.h>

#include "zdtm.h"

static char block[3 << 20];

int main(int argc, char **argv)
{
	int fd;

	test_init(argc, argv);
	test_fill(block, sizeof(block), 3);
	fd = MUST(open("ghost", O_CREAT | O_RDWR, 0600));
	CHECK(write(fd, block, sizeof(block)) == sizeof(block));
	MUST(unlink("ghost"));
	memset(block, 0, sizeof(block));

	test_ready();
	test_wait();

	CHECK(pread(fd, block, sizeof(block), 0) == sizeof(block));
	if (test_sabotage())
		block[9]++;
	test_verify(block, sizeof(block), 3);
	pass();
}
