/* SPDX-License-Identifier: GPL-2.0 */
#include "restore/finalize.h"

#include <compel/compel.h>
#include <elf.h>
#include <signal.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>

#include "base/cleanup.h"
#include "proc/list.h"
#include "proc/status.h"
#include "restore/arch.h"
#include "restore/boot.h"
#include "restore/trace.h"
#include "task/core_regs.h"

#define SYSCALL_STOP (SIGTRAP | 0x80) /* PTRACE_O_TRACESYSGOOD */

/* Intel SDM vol. 1 ch. 13: 8 KiB of AMX tiles are the largest part so far. */
#define XSTATE_MAX (64u << 10)

/* Room for the extended state of one thread; as large as this machine's. */
struct xstate {
	void *buf;
	size_t size;
};

/* ---- a system call in a parked task -------------------------------------------------------------------------- */

static int run_to_syscall_stop(struct restore *r, pid_t tid)
{
	int status, err;

	do {
		if (ptrace(PTRACE_SYSCALL, tid, NULL, 0))
			return cr_fail_errno(&r->ctx, -errno, "Can't let task %d make a system call", tid);
		err = trace_wait(r, tid, &status);
		if (err)
			return err;
		/* Others' SIGSTOP is the only signal that is not blocked. */
	} while (WSTOPSIG(status) == SIGSTOP || status >> 16 == PTRACE_EVENT_STOP);
	if (WSTOPSIG(status) != SYSCALL_STOP)
		return cr_fail(&r->ctx, -EPROTO, "Task %d stopped with %#x in a system call of ours", tid, status);
	return 0;
}

static int remote_syscall(struct restore *r, struct restore_task *rt, long nr, const uint64_t args[4], long *ret)
{
	struct user_regs_struct regs;
	unsigned long offset;
	pid_t tid = rt->task->pid;
	int err;

	err = boot_syscall_offset(&offset);
	if (err)
		return cr_fail_errno(&r->ctx, err, "The restorer has no system call");
	if (ptrace(PTRACE_GETREGS, tid, NULL, &regs))
		return cr_fail_errno(&r->ctx, -errno, "Can't read the registers of task %d", tid);
	regs_set_syscall(&regs, rt->slot->region_start + offset, nr, args);
	if (ptrace(PTRACE_SETREGS, tid, NULL, &regs))
		return cr_fail_errno(&r->ctx, -errno, "Can't set the registers of task %d", tid);
	/* In, and out: no instruction behind it is fetched. */
	err = run_to_syscall_stop(r, tid);
	if (!err)
		err = run_to_syscall_stop(r, tid);
	if (err)
		return err;
	if (ptrace(PTRACE_GETREGS, tid, NULL, &regs))
		return cr_fail_errno(&r->ctx, -errno, "Can't read the registers of task %d", tid);
	*ret = regs_syscall_result(&regs);
	return 0;
}

static int unmap_region(struct restore *r, struct restore_task *rt)
{
	const uint64_t args[4] = { rt->slot->region_start, rt->slot->region_len };
	long ret;
	int err = remote_syscall(r, rt, SYS_munmap, args, &ret);

	if (!err && ret)
		err = cr_fail_errno(&r->ctx, ret, "Can't unmap the restorer of task %d", rt->task->pid);
	return err;
}

/* ---- threads ------------------------------------------------------------------------------------------------- */

static int set_xstate(struct restore *r, pid_t tid, const CoreEntry *core, struct xstate *x)
{
	struct iovec iov = { x->buf, x->size };
	int err;

	/* What it has now tells the size, and the bytes that no image has. */
	if (ptrace(PTRACE_GETREGSET, tid, NT_X86_XSTATE, &iov))
		return cr_fail_errno(&r->ctx, -errno, "Can't read the extended registers of task %d", tid);
	err = core_fpu_from_entry(core->thread_info->fpregs, x->buf, iov.iov_len);
	if (err)
		return cr_fail_errno(&r->ctx, err, "Extended registers in core-%d.img", tid);
	if (ptrace(PTRACE_SETREGSET, tid, NT_X86_XSTATE, &iov))
		return cr_fail_errno(&r->ctx, -errno, "Can't set the extended registers of task %d", tid);
	return 0;
}

static uint64_t signal_mask(const struct restore_task *rt, size_t i)
{
	const CoreEntry *core = rt->cores[i];

	/* The leader's stands in the task's part; others have it in theirs. */
	if (!core->thread_core->has_blk_sigset && core->tc)
		return core->tc->blk_sigset;
	return core->thread_core->blk_sigset;
}

