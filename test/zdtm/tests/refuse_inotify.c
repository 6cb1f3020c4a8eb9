/* SPDX-License-Identifier: GPL-2.0 */
/*
 * An inotify descriptor is refused by name, and goes on watching.
 *
 * expect: refused inotify
 */
#include <fcntl.h>
#include <sys/inotify.h>

#include "zdtm.h"

int main(int argc, char **argv)
{
	char event[512];
	int fd;

	test_init(argc, argv);
	fd = MUST(inotify_init1(IN_CLOEXEC));
	MUST(inotify_add_watch(fd, ".", IN_CREATE));
	close(MUST(open("before", O_CREAT | O_WRONLY, 0644)));
	CHECK(read(fd, event, sizeof(event)) > 0);

	test_ready();
	test_wait();

	close(MUST(open("created", O_CREAT | O_WRONLY, 0644)));
	CHECK(read(fd, event, sizeof(event)) > 0);
	pass();
}
