/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Terminals opened by TIOCGPTPEER keep whether they are close-on-exec: each descriptor of one has its own flag.
 *
 * ignore: \d+/fds/[56] /proc shows what the terminal was opened with, and it is opened in another way
 */
#include <fcntl.h>
#include <pty.h>
#include <sys/ioctl.h>

#include "zdtm.h"

int main(int argc, char **argv)
{
	int master, closed, kept, off, plain;

	test_init(argc, argv);
	master = MUST(posix_openpt(O_RDWR | O_NOCTTY));
	MUST(unlockpt(master));
	closed = MUST(ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC));
	kept = MUST(dup(closed));
	off = MUST(ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC));
	MUST(fcntl(off, F_SETFD, 0));
	plain = MUST(ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY));

	test_ready();
	test_wait();

	if (test_sabotage())
		MUST(fcntl(kept, F_SETFD, FD_CLOEXEC));
	CHECK_EQ(fcntl(closed, F_GETFD), FD_CLOEXEC);
	CHECK_EQ(fcntl(kept, F_GETFD), 0);
	CHECK_EQ(fcntl(off, F_GETFD), 0);
	CHECK_EQ(fcntl(plain, F_GETFD), 0);
	pass();
}
