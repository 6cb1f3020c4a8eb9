/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Seccomp filters: chains, what children inherit and add, filters of a task that could install none itself. What they
 * forbid is what a dump and a restore have to call in the task.
 */
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>

#include "seccomp.h"

static void check_refused(int nr, int error)
{
	errno = 0;
	CHECK_EQ(syscall(nr, 0, 0, 0, 0, 0, 0), -1);
	CHECK_EQ(errno, error);
}

static int filters_of(pid_t pid)
{
	char text[32];

	test_status(pid, "Seccomp_filters", text, sizeof(text));
	return atoi(text);
}

static void child(struct test_sync *sync, bool user)
{
	pid_t victim;
	int status;

	if (user) {
		MUST(deny(SYS_getrusage, SECCOMP_RET_ERRNO | E2BIG, 0));
		MUST(setresgid(1234, 1234, 1234));
		MUST(setresuid(1234, 1234, 1234));
	} else {
		MUST(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
		MUST(deny(SYS_getrusage, SECCOMP_RET_ERRNO | ENFILE, 0));
		/* Twice the same is twice. */
		MUST(deny(SYS_getrusage, SECCOMP_RET_ERRNO | ENFILE, 0));
	}
	test_sync_done(sync);
	test_wait_polling();

	CHECK_EQ(filters_of(0), user ? 5 : 6);
	CHECK_EQ(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0), user ? 0 : 1);
	check_refused(SYS_getpriority, EXDEV);
	check_refused(SYS_getrusage, user ? E2BIG : ENFILE);
	victim = MUST(fork());
	if (!victim) {
		if (!test_sabotage())
			syscall(SYS_getitimer, 0, NULL);
		_exit(7);
	}
	MUST(waitpid(victim, &status, 0));
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS);
	_exit(0);
}

int main(int argc, char **argv)
{
	struct test_sync sync;
	pid_t pids[2];

	test_init(argc, argv);
	test_sync_init(&sync);
	MUST(deny(SYS_getpriority, SECCOMP_RET_ERRNO | EXDEV, 0));
	MUST(deny(SYS_getitimer, SECCOMP_RET_KILL_PROCESS, SECCOMP_FILTER_FLAG_LOG));
	MUST(deny(SYS_memfd_create, SECCOMP_RET_KILL_PROCESS, 0));
	for (int i = 0; i < 2; i++) {
		pids[i] = MUST(fork());
		if (!pids[i]) {
			MUST(deny(SYS_rt_sigtimedwait, SECCOMP_RET_KILL_THREAD, 0));
			child(&sync, i);
		}
	}
	test_sync_wait(&sync, 2);
	MUST(deny(SYS_rt_sigaction, SECCOMP_RET_KILL_PROCESS, 0));
	MUST(deny(SYS_ptrace, SECCOMP_RET_ERRNO | 0, 0));

	test_ready();
	test_wait();

	CHECK_EQ(filters_of(0), 5);
	check_refused(SYS_getpriority, EXDEV);
	CHECK_EQ(syscall(SYS_ptrace, -1), 0);
	for (int i = 0; i < 2; i++)
		test_reap(pids[i]);
	pass();
}
