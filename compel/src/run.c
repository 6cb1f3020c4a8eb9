/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Letting a stopped thread run code of ours until it comes to a known end.
 *
 * All signals are blocked meanwhile, so that no handler of the task runs and none is lost. The end is either a
 * breakpoint or the exit of a system call. A breakpoint is cheaper, one stop instead of two for each system call,
 * but it raises SIGTRAP: for a task that ignores or blocks it the kernel would reset its handler. Such a task gets the
 * other end.
 */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>

#include "arch-ops.h"
#include "internal.h"

#define SIGTRAP_BIT ((uint64_t)1 << (SIGTRAP - 1))

static int resume(struct compel_thread *th, int sig)
{
	if (ptrace(th->by_trap ? PTRACE_CONT : PTRACE_SYSCALL, th->tid, 0, sig) < 0)
		return compel_fail(&th->error, -errno, "Can't resume %d: %s", th->tid, strerror(errno));
	return 0;
}

static int set_mask(struct compel_thread *th, uint64_t mask)
{
	int err;

	if (th->cur_sigmask == mask)
		return 0;
	err = compel_set_sigmask(th->tid, mask);
	if (err)
		return compel_fail(&th->error, err, "Can't block the signals of %d: %s", th->tid, strerror(-err));
	th->cur_sigmask = mask;
	return 0;
}

int run_start(struct compel_thread *th, const compel_regs_t *regs, unsigned long end_ip, enum run_end end)
{
	int err = set_mask(th, end == RUN_END_TRAP ? ARCH_MASK_ALL & ~SIGTRAP_BIT : ARCH_MASK_ALL);

	if (err)
		return err;
	err = compel_set_regs(th->tid, regs);
	if (err)
		return compel_fail(&th->error, err, "Can't set registers of %d: %s", th->tid, strerror(-err));
	th->by_trap = end == RUN_END_TRAP;
	th->in_entry = false;
	th->end_ip = end_ip;
	return resume(th, 0);
}

static int get_regs(struct compel_thread *th, compel_regs_t *regs)
{
	int err = compel_get_regs(th->tid, regs);

	if (err)
		return compel_fail(&th->error, err, "Can't get registers of %d: %s", th->tid, strerror(-err));
	return 0;
}

static int wait_stopped(struct compel_thread *th, int *ret_status)
{
	int err = compel_wait_one(th->tid, 0, ret_status);

	if (err < 0)
		return compel_fail(&th->error, err == -ECHILD ? -ESRCH : err, "Can't wait for %d: %s", th->tid,
				   strerror(-err));
	if (WIFSIGNALED(*ret_status))
		return compel_fail(&th->error, -ESRCH, "Task %d was killed by signal %d", th->tid,
				   WTERMSIG(*ret_status));
	if (WIFEXITED(*ret_status))
		return compel_fail(&th->error, -ESRCH, "Task %d exited with status %d", th->tid,
				   WEXITSTATUS(*ret_status));
	return 0;
}

/*
 * Put a foreign SIGTRAP, taken out of the queue in our run, back into it: the signal that the thread is stopped in
 * becomes that one, and with all signals blocked the kernel queues it instead of delivering.
 */
static int give_back(struct compel_thread *th, siginfo_t *si)
{
	int status, err = set_mask(th, ARCH_MASK_ALL);

	if (err)
		return err;
	if (ptrace(PTRACE_SETSIGINFO, th->tid, 0, si) < 0 || ptrace(PTRACE_INTERRUPT, th->tid, 0, 0) < 0 ||
	    ptrace(PTRACE_CONT, th->tid, 0, SIGTRAP) < 0)
		return compel_fail(&th->error, -errno, "Can't put SIGTRAP of %d back: %s", th->tid, strerror(errno));
	err = wait_stopped(th, &status);
	if (!err && status >> 16 != PTRACE_EVENT_STOP)
		err = compel_fail(&th->error, -EPROTO, "Task %d has status 0x%x after SIGTRAP", th->tid, status);
	return err;
}

