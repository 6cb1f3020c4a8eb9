/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A device node that a mount hides is refused without --evasive-devices.
 *
 * expect: refused descriptor 3 .*--evasive-devices
 */
#include "hidden_device.h"

int main(int argc, char **argv)
{
	int fd;

	test_init(argc, argv);
	fd = open_hidden_device();

	test_ready();
	test_wait();

	CHECK_EQ(lseek(fd, 0, SEEK_CUR), 0);
	MUST(umount("dir"));
	pass();
}