static int set_signal_mask(struct restore *r, const struct restore_task *rt, size_t i)
{
	uint64_t mask = signal_mask(rt, i);
	pid_t tid = rt->task->threads[i].tid;

	if (ptrace(PTRACE_SETSIGMASK, tid, sizeof(mask), &mask))
		return cr_fail_errno(&r->ctx, -errno, "Can't set the signal mask of task %d", tid);
	return 0;
}

static int finalize_thread(struct restore *r, struct restore_task *rt, size_t i, struct xstate *x)
{
	const CoreEntry *core = rt->cores[i];
	const RseqEntry *rseq = core->thread_core->rseq_entry;
	pid_t tid = rt->task->threads[i].tid;
	const AttributesEntry *e = attributes_of(r->attributes, tid);
	struct user_regs_struct regs;
	int err;

	err = attributes_restore_thread(&r->ctx, e, tid, &r->own_attributes);
	if (!err)
		err = sched_restore(&r->ctx, tid, core->thread_core, e->sched);
	if (!err)
		err = set_xstate(r, tid, core, x);
	if (!err)
		err = core_regs_from_entry(core->thread_info->gpregs, &regs);
	if (err)
		return err;
	if (ptrace(PTRACE_SETREGS, tid, NULL, &regs))
		return cr_fail_errno(&r->ctx, -errno, "Can't set the registers of task %d", tid);
	/* Registering has cleared what it was in the middle of. */
	if (rseq && rseq->has_rseq_cs_pointer && rseq->rseq_cs_pointer) {
		uint64_t cs = rseq->rseq_cs_pointer;

		err = compel_poke(tid, rseq->rseq_abi_pointer + 8, &cs, sizeof(cs));
		if (err)
			return cr_fail_errno(&r->ctx, err, "Can't set the restartable sequence of task %d", tid);
	}
	return attributes_restore_dispatch(&r->ctx, e, tid);
}

/* ---- stopping ------------------------------------------------------------------------------------------------ */

static bool to_be_stopped(const struct restore *r, const struct task *t)
{
	return t->state == TASK_STOPPED || (r->opts->final_state == FINAL_STOP && task_lives(t));
}

/*
 * The signal that stopped it, which its parent may ask for. One that the task handles by now can't be had again without
 * its handler; then SIGSTOP does.
 */
static int stop_signal_of(const struct restore *r, const struct task *t)
{
	_cleanup_proc_status_ struct proc_status st = { 0 };
	const TaskCoreEntry *tc = restore_of(t)->cores[0]->tc;
	_cleanup_close_ int procfd = -1;

	if (t->state != TASK_STOPPED || !tc->has_stop_signo ||
	    (tc->stop_signo != SIGTSTP && tc->stop_signo != SIGTTIN && tc->stop_signo != SIGTTOU))
		return SIGSTOP;
	procfd = proc_open_pid(t->pid);
	if (procfd < 0 || proc_read_status(procfd, &st) < 0 || st.sig_cgt >> (tc->stop_signo - 1) & 1)
		return SIGSTOP;
	return tc->stop_signo;
}

/*
 * At the delivery of our SIGSTOP: takes SIG in its place. The kernel drops signals of terminals for tasks that ignore
 * them and in orphaned process groups: the interruption catches the task before it runs, then.
 */
static int take_other_stop(struct restore *r, pid_t tid, int sig)
{
	const uint64_t mask = ~(1ull << (sig - 1));

	if (ptrace(PTRACE_SETSIGMASK, tid, sizeof(mask), &mask) || ptrace(PTRACE_INTERRUPT, tid, NULL, NULL))
		return cr_fail_errno(&r->ctx, -errno, "Can't stop task %d by signal %d", tid, sig);
	return 0;
}

static int reach_group_stop(struct restore *r, const struct task *t, pid_t tid, int stop, int status)
{
	while (!(status >> 16 == PTRACE_EVENT_STOP && WSTOPSIG(status) != SIGTRAP)) {
		/* The signal itself, which one thread gets, stops all when it is delivered. */
		int sig = !(status >> 16) && WSTOPSIG(status) == SIGSTOP ? stop : 0;
		int err = 0;

		if (status >> 16 == PTRACE_EVENT_STOP && stop != SIGSTOP) { /* it was dropped */
			stop = SIGSTOP;
			if (syscall(SYS_tgkill, t->pid, t->pid, SIGSTOP))
				err = cr_fail_errno(&r->ctx, -errno, "Can't stop task %d", t->pid);
		}
		if (!err && sig && sig != SIGSTOP)
			err = take_other_stop(r, tid, sig);
		if (!err && ptrace(PTRACE_CONT, tid, NULL, sig))
			err = cr_fail_errno(&r->ctx, -errno, "Can't stop task %d", tid);
		if (!err)
			err = trace_wait(r, tid, &status);
		if (err)
			return err;
	}
	return 0;
}

