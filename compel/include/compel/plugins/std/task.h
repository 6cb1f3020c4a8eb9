/* SPDX-License-Identifier: GPL-2.0 */
#ifndef COMPEL_PLUGINS_STD_TASK_H
#define COMPEL_PLUGINS_STD_TASK_H

#include <stddef.h>

/*
 * clone3(2) for a child with a stack of its own: the child calls fn(arg) on it and exits (the thread, not the process)
 * with what that returns. @args: struct clone_args of @size bytes. Returns the child's id or -errno.
 */
long std_clone3(void *args, size_t size, int (*fn)(void *), void *arg);

/* rt_sigreturn(2) from the signal frame that starts at @frame, the address of its struct ucontext. */
__attribute__((noreturn)) void std_sigreturn(void *frame);

#endif
