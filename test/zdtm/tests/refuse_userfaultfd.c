/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A userfaultfd is refused by name.
 *
 * expect: refused userfault
 */
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>

#include "zdtm.h"

int main(int argc, char **argv)
{
	struct uffdio_api api = { .api = UFFD_API };
	int fd;

	test_init(argc, argv);
	fd = syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		skip("no userfaultfd: %s", strerror(errno));
	MUST(ioctl(fd, UFFDIO_API, &api));

	test_ready();
	test_wait();

	CHECK(read(fd, &api, sizeof(api)) == -1);
	pass();
}