static int stop_task(struct restore *r, const struct task *t)
{
	int err = 0, stop = stop_signal_of(r, t), status;

	if (syscall(SYS_tgkill, t->pid, t->pid, SIGSTOP))
		return cr_fail_errno(&r->ctx, -errno, "Can't stop task %d", t->pid);
	/* One after the other: once the leader has taken the signal the others stop before their first instruction. */
	for (size_t i = 0; i < t->nr_threads && !err; i++) {
		if (ptrace(PTRACE_CONT, t->threads[i].tid, NULL, 0))
			return cr_fail_errno(&r->ctx, -errno, "Can't stop task %d", t->threads[i].tid);
		err = trace_wait(r, t->threads[i].tid, &status);
		if (!err)
			err = reach_group_stop(r, t, t->threads[i].tid, stop, status);
	}
	return err;
}

static bool has_pending_sigchld(const struct restore_task *rt)
{
	const SignalQueueEntry *queue = rt->cores[0]->tc->signals_s;
	int32_t signo;

	for (size_t i = 0; queue && i < queue->n_signals; i++) {
		memcpy(&signo, queue->signals[i]->siginfo.data, sizeof(signo));
		if (signo == SIGCHLD)
			return true;
	}
	return false;
}

/*
 * Its children were stopped long ago: that they are stopped again must not be news. The parent itself takes the
 * signal, and waits for those that it had waited for (their exit_code is 0 then, else the signal that stopped them).
 */
static int hide_stops(struct restore *r, struct restore_task *rt)
{
	const uint64_t sigchld[4] = { rt->slot->sigchld_mask, 0, rt->slot->no_time, sizeof(uint64_t) };
	const struct task *child;
	bool any = false;
	long ret;
	int err = 0;

	list_for_each_entry (child, &rt->task->children, sibling) {
		const uint64_t wait[4] = { P_PID, child->pid, 0, WSTOPPED | WNOHANG | __WALL };

		if (err || !to_be_stopped(r, child))
			continue;
		any = true;
		if (!restore_of(child)->cores[0]->tc->exit_code)
			err = remote_syscall(r, rt, SYS_waitid, wait, &ret);
	}
	if (err || !any || has_pending_sigchld(rt))
		return err;
	return remote_syscall(r, rt, SYS_rt_sigtimedwait, sigchld, &ret);
}

/* -------------------------------------------------------------------------------------------------------------- */

static int finalize_task(struct restore *r, struct task *t, struct xstate *x)
{
	struct restore_task *rt = restore_of(t);
	int err;

	err = hide_stops(r, rt);
	/* Those that it shares its memory with stand behind it in the list, so that they have been here before. */
	if (!err && !is_guest(rt, SHARE_VM))
		err = unmap_region(r, rt);
	if (!err)
		err = attributes_restore_process(&r->ctx, attributes_of(r->attributes, t->pid), t->pid,
						 &r->own_attributes, !rt->outside_sid);
	for (size_t i = 0; i < t->nr_threads && !err; i++)
		err = finalize_thread(r, rt, i, x);
	if (!err && to_be_stopped(r, t))
		err = stop_task(r, t);
	/* Only now: on the way to the stop other signals that wait would be taken, and lost. */
	for (size_t i = 0; i < t->nr_threads && !err; i++)
		err = set_signal_mask(r, rt, i);
	return err;
}

int finalize_tasks(struct restore *r)
{
	_cleanup_free_ void *buf = malloc(XSTATE_MAX);
	struct xstate x = { buf, XSTATE_MAX };
	struct list_head *node;
	int err = 0;

	if (!buf)
		return -ENOMEM;
	/* Children first, so that their stopping can be dropped where it arrives. */
	for (node = r->tree.tasks.prev; node != &r->tree.tasks && !err; node = node->prev) {
		struct task *t = list_entry(node, struct task, node);

		if (task_lives(t))
			err = finalize_task(r, t, &x);
	}
	return err;
}
