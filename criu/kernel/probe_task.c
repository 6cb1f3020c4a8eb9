/* SPDX-License-Identifier: GPL-2.0 */
/* Tasks: ptrace(2), seccomp(2), clone(2), pidfd_getfd(2), kcmp(2), timer_create(2). */
#include <linux/filter.h>
#include <linux/kcmp.h>
#include <linux/ptrace.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>

#include "base/cleanup.h"
#include "base/prctl.h"
#include "kernel/probes.h"

/* ptrace(2) as the kernel has it: glibc's <sys/ptrace.h> and <linux/ptrace.h> don't go together. */
static long trace(long request, pid_t pid, void *addr, void *data)
{
	return syscall(SYS_ptrace, request, pid, addr, data);
}

int probe_seccomp_suspend(void)
{
	return probe_tracee(NULL, PTRACE_O_SUSPEND_SECCOMP, NULL);
}

static int install_filter(void)
{
	struct sock_filter allow = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	struct sock_fprog program = { 1, &allow };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) < 0)
		return -errno;
	return 0;
}

static int read_filter(pid_t pid)
{
	struct sock_filter filter[BPF_MAXINSNS];

	return trace(PTRACE_SECCOMP_GET_FILTER, pid, NULL, filter) < 0 ? -errno : 0;
}

int probe_seccomp_filters(void)
{
	return probe_tracee(install_filter, 0, read_filter);
}

static int read_rseq(pid_t pid)
{
	struct ptrace_rseq_configuration conf;

	return trace(PTRACE_GET_RSEQ_CONFIGURATION, pid, (void *)sizeof(conf), &conf) < 0 ? -errno : 0;
}

int probe_get_rseq_conf(void)
{
	return probe_tracee(NULL, 0, read_rseq);
}

static int set_breakpoint(pid_t pid)
{
#ifdef __x86_64__
	static char somewhere;
	char *debug = (char *)offsetof(struct user, u_debugreg);

	if (trace(PTRACE_POKEUSR, pid, debug, &somewhere) < 0)
		return -errno;
	/* register 7, bit 0: stop where register 0 says */
	return trace(PTRACE_POKEUSR, pid, debug + 7 * sizeof(long), (void *)1) < 0 ? -errno : 0;
#else
	return -ENOSYS;
#endif
}

int probe_breakpoints(void)
{
	return probe_tracee(NULL, 0, set_breakpoint);
}

static int peek_signals(pid_t pid)
{
	struct ptrace_peeksiginfo_args args = { .nr = 1 };
	siginfo_t info;

	return trace(PTRACE_PEEKSIGINFO, pid, &args, &info) < 0 ? -errno : 0;
}

int probe_ptrace_peeksiginfo(void)
{
	return probe_tracee(NULL, 0, peek_signals);
}

/* Our own pid is taken: a kernel that knows set_tid, and lets us use it, says so. */
int probe_clone3_set_tid(void)
{
	pid_t taken = getpid();
	struct clone_args args = { .exit_signal = SIGCHLD, .set_tid = (uintptr_t)&taken, .set_tid_size = 1 };
	long pid = syscall(SYS_clone3, &args, sizeof(args));

	if (!pid)
		_exit(0);
	if (pid > 0)
		return -EINVAL;
	return errno == EEXIST ? 0 : -errno;
}

int probe_pidfd_getfd(void)
{
	_cleanup_close_ int event = eventfd(0, EFD_CLOEXEC), pidfd = -1, copy = -1;

	if (event < 0)
		return -errno;
	pidfd = (int)syscall(SYS_pidfd_open, getpid(), 0);
	if (pidfd < 0)
		return -errno;
	copy = (int)syscall(SYS_pidfd_getfd, pidfd, event, 0);
	return copy < 0 ? -errno : 0;
}

int probe_kcmp(void)
{
	return syscall(SYS_kcmp, getpid(), getpid(), KCMP_VM, 0, 0) < 0 ? -errno : 0;
}

int probe_kcmp_epoll(void)
{
	_cleanup_close_ int event = eventfd(0, EFD_CLOEXEC), epoll = epoll_create1(EPOLL_CLOEXEC);
	struct epoll_event wanted = { .events = EPOLLIN };
	struct kcmp_epoll_slot slot = { .efd = epoll, .tfd = event };
	long same;

	if (event < 0 || epoll < 0 || epoll_ctl(epoll, EPOLL_CTL_ADD, event, &wanted) < 0)
		return -errno;
	same = syscall(SYS_kcmp, getpid(), getpid(), KCMP_EPOLL_TFD, event, &slot);
	if (same < 0)
		return -errno;
	return same ? -EIO : 0;
}

int probe_timer_cr_ids(void)
{
	return prctl(PR_TIMER_CREATE_RESTORE_IDS, PR_TIMER_CREATE_RESTORE_IDS_GET, 0, 0, 0) < 0 ? -errno : 0;
}
