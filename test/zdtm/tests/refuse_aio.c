/* SPDX-License-Identifier: GPL-2.0 */
/*
 * An AIO context (io_setup(2)) is refused.
 *
 * expect: refused AIO
 */
#include <linux/aio_abi.h>
#include <sys/syscall.h>

#include "zdtm.h"

int main(int argc, char **argv)
{
	aio_context_t context = 0;

	test_init(argc, argv);
	MUST(syscall(SYS_io_setup, 8, &context));

	test_ready();
	test_wait();

	MUST(syscall(SYS_io_destroy, context));
	pass();
}
