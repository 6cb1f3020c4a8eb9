/* SPDX-License-Identifier: GPL-2.0 */
/* Processes that share something, made by clone(2), and steps that they take in turns. */
#ifndef SHARING_H
#define SHARING_H

#include <sched.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "zdtm.h"

/* As fork(2), but that FLAGS (CLONE_FILES, CLONE_FS) are shared. */
static inline pid_t fork_sharing(unsigned long flags)
{
	return MUST(syscall(SYS_clone, flags | SIGCHLD, NULL, NULL, NULL, NULL));
}

/* clone(2) on a new stack, for CLONE_VM. FN doesn't return. */
static inline pid_t clone_on_stack(int (*fn)(void *), int flags)
{
	const size_t size = 256 << 10;
	char *stack = MUST(mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0));

	return MUST(clone(fn, stack + size, flags, NULL));
}

/* Counters that all processes see which are made after this; [0] is that of who is ready. */
static inline volatile int *make_steps(void)
{
	return MUST(mmap(NULL, TEST_PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
}

static inline void take_step(volatile int *step)
{
	__atomic_add_fetch(step, 1, __ATOMIC_SEQ_CST);
}

static inline void wait_step(volatile int *step, int value)
{
	while (*step < value)
		usleep(2000);
}

#endif
