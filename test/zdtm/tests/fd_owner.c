/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Who gets SIGIO for a descriptor: owner process, group or thread, the signal, and it comes.
 */
#include <fcntl.h>
#include <sys/syscall.h>

#include "zdtm.h"

int main(int argc, char **argv)
{
	struct f_owner_ex owner;
	struct timespec limit = { 3, 0 };
	int p[2], q[2], r[2];
	siginfo_t info;
	sigset_t set;

	test_init(argc, argv);
	sigemptyset(&set);
	sigaddset(&set, SIGRTMIN + 4);
	MUST(sigprocmask(SIG_BLOCK, &set, NULL));
	MUST(pipe(p));
	MUST(pipe(q));
	MUST(pipe(r));
	MUST(fcntl(p[0], F_SETOWN, getpid()));
	MUST(fcntl(p[0], F_SETSIG, SIGRTMIN + 4));
	MUST(fcntl(p[0], F_SETFL, O_ASYNC | O_NONBLOCK));
	MUST(fcntl(q[0], F_SETOWN, -getpgid(0)));
	owner.type = F_OWNER_TID;
	owner.pid = syscall(SYS_gettid);
	MUST(fcntl(r[0], F_SETOWN_EX, &owner));
	MUST(fcntl(r[0], F_SETSIG, SIGUSR2));

	test_ready();
	test_wait();

	if (test_sabotage())
		MUST(fcntl(q[0], F_SETOWN, 0));
	MUST(fcntl(p[0], F_GETOWN_EX, &owner));
	CHECK(owner.type == F_OWNER_PID && owner.pid == getpid());
	CHECK_EQ(fcntl(p[0], F_GETSIG), SIGRTMIN + 4);
	MUST(fcntl(q[0], F_GETOWN_EX, &owner));
	CHECK(owner.type == F_OWNER_PGRP && owner.pid == getpgid(0));
	CHECK_EQ(fcntl(q[0], F_GETSIG), 0);
	MUST(fcntl(r[0], F_GETOWN_EX, &owner));
	CHECK(owner.type == F_OWNER_TID && owner.pid == syscall(SYS_gettid));
	CHECK_EQ(fcntl(r[0], F_GETSIG), SIGUSR2);
	MUST(fcntl(p[1], F_GETOWN_EX, &owner));
	CHECK_EQ(owner.pid, 0);
	CHECK_EQ(write(p[1], "x", 1), 1);
	CHECK_EQ(sigtimedwait(&set, &info, &limit), SIGRTMIN + 4);
	CHECK_EQ(info.si_fd, p[0]);
	pass();
}
