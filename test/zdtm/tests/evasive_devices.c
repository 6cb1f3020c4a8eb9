/* SPDX-License-Identifier: GPL-2.0 */
/*
 * --evasive-devices: a device node that a mount hides is replaced by another one of the same device.
 *
 * options: --evasive-devices
 * ignore: ^\d+/fds/3$ it has another name afterwards
 */
#include "hidden_device.h"

int main(int argc, char **argv)
{
	char byte = 1;
	struct stat st;
	int fd;

	test_init(argc, argv);
	fd = open_hidden_device();

	test_ready();
	test_wait();

	if (test_sabotage())
		fd = MUST(open("/dev/null", O_RDWR));
	MUST(fstat(fd, &st));
	CHECK(S_ISCHR(st.st_mode) && st.st_rdev == makedev(1, 5));
	CHECK_EQ(read(fd, &byte, 1), 1);
	CHECK_EQ(byte, 0);
	MUST(umount("dir"));
	pass();
}
