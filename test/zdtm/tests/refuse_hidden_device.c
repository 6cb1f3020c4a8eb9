/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A device node that a mount hides is refused without --evasive-devices.
 *
 * expect: refused descriptor 3 .*--evasive-devices
 */
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "zdtm.h"

int main(int argc, char **argv)
{
	int fd;

	test_init(argc, argv);
	MUST(mkdir("dir", 0700));
	MUST(mknod("dir/zero", S_IFCHR | 0600, makedev(1, 5)));
	fd = MUST(open("dir/zero", O_RDWR));
	MUST(mount("none", "dir", "tmpfs", 0, NULL));

	test_ready();
	test_wait();

	CHECK_EQ(lseek(fd, 0, SEEK_CUR), 0);
	MUST(umount("dir"));
	pass();
}
