/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What seccomp filters can do beside an error: a signal that tells of the call, a tracer that isn't there, a line in
 * the log, arguments that are looked at.
 */
#include "seccomp.h"

static volatile int trapped_nr, trapped_data;

static void on_trap(int signo, siginfo_t *info, void *context)
{
	trapped_nr = info->si_syscall;
	trapped_data = info->si_errno;
}

/* Closing descriptor 777 only is an error. */
static long deny_by_argument(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_close, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[0])),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 777, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EXDEV),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { sizeof(code) / sizeof(code[0]), code };

	return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program);
}

int main(int argc, char **argv)
{
	const struct sigaction action = { .sa_sigaction = on_trap, .sa_flags = SA_SIGINFO };

	test_init(argc, argv);
	MUST(sigaction(SIGSYS, &action, NULL));
	MUST(deny(SYS_getpriority, SECCOMP_RET_TRAP | 321, 0));
	MUST(deny(SYS_getrusage, SECCOMP_RET_TRACE | 5, SECCOMP_FILTER_FLAG_LOG));
	MUST(deny(SYS_getgroups, SECCOMP_RET_LOG, SECCOMP_FILTER_FLAG_SPEC_ALLOW));
	MUST(deny_by_argument());

	test_ready();
	test_wait();

	if (test_sabotage())
		MUST(deny(SYS_close, SECCOMP_RET_ERRNO | EPERM, 0));
	syscall(SYS_getpriority, 0, 0);
	CHECK_EQ(trapped_nr, SYS_getpriority);
	CHECK_EQ(trapped_data, 321);
	CHECK_EQ(syscall(SYS_getrusage, 0, NULL), -1);
	CHECK_EQ(errno, ENOSYS);
	CHECK(syscall(SYS_getgroups, 0, NULL) >= 0);
	CHECK_EQ(close(777), -1);
	CHECK_EQ(errno, EXDEV);
	CHECK_EQ(close(778), -1);
	CHECK_EQ(errno, EBADF);
	pass();
}
