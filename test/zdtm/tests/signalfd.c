/* SPDX-License-Identifier: GPL-2.0 */
/*
 * signalfd: its mask, non-blocking, and it receives signals after the restore.
 */
#include <sys/signalfd.h>

#include "zdtm.h"

int main(int argc, char **argv)
{
	struct signalfd_siginfo info;
	union sigval value = { .sival_int = 31337 };
	sigset_t set;
	int fd;

	test_init(argc, argv);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGRTMIN + 9);
	sigaddset(&set, SIGRTMAX);
	MUST(sigprocmask(SIG_BLOCK, &set, NULL));
	fd = MUST(signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC));

	test_ready();
	test_wait();

	if (test_sabotage()) {
		sigdelset(&set, SIGRTMIN + 9);
		MUST(signalfd(fd, &set, 0));
	}
	CHECK(read(fd, &info, sizeof(info)) == -1 && errno == EAGAIN);
	MUST(sigqueue(getpid(), SIGRTMIN + 9, value));
	CHECK_EQ(read(fd, &info, sizeof(info)), sizeof(info));
	CHECK_EQ(info.ssi_signo, SIGRTMIN + 9);
	CHECK_EQ(info.ssi_int, 31337);
	MUST(kill(getpid(), SIGUSR1));
	CHECK_EQ(read(fd, &info, sizeof(info)), sizeof(info));
	CHECK_EQ(info.ssi_signo, SIGUSR1);
	pass();
}
