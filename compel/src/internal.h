/* SPDX-License-Identifier: GPL-2.0 */
#ifndef COMPEL_INTERNAL_H
#define COMPEL_INTERNAL_H

#include <compel/compel.h>

/* Fill in an error and return @err, which is -errno. */
int compel_fail(struct compel_error *error, int err, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* waitpid() for one task, with interruptions retried. -ECHILD: not ours. */
int compel_wait_one(pid_t tid, int options, int *ret_status);

/* State letter of /proc/TID/stat; -ESRCH: there's none. */
int compel_task_state(pid_t tid);

/* Gone, or a zombie? */
bool compel_is_dead(pid_t tid);

/* A set of signals of /proc/TID/status, @name is "SigIgn:" or the like. */
int compel_status_signals(pid_t tid, const char *name, uint64_t *ret);

/* Where a run ends: at a breakpoint, or at the end of a system call for tasks that care about SIGTRAP. */
enum run_end {
	RUN_END_TRAP,
	RUN_END_SYSCALL,
};

/* Set registers and signal mask and let the thread go; run_finish() returns when its ip is @end_ip. */
int run_start(struct compel_thread *th, const compel_regs_t *regs, unsigned long end_ip, enum run_end end);
int run_finish(struct compel_thread *th, compel_regs_t *ret_regs);

/*
 * Was the system call that has just ended not made at all, but answered by SIGSYS? A seccomp filter does so, and the
 * call's number is then what seems to be its result. Returns that as an error, and only after the task has taken it.
 */
int run_check_refused(struct compel_thread *th);

/* Find a syscall instruction and a zero byte in the task's memory. */
int site_find(struct compel_thread *th);

#endif
