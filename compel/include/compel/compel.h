/* SPDX-License-Identifier: GPL-2.0 */
/*
 * libcompel: stop tasks, run system calls and code of ours inside them, and leave no trace. See compel(1).
 *
 * Every function returns 0 or -errno. Nothing is logged; a text that says more stands in the compel_error of the
 * stop or thread that was passed. -ESRCH always means: the task is gone (killed or exited). -EPROTO: the task
 * stopped in a way that its state doesn't explain. No function keeps a pointer it was given, unless it says so.
 */
#ifndef COMPEL_COMPEL_H
#define COMPEL_COMPEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <compel/arch.h>
#include <compel/blob.h>

struct compel_error {
	int err; /* -errno, 0: no error yet */
	char text[192];
};

/* ---- stopping ------------------------------------------------------------------------------------------------ */

enum compel_seize_flags {
	COMPEL_SEIZE_EXITKILL = 1 << 0, /* the task dies with the tracer */
	/* Seccomp filters sleep while traced. Needs CAP_SYS_ADMIN and a tracer without filters: else -EPERM. */
	COMPEL_SEIZE_SUSPEND_SECCOMP = 1 << 1,
};

enum compel_stop_kind {
	COMPEL_STOP_TRAP = 1, /* was running or sleeping */
	COMPEL_STOP_GROUP,    /* was stopped by job control, sig tells by which signal */
	COMPEL_STOP_ZOMBIE,   /* is dead and waits for its parent; only together with -ESRCH */
};

struct compel_stop {
	enum compel_stop_kind kind;
	int sig;	 /* of COMPEL_STOP_GROUP: SIGSTOP, SIGTSTP, SIGTTIN or SIGTTOU */
	int exit_status; /* wait status if it died under our eyes */
	struct compel_error error;
};

/* PTRACE_SEIZE. @flags: enum compel_seize_flags. -EPERM, -ESRCH, -EINVAL (a flag is unknown). */
int compel_seize(pid_t tid, unsigned int flags);

/* Change the flags of a seized task that has stopped. */
int compel_set_flags(pid_t tid, unsigned int flags);

/* Ask a seized task to stop; doesn't wait, so that many tasks stop in parallel. */
int compel_interrupt(pid_t tid);

/*
 * Wait until an interrupted task has stopped. A signal that was just being delivered is put back into its queue with
 * its siginfo; a job-control stop is reported. -ESRCH: it died; ret_stop->kind tells a zombie.
 */
int compel_wait_stop(pid_t tid, struct compel_stop *ret_stop);

/* ---- a stopped thread ---------------------------------------------------------------------------------------- */

/* The caller owns it; opened by compel_thread_save(), read-only for others but for slot. */
struct compel_thread {
	pid_t tid;
	unsigned int slot; /* stack and argument slot that compel_call uses, see compel_infect_slots() */
	enum compel_stop_kind kind;
	int stop_sig;	    /* of COMPEL_STOP_GROUP */
	compel_regs_t regs; /* as they were when it stopped, and as they will be when it goes on */
	uint64_t sigmask;   /* its own mask of blocked signals */
	struct compel_error error;
	/* private */
	uint64_t cur_sigmask;	  /* what the kernel holds now */
	unsigned long syscall_ip; /* of a syscall instruction, 0: not looked for yet */
	unsigned long nul_addr;	  /* of a zero byte, found with it */
	bool by_trap;		  /* the code that runs ends in a breakpoint, not in a system call */
	bool in_entry;		  /* without by_trap: the next syscall stop is an exit */
	unsigned long end_ip;	  /* where it ends */
	bool foreign_trap;	  /* a SIGTRAP of somebody else came: no breakpoints any more */
	struct compel_blob_ctl *running;
};

/*
 * Record the state of a stopped thread. A restartable sequence (rseq) that the stop has broken is aborted here, as the
 * kernel would: regs then point at its abort handler. A system call that waits without a timeout and that the stop has
 * ended with EINTR is made to go on. -ENOTSUP: a 32-bit task.
 */
int compel_thread_save(struct compel_thread *th, pid_t tid, const struct compel_stop *stop);

/* Put registers and signal mask back to th->regs and th->sigmask. The thread stays stopped. */
int compel_thread_restore(struct compel_thread *th);

/* Restore, then let go. A task that job control had stopped stays stopped; an interrupted system call is restarted. */
int compel_detach(struct compel_thread *th);

/* The text of the last error of this thread, or of its errno; never NULL. */
const char *compel_strerror_detail(const struct compel_thread *th);

/* ---- state of a stopped task --------------------------------------------------------------------------------- */

int compel_get_regs(pid_t tid, compel_regs_t *ret);
int compel_set_regs(pid_t tid, const compel_regs_t *regs);
unsigned long compel_regs_ip(const compel_regs_t *regs);
unsigned long compel_regs_sp(const compel_regs_t *regs);

