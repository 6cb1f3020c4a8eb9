/* SPDX-License-Identifier: GPL-2.0 */
/*
 * An open file description lock (F_OFD_SETLK) is refused, the lock stays.
 *
 * expect: refused file lock.*OFDLCK
 */
#include <fcntl.h>

#include "zdtm.h"

int main(int argc, char **argv)
{
	char name[512], line[256];
	bool held = false;
	FILE *info;
	int fd;
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 10 };

	test_init(argc, argv);
	snprintf(name, sizeof(name), "%s/lock_ofd.file", test_dir);
	fd = MUST(open(name, O_RDWR | O_CREAT, 0600));
	MUST(fcntl(fd, F_OFD_SETLK, &lock));

	test_ready();
	test_wait();

	snprintf(name, sizeof(name), "/proc/self/fdinfo/%d", fd);
	info = fopen(name, "r");
	CHECK(info);
	while (fgets(line, sizeof(line), info))
		held |= !strncmp(line, "lock:", 5);
	CHECK(held);
	pass();
}
