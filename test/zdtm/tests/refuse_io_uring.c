/* SPDX-License-Identifier: GPL-2.0 */
/*
 * An io_uring is refused by name, and goes on working.
 *
 * expect: refused (io_uring|uring)
 */
#include <linux/io_uring.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "zdtm.h"

int main(int argc, char **argv)
{
	struct io_uring_params params = { 0 };
	int fd;

	test_init(argc, argv);
	fd = syscall(SYS_io_uring_setup, 8, &params);
	if (fd < 0)
		skip("no io_uring: %s", strerror(errno));
	MUST(mmap(NULL, TEST_PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, IORING_OFF_SQ_RING));

	test_ready();
	test_wait();

	CHECK_EQ(syscall(SYS_io_uring_enter, fd, 0, 0, 0, NULL, 0), 0);
	pass();
}
