/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A job of a shell: its session leader and its terminal's other end are outside of the tree; dumped and restored with
 * -j.
 *
 * flavour: shell-job
 * options: --shell-job
 * ignore: ^\d+/stat/ppid$ the shell was the parent; a restored job's is whoever takes orphans
 * ignore: /stat/tpgid$ which job is in the foreground is the shell's business
 */
#include <fcntl.h>
#include <sys/ioctl.h>
#include <termios.h>

#include "zdtm.h"

int main(int argc, char **argv)
{
	struct test_sync sync;
	pid_t sid, kid;
	int tty;

	test_init(argc, argv);
	sid = getsid(0);
	CHECK(sid != getpid());
	CHECK(isatty(0));
	CHECK_EQ(tcgetsid(0), sid);
	test_sync_init(&sync);
	kid = MUST(fork());
	if (kid == 0) {
		test_sync_done(&sync);
		test_wait_polling();
		CHECK_EQ(getsid(0), sid);
		CHECK(isatty(0));
		_exit(0);
	}
	test_sync_wait(&sync, 1);

	test_ready();
	test_wait();

	if (test_sabotage())
		MUST(dup2(1, 0));
	CHECK_EQ(getsid(0), sid);
	CHECK(isatty(0));
	CHECK_EQ(tcgetsid(0), sid);
	tty = MUST(open("/dev/tty", O_RDWR));
	CHECK_EQ(tcgetsid(tty), sid);
	test_reap(kid);
	pass();
}
