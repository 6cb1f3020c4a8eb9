/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A pidfd is refused by name, and still points at the child.
 *
 * expect: refused pidfd
 */
#include <poll.h>
#include <sys/syscall.h>

#include "zdtm.h"

int main(int argc, char **argv)
{
	struct pollfd p = { .events = POLLIN };
	pid_t kid;

	test_init(argc, argv);
	kid = MUST(fork());
	if (kid == 0) {
		test_wait_polling();
		_exit(0);
	}
	p.fd = MUST(syscall(SYS_pidfd_open, kid, 0));

	test_ready();
	test_wait();

	CHECK_EQ(poll(&p, 1, 5000), 1);
	test_reap(kid);
	pass();
}
