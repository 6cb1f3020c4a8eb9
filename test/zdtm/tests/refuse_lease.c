/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A lease (F_SETLEASE) is refused, and stays.
 *
 * expect: refused lease.*LEASE
 */
#include <fcntl.h>

#include "zdtm.h"

int main(int argc, char **argv)
{
	char name[512], line[256];
	bool held = false;
	FILE *info;
	int fd;

	test_init(argc, argv);
	snprintf(name, sizeof(name), "%s/lease.file", test_dir);
	fd = MUST(open(name, O_RDWR | O_CREAT, 0600));
	MUST(fcntl(fd, F_SETLEASE, F_WRLCK));

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