/* Extended state (FPU, SSE, AVX, …) in XSAVE format, of any size. -ENOSPC: *ret_size tells a size that is enough. */
int compel_get_xstate(pid_t tid, void *buf, size_t size, size_t *ret_size);
int compel_set_xstate(pid_t tid, const void *buf, size_t size);

/* Blocked signals; bit n-1 is signal n. For a task in sigsuspend() and the like: the mask it'll return to. */
int compel_get_sigmask(pid_t tid, uint64_t *ret);
int compel_set_sigmask(pid_t tid, uint64_t mask);

struct compel_rseq {
	uint64_t addr; /* 0: not registered */
	uint32_t size;
	uint32_t signature;
	uint32_t flags;
};
int compel_get_rseq(pid_t tid, struct compel_rseq *ret);

struct compel_syscall_info {
	int op;	       /* PTRACE_SYSCALL_INFO_{NONE,ENTRY,EXIT,SECCOMP} */
	uint32_t arch; /* AUDIT_ARCH_* */
	uint64_t ip, sp;
	uint64_t nr, args[6]; /* entry */
	int64_t rval;	      /* exit */
	bool is_error;
};
int compel_get_syscall_info(pid_t tid, struct compel_syscall_info *ret);

/* Copy memory of the task, all of it or -EFAULT. compel_poke() also writes where the task itself may not. */
int compel_peek(pid_t tid, unsigned long addr, void *buf, size_t len);
int compel_poke(pid_t tid, unsigned long addr, const void *buf, size_t len);

/* ---- running things in it ------------------------------------------------------------------------------------ */

/*
 * Let the thread make one system call, by an instruction found in its memory; it may unmap that very one. *ret_value:
 * what the kernel returned (-errno of the call included, so 0 is returned although the call failed). While it runs, all
 * signals are blocked. Calls with a restart block of their own (nanosleep, futex or poll with a timeout) would break
 * one that is interrupted: don't. -ENOEXEC: the task's executable memory holds no such instruction.
 */
int compel_syscall(struct compel_thread *th, long nr, long *ret_value, const unsigned long args[6]);

struct compel_blob_ctl;

/* The same with an instruction of an injected blob: half as many stops, so use it when there are many calls. */
int compel_syscall_in(struct compel_blob_ctl *ctl, struct compel_thread *th, long nr, long *ret_value,
		      const unsigned long args[6]);

/*
 * Map @blob, @args_size bytes of arguments and a stack into the process of @leader and into this one, as shared memory.
 * The blob must contain compel's head (see compel-blob in Makefile.inc). No descriptor stays open in the task.
 * @leader must stay valid until compel_cure(). Free with compel_cure() or, if the task is gone, compel_forget().
 */
int compel_infect(struct compel_thread *leader, const struct compel_blob *blob, size_t args_size,
		  struct compel_blob_ctl **ret);

/* The same with @nr_slots stacks and argument areas, so that as many threads can run the blob at once. */
int compel_infect_slots(struct compel_thread *leader, const struct compel_blob *blob, size_t args_size,
			unsigned int nr_slots, struct compel_blob_ctl **ret);

/* Arguments of slot 0 / of a slot: our address of it, or NULL if @size is more than args_size. */
void *compel_args(struct compel_blob_ctl *ctl, size_t size);
void *compel_args_of(struct compel_blob_ctl *ctl, unsigned int slot, size_t size);

/* Addresses in the task of something in the shared region, and here of a blob's symbol offset. */
unsigned long compel_remote_addr(const struct compel_blob_ctl *ctl, const void *local);
void *compel_local_addr(struct compel_blob_ctl *ctl, unsigned long blob_offset);

/* Where the region lies in the task: bytes [start, end), so that a dump can leave it out. */
void compel_region(const struct compel_blob_ctl *ctl, unsigned long *ret_start, unsigned long *ret_end);

/*
 * Run `int parasite_entry(unsigned int cmd, void *args)` of the blob in @th, any saved thread of the process, on the
 * stack and with the arguments of th->slot. *ret_value: what it returned. -EBUSY: the slot or thread is in use.
 * -EFAULT: the blob caused a signal, the text tells which and where; the kernel has then reset the process's handler of
 * that signal. th->regs isn't touched. Waits for as long as the command runs.
 */
int compel_call(struct compel_blob_ctl *ctl, struct compel_thread *th, unsigned int cmd, int *ret_value);

/* The same in two halves, so that several threads and processes run at once. Finish each that was started. */
int compel_call_start(struct compel_blob_ctl *ctl, struct compel_thread *th, unsigned int cmd);
int compel_call_finish(struct compel_blob_ctl *ctl, struct compel_thread *th, int *ret_value);

/*
 * Unmap the region in the task and here, and free @ctl (also on error). Threads must not be inside of the blob.
 * Registers and signal masks come back with compel_thread_restore() or compel_detach().
 */
int compel_cure(struct compel_blob_ctl *ctl);

/* Unmap and free our side only: the task has died or replaced its memory. */
void compel_forget(struct compel_blob_ctl *ctl);

#endif