static int fault(struct compel_thread *th, int sig)
{
	compel_regs_t regs;
	siginfo_t si;
	int err = get_regs(th, &regs);

	if (err)
		return err;
	if (ptrace(PTRACE_GETSIGINFO, th->tid, 0, &si) < 0)
		return compel_fail(&th->error, -errno, "Can't get siginfo of %d: %s", th->tid, strerror(errno));
	return compel_fail(&th->error, -EFAULT, "Code run in %d got signal %d (code %d, address %p) at ip 0x%lx",
			   th->tid, sig, si.si_code, si.si_addr, compel_regs_ip(&regs));
}

/* A SIGTRAP in a run that ends by one. *ret_done: it's the end. */
static int on_sigtrap(struct compel_thread *th, siginfo_t *foreign, compel_regs_t *regs, bool *ret_done)
{
	siginfo_t si;
	int err = get_regs(th, regs);

	if (err)
		return err;
	if (ptrace(PTRACE_GETSIGINFO, th->tid, 0, &si) < 0)
		return compel_fail(&th->error, -errno, "Can't get siginfo of %d: %s", th->tid, strerror(errno));
	*ret_done = compel_regs_ip(regs) == th->end_ip;
	if (!arch_is_breakpoint(&si)) {
		*foreign = si;
		th->foreign_trap = true;
	} else if (!*ret_done) {
		return compel_fail(&th->error, -EFAULT, "Code run in %d hit a breakpoint at ip 0x%lx", th->tid,
				   compel_regs_ip(regs));
	}
	return *ret_done ? 0 : resume(th, 0);
}

/* A syscall stop. *ret_done: our code has come to its end. */
static int on_syscall(struct compel_thread *th, compel_regs_t *regs, bool *ret_done)
{
	int err;

	th->in_entry = !th->in_entry;
	if (!th->in_entry) {
		err = get_regs(th, regs);
		if (err)
			return err;
		*ret_done = compel_regs_ip(regs) == th->end_ip && !arch_restarts(regs);
	}
	return *ret_done ? 0 : resume(th, 0);
}

int run_finish(struct compel_thread *th, compel_regs_t *ret_regs)
{
	siginfo_t foreign = { 0 };
	bool done = false;
	int status, err;

	while (!done) {
		int sig;

		err = wait_stopped(th, &status);
		if (err)
			return err;
		sig = WSTOPSIG(status);
		if (status >> 16 == PTRACE_EVENT_STOP)
			/* A left-over interrupt, or job control changed its mind: the kernel keeps that state itself.
			 */
			err = resume(th, 0);
		else if (status >> 16)
			err = compel_fail(&th->error, -EPROTO, "Task %d: unexpected status 0x%x", th->tid, status);
		else if (sig == (SIGTRAP | 0x80) && !th->by_trap)
			err = on_syscall(th, ret_regs, &done);
		else if (sig == SIGTRAP && th->by_trap)
			err = on_sigtrap(th, &foreign, ret_regs, &done);
		else if (sig == SIGSTOP)
			/* Can't be blocked. Let the process enter its job-control stop, we go on in it. */
			err = resume(th, sig);
		else
			err = fault(th, sig);
		if (err)
			return err;
	}
	return foreign.si_signo ? give_back(th, &foreign) : 0;
}

int run_check_refused(struct compel_thread *th)
{
	uint64_t pending;
	int status, err = compel_status_signals(th->tid, "SigPnd:", &pending);

	if (err)
		return compel_fail(&th->error, err, "Can't read /proc/%d/status: %s", th->tid, strerror(-err));
	if (!(pending & (uint64_t)1 << (SIGSYS - 1)))
		return 0;
	err = resume(th, 0);
	if (!err)
		err = wait_stopped(th, &status);
	return err ? err : fault(th, WSTOPSIG(status) & 0x7f);
}
