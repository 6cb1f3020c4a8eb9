/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A memfd with an extended attribute is refused.
 *
 * expect: refused descriptor [0-9]+: a memfd with extended attributes
 */
#include <sys/mman.h>
#include <sys/xattr.h>

#include "zdtm.h"

int main(int argc, char **argv)
{
	char buf[8];
	int fd;

	test_init(argc, argv);
	fd = MUST(memfd_create("attributes", 0));
	if (fsetxattr(fd, "trusted.color", "blue", 4, 0))
		skip("no extended attributes of memory");

	test_ready();
	test_wait();

	CHECK_EQ(fgetxattr(fd, "trusted.color", buf, sizeof(buf)), 4);
	pass();
}
