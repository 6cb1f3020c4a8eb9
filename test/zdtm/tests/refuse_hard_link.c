/* SPDX-License-Identifier: GPL-2.0 */
/*
 * An opened file whose name is removed, but that has another hard link, is refused without --link-remap.
 *
 * expect: refused descriptor 3 .*--link-remap
 */
#include <fcntl.h>

#include "zdtm.h"

int main(int argc, char **argv)
{
	int fd;

	test_init(argc, argv);
	fd = MUST(open("file", O_CREAT | O_RDWR, 0600));
	MUST(link("file", "kept"));
	MUST(unlink("file"));

	test_ready();
	test_wait();

	CHECK_EQ(write(fd, "x", 1), 1);
	pass();
}
