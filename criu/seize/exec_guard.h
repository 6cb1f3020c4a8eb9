/* SPDX-License-Identifier: GPL-2.0 */
/*
 * execve(2) in a process with threads waits until the others are dead and their tracer has been told; PTRACE_SEIZE of
 * the thread that calls it waits for execve(2). A tracer that has stopped some threads and goes on to such a one would
 * wait for ever, so tracees that have died are collected from a timer's signal handler meanwhile.
 */
#ifndef CRIU_SEIZE_EXEC_GUARD_H
#define CRIU_SEIZE_EXEC_GUARD_H

#include <signal.h>

/* What is put back. */
struct exec_guard {
	struct sigaction action;
	sigset_t mask;
};

/*
 * Between these two the process may have no children but tracees, since any that ends is collected; SIGALRM and
 * ITIMER_REAL are taken. See setitimer(2). 0 or -errno.
 */
int exec_guard_begin(struct exec_guard *guard);
void exec_guard_end(struct exec_guard *guard);

#endif
