/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A file locked by flock(2) is refused, the lock stays.
 *
 * expect: refused file lock.*FLOCK
 */
#include <fcntl.h>
#include <sys/file.h>

#include "zdtm.h"

int main(int argc, char **argv)
{
	char name[512], line[256];
	bool held = false;
	FILE *info;
	int fd;

	test_init(argc, argv);
	snprintf(name, sizeof(name), "%s/flock.file", test_dir);
	fd = MUST(open(name, O_RDWR | O_CREAT, 0600));
	MUST(flock(fd, LOCK_EX));

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
