/* SPDX-License-Identifier: GPL-2.0 */
/* A process that is stopped in the very call that made it strict. */
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>

#include "zdtm.h"

static void child(int fd)
{
	char byte;

	MUST(ptrace(PTRACE_TRACEME, 0, NULL, NULL));
	raise(SIGSTOP);
	syscall(SYS_prctl, PR_SET_SECCOMP, SECCOMP_MODE_STRICT);
	while (syscall(SYS_read, fd, &byte, 1) != 1)
		continue;
	if (byte == 'd')
		syscall(SYS_getpid);
	syscall(SYS_exit, 0);
}

/* Lets PID run up to the end of prctl(2) and stops it there. */
static void stop_in_prctl(pid_t pid)
{
	struct user_regs_struct regs = { 0 };
	int status;

	MUST(waitpid(pid, &status, 0));
	for (int in_call = 0; in_call < 2;) {
		MUST(ptrace(PTRACE_SYSCALL, pid, NULL, NULL));
		MUST(waitpid(pid, &status, 0));
		CHECK(WIFSTOPPED(status));
		MUST(ptrace(PTRACE_GETREGS, pid, NULL, &regs));
		in_call += regs.orig_rax == SYS_prctl;
	}
	MUST(ptrace(PTRACE_DETACH, pid, NULL, SIGSTOP));
	MUST(waitpid(pid, &status, WUNTRACED));
	CHECK(WIFSTOPPED(status));
}

int main(int argc, char **argv)
{
	char word = 'd', mode[16];
	int ends[2], status;
	pid_t pid;

	test_init(argc, argv);
	MUST(pipe(ends));
	pid = MUST(fork());
	if (!pid)
		child(ends[0]);
	stop_in_prctl(pid);
	test_status(pid, "Seccomp", mode, sizeof(mode));
	CHECK_EQ(atoi(mode), SECCOMP_MODE_STRICT);

	test_ready();
	test_wait();

	if (test_sabotage())
		word = 'x';
	MUST(kill(pid, SIGCONT));
	CHECK_EQ(write(ends[1], &word, 1), 1);
	MUST(waitpid(pid, &status, 0));
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	pass();
}
