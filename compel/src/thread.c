/* SPDX-License-Identifier: GPL-2.0 */
/* The state of a stopped thread: saved, restored, let go. */
#include <elf.h>
#include <errno.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/uio.h>

#include "arch-ops.h"
#include "internal.h"

/* The kernel's struct rseq and struct rseq_cs, as far as needed. */
struct rseq_head {
	uint32_t cpu_id_start, cpu_id;
	uint64_t rseq_cs;
};
struct rseq_cs {
	uint32_t version, flags;
	uint64_t start_ip, post_commit_offset, abort_ip;
};

/*
 * A restartable sequence that was preempted must go on at its abort handler. The kernel sees to it by the instruction
 * pointer when it returns to user mode; once we've made the thread run somewhere else, it has forgotten.
 */
static int abort_rseq(struct compel_thread *th)
{
	struct compel_rseq conf;
	struct rseq_head head;
	struct rseq_cs cs;
	unsigned long ip = compel_regs_ip(&th->regs);
	uint32_t signature;
	int err = compel_get_rseq(th->tid, &conf);

	if (err)
		return err == -EIO || err == -EINVAL ? 0 : err; /* a kernel without rseq */
	/* What can't be read or is invalid kills the task when it goes on, with or without us. */
	if (!conf.addr || compel_peek(th->tid, conf.addr, &head, sizeof(head)) || !head.rseq_cs)
		return 0;
	if (compel_peek(th->tid, head.rseq_cs, &cs, sizeof(cs)) || cs.version ||
	    ip - cs.start_ip >= cs.post_commit_offset)
		return 0;
	if (compel_peek(th->tid, cs.abort_ip - sizeof(signature), &signature, sizeof(signature)) ||
	    signature != conf.signature)
		return 0;
	arch_set_ip(&th->regs, cs.abort_ip);
	return 0;
}

int compel_thread_save(struct compel_thread *th, pid_t tid, const struct compel_stop *stop)
{
	struct iovec iov = { .iov_base = &th->regs, .iov_len = sizeof(th->regs) };
	int err;

	memset(th, 0, sizeof(*th));
	th->tid = tid;
	th->kind = stop->kind;
	th->stop_sig = stop->sig;
	if (ptrace(PTRACE_GETREGSET, tid, NT_PRSTATUS, &iov) < 0)
		return compel_fail(&th->error, -errno, "Can't get registers of %d: %s", tid, strerror(errno));
	if (!arch_supported(&th->regs, iov.iov_len))
		return compel_fail(&th->error, -ENOTSUP, "Task %d runs 32-bit code, which isn't supported", tid);
	if (stop->kind == COMPEL_STOP_TRAP)
		arch_continue_wait(&th->regs);
	err = compel_get_sigmask(tid, &th->sigmask);
	if (err)
		return compel_fail(&th->error, err, "Can't get the signal mask of %d: %s", tid, strerror(-err));
	th->cur_sigmask = th->sigmask;
	err = abort_rseq(th);
	if (err)
		return compel_fail(&th->error, err, "Can't get the rseq state of %d: %s", tid, strerror(-err));
	return 0;
}

int compel_thread_restore(struct compel_thread *th)
{
	int err;

	if (th->running)
		return compel_fail(&th->error, -EBUSY, "Task %d runs a command", th->tid);
	err = compel_set_regs(th->tid, &th->regs);
	if (err)
		return compel_fail(&th->error, err, "Can't restore registers of %d: %s", th->tid, strerror(-err));
	if (th->cur_sigmask != th->sigmask) {
		err = compel_set_sigmask(th->tid, th->sigmask);
		if (err)
			return compel_fail(&th->error, err, "Can't restore the signal mask of %d: %s", th->tid,
					   strerror(-err));
		th->cur_sigmask = th->sigmask;
	}
	return 0;
}

/* The kernel itself puts a task of a stopped process back to its stop, and restarts the interrupted system call. */
int compel_detach(struct compel_thread *th)
{
	int err = compel_thread_restore(th);

	if (err)
		return err;
	if (ptrace(PTRACE_DETACH, th->tid, 0, 0) < 0)
		return compel_fail(&th->error, -errno, "Can't detach from %d: %s", th->tid, strerror(errno));
	return 0;
}
